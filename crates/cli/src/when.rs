//! WHEN and REF: how people name a moment and an object (SPEC "Command line").
//! Invariant: every spelling means one size of the log, or an error; nothing is guessed.

use lian_core::{
    entry::Leaf,
    statement::is_stream,
    time::{TAIPEI_SECONDS, format_moment, parse_moment},
};
use lian_domain::{dates::Day, ledger::Ledger};
use lian_store::reader::Reader;

use crate::failure::{Exit, Failure, Result};

/// Digits of a hash that are enough to name an entry.
const HASH_PREFIX_MIN: usize = 7;

/// A moment, as it was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The end of the log.
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

impl When {
    /// Reads RFC 3339, an ISO or ROC date (its end, +08:00), `seq:N`, `checkpoint:N`, `epoch:N`, `now`.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let number = |digits: &str| digits.parse::<u64>().map_err(|_| format!("{digits:?} is no number"));
        if text == "now" {
            return Ok(Self::Now);
        }
        if let Some((kind, digits)) = text.split_once(':') {
            match kind {
                "seq" => return number(digits).map(Self::Seq),
                "checkpoint" => return number(digits).map(Self::Checkpoint),
                "epoch" => return number(digits).map(Self::Epoch),
                _ => {}
            }
        }
        if let Some(day) = Day::parse_human(text) {
            return Ok(Self::Moment(day.end_of_day_ms()));
        }
        rfc_3339(text).map(Self::Moment).ok_or_else(|| {
            "write 115-11-23 or 2026-11-23 (end of that day, +08:00), 2026-11-23T14:05:03+08:00, seq:N, \
             checkpoint:N, epoch:N or now"
                .to_owned()
        })
    }
}

impl When {
    /// As a server reads it; nothing for the present.
    pub fn spelled(self) -> Option<String> {
        match self {
            Self::Now => None,
            Self::Moment(ms) => {
                let text = iso(ms);
                let (second, zone) = text.split_at(19.min(text.len()));
                Some(format!("{second}.{:03}{zone}", ms % 1_000))
            }
            Self::Seq(index) => Some(format!("seq:{index}")),
            Self::Checkpoint(size) => Some(format!("checkpoint:{size}")),
            Self::Epoch(number) => Some(format!("epoch:{number}")),
        }
    }
}

/// Unix milliseconds of an RFC 3339 moment; a whole second means until its end.
fn rfc_3339(text: &str) -> Option<u64> {
    let text = text.replace(['z', 'Z'], "+00:00").replace('t', "T").replace("-00:00", "+00:00");
    let (head, tail) = (text.get(..19)?, text.get(19..)?);
    let zone_at = tail.find(['+', '-'])?;
    let (fraction, zone) = tail.split_at(zone_at);
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

/// Entries of the log at that moment.
pub fn size_at(when: When, reader: &Reader) -> Result<u64> {
    let size = reader.head().size();
    let beyond =
        |what: String| Failure::new(Exit::Usage, "beyond", what).fix(format!("the log has {size} entries"));
    match when {
        When::Now => Ok(size),
        When::Moment(ms) => first_after(reader, ms, size),
        When::Seq(index) if index < size => Ok(index + 1),
        When::Seq(index) => Err(beyond(format!("there is no entry {index} yet"))),
        When::Checkpoint(at) if at <= size => Ok(at),
        When::Checkpoint(at) => Err(beyond(format!("the log has not reached size {at}"))),
        When::Epoch(number) => epoch_size(reader, number, size),
    }
}

/// `recorded_at` never falls, so the first later entry is found by halving.
fn first_after(reader: &Reader, ms: u64, size: u64) -> Result<u64> {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        if recorded_at(reader, middle)? <= ms { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

/// When an entry was recorded, Unix milliseconds.
pub fn recorded_at(reader: &Reader, index: u64) -> Result<u64> {
    let fault = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Failed, "damaged", format!("entry {index}: {error}"))
    };
    let entry = reader.read_entry(index).map_err(|error| fault(&error))?;
    Ok(Leaf::decode(&entry.leaf).map_err(|error| fault(&error))?.recorded_at)
}

/// Looks for `epoch.closed` of that number: the entry that it names is its own.
fn epoch_size(reader: &Reader, number: u64, size: u64) -> Result<u64> {
    if number == 0 && size > 0 {
        return Ok(1);
    }
    let stream = format!("epoch/{number}");
    let entries = reader.entries(0..size).map_err(|error| Failure::new(Exit::Failed, "damaged", error))?;
    for (index, entry) in (0..).zip(entries) {
        let entry = entry.map_err(|error| Failure::new(Exit::Failed, "damaged", error))?;
        let Ok(statement) = lian_core::statement::Statement::parse(&entry.payload) else { continue };
        if statement.events.iter().any(|event| event.stream == stream) {
            return Ok(index);
        }
    }
    Err(Failure::new(Exit::Usage, "beyond", format!("epoch {number} is not closed yet"))
        .fix("lian epoch list"))
}

/// `115/11/23 14:05:03`: as people write it.
pub fn roc(unix_ms: u64) -> String {
    let moment = iso(unix_ms);
    let day = Day::parse(moment.get(..10).unwrap_or_default());
    let day = day.map_or_else(|| "before 民國".to_owned(), Day::to_roc);
    format!("{day} {}", moment.get(11..19).unwrap_or_default())
}

/// `2026-11-23T14:05:03+08:00`: as data has it.
pub fn iso(unix_ms: u64) -> String {
    format_moment(i64::try_from(unix_ms / 1_000).unwrap_or(i64::MAX))
}

/// Civil day (+08:00) of a moment.
pub fn day_of(unix_ms: u64) -> Day {
    let seconds = i64::try_from(unix_ms / 1_000).unwrap_or_default();
    Day::from_number((seconds + TAIPEI_SECONDS).div_euclid(86_400))
}

/// An object, as it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ref {
    /// An entry by its index.
    Entry(u64),
    /// An entry by the first digits of its leaf hash or statement digest.
    Hash(String),
    /// A stream, and the version of it that is meant.
    Object(String, Option<u64>),
}

impl Ref {
    /// Reads `18231`, `#18231`, 7 or more hex digits, `guarantee/FB-…` with or without `@v2`.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        if let Some(digits) = text.strip_prefix('#') {
            return digits.parse().map(Self::Entry).map_err(|_| format!("{digits:?} is no index"));
        }
        let (name, version) = match text.rsplit_once("@v") {
            Some((name, digits)) => {
                (name, Some(digits.parse().map_err(|_| format!("{digits:?} is no version"))?))
            }
            None => (text, None),
        };
        if is_stream(name) {
            return Ok(Self::Object(name.to_owned(), version));
        }
        // All digits and short: an index. Anything that an index cannot be is looked for as a hash.
        if let (Ok(index), true) = (text.parse(), text.len() < 16) {
            return Ok(Self::Entry(index));
        }
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if (HASH_PREFIX_MIN..=64).contains(&text.len()) && text.bytes().all(hex) {
            return Ok(Self::Hash(text.to_owned()));
        }
        Err("write 18231, #18231, at least 7 digits of a hash, guarantee/FB-115-000123 or …@v2".to_owned())
    }
}

/// The version of a stream, for `expect`.
pub fn version(ledger: &Ledger, stream: &str) -> u64 {
    ledger.stream(stream).map_or(0, |found| found.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_795_413_903_000;

    #[test]
    fn a_date_of_the_republic_an_iso_date_and_a_moment_name_the_same_day() {
        let end = When::Moment(1_795_449_599_999);
        assert_eq!(When::parse("115-11-23"), Ok(end));
        assert_eq!(When::parse("2026-11-23"), Ok(end));
        assert_eq!(When::parse("2026-11-23T23:59:59+08:00"), Ok(end));
    }

    #[test]
    fn moments_are_read_with_fractions_and_in_any_zone() {
        assert_eq!(When::parse("2026-11-23T14:05:03+08:00"), Ok(When::Moment(SECOND + 999)));
        assert_eq!(When::parse("2026-11-23T06:05:03Z"), Ok(When::Moment(SECOND + 999)));
        assert_eq!(When::parse("2026-11-23T06:05:03.25Z"), Ok(When::Moment(SECOND + 250)));
        for bad in ["", "23", "2026-13-01", "seq:", "seq:x", "2026-11-23T06:05:03", "yesterday", "epoch:-1"] {
            assert!(When::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(When::parse("seq:7"), Ok(When::Seq(7)));
        assert_eq!(When::parse("checkpoint:7"), Ok(When::Checkpoint(7)));
        assert_eq!(When::parse("epoch:7"), Ok(When::Epoch(7)));
    }

    #[test]
    fn what_a_server_is_asked_is_the_same_moment() {
        for moment in ["115-11-23", "2026-11-23T06:05:03.25Z", "seq:7", "checkpoint:7", "epoch:7"] {
            let when = When::parse(moment).unwrap();
            assert_eq!(When::parse(&when.spelled().unwrap()), Ok(when), "{moment}");
        }
        assert_eq!(When::Now.spelled(), None);
    }

    #[test]
    fn a_reference_is_an_index_a_hash_or_an_object_and_never_two_of_them() {
        assert_eq!(Ref::parse("18231"), Ok(Ref::Entry(18231)));
        assert_eq!(Ref::parse("#18231"), Ok(Ref::Entry(18231)));
        assert_eq!(Ref::parse("3f9c0a1"), Ok(Ref::Hash("3f9c0a1".to_owned())));
        assert_eq!(Ref::parse("3f9c0a"), Err(Ref::parse("x").unwrap_err()));
        let object = "guarantee/FB-115-000123".to_owned();
        assert_eq!(Ref::parse(&object), Ok(Ref::Object(object.clone(), None)));
        assert_eq!(Ref::parse(&format!("{object}@v2")), Ok(Ref::Object(object, Some(2))));
    }

    #[test]
    fn people_read_years_of_the_republic() {
        assert_eq!(roc(SECOND), "115/11/23 14:05:03");
        assert_eq!(iso(SECOND), "2026-11-23T14:05:03+08:00");
    }
}
