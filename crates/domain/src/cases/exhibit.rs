//! One exhibit (私貨 in the evidence store): seizure receipt, custody and where each piece went.
//! Invariant, line by line: seized + found = on hand + out + returned + sold + bought back +
//! destroyed + court + missing. A count is a fact: what it finds wanting is `missing`, never erased.
//! Limits: 64 lines, quantities of 1 to 999,999,999,999.

use lian_core::{
    hash::Digest,
    json::{Fields, SchemaError, Value},
};

use super::{
    Around, Contradiction,
    ids::{
        Actor, CaseNo, ExhibitNo, Mark, amount, date, date_or_null, day, id, kept_sum, list, money, names,
        nullable_day, nullable_id, objects, sealed, text, text_or_null,
    },
};
use crate::{
    context::{Context, Signer},
    dates::Day,
    guarantee::Code,
    money::Twd,
    refusal::Refusal,
};

/// Lines of one receipt.
pub const LINES_MAX: usize = 64;
/// Most of one line in one event.
const QUANTITY_MAX: u64 = 999_999_999_999;
/// Most of one line in a state: what JSON holds exactly.
const HELD_MAX: u64 = (1 << 53) - 1;

names! {
    /// Where goods went for good.
    Way {
        /// 發還.
        Returned = "returned",
        /// 標售.
        Sold = "sold",
        /// 備款購回.
        BoughtBack = "bought_back",
        /// 銷毀.
        Destroyed = "destroyed",
        /// To the court or the prosecutor's office.
        Court = "court",
    }
}

names! {
    /// Why goods may be sold or destroyed.
    Basis {
        /// A decision confiscated them.
        Confiscated = "confiscated",
        /// They spoil.
        Perishable = "perishable",
        /// They cannot be kept safely.
        Dangerous = "dangerous",
        /// The owner gave them up.
        Abandoned = "abandoned",
        /// Nobody claimed them in time.
        Overdue = "overdue",
    }
}

/// One line of the seizure receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub goods: Code,
    /// Counted in what, such as `KGM`.
    pub unit: Mark,
    /// How much.
    pub quantity: u64,
}

/// The seizure receipt (緝私條例 §22).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seizure {
    /// Number, the tail of the stream.
    pub no: ExhibitNo,
    /// The case it belongs to.
    pub case: CaseNo,
    /// 扣押憑單號碼.
    pub receipt: Mark,
    /// When.
    pub seized_on: Day,
    /// Where.
    pub place: Mark,
    /// By whom; the first custodian.
    pub officer: Actor,
    /// Seal.
    pub seal: Mark,
    /// Owner or holder of the goods, if a natural person.
    pub owner: Option<Digest>,
    /// The goods; a line's number is its place, from 1.
    pub items: Vec<Item>,
}

/// So much of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Number of the line, from 1.
    pub line: usize,
    /// How much.
    pub quantity: u64,
}

/// One fact in the stream of an exhibit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExhibitEvent {
    /// Seized, under a receipt.
    Seized(Box<Seizure>),
    /// In the custody of this actor now, at this place, under this seal.
    Transferred(Actor, Mark, Mark),
    /// Out for a while, for this purpose, to this place.
    MovedOut(Vec<Part>, Code, Mark),
    /// Back, under this seal.
    MovedIn(Vec<Part>, Mark),
    /// This seal was found, and whole or not. A fact.
    SealChecked(Mark, bool),
    /// So much of each line was found. A fact.
    Counted(Vec<Part>),
    /// A decision confiscated the goods.
    Confiscated,
    /// On the list of this auction.
    AuctionListed(Mark),
    /// Gone for good; a price where one was paid, a basis where one is needed.
    Gone(Way, Vec<Part>, Option<Twd>, Option<Basis>),
}

/// What became of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As seized.
    pub item: Item,
    /// Found by counts beyond what was known.
    pub found: u64,
    /// In the store.
    pub on_hand: u64,
    /// Out for a while.
    pub out: u64,
    /// Wanting at a count.
    pub missing: u64,
    /// Gone, by [`Way::ALL`].
    pub gone: [u64; 5],
}

impl Line {
    /// What came in.
    pub fn total_in(&self) -> u64 {
        self.item.quantity.saturating_add(self.found)
    }

    /// in = out + on hand.
    pub fn is_conserved(&self) -> bool {
        let parts = [self.on_hand, self.out, self.missing].into_iter().chain(self.gone);
        let sum = parts.map(u128::from).sum::<u128>();
        sum == u128::from(self.item.quantity) + u128::from(self.found)
    }

    fn is_settled(&self) -> bool {
        self.on_hand == 0 && self.out == 0 && self.missing == 0
    }
}

/// An exhibit that was seized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exhibit {
    /// Number.
    pub no: ExhibitNo,
    /// The case it belongs to.
    pub case: CaseNo,
    /// 扣押憑單號碼.
    pub receipt: Mark,
    /// When it was seized.
    pub seized_on: Day,
    /// First change of custody: into the store.
    pub stored_on: Option<Day>,
    /// Where it is.
    pub place: Mark,
    /// Who answers for it.
    pub custodian: Actor,
    /// The seal it should bear.
    pub seal: Mark,
    /// Checks that found another seal or a broken one.
    pub seal_faults: u64,
    /// Confiscated.
    pub confiscated_on: Option<Day>,
    /// The auction on whose list it is.
    pub auction: Option<Mark>,
    /// What sales and buying back brought.
    pub proceeds: Twd,
    /// The goods.
    pub lines: Vec<Line>,
}

pub(super) fn parse(
    act: &str,
    no: ExhibitNo,
    fields: &mut Fields<'_, '_>,
) -> Result<ExhibitEvent, SchemaError> {
    Ok(match act {
        "seized" => ExhibitEvent::Seized(Box::new(seizure(no, fields)?)),
        "transferred" => {
            ExhibitEvent::Transferred(id(fields, "custodian")?, id(fields, "place")?, id(fields, "seal")?)
        }
        "moved_out" => ExhibitEvent::MovedOut(parts(fields, 1)?, id(fields, "purpose")?, id(fields, "to")?),
        "moved_in" => ExhibitEvent::MovedIn(parts(fields, 1)?, id(fields, "seal")?),
        "seal_checked" => ExhibitEvent::SealChecked(id(fields, "seal")?, fields.truth("intact")?),
        "counted" => ExhibitEvent::Counted(parts(fields, 0)?),
        "confiscated" => ExhibitEvent::Confiscated,
        "auction_listed" => ExhibitEvent::AuctionListed(id(fields, "auction")?),
        "sold" => {
            let (parts, basis) = (parts(fields, 1)?, id(fields, "basis")?);
            sealed(fields, "buyer")?;
            ExhibitEvent::Gone(Way::Sold, parts, Some(amount(fields, "price")?), Some(basis))
        }
        "bought_back" => {
            sealed(fields, "buyer")?;
            ExhibitEvent::Gone(Way::BoughtBack, parts(fields, 1)?, Some(amount(fields, "price")?), None)
        }
        "destroyed" => {
            ExhibitEvent::Gone(Way::Destroyed, parts(fields, 1)?, None, Some(id(fields, "basis")?))
        }
        "handed_to_court" => {
            let _: (Mark, Mark) = (id(fields, "court")?, id(fields, "document")?);
            ExhibitEvent::Gone(Way::Court, parts(fields, 1)?, None, None)
        }
        "returned" => {
            sealed(fields, "to")?;
            ExhibitEvent::Gone(Way::Returned, parts(fields, 1)?, None, None)
        }
        _ => return Err(SchemaError::new("", "is of no kind that an exhibit knows")),
    })
}

fn seizure(no: ExhibitNo, fields: &mut Fields<'_, '_>) -> Result<Seizure, SchemaError> {
    let item = |fields: &mut Fields<'_, '_>| {
        Ok(Item { goods: id(fields, "goods")?, unit: id(fields, "unit")?, quantity: quantity(fields, 1)? })
    };
    Ok(Seizure {
        no,
        case: id(fields, "case")?,
        receipt: id(fields, "receipt")?,
        seized_on: day(fields, "on")?,
        place: id(fields, "place")?,
        officer: id(fields, "officer")?,
        seal: id(fields, "seal")?,
        owner: sealed(fields, "owner")?,
        items: objects(fields, "items", 1..=LINES_MAX, item)?,
    })
}

fn quantity(fields: &mut Fields<'_, '_>, least: u64) -> Result<u64, SchemaError> {
    let quantity = fields.number("quantity")?;
    let fits = (least..=QUANTITY_MAX).contains(&quantity);
    if fits {
        Ok(quantity)
    } else {
        Err(SchemaError::new("quantity", format!("must be {least} to {QUANTITY_MAX}")))
    }
}

fn parts(fields: &mut Fields<'_, '_>, least: u64) -> Result<Vec<Part>, SchemaError> {
    let parts = objects(fields, "lines", 1..=LINES_MAX, |fields| {
        let line = usize::try_from(fields.number("line")?).ok().filter(|line| (1..=LINES_MAX).contains(line));
        let line = line.ok_or_else(|| SchemaError::new("line", "must be 1 to 64"))?;
        Ok(Part { line, quantity: quantity(fields, least)? })
    })?;
    let ascending = parts.is_sorted_by(|left, right| left.line < right.line);
    if ascending { Ok(parts) } else { Err(SchemaError::new("lines", "must ascend by line, each once")) }
}

/// Custody is given by whoever has it: a change of custodian has both signatures, or a supervisor's
/// in the place of a custodian who is not there.
pub(super) fn owner(state: Option<&Exhibit>, event: &ExhibitEvent, signers: &[Signer<'_>]) -> bool {
    let signs = |actor: &Actor, capacity: &str| {
        signers.iter().any(|signer| signer.capacity == capacity && signer.actor == actor.to_string())
    };
    match (event, state) {
        (ExhibitEvent::Seized(seizure), _) => signs(&seizure.officer, "officer"),
        (_, None) | (ExhibitEvent::SealChecked(..) | ExhibitEvent::Counted(_), _) => true,
        (ExhibitEvent::Transferred(to, ..), Some(state)) => {
            let gives =
                signs(&state.custodian, "officer") || signers.iter().any(|one| one.capacity == "supervisor");
            let hands = usize::from(*to != state.custodian) + 1;
            let present = signers.iter().filter(|one| matches!(one.capacity, "officer" | "supervisor"));
            gives && signs(to, "officer") && present.count() == hands
        }
        (_, Some(state)) => signs(&state.custodian, "officer"),
    }
}

pub(super) fn decide(
    state: Option<&Exhibit>,
    event: &ExhibitEvent,
    context: &Context<'_>,
    around: &dyn Around,
) -> Result<(), Refusal> {
    let guard = |holds: bool, refusal: Refusal| if holds { Ok(()) } else { Err(refusal) };
    if let ExhibitEvent::Seized(seizure) = event {
        guard(seizure.seized_on.number() <= context.today(), Refusal::DateAhead)?;
        return guard(state.is_none(), Refusal::ExhibitNumberTaken);
    }
    let state = state.ok_or(Refusal::UnknownExhibit)?;
    match event {
        ExhibitEvent::Seized(_) | ExhibitEvent::SealChecked(..) | ExhibitEvent::Transferred(..) => Ok(()),
        ExhibitEvent::MovedOut(parts, ..) => {
            guard(state.holds(parts, |line| line.on_hand), Refusal::NotOnHand)
        }
        ExhibitEvent::MovedIn(parts, _) => guard(state.holds(parts, |line| line.out), Refusal::NotOut),
        ExhibitEvent::Counted(parts) => {
            let known = state.holds(parts, |_| u64::MAX);
            guard(known, Refusal::NotOnHand)?;
            let fits = |part: &Part| {
                let line = &state.lines[part.line - 1];
                line.found.saturating_add(part.quantity).saturating_add(line.item.quantity) <= HELD_MAX
            };
            guard(parts.iter().all(fits), Refusal::ExhibitFull)
        }
        ExhibitEvent::Confiscated => {
            let decided = around.case(&state.case).is_some_and(|case| case.confiscates);
            guard(decided, Refusal::NotConfiscated)
        }
        ExhibitEvent::AuctionListed(_) => {
            guard(state.lines.iter().any(|line| line.on_hand > 0), Refusal::NotOnHand)
        }
        ExhibitEvent::Gone(way, parts, price, basis) => {
            guard(state.holds(parts, |line| line.on_hand), Refusal::NotOnHand)?;
            let confiscated = *basis != Some(Basis::Confiscated) || state.confiscated_on.is_some();
            guard(confiscated, Refusal::NotConfiscated)?;
            guard(*way != Way::Sold || state.auction.is_some(), Refusal::NotListed)?;
            guard(*way != Way::Destroyed || is_watched(context), Refusal::WitnessNotIndependent)?;
            let fits = price.is_none_or(|price| state.proceeds.checked_add(price).is_some());
            guard(fits, Refusal::ExhibitFull)
        }
    }
}

/// The witness of a destruction is of another unit, and another person, than the officer.
fn is_watched(context: &Context<'_>) -> bool {
    let find = |capacity: &str| context.signers.iter().find(|signer| signer.capacity == capacity);
    let (Some(officer), Some(witness)) = (find("officer"), find("witness")) else { return false };
    officer.unit != witness.unit && (officer.person.is_none() || officer.person != witness.person)
}

pub(super) fn evolve(
    state: Option<Exhibit>,
    event: &ExhibitEvent,
    today: Day,
) -> Result<Exhibit, Contradiction> {
    let Some(mut state) = state else {
        let ExhibitEvent::Seized(seizure) = event else {
            return Err(Contradiction("exhibit changed before its seizure"));
        };
        return Ok(Exhibit::seized(seizure));
    };
    match event {
        ExhibitEvent::Seized(_) => return Err(Contradiction("exhibit seized twice")),
        ExhibitEvent::Transferred(custodian, place, seal) => {
            state.stored_on = state.stored_on.or(Some(today));
            (state.custodian, state.place, state.seal) = (custodian.clone(), place.clone(), seal.clone());
        }
        ExhibitEvent::MovedOut(parts, ..) => state.each(parts, |line, quantity| {
            line.on_hand = line.on_hand.checked_sub(quantity)?;
            line.out = line.out.checked_add(quantity)?;
            Some(())
        })?,
        ExhibitEvent::MovedIn(parts, seal) => {
            state.seal = seal.clone();
            state.each(parts, |line, quantity| {
                line.out = line.out.checked_sub(quantity)?;
                line.on_hand = line.on_hand.checked_add(quantity)?;
                Some(())
            })?;
        }
        ExhibitEvent::SealChecked(seal, intact) => {
            state.seal_faults += u64::from(!intact || *seal != state.seal);
        }
        ExhibitEvent::Counted(parts) => state.each(parts, counted)?,
        ExhibitEvent::Confiscated => state.confiscated_on = state.confiscated_on.or(Some(today)),
        ExhibitEvent::AuctionListed(auction) => state.auction = Some(auction.clone()),
        ExhibitEvent::Gone(way, parts, price, _) => {
            state.each(parts, |line, quantity| {
                line.on_hand = line.on_hand.checked_sub(quantity)?;
                let gone = line.gone.get_mut(*way as usize)?;
                *gone = gone.checked_add(quantity)?;
                Some(())
            })?;
            let proceeds = state.proceeds.checked_add(price.unwrap_or(Twd::ZERO));
            state.proceeds = proceeds.ok_or(Contradiction("exhibit brought more than can be held"))?;
        }
    }
    Ok(state)
}

/// What is wanting is missing; what is there beyond the books was missing, or is found.
fn counted(line: &mut Line, quantity: u64) -> Option<()> {
    if quantity < line.on_hand {
        line.missing = line.missing.checked_add(line.on_hand - quantity)?;
    } else {
        let more = quantity - line.on_hand;
        let back = more.min(line.missing);
        line.missing -= back;
        line.found = line.found.checked_add(more - back)?;
    }
    line.on_hand = quantity;
    Some(())
}

impl Exhibit {
    fn seized(seizure: &Seizure) -> Self {
        let line = |item: &Item| Line {
            item: item.clone(),
            found: 0,
            on_hand: item.quantity,
            out: 0,
            missing: 0,
            gone: [0; 5],
        };
        Self {
            no: seizure.no.clone(),
            case: seizure.case.clone(),
            receipt: seizure.receipt.clone(),
            seized_on: seizure.seized_on,
            stored_on: None,
            place: seizure.place.clone(),
            custodian: seizure.officer.clone(),
            seal: seizure.seal.clone(),
            seal_faults: 0,
            confiscated_on: None,
            auction: None,
            proceeds: Twd::ZERO,
            lines: seizure.items.iter().map(line).collect(),
        }
    }

    /// True if the case may be closed: confiscated, or every piece went where the law sends it.
    /// What is missing went nowhere, so it keeps the case open.
    pub fn is_settled(&self) -> bool {
        self.confiscated_on.is_some() || self.lines.iter().all(Line::is_settled)
    }

    /// True if a seal was found wrong or a count found something wanting: the view turns red.
    pub fn is_alarming(&self) -> bool {
        self.seal_faults > 0 || self.lines.iter().any(|line| line.missing > 0)
    }

    fn holds(&self, parts: &[Part], of: impl Fn(&Line) -> u64) -> bool {
        let has = |part: &Part| self.lines.get(part.line - 1).is_some_and(|line| of(line) >= part.quantity);
        parts.iter().all(has)
    }

    fn each(
        &mut self,
        parts: &[Part],
        change: impl Fn(&mut Line, u64) -> Option<()>,
    ) -> Result<(), Contradiction> {
        for part in parts {
            let line = self.lines.get_mut(part.line - 1);
            line.and_then(|line| change(line, part.quantity))
                .ok_or(Contradiction("exhibit gave more than it holds"))?;
        }
        Ok(())
    }

    pub(super) fn to_value(&self) -> Value<'static> {
        Value::object([
            ("auction", text_or_null(self.auction.as_ref())),
            ("case", text(&self.case)),
            ("confiscated_on", date_or_null(self.confiscated_on)),
            ("custodian", text(&self.custodian)),
            ("lines", list(&self.lines, line_value)),
            ("no", text(&self.no)),
            ("place", text(&self.place)),
            ("proceeds", money(self.proceeds)),
            ("receipt", text(&self.receipt)),
            ("seal", text(&self.seal)),
            ("seal_faults", Value::number(self.seal_faults)),
            ("seized_on", date(self.seized_on)),
            ("stored_on", date_or_null(self.stored_on)),
        ])
    }

    pub(super) fn read(fields: &mut Fields<'_, '_>) -> Result<Self, SchemaError> {
        Ok(Self {
            no: id(fields, "no")?,
            case: id(fields, "case")?,
            receipt: id(fields, "receipt")?,
            seized_on: day(fields, "seized_on")?,
            stored_on: nullable_day(fields, "stored_on")?,
            place: id(fields, "place")?,
            custodian: id(fields, "custodian")?,
            seal: id(fields, "seal")?,
            seal_faults: fields.number("seal_faults")?,
            confiscated_on: nullable_day(fields, "confiscated_on")?,
            auction: nullable_id(fields, "auction")?,
            proceeds: kept_sum(fields, "proceeds")?,
            lines: objects(fields, "lines", 1..=LINES_MAX, line)?,
        })
    }
}

fn line_value(line: &Line) -> Value<'static> {
    let fixed = [
        ("found", Value::number(line.found)),
        ("goods", text(&line.item.goods)),
        ("missing", Value::number(line.missing)),
        ("on_hand", Value::number(line.on_hand)),
        ("out", Value::number(line.out)),
        ("quantity", Value::number(line.item.quantity)),
        ("unit", text(&line.item.unit)),
    ];
    let gone = Way::ALL.iter().map(|way| (way.name(), Value::number(line.gone[*way as usize])));
    Value::object(fixed.into_iter().chain(gone))
}

fn line(fields: &mut Fields<'_, '_>) -> Result<Line, SchemaError> {
    let mut gone = [0; 5];
    for way in Way::ALL {
        gone[*way as usize] = fields.number(way.name())?;
    }
    let line = Line {
        item: Item { goods: id(fields, "goods")?, unit: id(fields, "unit")?, quantity: quantity(fields, 1)? },
        found: fields.number("found")?,
        on_hand: fields.number("on_hand")?,
        out: fields.number("out")?,
        missing: fields.number("missing")?,
        gone,
    };
    if line.is_conserved() {
        Ok(line)
    } else {
        Err(SchemaError::new("on_hand", "must make the line add up to what was seized and found"))
    }
}
