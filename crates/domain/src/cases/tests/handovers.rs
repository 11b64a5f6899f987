//! Handovers by three parties, posts, and the cases nobody took.

use super::around::*;
use crate::{
    cases::{ids::Spelled, orphans::Orphans},
    context::Signer,
    refusal::Refusal,
};

const ONE: &str = "TP115-0001";
const TWO: &str = "TP115-0002";

fn outgoing() -> Vec<Signer<'static>> {
    officer()
}

fn incoming() -> Vec<Signer<'static>> {
    vec![signer("officer:b", "officer")]
}

fn third() -> Vec<Signer<'static>> {
    vec![signer("officer:s", "supervisor")]
}

fn supervised(cases: &[&str]) -> Members {
    vec![("list", list_of(cases))]
}

fn two_cases() -> House {
    let mut house = House::on("2026-03-02");
    house.ok("case.opened", CASE, opening("2026-02-20"), &officer());
    house.ok("case.opened", OTHER, opening("2026-02-21"), &officer());
    house
}

fn signed_out() -> House {
    let mut house = two_cases();
    house.ok("handover.signed_out", HANDOVER, listing(&[ONE, TWO]), &outgoing());
    house
}

fn signed_in() -> House {
    let mut house = signed_out();
    let rows = answers(&[ONE, TWO], &[(ONE, true, None), (TWO, false, None)]);
    house.ok("handover.signed_in", HANDOVER, rows, &incoming());
    house
}

fn complete() -> House {
    let mut house = signed_in();
    house.ok("handover.supervised", HANDOVER, supervised(&[ONE, TWO]), &third());
    house
}

fn assignment(to: &str) -> Members {
    vec![("handover", t("H-1")), ("to", t(to))]
}

#[test]
fn until_the_third_signature_the_outgoing_officer_is_responsible() {
    for mut house in [signed_out(), signed_in()] {
        house.refused("case.assigned", CASE, assignment("officer:b"), &third(), Refusal::NotHandedOver);
        assert_eq!(house.case().officer.as_str(), "officer:a");
    }
    let mut house = complete();
    assert!(house.handover().is_complete());

    house.today = day("2026-03-03");
    house.ok("case.assigned", CASE, assignment("officer:b"), &third());

    assert_eq!(house.case().officer.as_str(), "officer:b");
    assert_eq!(house.case().officer_since, day("2026-03-03"));
}

#[test]
fn a_row_that_the_incoming_officer_does_not_take_stays_with_the_supervisor() {
    let mut house = complete();

    house.refused("case.assigned", OTHER, assignment("officer:b"), &third(), Refusal::NotHandedOver);
    house.ok("case.assigned", OTHER, assignment("officer:s"), &third());
}

#[test]
fn refusal_420_a_case_is_assigned_once_by_the_third_signer_and_only_from_the_outgoing_officer() {
    let mut house = complete();
    let other = vec![signer("officer:z", "supervisor")];

    house.refused("case.assigned", CASE, assignment("officer:b"), &other, Refusal::NotHandedOver);
    house.ok("case.assigned", CASE, assignment("officer:b"), &third());
    house.refused("case.assigned", CASE, assignment("officer:b"), &third(), Refusal::NotHandedOver);
}

#[test]
fn after_the_assignment_only_the_incoming_officer_speaks_for_the_case() {
    let mut house = complete();
    house.ok("case.assigned", CASE, assignment("officer:b"), &third());

    let start = house.send("case.investigation_started", CASE, on("2026-03-02"), &outgoing());
    assert_eq!(start, Err(No::WrongSide));
    house.ok("case.investigation_started", CASE, on("2026-03-02"), &incoming());
}

#[test]
fn each_party_signs_for_itself() {
    let mut house = two_cases();
    let list = || listing(&[ONE, TWO]);
    assert_eq!(house.send("handover.signed_out", HANDOVER, list(), &incoming()), Err(No::WrongSide));

    let mut house = signed_out();
    let rows = || answers(&[ONE, TWO], &[(ONE, true, None), (TWO, true, None)]);
    assert_eq!(house.send("handover.signed_in", HANDOVER, rows(), &outgoing()), Err(No::WrongSide));

    let mut house = signed_in();
    let other = vec![signer("officer:b", "supervisor")];
    let sign = |house: &mut House, who: &[Signer<'_>]| {
        house.send("handover.supervised", HANDOVER, supervised(&[ONE, TWO]), who)
    };
    assert_eq!(sign(&mut house, &other), Err(No::WrongSide));
    assert_eq!(sign(&mut house, &third()), Ok(()));
}

#[test]
fn before_there_is_a_list_nobody_is_on_a_side_of_it_and_then_only_its_parties_are() {
    let house = signed_out();
    let data = o(answers(&[ONE, TWO], &[(ONE, true, None), (TWO, true, None)]));
    let event = crate::cases::parse("handover.signed_in", HANDOVER, &data).unwrap().unwrap();
    let stranger = [signer("officer:c", "officer")];

    assert!(crate::cases::owner(None, &event, &stranger));
    assert!(!crate::cases::owner(house.streams.0.get(HANDOVER), &event, &stranger));
}

#[test]
fn refusal_404_the_prosecutor_was_not_asked_tomorrow() {
    let mut house = signed_out();
    let rows = answers(&[ONE, TWO], &[(ONE, true, Some("2026-03-03")), (TWO, true, None)]);

    house.refused("handover.signed_in", HANDOVER, rows, &incoming(), Refusal::DateAhead);
}

#[test]
fn refusal_431_nothing_is_signed_before_a_list() {
    let mut house = two_cases();

    let rows = answers(&[ONE], &[(ONE, true, None)]);
    house.refused("handover.signed_in", HANDOVER, rows, &incoming(), Refusal::UnknownHandover);
    house.refused("handover.supervised", HANDOVER, supervised(&[ONE]), &third(), Refusal::UnknownHandover);
}

#[test]
fn refusal_432_a_handover_number_is_used_once() {
    let mut house = signed_out();

    house.refused(
        "handover.signed_out",
        HANDOVER,
        listing(&[ONE]),
        &outgoing(),
        Refusal::HandoverNumberTaken,
    );
}

#[test]
fn refusal_433_a_handover_that_ended_takes_no_signature() {
    let mut house = signed_out();
    house.ok("handover.withdrawn", HANDOVER, vec![("reason", t("officer_ill"))], &outgoing());
    let rows = || answers(&[ONE, TWO], &[(ONE, true, None), (TWO, true, None)]);
    house.refused("handover.signed_in", HANDOVER, rows(), &incoming(), Refusal::HandoverEnded);

    let mut house = complete();
    let reason = vec![("reason", t("regret"))];
    house.refused("handover.withdrawn", HANDOVER, reason, &third(), Refusal::HandoverEnded);
}

#[test]
fn refusal_434_the_three_sign_in_turn_and_once() {
    let mut house = signed_out();
    house.refused("handover.supervised", HANDOVER, supervised(&[ONE, TWO]), &third(), Refusal::OutOfTurn);

    let mut house = signed_in();
    let rows = answers(&[ONE, TWO], &[(ONE, true, None), (TWO, true, None)]);
    house.refused("handover.signed_in", HANDOVER, rows, &incoming(), Refusal::OutOfTurn);
}

#[test]
fn refusal_435_all_three_sign_one_list() {
    let mut house = signed_out();
    let rows = answers(&[ONE], &[(ONE, true, None)]);
    house.refused("handover.signed_in", HANDOVER, rows, &incoming(), Refusal::ListDiffers);

    let mut house = signed_in();
    house.refused("handover.supervised", HANDOVER, supervised(&[TWO]), &third(), Refusal::ListDiffers);
}

#[test]
fn refusal_436_an_officer_lists_open_cases_of_their_own() {
    let mut house = two_cases();
    let refusal = Refusal::NotTheirCase;

    house.refused("handover.signed_out", HANDOVER, listing(&[ONE, "TP115-0003"]), &outgoing(), refusal);
    let take = vec![("by", t("officer:s")), ("reason", t("illness"))];
    house.ok("case.taken_over", OTHER, take, &third());
    house.refused("handover.signed_out", HANDOVER, listing(&[ONE, TWO]), &outgoing(), refusal);
    house.ok("case.investigation_started", CASE, on("2026-03-02"), &officer());
    house.ok("case.closed", CASE, vec![("reason", t("no_offence"))], &both());
    house.refused("handover.signed_out", HANDOVER, listing(&[ONE]), &outgoing(), refusal);
}

#[test]
fn refusal_437_every_case_of_the_list_is_answered_once_in_its_order() {
    for rows in [
        vec![(ONE, true, None)],
        vec![(TWO, true, None), (ONE, true, None)],
        vec![(ONE, true, None), (TWO, true, None), (TWO, true, None)],
    ] {
        let mut house = signed_out();
        let rows = answers(&[ONE, TWO], &rows);
        house.refused("handover.signed_in", HANDOVER, rows, &incoming(), Refusal::RowsDiffer);
    }
}

#[test]
fn refusal_438_whoever_takes_a_case_from_the_prosecutors_desk_has_asked_there() {
    let mut house = signed_out();
    house.ok("case.referred", CASE, referral("2026-03-02"), &both());
    let rows = |contacted_on, taken| answers(&[ONE, TWO], &[(ONE, taken, contacted_on), (TWO, true, None)]);

    let refusal = Refusal::ProsecutorNotAsked;
    house.refused("handover.signed_in", HANDOVER, rows(None, true), &incoming(), refusal);
    house.ok("handover.signed_in", HANDOVER, rows(Some("2026-03-01"), true), &incoming());
}

#[test]
fn a_case_that_is_not_taken_needs_no_question_to_the_prosecutor() {
    let mut house = signed_out();
    house.ok("case.referred", CASE, referral("2026-03-02"), &both());
    let rows = answers(&[ONE, TWO], &[(ONE, false, None), (TWO, true, None)]);

    house.ok("handover.signed_in", HANDOVER, rows, &incoming());
}

/// A list between the actors named, which are parties of it whatever persons they are.
fn listing_of(outgoing: &'static str, incoming: &'static str, supervisor: &'static str) -> Members {
    let parties = vec![
        ("cases", l(vec![t(ONE)])),
        ("incoming", t(incoming)),
        ("no", t("H-1")),
        ("outgoing", t(outgoing)),
        ("supervisor", t(supervisor)),
    ];
    let list = lian_core::hash::sha256(&[b"lian/handover/v1\n", &o(parties.clone()).write()]);
    let mut members = with(parties, "list", t(&list.to_hex()));
    members.retain(|(name, _)| *name != "no");
    members
}

#[test]
fn refusal_439_three_actors_of_two_persons_are_not_three_parties() {
    let refusal = Refusal::NotThreePersons;
    let rows = |list: &Members| {
        let list = list.iter().find(|(name, _)| *name == "list").unwrap().1.clone();
        with(answers(&[ONE], &[(ONE, true, None)]), "list", list)
    };

    // The incoming officer is a second actor of the outgoing one.
    let list = listing_of("officer:a", "officer:a2", "officer:s");
    let mut house = two_cases();
    house.ok("handover.signed_out", HANDOVER, list.clone(), &outgoing());
    let second = vec![signer("officer:a2", "officer")];
    house.refused("handover.signed_in", HANDOVER, rows(&list), &second, refusal);

    // The supervisor is a second actor of the incoming officer.
    let list = listing_of("officer:a", "officer:b", "officer:b2");
    let mut house = two_cases();
    house.ok("handover.signed_out", HANDOVER, list.clone(), &outgoing());
    house.ok("handover.signed_in", HANDOVER, rows(&list), &incoming());
    let digest = list.iter().find(|(name, _)| *name == "list").unwrap().1.clone();
    let second = vec![signer("officer:b2", "supervisor")];
    house.refused("handover.supervised", HANDOVER, vec![("list", digest)], &second, refusal);
}

#[test]
fn a_list_binds_number_parties_and_cases_and_the_supervisor_is_neither_party() {
    let mut house = two_cases();
    let bad = [
        with(listing(&[ONE]), "list", list_of(&[TWO])),
        with(listing(&[ONE]), "incoming", t("officer:c")),
        listing_of("officer:a", "officer:b", "officer:a"),
        listing_of("officer:a", "officer:a", "officer:s"),
        listing_of("officer:a", "officer:b", "officer:b"),
    ];
    for members in bad {
        let verdict = house.send("handover.signed_out", HANDOVER, members, &outgoing());
        assert!(matches!(verdict, Err(No::Schema(_))), "{verdict:?}");
    }
    // A list copied to another number.
    let verdict = house.send("handover.signed_out", "handover/H-2", listing(&[ONE]), &outgoing());
    assert!(matches!(verdict, Err(No::Schema(_))));
}

#[test]
fn the_known_answer_of_the_list_digest_holds() {
    let house = signed_out();

    assert_eq!(house.handover().listing.list.to_hex(), LIST);
}

// Computed apart from this code, from the specification.
const LIST: &str = "ab24fa1ff2bde00c4c4002862d127d943b445a889f9f2d69e5c7074198a9afec";

fn held(actor: &str, since: &str) -> Members {
    vec![("actor", t(actor)), ("since", t(since)), ("unit", t("CE-1"))]
}

#[test]
fn refusal_441_a_post_is_held_by_one() {
    let mut house = House::on("2026-03-02");
    house.ok("post.held", "post/CE-1-07", held("officer:a", "2026-01-01"), &third());

    let next = held("officer:b", "2026-03-01");
    house.refused("post.held", "post/CE-1-07", next.clone(), &third(), Refusal::PostTaken);
    house.ok("post.left", "post/CE-1-07", on("2026-02-28"), &third());
    house.ok("post.held", "post/CE-1-07", next, &third());
}

#[test]
fn refusal_442_a_post_is_left_by_who_held_it_on_that_day() {
    let mut house = House::on("2026-03-02");
    house.refused("post.left", "post/CE-1-07", on("2026-02-28"), &third(), Refusal::PostVacant);

    house.ok("post.held", "post/CE-1-07", held("officer:a", "2026-01-01"), &third());
    house.refused("post.left", "post/CE-1-07", on("2025-12-31"), &third(), Refusal::PostVacant);
    house.ok("post.left", "post/CE-1-07", on("2026-01-01"), &third());
}

/// The orphans of a house, by case.
fn orphans(house: &House, as_of: &str) -> Vec<String> {
    let mut orphans = Orphans::default();
    for state in house.streams.0.values() {
        match state {
            crate::cases::State::Case(case) => orphans.case(case),
            crate::cases::State::Handover(handover) => orphans.handover(handover),
            crate::cases::State::Post(post) => orphans.post(post),
            crate::cases::State::Exhibit(_) => {}
        }
    }
    orphans.find(day(as_of)).iter().map(|orphan| orphan.case.to_string()).collect()
}

fn left(house: &mut House) {
    house.ok("post.held", "post/CE-1-07", held("officer:a", "2026-01-01"), &third());
    house.ok("post.left", "post/CE-1-07", on("2026-03-31"), &third());
}

#[test]
fn cases_on_no_list_are_orphans_from_the_day_after_their_officer_left() {
    let mut house = two_cases();
    left(&mut house);

    assert_eq!(orphans(&house, "2026-03-31"), Vec::<String>::new());
    assert_eq!(orphans(&house, "2026-04-01"), [ONE, TWO]);
}

#[test]
fn a_listed_case_is_no_orphan_unless_the_list_was_withdrawn() {
    let mut house = signed_out();
    left(&mut house);
    assert_eq!(orphans(&house, "2026-04-01"), Vec::<String>::new());

    house.ok("handover.withdrawn", HANDOVER, vec![("reason", t("officer_ill"))], &outgoing());
    assert_eq!(orphans(&house, "2026-04-01"), [ONE, TWO]);
}

#[test]
fn a_closed_or_taken_over_case_and_one_of_somebody_who_came_back_are_no_orphans() {
    let mut house = two_cases();
    left(&mut house);
    house.ok("case.taken_over", CASE, vec![("by", t("officer:s")), ("reason", t("left"))], &third());
    house.ok("case.investigation_started", OTHER, on("2026-03-02"), &officer());
    house.ok("case.closed", OTHER, vec![("reason", t("minor"))], &both());
    assert_eq!(orphans(&house, "2026-04-01"), Vec::<String>::new());

    let mut house = two_cases();
    left(&mut house);
    house.ok("post.held", "post/CE-1-07", held("officer:a", "2026-04-01"), &third());
    assert_eq!(orphans(&house, "2026-04-02"), Vec::<String>::new());
}

#[test]
fn cases_taken_on_in_a_later_post_are_no_orphans_of_the_earlier_one() {
    let mut house = House::on("2026-04-15");
    left(&mut house);
    house.ok("case.opened", CASE, opening("2026-02-20"), &officer());

    assert_eq!(orphans(&house, "2026-05-01"), Vec::<String>::new());
}
