//! Views in sled: what it costs to make them again, and to take them up.
//! The limit is sled itself, given the same batches of rows without a ledger; beside it, the same
//! batches and the same rebuild with redb as the keeper.

mod support;

use std::{
    collections::BTreeMap,
    fmt, fs,
    ops::Bound,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use lian_client::sample::{House, SAMPLE_NAME};
use lian_domain::rows::Table as Rows;
use lian_server::{
    keeping::Views,
    open::{OpenLedger, open_over},
    shadow::{Keep, KeepFault, OpenKeep, Raw, Sealed, open_sled},
};
use lian_store::disk::RealDisk;
use redb::{Database, Durability, ReadableDatabase as _, TableDefinition};
use support::{
    cached::ledger,
    limits::note_machine,
    running::{START_S, system_keys},
    scratch, size_or,
    table::{Asked, Table},
    timed,
};

/// Entries a second of a rebuild.
const REBUILD: f64 = 40_000.0;
/// Milliseconds until a ledger with sound views is ready.
const READY_MS: f64 = 2_000.0;

/// The rows of a table.
type Kept = BTreeMap<Vec<u8>, Vec<u8>>;
/// The rows of one write.
type Write = (Rows, Vec<Raw>);

fn main() {
    let mut table = Table::new("shadow: views in sled");
    note_machine(&mut table);
    let folder = ledger(size_or(100_000));
    let journal = Arc::<Mutex<Vec<Write>>>::default();
    let recorder = Recorder { tables: Arc::default(), journal: Arc::clone(&journal) };
    let recording: OpenKeep = Arc::new(move |_| Ok(Box::new(recorder.clone()) as Box<dyn Keep>));
    let (size, seconds) = open(&folder, &scratch().path().join("memory"), recording);
    table.note("entries", size, "");
    table.note("fold with rows kept in memory, from nothing", size / seconds, "events/s");
    let journal = std::mem::take(&mut *journal.lock().unwrap_or_else(PoisonError::into_inner));
    let rows: usize = journal.iter().map(|(_, rows)| rows.len()).sum();
    let rows = rows as f64;
    table.note("rows written", rows, "");
    table.note("rows of one write, mean", rows / journal.len() as f64, "");
    for (name, keep, asked) in [
        ("sled", Arc::new(open_sled) as OpenKeep, Asked::AtLeast(REBUILD)),
        ("redb", Arc::new(open_redb) as OpenKeep, Asked::Nothing),
    ] {
        measure(&mut table, &folder, name, &keep, (&journal, rows), &asked);
    }
    table.print();
}

/// One keeper: bare, under a rebuild, and taken up again.
fn measure(
    table: &mut Table,
    ledger: &Path,
    name: &str,
    keep: &OpenKeep,
    (journal, rows): (&[Write], f64),
    asked: &Asked,
) {
    let place = scratch();
    let (bare, views) = (place.path().join("bare"), place.path().join("views"));
    fs::create_dir(&bare).expect("a folder can be made");
    let journal = journal.to_vec();
    let ((), seconds) = timed(|| {
        let keep = keep(&bare).expect("it opens");
        for (of, rows) in journal {
            keep.write(of, rows).expect("it writes");
        }
        keep.flush().expect("it flushes");
    });
    let limit = rows / seconds;
    table.note(&format!("{name}, bare: the same writes"), limit, "rows/s");
    table.note(&format!("{name}: bytes of the folder"), bytes_of(&bare) / 1_048_576.0, "MiB");
    let (size, seconds) = open(ledger, &views, Arc::clone(keep));
    let what = format!("{name}: rebuild, from files to rows");
    table.row(&what, None, size / seconds, "events/s", asked);
    let what = format!("{name}: rows of that rebuild");
    table.row(&what, Some((&format!("bare {name}"), limit)), rows / seconds, "rows/s", &Asked::Nothing);
    let (_, seconds) = open(ledger, &views, Arc::clone(keep));
    let asked = if name == "sled" { Asked::AtMost(READY_MS) } else { Asked::Nothing };
    table.row(&format!("{name}: ready with sound views"), None, seconds * 1e3, "ms", &asked);
    table.note("most memory of this process so far", peak_mib(), "MiB");
}

/// Opens the ledger over rows, and closes it: entries, and seconds until it was ready.
fn open(ledger: &Path, views: &Path, keep: OpenKeep) -> (f64, f64) {
    let keys = system_keys(&House::new(7));
    let disk = Arc::new(RealDisk::open(ledger).expect("the folder is there"));
    let views = Views::kept_by(views, keep);
    let (opened, seconds) =
        timed(|| open_over(disk, SAMPLE_NAME, &keys, START_S, Some(&views), &mut |_| ()).expect("it opens"));
    let OpenLedger { store, ledger, discarded, .. } = opened;
    assert_eq!(discarded, None, "the views are sound");
    let size = ledger.size() as f64;
    drop(ledger);
    store.close().expect("it closes");
    (size, seconds)
}

fn bytes_of(folder: &Path) -> f64 {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|data| data.len() as f64).sum()
}

fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|text| text.trim().strip_suffix(" kB")).and_then(|text| text.parse::<f64>().ok());
    kib.unwrap_or_default() / 1_024.0
}

/// Rows in memory, and a copy of every write.
#[derive(Clone)]
struct Recorder {
    tables: Arc<Mutex<BTreeMap<Rows, Kept>>>,
    journal: Arc<Mutex<Vec<Write>>>,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

impl Recorder {
    fn with<T>(&self, table: Rows, read: impl FnOnce(&mut Kept) -> T) -> T {
        read(self.tables.lock().unwrap_or_else(PoisonError::into_inner).entry(table).or_default())
    }
}

impl Keep for Recorder {
    fn get(&self, table: Rows, key: &[u8]) -> Result<Option<Vec<u8>>, KeepFault> {
        Ok(self.with(table, |rows| rows.get(key).cloned()))
    }

    fn upwards(&self, table: Rows, from: &[u8], most: usize) -> Result<Vec<Sealed>, KeepFault> {
        let own = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        Ok(self.with(table, |rows| rows.range(from.to_vec()..).take(most).map(own).collect()))
    }

    fn last(&self, table: Rows, to: Bound<&[u8]>) -> Result<Option<Sealed>, KeepFault> {
        let own = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        Ok(self.with(table, |rows| rows.range::<[u8], _>((Bound::Unbounded, to)).next_back().map(own)))
    }

    fn write(&self, table: Rows, rows: Vec<Raw>) -> Result<(), KeepFault> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).push((table, rows.clone()));
        self.with(table, |kept| {
            for (key, value) in rows {
                match value {
                    Some(value) => kept.insert(key, value),
                    None => kept.remove(&key),
                };
            }
        });
        Ok(())
    }

    fn flush(&self) -> Result<(), KeepFault> {
        Ok(())
    }
}

const STATE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("state");
const HISTORY: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("history");

/// redb under the same rules: what is written is durable only after a flush.
struct RedbKeep(Database);

fn open_redb(folder: &Path) -> Result<Box<dyn Keep>, KeepFault> {
    let db = redb::Builder::new().set_cache_size(64 << 20).create(folder.join("db")).map_err(said)?;
    let keep = RedbKeep(db);
    for table in [Rows::State, Rows::History] {
        keep.write(table, Vec::new())?;
    }
    Ok(Box::new(keep))
}

fn said(error: impl fmt::Display) -> KeepFault {
    KeepFault::Failed(error.to_string())
}

fn definition(table: Rows) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    match table {
        Rows::State => STATE,
        Rows::History => HISTORY,
    }
}

impl fmt::Debug for RedbKeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedbKeep")
    }
}

impl Keep for RedbKeep {
    fn get(&self, table: Rows, key: &[u8]) -> Result<Option<Vec<u8>>, KeepFault> {
        let rows = self.0.begin_read().map_err(said)?.open_table(definition(table)).map_err(said)?;
        Ok(rows.get(key).map_err(said)?.map(|value| value.value().to_vec()))
    }

    fn upwards(&self, table: Rows, from: &[u8], most: usize) -> Result<Vec<Sealed>, KeepFault> {
        let rows = self.0.begin_read().map_err(said)?.open_table(definition(table)).map_err(said)?;
        let range = rows.range(from..).map_err(said)?.take(most);
        range
            .map(|row| row.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())).map_err(said))
            .collect()
    }

    fn last(&self, table: Rows, to: Bound<&[u8]>) -> Result<Option<Sealed>, KeepFault> {
        let rows = self.0.begin_read().map_err(said)?.open_table(definition(table)).map_err(said)?;
        let mut range = rows.range::<&[u8]>((Bound::Unbounded, to)).map_err(said)?;
        let last = range.next_back().transpose().map_err(said)?;
        Ok(last.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())))
    }

    fn write(&self, table: Rows, changes: Vec<Raw>) -> Result<(), KeepFault> {
        let mut write = self.0.begin_write().map_err(said)?;
        write.set_durability(Durability::None).map_err(said)?;
        {
            let mut rows = write.open_table(definition(table)).map_err(said)?;
            for (key, value) in changes {
                match value {
                    Some(value) => rows.insert(key.as_slice(), value.as_slice()).map_err(said)?,
                    None => rows.remove(key.as_slice()).map_err(said)?,
                };
            }
        }
        write.commit().map_err(said)
    }

    fn flush(&self) -> Result<(), KeepFault> {
        let write = self.0.begin_write().map_err(said)?;
        write.commit().map_err(said)
    }
}
