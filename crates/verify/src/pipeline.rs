//! Reads, scans, folds and verifies one ledger folder on all cores.
//! Invariant: what goes to the fold arrives in the order of the files; what comes back from the
//! workers is sorted and counted, so the report does not depend on their timing.

use std::{
    io,
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use lian_core::{
    audit::{
        Check, Judge,
        finding::{Fault, Finding, Findings, Source},
        fold::{self, Fold, Kept, Missing, Outcome, SegmentHead, Status},
    },
    policy::{self, Policy},
};

use crate::{
    Options, Progress, RunError,
    files::{self, Segments, read_capped},
    pool::{CloseOnDrop, Permits, Pool, Ready},
    reader::{Piece, Reader},
    report::{Note, Report},
    shadows::ShadowFiles,
    trust::{Known, kept_note},
};

/// Permits of half a MiB each, beside those per worker: large batches must not wait for each other.
const PERMITS: usize = 24;
/// Pieces that wait for the fold; what is in memory is bounded by the permits.
const QUEUE_PIECES: usize = 256;
/// Threads beyond which nothing is gained.
const THREADS_MAX: usize = 256;
const PUBLISHED: &str = "checkpoint";
const PUBLISHED_BYTES_MAX: u64 = 1 << 20;

/// What the fold receives, in order.
enum Ordered<F> {
    Head(SegmentHead),
    Chunk(Receiver<Ready<F>>),
    Finding(Finding),
    Failed(PathBuf, io::Error),
}

/// Checks a ledger folder.
pub(crate) fn audit_folder<J: Judge>(
    ledger: &Path,
    options: &Options,
    known: &Known,
    judge: J,
    progress: &dyn Fn(Progress),
) -> Result<Report, RunError> {
    let segments = files::segments(ledger)?;
    let mut shadows = ShadowFiles::new(ledger);
    let (published, stray) = published(ledger)?;
    let fast = options.skip_signatures_under_pin;
    let pin = known.pin.as_ref().filter(|pin| fast && pin.ran(Check::Signatures));
    let fold_options = fold::Options {
        verdicts: !options.no_verdicts,
        signatures_from: pin.map_or(0, |pin| pin.size),
        trust: known.trust.clone(),
        kept: known.kept.iter().chain(&published).cloned().collect(),
        seen: known.seen.clone(),
        tiles: shadows.has_tiles,
        bundles: shadows.has_bundles,
    };
    let mut fold = Fold::new(judge, fold_options);
    for finding in segments.findings.iter().cloned().chain(stray) {
        fold.add(finding);
    }
    let workers = threads(options);
    let (signatures, bad) = run(&mut fold, &segments, workers, &mut shadows, !options.no_verdicts, progress)?;
    let size = fold.size();
    if shadows.has_tiles {
        shadows.strays(size).into_iter().for_each(|finding| fold.add(finding));
    }
    let mut outcome = fold.finish(signatures, bad, &mut |shadow| shadows.compare(shadow));
    if let Some(policy) = &known.policy {
        witnesses(&mut outcome, policy, known.kept.iter().chain(&published));
    }
    let mut notes = Vec::new();
    if fast {
        notes.push(pin.map_or(Note::PinNotUsed, |pin| Note::SignaturesSkipped(pin.size)));
    }
    if shadows.has_tiles {
        notes.push(Note::TilesCompared(shadows.compared));
    }
    if let Some(kept) = &published {
        notes.push(Note::Published(kept.size));
    }
    Ok(Report::ledger(ledger, outcome, known, notes))
}

fn threads(options: &Options) -> usize {
    let cores = || thread::available_parallelism().map_or(1, NonZero::get);
    options.threads.unwrap_or_else(cores).clamp(1, THREADS_MAX)
}

/// The published checkpoint, or why it is none.
fn published(ledger: &Path) -> Result<(Option<Kept>, Option<Finding>), RunError> {
    let path = ledger.join(PUBLISHED);
    let finding = |fault| Finding::new(Check::Checkpoint, fault, Source::File(PUBLISHED.to_owned()), 0);
    match read_capped(&path, PUBLISHED_BYTES_MAX) {
        Ok(bytes) => match kept_note(PUBLISHED, &bytes, true) {
            Ok(kept) => Ok((Some(kept), None)),
            Err(error) => {
                let finding = finding(Fault::Malformed).field("note", bytes.len());
                Ok((None, Some(finding.values(error, "a signed checkpoint"))))
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((None, None)),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            Ok((None, Some(finding(Fault::NotAFile))))
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Ok((None, Some(finding(Fault::Malformed).values(error, "a signed checkpoint"))))
        }
        Err(error) => Err(RunError::io(&path, error)),
    }
}

fn run<J: Judge>(
    fold: &mut Fold<J>,
    segments: &Segments,
    workers: usize,
    shadows: &mut ShadowFiles,
    statements: bool,
    progress: &dyn Fn(Progress),
) -> Result<(u64, Findings), RunError> {
    let pool: Pool<J::Filing> = Pool::new(statements);
    let permits = Permits::new(PERMITS + 4 * workers);
    let (send, receive) = sync_channel(QUEUE_PIECES);
    let result = thread::scope(|scope| {
        let close = CloseOnDrop(&pool);
        for _ in 0..workers {
            scope.spawn(|| pool.work::<J>());
        }
        let (pool, permits) = (&pool, &permits);
        // The thread owns the sender: when it ends, so does the fold's queue.
        scope.spawn(move || read(segments, pool, permits, &send));
        let result = fold_all(fold, segments.bytes, receive, pool, shadows, progress);
        drop(close);
        result
    });
    result.map(|()| pool.results())
}

/// The reading thread.
fn read<F>(segments: &Segments, pool: &Pool<F>, permits: &Permits, send: &SyncSender<Ordered<F>>) {
    let mut reader = Reader::new();
    let mut hand_on = |piece| {
        let ordered = match piece {
            Piece::Head(head) => Ordered::Head(head),
            Piece::Finding(finding) => Ordered::Finding(finding),
            Piece::Chunk(chunk) => {
                let permit = permits.take(chunk.bytes.len());
                let (reply, receive) = sync_channel(1);
                pool.scan(chunk, permit, reply);
                Ordered::Chunk(receive)
            }
        };
        send.send(ordered).is_ok()
    };
    for (position, (number, path)) in segments.files.iter().enumerate() {
        let last = position + 1 == segments.files.len();
        match reader.segment(*number, path, last, &mut hand_on) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                // Nobody listens any more if this fails, too.
                let _ = send.send(Ordered::Failed(path.clone(), error));
                return;
            }
        }
    }
}

fn fold_all<J: Judge>(
    fold: &mut Fold<J>,
    bytes_total: u64,
    receive: Receiver<Ordered<J::Filing>>,
    pool: &Pool<J::Filing>,
    shadows: &mut ShadowFiles,
    progress: &dyn Fn(Progress),
) -> Result<(), RunError> {
    let mut bytes_done = 0;
    for piece in receive {
        match piece {
            Ordered::Head(head) => fold.segment(head),
            Ordered::Finding(finding) => fold.add(finding),
            Ordered::Failed(path, error) => return Err(RunError::Io { path, error }),
            Ordered::Chunk(scanned) => {
                let Ok((scanned, permit)) = scanned.recv() else {
                    let error = io::Error::other("a worker stopped before its work was done");
                    return Err(RunError::Io { path: PathBuf::new(), error });
                };
                bytes_done += scanned.bytes.len() as u64;
                for job in fold.chunk(scanned) {
                    pool.check(job, Arc::clone(&permit));
                }
                pool.hint(fold.log_key());
                for shadow in fold.take_shadows() {
                    shadows.compare(&shadow).into_iter().for_each(|finding| fold.add(finding));
                }
                progress(Progress { bytes_done, bytes_total, entries: fold.size() });
            }
        }
    }
    Ok(())
}

/// Whether cosigned checkpoints that hold reach the policy's quorum, and up to which size.
pub(crate) fn witnesses<'k>(outcome: &mut Outcome, policy: &Policy, kept: impl Iterator<Item = &'k Kept>) {
    if policy.asks_nobody() {
        return;
    }
    let failed: Vec<&Source> = outcome.findings.iter().map(|finding| &finding.source).collect();
    let mut up_to = 0;
    let mut lacks = "no cosigned checkpoint was given".to_owned();
    for kept in kept.filter(|kept| !failed.contains(&&Source::File(kept.name.clone()))) {
        match kept.note.as_ref().map(|note| policy.evaluate(note)) {
            Some(Ok(result)) if result.satisfied() => up_to = up_to.max(kept.size),
            Some(Ok(result)) => lacks = missing_words(result.missing.as_ref()),
            Some(Err(error)) => lacks = format!("{}: {error}", kept.name),
            None => {}
        }
    }
    let check = &mut outcome.checks[Check::Witnesses as usize];
    check.missing.clear();
    if up_to < outcome.size {
        check.missing.push(Missing::Quorum(up_to, lacks));
    } else if check.status == Status::Unconfirmed && outcome.findings.doubts(Check::Witnesses) == 0 {
        check.status = Status::Pass;
    }
}

fn missing_words(missing: Option<&policy::Missing>) -> String {
    match missing {
        None => "a log key of the policy".to_owned(),
        Some(policy::Missing::Witness(name)) => format!("the cosignature of {name}"),
        Some(policy::Missing::Group { name, have, need, absent }) => {
            format!("{have} of {need} in {name}; absent: {}", absent.join(", "))
        }
    }
}
