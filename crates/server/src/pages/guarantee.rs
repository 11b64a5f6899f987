//! One guarantee: where it stands, what happened to it, and how its quota went.

use askama::Template;
use lian_domain::guarantee::{Standing, State};

use super::{
    Moment, Seal, VerdictWords, Word,
    chart::{self, Point},
    group, words,
};

/// One entry that names the guarantee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Entry.
    pub index: u64,
    /// `recorded_at`.
    pub at: Moment,
    /// Kinds in words.
    pub what: String,
    /// Actors that signed.
    pub by: String,
    /// Verdict.
    pub verdict: VerdictWords,
    /// The quota after it.
    pub after: Option<Point>,
}

/// An open draw as a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawLine {
    /// Declaration.
    pub declaration: String,
    /// Drawn.
    pub amount: String,
    /// Still due.
    pub due: String,
    /// Last day to pay, ROC.
    pub due_on: String,
}

/// The page.
#[derive(Debug, Clone, Template)]
#[template(path = "guarantee.html")]
pub struct GuaranteePage {
    /// Around it.
    pub seal: Seal,
    /// Number of the guarantee.
    pub no: String,
    /// Entries that were folded: the page is as of the last of them.
    pub as_of: u64,
    /// Status on the day.
    pub standing: Standing,
    /// Terms and sums: word, text.
    pub facts: Vec<(Word, String)>,
    /// The newest first.
    pub timeline: Vec<Event>,
    /// Open draws, by declaration.
    pub draws: Vec<DrawLine>,
}

/// Terms and sums of a guarantee.
pub fn facts(state: &State) -> Vec<(Word, String)> {
    let money = |amount: lian_domain::money::Twd| group(amount.get());
    let terms = state.terms();
    vec![
        (Word::Bank, state.bank().to_string()),
        (Word::Debtor, terms.debtor.to_string()),
        (Word::Validity, format!("{} – {}", terms.from.to_roc(), terms.to.to_roc())),
        (Word::Limit, money(state.limit())),
        (Word::Outstanding, money(state.outstanding())),
        (Word::Available, money(state.available())),
        (Word::Pending, money(state.pending())),
        (Word::Called, money(state.called())),
    ]
}

/// Open draws as lines.
pub fn draws(state: &State) -> Vec<DrawLine> {
    let line =
        |(declaration, draw): (lian_domain::ids::DeclarationNo, &lian_domain::guarantee::Draw)| DrawLine {
            declaration: declaration.to_string(),
            amount: group(draw.amount.get()),
            due: group(draw.due().get()),
            due_on: draw.due_on.to_roc(),
        };
    state.open_draws().map(line).collect()
}

/// The quota of a state, as a point of the chart.
pub fn point(index: u64, state: &State) -> Point {
    Point { index, limit: state.limit().get(), available: state.available().get() }
}

impl GuaranteePage {
    fn say(&self, word: Word) -> &'static str {
        self.seal.say(word)
    }

    fn terms(&self) -> Vec<(&'static str, &str)> {
        self.facts.iter().map(|(word, text)| (self.say(*word), text.as_str())).collect()
    }

    fn status(&self) -> (&'static str, &'static str) {
        let (word, class) = words::standing(self.standing);
        (self.say(word), class)
    }

    fn last(&self) -> String {
        group(self.as_of.saturating_sub(1))
    }

    fn chart(&self) -> String {
        let points: Vec<Point> = self.timeline.iter().rev().filter_map(|event| event.after).collect();
        chart::quota(&points, self.say(Word::QuotaChart))
    }
}

/// A list of guarantees: number, standing, bank, debtor, limit and what is left.
#[derive(Debug, Clone, Template)]
#[template(path = "guarantees.html")]
pub struct GuaranteeList {
    /// Around it.
    pub seal: Seal,
    /// The guarantees.
    pub rows: Vec<GuaranteeLine>,
    /// Number after which the next page begins.
    pub next: Option<String>,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuaranteeLine {
    /// Number.
    pub no: String,
    /// Status in words, and its class.
    pub standing: (&'static str, &'static str),
    /// Bank.
    pub bank: String,
    /// Debtor.
    pub debtor: String,
    /// Limit.
    pub limit: String,
    /// What may still be drawn.
    pub available: String,
}

impl GuaranteeList {
    fn say(&self, word: Word) -> &'static str {
        self.seal.say(word)
    }
}

/// What is shown for a page that is not there.
#[derive(Debug, Clone, Template)]
#[template(path = "missing.html")]
pub struct Missing {
    /// Around it.
    pub seal: Seal,
}

impl Missing {
    fn say(&self, word: Word) -> &'static str {
        self.seal.say(word)
    }
}
