//! `lian completions`: scripts for shells.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  lian completions bash > /etc/bash_completion.d/lian
  lian completions zsh > ~/.zfunc/_lian
";

/// Options of `lian completions`.
#[derive(clap::Args)]
#[command(before_help = EXAMPLES)]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Runs it.
pub fn run(arguments: &Arguments, session: &Session) {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::Arguments::command(), "lian", &mut script);
    session.out.bytes(&script);
}
