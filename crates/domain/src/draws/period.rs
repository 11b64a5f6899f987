//! The periods of a calendar: days, months and quarters of Asia/Taipei.
//! Invariant: one spelling each (`2026-11-23`, `2026-11`, `2026Q4`), within the years of `Day`.

use std::fmt;

use lian_core::time;

use crate::dates::Day;

/// How often something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    /// Every day.
    Day,
    /// Every month.
    Month,
    /// Every quarter of a year.
    Quarter,
}

impl Calendar {
    const NAMES: [(Self, &'static str); 3] =
        [(Self::Day, "day"), (Self::Month, "month"), (Self::Quarter, "quarter")];

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, name)| *name == text).map(|(calendar, _)| *calendar)
    }

    /// The name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(calendar, _)| *calendar == self).map_or("", |(_, name)| name)
    }

    /// The period that a day lies in.
    pub fn period_of(self, day: Day) -> Period {
        let (year, month, _) = time::date_of(day.number());
        match self {
            Self::Day => Period::day(day),
            Self::Month => Period { calendar: self, year, part: month },
            Self::Quarter => Period { calendar: self, year, part: (month + 2) / 3 },
        }
    }
}

/// One period of a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    calendar: Calendar,
    year: i64,
    /// Day of the era, month or quarter.
    part: i64,
}

impl Period {
    fn day(day: Day) -> Self {
        let (year, _, _) = time::date_of(day.number());
        Self { calendar: Calendar::Day, year, part: day.number() }
    }

    /// Reads `YYYY-MM-DD`, `YYYY-MM` or `YYYYQn`; `None` for any other spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let calendar = match text.len() {
            10 => Calendar::Day,
            7 => Calendar::Month,
            6 => Calendar::Quarter,
            _ => return None,
        };
        let day = match calendar {
            Calendar::Day => Day::parse(text)?,
            Calendar::Month => Day::parse(&format!("{text}-01"))?,
            Calendar::Quarter => {
                let (year, quarter) = text.split_once('Q')?;
                let month = quarter.parse::<u8>().ok().filter(|quarter| (1..=4).contains(quarter))? * 3;
                Day::parse(&format!("{year}-{month:02}-01"))?
            }
        };
        let period = calendar.period_of(day);
        (period.to_string() == text).then_some(period)
    }

    /// The calendar that it belongs to.
    pub fn calendar(self) -> Calendar {
        self.calendar
    }

    /// The year that it lies in.
    pub fn year(self) -> i64 {
        self.year
    }

    /// Its first day.
    pub fn first(self) -> Day {
        match self.calendar {
            Calendar::Day => Day::from_number(self.part),
            Calendar::Month => first_of(self.year, self.part),
            Calendar::Quarter => first_of(self.year, self.part * 3 - 2),
        }
    }

    /// Its last day.
    pub fn last(self) -> Day {
        Day::from_number(self.next().first().number() - 1)
    }

    /// The period after it.
    #[must_use]
    pub fn next(self) -> Self {
        let (year, part) = match self.calendar {
            Calendar::Day => return Self::day(Day::from_number(self.part + 1)),
            Calendar::Month if self.part == 12 => (self.year + 1, 1),
            Calendar::Quarter if self.part == 4 => (self.year + 1, 1),
            Calendar::Month | Calendar::Quarter => (self.year, self.part + 1),
        };
        Self { calendar: self.calendar, year, part }
    }

    /// True if the day lies in it.
    pub fn contains(self, day: Day) -> bool {
        (self.first()..=self.last()).contains(&day)
    }
}

fn first_of(year: i64, month: i64) -> Day {
    // A period was read as a day of the years 1912 to 2910, so the first of its month is one.
    Day::from_number(time::day_of(year, month, 1).unwrap_or(i64::MAX / 4))
}

/// The first millisecond of a day in Taipei, Unix time.
pub(super) fn start_of_day_ms(day: Day) -> u64 {
    match Day::from_number(day.number() - 1).end_of_day_ms() {
        0 => 0,
        end => end + 1,
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.calendar {
            Calendar::Day => write!(f, "{}", Day::from_number(self.part)),
            Calendar::Month => write!(f, "{:04}-{:02}", self.year, self.part),
            Calendar::Quarter => write!(f, "{:04}Q{}", self.year, self.part),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_has_one_spelling_and_knows_its_first_and_last_day() {
        let cases = [
            ("2026Q1", "2026-01-01", "2026-03-31", "2026Q2"),
            ("2026Q4", "2026-10-01", "2026-12-31", "2027Q1"),
            ("2024-02", "2024-02-01", "2024-02-29", "2024-03"),
            ("2026-12", "2026-12-01", "2026-12-31", "2027-01"),
            ("2026-12-31", "2026-12-31", "2026-12-31", "2027-01-01"),
        ];
        for (text, first, last, next) in cases {
            let period = Period::parse(text).unwrap();

            assert_eq!(period.to_string(), text);
            assert_eq!((period.first().to_string(), period.last().to_string()), (first.into(), last.into()));
            assert_eq!(period.next().to_string(), next);
            assert!(period.contains(period.first()) && !period.contains(period.next().first()));
        }
    }

    #[test]
    fn other_spellings_are_no_periods() {
        for text in
            ["2026Q0", "2026Q5", "2026q1", "26Q1", "2026-13", "2026-1", "2026Q+", "1911Q4", "2026", ""]
        {
            assert_eq!(Period::parse(text), None, "{text}");
        }
    }
}
