//! lian-verify on a large ledger, as auditors run it: the program itself, in a process of its own.
//! Asked: every check at 0.80 of the raw rate of signature checks or more, all signatures counted,
//! in at most 200 MiB; under a pin of this verifier, signatures skipped, 350,000 entries a second
//! with verdicts and 1,000,000 without.
//! Build the program first: `cargo build --release -p lian-verify`.

mod support;

use std::{path::Path, time::Duration};

use support::{
    bytes_below,
    cached::{ledger, log_key},
    limits::{Rounds, Worked, note_machine},
    program::{Run, signed},
    size_or,
    table::{Asked, Table},
};

/// Rounds in which the raw measure and the program take turns.
const ROUNDS: usize = 3;
/// How long a raw measure takes.
const RAW_LEAST: Duration = Duration::from_secs(4);

fn main() {
    let mut table = Table::new("verify: lian-verify");
    note_machine(&mut table);
    let folder = ledger(size_or(1_000_000));
    let pin = folder.with_extension("pin");
    let (folder_text, pin_text) = (text(&folder), text(&pin));
    let key = log_key();
    let messages = signed(&folder);
    let (mut rounds, mut all) = (Rounds::default(), Vec::new());
    for _ in 0..ROUNDS {
        rounds.round(&messages, RAW_LEAST, || {
            let run = Run::of(&[&folder_text, "--log-key", &key, "--write-pin", &pin_text]);
            let signatures = run.count("signatures_checked") + run.count("commits_signed");
            let worked = Worked { signatures, seconds: run.seconds, processor_seconds: run.cpu };
            all.push(run);
            worked
        });
    }
    let all = all.into_iter().max_by(|one, other| one.mib.total_cmp(&other.mib)).expect("several runs");
    table.note("bytes of the segments", bytes_below(&folder.join("segments")) as f64 / 1048576.0, "MiB");
    all.note(&mut table, "every check");
    rounds.say(&mut table, "every check: signatures", &Asked::Share(0.80));
    table.row("every check: most memory", None, all.mib, "MiB", &Asked::AtMost(200.0));

    let under_pin = [&folder_text[..], "--log-key", &key, "--pin", &pin_text, "--fast"];
    let fast = Run::middle_of(&under_pin, ROUNDS);
    assert_eq!(fast.count("signatures_checked"), 0.0, "all are below the pin");
    fast.note(&mut table, "under a pin");
    table.row("under a pin, with verdicts", None, fast.entries(), "entries/s", &Asked::AtLeast(350_000.0));
    let bare = Run::middle_of(&[&under_pin[..], &["--no-verdicts"]].concat(), ROUNDS);
    bare.note(&mut table, "under a pin, no verdicts");
    table.row(
        "under a pin, without verdicts",
        None,
        bare.entries(),
        "entries/s",
        &Asked::AtLeast(1_000_000.0),
    );
    table.print();
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path of text").to_owned()
}
