//! Limitation clocks: the known dates, both ways of counting, warnings, stops and what replaces what.

use super::around::*;
use crate::{
    cases::{
        Case, ClockCode, State, Terms,
        clocks::{Clock, Standing, clocks, earliest, is_barred, last_days, months_before},
        ids::{Article, Spelled},
    },
    dates::Day,
};

fn years(from: &str, years: u32) -> (String, String) {
    let (counted, uncounted) = last_days(day(from), years);
    (counted.to_roc(), uncounted.to_roc())
}

#[test]
fn three_years_end_as_the_known_dates_say_by_both_ways_of_counting() {
    let vectors = [
        ("113-03-15", "116/03/14", "116/03/15"),
        ("113-02-29", "116/02/28", "116/02/28"),
        ("113-02-28", "116/02/27", "116/02/28"),
        // The day after 28 February of a common year is 1 March, whose eve in a leap year is the 29th.
        ("110-02-28", "113/02/27", "113/02/29"),
        ("110-03-01", "113/02/29", "113/03/01"),
        ("112-12-31", "115/12/30", "115/12/31"),
        ("113-01-01", "115/12/31", "116/01/01"),
    ];
    for (from, counted, uncounted) in vectors {
        assert_eq!(years(from, 3), (counted.to_owned(), uncounted.to_owned()), "{from}");
    }
}

#[test]
fn the_last_day_by_the_earlier_count_is_a_sunday_and_is_not_shifted() {
    let (counted, _) = last_days(day("113-03-15"), 3);

    // 1970-01-01 was a Thursday.
    assert_eq!((counted.number() + 4).rem_euclid(7), 0);
}

#[test]
fn the_earlier_count_never_ends_after_the_later_one() {
    let mut from = day("1990-01-01");
    while from < day("2032-01-01") {
        for length in [3, 5] {
            let (counted, uncounted) = last_days(from, length);
            assert!((0..=2).contains(&(uncounted.number() - counted.number())), "{from}");
        }
        from = from.plus_days(1);
    }
}

fn case_of(house: &House) -> &Case {
    house.case()
}

fn on_file(occurred_on: &str) -> House {
    let mut house = House::on("2026-03-02");
    house.ok("case.opened", CASE, opening(occurred_on), &officer());
    house
}

fn read(house: &House, code: ClockCode, today: &str) -> Clock {
    let clocks = clocks(case_of(house), &house.terms, day(today));
    clocks.into_iter().find(|clock| clock.code == code).expect("the clock has started")
}

fn asa() -> Article {
    Article::parse("asa.37").unwrap()
}

#[test]
fn a_case_is_four_years_old_when_the_clock_of_five_years_gives_its_first_warning() {
    let house = on_file("2022-03-15");
    let clock = read(&house, ClockCode::D, "2026-03-13");

    assert_eq!((clock.last_counted, clock.last_uncounted), (day("2027-03-14"), day("2027-03-15")));
    assert_eq!(clock.warning, None);
    assert_eq!(read(&house, ClockCode::D, "2026-03-14").warning, Some(12));
}

#[test]
fn warnings_come_at_twelve_six_three_and_one_months_before_the_earlier_last_day() {
    let house = on_file("2026-03-01");
    let reached = |today: &str| read(&house, ClockCode::A, today).warning;

    assert_eq!(read(&house, ClockCode::A, "2026-03-02").last_counted, day("2029-02-28"));
    let steps = [
        ("2028-02-27", None),
        ("2028-02-28", Some(12)),
        ("2028-08-27", Some(12)),
        ("2028-08-28", Some(6)),
        ("2028-11-28", Some(3)),
        ("2029-01-27", Some(3)),
        ("2029-01-28", Some(1)),
        ("2029-02-28", Some(1)),
        ("2029-03-01", Some(0)),
    ];
    for (today, warning) in steps {
        assert_eq!(reached(today), warning, "{today}");
    }
    let last = read(&house, ClockCode::A, "2029-03-01");
    assert_eq!((last.standing, last.over), (Standing::Lapsed, false), "the later count has a day left");
    assert!(read(&house, ClockCode::A, "2029-03-02").over);
}

#[test]
fn months_before_a_day_that_the_month_has_not_is_the_last_of_the_month() {
    let cases = [
        ("2027-03-14", 12, "2026-03-14"),
        ("2026-05-31", 3, "2026-02-28"),
        ("2024-05-31", 3, "2024-02-29"),
        ("2028-02-29", 12, "2027-02-28"),
        ("2026-01-30", 1, "2025-12-30"),
    ];
    for (from, months, found) in cases {
        assert_eq!(months_before(day(from), months), day(found), "{from}");
    }
}

#[test]
fn the_clock_of_the_seed_starts_when_the_end_of_prosecution_became_final() {
    let mut house = on_file("2024-01-10");
    house.ok("case.referred", CASE, referral("2024-02-01"), &both());

    let waiting = read(&house, ClockCode::A, "2026-03-02");
    assert_eq!((waiting.standing, waiting.warning), (Standing::Waiting, Some(12)));

    house.ok("case.prosecuted", CASE, verdict("not_prosecuted", "2026-02-28"), &officer());

    let seed = read(&house, ClockCode::B, "2026-03-02");
    assert_eq!((seed.last_counted, seed.last_uncounted), (day("2029-02-27"), day("2029-02-28")));
    assert_eq!(read(&house, ClockCode::A, "2026-03-02").standing, Standing::Superseded);
    assert_eq!(read(&house, ClockCode::D, "2026-03-02").standing, Standing::Running);
    let clocks = clocks(house.case(), &house.terms, day("2026-03-02"));
    assert_eq!(earliest(&clocks).unwrap().code, ClockCode::D, "event 2024-01-10, five years");
}

#[test]
fn every_end_without_a_conviction_starts_the_clock_and_a_conviction_does_not() {
    for outcome in crate::cases::Outcome::ALL {
        let mut house = on_file("2026-01-10");
        house.ok("case.referred", CASE, referral("2026-02-01"), &both());
        house.ok("case.prosecuted", CASE, verdict(outcome.name(), "2026-02-20"), &officer());

        let clocks = clocks(house.case(), &house.terms, day("2026-03-02"));
        let started = clocks.iter().any(|clock| clock.code == ClockCode::B);
        assert_eq!(started, outcome.name() != "guilty", "{outcome:?}");
        assert_eq!(clocks[0].standing == Standing::Running, outcome.name() == "guilty");
    }
}

#[test]
fn a_revocation_starts_three_years_anew() {
    let mut house = on_file("2024-01-10");
    house.ok("case.investigation_started", CASE, on("2026-03-01"), &officer());
    house.ok("case.investigated", CASE, heard("2026-03-01"), &officer());
    house.ok("case.decided", CASE, decision(5_000), &all_three());
    house.ok("case.served", CASE, on("2026-03-02"), &officer());
    house.today = day("2026-09-30");
    house.ok("case.revoked", CASE, vec![("final_on", t("2026-09-15"))], &officer());

    let clock = read(&house, ClockCode::C, "2026-10-01");
    assert_eq!((clock.last_counted, clock.standing), (day("2029-09-14"), Standing::Running));
    assert_eq!(read(&house, ClockCode::A, "2026-10-01").standing, Standing::Superseded);
}

#[test]
fn a_result_later_than_the_act_starts_the_clock_of_the_act() {
    let mut house = House::on("2026-03-02");
    let late = o(vec![
        ("article", t("asa.37")),
        ("ended_on", t("2026-01-05")),
        ("occurred_on", t("2026-01-01")),
        ("result_on", t("2026-02-01")),
    ]);
    house.ok("case.opened", CASE, with(opening("2026-01-01"), "offences", l(vec![late])), &officer());

    assert_eq!(read(&house, ClockCode::A, "2026-03-02").from, day("2026-02-01"));
    assert_eq!(read(&house, ClockCode::D, "2026-03-02").from, day("2026-01-01"));
}

fn stop(house: &mut House, from: &str, until: Option<&str>) {
    house.ok("case.clock_stopped", CASE, vec![("from", t(from)), ("ground", t("force_majeure"))], &both());
    if let Some(until) = until {
        house.ok("case.clock_resumed", CASE, vec![("until", t(until))], &both());
    }
}

#[test]
fn a_stop_adds_its_days_and_what_ran_before_it_counts() {
    let mut house = on_file("2026-01-01");
    house.today = day("2026-06-30");
    stop(&mut house, "2026-04-01", Some("2026-04-10"));
    stop(&mut house, "2026-05-01", Some("2026-05-01"));

    let clock = read(&house, ClockCode::A, "2026-07-01");
    assert_eq!(clock.last_counted, day("2028-12-31").plus_days(11));
    assert_eq!(clock.last_uncounted, day("2029-01-01").plus_days(11));
    assert_eq!(clock.standing, Standing::Running);
}

#[test]
fn a_stop_on_the_first_day_lengthens_one_count_only_and_the_alarm_goes_by_the_earlier_day() {
    // Found by random histories: with a stop on the first day the usual order of the two turns round.
    let mut house = on_file("2024-02-29");
    stop(&mut house, "2024-02-29", Some("2024-03-01"));

    let clock = read(&house, ClockCode::A, "2026-03-02");
    assert_eq!((clock.last_counted, clock.last_uncounted), (day("2027-03-02"), day("2027-03-01")));
    assert_eq!(clock.earlier(), day("2027-03-01"));
    let lapsed = read(&house, ClockCode::A, "2027-03-02");
    assert_eq!((lapsed.standing, lapsed.warning, lapsed.over), (Standing::Lapsed, Some(0), false));
    assert!(read(&house, ClockCode::A, "2027-03-03").over);
}

#[test]
fn a_clock_that_stands_still_moves_its_last_day_with_every_day() {
    let mut house = on_file("2026-01-01");
    house.today = day("2026-06-30");
    stop(&mut house, "2026-06-01", None);

    let clock = read(&house, ClockCode::A, "2026-06-30");
    assert_eq!((clock.standing, clock.last_counted), (Standing::Stopped, day("2028-12-31").plus_days(30)));
    assert_eq!(
        read(&house, ClockCode::A, "2026-07-01").last_counted,
        clock.last_counted.plus_days(1),
        "one more day of standing still"
    );
    assert_eq!(read(&house, ClockCode::A, "2040-01-01").standing, Standing::Stopped);
}

#[test]
fn a_stop_before_the_start_or_after_the_last_day_adds_nothing() {
    let mut house = on_file("2020-01-01");
    house.today = day("2026-06-30");
    stop(&mut house, "2019-01-01", Some("2019-12-31"));
    stop(&mut house, "2023-06-01", Some("2023-06-30"));

    let (act, event) = (read(&house, ClockCode::A, "2026-06-30"), read(&house, ClockCode::D, "2026-06-30"));
    assert_eq!(act.last_counted, day("2022-12-31"), "over before the second stop");
    assert_eq!(event.last_counted, day("2024-12-31").plus_days(30));
}

#[test]
fn a_clock_that_the_rules_say_does_not_stop_does_not() {
    let mut house = on_file("2026-01-01");
    house.today = day("2026-06-30");
    stop(&mut house, "2026-04-01", Some("2026-04-10"));
    for (_, rules) in &mut house.terms.articles {
        for rule in rules {
            rule.stops = rule.code != ClockCode::D;
        }
    }

    assert_eq!(read(&house, ClockCode::D, "2026-06-30").last_counted, day("2030-12-31"));
    assert_eq!(read(&house, ClockCode::A, "2026-06-30").last_counted, day("2028-12-31").plus_days(10));
}

#[test]
fn the_alarm_goes_by_the_first_clock_and_the_bar_by_the_last() {
    let house = on_file("2020-01-01");
    let at = |today: &str| clocks(house.case(), &house.terms, day(today));

    let running = at("2023-01-02");
    assert_eq!(earliest(&running).unwrap().warning, Some(0));
    assert!(!is_barred(&running, &asa()), "the clock of five years runs");
    assert!(!is_barred(&at("2025-01-01"), &asa()), "its last day by the later count");
    assert!(is_barred(&at("2025-01-02"), &asa()));
}

#[test]
fn while_the_prosecutor_has_the_case_nothing_is_barred() {
    let mut house = on_file("2020-01-01");
    house.ok("case.referred", CASE, referral("2020-02-01"), &both());

    let clocks = clocks(house.case(), &house.terms, day("2026-03-02"));
    assert!(!is_barred(&clocks, &asa()));
    assert_eq!(earliest(&clocks).unwrap().warning, Some(0), "but it warns");
}

#[test]
fn an_article_that_the_rules_do_not_name_has_every_clock() {
    let terms = Terms::standard();
    let unknown = Article::parse("new-law.1").unwrap();

    let codes: Vec<_> = terms.clocks_of(&unknown).iter().map(|rule| rule.code).collect();
    assert_eq!(codes, ClockCode::ALL);
    assert_eq!(terms.clocks_of(&Article::parse("taa.45").unwrap()).len(), 3);
}

#[test]
fn clocks_depend_on_nothing_but_state_rules_and_day() {
    let house = on_file("2026-01-01");
    let again = State::from_value(&house.streams.0[CASE].to_value()).unwrap();
    let State::Case(again) = again else { unreachable!() };

    let today = Day::from_number(day("2028-01-01").number());
    assert_eq!(clocks(&again, &house.terms, today), clocks(house.case(), &house.terms, today));
}

#[test]
fn terms_are_read_as_they_are_written_and_every_number_has_a_range() {
    use lian_core::json::Value;
    let terms = Terms::standard();
    let bytes = terms.to_value().write();

    assert_eq!(Terms::parse(&Value::read(&bytes).unwrap()), Ok(terms.clone()));
    let change = |name: &'static str, value: Value<'static>| {
        let Value::Object(mut members) = terms.to_value() else { unreachable!() };
        members.retain(|(known, _)| known != name);
        members.push((name.into(), value));
        Terms::parse(&Value::object(members))
    };
    for (name, value) in [
        ("ask_months", n(0)),
        ("ask_months", n(61)),
        ("refer_days", n(366)),
        ("store_days", n(-1)),
        ("warn_months", l(vec![])),
        ("warn_months", l(vec![n(1), n(3)])),
        ("warn_months", l(vec![n(61)])),
        ("default", l(vec![])),
        ("articles", n(1)),
        ("unknown", n(1)),
    ] {
        assert!(change(name, value.clone()).is_err(), "{name} {value:?}");
    }
    let clock = |years: i64| {
        o(vec![("code", t("CL-A")), ("from", t("act_end")), ("stops", yes(true)), ("years", n(years))])
    };
    assert!(change("default", l(vec![clock(3)])).is_ok());
    assert!(change("default", l(vec![clock(3), clock(3)])).is_err(), "each code once");
    assert!(change("default", l(vec![clock(31)])).is_err() && change("default", l(vec![clock(0)])).is_err());
}
