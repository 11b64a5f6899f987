//! Draws again, from what the log says and what the states say (`lian draw --check`): same members,
//! same seed, same names, or every place where they differ.
//! Invariant: finds a population with one left out, one put in, a reveal that was not committed to,
//! a seed or a name that does not follow. The choice of epochs is judged by `decide` in every audit.

use lian_core::hash::Digest;
use thiserror::Error;

use super::{pick, state::State};

/// One thing that a draw says and the states do not.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Difference {
    /// The states give another number of members.
    #[error("the draw counts {said} members, the states of its epoch give {found}")]
    Members {
        /// By the draw.
        said: u64,
        /// By the states.
        found: u64,
    },
    /// The states give other members.
    #[error("the draw names the population {said}, the states of its epoch give {found}")]
    Population {
        /// By the draw.
        said: Digest,
        /// By the states.
        found: Digest,
    },
    /// The members given do not ascend: the caller's fault.
    #[error("member {0} given does not stand after the one before it")]
    Unordered(u64),
    /// A party revealed what it had not committed to.
    #[error("{0} revealed something else than it had committed to")]
    Reveal(Box<str>),
    /// Nothing was drawn yet.
    #[error("the draw is not closed")]
    NotClosed,
    /// The seed does not follow from the reveals and the root.
    #[error("the draw names the seed {said}, its reveals and that root give {found}")]
    Seed {
        /// By the draw.
        said: Digest,
        /// Computed.
        found: Digest,
    },
    /// Another member stands at a place.
    #[error("at place {place} the draw names {}, the seed draws {}", name(said.as_deref()), name(found.as_deref()))]
    Drawn {
        /// From 0.
        place: usize,
        /// By the draw.
        said: Option<Box<str>>,
        /// Computed.
        found: Option<Box<str>>,
    },
}

fn name(stream: Option<&str>) -> &str {
    stream.unwrap_or("nobody")
}

/// Recomputes a draw. `members` are the streams that the scheme selects from the states of the
/// draw's epoch, ascending; `root` is the root of the seal epoch that its closing names.
pub fn check(state: &State, members: &[&str], root: &Digest) -> Vec<Difference> {
    let mut found = Vec::new();
    match pick::population(members.iter().copied()) {
        Err(error) => return vec![Difference::Unordered(error.0)],
        Ok((population, count)) => {
            if count != state.members {
                found.push(Difference::Members { said: state.members, found: count });
            }
            if population != state.population {
                found.push(Difference::Population { said: state.population, found: population });
            }
        }
    }
    let draw = state.stream();
    for party in &state.committers {
        let revealed = party.random.map(|random| pick::commitment(&draw, &party.actor, &random));
        if revealed.is_some() && revealed != party.commitment {
            found.push(Difference::Reveal(party.actor.clone()));
        }
    }
    let Some(outcome) = &state.outcome else {
        found.push(Difference::NotClosed);
        return found;
    };
    let seed = state.seed(outcome.epoch, root);
    if seed != outcome.seed {
        found.push(Difference::Seed { said: outcome.seed, found: seed });
    }
    let drawn = pick::pick(&seed, members.iter().copied(), state.count_drawn());
    for place in 0..drawn.len().max(outcome.drawn.len()) {
        let (said, computed) = (outcome.drawn.get(place), drawn.get(place));
        if said.map(|said| &**said) != computed.copied() {
            let (said, found_there) = (said.cloned(), computed.map(|name| Box::from(*name)));
            found.push(Difference::Drawn { place, said, found: found_there });
        }
    }
    found
}
