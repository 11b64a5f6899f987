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

use super::{
    cores, percentile, processor_seconds, scratch,
    table::{Asked, Table},
    timed,
};

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

/// `verify_strict` of these messages on all cores at once, so long.
pub fn raw(messages: &[Signed], least: Duration) -> Raw {
    let share = messages.len().div_ceil(cores());
    let (start, used) = (Instant::now(), processor_seconds());
    let check = |part: &[Signed]| {
        let mut done = 0_usize;
        for signed in part.iter().cycle() {
            assert!(signed.key.verify(&signed.message, &signed.signature), "a good signature");
            done += 1;
            if start.elapsed() >= least {
                break;
            }
        }
        done
    };
    let done: usize = thread::scope(|scope| {
        let threads: Vec<_> = messages.chunks(share).map(|part| scope.spawn(move || check(part))).collect();
        threads.into_iter().map(|thread| thread.join().expect("all signatures are good")).sum()
    });
    let done = done as f64;
    Raw {
        per_second: done / start.elapsed().as_secs_f64(),
        per_processor_second: done / (processor_seconds() - used),
    }
}

/// Signatures of one piece of work, and what it took.
#[derive(Clone, Copy)]
pub struct Worked {
    pub signatures: f64,
    pub seconds: f64,
    pub processor_seconds: f64,
}

/// Pieces of work, each between two measurements of the raw rate, so that a machine that others use
/// too slows both alike.
#[derive(Default)]
pub struct Rounds {
    raw: Vec<Raw>,
    worked: Vec<Worked>,
}

impl Rounds {
    /// One more piece; measures the raw rate before the first and after each.
    pub fn round(&mut self, messages: &[Signed], least: Duration, work: impl FnOnce() -> Worked) {
        if self.raw.is_empty() {
            self.raw.push(raw(messages, least));
        }
        self.worked.push(work());
        self.raw.push(raw(messages, least));
    }

    /// For each round the raw rate, the mean of before and after, and the rate of the work.
    fn pairs(&self, of_raw: impl Fn(&Raw) -> f64, of_work: impl Fn(&Worked) -> f64) -> Vec<(f64, f64)> {
        let raw = self.raw.windows(2).map(|pair| f64::midpoint(of_raw(&pair[0]), of_raw(&pair[1])));
        raw.zip(&self.worked).map(|(raw, worked)| (raw, worked.signatures / of_work(worked))).collect()
    }

    /// Two rows: by processor time, for a machine that is busy, and by the clock, which is asked.
    pub fn say(&self, table: &mut Table, what: &str, asked: &Asked) {
        let by_cpu = self.pairs(|raw| raw.per_processor_second, |worked| worked.processor_seconds);
        let what_cpu = format!("{what} by processor time");
        table.shares(&what_cpu, "raw", &by_cpu, "/cpu s", &Asked::Nothing);
        let by_clock = self.pairs(|raw| raw.per_second, |worked| worked.seconds);
        table.shares(what, "raw", &by_clock, "/s", asked);
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
