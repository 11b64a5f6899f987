//! What can happen to a case (緝案) and to a post, typed. Invariant: an `Event` exists only for
//! data of the one spelling; every member stands, `null` where there is nothing.
//! No free text and no natural person's name: persons are actors, what names one is sealed.

use lian_core::{
    hash::Digest,
    json::{Fields, SchemaError, Value},
};

use super::{
    exhibit::{self, ExhibitEvent},
    handover::{self, HandoverEvent},
    ids::{
        Actor, Article, CaseNo, ExhibitNo, HandoverNo, Mark, PostId, Spelled, amount, day, id, ids, names,
        nullable_day, nullable_id, objects, sealed, sum,
    },
};
use crate::{
    dates::Day,
    guarantee::Code,
    ids::{DeclarationNo, HouseCode, Ubn},
    money::Twd,
};

/// Articles that one case may charge.
pub const OFFENCES_MAX: usize = 16;

names! {
    /// How criminal proceedings ended.
    Outcome {
        /// 不起訴.
        NotProsecuted = "not_prosecuted",
        /// 緩起訴.
        Deferred = "deferred",
        /// 無罪.
        Acquitted = "acquitted",
        /// 免訴.
        Discharged = "discharged",
        /// 不受理.
        Dismissed = "dismissed",
        /// 不付審理.
        NotTried = "not_tried",
        /// 不付保護處分.
        NotProtected = "not_protected",
        /// 免刑.
        Remitted = "remitted",
        /// 緩刑.
        Probation = "probation",
        /// 有罪: a fine is barred; confiscation and other sanctions are not.
        Guilty = "guilty",
    }
}

names! {
    /// Why a clock stands still (行政罰法 §28).
    Ground {
        /// 天災、事變.
        ForceMajeure = "force_majeure",
        /// 依法律規定.
        Law = "law",
    }
}

names! {
    /// Who reviews.
    Body {
        /// 復查, by the customs house.
        Review = "review",
        /// 訴願.
        Appeal = "appeal",
        /// 行政訴訟.
        Suit = "suit",
    }
}

names! {
    /// Why a case is closed.
    Ending {
        /// Decided, final, and nothing owed by either side.
        Settled = "settled",
        /// The penalty was vacated and the fine paid back.
        Vacated = "vacated",
        /// No violation was found.
        NoOffence = "no_offence",
        /// Below the amounts at which nothing is punished.
        Minor = "minor",
        /// The criminal court punished; nothing is left to decide.
        CriminalOnly = "criminal_only",
    }
}

/// One article and when it was violated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offence {
    /// Which article.
    pub article: Article,
    /// Day of the event.
    pub occurred_on: Day,
    /// Day on which the act ended.
    pub ended_on: Day,
    /// Day of its result, if that came later.
    pub result_on: Option<Day>,
}

/// What is known when a case is opened; the fields of the seed's screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Number, the tail of the stream.
    pub no: CaseNo,
    /// 承辦人.
    pub officer: Actor,
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
    /// 涉及刑事.
    pub criminal: bool,
    /// Day of seizure or detection.
    pub detected_on: Day,
    /// Importer, if a firm.
    pub importer: Option<Ubn>,
    /// The natural person concerned.
    pub subject: Option<Digest>,
    /// Articles, ascending.
    pub offences: Vec<Offence>,
}

/// A penalty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// 處分書.
    pub number: Mark,
    /// The articles it punishes, ascending.
    pub articles: Vec<Article>,
    /// The fine, before what is deducted.
    pub fine: Twd,
    /// Paid under a deferred prosecution and deducted (行政罰法 §26 III).
    pub deducted: Twd,
    /// Are the goods confiscated?
    pub confiscates: bool,
}

/// How criminal proceedings ended, as a document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How.
    pub outcome: Outcome,
    /// The day on which that became final.
    pub final_on: Day,
    /// What was paid under a deferred prosecution or a probation.
    pub paid: Twd,
    /// Number of the document.
    pub document: Mark,
}

/// One fact in the stream of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseEvent {
    /// The case is on file.
    Opened(Box<Opening>),
    /// Investigation began.
    InvestigationStarted(Day),
    /// To this prosecutor's office, on this day, under this number.
    Referred(Mark, Day, Mark),
    /// The prosecutor's office was asked on this day and said this.
    ProsecutorAsked(Day, Code),
    /// Criminal proceedings ended. A fact.
    Prosecuted(Verdict),
    /// Investigated; heard on this day, or why not.
    Investigated(Result<Day, Code>),
    /// The clocks stand still from this day on.
    ClockStopped(Day, Ground),
    /// This day was the last on which they stood still.
    ClockResumed(Day),
    /// Punished.
    Decided(Decision),
    /// The decision was served. A fact.
    Served(Day),
    /// A review was asked for. A fact.
    ReviewAsked(Body, Day),
    /// The review left the decision as it is. A fact.
    ReviewDismissed(Day),
    /// The decision was revoked, finally on this day. A fact.
    Revoked(Day),
    /// Nobody can contest the decision any more. A fact.
    BecameFinal(Day),
    /// The fine is revoked because guilt became final after all (§26 V).
    Vacated,
    /// Money came in. A fact.
    Collected(Twd, Day),
    /// Money went back, without interest. A fact.
    Refunded(Twd, Day),
    /// An exhibit belongs to the case.
    ExhibitAdded(ExhibitNo),
    /// Every clock has run out.
    TimeBarred,
    /// The file is closed.
    Closed(Ending),
    /// After a handover this actor is responsible.
    Assigned(HandoverNo, Actor),
    /// The supervisor takes the case without a handover, and says why.
    TakenOver(Actor, Code),
}

impl CaseEvent {
    /// True for what is never refused on a known case: it has happened.
    pub const fn is_fact(&self) -> bool {
        matches!(
            self,
            Self::Prosecuted(_)
                | Self::Served(_)
                | Self::ReviewAsked(..)
                | Self::ReviewDismissed(_)
                | Self::Revoked(_)
                | Self::BecameFinal(_)
                | Self::Collected(..)
                | Self::Refunded(..)
        )
    }
}

/// One fact in the stream of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostEvent {
    /// This actor holds the post, in this unit, from this day on.
    Held(Actor, Mark, Day),
    /// The holder's last day.
    Left(Day),
}

/// One fact of the family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// On `case/<no>`.
    Case(CaseEvent),
    /// On `handover/<no>`.
    Handover(HandoverEvent),
    /// On `exhibit/<no>`.
    Exhibit(ExhibitEvent),
    /// On `post/<id>`.
    Post(PostEvent),
}

/// Reads the data of a kind strictly; `None` if the kind is not one of the family.
pub fn parse(kind: &str, stream: &str, data: &Value<'_>) -> Option<Result<Event, SchemaError>> {
    super::authority(kind)?;
    let (family, act) = kind.split_once('.')?;
    Some(Fields::open(data).and_then(|mut fields| {
        let event = match family {
            "case" => Event::Case(case_event(act, tail(stream, "case/")?, &mut fields)?),
            "handover" => Event::Handover(handover::parse(act, tail(stream, "handover/")?, &mut fields)?),
            "exhibit" => Event::Exhibit(exhibit::parse(act, tail(stream, "exhibit/")?, &mut fields)?),
            _ => Event::Post(post_event(act, &tail(stream, "post/")?, &mut fields)?),
        };
        fields.close().map(|()| event)
    }))
}

fn tail<T: Spelled>(stream: &str, family: &str) -> Result<T, SchemaError> {
    let number = stream.strip_prefix(family).and_then(T::parse);
    number.ok_or_else(|| SchemaError::new("", format!("belongs on a stream {family}<number>")))
}

fn case_event(act: &str, no: CaseNo, fields: &mut Fields<'_, '_>) -> Result<CaseEvent, SchemaError> {
    Ok(match act {
        "opened" => CaseEvent::Opened(Box::new(opening(no, fields)?)),
        "investigation_started" => CaseEvent::InvestigationStarted(day(fields, "on")?),
        "referred" => CaseEvent::Referred(id(fields, "office")?, day(fields, "on")?, id(fields, "document")?),
        "prosecutor_asked" => CaseEvent::ProsecutorAsked(day(fields, "on")?, id(fields, "reply")?),
        "prosecuted" => CaseEvent::Prosecuted(verdict(fields)?),
        "investigated" => CaseEvent::Investigated(hearing(fields)?),
        "clock_stopped" => CaseEvent::ClockStopped(day(fields, "from")?, id(fields, "ground")?),
        "clock_resumed" => CaseEvent::ClockResumed(day(fields, "until")?),
        "decided" => CaseEvent::Decided(decision(fields)?),
        "served" => CaseEvent::Served(day(fields, "on")?),
        "review_asked" => CaseEvent::ReviewAsked(id(fields, "body")?, day(fields, "received_on")?),
        "review_dismissed" => CaseEvent::ReviewDismissed(day(fields, "on")?),
        "revoked" => CaseEvent::Revoked(day(fields, "final_on")?),
        "became_final" => CaseEvent::BecameFinal(day(fields, "on")?),
        "vacated" => CaseEvent::Vacated,
        "collected" => CaseEvent::Collected(amount(fields, "amount")?, day(fields, "on")?),
        "refunded" => CaseEvent::Refunded(amount(fields, "amount")?, day(fields, "on")?),
        "exhibit_added" => CaseEvent::ExhibitAdded(id(fields, "exhibit")?),
        "time_barred" => CaseEvent::TimeBarred,
        "closed" => CaseEvent::Closed(id(fields, "reason")?),
        "assigned" => CaseEvent::Assigned(id(fields, "handover")?, id(fields, "to")?),
        "taken_over" => CaseEvent::TakenOver(id(fields, "by")?, id(fields, "reason")?),
        _ => return Err(SchemaError::new("", "is of no kind that a case knows")),
    })
}

fn opening(no: CaseNo, fields: &mut Fields<'_, '_>) -> Result<Opening, SchemaError> {
    Ok(Opening {
        no,
        officer: id(fields, "officer")?,
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
        criminal: fields.truth("criminal")?,
        detected_on: day(fields, "detected_on")?,
        importer: nullable_id(fields, "importer")?,
        subject: sealed(fields, "subject")?,
        offences: offences(fields)?,
    })
}

/// Also reads what a state holds of them.
pub(super) fn offences(fields: &mut Fields<'_, '_>) -> Result<Vec<Offence>, SchemaError> {
    let offences = objects(fields, "offences", 1..=OFFENCES_MAX, |fields| {
        let (occurred_on, ended_on) = (day(fields, "occurred_on")?, day(fields, "ended_on")?);
        let result_on = nullable_day(fields, "result_on")?;
        if ended_on < occurred_on {
            return Err(SchemaError::new("ended_on", "must not lie before occurred_on"));
        }
        if result_on.is_some_and(|result_on| result_on <= ended_on) {
            return Err(SchemaError::new("result_on", "must lie after ended_on, or be null"));
        }
        Ok(Offence { article: id(fields, "article")?, occurred_on, ended_on, result_on })
    })?;
    let ascending = offences.is_sorted_by(|left, right| left.article < right.article);
    if ascending {
        Ok(offences)
    } else {
        Err(SchemaError::new("offences", "must ascend by article, each once"))
    }
}

/// Also reads what a state holds of it.
pub(super) fn verdict(fields: &mut Fields<'_, '_>) -> Result<Verdict, SchemaError> {
    let (outcome, paid) = (id(fields, "outcome")?, sum(fields, "paid")?);
    if !paid.is_zero() && !matches!(outcome, Outcome::Deferred | Outcome::Probation) {
        return Err(SchemaError::new("paid", "must be 0 but for deferred and probation"));
    }
    Ok(Verdict { outcome, final_on: day(fields, "final_on")?, paid, document: id(fields, "document")? })
}

fn hearing(fields: &mut Fields<'_, '_>) -> Result<Result<Day, Code>, SchemaError> {
    match (nullable_day(fields, "heard_on")?, nullable_id(fields, "waived")?) {
        (Some(day), None) => Ok(Ok(day)),
        (None, Some(why)) => Ok(Err(why)),
        _ => Err(SchemaError::new("waived", "must be null if and only if heard_on is a date")),
    }
}

/// Also reads what a state holds of it.
pub(super) fn decision(fields: &mut Fields<'_, '_>) -> Result<Decision, SchemaError> {
    let (fine, deducted) = (sum(fields, "fine")?, sum(fields, "deducted")?);
    if deducted > fine {
        return Err(SchemaError::new("deducted", "must not exceed the fine"));
    }
    Ok(Decision {
        number: id(fields, "number")?,
        articles: ids(fields, "articles", 1..=OFFENCES_MAX)?,
        fine,
        deducted,
        confiscates: fields.truth("confiscates")?,
    })
}

fn post_event(act: &str, _: &PostId, fields: &mut Fields<'_, '_>) -> Result<PostEvent, SchemaError> {
    Ok(match act {
        "held" => PostEvent::Held(id(fields, "actor")?, id(fields, "unit")?, day(fields, "since")?),
        "left" => PostEvent::Left(day(fields, "on")?),
        _ => return Err(SchemaError::new("", "is of no kind that a post knows")),
    })
}
