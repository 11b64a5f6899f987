//! Do the pieces of one master waybill add up? A view over the states of its cargo, because no
//! stream knows of the others: manifest ± corrections = released + held + seized + returned +
//! abandoned + on hand, and what the house bills say together is what the master waybill says.
//! Invariant: a piece is counted once; what left without release is in no standing, so it shows.

use super::{
    ids::Hawb,
    state::{Cargo, Waybill, signed},
};
use crate::ledger::sums::Counters;

/// Pieces of one master waybill, by standing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conservation {
    /// Bags or house bills looked at.
    pub bills: u64,
    /// Pieces that their manifests named first.
    pub manifest: i64,
    /// Sum of the amendments of manifests.
    pub amended: i64,
    /// Sum of the accepted short and over reports.
    pub landed: i64,
    /// Manifested and not yet counted.
    pub awaited: i64,
    /// Released, gone or not.
    pub released: i64,
    /// Of them, gone.
    pub gone: i64,
    /// Held.
    pub held: i64,
    /// Seized.
    pub seized: i64,
    /// Returned.
    pub returned: i64,
    /// Abandoned.
    pub abandoned: i64,
    /// Counted and in no other standing.
    pub on_hand: i64,
    /// Left without release: in no standing, for ever.
    pub gone_unreleased: i64,
    /// What does not add up, in the order found.
    pub findings: Vec<Imbalance>,
}

/// One thing that does not add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imbalance {
    /// The manifest as corrected is not what stands: the difference, above zero if pieces lack.
    Cargo(Hawb, i64),
    /// So many pieces left without release.
    GoneUnreleased(Hawb, i64),
    /// More pieces are placed than were counted.
    BelowZero(Hawb, i64),
    /// A bag or house bill is looked at twice.
    Twice(Hawb),
    /// No manifest of the master waybill is on record.
    NoWaybill,
    /// The master waybill names so many bills, and so many were found.
    Bills(i64, i64),
    /// The master waybill names so many pieces, and its bills together name so many.
    Pieces(i64, i64),
}

impl Conservation {
    /// How many counters it is.
    pub const COUNTERS: usize = 17;

    /// What one cargo adds, without findings.
    pub fn of(cargo: &Cargo) -> Self {
        let mut sums = Self::default();
        sums.add(cargo);
        sums
    }

    /// The sums as counters, in the order in which rows hold them: one that may fall below zero is two,
    /// what is above zero and what is below.
    pub fn counters(&self) -> Counters {
        let Self { bills, manifest, released, gone, held, seized, returned, abandoned, .. } = *self;
        let plain = [manifest, released, gone, held, seized, returned, abandoned, self.gone_unreleased];
        let mut numbers = vec![u128::from(bills)];
        numbers.extend(plain.map(above));
        for sum in [self.amended, self.landed, self.awaited, self.on_hand] {
            numbers.extend([above(sum), above(-sum)]);
        }
        Counters::of(&numbers)
    }

    /// The sums that counters are.
    pub fn read(counters: &Counters) -> Self {
        let numbers: [u128; Self::COUNTERS] = counters.numbers();
        let at = |place: usize| i64::try_from(numbers[place]).unwrap_or(i64::MAX / 4);
        let pair = |place: usize| at(place) - at(place + 1);
        Self {
            bills: u64::try_from(numbers[0]).unwrap_or(u64::MAX),
            manifest: at(1),
            released: at(2),
            gone: at(3),
            held: at(4),
            seized: at(5),
            returned: at(6),
            abandoned: at(7),
            gone_unreleased: at(8),
            amended: pair(9),
            landed: pair(11),
            awaited: pair(13),
            on_hand: pair(15),
            findings: Vec::new(),
        }
    }

    /// Manifest ± corrections.
    pub fn expected(&self) -> i64 {
        self.manifest + self.amended + self.landed
    }

    /// What every piece stands for.
    pub fn standing(&self) -> i64 {
        self.awaited + self.released + self.held + self.seized + self.returned + self.abandoned + self.on_hand
    }

    /// True if nothing is wrong.
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Adds up all cargo of one master waybill; the set must be the whole of it.
pub fn conservation<'c>(
    waybill: Option<&Waybill>,
    cargos: impl IntoIterator<Item = (Hawb, &'c Cargo)>,
) -> Conservation {
    let mut sums = Conservation::default();
    let mut seen: Vec<Hawb> = Vec::new();
    for (hawb, cargo) in cargos {
        sums.add(cargo);
        sums.weigh(hawb, cargo);
        seen.push(hawb);
    }
    seen.sort_unstable();
    for pair in seen.windows(2).filter(|pair| pair[0] == pair[1]) {
        sums.findings.push(Imbalance::Twice(pair[0]));
    }
    sums.compare(waybill);
    sums
}

fn above(sum: i64) -> u128 {
    u128::try_from(sum).unwrap_or_default()
}

impl Conservation {
    fn add(&mut self, cargo: &Cargo) {
        let (counted, at_hand) = (cargo.stored.is_some(), cargo.at_hand());
        self.bills += 1;
        self.manifest += cargo.manifest.as_ref().map_or(0, |manifest| signed(manifest.pieces));
        self.amended += cargo.amended;
        self.landed += cargo.landed;
        self.awaited += if counted { 0 } else { at_hand };
        self.on_hand += if counted { at_hand } else { 0 };
        self.released += signed(cargo.released);
        self.gone += signed(cargo.gone);
        self.held += signed(cargo.held());
        self.seized += signed(cargo.seized);
        self.returned += signed(cargo.returned);
        self.abandoned += signed(cargo.abandoned);
        self.gone_unreleased += signed(cargo.gone_unreleased);
    }

    /// Finds what does not add up within one cargo.
    pub fn weigh(&mut self, hawb: Hawb, cargo: &Cargo) {
        let (at_hand, gone_unreleased) = (cargo.at_hand(), signed(cargo.gone_unreleased));
        let lacking = cargo.expected() - cargo.placed() - at_hand;
        if lacking != 0 {
            self.findings.push(Imbalance::Cargo(hawb, lacking));
        }
        if gone_unreleased > 0 {
            self.findings.push(Imbalance::GoneUnreleased(hawb, gone_unreleased));
        }
        if at_hand < 0 {
            self.findings.push(Imbalance::BelowZero(hawb, -at_hand));
        }
    }

    /// Finds where the sums of all cargo are not what the master waybill names.
    pub fn compare(&mut self, waybill: Option<&Waybill>) {
        let Some(waybill) = waybill else {
            return self.findings.push(Imbalance::NoWaybill);
        };
        if signed(waybill.bills) != signed(self.bills) {
            self.findings.push(Imbalance::Bills(signed(waybill.bills), signed(self.bills)));
        }
        let (master, bills) = (signed(waybill.pieces) + waybill.amended, self.manifest + self.amended);
        if master != bills {
            self.findings.push(Imbalance::Pieces(master, bills));
        }
    }
}
