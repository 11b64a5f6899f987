//! A full audit of a ledger with all families of streams, by the program that auditors run.
//! Asked: at most 1.2 times its signatures at the raw rate, and 3 µs per event.
//! Build the program first: `cargo build --release -p lian-verify`.

mod support;

use std::time::Duration;

use support::{
    cached::{families_ledger, log_key},
    cores,
    families::{EVENTS, LIFE},
    limits::{note_machine, raw},
    program::{Run, signed},
    size_or,
    table::{Asked, Table},
};

/// Rounds in which the raw measure and the program take turns.
const ROUNDS: usize = 3;
/// How long a raw measure takes.
const RAW_LEAST: Duration = Duration::from_secs(4);
/// Of the signatures at the raw rate.
const TIMES_RAW: f64 = 1.2;
/// Seconds for each event beside them.
const PER_EVENT: f64 = 3e-6;

fn main() {
    let mut table = Table::new("families: a full audit of guarantees, cargo, registrations and cases");
    note_machine(&mut table);
    let folder = families_ledger(size_or(200_000));
    let folder_text = folder.to_str().expect("a path of text");
    let key = log_key();
    let messages = signed(&folder);
    let mut shares = Vec::new();
    for _ in 0..ROUNDS {
        let before = raw(&messages, RAW_LEAST);
        let run = Run::of(&[folder_text, "--log-key", &key]);
        let after = raw(&messages, RAW_LEAST);
        let signatures = run.count("signatures_checked") + run.count("commits_signed");
        let by_clock = signatures / f64::midpoint(before.per_second, after.per_second);
        let by_processor =
            signatures / f64::midpoint(before.per_processor_second, after.per_processor_second);
        let events = run.count("entries") * EVENTS as f64 / LIFE as f64;
        assert!(signatures > run.count("entries"), "every signature is checked");
        let allowed = TIMES_RAW * by_clock + PER_EVENT * events;
        // Three microseconds are of the clock, so on all cores together as many times over.
        let allowed_processor = TIMES_RAW * by_processor + PER_EVENT * events * cores() as f64;
        shares.push((run.seconds / allowed, run.cpu / allowed_processor, allowed, run));
    }
    shares.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (share, by_processor, allowed, run) = shares.swap_remove(ROUNDS / 2);
    run.note(&mut table, "every check");
    table.note("events in each entry", EVENTS as f64 / LIFE as f64, "");
    table.note("signatures checked", run.count("signatures_checked") + run.count("commits_signed"), "");
    table.note("allowed: 1.2 of the signatures at the raw rate, and 3 µs per event", allowed, "s");
    table.note("every check: share of what is allowed, by processor time", by_processor, "");
    table.row("every check: share of what is allowed", None, share, "", &Asked::AtMost(1.0));
    table.print();
}
