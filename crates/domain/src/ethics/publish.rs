//! Which counts of the register everybody may be told. A small number tells of a person; it is left
//! out, and so is whatever gives it away.
//! Invariant: with all that is told, and knowing these rules, each small number of registrations could
//! still be any number from 1 to `SMALL_MAX`, and no other number that is left out can be computed.
//! Limits: this holds within one answer; answers of two moments may be compared.

use std::collections::{BTreeMap, BTreeSet};

use lian_core::json::Value;

use super::{
    count::{Count, Counts},
    event::Type,
};
use crate::draws::Period;

/// The largest number that is left out for being small.
pub const SMALL_MAX: u64 = 4;

/// What is told of a count: its numbers, or that one is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// Registered in the period.
    pub registered: Option<u64>,
    /// Of these, registered late.
    pub late: Option<u64>,
    /// Of these, with any breach.
    pub breaches: Option<u64>,
    /// Of these, sampled so far.
    pub sampled: Option<u64>,
    /// Of these, reviewed without a finding.
    pub correct: Option<u64>,
    /// Of these, reviewed with one.
    pub anomalies: Option<u64>,
}

impl Told {
    /// All of a count.
    pub fn whole(count: &Count) -> Self {
        let Count { registered, late, breaches, sampled, correct, anomalies } = *count;
        let [registered, late, breaches, sampled, correct, anomalies] =
            [registered, late, breaches, sampled, correct, anomalies].map(Some);
        Self { registered, late, breaches, sampled, correct, anomalies }
    }

    /// The numbers, in the order of pages.
    pub const fn numbers(&self) -> [Option<u64>; Count::COUNTERS] {
        [self.registered, self.late, self.breaches, self.sampled, self.correct, self.anomalies]
    }

    /// True if nothing is left out.
    pub fn is_whole(&self) -> bool {
        self.numbers().iter().all(Option::is_some)
    }

    pub(crate) fn members(&self) -> [(&'static str, Value<'static>); Count::COUNTERS] {
        let names = ["registered", "late", "breaches", "sampled", "correct", "anomalies"];
        let mut numbers = self.numbers().into_iter();
        names.map(|name| (name, numbers.next().flatten().map_or(Value::Null, Value::number)))
    }

    /// What is told of one type in one quarter. Numbers of one row bound each other (late ≤ breaches ≤
    /// registered; correct + anomalies ≤ sampled ≤ registered): under a small number nothing is told.
    fn of(count: &Count) -> Self {
        let told = |hidden: bool, number: u64| (!hidden).then_some(number);
        let registered = is_small(count.registered);
        let breaches = registered || is_small(count.breaches);
        let sampled = registered || is_small(count.sampled);
        let (mut correct, mut anomalies) = (is_small(count.correct), is_small(count.anomalies));
        // One outcome that is told leaves less room for the other than a small number needs.
        let is_tight = |other: u64| count.sampled.saturating_sub(other) < SMALL_MAX;
        (correct, anomalies) = (
            correct || anomalies && is_tight(count.correct),
            anomalies || correct && is_tight(count.anomalies),
        );
        Self {
            registered: told(registered, count.registered),
            late: told(breaches || is_small(count.late), count.late),
            breaches: told(breaches, count.breaches),
            sampled: told(sampled, count.sampled),
            correct: told(sampled || correct, count.correct),
            anomalies: told(sampled || anomalies, count.anomalies),
        }
    }
}

const fn is_small(number: u64) -> bool {
    number > 0 && number <= SMALL_MAX
}

/// True if each of so many small numbers could still be any small number when their sum is told.
const fn leaves_open(numbers: u64, sum: u64) -> bool {
    numbers == 0 || (sum >= numbers + SMALL_MAX - 1 && sum + SMALL_MAX - 1 <= numbers * SMALL_MAX)
}

/// Sums that so many small numbers may have if their sum is not told.
fn untold(numbers: u64) -> BTreeSet<u64> {
    (numbers..=numbers * SMALL_MAX).filter(|sum| !leaves_open(numbers, *sum)).collect()
}

/// The same of several groups: whether each number could still be any small number when only the sum
/// over all groups is told. Which sums of a group are not told is known to whoever knows the rules.
fn leave_open(groups: &[u64], sum: u64) -> bool {
    groups.iter().enumerate().all(|(at, numbers)| {
        let others = groups.iter().enumerate().filter(|(other, _)| *other != at);
        let rest = others.fold(BTreeSet::from([0]), |sums, (_, numbers)| {
            untold(*numbers).iter().flat_map(|more| sums.iter().map(move |sum| sum + more)).collect()
        });
        let own = untold(*numbers);
        (1..=SMALL_MAX).all(|value| {
            let left = numbers.saturating_sub(1);
            let with = (left..=left * SMALL_MAX).map(|others| others + value).filter(|sum| own.contains(sum));
            with.into_iter().any(|group| sum.checked_sub(group).is_some_and(|left| rest.contains(&left)))
        })
    })
}

/// Some quarters of one type: their sum, and how many small numbers are in it.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    whole: Count,
    small: u64,
    /// Registrations in quarters whose number is small.
    registrations: u64,
    /// Which numbers are told of every quarter.
    all_told: [bool; Count::COUNTERS],
}

impl Sum {
    fn of<'c>(counts: impl IntoIterator<Item = &'c Count>) -> Self {
        let mut sum = Self { all_told: [true; Count::COUNTERS], ..Self::default() };
        for count in counts {
            sum.whole.add(count);
            if is_small(count.registered) {
                sum.small += 1;
                sum.registrations += count.registered;
            }
            for (all, told) in sum.all_told.iter_mut().zip(Told::of(count).numbers()) {
                *all &= told.is_some();
            }
        }
        sum
    }

    /// A sum tells a number if that leaves open what was left out, and any other only if nothing was.
    fn told(&self, registered: bool) -> Told {
        let [_, late, breaches, sampled, correct, anomalies] = self.all_told;
        let told = |told: bool, number: u64| told.then_some(number);
        Told {
            registered: told(registered, self.whole.registered),
            late: told(late, self.whole.late),
            breaches: told(breaches, self.whole.breaches),
            sampled: told(sampled, self.whole.sampled),
            correct: told(correct, self.whole.correct),
            anomalies: told(anomalies, self.whole.anomalies),
        }
    }
}

/// Rows by quarter and type, and by year of the common era and type; `None` for all types together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// By quarter and type, ascending.
    pub quarters: Vec<(Period, Type, Told)>,
    /// By year and type, ascending, of each year first all types together.
    pub years: BTreeMap<(i64, Option<Type>), Told>,
}

impl Counts {
    /// Everything, for those who may see the register.
    pub fn whole(&self) -> Figures {
        let mut years: BTreeMap<(i64, Option<Type>), Count> = BTreeMap::new();
        for (quarter, kind, count) in self.rows() {
            for kind in [Some(kind), None] {
                years.entry((quarter.year(), kind)).or_default().add(&count);
            }
        }
        let quarters = self.rows().map(|(quarter, kind, count)| (quarter, kind, Told::whole(&count)));
        let years = years.iter().map(|(of, count)| (*of, Told::whole(count)));
        Figures { quarters: quarters.collect(), years: years.collect() }
    }

    /// What everybody may be told.
    pub fn public(&self) -> Figures {
        let mut by_year: BTreeMap<i64, BTreeMap<Type, Vec<Count>>> = BTreeMap::new();
        for (quarter, kind, count) in self.rows() {
            by_year.entry(quarter.year()).or_default().entry(kind).or_default().push(count);
        }
        let mut years = BTreeMap::new();
        for (year, types) in by_year {
            let (mut groups, mut sum) = (Vec::new(), 0);
            for (kind, counts) in &types {
                let of_type = Sum::of(counts);
                let told = leaves_open(of_type.small, of_type.registrations);
                if !told {
                    groups.push(of_type.small);
                    sum += of_type.registrations;
                }
                years.insert((year, Some(*kind)), of_type.told(told));
            }
            let all = Sum::of(types.values().flatten());
            years.insert((year, None), all.told(leave_open(&groups, sum)));
        }
        let quarters = self.rows().map(|(quarter, kind, count)| (quarter, kind, Told::of(&count)));
        Figures { quarters: quarters.collect(), years }
    }
}

#[cfg(test)]
mod tests;
