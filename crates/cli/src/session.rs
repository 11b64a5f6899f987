//! What every command gets: how to speak, which folder, which passphrases.

use std::path::PathBuf;

use crate::{
    failure::{Failure, Result},
    folder::View,
    keyring::Keyring,
    out::{Lang, Out},
    remote::{Far, Remote},
    text::Text,
};

/// Options of every command.
#[allow(clippy::struct_excessive_bools, reason = "each is a switch that people set by itself")]
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// The ledger's folder [default: the current one]
    #[arg(long, global = true, env = "LIAN_LEDGER", value_name = "DIR", help_heading = "Every command")]
    pub ledger: Option<PathBuf>,
    /// A server in place of the folder, such as https://ledger.example
    #[arg(long, global = true, env = "LIAN_SERVER", value_name = "URL", help_heading = "Every command")]
    pub server: Option<String>,
    /// The log key of that server, from outside [default: the one kept, or as entry 0 claims it]
    #[arg(long, global = true, env = "LIAN_SERVER_KEY", value_name = "VKEY", help_heading = "Every command")]
    pub server_key: Option<String>,
    /// PEM file of who may vouch for an https server [default: those of this system]
    #[arg(long, global = true, env = "LIAN_CA", value_name = "FILE", help_heading = "Every command")]
    pub ca: Option<PathBuf>,
    /// Where checkpoints of servers are remembered [default: lian/seen in the state folder of the user]
    #[arg(long, global = true, env = "LIAN_SEEN", value_name = "DIR", help_heading = "Every command")]
    pub seen_dir: Option<PathBuf>,
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

/// Where checkpoints of servers are remembered: as named, or in the state folder of the user.
fn seen_folder(named: Option<PathBuf>) -> PathBuf {
    let of = |name| std::env::var_os(name).map(PathBuf::from);
    let home = || of("HOME").map(|home| home.join(".local/state"));
    named.unwrap_or_else(|| of("XDG_STATE_HOME").or_else(home).unwrap_or_default().join("lian/seen"))
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
    /// Where checkpoints of servers are remembered.
    pub seen: PathBuf,
    /// The server, if one is named.
    pub far: Option<Far>,
}

impl Session {
    /// From the options.
    pub fn new(global: Global) -> Self {
        use std::io::IsTerminal as _;
        let plain = global.no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = !plain && !global.json && std::io::stdout().is_terminal();
        let lang = global.lang.unwrap_or_else(Lang::of_environment);
        let seen = seen_folder(global.seen_dir);
        Self {
            out: Out { lang, json: global.json, color, quiet: global.quiet },
            folder: global.ledger.unwrap_or_else(|| PathBuf::from(".")),
            keyring: Keyring::new(global.passphrase_files),
            dry_run: global.dry_run,
            yes: global.yes,
            far: global.server.map(|url| Far {
                url,
                key: global.server_key,
                authorities: global.ca,
                seen: seen.clone(),
            }),
            seen,
        }
    }

    /// Opens the folder for reading.
    pub fn view(&self) -> Result<View> {
        self.near()?;
        let view = View::open(&self.folder)?;
        if let Some(behind) = &view.behind {
            self.out.talk(self.out.text(Text::FolderBehind, &[behind]));
        }
        Ok(view)
    }

    /// Fails if a server is named: this reads or writes a folder.
    pub fn near(&self) -> Result<()> {
        if self.far.is_none() {
            return Ok(());
        }
        Err(Failure::usage("this command works on a ledger folder, not over a server")
            .fix("leave out --server (or LIAN_SERVER) and name the folder with --ledger DIR"))
    }

    /// The server, if one is named.
    pub fn remote(&self) -> Result<Option<Remote>> {
        self.far.as_ref().map(|far| Remote::open(far, self.out)).transpose()
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
