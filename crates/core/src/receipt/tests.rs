use super::*;
use crate::{
    checkpoint::Checkpoint,
    hash::node_hash,
    keys::SecretKey,
    note::{NoteError, NoteSigner as _, SignatureType, SignerKey},
};

const LEAF: &[u8] = b"the leaf of entry 2";
const PAYLOAD: &[u8] = b"{\"events\":[]}";

fn log() -> SignerKey {
    SignerKey::new("customs.example/2026", SignatureType::Ed25519, SecretKey::from_seed(&[1; 32])).unwrap()
}

/// Entry 2 of a tree of three leaves, whose root is node(node(a, b), c): one hash, node(a, b).
fn receipt() -> Receipt {
    let left = node_hash(&leaf_hash(b"a"), &leaf_hash(b"b"));
    let root = node_hash(&left, &leaf_hash(LEAF));
    let checkpoint = Checkpoint { origin: "customs.example/2026".to_owned(), size: 3, root };
    Receipt {
        extra: EntryBytes { leaf: LEAF, payload: PAYLOAD }.encode(),
        index: 2,
        proof: vec![left],
        checkpoint: checkpoint.sign(&mut log()).unwrap().encode().into_bytes(),
    }
}

fn text() -> String {
    String::from_utf8(receipt().encode()).unwrap()
}

#[test]
fn a_receipt_reads_as_the_format_says_and_encodes_to_the_same_bytes() {
    let text = text();
    let lines: Vec<&str> = text.lines().collect();

    assert_eq!(lines[0], "c2sp.org/tlog-proof@v1");
    assert!(lines[1].starts_with("extra "));
    assert_eq!(lines[2], "index 2");
    assert_eq!(lines[3].len(), 44);
    assert_eq!(&lines[4..6], ["", "customs.example/2026"]);
    assert_eq!(Receipt::parse(text.as_bytes()).unwrap(), receipt());
}

#[test]
fn a_receipt_without_extra_and_without_hashes_is_well_formed() {
    let bare = Receipt { extra: None, index: 0, proof: vec![], checkpoint: b"note".to_vec() };

    assert_eq!(bare.encode(), b"c2sp.org/tlog-proof@v1\nindex 0\n\nnote");
    assert_eq!(Receipt::parse(&bare.encode()), Ok(bare.clone()));
    assert_eq!(bare.entry(), Err(ReceiptError::NoLeaf));
}

#[test]
fn a_receipt_holds_for_its_leaf_index_and_log() {
    let receipt = receipt();

    let checked = check_receipt(&receipt, log().verifier()).unwrap();

    assert_eq!(checked.entry, EntryBytes { leaf: LEAF, payload: PAYLOAD });
    assert_eq!((checked.index, checked.open.checkpoint.size), (2, 3));
}

#[test]
fn a_receipt_with_another_leaf_index_or_hash_is_refused() {
    let not_included = |index| Err(ReceiptError::NotIncluded { index, size: 3 });
    let refused = |receipt: &Receipt| check_receipt(receipt, log().verifier()).map(|_| ());
    let other_leaf = EntryBytes { leaf: b"the leaf of entry 3", payload: PAYLOAD }.encode();

    assert_eq!(refused(&receipt()), Ok(()));
    assert_eq!(refused(&Receipt { extra: other_leaf, ..receipt() }), not_included(2));
    for index in [0, 1, 3, SIZE_MAX - 1] {
        assert_eq!(refused(&Receipt { index, ..receipt() }), not_included(index));
    }
    let longer = vec![receipt().proof[0]; 2];
    for proof in [vec![], vec![Digest::ZERO], longer] {
        assert_eq!(refused(&Receipt { proof, ..receipt() }), not_included(2));
    }
    assert_eq!(refused(&Receipt { extra: None, ..receipt() }), Err(ReceiptError::NoLeaf));
}

#[test]
fn a_receipt_of_another_logs_checkpoint_is_refused() {
    let other = SecretKey::from_seed(&[2; 32]);
    let other = SignerKey::new("customs.example/2026", SignatureType::Ed25519, other).unwrap();

    let refused = check_receipt(&receipt(), other.verifier()).map(|_| ());

    assert_eq!(refused, Err(CheckpointError::Note(NoteError::NoKnownSignature).into()));
}

/// The payload is bound by the leaf's statement digest, not by the tree: the caller compares.
#[test]
fn a_payload_belongs_to_the_leaf_that_holds_its_statement_digest() {
    let entry = EntryBytes { leaf: LEAF, payload: PAYLOAD };
    let digest = statement_digest(PAYLOAD);

    assert!(entry.payload_is_of(&digest));
    assert!(!EntryBytes { payload: b"{\"events\":[ ]}", ..entry }.payload_is_of(&digest));
    assert!(!entry.payload_is_of(&Digest::ZERO));
}

#[test]
fn extra_is_leaf_length_leaf_payload_length_payload() {
    let entry = EntryBytes { leaf: b"ab", payload: b"cde" };
    let bytes = entry.encode().unwrap();

    assert_eq!(bytes, b"\x00\x02ab\x00\x00\x00\x03cde");
    assert_eq!(EntryBytes::decode(&bytes), Some(entry));
    for cut in 0..bytes.len() {
        assert_eq!(EntryBytes::decode(&bytes[..cut]), None, "cut at {cut}");
    }
    assert_eq!(EntryBytes::decode(&[&bytes[..], &[0]].concat()), None);
}

#[test]
fn extra_takes_the_largest_entry_and_nothing_larger() {
    let (leaf, payload) = (vec![1; LEAF_BYTES_MAX + 1], vec![2; PAYLOAD_BYTES_MAX + 1]);
    let largest = EntryBytes { leaf: &leaf[1..], payload: &payload[1..] };

    let bytes = largest.encode().unwrap();
    assert_eq!(bytes.len(), EXTRA_BYTES_MAX);
    assert_eq!(EntryBytes::decode(&bytes), Some(largest));
    assert_eq!(EntryBytes { leaf: &leaf, ..largest }.encode(), None);
    assert_eq!(EntryBytes { payload: &payload, ..largest }.encode(), None);
    let by_hand = [&[0, 0][..], &(60 * 1024 + 1_u32).to_be_bytes(), &payload].concat();
    assert_eq!(EntryBytes::decode(&by_hand), None);
}

#[test]
fn a_receipt_that_breaks_one_rule_is_refused_for_that_rule() {
    use ReceiptError::*;
    let text = text();
    let hash = text.lines().nth(3).unwrap();
    let change = |from: &str, to: &str| text.replacen(from, to, 1);
    let extra = text.lines().nth(1).unwrap();
    let many = format!("{hash}\n").repeat(PROOF_HASHES_MAX + 1);
    let long_extra = STANDARD.encode(vec![0; EXTRA_BYTES_MAX + 1]);
    let cases = [
        (String::new(), NoCheckpoint),
        (change("@v1", "@v2"), BadFirstLine),
        (change("c2sp", " c2sp"), BadFirstLine),
        (change("\nextra", "\r\nextra"), BadFirstLine),
        (change(extra, "extra "), BadExtra),
        (change("extra ", "extra  "), BadExtra),
        (change(extra, &format!("{extra}=")), BadExtra),
        (change(extra, &format!("extra {long_extra}")), BadExtra),
        (change(extra, &format!("{extra}\n{extra}")), BadIndex),
        (change(extra, "Extra AAAA"), BadIndex),
        (change("index 2\n", ""), BadIndex),
        (change("index 2", "index 02"), BadIndex),
        (change("index 2", "index +2"), BadIndex),
        (change("index 2", "index  2"), BadIndex),
        (change("index 2", "index 9223372036854775807"), BadIndex),
        (change("index 2", "index 2\nindex 2"), BadProofLine(0)),
        (change(hash, &format!("{hash} ")), BadProofLine(0)),
        (change(hash, &format!("{hash}\n{}", &hash[..43])), BadProofLine(1)),
        (change(hash, many.trim_end()), TooManyProofLines),
        (change("\n\ncustoms", "\ncustoms"), BadProofLine(1)),
        (text[..text.find("customs").unwrap()].to_owned(), NoCheckpoint),
        (" ".repeat(RECEIPT_BYTES_MAX + 1), TooLong(RECEIPT_BYTES_MAX + 1)),
    ];

    for (bad, expected) in cases {
        let shown = bad[..bad.len().min(300)].to_owned();
        assert_eq!(Receipt::parse(bad.as_bytes()), Err(expected), "{shown:?}");
    }
    assert_eq!(Receipt::parse(b"\xff"), Err(NotUtf8));
}

#[test]
fn no_bit_of_a_receipt_can_be_changed_but_in_the_payload() {
    let good = receipt().encode();
    let log = log().verifier().clone();
    let whole = |bytes: &[u8]| -> bool {
        let Ok(receipt) = Receipt::parse(bytes) else { return false };
        check_receipt(&receipt, &log)
            .is_ok_and(|checked| checked.entry.payload_is_of(&statement_digest(PAYLOAD)))
    };

    assert!(whole(&good));
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert!(!whole(&bad), "byte {at} bit {bit}");
        }
    }
}
