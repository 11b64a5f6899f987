//! The rows at one size of the log, asked like a ledger that was folded to it.
//! Invariant: names that exist now and not yet then are not there; an epoch is what the entries and
//! commits up to that size made of it.

use std::sync::Arc;

use lian_core::note::Note;

use super::{PastFault, PastReads, fault};
use crate::{
    clearance::Moment,
    epochs::Epoch,
    ledger::{
        State, Stream,
        laid::{Newest, laid_at},
        opens::{is_open, open_at},
        stored::{decode_epoch, decode_stream, epoch_row, open_row, stream_row},
        sums::{Counters, Group, Groups},
    },
    registry,
    rows::Table,
    rules::Rules,
    views::streams::Streams,
};

/// Rows read at a time.
const ROWS_AT_ONCE: usize = 64;

/// [`PastReads`] at one size.
#[derive(Debug, Clone)]
pub struct ReadsAt<'r> {
    reads: &'r PastReads,
    size: u64,
    recorded_at: u64,
    rules: Arc<Rules>,
}

impl PastReads {
    /// The reads at a size that the rows have reached.
    pub fn at(&self, size: u64) -> Result<ReadsAt<'_>, PastFault> {
        let recorded_at = match size.checked_sub(1) {
            Some(last) => self.parsed(last)?.recorded_at,
            None => 0,
        };
        let rules = Arc::clone(&self.opening.rules);
        let mut at = ReadsAt { reads: self, size, recorded_at, rules };
        let mut newest = None;
        at.each("rules/", usize::MAX, &mut |stream| {
            let State::Registry(registry::State::Rules(publication)) = &stream.state else { return };
            if publication.activated > newest.as_ref().and_then(|(activated, _)| *activated) {
                newest = Some((publication.activated, Arc::clone(&publication.rules)));
            }
        })?;
        if let Some((_, rules)) = newest {
            at.rules = rules;
        }
        Ok(at)
    }

    /// An epoch of the rows as the first `size` entries left it.
    fn epoch_at(&self, number: u64, mut epoch: Epoch, size: u64) -> Result<Option<Epoch>, PastFault> {
        // `epoch.closed` is the entry after those that it covers; epoch 0 is closed by entry 0.
        let closed_by = if number == 0 { 0 } else { epoch.size };
        if closed_by >= size {
            return Ok(None);
        }
        let committed = epoch.checkpoint.as_deref().and_then(|text| text.lines().nth(1)?.parse::<u64>().ok());
        if committed.is_none_or(|committed| committed > size) {
            (epoch.checkpoint, epoch.cosigned_at) = (None, None);
            epoch.lines.clear();
            return Ok(Some(epoch));
        }
        let logged = match self.stream_at(&format!("epoch/{number}"), size)?.map(|stream| stream.state) {
            Some(State::Registry(registry::State::Epoch(lines))) => lines,
            _ => 0,
        };
        let logged = usize::try_from(logged).unwrap_or(usize::MAX);
        if logged < epoch.lines.len() {
            epoch.lines.truncate(logged);
            let text = epoch.checkpoint.clone().unwrap_or_default();
            let note = Note { text, signatures: epoch.lines.clone() };
            let reached = self.opening.witness_policy.as_ref().is_none_or(|policy| {
                policy.asks_nobody() || policy.evaluate(&note).is_ok_and(|result| result.missing.is_none())
            });
            epoch.cosigned_at = epoch.cosigned_at.filter(|_| reached);
        }
        Ok(Some(epoch))
    }
}

impl Streams for ReadsAt<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn recorded_at(&self) -> u64 {
        self.recorded_at
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules)
    }

    fn stream(&self, name: &str) -> Result<Option<Stream>, PastFault> {
        self.reads.stream_at(name, self.size)
    }

    fn range(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<Stream>, PastFault> {
        let prefix = stream_row(prefix);
        // The first key after a name is the name and a byte 0.
        let mut from = match after.map(stream_row) {
            Some(after) if after >= prefix => [&after[..], &[0]].concat(),
            _ => prefix.clone(),
        };
        let mut found = Vec::new();
        while found.len() < most {
            let rows = self.reads.rows.range(Table::State, &prefix, &from, ROWS_AT_ONCE)?;
            let Some((last, _)) = rows.last() else { break };
            from = [&last[..], &[0]].concat();
            for (key, value) in &rows {
                let name = key.get(1..).and_then(|name| std::str::from_utf8(name).ok());
                let name = name.ok_or_else(|| fault(key, "no name of a stream"))?;
                let now = decode_stream(name, value, Some(&self.reads.opening))?;
                found.extend(self.reads.as_of(now, self.size)?);
                if found.len() == most {
                    break;
                }
            }
        }
        Ok(found)
    }

    fn sums(&self, groups: Groups) -> Result<Vec<(Group, Counters)>, PastFault> {
        let mut sums = self.reads.groups_at(&groups.prefix(), self.size)?;
        sums.retain(|(_, counters)| !counters.is_zero());
        Ok(sums)
    }

    fn open(&self, family: &str, take: &mut dyn FnMut(&Stream)) -> Result<(), PastFault> {
        for name in open_at(&*self.reads.rows, family, self.size)? {
            match self.reads.stream_at(&name, self.size)?.filter(is_open) {
                Some(stream) => take(&stream),
                None => return Err(fault(&open_row(&name), "was not open then").into()),
            }
        }
        Ok(())
    }

    fn laid(&self, until: Option<Moment>, take: &mut dyn FnMut(&Stream) -> bool) -> Result<(), PastFault> {
        let mut newest = Newest::new(&*self.reads.rows, self.size, until)?;
        while let Some((name, at)) = newest.take()? {
            let stream = self.reads.stream_at(&name, self.size)?;
            let stream = stream.ok_or_else(|| fault(&stream_row(&name), "missing although it was laid"))?;
            if laid_at(&stream) == Some(at) && !take(&stream) {
                break;
            }
        }
        Ok(())
    }

    fn epoch(&self, number: u64) -> Result<Option<Epoch>, PastFault> {
        let key = epoch_row(number);
        let value = self.reads.rows.get(Table::State, &key)?;
        match value.map(|value| decode_epoch(&key, &value)).transpose()? {
            Some(epoch) => self.reads.epoch_at(number, epoch, self.size),
            None => Ok(None),
        }
    }
}
