//! What is known of a guarantee after some events, and the questions that can be asked of it.
//! Invariant: `outstanding`, `settled` and `held` are the sums over the open draws; `State::update`
//! and `State::remove` are the only places that change a draw, so they cannot drift.
//! Compact: a closed draw leaves nothing but its part in the totals.

use std::collections::BTreeMap;

use lian_core::{
    hash::{Digest, sha256},
    json::{Fields, SchemaError, Value},
    time::parse_day,
};

use super::{
    event::{Nature, Purpose, Request, Scope},
    evolve::{Contradiction, difference, sum},
};
use crate::{
    context::Context,
    dates::Day,
    ids::{BankCode, BranchCode, DeclarationNo, GuaranteeNo, Ubn},
    money::Twd,
    rules::{read_tax_types, tax_types_value},
};

/// The state that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The bank sent Request.
    Requested,
    /// Customs sent Accept.
    Active,
    /// The bank sent Suspend: run-off, no new draws.
    Suspended,
    /// Customs sent Close. Ended.
    Closed,
    /// Customs did not accept. Ended.
    Rejected,
    /// The bank suspended before Accept. Ended.
    Withdrawn,
}

impl Status {
    const NAMES: [(Self, &'static str); 6] = [
        (Self::Requested, "requested"),
        (Self::Active, "active"),
        (Self::Suspended, "suspended"),
        (Self::Closed, "closed"),
        (Self::Rejected, "rejected"),
        (Self::Withdrawn, "withdrawn"),
    ];

    /// The name in the state's JSON.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(status, _)| *status == self).map_or("", |(_, name)| name)
    }

    fn parse(text: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, name)| *name == text).map(|(status, _)| *status)
    }

    /// True if no command is possible any more.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Closed | Self::Rejected | Self::Withdrawn)
    }
}

/// The state on a day: what a board shows. Computed, never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Waits for Accept.
    Requested,
    /// Accepted, but validity begins later.
    NotYetValid,
    /// May be drawn on.
    Active,
    /// Active, with nothing left to draw.
    Exhausted,
    /// Suspended and in run-off.
    Suspended,
    /// Validity is over; run-off.
    Expired,
    /// Ended.
    Closed,
    /// Ended.
    Rejected,
    /// Ended.
    Withdrawn,
}

impl Standing {
    /// Stable name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::NotYetValid => "not_yet_valid",
            Self::Active => "active",
            Self::Exhausted => "exhausted",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
            Self::Closed => "closed",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// An open draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// Number on this guarantee, from 1.
    pub number: u64,
    /// Who imports.
    pub importer: Ubn,
    /// What was drawn.
    pub amount: Twd,
    /// Sum of the later assessments; never below −amount.
    pub adjusted: i64,
    /// Surcharges.
    pub charges: Twd,
    /// Paid towards amount and adjustments.
    pub paid_tax: Twd,
    /// Paid towards charges.
    pub paid_charges: Twd,
    /// Frozen by pending claims.
    pub claimed: Twd,
    /// Last day to pay.
    pub due_on: Day,
    /// A deposit that is not assessed yet: the day from whose end the declared value stands.
    pub settle_by: Option<Day>,
}

impl Draw {
    /// Duty and taxes as assessed so far.
    pub fn tax(&self) -> Twd {
        let tax = self.amount.get().saturating_add_signed(self.adjusted);
        Twd::new(tax).unwrap_or(Twd::MAX)
    }

    /// Paid, of either part.
    pub fn paid(&self) -> Twd {
        self.paid_tax.checked_add(self.paid_charges).unwrap_or(Twd::MAX)
    }

    /// Still owed: amount + adjustments + charges − paid.
    pub fn due(&self) -> Twd {
        self.unpaid_tax().checked_add(self.charges.excess_over(self.paid_charges)).unwrap_or(Twd::MAX)
    }

    /// Duty and taxes still owed: what surcharges are computed from.
    pub fn unpaid_tax(&self) -> Twd {
        self.tax().excess_over(self.paid_tax)
    }

    /// Days late on `today`; 0 until the due day is over.
    pub fn days_late(&self, today: Day) -> u64 {
        u64::try_from(today.number() - self.due_on.number()).unwrap_or(0)
    }

    /// What pending claims hold although it is no longer due.
    fn held(&self) -> Twd {
        self.claimed.excess_over(self.due())
    }

    fn is_over(&self) -> bool {
        self.due().is_zero() && self.claimed.is_zero() && self.settle_by.is_none()
    }
}

/// A claim that the bank has not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Number on this guarantee, from 1.
    pub number: u64,
    /// Draws and the amounts frozen on them, ascending by declaration.
    pub draws: Vec<(DeclarationNo, Twd)>,
}

impl Claim {
    /// What the bank is asked to pay.
    pub fn amount(&self) -> Twd {
        let sum = self.draws.iter().try_fold(Twd::ZERO, |sum, (_, amount)| sum.checked_add(*amount));
        sum.unwrap_or(Twd::MAX)
    }
}

/// A guarantee that was requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// As requested, with limit and last day as amended and lowered since.
    pub(super) terms: Request,
    pub(super) status: Status,
    outstanding: Twd,
    settled: Twd,
    held: Twd,
    pub(super) called: Twd,
    pub(super) refunds: Twd,
    pub(super) strays: u64,
    pub(super) draws_made: u64,
    pub(super) claims_made: u64,
    draws: BTreeMap<DeclarationNo, Draw>,
    pub(super) claims: Vec<Claim>,
    unsecured: BTreeMap<DeclarationNo, Twd>,
    unsecured_sum: Twd,
}

impl State {
    pub(super) fn requested(request: Request) -> Self {
        Self {
            terms: request,
            status: Status::Requested,
            outstanding: Twd::ZERO,
            settled: Twd::ZERO,
            held: Twd::ZERO,
            called: Twd::ZERO,
            refunds: Twd::ZERO,
            strays: 0,
            draws_made: 0,
            claims_made: 0,
            draws: BTreeMap::new(),
            claims: Vec::new(),
            unsecured: BTreeMap::new(),
            unsecured_sum: Twd::ZERO,
        }
    }

    /// The request, with limit and last day as they are now.
    pub fn terms(&self) -> &Request {
        &self.terms
    }

    /// The guarantor.
    pub fn bank(&self) -> BankCode {
        self.terms.bank
    }

    /// The limit L now: as amended, less what was called.
    pub fn limit(&self) -> Twd {
        self.terms.limit
    }

    /// The stored status; [`State::standing`] is what a reader wants.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The status on a day.
    pub fn standing(&self, today: Day) -> Standing {
        match self.status {
            Status::Requested => Standing::Requested,
            Status::Closed => Standing::Closed,
            Status::Rejected => Standing::Rejected,
            Status::Withdrawn => Standing::Withdrawn,
            Status::Active | Status::Suspended if today > self.terms.to => Standing::Expired,
            Status::Suspended => Standing::Suspended,
            Status::Active if today < self.terms.from => Standing::NotYetValid,
            Status::Active if self.available().is_zero() => Standing::Exhausted,
            Status::Active => Standing::Active,
        }
    }

    /// O: the sum still owed on open draws.
    pub fn outstanding(&self) -> Twd {
        self.outstanding
    }

    /// A: what may still be drawn: limit less outstanding, less what claims hold beyond it.
    pub fn available(&self) -> Twd {
        self.limit().excess_over(self.outstanding).excess_over(self.held)
    }

    /// O − L where facts took the sum above the limit: cash to be demanded. More than nothing means
    /// OVER_LIMIT.
    pub fn over_limit(&self) -> Twd {
        self.outstanding.excess_over(self.limit())
    }

    /// What pending claims freeze.
    pub fn pending(&self) -> Twd {
        let sum = self.claims.iter().try_fold(Twd::ZERO, |sum, claim| sum.checked_add(claim.amount()));
        sum.unwrap_or(Twd::MAX)
    }

    /// Money that the bank has paid on claims.
    pub fn called(&self) -> Twd {
        self.called
    }

    /// Money paid beyond what was owed, to be given back.
    pub fn refunds(&self) -> Twd {
        self.refunds
    }

    /// Debts that facts reported when no open draw secured them, by declaration.
    pub fn unsecured(&self) -> impl Iterator<Item = (DeclarationNo, Twd)> {
        self.unsecured.iter().map(|(declaration, amount)| (*declaration, *amount))
    }

    /// Facts that named no open draw, or took a debt below zero: a view turns red.
    pub fn strays(&self) -> u64 {
        self.strays
    }

    /// Claims that wait for the bank, in the order made.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// Open draws, ascending by declaration.
    pub fn open_draws(&self) -> impl Iterator<Item = (DeclarationNo, &Draw)> {
        self.draws.iter().map(|(declaration, draw)| (*declaration, draw))
    }

    /// The open draw for a declaration.
    pub fn open_draw(&self, declaration: &DeclarationNo) -> Option<&Draw> {
        self.draws.get(declaration)
    }

    /// The surcharge on a draw as the law reckons it on the day of the context.
    pub fn surcharge(&self, declaration: &DeclarationNo, context: &Context<'_>) -> Option<Twd> {
        let draw = self.draws.get(declaration)?;
        let days = draw.days_late(Day::from_number(context.today()));
        let rules = context.rules;
        Twd::surcharge(draw.unpaid_tax(), days, rules.surcharge_per_10000, rules.surcharge_days_max)
    }

    /// Σ outstanding, paid on open draws, refunds, unsecured: no event adds more to it than its
    /// amount, so one guard on it keeps every sum of the state within what JSON holds.
    pub(super) fn booked(&self) -> u128 {
        let sums = [self.outstanding, self.settled, self.refunds, self.unsecured_sum];
        sums.iter().map(|sum| u128::from(sum.get())).sum()
    }

    /// A debt that no open draw secures.
    pub(super) fn owe(&mut self, declaration: DeclarationNo, amount: Twd) -> Result<(), Contradiction> {
        let owed = self.unsecured.get(&declaration).copied().unwrap_or_default();
        let owed = sum(owed, amount)?;
        self.unsecured_sum = sum(self.unsecured_sum, amount)?;
        self.unsecured.insert(declaration, owed);
        Ok(())
    }

    /// Lowers the unsecured debt of a declaration; returns what exceeds it.
    pub(super) fn meet(&mut self, declaration: DeclarationNo, amount: Twd) -> Result<Twd, Contradiction> {
        let owed = self.unsecured.get(&declaration).copied().unwrap_or_default();
        let met = owed.min(amount);
        self.unsecured_sum = difference(self.unsecured_sum, met)?;
        if met == owed {
            self.unsecured.remove(&declaration);
        } else {
            self.unsecured.insert(declaration, difference(owed, met)?);
        }
        difference(amount, met)
    }

    pub(super) fn insert(&mut self, declaration: DeclarationNo, draw: Draw) -> Result<(), Contradiction> {
        if self.draws.contains_key(&declaration) {
            return Err(Contradiction("draw twice for one declaration"));
        }
        self.add(&draw)?;
        self.draws.insert(declaration, draw);
        Ok(())
    }

    /// Changes an open draw; true if that closed it.
    pub(super) fn update(
        &mut self,
        declaration: &DeclarationNo,
        change: impl FnOnce(&mut Draw) -> Result<(), Contradiction>,
    ) -> Result<bool, Contradiction> {
        let mut draw = *self.draws.get(declaration).ok_or(Contradiction("change a draw that is not open"))?;
        self.subtract(&draw)?;
        change(&mut draw)?;
        if draw.is_over() {
            self.draws.remove(declaration);
            return Ok(true);
        }
        self.add(&draw)?;
        self.draws.insert(*declaration, draw);
        Ok(false)
    }

    pub(super) fn remove(&mut self, declaration: &DeclarationNo) -> Result<Draw, Contradiction> {
        let draw = self.draws.remove(declaration).ok_or(Contradiction("end a draw that is not open"))?;
        self.subtract(&draw)?;
        Ok(draw)
    }

    fn add(&mut self, draw: &Draw) -> Result<(), Contradiction> {
        let sums = [
            self.outstanding.checked_add(draw.due()),
            self.settled.checked_add(draw.paid()),
            self.held.checked_add(draw.held()),
        ];
        self.set_sums(sums)
    }

    fn subtract(&mut self, draw: &Draw) -> Result<(), Contradiction> {
        let sums = [
            self.outstanding.checked_sub(draw.due()),
            self.settled.checked_sub(draw.paid()),
            self.held.checked_sub(draw.held()),
        ];
        self.set_sums(sums)
    }

    fn set_sums(&mut self, sums: [Option<Twd>; 3]) -> Result<(), Contradiction> {
        let [Some(outstanding), Some(settled), Some(held)] = sums else {
            return Err(Contradiction("hold such sums"));
        };
        (self.outstanding, self.settled, self.held) = (outstanding, settled, held);
        Ok(())
    }
}

/// JSON: the members that the state digest is made of.
impl State {
    /// The state as canonical JSON members; nothing in it depends on the time of asking.
    pub fn to_value(&self) -> Value<'static> {
        let terms = &self.terms;
        let money = |sum: Twd| Value::number(sum.get());
        Value::object([
            ("bank", Value::text(terms.bank.to_string())),
            ("branch", Value::text(terms.branch.to_string())),
            ("called", money(self.called)),
            ("claims", Value::List(self.claims.iter().map(claim_value).collect())),
            ("claims_made", Value::number(self.claims_made)),
            ("debtor", Value::text(terms.debtor.to_string())),
            ("draws", Value::List(self.draws.iter().map(draw_value).collect())),
            ("draws_made", Value::number(self.draws_made)),
            ("from", Value::text(terms.from.to_string())),
            (
                "kind",
                Value::text(if terms.nature == Nature::Independent { "independent" } else { "accessory" }),
            ),
            ("limit", money(terms.limit)),
            ("no", Value::text(terms.no.to_string())),
            ("outstanding", money(self.outstanding)),
            ("purpose", Value::text(if terms.purpose == Purpose::Importer { "importer" } else { "broker" })),
            ("refunds", money(self.refunds)),
            ("scope", Value::text(terms.scope.spelling())),
            ("status", Value::text(self.status.name())),
            ("strays", Value::number(self.strays)),
            ("tax_types", tax_types_value(terms.tax_types)),
            ("terms", Value::text(terms.terms.to_hex())),
            ("to", Value::text(terms.to.to_string())),
            ("unsecured", Value::List(self.unsecured.iter().map(amount_value).collect())),
        ])
    }

    /// SHA-256("lian/state/v1\n" ‖ canonical bytes): goes into the epoch map.
    pub fn digest(&self) -> Digest {
        sha256(&[b"lian/state/v1\n", &self.to_value().write()])
    }

    /// The inverse of [`State::to_value`]: lets a fold go on from a state that was kept.
    pub fn from_value(value: &Value<'_>) -> Result<Self, SchemaError> {
        let mut fields = Fields::open(value)?;
        let mut state = Self::requested(read_terms(&mut fields)?);
        state.status = read(&mut fields, "status", Status::parse)?;
        state.called = read_money(&mut fields, "called")?;
        state.refunds = read_money(&mut fields, "refunds")?;
        state.strays = fields.number("strays")?;
        state.draws_made = fields.number("draws_made")?;
        state.claims_made = fields.number("claims_made")?;
        for item in fields.list("draws")? {
            let (declaration, draw) = read_draw(item).map_err(|error| error.inside("draws"))?;
            let fault = |_| SchemaError::new("draws", "must hold one draw a declaration, in bounds");
            state.insert(declaration, draw).map_err(fault)?;
        }
        for item in fields.list("claims")? {
            state.claims.push(read_claim(item).map_err(|error| error.inside("claims"))?);
        }
        for item in fields.list("unsecured")? {
            let (declaration, amount) = read_amount(item).map_err(|error| error.inside("unsecured"))?;
            let fault = |_| SchemaError::new("unsecured", "must be in bounds");
            state.owe(declaration, amount).map_err(fault)?;
        }
        if read_money(&mut fields, "outstanding")? != state.outstanding {
            return Err(SchemaError::new("outstanding", "must be the sum of what the draws owe"));
        }
        fields.close()?;
        if state.to_value() == *value {
            Ok(state)
        } else {
            Err(SchemaError::new("", "must be in the one order"))
        }
    }
}

fn amount_value((declaration, amount): (&DeclarationNo, &Twd)) -> Value<'static> {
    Value::object([
        ("amount", Value::number(amount.get())),
        ("declaration", Value::text(declaration.to_string())),
    ])
}

fn claim_value(claim: &Claim) -> Value<'static> {
    let draws = claim.draws.iter().map(|(declaration, amount)| amount_value((declaration, amount)));
    Value::object([("claim", Value::number(claim.number)), ("draws", Value::List(draws.collect()))])
}

fn draw_value((declaration, draw): (&DeclarationNo, &Draw)) -> Value<'static> {
    let money = |sum: Twd| Value::number(sum.get());
    let mut members = vec![
        ("adjusted", Value::Int(draw.adjusted)),
        ("amount", money(draw.amount)),
        ("charges", money(draw.charges)),
        ("claimed", money(draw.claimed)),
        ("declaration", Value::text(declaration.to_string())),
        ("draw", Value::number(draw.number)),
        ("due_on", Value::text(draw.due_on.to_string())),
        ("importer", Value::text(draw.importer.to_string())),
        ("paid_charges", money(draw.paid_charges)),
        ("paid_tax", money(draw.paid_tax)),
    ];
    if let Some(day) = draw.settle_by {
        members.push(("settle_by", Value::text(day.to_string())));
    }
    Value::object(members)
}

fn read_terms(fields: &mut Fields) -> Result<Request, SchemaError> {
    Ok(Request {
        no: read(fields, "no", GuaranteeNo::parse)?,
        bank: read(fields, "bank", BankCode::parse)?,
        branch: read(fields, "branch", BranchCode::parse)?,
        debtor: read(fields, "debtor", Ubn::parse)?,
        purpose: read(fields, "purpose", |text| match text {
            "importer" => Some(Purpose::Importer),
            "broker" => Some(Purpose::Broker),
            _ => None,
        })?,
        scope: read(fields, "scope", Scope::parse)?,
        limit: read_money(fields, "limit")?,
        from: read(fields, "from", read_day)?,
        to: read(fields, "to", read_day)?,
        nature: read(fields, "kind", |text| match text {
            "independent" => Some(Nature::Independent),
            "accessory" => Some(Nature::Accessory),
            _ => None,
        })?,
        tax_types: read_tax_types(fields.list("tax_types")?, "tax_types")?,
        terms: fields.digest("terms")?,
    })
}

fn read_draw(item: &Value<'_>) -> Result<(DeclarationNo, Draw), SchemaError> {
    let mut fields = Fields::open(item)?;
    let declaration = read(&mut fields, "declaration", DeclarationNo::parse)?;
    let draw = Draw {
        number: fields.number("draw")?,
        importer: read(&mut fields, "importer", Ubn::parse)?,
        amount: read_money(&mut fields, "amount")?,
        adjusted: fields.integer("adjusted")?,
        charges: read_money(&mut fields, "charges")?,
        paid_tax: read_money(&mut fields, "paid_tax")?,
        paid_charges: read_money(&mut fields, "paid_charges")?,
        claimed: read_money(&mut fields, "claimed")?,
        due_on: read(&mut fields, "due_on", read_day)?,
        settle_by: match fields.optional("settle_by") {
            None => None,
            Some(_) => Some(read(&mut fields, "settle_by", read_day)?),
        },
    };
    fields.close()?;
    Ok((declaration, draw))
}

fn read_claim(item: &Value<'_>) -> Result<Claim, SchemaError> {
    let mut fields = Fields::open(item)?;
    let number = fields.number("claim")?;
    let draws = fields.list("draws")?.iter().map(read_amount).collect::<Result<_, _>>()?;
    fields.close()?;
    Ok(Claim { number, draws })
}

fn read_amount(item: &Value<'_>) -> Result<(DeclarationNo, Twd), SchemaError> {
    let mut fields = Fields::open(item)?;
    let pair = (read(&mut fields, "declaration", DeclarationNo::parse)?, read_money(&mut fields, "amount")?);
    fields.close()?;
    Ok(pair)
}

/// Due days may lie beyond the last day that an event can name, so the wider reader is used.
fn read_day(text: &str) -> Option<Day> {
    parse_day(text).map(Day::from_number)
}

fn read_money(fields: &mut Fields, name: &str) -> Result<Twd, SchemaError> {
    Twd::new(fields.number(name)?).ok_or_else(|| SchemaError::new(name, "must be at most 9007199254740991"))
}

fn read<T>(fields: &mut Fields, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, SchemaError> {
    parse(fields.text(name)?).ok_or_else(|| SchemaError::new(name, "is not spelled as a state spells it"))
}
