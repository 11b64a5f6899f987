//! What every command gets: how to speak, which folder, which passphrases.

use std::path::PathBuf;

use crate::{
    failure::{Failure, Result},
    folder::View,
    keyring::Keyring,
    out::{Lang, Out},
};

/// Options of every command.
#[allow(clippy::struct_excessive_bools, reason = "each is a switch that people set by itself")]
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// The ledger's folder [default: the current one]
    #[arg(long, global = true, env = "LIAN_LEDGER", value_name = "DIR", help_heading = "Every command")]
    pub ledger: Option<PathBuf>,
    /// Print data as JSON
    #[arg(long, global = true, help_heading = "Every command")]
    pub json: bool,
    /// Language for people [default: that of LC_ALL or LANG]
    #[arg(long, global = true, value_enum, help_heading = "Every command")]
    pub lang: Option<Lang>,
    /// No colours; NO_COLOR does the same
    #[arg(long, global = true, help_heading = "Every command")]
    pub no_color: bool,
    /// No talk on standard error but errors
    #[arg(short, long, global = true, help_heading = "Every command")]
    pub quiet: bool,
    /// Do not ask, do it
    #[arg(long, global = true, help_heading = "Every command")]
    pub yes: bool,
    /// Show what would be signed and what the rules would say; send nothing
    #[arg(long, global = true, help_heading = "Every command")]
    pub dry_run: bool,
    /// A file whose first line is a passphrase of key files; may be given again
    #[arg(
        long = "passphrase-file",
        global = true,
        env = "LIAN_PASSPHRASE_FILE",
        value_name = "FILE",
        help_heading = "Every command"
    )]
    pub passphrase_files: Vec<PathBuf>,
}

/// One run.
pub struct Session {
    /// How it speaks.
    pub out: Out,
    /// The ledger's folder.
    pub folder: PathBuf,
    /// Opens key files.
    pub keyring: Keyring,
    /// Nothing is sent.
    pub dry_run: bool,
    /// Nothing is asked.
    pub yes: bool,
}

impl Session {
    /// From the options.
    pub fn new(global: Global) -> Self {
        use std::io::IsTerminal as _;
        let plain = global.no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = !plain && !global.json && std::io::stdout().is_terminal();
        let lang = global.lang.unwrap_or_else(Lang::of_environment);
        Self {
            out: Out { lang, json: global.json, color, quiet: global.quiet },
            folder: global.ledger.unwrap_or_else(|| PathBuf::from(".")),
            keyring: Keyring::new(global.passphrase_files),
            dry_run: global.dry_run,
            yes: global.yes,
        }
    }

    /// Opens the folder for reading.
    pub fn view(&self) -> Result<View> {
        View::open(&self.folder)
    }

    /// Asks before something that cannot be undone.
    pub fn confirm(&self, question: &str) -> Result<()> {
        use std::io::{IsTerminal as _, Write as _};
        if self.yes {
            return Ok(());
        }
        let no = || Failure::usage("not confirmed").fix("answer y, or say --yes");
        if !std::io::stdin().is_terminal() {
            return Err(no().because(question));
        }
        let mut answer = String::new();
        let _prompt = write!(std::io::stderr(), "{question} [y/N] ");
        std::io::stdin().read_line(&mut answer).map_err(|_| no())?;
        if matches!(answer.trim(), "y" | "Y" | "yes" | "是") { Ok(()) } else { Err(no()) }
    }
}
