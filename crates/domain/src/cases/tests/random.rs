//! Random histories: whatever is accepted keeps the invariants, and a rebuild gives the same state.

use std::{collections::BTreeSet, sync::Mutex};

use lian_core::json::Value;

use super::around::*;
use crate::{
    cases::{Case, Event, Line, State, Status, clocks::clocks, ids::Spelled, parse},
    chance::{Dice, are_many, seeds, total},
    context::Signer,
    dates::Day,
    ledger::books::Chest,
};

const STEPS: usize = 60;

fn small(dice: &mut Dice, sides: u64) -> i64 {
    i64::try_from(dice.roll(sides)).unwrap()
}

type Draft = (String, String, Members, Vec<Signer<'static>>);

const OFFICERS: [&str; 3] = ["officer:a", "officer:b", "officer:s"];

fn one(dice: &mut Dice, capacity: &'static str) -> Signer<'static> {
    let actor: &'static str = dice.pick::<&'static str>(&OFFICERS);
    signer(actor, capacity)
}

/// Signers of a case that mostly are the right ones.
fn house_signers(house: &House, case: &str, dice: &mut Dice, more: &[&'static str]) -> Vec<Signer<'static>> {
    let known = match house.streams.0.get(case) {
        Some(State::Case(case)) => OFFICERS.iter().find(|actor| case.officer.as_str() == **actor),
        _ => None,
    };
    let mut signers = vec![known.map_or_else(|| one(dice, "officer"), |actor| signer(actor, "officer"))];
    for (capacity, actor) in more.iter().zip(["officer:t", "officer:l"]) {
        signers.push(signer(actor, capacity));
    }
    signers
}

fn case_draft(house: &House, dice: &mut Dice) -> Draft {
    let case = *dice.pick(&[CASE, OTHER]);
    let past = |dice: &mut Dice| {
        let back = small(dice, 40) - 2;
        Day::from_number(house.today.number() - back).to_string()
    };
    let date = past(dice);
    let outcome = dice.pick(crate::cases::Outcome::ALL).name();
    let (act, members, more): (&str, Members, &[&'static str]) = match dice.roll(24) {
        0 => ("investigation_started", on(&date), &[]),
        1 => ("referred", referral(&date), &["supervisor"]),
        2 => ("prosecutor_asked", with(on(&date), "reply", t("pending")), &[]),
        3 | 4 => ("prosecuted", verdict(outcome, &date), &[]),
        5..=7 => ("investigated", heard(&date), &[]),
        8 => ("clock_stopped", vec![("from", t(&date)), ("ground", t("law"))], &["supervisor"]),
        9 => ("clock_resumed", vec![("until", t(&date))], &["supervisor"]),
        10..=12 => {
            let fine = small(dice, 3) * 1_000;
            ("decided", decision(fine), &["supervisor", "legal"])
        }
        13 => ("served", on(&date), &[]),
        14 => ("review_asked", vec![("body", t("suit")), ("received_on", t(&date))], &[]),
        15 => ("review_dismissed", on(&date), &[]),
        16 => ("revoked", vec![("final_on", t(&date))], &[]),
        17 => ("became_final", on(&date), &[]),
        18 => ("vacated", Vec::new(), &["supervisor"]),
        19 => ("collected", money(small(dice, 3_000) + 1, &date), &[]),
        20 => ("refunded", money(small(dice, 3_000) + 1, &date), &[]),
        21 => ("exhibit_added", vec![("exhibit", t("EX-1"))], &[]),
        22 => {
            let reasons = crate::cases::Ending::ALL;
            ("closed", vec![("reason", t(dice.pick(reasons).name()))], &["supervisor"])
        }
        _ => ("time_barred", Vec::new(), &["supervisor"]),
    };
    let signers = house_signers(house, case, dice, more);
    (format!("case.{act}"), case.to_owned(), members, signers)
}

fn exhibit_draft(dice: &mut Dice) -> Draft {
    let given = [(1 + small(dice, 2), 1 + small(dice, 60))];
    let parts: Members = vec![("lines", lines(&given))];
    let custodian = || vec![signer("officer:a", "officer")];
    let (act, members, signers) = match dice.roll(8) {
        0 => ("moved_out", with(with(parts, "purpose", t("laboratory")), "to", t("L")), custodian()),
        1 => ("moved_in", with(parts, "seal", t("S-1")), custodian()),
        2 => ("counted", parts, both()),
        3 => ("returned", with(parts, "to", lian_core::json::Value::Null), both()),
        4 => ("handed_to_court", with(with(parts, "court", t("T")), "document", t("D")), custodian()),
        5 => ("confiscated", Vec::new(), custodian()),
        6 => {
            let witness = vec![signer("officer:a", "officer"), signer("officer:w", "witness")];
            ("destroyed", with(parts, "basis", t("confiscated")), witness)
        }
        _ => {
            let seal = *dice.pick(&["S-1", "S-9"]);
            ("seal_checked", vec![("intact", yes(true)), ("seal", t(seal))], custodian())
        }
    };
    (format!("exhibit.{act}"), EXHIBIT.to_owned(), members, signers)
}

fn handover_draft(dice: &mut Dice) -> Draft {
    let cases: &[&str] = &["TP115-0001", "TP115-0002"];
    let supervisor = || vec![signer("officer:s", "supervisor")];
    let (kind, stream, members, signers) = match dice.roll(6) {
        0 => ("handover.signed_out", HANDOVER, listing(cases), officer()),
        1 | 2 => {
            let asked = Some("2026-01-01").filter(|_| dice.roll(2) == 0);
            let rows = [(cases[0], dice.roll(2) == 0, asked), (cases[1], true, asked)];
            let signers = vec![signer("officer:b", "officer")];
            ("handover.signed_in", HANDOVER, answers(cases, &rows), signers)
        }
        3 => ("handover.supervised", HANDOVER, vec![("list", list_of(cases))], supervisor()),
        4 => {
            let to = *dice.pick(&["officer:b", "officer:s"]);
            let case = *dice.pick(&[CASE, OTHER]);
            ("case.assigned", case, vec![("handover", t("H-1")), ("to", t(to))], supervisor())
        }
        _ => {
            let by = vec![("by", t("officer:s")), ("reason", t("left"))];
            let case = *dice.pick(&[CASE, OTHER]);
            let rare = dice.roll(8) == 0;
            let signers = if rare { supervisor() } else { Vec::new() };
            ("case.taken_over", case, by, signers)
        }
    };
    (kind.to_owned(), stream.to_owned(), members, signers)
}

fn holds_its_invariants(house: &House, case: &Case) {
    assert!(case.unpaid().is_zero() || case.refund_due().is_zero(), "nobody owes and is owed at once");
    assert!(case.stops.iter().rev().skip(1).all(|stop| stop.until.is_some()), "one stop is open at most");
    assert_eq!(case.ended_on.is_some(), case.status.has_ended());
    let decided = matches!(
        case.status,
        Status::Decided | Status::Served | Status::UnderReview | Status::Final | Status::Collected
    );
    assert!(!decided || case.decision.is_some(), "{:?} without a decision", case.status);
    if case.status == Status::Criminal {
        assert!(case.criminal && case.referred_on.is_some());
    }
    for clock in clocks(case, &house.terms, house.today) {
        assert!(clock.earlier() <= clock.last_counted && clock.earlier() <= clock.last_uncounted);
        assert!(!clock.over || clock.warning.is_none_or(|months| months == 0), "barred without an alarm");
    }
}

/// What an accepted close or decision must have found.
fn was_allowed(house: &House, kind: &str, stream: &str, before: Option<&State>) {
    if kind == "case.closed" {
        let Some(State::Case(case)) = house.streams.0.get(stream) else { unreachable!() };
        assert!(case.unpaid().is_zero() && case.refund_due().is_zero());
        for no in &case.exhibits {
            let Some(State::Exhibit(exhibit)) = house.streams.0.get(&format!("exhibit/{no}")) else {
                unreachable!()
            };
            assert!(exhibit.is_settled(), "closed over an unsettled exhibit");
        }
    }
    if kind == "case.assigned" {
        assert!(house.handover().is_complete(), "assigned before the third signature");
        let Some(State::Case(before)) = before else { unreachable!() };
        assert_eq!(before.officer.as_str(), "officer:a", "assigned away from somebody else");
    }
}

fn live(seed: u64) -> (House, u64) {
    let mut dice = Dice(seed);
    let mut house = House::on("2026-01-05");
    let mut accepted = 0;
    for case in [CASE, OTHER] {
        let opened = with(opening("2026-01-02"), "criminal", yes(dice.roll(4) == 0));
        house.ok("case.opened", case, opened, &officer());
    }
    let seized = with(seizure("TP115-0001"), "on", t("2026-01-02"));
    house.ok("exhibit.seized", EXHIBIT, seized, &officer());
    for _ in 0..STEPS {
        let jump = if dice.roll(30) == 0 { 700 } else { dice.roll(20) };
        house.today = house.today.plus_days(u32::try_from(jump).unwrap());
        let (kind, stream, members, signers) = match dice.roll(10) {
            0..=5 => case_draft(&house, &mut dice),
            6 | 7 => exhibit_draft(&mut dice),
            _ => handover_draft(&mut dice),
        };
        let before = house.streams.0.get(&stream).cloned();
        if house.send(&kind, &stream, members, &signers).is_ok() {
            accepted += 1;
            was_allowed(&house, &kind, &stream, before.as_ref());
        } else {
            assert_eq!(house.streams.0.get(&stream).cloned(), before, "a refusal changes nothing");
        }
        for state in house.streams.0.values() {
            match state {
                State::Case(case) => holds_its_invariants(&house, case),
                State::Exhibit(exhibit) => assert!(exhibit.lines.iter().all(Line::is_conserved)),
                State::Handover(_) | State::Post(_) => {}
            }
        }
    }
    (house, accepted)
}

/// What the audit's own books say of the exhibit.
fn book_of(house: &House) -> Chest {
    let mut book = Chest::default();
    for (stream, kind, data, _) in &house.log {
        let event = parse(kind, stream, &Value::read(data).unwrap()).unwrap().unwrap();
        if let Event::Exhibit(event) = event {
            book.post(&event);
        }
    }
    book
}

#[test]
fn random_streams_keep_their_invariants_and_a_rebuild_gives_the_same_states() {
    let seeds = seeds();
    // Each house has four streams.
    let houses = seeds.start..seeds.start + (seeds.end - seeds.start).div_ceil(4);
    let reached = Mutex::new(BTreeSet::new());
    let [accepted] = total(&houses, |seed| {
        let (house, accepted) = live(seed);
        assert_eq!(house.rebuilt(), house.streams.0, "seed {seed}");
        assert_eq!(book_of(&house).differs(house.exhibit()), None, "seed {seed}: the audit's books agree");
        reached.lock().unwrap().extend(house.streams.0.values().filter_map(|state| match state {
            State::Case(case) => Some(case.status),
            _ => None,
        }));
        [accepted]
    });
    if are_many(&seeds) {
        let reached = reached.into_inner().unwrap();
        assert!(accepted > 1_000, "only {accepted} events were accepted: the test is too easy");
        assert!(reached.len() >= 9, "only {reached:?} were reached");
    }
}
