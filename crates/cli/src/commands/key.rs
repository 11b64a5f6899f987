//! `lian key`: key files, and the directory of keys that the ledger keeps.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use lian_client::kinds;
use lian_core::{
    hash::{Digest, hex_encode},
    keys::PublicKey,
    statement::Statement,
};
use lian_domain::views::keys::{KeyRow, find, keys};
use serde_json::json;

use super::actor::{NewKey, chain_digest};
use crate::{
    act::{Planned, SignArgs, act},
    failure::{Exit, Failure, Result},
    keyring::{self, generate, save},
    say::Entry,
    session::Session,
    text::Text,
    when::{When, size_at},
};

const EXAMPLES: &str = "\
Examples:
  lian key generate --out bank.pem              encrypted PKCS#8; asks for a passphrase
  lian key show bank.pem                        id and public key
  lian key list --as-of 115-03-31               who held which key then
  lian key enroll bank:004 --new-key new.pem --capacity guarantor --key bank-004 \\
       --cosigner officer:adm1=admin --out enrol.json    then: lian sign --add enrol.json --key officer-adm1
  lian key rotate bank:004 --new-key new.pem --capacity guarantor --key bank-004 --key officer-adm1
  lian key revoke 9c8af650c920 --reason compromised --compromised-since 120 --key bank-004
  lian key contested 9c8af650c920               every entry that it signed from there on
";

/// Options of `lian key`.
#[derive(Args)]
#[command(before_help = EXAMPLES, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a key pair in a file of its own: mode 0600, never over another file
    Generate(Generate),
    /// Show id and public key of a file, or a key of the directory by its id
    Show(Show),
    /// List the key directory as of any time
    List(List),
    /// Enrol a further key: the new key, one of the actor's own, and an admin sign
    Enroll(Enroll),
    /// Enrol a new key and retire the old one that signs, in one statement
    Rotate(Enroll),
    /// Stop a key: any key of its actor signs, or two admins of different units
    Revoke(Revoke),
    /// List every entry that a key signed from the entry on where it is contested
    Contested(Contested),
}

#[derive(Args)]
struct Generate {
    /// The file to make
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Do not encrypt it
    #[arg(long)]
    no_passphrase: bool,
}

#[derive(Args)]
struct Show {
    /// A key file, or at least 7 digits of a key id
    key: String,
}

#[derive(Args)]
struct List {
    /// A moment of the past
    #[arg(long, value_name = "WHEN", value_parser = When::parse, default_value = "now")]
    as_of: When,
    /// Only this actor's
    #[arg(long)]
    actor: Option<String>,
}

#[derive(Args)]
struct Enroll {
    /// Actor, such as bank:004
    actor: String,
    #[command(flatten)]
    new: NewKey,
    /// For an actor's first key: the certificate chain that was checked
    #[arg(long, value_name = "FILE")]
    chain: Option<PathBuf>,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reason {
    Retired,
    Lost,
    Compromised,
}

#[derive(Args)]
struct Revoke {
    /// At least 7 digits of the key's id
    id: String,
    /// Why it stops
    #[arg(long, value_enum)]
    reason: Reason,
    /// Entry from which its signatures are contested
    #[arg(long, value_name = "N", required_if_eq("reason", "compromised"))]
    compromised_since: Option<u64>,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct Contested {
    /// At least 7 digits of the key's id
    id: String,
    /// From this entry on [default: what its revocation says]
    #[arg(long, value_name = "N")]
    since: Option<u64>,
}

/// Runs it.
pub fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    match &arguments.verb {
        Verb::Generate(a) => make(a, session),
        Verb::Show(a) => show(a, session),
        Verb::List(a) => list(a, session),
        Verb::Enroll(a) => enroll(a, session),
        Verb::Rotate(a) => rotate(a, session),
        Verb::Revoke(a) => revoke(a, session),
        Verb::Contested(a) => contested(a, session),
    }
}

fn make(a: &Generate, session: &Session) -> Result<()> {
    let out = session.out;
    let key = generate()?;
    if a.no_passphrase {
        out.talk(out.text(Text::NoPassphraseSaid, &[]));
        save(&a.out, &key, None)?;
    } else {
        let passphrase = session.keyring.new_passphrase(out)?;
        save(&a.out, &key, Some(&passphrase))?;
    }
    out.talk(out.text(Text::KeyMade, &[&a.out.display()]));
    public(&key.public(), session);
    Ok(())
}

fn public(key: &PublicKey, session: &Session) {
    let (id, spki) = (key.id().to_hex(), hex_encode(&key.to_spki_der()));
    if session.out.json {
        session.out.value(&json!({"id": id, "algorithm": "ed25519", "spki": spki}));
    } else {
        session.out.line(format!("id    {id}\nspki  {spki}"));
    }
}

fn show(a: &Show, session: &Session) -> Result<()> {
    let path = keyring::find(&a.key, &session.folder);
    if path.exists() {
        public(&session.keyring.load(&path, session.out)?.public(), session);
        return Ok(());
    }
    let rows = keys(&session.view()?.fold_all(session.out)?);
    print(&[one(&rows, &a.key)?], session);
    Ok(())
}

/// The one key whose id begins so.
fn one<'r>(rows: &'r [KeyRow], prefix: &str) -> Result<&'r KeyRow> {
    match find(rows, prefix)[..] {
        [row] if prefix.len() >= 7 => Ok(row),
        [] => Err(Failure::usage(format!("{prefix}: no such file and no such key")).fix("lian key list")),
        _ => Err(Failure::usage(format!("{prefix}: name at least 7 digits, and only one key"))),
    }
}

fn list(a: &List, session: &Session) -> Result<()> {
    let view = session.view()?;
    let ledger = view.fold(size_at(a.as_of, &view.reader)?, session.out)?;
    let rows = keys(&ledger);
    let rows: Vec<&KeyRow> =
        rows.iter().filter(|row| a.actor.as_deref().is_none_or(|actor| actor == row.actor)).collect();
    print(&rows, session);
    session.out.talk(session.out.text(Text::LogKeyClaimed, &[&view.name, &view.log]));
    Ok(())
}

fn print(rows: &[&KeyRow], session: &Session) {
    let out = session.out;
    if out.json {
        let rows = rows.iter().map(|row| json!({
            "id": row.id.to_hex(), "actor": row.actor, "unit": row.unit, "capacities": row.capacities,
            "recovery": row.recovery, "enrolled": row.enrolled,
            "revoked": row.revoked.map(|revoked| json!({
                "entry": revoked.entry, "reason": revoked.reason, "contested_from": revoked.contested_from,
            })),
        }));
        return out.value(&json!({"keys": rows.collect::<Vec<_>>()}));
    }
    for row in rows {
        let capacities = if row.recovery { "recovery".to_owned() } else { row.capacities.join("+") };
        let until = match &row.revoked {
            None => "live".to_owned(),
            Some(revoked) => {
                let from = revoked.contested_from.map(|from| format!(", contested from #{from}"));
                format!("REVOKED #{} {}{}", revoked.entry, revoked.reason, from.unwrap_or_default())
            }
        };
        let id = &row.id.to_hex()[..16];
        out.line(format!(
            "{id}  {:<18} {:<20} {:<14} from #{}  {until}",
            row.actor, capacities, row.unit, row.enrolled
        ));
    }
}

fn enroll(a: &Enroll, session: &Session) -> Result<()> {
    let (key, recovery) = a.new.open(session)?;
    let chain = a.chain.as_deref().map(chain_digest).transpose()?;
    let data = a.new.data(&key, recovery.as_ref(), chain.as_ref());
    let stream = format!("actor/{}", a.actor);
    let planned = vec![Planned { kind: "key.enrolled", stream, data }];
    act(session, &a.sign, &["key.enrolled"], Some((a.actor.clone(), key)), |_, _| Ok(planned))
}

fn rotate(a: &Enroll, session: &Session) -> Result<()> {
    let (key, recovery) = a.new.open(session)?;
    let data = a.new.data(&key, recovery.as_ref(), None);
    let stream = format!("actor/{}", a.actor);
    let kinds_of = ["key.enrolled", "key.revoked"];
    act(session, &a.sign, &kinds_of, Some((a.actor.clone(), key)), |_, slots| {
        let old = slots.iter().find(|slot| slot.capacity == "holder").ok_or_else(|| {
            Failure::usage("the old key signs too").fix("name it with --key, before the admin's")
        })?;
        Ok(vec![
            Planned { kind: "key.enrolled", stream: stream.clone(), data },
            Planned { kind: "key.revoked", stream, data: kinds::key_revoked(&old.id, "retired", None) },
        ])
    })
}

fn revoke(a: &Revoke, session: &Session) -> Result<()> {
    let reason = match a.reason {
        Reason::Retired => "retired",
        Reason::Lost => "lost",
        Reason::Compromised => "compromised",
    };
    session.confirm(&format!("revoke key {}? this cannot be undone", a.id))?;
    act(session, &a.sign, &["key.revoked"], None, |base, _| {
        let rows = keys(base.ledger()?);
        let row = one(&rows, &a.id)?;
        let data = kinds::key_revoked(&row.id, reason, a.compromised_since);
        Ok(vec![Planned { kind: "key.revoked", stream: format!("actor/{}", row.actor), data }])
    })
}

fn contested(a: &Contested, session: &Session) -> Result<()> {
    let view = session.view()?;
    let ledger = view.fold_all(session.out)?;
    let rows = keys(&ledger);
    let row = one(&rows, &a.id)?;
    let since = a.since.or_else(|| row.revoked.and_then(|revoked| revoked.contested_from));
    let since = since.ok_or_else(|| {
        Failure::usage("the key was not revoked as compromised").fix("say from which entry: --since N")
    })?;
    let damaged = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "damaged", error);
    let mut found = Vec::new();
    for entry in view.reader.entries(since..ledger.size()).map_err(|error| damaged(&error))? {
        let stored = entry.map_err(|error| damaged(&error))?;
        if !signed_by(&stored.payload, &row.id) {
            continue;
        }
        let entry = Entry::open(&stored)?;
        if session.out.json {
            found.push(entry.json());
        } else {
            found.push(json!(null));
            session.out.line(entry.line(session.out));
        }
    }
    if session.out.json {
        session.out.value(&json!({"key": row.id.to_hex(), "since": since, "contested": found}));
    }
    session.out.talk(format!("{} entries signed by {} from #{since} on", found.len(), row.actor));
    Ok(())
}

fn signed_by(payload: &[u8], id: &Digest) -> bool {
    Statement::parse(payload).is_ok_and(|statement| statement.issuers.iter().any(|issuer| issuer.key == *id))
}
