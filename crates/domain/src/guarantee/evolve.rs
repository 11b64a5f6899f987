//! What an accepted event does to a guarantee. Invariant: total on what `decide` allowed; anything
//! else is a contradiction, which stops a server and is a finding of an audit. After one the state
//! must not be used.

use thiserror::Error;

use super::{
    decide::open,
    event::{Amendment, Demand, Draw, DrawRef, Event},
    state::{Claim, Draw as OpenDraw, State, Status},
};
use crate::{
    context::Context,
    dates::Day,
    ids::DeclarationNo,
    money::{TaxType, Twd},
    rules::{RestoreOrder, Rules},
};

/// An event that no guarantee in this state could have accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the guarantee cannot {0}")]
pub struct Contradiction(pub &'static str);

/// What an event changed for the index from declarations to open draws.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effects {
    /// A draw was opened for this declaration.
    pub opened: Option<DeclarationNo>,
    /// The draws for these declarations are open no more.
    pub closed: Vec<DeclarationNo>,
}

/// Moves the state past one accepted event; `None` is a guarantee that was never requested.
pub fn evolve(
    state: &mut Option<State>,
    event: &Event,
    context: &Context<'_>,
) -> Result<Effects, Contradiction> {
    let Some(state) = state else {
        let Event::Requested(request) = event else { return Err(Contradiction("change before its request")) };
        *state = Some(State::requested(*request));
        return Ok(Effects::default());
    };
    let mut closed = Vec::new();
    let mut opened = None;
    match event {
        Event::Requested(_) => return Err(Contradiction("be requested twice")),
        Event::Accepted(_) => step(state, Status::Requested, Status::Active)?,
        Event::Rejected(_) => step(state, Status::Requested, Status::Rejected)?,
        Event::Suspended(_) if state.status == Status::Requested => state.status = Status::Withdrawn,
        Event::Suspended(_) => step(state, Status::Active, Status::Suspended)?,
        Event::Amended(Amendment { limit, to }) => {
            state.terms.limit = limit.unwrap_or(state.terms.limit);
            state.terms.to = to.unwrap_or(state.terms.to);
        }
        Event::Drawn(draw) => {
            drawn(state, draw, context)?;
            opened = Some(draw.declaration);
        }
        Event::Assessed(which, change) => assessed(state, which, *change, &mut closed)?,
        Event::TaxPaid(which, amount) => tax_paid(state, which, *amount, context.rules, &mut closed)?,
        Event::SurchargeAccrued(which, amount, _) => surcharge_accrued(state, which, *amount)?,
        Event::DrawCancelled(which, _) => {
            let draw = state.remove(&which.declaration)?;
            state.refunds = sum(state.refunds, draw.paid())?;
            closed.push(which.declaration);
        }
        Event::Claimed(demands, _) => claimed(state, demands)?,
        Event::ClaimPaid(number, amount) => claim_paid(state, *number, *amount, context.rules, &mut closed)?,
        Event::ClaimRefused(number, _) | Event::ClaimWithdrawn(number, _) => {
            for (declaration, amount) in take_claim(state, *number)?.draws {
                release(state, &declaration, amount, Twd::ZERO, context.rules, &mut closed)?;
            }
        }
        Event::Closed => close(state, &mut closed)?,
    }
    Ok(Effects { opened, closed })
}

fn step(state: &mut State, from: Status, to: Status) -> Result<(), Contradiction> {
    if state.status != from {
        return Err(Contradiction("take this step from its status"));
    }
    state.status = to;
    Ok(())
}

pub(super) fn sum(left: Twd, right: Twd) -> Result<Twd, Contradiction> {
    left.checked_add(right).ok_or(Contradiction("hold such sums"))
}

pub(super) fn difference(left: Twd, right: Twd) -> Result<Twd, Contradiction> {
    left.checked_sub(right).ok_or(Contradiction("give more than it holds"))
}

fn drawn(state: &mut State, event: &Draw, context: &Context<'_>) -> Result<(), Contradiction> {
    let today = Day::from_number(context.today());
    let draw = OpenDraw {
        number: state.draws_made + 1,
        importer: event.importer,
        amount: event.amount,
        adjusted: 0,
        charges: Twd::ZERO,
        paid_tax: Twd::ZERO,
        paid_charges: Twd::ZERO,
        claimed: Twd::ZERO,
        due_on: event.served_on.plus_days(context.rules.due_days),
        settle_by: event.types.has(TaxType::Deposit).then(|| today.plus_months(context.rules.deposit_months)),
    };
    state.insert(event.declaration, draw)?;
    state.draws_made += 1;
    Ok(())
}

/// The new debt is what is owed; paid above it is a refund. Without an open draw nothing secures it.
fn assessed(
    state: &mut State,
    which: &DrawRef,
    change: i64,
    closed: &mut Vec<DeclarationNo>,
) -> Result<(), Contradiction> {
    let size = Twd::new(change.unsigned_abs()).ok_or(Contradiction("be assessed so"))?;
    let Some(draw) = open(state, which).copied() else {
        state.strays += 1;
        if change > 0 {
            return state.owe(which.declaration, size);
        }
        return state.meet(which.declaration, size).map(|_| ());
    };
    let tax = if change < 0 { draw.tax().excess_over(size) } else { sum(draw.tax(), size)? };
    if change < 0 && size > draw.tax() {
        state.strays += 1;
    }
    let paid = draw.paid();
    let kept = paid.min(sum(tax, draw.charges)?);
    let is_closed = state.update(&which.declaration, |draw| {
        draw.adjusted = difference_signed(tax, draw.amount)?;
        draw.paid_tax = draw.paid_tax.min(tax);
        draw.paid_charges = difference(kept, draw.paid_tax)?;
        draw.settle_by = None;
        Ok(())
    })?;
    state.refunds = sum(state.refunds, difference(paid, kept)?)?;
    if is_closed {
        closed.push(which.declaration);
    }
    Ok(())
}

fn difference_signed(left: Twd, right: Twd) -> Result<i64, Contradiction> {
    let signed = |sum: Twd| i64::try_from(sum.get()).map_err(|_| Contradiction("hold such sums"));
    Ok(signed(left)? - signed(right)?)
}

fn tax_paid(
    state: &mut State,
    which: &DrawRef,
    amount: Twd,
    rules: &Rules,
    closed: &mut Vec<DeclarationNo>,
) -> Result<(), Contradiction> {
    if open(state, which).is_some() {
        return release(state, &which.declaration, Twd::ZERO, amount, rules, closed);
    }
    state.strays += 1;
    let excess = state.meet(which.declaration, amount)?;
    state.refunds = sum(state.refunds, excess)?;
    Ok(())
}

fn surcharge_accrued(state: &mut State, which: &DrawRef, amount: Twd) -> Result<(), Contradiction> {
    if open(state, which).is_none() {
        state.strays += 1;
        return state.owe(which.declaration, amount);
    }
    let grow = |draw: &mut OpenDraw| {
        draw.charges = sum(draw.charges, amount)?;
        Ok(())
    };
    state.update(&which.declaration, grow).map(|_| ())
}

fn claimed(state: &mut State, demands: &[Demand]) -> Result<(), Contradiction> {
    let mut draws = Vec::with_capacity(demands.len());
    for demand in demands {
        let freeze = |draw: &mut OpenDraw| {
            draw.claimed = sum(draw.claimed, demand.amount)?;
            Ok(())
        };
        state.update(&demand.draw.declaration, freeze)?;
        draws.push((demand.draw.declaration, demand.amount));
    }
    state.claims_made += 1;
    state.claims.push(Claim { number: state.claims_made, draws });
    Ok(())
}

/// The limit falls by all that the bank paid, also by what turns out to be a refund.
fn claim_paid(
    state: &mut State,
    number: u64,
    amount: Twd,
    rules: &Rules,
    closed: &mut Vec<DeclarationNo>,
) -> Result<(), Contradiction> {
    let claim = take_claim(state, number)?;
    if claim.amount() != amount {
        return Err(Contradiction("be paid another sum than was claimed"));
    }
    state.terms.limit = difference(state.terms.limit, amount)?;
    state.called = sum(state.called, amount)?;
    for (declaration, amount) in claim.draws {
        release(state, &declaration, amount, amount, rules, closed)?;
    }
    Ok(())
}

fn take_claim(state: &mut State, number: u64) -> Result<Claim, Contradiction> {
    let position = state.claims.iter().position(|claim| claim.number == number);
    position.map(|position| state.claims.remove(position)).ok_or(Contradiction("answer a claim never made"))
}

/// Unfreezes `frozen` and books `paid` on an open draw, in the order of the rules; what is paid
/// above the debt is a refund.
fn release(
    state: &mut State,
    declaration: &DeclarationNo,
    frozen: Twd,
    paid: Twd,
    rules: &Rules,
    closed: &mut Vec<DeclarationNo>,
) -> Result<(), Contradiction> {
    let mut excess = Twd::ZERO;
    let is_closed = state.update(declaration, |draw| {
        draw.claimed = difference(draw.claimed, frozen)?;
        let (tax_due, charges_due) = (draw.unpaid_tax(), draw.charges.excess_over(draw.paid_charges));
        let (tax, charges) = match rules.restore_order {
            RestoreOrder::TaxFirst => (paid.min(tax_due), paid.excess_over(tax_due).min(charges_due)),
            RestoreOrder::ChargesFirst => (paid.excess_over(charges_due).min(tax_due), paid.min(charges_due)),
        };
        draw.paid_tax = sum(draw.paid_tax, tax)?;
        draw.paid_charges = sum(draw.paid_charges, charges)?;
        excess = difference(paid, sum(tax, charges)?)?;
        Ok(())
    })?;
    state.refunds = sum(state.refunds, excess)?;
    if is_closed {
        closed.push(*declaration);
    }
    Ok(())
}

/// Ends what is left: deposits whose declared value stands.
fn close(state: &mut State, closed: &mut Vec<DeclarationNo>) -> Result<(), Contradiction> {
    if !matches!(state.status, Status::Active | Status::Suspended) || !state.outstanding().is_zero() {
        return Err(Contradiction("be closed from there"));
    }
    closed.extend(state.open_draws().map(|(declaration, _)| declaration));
    for declaration in closed.iter() {
        state.remove(declaration)?;
    }
    state.status = Status::Closed;
    Ok(())
}
