//! Every rule of clearance. Invariant: reads, changes nothing; the guards of each event stand in the
//! order of the refusals' numbers, so the first that fails is the verdict, here and in any other
//! implementation. Facts are never refused but for a record that does not exist.

mod cargo;
mod registers;

use super::{
    around::{Around, Ask},
    event::{Event, Place},
    rules::Terms,
    state::State,
};
use crate::{context::Context, refusal::Refusal};

/// Judges one event on the state before it; `None` is a stream without any accepted event.
pub fn decide(
    state: Option<&State>,
    event: &Event,
    context: &Context<'_>,
    terms: &Terms,
    around: &dyn Around,
) -> Result<(), Refusal> {
    let ask = Ask { context, terms, around };
    match (&event.at, state) {
        (Place::Cargo(..), state) => cargo::decide(state.and_then(State::cargo), event, &ask),
        (_, state) => registers::decide(state, event, &ask),
    }
}
