//! The life of a case: every transition and every refusal.

use lian_core::json::Value;

use super::around::*;
use crate::{
    cases::{CaseEvent, Event, OFFENCES_MAX, State, Status, TURNS_MAX, authority, kinds, parse, sealable},
    context::Signer,
    refusal::Refusal,
};

const EMPTY: Members = Vec::new();

fn supervisor() -> Vec<Signer<'static>> {
    vec![signer("officer:s", "supervisor")]
}

fn reason(text: &str) -> Members {
    vec![("reason", t(text))]
}

/// A case as far as `status`, by the straight way.
fn house_at(status: Status) -> House {
    let mut house = House::on("2026-03-02");
    house.ok("case.opened", CASE, opening("2026-02-20"), &officer());
    let steps: [(Status, &str, Members, Vec<Signer<'static>>); 6] = [
        (Status::Investigating, "case.investigation_started", on("2026-03-01"), officer()),
        (Status::Decidable, "case.investigated", heard("2026-03-01"), officer()),
        (Status::Decided, "case.decided", decision(5_000), all_three()),
        (Status::Served, "case.served", on("2026-03-02"), officer()),
        (Status::Final, "case.became_final", on("2026-03-02"), officer()),
        (Status::Collected, "case.collected", money(5_000, "2026-03-02"), officer()),
    ];
    match status {
        Status::Criminal => house.ok("case.referred", CASE, referral("2026-03-01"), &both()),
        Status::UnderReview => {
            house = house_at(Status::Served);
            let asked = vec![("body", t("review")), ("received_on", t("2026-03-02"))];
            house.ok("case.review_asked", CASE, asked, &officer());
        }
        Status::Closed => {
            house = house_at(Status::Collected);
            house.ok("case.closed", CASE, reason("settled"), &both());
        }
        Status::Vacated => {
            house = house_at(Status::Collected);
            house.ok("case.prosecuted", CASE, verdict("guilty", "2026-03-02"), &officer());
            house.ok("case.vacated", CASE, EMPTY, &both());
        }
        Status::TimeBarred => {
            house = House::on("2030-01-01");
            house.ok("case.opened", CASE, opening("2020-01-01"), &officer());
            house.ok("case.time_barred", CASE, EMPTY, &both());
        }
        _ => {
            for (reached, kind, members, signers) in steps {
                if house.case().status < status {
                    house.ok(kind, CASE, members, &signers);
                    assert_eq!(house.case().status, reached);
                }
            }
        }
    }
    assert_eq!(house.case().status, status);
    house
}

/// Every command that changes a known case, with data that fits and who signs.
fn commands() -> Vec<(&'static str, Members, Vec<Signer<'static>>)> {
    let stopped = vec![("from", t("2026-03-01")), ("ground", t("law"))];
    vec![
        ("case.investigation_started", on("2026-03-01"), officer()),
        ("case.referred", referral("2026-03-01"), both()),
        ("case.prosecutor_asked", with(on("2026-03-01"), "reply", t("pending")), officer()),
        ("case.investigated", heard("2026-03-01"), officer()),
        ("case.clock_stopped", stopped, both()),
        ("case.clock_resumed", vec![("until", t("2026-03-02"))], both()),
        ("case.decided", decision(5_000), all_three()),
        ("case.vacated", EMPTY, both()),
        ("case.exhibit_added", vec![("exhibit", t("EX-1"))], officer()),
        ("case.time_barred", EMPTY, both()),
        ("case.closed", reason("settled"), both()),
        ("case.assigned", vec![("handover", t("H-1")), ("to", t("officer:b"))], supervisor()),
        ("case.taken_over", with(reason("illness"), "by", t("officer:s")), supervisor()),
    ]
}

fn facts() -> Vec<(&'static str, Members, Vec<Signer<'static>>)> {
    let asked = vec![("body", t("appeal")), ("received_on", t("2026-03-02"))];
    vec![
        ("case.prosecuted", verdict("acquitted", "2026-03-02"), officer()),
        ("case.served", on("2026-03-02"), officer()),
        ("case.review_asked", asked, officer()),
        ("case.review_dismissed", on("2026-03-02"), officer()),
        ("case.revoked", vec![("final_on", t("2026-03-02"))], officer()),
        ("case.became_final", on("2026-03-02"), officer()),
        ("case.collected", money(1, "2026-03-02"), vec![signer("bank:004", "treasury")]),
        ("case.refunded", money(1, "2026-03-02"), officer()),
    ]
}

const EVERY_STATUS: &[Status] = Status::ALL;

#[test]
fn a_case_goes_from_its_opening_to_its_end_when_the_fine_is_in() {
    let mut house = house_at(Status::Collected);
    assert_eq!((house.case().unpaid().get(), house.case().refund_due().get()), (0, 0));

    house.ok("case.closed", CASE, reason("settled"), &both());

    assert_eq!(house.case().status, Status::Closed);
    assert_eq!(house.case().ended_on, Some(day("2026-03-02")));
    assert_eq!(house.case().strays, 0);
}

#[test]
fn a_criminal_suspicion_goes_to_the_prosecutor_and_comes_back_to_be_decided() {
    let mut house = house_at(Status::Opened);
    house.ok("case.referred", CASE, referral("2026-03-01"), &both());
    house.ok("case.prosecutor_asked", CASE, with(on("2026-03-02"), "reply", t("pending")), &officer());
    house.ok("case.prosecuted", CASE, verdict("not_prosecuted", "2026-03-02"), &officer());
    assert_eq!(house.case().status, Status::Investigating);
    assert_eq!(house.case().asked_on, Some(day("2026-03-02")));

    house.ok("case.investigated", CASE, heard("2026-03-02"), &officer());
    house.ok("case.decided", CASE, decision(5_000), &all_three());

    assert_eq!(house.case().status, Status::Decided);
}

#[test]
fn a_suspicion_found_after_the_investigation_interrupts_the_way_and_does_not_repeat_it() {
    let mut house = house_at(Status::Decidable);
    house.ok("case.referred", CASE, referral("2026-03-02"), &both());
    assert!(house.case().criminal);

    house.ok("case.prosecuted", CASE, verdict("deferred", "2026-03-02"), &officer());

    assert_eq!(house.case().status, Status::Decidable);
}

#[test]
fn a_hearing_is_held_or_waived_for_a_reason() {
    let mut house = house_at(Status::Investigating);
    let neither = vec![("heard_on", Value::Null), ("waived", Value::Null)];
    let twice = vec![("heard_on", t("2026-03-01")), ("waived", t("absconded"))];
    for members in [neither, twice] {
        assert!(matches!(house.send("case.investigated", CASE, members, &officer()), Err(No::Schema(_))));
    }

    let waived = vec![("heard_on", Value::Null), ("waived", t("absconded"))];
    house.ok("case.investigated", CASE, waived, &officer());
}

#[test]
fn a_review_that_changes_nothing_leaves_the_decision_as_it_was() {
    let mut house = house_at(Status::UnderReview);
    house.ok("case.review_dismissed", CASE, on("2026-03-02"), &officer());
    assert_eq!(house.case().status, Status::Served);

    house.ok("case.became_final", CASE, on("2026-03-02"), &officer());
    assert_eq!(house.case().status, Status::Final);
}

#[test]
fn a_revoked_decision_is_decided_again_and_what_was_paid_counts_towards_it() {
    let mut house = house_at(Status::UnderReview);
    house.ok("case.collected", CASE, money(2_000, "2026-03-02"), &officer());
    house.ok("case.revoked", CASE, vec![("final_on", t("2026-03-02"))], &officer());
    assert_eq!((house.case().status, house.case().refund_due().get()), (Status::Decidable, 2_000));
    assert_eq!((house.case().decided_on, house.case().served_on), (None, None));

    house.ok("case.decided", CASE, decision(3_000), &all_three());
    assert_eq!((house.case().unpaid().get(), house.case().refund_due().get()), (1_000, 0));
}

#[test]
fn a_revocation_opens_a_closed_case_again() {
    let mut house = house_at(Status::Closed);
    house.ok("case.revoked", CASE, vec![("final_on", t("2026-03-02"))], &officer());

    assert_eq!((house.case().status, house.case().ended_on), (Status::Decidable, None));
    assert_eq!(house.case().final_on, None);
    assert_eq!(house.case().refund_due().get(), 5_000);
}

#[test]
fn a_fine_is_vacated_and_paid_back_without_interest_when_guilt_becomes_final_after_all() {
    let mut house = house_at(Status::Closed);
    house.ok("case.prosecuted", CASE, verdict("guilty", "2026-03-02"), &officer());
    house.ok("case.vacated", CASE, EMPTY, &both());
    assert_eq!((house.case().status, house.case().refund_due().get()), (Status::Vacated, 5_000));
    assert!(house.case().decision.as_ref().unwrap().confiscates, "what was confiscated stays so");

    house.refused("case.closed", CASE, reason("vacated"), &both(), Refusal::MoneyOpen);
    house.ok("case.refunded", CASE, money(5_000, "2026-03-02"), &officer());
    house.ok("case.closed", CASE, reason("vacated"), &both());
}

#[test]
fn a_fine_paid_before_it_is_final_is_collected_when_it_is() {
    let mut house = house_at(Status::Served);
    house.ok("case.collected", CASE, money(6_000, "2026-03-02"), &officer());
    assert_eq!((house.case().status, house.case().strays), (Status::Served, 0));

    house.ok("case.became_final", CASE, on("2026-03-02"), &officer());
    assert_eq!((house.case().status, house.case().refund_due().get()), (Status::Collected, 1_000));
}

#[test]
fn a_decision_without_a_fine_is_closed_when_it_is_final() {
    let mut house = house_at(Status::Decidable);
    house.ok("case.decided", CASE, decision(0), &all_three());
    house.ok("case.served", CASE, on("2026-03-02"), &officer());
    house.ok("case.became_final", CASE, on("2026-03-02"), &officer());

    house.ok("case.closed", CASE, reason("settled"), &both());
}

#[test]
fn a_case_in_which_nothing_was_found_is_closed_without_a_decision() {
    for why in ["no_offence", "minor"] {
        let mut house = house_at(Status::Investigating);
        house.ok("case.closed", CASE, reason(why), &both());
    }
    let mut house = house_at(Status::Criminal);
    house.ok("case.prosecuted", CASE, verdict("guilty", "2026-03-02"), &officer());
    house.ok("case.closed", CASE, reason("criminal_only"), &both());
}

#[test]
fn a_supervisor_takes_over_without_a_handover_and_is_responsible_then() {
    let mut house = house_at(Status::Investigating);
    house.ok("case.taken_over", CASE, with(reason("illness"), "by", t("officer:s")), &supervisor());

    assert_eq!(house.case().officer.to_string(), "officer:s");
    let other = vec![signer("officer:z", "supervisor")];
    let taken = house.send("case.taken_over", CASE, with(reason("x"), "by", t("officer:s")), &other);
    assert_eq!(taken, Err(No::WrongSide), "nobody takes over in the name of another");
}

#[test]
fn every_fact_is_recorded_in_every_status_and_counted_as_a_stray_where_it_does_not_fit() {
    let fits = |kind: &str, status: Status| match kind {
        "case.prosecuted" => status == Status::Criminal,
        "case.served" => status == Status::Decided,
        "case.review_asked" => status == Status::Served,
        "case.review_dismissed" => status == Status::UnderReview,
        "case.became_final" => matches!(status, Status::Served | Status::UnderReview),
        "case.revoked" | "case.collected" => status >= Status::Decided && status != Status::TimeBarred,
        _ => true,
    };
    for status in EVERY_STATUS {
        for (kind, members, signers) in facts() {
            let mut house = house_at(*status);
            let strays = house.case().strays;
            house.ok(kind, CASE, members, &signers);
            let expected = strays + u64::from(!fits(kind, *status));
            assert_eq!(house.case().strays, expected, "{kind} in {status:?}");
        }
    }
}

#[test]
fn a_stray_fact_moves_no_status() {
    let mut house = house_at(Status::Opened);
    house.ok("case.served", CASE, on("2026-03-02"), &officer());
    house.ok("case.became_final", CASE, on("2026-03-02"), &officer());
    house.ok("case.revoked", CASE, vec![("final_on", t("2026-03-02"))], &officer());

    assert_eq!((house.case().status, house.case().strays), (Status::Opened, 3));
    assert_eq!(house.case().served_on, None);
}

#[test]
fn refusal_401_nothing_happens_to_a_case_that_was_never_opened() {
    for (kind, members, signers) in commands().into_iter().chain(facts()) {
        let mut house = House::on("2026-03-02");
        house.refused(kind, CASE, members, &signers, Refusal::UnknownCase);
    }
}

#[test]
fn refusal_402_a_case_number_is_used_once() {
    for status in [Status::Opened, Status::Closed] {
        let mut house = house_at(status);
        house.refused("case.opened", CASE, opening("2026-02-20"), &officer(), Refusal::CaseNumberTaken);
    }
}

#[test]
fn refusal_403_no_command_follows_the_end_but_a_vacation() {
    for status in [Status::Closed, Status::TimeBarred] {
        for (kind, members, signers) in commands() {
            let vacates = kind == "case.vacated" && status == Status::Closed;
            let refusal = if vacates { Refusal::GuiltNotFinal } else { Refusal::CaseEnded };
            house_at(status).refused(kind, CASE, members, &signers, refusal);
        }
    }
}

#[test]
fn refusal_404_a_day_that_has_not_come_has_no_events() {
    let tomorrow = "2026-03-03";
    let dates = ["on", "from", "until", "received_on", "final_on", "heard_on"];
    for (kind, members, signers) in commands().into_iter().chain(facts()) {
        let dated = members.iter().map(|(name, _)| *name).find(|name| dates.contains(name));
        if let Some(name) = dated {
            let mut house = house_at(Status::Criminal);
            house.refused(kind, CASE, with(members, name, t(tomorrow)), &signers, Refusal::DateAhead);
        }
    }
    let mut house = House::on("2026-03-02");
    let late_result = o(vec![
        ("article", t("asa.37")),
        ("ended_on", t("2026-03-01")),
        ("occurred_on", t("2026-03-01")),
        ("result_on", t(tomorrow)),
    ]);
    for members in [
        with(opening("2026-02-20"), "detected_on", t(tomorrow)),
        with(opening("2026-02-20"), "declared_on", t(tomorrow)),
        with(opening("2026-02-20"), "offences", l(vec![offence("asa.37", tomorrow)])),
        with(opening("2026-02-20"), "offences", l(vec![late_result])),
    ] {
        house.refused("case.opened", CASE, members, &officer(), Refusal::DateAhead);
    }
}

/// Where each command may start from.
fn starts(kind: &str) -> &'static [Status] {
    use Status::{Criminal, Decidable, Final, Investigating, Opened};
    match kind {
        "case.investigation_started" => &[Opened],
        "case.referred" => &[Opened, Investigating, Decidable],
        "case.prosecutor_asked" => &[Criminal],
        "case.investigated" => &[Investigating],
        "case.decided" => &[Decidable],
        "case.time_barred" => &[Opened, Investigating, Criminal, Decidable],
        "case.closed" => &[Final, Status::Collected],
        "case.clock_stopped" => &[Opened, Investigating, Criminal, Decidable, Status::Decided],
        _ => EVERY_STATUS,
    }
}

#[test]
fn refusal_405_each_step_has_its_place() {
    for status in EVERY_STATUS.iter().filter(|status| !status.has_ended()) {
        for (kind, members, signers) in commands() {
            let verdict = house_at(*status).send(kind, CASE, members, &signers);
            let misplaced = verdict == Err(No::Refused(Refusal::NoNextStep));
            let no_decision =
                kind == "case.vacated" && (*status < Status::Decided || *status == Status::Vacated);
            let expected = !starts(kind).contains(status) || no_decision;
            assert_eq!(misplaced, expected, "{kind} in {status:?}: {verdict:?}");
        }
    }
    let mut house = house_at(Status::Final);
    house.refused("case.closed", CASE, reason("no_offence"), &both(), Refusal::NoNextStep);
    house.refused("case.closed", CASE, reason("vacated"), &both(), Refusal::NoNextStep);
    house.refused("case.closed", CASE, reason("criminal_only"), &both(), Refusal::NoNextStep);
    let own = vec![signer("officer:a", "supervisor")];
    let take = with(reason("mine"), "by", t("officer:a"));
    house.refused("case.taken_over", CASE, take, &own, Refusal::NoNextStep);
}

fn suspect() -> House {
    let mut house = House::on("2026-03-02");
    house.ok("case.opened", CASE, with(opening("2026-02-20"), "criminal", yes(true)), &officer());
    house.ok("case.investigation_started", CASE, on("2026-03-01"), &officer());
    house
}

#[test]
fn refusal_406_the_criminal_side_comes_first() {
    let mut house = suspect();
    house.refused("case.closed", CASE, reason("minor"), &both(), Refusal::CriminalFirst);
    house.ok("case.investigated", CASE, heard("2026-03-01"), &officer());
    house.refused("case.decided", CASE, decision(5_000), &all_three(), Refusal::CriminalFirst);

    let mut house = house_at(Status::Decidable);
    house.refused("case.closed", CASE, reason("criminal_only"), &both(), Refusal::CriminalFirst);
}

#[test]
fn refusal_407_after_a_conviction_there_is_no_fine_but_there_may_be_a_confiscation() {
    let mut house = house_at(Status::Decidable);
    house.ok("case.referred", CASE, referral("2026-03-01"), &both());
    house.ok("case.prosecuted", CASE, verdict("guilty", "2026-03-02"), &officer());

    house.refused("case.decided", CASE, decision(1), &all_three(), Refusal::FineBarred);
    house.ok("case.decided", CASE, decision(0), &all_three());
}

#[test]
fn refusal_408_nothing_is_decided_once_every_clock_of_the_article_is_over() {
    let mut house = house_at(Status::Decidable);
    house.today = day("2031-02-21");
    house.refused("case.decided", CASE, decision(5_000), &all_three(), Refusal::TimeBarred);

    // The last day of CL-D, if the first day does not count.
    house.today = day("2031-02-20");
    house.ok("case.decided", CASE, decision(5_000), &all_three());
}

#[test]
fn refusal_408_is_by_article_and_one_that_still_runs_may_be_decided() {
    let mut house = House::on("2026-03-02");
    let two = l(vec![offence("asa.37", "2026-02-20"), offence("taa.45", "2020-02-20")]);
    house.ok("case.opened", CASE, with(opening("2020-02-20"), "offences", two), &officer());
    house.ok("case.investigation_started", CASE, on("2026-03-01"), &officer());
    house.ok("case.investigated", CASE, heard("2026-03-01"), &officer());

    let both_articles = with(decision(5_000), "articles", l(vec![t("asa.37"), t("taa.45")]));
    house.refused("case.decided", CASE, both_articles, &all_three(), Refusal::TimeBarred);
    house.ok("case.decided", CASE, decision(5_000), &all_three());
}

#[test]
fn refusal_409_a_decision_punishes_what_the_case_charges() {
    let mut house = house_at(Status::Decidable);
    let other = with(decision(5_000), "articles", l(vec![t("asa.36")]));

    house.refused("case.decided", CASE, other, &all_three(), Refusal::ArticleNotCharged);
}

#[test]
fn refusal_410_what_was_paid_under_a_deferred_prosecution_is_deducted_up_to_the_fine() {
    let deferred = || {
        let mut house = house_at(Status::Decidable);
        house.ok("case.referred", CASE, referral("2026-03-01"), &both());
        let paid = with(verdict("deferred", "2026-03-02"), "paid", n(2_000));
        house.ok("case.prosecuted", CASE, paid, &officer());
        house
    };
    let decide = |fine: i64, deducted: i64| with(decision(fine), "deducted", n(deducted));
    for (fine, deducted) in [(5_000, 0), (5_000, 1_999), (5_000, 2_001), (1_500, 1_000)] {
        let refusal = Refusal::DeductionDiffers;
        deferred().refused("case.decided", CASE, decide(fine, deducted), &all_three(), refusal);
    }
    let mut house = deferred();
    house.ok("case.decided", CASE, decide(5_000, 2_000), &all_three());
    assert_eq!(house.case().net_fine().get(), 3_000);
    deferred().ok("case.decided", CASE, decide(1_500, 1_500), &all_three());
}

#[test]
fn refusal_411_a_fine_is_vacated_only_after_a_final_conviction() {
    for outcome in ["deferred", "probation", "acquitted"] {
        let mut house = house_at(Status::Collected);
        house.ok("case.prosecuted", CASE, verdict(outcome, "2026-03-02"), &officer());
        house.refused("case.vacated", CASE, EMPTY, &both(), Refusal::GuiltNotFinal);
    }
}

#[test]
fn refusal_412_nobody_gives_a_case_up_before_its_time_is_over() {
    let mut house = house_at(Status::Decidable);
    house.refused("case.time_barred", CASE, EMPTY, &both(), Refusal::ClockStillRuns);
    house.today = day("2031-02-20");
    house.refused("case.time_barred", CASE, EMPTY, &both(), Refusal::ClockStillRuns);

    house.today = day("2031-02-21");
    house.ok("case.time_barred", CASE, EMPTY, &both());
}

fn stop(from: &str) -> Members {
    vec![("from", t(from)), ("ground", t("force_majeure"))]
}

#[test]
fn refusal_413_two_stops_do_not_overlap() {
    let mut house = house_at(Status::Opened);
    house.ok("case.clock_stopped", CASE, stop("2026-02-25"), &both());
    house.refused("case.clock_stopped", CASE, stop("2026-03-01"), &both(), Refusal::LimitationStopped);

    house.ok("case.clock_resumed", CASE, vec![("until", t("2026-02-27"))], &both());
    house.refused("case.clock_stopped", CASE, stop("2026-02-27"), &both(), Refusal::LimitationStopped);
    house.ok("case.clock_stopped", CASE, stop("2026-02-28"), &both());
}

#[test]
fn refusal_414_only_a_clock_that_stands_still_is_resumed() {
    let mut house = house_at(Status::Opened);
    let until = |date: &str| vec![("until", t(date))];
    house.refused("case.clock_resumed", CASE, until("2026-03-01"), &both(), Refusal::LimitationNotStopped);

    house.ok("case.clock_stopped", CASE, stop("2026-02-25"), &both());
    house.refused("case.clock_resumed", CASE, until("2026-02-24"), &both(), Refusal::LimitationNotStopped);
    house.ok("case.clock_resumed", CASE, until("2026-02-25"), &both());
    house.refused("case.clock_resumed", CASE, until("2026-02-26"), &both(), Refusal::LimitationNotStopped);
}

#[test]
fn refusal_415_a_case_is_closed_when_neither_side_owes() {
    let mut house = house_at(Status::Final);
    house.refused("case.closed", CASE, reason("settled"), &both(), Refusal::MoneyOpen);

    house.ok("case.collected", CASE, money(5_001, "2026-03-02"), &officer());
    house.refused("case.closed", CASE, reason("settled"), &both(), Refusal::MoneyOpen);
    house.ok("case.refunded", CASE, money(1, "2026-03-02"), &officer());
    house.ok("case.closed", CASE, reason("settled"), &both());
}

fn exhibit_no(no: &str) -> Members {
    vec![("exhibit", t(no))]
}

#[test]
fn refusal_416_no_case_is_closed_while_an_exhibit_is_unsettled() {
    let mut house = house_at(Status::Collected);
    house.ok("exhibit.seized", EXHIBIT, seizure("TP115-0001"), &officer());
    house.ok("case.exhibit_added", CASE, exhibit_no("EX-1"), &officer());
    house.refused("case.closed", CASE, reason("settled"), &both(), Refusal::ExhibitUnsettled);

    house.ok("exhibit.confiscated", EXHIBIT, EMPTY, &officer());
    house.ok("case.closed", CASE, reason("settled"), &both());
}

#[test]
fn refusals_417_to_419_a_case_names_exhibits_that_were_seized_for_it_once() {
    let mut house = house_at(Status::Opened);
    let add = |house: &mut House, refusal| {
        house.refused("case.exhibit_added", CASE, exhibit_no("EX-1"), &officer(), refusal);
    };
    add(&mut house, Refusal::UnknownExhibit);
    house.ok("exhibit.seized", EXHIBIT, seizure("TP115-0002"), &officer());
    add(&mut house, Refusal::ExhibitElsewhere);

    let mut house = house_at(Status::Opened);
    house.ok("exhibit.seized", EXHIBIT, seizure("TP115-0001"), &officer());
    house.ok("case.exhibit_added", CASE, exhibit_no("EX-1"), &officer());
    add(&mut house, Refusal::ExhibitNamed);
}

#[test]
fn refusal_421_four_eyes_are_two_persons() {
    let twice = |second: &'static str| vec![signer("officer:a", "officer"), signer("officer:a2", second)];
    let refusal = Refusal::OnePerson;

    let mut house = house_at(Status::Opened);
    house.refused("case.referred", CASE, referral("2026-03-01"), &twice("supervisor"), refusal);
    house.refused("case.clock_stopped", CASE, stop("2026-03-01"), &twice("supervisor"), refusal);
    let mut house = house_at(Status::Decidable);
    let mut three = twice("legal");
    three.push(signer("officer:s", "supervisor"));
    house.refused("case.decided", CASE, decision(5_000), &three, refusal);
    house.refused("case.closed", CASE, reason("minor"), &twice("supervisor"), refusal);
    house.ok("case.clock_stopped", CASE, stop("2026-03-01"), &both());
    let until = vec![("until", t("2026-03-02"))];
    house.refused("case.clock_resumed", CASE, until, &twice("supervisor"), refusal);
    house.today = day("2040-01-01");
    house.ok("case.clock_resumed", CASE, vec![("until", t("2026-03-02"))], &both());
    house.refused("case.time_barred", CASE, EMPTY, &twice("supervisor"), refusal);
    let mut house = house_at(Status::Collected);
    house.ok("case.prosecuted", CASE, verdict("guilty", "2026-03-02"), &officer());
    house.refused("case.vacated", CASE, EMPTY, &twice("supervisor"), refusal);
}

#[test]
fn refusal_422_a_case_holds_so_many_turns_and_exhibits_and_no_more() {
    let mut house = house_at(Status::Opened);
    for _ in 0..TURNS_MAX {
        house.ok("case.prosecuted", CASE, verdict("acquitted", "2026-03-02"), &officer());
        house.ok("case.revoked", CASE, vec![("final_on", t("2026-03-02"))], &officer());
    }
    let full = Refusal::CaseFull;
    house.refused("case.prosecuted", CASE, verdict("acquitted", "2026-03-02"), &officer(), full);
    house.refused("case.revoked", CASE, vec![("final_on", t("2026-03-02"))], &officer(), full);

    let mut house = house_at(Status::Opened);
    house.today = day("2026-12-31");
    let mut from = day("2026-03-01");
    for _ in 0..TURNS_MAX {
        house.ok("case.clock_stopped", CASE, stop(&from.to_string()), &both());
        house.ok("case.clock_resumed", CASE, vec![("until", t(&from.to_string()))], &both());
        from = from.plus_days(1);
    }
    house.refused("case.clock_stopped", CASE, stop(&from.to_string()), &both(), full);

    let mut house = house_at(Status::Opened);
    for number in 0..=crate::cases::EXHIBITS_MAX {
        let stream = format!("exhibit/E{number}");
        house.ok("exhibit.seized", &stream, seizure("TP115-0001"), &officer());
        let added = house.send("case.exhibit_added", CASE, exhibit_no(&format!("E{number}")), &officer());
        let fits = number < crate::cases::EXHIBITS_MAX;
        assert_eq!(added, if fits { Ok(()) } else { Err(No::Refused(full)) });
    }
}

#[test]
fn refusal_422_sums_stay_below_two_to_the_fifty_third() {
    let mut house = house_at(Status::Final);
    let State::Case(case) = house.streams.0.get_mut(CASE).unwrap() else { unreachable!() };
    case.collected = crate::money::Twd::MAX;
    case.refunded = crate::money::Twd::MAX;

    for kind in ["case.collected", "case.refunded"] {
        house.refused(kind, CASE, money(1, "2026-03-02"), &officer(), Refusal::CaseFull);
    }
}

#[test]
fn a_side_follows_the_case_so_that_who_gave_it_away_has_none_any_more() {
    let mut house = house_at(Status::Opened);
    let before = house.streams.0[CASE].clone();
    house.ok("case.taken_over", CASE, with(reason("x"), "by", t("officer:s")), &supervisor());
    let event = Event::Case(CaseEvent::InvestigationStarted(day("2026-03-01")));

    assert!(crate::cases::owner(Some(&before), &event, &both()));
    assert!(!crate::cases::owner(house.streams.0.get(CASE), &event, &both()));
}

#[test]
fn when_two_guards_fail_the_lower_number_is_the_verdict() {
    let mut house = house_at(Status::Decidable);
    house.ok("case.referred", CASE, referral("2026-03-01"), &both());
    house.ok("case.prosecuted", CASE, verdict("guilty", "2026-03-02"), &officer());
    house.today = day("2040-01-01");
    let one_person = vec![
        signer("officer:a", "officer"),
        signer("officer:a2", "supervisor"),
        signer("officer:l", "legal"),
    ];
    let bad = |fine: i64, article: &str, deducted: i64| {
        with(with(decision(fine), "articles", l(vec![t(article)])), "deducted", n(deducted))
    };

    let mut verdict = |members| match house.send("case.decided", CASE, members, &one_person) {
        Err(No::Refused(refusal)) => refusal.code(),
        other => panic!("{other:?}"),
    };
    assert_eq!(verdict(bad(1, "asa.37", 0)), 407);
    assert_eq!(verdict(bad(0, "asa.37", 0)), 408);
    assert_eq!(verdict(bad(0, "asa.36", 0)), 409);
    house.today = day("2026-03-02");
    let mut verdict = |members| match house.send("case.decided", CASE, members, &one_person) {
        Err(No::Refused(refusal)) => refusal.code(),
        other => panic!("{other:?}"),
    };
    assert_eq!(verdict(bad(0, "asa.37", 0)), 421);
}

#[test]
fn only_the_responsible_officer_speaks_for_a_case() {
    let other = |capacities: &[&'static str]| -> Vec<Signer<'static>> {
        let actors = ["officer:x", "officer:y", "officer:z"];
        capacities.iter().zip(actors).map(|(capacity, actor)| signer(actor, capacity)).collect()
    };
    for (kind, members, signers) in commands().into_iter().chain(facts()) {
        let capacities: Vec<_> = signers.iter().map(|signer| signer.capacity).collect();
        if capacities.contains(&"officer") {
            let mut house = house_at(Status::Opened);
            let verdict = house.send(kind, CASE, members, &other(&capacities));
            assert_eq!(verdict, Err(No::WrongSide), "{kind}");
        }
    }
    let mut house = House::on("2026-03-02");
    let opened = house.send("case.opened", CASE, opening("2026-02-20"), &other(&["officer"]));
    assert_eq!(opened, Err(No::WrongSide), "nobody opens a case for another");
}

#[test]
fn every_kind_says_who_signs_and_the_table_is_in_order() {
    assert!(kinds().is_sorted());
    for (kind, _, signers) in commands().into_iter().chain(facts()) {
        let capacities: Vec<_> = signers.iter().map(|signer| signer.capacity).collect();
        assert!(authority(kind).unwrap().iter().any(|needs| *needs == capacities), "{kind}");
    }
    assert_eq!(authority("guarantee.closed"), None);
    assert!(parse("guarantee.closed", CASE, &o(EMPTY)).is_none());
    assert_eq!(sealable("case.opened"), ["/subject"]);
}

#[test]
fn every_member_of_every_event_is_missed_by_name_and_no_other_is_known() {
    let all = commands().into_iter().chain(facts()).map(|(kind, members, _)| (kind, members));
    for (kind, members) in all.chain([("case.opened", opening("2026-02-20"))]) {
        let read = |members: Members| parse(kind, CASE, &o(members)).unwrap();
        for (name, _) in members.clone() {
            let mut rest = members.clone();
            rest.retain(|(known, _)| *known != name);
            assert_eq!(read(rest).unwrap_err().pointer, format!("/{name}"), "{kind}");
        }
        assert_eq!(read(with(members, "note", t("x"))).unwrap_err().pointer, "/note", "{kind}");
    }
}

#[test]
fn data_that_contradicts_itself_or_names_a_person_is_no_event() {
    let no_event = |kind: &str, stream: &str, members: Members| {
        let read = parse(kind, stream, &o(members.clone())).unwrap();
        assert!(read.is_err(), "{kind} {members:?}");
    };
    let offences = |offences: Vec<Value<'static>>| with(opening("2026-02-20"), "offences", l(offences));
    let bent = |name: &'static str, date: &str| {
        let mut whole = vec![
            ("article", t("asa.37")),
            ("ended_on", t("2026-02-20")),
            ("occurred_on", t("2026-02-20")),
            ("result_on", Value::Null),
        ];
        whole = with(whole, name, t(date));
        offences(vec![o(whole)])
    };
    for members in [
        offences(vec![]),
        offences(vec![offence("b", "2026-01-01"), offence("a", "2026-01-01")]),
        offences(vec![offence("a", "2026-01-01"), offence("a", "2026-01-01")]),
        offences((0..=OFFENCES_MAX).map(|no| offence(&format!("a{no:02}"), "2026-01-01")).collect()),
        bent("ended_on", "2026-02-19"),
        bent("result_on", "2026-02-20"),
        bent("occurred_on", "115/02/20"),
        with(opening("2026-02-20"), "subject", t("王小明")),
        with(opening("2026-02-20"), "subject", o(vec![("sealed", t("ab"))])),
        with(opening("2026-02-20"), "officer", t("a b")),
        with(opening("2026-02-20"), "importer", t("A123456789")),
        with(opening("2026-02-20"), "section", t(&"a".repeat(33))),
        with(opening("2026-02-20"), "house", t("ce")),
    ] {
        no_event("case.opened", CASE, members);
    }
    no_event("case.opened", "case/TP_1", opening("2026-02-20"));
    no_event("case.opened", HANDOVER, opening("2026-02-20"));
    no_event("case.prosecuted", CASE, with(verdict("acquitted", "2026-03-02"), "paid", n(1)));
    no_event("case.prosecuted", CASE, verdict("lost", "2026-03-02"));
    no_event("case.decided", CASE, with(decision(1), "deducted", n(2)));
    no_event("case.decided", CASE, with(decision(1), "articles", l(vec![])));
    no_event("case.decided", CASE, decision(-1));
    no_event("case.collected", CASE, money(0, "2026-03-02"));
    no_event("case.closed", CASE, reason("other"));
    no_event("case.clock_stopped", CASE, vec![("from", t("2026-03-01")), ("ground", t("holiday"))]);
}

#[test]
fn what_decide_refuses_evolve_calls_a_contradiction_or_cannot_harm() {
    let house = house_at(Status::Served);
    let context = context(house.today, &house.rules, &[]);
    let case = house.streams.0[CASE].clone();
    let parsed = |kind: &str, members: Members| parse(kind, CASE, &o(members)).unwrap().unwrap();
    for (kind, members) in [
        ("case.opened", opening("2026-02-20")),
        ("case.investigation_started", on("2026-03-01")),
        ("case.decided", decision(1)),
        ("case.clock_resumed", vec![("until", t("2026-03-02"))]),
        ("case.investigated", heard("2026-03-01")),
        ("case.referred", referral("2026-03-01")),
    ] {
        let event = parsed(kind, members);
        assert!(crate::cases::evolve(Some(case.clone()), &event, &context).is_err(), "{kind}");
    }
    let served = parsed("case.served", on("2026-03-02"));
    assert!(crate::cases::evolve(None, &served, &context).is_err());
}

#[test]
fn an_altered_state_is_not_taken_back() {
    let house = house_at(Status::Collected);
    let good = house.streams.0[CASE].to_value();
    for (name, value) in [
        ("status", t("done")),
        ("officer", t("a b")),
        ("offences", l(vec![])),
        ("collected", n(-1)),
        ("decision", n(0)),
        ("unknown", n(0)),
        ("exhibits", l(vec![t("b"), t("a")])),
    ] {
        let Value::Object(mut members) = good.clone() else { unreachable!() };
        members.retain(|(known, _)| known != name);
        members.push((name.into(), value));
        assert!(State::from_value(&Value::object(members)).is_err(), "{name}");
    }
}
