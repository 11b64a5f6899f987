//! Proofs and static files for strangers: checkpoints, consistency, completeness, tiles.
//! Invariant: a path is parsed to a tile's coordinates before anything is opened; nothing is
//! given beyond the committed head.

use lian_core::{
    hash::leaf_hash,
    tile::{BundleId, TILE_WIDTH, TileId, encode_bundle},
};
use lian_store::segment::ReadError;
use serde_json::{Value, json};

use super::{
    App, entries,
    problem::{Code, Problem},
    registers,
    request::{IMMUTABLE, Reply, Request},
    shape,
};

fn unread(error: &ReadError) -> Problem {
    match error {
        ReadError::Beyond { .. } => Problem::plain(Code::NotFound),
        error => Problem::internal(error),
    }
}

/// `GET /checkpoint`: the published checkpoint, as the log signed it.
pub fn published(app: &App, _: &Request) -> Result<Reply, Problem> {
    let note = app.published();
    if note.is_empty() {
        return Err(Problem::plain(Code::NotFound));
    }
    Ok(Reply::new("text/plain; charset=utf-8", note.to_vec()).with("Cache-Control", "no-cache"))
}

/// `GET /v1/log/checkpoints`: the newest head and the published one; with `size`, the root then.
pub fn checkpoints(app: &App, request: &Request) -> Result<Reply, Problem> {
    let head = app.reader().head();
    if let Some(size) = request.number("size")? {
        if size > head.size() {
            return Err(beyond("size", head.size()));
        }
        let root = app.reader().root_at(size).map_err(|error| unread(&error))?;
        let note = (size == head.size()).then(|| String::from_utf8_lossy(head.note()).into_owned());
        return Ok(Reply::json(&json!({"size": size, "root": root.to_hex(), "note": note})).of(&head));
    }
    let newest = json!({
        "size": head.size(), "root": head.tip().range().root().to_hex(), "note": String::from_utf8_lossy(head.note()),
        "recorded_at": shape::moment(head.tip().recorded_at()),
    });
    let published = app.published();
    let published: Value = match &*published {
        [] => Value::Null,
        note => json!({"note": String::from_utf8_lossy(note)}),
    };
    Ok(Reply::json(&json!({"newest": newest, "published": published})).of(&head))
}

fn beyond(name: &'static str, size: u64) -> Problem {
    let (zh, en) = (format!("超出帳本範圍（{size} 筆）"), format!("lies beyond the log of {size} entries"));
    Problem::parameter(name, zh, en)
}

/// `GET /v1/log/consistency?from&to`: that the first `from` entries are a prefix of the first `to`.
pub fn consistency(app: &App, request: &Request) -> Result<Reply, Problem> {
    let head = app.reader().head();
    let to = request.number("to")?.unwrap_or(head.size());
    let from = request.number("from")?;
    let from = from.ok_or_else(|| Problem::parameter("from", "必填", "is missing"))?;
    if to > head.size() {
        return Err(beyond("to", head.size()));
    }
    if from > to {
        return Err(Problem::parameter("from", "不得大於 to", "must not be larger than `to`"));
    }
    // An empty log is a prefix of every log; the proof of that is empty.
    let proof = if from == 0 {
        Vec::new()
    } else {
        app.reader().prove_consistency(from, to).map_err(|error| unread(&error))?
    };
    let root = |size| app.reader().root_at(size).map(|root| root.to_hex()).map_err(|error| unread(&error));
    let proof: Vec<String> = proof.iter().map(lian_core::hash::Digest::to_hex).collect();
    let note = (to == head.size()).then(|| String::from_utf8_lossy(head.note()).into_owned());
    let body = json!({
        "from": {"size": from, "root": root(from)?}, "to": {"size": to, "root": root(to)?, "note": note}, "proof": proof,
    });
    Ok(Reply::json(&body).of(&head))
}

/// `GET /tile/…`: hash tiles and bundles of leaves, full or partial.
pub fn tile(app: &App, request: &Request) -> Result<Reply, Problem> {
    let path = format!("tile/{}", request.place(0));
    let not_found = || Problem::plain(Code::NotFound);
    let size = app.reader().head().size();
    if let Some(bundle) = BundleId::parse(&path) {
        let whole = BundleId { width: TILE_WIDTH, ..bundle }.at(size);
        if whole.is_none_or(|there| there.width < bundle.width) {
            return Err(not_found());
        }
        let first = bundle.index * u64::from(TILE_WIDTH);
        let entries =
            app.reader().entries(first..first + u64::from(bundle.width)).map_err(|error| unread(&error))?;
        let leaves: Result<Vec<Vec<u8>>, ReadError> = entries.map(|entry| Ok(entry?.leaf)).collect();
        let bytes = encode_bundle(&leaves.map_err(|error| unread(&error))?)
            .map_err(|error| Problem::internal(&error))?;
        return Ok(Reply::new("application/octet-stream", bytes).with("Cache-Control", IMMUTABLE));
    }
    let tile = TileId::parse(&path).ok_or_else(not_found)?;
    let bytes = match app.reader().tile(tile) {
        Ok(bytes) => bytes,
        // No such tile yet, or the width is not reached.
        Err(ReadError::Tile(_))
            if (TileId { width: TILE_WIDTH, ..tile })
                .at(size)
                .is_none_or(|there| there.width < tile.width) =>
        {
            return Err(not_found());
        }
        Err(error) => return Err(unread(&error)),
    };
    Ok(Reply::new("application/octet-stream", bytes.to_vec()).with("Cache-Control", IMMUTABLE))
}

/// `GET /v1/streams/{stream…}/proof`: that these are all entries that name the stream, and its
/// state, under the map of the last closed epoch.
pub fn stream(app: &App, request: &Request) -> Result<Reply, Problem> {
    let name = request.place(0);
    registers::check_stream(app, name)?;
    if !lian_core::statement::is_stream(name) {
        return Err(Problem::plain(Code::NotFound));
    }
    let proof = app.books.completeness(name)?;
    let proof = proof
        .ok_or_else(|| Problem::plain(Code::NotFound).with("reason", json!("no epoch is closed yet")))?;
    let head = app.reader().head();
    let closed = entries::read(app, proof.size)?.ok_or_else(|| Problem::plain(Code::NotFound))?;
    let included = app.reader().prove_inclusion(proof.size, head.size()).map_err(|error| unread(&error))?;
    let mut named = Vec::with_capacity(proof.entries.len());
    for index in &proof.entries {
        let entry = entries::read(app, *index)?
            .ok_or_else(|| Problem::internal(&"an entry of a stream is not there"))?;
        named.push(json!({"seq": index, "leaf_hash": leaf_hash(&entry.leaf).to_hex()}));
    }
    let body = json!({
        "stream": name, "epoch": proof.epoch, "size": proof.size, "map": proof.map.to_hex(), "map_proof": proof.proof.to_text(),
        "version": proof.version, "logged": proof.logged, "acc": proof.acc.to_hex(),
        "state": proof.state.as_ref().map(shape::value_of), "state_digest": proof.state_digest.to_hex(),
        "entries": named, "closed": shape::receipt(closed.index, &shape::bytes_of(&closed), included, &head),
    });
    Ok(Reply::json(&body).of(&head))
}
