//! The counts of the ethics register by type, quarter and year: whole, or what everybody may know.
//! Invariant: counts only; the newest quarters are drawn, the tables have all.

use std::collections::BTreeSet;

use lian_domain::{
    dates::Day,
    draws::Period,
    ethics::{Figures, Told, Type},
    views::{
        View,
        ethics::{Published, Statistics},
    },
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

/// The page for those who may see the register.
pub fn whole(seal: Seal, view: &Statistics, size: u64) -> ViewPage {
    let mut page = counts(seal, &view.counts.whole(), Word::GiftsNote, size);
    (page.complete, page.digest) = (view.complete, Some(view.digest()));
    page
}

/// The page for everybody.
pub fn public(seal: Seal, view: &Published, size: u64) -> ViewPage {
    let mut page = counts(seal, &view.figures, Word::GiftsPublicNote, size);
    (page.complete, page.digest) = (view.complete, Some(view.digest()));
    page
}

fn counts(seal: Seal, view: &Figures, note: Word, size: u64) -> ViewPage {
    let title = seal.say(Word::Gifts).to_owned();
    let mut page = ViewPage::new(seal, title, note, size);
    let seal = &page.seal;
    let by_quarter = by_quarter(seal, view);
    let mut quarters = Section::of("quarters", Word::ByQuarter, by_quarter, Word::NoGifts);
    if !view.quarters.is_empty() {
        quarters.picture = Some(picture(seal, view));
        quarters.note = Some(Word::GiftsChart);
    }
    let years = Section::of("years", Word::ByYear, by_year(seal, view), Word::NoGifts);
    page.sections = vec![years, quarters];
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

fn picture(seal: &Seal, view: &Figures) -> String {
    let quarters: BTreeSet<Day> = view.quarters.iter().map(|(period, ..)| period.first()).collect();
    let first = quarters.iter().rev().nth(QUARTERS_DRAWN - 1).copied();
    let shown = view.quarters.iter().filter(|(period, ..)| first.is_none_or(|first| period.first() >= first));
    let said = |number: Option<u64>| number.map_or_else(|| seal.say(Word::NotTold).to_owned(), group);
    let row = |(period, kind, told): &(Period, Type, Told)| Row {
        label: format!(
            "{} {}",
            quarter(*period, seal.lang),
            names::words(names::TYPES, kind.name(), seal.lang)
        ),
        from: 0,
        length: told.registered.unwrap_or(0),
        says: match told.registered {
            None => said(None),
            registered => {
                format!("{} · {} {}", said(registered), seal.say(Word::Sampled), said(told.sampled))
            }
        },
        class: "pass",
    };
    let rows: Vec<Row> = shown.map(row).collect();
    let top = rows.iter().map(|row| row.length).max().unwrap_or(0);
    lying::rows(&rows, &[], top, seal.say(Word::GiftsChart))
}

fn cells(seal: &Seal, told: &Told) -> [Cell; 6] {
    let cell = |number: Option<u64>| match number {
        Some(number) => Cell::number(number),
        None => Cell { class: "number", ..Cell::text(seal.say(Word::NotTold)) },
    };
    told.numbers().map(cell)
}

fn by_quarter(seal: &Seal, view: &Figures) -> Table {
    let heads: Vec<Word> = [Word::Quarter, Word::Type].into_iter().chain(HEADS).collect();
    let mut table = Table::new(seal, Word::ByQuarter, &heads);
    for (period, kind, told) in view.quarters.iter().rev() {
        let names = [
            Cell::text(quarter(*period, seal.lang)),
            Cell::text(names::words(names::TYPES, kind.name(), seal.lang)),
        ];
        table.rows.push(names.into_iter().chain(cells(seal, told)).collect());
    }
    table
}

fn by_year(seal: &Seal, view: &Figures) -> Table {
    let heads: Vec<Word> = [Word::Year, Word::Type].into_iter().chain(HEADS).collect();
    let mut table = Table::new(seal, Word::ByYear, &heads);
    for ((year, kind), told) in view.years.iter().rev() {
        let roc = Day::parse(&format!("{year:04}-01-01")).map_or_else(|| year.to_string(), roc_year);
        let kind = kind.map_or("all", Type::name);
        let names = [Cell::text(roc), Cell::text(names::words(names::TYPES, kind, seal.lang))];
        table.rows.push(names.into_iter().chain(cells(seal, told)).collect());
    }
    table
}

#[cfg(test)]
mod tests {
    use lian_domain::ethics::{Count, Counts};

    use super::{super::tests::seal, *};

    #[test]
    fn what_is_too_small_to_be_told_is_said_to_be_not_public_in_table_and_picture() {
        let mut counts = Counts::default();
        let day = Day::parse("2026-10-01").unwrap();
        counts.add(day, Type::Gift, &Count { registered: 12, sampled: 2, ..Count::default() });
        counts.add(day, Type::Lobbying, &Count { registered: 3, ..Count::default() });
        let view = Statistics { counts, complete: true };

        let page = public(seal(Lang::En), &view.public(), 3);
        let texts = |section: &Section| -> Vec<Vec<String>> {
            let rows = &section.table.as_ref().unwrap().rows;
            rows.iter().map(|row| row.iter().skip(2).map(|cell| cell.text.clone()).collect()).collect()
        };
        let hidden = "not public";
        assert_eq!(texts(&page.sections[1]), [vec![hidden; 6], vec!["12", "0", "0", hidden, hidden, hidden]]);
        assert!(texts(&page.sections[0]).iter().flatten().all(|text| text != "15" && text != "3"));
        let svg = page.sections[1].picture.as_deref().unwrap();
        assert!(svg.contains("12 · Sampled not public") && !svg.contains(">3"), "{svg}");

        let whole = whole(seal(Lang::En), &view, 3);
        assert_eq!(texts(&whole.sections[1])[0][0], "3");
        assert_ne!(page.digest, whole.digest);
    }

    #[test]
    fn a_quarter_is_named_in_the_year_of_the_republic() {
        let period = Period::parse("2026Q4").unwrap();
        assert_eq!(quarter(period, Lang::Zh), "115 年第 4 季");
        assert_eq!(quarter(Period::parse("2027Q1").unwrap(), Lang::En), "116 Q1");
    }
}
