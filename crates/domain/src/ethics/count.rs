//! What the public may know: how many registrations, by quarter and type. Invariant: a pure function
//! of the states; no number, actor, unit or day of one registration is in it.

use std::collections::BTreeMap;

use lian_core::json::Value;

use super::{
    event::{Type, Verdict},
    state::{Breach, Registration, State},
};
use crate::{
    dates::Day,
    draws::{Calendar, Period},
    ledger::sums::Counters,
};

/// How many registrations of one kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Registered in the period.
    pub registered: u64,
    /// Of these, registered late.
    pub late: u64,
    /// Of these, with any breach, lateness included.
    pub breaches: u64,
    /// Of these, sampled so far.
    pub sampled: u64,
    /// Of these, reviewed without a finding.
    pub correct: u64,
    /// Of these, reviewed with one.
    pub anomalies: u64,
}

impl Count {
    /// How many counters it is.
    pub const COUNTERS: usize = 6;

    /// What one registration counts for.
    pub fn of(registration: &Registration) -> Self {
        let outcome = registration.review.as_ref().map(|step| step.what.outcome);
        let breaches = registration.breaches();
        Self {
            registered: 1,
            late: u64::from(breaches.contains(&Breach::LateReport)),
            breaches: u64::from(!breaches.is_empty()),
            sampled: u64::from(registration.sampled.is_some()),
            correct: u64::from(outcome == Some(Verdict::Correct)),
            anomalies: u64::from(outcome == Some(Verdict::Anomaly)),
        }
    }

    /// The counters, in the order in which rows hold them.
    pub fn counters(&self) -> Counters {
        let Self { registered, late, breaches, sampled, correct, anomalies } = *self;
        Counters::of(&[registered, late, breaches, sampled, correct, anomalies].map(u128::from))
    }

    /// The count that counters are.
    pub fn read(counters: &Counters) -> Self {
        let numbers = counters.numbers().map(|number| u64::try_from(number).unwrap_or(u64::MAX));
        let [registered, late, breaches, sampled, correct, anomalies] = numbers;
        Self { registered, late, breaches, sampled, correct, anomalies }
    }

    pub(crate) fn members(&self) -> [(&'static str, u64); 6] {
        [
            ("anomalies", self.anomalies),
            ("breaches", self.breaches),
            ("correct", self.correct),
            ("late", self.late),
            ("registered", self.registered),
            ("sampled", self.sampled),
        ]
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.registered += other.registered;
        self.late += other.late;
        self.breaches += other.breaches;
        self.sampled += other.sampled;
        self.correct += other.correct;
        self.anomalies += other.anomalies;
    }
}

/// Counts by quarter (of the day of registration) and type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts(BTreeMap<(Day, Type), Count>);

/// Counts the registrations among these states.
pub fn count<'s>(states: impl IntoIterator<Item = &'s State>) -> Counts {
    let mut counts = Counts::default();
    for state in states {
        let State::Registration(registration) = state else { continue };
        let quarter = Calendar::Quarter.period_of(registration.reported_on);
        counts.add(quarter.first(), registration.report.kind, &Count::of(registration));
    }
    counts
}

impl Counts {
    /// Adds what was counted for the quarter that begins on this day, and a type.
    pub fn add(&mut self, first: Day, kind: Type, count: &Count) {
        self.0.entry((first, kind)).or_default().add(count);
    }

    /// Every quarter and type that has a registration, ascending.
    pub fn rows(&self) -> impl Iterator<Item = (Period, Type, Count)> {
        self.0.iter().map(|((first, kind), count)| (Calendar::Quarter.period_of(*first), *kind, *count))
    }

    /// One type in one quarter.
    pub fn quarter(&self, quarter: Period, kind: Type) -> Count {
        self.0.get(&(quarter.first(), kind)).copied().unwrap_or_default()
    }

    /// One type in one year of the common era.
    pub fn year(&self, year: i64, kind: Type) -> Count {
        let mut sum = Count::default();
        for (_, _, count) in
            self.rows().filter(|(quarter, known, _)| quarter.year() == year && *known == kind)
        {
            sum.add(&count);
        }
        sum
    }

    /// The rows as canonical JSON: what is published, and what two parties compare.
    pub fn to_value(&self) -> Value<'static> {
        let row = |(quarter, kind, count): (Period, Type, Count)| {
            let numbers = count.members().into_iter().map(|(name, number)| (name, Value::number(number)));
            let names = [("quarter", Value::text(quarter.to_string())), ("type", Value::text(kind.name()))];
            Value::object(numbers.chain(names))
        };
        Value::List(self.rows().map(row).collect())
    }
}
