//! What is read over a server, in the words in which it is read on a folder.
//! Invariant: entries are shown only by their verified receipts; what rests on the server's word
//! alone (sums, lists, the present state) is said to.

use std::path::Path;

use lian_client::http::{Listed, StreamProof};
use lian_domain::{
    dates::Day,
    guarantee::{Standing, State},
    views::guarantees::Row,
};
use lian_server::http::books::standing_of;
use serde_json::{Value, json};

use super::{
    guarantee::{print_state, row_json, row_line},
    log::{Log, matches},
};
use crate::{
    base::state_of,
    failure::{Exit, Failure, Result},
    folder::write_file,
    remote::{Remote, failed, readable},
    say::{Entry, group, money, short, to_json},
    session::Session,
    text::Text,
    when::{Ref, When},
};

/// A guarantee as a server shows it.
struct Shown {
    stream: String,
    state: State,
    standing: Standing,
    version: u64,
    last: u64,
}

impl Shown {
    fn of(card: &Value) -> Result<Self> {
        let number = |name: &str| card[name].as_u64().unwrap_or_default();
        let standing = standing_of(card["status"].as_str().unwrap_or_default());
        let odd = || Failure::new(Exit::Io, "answer", format!("{} is no status", card["status"]));
        Ok(Self {
            stream: card["stream"].as_str().unwrap_or_default().to_owned(),
            state: state_of(&card["state"])?,
            version: number("version"),
            last: number("last_seq"),
            standing: standing.ok_or_else(odd)?,
        })
    }

    fn row(&self) -> Row<'_> {
        let (stream, state) = (self.stream.as_str(), &self.state);
        Row { stream, state, standing: self.standing, version: self.version, last: self.last }
    }
}

/// A card of a list, with its whole state: that of an older server has none.
fn whole(remote: &Remote, card: &Value, as_of: Option<&str>) -> Result<Shown> {
    if card.get("state").is_some() {
        return Shown::of(card);
    }
    let no = card["no"].as_str().unwrap_or_default();
    let card = remote.client.unverified().guarantee(no, as_of).map_err(failed)?;
    Shown::of(&card)
}

/// `lian guarantee list`
pub fn list_guarantees(
    session: &Session,
    remote: &Remote,
    wanted: &Listed<'_>,
    expires_by: Option<Day>,
) -> Result<()> {
    let out = session.out;
    let as_of = wanted.parameters.iter().find(|(name, _)| *name == "as_of").map(|(_, value)| value.as_str());
    let (cards, size) = remote.client.unverified().all_as_of("/v1/guarantees", wanted).map_err(failed)?;
    let mut found = Vec::with_capacity(cards.len());
    for card in &cards {
        let shown = whole(remote, card, as_of)?;
        if expires_by.is_none_or(|day| shown.state.terms().to <= day) {
            found.push(shown);
        }
    }
    if out.json {
        let rows: Vec<Value> = found.iter().map(|shown| row_json(&shown.row())).collect();
        out.value(&json!({"guarantees": rows, "size": size}));
        return Ok(());
    }
    for shown in &found {
        out.line(row_line(&shown.row(), out.lang));
    }
    out.talk(out.text(Text::ServerSays, &[]));
    Ok(())
}

/// `lian guarantee show`
pub fn show_guarantee(session: &Session, remote: &Remote, no: &str, as_of: When) -> Result<()> {
    let out = session.out;
    let no = no.trim_start_matches("guarantee/");
    let moment = as_of.spelled();
    let card = remote.client.unverified().guarantee(no, moment.as_deref()).map_err(failed)?;
    let shown = Shown::of(&card)?;
    let path = format!("/v1/guarantees/{no}/history");
    let history =
        remote.client.unverified().read(&path, &Listed::default().with("as_of", moment)).map_err(failed)?;
    let history = history["data"].as_array().into_iter().flatten();
    let history: Vec<u64> = history.filter_map(|entry| entry["seq"].as_u64()).collect();
    let proof = proof_of(remote, &shown.stream)?;
    if let Some(proof) = &proof {
        hold_against(proof, &history, &card)?;
    }
    if out.json {
        let mut value = row_json(&shown.row());
        value["entries"] = json!(history);
        value["as_of_size"] = card["as_of"]["checkpoint"].clone();
        value["proof"] = proof.as_ref().map_or(Value::Null, proof_json);
        out.value(&value);
        return Ok(());
    }
    print_state(&shown.row(), out);
    for index in history {
        let proved = remote.client.entry(index).map_err(failed)?;
        out.line(Entry::of(&proved.leaf, &proved.payload)?.line(out));
    }
    tell_proof(session, proof.as_ref());
    Ok(())
}

/// The proof of the last epoch; none before the first one closes.
fn proof_of(remote: &Remote, stream: &str) -> Result<Option<StreamProof>> {
    match remote.client.stream(stream) {
        Ok(proof) => Ok(Some(proof)),
        Err(lian_client::http::Error::Problem(problem)) if problem.status == 404 => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// What the server lists must hold what it proved before: all entries below the epoch, no others.
fn hold_against(proof: &StreamProof, history: &[u64], card: &Value) -> Result<()> {
    let size = card["as_of"]["checkpoint"].as_u64().unwrap_or_default().min(proof.epoch.size);
    let listed: Vec<u64> = history.iter().copied().filter(|index| *index < size).collect();
    let proved: Vec<u64> =
        proof.entries.iter().map(|(index, _)| *index).filter(|index| *index < size).collect();
    if listed == proved {
        return Ok(());
    }
    let what = format!("the server lists entries {listed:?} and proves {proved:?}");
    Err(Failure::new(Exit::Failed, "not-verified", what))
}

fn proof_json(proof: &StreamProof) -> Value {
    let entries: Vec<u64> = proof.entries.iter().map(|(index, _)| *index).collect();
    let result = if proof.is_confirmed() { "PASS" } else { "UNCONFIRMED" };
    json!({
        "epoch": proof.epoch.number, "size": proof.epoch.size, "entries": entries, "result": result,
        "mirrors": proof.mirrors,
    })
}

fn tell_proof(session: &Session, proof: Option<&StreamProof>) {
    let out = session.out;
    let Some(proof) = proof else { return out.line(out.text(Text::NoEpochYet, &[])) };
    let (count, size) = (group(proof.entries.len() as u64), group(proof.epoch.size));
    let word = out.word(if proof.is_confirmed() { "PASS" } else { "UNCONFIRMED" });
    out.line(format!("{word} {}", out.text(Text::ProvedComplete, &[&count, &size, &proof.epoch.number])));
}

/// `lian guarantee quota`
pub fn quota(session: &Session, remote: &Remote, company: &str, as_of: When) -> Result<()> {
    let out = session.out;
    let moment = as_of.spelled();
    let wanted = Listed::default().with("as_of", moment.as_ref());
    let quota = remote
        .client
        .unverified()
        .read(&format!("/v1/principals/{company}/quota"), &wanted)
        .map_err(failed)?;
    let number = |name: &str| quota[name].as_u64().unwrap_or_default();
    let mut found = Vec::new();
    for card in quota["guarantees"].as_array().into_iter().flatten() {
        found.push(whole(remote, card, moment.as_deref())?);
    }
    if out.json {
        out.value(&json!({
            "company": company, "limit": number("limit"), "outstanding": number("outstanding"),
            "available": number("available"), "scheme_suspended": quota["scheme_suspended"],
            "guarantees": found.iter().map(|shown| row_json(&shown.row())).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    let (left, limit) = (money(number("available")), money(number("limit")));
    out.line(format!("{company}  left {left}  of {limit}  outstanding {}", money(number("outstanding"))));
    if quota["scheme_suspended"] == true {
        out.line(format!("  {}: release before tax is suspended 先放後稅停止適用", out.word("SUSPENDED")));
    }
    for shown in &found {
        out.line(format!("  {}", row_line(&shown.row(), out.lang)));
    }
    out.talk(out.text(Text::ServerSays, &[]));
    Ok(())
}

/// `lian guarantee exposure`: of every bank that the rules name.
pub fn exposure(session: &Session, remote: &Remote, as_of: When) -> Result<()> {
    let out = session.out;
    let wanted = Listed::default().with("as_of", as_of.spelled());
    let genesis = remote.client.genesis().map_err(failed)?;
    let mut rows = Vec::new();
    for bank in &genesis.opening.rules.banks {
        match remote.client.unverified().read(&format!("/v1/banks/{bank}/exposure"), &wanted) {
            Ok(row) => rows.push(row),
            Err(lian_client::http::Error::Problem(problem)) if problem.status == 404 => {}
            Err(error) => return Err(failed(error)),
        }
    }
    if out.json {
        out.value(&json!({"banks": rows}));
        return Ok(());
    }
    for row in &rows {
        let number = |name: &str| row[name].as_u64().unwrap_or_default();
        let (limit, owed) = (money(number("limit")), money(number("outstanding")));
        let bank = row["bank"].as_str().unwrap_or_default();
        let (live, called) = (group(number("live")), money(number("called")));
        out.line(format!("bank {bank}  {live:>4} live  limit {limit}  outstanding {owed}  called {called}"));
    }
    out.talk(out.text(Text::ServerSays, &[]));
    Ok(())
}

/// `lian log`: the server finds, the receipts prove.
pub fn log(session: &Session, remote: &Remote, a: &Log) -> Result<()> {
    let out = session.out;
    let end = size_at(remote, a.as_of)?;
    let start = a.since.map_or(Ok(0), |since| size_at(remote, since))?;
    let kind = a.kind.as_ref().map(|kind| format!("{kind}*"));
    let wanted = Listed::default()
        .with("kind", kind)
        .with("stream", a.stream.as_ref())
        .with("actor", a.actor.as_ref());
    let mut found: Vec<u64> = Vec::new();
    let mut next = start;
    while next < end {
        let page = wanted.clone().with("after", next.checked_sub(1)).with("limit", Some(1_000));
        let page = remote.client.unverified().read("/v1/log/entries", &page).map_err(failed)?;
        let listed = page["data"].as_array().into_iter().flatten();
        let listed = listed.filter(|entry| !a.refused || entry["verdict"]["accepted"] == false);
        found.extend(listed.filter_map(|entry| entry["seq"].as_u64()).filter(|index| *index < end));
        let last = page["next"].as_str().and_then(|last| last.parse::<u64>().ok());
        next = last.filter(|last| *last >= next).map_or(end, |last| last + 1);
    }
    let skip = a.limit.map_or(0, |limit| found.len().saturating_sub(limit));
    let mut values = Vec::new();
    for index in &found[skip..] {
        let Some(proved) = readable(remote, *index)? else {
            let line = format!("{:>7}  {}", group(*index), out.text(Text::Withheld, &[]));
            if out.json {
                values.push(json!({"index": index, "withheld": true}));
            } else {
                out.line(line);
            }
            continue;
        };
        let entry = Entry::of(&proved.leaf, &proved.payload)?;
        match (out.json, a.oneline) {
            _ if !matches(a, &entry) => {}
            (true, _) => values.push(entry.json()),
            (_, true) => out.line(entry.line(out)),
            _ => out.line(format!("{}\n", entry.lines(out).join("\n"))),
        }
    }
    if out.json {
        out.value(&json!(values));
    }
    Ok(())
}

/// Entries of the log at a moment, as the server says.
fn size_at(remote: &Remote, when: When) -> Result<u64> {
    let size = remote.client.checkpoint().map_err(failed)?.size;
    match when {
        When::Now => Ok(size),
        When::Seq(index) => Ok(size.min(index + 1)),
        When::Checkpoint(at) => Ok(size.min(at)),
        When::Moment(_) | When::Epoch(_) => {
            let wanted = Listed::default().with("as_of", when.spelled());
            let answer = remote.client.unverified().read("/v1/keys", &wanted).map_err(failed)?;
            Ok(answer["as_of"]["checkpoint"].as_u64().unwrap_or(size).min(size))
        }
    }
}

/// The index that a reference means.
fn find(remote: &Remote, what: &Ref) -> Result<u64> {
    let said = |answer: &Value| answer["seq"].as_u64();
    let found = match what {
        Ref::Entry(index) => Some(*index),
        Ref::Hash(prefix) => {
            let path = format!("/v1/log/entries/{prefix}");
            said(&remote.client.unverified().read(&path, &Listed::default()).map_err(failed)?)
        }
        Ref::Object(stream, version) => {
            let wanted = Listed::default().with("stream", Some(stream));
            let entries = remote.client.unverified().all("/v1/log/entries", &wanted).map_err(failed)?;
            let made = |entry: &&Value| {
                let events = entry["events"].as_array().into_iter().flatten();
                let mut versions =
                    events.filter(|event| event["stream"] == **stream).map(|event| event["version"].as_u64());
                versions.any(|made| made.is_some() && (version.is_none() || made == *version))
            };
            entries.iter().rfind(made).and_then(said)
        }
    };
    found.ok_or_else(|| Failure::usage("no entry is named so").fix("lian log --oneline lists what there is"))
}

/// `lian show`
pub fn show(
    session: &Session,
    remote: &Remote,
    what: &Ref,
    payload: bool,
    file: Option<&Path>,
) -> Result<()> {
    let out = session.out;
    if let (Ref::Object(stream, None), false) = (what, payload) {
        return object(session, remote, stream);
    }
    let proved = remote.client.entry(find(remote, what)?).map_err(failed)?;
    if payload {
        match file {
            Some(path) => write_file(path, &proved.payload)?,
            None => out.bytes(&proved.payload),
        }
        return Ok(());
    }
    let signed = remote.client.check_signatures(&proved);
    let entry = Entry::of(&proved.leaf, &proved.payload)?;
    if out.json {
        let mut value = entry.json();
        value["signatures_verified"] = json!(signed.is_ok());
        out.value(&value);
    } else {
        entry.lines(out).iter().for_each(|line| out.line(line));
        let keys = entry.statement.issuers.len();
        match &signed {
            Ok(()) => out.line(format!("signatures {} {keys} of {keys}, verified here", out.word("PASS"))),
            Err(fault) => out.line(format!("signatures {} {fault}", out.word("FAIL"))),
        }
    }
    signed.map_err(|_| Failure::said(Exit::Failed, "signature"))
}

fn object(session: &Session, remote: &Remote, stream: &str) -> Result<()> {
    let out = session.out;
    let proof = remote.client.stream(stream).map_err(failed)?;
    if proof.entries.is_empty() {
        let what = format!("no entry below {} names {stream}", proof.epoch.size);
        return Err(Failure::usage(what).fix("lian log --oneline lists what there is"));
    }
    let entries: Vec<u64> = proof.entries.iter().map(|(index, _)| *index).collect();
    if out.json {
        out.value(&json!({
            "stream": stream, "version": proof.version, "logged": entries.len(), "entries": entries,
            "state": proof.state.as_ref().map(to_json), "proof": proof_json(&proof),
        }));
        return Ok(());
    }
    out.line(format!("{stream}  v{}  {} entries name it", proof.version, group(entries.len() as u64)));
    if let Some(lian_core::json::Value::Object(members)) = &proof.state {
        for (name, value) in members {
            out.line(format!("  {name:<12} {}", short(Some(value))));
        }
    }
    for index in entries {
        let proved = remote.client.entry(index).map_err(failed)?;
        out.line(Entry::of(&proved.leaf, &proved.payload)?.line(out));
    }
    tell_proof(session, Some(&proof));
    Ok(())
}

/// `lian receipt get`
pub fn receipt(session: &Session, remote: &Remote, what: &Ref, file: Option<&Path>) -> Result<()> {
    let out = session.out;
    let proved = remote.client.entry(find(remote, what)?).map_err(failed)?;
    let Some(path) = file else {
        out.bytes(&proved.receipt);
        return Ok(());
    };
    write_file(path, &proved.receipt)?;
    let index = proved.sealed.index;
    if out.json {
        out.value(&json!({"index": index, "receipt": path, "checkpoint": proved.sealed.checkpoint.size}));
    } else {
        let checked = out.text(Text::ReceiptChecked, &[]);
        out.line(format!("receipt  {}   entry {}   {checked}", path.display(), group(index)));
    }
    Ok(())
}

/// `lian checkpoint show`
pub fn checkpoint(session: &Session, remote: &Remote, when: When) -> Result<()> {
    let out = session.out;
    let note = remote.client.checkpoint_note().map_err(failed)?;
    let newest = remote.client.checkpoint().map_err(failed)?;
    if when != When::Now {
        let size = size_at(remote, when)?;
        let wanted = Listed::default().with("size", Some(size));
        let then = remote.client.unverified().read("/v1/log/checkpoints", &wanted).map_err(failed)?;
        let root = then["root"].as_str().unwrap_or_default();
        if out.json {
            out.value(&json!({"origin": newest.origin, "size": size, "root": root, "note": null}));
        } else {
            out.line(format!("{}\n{size}\n{root}", newest.origin));
        }
        return Ok(());
    }
    if out.json {
        let text = String::from_utf8_lossy(&note);
        out.value(&json!({"origin": newest.origin, "size": newest.size, "root": newest.root.to_hex(), "note": text}));
    } else {
        out.bytes(&note);
    }
    Ok(())
}

/// `lian checkpoint export`
pub fn export_checkpoint(session: &Session, remote: &Remote, file: Option<&Path>) -> Result<()> {
    let note = remote.client.checkpoint_note().map_err(failed)?;
    if let Some(path) = file {
        return write_file(path, &note);
    }
    session.out.bytes(&note);
    Ok(())
}
