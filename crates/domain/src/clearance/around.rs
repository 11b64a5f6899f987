//! What the rules of cargo ask of other streams. Invariant: only streams whose id the event or the
//! state names are looked at, never all of a kind. The ledger gives three look-ups; the questions
//! are answered here, so that every ledger answers them alike.

use super::{
    event::{Basis, Place},
    ids::{Actor, Line, Mark, Warehouse},
    rules::Terms,
    state::{Cargo, State},
};
use crate::{
    context::Context,
    dates::Day,
    ids::{DeclarationNo, GuaranteeNo, Ubn},
    refusal::Refusal,
};

/// The look-ups that a ledger gives.
pub trait Around {
    /// Shows the state of a stream of this family, or that it has none.
    fn look(&self, stream: &str, ask: &mut dyn FnMut(Option<&State>));

    /// Has this guarantee an open draw for this declaration? (`guarantee/<no>`)
    fn open_draw(&self, guarantee: &GuaranteeNo, declaration: &DeclarationNo) -> bool;

    /// Is this declaration stopped by its own switch? (`declaration/<no>`, not by held cargo)
    fn stopped(&self, declaration: &DeclarationNo) -> bool;
}

/// Everything that a rule may look at besides its own state.
pub(super) struct Ask<'c> {
    pub context: &'c Context<'c>,
    pub terms: &'c Terms,
    pub around: &'c dyn Around,
}

/// Capacities of people of the house.
const HOUSE: [&str; 3] = ["integrity", "officer", "supervisor"];

impl Ask<'_> {
    pub fn today(&self) -> Day {
        Day::from_number(self.context.today())
    }

    fn find<T>(&self, stream: &str, read: impl Fn(&State) -> Option<T>) -> Option<T> {
        let mut answer = None;
        self.around.look(stream, &mut |state| answer = state.and_then(&read));
        answer
    }

    /// Licensed today, and not suspended?
    pub fn is_licensed(&self, broker: Ubn) -> bool {
        let today = self.today();
        self.find(&format!("broker/{broker}"), |state| match state {
            State::Broker(licence) => Some(licence.holds(today)),
            _ => None,
        }) == Some(true)
    }

    /// On that line today? With an adviser there?
    pub fn rostered(&self, line: &Line, officer: &Actor) -> Option<bool> {
        self.find(&format!("roster/{}/{line}", self.today()), |state| match state {
            State::Roster(roster) => Some(roster)
                .filter(|roster| roster.officers.has(officer))
                .map(|roster| !roster.advisers.is_empty()),
            _ => None,
        })
    }

    /// Certified today? And may the officer read alone?
    pub fn certified(&self, officer: &Actor) -> Option<bool> {
        let today = self.today();
        self.find(&format!("certificate/{officer}"), |state| match state {
            State::Certificate(certificate) => {
                let (solo_from, until) = (certificate.solo_from?, certificate.until?);
                (today <= until).then_some(today >= solo_from)
            }
            _ => None,
        })
    }

    fn is_recused(&self, officer: &str, cargo: &Cargo) -> bool {
        if cargo.recused.iter().any(|recused| recused.as_str() == officer) {
            return true;
        }
        let Some(declared) = &cargo.declared else { return false };
        let firms = [Some(declared.broker), declared.importer];
        self.find(&format!("certificate/{officer}"), |state| match state {
            State::Certificate(certificate) if certificate.recused.is_empty() => None,
            State::Certificate(certificate) => {
                Some(firms.iter().flatten().any(|firm| certificate.recused.has(firm)))
            }
            _ => None,
        }) == Some(true)
    }

    /// Refuses whoever of the house signs although recused.
    pub fn none_recused(&self, cargo: &Cargo) -> Result<(), Refusal> {
        let of_the_house = self.context.signers.iter().filter(|signer| HOUSE.contains(&signer.capacity));
        for signer in of_the_house {
            guard(!self.is_recused(signer.actor, cargo), Refusal::OfficerRecused)?;
        }
        Ok(())
    }

    /// Was this number of that queue called?
    pub fn was_called(&self, warehouse: &Warehouse, date: Day, number: u64) -> bool {
        self.find(&format!("queue/{warehouse}/{date}"), |state| match state {
            State::Queue(queue) => Some(queue.was_called(number)),
            _ => None,
        }) == Some(true)
    }

    /// What the mark rests on, while it is live and does not name other cargo.
    pub fn target(&self, target: &Mark, at: &Place, cargo: &Cargo) -> Option<Basis> {
        let today = self.today();
        self.find(&format!("target/{target}"), |state| match state {
            State::Target(mark) => {
                let Place::Cargo(mawb, _) = at else { return None };
                let declared = cargo.declared.as_ref();
                let is_firm = |firm: Ubn| {
                    declared
                        .is_some_and(|declared| declared.broker == firm || declared.importer == Some(firm))
                };
                let hits = mark.mawb.is_none_or(|marked| marked == *mawb) && mark.firm.is_none_or(is_firm);
                (!mark.lifted && today <= mark.until && hits).then_some(mark.basis)
            }
            _ => None,
        })
    }

    /// Did this transfer bring this cargo to that warehouse?
    pub fn brought(&self, transfer: &Mark, at: &Place, warehouse: Warehouse) -> bool {
        let Place::Cargo(mawb, hawb) = at else { return false };
        self.find(&format!("transfer/{transfer}"), |state| match state {
            State::Transfer(transfer) => Some(
                transfer.arrived.is_some()
                    && transfer.to == warehouse
                    && transfer.mawb == *mawb
                    && transfer.hawb.is_none_or(|only| only == *hawb),
            ),
            _ => None,
        }) == Some(true)
    }
}

pub(super) fn guard(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}
