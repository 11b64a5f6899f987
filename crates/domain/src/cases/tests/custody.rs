//! Exhibits: custody, counts, and where every piece went.

use lian_core::json::Value;

use super::around::*;
use crate::{
    cases::{LINES_MAX, State, ids::Spelled, parse},
    context::Signer,
    refusal::Refusal,
};

fn parts(given: &[(i64, i64)]) -> Members {
    vec![("lines", lines(given))]
}

fn moved_out(given: &[(i64, i64)]) -> Members {
    with(with(parts(given), "purpose", t("laboratory")), "to", t("LAB-1"))
}

fn moved_in(given: &[(i64, i64)]) -> Members {
    with(parts(given), "seal", t("S-2"))
}

fn court(given: &[(i64, i64)]) -> Members {
    with(with(parts(given), "court", t("TYD")), "document", t("C-9"))
}

fn returned(given: &[(i64, i64)]) -> Members {
    with(parts(given), "to", Value::Null)
}

fn sold(given: &[(i64, i64)], basis: &str) -> Members {
    let members = with(with(parts(given), "basis", t(basis)), "price", n(700));
    with(members, "buyer", o(vec![("sealed", t(&"cd".repeat(32)))]))
}

fn bought_back(given: &[(i64, i64)]) -> Members {
    with(with(parts(given), "price", n(900)), "buyer", Value::Null)
}

fn destroyed(given: &[(i64, i64)], basis: &str) -> Members {
    with(parts(given), "basis", t(basis))
}

fn watched() -> Vec<Signer<'static>> {
    vec![signer("officer:a", "officer"), signer("officer:w", "witness")]
}

fn transfer(custodian: &str) -> Members {
    vec![("custodian", t(custodian)), ("place", t("STORE-1")), ("seal", t("S-3"))]
}

fn two() -> Vec<Signer<'static>> {
    vec![signer("officer:a", "officer"), signer("officer:k", "officer")]
}

fn seized() -> House {
    let mut house = House::on("2026-03-02");
    house.ok("exhibit.seized", EXHIBIT, seizure("TP115-0001"), &officer());
    house
}

/// On hand, out, missing, found and gone of the first line.
fn first(house: &House) -> (u64, u64, u64, u64, [u64; 5]) {
    let line = &house.exhibit().lines[0];
    assert!(house.exhibit().lines.iter().all(crate::cases::Line::is_conserved));
    (line.on_hand, line.out, line.missing, line.found, line.gone)
}

#[test]
fn what_came_in_is_out_or_on_hand_on_every_way_that_goods_take() {
    let mut house = seized();
    house.ok("exhibit.moved_out", EXHIBIT, moved_out(&[(1, 10)]), &officer());
    assert_eq!(first(&house), (90, 10, 0, 0, [0; 5]));
    house.ok("exhibit.moved_in", EXHIBIT, moved_in(&[(1, 4)]), &officer());
    house.ok("exhibit.returned", EXHIBIT, returned(&[(1, 1)]), &both());
    house.ok("exhibit.auction_listed", EXHIBIT, vec![("auction", t("AU-115-1"))], &officer());
    house.ok("exhibit.sold", EXHIBIT, sold(&[(1, 2)], "perishable"), &both());
    house.ok("exhibit.bought_back", EXHIBIT, bought_back(&[(1, 3)]), &both());
    house.ok("exhibit.destroyed", EXHIBIT, destroyed(&[(1, 4)], "dangerous"), &watched());
    house.ok("exhibit.handed_to_court", EXHIBIT, court(&[(1, 5)]), &officer());

    assert_eq!(first(&house), (79, 6, 0, 0, [1, 2, 3, 4, 5]));
    assert_eq!(house.exhibit().proceeds.get(), 1_600);
    assert_eq!(house.exhibit().seal.as_str(), "S-2");
    assert!(!house.exhibit().is_settled());
}

#[test]
fn an_exhibit_is_settled_when_nothing_is_on_hand_out_or_missing() {
    let mut house = seized();
    house.ok("exhibit.returned", EXHIBIT, returned(&[(1, 100)]), &both());
    assert!(!house.exhibit().is_settled(), "the second line is on hand");
    house.ok("exhibit.moved_out", EXHIBIT, moved_out(&[(2, 7)]), &officer());
    assert!(!house.exhibit().is_settled(), "what is out comes back");
    house.ok("exhibit.moved_in", EXHIBIT, moved_in(&[(2, 7)]), &officer());

    house.ok("exhibit.handed_to_court", EXHIBIT, court(&[(2, 7)]), &officer());

    assert!(house.exhibit().is_settled());
}

#[test]
fn what_a_count_finds_wanting_is_missing_until_a_count_finds_it() {
    let mut house = seized();
    let counted = |given: &[(i64, i64)]| parts(given);
    house.ok("exhibit.counted", EXHIBIT, counted(&[(1, 97), (2, 7)]), &both());
    assert_eq!(first(&house), (97, 0, 3, 0, [0; 5]));
    assert!(house.exhibit().is_alarming());

    house.ok("exhibit.counted", EXHIBIT, counted(&[(1, 99)]), &both());
    assert_eq!(first(&house), (99, 0, 1, 0, [0; 5]));
    house.ok("exhibit.counted", EXHIBIT, counted(&[(1, 102)]), &both());
    assert_eq!(first(&house), (102, 0, 0, 2, [0; 5]));
    assert!(!house.exhibit().is_alarming());
    assert_eq!(house.exhibit().lines[0].total_in(), 102);
}

#[test]
fn goods_that_are_missing_keep_the_case_open() {
    let mut house = seized();
    house.ok("exhibit.counted", EXHIBIT, parts(&[(1, 0), (2, 0)]), &both());

    assert!(!house.exhibit().is_settled());
}

#[test]
fn a_broken_or_different_seal_is_recorded_and_never_refused() {
    let mut house = seized();
    let check = |seal: &str, intact: bool| vec![("intact", yes(intact)), ("seal", t(seal))];
    let anyone = vec![signer("officer:z", "officer")];
    house.ok("exhibit.seal_checked", EXHIBIT, check("S-1", true), &anyone);
    assert_eq!(house.exhibit().seal_faults, 0);

    house.ok("exhibit.seal_checked", EXHIBIT, check("S-1", false), &anyone);
    house.ok("exhibit.seal_checked", EXHIBIT, check("S-9", true), &anyone);
    assert_eq!(house.exhibit().seal_faults, 2);
    assert!(house.exhibit().is_alarming());
}

#[test]
fn custody_passes_when_giver_and_taker_sign_and_the_first_change_stores_the_goods() {
    let mut house = seized();
    let alone = house.send("exhibit.transferred", EXHIBIT, transfer("officer:k"), &officer());
    assert_eq!(alone, Err(No::WrongSide), "the taker has not signed");
    let taker = vec![signer("officer:k", "officer")];
    let taken = house.send("exhibit.transferred", EXHIBIT, transfer("officer:k"), &taker);
    assert_eq!(taken, Err(No::WrongSide), "the giver has not signed");
    let others = vec![signer("officer:x", "officer"), signer("officer:k", "officer")];
    let stolen = house.send("exhibit.transferred", EXHIBIT, transfer("officer:k"), &others);
    assert_eq!(stolen, Err(No::WrongSide));

    house.ok("exhibit.transferred", EXHIBIT, transfer("officer:k"), &two());

    assert_eq!(house.exhibit().custodian.as_str(), "officer:k");
    assert_eq!(house.exhibit().stored_on, Some(day("2026-03-02")));
    let before = house.send("exhibit.moved_out", EXHIBIT, moved_out(&[(1, 1)]), &officer());
    assert_eq!(before, Err(No::WrongSide), "the former custodian");
}

#[test]
fn a_custodian_moves_goods_alone_and_a_supervisor_stands_in_for_one_who_is_gone() {
    let mut house = seized();
    house.ok("exhibit.transferred", EXHIBIT, transfer("officer:a"), &officer());
    assert_eq!(house.exhibit().place.as_str(), "STORE-1");

    let stand_in = vec![signer("officer:k", "officer"), signer("officer:s", "supervisor")];
    house.ok("exhibit.transferred", EXHIBIT, transfer("officer:k"), &stand_in);
}

#[test]
fn whoever_seizes_signs_the_receipt() {
    let mut house = House::on("2026-03-02");
    let other = vec![signer("officer:z", "officer")];

    let verdict = house.send("exhibit.seized", EXHIBIT, seizure("TP115-0001"), &other);
    assert_eq!(verdict, Err(No::WrongSide));
}

#[test]
fn refusals_404_417_and_445_an_exhibit_is_seized_once_and_not_tomorrow() {
    let mut house = House::on("2026-03-02");
    house.refused("exhibit.moved_out", EXHIBIT, moved_out(&[(1, 1)]), &officer(), Refusal::UnknownExhibit);
    let tomorrow = with(seizure("TP115-0001"), "on", t("2026-03-03"));
    house.refused("exhibit.seized", EXHIBIT, tomorrow, &officer(), Refusal::DateAhead);

    let mut house = seized();
    let again = seizure("TP115-0001");
    house.refused("exhibit.seized", EXHIBIT, again, &officer(), Refusal::ExhibitNumberTaken);
}

#[test]
fn refusal_446_no_more_leaves_than_is_on_hand() {
    let mut house = seized();
    let refusal = Refusal::NotOnHand;
    for given in [&[(1, 101)][..], &[(3, 1)], &[(1, 1), (2, 8)]] {
        house.refused("exhibit.moved_out", EXHIBIT, moved_out(given), &officer(), refusal);
        house.refused("exhibit.returned", EXHIBIT, returned(given), &both(), refusal);
        house.refused("exhibit.handed_to_court", EXHIBIT, court(given), &officer(), refusal);
        house.refused("exhibit.destroyed", EXHIBIT, destroyed(given, "dangerous"), &watched(), refusal);
    }
    house.refused("exhibit.counted", EXHIBIT, parts(&[(3, 1)]), &both(), refusal);
    house.ok("exhibit.returned", EXHIBIT, returned(&[(1, 100), (2, 7)]), &both());
    house.refused("exhibit.auction_listed", EXHIBIT, vec![("auction", t("A"))], &officer(), refusal);
    assert_eq!(first(&house).0, 0, "a refused event changes nothing");
}

#[test]
fn refusal_447_no_more_comes_back_than_is_out() {
    let mut house = seized();
    house.ok("exhibit.moved_out", EXHIBIT, moved_out(&[(1, 10)]), &officer());

    house.refused("exhibit.moved_in", EXHIBIT, moved_in(&[(1, 11)]), &officer(), Refusal::NotOut);
    house.refused("exhibit.moved_in", EXHIBIT, moved_in(&[(2, 1)]), &officer(), Refusal::NotOut);
}

#[test]
fn refusal_448_goods_are_confiscated_by_a_decision_only() {
    let mut house = seized();
    let refusal = Refusal::NotConfiscated;
    house.refused("exhibit.confiscated", EXHIBIT, Vec::new(), &officer(), refusal);
    house.refused("exhibit.destroyed", EXHIBIT, destroyed(&[(1, 1)], "confiscated"), &watched(), refusal);
    house.refused("exhibit.sold", EXHIBIT, sold(&[(1, 1)], "confiscated"), &both(), refusal);

    house.ok("case.opened", CASE, opening("2026-02-20"), &officer());
    house.ok("case.investigation_started", CASE, on("2026-03-01"), &officer());
    house.ok("case.investigated", CASE, heard("2026-03-01"), &officer());
    house.refused("exhibit.confiscated", EXHIBIT, Vec::new(), &officer(), refusal);
    house.ok("case.decided", CASE, decision(5_000), &all_three());
    house.ok("exhibit.confiscated", EXHIBIT, Vec::new(), &officer());

    assert!(house.exhibit().is_settled());
    house.ok("exhibit.destroyed", EXHIBIT, destroyed(&[(1, 1)], "confiscated"), &watched());
}

#[test]
fn refusal_449_goods_are_listed_before_they_are_sold() {
    let mut house = seized();
    let refusal = Refusal::NotListed;

    house.refused("exhibit.sold", EXHIBIT, sold(&[(1, 1)], "perishable"), &both(), refusal);
    house.ok("exhibit.bought_back", EXHIBIT, bought_back(&[(1, 1)]), &both());
}

#[test]
fn refusal_450_the_witness_of_a_destruction_is_another_person_of_another_unit() {
    let unit = |unit: &'static str| Signer { unit, ..signer("officer:w", "witness") };
    let second = Signer { unit: "ethics", ..signer("officer:a2", "witness") };
    for witness in [unit("officer:a"), second] {
        let mut house = seized();
        let signers = vec![signer("officer:a", "officer"), witness];
        let refusal = Refusal::WitnessNotIndependent;
        house.refused("exhibit.destroyed", EXHIBIT, destroyed(&[(1, 1)], "dangerous"), &signers, refusal);
    }
}

#[test]
fn refusal_451_sums_of_an_exhibit_stay_below_two_to_the_fifty_third() {
    let mut house = seized();
    let State::Exhibit(exhibit) = house.streams.0.get_mut(EXHIBIT).unwrap() else { unreachable!() };
    exhibit.proceeds = crate::money::Twd::MAX;
    exhibit.lines[0].found = (1 << 53) - 101;
    exhibit.lines[0].gone[0] = (1 << 53) - 101;

    let refusal = Refusal::ExhibitFull;
    house.refused("exhibit.counted", EXHIBIT, parts(&[(1, 101)]), &both(), refusal);
    house.refused("exhibit.bought_back", EXHIBIT, bought_back(&[(1, 1)]), &both(), refusal);
}

#[test]
fn lines_that_do_not_add_up_are_no_state() {
    let house = seized();
    let Value::Object(members) = house.streams.0[EXHIBIT].to_value() else { unreachable!() };
    let altered: Vec<_> = members
        .into_iter()
        .map(|(name, value)| match value {
            Value::List(mut items) if name == "lines" => {
                let Value::Object(line) = &mut items[0] else { unreachable!() };
                line.iter_mut().find(|(name, _)| name == "on_hand").unwrap().1 = n(99);
                (name, Value::List(items))
            }
            other => (name, other),
        })
        .collect();

    assert!(State::from_value(&Value::Object(altered)).is_err());
}

#[test]
fn every_kind_of_an_exhibit_reads_its_members_and_no_others() {
    let kinds: Vec<(&str, Members)> = vec![
        ("seized", seizure("TP115-0001")),
        ("transferred", transfer("officer:k")),
        ("moved_out", moved_out(&[(1, 1)])),
        ("moved_in", moved_in(&[(1, 1)])),
        ("seal_checked", vec![("intact", yes(true)), ("seal", t("S"))]),
        ("counted", parts(&[(1, 0)])),
        ("confiscated", Vec::new()),
        ("auction_listed", vec![("auction", t("A"))]),
        ("sold", sold(&[(1, 1)], "overdue")),
        ("bought_back", bought_back(&[(1, 1)])),
        ("destroyed", destroyed(&[(1, 1)], "abandoned")),
        ("handed_to_court", court(&[(1, 1)])),
        ("returned", returned(&[(1, 1)])),
    ];
    for (act, members) in kinds {
        let read = |members: Members| parse(&format!("exhibit.{act}"), EXHIBIT, &o(members)).unwrap();
        assert!(read(members.clone()).is_ok(), "{act}");
        for (name, _) in members.clone() {
            let mut rest = members.clone();
            rest.retain(|(known, _)| *known != name);
            assert_eq!(read(rest).unwrap_err().pointer, format!("/{name}"), "{act}");
        }
        assert_eq!(read(with(members, "note", t("x"))).unwrap_err().pointer, "/note", "{act}");
    }
}

#[test]
fn lines_of_an_event_ascend_and_are_at_least_one() {
    let out = |given: &[(i64, i64)]| parse("exhibit.moved_out", EXHIBIT, &o(moved_out(given))).unwrap();
    let most = i64::try_from(LINES_MAX).unwrap();

    assert!(out(&[(1, 1), (most, 1)]).is_ok());
    for given in [&[][..], &[(2, 1), (1, 1)], &[(1, 1), (1, 1)], &[(0, 1)], &[(most + 1, 1)], &[(1, 0)]] {
        assert!(out(given).is_err(), "{given:?}");
    }
    assert!(parse("exhibit.counted", EXHIBIT, &o(parts(&[(1, 0)]))).unwrap().is_ok());
    let buyer = with(sold(&[(1, 1)], "overdue"), "buyer", t("王小明"));
    assert!(parse("exhibit.sold", EXHIBIT, &o(buyer)).unwrap().is_err());
}
