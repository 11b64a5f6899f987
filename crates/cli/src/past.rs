//! The ledger as it stood at a moment, for commands that only read.
//! Invariant: every verdict up to that moment was computed again before anything is said of it.

use lian_domain::{dates::Day, ledger::Ledger};
use lian_server::peek;

use crate::{
    failure::{Exit, Failure, Result},
    folder::{View, now_ms},
    out::Out,
    say::Entry,
    session::Session,
    when::{When, day_of, size_at},
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

/// Bytes of the folder do not say what they should.
pub fn damaged(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, "damaged", error).fix("run `lian verify`")
}
