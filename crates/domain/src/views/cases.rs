//! The limitation clocks of all cases that run against one, as of a day.
//! Invariant: a case is listed by the last day that comes first, counted the earlier way; the alarm
//! goes by that day.

use lian_core::json::Value;

use super::{View, date, or_null, owned, past::PastFault, streams::Streams};
use crate::{
    cases::{
        self, Case, Exhibit, Handover, Status,
        clocks::{Clock, clocks as clocks_of, earliest, is_barred},
        ids::{Article, CaseNo},
    },
    dates::Day,
    families,
    ledger::Stream,
};

/// One case and its clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseClocks {
    /// Number.
    pub no: CaseNo,
    /// How far it has come.
    pub status: Status,
    /// Who is responsible.
    pub officer: String,
    /// Every clock that has started.
    pub clocks: Vec<Clock>,
    /// The last day that comes first; `None` while no clock has started.
    pub last: Option<Day>,
    /// Months of the warning that was reached: 12, 6, 3, 1, or 0 once lapsed.
    pub alarm: Option<u32>,
    /// Articles on which nothing may be decided any more.
    pub barred: Vec<Article>,
}

/// The clocks of all cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clocks {
    /// As of this day.
    pub today: Day,
    /// The most pressing first.
    pub rows: Vec<CaseClocks>,
    /// Always true: every case is looked at that has a clock.
    pub complete: bool,
}

/// The clocks of every case that still waits for a decision to be served, or waited in vain.
pub fn clocks(streams: &dyn Streams, today: Day) -> Result<Clocks, PastFault> {
    let rules = streams.rules();
    let mut rows = Vec::new();
    streams.open("case/", &mut |stream| {
        let Some(cases::State::Case(case)) = stream.family().and_then(families::State::case) else { return };
        let clocks = clocks_of(case, &rules.cases, today);
        let first = earliest(&clocks);
        let articles = case.offences.iter().map(|offence| &offence.article);
        rows.push(CaseClocks {
            no: case.no.clone(),
            status: case.status,
            officer: case.officer.to_string(),
            last: first.map(Clock::earlier),
            alarm: first.and_then(|clock| clock.warning),
            barred: articles.filter(|article| is_barred(&clocks, article)).cloned().collect(),
            clocks,
        });
    })?;
    // Cases come ascending by number; those without a clock go last.
    rows.sort_by_key(|row: &CaseClocks| (row.last.is_none(), row.last));
    Ok(Clocks { today, rows, complete: true })
}

/// Handovers that are looked at for those of one case.
const HANDOVERS_LOOKED_AT: usize = 10_000;

/// One case with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFile {
    /// The case.
    pub case: Case,
    /// As of this day.
    pub today: Day,
    /// Every clock that has started, on that day.
    pub clocks: Vec<Clock>,
    /// Handovers that list it, ascending by number.
    pub handovers: Vec<Handover>,
    /// Its exhibits, ascending by number.
    pub exhibits: Vec<Exhibit>,
    /// False if there are more handovers than were looked at.
    pub complete: bool,
}

/// One case; `None` if nobody opened it.
pub fn one(streams: &dyn Streams, no: &str, today: Day) -> Result<Option<CaseFile>, PastFault> {
    let family = |stream: &Stream| stream.family().and_then(families::State::case).cloned();
    let found = streams.stream(&format!("case/{no}"))?;
    let Some(cases::State::Case(case)) = found.as_ref().and_then(family) else { return Ok(None) };
    let mut handovers = Vec::new();
    let complete = streams.each("handover/", HANDOVERS_LOOKED_AT, &mut |stream| {
        if let Some(cases::State::Handover(handover)) = family(stream)
            && handover.listing.cases.contains(&case.no)
        {
            handovers.push(*handover);
        }
    })?;
    let mut exhibits = Vec::new();
    for exhibit in &case.exhibits {
        let found = streams.stream(&format!("exhibit/{exhibit}"))?;
        if let Some(cases::State::Exhibit(exhibit)) = found.as_ref().and_then(family) {
            exhibits.push(*exhibit);
        }
    }
    let clocks = clocks_of(&case, &streams.rules().cases, today);
    Ok(Some(CaseFile { case: *case, today, clocks, handovers, exhibits, complete }))
}

/// One clock as a JSON object.
pub fn clock_value(clock: &Clock) -> Value<'static> {
    Value::object([
        ("article", owned(&clock.article)),
        ("code", Value::text(clock.code.name())),
        ("earlier", date(clock.earlier())),
        ("from", date(clock.from)),
        ("last_counted", date(clock.last_counted)),
        ("last_uncounted", date(clock.last_uncounted)),
        ("over", Value::Bool(clock.over)),
        ("standing", Value::text(clock.standing.name())),
        ("warning", or_null(clock.warning, |months| Value::number(u64::from(months)))),
    ])
}

impl CaseClocks {
    /// The case as a JSON object.
    pub fn to_value(&self) -> Value<'static> {
        Value::object([
            ("alarm", or_null(self.alarm, |months| Value::number(u64::from(months)))),
            ("barred", Value::List(self.barred.iter().map(owned).collect())),
            ("clocks", Value::List(self.clocks.iter().map(clock_value).collect())),
            ("last", or_null(self.last, date)),
            ("no", owned(&self.no)),
            ("officer", owned(&self.officer)),
            ("status", Value::text(self.status.name())),
        ])
    }
}

impl View for Clocks {
    const NAME: &'static str = "cases/clocks";

    fn to_value(&self) -> Value<'static> {
        Value::object([
            ("complete", Value::Bool(self.complete)),
            ("rows", Value::List(self.rows.iter().map(CaseClocks::to_value).collect())),
            ("today", date(self.today)),
        ])
    }
}
