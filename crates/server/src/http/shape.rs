//! What entries, receipts and states look like in JSON.
//! Invariant: digests and roots are lower-case hex, signatures and bytes standard base64, money
//! whole NT$, moments RFC 3339 with offset; of an entry that the reader may not read, only what
//! its leaf says.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lian_core::{
    entry::{Leaf, Verdict},
    hash::{Digest, hex_encode, leaf_hash},
    json,
    receipt::{EntryBytes, Receipt},
    statement::{Envelope, REJECTION_TYPE, Statement},
    time::format_moment,
};
use lian_domain::{
    filing::{Filing, ReaderClass},
    refusal::Refusal,
};
use lian_store::{reader::Head, segment::StoredEntry};
use serde_json::{Map, Value, json};

/// Bytes as text.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A signed rejection as it is sent.
pub fn rejection(signed: &Envelope) -> Value {
    serde_json::from_slice(&signed.write_type(REJECTION_TYPE)).unwrap_or(Value::Null)
}

/// `2026-11-23T14:05:03.014+08:00`.
pub fn moment(unix_ms: u64) -> String {
    let mut text = format_moment(i64::try_from(unix_ms / 1_000).unwrap_or(i64::MAX));
    text.insert_str(19.min(text.len()), &format!(".{:03}", unix_ms % 1_000));
    text
}

/// A canonical value as the JSON of an answer.
pub fn value_of(value: &json::Value<'_>) -> Value {
    match value {
        json::Value::Null => Value::Null,
        json::Value::Bool(truth) => json!(truth),
        json::Value::Int(number) => json!(number),
        json::Value::Text(text) => json!(text),
        json::Value::List(items) => items.iter().map(value_of).collect(),
        json::Value::Object(members) => {
            members.iter().map(|(name, member)| (name.to_string(), value_of(member))).collect()
        }
    }
}

/// Who may read the payload of an entry; a payload that nobody can read any more is nobody's.
pub fn class_of(payload: &[u8]) -> Option<ReaderClass> {
    Filing::read(payload, Digest::ZERO).ok().map(|filing| filing.class)
}

/// A verdict: accepted, or which rule refused which event.
pub fn verdict(verdict: Verdict) -> Value {
    if verdict.is_accepted() {
        return json!({"accepted": true});
    }
    let name = Refusal::from_code(verdict.code).map(Refusal::name);
    json!({"accepted": false, "code": verdict.code, "event": verdict.event, "name": name})
}

/// An entry; without what its payload says unless `open`.
pub fn entry(stored: &StoredEntry, open: bool) -> Option<Value> {
    let leaf = Leaf::decode(&stored.leaf).ok()?;
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("seq", json!(leaf.index));
    put("leaf_hash", json!(leaf_hash(&stored.leaf).to_hex()));
    put("prev_hash", json!(leaf.previous.to_hex()));
    put("recorded_at", json!(moment(leaf.recorded_at)));
    put("rules", json!(leaf.rules));
    put("verdict", verdict(leaf.verdict));
    put("statement", json!(leaf.statement.to_hex()));
    put("signatures", leaf.signatures.iter().map(|signature| base64(signature)).collect());
    put("leaf", json!(base64(&stored.leaf)));
    let statement = Statement::parse(&stored.payload).ok();
    match statement.filter(|_| open) {
        None => {
            put("withheld", json!(true));
        }
        Some(statement) => {
            put("id", json!(hex_encode(&statement.id)));
            put("issued_at", json!(format_moment(statement.issued_at)));
            put("payload_bytes", json!(stored.payload.len()));
            let issuer = |issuer: &lian_core::statement::Issuer<'_>| json!({"actor": issuer.actor, "as": issuer.capacity, "key": issuer.key.to_hex()});
            put("issuers", statement.issuers.iter().map(issuer).collect());
            let accepted = leaf.verdict.is_accepted();
            let event = |event: &lian_core::statement::Event<'_>| {
                json!({
                    "kind": event.kind, "stream": event.stream, "expect": event.expect,
                    "version": accepted.then_some(event.expect + 1), "occurred_at": format_moment(event.occurred_at),
                    "data": value_of(&event.data),
                })
            };
            put("events", statement.events.iter().map(event).collect());
        }
    }
    Some(Value::Object(members))
}

/// A receipt, taken apart and as a file.
pub fn receipt(stored: &StoredEntry, proof: Vec<Digest>, head: &Head) -> Value {
    let origin = head.note().split(|byte| *byte == b'\n').next().unwrap_or_default();
    let hashes: Vec<String> = proof.iter().map(Digest::to_hex).collect();
    json!({
        "origin": String::from_utf8_lossy(origin),
        "index": stored.index,
        "tree_size": head.size(),
        "root": head.tip().range().root().to_hex(),
        "proof": hashes,
        "checkpoint": String::from_utf8_lossy(head.note()),
        "tlog_proof": String::from_utf8_lossy(&receipt_file(stored, proof, head)),
    })
}

/// The receipt file (C2SP tlog-proof).
pub fn receipt_file(stored: &StoredEntry, proof: Vec<Digest>, head: &Head) -> Vec<u8> {
    let extra = EntryBytes { leaf: &stored.leaf, payload: &stored.payload }.encode();
    Receipt { extra, index: stored.index, proof, checkpoint: head.note().to_vec() }.encode()
}
