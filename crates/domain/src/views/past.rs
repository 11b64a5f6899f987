//! The same questions as the other views, of any past moment, answered from rows and a few entries.
//! Invariant: an answer for a size is what a ledger folded to that size would give; a row or entry
//! that cannot be believed is an error, never an empty answer.
//! Limits: an object costs a few rows and at most 64 entries; a sum costs two rows a group;
//! what is open costs 65 seeks and its streams; a page of a list looks at no more than 1,000 objects.

mod at;
mod lists;
mod sums;
mod timeline;

use std::{fmt, sync::Arc};

use lian_core::{
    entry::Leaf,
    frame::NO_PREVIOUS,
    hash::{Digest, leaf_hash},
    map::{MapEnd, MapProof, accumulate, check_map, paged::PagedMap, stream_key},
};

pub use at::ReadsAt;
pub use lists::{Filter, GuaranteeAt, LOOKED_AT_MAX, Page};
pub use sums::QuotaAt;

use crate::{
    epochs::PageRows,
    filing::Filing,
    ledger::{
        RestoreFault, Stream, opening_of, rules_of,
        stored::{SNAPSHOT_EVERY, decode_stream, fault, kept_prefix, kept_row, stream_row},
    },
    registry::Opening,
    rows::{RowFault, Rows, Table},
    rules::Rules,
};

/// An entry as its frame holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastEntry {
    /// The leaf.
    pub leaf: Vec<u8>,
    /// The payload.
    pub payload: Vec<u8>,
    /// For each event, the entry before that names its stream.
    pub previous: Vec<u64>,
}

/// Where entries are read.
pub trait Past: Send + Sync {
    /// Entry `index`. The error is a sentence.
    fn entry(&self, index: u64) -> Result<PastEntry, String>;
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PastFault {
    /// The rows must be discarded.
    #[error(transparent)]
    Row(#[from] RowFault),
    /// An entry cannot be read, or is not what the rows say.
    #[error("entry {index}: {what}")]
    Entry {
        /// Entry.
        index: u64,
        /// What is wrong.
        what: String,
    },
}

/// Reads of one ledger at any size that its rows have reached. Asking for a larger one is the
/// caller's fault: it gets what the rows say of it.
#[derive(Clone)]
pub struct PastReads {
    rows: Arc<dyn Rows>,
    past: Arc<dyn Past>,
    opening: Arc<Opening>,
}

impl fmt::Debug for PastReads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PastReads").field("ledger", &self.opening.name).finish_non_exhaustive()
    }
}

/// An entry, read and parsed.
struct Parsed {
    index: u64,
    recorded_at: u64,
    rules: u32,
    accepted: bool,
    leaf_hash: Digest,
    filing: Filing,
    entry: PastEntry,
}

impl PastReads {
    /// Reads of the ledger with this leaf hash of entry 0.
    pub fn new(rows: Arc<dyn Rows>, past: Arc<dyn Past>, ledger: &Digest) -> Result<Self, PastFault> {
        let entry = past.entry(0).map_err(|what| PastFault::Entry { index: 0, what })?;
        let opening = opening_of(&entry.leaf, &entry.payload, ledger).map_err(|error| match error {
            RestoreFault::Row(fault) => PastFault::Row(fault),
            other => PastFault::Entry { index: 0, what: other.to_string() },
        })?;
        Ok(Self { rows, past, opening: Arc::new(opening) })
    }

    /// What entry 0 says.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// The stream as the first `size` entries left it; `None` if none of them names it.
    pub fn stream_at(&self, name: &str, size: u64) -> Result<Option<Stream>, PastFault> {
        match self.stream_now(name)? {
            Some(now) => self.as_of(now, size),
            None => Ok(None),
        }
    }

    /// A stream as the first `size` entries left it, from what it is now.
    fn as_of(&self, now: Stream, size: u64) -> Result<Option<Stream>, PastFault> {
        if now.last < size {
            return Ok(Some(now));
        }
        let name = &*now.name;
        let below = match size.checked_sub(1) {
            None => None,
            Some(before) => {
                self.rows.at_or_below(Table::History, &kept_prefix(name), &kept_row(name, before))?
            }
        };
        let mut stream = match below {
            Some((_, value)) => decode_stream(name, &value, Some(&self.opening))?,
            None => Stream::new(name),
        };
        let floor = stream.last;
        if floor != NO_PREVIOUS && floor >= size {
            return Err(fault(&kept_row(name, floor), "lies above where it is kept").into());
        }
        let mut entries = self.between(name, floor, size, self.above(name, size, now.last)?)?;
        entries.reverse();
        self.fold(&mut stream, &entries)?;
        Ok(Some(stream).filter(|stream| stream.logged > 0))
    }

    fn stream_now(&self, name: &str) -> Result<Option<Stream>, PastFault> {
        let value = self.rows.get(Table::State, &stream_row(name))?;
        Ok(value.map(|value| decode_stream(name, &value, Some(&self.opening))).transpose()?)
    }

    /// An entry from which to walk back to those below `size`: that of the next kept state, or the
    /// last one of all.
    fn above(&self, name: &str, size: u64, last: u64) -> Result<u64, PastFault> {
        let next = self.rows.range(Table::History, &kept_prefix(name), &kept_row(name, size), 1)?;
        let index = next.first().and_then(|(key, _)| key.last_chunk::<8>());
        Ok(index.map_or(last, |index| u64::from_be_bytes(*index).min(last)))
    }

    /// The entries after `floor` and below `size` that name the stream, newest first, by walking
    /// back from entry `from`, which names it.
    fn between(&self, name: &str, floor: u64, size: u64, from: u64) -> Result<Vec<Parsed>, PastFault> {
        let mut found = Vec::new();
        let (mut at, mut steps) = (from, 0);
        while at != floor && at != NO_PREVIOUS {
            if steps > SNAPSHOT_EVERY {
                return Err(fault(&kept_prefix(name), format_args!("no state kept before entry {at}")).into());
            }
            steps += 1;
            let parsed = self.parsed(at)?;
            let before = parsed.previous(name)?;
            if floor != NO_PREVIOUS && (before == NO_PREVIOUS || before < floor) {
                return Err(fault(&kept_row(name, floor), "of an entry that does not name it").into());
            }
            at = before;
            if parsed.index < size {
                found.push(parsed);
            }
        }
        Ok(found)
    }

    fn parsed(&self, index: u64) -> Result<Parsed, PastFault> {
        let broken = |what: &dyn fmt::Display| PastFault::Entry { index, what: what.to_string() };
        let entry = self.past.entry(index).map_err(|what| broken(&what))?;
        let leaf = Leaf::decode(&entry.leaf).map_err(|error| broken(&error))?;
        let digest = lian_core::statement::statement_digest(&entry.payload);
        if leaf.index != index || leaf.statement != digest {
            return Err(broken(&"leaf and payload do not belong here"));
        }
        let filing = Filing::read(&entry.payload, digest).map_err(|rejection| broken(&rejection))?;
        Ok(Parsed {
            index,
            recorded_at: leaf.recorded_at,
            rules: leaf.rules,
            accepted: leaf.verdict.is_accepted(),
            leaf_hash: leaf_hash(&entry.leaf),
            filing,
            entry,
        })
    }

    /// Moves a stream on past entries that name it.
    fn fold(&self, stream: &mut Stream, entries: &[Parsed]) -> Result<(), PastFault> {
        let mut rules: Option<Arc<Rules>> = None;
        for entry in entries {
            let fitting = match rules.take().filter(|rules| rules.version == entry.rules) {
                Some(rules) => rules,
                None => rules_of(&*self.rows, &self.opening, entry.rules)?,
            };
            entry.apply(stream, &fitting)?;
            rules = Some(fitting);
        }
        Ok(())
    }

    /// The proof for a stream under the map of the newest epoch in the rows, whose root is given;
    /// `None` while the rows hold pages of another one.
    pub fn prove(&self, name: &str, map: &Digest) -> Result<Option<MapProof>, PastFault> {
        let (mut pages, rows) = (PagedMap::new(), PageRows(Arc::clone(&self.rows)));
        let key = stream_key(name);
        let proof = match (pages.root(&rows)? == *map).then(|| pages.prove(&rows, &key)) {
            Some(proof) => proof?,
            None => return Ok(None),
        };
        let value = match &proof.end {
            MapEnd::Leaf { key: found, value } if *found == key => Some(*value),
            _ => None,
        };
        // Pages of the next epoch may have come in between.
        Ok(check_map(map, &key, value.as_ref(), &proof).is_ok().then_some(proof))
    }
}

impl Parsed {
    fn position(&self, name: &str) -> Result<usize, PastFault> {
        let position = self.filing.streams.iter().position(|stream| **stream == *name);
        position.ok_or_else(|| self.broken(&format_args!("does not name {name}")))
    }

    /// The entry before this one that names the stream.
    fn previous(&self, name: &str) -> Result<u64, PastFault> {
        let position = self.position(name)?;
        let event = self.filing.events.iter().position(|event| event.stream == position);
        let previous = event.and_then(|event| self.entry.previous.get(event).copied());
        // A link that does not lead back would lead round for ever.
        let back = previous.filter(|previous| *previous == NO_PREVIOUS || *previous < self.index);
        back.ok_or_else(|| self.broken(&"links do not lead back"))
    }

    fn apply(&self, stream: &mut Stream, rules: &Rules) -> Result<(), PastFault> {
        let position = self.position(&stream.name)?;
        stream.logged += 1;
        stream.last = self.index;
        stream.acc = accumulate(&stream.acc, self.index, &self.leaf_hash);
        if !self.accepted {
            stream.refused.push((self.filing.digest, self.index));
            return Ok(());
        }
        stream.refused.clear();
        for event in self.filing.events.iter().filter(|event| event.stream == position) {
            let before = std::mem::take(&mut stream.state);
            let after = before.evolve(&event.fact, self.index, self.recorded_at, rules);
            let (after, _) = after.ok_or_else(|| self.broken(&"contradicts the state before it"))?;
            stream.state = after;
            stream.version += 1;
        }
        Ok(())
    }

    fn broken(&self, what: &dyn fmt::Display) -> PastFault {
        PastFault::Entry { index: self.index, what: what.to_string() }
    }
}
