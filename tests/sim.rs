//! T2, T3, T5, T6: power fails at any moment, and any part of what was not synced is there.
//! After each wreck: recover; the log is a prefix of the one honest history, holds everything that
//! was acknowledged, publishes nothing beyond it, and goes on. An acknowledgement is an
//! `append_batch` that returned. One case, one seed: `SEED=<n> cargo test --test house sim::<name>`.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::support::{
    START_S,
    depth::{by_depth, cases},
    desk::{Desk, LogSeeds},
    history::{History, NotOpen},
};
use lian_client::sample::House;
use lian_core::statement::Envelope;
use lian_server::sequencer::Placed;
use lian_store::{
    commit::{AppendError, Store},
    disk::{Disk, DiskCall, Fault, FaultKind, FaultyDisk, Rng, SimDisk, Step},
    reader::Reader,
};

/// More un-synced changes than this are not tried in all combinations.
const EXHAUSTIVE_MAX: usize = 6;

/// A life, moment by moment: the disk after each call that changed it, and how many entries were
/// acknowledged by then.
struct Life {
    sim: SimDisk,
    acknowledged: Vec<u64>,
}

impl Life {
    fn begin(seed: u64) -> Self {
        let sim = SimDisk::new(seed);
        sim.keep_history();
        Self { sim, acknowledged: Vec::new() }
    }

    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.sim.clone())
    }

    /// From the present moment on, so many entries are acknowledged.
    fn acknowledge(&mut self, size: u64) {
        let before = self.acknowledged.last().copied().unwrap_or_default();
        self.acknowledged.resize(self.sim.moment_count() - 1, before);
        self.acknowledged.push(size);
    }

    fn moments(&self) -> u64 {
        self.acknowledged.len() as u64
    }

    /// The folder as a process that died at this moment left it, and what must be in it.
    fn moment(&self, number: u64) -> (SimDisk, u64) {
        let number = usize::try_from(number).unwrap();
        (self.sim.moment(number).unwrap(), self.acknowledged[number])
    }
}

fn shared(sim: &SimDisk) -> Arc<dyn Disk> {
    Arc::new(sim.clone())
}

/// Recovers a wreck; it must be sound, and hold at least `least` entries of the history.
fn recover(history: &History, wreck: &SimDisk, least: u64) -> (Store, u64) {
    let store = match history.start(shared(wreck)) {
        Ok(started) => started.store,
        Err(NotOpen::Damaged(damage)) => panic!("a crash was taken for damage: {damage}"),
        Err(other) => panic!("{other:?}"),
    };
    let size = history.check(store.reader(), wreck);
    assert!(size >= least, "{size} entries of {least} acknowledged");
    (store, size)
}

/// One of the wrecks that a power loss can leave: all combinations where they are few, then any.
fn wreck_of(dead: &SimDisk, variant: u64, rng: &mut Rng) -> SimDisk {
    let unsynced = dead.unsynced_count();
    if unsynced <= EXHAUSTIVE_MAX && variant < 1 << unsynced {
        return dead.power_loss_keeping(|change| variant >> change & 1 == 1);
    }
    if variant.is_multiple_of(7) { dead.kill() } else { dead.power_loss(rng) }
}

/// Two hundred appends, with a publication now and then, a clean stop and a start in the middle.
fn two_hundred_appends(history: &History) -> Life {
    let mut life = Life::begin(3);
    let mut store = history.start(life.disk()).unwrap().store;
    life.acknowledge(0);
    for number in 0..200 {
        let size = history.append(&mut store, 1 + number % 3);
        life.acknowledge(size);
        if number % 10 == 9 {
            store.reader().publish().unwrap();
        }
        if number == 40 {
            store.prepare_next().unwrap();
        }
        if number == 120 {
            store.close().unwrap();
            store = history.start(life.disk()).unwrap().store;
        }
        life.acknowledge(size);
    }
    life
}

/// A wreck is recovered and written to; then, at any moment of that, the power fails again.
fn crash_twice(history: &History, life: &Life, seed: u64, states: &AtomicU64) {
    let mut rng = Rng::new(seed);
    let (dead, least) = life.moment(seed % life.moments());
    let wreck = wreck_of(&dead, seed / life.moments(), &mut rng);
    wreck.keep_history();

    let (mut store, size) = recover(history, &wreck, least);
    let recovered_at = wreck.moment_count();
    let again = history.append(&mut store, 1 + seed % 4);
    assert!(again > size);
    drop(store);

    let inner = usize::try_from(rng.below(wreck.moment_count() as u64)).unwrap();
    let least = match inner {
        inner if inner + 1 == wreck.moment_count() => again,
        inner if inner >= recovered_at => size,
        _ => least,
    };
    let second = wreck.moment(inner).unwrap();
    let second = wreck_of(&second, rng.below(16), &mut rng);
    drop(recover(history, &second, least));
    states.fetch_add(2, Ordering::Relaxed);
}

#[test]
fn after_power_loss_at_any_moment_the_log_is_a_prefix_that_holds_all_that_was_acknowledged() {
    let history = History::new(900, |index| 30 + usize::try_from(index * 37 % 400).unwrap());
    let life = two_hundred_appends(&history);
    let wanted = by_depth(1_500, 20_000, 1_000_000);
    let states = AtomicU64::new(0);

    cases("power loss", wanted / 2 + 1, |seed| crash_twice(&history, &life, seed, &states));

    println!("{} crash states over {} moments", states.load(Ordering::Relaxed), life.moments());
    assert!(crate::support::depth::replayed().is_some() || states.into_inner() >= wanted);
}

/// The same where batches fill segments, so that sealing, preparing and taking over are among the
/// moments.
#[test]
fn after_power_loss_between_two_segments_the_log_is_a_prefix_that_holds_all_that_was_acknowledged() {
    let history = History::new(120, |index| 20_000 + usize::try_from(index * 977 % 40_000).unwrap());
    let mut life = Life::begin(5);
    let mut store = history.start(life.disk()).unwrap().store;
    for number in 0..16 {
        if number % 3 == 1 {
            store.prepare_next().unwrap();
        }
        let size = history.append(&mut store, 5);
        life.acknowledge(size);
        if number % 5 == 4 {
            store.reader().publish().unwrap();
        }
    }
    assert!(life.sim.bytes_of("segments/000001.seg").is_some(), "the log never left its first segment");
    drop(store);
    let states = AtomicU64::new(0);

    cases("two segments", by_depth(200, 1_200, 50_000), |seed| {
        crash_twice(&history, &life, seed.wrapping_mul(31), &states);
    });
}

/// A writer is killed between write and sync; the machine lives. The next one sees the bytes, goes
/// on from them and acknowledges more; then the power fails and nothing un-synced is kept.
#[test]
fn what_a_killed_writer_left_in_the_cache_is_made_durable_before_anything_rests_on_it() {
    let history = History::new(900, |index| 30 + usize::try_from(index * 37 % 400).unwrap());
    let life = two_hundred_appends(&history);
    let step = by_depth(9, 1, 1);

    cases("kill, go on, power loss", life.moments() / step, |seed| {
        let (dead, least) = life.moment(seed * step);
        let (mut store, served) = recover(&history, &dead, least);
        // What recovery serves is durable before it serves it.
        drop(recover(&history, &dead.power_loss_keeping(|_| false), served));
        let acknowledged = history.append(&mut store, 2);
        drop(store);

        let dark = dead.power_loss_keeping(|_| false);

        drop(recover(&history, &dark, acknowledged));
    });
}

/// Each crash in each moment of a recovery from each of some crashes.
#[test]
fn a_recovery_that_crashes_at_any_moment_is_recovered_from() {
    let history = History::new(900, |index| 30 + usize::try_from(index * 37 % 400).unwrap());
    let life = two_hundred_appends(&history);
    let step = by_depth(40, 8, 1);

    cases("crash in recovery", life.moments() / step, |seed| {
        let mut rng = Rng::new(seed);
        let (dead, least) = life.moment(seed * step);
        let wreck = dead.power_loss(&mut rng);
        wreck.keep_history();
        drop(recover(&history, &wreck, least));
        for inner in 0..wreck.moment_count() {
            let second = wreck.moment(inner).unwrap().power_loss(&mut rng);
            second.keep_history();
            let (_, size) = recover(&history, &second, least);
            let last = usize::try_from(rng.below(second.moment_count() as u64)).unwrap();
            let third = second.moment(last).unwrap().power_loss(&mut rng);
            drop(recover(&history, &third, least.min(size)));
        }
    });
}

/// T5: one sync fails, and the pages that it covered are marked clean: readers see them, the disk
/// does not have them, and no later sync writes them.
#[test]
fn after_a_failed_sync_nothing_is_acknowledged_and_the_cache_is_not_believed() {
    let history = History::new(60, |_| 200);
    let mut syncs = 0;
    for number in 1.. {
        let sim = SimDisk::new(number);
        let fault = Fault { call: Some(DiskCall::Sync), number, kind: FaultKind::Io, persistent: false };
        let faulty = FaultyDisk::over_sim(&sim).failing(fault);
        let acknowledged = live_until_a_sync_fails(&history, &faulty);
        if faulty.count_of(DiskCall::Sync) < number {
            break;
        }
        syncs = number;

        for seed in 0..by_depth(4, 32, 256) {
            let dead = sim.kill();
            let (mut store, _) = recover(&history, &dead, acknowledged);
            let more = history.append(&mut store, 1);
            drop(store);
            let mut rng = Rng::new(seed);
            let dark = if seed == 0 { dead.power_loss_keeping(|_| false) } else { dead.power_loss(&mut rng) };
            drop(recover(&history, &dark, more));
            drop(recover(&history, &sim.power_loss(&mut rng), acknowledged));
        }
    }
    assert!(syncs > 30, "only {syncs} syncs were there to fail");
}

/// Appends and publishes until something fails; then tries to go on, which the writer must refuse.
fn live_until_a_sync_fails(history: &History, disk: &FaultyDisk) -> u64 {
    let Ok(started) = history.start(Arc::new(disk.clone())) else { return 0 };
    let mut store = started.store;
    let mut acknowledged = 0;
    for _ in 0..12 {
        let from = store.reader().head().size();
        let outcome = store.append_batch(history.batch(from, 2));
        let failed = failed_sync_of_the_log(&disk.trace());
        match outcome {
            Ok(head) => {
                assert!(!failed, "entry {} was acknowledged after a failed sync", head.size());
                acknowledged = head.size();
            }
            Err(_) => {
                let again = store.append_batch(history.batch(from, 2));
                assert!(matches!(again, Err(AppendError::Poisoned(_))), "{again:?}");
                assert!(matches!(store.retry(), Err(AppendError::Poisoned(_))));
                return acknowledged;
            }
        }
        // A checkpoint that cannot be published harms nothing: it is tried again later.
        let _ = store.reader().publish();
    }
    let _ = store.close();
    acknowledged
}

fn failed_sync_of_the_log(trace: &[Step]) -> bool {
    trace.iter().any(|step| {
        matches!(step, Step::Called { call: DiskCall::Sync, path, ok: false, .. } if path.ends_with(".seg"))
    })
}

/// The same through admission, sequencer and rules: statements of the sample house.
#[test]
fn after_power_loss_the_statements_of_a_sample_house_are_all_there_and_judged_the_same() {
    let house = House::new(11);
    let seeds = LogSeeds::of(&house);
    let mut life = Life::begin(7);
    let mut desk = Desk::found(life.disk(), &house);
    life.acknowledge(desk.size());
    let founded = life.moments() - 1;
    for round in 0..by_depth(6, 12, 24) {
        desk.clock.pass(90_000);
        for envelopes in round_of_business(&house, &desk.id, round) {
            let placed = desk.submit(&envelopes).unwrap();
            assert!(placed.iter().all(|placed| matches!(placed, Placed::New { .. })), "{placed:?}");
            life.acknowledge(desk.size());
        }
    }
    let truth = leaves(desk.reader());
    let now_s = START_S + 3_600;
    drop(desk);

    let moments = life.moments() - founded;
    cases("sample house", moments * by_depth(1, 8, 200), |seed| {
        let mut rng = Rng::new(seed);
        let (dead, least) = life.moment(founded + seed % moments);
        let wreck = wreck_of(&dead, seed / moments, &mut rng);

        let desk = Desk::open(shared(&wreck), &seeds, now_s).unwrap();

        let found = leaves(desk.reader());
        assert!(found.len() as u64 >= least, "{} of {least}", found.len());
        assert_eq!(found, truth[..found.len()], "a fork");
        assert_eq!(desk.ledger().size(), found.len() as u64);
        drop(desk);
        let again = Desk::open(shared(&wreck.power_loss(&mut rng)), &seeds, now_s).unwrap();
        assert_eq!(leaves(again.reader()), found, "the second recovery found another log");
    });
}

fn leaves(reader: &Reader) -> Vec<Vec<u8>> {
    reader.entries(0..u64::MAX).unwrap().map(|entry| entry.unwrap().leaf).collect()
}

/// A request and its acceptance, then a batch of draws of which the last is refused.
fn round_of_business(house: &House, ledger: &str, round: u64) -> Vec<Vec<Envelope>> {
    let mut books =
        crate::support::business::Books::new(house, ledger, START_S + 90 * i64::try_from(round).unwrap());
    let stream = format!("guarantee/FB-115-{round:06}");
    let request = books.request(&stream, "004", 1_000_000);
    let accept = books.accept(&stream);
    let draws = (0..3).map(|_| books.draw(&stream, 300_000)).collect();
    let refused = books.try_draw(&stream, 300_000);
    vec![vec![request, accept], draws, vec![refused]]
}
