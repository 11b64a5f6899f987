//! The ledger as it stood at a moment, for commands that only read.
//! Invariant: every verdict up to that moment was computed again before anything is said of it.

use lian_domain::{dates::Day, ledger::Ledger, views::View as Viewed};
use lian_server::peek;
use serde_json::json;

use crate::{
    failure::{Exit, Failure, Result},
    folder::{View, now_ms},
    out::Out,
    say::{Entry, group, to_json},
    session::Session,
    text::Text,
    when::{When, day_of, iso, roc, size_at},
};

/// The moment that a reading command is about.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct AsOf {
    /// A moment of the past, or a day to come
    #[arg(long, value_name = "WHEN", value_parser = When::parse, default_value = "now")]
    pub as_of: When,
}

/// What was found there.
pub struct Past {
    /// The folder.
    pub view: View,
    /// What its first entries say.
    pub ledger: Ledger,
    /// The moment, Unix milliseconds.
    pub moment: u64,
    /// Civil day (+08:00) of the moment.
    pub today: Day,
}

/// Folds a folder up to a moment.
pub fn past(session: &Session, when: When) -> Result<Past> {
    let view = session.view()?;
    let size = size_at(when, &view.reader)?;
    let ledger = view.fold(size, session.out)?;
    let moment = match when {
        When::Now => now_ms().max(ledger.recorded_at()),
        When::Moment(ms) => ms,
        _ => ledger.recorded_at(),
    };
    Ok(Past { view, ledger, moment, today: day_of(moment) })
}

impl Past {
    /// The line that says what is looked at, on standard error.
    pub fn announce(&self, out: Out) {
        let size = group(self.ledger.size());
        out.talk(out.text(Text::AsOf, &[&roc(self.moment), &iso(self.moment), &size]));
    }

    /// The same for programs, as members of what is printed.
    pub fn json(&self) -> serde_json::Value {
        json!({"moment": iso(self.moment), "size": self.ledger.size(), "rules": self.ledger.rules().version})
    }

    /// The entries that name a stream, one a line.
    pub fn timeline(&self, stream: &str, out: Out) -> Result<()> {
        for index in self.history(stream)? {
            let stored = self.view.reader.read_entry(index).map_err(damaged)?;
            out.line(Entry::open(&stored)?.line(out));
        }
        Ok(())
    }

    /// The entries that name a stream, ascending.
    pub fn history(&self, stream: &str) -> Result<Vec<u64>> {
        peek::history(&self.view.reader, &self.ledger, stream).map_err(damaged)
    }

    /// A stream that somebody has spoken of.
    pub fn stream(&self, name: &str) -> Result<&lian_domain::ledger::Stream> {
        self.ledger.stream(name).filter(|stream| stream.version > 0).ok_or_else(|| {
            Failure::usage(format!("{name} was not there at that moment"))
                .fix("lian log --oneline lists what there is")
        })
    }
}

/// A view for programs, with the digest that two parties compare.
pub fn view_json<V: Viewed>(past: &Past, view: &V) -> serde_json::Value {
    json!({
        "view": V::NAME, "digest": view.digest().to_hex(), "as_of": past.json(),
        "data": to_json(&view.to_value()),
    })
}

/// The digest of a view, on standard error.
pub fn say_digest<V: Viewed>(view: &V, out: Out) {
    out.talk(out.text(Text::ViewDigest, &[&V::NAME, &view.digest()]));
}

/// Bytes of the folder do not say what they should.
pub fn damaged(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, "damaged", error).fix("run `lian verify`")
}

/// A stream for programs.
pub fn stream_json(past: &Past, stream: &lian_domain::ledger::Stream) -> Result<serde_json::Value> {
    Ok(json!({
        "stream": &*stream.name, "version": stream.version, "logged": stream.logged,
        "state": stream.state_value().as_ref().map(to_json), "state_digest": stream.state_digest().to_hex(),
        "entries": past.history(&stream.name)?,
    }))
}
