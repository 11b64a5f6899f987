//! Entries of the log: lists, one by one, payloads, envelopes, receipts.
//! Invariant: leaves and hashes are for everybody; what a payload says is only for those who may
//! read its class, and to anybody else it looks the same whether it is there or not.
//! Limits: a list looks at 5,000 entries a request; a hash is looked for among the newest 2^22.

use lian_core::{
    entry::Leaf,
    hash::hex_encode,
    statement::{Envelope, Statement},
    tile::{TILE_WIDTH, TileId},
};
use lian_domain::filing::ReaderClass;
use lian_store::segment::{ReadError, StoredEntry};
use serde::Serialize;
use serde_json::json;

use super::{
    App,
    problem::{Code, Problem},
    request::{IMMUTABLE, Reply, Request},
    shape::{self, EntryShape},
};

/// Entries that one request looks at.
const LOOKED_AT_MAX: usize = 5_000;
/// Entries of a list.
const LISTED_MAX: usize = 1_000;
const LISTED_USUAL: usize = 50;
/// Digits of a hash that are enough to name an entry.
const HASH_DIGITS_MIN: usize = 7;
/// Entries among which a hash is looked for.
const HASHED_MAX: u64 = 1 << 22;

/// What entries are asked for, by what their payloads say.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    kind: Option<String>,
    stream: Option<String>,
    actor: Option<String>,
}

impl Filter {
    /// The filter of a query.
    pub fn of(request: &Request) -> Self {
        let text = |name| request.parameter(name).map(str::to_owned);
        Self { kind: text("kind"), stream: text("stream"), actor: text("actor") }
    }

    /// True if it lets everything pass.
    pub fn is_open(&self) -> bool {
        self.kind.is_none() && self.stream.is_none() && self.actor.is_none()
    }

    /// Whether an entry that the reader may read fits.
    fn fits(&self, payload: &[u8]) -> bool {
        let Ok(statement) = Statement::parse(payload) else { return false };
        let wanted =
            |wanted: &Option<String>, fits: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(fits);
        let is_kind = |kind: &str, wanted: &str| match wanted.strip_suffix('*') {
            Some(family) => kind.starts_with(family),
            None => kind == wanted,
        };
        wanted(&self.kind, &|wanted| statement.events.iter().any(|event| is_kind(event.kind, wanted)))
            && wanted(&self.stream, &|wanted| statement.events.iter().any(|event| event.stream == wanted))
            && wanted(&self.actor, &|wanted| statement.issuers.iter().any(|issuer| issuer.actor == wanted))
    }

    /// Whether an entry is listed for this reader: what they may not read fits no filter, or
    /// filters would tell what it says.
    pub fn lists(&self, app: &App, entry: &StoredEntry) -> bool {
        self.is_open() || (readable(app, entry) && self.fits(&entry.payload))
    }
}

/// May a stranger read what this entry says?
pub fn readable(app: &App, entry: &StoredEntry) -> bool {
    app.config.open_all || shape::class_of(&entry.payload) == Some(ReaderClass::Public)
}

/// An entry as this reader sees it.
pub fn shown<'e>(app: &App, entry: &'e StoredEntry) -> Result<EntryShape<'e>, Problem> {
    let shown = shape::entry(&shape::bytes_of(entry), readable(app, entry));
    shown.ok_or_else(|| Problem::internal(&format!("the leaf of entry {} does not parse", entry.index)))
}

/// Reads a committed entry; none if there is none.
pub fn read(app: &App, index: u64) -> Result<Option<StoredEntry>, Problem> {
    match app.reader().read_entry(index) {
        Ok(entry) => Ok(Some(entry)),
        Err(ReadError::Beyond { .. }) => Ok(None),
        Err(error) => Err(Problem::internal(&error)),
    }
}

#[derive(Serialize)]
struct Page<'e> {
    data: Vec<EntryShape<'e>>,
    has_more: bool,
    next: Option<String>,
    as_of: serde_json::Value,
}

/// `GET /v1/log/entries`
pub fn list(app: &App, request: &Request) -> Result<Reply, Problem> {
    let filter = Filter::of(request);
    let limit = request.limit(LISTED_USUAL, LISTED_MAX)?;
    let from = request.number("after")?.map_or(0, |after| after.saturating_add(1));
    let head = app.reader().head();
    let mut found = Vec::new();
    let mut next = from;
    let entries = app.reader().entries(from..head.size()).map_err(|error| Problem::internal(&error))?;
    for entry in entries.take(LOOKED_AT_MAX) {
        let entry = entry.map_err(|error| Problem::internal(&error))?;
        next = entry.index + 1;
        if filter.lists(app, &entry) {
            found.push(entry);
            if found.len() == limit {
                break;
            }
        }
    }
    let has_more = next < head.size();
    let last = next.checked_sub(1).filter(|_| has_more && next > 0);
    let data: Result<Vec<EntryShape<'_>>, Problem> = found.iter().map(|entry| shown(app, entry)).collect();
    let body = Page {
        data: data?,
        has_more,
        next: last.map(|last| last.to_string()),
        as_of: json!({"seq": head.size().checked_sub(1), "checkpoint": head.size()}),
    };
    let reply = Reply::json(&body).of(&head);
    Ok(match last {
        Some(last) => reply.with("Link", next_link(request, last)),
        None => reply,
    })
}

/// `<…?after=N&…>; rel="next"` with the other parameters as they were.
pub fn next_link(request: &Request, after: impl std::fmt::Display) -> String {
    let mut link = format!("<{}?after={after}", request.path);
    for (name, value) in request.query.iter().filter(|(name, _)| name != "after") {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/*".contains(&byte);
        let escaped = |byte: u8| {
            if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        };
        link.extend(["&", name, "=", &value.bytes().map(escaped).collect::<String>()]);
    }
    link + ">; rel=\"next\""
}

/// The entry that a path names by its index or by the first digits of its leaf hash.
fn named(app: &App, text: &str) -> Result<Option<StoredEntry>, Problem> {
    let digits = |byte: u8| byte.is_ascii_digit();
    if text.len() < 16 && text.bytes().all(digits) {
        return text.parse().map_or(Ok(None), |index| read(app, index));
    }
    let hex = text.bytes().all(|byte| digits(byte) || (b'a'..=b'f').contains(&byte));
    if !hex || !(HASH_DIGITS_MIN..=64).contains(&text.len()) {
        return Ok(None);
    }
    by_leaf_hash(app, text)?.map_or(Ok(None), |index| read(app, index))
}

/// Looks through the hash tiles from the newest backwards; two entries that share the digits are
/// as good as none.
fn by_leaf_hash(app: &App, prefix: &str) -> Result<Option<u64>, Problem> {
    let reader = app.reader();
    let size = reader.head().size();
    let oldest = size.saturating_sub(HASHED_MAX) / u64::from(TILE_WIDTH);
    let mut found = None;
    for index in (oldest..size.div_ceil(u64::from(TILE_WIDTH))).rev() {
        let Some(tile) = (TileId { level: 0, index, width: TILE_WIDTH }).at(size) else { continue };
        let bytes = reader.tile(tile).map_err(|error| Problem::internal(&error))?;
        for (place, hash) in (0..).zip(bytes.chunks_exact(32)) {
            if hex_encode(hash).starts_with(prefix) {
                if found.is_some() {
                    return Ok(None);
                }
                found = Some(index * u64::from(TILE_WIDTH) + place);
            }
        }
        if found.is_some() && prefix.len() == 64 {
            break;
        }
    }
    Ok(found)
}

/// `GET /v1/log/entries/{entry}`
pub fn one(app: &App, request: &Request) -> Result<Reply, Problem> {
    let entry = named(app, request.place(0))?.ok_or_else(|| Problem::plain(Code::NotFound))?;
    Ok(Reply::json(&shown(app, &entry)?).with("Cache-Control", IMMUTABLE))
}

/// What only those may have who may read the payload: to all others it is the same whether there
/// is such an entry or not.
fn opened(app: &App, request: &Request) -> Result<StoredEntry, Problem> {
    match named(app, request.place(0))? {
        Some(entry) if readable(app, &entry) => Ok(entry),
        None if app.config.open_all => Err(Problem::plain(Code::NotFound)),
        Some(_) | None => Err(Problem::plain(Code::NotForYou)),
    }
}

/// `GET /v1/log/entries/{entry}/payload`
pub fn payload(app: &App, request: &Request) -> Result<Reply, Problem> {
    let entry = opened(app, request)?;
    Ok(Reply::new("application/vnd.lian.statement.v1+json", entry.payload).with("Cache-Control", IMMUTABLE))
}

/// `GET /v1/log/entries/{entry}/envelope`
pub fn envelope(app: &App, request: &Request) -> Result<Reply, Problem> {
    let entry = opened(app, request)?;
    let leaf = Leaf::decode(&entry.leaf).map_err(|error| Problem::internal(&error))?;
    let signatures = leaf.signatures.iter().map(|signature| signature.to_vec()).collect();
    let envelope = Envelope { payload: entry.payload, signatures };
    Ok(Reply::new("application/vnd.dsse.envelope.v1+json", envelope.write()).with("Cache-Control", IMMUTABLE))
}

/// The type of a receipt file.
pub const RECEIPT_TYPE: &str = "text/plain; charset=utf-8";

/// `GET /v1/log/entries/{entry}/receipt`: a file, or JSON for who accepts that.
pub fn receipt(app: &App, request: &Request) -> Result<Reply, Problem> {
    let entry = opened(app, request)?;
    let head = app.reader().head();
    let proof =
        app.reader().prove_inclusion(entry.index, head.size()).map_err(|error| Problem::internal(&error))?;
    let accepts = request.header("accept").unwrap_or_default();
    let reply = if accepts.contains("application/json") {
        Reply::json(&shape::receipt(entry.index, &shape::bytes_of(&entry), proof, &head))
    } else {
        let name = format!("attachment; filename=\"{}.tlog-proof\"", entry.index);
        Reply::new(RECEIPT_TYPE, shape::receipt_file(entry.index, &shape::bytes_of(&entry), proof, &head))
            .with("Content-Disposition", name)
    };
    Ok(reply.with("Vary", "Accept").of(&head))
}
