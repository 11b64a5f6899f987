//! The obligations of a day: what should have happened by then and has not, or happened late.
//! Invariant: how each stands is a word; the day asked for may lie ahead.

use lian_domain::{
    dates::Day,
    obligations::{Obligation, Standing},
    views::{View, calendar::Obligations},
};

use super::{
    Seal, Word, names,
    view::{Cell, Section, Table, ViewPage},
};

/// Rows that are shown: those due first.
const ROWS_MAX: usize = 1_000;

/// The page. `page_of` says where a stream has a page that this reader may see.
pub fn obligations(
    seal: Seal,
    view: &Obligations,
    size: u64,
    page_of: impl Fn(&str) -> Option<String>,
) -> ViewPage {
    let title = seal.say(Word::Obligations).to_owned();
    let mut page = ViewPage::new(seal, title, Word::ObligationsNote, size);
    let seal = &page.seal;
    let overdue = view.rows.iter().filter(|owed| owed.standing == Standing::Overdue).count() as u64;
    let class = if overdue > 0 { "fail" } else { "pass" };
    page.facts = vec![
        (Word::DayAsked, Cell::day(view.today)),
        (Word::OpenCount, Cell::text(seal.number(&(view.rows.len() as u64)))),
        (Word::OverdueCount, Cell::marked(seal.number(&overdue), class)),
    ];
    page.beside = [(Word::DayBefore, -1), (Word::DayAfter, 1), (Word::MonthAfter, 30)]
        .map(|(word, days)| {
            let day = Day::from_number(view.today.number().saturating_add(days));
            (seal.link(&format!("/obligations?as_of={day}")), seal.say(word).to_owned())
        })
        .into();
    let heads = [Word::Deadline, Word::Standing, Word::Owed, Word::Object, Word::Detail, Word::Source];
    let mut table = Table::new(seal, Word::Obligations, &heads);
    table.rows = view.rows.iter().take(ROWS_MAX).map(|owed| row(seal, owed, &page_of)).collect();
    page.complete = view.complete && view.rows.len() <= ROWS_MAX;
    page.sections = vec![Section::only(table, Word::NoObligations)];
    page.digest = Some(view.digest());
    page
}

fn row(seal: &Seal, owed: &Obligation, page_of: impl Fn(&str) -> Option<String>) -> Vec<Cell> {
    let class = match owed.standing {
        Standing::Due => "wait",
        Standing::Overdue => "fail",
        Standing::MetLate => "done",
    };
    let stream = Cell::text(owed.stream.clone());
    let stream = match page_of(&owed.stream) {
        Some(path) => stream.to(seal.link(&path)),
        None => stream,
    };
    vec![
        Cell::day(owed.due),
        Cell::marked(names::words(names::OWED_STANDINGS, owed.standing.name(), seal.lang), class),
        Cell::text(names::words(names::OWED, owed.kind.name(), seal.lang)),
        stream,
        if owed.detail.is_empty() { Cell::none() } else { Cell::text(owed.detail.clone()) },
        Cell::text(names::source(owed.kind, seal.lang)),
    ]
}
