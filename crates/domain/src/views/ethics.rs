//! What the public may know of the ethics register: counts by type, quarter and year.
//! Invariant: nothing of one registration is in it but that it was counted (`ethics::count`).

use std::collections::BTreeMap;

use lian_core::json::Value;

use super::{View, past::PastFault, streams::Streams};
use crate::{
    ethics::{Count, Counts, Type},
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

impl Statistics {
    /// By year of the common era and type; `None` for all types together.
    pub fn years(&self) -> BTreeMap<(i64, Option<Type>), Count> {
        let mut years: BTreeMap<(i64, Option<Type>), Count> = BTreeMap::new();
        for (quarter, kind, count) in self.counts.rows() {
            for kind in [Some(kind), None] {
                years.entry((quarter.year(), kind)).or_default().add(&count);
            }
        }
        years
    }
}

impl View for Statistics {
    const NAME: &'static str = "ethics/stats";

    fn to_value(&self) -> Value<'static> {
        let row = |((year, kind), count): ((i64, Option<Type>), Count)| {
            let numbers = count.members().into_iter().map(|(name, number)| (name, Value::number(number)));
            let names = [
                ("roc_year", Value::Int(year - ROC_OFFSET)),
                ("type", Value::text(kind.map_or("all", Type::name))),
                ("year", Value::Int(year)),
            ];
            Value::object(numbers.chain(names))
        };
        Value::object([
            ("complete", Value::Bool(self.complete)),
            ("quarters", self.counts.to_value()),
            ("years", Value::List(self.years().into_iter().map(row).collect())),
        ])
    }
}
