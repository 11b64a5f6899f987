//! How often risk advice was right, by source and model.
//! Invariant: the rate is of what was flagged and has an outcome; where there is none, no rate is named.

use lian_domain::{
    clearance::Rate,
    views::{View, cargo::HitRate},
};

use super::{
    Seal, Word,
    chart::lying::{self, Row},
    group, names,
    view::{Cell, Section, Table, ViewPage},
};

const HEADS: [Word; 10] = [
    Word::Source,
    Word::Model,
    Word::AdvisedTimes,
    Word::FlaggedTimes,
    Word::Hits,
    Word::FalseAlarms,
    Word::MissedFinds,
    Word::PassedClear,
    Word::Open,
    Word::HitShare,
];

/// The page.
pub fn hit_rate(seal: Seal, view: &HitRate, size: u64) -> ViewPage {
    let title = seal.say(Word::HitRate).to_owned();
    let mut page = ViewPage::new(seal, title, Word::HitRateNote, size);
    let seal = &page.seal;
    let mut table = Table::new(seal, Word::HitRate, &HEADS);
    for ((source, model), rate) in &view.rows {
        let names = [Cell::text(names::words(names::ADVISERS, source, seal.lang)), Cell::text(model.clone())];
        let numbers =
            [rate.advised, rate.flagged, rate.hits, rate.false_alarms, rate.missed, rate.passed, rate.open];
        let share = Cell { class: "number", ..Cell::text(share(rate)) };
        table.rows.push(names.into_iter().chain(numbers.map(Cell::number)).chain([share]).collect());
    }
    let mut section = Section::of("rates", Word::HitRate, table, Word::NoAdvice);
    if !view.rows.is_empty() {
        section.picture = Some(picture(seal, view));
        section.note = Some(Word::HitRateChart);
    }
    page.sections = vec![section];
    (page.complete, page.digest) = (view.complete, Some(view.digest()));
    page
}

/// Tenths of a percent of what was flagged and has an outcome; none if nothing has.
fn permille(rate: &Rate) -> Option<u64> {
    let judged = u128::from(rate.hits) + u128::from(rate.false_alarms);
    (u128::from(rate.hits) * 1_000).checked_div(judged).and_then(|share| u64::try_from(share).ok())
}

/// `33.3 %`.
fn share(rate: &Rate) -> String {
    permille(rate).map_or_else(|| "–".to_owned(), |share| format!("{}.{} %", share / 10, share % 10))
}

fn picture(seal: &Seal, view: &HitRate) -> String {
    let row = |((source, model), rate): (&(String, String), &Rate)| Row {
        label: format!("{} {model}", names::words(names::ADVISERS, source, seal.lang)),
        from: 0,
        length: permille(rate).unwrap_or(0),
        says: format!("{} · {} {}", share(rate), seal.say(Word::Hits), group(rate.hits)),
        class: "pass",
    };
    let rows: Vec<Row> = view.rows.iter().map(row).collect();
    lying::rows(&rows, &[], 1_000, seal.say(Word::HitRateChart))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Lang, tests::seal},
        *,
    };

    #[test]
    fn every_model_has_its_bar_and_its_row_and_what_has_no_outcome_has_no_rate() {
        let rate = Rate { advised: 8, flagged: 4, hits: 1, false_alarms: 3, missed: 2, ..Rate::default() };
        let waits = Rate { advised: 2, flagged: 2, open: 2, ..Rate::default() };
        let of = |model: &str, rate| (("apara".to_owned(), model.to_owned()), rate);
        let view = HitRate { rows: [of("m1", rate), of("m2", waits)].into_iter().collect(), complete: true };
        let page = hit_rate(seal(Lang::En), &view, 3);
        let section = &page.sections[0];
        let svg = section.picture.as_deref().unwrap();
        assert!(svg.contains("25.0 % · Hits 1") && svg.matches("class=\"bar").count() == 1, "{svg}");
        let rows = &section.table.as_ref().unwrap().rows;
        let shares: Vec<&str> = rows.iter().map(|row| &*row.last().unwrap().text).collect();
        assert_eq!(shares, ["25.0 %", "–"]);
        assert!(rows.iter().all(|row| row.len() == HEADS.len()));
    }

    #[test]
    fn the_rate_is_of_what_was_flagged_and_has_an_outcome() {
        let rate = Rate { advised: 9, flagged: 5, hits: 1, false_alarms: 2, missed: 3, ..Rate::default() };
        assert_eq!(share(&rate), "33.3 %");
        assert_eq!(share(&Rate { flagged: 5, open: 5, ..Rate::default() }), "–");
    }
}
