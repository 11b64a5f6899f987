//! What the tests of the whole house share: a sample ledger behind the real admission, sequencer
//! and store, on any disk.

pub mod browser;
pub mod business;
pub mod depth;
pub mod desk;
pub mod door;
pub mod files;
pub mod history;

use std::{path::Path, sync::Arc};

use lian_client::sample::{House, SAMPLE_NAME};
use lian_core::statement::Envelope;
use lian_server::{
    clock::TestClock,
    open::{OpenFault, SystemKeys, open},
    service::{Answer, Service},
};
use lian_store::disk::{Disk, RealDisk};

/// 2026-11-23T14:05:03+08:00: when every sample ledger opens.
pub const START_S: i64 = 1_795_413_903;

/// A running sample ledger.
pub struct Running {
    pub house: House,
    pub service: Service,
    pub clock: Arc<TestClock>,
    pub ledger: String,
}

pub fn system_keys(house: &House) -> SystemKeys {
    SystemKeys {
        log: house.copy_of("log"),
        system_log: house.copy_of("system:log"),
        admission: house.copy_of("system:admission"),
    }
}

/// Opens the folder behind `disk` and runs the service; the clock stands at `now_s`.
pub fn run(disk: Arc<dyn Disk>, house: House, now_s: i64) -> Result<Running, OpenFault> {
    let opened = open(disk, SAMPLE_NAME, &system_keys(&house), now_s, &mut |_| ())?;
    let clock = Arc::new(TestClock::at(u64::try_from(now_s).unwrap() * 1_000));
    let ledger = opened.ledger.id().to_owned();
    let service = Service::start(opened, system_keys(&house), Arc::<TestClock>::clone(&clock), 2);
    Ok(Running { house, service, clock, ledger })
}

/// A new ledger in a folder: entry 0, then everybody of the house.
pub fn found(folder: &Path, seed: u64) -> Running {
    let house = House::new(seed);
    let mut running = run(Arc::new(RealDisk::create(folder).unwrap()), house, START_S).unwrap();
    running.found();
    running
}

impl Running {
    /// Records entry 0 and everybody's first key.
    pub fn found(&mut self) {
        let opening = self.house.opening(START_S);
        assert_eq!(self.submit(&[opening]), [sealed(0)]);
        let payload = self.service.reader().read_entry(0).unwrap();
        let hash = lian_core::hash::leaf_hash(&payload.leaf);
        self.ledger = lian_domain::ledger::ledger_id(SAMPLE_NAME, &hash);
        // One after another: an admin must be on record before it can vouch.
        for envelope in self.house.enrolments(&self.ledger, START_S) {
            let answer = self.submit(&[envelope]);
            assert!(matches!(answer[0], Answer::Sealed { .. }), "{answer:?}");
        }
    }

    pub fn submit(&self, envelopes: &[Envelope]) -> Vec<Answer> {
        let bytes = envelopes.iter().map(Envelope::write).collect();
        self.service.submit_and_wait(bytes).unwrap()
    }
}

/// The answer "accepted as entry `index`".
pub fn sealed(index: u64) -> Answer {
    Answer::Sealed { index, verdict: Some(lian_core::entry::Verdict::ACCEPTED) }
}
