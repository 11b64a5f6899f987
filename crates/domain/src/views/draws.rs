//! One draw, and whether it is what the log gives when it is drawn again.
//! Invariant: the population is computed from the states as the draw's epoch left them, by the scheme
//! that was in force when the draw was opened; nothing that the draw says of itself is believed.
//! For the public: all but the names, or a roster would be known too early.
//! Limits: a population is computed from all streams of its family, however many; one left out would
//! look like a finding.

use std::{collections::BTreeSet, sync::Arc};

use lian_core::{hash::Digest, json::Value};

use super::{View, or_null, owned, past::PastFault, streams::Streams};
use crate::{
    draws::{Difference, Epoch, Scheme, State, check},
    families,
    ledger::State as Ledgers,
    registry::{self, LEDGER_STREAM},
    rules::Rules,
};

/// Epochs that are looked at for the one that seals a draw: years of them.
const EPOCHS_MAX: u64 = 1 << 20;

/// A draw that was drawn again.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// What is on record.
    pub state: State,
    /// The members that the states of its epoch give, ascending.
    pub members: Vec<String>,
    /// What does not agree; a draw that is not closed says so here.
    pub differences: Vec<Difference>,
}

/// The state of a draw; `None` if it was not opened.
pub fn state(streams: &dyn Streams, scheme: &str, period: &str) -> Result<Option<State>, PastFault> {
    let stream = streams.stream(&format!("draw/{scheme}/{period}"))?;
    Ok(stream.and_then(|stream| stream.family().and_then(families::State::draw).cloned()))
}

/// The seal epoch with its number: the first that was closed after the last commitment that counts;
/// `None` while there is none.
pub fn seal(streams: &dyn Streams, draw: &State) -> Result<Option<(u64, Epoch)>, PastFault> {
    let Some(sealed_at) = draw.sealed_at else { return Ok(None) };
    // A draw that is closed names it, and that was judged.
    let first = draw.outcome.as_ref().map_or(draw.epoch, |outcome| outcome.epoch);
    for number in first..first.saturating_add(EPOCHS_MAX) {
        let Some(epoch) = streams.epoch(number)? else { return Ok(None) };
        if epoch.closed_at > sealed_at {
            let (root, closed_at, cosigned_at) = (epoch.root, epoch.closed_at, epoch.cosigned_at);
            return Ok(Some((number, Epoch { root, closed_at, cosigned_at })));
        }
    }
    Ok(None)
}

/// The rules of this version, if it was published; version 1 is that of entry 0.
pub fn rules_of(streams: &dyn Streams, version: u32) -> Result<Option<Arc<Rules>>, PastFault> {
    let published = streams.stream(&format!("rules/{version}"))?.map(|stream| stream.state);
    if let Some(Ledgers::Registry(registry::State::Rules(publication))) = published {
        return Ok(Some(publication.rules));
    }
    let opened = streams.stream(LEDGER_STREAM)?.map(|stream| stream.state);
    Ok(match opened {
        Some(Ledgers::Registry(registry::State::Ledger(opening))) if opening.rules.version == version => {
            Some(opening.rules)
        }
        _ => None,
    })
}

/// The population that the states give, ascending, each once.
pub fn members(then: &dyn Streams, scheme: &Scheme, draw: &State) -> Result<Vec<String>, PastFault> {
    let mut members = BTreeSet::new();
    then.each(&scheme.prefix, usize::MAX, &mut |stream| {
        if let Some(state) = stream.state_value() {
            members.extend(scheme.members(draw.period, &stream.name, &state));
        }
    })?;
    Ok(members.into_iter().collect())
}

/// Draws again. `then` are the streams as the draw's epoch left them, `scheme` is the one of the rules
/// that were in force when it was opened, `root` that of the epoch that the closing names.
pub fn again(then: &dyn Streams, scheme: &Scheme, draw: State, root: Digest) -> Result<Draw, PastFault> {
    let members = members(then, scheme, &draw)?;
    let names: Vec<&str> = members.iter().map(String::as_str).collect();
    let differences = check(&draw, &names, &root);
    Ok(Draw { state: draw, members, differences })
}

impl Draw {
    /// True if the draw is closed and nothing differs.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }

    /// The draw without a name: of those drawn and of members only how many.
    pub fn public(&self) -> PublicDraw {
        PublicDraw { state: self.state.clone(), members: self.members.len() as u64, agrees: self.agrees() }
    }
}

impl View for Draw {
    const NAME: &'static str = "draw";

    fn to_value(&self) -> Value<'static> {
        Value::object([
            ("agrees", Value::Bool(self.agrees())),
            ("differences", Value::List(self.differences.iter().map(owned).collect())),
            ("members", Value::List(self.members.iter().map(owned).collect())),
            ("state", self.state.to_value()),
        ])
    }
}

/// What anybody may know of a draw.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicDraw {
    state: State,
    members: u64,
    agrees: bool,
}

impl View for PublicDraw {
    const NAME: &'static str = "draw/public";

    fn to_value(&self) -> Value<'static> {
        let members = if self.state.counts_are_public() { Value::number(self.members) } else { Value::Null };
        let outcome = self.state.outcome.as_ref().map(|outcome| {
            let drawn = Some(outcome.drawn.len() as u64).filter(|_| self.state.counts_are_public());
            Value::object([
                ("drawn", or_null(drawn, Value::number)),
                ("epoch", Value::number(outcome.epoch)),
                ("seed", owned(outcome.seed.to_hex())),
            ])
        });
        let state = match self.state.to_value() {
            Value::Object(mut members) => {
                members.retain(|(name, _)| name != "outcome");
                members.push(("outcome".into(), or_null(outcome, |outcome| outcome)));
                if !self.state.counts_are_public() {
                    let told = |name: &str| !matches!(name, "members" | "population");
                    members.retain(|(name, _)| told(name));
                    members.extend(["members", "population"].map(|name| (name.into(), Value::Null)));
                }
                Value::object(members)
            }
            other => other,
        };
        Value::object([("agrees", Value::Bool(self.agrees)), ("members", members), ("state", state)])
    }
}
