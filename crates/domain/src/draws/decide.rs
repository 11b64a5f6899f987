//! Every rule of a draw. Invariant: the guards of each event stand in the order of the refusals'
//! numbers. What nobody can judge without reading every state (is the population whole, are these
//! the nearest) is left to `check`; all the rest is decided here.

use lian_core::hash::Digest;

use super::{
    Around, Epoch, HOUSE,
    event::{Closing, Event, Opening},
    organisation, pick,
    rules::{Terms, organisations_of},
    state::State,
};
use crate::{context::Context, refusal::Refusal};

/// Judges one event on the state before it; `None` is a draw that was never opened.
pub fn decide(
    state: Option<&State>,
    event: &Event,
    context: &Context<'_>,
    terms: &Terms,
    around: &dyn Around,
) -> Result<(), Refusal> {
    match (state, event) {
        (None, Event::Opened(opening)) => open(opening, context, terms, around),
        (None, _) => Err(Refusal::UnknownDraw),
        (Some(_), Event::Opened(_)) => Err(Refusal::DrawOpened),
        (Some(state), Event::Committed { party, .. }) => commit(state, party, context),
        (Some(state), Event::Revealed { party, random, epoch }) => {
            reveal(state, party, random, seal(state, *epoch, around), context)
        }
        (Some(state), Event::Closed(closing)) => close(state, closing, context, around),
    }
}

fn guard(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

fn open(opening: &Opening, context: &Context<'_>, terms: &Terms, around: &dyn Around) -> Result<(), Refusal> {
    let scheme = terms.scheme(&opening.scheme).ok_or(Refusal::SchemeUnknown)?;
    guard(opening.period.calendar() == scheme.calendar, Refusal::PeriodOffCalendar)?;
    guard(context.signed_as(scheme.opener), Refusal::OpenerNotNamed)?;
    let fits = opening.committers == scheme.committers && opening.count == scheme.count_of(opening.members);
    guard(fits, Refusal::SchemeDiffers)?;
    // Epoch 0 is the opening of the ledger: no period was over before there was one.
    let epoch = first_closed_from(opening.epoch, scheme.taken_at(opening.period), around);
    let epoch = epoch.filter(|_| opening.epoch > 0).ok_or(Refusal::WrongEpoch)?;
    guard(epoch.cosigned_at.is_some(), Refusal::DrawEpochNotCosigned)
}

fn commit(state: &State, party: &str, context: &Context<'_>) -> Result<(), Refusal> {
    guard(state.outcome.is_none(), Refusal::DrawClosed)?;
    let committer = state.committer(party).ok_or(Refusal::NotACommitter)?;
    guard(committer.commitment.is_none(), Refusal::CommittedBefore)?;
    guard(state.may_commit(context.recorded_at), Refusal::CommitTooLate)
}

fn reveal(
    state: &State,
    party: &str,
    random: &Digest,
    seal: Option<Epoch>,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    guard(state.outcome.is_none(), Refusal::DrawClosed)?;
    guard(state.sealed_at.is_some(), Refusal::CommitmentsMissing)?;
    let committer = state.committer(party).filter(|committer| committer.commitment.is_some());
    let committer = committer.ok_or(Refusal::NotCommitted)?;
    guard(committer.random.is_none(), Refusal::RevealedBefore)?;
    let seal = seal.ok_or(Refusal::WrongEpoch)?;
    let until = state.reveal_until(&seal).ok_or(Refusal::DrawEpochNotCosigned)?;
    let saves = !state.has_outside_reveal() && organisation(party) != HOUSE;
    guard(context.recorded_at <= until || saves, Refusal::RevealTooLate)?;
    let commitment = pick::commitment(&state.stream(), party, random);
    guard(committer.commitment == Some(commitment), Refusal::RevealDiffers)
}

fn close(
    state: &State,
    closing: &Closing,
    context: &Context<'_>,
    around: &dyn Around,
) -> Result<(), Refusal> {
    guard(context.signed_as(state.opener), Refusal::OpenerNotNamed)?;
    guard(state.outcome.is_none(), Refusal::DrawClosed)?;
    guard(state.sealed_at.is_some(), Refusal::CommitmentsMissing)?;
    let seal = seal(state, closing.epoch, around).ok_or(Refusal::WrongEpoch)?;
    let until = state.reveal_until(&seal).ok_or(Refusal::DrawEpochNotCosigned)?;
    let all_in = state.withheld().next().is_none() || context.recorded_at > until;
    guard(all_in && state.has_outside_reveal(), Refusal::RevealsAwaited)?;
    guard(is_result(state, closing, &seal.root), Refusal::ResultDiffers)
}

/// The seed is the one that the reveals give, and the names could be those that it draws: so many,
/// of the right family, each farther than the one before, so none twice.
fn is_result(state: &State, closing: &Closing, root: &Digest) -> bool {
    let ranks: Vec<Digest> = closing.drawn.iter().map(|stream| pick::rank(&closing.seed, stream)).collect();
    closing.seed == state.seed(closing.epoch, root)
        && closing.drawn.len() == state.count_drawn()
        && closing.drawn.iter().all(|stream| stream.starts_with(&*state.prefix))
        && ranks.is_sorted_by(|left, right| left < right)
}

/// The seal epoch, if that is what `number` names: the first closed after the last commitment counted.
fn seal(state: &State, number: u64, around: &dyn Around) -> Option<Epoch> {
    first_closed_from(number, state.sealed_at?.saturating_add(1), around)
}

/// Epoch `number`, if it is the first that was closed at or after `moment`: there is no choice.
fn first_closed_from(number: u64, moment: u64, around: &dyn Around) -> Option<Epoch> {
    let epoch = around.epoch(number).filter(|epoch| epoch.closed_at >= moment)?;
    match number.checked_sub(1) {
        None => Some(epoch),
        Some(before) => around.epoch(before).is_some_and(|before| before.closed_at < moment).then_some(epoch),
    }
}

/// Enough organisations have committed, with this party too?
pub(super) fn is_enough(state: &State, party: &str) -> bool {
    let committed =
        state.committers.iter().filter(|other| other.commitment.is_some() || *other.actor == *party);
    organisations_of(committed.map(|other| organisation(&other.actor))) >= state.organisations
}
