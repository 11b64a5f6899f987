//! The one way to write: a signed envelope in, its receipt or the reason out.
//! Invariant: the envelope is the credential; headers can only narrow what the signer signed,
//! never widen it. What is parsed here is for answers only: judged is what admission reads.

use bytes::Bytes;
use lian_core::{
    entry::{Leaf, Verdict},
    hash::{Digest, hex_encode},
    receipt::EntryBytes,
    statement::{Envelope, Statement},
};
use lian_domain::{refusal::Refusal, rejection::Rejection};
use serde::Serialize;
use serde_json::json;

use super::{
    App,
    books::Seen,
    entries::RECEIPT_TYPE,
    gate::{Outcome, Sealed},
    problem::{Code, Problem},
    request::{Reply, Request},
    shape::{self, EntryShape, ReceiptShape},
};

/// Types of a body that is an envelope.
const TYPES: [&str; 2] = ["application/vnd.dsse.envelope.v1+json", "application/json"];

/// Turns away, from the headers alone, a body that would not be taken.
pub fn check_headers(request: &Request) -> Result<(), Problem> {
    if request.headers.contains_key("content-encoding") {
        return Err(Problem::plain(Code::UnsupportedMediaType).closing());
    }
    let content_type = request.header("content-type").unwrap_or_default();
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let charset = parameters.trim().to_ascii_lowercase();
    let plain = charset.is_empty() || charset == "charset=utf-8";
    if plain && TYPES.contains(&essence.trim().to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    Err(Problem::plain(Code::UnsupportedMediaType).with_header("Accept-Post", TYPES[0]).closing())
}

/// Whether the statement is only to be judged, and not logged.
pub fn is_dry(request: &Request) -> Result<bool, Problem> {
    match request.parameter("dry_run") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::parameter("dry_run", "須為 true 或 false", "must be true or false")),
    }
}

/// `POST /v1/statements?dry_run=true`: judged on the present state; nothing is logged or signed.
pub fn dry_run(app: &App, request: &Request) -> Result<Reply, Problem> {
    let Seen { size, value } = app.books.try_out(&request.body, app.config.clock.wall_ms())?;
    let verdict = value.map_err(|rejection| {
        let pointer = pointer(&rejection, &request.body);
        Problem::rejected(&rejection, None, pointer).with("dry_run", json!(true))
    })?;
    if verdict.is_accepted() {
        let body = json!({"dry_run": true, "verdict": shape::verdict(verdict), "seq": size});
        return Ok(Reply::json(&body).at(size));
    }
    let refusal = refusal_of(verdict)?;
    Err(Problem::refused(refusal, verdict.event).with("dry_run", json!(true)))
}

fn refusal_of(verdict: Verdict) -> Result<Refusal, Problem> {
    let unnamed = || Problem::internal(&format!("verdict {} has no name", verdict.code));
    Refusal::from_code(verdict.code).ok_or_else(unnamed)
}

/// What an envelope claims, before anybody verified it.
#[derive(Default)]
pub struct Claims {
    /// Whose tokens it will take.
    pub keys: Vec<Digest>,
    id: String,
    expect: u64,
}

/// Nothing, if it does not parse: admission will say why, and sign it.
fn claims(body: &[u8]) -> Option<Claims> {
    let envelope = Envelope::read(body).ok()?;
    let statement = Statement::parse(&envelope.payload).ok()?;
    Some(Claims {
        keys: statement.issuers.iter().map(|issuer| issuer.key).collect(),
        id: hex_encode(&statement.id),
        expect: statement.events.first().map_or(0, |event| event.expect),
    })
}

/// What is checked before an envelope goes to admission; returns what it claims.
pub fn before(app: &App, request: &Request) -> Result<Claims, Problem> {
    if request.body.is_empty() {
        return Err(Problem::new(Code::BadRequest, "請求無內容", "there is no body"));
    }
    let Some(claims) = claims(&request.body) else { return Ok(Claims::default()) };
    for key in &claims.keys {
        app.keys.has(key).map_err(|seconds| Problem::again(Code::RateLimited, seconds))?;
    }
    if let Some(key) = request.headers.get("idempotency-key")
        && key.to_str().ok().map(|key| key.trim_matches('"')) != Some(claims.id.as_str())
    {
        return Err(Problem::plain(Code::IdempotencyKeyDiffers));
    }
    if let Some(tag) = request.headers.get("if-match")
        && tag.to_str().ok() != Some(format!("\"v{}\"", claims.expect).as_str())
    {
        return Err(Problem::plain(Code::PreconditionFailed));
    }
    Ok(claims)
}

/// What became of it.
pub fn after(app: &App, request: &Request, claims: &Claims, outcome: Outcome) -> Result<Reply, Problem> {
    match outcome {
        Outcome::Sealed(sealed) => {
            for key in &claims.keys {
                // Taken after the fact: only who really signed is charged.
                let _debt = app.keys.take(*key, 1);
            }
            answer(app, request, claims, &sealed)
        }
        Outcome::Rejected { rejection, signed } => {
            app.metrics.turned_away(rejection.name());
            let pointer = pointer(&rejection, &request.body);
            let current = match &rejection {
                Rejection::IdReused { entry, .. } | Rejection::AlreadyLogged(entry) => Some(json!(entry)),
                _ => None,
            };
            let problem = Problem::rejected(&rejection, Some(&signed), pointer);
            Err(match current {
                Some(entry) => problem.with("entry", entry),
                None => problem,
            })
        }
        Outcome::Busy => Err(Problem::again(Code::Busy, 1)),
        // What waited when rows had to be made again was let go; the service goes on.
        Outcome::Stopped(_) if app.service.stopped().is_none() => Err(Problem::again(Code::NotReady, 1)),
        Outcome::Stopped(why) => {
            tracing::error!(why, "the service has stopped");
            Err(Problem::again(Code::ReadOnly, 30))
        }
        Outcome::Unread(what) => Err(Problem::internal(&what)),
    }
}

#[derive(Serialize)]
struct Logged<'a> {
    entry: Option<EntryShape<'a>>,
    receipt: ReceiptShape<'a>,
    repeated: bool,
}

/// A program that keeps receipts asks for the file alone: all else of the answer is in it.
fn wants_file(request: &Request) -> bool {
    let accepts = request.header("accept").unwrap_or_default();
    accepts.contains("text/plain") && !accepts.contains("application/json")
}

fn answer(app: &App, request: &Request, claims: &Claims, sealed: &Sealed) -> Result<Reply, Problem> {
    let bytes = EntryBytes { leaf: &sealed.leaf, payload: &sealed.payload };
    let leaf = Leaf::decode(bytes.leaf).map_err(|error| Problem::internal(&error))?;
    let location = format!("/v1/log/entries/{}", leaf.index);
    if sealed.new {
        app.metrics.signatures.inc_by(leaf.signatures.len() as u64);
    }
    let proof = sealed.proof.clone();
    if leaf.verdict.is_accepted() {
        let reply = if wants_file(request) {
            let file = shape::receipt_file(sealed.index, &bytes, proof, &sealed.head);
            Reply::new(RECEIPT_TYPE, file)
        } else {
            let entry = shape::entry(&bytes, true);
            let receipt = shape::receipt(sealed.index, &bytes, proof, &sealed.head);
            Reply::json(&Logged { entry, receipt, repeated: !sealed.new })
        };
        // The log holds what was sent, byte for byte: its own claims name the version.
        let tag = format!("\"v{}\"", claims.expect + 1);
        let reply =
            reply.with("Location", location).with("ETag", tag).with("Vary", "Accept").of(&sealed.head);
        return Ok(if sealed.new { reply.status(201) } else { reply });
    }
    let entry = shape::entry(&bytes, true);
    let receipt = shape::receipt(sealed.index, &bytes, proof, &sealed.head);
    let refusal = refusal_of(leaf.verdict)?;
    app.metrics.turned_away(refusal.name());
    let problem = Problem::refused(refusal, leaf.verdict.event)
        .with("entry", json!(entry))
        .with("receipt", json!(receipt))
        .with("repeated", json!(!sealed.new));
    Err(problem.with_header("Location", location))
}

/// The place of the payload (or, for signatures, of the envelope) that a rejection is about.
fn pointer(rejection: &Rejection, body: &Bytes) -> Option<String> {
    if let Rejection::Schema(text) = rejection {
        return text
            .split_once(": ")
            .map(|(place, _)| place)
            .filter(|place| place.starts_with('/'))
            .map(str::to_owned);
    }
    if let Rejection::BadSignature { position, .. } = rejection {
        return Some(format!("/signatures/{position}"));
    }
    let envelope = Envelope::read(body).ok()?;
    let statement = Statement::parse(&envelope.payload).ok()?;
    let issuer = |wanted: &dyn Fn(&lian_core::statement::Issuer<'_>) -> bool, member: &str| {
        let position = statement.issuers.iter().position(wanted)?;
        Some(format!("/issuers/{position}/{member}"))
    };
    match rejection {
        Rejection::StaleVersion { stream, .. } => {
            let event = statement.events.iter().position(|event| event.stream == stream)?;
            Some(format!("/events/{event}/expect"))
        }
        Rejection::WrongSide { stream, .. } => {
            let event = statement.events.iter().position(|event| event.stream == stream)?;
            Some(format!("/events/{event}"))
        }
        Rejection::StaleRequires { stream, .. } => {
            let required = statement.requires.iter().position(|(name, _)| name == stream)?;
            Some(format!("/requires/{required}/version"))
        }
        Rejection::UnknownKey(key) | Rejection::RevokedKey(key) | Rejection::KeyOfAnother { key, .. } => {
            issuer(&|issuer| issuer.key.to_hex() == *key, "key")
        }
        Rejection::CapacityNotHeld { actor, .. } => issuer(&|issuer| issuer.actor == actor, "as"),
        Rejection::WrongLedger { .. } => Some("/ledger".to_owned()),
        Rejection::IssuedAhead { .. } => Some("/issued_at".to_owned()),
        Rejection::Expired(_) | Rejection::ValidTooLong { .. } => Some("/valid_until".to_owned()),
        Rejection::SeenMissing(_) | Rejection::SeenContradicted { .. } => Some("/seen".to_owned()),
        Rejection::IdReused { .. } => Some("/id".to_owned()),
        _ => None,
    }
}
