//! `lian init`: a new ledger, opened by its roots.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use lian_client::{answer::open_receipt, ceremony::Ceremony, sample::House};
use lian_core::{
    hash::leaf_hash,
    keys::SecretKey,
    statement::{Envelope, is_ledger_name},
};
use lian_domain::{ledger::ledger_id, rules::Rules};
use lian_server::{
    clock::SystemClock,
    open::{SystemKeys, log_verifier},
    peek,
    service::{Answer, Service},
};
use lian_store::disk::RealDisk;
use serde_json::json;

use crate::{
    failure::{Exit, Failure, Result},
    folder::{CONFIG, Config, ConfigKeys, now_s, open_with, write_file},
    keyring::{file_name, generate, random, save},
    session::Session,
    text::Text,
};

const EXAMPLES: &str = "\
Examples:
  lian init --dir ledger --name customs.example/2026 \\
       --root customs=customs.pem --root banks=banks.pem --root audit=audit.pem
  lian init --dir sandbox --dev-keys        a sandbox: roots, officers and 27 banks, all enrolled
";

/// Options of `lian init`.
#[derive(clap::Args)]
#[command(before_help = EXAMPLES)]
pub struct Arguments {
    /// Folder of the new ledger
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Name of the ledger = origin of its checkpoints
    #[arg(long, default_value = lian_client::sample::SAMPLE_NAME)]
    name: String,
    /// A root organisation and its key file; three to six
    #[arg(long = "root", value_name = "ORG=FILE", required_unless_present = "dev_keys")]
    roots: Vec<String>,
    /// Roots that must sign together
    #[arg(long, default_value_t = 2, value_name = "N")]
    threshold: u64,
    /// The data will be made up
    #[arg(long)]
    synthetic: bool,
    /// Make a development set of keys, unencrypted, and enrol everybody
    #[arg(long, conflicts_with = "roots")]
    dev_keys: bool,
    /// Do not encrypt the log's keys
    #[arg(long)]
    no_passphrase: bool,
}

/// Runs it.
pub fn run(a: &Arguments, session: &Session) -> Result<()> {
    if !is_ledger_name(&a.name) {
        return Err(Failure::usage("a ledger's name is 1 to 100 of A-Z a-z 0-9 . _ / : -"));
    }
    let keys = a.dir.join("keys");
    fs::create_dir_all(&keys).map_err(|error| Failure::io(&keys, error))?;
    let disk = RealDisk::create(&a.dir)?;
    if peek::claimed_by_entry_0(&disk)?.is_some() || a.dir.join(CONFIG).exists() {
        return Err(Failure::usage(format!("{}: there is a ledger here already", a.dir.display())));
    }
    let born = if a.dev_keys { dev(a, session, &keys)? } else { real(a, session, &keys)? };
    let out = session.out;
    if out.json {
        out.value(&json!({"ledger": born.id, "log_key": born.log_key, "dir": a.dir, "size": born.size}));
        return Ok(());
    }
    out.line(out.text(Text::InitDone, &[&a.dir.display()]));
    out.line(format!("ledger   {}\nlog key  {}\nentries  {}", born.id, born.log_key, born.size));
    out.talk(out.text(Text::InitKeysSecret, &[]));
    Ok(())
}

struct Born {
    id: String,
    log_key: String,
    size: u64,
}

/// A ledger for real: its own keys are made here, those of the roots come from their files.
fn real(a: &Arguments, session: &Session, folder: &Path) -> Result<Born> {
    let mut roots = Vec::new();
    for text in &a.roots {
        let (name, file) = text
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("{text:?}: write ORGANISATION=FILE")))?;
        roots.push((name.to_owned(), session.keyring.load(Path::new(file), session.out)?));
    }
    if !(3..=6).contains(&roots.len()) {
        return Err(Failure::usage(format!(
            "{} roots: three to six organisations open a ledger",
            roots.len()
        )));
    }
    let keys = SystemKeys { log: generate()?, system_log: generate()?, admission: generate()? };
    let passphrase = if a.no_passphrase {
        session.out.talk(session.out.text(Text::NoPassphraseSaid, &[]));
        None
    } else {
        Some(session.keyring.new_passphrase(session.out)?)
    };
    let passphrase = passphrase.as_ref().map(|text| text.as_str());
    let rules = Rules::standard();
    let ceremony = Ceremony {
        name: &a.name,
        nonce: random()?,
        roots: &roots,
        threshold: a.threshold,
        log: &keys.log.public(),
        system_log: &keys.system_log,
        admission: &keys.admission,
        rules: &rules,
        synthetic: a.synthetic,
    };
    let opening = ceremony.open(now_s(), random()?);
    let named: [(&str, &SecretKey); 3] =
        [("log", &keys.log), ("system:log", &keys.system_log), ("system:admission", &keys.admission)];
    for (name, key) in named {
        save(&folder.join(file_name(name)), key, passphrase)?;
    }
    config(a)?;
    found(a, session, &keys, &opening, |_| Vec::new())
}

/// A sandbox: everybody's keys follow from one random seed that is forgotten.
fn dev(a: &Arguments, session: &Session, folder: &Path) -> Result<Born> {
    session.out.talk(session.out.text(Text::InitDev, &[]));
    let house = House::named(u64::from_be_bytes(random()?), &a.name);
    for actor in house.actors() {
        save(&folder.join(file_name(actor)), house.key(actor), None)?;
    }
    for (name, key) in house.roots() {
        save(&folder.join(file_name(&format!("root:{name}"))), key, None)?;
    }
    config(a)?;
    let keys = SystemKeys {
        log: house.copy_of("log"),
        system_log: house.copy_of("system:log"),
        admission: house.copy_of("system:admission"),
    };
    let now = now_s();
    found(a, session, &keys, &house.opening(now), |id| house.enrolments(id, now))
}

fn config(a: &Arguments) -> Result<()> {
    let paths = ConfigKeys {
        log: "keys/log.pem".into(),
        system_log: "keys/system-log.pem".into(),
        admission: "keys/system-admission.pem".into(),
    };
    write_file(&a.dir.join(CONFIG), Config::write(&a.name, &paths).as_bytes())
}

/// Records entry 0 and what follows from its hash.
fn found(
    a: &Arguments,
    session: &Session,
    keys: &SystemKeys,
    opening: &Envelope,
    then: impl FnOnce(&str) -> Vec<Envelope>,
) -> Result<Born> {
    let log = log_verifier(&a.name, keys)?;
    let opened = open_with(Arc::new(RealDisk::open(&a.dir)?), &a.name, keys, session.out)?;
    let copy = |key: &SecretKey| SecretKey::from_seed(&key.seed());
    let own = SystemKeys {
        log: copy(&keys.log),
        system_log: copy(&keys.system_log),
        admission: copy(&keys.admission),
    };
    let service = Service::start(opened, own, Arc::new(SystemClock::new()), 2);
    record(&service, opening)?;
    let receipt = service.receipt(0).map_err(stopped)?;
    open_receipt(&receipt, &log, Some(opening)).map_err(stopped)?;
    let entry = service.reader().read_entry(0).map_err(stopped)?;
    let id = ledger_id(&a.name, &leaf_hash(&entry.leaf));
    for envelope in then(&id) {
        record(&service, &envelope)?;
    }
    let size = service.reader().head().size();
    service.close().map_err(stopped)?;
    Ok(Born { id, log_key: log.to_string(), size })
}

fn record(service: &Service, envelope: &Envelope) -> Result<()> {
    match service.submit_or_give_up(vec![envelope.write()])?.pop() {
        Some(Answer::Sealed { .. }) => Ok(()),
        Some(Answer::Rejected { rejection, .. }) => {
            Err(Failure::new(crate::failure::exit_of(&rejection), rejection.name(), &rejection))
        }
        None => Err(stopped("no answer came")),
    }
}

fn stopped(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Io, "stopped", error)
}
