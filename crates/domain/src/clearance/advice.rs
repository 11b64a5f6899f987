//! How often risk advice was right: held against what was found afterwards.
//! Invariant: each cargo counts once for each source, under the model that advised last; each flagged
//! passenger counts once. Nothing is clear before whoever must look has looked.

use super::{
    event::Finding,
    ids::Word,
    state::{Cargo, Passengers},
};
use crate::ledger::sums::Counters;

/// The source that passengers are flagged by.
pub const PASSENGERS: &str = "passengers";

/// What advice came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Found,
    Clear,
    Open,
}

/// How often the advice of one model was right. Each cargo or passenger counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    /// Advised on.
    pub advised: u64,
    /// Of them, those of which it was said: look.
    pub flagged: u64,
    /// Flagged, and something was found.
    pub hits: u64,
    /// Flagged, and nothing was found.
    pub false_alarms: u64,
    /// Not flagged, and something was found.
    pub missed: u64,
    /// Not flagged, and nothing was found.
    pub passed: u64,
    /// Without an outcome so far.
    pub open: u64,
}

impl Rate {
    /// How many counters it is.
    pub const COUNTERS: usize = 7;

    /// The counters, in the order in which rows hold them.
    pub fn counters(&self) -> Counters {
        let Self { advised, flagged, hits, false_alarms, missed, passed, open } = *self;
        Counters::of(&[advised, flagged, hits, false_alarms, missed, passed, open].map(u128::from))
    }

    /// The rate that counters are.
    pub fn read(counters: &Counters) -> Self {
        let numbers = counters.numbers().map(|number| u64::try_from(number).unwrap_or(u64::MAX));
        let [advised, flagged, hits, false_alarms, missed, passed, open] = numbers;
        Self { advised, flagged, hits, false_alarms, missed, passed, open }
    }

    fn add(&mut self, flagged: bool, outcome: Outcome) {
        self.advised += 1;
        self.flagged += u64::from(flagged);
        let count = match (outcome, flagged) {
            (Outcome::Found, true) => &mut self.hits,
            (Outcome::Clear, true) => &mut self.false_alarms,
            (Outcome::Found, false) => &mut self.missed,
            (Outcome::Clear, false) => &mut self.passed,
            (Outcome::Open, _) => &mut self.open,
        };
        *count += 1;
    }
}

/// What each source of advice on a cargo came to: source, model, and a rate of this cargo alone.
pub fn rates(cargo: &Cargo) -> impl Iterator<Item = (Word, Word, Rate)> {
    cargo.advice.iter().filter_map(|line| {
        let mut rate = Rate::default();
        rate.add(line.flagged > 0, outcome(cargo));
        Some((Word::parse(line.source.as_str())?, line.model, rate))
    })
}

/// What the flags of one flight came to.
pub fn passenger_rate(passengers: &Passengers) -> (Word, Word, Rate) {
    let mut rate = Rate::default();
    flags(passengers).for_each(|outcome| rate.add(true, outcome));
    (Word::parse(PASSENGERS).expect("a word"), passengers.model, rate)
}

/// Nothing is clear before whoever must look has looked.
fn outcome(cargo: &Cargo) -> Outcome {
    match cargo.inspection {
        Some(Finding::Contraband | Finding::Mismatch) => Outcome::Found,
        _ if cargo.seized > 0 => Outcome::Found,
        Some(Finding::Ok) => Outcome::Clear,
        None if !cargo.needs_inspection() && cargo.outcome_known() => Outcome::Clear,
        None => Outcome::Open,
    }
}

/// What came of each flag: what is known last.
fn flags(passengers: &Passengers) -> impl Iterator<Item = Outcome> {
    (1..=passengers.flags).map(|flag| {
        let result = passengers.results.iter().rfind(|result| result.flag == flag);
        match result.map(|result| result.result) {
            None => Outcome::Open,
            Some(Finding::Ok) => Outcome::Clear,
            Some(Finding::Contraband | Finding::Mismatch) => Outcome::Found,
        }
    })
}
