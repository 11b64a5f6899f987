//! Checks a ledger or a receipt offline, from files and public keys alone.
//! Invariant: reads only; never links what writes ledgers; the same files give the same report,
//! whatever the number of threads.
//! Not here: the checks themselves (`lian_core::audit`) and the rules (`lian_domain`).

mod files;
mod pipeline;
mod pool;
mod reader;
mod receipt;
mod report;
mod shadows;
mod text;
mod trust;

use std::path::{Path, PathBuf};

use lian_core::audit::Judge;
use lian_domain::ledger::Ledger;

pub use self::{
    report::{Note, Report},
    text::Lang,
    trust::PinFile,
};

/// Name and version that pin files carry: a pin counts only for the verifier that wrote it.
pub const VERIFIER: &str = concat!("lian-verify ", env!("CARGO_PKG_VERSION"));

/// What to check, and what is known from outside.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// A pin file that an earlier run wrote: its size and root must be a prefix of this ledger
    #[arg(long, value_name = "FILE")]
    pub pin: Option<PathBuf>,
    /// The log's public key, from outside: name+id+base64
    #[arg(long, value_name = "VKEY")]
    pub log_key: Option<String>,
    /// A policy file: log keys, witnesses and their quorum (c2sp.org/tlog-policy)
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The ledger's id from outside: name#hash, or the 43 characters of the hash
    #[arg(long, value_name = "ID")]
    pub genesis: Option<String>,
    /// An older checkpoint or a receipt that was kept; may be given again
    #[arg(long = "checkpoint", value_name = "FILE")]
    pub checkpoints: Vec<PathBuf>,
    /// An epoch that a signer saw: number:root in hex; may be given again
    #[arg(long, value_name = "EPOCH:ROOT")]
    pub seen: Vec<String>,
    /// Skip signatures below the pin, if this very verifier checked them
    #[arg(long, visible_alias = "fast", requires = "pin")]
    pub skip_signatures_under_pin: bool,
    /// Check bytes, payloads, chain, tree and commits only; run no rules, verify no statements
    #[arg(long)]
    pub no_verdicts: bool,
    /// Write a pin file when nothing failed
    #[arg(long, value_name = "FILE")]
    pub write_pin: Option<PathBuf>,
    /// Threads; all cores if not given
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An option cannot be understood.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// No ledger and no receipt is there.
    #[error("{}: no ledger here: a folder with segments/000000.seg, or a receipt file", .0.display())]
    NoLedger(PathBuf),
}

impl RunError {
    /// 2 usage, 4 input or output, 10 no ledger.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Io { .. } => 4,
            Self::NoLedger(_) => 10,
        }
    }

    pub(crate) fn io(path: &Path, error: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), error }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of segments that were judged.
    pub bytes_done: u64,
    /// Bytes of all segment files.
    pub bytes_total: u64,
    /// Entries so far.
    pub entries: u64,
}

/// Checks a ledger folder, a receipt file, or a receipt on standard input (`-`).
pub fn run(target: &Path, options: &Options, progress: &dyn Fn(Progress)) -> Result<Report, RunError> {
    run_with(target, options, Ledger::new(), progress)
}

/// The same with another judge.
pub fn run_with<J: Judge>(
    target: &Path,
    options: &Options,
    judge: J,
    progress: &dyn Fn(Progress),
) -> Result<Report, RunError> {
    let trust = trust::Known::read(options)?;
    let report = if target.is_dir() {
        pipeline::audit_folder(target, options, &trust, judge, progress)?
    } else {
        receipt::audit_receipt(target, &trust)?
    };
    if let Some(path) = &options.write_pin
        && let Some(pin) = report.pin()
    {
        pin.write(path)?;
    }
    Ok(report)
}
