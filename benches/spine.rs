//! The way in: from DSSE bytes to committed answers, in process, on the real disk.
//! Asked: one signed event per statement at 0.80 of the raw rate of signature checks or more; 50
//! events per statement at 300,000 events a second or more; at most 240 bytes per one-event entry
//! beyond its payload at batches of 16, hash tiles included.

mod support;

use std::{sync::Arc, time::Duration};

use lian_core::{frame::BATCH_HEADER_BYTES, tile::tiles_at};
use lian_server::{
    admit::{KeyBook, admit},
    clock::{Stamper, TestClock},
    sequencer::{Folded, Placed, Sequencer},
};
use support::{
    bytes_below,
    limits::{Rounds, Worked, note_machine},
    processor_seconds,
    running::{START_S, found, system_keys},
    scratch, size_or,
    table::{Asked, Table},
    timed,
    work::{BUNDLE, Statement},
};

/// Envelopes handed in at once.
const GROUP: usize = 64;
/// Rounds in which the raw measure and the work take turns.
const ROUNDS: u64 = 5;
/// How long a raw measure takes.
const RAW_LEAST: Duration = Duration::from_secs(1);
/// Messages of the raw measure.
const RAW_MOST: usize = 50_000;

fn main() {
    let mut table = Table::new("spine: admit, decide, commit");
    note_machine(&mut table);
    // Long enough that filling and draining the pipeline, a batch or two, does not count.
    let count = size_or(500_000);
    one_event(&mut table, count);
    many_events(&mut table, (2 * count).div_ceil(BUNDLE * 4) * 4);
    stages(&mut table, count.min(20_000));
    for (batch, asked) in [(16, Asked::AtMost(240.0)), (1, Asked::Nothing)] {
        bytes_per_entry(&mut table, count.clamp(256, 2_048 * batch as u64), batch, &asked);
    }
    table.print();
}

fn one_event(table: &mut Table, count: u64) {
    let folder = scratch();
    let running = found(folder.path(), 1);
    let hands = running.hands();
    let statements = hands.statements(0, count);
    let signatures = |slice: &[Statement]| slice.iter().map(|one| one.signers.len()).sum::<usize>() as f64;
    let all = signatures(&statements);
    let messages = hands.signed(&statements, RAW_MOST);
    let threads = running.processor_seconds();
    let (mut rounds, mut refused, mut seconds) = (Rounds::default(), 0, 0.0);
    let mut rest = statements.into_iter();
    let size = usize::try_from(count.div_ceil(ROUNDS)).expect("a count");
    loop {
        let slice: Vec<Statement> = rest.by_ref().take(size).collect();
        if slice.is_empty() {
            break;
        }
        let (length, signatures) = (slice.len() as u64, signatures(&slice));
        rounds.round(&messages, RAW_LEAST, || {
            let cpu = processor_seconds();
            let (answers, took) = timed(|| running.submit_all(slice, GROUP));
            assert_eq!(answers.all(), length);
            refused += answers.refused;
            seconds += took;
            Worked { signatures, seconds: took, processor_seconds: processor_seconds() - cpu }
        });
    }
    note_threads(table, "one event", threads, running.processor_seconds(), count as f64);
    running.service.close().expect("the ledger closes");
    table.note("signatures per statement", all / count as f64, "");
    table.note("one event per statement: refused on the log", refused as f64, "");
    table.note("one event per statement: statements", count as f64 / seconds, "/s");
    rounds.say(table, "one event per statement: signatures committed", &Asked::Share(0.80));
}

fn many_events(table: &mut Table, count: u64) {
    let folder = scratch();
    let running = found(folder.path(), 2);
    let statements = running.hands().bundles(0, count);
    let bytes: usize = statements.iter().map(|statement| statement.envelope.payload.len()).sum();
    let (cpu, threads) = (processor_seconds(), running.processor_seconds());
    let (answers, seconds) = timed(|| running.submit_all(statements, 8));
    let cpu = processor_seconds() - cpu;
    assert_eq!(answers.accepted, count);
    let events = (count * BUNDLE) as f64;
    note_threads(table, "50 events", threads, running.processor_seconds(), events);
    running.service.close().expect("the ledger closes");
    table.note("50 events per statement: payload bytes per event", bytes as f64 / events, "B");
    table.note("50 events per statement: cores at work", cpu / seconds, "");
    table.row("50 events per statement", None, events / seconds, "events/s", &Asked::AtLeast(300_000.0));
}

fn note_threads(table: &mut Table, work: &str, before: [f64; 3], after: [f64; 3], events: f64) {
    for ((name, now), then) in ["admission", "sequencer", "committer"].iter().zip(after).zip(before) {
        let what = format!("{work} per statement: processor time of {name}, per event");
        table.note(&what, (now - then) / events * 1e6, "µs");
    }
}

/// One stage after another on one thread: what each costs.
fn stages(table: &mut Table, count: u64) {
    let folder = scratch();
    let running = found(folder.path(), 3);
    let statements = running.hands().statements(0, count);
    running.service.close().expect("the ledger closes");
    let keys = system_keys(&running.house);
    let disk = Arc::new(lian_store::disk::RealDisk::open(folder.path()).expect("the folder is there"));
    let name = lian_client::sample::SAMPLE_NAME;
    let opened = lian_server::open::open(disk, name, &keys, START_S, &mut |_| ()).expect("the ledger opens");
    let mut store = opened.store;
    let head = store.reader().head();
    let clock = Arc::new(TestClock::at(u64::try_from(START_S).expect("after 1970") * 1_000));
    let stamper = Stamper::new(Arc::<TestClock>::clone(&clock), head.tip().recorded_at());
    let book = KeyBook::of(&opened.ledger);
    let reader = store.reader().clone();
    let folded = Folded { ledger: opened.ledger, ids: opened.ids };
    let mut sequencer = Sequencer::new(folded, head.tip(), stamper, keys.system_log, reader);

    let admit_all = |statements: &[Statement]| -> Vec<_> {
        statements.iter().map(|statement| admit(&statement.bytes, &book).expect("authentic")).collect()
    };
    let (authentic, admitting) = timed(|| admit_all(&statements));
    let mut batches = Vec::new();
    let ((), placing) = timed(|| {
        for statement in authentic {
            clock.pass(10);
            if sequencer.is_full() {
                batches.push(sequencer.cut());
            }
            let placed = sequencer.place(statement).expect("the sequencer runs");
            assert!(matches!(placed, Placed::New { .. }), "{placed:?}");
        }
        batches.push(sequencer.cut());
    });
    let ((), appending) = timed(|| {
        for batch in &batches {
            store.append_batch(batch).expect("the disk holds");
        }
    });
    for (stage, seconds) in [("admit", admitting), ("place", placing), ("append", appending)] {
        table.note(
            &format!("alone on one thread, per statement: {stage}"),
            seconds / count as f64 * 1e6,
            "µs",
        );
    }
}

/// Segment bytes and hash tile bytes per entry, less the payloads.
fn bytes_per_entry(table: &mut Table, count: u64, batch: usize, asked: &Asked) {
    let folder = scratch();
    let running = found(folder.path(), 4);
    let reader = running.service.reader().clone();
    let first = reader.head().size();
    running.submit_one_by_one(running.hands().singles(0, count), batch);
    let end = reader.head().size();
    running.service.close().expect("the ledger closes");
    let entries =
        || reader.entries(first..end).expect("the entries are there").map(|entry| entry.expect("whole"));
    let payloads: u64 = entries().map(|entry| entry.payload.len() as u64).sum();
    let place = entries().next().expect("there are entries").place;
    assert_eq!(place.segment, 0, "the founding fits the first segment");
    let segments = bytes_below(&folder.path().join("segments")) - (place.offset - BATCH_HEADER_BYTES as u64);
    let tile_bytes = |size: u64| tiles_at(size).map(|tile| u64::from(tile.width) * 32).sum::<u64>();
    let tiles = tile_bytes(end) - tile_bytes(first);
    let each = (segments + tiles - payloads) as f64 / (end - first) as f64;
    table.row(&format!("bytes per entry beyond its payload, batches of {batch}"), None, each, "B", asked);
}
