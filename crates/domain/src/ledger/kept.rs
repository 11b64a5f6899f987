//! The overlay over rows: what of the state is in memory, what changed since the last step, and
//! what may be forgotten.
//! Invariant: a stream, count or sum that is not in memory is in the rows as it is now; once a row
//! cannot be believed nothing is judged any more.
//! Limits: about 100,000 streams in memory, and those that rows or the map do not hold yet.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, OnceLock},
};

use foldhash::HashMap;
use lian_core::{audit::Place, frame::NO_PREVIOUS, hash::Digest, keys::PublicKey};
use smallvec::SmallVec;

use super::{
    Ledger, STREAMS_USUAL, Stream,
    laid::{laid_at, laid_row},
    opens::{Opens, is_open},
    sheets::Sheets,
    step::PAGES_A_STEP,
    stored::{
        SNAPSHOT_EVERY, Tally, decode_refusals, decode_stream, decode_tally, fault, index_rows, key_row,
        refusals_row, stream_row, tally_row,
    },
    sums::{Parts, parts},
};
use crate::{
    clearance::Moment,
    filing::{Fact, Filing},
    ids::DeclarationNo,
    registry::{Event as RegistryEvent, Opening},
    rows::{Row, RowFault, Rows, Table},
};

/// Streams in memory although rows hold them.
pub const STREAMS_HELD_MAX: usize = 100_000;
/// Slots that one judgement looks at for something to forget.
const LOOKED_AT: usize = 64;

/// Pages of the map that wait for their steps, the deepest first: a page is written before any page
/// that names it, so that an interruption leaves nothing unnamed missing.
#[derive(Debug)]
pub(super) struct WaitingPages {
    /// Pages in one step.
    pub a_step: usize,
    pub waiting: BTreeMap<(u8, Vec<u8>), Vec<u8>>,
    /// Mark of the newest update, and the size that it covers.
    pub update: (u64, u64),
    /// The size up to which the pages in rows and steps are whole.
    pub whole: u64,
    /// Steps after which pages up to a mark are in the rows.
    pub marks: VecDeque<(u64, u64)>,
}

/// What is counted of one stream.
#[derive(Debug, Default)]
struct Counted {
    parts: Parts,
    open: bool,
    laid: Option<Moment>,
}

impl Counted {
    fn of(stream: &Stream) -> Self {
        Self { parts: parts(stream), open: is_open(stream), laid: laid_at(stream) }
    }
}

/// All that is known where rows hold the state.
#[derive(Debug)]
pub(super) struct Kept {
    pub rows: Arc<dyn Rows>,
    fault: OnceLock<RowFault>,
    /// Entries that rows hold.
    pub reached: u64,
    /// Entries that steps hold.
    pub taken: u64,
    pub streams_max: usize,
    hand: usize,
    /// Slots without a stream.
    pub free: Vec<usize>,
    /// Slots of streams that changed since the last step.
    pub unsaved: Vec<usize>,
    /// Streams as they stood after each 64th statement.
    pub snapshots: Vec<Stream>,
    /// Counts by declaration, with the entry that changed them; zero is known to be none.
    tallies: HashMap<(Tally, DeclarationNo), (u32, u64)>,
    tallies_by_age: VecDeque<(u64, (Tally, DeclarationNo))>,
    pub unsaved_tallies: BTreeMap<(Tally, DeclarationNo), u32>,
    pub unsaved_refusals: BTreeMap<Digest, (i64, u64)>,
    /// Rows that are written once: keys and indexes.
    pub made: Vec<Row>,
    /// What the streams of the statement at hand were counted for before it.
    before: SmallVec<[Counted; STREAMS_USUAL]>,
    pub sheets: Sheets,
    pub opens: Opens,
    pub pages: WaitingPages,
}

impl Kept {
    pub fn new(rows: Arc<dyn Rows>) -> Self {
        Self {
            rows,
            fault: OnceLock::new(),
            reached: 0,
            taken: 0,
            streams_max: STREAMS_HELD_MAX,
            hand: 0,
            free: Vec::new(),
            unsaved: Vec::new(),
            snapshots: Vec::new(),
            tallies: HashMap::default(),
            tallies_by_age: VecDeque::new(),
            unsaved_tallies: BTreeMap::new(),
            unsaved_refusals: BTreeMap::new(),
            made: Vec::new(),
            before: SmallVec::new(),
            sheets: Sheets::default(),
            opens: Opens::default(),
            pages: WaitingPages {
                a_step: PAGES_A_STEP,
                waiting: BTreeMap::new(),
                update: (0, 0),
                whole: 0,
                marks: VecDeque::new(),
            },
        }
    }

    /// Keeps a fault for the end of the judgement, where no result can carry it.
    pub fn noting<T>(&self, result: Result<T, RowFault>) -> Option<T> {
        result
            .map_err(|fault| {
                // The first one counts.
                let _ = self.fault.set(fault);
            })
            .ok()
    }

    /// A stream as rows hold it.
    pub fn read(&self, name: &str, opening: Option<&Opening>) -> Result<Option<Stream>, RowFault> {
        let value = self.rows.get(Table::State, &stream_row(name))?;
        value.map(|value| decode_stream(name, &value, opening)).transpose()
    }

    /// What is counted for a declaration.
    pub fn tally(&self, counted: &(Tally, DeclarationNo)) -> u32 {
        if let Some((count, _)) = self.tallies.get(counted) {
            return *count;
        }
        let key = tally_row(counted);
        let value = self.noting(self.rows.get(Table::State, &key)).flatten();
        value.and_then(|value| self.noting(decode_tally(&key, &value))).unwrap_or_default()
    }

    /// Entry `index` changes a count.
    pub fn change_tally(&mut self, counted: (Tally, DeclarationNo), by: i32, index: u64) {
        let Some(count) = self.tally(&counted).checked_add_signed(by) else {
            let broken = fault(&tally_row(&counted), "what ends was not counted");
            self.noting::<()>(Err(broken));
            return;
        };
        self.tallies.insert(counted, (count, index));
        self.tallies_by_age.push_back((index, counted));
        self.unsaved_tallies.insert(counted, count);
    }

    /// A stream is as entry `stream.last` left it.
    pub fn stream_recorded(&mut self, at: usize, stream: &mut Stream) {
        stream.hot = true;
        if !stream.unsaved {
            stream.unsaved = true;
            self.unsaved.push(at);
        }
        if stream.logged.is_multiple_of(SNAPSHOT_EVERY) {
            self.snapshots.push(stream.clone());
        }
    }

    /// The refusals of a key on that day.
    pub fn refusal_recorded(&mut self, key: Digest, day: i64, count: u64) {
        self.unsaved_refusals.insert(key, (day, count));
    }

    /// Takes note of what an accepted statement changed besides its streams.
    pub fn accepted(
        &mut self,
        place: &Place<'_>,
        filing: &Filing,
        streams: &[Stream],
        by_name: &HashMap<Arc<str>, usize>,
    ) {
        for event in &filing.events {
            if let Fact::Registry(RegistryEvent::KeyEnrolled(enrolment)) = &event.fact {
                let keys = std::iter::once(&enrolment.key).chain(&enrolment.recovery);
                self.made.extend(keys.map(key_of));
            }
        }
        let mut before = std::mem::take(&mut self.before).into_iter();
        for name in &filing.streams {
            let before = before.next().unwrap_or_default();
            let Some(stream) = by_name.get(&**name).map(|at| &streams[*at]) else { continue };
            let after = Counted::of(stream);
            if let (true, Some(state)) = (before.parts.is_empty(), stream.guarantee()) {
                let terms = state.terms();
                let index = index_rows(terms.bank, &terms.debtor, &terms.no);
                self.made.extend(index.map(|key| Row { table: Table::State, key, value: Some(Vec::new()) }));
            }
            let moved = self.sheets.moved(&*self.rows, place.index, &before.parts, &after.parts);
            self.noting(moved);
            if let Some(at) = after.laid.filter(|at| before.laid != Some(*at)) {
                self.made.push(laid_row(name, at, place.index));
            }
            if before.open != after.open {
                let changed = self.opens.changed(&*self.rows, &stream.name, after.open, place.index);
                self.noting(changed);
            }
        }
    }

    /// Rows hold all entries below `reached`.
    pub fn forget(&mut self, reached: u64) {
        self.reached = self.reached.max(reached);
        while let Some((index, counted)) = self.tallies_by_age.pop_front_if(|(index, _)| *index < reached) {
            if self.tallies.get(&counted).is_some_and(|(_, changed)| *changed == index) {
                self.tallies.remove(&counted);
            }
        }
        self.sheets.forget(reached);
        self.opens.forget(reached);
    }
}

fn key_of(public: &PublicKey) -> Row {
    let value = Some(public.as_bytes32().to_vec());
    Row { table: Table::State, key: key_row(&public.id()), value }
}

impl Ledger {
    /// Rows could not be believed at some time: nothing is judged any more.
    pub fn fault(&self) -> Result<(), RowFault> {
        match self.kept.as_ref().and_then(|kept| kept.fault.get()) {
            Some(fault) => Err(fault.clone()),
            None => Ok(()),
        }
    }

    /// Takes into memory what a filing names, and looks for something to forget.
    pub(super) fn fetch(&mut self, filing: &Filing) -> Result<(), RowFault> {
        if self.kept.is_none() {
            return Ok(());
        }
        self.forget_streams();
        for name in filing.streams.iter().map(|name| &**name) {
            self.fetch_stream(name)?;
        }
        for (name, _) in &filing.requires {
            self.fetch_stream(name)?;
        }
        let slots = self.slots(filing);
        let counted =
            |at: &Option<usize>| at.map_or_else(Counted::default, |at| Counted::of(&self.streams[at]));
        let before = slots.iter().map(counted).collect();
        if let Some(kept) = &mut self.kept {
            kept.before = before;
        }
        Ok(())
    }

    /// Takes a stream into memory, if an entry names it; gives its slot.
    pub(super) fn fetch_stream(&mut self, name: &str) -> Result<Option<usize>, RowFault> {
        if let Some(at) = self.by_name.get(name) {
            self.streams[*at].hot = true;
            return Ok(Some(*at));
        }
        let Some(kept) = &self.kept else {
            return Ok(None);
        };
        let read = kept.read(name, self.opening());
        if let Err(fault) = &read {
            kept.noting::<()>(Err(fault.clone()));
        }
        Ok(read?.map(|stream| self.hold(stream)))
    }

    /// Forgets streams that rows and the map hold and that nobody used lately, while there are too
    /// many. The hand goes round, so that each slot has one round to be used again.
    fn forget_streams(&mut self) {
        let Some(kept) = &mut self.kept else {
            return;
        };
        for _ in 0..LOOKED_AT {
            if self.by_name.len() <= kept.streams_max {
                return;
            }
            kept.hand = (kept.hand + 1) % self.streams.len();
            let stream = &mut self.streams[kept.hand];
            let held = stream.last == NO_PREVIOUS || stream.last < kept.reached;
            if std::mem::take(&mut stream.hot) || stream.changed || stream.unsaved || !held {
                continue;
            }
            if self.by_name.remove(&stream.name).is_some() {
                *stream = Stream::new("");
                kept.free.push(kept.hand);
            }
        }
    }

    /// Logged refusals of a key on the civil day of the last refusal that was judged.
    pub(super) fn refusals_of(&mut self, key: &Digest) -> u64 {
        if let (None, Some(kept)) = (self.refusals.get(key), &self.kept) {
            let row = refusals_row(key);
            let value = kept.noting(kept.rows.get(Table::State, &row)).flatten();
            let found = value.and_then(|value| kept.noting(decode_refusals(&row, &value)));
            if let Some((_, count)) = found.filter(|(day, _)| *day == self.refusals_day) {
                self.refusals.insert(*key, count);
            }
        }
        self.refusals.get(key).copied().unwrap_or_default()
    }
}
