//! lian-verify: checks a ledger or a receipt offline, from files and public keys alone.
//! Thin: reads arguments, shows progress, prints the report, answers with the exit code.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use lian_verify::{Lang, Options, Progress, run};

/// Check a ledger or a receipt offline; locate any damage.
///
/// Exit codes: 0 ok, 1 verification failed, 2 usage, 3 unconfirmed (the mathematics hold, trust is
/// not established), 4 input or output, 10 no ledger.
#[derive(Parser)]
#[command(name = "lian-verify", version, after_help = EXAMPLES)]
struct Arguments {
    /// A ledger folder, a receipt file, or - for a receipt on standard input
    target: PathBuf,
    #[command(flatten)]
    options: Options,
    /// Print the complete report as JSON
    #[arg(long)]
    json: bool,
    /// Language of the report
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
    /// Show no progress bar
    #[arg(long)]
    no_progress: bool,
}

const EXAMPLES: &str = "Examples:
  lian-verify ledger-data --log-key customs.example/2026+2279def7+AYqI…
  lian-verify ledger-data --genesis 'customs.example/2026#hash' --write-pin me.pin
  lian-verify ledger-data --pin me.pin --fast --checkpoint kept-2026-11.checkpoint
  lian-verify FB-115-000123.tlog-proof --log-key …";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let bar = bar(arguments.json || arguments.no_progress);
    let progress = |progress: Progress| {
        bar.set_length(progress.bytes_total);
        bar.set_position(progress.bytes_done);
    };
    let result = run(&arguments.target, &arguments.options, &progress);
    bar.finish_and_clear();
    match result {
        Ok(report) => {
            let text =
                if arguments.json { format!("{:#}\n", report.json()) } else { report.text(arguments.lang) };
            match io::stdout().write_all(text.as_bytes()) {
                Ok(()) => ExitCode::from(report.exit_code()),
                Err(_) => ExitCode::from(4),
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// A progress bar on standard error, if somebody looks at it.
fn bar(hidden: bool) -> ProgressBar {
    if hidden || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:30} {percent}% {bytes_per_sec} ETA {eta}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}
