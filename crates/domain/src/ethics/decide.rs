//! Every rule of registrations and runs. Invariant: the guards of each event stand in the order of
//! the refusals' numbers; lateness is no guard; no guard looks at what is sealed.

use super::{
    Around,
    event::{
        Amended, Attested, Band, Basis, Disposition, Event, Logged, Reported, Reviewed, RunEvent, Type,
        Verdict,
    },
    ids::RegistrationNo,
    state::{AMENDMENTS_MAX, Registration, Run, State, Status},
};
use crate::{context::Context, dates::Day, draws::Period, refusal::Refusal};

/// Judges one event on the state before it; `None` is a stream without any.
pub fn decide(
    state: Option<&State>,
    event: &Event,
    context: &Context<'_>,
    around: &dyn Around,
) -> Result<(), Refusal> {
    match (state, event) {
        (_, Event::Run(quarter, event)) => {
            let run = match state {
                Some(State::Run(run)) => Some(run),
                _ => None,
            };
            decide_run(run, *quarter, event, around)
        }
        (None, Event::Reported(report)) => not_ahead(report.kind, report.on, context),
        (Some(_), Event::Reported(_)) => Err(Refusal::RegistrationTaken),
        (Some(State::Registration(registration)), event) => step(registration, event, context, around),
        _ => Err(Refusal::UnknownRegistration),
    }
}

fn guard(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

/// A gift was received and lobbying was done before they are registered; the rest may lie ahead.
fn not_ahead(kind: Type, on: Day, context: &Context<'_>) -> Result<(), Refusal> {
    let past = matches!(kind, Type::Gift | Type::Lobbying);
    guard(!past || on <= today(context), Refusal::DayAhead)
}

fn step(
    registration: &Registration,
    event: &Event,
    context: &Context<'_>,
    around: &dyn Around,
) -> Result<(), Refusal> {
    let by_another =
        |actor: &str| guard(!around.same_person(actor, &registration.report.by), Refusal::SelfHandled);
    match event {
        Event::Amended(amended) => {
            let report = &registration.report;
            amended.on.map_or(Ok(()), |on| not_ahead(report.kind, on, context))?;
            amend(registration, amended)?;
            guard(around.same_person(&amended.by, &report.by), Refusal::NotRegistrant)?;
            guard(registration.amended.len() < AMENDMENTS_MAX, Refusal::AmendedOften)
        }
        Event::Seen(seen) => {
            by_another(&seen.by)?;
            guard(registration.status() == Status::Reported, Refusal::SeenBefore)
        }
        Event::Logged(logged) => {
            guard(logged.received_on <= today(context), Refusal::DayAhead)?;
            by_another(&logged.by)?;
            log(registration, logged)
        }
        Event::Disposed(disposition) => {
            by_another(&disposition.by)?;
            disposition.head.as_deref().map_or(Ok(()), by_another)?;
            dispose(registration, disposition)
        }
        Event::Acknowledged { on, .. } => {
            guard(*on <= today(context), Refusal::DayAhead)?;
            guard(registration.is_referred(), Refusal::NotReferred)?;
            guard(registration.acknowledged.is_none(), Refusal::AcknowledgedBefore)
        }
        Event::Closed { by } => {
            by_another(by)?;
            close(registration)
        }
        Event::Sampled { no, by, quarter } => {
            by_another(by)?;
            sample(registration, *no, *quarter, around)
        }
        Event::Reviewed(review) => {
            by_another(&review.by)?;
            self::review(registration, review)
        }
        Event::Reported(_) | Event::Run(..) => Err(Refusal::RegistrationTaken),
    }
}

/// What the ethics office attested rests on the plain members, so they stand from then on.
fn amend(registration: &Registration, amended: &Amended) -> Result<(), Refusal> {
    let kind = registration.report.kind;
    let has_basis = match amended.basis {
        None => true,
        Some(Basis::Festival) => kind == Type::Entertainment,
        Some(_) => matches!(kind, Type::Gift | Type::Entertainment),
    };
    let has_activity = amended.activity.is_none() || kind == Type::Other;
    guard(has_basis && has_activity, Refusal::TypeDiffers)?;
    guard(registration.logged.is_none() || !amended.is_plain(), Refusal::LoggedBefore)?;
    guard(registration.closed_on.is_none(), Refusal::RegistrationClosed)
}

fn log(registration: &Registration, logged: &Logged) -> Result<(), Refusal> {
    let seen = registration.seen.is_some() || !registration.needs_superior();
    guard(seen, Refusal::NotSeen)?;
    guard(logged.attested.of() == registration.report.kind, Refusal::TypeDiffers)?;
    guard(registration.logged.is_none(), Refusal::LoggedBefore)
}

fn dispose(registration: &Registration, disposition: &Disposition) -> Result<(), Refusal> {
    let disposal = disposition.disposal;
    guard(disposal.of() == registration.report.kind, Refusal::TypeDiffers)?;
    let logged = registration.logged.as_ref().ok_or(Refusal::NotLogged)?;
    guard(registration.disposed.is_none(), Refusal::DisposedBefore)?;
    let keeps = disposal == super::Disposal::Kept;
    guard(!keeps || may_keep(&registration.report, logged.what.attested), Refusal::MayNotKeep)?;
    guard(!disposal.needs_head() || disposition.head.is_some(), Refusal::HeadNeeded)
}

/// 規範 §4: small, to many of the office, official courtesy, a superior's award; a life event within
/// the standard; §5: from somebody without interest, within the standard.
fn may_keep(report: &Reported, attested: Attested) -> bool {
    let Attested::Gift { band, .. } = attested else { return false };
    match (band, report.basis) {
        (Band::Small | Band::Many, _)
        | (_, Some(Basis::Courtesy | Basis::SuperiorAward))
        | (Band::Standard, Some(Basis::LifeEvent)) => true,
        (Band::Standard, _) => !report.interested,
        (Band::AboveStandard, _) => false,
    }
}

fn close(registration: &Registration) -> Result<(), Refusal> {
    guard(registration.disposed.is_some(), Refusal::NotDisposed)?;
    let open = registration.is_referred() && registration.acknowledged.is_none();
    guard(!open, Refusal::NotAcknowledged)?;
    guard(registration.closed_on.is_none(), Refusal::RegistrationClosed)
}

fn sample(
    registration: &Registration,
    no: RegistrationNo,
    quarter: Period,
    around: &dyn Around,
) -> Result<(), Refusal> {
    guard(registration.closed_on.is_some(), Refusal::NotClosed)?;
    guard(registration.sampled.is_none(), Refusal::SampledBefore)?;
    let drawn = around.drawn(&Run::draw(quarter)).unwrap_or_default();
    guard(drawn.iter().any(|stream| **stream == *no.stream()), Refusal::NotDrawn)
}

fn review(registration: &Registration, review: &Reviewed) -> Result<(), Refusal> {
    guard(registration.sampled.is_some(), Refusal::NotSampled)?;
    guard(review.unit != registration.report.unit, Refusal::SameUnit)?;
    guard(registration.review.is_none(), Refusal::ReviewedBefore)
}

fn decide_run(
    run: Option<&Run>,
    quarter: Period,
    event: &RunEvent,
    around: &dyn Around,
) -> Result<(), Refusal> {
    if *event == RunEvent::Opened {
        return guard(run.is_none(), Refusal::RunOpened);
    }
    let run = run.ok_or(Refusal::UnknownRun)?;
    guard(run.closed_on.is_none(), Refusal::RunClosed)?;
    match event {
        RunEvent::Opened => Ok(()),
        RunEvent::Drawn(said) => {
            guard(run.drawn.is_none(), Refusal::RunDrawn)?;
            let drawn = around.drawn(&Run::draw(quarter)).ok_or(Refusal::DrawNotClosed)?;
            let said = said.iter().map(RegistrationNo::stream);
            guard(said.eq(drawn.iter().map(|stream| String::from(&**stream))), Refusal::DrawnDiffers)
        }
        RunEvent::Reviewed(no, outcome) => review_of_run(run, *no, *outcome, around),
        RunEvent::Closed => {
            let items = run.drawn.as_ref().ok_or(Refusal::RunNotDrawn)?;
            guard(items.iter().all(|item| item.outcome.is_some()), Refusal::ReviewsMissing)
        }
    }
}

fn review_of_run(
    run: &Run,
    no: RegistrationNo,
    outcome: Verdict,
    around: &dyn Around,
) -> Result<(), Refusal> {
    let items = run.drawn.as_ref().ok_or(Refusal::RunNotDrawn)?;
    let item = items.iter().find(|item| item.no == no).ok_or(Refusal::NotOfRun)?;
    guard(item.outcome.is_none(), Refusal::RunReviewed)?;
    guard(around.reviewed(&no) == Some(outcome), Refusal::OutcomeDiffers)
}

fn today(context: &Context<'_>) -> Day {
    Day::from_number(context.today())
}
