//! Random lives of guarantees against a second, independent reckoning in wide integers: every
//! verdict, every sum, every invariant, at every step. The model keeps each debt as one sum and
//! finds a verdict as the smallest number among *all* failing guards, so neither the arithmetic nor
//! the order of the guards is shared with the code under test.
//!
//! `LIAN_DEPTH`: `quick` (default) 2,000 lives, `ci` 20,000, `deep` 1,000,000; `SEED` repeats one.

mod life;
mod reckoning;

use std::collections::BTreeMap;

use lian_core::json::Value;
use lian_domain::{
    context::{Context, Signer},
    dates::Day,
    guarantee::{Effects, Event, State, decide, evolve},
    ids::DeclarationNo,
    refusal::Refusal,
    rules::Rules,
};

use life::{Life, spell};
use reckoning::{Act, Facts, Model, Moment, begin};

const STREAM: &str = "guarantee/FB-1";
const STEPS: usize = 48;

/// The model's verdict; 0 is accepted.
fn verdict(model: Option<&Model>, act: &Act, at: &Moment) -> u16 {
    match (model, act) {
        (None, Act::Request { bank, .. }) => {
            if *bank == "004" {
                0
            } else {
                104
            }
        }
        (None, _) => 101,
        (Some(model), act) => model.failing(act, at).into_iter().min().unwrap_or(0),
    }
}

fn open_names(state: Option<&State>) -> Vec<DeclarationNo> {
    state.map(|state| state.open_draws().map(|(name, _)| name).collect()).unwrap_or_default()
}

/// The reported effects are the difference between the open draws before and after.
fn check_effects(before: &[DeclarationNo], after: &[DeclarationNo], effects: &Effects) {
    let opened: Vec<_> = after.iter().filter(|name| !before.contains(name)).copied().collect();
    let mut closed: Vec<_> = before.iter().filter(|name| !after.contains(name)).copied().collect();
    let mut reported = effects.closed.clone();
    closed.sort();
    reported.sort();
    assert_eq!((Vec::from_iter(effects.opened), reported), (opened, closed));
}

/// Plays one life and counts its verdicts.
fn live(seed: u64, verdicts: &mut BTreeMap<u16, u64>) {
    let rules = Rules::standard();
    let mut life = Life::new(seed);
    let mut state: Option<State> = None;
    let mut history = Vec::new();
    for step in 0..STEPS {
        life.pass_time();
        let act = match step {
            0 => life.request(),
            1 if !life.dice.one_in(8) => Act::Accept { right_terms: true },
            _ => life.act(),
        };
        let is_one_person = life.dice.one_in(20);
        let signers = signers(is_one_person || !life.dice.one_in(4), is_one_person);
        let at = Moment {
            today: life.today,
            facts: &life.facts,
            has_supervisor: signers.len() == 2,
            is_one_person,
        };
        let expected = verdict(life.model.as_ref(), &act, &at);
        let (kind, data) = spell(&act, life.model.as_ref().map_or("", |model| &model.terms));
        let bytes = data.write();
        let event = Event::parse(kind, STREAM, &Value::read(&bytes).unwrap()).unwrap();
        let recorded_at = Day::from_number(life.today).end_of_day_ms();
        let context = Context { recorded_at, rules: &rules, signers: &signers, world: &life.facts };

        let found = decide(state.as_ref(), &event, &context).map_or_else(Refusal::code, |()| 0);

        assert_eq!(found, expected, "seed {seed}, step {step}: {act:?}");
        *verdicts.entry(found).or_default() += 1;
        if found == 0 {
            accept(&mut life.model, &mut state, &act, &event, &context);
            history.push((event, recorded_at));
        }
    }
    check_rebuild(&history, state.as_ref(), &rules);
}

fn signers(has_supervisor: bool, is_one_person: bool) -> Vec<Signer<'static>> {
    let signer =
        |actor, capacity, person| Signer { actor, capacity, person: Some(person), unit: "office:CA" };
    let mut signers = vec![signer("officer:1", "officer", "p1")];
    if has_supervisor {
        signers.push(signer("officer:2", "supervisor", if is_one_person { "p1" } else { "p2" }));
    }
    signers
}

/// Moves code and model past an accepted event and compares them.
fn accept(
    known: &mut Option<Model>,
    state: &mut Option<State>,
    act: &Act,
    event: &Event,
    context: &Context<'_>,
) {
    let before = open_names(state.as_ref());
    let effects = evolve(state, event, context).unwrap();
    check_effects(&before, &open_names(state.as_ref()), &effects);
    match known {
        None => *known = Some(begin(act, event)),
        Some(model) => model.apply(act, context.today()),
    }
    let (model, now) = (known.as_ref().unwrap(), state.as_ref().unwrap());
    model.check(now);
    if matches!(act, Act::Draw { .. }) {
        assert!(now.outstanding() <= now.limit(), "no draw may pass the limit");
    }
}

/// Folding the accepted events again, and taking back the kept state, give the equal state.
fn check_rebuild(history: &[(Event, u64)], state: Option<&State>, rules: &Rules) {
    let mut again = None;
    for (event, recorded_at) in history {
        let context = Context { recorded_at: *recorded_at, rules, signers: &[], world: &Facts::default() };
        evolve(&mut again, event, &context).unwrap();
    }
    assert_eq!(again.as_ref(), state);
    if let Some(state) = state {
        let bytes = state.to_value().write();
        assert_eq!(&State::from_value(&Value::read(&bytes).unwrap()).unwrap(), state);
    }
}

#[test]
fn random_lives_agree_with_an_independent_reckoning_at_every_step() {
    let lives: u64 = match std::env::var("LIAN_DEPTH").as_deref() {
        Ok("deep") => 1_000_000,
        Ok("ci") => 20_000,
        _ => 2_000,
    };
    let mut verdicts = BTreeMap::new();
    if let Some(seed) = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        return live(seed, &mut verdicts);
    }

    for seed in 0..lives {
        live(seed, &mut verdicts);
    }

    // Sums beyond 2⁵³ take more steps than a life has; a sentence of its own tests them.
    let unmet: Vec<u16> = (101..=134).chain([0]).filter(|code| !verdicts.contains_key(code)).collect();
    assert!(unmet.is_empty(), "the lives never met the verdicts {unmet:?}: {verdicts:?}");
}
