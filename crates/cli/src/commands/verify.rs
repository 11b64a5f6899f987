//! `lian verify`: the same checks as `lian-verify`, in process.

use std::path::PathBuf;

use lian_verify::{Options, Progress};

use crate::{
    failure::{Exit, Failure, Result},
    session::Session,
};

const EXAMPLES: &str = "\
Examples:
  lian verify ledger-data                       every check, every entry
  lian verify copy --log-key customs.example/2026+…   with the log's key from outside
  lian verify copy --checkpoint kept.checkpoint  history must extend what you kept
  lian verify FB-115-000123-47.tlog-proof        a receipt
  lian verify - < receipt.tlog-proof
";

/// Options of `lian verify`.
#[derive(clap::Args)]
#[command(before_help = EXAMPLES)]
pub struct Arguments {
    /// A ledger folder, a receipt file, or - for a receipt on standard input [default: the ledger]
    target: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// Runs it.
pub fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    let out = session.out;
    let target = arguments.target.as_deref().unwrap_or(&session.folder);
    let bar = out.bar(0);
    let progress = |progress: Progress| {
        bar.set_length(progress.bytes_total);
        bar.set_position(progress.bytes_done);
    };
    let report = lian_verify::run(target, &arguments.options, &progress);
    bar.finish_and_clear();
    let report = report.map_err(|error| match error.exit_code() {
        2 => Failure::usage(error),
        10 => Failure::new(Exit::NoLedger, "no-ledger", error),
        _ => Failure::new(Exit::Io, "io", error),
    })?;
    if out.json {
        out.value(&report.json());
    } else {
        out.bytes(report.text(out.lang.of_verifier()).as_bytes());
    }
    match report.exit_code() {
        0 => Ok(()),
        1 => Err(Failure::said(Exit::Failed, "verification-failed")),
        _ => Err(Failure::said(Exit::Unconfirmed, "unconfirmed")),
    }
}
