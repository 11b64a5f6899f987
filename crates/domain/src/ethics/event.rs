//! What can happen to a registration or a run, typed. Invariant: an `Event` exists only for data of
//! the one spelling. Sealed fields are read and dropped here, so no rule can ever look at them.

use lian_core::{
    json::{Fields, SchemaError, Value},
    statement::is_actor,
};

use super::ids::RegistrationNo;
use crate::{
    dates::Day,
    draws::{Calendar, DRAWN_MAX, Period},
};

/// Makes a list of names with one spelling each.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Reads a name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().find(|known| known.name() == text).copied()
            }

            /// The name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

names! {
    /// The four types of registration.
    Type {
        /// 受贈財物
        Gift = "gift",
        /// 飲宴應酬
        Entertainment = "entertainment",
        /// 請託關說
        Lobbying = "lobbying",
        /// 其他: lectures, part-time work, loans …
        Other = "other",
    }
}

names! {
    /// The exception that a gift or an invitation falls under (規範 §4, §7).
    Basis {
        /// None.
        Ordinary = "none",
        /// Official courtesy.
        Courtesy = "courtesy",
        /// Public festival; entertainment only.
        Festival = "festival",
        /// A superior's award, relief or greeting.
        SuperiorAward = "superior_award",
        /// Engagement, marriage, birth, moving, promotion, retirement, illness, death.
        LifeEvent = "life_event",
    }
}

names! {
    /// What `other` is.
    Activity {
        /// A lecture, course or panel.
        Lecture = "lecture",
        /// A text written for a fee.
        Writing = "writing",
        /// Part-time work.
        PartTime = "part_time",
        /// Lending or borrowing, a guarantee for somebody.
        Loan = "loan",
        /// Anything else.
        Other = "other",
    }
}

names! {
    /// Where the sealed value of a gift lies, attested by the ethics office; see the rules data.
    Band {
        /// Within `gift_small`.
        Small = "small",
        /// Within `gift_many`, given to many of the office.
        Many = "many",
        /// Within `gift_standard`.
        Standard = "standard",
        /// Above it.
        AboveStandard = "above_standard",
    }
}

names! {
    /// What became of it.
    Disposal {
        /// A gift that may be kept.
        Kept = "kept",
        /// Refused or given back.
        Returned = "returned",
        /// 付費收受: kept against payment.
        Paid = "paid",
        /// 歸公: to the treasury.
        Treasury = "treasury",
        /// 轉贈慈善: to charity.
        Charity = "charity",
        /// A gift, in another way.
        OtherWay = "other_way",
        /// Entertainment: went.
        Attended = "attended",
        /// Entertainment: did not go.
        Declined = "declined",
        /// Lobbying: passed on to the anti-corruption agency.
        Referred = "referred",
        /// Lobbying: a lawful channel, or nothing to pass on.
        Noted = "noted",
        /// Other: approved.
        Approved = "approved",
        /// Other: not approved.
        Denied = "denied",
    }
}

names! {
    /// What a review found.
    Verdict {
        /// Nothing.
        Correct = "ok",
        /// Something.
        Anomaly = "anomaly",
    }
}

impl Disposal {
    /// The type that it belongs to.
    pub const fn of(self) -> Type {
        match self {
            Self::Kept | Self::Returned | Self::Paid | Self::Treasury | Self::Charity | Self::OtherWay => {
                Type::Gift
            }
            Self::Attended | Self::Declined => Type::Entertainment,
            Self::Referred | Self::Noted => Type::Lobbying,
            Self::Approved | Self::Denied => Type::Other,
        }
    }

    /// True if the ethics office proposes it and the head approves.
    pub const fn needs_head(self) -> bool {
        matches!(self, Self::Paid | Self::Treasury | Self::Charity | Self::OtherWay)
    }
}

/// `ethics.reported`: what the officer registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Type.
    pub kind: Type,
    /// The registrant, who signs.
    pub by: Box<str>,
    /// The registrant's unit.
    pub unit: Box<str>,
    /// True if the registrant is the head of the agency, who has no superior here.
    pub head: bool,
    /// Day of receipt, of the lobbying, or of the event.
    pub on: Day,
    /// True if the other side has an interest in the registrant's duties.
    pub interested: bool,
    /// Exception; exactly for gifts and entertainment.
    pub basis: Option<Basis>,
    /// What it is; exactly for type other.
    pub activity: Option<Activity>,
}

/// `ethics.amended`: what the registrant corrects; sealed members are read and dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amended {
    /// The registrant, who signs.
    pub by: Box<str>,
    /// Another day of receipt, of the lobbying, or of the event.
    pub on: Option<Day>,
    /// Whether the other side has an interest, if that was wrong.
    pub interested: Option<bool>,
    /// Another exception.
    pub basis: Option<Basis>,
    /// Another activity.
    pub activity: Option<Activity>,
}

impl Amended {
    /// True if it corrects what rules look at.
    pub const fn is_plain(&self) -> bool {
        self.on.is_some() || self.interested.is_some() || self.basis.is_some() || self.activity.is_some()
    }
}

/// `ethics.seen`: the superior has seen it and says what it thinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The superior, who signs.
    pub by: Box<str>,
    /// Approved (what needs prior approval), or taken note of.
    pub approved: bool,
}

/// What the ethics office attests of sealed values, by type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attested {
    /// Of a gift.
    Gift {
        /// Where its value lies.
        band: Band,
        /// Does the source's total of the year pass `source_year`?
        source_total_over: bool,
        /// Was it returned or handed over within `gift_days` of receipt?
        within_three_days: bool,
    },
    /// Of entertainment.
    Entertainment {
        /// Does the source's total of the year pass `source_year`?
        source_total_over: bool,
    },
    /// Of lobbying.
    Lobbying {
        /// A lawful petition, registered lobbying or procurement channel?
        excluded: bool,
    },
    /// Of anything else.
    Other {
        /// Is the fee above `lecture_hour` or `writing_thousand`?
        fee_over_cap: bool,
    },
}

impl Attested {
    /// The type that it is for.
    pub const fn of(&self) -> Type {
        match self {
            Self::Gift { .. } => Type::Gift,
            Self::Entertainment { .. } => Type::Entertainment,
            Self::Lobbying { .. } => Type::Lobbying,
            Self::Other { .. } => Type::Other,
        }
    }

    /// True if the total of the source is over.
    pub const fn is_source_over(&self) -> bool {
        matches!(
            self,
            Self::Gift { source_total_over: true, .. } | Self::Entertainment { source_total_over: true }
        )
    }
}

/// `ethics.logged`: the ethics office has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Who signs for the ethics office.
    pub by: Box<str>,
    /// Day on which the ethics office was notified: the legal receipt.
    pub received_on: Day,
    /// What it attests.
    pub attested: Attested,
}

/// `ethics.disposed`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposition {
    /// Who signs for the ethics office.
    pub by: Box<str>,
    /// The head who approves, and signs too.
    pub head: Option<Box<str>>,
    /// What becomes of it.
    pub disposal: Disposal,
}

/// `ethics.reviewed`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    /// The reviewer, who signs.
    pub by: Box<str>,
    /// The reviewer's unit.
    pub unit: Box<str>,
    /// What was found.
    pub outcome: Verdict,
}

/// One fact in the stream of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEvent {
    /// `ethics_run.opened`: names the draw, which is that of the quarter.
    Opened,
    /// `ethics_run.drawn`: what the draw drew, in its order.
    Drawn(Vec<RegistrationNo>),
    /// `ethics_run.reviewed`: how the review of one ended.
    Reviewed(RegistrationNo, Verdict),
    /// `ethics_run.closed`
    Closed,
}

/// One fact of the family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// `ethics.reported`
    Reported(Box<Reported>),
    /// `ethics.amended`
    Amended(Box<Amended>),
    /// `ethics.seen`
    Seen(Seen),
    /// `ethics.logged`
    Logged(Box<Logged>),
    /// `ethics.disposed`
    Disposed(Box<Disposition>),
    /// `ethics.acknowledged`, by the anti-corruption agency
    Acknowledged {
        /// Who signs for it.
        by: Box<str>,
        /// Day of receipt there.
        on: Day,
    },
    /// `ethics.closed`
    Closed {
        /// Who signs for the ethics office.
        by: Box<str>,
    },
    /// `ethics.sampled`
    Sampled {
        /// The registration of this stream.
        no: RegistrationNo,
        /// Who signs for the ethics office.
        by: Box<str>,
        /// Quarter whose draw drew it.
        quarter: Period,
    },
    /// `ethics.reviewed`
    Reviewed(Box<Reviewed>),
    /// A step of the run of a quarter.
    Run(Period, RunEvent),
}

/// Reads the data of a kind; `None` if the kind is not of this family.
pub fn parse(kind: &str, stream: &str, data: &Value<'_>) -> Option<Result<Event, SchemaError>> {
    if let Some(act) = kind.strip_prefix("ethics.") {
        let read: fn(&mut Fields<'_, '_>, RegistrationNo) -> Result<Event, SchemaError> = match act {
            "reported" => reported,
            "amended" => amended,
            "seen" => seen,
            "logged" => logged,
            "disposed" => disposed,
            "acknowledged" => acknowledged,
            "closed" => |fields, _| Ok(Event::Closed { by: actor(fields, "by")? }),
            "sampled" => sampled,
            "reviewed" => reviewed,
            _ => return None,
        };
        let no = RegistrationNo::of_stream(stream)
            .ok_or_else(|| SchemaError::new("", "belongs on a stream ethics/<yyy-nnnnnn or 32 hex digits>"));
        return Some(no.and_then(|no| strictly(data, |fields| read(fields, no))));
    }
    let read: fn(&mut Fields<'_, '_>, Period) -> Result<RunEvent, SchemaError> =
        match kind.strip_prefix("ethics_run.")? {
            "opened" => |fields, quarter| {
                if draw(fields)? != quarter {
                    return Err(SchemaError::new("draw", "must be the draw of the quarter in the stream"));
                }
                Ok(RunEvent::Opened)
            },
            "drawn" => |fields, _| Ok(RunEvent::Drawn(numbers(fields)?)),
            "reviewed" => |fields, _| Ok(RunEvent::Reviewed(number(fields)?, outcome(fields)?)),
            "closed" => |_, _| Ok(RunEvent::Closed),
            _ => return None,
        };
    let quarter = stream.strip_prefix("ethics_run/").and_then(parse_quarter);
    let quarter = quarter.ok_or_else(|| SchemaError::new("", "belongs on a stream ethics_run/<yyyy>Q<n>"));
    Some(quarter.and_then(|quarter| strictly(data, |fields| Ok(Event::Run(quarter, read(fields, quarter)?)))))
}

fn strictly<T>(
    data: &Value<'_>,
    read: impl FnOnce(&mut Fields<'_, '_>) -> Result<T, SchemaError>,
) -> Result<T, SchemaError> {
    let mut fields = Fields::open(data)?;
    let found = read(&mut fields)?;
    fields.close().map(|()| found)
}

pub(super) fn parse_quarter(text: &str) -> Option<Period> {
    Period::parse(text).filter(|period| period.calendar() == Calendar::Quarter)
}

fn reported(fields: &mut Fields<'_, '_>, _: RegistrationNo) -> Result<Event, SchemaError> {
    let kind = read(fields, "type", Type::parse, "must be gift, entertainment, lobbying or other")?;
    let basis = match (kind, fields.optional_text("basis")?) {
        (Type::Gift | Type::Entertainment, Some(text)) => {
            let basis = Basis::parse(text).filter(|&basis| kind != Type::Gift || basis != Basis::Festival);
            Some(basis.ok_or_else(|| SchemaError::new("basis", "must be an exception that the type has"))?)
        }
        (Type::Lobbying | Type::Other, None) => None,
        _ => return Err(SchemaError::new("basis", "belongs to gifts and entertainment, and only there")),
    };
    let activity = match (kind, fields.optional_text("activity")?) {
        (Type::Other, Some(text)) => {
            let fault = || SchemaError::new("activity", "must be lecture, writing, part_time, loan or other");
            Some(Activity::parse(text).ok_or_else(fault)?)
        }
        (Type::Gift | Type::Entertainment | Type::Lobbying, None) => None,
        _ => return Err(SchemaError::new("activity", "belongs to type other, and only there")),
    };
    for (name, needed) in
        [("circumstances", true), ("item", false), ("place", false), ("source", true), ("value", false)]
    {
        sealed(fields, name, needed)?;
    }
    Ok(Event::Reported(Box::new(Reported {
        kind,
        by: actor(fields, "by")?,
        unit: unit(fields)?,
        head: fields.truth("head")?,
        on: day(fields, "on")?,
        interested: fields.truth("interested")?,
        basis,
        activity,
    })))
}

fn amended(fields: &mut Fields<'_, '_>, _: RegistrationNo) -> Result<Event, SchemaError> {
    sealed(fields, "reason", true)?;
    let mut hidden = false;
    for name in ["circumstances", "item", "place", "source", "value"] {
        hidden |= fields.optional(name).is_some();
        sealed(fields, name, false)?;
    }
    let on = maybe(fields, "on", day)?;
    let interested = match fields.optional("interested") {
        None => None,
        Some(_) => Some(fields.truth("interested")?),
    };
    let basis = maybe(fields, "basis", |fields, name| {
        read(fields, name, Basis::parse, "must be none, courtesy, festival, superior_award or life_event")
    })?;
    let activity = maybe(fields, "activity", |fields, name| {
        read(fields, name, Activity::parse, "must be lecture, writing, part_time, loan or other")
    })?;
    let amended = Amended { by: actor(fields, "by")?, on, interested, basis, activity };
    if !hidden && !amended.is_plain() {
        return Err(SchemaError::new("", "must correct something"));
    }
    Ok(Event::Amended(Box::new(amended)))
}

/// Reads a member if it is there.
fn maybe<'f, T>(
    fields: &mut Fields<'_, '_>,
    name: &'f str,
    read: impl FnOnce(&mut Fields<'_, '_>, &'f str) -> Result<T, SchemaError>,
) -> Result<Option<T>, SchemaError> {
    match fields.optional(name) {
        None => Ok(None),
        Some(_) => read(fields, name).map(Some),
    }
}

fn seen(fields: &mut Fields<'_, '_>, _: RegistrationNo) -> Result<Event, SchemaError> {
    sealed(fields, "note", false)?;
    Ok(Event::Seen(Seen { by: actor(fields, "by")?, approved: fields.truth("approved")? }))
}

fn logged(fields: &mut Fields<'_, '_>, _: RegistrationNo) -> Result<Event, SchemaError> {
    sealed(fields, "note", false)?;
    let kind = read(fields, "type", Type::parse, "must be gift, entertainment, lobbying or other")?;
    let attested = match kind {
        Type::Gift => Attested::Gift {
            band: read(fields, "band", Band::parse, "must be small, many, standard or above_standard")?,
            source_total_over: fields.truth("source_total_over")?,
            within_three_days: fields.truth("within_three_days")?,
        },
        Type::Entertainment => {
            Attested::Entertainment { source_total_over: fields.truth("source_total_over")? }
        }
        Type::Lobbying => Attested::Lobbying { excluded: fields.truth("excluded")? },
        Type::Other => Attested::Other { fee_over_cap: fields.truth("fee_over_cap")? },
    };
    let (by, received_on) = (actor(fields, "by")?, day(fields, "received_on")?);
    Ok(Event::Logged(Box::new(Logged { by, received_on, attested })))
}

fn disposed(fields: &mut Fields<'_, '_>, _: RegistrationNo) -> Result<Event, SchemaError> {
    sealed(fields, "note", false)?;
    let head = match fields.optional("head") {
        None => None,
        Some(_) => Some(actor(fields, "head")?),
    };
    let disposal = read(fields, "disposal", Disposal::parse, "must be a known disposal")?;
    Ok(Event::Disposed(Box::new(Disposition { by: actor(fields, "by")?, head, disposal })))
}

fn acknowledged(fields: &mut Fields<'_, '_>, _: RegistrationNo) -> Result<Event, SchemaError> {
    sealed(fields, "note", false)?;
    Ok(Event::Acknowledged { by: actor(fields, "by")?, on: day(fields, "on")? })
}

fn sampled(fields: &mut Fields<'_, '_>, no: RegistrationNo) -> Result<Event, SchemaError> {
    Ok(Event::Sampled { no, by: actor(fields, "by")?, quarter: draw(fields)? })
}

fn reviewed(fields: &mut Fields<'_, '_>, _: RegistrationNo) -> Result<Event, SchemaError> {
    sealed(fields, "note", false)?;
    let (by, unit) = (actor(fields, "by")?, unit(fields)?);
    Ok(Event::Reviewed(Box::new(Reviewed { by, unit, outcome: outcome(fields)? })))
}

/// `{"sealed":"<64 hex>"}`, or absent where it need not be there. Nothing of it is kept.
fn sealed(fields: &mut Fields<'_, '_>, name: &str, needed: bool) -> Result<(), SchemaError> {
    let Some(value) = fields.optional(name) else {
        return if needed { Err(SchemaError::new(name, "is missing")) } else { Ok(()) };
    };
    strictly(value, |fields| fields.digest("sealed")).map(|_| ()).map_err(|error| error.inside(name))
}

fn draw(fields: &mut Fields<'_, '_>) -> Result<Period, SchemaError> {
    let parse = |text: &str| {
        let rest = text.strip_prefix("draw/")?.strip_prefix(super::SAMPLE_SCHEME)?.strip_prefix('/')?;
        parse_quarter(rest)
    };
    read(fields, "draw", parse, "must be draw/ethics_sample/<yyyy>Q<n>")
}

fn number(fields: &mut Fields<'_, '_>) -> Result<RegistrationNo, SchemaError> {
    read(fields, "no", RegistrationNo::parse, "must be the number of a registration")
}

fn numbers(fields: &mut Fields<'_, '_>) -> Result<Vec<RegistrationNo>, SchemaError> {
    let fault = || SchemaError::new("drawn", "must list at most 256 numbers of registrations");
    let items = fields.list("drawn")?;
    let parse = |item: &Value<'_>| item.as_text().and_then(RegistrationNo::parse);
    let numbers: Vec<_> = items.iter().map(parse).collect::<Option<_>>().ok_or_else(fault)?;
    if numbers.len() <= DRAWN_MAX { Ok(numbers) } else { Err(fault()) }
}

fn outcome(fields: &mut Fields<'_, '_>) -> Result<Verdict, SchemaError> {
    read(fields, "outcome", Verdict::parse, "must be ok or anomaly")
}

fn actor(fields: &mut Fields<'_, '_>, name: &str) -> Result<Box<str>, SchemaError> {
    read(fields, name, |text| is_actor(text).then(|| text.into()), "must be an actor")
}

fn unit(fields: &mut Fields<'_, '_>) -> Result<Box<str>, SchemaError> {
    read(
        fields,
        "unit",
        |text| is_actor(text).then(|| text.into()),
        "must be spelled as a unit is registered",
    )
}

fn day(fields: &mut Fields<'_, '_>, name: &str) -> Result<Day, SchemaError> {
    read(fields, name, Day::parse, "must be a date YYYY-MM-DD")
}

fn read<T>(
    fields: &mut Fields<'_, '_>,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
    what: &'static str,
) -> Result<T, SchemaError> {
    parse(fields.text(name)?).ok_or_else(|| SchemaError::new(name, what))
}
