//! T5, T6, T6b: every disk call of a ledger's life fails, in every way, once or from then on; and
//! every pair of calls does, the second one often in the recovery from the first.
//! Whatever fails, the answer is an error and the writer stops or goes on as it promised: no panic,
//! no acknowledgement after a failed sync of the log, nothing acknowledged lost, never a fork.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::support::{
    START_S,
    business::Books,
    depth::{by_depth, cases, replayed},
    history::{History, NotOpen},
};
use lian_client::sample::House;
use lian_server::service::{Answer, ServiceError};
use lian_store::{
    commit::{AppendError, Store},
    disk::{Disk, DiskCall, Fault, FaultKind, FaultyDisk, Rng, SimDisk, Step},
};

const KINDS: [FaultKind; 4] = [FaultKind::Io, FaultKind::NoSpace, FaultKind::Interrupted, FaultKind::Short];
/// Operations of the trace, all pairs of which fail.
const TRACE_OPERATIONS: usize = 60;
const OPENED: &str = "opened";
const ACKNOWLEDGED: &str = "acknowledged";

fn fault(number: u64, kind: FaultKind, persistent: bool) -> Fault {
    Fault { call: None, number, kind, persistent }
}

/// Lives until the work is done, opening the folder again after each failure. Returns how many
/// entries were acknowledged in the end, and whether the work was done.
fn live(history: &History, disk: &FaultyDisk) -> (u64, bool) {
    let mut acknowledged = 0;
    for _ in 0..3 {
        let store = match history.start(Arc::new(disk.clone())) {
            Ok(started) => started.store,
            Err(NotOpen::Damaged(damage)) => panic!("an error was taken for damage: {damage}"),
            Err(NotOpen::Open(_) | NotOpen::Start(_)) => continue,
        };
        disk.note(OPENED);
        let size = store.reader().head().size();
        assert!(size >= acknowledged, "{size} entries of {acknowledged}");
        if session(history, disk, store, &mut acknowledged).is_ok() {
            return (acknowledged, true);
        }
    }
    (acknowledged, false)
}

fn session(
    history: &History,
    disk: &FaultyDisk,
    mut store: Store,
    acknowledged: &mut u64,
) -> Result<(), AppendError> {
    while store.reader().head().size() < 8 {
        let from = store.reader().head().size();
        let mut outcome = store.append_batch(history.batch(from, 1 + from % 2));
        // Where the writer says that nothing was written, the same may be tried again.
        if matches!(outcome, Err(AppendError::NoSpace(_) | AppendError::Tiles(_))) {
            outcome = store.append_batch(history.batch(from, 1 + from % 2));
        }
        if matches!(outcome, Err(AppendError::Poisoned(_))) {
            let again = store.append_batch(history.batch(from, 1));
            assert!(matches!(again, Err(AppendError::Poisoned(_))), "a poisoned writer wrote: {again:?}");
        }
        *acknowledged = outcome?.size();
        disk.note(ACKNOWLEDGED);
        // A checkpoint that was not published is published with the next one.
        let _later = store.reader().publish();
    }
    let _trimmed_by_recovery = store.close();
    Ok(())
}

/// No acknowledgement of a writer after one of its syncs of the log failed.
fn acknowledged_after_a_failed_sync(trace: &[Step]) -> bool {
    let mut failed = false;
    trace.iter().any(|step| match step {
        Step::Noted(note) if note == OPENED => {
            failed = false;
            false
        }
        Step::Noted(_) => failed,
        Step::Called { call: DiskCall::Sync, path, ok: false, .. } => {
            failed |= path.ends_with(".seg");
            false
        }
        Step::Called { .. } => false,
    })
}

/// Runs the life with these faults, then heals the disk and looks at what is there, both if the
/// machine lived and if it did not. Returns what was called, and whether the work was done.
fn survives(history: &History, faults: &[Fault], seed: u64) -> (Vec<Step>, bool) {
    let sim = SimDisk::new(seed);
    let disk = faults.iter().fold(FaultyDisk::over_sim(&sim), |disk, fault| disk.failing(*fault));
    let (acknowledged, done) = live(history, &disk);
    let trace = disk.trace();
    assert!(!acknowledged_after_a_failed_sync(&trace), "{faults:?}: acknowledged after a failed sync");

    for wreck in [sim.kill(), sim.power_loss(&mut Rng::new(seed)), sim.power_loss_keeping(|_| false)] {
        let shared: Arc<dyn Disk> = Arc::new(wreck.clone());
        let mut store = match history.start(shared) {
            Ok(started) => started.store,
            Err(error) => panic!("{faults:?}, seed {seed}: {error:?}"),
        };
        let size = history.check(store.reader(), &wreck);
        assert!(size >= acknowledged, "{faults:?}, seed {seed}: {size} entries of {acknowledged}");
        history.append(&mut store, 1);
        drop(store);
        let shared: Arc<dyn Disk> = Arc::new(wreck.power_loss_keeping(|_| false));
        let store = history.start(shared).expect("sound after a power loss").store;
        assert_eq!(store.reader().head().size(), size + 1, "{faults:?}, seed {seed}");
    }
    (trace, done)
}

/// Numbers of the calls of a trace that can matter: looking whether a tile is there is one call of
/// sixty-four that are alike, and only the first is taken.
fn operations(trace: &[Step]) -> Vec<u64> {
    let mut looks = 0;
    let calls = trace.iter().filter(|step| matches!(step, Step::Called { .. }));
    let matters = |(_, step): &(u64, &Step)| {
        let look = matches!(step, Step::Called { call: DiskCall::Exists, .. });
        looks = if look { looks + 1 } else { 0 };
        looks <= 1
    };
    (1..).zip(calls).filter(matters).map(|(number, _)| number).collect()
}

fn short_history() -> History {
    History::new(16, |index| 40 + 90 * usize::try_from(index).unwrap())
}

#[test]
fn the_life_without_faults_has_sixty_operations_and_ends_well() {
    let (trace, done) = survives(&short_history(), &[], 1);

    assert!(done);
    let operations = operations(&trace).len();
    println!("{operations} operations");
    assert!(operations >= TRACE_OPERATIONS, "only {operations}");
}

/// T6: the N-th call fails.
#[test]
fn whichever_call_fails_once_or_from_then_on_nothing_acknowledged_is_lost_and_nothing_panics() {
    let history = short_history();
    let calls = operations(&survives(&history, &[], 1).0);
    let stopped = AtomicU64::new(0);

    cases("single faults", calls.len() as u64 * 8, |seed| {
        let kind = KINDS[usize::try_from(seed / 2 % 4).unwrap()];
        let persistent = seed % 2 == 1;
        let number = calls[usize::try_from(seed / 8).unwrap()];
        let (trace, done) = survives(&history, &[fault(number, kind, persistent)], seed);
        assert!(done || persistent, "one {kind:?} at call {number} stopped three writers");
        let opened = trace.iter().filter(|step| matches!(step, Step::Noted(note) if note == OPENED)).count();
        stopped.fetch_add(u64::from(!done || opened > 1), Ordering::Relaxed);
    });

    let stopped = stopped.into_inner();
    println!("{stopped} runs met an error");
    assert!(replayed().is_some() || stopped > calls.len() as u64, "only {stopped} runs met an error");
}

/// T6b: two calls fail; the second is any of the calls that come after the first has failed, so it
/// is often in the recovery from the first.
#[test]
fn whichever_two_calls_fail_nothing_acknowledged_is_lost_and_nothing_panics() {
    let history = short_history();
    let calls = operations(&survives(&history, &[], 1).0);
    let kinds_tried = by_depth(1, 4, 16);
    let runs = AtomicU64::new(0);

    cases("pairs of faults", (TRACE_OPERATIONS as u64 - 1) * kinds_tried, |seed| {
        let first = usize::try_from(seed / kinds_tried).unwrap();
        // Quick takes one pair of kinds for each pair of calls, deep all sixteen.
        let kinds = if kinds_tried == 16 { seed % 16 } else { Rng::new(seed).below(16) };
        let kind = |number: u64| KINDS[usize::try_from(number % 4).unwrap()];
        let one = fault(calls[first], kind(kinds), false);
        let (after, _) = survives(&history, &[one], seed);
        let later = operations(&after).into_iter().filter(|number| *number > one.number);
        for number in later.take(TRACE_OPERATIONS - 1 - first) {
            survives(&history, &[one, fault(number, kind(kinds / 4), false)], seed);
            runs.fetch_add(1, Ordering::Relaxed);
        }
    });

    let runs = runs.into_inner();
    println!("{runs} pairs");
    assert!(replayed().is_some() || runs >= 1_770 * kinds_tried, "only {runs} pairs");
}

/// T6b: the first call fails once, the second fails for ever: the writer of the recovery stops too.
#[test]
fn a_call_that_fails_and_a_disk_that_dies_later_lose_nothing_acknowledged() {
    let history = short_history();
    let calls = operations(&survives(&history, &[], 1).0);

    cases("fault, then death", by_depth(200, 1_770, 1_770 * 8), |seed| {
        let mut rng = Rng::new(seed);
        let one = calls[usize::try_from(rng.below(calls.len() as u64)).unwrap()];
        let death = one + 1 + rng.below(160);
        let kind = KINDS[usize::try_from(rng.below(4)).unwrap()];
        survives(&history, &[fault(one, kind, false), fault(death, FaultKind::Io, true)], seed);
    });
}

/// A disk that lies about one write is believed by nobody: the batch is read back before it is
/// signed, and a commit frame that never arrived leaves a whole batch to roll forward or, under
/// later ones, a named damage.
#[test]
fn one_lost_write_loses_nothing_that_was_acknowledged() {
    let history = short_history();

    for number in 1..40 {
        let sim = SimDisk::new(number);
        let lost = Fault { call: Some(DiskCall::Write), number, kind: FaultKind::Lost, persistent: false };
        let disk = FaultyDisk::over_sim(&sim).failing(lost);
        let Ok(started) = history.start(Arc::new(disk.clone())) else { continue };
        let mut acknowledged = 0;
        let _ = session(&history, &disk, started.store, &mut acknowledged);

        match history.start(Arc::new(sim.kill())) {
            Ok(started) => assert!(started.store.reader().head().size() >= acknowledged, "write {number}"),
            Err(NotOpen::Damaged(damage)) => assert!(damage.entry < acknowledged, "write {number}: {damage}"),
            Err(error) => panic!("write {number}: {error:?}"),
        }
    }
}

/// T5 at the service: after a failed sync nobody gets an answer any more.
#[test]
fn a_service_whose_disk_cannot_sync_answers_nothing_more_and_loses_nothing_it_answered() {
    let sim = SimDisk::new(5);
    let disk = FaultyDisk::over_sim(&sim);
    let house = House::new(5);
    let seeds = crate::support::desk::LogSeeds::of(&house);
    let mut running = crate::support::run(Arc::new(disk.clone()), house, START_S).unwrap();
    running.found();
    let mut books = Books::new(&running.house, &running.ledger, START_S);
    let request = books.request("guarantee/FB-115-000001", "004", 1_000_000);
    let answered = running.submit(&[request]);
    assert!(matches!(answered[..], [Answer::Sealed { .. }]), "{answered:?}");
    let acknowledged = running.service.reader().head().size();

    let number = disk.count_of(DiskCall::Sync) + 1;
    let dying = Fault { call: Some(DiskCall::Sync), number, kind: FaultKind::Io, persistent: true };
    drop(disk.clone().failing(dying));
    for serial in 2..6 {
        let envelope = books.request(&format!("guarantee/FB-115-{serial:06}"), "004", 1_000_000);
        let answer = running.service.submit_and_wait(vec![envelope.write()]);
        assert!(matches!(answer, Err(ServiceError::Stopped(_))), "{answer:?}");
    }

    assert!(running.service.stopped().is_some());
    assert!(matches!(running.service.close(), Err(ServiceError::Stopped(_))));
    for wreck in [sim.kill(), sim.power_loss_keeping(|_| false)] {
        let desk = crate::support::desk::Desk::open(Arc::new(wreck), &seeds, START_S).unwrap();
        assert!(desk.size() >= acknowledged, "{} of {acknowledged}", desk.size());
    }
}
