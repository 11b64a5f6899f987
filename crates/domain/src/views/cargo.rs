//! Cargo by its numbers: the bags of a master waybill and whether their pieces add up, and how often
//! risk advice was right.
//! Invariant: every bag of a waybill is counted; advice is held against an outcome that came after it.
//! Limits: 200,000 bags of one waybill shown.

use std::collections::BTreeMap;

use lian_core::json::Value;

use super::{LOOKED_AT_MAX, View, board::bag, or_null, owned, past::PastFault, streams::Streams};
use crate::{
    clearance::{self, Cargo, Conservation, Hawb, Imbalance, Mawb, Rate},
    families,
    ledger::{
        Stream,
        sums::{Counters, Group, Groups},
    },
};

/// One bag or house bill.
#[derive(Debug, Clone)]
pub struct Bag {
    /// Number.
    pub hawb: Hawb,
    /// Its stream.
    pub stream: Stream,
    cargo: Box<Cargo>,
}

impl Bag {
    fn of(stream: &Stream) -> Option<Self> {
        let (_, hawb, cargo) = bag(stream)?;
        Some(Self { hawb, stream: stream.clone(), cargo: Box::new(cargo.clone()) })
    }

    /// What is known of it.
    pub fn cargo(&self) -> &Cargo {
        &self.cargo
    }

    /// The bag as a JSON object.
    pub fn to_value(&self) -> Value<'static> {
        let stage = |(name, reached): (&'static str, bool)| (name, Value::Bool(reached));
        Value::object([
            ("hawb", owned(self.hawb)),
            ("last", Value::number(self.stream.last)),
            ("stages", Value::object(stages(&self.cargo).map(stage))),
            ("state", or_null(self.stream.state_value(), |state| state)),
            ("version", Value::number(self.stream.version)),
        ])
    }
}

/// The stages on the way from manifest to gate-out, in their order, and whether each was reached.
pub fn stages(cargo: &Cargo) -> [(&'static str, bool); 12] {
    let image = cargo.image.as_ref();
    [
        ("manifested", cargo.manifest.is_some()),
        ("declared", cargo.declared.is_some()),
        ("warehoused", cargo.stored.is_some()),
        ("screened", cargo.screening.is_some()),
        (
            "queued",
            cargo.presented.is_some() || cargo.slot.as_ref().is_some_and(|slot| slot.number.is_some()),
        ),
        ("presented", cargo.presented.is_some()),
        ("imaged", image.is_some()),
        ("read", image.is_some_and(|image| image.reading.is_some())),
        ("inspected", cargo.inspection.is_some()),
        ("taxed", cargo.tax.is_some()),
        ("released", cargo.released > 0),
        ("gated_out", cargo.gone > 0 || cargo.gone_unreleased > 0),
    ]
}

impl View for Bag {
    const NAME: &'static str = "clearance/bag";

    fn to_value(&self) -> Value<'static> {
        Bag::to_value(self)
    }
}

/// A master waybill with all its bags.
#[derive(Debug, Clone)]
pub struct WaybillView {
    /// Number.
    pub mawb: Mawb,
    /// The waybill, if its manifest is on record.
    pub waybill: Option<Value<'static>>,
    /// Its bags or house bills, ascending.
    pub bags: Vec<Bag>,
    /// Whether their pieces add up.
    pub sums: Conservation,
    /// False if there are more bags than are shown; the sums are those of all, the findings are not.
    pub complete: bool,
}

/// One bag; `None` if nothing is known of it.
pub fn one(streams: &dyn Streams, mawb: &Mawb, hawb: &Hawb) -> Result<Option<Bag>, PastFault> {
    Ok(streams.stream(&format!("cargo/{mawb}/{hawb}"))?.as_ref().and_then(Bag::of))
}

/// A master waybill; `None` if neither it nor a bag of it is known.
pub fn conservation(streams: &dyn Streams, mawb: &Mawb) -> Result<Option<WaybillView>, PastFault> {
    let master = streams.stream(&format!("mawb/{mawb}"))?;
    let waybill = master.as_ref().and_then(Stream::family).and_then(families::State::clearance);
    let waybill = waybill.and_then(|state| match state {
        clearance::State::Mawb(waybill) => Some(&**waybill),
        _ => None,
    });
    let mut bags = Vec::new();
    let complete =
        streams.each(&format!("cargo/{mawb}/"), LOOKED_AT_MAX, &mut |stream| bags.extend(Bag::of(stream)))?;
    if waybill.is_none() && bags.is_empty() {
        return Ok(None);
    }
    let kept = streams.sums(Groups::Waybill(*mawb))?.pop();
    let mut sums = kept.map_or_else(Conservation::default, |(_, counters)| Conservation::read(&counters));
    for bag in &bags {
        sums.weigh(bag.hawb, bag.cargo());
    }
    sums.compare(waybill);
    let waybill = waybill.and(master.as_ref()).and_then(Stream::state_value);
    Ok(Some(WaybillView { mawb: *mawb, waybill, bags, sums, complete }))
}

/// The sums as a JSON object.
pub fn sums_value(sums: &Conservation) -> Value<'static> {
    let counts = [
        ("abandoned", sums.abandoned),
        ("amended", sums.amended),
        ("awaited", sums.awaited),
        ("expected", sums.expected()),
        ("gone", sums.gone),
        ("gone_unreleased", sums.gone_unreleased),
        ("held", sums.held),
        ("landed", sums.landed),
        ("manifest", sums.manifest),
        ("on_hand", sums.on_hand),
        ("released", sums.released),
        ("returned", sums.returned),
        ("seized", sums.seized),
        ("standing", sums.standing()),
    ];
    let counts = counts.into_iter().map(|(name, count)| (name, Value::Int(count)));
    let rest = [
        ("bills", Value::number(sums.bills)),
        ("findings", Value::List(sums.findings.iter().map(finding_value).collect())),
        ("holds", Value::Bool(sums.holds())),
    ];
    Value::object(counts.chain(rest))
}

fn finding_value(finding: &Imbalance) -> Value<'static> {
    let of_bag = |what, hawb: &Hawb, pieces: i64| {
        Value::object([("hawb", owned(hawb)), ("pieces", Value::Int(pieces)), ("what", Value::text(what))])
    };
    let of_both = |what, said: i64, found: i64| {
        Value::object([("found", Value::Int(found)), ("said", Value::Int(said)), ("what", Value::text(what))])
    };
    match finding {
        Imbalance::Cargo(hawb, pieces) => of_bag("lacking", hawb, *pieces),
        Imbalance::GoneUnreleased(hawb, pieces) => of_bag("gone_unreleased", hawb, *pieces),
        Imbalance::BelowZero(hawb, pieces) => of_bag("below_zero", hawb, *pieces),
        Imbalance::Twice(hawb) => Value::object([("hawb", owned(hawb)), ("what", Value::text("twice"))]),
        Imbalance::NoWaybill => Value::object([("what", Value::text("no_waybill"))]),
        Imbalance::Bills(said, found) => of_both("bills", *said, *found),
        Imbalance::Pieces(said, found) => of_both("pieces", *said, *found),
    }
}

impl View for WaybillView {
    const NAME: &'static str = "clearance/mawb";

    fn to_value(&self) -> Value<'static> {
        Value::object([
            ("bags", Value::List(self.bags.iter().map(Bag::to_value).collect())),
            ("complete", Value::Bool(self.complete)),
            ("conservation", sums_value(&self.sums)),
            ("mawb", owned(self.mawb)),
            ("waybill", or_null(self.waybill.clone(), |waybill| waybill)),
        ])
    }
}

/// The hit rate of risk advice, by source and version of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HitRate {
    /// Ascending by source and model.
    pub rows: BTreeMap<(String, String), Rate>,
    /// Always true: all advice is counted.
    pub complete: bool,
}

/// Holds risk advice against what came of it.
pub fn hit_rate(streams: &dyn Streams) -> Result<HitRate, PastFault> {
    let rate = |(group, counters): (Group, Counters)| match group {
        Group::Advice(source, model) => {
            Some(((source.to_string(), model.to_string()), Rate::read(&counters)))
        }
        _ => None,
    };
    let rows = streams.sums(Groups::Advice)?.into_iter().filter_map(rate).collect();
    Ok(HitRate { rows, complete: true })
}

impl View for HitRate {
    const NAME: &'static str = "clearance/advice";

    fn to_value(&self) -> Value<'static> {
        let row = |((source, model), rate): (&(String, String), &Rate)| {
            Value::object([
                ("advised", Value::number(rate.advised)),
                ("false_alarms", Value::number(rate.false_alarms)),
                ("flagged", Value::number(rate.flagged)),
                ("hits", Value::number(rate.hits)),
                ("missed", Value::number(rate.missed)),
                ("model", owned(model)),
                ("open", Value::number(rate.open)),
                ("passed", Value::number(rate.passed)),
                ("source", owned(source)),
            ])
        };
        Value::object([
            ("complete", Value::Bool(self.complete)),
            ("rows", Value::List(self.rows.iter().map(row).collect())),
        ])
    }
}
