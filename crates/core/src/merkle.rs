//! The Merkle tree of RFC 6962 with SHA-256: roots, inclusion and consistency; prove_* beside check_*.
//! Invariant: a check accepts exactly the proof that its prove_* twin makes, and no other list of nodes.
//! Limits: trees of at most 2^63 leaves; every recursion is at most 64 deep and every proof at
//! most 65 nodes, because a tree of u64 leaves is no higher.

use std::slice;

use crate::hash::{Digest, empty_root, node_hash};

/// Most leaves that a tree may hold.
pub const SIZE_MAX: u64 = 1 << 63;

/// The proof does not prove the claim. It never says why: a verifier does not explain to an
/// attacker how it was not deceived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("proof refused")]
pub struct ProofRefused;

/// Why a proof, a root or a range could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// The leaf or the range is not in a tree of this size, or is not a subtree of any tree.
    #[error("no proof exists for leaves {start} to {end} in a tree of {size}")]
    OutOfRange {
        /// First leaf of what was to be proved.
        start: u64,
        /// The leaf after the last.
        end: u64,
        /// Leaves in the tree.
        size: u64,
    },
    /// A node could not be read.
    #[error(transparent)]
    Reader(E),
}

/// Where the hashes of full subtrees come from: tiles, memory, a remote log.
pub trait HashReader {
    /// Why a node could not be read.
    type Error;

    /// The hash over the leaves `[index * 2^level, (index + 1) * 2^level)`, all of which exist.
    fn read(&self, level: u8, index: u64) -> Result<Digest, Self::Error>;
}

impl<F, E> HashReader for F
where
    F: Fn(u8, u64) -> Result<Digest, E>,
{
    type Error = E;

    fn read(&self, level: u8, index: u64) -> Result<Digest, E> {
        self(level, index)
    }
}

/// The right edge of a growing tree: the roots of its full subtrees, largest first, one for each
/// bit that is set in its size. Enough to append for ever and to know the root.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CompactRange {
    size: u64,
    nodes: Vec<Digest>,
}

impl CompactRange {
    /// The tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// A range that was stored; `None` if the number of nodes does not fit the size.
    pub fn from_parts(size: u64, nodes: Vec<Digest>) -> Option<Self> {
        let fits = size <= SIZE_MAX && nodes.len() == size.count_ones() as usize;
        fits.then_some(Self { size, nodes })
    }

    /// Leaves in the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the full subtrees, largest first.
    pub fn nodes(&self) -> &[Digest] {
        &self.nodes
    }

    /// The root of the tree.
    pub fn root(&self) -> Digest {
        let mut from_the_right = self.nodes.iter().rev();
        match from_the_right.next() {
            None => empty_root(),
            Some(&last) => from_the_right.fold(last, |right, left| node_hash(left, &right)),
        }
    }

    /// Appends one leaf by its hash.
    pub fn push(&mut self, leaf_hash: Digest) {
        self.push_with(leaf_hash, &mut |_, _, _| {});
    }

    /// Appends one leaf and reports every subtree that it completes, as (level, index, hash), the
    /// leaf itself (level 0) first.
    pub fn push_with(&mut self, leaf_hash: Digest, report: &mut impl FnMut(u8, u64, Digest)) {
        let (mut level, mut index, mut hash) = (0, self.size, leaf_hash);
        report(level, index, hash);
        while index & 1 == 1 {
            // One node per bit set in the size: from_parts and this loop keep it so.
            let left = self.nodes.pop().expect("merkle: a range lost a node");
            hash = node_hash(&left, &hash);
            level += 1;
            index >>= 1;
            report(level, index, hash);
        }
        self.nodes.push(hash);
        self.size += 1;
    }
}

/// The right edge of the first `size` leaves.
pub fn range_at<R: HashReader>(size: u64, reader: &R) -> Result<CompactRange, ProveError<R::Error>> {
    if size > SIZE_MAX {
        return Err(out_of_range(0, size, size));
    }
    let mut nodes = Vec::with_capacity(size.count_ones() as usize);
    let mut start = 0;
    while start < size {
        let level = (size - start).ilog2();
        nodes.push(full_subtree(level, start, reader)?);
        start += 1 << level;
    }
    Ok(CompactRange { size, nodes })
}

/// The root of the first `size` leaves.
pub fn root_at<R: HashReader>(size: u64, reader: &R) -> Result<Digest, ProveError<R::Error>> {
    Ok(range_at(size, reader)?.root())
}

/// Proves that leaf `index` is in the tree of the first `size` leaves: its siblings, lowest first.
pub fn prove_inclusion<R: HashReader>(
    index: u64,
    size: u64,
    reader: &R,
) -> Result<Vec<Digest>, ProveError<R::Error>> {
    prove_subtree_inclusion(index, 0, size, reader)
}

/// Checks that the leaf with `leaf_hash` is leaf `index` of the tree of `size` leaves and `root`.
pub fn check_inclusion(
    index: u64,
    size: u64,
    leaf_hash: &Digest,
    proof: &[Digest],
    root: &Digest,
) -> Result<(), ProofRefused> {
    check_subtree_inclusion(index, 0, size, leaf_hash, proof, root)
}

/// Proves that leaf `index` is in the subtree of the leaves `[start, end)`.
pub fn prove_subtree_inclusion<R: HashReader>(
    index: u64,
    start: u64,
    end: u64,
    reader: &R,
) -> Result<Vec<Digest>, ProveError<R::Error>> {
    if !is_subtree(start, end) || !(start..end).contains(&index) {
        return Err(out_of_range(index, index.saturating_add(1), end));
    }
    let mut proof = Vec::new();
    collect_siblings(index, (start, end), reader, &mut proof)?;
    Ok(proof)
}

/// Checks that the leaf with `leaf_hash` is leaf `index` of the tree, inside the subtree of the
/// leaves `[start, end)` that has this `root`.
pub fn check_subtree_inclusion(
    index: u64,
    start: u64,
    end: u64,
    leaf_hash: &Digest,
    proof: &[Digest],
    root: &Digest,
) -> Result<(), ProofRefused> {
    if !is_subtree(start, end) || !(start..end).contains(&index) {
        return Err(ProofRefused);
    }
    let mut rest = proof.iter();
    let computed = climb(index - start, end - start, leaf_hash, &mut rest)?;
    accept_if(rest.as_slice().is_empty() && computed == *root)
}

/// Proves that the tree of `old` leaves is a prefix of the tree of `new` leaves.
pub fn prove_consistency<R: HashReader>(
    old: u64,
    new: u64,
    reader: &R,
) -> Result<Vec<Digest>, ProveError<R::Error>> {
    if old == 0 {
        // Every tree extends the empty one; there is nothing that a proof could add.
        return Err(out_of_range(0, 0, new));
    }
    prove_subtree_consistency(0, old, new, reader)
}

/// Checks that the tree of `old` leaves and `old_root` is a prefix of the tree of `new` leaves
/// and `new_root`. Equal sizes need equal roots and an empty proof; `old` = 0 is refused.
pub fn check_consistency(
    old: u64,
    new: u64,
    old_root: &Digest,
    new_root: &Digest,
    proof: &[Digest],
) -> Result<(), ProofRefused> {
    if old == 0 {
        return Err(ProofRefused);
    }
    check_subtree_consistency(0, old, new, old_root, new_root, proof)
}

/// Proves that the leaves `[start, end)` of a subtree are those leaves of the tree of `size`.
pub fn prove_subtree_consistency<R: HashReader>(
    start: u64,
    end: u64,
    size: u64,
    reader: &R,
) -> Result<Vec<Digest>, ProveError<R::Error>> {
    if !is_subtree(start, end) || end > size {
        return Err(out_of_range(start, end, size));
    }
    let mut proof = Vec::new();
    if start < end {
        collect_consistency((start, end), (0, size), true, reader, &mut proof)?;
    }
    Ok(proof)
}

/// Checks that the subtree of the leaves `[start, end)` with root `sub_root` is part of the tree
/// of `size` leaves with `root`. The empty subtree is part of every tree that reaches `start`.
pub fn check_subtree_consistency(
    start: u64,
    end: u64,
    size: u64,
    sub_root: &Digest,
    root: &Digest,
    proof: &[Digest],
) -> Result<(), ProofRefused> {
    if !is_subtree(start, end) || end > size {
        return Err(ProofRefused);
    }
    if start == end {
        return accept_if(proof.is_empty() && *sub_root == empty_root());
    }
    let mut rest = proof.iter();
    let known = Some(sub_root);
    let (part, whole) = climb_both((start, end), (0, size), known, &mut rest)?;
    accept_if(rest.as_slice().is_empty() && part == *sub_root && whole == *root)
}

fn accept_if(holds: bool) -> Result<(), ProofRefused> {
    if holds { Ok(()) } else { Err(ProofRefused) }
}

fn out_of_range<E>(start: u64, end: u64, size: u64) -> ProveError<E> {
    ProveError::OutOfRange { start, end, size }
}

/// Where RFC 6962 splits `leaves` >= 2 leaves: the largest power of two below their number.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// True if `[start, end)` is a node, complete or on the right edge, of some tree.
fn is_subtree(start: u64, end: u64) -> bool {
    let Some(leaves) = end.checked_sub(start) else {
        return false;
    };
    // Past 2^63 leaves only a subtree at 0 exists, and next_power_of_two would overflow.
    start == 0 || leaves == 0 || (leaves <= SIZE_MAX && start & (leaves.next_power_of_two() - 1) == 0)
}

fn full_subtree<R: HashReader>(level: u32, start: u64, reader: &R) -> Result<Digest, ProveError<R::Error>> {
    // The truncation cannot happen: level is a logarithm of a u64, at most 63.
    #[allow(clippy::cast_possible_truncation)]
    reader.read(level as u8, start >> level).map_err(ProveError::Reader)
}

/// The hash of a subtree, full or on the right edge.
fn subtree<R: HashReader>((start, end): (u64, u64), reader: &R) -> Result<Digest, ProveError<R::Error>> {
    let leaves = end - start;
    if leaves.is_power_of_two() {
        return full_subtree(leaves.ilog2(), start, reader);
    }
    let middle = start + split(leaves);
    let left = subtree((start, middle), reader)?;
    let right = subtree((middle, end), reader)?;
    Ok(node_hash(&left, &right))
}

/// PATH of RFC 6962 §2.1.1 below `[low, high)`.
fn collect_siblings<R: HashReader>(
    index: u64,
    (low, high): (u64, u64),
    reader: &R,
    proof: &mut Vec<Digest>,
) -> Result<(), ProveError<R::Error>> {
    if high - low == 1 {
        return Ok(());
    }
    let middle = low + split(high - low);
    let (path, sibling) =
        if index < middle { ((low, middle), (middle, high)) } else { ((middle, high), (low, middle)) };
    collect_siblings(index, path, reader, proof)?;
    proof.push(subtree(sibling, reader)?);
    Ok(())
}

/// The root that follows from a leaf and its siblings: the mirror image of `collect_siblings`.
fn climb(
    index: u64,
    leaves: u64,
    leaf_hash: &Digest,
    proof: &mut slice::Iter<Digest>,
) -> Result<Digest, ProofRefused> {
    if leaves == 1 {
        return Ok(*leaf_hash);
    }
    let middle = split(leaves);
    if index < middle {
        let left = climb(index, middle, leaf_hash, proof)?;
        Ok(node_hash(&left, proof.next().ok_or(ProofRefused)?))
    } else {
        let right = climb(index - middle, leaves - middle, leaf_hash, proof)?;
        Ok(node_hash(proof.next().ok_or(ProofRefused)?, &right))
    }
}

/// SUBPROOF of RFC 6962 §2.1.2, for a subtree that need not start at 0. `known` as long as the
/// part is the one whose root the verifier holds, so that its node need not be sent.
fn collect_consistency<R: HashReader>(
    (start, end): (u64, u64),
    (low, high): (u64, u64),
    known: bool,
    reader: &R,
    proof: &mut Vec<Digest>,
) -> Result<(), ProveError<R::Error>> {
    if (start, end) == (low, high) {
        if !known {
            proof.push(subtree((low, high), reader)?);
        }
        return Ok(());
    }
    let middle = low + split(high - low);
    if end <= middle {
        collect_consistency((start, end), (low, middle), known, reader, proof)?;
        proof.push(subtree((middle, high), reader)?);
        return Ok(());
    }
    // A subtree that reaches across the middle begins where this one begins.
    let (part, known) = if start >= middle { ((start, end), known) } else { ((middle, end), false) };
    collect_consistency(part, (middle, high), known, reader, proof)?;
    proof.push(subtree((low, middle), reader)?);
    Ok(())
}

/// The roots of the part and of the whole that follow from a proof: the mirror image of
/// `collect_consistency`.
fn climb_both(
    (start, end): (u64, u64),
    (low, high): (u64, u64),
    known: Option<&Digest>,
    proof: &mut slice::Iter<Digest>,
) -> Result<(Digest, Digest), ProofRefused> {
    if (start, end) == (low, high) {
        let node = *known.or_else(|| proof.next()).ok_or(ProofRefused)?;
        return Ok((node, node));
    }
    let middle = low + split(high - low);
    if end <= middle {
        let (part, left) = climb_both((start, end), (low, middle), known, proof)?;
        let right = proof.next().ok_or(ProofRefused)?;
        return Ok((part, node_hash(&left, right)));
    }
    if start >= middle {
        let (part, right) = climb_both((start, end), (middle, high), known, proof)?;
        let left = proof.next().ok_or(ProofRefused)?;
        return Ok((part, node_hash(left, &right)));
    }
    let (part, right) = climb_both((middle, end), (middle, high), None, proof)?;
    let left = proof.next().ok_or(ProofRefused)?;
    Ok((node_hash(left, &part), node_hash(left, &right)))
}

#[cfg(test)]
mod tests;
