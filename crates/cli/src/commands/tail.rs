//! `lian tail` and `lian status`: the end of the log, now and as it grows.
//! Invariant: entries come in order, none twice; over a server each is verified first.

use std::{thread, time::Duration};

use clap::Args;
use lian_client::http::LogEntry;
use serde_json::{Value, json};

use crate::{
    failure::{Exit, Failure, Result},
    out::Out,
    remote::{Remote, failed},
    say::{Entry, group, verdict_json, verdict_word},
    session::Session,
    text::Text,
    when::{iso, roc},
};

const TAIL_EXAMPLES: &str = "\
Examples:
  lian tail                                  the last 10 entries
  lian tail -f                               and then every new one, for ever
  lian tail -f --server https://ledger.example --json | jq .payload
";
const STATUS_EXAMPLES: &str = "\
Examples:
  lian status
  lian status --server https://ledger.example
";
/// How often a folder is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Options of `lian tail`.
#[derive(Args)]
#[command(before_help = TAIL_EXAMPLES)]
pub struct Tail {
    /// Go on with every new entry
    #[arg(short, long)]
    follow: bool,
    /// So many of the last
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    limit: u64,
    /// Begin with this entry
    #[arg(long, value_name = "INDEX", conflicts_with = "limit")]
    from: Option<u64>,
}

/// Options of `lian status`.
#[derive(Args)]
#[command(before_help = STATUS_EXAMPLES)]
pub struct Status {}

fn damaged(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, "damaged", error).fix("run `lian verify`")
}

/// Runs `lian tail`.
pub fn tail(a: &Tail, session: &Session) -> Result<()> {
    if let Some(remote) = session.remote()? {
        return follow_server(a, session.out, &remote);
    }
    let mut next = None;
    loop {
        let view = session.view()?;
        let end = view.reader.head().size();
        let start = next.unwrap_or_else(|| a.from.unwrap_or(end.saturating_sub(a.limit)));
        if start > end {
            return Err(Failure::new(
                Exit::Failed,
                "rollback",
                format!("the log had {start} entries and has {end}"),
            ));
        }
        for stored in view.reader.entries(start..end).map_err(damaged)? {
            let stored = stored.map_err(damaged)?;
            print(session.out, &Entry::open(&stored)?);
        }
        if !a.follow {
            return Ok(());
        }
        next = Some(end);
        thread::sleep(LOOK);
    }
}

fn follow_server(a: &Tail, out: Out, remote: &Remote) -> Result<()> {
    let end = remote.client.checkpoint().map_err(failed)?.size;
    let start = a.from.unwrap_or(end.saturating_sub(a.limit));
    if !a.follow {
        for entry in remote.client.entries(start..end).map_err(failed)? {
            show(out, &entry)?;
        }
        return Ok(());
    }
    for entry in remote.client.tail(start) {
        match entry {
            Ok(entry) => show(out, &entry)?,
            // Patience has ended once; whoever follows has more of it.
            Err(error @ lian_client::http::Error::Unreachable { .. }) => out.talk(format!("note: {error}")),
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

fn show(out: Out, entry: &LogEntry) -> Result<()> {
    if let Some(payload) = &entry.payload {
        print(out, &Entry::of(&entry.leaf, payload)?);
        return Ok(());
    }
    if out.json {
        let recorded_at = iso(entry.recorded_at);
        let verdict = verdict_json(entry.verdict);
        out.line(
            json!({"index": entry.index, "recorded_at": recorded_at, "verdict": verdict, "withheld": true})
                .to_string(),
        );
    } else {
        let (index, moment) = (group(entry.index), roc(entry.recorded_at));
        let withheld = out.text(Text::Withheld, &[]);
        out.line(format!("{index:>7}  {moment}  {withheld}  {}", verdict_word(entry.verdict, out)));
    }
    Ok(())
}

/// One line an entry: words for people, JSON for programs.
fn print(out: Out, entry: &Entry<'_>) {
    out.line(if out.json { entry.json().to_string() } else { entry.line(out) });
}

/// Runs `lian status`.
pub fn status(_: &Status, session: &Session) -> Result<()> {
    let out = session.out;
    let value = match session.remote()? {
        Some(remote) => of_server(&remote)?,
        None => of_folder(session)?,
    };
    if out.json {
        out.value(&value);
        return Ok(());
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        out.line(format!("{name:<12} {text}"));
    }
    Ok(())
}

fn of_server(remote: &Remote) -> Result<Value> {
    let seen = remote.client.last_seen().map_err(failed)?;
    let head = remote.client.checkpoint().map_err(failed)?;
    let epoch = remote.client.last_epoch().map_err(failed)?;
    let ready = match remote.client.unverified().ready() {
        Ok(_) => "ready".to_owned(),
        Err(error) => failed(error).what,
    };
    Ok(json!({
        "server": remote.client.url(), "ledger": remote.client.genesis().map_err(failed)?.id, "state": ready,
        "size": head.size, "root": head.root.to_hex(), "seen": seen.map(|seen| seen.size), "epoch": epoch.number,
        "epoch_size": epoch.size,
    }))
}

fn of_folder(session: &Session) -> Result<Value> {
    let view = session.view()?;
    let head = view.reader.head();
    let last = crate::when::recorded_at(&view.reader, head.size() - 1)?;
    let published = std::fs::read(session.folder.join("checkpoint")).ok();
    let published = published.and_then(|note| lian_core::checkpoint::open(&note, &view.log).ok());
    Ok(json!({
        "folder": session.folder, "name": view.name, "log_key": view.log.to_string(), "size": head.size(),
        "root": head.tip().range().root().to_hex(), "last_entry": iso(last),
        "published": published.map(|open| open.checkpoint.size),
    }))
}
