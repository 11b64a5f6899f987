//! What an accepted event does. Invariant: total on what `decide` allowed; looks at no other stream
//! and at no signer: whoever signs is named in the data.

use thiserror::Error;

use super::{
    event::{Amended, Event, RunEvent, Type},
    rules::Terms,
    state::{AMENDMENTS_MAX, Amendment, Item, Registration, Run, State, Step},
};
use crate::{context::Context, dates::Day, draws::Period};

/// An event that no registration or run in this state could have accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the registration cannot {0}")]
pub struct Contradiction(pub &'static str);

/// The state after one accepted event; `None` is a stream without any.
pub fn evolve(
    state: Option<State>,
    event: &Event,
    context: &Context<'_>,
    terms: &Terms,
) -> Result<State, Contradiction> {
    let today = Day::from_number(context.today());
    match (state, event) {
        (None, Event::Reported(report)) => {
            let registration =
                Registration::new((**report).clone(), today, due_on(report.kind, report.on, terms));
            Ok(State::Registration(Box::new(registration)))
        }
        (Some(State::Registration(mut registration)), event) => {
            step(&mut registration, event, today, terms)?;
            Ok(State::Registration(registration))
        }
        (None, Event::Run(quarter, RunEvent::Opened)) => {
            let late = today > terms.run_by(*quarter);
            Ok(State::Run(Run { quarter: *quarter, opened_on: today, late, drawn: None, closed_on: None }))
        }
        (Some(State::Run(run)), Event::Run(quarter, event)) => {
            run_step(run, *quarter, event, today).map(State::Run)
        }
        _ => Err(Contradiction("change before it is there")),
    }
}

/// The last day on which it is registered in time: so many days after receipt or lobbying, and for
/// what needs leave beforehand the day itself.
fn due_on(kind: Type, on: Day, terms: &Terms) -> Day {
    match kind {
        Type::Gift => on.plus_days(terms.gift_days),
        Type::Lobbying => on.plus_days(terms.lobbying_days),
        Type::Entertainment | Type::Other => on,
    }
}

fn step(
    registration: &mut Registration,
    event: &Event,
    today: Day,
    terms: &Terms,
) -> Result<(), Contradiction> {
    match event {
        Event::Amended(amended) => amend(registration, amended, today, terms),
        Event::Seen(seen) => once(&mut registration.seen, seen.clone(), today),
        Event::Logged(logged) => once(&mut registration.logged, (**logged).clone(), today),
        Event::Disposed(disposition) => once(&mut registration.disposed, (**disposition).clone(), today),
        Event::Acknowledged { by, on } => once(&mut registration.acknowledged, by.clone(), *on),
        Event::Closed { .. } => match registration.closed_on.replace(today) {
            None => Ok(()),
            Some(_) => Err(Contradiction("be closed twice")),
        },
        Event::Sampled { quarter, .. } => once(&mut registration.sampled, *quarter, today),
        Event::Reviewed(review) => once(&mut registration.review, (**review).clone(), today),
        Event::Reported(_) | Event::Run(..) => Err(Contradiction("be registered twice")),
    }
}

/// Adds a word; the one before stays beside it.
fn amend(
    registration: &mut Registration,
    amended: &Amended,
    today: Day,
    terms: &Terms,
) -> Result<(), Contradiction> {
    if registration.amended.len() >= AMENDMENTS_MAX {
        return Err(Contradiction("be amended so often"));
    }
    let was = amended.is_plain().then(|| registration.word());
    registration.amended.push(Amendment { on: today, was });
    if was.is_some() {
        let report = &mut registration.report;
        report.on = amended.on.unwrap_or(report.on);
        report.interested = amended.interested.unwrap_or(report.interested);
        report.basis = amended.basis.or(report.basis);
        report.activity = amended.activity.or(report.activity);
        registration.due_on = due_on(report.kind, report.on, terms);
    }
    Ok(())
}

fn once<T>(place: &mut Option<Step<T>>, what: T, on: Day) -> Result<(), Contradiction> {
    match place.replace(Step { what, on }) {
        None => Ok(()),
        Some(_) => Err(Contradiction("take a step twice")),
    }
}

fn run_step(mut run: Run, quarter: Period, event: &RunEvent, today: Day) -> Result<Run, Contradiction> {
    if run.closed_on.is_some() || run.quarter != quarter {
        return Err(Contradiction("go on after its run is closed"));
    }
    match event {
        RunEvent::Opened => return Err(Contradiction("have its run opened twice")),
        RunEvent::Drawn(numbers) => {
            let items = numbers.iter().map(|no| Item { no: *no, outcome: None }).collect();
            if run.drawn.replace(items).is_some() {
                return Err(Contradiction("be drawn twice in one run"));
            }
        }
        RunEvent::Reviewed(no, outcome) => {
            let mut items = run.drawn.iter_mut().flatten();
            let item =
                items.find(|item| item.no == *no).ok_or(Contradiction("be reviewed without a draw"))?;
            item.outcome = Some(*outcome);
        }
        RunEvent::Closed => run.closed_on = Some(today),
    }
    Ok(run)
}
