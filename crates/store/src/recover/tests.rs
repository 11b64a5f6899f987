use std::{ops::Range, sync::Arc};

use lian_core::frame::{BatchHeader, COMMIT_MAGIC, SegmentHeader};

use super::*;
use crate::{
    commit::NewEntry,
    disk::{Fault, FaultKind, FaultyDisk, Rng, SimDisk},
    fixture::{append, check_log, entries, fresh, signer, start, verifier},
    segment::Harm,
};

/// What stands where the tail was.
type Filler<'a> = &'a mut dyn FnMut(&mut [u8]);

const SEGMENT: &str = "segments/000000.seg";

fn shared(sim: &SimDisk) -> Arc<dyn Disk> {
    Arc::new(sim.clone())
}

fn opened(sim: &SimDisk) -> Opened {
    open(shared(sim), verifier(), "test", &[]).unwrap()
}

fn damage_of(sim: &SimDisk) -> Damage {
    match opened(sim) {
        Opened::ReadOnly(found) => found.damage,
        Opened::Writable(_) => panic!("the folder was taken for sound"),
    }
}

fn recovery_of(sim: &SimDisk) -> Box<Recovery> {
    match opened(sim) {
        Opened::Writable(recovery) => recovery,
        Opened::ReadOnly(found) => panic!("read-only: {}", found.damage),
    }
}

/// A ledger of these batches whose writer is gone; the ends of its commit frames.
fn ledger(batches: &[u64], publish: bool) -> (SimDisk, Vec<u64>) {
    let (sim, mut store) = fresh(1);
    let mut ends = Vec::new();
    for count in batches {
        append(&mut store, *count, 40);
        ends.push(written(&sim));
    }
    if publish {
        store.reader().publish().unwrap();
    }
    drop(store);
    (sim, ends)
}

fn written(sim: &SimDisk) -> u64 {
    scan::written_bytes(&sim.bytes_of(SEGMENT).unwrap()) as u64
}

fn range(start: u64, end: u64) -> Range<usize> {
    usize::try_from(start).unwrap()..usize::try_from(end).unwrap()
}

/// The folder as it was, with these bytes of the segment replaced.
fn tampered(sim: &SimDisk, offset: u64, bytes: &[u8]) -> SimDisk {
    let copy = sim.kill();
    assert!(copy.tamper(SEGMENT, offset, bytes));
    copy
}

/// The segment with everything from `end` on replaced by what `filler` gives.
fn cut(sim: &SimDisk, end: u64, filler: Filler) -> SimDisk {
    let length = written(sim) - end;
    let mut bytes = vec![0; range(0, length).end];
    filler(&mut bytes);
    tampered(sim, end, &bytes)
}

/// Every moment of the life of a small ledger, as (moment, entries acknowledged by then).
fn lived(batches: u64) -> (SimDisk, Vec<u64>) {
    let sim = SimDisk::new(3);
    sim.keep_history();
    let mut acknowledged = vec![0; sim.moment_count()];
    let mut store = start(&shared(&sim), &verifier()).store;
    for batch in 0..batches {
        append(&mut store, 1 + batch % 3, 30 + 40 * usize::try_from(batch).unwrap());
        acknowledged.resize(sim.moment_count() - 1, *acknowledged.last().unwrap());
        acknowledged.push(store.reader().head().size());
        if batch % 5 == 4 {
            store.reader().publish().unwrap();
            acknowledged.resize(sim.moment_count(), *acknowledged.last().unwrap());
        }
    }
    (sim, acknowledged)
}

/// T2, T1: whatever is left of un-synced writes, the log is a prefix that holds all that was
/// acknowledged, and it can be written again.
#[test]
fn after_every_crash_the_log_holds_all_that_was_acknowledged_and_goes_on() {
    let (sim, acknowledged) = lived(12);
    let verifier = verifier();
    let mut rng = Rng::new(2026);
    for (moment, least) in acknowledged.iter().enumerate() {
        for variant in 0..12 {
            let seed = rng.next_u64();
            let dead = sim.moment(moment).unwrap();
            let wreck = if variant == 0 { dead } else { dead.power_loss(&mut Rng::new(seed)) };

            let mut store = start(&shared(&wreck), &verifier).store;

            let size = check_log(store.reader());
            assert!(size >= *least, "moment {moment}, seed {seed}: {size} of {least}");
            append(&mut store, 2, 50);
            drop(store);
            let again = wreck.power_loss(&mut rng);
            let store = start(&shared(&again), &verifier).store;
            assert_eq!(check_log(store.reader()), size + 2, "moment {moment}, seed {seed}");
        }
    }
}

/// T6b: a crash, then another in the middle of the recovery from it.
#[test]
fn recovery_that_crashes_itself_is_recovered_from() {
    let (sim, acknowledged) = lived(4);
    let verifier = verifier();
    let mut rng = Rng::new(7);
    for (moment, least) in acknowledged.iter().enumerate().step_by(3) {
        let wreck = sim.moment(moment).unwrap().power_loss(&mut rng);
        wreck.keep_history();
        drop(start(&shared(&wreck), &verifier));
        for inner in 0..wreck.moment_count() {
            let second = wreck.moment(inner).unwrap().power_loss(&mut rng);
            let store = start(&shared(&second), &verifier).store;
            assert!(check_log(store.reader()) >= *least, "moments {moment} and {inner}");
        }
    }
}

/// T5, T6: every call fails once, in every way; what was acknowledged is there afterwards.
#[test]
fn whichever_call_fails_the_answer_is_an_error_and_nothing_acknowledged_is_lost() {
    let verifier = verifier();
    for kind in [FaultKind::Io, FaultKind::NoSpace, FaultKind::Interrupted, FaultKind::Short] {
        for number in 1..200 {
            let sim = SimDisk::new(number);
            let faulty =
                FaultyDisk::over_sim(&sim).failing(Fault { call: None, number, kind, persistent: false });
            let mut acknowledged = 0;
            let _ = live_until_error(&faulty, &mut acknowledged);

            for wreck in [sim.kill(), sim.power_loss(&mut Rng::new(number))] {
                let size = check_log(start(&shared(&wreck), &verifier).store.reader());
                assert!(size >= acknowledged, "{kind:?} at call {number}: {size} of {acknowledged}");
                let later = wreck.power_loss_keeping(|_| false);
                assert_eq!(check_log(start(&shared(&later), &verifier).store.reader()), size);
            }
            if faulty.call_count() < number {
                break;
            }
            assert!(number < 199, "the scenario is longer than the loop");
        }
    }
}

fn live_until_error(disk: &FaultyDisk, acknowledged: &mut u64) -> Result<(), Box<dyn std::error::Error>> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let Opened::Writable(recovery) = open(Arc::clone(&disk), verifier(), "test", &[])? else {
        panic!("a new folder is not damaged")
    };
    let mut store = recovery.start(signer(), Judgement::RollForward)?.store;
    for count in [1, 3, 2] {
        let batch = entries(store.reader().head().tip(), count, 40);
        *acknowledged = store.append_batch(&batch)?.size();
        store.reader().publish()?;
    }
    store.prepare_next()?;
    store.close()?;
    Ok(())
}

/// T3: the last segment ends at every byte of its last two batches, with three kinds of rest.
#[test]
fn torn_tail_is_cut_back_to_a_commit_point_and_set_aside() {
    let (sim, ends) = ledger(&[1, 2, 2, 1], false);
    let mut rng = Rng::new(3);
    let mut garbage = |bytes: &mut [u8]| rng.fill(bytes);
    let fillers: [Filler; 3] = [&mut |bytes| bytes.fill(0), &mut |bytes| bytes.fill(0xff), &mut garbage];
    let sizes = [1, 3, 5, 6];
    for filler in fillers {
        for end in ends[1]..ends[3] {
            let wreck = cut(&sim, end, filler);
            let started = start(&shared(&wreck), &verifier());

            let size = check_log(started.store.reader());
            let whole = sizes[ends.iter().rposition(|commit| *commit <= end).unwrap()];
            let next = sizes.iter().find(|next| **next > whole).unwrap();
            assert!(size == whole || size == *next, "cut at {end}: {size}");
            for aside in &started.set_aside {
                assert_eq!(wreck.bytes_of(&aside.path).unwrap(), aside.bytes);
            }
            assert_eq!(
                scan::written_bytes(&wreck.bytes_of(SEGMENT).unwrap()) as u64,
                ends[sizes.iter().position(|listed| *listed == size).unwrap()]
            );
        }
    }
}

#[test]
fn whole_batch_without_its_commit_frame_is_rolled_forward_with_the_same_bytes() {
    let (sim, ends) = ledger(&[1, 3], false);
    let promised = sim.bytes_of(SEGMENT).unwrap();
    let mut note_at = 0;
    for at in range(ends[0], ends[1]) {
        if promised[at..].starts_with(&COMMIT_MAGIC) {
            note_at = at as u64;
        }
    }
    let wreck = cut(&sim, note_at, &mut |bytes| bytes.fill(0));

    let recovery = recovery_of(&wreck);
    assert_eq!(recovery.reader().head().size(), 1);
    let waiting: Vec<u64> = recovery.pending_entries().iter().map(|entry| entry.index).collect();
    assert_eq!(waiting, [1, 2, 3]);
    let store = recovery.start(signer(), Judgement::RollForward).unwrap().store;

    assert_eq!(check_log(store.reader()), 4);
    assert_eq!(wreck.bytes_of(SEGMENT).unwrap()[..range(0, ends[1]).end], promised[..range(0, ends[1]).end]);
}

#[test]
fn batch_that_the_caller_judges_bad_is_set_aside_and_never_signed() {
    let (sim, ends) = ledger(&[1, 3], false);
    let wreck = cut(&sim, ends[1] - 1, &mut |bytes| bytes.fill(0));
    let recovery = recovery_of(&wreck);
    assert_eq!(recovery.pending_entries().len(), 3);

    let started = recovery.start(signer(), Judgement::SetAside).unwrap();

    assert_eq!(started.set_aside.len(), 2, "the torn commit frame and the batch");
    let mut store = started.store;
    assert_eq!(check_log(store.reader()), 1);
    append(&mut store, 2, 40);
    assert_eq!(check_log(store.reader()), 3);
}

#[test]
fn segment_header_that_contradicts_its_first_entry_makes_the_folder_read_only() {
    let (sim, _) = ledger(&[1, 1], false);
    let (good, _) = SegmentHeader::decode(&sim.bytes_of(SEGMENT).unwrap()).unwrap();
    let time = SegmentHeader { recorded_at: good.recorded_at - 1, ..good.clone() };
    let ledger = SegmentHeader { ledger: lian_core::hash::sha256(&[b"another"]), ..good.clone() };
    let previous = SegmentHeader { previous: lian_core::hash::sha256(&[b"another"]), ..good };

    assert_eq!(damage_of(&tampered(&sim, 0, &time.encode())).what, Harm::Header);
    assert_eq!(damage_of(&tampered(&sim, 0, &ledger.encode())).what, Harm::Header);
    assert_eq!(damage_of(&tampered(&sim, 0, &previous.encode())).entry, 0);
}

/// A write that was torn inside a payload can leave zeros there; nothing vouches for them yet.
#[test]
fn waiting_batch_with_a_payload_of_zeros_is_set_aside() {
    let (sim, ends) = ledger(&[1, 1], false);
    let place = read_only(&shared(&sim), &*verifier()).unwrap().read_entry(1).unwrap().place;
    let wreck = tampered(&sim, place.payload_at, &[0; 40]);
    let wreck = cut(&wreck, ends[1] - 1, &mut |bytes| bytes.fill(0));

    let recovery = recovery_of(&wreck);

    assert!(recovery.pending_entries().is_empty());
    let started = recovery.start(signer(), Judgement::RollForward).unwrap();
    assert_eq!(started.store.reader().head().size(), 1);
    assert_eq!(started.set_aside.len(), 1);
}

#[test]
fn new_segment_whose_header_does_not_continue_the_log_is_set_aside() {
    let (sim, mut store) = fresh(1);
    append(&mut store, 17, 60_000);
    let end = written(&sim);
    append(&mut store, 1, 60_000);
    drop(store);
    assert_eq!(written(&sim), end, "the last batch is in the next segment");
    let path = "segments/000001.seg";
    let begun = sim.kill();
    let length = sim.bytes_of(path).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    assert!(begun.tamper(path, length as u64 - 20, &[0; 21]), "the commit frame is torn");
    let (good, _) = SegmentHeader::decode(&sim.bytes_of(path).unwrap()).unwrap();
    let mut ledger = good.clone();
    ledger.ledger.0[0] ^= 1;
    let mut node = good.clone();
    node.range[0].0[0] ^= 1;

    assert_eq!(recovery_of(&begun.kill()).pending_entries().len(), 1);
    for bad in [ledger, node] {
        let wreck = begun.kill();
        assert!(wreck.tamper(path, 0, &bad.encode()));
        let recovery = recovery_of(&wreck);
        assert!(recovery.pending_entries().is_empty());
        let started = recovery.start(signer(), Judgement::RollForward).unwrap();
        assert_eq!(check_log(started.store.reader()), 17);
        assert_eq!(started.set_aside.len(), 1);
    }
}

/// T4: a flipped bit with an authentic commit frame after it.
#[test]
fn every_flipped_byte_before_the_last_commit_frame_makes_the_folder_read_only() {
    let (sim, ends) = ledger(&[1, 2, 2], false);
    let bytes = sim.bytes_of(SEGMENT).unwrap();
    let last_commit =
        (0..range(0, ends[2]).end).rev().find(|at| bytes[*at..].starts_with(&COMMIT_MAGIC)).unwrap();
    let payload_or_frame = 0..last_commit;
    for at in payload_or_frame {
        let wreck = tampered(&sim, at as u64, &[bytes[at] ^ 1]);

        let damage = damage_of(&wreck);

        assert!(damage.offset <= at as u64, "byte {at}: {damage}");
        assert!(damage.entry <= 5 && damage.segment == 0, "byte {at}: {damage}");
    }
}

#[test]
fn damage_is_named_by_entry_and_by_the_byte_where_its_frame_begins() {
    let (sim, _) = ledger(&[1, 3, 1], false);
    let reader = read_only(&shared(&sim), &*verifier()).unwrap();
    let place = reader.read_entry(2).unwrap().place;

    let in_leaf = damage_of(&tampered(&sim, place.leaf_at + 20, &[0xee]));
    let in_payload = damage_of(&tampered(&sim, place.payload_at + 3, &[0xee]));

    for damage in [in_leaf, in_payload] {
        assert_eq!((damage.entry, damage.offset), (2, place.offset), "{damage}");
    }
}

#[test]
fn damaged_folder_is_read_up_to_the_last_commit_point_before_the_damage() {
    let (sim, ends) = ledger(&[1, 3, 1], false);

    let Opened::ReadOnly(found) = opened(&tampered(&sim, ends[0] + 5, &[0xee])) else {
        panic!("the folder was taken for sound")
    };

    assert_eq!(check_log(&found.reader), 1);
}

/// T18: a cut exactly at a commit point is seen by whoever holds a larger promise.
#[test]
fn cut_at_a_commit_point_is_damage_to_whoever_was_promised_more() {
    let (plain, ends) = ledger(&[1, 3, 1], false);
    let cut_plain = cut(&plain, ends[1], &mut |bytes| bytes.fill(0));
    let (published, _) = ledger(&[1, 3, 1], true);
    let cut_published = cut(&published, ends[1], &mut |bytes| bytes.fill(0));
    let pinned = Claim { source: "the pin of bank:004".to_owned(), size: 5 };

    assert_eq!(check_log(recovery_of(&cut_plain).reader()), 4, "nobody can tell");
    let promise = |source_name: &str| Harm::Promised { source_name: source_name.to_owned(), size: 5 };
    assert_eq!(damage_of(&cut_published).what, promise("the published checkpoint"));
    let claimed = open(shared(&cut_plain.kill()), verifier(), "test", &[pinned]).unwrap();
    let Opened::ReadOnly(found) = claimed else { panic!("the claim was ignored") };
    assert_eq!(found.damage.what, promise("the pin of bank:004"));
    assert_eq!((found.damage.entry, found.damage.offset), (4, ends[1]));
}

#[test]
fn hash_tile_beyond_the_log_is_a_promise_too() {
    let (sim, mut store) = fresh(1);
    append(&mut store, 200, 20);
    let end = written(&sim);
    append(&mut store, 200, 20);
    store.reader().publish().unwrap();
    drop(store);
    sim.remove("checkpoint").unwrap();

    let damage = damage_of(&cut(&sim, end, &mut |bytes| bytes.fill(0)));

    assert_eq!(damage.what, Harm::Promised { source_name: "a hash tile".to_owned(), size: 256 });
}

#[test]
fn published_checkpoint_of_the_same_size_and_another_root_is_a_fork() {
    let (sim, _) = ledger(&[2], false);
    let mut other = signer();
    other.resume(&lian_core::merkle::CompactRange::new()).unwrap();
    let note = other.sign(0, &[lian_core::hash::sha256(&[b"x"]), lian_core::hash::sha256(&[b"y"])]).unwrap();
    let file = sim.open("checkpoint", OpenMode::Replace).unwrap();
    write_all_at(&*file, 0, &note).unwrap();

    assert_eq!(damage_of(&sim).what, Harm::Fork(2));
}

/// A commit frame is authentic if the log signed it, whatever its root: the entries are wrong.
#[test]
fn authentic_commit_frame_of_another_root_makes_the_folder_read_only() {
    let (sim, ends) = ledger(&[1, 1], false);
    let mut other = signer();
    other.resume(&lian_core::merkle::CompactRange::new()).unwrap();
    let note = other.sign(0, &[lian_core::hash::sha256(&[b"x"]), lian_core::hash::sha256(&[b"y"])]).unwrap();
    let frame = lian_core::frame::encode_commit(&note);
    let at = ends[1] - frame.len() as u64;

    let damage = damage_of(&tampered(&sim, at, &frame));

    assert_eq!((damage.what, damage.offset, damage.entry), (Harm::Commit, at, 2));
}

#[test]
fn lost_segment_in_the_middle_makes_the_folder_read_only() {
    let (sim, mut store) = fresh(1);
    for _ in 0..30 {
        append(&mut store, 4, 50_000);
    }
    drop(store);
    sim.remove("segments/000001.seg").unwrap();

    let damage = damage_of(&sim);

    assert_eq!((damage.segment, damage.what), (1, Harm::File));
}

#[test]
fn segment_file_of_impossible_length_makes_the_folder_read_only() {
    let (sim, _) = ledger(&[2], false);
    let file = sim.open(SEGMENT, OpenMode::Write).unwrap();
    file.set_len(segment::FILE_BYTES_MAX + 1).unwrap();

    assert_eq!(damage_of(&sim).what, Harm::File);
}

#[test]
fn crashes_around_the_change_of_segments_lose_nothing_either() {
    let sim = SimDisk::new(3);
    let verifier = verifier();
    let mut store = start(&shared(&sim), &verifier).store;
    append(&mut store, 16, 60_000);
    sim.keep_history();
    let mut acknowledged = Vec::new();
    for _ in 0..3 {
        append(&mut store, 1, 60_000);
        acknowledged.resize(sim.moment_count() - 1, store.reader().head().size() - 1);
    }
    drop(store);
    let mut rng = Rng::new(5);
    for (moment, least) in acknowledged.iter().enumerate() {
        for variant in 0..6 {
            let dead = sim.moment(moment).unwrap();
            let wreck = if variant == 0 { dead } else { dead.power_loss(&mut rng) };

            let mut store = start(&shared(&wreck), &verifier).store;

            let size = check_log(store.reader());
            assert!(size >= *least, "moment {moment}: {size} of {least}");
            append(&mut store, 1, 60_000);
            assert_eq!(check_log(store.reader()), size + 1);
        }
    }
    assert_eq!(sim.list("segments").unwrap().len(), 2, "the segment changed within the history");
}

/// The page cache may show what the disk does not have: what is served was written again first.
#[test]
fn last_batch_is_durable_before_recovery_serves_it() {
    let (sim, mut store) = fresh(1);
    append(&mut store, 2, 40);
    let batch: Vec<NewEntry> = entries(store.reader().head().tip(), 2, 40);
    sim.keep_history();
    store.append_batch(&batch).unwrap();
    for moment in 0..sim.moment_count() {
        let killed = sim.moment(moment).unwrap();
        let served = check_log(start(&shared(&killed), &verifier()).store.reader());

        let after = killed.power_loss_keeping(|_| false);

        assert_eq!(written(&after), written(&killed), "moment {moment}: not a byte of it is lost");
        assert_eq!(check_log(start(&shared(&after), &verifier()).store.reader()), served, "moment {moment}");
    }
}

#[test]
fn lost_hash_tiles_and_checkpoint_are_made_again_from_the_segments() {
    let (sim, mut store) = fresh(1);
    append(&mut store, 700, 20);
    store.reader().publish().unwrap();
    drop(store);
    for name in ["checkpoint", "tile/0/000", "tile/0/001"] {
        let copy = sim.kill();
        copy.remove(name).unwrap();
        assert_eq!(check_log(start(&shared(&copy), &verifier()).store.reader()), 700, "without {name}");
    }
    let copy = sim.kill();
    assert!(copy.tamper("tile/0/001", 77, &[1, 2, 3]));
    let store = start(&shared(&copy), &verifier()).store;
    assert_eq!(check_log(store.reader()), 700, "with a false tile");
}

#[test]
fn second_writer_is_refused_while_the_first_lives() {
    let (sim, store) = fresh(1);

    let refused = open(shared(&sim), verifier(), "second", &[]);

    assert!(matches!(refused, Err(OpenError::Lock(LockError::Held { .. }))));
    drop(store);
    recovery_of(&sim);
}

#[test]
fn segment_file_begins_with_its_header_then_batch_then_commit_frame() {
    let (sim, _) = ledger(&[2], false);
    let bytes = sim.bytes_of(SEGMENT).unwrap();

    let (header, length) = SegmentHeader::decode(&bytes).unwrap();
    let batch = BatchHeader::decode(&bytes[length..]).unwrap();

    assert_eq!((header.first, header.recorded_at), (0, 1_000_000));
    let reader = read_only(&shared(&sim), &*verifier()).unwrap();
    let entry = reader.read_entry(0).unwrap();
    assert_eq!(header.ledger, lian_core::hash::leaf_hash(&entry.leaf));
    assert_eq!((batch.first, batch.count), (0, 2));
}
