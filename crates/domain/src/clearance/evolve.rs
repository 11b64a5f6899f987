//! What an accepted event does to cargo and to what stands around it. Invariant: total on what
//! `decide` allowed; anything else is a contradiction, which stops a server and is a finding of an
//! audit. Looks at no other stream and at no signer: what it needs is in the event.

mod cargo;
mod registers;

use thiserror::Error;

use super::{
    event::{Event, Place},
    rules::Terms,
    state::State,
};
use crate::{context::Context, dates::Day, ids::DeclarationNo};

/// An event that nothing in this state could have accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("cargo and its registers cannot {0}")]
pub struct Contradiction(pub &'static str);

/// What an event changed for the index from declarations to cargo that blocks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effects {
    /// One cargo more blocks this declaration.
    pub blocked: Option<DeclarationNo>,
    /// One cargo fewer blocks this declaration.
    pub unblocked: Option<DeclarationNo>,
}

/// The moment and the numbers that an event is recorded under.
pub(super) struct Record<'c> {
    pub at: u64,
    pub today: Day,
    pub terms: &'c Terms,
}

/// Moves the state past one accepted event; `None` is a stream without any.
pub fn evolve(
    state: Option<State>,
    event: &Event,
    context: &Context<'_>,
    terms: &Terms,
) -> Result<(State, Effects), Contradiction> {
    let record = Record { at: context.recorded_at, today: Day::from_number(context.today()), terms };
    match (&event.at, state) {
        (Place::Cargo(..), None) => cargo::opened(&event.act, &record),
        (Place::Cargo(..), Some(State::Cargo(mut cargo))) => {
            let before = cargo.blocked();
            cargo::moved(&mut cargo, &event.act, &record)?;
            let after = cargo.blocked();
            let effects = if before == after {
                Effects::default()
            } else {
                Effects { blocked: after, unblocked: before }
            };
            Ok((State::Cargo(cargo), effects))
        }
        (_, state) => registers::moved(state, event, &record).map(|state| (state, Effects::default())),
    }
}

fn impossible<T>(what: &'static str) -> Result<T, Contradiction> {
    Err(Contradiction(what))
}
