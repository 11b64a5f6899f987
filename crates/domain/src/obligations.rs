//! What should have happened by a day and has not (SPEC.md "Obligations"), and the monthly night
//! patrol, which only an obligation misses when it is absent.
//! Invariant: a pure fold over the states of streams, in any order; the answer depends on nothing
//! else but a day and the rules. What was done in time is not listed.
//! Limits: 1,200 periods from the first day of the calendar on.

mod cargo;
pub mod patrol;
mod periods;
mod rules;
#[cfg(test)]
mod tests;

pub use cargo::{OVERLANDED_DAYS, RETURN_WORKING_DAYS};
pub use periods::{Month, Quarter};
pub use rules::Terms;

use std::collections::BTreeMap;

use crate::{
    cases::{
        self, Case, Exhibit, Handover, Post, Status,
        clocks::{Clock, Standing as ClockStanding, clocks},
        ids::{Spelled, names},
        orphans::Orphans,
    },
    clearance::Cargo,
    dates::Day,
    draws,
    obligations::patrol::Patrol,
};

/// Months or quarters that one calendar looks at: a century of months.
pub const PERIODS_MAX: usize = 1_200;

names! {
    /// What is owed.
    Kind {
        /// A quarter's sampling run of the ethics register, closed even with nothing drawn.
        SamplingRun = "sampling_run",
        /// The month's night patrol.
        Patrol = "patrol",
        /// The signatures of a handover.
        Handover = "handover",
        /// The assignment of a case after a complete handover.
        Assignment = "assignment",
        /// A list for the open cases of somebody who left.
        OrphanCase = "orphan_case",
        /// A decision before a limitation clock runs out.
        Clock = "clock",
        /// The referral of a criminal suspicion.
        Referral = "referral",
        /// The next question to the prosecutor's office.
        ProsecutorAsked = "prosecutor_asked",
        /// A seized exhibit's way into the store.
        ExhibitStored = "exhibit_stored",
        /// An exhibit that its case does not name.
        ExhibitNamed = "exhibit_named",
        /// A report of goods landed short or over.
        ShortOver = "short_over",
        /// A committer's reveal for a draw.
        Reveal = "reveal",
        /// A hold that is to be looked at again.
        HoldReview = "hold_review",
        /// Goods that landed beyond the manifest, to be transhipped or returned.
        Overlanded = "overlanded",
        /// Goods whose consignee cannot be confirmed, to be returned.
        Return = "return",
    }
}

names! {
    /// How an obligation stands on a day.
    Standing {
        /// Still to be done, and in time.
        Due = "due",
        /// The last day has passed.
        Overdue = "overdue",
        /// Done, but after the last day.
        MetLate = "met_late",
    }
}

impl Kind {
    /// Where the duty comes from.
    pub const fn source(self) -> &'static str {
        match self {
            Self::SamplingRun => "house rule: quarterly sampling, closed even with nothing drawn",
            Self::Patrol => "house rule: one unannounced night patrol a month",
            Self::Handover | Self::Assignment => "house rule: three-party handover",
            Self::OrphanCase => "house rule: no post is left with unlisted cases; 職期調任辦法 §4-7",
            Self::Clock => "行政罰法 §27-28; 海關緝私條例 §44; 行政程序法 §48",
            Self::Referral => "海關緝私條例 §16-1; 行政罰法 §26",
            Self::ProsecutorAsked => "house rule: the prosecutor's office is asked regularly",
            Self::ExhibitStored | Self::ExhibitNamed => "house rule: evidence store; 海關緝私條例 §22",
            Self::ShortOver => "海關管理進出口貨棧辦法 §22",
            Self::Reveal => "draw scheme of the rules data",
            Self::HoldReview => "house rule: every hold names the day on which it is looked at again",
            Self::Overlanded => "進口貨物短溢卸細則 §3",
            Self::Return => "空運快遞貨物通關辦法 §17-1",
        }
    }
}

/// One duty that is open or was done late.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Obligation {
    /// Last day on which it is in time.
    pub due: Day,
    /// What is owed.
    pub kind: Kind,
    /// The stream that shows it, or would.
    pub stream: String,
    /// How it stands.
    pub standing: Standing,
    /// Which clock, case or party of that stream; empty if there is one only.
    pub detail: String,
}

impl Obligation {
    /// Where the duty comes from.
    pub const fn source(&self) -> &'static str {
        self.kind.source()
    }
}

/// What another family owes: its states are read by whoever feeds the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A sampling run: for which quarter, and closed when.
    SamplingRun {
        /// Which quarter.
        quarter: Quarter,
        /// Day on which it was closed.
        closed_on: Option<Day>,
    },
    /// A report of goods landed short or over.
    ShortOver {
        /// Last day.
        due: Day,
        /// Day of the report.
        reported_on: Option<Day>,
    },
}

/// The state of one stream, as far as the calendar looks at it.
#[derive(Debug, Clone, Copy)]
pub enum Item<'s> {
    /// Of `case/<no>`.
    Case(&'s Case),
    /// Of `handover/<no>`.
    Handover(&'s Handover),
    /// Of `exhibit/<no>`.
    Exhibit(&'s Exhibit),
    /// Of `post/<id>`.
    Post(&'s Post),
    /// Of `patrol/<yyyy-mm>`.
    Patrol(&'s Patrol),
    /// Of `cargo/<master waybill>/<house bill>`; its report of what landed is an [`Expected`] beside it.
    Cargo(&'s Cargo),
    /// Of `draw/<scheme>/<period>`, with its seal epoch, if that is closed.
    Draw(&'s draws::State, Option<draws::Epoch>),
    /// Of a stream of another family; the text tells several of one stream apart.
    Expected(Expected, &'s str),
}

impl<'s> From<&'s cases::State> for Item<'s> {
    fn from(state: &'s cases::State) -> Self {
        match state {
            cases::State::Case(case) => Self::Case(case),
            cases::State::Handover(handover) => Self::Handover(handover),
            cases::State::Exhibit(exhibit) => Self::Exhibit(exhibit),
            cases::State::Post(post) => Self::Post(post),
        }
    }
}

/// Whatever can show the states of streams, each once, in any order.
pub trait Streams {
    /// Hands over every stream with its state as of the day that is asked about.
    fn each(&self, take: &mut dyn FnMut(&str, Item<'_>));
}

/// What the answer depends on besides the states.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'r> {
    /// First day of the calendar: months and quarters that began before it owe nothing.
    pub from: Day,
    /// The day that is asked about.
    pub as_of: Day,
    /// Numbers of this module.
    pub terms: &'r Terms,
    /// Clocks and numbers of cases.
    pub cases: &'r cases::Terms,
    /// Days after the end of a quarter to close its sampling run: a number of the ethics register.
    pub run_days: u32,
}

/// Every obligation that is open on the day, or was met late, by due date.
pub fn due(setting: &Setting<'_>, streams: &dyn Streams) -> Vec<Obligation> {
    let mut calendar = Calendar::new(*setting);
    streams.each(&mut |stream, item| calendar.take(stream, item));
    calendar.finish()
}

/// The fold itself, for those who would rather feed than be asked.
#[derive(Debug)]
pub struct Calendar<'r> {
    setting: Setting<'r>,
    found: Vec<Obligation>,
    orphans: Orphans,
    /// When the patrol of a month was recorded.
    patrols: BTreeMap<Month, Day>,
    /// Sampling runs that were closed, by quarter.
    runs: BTreeMap<Quarter, Day>,
    /// Responsible officers of open cases.
    officers: BTreeMap<String, String>,
    /// Assignments that complete handovers owe: case, from, to, since.
    transfers: Vec<(String, String, Day, String)>,
    /// Exhibits that cases name.
    named: Vec<String>,
    /// Exhibits and their cases.
    exhibits: Vec<(String, Day)>,
}

impl<'r> Calendar<'r> {
    /// A calendar that has seen nothing.
    pub fn new(setting: Setting<'r>) -> Self {
        Self {
            setting,
            found: Vec::new(),
            orphans: Orphans::default(),
            patrols: BTreeMap::new(),
            runs: BTreeMap::new(),
            officers: BTreeMap::new(),
            transfers: Vec::new(),
            named: Vec::new(),
            exhibits: Vec::new(),
        }
    }

    /// Takes the state of one stream into account.
    pub fn take(&mut self, stream: &str, item: Item<'_>) {
        match item {
            Item::Case(case) => self.case(stream, case),
            Item::Handover(handover) => self.handover(stream, handover),
            Item::Exhibit(exhibit) => self.exhibit(stream, exhibit),
            Item::Post(post) => self.orphans.post(post),
            Item::Patrol(patrol) => {
                // The day of the record, not the night it speaks of: a patrol told of months later
                // was owed all that time.
                self.patrols.extend(patrol.done_recorded_on.map(|on| (patrol.month, on)));
            }
            Item::Cargo(cargo) => self.cargo(stream, cargo),
            Item::Draw(draw, seal) => self.draw(stream, draw, seal.as_ref()),
            Item::Expected(Expected::SamplingRun { quarter, closed_on }, _) => {
                if let Some(on) = closed_on {
                    let first = self.runs.entry(quarter).or_insert(on);
                    *first = (*first).min(on);
                }
            }
            Item::Expected(Expected::ShortOver { due, reported_on }, detail) => {
                self.judge(Kind::ShortOver, stream, due, reported_on, detail);
            }
        }
    }

    /// The list, by due date, then kind and stream.
    pub fn finish(mut self) -> Vec<Obligation> {
        let Setting { from, as_of, terms, run_days, .. } = self.setting;
        self.months(from, as_of, terms.patrol_days);
        self.quarters(from, as_of, run_days);
        for orphan in self.orphans.find(as_of) {
            let stream = format!("case/{}", orphan.case);
            self.judge(Kind::OrphanCase, &stream, orphan.left_on, None, orphan.officer.as_str());
        }
        for (case, from, since, handover) in std::mem::take(&mut self.transfers) {
            if self.officers.get(&case) == Some(&from) {
                let due = since.plus_days(terms.assign_days);
                self.judge(Kind::Assignment, &format!("case/{case}"), due, None, &handover);
            }
        }
        self.named.sort_unstable();
        for (exhibit, since) in std::mem::take(&mut self.exhibits) {
            if self.named.binary_search(&exhibit).is_err() {
                let due = since.plus_days(self.setting.cases.store_days);
                self.judge(Kind::ExhibitNamed, &format!("exhibit/{exhibit}"), due, None, "");
            }
        }
        self.found.sort_unstable();
        self.found
    }

    /// Nothing if it was met in time.
    fn judge(&mut self, kind: Kind, stream: &str, due: Day, met_on: Option<Day>, detail: &str) {
        let as_of = self.setting.as_of;
        let standing = match met_on.filter(|on| *on <= as_of) {
            Some(on) if on <= due => return,
            Some(_) => Standing::MetLate,
            None if as_of > due => Standing::Overdue,
            None => Standing::Due,
        };
        let (stream, detail) = (stream.to_owned(), detail.to_owned());
        self.found.push(Obligation { due, kind, stream, standing, detail });
    }

    fn months(&mut self, from: Day, as_of: Day, patrol_days: u32) {
        let first = std::iter::successors(Some(Month::of(from)), |month| Some(month.next()));
        let whole = first.skip_while(|month| month.first() < from).take(PERIODS_MAX);
        for month in whole.take_while(|month| month.first() <= as_of) {
            let met_on = self.patrols.get(&month).copied();
            let due = month.last().plus_days(patrol_days);
            self.judge(Kind::Patrol, &format!("patrol/{month}"), due, met_on, "");
        }
    }

    fn quarters(&mut self, from: Day, as_of: Day, run_days: u32) {
        let first = std::iter::successors(Some(Quarter::of(from)), |quarter| Some(quarter.next()));
        let whole = first.skip_while(|quarter| quarter.first() < from).take(PERIODS_MAX);
        for quarter in whole.take_while(|quarter| quarter.first() <= as_of) {
            let met_on = self.runs.get(&quarter).copied();
            let due = quarter.last().plus_days(run_days);
            self.judge(Kind::SamplingRun, &format!("ethics_run/{quarter}"), due, met_on, "");
        }
    }

    fn case(&mut self, stream: &str, case: &Case) {
        self.orphans.case(case);
        self.named.extend(case.exhibits.iter().map(ToString::to_string));
        self.clocks(stream, case);
        let terms = self.setting.cases;
        if case.criminal && !case.status.has_ended() {
            let due = case.opened_on.plus_days(terms.refer_days);
            self.judge(Kind::Referral, stream, due, case.referred_on, "");
        }
        if case.status == Status::Criminal {
            let last = case.asked_on.max(case.referred_on).unwrap_or(case.opened_on);
            self.judge(Kind::ProsecutorAsked, stream, last.plus_months(terms.ask_months), None, "");
        }
        if !case.status.has_ended() {
            self.officers.insert(case.no.to_string(), case.officer.to_string());
        }
    }

    /// A clock is met by the service of a decision. Until then it is listed from its first warning
    /// on; afterwards only if the service came too late for it.
    fn clocks(&mut self, stream: &str, case: &Case) {
        let as_of = self.setting.as_of;
        let met_on = case.served_on.filter(|on| *on <= as_of);
        let is_open = case.status.runs_against_clock() || case.status == Status::TimeBarred;
        if !is_open && met_on.is_none() {
            return;
        }
        // The clocks as they stood when the decision took effect.
        let clocks = clocks(case, self.setting.cases, met_on.unwrap_or(as_of));
        let live = |clock: &&Clock| clock.standing != ClockStanding::Superseded && clock.warning.is_some();
        for clock in clocks.iter().filter(live) {
            let left = clock.warning.unwrap_or(0);
            let detail = match left {
                0 => format!("{} {}", clock.article, clock.code.name()),
                months => format!("{} {} {months}", clock.article, clock.code.name()),
            };
            self.judge(Kind::Clock, stream, clock.earlier(), met_on, &detail);
        }
    }

    fn handover(&mut self, stream: &str, handover: &Handover) {
        self.orphans.handover(handover);
        if handover.withdrawn_on.is_some() {
            return;
        }
        let due = handover.signed_out_on.plus_days(self.setting.terms.handover_days);
        let waits_for = match (handover.signed_in_on, handover.supervised_on) {
            (None, _) => handover.listing.incoming.as_str(),
            (Some(_), None) => handover.listing.supervisor.as_str(),
            (Some(_), Some(_)) => "",
        };
        self.judge(Kind::Handover, stream, due, handover.supervised_on, waits_for);
        if let Some(on) = handover.supervised_on {
            let owed = handover.listing.cases.iter();
            let from = handover.listing.outgoing.to_string();
            let no = handover.listing.no.to_string();
            self.transfers.extend(owed.map(|case| (case.to_string(), from.clone(), on, no.clone())));
        }
    }

    fn exhibit(&mut self, stream: &str, exhibit: &Exhibit) {
        let due = exhibit.seized_on.plus_days(self.setting.cases.store_days);
        if exhibit.stored_on.is_some() || !exhibit.is_settled() {
            self.judge(Kind::ExhibitStored, stream, due, exhibit.stored_on, "");
        }
        self.exhibits.push((exhibit.no.to_string(), exhibit.seized_on));
    }
}
