//! Civil days of Asia/Taipei, their Republic-of-China spelling, and periods counted as the law
//! counts them: the day of the event itself does not count (SPEC.md "Dates").
//! Invariant: a day that was read lies in the years 1 to 999 of the Republic (1912 to 2910).
//! No clock: today arrives as a value.

use std::fmt;

use lian_core::time;

/// Year of the common era before year 1 of the Republic.
const ROC_OFFSET: i64 = 1_911;
/// Last year of the Republic that three digits can write.
const ROC_YEAR_MAX: i64 = 999;

/// A civil day: days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    /// The day with this number; what the numbers of SPEC.md "Times" say.
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// The day's number.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Reads `YYYY-MM-DD`, 1912-01-01 to 2910-12-31; `None` for any other spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let day = time::parse_day(text)?;
        let (year, _, _) = time::date_of(day);
        (1..=ROC_YEAR_MAX).contains(&(year - ROC_OFFSET)).then_some(Self(day))
    }

    /// Reads a date of the Republic: `113/08/06`, `113-08-06`, `1130806`, `990806`, `民國113年8月6日`.
    pub fn parse_roc(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("民國") {
            let (year, rest) = rest.split_once('年')?;
            let (month, rest) = rest.split_once('月')?;
            return Self::from_roc(
                number(year, 1, 3)?,
                number(month, 1, 2)?,
                number(rest.strip_suffix('日')?, 1, 2)?,
            );
        }
        if let Some((year, rest)) = text.split_once('/') {
            let (month, day) = rest.split_once('/')?;
            return Self::from_roc(number(year, 2, 3)?, number(month, 1, 2)?, number(day, 1, 2)?);
        }
        // A year of three digits is what tells this from an ISO date.
        if let Some((year, rest)) = text.split_once('-') {
            let (month, day) = rest.split_once('-')?;
            return Self::from_roc(number(year, 3, 3)?, number(month, 2, 2)?, number(day, 2, 2)?);
        }
        let digits = number(text, 6, 7)?;
        Self::from_roc(digits / 10_000, digits / 100 % 100, digits % 100)
    }

    /// Reads what people type: an ISO date or any spelling of [`Day::parse_roc`].
    pub fn parse_human(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| Self::parse_roc(text))
    }

    fn from_roc(year: i64, month: i64, day: i64) -> Option<Self> {
        if !(1..=ROC_YEAR_MAX).contains(&year) {
            return None;
        }
        time::day_of(year + ROC_OFFSET, month, day).map(Self)
    }

    /// `115/11/23`.
    pub fn to_roc(self) -> String {
        let (year, month, day) = time::date_of(self.0);
        format!("{:03}/{month:02}/{day:02}", year - ROC_OFFSET)
    }

    /// The last day of a period of so many days, whose first is the day after this one.
    #[must_use]
    pub fn plus_days(self, days: u32) -> Self {
        Self(self.0 + i64::from(days))
    }

    /// The last day of a period of so many months, whose first is the day after this one: the day
    /// before the corresponding day, or the last of the month that has no such day (民法 §121).
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        let (year, month, day) = time::date_of(self.0 + 1);
        let index = year * 12 + (month - 1) + i64::from(months);
        let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
        let first = |index: i64| time::day_of(index.div_euclid(12), index.rem_euclid(12) + 1, 1);
        match (time::day_of(year, month, day), first(index + 1)) {
            (Some(corresponding), _) => Self(corresponding - 1),
            (None, Some(next_month)) => Self(next_month - 1),
            // Beyond the calendar's last year: no such deadline comes.
            (None, None) => Self(i64::MAX / 4),
        }
    }

    /// The last millisecond of the day in Taipei, Unix time; 0 for days before 1970.
    pub fn end_of_day_ms(self) -> u64 {
        let next = self.0.saturating_add(1).saturating_mul(time::DAY_SECONDS) - time::TAIPEI_SECONDS;
        u64::try_from(next).map_or(0, |seconds| seconds.saturating_mul(1_000).saturating_sub(1))
    }
}

/// A decimal of `least` to `most` ASCII digits.
fn number(text: &str, least: usize, most: usize) -> Option<i64> {
    let fits = (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&time::format_day(self.0))
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&time::format_day(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn every_roc_spelling_names_the_same_day() {
        for text in ["113/08/06", "113/8/6", "113-08-06", "1130806", "民國113年8月6日", "民國113年08月06日"]
        {
            assert_eq!(Day::parse_roc(text), Some(day("2024-08-06")), "{text}");
        }
        assert_eq!(Day::parse_roc("990806"), Some(day("2010-08-06")));
        assert_eq!(Day::parse_roc("民國1年1月1日"), Some(day("1912-01-01")));
        assert_eq!(Day::parse_human("115-03-31"), Some(day("2026-03-31")));
        assert_eq!(Day::parse_human("2026-03-31"), Some(day("2026-03-31")));
        assert_eq!(day("2026-11-23").to_roc(), "115/11/23");
        assert_eq!(day("1912-01-01").to_roc(), "001/01/01");
    }

    #[test]
    fn leap_years_follow_the_common_era() {
        assert_eq!(Day::parse_roc("113/02/29"), Some(day("2024-02-29")));
        assert_eq!(Day::parse_roc("89/02/29"), Some(day("2000-02-29")));
        for text in ["114/02/29", "189/02/29", "113/02/30", "113/13/01", "113/00/01", "113/04/31"] {
            assert_eq!(Day::parse_roc(text), None, "{text}");
        }
    }

    #[test]
    fn other_spellings_are_no_dates() {
        let bad = [
            "2024/08/06",
            "2024-8-6",
            "13-08-06",
            "113.08.06",
            "11308060",
            "30806",
            "000/01/01",
            "民國113年8月",
            "",
        ];
        for text in bad {
            assert_eq!(Day::parse_human(text), None, "{text}");
        }
        assert_eq!(Day::parse("1911-12-31"), None);
        assert_eq!(Day::parse("2911-01-01"), None);
        assert!(Day::parse("2910-12-31").is_some());
    }

    #[test]
    fn roc_dates_written_are_read_back_for_every_day_of_two_centuries() {
        let last = day("2112-12-31");
        let mut each = day("1912-01-01");

        while each <= last {
            assert_eq!(Day::parse_roc(&each.to_roc()), Some(each));
            assert_eq!(Day::parse(&each.to_string()), Some(each));
            each = each.plus_days(1);
        }
    }

    #[test]
    fn duty_is_due_fourteen_days_after_service_and_the_day_after_service_counts_first() {
        assert_eq!(day("2026-11-23").plus_days(14), day("2026-12-07"));
        assert_eq!(day("2024-02-20").plus_days(14), day("2024-03-05"));
        assert_eq!(day("2026-12-25").plus_days(14), day("2027-01-08"));
    }

    #[test]
    fn six_months_end_on_the_day_before_the_corresponding_day() {
        let cases = [
            ("2026-01-15", "2026-07-15"),
            ("2026-02-28", "2026-08-31"), // counted from 1 March
            ("2025-08-31", "2026-02-28"), // counted from 1 September
            ("2025-08-30", "2026-02-28"), // counted from 31 August: February has no 31st
            ("2023-08-30", "2024-02-29"),
            ("2026-06-30", "2026-12-31"),
            ("2026-07-01", "2027-01-01"),
        ];
        for (from, last) in cases {
            assert_eq!(day(from).plus_months(6), day(last), "{from}");
        }
    }

    #[test]
    fn a_day_ends_at_midnight_in_taipei() {
        assert_eq!(day("1970-01-01").end_of_day_ms(), 16 * 3_600_000 - 1);
        let end = day("2026-11-23").end_of_day_ms();
        assert_eq!(lian_core::time::taipei_day(end), day("2026-11-23").number());
        assert_eq!(lian_core::time::taipei_day(end + 1), day("2026-11-24").number());
    }
}
