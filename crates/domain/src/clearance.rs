//! Cargo from manifest to gate-out, and what stands around it (SPEC.md "Clearance"): master waybills,
//! appointment queues, rosters, certificates, gate cards, transfers, broker licences, targeting marks
//! and scored flights; rows B1 to B16 and C1 to C4 of the seed.
//! Invariant: no piece is in two standings; nothing is released that is held, open, unread or untaxed;
//! what left without release stays on its record for ever.
//! Pure; not here: keys, versions, draws (who reviews), cases (what follows a seizure), openings.

mod advice;
mod around;
mod conservation;
mod decide;
mod event;
mod evolve;
mod ids;
mod member;
mod pairs;
mod rules;
mod state;
#[cfg(test)]
mod tests;

pub use advice::{PASSENGERS, Rate, passenger_rate, rates};
pub use around::Around;
pub use conservation::{Conservation, Imbalance, conservation};
pub use decide::decide;
pub use event::*;
pub use evolve::{Contradiction, Effects, evolve};
pub use ids::{Actor, Airline, Flight, Hawb, Line, Mark, Mawb, Warehouse, Word};
pub use member::{List, Moment, Sealed, Set};
pub use pairs::{Step, Unpaired, paired};
pub use rules::Terms;
pub use state::*;

use crate::{context::Signer, filing::ReaderClass};

/// Categories of actors that this family needs in the registry, with the capacities of their keys.
/// `officer` keys may also hold `integrity`; `system` keys also `gate`, `queue` and `screening`.
pub const ACTORS: &[(&str, &[&str])] = &[
    ("airline", &["airline"]),
    ("broker", &["broker"]),
    ("forwarder", &["forwarder"]),
    ("officer", &["integrity"]),
    ("system", &["gate", "queue", "screening"]),
    ("warehouse", &["warehouse"]),
];

/// The kinds of the family, ascending.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    event::rows().iter().map(|row| row.kind)
}

/// Who must sign this kind: alternatives of capacity multisets; `None` for a kind of another family.
pub fn authority(kind: &str) -> Option<&'static [&'static [&'static str]]> {
    event::row(kind).map(|row| row.authority)
}

/// Who may read payloads of this kind; `None` for a kind of another family.
pub fn reader(kind: &str) -> Option<ReaderClass> {
    event::row(kind).map(|row| row.reader)
}

/// JSON pointers of the members that can hold a person's data: null or a sealed digest.
pub fn sealable(kind: &str) -> &'static [&'static str] {
    event::row(kind).map_or(&[], |row| row.sealable)
}

/// True if those who sign may sign for *this* cargo, card or queue: an airline, forwarder, broker or
/// warehouse is the one that state or event names, and an officer named in the data signs. False is
/// a rejection (wrong side). Where nobody is named yet there is no side to be wrong on.
pub fn owner(state: Option<&State>, event: &Event, signers: &[Signer<'_>]) -> bool {
    let is_side = |signer: &Signer<'_>| {
        let named = match signer.capacity {
            "airline" | "broker" | "forwarder" | "warehouse" => side(state, event, signer.capacity),
            _ => None,
        };
        let own = |name: &str| signer.actor.split_once(':').is_some_and(|(_, code)| code == name);
        named.is_none_or(|names| own(&names))
    };
    if !signers.iter().all(is_side) {
        return false;
    }
    let signs_also = |airline: Option<Airline>| {
        airline.is_some() == signers.iter().any(|signer| signer.capacity == "airline")
    };
    let airline_agrees = match &event.act {
        Act::LandedReported(report) => signs_also(report.airline),
        Act::LandedCorrected(report) => signs_also(report.airline),
        _ => true,
    };
    airline_agrees && officer_signs(event, signers)
}

/// The code of the party that must sign in this capacity; `None` if nobody is named.
fn side(state: Option<&State>, event: &Event, capacity: &str) -> Option<String> {
    let cargo = state.and_then(State::cargo);
    let manifest = cargo.and_then(|cargo| cargo.manifest.as_ref());
    let waybill = match state {
        Some(State::Mawb(waybill)) => Some(waybill),
        _ => None,
    };
    match (capacity, &event.act) {
        ("airline", Act::Manifested(event)) => Some(event.carrier.to_string()),
        ("airline", Act::MawbManifested(event)) => Some(event.carrier.to_string()),
        ("airline", _) => manifest
            .map(|manifest| manifest.carrier)
            .or_else(|| waybill.map(|waybill| waybill.carrier))
            .or(named_airline(&event.act))
            .map(|airline| airline.to_string()),
        ("forwarder", Act::Manifested(event)) => Some(text(event.forwarder)),
        ("forwarder", Act::MawbManifested(event)) => Some(text(event.forwarder)),
        ("forwarder", _) => {
            let of_waybill = waybill.map(|waybill| text(waybill.forwarder));
            manifest.map(|manifest| text(manifest.forwarder)).or(of_waybill)
        }
        ("broker", Act::Declared(event) | Act::DeclarationCorrected(event)) => Some(event.broker.to_string()),
        ("broker", Act::EntryApplied(_)) => match state {
            Some(State::Card(card)) => card.employer.map(|employer| employer.to_string()),
            _ => None,
        },
        ("broker", _) => {
            cargo.and_then(|cargo| cargo.declared.as_ref()).map(|declared| declared.broker.to_string())
        }
        ("warehouse", _) => warehouse(state, event).map(|warehouse| warehouse.to_string()),
        _ => None,
    }
}

/// A firm that must be named: without one, nobody can sign as it.
fn text(firm: Option<crate::ids::Ubn>) -> String {
    firm.map(|firm| firm.to_string()).unwrap_or_default()
}

fn named_airline(act: &Act) -> Option<Airline> {
    match act {
        Act::LandedCountersigned(event) => Some(event.airline),
        Act::LandedReported(event) => event.airline,
        Act::LandedCorrected(event) => event.airline,
        _ => None,
    }
}

fn warehouse(state: Option<&State>, event: &Event) -> Option<Warehouse> {
    match (&event.act, &event.at, state) {
        (Act::Found(event), ..) => Some(event.warehouse),
        (Act::Warehoused(event), ..) => Some(event.warehouse),
        (Act::Moved(event), ..) => Some(event.warehouse),
        (Act::GatedOut(event), ..) => Some(event.warehouse),
        (Act::ExceptionOpened(event), ..) => Some(event.warehouse),
        (Act::Entered(event) | Act::Denied(event), ..) => Some(event.warehouse),
        (Act::Left(event), ..) => Some(event.warehouse),
        (Act::TransferArrived(_), _, Some(State::Transfer(transfer))) => Some(transfer.to),
        (_, _, Some(State::Transfer(transfer))) => Some(transfer.from),
        (_, Place::Queue(warehouse, _), _) => Some(*warehouse),
        (_, _, Some(State::Cargo(cargo))) => cargo.stored.as_ref().map(|stored| stored.warehouse),
        _ => None,
    }
}

/// An officer named in the data is one of those who sign, of the unit that the data name.
fn officer_signs(event: &Event, signers: &[Signer<'_>]) -> bool {
    let (officer, unit) = match &event.act {
        Act::ImageRead(event) => (&event.officer, Some(&event.unit)),
        Act::ImageReviewed(event) => (&event.officer, Some(&event.unit)),
        Act::DocumentsReviewed(event) => (&event.officer, None),
        Act::Inspected(event) => (&event.officer, None),
        Act::ExceptionResolved(event) => (&event.officer, None),
        Act::LandedAccepted(event) => (&event.officer, None),
        Act::Held(event) => (&event.officer, None),
        Act::Lifted(event) => (&event.officer, None),
        Act::Seized(event) => (&event.officer, None),
        Act::Returned(event) | Act::Abandoned(event) => (&event.officer, None),
        Act::TaxReopened(event) => (&event.officer, None),
        Act::Reinspected(event) => (&event.officer, None),
        Act::TransferApproved(event) => (&event.officer, None),
        Act::TransferEscorted(event) => (&event.officer, None),
        Act::SealChecked(event) => (&event.officer, None),
        Act::Referred(event) => (&event.officer, None),
        _ => return own_recusal(event, signers),
    };
    signers.iter().any(|signer| {
        matches!(signer.capacity, "officer" | "integrity")
            && signer.actor == officer.as_str()
            && unit.is_none_or(|unit| unit.as_str() == signer.unit)
    })
}

/// An officer recuses nobody but himself; a supervisor recuses others.
fn own_recusal(event: &Event, signers: &[Signer<'_>]) -> bool {
    let officer = match (&event.act, &event.at) {
        (Act::Recused(recusal), _) => &recusal.officer,
        (Act::OfficerRecused(_), Place::Certificate(officer)) => officer,
        _ => return true,
    };
    signers.iter().all(|signer| signer.capacity != "officer" || signer.actor == officer.as_str())
}
