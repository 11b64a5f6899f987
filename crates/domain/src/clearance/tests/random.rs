//! Random commands, seeded: whatever is tried, what was accepted keeps the invariants of the family.

use super::*;
use crate::{
    chance::{Dice, are_many, seeds, total},
    ledger::books::Bag,
};

/// Commands tried on each.
const STEPS: usize = 40;

/// Commands with the member that dice fill in, and how high.
const COMMANDS: &[(&str, &str, &str, u64)] = &[
    ("cargo.manifested", MANIFESTED, "pieces", 6),
    ("cargo.amended", r#"{"pieces":1,"reason":"x"}"#, "pieces", 6),
    ("cargo.declared", DECLARED, "", 0),
    ("cargo.declaration_corrected", DECLARED, "", 0),
    ("cargo.warehoused", WAREHOUSED, "pieces", 6),
    ("cargo.recounted", r#"{"pieces":1,"reason":"x"}"#, "pieces", 6),
    ("cargo.screened", SCREENED, "", 0),
    ("cargo.lane_changed", r#"{"from":"C1","reason":"x","to":"C3"}"#, "", 0),
    ("cargo.lane_changed", r#"{"from":"C3","reason":"x","to":"C1"}"#, "", 0),
    ("cargo.presented", PRESENTED, "", 0),
    (
        "cargo.imaged",
        r#"{"image":"1111111111111111111111111111111111111111111111111111111111111111","line":"L1"}"#,
        "",
        0,
    ),
    ("cargo.image_read", READ, "", 0),
    ("cargo.documents_reviewed", r#"{"finding":"ok","officer":"officer:7f3k"}"#, "", 0),
    (
        "cargo.inspected",
        r#"{"broker_present":true,"destructive":false,"finding":"ok","officer":"officer:7f3k"}"#,
        "",
        0,
    ),
    (
        "cargo.exception_opened",
        r#"{"exception":"x","note":null,"pieces":1,"storage":"E1","warehouse":"C2001"}"#,
        "",
        0,
    ),
    ("cargo.exception_resolved", r#"{"exception":1,"officer":"officer:7f3k","outcome":"x"}"#, "exception", 4),
    ("cargo.shortover_reported", r#"{"airline":"CI","counted":1,"manifest":2}"#, "", 0),
    ("cargo.shortover_accepted", r#"{"officer":"officer:7f3k"}"#, "", 0),
    ("cargo.shortover_withdrawn", r#"{"reason":"x"}"#, "", 0),
    ("cargo.held", HELD, "pieces", 4),
    (
        "cargo.held",
        r#"{"basis":"reinspection","from":"released","officer":"officer:7f3k","pieces":1,"review_by":"2026-03-09"}"#,
        "pieces",
        4,
    ),
    ("cargo.lifted", r#"{"hold":1,"officer":"officer:7f3k","reason":"x"}"#, "hold", 4),
    ("cargo.returned", r#"{"hold":1,"officer":"officer:7f3k","pieces":1,"reason":"x"}"#, "hold", 4),
    ("cargo.abandoned", r#"{"hold":1,"officer":"officer:7f3k","pieces":1,"reason":"x"}"#, "hold", 4),
    (
        "cargo.seized",
        r#"{"at":"2026-03-02T21:00:00+08:00","hold":1,"officer":"officer:7f3k","owner":null,"pieces":1,"place":"E1","receipt":"R-1","seal":"S-1","witness":null}"#,
        "hold",
        4,
    ),
    ("cargo.tax_paid", r#"{"amount":900,"channel":"debit"}"#, "amount", 9),
    ("cargo.tax_secured", SECURED, "", 0),
    ("cargo.tax_reopened", r#"{"officer":"officer:7f3k","reason":"x"}"#, "", 0),
    ("cargo.reinspected", r#"{"finding":"mismatch","officer":"officer:i1","pieces":1}"#, "pieces", 3),
    ("cargo.gated_out", OUT, "pieces", 3),
];

/// The command as the dice have it; reports state the figures of the moment, most times.
fn rolled(dice: &mut Dice, house: &House) -> (&'static str, String) {
    // Releases are what the rules are for, so they are tried often.
    let (kind, data, name, most) = if dice.roll(6) == 0 {
        ("cargo.released", r#"{"pieces":1}"#, "pieces", 3)
    } else {
        *dice.pick(COMMANDS)
    };
    let mut data = data.to_owned();
    if !name.is_empty() {
        data = with(&data, name, &(1 + dice.roll(most)).to_string());
    }
    if kind == "cargo.manifested" && dice.roll(2) == 0 {
        data = with(&data, "class", r#""general""#);
    }
    if kind == "cargo.declared" && dice.roll(2) == 0 {
        data = with(&data, "category", r#""full""#);
    }
    if kind == "cargo.image_read" && dice.roll(4) == 0 {
        data = with(&data, "verdict", r#""abnormal""#);
    }
    let bag = house.states.get(BAG).and_then(State::cargo);
    if let (true, Some(bag)) = (kind == "cargo.shortover_reported", bag) {
        data = with(&data, "counted", &bag.counted().unwrap_or(0).to_string());
        data = with(&data, "manifest", &bag.expected().max(0).to_string());
    }
    (kind, data)
}

/// What holds of any cargo, whatever was accepted.
fn holds(cargo: &Cargo, before: Option<&Cargo>, step: &str) {
    assert!(cargo.gone <= cargo.released, "{step}: no more goes on a release than was released");
    let alarm = cargo.flags.has(&Flag::GatedOutWithoutRelease);
    assert_eq!(alarm, cargo.gone_unreleased > 0, "{step}: what left without release is an alarm");
    assert!(cargo.holds.iter().all(|hold| hold.pieces > 0), "{step}: a hold holds something");
    if let Some(counted) = cargo.counted() {
        let sum = cargo.placed() + cargo.at_hand() + signed(cargo.gone_unreleased);
        assert_eq!(sum, counted, "{step}: every counted piece is in one standing");
    }
    let Some(before) = before else { return };
    assert!(before.flags.iter().all(|flag| cargo.flags.has(flag)), "{step}: flags stay");
    assert!(before.gone_unreleased <= cargo.gone_unreleased, "{step}: an alarm stays");
    assert!(!before.discovered || cargo.discovered, "{step}: what was discovered stays so");
    if cargo.released > before.released {
        released_in_order(cargo, before, step);
    }
}

/// The rule of release, told apart from the code that judges it.
fn released_in_order(cargo: &Cargo, before: &Cargo, step: &str) {
    let pieces = signed(cargo.released - before.released);
    assert!(pieces <= before.at_hand(), "{step}: only what is on hand is released");
    assert!(before.exceptions.is_empty() && before.tax.is_some() && before.declared.is_some(), "{step}");
    assert_eq!(before.counted(), Some(before.expected()), "{step}: the count is the manifest");
    let lane = before.lane().expect("a lane");
    let inspected = before.inspection == Some(Finding::Ok);
    let read = before.image.as_ref().and_then(|image| image.reading.as_ref());
    let clear = read.is_some_and(|seen| seen.verdict == Reading::Clear);
    assert!(clear || inspected || before.class == Some(Class::General), "{step}: somebody looked");
    assert!(lane != Lane::C3 || inspected, "{step}: C3 was opened");
    assert!(!before.abnormal || inspected, "{step}: what looked abnormal was opened");
    assert!(lane == Lane::C1 || before.documents == Some(Finding::Ok), "{step}: papers in order");
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap()
}

/// Commands at random on one bag: how many were accepted, and how many of them released.
fn tried(seed: u64) -> [u64; 2] {
    let mut dice = Dice(seed);
    let mut house = House::new();
    house.by(&[signer("officer:7f3k", "officer"), signer("officer:c29x", "supervisor")]);
    house.draws.push((guarantee(GUARANTEE), declaration(DECLARATION)));
    if dice.roll(2) == 0 {
        // Half of them start where a release is near.
        house = House::taxed();
    }
    let (mut accepted, mut released) = (0, 0);
    for step in 0..STEPS {
        let (kind, data) = rolled(&mut dice, &house);
        let before = house.states.get(BAG).and_then(State::cargo).cloned();
        if house.act(kind, BAG, &data).is_err() {
            assert_eq!(
                house.states.get(BAG).and_then(State::cargo),
                before.as_ref(),
                "a refusal changes nothing"
            );
            continue;
        }
        accepted += 1;
        released += u64::from(kind == "cargo.released");
        let name = format!("seed {seed} step {step} {kind} {data}");
        holds(house.bag(), before.as_ref(), &name);
        let blocks = house.bag().blocks(&declaration(DECLARATION));
        assert_eq!(blocks, house.declaration_blocked(&declaration(DECLARATION)), "{name}");
    }
    assert_eq!(house.rebuilt(), house.states, "seed {seed}: a rebuild gives the same states");
    let mut book = Bag::default();
    house.log.iter().filter(|(stream, ..)| stream == BAG).for_each(|(_, event, _)| book.post(&event.act));
    let cargo = house.states.get(BAG).and_then(State::cargo);
    assert_eq!(cargo.and_then(|cargo| book.differs(cargo)), None, "seed {seed}: the audit's books agree");
    [accepted, released]
}

#[test]
fn whatever_is_tried_every_piece_keeps_one_standing_and_no_rule_is_skipped() {
    let seeds = seeds();
    let [accepted, released] = total(&seeds, tried);
    let enough = released > 100 && accepted > 4_000;
    assert!(!are_many(&seeds) || enough, "{released} released, {accepted} accepted");
}

/// A queue called and skipped at random; how many numbers were called.
fn called(seed: u64) -> [u64; 1] {
    let mut dice = Dice(seed ^ 0xface);
    let mut house = House::new();
    let mut called = [false; 64];
    for _ in 0..STEPS {
        let number = 1 + dice.roll(12);
        let (kind, data) = match dice.roll(3) {
            0 => ("queue.allocated", with(ALLOCATED, "number", &number.to_string())),
            1 => ("queue.called", format!(r#"{{"number":{number}}}"#)),
            _ => ("queue.skipped", format!(r#"{{"number":{number},"reason":"x"}}"#)),
        };
        if house.act(kind, QUEUE, &data).is_ok() && kind == "queue.called" {
            let slot = &mut called[usize::try_from(number).unwrap()];
            assert!(!*slot, "seed {seed}: number {number} is called twice");
            *slot = true;
        }
    }
    if let Some(State::Queue(queue)) = house.states.get(QUEUE) {
        for number in 1..=queue.allocated {
            let waits = number >= queue.next || queue.skipped.has(&number);
            let was = called[usize::try_from(number).unwrap()];
            assert!(was != waits && was == queue.was_called(number), "seed {seed}: number {number}");
        }
    }
    assert_eq!(house.rebuilt(), house.states, "seed {seed}: a rebuild gives the same states");
    [called.iter().filter(|was| **was).count() as u64]
}

#[test]
fn whatever_is_called_or_skipped_no_number_is_called_twice_and_none_is_lost() {
    let seeds = seeds();
    let [numbers] = total(&seeds, called);
    assert!(!are_many(&seeds) || numbers > 100, "{numbers} numbers were called");
}
