//! T10: somebody sets the log's clock, back or ahead. Through the real service: the order of the
//! log never breaks; past a step of five minutes nothing is recorded but `clock.stepped` by two
//! admins of different units; then it goes on. Also across restarts.

use std::sync::Arc;

use crate::support::{
    Running, START_S,
    business::request_of,
    depth::{by_depth, cases},
    files::failures_of,
    run,
};
use lian_client::sample::House;
use lian_core::{
    entry::{Leaf, Verdict},
    json::Value,
    statement::Envelope,
};
use lian_domain::rejection::{Rejection, RejectionNote};
use lian_server::service::Answer;
use lian_store::disk::{Rng, SimDisk};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const YEAR_MS: u64 = 365 * 24 * HOUR_MS;
const ADMINS: &[(&str, &str)] = &[("officer:adm1", "admin"), ("officer:adm2", "admin")];

/// A ledger whose clock somebody plays with.
struct Played {
    running: Running,
    sim: SimDisk,
    /// Requests drafted, and steps on the log, so far.
    requests: u64,
    steps: u64,
}

fn played(seed: u64) -> Played {
    let sim = SimDisk::new(seed);
    let mut running = run(Arc::new(sim.clone()), House::new(seed), START_S).unwrap();
    running.found();
    Played { running, sim, requests: 0, steps: 0 }
}

impl Played {
    fn wall(&self) -> u64 {
        use lian_server::clock::Clock as _;
        self.running.clock.wall_ms()
    }

    fn set_wall(&self, wall_ms: u64) {
        self.running.clock.set_wall(wall_ms);
    }

    fn last_ms(&self) -> u64 {
        self.running.service.reader().head().tip().recorded_at()
    }

    fn stamps(&self) -> Vec<u64> {
        let entries = self.running.service.reader().entries(0..u64::MAX).unwrap();
        entries.map(|entry| Leaf::decode(&entry.unwrap().leaf).unwrap().recorded_at).collect()
    }

    /// A new request, issued by a client that goes by the later of the log and the wall.
    fn request(&mut self) -> Envelope {
        self.requests += 1;
        let no = format!("CLK-{}", self.requests);
        let now_s = i64::try_from(self.last_ms().max(self.wall()) / 1_000).unwrap();
        let draft = self.running.house.draft(&self.running.ledger, now_s).valid_for(30 * 86_400);
        let draft = draft.event(
            "guarantee.requested",
            &format!("guarantee/{no}"),
            0,
            request_of(&no, "004", 9).data(),
        );
        self.running.house.sign(&draft, &[("bank:004", "guarantor")])
    }

    fn stepped(&self, step_ms: i64, by: &[(&str, &str)]) -> Envelope {
        let now_s = i64::try_from(self.last_ms().max(self.wall()) / 1_000).unwrap();
        let data = Value::object([("step_ms", Value::Int(step_ms))]);
        let draft = self.running.house.draft(&self.running.ledger, now_s);
        self.running.house.sign(&draft.event("clock.stepped", "clock/main", self.steps, data), by)
    }

    fn submit(&self, envelope: &Envelope) -> Answer {
        self.running.submit(std::slice::from_ref(envelope)).remove(0)
    }

    fn accept(&self, envelope: &Envelope) -> u64 {
        match self.submit(envelope) {
            Answer::Sealed { index, verdict: Some(Verdict::ACCEPTED) } => index,
            other => panic!("{other:?}"),
        }
    }

    fn record_step(&mut self, step_ms: i64) -> u64 {
        let index = self.accept(&self.stepped(step_ms, ADMINS));
        self.steps += 1;
        index
    }

    /// The step by which a submission is turned away.
    fn stopped_by(&mut self) -> i64 {
        let request = self.request();
        match self.submit(&request) {
            Answer::Rejected { rejection: Rejection::ClockStopped(step), signed } => {
                let note = RejectionNote::parse(&signed.payload).unwrap();
                assert_eq!((note.code, &*note.name), (25, "clock-stopped"));
                assert_eq!(note.ledger, self.running.ledger, "a rejection is of one ledger");
                step
            }
            other => panic!("{other:?}"),
        }
    }

    /// The process stops and starts again; the wall clock then shows this.
    fn restart(self, wall_ms: u64) -> Self {
        let Self { running, sim, requests, steps } = self;
        let Running { house, service, .. } = running;
        service.close().unwrap();
        let now_s = i64::try_from(wall_ms / 1_000).unwrap();
        let running = run(Arc::new(sim.clone()), house, now_s).unwrap();
        running.clock.set_wall(wall_ms);
        Self { running, sim, requests, steps }
    }
}

fn ascends(stamps: &[u64]) -> bool {
    stamps.is_sorted()
}

#[test]
fn a_clock_set_back_by_five_minutes_or_less_stamps_on_without_going_back() {
    let mut ledger = played(1);
    let request = ledger.request();
    ledger.accept(&request);
    let before = ledger.last_ms();

    ledger.set_wall(before - 5 * MINUTE_MS);
    let request = ledger.request();
    ledger.accept(&request);

    assert_eq!(ledger.last_ms(), before);
    assert!(ascends(&ledger.stamps()));
}

#[test]
fn a_step_back_or_ahead_stops_the_log_until_two_admins_record_it() {
    for (seed, back) in [(2, true), (3, false)] {
        let mut ledger = played(seed);
        let early = ledger.request();
        let first = ledger.accept(&early);
        let before = ledger.last_ms();
        let wall = if back { before - HOUR_MS } else { before + 10 * YEAR_MS };
        ledger.set_wall(wall);
        let step = i64::try_from(wall).unwrap() - i64::try_from(before).unwrap();

        assert_eq!(ledger.stopped_by(), step);
        ledger.running.clock.pass(HOUR_MS);
        assert_eq!(ledger.stopped_by(), step, "time alone heals nothing");
        let again = ledger.submit(&early);
        assert_eq!(again, Answer::Sealed { index: first, verdict: None }, "a known statement has its place");
        let size = ledger.running.service.reader().head().size();
        let one = ledger.submit(&ledger.stepped(step, &ADMINS[..1]));
        assert!(matches!(one, Answer::Rejected { .. }), "{one:?}");
        assert_eq!(ledger.stopped_by(), step, "one admin is not two");
        assert_eq!(ledger.running.service.reader().head().size(), size, "nothing was recorded meanwhile");

        let entry = ledger.record_step(step);
        let request = ledger.request();
        ledger.accept(&request);

        let stamps = ledger.stamps();
        assert!(ascends(&stamps));
        let now = before.max(wall + HOUR_MS);
        assert_eq!(stamps[usize::try_from(entry).unwrap()], now, "the wall counts again, never backwards");
        assert_eq!(stamps.last(), Some(&now));
        assert_eq!(failures_of(&ledger.sim), Vec::<String>::new());
        ledger.running.service.close().unwrap();
    }
}

#[test]
fn while_the_clock_is_stopped_no_other_statement_of_admins_is_taken() {
    let mut ledger = played(4);
    let request = ledger.request();
    ledger.accept(&request);
    ledger.set_wall(ledger.wall() + HOUR_MS);
    let now_s = i64::try_from(ledger.last_ms() / 1_000).unwrap();
    let draft = || ledger.running.house.draft(&ledger.running.ledger, now_s);
    let actor = lian_client::kinds::actor("office:CA", Some(&[7; 16]));
    let registered = draft().event("actor.registered", "actor/officer:new1", 0, actor.clone());
    let step = Value::object([("step_ms", Value::Int(1))]);
    let both = draft().event("clock.stepped", "clock/main", 0, step).event(
        "actor.registered",
        "actor/officer:new1",
        0,
        actor,
    );

    for draft in [registered, both] {
        let answer = ledger.submit(&ledger.running.house.sign(&draft, ADMINS));
        let stopped = matches!(answer, Answer::Rejected { rejection: Rejection::ClockStopped(_), .. });
        assert!(stopped, "{answer:?}");
    }
}

#[test]
fn a_ledger_that_starts_with_a_clock_behind_its_last_entry_is_stopped_until_the_step_is_recorded() {
    let mut ledger = played(5);
    ledger.running.clock.pass(3 * HOUR_MS);
    let request = ledger.request();
    ledger.accept(&request);
    let last = ledger.last_ms();

    let mut ledger = ledger.restart(last - HOUR_MS);
    let step = ledger.stopped_by();
    assert_eq!(step, -i64::try_from(HOUR_MS).unwrap());
    // A second restart forgets nothing.
    let mut ledger = ledger.restart(last - HOUR_MS);
    assert_eq!(ledger.stopped_by(), step);
    ledger.record_step(step);
    let request = ledger.request();
    ledger.accept(&request);

    assert!(ascends(&ledger.stamps()));
    assert_eq!(ledger.last_ms(), last, "the log waits for the wall to catch up");
    ledger.running.clock.pass(2 * HOUR_MS);
    let request = ledger.request();
    ledger.accept(&request);
    assert_eq!(ledger.last_ms(), last + HOUR_MS);
    let mut ledger = ledger.restart(last + HOUR_MS);
    let request = ledger.request();
    ledger.accept(&request);
    assert!(ascends(&ledger.stamps()));
}

/// Random settings of the clock, passing time, submissions and restarts.
#[test]
fn however_the_clock_is_set_the_order_never_breaks_and_no_step_goes_unrecorded() {
    cases("clocks", by_depth(12, 150, 2_000), |seed| {
        let mut rng = Rng::new(seed);
        let mut ledger = played(seed);
        let (mut accepted, mut stopped) = (0, 0);
        for _ in 0..25 {
            match rng.below(5) {
                0 => ledger.running.clock.pass(rng.below(2 * HOUR_MS)),
                1 => {
                    let width =
                        [MINUTE_MS, 20 * MINUTE_MS, 2 * HOUR_MS][usize::try_from(rng.below(3)).unwrap()];
                    ledger.set_wall((ledger.wall() + rng.below(2 * width)).saturating_sub(width));
                }
                2 if rng.chance(1, 4) => {
                    let wall = ledger.wall();
                    ledger = ledger.restart(wall);
                }
                _ => {
                    let (before, request) = (ledger.last_ms(), ledger.request());
                    match ledger.submit(&request) {
                        Answer::Sealed { verdict: Some(Verdict::ACCEPTED), .. } => {
                            accepted += 1;
                            let now = ledger.last_ms();
                            assert!(now == before || now == ledger.wall(), "seed {seed}: {now}");
                            let ahead = now.saturating_sub(ledger.wall());
                            // Ahead of the wall only as far as the wall was set back, and that was
                            // little, or is on the log.
                            assert!(ahead <= 5 * MINUTE_MS || ledger.steps > 0, "seed {seed}: {ahead} ms");
                        }
                        Answer::Rejected { rejection: Rejection::ClockStopped(step), .. } => {
                            stopped += 1;
                            assert!(step.unsigned_abs() > 5 * MINUTE_MS, "seed {seed}: stopped by {step} ms");
                            assert_eq!(ledger.last_ms(), before);
                            ledger.record_step(step);
                        }
                        other => panic!("seed {seed}: {other:?}"),
                    }
                }
            }
        }
        assert!(accepted + stopped > 0, "seed {seed}");
        assert!(ascends(&ledger.stamps()), "seed {seed}");
        assert_eq!(failures_of(&ledger.sim), Vec::<String>::new(), "seed {seed}");
        ledger.running.service.close().unwrap();
    });
}
