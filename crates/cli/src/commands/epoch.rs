//! `lian epoch`: the moments that count, and proofs that nothing was left out.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use clap::{Args, Subcommand};
use lian_core::{
    hash::{Digest, leaf_hash},
    map::{MapProof, accumulate, check_map, stream_key, stream_value},
};
use lian_domain::epochs::Epoch;
use lian_server::{clock::SystemClock, peek, service::Service};
use serde_json::{Value, json};

use crate::{
    failure::{Exit, Failure, Result},
    folder::{now_ms, read_file, take, write_file},
    say::{group, to_json},
    session::Session,
    when::{iso, roc},
};

const EXAMPLES: &str = "\
Examples:
  lian epoch list
  lian epoch close                            closes the epoch that is due
  lian epoch prove guarantee/FB-115-000123 --out all.json    all entries that name it, and its state
  lian epoch check all.json --map 5f0c…       needs no ledger: only the map root of that epoch
";
/// A proof file is at most this long.
const PROOF_BYTES_MAX: u64 = 64 << 20;
/// How long `close` waits for the log to act; it looks every second.
const CLOSE_WAIT: Duration = Duration::from_secs(10);

/// Options of `lian epoch`.
#[derive(Args)]
#[command(before_help = EXAMPLES, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List all epochs
    List,
    /// Show one
    Show {
        /// Its number
        number: u64,
    },
    /// Close the epoch that is due
    Close,
    /// Prove that these are all entries that name a stream, and its state; checked here
    Prove(Prove),
    /// Check such a proof again
    Check(Check),
}

#[derive(Args)]
struct Prove {
    /// The stream, such as guarantee/FB-115-000123
    stream: String,
    /// The epoch [default: the last one]
    #[arg(long, value_name = "N")]
    epoch: Option<u64>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Args)]
struct Check {
    /// The proof
    file: PathBuf,
    /// Map root of its epoch, from a source that you trust [default: the ledger]
    #[arg(long, value_name = "HEX")]
    map: Option<String>,
}

/// Runs it.
pub fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    match &arguments.verb {
        Verb::List => list(session),
        Verb::Show { number } => show(*number, session),
        Verb::Close => close(session),
        Verb::Prove(a) => prove(a, session),
        Verb::Check(a) => check(a, session),
    }
}

fn value(number: u64, epoch: &Epoch) -> Value {
    json!({
        "epoch": number, "size": epoch.size, "root": epoch.root.to_hex(), "map": epoch.map.to_hex(),
        "closed_at": iso(epoch.closed_at), "cosigned": epoch.is_cosigned(), "checkpoint": epoch.checkpoint,
    })
}

fn list(session: &Session) -> Result<()> {
    let ledger = session.view()?.fold_all(session.out)?;
    if session.out.json {
        let epochs = (0..).zip(ledger.epochs()).map(|(number, epoch)| value(number, epoch));
        session.out.value(&json!({"epochs": epochs.collect::<Vec<_>>()}));
        return Ok(());
    }
    for (number, epoch) in ledger.epochs().iter().enumerate() {
        let (size, when) = (group(epoch.size), roc(epoch.closed_at));
        let cosigned = if epoch.is_cosigned() { "cosigned" } else { "not cosigned" };
        session.out.line(format!(
            "{number:>5}  {when}  {size:>8} entries  map {}…  {cosigned}",
            &epoch.map.to_hex()[..16]
        ));
    }
    Ok(())
}

fn show(number: u64, session: &Session) -> Result<()> {
    let ledger = session.view()?.fold_all(session.out)?;
    let epoch = usize::try_from(number).ok().and_then(|at| ledger.epochs().get(at));
    let epoch = epoch.ok_or_else(|| Failure::usage(format!("epoch {number} is not closed yet")))?;
    if session.out.json {
        session.out.value(&value(number, epoch));
        return Ok(());
    }
    let when = roc(epoch.closed_at);
    session.out.line(format!("epoch {number}   closed {when}   {} entries", group(epoch.size)));
    session.out.line(format!("root  {}\nmap   {}\ncosigned  {}", epoch.root, epoch.map, epoch.is_cosigned()));
    Ok(())
}

fn close(session: &Session) -> Result<()> {
    let out = session.out;
    let (opened, keys) = take(&session.folder, &session.keyring, out)?;
    let (before, number) = (opened.ledger.size(), opened.ledger.epochs().len());
    if !opened.ledger.epoch_due(now_ms()) {
        if out.json {
            out.value(&json!({"closed": null, "next": number}));
        } else {
            out.line(format!(
                "epoch {number} is not due yet: an entry of an earlier ten minutes makes it so"
            ));
        }
        return Ok(());
    }
    if session.dry_run {
        out.line(format!("would close epoch {number} at size {before}"));
        return Ok(());
    }
    let service = Service::start(opened, keys, Arc::new(SystemClock::new()), 1);
    let deadline = Instant::now() + CLOSE_WAIT;
    while service.reader().head().size() == before && service.stopped().is_none() && Instant::now() < deadline
    {
        std::thread::sleep(Duration::from_millis(50));
    }
    let size = service.reader().head().size();
    service.close().map_err(|error| Failure::new(Exit::Io, "stopped", error))?;
    if size == before {
        return Err(Failure::new(Exit::Io, "stopped", "the log did not close the epoch in time"));
    }
    if out.json {
        out.value(&json!({"closed": number, "size": before}));
    } else {
        out.line(format!("epoch {number} closed at size {}", group(before)));
    }
    Ok(())
}

fn prove(a: &Prove, session: &Session) -> Result<()> {
    let out = session.out;
    let view = session.view()?;
    let whole = view.fold_all(out)?;
    let newest = whole.epochs().len() as u64 - 1;
    let number = a.epoch.unwrap_or(newest);
    let epoch = usize::try_from(number).ok().filter(|at| *at > 0).and_then(|at| whole.epochs().get(at));
    let epoch = epoch.ok_or_else(|| {
        Failure::usage(format!("epoch {number} has no map")).fix("epochs from 1 on have one: lian epoch list")
    })?;
    let mut ledger = view.fold(epoch.size, out)?;
    let damaged = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "damaged", error);
    let mut entries = Vec::new();
    for index in peek::history(&view.reader, &ledger, &a.stream).map_err(|error| damaged(&error))? {
        let stored = view.reader.read_entry(index).map_err(|error| damaged(&error))?;
        entries.push(json!({"index": index, "leaf_hash": leaf_hash(&stored.leaf).to_hex()}));
    }
    let proof = ledger.prove_stream(&a.stream);
    let found = ledger.stream(&a.stream);
    let file = json!({
        "stream": a.stream, "epoch": number, "size": epoch.size, "map": epoch.map.to_hex(),
        "version": found.map_or(0, |stream| stream.version),
        "entries": entries,
        "state": found.and_then(lian_domain::ledger::Stream::state_value).as_ref().map(to_json),
        "state_digest": found.map(|stream| stream.state_digest().to_hex()),
        "exists": found.is_some_and(|stream| stream.logged > 0),
        "proof": proof.to_text(),
    });
    verify(&file, &epoch.map).map_err(|why| damaged(&why))?;
    if let Some(path) = &a.out {
        write_file(path, format!("{file:#}\n").as_bytes())?;
    }
    if out.json {
        out.value(&file);
    } else {
        tell(session, &file, a.out.as_deref());
    }
    Ok(())
}

fn tell(session: &Session, file: &Value, path: Option<&Path>) {
    let out = session.out;
    let (stream, epoch, size) = (file["stream"].as_str().unwrap_or_default(), &file["epoch"], &file["size"]);
    let pass = out.word("PASS");
    if file["exists"] == json!(false) {
        out.line(format!("{pass} no entry below {size} names {stream} (epoch {epoch}), checked here"));
    } else {
        let count = file["entries"].as_array().map_or(0, Vec::len);
        out.line(format!(
            "{pass} these {count} are all entries below {size} that name {stream} (epoch {epoch}), and this is its state; checked here"
        ));
        let indexes: Vec<String> = file["entries"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|entry| entry["index"].to_string())
            .collect();
        out.line(format!(
            "  entries  {}\n  version  {}\n  state    {}",
            indexes.join(" "),
            file["version"],
            file["state_digest"].as_str().unwrap_or("–")
        ));
    }
    if let Some(path) = path {
        out.line(format!("  proof    {}", path.display()));
    }
}

fn check(a: &Check, session: &Session) -> Result<()> {
    let bytes = read_file(&a.file, PROOF_BYTES_MAX)?;
    let file: Value =
        serde_json::from_slice(&bytes).map_err(|error| Failure::usage(format!("proof: {error}")))?;
    let map = if let Some(hex) = &a.map {
        Digest::from_hex(hex)
    } else {
        let number = file["epoch"].as_u64().and_then(|number| usize::try_from(number).ok());
        let ledger = session.view()?.fold_all(session.out)?;
        number.and_then(|number| ledger.epochs().get(number)).map(|epoch| epoch.map)
    };
    let map =
        map.ok_or_else(|| Failure::usage("the map root is 64 hex digits, or the ledger has no such epoch"))?;
    verify(&file, &map).map_err(|why| Failure::new(Exit::Failed, "map-proof", format!("FAIL {why}")))?;
    if session.out.json {
        session.out.value(&json!({"result": "PASS", "stream": file["stream"], "epoch": file["epoch"]}));
    } else {
        tell(session, &file, None);
    }
    Ok(())
}

/// Does the proof hold under this map root?
fn verify(file: &Value, map: &Digest) -> std::result::Result<(), String> {
    let text = |name: &str| file[name].as_str().ok_or_else(|| format!("{name} is missing"));
    let stream = text("stream")?;
    let proof = MapProof::from_text(text("proof")?).map_err(|_| "the proof does not parse".to_owned())?;
    let expected = if file["exists"] == json!(true) { Some(value_of(file)?) } else { None };
    check_map(map, &stream_key(stream), expected.as_ref(), &proof)
        .map_err(|_| format!("the proof does not lead to the map root {map}"))
}

/// What the map must hold if these are all the entries and this is the state.
fn value_of(file: &Value) -> std::result::Result<Digest, String> {
    let mut acc = Digest::ZERO;
    let entries = file["entries"].as_array().ok_or("entries are missing")?;
    for entry in entries {
        let index = entry["index"].as_u64().ok_or("an entry has no index")?;
        let hash =
            entry["leaf_hash"].as_str().and_then(Digest::from_hex).ok_or("an entry has no leaf hash")?;
        acc = accumulate(&acc, index, &hash);
    }
    let state =
        file["state_digest"].as_str().and_then(Digest::from_hex).ok_or("the state digest is missing")?;
    let stated = &file["state"];
    if !stated.is_null() {
        // serde_json keeps members sorted, and there are neither floats nor escapes beyond ours.
        let bytes = serde_json::to_vec(stated).map_err(|error| error.to_string())?;
        if lian_core::hash::sha256(&[b"lian/state/v1\n", &bytes]) != state {
            return Err("the state is not the one of the digest".to_owned());
        }
    }
    let version = file["version"].as_u64().ok_or("the version is missing")?;
    Ok(stream_value(version, entries.len() as u64, &acc, &state))
}
