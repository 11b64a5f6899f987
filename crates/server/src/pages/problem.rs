//! What a page says when it cannot be shown: not for this reader, not well asked for, not now.
//! Invariant: it says the same in both languages, the reader's first, and nothing that the interface
//! would not say to the same reader.

use askama::Template;

use super::{Lang, Seal, Word};

/// A problem in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What is wrong, in general.
    pub title: String,
    /// In particular.
    pub detail: String,
    /// How to mend it.
    pub hint: String,
}

impl Told {
    fn more(&self) -> bool {
        self.detail != self.title
    }
}

/// The page.
#[derive(Debug, Clone, Template)]
#[template(path = "problem.html")]
pub struct ProblemPage {
    /// Around it.
    pub seal: Seal,
    /// Its status.
    pub status: u16,
    /// Its stable name.
    pub code: &'static str,
    /// In 正體中文.
    pub zh: Told,
    /// In English.
    pub en: Told,
    /// What the operators look it up by, if it is for them.
    pub request_id: Option<String>,
}

impl ProblemPage {
    fn first(&self) -> &Told {
        match self.seal.lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }

    fn second(&self) -> &Told {
        match self.seal.lang {
            Lang::Zh => &self.en,
            Lang::En => &self.zh,
        }
    }
}
