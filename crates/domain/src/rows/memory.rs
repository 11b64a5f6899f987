//! Rows in memory, for tests and for ledgers that are thrown away.
//! Invariant: after `write` the rows are those of the steps so far, each key with its last value.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use super::{Found, RowFault, Rows, Step, Table};

/// Both tables.
type Tables = [BTreeMap<Vec<u8>, Vec<u8>>; 2];

/// Rows in memory.
#[derive(Debug, Default)]
pub struct MemoryRows(RwLock<Tables>);

impl MemoryRows {
    /// No rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a step.
    pub fn write(&self, step: &Step) {
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for row in &step.rows {
            let table = &mut tables[place(row.table)];
            match &row.value {
                Some(value) => table.insert(row.key.clone(), value.clone()),
                None => table.remove(&row.key),
            };
        }
    }

    /// All rows of a table, ascending.
    pub fn all(&self, table: Table) -> Vec<Found> {
        self.table(table, |rows| rows.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn table<T>(&self, table: Table, read: impl FnOnce(&BTreeMap<Vec<u8>, Vec<u8>>) -> T) -> T {
        let tables: RwLockReadGuard<'_, Tables> = self.0.read().unwrap_or_else(PoisonError::into_inner);
        read(&tables[place(table)])
    }
}

impl Clone for MemoryRows {
    fn clone(&self) -> Self {
        Self(RwLock::new(self.0.read().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}

fn place(table: Table) -> usize {
    match table {
        Table::State => 0,
        Table::History => 1,
    }
}

impl Rows for MemoryRows {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, RowFault> {
        Ok(self.table(table, |rows| rows.get(key).cloned()))
    }

    fn at_or_below(&self, table: Table, prefix: &[u8], key: &[u8]) -> Result<Option<Found>, RowFault> {
        let found = self.table(table, |rows| {
            rows.range(..=key.to_vec()).next_back().map(|(key, value)| (key.clone(), value.clone()))
        });
        Ok(found.filter(|(key, _)| key.starts_with(prefix)))
    }

    fn range(&self, table: Table, prefix: &[u8], from: &[u8], most: usize) -> Result<Vec<Found>, RowFault> {
        let from = from.max(prefix).to_vec();
        Ok(self.table(table, |rows| {
            rows.range(from..)
                .take_while(|(key, _)| key.starts_with(prefix))
                .take(most)
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        }))
    }
}

#[cfg(test)]
mod tests {
    use lian_core::hash::Digest;

    use super::{super::Row, *};

    #[test]
    fn rows_are_found_by_key_by_the_key_below_and_in_order() {
        let rows = MemoryRows::new();
        let row = |key: &[u8]| Row { table: Table::State, key: key.to_vec(), value: Some(key.to_vec()) };
        let first = vec![row(b"a1"), row(b"b1"), row(b"b3"), row(b"c1")];
        rows.write(&Step { reached: 1, link: Digest::ZERO, rows: first });
        let gone = Row { table: Table::State, key: b"c1".to_vec(), value: None };
        rows.write(&Step { reached: 2, link: Digest::ZERO, rows: vec![gone] });

        let below = |prefix: &[u8], key: &[u8]| {
            rows.at_or_below(Table::State, prefix, key).unwrap().map(|(key, _)| key)
        };
        let range = |prefix: &[u8], from: &[u8], most| -> Vec<Vec<u8>> {
            rows.range(Table::State, prefix, from, most).unwrap().into_iter().map(|(key, _)| key).collect()
        };

        assert_eq!(rows.get(Table::State, b"b1"), Ok(Some(b"b1".to_vec())));
        assert_eq!(rows.get(Table::History, b"b1"), Ok(None));
        assert_eq!(rows.get(Table::State, b"c1"), Ok(None));
        assert_eq!(below(b"b", b"b2"), Some(b"b1".to_vec()));
        assert_eq!(below(b"b", b"b3"), Some(b"b3".to_vec()));
        assert_eq!(below(b"b", b"b0"), None, "the row below is of another prefix");
        assert_eq!(range(b"b", b"b", 9), [b"b1", b"b3"]);
        assert_eq!(range(b"b", b"b2", 9), [b"b3"]);
        assert_eq!(range(b"", b"", 1), [b"a1"]);
    }
}
