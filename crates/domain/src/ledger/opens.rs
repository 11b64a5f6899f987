//! Which streams are open: may still owe something or belong on a board (SPEC.md "Rows").
//! Invariant: a stream is open at a size exactly if its state then is; one row says since which entry a
//! stream is open now, and two rows tell of each time that it was, so that whoever asks for any size
//! reads those that are open then, and few others.
//! Times that are over lie in a tree of halves: each in the smallest span of entries, 2^level of them
//! from a multiple of it on, that holds it whole. A size lies in one span of each level.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use foldhash::HashMap;

use super::{
    Stream,
    restore::each_row,
    stored::{decode_u64, fault, open_row},
};
use crate::{
    cases, clearance, families,
    rows::{Row, RowFault, Rows, Table},
};

/// Levels of spans: 2^64 entries are one of level 64.
const LEVELS: u32 = 64;
/// Rows read at a time.
const ROWS_AT_ONCE: usize = 256;

/// Streams of these beginnings are looked at; others are never open.
pub const FAMILIES: [&str; 3] = ["cargo/", "case/", "draw/"];

/// True if the stream may still owe something or belongs on a board, whatever the rules are and the
/// day is.
pub fn is_open(stream: &Stream) -> bool {
    match stream.family() {
        Some(families::State::Clearance(clearance::State::Cargo(cargo))) => cargo.is_open(),
        Some(families::State::Case(cases::State::Case(case))) => {
            case.status.runs_against_clock() || case.status == cases::Status::TimeBarred
        }
        Some(families::State::Draw(draw)) => draw.withheld().next().is_some(),
        _ => false,
    }
}

/// So many entries from a multiple of their number on: 2^level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    level: u8,
    number: u64,
}

impl Span {
    /// The smallest that holds both entries.
    fn of(from: u64, last: u64) -> Self {
        Self::at(u64::BITS - (from ^ last).leading_zeros(), from)
    }

    /// The one of this level that holds the entry.
    fn at(level: u32, entry: u64) -> Self {
        Self { level: u8::try_from(level).unwrap_or(u8::MAX), number: entry.checked_shr(level).unwrap_or(0) }
    }

    /// True if the entry lies in its second half.
    fn is_late(&self, entry: u64) -> bool {
        self.level > 0 && entry >> (self.level - 1) & 1 == 1
    }

    /// What the keys of its rows begin with: ascending by the first entry, or descending by the last.
    fn prefix(&self, family: &str, late: bool) -> Vec<u8> {
        let mut key = [b"c", family.as_bytes(), &[self.level]].concat();
        key.extend_from_slice(&self.number.to_be_bytes());
        key.push(u8::from(late));
        key
    }
}

fn split(name: &str) -> Option<(&str, &str)> {
    name.split_once('/').and_then(|(family, _)| name.split_at_checked(family.len() + 1))
}

/// The two rows of a time that is over: opened by entry `from`, and `last` is the entry before the one
/// that closed it.
fn closed_rows(name: &str, from: u64, last: u64) -> Vec<Row> {
    let Some((family, rest)) = split(name) else { return Vec::new() };
    let span = Span::of(from, last);
    let row = |(late, order): (bool, u64)| {
        let mut key = span.prefix(family, late);
        key.extend_from_slice(&order.to_be_bytes());
        key.extend_from_slice(rest.as_bytes());
        Row { table: Table::History, key, value: Some(Vec::new()) }
    };
    [(false, from), (true, u64::MAX - last)].map(row).into()
}

/// Names of streams of a family that are open at a size, ascending.
pub fn open_at(rows: &dyn Rows, family: &str, size: u64) -> Result<BTreeSet<String>, RowFault> {
    let mut names = BTreeSet::new();
    let Some(entry) = size.checked_sub(1) else { return Ok(names) };
    let mut take = |key: &[u8], rest: Option<&[u8]>| {
        let rest = rest.and_then(|rest| std::str::from_utf8(rest).ok());
        let rest = rest.ok_or_else(|| fault(key, "no name of a stream"))?;
        names.insert(format!("{family}{rest}"));
        Ok(())
    };
    // What is open now first: what is closed in between has its other rows by then.
    let now = open_row(family);
    each_row(rows, Table::State, &now, |(key, value)| {
        if decode_u64(&key, &value)? < size { take(&key, key.get(now.len()..)) } else { Ok(()) }
    })?;
    for level in 0..=LEVELS {
        over_at(rows, family, Span::at(level, entry), entry, &mut take)?;
    }
    Ok(names)
}

/// Hands over the times of one span that hold an entry of it.
fn over_at(
    rows: &dyn Rows,
    family: &str,
    span: Span,
    entry: u64,
    take: &mut impl FnMut(&[u8], Option<&[u8]>) -> Result<(), RowFault>,
) -> Result<(), RowFault> {
    // All reach the middle: in the first half those count that began by then, in the second those that
    // last until then.
    let late = span.is_late(entry);
    let (prefix, most) = (span.prefix(family, late), if late { u64::MAX - entry } else { entry });
    let mut from = prefix.clone();
    loop {
        let found = rows.range(Table::History, &prefix, &from, ROWS_AT_ONCE)?;
        let Some((last, _)) = found.last() else { return Ok(()) };
        from = [&last[..], &[0]].concat();
        for (key, value) in &found {
            let fields = key.get(prefix.len()..).and_then(|fields| fields.split_first_chunk::<8>());
            let fields = fields.filter(|_| value.is_empty());
            let (order, rest) = fields.ok_or_else(|| fault(key, "no row of a time"))?;
            if u64::from_be_bytes(*order) > most {
                return Ok(());
            }
            take(key, Some(rest))?;
        }
    }
}

/// What was opened and closed since rows were written.
#[derive(Debug, Default)]
pub(super) struct Opens {
    /// Since when, or that it is not open, with the entry that changed it.
    held: HashMap<Arc<str>, (Option<u64>, u64)>,
    by_age: VecDeque<(u64, Arc<str>)>,
    unsaved: BTreeMap<Arc<str>, Option<u64>>,
    closed: Vec<Row>,
}

impl Opens {
    /// Entry `index` opened a stream, or closed one.
    pub fn changed(
        &mut self,
        rows: &dyn Rows,
        name: &Arc<str>,
        open: bool,
        index: u64,
    ) -> Result<(), RowFault> {
        let since = open.then_some(index);
        if !open {
            let key = open_row(name);
            let from = match self.held.get(name) {
                Some((from, _)) => *from,
                None => rows.get(Table::State, &key)?.map(|value| decode_u64(&key, &value)).transpose()?,
            };
            let from = from.filter(|from| *from < index);
            let from = from.ok_or_else(|| fault(&key, "what is closed was not open"))?;
            self.closed.extend(closed_rows(name, from, index - 1));
        }
        self.held.insert(Arc::clone(name), (since, index));
        self.by_age.push_back((index, Arc::clone(name)));
        self.unsaved.insert(Arc::clone(name), since);
        Ok(())
    }

    /// Rows that a step taken now would hold.
    pub fn waiting(&self) -> usize {
        self.unsaved.len() + self.closed.len()
    }

    /// Takes what is to be written.
    pub fn take(&mut self) -> Vec<Row> {
        let mut taken = std::mem::take(&mut self.closed);
        taken.extend(std::mem::take(&mut self.unsaved).into_iter().map(|(name, since)| Row {
            table: Table::State,
            key: open_row(&name),
            value: since.map(|index| index.to_be_bytes().to_vec()),
        }));
        taken
    }

    /// Rows hold all entries below `reached`.
    pub fn forget(&mut self, reached: u64) {
        while let Some((index, name)) = self.by_age.pop_front_if(|(index, _)| *index < reached) {
            if self.held.get(&name).is_some_and(|(_, changed)| *changed == index) {
                self.held.remove(&name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lian_core::hash::Digest;

    use super::*;
    use crate::rows::{Step, memory::MemoryRows};

    #[test]
    fn whoever_asks_for_a_size_finds_exactly_the_times_that_hold_it() {
        let rows = MemoryRows::new();
        let mut times = Vec::new();
        for from in 0..20_u64 {
            for last in from..20 {
                let name = format!("cargo/{from}/{last}");
                rows.write(&Step { reached: 1, link: Digest::ZERO, rows: closed_rows(&name, from, last) });
                times.push((from, last, name));
            }
        }
        rows.write(&Step {
            reached: 1,
            link: Digest::ZERO,
            rows: closed_rows("cargo/wide/1", 7, u64::MAX - 1),
        });
        times.push((7, u64::MAX - 1, "cargo/wide/1".to_owned()));

        for size in 0..24 {
            let holds =
                |(from, last, _): &&(u64, u64, String)| *from < size && size <= last.saturating_add(1);
            let expected: BTreeSet<String> =
                times.iter().filter(holds).map(|(_, _, name)| name.clone()).collect();
            assert_eq!(open_at(&rows, "cargo/", size).unwrap(), expected, "at {size}");
        }
        assert_eq!(open_at(&rows, "case/", 9).unwrap(), BTreeSet::new());
    }
}
