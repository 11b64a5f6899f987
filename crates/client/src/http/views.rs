//! Views and states as a server tells them, each held against its digest.
//! Invariant: what is returned has the digest that came with it, and holds for the size that was asked
//! for. Whether it is right, only the digest of another party or an audit tells.

use std::{collections::BTreeMap, sync::Arc};

use lian_core::{
    hash::{Digest, sha256},
    json,
    time::parse_moment,
};
use lian_domain::{filing::Fact, registry::Event, rules::Rules};
use serde_json::Value;

use super::{
    Client, Epoch, Listed,
    entry::{filing, stream_path},
    error::{Error, bad_answer, doubtful},
    value::{canonical, digest, number, text},
};
use crate::answer::Doubt;

/// Entries or streams of one page.
const ENTRIES_PAGE: u64 = 1_000;
const STREAMS_PAGE: u64 = 500;

/// The moment that an answer holds for, as the server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Entries that count.
    pub size: u64,
    /// When the last of them was recorded, Unix milliseconds.
    pub recorded_at: u64,
    /// Version of the rules in force after it.
    pub rules: u32,
}

/// A view whose digest is that of what was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Its name.
    pub view: String,
    /// What it says.
    pub data: json::Value<'static>,
    /// What two parties compare.
    pub digest: Digest,
    /// When it holds.
    pub at: Moment,
}

/// A stream whose digest is that of the state that was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Stated {
    /// Its name.
    pub stream: String,
    /// Accepted events.
    pub version: u64,
    /// Statements that name it, refused ones too.
    pub logged: u64,
    /// What it has become; none if no event was accepted.
    pub state: Option<json::Value<'static>>,
    /// Digest of that.
    pub digest: Digest,
}

impl Client {
    /// A view, now or at a moment (`as_of`).
    pub fn view(&self, path: &str, listed: &Listed<'_>) -> Result<Told, Error> {
        let answer = self.unverified().read(path, listed)?;
        let view = text(&answer, "view")?.to_owned();
        let data =
            canonical(&answer["data"]).ok_or_else(|| bad_answer("the view has no canonical spelling"))?;
        let found = sha256(&[b"lian/view/v1\n", view.as_bytes(), b"\n", &data.write()]);
        let digest = same(&view, digest(&answer, "digest")?, found)?;
        Ok(Told { view, data, digest, at: moment(&answer, listed)? })
    }

    /// What a stream has become, now or at a moment.
    pub fn state(&self, stream: &str, as_of: Option<&str>) -> Result<(Stated, Moment), Error> {
        let listed = Listed::default().with("as_of", as_of);
        let path = stream_path(stream, "");
        let answer = self.unverified().read(path.trim_end_matches('/'), &listed)?;
        let stated = stated(&answer)?;
        if stated.stream != stream {
            return Err(Error::Doubt(Doubt::Stream { asked: stream.to_owned(), told: stated.stream }));
        }
        Ok((stated, moment(&answer, &listed)?))
    }

    /// The streams whose names begin so, ascending, all of one moment.
    pub fn states(&self, prefix: &str, as_of: Option<&str>) -> Result<(Vec<Stated>, Moment), Error> {
        let asked = Listed::default().with("prefix", Some(prefix)).with("limit", Some(STREAMS_PAGE));
        let mut listed = asked.clone().with("as_of", as_of);
        let mut found: Vec<Stated> = Vec::new();
        loop {
            let answer = self.unverified().read("/v1/streams", &listed)?;
            let at = moment(&answer, &listed)?;
            let page = answer["data"].as_array().ok_or_else(|| bad_answer("no list"))?;
            for item in page {
                let stated = stated(item)?;
                let ascends = found.last().is_none_or(|last| last.stream < stated.stream);
                if !ascends || !stated.stream.starts_with(prefix) {
                    let (asked, told) = (format!("{prefix}…"), stated.stream);
                    return Err(Error::Doubt(Doubt::Stream { asked, told }));
                }
                found.push(stated);
            }
            let Some(last) = found.last().filter(|_| answer["has_more"] == true && !page.is_empty()) else {
                return Ok((found, at));
            };
            // What comes in meanwhile is no part of this moment.
            let size = format!("checkpoint:{}", at.size);
            listed = asked.clone().with("after", Some(&last.stream)).with("as_of", Some(size));
        }
    }

    /// The entries below `size` that fit, each under every stream that it names; which ones, the
    /// server says.
    pub fn naming(&self, listed: &Listed<'_>, size: u64) -> Result<BTreeMap<String, Vec<u64>>, Error> {
        let listed = listed.clone().with("limit", Some(ENTRIES_PAGE));
        let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for entry in self.unverified().all("/v1/log/entries", &listed)? {
            let index = number(&entry, "seq")?;
            for event in entry["events"].as_array().into_iter().flatten().filter(|_| index < size) {
                let entries = found.entry(text(event, "stream")?.to_owned()).or_default();
                if entries.last() != Some(&index) {
                    entries.push(index);
                }
            }
        }
        Ok(found)
    }

    /// The rules of this version, by the receipt of the entry that published them.
    pub fn rules(&self, version: u32) -> Result<Arc<Rules>, Error> {
        let opening = &self.genesis()?.opening;
        if opening.rules.version == version {
            return Ok(Arc::clone(&opening.rules));
        }
        let stream = format!("rules/{version}");
        let named = self.naming(&Listed::default().with("stream", Some(&stream)), u64::MAX)?;
        for index in named.get(&stream).into_iter().flatten() {
            let proved = self.entry(*index)?;
            let events = filing(&proved)?.events;
            let rules = events.into_iter().find_map(|event| match event.fact {
                Fact::Registry(Event::RulesPublished(rules)) if rules.version == version => Some(rules),
                _ => None,
            });
            if let Some(rules) = rules.filter(|_| proved.sealed.verdict.is_accepted()) {
                return Ok(rules);
            }
        }
        Err(doubtful(format!("the server shows no entry that published {stream}")))
    }

    /// A closed epoch of this number, verified by the receipt of the entry that closed it.
    pub fn epoch(&self, epoch: u64) -> Result<Epoch, Error> {
        if epoch == 0 {
            let root = self.genesis()?.hash;
            return Ok(Epoch { number: 0, size: 1, root, map: Digest::ZERO });
        }
        let stream = format!("epoch/{epoch}");
        let named = self.naming(&Listed::default().with("stream", Some(&stream)), u64::MAX)?;
        let first = named.get(&stream).and_then(|entries| entries.first()).copied();
        let first =
            first.ok_or_else(|| doubtful(format!("the server shows no entry that closes {stream}")))?;
        let found = self.closed_by(&self.entry(first)?)?;
        if found.number == epoch {
            Ok(found)
        } else {
            Err(doubtful(format!("entry {first} closes another epoch")))
        }
    }
}

fn same(what: &str, said: Digest, found: Digest) -> Result<Digest, Error> {
    if said == found {
        return Ok(said);
    }
    Err(Error::Doubt(Doubt::Digest { what: what.to_owned(), said, found }))
}

fn stated(answer: &Value) -> Result<Stated, Error> {
    let stream = text(answer, "stream")?.to_owned();
    let state = match &answer["state"] {
        Value::Null => None,
        state => Some(canonical(state).ok_or_else(|| bad_answer("the state has no canonical spelling"))?),
    };
    let found = state.as_ref().map_or(Digest::ZERO, |state| sha256(&[b"lian/state/v1\n", &state.write()]));
    let digest = same(&stream, digest(answer, "state_digest")?, found)?;
    let (version, logged) = (number(answer, "version")?, number(answer, "logged")?);
    Ok(Stated { stream, version, logged, state, digest })
}

/// The moment of an answer; where a size was asked for, it is that one.
fn moment(answer: &Value, listed: &Listed<'_>) -> Result<Moment, Error> {
    let as_of = &answer["as_of"];
    let size = number(as_of, "checkpoint")?;
    let asked = listed.parameters.iter().find(|(name, _)| *name == "as_of").map(|(_, asked)| &**asked);
    let after = |kind: &str| asked?.strip_prefix(kind)?.parse::<u64>().ok();
    let wanted = after("checkpoint:").or_else(|| after("seq:")?.checked_add(1));
    if let Some(asked) = wanted.filter(|wanted| *wanted != size) {
        return Err(Error::Doubt(Doubt::Moment { asked, told: size }));
    }
    let recorded_at = text(as_of, "recorded_at")?;
    let recorded_at =
        unix_ms(recorded_at).ok_or_else(|| bad_answer(format!("{recorded_at:?} is no moment")))?;
    let rules = u32::try_from(number(as_of, "rules")?).map_err(|_| bad_answer("rules is no version"))?;
    Ok(Moment { size, recorded_at, rules })
}

/// Of `2026-11-23T14:05:03.014+08:00`.
fn unix_ms(text: &str) -> Option<u64> {
    let fraction: u64 = text.get(19..23)?.strip_prefix('.')?.parse().ok()?;
    let seconds = parse_moment(&format!("{}{}", text.get(..19)?, text.get(23..)?))?;
    u64::try_from(seconds).ok()?.checked_mul(1_000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer() -> Value {
        let as_of = json!({"checkpoint": 8, "recorded_at": "2026-11-23T14:05:03.014+08:00", "rules": 2});
        json!({"stream": "broker/1", "version": 1, "logged": 1, "state": null, "state_digest": Digest::ZERO.to_hex(), "as_of": as_of})
    }

    #[test]
    fn a_state_with_the_digest_of_another_one_is_not_believed() {
        assert!(stated(&answer()).is_ok());
        let mut lying = answer();
        lying["state"] = json!({"until": "2027-12-31"});
        assert!(matches!(stated(&lying), Err(Error::Doubt(Doubt::Digest { .. }))));
    }

    #[test]
    fn an_answer_of_another_moment_than_was_asked_for_is_not_believed() {
        let asked = |as_of: &str| moment(&answer(), &Listed::default().with("as_of", Some(as_of)));
        let at = Moment { size: 8, recorded_at: 1_795_413_903_014, rules: 2 };
        for same in ["checkpoint:8", "seq:7", "2026-11-23"] {
            assert_eq!(asked(same).unwrap(), at, "{same}");
        }
        for other in ["checkpoint:7", "seq:8"] {
            assert!(matches!(asked(other), Err(Error::Doubt(Doubt::Moment { told: 8, .. }))), "{other}");
        }
    }
}
