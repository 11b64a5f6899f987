//! The two channels: data on standard output, talk on standard error.
//! Invariant: what a program may want is never on standard error, and nothing else is ever on
//! standard output; colour and progress appear only where somebody looks.

use std::io::{self, IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::text::Text;

/// Language of what people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    /// English.
    En,
    /// Traditional Chinese, as written in Taiwan.
    #[value(name = "zh-TW", alias = "zh")]
    Zh,
    /// English, with headlines in both.
    #[value(skip)]
    Unclear,
}

impl Lang {
    /// The language that the environment asks for.
    pub fn of_environment() -> Self {
        let asked = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        match asked.as_deref().map(|value| value.get(..2).unwrap_or_default()) {
            Some("zh") => Self::Zh,
            Some("en") => Self::En,
            _ => Self::Unclear,
        }
    }

    /// The same for `lian-verify`.
    pub fn of_verifier(self) -> lian_verify::Lang {
        if self == Self::Zh { lian_verify::Lang::ZhTw } else { lian_verify::Lang::En }
    }
}

/// How this run speaks.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    /// Language.
    pub lang: Lang,
    /// Data as JSON.
    pub json: bool,
    /// Escape codes are welcome on standard output.
    pub color: bool,
    /// No talk but errors.
    pub quiet: bool,
}

impl Out {
    /// One line of data.
    pub fn line(self, line: impl AsRef<str>) {
        self.bytes(format!("{}\n", line.as_ref()).as_bytes());
    }

    /// Bytes of data, as they are.
    #[allow(clippy::unused_self, reason = "data leave by the same door, whatever they are")]
    pub fn bytes(self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        if let Err(error) = stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            // Whoever read us has gone (`| head`); there is nobody to tell.
            let gone = error.kind() == io::ErrorKind::BrokenPipe;
            std::process::exit(if gone { 0 } else { 4 });
        }
    }

    /// Data for programs.
    pub fn value(self, value: &Value) {
        self.line(format!("{value:#}"));
    }

    /// One line of talk.
    pub fn talk(self, line: impl AsRef<str>) {
        if !self.quiet {
            let _nobody_listens = writeln!(io::stderr(), "{}", line.as_ref());
        }
    }

    /// A text of the table, with its `{0}`, `{1}` … filled in.
    pub fn text(self, text: Text, arguments: &[&dyn std::fmt::Display]) -> String {
        text.fill(self.lang, arguments)
    }

    /// A headline; in both languages if it is not clear which one is wanted.
    pub fn headline(self, text: Text, arguments: &[&dyn std::fmt::Display]) -> String {
        let line = match self.lang {
            Lang::Unclear => {
                format!("{}  {}", text.fill(Lang::Zh, arguments), text.fill(Lang::En, arguments))
            }
            lang => text.fill(lang, arguments),
        };
        if self.color { format!("\x1b[1m{line}\x1b[0m") } else { line }
    }

    /// A word that stands out; it says the same without colour.
    pub fn word(self, word: &str) -> String {
        let code = match word {
            _ if !self.color => return word.to_owned(),
            "PASS" | "ACCEPTED" => "32",
            "FAIL" | "REFUSED" => "31",
            _ => "33",
        };
        format!("\x1b[{code}m{word}\x1b[0m")
    }

    /// A bar for long folds; only where somebody looks.
    pub fn bar(self, total: u64) -> ProgressBar {
        if self.quiet || self.json || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{bar:30} {percent}% {per_sec} ETA {eta}");
        ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }
}
