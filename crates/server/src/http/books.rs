//! What is derived from the log, as the pages and the interface ask for it. `Books` is what they
//! ask; `FoldedBooks` answers from a fold kept in memory.
//! Invariant: an answer holds for one size of the log, and says which.
//! Limits of `FoldedBooks`: the present is caught up when it is asked for; a past moment is folded
//! anew from entry 0, one at a time.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use lian_core::{
    audit::Place, entry::Verdict, hash::Digest, json::Value, keys::PublicKey, map::MapProof, merkle::range_at,
};
use lian_domain::{
    dates::Day,
    guarantee::{Standing, State},
    ids::{BankCode, GuaranteeNo, Ubn},
    ledger::{Ledger, Unlogged},
    rejection::Rejection,
    views::{
        guarantees::{Exposure, Row, bank_exposure, company_quota, rows},
        keys::{self, KeyRow},
        past::PastFault,
        streams::Streams,
    },
};
use lian_store::reader::Reader;

use super::problem::{Code, Problem};
use crate::{
    admit::{KeyBook, admit},
    open::Fold,
    peek,
};

/// A moment of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// Entries that count.
    pub size: u64,
    /// The civil day (+08:00) for which standings are computed.
    pub day: Day,
    /// The present was asked for: more entries may count than `size`.
    pub present: bool,
}

/// An answer, and the size of the log that it holds for.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen<T> {
    /// Entries that count.
    pub size: u64,
    /// The answer.
    pub value: T,
}

/// One guarantee.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// Its number.
    pub no: String,
    /// Accepted events.
    pub version: u64,
    /// Last entry that names it.
    pub last: u64,
    /// Status on the day asked for.
    pub status: Standing,
    /// Its name.
    pub standing: &'static str,
    /// Bank that stands for it.
    pub bank: String,
    /// Company whose duty it secures.
    pub debtor: String,
    /// Limit, NT$.
    pub limit: u64,
    /// Owed on it, NT$.
    pub outstanding: u64,
    /// May still be drawn, NT$.
    pub available: u64,
    /// The whole state.
    pub state: Value<'static>,
}

impl Card {
    /// Of the stream of this name, as it stands.
    pub fn of(stream: &str, state: &State, status: Standing, version: u64, last: u64) -> Self {
        Self {
            no: stream.strip_prefix("guarantee/").unwrap_or(stream).to_owned(),
            version,
            last,
            status,
            standing: status.name(),
            bank: state.bank().to_string(),
            debtor: state.terms().debtor.to_string(),
            limit: state.limit().get(),
            outstanding: state.outstanding().get(),
            available: state.available().get(),
            state: state.to_value(),
        }
    }
}

/// Which guarantees are listed.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this status.
    pub status: Option<String>,
    /// Of this bank.
    pub bank: Option<BankCode>,
    /// Of this company.
    pub debtor: Option<Ubn>,
    /// With larger numbers than this.
    pub after: Option<String>,
    /// So many of them.
    pub limit: usize,
}

/// What a company may still import before it pays.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    /// Sum of the limits that may be drawn on, NT$.
    pub limit: u64,
    /// Owed on all, NT$.
    pub outstanding: u64,
    /// May still be drawn, NT$.
    pub available: u64,
    /// Nothing may be drawn whatever the sums say.
    pub scheme_suspended: bool,
    /// Its guarantees that have not ended.
    pub guarantees: Vec<Card>,
}

/// That these are all entries of a stream, and its state, under the map of an epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Completeness {
    /// Number of the epoch.
    pub epoch: u64,
    /// Entries that it covers; `epoch.closed` is the entry of this index.
    pub size: u64,
    /// Root of the epoch map.
    pub map: Digest,
    /// The path in it.
    pub proof: MapProof,
    /// Accepted events.
    pub version: u64,
    /// Statements that name it.
    pub logged: u64,
    /// Accumulator over them.
    pub acc: Digest,
    /// Its state, if it has one.
    pub state: Option<Value<'static>>,
    /// Digest of that.
    pub state_digest: Digest,
    /// All entries that name it.
    pub entries: Vec<u64>,
}

/// A guarantee from entry to entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// Its state at the end.
    pub state: State,
    /// Status on the day asked for.
    pub standing: Standing,
    /// Entries that name it, ascending, and after each its limit and what could still be drawn, NT$;
    /// none where only the end is known.
    pub steps: Vec<(u64, Option<(u64, u64)>)>,
}

/// The epochs of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochsSeen {
    /// Closed since entry 0.
    pub closed: u64,
    /// True if the ledger asks witnesses.
    pub witnesses: bool,
}

/// Which ledger this is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// `<name>#<hash of entry 0>`; empty before there is one.
    pub ledger: String,
    /// True if its data are invented.
    pub synthetic: bool,
}

/// The standing of this name.
pub fn standing_of(name: &str) -> Option<Standing> {
    use Standing::{
        Active, Closed, Exhausted, Expired, NotYetValid, Rejected, Requested, Suspended, Withdrawn,
    };
    let all = [Requested, NotYetValid, Active, Exhausted, Suspended, Expired, Closed, Rejected, Withdrawn];
    all.into_iter().find(|standing| standing.name() == name)
}

/// Why the books do not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BooksFault {
    /// They are being made again, or far behind.
    #[error("the books are behind")]
    Behind,
    /// What they rest on cannot be read.
    #[error("the books cannot be read: {0}")]
    Unread(String),
}

impl From<BooksFault> for Problem {
    fn from(fault: BooksFault) -> Self {
        match fault {
            BooksFault::Behind => Self::again(Code::NotReady, 5),
            BooksFault::Unread(what) => Self::internal(&what),
        }
    }
}

/// What is asked of all streams of a moment.
pub type Question<'q> = dyn FnMut(&dyn Streams) -> Result<(), PastFault> + 'q;

/// What a view gives over the streams of a moment.
pub fn view<T>(
    books: &dyn Books,
    at: At,
    make: impl FnOnce(&dyn Streams) -> Result<T, PastFault>,
) -> Result<Seen<T>, BooksFault> {
    let (mut make, mut made) = (Some(make), None);
    let size = books.ask(at, &mut |streams| {
        if let Some(make) = make.take() {
            made = Some(make(streams)?);
        }
        Ok(())
    })?;
    let value = made.ok_or_else(|| BooksFault::Unread("a question was not put".to_owned()))?;
    Ok(Seen { size, value })
}

/// Reads of what is derived from the log.
pub trait Books: Send + Sync {
    /// One guarantee; none if it was not requested then.
    fn guarantee(&self, no: &GuaranteeNo, at: At) -> Result<Seen<Option<Card>>, BooksFault>;
    /// Guarantees, ascending by number; at most one more than the limit.
    fn guarantees(&self, wanted: &Wanted, at: At) -> Result<Seen<Vec<Card>>, BooksFault>;
    /// Entries that name a stream, ascending; none if nothing names it.
    fn history(&self, stream: &str, at: At) -> Result<Seen<Vec<u64>>, BooksFault>;
    /// The quota of a company.
    fn quota(&self, debtor: &Ubn, at: At) -> Result<Seen<Quota>, BooksFault>;
    /// What a bank stands for; none if it never stood for anything.
    fn exposure(&self, bank: &BankCode, at: At) -> Result<Seen<Option<Exposure>>, BooksFault>;
    /// Every key that was ever enrolled.
    fn keys(&self, at: At) -> Result<Seen<Vec<KeyRow>>, BooksFault>;
    /// The proof of a stream under the last closed epoch; none before there is one.
    fn completeness(&self, stream: &str) -> Result<Option<Completeness>, BooksFault>;
    /// Entries that an epoch covers; none if it is not closed.
    fn epoch_size(&self, number: u64) -> Result<Option<u64>, BooksFault>;
    /// What admission and the rules would say of an envelope that came at that moment (Unix
    /// milliseconds); nothing changes. Its digest and its id are looked up elsewhere.
    fn try_out(&self, envelope: &[u8], now_ms: u64) -> Result<Seen<Result<Verdict, Rejection>>, BooksFault>;
    /// How a guarantee went over the last `most` entries that name it; none if it was not requested.
    fn timeline(&self, no: &GuaranteeNo, at: At, most: usize) -> Result<Seen<Option<Timeline>>, BooksFault>;
    /// Puts a question to the streams as they stood at a moment; gives the size that they stood at.
    fn ask(&self, at: At, question: &mut Question<'_>) -> Result<u64, BooksFault>;
    /// The epochs so far.
    fn epochs(&self) -> Result<EpochsSeen, BooksFault>;
    /// Which ledger this is.
    fn identity(&self) -> Identity;
    /// An enrolled key by its id.
    fn public_key(&self, id: &Digest) -> Option<PublicKey>;
    /// Entries that the books have reached.
    fn reached(&self) -> u64;
}

/// Books by folds of the whole log, in memory.
pub struct FoldedBooks {
    reader: Reader,
    now: Mutex<Fold>,
    /// Folded exactly to the last closed epoch, for its map.
    epoch: Mutex<Fold>,
    past: Mutex<Fold>,
    reached: AtomicU64,
    keys: KeyBook,
}

fn lock(fold: &Mutex<Fold>) -> MutexGuard<'_, Fold> {
    fold.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(fold: &mut Fold, reader: &Reader, size: u64) -> Result<(), BooksFault> {
    fold.run(reader, size, &mut |_| ()).map_err(|fault| BooksFault::Unread(fault.to_string()))
}

impl FoldedBooks {
    /// Nothing is folded until it is asked for.
    pub fn new(reader: Reader) -> Self {
        // Of ids of statements nothing is kept: none is valid at the end of time.
        let fold = || Mutex::new(Fold::new(i64::MAX));
        Self {
            reader,
            now: fold(),
            epoch: fold(),
            past: fold(),
            reached: AtomicU64::new(0),
            keys: KeyBook::default(),
        }
    }

    fn present(&self) -> Result<MutexGuard<'_, Fold>, BooksFault> {
        let mut now = lock(&self.now);
        // A head ends with a batch, so that the fold can go on from there.
        let size = self.reader.head().size();
        if now.ledger.size() < size {
            run(&mut now, &self.reader, size)?;
        }
        self.reached.store(now.ledger.size(), Ordering::SeqCst);
        Ok(now)
    }

    fn with<T>(&self, at: At, read: impl FnOnce(&Ledger) -> T) -> Result<Seen<T>, BooksFault> {
        let now = self.present()?;
        if at.present || now.ledger.size() == at.size {
            return Ok(Seen { size: now.ledger.size(), value: read(&now.ledger) });
        }
        drop(now);
        let mut past = lock(&self.past);
        if past.ledger.size() != at.size {
            // A cut within a batch cannot be gone on from.
            *past = Fold::new(i64::MAX);
            run(&mut past, &self.reader, at.size)?;
        }
        Ok(Seen { size: at.size, value: read(&past.ledger) })
    }
}

fn card(row: &Row<'_>) -> Card {
    Card::of(row.stream, row.state, row.standing, row.version, row.last)
}

impl Books for FoldedBooks {
    fn guarantee(&self, no: &GuaranteeNo, at: At) -> Result<Seen<Option<Card>>, BooksFault> {
        let name = format!("guarantee/{no}");
        self.with(at, |ledger| {
            let stream = ledger.stream(&name)?;
            let state = stream.guarantee()?;
            let standing = state.standing(at.day);
            Some(card(&Row { stream: &name, state, standing, version: stream.version, last: stream.last }))
        })
    }

    fn guarantees(&self, wanted: &Wanted, at: At) -> Result<Seen<Vec<Card>>, BooksFault> {
        self.with(at, |ledger| {
            let fits = |card: &Card| {
                wanted.status.as_deref().is_none_or(|status| card.standing == status)
                    && wanted.bank.is_none_or(|bank| card.bank == bank.as_str())
                    && wanted.debtor.is_none_or(|debtor| card.debtor == debtor.as_str())
                    && wanted.after.as_deref().is_none_or(|after| card.no.as_str() > after)
            };
            rows(ledger, at.day).iter().map(card).filter(fits).take(wanted.limit + 1).collect()
        })
    }

    fn history(&self, stream: &str, at: At) -> Result<Seen<Vec<u64>>, BooksFault> {
        let walked = self.with(at, |ledger| peek::history(&self.reader, ledger, stream))?;
        let value = walked.value.map_err(|fault| BooksFault::Unread(fault.to_string()))?;
        Ok(Seen { size: walked.size, value })
    }

    fn quota(&self, debtor: &Ubn, at: At) -> Result<Seen<Quota>, BooksFault> {
        self.with(at, |ledger| {
            let quota = company_quota(ledger, debtor, at.day);
            Quota {
                limit: quota.limit.get(),
                outstanding: quota.outstanding.get(),
                available: quota.available.get(),
                scheme_suspended: quota.scheme_suspended,
                guarantees: quota.guarantees.iter().map(card).collect(),
            }
        })
    }

    fn exposure(&self, bank: &BankCode, at: At) -> Result<Seen<Option<Exposure>>, BooksFault> {
        self.with(at, |ledger| bank_exposure(ledger, at.day).remove(bank.as_str()))
    }

    fn keys(&self, at: At) -> Result<Seen<Vec<KeyRow>>, BooksFault> {
        self.with(at, keys::keys)
    }

    fn completeness(&self, stream: &str) -> Result<Option<Completeness>, BooksFault> {
        let last = {
            let now = self.present()?;
            let epochs = now.ledger.epochs();
            let last = epochs.last().filter(|_| epochs.len() > 1);
            last.map(|last| (epochs.len() as u64 - 1, last.size, last.map))
        };
        let Some((epoch, size, map)) = last else { return Ok(None) };
        let mut fold = lock(&self.epoch);
        if fold.ledger.size() > size {
            *fold = Fold::new(i64::MAX);
        }
        run(&mut fold, &self.reader, size)?;
        let proof = fold.ledger.prove_stream(stream);
        let entries = peek::history(&self.reader, &fold.ledger, stream);
        let entries = entries.map_err(|fault| BooksFault::Unread(fault.to_string()))?;
        let found = fold.ledger.stream(stream);
        Ok(Some(Completeness {
            epoch,
            size,
            map,
            proof,
            version: found.map_or(0, |found| found.version),
            logged: found.map_or(0, |found| found.logged),
            acc: found.map_or(Digest::ZERO, |found| found.acc),
            state: found.and_then(lian_domain::ledger::Stream::state_value),
            state_digest: found.map_or(Digest::ZERO, lian_domain::ledger::Stream::state_digest),
            entries,
        }))
    }

    fn epoch_size(&self, number: u64) -> Result<Option<u64>, BooksFault> {
        let now = self.present()?;
        let epoch = usize::try_from(number).ok().and_then(|number| now.ledger.epochs().get(number));
        Ok(epoch.map(|epoch| epoch.size))
    }

    fn try_out(&self, envelope: &[u8], now_ms: u64) -> Result<Seen<Result<Verdict, Rejection>>, BooksFault> {
        let mut now = self.present()?;
        let ledger = &mut now.ledger;
        self.keys.renew(ledger);
        trial(ledger, &self.keys, &self.reader, envelope, now_ms)
    }

    fn timeline(&self, no: &GuaranteeNo, at: At, most: usize) -> Result<Seen<Option<Timeline>>, BooksFault> {
        let stream = format!("guarantee/{no}");
        let mut steps = self.history(&stream, at)?.value;
        steps.drain(..steps.len().saturating_sub(most));
        self.with(at, |ledger| {
            let state = ledger.guarantee(&stream)?.clone();
            let standing = state.standing(at.day);
            // Only the end is in memory; the rows know the way.
            let end = Some((state.limit().get(), state.available().get()));
            let last = steps.len().saturating_sub(1);
            let step = |(at, index): (usize, &u64)| (*index, end.filter(|_| at == last));
            let steps = steps.iter().enumerate().map(step).collect();
            Some(Timeline { state, standing, steps })
        })
    }

    fn ask(&self, at: At, question: &mut Question<'_>) -> Result<u64, BooksFault> {
        let seen = self.with(at, |ledger| question(ledger))?;
        seen.value?;
        Ok(seen.size)
    }

    fn epochs(&self) -> Result<EpochsSeen, BooksFault> {
        let now = self.present()?;
        let witnesses = now.ledger.opening().is_some_and(|opening| opening.witness_policy.is_some());
        Ok(EpochsSeen { closed: (now.ledger.epochs().len() as u64).saturating_sub(1), witnesses })
    }

    fn identity(&self) -> Identity {
        let Ok(now) = self.present() else { return Identity::default() };
        let synthetic = now.ledger.opening().is_some_and(|opening| opening.synthetic);
        Identity { ledger: now.ledger.id().to_owned(), synthetic }
    }

    fn public_key(&self, id: &Digest) -> Option<PublicKey> {
        Some(self.present().ok()?.ledger.directory().key(id)?.public)
    }

    fn reached(&self) -> u64 {
        self.reached.load(Ordering::SeqCst)
    }
}

/// What admission and the rules say of an envelope on this state, which covers a size of the log.
pub(super) fn trial(
    ledger: &mut Ledger,
    keys: &KeyBook,
    reader: &Reader,
    envelope: &[u8],
    now_ms: u64,
) -> Result<Seen<Result<Verdict, Rejection>>, BooksFault> {
    let size = ledger.size();
    let statement = match admit(envelope, keys) {
        Ok(statement) => statement,
        Err(turned) => return Ok(Seen { size, value: Err(turned.rejection) }),
    };
    let unread = |error: &dyn std::fmt::Display| BooksFault::Unread(error.to_string());
    let tree = reader.tree(size).map_err(|error| unread(&error))?;
    let tree = range_at(size, &tree).map_err(|error| unread(&error))?;
    let recorded_at = now_ms.max(ledger.recorded_at());
    let place = Place { index: size, recorded_at, tree: &tree, batch_first: true };
    let value = match ledger.try_out(&place, statement.filing()) {
        Ok(verdict) => Ok(verdict),
        Err(Unlogged::Rejected(rejection)) => Err(rejection),
        Err(Unlogged::Rows(_)) => return Err(BooksFault::Behind),
        Err(other) => return Err(unread(&other)),
    };
    Ok(Seen { size, value })
}
