//! What cargo and draws owe: holds looked at again, goods of nobody sent back, goods landed over sent
//! on, and random numbers that were promised. Invariant: reads one state; what is owed ends with the
//! state that owes it.

use super::{Calendar, Kind};
use crate::{
    clearance::{Basis, Cargo},
    dates::Day,
    draws,
};

/// Working days to send back goods whose consignee cannot be confirmed (快遞辦法 §17-1). Monday to
/// Friday: which of them are holidays is not known here, so the calendar warns too early, never late.
pub const RETURN_WORKING_DAYS: u32 = 7;
/// Days to tranship or return what landed beyond the manifest (短溢卸細則 §3).
pub const OVERLANDED_DAYS: u32 = 90;

impl Calendar<'_> {
    /// Holds and what landed over. What was let go owes nothing more.
    pub(super) fn cargo(&mut self, stream: &str, cargo: &Cargo) {
        for hold in cargo.holds.iter() {
            let number = hold.number.to_string();
            self.judge(Kind::HoldReview, stream, hold.review_by, None, &number);
            if hold.basis == Basis::Unconfirmed {
                let due = working_days_after(hold.on, RETURN_WORKING_DAYS);
                self.judge(Kind::Return, stream, due, None, &number);
            }
        }
        let Some(stored) = &cargo.stored else { return };
        // More than was announced, whether a report of it was accepted or not.
        let announced = cargo.expected() - cargo.landed;
        let is_over = cargo.counted().is_some_and(|counted| counted > announced);
        let is_here = cargo.at_hand() > 0 || cargo.held() > 0;
        if is_over && is_here {
            let due = stored.completed_at.day().plus_days(OVERLANDED_DAYS);
            self.judge(Kind::Overlanded, stream, due, None, "");
        }
    }

    /// Random numbers that parties committed to; `seal` is the seal epoch, if it is closed. Who reveals
    /// does so in time, for later ones are refused; who does not stays named, after the end too.
    pub(super) fn draw(&mut self, stream: &str, draw: &draws::State, seal: Option<&draws::Epoch>) {
        let Some(until) = seal.and_then(|seal| draw.reveal_until(seal)) else { return };
        let due = Day::from_number(lian_core::time::taipei_day(until));
        for party in draw.withheld() {
            self.judge(Kind::Reveal, stream, due, None, party);
        }
    }
}

/// The day that so many working days, Monday to Friday, end on; the day itself is not counted.
fn working_days_after(day: Day, count: u32) -> Day {
    let mut last = day.number();
    for _ in 0..count {
        last += 1;
        // Day 0 was a Thursday; 2 and 3 are Saturday and Sunday.
        while matches!(last.rem_euclid(7), 2 | 3) {
            last += 1;
        }
    }
    Day::from_number(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekends_are_no_working_days() {
        let after = |day: &str, count| working_days_after(Day::parse(day).unwrap(), count).to_string();

        // 2026-03-02 is a Monday.
        assert_eq!(after("2026-03-02", 1), "2026-03-03");
        assert_eq!(after("2026-03-06", 1), "2026-03-09", "Friday to Monday");
        assert_eq!(after("2026-03-07", 1), "2026-03-09", "Saturday to Monday");
        assert_eq!(after("2026-03-02", RETURN_WORKING_DAYS), "2026-03-11");
    }
}
