//! Every step and every refusal of a draw, by its sentence; and those who would steer one.

use std::collections::BTreeMap;

use lian_core::{
    hash::{Digest, sha256},
    json::Value,
};

use super::*;
use crate::{
    chance::{Dice, are_many, seeds, total},
    context::{Context, World},
    dates::Day,
    ids::{DeclarationNo, Ubn},
    refusal::Refusal,
    rules::Rules,
};

const DRAW: &str = "draw/ethics_sample/2026Q1";
const AGENCY: &str = "agency:aac";
const BANK: &str = "bank:004";
const SYSTEM: &str = "system:draws";
/// 2026-04-01 00:00 in Taipei: the first quarter is over.
const OVER: u64 = 1_774_972_800_000;
const SECOND: u64 = 1_000;
const DAY: u64 = 86_400 * SECOND;
/// The epoch that takes the population, and the one that seals the draw.
const TAKEN: u64 = 2;
const SEAL: u64 = 4;

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

#[derive(Default)]
struct Epochs(BTreeMap<u64, Epoch>);

impl Around for Epochs {
    fn epoch(&self, number: u64) -> Option<Epoch> {
        self.0.get(&number).copied()
    }
}

impl Epochs {
    fn close(&mut self, number: u64, closed_at: u64) {
        let root = sha256(&[b"root", &number.to_be_bytes()]);
        self.0.insert(number, Epoch { root, closed_at, cosigned_at: None });
    }

    fn cosign(&mut self, number: u64, at: u64) {
        self.0.get_mut(&number).unwrap().cosigned_at = Some(at);
    }
}

/// One draw, the epochs around it, and the moment at which the next event is recorded.
struct House {
    state: Option<State>,
    history: Vec<(Event, u64)>,
    terms: Terms,
    epochs: Epochs,
    now: u64,
    capacity: &'static str,
    members: Vec<String>,
}

fn random(party: &str) -> Digest {
    sha256(&[b"random of ", party.as_bytes()])
}

fn commits(party: &str) -> Event {
    Event::Committed { party: party.into(), commitment: commitment(DRAW, party, &random(party)) }
}

fn reveals(party: &str) -> Event {
    Event::Revealed { party: party.into(), random: random(party), epoch: SEAL }
}

fn closes_with_nothing() -> Event {
    Event::Closed(Box::new(Closing { epoch: SEAL, seed: Digest::ZERO, drawn: Vec::new() }))
}

impl House {
    /// Epochs 0 and 1 lie before the end of the quarter, 2 is the first after it.
    fn new() -> Self {
        let mut epochs = Epochs::default();
        epochs.close(0, OVER - 90 * DAY);
        epochs.close(1, OVER - 60 * SECOND);
        epochs.close(TAKEN, OVER + 540 * SECOND);
        epochs.close(3, OVER + 1_140 * SECOND);
        (0..4).for_each(|number| epochs.cosign(number, epochs.0[&number].closed_at + SECOND));
        Self {
            state: None,
            history: Vec::new(),
            terms: Terms::standard(),
            epochs,
            now: OVER + 2_000 * SECOND,
            capacity: "ethics",
            members: (1..=60).map(|serial| format!("ethics/115-{serial:06}")).collect(),
        }
    }

    fn opened() -> Self {
        let mut house = Self::new();
        house.ok(house.opening());
        house
    }

    /// Agency and bank have committed, the seal epoch is closed and cosigned.
    fn sealed() -> Self {
        Self::sealed_by(&[AGENCY, BANK])
    }

    fn sealed_by(parties: &[&str]) -> Self {
        let mut house = Self::opened();
        for party in parties {
            house.ok(commits(party));
        }
        house.seal();
        house
    }

    /// The seal epoch is closed and cosigned.
    fn seal(&mut self) {
        let sealed_at = self.state().sealed_at.unwrap();
        self.epochs.close(SEAL, sealed_at + 1);
        self.now = sealed_at + 60 * SECOND;
        self.epochs.cosign(SEAL, self.now);
    }

    fn state(&self) -> &State {
        self.state.as_ref().unwrap()
    }

    fn names(&self) -> Vec<&str> {
        self.members.iter().map(String::as_str).collect()
    }

    fn opening(&self) -> Event {
        let (population, members) = population(self.names()).unwrap();
        let scheme = self.terms.scheme("ethics_sample").unwrap();
        Event::Opened(Box::new(Opening {
            scheme: "ethics_sample".into(),
            period: Period::parse("2026Q1").unwrap(),
            epoch: TAKEN,
            population,
            members,
            count: scheme.count_of(members),
            committers: scheme.committers.clone(),
        }))
    }

    fn opening_with(&self, change: impl FnOnce(&mut Opening)) -> Event {
        let Event::Opened(mut opening) = self.opening() else { unreachable!() };
        change(&mut opening);
        Event::Opened(opening)
    }

    fn root(&self) -> Digest {
        self.epochs.0[&SEAL].root
    }

    fn closing(&self) -> Event {
        let seed = self.state().seed(SEAL, &self.root());
        let drawn = pick(&seed, self.names(), self.state().count_drawn());
        let drawn = drawn.into_iter().map(Box::from).collect();
        Event::Closed(Box::new(Closing { epoch: SEAL, seed, drawn }))
    }

    fn closing_with(&self, change: impl FnOnce(&mut Closing)) -> Event {
        let Event::Closed(mut closing) = self.closing() else { unreachable!() };
        change(&mut closing);
        Event::Closed(closing)
    }

    fn send(&mut self, event: Event) -> Result<(), Refusal> {
        let signers =
            [Signer { actor: "officer:e1", capacity: self.capacity, person: None, unit: "office:E" }];
        let rules = Rules::standard();
        let context = Context { recorded_at: self.now, rules: &rules, signers: &signers, world: &Nobody };
        decide(self.state.as_ref(), &event, &context, &self.terms, &self.epochs)?;
        let blind = Context { signers: &[], ..context };
        let state = evolve(self.state.take(), &event, &blind, &self.terms).unwrap();
        let bytes = state.to_value().write();
        assert_eq!(State::from_value(&Value::read(&bytes).unwrap()).as_ref(), Ok(&state));
        self.state = Some(state);
        self.history.push((event, self.now));
        Ok(())
    }

    fn ok(&mut self, event: Event) {
        let told = format!("{event:?}");
        assert_eq!(self.send(event), Ok(()), "{told}");
    }

    fn refused(&mut self, event: Event, refusal: Refusal) {
        let before = self.state.clone();
        assert_eq!(self.send(event), Err(refusal));
        assert_eq!(self.state, before);
    }

    fn check(&self) -> Vec<Difference> {
        check(self.state(), &self.names(), &self.root())
    }
}

fn name(text: &str) -> Box<str> {
    text.into()
}

#[test]
fn a_draw_is_opened_committed_to_revealed_and_closed_and_anyone_gets_the_same_names() {
    let mut house = House::sealed();
    house.ok(reveals(BANK));
    house.ok(reveals(AGENCY));
    house.ok(house.closing());

    assert_eq!(house.state().outcome.as_ref().unwrap().drawn.len(), 1, "one in a hundred of 60");
    assert_eq!(house.check(), []);
    assert_eq!(house.state().stream(), DRAW);
}

#[test]
fn a_draw_with_nobody_to_draw_is_closed_all_the_same() {
    let mut house = House::new();
    house.members.clear();
    house.ok(house.opening());
    house.ok(commits(AGENCY));
    house.ok(commits(BANK));
    house.seal();
    house.ok(reveals(BANK));
    house.ok(reveals(AGENCY));
    house.ok(house.closing());

    assert!(house.state().outcome.as_ref().unwrap().drawn.is_empty());
    assert_eq!(house.check(), []);
}

#[test]
fn a_draw_must_be_opened_before_anything_else() {
    let mut house = House::new();
    for event in [commits(BANK), reveals(BANK)] {
        house.refused(event, Refusal::UnknownDraw);
    }
    house.refused(closes_with_nothing(), Refusal::UnknownDraw);
}

#[test]
fn a_second_attempt_at_the_same_period_is_refused_at_every_stage() {
    let mut house = House::sealed();
    house.refused(house.opening(), Refusal::DrawOpened);
    house.ok(reveals(BANK));
    house.ok(reveals(AGENCY));
    house.ok(house.closing());

    house.refused(house.opening(), Refusal::DrawOpened);
}

#[test]
fn a_second_attempt_under_another_period_is_refused_or_draws_from_others() {
    let mut house = House::new();
    let under = |period: &str| {
        let period = Period::parse(period).unwrap();
        house.opening_with(|opening| opening.period = period)
    };
    let attempts = [
        (under("2026-03"), Refusal::PeriodOffCalendar),
        (under("2026-03-31"), Refusal::PeriodOffCalendar),
        (under("2026Q2"), Refusal::WrongEpoch),
        (under("2025Q4"), Refusal::WrongEpoch),
    ];
    for (event, refusal) in attempts {
        house.refused(event, refusal);
    }

    let scheme = house.terms.scheme("ethics_sample").unwrap();
    let closed = Value::object([("closed_on", Value::text("2026-02-03")), ("status", Value::text("closed"))]);
    let of = |period: &str| scheme.members(Period::parse(period).unwrap(), "ethics/115-000001", &closed);
    assert_eq!(of("2026Q1"), ["ethics/115-000001"]);
    assert!(of("2025Q4").is_empty() && of("2026Q2").is_empty(), "each member belongs to one period");
}

#[test]
fn no_draw_is_opened_for_a_period_that_was_over_before_the_ledger_began() {
    let mut house = House::new();
    let opening = house.opening_with(|opening| {
        opening.epoch = 0;
        opening.period = Period::parse("2019Q1").unwrap();
    });

    house.refused(opening, Refusal::WrongEpoch);
}

#[test]
fn the_operator_cannot_choose_the_epoch_of_the_population() {
    for epoch in [0, 1, 3, 9] {
        let mut house = House::new();
        house.refused(house.opening_with(|opening| opening.epoch = epoch), Refusal::WrongEpoch);
    }
    let mut house = House::new();
    house.epochs.0.get_mut(&TAKEN).unwrap().cosigned_at = None;
    house.refused(house.opening(), Refusal::DrawEpochNotCosigned);
}

#[test]
fn an_epoch_closed_as_the_quarter_ends_takes_the_population_and_one_a_moment_earlier_does_not() {
    for (closed_at, verdict) in [(OVER, Ok(())), (OVER - 1, Err(Refusal::WrongEpoch))] {
        let mut house = House::new();
        house.epochs.0.get_mut(&TAKEN).unwrap().closed_at = closed_at;

        assert_eq!(house.send(house.opening()), verdict);
    }
}

#[test]
fn only_schemes_of_the_rules_are_drawn_by_and_only_by_the_capacity_that_they_name() {
    let mut house = House::new();
    house.refused(house.opening_with(|opening| opening.scheme = name("favours")), Refusal::SchemeUnknown);
    house.capacity = "supervisor";
    house.refused(house.opening(), Refusal::OpenerNotNamed);

    let mut house = House::sealed();
    house.ok(reveals(BANK));
    house.ok(reveals(AGENCY));
    house.capacity = "officer";
    house.refused(house.closing(), Refusal::OpenerNotNamed);
}

#[test]
fn count_and_committers_are_those_of_the_scheme() {
    let changes: [fn(&mut Opening); 4] = [
        |opening| opening.count = 0,
        |opening| opening.count = 2,
        |opening| drop(opening.committers.pop()),
        |opening| opening.committers.push(name("system:more")),
    ];
    for change in changes {
        let mut house = House::new();
        house.refused(house.opening_with(change), Refusal::SchemeDiffers);
    }
}

#[test]
fn a_draw_opened_late_is_flagged_and_not_refused() {
    let mut house = House::new();
    house.now = OVER + 15 * DAY - 1;
    house.ok(house.opening());
    assert!(!house.state().late, "on the fourteenth day after");

    let mut house = House::new();
    house.now = OVER + 15 * DAY;
    house.ok(house.opening());
    assert!(house.state().late);
}

#[test]
fn only_the_committers_of_the_scheme_commit_and_each_of_them_once() {
    let mut house = House::opened();
    house.refused(commits("bank:005"), Refusal::NotACommitter);
    house.ok(commits(BANK));

    house.refused(commits(BANK), Refusal::CommittedBefore);
}

#[test]
fn a_commitment_after_the_time_for_it_is_refused_once_enough_have_committed() {
    let mut house = House::opened();
    house.ok(commits(AGENCY));
    house.ok(commits(BANK));
    let until = house.state().commit_until;
    house.now = until + 1;
    house.refused(commits(SYSTEM), Refusal::CommitTooLate);

    house.now = until;
    house.ok(commits(SYSTEM));
    assert_eq!(house.state().sealed_at, Some(until));
}

#[test]
fn a_draw_waits_for_two_organisations_and_is_then_sealed_by_the_next_epoch() {
    let mut house = House::opened();
    house.ok(commits(BANK));
    house.now = house.state().commit_until + 3 * DAY;
    let since = house.state().commit_until;
    assert_eq!(house.state().sealed_at, None);
    assert_eq!(house.state().overdue(house.now, None), [Overdue::Commitments(since)]);
    house.refused(reveals(BANK), Refusal::CommitmentsMissing);
    house.refused(closes_with_nothing(), Refusal::CommitmentsMissing);

    house.ok(commits(AGENCY));
    assert_eq!(house.state().sealed_at, Some(house.now));
    house.now += 1;
    house.refused(commits(SYSTEM), Refusal::CommitTooLate);
}

#[test]
fn two_committers_of_one_organisation_are_not_two() {
    let mut house = House::new();
    let scheme = house.terms.schemes.iter_mut().find(|scheme| &*scheme.name == "ethics_sample").unwrap();
    scheme.committers = [BANK, "officer:7f3k", SYSTEM].map(name).to_vec();
    house.ok(house.opening());
    house.ok(commits("officer:7f3k"));
    house.ok(commits(SYSTEM));
    assert_eq!(house.state().sealed_at, None, "both are the house");

    house.ok(commits(BANK));
    assert!(house.state().sealed_at.is_some());
}

#[test]
fn nobody_reveals_before_the_seal_epoch_is_closed_and_cosigned() {
    let mut house = House::opened();
    house.ok(commits(AGENCY));
    house.ok(commits(BANK));
    let sealed_at = house.state().sealed_at.unwrap();
    house.refused(reveals(BANK), Refusal::WrongEpoch);

    house.epochs.close(SEAL, sealed_at + 1);
    house.now = sealed_at + 60 * SECOND;
    house.refused(reveals(BANK), Refusal::DrawEpochNotCosigned);
    house.epochs.cosign(SEAL, house.now);
    house.ok(reveals(BANK));
}

#[test]
fn the_operator_cannot_choose_the_epoch_that_seals_the_draw() {
    let mut house = House::sealed();
    house.epochs.close(5, house.now + 600 * SECOND);
    house.epochs.cosign(5, house.now + 601 * SECOND);
    house.now += 700 * SECOND;
    for epoch in [3, 5, 6] {
        let reveal = Event::Revealed { party: name(BANK), random: random(BANK), epoch };
        house.refused(reveal, Refusal::WrongEpoch);
    }
    house.ok(reveals(BANK));
    house.ok(reveals(AGENCY));
    for epoch in [3, 5] {
        house.refused(house.closing_with(|closing| closing.epoch = epoch), Refusal::WrongEpoch);
    }

    // An epoch closed at the very moment of the last commitment does not cover it.
    let mut house = House::sealed();
    house.epochs.0.get_mut(&SEAL).unwrap().closed_at = house.state().sealed_at.unwrap();
    house.refused(reveals(BANK), Refusal::WrongEpoch);
}

#[test]
fn only_what_was_committed_to_is_revealed_and_only_once() {
    let mut house = House::sealed();
    house.refused(reveals(SYSTEM), Refusal::NotCommitted);
    let other = Event::Revealed { party: name(BANK), random: random("another wish"), epoch: SEAL };
    house.refused(other, Refusal::RevealDiffers);
    let stolen = Event::Revealed { party: name(AGENCY), random: random(BANK), epoch: SEAL };
    house.refused(stolen, Refusal::RevealDiffers);
    house.ok(reveals(BANK));

    house.refused(reveals(BANK), Refusal::RevealedBefore);
}

#[test]
fn a_committer_who_withholds_is_a_breach_and_doubles_what_is_drawn_by_the_others() {
    let mut house = House::sealed_by(&[AGENCY, BANK, SYSTEM]);
    house.ok(reveals(AGENCY));
    house.refused(house.closing(), Refusal::RevealsAwaited);
    let until = house.now + 259_200 * SECOND;
    house.now = until;
    house.refused(house.closing(), Refusal::RevealsAwaited);
    house.now += 1;
    house.refused(reveals(BANK), Refusal::RevealTooLate);

    let seal = house.epochs.0[&SEAL];
    let breaches = house.state().overdue(house.now, Some(&seal));
    let withheld = |party: &str| Overdue::Reveal(name(party), until);
    assert_eq!(breaches, [withheld(BANK), withheld(SYSTEM), Overdue::Close(until)]);
    house.ok(house.closing());
    assert_eq!(house.state().outcome.as_ref().unwrap().drawn.len(), 4, "doubled for each of two");
    assert_eq!(house.state().withheld().collect::<Vec<_>>(), [BANK, SYSTEM], "on record for good");
    assert_eq!(house.check(), []);
}

#[test]
fn what_is_drawn_is_doubled_only_as_far_as_there_are_members_and_names_fit_a_statement() {
    let mut house = House::sealed_by(&[AGENCY, BANK, SYSTEM]);
    let state = house.state.as_mut().unwrap();
    (state.count, state.members) = (30, 70);
    assert_eq!(state.count_drawn(), 70);
    (state.count, state.members) = (128, 1_000_000);

    assert_eq!(state.count_drawn(), DRAWN_MAX);
}

#[test]
fn the_house_alone_never_makes_a_seed() {
    let mut house = House::sealed_by(&[BANK, SYSTEM]);
    house.ok(reveals(SYSTEM));
    house.now += 259_200 * SECOND + 1;
    house.refused(house.closing(), Refusal::RevealsAwaited);

    // Whoever is outside may still save the draw; the house may not.
    house.ok(reveals(BANK));
    house.ok(house.closing());

    let mut house = House::sealed_by(&[BANK, SYSTEM]);
    house.now += 259_200 * SECOND + 1;
    house.refused(reveals(SYSTEM), Refusal::RevealTooLate);
}

#[test]
fn the_time_to_reveal_runs_from_the_cosignature_so_that_delaying_it_shuts_nobody_out() {
    let mut house = House::opened();
    house.ok(commits(AGENCY));
    house.ok(commits(BANK));
    house.epochs.close(SEAL, house.state().sealed_at.unwrap() + 1);
    house.now += 30 * DAY;
    house.epochs.cosign(SEAL, house.now);
    house.now += 259_200 * SECOND;

    house.ok(reveals(AGENCY));
    house.ok(reveals(BANK));
}

#[test]
fn seed_and_names_must_be_those_that_the_reveals_give() {
    let mut house = House::sealed_by(&[AGENCY, BANK, SYSTEM]);
    house.ok(reveals(AGENCY));
    house.now += 259_200 * SECOND + 1;
    let changes: [fn(&mut Closing); 6] = [
        |closing| closing.seed.0[0] ^= 1,
        |closing| drop(closing.drawn.pop()),
        |closing| closing.drawn.swap(0, 1),
        |closing| closing.drawn[1] = closing.drawn[0].clone(),
        |closing| closing.drawn[0] = "cargo/297-83993523/1".into(),
        |closing| closing.drawn.push("ethics/115-999999".into()),
    ];
    for change in changes {
        house.refused(house.closing_with(change), Refusal::ResultDiffers);
    }
    house.ok(house.closing());
}

#[test]
fn a_name_outside_the_family_of_the_scheme_is_never_drawn() {
    let mut house = House::sealed();
    house.ok(reveals(AGENCY));
    house.ok(reveals(BANK));
    let stranger = |closing: &mut Closing| closing.drawn = vec![name("ethics_run/2026Q1")];

    house.refused(house.closing_with(stranger), Refusal::ResultDiffers);
}

#[test]
fn nothing_happens_to_a_draw_after_it_is_closed() {
    let mut house = House::sealed_by(&[AGENCY, BANK]);
    house.ok(reveals(AGENCY));
    house.now += 259_200 * SECOND + 1;
    house.ok(house.closing());

    for event in [commits(SYSTEM), reveals(BANK), house.closing()] {
        house.refused(event, Refusal::DrawClosed);
    }
    let seal = house.epochs.0[&SEAL];
    assert_eq!(house.state().overdue(u64::MAX, Some(&seal)), []);
}

/// The operator signs whatever passes `decide`; `check` holds it against the states.
#[test]
fn a_population_with_one_left_out_is_found_by_anyone_who_has_the_states() {
    let mut house = House::new();
    let friend = house.members.remove(17);
    house.ok(house.opening());
    house.ok(commits(AGENCY));
    house.ok(commits(BANK));
    house.seal();
    house.ok(reveals(AGENCY));
    house.ok(reveals(BANK));
    house.ok(house.closing());

    house.members.insert(17, friend);
    let found = house.check();
    assert!(matches!(found[0], Difference::Members { said: 59, found: 60 }), "{found:?}");
    assert!(matches!(found[1], Difference::Population { .. }), "{found:?}");
}

#[test]
fn a_member_exchanged_for_a_stranger_is_found() {
    let mut house = House::new();
    house.members[17] = "ethics/115-900000".into();
    house.members.sort();
    house.ok(house.opening());
    house.members.retain(|member| !member.ends_with("900000"));
    house.members.insert(17, "ethics/115-000018".into());
    house.seal_all();

    assert!(matches!(house.check()[..], [Difference::Population { .. }, ..]));
}

impl House {
    fn seal_all(&mut self) {
        for party in [AGENCY, BANK] {
            self.ok(commits(party));
        }
        self.seal();
        for party in [AGENCY, BANK] {
            self.ok(reveals(party));
        }
        self.ok(self.closing());
    }
}

#[test]
fn a_name_that_is_no_member_or_not_the_nearest_is_found() {
    let mut house = House::sealed();
    house.ok(reveals(AGENCY));
    house.ok(reveals(BANK));
    let seed = house.state().seed(SEAL, &house.root());
    let all = pick(&seed, house.names(), 2);
    let (first, second): (Box<str>, Box<str>) = (all[0].into(), all[1].into());
    let spared = house.closing_with(|closing| closing.drawn = vec![second.clone()]);
    house.ok(spared);

    let expected = Difference::Drawn { place: 0, said: Some(second), found: Some(first) };
    assert_eq!(house.check(), [expected]);
}

#[test]
fn another_root_a_changed_reveal_and_a_draw_still_open_are_found() {
    let mut house = House::sealed();
    assert_eq!(house.check(), [Difference::NotClosed]);
    house.ok(reveals(AGENCY));
    house.ok(reveals(BANK));
    house.ok(house.closing());
    let found = check(house.state(), &house.names(), &Digest([9; 32]));
    assert!(matches!(found[0], Difference::Seed { .. }), "{found:?}");

    house.state.as_mut().unwrap().committers[0].random = Some(Digest([1; 32]));
    assert!(house.check().contains(&Difference::Reveal(name(AGENCY))));
    let unsorted = [house.names()[1], house.names()[0]];
    assert_eq!(check(house.state(), &unsorted, &house.root()), [Difference::Unordered(1)]);
}

#[test]
fn a_party_signs_for_itself_alone() {
    let signers = |actor| [Signer { actor, capacity: "committer", person: None, unit: "x" }];
    let house = House::opened();
    for event in [commits(BANK), reveals(BANK)] {
        assert!(owner(None, &event, &signers(BANK)));
        assert!(!owner(None, &event, &signers(AGENCY)));
    }
    assert!(owner(None, &house.opening(), &signers(BANK)), "capacities are judged elsewhere");
}

#[test]
fn whoever_works_for_the_customs_is_of_one_organisation_and_every_other_actor_of_its_own() {
    for actor in ["officer:7f3k", "system:draws", "root:a", "nobody"] {
        assert_eq!(organisation(actor), HOUSE);
    }
    for actor in ["bank:004", "agency:aac", "warehouse:CA01"] {
        assert_eq!(organisation(actor), actor);
    }
}

#[test]
fn a_period_without_its_draw_is_due_from_the_day_after_the_last_to_open_it() {
    let terms = Terms::standard();
    let scheme = terms.scheme("ethics_sample").unwrap();
    let day = |text: &str| Day::parse(text).unwrap();
    let due = |today: &str| scheme.due(day("2025-11-20"), day(today)).map(|period| period.to_string());

    assert_eq!(scheme.open_by(Period::parse("2026Q1").unwrap()), day("2026-04-15"));
    assert_eq!(due("2026-04-15").collect::<Vec<_>>(), ["2025Q4"]);
    assert_eq!(due("2026-04-16").collect::<Vec<_>>(), ["2025Q4", "2026Q1"]);
    let roster = terms.scheme("roster").unwrap();
    let days: Vec<String> =
        roster.due(day("2026-04-01"), day("2026-04-03")).map(|period| period.to_string()).collect();
    assert_eq!(days, ["2026-04-01", "2026-04-02"]);
}

#[test]
fn a_roster_takes_its_population_as_the_day_begins() {
    let terms = Terms::standard();
    let roster = terms.scheme("roster").unwrap();

    assert_eq!(roster.taken_at(Period::parse("2026-04-01").unwrap()), OVER);
    assert_eq!(roster.stream(Period::parse("2026-04-01").unwrap()), "draw/roster/2026-04-01");
}

#[test]
fn a_member_is_of_the_prefix_of_the_status_and_of_the_period() {
    let terms = Terms::standard();
    let scheme = terms.scheme("ethics_sample").unwrap();
    let period = Period::parse("2026Q1").unwrap();
    let state = |status: &'static str, on: Value<'static>| {
        Value::object([("closed_on", on), ("status", Value::text(status))])
    };
    let on = |text: &'static str| Value::text(text);
    let cases = [
        ("ethics/115-000001", state("closed", on("2026-01-01")), true),
        ("ethics/115-000001", state("closed", on("2026-03-31")), true),
        ("ethics/115-000001", state("closed", on("2026-04-01")), false),
        ("ethics/115-000001", state("closed", Value::Null), false),
        ("ethics/115-000001", state("sampled", on("2026-01-01")), false),
        ("ethics_run/2026Q1", state("closed", on("2026-01-01")), false),
    ];
    for (stream, state, expected) in cases {
        assert_eq!(scheme.members(period, stream, &state).len() == 1, expected, "{stream} {state:?}");
    }
}

#[test]
fn the_members_of_a_roster_are_the_officers_who_were_told_of_that_day() {
    let terms = Terms::standard();
    let scheme = terms.scheme("roster").unwrap();
    let text = br#"{"advisers":[],"of":"roster","officers":["officer:7f3k","officer:c29x"]}"#;
    let state = Value::read(text).unwrap();
    let of = |stream: &str| scheme.members(Period::parse("2026-04-01").unwrap(), stream, &state);

    assert_eq!(of("roster/2026-04-01/duty"), ["actor/officer:7f3k", "actor/officer:c29x"]);
    for stream in
        ["roster/2026-04-02/duty", "roster/2026-04-01/L1", "roster/2026-04-01", "queue/2026-04-01/duty"]
    {
        assert!(of(stream).is_empty(), "{stream}");
    }
    assert_eq!((scheme.members_prefix(), &*scheme.prefix), ("actor/", "roster/"));
}

#[test]
fn cargo_is_drawn_for_review_in_the_quarter_in_which_its_image_was_read() {
    let terms = Terms::standard();
    let scheme = terms.scheme("xray_review").unwrap();
    let quarter = Period::parse("2026Q1").unwrap();
    let count = |text: &str| {
        scheme.members(quarter, "cargo/297-83993523/598FJ923", &Value::read(text.as_bytes()).unwrap()).len()
    };

    assert_eq!(count(r#"{"image":{"reading":{"on":"2026-03-31"}},"of":"cargo"}"#), 1);
    assert_eq!(count(r#"{"image":{"reading":{"on":"2026-04-01"}},"of":"cargo"}"#), 0);
    assert_eq!(count(r#"{"image":{"line":"L1"},"of":"cargo"}"#), 0, "not read yet");
}

#[test]
fn the_count_is_a_share_rounded_up_between_its_bounds_and_never_more_than_there_are() {
    let mut scheme = Terms::standard().scheme("ethics_sample").unwrap().clone();
    (scheme.count_min, scheme.count_max, scheme.per_10000) = (2, 5, 100);
    let cases = [(0, 0), (1, 1), (60, 2), (201, 3), (400, 4), (1_000_000, 5), (u64::MAX, 5)];

    for (members, count) in cases {
        assert_eq!(scheme.count_of(members), count, "{members}");
    }
}

#[test]
fn schemes_written_are_read_back_the_same() {
    let terms = Terms::standard();
    let bytes = terms.to_value().write();

    assert_eq!(Terms::parse(&Value::read(&bytes).unwrap()), Ok(terms));
    assert_eq!(Terms::parse(&Value::List(Vec::new())).unwrap().schemes.len(), 0);
}

#[test]
fn schemes_that_could_be_steered_or_never_end_are_refused() {
    type Change = (&'static str, Value<'static>);
    let text = Value::text;
    let list = |names: &[&'static str]| Value::List(names.iter().map(|name| Value::text(*name)).collect());
    let bad: [Change; 22] = [
        ("organisations", Value::Int(1)),
        ("organisations", Value::Int(4)),
        ("committers", list(&["officer:a", "system:draws"])),
        ("committers", list(&["system:draws", "bank:004"])),
        ("committers", list(&[])),
        ("count_min", Value::Int(33)),
        ("count_max", Value::Int(129)),
        ("per_10000", Value::Int(10_001)),
        ("reveal_seconds", Value::Int(59)),
        ("commit_seconds", Value::Int(2_592_001)),
        ("open_days", Value::Int(367)),
        ("opener", text("committer")),
        ("calendar", text("year")),
        ("at", text("noon")),
        ("within", text("")),
        ("prefix", text("ethics")),
        ("suffix", text("duty")),
        ("suffix", text("/")),
        ("each", text("Officers")),
        ("each", Value::List(vec![])),
        ("name", text("Ethics")),
        ("is", Value::object([("status", Value::Null)])),
    ];
    for (name, value) in bad {
        let Value::Object(mut members) = Terms::standard().schemes[0].to_value() else { unreachable!() };
        members.push((name.into(), value.clone()));
        let terms = Value::List(vec![Value::object(members)]);
        assert!(Terms::parse(&terms).is_err(), "{name} {value:?}");
    }
    let twice = vec![Terms::standard().schemes[0].to_value(); 2];
    assert!(Terms::parse(&Value::List(twice)).is_err());
}

#[test]
fn data_and_stream_must_fit_the_kind() {
    let digest = "ab".repeat(32);
    let read = |kind: &str, stream: &str, data: &str| {
        let data = data.replace('#', &digest);
        parse(kind, stream, &Value::read(data.as_bytes()).unwrap()).unwrap().is_ok()
    };
    let opened = r##"{"committers":["bank:004"],"count":1,"epoch":2,"members":60,"period":"2026Q1","population":"#","scheme":"ethics_sample"}"##;
    assert!(read("draw.opened", DRAW, opened));
    for (from, to) in [
        ("2026Q1", "2026Q2"),
        ("ethics_sample", "roster"),
        ("\"count\":1", "\"count\":129"),
        ("[\"bank:004\"]", "[]"),
        ("\"epoch\":2", "\"epoch\":-1"),
    ] {
        assert!(!read("draw.opened", DRAW, &opened.replace(from, to)), "{to}");
    }
    for stream in ["draw/ethics_sample", "draw/ethics_sample/2026", "draw/Ethics/2026Q1", "ethics/115-000001"]
    {
        assert!(!read("draw.opened", stream, opened), "{stream}");
    }
    assert!(read("draw.committed", DRAW, r##"{"commitment":"#","party":"bank:004"}"##));
    assert!(!read("draw.committed", DRAW, r##"{"commitment":"#","party":"bank 004"}"##));
    assert!(read("draw.revealed", DRAW, r##"{"epoch":4,"party":"bank:004","random":"#"}"##));
    assert!(!read("draw.revealed", DRAW, r##"{"epoch":4,"party":"bank:004","random":"#","x":1}"##));
    assert!(read("draw.closed", DRAW, r##"{"drawn":["ethics/115-000001"],"epoch":4,"seed":"#"}"##));
    assert!(!read("draw.closed", DRAW, r##"{"drawn":["nobody"],"epoch":4,"seed":"#"}"##));
    let many =
        |count| format!(r##"{{"drawn":[{}],"epoch":4,"seed":"#"}}"##, vec!["\"a/b\""; count].join(","));
    assert!(read("draw.closed", DRAW, &many(256)) && !read("draw.closed", DRAW, &many(257)));
    assert!(parse("ethics.closed", DRAW, &Value::Null).is_none());
}

#[test]
fn every_kind_has_signers_and_readers_and_no_personal_field() {
    for kind in kinds() {
        assert!(!authority(kind).unwrap().is_empty());
        assert_eq!(reader(kind), ReaderClass::Parties);
        assert!(sealable(kind).is_empty());
    }
    assert!(kinds().is_sorted() && authority("draw.stolen").is_none());
}

/// Random events at random moments, the forbidden ones too.
fn draw_at_random(seed: u64) -> [u64; 1] {
    let mut dice = Dice(seed);
    let mut house = House::new();
    house.members.truncate(dice.at(61));
    for _ in 0..40 {
        house.now += dice.roll(40_000) * SECOND;
        let party = *dice.pick(&[AGENCY, BANK, SYSTEM, "bank:005"]);
        let event = match (dice.roll(9), &house.state) {
            (_, None) | (0, _) => house.opening(),
            (1..=3, _) => commits(party),
            (4..=6, _) => reveals(party),
            (7, Some(_)) if house.epochs.0.contains_key(&SEAL) => house.closing(),
            (_, Some(state)) => {
                let open = state.sealed_at.is_some_and(|at| house.now > at);
                if open && !house.epochs.0.contains_key(&SEAL) {
                    house.epochs.close(SEAL, house.now);
                    house.epochs.cosign(SEAL, house.now + SECOND);
                }
                continue;
            }
        };
        let before = house.state.clone();
        if house.send(event).is_err() {
            assert_eq!(house.state, before, "a refusal changes nothing");
        }
    }
    [u64::from(holds(&house))]
}

#[test]
fn no_sequence_of_events_steers_a_draw_and_a_rebuild_gives_the_same_state() {
    let seeds = seeds();
    let [closed] = total(&seeds, draw_at_random);
    assert!(!are_many(&seeds) || closed > 50, "{closed} reach their end");
}

/// The invariants of the family; true if the draw is closed.
fn holds(house: &House) -> bool {
    let Some(state) = &house.state else { return false };
    let rules = Rules::standard();
    let mut rebuilt = None;
    for (event, recorded_at) in &house.history {
        let context = Context { recorded_at: *recorded_at, rules: &rules, signers: &[], world: &Nobody };
        rebuilt = Some(evolve(rebuilt, event, &context, &house.terms).unwrap());
    }
    assert_eq!(rebuilt.as_ref(), Some(state));
    for (event, recorded_at) in &house.history {
        match event {
            Event::Committed { .. } => {
                assert!(state.sealed_at.is_none_or(|sealed_at| *recorded_at <= sealed_at));
            }
            Event::Revealed { .. } => assert!(*recorded_at > state.sealed_at.unwrap()),
            Event::Opened(_) | Event::Closed(_) => {}
        }
    }
    let Some(outcome) = &state.outcome else { return false };
    assert_eq!(house.check(), []);
    assert!(state.has_outside_reveal());
    assert_eq!(outcome.drawn.len(), state.count_drawn());
    true
}

#[test]
fn an_event_that_no_rule_would_allow_is_a_contradiction_and_no_panic() {
    let mut house = House::sealed();
    let rules = Rules::standard();
    let context = Context { recorded_at: house.now, rules: &rules, signers: &[], world: &Nobody };
    let fails = |state: Option<State>, event: &Event| {
        assert!(evolve(state, event, &context, &Terms::standard()).is_err(), "{event:?}");
    };
    fails(None, &commits(BANK));
    fails(house.state.clone(), &house.opening());
    fails(house.state.clone(), &commits(BANK));
    fails(house.state.clone(), &commits("bank:005"));
    fails(house.state.clone(), &reveals(SYSTEM));
    fails(None, &house.opening_with(|opening| opening.scheme = name("favours")));
    house.ok(reveals(BANK));
    house.ok(reveals(AGENCY));
    house.ok(house.closing());
    fails(house.state.clone(), &house.closing_with(|_| {}));
}

#[test]
fn a_kept_state_of_another_spelling_is_not_read() {
    let house = House::sealed();
    let text = String::from_utf8(house.state().to_value().write()).unwrap();
    let changes = [
        ("\"opener\":\"ethics\"", "\"opener\":\"guarantor\""),
        ("\"period\":\"2026Q1\"", "\"period\":\"2026\""),
        ("\"late\":false", "\"late\":0"),
        ("\"actor\":\"bank:004\"", "\"actor\":\"bank 004\""),
        ("\"outcome\":null", "\"outcome\":{}"),
        ("\"late\":false,", "\"late\":false,\"later\":1,"),
    ];
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        let changed = text.replace(from, to);
        assert!(State::from_value(&Value::read(changed.as_bytes()).unwrap()).is_err(), "{to}");
    }
}

#[test]
fn the_state_that_the_specification_shows_has_its_digest() {
    let mut house = House::sealed();
    house.ok(reveals(BANK));
    house.ok(reveals(AGENCY));
    house.ok(house.closing());
    let bytes = house.state().to_value().write();

    let digest = sha256(&[b"lian/state/v1\n", &bytes]).to_hex();
    assert_eq!(
        digest,
        "8c0d4690c951d2536ccb4f9aa73ec06c1a3058dc7aa3da5e5ef77f9c64b88c1a",
        "{}",
        String::from_utf8_lossy(&bytes)
    );
}
