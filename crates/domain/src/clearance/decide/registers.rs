//! The rules of what stands around cargo: small registers, a few guards each.

use crate::{
    clearance::{
        around::{Ask, guard},
        event::{Act, Event, Place},
        ids::Actor,
        rules::days,
        state::{
            Card, CardStatus, FLAGS_MAX, Licence, Passengers, Queue, Roster, State, Target, Transfer, seconds,
        },
    },
    dates::Day,
    refusal::Refusal,
};

type Verdict = Result<(), Refusal>;

pub(super) fn decide(state: Option<&State>, event: &Event, ask: &Ask<'_>) -> Verdict {
    match (&event.at, state) {
        (Place::Queue(_, date), None) => queue(&Queue::new(), *date, &event.act, ask),
        (Place::Queue(_, date), Some(State::Queue(state))) => queue(state, *date, &event.act, ask),
        (Place::Roster(date, _), None) => roster(&Roster::new(), *date, &event.act, ask),
        (Place::Roster(date, _), Some(State::Roster(state))) => roster(state, *date, &event.act, ask),
        (Place::Certificate(officer), state) => certificate(officer, state, &event.act, ask),
        (Place::Card(_), None) => no_card(&event.act, ask),
        (Place::Card(_), Some(State::Card(card))) => card_known(card, &event.act, ask),
        (Place::Transfer(_), Some(State::Transfer(transfer))) => transferred(transfer, &event.act),
        (Place::Broker(_), Some(State::Broker(licence))) => licensed(licence, &event.act, ask),
        (Place::Target(_), Some(State::Target(target))) => targeted(target, &event.act, ask),
        (Place::Flight(..), Some(State::Flight(passengers))) => flown(passengers, &event.act, ask),
        (Place::Mawb(_), Some(_)) => guard(!matches!(event.act, Act::MawbManifested(_)), Refusal::NumberUsed),
        (_, _) => first(&event.act, ask),
    }
}

/// What may be first in a stream of which nothing is known.
fn first(act: &Act, ask: &Ask<'_>) -> Verdict {
    match act {
        Act::MawbManifested(_) | Act::TransferApproved(_) => Ok(()),
        Act::Licensed(licence) => guard(licence.until >= ask.today(), Refusal::DayPast),
        Act::TargetSet(target) => runs(target.until, ask),
        Act::Scored(flight) => {
            guard(seconds(ask.context.recorded_at) < flight.arrival_at.0, Refusal::FlightArrived)
        }
        _ => Err(Refusal::NotRegistered),
    }
}

fn queue(queue: &Queue, date: Day, act: &Act, ask: &Ask<'_>) -> Verdict {
    let is_next = |number: u64| number == queue.next;
    let given_out = |number: u64| (1..=queue.allocated).contains(&number);
    match act {
        Act::Allocated(slot) => {
            guard(slot.number == queue.allocated + 1, Refusal::SlotNumber)?;
            guard(date >= ask.today(), Refusal::DayPast)
        }
        Act::Called(call) => {
            let in_turn = is_next(call.number) || queue.skipped.has(&call.number);
            guard(in_turn || !given_out(call.number), Refusal::OutOfOrder)?;
            guard(given_out(call.number), Refusal::NothingToCall)
        }
        Act::Skipped(skip) => {
            guard(!queue.skipped.is_full(), Refusal::TooManyOpen)?;
            guard(is_next(skip.number) || !given_out(skip.number), Refusal::OutOfOrder)?;
            guard(given_out(skip.number), Refusal::NothingToCall)
        }
        _ => Err(Refusal::NotRegistered),
    }
}

fn roster(roster: &Roster, date: Day, act: &Act, ask: &Ask<'_>) -> Verdict {
    let the_day = || guard(date == ask.today(), Refusal::NotTheDay);
    match act {
        Act::Disclosed(duty) => {
            guard(!roster.officers.has(&duty.officer), Refusal::NumberUsed)?;
            guard(!roster.officers.is_full(), Refusal::TooManyOpen)?;
            guard(date >= ask.today(), Refusal::DayPast)
        }
        Act::Assigned(duty) => {
            guard(!roster.officers.has(&duty.officer), Refusal::NumberUsed)?;
            guard(!roster.officers.is_full(), Refusal::TooManyOpen)?;
            the_day()
        }
        Act::AdviserAssigned(duty) => {
            guard(!roster.advisers.has(&duty.adviser), Refusal::NumberUsed)?;
            guard(!roster.advisers.is_full(), Refusal::TooManyOpen)?;
            the_day()
        }
        Act::Withdrawn(duty) => {
            guard(roster.officers.has(&duty.officer), Refusal::NotRegistered)?;
            the_day()
        }
        _ => Err(Refusal::NotRegistered),
    }
}

fn certificate(officer: &Actor, state: Option<&State>, act: &Act, ask: &Ask<'_>) -> Verdict {
    let known = match state {
        Some(State::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    let by_another = || {
        let own = ask.context.signers.iter().any(|signer| signer.actor == officer.as_str());
        guard(!own, Refusal::CheckerInvolved)
    };
    match act {
        Act::Certified(certified) => {
            guard(certified.until >= ask.today(), Refusal::DayPast)?;
            by_another()
        }
        Act::CertificateWithdrawn(_) => {
            guard(known.is_some_and(|known| known.until.is_some()), Refusal::NotRegistered)
        }
        Act::OfficerRecused(firm) => {
            guard(!known.is_some_and(|known| known.recused.has(&firm.party)), Refusal::NumberUsed)?;
            guard(!known.is_some_and(|known| known.recused.is_full()), Refusal::TooManyOpen)
        }
        Act::RecusalEnded(firm) => {
            guard(known.is_some_and(|known| known.recused.has(&firm.party)), Refusal::NotRegistered)?;
            by_another()
        }
        _ => Err(Refusal::NotRegistered),
    }
}

/// The gate records what happens, also with a card that was never issued.
fn no_card(act: &Act, ask: &Ask<'_>) -> Verdict {
    match act {
        Act::CardIssued(card) => guard(card.until >= ask.today(), Refusal::DayPast),
        Act::Entered(_) | Act::Left(_) | Act::Denied(_) => Ok(()),
        _ => Err(Refusal::NotRegistered),
    }
}

fn card_known(card: &Card, act: &Act, ask: &Ask<'_>) -> Verdict {
    let usable = || guard(card.status == CardStatus::Active, Refusal::RecordEnded);
    match act {
        Act::CardIssued(_) => Err(Refusal::NumberUsed),
        Act::CardReplaced(_) | Act::CardRevoked(_) => usable(),
        Act::EntryApplied(entry) => {
            usable()?;
            guard(entry.on >= ask.today(), Refusal::DayPast)?;
            let shut = card.shuts_out(&entry.zone, entry.on, ask.terms);
            guard(!shut, Refusal::SortingAreaClosed)
        }
        Act::Entered(_) | Act::Left(_) | Act::Denied(_) => Ok(()),
        _ => Err(Refusal::NotRegistered),
    }
}

fn transferred(transfer: &Transfer, act: &Act) -> Verdict {
    match act {
        Act::TransferApproved(_) => Err(Refusal::NumberUsed),
        Act::TransferSealed(_) => {
            guard(transfer.seal.is_none() && transfer.arrived.is_none(), Refusal::StepOutOfOrder)
        }
        Act::TransferEscorted(_) => {
            guard(transfer.seal.is_some() && transfer.arrived.is_none(), Refusal::StepOutOfOrder)
        }
        Act::TransferArrived(_) | Act::SealChecked(_) => Ok(()),
        _ => Err(Refusal::NotRegistered),
    }
}

fn licensed(licence: &Licence, act: &Act, ask: &Ask<'_>) -> Verdict {
    let suspended = licence.suspended_until.is_some_and(|until| until >= ask.today());
    let live = || guard(!licence.revoked, Refusal::RecordEnded);
    match act {
        Act::Licensed(renewed) => {
            live()?;
            guard(renewed.until >= ask.today(), Refusal::DayPast)
        }
        Act::LicenceSuspended(suspension) => {
            guard(!suspended, Refusal::NumberUsed)?;
            live()?;
            guard(suspension.until >= ask.today(), Refusal::DayPast)
        }
        Act::Reinstated(_) => {
            guard(suspended, Refusal::NotRegistered)?;
            live()
        }
        Act::LicenceRevoked(_) => live(),
        _ => Err(Refusal::NotRegistered),
    }
}

fn targeted(target: &Target, act: &Act, ask: &Ask<'_>) -> Verdict {
    let live = || guard(!target.lifted, Refusal::RecordEnded);
    match act {
        Act::TargetSet(_) => Err(Refusal::NumberUsed),
        Act::TargetRenewed(renewed) => {
            live()?;
            runs(renewed.until, ask)
        }
        Act::TargetLifted(_) => live(),
        _ => Err(Refusal::NotRegistered),
    }
}

/// A mark ends, and is looked at again before it goes on.
fn runs(until: Day, ask: &Ask<'_>) -> Verdict {
    guard(until >= ask.today(), Refusal::DayPast)?;
    let longest = ask.today().number() + days(ask.terms.target_days_max);
    guard(until.number() <= longest, Refusal::MarkTooLong)
}

fn flown(passengers: &Passengers, act: &Act, ask: &Ask<'_>) -> Verdict {
    match act {
        Act::Scored(_) => Err(Refusal::NumberUsed),
        Act::Flagged(flagged) => {
            guard(passengers.flags < FLAGS_MAX as u64, Refusal::TooManyOpen)?;
            let before = seconds(ask.context.recorded_at) < passengers.arrival_at.0;
            guard(before, Refusal::FlightArrived)?;
            guard(flagged.flag == passengers.flags + 1, Refusal::NoSuchFlag)
        }
        Act::Referred(referral) => {
            let exists = (1..=passengers.flags).contains(&referral.flag);
            let answered = passengers.results.iter().any(|result| result.flag == referral.flag);
            guard(exists && !answered, Refusal::NoSuchFlag)
        }
        _ => Err(Refusal::NotRegistered),
    }
}
