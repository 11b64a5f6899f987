//! Acts that are one moment on two streams. Invariant: in one statement, every `cargo.tax_secured`
//! stands beside a `guarantee.drawn` of the same guarantee, declaration and amount, and every number
//! of a queue goes to exactly the bag whose stream says so. Looks at the statement alone.

use super::event::{Act, Event, Place, TaxSecured};
use crate::{guarantee::DrawEvent, ids::GuaranteeNo};

/// An event of a statement that can be one half of a pair; all others are left out.
#[derive(Debug, Clone, Copy)]
pub enum Step<'e> {
    /// Of this family.
    Clearance(&'e Event),
    /// `guarantee.drawn` on the stream of this guarantee.
    Drawn(GuaranteeNo, &'e DrawEvent),
}

/// A half without its other half: a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unpaired {
    /// A tax step on credit without the draw.
    #[error(
        "cargo.tax_secured needs the guarantee.drawn of the same guarantee, declaration and amount beside it"
    )]
    Secured,
    /// A number allotted to no bag, or to another.
    #[error("queue.allocated needs the cargo.queued of the same bag, warehouse, day and number beside it")]
    Allocated,
    /// A bag with a number that was not allotted to it.
    #[error("cargo.queued needs the queue.allocated of the same bag, warehouse, day and number beside it")]
    Queued,
}

/// Checks that every half in one statement has its other half. Several bags of one declaration may
/// stand beside its one draw. A draw without cargo is a draw by itself and no fault.
pub fn paired(steps: &[Step<'_>]) -> Result<(), Unpaired> {
    let slots: Vec<_> = steps.iter().filter_map(allotted).collect();
    let bags: Vec<_> = steps.iter().filter_map(queued).collect();
    for step in steps {
        if let Step::Clearance(Event { act: Act::TaxSecured(secured), .. }) = step
            && !steps.iter().any(|other| is_draw_of(other, secured))
        {
            return Err(Unpaired::Secured);
        }
    }
    let once = |all: &[Slot<'_>], slot: &Slot<'_>| all.iter().filter(|other| *other == slot).count() == 1;
    if !slots.iter().all(|slot| once(&bags, slot)) {
        return Err(Unpaired::Allocated);
    }
    if bags.iter().all(|bag| once(&slots, bag)) { Ok(()) } else { Err(Unpaired::Queued) }
}

fn is_draw_of(step: &Step<'_>, secured: &TaxSecured) -> bool {
    let Step::Drawn(guarantee, draw) = step else { return false };
    *guarantee == secured.guarantee
        && draw.declaration == secured.declaration
        && draw.amount == secured.amount
}

/// Bag, queue and number.
type Slot<'e> = (&'e str, &'e str, &'e str, i64, u64);

fn allotted<'e>(step: &'e Step<'_>) -> Option<Slot<'e>> {
    match step {
        Step::Clearance(Event { at: Place::Queue(warehouse, date), act: Act::Allocated(slot) }) => {
            Some((slot.mawb.as_str(), slot.hawb.as_str(), warehouse.as_str(), date.number(), slot.number))
        }
        _ => None,
    }
}

fn queued<'e>(step: &'e Step<'_>) -> Option<Slot<'e>> {
    match step {
        Step::Clearance(Event { at: Place::Cargo(mawb, hawb), act: Act::Queued(slot) }) => {
            let (warehouse, day) = (slot.warehouse.as_str(), slot.date.number());
            Some((mawb.as_str(), hawb.as_str(), warehouse, day, slot.number))
        }
        _ => None,
    }
}
