//! `lian actor`: who takes part, and with which first key.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lian_client::kinds;
use lian_core::{hash::sha256, keys::SecretKey};

use crate::{
    act::{Planned, SignArgs, act},
    failure::{Failure, Result},
    folder::read_file,
    keyring::{self, random},
    session::Session,
};

const EXAMPLES: &str = "\
Examples:
  lian actor register bank:004 --unit bank:004 --capacity guarantor --new-key bank.pem \\
       --chain chain.pem --key officer-adm1 --key officer-adm2
  lian actor register officer:7f3k --unit office:CA --capacity officer --new-key 7f3k.pem \\
       --chain chain.pem --cosigner officer:adm1=admin --cosigner officer:adm2=admin --out 7f3k.json
";

/// A certificate chain is at most this long.
const CHAIN_BYTES_MAX: u64 = 1 << 20;

/// Options of `lian actor`.
#[derive(Args)]
#[command(before_help = EXAMPLES, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Register an actor with its first key: two admins of different units vouch (at first the roots)
    Register(Register),
}

#[derive(Args)]
struct Register {
    /// bank:…, officer:… or system:…; never a person's name
    actor: String,
    /// Unit, such as office:CA
    #[arg(long)]
    unit: String,
    #[command(flatten)]
    first: NewKey,
    /// The certificate chain that the admins checked; its SHA-256 goes on record
    #[arg(long, value_name = "FILE")]
    chain: PathBuf,
    /// Opaque token of the officer: 32 hex digits [default: random]
    #[arg(long, value_name = "HEX")]
    person: Option<String>,
    #[command(flatten)]
    sign: SignArgs,
}

/// A key that is enrolled.
#[derive(Args)]
pub struct NewKey {
    /// What the key may act as; may be given again
    #[arg(long = "capacity", value_name = "CAPACITY", required = true)]
    pub capacities: Vec<String>,
    /// File of the new key, which signs its own enrolment
    #[arg(long = "new-key", value_name = "FILE")]
    pub file: String,
    /// File of an offline key that may vouch for the next one
    #[arg(long, value_name = "FILE")]
    pub recovery: Option<String>,
}

impl NewKey {
    /// Opens the new key, and the recovery key if there is one.
    pub fn open(&self, session: &Session) -> Result<(SecretKey, Option<SecretKey>)> {
        let load = |name: &str| session.keyring.load(&keyring::find(name, &session.folder), session.out);
        Ok((load(&self.file)?, self.recovery.as_deref().map(load).transpose()?))
    }

    /// Data of its enrolment.
    pub fn data(
        &self,
        key: &SecretKey,
        recovery: Option<&SecretKey>,
        chain: Option<&lian_core::hash::Digest>,
    ) -> lian_core::json::Value<'static> {
        let capacities: Vec<&str> = self.capacities.iter().map(String::as_str).collect();
        kinds::key_enrolled(&key.public(), &capacities, chain, recovery.map(SecretKey::public).as_ref())
    }
}

/// SHA-256 of a certificate chain's file.
pub fn chain_digest(file: &std::path::Path) -> Result<lian_core::hash::Digest> {
    Ok(sha256(&[&read_file(file, CHAIN_BYTES_MAX)?]))
}

/// Runs it.
pub fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    let Verb::Register(a) = &arguments.verb;
    let stream = format!("actor/{}", a.actor);
    let (key, recovery) = a.first.open(session)?;
    let chain = chain_digest(&a.chain)?;
    let person = match (&a.person, a.actor.starts_with("officer:")) {
        (Some(token), _) => {
            let mut bytes = [0; 16];
            if !lian_core::hash::hex_decode(token, &mut bytes) {
                return Err(Failure::usage("a person's token is 32 lower-case hex digits, never a name"));
            }
            Some(bytes)
        }
        (None, true) => Some(random()?),
        (None, false) => None,
    };
    let planned = vec![
        Planned {
            kind: "actor.registered",
            stream: stream.clone(),
            data: kinds::actor(&a.unit, person.as_ref()),
        },
        Planned { kind: "key.enrolled", stream, data: a.first.data(&key, recovery.as_ref(), Some(&chain)) },
    ];
    let newcomer = Some((a.actor.clone(), key));
    act(session, &a.sign, &["actor.registered", "key.enrolled"], newcomer, |_, _| Ok(planned))
}
