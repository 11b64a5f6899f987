//! The arithmetic of a draw: four hashes, each with its own tag (SPEC.md "Draws").
//! Invariant: the same inputs give the same members, in the same order, everywhere.

use std::collections::BinaryHeap;

use lian_core::{
    hash::{Digest, leaf_hash, sha256},
    merkle::CompactRange,
};
use thiserror::Error;

/// The names of a population are not ascending, or one stands twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("member {0} does not stand after the one before it")]
pub struct Unordered(pub u64);

/// What a party commits to: SHA-256("lian/commit/v1\n" ‖ u8 length ‖ draw ‖ u8 length ‖ party ‖ 32
/// random bytes), where the draw is named by its stream.
pub fn commitment(draw: &str, party: &str, random: &Digest) -> Digest {
    sha256(&[
        b"lian/commit/v1\n",
        &[length(draw)],
        draw.as_bytes(),
        &[length(party)],
        party.as_bytes(),
        &random.0,
    ])
}

/// Root and number of a population: the RFC 6962 tree over "lian/member/v1\n" ‖ name, names
/// ascending by their bytes.
pub fn population<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<(Digest, u64), Unordered> {
    let mut range = CompactRange::new();
    let mut before: Option<&str> = None;
    for name in names {
        if before.is_some_and(|before| before >= name) {
            return Err(Unordered(range.size()));
        }
        before = Some(name);
        range.push(leaf_hash(&[b"lian/member/v1\n", name.as_bytes()].concat()));
    }
    Ok((range.root(), range.size()))
}

/// The seed: SHA-256("lian/seed/v1\n" ‖ u8 length ‖ draw ‖ u64 epoch ‖ root of that epoch ‖ u8 number
/// of reveals ‖ for each, ascending by party: u8 length ‖ party ‖ 32 random bytes).
pub fn seed<'r>(
    draw: &str,
    epoch: u64,
    root: &Digest,
    reveals: impl IntoIterator<Item = (&'r str, &'r Digest)>,
) -> Digest {
    let (mut tail, mut count) = (Vec::with_capacity(256), 0_u8);
    for (party, random) in reveals {
        count = count.saturating_add(1);
        tail.push(length(party));
        tail.extend_from_slice(party.as_bytes());
        tail.extend_from_slice(&random.0);
    }
    let head = [&[length(draw)], draw.as_bytes(), &epoch.to_be_bytes(), &root.0, &[count]].concat();
    sha256(&[b"lian/seed/v1\n", &head, &tail])
}

/// Where a member stands: SHA-256("lian/pick/v1\n" ‖ seed ‖ stream id).
pub(super) fn rank(seed: &Digest, member: &str) -> Digest {
    sha256(&[b"lian/pick/v1\n", &seed.0, member.as_bytes()])
}

/// The `k` members with the smallest rank, the smallest first; all of them if there are fewer.
pub fn pick<'m>(seed: &Digest, members: impl IntoIterator<Item = &'m str>, k: usize) -> Vec<&'m str> {
    let mut nearest = BinaryHeap::new();
    for member in members {
        nearest.push((rank(seed, member), member));
        if nearest.len() > k {
            nearest.pop();
        }
    }
    nearest.into_sorted_vec().into_iter().map(|(_, member)| member).collect()
}

/// Streams and actors are shorter than 256 bytes wherever a statement is read.
fn length(text: &str) -> u8 {
    u8::try_from(text.len()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAW: &str = "draw/ethics_sample/2026Q1";
    const MEMBERS: [&str; 5] = [
        "ethics/115-000001",
        "ethics/115-000002",
        "ethics/115-000003",
        "ethics/115-000004",
        "ethics/115-000005",
    ];

    #[test]
    fn the_known_answers_of_the_specification_hold() {
        let (one, two) = (Digest([1; 32]), Digest([2; 32]));
        let (root, members) = population(MEMBERS).unwrap();
        let seed = seed(DRAW, 812, &Digest([7; 32]), [("agency:aac", &one), ("bank:004", &two)]);

        assert_eq!(commitment(DRAW, "bank:004", &two).to_hex(), COMMITMENT);
        assert_eq!((root.to_hex().as_str(), members), (ROOT, 5));
        assert_eq!(seed.to_hex(), SEED);
        assert_eq!(pick(&seed, MEMBERS, 2), PICKED);
    }

    const COMMITMENT: &str = "c989561333253257eb718bea469f45b819962da1bc9593cfa5736a5bee24cac8";
    const ROOT: &str = "8b9f09c06ff2db2ee8870e5114fee42396abca35a28116c51998e5f0587f819b";
    const SEED: &str = "1807a427cceca180cd14b3b6cef57ad9140dc16f2d91b80fd7d6f12f996fce86";
    const PICKED: [&str; 2] = ["ethics/115-000002", "ethics/115-000001"];

    #[test]
    fn a_population_without_members_has_the_root_of_the_empty_tree() {
        assert_eq!(population([]), Ok((lian_core::hash::empty_root(), 0)));
        assert!(pick(&Digest::ZERO, [], 3).is_empty());
    }

    #[test]
    fn members_out_of_order_or_named_twice_are_no_population() {
        assert_eq!(population([MEMBERS[1], MEMBERS[0]]), Err(Unordered(1)));
        assert_eq!(population([MEMBERS[0], MEMBERS[0]]), Err(Unordered(1)));
    }

    #[test]
    fn more_are_drawn_by_the_same_seed_only_after_those_drawn_before() {
        let seed = Digest([9; 32]);
        let all = pick(&seed, MEMBERS, 9);

        assert_eq!(all.len(), 5);
        for k in 0..5 {
            assert_eq!(pick(&seed, MEMBERS, k), all[..k]);
        }
    }

    #[test]
    fn one_random_bit_one_party_one_epoch_or_one_period_changes_the_seed() {
        let random = Digest([1; 32]);
        let mut other = random;
        other.0[31] ^= 1;
        let root = Digest([7; 32]);
        let base = seed(DRAW, 812, &root, [("bank:004", &random)]);

        for changed in [
            seed(DRAW, 812, &root, [("bank:004", &other)]),
            seed(DRAW, 812, &root, [("bank:005", &random)]),
            seed(DRAW, 813, &root, [("bank:004", &random)]),
            seed("draw/ethics_sample/2026Q2", 812, &root, [("bank:004", &random)]),
            seed(DRAW, 812, &root, []),
        ] {
            assert_ne!(changed, base);
        }
    }
}
