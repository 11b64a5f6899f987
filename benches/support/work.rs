//! The work of a sample house, signed beforehand: whole lives of guarantees, many at a time.
//! Each life is 20 statements: request, accept, draws, payments, an amendment by two, one refusal
//! in five lives, suspension, close. Lives of one window take turns, so that no statement follows
//! its own guarantee's closer than a thousand statements.

use std::{
    collections::{BTreeMap, HashMap},
    thread,
};

use lian_client::{
    draft::{Draft, Signing},
    kinds::{self, GuaranteeRequest},
    sample::House,
};
use lian_core::{
    hash::{Digest, sha256},
    json::Value,
    keys::{PublicKey, SecretKey},
    statement::{Envelope, STATEMENT_TYPE, pae},
};
use lian_domain::dates::Day;

use super::{cores, limits::Signed, running::START_S};

/// Lives that take turns.
pub const WINDOW: u64 = 1_000;
/// Statements of one life.
pub const LIFE: u64 = 20;
/// Statements a second of the ledger's time.
pub const PER_SECOND: u64 = 100;
/// Events of one statement of the second kind of work.
pub const BUNDLE: u64 = 50;

/// What an assessment adds to a draw.
const ASSESSED: u64 = 500;
/// Kinds that must say which epoch their signer saw.
const APPROVALS: [&str; 3] = ["guarantee.accepted", "guarantee.amended", "guarantee.closed"];

pub type By = &'static [(&'static str, &'static str)];
const OFFICER: By = &[("officer:7f3k", "officer")];
const RELEASE: By = &[("system:release", "release")];
const TREASURY: By = &[("system:treasury", "treasury")];

/// A signed statement as it arrives, and the signatures in it as they are checked.
pub struct Statement {
    pub bytes: Vec<u8>,
    pub envelope: Envelope,
    pub signers: Vec<String>,
}

/// Everybody's keys, and the ledger that all statements name.
pub struct Hands {
    keys: BTreeMap<String, SecretKey>,
    banks: Vec<String>,
    ledger: String,
    root: Digest,
}

pub struct Event {
    pub kind: &'static str,
    pub stream: String,
    pub expect: u64,
    pub data: Value<'static>,
}

/// What is signed together, by whom.
pub struct Act {
    pub events: Vec<Event>,
    pub by: Vec<(String, &'static str)>,
}

fn act(kind: &'static str, number: u64, expect: u64, data: Value<'static>, by: By) -> Act {
    let stream = format!("guarantee/{}", guarantee(number));
    let by = by.iter().map(|(actor, capacity)| ((*actor).to_owned(), *capacity)).collect();
    Act { events: vec![Event { kind, stream, expect, data }], by }
}

impl Act {
    fn signed_by(mut self, issuer: (String, &'static str)) -> Self {
        self.by.push(issuer);
        self
    }
}

impl Hands {
    /// The hands of a house whose ledger has this id and this root of epoch 0.
    pub fn new(house: &House, ledger: &str, root: Digest) -> Self {
        let mut keys = BTreeMap::new();
        let banks = house.banks();
        let actors = ["officer:7f3k", "officer:m4qd", "officer:c29x", "system:release", "system:treasury"];
        let actors = actors.into_iter().chain(house.further_actors()).map(ToOwned::to_owned);
        for actor in actors.chain(banks.iter().map(bank_actor)) {
            let key = house.copy_of(&actor);
            keys.insert(actor, key);
        }
        Self { keys, banks, ledger: ledger.to_owned(), root }
    }

    pub fn bank(&self, number: u64) -> &str {
        &self.banks[usize::try_from(number).expect("a count") % self.banks.len()]
    }

    /// Statements `first..first + count` of the endless work; `first` and `count` are best whole
    /// windows.
    pub fn statements(&self, first: u64, count: u64) -> Vec<Statement> {
        in_parallel(first, count, |index| self.statement(index))
    }

    /// Statement `index`: lives take turns within their window.
    fn statement(&self, index: u64) -> Statement {
        let (window, within) = (index / (WINDOW * LIFE), index % (WINDOW * LIFE));
        let (step, life) = (within / WINDOW, within % WINDOW);
        self.sign(index, self.step(window * WINDOW + life, step))
    }

    /// Statements of one event and one signer each.
    pub fn singles(&self, first: u64, count: u64) -> Vec<Statement> {
        const STEPS: u64 = LIFE - 2;
        let single = |index: u64| {
            let (window, within) = (index / (WINDOW * STEPS), index % (WINDOW * STEPS));
            self.sign(index, self.plain_step(window * WINDOW + within % WINDOW, within / WINDOW))
        };
        in_parallel(first, count, single)
    }

    /// Statements of 50 events each: 50 guarantees of one bank, all their requests in one, all
    /// acceptances in one, and so on.
    pub fn bundles(&self, first: u64, count: u64) -> Vec<Statement> {
        in_parallel(first, count, |index| self.bundle(index))
    }

    fn bundle(&self, index: u64) -> Statement {
        const STEPS: u64 = LIFE - 2;
        let turns = self.banks.len() as u64;
        let (round, within) = (index / (turns * STEPS), index % (turns * STEPS));
        let (step, bank) = (within / turns, within % turns);
        // A guarantee's bank follows from its number.
        let member = |member: u64| self.plain_step((round * BUNDLE + member) * turns + bank, step);
        let mut all = member(0);
        all.events.extend((1..BUNDLE).flat_map(|number| member(number).events));
        self.sign(index, all)
    }

    /// Request, accept, draws and payments in turn, suspend, close: no amendment, no refusal.
    fn plain_step(&self, number: u64, step: u64) -> Act {
        match step {
            0 => self.requested(number),
            1 => self.accepted(number),
            16 => self.suspended(number, step),
            17 => closed(number, step),
            _ if step.is_multiple_of(2) => drawn(number, step, step / 2),
            _ => paid(number, step, step / 2, 0),
        }
    }

    /// One life in five has a refused amendment at step 9; the others an assessment.
    fn step(&self, number: u64, step: u64) -> Act {
        let refused = number.is_multiple_of(5);
        let expect = if refused && step > 9 { step - 1 } else { step };
        match step {
            0 => self.requested(number),
            1 => self.accepted(number),
            2..=5 | 7 | 8 => drawn(number, expect, step),
            6 => self.amended(number, expect, 40_000_000),
            // Below what is outstanding.
            9 if refused => self.amended(number, expect, 1),
            9 => drawn(number, expect, 9),
            10..=13 => paid(number, expect, step - 8, 0),
            14 | 15 => paid(number, expect, step - 7, 0),
            16 if refused => drawn(number, expect, 16),
            16 => assessed(number, expect, 9),
            17 if refused => paid(number, expect, 16, 0),
            17 => paid(number, expect, 9, ASSESSED),
            18 => self.suspended(number, expect),
            _ => closed(number, expect),
        }
    }

    fn requested(&self, number: u64) -> Act {
        let data = request(number, self.bank(number), |asked| asked.data());
        act("guarantee.requested", number, 0, data, &[]).signed_by(self.guarantor(number))
    }

    fn accepted(&self, number: u64) -> Act {
        let terms = request(number, self.bank(number), |asked| asked.terms());
        act("guarantee.accepted", number, 1, kinds::accepted(&terms), OFFICER)
    }

    fn amended(&self, number: u64, expect: u64, limit: u64) -> Act {
        let data = kinds::amended(Some(limit), None);
        let by = self.guarantor(number);
        act("guarantee.amended", number, expect, data, &[])
            .signed_by(by)
            .signed_by(("officer:m4qd".into(), "officer"))
    }

    fn suspended(&self, number: u64, expect: u64) -> Act {
        act("guarantee.suspended", number, expect, kinds::nothing(), &[]).signed_by(self.guarantor(number))
    }

    fn guarantor(&self, number: u64) -> (String, &'static str) {
        (format!("bank:{}", self.bank(number)), "guarantor")
    }

    pub fn sign(&self, index: u64, act: Act) -> Statement {
        let now = START_S + i64::try_from(index % (1 << 40) / PER_SECOND).expect("a count");
        let id = sha256(&[b"bench", &index.to_be_bytes()]).0[..16].try_into().expect("16 of 32 bytes");
        let mut draft = Draft::with_id(&self.ledger, now, id);
        for event in act.events {
            // What other families know of epochs is not counted here: all of them have seen the first.
            if APPROVALS.contains(&event.kind) || !event.kind.starts_with("guarantee.") {
                draft = draft.seen(0, self.root);
            }
            draft = draft.event(event.kind, &event.stream, event.expect, event.data);
        }
        let signing = |(actor, capacity): &(String, &'static str)| {
            let (actor, key) = self.keys.get_key_value(actor).expect("an actor of the house");
            (actor.clone(), *capacity, key)
        };
        let by: Vec<_> = act.by.iter().map(signing).collect();
        let issuers: Vec<Signing<'_>> =
            by.iter().map(|(actor, capacity, key)| Signing { actor, capacity, key }).collect();
        let envelope = draft.sign(&issuers);
        let signers = by.into_iter().map(|(actor, ..)| actor).collect();
        Statement { bytes: envelope.write(), envelope, signers }
    }

    /// Whose signature each is.
    pub fn signers(&self, statements: &[Statement]) -> HashMap<Vec<u8>, PublicKey> {
        let of = |statement: &Statement| {
            let keys = statement.signers.iter().map(|actor| self.keys[actor].public());
            statement.envelope.signatures.clone().into_iter().zip(keys).collect::<Vec<_>>()
        };
        statements.iter().flat_map(of).collect()
    }

    /// All signatures of these statements, at most `most` of them, evenly chosen.
    pub fn signed(&self, statements: &[Statement], most: usize) -> Vec<Signed> {
        let step = statements.len().div_ceil(most).max(1);
        let mut all = Vec::new();
        for statement in statements.iter().step_by(step) {
            for (actor, signature) in statement.signers.iter().zip(&statement.envelope.signatures) {
                all.push(Signed {
                    key: self.keys[actor].public(),
                    message: pae(STATEMENT_TYPE, &statement.envelope.payload),
                    signature: signature.clone(),
                });
            }
        }
        all
    }
}

fn bank_actor(bank: &String) -> String {
    format!("bank:{bank}")
}

fn guarantee(number: u64) -> String {
    format!("FB-115-{number:08}")
}

fn debtor(number: u64) -> String {
    format!("{:08}", 10_000_000 + number)
}

fn declaration(number: u64, draw: u64) -> String {
    format!("CA__15{:08}", (number * LIFE + draw) % 100_000_000)
}

fn amount(draw: u64) -> u64 {
    100_000 + 1_000 * draw
}

fn drawn(number: u64, expect: u64, draw: u64) -> Act {
    let served = Day::parse("2026-11-23").expect("a day");
    let data = kinds::drawn(&declaration(number, draw), &debtor(number), None, amount(draw), served, false);
    act("guarantee.drawn", number, expect, data, RELEASE)
}

fn paid(number: u64, expect: u64, draw: u64, more: u64) -> Act {
    let data = kinds::tax_paid(&declaration(number, draw), amount(draw) + more);
    act("guarantee.tax_paid", number, expect, data, TREASURY)
}

fn assessed(number: u64, expect: u64, draw: u64) -> Act {
    let change = i64::try_from(ASSESSED).expect("a small number");
    let data = kinds::assessed(&declaration(number, draw), change);
    act("guarantee.assessed", number, expect, data, OFFICER)
}

fn closed(number: u64, expect: u64) -> Act {
    act("guarantee.closed", number, expect, kinds::nothing(), OFFICER)
}

fn request<T>(number: u64, bank: &str, use_it: impl FnOnce(&GuaranteeRequest<'_>) -> T) -> T {
    use_it(&GuaranteeRequest {
        no: &guarantee(number),
        bank,
        branch: "0037",
        debtor: &debtor(number),
        purpose: "importer",
        scope: "all",
        limit: 30_000_000,
        from: Day::parse("2026-11-01").expect("a day"),
        to: Day::parse("2027-10-31").expect("a day"),
    })
}

/// `count` values from `first` on, in order, made on all cores.
pub fn in_parallel<T: Send>(first: u64, count: u64, make: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let share = count.div_ceil(cores() as u64).max(1);
    let make = &make;
    thread::scope(|scope| {
        let part = |start: u64| {
            let end = (start + share).min(first + count);
            scope.spawn(move || (start..end).map(make).collect::<Vec<T>>())
        };
        let step = usize::try_from(share).expect("a count");
        let parts: Vec<_> = (first..first + count).step_by(step).map(part).collect();
        parts.into_iter().flat_map(|part| part.join().expect("signing does not panic")).collect()
    })
}
