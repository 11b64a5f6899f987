//! Every transition and every refusal of a guarantee, by its sentence.

use lian_core::json::Value;

use super::*;
use crate::{
    context::{Context, World},
    dates::Day,
    ids::{DeclarationNo, Ubn},
    money::Twd,
    refusal::Refusal,
    rules::{RestoreOrder, Rules},
};

const NO: &str = "guarantee/FB-115-000123";
const DEBTOR: &str = "12345675";
const IMPORTER: &str = "22099131";
const FIRST: &str = "CA__15494A0001";
const SECOND: &str = "CA__15494A0002";
const THIRD: &str = "CA__15494A0003";

type Members = Vec<(&'static str, Value<'static>)>;

fn n(number: i64) -> Value<'static> {
    Value::Int(number)
}

fn t(text: &'static str) -> Value<'static> {
    Value::text(text)
}

fn set(members: &mut Members, name: &'static str, value: Value<'static>) {
    members.retain(|(known, _)| *known != name);
    members.push((name, value));
}

fn request() -> Members {
    vec![
        ("bank", t("004")),
        ("branch", t("0107")),
        ("debtor", t(DEBTOR)),
        ("from", t("2026-01-01")),
        ("kind", t("independent")),
        ("limit", n(10_000_000)),
        ("no", t("FB-115-000123")),
        ("purpose", t("importer")),
        ("scope", t("all")),
        ("to", t("2026-12-31")),
    ]
}

fn taxes(duty: i64) -> Value<'static> {
    Value::object([("duty", n(duty))])
}

fn draw(declaration: &'static str, duty: i64) -> Members {
    vec![
        ("declaration", t(declaration)),
        ("house", t("CA")),
        ("importer", t(DEBTOR)),
        ("manual", Value::Bool(false)),
        ("served_on", t("2026-03-02")),
        ("taxes", taxes(duty)),
    ]
}

fn of(declaration: &'static str, more: &[(&'static str, Value<'static>)]) -> Members {
    let mut members = vec![("declaration", t(declaration))];
    members.extend_from_slice(more);
    members
}

fn paid(declaration: &'static str, amount: i64) -> Members {
    of(declaration, &[("amount", n(amount))])
}

fn claim(draws: &[(&'static str, i64)]) -> Members {
    let draws = draws.iter().map(|(declaration, amount)| Value::object(paid(declaration, *amount)));
    vec![("default", t("unpaid_after_due")), ("draws", Value::List(draws.collect()))]
}

fn parse(kind: &str, members: Members) -> Result<Event, lian_core::json::SchemaError> {
    let bytes = Value::object(members).write();
    Event::parse(&format!("guarantee.{kind}"), NO, &Value::read(&bytes).unwrap())
}

#[derive(Default)]
struct Facts {
    suspended: Vec<Ubn>,
    delegated: Vec<(Ubn, Ubn)>,
    blocked: Vec<DeclarationNo>,
    drawn: Vec<DeclarationNo>,
}

impl World for Facts {
    fn scheme_suspended(&self, debtor: &Ubn, _: i64) -> bool {
        self.suspended.contains(debtor)
    }
    fn delegated(&self, broker: &Ubn, importer: &Ubn) -> bool {
        self.delegated.contains(&(*broker, *importer))
    }
    fn declaration_blocked(&self, declaration: &DeclarationNo) -> bool {
        self.blocked.contains(declaration)
    }
    fn has_open_draw(&self, declaration: &DeclarationNo) -> bool {
        self.drawn.contains(declaration)
    }
}

fn signer(actor: &'static str, capacity: &'static str, person: Option<&'static str>) -> Signer<'static> {
    Signer { actor, capacity, person, unit: "office:CA" }
}

/// One guarantee, the facts around it and the day on which the next event is recorded.
struct House {
    state: Option<State>,
    rules: Rules,
    facts: Facts,
    today: Day,
    signers: Vec<Signer<'static>>,
}

impl House {
    fn new() -> Self {
        Self {
            state: None,
            rules: Rules::standard(),
            facts: Facts::default(),
            today: Day::parse("2026-03-02").unwrap(),
            signers: vec![
                signer("officer:7f3k", "officer", Some("p1")),
                signer("officer:c29x", "supervisor", Some("p2")),
            ],
        }
    }

    /// Requested with some members replaced, and accepted.
    fn active_with(changes: Members) -> Self {
        let mut house = Self::new();
        let mut members = request();
        for (name, value) in changes {
            set(&mut members, name, value);
        }
        house.ok("requested", members);
        let terms = Value::text(house.state().terms().terms.to_hex());
        house.ok("accepted", vec![("terms", terms)]);
        house
    }

    fn active() -> Self {
        Self::active_with(Vec::new())
    }

    /// Active, with one draw of 3,000,000 that is overdue.
    fn overdue() -> Self {
        let mut house = Self::active();
        house.ok("drawn", draw(FIRST, 3_000_000));
        house.on("2026-03-17");
        house
    }

    fn on(&mut self, day: &str) {
        self.today = Day::parse(day).unwrap();
    }

    fn state(&self) -> &State {
        self.state.as_ref().unwrap()
    }

    fn send(&mut self, kind: &str, members: Members) -> Result<Effects, Refusal> {
        let event = parse(kind, members).unwrap();
        let before = self.state.clone();
        let context = Context {
            recorded_at: self.today.end_of_day_ms(),
            rules: &self.rules,
            signers: &self.signers,
            world: &self.facts,
        };
        decide(before.as_ref(), &event, &context)?;
        let effects = evolve(&mut self.state, &event, &context).unwrap();
        let value = self.state().to_value();
        assert_eq!(State::from_value(&value).unwrap(), *self.state(), "a kept state is the state");
        Ok(effects)
    }

    #[track_caller]
    fn ok(&mut self, kind: &str, members: Members) -> Effects {
        self.send(kind, members).unwrap()
    }

    #[track_caller]
    fn refused(&mut self, kind: &str, members: Members, refusal: Refusal) {
        let before = self.state.clone();
        assert_eq!(self.send(kind, members), Err(refusal));
        assert_eq!(self.state, before, "a refusal changes nothing");
    }

    #[track_caller]
    fn stands(&self, outstanding: u64, available: u64, limit: u64) {
        let state = self.state();
        let sums = (state.outstanding().get(), state.available().get(), state.limit().get());
        assert_eq!(sums, (outstanding, available, limit));
    }

    fn status(&self) -> Status {
        self.state().status()
    }
}

fn twd(dollars: u64) -> Twd {
    Twd::new(dollars).unwrap()
}

fn no(text: &str) -> DeclarationNo {
    DeclarationNo::parse(text).unwrap()
}

// ---- transitions, by row -------------------------------------------------------------------

#[test]
fn row_1_a_request_is_recorded_and_not_usable_yet() {
    let mut house = House::new();

    house.ok("requested", request());

    assert_eq!(house.status(), Status::Requested);
    assert_eq!(house.state().terms().terms, terms_hash(&Value::object(request())));
    house.refused("drawn", draw(FIRST, 1), Refusal::NotActive);
}

#[test]
fn row_2_accept_makes_it_active_from_its_first_day() {
    let mut house = House::active_with(vec![("from", t("2026-04-01"))]);

    assert_eq!(house.status(), Status::Active);
    assert_eq!(house.state().standing(house.today), Standing::NotYetValid);
    house.on("2026-04-01");
    assert_eq!(house.state().standing(house.today), Standing::Active);
    house.ok("drawn", draw(FIRST, 1));
}

#[test]
fn row_3_customs_may_reject_a_request() {
    let mut house = House::new();
    house.ok("requested", request());

    house.ok("rejected", vec![("reason", t("wrong_branch"))]);

    assert_eq!(house.status(), Status::Rejected);
}

#[test]
fn row_4_a_bank_that_suspends_its_request_withdraws_it() {
    let mut house = House::new();
    house.ok("requested", request());

    house.ok("suspended", Vec::new());

    assert_eq!(house.status(), Status::Withdrawn);
}

#[test]
fn row_5_a_draw_takes_quota_and_is_due_fourteen_days_after_service() {
    let mut house = House::active();

    let effects = house.ok("drawn", draw(FIRST, 3_000_000));

    assert_eq!(effects, Effects { opened: Some(no(FIRST)), closed: vec![] });
    house.stands(3_000_000, 7_000_000, 10_000_000);
    let open = house.state().open_draw(&no(FIRST)).unwrap();
    assert_eq!((open.number, open.due_on), (1, Day::parse("2026-03-16").unwrap()));
}

#[test]
fn row_6_an_assessment_moves_the_debt_either_way_and_may_pass_the_limit() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 9_000_000));

    house.ok("assessed", of(FIRST, &[("change", n(1_500_000))]));
    house.stands(10_500_000, 0, 10_000_000);
    assert_eq!(house.state().over_limit(), twd(500_000));

    house.ok("assessed", of(FIRST, &[("change", n(-2_500_000))]));
    house.stands(8_000_000, 2_000_000, 10_000_000);
    assert_eq!(house.state().strays(), 0);
}

#[test]
fn row_7_a_payment_restores_exactly_its_amount_and_the_last_one_closes_the_draw() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 3_000_000));

    assert_eq!(house.ok("tax_paid", paid(FIRST, 1_000_000)), Effects::default());
    house.stands(2_000_000, 8_000_000, 10_000_000);
    let effects = house.ok("tax_paid", paid(FIRST, 2_000_000));

    assert_eq!(effects.closed, [no(FIRST)]);
    house.stands(0, 10_000_000, 10_000_000);
}

#[test]
fn row_8_bank_and_customs_may_raise_the_limit() {
    let mut house = House::active();

    house.ok("amended", vec![("limit", n(12_000_000))]);

    house.stands(0, 12_000_000, 12_000_000);
}

#[test]
fn row_9_the_limit_may_be_lowered_to_what_is_outstanding() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 3_000_000));

    house.ok("amended", vec![("limit", n(3_000_000))]);

    house.stands(3_000_000, 0, 3_000_000);
    assert_eq!(house.state().standing(house.today), Standing::Exhausted);
}

#[test]
fn row_10_validity_may_be_extended_or_shortened_to_the_last_due_day() {
    let mut house = House::active();

    house.ok("amended", vec![("to", t("2027-06-30"))]);
    house.ok("drawn", draw(FIRST, 3_000_000));
    house.ok("amended", vec![("to", t("2026-03-16"))]);

    assert_eq!(house.state().terms().to, Day::parse("2026-03-16").unwrap());
}

#[test]
fn row_11_suspend_stops_new_draws_and_leaves_old_ones_secured() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 3_000_000));

    house.ok("suspended", vec![("reason", t("debtor_in_default"))]);

    assert_eq!(house.status(), Status::Suspended);
    house.stands(3_000_000, 7_000_000, 10_000_000);
    house.refused("drawn", draw(SECOND, 1), Refusal::Suspended);
    house.ok("tax_paid", paid(FIRST, 3_000_000));
}

#[test]
fn row_12_validity_ends_with_its_last_day_in_taipei_and_nobody_has_to_say_so() {
    let mut house = House::active();
    let stored = house.state().digest();

    house.on("2026-12-31");
    assert_eq!(house.state().standing(house.today), Standing::Active);
    house.ok("drawn", draw(FIRST, 1));
    house.on("2027-01-01");

    assert_eq!(house.state().standing(house.today), Standing::Expired);
    house.refused("drawn", draw(SECOND, 1), Refusal::Expired);
    house.ok("tax_paid", paid(FIRST, 1));
    let mut again = House::active();
    again.on("2027-01-01");
    assert_eq!(again.state().digest(), stored, "the state does not depend on the day of asking");
}

#[test]
fn row_13_a_claim_freezes_what_it_asks_from_the_day_after_the_due_day() {
    let mut house = House::overdue();

    house.ok("claimed", claim(&[(FIRST, 3_000_000)]));

    assert_eq!(house.state().pending(), twd(3_000_000));
    assert_eq!(house.state().claims()[0].number, 1);
    house.stands(3_000_000, 7_000_000, 10_000_000);
}

#[test]
fn row_13_claims_are_possible_when_suspended_and_when_expired_within_the_tail() {
    let mut house = House::overdue();
    house.ok("suspended", Vec::new());
    house.on("2027-01-30");

    house.ok("claimed", claim(&[(FIRST, 1)]));
}

#[test]
fn row_14_a_paid_claim_lowers_debt_and_limit_for_good() {
    let mut house = House::overdue();
    house.ok("claimed", claim(&[(FIRST, 3_000_000)]));

    let effects = house.ok("claim_paid", vec![("amount", n(3_000_000)), ("claim", n(1))]);

    assert_eq!(effects.closed, [no(FIRST)]);
    house.stands(0, 7_000_000, 7_000_000);
    assert_eq!(house.state().called(), twd(3_000_000));
}

#[test]
fn row_14_a_refused_or_withdrawn_claim_frees_what_it_froze_and_the_debt_stays() {
    let answers: [(&str, Members); 2] = [
        ("claim_refused", vec![("claim", n(1)), ("reasons", Value::List(vec![t("no_default")]))]),
        ("claim_withdrawn", vec![("claim", n(1)), ("reason", t("paid_by_debtor"))]),
    ];
    for (kind, answer) in answers {
        let mut house = House::overdue();
        house.ok("claimed", claim(&[(FIRST, 3_000_000)]));

        house.ok(kind, answer);

        assert_eq!(house.state().pending(), Twd::ZERO);
        house.stands(3_000_000, 7_000_000, 10_000_000);
        house.ok("claimed", claim(&[(FIRST, 3_000_000)]));
        assert_eq!(house.state().claims()[0].number, 2);
    }
}

#[test]
fn row_15_close_ends_a_guarantee_with_nothing_outstanding_whether_active_suspended_or_expired() {
    for (is_suspended, day) in [(false, "2026-03-02"), (true, "2026-03-02"), (false, "2027-05-01")] {
        let mut house = House::active();
        if is_suspended {
            house.ok("suspended", Vec::new());
        }
        house.on(day);

        house.ok("closed", Vec::new());

        assert_eq!(house.status(), Status::Closed);
    }
}

#[test]
fn the_test_vector_holds_to_the_dollar() {
    let mut house = House::active();

    house.ok("drawn", draw(FIRST, 3_000_000));
    house.stands(3_000_000, 7_000_000, 10_000_000);
    house.ok("drawn", draw(SECOND, 7_000_000));
    house.stands(10_000_000, 0, 10_000_000);
    house.refused("drawn", draw(THIRD, 1), Refusal::QuotaInsufficient);
    house.ok("tax_paid", paid(FIRST, 3_000_000));
    house.stands(7_000_000, 3_000_000, 10_000_000);
    house.ok("assessed", of(SECOND, &[("change", n(200_000))]));
    house.stands(7_200_000, 2_800_000, 10_000_000);
    house.refused("amended", vec![("limit", n(7_000_000))], Refusal::BelowOutstanding);
    house.ok("amended", vec![("limit", n(8_000_000))]);
    house.stands(7_200_000, 800_000, 8_000_000);
    house.ok("suspended", Vec::new());
    house.refused("drawn", draw(THIRD, 1), Refusal::Suspended);
    house.on("2026-03-26"); // due 16 March: 10 days late
    let context = Context {
        recorded_at: house.today.end_of_day_ms(),
        rules: &house.rules,
        signers: &[],
        world: &house.facts,
    };
    assert_eq!(house.state().surcharge(&no(SECOND), &context), Some(twd(36_000)));
    house.ok("surcharge_accrued", of(SECOND, &[("amount", n(36_000)), ("days", n(10))]));
    house.stands(7_236_000, 764_000, 8_000_000);
    house.ok("claimed", claim(&[(SECOND, 7_236_000)]));
    house.ok("claim_paid", vec![("amount", n(7_236_000)), ("claim", n(1))]);
    house.stands(0, 764_000, 764_000);
    house.ok("closed", Vec::new());
    for (kind, members) in commands() {
        if kind != "requested" {
            house.refused(kind, members, Refusal::Ended);
        }
    }
}

/// One well-formed example of every command.
fn commands() -> Vec<(&'static str, Members)> {
    vec![
        ("requested", request()),
        ("accepted", vec![("terms", Value::text("0".repeat(64)))]),
        ("rejected", vec![("reason", t("any"))]),
        ("suspended", Vec::new()),
        ("amended", vec![("limit", n(1))]),
        ("drawn", draw(THIRD, 1)),
        ("draw_cancelled", of(FIRST, &[("reason", t("withdrawn"))])),
        ("claimed", claim(&[(FIRST, 1)])),
        ("claim_paid", vec![("amount", n(1)), ("claim", n(1))]),
        ("claim_refused", vec![("claim", n(1)), ("reasons", Value::List(vec![t("any")]))]),
        ("claim_withdrawn", vec![("claim", n(1)), ("reason", t("any"))]),
        ("closed", Vec::new()),
    ]
}

/// One well-formed example of every fact.
fn facts() -> Vec<(&'static str, Members)> {
    vec![
        ("assessed", of(FIRST, &[("change", n(50))])),
        ("tax_paid", paid(FIRST, 30)),
        ("surcharge_accrued", of(FIRST, &[("amount", n(7)), ("days", n(1))])),
    ]
}

// ---- refusals, by number -------------------------------------------------------------------

#[test]
fn refusal_101_nothing_can_be_done_with_a_guarantee_that_was_never_requested() {
    for (kind, members) in commands().into_iter().chain(facts()) {
        if kind != "requested" {
            House::new().refused(kind, members, Refusal::UnknownGuarantee);
        }
    }
}

#[test]
fn refusal_102_a_guarantee_number_is_used_once_even_after_the_guarantee_ended() {
    let mut house = House::active();
    house.refused("requested", request(), Refusal::NumberTaken);
    house.ok("closed", Vec::new());
    house.refused("requested", request(), Refusal::NumberTaken);
}

#[test]
fn refusal_103_no_command_is_possible_on_a_guarantee_that_ended() {
    for end in ["rejected", "suspended"] {
        let mut house = House::new();
        house.ok("requested", request());
        house.ok(end, vec![("reason", t("any"))]);
        for (kind, members) in commands().into_iter().skip(1) {
            house.refused(kind, members, Refusal::Ended);
        }
    }
}

#[test]
fn refusal_104_only_a_registered_bank_may_guarantee() {
    let mut members = request();
    set(&mut members, "bank", t("700"));
    House::new().refused("requested", members, Refusal::BankNotRegistered);

    let mut house = House::new();
    house.ok("requested", request());
    let terms = Value::text(house.state().terms().terms.to_hex());
    house.rules.banks.remove(0);
    house.refused("accepted", vec![("terms", terms)], Refusal::BankNotRegistered);
}

#[test]
fn refusal_105_a_request_can_only_be_accepted_rejected_or_withdrawn() {
    let answers = ["requested", "accepted", "rejected", "suspended"];
    for (kind, members) in commands() {
        if !answers.contains(&kind) {
            let mut house = House::new();
            house.ok("requested", request());
            house.refused(kind, members, Refusal::NotActive);
        }
    }
}

#[test]
fn refusal_106_a_suspended_guarantee_takes_no_draw_no_amendment_and_no_second_suspend() {
    let mut house = House::active();
    house.ok("suspended", Vec::new());
    for (kind, members) in commands() {
        if ["suspended", "amended", "drawn"].contains(&kind) {
            house.refused(kind, members, Refusal::Suspended);
        }
    }
}

#[test]
fn refusal_107_a_lapsed_request_is_not_accepted_and_an_expired_guarantee_not_drawn_or_amended() {
    let mut house = House::new();
    house.ok("requested", request());
    let terms = Value::text(house.state().terms().terms.to_hex());
    house.on("2027-01-01");
    house.refused("accepted", vec![("terms", terms)], Refusal::Expired);

    let mut house = House::active();
    house.on("2027-01-01");
    house.refused("drawn", draw(FIRST, 1), Refusal::Expired);
    house.refused("amended", vec![("to", t("2027-12-31"))], Refusal::Expired);
}

#[test]
fn refusal_108_no_draw_before_the_first_day() {
    let mut house = House::active_with(vec![("from", t("2026-03-03"))]);
    house.refused("drawn", draw(FIRST, 1), Refusal::NotYetValid);
}

#[test]
fn refusal_109_a_draw_above_the_quota_is_refused_whole() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 9_999_999));
    house.refused("drawn", draw(SECOND, 2), Refusal::QuotaInsufficient);
    house.ok("drawn", draw(SECOND, 1));
}

#[test]
fn refusal_110_a_guarantee_for_one_house_is_not_drawn_on_at_another() {
    for (scope, accepted) in [("CA", true), ("C", true), ("all", true), ("CG", false), ("D", false)] {
        let mut house = House::active_with(vec![("scope", t(scope))]);
        if accepted {
            house.ok("drawn", draw(FIRST, 1));
        } else {
            house.refused("drawn", draw(FIRST, 1), Refusal::OutOfScope);
        }
    }
}

#[test]
fn refusal_111_an_importers_guarantee_is_for_its_own_imports() {
    let mut members = draw(FIRST, 1);
    set(&mut members, "importer", t(IMPORTER));
    House::active().refused("drawn", members, Refusal::WrongDebtor);
}

#[test]
fn refusal_112_a_brokers_guarantee_is_for_importers_that_it_represents() {
    let mut house = House::active_with(vec![("purpose", t("broker"))]);
    let mut members = draw(FIRST, 1);
    set(&mut members, "importer", t(IMPORTER));
    house.refused("drawn", members.clone(), Refusal::NotRepresented);
    set(&mut members, "broker", t(DEBTOR));
    house.refused("drawn", members.clone(), Refusal::NotRepresented);
    house.facts.delegated = vec![(Ubn::parse(DEBTOR).unwrap(), Ubn::parse(IMPORTER).unwrap())];
    let mut other = members.clone();
    set(&mut other, "broker", t("04595257"));
    house.refused("drawn", other, Refusal::NotRepresented);
    house.ok("drawn", members);
}

#[test]
fn refusal_113_a_company_whose_scheme_is_suspended_gets_no_accept_and_no_draw() {
    let mut house = House::new();
    house.ok("requested", request());
    let terms = Value::text(house.state().terms().terms.to_hex());
    house.facts.suspended = vec![Ubn::parse(DEBTOR).unwrap()];
    house.refused("accepted", vec![("terms", terms)], Refusal::SchemeSuspended);

    let mut house = House::active_with(vec![("purpose", t("broker"))]);
    house.facts.delegated = vec![(Ubn::parse(DEBTOR).unwrap(), Ubn::parse(IMPORTER).unwrap())];
    let mut members = draw(FIRST, 1);
    set(&mut members, "importer", t(IMPORTER));
    set(&mut members, "broker", t(DEBTOR));
    for company in [DEBTOR, IMPORTER] {
        house.facts.suspended = vec![Ubn::parse(company).unwrap()];
        house.refused("drawn", members.clone(), Refusal::SchemeSuspended);
    }
}

#[test]
fn refusal_114_a_declaration_has_one_open_draw_on_all_guarantees_together() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 1));
    house.refused("drawn", draw(FIRST, 1), Refusal::DuplicateDraw);
    house.facts.drawn = vec![no(SECOND)];
    house.refused("drawn", draw(SECOND, 1), Refusal::DuplicateDraw);
    house.ok("tax_paid", paid(FIRST, 1));
    house.ok("drawn", draw(FIRST, 1));
    assert_eq!(house.state().open_draw(&no(FIRST)).unwrap().number, 2);
}

#[test]
fn refusal_115_a_cancelled_seized_or_held_declaration_is_not_drawn_for() {
    let mut house = House::active();
    house.facts.blocked = vec![no(FIRST)];
    house.refused("drawn", draw(FIRST, 1), Refusal::NotReleasable);
}

#[test]
fn refusal_116_a_tax_outside_the_guarantee_or_outside_the_rules_is_not_covered() {
    let mut house = House::active_with(vec![("tax_types", Value::List(vec![t("duty"), t("vat")]))]);
    let mut members = draw(FIRST, 1);
    set(&mut members, "taxes", Value::object([("duty", n(1)), ("trade_fee", n(1))]));
    house.refused("drawn", members.clone(), Refusal::TaxTypeNotCovered);
    set(&mut members, "taxes", Value::object([("duty", n(1)), ("vat", n(1))]));
    let all = house.rules.tax_types;
    house.rules.tax_types = crate::money::TaxSet::NONE.with(crate::money::TaxType::Duty);
    house.refused("drawn", members.clone(), Refusal::TaxTypeNotCovered);
    house.rules.tax_types = all;
    house.ok("drawn", members);
}

#[test]
fn refusal_117_accept_of_other_terms_than_requested_is_refused() {
    let mut house = House::new();
    house.ok("requested", request());
    let mut other = request();
    set(&mut other, "limit", n(10_000_001));
    let terms = Value::text(terms_hash(&Value::object(other)).to_hex());
    house.refused("accepted", vec![("terms", terms)], Refusal::TermsMismatch);
}

#[test]
fn refusal_118_a_guarantee_is_accepted_once_and_not_rejected_after() {
    let mut house = House::active();
    let terms = Value::text(house.state().terms().terms.to_hex());
    house.refused("accepted", vec![("terms", terms)], Refusal::AlreadyAccepted);
    house.refused("rejected", vec![("reason", t("any"))], Refusal::AlreadyAccepted);
    house.ok("suspended", Vec::new());
    house.refused("rejected", vec![("reason", t("any"))], Refusal::AlreadyAccepted);
}

#[test]
fn refusal_119_from_the_amount_in_the_rules_accept_needs_a_supervisor() {
    for (limit, accepted) in [(49_999_999, true), (50_000_000, false)] {
        let mut house = House::new();
        house.signers.truncate(1);
        let mut members = request();
        set(&mut members, "limit", n(limit));
        house.ok("requested", members);
        let terms = vec![("terms", Value::text(house.state().terms().terms.to_hex()))];
        if accepted {
            house.ok("accepted", terms);
        } else {
            house.refused("accepted", terms, Refusal::SupervisorNeeded);
        }
    }
}

#[test]
fn refusal_120_officer_and_supervisor_are_two_persons() {
    let mut house = House::overdue();
    house.signers[1].person = Some("p1");
    house.refused("claimed", claim(&[(FIRST, 1)]), Refusal::SamePerson);

    let mut house = House::new();
    house.ok("requested", request());
    house.signers[1].person = Some("p1");
    let terms = Value::text(house.state().terms().terms.to_hex());
    house.refused("accepted", vec![("terms", terms)], Refusal::SamePerson);
}

#[test]
fn refusal_121_a_guarantee_with_sums_outstanding_is_not_closed() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 1));
    house.refused("closed", Vec::new(), Refusal::OutstandingDraws);
}

#[test]
fn refusal_122_while_a_claim_is_pending_its_draw_is_not_cancelled_and_nothing_closed() {
    let mut house = House::overdue();
    house.ok("claimed", claim(&[(FIRST, 3_000_000)]));
    house.refused("draw_cancelled", of(FIRST, &[("reason", t("withdrawn"))]), Refusal::ClaimPending);
    house.ok("tax_paid", paid(FIRST, 3_000_000));
    house.refused("closed", Vec::new(), Refusal::ClaimPending);
    house.ok("claim_withdrawn", vec![("claim", n(1)), ("reason", t("paid_by_debtor"))]);
    house.ok("closed", Vec::new());
}

#[test]
fn refusal_123_a_deposit_that_awaits_its_assessment_keeps_the_guarantee_open_for_six_months() {
    let mut house = House::active();
    let mut members = draw(FIRST, 1);
    set(&mut members, "taxes", Value::object([("deposit", n(500))]));
    house.ok("drawn", members.clone());
    assert_eq!(house.ok("tax_paid", paid(FIRST, 500)), Effects::default(), "the draw stays open");
    house.refused("closed", Vec::new(), Refusal::ProcedureOpen);

    house.on("2026-09-02");
    house.refused("closed", Vec::new(), Refusal::ProcedureOpen);
    house.on("2026-09-03");
    assert_eq!(house.ok("closed", Vec::new()).closed, [no(FIRST)]);

    let mut house = House::active();
    house.ok("drawn", members);
    house.ok("tax_paid", paid(FIRST, 500));
    assert_eq!(house.ok("assessed", of(FIRST, &[("change", n(0))])).closed, [no(FIRST)]);
    house.ok("closed", Vec::new());
}

#[test]
fn refusal_124_an_amendment_must_change_what_it_names() {
    let mut house = House::active();
    house.refused("amended", vec![("limit", n(10_000_000))], Refusal::NothingChanged);
    house.refused("amended", vec![("to", t("2026-12-31"))], Refusal::NothingChanged);
    house.refused("amended", vec![("limit", n(1)), ("to", t("2026-12-31"))], Refusal::NothingChanged);
}

#[test]
fn refusal_125_the_limit_is_not_lowered_below_what_is_outstanding_or_claimed() {
    let mut house = House::overdue();
    house.refused("amended", vec![("limit", n(2_999_999))], Refusal::BelowOutstanding);
    house.ok("claimed", claim(&[(FIRST, 3_000_000)]));
    house.ok("tax_paid", paid(FIRST, 3_000_000));
    house.stands(0, 7_000_000, 10_000_000);
    house.refused("amended", vec![("limit", n(2_999_999))], Refusal::BelowOutstanding);
    house.ok("amended", vec![("limit", n(3_000_000))]);
}

#[test]
fn refusal_126_validity_is_not_shortened_into_the_past() {
    let mut house = House::active();
    house.refused("amended", vec![("to", t("2026-03-01"))], Refusal::PeriodPast);
    house.ok("amended", vec![("to", t("2026-03-02"))]);
    let mut house = House::active_with(vec![("from", t("2026-06-01"))]);
    house.refused("amended", vec![("to", t("2026-05-31"))], Refusal::PeriodPast);
}

#[test]
fn refusal_127_validity_is_not_shortened_before_a_draw_falls_due() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 3_000_000));
    house.refused("amended", vec![("to", t("2026-03-15"))], Refusal::DrawDueAfter);
    house.ok("tax_paid", paid(FIRST, 3_000_000));
    house.ok("amended", vec![("to", t("2026-03-15"))]);
}

#[test]
fn refusal_128_only_an_open_draw_is_cancelled_or_claimed() {
    let mut house = House::overdue();
    house.refused("draw_cancelled", of(SECOND, &[("reason", t("withdrawn"))]), Refusal::NoOpenDraw);
    let second = of(FIRST, &[("draw", n(2)), ("reason", t("withdrawn"))]);
    house.refused("draw_cancelled", second, Refusal::NoOpenDraw);
    house.refused("claimed", claim(&[(FIRST, 1), (SECOND, 1)]), Refusal::NoOpenDraw);
    house.ok("draw_cancelled", of(FIRST, &[("draw", n(1)), ("reason", t("withdrawn"))]));
}

#[test]
fn refusal_129_a_draw_is_not_claimed_until_its_due_day_is_over() {
    let mut house = House::overdue();
    house.on("2026-03-16");
    house.refused("claimed", claim(&[(FIRST, 1)]), Refusal::ClaimBeforeDue);
    house.on("2026-03-17");
    house.ok("claimed", claim(&[(FIRST, 1)]));
}

#[test]
fn refusal_130_claims_end_with_the_tail_after_the_validity() {
    let mut house = House::overdue();
    house.on("2027-01-31");
    house.refused("claimed", claim(&[(FIRST, 1)]), Refusal::ClaimTooLate);
    house.on("2027-01-30");
    house.ok("claimed", claim(&[(FIRST, 1)]));
}

#[test]
fn refusal_131_claims_pending_together_stay_within_the_limit() {
    let mut house = House::overdue();
    house.ok("assessed", of(FIRST, &[("change", n(8_000_000))]));
    house.refused("claimed", claim(&[(FIRST, 10_000_001)]), Refusal::ClaimAboveLimit);
    house.ok("claimed", claim(&[(FIRST, 9_000_000)]));
    house.refused("claimed", claim(&[(FIRST, 1_000_001)]), Refusal::ClaimAboveLimit);
    house.ok("claimed", claim(&[(FIRST, 1_000_000)]));
}

#[test]
fn refusal_132_a_claim_is_within_what_is_due_and_not_yet_claimed() {
    let mut house = House::overdue();
    house.refused("claimed", claim(&[(FIRST, 3_000_001)]), Refusal::ClaimAboveDue);
    house.ok("claimed", claim(&[(FIRST, 2_000_000)]));
    house.refused("claimed", claim(&[(FIRST, 1_000_001)]), Refusal::ClaimAboveDue);
    house.ok("claimed", claim(&[(FIRST, 1_000_000)]));
}

#[test]
fn refusal_133_only_a_pending_claim_is_answered_and_once() {
    let mut house = House::overdue();
    house.refused("claim_paid", vec![("amount", n(1)), ("claim", n(1))], Refusal::NoPendingClaim);
    house.ok("claimed", claim(&[(FIRST, 1)]));
    house.ok("claim_paid", vec![("amount", n(1)), ("claim", n(1))]);
    for (kind, members) in commands() {
        if ["claim_paid", "claim_refused", "claim_withdrawn"].contains(&kind) {
            house.refused(kind, members, Refusal::NoPendingClaim);
        }
    }
}

#[test]
fn refusal_134_a_claim_is_paid_as_it_stands() {
    let mut house = House::overdue();
    house.ok("claimed", claim(&[(FIRST, 10)]));
    house.refused("claim_paid", vec![("amount", n(9)), ("claim", n(1))], Refusal::ClaimAmountDiffers);
    house.refused("claim_paid", vec![("amount", n(11)), ("claim", n(1))], Refusal::ClaimAmountDiffers);
}

#[test]
fn refusal_135_sums_that_no_state_could_hold_are_refused_even_as_facts() {
    let mut house = House::active();
    let most = paid(FIRST, 999_999_999_999);
    for _ in 0..9_007 {
        house.ok("tax_paid", most.clone());
    }
    let room = 9_007_199_254_740_991 - 9_007 * 999_999_999_999_i64;
    house.refused("tax_paid", most.clone(), Refusal::SumTooLarge);
    house.refused("assessed", of(FIRST, &[("change", n(999_999_999_999))]), Refusal::SumTooLarge);
    house.ok("tax_paid", paid(FIRST, room));
    house.refused("surcharge_accrued", of(FIRST, &[("amount", n(1)), ("days", n(1))]), Refusal::SumTooLarge);
    house.ok("assessed", of(FIRST, &[("change", n(-999_999_999_999))]));
    assert_eq!(house.state().refunds(), Twd::MAX);
}

type Fault = (Refusal, fn(&mut House, &mut Members));

/// One way to break each guard of a draw, in the order of the numbers.
fn draw_faults() -> Vec<Fault> {
    vec![
        (Refusal::Suspended, |house, _| {
            house.ok("suspended", Vec::new());
        }),
        (Refusal::Expired, |house, _| house.on("2027-01-01")),
        (Refusal::QuotaInsufficient, |_, members| set(members, "taxes", taxes(10_000_001))),
        (Refusal::OutOfScope, |house, members| {
            let declaration = "DA__15494A0001";
            house.facts.drawn.extend(house.facts.drawn.first().map(|_| no(declaration)));
            house.facts.blocked.extend(house.facts.blocked.first().map(|_| no(declaration)));
            set(members, "declaration", t(declaration));
            set(members, "house", t("DA"));
        }),
        (Refusal::WrongDebtor, |_, members| set(members, "importer", t(IMPORTER))),
        (Refusal::SchemeSuspended, |house, _| house.facts.suspended = vec![Ubn::parse(DEBTOR).unwrap()]),
        (Refusal::DuplicateDraw, |house, _| house.facts.drawn = vec![no(FIRST)]),
        (Refusal::NotReleasable, |house, _| house.facts.blocked = vec![no(FIRST)]),
        (Refusal::TaxTypeNotCovered, |_, members| {
            let (_, taxes) = members.iter_mut().find(|(name, _)| *name == "taxes").unwrap();
            let amount = taxes.get("duty").unwrap().clone();
            *taxes = Value::object([("trade_fee", amount)]);
        }),
    ]
}

#[test]
fn when_two_guards_of_a_draw_fail_the_lower_number_is_the_verdict() {
    let faults = draw_faults();
    assert!(faults.is_sorted_by_key(|(refusal, _)| refusal.code()));
    for (at, (lower, break_lower)) in faults.iter().enumerate() {
        for (_, break_higher) in &faults[at + 1..] {
            let types = Value::List(vec![t("duty")]);
            let mut house = House::active_with(vec![("scope", t("CA")), ("tax_types", types)]);
            let mut members = draw(FIRST, 1);
            break_higher(&mut house, &mut members);
            break_lower(&mut house, &mut members);
            house.refused("drawn", members, *lower);
        }
    }
}

#[test]
fn when_two_guards_of_another_act_fail_the_lower_number_is_the_verdict() {
    let mut house = House::overdue();
    house.on("2026-03-16");
    house.refused("claimed", claim(&[(FIRST, 10_000_001)]), Refusal::ClaimBeforeDue);
    house.refused("claimed", claim(&[(FIRST, 1), (SECOND, 1)]), Refusal::NoOpenDraw);
    house.on("2027-01-31");
    house.refused("claimed", claim(&[(FIRST, 10_000_001)]), Refusal::ClaimTooLate);
    house.on("2026-03-17");
    house.refused("claimed", claim(&[(FIRST, 10_000_001)]), Refusal::ClaimAboveLimit);
    house.refused("amended", vec![("limit", n(1)), ("to", t("2026-01-01"))], Refusal::BelowOutstanding);
    house.ok("claimed", claim(&[(FIRST, 1)]));
    house.refused("closed", Vec::new(), Refusal::OutstandingDraws);
    house.on("2027-01-01");
    let wrong = vec![("terms", Value::text("0".repeat(64)))];
    house.refused("accepted", wrong.clone(), Refusal::Expired);
    house.on("2026-03-17");
    house.refused("accepted", wrong, Refusal::TermsMismatch);
}

// ---- facts, restoring, what comes late -----------------------------------------------------

#[test]
fn facts_are_accepted_in_every_status_and_flagged_when_no_open_draw_carries_them() {
    let lives: [&[(&str, Members)]; 4] =
        [&[], &[("rejected", vec![("reason", t("any"))])], &[("suspended", Vec::new())], &[]];
    for (life, closes) in lives.into_iter().zip([false, false, false, true]) {
        let mut house = if closes { House::active() } else { House::new() };
        if closes {
            house.ok("closed", Vec::new());
        } else {
            house.ok("requested", request());
        }
        for (kind, members) in life {
            house.ok(kind, members.clone());
        }
        let status = house.status();

        for (kind, members) in facts() {
            house.ok(kind, members);
        }

        assert_eq!(house.status(), status, "a fact moves no status");
        assert_eq!(house.state().strays(), 3);
        assert_eq!(house.state().unsecured().collect::<Vec<_>>(), [(no(FIRST), twd(27))]);
        assert_eq!((house.state().outstanding(), house.state().refunds()), (Twd::ZERO, Twd::ZERO));
    }
}

#[test]
fn a_reassessment_after_close_is_unsecured_debt_and_does_not_reopen() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 100));
    house.ok("tax_paid", paid(FIRST, 100));
    house.ok("closed", Vec::new());

    house.ok("assessed", of(FIRST, &[("change", n(40))]));
    house.ok("tax_paid", paid(FIRST, 50));

    assert_eq!(house.status(), Status::Closed);
    assert_eq!(house.state().unsecured().count(), 0);
    assert_eq!(house.state().refunds(), twd(10));
}

#[test]
fn an_overpayment_is_a_refund_and_not_quota() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 100));

    house.ok("tax_paid", paid(FIRST, 150));

    house.stands(0, 10_000_000, 10_000_000);
    assert_eq!((house.state().refunds(), house.state().strays()), (twd(50), 0));
}

#[test]
fn an_assessment_below_what_was_paid_makes_a_refund_and_closes_the_draw() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 100));
    house.ok("tax_paid", paid(FIRST, 80));

    let effects = house.ok("assessed", of(FIRST, &[("change", n(-70))]));

    assert_eq!(effects.closed, [no(FIRST)]);
    assert_eq!((house.state().refunds(), house.state().strays()), (twd(50), 0));
}

#[test]
fn an_assessment_below_zero_stops_at_zero_and_is_flagged() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 100));
    house.ok("surcharge_accrued", of(FIRST, &[("amount", n(5)), ("days", n(1))]));

    house.ok("assessed", of(FIRST, &[("change", n(-101))]));

    house.stands(5, 9_999_995, 10_000_000);
    assert_eq!(house.state().strays(), 1);
}

#[test]
fn a_payment_meets_tax_or_charges_first_as_the_rules_say() {
    for (order, tax, charges) in [(RestoreOrder::TaxFirst, 60, 0), (RestoreOrder::ChargesFirst, 50, 10)] {
        let mut house = House::active();
        house.rules.restore_order = order;
        house.ok("drawn", draw(FIRST, 100));
        house.ok("surcharge_accrued", of(FIRST, &[("amount", n(10)), ("days", n(1))]));

        house.ok("tax_paid", paid(FIRST, 60));

        let open = house.state().open_draw(&no(FIRST)).unwrap();
        assert_eq!((open.paid_tax, open.paid_charges), (twd(tax), twd(charges)));
        house.stands(50, 9_999_950, 10_000_000);
    }
}

#[test]
fn a_cancelled_draw_restores_fully_and_what_was_paid_is_a_refund() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 100));
    house.ok("tax_paid", paid(FIRST, 30));

    let effects = house.ok("draw_cancelled", of(FIRST, &[("reason", t("withdrawn"))]));

    assert_eq!(effects.closed, [no(FIRST)]);
    house.stands(0, 10_000_000, 10_000_000);
    assert_eq!(house.state().refunds(), twd(30));
}

#[test]
fn money_frozen_by_a_claim_is_no_quota_even_when_the_taxpayer_pays_meanwhile() {
    let mut house = House::overdue();
    house.ok("claimed", claim(&[(FIRST, 3_000_000)]));

    house.ok("tax_paid", paid(FIRST, 3_000_000));
    house.stands(0, 7_000_000, 10_000_000);
    house.ok("claim_paid", vec![("amount", n(3_000_000)), ("claim", n(1))]);

    house.stands(0, 7_000_000, 7_000_000);
    assert_eq!(house.state().refunds(), twd(3_000_000));
}

#[test]
fn a_payment_for_an_earlier_draw_of_a_declaration_does_not_pay_the_later_one() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 100));
    house.ok("draw_cancelled", of(FIRST, &[("reason", t("corrected"))]));
    house.ok("drawn", draw(FIRST, 200));

    house.ok("tax_paid", of(FIRST, &[("amount", n(100)), ("draw", n(1))]));

    house.stands(200, 9_999_800, 10_000_000);
    assert_eq!((house.state().refunds(), house.state().strays()), (twd(100), 1));
}

#[test]
fn what_decide_refuses_evolve_calls_a_contradiction() {
    let mut house = House::active();
    let context = Context {
        recorded_at: house.today.end_of_day_ms(),
        rules: &house.rules,
        signers: &house.signers,
        world: &house.facts,
    };
    let impossible = [
        ("requested", request()),
        ("accepted", vec![("terms", Value::text("0".repeat(64)))]),
        ("rejected", vec![("reason", t("any"))]),
        ("draw_cancelled", of(FIRST, &[("reason", t("any"))])),
        ("claimed", claim(&[(FIRST, 1)])),
        ("claim_paid", vec![("amount", n(1)), ("claim", n(1))]),
    ];
    for (kind, members) in impossible {
        let event = parse(kind, members).unwrap();
        assert!(evolve(&mut house.state.clone(), &event, &context).is_err(), "{kind}");
        assert!(kind == "requested" || evolve(&mut None, &event, &context).is_err(), "{kind}");
    }
    assert!(house.state.take().is_some());
}

// ---- who may say it ------------------------------------------------------------------------

#[test]
fn every_kind_says_who_signs_and_all_kinds_parse() {
    let known: Vec<_> = kinds().collect();
    assert!(known.is_sorted() && known.len() == 15);
    let examples: Vec<_> = commands().into_iter().chain(facts()).collect();
    assert_eq!(examples.len(), known.len());
    for (kind, members) in examples {
        assert!(parse(kind, members).is_ok());
        assert!(authority(&format!("guarantee.{kind}")).is_some_and(|needs| !needs.is_empty()));
    }
    assert_eq!(authority("guarantee.claimed"), Some(&[&["officer", "supervisor"] as &[_]] as &[_]));
    assert_eq!(authority("cargo.released"), None);
}

#[test]
fn a_bank_speaks_only_for_its_own_guarantees() {
    let own = [signer("bank:004", "guarantor", None)];
    let other = [signer("bank:005", "guarantor", None)];
    let event = parse("requested", request()).unwrap();
    assert!(owner(None, &event, &own) && !owner(None, &event, &other));

    let house = House::active();
    let suspend = parse("suspended", Vec::new()).unwrap();
    assert!(owner(house.state.as_ref(), &suspend, &own));
    assert!(!owner(house.state.as_ref(), &suspend, &other));
    assert_eq!(bank_of(house.state.as_ref(), &suspend).map(|bank| bank.to_string()).as_deref(), Some("004"));
    assert_eq!(bank_of(None, &suspend), None);
}

#[test]
fn a_manual_draw_is_signed_by_an_officer_and_any_other_by_the_release_system() {
    let house = House::active();
    let officer = [signer("officer:7f3k", "officer", Some("p1"))];
    let system = [signer("system:release", "release", None)];
    let automatic = parse("drawn", draw(FIRST, 1)).unwrap();
    let mut members = draw(FIRST, 1);
    set(&mut members, "manual", Value::Bool(true));
    let manual = parse("drawn", members).unwrap();

    assert!(owner(house.state.as_ref(), &automatic, &system));
    assert!(!owner(house.state.as_ref(), &automatic, &officer));
    assert!(owner(house.state.as_ref(), &manual, &officer));
    assert!(!owner(house.state.as_ref(), &manual, &system));
}

// ---- what is not even well-formed ----------------------------------------------------------

#[test]
fn amounts_that_are_not_positive_integers_are_no_events() {
    for amount in [n(0), n(-1), n(1_000_000_000_000), t("100"), Value::Bool(true), Value::Null] {
        assert!(parse("tax_paid", of(FIRST, &[("amount", amount.clone())])).is_err(), "{amount:?}");
        let mut members = request();
        set(&mut members, "limit", amount.clone());
        assert!(parse("requested", members).is_err(), "{amount:?}");
        let mut members = draw(FIRST, 1);
        set(&mut members, "taxes", Value::object([("duty", amount)]));
        assert!(parse("drawn", members).is_err());
    }
}

#[test]
fn a_currency_a_name_or_any_unknown_field_is_no_event() {
    for extra in ["currency", "name", "note", "person"] {
        for (kind, mut members) in commands().into_iter().chain(facts()) {
            members.push((extra, t("TWD")));
            let error = parse(kind, members).unwrap_err();
            assert_eq!(error.pointer, format!("/{extra}"), "{kind}");
        }
    }
}

#[test]
fn every_member_that_is_not_optional_is_missed_by_name() {
    let optional = ["limit", "to", "broker", "tax_types", "draw"];
    for (kind, members) in commands().into_iter().chain(facts()) {
        for (name, _) in members.clone() {
            if kind == "amended" && optional.contains(&name) {
                continue;
            }
            let mut rest = members.clone();
            rest.retain(|(known, _)| *known != name);
            assert_eq!(parse(kind, rest).unwrap_err().pointer, format!("/{name}"), "{kind}");
        }
    }
}

#[test]
fn data_that_contradicts_itself_is_no_event() {
    let requests: [(&str, Value<'static>); 14] = [
        ("no", t("FB-115-000124")),
        ("to", t("2025-12-31")),
        ("debtor", t("A123456789")),
        ("bank", t("4")),
        ("branch", t("107")),
        ("purpose", t("other")),
        ("scope", t("ca")),
        ("scope", t("ALL")),
        ("kind", t("demand")),
        ("from", t("115/01/01")),
        ("from", t("1911-12-31")),
        ("tax_types", Value::List(vec![t("vat"), t("duty")])),
        ("tax_types", Value::List(Vec::new())),
        ("tax_types", t("duty")),
    ];
    for (name, value) in requests {
        let mut members = request();
        set(&mut members, name, value.clone());
        assert!(parse("requested", members).is_err(), "{name} {value:?}");
    }
    let draws: [(&str, Value<'static>); 7] = [
        ("house", t("CG")),
        ("declaration", t("CA/15/494A0001")),
        ("taxes", Value::object::<&str>([])),
        ("taxes", Value::object([("fine", n(1))])),
        ("taxes", Value::object([("duty", n(999_999_999_999)), ("vat", n(1))])),
        ("manual", n(1)),
        ("broker", t("X")),
    ];
    for (name, value) in draws {
        let mut members = draw(FIRST, 1);
        set(&mut members, name, value.clone());
        assert!(parse("drawn", members).is_err(), "{name} {value:?}");
    }
    assert!(parse("amended", Vec::new()).is_err());
    assert!(parse("claimed", claim(&[])).is_err());
    assert!(parse("claimed", claim(&[(FIRST, 1), (FIRST, 1)])).is_err());
    assert!(parse("claimed", claim(&[(SECOND, 1), (FIRST, 1)])).is_err());
    assert!(parse("claim_paid", vec![("amount", n(1)), ("claim", n(0))]).is_err());
    assert!(parse("rejected", vec![("reason", t("Please send it again."))]).is_err());
    assert!(parse("opened", Vec::new()).is_err());
    assert!(Event::parse("guarantee.closed", "cargo/FB-115-000123", &Value::object::<&str>([])).is_err());
}

#[test]
fn a_state_with_altered_sums_is_not_taken_back() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 100));
    let good = house.state().to_value();

    for (name, value) in [("outstanding", n(99)), ("status", t("open")), ("draws", Value::List(Vec::new()))] {
        let Value::Object(mut members) = good.clone() else { unreachable!() };
        members.push((name.into(), value));
        assert!(State::from_value(&Value::object(members)).is_err(), "{name}");
    }
    assert_eq!(State::from_value(&good).unwrap().digest(), house.state().digest());
}

#[test]
fn the_known_answers_of_the_specification_hold() {
    let mut house = House::active();
    house.ok("drawn", draw(FIRST, 3_000_000));
    let state = house.state();
    let json = String::from_utf8(state.to_value().write()).unwrap();

    assert_eq!(state.terms().terms.to_hex(), TERMS);
    assert_eq!(json, STATE.concat());
    assert_eq!(state.digest().to_hex(), STATE_DIGEST);
}

// Computed apart from this code, from the specification.
const TERMS: &str = "b37101c269f9d22ab6f81d80031e93e2bca8441f848bce2d3e46c0b88a5f047e";
const STATE_DIGEST: &str = "e0d3d2bbfabb16f7db572aa3f1b4d8fadaf438974a73a5fea859f269139502b7";

const STATE: [&str; 10] = [
    r#"{"bank":"004","branch":"0107","called":0,"claims":[],"claims_made":0,"#,
    r#""debtor":"12345675","draws":[{"adjusted":0,"amount":3000000,"charges":0,"#,
    r#""claimed":0,"declaration":"CA__15494A0001","draw":1,"due_on":"2026-03-16","#,
    r#""importer":"12345675","paid_charges":0,"paid_tax":0}],"draws_made":1,"#,
    r#""from":"2026-01-01","kind":"independent","limit":10000000,"no":"FB-115-000123","#,
    r#""outstanding":3000000,"purpose":"importer","refunds":0,"scope":"all","#,
    r#""status":"active","strays":0,"tax_types":["commodity","deposit","duty","#,
    r#""tobacco_alcohol","tobacco_health","trade_fee","vat"],"#,
    r#""terms":"b37101c269f9d22ab6f81d80031e93e2bca8441f848bce2d3e46c0b88a5f047e","#,
    r#""to":"2026-12-31","unsecured":[]}"#,
];
