//! Pages for people: what the log says, in Traditional Chinese or English, readable without a
//! script and without anything from elsewhere.
//! Invariant: a page is a function of what it is given; it computes no verdict, and what only a
//! check on the reader's own machine can tell is called so. Every text goes through the template's
//! escaping; SVG is made of numbers and of words of ours.

pub mod advice;
pub mod board;
pub mod calendar;
pub mod cargo;
pub mod case;
pub mod cases;
pub mod chart;
pub mod draws;
pub mod entry;
pub mod ethics;
pub mod guarantee;
pub mod home;
pub mod names;
pub mod problem;
pub mod tree;
pub mod view;
pub mod words;

use std::sync::LazyLock;

use lian_core::{
    entry::Verdict,
    hash::{Digest, sha256},
    time::taipei_day,
};
use lian_domain::{ledger::moment_of, refusal::Refusal};

pub use self::words::{Lang, Word};

/// The one stylesheet.
pub const STYLE: &str = include_str!("../templates/style.css");

/// What names this stylesheet and no other: 16 digits of its SHA-256.
pub static STYLE_VERSION: LazyLock<String> =
    LazyLock::new(|| sha256(&[STYLE.as_bytes()]).to_hex().chars().take(16).collect());

/// What every page shows around its own content.
#[derive(Debug, Clone)]
pub struct Seal {
    /// Language of the page.
    pub lang: Lang,
    /// Path and query of this page, without `lang`.
    pub here: String,
    /// Id of the ledger.
    pub ledger: String,
    /// True if the ledger holds invented data.
    pub synthetic: bool,
    /// Entries that the newest checkpoint covers.
    pub size: u64,
    /// Its root.
    pub root: Digest,
    /// `recorded_at` of the last entry, Unix milliseconds.
    pub recorded_at: u64,
}

impl Seal {
    /// A word in the page's language.
    pub fn say(&self, word: Word) -> &'static str {
        word.say(self.lang)
    }

    /// Address of the stylesheet, which changes with it.
    pub fn style(&self) -> String {
        format!("/style.css?v={}", *STYLE_VERSION)
    }

    /// The same page in the other language.
    pub fn other(&self) -> String {
        let separator = if self.here.contains('?') { '&' } else { '?' };
        format!("{}{separator}lang={}", self.here, self.lang.other().tag())
    }

    /// Path of an entry's page.
    pub fn entry(&self, index: &u64) -> String {
        self.link(&format!("/log/{index}"))
    }

    /// Path of the list of entries below this one.
    pub fn before(&self, index: &u64) -> String {
        self.link(&format!("/log?before={index}"))
    }

    /// Path of a guarantee's page.
    pub fn guarantee(&self, no: &str) -> String {
        self.link(&format!("/guarantees/{no}"))
    }

    /// Path of the list of guarantees after this one.
    pub fn after(&self, no: &str) -> String {
        self.link(&format!("/guarantees?after={no}"))
    }

    /// Number of the last entry.
    pub fn last(&self) -> String {
        group(self.size.saturating_sub(1))
    }

    /// When that was recorded.
    pub fn at(&self) -> Moment {
        Moment::of_ms(self.recorded_at)
    }

    /// A number in groups of three.
    pub fn number(&self, number: &u64) -> String {
        group(*number)
    }

    /// The first digits of a digest.
    pub fn short(&self, digest: &Digest) -> String {
        hash_text(digest, false)
    }

    /// All digits of a digest.
    pub fn whole(&self, digest: &Digest) -> String {
        hash_text(digest, true)
    }

    /// A path that stays in the page's language.
    pub fn link(&self, path: &str) -> String {
        let separator = if path.contains('?') { '&' } else { '?' };
        format!("{path}{separator}lang={}", self.lang.tag())
    }
}

/// `1,234,567`.
pub fn group(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A moment as people read it and as machines do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// ROC year, `115/11/23 14:05:03`.
    pub roc: String,
    /// ISO 8601 with +08:00.
    pub iso: String,
}

impl Moment {
    /// Of Unix milliseconds.
    pub fn of_ms(unix_ms: u64) -> Self {
        let iso = moment_of(unix_ms);
        let day = taipei_day(unix_ms);
        let time = iso.get(11..19).unwrap_or_default().to_owned();
        Self { roc: format!("{} {time}", lian_domain::dates::Day::from_number(day).to_roc()), iso }
    }
}

/// A digest in groups of four, for eyes: the first sixteen digits, or all.
pub fn hash_text(digest: &Digest, whole: bool) -> String {
    let hex = digest.to_hex();
    let shown = if whole { hex.len() } else { 16 };
    let groups: Vec<&str> = (0..shown).step_by(4).map(|at| &hex[at..at + 4]).collect();
    if whole { groups.join(" ") } else { format!("{}…", groups.join(" ")) }
}

/// A verdict in words: its class for the stylesheet and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictWords {
    /// `pass` or `fail`.
    pub class: &'static str,
    /// ACCEPTED, or REFUSED with code and reason.
    pub text: String,
}

impl VerdictWords {
    /// Of a verdict.
    pub fn of(verdict: Verdict, lang: Lang) -> Self {
        if verdict.is_accepted() {
            return Self { class: "pass", text: Word::Accepted.say(lang).to_owned() };
        }
        let reason = Refusal::from_code(verdict.code).map_or("", |refusal| match lang {
            Lang::Zh => refusal.zh(),
            Lang::En => refusal.en(),
        });
        let text = format!("{} {} {reason}", Word::Refused.say(lang), verdict.code);
        Self { class: "fail", text: text.trim_end().to_owned() }
    }
}

#[cfg(test)]
mod tests;
