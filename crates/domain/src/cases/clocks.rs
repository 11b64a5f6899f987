//! Limitation clocks (裁處權時效): every clock that a violated article has, counted both ways.
//! Invariant: the alarm goes by the earlier last day, the refusal of a decision by the later one,
//! and only when every clock of the article is over: which law governs is not for a program to say.
//! Pure: a function of state, rules and a day. Rest days count; nothing is shifted.

use lian_core::time::{date_of, day_of};

use super::{
    event::{Offence, Outcome},
    ids::Article,
    rules::{ClockCode, ClockRule, Start, Terms},
    state::{Case, Status, Stop},
};
use crate::dates::Day;

/// How a clock stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It runs.
    Running,
    /// The case is with the prosecutor: it warns, but bars nothing (criminal first, §26 I).
    Waiting,
    /// It stands still (CL-S).
    Stopped,
    /// A later event started another clock in its place.
    Superseded,
    /// Its last day, counted the earlier way, has passed.
    Lapsed,
}

impl Standing {
    /// Stable name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
            Self::Superseded => "superseded",
            Self::Lapsed => "lapsed",
        }
    }
}

/// One clock of one article on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Article.
    pub article: Article,
    /// Which clock.
    pub code: ClockCode,
    /// The day that started it.
    pub from: Day,
    /// Last day if the first day counts.
    pub last_counted: Day,
    /// Last day if the first day does not count.
    pub last_uncounted: Day,
    /// How it stands.
    pub standing: Standing,
    /// The warning that has been reached, in months before the last day; `Some(0)` once it lapsed.
    pub warning: Option<u32>,
    /// Over by both ways of counting.
    pub over: bool,
}

impl Clock {
    /// The earlier of the last days: the alarm goes by this one. As a rule it is the one that counts
    /// the first day, unless the clock stood still on that very day.
    pub fn earlier(&self) -> Day {
        self.last_counted.min(self.last_uncounted)
    }

    /// True if it can bar a decision.
    pub fn governs(&self) -> bool {
        !matches!(self.standing, Standing::Superseded | Standing::Waiting)
    }
}

/// Every clock of every article of a case that has started, as of a day, in the order of the
/// articles and codes.
pub fn clocks(case: &Case, terms: &Terms, today: Day) -> Vec<Clock> {
    let view = View { case, terms, today };
    let mut clocks = Vec::new();
    for offence in &case.offences {
        let rules = terms.clocks_of(&offence.article);
        let newest = rules
            .iter()
            .filter(|rule| rule.from != Start::Occurrence)
            .filter_map(|rule| start_of(case, offence, rule.from, today).map(|_| rank(rule.from)));
        let newest = newest.max();
        for rule in rules {
            if let Some(from) = start_of(case, offence, rule.from, today) {
                let superseded = rule.from != Start::Occurrence && Some(rank(rule.from)) < newest;
                clocks.push(clock(&view, offence, *rule, from, superseded));
            }
        }
    }
    clocks
}

/// The clock that gives the alarm: of those that are not superseded, the one with the earliest
/// last day.
pub fn earliest(clocks: &[Clock]) -> Option<&Clock> {
    clocks.iter().filter(|clock| clock.standing != Standing::Superseded).min_by_key(|clock| clock.earlier())
}

/// True if nothing may be decided on this article any more: every clock that governs it is over.
pub fn is_barred(clocks: &[Clock], article: &Article) -> bool {
    let mut of_article = clocks
        .iter()
        .filter(|clock| clock.article == *article && clock.standing != Standing::Superseded)
        .peekable();
    of_article.peek().is_some() && of_article.all(|clock| clock.governs() && clock.over)
}

/// First and last day of a period of years: day 1 counted, or not (行政程序法 §48).
pub fn last_days(from: Day, years: u32) -> (Day, Day) {
    let months = years.saturating_mul(12);
    (Day::from_number(from.number() - 1).plus_months(months), from.plus_months(months))
}

/// The day with the same number so many months before, or the last of a month that has no such day.
pub fn months_before(day: Day, months: u32) -> Day {
    let (year, month, number) = date_of(day.number());
    let index = year * 12 + (month - 1) - i64::from(months);
    let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
    let found = (28..=number).rev().chain([number]).find_map(|number| day_of(year, month, number));
    // A date before year 1 warns at once.
    Day::from_number(found.unwrap_or(i64::MIN / 4))
}

/// What a clock is read from.
struct View<'v> {
    case: &'v Case,
    terms: &'v Terms,
    today: Day,
}

fn rank(start: Start) -> u8 {
    match start {
        Start::Occurrence => 0,
        Start::ActEnd => 1,
        Start::ProsecutionFinal => 2,
        Start::RevocationFinal => 3,
    }
}

/// The day that starts a clock, if it has started by `today`.
fn start_of(case: &Case, offence: &Offence, start: Start, today: Day) -> Option<Day> {
    match start {
        Start::Occurrence => Some(offence.occurred_on),
        Start::ActEnd => Some(offence.result_on.unwrap_or(offence.ended_on)),
        Start::ProsecutionFinal => {
            let verdict = case.verdicts.last().filter(|verdict| verdict.outcome != Outcome::Guilty)?;
            Some(verdict.final_on)
        }
        Start::RevocationFinal => case.revocations.last().copied(),
    }
    .filter(|from| *from <= today)
}

fn clock(view: &View<'_>, offence: &Offence, rule: ClockRule, from: Day, superseded: bool) -> Clock {
    let View { case, terms, today } = *view;
    let (counted, uncounted) = last_days(from, rule.years);
    let stops: &[Stop] = if rule.stops { &case.stops } else { &[] };
    let last_counted = moved_by(stops, from, counted, today);
    let last_uncounted = moved_by(stops, from.plus_days(1), uncounted, today);
    let earlier = last_counted.min(last_uncounted);
    let stands_still = stops.last().is_some_and(|stop| stop.until.is_none() && stop.from <= today);
    let standing = if superseded {
        Standing::Superseded
    } else if case.status == Status::Criminal && rule.from == Start::ActEnd {
        Standing::Waiting
    } else if today > earlier {
        Standing::Lapsed
    } else if stands_still {
        Standing::Stopped
    } else {
        Standing::Running
    };
    let reached = |months: &&u32| today >= months_before(earlier, **months);
    let warning = match standing {
        Standing::Superseded => None,
        _ if today > earlier => Some(0),
        _ => terms.warn_months.iter().rfind(reached).copied(),
    };
    Clock {
        article: offence.article.clone(),
        code: rule.code,
        from,
        last_counted,
        last_uncounted,
        standing,
        warning,
        over: today > last_counted.max(last_uncounted),
    }
}

/// Adds the days on which the clock stood still: 行政罰法 §28 counts the time before the stop and
/// the time after it together. A stop after the last day comes too late.
fn moved_by(stops: &[Stop], first: Day, mut last: Day, today: Day) -> Day {
    for stop in stops {
        let from = stop.from.max(first);
        let until = stop.until.map_or(today, |until| until.min(today));
        if from > last {
            break;
        }
        let days = until.number() - from.number() + 1;
        last = Day::from_number(last.number() + days.max(0));
    }
    last
}
