//! Moments and civil days without a clock or a time-zone table (SPEC.md "Times").
//! Invariant: a moment is written exactly `YYYY-MM-DDThh:mm:ss±hh:mm` and compared as an instant;
//! Asia/Taipei is the constant +08:00.

/// Seconds that Asia/Taipei is ahead of UTC.
pub const TAIPEI_SECONDS: i64 = 8 * 3_600;
/// Seconds of a civil day.
pub const DAY_SECONDS: i64 = 86_400;

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar; `None` if there is no such
/// date or the year is outside 1 to 9999.
pub fn day_of(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9_999).contains(&year) || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    // Counting years from March puts the leap day at the end of the year.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Year, month and day of a day number; the inverse of [`day_of`].
pub fn date_of(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Unix seconds of `YYYY-MM-DDThh:mm:ss±hh:mm`; `None` for any other spelling, `Z`, fractions,
/// second 60, `-00:00` and offsets beyond ±14:00 included.
pub fn parse_moment(text: &str) -> Option<i64> {
    let bytes: &[u8; 25] = text.as_bytes().try_into().ok()?;
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (22, b':')];
    if marks.iter().any(|&(at, mark)| bytes[at] != mark) {
        return None;
    }
    let day = parse_day_bytes(&bytes[..10])?;
    let (hour, minute, second) = (digits(&bytes[11..13])?, digits(&bytes[14..16])?, digits(&bytes[17..19])?);
    let (offset_hour, offset_minute) = (digits(&bytes[20..22])?, digits(&bytes[23..25])?);
    if hour > 23 || minute > 59 || second > 59 || offset_minute > 59 || offset_hour * 60 + offset_minute > 840
    {
        return None;
    }
    let ahead = offset_hour * 3_600 + offset_minute * 60;
    let ahead = match bytes[19] {
        b'+' => ahead,
        b'-' if ahead > 0 => -ahead,
        _ => return None,
    };
    Some(day * DAY_SECONDS + hour * 3_600 + minute * 60 + second - ahead)
}

/// Writes Unix seconds as a moment at +08:00; clamps to the years 1 to 9999.
pub fn format_moment(unix_seconds: i64) -> String {
    let least = -62_135_596_800 - TAIPEI_SECONDS;
    let most = 253_402_300_799 - TAIPEI_SECONDS;
    let local = unix_seconds.clamp(least, most) + TAIPEI_SECONDS;
    let second = local.rem_euclid(DAY_SECONDS);
    let day = format_day(local.div_euclid(DAY_SECONDS));
    format!("{day}T{:02}:{:02}:{:02}+08:00", second / 3_600, second / 60 % 60, second % 60)
}

/// Day number of `YYYY-MM-DD`; `None` for any other spelling.
pub fn parse_day(text: &str) -> Option<i64> {
    parse_day_bytes(text.as_bytes())
}

fn parse_day_bytes(bytes: &[u8]) -> Option<i64> {
    let bytes: &[u8; 10] = bytes.try_into().ok()?;
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    day_of(digits(&bytes[..4])?, digits(&bytes[5..7])?, digits(&bytes[8..])?)
}

/// `YYYY-MM-DD` of a day number.
pub fn format_day(day: i64) -> String {
    let (year, month, day) = date_of(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The civil day (+08:00) of Unix milliseconds, as a day number.
pub fn taipei_day(unix_ms: u64) -> i64 {
    let seconds = i64::try_from(unix_ms / 1_000).unwrap_or(i64::MAX / 2);
    (seconds + TAIPEI_SECONDS).div_euclid(DAY_SECONDS)
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes
        .iter()
        .try_fold(0, |number: i64, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_the_instants_they_name() {
        assert_eq!(parse_moment("1970-01-01T08:00:00+08:00"), Some(0));
        assert_eq!(parse_moment("2026-11-23T14:05:03+08:00"), Some(1_795_413_903));
        assert_eq!(parse_moment("2026-11-23T06:05:03+00:00"), Some(1_795_413_903));
        assert_eq!(parse_moment("2024-02-29T23:59:59-05:30"), Some(1_709_270_999));
        assert_eq!(format_moment(1_795_413_903), "2026-11-23T14:05:03+08:00");
    }

    #[test]
    fn every_other_spelling_of_a_moment_is_refused() {
        let bad = [
            "2026-11-23T14:05:03Z",
            "2026-11-23T14:05:03.0+08:00",
            "2026-11-23T14:05:60+08:00",
            "2026-11-23T24:00:00+08:00",
            "2026-11-23 14:05:03+08:00",
            "2026-02-29T00:00:00+08:00",
            "2026-11-23T14:05:03-00:00",
            "2026-11-23T14:05:03+14:01",
            "2026-11-23T14:05:03+0800",
            "+026-11-23T14:05:03+08:00",
            "0000-01-01T00:00:00+08:00",
            "",
        ];
        for text in bad {
            assert_eq!(parse_moment(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_three_thousand_years_has_one_number_and_one_date() {
        let mut expected = day_of(1, 1, 1).unwrap();
        let last = day_of(3_000, 12, 31).unwrap();

        while expected <= last {
            let (year, month, day) = date_of(expected);
            assert_eq!(day_of(year, month, day), Some(expected));
            expected += 1;
        }
        assert_eq!(day_of(1970, 1, 1), Some(0));
        assert_eq!(day_of(2000, 3, 1), Some(11_017));
    }
}
