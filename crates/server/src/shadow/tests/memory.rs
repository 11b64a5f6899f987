//! A keeper in memory that outlives its shadow, counts, and fails on demand.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex},
};

use lian_domain::rows::Table;

use super::super::keep::{Keep, KeepFault, OpenKeep, Raw, Sealed};

/// What a failing write leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// Nothing of it.
    Nothing,
    /// All of it: only the answer was lost.
    All,
}

#[derive(Debug, Default)]
pub struct Inside {
    pub tables: BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>,
    /// Table and number of rows of each write, the binding included.
    pub writes: Vec<(Table, usize)>,
    pub flushes: usize,
    /// The number of the write or flush that fails, from 0, and how.
    pub fails: Option<(usize, Leaves)>,
}

/// Clones share what is kept; it survives whoever opened it.
#[derive(Debug, Clone, Default)]
pub struct Memory(pub Arc<Mutex<Inside>>);

impl Memory {
    pub fn open_keep(&self) -> OpenKeep {
        let memory = self.clone();
        Arc::new(move |_folder| Ok(Box::new(memory.clone()) as Box<dyn Keep>))
    }

    /// Whether the next write or flush is the one that fails.
    fn fails(inside: &Inside) -> Option<Leaves> {
        let number = inside.writes.len() + inside.flushes;
        inside.fails.and_then(|(failing, leaves)| (failing == number).then_some(leaves))
    }
}

fn fault() -> KeepFault {
    KeepFault::Failed("as the test wants".to_owned())
}

impl Keep for Memory {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, KeepFault> {
        Ok(self.0.lock().unwrap().tables.entry(table).or_default().get(key).cloned())
    }

    fn upwards(&self, table: Table, from: &[u8], most: usize) -> Result<Vec<Sealed>, KeepFault> {
        let mut inside = self.0.lock().unwrap();
        let rows = inside.tables.entry(table).or_default().range(from.to_vec()..).take(most);
        Ok(rows.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn last(&self, table: Table, to: Bound<&[u8]>) -> Result<Option<Sealed>, KeepFault> {
        let mut inside = self.0.lock().unwrap();
        let mut rows = inside.tables.entry(table).or_default().range::<[u8], _>((Bound::Unbounded, to));
        Ok(rows.next_back().map(|(key, value)| (key.clone(), value.clone())))
    }

    fn write(&self, table: Table, rows: Vec<Raw>) -> Result<(), KeepFault> {
        let mut inside = self.0.lock().unwrap();
        let fails = Self::fails(&inside);
        inside.writes.push((table, rows.len()));
        if fails == Some(Leaves::Nothing) {
            return Err(fault());
        }
        let kept = inside.tables.entry(table).or_default();
        for (key, value) in rows {
            match value {
                Some(value) => kept.insert(key, value),
                None => kept.remove(&key),
            };
        }
        fails.map_or(Ok(()), |_| Err(fault()))
    }

    fn flush(&self) -> Result<(), KeepFault> {
        let mut inside = self.0.lock().unwrap();
        let fails = Self::fails(&inside);
        inside.flushes += 1;
        fails.map_or(Ok(()), |_| Err(fault()))
    }
}
