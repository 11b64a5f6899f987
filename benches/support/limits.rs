//! What this machine can give, measured in the same run: signature checks, syncs, hashes.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    thread,
    time::{Duration, Instant},
};

use lian_core::{
    hash::{blake3, sha256},
    keys::PublicKey,
};

use super::{cores, percentile, processor_seconds, scratch, table::Table, timed};

/// One signature to check: key, message, signature.
pub struct Signed {
    pub key: PublicKey,
    pub message: Vec<u8>,
    pub signature: Vec<u8>,
}

/// Signature checks a second on all cores, and a processor second.
#[derive(Clone, Copy)]
pub struct Raw {
    pub per_second: f64,
    pub per_processor_second: f64,
}

/// `verify_strict` of these messages on all cores at once, at least a second long.
pub fn raw(messages: &[Signed]) -> Raw {
    let cores = cores();
    let share = messages.len().div_ceil(cores);
    let (start, used) = (Instant::now(), processor_seconds());
    let mut done = 0;
    while done == 0 || start.elapsed() < Duration::from_secs(1) {
        thread::scope(|scope| {
            for part in messages.chunks(share) {
                scope.spawn(move || {
                    for signed in part {
                        assert!(signed.key.verify(&signed.message, &signed.signature), "a good signature");
                    }
                });
            }
        });
        done += messages.len();
    }
    let done = done as f64;
    Raw {
        per_second: done / start.elapsed().as_secs_f64(),
        per_processor_second: done / (processor_seconds() - used),
    }
}

/// Says both measurements of the raw rate; the limit is the higher.
pub fn note_raw(table: &mut Table, before: Raw, after: Raw) -> Raw {
    table.note("raw signature checks, all cores, before", before.per_second, "/s");
    table.note("raw signature checks, all cores, after", after.per_second, "/s");
    Raw {
        per_second: before.per_second.max(after.per_second),
        per_processor_second: before.per_processor_second.max(after.per_processor_second),
    }
}

/// Adds what the disk and the hashes give.
pub fn note_machine(table: &mut Table) {
    table.note("cores", cores() as f64, "");
    let syncs = sync_latencies();
    table.note("fdatasync of 4 KiB into written space, median", percentile(&syncs, 50) * 1e6, "µs");
    table.note("fdatasync of 4 KiB into written space, p99", percentile(&syncs, 99) * 1e6, "µs");
    let bytes = vec![7; 1 << 20];
    let rate = |hash: &dyn Fn()| {
        let ((), seconds) = timed(|| (0..64).for_each(|_| hash()));
        64.0 / seconds
    };
    table.note(
        "SHA-256, one core",
        rate(&|| {
            std::hint::black_box(sha256(&[&bytes]));
        }),
        "MiB/s",
    );
    table.note(
        "BLAKE3, one core",
        rate(&|| {
            std::hint::black_box(blake3(&[&bytes]));
        }),
        "MiB/s",
    );
}

fn sync_latencies() -> Vec<f64> {
    const BLOCKS: u64 = 256;
    let folder = scratch();
    let file = File::create(folder.path().join("sync")).expect("a file can be made");
    let block = [1; 4_096];
    file.write_all_at(&vec![0; 4_096 * 256], 0).expect("a file can be written");
    file.sync_all().expect("a file can be synced");
    let mut seconds: Vec<f64> = (0..BLOCKS)
        .map(|number| {
            file.write_all_at(&block, number * 4_096).expect("a file can be written");
            timed(|| file.sync_data().expect("a file can be synced")).1
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds
}
