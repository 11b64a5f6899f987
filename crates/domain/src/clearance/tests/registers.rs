//! Each transition and refusal of the registers around cargo.

use super::*;

const CARD: &str = "gatecard/K-1694";
const ISSUED: &str = r#"{"designated":false,"employer":"12345675","holder":null,"kind":"broker","until":"2026-12-31","zones":["office","sorting"]}"#;
const ENTERED: &str = r#"{"at":"2026-03-02T15:00:00+08:00","gate":"G1","purpose":"delivery","warehouse":"C2001","zone":"office"}"#;
const LEFT: &str = r#"{"at":"2026-03-02T16:00:00+08:00","gate":"G1","warehouse":"C2001","zone":"office"}"#;
const REASON: &str = r#"{"reason":"lost"}"#;

fn card(house: &House) -> Card {
    let Some(State::Card(card)) = house.states.get(CARD) else { panic!("no card") };
    (**card).clone()
}

fn with_card() -> House {
    let mut house = House::new();
    house.ok("gatecard.issued", CARD, ISSUED);
    house
}

#[test]
fn the_queue_is_called_in_the_order_of_its_numbers_and_a_skipped_one_may_come_back() {
    let mut house = House::new();
    let slot = |number: u64| with(ALLOCATED, "number", &number.to_string());
    let number = |number: u64| format!(r#"{{"number":{number}}}"#);
    let skip = |number: u64| format!(r#"{{"number":{number},"reason":"not_ready"}}"#);
    for each in 1..=4 {
        house.ok("queue.allocated", QUEUE, &slot(each));
    }

    house.ok("queue.called", QUEUE, &number(1));
    house.ok("queue.skipped", QUEUE, &skip(2));
    house.ok("queue.called", QUEUE, &number(3));
    house.ok("queue.called", QUEUE, &number(2));

    let Some(State::Queue(queue)) = house.states.get(QUEUE) else { panic!("no queue") };
    assert!((1..=3).all(|number| queue.was_called(number)) && !queue.was_called(4) && !queue.was_called(0));
    assert_eq!((queue.next, queue.skips, queue.skipped.len()), (4, 1, 0));
}

#[test]
fn refusals_225_228_and_229_numbers_are_given_and_called_in_order() {
    let mut house = House::new();
    house.no(Refusal::SlotNumber, "queue.allocated", QUEUE, &with(ALLOCATED, "number", "2"));
    house.no(Refusal::NothingToCall, "queue.called", QUEUE, r#"{"number":1}"#);
    house.ok("queue.allocated", QUEUE, ALLOCATED);
    house.ok("queue.allocated", QUEUE, &with(ALLOCATED, "number", "2"));
    house.no(Refusal::SlotNumber, "queue.allocated", QUEUE, &with(ALLOCATED, "number", "2"));
    house.no(Refusal::OutOfOrder, "queue.called", QUEUE, r#"{"number":2}"#);
    house.no(Refusal::OutOfOrder, "queue.skipped", QUEUE, r#"{"number":2,"reason":"x"}"#);
    house.no(Refusal::NothingToCall, "queue.skipped", QUEUE, r#"{"number":3,"reason":"x"}"#);
    house.no(Refusal::NothingToCall, "queue.called", QUEUE, r#"{"number":0}"#);
    house.ok("queue.called", QUEUE, r#"{"number":1}"#);
    house.no(Refusal::OutOfOrder, "queue.called", QUEUE, r#"{"number":1}"#);
    house.at(NOW + DAY);
    house.no(Refusal::DayPast, "queue.allocated", QUEUE, &with(ALLOCATED, "number", "3"));
}

#[test]
fn refusal_223_a_queue_skips_so_many_numbers_and_no_more() {
    let mut house = House::new();
    let last = SKIPPED_MAX as u64 + 1;
    for number in 1..=last {
        house.ok("queue.allocated", QUEUE, &with(ALLOCATED, "number", &number.to_string()));
    }
    for number in 1..last {
        house.ok("queue.skipped", QUEUE, &format!(r#"{{"number":{number},"reason":"x"}}"#));
    }
    house.no(Refusal::TooManyOpen, "queue.skipped", QUEUE, &format!(r#"{{"number":{last},"reason":"x"}}"#));
    house.ok("queue.called", QUEUE, r#"{"number":7}"#);
    house.ok("queue.skipped", QUEUE, &format!(r#"{{"number":{last},"reason":"x"}}"#));
}

#[test]
fn refusal_231_a_line_is_assigned_on_the_day_of_duty_and_the_duty_day_before() {
    let mut house = House::new();
    let duty = r#"{"officer":"officer:n2"}"#;
    house.ok("roster.disclosed", "roster/2026-03-05/duty", duty);
    house.no(Refusal::NotTheDay, "roster.assigned", "roster/2026-03-05/L1", duty);
    let adviser = r#"{"adviser":"officer:n2"}"#;
    house.no(Refusal::NotTheDay, "roster.adviser_assigned", "roster/2026-03-05/L1", adviser);
    house.at(NOW + 3 * DAY);
    house.ok("roster.assigned", "roster/2026-03-05/L1", duty);
    house.no(Refusal::NumberUsed, "roster.assigned", "roster/2026-03-05/L1", duty);
    house.ok("roster.adviser_assigned", "roster/2026-03-05/L1", adviser);
    house.no(Refusal::NumberUsed, "roster.adviser_assigned", "roster/2026-03-05/L1", adviser);
    house.ok("roster.withdrawn", "roster/2026-03-05/L1", duty);
    house.no(Refusal::NotRegistered, "roster.withdrawn", "roster/2026-03-05/L1", duty);
    house.ok("roster.assigned", "roster/2026-03-05/L1", duty);
    house.at(NOW + 4 * DAY);
    house.no(Refusal::NotTheDay, "roster.withdrawn", "roster/2026-03-05/L1", duty);
    house.no(Refusal::DayPast, "roster.disclosed", "roster/2026-03-05/duty", r#"{"officer":"officer:n3"}"#);
    house.no(Refusal::NumberUsed, "roster.disclosed", "roster/2026-03-05/duty", duty);
}

#[test]
fn nobody_certifies_himself_or_ends_his_own_recusal() {
    let mut house = House::new();
    let own = "certificate/officer:c29x";
    house.by(&[signer("officer:c29x", "supervisor")]);
    let certified = r#"{"solo_from":"2026-01-01","until":"2026-12-31"}"#;
    house.no(Refusal::CheckerInvolved, "officer.certified", own, certified);
    let over = r#"{"solo_from":"2026-01-01","until":"2026-03-01"}"#;
    house.no(Refusal::DayPast, "officer.certified", own, over);
    house.no(Refusal::NotRegistered, "officer.certificate_withdrawn", own, REASON);

    let party = r#"{"party":"12345675"}"#;
    house.no(Refusal::NotRegistered, "officer.recusal_ended", own, party);
    house.ok("officer.recused", own, party);
    house.no(Refusal::NumberUsed, "officer.recused", own, party);
    house.no(Refusal::CheckerInvolved, "officer.recusal_ended", own, party);
}

#[test]
fn a_card_opens_its_zones_and_entries_match_exits() {
    let mut house = with_card();

    house.ok("gatecard.entered", CARD, ENTERED);
    assert_eq!(card(&house).inside.unwrap().as_str(), "office");
    house.ok("gatecard.left", CARD, LEFT);
    assert_eq!((card(&house).inside, card(&house).unmatched, card(&house).alarms), (None, 0, 0));

    house.ok("gatecard.left", CARD, LEFT);
    house.ok("gatecard.entered", CARD, ENTERED);
    house.ok("gatecard.entered", CARD, ENTERED);
    assert_eq!(card(&house).unmatched, 2);
}

#[test]
fn an_entry_after_revocation_is_recorded_with_an_alarm_and_so_is_any_that_the_card_does_not_open() {
    let mut house = with_card();
    house.ok("gatecard.entered", CARD, &with(ENTERED, "zone", r#""vault""#));
    assert_eq!(card(&house).alarms, 1);
    house.ok("gatecard.entered", CARD, &with(ENTERED, "at", r#""2027-01-01T00:00:00+08:00""#));
    assert_eq!(card(&house).alarms, 2);

    house.ok("gatecard.revoked", CARD, REASON);
    house.ok("gatecard.entered", CARD, ENTERED);
    house.ok("gatecard.denied", CARD, ENTERED);

    assert_eq!((card(&house).alarms, card(&house).denied), (3, 1));
}

#[test]
fn a_card_that_was_never_issued_is_known_once_somebody_uses_it() {
    let mut house = House::new();
    house.ok("gatecard.entered", CARD, ENTERED);
    assert_eq!((card(&house).alarms, card(&house).status), (1, CardStatus::Unknown));
    house.no(Refusal::NumberUsed, "gatecard.issued", CARD, ISSUED);
}

#[test]
fn a_broker_in_the_sorting_area_after_it_was_closed_is_a_violation_but_a_designated_person_is_not() {
    let entered = with(ENTERED, "zone", r#""sorting""#);
    let violations = |issued: &str, entered: &str| {
        let mut house = House::new();
        house.ok("gatecard.issued", CARD, issued);
        house.ok("gatecard.entered", CARD, entered);
        card(&house).violations
    };

    assert_eq!(violations(ISSUED, &entered), 1);
    assert_eq!(violations(&with(ISSUED, "designated", "true"), &entered), 0);
    assert_eq!(violations(&with(ISSUED, "kind", r#""warehouse""#), &entered), 0);
    let before = with(&entered, "at", r#""2024-08-07T23:59:59+08:00""#);
    assert_eq!(violations(ISSUED, &before), 0);
    let first = with(&entered, "at", r#""2024-08-08T00:00:00+08:00""#);
    assert_eq!(violations(ISSUED, &first), 1);
}

#[test]
fn refusal_265_a_broker_who_asks_to_enter_the_sorting_area_is_refused_on_the_record() {
    let mut house = with_card();
    let applied = r#"{"on":"2026-03-03","purpose":"search","zone":"sorting"}"#;
    house.no(Refusal::SortingAreaClosed, "gatecard.entry_applied", CARD, applied);
    house.no(Refusal::DayPast, "gatecard.entry_applied", CARD, &with(applied, "on", r#""2026-03-01""#));
    house.ok("gatecard.entry_applied", CARD, &with(applied, "zone", r#""office""#));
}

#[test]
fn refusals_203_to_205_a_card_is_issued_once_and_ends_once() {
    let mut house = House::new();
    house.no(Refusal::NotRegistered, "gatecard.revoked", CARD, REASON);
    house.no(Refusal::NotRegistered, "gatecard.replaced", CARD, r#"{"by":"K-2"}"#);
    house.no(Refusal::DayPast, "gatecard.issued", CARD, &with(ISSUED, "until", r#""2026-03-01""#));
    house.ok("gatecard.issued", CARD, ISSUED);
    house.no(Refusal::NumberUsed, "gatecard.issued", CARD, ISSUED);
    house.ok("gatecard.replaced", CARD, r#"{"by":"K-2"}"#);
    house.no(Refusal::RecordEnded, "gatecard.replaced", CARD, r#"{"by":"K-2"}"#);
    house.no(Refusal::RecordEnded, "gatecard.revoked", CARD, REASON);
    let applied = r#"{"on":"2026-03-03","purpose":"search","zone":"office"}"#;
    house.no(Refusal::RecordEnded, "gatecard.entry_applied", CARD, applied);
}

const TRANSFER: &str = "transfer/T1";
const APPROVED: &str =
    r#"{"from":"C2001","mawb":"297-83993523","officer":"officer:7f3k","pieces":3,"to":"C2009"}"#;
const ARRIVED: &str = r#"{"at":"2026-03-02T22:00:00+08:00","pieces":3,"seal":"S-9"}"#;
const CHECKED: &str = r#"{"intact":true,"officer":"officer:7f3k","seal":"S-9"}"#;

fn transferred(arrived: &str, checked: &str) -> Transfer {
    let mut house = House::new();
    house.ok("transfer.approved", TRANSFER, APPROVED);
    house.ok("transfer.sealed", TRANSFER, r#"{"seal":"S-9"}"#);
    house.ok("transfer.escorted", TRANSFER, r#"{"officer":"officer:7f3k"}"#);
    house.ok("transfer.arrived", TRANSFER, arrived);
    house.ok("transfer.seal_checked", TRANSFER, checked);
    let Some(State::Transfer(transfer)) = house.states.get(TRANSFER) else { panic!("no transfer") };
    (**transfer).clone()
}

#[test]
fn a_transfer_arrives_whole_under_the_seal_it_left_with_or_an_alarm_stays() {
    let good = transferred(ARRIVED, CHECKED);
    assert!(!good.alarm && good.checked && good.arrived == Some(3));

    assert!(transferred(&with(ARRIVED, "pieces", "2"), CHECKED).alarm);
    assert!(transferred(&with(ARRIVED, "seal", r#""S-8""#), CHECKED).alarm);
    assert!(transferred(ARRIVED, &with(CHECKED, "seal", r#""S-8""#)).alarm);
    assert!(transferred(ARRIVED, &with(CHECKED, "intact", "false")).alarm);
}

#[test]
fn refusal_266_a_transfer_takes_its_steps_in_order() {
    let mut house = House::new();
    house.no(Refusal::NotRegistered, "transfer.sealed", TRANSFER, r#"{"seal":"S-9"}"#);
    house.no(Refusal::NotRegistered, "transfer.arrived", TRANSFER, ARRIVED);
    house.ok("transfer.approved", TRANSFER, APPROVED);
    house.no(Refusal::NumberUsed, "transfer.approved", TRANSFER, APPROVED);
    let escorted = r#"{"officer":"officer:7f3k"}"#;
    house.no(Refusal::StepOutOfOrder, "transfer.escorted", TRANSFER, escorted);
    house.ok("transfer.sealed", TRANSFER, r#"{"seal":"S-9"}"#);
    house.no(Refusal::StepOutOfOrder, "transfer.sealed", TRANSFER, r#"{"seal":"S-8"}"#);
    house.ok("transfer.arrived", TRANSFER, ARRIVED);
    house.no(Refusal::StepOutOfOrder, "transfer.escorted", TRANSFER, escorted);
}

#[test]
fn a_licence_is_renewed_suspended_reinstated_and_revoked_for_good() {
    let mut house = House::new();
    let broker = "broker/22099131";
    let suspended = r#"{"from":"2026-03-02","reason":"fines","until":"2026-06-30"}"#;
    house.no(Refusal::NotRegistered, "broker.suspended", broker, suspended);
    house.no(Refusal::DayPast, "broker.licensed", broker, r#"{"until":"2026-03-01"}"#);
    house.ok("broker.licensed", broker, r#"{"until":"2026-12-31"}"#);
    house.ok("broker.licensed", broker, r#"{"until":"2027-12-31"}"#);
    house.no(Refusal::NotRegistered, "broker.reinstated", broker, "{}");
    house.ok("broker.suspended", broker, suspended);
    house.no(Refusal::NumberUsed, "broker.suspended", broker, suspended);
    house.ok("broker.reinstated", broker, "{}");
    let past = with(&with(suspended, "from", r#""2026-02-01""#), "until", r#""2026-03-01""#);
    house.no(Refusal::DayPast, "broker.suspended", broker, &past);
    house.ok("broker.revoked", broker, REASON);
    for (kind, data) in [
        ("broker.licensed", r#"{"until":"2027-12-31"}"#),
        ("broker.suspended", suspended),
        ("broker.revoked", REASON),
    ] {
        house.no(Refusal::RecordEnded, kind, broker, data);
    }
}

#[test]
fn refusal_269_a_mark_has_a_basis_runs_at_most_so_long_and_is_reviewed_to_go_on() {
    let mut house = House::new();
    let set = r#"{"basis":"tip","firm":"12345675","subject":null,"until":"2026-08-29"}"#;
    let target = "target/T-1";
    house.no(Refusal::NotRegistered, "target.lifted", target, REASON);
    house.no(Refusal::DayPast, "target.set", target, &with(set, "until", r#""2026-03-01""#));
    house.no(Refusal::MarkTooLong, "target.set", target, &with(set, "until", r#""2026-08-30""#));
    house.ok("target.set", target, set);
    house.no(Refusal::NumberUsed, "target.set", target, set);
    let renewed = r#"{"reason":"reviewed","until":"2026-08-30"}"#;
    house.no(Refusal::MarkTooLong, "target.renewed", target, renewed);
    house.at(NOW + DAY);
    house.ok("target.renewed", target, renewed);
    house.ok("target.lifted", target, REASON);
    house.no(Refusal::RecordEnded, "target.renewed", target, renewed);
    house.no(Refusal::RecordEnded, "target.lifted", target, REASON);
}

const FLIGHT: &str = "flight/CI5832/2026-03-02";

fn scored() -> String {
    format!(r#"{{"arrival_at":"2026-03-02T18:00:00+08:00","inputs":"{IMAGE}","model":"apara_4"}}"#)
}

#[test]
fn refusals_270_and_271_passengers_are_flagged_before_arrival_and_each_flag_has_one_outcome() {
    let mut house = House::new();
    let flagged = r#"{"factors":["route"],"flag":1,"passenger":null}"#;
    let referred = r#"{"flag":1,"officer":"officer:7f3k","result":"contraband"}"#;
    house.no(Refusal::NotRegistered, "flight.flagged", FLIGHT, flagged);
    house.ok("flight.scored", FLIGHT, &scored());
    house.no(Refusal::NumberUsed, "flight.scored", FLIGHT, &scored());
    house.no(Refusal::NoSuchFlag, "flight.referred", FLIGHT, referred);
    house.no(Refusal::NoSuchFlag, "flight.flagged", FLIGHT, &with(flagged, "flag", "2"));
    house.ok("flight.flagged", FLIGHT, flagged);
    house.at(NOW + 4 * HOUR);
    house.no(Refusal::FlightArrived, "flight.flagged", FLIGHT, &with(flagged, "flag", "2"));
    house.no(Refusal::FlightArrived, "flight.scored", "flight/CI5833/2026-03-02", &scored());
    house.ok("flight.referred", FLIGHT, referred);
    house.no(Refusal::NoSuchFlag, "flight.referred", FLIGHT, referred);
}

#[test]
fn a_master_waybill_is_manifested_once_amended_in_time_and_its_arrival_is_a_fact() {
    let mut house = House::new();
    let stream = "mawb/297-83993523";
    let manifest = r#"{"arrival_at":"2026-03-02T18:00:00+08:00","bills":2,"carrier":"CI","flight":"CI5832","long_leg":true,"pieces":6}"#;
    let amended = r#"{"bills":2,"pieces":7,"reason":"miscounted"}"#;
    house.no(Refusal::NotRegistered, "mawb.amended", stream, amended);
    house.ok("mawb.manifested", stream, manifest);
    house.no(Refusal::NumberUsed, "mawb.manifested", stream, manifest);
    let arrived = r#"{"at":"2026-03-02T20:00:00+08:00","flight":"CI5832"}"#;
    house.ok("mawb.arrived", stream, arrived);
    house.at(NOW + 6 * HOUR + 72 * HOUR);
    house.ok("mawb.amended", stream, amended);
    house.at(NOW + 6 * HOUR + 72 * HOUR + 1_000);
    house.ok("mawb.amended", stream, amended);

    let Some(State::Mawb(waybill)) = house.states.get(stream) else { panic!("no waybill") };
    assert_eq!((waybill.pieces, waybill.amended, waybill.late_amendments), (6, 1, 1));
}
