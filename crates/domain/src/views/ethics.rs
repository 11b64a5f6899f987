//! The counts of the ethics register by type, quarter and year: whole for those who may see the
//! register, and for everybody without small numbers and what gives them away.
//! Invariant: nothing of one registration is in it but that it was counted (`ethics::count`).

use lian_core::json::Value;

use super::{View, owned, past::PastFault, streams::Streams};
use crate::{
    draws::Period,
    ethics::{Count, Counts, Figures, Told, Type},
    ledger::sums::{Group, Groups},
};

/// Years of the common era before year 1 of the Republic.
const ROC_OFFSET: i64 = 1_911;

/// The counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// By quarter and type.
    pub counts: Counts,
    /// Always true: all registrations are counted.
    pub complete: bool,
}

/// Counts all registrations.
pub fn statistics(streams: &dyn Streams) -> Result<Statistics, PastFault> {
    let mut counts = Counts::default();
    for (group, counters) in streams.sums(Groups::Ethics)? {
        if let Group::Ethics(first, kind) = group {
            counts.add(first, kind, &Count::read(&counters));
        }
    }
    Ok(Statistics { counts, complete: true })
}

/// What everybody may know of the counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The numbers that are told.
    pub figures: Figures,
    /// Always true: all registrations are counted.
    pub complete: bool,
}

impl Statistics {
    /// The counts without small numbers and without what gives them away.
    pub fn public(&self) -> Published {
        Published { figures: self.counts.public(), complete: self.complete }
    }
}

fn value(figures: &Figures, complete: bool) -> Value<'static> {
    let quarter = |(quarter, kind, told): &(Period, Type, Told)| {
        let names = [("quarter", owned(quarter)), ("type", Value::text(kind.name()))];
        Value::object(told.members().into_iter().chain(names))
    };
    let year = |((year, kind), told): (&(i64, Option<Type>), &Told)| {
        let names = [
            ("roc_year", Value::Int(year - ROC_OFFSET)),
            ("type", Value::text(kind.map_or("all", Type::name))),
            ("year", Value::Int(*year)),
        ];
        Value::object(told.members().into_iter().chain(names))
    };
    Value::object([
        ("complete", Value::Bool(complete)),
        ("quarters", Value::List(figures.quarters.iter().map(quarter).collect())),
        ("years", Value::List(figures.years.iter().map(year).collect())),
    ])
}

impl View for Statistics {
    const NAME: &'static str = "ethics/stats";

    fn to_value(&self) -> Value<'static> {
        value(&self.counts.whole(), self.complete)
    }
}

impl View for Published {
    const NAME: &'static str = "ethics/public";

    fn to_value(&self) -> Value<'static> {
        value(&self.figures, self.complete)
    }
}
