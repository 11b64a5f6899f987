//! What the benches share: sizes, limits measured in the same run, tables, a sample ledger at work.
#![allow(dead_code, reason = "every bench uses its own part")]

pub mod cached;
pub mod families;
pub mod floor;
pub mod guests;
pub mod limits;
pub mod program;
pub mod running;
pub mod table;
pub mod wire;
pub mod work;

/// The allocator of the programs (`lian`, `lian-verify`): what is measured is what runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::{env, fs, path::PathBuf, time::Instant};

/// Entries, or what the bench counts: `LIAN_BENCH_N`, else its own default.
pub fn size_or(default: u64) -> u64 {
    env::var("LIAN_BENCH_N").ok().and_then(|text| text.replace('_', "").parse().ok()).unwrap_or(default)
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Where the benches write: `LIAN_BENCH_DIR`, else beside the build's files.
pub fn folder() -> PathBuf {
    let folder = env::var_os("LIAN_BENCH_DIR").map_or_else(beside_the_build, PathBuf::from);
    fs::create_dir_all(&folder).expect("the bench folder can be made");
    folder
}

/// `target/release/deps/<bench>` runs, so `target` is three up.
fn beside_the_build() -> PathBuf {
    let own = env::current_exe().expect("the bench has a path");
    let target = own.ancestors().nth(3).expect("benches are built below target/");
    target.join("bench-data")
}

/// A folder that goes when it is dropped.
pub fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in(folder()).expect("a temporary folder can be made")
}

/// How long something took, in seconds, with what it gave.
pub fn timed<T>(run: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let made = run();
    (made, start.elapsed().as_secs_f64())
}

/// Processor seconds of this process so far.
pub fn processor_seconds() -> f64 {
    ticks("/proc/self/stat")
}

/// Processor seconds of a process or thread, from its `stat` file.
pub fn ticks(path: &str) -> f64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let after = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let fields: Vec<f64> = after.split(' ').skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    fields.iter().sum::<f64>() / 100.0
}

/// Most memory that a process had, in MiB; `self` or its number.
pub fn peak_mib(process: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

/// Bytes of all files below a folder.
pub fn bytes_below(folder: &std::path::Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

/// The value below which so many hundredths of the sorted values lie.
pub fn percentile(sorted: &[f64], hundredths: usize) -> f64 {
    let at = (sorted.len() * hundredths / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}
