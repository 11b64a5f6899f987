//! The two public boards, with the columns of the platform in its order.
//! Invariant: columns and cells are those of the view; what stands in none of them is not shown.

use lian_core::{json::Value, time::parse_moment};
use lian_domain::{
    dates::Day,
    views::{
        View,
        board::{Board, BoardQuery, CLEARANCE, Column, EXCEPTIONS, ExceptionBoard},
    },
};

use super::{
    Lang, Moment, Seal, Word, names,
    view::{Cell, Section, Table, ViewPage},
};

/// What stands above the columns in English, by what stands above them in the platform.
const ENGLISH: [(&str, &str); 13] = [
    ("分流", "Line"),
    ("主號", "Master waybill"),
    ("袋號", "Bag"),
    ("業者", "Broker"),
    ("通關時間", "Cleared at"),
    ("異常類別", "Exception"),
    ("查驗日期", "Inspected on"),
    ("申報日期", "Declared on"),
    ("袋號/分號", "Bag or house bill"),
    ("件數", "Pieces"),
    ("狀態", "Status"),
    ("箱號", "Broker's box"),
    ("存放位置", "Stored at"),
];
const NOTE: (&str, &str) = ("註記", "Note");

/// What a board was asked for, and what of it this reader may follow.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'q> {
    /// Which rows.
    pub query: &'q BoardQuery,
    /// Entries that count.
    pub size: u64,
    /// True if this reader may read the pages of bags.
    pub reads_bags: bool,
}

/// The page of the clearance board.
pub fn clearance(seal: Seal, board: &Board, asked: Asked<'_>) -> ViewPage {
    let words = (Word::Board, Word::BoardNote);
    let other = ("/disclosure/exceptions", Word::Exceptions);
    let mut page = page(seal, words, other, &CLEARANCE, &board.to_value(), asked);
    (page.complete, page.digest) = (board.complete, Some(board.digest()));
    page
}

/// The page of the exception board.
pub fn exceptions(seal: Seal, board: &ExceptionBoard, asked: Asked<'_>) -> ViewPage {
    let words = (Word::Exceptions, Word::ExceptionsNote);
    let other = ("/disclosure/board", Word::Board);
    let mut page = page(seal, words, other, &EXCEPTIONS, &board.to_value(), asked);
    (page.complete, page.digest) = (board.complete, Some(board.digest()));
    page
}

fn page(
    seal: Seal,
    (title, note): (Word, Word),
    (path, other): (&str, Word),
    columns: &[Column],
    board: &Value<'_>,
    asked: Asked<'_>,
) -> ViewPage {
    let rows = board.get("rows").and_then(Value::as_list).unwrap_or_default();
    let row =
        |row: &Value<'_>| columns.iter().map(|(name, _)| cell(&seal, name, row, asked.reads_bags)).collect();
    let table = Table {
        caption: seal.say(title).to_owned(),
        heads: columns.iter().map(|column| head(column, seal.lang).to_owned()).collect(),
        rows: rows.iter().map(row).collect(),
    };
    let mut page = ViewPage::new(seal, "", note, asked.size);
    page.title = page.seal.say(title).to_owned();
    let updated = board.get("updated_at").and_then(Value::as_text).map_or_else(Cell::none, moment);
    page.facts.push((Word::UpdatedAt, updated));
    page.facts.extend(filters(&page.seal, asked.query));
    page.beside.push((page.seal.link(path), page.seal.say(other).to_owned()));
    page.sections.push(Section::only(table, Word::EmptyBoard));
    page
}

/// What stands above a column.
pub fn head(column: &Column, lang: Lang) -> &'static str {
    let known = ENGLISH.iter().chain([&NOTE]).find(|(title, _)| *title == column.1);
    match (lang, known) {
        (Lang::En, Some((_, title))) => title,
        _ => column.1,
    }
}

fn filters(seal: &Seal, query: &BoardQuery) -> Option<(Word, Cell)> {
    let mut only = Vec::new();
    only.extend(query.warehouse.map(|warehouse| format!("{} {warehouse}", seal.say(Word::Warehouse))));
    only.extend(query.broker.map(|broker| format!("{} {broker}", seal.say(Word::Broker))));
    only.extend(query.day.map(|day| format!("{} {}", seal.say(Word::Day), day.to_roc())));
    (!only.is_empty()).then(|| (Word::Filter, Cell::text(only.join(" · "))))
}

fn cell(seal: &Seal, name: &str, row: &Value<'_>, reads_bags: bool) -> Cell {
    let text = row.get(name).and_then(Value::as_text);
    match (name, row.get(name), text) {
        ("note", ..) => Cell::marked(seal.say(Word::NotPublic), "done"),
        (_, Some(Value::Int(number)), _) => Cell::signed(*number),
        ("exception", _, Some(code)) => Cell::text(names::words(names::EXCEPTIONS, code, seal.lang)),
        ("status", _, Some(code)) => {
            let class = if code == "open" { "wait" } else { "" };
            Cell::marked(names::words(names::EXCEPTION_STATUS, code, seal.lang), class)
        }
        ("hawb", _, Some(hawb)) if reads_bags => {
            let mawb = row.get("mawb").and_then(Value::as_text).unwrap_or_default();
            Cell::text(hawb).to(seal.link(&format!("/clearance/{mawb}/{hawb}")))
        }
        ("mawb", _, Some(mawb)) if reads_bags => {
            Cell::text(mawb).to(seal.link(&format!("/clearance/{mawb}")))
        }
        (_, _, Some(text)) => Day::parse(text).map_or_else(|| moment(text), Cell::day),
        _ => Cell::none(),
    }
}

/// A moment in ROC years; any other text as it is.
fn moment(text: &str) -> Cell {
    let seconds = parse_moment(text).and_then(|seconds| u64::try_from(seconds).ok());
    let read = seconds.and_then(|seconds| seconds.checked_mul(1_000)).map(Moment::of_ms);
    read.map_or_else(|| Cell::text(text), Cell::moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_the_platform_has_an_english_name_of_its_own() {
        for columns in [&CLEARANCE[..], &EXCEPTIONS[..]] {
            let mut titles: Vec<&str> = columns.iter().map(|column| head(column, Lang::En)).collect();
            assert!(titles.iter().all(|title| title.is_ascii()), "{titles:?}");
            titles.sort_unstable();
            titles.dedup();
            assert_eq!(titles.len(), columns.len());
        }
        assert_eq!(head(&CLEARANCE[0], Lang::Zh), "分流");
    }
}
