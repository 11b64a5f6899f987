//! What an accepted event does to a draw. Invariant: total on what `decide` allowed; looks at no
//! other stream and at no signer, so a replay needs nothing but the log and the rules.

use lian_core::hash::Digest;
use thiserror::Error;

use super::{
    decide::is_enough,
    event::{Event, Opening},
    rules::Terms,
    state::{Committer, State},
};
use crate::{context::Context, dates::Day};

/// An event that no draw in this state could have accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the draw cannot {0}")]
pub struct Contradiction(pub &'static str);

/// The state after one accepted event; `None` is a draw that was never opened.
pub fn evolve(
    state: Option<State>,
    event: &Event,
    context: &Context<'_>,
    terms: &Terms,
) -> Result<State, Contradiction> {
    let Some(mut state) = state else {
        let Event::Opened(opening) = event else { return Err(Contradiction("change before it is opened")) };
        return opened(opening, context, terms);
    };
    if state.outcome.is_some() {
        return Err(Contradiction("change after it is closed"));
    }
    match event {
        Event::Opened(_) => return Err(Contradiction("be opened twice")),
        Event::Committed { party, commitment } => committed(&mut state, party, *commitment, context)?,
        Event::Revealed { party, random, .. } => {
            let committer = committer(&mut state, party)?;
            if committer.commitment.is_none() || committer.random.replace(*random).is_some() {
                return Err(Contradiction("take this reveal"));
            }
        }
        Event::Closed(closing) => state.outcome = Some((**closing).clone()),
    }
    Ok(state)
}

fn opened(opening: &Opening, context: &Context<'_>, terms: &Terms) -> Result<State, Contradiction> {
    let scheme = terms.scheme(&opening.scheme).ok_or(Contradiction("be of a scheme that is not there"))?;
    let absent = |actor: Box<str>| Committer { actor, commitment: None, random: None };
    let commit_ms = u64::from(scheme.commit_seconds) * 1_000;
    Ok(State {
        scheme: opening.scheme.clone(),
        period: opening.period,
        epoch: opening.epoch,
        population: opening.population,
        members: opening.members,
        count: opening.count,
        prefix: scheme.members_prefix().into(),
        opener: scheme.opener,
        organisations: scheme.organisations,
        committers: opening.committers.iter().cloned().map(absent).collect(),
        opened_at: context.recorded_at,
        late: Day::from_number(context.today()) > scheme.open_by(opening.period),
        commit_until: context.recorded_at.saturating_add(commit_ms),
        reveal_seconds: scheme.reveal_seconds,
        sealed_at: None,
        outcome: None,
    })
}

fn committed(
    state: &mut State,
    party: &str,
    commitment: Digest,
    context: &Context<'_>,
) -> Result<(), Contradiction> {
    if state.sealed_at.is_none() && is_enough(state, party) {
        state.sealed_at = Some(state.commit_until.max(context.recorded_at));
    }
    if committer(state, party)?.commitment.replace(commitment).is_some() {
        return Err(Contradiction("take two commitments of one party"));
    }
    Ok(())
}

fn committer<'s>(state: &'s mut State, party: &str) -> Result<&'s mut Committer, Contradiction> {
    let found = state.committers.iter_mut().find(|committer| *committer.actor == *party);
    found.ok_or(Contradiction("hear a party that it does not know"))
}
