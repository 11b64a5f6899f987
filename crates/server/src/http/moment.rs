//! `as_of`: how a past moment is named, and the size of the log that it means.
//! Invariant: every spelling means one size of the log, or is turned away; nothing is guessed.

use lian_core::{
    entry::Leaf,
    time::{parse_moment, taipei_day},
};
use lian_domain::dates::Day;
use lian_store::reader::Reader;

use super::{
    books::{At, Books},
    problem::Problem,
};

/// A moment, as it was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Now,
    /// The last millisecond that counts, Unix.
    Moment(u64),
    /// After entry N.
    Seq(u64),
    /// Entries below N.
    Checkpoint(u64),
    /// What epoch N covers.
    Epoch(u64),
}

fn parse(text: &str) -> Option<When> {
    if text == "now" {
        return Some(When::Now);
    }
    if let Some((kind, digits)) = text.split_once(':') {
        let number = || digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
        match kind {
            "seq" => return number().map(When::Seq),
            "checkpoint" => return number().map(When::Checkpoint),
            "epoch" => return number().map(When::Epoch),
            _ => {}
        }
    }
    let day = Day::parse_human(text).map(|day| When::Moment(day.end_of_day_ms()));
    day.or_else(|| rfc_3339(text).map(When::Moment))
}

/// Unix milliseconds of an RFC 3339 moment; a whole second means until its end.
fn rfc_3339(text: &str) -> Option<u64> {
    let text = text.replace(['z', 'Z'], "+00:00").replace('t', "T").replace("-00:00", "+00:00");
    let (head, tail) = (text.get(..19)?, text.get(19..)?);
    let (fraction, zone) = tail.split_at(tail.find(['+', '-'])?);
    let seconds = parse_moment(&format!("{head}{zone}"))?;
    let milliseconds = match fraction.strip_prefix('.') {
        None if fraction.is_empty() => 999,
        Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{digits:0<3}").get(..3)?.parse::<u64>().ok()?
        }
        _ => return None,
    };
    u64::try_from(seconds).ok()?.checked_mul(1_000)?.checked_add(milliseconds)
}

/// Civil day (+08:00) of a moment.
pub fn day_of(unix_ms: u64) -> Day {
    Day::from_number(taipei_day(unix_ms))
}

/// What `as_of` means; without it, the present. `today` is the day of the present.
pub fn resolve(as_of: Option<&str>, reader: &Reader, books: &dyn Books, today: Day) -> Result<At, Problem> {
    let size = reader.head().size();
    let beyond = || {
        let (zh, en) =
            (format!("超出帳本範圍（{size} 筆）"), format!("lies beyond the log of {size} entries"));
        Problem::parameter("as_of", zh, en)
    };
    let spelled = || {
        Problem::parameter(
            "as_of",
            "請寫 2026-11-23T14:05:03+08:00、115-11-23、seq:N、checkpoint:N 或 epoch:N",
            "is written 2026-11-23T14:05:03+08:00, 115-11-23, seq:N, checkpoint:N or epoch:N",
        )
    };
    let at = |size: u64| -> Result<At, Problem> {
        let last = size.checked_sub(1).map_or(Ok(0), |last| recorded_at(reader, last))?;
        Ok(At { size, day: day_of(last), present: false })
    };
    match as_of.map_or(Ok(When::Now), |text| parse(text).ok_or_else(spelled))? {
        When::Now => Ok(At { size, day: today, present: true }),
        When::Moment(ms) => Ok(At { size: first_after(reader, ms, size)?, day: day_of(ms), present: false }),
        When::Seq(index) if index < size => at(index + 1),
        When::Checkpoint(reached) if reached <= size => at(reached),
        When::Epoch(number) => at(books.epoch_size(number)?.ok_or_else(beyond)?),
        When::Seq(_) | When::Checkpoint(_) => Err(beyond()),
    }
}

/// Entries that were recorded until the end of a civil day.
pub fn size_at_end_of(reader: &Reader, day: Day) -> Result<u64, Problem> {
    first_after(reader, day.end_of_day_ms(), reader.head().size())
}

/// `recorded_at` never falls, so the first later entry is found by halving.
fn first_after(reader: &Reader, ms: u64, size: u64) -> Result<u64, Problem> {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        if recorded_at(reader, middle)? <= ms {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn recorded_at(reader: &Reader, index: u64) -> Result<u64, Problem> {
    let entry = reader.read_entry(index).map_err(|error| Problem::internal(&error))?;
    Ok(Leaf::decode(&entry.leaf).map_err(|error| Problem::internal(&error))?.recorded_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_named_in_the_ways_that_people_use_and_in_no_other() {
        let end = Some(When::Moment(1_795_449_599_999));
        assert_eq!(parse("115-11-23"), end);
        assert_eq!(parse("2026-11-23T23:59:59+08:00"), end);
        assert_eq!(parse("2026-11-23T06:05:03.25Z"), Some(When::Moment(1_795_413_903_250)));
        assert_eq!(parse("seq:7"), Some(When::Seq(7)));
        assert_eq!(parse("checkpoint:7"), Some(When::Checkpoint(7)));
        assert_eq!(parse("epoch:7"), Some(When::Epoch(7)));
        for bad in ["", "23", "2026-13-01", "seq:", "seq:+1", "epoch:-1", "yesterday", "2026-11-23T06:05:03"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
