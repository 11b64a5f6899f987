//! What the rules of one stream see of others: answered from the states of streams that the event or
//! the state names, and from the epochs. Invariant: nothing is looked for by scanning, and a row
//! that cannot be read is noted, so that what was judged on it does not count.

use lian_core::statement::STREAM_BYTES_MAX;

use super::{Ledger, State, stored::Tally};
use crate::{
    cases::{
        self,
        ids::{Actor, CaseNo, ExhibitNo, HandoverNo, Spelled},
    },
    clearance,
    context::World,
    draws, ethics, families,
    ids::{DeclarationNo, GuaranteeNo, Ubn},
    plain, registry,
};

impl Ledger {
    /// Reads something from the state of a stream by the parts of its id, in memory or in rows; `None`
    /// without such a stream too. Rules ask at every draw, so without an allocation where all is in
    /// memory.
    fn look<T>(&self, parts: &[&str], read: impl FnOnce(&State) -> Option<T>) -> Option<T> {
        let mut name = [0; STREAM_BYTES_MAX];
        let mut end = 0;
        for part in parts {
            let room = name.get_mut(end..end + part.len())?;
            room.copy_from_slice(part.as_bytes());
            end += part.len();
        }
        let name = std::str::from_utf8(&name[..end]).ok()?;
        match (self.stream(name), &self.kept) {
            (Some(stream), _) => read(&stream.state),
            (None, None) => None,
            (None, Some(kept)) => {
                let stream = kept.noting(kept.read(name, self.opening())).flatten();
                stream.and_then(|stream| read(&stream.state))
            }
        }
    }

    /// Does the state of that stream say so?
    fn says(&self, parts: &[&str], holds: impl FnOnce(&State) -> bool) -> bool {
        self.look(parts, |state| Some(holds(state))) == Some(true)
    }

    /// The person token of an actor, if the actor is a person.
    fn person(&self, actor: &str) -> Option<Box<str>> {
        self.look(&["actor/", actor], |state| match state {
            State::Registry(registry::State::Actor(card)) => card.person.clone(),
            _ => None,
        })
    }
}

impl World for Ledger {
    fn scheme_suspended(&self, debtor: &Ubn, day: i64) -> bool {
        self.says(&["debtor/", debtor.as_str()], |state| match state {
            State::Plain(plain::State::Debtor(Some((from, until)))) => {
                (from.number()..=until.number()).contains(&day)
            }
            _ => false,
        })
    }

    fn delegated(&self, broker: &Ubn, importer: &Ubn) -> bool {
        self.says(&["delegation/", broker.as_str(), "/", importer.as_str()], |state| {
            matches!(state, State::Plain(plain::State::Delegation(true)))
        })
    }

    fn declaration_blocked(&self, declaration: &DeclarationNo) -> bool {
        clearance::Around::stopped(self, declaration) || self.tally(&(Tally::Blocks, *declaration)) > 0
    }

    fn has_open_draw(&self, declaration: &DeclarationNo) -> bool {
        self.tally(&(Tally::Draws, *declaration)) > 0
    }
}

impl clearance::Around for Ledger {
    fn look(&self, stream: &str, ask: &mut dyn FnMut(Option<&clearance::State>)) {
        let found = Ledger::look(self, &[stream], |state| {
            let state = state.family().and_then(families::State::clearance)?;
            ask(Some(state));
            Some(())
        });
        if found.is_none() {
            ask(None);
        }
    }

    fn open_draw(&self, guarantee: &GuaranteeNo, declaration: &DeclarationNo) -> bool {
        self.says(&["guarantee/", guarantee.as_str()], |state| match state {
            State::Guarantee(state) => {
                state.as_ref().as_ref().is_some_and(|state| state.open_draw(declaration).is_some())
            }
            _ => false,
        })
    }

    fn stopped(&self, declaration: &DeclarationNo) -> bool {
        self.says(&["declaration/", declaration.as_str()], |state| {
            matches!(state, State::Plain(plain::State::Declaration(Some(_))))
        })
    }
}

impl Ledger {
    fn case_state<T>(&self, parts: &[&str], read: impl FnOnce(&cases::State) -> Option<T>) -> Option<T> {
        self.look(parts, |state| state.family().and_then(families::State::case).and_then(read))
    }
}

impl cases::Around for Ledger {
    fn case(&self, no: &CaseNo) -> Option<cases::Glance> {
        self.case_state(&["case/", no.as_str()], |state| match state {
            cases::State::Case(case) => Some(case.glance()),
            _ => None,
        })
    }

    fn exhibit(&self, no: &ExhibitNo) -> Option<cases::ExhibitGlance> {
        self.case_state(&["exhibit/", no.as_str()], |state| match state {
            cases::State::Exhibit(exhibit) => Some(exhibit.glance()),
            _ => None,
        })
    }

    fn transfer(&self, handover: &HandoverNo, case: &CaseNo) -> Option<cases::Transfer> {
        self.case_state(&["handover/", handover.as_str()], |state| match state {
            cases::State::Handover(handover) => handover.transfer(case),
            _ => None,
        })
    }

    fn person(&self, actor: &Actor) -> Option<String> {
        Ledger::person(self, actor.as_str()).map(String::from)
    }
}

impl draws::Around for Ledger {
    fn epoch(&self, number: u64) -> Option<draws::Epoch> {
        self.epochs.get(number).map(|epoch| draws::Epoch {
            root: epoch.root,
            closed_at: epoch.closed_at,
            cosigned_at: epoch.cosigned_at,
        })
    }
}

impl ethics::Around for Ledger {
    fn same_person(&self, left: &str, right: &str) -> bool {
        let person = || self.person(left).filter(|person| self.person(right).as_ref() == Some(person));
        left == right || person().is_some()
    }

    fn drawn(&self, draw: &str) -> Option<Vec<Box<str>>> {
        let drawn = |state: &draws::State| state.outcome.as_ref().map(|outcome| outcome.drawn.clone());
        self.look(&[draw], |state| state.family().and_then(families::State::draw).and_then(drawn))
    }

    fn reviewed(&self, no: &ethics::RegistrationNo) -> Option<ethics::Verdict> {
        let outcome = |state: &ethics::State| match state {
            ethics::State::Registration(found) => found.review.as_ref().map(|step| step.what.outcome),
            ethics::State::Run(_) => None,
        };
        self.look(&["ethics/", no.as_str()], |state| {
            state.family().and_then(families::State::ethics).and_then(outcome)
        })
    }
}
