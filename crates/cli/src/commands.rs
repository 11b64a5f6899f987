//! The commands, one file each.

mod demo;
mod verify;

use clap::Subcommand;

use crate::{failure::Result, session::Session};

/// What `lian` does.
#[derive(Subcommand)]
pub enum Command {
    /// Tell the whole story on a sample of 27 banks, really executed
    Demo(demo::Arguments),
    /// Check a ledger, copy or receipt; locate any damage
    Verify(verify::Arguments),
}

/// Runs one.
pub fn run(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments, session),
        Command::Verify(arguments) => verify::run(&arguments, session),
    }
}
