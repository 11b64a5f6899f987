//! What the public may know of the ethics register: counts by type, quarter and year.
//! Invariant: counts only; the newest quarters are drawn, the tables have all.

use std::collections::BTreeSet;

use lian_domain::{
    dates::Day,
    draws::Period,
    ethics::{Count, Type},
    views::{View, ethics::Statistics},
};

use super::{
    Lang, Seal, Word,
    chart::lying::{self, Row},
    group, names,
    view::{Cell, Section, Table, ViewPage},
};

/// Quarters that are drawn: with four types each they fill the picture.
const QUARTERS_DRAWN: usize = 8;
const HEADS: [Word; 6] =
    [Word::Registered, Word::Late, Word::Breaches, Word::Sampled, Word::Correct, Word::Anomalies];

/// The page.
pub fn statistics(seal: Seal, view: &Statistics, size: u64) -> ViewPage {
    let title = seal.say(Word::Gifts).to_owned();
    let mut page = ViewPage::new(seal, title, Word::GiftsNote, size);
    let seal = &page.seal;
    let by_quarter = by_quarter(seal, view);
    let mut quarters = Section::of("quarters", Word::ByQuarter, by_quarter, Word::NoGifts);
    if view.counts.rows().next().is_some() {
        quarters.picture = Some(picture(seal, view));
        quarters.note = Some(Word::GiftsChart);
    }
    let years = Section::of("years", Word::ByYear, by_year(seal, view), Word::NoGifts);
    page.sections = vec![years, quarters];
    (page.complete, page.digest) = (view.complete, Some(view.digest()));
    page
}

/// `115年第4季`; the number of a quarter follows from its first day.
fn quarter(period: Period, lang: Lang) -> String {
    let year = roc_year(period.first());
    let first = period.first().to_string();
    let month: u32 = first.get(5..7).and_then(|month| month.parse().ok()).unwrap_or(1);
    let number = month.div_ceil(3);
    match lang {
        Lang::Zh => format!("{year} 年第 {number} 季"),
        Lang::En => format!("{year} Q{number}"),
    }
}

/// `115`.
fn roc_year(day: Day) -> String {
    day.to_roc().split('/').next().unwrap_or_default().to_owned()
}

fn picture(seal: &Seal, view: &Statistics) -> String {
    let quarters: BTreeSet<Day> = view.counts.rows().map(|(period, ..)| period.first()).collect();
    let first = quarters.iter().rev().nth(QUARTERS_DRAWN - 1).copied();
    let shown = view.counts.rows().filter(|(period, ..)| first.is_none_or(|first| period.first() >= first));
    let row = |(period, kind, count): (Period, Type, Count)| Row {
        label: format!(
            "{} {}",
            quarter(period, seal.lang),
            names::words(names::TYPES, kind.name(), seal.lang)
        ),
        from: 0,
        length: count.registered,
        says: format!("{} · {} {}", group(count.registered), seal.say(Word::Sampled), group(count.sampled)),
        class: "pass",
    };
    let rows: Vec<Row> = shown.map(row).collect();
    let top = rows.iter().map(|row| row.length).max().unwrap_or(0);
    lying::rows(&rows, &[], top, seal.say(Word::GiftsChart))
}

fn cells(count: &Count) -> [Cell; 6] {
    [count.registered, count.late, count.breaches, count.sampled, count.correct, count.anomalies]
        .map(Cell::number)
}

fn by_quarter(seal: &Seal, view: &Statistics) -> Table {
    let heads: Vec<Word> = [Word::Quarter, Word::Type].into_iter().chain(HEADS).collect();
    let mut table = Table::new(seal, Word::ByQuarter, &heads);
    for (period, kind, count) in view.counts.rows() {
        let names = [
            Cell::text(quarter(period, seal.lang)),
            Cell::text(names::words(names::TYPES, kind.name(), seal.lang)),
        ];
        table.rows.push(names.into_iter().chain(cells(&count)).collect());
    }
    table.rows.reverse();
    table
}

fn by_year(seal: &Seal, view: &Statistics) -> Table {
    let heads: Vec<Word> = [Word::Year, Word::Type].into_iter().chain(HEADS).collect();
    let mut table = Table::new(seal, Word::ByYear, &heads);
    for ((year, kind), count) in view.years().into_iter().rev() {
        let roc = Day::parse(&format!("{year:04}-01-01")).map_or_else(|| year.to_string(), roc_year);
        let kind = kind.map_or("all", Type::name);
        let names = [Cell::text(roc), Cell::text(names::words(names::TYPES, kind, seal.lang))];
        table.rows.push(names.into_iter().chain(cells(&count)).collect());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_is_named_in_the_year_of_the_republic() {
        let period = Period::parse("2026Q4").unwrap();
        assert_eq!(quarter(period, Lang::Zh), "115 年第 4 季");
        assert_eq!(quarter(Period::parse("2027Q1").unwrap(), Lang::En), "116 Q1");
    }
}
