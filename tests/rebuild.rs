//! T26 for the state itself: random business, with refusals, rejections, repeats, rotated keys, new
//! rules, epochs, clock steps and restarts; then the folder alone is folded again, and every state
//! digest, key, actor, epoch and map is what the running ledger had. The verifier fails nothing.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::support::{
    business::{DEBTOR, declaration, draw_of, request_of},
    depth::{by_depth, cases},
    desk::{Desk, LogSeeds, portrait},
    files::failures_of,
};
use lian_client::{
    draft::{Draft, Signing},
    kinds,
    sample::House,
};
use lian_core::{
    entry::Verdict,
    hash::{Digest, sha256},
    json::Value,
    keys::SecretKey,
    statement::Envelope,
};
use lian_domain::{dates::Day, rules::Rules};
use lian_server::{clock::Clock as _, sequencer::Placed};
use lian_store::disk::{Rng, SimDisk};

const BANKS: [&str; 3] = ["004", "005", "006"];
const GUARANTEES: u64 = 5;
const DECLARATIONS: u64 = 8;

/// A house that does business at random.
struct Town {
    house: House,
    sim: SimDisk,
    desk: Desk,
    rng: Rng,
    /// Present key of each bank.
    keys: BTreeMap<&'static str, SecretKey>,
    /// What was submitted, to be sent again.
    sent: Vec<Envelope>,
    drafts: u64,
    rules: u32,
    steps: u64,
}

fn number_of(at: u64) -> String {
    format!("RB-{at}")
}

impl Town {
    fn found(seed: u64) -> Self {
        let mut house = House::new(seed);
        house.rules.refusals_per_day = 40;
        let sim = SimDisk::new(seed);
        let desk = Desk::found(Arc::new(sim.clone()), &house);
        let keys = BANKS.map(|bank| (bank, house.copy_of(&format!("bank:{bank}"))));
        let (keys, sent) = (keys.into(), Vec::new());
        Self { house, sim, desk, rng: Rng::new(seed), keys, sent, drafts: 0, rules: 1, steps: 0 }
    }

    fn now_s(&self) -> i64 {
        let now_ms = self.desk.clock.wall_ms().max(self.desk.ledger().recorded_at());
        i64::try_from(now_ms / 1_000).unwrap()
    }

    fn version(&self, stream: &str) -> u64 {
        self.desk.ledger().stream(stream).map_or(0, |stream| stream.version)
    }

    fn pick(&mut self, limit: u64) -> u64 {
        self.rng.below(limit)
    }

    /// A draft with an id that no other run has, and the last epoch as seen.
    fn draft(&mut self) -> Draft {
        self.drafts += 1;
        let id = sha256(&[b"rebuild", &self.drafts.to_be_bytes()]).0;
        let epochs = self.desk.ledger().epochs();
        let (last, root) = (epochs.len() as u64 - 1, epochs.last().unwrap().root);
        Draft::with_id(&self.desk.id, self.now_s(), id[..16].try_into().unwrap()).seen(last, root)
    }

    fn sign(&self, draft: &Draft, by: &[(&str, &str)]) -> Envelope {
        let issuers: Vec<Signing<'_>> = by
            .iter()
            .map(|(actor, capacity)| {
                let rotated = actor.strip_prefix("bank:").and_then(|bank| self.keys.get(bank));
                Signing { actor, capacity, key: rotated.unwrap_or_else(|| self.house.key(actor)) }
            })
            .collect();
        draft.sign(&issuers)
    }

    fn event(&mut self, kind: &str, stream: &str, data: Value<'static>, by: &[(&str, &str)]) -> Envelope {
        let version = self.version(stream);
        let draft = self.draft().event(kind, stream, version, data);
        self.sign(&draft, by)
    }

    /// One statement of a guarantee's life, possible or not.
    fn guarantee(&mut self) -> Envelope {
        let at = self.pick(GUARANTEES);
        let (no, bank) = (number_of(at), BANKS[usize::try_from(at % 3).unwrap()]);
        let (stream, guarantor) = (format!("guarantee/{no}"), format!("bank:{bank}"));
        let guarantor = [(&*guarantor, "guarantor")];
        let serial = self.pick(DECLARATIONS);
        let number = declaration(&stream, serial);
        let amount = 1 + self.pick(400);
        let officer = [("officer:7f3k", "officer")];
        let release = [("system:release", "release")];
        let treasury = [("system:treasury", "treasury")];
        match self.pick(12) {
            0 | 1 => {
                self.event("guarantee.requested", &stream, request_of(&no, bank, 1_000).data(), &guarantor)
            }
            2 | 3 => {
                let data = kinds::accepted(&request_of(&no, bank, 1_000).terms());
                self.event("guarantee.accepted", &stream, data, &officer)
            }
            4..=6 => self.draws(&stream),
            7 | 8 => self.event("guarantee.tax_paid", &stream, kinds::tax_paid(&number, amount), &treasury),
            9 => {
                let change = i64::try_from(self.pick(200)).unwrap() - 100;
                let data = kinds::assessed(&number, if change == 0 { 1 } else { change });
                self.event("guarantee.assessed", &stream, data, &officer)
            }
            10 => {
                let limit = 500 + self.pick(1_500);
                let both = [guarantor[0], officer[0]];
                self.event("guarantee.amended", &stream, kinds::amended(Some(limit), None), &both)
            }
            _ if self.rng.chance(1, 4) => self.event("guarantee.closed", &stream, kinds::nothing(), &officer),
            _ if self.rng.chance(1, 3) => {
                self.event("guarantee.suspended", &stream, kinds::nothing(), &guarantor)
            }
            _ => self.event("guarantee.drawn", &stream, draw_of(&number, amount), &release),
        }
    }

    /// Several draws in one statement.
    fn draws(&mut self, stream: &str) -> Envelope {
        let (version, count) = (self.version(stream), 1 + self.pick(3));
        let mut draft = self.draft();
        for at in 0..count {
            let number = declaration(stream, self.pick(DECLARATIONS));
            let amount = 1 + self.pick(300);
            draft = draft.event("guarantee.drawn", stream, version + at, draw_of(&number, amount));
        }
        self.sign(&draft, &[("system:release", "release")])
    }

    /// One statement about debtors, declarations, brokers, keys, rules.
    fn surroundings(&mut self) -> Envelope {
        let officer = [("officer:7f3k", "officer")];
        let two = [("officer:7f3k", "officer"), ("officer:c29x", "supervisor")];
        let admins = [("officer:adm1", "admin"), ("officer:adm2", "admin")];
        let debtor = format!("debtor/{DEBTOR}");
        let stream = format!("guarantee/{}", number_of(self.rng.below(GUARANTEES)));
        let blocked = format!("declaration/{}", declaration(&stream, self.rng.below(DECLARATIONS)));
        let delegation = format!("delegation/22099131/{DEBTOR}");
        match self.pick(9) {
            0 => {
                let (from, until) = (Day::parse("2027-03-01").unwrap(), Day::parse("2027-04-01").unwrap());
                self.event("scheme.suspended", &debtor, kinds::scheme_suspended(from, until), &two)
            }
            1 => self.event("scheme.restored", &debtor, kinds::nothing(), &two),
            2 => self.event("declaration.blocked", &blocked, kinds::reason("held"), &officer),
            3 => self.event("declaration.unblocked", &blocked, kinds::nothing(), &officer),
            4 => self.event("delegation.recorded", &delegation, kinds::nothing(), &officer),
            5 => self.event("delegation.ended", &delegation, kinds::nothing(), &officer),
            6 => self.rotation(),
            7 => {
                let mut rules = Rules { version: self.rules + 1, ..Rules::standard() };
                rules.refusals_per_day = 40 + self.rules;
                rules.due_days = 10 + self.rules;
                let stream = format!("rules/{}", rules.version);
                self.event("rules.published", &stream, kinds::rules_published(&rules), &admins)
            }
            _ => {
                let (version, last) = (self.rules + 1, self.desk.ledger().epochs().len() as u64 - 1);
                let data = kinds::rules_activated(version, last);
                self.event("rules.activated", &format!("rules/{version}"), data, &admins)
            }
        }
    }

    /// A bank's key is replaced. The town takes the new one into use only if that was accepted.
    fn rotation(&mut self) -> Envelope {
        let bank = BANKS[usize::try_from(self.rng.below(3)).unwrap()];
        let (actor, stream) = (format!("bank:{bank}"), format!("actor/bank:{bank}"));
        let new = self.next_key(bank);
        let version = self.version(&stream);
        let draft = self.draft();
        let old = &self.keys[bank];
        draft
            .event(
                "key.enrolled",
                &stream,
                version,
                kinds::key_enrolled(&new.public(), &["guarantor"], None, None),
            )
            .event(
                "key.revoked",
                &stream,
                version + 1,
                kinds::key_revoked(&old.public().id(), "retired", None),
            )
            .sign(&[
                Signing { actor: &actor, capacity: "possession", key: &new },
                Signing { actor: &actor, capacity: "holder", key: old },
                Signing { actor: "officer:adm1", capacity: "admin", key: self.house.key("officer:adm1") },
            ])
    }

    /// The key that a bank enrols next follows from how many it has had.
    fn next_key(&self, bank: &str) -> SecretKey {
        let version = self.version(&format!("actor/bank:{bank}"));
        SecretKey::from_seed(&sha256(&[b"next key", bank.as_bytes(), &version.to_be_bytes()]).0)
    }

    /// Submits a batch and takes note of what it changed for the signers.
    fn submit(&mut self, batch: &[Envelope]) -> [u64; 4] {
        let before: BTreeMap<&str, SecretKey> = BANKS.map(|bank| (bank, self.next_key(bank))).into();
        let mut counts = [0; 4];
        for placed in self.desk.submit(batch).unwrap() {
            let kind = match placed {
                Placed::New { verdict: Verdict::ACCEPTED, .. } => 0,
                Placed::New { .. } => 1,
                Placed::Repeat { .. } => 2,
                Placed::Turned(_) => 3,
            };
            counts[kind] += 1;
        }
        for (bank, key) in before {
            if self.desk.ledger().directory().key(&key.public().id()).is_some() {
                self.keys.insert(bank, key);
            }
        }
        self.rules = self.desk.ledger().rules().version;
        self.sent.extend_from_slice(batch);
        counts
    }

    fn step_clock(&mut self) {
        let wall = self.desk.clock.wall_ms();
        self.desk.clock.set_wall(wall + 400_000 + self.rng.below(3_600_000));
        let data = Value::object([("step_ms", Value::Int(400_000))]);
        let draft = self.draft().event("clock.stepped", "clock/main", self.steps, data);
        let stepped = self.sign(&draft, &[("officer:adm1", "admin"), ("officer:adm2", "admin")]);
        self.desk.accept(&stepped);
        self.steps += 1;
    }

    fn fold(&self, sim: &SimDisk) -> Desk {
        Desk::open(Arc::new(sim.clone()), &LogSeeds::of(&self.house), self.now_s()).unwrap()
    }

    /// The folder as it is now, folded anew; the writer of this one lives on.
    fn fold_again(&self) -> Desk {
        self.fold(&self.sim.kill())
    }

    /// One more random thing happens.
    fn live(&mut self) -> [u64; 4] {
        match self.pick(24) {
            0 => self.desk.clock.pass(self.rng.clone().below(900_000)),
            1 if self.rng.chance(1, 3) => self.desk.clock.pass(self.rng.clone().below(3 * 86_400_000)),
            2 if self.rng.chance(1, 3) => self.step_clock(),
            3 => {
                let sim = self.sim.kill();
                self.desk = self.fold(&sim);
                self.sim = sim;
            }
            4 if !self.sent.is_empty() => {
                let at = self.rng.below(self.sent.len() as u64);
                let again = self.sent[usize::try_from(at).unwrap()].clone();
                return self.submit(&[again]);
            }
            _ => {
                // Statements of one batch may contradict each other: then the later one is stale.
                let count = 1 + self.pick(3);
                let batch: Vec<Envelope> = (0..count)
                    .map(|_| if self.rng.chance(3, 4) { self.guarantee() } else { self.surroundings() })
                    .collect();
                return self.submit(&batch);
            }
        }
        [0; 4]
    }
}

fn difference(live: &[String], folded: &[String]) -> Vec<String> {
    let only = |one: &[String], other: &[String], sign: &str| -> Vec<String> {
        one.iter().filter(|line| !other.contains(line)).map(|line| format!("{sign} {line}")).collect()
    };
    [only(live, folded, "live"), only(folded, live, "folded")].concat()
}

#[test]
fn a_fresh_fold_of_the_folder_gives_every_state_digest_key_and_epoch_of_the_running_ledger() {
    let totals = [const { AtomicU64::new(0) }; 4];
    let epochs = AtomicU64::new(0);
    let steps = by_depth(120, 250, 600);

    cases("towns", by_depth(8, 80, 2_000), |seed| {
        let mut town = Town::found(seed);
        for step in 0..steps {
            for (total, count) in totals.iter().zip(town.live()) {
                total.fetch_add(count, Ordering::Relaxed);
            }
            if step % 40 == 39 {
                let differs =
                    difference(&portrait(town.desk.ledger()), &portrait(town.fold_again().ledger()));
                assert!(differs.is_empty(), "seed {seed}, step {step}: {differs:#?}");
            }
        }
        // The last epoch covers everything, so that its map does.
        town.desk.clock.pass(600_000);
        let last = town.guarantee();
        town.submit(&[last]);
        epochs.fetch_add(town.desk.ledger().epochs().len() as u64, Ordering::Relaxed);
        let maps =
            |desk: &Desk| -> Vec<Digest> { desk.ledger().epochs().iter().map(|epoch| epoch.map).collect() };
        let again = town.fold_again();
        assert_eq!(maps(&town.desk), maps(&again), "seed {seed}");
        let differs = difference(&portrait(town.desk.ledger()), &portrait(again.ledger()));
        assert!(differs.is_empty(), "seed {seed}: {differs:#?}");
        town.desk.reader().publish().unwrap();
        assert_eq!(failures_of(&town.sim), Vec::<String>::new(), "seed {seed}");
    });

    let totals = totals.map(AtomicU64::into_inner);
    println!(
        "accepted {}, refused {}, repeated {}, turned away {}",
        totals[0], totals[1], totals[2], totals[3]
    );
    println!("{} epochs", epochs.into_inner());
    assert!(
        crate::support::depth::replayed().is_some() || totals.iter().all(|total| *total > 20),
        "{totals:?}"
    );
}
