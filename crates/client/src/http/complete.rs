//! That nothing was left out: all entries of a stream below an epoch, and its state, under the
//! epoch's map.
//! Invariant: the list of entries and the state are those that the map commits to, and the map is
//! the one that `epoch.closed` names, signed by the log's own key, in the log's signed tree.
//! What stays open: whether the map itself was computed rightly. Every full audit finds a wrong
//! one; without an audit or a mirror's cosignature a proof is UNCONFIRMED.

use lian_core::{
    hash::{Digest, sha256},
    json,
    map::{MapProof, accumulate, check_map, stream_key, stream_value},
    statement::{STATEMENT_TYPE, pae},
};
use lian_domain::{
    filing::Fact,
    registry::{Event, LEDGER_STREAM},
};
use serde_json::Value;

use super::{
    Client, Proved,
    entry::{filing, stream_path},
    error::{Error, bad_answer, doubtful},
    value::{canonical, digest, number, text},
};
use crate::answer::Doubt;

/// A closed epoch, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Its number.
    pub number: u64,
    /// Entries that it covers.
    pub size: u64,
    /// Root of the tree of that size, a prefix of the log that was seen.
    pub root: Digest,
    /// Root of its map; zeros for epoch 0.
    pub map: Digest,
}

/// All entries that name a stream below an epoch, and its state there.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamProof {
    /// The stream.
    pub stream: String,
    /// The epoch under whose map this holds.
    pub epoch: Epoch,
    /// Accepted events.
    pub version: u64,
    /// The state; none if no event was ever accepted.
    pub state: Option<json::Value<'static>>,
    /// Every entry that names it, refused ones too, with its leaf hash.
    pub entries: Vec<(u64, Digest)>,
    /// Mirrors that cosigned the epoch as audited. With none of them the proof is UNCONFIRMED.
    pub mirrors: Vec<String>,
}

impl StreamProof {
    /// A mirror that derived the map itself vouches for it.
    pub fn is_confirmed(&self) -> bool {
        !self.mirrors.is_empty()
    }
}

impl Client {
    /// One guarantee: every entry that names it below the last closed epoch, and its state there.
    pub fn guarantee(&self, no: &str) -> Result<StreamProof, Error> {
        self.stream(&format!("guarantee/{no}"))
    }

    /// The keys of an actor, with their history, as its stream holds them: member `keys` of the state.
    pub fn keys(&self, actor: &str) -> Result<StreamProof, Error> {
        self.stream(&format!("actor/{actor}"))
    }

    /// One stream, complete below the last closed epoch.
    pub fn stream(&self, stream: &str) -> Result<StreamProof, Error> {
        let answer = self.wire.json(&stream_path(stream, "proof"))?;
        let epoch = self.closed(&answer)?;
        let state = match &answer["state"] {
            Value::Null => None,
            state => Some(canonical(state).ok_or_else(|| bad_answer("the state has no canonical spelling"))?),
        };
        let entries = entries(&answer["entries"], epoch.size)?;
        let version = number(&answer, "version")?;
        let proof = MapProof::from_text(text(&answer, "map_proof")?).map_err(doubtful)?;
        let acc = entries.iter().fold(Digest::ZERO, |acc, (index, hash)| accumulate(&acc, *index, hash));
        let held = state.as_ref().map_or(Digest::ZERO, |state| sha256(&[b"lian/state/v1\n", &state.write()]));
        let value = stream_value(version, entries.len() as u64, &acc, &held);
        let value = (!entries.is_empty()).then_some(&value);
        check_map(&epoch.map, &stream_key(stream), value, &proof).map_err(|_| {
            doubtful(format!(
                "entries and state of {stream} are not those of the map of epoch {}",
                epoch.number
            ))
        })?;
        Ok(StreamProof { stream: stream.to_owned(), epoch, version, state, entries, mirrors: Vec::new() })
    }

    /// The last closed epoch, verified: what a signer may name as `seen`.
    pub fn last_epoch(&self) -> Result<Epoch, Error> {
        match self.wire.json(&stream_path(LEDGER_STREAM, "proof")) {
            Ok(answer) => self.closed(&answer),
            // Before the first one closes, there is epoch 0: entry 0 alone.
            Err(Error::Problem(problem)) if problem.status == 404 => {
                let root = self.genesis()?.hash;
                Ok(Epoch { number: 0, size: 1, root, map: Digest::ZERO })
            }
            Err(error) => Err(error),
        }
    }

    /// The epoch whose `epoch.closed` an answer holds.
    fn closed(&self, answer: &Value) -> Result<Epoch, Error> {
        let file = text(&answer["closed"], "tlog_proof")?;
        let epoch = self.closed_by(&self.prove(file.as_bytes().to_vec(), None)?)?;
        let said = (number(answer, "epoch")?, number(answer, "size")?, digest(answer, "map")?);
        if said != (epoch.number, epoch.size, epoch.map) {
            return Err(Error::Doubt(Doubt::Other("the epoch")));
        }
        Ok(epoch)
    }

    /// The epoch that an entry closed: its tree is a prefix of the log that was seen.
    pub(super) fn closed_by(&self, proved: &Proved) -> Result<Epoch, Error> {
        let epoch = self.epoch_of(proved)?;
        let head = &proved.sealed.checkpoint;
        if self.is_prefix((epoch.size, &epoch.root), (head.size, &head.root))? {
            return Ok(epoch);
        }
        Err(doubtful(format!("epoch {} closed over another tree", epoch.number)))
    }

    fn epoch_of(&self, proved: &Proved) -> Result<Epoch, Error> {
        let filing = filing(proved)?;
        let [event] = &filing.events[..] else {
            return Err(Error::Doubt(Doubt::Other("the kind of the entry")));
        };
        let Fact::Registry(Event::EpochClosed { number, size, root, map, .. }) = &event.fact else {
            return Err(Error::Doubt(Doubt::Other("the kind of the entry")));
        };
        let key = &self.genesis()?.opening.system_log;
        let leaf = lian_core::entry::Leaf::decode(&proved.leaf).map_err(doubtful)?;
        let [signature] = leaf.signatures[..] else {
            return Err(Error::Doubt(Doubt::Other("the number of signatures")));
        };
        let signed = key.verify(&pae(STATEMENT_TYPE, &proved.payload), signature);
        if !signed || !leaf.verdict.is_accepted() || *size != proved.sealed.index {
            return Err(doubtful(format!("entry {} closes no epoch", proved.sealed.index)));
        }
        Ok(Epoch { number: *number, size: *size, root: *root, map: *map })
    }
}

/// The listed entries: ascending, below the size.
fn entries(list: &Value, size: u64) -> Result<Vec<(u64, Digest)>, Error> {
    let list = list.as_array().ok_or_else(|| bad_answer("entries is no list"))?;
    let mut found: Vec<(u64, Digest)> = Vec::with_capacity(list.len());
    for entry in list {
        let (index, hash) = (number(entry, "seq")?, digest(entry, "leaf_hash")?);
        if index >= size || found.last().is_some_and(|(last, _)| *last >= index) {
            return Err(bad_answer("entries are not ascending below the epoch"));
        }
        found.push((index, hash));
    }
    Ok(found)
}
