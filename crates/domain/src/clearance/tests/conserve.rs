//! The pieces of a master waybill add up, and a set that does not is found.

use super::*;

const WAYBILL: &str = "mawb/297-83993523";
const SECOND: &str = "cargo/297-83993523/598FJ924";

/// Two bags of three pieces each, one released, one with a piece held.
fn two_bags() -> House {
    let mut house = House::taxed();
    let manifest = r#"{"arrival_at":"2026-03-02T18:00:00+08:00","bills":2,"carrier":"CI","flight":"CI5832","long_leg":true,"pieces":6}"#;
    house.ok("mawb.manifested", WAYBILL, manifest);
    house.ok("cargo.released", BAG, r#"{"pieces":2}"#);
    house.ok("cargo.manifested", SECOND, MANIFESTED);
    house.ok("cargo.warehoused", SECOND, WAREHOUSED);
    house.ok("cargo.held", SECOND, HELD);
    house
}

fn weigh(house: &House, streams: &[&str]) -> Conservation {
    let Some(State::Mawb(waybill)) = house.states.get(WAYBILL) else { panic!("no waybill") };
    let bags = streams.iter().map(|stream| {
        let hawb = stream.rsplit('/').next().and_then(Hawb::parse).unwrap();
        (hawb, house.states[*stream].cargo().unwrap())
    });
    conservation(Some(waybill), bags)
}

fn hawb(text: &str) -> Hawb {
    Hawb::parse(text).unwrap()
}

#[test]
fn manifest_and_corrections_are_what_stands_released_held_and_on_hand() {
    let mut house = two_bags();

    let sums = weigh(&house, &[BAG, SECOND]);
    assert!(sums.holds(), "{:?}", sums.findings);
    assert_eq!((sums.expected(), sums.standing()), (6, 6));
    assert_eq!((sums.released, sums.held, sums.on_hand, sums.awaited), (2, 1, 3, 0));

    house.ok("cargo.recounted", SECOND, r#"{"pieces":2,"reason":"audit"}"#);
    assert_eq!(weigh(&house, &[BAG, SECOND]).findings, [Imbalance::Cargo(hawb("598FJ924"), 1)]);
    house.ok("cargo.shortover_reported", SECOND, r#"{"airline":"CI","counted":2,"manifest":3}"#);
    house.ok("cargo.shortover_accepted", SECOND, r#"{"officer":"officer:7f3k"}"#);

    let sums = weigh(&house, &[BAG, SECOND]);
    assert!(sums.holds());
    assert_eq!((sums.manifest, sums.landed, sums.standing()), (6, -1, 5));
}

#[test]
fn a_bag_left_out_or_counted_twice_is_found() {
    let house = two_bags();

    assert_eq!(weigh(&house, &[BAG]).findings, [Imbalance::Bills(2, 1), Imbalance::Pieces(6, 3)]);
    let twice = weigh(&house, &[BAG, SECOND, SECOND]).findings;
    assert!(twice.contains(&Imbalance::Twice(hawb("598FJ924"))), "{twice:?}");
    assert!(conservation(None, []).findings.contains(&Imbalance::NoWaybill));
}

#[test]
fn an_amendment_of_one_side_only_is_found() {
    let mut house = two_bags();
    house.ok("cargo.amended", SECOND, r#"{"pieces":4,"reason":"miscounted"}"#);

    let findings = weigh(&house, &[BAG, SECOND]).findings;

    assert!(findings.contains(&Imbalance::Pieces(6, 7)), "{findings:?}");
    assert!(findings.contains(&Imbalance::Cargo(hawb("598FJ924"), 1)));
}

#[test]
fn pieces_that_left_without_release_are_in_no_standing_for_ever() {
    let mut house = two_bags();
    house.ok("cargo.gated_out", SECOND, &with(OUT, "pieces", "1"));

    let sums = weigh(&house, &[BAG, SECOND]);

    assert_eq!(
        sums.findings,
        [Imbalance::Cargo(hawb("598FJ924"), 1), Imbalance::GoneUnreleased(hawb("598FJ924"), 1)]
    );
    assert_eq!((sums.expected(), sums.standing() + sums.gone_unreleased), (6, 6));
}

#[test]
fn a_state_that_was_altered_is_found() {
    let house = two_bags();
    let Some(State::Mawb(waybill)) = house.states.get(WAYBILL) else { panic!("no waybill") };
    let mut altered = house.bag().clone();
    altered.seized += 4;
    let second = house.states[SECOND].cargo().unwrap();

    let sums = conservation(Some(waybill), [(hawb("598FJ923"), &altered), (hawb("598FJ924"), second)]);

    assert!(sums.findings.contains(&Imbalance::BelowZero(hawb("598FJ923"), 3)), "{:?}", sums.findings);
}

#[test]
fn cargo_that_is_not_counted_yet_is_awaited() {
    let mut house = House::declared();
    let manifest = r#"{"arrival_at":"2026-03-02T18:00:00+08:00","bills":1,"carrier":"CI","flight":"CI5832","long_leg":true,"pieces":3}"#;
    house.ok("mawb.manifested", WAYBILL, manifest);

    let sums = weigh(&house, &[BAG]);

    assert!(sums.holds());
    assert_eq!((sums.awaited, sums.on_hand, MAWB), (3, 0, "297-83993523"));
}
