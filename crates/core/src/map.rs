//! The epoch map: one Merkle map over all streams, and proofs that a stream has this value or none.
//! Invariant: the root depends on the set of (key, value) alone; for one root and one key at most
//! one claim can be proved, whatever shapes a dishonest map-maker hashed together.
//! Limits: 256 bits a key, at most 2^32 keys in memory (about 120 bytes each); keys are never
//! removed, because a stream that was once named on the log stays named.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    hash::{Digest, sha256},
    merkle::ProofRefused,
};

/// Bits of a key, so the most siblings that a proof can hold.
pub const DEPTH_MAX: usize = 256;

/// The key of a stream: SHA-256("lian/stream/v1\n" ‖ stream id).
pub fn stream_key(stream_id: &str) -> Digest {
    sha256(&[b"lian/stream/v1\n", stream_id.as_bytes()])
}

/// The value of a stream: SHA-256(0x04 ‖ version ‖ logged ‖ acc ‖ state), integers u64 big-endian.
/// `version` counts accepted events, `logged` statements that name the stream, refused ones too.
pub fn stream_value(version: u64, logged: u64, acc: &Digest, state: &Digest) -> Digest {
    let (version, logged) = (version.to_be_bytes(), logged.to_be_bytes());
    sha256(&[&[4], &version, &logged, &acc.0, &state.0])
}

/// The accumulator after one more statement: SHA-256(0x05 ‖ acc ‖ index ‖ leaf hash). It starts
/// at zeros and takes every logged statement that names the stream, in the order of the log.
pub fn accumulate(acc: &Digest, index: u64, leaf_hash: &Digest) -> Digest {
    sha256(&[&[5], &acc.0, &index.to_be_bytes(), &leaf_hash.0])
}

/// All keys with their values and the hashes above them, kept so that a batch of changes costs
/// only the paths that it touches.
#[derive(Clone, Debug, Default)]
pub struct EpochMap {
    root: Option<Link>,
    leaves: Vec<Leaf>,
    forks: Vec<Fork>,
}

impl EpochMap {
    /// The map without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// True if there is no key.
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// The root: zeros for the empty map.
    pub fn root(&self) -> Digest {
        self.root.map_or(Digest::ZERO, |link| self.hash(link))
    }

    /// The value of a key, if it has one.
    pub fn get(&self, key: &Digest) -> Option<Digest> {
        let mut link = self.root?;
        while let Link::Fork(place) = link {
            let fork = self.fork(place);
            link = fork.side(bit(key, usize::from(fork.bit)));
        }
        let leaf = self.leaf(self.any_leaf(link));
        (leaf.key == *key).then_some(leaf.value)
    }

    /// Sets each key to its value, new or not; of several values for one key the last counts.
    /// The changes are sorted in place and left so.
    pub fn update(&mut self, changes: &mut Vec<(Digest, Digest)>) {
        // The sort is stable and dedup keeps the first of a run, so after the reversal it is the
        // last change to a key that stays.
        changes.reverse();
        changes.sort_by_key(|change| change.0);
        changes.dedup_by_key(|change| change.0);
        if !changes.is_empty() {
            self.root = Some(self.merge(self.root, 0, changes));
        }
    }

    /// Proves the value of the key, or that the map does not hold it.
    pub fn prove(&self, key: &Digest) -> MapProof {
        let mut siblings = Vec::new();
        let mut next = self.root;
        while let Some(link) = next {
            let fork = match link {
                Link::Leaf(place) => {
                    let &Leaf { key, value } = self.leaf(place);
                    let end = MapEnd::Leaf { key, value };
                    return MapProof { siblings, end };
                }
                Link::Fork(place) => self.fork(place),
            };
            let shared = common_bits(key, &self.key_under(link));
            let branch = usize::from(fork.bit);
            if shared < branch {
                // The key leaves an edge on which all keys of this subtree go the other way.
                siblings.resize(shared, Digest::ZERO);
                siblings.push(self.hash_from(link, shared + 1));
                break;
            }
            siblings.resize(branch, Digest::ZERO);
            siblings.push(self.hash(fork.side(!bit(key, branch))));
            next = Some(fork.side(bit(key, branch)));
        }
        MapProof { siblings, end: MapEnd::Empty }
    }
}

/// What is at the end of the path of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapEnd {
    /// A subtree without keys.
    Empty,
    /// A subtree with exactly one key: the one asked for, or another that shares its path so far.
    Leaf {
        /// The key in that subtree.
        key: Digest,
        /// Its value.
        value: Digest,
    },
}

/// The path of a key from the root to the first subtree that holds at most one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapProof {
    /// Hashes of the subtrees beside the path, the one below the root first.
    pub siblings: Vec<Digest>,
    /// What the path ends in.
    pub end: MapEnd,
}

const END_EMPTY: u8 = 0;
const END_LEAF: u8 = 1;

impl MapProof {
    /// u16 big-endian count ‖ siblings ‖ 0x00, or 0x01 ‖ key ‖ value.
    pub fn to_bytes(&self) -> Vec<u8> {
        // More than 256 siblings cannot be written so that they could be read: the count says so.
        let count = u16::try_from(self.siblings.len()).unwrap_or(u16::MAX);
        let mut bytes = Vec::with_capacity(2 + self.siblings.len() * 32 + 65);
        bytes.extend_from_slice(&count.to_be_bytes());
        for sibling in &self.siblings {
            bytes.extend_from_slice(&sibling.0);
        }
        match &self.end {
            MapEnd::Empty => bytes.push(END_EMPTY),
            MapEnd::Leaf { key, value } => {
                bytes.push(END_LEAF);
                bytes.extend_from_slice(&key.0);
                bytes.extend_from_slice(&value.0);
            }
        }
        bytes
    }

    /// Reads what `to_bytes` writes, whole and nothing else. Whether the shape can prove anything
    /// is for `check_map` to say.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProofRefused> {
        let (count, rest) = bytes.split_first_chunk().ok_or(ProofRefused)?;
        let count = usize::from(u16::from_be_bytes(*count));
        if count > DEPTH_MAX {
            return Err(ProofRefused);
        }
        let (nodes, rest) = rest.split_at_checked(count * 32).ok_or(ProofRefused)?;
        let (siblings, _) = nodes.as_chunks::<32>();
        let end = match rest.split_first() {
            Some((&END_EMPTY, [])) => MapEnd::Empty,
            Some((&END_LEAF, leaf)) if leaf.len() == 64 => {
                MapEnd::Leaf { key: digest(&leaf[..32])?, value: digest(&leaf[32..])? }
            }
            _ => return Err(ProofRefused),
        };
        Ok(Self { siblings: siblings.iter().copied().map(Digest).collect(), end })
    }

    /// The bytes in standard base64 with padding, as they stand in JSON and on pages.
    pub fn to_text(&self) -> String {
        STANDARD.encode(self.to_bytes())
    }

    /// Reads what `to_text` writes.
    pub fn from_text(text: &str) -> Result<Self, ProofRefused> {
        Self::from_bytes(&STANDARD.decode(text).map_err(|_| ProofRefused)?)
    }
}

/// Checks that under `root` the key has the expected value, or, with `None`, that the map does
/// not hold the key.
pub fn check_map(
    root: &Digest,
    key: &Digest,
    expected: Option<&Digest>,
    proof: &MapProof,
) -> Result<(), ProofRefused> {
    let end = check_shape(key, expected, proof)?;
    let mut hash = end;
    for (depth, sibling) in proof.siblings.iter().enumerate().rev() {
        hash = if bit(key, depth) { fork_hash(sibling, &hash) } else { fork_hash(&hash, sibling) };
    }
    if hash == *root { Ok(()) } else { Err(ProofRefused) }
}

/// The hash at the end of the path, if the end proves the claim and could be there in an honest
/// map. A path must not end below a subtree with fewer than two keys: with an empty sibling last,
/// the subtree above would have had one key (or none) and the path would have ended there.
fn check_shape(key: &Digest, expected: Option<&Digest>, proof: &MapProof) -> Result<Digest, ProofRefused> {
    let depth = proof.siblings.len();
    if depth > DEPTH_MAX || proof.siblings.last() == Some(&Digest::ZERO) {
        return Err(ProofRefused);
    }
    match (&proof.end, expected) {
        // At depth 256 the sibling has one key, so an empty end would have it for its parent.
        (MapEnd::Empty, None) if depth < DEPTH_MAX => Ok(Digest::ZERO),
        (MapEnd::Leaf { key: found, value }, Some(expected)) if found == key && value == expected => {
            Ok(leaf_hash(found, value))
        }
        (MapEnd::Leaf { key: found, value }, None) if found != key && common_bits(found, key) >= depth => {
            Ok(leaf_hash(found, value))
        }
        _ => Err(ProofRefused),
    }
}

fn digest(bytes: &[u8]) -> Result<Digest, ProofRefused> {
    bytes.try_into().map(Digest).map_err(|_| ProofRefused)
}

/// A subtree with exactly one key, at whatever depth: SHA-256(0x02 ‖ key ‖ value).
fn leaf_hash(key: &Digest, value: &Digest) -> Digest {
    tagged(2, key, value)
}

/// Any other subtree that is not empty: SHA-256(0x03 ‖ left ‖ right).
fn fork_hash(left: &Digest, right: &Digest) -> Digest {
    tagged(3, left, right)
}

fn tagged(tag: u8, first: &Digest, second: &Digest) -> Digest {
    let mut input = [tag; 65];
    input[1..33].copy_from_slice(&first.0);
    input[33..].copy_from_slice(&second.0);
    sha256(&[&input])
}

/// Bit 0 is the most significant bit of the first byte.
fn bit(key: &Digest, place: usize) -> bool {
    key.0[place / 8] >> (7 - place % 8) & 1 == 1
}

/// Bits that two keys share from bit 0 on; 256 if they are equal.
fn common_bits(a: &Digest, b: &Digest) -> usize {
    let differs = a.0.iter().zip(&b.0).position(|(a, b)| a != b);
    differs.map_or(DEPTH_MAX, |byte| byte * 8 + (a.0[byte] ^ b.0[byte]).leading_zeros() as usize)
}

// The trie. Nodes exist only where keys part (forks) and for keys (leaves); the edge down to a
// fork stands for the chain of one-sided subtrees above it, whose hashes have zeros on the other
// side. A fork caches its hash at the upper end of its edge, where its parent needs it, so the
// sibling of a changed subtree is never visited.

#[derive(Clone, Copy, Debug)]
enum Link {
    Leaf(u32),
    Fork(u32),
}

#[derive(Clone, Debug)]
struct Leaf {
    key: Digest,
    value: Digest,
}

#[derive(Clone, Debug)]
struct Fork {
    /// Keys with a 0 at `bit`.
    left: Link,
    /// Keys with a 1 at `bit`.
    right: Link,
    /// Some leaf below: all leaves below share its key up to `bit`.
    any_leaf: u32,
    /// Where the keys below part.
    bit: u8,
    /// Hash of the subtree at the depth where its parent, or the root, sees it.
    hash: Digest,
}

impl Fork {
    fn side(&self, right: bool) -> Link {
        if right { self.right } else { self.left }
    }
}

/// Changes of one subtree: sorted by key, each key once.
type Changes = [(Digest, Digest)];

impl EpochMap {
    fn fork(&self, place: u32) -> &Fork {
        &self.forks[place as usize]
    }

    fn leaf(&self, place: u32) -> &Leaf {
        &self.leaves[place as usize]
    }

    fn any_leaf(&self, link: Link) -> u32 {
        match link {
            Link::Leaf(place) => place,
            Link::Fork(place) => self.fork(place).any_leaf,
        }
    }

    /// Some key of the subtree.
    fn key_under(&self, link: Link) -> Digest {
        self.leaf(self.any_leaf(link)).key
    }

    /// The hash of a subtree where its parent sees it.
    fn hash(&self, link: Link) -> Digest {
        match link {
            Link::Leaf(place) => leaf_hash(&self.leaf(place).key, &self.leaf(place).value),
            Link::Fork(place) => self.fork(place).hash,
        }
    }

    /// The hash of a subtree where the depth `top`, at or above its fork, sees it.
    fn hash_from(&self, link: Link, top: usize) -> Digest {
        let Link::Fork(place) = link else {
            return self.hash(link);
        };
        let fork = self.fork(place);
        let hash = fork_hash(&self.hash(fork.left), &self.hash(fork.right));
        let branch = usize::from(fork.bit);
        if branch == top {
            return hash;
        }
        let key = self.key_under(link);
        (top..branch).rev().fold(hash, |hash, depth| {
            if bit(&key, depth) { fork_hash(&Digest::ZERO, &hash) } else { fork_hash(&hash, &Digest::ZERO) }
        })
    }

    /// Puts the changes, at least one, into the subtree `old` that hangs at depth `top`.
    fn merge(&mut self, old: Option<Link>, top: usize, changes: &Changes) -> Link {
        match (old, self.parting(old, top, changes)) {
            (None, DEPTH_MAX) => self.add_leaf(changes[0]),
            (Some(Link::Leaf(place)), DEPTH_MAX) => {
                self.leaves[place as usize].value = changes[0].1;
                Link::Leaf(place)
            }
            (Some(Link::Fork(place)), parting) if parting >= usize::from(self.fork(place).bit) => {
                self.merge_below(place, top, changes)
            }
            (_, parting) => self.part(old, top, parting, changes),
        }
    }

    /// The first bit at which the keys of the changes and those of the subtree part, but no bit
    /// below the subtree's own fork; 256 if there is one key in all.
    fn parting(&self, old: Option<Link>, top: usize, changes: &Changes) -> usize {
        let (first, last) = (&changes[0].0, &changes[changes.len() - 1].0);
        let Some(link) = old else {
            return common_bits(first, last);
        };
        if matches!(link, Link::Fork(place) if usize::from(self.fork(place).bit) == top) {
            return top; // Nothing can part above it: no need to look at a key.
        }
        let key = self.key_under(link);
        common_bits(first, &key).min(common_bits(last, &key))
    }

    /// Hands the changes to both sides of a fork and hashes it again.
    fn merge_below(&mut self, place: u32, top: usize, changes: &Changes) -> Link {
        let &Fork { left, right, bit, .. } = self.fork(place);
        let branch = usize::from(bit);
        let (to_left, to_right) = split_at_bit(changes, branch);
        if !to_left.is_empty() {
            self.forks[place as usize].left = self.merge(Some(left), branch + 1, to_left);
        }
        if !to_right.is_empty() {
            self.forks[place as usize].right = self.merge(Some(right), branch + 1, to_right);
        }
        self.forks[place as usize].hash = self.hash_from(Link::Fork(place), top);
        Link::Fork(place)
    }

    /// Makes a fork at the bit where the keys part, above `old`.
    fn part(&mut self, old: Option<Link>, top: usize, branch: usize, changes: &Changes) -> Link {
        let (to_left, to_right) = split_at_bit(changes, branch);
        let (old_left, old_right) = match old {
            Some(link) if bit(&self.key_under(link), branch) => (None, old),
            _ => (old, None),
        };
        let left = self.settle(old_left, branch + 1, to_left);
        let right = self.settle(old_right, branch + 1, to_right);
        let fork = Fork {
            left,
            right,
            any_leaf: self.any_leaf(left),
            bit: u8::try_from(branch).expect("map: two keys part nowhere"),
            hash: Digest::ZERO,
        };
        let place = push_within(&mut self.forks, fork);
        self.forks[place as usize].hash = self.hash_from(Link::Fork(place), top);
        Link::Fork(place)
    }

    /// One side of a new fork: changes, or an old subtree that now hangs deeper, or both.
    fn settle(&mut self, old: Option<Link>, top: usize, changes: &Changes) -> Link {
        match old {
            Some(link) if changes.is_empty() => {
                if let Link::Fork(place) = link {
                    self.forks[place as usize].hash = self.hash_from(link, top);
                }
                link
            }
            _ => self.merge(old, top, changes),
        }
    }

    fn add_leaf(&mut self, (key, value): (Digest, Digest)) -> Link {
        Link::Leaf(push_within(&mut self.leaves, Leaf { key, value }))
    }
}

/// Sorted keys with a 0 at the bit come before those with a 1, given that they share all before.
fn split_at_bit(changes: &Changes, place: usize) -> (&Changes, &Changes) {
    changes.split_at(changes.partition_point(|(key, _)| !bit(key, place)))
}

/// Pushes, growing by an eighth: doubling would let a large map take twice its memory.
fn push_within<T>(nodes: &mut Vec<T>, node: T) -> u32 {
    if nodes.len() == nodes.capacity() {
        nodes.reserve_exact(nodes.len() / 8 + 64);
    }
    let place = u32::try_from(nodes.len()).expect("map: more than 2^32 keys");
    nodes.push(node);
    place
}

pub mod paged;

#[cfg(test)]
mod tests;
