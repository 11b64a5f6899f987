//! The tree against cases and libraries that nobody here wrote.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lian_core::{
    hash::{Digest, sha256},
    merkle::{
        ProofRefused, check_consistency, check_inclusion, check_subtree_consistency, check_subtree_inclusion,
    },
};
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
