//! What should have happened by a day and has not, over all streams (SPEC.md "Obligations").
//! Invariant: nothing but states, epochs, rules and the day goes in; the calendar begins on the day of
//! entry 0. Cost: that of the cargo and draws which are open, and of all cases, exhibits, handovers,
//! posts, patrols and sampling runs.

use lian_core::{json::Value, time::taipei_day};

use super::{View, board::bag, date, draws, owned, past::PastFault, streams::Streams};
use crate::{
    dates::Day,
    ethics, families,
    ledger::Stream,
    obligations::{Calendar, Expected, Item, Obligation, Quarter, Setting},
    rules::Rules,
};

/// Beginnings of the streams that the calendar takes whole, besides cargo and draws, of which it takes
/// those that are open.
const FAMILIES: [&str; 6] = ["case/", "ethics_run/", "exhibit/", "handover/", "patrol/", "post/"];

/// The calendar of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obligations {
    /// As of this day.
    pub today: Day,
    /// By due date, then kind and stream.
    pub rows: Vec<Obligation>,
    /// Always true: every stream is looked at that may owe something.
    pub complete: bool,
}

/// Every obligation that is open on the day, or was met late.
pub fn obligations(streams: &dyn Streams, today: Day) -> Result<Obligations, PastFault> {
    let rules = streams.rules();
    // Epoch 0 is closed by entry 0.
    let from = streams.epoch(0)?.map_or(today, |opened| day_of(opened.closed_at));
    let mut calendar = Calendar::new(Setting {
        from,
        as_of: today,
        terms: &rules.obligations,
        cases: &rules.cases,
        run_days: rules.ethics.run_days,
    });
    streams.open("cargo/", &mut |stream| take(&mut calendar, stream, &rules))?;
    for family in FAMILIES {
        streams.each(family, usize::MAX, &mut |stream| take(&mut calendar, stream, &rules))?;
    }
    reveals(streams, &mut calendar)?;
    Ok(Obligations { today, rows: calendar.finish(), complete: true })
}

fn day_of(unix_ms: u64) -> Day {
    Day::from_number(taipei_day(unix_ms))
}

fn take(calendar: &mut Calendar<'_>, stream: &Stream, rules: &Rules) {
    let Some(state) = stream.family() else { return };
    if let Some((_, _, cargo)) = bag(stream) {
        calendar.take(&stream.name, Item::Cargo(cargo));
        if let Some(due) = cargo.report_due(&rules.clearance) {
            let reported_on = cargo.reported_on;
            calendar.take(&stream.name, Item::Expected(Expected::ShortOver { due, reported_on }, ""));
        }
    } else if let Some(ethics::State::Run(run)) = state.ethics() {
        let quarter = Quarter::of(run.quarter.first());
        let expected = Expected::SamplingRun { quarter, closed_on: run.closed_on };
        calendar.take(&stream.name, Item::Expected(expected, ""));
    } else if let Some(case) = state.case() {
        calendar.take(&stream.name, Item::from(case));
    } else if let Some(patrol) = state.patrol() {
        calendar.take(&stream.name, Item::Patrol(patrol));
    }
}

/// Draws, each with its seal epoch: parties that committed and have not revealed stay named.
fn reveals(streams: &dyn Streams, calendar: &mut Calendar<'_>) -> Result<(), PastFault> {
    let mut draws = Vec::new();
    streams.open("draw/", &mut |stream| {
        draws.extend(stream.family().and_then(families::State::draw).cloned());
    })?;
    for draw in &draws {
        let seal = draws::seal(streams, draw)?.map(|(_, seal)| seal);
        calendar.take(&draw.stream(), Item::Draw(draw, seal));
    }
    Ok(())
}

/// One obligation as a JSON object.
pub fn obligation_value(obligation: &Obligation) -> Value<'static> {
    Value::object([
        ("detail", owned(&obligation.detail)),
        ("due", date(obligation.due)),
        ("kind", Value::text(obligation.kind.name())),
        ("source", Value::text(obligation.source())),
        ("standing", Value::text(obligation.standing.name())),
        ("stream", owned(&obligation.stream)),
    ])
}

impl View for Obligations {
    const NAME: &'static str = "obligations";

    fn to_value(&self) -> Value<'static> {
        Value::object([
            ("complete", Value::Bool(self.complete)),
            ("rows", Value::List(self.rows.iter().map(obligation_value).collect())),
            ("today", date(self.today)),
        ])
    }
}
