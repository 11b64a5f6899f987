//! Searches for the one flipped bit that explains damage.
//! Invariant: bytes are changed only when the search succeeds, and then in one bit.
//! Limits: a budget of hashed bytes per chunk, so that hostile files cost linear time.

use std::ops::Range;

/// Bytes that the searches of one chunk may hash.
pub(super) const BUDGET_BYTES: u64 = 256 << 20;

/// One flipped bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flip {
    /// Which byte.
    pub at: usize,
    /// Which bit of it; 7 is the most significant.
    pub bit: u8,
}

/// Turns each bit of `range` back, one at a time, until `good` holds; leaves that bit turned.
/// `cost` is what one question hashes; the search gives up when the budget is used up.
pub(super) fn one_bit(
    bytes: &mut [u8],
    range: Range<usize>,
    cost: usize,
    budget: &mut u64,
    mut good: impl FnMut(&[u8]) -> bool,
) -> Option<Flip> {
    for at in range {
        for bit in 0..8 {
            *budget = budget.checked_sub(cost as u64 + 64)?;
            *bytes.get_mut(at)? ^= 1 << bit;
            if good(bytes) {
                return Some(Flip { at, bit });
            }
            bytes[at] ^= 1 << bit;
        }
    }
    None
}
