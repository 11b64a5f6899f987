//! A page of a register: a heading, facts, and sections with sentences, pictures and tables.
//! Invariant: every text goes through the template's escaping but the pictures, which are made of
//! numbers and of words of ours; a table names its columns to whoever reads it on a narrow screen.

use askama::Template;
use lian_core::hash::Digest;
use lian_domain::dates::Day;

use super::{Moment, Seal, Word, group, guarantee::Event, home::Health};

/// What stands in a table, or beside a fact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// As people read it.
    pub text: String,
    /// Of a day or moment, as machines read it.
    pub iso: Option<String>,
    /// Where it leads.
    pub link: Option<String>,
    /// Class for the stylesheet; empty if it has none.
    pub class: &'static str,
}

impl Cell {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// What is not there.
    pub fn none() -> Self {
        Self::text("–")
    }

    /// A number.
    pub fn number(number: u64) -> Self {
        Self { class: "number", ..Self::text(group(number)) }
    }

    /// A number that may be below zero.
    pub fn signed(number: i64) -> Self {
        Self { class: "number", ..Self::text(signed(number)) }
    }

    /// A day, in ROC years.
    pub fn day(day: Day) -> Self {
        Self { iso: Some(day.to_string()), ..Self::text(day.to_roc()) }
    }

    /// A moment, in ROC years.
    pub fn moment(moment: Moment) -> Self {
        Self { iso: Some(moment.iso), ..Self::text(moment.roc) }
    }

    /// A word that a reader looks for: `pass`, `wait`, `fail` or `done`.
    pub fn marked(text: impl Into<String>, class: &'static str) -> Self {
        Self { class, ..Self::text(text) }
    }

    /// A digest, or another name that is compared digit by digit.
    pub fn hash(text: impl Into<String>) -> Self {
        Self::marked(text, "hash")
    }

    /// A number or name that is not broken over lines.
    pub fn id(text: impl Into<String>) -> Self {
        Self::marked(text, "id")
    }

    /// The same, leading somewhere.
    #[must_use]
    pub fn to(self, link: impl Into<String>) -> Self {
        Self { link: Some(link.into()), ..self }
    }
}

/// `-1,234`.
pub fn signed(number: i64) -> String {
    let digits = group(number.unsigned_abs());
    if number < 0 { format!("−{digits}") } else { digits }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "table.html")]
pub struct Table {
    /// What it is a table of.
    pub caption: String,
    /// Titles of the columns, in their order.
    pub heads: Vec<String>,
    /// Rows, each as long as the heads.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table whose columns bear these words.
    pub fn new(seal: &Seal, caption: Word, heads: &[Word]) -> Self {
        let heads = heads.iter().map(|word| seal.say(*word).to_owned()).collect();
        Self { caption: seal.say(caption).to_owned(), heads, rows: Vec::new() }
    }

    /// Class of a column: that of its first cell, if that is a number's.
    fn columns(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let first = self.rows.first();
        self.heads.iter().enumerate().map(move |(at, head)| {
            let cell = first.and_then(|row| row.get(at));
            let is_number = cell.is_some_and(|cell| cell.class == "number");
            (head.as_str(), if is_number { "number" } else { "" })
        })
    }

    fn cells<'t>(&'t self, row: &'t [Cell]) -> impl Iterator<Item = (&'t str, &'t Cell)> {
        self.heads.iter().map(String::as_str).zip(row)
    }
}

/// One stage of a way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Whether it was reached, in a word.
    pub word: &'static str,
    /// `pass`, `wait` or `done`, for the stylesheet.
    pub class: &'static str,
}

/// A part of the page under a heading of its own.
#[derive(Debug, Clone)]
pub struct Section {
    /// Where links within the page lead.
    pub id: &'static str,
    /// Heading; a page of one section needs none.
    pub heading: Option<Word>,
    /// What it is.
    pub note: Option<Word>,
    /// Results of checks.
    pub results: Vec<Health>,
    /// Facts: name and value.
    pub facts: Vec<(Word, Cell)>,
    /// Stages, in their order.
    pub stages: Vec<Stage>,
    /// A picture, drawn.
    pub picture: Option<String>,
    /// A table; under a picture it says the same and is folded.
    pub table: Option<Table>,
    /// What is said if the table is empty.
    pub empty: Word,
    /// What happened, in the order to be shown.
    pub timeline: Vec<Event>,
    /// A command to type.
    pub code: Option<String>,
}

impl Section {
    /// An empty one.
    pub fn new(id: &'static str, heading: Word) -> Self {
        Self {
            id,
            heading: Some(heading),
            note: None,
            results: Vec::new(),
            facts: Vec::new(),
            stages: Vec::new(),
            picture: None,
            table: None,
            empty: Word::NoneSo,
            timeline: Vec::new(),
            code: None,
        }
    }

    /// The only one of a page: a table under the heading of the page.
    pub fn only(table: Table, empty: Word) -> Self {
        Self { heading: None, ..Self::of("rows", Word::Registers, table, empty) }
    }

    /// One with a table, and what is said if that is empty.
    pub fn of(id: &'static str, heading: Word, table: Table, empty: Word) -> Self {
        Self { table: Some(table), empty, ..Self::new(id, heading) }
    }

    fn is_folded(&self) -> bool {
        self.picture.is_some()
    }
}

/// The page.
#[derive(Debug, Clone, Template)]
#[template(path = "view.html")]
pub struct ViewPage {
    /// Around it.
    pub seal: Seal,
    /// Heading.
    pub title: String,
    /// Where what it shows stands, and the class of that.
    pub tag: Option<(String, &'static str)>,
    /// What it is.
    pub note: Word,
    /// Entries that were folded: the page is as of the last of them.
    pub as_of: u64,
    /// Facts: name and value.
    pub facts: Vec<(Word, Cell)>,
    /// Links to pages beside this one.
    pub beside: Vec<(String, String)>,
    /// Sections.
    pub sections: Vec<Section>,
    /// False if there is more than is shown.
    pub complete: bool,
    /// Digest of the view that it shows.
    pub digest: Option<Digest>,
}

impl ViewPage {
    /// A page without sections.
    pub fn new(seal: Seal, title: impl Into<String>, note: Word, as_of: u64) -> Self {
        Self {
            seal,
            title: title.into(),
            tag: None,
            note,
            as_of,
            facts: Vec::new(),
            beside: Vec::new(),
            sections: Vec::new(),
            complete: true,
            digest: None,
        }
    }

    fn say(&self, word: Word) -> &'static str {
        self.seal.say(word)
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
    fn word(&self, word: &Word) -> &'static str {
        self.seal.say(*word)
    }

    fn last(&self) -> String {
        group(self.as_of.saturating_sub(1))
    }
}
