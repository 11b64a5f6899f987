//! `lian log` and `lian show`: entries and objects.

use std::path::PathBuf;

use clap::Args;
use lian_core::{hash::leaf_hash, statement::Statement};
use lian_domain::ledger::Ledger;
use lian_server::peek;
use lian_store::segment::StoredEntry;
use serde_json::json;

use super::afar;
use crate::{
    failure::{Exit, Failure, Result},
    folder::{View, write_file},
    say::{Entry, group, short, to_json},
    session::Session,
    when::{Ref, When, size_at},
};

const LOG_EXAMPLES: &str = "\
Examples:
  lian log --oneline
  lian log --stream guarantee/FB-115-000123
  lian log --actor bank:004 --kind guarantee. --since 115-11-01 --as-of 115-11-23
  lian log --refused                         what was turned down, on the record
";
const SHOW_EXAMPLES: &str = "\
Examples:
  lian show 94                               an entry by its index
  lian show 3f9c0a1                          by the first digits of a hash
  lian show guarantee/FB-115-000123          an object with its timeline
  lian show guarantee/FB-115-000123@v2       the entry that made its version 2
  lian show 94 --payload > signed.json       the exact bytes that were signed
";

/// Options of `lian log`.
#[derive(Args)]
#[command(before_help = LOG_EXAMPLES)]
pub struct Log {
    /// One line an entry
    #[arg(long)]
    pub oneline: bool,
    /// Only entries that name this stream
    #[arg(long)]
    pub stream: Option<String>,
    /// Only entries that this actor signed
    #[arg(long)]
    pub actor: Option<String>,
    /// Only kinds that begin so
    #[arg(long)]
    pub kind: Option<String>,
    /// Only refused ones
    #[arg(long)]
    pub refused: bool,
    /// Entries after this moment
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    pub since: Option<When>,
    /// Entries up to this moment
    #[arg(long, value_name = "WHEN", value_parser = When::parse, default_value = "now")]
    pub as_of: When,
    /// At most so many, the newest
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<usize>,
}

/// Options of `lian show`.
#[derive(Args)]
#[command(before_help = SHOW_EXAMPLES)]
pub struct Show {
    /// 18231, #18231, 7 or more digits of a hash, or an object
    #[arg(value_name = "REF", value_parser = Ref::parse)]
    what: Ref,
    /// Print the exact signed bytes, and nothing else
    #[arg(long)]
    payload: bool,
    /// Write them to this file
    #[arg(long, value_name = "FILE", requires = "payload")]
    out: Option<PathBuf>,
}

fn damaged(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, "damaged", error).fix("run `lian verify`")
}

/// Runs `lian log`.
pub fn log(a: &Log, session: &Session) -> Result<()> {
    let out = session.out;
    if let Some(remote) = session.remote()? {
        return afar::log(session, &remote, a);
    }
    let view = session.view()?;
    let end = size_at(a.as_of, &view.reader)?;
    let start = a.since.map_or(Ok(0), |since| size_at(since, &view.reader))?;
    let mut lines = std::collections::VecDeque::new();
    for stored in view.reader.entries(start..end).map_err(damaged)? {
        let stored = stored.map_err(damaged)?;
        let entry = Entry::open(&stored)?;
        if !matches(a, &entry) {
            continue;
        }
        let shown = match (out.json, a.oneline) {
            (true, _) => entry.json().to_string(),
            (_, true) => entry.line(out),
            _ => format!("{}\n", entry.lines(out).join("\n")),
        };
        if a.limit.is_none() && !out.json {
            out.line(shown);
            continue;
        }
        lines.push_back(shown);
        if a.limit.is_some_and(|limit| lines.len() > limit) {
            lines.pop_front();
        }
    }
    if out.json {
        let lines: Vec<String> = lines.into();
        out.line(format!("[{}]", lines.join(",\n")));
        return Ok(());
    }
    for line in lines {
        out.line(line);
    }
    Ok(())
}

/// Whether an entry is asked for.
pub fn matches(a: &Log, entry: &Entry<'_>) -> bool {
    let statement = &entry.statement;
    let any = |wanted: &Option<String>, fits: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(fits);
    (!a.refused || !entry.leaf.verdict.is_accepted())
        && any(&a.stream, &|stream| statement.events.iter().any(|event| event.stream == stream))
        && any(&a.actor, &|actor| statement.issuers.iter().any(|issuer| issuer.actor == actor))
        && any(&a.kind, &|kind| statement.events.iter().any(|event| event.kind.starts_with(kind)))
}

/// Runs `lian show`.
pub fn show(a: &Show, session: &Session) -> Result<()> {
    if let Some(remote) = session.remote()? {
        return afar::show(session, &remote, &a.what, a.payload, a.out.as_deref());
    }
    let view = session.view()?;
    let index = match &a.what {
        Ref::Object(stream, None) if !a.payload => return object(session, &view, stream),
        what => find(session, &view, what)?,
    };
    let stored = view.reader.read_entry(index).map_err(|error| {
        Failure::new(Exit::Usage, "beyond", &error)
            .fix(format!("the log has {} entries", view.reader.head().size()))
    })?;
    if a.payload {
        match &a.out {
            Some(path) => write_file(path, &stored.payload)?,
            None => session.out.bytes(&stored.payload),
        }
        return Ok(());
    }
    entry(session, &view, &stored)
}

/// The entry that a reference means.
pub fn find(session: &Session, view: &View, what: &Ref) -> Result<u64> {
    match what {
        Ref::Entry(index) => Ok(*index),
        Ref::Hash(prefix) => by_hash(view, prefix),
        Ref::Object(stream, version) => {
            let ledger = view.fold_all(session.out)?;
            let version = version.unwrap_or_else(|| crate::when::version(&ledger, stream));
            by_version(view, &ledger, stream, version)
        }
    }
}

fn by_hash(view: &View, prefix: &str) -> Result<u64> {
    let mut found = Vec::new();
    for (index, stored) in (0..).zip(view.reader.entries(0..u64::MAX).map_err(damaged)?) {
        let stored = stored.map_err(damaged)?;
        let entry = Entry::open(&stored)?;
        let hashes = [leaf_hash(&stored.leaf).to_hex(), entry.leaf.statement.to_hex()];
        if hashes.iter().any(|hash| hash.starts_with(prefix)) {
            found.push(index);
        }
    }
    match found[..] {
        [index] => Ok(index),
        [] => Err(Failure::usage(format!("no entry has a hash that begins with {prefix}"))),
        _ => {
            Err(Failure::usage(format!("{prefix} begins the hashes of entries {found:?}: write more digits")))
        }
    }
}

fn by_version(view: &View, ledger: &Ledger, stream: &str, version: u64) -> Result<u64> {
    let mut reached = 0;
    for index in peek::history(&view.reader, ledger, stream).map_err(damaged)? {
        let stored = view.reader.read_entry(index).map_err(damaged)?;
        let entry = Entry::open(&stored)?;
        if entry.leaf.verdict.is_accepted() {
            reached += entry.statement.events.iter().filter(|event| event.stream == stream).count() as u64;
        }
        if version > 0 && reached >= version {
            return Ok(index);
        }
    }
    Err(Failure::usage(format!("{stream} has no version {version}; it is at v{reached}")))
}

fn entry(session: &Session, view: &View, stored: &StoredEntry) -> Result<()> {
    let out = session.out;
    let ledger = view.fold_all(out)?;
    let signed = peek::check_entry(&ledger, &stored.leaf, &stored.payload);
    let entry = Entry::open(stored)?;
    if out.json {
        let mut value = entry.json();
        value["signatures_verified"] = json!(signed.is_ok());
        out.value(&value);
    } else {
        for line in entry.lines(out) {
            out.line(line);
        }
        let keys = entry.statement.issuers.len();
        match &signed {
            Ok(()) => out.line(format!("signatures {} {keys} of {keys}, verified here", out.word("PASS"))),
            Err(fault) => out.line(format!("signatures {} {fault}", out.word("FAIL"))),
        }
    }
    signed.map_err(|_| Failure::said(Exit::Failed, "signature"))
}

fn object(session: &Session, view: &View, stream: &str) -> Result<()> {
    let out = session.out;
    let ledger = view.fold_all(out)?;
    let found = ledger.stream(stream).ok_or_else(|| {
        Failure::usage(format!("no entry names {stream}")).fix("lian log --oneline lists what there is")
    })?;
    let history = peek::history(&view.reader, &ledger, stream).map_err(damaged)?;
    let state = found.state_value();
    if out.json {
        out.value(&json!({
            "stream": stream, "version": found.version, "logged": found.logged, "entries": history,
            "state": state.as_ref().map(to_json), "state_digest": found.state_digest().to_hex(),
        }));
        return Ok(());
    }
    out.line(format!("{stream}  v{}  {} entries name it", found.version, group(found.logged)));
    if let Some(lian_core::json::Value::Object(members)) = &state {
        for (name, value) in members {
            out.line(format!("  {name:<12} {}", short(Some(value))));
        }
    }
    for index in history {
        let stored = view.reader.read_entry(index).map_err(damaged)?;
        out.line(Entry::open(&stored)?.line(out));
    }
    Ok(())
}

/// Streams that a payload names; for receipts.
pub fn streams_of(payload: &[u8]) -> Vec<String> {
    Statement::parse(payload)
        .map_or_else(|_| Vec::new(), |statement| statement.streams().into_iter().map(str::to_owned).collect())
}
