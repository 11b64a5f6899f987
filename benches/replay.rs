//! From a log to its states: what a start of the server and a replay cost.
//! Asked: 300,000 events a second or more, all states and views, in memory.

mod support;

use std::sync::Arc;

use lian_core::{
    audit::Place,
    entry::Leaf,
    hash::{Digest, leaf_hash},
    merkle::CompactRange,
    statement::statement_digest,
};
use lian_domain::{
    dates::Day,
    filing::Filing,
    ledger::Ledger,
    views::{changes::changes, guarantees, keys::keys},
};
use lian_server::open::Fold;
use lian_store::{
    disk::{Disk, RealDisk},
    reader::Reader,
    recover,
    segment::StoredEntry,
};
use support::{
    cached::{ledger, verifier},
    limits::note_machine,
    processor_seconds, size_or,
    table::{Asked, Table},
    timed,
};

/// The fold counts on this; the parts are there to show where the time goes.
const ASKED: f64 = 300_000.0;

fn main() {
    let mut table = Table::new("replay: all states and views");
    note_machine(&mut table);
    let folder = ledger(size_or(100_000));
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&folder).expect("the folder is there"));
    let reader = recover::read_only(&disk, &*verifier()).expect("the ledger is there");
    let size = reader.head().size() as f64;
    table.note("entries, one event each", size, "");

    let cpu = processor_seconds();
    let (mut fold, folding) = timed(|| {
        let mut fold = Fold::new(i64::MAX);
        fold.run(&reader, u64::MAX, &mut |_| ()).expect("the ledger folds");
        fold
    });
    let cpu = processor_seconds() - cpu;
    let (_, mapping) = timed(|| fold.ledger.map_root());
    let (shown, viewing) = timed(|| views(&fold.ledger));
    table.note("lines of all views", shown as f64, "");
    table.note("views and map of the whole ledger", (viewing + mapping) * 1e3, "ms");
    table.note("processor time per entry, from files to states", cpu / size * 1e6, "µs");
    let all = folding + viewing + mapping;
    table.row(
        "from files to all states, views and map",
        None,
        size / all,
        "events/s",
        &Asked::AtLeast(ASKED),
    );
    in_memory(&mut table, &reader);
    table.print();
}

fn views(ledger: &Ledger) -> usize {
    let today = Day::parse("2026-11-23").expect("a day");
    guarantees::rows(ledger, today).len()
        + guarantees::bank_exposure(ledger, today).len()
        + keys(ledger).len()
        + changes(&Ledger::new(), ledger).len()
}

/// The parts on one thread, over what is in memory already.
fn in_memory(table: &mut Table, reader: &Reader) {
    let size = reader.head().size() as f64;
    let (entries, reading) = timed(|| -> Vec<StoredEntry> {
        reader
            .entries(0..u64::MAX)
            .expect("the entries are there")
            .map(|entry| entry.expect("whole"))
            .collect()
    });
    let (digests, hashing) =
        timed(|| -> Vec<Digest> { entries.iter().map(|entry| statement_digest(&entry.payload)).collect() });
    let (filings, parsing) = timed(|| -> Vec<Filing> {
        let read = |(entry, digest): (&StoredEntry, &Digest)| {
            Filing::read(&entry.payload, *digest).expect("a statement")
        };
        entries.iter().zip(&digests).map(read).collect()
    });
    let ((), judging) = timed(|| {
        let (mut ledger, mut tree) = (Ledger::new(), CompactRange::new());
        for (entry, filing) in entries.iter().zip(&filings) {
            let leaf = Leaf::decode(&entry.leaf).expect("a leaf");
            let hash = leaf_hash(&entry.leaf);
            let place = Place {
                index: leaf.index,
                recorded_at: leaf.recorded_at,
                tree: &tree,
                batch_first: entry.batch_first,
            };
            if entry.batch_first && leaf.index > 0 {
                ledger.committed(leaf.index, tree.root());
            }
            let verdict = ledger.judge(&place, filing).expect("it was logged");
            assert_eq!(verdict, leaf.verdict);
            ledger.record(&place, filing, verdict, hash);
            tree.push(hash);
        }
    });
    let parts = [("read", reading), ("digest", hashing), ("parse", parsing), ("judge and record", judging)];
    for (part, seconds) in parts {
        table.note(&format!("alone on one thread, per entry: {part}"), seconds / size * 1e6, "µs");
    }
    let what = "parsed entries to all states, one thread";
    table.row(what, None, size / judging, "events/s", &Asked::AtLeast(ASKED));
}
