//! A made-up customs house with 27 banks, for demos, tests and benches. Everything in it follows
//! from one seed, so the same seed gives the same keys, ids and statements.
//! Never for a real ledger: whoever knows the seed has every key.

use std::collections::BTreeMap;

use lian_core::{
    hash::{Digest, sha256},
    keys::SecretKey,
    statement::Envelope,
};
use lian_domain::rules::Rules;

use crate::{
    ceremony::Ceremony,
    draft::{Draft, Signing},
    kinds,
};

/// Name of every sample ledger, unless another is chosen.
pub const SAMPLE_NAME: &str = "customs.example/2026";

/// The staff: actor, unit, capacities.
const STAFF: &[(&str, &str, &[&str])] = &[
    ("officer:adm1", "office:CA", &["admin"]),
    ("officer:adm2", "office:integrity", &["admin"]),
    ("officer:7f3k", "office:CA", &["officer"]),
    ("officer:m4qd", "office:CG", &["officer"]),
    ("officer:c29x", "office:CA", &["supervisor"]),
];

/// Who takes part in registrations, draws, clearance and cases only: [`House::further_enrolments`]
/// enrols them.
const FURTHER: &[(&str, &str, &[&str])] = &[
    ("officer:e7q2", "office:integrity", &["ethics"]),
    ("officer:e9wz", "office:integrity", &["ethics", "integrity"]),
    ("officer:h3ad", "office:director", &["head"]),
    ("officer:l8cv", "office:legal", &["legal"]),
    ("officer:w6tn", "office:accounting", &["witness"]),
    ("agency:aac", "agency:aac", &["anticorruption", "committer"]),
    ("airline:CI", "airline:CI", &["airline"]),
    ("broker:22099131", "broker:22099131", &["broker"]),
    ("forwarder:22099131", "forwarder:22099131", &["forwarder"]),
    ("warehouse:C2001", "warehouse:C2001", &["warehouse"]),
    ("system:draws", "office:CA", &["committer"]),
    ("system:gate", "office:CA", &["gate"]),
    ("system:queue", "office:CA", &["queue"]),
    ("system:screening", "office:CA", &["screening"]),
];

/// The bank that commits to random numbers in the standard schemes of draws.
const COMMITTING_BANK: &str = "004";

/// The house: who is in it, and their keys.
pub struct House {
    seed: u64,
    name: String,
    roots: Vec<(String, SecretKey)>,
    keys: BTreeMap<String, SecretKey>,
    further: BTreeMap<String, SecretKey>,
    /// Rules version 1 of its ledger.
    pub rules: Rules,
    drafts: std::cell::Cell<u64>,
}

impl House {
    /// The house of this seed.
    pub fn new(seed: u64) -> Self {
        Self::named(seed, SAMPLE_NAME)
    }

    /// The house of this seed with a ledger of this name.
    pub fn named(seed: u64, name: &str) -> Self {
        let roots =
            ["customs", "banks", "audit"].map(|name| (name.to_owned(), key(seed, &format!("root:{name}"))));
        let rules = Rules::standard();
        let mut keys = BTreeMap::new();
        for actor in ["log", "system:log", "system:admission", "system:release", "system:treasury"] {
            keys.insert(actor.to_owned(), key(seed, actor));
        }
        for (actor, ..) in STAFF {
            keys.insert((*actor).to_owned(), key(seed, actor));
        }
        for bank in &rules.banks {
            let actor = format!("bank:{bank}");
            let secret = key(seed, &actor);
            keys.insert(actor, secret);
        }
        let further = FURTHER.iter().map(|(actor, ..)| ((*actor).to_owned(), key(seed, actor))).collect();
        let drafts = std::cell::Cell::new(0);
        Self { seed, name: name.to_owned(), roots: roots.into(), keys, further, rules, drafts }
    }

    /// The key of an actor, or of the log itself by the name `log`.
    ///
    /// # Panics
    /// If nobody of that name is in the house.
    pub fn key(&self, actor: &str) -> &SecretKey {
        let found = self.keys.get(actor).or_else(|| self.further.get(actor));
        found.unwrap_or_else(|| panic!("nobody is called {actor}"))
    }

    /// Everybody whose key [`House::enrolments`] enrols, and the log, ascending.
    pub fn actors(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// Everybody whose key [`House::further_enrolments`] enrols, ascending.
    pub fn further_actors(&self) -> impl Iterator<Item = &str> {
        self.further.keys().map(String::as_str)
    }

    /// Root organisations with their keys.
    pub fn roots(&self) -> &[(String, SecretKey)] {
        &self.roots
    }

    /// A second key of an actor: seeds carry no randomness.
    pub fn copy_of(&self, actor: &str) -> SecretKey {
        SecretKey::from_seed(&self.key(actor).seed())
    }

    /// Codes of the banks.
    pub fn banks(&self) -> Vec<String> {
        self.rules.banks.iter().map(ToString::to_string).collect()
    }

    /// Entry 0.
    pub fn opening(&self, now: i64) -> Envelope {
        let ceremony = Ceremony {
            name: &self.name,
            nonce: sha256(&[b"sample nonce", &self.seed.to_be_bytes()]).0,
            roots: &self.roots,
            threshold: 2,
            log: &self.key("log").public(),
            system_log: self.key("system:log"),
            admission: self.key("system:admission"),
            rules: &self.rules,
            synthetic: true,
        };
        ceremony.open(now, self.next_id())
    }

    /// Everybody's registration and first key: two admins by the roots, all others by the admins.
    pub fn enrolments(&self, ledger: &str, now: i64) -> Vec<Envelope> {
        let mut envelopes = Vec::new();
        for (actor, unit, capacities) in STAFF {
            envelopes.push(self.enrolment(ledger, now, actor, unit, capacities));
        }
        envelopes.push(self.enrolment(ledger, now, "system:release", "office:CA", &["release"]));
        envelopes.push(self.enrolment(ledger, now, "system:treasury", "office:treasury", &["treasury"]));
        for bank in self.banks() {
            let actor = format!("bank:{bank}");
            let also: &[&str] = &["committer", "guarantor"];
            let capacities = if bank == COMMITTING_BANK { also } else { &["guarantor"] };
            envelopes.push(self.enrolment(ledger, now, &actor, &actor, capacities));
        }
        envelopes
    }

    /// Registrations and first keys of those whom only registrations, draws, clearance and cases need,
    /// after everybody else's.
    pub fn further_enrolments(&self, ledger: &str, now: i64) -> Vec<Envelope> {
        let enrol = |(actor, unit, capacities): &(&str, &str, &[&str])| {
            self.enrolment(ledger, now, actor, unit, capacities)
        };
        FURTHER.iter().map(enrol).collect()
    }

    /// Token of the person behind an officer; nobody else has one.
    fn person(&self, actor: &str) -> Option<[u8; 16]> {
        let digest = sha256(&[b"sample person", &self.seed.to_be_bytes(), actor.as_bytes()]);
        let token = digest.0[..16].try_into().expect("16 of 32 bytes");
        actor.starts_with("officer:").then_some(token)
    }

    fn enrolment(&self, ledger: &str, now: i64, actor: &str, unit: &str, capacities: &[&str]) -> Envelope {
        let stream = format!("actor/{actor}");
        let chain = sha256(&[b"sample certificate chain", actor.as_bytes()]);
        let enrolled = kinds::key_enrolled(&self.key(actor).public(), capacities, Some(&chain), None);
        let draft = self
            .draft(ledger, now)
            .event("actor.registered", &stream, 0, kinds::actor(unit, self.person(actor).as_ref()))
            .event("key.enrolled", &stream, 1, enrolled);
        let possession = Signing { actor, capacity: "possession", key: self.key(actor) };
        if capacities == ["admin"] {
            let names: Vec<String> = self.roots.iter().map(|(name, _)| format!("root:{name}")).collect();
            let root = |at: usize| Signing { actor: &names[at], capacity: "root", key: &self.roots[at].1 };
            return draft.sign(&[possession, root(0), root(2)]);
        }
        let admin = |actor| Signing { actor, capacity: "admin", key: self.key(actor) };
        draft.sign(&[possession, admin("officer:adm1"), admin("officer:adm2")])
    }

    /// A draft whose id follows from the seed and how many drafts came before.
    pub fn draft(&self, ledger: &str, now: i64) -> Draft {
        Draft::with_id(ledger, now, self.next_id())
    }

    fn next_id(&self) -> [u8; 16] {
        let number = self.drafts.get();
        self.drafts.set(number + 1);
        let digest: Digest = sha256(&[b"sample id", &self.seed.to_be_bytes(), &number.to_be_bytes()]);
        digest.0[..16].try_into().expect("16 of 32 bytes")
    }

    /// Signs a draft by these actors in these capacities.
    pub fn sign(&self, draft: &Draft, issuers: &[(&str, &str)]) -> Envelope {
        let issuers: Vec<Signing<'_>> = issuers
            .iter()
            .map(|(actor, capacity)| Signing { actor, capacity, key: self.key(actor) })
            .collect();
        draft.sign(&issuers)
    }
}

fn key(seed: u64, actor: &str) -> SecretKey {
    SecretKey::from_seed(&sha256(&[b"sample key", &seed.to_be_bytes(), actor.as_bytes()]).0)
}
