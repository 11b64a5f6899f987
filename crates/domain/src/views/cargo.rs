//! Cargo by its numbers: the bags of a master waybill and whether their pieces add up, and how often
//! risk advice was right.
//! Invariant: every bag of a waybill is counted; advice is held against an outcome that came after it.
//! Limits: 200,000 bags looked at.

use std::collections::BTreeMap;

use lian_core::json::Value;

use super::{LOOKED_AT_MAX, View, board::bag, or_null, owned, past::PastFault, streams::Streams};
use crate::{
    clearance::{self, Cargo, Conservation, Finding, Hawb, Imbalance, Mawb, Passengers},
    families,
    ledger::Stream,
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
    /// False if there are more bags than are looked at; the sums are then not those of all.
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
    let sums = clearance::conservation(waybill, bags.iter().map(|bag| (bag.hawb, bag.cargo())));
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

/// The hit rate of risk advice, by source and version of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HitRate {
    /// Ascending by source and model.
    pub rows: BTreeMap<(String, String), Rate>,
    /// False if there is more cargo than is looked at.
    pub complete: bool,
}

/// The source that passengers are flagged by.
pub const PASSENGERS: &str = "passengers";

/// Holds risk advice against what came of it.
pub fn hit_rate(streams: &dyn Streams) -> Result<HitRate, PastFault> {
    let mut rates = HitRate::default();
    let cargo = streams.each("cargo/", LOOKED_AT_MAX, &mut |stream| {
        let Some((_, _, cargo)) = bag(stream) else { return };
        for line in cargo.advice.iter() {
            let key = (line.source.as_str().to_owned(), line.model.to_string());
            rates.rows.entry(key).or_default().add(line.flagged > 0, outcome(cargo));
        }
    })?;
    let flights = streams.each("flight/", LOOKED_AT_MAX, &mut |stream| {
        if let Some(clearance::State::Flight(passengers)) =
            stream.family().and_then(families::State::clearance)
        {
            let rate = rates.rows.entry((PASSENGERS.to_owned(), passengers.model.to_string())).or_default();
            flags(passengers).for_each(|outcome| rate.add(true, outcome));
        }
    })?;
    rates.complete = cargo && flights;
    Ok(rates)
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
