//! Inclusion proofs over large logs, and opening such logs.
//! Asked: at 1,000,000 entries at most 200 µs to make a proof and 20 µs to check one (p99); opening
//! and a proof within 1 s, and at 4,000,000 entries at most 1.1 times that.
//! The logs hold entries of the usual shape whose signatures are noise. Both end with a nearly full
//! last segment, because opening reads that segment: any other log opens faster.

mod support;

use std::{path::Path, sync::Arc, time::Instant};

use lian_core::{hash::leaf_hash, merkle::check_inclusion};
use lian_store::{
    disk::{Disk, RealDisk},
    reader::Reader,
    recover::{self, Opened},
};
use support::{
    cached::{bare_log, verifier},
    limits::note_machine,
    percentile, size_or,
    table::{Asked, Table},
    timed,
};

const SAMPLES: u64 = 20_000;
const OPENINGS: usize = 9;

fn main() {
    let mut table = Table::new("proofs");
    note_machine(&mut table);
    let count = size_or(1_000_000);
    let (small, large) = (bare_log(count), bare_log(4 * count));
    let mut seconds = [Vec::new(), Vec::new()];
    // In turns, so that other work on the machine meets both.
    for _ in 0..OPENINGS {
        for (folder, seconds) in [&small, &large].into_iter().zip(&mut seconds) {
            seconds.push(timed(|| open_and_prove(folder)).1);
        }
    }
    let [small_s, large_s] = seconds.map(|mut seconds| {
        seconds.sort_by(f64::total_cmp);
        percentile(&seconds, 50)
    });
    let (what, asked) = (format!("open {count} entries and prove one"), Asked::AtMost(1_000.0));
    table.row(&what, None, small_s * 1e3, "ms", &asked);
    let what = format!("open {} entries and prove one", 4 * count);
    let limit = Some(("at a quarter", small_s * 1e3));
    table.row(&what, limit, large_s * 1e3, "ms", &Asked::AtMost(1.1 * small_s * 1e3));
    for folder in [&small, &large] {
        measure(&mut table, &open(folder));
    }
    table.print();
}

fn open(folder: &Path) -> Reader {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(folder).expect("the folder is there"));
    match recover::open(disk, verifier(), "bench", &[]).expect("the folder is free") {
        Opened::Writable(recovery) => recovery.reader().clone(),
        Opened::ReadOnly(found) => panic!("{}", found.damage),
    }
}

fn open_and_prove(folder: &Path) {
    let reader = open(folder);
    let size = reader.head().size();
    reader.prove_inclusion(size / 3, size).expect("the tiles are there");
}

fn measure(table: &mut Table, reader: &Reader) {
    let head = reader.head();
    let (size, root) = (head.size(), head.tip().range().root());
    let (mut making, mut checking) = (Vec::new(), Vec::new());
    for number in 0..SAMPLES {
        // Spread over the log by a stride that shares no factor with it.
        let index = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % size;
        let start = Instant::now();
        let proof = reader.prove_inclusion(index, size).expect("the tiles are there");
        making.push(start.elapsed().as_secs_f64() * 1e6);
        if number.is_multiple_of(10) {
            let hash = leaf_hash(&reader.read_entry(index).expect("the entry is there").leaf);
            let start = Instant::now();
            check_inclusion(index, size, &hash, &proof, &root).expect("the proof holds");
            checking.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    for (what, values, most) in [("make", &mut making, 200.0), ("check", &mut checking, 20.0)] {
        values.sort_by(f64::total_cmp);
        table.note(&format!("{what} a proof among {size}, median"), percentile(values, 50), "µs");
        table.row(
            &format!("{what} a proof among {size}, p99"),
            None,
            percentile(values, 99),
            "µs",
            &Asked::AtMost(most),
        );
    }
}
