//! Every rule of a guarantee. Invariant: reads, changes nothing; the guards of each event stand in
//! the order of the refusals' numbers, so the first that fails is the verdict, here and in any
//! other implementation. Facts are never refused but for sums that no state could hold.

use super::{
    event::{Amendment, Demand, Draw, DrawRef, Event, Purpose, Request},
    state::{Draw as OpenDraw, State, Status},
};
use crate::{context::Context, dates::Day, ids::Ubn, money::Twd, refusal::Refusal};

/// Judges one event on the state before it; `None` is a guarantee that was never requested.
pub fn decide(state: Option<&State>, event: &Event, context: &Context<'_>) -> Result<(), Refusal> {
    let Some(state) = state else {
        let Event::Requested(request) = event else { return Err(Refusal::UnknownGuarantee) };
        return guard(context.rules.has_bank(request.bank), Refusal::BankNotRegistered);
    };
    match event {
        Event::Requested(_) => Err(Refusal::NumberTaken),
        Event::Assessed(_, change) => fits(state, Twd::new(u64::try_from(*change).unwrap_or(0))),
        Event::TaxPaid(_, amount) | Event::SurchargeAccrued(_, amount, _) => fits(state, Some(*amount)),
        _ if state.status().has_ended() => Err(Refusal::Ended),
        Event::Accepted(terms) => accept(state, *terms == state.terms().terms, context),
        Event::Rejected(_) => guard(state.status() == Status::Requested, Refusal::AlreadyAccepted),
        Event::Suspended(_) => guard(state.status() != Status::Suspended, Refusal::Suspended),
        _ if state.status() == Status::Requested => Err(Refusal::NotActive),
        Event::Amended(amendment) => amend(state, amendment, context),
        Event::Drawn(event) => draw(state, event, context),
        Event::DrawCancelled(which, _) => cancel(state, which),
        Event::Claimed(demands, _) => claim(state, demands, context),
        Event::ClaimPaid(number, amount) => claim_paid(state, *number, *amount),
        Event::ClaimRefused(number, _) | Event::ClaimWithdrawn(number, _) => {
            guard(pending(state, *number).is_some(), Refusal::NoPendingClaim)
        }
        Event::Closed => close(state, context),
    }
}

fn guard(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

fn accept(state: &State, terms_agree: bool, context: &Context<'_>) -> Result<(), Refusal> {
    let Request { bank, debtor, limit, to, .. } = state.terms();
    guard(context.rules.has_bank(*bank), Refusal::BankNotRegistered)?;
    guard(today(context) <= *to, Refusal::Expired)?;
    guard(!is_suspended(*debtor, context), Refusal::SchemeSuspended)?;
    guard(terms_agree, Refusal::TermsMismatch)?;
    guard(state.status() == Status::Requested, Refusal::AlreadyAccepted)?;
    let small = *limit < context.rules.supervisor_from;
    guard(small || context.signed_as("supervisor"), Refusal::SupervisorNeeded)?;
    guard(!is_one_person(context), Refusal::SamePerson)
}

/// Active, and within its validity from this day on.
fn is_running(state: &State, context: &Context<'_>) -> Result<(), Refusal> {
    guard(state.status() != Status::Suspended, Refusal::Suspended)?;
    guard(today(context) <= state.terms().to, Refusal::Expired)
}

fn draw(state: &State, event: &Draw, context: &Context<'_>) -> Result<(), Refusal> {
    let terms = state.terms();
    is_running(state, context)?;
    guard(today(context) >= terms.from, Refusal::NotYetValid)?;
    guard(event.amount <= state.available(), Refusal::QuotaInsufficient)?;
    guard(terms.scope.covers(event.house), Refusal::OutOfScope)?;
    match terms.purpose {
        Purpose::Importer => guard(event.importer == terms.debtor, Refusal::WrongDebtor)?,
        Purpose::Broker => {
            let represents =
                event.broker == Some(terms.debtor) && context.world.delegated(&terms.debtor, &event.importer);
            guard(represents, Refusal::NotRepresented)?;
        }
    }
    let suspended = is_suspended(terms.debtor, context) || is_suspended(event.importer, context);
    guard(!suspended, Refusal::SchemeSuspended)?;
    let twice =
        state.open_draw(&event.declaration).is_some() || context.world.has_open_draw(&event.declaration);
    guard(!twice, Refusal::DuplicateDraw)?;
    guard(!context.world.declaration_blocked(&event.declaration), Refusal::NotReleasable)?;
    guard(event.types.within(terms.tax_types.and(context.rules.tax_types)), Refusal::TaxTypeNotCovered)?;
    fits(state, Some(event.amount))
}

fn amend(state: &State, amendment: &Amendment, context: &Context<'_>) -> Result<(), Refusal> {
    let terms = state.terms();
    is_running(state, context)?;
    let changes = amendment.limit != Some(terms.limit) && amendment.to != Some(terms.to);
    guard(changes, Refusal::NothingChanged)?;
    if let Some(limit) = amendment.limit.filter(|&limit| limit < terms.limit) {
        guard(limit >= state.outstanding().max(state.pending()), Refusal::BelowOutstanding)?;
    }
    if let Some(to) = amendment.to.filter(|&to| to < terms.to) {
        guard(to >= terms.from.max(today(context)), Refusal::PeriodPast)?;
        let due_after = |draw: &OpenDraw| !draw.due().is_zero() && draw.due_on > to;
        guard(!state.open_draws().any(|(_, draw)| due_after(draw)), Refusal::DrawDueAfter)?;
    }
    Ok(())
}

fn cancel(state: &State, which: &DrawRef) -> Result<(), Refusal> {
    let draw = open(state, which).ok_or(Refusal::NoOpenDraw)?;
    guard(draw.claimed.is_zero(), Refusal::ClaimPending)
}

fn claim(state: &State, demands: &[Demand], context: &Context<'_>) -> Result<(), Refusal> {
    let today = today(context);
    guard(!is_one_person(context), Refusal::SamePerson)?;
    let draws: Option<Vec<_>> = demands.iter().map(|demand| open(state, &demand.draw)).collect();
    let draws = draws.ok_or(Refusal::NoOpenDraw)?;
    guard(draws.iter().all(|draw| today > draw.due_on), Refusal::ClaimBeforeDue)?;
    let last = state.terms().to.plus_days(context.rules.claim_tail_days);
    guard(today <= last, Refusal::ClaimTooLate)?;
    let asked = demands.iter().try_fold(state.pending(), |sum, demand| sum.checked_add(demand.amount));
    guard(asked.is_some_and(|asked| asked <= state.limit()), Refusal::ClaimAboveLimit)?;
    let within =
        |(demand, draw): (&Demand, &&OpenDraw)| demand.amount <= draw.due().excess_over(draw.claimed);
    guard(demands.iter().zip(&draws).all(within), Refusal::ClaimAboveDue)
}

fn claim_paid(state: &State, number: u64, amount: Twd) -> Result<(), Refusal> {
    let claimed = pending(state, number).ok_or(Refusal::NoPendingClaim)?;
    guard(amount == claimed, Refusal::ClaimAmountDiffers)?;
    guard(state.called().checked_add(amount).is_some(), Refusal::SumTooLarge)?;
    fits(state, Some(amount))
}

fn close(state: &State, context: &Context<'_>) -> Result<(), Refusal> {
    guard(state.outstanding().is_zero(), Refusal::OutstandingDraws)?;
    guard(state.claims().is_empty(), Refusal::ClaimPending)?;
    let awaits = |draw: &OpenDraw| draw.settle_by.is_some_and(|last| today(context) <= last);
    guard(!state.open_draws().any(|(_, draw)| awaits(draw)), Refusal::ProcedureOpen)
}

/// The open draw that is meant; none if the number names another draw of the declaration.
pub(super) fn open<'s>(state: &'s State, which: &DrawRef) -> Option<&'s OpenDraw> {
    state.open_draw(&which.declaration).filter(|draw| which.number.is_none_or(|number| number == draw.number))
}

fn pending(state: &State, number: u64) -> Option<Twd> {
    state.claims().iter().find(|claim| claim.number == number).map(super::Claim::amount)
}

fn fits(state: &State, amount: Option<Twd>) -> Result<(), Refusal> {
    let sum = amount.map(|amount| state.booked() + u128::from(amount.get()));
    guard(sum.is_some_and(|sum| sum <= u128::from(Twd::MAX.get())), Refusal::SumTooLarge)
}

fn today(context: &Context<'_>) -> Day {
    Day::from_number(context.today())
}

fn is_suspended(company: Ubn, context: &Context<'_>) -> bool {
    context.world.scheme_suspended(&company, context.today())
}

/// Judged by the registry for every statement; here again because four eyes are the point of it.
fn is_one_person(context: &Context<'_>) -> bool {
    let person = |capacity: &str| {
        context.signers.iter().find(|signer| signer.capacity == capacity).and_then(|signer| signer.person)
    };
    matches!((person("officer"), person("supervisor")), (Some(left), Some(right)) if left == right)
}
