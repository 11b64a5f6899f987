//! The tree against the text of RFC 6962, read literally: slow, recursive, without any index maths.

use std::{cell::RefCell, collections::HashMap, convert::Infallible};

use super::*;
use crate::hash::{hex_decode, leaf_hash};

/// Every full subtree of the leaves "leaf 0", "leaf 1", …
struct Tree {
    range: CompactRange,
    nodes: HashMap<(u8, u64), Digest>,
    leaves: Vec<Digest>,
}

impl Tree {
    fn of(leaves: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut tree = Self { range: CompactRange::new(), nodes: HashMap::new(), leaves: Vec::new() };
        for leaf in leaves {
            let hash = leaf_hash(&leaf);
            tree.leaves.push(hash);
            tree.range.push_with(hash, &mut |level, index, node| {
                assert_eq!(tree.nodes.insert((level, index), node), None);
            });
        }
        tree
    }

    fn with_size(size: u64) -> Self {
        Self::of((0..size).map(|i| format!("leaf {i}").into_bytes()))
    }
}

impl HashReader for Tree {
    type Error = Infallible;

    fn read(&self, level: u8, index: u64) -> Result<Digest, Infallible> {
        Ok(self.nodes[&(level, index)])
    }
}

/// MTH, PATH and PROOF as in RFC 6962 §2.1, over slices; hashes are remembered by range.
struct Literal<'a> {
    leaves: &'a [Digest],
    memory: RefCell<HashMap<(usize, usize), Digest>>,
}

impl<'a> Literal<'a> {
    fn new(leaves: &'a [Digest]) -> Self {
        Self { leaves, memory: RefCell::default() }
    }

    fn power_below(n: usize) -> usize {
        let mut k = 1;
        while k * 2 < n {
            k *= 2;
        }
        k
    }

    fn mth(&self, from: usize, to: usize) -> Digest {
        if from == to {
            return empty_root();
        }
        if to - from == 1 {
            return self.leaves[from];
        }
        if let Some(known) = self.memory.borrow().get(&(from, to)) {
            return *known;
        }
        let k = from + Self::power_below(to - from);
        let hash = node_hash(&self.mth(from, k), &self.mth(k, to));
        self.memory.borrow_mut().insert((from, to), hash);
        hash
    }

    fn path(&self, m: usize, from: usize, to: usize) -> Vec<Digest> {
        if to - from == 1 {
            return vec![];
        }
        let k = from + Self::power_below(to - from);
        let (mut path, sibling) = if m < k {
            (self.path(m, from, k), self.mth(k, to))
        } else {
            (self.path(m, k, to), self.mth(from, k))
        };
        path.push(sibling);
        path
    }

    fn subproof(&self, m: usize, from: usize, to: usize, whole: bool) -> Vec<Digest> {
        if m == to {
            return if whole { vec![] } else { vec![self.mth(from, to)] };
        }
        let k = from + Self::power_below(to - from);
        let (mut proof, sibling) = if m <= k {
            (self.subproof(m, from, k, whole), self.mth(k, to))
        } else {
            (self.subproof(m, k, to, false), self.mth(from, k))
        };
        proof.push(sibling);
        proof
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let mut out = vec![0; hex.len() / 2];
    assert!(hex_decode(hex, &mut out));
    out
}

fn root_in_base64(leaves: &[Vec<u8>]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(Tree::of(leaves.iter().cloned()).range.root().0)
}

#[test]
fn the_published_roots_come_out() {
    let eight =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    assert_eq!(root_in_base64(&[]), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert_eq!(root_in_base64(&[vec![]]), "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=");
    assert_eq!(
        root_in_base64(&[b"one".to_vec(), b"two".to_vec()]),
        "T1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Teci4="
    );
    assert_eq!(root_in_base64(&eight.map(bytes)), "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=");
}

#[test]
fn every_inclusion_proof_up_to_300_leaves_is_the_one_of_the_rfc() {
    let tree = Tree::with_size(300);
    let literal = Literal::new(&tree.leaves);

    for size in 0..=300 {
        let root = root_at(size as u64, &tree).unwrap();
        assert_eq!(root, literal.mth(0, size));
        for index in 0..size {
            let (i, n) = (index as u64, size as u64);
            let proof = prove_inclusion(i, n, &tree).unwrap();
            assert_eq!(proof, literal.path(index, 0, size), "{index} of {size}");
            check_inclusion(i, n, &tree.leaves[index], &proof, &root).unwrap();
        }
        assert!(prove_inclusion(size as u64, size as u64, &tree).is_err());
    }
}

#[test]
fn every_consistency_proof_up_to_300_leaves_is_the_one_of_the_rfc() {
    let tree = Tree::with_size(300);
    let literal = Literal::new(&tree.leaves);

    for new in 1..=300 {
        for old in 1..=new {
            let (m, n) = (old as u64, new as u64);
            let proof = prove_consistency(m, n, &tree).unwrap();
            assert_eq!(proof, literal.subproof(old, 0, new, true), "{old} to {new}");
            let (old_root, new_root) = (literal.mth(0, old), literal.mth(0, new));
            check_consistency(m, n, &old_root, &new_root, &proof).unwrap();
        }
        assert!(prove_consistency(0, new as u64, &tree).is_err());
        assert!(prove_consistency(new as u64 + 1, new as u64, &tree).is_err());
    }
}

#[test]
fn every_subtree_of_a_tree_of_70_leaves_proves_its_place() {
    let tree = Tree::with_size(70);
    let literal = Literal::new(&tree.leaves);

    for start in 0..70_u64 {
        for end in start + 1..=70 {
            let sub_root = literal.mth(to_usize(start), to_usize(end));
            let Ok(proof) = prove_subtree_consistency(start, end, 70, &tree) else {
                assert!(!is_subtree(start, end));
                continue;
            };
            let root = tree.range.root();
            check_subtree_consistency(start, end, 70, &sub_root, &root, &proof).unwrap();
            for index in start..end {
                let leaf = tree.leaves[to_usize(index)];
                let path = prove_subtree_inclusion(index, start, end, &tree).unwrap();
                check_subtree_inclusion(index, start, end, &leaf, &path, &sub_root).unwrap();
            }
        }
    }
}

fn to_usize(n: u64) -> usize {
    usize::try_from(n).unwrap()
}

#[test]
fn a_stored_range_goes_on_where_it_stopped() {
    let tree = Tree::with_size(300);

    for size in [0, 1, 2, 3, 7, 8, 255, 256, 299] {
        let stored = range_at(size, &tree).unwrap();
        let mut read = CompactRange::from_parts(stored.size(), stored.nodes().to_vec()).unwrap();
        tree.leaves[to_usize(size)..].iter().for_each(|leaf| read.push(*leaf));
        assert_eq!(read, tree.range);
    }
}

#[test]
fn a_range_with_a_node_too_few_or_too_many_is_refused() {
    let node = Digest::ZERO;

    assert!(CompactRange::from_parts(0, vec![]).is_some());
    assert!(CompactRange::from_parts(0, vec![node]).is_none());
    assert!(CompactRange::from_parts(5, vec![node]).is_none());
    assert!(CompactRange::from_parts(5, vec![node; 3]).is_none());
    assert!(CompactRange::from_parts(SIZE_MAX, vec![node]).is_some());
    assert!(CompactRange::from_parts(u64::MAX, vec![node; 64]).is_none());
}

#[test]
fn a_repeated_last_leaf_changes_the_root_at_every_size() {
    for size in 1..=1025 {
        let leaves: Vec<_> = (0..size).map(|i| format!("leaf {i}").into_bytes()).collect();
        let mut repeated = leaves.clone();
        repeated.push(leaves[leaves.len() - 1].clone());

        let once = Tree::of(leaves).range.root();
        let twice = Tree::of(repeated).range.root();

        assert_ne!(once, twice, "{size}");
    }
}

#[test]
fn the_encoding_of_a_node_is_no_leaf() {
    // [a, b, c, d] and a tree of two leaves that spell the two inner nodes of the first.
    let four: Vec<_> = [b"a", b"b", b"c", b"d"].map(|leaf| leaf.to_vec()).into();
    let spell = |left: &[u8], right: &[u8]| {
        let (left, right) = (leaf_hash(left), leaf_hash(right));
        [&[1][..], &left.0, &right.0].concat()
    };
    let two = [spell(b"a", b"b"), spell(b"c", b"d")];
    assert_eq!(two[0].len(), 65);

    let tree = Tree::of(four);
    let forged = Tree::of(two.clone());

    assert_ne!(tree.range.root(), forged.range.root());
    let sibling = tree.read(1, 1).unwrap();
    let claim = leaf_hash(&two[0]);
    assert_eq!(check_inclusion(0, 2, &claim, &[sibling], &tree.range.root()), Err(ProofRefused));
}

#[test]
fn sizes_at_the_edge_of_u64_are_refused_without_a_panic() {
    let h = Digest::ZERO;
    let nodes = vec![h; 70];

    for size in [0, 1, SIZE_MAX, SIZE_MAX + 1, u64::MAX - 1, u64::MAX] {
        for index in [0, 1, SIZE_MAX - 1, SIZE_MAX, u64::MAX - 1, u64::MAX] {
            for length in [0, 1, 62, 63, 64, 65, 70] {
                let proof = &nodes[..length];
                let _ = check_inclusion(index, size, &h, proof, &h);
                let _ = check_consistency(index, size, &h, &h, proof);
                let _ = check_subtree_inclusion(index, index, size, &h, proof, &h);
                let _ = check_subtree_consistency(index, size, u64::MAX, &h, &h, proof);
            }
        }
    }
    let reader = |_, _| Ok::<_, Infallible>(h);
    assert_eq!(prove_inclusion(0, u64::MAX, &reader).unwrap().len(), 64);
    assert!(range_at(u64::MAX, &reader).is_err());
}
