//! Each refusal of cargo, by its number and sentence. The registers' refusals stand in `registers`.

use super::*;

fn blind_read() -> String {
    READ.to_owned()
}

#[test]
fn refusal_201_nothing_but_a_fact_is_recorded_on_cargo_that_nobody_announced() {
    let mut house = House::new();
    house.no(Refusal::CargoUnknown, "cargo.declared", BAG, DECLARED);
    house.no(Refusal::CargoUnknown, "cargo.warehoused", BAG, WAREHOUSED);
    house.no(Refusal::CargoUnknown, "cargo.tax_paid", BAG, r#"{"amount":1,"channel":"cash"}"#);
}

#[test]
fn refusal_202_a_house_bill_is_manifested_once_in_its_master_waybill() {
    let mut house = House::declared();
    house.no(Refusal::CargoKnown, "cargo.manifested", BAG, MANIFESTED);
    let found = r#"{"carrier":"CI","class":"express","completed_at":"2026-03-02T13:00:00+08:00","pieces":3,"warehouse":"C2001"}"#;
    house.no(Refusal::CargoKnown, "cargo.found", BAG, found);
}

#[test]
fn goods_settled_as_over_landed_are_not_manifested_afterwards() {
    let found = r#"{"carrier":"CI","class":"express","completed_at":"2026-03-02T13:00:00+08:00","pieces":3,"warehouse":"C2001"}"#;
    let mut house = House::new();
    house.ok("cargo.found", BAG, found);
    house.ok("cargo.shortover_reported", BAG, r#"{"airline":"CI","counted":3,"manifest":0}"#);
    house.no(Refusal::CargoKnown, "cargo.manifested", BAG, MANIFESTED);
    house.ok("cargo.shortover_accepted", BAG, r#"{"officer":"officer:7f3k"}"#);
    house.no(Refusal::CargoKnown, "cargo.manifested", BAG, MANIFESTED);
    assert_eq!((house.bag().expected(), house.bag().at_hand()), (3, 3));
}

#[test]
fn refusal_203_a_manifest_that_was_never_filed_is_not_amended() {
    let mut house = House::new();
    house.ok("cargo.gated_out", BAG, OUT);
    house.no(Refusal::NotRegistered, "cargo.amended", BAG, r#"{"pieces":3,"reason":"x"}"#);
}

#[test]
fn refusal_204_an_officer_is_recused_from_cargo_once() {
    let mut house = House::declared();
    let recused = r#"{"officer":"officer:7f3k","reason":"relative"}"#;
    house.ok("cargo.recused", BAG, recused);
    house.no(Refusal::NumberUsed, "cargo.recused", BAG, recused);
}

#[test]
fn refusal_206_nothing_is_done_with_cargo_of_which_no_piece_is_left() {
    let mut house = House::warehoused();
    house.ok("cargo.held", BAG, &with(HELD, "pieces", "3"));
    let disposed = r#"{"hold":1,"officer":"officer:7f3k","pieces":3,"reason":"unconfirmed"}"#;
    house.ok("cargo.returned", BAG, disposed);

    house.no(Refusal::NothingLeft, "cargo.screened", BAG, SCREENED);
    house.no(Refusal::NothingLeft, "cargo.booked", BAG, BOOKED);
}

#[test]
fn refusal_207_cargo_is_declared_before_it_is_screened_taxed_or_released() {
    let mut house = House::new();
    house.ok("cargo.manifested", BAG, MANIFESTED);
    house.no(Refusal::NotDeclared, "cargo.screened", BAG, SCREENED);
    house.no(Refusal::NotDeclared, "cargo.tax_secured", BAG, SECURED);
    house.no(Refusal::NotDeclared, "cargo.released", BAG, r#"{"pieces":3}"#);
    house.no(Refusal::NotDeclared, "cargo.inspection_requested", BAG, "{}");
    house.no(Refusal::NotDeclared, "cargo.declaration_corrected", BAG, DECLARED);
}

#[test]
fn refusal_208_cargo_is_declared_once() {
    House::declared().no(Refusal::AlreadyDeclared, "cargo.declared", BAG, DECLARED);
}

#[test]
fn refusal_209_cargo_is_counted_before_it_is_presented_inspected_or_reported_short() {
    let mut house = House::declared();
    house.no(Refusal::NotWarehoused, "cargo.presented", BAG, PRESENTED);
    house.no(Refusal::NotWarehoused, "cargo.shortover_reported", BAG, r#"{"counted":2,"manifest":3}"#);
    house.no(Refusal::NotWarehoused, "cargo.released", BAG, r#"{"pieces":3}"#);
    house.no(Refusal::NotWarehoused, "cargo.recounted", BAG, r#"{"pieces":3,"reason":"audit"}"#);
}

#[test]
fn refusal_210_cargo_is_counted_in_once_and_recounted_after() {
    House::warehoused().no(Refusal::AlreadyWarehoused, "cargo.warehoused", BAG, WAREHOUSED);
}

#[test]
fn refusal_211_without_a_lane_nothing_is_booked_or_released() {
    let mut house = House::warehoused();
    house.no(Refusal::NotScreened, "cargo.booked", BAG, BOOKED);
    house.no(Refusal::NotScreened, "cargo.released", BAG, r#"{"pieces":3}"#);
    let change = r#"{"from":"C1","reason":"origin","to":"C2"}"#;
    house.no(Refusal::NotScreened, "cargo.lane_changed", BAG, change);
}

#[test]
fn refusal_212_cargo_is_screened_once() {
    House::screened().no(Refusal::AlreadyScreened, "cargo.screened", BAG, SCREENED);
}

#[test]
fn refusal_213_a_broker_without_a_licence_in_force_declares_nothing() {
    let mut house = House::new();
    house.ok("cargo.manifested", BAG, MANIFESTED);
    let unknown = with(DECLARED, "broker", r#""22099131""#);
    house.no(Refusal::BrokerNotLicensed, "cargo.declared", BAG, &unknown);

    let suspended = r#"{"from":"2026-03-02","reason":"fines","until":"2026-03-02"}"#;
    house.ok("broker.suspended", "broker/12345675", suspended);
    house.no(Refusal::BrokerNotLicensed, "cargo.declared", BAG, DECLARED);
    house.at(NOW + DAY);
    house.ok("cargo.declared", BAG, DECLARED);
}

#[test]
fn refusal_214_the_category_fits_the_value_and_the_class() {
    let mut house = House::new();
    house.ok("cargo.manifested", BAG, MANIFESTED);
    let wrong =
        [("X2", 2_001), ("X3", 2_000), ("X3", 50_001), ("X4", 50_000), ("E2", 50_001), ("E3", 50_000)];
    for (category, value) in wrong {
        let data = with(&with(DECLARED, "category", &format!("\"{category}\"")), "value", &value.to_string());
        house.no(Refusal::CategoryMismatch, "cargo.declared", BAG, &data);
    }
    let general = "cargo/297-83993523/G1";
    house.ok("cargo.manifested", general, &with(MANIFESTED, "class", r#""general""#));
    house.no(Refusal::CategoryMismatch, "cargo.declared", general, DECLARED);
    for (category, value) in [("X2", 2_000), ("X3", 2_001), ("X3", 50_000), ("X4", 50_001), ("full", 1)] {
        let mut house = House::new();
        house.ok("cargo.manifested", BAG, MANIFESTED);
        let data = with(&with(DECLARED, "category", &format!("\"{category}\"")), "value", &value.to_string());
        house.ok("cargo.declared", BAG, &data);
    }
}

#[test]
fn refusal_215_an_express_bag_weighs_at_most_seventy_kilograms() {
    let mut house = House::new();
    house.ok("cargo.manifested", BAG, MANIFESTED);
    house.no(Refusal::TooHeavy, "cargo.declared", BAG, &with(DECLARED, "grams", "70001"));
    house.ok("cargo.declared", BAG, &with(DECLARED, "grams", "70000"));
}

#[test]
fn refusal_216_an_importer_is_represented_and_only_simplified_imports_are_confirmed_later() {
    let mut house = House::new();
    house.ok("cargo.manifested", BAG, MANIFESTED);
    let stranger = with(DECLARED, "importer", r#""04595257""#);
    house.no(Refusal::DelegationMissing, "cargo.declared", BAG, &stranger);
    let full = with(&with(DECLARED, "category", r#""full""#), "delegation", r#""bonded""#);
    house.no(Refusal::DelegationMissing, "cargo.declared", BAG, &full);
    house.ok("cargo.declared", BAG, &with(DECLARED, "importer", r#""12345675""#));
}

#[test]
fn refusal_217_advice_after_the_outcome_is_no_advice() {
    let advice = r#"{"factors":[],"flagged":true,"model":"m3","score":1,"source":"cargo_ai"}"#;
    let mut house = House::imaged();
    house.ok("cargo.advised", BAG, advice);
    house.ok("cargo.image_read", BAG, READ);
    house.no(Refusal::OutcomeKnown, "cargo.advised", BAG, advice);
}

#[test]
fn refusal_218_a_change_of_lane_names_the_lane_in_force() {
    let change = r#"{"from":"C2","reason":"origin","to":"C3"}"#;
    House::screened().no(Refusal::LaneDiffers, "cargo.lane_changed", BAG, change);
}

#[test]
fn refusal_219_an_officer_alone_takes_no_lane_down() {
    let mut house = House::screened();
    house.ok("cargo.lane_changed", BAG, r#"{"from":"C1","reason":"origin","to":"C3"}"#);
    let down = r#"{"from":"C3","reason":"known_shipper","to":"C1"}"#;
    house.no(Refusal::LaneDownNeedsSupervisor, "cargo.lane_changed", BAG, down);
}

#[test]
fn refusal_220_after_a_tip_not_even_a_supervisor_takes_the_lane_down() {
    let mut house = House::screened();
    house.ok("cargo.lane_changed", BAG, r#"{"from":"C1","reason":"tip","to":"C3"}"#);
    house.ok("cargo.held", BAG, &with(HELD, "basis", r#""tip""#));
    house.ok("cargo.lifted", BAG, r#"{"hold":1,"officer":"officer:7f3k","reason":"cleared"}"#);
    house.by(&[signer("officer:c29x", "supervisor")]);
    let down = r#"{"from":"C3","reason":"known_shipper","to":"C1"}"#;
    house.no(Refusal::LanePinned, "cargo.lane_changed", BAG, down);
}

const EXCEPTION: &str =
    r#"{"exception":"blurred_barcode","note":null,"pieces":1,"storage":"E1","warehouse":"C2001"}"#;

#[test]
fn refusal_221_while_an_exception_is_open_nothing_is_booked_numbered_or_released() {
    let mut house = House::screened();
    house.ok("cargo.booked", BAG, BOOKED);
    house.ok("cargo.exception_opened", BAG, EXCEPTION);
    house.no(Refusal::ExceptionOpen, "cargo.booked", BAG, BOOKED);
    house.no(Refusal::ExceptionOpen, "cargo.queued", BAG, QUEUED);
    house.no(Refusal::ExceptionOpen, "cargo.released", BAG, r#"{"pieces":3}"#);
}

#[test]
fn refusal_222_only_an_open_exception_is_answered_or_resolved() {
    let mut house = House::screened();
    house.no(Refusal::NoSuchException, "cargo.exception_answered", BAG, r#"{"answer":"x","exception":1}"#);
    house.ok("cargo.exception_opened", BAG, EXCEPTION);
    let resolved = r#"{"exception":1,"officer":"officer:7f3k","outcome":"corrected"}"#;
    house.ok("cargo.exception_resolved", BAG, resolved);
    house.no(Refusal::NoSuchException, "cargo.exception_resolved", BAG, resolved);
}

#[test]
fn refusal_223_lists_of_what_is_open_have_an_end() {
    let mut house = House::warehoused();
    house.ok("cargo.recounted", BAG, r#"{"pieces":90,"reason":"audit"}"#);
    for _ in 0..EXCEPTIONS_MAX {
        house.ok("cargo.exception_opened", BAG, EXCEPTION);
        house.ok("cargo.held", BAG, HELD);
    }
    house.no(Refusal::TooManyOpen, "cargo.exception_opened", BAG, EXCEPTION);
    house.no(Refusal::TooManyOpen, "cargo.held", BAG, HELD);
    for officer in 0..OFFICERS_MAX {
        let papers = format!(r#"{{"finding":"ok","officer":"officer:{officer}"}}"#);
        house.ok("cargo.documents_reviewed", BAG, &papers);
        let recused = format!(r#"{{"officer":"officer:x{officer}","reason":"relative"}}"#);
        house.ok("cargo.recused", BAG, &recused);
    }
    let papers = r#"{"finding":"ok","officer":"officer:99"}"#;
    house.no(Refusal::TooManyOpen, "cargo.documents_reviewed", BAG, papers);
    house.ok("cargo.documents_reviewed", BAG, r#"{"finding":"ok","officer":"officer:1"}"#);
    house.no(Refusal::TooManyOpen, "cargo.recused", BAG, r#"{"officer":"officer:99","reason":"relative"}"#);
}

#[test]
fn refusal_224_a_bag_has_one_live_slot() {
    let mut house = House::screened();
    house.ok("cargo.booked", BAG, BOOKED);
    house.no(Refusal::SlotLive, "cargo.booked", BAG, &with(BOOKED, "date", r#""2026-03-03""#));
    house.ok("cargo.queued", BAG, QUEUED);
    house.no(Refusal::SlotLive, "cargo.queued", BAG, &with(QUEUED, "number", "2"));

    house.at(NOW + DAY);
    house.ok("cargo.booked", BAG, &with(BOOKED, "date", r#""2026-03-03""#));
}

#[test]
fn refusal_226_after_it_was_presented_a_bag_needs_a_new_slot() {
    let mut house = House::imaged();
    house.no(Refusal::NoSlot, "cargo.presented", BAG, PRESENTED);
    house.ok("cargo.booked", BAG, BOOKED);
}

#[test]
fn refusal_226_a_number_goes_to_a_bag_that_asked_for_that_day_and_warehouse() {
    let mut house = House::screened();
    house.no(Refusal::NoSlot, "cargo.queued", BAG, QUEUED);
    house.no(Refusal::NoSlot, "cargo.presented", BAG, PRESENTED);
    house.ok("cargo.booked", BAG, BOOKED);
    house.no(Refusal::NoSlot, "cargo.queued", BAG, &with(QUEUED, "warehouse", r#""C2002""#));
    house.no(Refusal::NoSlot, "cargo.queued", BAG, &with(QUEUED, "date", r#""2026-03-03""#));
    house.no(Refusal::NoSlot, "cargo.presented", BAG, PRESENTED);
}

#[test]
fn refusal_227_a_bag_is_presented_after_its_number_was_called() {
    let mut house = House::queued();
    house.no(Refusal::NotCalled, "cargo.presented", BAG, PRESENTED);
    house.ok("queue.skipped", QUEUE, r#"{"number":1,"reason":"not_ready"}"#);
    house.no(Refusal::NotCalled, "cargo.presented", BAG, PRESENTED);
    house.ok("queue.called", QUEUE, r#"{"number":1}"#);
    house.ok("cargo.presented", BAG, PRESENTED);
}

#[test]
fn refusal_230_nobody_books_a_day_that_is_over_or_holds_until_one() {
    let mut house = House::screened();
    house.no(Refusal::DayPast, "cargo.booked", BAG, &with(BOOKED, "date", r#""2026-03-01""#));
    house.no(Refusal::DayPast, "cargo.held", BAG, &with(HELD, "review_by", r#""2026-03-01""#));
}

#[test]
fn refusal_232_a_bag_is_imaged_and_read_on_the_line_on_which_it_lies() {
    let mut house = House::queued();
    house.no(Refusal::NotPresented, "cargo.imaged", BAG, &imaged(IMAGE));
    let mut house = House::imaged();
    house.no(Refusal::NotPresented, "cargo.imaged", BAG, &with(&imaged(IMAGE), "line", r#""L2""#));
    house.no(Refusal::NotPresented, "cargo.image_read", BAG, &with(READ, "line", r#""L2""#));
}

#[test]
fn refusal_233_bags_are_merged_only_for_papers_exports_and_announced_goods() {
    let mut house = House::imaged();
    for merged in [r#""papers""#, r#""exports""#] {
        let data = with(&imaged(IMAGE), "merged", merged);
        house.no(Refusal::MergedBags, "cargo.imaged", BAG, &data);
    }
    house.ok("cargo.imaged", BAG, &with(&imaged(IMAGE), "merged", r#""announced""#));
}

#[test]
fn refusal_234_what_is_read_advised_or_reviewed_is_the_last_image() {
    let mut house = House::imaged();
    let other = with(READ, "image", &format!("\"{OTHER_IMAGE}\""));
    house.no(Refusal::NoImage, "cargo.image_read", BAG, &other);
    let suggestion = format!(r#"{{"class":"x","confidence":1,"image":"{OTHER_IMAGE}","model":"v2"}}"#);
    house.no(Refusal::NoImage, "cargo.ai_suggested", BAG, &suggestion);
    let review =
        format!(r#"{{"image":"{IMAGE}","officer":"officer:r1","unit":"office:CG","verdict":"clear"}}"#);
    house.no(Refusal::NoImage, "cargo.image_reviewed", BAG, &review);
}

#[test]
fn refusal_235_who_reads_is_on_that_line_that_day() {
    let mut house = House::imaged();
    house.at(NOW + DAY);
    house.no(Refusal::NotRostered, "cargo.image_read", BAG, &blind_read());

    let mut house = House::imaged();
    house.by(&[signer("officer:c29x", "supervisor")]);
    house.ok("roster.withdrawn", "roster/2026-03-02/L1", r#"{"officer":"officer:7f3k"}"#);
    house.no(Refusal::NotRostered, "cargo.image_read", BAG, &blind_read());
}

#[test]
fn refusal_236_who_reads_is_certified_that_day() {
    let mut house = House::imaged();
    house.by(&[signer("officer:c29x", "supervisor")]);
    let over = r#"{"solo_from":"2026-01-01","until":"2026-03-02"}"#;
    house.ok("officer.certified", "certificate/officer:7f3k", over);
    house.ok("cargo.image_read", BAG, READ);
    house.at(NOW + DAY);
    house.ok("roster.assigned", "roster/2026-03-03/L1", r#"{"officer":"officer:7f3k"}"#);
    house.no(Refusal::NotCertified, "cargo.image_read", BAG, READ);

    let mut house = House::imaged();
    house.by(&[signer("officer:c29x", "supervisor")]);
    let withdrawn = r#"{"reason":"misread"}"#;
    house.ok("officer.certificate_withdrawn", "certificate/officer:7f3k", withdrawn);
    house.no(Refusal::NotCertified, "cargo.image_read", BAG, READ);
}

#[test]
fn refusal_237_a_new_officer_never_reads_alone() {
    let new_officer = || {
        let mut house = House::imaged();
        house.by(&[signer("officer:c29x", "supervisor")]);
        let new = r#"{"solo_from":"2026-03-03","until":"2026-12-31"}"#;
        house.ok("officer.certified", "certificate/officer:7f3k", new);
        house
    };
    let mut house = new_officer();
    house.by(&[signer("officer:7f3k", "officer")]);
    house.no(Refusal::NewOfficerAlone, "cargo.image_read", BAG, READ);

    house.by(&[signer("officer:7f3k", "officer"), signer("officer:c29x", "supervisor")]);
    house.ok("cargo.image_read", BAG, READ);

    let mut house = new_officer();
    house.ok("roster.adviser_assigned", "roster/2026-03-02/L1", r#"{"adviser":"officer:c29x"}"#);
    house.by(&[signer("officer:7f3k", "officer")]);
    house.ok("cargo.image_read", BAG, READ);
}

#[test]
fn refusal_238_a_recused_officer_has_no_part_in_the_cargo() {
    let mut house = House::imaged();
    house.ok("cargo.recused", BAG, r#"{"officer":"officer:7f3k","reason":"relative"}"#);
    house.no(Refusal::OfficerRecused, "cargo.image_read", BAG, READ);
    house.no(Refusal::OfficerRecused, "cargo.tax_nil", BAG, "{}");

    for firm in [BROKER, IMPORTER] {
        let mut house = House::imaged();
        let party = format!(r#"{{"party":"{firm}"}}"#);
        house.ok("officer.recused", "certificate/officer:7f3k", &party);
        house.no(Refusal::OfficerRecused, "cargo.image_read", BAG, READ);
        house.by(&[signer("officer:c29x", "supervisor")]);
        house.ok("officer.recusal_ended", "certificate/officer:7f3k", &party);
        house.by(&[signer("officer:7f3k", "officer")]);
        house.ok("cargo.image_read", BAG, READ);
    }
}

#[test]
fn refusal_239_an_image_is_read_once() {
    House::read().no(Refusal::AlreadyRead, "cargo.image_read", BAG, READ);
}

const INSPECTED: &str =
    r#"{"broker_present":true,"destructive":false,"finding":"ok","officer":"officer:7f3k"}"#;

#[test]
fn refusal_240_cargo_that_is_neither_c3_nor_abnormal_is_not_opened() {
    House::read().no(Refusal::InspectionNotOrdered, "cargo.inspected", BAG, INSPECTED);
}

#[test]
fn refusal_241_goods_are_damaged_only_with_a_supervisor() {
    let mut house = House::read();
    house.ok("cargo.lane_changed", BAG, r#"{"from":"C1","reason":"origin","to":"C3"}"#);
    let destructive = with(INSPECTED, "destructive", "true");
    house.no(Refusal::SupervisorMustSign, "cargo.inspected", BAG, &destructive);
    house.by(&[signer("officer:7f3k", "officer"), signer("officer:c29x", "supervisor")]);
    house.ok("cargo.inspected", BAG, &destructive);
}

fn short() -> House {
    let mut house = House::declared();
    house.at(NOW + 5 * HOUR);
    house.ok("cargo.warehoused", BAG, &with(WAREHOUSED, "pieces", "2"));
    house
}

#[test]
fn refusal_242_a_report_states_the_figures_of_manifest_and_count() {
    let mut house = short();
    for data in [r#"{"counted":1,"manifest":3}"#, r#"{"counted":2,"manifest":4}"#] {
        house.no(Refusal::FiguresDiffer, "cargo.shortover_reported", BAG, data);
    }
    house.ok("cargo.shortover_reported", BAG, r#"{"airline":"CI","counted":2,"manifest":3}"#);
    house.no(Refusal::FiguresDiffer, "cargo.shortover_corrected", BAG, r#"{"counted":1}"#);
    house.ok("cargo.recounted", BAG, r#"{"pieces":1,"reason":"audit"}"#);
    house.no(Refusal::FiguresDiffer, "cargo.shortover_accepted", BAG, r#"{"officer":"officer:7f3k"}"#);
}

#[test]
fn refusal_243_where_nothing_differs_nothing_is_reported() {
    let mut house = House::warehoused();
    house.no(Refusal::NoDifference, "cargo.shortover_reported", BAG, r#"{"counted":3,"manifest":3}"#);
    house.no(Refusal::NoDifference, "cargo.shortover_corrected", BAG, r#"{"counted":3}"#);
}

#[test]
fn refusal_244_one_report_waits_at_a_time() {
    let mut house = short();
    house.ok("cargo.shortover_reported", BAG, r#"{"counted":2,"manifest":3}"#);
    house.no(Refusal::ReportOpen, "cargo.shortover_reported", BAG, r#"{"counted":2,"manifest":3}"#);
}

#[test]
fn refusal_245_what_was_not_reported_is_not_signed_accepted_corrected_or_withdrawn() {
    let mut house = short();
    house.no(Refusal::NoReport, "cargo.shortover_countersigned", BAG, r#"{"airline":"CI"}"#);
    house.no(Refusal::NoReport, "cargo.shortover_accepted", BAG, r#"{"officer":"officer:7f3k"}"#);
    house.no(Refusal::NoReport, "cargo.shortover_corrected", BAG, r#"{"counted":2}"#);
    house.no(Refusal::NoReport, "cargo.shortover_withdrawn", BAG, r#"{"reason":"found"}"#);
}

#[test]
fn refusals_246_and_247_the_airline_signs_once_and_before_customs_accepts() {
    let mut house = short();
    house.ok("cargo.shortover_reported", BAG, r#"{"counted":2,"manifest":3}"#);
    house.no(Refusal::NotCountersigned, "cargo.shortover_accepted", BAG, r#"{"officer":"officer:7f3k"}"#);
    house.ok("cargo.shortover_countersigned", BAG, r#"{"airline":"CI"}"#);
    house.no(Refusal::AlreadyCountersigned, "cargo.shortover_countersigned", BAG, r#"{"airline":"CI"}"#);
}

#[test]
fn refusal_248_only_an_open_hold_is_lifted_or_taken_from() {
    let mut house = House::warehoused();
    let lifted = r#"{"hold":1,"officer":"officer:7f3k","reason":"cleared"}"#;
    house.no(Refusal::NoSuchHold, "cargo.lifted", BAG, lifted);
    let disposed = r#"{"hold":1,"officer":"officer:7f3k","pieces":1,"reason":"unconfirmed"}"#;
    house.no(Refusal::NoSuchHold, "cargo.returned", BAG, disposed);
    house.no(Refusal::NoSuchHold, "cargo.abandoned", BAG, disposed);
}

#[test]
fn refusal_249_no_more_pieces_are_held_taken_released_or_reinspected_than_are_there() {
    let mut house = House::taxed();
    house.no(Refusal::TooManyPieces, "cargo.held", BAG, &with(HELD, "pieces", "4"));
    house.no(Refusal::TooManyPieces, "cargo.held", BAG, &with(HELD, "from", r#""released""#));
    house.ok("cargo.held", BAG, HELD);
    let disposed = r#"{"hold":1,"officer":"officer:7f3k","pieces":2,"reason":"unconfirmed"}"#;
    house.no(Refusal::TooManyPieces, "cargo.returned", BAG, disposed);
    house.no(Refusal::TooManyPieces, "cargo.released", BAG, r#"{"pieces":3}"#);
    house.ok("cargo.released", BAG, r#"{"pieces":2}"#);
    let reinspected = r#"{"finding":"ok","officer":"officer:i1","pieces":3}"#;
    house.no(Refusal::TooManyPieces, "cargo.reinspected", BAG, reinspected);
}

#[test]
fn refusal_250_the_tax_step_is_done_once() {
    let mut house = House::declared();
    house.draws.push((guarantee(GUARANTEE), declaration(DECLARATION)));
    house.ok("cargo.tax_secured", BAG, SECURED);
    house.no(Refusal::TaxDone, "cargo.tax_secured", BAG, SECURED);
    house.no(Refusal::TaxDone, "cargo.tax_covered", BAG, &with(SECURED, "amount", ""));
    house.no(Refusal::TaxDone, "cargo.tax_nil", BAG, "{}");
    house.no(Refusal::TaxDone, "cargo.tax_deposited", BAG, r#"{"amount":1,"reason":"tariff"}"#);
}

#[test]
fn refusal_251_tobacco_quota_goods_frequent_importers_and_higher_values_are_not_free() {
    House::declared().no(Refusal::TaxNotNil, "cargo.tax_nil", BAG, "{}");
    for restricted in ["frequent_importer", "tariff_quota", "tobacco_alcohol"] {
        let mut house = House::new();
        house.ok("cargo.manifested", BAG, MANIFESTED);
        let low = with(&with(DECLARED, "category", r#""X2""#), "value", "100");
        house.ok("cargo.declared", BAG, &with(&low, "restricted", &format!("[\"{restricted}\"]")));
        house.no(Refusal::TaxNotNil, "cargo.tax_nil", BAG, "{}");
    }
}

#[test]
fn refusal_252_a_draw_secures_the_declaration_of_the_cargo_and_no_other() {
    let other = with(SECURED, "declaration", r#""CA__15494A0002""#);
    House::declared().no(Refusal::WrongDeclaration, "cargo.tax_secured", BAG, &other);
}

#[test]
fn refusal_253_only_an_open_draw_covers_or_carries_a_release() {
    let mut house = House::read();
    house.no(Refusal::DrawGone, "cargo.tax_covered", BAG, &with(SECURED, "amount", ""));
    house.ok("cargo.tax_secured", BAG, SECURED);
    house.no(Refusal::DrawGone, "cargo.released", BAG, r#"{"pieces":3}"#);
}

#[test]
fn refusal_254_nothing_is_released_while_count_and_manifest_differ() {
    let mut house = House::taxed();
    house.ok("cargo.recounted", BAG, r#"{"pieces":4,"reason":"audit"}"#);
    house.no(Refusal::ShortoverOpen, "cargo.released", BAG, r#"{"pieces":3}"#);
    house.ok("cargo.shortover_reported", BAG, r#"{"airline":"CI","counted":4,"manifest":3}"#);
    house.ok("cargo.recounted", BAG, r#"{"pieces":3,"reason":"audit"}"#);
    house.no(Refusal::ShortoverOpen, "cargo.released", BAG, r#"{"pieces":3}"#);
    house.ok("cargo.shortover_withdrawn", BAG, r#"{"reason":"found"}"#);
    house.ok("cargo.released", BAG, r#"{"pieces":3}"#);
}

#[test]
fn refusal_255_every_released_express_bag_has_a_reading() {
    let mut house = House::imaged();
    house.ok("cargo.tax_paid", BAG, r#"{"amount":900,"channel":"debit"}"#);
    house.no(Refusal::ImageMissing, "cargo.released", BAG, r#"{"pieces":3}"#);
}

#[test]
fn refusal_256_papers_of_c2_and_c3_are_in_order_before_release() {
    let mut house = House::taxed();
    house.ok("cargo.lane_changed", BAG, r#"{"from":"C1","reason":"origin","to":"C2"}"#);
    house.no(Refusal::DocumentsMissing, "cargo.released", BAG, r#"{"pieces":3}"#);
    let papers = r#"{"finding":"mismatch","officer":"officer:7f3k"}"#;
    house.ok("cargo.documents_reviewed", BAG, papers);
    house.no(Refusal::DocumentsMissing, "cargo.released", BAG, r#"{"pieces":3}"#);
}

#[test]
fn refusal_257_cargo_of_c3_is_opened_and_in_order_before_release() {
    let mut house = House::taxed();
    house.ok("cargo.lane_changed", BAG, r#"{"from":"C1","reason":"origin","to":"C3"}"#);
    house.ok("cargo.documents_reviewed", BAG, r#"{"finding":"ok","officer":"officer:7f3k"}"#);
    house.no(Refusal::InspectionMissing, "cargo.released", BAG, r#"{"pieces":3}"#);
    house.ok("cargo.inspected", BAG, &with(INSPECTED, "finding", r#""mismatch""#));
    house.no(Refusal::InspectionMissing, "cargo.released", BAG, r#"{"pieces":3}"#);
    house.ok("cargo.inspected", BAG, INSPECTED);
    house.ok("cargo.released", BAG, r#"{"pieces":3}"#);
}

#[test]
fn refusal_258_nothing_is_released_before_its_tax_step() {
    let mut house = House::read();
    house.no(Refusal::TaxOpen, "cargo.released", BAG, r#"{"pieces":3}"#);
    let reopened = r#"{"officer":"officer:7f3k","reason":"decided"}"#;
    house.no(Refusal::TaxOpen, "cargo.tax_reopened", BAG, reopened);
}

#[test]
fn refusal_259_the_system_releases_c1_and_an_officer_the_rest() {
    let mut house = House::taxed();
    house.by(&[signer("officer:7f3k", "officer")]);
    house.ok("cargo.lane_changed", BAG, r#"{"from":"C1","reason":"origin","to":"C2"}"#);
    house.ok("cargo.documents_reviewed", BAG, r#"{"finding":"ok","officer":"officer:7f3k"}"#);
    house.by(&[signer("system:clearance", "release")]);
    house.no(Refusal::OfficerMustRelease, "cargo.released", BAG, r#"{"pieces":3}"#);

    let mut house = House::taxed();
    house.by(&[signer("system:clearance", "release")]);
    house.ok("cargo.released", BAG, r#"{"pieces":3}"#);
}

#[test]
fn refusal_260_cargo_of_a_stopped_declaration_is_not_released() {
    let mut house = House::taxed();
    house.stopped.push(declaration(DECLARATION));
    house.no(Refusal::DeclarationStopped, "cargo.released", BAG, r#"{"pieces":3}"#);
}

#[test]
fn refusal_261_only_released_goods_that_wait_are_reinspected() {
    let reinspected = r#"{"finding":"ok","officer":"officer:i1","pieces":1}"#;
    let mut house = House::taxed();
    house.no(Refusal::NotReleased, "cargo.reinspected", BAG, reinspected);
    let mut house = House::released();
    house.ok("cargo.gated_out", BAG, OUT);
    house.no(Refusal::NotReleased, "cargo.reinspected", BAG, reinspected);
}

#[test]
fn refusal_262_who_handled_the_cargo_does_not_check_it_nor_who_sits_in_the_same_section() {
    let mut house = House::released();
    let reinspected = r#"{"finding":"ok","officer":"officer:7f3k","pieces":1}"#;
    house.no(Refusal::CheckerInvolved, "cargo.reinspected", BAG, reinspected);
    let review =
        format!(r#"{{"image":"{IMAGE}","officer":"officer:r1","unit":"office:CA","verdict":"clear"}}"#);
    house.no(Refusal::CheckerInvolved, "cargo.image_reviewed", BAG, &review);
    let own = with(&with(&review, "officer", r#""officer:7f3k""#), "unit", r#""office:CG""#);
    house.no(Refusal::CheckerInvolved, "cargo.image_reviewed", BAG, &own);
}

#[test]
fn refusal_263_an_image_is_reviewed_within_three_months() {
    let review =
        format!(r#"{{"image":"{IMAGE}","officer":"officer:r1","unit":"office:CG","verdict":"clear"}}"#);
    let last = day(TODAY).plus_months(3).end_of_day_ms();
    let mut house = House::read();
    house.at(last);
    house.ok("cargo.image_reviewed", BAG, &review);
    house.at(last + 1);
    house.no(Refusal::ReviewWindowOver, "cargo.image_reviewed", BAG, &review);
}

#[test]
fn refusal_264_after_release_neither_declaration_nor_tax_step_changes() {
    let mut house = House::released();
    house.no(Refusal::AfterRelease, "cargo.declaration_corrected", BAG, DECLARED);
    let reopened = r#"{"officer":"officer:7f3k","reason":"decided"}"#;
    house.no(Refusal::AfterRelease, "cargo.tax_reopened", BAG, reopened);
}

#[test]
fn refusal_267_only_a_transfer_that_arrived_there_with_this_cargo_moves_it() {
    let approved = r#"{"from":"C2001","hawb":"598FJ923","mawb":"297-83993523","officer":"officer:7f3k","pieces":3,"to":"C2009"}"#;
    let moved = r#"{"transfer":"T1","warehouse":"C2009"}"#;
    let arrived = r#"{"at":"2026-03-02T22:00:00+08:00","pieces":3,"seal":"S-9"}"#;
    let mut house = House::warehoused();
    house.no(Refusal::NotArrived, "cargo.moved", BAG, moved);
    house.ok("transfer.approved", "transfer/T1", approved);
    house.no(Refusal::NotArrived, "cargo.moved", BAG, moved);
    house.ok("transfer.arrived", "transfer/T1", arrived);
    house.no(Refusal::NotArrived, "cargo.moved", BAG, &with(moved, "warehouse", r#""C2008""#));
    house.ok("transfer.approved", "transfer/T2", &with(approved, "hawb", r#""OTHER""#));
    house.ok("transfer.arrived", "transfer/T2", arrived);
    house.no(Refusal::NotArrived, "cargo.moved", BAG, &with(moved, "transfer", r#""T2""#));
    house.ok("cargo.moved", BAG, moved);
}

#[test]
fn refusal_268_a_mark_hits_only_while_it_is_live_and_only_what_it_names() {
    let hit = r#"{"basis":"tip","target":"T-1"}"#;
    let mark = r#"{"basis":"tip","firm":"12345675","subject":null,"until":"2026-04-01"}"#;
    let mut house = House::warehoused();
    house.no(Refusal::TargetNotLive, "cargo.targeted", BAG, hit);
    house.ok("target.set", "target/T-1", mark);
    house.no(Refusal::TargetNotLive, "cargo.targeted", BAG, &with(hit, "basis", r#""risk""#));
    house.ok("target.set", "target/T-2", &with(mark, "firm", r#""04595257""#));
    house.no(Refusal::TargetNotLive, "cargo.targeted", BAG, &with(hit, "target", r#""T-2""#));
    house.ok("cargo.targeted", BAG, hit);
    assert!(house.bag().tipped);
    house.at(day("2026-04-01").end_of_day_ms() + 1);
    house.no(Refusal::TargetNotLive, "cargo.targeted", BAG, hit);
}

/// Makes one guard of a release fail.
type Fault = fn(&mut House);

/// Each fault of a release with its refusal, in the order of the numbers.
const FAULTS: [(Refusal, Fault); 9] = [
    (Refusal::ExceptionOpen, |house| house.ok("cargo.exception_opened", BAG, EXCEPTION)),
    (Refusal::OfficerRecused, |house| {
        house.ok("cargo.recused", BAG, r#"{"officer":"officer:7f3k","reason":"relative"}"#);
    }),
    (Refusal::TooManyPieces, |house| house.ok("cargo.held", BAG, HELD)),
    (Refusal::DrawGone, |house| house.draws.clear()),
    (Refusal::ShortoverOpen, |house| {
        house.ok("cargo.recounted", BAG, r#"{"pieces":9,"reason":"audit"}"#);
    }),
    (Refusal::ImageMissing, |house| house.ok("cargo.imaged", BAG, &imaged(OTHER_IMAGE))),
    (Refusal::DocumentsMissing, |house| {
        let papers = r#"{"finding":"mismatch","officer":"officer:7f3k"}"#;
        house.ok("cargo.documents_reviewed", BAG, papers);
    }),
    (Refusal::InspectionMissing, |house| {
        house.ok("cargo.lane_changed", BAG, r#"{"from":"C2","reason":"origin","to":"C3"}"#);
    }),
    (Refusal::DeclarationStopped, |house| house.stopped.push(declaration(DECLARATION))),
];

#[test]
fn when_two_guards_of_a_release_fail_the_lower_number_is_the_verdict() {
    for (position, (expected, fault)) in FAULTS.iter().enumerate() {
        for (_, later) in &FAULTS[position + 1..] {
            let mut house = House::read();
            house.draws.push((guarantee(GUARANTEE), declaration(DECLARATION)));
            house.ok("cargo.lane_changed", BAG, r#"{"from":"C1","reason":"origin","to":"C2"}"#);
            house.ok("cargo.documents_reviewed", BAG, r#"{"finding":"ok","officer":"officer:7f3k"}"#);
            house.ok("cargo.tax_secured", BAG, SECURED);
            // The later fault first, so that an open exception or a recusal does not stop its making.
            later(&mut house);
            fault(&mut house);
            // Three pieces were counted; a recount to nine leaves room, so more are asked for.
            let pieces =
                if *expected == Refusal::TooManyPieces { r#"{"pieces":9}"# } else { r#"{"pieces":1}"# };
            house.no(*expected, "cargo.released", BAG, pieces);
        }
    }
}

#[test]
fn the_numbers_of_clearance_are_those_of_the_specification() {
    let codes: Vec<u16> =
        Refusal::ALL.iter().map(|refusal| refusal.code()).filter(|code| (201..280).contains(code)).collect();

    assert_eq!(codes, (201..=271).collect::<Vec<_>>());
    assert_eq!(Refusal::OfficerRecused.code(), 238);
    assert_eq!(Refusal::DeclarationStopped.code(), 260);
}
