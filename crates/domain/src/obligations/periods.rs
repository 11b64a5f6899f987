//! Months and quarters, in which something must happen once.

use std::fmt;

use lian_core::time::{date_of, day_of};

use crate::dates::Day;

/// A month of the common era.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i64);

/// A quarter of the common era.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quarter(i64);

impl Month {
    /// Reads `YYYY-MM`, 1912-01 to 2910-12.
    pub fn parse(text: &str) -> Option<Self> {
        Day::parse(&format!("{text}-01")).map(Self::of)
    }

    /// The month of a day.
    pub fn of(day: Day) -> Self {
        let (year, month, _) = date_of(day.number());
        Self(year * 12 + month - 1)
    }

    /// Its first day.
    pub fn first(self) -> Day {
        first_of_month(self.0)
    }

    /// Its last day.
    pub fn last(self) -> Day {
        Day::from_number(self.next().first().number() - 1)
    }

    /// The month after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Quarter {
    /// Reads `YYYYQ1` to `YYYYQ4`.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, quarter) = text.split_once('Q')?;
        let month = ["01", "04", "07", "10"].get(quarter.parse::<usize>().ok()?.checked_sub(1)?)?;
        let found = Self::of(Day::parse(&format!("{year}-{month}-01"))?);
        (found.to_string() == text).then_some(found)
    }

    /// The quarter of a day.
    pub fn of(day: Day) -> Self {
        Self(Month::of(day).0.div_euclid(3))
    }

    /// Its first day.
    pub fn first(self) -> Day {
        first_of_month(self.0 * 3)
    }

    /// Its last day.
    pub fn last(self) -> Day {
        Day::from_number(self.next().first().number() - 1)
    }

    /// The quarter after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

fn first_of_month(index: i64) -> Day {
    let number = day_of(index.div_euclid(12), index.rem_euclid(12) + 1, 1);
    // Beyond the calendar's last year: no such month comes.
    Day::from_number(number.unwrap_or(i64::MAX / 4))
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }
}

impl fmt::Display for Quarter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}Q{}", self.0.div_euclid(4), self.0.rem_euclid(4) + 1)
    }
}
