//! `lian sign` and `lian submit`: signing away from the ledger, and sending what was signed.

use std::path::PathBuf;

use lian_core::{
    entry::Verdict,
    hash::{Digest, hex_encode},
    json::Value,
    keys::SecretKey,
    statement::{ENVELOPE_BYTES_MAX, Envelope, STATEMENT_TYPE, Statement, pae, statement_digest},
    time::format_moment,
};
use lian_domain::{filing::Filing, ledger::Ledger};
use lian_server::peek;
use serde_json::{Map, json};

use crate::{
    act::{judge, show_rehearsal, show_repeat},
    failure::{Failure, Result},
    folder::{View, now_s, read_file, take, write_file},
    hand_in::{Parcel, hand_in, hand_in_afar, rehearse_afar},
    keyring::{self, random},
    past::damaged,
    say::Entry,
    session::Session,
    text::Text,
};

const SIGN_EXAMPLES: &str = "\
Examples:
  lian sign draft.json --key bank.pem --out request.json     makes an envelope; needs no ledger
  lian sign draft.json --key bank.pem --dry-run              prints the exact bytes
  lian sign --add enrol.json --key officer-adm1              adds a co-signature in its place
A draft is the statement as JSON in any spelling; id, issued_at, valid_until, occurred_at and the
issuers' keys are filled in where they are missing.
";
const SUBMIT_EXAMPLES: &str = "\
Examples:
  lian submit request.json                    safe to repeat: the first receipt comes back
  lian submit *.json --receipts receipts
  lian submit request.json --dry-run          what the rules would say
  lian submit request.json --server https://ledger.example
";

/// How long a statement stays valid unless its draft says otherwise.
const VALID_SECONDS: i64 = lian_client::draft::VALID_SECONDS;

/// Options of `lian sign`.
#[derive(clap::Args)]
#[command(before_help = SIGN_EXAMPLES)]
pub struct Sign {
    /// A draft; with --add, an envelope; - is standard input
    file: PathBuf,
    /// Add the signatures of these keys to an envelope
    #[arg(long)]
    add: bool,
    /// A key file; may be given again
    #[arg(short, long = "key", value_name = "KEY", required = true)]
    keys: Vec<String>,
    /// Where the envelope goes [default: with --add the file itself, else standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Options of `lian submit`.
#[derive(clap::Args)]
#[command(before_help = SUBMIT_EXAMPLES)]
pub struct Submit {
    /// Signed envelopes; - is standard input
    #[arg(required = true)]
    envelopes: Vec<PathBuf>,
    /// Where receipts are saved
    #[arg(long, value_name = "DIR", default_value = ".", env = "LIAN_RECEIPTS")]
    receipts: PathBuf,
}

/// Runs `lian sign`.
pub fn sign(a: &Sign, session: &Session) -> Result<()> {
    let load = |name: &String| session.keyring.load(&keyring::find(name, &session.folder), session.out);
    let keys: Vec<SecretKey> = a.keys.iter().map(load).collect::<Result<_>>()?;
    let bytes = read_file(&a.file, ENVELOPE_BYTES_MAX as u64)?;
    let mut envelope = if a.add {
        Envelope::read(&bytes).map_err(Failure::usage)?
    } else {
        let payload = payload(&bytes, &keys)?;
        Envelope { payload, signatures: Vec::new() }
    };
    let statement = Statement::parse(&envelope.payload).map_err(Failure::usage)?;
    let issuers: Vec<Digest> = statement.issuers.iter().map(|issuer| issuer.key).collect();
    let message = pae(STATEMENT_TYPE, &envelope.payload);
    envelope.signatures.resize(issuers.len(), Vec::new());
    for key in &keys {
        let id = key.public().id();
        let place = issuers.iter().position(|issuer| *issuer == id);
        let place =
            place.ok_or_else(|| Failure::usage(format!("the statement names no issuer with key {id}")))?;
        envelope.signatures[place] = key.sign(&message).to_vec();
    }
    if session.dry_run {
        session.out.talk(session.out.text(Text::WouldSign, &[&envelope.payload.len(), &message.len()]));
        session.out.bytes(&envelope.payload);
        session.out.line("");
        return Ok(());
    }
    deliver(a, session, &envelope, &issuers)
}

fn deliver(a: &Sign, session: &Session, envelope: &Envelope, issuers: &[Digest]) -> Result<()> {
    let out = session.out;
    let target = a.out.clone().or_else(|| (a.add && a.file.as_os_str() != "-").then(|| a.file.clone()));
    let missing: Vec<String> = issuers
        .iter()
        .zip(&envelope.signatures)
        .filter(|(_, signature)| signature.is_empty())
        .map(|(key, _)| key.to_hex())
        .collect();
    let Some(target) = target else {
        out.bytes(&envelope.write());
        out.line("");
        return Ok(());
    };
    write_file(&target, &envelope.write())?;
    if out.json {
        let digest = statement_digest(&envelope.payload).to_hex();
        out.value(&json!({"envelope": target, "statement": digest, "keys_missing": missing}));
        return Ok(());
    }
    let signed = issuers.len() - missing.len();
    out.line(format!("envelope  {}   {signed} of {} signatures", target.display(), issuers.len()));
    let next = if missing.is_empty() { "lian submit" } else { "lian sign --add" };
    out.talk(format!("next      {next} {}", target.display()));
    Ok(())
}

/// The canonical payload of a draft, with what is missing filled in.
fn payload(bytes: &[u8], keys: &[SecretKey]) -> Result<Vec<u8>> {
    let draft: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|error| Failure::usage(format!("draft: {error}")))?;
    let serde_json::Value::Object(mut draft) = draft else {
        return Err(Failure::usage("draft: must be a JSON object"));
    };
    let now = now_s();
    let moment = |offset: i64| json!(format_moment(now + offset));
    if !draft.contains_key("id") {
        draft.insert("id".to_owned(), json!(hex_encode(&random::<16>()?)));
    }
    draft.entry("issued_at").or_insert_with(|| moment(0));
    draft.entry("valid_until").or_insert_with(|| moment(VALID_SECONDS));
    let issued_at = draft["issued_at"].clone();
    for event in draft.get_mut("events").and_then(serde_json::Value::as_array_mut).into_iter().flatten() {
        if let Some(event) = event.as_object_mut() {
            event.entry("occurred_at").or_insert_with(|| issued_at.clone());
        }
    }
    fill_in_keys(&mut draft, keys);
    let text = canonical(&serde_json::Value::Object(draft))?.write();
    Statement::parse(&text).map_err(|error| Failure::usage(format!("draft: {error}")))?;
    Ok(text)
}

/// The same value in the one spelling.
pub fn canonical(value: &serde_json::Value) -> Result<Value<'static>> {
    use serde_json::Value as Json;
    Ok(match value {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => Value::Int(
            number.as_i64().ok_or_else(|| Failure::usage(format!("{number} is no integer that fits")))?,
        ),
        Json::String(text) => Value::text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(canonical).collect::<Result<_>>()?),
        Json::Object(members) => {
            let members = members.iter().map(|(name, value)| Ok((name.clone(), canonical(value)?)));
            Value::object(members.collect::<Result<Vec<_>>>()?)
        }
    })
}

/// Issuers without a key get the keys given, in order.
fn fill_in_keys(draft: &mut Map<String, serde_json::Value>, keys: &[SecretKey]) {
    let mut ids = keys.iter().map(|key| key.public().id().to_hex());
    for issuer in draft.get_mut("issuers").and_then(serde_json::Value::as_array_mut).into_iter().flatten() {
        let Some(issuer) = issuer.as_object_mut() else { continue };
        if !issuer.contains_key("key")
            && let Some(id) = ids.next()
        {
            issuer.insert("key".to_owned(), json!(id));
        }
    }
}

/// Runs `lian submit`.
pub fn submit(a: &Submit, session: &Session) -> Result<()> {
    let mut parcels = Vec::new();
    for path in &a.envelopes {
        let bytes = read_file(path, ENVELOPE_BYTES_MAX as u64)?;
        let envelope =
            Envelope::read(&bytes).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        if envelope.signatures.iter().any(Vec::is_empty) {
            return Err(Failure::usage(format!("{}: a signature is missing", path.display()))
                .fix(format!("lian sign --add {} --key FILE", path.display())));
        }
        parcels.push(Parcel { envelope });
    }
    if let Some(remote) = session.remote()? {
        if !session.dry_run {
            return hand_in_afar(session, &remote, &parcels, &a.receipts);
        }
        for Parcel { envelope } in &parcels {
            let filing = Filing::read(&envelope.payload, statement_digest(&envelope.payload));
            rehearse_afar(session, &remote, envelope, &filing.map_err(Failure::usage)?)?;
        }
        return Ok(());
    }
    if session.dry_run {
        return rehearse(session, &parcels);
    }
    let (opened, keys) = take(&session.folder, &session.keyring, session.out)?;
    hand_in(session, opened, keys, parcels, &a.receipts)
}

fn rehearse(session: &Session, parcels: &[Parcel]) -> Result<()> {
    let view = session.view()?;
    let mut ledger = view.fold_all(session.out)?;
    for Parcel { envelope } in parcels {
        let filing = Filing::read(&envelope.payload, statement_digest(&envelope.payload));
        let filing = filing.map_err(Failure::usage)?;
        if let Some(there) = logged(&view, &ledger, envelope)? {
            show_repeat(session, &envelope.payload, &filing, there, Text::NothingSent)?;
            continue;
        }
        let verdict = judge(&view, &mut ledger, &filing);
        show_rehearsal(session, &envelope.payload, &filing, &verdict)?;
    }
    Ok(())
}

/// Entry and verdict of a statement that was logged before: it is one of those that name the stream of
/// its first event.
fn logged(view: &View, ledger: &Ledger, envelope: &Envelope) -> Result<Option<(u64, Verdict)>> {
    let statement = Statement::parse(&envelope.payload).map_err(Failure::usage)?;
    let Some(first) = statement.events.first() else { return Ok(None) };
    let digest = statement_digest(&envelope.payload);
    for index in peek::history(&view.reader, ledger, first.stream).map_err(damaged)? {
        let stored = view.reader.read_entry(index).map_err(damaged)?;
        let leaf = Entry::open(&stored)?.leaf;
        if leaf.statement == digest {
            return Ok(Some((index, leaf.verdict)));
        }
    }
    Ok(None)
}
