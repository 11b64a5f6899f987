//! Whole steps gathered into one write.
//! Invariant: a batch holds whole steps in their order, so State never lies between two steps; of
//! several rows under one key of State only the last is written.
//! Limits: 100 rows of a table, unless one step alone has more: State of a step is never cut;
//! History may be, because nothing of it is served before State has come as far.

use std::collections::BTreeMap;

use lian_core::hash::Digest;
use lian_domain::rows::{KEY_BYTES_MAX, Step, Table};

use super::Fault;

/// Rows of a table in one write, the binding not counted.
pub const BATCH_ROWS_MAX: usize = 100;
/// Rows of a table that are gathered while a shadow is built.
pub const BUILDING_ROWS_MAX: usize = 40_000;
/// Bytes of a value.
const VALUE_BYTES_MAX: usize = 16 << 20;

type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;
type RowRef<'a> = (&'a [u8], Option<&'a [u8]>);

/// Steps that are written together.
#[derive(Debug, Default)]
pub struct Batch {
    state: Rows,
    history: Rows,
    reached: u64,
    link: Digest,
}

impl Batch {
    /// Whether a step still fits among so many rows of a table; the first one always does.
    pub fn has_room_for(&self, step: &Step, most: usize) -> bool {
        self.reached == 0
            || [Table::State, Table::History].into_iter().all(|table| {
                let rows = self.table(table);
                let new = step.rows.iter().filter(|row| row.table == table && !rows.contains_key(&row.key));
                rows.len() + new.count() <= most
            })
    }

    /// Adds the next step.
    pub fn add(&mut self, step: Step) {
        for row in step.rows {
            let rows = match row.table {
                Table::State => &mut self.state,
                Table::History => &mut self.history,
            };
            rows.insert(row.key, row.value);
        }
        self.reached = step.reached;
        self.link = step.link;
    }

    /// Entries that its rows cover; 0 while it is empty.
    pub fn reached(&self) -> u64 {
        self.reached
    }

    pub(super) fn link(&self) -> Digest {
        self.link
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = (Table, &[u8])> {
        let state = self.state.keys().map(|key| (Table::State, key.as_slice()));
        state.chain(self.history.keys().map(|key| (Table::History, key.as_slice())))
    }

    /// The rows of State, all at once.
    pub(super) fn state(&self) -> Result<Vec<RowRef<'_>>, Fault> {
        checked(&self.state, 1)
    }

    /// The rows of History, which may be cut.
    pub(super) fn history(&self) -> Result<Vec<RowRef<'_>>, Fault> {
        checked(&self.history, 8)
    }

    fn table(&self, table: Table) -> &Rows {
        match table {
            Table::State => &self.state,
            Table::History => &self.history,
        }
    }
}

fn checked(rows: &Rows, least: usize) -> Result<Vec<RowRef<'_>>, Fault> {
    let check = |(key, value): (&'_ Vec<u8>, &'_ Option<Vec<u8>>)| {
        let bytes = value.as_ref().map_or(0, Vec::len);
        let fits = (least..=KEY_BYTES_MAX).contains(&key.len()) && bytes <= VALUE_BYTES_MAX;
        fits.then_some(()).ok_or(Fault::Limits { key: key.len(), value: bytes })
    };
    rows.iter().try_for_each(check)?;
    Ok(rows.iter().map(|(key, value)| (key.as_slice(), value.as_deref())).collect())
}
