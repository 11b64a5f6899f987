//! `lian backup`: copies of a ledger, made while it is written, and proved good.
//! Invariant: a copy ends at a commit point of the log; it counts only once the audit found no
//! fault in what was written; nothing is restored to be written below a head that is known.
//! Limits: one segment (64 MiB, or one batch more) is held in memory.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use lian_core::{
    checkpoint::{self, Checkpoint},
    frame::{BATCH_HEADER_BYTES, BatchHeader, SegmentHeader, decode_commit},
    hash::{Digest, leaf_hash, sha256},
    merkle::check_inclusion,
    note::VerifierKey,
    receipt::{RECEIPT_BYTES_MAX, Receipt},
};
use lian_domain::ledger::ledger_id;
use lian_verify::{Options, Report};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    failure::{Exit, Failure, Result},
    folder::{CONFIG, View, now_ms, read_file, write_file},
    remote::failed,
    say::group,
    session::Session,
    text::Text,
    when::iso,
};

const EXAMPLES: &str = "\
Examples:
  lian --ledger ledger-data backup create /mnt/backup/2026-11-23     while the server runs
  lian backup verify /mnt/backup/2026-11-23
  lian backup restore /mnt/backup/2026-11-23 --dir ledger-data \\
       --known kept.checkpoint --server https://ledger.example
Keys are never copied: keep them apart. A backup that is older than a head that anybody knows is
restored to be read only (--read-only): going on from it would fork the log.
";
/// The file that says what a backup holds.
const MANIFEST: &str = "backup.json";
const FORMAT: &str = "lian-backup/1";
const SEGMENTS: &str = "segments";
/// A segment holds at most this, or one batch more.
const SEGMENT_BYTES_MAX: u64 = (64 << 20) + (16 << 20);
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// Options of `lian backup`.
#[derive(Args)]
#[command(before_help = EXAMPLES, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Copy the ledger up to its newest commit point, and verify the copy
    Create {
        /// A new folder
        dir: PathBuf,
    },
    /// Prove a backup good
    Verify {
        /// The backup
        dir: PathBuf,
    },
    /// Restore a backup to a new folder
    Restore(Restore),
}

#[derive(Args)]
struct Restore {
    /// The backup
    backup: PathBuf,
    /// The ledger's folder: new, empty, or with keys and settings only
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// A checkpoint, receipt or pin that was kept; may be given again
    #[arg(long, value_name = "FILE")]
    known: Vec<PathBuf>,
    /// Restore it to be read only, whatever is known
    #[arg(long)]
    read_only: bool,
}

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: String,
    ledger: String,
    log_key: String,
    size: u64,
    root: String,
    checkpoint: String,
    made_at: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Segment {
    name: String,
    bytes: u64,
    sha256: String,
}

/// A head that somebody knows.
struct Head {
    source: String,
    size: u64,
    root: Digest,
    note: Option<Vec<u8>>,
}

fn wrong(what: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, "backup", what)
}

/// Runs it.
pub fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    match &arguments.verb {
        Verb::Create { dir } => create(dir, session),
        Verb::Verify { dir } => verify(dir, session),
        Verb::Restore(a) => restore(a, session),
    }
}

fn create(dir: &Path, session: &Session) -> Result<()> {
    let view = session.view()?;
    let head = view.reader.head();
    if dir.exists() && fs::read_dir(dir).map_err(|error| Failure::io(dir, error))?.next().is_some() {
        return Err(
            Failure::usage(format!("{}: the folder is not empty", dir.display())).fix("name a new folder")
        );
    }
    let folder = dir.join(SEGMENTS);
    fs::create_dir_all(&folder).map_err(|error| Failure::io(&folder, error))?;
    let segments = copy(&session.folder, &folder, &view.log, head.size())?;
    let entry = view.reader.read_entry(0).map_err(wrong)?;
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        ledger: ledger_id(&view.name, &leaf_hash(&entry.leaf)),
        log_key: view.log.to_string(),
        size: head.size(),
        root: head.tip().range().root().to_hex(),
        checkpoint: String::from_utf8_lossy(head.note()).into_owned(),
        made_at: iso(now_ms()),
        segments,
    };
    let settings = session.folder.join(CONFIG);
    if settings.exists() {
        let text = fs::read(&settings).map_err(|error| Failure::io(&settings, error))?;
        write_synced(&dir.join(CONFIG), &text)?;
    }
    write_synced(&dir.join("checkpoint"), head.note())?;
    let text = serde_json::to_vec_pretty(&manifest).map_err(wrong)?;
    write_synced(&dir.join(MANIFEST), &text)?;
    sync_folder(&folder)?;
    sync_folder(dir)?;
    let report = check(dir, &manifest, session)?;
    tell(session, dir, &manifest, &report, Text::BackupMade);
    Ok(())
}

/// Copies segments up to the commit frame of this size.
fn copy(from: &Path, to: &Path, log: &VerifierKey, size: u64) -> Result<Vec<Segment>> {
    let mut copied = Vec::new();
    for number in 0_u32.. {
        let name = format!("{number:06}.seg");
        let path = from.join(SEGMENTS).join(&name);
        let bytes = read_file(&path, SEGMENT_BYTES_MAX)?;
        let (end, reached) = commit_end(&bytes, log, size);
        let bytes = &bytes[..end];
        write_synced(&to.join(&name), bytes)?;
        copied.push(Segment { name, bytes: end as u64, sha256: sha256(&[bytes]).to_hex() });
        if reached >= size {
            break;
        }
    }
    Ok(copied)
}

/// Where the last commit frame of at most this size ends, and its size. Bytes behind it are not
/// yet, or will never be, part of the log.
fn commit_end(bytes: &[u8], log: &VerifierKey, size: u64) -> (usize, u64) {
    let mut found = (0, 0);
    let Ok((_, mut at)) = SegmentHeader::decode(bytes) else { return found };
    while let Some(rest) = bytes.get(at..) {
        let Ok(batch) = BatchHeader::decode(rest) else { break };
        let frames = BATCH_HEADER_BYTES + batch.frames_bytes as usize;
        let Some(Ok((note, commit))) = rest.get(frames..).map(decode_commit) else { break };
        let Ok(open) = checkpoint::open(note, log) else { break };
        if open.checkpoint.size > size {
            break;
        }
        at += frames + commit;
        found = (at, open.checkpoint.size);
    }
    found
}

fn verify(dir: &Path, session: &Session) -> Result<()> {
    let manifest = read_manifest(dir)?;
    let report = check(dir, &manifest, session)?;
    tell(session, dir, &manifest, &report, Text::BackupGood);
    Ok(())
}

fn read_manifest(dir: &Path) -> Result<Manifest> {
    let path = dir.join(MANIFEST);
    if !path.exists() {
        return Err(Failure::new(
            Exit::NoLedger,
            "no-backup",
            format!("{}: there is no backup here", dir.display()),
        ));
    }
    let manifest: Manifest = serde_json::from_slice(&read_file(&path, MANIFEST_BYTES_MAX)?)
        .map_err(|error| wrong(format!("{}: {error}", path.display())))?;
    if manifest.format != FORMAT {
        return Err(Failure::usage(format!(
            "{}: format {:?} is not known here",
            path.display(),
            manifest.format
        )));
    }
    Ok(manifest)
}

/// Reads every byte of a backup again: digests, then the audit, then size and root.
fn check(dir: &Path, manifest: &Manifest, session: &Session) -> Result<Report> {
    for (number, segment) in manifest.segments.iter().enumerate() {
        if segment.name != format!("{number:06}.seg") {
            return Err(wrong(format!(
                "the manifest names {:?} where segment {number} was to come",
                segment.name
            )));
        }
        let bytes = read_file(&dir.join(SEGMENTS).join(&segment.name), SEGMENT_BYTES_MAX)?;
        if bytes.len() as u64 != segment.bytes || sha256(&[&bytes]).to_hex() != segment.sha256 {
            return Err(wrong(format!("{} is not what was written", segment.name)).fix("use another backup"));
        }
    }
    let options = Options { log_key: Some(manifest.log_key.clone()), ..Options::default() };
    let bar = session.out.bar(0);
    let report = lian_verify::run(dir, &options, &|progress| {
        bar.set_length(progress.bytes_total);
        bar.set_position(progress.bytes_done);
    });
    bar.finish_and_clear();
    let report = report.map_err(|error| Failure::new(Exit::Io, "io", error))?;
    if report.exit_code() == 1 {
        session.out.talk(report.text(session.out.lang.of_verifier()));
        return Err(wrong("the copy does not verify").fix("keep it as it is; use another backup"));
    }
    let view = View::open(dir)?;
    let head = view.reader.head();
    if head.size() != manifest.size || head.tip().range().root().to_hex() != manifest.root {
        return Err(wrong(format!(
            "the copy has {} entries, the manifest says {}",
            head.size(),
            manifest.size
        )));
    }
    Ok(report)
}

fn tell(session: &Session, dir: &Path, manifest: &Manifest, report: &Report, text: Text) {
    let out = session.out;
    let bytes: u64 = manifest.segments.iter().map(|segment| segment.bytes).sum();
    let result = if report.exit_code() == 0 { "PASS" } else { "UNCONFIRMED" };
    if out.json {
        out.value(&json!({
            "dir": dir, "ledger": manifest.ledger, "size": manifest.size, "root": manifest.root, "bytes": bytes,
            "audit": result,
        }));
        return;
    }
    out.line(out.text(text, &[&dir.display(), &group(manifest.size), &group(bytes)]));
    out.line(format!(
        "ledger   {}\nroot     {}\naudit    {}",
        manifest.ledger,
        manifest.root,
        out.word(result)
    ));
}

fn restore(a: &Restore, session: &Session) -> Result<()> {
    let manifest = read_manifest(&a.backup)?;
    let target = a.dir.join(SEGMENTS);
    if target.exists() {
        return Err(Failure::usage(format!("{}: there is a ledger here already", a.dir.display()))
            .fix("name a new folder"));
    }
    let report = check(&a.backup, &manifest, session)?;
    let newest = newest_known(a, &manifest, session)?;
    let behind = newest.as_ref().filter(|head| head.size > manifest.size);
    if let (Some(head), false) = (behind, a.read_only) {
        return Err(Failure::new(
            Exit::Failed,
            "behind",
            format!("the backup has {} entries, {} knows {}", manifest.size, head.source, head.size),
        )
        .because("whoever went on writing from it would sign a second history: a fork")
        .fix("find a newer backup or a mirror; to look at this one: --read-only"));
    }
    fs::create_dir_all(&target).map_err(|error| Failure::io(&target, error))?;
    for segment in &manifest.segments {
        let bytes = read_file(&a.backup.join(SEGMENTS).join(&segment.name), SEGMENT_BYTES_MAX)?;
        write_synced(&target.join(&segment.name), &bytes)?;
    }
    // The larger promise in the folder keeps it from being written: recovery goes by it.
    let promised =
        behind.and_then(|head| head.note.clone()).unwrap_or_else(|| manifest.checkpoint.clone().into_bytes());
    write_synced(&a.dir.join("checkpoint"), &promised)?;
    let settings = a.backup.join(CONFIG);
    if !a.read_only && settings.exists() && !a.dir.join(CONFIG).exists() {
        let text = fs::read(&settings).map_err(|error| Failure::io(&settings, error))?;
        write_synced(&a.dir.join(CONFIG), &text)?;
    }
    sync_folder(&target)?;
    sync_folder(&a.dir)?;
    for segment in &manifest.segments {
        let bytes = read_file(&target.join(&segment.name), SEGMENT_BYTES_MAX)?;
        if sha256(&[&bytes]).to_hex() != segment.sha256 {
            return Err(wrong(format!("{} did not arrive whole", segment.name)));
        }
    }
    let text = if a.read_only { Text::RestoredToRead } else { Text::Restored };
    tell(session, &a.dir, &manifest, &report, text);
    Ok(())
}

/// The largest head that anybody named knows; each must fit the backup.
fn newest_known(a: &Restore, manifest: &Manifest, session: &Session) -> Result<Option<Head>> {
    let log = VerifierKey::parse(&manifest.log_key).map_err(wrong)?;
    let mut heads = Vec::new();
    for path in &a.known {
        heads.push(read_known(path, &log)?);
    }
    let own = a.dir.join("checkpoint");
    if own.exists() {
        heads.push(read_known(&own, &log)?);
    }
    let remembered = lian_client::seen::SeenFolder::new(&session.seen).path(&log);
    if remembered.exists() {
        heads.push(read_known(&remembered, &log)?);
    }
    if let Some(remote) = session.remote()? {
        let note = remote.client.checkpoint_note().map_err(failed)?;
        heads.push(of_note(remote.client.url().to_owned(), note, &log)?);
    }
    let view = View::open(&a.backup)?;
    for head in heads.iter().filter(|head| head.size <= manifest.size && head.size > 0) {
        if view.reader.root_at(head.size).map_err(wrong)? != head.root {
            let what = format!(
                "{} knows another history: its root of size {} is {}",
                head.source, head.size, head.root
            );
            return Err(Failure::new(Exit::Failed, "fork", what)
                .fix("write nothing; keep both, and find out which of the two was shown to whom"));
        }
    }
    Ok(heads.into_iter().max_by_key(|head| head.size))
}

fn of_note(source: String, note: Vec<u8>, log: &VerifierKey) -> Result<Head> {
    let open = checkpoint::open(&note, log).map_err(|error| wrong(format!("{source}: {error}")))?;
    let Checkpoint { size, root, .. } = open.checkpoint;
    Ok(Head { source, size, root, note: Some(note) })
}

/// A kept checkpoint, the checkpoint of a receipt, or a pin.
fn read_known(path: &Path, log: &VerifierKey) -> Result<Head> {
    let bytes = read_file(path, RECEIPT_BYTES_MAX as u64)?;
    let source = path.display().to_string();
    if bytes.starts_with(b"{") {
        let pin: lian_verify::PinFile =
            serde_json::from_slice(&bytes).map_err(|error| Failure::usage(format!("{source}: {error}")))?;
        let root =
            Digest::from_hex(&pin.root).ok_or_else(|| wrong(format!("{source}: the root is no hash")))?;
        return Ok(Head { source, size: pin.size, root, note: None });
    }
    let Ok(receipt) = Receipt::parse(&bytes) else { return of_note(source, bytes, log) };
    let head = of_note(source, receipt.checkpoint.clone(), log)?;
    let entry = receipt.entry().map_err(wrong)?;
    check_inclusion(receipt.index, head.size, &leaf_hash(entry.leaf), &receipt.proof, &head.root)
        .map_err(|_| wrong(format!("{}: the receipt's proof does not lead to its root", head.source)))?;
    Ok(head)
}

/// Writes a file whole or not at all, and makes sure that it stays.
fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    write_file(path, bytes)?;
    File::options()
        .write(true)
        .open(path)
        .and_then(|mut file| file.flush().and_then(|()| file.sync_all()))
        .map_err(|error| Failure::io(path, error))
}

fn sync_folder(path: &Path) -> Result<()> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|error| Failure::io(path, error))
}
