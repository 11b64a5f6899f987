//! From what somebody wants to say to a signed statement in the ledger: fill in versions, issuers
//! and the last epoch verified; show it, write it out, or send it.
//! Invariant: what is signed is what is shown; `seen` names only an epoch that this process has
//! verified; with --dry-run or --out nothing is sent and no lock is taken.

use std::path::PathBuf;

use lian_client::draft::Draft;
use lian_core::{
    audit::Place,
    entry::Verdict,
    hash::Digest,
    json::Value,
    keys::SecretKey,
    statement::{Envelope, STATEMENT_TYPE, pae, statement_digest},
};
use lian_domain::{
    families,
    filing::Filing,
    guarantee,
    ledger::{Ledger, Unlogged},
    plain,
};
use lian_server::peek;
use lian_store::reader::Reader;
use serde_json::json;

use crate::{
    base::Base,
    failure::{Exit, Failure, Result, exit_of},
    folder::{View, now_ms, now_s, write_file},
    hand_in::{Parcel, hand_in, hand_in_afar, rehearse_afar},
    keyring,
    say::{group, verdict_text},
    session::Session,
    text::Text,
};

/// Who signs, and what becomes of the statement.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SignArgs {
    /// A key file, or the name of one in the ledger's keys/, such as bank-004; once per signer
    #[arg(short, long = "key", value_name = "KEY")]
    pub keys: Vec<String>,
    /// Capacity of a key, where it is not clear; in the order of the keys
    #[arg(id = "sign_as", long = "as", value_name = "CAPACITY")]
    pub capacities: Vec<String>,
    /// Somebody who will sign later, with `lian sign --add`; needs --out
    #[arg(long = "cosigner", value_name = "ACTOR=CAPACITY", requires = "out")]
    pub cosigners: Vec<String>,
    /// Version that the object must have [default: the one it has]
    #[arg(long, value_name = "N")]
    pub expect: Option<u64>,
    /// Write the envelope to this file and send nothing
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Where receipts are saved
    #[arg(long, value_name = "DIR", default_value = ".", env = "LIAN_RECEIPTS")]
    pub receipts: PathBuf,
}

/// One event that somebody wants to record.
pub struct Planned {
    /// Its kind.
    pub kind: &'static str,
    /// Its stream.
    pub stream: String,
    /// What the kind says.
    pub data: Value<'static>,
}

/// One issuer; without a secret it signs later.
pub struct Slot {
    /// Actor id.
    pub actor: String,
    /// Capacity.
    pub capacity: String,
    /// Key id.
    pub id: Digest,
    secret: Option<SecretKey>,
}

/// Says something: `kinds` are the kinds of the events that `plan` will make, `newcomer` is an
/// actor with the new key that signs its own enrolment.
pub fn act(
    session: &Session,
    args: &SignArgs,
    kinds: &[&str],
    newcomer: Option<(String, SecretKey)>,
    plan: impl FnOnce(&Base, &[Slot]) -> Result<Vec<Planned>>,
) -> Result<()> {
    let mut secrets = Vec::new();
    for name in &args.keys {
        secrets.push(session.keyring.load(&keyring::find(name, &session.folder), session.out)?);
    }
    let base = Base::open(session, !session.dry_run && args.out.is_none())?;
    let target = newcomer.as_ref().map(|(actor, _)| actor.clone());
    let mut slots = Vec::new();
    if let Some((actor, key)) = newcomer {
        let id = key.public().id();
        slots.push(Slot { actor, capacity: "possession".to_owned(), id, secret: Some(key) });
    }
    for (position, secret) in secrets.into_iter().enumerate() {
        slots.push(slot(&base, kinds, target.as_deref(), args.capacities.get(position), secret)?);
    }
    for text in &args.cosigners {
        slots.push(cosigner(&base, text)?);
    }
    if slots.is_empty() {
        return Err(Failure::usage("nobody signs").fix("name a key with --key FILE"));
    }
    let planned = plan(&base, &slots)?;
    let draft = draft(&base, args.expect, &planned)?;
    let issuers: Vec<(&str, &str, Digest)> =
        slots.iter().map(|slot| (&*slot.actor, &*slot.capacity, slot.id)).collect();
    let payload = draft.payload(&issuers);
    let filing =
        Filing::read(&payload, statement_digest(&payload)).map_err(|rejection| Failure::usage(&rejection))?;
    if session.dry_run && !matches!(base, Base::Far(_)) {
        return rehearse(session, base, &payload, &filing);
    }
    let message = pae(STATEMENT_TYPE, &payload);
    let sign = |slot: &Slot| slot.secret.as_ref().map_or_else(Vec::new, |key| key.sign(&message).to_vec());
    let envelope = Envelope { signatures: slots.iter().map(sign).collect(), payload };
    match (base, &args.out) {
        (Base::Far(remote), _) if session.dry_run => rehearse_afar(session, &remote, &envelope, &filing),
        (Base::Far(remote), None) => hand_in_afar(session, &remote, &[Parcel { envelope }], &args.receipts),
        (Base::Write(found), None) => {
            let (opened, keys) = *found;
            hand_in(session, opened, keys, vec![Parcel { envelope }], &args.receipts)
        }
        (_, Some(path)) => write_out(session, path, &envelope, &slots),
        (Base::Read(_), None) => Err(Failure::usage("nothing to do")),
    }
}

fn draft(base: &Base, expect: Option<u64>, planned: &[Planned]) -> Result<Draft> {
    let draft =
        Draft::new(&base.id()?, now_s()).map_err(|error| Failure::new(Exit::Io, "randomness", error))?;
    let (epoch, root) = base.last_epoch()?;
    let mut draft = draft.seen(epoch, root);
    for (position, event) in planned.iter().enumerate() {
        let before = planned[..position].iter().filter(|other| other.stream == event.stream).count() as u64;
        let first = expect.map_or_else(|| base.version(&event.stream), Ok)?;
        draft = draft.event(event.kind, &event.stream, first + before, event.data.clone());
    }
    Ok(draft)
}

/// The last epoch, after this process has computed every verdict again (the fold did), compared
/// its root with the tree that the log signed, and verified every signature that it covers.
pub fn last_verified_epoch(ledger: &Ledger, reader: &Reader) -> Result<(u64, Digest)> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Failed, "not-verified", format!("the last epoch does not verify: {error}"))
            .fix("run `lian verify` and sign nothing on this ledger meanwhile")
    };
    let epochs = ledger.epochs();
    let last = epochs.last().ok_or_else(|| failed(&"there is none"))?;
    let root = reader.root_at(last.size).map_err(|error| failed(&error))?;
    if root != last.root {
        return Err(failed(&"its root is not that of the tree"));
    }
    peek::check_signatures(ledger, reader, 0..last.size).map_err(|error| failed(&error))?;
    Ok((epochs.len() as u64 - 1, root))
}

/// The issuer that a key makes; its capacity is the one that it holds and the kinds require.
fn slot(
    base: &Base,
    kinds: &[&str],
    newcomer: Option<&str>,
    wanted: Option<&String>,
    secret: SecretKey,
) -> Result<Slot> {
    let id = secret.public().id();
    let key = base.holder(&id)?.ok_or_else(|| {
        Failure::new(Exit::NotAuthorised, "unknown-key", format!("key {id} is not enrolled in this ledger"))
            .fix("enrol it first (`lian key enroll`), or name another ledger with --ledger")
    })?;
    let actor = key.actor;
    let capacity = match wanted {
        Some(capacity) => capacity.clone(),
        None if newcomer == Some(&*actor)
            || kinds == ["key.revoked"] && !key.capacities.iter().any(|held| held == "admin") =>
        {
            if key.recovery { "recovery" } else { "holder" }.to_owned()
        }
        None => capacity_of(&key.capacities, kinds).map_err(|why| {
            Failure::usage(format!("{actor}: {why}"))
                .fix("say which with --as CAPACITY, in the order of the keys")
        })?,
    };
    Ok(Slot { actor, capacity, id, secret: Some(secret) })
}

fn capacity_of(held: &[String], kinds: &[&str]) -> std::result::Result<String, String> {
    let mut needed: Vec<&str> = Vec::new();
    for kind in kinds {
        let own = || guarantee::authority(kind).or_else(|| plain::authority(kind));
        match families::kind(kind).map(|kind| kind.authority).or_else(own) {
            Some(alternatives) => needed.extend(alternatives.iter().flat_map(|all| all.iter())),
            None => needed.extend(["admin", "root"]),
        }
    }
    let held: Vec<&str> = held.iter().map(String::as_str).collect();
    let fitting: Vec<&str> = held.iter().copied().filter(|capacity| needed.contains(capacity)).collect();
    match (&fitting[..], &held[..]) {
        ([one], _) | ([], [one]) => Ok((*one).to_owned()),
        ([], _) => Err(format!("the key holds {}, needed is {}", held.join(", "), needed.join(" or "))),
        _ => Err(format!("the key may sign as {}", fitting.join(" or "))),
    }
}

/// An issuer who signs later: its newest live key that holds the capacity.
fn cosigner(base: &Base, text: &str) -> Result<Slot> {
    let (actor, capacity) =
        text.split_once('=').ok_or_else(|| Failure::usage(format!("{text:?}: write ACTOR=CAPACITY")))?;
    let id = base.newest_key(actor, capacity)?.ok_or_else(|| {
        let what = format!("{actor} has no live key for the capacity {capacity:?}");
        Failure::new(Exit::NotAuthorised, "capacity-not-held", what).fix("lian key list")
    })?;
    Ok(Slot { actor: actor.to_owned(), capacity: capacity.to_owned(), id, secret: None })
}

/// Shows the exact bytes and what the rules would say. Sends nothing.
fn rehearse(session: &Session, base: Base, payload: &[u8], filing: &Filing) -> Result<()> {
    let Base::Read(found) = base else { return Err(Failure::usage("a rehearsal takes no lock")) };
    let (view, mut ledger) = *found;
    show_rehearsal(session, payload, filing, &judge(&view, &mut ledger, filing))
}

/// What the ledger would answer now.
pub fn judge(view: &View, ledger: &mut Ledger, filing: &Filing) -> std::result::Result<Verdict, Unlogged> {
    let tree = view.tree();
    let recorded_at = now_ms().max(ledger.recorded_at());
    let place = Place { index: tree.size(), recorded_at, tree: &tree, batch_first: true };
    ledger.judge(&place, filing)
}

/// Prints a rehearsal; the exit code is the one that sending would give.
pub fn show_rehearsal(
    session: &Session,
    payload: &[u8],
    filing: &Filing,
    verdict: &std::result::Result<Verdict, Unlogged>,
) -> Result<()> {
    let out = session.out;
    let (says, end) = match verdict {
        Ok(verdict) if verdict.is_accepted() => (verdict_text(*verdict, out), Ok(())),
        Ok(verdict) => (verdict_text(*verdict, out), Err(Failure::said(Exit::Refused, "refused"))),
        Err(Unlogged::Rejected(rejection)) => {
            let text = format!("{} {}: {rejection}", out.word("REJECTED"), rejection.name());
            (text, Err(Failure::said(exit_of(rejection), rejection.name())))
        }
        Err(error) => (error.to_string(), Err(Failure::said(Exit::Failed, "contradiction"))),
    };
    show_rehearsed(session, payload, filing, &says, None, Text::NothingSent);
    end
}

/// Prints that a statement is in the log already; the exit code is that of its verdict there.
pub fn show_repeat(
    session: &Session,
    payload: &[u8],
    filing: &Filing,
    (entry, verdict): (u64, Verdict),
    end: Text,
) -> Result<()> {
    let out = session.out;
    let says =
        format!("{}   {}", verdict_text(verdict, out), out.text(Text::LoggedAlready, &[&group(entry)]));
    show_rehearsed(session, payload, filing, &says, Some(entry), end);
    if verdict.is_accepted() { Ok(()) } else { Err(Failure::said(Exit::Refused, "refused")) }
}

/// The exact bytes, and what is said of them; `logged` is the entry that they are already.
pub fn show_rehearsed(
    session: &Session,
    payload: &[u8],
    filing: &Filing,
    says: &str,
    logged: Option<u64>,
    end: Text,
) {
    let out = session.out;
    let kinds: Vec<&str> = filing.events.iter().map(|event| event.kind).collect();
    if out.json {
        let payload: serde_json::Value = serde_json::from_slice(payload).unwrap_or_default();
        let digest = filing.digest.to_hex();
        let mut value = json!({
            "dry_run": true, "statement": digest, "payload": payload, "verdict": says,
            "repeated": logged.is_some(),
        });
        if let Some(entry) = logged {
            value["entry"] = json!(entry);
        }
        return out.value(&value);
    }
    out.talk(out.text(Text::WouldSign, &[&payload.len(), &kinds.join(", ")]));
    out.bytes(payload);
    out.line("");
    out.line(out.text(Text::RulesSay, &[&says]));
    out.line(out.text(end, &[]));
}

fn write_out(session: &Session, path: &std::path::Path, envelope: &Envelope, slots: &[Slot]) -> Result<()> {
    write_file(path, &envelope.write())?;
    let missing: Vec<&Slot> = slots.iter().filter(|slot| slot.secret.is_none()).collect();
    let out = session.out;
    let next = if missing.is_empty() { "lian submit" } else { "lian sign --add" };
    if out.json {
        let missing: Vec<&str> = missing.iter().map(|slot| &*slot.actor).collect();
        let digest = statement_digest(&envelope.payload).to_hex();
        out.value(&json!({"envelope": path, "statement": digest, "signatures_missing": missing}));
        return Ok(());
    }
    out.line(format!(
        "envelope  {}   {} of {} signatures",
        path.display(),
        slots.len() - missing.len(),
        slots.len()
    ));
    for slot in missing {
        out.line(format!("missing   {} as {}", slot.actor, slot.capacity));
    }
    out.line(format!("next      {next} {}", path.display()));
    Ok(())
}
