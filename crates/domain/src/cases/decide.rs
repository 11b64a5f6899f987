//! Every rule of a case and of a post. Invariant: reads, changes nothing; the guards of each event
//! stand in the order of the refusals' numbers. Facts are never refused on a known case, but for a
//! day that has not come and for more of them than a state can hold.

use super::{
    Around,
    clocks::{clocks, is_barred},
    event::{CaseEvent, Decision, Ending, Event, Offence, Outcome, PostEvent},
    exhibit, handover,
    ids::{Article, ExhibitNo},
    rules::Terms,
    state::{Case, EXHIBITS_MAX, Post, State, Status, TURNS_MAX},
};
use crate::{context::Context, dates::Day, money::Twd, refusal::Refusal};

/// Judges one event on the state before it. A state of another stream's kind is a stream that
/// nothing happened to: the kinds of a family name their stream, so it cannot come to that.
pub fn decide(
    state: Option<&State>,
    event: &Event,
    context: &Context<'_>,
    terms: &Terms,
    around: &dyn Around,
) -> Result<(), Refusal> {
    match (event, state) {
        (Event::Case(event), Some(State::Case(case))) => {
            Judge { case, terms, context, around, today: Day::from_number(context.today()) }.event(event)
        }
        (Event::Case(CaseEvent::Opened(opening)), _) => {
            let last = |offence: &Offence| offence.result_on.unwrap_or(offence.ended_on);
            let latest = opening.offences.iter().map(last).max();
            let days = [Some(opening.detected_on), latest, opening.declared_on];
            guard(days.iter().flatten().all(|day| day.number() <= context.today()), Refusal::DateAhead)
        }
        (Event::Case(_), _) => Err(Refusal::UnknownCase),
        (Event::Handover(event), state) => {
            let known = match state {
                Some(State::Handover(handover)) => Some(&**handover),
                _ => None,
            };
            handover::decide(known, event, context, around)
        }
        (Event::Exhibit(event), state) => {
            let known = match state {
                Some(State::Exhibit(exhibit)) => Some(&**exhibit),
                _ => None,
            };
            exhibit::decide(known, event, context, around)
        }
        (Event::Post(event), Some(State::Post(post))) => decide_post(post, event),
        (Event::Post(event), _) => decide_post(&Post::default(), event),
    }
}

fn guard(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

fn decide_post(post: &Post, event: &PostEvent) -> Result<(), Refusal> {
    match event {
        PostEvent::Held(..) => guard(post.holder.is_none(), Refusal::PostTaken),
        PostEvent::Left(on) => {
            let held = post.holder.as_ref().is_some_and(|holder| holder.since <= *on);
            guard(held, Refusal::PostVacant)
        }
    }
}

/// A known case and what its rules look at.
struct Judge<'j> {
    case: &'j Case,
    terms: &'j Terms,
    context: &'j Context<'j>,
    around: &'j dyn Around,
    today: Day,
}

impl Judge<'_> {
    fn event(&self, event: &CaseEvent) -> Result<(), Refusal> {
        let status = self.case.status;
        guard(!matches!(event, CaseEvent::Opened(_)), Refusal::CaseNumberTaken)?;
        let may_follow = event.is_fact() || (*event == CaseEvent::Vacated && status == Status::Closed);
        guard(may_follow || !status.has_ended(), Refusal::CaseEnded)?;
        guard(day_of(event).is_none_or(|day| day <= self.today), Refusal::DateAhead)?;
        match event {
            CaseEvent::Opened(_)
            | CaseEvent::Served(_)
            | CaseEvent::ReviewAsked(..)
            | CaseEvent::ReviewDismissed(_)
            | CaseEvent::BecameFinal(_) => Ok(()),
            CaseEvent::Prosecuted(_) => guard(self.case.verdicts.len() < TURNS_MAX, Refusal::CaseFull),
            CaseEvent::Revoked(_) => guard(self.case.revocations.len() < TURNS_MAX, Refusal::CaseFull),
            CaseEvent::Collected(amount, _) => fits(self.case.collected, *amount),
            CaseEvent::Refunded(amount, _) => fits(self.case.refunded, *amount),
            CaseEvent::InvestigationStarted(_) => self.at(&[Status::Opened]),
            CaseEvent::Referred(..) => {
                self.at(&[Status::Opened, Status::Investigating, Status::Decidable])?;
                guard(!self.is_one_person(), Refusal::OnePerson)
            }
            CaseEvent::ProsecutorAsked(..) => self.at(&[Status::Criminal]),
            CaseEvent::Investigated(_) => self.at(&[Status::Investigating]),
            CaseEvent::ClockStopped(from, _) => self.clock_stopped(*from),
            CaseEvent::ClockResumed(until) => self.clock_resumed(*until),
            CaseEvent::Decided(decision) => self.decided(decision),
            CaseEvent::Vacated => self.vacated(),
            CaseEvent::ExhibitAdded(exhibit) => self.exhibit_added(exhibit),
            CaseEvent::TimeBarred => self.time_barred(),
            CaseEvent::Closed(reason) => self.closed(*reason),
            CaseEvent::Assigned(handover, to) => {
                let transfer = self.around.transfer(handover, &self.case.no);
                let agreed = transfer.is_some_and(|transfer| {
                    let signs = |capacity: &str| {
                        let third = transfer.supervisor.to_string();
                        self.context.signers.iter().any(|one| one.capacity == capacity && one.actor == third)
                    };
                    transfer.from == self.case.officer && transfer.to == *to && signs("supervisor")
                });
                guard(agreed, Refusal::NotHandedOver)
            }
            CaseEvent::TakenOver(by, _) => guard(*by != self.case.officer, Refusal::NoNextStep),
        }
    }

    fn at(&self, from: &[Status]) -> Result<(), Refusal> {
        guard(from.contains(&self.case.status), Refusal::NoNextStep)
    }

    /// Criminal first (行政罰法 §26 I): a suspicion needs an end before anything is decided.
    fn awaits_verdict(&self) -> bool {
        self.case.criminal && self.case.verdicts.is_empty()
    }

    fn decided(&self, decision: &Decision) -> Result<(), Refusal> {
        self.at(&[Status::Decidable])?;
        guard(!self.awaits_verdict(), Refusal::CriminalFirst)?;
        let convicted = self.case.outcome() == Some(Outcome::Guilty);
        guard(!convicted || decision.fine.is_zero(), Refusal::FineBarred)?;
        let clocks = clocks(self.case, self.terms, self.today);
        let in_time = decision.articles.iter().all(|article| !is_barred(&clocks, article));
        guard(in_time, Refusal::TimeBarred)?;
        let charged =
            |article: &Article| self.case.offences.iter().any(|offence| offence.article == *article);
        guard(decision.articles.iter().all(charged), Refusal::ArticleNotCharged)?;
        let paid = self.case.verdicts.last().map_or(Twd::ZERO, |verdict| verdict.paid);
        guard(decision.deducted == paid.min(decision.fine), Refusal::DeductionDiffers)?;
        guard(!self.is_one_person(), Refusal::OnePerson)
    }

    fn vacated(&self) -> Result<(), Refusal> {
        let decided = self.case.decision.is_some() && self.case.vacated_on.is_none();
        guard(decided, Refusal::NoNextStep)?;
        guard(self.case.outcome() == Some(Outcome::Guilty), Refusal::GuiltNotFinal)?;
        guard(!self.is_one_person(), Refusal::OnePerson)
    }

    fn clock_stopped(&self, from: Day) -> Result<(), Refusal> {
        guard(self.case.status.runs_against_clock(), Refusal::NoNextStep)?;
        let free = self.case.stops.last().is_none_or(|stop| stop.until.is_some_and(|until| until < from));
        guard(free, Refusal::LimitationStopped)?;
        guard(!self.is_one_person(), Refusal::OnePerson)?;
        guard(self.case.stops.len() < TURNS_MAX, Refusal::CaseFull)
    }

    fn clock_resumed(&self, until: Day) -> Result<(), Refusal> {
        let stands = |stop: &super::state::Stop| stop.until.is_none() && stop.from <= until;
        guard(self.case.stops.last().is_some_and(stands), Refusal::LimitationNotStopped)?;
        guard(!self.is_one_person(), Refusal::OnePerson)
    }

    fn exhibit_added(&self, exhibit: &ExhibitNo) -> Result<(), Refusal> {
        let glance = self.around.exhibit(exhibit).ok_or(Refusal::UnknownExhibit)?;
        guard(glance.case == self.case.no, Refusal::ExhibitElsewhere)?;
        guard(self.case.exhibits.binary_search(exhibit).is_err(), Refusal::ExhibitNamed)?;
        guard(self.case.exhibits.len() < EXHIBITS_MAX, Refusal::CaseFull)
    }

    /// Nobody gives a case up before its time is over.
    fn time_barred(&self) -> Result<(), Refusal> {
        self.at(&[Status::Opened, Status::Investigating, Status::Criminal, Status::Decidable])?;
        let clocks = clocks(self.case, self.terms, self.today);
        let over = self.case.offences.iter().all(|offence| is_barred(&clocks, &offence.article));
        guard(over, Refusal::ClockStillRuns)?;
        guard(!self.is_one_person(), Refusal::OnePerson)
    }

    fn closed(&self, reason: Ending) -> Result<(), Refusal> {
        match reason {
            Ending::Settled => self.at(&[Status::Final, Status::Collected])?,
            Ending::Vacated => self.at(&[Status::Vacated])?,
            Ending::NoOffence | Ending::Minor => {
                self.at(&[Status::Investigating, Status::Decidable])?;
                guard(!self.awaits_verdict(), Refusal::CriminalFirst)?;
            }
            Ending::CriminalOnly => {
                self.at(&[Status::Investigating, Status::Decidable])?;
                let convicted = self.case.outcome() == Some(Outcome::Guilty);
                guard(convicted, Refusal::CriminalFirst)?;
            }
        }
        let balanced = self.case.unpaid().is_zero() && self.case.refund_due().is_zero();
        guard(balanced, Refusal::MoneyOpen)?;
        let settled = |no| self.around.exhibit(no).is_some_and(|exhibit| exhibit.settled);
        guard(self.case.exhibits.iter().all(settled), Refusal::ExhibitUnsettled)?;
        guard(!self.is_one_person(), Refusal::OnePerson)
    }

    /// Judged by the registry for every statement; here again because four eyes are the point.
    fn is_one_person(&self) -> bool {
        let person = |capacity: &str| {
            let signer = self.context.signers.iter().find(|signer| signer.capacity == capacity);
            signer.and_then(|signer| signer.person)
        };
        let persons = ["officer", "supervisor", "legal"].map(person);
        let is_twice = |at: usize| persons[at].is_some() && persons[..at].contains(&persons[at]);
        (1..persons.len()).any(is_twice)
    }
}

/// The day on which the event says that it happened.
fn day_of(event: &CaseEvent) -> Option<Day> {
    match event {
        CaseEvent::InvestigationStarted(day)
        | CaseEvent::Referred(_, day, _)
        | CaseEvent::ProsecutorAsked(day, _)
        | CaseEvent::Investigated(Ok(day))
        | CaseEvent::ClockStopped(day, _)
        | CaseEvent::ClockResumed(day)
        | CaseEvent::Served(day)
        | CaseEvent::ReviewAsked(_, day)
        | CaseEvent::ReviewDismissed(day)
        | CaseEvent::Revoked(day)
        | CaseEvent::BecameFinal(day)
        | CaseEvent::Collected(_, day)
        | CaseEvent::Refunded(_, day) => Some(*day),
        CaseEvent::Prosecuted(verdict) => Some(verdict.final_on),
        _ => None,
    }
}

fn fits(sum: Twd, amount: Twd) -> Result<(), Refusal> {
    guard(sum.checked_add(amount).is_some(), Refusal::CaseFull)
}
