//! The one way to write: a signed envelope in, its receipt or the reason out.
//! Invariant: the envelope is the credential; headers can only narrow what the signer signed,
//! never widen it. What is parsed here is for answers only: judged is what admission reads.

use std::sync::Arc;

use bytes::Bytes;
use lian_core::{
    entry::{Leaf, Verdict},
    hash::{Digest, hex_encode},
    receipt::EntryBytes,
    statement::{Envelope, Statement, statement_digest},
};
use lian_domain::{filing::Filing, refusal::Refusal, rejection::Rejection};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    App,
    aftermath::{self, Aftermath},
    books::Seen,
    entries::RECEIPT_TYPE,
    gate::{Outcome, Sealed},
    problem::{Code, Problem},
    request::{Reply, Request},
    shape::{self, EntryShape, ReceiptShape},
};
use crate::{sequencer::Placed, service::ServiceError};

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
    let now_ms = app.config.clock.wall_ms();
    let Seen { size, value } = app.books.try_out(&request.body, now_ms)?;
    match looked_up(app, &request.body, &value, now_ms)? {
        None => tried(app, request, size, value),
        Some(Known::Reused(rejection)) => tried(app, request, size, Err(rejection)),
        Some(Known::Logged(entry, verdict)) if verdict.is_accepted() => {
            let body = json!({
                "dry_run": true, "verdict": shape::verdict(verdict), "seq": size, "repeated": true, "entry": entry,
            });
            Ok(Reply::json(&body).at(size))
        }
        Some(Known::Logged(entry, verdict)) => {
            let problem = Problem::refused(refusal_of(verdict)?, verdict.event);
            Err(problem
                .with("dry_run", json!(true))
                .with("repeated", json!(true))
                .with("entry", json!(entry)))
        }
    }
}

/// The answer to what was judged as if it were new.
fn tried(
    app: &App,
    request: &Request,
    size: u64,
    value: Result<Verdict, Rejection>,
) -> Result<Reply, Problem> {
    let verdict = value.map_err(|rejection| {
        let pointer = pointer(&rejection, &request.body);
        let problem = Problem::rejected(&rejection, None, pointer).with("dry_run", json!(true));
        let changed_by = aftermath::of_rejection(app, &rejection);
        with_entries(problem, &rejection, changed_by)
    })?;
    if verdict.is_accepted() {
        let body = json!({
            "dry_run": true, "verdict": shape::verdict(verdict), "seq": size, "repeated": false,
        });
        return Ok(Reply::json(&body).at(size));
    }
    Err(Problem::refused(refusal_of(verdict)?, verdict.event).with("dry_run", json!(true)))
}

/// What its digest and its id say of a statement.
enum Known {
    /// It is this entry.
    Logged(u64, Verdict),
    /// Its id names another statement.
    Reused(Rejection),
}

/// Looks a statement up that admission let pass, as handing it in would.
fn looked_up(
    app: &App,
    body: &Bytes,
    value: &Result<Verdict, Rejection>,
    now_ms: u64,
) -> Result<Option<Known>, Problem> {
    let turned_by_admission = matches!(
        value,
        Err(Rejection::UnknownKey(_) | Rejection::BadSignature { .. } | Rejection::SignatureCount { .. })
    );
    let Some(filing) = filing_of(body).filter(|_| !turned_by_admission) else { return Ok(None) };
    let filing = Arc::new(filing);
    let placed = match app.service.look_up(Arc::clone(&filing), now_ms) {
        Ok(placed) => placed,
        Err(ServiceError::Stopped(_)) => return Err(Problem::again(Code::ReadOnly, 30)),
        Err(_) => return Err(Problem::again(Code::Busy, 1)),
    };
    match placed {
        Some(Placed::Turned(rejection)) => Ok(Some(Known::Reused(rejection))),
        // What is not committed yet is nothing that anybody was told.
        Some(Placed::New { index, .. } | Placed::Repeat { index }) => {
            let verdict = aftermath::verdict_of(app, index, &filing.digest);
            let verdict = verdict.ok_or_else(|| Problem::again(Code::Busy, 1))?;
            Ok(Some(Known::Logged(index, verdict)))
        }
        None if value.is_ok() => Ok(None),
        None => {
            let logged = aftermath::first_place(app, &filing);
            Ok(logged.map(|(index, verdict)| Known::Logged(index, verdict)))
        }
    }
}

fn filing_of(body: &[u8]) -> Option<Filing> {
    let envelope = Envelope::read(body).ok()?;
    Filing::read(&envelope.payload, statement_digest(&envelope.payload)).ok()
}

/// The entries that a rejection is about.
fn with_entries(problem: Problem, rejection: &Rejection, changed_by: Option<Vec<u64>>) -> Problem {
    let problem = match rejection {
        Rejection::IdReused { entry, .. } | Rejection::AlreadyLogged(entry) => {
            problem.with("entry", json!(entry))
        }
        _ => problem,
    };
    match changed_by {
        Some(entries) => problem.with("changed_by", json!(entries)),
        None => problem,
    }
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
pub fn after(
    app: &App,
    request: &Request,
    claims: &Claims,
    outcome: Outcome,
    aftermath: Aftermath,
) -> Result<Reply, Problem> {
    match outcome {
        Outcome::Sealed(sealed) => {
            for key in &claims.keys {
                // Taken after the fact: only who really signed is charged.
                let _debt = app.keys.take(*key, 1);
            }
            answer(app, request, claims, &sealed, aftermath.state)
        }
        Outcome::Rejected { rejection, signed } => {
            app.metrics.turned_away(rejection.name());
            let pointer = pointer(&rejection, &request.body);
            let problem = Problem::rejected(&rejection, Some(&signed), pointer);
            Err(with_entries(problem, &rejection, aftermath.changed_by))
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
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Value>,
    receipt: ReceiptShape<'a>,
    repeated: bool,
}

/// A program that keeps receipts asks for the file alone: all else of the answer is in it.
pub(super) fn wants_file(request: &Request) -> bool {
    let accepts = request.header("accept").unwrap_or_default();
    accepts.contains("text/plain") && !accepts.contains("application/json")
}

fn answer(
    app: &App,
    request: &Request,
    claims: &Claims,
    sealed: &Sealed,
    state: Option<Value>,
) -> Result<Reply, Problem> {
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
            Reply::json(&Logged { entry, state, receipt, repeated: !sealed.new })
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
