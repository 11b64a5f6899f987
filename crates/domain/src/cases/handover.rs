//! The handover of cases by three parties: outgoing 移出, incoming 移入, supervisor 監交.
//! Invariant: all three sign one list, whose digest binds the parties and every case on it; until
//! the third signature the outgoing officer stays responsible; a row that the incoming officer does
//! not take stays with the supervisor. Limits: 200 cases a list.

use lian_core::{
    hash::{Digest, sha256},
    json::{Fields, SchemaError, Value},
};

use super::{
    Around, Contradiction,
    ids::{
        Actor, CaseNo, HandoverNo, Spelled, date_or_null, day, id, ids, list, nullable_day, objects, text,
    },
};
use crate::{context::Context, dates::Day, guarantee::Code, refusal::Refusal};

/// Cases on one list: with their assignments they fit one statement of 256 events.
pub const CASES_MAX: usize = 200;

/// What the outgoing officer signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Number, the tail of the stream.
    pub no: HandoverNo,
    /// Who hands over.
    pub outgoing: Actor,
    /// Who takes over.
    pub incoming: Actor,
    /// Who watches, and keeps what is not taken.
    pub supervisor: Actor,
    /// The cases, ascending.
    pub cases: Vec<CaseNo>,
    /// Digest of all that.
    pub list: Digest,
}

/// What the incoming officer says of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which case.
    pub case: CaseNo,
    /// Taken? If not, it stays with the supervisor.
    pub taken: bool,
    /// The status that was asked for.
    pub status: Code,
    /// When the prosecutor's office was asked.
    pub contacted_on: Option<Day>,
}

/// One fact in the stream of a handover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandoverEvent {
    /// The list, signed by the outgoing officer.
    SignedOut(Box<Listing>),
    /// The incoming officer's answer, row by row, over this list.
    SignedIn(Digest, Vec<Row>),
    /// The supervisor's signature over this list.
    Supervised(Digest),
    /// Given up before the third signature.
    Withdrawn(Code),
}

/// Who takes a case after a complete handover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// From whom.
    pub from: Actor,
    /// To whom: the incoming officer, or the supervisor for a row that was not taken.
    pub to: Actor,
    /// Who signed third.
    pub supervisor: Actor,
}

/// A handover as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The list.
    pub listing: Listing,
    /// First signature.
    pub signed_out_on: Day,
    /// Second signature.
    pub signed_in_on: Option<Day>,
    /// The answers, in the order of the list; none before the second signature.
    pub rows: Vec<Row>,
    /// Third signature.
    pub supervised_on: Option<Day>,
    /// Given up.
    pub withdrawn_on: Option<Day>,
}

/// SHA-256("lian/handover/v1\n" ‖ canonical JSON of number, parties and cases).
pub fn list_digest(listing: &Listing) -> Digest {
    let value = Value::object(party_members(listing));
    sha256(&[b"lian/handover/v1\n", &value.write()])
}

fn party_members(listing: &Listing) -> [(&'static str, Value<'static>); 5] {
    [
        ("cases", list(&listing.cases, text)),
        ("incoming", text(&listing.incoming)),
        ("no", text(&listing.no)),
        ("outgoing", text(&listing.outgoing)),
        ("supervisor", text(&listing.supervisor)),
    ]
}

pub(super) fn parse(
    act: &str,
    no: HandoverNo,
    fields: &mut Fields<'_, '_>,
) -> Result<HandoverEvent, SchemaError> {
    Ok(match act {
        "signed_out" => HandoverEvent::SignedOut(Box::new(listing(no, fields)?)),
        "signed_in" => {
            HandoverEvent::SignedIn(fields.digest("list")?, objects(fields, "rows", 1..=CASES_MAX, row)?)
        }
        "supervised" => HandoverEvent::Supervised(fields.digest("list")?),
        "withdrawn" => HandoverEvent::Withdrawn(id(fields, "reason")?),
        _ => return Err(SchemaError::new("", "is of no kind that a handover knows")),
    })
}

fn listing(no: HandoverNo, fields: &mut Fields<'_, '_>) -> Result<Listing, SchemaError> {
    let listing = Listing {
        no,
        outgoing: id(fields, "outgoing")?,
        incoming: id(fields, "incoming")?,
        supervisor: id(fields, "supervisor")?,
        cases: ids(fields, "cases", 1..=CASES_MAX)?,
        list: fields.digest("list")?,
    };
    let Listing { outgoing, incoming, supervisor, .. } = &listing;
    if outgoing == incoming || incoming == supervisor || outgoing == supervisor {
        return Err(SchemaError::new("supervisor", "must be neither party, and the parties two"));
    }
    if list_digest(&listing) != listing.list {
        return Err(SchemaError::new("list", "must be the digest of number, parties and cases"));
    }
    Ok(listing)
}

fn row(fields: &mut Fields<'_, '_>) -> Result<Row, SchemaError> {
    Ok(Row {
        case: id(fields, "case")?,
        taken: fields.truth("taken")?,
        status: id(fields, "status")?,
        contacted_on: nullable_day(fields, "contacted_on")?,
    })
}

pub(super) fn decide(
    state: Option<&Handover>,
    event: &HandoverEvent,
    context: &Context<'_>,
    around: &dyn Around,
) -> Result<(), Refusal> {
    let guard = |holds: bool, refusal: Refusal| if holds { Ok(()) } else { Err(refusal) };
    if let HandoverEvent::SignedIn(_, rows) = event {
        let today = Day::from_number(context.today());
        let past = |row: &Row| row.contacted_on.is_none_or(|day| day <= today);
        guard(rows.iter().all(past), Refusal::DateAhead)?;
    }
    let Some(state) = state else {
        let HandoverEvent::SignedOut(listing) = event else { return Err(Refusal::UnknownHandover) };
        let theirs = |case: &CaseNo| {
            around.case(case).is_some_and(|glance| glance.open && glance.officer == listing.outgoing)
        };
        return guard(listing.cases.iter().all(theirs), Refusal::NotTheirCase);
    };
    if let HandoverEvent::SignedOut(_) = event {
        return Err(Refusal::HandoverNumberTaken);
    }
    guard(state.supervised_on.is_none() && state.withdrawn_on.is_none(), Refusal::HandoverEnded)?;
    match event {
        HandoverEvent::SignedOut(_) | HandoverEvent::Withdrawn(_) => Ok(()),
        HandoverEvent::SignedIn(list, rows) => {
            guard(state.signed_in_on.is_none(), Refusal::OutOfTurn)?;
            guard(*list == state.listing.list, Refusal::ListDiffers)?;
            guard(rows.iter().map(|row| &row.case).eq(&state.listing.cases), Refusal::RowsDiffer)?;
            let asked = |row: &Row| {
                let waits = || around.case(&row.case).is_some_and(|glance| glance.at_prosecutor);
                !row.taken || row.contacted_on.is_some() || !waits()
            };
            guard(rows.iter().all(asked), Refusal::ProsecutorNotAsked)?;
            guard(is_another(&state.listing.outgoing, context, around), Refusal::NotThreePersons)
        }
        HandoverEvent::Supervised(list) => {
            guard(state.signed_in_on.is_some(), Refusal::OutOfTurn)?;
            guard(*list == state.listing.list, Refusal::ListDiffers)?;
            let parties = [&state.listing.outgoing, &state.listing.incoming];
            let third = parties.into_iter().all(|party| is_another(party, context, around));
            guard(third, Refusal::NotThreePersons)
        }
    }
}

/// True unless a signer is the person behind this actor: two actors can be one person.
fn is_another(party: &Actor, context: &Context<'_>, around: &dyn Around) -> bool {
    let person = around.person(party);
    person.is_none_or(|person| context.signers.iter().all(|signer| signer.person != Some(&*person)))
}

pub(super) fn evolve(
    state: Option<Handover>,
    event: &HandoverEvent,
    today: Day,
) -> Result<Handover, Contradiction> {
    let Some(mut state) = state else {
        let HandoverEvent::SignedOut(listing) = event else {
            return Err(Contradiction("handover before its list"));
        };
        return Ok(Handover {
            listing: (**listing).clone(),
            signed_out_on: today,
            signed_in_on: None,
            rows: Vec::new(),
            supervised_on: None,
            withdrawn_on: None,
        });
    };
    if state.supervised_on.is_some() || state.withdrawn_on.is_some() {
        return Err(Contradiction("handover changed after its end"));
    }
    match event {
        HandoverEvent::SignedIn(_, rows) if state.signed_in_on.is_none() => {
            state.signed_in_on = Some(today);
            state.rows.clone_from(rows);
        }
        HandoverEvent::Supervised(_) if state.signed_in_on.is_some() => state.supervised_on = Some(today),
        HandoverEvent::Withdrawn(_) => state.withdrawn_on = Some(today),
        _ => return Err(Contradiction("handover signed out of turn")),
    }
    Ok(state)
}

impl Handover {
    /// True once all three have signed.
    pub fn is_complete(&self) -> bool {
        self.supervised_on.is_some()
    }

    /// True while it waits for a signature.
    pub fn is_pending(&self) -> bool {
        self.supervised_on.is_none() && self.withdrawn_on.is_none()
    }

    /// True if the case is on the list.
    pub fn lists(&self, case: &CaseNo) -> bool {
        self.listing.cases.binary_search(case).is_ok()
    }

    /// Who takes this case; `None` before the third signature or if it is not on the list.
    pub fn transfer(&self, case: &CaseNo) -> Option<Transfer> {
        let Listing { outgoing, incoming, supervisor, .. } = &self.listing;
        self.supervised_on?;
        let row = self.rows.iter().find(|row| row.case == *case)?;
        let to = if row.taken { incoming } else { supervisor };
        Some(Transfer { from: outgoing.clone(), to: to.clone(), supervisor: supervisor.clone() })
    }

    pub(super) fn to_value(&self) -> Value<'static> {
        let row = |row: &Row| {
            Value::object([
                ("case", text(&row.case)),
                ("contacted_on", date_or_null(row.contacted_on)),
                ("status", text(&row.status)),
                ("taken", Value::Bool(row.taken)),
            ])
        };
        let rest = [
            ("list", Value::text(self.listing.list.to_hex())),
            ("rows", list(&self.rows, row)),
            ("signed_in_on", date_or_null(self.signed_in_on)),
            ("signed_out_on", date_or_null(Some(self.signed_out_on))),
            ("supervised_on", date_or_null(self.supervised_on)),
            ("withdrawn_on", date_or_null(self.withdrawn_on)),
        ];
        Value::object(party_members(&self.listing).into_iter().chain(rest))
    }

    pub(super) fn read(fields: &mut Fields<'_, '_>) -> Result<Self, SchemaError> {
        let no = HandoverNo::parse(fields.text("no")?);
        let listing = listing(no.ok_or_else(|| SchemaError::new("no", HandoverNo::RULE))?, fields)?;
        let handover = Self {
            listing,
            signed_out_on: day(fields, "signed_out_on")?,
            signed_in_on: nullable_day(fields, "signed_in_on")?,
            rows: objects(fields, "rows", 0..=CASES_MAX, row)?,
            supervised_on: nullable_day(fields, "supervised_on")?,
            withdrawn_on: nullable_day(fields, "withdrawn_on")?,
        };
        let answered = handover.rows.iter().map(|row| &row.case).eq(&handover.listing.cases);
        let fits = match handover.signed_in_on {
            Some(_) => answered,
            None => handover.rows.is_empty() && handover.supervised_on.is_none(),
        };
        let ended_once = handover.supervised_on.is_none() || handover.withdrawn_on.is_none();
        if fits && ended_once {
            Ok(handover)
        } else {
            Err(SchemaError::new("rows", "must answer the list exactly when it was signed in"))
        }
    }
}
