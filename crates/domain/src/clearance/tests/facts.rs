//! What has happened is recorded, whatever the rules say of it.

use super::*;

#[test]
fn a_gate_out_without_release_is_recorded_and_no_later_release_makes_it_good() {
    let mut house = House::taxed();

    house.ok("cargo.gated_out", BAG, &with(OUT, "pieces", "1"));

    assert!(house.bag().flags.has(&Flag::GatedOutWithoutRelease));
    assert_eq!((house.bag().gone_unreleased, house.bag().at_hand()), (1, 2));
    house.no(Refusal::TooManyPieces, "cargo.released", BAG, r#"{"pieces":3}"#);
    house.ok("cargo.released", BAG, r#"{"pieces":2}"#);
    house.ok("cargo.gated_out", BAG, &with(OUT, "pieces", "2"));
    assert!(house.bag().flags.has(&Flag::GatedOutWithoutRelease));
    assert_eq!((house.bag().gone, house.bag().gone_unreleased), (2, 1));
}

#[test]
fn more_pieces_than_were_released_leave_an_alarm_for_those_beyond() {
    let mut house = House::taxed();
    house.ok("cargo.released", BAG, r#"{"pieces":2}"#);

    house.ok("cargo.gated_out", BAG, OUT);

    assert_eq!((house.bag().gone, house.bag().gone_unreleased), (2, 1));
    assert!(house.bag().flags.has(&Flag::GatedOutWithoutRelease));
}

#[test]
fn cargo_that_nobody_knew_is_on_the_record_once_it_leaves() {
    let mut house = House::new();

    house.ok("cargo.gated_out", BAG, OUT);

    assert!(
        house.bag().flags.has(&Flag::GatedOutWithoutRelease) && house.bag().flags.has(&Flag::Unmanifested)
    );
    house.ok("cargo.manifested", BAG, MANIFESTED);
    assert!(house.bag().flags.has(&Flag::GatedOutWithoutRelease), "a late manifest does not mend it");
    assert!(house.bag().flags.has(&Flag::AmendedAfterDiscovery));
}

#[test]
fn pieces_that_leave_another_warehouse_than_theirs_are_flagged() {
    let mut house = House::released();

    house.ok("cargo.gated_out", BAG, &with(OUT, "warehouse", r#""C9999""#));

    assert!(house.bag().flags.has(&Flag::WrongWarehouse));
}

#[test]
fn goods_without_a_manifest_are_found_and_manifested_later() {
    let mut house = House::new();
    let found = r#"{"carrier":"CI","class":"express","completed_at":"2026-03-02T13:00:00+08:00","pieces":3,"warehouse":"C2001"}"#;
    house.ok("cargo.found", BAG, found);
    assert_eq!((house.bag().expected(), house.bag().at_hand()), (0, 3));
    assert!(house.bag().landed_differs());

    house.ok("cargo.manifested", BAG, MANIFESTED);

    assert!(!house.bag().landed_differs());
    assert!(house.bag().flags.has(&Flag::AmendedAfterDiscovery));
}

#[test]
fn a_recount_below_what_was_placed_is_recorded_and_shows() {
    let mut house = House::released();

    house.ok("cargo.recounted", BAG, r#"{"pieces":2,"reason":"audit"}"#);

    assert_eq!(house.bag().at_hand(), -1);
}

#[test]
fn tax_paid_twice_is_recorded_and_flagged() {
    let mut house = House::taxed();

    house.ok("cargo.tax_paid", BAG, r#"{"amount":1,"channel":"cash"}"#);

    assert!(house.bag().flags.has(&Flag::TaxStray));
    assert_eq!(house.bag().tax.as_ref().unwrap().amount.unwrap().get(), 900);
}

#[test]
fn flags_are_never_taken_back() {
    let mut house = House::taxed();
    house.ok("cargo.gated_out", BAG, &with(OUT, "pieces", "1"));
    let flags = house.bag().flags.clone();

    house.ok("cargo.amended", BAG, r#"{"pieces":2,"reason":"miscounted"}"#);
    house.ok("cargo.recounted", BAG, r#"{"pieces":2,"reason":"audit"}"#);

    assert!(flags.iter().all(|flag| house.bag().flags.has(flag)));
}
