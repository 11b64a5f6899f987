//! `lian checkpoint`, `lian tiles` and `lian rules`: what the log promised, for strangers.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lian_core::entry::Leaf;
use lian_store::{disk::RealDisk, tiles::export as export_tiles};
use serde_json::json;

use super::afar;
use crate::{
    failure::{Exit, Failure, Result},
    folder::write_file,
    say::{group, to_json},
    session::Session,
    when::{When, iso, roc, size_at},
};

const CHECKPOINT_EXAMPLES: &str = "\
Examples:
  lian checkpoint list -n 10
  lian checkpoint show                        the newest, as the log signed it
  lian checkpoint show checkpoint:121         size and root then
  lian checkpoint export --out kept.checkpoint    keep it elsewhere: it shows every rewrite
";
const TILES_EXAMPLES: &str = "\
Examples:
  lian tiles export mirror                    C2SP tlog-tiles: any web server can serve the folder
";
const RULES_EXAMPLES: &str = "\
Examples:
  lian rules show
  lian rules show --as-of 115-03-31 --json
";

/// Options of `lian checkpoint`.
#[derive(Args)]
#[command(before_help = CHECKPOINT_EXAMPLES, arg_required_else_help = true)]
pub struct Checkpoint {
    #[command(subcommand)]
    verb: CheckpointVerb,
}

#[derive(Subcommand)]
enum CheckpointVerb {
    /// List the commit points of the log
    List {
        /// At most so many, the newest
        #[arg(short = 'n', long, default_value_t = 20)]
        limit: usize,
    },
    /// Show the newest checkpoint, or size and root of an earlier moment
    Show {
        /// The moment
        #[arg(value_name = "WHEN", value_parser = When::parse, default_value = "now")]
        when: When,
    },
    /// Write the newest checkpoint as the log signed it
    Export {
        /// The file to write [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Options of `lian tiles`.
#[derive(Args)]
#[command(before_help = TILES_EXAMPLES, arg_required_else_help = true)]
pub struct Tiles {
    #[command(subcommand)]
    verb: TilesVerb,
}

#[derive(Subcommand)]
enum TilesVerb {
    /// Write everything a stranger needs: hash tiles, entry bundles (leaves), checkpoint
    Export {
        /// A folder
        dir: PathBuf,
    },
}

/// Options of `lian rules`.
#[derive(Args)]
#[command(before_help = RULES_EXAMPLES, arg_required_else_help = true)]
pub struct Rules {
    #[command(subcommand)]
    verb: RulesVerb,
}

#[derive(Subcommand)]
enum RulesVerb {
    /// Show the rules data in force
    Show {
        /// A moment of the past
        #[arg(long, value_name = "WHEN", value_parser = When::parse, default_value = "now")]
        as_of: When,
    },
}

fn damaged(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, "damaged", error)
}

/// Runs `lian checkpoint`.
pub fn checkpoint(arguments: &Checkpoint, session: &Session) -> Result<()> {
    if let Some(remote) = session.remote()? {
        return match &arguments.verb {
            CheckpointVerb::List { .. } => session.near(),
            CheckpointVerb::Show { when } => afar::checkpoint(session, &remote, *when),
            CheckpointVerb::Export { out } => afar::export_checkpoint(session, &remote, out.as_deref()),
        };
    }
    match &arguments.verb {
        CheckpointVerb::List { limit } => list(*limit, session),
        CheckpointVerb::Show { when } => show(*when, session),
        CheckpointVerb::Export { out } => {
            let note = session.view()?.reader.head().note().to_vec();
            match out {
                Some(path) => write_file(path, &note)?,
                None => session.out.bytes(&note),
            }
            Ok(())
        }
    }
}

fn list(limit: usize, session: &Session) -> Result<()> {
    let out = session.out;
    let view = session.view()?;
    let end = view.reader.head().size();
    let mut ends: Vec<(u64, u64)> = Vec::new();
    let mut last = 0;
    for (index, stored) in (0..).zip(view.reader.entries(0..end).map_err(damaged)?) {
        let stored = stored.map_err(damaged)?;
        if stored.batch_first && index > 0 {
            ends.push((index, last));
        }
        last = Leaf::decode(&stored.leaf).map_err(damaged)?.recorded_at;
    }
    ends.push((end, last));
    let shown = &ends[ends.len().saturating_sub(limit)..];
    let mut values = Vec::new();
    for (size, recorded_at) in shown {
        let root = view.reader.root_at(*size).map_err(damaged)?;
        if !out.json {
            out.line(format!("{:>8}  {}  {root}", group(*size), roc(*recorded_at)));
        }
        values.push(json!({"size": size, "recorded_at": iso(*recorded_at), "root": root.to_hex()}));
    }
    if out.json {
        out.value(&json!({"checkpoints": values, "of": ends.len()}));
    }
    Ok(())
}

fn show(when: When, session: &Session) -> Result<()> {
    let out = session.out;
    let view = session.view()?;
    let size = size_at(when, &view.reader)?;
    let root = view.reader.root_at(size).map_err(damaged)?;
    let head = view.reader.head();
    let note = (size == head.size()).then(|| String::from_utf8_lossy(head.note()).into_owned());
    if out.json {
        out.value(&json!({"origin": view.name, "size": size, "root": root.to_hex(), "note": note}));
    } else if let Some(note) = note {
        out.bytes(note.as_bytes());
    } else {
        out.line(format!("{}\n{size}\n{root}", view.name));
    }
    Ok(())
}

/// Runs `lian tiles`.
pub fn tiles(arguments: &Tiles, session: &Session) -> Result<()> {
    let TilesVerb::Export { dir } = &arguments.verb;
    let view = session.view()?;
    let target = RealDisk::create(dir)?;
    let size = export_tiles(&view.reader, &target).map_err(|error| Failure::new(Exit::Io, "io", error))?;
    if session.out.json {
        session.out.value(&json!({"dir": dir, "size": size}));
    } else {
        session.out.line(format!(
            "tiles of {} entries, bundles of leaves and checkpoint: {}",
            group(size),
            dir.display()
        ));
    }
    Ok(())
}

/// Runs `lian rules`.
pub fn rules(arguments: &Rules, session: &Session) -> Result<()> {
    let RulesVerb::Show { as_of } = &arguments.verb;
    let view = session.view()?;
    let ledger = view.fold(size_at(*as_of, &view.reader)?, session.out)?;
    let rules = ledger.rules();
    let value = to_json(&rules.to_value());
    if session.out.json {
        session.out.value(&json!({"digest": rules.digest().to_hex(), "rules": value}));
        return Ok(());
    }
    session.out.line(format!(
        "rules {} on engine {}   digest {}",
        rules.version,
        rules.engine,
        rules.digest()
    ));
    for (name, value) in value.as_object().into_iter().flatten() {
        session.out.line(format!("  {name:<22} {value}"));
    }
    Ok(())
}
