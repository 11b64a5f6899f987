//! The map against its definition, read literally: a recursion over sets of keys.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

type Pairs = BTreeMap<Digest, Digest>;

/// The definition: zeros, a lone key, or the two halves by bit.
fn literal_root(pairs: &[(Digest, Digest)], depth: usize) -> Digest {
    match pairs {
        [] => Digest::ZERO,
        [(key, value)] => sha256(&[&[2], &key.0, &value.0]),
        _ => {
            let (ones, zeros): (Vec<_>, Vec<_>) = pairs.iter().partition(|(key, _)| bit(key, depth));
            let left = literal_root(&zeros, depth + 1);
            let right = literal_root(&ones, depth + 1);
            sha256(&[&[3], &left.0, &right.0])
        }
    }
}

/// The path of a key by the definition.
fn literal_proof(pairs: &[(Digest, Digest)], key: &Digest, depth: usize) -> MapProof {
    let siblings = vec![];
    match *pairs {
        [] => MapProof { siblings, end: MapEnd::Empty },
        [(key, value)] => MapProof { siblings, end: MapEnd::Leaf { key, value } },
        _ => {
            let (same, other): (Vec<_>, Vec<_>) =
                pairs.iter().partition(|(found, _)| bit(found, depth) == bit(key, depth));
            let mut proof = literal_proof(&same, key, depth + 1);
            proof.siblings.insert(0, literal_root(&other, depth + 1));
            proof
        }
    }
}

fn map_of(pairs: &[(Digest, Digest)]) -> EpochMap {
    let mut map = EpochMap::new();
    map.update(&mut pairs.to_vec());
    map
}

fn hashed(n: u64) -> Digest {
    sha256(&[&n.to_be_bytes()])
}

fn numbered(n: u64) -> (Digest, Digest) {
    (stream_key(&format!("case/{n}")), hashed(n))
}

/// Keys that share long prefixes, as a grinding attacker would choose, beside evenly spread ones.
fn any_key() -> impl Strategy<Value = Digest> {
    let ground = (0..256_usize, 0..4_u8, any::<bool>()).prop_map(|(place, low, high)| {
        let mut key = [if high { 0xff } else { 0 }; 32];
        key[place / 8] ^= 1 << (place % 8);
        key[31] ^= low;
        Digest(key)
    });
    prop_oneof![ground, any::<[u8; 32]>().prop_map(Digest)]
}

fn any_batches() -> impl Strategy<Value = Vec<Vec<(Digest, Digest)>>> {
    let pair = (any_key(), any::<u64>().prop_map(hashed));
    prop::collection::vec(prop::collection::vec(pair, 0..24), 0..5)
}

proptest! {
    #[test]
    fn the_root_and_every_proof_are_those_of_the_definition(
        batches in any_batches(),
        strangers in prop::collection::vec(any_key(), 8),
    ) {
        let mut map = EpochMap::new();
        let mut pairs = Pairs::new();
        for mut batch in batches {
            pairs.extend(batch.iter().copied());
            map.update(&mut batch);
            let listed: Vec<_> = pairs.clone().into_iter().collect();
            prop_assert_eq!(map.root(), literal_root(&listed, 0));
        }
        prop_assert_eq!(map.len(), pairs.len());
        let listed: Vec<_> = pairs.clone().into_iter().collect();
        for key in pairs.keys().chain(&strangers) {
            let value = pairs.get(key).copied();
            let proof = map.prove(key);
            prop_assert_eq!(map.get(key), value);
            prop_assert_eq!(&proof, &literal_proof(&listed, key, 0));
            prop_assert_eq!(check_map(&map.root(), key, value.as_ref(), &proof), Ok(()));
            let lie = if value.is_some() { None } else { Some(&Digest::ZERO) };
            prop_assert!(check_map(&map.root(), key, lie, &proof).is_err());
            prop_assert_eq!(MapProof::from_bytes(&proof.to_bytes()), Ok(proof.clone()));
            prop_assert_eq!(MapProof::from_text(&proof.to_text()), Ok(proof));
        }
    }

    #[test]
    fn the_order_and_the_batching_of_changes_leave_no_trace(
        pairs in prop::collection::btree_map(any_key(), any::<u64>().prop_map(hashed), 0..60),
        cut in 0..60_usize,
    ) {
        let forward: Vec<_> = pairs.into_iter().collect();
        let mut map = EpochMap::new();

        for pair in forward.iter().rev() {
            map.update(&mut vec![(pair.0, Digest::ZERO), *pair]);
        }
        let mut halves = map_of(&forward[cut.min(forward.len())..]);
        halves.update(&mut forward[..cut.min(forward.len())].to_vec());

        prop_assert_eq!(map.root(), map_of(&forward).root());
        prop_assert_eq!(halves.root(), map_of(&forward).root());
    }

    #[test]
    fn bytes_are_a_proof_only_as_they_would_be_written(bytes in prop::collection::vec(0..3_u8, 0..200)) {
        if let Ok(proof) = MapProof::from_bytes(&bytes) {
            prop_assert_eq!(proof.to_bytes(), bytes);
        }
    }
}

#[test]
fn the_vectors_of_the_specification_hold() {
    let key = stream_key("guarantee/FB-115-000123");
    let leaf = crate::hash::leaf_hash(b"");
    let acc = accumulate(&Digest::ZERO, 7, &leaf);
    let value = stream_value(1, 1, &acc, &Digest::ZERO);
    let one = map_of(&[(key, value)]);
    let two = map_of(&[(key, value), (stream_key("actor/bank:004"), value)]);

    assert_eq!(EpochMap::new().root(), Digest::ZERO);
    for (name, found, printed) in [
        ("key", key, "1842b099d566a55389f1067bd2ddbce4ac079f70e6949d4c3a2f1a2a55935189"),
        ("acc", acc, "c8ae542dcaa264593c8cc01139fe409ada7cde18923e8268e72be7421480b0b3"),
        ("value", value, "0f8410afb8a0e966222f13cbb4262419ac99aebb0c7f029a7d294448d9dcb1ce"),
        ("one", one.root(), "94a31dab85a9b5e7667e7272f2a3e8d79d4e14f55ab04c17531c4e9c6fc67d57"),
        ("two", two.root(), "46460100803168b2298971561b0f974b4ef71b4aed8de57a2ea1de78fb084ef2"),
    ] {
        assert_eq!(found.to_hex(), printed, "{name}");
    }

    let beside = leaf_hash(&stream_key("actor/bank:004"), &value);
    let proof = [&[0, 2], &[0; 32][..], &beside.0, &[1], &key.0, &value.0].concat();
    let absent = stream_key("case/1");
    assert_eq!(two.prove(&key).to_bytes(), proof);
    assert_eq!(two.prove(&absent).to_bytes(), proof);
    let proof = MapProof::from_bytes(&proof).unwrap();
    check_map(&two.root(), &key, Some(&value), &proof).unwrap();
    check_map(&two.root(), &absent, None, &proof).unwrap();
}

#[test]
fn of_several_values_for_one_key_the_last_counts() {
    let (key, first) = numbered(1);
    let last = hashed(99);

    let map = map_of(&[(key, first), numbered(2), (key, last)]);

    assert_eq!(map.get(&key), Some(last));
    assert_eq!(map.len(), 2);
}

#[test]
fn keys_that_part_at_the_last_bit_are_held_and_proved() {
    let low = Digest([0xaa; 32]);
    let mut high = low;
    high.0[31] ^= 1;
    let map = map_of(&[(low, hashed(1)), (high, hashed(2))]);

    let proof = map.prove(&high);

    assert_eq!(proof.siblings.len(), DEPTH_MAX);
    check_map(&map.root(), &high, Some(&hashed(2)), &proof).unwrap();
}

#[test]
fn a_leaf_off_the_path_of_the_key_proves_no_absence() {
    let pairs: Vec<_> = (0..100).map(numbered).collect();
    let map = map_of(&pairs);
    let (present, value) = pairs[0];

    // The path of key 0 is honest; whoever asks for another key must not be shown it.
    let proof = map.prove(&present);
    let elsewhere = Digest(present.0.map(|byte| !byte));

    check_map(&map.root(), &present, Some(&value), &proof).unwrap();
    assert!(check_map(&map.root(), &elsewhere, None, &proof).is_err());
    assert!(check_map(&map.root(), &present, None, &proof).is_err());
}

#[test]
fn a_leaf_hung_in_a_place_that_is_not_its_own_hides_no_key() {
    // The map-maker puts the leaf of another key where the hidden key would be.
    let (hidden, _) = numbered(1);
    let elsewhere = Digest(hidden.0.map(|byte| !byte));
    let end = MapEnd::Leaf { key: elsewhere, value: hashed(2) };
    let misplaced = leaf_hash(&elsewhere, &hashed(2));
    let siblings = vec![hashed(3)];
    let root =
        if bit(&hidden, 0) { fork_hash(&hashed(3), &misplaced) } else { fork_hash(&misplaced, &hashed(3)) };

    let proof = MapProof { siblings, end };

    assert!(check_map(&root, &hidden, None, &proof).is_err());
}

#[test]
fn shapes_that_no_honest_map_has_are_refused_even_under_their_own_root() {
    let (key, value) = numbered(1);
    let path_root =
        |proof: &MapProof, end: Digest| {
            let places = proof.siblings.iter().enumerate().rev();
            places.fold(end, |hash, (depth, sibling)| {
                if bit(&key, depth) { fork_hash(sibling, &hash) } else { fork_hash(&hash, sibling) }
            })
        };
    let present = MapEnd::Leaf { key, value };

    // A lone key one level too deep, an empty place beside nothing, a place below the last bit.
    for (siblings, end, claim) in [
        (vec![Digest::ZERO], present, Some(&value)),
        (vec![hashed(1), Digest::ZERO], present, Some(&value)),
        (vec![Digest::ZERO], MapEnd::Empty, None),
        (vec![hashed(1); 256], MapEnd::Empty, None),
        (vec![hashed(1); 257], MapEnd::Empty, None),
    ] {
        let leaf = leaf_hash(&key, &value);
        let hash = if end == present { leaf } else { Digest::ZERO };
        let proof = MapProof { siblings, end };
        let depth = proof.siblings.len();
        let root = if depth > DEPTH_MAX { Digest::ZERO } else { path_root(&proof, hash) };
        assert!(check_map(&root, &key, claim, &proof).is_err(), "{depth}");
    }
}

#[test]
fn a_dishonest_map_still_proves_one_claim_a_key() {
    // The map-maker hangs a lone key beside an empty subtree, where none belongs. The key can be
    // neither shown nor denied there, and the root differs from the one that every audit computes.
    let (key, value) = numbered(1);
    let leaf = leaf_hash(&key, &value);
    let root = if bit(&key, 0) { fork_hash(&Digest::ZERO, &leaf) } else { fork_hash(&leaf, &Digest::ZERO) };
    let ends = [MapEnd::Empty, MapEnd::Leaf { key, value }];

    for end in ends {
        for siblings in [vec![], vec![Digest::ZERO], vec![leaf], vec![root]] {
            let proof = MapProof { siblings, end };
            assert!(check_map(&root, &key, Some(&value), &proof).is_err());
            assert!(check_map(&root, &key, None, &proof).is_err());
        }
    }
    assert_ne!(root, map_of(&[(key, value)]).root());
}

#[test]
fn a_key_takes_no_more_than_120_bytes() {
    // Nodes are packed in two vectors that grow by an eighth: with that slack 135 bytes at most.
    assert!(size_of::<Leaf>() + size_of::<Fork>() <= 120);
}
