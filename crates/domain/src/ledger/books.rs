//! The audit's own books of pieces: of each bag and each exhibit what came in, what went where and what
//! is there, posted from accepted events alone and weighed against the states at the end.
//! Invariant: reads no rule and no state while it posts, so that a state that lost a piece cannot hide
//! it. What people left open (a count that differs from its manifest, a gate-out without release) is
//! said and fails nothing: the books balance, the warehouse may not.
//! Only an audit keeps them; memory: some hundred bytes for each bag and each exhibit.

mod pages;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use foldhash::HashMap;
use lian_core::audit::{AtEnd, Check, Conclusion, Problem, Weight};

use self::pages::Difference;
pub(crate) use self::pages::{Bag, Chest};
use super::Stream;
use crate::{
    cases,
    clearance::{self, Cargo, Hawb, Imbalance, Waybill},
    families::Event,
    filing::{Fact, Filing},
};

/// Pages by stream.
#[derive(Debug, Default)]
pub(super) struct Books {
    bags: HashMap<Arc<str>, Bag>,
    chests: HashMap<Arc<str>, Chest>,
}

/// A bag and what the ledger says of it.
type Found<'l> = (Hawb, &'l Cargo, &'l Stream);

impl Books {
    /// Posts the events of an accepted statement.
    pub fn post(&mut self, filing: &Filing) {
        for event in &filing.events {
            let stream = &*filing.streams[event.stream];
            match &event.fact {
                Fact::Family(Event::Clearance(fact)) if matches!(fact.at, clearance::Place::Cargo(..)) => {
                    match self.bags.get_mut(stream) {
                        Some(page) => page.post(&fact.act),
                        None => self.bags.entry(stream.into()).or_default().post(&fact.act),
                    }
                }
                Fact::Family(Event::Case(cases::Event::Exhibit(fact))) => match self.chests.get_mut(stream) {
                    Some(page) => page.post(fact),
                    None => self.chests.entry(stream.into()).or_default().post(fact),
                },
                _ => {}
            }
        }
    }

    /// Weighs every page against the state of its stream, and says what people left open.
    pub fn conclude(&self, streams: &[Stream]) -> Conclusion {
        let mut end = Conclusion::default();
        let mut waybills: BTreeMap<&str, (Option<&Waybill>, Vec<Found<'_>>)> = BTreeMap::new();
        for stream in streams {
            if let Some(cargo) = stream.family().and_then(|state| state.clearance()?.cargo())
                && let Some((mawb, hawb)) = bag_of(&stream.name)
            {
                let book = self.bags.get(&stream.name).cloned().unwrap_or_default();
                if let Some(found) = book.differs(cargo) {
                    end.found.push(fails(stream, &found));
                }
                waybills.entry(mawb).or_default().1.push((hawb, cargo, stream));
            } else if let Some(clearance::State::Mawb(waybill)) =
                stream.family().and_then(|state| state.clearance())
            {
                let mawb = stream.name.strip_prefix("mawb/").unwrap_or_default();
                waybills.entry(mawb).or_default().0 = Some(waybill);
            } else if let Some(cases::State::Exhibit(exhibit)) =
                stream.family().and_then(|state| state.case())
            {
                end.weighed += 1;
                let book = self.chests.get(&stream.name).cloned().unwrap_or_default();
                if let Some(found) = book.differs(exhibit) {
                    end.found.push(fails(stream, &found));
                }
            }
        }
        for (mawb, (waybill, bags)) in waybills {
            end.weighed += 1;
            left_open(&mut end, mawb, waybill, &bags);
        }
        end
    }
}

fn bag_of(stream: &str) -> Option<(&str, Hawb)> {
    let (mawb, hawb) = stream.strip_prefix("cargo/")?.split_once('/')?;
    Some((mawb, Hawb::parse(hawb)?))
}

fn fails(stream: &Stream, difference: &Difference) -> AtEnd {
    let Difference { of, book, state } = difference;
    let problem = Problem::new(Check::Pieces, *of, format!("by the events {book}, by the state {state}"));
    AtEnd { place: stream.name.to_string(), entry: Some(stream.last), problem }
}

/// What does not add up although the books do: alarms and open differences, never repaired.
fn left_open(end: &mut Conclusion, mawb: &str, waybill: Option<&Waybill>, bags: &[Found<'_>]) {
    let sums = clearance::conservation(waybill, bags.iter().map(|(hawb, cargo, _)| (*hawb, *cargo)));
    for finding in sums.findings {
        let (of, hawb, what) = told(&finding);
        let bag = hawb.and_then(|wanted| bags.iter().find(|(hawb, ..)| *hawb == wanted));
        let place = bag.map_or_else(|| format!("mawb/{mawb}"), |(_, _, stream)| stream.name.to_string());
        let problem = Problem::new(Check::Pieces, of, what).weighing(Weight::Remark);
        end.found.push(AtEnd { place, entry: bag.map(|(_, _, stream)| stream.last), problem });
    }
}

fn told(finding: &Imbalance) -> (&'static str, Option<Hawb>, String) {
    match finding {
        Imbalance::Cargo(hawb, lacking) => {
            let what = format!("manifest as corrected less what was counted 艙單更正後減點收: {lacking}");
            ("open_difference", Some(*hawb), what)
        }
        Imbalance::GoneUnreleased(hawb, pieces) => {
            let what = format!("ALARM 警示: {pieces} left without release 未經放行即出倉");
            ("gone_unreleased", Some(*hawb), what)
        }
        Imbalance::BelowZero(hawb, pieces) => {
            let what = format!("ALARM 警示: {pieces} placed beyond the last count 處置件數逾最後點收");
            ("on_hand", Some(*hawb), what)
        }
        Imbalance::Twice(hawb) => ("bills", Some(*hawb), "looked at twice 重複".to_owned()),
        Imbalance::NoWaybill => ("manifest", None, "no manifest of the master waybill 主號無艙單".to_owned()),
        Imbalance::Bills(named, found) => {
            ("bills", None, format!("the master waybill names {named} 主號申報; on record 實有 {found}"))
        }
        Imbalance::Pieces(named, found) => {
            ("pieces", None, format!("the master waybill names {named} 主號申報; its bills 分號合計 {found}"))
        }
    }
}
