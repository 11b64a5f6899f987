//! `lian-verify` in a process of its own, on a kept ledger, and the signatures of that ledger.
//! Build the program first: `cargo build --release -p lian-verify`.

use std::{
    env,
    io::Read as _,
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

use super::{cached::verifier, limits::Signed, peak_mib, table::Table, ticks};

/// Messages of the raw measure.
const RAW_MOST: u64 = 50_000;
/// Entries of the founding of a sample ledger, with everybody's enrolment, or more.
const FOUNDING: u64 = 64;

/// Signatures of the ledger, evenly chosen.
pub fn signed(folder: &Path) -> Vec<Signed> {
    use lian_core::{
        entry::Leaf,
        statement::{STATEMENT_TYPE, Statement, pae},
    };
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(folder).expect("the folder is there"));
    let reader = recover::read_only(&disk, &*verifier()).expect("the ledger is there");
    let mut fold = lian_server::open::Fold::new(i64::MAX);
    // The founding alone: it enrols every key.
    fold.run(&reader, FOUNDING, &mut |_| ()).expect("the founding folds");
    let size = reader.head().size();
    let step = usize::try_from(size.div_ceil(RAW_MOST)).expect("a count");
    let mut all = Vec::new();
    for index in (FOUNDING..size).step_by(step) {
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
pub struct Run {
    report: Value,
    pub seconds: f64,
    pub cpu: f64,
    pub mib: f64,
}

impl Run {
    pub fn of(arguments: &[&str]) -> Self {
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
        // A long report would fill the pipe, and the program would wait for ever.
        let mut stdout = child.stdout.take().expect("standard output is a pipe");
        let report = thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).expect("the report can be read");
            bytes
        });
        // The kernel keeps the peak; what comes after the last look is too short to matter.
        while child.try_wait().expect("the child can be waited for").is_none() {
            mib = peak_mib(&id).unwrap_or(mib);
            cpu = ticks(&format!("/proc/{id}/stat")).max(cpu);
            thread::sleep(Duration::from_millis(5));
        }
        let seconds = start.elapsed().as_secs_f64();
        let report = report.join().expect("the report is read");
        let report: Value = serde_json::from_slice(&report).expect("a report in JSON");
        assert_ne!(report["result"], "FAIL", "{report:#}");
        Self { report, seconds, cpu, mib }
    }

    /// The run of middle length among several.
    pub fn middle_of(arguments: &[&str], runs: usize) -> Self {
        let mut runs: Vec<Self> = (0..runs).map(|_| Self::of(arguments)).collect();
        runs.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
        runs.swap_remove(runs.len() / 2)
    }

    pub fn count(&self, name: &str) -> f64 {
        self.report["counts"][name].as_f64().unwrap_or_default()
    }

    pub fn entries(&self) -> f64 {
        self.count("entries") / self.seconds
    }

    pub fn note(&self, table: &mut Table, what: &str) {
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
