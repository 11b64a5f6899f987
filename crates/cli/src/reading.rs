//! What reading verbs show, from a folder or from a server: the same value, whichever it came from.
//! Invariant: a view or state of a server has the digest that came with it, or nothing is shown;
//! entries are shown by their verified receipts. What the digests do not cover is the server's word,
//! and is said to be.

use std::{collections::BTreeMap, sync::Arc};

use lian_client::http::{Error, Listed, Moment, Stated};
use lian_core::{hash::Digest, json::Value};
use lian_domain::{dates::Day, families, rules::Rules, views::View};
use serde_json::json;

use crate::{
    failure::{Exit, Failure, Result},
    folder::now_ms,
    out::Out,
    past::{Past, damaged, past},
    remote::{Remote, failed, readable},
    say::{Entry, group, to_json},
    session::Session,
    text::Text,
    when::{When, day_of, iso, roc},
};

/// The moment that an answer holds for.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// The moment, Unix milliseconds.
    pub moment: u64,
    /// Civil day (+08:00) of it.
    pub today: Day,
    /// Entries that count.
    pub size: u64,
    /// Version of the rules in force after them.
    pub rules: u32,
    says: Text,
}

impl At {
    /// Of a folder.
    pub fn of(past: &Past) -> Self {
        let (size, rules) = (past.ledger.size(), past.ledger.rules().version);
        Self { moment: past.moment, today: past.today, size, rules, says: Text::AsOf }
    }

    fn far(when: When, at: Moment) -> Self {
        let moment = match when {
            When::Now => now_ms().max(at.recorded_at),
            When::Moment(ms) => ms,
            _ => at.recorded_at,
        };
        let (today, says) = (day_of(moment), Text::AsOfServer);
        Self { moment, today, size: at.size, rules: at.rules, says }
    }

    /// The line that says what is looked at, on standard error.
    pub fn announce(self, out: Out) {
        out.talk(out.text(self.says, &[&roc(self.moment), &iso(self.moment), &group(self.size)]));
    }

    /// The same for programs, as members of what is printed.
    pub fn json(self) -> serde_json::Value {
        json!({"moment": iso(self.moment), "size": self.size, "rules": self.rules})
    }
}

/// A view as it is shown.
pub struct Told {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub data: Value<'static>,
    /// When it holds.
    pub at: At,
    /// What two parties compare.
    pub digest: Digest,
}

impl Told {
    /// Of a view that was made here.
    pub fn of<V: View>(view: &V, at: At) -> Self {
        let data = view.to_value();
        let digest = lian_domain::views::digest(V::NAME, &data);
        Self { name: V::NAME, data, at, digest }
    }

    /// For programs, with the digest that two parties compare.
    pub fn json(&self) -> serde_json::Value {
        json!({
            "view": self.name, "digest": self.digest.to_hex(), "as_of": self.at.json(),
            "data": to_json(&self.data),
        })
    }

    /// The digest, on standard error.
    pub fn say_digest(&self, out: Out) {
        out.talk(out.text(Text::ViewDigest, &[&self.name, &self.digest]));
    }

    /// A list of the view.
    pub fn rows(&self, name: &str) -> &[Value<'static>] {
        self.data.get(name).and_then(Value::as_list).unwrap_or_default()
    }

    /// With these rows only; the digest stays that of all of them.
    pub fn json_of(&self, rows: &[&Value<'_>]) -> serde_json::Value {
        let mut value = self.json();
        value["data"]["rows"] = rows.iter().map(|row| to_json(row)).collect();
        value
    }
}

/// A stream as it is shown.
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Accepted events.
    pub version: u64,
    /// What it has become.
    pub state: families::State,
    logged: u64,
    value: Value<'static>,
    digest: Digest,
}

impl Standing {
    fn of(stream: &lian_domain::ledger::Stream) -> Option<Self> {
        let (state, value) = (stream.family()?.clone(), stream.state_value()?);
        let (version, logged) = (stream.version, stream.logged);
        Some(Self {
            name: stream.name.to_string(),
            version,
            state,
            logged,
            value,
            digest: stream.state_digest(),
        })
    }

    fn read(stated: Stated, family: Family) -> Result<Option<Self>> {
        let Stated { stream: name, version, logged, state, digest } = stated;
        let Some(value) = state else { return Ok(None) };
        let odd = |what: &dyn std::fmt::Display| {
            Failure::new(Exit::Io, "answer", format!("the state of {name}: {what}"))
        };
        let state =
            families::State::from_value(family as u8, &value).ok_or_else(|| odd(&"is of no family"))?;
        let state = state.map_err(|error| odd(&error))?;
        Ok(Some(Self { name, version, state, logged, value, digest }))
    }
}

/// Families of streams that have reading verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Family {
    /// Draws.
    Draw = 4,
    /// Registrations.
    Ethics = 5,
    /// Cargo.
    Clearance = 6,
    /// Cases.
    Case = 7,
}

/// What a server is asked.
pub struct Asked<'a> {
    /// Path of the view.
    pub path: &'a str,
    /// Its parameters besides the moment.
    pub listed: Listed<'a>,
}

impl<'a> Asked<'a> {
    /// A view without parameters.
    pub fn path(path: &'a str) -> Self {
        Self { path, listed: Listed::default() }
    }
}

/// A server and the moment that it is asked about.
pub struct Far {
    /// The server.
    pub remote: Remote,
    when: When,
    out: Out,
}

/// Where a verb reads.
pub enum Source {
    /// A folder.
    Near(Box<Past>),
    /// A server.
    Far(Box<Far>),
}

impl Source {
    /// What the session names, at a moment.
    pub fn open(session: &Session, when: When) -> Result<Self> {
        Ok(match session.remote()? {
            Some(remote) => Self::Far(Box::new(Far { remote, when, out: session.out })),
            None => Self::Near(Box::new(past(session, when)?)),
        })
    }

    /// A view: made here from a folder, or asked of a server.
    pub fn view<V: View>(&self, asked: Asked<'_>, make: impl FnOnce(&Past) -> Result<V>) -> Result<Told> {
        match self {
            Self::Near(past) => Ok(Told::of(&make(past)?, At::of(past))),
            Self::Far(far) => far.view::<V>(asked),
        }
    }

    /// A stream that somebody has spoken of.
    pub fn stream(&self, name: &str, family: Family) -> Result<(Standing, At)> {
        let (found, at) = match self {
            Self::Near(past) => (Standing::of(past.stream(name)?), At::of(past)),
            Self::Far(far) => far.stream(name, family)?,
        };
        let other = || Failure::usage(format!("{name} is not what this command shows"));
        Ok((found.filter(|found| found.state.row() == family as u8).ok_or_else(other)?, at))
    }

    /// The streams of a family whose names begin so and that are kept, ascending.
    pub fn streams(
        &self,
        prefix: &str,
        family: Family,
        keep: &dyn Fn(&str, &families::State) -> bool,
    ) -> Result<(Vec<Standing>, At)> {
        match self {
            Self::Near(past) => {
                let streams = past.ledger.streams().iter();
                let mut found: Vec<_> = streams
                    .filter(|stream| stream.name.starts_with(prefix))
                    .filter(|stream| stream.family().is_some_and(|state| keep(&stream.name, state)))
                    .collect();
                found.sort_unstable_by(|left, right| left.name.cmp(&right.name));
                Ok((found.into_iter().filter_map(Standing::of).collect(), At::of(past)))
            }
            Self::Far(far) => {
                let (stated, at) = far.told(far.remote.client.states(prefix, far.spelled().as_deref()))?;
                let mut found = Vec::new();
                for stated in stated {
                    let read = Standing::read(stated, family)?;
                    found.extend(read.filter(|found| keep(&found.name, &found.state)));
                }
                Ok((found, At::far(far.when, at)))
            }
        }
    }

    /// Streams for programs, each with the entries that name it.
    pub fn json<'s>(
        &self,
        found: impl Iterator<Item = &'s Standing> + Clone,
        at: At,
    ) -> Result<Vec<serde_json::Value>> {
        let named = match self {
            Self::Near(_) => BTreeMap::new(),
            Self::Far(far) => far.naming(found.clone(), at)?,
        };
        let value = |standing: &Standing| {
            let entries = match self {
                Self::Near(past) => past.history(&standing.name)?,
                Self::Far(far) => far.history(standing, &named)?,
            };
            Ok(json!({
                "stream": standing.name, "version": standing.version, "logged": standing.logged,
                "state": to_json(&standing.value), "state_digest": standing.digest.to_hex(), "entries": entries,
            }))
        };
        found.map(value).collect()
    }

    /// The entries that name a stream, one a line.
    pub fn timeline(&self, standing: &Standing, at: At, out: Out) -> Result<()> {
        let far = match self {
            Self::Near(past) => return past.timeline(&standing.name, out),
            Self::Far(far) => far,
        };
        let named = far.naming(std::iter::once(standing), at)?;
        for index in far.history(standing, &named)? {
            match readable(&far.remote, index)? {
                Some(proved) => out.line(Entry::of(&proved.leaf, &proved.payload)?.line(out)),
                None => out.line(format!("{:>7}  {}", group(index), out.text(Text::Withheld, &[]))),
            }
        }
        Ok(())
    }

    /// The rules in force at a moment: of a server those that receipts prove.
    pub fn rules(&self, at: At) -> Result<Arc<Rules>> {
        match self {
            Self::Near(past) => Ok(Arc::clone(past.ledger.rules())),
            Self::Far(far) => far.told(far.remote.client.rules(at.rules)),
        }
    }
}

impl Far {
    fn spelled(&self) -> Option<String> {
        self.when.spelled()
    }

    fn told<T>(&self, told: std::result::Result<T, Error>) -> Result<T> {
        told.map_err(|error| doubted(error, self.out))
    }

    /// A view as the server tells it.
    pub fn view<V: View>(&self, asked: Asked<'_>) -> Result<Told> {
        let listed = asked.listed.with("as_of", self.spelled());
        let told = self.told(self.remote.client.view(asked.path, &listed))?;
        if told.view != V::NAME {
            // Strangers get less under another name, and what is wanted here is for parties only.
            let (exit, code) = (Exit::NotAuthorised, "other-view");
            let what = self.out.text(Text::OtherView, &[&V::NAME, &told.view]);
            return Err(Failure::new(exit, code, what));
        }
        Ok(Told { name: V::NAME, data: told.data, at: At::far(self.when, told.at), digest: told.digest })
    }

    fn stream(&self, name: &str, family: Family) -> Result<(Option<Standing>, At)> {
        let (stated, at) = self.told(self.remote.client.state(name, self.spelled().as_deref()))?;
        Ok((Standing::read(stated, family)?, At::far(self.when, at)))
    }

    /// The entries of these streams, as the server says. Only kinds of its own family name a stream.
    fn naming<'s>(
        &self,
        mut found: impl Iterator<Item = &'s Standing>,
        at: At,
    ) -> Result<BTreeMap<String, Vec<u64>>> {
        let Some(first) = found.next() else { return Ok(BTreeMap::new()) };
        let wanted = if found.next().is_none() {
            Listed::default().with("stream", Some(&first.name))
        } else {
            let family = first.name.split('/').next().unwrap_or_default();
            Listed::default().with("kind", Some(format!("{family}.*")))
        };
        self.told(self.remote.client.naming(&wanted, at.size))
    }

    fn history(&self, standing: &Standing, named: &BTreeMap<String, Vec<u64>>) -> Result<Vec<u64>> {
        let entries = named.get(&standing.name).cloned().unwrap_or_default();
        if entries.len() as u64 == standing.logged {
            return Ok(entries);
        }
        let numbers: [&dyn std::fmt::Display; 3] = [&standing.name, &standing.logged, &entries.len()];
        Err(Failure::new(Exit::Failed, "entries-lack", self.out.text(Text::EntriesLack, &numbers)))
    }
}

/// What a client says, with the words for an answer whose digest differs.
fn doubted(error: Error, out: Out) -> Failure {
    use lian_client::answer::Doubt::Digest;
    let Error::Doubt(Digest { what, said, found }) = &error else { return failed(error) };
    view_differs(what, said, found, out)
}

/// A server sent something else than its digest is of.
pub fn view_differs(what: &str, said: &Digest, found: &Digest, out: Out) -> Failure {
    Failure::new(Exit::Failed, "view-differs", out.text(Text::ViewDiffers, &[&what, said, found]))
        .fix(out.text(Text::ViewDiffersFix, &[]))
}

/// A text member of a row.
pub fn text<'v>(row: &'v Value<'_>, name: &str) -> &'v str {
    row.get(name).and_then(Value::as_text).unwrap_or_default()
}

/// A number of a row; 0 if it is none.
pub fn number(row: &Value<'_>, name: &str) -> i64 {
    row.get(name).and_then(Value::as_int).unwrap_or_default()
}

/// A day of a row as people write it; a dash where there is none.
pub fn roc_day(row: &Value<'_>, name: &str) -> String {
    Day::parse(text(row, name)).map_or_else(|| "–".to_owned(), Day::to_roc)
}

/// Several counts of a row.
pub fn numbers<const N: usize>(row: &Value<'_>, names: [&str; N]) -> [i64; N] {
    names.map(|name| number(row, name))
}

/// A view that cannot be made from the folder.
pub fn made<T>(made: std::result::Result<T, impl std::fmt::Display>) -> Result<T> {
    made.map_err(damaged)
}
