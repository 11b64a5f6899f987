//! Limitation clocks: each case that a clock runs against, how long is left, and the alarm in words.
//! Invariant: days left go by the earlier last day of both ways of counting, as the alarm does.

use lian_domain::{
    cases::clocks::{Clock, Standing},
    dates::Day,
    views::{
        View,
        cases::{CaseClocks, Clocks},
    },
};

use super::{
    Lang, Seal, Word,
    chart::lying::{self, Mark, Row},
    group, names,
    view::{Cell, Section, Table, ViewPage},
};

/// Days that the picture of time left goes over: a year and a half.
const DAYS_DRAWN: u64 = 548;
/// Months of the warnings, and about how many days that is.
const MARKS: [(u32, u64); 4] = [(1, 30), (3, 91), (6, 183), (12, 365)];
/// Cases whose clocks are told one by one.
const CASES_TOLD: usize = 200;

/// The page.
pub fn clocks(seal: Seal, view: &Clocks, size: u64) -> ViewPage {
    let title = seal.say(Word::CaseClocks).to_owned();
    let mut page = ViewPage::new(seal, title, Word::CaseClocksNote, size);
    let seal = &page.seal;
    let all = overview(seal, view);
    let mut left = Section::of("left", Word::TimeLeft, all, Word::NoCases);
    if !view.rows.is_empty() {
        left.picture = Some(picture(seal, view));
        left.note = Some(Word::TimeLeftNote);
    }
    let each = each(seal, view);
    page.facts = vec![(Word::DayAsked, Cell::day(view.today))];
    page.sections = vec![left, Section::of("clocks", Word::EachClock, each, Word::NoClock)];
    page.complete = view.complete && view.rows.len() <= CASES_TOLD;
    page.digest = Some(view.digest());
    page
}

/// Days that are left on a day; below zero once the last day has passed.
pub(super) fn days_left(last: Day, today: Day) -> i64 {
    last.number().saturating_sub(today.number())
}

/// `剩 20 日`, `20 days left`.
pub(super) fn left_words(days: i64, lang: Lang) -> String {
    let number = group(days.unsigned_abs());
    match (days, lang) {
        (0, Lang::Zh) => "今日為末日".to_owned(),
        (0, Lang::En) => "today is the last day".to_owned(),
        (1.., Lang::Zh) => format!("剩 {number} 日"),
        (1, Lang::En) => "1 day left".to_owned(),
        (1.., Lang::En) => format!("{number} days left"),
        (..=-1, Lang::Zh) => format!("已逾 {number} 日"),
        (..=-1, Lang::En) => format!("lapsed {number} days ago"),
    }
}

/// The warning that was reached, in words, and its class.
pub(super) fn alarm(months: Option<u32>, lang: Lang) -> (String, &'static str) {
    let said = |zh: String, en: String| if lang == Lang::Zh { zh } else { en };
    match months {
        None => (said("未達警示".to_owned(), "no alarm".to_owned()), "done"),
        Some(0) => (said("已屆滿".to_owned(), "LAPSED".to_owned()), "fail"),
        Some(1) => (said("警示：1 個月內".to_owned(), "ALARM: within 1 month".to_owned()), "fail"),
        Some(months) => {
            let class = if months <= 3 { "fail" } else { "wait" };
            (said(format!("警示：{months} 個月內"), format!("ALARM: within {months} months")), class)
        }
    }
}

fn overview(seal: &Seal, view: &Clocks) -> Table {
    let heads =
        [Word::Case, Word::Status, Word::Officer, Word::LastDay, Word::Left, Word::Alarm, Word::Barred];
    let mut table = Table::new(seal, Word::CaseClocks, &heads);
    for case in &view.rows {
        let (words, class) = alarm(case.alarm, seal.lang);
        let barred: Vec<String> = case.barred.iter().map(ToString::to_string).collect();
        table.rows.push(vec![
            Cell::id(case.no.to_string()).to(seal.link(&format!("/cases/{}", case.no))),
            Cell::text(names::words(names::CASES, case.status.name(), seal.lang)),
            Cell::text(case.officer.clone()),
            case.last.map_or_else(Cell::none, Cell::day),
            left(seal, case.last, view.today),
            Cell::marked(words, class),
            if barred.is_empty() { Cell::none() } else { Cell::marked(barred.join(" · "), "fail") },
        ]);
    }
    table
}

fn left(seal: &Seal, last: Option<Day>, today: Day) -> Cell {
    last.map_or_else(
        || Cell::text(seal.say(Word::NoClock)),
        |last| Cell::text(left_words(days_left(last, today), seal.lang)),
    )
}

fn picture(seal: &Seal, view: &Clocks) -> String {
    let row = |case: &CaseClocks| {
        let (words, class) = alarm(case.alarm, seal.lang);
        let days = case.last.map(|last| days_left(last, view.today));
        let says =
            days.map_or_else(|| seal.say(Word::NoClock).to_owned(), |days| left_words(days, seal.lang));
        Row {
            label: case.no.to_string(),
            from: 0,
            length: days.and_then(|days| u64::try_from(days).ok()).unwrap_or(0),
            says: if case.alarm.is_some_and(|months| months > 0) {
                format!("{says} · {words}")
            } else {
                says
            },
            class,
        }
    };
    let rows: Vec<Row> = view.rows.iter().map(row).collect();
    drawn(seal, &rows)
}

/// Bars of days that are left, over the days of the warnings.
pub(super) fn drawn(seal: &Seal, rows: &[Row]) -> String {
    let label = |months: u32| match seal.lang {
        Lang::Zh => format!("{months} 個月"),
        Lang::En => format!("{months} mo"),
    };
    let marks = MARKS.map(|(months, days)| Mark { at: days, label: label(months) });
    lying::rows(rows, &marks, DAYS_DRAWN, seal.say(Word::TimeLeft))
}

/// Every clock that still counts, case by case.
fn each(seal: &Seal, view: &Clocks) -> Table {
    let heads = [
        Word::Case,
        Word::Article,
        Word::Clock,
        Word::CountedFrom,
        Word::LastCounted,
        Word::LastUncounted,
        Word::Left,
        Word::Alarm,
    ];
    let mut table = Table::new(seal, Word::Clock, &heads);
    for case in view.rows.iter().take(CASES_TOLD) {
        for clock in &case.clocks {
            let no = Cell::id(case.no.to_string());
            table.rows.push([no].into_iter().chain(clock_row(seal, clock, view.today)).collect());
        }
    }
    table
}

/// One clock: article, law, days, what is left and the alarm.
pub(super) fn clock_row(seal: &Seal, clock: &Clock, today: Day) -> Vec<Cell> {
    let law = names::words(names::CLOCKS, clock.code.name(), seal.lang);
    let (warning, class) = alarm(clock.warning, seal.lang);
    let standing = names::words(names::CLOCK_STANDINGS, clock.standing.name(), seal.lang);
    let says = match clock.standing {
        Standing::Superseded => Cell::marked(standing, "done"),
        Standing::Running | Standing::Lapsed => Cell::marked(warning, class),
        Standing::Waiting | Standing::Stopped => Cell::marked(format!("{standing} · {warning}"), class),
    };
    vec![
        Cell::id(clock.article.to_string()),
        Cell::text(format!("{} {law}", clock.code.name())),
        Cell::day(clock.from),
        Cell::day(clock.last_counted),
        Cell::day(clock.last_uncounted),
        left(seal, Some(clock.earlier()), today),
        says,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_and_alarms_are_words() {
        assert_eq!(left_words(20, Lang::Zh), "剩 20 日");
        assert_eq!(left_words(1, Lang::En), "1 day left");
        assert_eq!(left_words(0, Lang::En), "today is the last day");
        assert_eq!(left_words(-1_095, Lang::Zh), "已逾 1,095 日");
        assert_eq!(alarm(Some(1), Lang::Zh), ("警示：1 個月內".to_owned(), "fail"));
        assert_eq!(alarm(Some(12), Lang::En), ("ALARM: within 12 months".to_owned(), "wait"));
        assert_eq!(alarm(Some(0), Lang::En).0, "LAPSED");
        assert_eq!(alarm(None, Lang::Zh).0, "未達警示");
    }

    #[test]
    fn days_left_are_counted_to_the_last_day() {
        let day = |text| Day::parse(text).unwrap();
        assert_eq!(days_left(day("2026-11-30"), day("2026-11-23")), 7);
        assert_eq!(days_left(day("2026-11-20"), day("2026-11-23")), -3);
    }
}
