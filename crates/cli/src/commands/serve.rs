//! `lian serve` and `lian dev`: a ledger behind an address.
//! Invariant: whatever was taken is answered before the process ends, and the ledger is closed
//! whole; a ledger that is open to all readers is made up and on this machine.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use lian_server::{
    clock::SystemClock,
    http::{self, Config, Running, Tls},
    open::{OpenLedger, SystemKeys, log_verifier},
    scrubbing::Finding,
    service::Service,
};
use serde_json::json;
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

use super::demo;
use crate::{
    failure::{Exit, Failure, Result},
    folder::take_to_serve,
    session::Session,
    text::Text,
};

const SERVE_EXAMPLES: &str = "\
Examples:
  lian --ledger ledger-data serve                           http://127.0.0.1:8790, this machine only
  lian --ledger ledger-data serve --listen 0.0.0.0:8443 \\
       --tls-cert fullchain.pem --tls-key key.pem --public-url https://ledger.example
  curl http://127.0.0.1:8790/v1/log/checkpoints
Ctrl-C or SIGTERM ends it: what was taken is answered first.
";
const DEV_EXAMPLES: &str = "\
Examples:
  lian dev                                   a throw-away ledger with the sample of 27 banks
  lian dev --dir sandbox                     keeps it
  lian --server http://127.0.0.1:8790 log --oneline
";
/// How often the writer is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Options of `lian serve`.
#[derive(clap::Args)]
#[command(before_help = SERVE_EXAMPLES)]
pub struct Serve {
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8790", env = "LIAN_LISTEN")]
    listen: SocketAddr,
    /// Certificate chain, PEM; needed beyond this machine
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The address that the public knows, such as https://ledger.example
    #[arg(long, value_name = "URL", default_value = "")]
    public_url: String,
    /// Everybody may read everything: for made-up ledgers, on this machine only
    #[arg(long)]
    open_all: bool,
    /// Open connections of one address beyond this machine
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    connections_per_address: u32,
    /// Open connections of one address of this machine: of all who come through a proxy on it
    #[arg(long, value_name = "N", default_value_t = 3_072, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    connections_of_loopback: u32,
    /// Hours between two comparisons of all views with a fresh fold of the log, which take a tenth
    /// of one machine's time; 0 for none
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u64).range(..=8_760))]
    scrub_hours: u64,
}

/// Options of `lian dev`.
#[derive(clap::Args)]
#[command(before_help = DEV_EXAMPLES)]
pub struct Dev {
    /// Port on 127.0.0.1; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 8790)]
    port: u16,
    /// Keep the ledger in this folder, which must be new or empty
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Keys, ids and amounts follow from it
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
}

/// Runs `lian serve`.
pub fn serve(a: &Serve, session: &Session) -> Result<()> {
    session.near()?;
    let mut config = Config::new(a.listen);
    config.tls = a.tls_cert.clone().zip(a.tls_key.clone()).map(|(certificate, key)| Tls { certificate, key });
    config.public_url.clone_from(&a.public_url);
    config.open_all = a.open_all;
    config.connections_per_address = usize::try_from(a.connections_per_address).unwrap_or(usize::MAX);
    config.connections_of_loopback = usize::try_from(a.connections_of_loopback).unwrap_or(usize::MAX);
    let (opened, keys) = take_to_serve(&session.folder, &session.keyring, session.out)?;
    if a.open_all && !opened.ledger.opening().is_some_and(|opening| opening.synthetic) {
        return Err(Failure::usage(
            "--open-all is for ledgers whose entry 0 says that their data are made up",
        ));
    }
    let scrub = (a.scrub_hours > 0).then(|| Duration::from_secs(3_600 * a.scrub_hours));
    run(session, &session.folder, opened, keys, (config, scrub))
}

/// Runs `lian dev`.
pub fn dev(a: &Dev, session: &Session) -> Result<()> {
    session.near()?;
    let temporary = tempfile::Builder::new().prefix("lian-dev-").tempdir();
    let temporary = temporary.map_err(|error| Failure::io(Path::new("temporary folder"), error))?;
    let folder = match &a.dir {
        Some(folder) => demo::empty_folder(folder)?,
        None => temporary.path().to_owned(),
    };
    let ledger = demo::sample(&folder, a.seed, session.out)?;
    let mut config = Config::new(SocketAddr::from(([127, 0, 0, 1], a.port)));
    config.open_all = true;
    let (opened, keys) = take_to_serve(&ledger, &session.keyring, session.out)?;
    session.out.talk(session.out.text(Text::DevOpen, &[]));
    run(session, &ledger, opened, keys, (config, None))
}

/// Serves until told to stop.
fn run(
    session: &Session,
    folder: &Path,
    opened: OpenLedger,
    keys: SystemKeys,
    (config, scrub): (Config, Option<Duration>),
) -> Result<()> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Io, "serve", error);
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| failed(&error))?;
    let name = opened.ledger.opening().map(|opening| opening.name.to_string()).unwrap_or_default();
    let (id, log_key) = (opened.ledger.id().to_owned(), log_verifier(&name, &keys)?);
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let mut service = Service::start(opened, keys, Arc::new(SystemClock::new()), cores);
    if let Some(every) = scrub {
        let out = session.out;
        service.scrub_every(every, move |finding| out.talk(scrubbed(finding)));
    }
    let service = Arc::new(service);
    let kept = Arc::clone(&service);
    let running = match http::serve(service, config) {
        Ok(running) => running,
        Err(error) => {
            close(kept)?;
            return Err(failed(&error));
        }
    };
    drop(kept);
    let (out, url) = (session.out, format!("{scheme}://{}", running.address()));
    let size = running.service().reader().head().size();
    if out.json {
        out.line(
            json!({"url": url, "ledger": id, "log_key": log_key.to_string(), "size": size, "dir": folder})
                .to_string(),
        );
    } else {
        out.line(format!("listening  {url}"));
        out.line(format!(
            "ledger     {id}\nlog key    {log_key}\nentries    {size}\nfolder     {}",
            folder.display()
        ));
        out.talk(out.text(Text::StopWith, &[]));
    }
    let ended = wait(&runtime, &running);
    out.talk(out.text(Text::Stopping, &[]));
    close(running.stop())?;
    ended
}

fn scrubbed(finding: &Finding) -> String {
    match finding {
        Finding::Sound { reached, compared } => {
            format!("views: all {compared} rows agree with a fresh fold of {reached} entries")
        }
        Finding::Condemned(difference) => format!("views: {difference}; they are being made again"),
        Finding::NotDone(why) => format!("views: not compared this time: {why}"),
    }
}

/// Until a signal comes, or the writer stops by itself.
fn wait(runtime: &Runtime, running: &Running) -> Result<()> {
    runtime.block_on(async {
        let failed = |error: std::io::Error| Failure::new(Exit::Io, "serve", error);
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = interrupt.recv() => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                _ = look.tick() => if let Some(why) = running.service().stopped() {
                    return Err(Failure::new(Exit::Io, "stopped", why).fix("lian doctor; start again: recovery goes by the files"));
                },
            }
        }
    })
}

fn close(service: Arc<Service>) -> Result<()> {
    let stopped = |error: &dyn std::fmt::Display| Failure::new(Exit::Io, "stopped", error);
    let service = Arc::into_inner(service).ok_or_else(|| stopped(&"the ledger is still in use"))?;
    service.close().map_err(|error| stopped(&error))
}
