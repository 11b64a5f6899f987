//! One duty guarantee letter (進口貨物應繳稅費保證書), from Request to Close (SPEC.md "Guarantee").
//! Invariant: after every accepted draw the sum outstanding is within the limit; what was paid on a
//! draw is never more than what it owes; money called from the bank lowers the limit for good;
//! closed means that nothing is outstanding.
//! Expired and exhausted are computed from a date, never stored. Pure; not here: keys, versions,
//! who holds which post.

mod decide;
mod event;
mod evolve;
mod state;
#[cfg(test)]
mod tests;

pub use decide::decide;
pub use event::{
    Amendment, CLAIM_DRAWS_MAX, Code, Demand, Draw as DrawEvent, DrawRef, Event, Nature, Purpose,
    REASONS_MAX, Request, Scope, terms_hash,
};
pub use evolve::{Contradiction, Effects, evolve};
pub use state::{Claim, Draw, Standing, State, Status};

use lian_core::json::Value;

use crate::{context::Signer, ids::BankCode};

/// Alternatives of the capacities that must sign: the issuers' capacities are exactly one of the
/// multisets.
type Alternatives = &'static [&'static [&'static str]];

/// Every kind of the family with the capacities that must sign it.
const KINDS: [(&str, Alternatives); 15] = [
    ("guarantee.accepted", &[&["officer"], &["officer", "supervisor"]]),
    ("guarantee.amended", &[&["guarantor", "officer"]]),
    ("guarantee.assessed", &[&["officer"]]),
    ("guarantee.claim_paid", &[&["guarantor"]]),
    ("guarantee.claim_refused", &[&["guarantor"]]),
    ("guarantee.claim_withdrawn", &[&["officer"]]),
    ("guarantee.claimed", &[&["officer", "supervisor"]]),
    ("guarantee.closed", &[&["officer"]]),
    ("guarantee.draw_cancelled", &[&["officer"]]),
    ("guarantee.drawn", &[&["release"], &["officer"]]),
    ("guarantee.rejected", &[&["officer"]]),
    ("guarantee.requested", &[&["guarantor"]]),
    ("guarantee.surcharge_accrued", &[&["treasury"], &["officer"]]),
    ("guarantee.suspended", &[&["guarantor"]]),
    ("guarantee.tax_paid", &[&["treasury"]]),
];

/// The kinds of the family, ascending.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(kind, _)| *kind)
}

/// Who must sign this kind: alternatives of capacity multisets; `None` for a kind of another family.
pub fn authority(kind: &str) -> Option<&'static [&'static [&'static str]]> {
    let position = KINDS.binary_search_by(|(known, _)| known.cmp(&kind)).ok()?;
    Some(KINDS[position].1)
}

/// The bank whose guarantee this is: that of the state, or of the request that makes one.
pub fn bank_of(state: Option<&State>, event: &Event) -> Option<BankCode> {
    match (state, event) {
        (Some(state), _) => Some(state.bank()),
        (None, Event::Requested(request)) => Some(request.bank),
        (None, _) => None,
    }
}

/// Canonical JSON members of the state, for its digest; the inverse is [`State::from_value`].
pub fn state_value(state: &State) -> Value<'static> {
    state.to_value()
}

/// True if those who sign may sign for *this* guarantee: a guarantor is `bank:<code>` of its bank,
/// a manual draw has an officer and any other has none. False is a rejection (wrong side).
///
/// For a guarantee that does not exist there is no side to be wrong on; the verdict says so.
pub fn owner(state: Option<&State>, event: &Event, signers: &[Signer<'_>]) -> bool {
    if let Event::Drawn(draw) = event
        && draw.manual != signers.iter().any(|signer| signer.capacity == "officer")
    {
        return false;
    }
    let Some(bank) = bank_of(state, event) else { return true };
    let is_bank = |actor: &str| actor.strip_prefix("bank:") == Some(bank.as_str());
    signers.iter().all(|signer| signer.capacity != "guarantor" || is_bank(signer.actor))
}
