use std::sync::{Arc, Mutex};

use lian_core::{hash, merkle};

use super::*;
use crate::{
    disk::{DiskCall, Fault, FaultKind, FaultyDisk, SimDisk, Step},
    fixture::{self, Device, append, check_log, entries, fresh, start, verifier},
    recover::{self, Judgement, Opened},
    signer::TreeSigner,
};

#[test]
fn writer_and_readers_may_move_to_other_threads() {
    fn may_move<T: Send>() {}
    fn may_be_shared<T: Send + Sync>() {}

    may_move::<Store>();
    may_move::<NextSegmentTask>();
    may_be_shared::<Reader>();
}

#[test]
fn committed_entries_read_back_one_by_one_and_in_order() {
    let (_, mut store) = fresh(1);
    for count in [1, 2, 300, 5] {
        append(&mut store, count, 40);
    }

    let reader = store.reader();
    assert_eq!(check_log(reader), 308);
    for index in (0..308).rev() {
        let entry = reader.read_entry(index).unwrap();
        assert_eq!((entry.index, entry.payload), (index, fixture::payload_of(index, 40)));
    }
    assert!(matches!(reader.read_entry(308), Err(ReadError::Beyond { index: 308, size: 308 })));
}

#[test]
fn entries_that_do_not_continue_the_log_are_refused_and_nothing_is_written() {
    let (sim, mut store) = fresh(1);
    append(&mut store, 3, 40);
    let before = sim.bytes_of("segments/000000.seg");
    let good = entries(store.reader().head().tip(), 2, 40);
    let mut swapped = good.clone();
    swapped.swap(0, 1);
    let mut altered = good.clone();
    altered[1].payload[0] ^= 1;
    let mut silent = good.clone();
    silent[0].previous.clear();
    let old = entries(&Tip::default(), 1, 40);

    for bad in [swapped, altered, silent, old] {
        assert!(matches!(store.append_batch(&bad), Err(AppendError::Unfit(_))));
    }
    assert!(matches!(store.append_batch(&[]), Err(AppendError::BatchSize { entries: 0, .. })));
    assert_eq!(sim.bytes_of("segments/000000.seg"), before);
    store.append_batch(&good).unwrap();
}

#[test]
fn batch_of_more_than_eight_mebibytes_is_refused_and_one_just_below_is_taken() {
    let (_, mut store) = fresh(1);
    let tip = store.reader().head().tip().clone();
    let largest = entries(&tip, 136, 60 * 1024);
    let too_large = entries(&tip, 137, 60 * 1024);

    assert!(matches!(store.append_batch(&too_large), Err(AppendError::BatchSize { .. })));
    store.append_batch(&largest).unwrap();

    assert_eq!(check_log(store.reader()), 136);
}

#[test]
fn log_goes_on_over_many_segments_and_finds_every_entry_again() {
    let (sim, mut store) = fresh(1);
    for _ in 0..60 {
        append(&mut store, 4, 50_000);
    }

    assert_eq!(check_log(store.reader()), 240);
    for index in 0..240 {
        assert_eq!(store.reader().read_entry(index).unwrap().index, index);
    }
    let names = sim.list("segments").unwrap();
    assert_eq!(names, ["000000.seg", "000001.seg", "000002.seg", "000003.seg"]);
    for name in &names[..3] {
        let bytes = sim.bytes_of(&format!("segments/{name}")).unwrap();
        assert_eq!(bytes.last(), Some(&b'\n'), "a sealed segment ends with its last commit frame");
    }
}

#[test]
fn clean_close_trims_the_segment_and_the_log_goes_on_after_it() {
    let (sim, mut store) = fresh(1);
    append(&mut store, 3, 40);
    store.prepare_next().unwrap();
    store.close().unwrap();
    assert_eq!(sim.list("segments").unwrap(), ["000000.seg"]);
    assert!(sim.bytes_of("segments/000000.seg").unwrap().len() < 2000);

    let disk: Arc<dyn Disk> = Arc::new(sim);
    let started = start(&disk, &verifier());

    assert!(started.set_aside.is_empty());
    let mut store = started.store;
    append(&mut store, 3, 40);
    assert_eq!(check_log(store.reader()), 6);
}

#[test]
fn no_answer_leaves_before_the_sync_of_the_commit_frame() {
    let sim = SimDisk::new(1);
    let faulty = FaultyDisk::over_sim(&sim);
    let disk: Arc<dyn Disk> = Arc::new(faulty.clone());
    let mut store = start(&disk, &verifier()).store;
    for _ in 0..3 {
        append(&mut store, 2, 40);
        faulty.note("acknowledged");
    }

    let mut syncs = 0;
    let mut dirty = false;
    let mut acknowledged = 0;
    for step in faulty.trace() {
        match step {
            Step::Called { call: DiskCall::Write, .. } => dirty = true,
            Step::Called { call: DiskCall::Sync, ok, .. } => {
                assert!(ok);
                dirty = false;
                syncs += 1;
            }
            Step::Noted(_) => {
                assert!(!dirty, "something was written after the last sync");
                assert!(syncs >= 2, "the batch and the commit frame are synced apart");
                syncs = 0;
                acknowledged += 1;
            }
            Step::Called { .. } => {}
        }
    }
    assert_eq!(acknowledged, 3);
}

#[test]
fn lost_or_flipped_bytes_are_never_signed() {
    for kind in [FaultKind::Lost, FaultKind::FlippedBit] {
        let call = if kind == FaultKind::Lost { DiskCall::Write } else { DiskCall::Read };
        let sim = SimDisk::new(1);
        let counting = FaultyDisk::over_sim(&sim);
        let disk: Arc<dyn Disk> = Arc::new(counting.clone());
        let mut store = start(&disk, &verifier()).store;
        append(&mut store, 1, 40);
        let number = counting.count_of(call) + 1;
        let _ = counting.failing(Fault { call: Some(call), number, kind, persistent: false });
        let batch = entries(store.reader().head().tip(), 1, 40);

        let answer = store.append_batch(&batch);

        assert!(matches!(answer, Err(AppendError::Poisoned(Poison::ReadBack { .. }))), "{kind:?}");
        assert_eq!(store.reader().head().size(), 1);
    }
}

#[test]
fn every_failed_write_or_sync_on_the_live_segment_poisons_the_writer_for_good() {
    for call in [DiskCall::Write, DiskCall::Sync] {
        for later in 1..=2 {
            let sim = SimDisk::new(later);
            let faulty = FaultyDisk::over_sim(&sim);
            let disk: Arc<dyn Disk> = Arc::new(faulty.clone());
            let mut store = start(&disk, &verifier()).store;
            append(&mut store, 1, 40);
            let number = faulty.count_of(call) + later;
            let _ =
                faulty.failing(Fault { call: Some(call), number, kind: FaultKind::Io, persistent: false });
            let batch = entries(store.reader().head().tip(), 1, 40);

            assert!(matches!(store.append_batch(&batch), Err(AppendError::Poisoned(_))));
            assert!(matches!(store.append_batch(&batch), Err(AppendError::Poisoned(Poison::Earlier))));
            assert!(matches!(store.retry(), Err(AppendError::Poisoned(Poison::Earlier))));
            assert_eq!(check_log(store.reader()), 1, "reads go on");
        }
    }
}

#[test]
fn full_disk_before_a_segment_is_no_poison_and_the_log_goes_on_when_there_is_space() {
    let (sim, mut store) = fresh(1);
    sim.limit_bytes(1 << 20);
    let mut refused = 0;
    for _ in 0..30 {
        let batch = entries(store.reader().head().tip(), 1, 60_000);
        match store.append_batch(&batch) {
            Ok(_) => {}
            Err(AppendError::NoSpace(_)) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 10);
    let size = check_log(store.reader());
    assert!(size > 10);

    sim.limit_bytes(u64::MAX);
    append(&mut store, 1, 60_000);
    assert_eq!(check_log(store.reader()), size + 1);
}

#[test]
fn helper_that_fills_the_next_segment_too_late_harms_nothing() {
    let (sim, mut store) = fresh(1);
    append(&mut store, 1, 40);
    let task = store.next_segment_task().unwrap();
    assert!(store.next_segment_task().is_none(), "one helper at a time");
    append(&mut store, 20, 60_000);

    let late = task.run().unwrap();
    store.adopt(late).unwrap();

    assert_eq!(check_log(store.reader()), 21);
    assert_eq!(sim.list("segments").unwrap(), ["000000.seg", "000001.seg"]);
    let in_time = store.next_segment_task().unwrap().run().unwrap();
    store.adopt(in_time).unwrap();
    assert_eq!(sim.list("segments").unwrap().len(), 3);
    append(&mut store, 40, 60_000);
    assert_eq!(check_log(store.reader()), 61);
}

#[test]
fn silent_signer_leaves_the_batch_waiting_and_unseen_until_it_answers() {
    let sim = SimDisk::new(1);
    let disk: Arc<dyn Disk> = Arc::new(sim);
    let silent = Arc::new(Mutex::new(false));
    let device = Device { key: fixture::key(), silent: Arc::clone(&silent) };
    let signer = Box::new(TreeSigner::new(Box::new(device)));
    let Opened::Writable(recovery) = recover::open(disk, verifier(), "test", &[]).unwrap() else {
        panic!("a fresh folder is writable")
    };
    let mut store = recovery.start(signer, Judgement::RollForward).unwrap().store;
    append(&mut store, 2, 40);
    let batch = entries(store.reader().head().tip(), 3, 40);
    *silent.lock().unwrap() = true;

    assert!(matches!(store.append_batch(&batch), Err(AppendError::Unsigned(_))));
    assert!(matches!(store.append_batch(&batch), Err(AppendError::Pending)));
    assert!(matches!(store.retry(), Err(AppendError::Unsigned(_))));
    assert_eq!(check_log(store.reader()), 2, "nobody hears of it, and reads go on");

    *silent.lock().unwrap() = false;
    assert_eq!(store.retry().unwrap().size(), 5);
    append(&mut store, 1, 40);
    assert_eq!(check_log(store.reader()), 6);
}

#[test]
fn destroyed_payload_is_zeros_of_its_length_and_the_log_opens_as_before() {
    let (sim, mut store) = fresh(1);
    append(&mut store, 5, 40);
    store.destroy_payload(2).unwrap();
    store.destroy_payload(2).unwrap();
    drop(store);

    let disk: Arc<dyn Disk> = Arc::new(sim.kill());
    let store = start(&disk, &verifier()).store;

    assert_eq!(store.reader().read_entry(2).unwrap().payload, [0; 40]);
    assert_eq!(store.reader().read_entry(3).unwrap().payload, fixture::payload_of(3, 40));
    assert_eq!(store.reader().head().size(), 5);
}

#[test]
fn proofs_from_tiles_hold_for_every_size_that_was_committed() {
    let (_, mut store) = fresh(1);
    let mut roots = Vec::new();
    for count in [1, 255, 1, 300, 70] {
        append(&mut store, count, 30);
        let head = store.reader().head();
        roots.push((head.size(), head.tip().range().root()));
    }
    store.reader().publish().unwrap();

    let reader = store.reader();
    for (size, root) in &roots {
        assert_eq!(reader.root_at(*size).unwrap(), *root);
        for index in (0..*size).step_by(37) {
            let leaf = hash::leaf_hash(&reader.read_entry(index).unwrap().leaf);
            let proof = reader.prove_inclusion(index, *size).unwrap();
            merkle::check_inclusion(index, *size, &leaf, &proof, root).unwrap();
        }
    }
    for (size, _) in &roots {
        let range = size.saturating_sub(40)..*size;
        let one_by_one: Vec<_> =
            range.clone().map(|index| reader.prove_inclusion(index, *size).unwrap()).collect();
        assert_eq!(reader.prove_inclusions(range, *size).unwrap(), one_by_one);
    }
    assert!(reader.prove_inclusions(600..628, 627).is_err());
    for pair in roots.windows(2) {
        let [(old, old_root), (new, new_root)] = pair else { unreachable!() };
        let proof = reader.prove_consistency(*old, *new).unwrap();
        merkle::check_consistency(*old, *new, old_root, new_root, &proof).unwrap();
    }
    assert!(reader.prove_inclusion(0, 10_000).is_err());
    assert!(reader.prove_consistency(0, 1).is_err());
}
