//! The views of the other families: what they say of a town that lived, and that rows at any size say
//! the same as a ledger folded to it.

mod counted;

use std::sync::Arc;

use lian_core::{
    hash::leaf_hash,
    json::Value,
    time::{format_moment, taipei_day},
};
use lian_domain::{
    clearance::{Hawb, Mawb, Warehouse},
    dates::Day,
    families,
    ledger::{Ledger, Stream},
    views::{
        View,
        board::{self, BoardQuery},
        calendar, cargo, cases, draws, ethics,
        past::{PastFault, PastReads},
        streams::Streams,
    },
};

use crate::{
    Over,
    desk::{Attempt, Desk, Entries},
    town::{Town, random_log},
};

type Signer = (&'static str, &'static str);

const OFFICER: Signer = ("officer:7f3k", "officer");
const SUPERVISOR: Signer = ("officer:c29x", "supervisor");
const AIRLINE: Signer = ("airline:CI", "airline");
const BROKER: Signer = ("broker:22099131", "broker");
const WAREHOUSE: Signer = ("warehouse:C2001", "warehouse");
const SCREENING: Signer = ("system:screening", "screening");
const MAWB: &str = "297-83993523";

const MANIFESTED: &str = r#"{"arrival_at":"2026-12-31T18:00:00+08:00","carrier":"CI","class":"general","consignee":null,"consignor":null,"flight":"CI5832","goods":null,"long_leg":true,"pieces":3}"#;
const DECLARED: &str = r#"{"broker":"22099131","category":"full","declaration":"CA__159NUMBER","delegation":"confirmed","grams":12000,"importer":"12345675","person":null,"restricted":[],"value":9000}"#;
const EXCEPTION: &str = r#"{"broker_box":"598","exception":"barcode_unreadable","note":{"sealed":"abababababababababababababababababababababababababababababababab"},"pieces":1,"storage":"EGT11111","warehouse":"C2001"}"#;

fn json(text: &str) -> Value<'static> {
    Value::read(text.as_bytes()).unwrap().into_owned()
}

fn mawb() -> Mawb {
    Mawb::parse(MAWB).unwrap()
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

impl Town {
    fn tells(&mut self, kind: &str, stream: &str, data: &str, by: &[Signer]) {
        let payload = self.event(kind, stream, json(data), by);
        self.must(&payload);
    }

    fn today(&self) -> Day {
        Day::from_number(taipei_day(self.now_ms))
    }

    /// A bag of general cargo, declared, on which the models named have advised, counted into C2001.
    fn bag(&mut self, hawb: &str, counted: u64, advice: &[(&str, &str, bool)]) -> String {
        let stream = format!("cargo/{MAWB}/{hawb}");
        self.tells("cargo.manifested", &stream, MANIFESTED, &[AIRLINE]);
        self.tells(
            "cargo.declared",
            &stream,
            &DECLARED.replace("NUMBER", &format!("90000{hawb}")),
            &[BROKER],
        );
        for (source, model, flagged) in advice {
            let advised = format!(
                r#"{{"factors":[],"flagged":{flagged},"model":"{model}","score":1,"source":"{source}"}}"#
            );
            self.tells("cargo.advised", &stream, &advised, &[SCREENING]);
        }
        let now = self.moment();
        let warehoused = format!(r#"{{"completed_at":"{now}","pieces":{counted},"warehouse":"C2001"}}"#);
        self.tells("cargo.warehoused", &stream, &warehoused, &[WAREHOUSE]);
        stream
    }

    fn moment(&self) -> String {
        format_moment(i64::try_from(self.now_ms / 1_000).unwrap())
    }

    fn laid_on(&mut self, stream: &str, line: &str) {
        let presented = format!(r#"{{"at":"{}","line":"{line}"}}"#, self.moment());
        self.tells("cargo.presented", stream, &presented, &[WAREHOUSE]);
    }

    /// Three bags of one waybill: one cannot clear, one came short, of one a piece is seized.
    fn waybill(&mut self) {
        let announced = r#"{"arrival_at":"2026-12-31T18:00:00+08:00","bills":3,"carrier":"CI","flight":"CI5832","long_leg":true,"pieces":9}"#;
        self.tells("mawb.manifested", &format!("mawb/{MAWB}"), announced, &[AIRLINE]);
        let unclear = self.bag("G1", 3, &[("cargo_ai", "m1", true)]);
        self.laid_on(&unclear, "L1");
        self.tells("cargo.exception_opened", &unclear, EXCEPTION, &[WAREHOUSE]);
        self.now_ms += 60_000;
        let short = self.bag("G2", 2, &[("cargo_ai", "m1", false), ("expert", "m7", true)]);
        self.laid_on(&short, "L2");
        let guilty = self.bag("G3", 3, &[("cargo_ai", "m1", false), ("cargo_ai", "m1", true)]);
        let held =
            r#"{"basis":"order","from":"hand","officer":"officer:7f3k","pieces":2,"review_by":"2027-03-09"}"#;
        self.tells("cargo.held", &guilty, held, &[OFFICER]);
        let seized = format!(
            r#"{{"at":"{}","hold":1,"officer":"officer:7f3k","owner":null,"pieces":1,"place":"CA-4","receipt":"R-1","seal":"S-1","witness":null}}"#,
            self.moment()
        );
        self.tells("cargo.seized", &guilty, &seized, &[OFFICER]);
    }

    /// A case whose act ended then.
    fn case(&mut self, no: &str, ended_on: &str) {
        let offence = format!(
            r#"{{"article":"asa.37","ended_on":"{ended_on}","occurred_on":"{ended_on}","result_on":null}}"#
        );
        let opening = format!(
            r#"{{"criminal":false,"declaration":null,"declared_on":null,"detected_on":"{ended_on}","hawb":null,"house":"CA","importer":null,"inspection":null,"mawb":null,"offences":[{offence}],"officer":"officer:7f3k","receipt":null,"registered":false,"section":"CA-1","seized_by":"CA-X-3","storage":null,"subject":null}}"#
        );
        self.tells("case.opened", &format!("case/{no}"), &opening, &[OFFICER]);
    }

    /// Everything that the views tell of.
    fn lived(seed: u64) -> Self {
        let mut town = Self::begin(seed);
        for (actor, unit, capacity) in [
            ("warehouse:C2001", "warehouse:C2001", "warehouse"),
            ("system:screening", "office:CA", "screening"),
        ] {
            town.enrol(actor, unit, &[capacity]);
        }
        town.waybill();
        let far = town.today().to_string();
        town.case("TP115-0002", &far);
        town.case("TP115-0001", "2023-12-10");
        let commit = "5a".repeat(32);
        let sealed = format!(r#"{{"commit":"{commit}"}}"#);
        town.tells("patrol.sealed", "patrol/2026-12", &sealed, &[SUPERVISOR]);
        town
    }
}

fn text(value: &Value<'_>) -> String {
    String::from_utf8(value.write()).unwrap()
}

fn names(columns: &[board::Column]) -> Vec<&'static str> {
    columns.iter().map(|(_, title)| *title).collect()
}

#[test]
fn the_clearance_board_has_the_columns_of_the_house_and_the_newest_bag_first() {
    let town = Town::lived(1);
    let board = board::clearance(&town.desk.ledger, &BoardQuery::default()).unwrap();

    assert_eq!(names(&board::CLEARANCE), ["分流", "主號", "袋號", "業者", "通關時間"]);
    let rows: Vec<String> = board.rows.iter().map(|row| text(&row.to_value())).collect();
    assert_eq!(rows.len(), 2, "G3 was never laid on a line");
    let now = town.moment();
    let newest = format!(
        r#"{{"broker":"22099131","cleared_at":"{now}","hawb":"G2","line":"L2","mawb":"297-83993523"}}"#
    );
    assert_eq!(rows[0], newest);
    assert!(rows[1].contains(r#""hawb":"G1","line":"L1""#) && board.complete);
    assert_eq!(board.updated_at, town.now_ms);
    let elsewhere = BoardQuery { warehouse: Warehouse::parse("C2002"), ..BoardQuery::default() };
    assert_eq!(board::clearance(&town.desk.ledger, &elsewhere).unwrap().rows, []);
    let before = Day::from_number(town.today().number() - 1);
    let yesterday = BoardQuery { day: Some(before), ..BoardQuery::default() };
    assert_eq!(board::clearance(&town.desk.ledger, &yesterday).unwrap().rows, []);
}

#[test]
fn the_exception_board_says_what_cannot_clear_and_where_it_lies_but_never_the_note() {
    let mut town = Town::lived(2);
    let all = BoardQuery::default();
    let board = board::exceptions(&town.desk.ledger, &all).unwrap();
    let columns =
        ["異常類別", "查驗日期", "申報日期", "主號", "袋號/分號", "件數", "狀態", "箱號", "存放位置", "註記"];
    let today = town.today();

    assert_eq!(names(&board::EXCEPTIONS), columns);
    let row = format!(
        r#"{{"broker_box":"598","declared_on":"{today}","exception":"barcode_unreadable","hawb":"G1","inspected_on":"{today}","mawb":"297-83993523","note":null,"pieces":1,"status":"open","storage":"EGT11111"}}"#
    );
    assert_eq!(board.rows.iter().map(|row| text(&row.to_value())).collect::<Vec<_>>(), [row]);
    let told = text(&board.to_value());
    for secret in ["abab", "officer:", "cargo_ai"] {
        assert!(!told.contains(secret), "{secret}");
    }

    let stream = format!("cargo/{MAWB}/G1");
    town.tells("cargo.exception_answered", &stream, r#"{"answer":"relabelled","exception":1}"#, &[BROKER]);
    assert_eq!(board::exceptions(&town.desk.ledger, &all).unwrap().rows[0].status(), "answered");
    let resolved = r#"{"exception":1,"officer":"officer:7f3k","outcome":"corrected"}"#;
    town.tells("cargo.exception_resolved", &stream, resolved, &[OFFICER]);
    assert_eq!(board::exceptions(&town.desk.ledger, &all).unwrap().rows, []);
}

#[test]
fn the_pieces_of_a_waybill_are_shown_by_standing_and_one_that_came_short_is_a_finding() {
    let town = Town::lived(3);
    let view = cargo::conservation(&town.desk.ledger, &mawb()).unwrap().unwrap();

    assert_eq!(view.bags.iter().map(|bag| bag.hawb.to_string()).collect::<Vec<_>>(), ["G1", "G2", "G3"]);
    assert_eq!((view.sums.manifest, view.sums.held, view.sums.seized, view.sums.on_hand), (9, 1, 1, 6));
    let value = view.to_value();
    let findings = value.get("conservation").and_then(|sums| sums.get("findings")).unwrap();
    assert_eq!(text(findings), r#"[{"hawb":"G2","pieces":1,"what":"lacking"}]"#);
    let stages = cargo::stages(view.bags[0].cargo());
    let reached: Vec<&str> = stages.iter().filter(|(_, reached)| *reached).map(|(name, _)| *name).collect();
    assert_eq!(reached, ["manifested", "declared", "warehoused", "queued", "presented"]);
    assert!(cargo::conservation(&town.desk.ledger, &Mawb::parse("675-31355995").unwrap()).unwrap().is_none());
    let hawb = Hawb::parse("G2").unwrap();
    let one = cargo::one(&town.desk.ledger, &mawb(), &hawb).unwrap().unwrap();
    assert_eq!(one.cargo(), view.bags[1].cargo());
}

#[test]
fn advice_is_held_against_what_was_found_by_source_and_model() {
    let town = Town::lived(4);
    let rates = cargo::hit_rate(&town.desk.ledger).unwrap();
    let rate = |source: &str, model: &str| rates.rows[&(source.to_owned(), model.to_owned())];

    let ours = rate("cargo_ai", "m1");
    assert_eq!((ours.advised, ours.flagged, ours.hits, ours.open), (3, 2, 1, 2));
    let other = rate("expert", "m7");
    assert_eq!((other.advised, other.flagged, other.hits, other.open), (1, 1, 0, 1));
    assert_eq!(ours.advised, ours.hits + ours.false_alarms + ours.missed + ours.passed + ours.open);
}

#[test]
fn the_case_whose_clock_runs_out_first_stands_first_with_its_alarm_and_both_ways_of_counting() {
    let town = Town::lived(5);
    let clocks = cases::clocks(&town.desk.ledger, day("2026-11-24")).unwrap();

    let order: Vec<String> = clocks.rows.iter().map(|row| row.no.to_string()).collect();
    assert_eq!(order, ["TP115-0001", "TP115-0002"]);
    let first = &clocks.rows[0];
    assert_eq!((first.last, first.alarm), (Some(day("2026-12-09")), Some(1)));
    let clock = first.clocks.iter().find(|clock| clock.earlier() == day("2026-12-09")).unwrap();
    assert_eq!((clock.last_counted, clock.last_uncounted), (day("2026-12-09"), day("2026-12-10")));
    assert_eq!(clocks.rows[1].alarm, None);
    let later = cases::clocks(&town.desk.ledger, day("2026-12-10")).unwrap();
    assert_eq!(later.rows[0].alarm, Some(0), "lapsed by the earlier counting");
}

#[test]
fn the_calendar_lists_the_clock_the_short_report_the_patrol_and_the_sampling_run_that_are_owed() {
    let town = Town::lived(6);
    let rows = |today: &str| calendar::obligations(&town.desk.ledger, day(today)).unwrap().rows;
    let told = |today: &str| -> Vec<String> {
        let line = |row: lian_domain::obligations::Obligation| {
            format!("{} {} {}", row.kind.name(), row.stream, row.standing.name())
        };
        rows(today).into_iter().map(line).collect()
    };
    let short = format!("short_over cargo/{MAWB}/G2");
    let reported_by = Day::from_number(town.today().number() + 3);

    let now = told(&town.today().to_string());
    assert!(
        now.contains(&format!("{short} due"))
            && now.iter().any(|row| row.starts_with("clock case/TP115-0001"))
    );
    let due = rows("2027-05-01").into_iter().find(|row| row.stream.ends_with("G2")).unwrap().due;
    assert_eq!(due, reported_by);
    let spring = told("2027-05-01");
    for owed in [
        format!("{short} overdue"),
        "patrol patrol/2026-12 overdue".to_owned(),
        "sampling_run ethics_run/2027Q1 overdue".to_owned(),
    ] {
        assert!(spring.contains(&owed), "{owed}: {spring:?}");
    }
}

/// All that views tell of a moment, as one text.
fn told(streams: &dyn Streams, today: Day) -> Result<String, PastFault> {
    let here = BoardQuery { warehouse: Warehouse::parse("C2001"), day: Some(today), ..BoardQuery::default() };
    let mut values = vec![
        board::clearance(streams, &BoardQuery::default())?.to_value(),
        board::clearance(streams, &here)?.to_value(),
        board::exceptions(streams, &here)?.to_value(),
        cargo::hit_rate(streams)?.to_value(),
        ethics::statistics(streams)?.to_value(),
        cases::clocks(streams, today)?.to_value(),
        calendar::obligations(streams, today)?.to_value(),
    ];
    values.extend(cargo::conservation(streams, &mawb())?.map(|view| view.to_value()));
    let mut text = values.iter().map(|value| self::text(value) + "\n").collect::<String>();
    for (prefix, most) in [("", 7), ("cargo/", 2), ("draw/", 1), ("nothing/", 3)] {
        let mut after = None;
        loop {
            let found = streams.range(prefix, after.as_deref(), most)?;
            let Some(last) = found.last() else { break };
            after = Some(Arc::clone(&last.name));
            let line = |stream: &Stream| {
                assert!(stream.name.starts_with(prefix));
                format!("{} {} {} {}\n", stream.name, stream.version, stream.logged, stream.state_digest())
            };
            text.extend(found.iter().map(line));
        }
    }
    for number in 0.. {
        let Some(epoch) = streams.epoch(number)? else { break };
        text.extend([format!("{number} {epoch:?}\n")]);
    }
    Ok(text + &format!("{} {} {}", streams.size(), streams.recorded_at(), streams.rules().version))
}

/// Draws that are closed, drawn again by what rows and a fold say of the moment of their population.
fn draws_are_the_same(past: &PastReads, log: &[Attempt], end: &Ledger) -> usize {
    let now = past.at(end.size()).unwrap();
    let mut closed = Vec::new();
    now.each("draw/", usize::MAX, &mut |stream| {
        let lot = stream.family().and_then(families::State::draw);
        closed.extend(lot.filter(|lot| lot.outcome.is_some()).cloned());
    })
    .unwrap();
    for lot in closed.iter().take(2) {
        let (number, seal) = draws::seal(&now, lot).unwrap().unwrap();
        assert_eq!(
            Some(number),
            lot.outcome.as_ref().map(|outcome| outcome.epoch),
            "the one that was judged"
        );
        let size = Streams::epoch(end, lot.epoch).unwrap().unwrap().size;
        let mut then = Desk::new(Ledger::new());
        for attempt in log {
            if then.ledger.size() == size {
                break;
            }
            then.again(attempt).unwrap();
        }
        let scheme = end.rules().draws.scheme(&lot.scheme).unwrap();
        let over_rows = draws::again(&past.at(size).unwrap(), scheme, lot.clone(), seal.root).unwrap();
        let folded = draws::again(&then.ledger, scheme, lot.clone(), seal.root).unwrap();
        assert_eq!(over_rows, folded);
        assert_eq!(over_rows.digest(), folded.digest());
        assert_ne!(over_rows.public().digest(), folded.digest(), "without names it is another view");
    }
    closed.len()
}

/// Rows that hold a whole log, and reads over them.
fn reads(log: &[Attempt]) -> (PastReads, Over) {
    let (entries, mut over) = (Entries::of(log), Over::new(0));
    for attempt in log {
        over.play(attempt);
    }
    over.settle();
    let ledger = leaf_hash(&entries.get(0).leaf);
    (PastReads::new(over.rows.clone(), entries, &ledger).unwrap(), over)
}

fn day_of(ledger: &Ledger) -> Day {
    Day::from_number(taipei_day(ledger.recorded_at()))
}

#[test]
fn every_view_of_the_rows_at_a_size_is_that_of_a_ledger_folded_to_it() {
    let mut town = Town::lived(7);
    let end = town.log.len() + 500;
    while town.log.len() < end {
        town.batch();
    }
    let log = town.log;
    let (past, over) = reads(&log);

    let mut fold = Desk::new(Ledger::new());
    for (at, attempt) in log.iter().enumerate() {
        fold.again(attempt).unwrap();
        let size = fold.ledger.size();
        // A batch may end with what was turned away: only then is it committed.
        let settled = log.get(at + 1).is_none_or(|next| next.outcome.is_ok());
        if !settled || !size.is_multiple_of(17) {
            continue;
        }
        let today = day_of(&fold.ledger);
        let (found, expected) =
            (told(&past.at(size).unwrap(), today).unwrap(), told(&fold.ledger, today).unwrap());
        for (found, expected) in found.lines().zip(expected.lines()) {
            assert_eq!(found, expected, "at {size}");
        }
        assert_eq!(found.len(), expected.len(), "at {size}");
    }
    assert!(told(&over.desk.ledger, day_of(&fold.ledger)).is_err(), "memory has not all of it");
}

#[test]
fn a_draw_is_drawn_again_from_rows_as_from_a_fold() {
    let mut drawn = 0;
    for seed in crate::seeds() {
        let log = random_log(seed, crate::STATEMENTS);
        let (past, _) = reads(&log);
        let mut fold = Desk::new(Ledger::new());
        for attempt in &log {
            fold.again(attempt).unwrap();
        }
        drawn += draws_are_the_same(&past, &log, &fold.ledger);
    }
    assert!(drawn > 0);
}
