//! Seizure cases (緝案) with their limitation clocks, their handover between officers, the exhibits
//! and the posts (SPEC.md "Cases"). Streams `case/<no>`, `handover/<no>`, `exhibit/<no>`, `post/<id>`.
//! Invariants: a decision is refused only when every clock of its article is over, and the alarm
//! goes by the first; until the third signature of a handover the outgoing officer is responsible;
//! of every exhibit in = out + on hand, and no case closes while one of its exhibits is unsettled.
//! Pure; which clock has run out is computed from a date, never stored.

pub mod clocks;
mod decide;
mod event;
mod evolve;
mod exhibit;
mod handover;
pub mod ids;
pub mod orphans;
mod rules;
mod state;
#[cfg(test)]
mod tests;

pub use decide::decide;
pub use event::{
    Body, CaseEvent, Decision, Ending, Event, Ground, OFFENCES_MAX, Offence, Opening, Outcome, PostEvent,
    Verdict, parse,
};
pub use evolve::{Contradiction, evolve};
pub use exhibit::{Basis, Exhibit, ExhibitEvent, Item, LINES_MAX, Line, Part, Seizure, Way};
pub use handover::{CASES_MAX, Handover, HandoverEvent, Listing, Row, Transfer, list_digest};
pub use rules::{ARTICLES_MAX, ClockCode, ClockRule, Start, Terms};
pub use state::{Case, EXHIBITS_MAX, FORMER_MAX, Holder, Post, State, Status, Stop, TURNS_MAX};

use ids::{Actor, CaseNo, ExhibitNo, HandoverNo};

use crate::{context::Signer, filing::ReaderClass};

/// What the rules may see of a case from another stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// Who is responsible.
    pub officer: Actor,
    /// Not closed and not time-barred.
    pub open: bool,
    /// With the prosecutor or the court.
    pub at_prosecutor: bool,
    /// A decision confiscates its goods.
    pub confiscates: bool,
}

/// What the rules may see of an exhibit from another stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExhibitGlance {
    /// The case it belongs to.
    pub case: CaseNo,
    /// Returned, confiscated, destroyed, sold or handed to court, all of it.
    pub settled: bool,
}

/// What the family asks of other streams, each by an id that the event or the state names.
pub trait Around {
    /// `case/<no>`: [`Case::glance`].
    fn case(&self, no: &CaseNo) -> Option<Glance>;
    /// `exhibit/<no>`: [`Exhibit::glance`].
    fn exhibit(&self, no: &ExhibitNo) -> Option<ExhibitGlance>;
    /// `handover/<no>`: [`Handover::transfer`] of this case.
    fn transfer(&self, handover: &HandoverNo, case: &CaseNo) -> Option<Transfer>;
    /// `actor/<actor>`: the person token, if the actor is a person.
    fn person(&self, actor: &Actor) -> Option<String>;
}

impl Exhibit {
    /// What the rules of other streams may see of the exhibit.
    pub fn glance(&self) -> ExhibitGlance {
        ExhibitGlance { case: self.case.clone(), settled: self.is_settled() }
    }
}

/// Alternatives of the capacities that must sign.
type Alternatives = &'static [&'static [&'static str]];

const OFFICER: Alternatives = &[&["officer"]];
const SUPERVISOR: Alternatives = &[&["supervisor"]];
const BOTH: Alternatives = &[&["officer", "supervisor"]];
const NOTHING: &[&str] = &[];

/// Every kind: who signs, and the fields that may hold a person's data.
const KINDS: [(&str, Alternatives, &[&str]); 41] = [
    ("case.assigned", SUPERVISOR, NOTHING),
    ("case.became_final", OFFICER, NOTHING),
    ("case.clock_resumed", BOTH, NOTHING),
    ("case.clock_stopped", BOTH, NOTHING),
    ("case.closed", BOTH, NOTHING),
    ("case.collected", &[&["officer"], &["treasury"]], NOTHING),
    ("case.decided", &[&["officer", "supervisor", "legal"]], NOTHING),
    ("case.exhibit_added", OFFICER, NOTHING),
    ("case.investigated", OFFICER, NOTHING),
    ("case.investigation_started", OFFICER, NOTHING),
    ("case.opened", OFFICER, &["/subject"]),
    ("case.prosecuted", OFFICER, NOTHING),
    ("case.prosecutor_asked", OFFICER, NOTHING),
    ("case.referred", BOTH, NOTHING),
    ("case.refunded", &[&["officer"], &["treasury"]], NOTHING),
    ("case.review_asked", OFFICER, NOTHING),
    ("case.review_dismissed", OFFICER, NOTHING),
    ("case.revoked", OFFICER, NOTHING),
    ("case.served", OFFICER, NOTHING),
    ("case.taken_over", SUPERVISOR, NOTHING),
    ("case.time_barred", BOTH, NOTHING),
    ("case.vacated", BOTH, NOTHING),
    ("exhibit.auction_listed", OFFICER, NOTHING),
    ("exhibit.bought_back", BOTH, &["/buyer"]),
    ("exhibit.confiscated", OFFICER, NOTHING),
    ("exhibit.counted", BOTH, NOTHING),
    ("exhibit.destroyed", &[&["officer", "witness"]], NOTHING),
    ("exhibit.handed_to_court", OFFICER, NOTHING),
    ("exhibit.moved_in", OFFICER, NOTHING),
    ("exhibit.moved_out", OFFICER, NOTHING),
    ("exhibit.returned", BOTH, &["/to"]),
    ("exhibit.seal_checked", OFFICER, NOTHING),
    ("exhibit.seized", OFFICER, &["/owner"]),
    ("exhibit.sold", BOTH, &["/buyer"]),
    ("exhibit.transferred", &[&["officer", "officer"], &["officer", "supervisor"], &["officer"]], NOTHING),
    ("handover.signed_in", OFFICER, NOTHING),
    ("handover.signed_out", &[&["officer"], &["supervisor"]], NOTHING),
    ("handover.supervised", SUPERVISOR, NOTHING),
    ("handover.withdrawn", &[&["officer"], &["supervisor"]], NOTHING),
    ("post.held", SUPERVISOR, NOTHING),
    ("post.left", SUPERVISOR, NOTHING),
];

fn row(kind: &str) -> Option<&'static (&'static str, Alternatives, &'static [&'static str])> {
    KINDS.binary_search_by(|(known, _, _)| known.cmp(&kind)).ok().map(|position| &KINDS[position])
}

/// The kinds of the family, ascending.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(kind, _, _)| *kind)
}

/// Who must sign this kind; `None` for a kind of another family.
pub fn authority(kind: &str) -> Option<Alternatives> {
    row(kind).map(|(_, alternatives, _)| *alternatives)
}

/// Who may read this kind: the house, while an investigation is nobody else's.
pub fn reader(_: &str) -> ReaderClass {
    ReaderClass::House
}

/// JSON pointers of the fields that may hold a person's data, sealed.
pub fn sealable(kind: &str) -> &'static [&'static str] {
    row(kind).map_or(NOTHING, |(_, _, fields)| fields)
}

/// True if those who sign may sign for *this* stream: the responsible officer of a case, the party
/// that a handover names, the custodian of an exhibit. False is a rejection (wrong side).
pub fn owner(state: Option<&State>, event: &Event, signers: &[Signer<'_>]) -> bool {
    let signs = |actor: &Actor, capacity: &str| {
        signers.iter().any(|signer| signer.capacity == capacity && *signer.actor == *actor.to_string())
    };
    let is_either = |actor: &Actor| signs(actor, "officer") || signs(actor, "supervisor");
    match (event, state) {
        (Event::Case(CaseEvent::Opened(opening)), _) => signs(&opening.officer, "officer"),
        (Event::Case(CaseEvent::TakenOver(by, _)), _) => signs(by, "supervisor"),
        (Event::Case(CaseEvent::Assigned(..)) | Event::Post(_), _) => true,
        (Event::Case(_), Some(State::Case(case))) => {
            let by_officer = signers.iter().any(|signer| signer.capacity == "officer");
            !by_officer || signs(&case.officer, "officer")
        }
        (Event::Handover(HandoverEvent::SignedOut(listing)), _) => is_either(&listing.outgoing),
        (Event::Handover(event), Some(State::Handover(handover))) => {
            let Listing { outgoing, incoming, supervisor, .. } = &handover.listing;
            match event {
                HandoverEvent::SignedIn(..) => signs(incoming, "officer"),
                HandoverEvent::Supervised(_) => signs(supervisor, "supervisor"),
                _ => is_either(outgoing) || signs(supervisor, "supervisor"),
            }
        }
        (Event::Exhibit(event), Some(State::Exhibit(state))) => exhibit::owner(Some(state), event, signers),
        (Event::Exhibit(event), _) => exhibit::owner(None, event, signers),
        (Event::Case(_) | Event::Handover(_), _) => true,
    }
}
