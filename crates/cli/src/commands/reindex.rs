//! `lian reindex`: the views of a folder, made again from the log, or compared with it.
//! Invariant: views are shadows: throwing them away costs time and no fact. What they knew is said
//! before they go, because views that are ahead of their log are evidence.

use std::sync::Arc;

use lian_server::{clock::SystemClock, scrubbing::Finding, service::Service, shadow::Shadow};
use lian_store::disk::{Disk as _, LockError, RealDisk};
use serde_json::json;

use crate::{
    failure::{Exit, Failure, Result, locked, no_ledger},
    folder::{VIEWS, take_to_serve},
    say::group,
    session::Session,
    text::Text,
};

const EXAMPLES: &str = "\
Examples:
  lian reindex --check                       compare every row with a fresh fold of the log
  lian reindex                               throw the views away and make them again
No server may run on the folder. Exit code of --check: 0 if every row agrees, 1 otherwise.
";

/// Options of `lian reindex`.
#[derive(clap::Args)]
#[command(before_help = EXAMPLES)]
pub struct Arguments {
    /// Compare only; change nothing that agrees
    #[arg(long)]
    check: bool,
}

/// Runs it.
pub fn run(a: &Arguments, session: &Session) -> Result<()> {
    session.near()?;
    if !a.check {
        discard(session)?;
    }
    let (opened, keys) = take_to_serve(&session.folder, &session.keyring, session.out)?;
    let discarded = opened.discarded.clone();
    let size = opened.store.reader().head().size();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let service = Service::start(opened, keys, Arc::new(SystemClock::new()), cores);
    let finding = if a.check { service.scrub_now() } else { None };
    service.close().map_err(|error| Failure::new(Exit::Io, "stopped", error))?;
    if a.check {
        return checked(session, discarded, finding);
    }
    made(session, size);
    Ok(())
}

fn made(session: &Session, size: u64) {
    let out = session.out;
    if out.json {
        out.value(&json!({"entries": size, "views": "made again"}));
    } else {
        out.line(out.text(Text::ViewsMade, &[&group(size)]));
    }
}

fn checked(session: &Session, discarded: Option<String>, finding: Option<Finding>) -> Result<()> {
    let failed = |what: &dyn std::fmt::Display| {
        Err(Failure::new(Exit::Failed, "views", what).fix("the views were made again from the log"))
    };
    let out = session.out;
    match (discarded, finding) {
        (Some(why), _) => failed(&why),
        (None, Some(Finding::Sound { reached, compared })) => {
            if out.json {
                out.value(&json!({"entries": reached, "rows": compared, "views": "agree"}));
            } else {
                out.line(out.text(Text::ViewsAgree, &[&group(compared), &group(reached)]));
            }
            Ok(())
        }
        (None, Some(Finding::Condemned(difference))) => failed(&difference),
        (None, Some(Finding::NotDone(why))) => Err(Failure::new(Exit::Io, "views", why)),
        (None, None) => Err(Failure::new(Exit::Io, "views", "no views are kept before entry 0")),
    }
}

/// Throws the views away, under the lock of the folder.
fn discard(session: &Session) -> Result<()> {
    let disk = RealDisk::open(&session.folder).map_err(|_| no_ledger(session.folder.display()))?;
    let lock = disk.lock("lian reindex").map_err(|error| match error {
        LockError::Held { holder } => locked(&holder),
        LockError::Disk(error) => error.into(),
    })?;
    let views = session.folder.join(VIEWS);
    if let Some(known) = Shadow::claims(&views) {
        let said = [group(known.reached), known.link.to_hex(), known.ledger.to_hex()];
        session.out.talk(session.out.text(Text::ViewsGo, &[&said[0], &said[1], &said[2]]));
    }
    Shadow::discard(&views).map_err(|fault| Failure::new(Exit::Io, "views", fault))?;
    drop(lock);
    Ok(())
}
