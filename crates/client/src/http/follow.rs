//! The log entry by entry, each held against the tree that the log signed.
//! Invariant: what is handed out stands at its index, links to the entry before it, and its leaf
//! is in the signed tree; a payload is the one that its leaf commits to.
//! Limits: 256 entries wait for one checkpoint.

use std::{cell::RefCell, collections::HashMap, ops::Range};

use lian_core::{
    entry::{Leaf, Verdict},
    hash::{Digest, leaf_hash, link},
    merkle::{CompactRange, range_at},
    statement::statement_digest,
    tile::{TileId, TiledTree},
};
use serde_json::Value;

use super::{
    Client,
    error::{Error, bad_answer, doubtful},
    value::base64,
};
use crate::answer::Doubt;

/// Entries that wait for one checkpoint.
pub(super) const STRETCH_MAX: usize = 256;

/// One entry of the log, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place.
    pub index: u64,
    /// Accepted or refused.
    pub verdict: Verdict,
    /// Unix milliseconds.
    pub recorded_at: u64,
    /// The leaf.
    pub leaf: Vec<u8>,
    /// The very bytes that were signed; none where they are not for this reader.
    pub payload: Option<Vec<u8>>,
}

/// The right edge of what was followed so far.
pub(super) struct Edge {
    range: CompactRange,
    link: Option<Digest>,
}

impl Edge {
    /// The index of the next entry.
    pub(super) fn next(&self) -> u64 {
        self.range.size()
    }

    /// Takes the next leaf; it must fit.
    fn take(&mut self, bytes: &[u8]) -> Result<(u64, Verdict, Digest), Error> {
        let leaf = Leaf::decode(bytes).map_err(doubtful)?;
        if leaf.index != self.next() {
            return Err(doubtful(format!(
                "entry {} came where entry {} was to come",
                leaf.index,
                self.next()
            )));
        }
        let expected = if leaf.index == 0 { Some(Digest::ZERO) } else { self.link };
        if expected.is_some_and(|expected| leaf.previous != expected) {
            return Err(doubtful(format!("entry {} does not link to the entry before it", leaf.index)));
        }
        self.range.push(leaf_hash(bytes));
        self.link = Some(link(bytes));
        Ok((leaf.recorded_at, leaf.verdict, leaf.statement))
    }
}

impl Client {
    /// The edge before entry `from`, out of the log's tiles. It is not believed until what follows
    /// was confirmed.
    pub(super) fn edge(&self, from: u64) -> Result<Edge, Error> {
        let Some(before) = from.checked_sub(1) else {
            return Ok(Edge { range: CompactRange::new(), link: None });
        };
        let size = self.newest()?.checkpoint.size;
        if from > size {
            return Err(bad_answer(format!("the log has {size} entries, none from {from} on")));
        }
        let tiles: RefCell<HashMap<TileId, Vec<u8>>> = RefCell::default();
        let fetch = |tile: TileId| -> Result<Vec<u8>, Error> {
            if let Some(bytes) = tiles.borrow().get(&tile) {
                return Ok(bytes.clone());
            }
            let bytes = self.wire.bytes(&format!("/{}", tile.path()))?;
            tiles.borrow_mut().insert(tile, bytes.clone());
            Ok(bytes)
        };
        let range = range_at(before, &TiledTree { size, fetch }).map_err(|error| match error {
            lian_core::merkle::ProveError::Reader(lian_core::tile::TileError::Source(error)) => error,
            other => bad_answer(format!("the tiles: {other:?}")),
        })?;
        let mut edge = Edge { range, link: None };
        // One entry back, so that the first one handed out is held against its predecessor.
        let entry = self.wire.json(&format!("/v1/log/entries/{before}"))?;
        edge.take(&base64(&entry, "leaf")?)?;
        Ok(edge)
    }

    /// Takes the next entry as the server shows it.
    pub(super) fn follow(&self, edge: &mut Edge, shown: &Value) -> Result<LogEntry, Error> {
        let leaf = base64(shown, "leaf")?;
        let index = edge.next();
        let (recorded_at, verdict, statement) = edge.take(&leaf)?;
        let payload = match &shown["payload"] {
            Value::String(_) => Some(base64(shown, "payload")?),
            _ if shown["withheld"] == true => None,
            _ => Some(self.wire.bytes(&format!("/v1/log/entries/{index}/payload"))?),
        };
        if payload.as_ref().is_some_and(|payload| statement_digest(payload) != statement) {
            return Err(Error::Doubt(Doubt::Other("the payload")));
        }
        Ok(LogEntry { index, verdict, recorded_at, leaf, payload })
    }

    /// Holds the edge against the tree that the log signs now.
    pub(super) fn confirm(&self, edge: &Edge) -> Result<(), Error> {
        let head = self.newest()?.checkpoint;
        let (size, root) = (edge.range.size(), edge.range.root());
        if head.size < size || !self.is_prefix((size, &root), (head.size, &head.root))? {
            return Err(doubtful(format!(
                "the entries below {size} are not those of the tree that the log signed"
            )));
        }
        Ok(())
    }

    /// Entries of a range, all of them, verified; cut at the present end of the log.
    pub fn entries(&self, range: Range<u64>) -> Result<Vec<LogEntry>, Error> {
        let end = range.end.min(self.newest()?.checkpoint.size);
        let mut found = Vec::new();
        if range.start >= end {
            return Ok(found);
        }
        let mut edge = self.edge(range.start)?;
        while edge.next() < end {
            let after = edge.next().checked_sub(1).map(|after| format!("&after={after}")).unwrap_or_default();
            let limit = (end - edge.next()).min(STRETCH_MAX as u64);
            let answer = self.wire.json(&format!("/v1/log/entries?limit={limit}{after}"))?;
            let shown =
                answer["data"].as_array().filter(|shown| !shown.is_empty() && shown.len() as u64 <= limit);
            for entry in shown.ok_or_else(|| bad_answer("a list of entries is empty or too long"))? {
                found.push(self.follow(&mut edge, entry)?);
            }
            self.confirm(&edge)?;
        }
        Ok(found)
    }
}
