//! Business at random on top of the golden ledger: guarantees, debtors, declarations, keys, rules,
//! epochs, with refusals and rejections among them.

use std::collections::BTreeMap;

use lian_core::{
    hash::{Digest, sha256},
    json::Value,
    keys::SecretKey,
    statement::{Event, Issuer, Statement},
};
use lian_domain::{
    guarantee::terms_hash,
    ledger::Ledger,
    registry::{Event as RegistryEvent, key_hex},
    rules::Rules,
};

use crate::{
    desk::{Attempt, Desk, golden},
    integrity::schemes,
};

const BANKS: [&str; 3] = ["004", "006", "007"];
pub const DEBTORS: [&str; 2] = ["12345675", "22099131"];
const TERMS: [(&str, &str); 3] =
    [("2026-11-01", "2027-10-31"), ("2026-11-01", "2026-12-31"), ("2027-01-10", "2027-10-31")];
/// Guarantees that all business is about: few, so that each has hundreds of statements.
pub const GUARANTEES: u64 = 5;
const DECLARATIONS: u64 = 7;

pub struct Town {
    pub desk: Desk,
    pub log: Vec<Attempt>,
    pub now_ms: u64,
    state: u64,
    drafts: u64,
    requests: BTreeMap<String, Digest>,
}

/// The golden ledger, and so many statements after it.
pub fn random_log(seed: u64, statements: usize) -> Vec<Attempt> {
    let mut town = Town::begin(seed);
    let end = town.log.len() + statements;
    while town.log.len() < end {
        town.batch();
    }
    town.log
}

pub fn text(text: &str) -> Value<'static> {
    Value::text(text.to_owned())
}

impl Town {
    /// The golden ledger, and everybody enrolled whom it lacks.
    pub fn begin(seed: u64) -> Self {
        let (desk, log) = golden();
        let (now_ms, requests) = (desk.ledger.recorded_at(), BTreeMap::new());
        let state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut town = Self { desk, log, now_ms, state, drafts: seed << 32, requests };
        town.staff();
        town
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % limit
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    pub fn batch(&mut self) {
        let pause = self.pick(&[5, 900, 20_000, 20_000, 700_000]);
        self.now_ms += pause + if self.below(60) == 0 { 86_400_000 } else { 0 };
        let mut first = true;
        if self.desk.ledger.epoch_due(self.now_ms) {
            self.close_epoch();
            first = false;
        }
        for _ in 0..=self.below(3) {
            let payload = self.statement();
            let attempt = self.desk.judge(&payload, self.now_ms, first, None).unwrap();
            first = first && attempt.outcome.is_err();
            self.log.push(attempt);
        }
        if !first {
            self.desk.commit();
            self.log.last_mut().unwrap().batch_last = true;
        }
    }

    pub fn close_epoch(&mut self) {
        let root = self.desk.tree.root();
        let RegistryEvent::EpochClosed { number, size, root, map, engine } =
            self.desk.ledger.next_epoch(root)
        else {
            unreachable!()
        };
        let data = Value::object([
            ("engine", Value::number(u64::from(engine))),
            ("map", text(&map.to_hex())),
            ("n", Value::number(number)),
            ("root", text(&root.to_hex())),
            ("size", Value::number(size)),
        ]);
        let stream = format!("epoch/{number}");
        let payload = self.sign(&[("epoch.closed", stream, 0, data)], &[("system:log", "log")], None);
        let attempt = self.desk.judge(&payload, self.now_ms, true, None).unwrap();
        assert!(attempt.outcome.is_ok(), "{:?}", attempt.outcome);
        self.log.push(attempt);
    }

    pub fn sign(
        &mut self,
        events: &[(&str, String, u64, Value<'static>)],
        by: &[(&str, &str)],
        possession: Option<Digest>,
    ) -> Vec<u8> {
        self.drafts += 1;
        let now = i64::try_from(self.now_ms / 1_000).unwrap();
        let ledger = &self.desk.ledger;
        let issuer = |(actor, capacity): &(&'static str, &'static str)| Issuer {
            actor,
            capacity,
            key: possession
                .filter(|_| *capacity == "possession")
                .unwrap_or_else(|| key_of(ledger, actor, capacity)),
        };
        let by: Vec<(&'static str, &'static str)> = by
            .iter()
            .map(|(actor, capacity)| (&*actor.to_string().leak(), &*capacity.to_string().leak()))
            .collect();
        let epochs = ledger.epochs();
        let id = sha256(&[b"town", &self.drafts.to_be_bytes()]).0;
        let statement = Statement {
            events: events
                .iter()
                .map(|(kind, stream, expect, data)| Event {
                    kind,
                    stream,
                    expect: *expect,
                    occurred_at: now,
                    data: data.clone(),
                })
                .collect(),
            id: id[..16].try_into().unwrap(),
            issued_at: now,
            issuers: by.iter().map(issuer).collect(),
            ledger: ledger.id(),
            requires: Vec::new(),
            seen: Some((epochs.len() as u64 - 1, epochs.last().unwrap().root)),
            valid_until: now + 86_400,
        };
        statement.payload()
    }

    pub fn version(&self, stream: &str) -> u64 {
        self.desk.ledger.stream(stream).map_or(0, |stream| stream.version)
    }

    pub fn event(&mut self, kind: &str, stream: &str, data: Value<'static>, by: &[(&str, &str)]) -> Vec<u8> {
        let version = self.version(stream);
        self.sign(&[(kind, stream.to_owned(), version, data)], by, None)
    }

    fn statement(&mut self) -> Vec<u8> {
        if self.log.len() > 90 && self.below(40) == 0 {
            // The same again: known, stale or logged before.
            let at = self.below(self.log.len() as u64);
            return self.log[usize::try_from(at).unwrap()].payload.clone();
        }
        match self.below(10) {
            0..2 => self.surroundings(),
            2..4 => self.integrity(),
            4 => self.cargo(),
            _ => self.guarantee(),
        }
    }

    pub fn declaration(&mut self) -> String {
        format!("CA__159{:07}", self.below(DECLARATIONS))
    }

    fn request(&mut self, no: &str, bank: &str) -> Value<'static> {
        let ((from, to), debtor, limit) = (self.pick(&TERMS), self.pick(&DEBTORS), 1_000 + self.below(9_000));
        Value::object([
            ("bank", text(bank)),
            ("branch", text("0037")),
            ("debtor", text(debtor)),
            ("from", text(from)),
            ("kind", text("independent")),
            ("limit", Value::number(limit)),
            ("no", text(no)),
            ("purpose", text("importer")),
            ("scope", text("all")),
            ("to", text(to)),
        ])
    }

    fn draw(&mut self) -> Value<'static> {
        let (declaration, amount) = (self.declaration(), 1 + self.below(900));
        let importer = self.pick(&[DEBTORS[0], DEBTORS[0], DEBTORS[1]]);
        Value::object([
            ("declaration", text(&declaration)),
            ("house", text("CA")),
            ("importer", text(importer)),
            ("manual", Value::Bool(false)),
            ("served_on", text("2026-11-23")),
            ("taxes", Value::object([("duty", Value::number(amount))])),
        ])
    }

    fn guarantee(&mut self) -> Vec<u8> {
        let at = self.below(GUARANTEES * 2).saturating_sub(GUARANTEES);
        let (no, bank) = (format!("T-{at}"), BANKS[usize::try_from(at % 3).unwrap()]);
        let (stream, guarantor) = (format!("guarantee/{no}"), format!("bank:{bank}"));
        let guarantor = [(&*guarantor, "guarantor")];
        let (officer, two) =
            ([("officer:7f3k", "officer")], [("officer:7f3k", "officer"), ("officer:c29x", "supervisor")]);
        if self.desk.ledger.guarantee(&stream).is_none() {
            let data = self.request(&no, bank);
            self.requests.insert(stream.clone(), terms_hash(&data));
            return self.event("guarantee.requested", &stream, data, &guarantor);
        }
        match self.below(24) {
            0..=2 => {
                let terms = text(&self.requests[&stream].to_hex());
                self.event("guarantee.accepted", &stream, Value::object([("terms", terms)]), &officer)
            }
            3..=10 => {
                let data = self.draw();
                self.event("guarantee.drawn", &stream, data, &[("system:release", "release")])
            }
            11..=12 => self.draws(&stream),
            13..=16 => {
                let (number, amount) = (self.declaration(), 1 + self.below(900));
                let data = Value::object([("amount", Value::number(amount)), ("declaration", text(&number))]);
                self.event("guarantee.tax_paid", &stream, data, &[("system:treasury", "treasury")])
            }
            17 => {
                let (number, change) = (self.declaration(), 1 + self.below(50));
                let change = Value::Int(i64::try_from(change).unwrap() - 60);
                let data = Value::object([("change", change), ("declaration", text(&number))]);
                self.event("guarantee.assessed", &stream, data, &officer)
            }
            18..=19 => {
                let (limit, to) = (500 + self.below(9_500), self.pick(&["2027-10-31", "2027-12-31"]));
                let data = Value::object([("limit", Value::number(limit)), ("to", text(to))]);
                self.event("guarantee.amended", &stream, data, &[guarantor[0], officer[0]])
            }
            20..=21 => {
                let (number, amount) = (self.declaration(), 1 + self.below(300));
                let draw = Value::object([("amount", Value::number(amount)), ("declaration", text(&number))]);
                let data = Value::object([("default", text("unpaid")), ("draws", Value::List(vec![draw]))]);
                self.event("guarantee.claimed", &stream, data, &two)
            }
            22 => {
                let (claim, amount) = (1 + self.below(4), 1 + self.below(300));
                let data =
                    Value::object([("amount", Value::number(amount)), ("claim", Value::number(claim))]);
                self.event("guarantee.claim_paid", &stream, data, &guarantor)
            }
            _ if self.below(6) == 0 => {
                self.event("guarantee.suspended", &stream, Value::Object(Vec::new()), &guarantor)
            }
            _ => self.event("guarantee.closed", &stream, Value::Object(Vec::new()), &officer),
        }
    }

    /// Several draws in one statement: one that fails takes all back.
    fn draws(&mut self, stream: &str) -> Vec<u8> {
        let version = self.version(stream);
        let count = 2 + self.below(3);
        let events: Vec<_> =
            (0..count).map(|at| ("guarantee.drawn", stream.to_owned(), version + at, self.draw())).collect();
        self.sign(&events, &[("system:release", "release")], None)
    }

    fn surroundings(&mut self) -> Vec<u8> {
        let nothing = || Value::Object(Vec::new());
        let officer = [("officer:7f3k", "officer")];
        let two = [("officer:7f3k", "officer"), ("officer:c29x", "supervisor")];
        let admins = [("officer:adm1", "admin"), ("officer:adm2", "admin")];
        let debtor = format!("debtor/{}", self.pick(&DEBTORS));
        let blocked = format!("declaration/{}", self.declaration());
        match self.below(9) {
            0 => {
                let dates = Value::object([("from", text("2026-11-25")), ("until", text("2026-11-28"))]);
                self.event("scheme.suspended", &debtor, dates, &two)
            }
            1..=2 => self.event("scheme.restored", &debtor, nothing(), &two),
            3 => self.event(
                "declaration.blocked",
                &blocked,
                Value::object([("reason", text("held"))]),
                &officer,
            ),
            4..=5 => self.event("declaration.unblocked", &blocked, nothing(), &officer),
            6 => self.rotation(),
            7 => {
                let version = self.desk.ledger.rules().version + 1;
                let refusals_per_day = 3 + u32::try_from(self.below(6)).unwrap();
                let (due_days, draws) = (10 + version, schemes());
                let rules = Rules { version, refusals_per_day, due_days, draws, ..Rules::standard() };
                let data =
                    Value::object([("digest", text(&rules.digest().to_hex())), ("rules", rules.to_value())]);
                self.event("rules.published", &format!("rules/{version}"), data, &admins)
            }
            _ => {
                let version = self.desk.ledger.rules().version + 1;
                let epoch = self.desk.ledger.epochs().len() as u64 - 1;
                let data = Value::object([
                    ("epoch", Value::number(epoch)),
                    ("version", Value::number(u64::from(version))),
                ]);
                self.event("rules.activated", &format!("rules/{version}"), data, &admins)
            }
        }
    }

    /// A bank's key is replaced by another.
    fn rotation(&mut self) -> Vec<u8> {
        let actor = format!("bank:{}", self.pick(&BANKS));
        let (stream, old) = (format!("actor/{actor}"), key_of(&self.desk.ledger, &actor, "guarantor"));
        let version = self.version(&stream);
        let new = SecretKey::from_seed(&sha256(&[b"town key", &self.drafts.to_be_bytes()]).0).public();
        let enrolled = Value::object([
            ("algorithm", Value::number(1)),
            ("capacities", Value::List(["committer", "guarantor", "treasury"].map(text).to_vec())),
            ("key", text(&key_hex(&new))),
        ]);
        let revoked = Value::object([("key", text(&old.to_hex())), ("reason", text("retired"))]);
        let events = vec![
            ("key.enrolled", stream.clone(), version, enrolled),
            ("key.revoked", stream, version + 1, revoked),
        ];
        let by = [(&*actor, "possession"), (&*actor, "holder"), ("officer:adm1", "admin")];
        self.sign(&events, &by, Some(new.id()))
    }
}

/// A live key of an actor with a capacity.
fn key_of(ledger: &Ledger, actor: &str, capacity: &str) -> Digest {
    let mut keys: Vec<&Digest> = ledger
        .directory()
        .keys()
        .filter(|(_, key)| {
            *key.actor == *actor
                && !key.revoked
                && !key.recovery
                && (capacity == "holder" || key.capacities.contains(&capacity))
        })
        .map(|(id, _)| id)
        .collect();
    keys.sort_unstable();
    **keys.first().unwrap_or_else(|| panic!("{actor} has no live key for {capacity}"))
}
