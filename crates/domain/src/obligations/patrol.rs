//! 首長率隊夜間查緝: one unannounced night patrol a month, stream `patrol/<yyyy-mm>`.
//! Invariant: a seal is the hash of the night, made before it; whether the night kept to it is
//! computed when the patrol is done. A patrol that happened is a fact, sealed or not.
//! Limits: 32 places.

use lian_core::{
    hash::{Digest, sha256},
    json::{Fields, SchemaError, Value},
};

use crate::{
    cases::{
        Contradiction,
        ids::{Actor, Mark, Spelled, date, date_or_null, day, id, ids, list, nullable_day, text},
    },
    context::{Context, Signer},
    dates::Day,
    filing::ReaderClass,
    obligations::Month,
    refusal::Refusal,
};

/// Places of one patrol.
pub const PLACES_MAX: usize = 32;
/// Findings that one patrol may report.
const FINDINGS_MAX: u64 = 1_000_000;

/// What is reported of a patrol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The night, by its first day.
    pub on: Day,
    /// 關務長 or deputy.
    pub leader: Actor,
    /// Where, ascending.
    pub places: Vec<Mark>,
    /// Things found.
    pub items: u64,
    /// Opens the seal, if there was one.
    pub salt: Option<Digest>,
}

/// One fact in the stream of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The night is fixed and nobody can read it.
    Sealed(Month, Digest),
    /// The patrol was made. A fact.
    Done(Month, Box<Report>),
}

/// The patrol of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patrol {
    /// Which month.
    pub month: Month,
    /// The seal, and the day on which it was recorded.
    pub seal: Option<(Digest, Day)>,
    /// The first night that was reported.
    pub done: Option<Report>,
    /// The day on which it was recorded.
    pub done_recorded_on: Option<Day>,
    /// It was sealed before its day, and the salt opens the seal.
    pub kept: bool,
    /// Further nights of the month.
    pub more: u64,
}

/// SHA-256("lian/patrol/v1\n" ‖ month ‖ "\n" ‖ date ‖ "\n" ‖ 32 bytes of salt).
pub fn seal(month: Month, on: Day, salt: &Digest) -> Digest {
    let (month, on) = (month.to_string(), on.to_string());
    sha256(&[b"lian/patrol/v1\n", month.as_bytes(), b"\n", on.as_bytes(), b"\n", &salt.0])
}

const KINDS: [&str; 2] = ["patrol.done", "patrol.sealed"];

/// The kinds, ascending.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.into_iter()
}

/// Who must sign.
pub fn authority(kind: &str) -> Option<&'static [&'static [&'static str]]> {
    match kind {
        "patrol.done" => Some(&[&["officer", "supervisor"]]),
        "patrol.sealed" => Some(&[&["supervisor"]]),
        _ => None,
    }
}

/// The leader signs what was done.
pub fn owner(_: Option<&Patrol>, event: &Event, signers: &[Signer<'_>]) -> bool {
    match event {
        Event::Sealed(..) => true,
        Event::Done(_, report) => signers
            .iter()
            .any(|signer| signer.capacity == "supervisor" && signer.actor == report.leader.as_str()),
    }
}

/// Anyone may see the seal; the house reads what was found.
pub fn reader(kind: &str) -> ReaderClass {
    if kind == "patrol.sealed" { ReaderClass::Public } else { ReaderClass::House }
}

/// No field of these kinds holds a person's data.
pub fn sealable(_: &str) -> &'static [&'static str] {
    &[]
}

/// Reads the data of a kind; `None` if the kind is not one of these.
pub fn parse(kind: &str, stream: &str, data: &Value<'_>) -> Option<Result<Event, SchemaError>> {
    authority(kind)?;
    Some(Fields::open(data).and_then(|mut fields| {
        let month = stream.strip_prefix("patrol/").and_then(Month::parse);
        let month = month.ok_or_else(|| SchemaError::new("", "belongs on a stream patrol/<yyyy-mm>"))?;
        let event = match kind {
            "patrol.sealed" => Event::Sealed(month, fields.digest("commit")?),
            _ => Event::Done(month, Box::new(report(&mut fields)?)),
        };
        if let Event::Done(month, report) = &event
            && Month::of(report.on) != *month
        {
            return Err(SchemaError::new("on", "must lie in the month of the stream"));
        }
        fields.close().map(|()| event)
    }))
}

fn report(fields: &mut Fields<'_, '_>) -> Result<Report, SchemaError> {
    let items = fields.number("items")?;
    if items > FINDINGS_MAX {
        return Err(SchemaError::new("items", "must be 0 to 1000000"));
    }
    Ok(Report {
        on: day(fields, "on")?,
        leader: id(fields, "leader")?,
        places: ids(fields, "places", 1..=PLACES_MAX)?,
        items,
        salt: digest_or_null(fields, "salt")?,
    })
}

fn digest_or_null(fields: &mut Fields<'_, '_>, name: &str) -> Result<Option<Digest>, SchemaError> {
    match fields.required(name)? {
        Value::Null => Ok(None),
        _ => fields.digest(name).map(Some),
    }
}

/// Every rule of a patrol.
pub fn decide(state: Option<&Patrol>, event: &Event, context: &Context<'_>) -> Result<(), Refusal> {
    match event {
        Event::Done(_, report) if report.on.number() > context.today() => Err(Refusal::DateAhead),
        Event::Sealed(..) if state.is_some_and(|state| state.seal.is_some()) => Err(Refusal::PatrolSealed),
        Event::Sealed(..) if state.is_some_and(|state| state.done.is_some()) => {
            Err(Refusal::PatrolDoneBefore)
        }
        Event::Done(..) | Event::Sealed(..) => Ok(()),
    }
}

/// The state after an event that `decide` allowed.
pub fn evolve(state: Option<Patrol>, event: &Event, context: &Context<'_>) -> Result<Patrol, Contradiction> {
    let today = Day::from_number(context.today());
    let (Event::Sealed(month, _) | Event::Done(month, _)) = event;
    let mut state = state.unwrap_or(Patrol {
        month: *month,
        seal: None,
        done: None,
        done_recorded_on: None,
        kept: false,
        more: 0,
    });
    match event {
        Event::Sealed(_, commit) if state.seal.is_none() && state.done.is_none() => {
            state.seal = Some((*commit, today));
        }
        Event::Sealed(..) => return Err(Contradiction("patrol sealed so late")),
        Event::Done(..) if state.done.is_some() => state.more += 1,
        Event::Done(month, report) => {
            state.kept = state.seal.is_some_and(|(commit, sealed_on)| {
                let opens = report.salt.is_some_and(|salt| seal(*month, report.on, &salt) == commit);
                opens && sealed_on < report.on
            });
            state.done = Some((**report).clone());
            state.done_recorded_on = Some(today);
        }
    }
    Ok(state)
}

impl Patrol {
    /// Members of the state digest.
    pub fn to_value(&self) -> Value<'static> {
        let done = |report: &Report| {
            Value::object([
                ("items", Value::number(report.items)),
                ("leader", text(&report.leader)),
                ("on", date(report.on)),
                ("places", list(&report.places, text)),
                ("salt", report.salt.map_or(Value::Null, |salt| Value::text(salt.to_hex()))),
            ])
        };
        Value::object([
            ("commit", self.seal.map_or(Value::Null, |(commit, _)| Value::text(commit.to_hex()))),
            ("done", self.done.as_ref().map_or(Value::Null, done)),
            ("done_recorded_on", date_or_null(self.done_recorded_on)),
            ("kept", Value::Bool(self.kept)),
            ("month", Value::text(self.month.to_string())),
            ("more", Value::number(self.more)),
            ("sealed_on", date_or_null(self.seal.map(|(_, on)| on))),
        ])
    }

    /// The inverse of [`Patrol::to_value`].
    pub fn from_value(value: &Value<'_>) -> Result<Self, SchemaError> {
        let mut fields = Fields::open(value)?;
        let month = Month::parse(fields.text("month")?);
        let (commit, on) = (digest_or_null(&mut fields, "commit")?, nullable_day(&mut fields, "sealed_on")?);
        let patrol = Self {
            month: month.ok_or_else(|| SchemaError::new("month", "must be YYYY-MM"))?,
            seal: commit.zip(on),
            done: kept_report(&mut fields)?,
            done_recorded_on: nullable_day(&mut fields, "done_recorded_on")?,
            kept: fields.truth("kept")?,
            more: fields.number("more")?,
        };
        fields.close()?;
        if patrol.to_value() == *value {
            Ok(patrol)
        } else {
            Err(SchemaError::new("", "must be spelled as a state spells it"))
        }
    }
}

fn kept_report(fields: &mut Fields<'_, '_>) -> Result<Option<Report>, SchemaError> {
    match fields.required("done")? {
        Value::Null => Ok(None),
        value => {
            let read = || {
                let mut inner = Fields::open(value)?;
                let report = report(&mut inner)?;
                inner.close().map(|()| report)
            };
            read().map(Some).map_err(|error| error.inside("done"))
        }
    }
}
