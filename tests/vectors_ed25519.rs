//! Ed25519 where verifiers disagree: the vectors of C2SP/CCTV, and what we say to each.

use std::{collections::HashSet, fs, path::Path};

use lian_core::{
    hash::hex_decode,
    keys::{PublicKey, PublicKeyError},
};

const LOW_ORDER_A: u8 = 0x01;
const LOW_ORDER_R: u8 = 0x02;
const NON_CANONICAL_A: u8 = 0x04;
const NON_CANONICAL_R: u8 = 0x08;
const LOW_ORDER_COMPONENT_A: u8 = 0x10;
const LOW_ORDER_RESIDUE: u8 = 0x40;
const REENCODED_K: u8 = 0x80;

/// Any of these flags means: refused. The rest is accepted.
const REFUSED: u8 =
    LOW_ORDER_A | LOW_ORDER_R | NON_CANONICAL_A | NON_CANONICAL_R | LOW_ORDER_RESIDUE | REENCODED_K;

struct Vector {
    number: u32,
    key: [u8; 32],
    signature: [u8; 64],
    message: String,
    flags: u8,
}

fn hex<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    assert!(hex_decode(text, &mut bytes), "{text}");
    bytes
}

/// The vectors, laid out as the README beside them says.
fn vectors() -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/ed25519/vectors.txt");
    let mut key = None;
    let mut vectors = Vec::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["key", text] => key = Some(hex(text)),
            [number, signature, message, flags] => vectors.push(Vector {
                number: number.parse().unwrap(),
                key: key.unwrap(),
                signature: hex(signature),
                message: match message {
                    "-" => "ed25519vectors".to_owned(),
                    n => format!("ed25519vectors {n}"),
                },
                flags: u8::from_str_radix(flags, 16).unwrap(),
            }),
            _ => panic!("{line}"),
        }
    }
    assert_eq!(vectors.iter().map(|vector| vector.number).collect::<HashSet<_>>().len(), 914);
    vectors
}

fn accepted(vector: &Vector) -> bool {
    PublicKey::from_bytes32(&vector.key)
        .is_ok_and(|key| key.verify(vector.message.as_bytes(), &vector.signature))
}

#[test]
fn every_vector_is_judged_as_its_flags_say() {
    let vectors = vectors();

    for vector in &vectors {
        let expected = vector.flags & REFUSED == 0;
        assert_eq!(accepted(vector), expected, "vector {}, flags {:02x}", vector.number, vector.flags);
    }
    assert_eq!(vectors.iter().filter(|vector| accepted(vector)).count(), 43);
}

/// `verify_strict` refuses weak keys even if one got past the parser and enrolment.
#[test]
fn weak_keys_in_canonical_form_parse_but_verify_nothing() {
    let mut seen = 0;
    for vector in vectors().iter().filter(|vector| vector.flags & LOW_ORDER_A != 0) {
        if let Ok(key) = PublicKey::from_bytes32(&vector.key) {
            assert!(!key.verify(vector.message.as_bytes(), &vector.signature), "vector {}", vector.number);
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn weak_mixed_order_and_non_canonical_keys_cannot_be_enrolled() {
    let mut keys = HashSet::new();
    for vector in vectors() {
        let expected = match vector.flags {
            flags if flags & NON_CANONICAL_A != 0 => Err(PublicKeyError::NotCanonical),
            flags if flags & LOW_ORDER_A != 0 => Err(PublicKeyError::SmallOrder),
            flags if flags & LOW_ORDER_COMPONENT_A != 0 => Err(PublicKeyError::MixedOrder),
            _ => Ok(()),
        };
        let enrolled = PublicKey::from_bytes32(&vector.key).and_then(|key| key.check_enrolable());
        assert_eq!(enrolled, expected, "vector {}", vector.number);
        keys.insert((vector.key, enrolled.is_ok()));
    }
    assert_eq!(keys.len(), 22);
    assert_eq!(keys.iter().filter(|(_, enrolled)| *enrolled).count(), 1);
}

/// So no verifier, whatever formula it uses, can disagree with us on an entry of an enrolled key.
#[test]
fn under_a_key_that_can_be_enrolled_only_the_vector_without_flags_is_accepted() {
    let enrolable = |vector: &&Vector| {
        PublicKey::from_bytes32(&vector.key).is_ok_and(|key| key.check_enrolable().is_ok())
    };

    let taken: Vec<(u32, u8)> = vectors()
        .iter()
        .filter(enrolable)
        .filter(|vector| accepted(vector))
        .map(|vector| (vector.number, vector.flags))
        .collect();

    assert_eq!(taken, [(305, 0)]);
}
