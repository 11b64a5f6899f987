//! `lian receipt`: fetch a receipt for an entry; explain one in plain words.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lian_client::answer::open_receipt;
use lian_core::{
    note::VerifierKey,
    receipt::{RECEIPT_BYTES_MAX, Receipt},
};
use lian_server::service::receipt_of;
use serde_json::json;

use super::{
    afar,
    log::{find, streams_of},
};
use crate::{
    failure::{Exit, Failure, Result},
    folder::{read_file, write_file},
    say::{Entry, group},
    session::Session,
    text::Text,
    when::Ref,
};

const EXAMPLES: &str = "\
Examples:
  lian receipt get 94 --out refused.tlog-proof
  lian receipt get guarantee/FB-115-000123@v2
  lian receipt show refused.tlog-proof
  lian verify refused.tlog-proof --log-key …      needs no ledger at all
";

/// Options of `lian receipt`.
#[derive(Args)]
#[command(before_help = EXAMPLES, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Write the receipt of an entry (C2SP tlog-proof)
    Get(Get),
    /// Say what a receipt proves
    Show(Show),
}

#[derive(Args)]
struct Get {
    /// An entry or object
    #[arg(value_name = "REF", value_parser = Ref::parse)]
    what: Ref,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Args)]
struct Show {
    /// The receipt; - is standard input
    file: PathBuf,
    /// The log's public key, from outside [default: as entry 0 of the ledger claims it]
    #[arg(long, value_name = "VKEY")]
    log_key: Option<String>,
}

/// Runs it.
pub fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    match &arguments.verb {
        Verb::Get(a) => get(a, session),
        Verb::Show(a) => show(a, session),
    }
}

fn get(a: &Get, session: &Session) -> Result<()> {
    let out = session.out;
    if let Some(remote) = session.remote()? {
        return afar::receipt(session, &remote, &a.what, a.out.as_deref());
    }
    let view = session.view()?;
    let index = find(session, &view, &a.what)?;
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "receipt", error);
    let size = view.reader.head().size();
    if index >= size {
        return Err(Failure::new(Exit::Usage, "beyond", format!("the log has {size} entries")));
    }
    let receipt = receipt_of(&view.reader, index).map_err(|error| failed(&error))?;
    let sealed = open_receipt(&receipt, &view.log, None).map_err(|error| failed(&error))?;
    let Some(path) = &a.out else {
        out.bytes(&receipt);
        return Ok(());
    };
    write_file(path, &receipt)?;
    if out.json {
        out.value(&json!({"index": index, "receipt": path, "checkpoint": sealed.checkpoint.size}));
    } else {
        let checked = out.text(Text::ReceiptChecked, &[]);
        out.line(format!("receipt  {}   entry {}   {checked}", path.display(), group(index)));
    }
    Ok(())
}

fn show(a: &Show, session: &Session) -> Result<()> {
    let out = session.out;
    let bytes = read_file(&a.file, RECEIPT_BYTES_MAX as u64)?;
    let (log, claimed) = match &a.log_key {
        Some(text) => (VerifierKey::parse(text).map_err(Failure::usage)?, false),
        None => match session.remote()? {
            Some(remote) => (remote.client.log_key().clone(), false),
            None => (session.view()?.log, true),
        },
    };
    let receipt = Receipt::parse(&bytes).map_err(|error| Failure::new(Exit::Failed, "receipt", error))?;
    let sealed = open_receipt(&bytes, &log, None).map_err(|error| {
        Failure::new(Exit::Failed, "receipt", format!("FAIL {error}")).because(format!("log key {log}"))
    })?;
    let parts = receipt.entry().map_err(|error| Failure::new(Exit::Failed, "receipt", error))?;
    let entry = Entry::of(parts.leaf, parts.payload)?;
    let size = sealed.checkpoint.size;
    if out.json {
        out.value(&json!({
            "result": "PASS", "log_key": log.to_string(), "log_key_from_outside": !claimed, "entry": entry.json(),
            "checkpoint": {"size": size, "root": sealed.checkpoint.root.to_hex()}, "streams": streams_of(parts.payload),
        }));
        return Ok(());
    }
    out.line(format!(
        "{} entry {} is in the log {} of {} entries (proof of {} hashes, signed by the log)",
        out.word("PASS"),
        group(sealed.index),
        sealed.checkpoint.origin,
        group(size),
        receipt.proof.len()
    ));
    for line in entry.lines(out) {
        out.line(line);
    }
    if claimed {
        out.talk(out.text(Text::LogKeyClaimed, &[&log.name(), &log]));
    }
    Ok(())
}
