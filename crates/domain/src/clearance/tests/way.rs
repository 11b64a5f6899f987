//! Each transition of the machine of domain table §2(b), and what it leaves behind.

use super::*;

fn supervisor() -> Vec<Signer<'static>> {
    vec![signer("officer:7f3k", "officer"), signer("officer:c29x", "supervisor")]
}

#[test]
fn a_bag_of_c1_goes_from_manifest_to_gate_out_without_a_flag() {
    let mut house = House::released();

    house.ok("cargo.gated_out", BAG, OUT);

    let bag = house.bag();
    assert_eq!((bag.released, bag.gone, bag.gone_unreleased, bag.at_hand()), (3, 3, 0, 0));
    assert!(bag.flags.is_empty() && bag.exceptions.is_empty() && !bag.discovered);
}

#[test]
fn a_manifest_is_due_two_hours_before_arrival_after_a_long_leg_and_at_arrival_after_a_short_one() {
    // Arrival is at 18:00.
    let late = |at: u64, long_leg: &str| {
        let mut house = House::new();
        house.at(at);
        house.ok("cargo.manifested", BAG, &with(MANIFESTED, "long_leg", long_leg));
        house.bag().flags.has(&Flag::ManifestLate)
    };

    assert!(!late(NOW + 2 * HOUR, "true"));
    assert!(late(NOW + 2 * HOUR + 1_000, "true"));
    assert!(!late(NOW + 4 * HOUR, "false"));
    assert!(late(NOW + 4 * HOUR + 1_000, "false"));
}

#[test]
fn a_manifest_is_amended_within_seventy_two_hours_and_within_forty_eight_if_it_was_late() {
    let late = |filed: u64, amended: u64| {
        let mut house = House::new();
        house.at(filed);
        house.ok("cargo.manifested", BAG, MANIFESTED);
        house.at(amended);
        house.ok("cargo.amended", BAG, r#"{"pieces":4,"reason":"miscounted"}"#);
        assert_eq!((house.bag().expected(), house.bag().amended), (4, 1));
        house.bag().flags.has(&Flag::AmendmentLate)
    };
    let arrival = NOW + 4 * HOUR;

    assert!(!late(NOW, arrival + 72 * HOUR));
    assert!(late(NOW, arrival + 72 * HOUR + 1_000));
    assert!(!late(arrival, arrival + 48 * HOUR));
    assert!(late(arrival, arrival + 48 * HOUR + 1_000));
}

#[test]
fn a_correction_after_discovery_stays_visible() {
    let mut house = House::declared();
    house.ok("cargo.amended", BAG, r#"{"pieces":4,"reason":"miscounted"}"#);
    assert!(!house.bag().flags.has(&Flag::AmendedAfterDiscovery));

    house.ok("cargo.held", BAG, HELD);
    house.ok("cargo.amended", BAG, r#"{"pieces":5,"reason":"miscounted"}"#);

    assert!(house.bag().flags.has(&Flag::AmendedAfterDiscovery));
}

#[test]
fn several_bags_may_share_one_simplified_declaration() {
    let mut house = House::declared();
    let second = "cargo/297-83993523/598FJ924";
    house.ok("cargo.manifested", second, MANIFESTED);

    house.ok("cargo.declared", second, DECLARED);

    assert_eq!(house.bag().declared, house.states[second].cargo().unwrap().declared);
}

#[test]
fn a_natural_person_imports_under_seal_and_a_simplified_import_may_be_confirmed_later_on_bond() {
    let mut house = House::new();
    house.ok("cargo.manifested", BAG, MANIFESTED);
    let sealed = format!(r#"{{"sealed":"{IMAGE}"}}"#);
    let person = with(&with(DECLARED, "importer", ""), "person", &sealed);

    house.ok("cargo.declared", BAG, &with(&person, "delegation", r#""bonded""#));

    assert_eq!(house.bag().declared.as_ref().unwrap().importer, None);
}

#[test]
fn a_lane_goes_up_by_an_officer_and_down_by_a_supervisor() {
    let mut house = House::screened();

    house.ok("cargo.lane_changed", BAG, r#"{"from":"C1","reason":"origin","to":"C3"}"#);
    assert_eq!(house.bag().lane(), Some(Lane::C3));

    house.by(&supervisor());
    house.ok("cargo.lane_changed", BAG, r#"{"from":"C3","reason":"known_shipper","to":"C2"}"#);
    assert_eq!(house.bag().lane(), Some(Lane::C2));
}

#[test]
fn a_targeting_mark_sends_cargo_to_c3_before_or_after_screening() {
    let mark = r#"{"basis":"risk","mawb":"297-83993523","subject":null,"until":"2026-04-01"}"#;
    let hit = r#"{"basis":"risk","target":"T-1"}"#;
    for first in ["cargo.targeted", "cargo.screened"] {
        let mut house = House::warehoused();
        house.ok("target.set", "target/T-1", mark);
        let second = if first == "cargo.targeted" { "cargo.screened" } else { "cargo.targeted" };
        for kind in [first, second] {
            house.ok(kind, BAG, if kind == "cargo.targeted" { hit } else { SCREENED });
        }
        assert_eq!(house.bag().lane(), Some(Lane::C3), "{first}");
        assert!(!house.bag().tipped);

        // A supervisor may overrule a mark that no tip stands behind.
        house.by(&supervisor());
        house.ok("cargo.lane_changed", BAG, r#"{"from":"C3","reason":"known_shipper","to":"C2"}"#);
        assert_eq!(house.bag().lane(), Some(Lane::C2), "{first}");
    }
}

#[test]
fn advice_is_counted_by_source_before_its_outcome() {
    let mut house = House::declared();
    let advice = r#"{"factors":["new_consignee","origin"],"flagged":true,"model":"m3","score":870,"source":"cargo_ai"}"#;

    house.ok("cargo.advised", BAG, advice);
    house.ok("cargo.advised", BAG, &with(advice, "flagged", "false"));

    house.ok("cargo.advised", BAG, &with(advice, "source", r#""transshipment""#));
    house.ok("cargo.advised", BAG, &with(advice, "model", r#""m4""#));

    let lines: Vec<_> = house.bag().advice.iter().map(|line| (line.source.as_str(), line.pieces)).collect();
    assert_eq!(lines, [("cargo_ai", 3), ("transshipment", 1)]);
    assert_eq!((house.bag().advice[0].flagged, house.bag().advice[0].model.as_str()), (2, "m4"));
}

#[test]
fn general_cargo_is_laid_on_without_a_number_and_released_without_an_image() {
    let mut house = House::new();
    house.ok("cargo.manifested", BAG, &with(MANIFESTED, "class", r#""general""#));
    house.ok("cargo.declared", BAG, &with(DECLARED, "category", r#""full""#));
    house.at(NOW + 5 * HOUR);
    house.ok("cargo.warehoused", BAG, WAREHOUSED);
    house.ok("cargo.screened", BAG, &with(SCREENED, "mode", r#""none""#));
    house.ok("cargo.presented", BAG, PRESENTED);
    house.ok("cargo.tax_paid", BAG, r#"{"amount":900,"channel":"debit"}"#);

    house.ok("cargo.released", BAG, r#"{"pieces":3}"#);
}

#[test]
fn an_abnormal_image_needs_an_inspection_and_a_later_clear_image_does_not_undo_it() {
    let mut house = House::imaged();
    house.ok("cargo.image_read", BAG, &with(READ, "verdict", r#""abnormal""#));
    house.ok("cargo.tax_paid", BAG, r#"{"amount":900,"channel":"debit"}"#);
    house.ok("cargo.imaged", BAG, &imaged(OTHER_IMAGE));
    house.ok("cargo.image_read", BAG, &with(READ, "image", &format!("\"{OTHER_IMAGE}\"")));
    house.no(Refusal::InspectionMissing, "cargo.released", BAG, r#"{"pieces":3}"#);

    let inspected = r#"{"broker_present":true,"destructive":false,"finding":"ok","officer":"officer:7f3k"}"#;
    house.ok("cargo.inspected", BAG, inspected);

    house.ok("cargo.released", BAG, r#"{"pieces":3}"#);
}

#[test]
fn an_abnormal_image_outweighs_an_inspection_that_came_before_it() {
    let mut house = House::imaged();
    house.ok("cargo.lane_changed", BAG, r#"{"from":"C1","reason":"origin","to":"C3"}"#);
    let inspected = r#"{"broker_present":true,"destructive":false,"finding":"ok","officer":"officer:7f3k"}"#;
    house.ok("cargo.inspected", BAG, inspected);

    house.ok("cargo.image_read", BAG, &with(READ, "verdict", r#""abnormal""#));

    assert!(house.bag().inspection.is_none() && house.bag().abnormal && house.bag().discovered);
}

#[test]
fn cargo_of_c2_is_released_by_an_officer_when_its_papers_are_in_order() {
    let mut house = House::taxed();
    house.ok("cargo.lane_changed", BAG, r#"{"from":"C1","reason":"origin","to":"C2"}"#);
    let papers = r#"{"finding":"ok","officer":"officer:7f3k"}"#;

    house.ok("cargo.documents_reviewed", BAG, papers);

    house.ok("cargo.released", BAG, r#"{"pieces":3}"#);
}

#[test]
fn an_inspection_asked_for_late_is_flagged_and_not_refused() {
    let late = |days: u64, class: &str, category: &str| {
        let mut house = House::new();
        house.ok("cargo.manifested", BAG, &with(MANIFESTED, "class", class));
        house.ok("cargo.declared", BAG, &with(DECLARED, "category", category));
        house.at(NOW + days * DAY);
        house.ok("cargo.inspection_requested", BAG, "{}");
        house.bag().flags.has(&Flag::InspectionLate)
    };

    assert!(!late(3, r#""express""#, r#""X3""#));
    assert!(late(4, r#""express""#, r#""X3""#));
    assert!(!late(10, r#""general""#, r#""full""#));
    assert!(late(11, r#""general""#, r#""full""#));
}

#[test]
fn a_program_and_an_officer_both_look_and_the_order_is_kept() {
    let mut house = House::imaged();
    let suggestion = format!(r#"{{"class":"blade","confidence":910,"image":"{IMAGE}","model":"v2"}}"#);

    house.ok("cargo.ai_suggested", BAG, &suggestion);
    house.ok("cargo.image_read", BAG, &with(READ, "blind", "false"));

    let image = house.bag().image.clone().unwrap();
    let seen = image.reading.unwrap();
    assert!(image.ai == 1 && seen.ai_first && !seen.blind);
}

#[test]
fn a_second_reader_of_another_section_may_disagree_and_that_stays() {
    let mut house = House::read();
    house.by(&[signer("officer:r1", "officer")]);
    let review =
        format!(r#"{{"image":"{IMAGE}","officer":"officer:r1","unit":"office:CG","verdict":"clear"}}"#);

    house.ok("cargo.image_reviewed", BAG, &review);
    assert!(!house.bag().flags.has(&Flag::ReviewDiffers));
    house.ok("cargo.image_reviewed", BAG, &with(&review, "verdict", r#""abnormal""#));

    assert!(house.bag().flags.has(&Flag::ReviewDiffers));
    assert_eq!(house.bag().reviews, 2);
}

const EXCEPTION: &str = r#"{"broker_box":"598","exception":"no_declaration","note":null,"pieces":1,"storage":"EGT11111XX","warehouse":"C2001"}"#;

#[test]
fn an_exception_is_opened_answered_and_resolved_and_stops_release_meanwhile() {
    let mut house = House::taxed();

    house.ok("cargo.exception_opened", BAG, EXCEPTION);
    house.no(Refusal::ExceptionOpen, "cargo.released", BAG, r#"{"pieces":3}"#);
    house.ok("cargo.exception_answered", BAG, r#"{"answer":"declared","exception":1}"#);
    assert!(house.bag().exceptions[0].answered);
    let resolved = r#"{"exception":1,"officer":"officer:7f3k","outcome":"corrected"}"#;
    house.ok("cargo.exception_resolved", BAG, resolved);

    house.ok("cargo.released", BAG, r#"{"pieces":3}"#);
    assert_eq!(house.bag().exceptions_made, 1);
}

#[test]
fn a_short_landing_reported_countersigned_and_accepted_corrects_the_manifest() {
    let mut house = House::declared();
    house.at(NOW + 5 * HOUR);
    house.ok("cargo.warehoused", BAG, &with(WAREHOUSED, "pieces", "2"));

    house.ok("cargo.shortover_reported", BAG, r#"{"counted":2,"manifest":3}"#);
    house.ok("cargo.shortover_countersigned", BAG, r#"{"airline":"CI"}"#);
    house.ok("cargo.shortover_accepted", BAG, r#"{"officer":"officer:7f3k"}"#);

    let bag = house.bag();
    assert_eq!((bag.expected(), bag.landed, bag.at_hand(), bag.landed_differs()), (2, -1, 2, false));
    assert!(bag.flags.is_empty());
}

#[test]
fn warehouse_and_airline_may_report_together_in_one_statement() {
    let mut house = House::declared();
    house.at(NOW + 5 * HOUR);
    house.ok("cargo.warehoused", BAG, &with(WAREHOUSED, "pieces", "5"));

    house.ok("cargo.shortover_reported", BAG, r#"{"airline":"CI","counted":5,"manifest":3}"#);
    house.ok("cargo.shortover_accepted", BAG, r#"{"officer":"officer:7f3k"}"#);

    assert_eq!((house.bag().expected(), house.bag().landed), (5, 2));
}

#[test]
fn a_report_is_late_after_one_day_for_express_three_for_general_and_at_once_beside_aircraft() {
    let late = |class: &str, days: u64| {
        let mut house = House::new();
        house.ok("cargo.manifested", BAG, &with(MANIFESTED, "class", class));
        house.ok("cargo.warehoused", BAG, &with(WAREHOUSED, "pieces", "2"));
        house.at(NOW + days * DAY);
        house.ok("cargo.shortover_reported", BAG, r#"{"counted":2,"manifest":3}"#);
        house.bag().flags.has(&Flag::ShortoverLate)
    };

    assert!(!late(r#""express""#, 1) && late(r#""express""#, 2));
    assert!(!late(r#""general""#, 3) && late(r#""general""#, 4));
    assert!(!late(r#""airside""#, 0) && late(r#""airside""#, 1));
}

#[test]
fn a_report_is_corrected_or_withdrawn_within_three_days_and_later_with_a_flag() {
    let mend = |days: u64, withdraw: bool| {
        let mut house = House::declared();
        house.ok("cargo.warehoused", BAG, &with(WAREHOUSED, "pieces", "2"));
        house.ok("cargo.shortover_reported", BAG, r#"{"airline":"CI","counted":2,"manifest":3}"#);
        house.at(NOW + days * DAY);
        if withdraw {
            house.ok("cargo.shortover_withdrawn", BAG, r#"{"reason":"found"}"#);
            assert!(house.bag().report.is_none());
        } else {
            house.ok("cargo.recounted", BAG, r#"{"pieces":1,"reason":"found"}"#);
            house.ok("cargo.shortover_corrected", BAG, r#"{"counted":1}"#);
            let report = house.bag().report.clone().unwrap();
            assert!(report.counted == 1 && !report.countersigned, "the airline signs again");
        }
        house.bag().flags.has(&Flag::ShortoverCorrectedLate)
    };

    for withdraw in [false, true] {
        assert!(!mend(3, withdraw) && mend(4, withdraw));
    }
}

#[test]
fn held_pieces_are_lifted_seized_returned_or_abandoned_piece_by_piece() {
    let mut house = House::warehoused();
    house.ok("cargo.held", BAG, &with(HELD, "pieces", "3"));
    assert_eq!((house.bag().held(), house.bag().at_hand()), (3, 0));
    let seized = r#"{"at":"2026-03-02T21:00:00+08:00","hold":1,"officer":"officer:7f3k","owner":null,"pieces":1,"place":"E1","receipt":"R-1","seal":"S-1","witness":null}"#;
    let disposed = r#"{"hold":1,"officer":"officer:7f3k","pieces":1,"reason":"unconfirmed"}"#;

    house.ok("cargo.seized", BAG, seized);
    house.ok("cargo.returned", BAG, disposed);
    house.ok("cargo.abandoned", BAG, disposed);

    let bag = house.bag();
    assert_eq!((bag.seized, bag.returned, bag.abandoned, bag.held(), bag.at_hand()), (1, 1, 1, 0, 0));
    assert!(bag.holds.is_empty(), "a hold without pieces is over");
}

#[test]
fn a_lifted_hold_puts_its_pieces_on_hand_and_released_ones_must_be_released_again() {
    let mut house = House::released();
    house.ok("cargo.held", BAG, &with(HELD, "from", r#""released""#));
    assert_eq!((house.bag().released, house.bag().held()), (2, 1));

    house.ok("cargo.lifted", BAG, r#"{"hold":1,"officer":"officer:7f3k","reason":"cleared"}"#);

    assert_eq!((house.bag().released, house.bag().at_hand()), (2, 1));
    house.ok("cargo.released", BAG, r#"{"pieces":1}"#);
}

#[test]
fn what_is_not_held_may_be_released_while_the_rest_is_held() {
    let mut house = House::taxed();
    house.ok("cargo.held", BAG, HELD);

    house.no(Refusal::TooManyPieces, "cargo.released", BAG, r#"{"pieces":3}"#);
    house.ok("cargo.released", BAG, r#"{"pieces":2}"#);
}

#[test]
fn a_declaration_is_blocked_while_a_piece_of_its_cargo_is_held_and_when_nothing_is_left_to_release() {
    let mut house = House::warehoused();
    let blocked = |house: &House| house.declaration_blocked(&declaration(DECLARATION));
    assert!(!blocked(&house));

    house.ok("cargo.held", BAG, &with(HELD, "pieces", "3"));
    assert!(blocked(&house) && house.bag().blocks(&declaration(DECLARATION)));
    assert!(!house.bag().blocks(&declaration("CA__15494A0002")));
    let disposed = r#"{"hold":1,"officer":"officer:7f3k","pieces":1,"reason":"unconfirmed"}"#;
    house.ok("cargo.returned", BAG, disposed);
    house.ok("cargo.lifted", BAG, r#"{"hold":1,"officer":"officer:7f3k","reason":"cleared"}"#);
    assert!(!blocked(&house));

    house.ok("cargo.held", BAG, &with(HELD, "pieces", "2"));
    house.ok("cargo.returned", BAG, &with(&with(disposed, "hold", "2"), "pieces", "2"));
    assert!(blocked(&house), "nothing is left");
    house.by(&[signer("broker:12345675", "broker"), signer("officer:7f3k", "officer")]);
    let moved = with(DECLARED, "declaration", r#""CA__15494A0009""#);
    house.ok("cargo.declaration_corrected", BAG, &moved);
    assert!(!blocked(&house) && house.declaration_blocked(&declaration("CA__15494A0009")));
}

#[test]
fn tax_is_nil_for_papers_and_low_value() {
    for category in [r#""X1""#, r#""X2""#, r#""E2""#] {
        let mut house = House::new();
        house.ok("cargo.manifested", BAG, MANIFESTED);
        house.ok("cargo.declared", BAG, &with(&with(DECLARED, "category", category), "value", "2000"));

        house.ok("cargo.tax_nil", BAG, "{}");

        assert_eq!(house.bag().tax.as_ref().unwrap().step, TaxStep::Nil);
    }
}

#[test]
fn tax_is_secured_by_a_draw_and_other_bags_of_the_declaration_are_covered_by_it() {
    let mut house = House::declared();
    house.draws.push((guarantee(GUARANTEE), declaration(DECLARATION)));

    house.ok("cargo.tax_secured", BAG, SECURED);
    assert_eq!(house.bag().tax.as_ref().unwrap().guarantee, Some(guarantee(GUARANTEE)));

    let second = "cargo/297-83993523/598FJ924";
    house.ok("cargo.manifested", second, MANIFESTED);
    house.ok("cargo.declared", second, DECLARED);
    house.ok("cargo.tax_covered", second, &with(SECURED, "amount", ""));
}

#[test]
fn a_draw_that_was_cancelled_must_be_made_again_before_release() {
    let mut house = House::read();
    house.draws.push((guarantee(GUARANTEE), declaration(DECLARATION)));
    house.ok("cargo.tax_secured", BAG, SECURED);
    house.draws.clear();
    house.no(Refusal::DrawGone, "cargo.released", BAG, r#"{"pieces":3}"#);

    house.ok("cargo.tax_secured", BAG, SECURED);
    house.draws.push((guarantee(GUARANTEE), declaration(DECLARATION)));

    house.ok("cargo.released", BAG, r#"{"pieces":3}"#);
}

#[test]
fn tax_paid_after_a_draw_was_paid_off_carries_the_release() {
    let mut house = House::read();
    house.ok("cargo.tax_secured", BAG, SECURED);

    house.ok("cargo.tax_paid", BAG, r#"{"amount":900,"channel":"cash"}"#);

    assert!(!house.bag().flags.has(&Flag::TaxStray));
    house.ok("cargo.released", BAG, r#"{"pieces":3}"#);
}

#[test]
fn a_deposit_is_a_tax_step_and_may_be_taken_back_before_release() {
    let mut house = House::read();
    house.ok("cargo.tax_deposited", BAG, r#"{"amount":5000,"reason":"valuation"}"#);

    house.ok("cargo.tax_reopened", BAG, r#"{"officer":"officer:7f3k","reason":"decided"}"#);

    house.no(Refusal::TaxOpen, "cargo.released", BAG, r#"{"pieces":3}"#);
}

#[test]
fn released_goods_are_reinspected_before_pick_up_and_what_is_found_stops_the_rest() {
    let mut house = House::taxed();
    house.ok("cargo.released", BAG, r#"{"pieces":2}"#);
    house.by(&[signer("officer:i1", "integrity")]);
    let reinspected = r#"{"finding":"contraband","officer":"officer:i1","pieces":2}"#;

    house.ok("cargo.reinspected", BAG, reinspected);

    house.by(&[signer("officer:7f3k", "officer")]);
    let held = with(&with(HELD, "from", r#""released""#), "basis", r#""reinspection""#);
    house.ok("cargo.held", BAG, &with(&held, "pieces", "2"));
    assert_eq!((house.bag().released, house.bag().held()), (0, 2));
    house.no(Refusal::InspectionMissing, "cargo.released", BAG, r#"{"pieces":1}"#);
}

#[test]
fn cargo_moves_to_another_warehouse_with_a_transfer_that_brought_it() {
    let mut house = House::warehoused();
    let approved =
        r#"{"from":"C2001","mawb":"297-83993523","officer":"officer:7f3k","pieces":3,"to":"C2009"}"#;
    house.ok("transfer.approved", "transfer/T1", approved);
    house.ok("transfer.sealed", "transfer/T1", r#"{"seal":"S-9"}"#);
    let arrived = r#"{"at":"2026-03-02T22:00:00+08:00","pieces":3,"seal":"S-9"}"#;
    house.ok("transfer.arrived", "transfer/T1", arrived);

    house.ok("cargo.moved", BAG, r#"{"transfer":"T1","warehouse":"C2009"}"#);

    assert_eq!(house.bag().stored.as_ref().unwrap().warehouse.as_str(), "C2009");
}
