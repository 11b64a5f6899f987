//! What an accepted event does to a case or a post. Invariant: total on what `decide` allowed;
//! anything else is a contradiction, which stops a server and is a finding of an audit.
//! A fact that does not fit the status changes what it can and is counted as a stray.

use thiserror::Error;

use super::{
    event::{CaseEvent, Event, PostEvent},
    exhibit, handover,
    state::{Case, FORMER_MAX, Holder, Post, State, Status, Stop},
};
use crate::{context::Context, dates::Day, money::Twd};

/// An event that no state of the family could have accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no {0}")]
pub struct Contradiction(pub &'static str);

/// The state after an accepted event; looks at nothing but the moment.
pub fn evolve(state: Option<State>, event: &Event, context: &Context<'_>) -> Result<State, Contradiction> {
    let today = Day::from_number(context.today());
    match (event, state) {
        (Event::Case(CaseEvent::Opened(opening)), None) => {
            Ok(State::Case(Box::new(Case::opened(opening, today))))
        }
        (Event::Case(event), Some(State::Case(mut case))) => {
            evolve_case(&mut case, event, today)?;
            Ok(State::Case(case))
        }
        (Event::Handover(event), None) => boxed(handover::evolve(None, event, today), State::Handover),
        (Event::Handover(event), Some(State::Handover(known))) => {
            boxed(handover::evolve(Some(*known), event, today), State::Handover)
        }
        (Event::Exhibit(event), None) => boxed(exhibit::evolve(None, event, today), State::Exhibit),
        (Event::Exhibit(event), Some(State::Exhibit(known))) => {
            boxed(exhibit::evolve(Some(*known), event, today), State::Exhibit)
        }
        (Event::Post(event), None) => boxed(evolve_post(Post::default(), event), State::Post),
        (Event::Post(event), Some(State::Post(known))) => boxed(evolve_post(*known, event), State::Post),
        _ => Err(Contradiction("stream of this family changed so")),
    }
}

fn boxed<T>(state: Result<T, Contradiction>, make: fn(Box<T>) -> State) -> Result<State, Contradiction> {
    state.map(|state| make(Box::new(state)))
}

fn evolve_post(mut post: Post, event: &PostEvent) -> Result<Post, Contradiction> {
    match event {
        PostEvent::Held(actor, unit, since) if post.holder.is_none() => {
            post.holder = Some(Holder { actor: actor.clone(), unit: unit.clone(), since: *since });
        }
        PostEvent::Left(on) => {
            let holder = post.holder.take().ok_or(Contradiction("post left by nobody"))?;
            if post.former.len() == FORMER_MAX {
                post.former.remove(0);
            }
            post.former.push((holder, *on));
        }
        PostEvent::Held(..) => return Err(Contradiction("post held by two")),
    }
    Ok(post)
}

fn evolve_case(case: &mut Case, event: &CaseEvent, today: Day) -> Result<(), Contradiction> {
    match event {
        CaseEvent::Opened(_) => return Err(Contradiction("case opened twice")),
        CaseEvent::InvestigationStarted(_) => step(case, &[Status::Opened], Status::Investigating)?,
        CaseEvent::Referred(_, on, _) => {
            step(case, &[Status::Opened, Status::Investigating, Status::Decidable], Status::Criminal)?;
            case.criminal = true;
            case.referred_on = Some(*on);
        }
        CaseEvent::ProsecutorAsked(on, _) => case.asked_on = Some(*on),
        CaseEvent::Prosecuted(verdict) => {
            case.verdicts.push(verdict.clone());
            let next = if case.investigated { Status::Decidable } else { Status::Investigating };
            fact(case, &[Status::Criminal], next);
        }
        CaseEvent::Investigated(_) => {
            step(case, &[Status::Investigating], Status::Decidable)?;
            case.investigated = true;
        }
        CaseEvent::ClockStopped(from, _) => case.stops.push(Stop { from: *from, until: None }),
        CaseEvent::ClockResumed(until) => {
            let stop = case.stops.last_mut().filter(|stop| stop.until.is_none());
            stop.ok_or(Contradiction("clock resumed that runs"))?.until = Some(*until);
        }
        CaseEvent::Decided(decision) => {
            step(case, &[Status::Decidable], Status::Decided)?;
            case.decision = Some(decision.clone());
            case.decided_on = Some(today);
        }
        CaseEvent::Served(on) => {
            if fact(case, &[Status::Decided], Status::Served) {
                case.served_on = Some(*on);
            }
        }
        CaseEvent::ReviewAsked(..) => {
            fact(case, &[Status::Served], Status::UnderReview);
        }
        CaseEvent::ReviewDismissed(_) => {
            fact(case, &[Status::UnderReview], Status::Served);
        }
        CaseEvent::Revoked(final_on) => revoked(case, *final_on),
        CaseEvent::BecameFinal(on) => became_final(case, *on),
        CaseEvent::Vacated => {
            case.vacated_on = Some(today);
            case.status = Status::Vacated;
            case.ended_on = None;
        }
        CaseEvent::Collected(amount, _) => collected(case, *amount)?,
        CaseEvent::Refunded(amount, _) => case.refunded = sum(case.refunded, *amount)?,
        CaseEvent::ExhibitAdded(exhibit) => match case.exhibits.binary_search(exhibit) {
            Ok(_) => return Err(Contradiction("exhibit belongs to a case twice")),
            Err(position) => case.exhibits.insert(position, exhibit.clone()),
        },
        CaseEvent::TimeBarred => end(case, Status::TimeBarred, today),
        CaseEvent::Closed(_) => end(case, Status::Closed, today),
        CaseEvent::Assigned(_, to) | CaseEvent::TakenOver(to, _) => {
            case.officer = to.clone();
            case.officer_since = today;
        }
    }
    Ok(())
}

fn step(case: &mut Case, from: &[Status], to: Status) -> Result<(), Contradiction> {
    if !from.contains(&case.status) {
        return Err(Contradiction("case takes this step from its status"));
    }
    case.status = to;
    Ok(())
}

/// Moves on if the fact fits the status, and counts it as a stray if not.
fn fact(case: &mut Case, from: &[Status], to: Status) -> bool {
    let fits = from.contains(&case.status);
    if fits {
        case.status = to;
    } else {
        case.strays += 1;
    }
    fits
}

fn end(case: &mut Case, status: Status, today: Day) {
    case.status = status;
    case.ended_on = Some(today);
}

/// A revoked decision is none; what was paid on it is owed back until there is another. A case
/// that was closed on it is open again.
fn revoked(case: &mut Case, final_on: Day) {
    case.revocations.push(final_on);
    if case.decision.take().is_none() {
        case.strays += 1;
        return;
    }
    case.status = Status::Decidable;
    (case.decided_on, case.served_on, case.final_on) = (None, None, None);
    (case.vacated_on, case.ended_on) = (None, None);
}

fn became_final(case: &mut Case, on: Day) {
    if fact(case, &[Status::Served, Status::UnderReview], Status::Final) {
        case.final_on = Some(on);
        settle(case);
    }
}

fn collected(case: &mut Case, amount: Twd) -> Result<(), Contradiction> {
    case.collected = sum(case.collected, amount)?;
    if case.decision.is_none() {
        case.strays += 1;
    }
    settle(case);
    Ok(())
}

fn settle(case: &mut Case) {
    if case.status == Status::Final && !case.net_fine().is_zero() && case.unpaid().is_zero() {
        case.status = Status::Collected;
    }
}

fn sum(left: Twd, right: Twd) -> Result<Twd, Contradiction> {
    left.checked_add(right).ok_or(Contradiction("case holds such sums"))
}
