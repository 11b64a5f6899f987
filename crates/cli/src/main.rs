//! `lian`: hands for people. Reads arguments, calls the parts that know, prints what they say, and
//! answers with the exit code. No rule, no format and no check lives here.

mod act;
mod base;
mod commands;
mod failure;
mod folder;
mod hand_in;
mod keyring;
mod out;
mod past;
mod reading;
mod remote;
mod say;
mod session;
mod text;
mod when;

use std::process::ExitCode;

use clap::Parser;

use crate::session::{Global, Session};

/// Typed statements are made on one thread and dropped on another: an allocator that is good at
/// that is worth a tenth of the processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXAMPLES: &str = "\
Examples:
  lian demo                                  the whole story on 27 made-up banks
  lian demo --dir sample                     keep its ledger, then:
  lian --ledger sample/ledger log --oneline
  lian --ledger sample/ledger show guarantee/FB-115-000123
  lian --ledger sample/ledger replay --as-of 115-11-23
  lian verify sample/ledger
  lian dev                                   serve a throw-away ledger; then, elsewhere:
  lian --server http://127.0.0.1:8790 tail -f
  lian --ledger sample/ledger obligations --as-of 116-01-31
  lian help quota-insufficient               what a code means and how to mend it
";

/// An audit ledger for a customs house that nobody has to trust.
///
/// Exit codes: 0 ok, 1 verification failed, 2 usage, 3 unconfirmed, 4 input or output, 5 version
/// conflict, 6 refused by a rule, 7 not authorised, 10 no ledger, 11 locked, 12 wrong passphrase,
/// 130 interrupted.
#[derive(Parser)]
#[command(name = "lian", version, before_help = EXAMPLES, disable_help_subcommand = true,
          arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: commands::Command,
    #[command(flatten)]
    global: Global,
}

fn main() -> ExitCode {
    let Arguments { command, global } = Arguments::parse();
    let session = Session::new(global);
    match commands::run(command, &session) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.said {
                if session.out.json {
                    eprintln!("{:#}", failure.json());
                } else {
                    eprint!("{}", failure.text());
                }
            }
            ExitCode::from(failure.exit as u8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_one_meaning() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }
}
