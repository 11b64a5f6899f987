//! Draws nobody can steer: one mechanism for ethics sampling, X-ray review and the roster of the
//! day (SPEC.md "Draws"). Stream `draw/<scheme>/<period>`, one draw for each, never repeated.
//! Invariant: who is drawn follows from a population fixed before the random numbers were known,
//! from the root of an epoch that nobody had seen when they were committed to, and from numbers of
//! at least one organisation outside the house.
//! Pure; not here: the states that a population is made of, which `check` is given by its caller.

mod check;
mod decide;
mod event;
mod evolve;
mod period;
mod pick;
mod rules;
mod state;
#[cfg(test)]
mod tests;

pub use check::{Difference, check};
pub use decide::decide;
pub use event::{Closing, Event, Opening, parse};
pub use evolve::{Contradiction, evolve};
pub use period::{Calendar, Period};
pub use pick::{Unordered, commitment, pick, population, seed};
pub use rules::{At, Scheme, Terms};
pub use state::{Committer, Outcome, Overdue, State};

use lian_core::hash::Digest;

use crate::{context::Signer, filing::ReaderClass};

/// Names that one draw may give, doublings included: they fit one statement.
pub const DRAWN_MAX: usize = 256;
/// Parties that one scheme may ask for random numbers.
pub const COMMITTERS_MAX: usize = 8;
/// Capacity in which random numbers are committed to and revealed.
pub const COMMITTER: &str = "committer";
/// The organisation of everybody in the house, the operator of the ledger included.
pub const HOUSE: &str = "customs";

/// Alternatives of the capacities that must sign: the issuers' capacities are exactly one of them.
type Alternatives = &'static [&'static [&'static str]];

/// Capacities that a scheme may name for opening and closing its draws.
const OPENERS: Alternatives = &[&["ethics"], &["officer"], &["supervisor"]];

/// Every kind of the family with the capacities that must sign it.
const KINDS: [(&str, Alternatives); 4] = [
    ("draw.closed", OPENERS),
    ("draw.committed", &[&[COMMITTER]]),
    ("draw.opened", OPENERS),
    ("draw.revealed", &[&[COMMITTER]]),
];

/// What the rules ask of other streams.
pub trait Around {
    /// Epoch `number` as it is known now; `None` while it is not closed.
    fn epoch(&self, number: u64) -> Option<Epoch>;
}

/// What a draw must know of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Root of the tree over the entries that it covers.
    pub root: Digest,
    /// When `epoch.closed` was recorded, Unix milliseconds.
    pub closed_at: u64,
    /// When the entry was recorded with which the witnesses' lines reached the policy, Unix
    /// milliseconds; with witness policy none, `closed_at` once the checkpoint is committed.
    pub cosigned_at: Option<u64>,
}

/// The kinds of the family, ascending.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(kind, _)| *kind)
}

/// Who must sign this kind; `None` for a kind of another family.
pub fn authority(kind: &str) -> Option<&'static [&'static [&'static str]]> {
    let position = KINDS.binary_search_by(|(known, _)| known.cmp(&kind)).ok()?;
    Some(KINDS[position].1)
}

/// Who may read a kind: those who take part, not the public, for it would know a roster too early.
pub fn reader(_kind: &str) -> ReaderClass {
    ReaderClass::Parties
}

/// Fields that may hold a person's data: none; members are ids of streams.
pub fn sealable(_kind: &str) -> &'static [&'static str] {
    &[]
}

/// True if a party that commits or reveals signs for itself. False is a rejection (wrong side).
pub fn owner(_state: Option<&State>, event: &Event, signers: &[Signer<'_>]) -> bool {
    match event {
        Event::Committed { party, .. } | Event::Revealed { party, .. } => {
            signers.iter().any(|signer| signer.capacity == COMMITTER && *signer.actor == **party)
        }
        Event::Opened(_) | Event::Closed(_) => true,
    }
}

/// The organisation that an actor belongs to. Officers and systems are the house; whoever else is
/// registered (a bank, a warehouse, an agency) is one of its own.
pub fn organisation(actor: &str) -> &str {
    match actor.split_once(':') {
        Some(("officer" | "system" | "root", _)) | None => HOUSE,
        Some(_) => actor,
    }
}
