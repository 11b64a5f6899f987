//! The byte tables of SPEC.md as vectors: fixed inputs, and the bytes or digests they must give.
//! A second implementation reads `tests/vectors/lian/core.json`; this test holds ours to it.

use lian_core::{
    entry::{Leaf, Verdict},
    frame::{BatchBuilder, NO_PREVIOUS, SegmentHeader, encode_commit},
    hash::{Digest, hex_encode, leaf_hash, link, node_hash},
    json::Value as Json,
    keys::SecretKey,
    map::{EpochMap, accumulate, stream_key, stream_value},
    merkle::CompactRange,
    receipt::{EntryBytes, Receipt},
    statement::{Envelope, Event, Issuer, STATEMENT_TYPE, Statement, pae, statement_digest},
};
use serde_json::{Map, Value, json};

fn key() -> SecretKey {
    SecretKey::from_seed(&[7; 32])
}

fn statement() -> Vec<u8> {
    let statement = Statement {
        events: vec![Event {
            kind: "guarantee.suspended",
            stream: "guarantee/FB-115-000123",
            expect: 4,
            occurred_at: 1_795_413_903,
            data: Json::object([("reason", Json::text("merger"))]),
        }],
        id: [0xab; 16],
        issued_at: 1_795_413_903,
        issuers: vec![Issuer { actor: "bank:004", capacity: "guarantor", key: key().public().id() }],
        ledger: "customs.example/2026#bjQLnP-zepicpUTmu3gKLHiQHT-zNzh2hRGjBhevoB0",
        requires: vec![("debtor/12345675", 3)],
        seen: Some((811, Digest([6; 32]))),
        valid_until: 1_795_500_303,
    };
    statement.payload()
}

fn leaf(payload: &[u8], signature: &[u8]) -> Vec<u8> {
    let leaf = Leaf {
        index: 5,
        previous: link(b"the leaf before"),
        recorded_at: 1_795_413_903_250,
        rules: 1,
        verdict: Verdict { code: 105, event: 0 },
        statement: statement_digest(payload),
        signatures: vec![signature],
    };
    leaf.encode().unwrap()
}

fn vectors() -> Value {
    let hex = |bytes: &[u8]| Value::String(hex_encode(bytes));
    let digest = |digest: Digest| Value::String(digest.to_hex());
    let mut all = Map::new();
    let mut add = |name: &str, value: Value| all.insert(name.to_owned(), value);

    let payload = statement();
    let message = pae(STATEMENT_TYPE, &payload);
    let signature = key().sign(&message);
    add("seed", hex(&[7; 32]));
    add("spki", hex(&key().public().to_spki_der()));
    add("key_id", digest(key().public().id()));
    add("payload", Value::String(String::from_utf8(payload.clone()).unwrap()));
    add("pae", hex(&message));
    add("statement_digest", digest(statement_digest(&payload)));
    add("signature", hex(&signature));
    let envelope = Envelope { payload: payload.clone(), signatures: vec![signature.to_vec()] };
    add("envelope", Value::String(String::from_utf8(envelope.write()).unwrap()));

    let leaf = leaf(&payload, &signature);
    add("leaf", hex(&leaf));
    add("leaf_hash", digest(leaf_hash(&leaf)));
    add("link", digest(link(&leaf)));
    let mut batch = BatchBuilder::new(5);
    batch.push(&leaf, &payload, [NO_PREVIOUS].into_iter());
    add("batch", hex(&batch.finish()));
    add("commit_frame_of_the_note_x", hex(&encode_commit(b"x")));
    let header = SegmentHeader {
        ledger: leaf_hash(b"entry 0"),
        first: 5,
        previous: link(b"the leaf before"),
        recorded_at: 1_795_413_903_250,
        range: vec![node_hash(&Digest([1; 32]), &Digest([2; 32])), Digest([3; 32])],
    };
    add("segment_header", hex(&header.encode()));

    let mut tree = CompactRange::new();
    let roots: Vec<Value> = (0..=8_u8)
        .map(|size| {
            let root = tree.root();
            tree.push(leaf_hash(&[size]));
            digest(root)
        })
        .collect();
    add("roots_of_0_to_8_leaves_00_01_02", Value::Array(roots));
    let acc = accumulate(&Digest::ZERO, 5, &leaf_hash(&leaf));
    add("stream_key", digest(stream_key("guarantee/FB-115-000123")));
    add("accumulator", digest(acc));
    let value = stream_value(4, 6, &acc, &Digest([9; 32]));
    add("stream_value", digest(value));
    let mut map = EpochMap::new();
    let mut changes: Vec<(Digest, Digest)> = ["actor/bank:004", "guarantee/FB-115-000123", "epoch/1"]
        .iter()
        .map(|stream| (stream_key(stream), value))
        .collect();
    map.update(&mut changes);
    add("map_of_three_streams_of_that_value", digest(map.root()));
    add("map_proof_of_epoch_1", Value::String(map.prove(&stream_key("epoch/1")).to_text()));
    let extra = EntryBytes { leaf: &leaf, payload: &payload }.encode();
    let receipt =
        Receipt { extra, index: 5, proof: vec![Digest([1; 32])], checkpoint: b"checkpoint\n".to_vec() };
    add("receipt", Value::String(String::from_utf8(receipt.encode()).unwrap()));
    Value::Object(all)
}

#[test]
fn every_byte_table_of_the_specification_gives_its_vector() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/lian/core.json");
    let found = vectors();
    if std::env::var_os("LIAN_MAKE_VECTORS").is_some() {
        std::fs::write(file, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
    }

    let expected: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();

    assert_eq!(found.as_object().map(Map::len), expected.as_object().map(Map::len));
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&found[name], value, "{name}");
    }
    assert_ne!(found["leaf"], json!(null));
}
