//! The straight way through a payload: a canonical statement has its members in one order, so each
//! is read where it must stand, without a tree of values around it.
//! Invariant: what is read here is what the tree would give; of anything else this says `None`, and
//! the tree, which is asked then, says what is wrong and where.

use super::{
    EVENTS_MAX, Event, Issuer, REQUIRES_MAX, SIGNATURES_MAX, Statement, is_actor, is_kind, is_ledger,
    is_stream, is_word,
};
use crate::{
    hash::{Digest, hex_decode},
    json::{Reader, Value},
    time::parse_moment,
};

/// Levels around the data of an event: statement, list of events, event.
const DATA_DEPTH: usize = 3;

/// Reads a payload that is a statement of the one spelling.
pub(super) fn read(text: &str) -> Option<Statement<'_>> {
    let mut reader = Reader::new(text);
    let at = &mut reader;
    at.literal(br#"{"events":["#)?;
    let events = list(at, EVENTS_MAX, event)?;
    at.literal(br#","id":"#)?;
    let id = id(at)?;
    at.literal(br#","issued_at":"#)?;
    let issued_at = moment(at)?;
    at.literal(br#","issuers":["#)?;
    let issuers = list(at, SIGNATURES_MAX, issuer)?;
    at.literal(br#","ledger":"#)?;
    // Its hash may hold any characters, so this one must be looked at for escapes.
    let ledger = at.key().ok().filter(|text| is_ledger(text))?;
    let requires = match at.literal(br#","requires":["#) {
        Some(()) => requires(at)?,
        None => Vec::new(),
    };
    let seen = match at.literal(br#","seen":{"epoch":"#) {
        Some(()) => Some(seen(at)?),
        None => None,
    };
    at.literal(br#","valid_until":"#)?;
    let valid_until = moment(at)?;
    at.literal(b"}")?;
    at.is_at_end().then_some(Statement {
        events,
        id,
        issued_at,
        issuers,
        ledger,
        requires,
        seen,
        valid_until,
    })
}

/// The items of a list that was opened already, at least one.
fn list<'a, T>(
    at: &mut Reader<'a>,
    most: usize,
    item: impl Fn(&mut Reader<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let mut items = Vec::with_capacity(1);
    loop {
        items.push(item(at)?);
        if at.literal(b"]").is_some() {
            return Some(items);
        }
        at.literal(b",")?;
        if items.len() == most {
            return None;
        }
    }
}

fn event<'a>(at: &mut Reader<'a>) -> Option<Event<'a>> {
    at.literal(br#"{"data":"#)?;
    let data = at.value(DATA_DEPTH).ok().filter(|data| matches!(data, Value::Object(_)))?;
    at.literal(br#","expect":"#)?;
    let expect = count(at)?;
    at.literal(br#","kind":"#)?;
    let kind = name(at, is_kind)?;
    at.literal(br#","occurred_at":"#)?;
    let occurred_at = moment(at)?;
    at.literal(br#","stream":"#)?;
    let stream = name(at, is_stream)?;
    at.literal(b"}")?;
    Some(Event { kind, stream, expect, occurred_at, data })
}

fn issuer<'a>(at: &mut Reader<'a>) -> Option<Issuer<'a>> {
    at.literal(br#"{"actor":"#)?;
    let actor = name(at, is_actor)?;
    at.literal(br#","as":"#)?;
    let capacity = name(at, is_word)?;
    at.literal(br#","key":"#)?;
    let key = Digest::from_hex(at.quoted_of(64)?)?;
    at.literal(b"}")?;
    Some(Issuer { actor, capacity, key })
}

fn requires<'a>(at: &mut Reader<'a>) -> Option<Vec<(&'a str, u64)>> {
    let pins: Vec<(&str, u64)> = list(at, REQUIRES_MAX, |at| {
        at.literal(br#"{"stream":"#)?;
        let stream = name(at, is_stream)?;
        at.literal(br#","version":"#)?;
        let version = count(at)?;
        at.literal(b"}")?;
        Some((stream, version))
    })?;
    let twice = |at: usize| pins[..at].iter().any(|(earlier, _)| *earlier == pins[at].0);
    if (0..pins.len()).any(twice) { None } else { Some(pins) }
}

fn seen(at: &mut Reader<'_>) -> Option<(u64, Digest)> {
    let epoch = count(at)?;
    at.literal(br#","root":"#)?;
    let root = Digest::from_hex(at.quoted_of(64)?)?;
    at.literal(b"}")?;
    Some((epoch, root))
}

/// A string of one of the grammars of names, none of which needs an escape.
fn name<'a>(at: &mut Reader<'a>, is_name: impl Fn(&str) -> bool) -> Option<&'a str> {
    at.quoted().filter(|text| is_name(text))
}

fn id(at: &mut Reader<'_>) -> Option<[u8; 16]> {
    let mut id = [0; 16];
    hex_decode(at.quoted_of(32)?, &mut id).then_some(id)
}

fn moment(at: &mut Reader<'_>) -> Option<i64> {
    parse_moment(at.quoted_of(25)?)
}

fn count(at: &mut Reader<'_>) -> Option<u64> {
    at.integer().ok().and_then(|number| u64::try_from(number).ok())
}
