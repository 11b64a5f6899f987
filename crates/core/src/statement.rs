//! Statements: what actors sign (SPEC.md "Statement"), in a DSSE v1 envelope.
//! Invariant: the payload is kept verbatim; what is parsed here is exactly what was signed.
//! Limits: 60 KiB a payload, 1 to 256 events, 1 to 8 issuers, 0 to 64 required streams.

mod read;

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    entry::SIGNATURES_MAX,
    frame::{EVENTS_MAX, PAYLOAD_BYTES_MAX},
    hash::{Digest, hex_decode, hex_encode, sha256},
    json::{Fields, JsonError, SchemaError, Value, text_of},
    time::{format_moment, parse_moment},
};

/// Payload type of statements; part of the signed bytes (DSSE v1).
pub const STATEMENT_TYPE: &str = "application/vnd.lian.statement.v1+json";
/// Payload type of signed rejections.
pub const REJECTION_TYPE: &str = "application/vnd.lian.rejection.v1+json";
/// Bytes of an envelope: a payload in base64, eight signatures, and room for key hints.
pub const ENVELOPE_BYTES_MAX: usize = 128 * 1024;
/// Streams that one statement may pin without writing them.
pub const REQUIRES_MAX: usize = 64;
/// Bytes of a stream id.
pub const STREAM_BYTES_MAX: usize = 128;
/// Bytes of a ledger's name, which is also the origin of its checkpoints.
pub const NAME_BYTES_MAX: usize = 100;

/// Why bytes are not a statement.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StatementError {
    /// Longer than 60 KiB.
    #[error("the payload has {0} bytes, at most 61440 are allowed")]
    Long(usize),
    /// Not the one spelling of JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// JSON, but not a statement.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

/// Why bytes are not an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// Longer than the limit.
    #[error("the envelope has {0} bytes, at most 131072 are allowed")]
    Long(usize),
    /// Not the JSON of DSSE.
    #[error("not a DSSE envelope: {0}")]
    Json(String),
    /// Another payload type.
    #[error("payload type is {0:?}, expected {STATEMENT_TYPE:?}")]
    Type(String),
    /// A member that is not standard base64 with padding.
    #[error("{0} is not standard base64 with padding")]
    Base64(&'static str),
    /// No signature, or more than 8.
    #[error("the envelope has {0} signatures, allowed are 1 to 8")]
    Signatures(usize),
}

/// One issuer: who signs, in which capacity, with which key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer<'a> {
    /// Actor id, such as `bank:004`.
    pub actor: &'a str,
    /// Capacity, such as `guarantor`; `as` in the payload.
    pub capacity: &'a str,
    /// Key id.
    pub key: Digest,
}

/// One fact, in one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// What happened, such as `guarantee.requested`.
    pub kind: &'a str,
    /// Whose history it belongs to.
    pub stream: &'a str,
    /// The stream's version before the event: accepted events so far.
    pub expect: u64,
    /// When it happened, Unix seconds.
    pub occurred_at: i64,
    /// What the kind says.
    pub data: Value<'a>,
}

/// A statement as parsed from its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<'a> {
    /// 1 to 256, all accepted or all refused.
    pub events: Vec<Event<'a>>,
    /// 128 random bits that name it for its first issuer.
    pub id: [u8; 16],
    /// When it was signed, Unix seconds.
    pub issued_at: i64,
    /// 1 to 8, one signature each, in this order.
    pub issuers: Vec<Issuer<'a>>,
    /// Name and, but in entry 0, "#" and the hash of entry 0.
    pub ledger: &'a str,
    /// Streams that the signer read but does not write, with their versions.
    pub requires: Vec<(&'a str, u64)>,
    /// Last epoch that the signer verified: number and root.
    pub seen: Option<(u64, Digest)>,
    /// After this moment, in Unix seconds, it cannot be recorded.
    pub valid_until: i64,
}

/// SHA-256 of the bytes that are signed: names a statement.
pub fn statement_digest(payload: &[u8]) -> Digest {
    let mut digits = [0; DIGITS_MAX];
    sha256(&[STATEMENT_HEAD.as_bytes(), decimal(payload.len(), &mut digits), b" ", payload])
}

/// DSSE v1 pre-authentication encoding: the bytes that are signed.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload_type.len() + payload.len() + 64);
    let mut digits = [0; DIGITS_MAX];
    bytes.extend_from_slice(b"DSSEv1 ");
    bytes.extend_from_slice(decimal(payload_type.len(), &mut digits));
    bytes.push(b' ');
    bytes.extend_from_slice(payload_type.as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(decimal(payload.len(), &mut digits));
    bytes.push(b' ');
    bytes.extend_from_slice(payload);
    bytes
}

/// What every statement's signed bytes begin with: the encoding is made for each entry of a log,
/// several times.
const STATEMENT_HEAD: &str = "DSSEv1 38 application/vnd.lian.statement.v1+json ";
const DIGITS_MAX: usize = 20;

fn decimal(mut number: usize, digits: &mut [u8; DIGITS_MAX]) -> &[u8] {
    let mut at = DIGITS_MAX;
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).expect("a digit");
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

impl<'a> Statement<'a> {
    /// Reads the one spelling; signatures and authority are judged elsewhere.
    pub fn parse(payload: &'a [u8]) -> Result<Self, StatementError> {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(StatementError::Long(payload.len()));
        }
        let text = text_of(payload)?;
        match read::read(text) {
            Some(statement) => Ok(statement),
            None => Self::from_tree(text),
        }
    }

    /// Reads any JSON, to say what of it is no statement.
    fn from_tree(text: &'a str) -> Result<Self, StatementError> {
        let Value::Object(members) = Value::read_text(text)? else {
            return Err(SchemaError::new("", "must be an object").into());
        };
        Ok(Self::from_members(members)?)
    }

    /// Takes the value apart, because borrowing from it would tie the result to it.
    fn from_members(members: Vec<(Cow<'a, str>, Value<'a>)>) -> Result<Self, SchemaError> {
        let mut parts = Parts::default();
        for (key, value) in members {
            match key.as_ref() {
                "events" => parts.events = Some(events(value)?),
                "id" => parts.id = Some(id(&value)?),
                "issued_at" => parts.issued_at = Some(moment("issued_at", &value)?),
                "issuers" => parts.issuers = Some(issuers(value)?),
                "ledger" => parts.ledger = Some(ledger(&value)?),
                "requires" => parts.requires = requires(value)?,
                "seen" => parts.seen = Some(seen(&value)?),
                "valid_until" => parts.valid_until = Some(moment("valid_until", &value)?),
                other => return Err(SchemaError::new(other, "is not a known field")),
            }
        }
        let missing = |name| move || SchemaError::new(name, "is missing");
        Ok(Self {
            events: parts.events.ok_or_else(missing("events"))?,
            id: parts.id.ok_or_else(missing("id"))?,
            issued_at: parts.issued_at.ok_or_else(missing("issued_at"))?,
            issuers: parts.issuers.ok_or_else(missing("issuers"))?,
            ledger: parts.ledger.ok_or_else(missing("ledger"))?,
            requires: parts.requires,
            seen: parts.seen,
            valid_until: parts.valid_until.ok_or_else(missing("valid_until"))?,
        })
    }

    /// The streams of its events, once each, in the order of their first event.
    pub fn streams(&self) -> Vec<&'a str> {
        let mut streams: Vec<&str> = Vec::with_capacity(2);
        for event in &self.events {
            if !streams.contains(&event.stream) {
                streams.push(event.stream);
            }
        }
        streams
    }

    /// The canonical payload: what its issuers sign.
    pub fn payload(&self) -> Vec<u8> {
        let events = self.events.iter().map(|event| {
            Value::object([
                ("data", event.data.clone()),
                ("expect", Value::number(event.expect)),
                ("kind", Value::text(event.kind)),
                ("occurred_at", Value::text(format_moment(event.occurred_at))),
                ("stream", Value::text(event.stream)),
            ])
        });
        let issuers = self.issuers.iter().map(|issuer| {
            Value::object([
                ("actor", Value::text(issuer.actor)),
                ("as", Value::text(issuer.capacity)),
                ("key", Value::text(issuer.key.to_hex())),
            ])
        });
        let mut members = vec![
            ("events", Value::List(events.collect())),
            ("id", Value::text(hex_encode(&self.id))),
            ("issued_at", Value::text(format_moment(self.issued_at))),
            ("issuers", Value::List(issuers.collect())),
            ("ledger", Value::text(self.ledger)),
            ("valid_until", Value::text(format_moment(self.valid_until))),
        ];
        if !self.requires.is_empty() {
            let requires = self.requires.iter().map(|(stream, version)| {
                Value::object([("stream", Value::text(*stream)), ("version", Value::number(*version))])
            });
            members.push(("requires", Value::List(requires.collect())));
        }
        if let Some((epoch, root)) = self.seen {
            let seen = [("epoch", Value::number(epoch)), ("root", Value::text(root.to_hex()))];
            members.push(("seen", Value::object(seen)));
        }
        Value::object(members).write()
    }
}

#[derive(Default)]
struct Parts<'a> {
    events: Option<Vec<Event<'a>>>,
    id: Option<[u8; 16]>,
    issued_at: Option<i64>,
    issuers: Option<Vec<Issuer<'a>>>,
    ledger: Option<&'a str>,
    requires: Vec<(&'a str, u64)>,
    seen: Option<(u64, Digest)>,
    valid_until: Option<i64>,
}

fn events(value: Value<'_>) -> Result<Vec<Event<'_>>, SchemaError> {
    let items = items("events", value, 1, EVENTS_MAX)?;
    let at = |position: usize| move |error: SchemaError| error.inside(&position.to_string()).inside("events");
    items.into_iter().enumerate().map(|(position, item)| event(item).map_err(at(position))).collect()
}

fn event(value: Value<'_>) -> Result<Event<'_>, SchemaError> {
    let Value::Object(members) = value else {
        return Err(SchemaError::new("", "must be an object"));
    };
    let [data, expect, kind, occurred_at, stream] =
        exactly(members, ["data", "expect", "kind", "occurred_at", "stream"])?;
    if !matches!(data, Value::Object(_)) {
        return Err(SchemaError::new("data", "must be an object"));
    }
    let kind = borrowed("kind", &kind)?;
    if !is_kind(kind) {
        return Err(SchemaError::new("kind", "must read like `family.happened`"));
    }
    let stream = borrowed("stream", &stream)?;
    if !is_stream(stream) {
        return Err(SchemaError::new("stream", "must read like `family/name`, at most 128 bytes"));
    }
    let expect = count("expect", &expect)?;
    Ok(Event { kind, stream, expect, occurred_at: moment("occurred_at", &occurred_at)?, data })
}

fn issuers(value: Value<'_>) -> Result<Vec<Issuer<'_>>, SchemaError> {
    let items = items("issuers", value, 1, SIGNATURES_MAX)?;
    let at =
        |position: usize| move |error: SchemaError| error.inside(&position.to_string()).inside("issuers");
    items.into_iter().enumerate().map(|(position, item)| issuer(item).map_err(at(position))).collect()
}

fn issuer(value: Value<'_>) -> Result<Issuer<'_>, SchemaError> {
    let Value::Object(members) = value else {
        return Err(SchemaError::new("", "must be an object"));
    };
    let [actor, capacity, key] = exactly(members, ["actor", "as", "key"])?;
    let actor = borrowed("actor", &actor)?;
    if !is_actor(actor) {
        return Err(SchemaError::new("actor", "must be 1 to 64 of A-Z a-z 0-9 . _ : -"));
    }
    let capacity = borrowed("as", &capacity)?;
    if !is_word(capacity) {
        return Err(SchemaError::new("as", "must be 1 to 32 of a-z and _"));
    }
    let key = key.as_text().and_then(Digest::from_hex);
    let key = key.ok_or_else(|| SchemaError::new("key", "must be 64 lower-case hex digits"))?;
    Ok(Issuer { actor, capacity, key })
}

fn requires(value: Value<'_>) -> Result<Vec<(&str, u64)>, SchemaError> {
    let mut pins: Vec<(&str, u64)> = Vec::new();
    for item in items("requires", value, 1, REQUIRES_MAX)? {
        let Value::Object(members) = item else {
            return Err(SchemaError::new("requires", "must list objects"));
        };
        let [stream, version] = exactly(members, ["stream", "version"]).map_err(|e| e.inside("requires"))?;
        let stream = borrowed("stream", &stream)?;
        if !is_stream(stream) || pins.iter().any(|(earlier, _)| *earlier == stream) {
            return Err(SchemaError::new("requires", "must name streams, each once"));
        }
        pins.push((stream, count("version", &version)?));
    }
    Ok(pins)
}

fn seen(value: &Value<'_>) -> Result<(u64, Digest), SchemaError> {
    let read = || {
        let mut fields = Fields::open(value)?;
        let seen = (fields.number("epoch")?, fields.digest("root")?);
        fields.close()?;
        Ok(seen)
    };
    read().map_err(|error: SchemaError| error.inside("seen"))
}

fn ledger<'a>(value: &Value<'a>) -> Result<&'a str, SchemaError> {
    let text = borrowed("ledger", value)?;
    if is_ledger(text) {
        return Ok(text);
    }
    Err(SchemaError::new("ledger", "must be a name, or a name, `#` and 43 characters of base64url"))
}

fn id(value: &Value<'_>) -> Result<[u8; 16], SchemaError> {
    let mut id = [0; 16];
    if value.as_text().is_some_and(|text| hex_decode(text, &mut id)) {
        return Ok(id);
    }
    Err(SchemaError::new("id", "must be 32 lower-case hex digits"))
}

fn moment(name: &str, value: &Value<'_>) -> Result<i64, SchemaError> {
    let moment = value.as_text().and_then(parse_moment);
    moment.ok_or_else(|| SchemaError::new(name, "must read like 2026-11-23T14:05:03+08:00"))
}

fn count(name: &str, value: &Value<'_>) -> Result<u64, SchemaError> {
    let count = value.as_int().and_then(|number| u64::try_from(number).ok());
    count.ok_or_else(|| SchemaError::new(name, "must be an integer, 0 or more"))
}

fn items<'a>(name: &str, value: Value<'a>, least: usize, most: usize) -> Result<Vec<Value<'a>>, SchemaError> {
    match value {
        Value::List(items) if (least..=most).contains(&items.len()) => Ok(items),
        _ => Err(SchemaError::new(name, format!("must be a list of {least} to {most}"))),
    }
}

/// A string without escapes, so that it borrows from the payload.
fn borrowed<'a>(name: &str, value: &Value<'a>) -> Result<&'a str, SchemaError> {
    match value {
        Value::Text(Cow::Borrowed(text)) => Ok(text),
        Value::Text(_) => Err(SchemaError::new(name, "must not contain quotes or backslashes")),
        _ => Err(SchemaError::new(name, "must be a string")),
    }
}

/// The values of an object that has exactly these members, whose names ascend.
fn exactly<'a, const N: usize>(
    members: Vec<(Cow<'a, str>, Value<'a>)>,
    names: [&str; N],
) -> Result<[Value<'a>; N], SchemaError> {
    let same = members.len() == N && members.iter().zip(names).all(|((key, _), name)| key == name);
    if same {
        let mut values = members.into_iter().map(|(_, value)| value);
        return Ok(std::array::from_fn(|_| values.next().unwrap_or(Value::Null)));
    }
    if let Some((key, _)) = members.iter().find(|(key, _)| !names.contains(&key.as_ref())) {
        return Err(SchemaError::new(key, "is not a known field"));
    }
    let missing = names.iter().find(|name| !members.iter().any(|(key, _)| key == **name));
    Err(SchemaError::new(missing.copied().unwrap_or_default(), "is missing"))
}

/// `[a-z_]+(/[A-Za-z0-9._:-]{1,64}){1,3}`, at most 128 bytes.
pub fn is_stream(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = run(bytes, WORD);
    let mut names = 0;
    let family = at;
    while let Some(b'/') = bytes.get(at) {
        let name = run(&bytes[at + 1..], ACTOR);
        if !(1..=64).contains(&name) {
            return false;
        }
        at += 1 + name;
        names += 1;
    }
    at == bytes.len() && at <= STREAM_BYTES_MAX && family > 0 && (1..=3).contains(&names)
}

/// `[A-Za-z0-9._:-]{1,64}`.
pub fn is_actor(text: &str) -> bool {
    (1..=64).contains(&text.len()) && run(text.as_bytes(), ACTOR) == text.len()
}

/// `[a-z_]{1,32}`.
fn is_word(text: &str) -> bool {
    (1..=32).contains(&text.len()) && run(text.as_bytes(), WORD) == text.len()
}

/// `[a-z_]{1,32}\.[a-z_]{1,32}`.
fn is_kind(text: &str) -> bool {
    let family = run(text.as_bytes(), WORD);
    let happened = text.get(family..).and_then(|rest| rest.strip_prefix('.'));
    (1..=32).contains(&family) && happened.is_some_and(is_word)
}

/// A name; or a name, `#` and 43 characters.
fn is_ledger(text: &str) -> bool {
    let (name, rest) = text.split_at(run(text.as_bytes(), LEDGER));
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && (rest.is_empty() || rest.len() == 44 && rest.starts_with('#'))
}

/// `[a-z_]`.
const WORD: u8 = 1;
/// `[A-Za-z0-9._:-]`.
const ACTOR: u8 = 2;
/// `[A-Za-z0-9._/:-]`.
const LEDGER: u8 = 4;

/// The classes of each byte.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_lowercase() || byte == b'_' {
            classes[byte as usize] |= WORD;
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-') {
            classes[byte as usize] |= ACTOR | LEDGER;
        }
        if byte == b'/' {
            classes[byte as usize] |= LEDGER;
        }
        byte += 1;
    }
    classes
};

/// Bytes at the start that are of this class.
fn run(bytes: &[u8], class: u8) -> usize {
    bytes.iter().position(|byte| CLASSES[usize::from(*byte)] & class == 0).unwrap_or(bytes.len())
}

/// A checkpoint origin that is also a signed-note key name: `[A-Za-z0-9._/:-]{1,100}`.
pub fn is_ledger_name(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len()) && run(text.as_bytes(), LEDGER) == text.len()
}

/// What arrives: the signed bytes and the signatures over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The exact bytes that were signed.
    pub payload: Vec<u8>,
    /// In the order of the issuers.
    pub signatures: Vec<Vec<u8>>,
}

/// Borrows from the text wherever nothing in it is escaped.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct EnvelopeJson<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
    #[serde(borrow)]
    payload_type: Cow<'a, str>,
    #[serde(borrow)]
    signatures: Vec<SignatureJson<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureJson<'a> {
    /// A hint that Lian ignores: key and algorithm come from the registry.
    #[serde(default, skip_serializing, borrow)]
    #[allow(dead_code)]
    keyid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    sig: Cow<'a, str>,
}

impl Envelope {
    /// Reads the DSSE JSON of a statement; blanks and key hints do not matter, all else is strict.
    pub fn read(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        Self::read_type(bytes, STATEMENT_TYPE)
    }

    /// Reads the DSSE JSON of the given payload type.
    pub fn read_type(bytes: &[u8], payload_type: &str) -> Result<Self, EnvelopeError> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            return Err(EnvelopeError::Long(bytes.len()));
        }
        let json: EnvelopeJson =
            serde_json::from_slice(bytes).map_err(|error| EnvelopeError::Json(error.to_string()))?;
        if json.payload_type != payload_type {
            return Err(EnvelopeError::Type(json.payload_type.into_owned()));
        }
        if !(1..=SIGNATURES_MAX).contains(&json.signatures.len()) {
            return Err(EnvelopeError::Signatures(json.signatures.len()));
        }
        let payload =
            STANDARD.decode(json.payload.as_bytes()).map_err(|_| EnvelopeError::Base64("payload"))?;
        let decode = |signature: &SignatureJson<'_>| STANDARD.decode(signature.sig.as_bytes());
        let signatures: Result<_, _> = json.signatures.iter().map(decode).collect();
        let signatures = signatures.map_err(|_| EnvelopeError::Base64("sig"))?;
        Ok(Self { payload, signatures })
    }

    /// The DSSE JSON, without key hints.
    pub fn write(&self) -> Vec<u8> {
        self.write_type(STATEMENT_TYPE)
    }

    /// The DSSE JSON of the given payload type.
    pub fn write_type(&self, payload_type: &str) -> Vec<u8> {
        let signature = |bytes: &Vec<u8>| SignatureJson { keyid: None, sig: STANDARD.encode(bytes).into() };
        let json = EnvelopeJson {
            payload: STANDARD.encode(&self.payload).into(),
            payload_type: payload_type.into(),
            signatures: self.signatures.iter().map(signature).collect(),
        };
        serde_json::to_vec(&json).expect("strings always serialise")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Statement<'static> {
        Statement {
            events: vec![Event {
                kind: "guarantee.requested",
                stream: "guarantee/FB-115-000123",
                expect: 0,
                occurred_at: 1_795_413_903,
                data: Value::object([("limit", Value::Int(5_000_000))]),
            }],
            id: [0xab; 16],
            issued_at: 1_795_413_903,
            issuers: vec![Issuer { actor: "bank:004", capacity: "guarantor", key: Digest([5; 32]) }],
            ledger: "customs.example/2026",
            requires: vec![("debtor/12345675", 3)],
            seen: Some((811, Digest([6; 32]))),
            valid_until: 1_795_500_303,
        }
    }

    #[test]
    fn a_statement_reads_back_as_it_was_written() {
        let payload = sample().payload();

        assert_eq!(Statement::parse(&payload).unwrap(), sample());
        assert!(
            payload.starts_with(
                br#"{"events":[{"data":{"limit":5000000},"expect":0,"kind":"guarantee.requested""#
            )
        );
    }

    #[test]
    fn the_signed_bytes_are_those_of_dsse() {
        // The example of the DSSE protocol document.
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        for bytes in [0, 9, 10, 100, PAYLOAD_BYTES_MAX] {
            let payload = vec![b'x'; bytes];
            let signed = format!("DSSEv1 {} {STATEMENT_TYPE} {bytes} ", STATEMENT_TYPE.len()).into_bytes();
            assert_eq!(pae(STATEMENT_TYPE, &payload), [signed, payload.clone()].concat());
            assert_eq!(statement_digest(&payload), sha256(&[&pae(STATEMENT_TYPE, &payload)]));
        }
    }

    #[test]
    fn missing_unknown_and_misspelt_members_are_refused_by_their_pointer() {
        let text = String::from_utf8(sample().payload()).unwrap();
        let says = |from: &str, to: &str| {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            Statement::parse(changed.as_bytes()).unwrap_err().to_string()
        };

        assert_eq!(says(r#""expect":0,"#, ""), "/events/0/expect: is missing");
        assert_eq!(
            says(r#""expect":0"#, r#""expect":-1"#),
            "/events/0/expect: must be an integer, 0 or more"
        );
        assert!(says(r#""expect":0"#, r#""expect":0.0"#).starts_with("not canonical JSON at byte"));
        assert_eq!(says(r#""id""#, r#""ie""#), "/ie: is not a known field");
        assert_eq!(
            says(r#""stream":"guarantee/"#, r#""stream":"Guarantee/"#).split(':').next(),
            Some("/events/0/stream")
        );
        assert_eq!(says("bank:004", "bank/004").split(':').next(), Some("/issuers/0/actor"));
        assert_eq!(says("+08:00", "+08:30Z").split(':').next(), Some("/events/0/occurred_at"));
        assert_eq!(says(r#""ledger":"customs"#, r#""ledger":"cust oms"#).split(':').next(), Some("/ledger"));
    }

    #[test]
    fn stream_ids_follow_their_grammar() {
        for good in ["guarantee/FB-115-000123", "cargo/297-83993523/598FJ923", "actor/bank:004", "a_b/1/2/3"]
        {
            assert!(is_stream(good), "{good}");
        }
        let long = format!("a/{}", "b".repeat(65));
        let wide = format!("a/{0}/{0}", "b".repeat(64));
        for bad in [
            "guarantee",
            "guarantee/",
            "/x",
            "A/x",
            "a/x/",
            "a/1/2/3/4",
            "a/x y",
            "a/é",
            "a/..%2f",
            &long,
            &wide,
        ] {
            assert!(!is_stream(bad), "{bad}");
        }
    }

    #[test]
    fn an_envelope_reads_back_and_ignores_key_hints_only() {
        let envelope = Envelope { payload: b"{}".to_vec(), signatures: vec![vec![1; 64]] };
        let bytes = envelope.write();
        let text = String::from_utf8(bytes.clone()).unwrap();

        assert_eq!(Envelope::read(&bytes).unwrap(), envelope);
        let hinted = text.replace(r#"{"sig""#, r#"{ "keyid":"x", "sig""#);
        assert_eq!(Envelope::read(hinted.as_bytes()).unwrap(), envelope);
        for bad in [
            text.replace("statement.v1", "statement.v2"),
            text.replace(r#""payload""#, r#""x":1,"payload""#),
            text.replace("\"e30=\"", "\"e30\""),
            text.replace(r#""signatures":[{"#, r#""signatures":[],"y":[{"#),
            format!("{text} {{}}"),
        ] {
            assert!(Envelope::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_statement_that_is_written_is_read_straight() {
        let mut fuller = sample();
        fuller.events.push(fuller.events[0].clone());
        fuller.issuers.push(Issuer { actor: "user:1", capacity: "officer", key: Digest([7; 32]) });
        fuller.requires.push(("debtor/12345676", 0));
        let barer = Statement { requires: Vec::new(), seen: None, ..sample() };

        for statement in [sample(), fuller, barer] {
            let payload = String::from_utf8(statement.payload()).unwrap();
            assert_eq!(read::read(&payload), Some(statement));
        }
    }

    #[test]
    fn what_is_read_straight_is_what_the_tree_gives() {
        let text = String::from_utf8(sample().payload()).unwrap();
        let pieces =
            ["\"", "{", "}", "[", "]", ",", ":", "1", "-", "a", "/", "#", "\\", "é", "\"x\":1", ",1", "{}"];
        let both = |text: &str| {
            if let Some(straight) = read::read(text) {
                assert_eq!(Statement::from_tree(text).as_ref(), Ok(&straight), "{text}");
            }
        };
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            both(&format!("{}{}", &text[..at], &text[at + 1..]));
            for piece in pieces {
                both(&format!("{}{piece}{}", &text[..at], &text[at..]));
                both(&format!("{}{piece}{}", &text[..at], &text[at + 1..]));
            }
        }
        for (from, to) in [
            (
                r#"{"stream":"debtor/12345675","version":3}"#,
                "{\"stream\":\"a/b\",\"version\":1},{\"stream\":\"a/b\",\"version\":1}",
            ),
            (r#"[{"stream":"debtor/12345675","version":3}]"#, "[]"),
            (r#"{"limit":5000000}"#, "[]"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert_eq!(read::read(&changed), None, "{changed}");
            assert!(Statement::from_tree(&changed).is_err());
        }
        let many = |count: usize| {
            let (head, event, tail) = (11, text.find("],\"id\"").unwrap(), text.find("],\"id\"").unwrap());
            format!("{}{}{}", &text[..head], vec![&text[head..event]; count].join(","), &text[tail..])
        };
        assert!(read::read(&many(EVENTS_MAX)).is_some() && read::read(&many(EVENTS_MAX + 1)).is_none());
        assert!(Statement::from_tree(&many(EVENTS_MAX + 1)).is_err());
    }

    #[test]
    fn noise_never_panics_the_statement_decoder() {
        proptest::proptest!(|(at in 0_usize..600, by: u8)| {
            let mut payload = sample().payload();
            let position = at % payload.len();
            payload[position] = by;
            if let Ok(statement) = Statement::parse(&payload) {
                // Another offset may name the same instant; all else has one spelling.
                let again = statement.payload();
                proptest::prop_assert_eq!(Statement::parse(&again).unwrap(), statement);
            }
        });
    }
}
