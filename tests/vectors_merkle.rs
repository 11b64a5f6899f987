//! The tree against cases and libraries that nobody here wrote.

use std::{collections::HashMap, convert::Infallible, env, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lian_core::{
    hash::{Digest, leaf_hash, sha256},
    merkle::{
        CompactRange, ProofRefused, check_consistency, check_inclusion, check_subtree_consistency,
        check_subtree_inclusion, prove_consistency, prove_inclusion,
    },
    tile::{TileId, tiles_at},
};
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

fn cases(kind: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/merkle/cases.json");
    let all: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    all[kind].as_array().unwrap().clone()
}

fn number(case: &Value, field: &str) -> u64 {
    case[field].as_u64().unwrap()
}

fn base64(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

/// A hash of the case. Some cases hold words or nothing where a hash belongs; our types cannot
/// carry those, so another hash that belongs to no tree takes their place.
fn hash(value: &Value) -> Digest {
    let bytes = base64(value);
    match <[u8; 32]>::try_from(bytes.as_slice()) {
        Ok(bytes) => Digest(bytes),
        Err(_) => sha256(&[b"not a hash: ", &bytes]),
    }
}

fn proof(case: &Value) -> Vec<Digest> {
    let nodes = case["proof"].as_array();
    nodes.into_iter().flatten().map(hash).collect()
}

/// A leaf hash of another length than 32 is refused where it is read.
fn leaf(case: &Value) -> Result<Digest, ProofRefused> {
    let bytes = base64(&case["leafHash"]);
    bytes.try_into().map(Digest).map_err(|_| ProofRefused)
}

fn judge(kind: &str, verdict: impl Fn(&Value) -> Result<(), ProofRefused>) -> usize {
    let cases = cases(kind);
    for case in &cases {
        let accept = !case["wantErr"].as_bool().unwrap();
        assert_eq!(verdict(case).is_ok(), accept, "{kind}: {case}");
    }
    cases.len()
}

#[test]
fn all_518_cases_of_transparency_dev_are_judged_as_they_say() {
    let inclusion = judge("inclusion", |case| {
        let (index, size) = (number(case, "leafIdx"), number(case, "treeSize"));
        check_inclusion(index, size, &leaf(case)?, &proof(case), &hash(&case["root"]))
    });
    let consistency = judge("consistency", |case| {
        let (old, new) = (number(case, "size1"), number(case, "size2"));
        let (old_root, new_root) = (hash(&case["root1"]), hash(&case["root2"]));
        check_consistency(old, new, &old_root, &new_root, &proof(case))
    });
    let subtree_inclusion = judge("subtreeinclusion", |case| {
        let (index, root) = (number(case, "leafIdx"), hash(&case["root"]));
        let (start, end) = (number(case, "start"), number(case, "end"));
        check_subtree_inclusion(index, start, end, &leaf(case)?, &proof(case), &root)
    });
    let subtree_consistency = judge("subtreeconsistency", |case| {
        let (start, end) = (number(case, "start"), number(case, "end"));
        let (part, whole) = (hash(&case["root1"]), hash(&case["root2"]));
        let size = number(case, "size");
        check_subtree_consistency(start, end, size, &part, &whole, &proof(case))
    });

    let judged = inclusion + consistency + subtree_inclusion + subtree_consistency;
    assert_eq!(judged, 518);
}

/// A tree of ours and the same leaves in the libraries of others.
struct Trees {
    leaves: Vec<[u8; 8]>,
    nodes: HashMap<(u8, u64), Digest>,
    root: Digest,
    theirs: ct_merkle::mem_backed_tree::MemoryBackedTree<sha2::Sha256, [u8; 8]>,
    stored: Vec<tlog_tiles::Hash>,
}

impl Trees {
    fn of(size: u64, salt: u64) -> Self {
        let leaves: Vec<_> = (0..size).map(|i| (i ^ salt).to_be_bytes()).collect();
        let (mut range, mut nodes) = (CompactRange::new(), HashMap::new());
        let mut theirs = ct_merkle::mem_backed_tree::MemoryBackedTree::new();
        let mut stored = Vec::new();
        for (i, leaf) in leaves.iter().enumerate() {
            range.push_with(leaf_hash(leaf), &mut |level, index, node| {
                nodes.insert((level, index), node);
            });
            theirs.push(*leaf);
            let more = tlog_tiles::stored_hashes(i as u64, leaf, &Stored(&stored)).unwrap();
            stored.extend(more);
        }
        Self { leaves, nodes, root: range.root(), theirs, stored }
    }

    fn reader(&self) -> impl Fn(u8, u64) -> Result<Digest, Infallible> {
        |level, index| Ok(self.nodes[&(level, index)])
    }
}

struct Stored<'a>(&'a [tlog_tiles::Hash]);

impl tlog_tiles::HashReader for Stored<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let read = |index: &u64| self.0[usize::try_from(*index).unwrap()];
        Ok(indexes.iter().map(read).collect())
    }
}

fn ours(proof: &[tlog_tiles::Hash]) -> Vec<Digest> {
    proof.iter().map(|hash| Digest(hash.0)).collect()
}

fn ours_from_bytes(proof: &[u8]) -> Vec<Digest> {
    let (nodes, rest) = proof.as_chunks();
    assert!(rest.is_empty());
    nodes.iter().copied().map(Digest).collect()
}

fn agree(size: u64, old: u64, salt: u64) {
    let trees = Trees::of(size, salt);
    let (index, root) = (old - 1, trees.root);
    let old_root = Trees::of(old, salt).root;
    let stored = Stored(&trees.stored);
    let place = usize::try_from(index).unwrap();
    let added = usize::try_from(size - old).unwrap();

    assert_eq!(trees.theirs.root().as_bytes().as_slice(), root.0);
    assert_eq!(tlog_tiles::tree_hash(size, &stored).unwrap().0, root.0);

    let inclusion = prove_inclusion(index, size, &trees.reader()).unwrap();
    let leaf = leaf_hash(&trees.leaves[place]);
    assert_eq!(inclusion, ours_from_bytes(trees.theirs.prove_inclusion(place).as_bytes()));
    assert_eq!(inclusion, ours(&tlog_tiles::prove_record(size, index, &stored).unwrap()));
    check_inclusion(index, size, &leaf, &inclusion, &root).unwrap();

    let consistency = prove_consistency(old, size, &trees.reader()).unwrap();
    if added > 0 {
        assert_eq!(consistency, ours_from_bytes(trees.theirs.prove_consistency(added).as_bytes()));
    }
    assert_eq!(consistency, ours(&tlog_tiles::prove_tree(size, old, &stored).unwrap()));
    check_consistency(old, size, &old_root, &root, &consistency).unwrap();
}

#[test]
fn roots_and_proofs_are_those_of_two_other_libraries() {
    let trees = match env::var("LIAN_DEPTH").as_deref() {
        Err(_) | Ok("quick") => 300,
        Ok("ci") => 3_000,
        Ok("deep") => 10_000,
        Ok(other) => panic!("LIAN_DEPTH is quick, ci or deep, not {other}"),
    };
    let config = Config { cases: trees, ..Config::default() };
    let sizes = (1..600_u64, 0..600_u64, 0..u64::MAX);

    let agreed = TestRunner::new(config).run(&sizes, |(size, old, salt)| {
        agree(size, 1 + old % size, salt);
        Ok(())
    });

    agreed.unwrap();
}

#[test]
fn tile_paths_and_the_tiles_of_a_size_are_those_of_another_library() {
    for size in [1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000, 300_000] {
        // Their paths name the height of a tile, which C2SP fixes at 8 and leaves out.
        let mut theirs: Vec<_> = tlog_tiles::Tile::new_tiles(8, 0, size)
            .iter()
            .map(|tile| tile.path().replacen("tile/8/", "tile/", 1))
            .collect();
        theirs.sort();
        let mut ours: Vec<_> = tiles_at(size).map(|tile| tile.path()).collect();
        ours.sort();

        assert_eq!(ours, theirs);
        for path in ours {
            assert_eq!(TileId::parse(&path).map(|tile| tile.path()), Some(path));
        }
    }
}
