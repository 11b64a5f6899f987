use std::{env, fs, process, sync::Arc, thread};

use super::*;

/// A folder under the system's temporary folder, removed at the end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("lian-disk-{}-{name}", process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn put(disk: &dyn Disk, path: &str, bytes: &[u8]) -> Box<dyn DiskFile> {
    let file = disk.open(path, OpenMode::Create).unwrap();
    write_all_at(&*file, 0, bytes).unwrap();
    file
}

fn get(disk: &dyn Disk, path: &str) -> Vec<u8> {
    let file = disk.open(path, OpenMode::Read).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    assert_eq!(
        read_up_to(&*file, 0, &mut bytes).unwrap(),
        bytes.len(),
        "a file gives as many bytes as it has"
    );
    bytes
}

fn count_of(wanted: u8, bytes: &[u8]) -> usize {
    bytes.iter().map(|byte| usize::from(*byte == wanted)).sum()
}

/// Every disk behind the door must do the same.
fn behaves_like_a_disk(disk: &dyn Disk) {
    disk.create_dir("segments").unwrap();
    disk.create_dir("segments").unwrap();
    let file = put(disk, "segments/000000.seg", b"hello");
    write_all_at(&*file, 8, b"!").unwrap();
    file.sync().unwrap();
    disk.sync_dir("segments").unwrap();
    disk.sync_dir("").unwrap();
    assert_eq!(get(disk, "segments/000000.seg"), b"hello\0\0\0!");

    file.set_len(3).unwrap();
    assert_eq!(get(disk, "segments/000000.seg"), b"hel");
    assert_eq!(file.read_at(3, &mut [0; 4]).unwrap(), 0, "the end is the end");
    let again = disk.open("segments/000000.seg", OpenMode::Create);
    assert_eq!(again.unwrap_err().source.kind(), io::ErrorKind::AlreadyExists);
    assert!(disk.open("nothing", OpenMode::Write).unwrap_err().is_not_found());
    assert!(disk.open("no/folder", OpenMode::Create).is_err());
    let reader = disk.open("segments/000000.seg", OpenMode::Read).unwrap();
    assert!(reader.write_at(0, b"x").is_err(), "a reader cannot write");

    put(disk, "checkpoint.tmp", b"new");
    put(disk, "checkpoint", b"old one");
    disk.rename("checkpoint.tmp", "checkpoint").unwrap();
    assert_eq!(get(disk, "checkpoint"), b"new");
    assert!(!disk.exists("checkpoint.tmp").unwrap());
    disk.open("checkpoint", OpenMode::Replace).unwrap();
    assert_eq!(get(disk, "checkpoint"), b"");
    assert_eq!(disk.list("segments").unwrap(), ["000000.seg"]);
    assert!(disk.list("absent").unwrap().is_empty());
    disk.remove("checkpoint").unwrap();
    assert!(!disk.exists("checkpoint").unwrap());
}

#[test]
fn real_simulated_and_faulty_disks_behave_alike() {
    let folder = Folder::new("alike");

    behaves_like_a_disk(&RealDisk::create(&folder.0).unwrap());
    behaves_like_a_disk(&SimDisk::new(1));
    behaves_like_a_disk(&FaultyDisk::over_sim(&SimDisk::new(2)));
}

#[test]
fn no_path_leaves_the_ledger_folder() {
    let folder = Folder::new("paths");
    let disks: [&dyn Disk; 2] = [&RealDisk::create(&folder.0).unwrap(), &SimDisk::new(1)];

    for disk in disks {
        for path in ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "...", "a\0b", "a b"] {
            let refused = disk.open(path, OpenMode::Replace).unwrap_err();
            assert_eq!(refused.source.kind(), io::ErrorKind::InvalidInput, "{path:?}");
            assert!(disk.rename("a", path).is_err(), "{path:?}");
            assert!(disk.remove(path).is_err(), "{path:?}");
            assert!(disk.create_dir(path).is_err(), "{path:?}");
        }
        assert!(disk.open(&"a".repeat(PATH_BYTES_MAX + 1), OpenMode::Replace).is_err());
        assert!(disk.list("../").is_err());
        assert!(disk.sync_dir("..").is_err());
        assert!(disk.rename("segments/a", "tile/a").is_err(), "renames stay in a folder");
    }
}

#[test]
fn second_writer_is_told_who_has_the_folder() {
    let folder = Folder::new("lock");
    let disks: [&dyn Disk; 2] = [&RealDisk::create(&folder.0).unwrap(), &SimDisk::new(1)];

    for disk in disks {
        let first = disk.lock("lian serve").unwrap();
        let refused = disk.lock("lian import").unwrap_err();
        assert!(refused.to_string().contains("lian serve"), "{refused}");

        drop(first);
        disk.lock("lian import").unwrap();
    }
}

#[test]
fn of_many_writers_at_once_exactly_one_gets_the_folder() {
    let folder = Folder::new("locks");
    let disk = RealDisk::create(&folder.0).unwrap();

    for _ in 0..100 {
        let answers: Vec<_> = thread::scope(|scope| {
            let asked: Vec<_> = (0..4).map(|_| scope.spawn(|| disk.lock("writer"))).collect();
            asked.into_iter().map(|answer| answer.join().unwrap()).collect()
        });
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    }
}

#[test]
fn what_was_synced_survives_every_power_loss() {
    for seed in 0..300 {
        let disk = SimDisk::new(seed);
        let file = put(&disk, "a", &[7; 10_000]);
        file.sync().unwrap();
        disk.sync_dir("").unwrap();
        write_all_at(&*file, 10_000, &[8; 10_000]).unwrap();

        let after = disk.power_loss(&mut Rng::new(seed));

        assert!(get(&after, "a").starts_with(&[7; 10_000]), "seed {seed}");
    }
}

#[test]
fn unsynced_writes_are_kept_lost_torn_and_turned_to_garbage() {
    let [mut kept, mut lost, mut torn, mut garbage] = [0; 4];
    for seed in 0..500 {
        let disk = SimDisk::new(0);
        let file = put(&disk, "a", b"");
        file.sync().unwrap();
        disk.sync_dir("").unwrap();
        write_all_at(&*file, 0, &[7; 9_000]).unwrap();

        let bytes = get(&disk.power_loss(&mut Rng::new(seed)), "a");

        let good = count_of(7, &bytes);
        let zeros = count_of(0, &bytes);
        kept += u32::from(good == 9_000);
        lost += u32::from(bytes.is_empty());
        torn += u32::from(good > 600 && good < 9_000);
        garbage += u32::from(good + zeros + 600 < bytes.len());
    }
    for (name, count) in [("kept", kept), ("lost", lost), ("torn", torn), ("garbage", garbage)] {
        assert!(count > 10, "{name} happened {count} times");
    }
}

#[test]
fn unsynced_names_may_be_lost_and_unsynced_renames_undone() {
    let [mut created, mut renamed] = [0; 2];
    for seed in 0..200 {
        let disk = SimDisk::new(0);
        put(&disk, "old", b"old").sync().unwrap();
        disk.sync_dir("").unwrap();
        put(&disk, "new", b"new").sync().unwrap();
        disk.rename("new", "old").unwrap();

        let after = disk.power_loss(&mut Rng::new(seed));

        let bytes = get(&after, "old");
        assert!(bytes == b"old" || bytes == b"new", "a rename is whole or not at all");
        renamed += u32::from(bytes == b"new");
        created += u32::from(after.exists("new").unwrap());
    }
    assert!((20..180).contains(&renamed), "{renamed}");
    assert!((5..180).contains(&created), "{created}");
}

#[test]
fn files_in_a_folder_that_was_never_synced_are_lost_with_it() {
    let disk = SimDisk::new(0);
    disk.create_dir("tile").unwrap();
    put(&disk, "tile/0", b"x").sync().unwrap();
    disk.sync_dir("tile").unwrap();

    let after = disk.power_loss_keeping(|_| false);

    assert!(!after.exists("tile").unwrap());
    assert!(!after.exists("tile/0").unwrap());
}

#[test]
fn after_a_failed_sync_the_cache_shows_what_a_later_sync_does_not_write() {
    let mut missing = 0;
    for seed in 0..50 {
        let disk = SimDisk::new(seed);
        let file = put(&disk, "a", b"");
        disk.sync_dir("").unwrap();
        file.sync().unwrap();
        write_all_at(&*file, 0, &[7; 4096]).unwrap();
        disk.fail_next_syncs(1);

        assert!(file.sync().is_err());
        file.sync().expect("the page is clean, so the next sync has nothing to do");

        assert_eq!(get(&disk, "a"), [7; 4096], "readers still see it");
        missing += u32::from(get(&disk.power_loss_keeping(|_| true), "a") != [7; 4096]);

        write_all_at(&*file, 0, &[7; 4096]).unwrap();
        file.sync().unwrap();
        assert_eq!(get(&disk.power_loss_keeping(|_| false), "a"), [7; 4096], "written again");
    }
    assert!(missing > 10, "{missing}");
}

#[test]
fn killed_process_leaves_writes_that_are_seen_but_not_durable() {
    let disk = SimDisk::new(0);
    let held = disk.lock("first").unwrap();
    let file = put(&disk, "a", b"");
    file.sync().unwrap();
    disk.sync_dir("").unwrap();
    write_all_at(&*file, 0, b"seen").unwrap();

    let after = disk.kill();

    assert_eq!(get(&after, "a"), b"seen");
    assert_eq!(get(&after.power_loss_keeping(|_| false), "a"), b"");
    after.lock("second").unwrap();
    write_all_at(&*file, 0, b"dead").unwrap();
    assert_eq!(get(&after, "a"), b"seen", "the dead process writes nowhere");
    drop(held);
}

#[test]
fn same_seed_gives_the_same_wreck() {
    let wreck = |seed| {
        let disk = SimDisk::new(5);
        put(&disk, "a", &[1; 10_000]);
        disk.power_loss(&mut Rng::new(seed)).bytes_of("a")
    };

    for seed in 0..50 {
        assert_eq!(wreck(seed), wreck(seed));
    }
}

#[test]
fn history_shows_the_folder_after_each_change() {
    let disk = SimDisk::new(0);
    disk.keep_history();
    let file = put(&disk, "a", b"one");
    write_all_at(&*file, 0, b"two").unwrap();

    assert_eq!(disk.moment_count(), 4);
    assert_eq!(disk.moment(0).unwrap().bytes_of("a"), None);
    assert_eq!(disk.moment(2).unwrap().bytes_of("a").unwrap(), b"one");
    assert_eq!(disk.moment(3).unwrap().bytes_of("a").unwrap(), b"two");
    assert!(disk.moment(4).is_none());
}

#[test]
fn full_disk_says_so_and_takes_writes_again_when_space_is_freed() {
    let disk = SimDisk::new(0);
    put(&disk, "a", &[1; 900]);
    disk.limit_bytes(1000);
    let file = put(&disk, "b", b"");

    assert!(write_all_at(&*file, 0, &[2; 200]).unwrap_err().is_no_space());

    disk.limit_bytes(2000);
    write_all_at(&*file, 0, &[2; 200]).unwrap();
}

#[test]
fn twenty_thousand_crash_states_of_a_segment_share_their_blocks() {
    let disk = SimDisk::new(0);
    let file = put(&disk, "a", &vec![0; 1 << 20]);
    file.sync().unwrap();
    disk.sync_dir("").unwrap();
    for number in 0_u8..20 {
        write_all_at(&*file, u64::from(number) * 5000, &[number + 1; 5000]).unwrap();
    }
    file.sync().unwrap();
    write_all_at(&*file, 100_000, &[99; 5000]).unwrap();
    let mut rng = Rng::new(9);

    let states: Vec<SimDisk> = (0..20_000).map(|_| disk.power_loss(&mut rng)).collect();

    // A flat copy of each would be 20 GiB; blocks of zeros and unchanged blocks are shared.
    for state in states.iter().step_by(100) {
        assert_eq!(state.bytes_of("a").unwrap().len(), 1 << 20);
    }
}

fn fault(call: DiskCall, number: u64, kind: FaultKind) -> Fault {
    let call = Some(call);
    let persistent = false;
    Fault { call, number, kind, persistent }
}

#[test]
fn chosen_call_fails_once_and_only_that_call() {
    let sim = SimDisk::new(0);
    let disk = FaultyDisk::over_sim(&sim).failing(fault(DiskCall::Write, 2, FaultKind::Io));
    let file = put(&disk, "a", b"one");

    assert!(write_all_at(&*file, 0, b"two!").is_err());
    assert_eq!(get(&disk, "a"), b"twe", "half of a failed write is there");
    write_all_at(&*file, 0, b"three").unwrap();

    assert_eq!(disk.count_of(DiskCall::Write), 3);
}

#[test]
fn persistent_fault_fails_every_call_from_its_number_on() {
    let every = Fault { call: None, number: 3, kind: FaultKind::Io, persistent: true };
    let disk = FaultyDisk::over_sim(&SimDisk::new(0)).failing(every);
    let file = put(&disk, "a", b"one");

    assert!(file.sync().is_err());
    assert!(file.len().is_err());
    assert!(disk.list("").is_err());
    assert_eq!(disk.call_count(), 5);
}

#[test]
fn writer_goes_on_after_short_and_interrupted_writes_and_reads() {
    let disk = FaultyDisk::over_sim(&SimDisk::new(0))
        .failing(fault(DiskCall::Write, 1, FaultKind::Short))
        .failing(fault(DiskCall::Write, 2, FaultKind::Interrupted))
        .failing(fault(DiskCall::Read, 1, FaultKind::Interrupted))
        .failing(fault(DiskCall::Read, 2, FaultKind::Short));
    put(&disk, "a", b"whole text");

    assert_eq!(get(&disk, "a"), b"whole text");
    assert_eq!(disk.count_of(DiskCall::Write), 3);
}

#[test]
fn lost_write_is_reported_as_done_and_a_flipped_bit_as_read() {
    let disk = FaultyDisk::over_sim(&SimDisk::new(0))
        .failing(fault(DiskCall::Write, 2, FaultKind::Lost))
        .failing(fault(DiskCall::Read, 2, FaultKind::FlippedBit));
    let file = put(&disk, "a", b"one");

    write_all_at(&*file, 0, b"two").unwrap();

    assert_eq!(get(&disk, "a"), b"one");
    assert_eq!(get(&disk, "a"), b"ooe");
}

#[test]
fn failed_sync_over_a_simulated_disk_leaves_clean_pages() {
    let mut missing = 0;
    for seed in 0..30 {
        let sim = SimDisk::new(seed);
        let disk = FaultyDisk::over_sim(&sim).failing(fault(DiskCall::Sync, 2, FaultKind::Io));
        let file = put(&disk, "a", b"");
        file.sync().unwrap();
        disk.sync_dir("").unwrap();
        write_all_at(&*file, 0, &[7; 4096]).unwrap();

        assert!(file.sync().is_err());
        file.sync().unwrap();

        missing += u32::from(get(&sim.power_loss_keeping(|_| true), "a") != [7; 4096]);
    }
    assert!(missing > 5, "{missing}");
}

#[test]
fn trace_shows_whether_an_acknowledgement_came_before_its_sync() {
    let disk = FaultyDisk::new(Arc::new(SimDisk::new(0)));
    let file = put(&disk, "a", b"one");
    file.sync().unwrap();
    disk.note("acknowledged");

    let trace = disk.trace();
    let synced = |step: &Step| matches!(step, Step::Called { call: DiskCall::Sync, ok: true, .. });
    let sync = trace.iter().position(synced).unwrap();
    let note = trace.iter().position(|step| *step == Step::Noted("acknowledged".to_owned()));
    assert!(sync < note.unwrap());
}
