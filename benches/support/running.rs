//! A sample ledger on the real disk, behind the real admission, sequencer and store.

use std::{
    collections::VecDeque,
    fs,
    path::Path,
    sync::{Arc, mpsc::Receiver},
};

use lian_client::sample::{House, SAMPLE_NAME};
use lian_core::{
    hash::{Digest, leaf_hash},
    statement::Envelope,
};
use lian_domain::ledger::ledger_id;
use lian_server::{
    clock::TestClock,
    keeping::Views,
    open::{SystemKeys, open, open_over},
    service::{Answer, Service},
};
use lian_store::disk::RealDisk;

use super::{
    cores, ticks,
    work::{Hands, PER_SECOND, Statement},
};

/// 2026-11-23T14:05:03+08:00: when every sample ledger opens.
pub const START_S: i64 = 1_795_413_903;
/// Groups that wait for answers at a time: below what the service queues.
const IN_FLIGHT: usize = 512;

/// A running sample ledger.
pub struct Running {
    pub house: House,
    pub service: Service,
    pub clock: Arc<TestClock>,
    pub ledger: String,
    pub root: Digest,
    /// Threads of the service, in the order of their start: workers, sequencer, committer.
    threads: Vec<u64>,
}

/// What the log answered.
#[derive(Default, Clone, Copy)]
pub struct Answers {
    pub accepted: u64,
    pub refused: u64,
    /// Code of the last refusal.
    pub refusal: u16,
}

pub fn system_keys(house: &House) -> SystemKeys {
    SystemKeys {
        log: house.copy_of("log"),
        system_log: house.copy_of("system:log"),
        admission: house.copy_of("system:admission"),
    }
}

/// A new sample ledger: entry 0, then everybody of the house.
pub fn found(folder: &Path, seed: u64) -> Running {
    let house = House::new(seed);
    let disk = Arc::new(RealDisk::create(folder).expect("a folder can be made"));
    let opened =
        open(disk, SAMPLE_NAME, &system_keys(&house), START_S, &mut |_| ()).expect("a new ledger opens");
    let clock = Arc::new(TestClock::at(u64::try_from(START_S).expect("after 1970") * 1_000));
    let before = thread_ids();
    let service = Service::start(opened, system_keys(&house), Arc::<TestClock>::clone(&clock), cores());
    let threads = thread_ids().into_iter().filter(|id| !before.contains(id)).collect();
    let mut running = Running { house, service, clock, ledger: String::new(), root: Digest::ZERO, threads };
    running.seal_one(&running.house.opening(START_S));
    let entry = running.service.reader().read_entry(0).expect("entry 0 is there");
    running.root = leaf_hash(&entry.leaf);
    running.ledger = ledger_id(SAMPLE_NAME, &running.root);
    for envelope in running.house.enrolments(&running.ledger, START_S) {
        running.seal_one(&envelope);
    }
    running
}

/// The same, with views kept up in sled beside the segments.
pub fn found_with_views(folder: &Path, seed: u64) -> Running {
    let Running { house, service, clock, ledger, root, .. } = found(folder, seed);
    service.close().expect("the ledger closes");
    let disk = Arc::new(RealDisk::open(folder).expect("the folder is there"));
    let views = Views::at(&folder.join("views/sled"));
    let opened = open_over(disk, SAMPLE_NAME, &system_keys(&house), START_S, Some(&views), &mut |_| ());
    let before = thread_ids();
    let opened = opened.expect("the ledger opens over views");
    let service = Service::start(opened, system_keys(&house), Arc::<TestClock>::clone(&clock), cores());
    let threads = thread_ids().into_iter().filter(|id| !before.contains(id)).collect();
    Running { house, service, clock, ledger, root, threads }
}

fn thread_ids() -> Vec<u64> {
    let entries = fs::read_dir("/proc/self/task").expect("the threads are listed");
    let mut ids: Vec<u64> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    ids.sort_unstable();
    ids
}

impl Running {
    pub fn seal_one(&self, envelope: &Envelope) {
        let answers = self.service.submit_and_wait(vec![envelope.write()]).expect("the service runs");
        assert!(matches!(answers[0], Answer::Sealed { .. }), "{answers:?}");
    }

    pub fn hands(&self) -> Hands {
        Hands::new(&self.house, &self.ledger, self.root)
    }

    /// Hands in all statements in groups and waits for all answers, many groups at a time.
    pub fn submit_all(&self, statements: Vec<Statement>, group: usize) -> Answers {
        let mut waiting: VecDeque<Receiver<Vec<Answer>>> = VecDeque::new();
        let mut answers = Answers::default();
        for envelopes in groups(statements, group) {
            self.pass(envelopes.len());
            waiting.push_back(self.service.submit(envelopes).expect("the queue has room"));
            if waiting.len() == IN_FLIGHT {
                answers.take(waiting.pop_front());
            }
        }
        while !waiting.is_empty() {
            answers.take(waiting.pop_front());
        }
        answers
    }

    /// The same, one group after another: every group is a batch.
    pub fn submit_one_by_one(&self, statements: Vec<Statement>, group: usize) -> Answers {
        let mut answers = Answers::default();
        for envelopes in groups(statements, group) {
            self.pass(envelopes.len());
            answers.take(Some(self.service.submit(envelopes).expect("the queue has room")));
        }
        answers
    }

    /// The ledger's clock runs with the work, not with the machine.
    fn pass(&self, statements: usize) {
        self.clock.pass(statements as u64 * 1_000 / PER_SECOND);
    }

    /// Processor seconds so far: admission, sequencer, committer.
    pub fn processor_seconds(&self) -> [f64; 3] {
        let of = |id: &u64| ticks(&format!("/proc/self/task/{id}/stat"));
        let workers = self.threads.len().saturating_sub(2);
        let rest = |at: usize| self.threads.get(workers + at).map_or(0.0, of);
        [self.threads[..workers].iter().map(of).sum(), rest(0), rest(1)]
    }
}

impl Answers {
    fn take(&mut self, answers: Option<Receiver<Vec<Answer>>>) {
        let answers = answers.map(|answers| answers.recv().expect("the service answers"));
        for answer in answers.into_iter().flatten() {
            match answer {
                Answer::Sealed { verdict: Some(verdict), .. } if verdict.is_accepted() => self.accepted += 1,
                Answer::Sealed { verdict: Some(verdict), .. } => {
                    (self.refused, self.refusal) = (self.refused + 1, verdict.code);
                }
                other => panic!("not sealed anew: {other:?}"),
            }
        }
    }

    pub fn all(self) -> u64 {
        self.accepted + self.refused
    }
}

fn groups(statements: Vec<Statement>, group: usize) -> impl Iterator<Item = Vec<Vec<u8>>> {
    let mut rest = statements.into_iter().map(|statement| statement.bytes);
    std::iter::from_fn(move || {
        let envelopes: Vec<Vec<u8>> = rest.by_ref().take(group).collect();
        (!envelopes.is_empty()).then_some(envelopes)
    })
}
