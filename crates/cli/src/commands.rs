//! The commands, one file for each group.

mod actor;
mod afar;
mod backup;
mod case;
mod checkpoint;
mod clearance;
mod completions;
mod demo;
mod doctor;
mod draw;
mod epoch;
mod ethics;
mod guarantee;
mod help;
mod init;
mod key;
mod log;
mod obligations;
mod receipt;
mod record;
mod reindex;
mod replay;
mod scheme;
mod serve;
mod sign;
mod tail;
mod verify;

use clap::Subcommand;

use crate::{failure::Result, session::Session};

/// What `lian` does.
#[derive(Subcommand)]
pub enum Command {
    /// Tell the whole story on a sample of 27 banks, really executed
    Demo(demo::Arguments),
    /// Create a ledger: folder, log keys, settings, entry 0
    Init(init::Arguments),
    /// Serve a ledger over HTTP
    Serve(serve::Serve),
    /// Serve a throw-away ledger with the sample of 27 banks, on this machine
    Dev(serve::Dev),
    /// Duty guarantees: Request, Accept, Suspend, Close, draws, claims; list and show them
    Guarantee(Box<guarantee::Arguments>),
    /// Record any event of cargo, registrations, draws, cases, exhibits, posts or patrols
    Record(Box<record::Record>),
    /// Cargo from manifest to gate-out: record, show, add up
    Clearance(Box<clearance::Arguments>),
    /// Gifts, invitations, lobbying: register, list, count
    Ethics(Box<ethics::Arguments>),
    /// Seizure cases and their limitation clocks
    Case(Box<case::Arguments>),
    /// Draws nobody can steer: show one, or draw it again
    Draw(draw::Arguments),
    /// What should have happened by a day and has not
    Obligations(obligations::Arguments),
    /// Register who takes part
    Actor(Box<actor::Arguments>),
    /// Key files and the key directory
    Key(Box<key::Arguments>),
    /// Suspend or restore release before tax for a company
    Scheme(scheme::Scheme),
    /// Record or end that a broker represents an importer
    Delegation(scheme::Delegation),
    /// Block or unblock a declaration
    Declaration(scheme::Declaration),
    /// Make a signed envelope without sending it; add a co-signature
    Sign(sign::Sign),
    /// Send signed envelopes; safe to repeat; saves verified receipts
    Submit(sign::Submit),
    /// List entries
    Log(log::Log),
    /// The last entries, and then every new one
    Tail(tail::Tail),
    /// Where the log stands
    Status(tail::Status),
    /// Show an entry or object; write the exact signed bytes
    Show(log::Show),
    /// Fetch or explain a receipt
    Receipt(receipt::Arguments),
    /// Check a ledger, copy or receipt; locate any damage
    Verify(verify::Arguments),
    /// Look for what could keep a ledger from working, and how to mend it
    Doctor(doctor::Arguments),
    /// Make the views again from the log, or compare them with it
    Reindex(reindex::Arguments),
    /// Copies made while the ledger is written, proved good; restore one
    Backup(backup::Arguments),
    /// Rebuild the state at a date, entry or checkpoint
    Replay(replay::Replay),
    /// Prove that A is a prefix of B and list what changed
    Diff(replay::Diff),
    /// Read and keep checkpoints
    Checkpoint(checkpoint::Checkpoint),
    /// Epochs, and proofs that nothing was left out
    Epoch(epoch::Arguments),
    /// Write the log as static files that strangers' programs read
    Tiles(checkpoint::Tiles),
    /// The rules data in force
    Rules(checkpoint::Rules),
    /// Explain a command or a code
    Help(help::Arguments),
    /// Completions for a shell
    Completions(completions::Arguments),
}

/// Runs one.
pub fn run(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::Demo(a) => demo::run(&a, session),
        Command::Init(a) => init::run(&a, session),
        Command::Serve(a) => serve::serve(&a, session),
        Command::Dev(a) => serve::dev(&a, session),
        Command::Tail(a) => tail::tail(&a, session),
        Command::Status(a) => tail::status(&a, session),
        Command::Doctor(a) => doctor::run(&a, session),
        Command::Backup(a) => backup::run(&a, session),
        Command::Reindex(a) => reindex::run(&a, session),
        Command::Guarantee(a) => guarantee::run(*a, session),
        Command::Record(a) => record::record(&a, session),
        Command::Clearance(a) => clearance::run(&a, session),
        Command::Ethics(a) => ethics::run(&a, session),
        Command::Case(a) => case::run(&a, session),
        Command::Draw(a) => draw::run(&a, session),
        Command::Obligations(a) => obligations::run(&a, session),
        Command::Actor(a) => actor::run(&a, session),
        Command::Key(a) => key::run(&a, session),
        Command::Scheme(a) => scheme::scheme(&a, session),
        Command::Delegation(a) => scheme::delegation(&a, session),
        Command::Declaration(a) => scheme::declaration(&a, session),
        Command::Sign(a) => sign::sign(&a, session),
        Command::Submit(a) => sign::submit(&a, session),
        Command::Log(a) => log::log(&a, session),
        Command::Show(a) => log::show(&a, session),
        Command::Receipt(a) => receipt::run(&a, session),
        Command::Verify(a) => verify::run(&a, session),
        Command::Replay(a) => replay::replay(&a, session),
        Command::Diff(a) => replay::diff(&a, session),
        Command::Checkpoint(a) => checkpoint::checkpoint(&a, session),
        Command::Epoch(a) => epoch::run(&a, session),
        Command::Tiles(a) => checkpoint::tiles(&a, session),
        Command::Rules(a) => checkpoint::rules(&a, session),
        Command::Help(a) => help::run(&a, session),
        Command::Completions(a) => {
            completions::run(&a, session);
            Ok(())
        }
    }
}
