//! What is known of a case or a post after some events, and the one JSON spelling of every state
//! of the family. Invariant: what is read is written again byte for byte, or it is not read.
//! Time is not in it: which clock runs out when is computed (`clocks`).
//! Limits: 16 offences, verdicts, stops and revocations, 64 exhibits, 64 former holders.

use lian_core::json::{Fields, SchemaError, Value};

use super::{
    Glance,
    event::{Decision, Offence, Opening, Outcome, Verdict, decision, offences, verdict},
    exhibit::Exhibit,
    handover::Handover,
    ids::{
        Actor, CaseNo, ExhibitNo, Mark, date, date_or_null, day, id, ids, kept_sum, list, money, names,
        nullable_day, nullable_id, objects, sealed, sealed_or_null, text, text_or_null,
    },
};
use crate::{
    dates::Day,
    ids::{DeclarationNo, HouseCode, Ubn},
    money::Twd,
};

/// Verdicts, stops or revocations of one case.
pub const TURNS_MAX: usize = 16;
/// Exhibits of one case.
pub const EXHIBITS_MAX: usize = 64;
/// Former holders that a post remembers; the oldest is dropped first.
pub const FORMER_MAX: usize = 64;

names! {
    /// How far a case has come.
    Status {
        /// On file.
        Opened = "opened",
        /// Being investigated.
        Investigating = "investigating",
        /// With the prosecutor or the court.
        Criminal = "criminal",
        /// Investigated; a decision may be made.
        Decidable = "decidable",
        /// Decided, not served.
        Decided = "decided",
        /// Served.
        Served = "served",
        /// A review was asked for.
        UnderReview = "under_review",
        /// Cannot be contested any more.
        Final = "final",
        /// Final, and the fine is in.
        Collected = "collected",
        /// The fine was revoked after a conviction.
        Vacated = "vacated",
        /// Ended.
        Closed = "closed",
        /// Ended: the time to decide is over. An alarm.
        TimeBarred = "time_barred",
    }
}

impl Status {
    /// True if no command is possible any more, but for a vacation.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Closed | Self::TimeBarred)
    }

    /// True while a decision is still to be made and to take effect: its service gives it effect
    /// (行政程序法 §110), so until then the clocks matter.
    pub const fn runs_against_clock(self) -> bool {
        matches!(self, Self::Opened | Self::Investigating | Self::Criminal | Self::Decidable | Self::Decided)
    }
}

/// A time in which the clocks stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// First day.
    pub from: Day,
    /// Last day, once it is known.
    pub until: Option<Day>,
}

/// A case that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Number.
    pub no: CaseNo,
    /// How far it has come.
    pub status: Status,
    /// Who is responsible.
    pub officer: Actor,
    /// Since when.
    pub officer_since: Day,
    /// 承辦課股.
    pub section: Mark,
    /// 收單關別.
    pub house: HouseCode,
    /// 卸存地.
    pub storage: Option<Mark>,
    /// 報單號碼.
    pub declaration: Option<DeclarationNo>,
    /// 報關日期.
    pub declared_on: Option<Day>,
    /// 主號.
    pub mawb: Option<Mark>,
    /// 分號.
    pub hawb: Option<Mark>,
    /// 緝獲單位編號.
    pub seized_by: Mark,
    /// 掛大號註記.
    pub registered: bool,
    /// 驗貨註記編號.
    pub inspection: Option<Mark>,
    /// 扣押憑單號碼.
    pub receipt: Option<Mark>,
    /// A firm.
    pub importer: Option<Ubn>,
    /// Sealed: a natural person.
    pub subject: Option<lian_core::hash::Digest>,
    /// Day of seizure or detection.
    pub detected_on: Day,
    /// Day on which the case was put on file.
    pub opened_on: Day,
    /// 涉及刑事.
    pub criminal: bool,
    /// Day of the last referral.
    pub referred_on: Option<Day>,
    /// Day on which the prosecutor's office was asked last.
    pub asked_on: Option<Day>,
    /// Investigated, with a hearing or a reason for none.
    pub investigated: bool,
    /// Articles, ascending.
    pub offences: Vec<Offence>,
    /// Ends of criminal proceedings; the last governs.
    pub verdicts: Vec<Verdict>,
    /// Stops, ascending.
    pub stops: Vec<Stop>,
    /// Days on which revocations became final; the last governs.
    pub revocations: Vec<Day>,
    /// The penalty, unless it was revoked.
    pub decision: Option<Decision>,
    /// Day on which it was recorded.
    pub decided_on: Option<Day>,
    /// Day on which it was served.
    pub served_on: Option<Day>,
    /// Day on which it became final.
    pub final_on: Option<Day>,
    /// Day on which the fine was revoked after a conviction.
    pub vacated_on: Option<Day>,
    /// Money that came in.
    pub collected: Twd,
    /// Money that went back.
    pub refunded: Twd,
    /// Exhibits, ascending.
    pub exhibits: Vec<ExhibitNo>,
    /// Day on which the case ended.
    pub ended_on: Option<Day>,
    /// Facts that did not fit the status they were reported in.
    pub strays: u64,
}

impl Case {
    pub(super) fn opened(opening: &Opening, today: Day) -> Self {
        let opening = opening.clone();
        Self {
            no: opening.no,
            status: Status::Opened,
            officer: opening.officer,
            officer_since: today,
            section: opening.section,
            house: opening.house,
            storage: opening.storage,
            declaration: opening.declaration,
            declared_on: opening.declared_on,
            mawb: opening.mawb,
            hawb: opening.hawb,
            seized_by: opening.seized_by,
            registered: opening.registered,
            inspection: opening.inspection,
            receipt: opening.receipt,
            importer: opening.importer,
            subject: opening.subject,
            detected_on: opening.detected_on,
            opened_on: today,
            criminal: opening.criminal,
            referred_on: None,
            asked_on: None,
            investigated: false,
            offences: opening.offences,
            verdicts: Vec::new(),
            stops: Vec::new(),
            revocations: Vec::new(),
            decision: None,
            decided_on: None,
            served_on: None,
            final_on: None,
            vacated_on: None,
            collected: Twd::ZERO,
            refunded: Twd::ZERO,
            exhibits: Vec::new(),
            ended_on: None,
            strays: 0,
        }
    }

    /// What the penalty asks for: the fine less what was deducted; nothing once it was vacated.
    pub fn net_fine(&self) -> Twd {
        match &self.decision {
            Some(decision) if self.vacated_on.is_none() => decision.fine.excess_over(decision.deducted),
            _ => Twd::ZERO,
        }
    }

    /// Still to be paid.
    pub fn unpaid(&self) -> Twd {
        self.net_fine().excess_over(self.collected.excess_over(self.refunded))
    }

    /// To be paid back, without interest.
    pub fn refund_due(&self) -> Twd {
        self.collected.excess_over(self.refunded).excess_over(self.net_fine())
    }

    /// How criminal proceedings stand: the last verdict.
    pub fn outcome(&self) -> Option<Outcome> {
        self.verdicts.last().map(|verdict| verdict.outcome)
    }

    /// What the rules of other streams may see of the case.
    pub fn glance(&self) -> Glance {
        Glance {
            officer: self.officer.clone(),
            open: !self.status.has_ended(),
            at_prosecutor: self.status == Status::Criminal,
            confiscates: self.decision.as_ref().is_some_and(|decision| decision.confiscates),
        }
    }

    fn to_value(&self) -> Value<'static> {
        let file = [
            ("criminal", Value::Bool(self.criminal)),
            ("declaration", text_or_null(self.declaration.as_ref())),
            ("declared_on", date_or_null(self.declared_on)),
            ("detected_on", date(self.detected_on)),
            ("hawb", text_or_null(self.hawb.as_ref())),
            ("house", text(&self.house)),
            ("importer", text_or_null(self.importer.as_ref())),
            ("inspection", text_or_null(self.inspection.as_ref())),
            ("mawb", text_or_null(self.mawb.as_ref())),
            ("no", text(&self.no)),
            ("offences", list(&self.offences, offence_value)),
            ("officer", text(&self.officer)),
            ("officer_since", date(self.officer_since)),
            ("opened_on", date(self.opened_on)),
            ("receipt", text_or_null(self.receipt.as_ref())),
            ("registered", Value::Bool(self.registered)),
            ("section", text(&self.section)),
            ("seized_by", text(&self.seized_by)),
            ("storage", text_or_null(self.storage.as_ref())),
            ("subject", sealed_or_null(self.subject)),
        ];
        let progress = [
            ("asked_on", date_or_null(self.asked_on)),
            ("collected", money(self.collected)),
            ("decided_on", date_or_null(self.decided_on)),
            ("decision", self.decision.as_ref().map_or(Value::Null, decision_value)),
            ("ended_on", date_or_null(self.ended_on)),
            ("exhibits", list(&self.exhibits, text)),
            ("final_on", date_or_null(self.final_on)),
            ("investigated", Value::Bool(self.investigated)),
            ("referred_on", date_or_null(self.referred_on)),
            ("refunded", money(self.refunded)),
            ("revocations", list(&self.revocations, |day| date(*day))),
            ("served_on", date_or_null(self.served_on)),
            ("status", text(&self.status)),
            ("stops", list(&self.stops, stop_value)),
            ("strays", Value::number(self.strays)),
            ("vacated_on", date_or_null(self.vacated_on)),
            ("verdicts", list(&self.verdicts, verdict_value)),
        ];
        Value::object(file.into_iter().chain(progress))
    }

    fn read(fields: &mut Fields<'_, '_>) -> Result<Self, SchemaError> {
        Ok(Self {
            no: id(fields, "no")?,
            status: id(fields, "status")?,
            officer: id(fields, "officer")?,
            officer_since: day(fields, "officer_since")?,
            section: id(fields, "section")?,
            house: id(fields, "house")?,
            storage: nullable_id(fields, "storage")?,
            declaration: nullable_id(fields, "declaration")?,
            declared_on: nullable_day(fields, "declared_on")?,
            mawb: nullable_id(fields, "mawb")?,
            hawb: nullable_id(fields, "hawb")?,
            seized_by: id(fields, "seized_by")?,
            registered: fields.truth("registered")?,
            inspection: nullable_id(fields, "inspection")?,
            receipt: nullable_id(fields, "receipt")?,
            importer: nullable_id(fields, "importer")?,
            subject: sealed(fields, "subject")?,
            detected_on: day(fields, "detected_on")?,
            opened_on: day(fields, "opened_on")?,
            criminal: fields.truth("criminal")?,
            referred_on: nullable_day(fields, "referred_on")?,
            asked_on: nullable_day(fields, "asked_on")?,
            investigated: fields.truth("investigated")?,
            offences: offences(fields)?,
            verdicts: objects(fields, "verdicts", 0..=TURNS_MAX, verdict)?,
            stops: objects(fields, "stops", 0..=TURNS_MAX, |fields| {
                Ok(Stop { from: day(fields, "from")?, until: nullable_day(fields, "until")? })
            })?,
            revocations: days(fields, "revocations")?,
            decision: kept_decision(fields)?,
            decided_on: nullable_day(fields, "decided_on")?,
            served_on: nullable_day(fields, "served_on")?,
            final_on: nullable_day(fields, "final_on")?,
            vacated_on: nullable_day(fields, "vacated_on")?,
            collected: kept_sum(fields, "collected")?,
            refunded: kept_sum(fields, "refunded")?,
            exhibits: ids(fields, "exhibits", 0..=EXHIBITS_MAX)?,
            ended_on: nullable_day(fields, "ended_on")?,
            strays: fields.number("strays")?,
        })
    }
}

fn offence_value(offence: &Offence) -> Value<'static> {
    Value::object([
        ("article", text(&offence.article)),
        ("ended_on", date(offence.ended_on)),
        ("occurred_on", date(offence.occurred_on)),
        ("result_on", date_or_null(offence.result_on)),
    ])
}

fn stop_value(stop: &Stop) -> Value<'static> {
    Value::object([("from", date(stop.from)), ("until", date_or_null(stop.until))])
}

fn verdict_value(verdict: &Verdict) -> Value<'static> {
    Value::object([
        ("document", text(&verdict.document)),
        ("final_on", date(verdict.final_on)),
        ("outcome", text(&verdict.outcome)),
        ("paid", money(verdict.paid)),
    ])
}

fn decision_value(decision: &Decision) -> Value<'static> {
    Value::object([
        ("articles", list(&decision.articles, text)),
        ("confiscates", Value::Bool(decision.confiscates)),
        ("deducted", money(decision.deducted)),
        ("fine", money(decision.fine)),
        ("number", text(&decision.number)),
    ])
}

fn kept_decision(fields: &mut Fields<'_, '_>) -> Result<Option<Decision>, SchemaError> {
    let value = fields.required("decision")?;
    if *value == Value::Null {
        return Ok(None);
    }
    let read = || {
        let mut inner = Fields::open(value)?;
        let decision = decision(&mut inner)?;
        inner.close().map(|()| decision)
    };
    read().map(Some).map_err(|error| error.inside("decision"))
}

fn days(fields: &mut Fields<'_, '_>, name: &str) -> Result<Vec<Day>, SchemaError> {
    let fault = || SchemaError::new(name, "must list at most 16 dates");
    let items = fields.list(name)?;
    let days: Option<Vec<Day>> = items.iter().map(|item| item.as_text().and_then(Day::parse)).collect();
    days.filter(|days| days.len() <= TURNS_MAX).ok_or_else(fault)
}

/// Who held a post, and from when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub actor: Actor,
    /// In which unit.
    pub unit: Mark,
    /// First day.
    pub since: Day,
}

/// A post (職務).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Post {
    /// Who holds it.
    pub holder: Option<Holder>,
    /// Who held it before, with the last day, in the order of leaving.
    pub former: Vec<(Holder, Day)>,
}

impl Post {
    fn to_value(&self) -> Value<'static> {
        let members = |holder: &Holder| {
            [("actor", text(&holder.actor)), ("since", date(holder.since)), ("unit", text(&holder.unit))]
        };
        let former = |(holder, until): &(Holder, Day)| {
            Value::object(members(holder).into_iter().chain([("until", date(*until))]))
        };
        let holder = self.holder.as_ref().map_or(Value::Null, |holder| Value::object(members(holder)));
        Value::object([("former", list(&self.former, former)), ("holder", holder)])
    }

    fn read(fields: &mut Fields<'_, '_>) -> Result<Self, SchemaError> {
        let holder = match fields.required("holder")? {
            Value::Null => None,
            value => {
                let read = || {
                    let mut inner = Fields::open(value)?;
                    let holder = read_holder(&mut inner)?;
                    inner.close().map(|()| holder)
                };
                Some(read().map_err(|error| error.inside("holder"))?)
            }
        };
        let former = objects(fields, "former", 0..=FORMER_MAX, |fields| {
            Ok((read_holder(fields)?, day(fields, "until")?))
        })?;
        Ok(Self { holder, former })
    }
}

fn read_holder(fields: &mut Fields<'_, '_>) -> Result<Holder, SchemaError> {
    Ok(Holder { actor: id(fields, "actor")?, unit: id(fields, "unit")?, since: day(fields, "since")? })
}

/// The state of one stream of the family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Of `case/<no>`.
    Case(Box<Case>),
    /// Of `handover/<no>`.
    Handover(Box<Handover>),
    /// Of `exhibit/<no>`.
    Exhibit(Box<Exhibit>),
    /// Of `post/<id>`.
    Post(Box<Post>),
}

impl State {
    /// Members of the state digest.
    pub fn to_value(&self) -> Value<'static> {
        match self {
            Self::Case(case) => case.to_value(),
            Self::Handover(handover) => handover.to_value(),
            Self::Exhibit(exhibit) => exhibit.to_value(),
            Self::Post(post) => post.to_value(),
        }
    }

    /// The inverse of [`State::to_value`]: lets a fold go on from a state that was kept.
    pub fn from_value(value: &Value<'_>) -> Result<Self, SchemaError> {
        let mut fields = Fields::open(value)?;
        let state = if value.get("offences").is_some() {
            Self::Case(Box::new(Case::read(&mut fields)?))
        } else if value.get("outgoing").is_some() {
            Self::Handover(Box::new(Handover::read(&mut fields)?))
        } else if value.get("lines").is_some() {
            Self::Exhibit(Box::new(Exhibit::read(&mut fields)?))
        } else {
            Self::Post(Box::new(Post::read(&mut fields)?))
        };
        fields.close()?;
        if state.to_value() == *value {
            Ok(state)
        } else {
            Err(SchemaError::new("", "must be spelled as a state spells it"))
        }
    }
}
