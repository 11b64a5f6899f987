//! Integrity registrations (公務員廉政倫理事件) and the quarterly runs that sample them (SPEC.md
//! "Ethics"). Streams `ethics/<no>` and `ethics_run/<yyyy>Q<n>`.
//! Invariant: a report is never refused for being late; nobody handles, approves or reviews the own
//! registration; what depends on a sealed value is attested by the ethics office in a plain field,
//! and no sealed value is in any event or state that the rules could read.
//! Pure; not here: openings, totals over sealed values, how a sample is drawn (`draws`).

mod count;
mod decide;
mod event;
mod evolve;
mod ids;
mod publish;
mod rules;
mod state;
#[cfg(test)]
mod tests;

pub use count::{Count, Counts, count};
pub use decide::decide;
pub use event::{
    Activity, Amended, Attested, Band, Basis, Disposal, Disposition, Event, Logged, Reported, Reviewed,
    RunEvent, Seen, Type, Verdict, parse,
};
pub use evolve::{Contradiction, evolve};
pub use ids::RegistrationNo;
pub use publish::{Figures, SMALL_MAX, Told};
pub use rules::Terms;
pub use state::{
    AMENDMENTS_MAX, Amendment, Breach, Item, Registration, Review, Run, State, Status, Step, Word,
};

use crate::{context::Signer, filing::ReaderClass};

/// The scheme that draws the sample of a quarter.
pub const SAMPLE_SCHEME: &str = "ethics_sample";

/// Alternatives of the capacities that must sign: the issuers' capacities are exactly one of them.
type Alternatives = &'static [&'static [&'static str]];

/// Every kind of the family with the capacities that must sign it.
const KINDS: [(&str, Alternatives); 13] = [
    ("ethics.acknowledged", &[&["anticorruption"]]),
    ("ethics.amended", &[&["officer"], &["head"]]),
    ("ethics.closed", &[&["ethics"]]),
    ("ethics.disposed", &[&["ethics"], &["ethics", "head"]]),
    ("ethics.logged", &[&["ethics"]]),
    ("ethics.reported", &[&["officer"], &["head"]]),
    ("ethics.reviewed", &[&["ethics"], &["supervisor"]]),
    ("ethics.sampled", &[&["ethics"]]),
    ("ethics.seen", &[&["supervisor"], &["head"]]),
    ("ethics_run.closed", &[&["ethics"]]),
    ("ethics_run.drawn", &[&["ethics"]]),
    ("ethics_run.opened", &[&["ethics"]]),
    ("ethics_run.reviewed", &[&["ethics"]]),
];

/// What the rules ask of other streams.
pub trait Around {
    /// Are these two actors one person (or one actor)?
    fn same_person(&self, left: &str, right: &str) -> bool;
    /// What the draw on this stream drew, in the order drawn; `None` while it is not closed.
    fn drawn(&self, draw: &str) -> Option<Vec<Box<str>>>;
    /// How the review of this registration ended; `None` while it is not reviewed.
    fn reviewed(&self, no: &RegistrationNo) -> Option<Verdict>;
}

/// The kinds of the family, ascending.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(kind, _)| *kind)
}

/// Who must sign this kind; `None` for a kind of another family.
pub fn authority(kind: &str) -> Option<&'static [&'static [&'static str]]> {
    let position = KINDS.binary_search_by(|(known, _)| known.cmp(&kind)).ok()?;
    Some(KINDS[position].1)
}

/// Who may read a kind: the house. The public gets counts ([`count`]).
pub fn reader(_kind: &str) -> ReaderClass {
    ReaderClass::House
}

/// Fields that may hold a person's data: sealed digests, or absent.
pub fn sealable(kind: &str) -> &'static [&'static str] {
    match kind {
        "ethics.reported" => &["/circumstances", "/item", "/place", "/source", "/value"],
        "ethics.amended" => &["/circumstances", "/item", "/place", "/reason", "/source", "/value"],
        "ethics.seen" | "ethics.logged" | "ethics.disposed" | "ethics.acknowledged" | "ethics.reviewed" => {
            &["/note"]
        }
        _ => &[],
    }
}

/// True if whoever signs is whom the data name, in the unit that they name. False is a rejection
/// (wrong side). A head's signature on a disposal is the one that the data name, and only then.
pub fn owner(_state: Option<&State>, event: &Event, signers: &[Signer<'_>]) -> bool {
    let signs = |actor: &str, capacities: &[&str]| {
        signers.iter().any(|signer| signer.actor == actor && capacities.contains(&signer.capacity))
    };
    let of_unit =
        |actor: &str, unit: &str| signers.iter().any(|signer| signer.actor == actor && signer.unit == unit);
    match event {
        Event::Reported(report) => {
            let capacity = if report.head { "head" } else { "officer" };
            signs(&report.by, &[capacity]) && of_unit(&report.by, &report.unit)
        }
        Event::Amended(amended) => signs(&amended.by, &["officer", "head"]),
        Event::Seen(seen) => signs(&seen.by, &["supervisor", "head"]),
        Event::Logged(logged) => signs(&logged.by, &["ethics"]),
        Event::Disposed(disposition) => {
            let head = signers.iter().find(|signer| signer.capacity == "head").map(|signer| signer.actor);
            signs(&disposition.by, &["ethics"]) && head == disposition.head.as_deref()
        }
        Event::Acknowledged { by, .. } => signs(by, &["anticorruption"]),
        Event::Reviewed(review) => {
            signs(&review.by, &["ethics", "supervisor"]) && of_unit(&review.by, &review.unit)
        }
        Event::Closed { by } | Event::Sampled { by, .. } => signs(by, &["ethics"]),
        Event::Run(_, _) => true,
    }
}
