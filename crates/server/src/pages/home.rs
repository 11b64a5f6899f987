//! The first page: how the chain is, and what was recorded last.

use askama::Template;

use super::{Lang, Moment, Seal, VerdictWords, Word, chart, group};

/// One line of a list of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Entry.
    pub index: u64,
    /// `recorded_at`.
    pub at: Moment,
    /// Kind in words and stream, for each event; empty if the reader may not see the payload.
    pub events: Vec<(String, String)>,
    /// Actors that signed.
    pub by: Vec<String>,
    /// Verdict.
    pub verdict: VerdictWords,
}

/// A register or board with a page of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register {
    /// Path of its page.
    pub path: &'static str,
    /// Its name.
    pub name: Word,
    /// What it holds.
    pub note: Word,
    /// True if anybody may read it.
    pub is_public: bool,
}

const fn register(path: &'static str, name: Word, note: Word, is_public: bool) -> Register {
    Register { path, name, note, is_public }
}

/// The boards and registers, what is public first.
pub const REGISTERS: [Register; 9] = [
    register("/disclosure/board", Word::Board, Word::BoardNote, true),
    register("/disclosure/exceptions", Word::Exceptions, Word::ExceptionsNote, true),
    register("/ethics/stats", Word::Gifts, Word::GiftsNote, true),
    register("/draws", Word::Draws, Word::DrawsNote, true),
    register("/guarantees", Word::Guarantees, Word::GuaranteesNote, false),
    register("/clearance", Word::Cargo, Word::CargoNote, false),
    register("/clearance/advice", Word::HitRate, Word::HitRateNote, false),
    register("/cases/clocks", Word::CaseClocks, Word::CaseClocksNote, false),
    register("/obligations", Word::Obligations, Word::ObligationsNote, false),
];

/// One sentence on the health of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// `pass`, `wait` or `fail`, for the stylesheet.
    pub class: &'static str,
    /// PASS, FAIL or UNCONFIRMED.
    pub word: &'static str,
    /// What is so.
    pub text: String,
}

impl Health {
    /// It holds.
    pub fn pass(text: impl Into<String>) -> Self {
        Self { class: "pass", word: "PASS", text: text.into() }
    }

    /// It cannot be known here.
    pub fn unconfirmed(text: impl Into<String>) -> Self {
        Self { class: "wait", word: "UNCONFIRMED", text: text.into() }
    }

    /// It does not hold.
    pub fn fail(text: impl Into<String>) -> Self {
        Self { class: "fail", word: "FAIL", text: text.into() }
    }
}

/// The page.
#[derive(Debug, Clone, Template)]
#[template(path = "home.html")]
pub struct Home {
    /// Around it.
    pub seal: Seal,
    /// Sentences on the chain.
    pub health: Vec<Health>,
    /// The newest entries, the newest first.
    pub newest: Vec<Line>,
    /// Number of closed epochs.
    pub epochs: u64,
    /// Entries of each of the last days, the oldest first.
    pub days: Vec<(String, u64)>,
}

impl Home {
    fn say(&self, word: Word) -> &'static str {
        self.seal.say(word)
    }

    fn registers(&self) -> impl Iterator<Item = (&Register, &'static str)> {
        let readers = |is_public| if is_public { Word::ForEverybody } else { Word::ForParties };
        REGISTERS.iter().map(move |register| (register, self.say(readers(register.is_public))))
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
    fn word(&self, word: &Word) -> &'static str {
        self.seal.say(*word)
    }

    fn chart(&self) -> String {
        chart::bars(&self.days, self.say(Word::PerDay))
    }

    fn size(&self) -> String {
        group(self.seal.size)
    }

    fn epochs(&self) -> String {
        group(self.epochs)
    }
}

/// A list of entries as a page of its own.
#[derive(Debug, Clone, Template)]
#[template(path = "log.html")]
pub struct Log {
    /// Around it.
    pub seal: Seal,
    /// The entries, the newest first.
    pub lines: Vec<Line>,
    /// First entry of the page after this (older ones), if there is one.
    pub older: Option<u64>,
    /// First entry of the page before this, if there is one.
    pub newer: Option<u64>,
}

impl Log {
    fn say(&self, word: Word) -> &'static str {
        self.seal.say(word)
    }
}

/// Sentences that every ledger's health has: made from what the service says of itself.
pub fn health(
    lang: Lang,
    stopped: Option<&str>,
    witnesses: bool,
    size: u64,
    views: Option<u64>,
) -> Vec<Health> {
    let mut all = Vec::new();
    all.push(match stopped {
        None => Health::pass(Word::WriterRuns.say(lang)),
        Some(why) => Health::fail(format!("{}: {why}", Word::WriterStopped.say(lang))),
    });
    if let Some(reached) = views {
        let text = format!("{} {}", Word::ViewsAt.say(lang), group(reached.saturating_sub(1)));
        let behind = size.saturating_sub(reached);
        all.push(if behind == 0 {
            Health::pass(text)
        } else {
            Health::unconfirmed(format!("{text}; {} {}", Word::ViewsLag.say(lang), group(behind)))
        });
    }
    if !witnesses {
        all.push(Health::unconfirmed(Word::NoWitness.say(lang)));
    }
    all
}
