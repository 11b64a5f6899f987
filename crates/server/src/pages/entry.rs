//! One entry: what it says, which checks hold, and its proof as a picture and as a list.

use askama::Template;
use lian_core::hash::Digest;

use super::{
    Moment, Seal, VerdictWords, Word, group,
    home::Health,
    tree::{self, Step},
};

/// One event in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventWords {
    /// Kind in words.
    pub kind: String,
    /// Kind as signed.
    pub name: String,
    /// Stream.
    pub stream: String,
    /// Where the stream has a page.
    pub page: Option<String>,
    /// The version that it made; none if it was refused.
    pub version: Option<u64>,
    /// When it happened, as its signer says.
    pub occurred: Moment,
    /// Members of `data`, as they stand there.
    pub data: Vec<(String, String)>,
}

/// One signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerWords {
    /// Who.
    pub actor: String,
    /// As what.
    pub capacity: String,
    /// With which key.
    pub key: Digest,
}

/// What only those see who may read the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Events, in order.
    pub events: Vec<EventWords>,
    /// Signers, in order.
    pub signers: Vec<SignerWords>,
    /// The signed bytes as text.
    pub text: String,
}

/// A named check and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckWords {
    /// Name, as in every report.
    pub name: &'static str,
    /// Result.
    pub result: Health,
}

/// The page.
#[derive(Debug, Clone, Template)]
#[template(path = "entry.html")]
pub struct EntryPage {
    /// Around it.
    pub seal: Seal,
    /// Entry.
    pub index: u64,
    /// `recorded_at`.
    pub at: Moment,
    /// Verdict.
    pub verdict: VerdictWords,
    /// Rules version in force.
    pub rules: u32,
    /// SHA-256 leaf hash.
    pub leaf_hash: Digest,
    /// BLAKE3 link of the leaf before.
    pub previous: Digest,
    /// Digest of the statement.
    pub statement: Digest,
    /// The content; `None` if it is not for this reader.
    pub content: Option<Content>,
    /// Checks.
    pub checks: Vec<CheckWords>,
    /// Its way up the tree.
    pub steps: Vec<Step>,
}

impl EntryPage {
    fn say(&self, word: Word) -> &'static str {
        self.seal.say(word)
    }

    fn number(&self) -> String {
        group(self.index)
    }

    fn previous_page(&self) -> Option<String> {
        self.index.checked_sub(1).map(|index| self.seal.entry(&index))
    }

    fn next_page(&self) -> Option<String> {
        let next = self.index.saturating_add(1);
        (next < self.seal.size).then(|| self.seal.entry(&next))
    }

    fn picture(&self) -> String {
        tree::picture(self.index, &self.leaf_hash, &self.steps, self.say(Word::Proof))
    }
}
