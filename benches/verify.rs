//! lian-verify on a large ledger, as auditors run it: the program itself, in a process of its own.
//! Asked: every check at 0.80 of the raw rate of signature checks or more, all signatures counted,
//! in at most 200 MiB; under a pin of this verifier, signatures skipped, 350,000 entries a second
//! with verdicts and 1,000,000 without.
//! Build the program first: `cargo build --release -p lian-verify`.

mod support;

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use lian_store::{
    disk::{Disk, RealDisk},
    recover,
};
use serde_json::Value;
use support::{
    bytes_below,
    cached::{ledger, log_key, verifier},
    limits::{Rounds, Signed, Worked, note_machine},
    peak_mib, size_or,
    table::{Asked, Table},
    ticks,
};

/// Rounds in which the raw measure and the program take turns.
const ROUNDS: usize = 3;
/// How long a raw measure takes.
const RAW_LEAST: Duration = Duration::from_secs(4);
/// Messages of the raw measure.
const RAW_MOST: u64 = 50_000;

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
    let fast = Run::middle_of(&under_pin);
    assert_eq!(fast.count("signatures_checked"), 0.0, "all are below the pin");
    fast.note(&mut table, "under a pin");
    table.row("under a pin, with verdicts", None, fast.entries(), "entries/s", &Asked::AtLeast(350_000.0));
    let bare = Run::middle_of(&[&under_pin[..], &["--no-verdicts"]].concat());
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

/// Signatures of the ledger, evenly chosen.
fn signed(folder: &Path) -> Vec<Signed> {
    use lian_core::{
        entry::Leaf,
        statement::{STATEMENT_TYPE, Statement, pae},
    };
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(folder).expect("the folder is there"));
    let reader = recover::read_only(&disk, &*verifier()).expect("the ledger is there");
    let mut fold = lian_server::open::Fold::new(i64::MAX);
    // The founding alone: it enrols every key.
    fold.run(&reader, 64, &mut |_| ()).expect("the founding folds");
    let size = reader.head().size();
    let step = usize::try_from(size.div_ceil(RAW_MOST)).expect("a count");
    let mut all = Vec::new();
    for index in (64..size).step_by(step) {
        let entry = reader.read_entry(index).expect("the entry is there");
        let leaf = Leaf::decode(&entry.leaf).expect("a leaf");
        let statement = Statement::parse(&entry.payload).expect("a statement");
        for (issuer, signature) in statement.issuers.iter().zip(&leaf.signatures) {
            let key = fold.ledger.directory().key(&issuer.key).expect("an enrolled key").public;
            let message = pae(STATEMENT_TYPE, &entry.payload);
            all.push(Signed { key, message, signature: signature.to_vec() });
        }
    }
    all
}

/// One run of the program.
struct Run {
    report: Value,
    seconds: f64,
    cpu: f64,
    mib: f64,
}

impl Run {
    fn of(arguments: &[&str]) -> Self {
        let program = program();
        let start = Instant::now();
        let mut child = Command::new(&program)
            .args(arguments)
            .arg("--json")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let id = child.id().to_string();
        let (mut mib, mut cpu) = (0.0, 0.0);
        // The kernel keeps the peak; what comes after the last look is too short to matter.
        while child.try_wait().expect("the child can be waited for").is_none() {
            mib = peak_mib(&id).unwrap_or(mib);
            cpu = ticks(&format!("/proc/{id}/stat")).max(cpu);
            thread::sleep(Duration::from_millis(5));
        }
        let seconds = start.elapsed().as_secs_f64();
        let output = child.wait_with_output().expect("the child has ended");
        let report: Value = serde_json::from_slice(&output.stdout).expect("a report in JSON");
        assert_ne!(report["result"], "FAIL", "{report:#}");
        Self { report, seconds, cpu, mib }
    }

    /// The run of middle length among several.
    fn middle_of(arguments: &[&str]) -> Self {
        let mut runs: Vec<Self> = (0..ROUNDS).map(|_| Self::of(arguments)).collect();
        runs.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
        runs.swap_remove(ROUNDS / 2)
    }

    fn count(&self, name: &str) -> f64 {
        self.report["counts"][name].as_f64().unwrap_or_default()
    }

    fn entries(&self) -> f64 {
        self.count("entries") / self.seconds
    }

    fn note(&self, table: &mut Table, what: &str) {
        table.note(&format!("{what}: entries"), self.count("entries"), "");
        table.note(&format!("{what}: time"), self.seconds, "s");
        table.note(
            &format!("{what}: processor time per entry"),
            self.cpu / self.count("entries") * 1e6,
            "µs",
        );
        table.note(&format!("{what}: memory"), self.mib, "MiB");
    }
}

/// `lian-verify` beside the build of this bench, or `LIAN_VERIFY`.
fn program() -> PathBuf {
    let beside = || {
        let own = env::current_exe().expect("the bench has a path");
        own.ancestors().nth(2).expect("benches are built below target/").join("lian-verify")
    };
    env::var_os("LIAN_VERIFY").map_or_else(beside, PathBuf::from)
}
