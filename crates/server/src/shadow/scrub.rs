//! The scrub: every row of the shadow beside the same row of a second, fresh fold.
//! Invariant: it begins at one `reached` and judges only rows that were not written after it, so a
//! projector may go on meanwhile; it changes nothing.
//! Limits: it remembers up to a million keys written meanwhile, 8 bytes each; a row that shares
//! those 8 bytes of hash with one of them is passed over this time.

use std::{cmp::Ordering, iter::Peekable, vec};

use foldhash::HashSet;
use lian_core::hash::{Digest, checksum, hex_encode};
use lian_domain::{
    ledger::stored::checks_itself,
    rows::{RowFault, Rows, Table},
};

use super::{Batch, Fault, PAGE_ROWS, Shadow};

/// Keys written during a scrub that it can bear.
pub const TOUCHED_MAX: usize = 1 << 20;
/// Tag of the short hash of a key.
const TAG: &[u8] = b"lian/touched/v1\n";

/// A row of either table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRow {
    /// Where.
    pub table: Table,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

/// The first row that differs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the row {} of {table:?} is {}", hex_encode(key), spell(*kept, *wanted))]
pub struct Difference {
    /// Where.
    pub table: Table,
    /// Its key.
    pub key: Vec<u8>,
    /// Whether the shadow has it.
    pub kept: bool,
    /// Whether the fold has it.
    pub wanted: bool,
}

fn spell(kept: bool, wanted: bool) -> &'static str {
    match (kept, wanted) {
        (true, true) => "not what the entries make of it",
        (false, _) => "missing",
        (true, false) => "one that no entry makes",
    }
}

/// How far a scrub is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scrubbed {
    /// There are more rows.
    More,
    /// All rows are what the entries make of them.
    Done {
        /// Rows that were compared.
        compared: u64,
    },
}

/// Why a scrub ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScrubStop {
    /// A row differs: the shadow must be made again.
    #[error(transparent)]
    Differs(#[from] Difference),
    /// A row cannot be read: the shadow must be made again.
    #[error(transparent)]
    Fault(#[from] RowFault),
    /// The fresh fold failed.
    #[error("the fold to compare with failed: {0}")]
    Fold(String),
    /// The shadow was made again, or more keys were written than it can remember: begin again.
    #[error("the scrub must begin again")]
    Again,
}

/// What a scrub must know of the writing that goes on: short hashes of the keys written since.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The number of the running scrub; another one ends it.
    turn: u64,
    touched: Option<HashSet<[u8; 8]>>,
}

impl Watch {
    pub(super) fn note(&mut self, batch: &Batch) {
        let Some(touched) = &mut self.touched else {
            return;
        };
        touched.extend(batch.keys().map(|(table, key)| short(table, key)));
        if touched.len() > TOUCHED_MAX {
            self.begin_again();
        }
    }

    pub(super) fn begin_again(&mut self) {
        self.turn += 1;
        self.touched = None;
    }
}

fn short(table: Table, key: &[u8]) -> [u8; 8] {
    checksum(TAG, &[&[u8::from(table == Table::History)], key])
}

/// A scrub that has begun. One runs at a time; a second one ends the first.
#[derive(Debug)]
pub struct Scrub<'a> {
    shadow: &'a Shadow,
    turn: u64,
    reached: u64,
    link: Digest,
    kept: Peekable<Walk<'a>>,
    compared: u64,
}

impl Shadow {
    /// Begins a scrub of what the rows are now, but for those that check themselves. Fold the log afresh to [`Scrub::reached`], and give
    /// the rows of that fold to [`Scrub::slice`].
    pub fn scrub(&self) -> Result<Scrub<'_>, RowFault> {
        let mut watch = self.lock_writing();
        let binding = self.binding()?;
        watch.begin_again();
        watch.touched = Some(HashSet::default());
        let kept = Walk::new(self, checks_itself).peekable();
        let (reached, link) = (binding.reached, binding.link);
        Ok(Scrub { shadow: self, turn: watch.turn, reached, link, kept, compared: 0 })
    }
}

impl Shadow {
    /// The rows that a scrub of another shadow compares with: all that do not check themselves.
    pub fn rows_to_compare(&self) -> impl Iterator<Item = Result<KeptRow, RowFault>> + '_ {
        Walk::new(self, checks_itself)
    }

    /// Ends the use of these rows: somebody found that they are not what the entries make of them.
    pub fn condemn(&self, difference: &Difference) {
        // The first reason stays.
        let _known = self.using::<()>(|_| Err(Fault::Differs(difference.clone())));
    }
}

impl Scrub<'_> {
    /// Entries that the fold to compare with must cover.
    pub fn reached(&self) -> u64 {
        self.reached
    }

    /// Link of the leaf of the last of them.
    pub fn link(&self) -> Digest {
        self.link
    }

    /// Compares up to `most` rows and goes on where it left off. `wanted` gives the rows of the
    /// fresh fold, State before History, keys ascending, over all slices once.
    pub fn slice<E: ToString>(
        &mut self,
        wanted: &mut Peekable<impl Iterator<Item = Result<KeptRow, E>>>,
        most: usize,
    ) -> Result<Scrubbed, ScrubStop> {
        for _ in 0..most {
            if let Some(Err(error)) = wanted.peek() {
                return Err(ScrubStop::Fold(error.to_string()));
            }
            if let Some(Err(fault)) = self.kept.peek() {
                return Err(fault.clone().into());
            }
            let order = match (self.kept.peek(), wanted.peek()) {
                (Some(Ok(kept)), Some(Ok(wanted))) => place(kept).cmp(&place(wanted)),
                (Some(_), _) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => {
                    self.still_this_one()?;
                    return Ok(Scrubbed::Done { compared: self.compared });
                }
            };
            let kept = if order.is_le() { self.kept.next().and_then(Result::ok) } else { None };
            let wanted = if order.is_ge() { wanted.next().and_then(Result::ok) } else { None };
            self.compared += 1;
            if kept != wanted {
                self.judge(kept.as_ref(), wanted.as_ref())?;
            }
        }
        self.still_this_one()?;
        Ok(Scrubbed::More)
    }

    /// Whether a row that differs was written since the scrub began.
    fn judge(&self, kept: Option<&KeptRow>, wanted: Option<&KeptRow>) -> Result<(), ScrubStop> {
        let difference = |row: &KeptRow| Difference {
            table: row.table,
            key: row.key.clone(),
            kept: kept.is_some(),
            wanted: wanted.is_some(),
        };
        let Some(difference) = kept.or(wanted).map(difference) else {
            return Ok(());
        };
        let watch = self.shadow.lock_writing();
        match &watch.touched {
            Some(touched) if watch.turn == self.turn => {
                let excused = touched.contains(&short(difference.table, &difference.key));
                if excused { Ok(()) } else { Err(difference.into()) }
            }
            _ => Err(ScrubStop::Again),
        }
    }

    fn still_this_one(&self) -> Result<(), ScrubStop> {
        let same = self.shadow.lock_writing().turn == self.turn;
        if same { Ok(()) } else { Err(ScrubStop::Again) }
    }
}

fn place(row: &KeptRow) -> (Table, &[u8]) {
    (row.table, &row.key)
}

/// All rows of a shadow, a page at a time.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    shadow: &'a Shadow,
    /// Rows that are passed over.
    without: fn(&[u8]) -> bool,
    table: Option<Table>,
    next: Vec<u8>,
    page: vec::IntoIter<(Vec<u8>, Vec<u8>)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(shadow: &'a Shadow, without: fn(&[u8]) -> bool) -> Self {
        Self { shadow, without, table: Some(Table::State), next: Vec::new(), page: Vec::new().into_iter() }
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<KeptRow, RowFault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let table = self.table?;
            if let Some((key, value)) = self.page.next() {
                self.next.clone_from(&key);
                self.next.push(0);
                if table == Table::State && (self.without)(&key) {
                    continue;
                }
                return Some(Ok(KeptRow { table, key, value }));
            }
            match self.shadow.range(table, &[], &self.next, PAGE_ROWS) {
                Ok(page) if page.is_empty() => {
                    self.table = (table == Table::State).then_some(Table::History);
                    self.next.clear();
                }
                Ok(page) => self.page = page.into_iter(),
                Err(fault) => {
                    self.table = None;
                    return Some(Err(fault));
                }
            }
        }
    }
}

impl Drop for Scrub<'_> {
    fn drop(&mut self) {
        let mut watch = self.shadow.lock_writing();
        if watch.turn == self.turn {
            watch.touched = None;
        }
    }
}
