//! Steps: what entries changed, taken from the overlay for whoever keeps rows.
//! Invariant: a step holds every row that its entries change, as they left it, and no others but
//! pages of the map, which follow their epoch in the steps after it.
//! A step is taken where entries are judged, and encoded elsewhere.

use lian_core::hash::Digest;

use super::{
    Ledger, Stream,
    stored::{
        MAP_KEY, Small, encode_epoch, encode_refusals, encode_stream, epoch_row, kept_row, page_row,
        refusals_row, stream_row, tally_row,
    },
    sums::{Group, Versions},
};
use crate::{
    epochs::Epoch,
    rows::{Row, Step, Table},
};

/// Pages of the map in one step, so that the step after an epoch is no larger than others.
pub(super) const PAGES_A_STEP: usize = 64;

/// A step whose rows are not encoded yet. Cheap to make: states are shared, not copied.
#[derive(Debug)]
pub struct PendingStep {
    reached: u64,
    link: Digest,
    streams: Vec<Stream>,
    snapshots: Vec<Stream>,
    sums: Vec<(Group, Versions)>,
    epochs: Vec<(u64, Epoch)>,
    small: Small,
    rows: Vec<Row>,
}

impl PendingStep {
    /// Entries that rows cover once the step is written.
    pub fn reached(&self) -> u64 {
        self.reached
    }

    /// Encodes the rows: on any thread.
    pub fn encode(self) -> Step {
        let state = |key, value| Row { table: Table::State, key, value: Some(value) };
        let history = |key, value| Row { table: Table::History, key, value: Some(value) };
        let mut rows = Vec::with_capacity(self.rows.len() + self.streams.len() + self.sums.len() + 8);
        for stream in &self.streams {
            rows.push(state(stream_row(&stream.name), encode_stream(stream)));
        }
        for stream in &self.snapshots {
            rows.push(history(kept_row(&stream.name, stream.last), encode_stream(stream)));
        }
        for (group, versions) in &self.sums {
            if let Some((first, _)) = versions.0.first() {
                rows.push(history(group.key(*first), versions.encode()));
            }
        }
        for (number, epoch) in &self.epochs {
            rows.push(state(epoch_row(*number), encode_epoch(epoch)));
        }
        rows.push(state(super::stored::LEDGER_KEY.to_vec(), self.small.encode()));
        rows.extend(self.rows);
        Step { reached: self.reached, link: self.link, rows }
    }
}

impl Ledger {
    /// About how many rows a step taken now would hold. 0 if all is in memory.
    pub fn rows_waiting(&self) -> usize {
        self.kept.as_ref().map_or(0, |kept| {
            kept.unsaved.len()
                + kept.snapshots.len()
                + kept.sheets.waiting()
                + kept.opens.waiting()
                + kept.unsaved_tallies.len()
                + kept.unsaved_refusals.len()
                + kept.made.len()
                + kept.pages.waiting.len().min(kept.pages.a_step)
        })
    }

    /// Takes the rows that changed since the last call; `link` is that of the last entry recorded.
    /// `None` if nothing changed, or if all is in memory. At the end of a batch, call it after
    /// [`Ledger::committed`], whose effect belongs to the batch.
    pub fn take_step(&mut self, link: Digest) -> Option<PendingStep> {
        self.take_pages();
        let touched = self.epochs.take_touched();
        let epochs: Vec<(u64, Epoch)> = touched
            .into_iter()
            .filter_map(|number| Some((number, self.epochs.get(number)?.clone())))
            .collect();
        let kept = self.kept.as_mut()?;
        if kept.taken == self.size && epochs.is_empty() && kept.pages.waiting.is_empty() {
            return None;
        }
        kept.taken = self.size;
        let mut streams = Vec::with_capacity(kept.unsaved.len());
        for at in kept.unsaved.drain(..) {
            self.streams[at].unsaved = false;
            streams.push(self.streams[at].clone());
        }
        let mut rows = std::mem::take(&mut kept.made);
        rows.extend(kept.opens.take());
        let state = |key, value| Row { table: Table::State, key, value };
        for (counted, count) in std::mem::take(&mut kept.unsaved_tallies) {
            rows.push(state(tally_row(&counted), (count > 0).then(|| count.to_be_bytes().to_vec())));
        }
        for (key, (day, count)) in std::mem::take(&mut kept.unsaved_refusals) {
            rows.push(state(refusals_row(&key), Some(encode_refusals(day, count))));
        }
        for _ in 0..kept.pages.a_step {
            let Some(((_, key), page)) = kept.pages.waiting.pop_first() else {
                break;
            };
            rows.push(state(key, Some(page)));
        }
        let (mark, covered) = kept.pages.update;
        if kept.pages.waiting.is_empty() && kept.pages.whole != covered {
            kept.pages.whole = covered;
            kept.pages.marks.push_back((self.size, mark));
            rows.push(state(MAP_KEY.to_vec(), Some(covered.to_be_bytes().to_vec())));
        }
        Some(PendingStep {
            reached: self.size,
            link,
            streams,
            snapshots: std::mem::take(&mut kept.snapshots),
            sums: kept.sheets.take(),
            epochs,
            small: Small {
                recorded_at: self.recorded_at,
                rules: self.rules.version,
                open_window: self.epochs.open_window(),
            },
            rows,
        })
    }

    /// Pages of the newest update join those that wait; a page that changed again takes its place.
    fn take_pages(&mut self) {
        let (Some(kept), Some((covered, _))) = (&mut self.kept, self.pending_map) else {
            return;
        };
        let (pages, mark) = self.epochs.take_pages();
        if pages.is_empty() {
            return;
        }
        for (path, page) in pages {
            let depth = path.to_bytes().first().copied().unwrap_or_default();
            kept.pages.waiting.insert((u8::MAX - depth, page_row(&path)), page);
        }
        kept.pages.update = (mark, covered);
    }

    /// Rows hold all entries below `size`, durably or not: what they hold may be forgotten.
    pub fn rows_reached(&mut self, size: u64) {
        let Some(kept) = &mut self.kept else {
            return;
        };
        kept.forget(size);
        let mut done = None;
        while let Some((_, mark)) = kept.pages.marks.pop_front_if(|(reached, _)| *reached <= size) {
            done = Some(mark);
        }
        if let Some(mark) = done {
            self.epochs.pages_kept(mark);
        }
    }
}
