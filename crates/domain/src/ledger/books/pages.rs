//! One page for each bag and each exhibit. Invariant: a page follows from the events posted to it, in
//! their order; whatever they say, nothing overflows.

use crate::{
    cases::{Exhibit, ExhibitEvent, Part},
    clearance::{Act, Cargo, From},
};

/// Where page and state differ.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Name of the figure.
    pub of: &'static str,
    pub book: i64,
    pub state: i64,
}

/// The pieces of a bag or house bill.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bag {
    /// Manifest ± corrections.
    expected: i64,
    counted: Option<i64>,
    /// What a report of goods landed short or over says, while it waits.
    reported: Option<i64>,
    /// Pieces of each hold, by its number from 1.
    holds: Vec<i64>,
    released: i64,
    seized: i64,
    returned: i64,
    abandoned: i64,
    gone: i64,
    gone_unreleased: i64,
}

impl Bag {
    pub fn post(&mut self, act: &Act) {
        match act {
            Act::Manifested(event) => add(&mut self.expected, event.pieces.0),
            Act::Amended(event) => self.expected = signed(event.pieces.0),
            Act::Found(event) => self.counted = Some(signed(event.pieces.0)),
            Act::Warehoused(event) => self.counted = Some(signed(event.pieces.0)),
            Act::Recounted(event) => self.counted = Some(signed(event.pieces.0)),
            Act::LandedReported(event) => self.reported = Some(signed(event.counted.0)),
            Act::LandedCorrected(event) => self.reported = Some(signed(event.counted.0)),
            Act::LandedWithdrawn(_) => self.reported = None,
            Act::LandedAccepted(_) => self.expected = self.reported.take().unwrap_or(self.expected),
            Act::Held(event) => {
                if event.from == From::Released {
                    take(&mut self.released, event.pieces.0);
                }
                self.holds.push(signed(event.pieces.0));
            }
            Act::Lifted(event) => {
                self.out_of_hold(event.hold, u64::MAX);
            }
            Act::Seized(event) => {
                self.out_of_hold(event.hold, event.pieces.0);
                add(&mut self.seized, event.pieces.0);
            }
            Act::Returned(event) => {
                self.out_of_hold(event.hold, event.pieces.0);
                add(&mut self.returned, event.pieces.0);
            }
            Act::Abandoned(event) => {
                self.out_of_hold(event.hold, event.pieces.0);
                add(&mut self.abandoned, event.pieces.0);
            }
            Act::Released(event) => add(&mut self.released, event.pieces.0),
            Act::GatedOut(event) => {
                let waiting = self.released.saturating_sub(self.gone).max(0);
                let on_release = signed(event.pieces.0).min(waiting);
                self.gone = self.gone.saturating_add(on_release);
                add(&mut self.gone_unreleased, event.pieces.0);
                self.gone_unreleased = self.gone_unreleased.saturating_sub(on_release);
            }
            _ => {}
        }
    }

    /// A hold that was lifted holds nothing, whatever it held.
    fn out_of_hold(&mut self, number: u64, pieces: u64) {
        let position = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        if let Some(left) = position.and_then(|position| self.holds.get_mut(position)) {
            *left = left.saturating_sub(signed(pieces).min(*left));
        }
    }

    pub fn differs(&self, cargo: &Cargo) -> Option<Difference> {
        let unknown = -1;
        first_of([
            ("expected", self.expected, cargo.expected()),
            ("counted", self.counted.unwrap_or(unknown), cargo.counted().unwrap_or(unknown)),
            ("released", self.released, signed(cargo.released)),
            ("held", self.holds.iter().sum(), signed(cargo.held())),
            ("seized", self.seized, signed(cargo.seized)),
            ("returned", self.returned, signed(cargo.returned)),
            ("abandoned", self.abandoned, signed(cargo.abandoned)),
            ("gone", self.gone, signed(cargo.gone)),
            ("gone_unreleased", self.gone_unreleased, signed(cargo.gone_unreleased)),
        ])
    }
}

/// One line of an exhibit.
#[derive(Debug, Clone, Default)]
struct Row {
    came_in: i64,
    on_hand: i64,
    out: i64,
    missing: i64,
    gone: i64,
}

/// The lines of an exhibit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chest(Vec<Row>);

impl Chest {
    pub fn post(&mut self, event: &ExhibitEvent) {
        match event {
            ExhibitEvent::Seized(seizure) => {
                let row = |quantity| Row { came_in: quantity, on_hand: quantity, ..Row::default() };
                self.0 = seizure.items.iter().map(|item| row(signed(item.quantity))).collect();
            }
            ExhibitEvent::MovedOut(parts, ..) => self.each(parts, |row, quantity| {
                row.on_hand -= quantity;
                row.out += quantity;
            }),
            ExhibitEvent::MovedIn(parts, _) => self.each(parts, |row, quantity| {
                row.out -= quantity;
                row.on_hand += quantity;
            }),
            ExhibitEvent::Counted(parts) => self.each(parts, |row, quantity| {
                let more = quantity - row.on_hand;
                // What is back was missing first; the rest came in unknown.
                let found = (more - row.missing).max(0);
                row.missing -= more - found;
                row.came_in += found;
                row.on_hand = quantity;
            }),
            ExhibitEvent::Gone(_, parts, ..) => self.each(parts, |row, quantity| {
                row.on_hand -= quantity;
                row.gone += quantity;
            }),
            ExhibitEvent::Transferred(..)
            | ExhibitEvent::SealChecked(..)
            | ExhibitEvent::Confiscated
            | ExhibitEvent::AuctionListed(_) => {}
        }
    }

    fn each(&mut self, parts: &[Part], change: impl Fn(&mut Row, i64)) {
        for part in parts {
            let row = part.line.checked_sub(1).and_then(|position| self.0.get_mut(position));
            if let Some(row) = row {
                change(row, signed(part.quantity));
            }
        }
    }

    pub fn differs(&self, exhibit: &Exhibit) -> Option<Difference> {
        let lines = first_of([("lines", signed(self.0.len() as u64), signed(exhibit.lines.len() as u64))]);
        lines.or_else(|| {
            self.0.iter().zip(&exhibit.lines).find_map(|(row, line)| {
                let gone = line.gone.iter().fold(0, |sum: u64, part| sum.saturating_add(*part));
                first_of([
                    ("in", row.came_in, signed(line.total_in())),
                    ("out", row.out, signed(line.out)),
                    ("missing", row.missing, signed(line.missing)),
                    ("gone", row.gone, signed(gone)),
                    ("on_hand", row.came_in - row.out - row.missing - row.gone, signed(line.on_hand)),
                ])
            })
        })
    }
}

fn first_of<const N: usize>(figures: [(&'static str, i64, i64); N]) -> Option<Difference> {
    let differing = figures.into_iter().find(|(_, book, state)| book != state);
    differing.map(|(of, book, state)| Difference { of, book, state })
}

/// Quantities stay below 2⁵³, so that sums of a few stay far below 2⁶³.
fn signed(count: u64) -> i64 {
    i64::try_from(count.min(1 << 53)).unwrap_or(1 << 53)
}

fn add(figure: &mut i64, pieces: u64) {
    *figure = figure.saturating_add(signed(pieces));
}

fn take(figure: &mut i64, pieces: u64) {
    *figure = figure.saturating_sub(signed(pieces));
}
