//! `lian replay` and `lian diff`: the past, and what changed since.

use std::path::Path;

use clap::Args;
use lian_core::{checkpoint, hash::Digest, merkle::check_consistency};
use lian_domain::{
    ledger::Ledger,
    views::{
        changes::{Change, changes},
        guarantees::rows,
    },
};
use serde_json::json;

use crate::{
    failure::{Exit, Failure, Result},
    folder::{View, read_file},
    say::{group, money, short, standing_word, to_json},
    session::Session,
    when::{When, day_of, iso, recorded_at, roc, size_at},
};

const REPLAY_EXAMPLES: &str = "\
Examples:
  lian replay --as-of 115-03-31                                the ledger at the end of that day
  lian replay --as-of seq:94 --show guarantee/FB-115-000123
  lian replay --as-of 115-09-13 --show guarantee/FB-115-000123 --diff now
";
const DIFF_EXAMPLES: &str = "\
Examples:
  lian diff 115-09-13 now             what changed, object by object, with the proof of extension
  lian diff checkpoint:121 epoch:8
  lian diff kept.checkpoint now       a checkpoint file that you kept; FAIL if history was rewritten
";
/// A checkpoint file is at most this long.
const CHECKPOINT_BYTES_MAX: u64 = 64 << 10;

/// Options of `lian replay`.
#[derive(Args)]
#[command(before_help = REPLAY_EXAMPLES)]
pub struct Replay {
    /// RFC 3339, 115-03-31, 2026-03-31, seq:N, checkpoint:N, epoch:N or now
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    as_of: When,
    /// One object
    #[arg(long, value_name = "STREAM")]
    show: Option<String>,
    /// What changed until then
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    diff: Option<When>,
}

/// Options of `lian diff`.
#[derive(Args)]
#[command(before_help = DIFF_EXAMPLES)]
pub struct Diff {
    /// The earlier moment, or a checkpoint file
    #[arg(value_name = "A")]
    before: String,
    /// The later moment
    #[arg(value_name = "B", value_parser = When::parse, default_value = "now")]
    after: When,
    /// Only this object
    #[arg(long)]
    stream: Option<String>,
}

/// Where a moment falls, for people.
fn place(view: &View, when: When, size: u64) -> Result<(String, u64)> {
    let moment = match (when, size.checked_sub(1)) {
        (When::Moment(ms), _) => ms,
        (_, Some(last)) => recorded_at(&view.reader, last)?,
        (_, None) => 0,
    };
    let last = size
        .checked_sub(1)
        .map_or_else(|| "before entry 0".to_owned(), |last| format!("entry {}", group(last)));
    Ok((format!("{} ({}) = {last}", roc(moment), iso(moment)), moment))
}

/// Runs `lian replay`.
pub fn replay(a: &Replay, session: &Session) -> Result<()> {
    let out = session.out;
    let view = session.view()?;
    let size = size_at(a.as_of, &view.reader)?;
    let ledger = view.fold(size, out)?;
    let (text, moment) = place(&view, a.as_of, size)?;
    let mut value = json!({"as_of": iso(moment), "size": size});
    if !out.json {
        out.line(format!("as of {text}, every verdict computed again"));
    }
    if let Some(later) = a.diff {
        let end = size_at(later, &view.reader)?;
        if end < size {
            return Err(Failure::usage("--diff names an earlier moment").fix("exchange the two"));
        }
        let then = view.fold(end, out)?;
        let (text, _) = place(&view, later, end)?;
        value["diff"] = json!({"size": end});
        if !out.json {
            out.line(format!("until {text}"));
        }
        value["changes"] = list_changes(session, &ledger, &then, a.show.as_deref());
    } else if let Some(stream) = &a.show {
        value["object"] = show_object(session, &ledger, stream)?;
    } else {
        value["summary"] = summary(session, &ledger, moment);
    }
    if out.json {
        out.value(&value);
    }
    Ok(())
}

fn show_object(session: &Session, ledger: &Ledger, stream: &str) -> Result<serde_json::Value> {
    let out = session.out;
    let found = ledger.stream(stream);
    let found = found.ok_or_else(|| Failure::usage(format!("{stream} was not there yet")))?;
    let state = found.state_value();
    if !out.json {
        out.line(format!("{stream}  v{}  {} entries", found.version, group(found.logged)));
        if let Some(lian_core::json::Value::Object(members)) = &state {
            for (name, value) in members {
                out.line(format!("  {name:<12} {}", short(Some(value))));
            }
        }
    }
    let digest = found.state_digest().to_hex();
    Ok(
        json!({"stream": stream, "version": found.version, "state": state.as_ref().map(to_json), "state_digest": digest}),
    )
}

fn summary(session: &Session, ledger: &Ledger, moment: u64) -> serde_json::Value {
    let out = session.out;
    let rows = rows(ledger, day_of(moment));
    let sum = |of: &dyn Fn(&lian_domain::guarantee::State) -> u64| {
        rows.iter().map(|row| of(row.state)).sum::<u64>()
    };
    let (outstanding, available) = (
        sum(&|state| state.outstanding().get()),
        sum(&|state| if state.status().has_ended() { 0 } else { state.available().get() }),
    );
    let mut standings: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for row in &rows {
        *standings.entry(row.standing.name()).or_default() += 1;
    }
    let (streams, epochs, keys) =
        (ledger.streams().len(), ledger.epochs().len(), ledger.directory().keys().count());
    if !out.json {
        out.line(format!(
            "objects      {}   keys {keys}   epochs {epochs}   rules {}",
            group(streams as u64),
            ledger.rules().version
        ));
        for (name, count) in &standings {
            out.line(format!(
                "guarantees   {:>6}  {}",
                group(*count),
                standing_word(name_of(name), out.lang)
            ));
        }
        out.line(format!("outstanding  {}", money(outstanding)));
        out.line(format!("quota left   {}", money(available)));
    }
    json!({
        "objects": streams, "keys": keys, "epochs": epochs, "rules": ledger.rules().version,
        "guarantees": standings, "outstanding": outstanding, "available": available,
    })
}

/// The constant of a status name.
fn name_of(name: &str) -> &'static str {
    const NAMES: [&str; 9] = [
        "requested",
        "not_yet_valid",
        "active",
        "exhausted",
        "suspended",
        "expired",
        "closed",
        "rejected",
        "withdrawn",
    ];
    NAMES.into_iter().find(|known| *known == name).unwrap_or("")
}

/// Lists what changed; gives the same for programs.
fn list_changes(session: &Session, before: &Ledger, after: &Ledger, only: Option<&str>) -> serde_json::Value {
    let mut found = changes(before, after);
    found.retain(|change| only.is_none_or(|stream| stream == change.stream));
    if !session.out.json {
        for change in &found {
            print_change(session, change);
        }
        session.out.talk(format!("{} objects changed", group(found.len() as u64)));
    }
    let values = found.iter().map(|change| {
        let members = change.members().into_iter().map(|(name, before, after)| {
            json!({"member": name, "before": before.as_ref().map(to_json), "after": after.as_ref().map(to_json)})
        });
        json!({
            "stream": change.stream, "versions": [change.versions.0, change.versions.1],
            "logged": [change.logged.0, change.logged.1], "members": members.collect::<Vec<_>>(),
        })
    });
    json!(values.collect::<Vec<_>>())
}

fn print_change(session: &Session, change: &Change) {
    let out = session.out;
    let refused = (change.logged.1 - change.logged.0 > 0 && change.versions.0 == change.versions.1)
        .then_some("   only refusals");
    let (from, to) = change.versions;
    out.line(format!("{}  v{from} → v{to}{}", change.stream, refused.unwrap_or_default()));
    for (name, before, after) in change.members() {
        out.line(format!("  {name:<14} {} → {}", short(before.as_ref()), short(after.as_ref())));
    }
}

/// Runs `lian diff`.
pub fn diff(a: &Diff, session: &Session) -> Result<()> {
    let out = session.out;
    let view = session.view()?;
    let end = size_at(a.after, &view.reader)?;
    let damaged = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "damaged", error);
    let (old, root) = earlier(&view, &a.before)?;
    if old > end {
        return Err(Failure::new(Exit::Failed, "cut-back", format!("FAIL A has {old} entries, B has {end}"))
            .because("either the two are exchanged, or the log was cut back"));
    }
    let new_root = view.reader.root_at(end).map_err(|error| damaged(&error))?;
    let proof = view.reader.prove_consistency(old, end).map_err(|error| damaged(&error))?;
    let holds = check_consistency(old, end, &root, &new_root, &proof).is_ok();
    if !out.json {
        let word = out.word(if holds { "PASS" } else { "FAIL" });
        let says = if holds { "is a prefix of" } else { "is NO prefix of" };
        out.line(format!(
            "{word} checkpoint {} {says} checkpoint {}: {} hashes, checked here",
            group(old),
            group(end),
            proof.len()
        ));
        out.line(format!("  {root}\n  {new_root}"));
        for hash in &proof {
            out.line(format!("    {hash}"));
        }
    }
    let proof: Vec<String> = proof.iter().map(Digest::to_hex).collect();
    let mut value = json!({
        "prefix": holds, "before": {"size": old, "root": root.to_hex()},
        "after": {"size": end, "root": new_root.to_hex()}, "proof": proof,
    });
    if holds {
        let (before, after) = (view.fold(old, out)?, view.fold(end, out)?);
        value["changes"] = list_changes(session, &before, &after, a.stream.as_deref());
    }
    if out.json {
        out.value(&value);
    }
    if holds { Ok(()) } else { Err(Failure::said(Exit::Failed, "rewritten")) }
}

/// Size and root of A: of a file that was kept, or of this log.
fn earlier(view: &View, text: &str) -> Result<(u64, Digest)> {
    let path = Path::new(text);
    if path.is_file() {
        let note = read_file(path, CHECKPOINT_BYTES_MAX)?;
        let kept = checkpoint::open(&note, &view.log)
            .map_err(|error| Failure::new(Exit::Failed, "checkpoint", format!("{text}: {error}")))?;
        return Ok((kept.checkpoint.size, kept.checkpoint.root));
    }
    let when = When::parse(text).map_err(Failure::usage)?;
    let size = size_at(when, &view.reader)?;
    let root = view.reader.root_at(size).map_err(|error| Failure::new(Exit::Failed, "damaged", error))?;
    Ok((size, root))
}
