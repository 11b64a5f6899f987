//! What is known of a registration and of a run. Invariant: a step stands only after those that it
//! needs; lateness and breaches are computed from the days of the steps, never stored.
//! An amendment adds a word and keeps the one before; a breach by any of them is a breach.
//! Limits: 16 amendments; actors, units, days and choices only; sealed digests stay in the payloads. A run holds at
//! most 256 numbers.

use lian_core::{
    json::{Fields, SchemaError, Value},
    statement::is_actor,
    time::parse_day,
};

use super::{
    event::{
        Activity, Attested, Band, Basis, Disposal, Disposition, Logged, Reported, Reviewed, Seen, Type,
        Verdict, parse_quarter,
    },
    ids::RegistrationNo,
    rules::Terms,
};
use crate::{dates::Day, draws::Period};

/// Amendments of one registration.
pub const AMENDMENTS_MAX: usize = 16;

/// How far a registration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Registered.
    Reported,
    /// The superior has seen it.
    Seen,
    /// The ethics office has it.
    Logged,
    /// Something was done about it.
    Disposed,
    /// Closed; a quarter's draw may pick it.
    Closed,
    /// Drawn.
    Sampled,
    /// Reviewed by another unit.
    Reviewed,
}

impl Status {
    /// The name in the state's JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Seen => "seen",
            Self::Logged => "logged",
            Self::Disposed => "disposed",
            Self::Closed => "closed",
            Self::Sampled => "sampled",
            Self::Reviewed => "reviewed",
        }
    }
}

/// A step that was taken, and the day on which it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<T> {
    /// What the step says.
    pub what: T,
    /// When it was recorded.
    pub on: Day,
}

/// What a view turns red for. Nothing of this is ever refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// Registered after the last day for it.
    LateReport,
    /// The ethics office was notified after that day, where it must be within it.
    LateNotice,
    /// A gift was not returned or handed over in time.
    LateHandover,
    /// Went, or did it, without approval or notice before.
    NotApprovedBefore,
    /// The source gave more in the year than custom allows.
    SourceOver,
    /// The fee is above the cap.
    FeeOver,
}

/// The plain members that the registrant may amend, as they were said at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// Day of receipt, of the lobbying, or of the event.
    pub on: Day,
    /// The last day on which the registration was not late by it.
    pub due_on: Day,
    /// Whether the other side has an interest.
    pub interested: bool,
    /// Exception.
    pub basis: Option<Basis>,
    /// What `other` is.
    pub activity: Option<Activity>,
}

/// One amendment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amendment {
    /// When it was recorded.
    pub on: Day,
    /// What was said before; `None` if only sealed members were amended.
    pub was: Option<Word>,
}

/// The review of a sampled registration.
pub type Review = Reviewed;

/// One registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// As registered, or as last amended.
    pub report: Reported,
    /// When.
    pub reported_on: Day,
    /// The last day on which that was not late.
    pub due_on: Day,
    /// What was amended, in that order.
    pub amended: Vec<Amendment>,
    /// By the superior.
    pub seen: Option<Step<Seen>>,
    /// By the ethics office.
    pub logged: Option<Step<Logged>>,
    /// What became of it.
    pub disposed: Option<Step<Disposition>>,
    /// Who received it at the anti-corruption agency; the day is that of receipt there.
    pub acknowledged: Option<Step<Box<str>>>,
    /// When it was closed.
    pub closed_on: Option<Day>,
    /// Quarter whose draw drew it.
    pub sampled: Option<Step<Period>>,
    /// What the review found.
    pub review: Option<Step<Review>>,
}

impl Registration {
    pub(super) fn new(report: Reported, reported_on: Day, due_on: Day) -> Self {
        Self {
            report,
            reported_on,
            due_on,
            amended: Vec::new(),
            seen: None,
            logged: None,
            disposed: None,
            acknowledged: None,
            closed_on: None,
            sampled: None,
            review: None,
        }
    }

    /// How far it is.
    pub fn status(&self) -> Status {
        if self.review.is_some() {
            Status::Reviewed
        } else if self.sampled.is_some() {
            Status::Sampled
        } else if self.closed_on.is_some() {
            Status::Closed
        } else if self.disposed.is_some() {
            Status::Disposed
        } else if self.logged.is_some() {
            Status::Logged
        } else if self.seen.is_some() {
            Status::Seen
        } else {
            Status::Reported
        }
    }

    /// True if it waits for a superior: lobbying goes straight to the ethics office, and so does
    /// whatever the head registers.
    pub fn needs_superior(&self) -> bool {
        self.report.kind != Type::Lobbying && !self.report.head
    }

    /// True if it was passed on to the anti-corruption agency.
    pub fn is_referred(&self) -> bool {
        self.disposed.as_ref().is_some_and(|step| step.what.disposal == Disposal::Referred)
    }

    /// What is said now.
    pub fn word(&self) -> Word {
        let Reported { on, interested, basis, activity, .. } = self.report;
        Word { on, due_on: self.due_on, interested, basis, activity }
    }

    /// What a view turns red for, ascending: by what is said now, and by what was said before an
    /// amendment, so that none takes a breach away.
    pub fn breaches(&self) -> Vec<Breach> {
        let mut found = Vec::new();
        let words = self.amended.iter().filter_map(|amendment| amendment.was);
        for word in words.chain([self.word()]) {
            self.breaches_of(word, &mut found);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn breaches_of(&self, word: Word, found: &mut Vec<Breach>) {
        let mut note = |holds: bool, breach| {
            if holds {
                found.push(breach);
            }
        };
        note(self.reported_on > word.due_on, Breach::LateReport);
        if let Some(Logged { received_on, attested, .. }) = self.logged.as_ref().map(|step| &step.what) {
            let kind = self.report.kind;
            let must_notify = kind == Type::Lobbying || (kind == Type::Gift && word.interested);
            note(must_notify && *received_on > word.due_on, Breach::LateNotice);
            note(matches!(attested, Attested::Gift { within_three_days: false, .. }), Breach::LateHandover);
            note(self.lacks_approval(word, *received_on), Breach::NotApprovedBefore);
            note(attested.is_source_over(), Breach::SourceOver);
            note(matches!(attested, Attested::Other { fee_over_cap: true }), Breach::FeeOver);
        }
    }

    /// Went or did it, although approval (and for an invitation notice to the ethics office) did not
    /// come on or before the day. A superior's award and a life event need neither (規範 §7, §8).
    fn lacks_approval(&self, word: Word, received_on: Day) -> bool {
        let Some(disposal) = self.disposed.as_ref().map(|step| step.what.disposal) else { return false };
        let in_time = |step: &Step<Seen>| step.what.approved && step.on <= word.on;
        let approved = self.report.head || self.seen.as_ref().is_some_and(in_time);
        match disposal {
            Disposal::Attended => {
                let free = matches!(word.basis, Some(Basis::SuperiorAward | Basis::LifeEvent));
                !(free || (approved && received_on <= word.on))
            }
            Disposal::Approved => !approved,
            _ => false,
        }
    }

    /// Since when a review is overdue on `today`.
    pub fn review_overdue(&self, terms: &Terms, today: Day) -> Option<Day> {
        let sampled = self.sampled.as_ref().filter(|_| self.review.is_none())?;
        Some(sampled.on.plus_days(terms.review_days)).filter(|last| today > *last)
    }
}

/// One registration that was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Its number.
    pub no: RegistrationNo,
    /// How its review ended.
    pub outcome: Option<Verdict>,
}

/// The sampling run of one quarter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Quarter.
    pub quarter: Period,
    /// When it was opened.
    pub opened_on: Day,
    /// True if that was later than it should.
    pub late: bool,
    /// What was drawn, in that order; `None` while that is not on record. May be nothing.
    pub drawn: Option<Vec<Item>>,
    /// When it was closed.
    pub closed_on: Option<Day>,
}

impl Run {
    /// The stream of the draw that the run goes by.
    pub fn draw(quarter: Period) -> String {
        format!("draw/{}/{quarter}", super::SAMPLE_SCHEME)
    }
}

impl Terms {
    /// The last day on which opening the run of a quarter is not late.
    pub fn run_by(&self, quarter: Period) -> Day {
        quarter.last().plus_days(self.run_days)
    }
}

/// The state of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// `ethics/<no>`
    Registration(Box<Registration>),
    /// `ethics_run/<yyyy>Q<n>`
    Run(Run),
}

/// JSON: the members that the state digest is made of.
impl State {
    /// The state as canonical JSON members.
    pub fn to_value(&self) -> Value<'static> {
        match self {
            Self::Registration(registration) => registration_value(registration),
            Self::Run(run) => run_value(run),
        }
    }

    /// The inverse of [`State::to_value`].
    pub fn from_value(value: &Value<'_>) -> Result<Self, SchemaError> {
        let state = if value.get("quarter").is_some() {
            Self::Run(read_run(value)?)
        } else {
            Self::Registration(Box::new(read_registration(value)?))
        };
        if state.to_value() == *value {
            Ok(state)
        } else {
            Err(SchemaError::new("", "must be spelled as a state spells it"))
        }
    }
}

type Members = Vec<(&'static str, Value<'static>)>;

fn owned(text: &str) -> Value<'static> {
    Value::text(text.to_owned())
}

fn date(day: Day) -> Value<'static> {
    Value::text(day.to_string())
}

/// A step as an object with its day, or null.
fn step<T>(step: Option<&Step<T>>, members: impl FnOnce(&T) -> Members) -> Value<'static> {
    step.map_or(Value::Null, |step| {
        let mut members = members(&step.what);
        members.push(("on", date(step.on)));
        Value::object(members)
    })
}

fn registration_value(registration: &Registration) -> Value<'static> {
    let report = &registration.report;
    let name = |name: Option<&'static str>| name.map_or(Value::Null, Value::text);
    Value::object([
        ("acknowledged", step(registration.acknowledged.as_ref(), |by| vec![("by", owned(by))])),
        ("activity", name(report.activity.map(Activity::name))),
        ("amended", Value::List(registration.amended.iter().map(amendment_value).collect())),
        ("basis", name(report.basis.map(Basis::name))),
        ("by", owned(&report.by)),
        ("closed_on", registration.closed_on.map_or(Value::Null, date)),
        (
            "disposed",
            step(registration.disposed.as_ref(), |disposition| {
                let head = disposition.head.as_deref().map_or(Value::Null, owned);
                vec![
                    ("by", owned(&disposition.by)),
                    ("disposal", Value::text(disposition.disposal.name())),
                    ("head", head),
                ]
            }),
        ),
        ("due_on", date(registration.due_on)),
        ("head", Value::Bool(report.head)),
        ("interested", Value::Bool(report.interested)),
        ("logged", step(registration.logged.as_ref(), logged_members)),
        ("on", date(report.on)),
        ("reported_on", date(registration.reported_on)),
        (
            "review",
            step(registration.review.as_ref(), |review| {
                vec![
                    ("by", owned(&review.by)),
                    ("outcome", Value::text(review.outcome.name())),
                    ("unit", owned(&review.unit)),
                ]
            }),
        ),
        (
            "sampled",
            step(registration.sampled.as_ref(), |quarter| {
                vec![("quarter", Value::text(quarter.to_string()))]
            }),
        ),
        (
            "seen",
            step(registration.seen.as_ref(), |seen| {
                vec![("approved", Value::Bool(seen.approved)), ("by", owned(&seen.by))]
            }),
        ),
        ("status", Value::text(registration.status().name())),
        ("type", Value::text(report.kind.name())),
        ("unit", owned(&report.unit)),
    ])
}

fn amendment_value(amendment: &Amendment) -> Value<'static> {
    let name = |name: Option<&'static str>| name.map_or(Value::Null, Value::text);
    let was = amendment.was.map_or(Value::Null, |word| {
        Value::object([
            ("activity", name(word.activity.map(Activity::name))),
            ("basis", name(word.basis.map(Basis::name))),
            ("due_on", date(word.due_on)),
            ("interested", Value::Bool(word.interested)),
            ("on", date(word.on)),
        ])
    });
    Value::object([("on", date(amendment.on)), ("was", was)])
}

fn logged_members(logged: &Logged) -> Members {
    let mut members = vec![("by", owned(&logged.by)), ("received_on", date(logged.received_on))];
    match logged.attested {
        Attested::Gift { band, source_total_over, within_three_days } => members.extend([
            ("band", Value::text(band.name())),
            ("source_total_over", Value::Bool(source_total_over)),
            ("within_three_days", Value::Bool(within_three_days)),
        ]),
        Attested::Entertainment { source_total_over } => {
            members.push(("source_total_over", Value::Bool(source_total_over)));
        }
        Attested::Lobbying { excluded } => members.push(("excluded", Value::Bool(excluded))),
        Attested::Other { fee_over_cap } => members.push(("fee_over_cap", Value::Bool(fee_over_cap))),
    }
    members
}

fn run_value(run: &Run) -> Value<'static> {
    let drawn = run.drawn.as_ref().map_or(Value::Null, |items| {
        Value::List(
            items
                .iter()
                .map(|item| {
                    let outcome = item.outcome.map_or(Value::Null, |outcome| Value::text(outcome.name()));
                    Value::object([("no", owned(item.no.as_str())), ("outcome", outcome)])
                })
                .collect(),
        )
    });
    Value::object([
        ("closed_on", run.closed_on.map_or(Value::Null, date)),
        ("drawn", drawn),
        ("late", Value::Bool(run.late)),
        ("opened_on", date(run.opened_on)),
        ("quarter", Value::text(run.quarter.to_string())),
    ])
}

fn read_registration(value: &Value<'_>) -> Result<Registration, SchemaError> {
    let mut fields = Fields::open(value)?;
    fields.text("status")?;
    let kind = read(&mut fields, "type", Type::parse)?;
    let report = Reported {
        kind,
        by: actor(&mut fields, "by")?,
        unit: actor(&mut fields, "unit")?,
        head: fields.truth("head")?,
        on: day(&mut fields, "on")?,
        interested: fields.truth("interested")?,
        basis: read_basis(&mut fields)?,
        activity: read_activity(&mut fields)?,
    };
    let registration = Registration {
        report,
        reported_on: day(&mut fields, "reported_on")?,
        due_on: day(&mut fields, "due_on")?,
        amended: fields.list("amended")?.iter().map(read_amendment).collect::<Result<_, _>>()?,
        seen: read_step(&mut fields, "seen", |fields| {
            Ok(Seen { by: actor(fields, "by")?, approved: fields.truth("approved")? })
        })?,
        logged: read_step(&mut fields, "logged", |fields| read_logged(fields, kind))?,
        disposed: read_step(&mut fields, "disposed", |fields| {
            let head = maybe(fields, "head", |fields| actor(fields, "head"))?;
            let disposal = read(fields, "disposal", Disposal::parse)?;
            Ok(Disposition { by: actor(fields, "by")?, head, disposal })
        })?,
        acknowledged: read_step(&mut fields, "acknowledged", |fields| actor(fields, "by"))?,
        closed_on: maybe(&mut fields, "closed_on", |fields| day(fields, "closed_on"))?,
        sampled: read_step(&mut fields, "sampled", |fields| read(fields, "quarter", parse_quarter))?,
        review: read_step(&mut fields, "review", |fields| {
            let (by, unit) = (actor(fields, "by")?, actor(fields, "unit")?);
            Ok(Reviewed { by, unit, outcome: read(fields, "outcome", Verdict::parse)? })
        })?,
    };
    fields.close()?;
    Ok(registration)
}

fn read_amendment(value: &Value<'_>) -> Result<Amendment, SchemaError> {
    let mut fields = Fields::open(value)?;
    let on = day(&mut fields, "on")?;
    let was = match fields.required("was")? {
        Value::Null => None,
        said => Some(read_word(said).map_err(|error| error.inside("was"))?),
    };
    fields.close()?;
    Ok(Amendment { on, was })
}

fn read_word(value: &Value<'_>) -> Result<Word, SchemaError> {
    let mut fields = Fields::open(value)?;
    let word = Word {
        on: day(&mut fields, "on")?,
        due_on: day(&mut fields, "due_on")?,
        interested: fields.truth("interested")?,
        basis: read_basis(&mut fields)?,
        activity: read_activity(&mut fields)?,
    };
    fields.close()?;
    Ok(word)
}

fn read_basis(fields: &mut Fields<'_, '_>) -> Result<Option<Basis>, SchemaError> {
    maybe(fields, "basis", |fields| read(fields, "basis", Basis::parse))
}

fn read_activity(fields: &mut Fields<'_, '_>) -> Result<Option<Activity>, SchemaError> {
    maybe(fields, "activity", |fields| read(fields, "activity", Activity::parse))
}

fn read_logged(fields: &mut Fields<'_, '_>, kind: Type) -> Result<Logged, SchemaError> {
    let attested = match kind {
        Type::Gift => Attested::Gift {
            band: read(fields, "band", Band::parse)?,
            source_total_over: fields.truth("source_total_over")?,
            within_three_days: fields.truth("within_three_days")?,
        },
        Type::Entertainment => {
            Attested::Entertainment { source_total_over: fields.truth("source_total_over")? }
        }
        Type::Lobbying => Attested::Lobbying { excluded: fields.truth("excluded")? },
        Type::Other => Attested::Other { fee_over_cap: fields.truth("fee_over_cap")? },
    };
    Ok(Logged { by: actor(fields, "by")?, received_on: day(fields, "received_on")?, attested })
}

fn read_run(value: &Value<'_>) -> Result<Run, SchemaError> {
    let mut fields = Fields::open(value)?;
    let run = Run {
        quarter: read(&mut fields, "quarter", parse_quarter)?,
        opened_on: day(&mut fields, "opened_on")?,
        late: fields.truth("late")?,
        drawn: maybe(&mut fields, "drawn", |fields| {
            fields.list("drawn")?.iter().map(read_item).collect::<Result<_, _>>()
        })?,
        closed_on: maybe(&mut fields, "closed_on", |fields| day(fields, "closed_on"))?,
    };
    fields.close()?;
    Ok(run)
}

fn read_item(value: &Value<'_>) -> Result<Item, SchemaError> {
    let mut fields = Fields::open(value)?;
    let no = read(&mut fields, "no", RegistrationNo::parse)?;
    let outcome = maybe(&mut fields, "outcome", |fields| read(fields, "outcome", Verdict::parse))?;
    fields.close()?;
    Ok(Item { no, outcome })
}

/// Reads a member unless it is null.
fn maybe<T>(
    fields: &mut Fields<'_, '_>,
    name: &str,
    read: impl FnOnce(&mut Fields<'_, '_>) -> Result<T, SchemaError>,
) -> Result<Option<T>, SchemaError> {
    match fields.required(name)? {
        Value::Null => Ok(None),
        _ => read(fields).map(Some),
    }
}

fn read_step<T>(
    fields: &mut Fields<'_, '_>,
    name: &str,
    read: impl FnOnce(&mut Fields<'_, '_>) -> Result<T, SchemaError>,
) -> Result<Option<Step<T>>, SchemaError> {
    let value = fields.required(name)?;
    if *value == Value::Null {
        return Ok(None);
    }
    let mut inner = Fields::open(value).map_err(|error| error.inside(name))?;
    let what = read(&mut inner).map_err(|error| error.inside(name))?;
    let on = day(&mut inner, "on").map_err(|error| error.inside(name))?;
    inner.close().map_err(|error| error.inside(name))?;
    Ok(Some(Step { what, on }))
}

fn actor(fields: &mut Fields<'_, '_>, name: &str) -> Result<Box<str>, SchemaError> {
    read(fields, name, |text| is_actor(text).then(|| text.into()))
}

/// Due days may lie beyond the last day that an event can name, so the wider reader is used.
fn day(fields: &mut Fields<'_, '_>, name: &str) -> Result<Day, SchemaError> {
    read(fields, name, |text| parse_day(text).map(Day::from_number))
}

fn read<T>(
    fields: &mut Fields<'_, '_>,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, SchemaError> {
    parse(fields.text(name)?).ok_or_else(|| SchemaError::new(name, "is not spelled as a state spells it"))
}
