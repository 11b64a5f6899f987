//! Books over the rows that are kept behind the log: any moment is a seek and a short fold.
//! Invariant: an answer holds for a size that the rows have reached; what they have not reached is
//! told as behind, never guessed.

use std::{
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use lian_core::{entry::Verdict, hash::Digest, keys::PublicKey};
use lian_domain::{
    guarantee::Standing,
    ids::{BankCode, GuaranteeNo, Ubn},
    ledger::{Ledger, Stream, ledger_id, stored},
    rejection::Rejection,
    rows::{Rows, Table},
    views::{
        guarantees::Exposure,
        keys::KeyRow,
        past::{Filter, GuaranteeAt, Past, PastEntry, PastFault, PastReads},
    },
};
use lian_store::reader::Reader;

use super::books::{
    At, Books, BooksFault, Card, Completeness, EpochsSeen, Identity, Question, Quota, Seen, Timeline, Wanted,
    standing_of, trial,
};
use crate::{admit::KeyBook, service::Service, shadow::Shadow};

/// How long a read waits for rows that are behind the log.
const CATCH_UP: Duration = Duration::from_millis(500);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(1);
/// Entries of a history that are read at a time.
const PAGE: usize = 256;
/// How often a trial is judged anew because rows moved on meanwhile.
const TRIALS_MAX: usize = 8;
/// Guarantees of a company that its quota lists.
const LISTED_MAX: usize = 1_000;

/// Reads the entries that a past moment needs.
struct Log(Reader);

impl Past for Log {
    fn entry(&self, index: u64) -> Result<PastEntry, String> {
        let entry = self.0.read_entry(index).map_err(|error| error.to_string())?;
        Ok(PastEntry { leaf: entry.leaf, payload: entry.payload, previous: entry.previous })
    }
}

/// Books over the rows of a service.
pub struct RowBooks {
    shadow: Arc<Shadow>,
    reader: Reader,
    reads: OnceLock<PastReads>,
}

impl From<PastFault> for BooksFault {
    fn from(fault: PastFault) -> Self {
        match fault {
            // The service makes the rows again; until then they are behind.
            PastFault::Row(_) => Self::Behind,
            other @ PastFault::Entry { .. } => Self::Unread(other.to_string()),
        }
    }
}

impl RowBooks {
    /// The books of a service that keeps rows; none if it keeps none.
    pub fn of(service: &Service) -> Option<Self> {
        let shadow = Arc::clone(service.shadow()?);
        Some(Self { shadow, reader: service.reader().clone(), reads: OnceLock::new() })
    }

    fn reads(&self) -> Result<&PastReads, BooksFault> {
        if let Some(reads) = self.reads.get() {
            return Ok(reads);
        }
        let ledger = self.reader.head().ledger().ok_or(BooksFault::Behind)?;
        let rows = Arc::<Shadow>::clone(&self.shadow);
        let reads = PastReads::new(rows, Arc::new(Log(self.reader.clone())), &ledger)?;
        Ok(self.reads.get_or_init(|| reads))
    }

    /// The reads, and the size that the answer will hold for. Who wrote just now reads it here: rows
    /// that are a moment behind are waited for.
    fn at(&self, at: At) -> Result<(&PastReads, u64), BooksFault> {
        let patience = Instant::now() + CATCH_UP;
        while self.shadow.reached() < at.size && self.shadow.fault().is_none() && Instant::now() < patience {
            thread::sleep(LOOK);
        }
        let reached = self.shadow.reached();
        let size = if at.present { reached } else { at.size };
        // Before entry 0 there was nothing, for ever; only the present may yet have something.
        if size > reached || (at.present && size == 0) {
            return Err(BooksFault::Behind);
        }
        Ok((self.reads()?, size))
    }

    /// Number, size, map root and whether it is cosigned, of the newest epoch in the rows.
    fn last_epoch(&self) -> Result<Option<(u64, lian_domain::epochs::Epoch)>, BooksFault> {
        let key = stored::epoch_row(u64::MAX);
        let found = self.shadow.at_or_below(Table::State, &key[..1], &key).map_err(PastFault::Row)?;
        let Some((key, value)) = found else { return Ok(None) };
        let epoch = stored::decode_epoch(&key, &value).map_err(PastFault::Row)?;
        let number = key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes));
        Ok(number.map(|number| (number, epoch)))
    }
}

impl RowBooks {
    /// Judges an envelope on a state taken up from the rows as they stand.
    fn try_once(&self, envelope: &[u8], now_ms: u64) -> Result<Seen<Result<Verdict, Rejection>>, BooksFault> {
        let unread = |what: &dyn std::fmt::Display| BooksFault::Unread(what.to_string());
        let binding = self.shadow.binding().map_err(PastFault::Row)?;
        let rows: Arc<dyn Rows> = Arc::new(self.shadow.life());
        let genesis = self.reader.read_entry(0).map_err(|error| unread(&error))?;
        let restored = Ledger::restore(&rows, &binding, &genesis.leaf, &genesis.payload);
        let mut ledger = restored.map_err(|_| BooksFault::Behind)?;
        let keys = KeyBook::of(&ledger);
        trial(&mut ledger, &keys, &self.reader, envelope, now_ms)
    }
}

fn card(found: &GuaranteeAt) -> Card {
    Card::of(&found.stream, &found.state, found.standing, found.version, found.last)
}

impl Books for RowBooks {
    fn guarantee(&self, no: &GuaranteeNo, at: At) -> Result<Seen<Option<Card>>, BooksFault> {
        let (reads, size) = self.at(at)?;
        let found = reads.guarantee_at(no, size, at.day)?;
        Ok(Seen { size, value: found.as_ref().map(card) })
    }

    fn guarantees(&self, wanted: &Wanted, at: At) -> Result<Seen<Vec<Card>>, BooksFault> {
        let (reads, size) = self.at(at)?;
        let standing = match wanted.status.as_deref().map(standing_of) {
            // No guarantee has a status that there is not.
            Some(None) => return Ok(Seen { size, value: Vec::new() }),
            Some(standing) => standing,
            None => None,
        };
        let filter = Filter { bank: wanted.bank, debtor: wanted.debtor, standing };
        let mut after = wanted.after.as_deref().and_then(GuaranteeNo::parse);
        let mut cards = Vec::new();
        loop {
            let most = wanted.limit + 1 - cards.len();
            let page = reads.guarantees_at(&filter, after.as_ref(), most, size, at.day)?;
            cards.extend(page.items.iter().map(card));
            after = page.next;
            if after.is_none() || cards.len() > wanted.limit {
                return Ok(Seen { size, value: cards });
            }
        }
    }

    fn history(&self, stream: &str, at: At) -> Result<Seen<Vec<u64>>, BooksFault> {
        let (reads, size) = self.at(at)?;
        Ok(Seen { size, value: history(reads, stream, size)? })
    }

    fn timeline(&self, no: &GuaranteeNo, at: At, most: usize) -> Result<Seen<Option<Timeline>>, BooksFault> {
        let (reads, size) = self.at(at)?;
        let steps = reads.timeline_at(&format!("guarantee/{no}"), size, most)?;
        let quota =
            |stream: &Stream| stream.guarantee().map(|state| (state.limit().get(), state.available().get()));
        let Some(state) = steps.last().and_then(|(_, stream)| stream.guarantee().cloned()) else {
            return Ok(Seen { size, value: None });
        };
        let standing: Standing = state.standing(at.day);
        let steps = steps.iter().map(|(index, stream)| (*index, quota(stream))).collect();
        Ok(Seen { size, value: Some(Timeline { state, standing, steps }) })
    }

    fn quota(&self, debtor: &Ubn, at: At) -> Result<Seen<Quota>, BooksFault> {
        let (reads, size) = self.at(at)?;
        let quota = reads.quota_at(debtor, size, at.day)?;
        let filter = Filter { debtor: Some(*debtor), ..Filter::default() };
        let (mut guarantees, mut after) = (Vec::new(), None);
        loop {
            let page = reads.guarantees_at(&filter, after.as_ref(), LISTED_MAX, size, at.day)?;
            let live = page.items.iter().filter(|found| !found.state.status().has_ended());
            guarantees.extend(live.map(card));
            after = page.next;
            if after.is_none() || guarantees.len() >= LISTED_MAX {
                break;
            }
        }
        let value = Quota {
            limit: quota.limit.get(),
            outstanding: quota.outstanding.get(),
            available: quota.available.get(),
            scheme_suspended: quota.scheme_suspended,
            guarantees,
        };
        Ok(Seen { size, value })
    }

    fn exposure(&self, bank: &BankCode, at: At) -> Result<Seen<Option<Exposure>>, BooksFault> {
        let (reads, size) = self.at(at)?;
        Ok(Seen { size, value: reads.exposure_at(*bank, size)? })
    }

    fn keys(&self, at: At) -> Result<Seen<Vec<KeyRow>>, BooksFault> {
        let (reads, size) = self.at(at)?;
        Ok(Seen { size, value: reads.keys_at(size)? })
    }

    fn completeness(&self, stream: &str) -> Result<Option<Completeness>, BooksFault> {
        let Some((number, epoch)) = self.last_epoch()?.filter(|(number, _)| *number > 0) else {
            return Ok(None);
        };
        let reads = self.reads()?;
        // The pages of the map are one epoch's; while a newer one comes in, ask again.
        let proof = reads.prove(stream, &epoch.map)?.ok_or(BooksFault::Behind)?;
        let found = reads.stream_at(stream, epoch.size)?;
        Ok(Some(Completeness {
            epoch: number,
            size: epoch.size,
            map: epoch.map,
            proof,
            version: found.as_ref().map_or(0, |found| found.version),
            logged: found.as_ref().map_or(0, |found| found.logged),
            acc: found.as_ref().map_or(Digest::ZERO, |found| found.acc),
            state: found.as_ref().and_then(Stream::state_value),
            state_digest: found.as_ref().map_or(Digest::ZERO, Stream::state_digest),
            entries: history(reads, stream, epoch.size)?,
        }))
    }

    fn epoch_size(&self, number: u64) -> Result<Option<u64>, BooksFault> {
        let key = stored::epoch_row(number);
        let value = self.shadow.get(Table::State, &key).map_err(PastFault::Row)?;
        let epoch =
            value.map(|value| stored::decode_epoch(&key, &value)).transpose().map_err(PastFault::Row)?;
        Ok(epoch.map(|epoch| epoch.size))
    }

    fn try_out(&self, envelope: &[u8], now_ms: u64) -> Result<Seen<Result<Verdict, Rejection>>, BooksFault> {
        for _ in 0..TRIALS_MAX {
            let tried = self.try_once(envelope, now_ms);
            // What was judged while rows moved on was judged on two moments at once.
            if let Ok(seen) = &tried
                && seen.size == self.shadow.reached()
            {
                return tried;
            }
        }
        Err(BooksFault::Behind)
    }

    fn public_key(&self, id: &Digest) -> Option<PublicKey> {
        let key = stored::key_row(id);
        if let Some(value) = self.shadow.get(Table::State, &key).ok()? {
            return stored::decode_key(&key, &value).ok();
        }
        let opening = self.reads().ok()?.opening();
        let own = [opening.system_log, opening.system_admission];
        opening.roots.iter().map(|(_, key)| *key).chain(own).find(|key| key.id() == *id)
    }

    fn ask(&self, at: At, question: &mut Question<'_>) -> Result<u64, BooksFault> {
        let (reads, size) = self.at(at)?;
        question(&reads.at(size)?)?;
        Ok(size)
    }

    fn epochs(&self) -> Result<EpochsSeen, BooksFault> {
        let last = self.last_epoch()?;
        let witnesses = self.reads()?.opening().witness_policy.is_some();
        Ok(EpochsSeen { closed: last.map_or(0, |(number, _)| number), witnesses })
    }

    fn identity(&self) -> Identity {
        let Ok(reads) = self.reads() else { return Identity::default() };
        let opening = reads.opening();
        let ledger =
            self.reader.head().ledger().map_or_else(String::new, |leaf| ledger_id(&opening.name, &leaf));
        Identity { ledger, synthetic: opening.synthetic }
    }

    fn reached(&self) -> u64 {
        self.shadow.reached()
    }
}

/// All entries below `size` that name a stream, ascending.
fn history(reads: &PastReads, stream: &str, size: u64) -> Result<Vec<u64>, BooksFault> {
    let (mut entries, mut below) = (Vec::new(), Some(size));
    while let Some(size) = below {
        let page = reads.history_at(stream, size, PAGE)?;
        entries.extend(page.items.iter().map(|(index, _)| *index));
        below = page.next;
    }
    entries.reverse();
    Ok(entries)
}
