//! Ids of statements that are still valid: the same id for another statement of the same first
//! issuer is a conflict. A promise of the service, which the audit does not check.
//! In files (`runs`) they are derived from the log and found again without reading it.
//! Limits: 40 bytes of memory an id in runs, twice that before, for as long as it is valid.

mod runs;

use std::sync::Arc;

use foldhash::HashMap;
use lian_core::hash::{Digest, hex_encode, sha256};
use lian_domain::{filing::Filing, rejection::Rejection};
use lian_store::{disk::Disk, reader::Reader};

use crate::open::{OpenFault, fault, parse_ahead};
use runs::{Record, Run};

pub use runs::RUN_ENTRIES;

/// Ids by fingerprint.
#[derive(Default)]
pub struct Ids {
    /// First 16 bytes of SHA-256(first issuer ‖ 0 ‖ id): digest's first 8 bytes, end of validity in
    /// Unix seconds, entry.
    known: HashMap<[u8; 16], (u64, i64, u64)>,
    /// Size at which lapsed ids are next forgotten.
    purge_at: usize,
    /// Ids of whole runs of entries, the oldest first.
    runs: Vec<Run>,
    /// Entries that runs cover.
    sealed: u64,
    /// Where runs are written; without it all ids stay where they are.
    beside: Option<Arc<dyn Disk>>,
}

impl Ids {
    /// Ids that are kept in runs beside the segments of a ledger folder.
    pub(crate) fn beside(disk: &Arc<dyn Disk>) -> Self {
        Self { beside: Some(Arc::clone(disk)), ..Self::default() }
    }

    /// Takes up the ids of the first `size` entries that are valid at `now_s`: from runs, and where
    /// one is missing or bad, from the entries, of which it is made again.
    pub(crate) fn load(&mut self, reader: &Reader, size: u64, now_s: i64) -> Result<(), OpenFault> {
        let whole = size / RUN_ENTRIES;
        self.sealed = whole * RUN_ENTRIES;
        self.remember_from(reader, self.sealed..size, now_s)?;
        for first in (0..whole).rev().map(|number| number * RUN_ENTRIES) {
            let last = reader.read_entry(first + RUN_ENTRIES - 1).map_err(|error| fault(first, &error))?;
            if runs::lapsed(&last.leaf, now_s) {
                // Older ones lapsed earlier.
                break;
            }
            let seal = runs::Seal::of(reader, first, &last.leaf);
            let found = self.beside.as_deref().and_then(|disk| Run::read(disk, &seal));
            let run = match found {
                Some(run) => run,
                None => self.made_again(reader, first, &seal)?,
            };
            self.runs.push(run);
        }
        self.runs.reverse();
        Ok(())
    }

    fn made_again(&self, reader: &Reader, first: u64, seal: &runs::Seal) -> Result<Run, OpenFault> {
        let mut all = Self::default();
        all.remember_from(reader, first..first + RUN_ENTRIES, i64::MIN)?;
        let run = Run::new(seal, all.take_records(first + RUN_ENTRIES));
        if let Some(disk) = &self.beside {
            run.write(&**disk);
        }
        Ok(run)
    }

    fn remember_from(
        &mut self,
        reader: &Reader,
        range: std::ops::Range<u64>,
        now_s: i64,
    ) -> Result<(), OpenFault> {
        let mut first = range.start;
        let mut entries = reader.entries(range).map_err(|error| fault(first, &error))?;
        loop {
            let stretch = parse_ahead(&mut entries, first)?;
            if stretch.is_empty() {
                return Ok(());
            }
            for (offset, (_, parsed)) in (0..).zip(&stretch) {
                let filing = parsed.filing.as_ref().map_err(|what| fault(first + offset, what))?;
                if filing.valid_until >= now_s {
                    self.insert(filing, first + offset);
                }
            }
            first += stretch.len() as u64;
        }
    }

    fn fingerprint(filing: &Filing) -> ([u8; 16], u64) {
        let actor = filing.issuers.first().map_or("", |issuer| &issuer.actor);
        let Digest(hash) = sha256(&[actor.as_bytes(), &[0], &filing.id]);
        let (key, _) = hash.split_first_chunk().expect("16 of 32 bytes");
        let (short, _) = filing.digest.0.split_first_chunk().expect("8 of 32 bytes");
        (*key, u64::from_be_bytes(*short))
    }

    fn insert(&mut self, filing: &Filing, index: u64) {
        let (key, digest) = Self::fingerprint(filing);
        self.known.insert(key, (digest, filing.valid_until, index));
    }

    /// Remembers the id of a statement that is entry `index`.
    pub fn remember(&mut self, filing: &Filing, index: u64, now_ms: u64) {
        self.insert(filing, index);
        if self.known.len() > self.purge_at.max(10_000) {
            let now = i64::try_from(now_ms / 1_000).unwrap_or(i64::MAX);
            self.known.retain(|_, (_, valid_until, _)| *valid_until >= now);
            self.runs.retain(|run| run.latest() >= now);
            self.purge_at = self.known.len() * 2;
        }
    }

    /// The log is committed up to `size`: ids of whole runs of entries move into files.
    pub(crate) fn committed(&mut self, size: u64, reader: &Reader) {
        while let (Some(disk), true) = (&self.beside, self.sealed + RUN_ENTRIES <= size) {
            let (disk, first) = (Arc::clone(disk), self.sealed);
            // What cannot be read now is made again at the next start.
            let Ok(last) = reader.read_entry(first + RUN_ENTRIES - 1) else {
                return;
            };
            let seal = runs::Seal::of(reader, first, &last.leaf);
            self.sealed += RUN_ENTRIES;
            let records = self.take_records(self.sealed);
            if !records.is_empty() {
                let run = Run::new(&seal, records);
                self.runs.push(run.clone());
                std::thread::spawn(move || run.write(&*disk));
            }
        }
    }

    /// Takes out the ids of entries below `end`.
    fn take_records(&mut self, end: u64) -> Vec<Record> {
        let taken = self.known.extract_if(|_, (_, _, index)| *index < end);
        taken.map(|(key, (digest, until, index))| Record { key, digest, until, index }).collect()
    }

    /// The rejection, if the id names another statement that is still valid.
    pub fn reused(&self, filing: &Filing, now_ms: u64) -> Option<Rejection> {
        let (key, digest) = Self::fingerprint(filing);
        let now = i64::try_from(now_ms / 1_000).unwrap_or(i64::MAX);
        let in_memory = self.known.get(&key).copied();
        let in_runs = || {
            let found = self.runs.iter().rev().filter_map(|run| run.find(&key));
            found
                .map(|record| (record.digest, record.until, record.index))
                .find(|(_, until, _)| *until >= now)
        };
        let (known, valid_until, entry) = in_memory.or_else(in_runs)?;
        if known == digest || valid_until < now {
            return None;
        }
        let actor = filing.issuers.first().map(|issuer| issuer.actor.to_string()).unwrap_or_default();
        Some(Rejection::IdReused { actor, id: hex_encode(&filing.id), entry })
    }
}
