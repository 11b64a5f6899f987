//! The business rules, event by event, each on the state that the earlier ones left.
//! Invariant: a refusal, or a side that turns out wrong, restores all that the earlier events of its
//! statement changed.

use std::sync::Arc;

use lian_core::{audit::Place, entry::Verdict};

use super::{Ledger, Purpose, Slots, State, Unlogged, judge::judge_side, stored::Tally};
use crate::{
    context::{Context, Signer},
    directory::Directory,
    families,
    filing::{Fact, FiledEvent, Filing},
    guarantee,
    ids::DeclarationNo,
    plain,
    refusal::Refusal,
    registry::{self, Event as RegistryEvent, Facts},
    rules::Rules,
};

impl Ledger {
    /// Runs the rules, event by event; a refusal restores all that the earlier events changed. Who
    /// signs an event whose stream an earlier one moved is judged again, on the state that it left.
    pub(super) fn decide(
        &mut self,
        place: &Place<'_>,
        filing: &Filing,
        slots: &mut Slots,
        signers: &[Signer<'_>],
        purpose: Purpose,
    ) -> Result<Verdict, Unlogged> {
        // The last event needs no way back, unless all of it is only tried.
        let needs_undo = filing.events.len() > 1 || purpose == Purpose::Trial;
        let rules = Arc::clone(&self.rules);
        let mut undo = Undo::default();
        for (position, event) in filing.events.iter().enumerate() {
            let at = slots[event.stream].unwrap_or_else(|| self.stream_at(&filing.streams[event.stream]));
            slots[event.stream] = Some(at);
            let moved = undo.streams.iter().any(|(known, _)| *known == at);
            if moved && let Err(rejection) = judge_side(filing, event, Some(&self.streams[at]), signers) {
                self.take_back(undo);
                return Err(rejection.into());
            }
            if let Err(code) = self.decide_event(place, &rules, signers, at, &event.fact) {
                self.take_back(undo);
                let event = u16::try_from(position).unwrap_or(u16::MAX);
                return Ok(Verdict { code, event });
            }
            if needs_undo && !moved {
                undo.streams.push((at, self.streams[at].state.clone()));
            }
            self.evolve_event(place, &rules, at, event, &mut undo)?;
        }
        if purpose == Purpose::Trial {
            self.take_back(undo);
            return Ok(Verdict::ACCEPTED);
        }
        for event in &filing.events {
            self.note_effects(event, place);
        }
        Ok(Verdict::ACCEPTED)
    }

    fn decide_event(
        &self,
        place: &Place<'_>,
        rules: &Rules,
        signers: &[Signer<'_>],
        at: usize,
        fact: &Fact,
    ) -> Result<(), u16> {
        let stream = &self.streams[at];
        match (fact, &stream.state) {
            (Fact::Guarantee(event), State::Guarantee(_) | State::Empty) => {
                let context = Context { recorded_at: place.recorded_at, rules, signers, world: self };
                guarantee::decide(stream.guarantee(), event, &context).map_err(Refusal::code)
            }
            (Fact::Plain(event), State::Plain(state)) => {
                plain::decide(Some(*state), *event).map_err(Refusal::code)
            }
            (Fact::Plain(event), State::Empty) => plain::decide(None, *event).map_err(Refusal::code),
            (Fact::Family(event), State::Family(_) | State::Empty) => {
                let context = Context { recorded_at: place.recorded_at, rules, signers, world: self };
                families::decide(stream.family(), event, &context, self).map_err(Refusal::code)
            }
            (Fact::Registry(event), State::Registry(state)) => self.decide_registry(Some(state), event),
            (Fact::Registry(event), State::Empty) => self.decide_registry(None, event),
            // A stream's family is part of its id, and each kind belongs to one family.
            _ => Err(u16::MAX),
        }
    }

    fn decide_registry(&self, state: Option<&registry::State>, event: &RegistryEvent) -> Result<(), u16> {
        let epoch_size = match event {
            RegistryEvent::RulesActivated { epoch, .. } => {
                self.epochs.get(*epoch).filter(|epoch| epoch.is_cosigned()).map(|epoch| epoch.size)
            }
            _ => None,
        };
        let facts = Facts { index: self.size, rules_version: self.rules.version, epoch_size };
        registry::decide(state, event, &facts).map_err(Refusal::code)
    }

    fn evolve_event(
        &mut self,
        place: &Place<'_>,
        rules: &Rules,
        at: usize,
        event: &FiledEvent,
        undo: &mut Undo,
    ) -> Result<(), Unlogged> {
        let before = std::mem::replace(&mut self.streams[at].state, State::Empty);
        let Some((after, effects)) = before.evolve(&event.fact, place.index, place.recorded_at, rules) else {
            return Err(Unlogged::Contradiction(format!("{} on {}", event.kind, self.streams[at].name)));
        };
        for (counted, by) in effects {
            self.change_tally(counted, by);
            undo.counted.push((counted, by));
        }
        self.streams[at].state = after;
        Ok(())
    }

    fn change_tally(&mut self, counted: (Tally, DeclarationNo), by: i32) {
        if let Some(kept) = &mut self.kept {
            return kept.change_tally(counted, by, self.size);
        }
        let count = self.tallies.entry(counted).or_default();
        *count = count.saturating_add_signed(by);
        if *count == 0 {
            self.tallies.remove(&counted);
        }
    }

    /// What is counted for a declaration.
    pub(super) fn tally(&self, counted: &(Tally, DeclarationNo)) -> u32 {
        match &self.kept {
            Some(kept) => kept.tally(counted),
            None => self.tallies.get(counted).copied().unwrap_or_default(),
        }
    }

    fn take_back(&mut self, undo: Undo) {
        for (at, state) in undo.streams {
            self.streams[at].state = state;
        }
        for (counted, by) in undo.counted.into_iter().rev() {
            self.change_tally(counted, -by);
        }
    }

    /// Effects of accepted registry events beyond their own streams.
    fn note_effects(&mut self, event: &FiledEvent, place: &Place<'_>) {
        match &event.fact {
            Fact::Registry(RegistryEvent::RulesActivated { version, .. }) => {
                let stream = self.stream(&format!("rules/{version}"));
                if let Some(State::Registry(registry::State::Rules(publication))) =
                    stream.map(|found| &found.state)
                {
                    self.rules = Arc::clone(&publication.rules);
                }
            }
            Fact::Registry(RegistryEvent::EpochClosed { size, root, map, .. }) => {
                self.epochs.close(*size, *root, *map, place.recorded_at);
            }
            Fact::Registry(RegistryEvent::EpochCosigned { number, lines, .. }) => {
                self.epochs.cosigned(*number, lines, place.recorded_at);
            }
            _ => {}
        }
    }
}

/// What a refused statement's earlier events changed.
#[derive(Default)]
pub(super) struct Undo {
    streams: Vec<(usize, State)>,
    counted: Vec<((Tally, DeclarationNo), i32)>,
}

/// Effects of an accepted statement on the directory, which no rule of the statement itself reads.
pub(super) fn note_in_directory(directory: &mut Directory, filing: &Filing) {
    for event in &filing.events {
        let actor = filing.streams[event.stream].strip_prefix("actor/").unwrap_or_default();
        match &event.fact {
            Fact::Registry(RegistryEvent::ActorRegistered { unit, person }) => {
                directory.register(actor, unit, person.as_deref());
            }
            Fact::Registry(RegistryEvent::KeyEnrolled(enrolment)) => directory.enrol(actor, enrolment),
            Fact::Registry(RegistryEvent::KeyRevoked { key, .. }) => directory.revoke(key),
            _ => {}
        }
    }
}
