//! Do the pieces of one master waybill add up? A view over the states of its cargo, because no
//! stream knows of the others: manifest ± corrections = released + held + seized + returned +
//! abandoned + on hand, and what the house bills say together is what the master waybill says.
//! Invariant: a piece is counted once; what left without release is in no standing, so it shows.

use super::{
    ids::Hawb,
    state::{Cargo, Waybill, signed},
};

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
        add(&mut sums, hawb, cargo);
        seen.push(hawb);
    }
    seen.sort_unstable();
    for pair in seen.windows(2).filter(|pair| pair[0] == pair[1]) {
        sums.findings.push(Imbalance::Twice(pair[0]));
    }
    let Some(waybill) = waybill else {
        sums.findings.push(Imbalance::NoWaybill);
        return sums;
    };
    if signed(waybill.bills) != signed(sums.bills) {
        sums.findings.push(Imbalance::Bills(signed(waybill.bills), signed(sums.bills)));
    }
    let (master, bills) = (signed(waybill.pieces) + waybill.amended, sums.manifest + sums.amended);
    if master != bills {
        sums.findings.push(Imbalance::Pieces(master, bills));
    }
    sums
}

fn add(sums: &mut Conservation, hawb: Hawb, cargo: &Cargo) {
    let counted = cargo.stored.is_some();
    let at_hand = cargo.at_hand();
    let gone_unreleased = signed(cargo.gone_unreleased);
    sums.bills += 1;
    sums.manifest += cargo.manifest.as_ref().map_or(0, |manifest| signed(manifest.pieces));
    sums.amended += cargo.amended;
    sums.landed += cargo.landed;
    sums.awaited += if counted { 0 } else { at_hand };
    sums.on_hand += if counted { at_hand } else { 0 };
    sums.released += signed(cargo.released);
    sums.gone += signed(cargo.gone);
    sums.held += signed(cargo.held());
    sums.seized += signed(cargo.seized);
    sums.returned += signed(cargo.returned);
    sums.abandoned += signed(cargo.abandoned);
    sums.gone_unreleased += gone_unreleased;
    let lacking = cargo.expected() - cargo.placed() - at_hand;
    if lacking != 0 {
        sums.findings.push(Imbalance::Cargo(hawb, lacking));
    }
    if gone_unreleased > 0 {
        sums.findings.push(Imbalance::GoneUnreleased(hawb, gone_unreleased));
    }
    if at_hand < 0 {
        sums.findings.push(Imbalance::BelowZero(hawb, -at_hand));
    }
}
