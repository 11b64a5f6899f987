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
use serde::{Serialize, Serializer};
use serde_json::Value;

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
    serde_json::to_value(Borrowed(value)).unwrap_or_default()
}

/// Who may read the payload of an entry; a payload that nobody can read any more is nobody's.
pub fn class_of(payload: &[u8]) -> Option<ReaderClass> {
    Filing::read(payload, Digest::ZERO).ok().map(|filing| filing.class)
}

/// Accepted, or which rule refused which event.
#[derive(Debug, Clone, Serialize)]
pub struct VerdictShape {
    accepted: bool,
    #[serde(flatten)]
    refused: Option<RefusedShape>,
}

#[derive(Debug, Clone, Serialize)]
struct RefusedShape {
    code: u16,
    event: u16,
    name: Option<&'static str>,
}

/// A verdict.
pub fn verdict(verdict: Verdict) -> VerdictShape {
    let refused = || RefusedShape {
        code: verdict.code,
        event: verdict.event,
        name: Refusal::from_code(verdict.code).map(Refusal::name),
    };
    VerdictShape { accepted: verdict.is_accepted(), refused: (!verdict.is_accepted()).then(refused) }
}

/// An entry as readers see it.
#[derive(Debug, Clone, Serialize)]
pub struct EntryShape<'e> {
    seq: u64,
    leaf_hash: String,
    prev_hash: String,
    recorded_at: String,
    rules: u32,
    verdict: VerdictShape,
    statement: String,
    signatures: Vec<String>,
    leaf: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<bool>,
    #[serde(flatten)]
    said: Option<SaidShape<'e>>,
}

/// What the payload says.
#[derive(Debug, Clone, Serialize)]
struct SaidShape<'e> {
    id: String,
    issued_at: String,
    payload_bytes: usize,
    issuers: Vec<IssuerShape<'e>>,
    events: Vec<EventShape<'e>>,
}

#[derive(Debug, Clone, Serialize)]
struct IssuerShape<'e> {
    actor: &'e str,
    r#as: &'e str,
    key: String,
}

#[derive(Debug, Clone, Serialize)]
struct EventShape<'e> {
    kind: &'e str,
    stream: &'e str,
    expect: u64,
    version: Option<u64>,
    occurred_at: String,
    data: Data<'e>,
}

#[derive(Debug, Clone)]
struct Data<'e>(json::Value<'e>);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write(&self.0, to)
    }
}

struct Borrowed<'v, 'a>(&'v json::Value<'a>);

impl Serialize for Borrowed<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write(self.0, to)
    }
}

fn write<S: Serializer>(value: &json::Value<'_>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        json::Value::Null => to.serialize_unit(),
        json::Value::Bool(truth) => to.serialize_bool(*truth),
        json::Value::Int(number) => to.serialize_i64(*number),
        json::Value::Text(text) => to.serialize_str(text),
        json::Value::List(items) => to.collect_seq(items.iter().map(Borrowed)),
        json::Value::Object(members) => {
            to.collect_map(members.iter().map(|(name, member)| (name, Borrowed(member))))
        }
    }
}

/// The bytes of an entry that was read back.
pub fn bytes_of(stored: &StoredEntry) -> EntryBytes<'_> {
    EntryBytes { leaf: &stored.leaf, payload: &stored.payload }
}

/// An entry; without what its payload says unless `open`.
pub fn entry<'e>(stored: &EntryBytes<'e>, open: bool) -> Option<EntryShape<'e>> {
    let leaf = Leaf::decode(stored.leaf).ok()?;
    let statement = if open { Statement::parse(stored.payload).ok() } else { None };
    let accepted = leaf.verdict.is_accepted();
    let said = statement.map(|statement| said(statement, stored.payload.len(), accepted));
    Some(EntryShape {
        seq: leaf.index,
        leaf_hash: leaf_hash(stored.leaf).to_hex(),
        prev_hash: leaf.previous.to_hex(),
        recorded_at: moment(leaf.recorded_at),
        rules: leaf.rules,
        verdict: verdict(leaf.verdict),
        statement: leaf.statement.to_hex(),
        signatures: leaf.signatures.iter().map(|signature| base64(signature)).collect(),
        leaf: base64(stored.leaf),
        withheld: said.is_none().then_some(true),
        said,
    })
}

fn said(statement: Statement<'_>, payload_bytes: usize, accepted: bool) -> SaidShape<'_> {
    let issuers = statement.issuers.into_iter().map(|issuer| IssuerShape {
        actor: issuer.actor,
        r#as: issuer.capacity,
        key: issuer.key.to_hex(),
    });
    let events = statement.events.into_iter().map(|event| EventShape {
        kind: event.kind,
        stream: event.stream,
        expect: event.expect,
        version: accepted.then_some(event.expect + 1),
        occurred_at: format_moment(event.occurred_at),
        data: Data(event.data),
    });
    SaidShape {
        id: hex_encode(&statement.id),
        issued_at: format_moment(statement.issued_at),
        payload_bytes,
        issuers: issuers.collect(),
        events: events.collect(),
    }
}

/// A receipt, taken apart and as a file.
#[derive(Debug, Clone, Serialize)]
pub struct ReceiptShape<'h> {
    origin: &'h str,
    index: u64,
    tree_size: u64,
    root: String,
    proof: Vec<String>,
    checkpoint: &'h str,
    tlog_proof: String,
}

/// A receipt of an entry under a head.
pub fn receipt<'h>(
    index: u64,
    stored: &EntryBytes<'_>,
    proof: Vec<Digest>,
    head: &'h Head,
) -> ReceiptShape<'h> {
    // Our own note and file are text; if they were not, the verifier of the receipt would say so.
    let checkpoint = std::str::from_utf8(head.note()).unwrap_or_default();
    ReceiptShape {
        origin: checkpoint.split('\n').next().unwrap_or_default(),
        index,
        tree_size: head.size(),
        root: head.tip().range().root().to_hex(),
        proof: proof.iter().map(Digest::to_hex).collect(),
        checkpoint,
        tlog_proof: String::from_utf8(receipt_file(index, stored, proof, head)).unwrap_or_default(),
    }
}

/// The receipt file (C2SP tlog-proof).
pub fn receipt_file(index: u64, stored: &EntryBytes<'_>, proof: Vec<Digest>, head: &Head) -> Vec<u8> {
    Receipt { extra: stored.encode(), index, proof, checkpoint: head.note().to_vec() }.encode()
}
