//! Keys and actors by id: derived from the registry's states, so that a signature is judged by one
//! look-up. Never a source of truth: a rebuild from the states gives the same.

use std::sync::Arc;

use foldhash::HashMap;
use lian_core::{hash::Digest, keys::PublicKey};

use crate::registry::{Enrolment, Opening, SYSTEM_ADMISSION, SYSTEM_LOG};

/// One key, as authority is judged by it.
#[derive(Debug, Clone)]
pub struct DirectoryKey {
    /// Its actor.
    pub actor: Arc<str>,
    /// The key.
    pub public: PublicKey,
    /// What it may act as.
    pub capacities: Vec<&'static str>,
    /// True once revoked.
    pub revoked: bool,
    /// True for an offline key that may only vouch for the next key of its actor, or revoke.
    pub recovery: bool,
}

/// One actor, as authority is judged by it.
#[derive(Debug, Clone)]
pub struct DirectoryActor {
    /// Its unit.
    pub unit: Arc<str>,
    /// Token of the person.
    pub person: Option<Arc<str>>,
    /// Keys that were ever enrolled.
    pub keys: usize,
}

/// All keys and actors.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    keys: HashMap<Digest, DirectoryKey>,
    actors: HashMap<Arc<str>, DirectoryActor>,
}

impl Directory {
    /// The key of this id, live or not.
    pub fn key(&self, id: &Digest) -> Option<&DirectoryKey> {
        self.keys.get(id)
    }

    /// All keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = (&Digest, &DirectoryKey)> {
        self.keys.iter()
    }

    /// How many keys there are; it never falls.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// The actor of this name.
    pub fn actor(&self, name: &str) -> Option<&DirectoryActor> {
        self.actors.get(name)
    }

    /// All actors, in no order.
    pub fn actors(&self) -> impl Iterator<Item = (&Arc<str>, &DirectoryActor)> {
        self.actors.iter()
    }

    /// True if two admins of different units hold live keys: from then on they, not the roots, vouch.
    pub fn has_two_admin_units(&self) -> bool {
        let mut first: Option<&str> = None;
        for key in self.keys.values().filter(|key| !key.revoked && key.capacities.contains(&"admin")) {
            let Some(actor) = self.actors.get(&key.actor) else {
                continue;
            };
            match first {
                None => first = Some(&actor.unit),
                Some(unit) if *unit != *actor.unit => return true,
                Some(_) => {}
            }
        }
        false
    }

    /// The keys that entry 0 brings.
    pub fn open(&mut self, opening: &Opening) {
        for (organisation, key) in &opening.roots {
            self.add_fixed(&format!("root:{organisation}"), organisation, key, "root");
        }
        self.add_fixed(SYSTEM_LOG, "log", &opening.system_log, "log");
        self.add_fixed(SYSTEM_ADMISSION, "log", &opening.system_admission, "admission");
    }

    fn add_fixed(&mut self, actor: &str, unit: &str, key: &PublicKey, capacity: &'static str) {
        self.register(actor, unit, None);
        self.insert(actor, key, vec![capacity], false);
    }

    /// A new actor without keys.
    pub fn register(&mut self, actor: &str, unit: &str, person: Option<&str>) {
        let card = DirectoryActor { unit: unit.into(), person: person.map(Into::into), keys: 0 };
        self.actors.insert(actor.into(), card);
    }

    /// A new key, and its recovery key, of a registered actor.
    pub fn enrol(&mut self, actor: &str, enrolment: &Enrolment) {
        self.insert(actor, &enrolment.key, enrolment.capacities.clone(), false);
        if let Some(recovery) = &enrolment.recovery {
            self.insert(actor, recovery, Vec::new(), true);
        }
    }

    /// A key of a registered actor, as it was kept.
    pub fn restore_key(
        &mut self,
        actor: &str,
        key: &PublicKey,
        capacities: Vec<&'static str>,
        recovery: bool,
    ) {
        self.insert(actor, key, capacities, recovery);
    }

    fn insert(&mut self, actor: &str, key: &PublicKey, capacities: Vec<&'static str>, recovery: bool) {
        let Some((name, _)) = self.actors.get_key_value(actor) else {
            return;
        };
        let name = Arc::clone(name);
        if let Some(card) = self.actors.get_mut(actor) {
            card.keys += 1;
        }
        let entry = DirectoryKey { actor: name, public: *key, capacities, revoked: false, recovery };
        self.keys.insert(key.id(), entry);
    }

    /// A key stops.
    pub fn revoke(&mut self, id: &Digest) {
        if let Some(key) = self.keys.get_mut(id) {
            key.revoked = true;
        }
    }
}
