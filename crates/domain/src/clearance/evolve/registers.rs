//! The small registers around cargo after an event.

use super::{Contradiction, Record, impossible};
use crate::clearance::{
    event::{Act, Entered, Event, Left, MawbManifested, Place},
    member::List,
    state::{
        Card, CardStatus, Certificate, Licence, Outcome, Passengers, Queue, Roster, State, Target, Transfer,
        Waybill, amendment_is_late, grown, manifest_is_late, signed,
    },
};

type After = Result<State, Contradiction>;

pub(super) fn moved(state: Option<State>, event: &Event, record: &Record<'_>) -> After {
    let act = &event.act;
    match (&event.at, state) {
        (Place::Queue(..), None) => queue(Queue::new(), act),
        (_, Some(State::Queue(state))) => queue(state, act),
        (Place::Roster(..), None) => roster(Roster::new(), act),
        (_, Some(State::Roster(state))) => roster(state, act),
        (Place::Certificate(_), None) => certificate(Certificate::none(), act),
        (_, Some(State::Certificate(state))) => certificate(state, act),
        (Place::Card(_), None) => card(Box::new(Card::unknown()), act, record),
        (_, Some(State::Card(state))) => card(state, act, record),
        (_, Some(State::Transfer(state))) => transfer(state, act),
        (_, Some(State::Broker(state))) => licence(state, act),
        (_, Some(State::Target(state))) => target(state, act),
        (_, Some(State::Flight(state))) => flight(state, act),
        (_, Some(State::Mawb(state))) => waybill(state, act, record),
        (_, None) => first(act, record),
        (_, Some(State::Cargo(_))) => impossible("be of two families"),
    }
}

fn first(act: &Act, record: &Record<'_>) -> After {
    Ok(match act {
        Act::MawbManifested(manifest) => State::Mawb(Box::new(announced(manifest, record))),
        Act::TransferApproved(approved) => State::Transfer(Box::new(Transfer {
            alarm: false,
            arrived: None,
            checked: false,
            escort: None,
            from: approved.from,
            hawb: approved.hawb,
            mawb: approved.mawb,
            pieces: approved.pieces.0,
            seal: None,
            to: approved.to,
        })),
        Act::Licensed(licensed) => State::Broker(Licence {
            revoked: false,
            suspended_from: None,
            suspended_until: None,
            until: licensed.until,
        }),
        Act::TargetSet(set) => State::Target(Target {
            basis: set.basis,
            firm: set.firm,
            lifted: false,
            mawb: set.mawb,
            renewals: 0,
            until: set.until,
        }),
        Act::Scored(scored) => State::Flight(Box::new(Passengers {
            arrival_at: scored.arrival_at,
            flags: 0,
            model: scored.model,
            results: List::default(),
        })),
        _ => return impossible("begin with this"),
    })
}

fn announced(manifest: &MawbManifested, record: &Record<'_>) -> Waybill {
    Waybill {
        amended: 0,
        arrival_at: manifest.arrival_at,
        arrived_at: None,
        arrived_with: None,
        bills: manifest.bills.0,
        carrier: manifest.carrier,
        flight: manifest.flight,
        forwarder: manifest.forwarder,
        late: manifest_is_late(record.at, manifest.arrival_at, manifest.long_leg, record.terms),
        late_amendments: 0,
        pieces: manifest.pieces.0,
    }
}

fn waybill(mut waybill: Box<Waybill>, act: &Act, record: &Record<'_>) -> After {
    match act {
        Act::MawbArrived(arrived) => {
            waybill.arrived_at = Some(arrived.at);
            waybill.arrived_with = Some(arrived.flight);
        }
        Act::MawbAmended(amended) => {
            let arrival = waybill.arrived_at.unwrap_or(waybill.arrival_at);
            let late = amendment_is_late(record.at, arrival, waybill.late, record.terms);
            waybill.late_amendments = grown(waybill.late_amendments, u64::from(late));
            waybill.amended = signed(amended.pieces.0) - signed(waybill.pieces);
            waybill.bills = amended.bills.0;
        }
        _ => return impossible("do this with a master waybill"),
    }
    Ok(State::Mawb(waybill))
}

fn queue(mut queue: Queue, act: &Act) -> After {
    match act {
        Act::Allocated(slot) if slot.number == queue.allocated + 1 => queue.allocated = slot.number,
        Act::Called(call) if call.number == queue.next => queue.next += 1,
        Act::Called(call) if queue.skipped.remove(&call.number) => {}
        Act::Skipped(skip) if skip.number == queue.next => {
            queue.skipped.insert(skip.number);
            queue.next += 1;
            queue.skips = grown(queue.skips, 1);
        }
        _ => return impossible("take a number out of order"),
    }
    Ok(State::Queue(queue))
}

fn roster(mut roster: Roster, act: &Act) -> After {
    match act {
        Act::Disclosed(duty) => roster.officers.insert(duty.officer.clone()),
        Act::Assigned(duty) => roster.officers.insert(duty.officer.clone()),
        Act::AdviserAssigned(duty) => roster.advisers.insert(duty.adviser.clone()),
        Act::Withdrawn(duty) if roster.officers.remove(&duty.officer) => {}
        _ => return impossible("do this with a roster"),
    }
    Ok(State::Roster(roster))
}

fn certificate(mut certificate: Certificate, act: &Act) -> After {
    match act {
        Act::Certified(certified) => {
            certificate.solo_from = Some(certified.solo_from);
            certificate.until = Some(certified.until);
        }
        Act::CertificateWithdrawn(_) if certificate.until.is_some() => {
            certificate.solo_from = None;
            certificate.until = None;
        }
        Act::OfficerRecused(firm) => certificate.recused.insert(firm.party),
        Act::RecusalEnded(firm) if certificate.recused.remove(&firm.party) => {}
        _ => return impossible("do this with a certificate"),
    }
    Ok(State::Certificate(certificate))
}

fn card(mut card: Box<Card>, act: &Act, record: &Record<'_>) -> After {
    match act {
        Act::CardIssued(issued) if card.is_blank() => {
            card.designated = issued.designated;
            card.employer = Some(issued.employer);
            card.kind = Some(issued.kind);
            card.status = CardStatus::Active;
            card.until = Some(issued.until);
            card.zones = issued.zones.clone();
        }
        Act::CardReplaced(_) if card.status == CardStatus::Active => card.status = CardStatus::Replaced,
        Act::CardRevoked(_) if card.status == CardStatus::Active => card.status = CardStatus::Revoked,
        Act::EntryApplied(_) => {}
        Act::Denied(_) => card.denied = grown(card.denied, 1),
        Act::Entered(entered) => card_entered(&mut card, entered, record),
        Act::Left(left) => card_left(&mut card, left),
        _ => return impossible("do this with a card"),
    }
    Ok(State::Card(card))
}

fn card_entered(card: &mut Card, entered: &Entered, record: &Record<'_>) {
    let day = entered.at.day();
    let opens = card.status == CardStatus::Active
        && card.until.is_some_and(|until| day <= until)
        && card.zones.has(&entered.zone);
    card.alarms = grown(card.alarms, u64::from(!opens));
    let shut_out = card.shuts_out(&entered.zone, day, record.terms);
    card.violations = grown(card.violations, u64::from(shut_out));
    card.unmatched = grown(card.unmatched, u64::from(card.inside.is_some()));
    card.inside = Some(entered.zone);
}

fn card_left(card: &mut Card, left: &Left) {
    card.unmatched = grown(card.unmatched, u64::from(card.inside != Some(left.zone)));
    card.inside = None;
}

fn transfer(mut transfer: Box<Transfer>, act: &Act) -> After {
    match act {
        Act::TransferSealed(sealed) if transfer.seal.is_none() => transfer.seal = Some(sealed.seal),
        Act::TransferEscorted(escorted) => transfer.escort = Some(escorted.officer.clone()),
        Act::TransferArrived(arrived) => {
            let whole = arrived.pieces.0 == transfer.pieces;
            let again = transfer.arrived.is_some();
            transfer.alarm |= !whole || again || transfer.seal != Some(arrived.seal);
            transfer.arrived = Some(arrived.pieces.0);
        }
        Act::SealChecked(checked) => {
            let early = transfer.arrived.is_none();
            transfer.alarm |= !checked.intact || early || transfer.seal != Some(checked.seal);
            transfer.checked = true;
        }
        _ => return impossible("do this with a transfer"),
    }
    Ok(State::Transfer(transfer))
}

fn licence(mut licence: Licence, act: &Act) -> After {
    match act {
        _ if licence.revoked => return impossible("use a licence that was revoked"),
        Act::Licensed(licensed) => licence.until = licensed.until,
        Act::LicenceSuspended(suspended) => {
            licence.suspended_from = Some(suspended.from);
            licence.suspended_until = Some(suspended.until);
        }
        Act::Reinstated(_) => {
            licence.suspended_from = None;
            licence.suspended_until = None;
        }
        Act::LicenceRevoked(_) => licence.revoked = true,
        _ => return impossible("do this with a licence"),
    }
    Ok(State::Broker(licence))
}

fn target(mut target: Target, act: &Act) -> After {
    match act {
        _ if target.lifted => return impossible("use a mark that was lifted"),
        Act::TargetRenewed(renewed) => {
            target.until = renewed.until;
            target.renewals = grown(target.renewals, 1);
        }
        Act::TargetLifted(_) => target.lifted = true,
        _ => return impossible("do this with a mark"),
    }
    Ok(State::Target(target))
}

fn flight(mut passengers: Box<Passengers>, act: &Act) -> After {
    match act {
        Act::Flagged(flagged) if flagged.flag == passengers.flags + 1 => passengers.flags = flagged.flag,
        Act::Referred(referral) if (1..=passengers.flags).contains(&referral.flag) => {
            passengers.results.0.push(Outcome { flag: referral.flag, result: referral.result });
        }
        _ => return impossible("do this with flags"),
    }
    Ok(State::Flight(passengers))
}
