//! The key directory, with its history: who held which key from which entry to which.
//! Invariant: made from the states of the actors and of entry 0, so any past moment can be asked.

use lian_core::hash::Digest;

use crate::{
    ledger::{Ledger, State, Stream},
    registry::{self, Opening, SYSTEM_ADMISSION, SYSTEM_LOG},
};

/// A revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// Entry that revoked it.
    pub entry: u64,
    /// `retired`, `lost` or `compromised`.
    pub reason: &'static str,
    /// Entry from which its signatures are contested.
    pub contested_from: Option<u64>,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Key id.
    pub id: Digest,
    /// Its actor.
    pub actor: String,
    /// Unit of the actor.
    pub unit: String,
    /// What it may act as; empty for a recovery key.
    pub capacities: Vec<&'static str>,
    /// An offline key that may only vouch for the next key of its actor, or revoke.
    pub recovery: bool,
    /// Entry that enrolled it.
    pub enrolled: u64,
    /// Set once it has stopped.
    pub revoked: Option<Revoked>,
}

/// Every key that was ever enrolled: those of entry 0 first, then by actor and entry.
pub fn keys(ledger: &Ledger) -> Vec<KeyRow> {
    let mut rows = ledger.opening().map(opening_keys).unwrap_or_default();
    let fixed = rows.len();
    for stream in ledger.streams() {
        actor_keys(stream, &mut rows);
    }
    sort(&mut rows[fixed..]);
    rows
}

/// By actor, then by entry.
pub(super) fn sort(rows: &mut [KeyRow]) {
    rows.sort_by(|one, other| (&one.actor, one.enrolled).cmp(&(&other.actor, other.enrolled)));
}

/// The keys of an actor, if the stream is one.
pub(super) fn actor_keys(stream: &Stream, rows: &mut Vec<KeyRow>) {
    if let (Some(actor), State::Registry(registry::State::Actor(state))) =
        (stream.name.strip_prefix("actor/"), &stream.state)
    {
        for key in &state.keys {
            let row = KeyRow {
                id: key.id,
                actor: actor.to_owned(),
                unit: state.unit.to_string(),
                capacities: key.capacities.clone(),
                recovery: false,
                enrolled: key.enrolled,
                revoked: key.revoked.map(|(entry, reason, contested_from)| Revoked {
                    entry,
                    reason: reason.name(),
                    contested_from,
                }),
            };
            let recovery = key.recovery.map(|id| KeyRow {
                id,
                capacities: Vec::new(),
                recovery: true,
                revoked: None,
                ..row.clone()
            });
            rows.push(row);
            rows.extend(recovery);
        }
    }
}

/// The keys that entry 0 brings.
pub(super) fn opening_keys(opening: &Opening) -> Vec<KeyRow> {
    let row = |id: Digest, actor: String, unit: &str, capacity| KeyRow {
        id,
        actor,
        unit: unit.to_owned(),
        capacities: vec![capacity],
        recovery: false,
        enrolled: 0,
        revoked: None,
    };
    let mut rows: Vec<KeyRow> =
        opening.roots.iter().map(|(name, key)| row(key.id(), format!("root:{name}"), name, "root")).collect();
    rows.push(row(opening.system_log.id(), SYSTEM_LOG.to_owned(), "log", "log"));
    rows.push(row(opening.system_admission.id(), SYSTEM_ADMISSION.to_owned(), "log", "admission"));
    rows
}

/// Keys whose id begins with this hex prefix.
pub fn find<'r>(rows: &'r [KeyRow], prefix: &str) -> Vec<&'r KeyRow> {
    rows.iter().filter(|row| row.id.to_hex().starts_with(prefix)).collect()
}
