//! Every step and every refusal of a registration and of a run, by its sentence.

mod amendments;

use lian_core::json::{SchemaError, Value};

use super::*;
use crate::{
    chance::{Dice, are_many, seeds, total},
    context::{Context, World},
    dates::Day,
    draws::{Period, Terms as Schemes},
    filing::ReaderClass,
    ids::{DeclarationNo, Ubn},
    refusal::Refusal,
    rules::Rules,
};

const STREAM: &str = "ethics/115-000123";
const RUN: &str = "ethics_run/2026Q1";
const OFFICER: &str = "officer:7f3k";
const SUPERIOR: &str = "officer:c29x";
const ETHICS: &str = "officer:e001";
const HEAD: &str = "officer:h001";

type Members = Vec<(&'static str, Value<'static>)>;

struct Nobody;

impl World for Nobody {
    fn scheme_suspended(&self, _: &Ubn, _: i64) -> bool {
        false
    }
    fn delegated(&self, _: &Ubn, _: &Ubn) -> bool {
        false
    }
    fn declaration_blocked(&self, _: &DeclarationNo) -> bool {
        false
    }
    fn has_open_draw(&self, _: &DeclarationNo) -> bool {
        false
    }
}

/// Actors ending in the same digits after `-` are one person.
#[derive(Default)]
struct Facts {
    drawn: Option<Vec<Box<str>>>,
    reviewed: Option<Verdict>,
}

impl Around for Facts {
    fn same_person(&self, left: &str, right: &str) -> bool {
        let person = |actor: &str| actor.split_once('-').map(|(_, person)| person.to_owned());
        left == right || (person(left).is_some() && person(left) == person(right))
    }
    fn drawn(&self, draw: &str) -> Option<Vec<Box<str>>> {
        self.drawn.clone().filter(|_| draw == "draw/ethics_sample/2026Q1")
    }
    fn reviewed(&self, no: &RegistrationNo) -> Option<Verdict> {
        self.reviewed.filter(|_| no.as_str() != "115-000124")
    }
}

fn t(text: &'static str) -> Value<'static> {
    Value::text(text)
}

fn yes(truth: bool) -> Value<'static> {
    Value::Bool(truth)
}

fn sealed() -> Value<'static> {
    Value::object([("sealed", Value::text("ab".repeat(32)))])
}

fn with(mut members: Members, changes: &[(&'static str, Value<'static>)]) -> Members {
    for (name, value) in changes {
        members.retain(|(known, _)| known != name);
        members.push((name, value.clone()));
    }
    members
}

fn without(mut members: Members, name: &str) -> Members {
    members.retain(|(known, _)| *known != name);
    members
}

fn report(kind: &'static str) -> Members {
    let mut members = vec![
        ("by", t(OFFICER)),
        ("circumstances", sealed()),
        ("head", yes(false)),
        ("interested", yes(true)),
        ("on", t("2026-02-02")),
        ("source", sealed()),
        ("type", t(kind)),
        ("unit", t("office:CA")),
    ];
    match kind {
        "gift" => members.extend([("basis", t("none")), ("item", sealed()), ("value", sealed())]),
        "entertainment" => members.extend([("basis", t("courtesy")), ("place", sealed())]),
        "other" => members.push(("activity", t("lecture"))),
        _ => {}
    }
    members
}

fn correction() -> Members {
    vec![("by", t(OFFICER)), ("on", t("2026-02-01")), ("reason", sealed())]
}

fn seen() -> Members {
    vec![("approved", yes(true)), ("by", t(SUPERIOR))]
}

fn logged(kind: &'static str) -> Members {
    let mut members = vec![("by", t(ETHICS)), ("received_on", t("2026-02-02")), ("type", t(kind))];
    match kind {
        "gift" => members.extend([
            ("band", t("above_standard")),
            ("source_total_over", yes(false)),
            ("within_three_days", yes(true)),
        ]),
        "entertainment" => members.push(("source_total_over", yes(false))),
        "lobbying" => members.push(("excluded", yes(false))),
        _ => members.push(("fee_over_cap", yes(false))),
    }
    members
}

fn disposed(disposal: &'static str) -> Members {
    vec![("by", t(ETHICS)), ("disposal", t(disposal))]
}

fn by_office() -> Members {
    vec![("by", t(ETHICS))]
}

fn sampled() -> Members {
    vec![("by", t(ETHICS)), ("draw", t("draw/ethics_sample/2026Q1"))]
}

fn review(outcome: &'static str) -> Members {
    vec![("by", t(ETHICS)), ("outcome", t(outcome)), ("unit", t("office:ethics"))]
}

fn parse_on(stream: &str, kind: &str, members: Members) -> Result<Event, SchemaError> {
    let bytes = Value::object(members).write();
    parse(kind, stream, &Value::read(&bytes).unwrap()).unwrap()
}

/// One stream, the facts around it and the day on which the next event is recorded.
struct House {
    stream: &'static str,
    state: Option<State>,
    history: Vec<(Event, Day)>,
    facts: Facts,
    terms: Terms,
    today: Day,
}

impl House {
    fn new() -> Self {
        Self {
            stream: STREAM,
            state: None,
            history: Vec::new(),
            facts: Facts::default(),
            terms: Terms::standard(),
            today: Day::parse("2026-02-02").unwrap(),
        }
    }

    fn reported(kind: &'static str) -> Self {
        let mut house = Self::new();
        house.ok("ethics.reported", report(kind));
        house
    }

    fn logged(kind: &'static str) -> Self {
        let mut house = Self::reported(kind);
        if kind != "lobbying" {
            house.ok("ethics.seen", seen());
        }
        house.ok("ethics.logged", logged(kind));
        house
    }

    fn closed() -> Self {
        let mut house = Self::logged("gift");
        house.ok("ethics.disposed", disposed("returned"));
        house.ok("ethics.closed", by_office());
        house
    }

    fn sampled() -> Self {
        let mut house = Self::closed();
        house.on("2026-04-03");
        house.facts.drawn = Some(vec![STREAM.into()]);
        house.ok("ethics.sampled", sampled());
        house
    }

    /// The run of the quarter, opened, whose draw drew these.
    fn run(drawn: &[&str]) -> Self {
        let mut house = Self::new();
        house.stream = RUN;
        house.on("2026-04-14");
        house.ok("ethics_run.opened", vec![("draw", t("draw/ethics_sample/2026Q1"))]);
        house.facts.drawn = Some(drawn.iter().map(|no| format!("ethics/{no}").into()).collect());
        house
    }

    fn on(&mut self, day: &str) {
        self.today = Day::parse(day).unwrap();
    }

    fn registration(&self) -> &Registration {
        match self.state.as_ref().unwrap() {
            State::Registration(registration) => registration,
            State::Run(_) => unreachable!(),
        }
    }

    fn run_state(&self) -> &Run {
        match self.state.as_ref().unwrap() {
            State::Run(run) => run,
            State::Registration(_) => unreachable!(),
        }
    }

    fn apply(&mut self, event: Event) -> Result<(), Refusal> {
        let rules = Rules::standard();
        let recorded_at = self.today.end_of_day_ms();
        let context = Context { recorded_at, rules: &rules, signers: &[], world: &Nobody };
        decide(self.state.as_ref(), &event, &context, &self.facts)?;
        let state = evolve(self.state.take(), &event, &context, &self.terms).unwrap();
        let bytes = state.to_value().write();
        assert_eq!(State::from_value(&Value::read(&bytes).unwrap()).as_ref(), Ok(&state));
        self.state = Some(state);
        self.history.push((event, self.today));
        Ok(())
    }

    fn send(&mut self, kind: &str, members: Members) -> Result<(), Refusal> {
        let event = parse_on(self.stream, kind, members).unwrap();
        self.apply(event)
    }

    fn ok(&mut self, kind: &str, members: Members) {
        assert_eq!(self.send(kind, members), Ok(()), "{kind}");
    }

    fn refused(&mut self, kind: &str, members: Members, refusal: Refusal) {
        let before = self.state.clone();
        assert_eq!(self.send(kind, members), Err(refusal), "{kind}");
        assert_eq!(self.state, before);
    }

    fn breaches(&self) -> Vec<Breach> {
        self.registration().breaches()
    }
}

#[test]
fn a_gift_goes_from_the_officer_to_the_superior_to_the_ethics_office_to_the_head_and_is_closed() {
    let mut house = House::reported("gift");
    assert_eq!(house.registration().status(), Status::Reported);
    house.ok("ethics.seen", seen());
    assert_eq!(house.registration().status(), Status::Seen);
    house.ok("ethics.logged", logged("gift"));
    assert_eq!(house.registration().status(), Status::Logged);
    house.ok("ethics.disposed", with(disposed("treasury"), &[("head", t(HEAD))]));
    assert_eq!(house.registration().status(), Status::Disposed);
    house.ok("ethics.closed", by_office());

    assert_eq!(house.registration().status(), Status::Closed);
    assert_eq!(house.breaches(), []);
}

#[test]
fn a_closed_registration_that_was_drawn_is_sampled_and_reviewed_by_another_unit() {
    let mut house = House::sampled();
    assert_eq!(house.registration().status(), Status::Sampled);
    house.ok("ethics.reviewed", review("anomaly"));

    assert_eq!(house.registration().status(), Status::Reviewed);
    assert_eq!(house.registration().review.as_ref().unwrap().what.outcome, Verdict::Anomaly);
}

#[test]
fn lobbying_goes_straight_to_the_ethics_office_and_on_to_the_agency_against_corruption() {
    let mut house = House::reported("lobbying");
    house.ok("ethics.logged", logged("lobbying"));
    house.ok("ethics.disposed", disposed("referred"));
    house.refused("ethics.closed", by_office(), Refusal::NotAcknowledged);
    let receipt = vec![("by", t("agency:aac")), ("note", sealed()), ("on", t("2026-02-02"))];
    house.ok("ethics.acknowledged", receipt.clone());
    house.refused("ethics.acknowledged", receipt, Refusal::AcknowledgedBefore);
    house.ok("ethics.closed", by_office());

    assert_eq!(house.registration().status(), Status::Closed);
}

#[test]
fn what_was_not_passed_on_is_not_acknowledged() {
    let receipt = || vec![("by", t("agency:aac")), ("on", t("2026-02-02"))];
    let mut house = House::logged("lobbying");
    house.refused("ethics.acknowledged", receipt(), Refusal::NotReferred);
    house.ok("ethics.disposed", disposed("noted"));

    house.refused("ethics.acknowledged", receipt(), Refusal::NotReferred);
    house.ok("ethics.closed", by_office());
}

#[test]
fn what_the_head_registers_needs_no_superior() {
    let mut house = House::new();
    house.ok("ethics.reported", with(report("gift"), &[("by", t(HEAD)), ("head", yes(true))]));

    house.ok("ethics.logged", logged("gift"));
}

#[test]
fn nothing_happens_to_what_was_never_registered() {
    let mut house = House::new();
    for (kind, members) in [
        ("ethics.amended", correction()),
        ("ethics.seen", seen()),
        ("ethics.logged", logged("gift")),
        ("ethics.disposed", disposed("kept")),
        ("ethics.acknowledged", vec![("by", t("agency:aac")), ("on", t("2026-02-02"))]),
        ("ethics.closed", by_office()),
        ("ethics.sampled", sampled()),
        ("ethics.reviewed", review("ok")),
    ] {
        house.refused(kind, members, Refusal::UnknownRegistration);
    }
}

#[test]
fn a_number_is_used_once() {
    House::reported("gift").refused("ethics.reported", report("other"), Refusal::RegistrationTaken);
    House::sampled().refused("ethics.reported", report("gift"), Refusal::RegistrationTaken);
}

#[test]
fn what_was_received_lies_not_ahead_and_what_needs_leave_may() {
    for (kind, verdict) in [
        ("gift", Err(Refusal::DayAhead)),
        ("lobbying", Err(Refusal::DayAhead)),
        ("entertainment", Ok(())),
        ("other", Ok(())),
    ] {
        let mut house = House::new();
        let ahead = with(report(kind), &[("on", t("2026-02-03"))]);
        assert_eq!(house.send("ethics.reported", ahead), verdict, "{kind}");
    }
    let mut house = House::reported("lobbying");
    let ahead = [("received_on", t("2026-02-03"))];
    house.refused("ethics.logged", with(logged("lobbying"), &ahead), Refusal::DayAhead);
    let receipt = vec![("by", t("agency:aac")), ("on", t("2026-02-03"))];
    house.refused("ethics.acknowledged", receipt, Refusal::DayAhead);
}

#[test]
fn nobody_handles_the_own_registration_under_any_actor() {
    let own = |actor: &'static str| [("by", t(actor))];
    let registrant = "officer:7f3k-p1";
    for actor in [registrant, "officer:other-p1"] {
        let mut house = House::new();
        house.ok("ethics.reported", with(report("gift"), &own(registrant)));
        house.refused("ethics.seen", with(seen(), &own(actor)), Refusal::SelfHandled);
        house.ok("ethics.seen", seen());
        house.refused("ethics.logged", with(logged("gift"), &own(actor)), Refusal::SelfHandled);
        house.ok("ethics.logged", logged("gift"));
        let disposal = disposed("treasury");
        house.refused("ethics.disposed", with(disposal.clone(), &own(actor)), Refusal::SelfHandled);
        house.refused("ethics.disposed", with(disposal, &[("head", t(actor))]), Refusal::SelfHandled);
        house.ok("ethics.disposed", disposed("returned"));
        house.refused("ethics.closed", with(by_office(), &own(actor)), Refusal::SelfHandled);
        house.ok("ethics.closed", by_office());
        house.facts.drawn = Some(vec![STREAM.into()]);
        house.refused("ethics.sampled", with(sampled(), &own(actor)), Refusal::SelfHandled);
        house.ok("ethics.sampled", sampled());
        house.refused("ethics.reviewed", with(review("ok"), &own(actor)), Refusal::SelfHandled);
    }
}

#[test]
fn the_superior_comes_before_the_ethics_office_and_once() {
    for kind in ["gift", "entertainment", "other"] {
        let mut house = House::reported(kind);
        house.refused("ethics.logged", logged(kind), Refusal::NotSeen);
        house.ok("ethics.seen", seen());
        house.refused("ethics.seen", seen(), Refusal::SeenBefore);
        house.ok("ethics.logged", logged(kind));
        house.refused("ethics.seen", seen(), Refusal::SeenBefore);
        house.refused("ethics.logged", logged(kind), Refusal::LoggedBefore);
    }
}

#[test]
fn attestation_and_disposal_are_of_the_type_that_was_registered() {
    let mut house = House::reported("gift");
    house.ok("ethics.seen", seen());
    house.refused("ethics.logged", logged("other"), Refusal::TypeDiffers);
    house.ok("ethics.logged", logged("gift"));
    for disposal in ["attended", "declined", "referred", "noted", "approved", "denied"] {
        house.refused("ethics.disposed", disposed(disposal), Refusal::TypeDiffers);
    }
    for (kind, disposal) in [
        ("entertainment", "attended"),
        ("entertainment", "declined"),
        ("lobbying", "noted"),
        ("other", "approved"),
        ("other", "denied"),
    ] {
        House::logged(kind).ok("ethics.disposed", disposed(disposal));
        House::logged(kind).refused("ethics.disposed", disposed("kept"), Refusal::TypeDiffers);
    }
}

#[test]
fn nothing_is_disposed_of_before_the_ethics_office_has_it_or_twice() {
    let mut house = House::reported("gift");
    house.refused("ethics.disposed", disposed("returned"), Refusal::NotLogged);
    let mut house = House::logged("gift");
    house.ok("ethics.disposed", disposed("returned"));

    house.refused("ethics.disposed", disposed("returned"), Refusal::DisposedBefore);
}

#[test]
fn a_gift_is_kept_only_under_an_exception() {
    let cases = [
        ("none", true, "small", true),
        ("none", true, "many", true),
        ("none", true, "standard", false),
        ("none", false, "standard", true),
        ("none", false, "above_standard", false),
        ("life_event", true, "standard", true),
        ("life_event", true, "above_standard", false),
        ("courtesy", true, "above_standard", true),
        ("superior_award", true, "above_standard", true),
    ];
    for (basis, interested, band, kept) in cases {
        let mut house = House::new();
        let changes = [("basis", t(basis)), ("interested", yes(interested))];
        house.ok("ethics.reported", with(report("gift"), &changes));
        house.ok("ethics.seen", seen());
        house.ok("ethics.logged", with(logged("gift"), &[("band", t(band))]));

        let verdict = house.send("ethics.disposed", disposed("kept"));
        let expected = if kept { Ok(()) } else { Err(Refusal::MayNotKeep) };
        assert_eq!(verdict, expected, "{basis} {interested} {band}");
    }
}

#[test]
fn what_the_ethics_office_proposes_for_a_gift_the_head_approves() {
    for disposal in ["paid", "treasury", "charity", "other_way"] {
        let mut house = House::logged("gift");
        house.refused("ethics.disposed", disposed(disposal), Refusal::HeadNeeded);
        house.ok("ethics.disposed", with(disposed(disposal), &[("head", t(HEAD))]));
    }
    House::logged("gift").ok("ethics.disposed", disposed("returned"));
}

#[test]
fn only_what_was_disposed_of_is_closed_and_once() {
    House::logged("gift").refused("ethics.closed", by_office(), Refusal::NotDisposed);
    House::closed().refused("ethics.closed", by_office(), Refusal::RegistrationClosed);
}

#[test]
fn only_a_closed_registration_that_a_closed_draw_drew_is_sampled_and_once() {
    let mut house = House::logged("gift");
    house.facts.drawn = Some(vec![STREAM.into()]);
    house.refused("ethics.sampled", sampled(), Refusal::NotClosed);

    let mut house = House::closed();
    house.refused("ethics.sampled", sampled(), Refusal::NotDrawn);
    house.facts.drawn = Some(vec!["ethics/115-000124".into()]);
    house.refused("ethics.sampled", sampled(), Refusal::NotDrawn);
    house.facts.drawn = Some(vec![STREAM.into()]);
    let other = [("draw", t("draw/ethics_sample/2026Q2"))];
    house.refused("ethics.sampled", with(sampled(), &other), Refusal::NotDrawn);
    house.ok("ethics.sampled", sampled());
    house.refused("ethics.sampled", sampled(), Refusal::SampledBefore);
}

#[test]
fn only_what_was_sampled_is_reviewed_by_another_unit_and_once() {
    House::closed().refused("ethics.reviewed", review("ok"), Refusal::NotSampled);
    let mut house = House::sampled();
    let same = [("unit", t("office:CA"))];
    house.refused("ethics.reviewed", with(review("ok"), &same), Refusal::SameUnit);
    house.ok("ethics.reviewed", review("ok"));

    house.refused("ethics.reviewed", review("ok"), Refusal::ReviewedBefore);
}

#[test]
fn a_late_report_is_flagged_and_never_refused() {
    for (kind, in_time, late) in [
        ("gift", "2026-02-05", "2026-02-06"),
        ("lobbying", "2026-02-05", "2026-02-06"),
        ("entertainment", "2026-02-02", "2026-02-03"),
        ("other", "2026-02-02", "2026-02-03"),
    ] {
        for (day, expected) in [(in_time, vec![]), (late, vec![Breach::LateReport])] {
            let mut house = House::new();
            house.on(day);
            house.ok("ethics.reported", report(kind));
            assert_eq!(house.breaches(), expected, "{kind} {day}");
        }
    }
}

#[test]
fn the_ethics_office_must_hear_within_three_days_of_lobbying_and_of_a_gift_from_an_interested_party() {
    let cases =
        [("lobbying", true, true), ("gift", true, true), ("gift", false, false), ("other", true, false)];
    for (kind, interested, flagged) in cases {
        for (received_on, in_time) in [("2026-02-05", true), ("2026-02-06", false)] {
            let mut house = House::new();
            house.ok("ethics.reported", with(report(kind), &[("interested", yes(interested))]));
            house.on("2026-03-02");
            if kind != "lobbying" {
                house.ok("ethics.seen", seen());
            }
            house.ok("ethics.logged", with(logged(kind), &[("received_on", t(received_on))]));
            let expected = flagged && !in_time;
            assert_eq!(house.breaches().contains(&Breach::LateNotice), expected, "{kind} {received_on}");
        }
    }
}

#[test]
fn what_the_ethics_office_attests_of_sealed_values_turns_a_view_red() {
    let cases = [
        ("gift", "within_three_days", false, Breach::LateHandover),
        ("gift", "source_total_over", true, Breach::SourceOver),
        ("entertainment", "source_total_over", true, Breach::SourceOver),
        ("other", "fee_over_cap", true, Breach::FeeOver),
    ];
    for (kind, name, value, breach) in cases {
        let mut house = House::reported(kind);
        house.ok("ethics.seen", seen());
        house.ok("ethics.logged", with(logged(kind), &[(name, yes(value))]));

        assert_eq!(house.breaches(), [breach], "{kind} {name}");
    }
}

#[test]
fn going_without_approval_and_notice_before_is_a_breach_and_registered_anyway() {
    let go = |basis: &'static str, approved: bool, seen_on: &str, received_on: &'static str| {
        let mut house = House::new();
        house.on("2026-01-30");
        house.ok("ethics.reported", with(report("entertainment"), &[("basis", t(basis))]));
        house.on(seen_on);
        house.ok("ethics.seen", with(seen(), &[("approved", yes(approved))]));
        house.on("2026-02-10");
        house.ok("ethics.logged", with(logged("entertainment"), &[("received_on", t(received_on))]));
        house.ok("ethics.disposed", disposed("attended"));
        house.breaches()
    };
    let breach = vec![Breach::NotApprovedBefore];

    assert_eq!(go("courtesy", true, "2026-02-02", "2026-02-02"), []);
    assert_eq!(go("courtesy", false, "2026-02-02", "2026-02-02"), breach);
    assert_eq!(go("festival", true, "2026-02-03", "2026-02-02"), breach);
    assert_eq!(go("none", true, "2026-02-02", "2026-02-03"), breach);
    assert_eq!(go("superior_award", false, "2026-02-03", "2026-02-03"), []);
    assert_eq!(go("life_event", false, "2026-02-03", "2026-02-03"), []);
}

#[test]
fn a_lecture_approved_after_it_was_held_is_a_breach() {
    for (seen_on, expected) in [("2026-02-02", vec![]), ("2026-02-03", vec![Breach::NotApprovedBefore])] {
        let mut house = House::reported("other");
        house.on(seen_on);
        house.ok("ethics.seen", seen());
        house.ok("ethics.logged", logged("other"));
        house.ok("ethics.disposed", disposed("approved"));
        assert_eq!(house.breaches(), expected);
    }
}

#[test]
fn a_review_is_overdue_after_the_days_that_the_rules_give() {
    let mut house = House::sampled();
    let day = |text| Day::parse(text).unwrap();
    let terms = Terms::standard();

    assert_eq!(house.registration().review_overdue(&terms, day("2026-05-03")), None);
    assert_eq!(house.registration().review_overdue(&terms, day("2026-05-04")), Some(day("2026-05-03")));
    house.ok("ethics.reviewed", review("ok"));
    assert_eq!(house.registration().review_overdue(&terms, day("2026-05-04")), None);
}

#[test]
fn a_run_is_opened_drawn_reviewed_and_closed() {
    let mut house = House::run(&["115-000123", "115-000007"]);
    let drawn = Value::List(vec![t("115-000123"), t("115-000007")]);
    house.ok("ethics_run.drawn", vec![("drawn", drawn)]);
    house.facts.reviewed = Some(Verdict::Correct);
    house.ok("ethics_run.reviewed", vec![("no", t("115-000123")), ("outcome", t("ok"))]);
    house.refused("ethics_run.closed", vec![], Refusal::ReviewsMissing);
    house.ok("ethics_run.reviewed", vec![("no", t("115-000007")), ("outcome", t("ok"))]);
    house.ok("ethics_run.closed", vec![]);

    assert!(house.run_state().closed_on.is_some() && !house.run_state().late);
}

#[test]
fn a_run_that_drew_nothing_is_closed_all_the_same() {
    let mut house = House::run(&[]);
    house.refused("ethics_run.closed", vec![], Refusal::RunNotDrawn);
    house.ok("ethics_run.drawn", vec![("drawn", Value::List(vec![]))]);
    house.ok("ethics_run.closed", vec![]);

    assert_eq!(house.run_state().drawn.as_deref(), Some(&[][..]));
}

#[test]
fn a_run_opened_late_is_flagged_and_not_refused() {
    for (day, late) in [("2026-04-14", false), ("2026-04-15", true)] {
        let mut house = House::new();
        house.stream = RUN;
        house.on(day);
        house.ok("ethics_run.opened", vec![("draw", t("draw/ethics_sample/2026Q1"))]);
        assert_eq!(house.run_state().late, late, "{day}");
    }
}

#[test]
fn a_run_is_opened_first_and_once_and_ends_for_good() {
    let open = || vec![("draw", t("draw/ethics_sample/2026Q1"))];
    let mut house = House::new();
    house.stream = RUN;
    let steps = || {
        [
            ("ethics_run.drawn", vec![("drawn", Value::List(vec![]))]),
            ("ethics_run.reviewed", vec![("no", t("115-000123")), ("outcome", t("ok"))]),
            ("ethics_run.closed", vec![]),
        ]
    };
    for (kind, members) in steps() {
        house.refused(kind, members, Refusal::UnknownRun);
    }
    let mut house = House::run(&[]);
    house.refused("ethics_run.opened", open(), Refusal::RunOpened);
    house.ok("ethics_run.drawn", vec![("drawn", Value::List(vec![]))]);
    house.ok("ethics_run.closed", vec![]);
    house.refused("ethics_run.opened", open(), Refusal::RunOpened);
    for (kind, members) in steps() {
        house.refused(kind, members, Refusal::RunClosed);
    }
}

#[test]
fn what_a_run_drew_is_exactly_what_its_closed_draw_drew_and_recorded_once() {
    let list = |numbers: &[&'static str]| {
        vec![("drawn", Value::List(numbers.iter().map(|no| Value::text(*no)).collect()))]
    };
    let mut house = House::run(&["115-000123", "115-000007"]);
    for numbers in [&["115-000123"][..], &["115-000007", "115-000123"], &[]] {
        house.refused("ethics_run.drawn", list(numbers), Refusal::DrawnDiffers);
    }
    let drawn = house.facts.drawn.take();
    house.refused("ethics_run.drawn", list(&["115-000123", "115-000007"]), Refusal::DrawNotClosed);
    house.facts.drawn = drawn;
    house.ok("ethics_run.drawn", list(&["115-000123", "115-000007"]));

    house.refused("ethics_run.drawn", list(&["115-000123", "115-000007"]), Refusal::RunDrawn);
}

#[test]
fn a_run_takes_the_outcome_of_the_review_itself_for_those_drawn_and_once() {
    let outcome = |no: &'static str, outcome: &'static str| vec![("no", t(no)), ("outcome", t(outcome))];
    let mut house = House::run(&["115-000123"]);
    house.refused("ethics_run.reviewed", outcome("115-000123", "ok"), Refusal::RunNotDrawn);
    house.ok("ethics_run.drawn", vec![("drawn", Value::List(vec![t("115-000123")]))]);
    house.refused("ethics_run.reviewed", outcome("115-000124", "ok"), Refusal::NotOfRun);
    house.refused("ethics_run.reviewed", outcome("115-000123", "ok"), Refusal::OutcomeDiffers);
    house.facts.reviewed = Some(Verdict::Anomaly);
    house.refused("ethics_run.reviewed", outcome("115-000123", "ok"), Refusal::OutcomeDiffers);
    house.ok("ethics_run.reviewed", outcome("115-000123", "anomaly"));

    house.refused("ethics_run.reviewed", outcome("115-000123", "anomaly"), Refusal::RunReviewed);
}

#[test]
fn the_scheme_that_samples_selects_closed_registrations_of_the_quarter_by_their_state() {
    let schemes = Schemes::standard();
    let scheme = schemes.scheme(SAMPLE_SCHEME).unwrap();
    let selects = |house: &House, quarter: &str| {
        let quarter = Period::parse(quarter).unwrap();
        scheme.members(quarter, STREAM, &house.state.as_ref().unwrap().to_value()) == [STREAM]
    };

    assert!(selects(&House::closed(), "2026Q1") && !selects(&House::closed(), "2026Q2"));
    assert!(!selects(&House::logged("gift"), "2026Q1") && !selects(&House::sampled(), "2026Q1"));
    assert_eq!(Run::draw(Period::parse("2026Q1").unwrap()), scheme.stream(Period::parse("2026Q1").unwrap()));
}

fn signed(actor: &'static str, capacity: &'static str, unit: &'static str) -> Signer<'static> {
    Signer { actor, capacity, person: None, unit }
}

#[test]
fn whoever_signs_is_whom_the_data_name_in_the_unit_that_they_name() {
    let by = |kind: &str, members: Members, signers: &[Signer<'_>]| {
        owner(None, &parse_on(STREAM, kind, members).unwrap(), signers)
    };
    let officer = signed(OFFICER, "officer", "office:CA");
    assert!(by("ethics.reported", report("gift"), &[officer]));
    assert!(!by("ethics.reported", report("gift"), &[signed(SUPERIOR, "officer", "office:CA")]));
    assert!(!by("ethics.reported", report("gift"), &[signed(OFFICER, "officer", "office:CG")]));
    assert!(!by("ethics.reported", report("gift"), &[signed(OFFICER, "head", "office:CA")]));
    let head = with(report("gift"), &[("head", yes(true))]);
    assert!(by("ethics.reported", head.clone(), &[signed(OFFICER, "head", "office:CA")]));
    assert!(!by("ethics.reported", head, &[officer]));

    for capacity in ["supervisor", "head"] {
        assert!(by("ethics.seen", seen(), &[signed(SUPERIOR, capacity, "x")]));
    }
    assert!(!by("ethics.seen", seen(), &[signed(OFFICER, "supervisor", "x")]));
    let (office, other) = (signed(ETHICS, "ethics", "x"), signed(OFFICER, "ethics", "x"));
    for (kind, members) in [
        ("ethics.logged", logged("gift")),
        ("ethics.disposed", disposed("returned")),
        ("ethics.closed", by_office()),
        ("ethics.sampled", sampled()),
    ] {
        assert!(by(kind, members.clone(), &[office]), "{kind}");
        assert!(!by(kind, members, &[other]), "{kind}");
    }
    let receipt = vec![("by", t("agency:aac")), ("on", t("2026-02-02"))];
    assert!(by("ethics.acknowledged", receipt.clone(), &[signed("agency:aac", "anticorruption", "x")]));
    assert!(!by("ethics.acknowledged", receipt, &[signed("agency:x", "anticorruption", "x")]));
    assert!(by("ethics.reviewed", review("ok"), &[signed(ETHICS, "ethics", "office:ethics")]));
    assert!(!by("ethics.reviewed", review("ok"), &[signed(ETHICS, "ethics", "office:CA")]));
    assert!(!by("ethics.reviewed", review("ok"), &[signed(OFFICER, "ethics", "office:ethics")]));
}

#[test]
fn a_head_is_named_in_a_disposal_exactly_if_the_head_signs() {
    let by = |members: Members, signers: &[Signer<'_>]| {
        owner(None, &parse_on(STREAM, "ethics.disposed", members).unwrap(), signers)
    };
    let (office, head) = (signed(ETHICS, "ethics", "x"), signed(HEAD, "head", "x"));
    let named = || with(disposed("treasury"), &[("head", t(HEAD))]);

    assert!(by(named(), &[office, head]));
    assert!(!by(named(), &[office]));
    assert!(!by(disposed("treasury"), &[office, head]));
    assert!(!by(named(), &[office, signed(SUPERIOR, "head", "x")]));
}

#[test]
fn data_and_stream_must_fit_the_kind() {
    let fits = |stream: &str, kind: &str, members: Members| parse_on(stream, kind, members).is_ok();
    for kind in ["gift", "entertainment", "lobbying", "other"] {
        assert!(fits(STREAM, "ethics.reported", report(kind)), "{kind}");
        assert!(fits(STREAM, "ethics.logged", logged(kind)), "{kind}");
        for name in ["by", "circumstances", "head", "interested", "on", "source", "type", "unit"] {
            assert!(!fits(STREAM, "ethics.reported", without(report(kind), name)), "{kind} {name}");
        }
        for name in ["item", "place", "value"] {
            assert!(fits(STREAM, "ethics.reported", without(report(kind), name)), "{kind} {name}");
        }
    }
    let bad = [
        ("gift", "basis", t("festival")),
        ("gift", "activity", t("lecture")),
        ("lobbying", "basis", t("none")),
        ("other", "activity", t("golf")),
        ("gift", "unit", t("office CA")),
        ("gift", "on", t("2026-02-30")),
        ("gift", "colour", t("red")),
    ];
    for (kind, name, value) in bad {
        assert!(!fits(STREAM, "ethics.reported", with(report(kind), &[(name, value)])), "{kind} {name}");
    }
    for stream in ["ethics/A123456789", "ethics_run/2026Q1", "gift/115-000123"] {
        assert!(!fits(stream, "ethics.reported", report("gift")), "{stream}");
    }
    for draw in ["draw/roster/2026Q1", "draw/ethics_sample/2026-01", "ethics/115-000123"] {
        assert!(!fits(STREAM, "ethics.sampled", with(sampled(), &[("draw", t(draw))])), "{draw}");
    }
    let opened = |draw: &'static str| fits(RUN, "ethics_run.opened", vec![("draw", t(draw))]);
    assert!(opened("draw/ethics_sample/2026Q1") && !opened("draw/ethics_sample/2026Q2"));
    assert!(!fits("ethics_run/2026", "ethics_run.closed", vec![]));
    assert!(!fits("ethics_run/2026-01", "ethics_run.closed", vec![]));
    let many = |count| vec![("drawn", Value::List(vec![t("115-000001"); count]))];
    assert!(fits(RUN, "ethics_run.drawn", many(256)) && !fits(RUN, "ethics_run.drawn", many(257)));
    assert!(parse("ethics.forgotten", STREAM, &Value::Null).is_none());
    assert!(parse("ethics_run.lost", RUN, &Value::Null).is_none());
}

/// What may hold a person's data is a sealed digest wherever it stands, and never a plain value.
#[test]
fn a_sealable_field_holds_a_sealed_digest_and_nothing_else() {
    let data = |kind: &str| match kind {
        "ethics.reported" => report("gift"),
        "ethics.amended" => correction(),
        "ethics.seen" => seen(),
        "ethics.logged" => logged("gift"),
        "ethics.disposed" => disposed("returned"),
        "ethics.acknowledged" => vec![("by", t("agency:aac")), ("on", t("2026-02-02"))],
        _ => review("ok"),
    };
    let digest = Value::text("ab".repeat(32));
    let plain = [
        t("a bottle of whisky"),
        Value::Int(3_000),
        Value::Null,
        Value::object([("sealed", t("ab"))]),
        Value::object([("sealed", digest.clone()), ("value", Value::Int(3_000))]),
        digest,
    ];
    let mut fields = 0;
    for kind in kinds() {
        for pointer in sealable(kind) {
            fields += 1;
            let name = &pointer[1..];
            assert!(parse_on(STREAM, kind, with(data(kind), &[(name, sealed())])).is_ok(), "{kind} {name}");
            for value in &plain {
                let members = with(data(kind), &[(name, value.clone())]);
                assert!(parse_on(STREAM, kind, members).is_err(), "{kind} {name} {value:?}");
            }
        }
    }
    assert_eq!(fields, 16);
}

#[test]
fn every_kind_has_signers_and_only_the_house_reads_it() {
    for kind in kinds() {
        assert!(!authority(kind).unwrap().is_empty());
        assert_eq!(reader(kind), ReaderClass::House);
    }
    assert!(kinds().is_sorted() && authority("ethics.forgotten").is_none());
}

#[test]
fn rules_written_are_read_back_the_same_and_every_number_has_a_range() {
    let terms = Terms::standard();
    let bytes = terms.to_value().write();
    assert_eq!(Terms::parse(&Value::read(&bytes).unwrap()), Ok(terms));
    assert_eq!((terms.gift_days, terms.lobbying_days, terms.source_year), (3, 3, 10_000));

    let Value::Object(members) = terms.to_value() else { unreachable!() };
    for at in 0..members.len() {
        for bad in [Value::Int(-1), Value::Int(10_000_001), Value::Null] {
            let mut changed = members.clone();
            changed[at].1 = bad;
            assert!(Terms::parse(&Value::object(changed)).is_err(), "{}", members[at].0);
        }
        let mut missing = members.clone();
        missing.remove(at);
        assert!(Terms::parse(&Value::object(missing)).is_err(), "{}", members[at].0);
    }
}

/// The seed document's year 113: 238 registrations.
#[test]
fn the_public_counts_of_a_year_are_those_of_its_registrations_by_type_and_quarter() {
    let mut states = Vec::new();
    for (kind, count) in [("gift", 83), ("entertainment", 28), ("lobbying", 22), ("other", 105)] {
        for at in 0..count {
            let mut house = House::new();
            house.on(["2024-02-03", "2024-05-03", "2024-08-03", "2024-11-03"][at % 4]);
            house.ok("ethics.reported", with(report(kind), &[("on", t("2024-02-01"))]));
            states.push(house.state.unwrap());
        }
    }
    states.push(House::sampled().state.unwrap());
    states.push(House::run(&[]).state.unwrap());
    let counts = count(&states);
    let year = |kind| counts.year(2024, kind).registered;

    assert_eq!([Type::Gift, Type::Entertainment, Type::Lobbying, Type::Other].map(year), [83, 28, 22, 105]);
    assert_eq!(Type::ALL.iter().map(|kind| year(*kind)).sum::<u64>(), 238);
    let quarter = Period::parse("2024Q1").unwrap();
    let first = counts.quarter(quarter, Type::Gift);
    assert_eq!((first.registered, first.late), (21, 0));
    assert_eq!(counts.quarter(quarter.next(), Type::Gift).late, 21);
    assert_eq!(counts.year(2026, Type::Gift), Count { registered: 1, sampled: 1, ..Count::default() });
    assert_eq!(counts.rows().count(), 17);
    let text = String::from_utf8(counts.to_value().write()).unwrap();
    for private in ["officer", "office", "115-", "2024-0"] {
        assert!(!text.contains(private), "{private}");
    }
}

#[test]
fn an_event_that_no_rule_would_allow_is_a_contradiction_and_no_panic() {
    let rules = Rules::standard();
    let context = Context { recorded_at: 0, rules: &rules, signers: &[], world: &Nobody };
    let fails = |state: Option<State>, stream: &str, kind: &str, members: Members| {
        let event = parse_on(stream, kind, members).unwrap();
        assert!(evolve(state, &event, &context, &Terms::standard()).is_err(), "{kind}");
    };
    let closed = House::closed().state;
    fails(None, STREAM, "ethics.seen", seen());
    fails(None, STREAM, "ethics.amended", correction());
    fails(closed.clone(), STREAM, "ethics.reported", report("gift"));
    fails(closed.clone(), STREAM, "ethics.seen", seen());
    fails(closed.clone(), STREAM, "ethics.closed", by_office());
    fails(closed, RUN, "ethics_run.closed", vec![]);
    let run = House::run(&[]).state;
    fails(None, RUN, "ethics_run.closed", vec![]);
    fails(run.clone(), STREAM, "ethics.seen", seen());
    fails(run.clone(), "ethics_run/2026Q2", "ethics_run.closed", vec![]);
    fails(run.clone(), RUN, "ethics_run.opened", vec![("draw", t("draw/ethics_sample/2026Q1"))]);
    fails(run, RUN, "ethics_run.reviewed", vec![("no", t("115-000123")), ("outcome", t("ok"))]);
}

#[test]
fn a_kept_state_of_another_spelling_is_not_read() {
    let text = String::from_utf8(House::sampled().state.unwrap().to_value().write()).unwrap();
    let changes = [
        ("\"status\":\"sampled\"", "\"status\":\"closed\""),
        ("\"type\":\"gift\"", "\"type\":\"other\""),
        ("\"quarter\":\"2026Q1\"", "\"quarter\":\"2026-01\""),
        ("\"closed_on\":\"2026-02-02\"", "\"closed_on\":\"2 Feb\""),
        ("\"head\":false", "\"head\":0"),
        ("\"review\":null", "\"reviewed\":null"),
    ];
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        let changed = text.replace(from, to);
        let read = State::from_value(&Value::read(changed.as_bytes()).unwrap());
        assert!(read.is_err(), "{to}");
    }
}

fn any(dice: &mut Dice, texts: &[&'static str]) -> &'static str {
    texts[dice.at(texts.len())]
}

/// Random events on random days, the forbidden ones too.
fn registration_at_random(seed: u64) -> [u64; 1] {
    let mut dice = Dice(seed);
    let types = ["gift", "entertainment", "lobbying", "other"];
    let mut house = House::new();
    house.facts.drawn = (dice.roll(4) > 0).then(|| vec![STREAM.into()]);
    let mut kind = *dice.pick(&types);
    for _ in 0..90 {
        house.today = house.today.plus_days(u32::try_from(dice.roll(3)).unwrap());
        if dice.roll(20) == 0 {
            kind = *dice.pick(&types);
        }
        let by = [("by", t(any(&mut dice, &[OFFICER, SUPERIOR, ETHICS])))];
        let (name, members) = match dice.roll(10) {
            9 => ("ethics.amended", with(correction(), &by)),
            0 => ("ethics.reported", with(report(kind), &[("head", yes(dice.roll(9) == 0))])),
            1 => ("ethics.seen", with(seen(), &by)),
            2 => ("ethics.logged", with(logged(kind), &by)),
            3 | 4 => {
                let disposal = disposed(dice.pick(Disposal::ALL).name());
                let head = [("head", t(any(&mut dice, &[HEAD, OFFICER])))];
                ("ethics.disposed", if dice.roll(2) == 0 { disposal } else { with(disposal, &head) })
            }
            5 => ("ethics.acknowledged", vec![("by", t("agency:aac")), ("on", t("2026-02-02"))]),
            6 => ("ethics.closed", by_office()),
            7 => ("ethics.sampled", sampled()),
            _ => {
                let unit = t(any(&mut dice, &["office:CA", "office:E"]));
                ("ethics.reviewed", with(review("ok"), &[("unit", unit)]))
            }
        };
        let before = house.state.clone();
        if house.send(name, members).is_err() {
            assert_eq!(house.state, before, "a refusal changes nothing");
        }
    }
    [u64::from(holds(&house))]
}

#[test]
fn no_sequence_of_events_skips_a_step_and_a_rebuild_gives_the_same_state() {
    let seeds = seeds();
    let [reviewed] = total(&seeds, registration_at_random);
    assert!(!are_many(&seeds) || reviewed > 50, "{reviewed} are reviewed");
}

/// A run that drew some of three registrations, whose reviews all ended one way, or are missing.
fn run_at_random(seed: u64) -> [u64; 1] {
    let mut dice = Dice(seed ^ 0xfeed);
    let numbers = ["115-000001", "115-000002", "115-000003"];
    let drawn = &numbers[..dice.at(4)];
    let mut house = House::run(drawn);
    house.facts.reviewed = *dice.pick(&[None, Some(Verdict::Correct), Some(Verdict::Anomaly)]);
    for _ in 0..20 {
        let said = if dice.roll(3) == 0 { &numbers[..dice.at(4)] } else { drawn };
        let said = said.iter().map(|no| Value::text(*no)).collect();
        let no = *dice.pick(&numbers);
        let outcome = vec![("no", t(no)), ("outcome", t(any(&mut dice, &["ok", "anomaly"])))];
        let _ = match dice.roll(5) {
            0 => house.send("ethics_run.drawn", vec![("drawn", Value::List(said))]),
            1 => house.send("ethics_run.closed", vec![]),
            _ => house.send("ethics_run.reviewed", outcome),
        };
    }
    assert_eq!(rebuilt(&house), house.state, "a rebuild gives the same state");
    let run = house.run_state();
    let kept = run.drawn.iter().flatten().map(|item| item.no.to_string());
    assert!(run.drawn.is_none() || kept.eq(drawn.iter().map(|no| String::from(*no))));
    if run.closed_on.is_none() {
        return [0];
    }
    let items = run.drawn.as_ref().unwrap();
    assert!(items.iter().all(|item| item.outcome.is_some() && item.outcome == house.facts.reviewed));
    [1]
}

#[test]
fn no_sequence_of_events_closes_a_run_with_a_review_missing() {
    let seeds = seeds();
    let [closed] = total(&seeds, run_at_random);
    assert!(!are_many(&seeds) || closed >= 100, "{closed} are closed");
}

/// The state that the accepted events alone give.
fn rebuilt(house: &House) -> Option<State> {
    let rules = Rules::standard();
    let mut rebuilt = None;
    for (event, day) in &house.history {
        let recorded_at = day.end_of_day_ms();
        let context = Context { recorded_at, rules: &rules, signers: &[], world: &Nobody };
        rebuilt = Some(evolve(rebuilt, event, &context, &house.terms).unwrap());
    }
    rebuilt
}

/// The invariants of a registration; true if it is reviewed.
fn holds(house: &House) -> bool {
    let Some(State::Registration(registration)) = &house.state else { return false };
    assert_eq!(rebuilt(house), house.state);

    assert!(registration.amended.len() <= AMENDMENTS_MAX);
    let last = registration.closed_on.or(registration.amended.last().map(|amendment| amendment.on));
    assert!(registration.amended.iter().all(|amendment| Some(amendment.on) <= last));
    let words = registration.amended.iter().filter_map(|amendment| amendment.was);
    let late = words.map(|word| word.due_on).any(|due_on| registration.reported_on > due_on);
    assert!(!late || registration.breaches().contains(&Breach::LateReport));
    let seen = registration.seen.as_ref();
    let logged = registration.logged.as_ref();
    assert!(logged.is_none() || seen.is_some() || !registration.needs_superior());
    assert!(registration.disposed.is_none() || logged.is_some());
    assert!(registration.closed_on.is_none() || registration.disposed.is_some());
    assert!(registration.sampled.is_none() || registration.closed_on.is_some());
    assert!(registration.review.is_none() || registration.sampled.is_some());
    assert!(
        registration.closed_on.is_none()
            || !registration.is_referred()
            || registration.acknowledged.is_some()
    );
    for step in [seen.map(|step| &step.what.by), logged.map(|step| &step.what.by)].into_iter().flatten() {
        assert_ne!(*step, registration.report.by, "nobody handles the own registration");
    }
    if let Some(step) = &registration.disposed {
        assert_eq!(step.what.disposal.of(), registration.report.kind);
        assert!(!step.what.disposal.needs_head() || step.what.head.is_some());
        assert_ne!(step.what.head.as_ref(), Some(&registration.report.by));
    }
    if let Some(step) = &registration.review {
        assert_ne!(step.what.unit, registration.report.unit);
    }
    registration.review.is_some()
}

#[test]
fn the_states_that_the_specification_shows_have_their_digests() {
    let mut registration = House::sampled();
    registration.ok("ethics.reviewed", review("ok"));
    let mut run = House::run(&["115-000123"]);
    run.ok("ethics_run.drawn", vec![("drawn", Value::List(vec![t("115-000123")]))]);
    let cases = [
        (registration, "762d9989a55910115f6b94b6c3e497f7d725c6a3ab117fe2c9024f827a9b3573"),
        (run, "1de99be695cdf57252c1ccb4c2949207615e071639896f9dd3f166721582860b"),
    ];
    for (house, expected) in cases {
        let bytes = house.state.unwrap().to_value().write();
        let digest = lian_core::hash::sha256(&[b"lian/state/v1\n", &bytes]).to_hex();
        assert_eq!(digest, expected, "{}", String::from_utf8_lossy(&bytes));
    }
}
