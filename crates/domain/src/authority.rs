//! May these issuers say this? Keys, actors, persons, capacities and sides, judged on the state
//! before the statement (DESIGN §3, §10.3). Every failure is a rejection: never logged.

use std::borrow::Cow;

use lian_core::{hash::Digest, keys::PublicKey};
use smallvec::SmallVec;

use crate::{
    context::Signer,
    directory::Directory,
    families,
    filing::{Fact, FiledEvent, FiledIssuer, Filing},
    guarantee, plain, registry,
    registry::{Event, SYSTEM_LOG},
    rejection::Rejection,
};

/// What authority is judged by.
pub struct Authority<'l> {
    /// Keys and actors.
    pub directory: &'l Directory,
    /// Roots that must sign together.
    pub threshold: usize,
}

/// One issuer, found in the directory.
#[derive(Debug, Clone)]
pub struct Found<'f> {
    /// As the domain's rules see it.
    pub signer: Signer<'f>,
    /// The key that must have signed.
    pub public: &'f PublicKey,
}

impl<'l> Authority<'l> {
    /// Finds every issuer's key; refuses keys that are unknown, revoked, another's, or without the
    /// capacity, and any actor, person or key that appears twice.
    pub fn find<'f>(&self, filing: &'f Filing) -> Result<SmallVec<[Found<'f>; 2]>, Rejection>
    where
        'l: 'f,
    {
        let mut found = SmallVec::new();
        for issuer in &filing.issuers {
            found.push(match issuer.capacity {
                "possession" => self.new_key(filing, issuer)?,
                _ => self.enrolled_key(filing, issuer)?,
            });
        }
        none_twice(&filing.issuers, &found)?;
        Ok(found)
    }

    fn new_key<'f>(&self, filing: &'f Filing, issuer: &'f FiledIssuer) -> Result<Found<'f>, Rejection> {
        let key = issuer.key;
        if self.directory.key(&key).is_some() {
            return Err(Rejection::KeyEnrolledBefore(key.to_hex()));
        }
        let enrolled = filing.events.iter().find_map(|event| match &event.fact {
            Fact::Registry(Event::KeyEnrolled(enrolment)) if enrolment.key.id() == key => {
                Some((&filing.streams[event.stream], &enrolment.key))
            }
            _ => None,
        });
        let (stream, public) = enrolled.ok_or_else(|| Rejection::UnknownKey(key.to_hex()))?;
        if stream.strip_prefix("actor/") != Some(&issuer.actor) {
            return Err(another(&key, stream, issuer));
        }
        let signer = Signer { actor: &issuer.actor, capacity: issuer.capacity, person: None, unit: "" };
        Ok(Found { signer, public })
    }

    fn enrolled_key<'f>(&self, filing: &Filing, issuer: &'f FiledIssuer) -> Result<Found<'f>, Rejection>
    where
        'l: 'f,
    {
        let id = issuer.key;
        let key = self.directory.key(&id).ok_or_else(|| Rejection::UnknownKey(id.to_hex()))?;
        if *key.actor != *issuer.actor {
            return Err(another(&id, &key.actor, issuer));
        }
        let revokes = |event: &FiledEvent| matches!(event.fact, Fact::Registry(Event::KeyRevoked { .. }));
        // A key, revoked or not, may always say that a key of its actor must stop.
        if key.revoked && !(issuer.capacity == "holder" && filing.events.iter().all(revokes)) {
            return Err(Rejection::RevokedKey(id.to_hex()));
        }
        let holds = match issuer.capacity {
            "holder" => !key.recovery,
            "recovery" => key.recovery,
            capacity => key.capacities.contains(&capacity),
        };
        if !holds {
            return Err(Rejection::CapacityNotHeld {
                actor: issuer.actor.to_string(),
                capacity: issuer.capacity.to_owned(),
            });
        }
        let actor = self.directory.actor(&issuer.actor);
        let signer = Signer {
            actor: &issuer.actor,
            capacity: issuer.capacity,
            person: actor.and_then(|actor| actor.person.as_deref()),
            unit: actor.map_or("", |actor| &actor.unit),
        };
        Ok(Found { signer, public: &key.public })
    }

    /// Are the issuers exactly those that the events require?
    pub fn cover(&self, filing: &Filing, signers: &[Signer<'_>]) -> Result<(), Rejection> {
        let mut used: SmallVec<[(&str, usize); 4]> = SmallVec::new();
        for event in &filing.events {
            let needs = self.needs(filing, event, signers)?;
            for capacity in needs.iter() {
                let count = needs.iter().filter(|other| *other == capacity).count();
                match used.iter_mut().find(|(name, _)| name == capacity) {
                    Some((_, most)) => *most = (*most).max(count),
                    None => used.push((capacity, count)),
                }
            }
        }
        if let Some((_, count)) = used.iter_mut().find(|(name, _)| *name == "possession") {
            *count = filing.new_keys().len();
        }
        let all_needed = signers.iter().all(|signer| used.iter().any(|(name, _)| *name == signer.capacity));
        // Counted both ways: what is needed must be there, above all a new key's own signature.
        let exact = used.iter().all(|(name, need)| count(signers, name) == *need);
        if all_needed && exact { Ok(()) } else { Err(wrong_capacities(filing, &filing.events[0], signers)) }
    }

    /// The capacities that one event requires, given who signed.
    fn needs(
        &self,
        filing: &Filing,
        event: &FiledEvent,
        signers: &[Signer<'_>],
    ) -> Result<Cow<'static, [&'static str]>, Rejection> {
        let alternatives = match &event.fact {
            Fact::Guarantee(_) => guarantee::authority(event.kind),
            Fact::Plain(_) => plain::authority(event.kind),
            Fact::Family(_) => families::kind(event.kind).map(|kind| kind.authority),
            Fact::Registry(fact) => return self.registry_needs(filing, event, fact, signers).map(Cow::Owned),
        };
        let covered = |needs: &&&[&'static str]| {
            needs
                .iter()
                .all(|need| count(signers, need) >= needs.iter().filter(|other| other == &need).count())
        };
        let best = alternatives.unwrap_or_default().iter().filter(covered).max_by_key(|needs| needs.len());
        best.map(|needs| Cow::Borrowed(*needs)).ok_or_else(|| wrong_capacities(filing, event, signers))
    }

    fn registry_needs(
        &self,
        filing: &Filing,
        event: &FiledEvent,
        fact: &Event,
        signers: &[Signer<'_>],
    ) -> Result<Vec<&'static str>, Rejection> {
        let actor = filing.streams[event.stream].strip_prefix("actor/").unwrap_or_default();
        match fact {
            Event::Opened(_) => Err(Rejection::Genesis),
            Event::ActorRegistered { .. } => self.vouchers(filing, event, signers),
            Event::RulesPublished(_) | Event::RulesActivated { .. } | Event::ClockStepped { .. } => {
                self.vouchers(filing, event, signers)
            }
            Event::KeyEnrolled(enrolment) => {
                let mut needs = self.enrolment_needs(filing, event, enrolment, actor, signers)?;
                needs.push("possession");
                Ok(needs)
            }
            Event::KeyRevoked { .. } => match own_voucher(signers, actor) {
                Some(capacity) => Ok(vec![capacity]),
                None => self.vouchers(filing, event, signers),
            },
            Event::RefusalsWithheld { .. } | Event::EpochClosed { .. } | Event::EpochCosigned { .. } => {
                let by_log =
                    signers.iter().any(|signer| signer.capacity == "log" && signer.actor == SYSTEM_LOG);
                if by_log { Ok(vec!["log"]) } else { Err(wrong_capacities(filing, event, signers)) }
            }
        }
    }

    /// The first key of an actor: two admins of different units, who name the chain they checked.
    /// Every further one: the actor itself, by a live or its recovery key, and one admin.
    fn enrolment_needs(
        &self,
        filing: &Filing,
        event: &FiledEvent,
        enrolment: &registry::Enrolment,
        actor: &str,
        signers: &[Signer<'_>],
    ) -> Result<Vec<&'static str>, Rejection> {
        let id = enrolment.key.id();
        let recovery_before = enrolment.recovery.as_ref().map(PublicKey::id);
        for id in [Some(id), recovery_before].into_iter().flatten() {
            if self.directory.key(&id).is_some() {
                return Err(Rejection::KeyEnrolledBefore(id.to_hex()));
            }
        }
        let first = self.directory.actor(actor).is_none_or(|actor| actor.keys == 0);
        if first != enrolment.chain.is_some() {
            return Err(Rejection::Chain);
        }
        if first {
            return self.vouchers(filing, event, signers);
        }
        match own_voucher(signers, actor) {
            Some(capacity) if count(signers, "admin") > 0 => Ok(vec![capacity, "admin"]),
            _ => Err(wrong_capacities(filing, event, signers)),
        }
    }

    /// Two admins of different units; the root threshold until two such admins exist.
    fn vouchers(
        &self,
        filing: &Filing,
        event: &FiledEvent,
        signers: &[Signer<'_>],
    ) -> Result<Vec<&'static str>, Rejection> {
        let roots = count(signers, "root");
        if roots > 0 {
            if self.directory.has_two_admin_units() {
                let text =
                    "the roots vouch only until two admins of different units exist; have two admins sign";
                return Err(Rejection::NotIndependent(text.to_owned()));
            }
            if roots < self.threshold {
                let text = format!("{roots} roots sign, {} must", self.threshold);
                return Err(Rejection::NotIndependent(text));
            }
            return Ok(vec!["root"; roots]);
        }
        let mut units = signers.iter().filter(|signer| signer.capacity == "admin").map(|signer| signer.unit);
        match (units.next(), units.next()) {
            (Some(one), Some(other)) if one != other => Ok(vec!["admin", "admin"]),
            (Some(one), Some(_)) => Err(Rejection::NotIndependent(format!(
                "both admins are of {one}; one must be of another unit"
            ))),
            _ => Err(wrong_capacities(filing, event, signers)),
        }
    }
}

/// Capacity in which the actor itself speaks for its keys.
fn own_voucher(signers: &[Signer<'_>], actor: &str) -> Option<&'static str> {
    ["holder", "recovery"]
        .into_iter()
        .find(|capacity| signers.iter().any(|signer| signer.capacity == *capacity && signer.actor == actor))
}

fn count(signers: &[Signer<'_>], capacity: &str) -> usize {
    signers.iter().filter(|signer| signer.capacity == capacity).count()
}

fn another(key: &Digest, owner: &str, issuer: &FiledIssuer) -> Rejection {
    Rejection::KeyOfAnother { key: key.to_hex(), owner: owner.to_owned(), claimed: issuer.actor.to_string() }
}

/// No actor, person or key twice; a key's own possession counts for its key only.
fn none_twice(issuers: &[FiledIssuer], found: &[Found<'_>]) -> Result<(), Rejection> {
    for (position, issuer) in issuers.iter().enumerate() {
        for earlier in 0..position {
            let other = &issuers[earlier];
            if issuer.key == other.key {
                return Err(Rejection::SignerTwice(format!("key {}", issuer.key)));
            }
            if issuer.capacity == "possession" || other.capacity == "possession" {
                continue;
            }
            if issuer.actor == other.actor {
                return Err(Rejection::SignerTwice(issuer.actor.to_string()));
            }
            let (person, before) = (found[position].signer.person, found[earlier].signer.person);
            if person.is_some() && person == before {
                return Err(Rejection::SignerTwice(format!(
                    "the person of {} and {}",
                    other.actor, issuer.actor
                )));
            }
        }
    }
    Ok(())
}

fn wrong_capacities(filing: &Filing, event: &FiledEvent, signers: &[Signer<'_>]) -> Rejection {
    let required = match &event.fact {
        Fact::Guarantee(_) => spell(guarantee::authority(event.kind).unwrap_or_default()),
        Fact::Plain(_) => spell(plain::authority(event.kind).unwrap_or_default()),
        Fact::Family(_) => spell(families::kind(event.kind).map_or(&[], |kind| kind.authority)),
        Fact::Registry(fact) => registry_required(fact).to_owned(),
    };
    let found: Vec<&str> = signers.iter().map(|signer| signer.capacity).collect();
    let kind = if filing.events.is_empty() { "nothing" } else { event.kind };
    Rejection::WrongCapacities { kind: kind.to_owned(), required, found: found.join(" + ") }
}

fn spell(alternatives: &[&[&str]]) -> String {
    alternatives.iter().map(|needs| needs.join(" + ")).collect::<Vec<_>>().join(", or ")
}

fn registry_required(fact: &Event) -> &'static str {
    match fact {
        Event::Opened(_) => "all roots, in entry 0",
        Event::KeyEnrolled(_) => {
            "possession + admin + admin (first key; roots until two admins exist), or possession + holder + admin, \
             or possession + recovery + admin"
        }
        Event::KeyRevoked { .. } => "holder, or recovery, or admin + admin of different units",
        Event::RefusalsWithheld { .. } | Event::EpochClosed { .. } | Event::EpochCosigned { .. } => "log",
        _ => "admin + admin of different units (roots until two such admins exist)",
    }
}
