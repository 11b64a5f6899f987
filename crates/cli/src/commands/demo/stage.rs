//! The stage of the demo: a made-up house, a story clock, and the real ledger under them.
//! Invariant: every statement goes through the same admission, sequencer and store as any other,
//! and every receipt is verified before it is believed.

use std::{path::Path, sync::Arc};

use lian_client::{
    answer::{Sealed, open_receipt, open_rejection},
    draft::Draft,
    sample::House,
};
use lian_core::{
    hash::{Digest, leaf_hash},
    json::Value,
    note::VerifierKey,
    statement::{Envelope, statement_digest},
};
use lian_domain::{ledger::ledger_id, rejection::RejectionNote};
use lian_server::{
    clock::{Clock, TestClock},
    open::{Fold, SystemKeys, log_verifier},
    peek,
    service::{Answer, Service},
};
use lian_store::disk::RealDisk;

use crate::{
    failure::{Exit, Failure, Result},
    folder::open_with,
    out::Out,
};

/// The running sample.
pub struct Stage {
    /// Everybody and their keys.
    pub house: House,
    /// The real ledger.
    pub service: Service,
    /// The ledger's id.
    pub ledger: String,
    /// The log's public key.
    pub log: VerifierKey,
    clock: Arc<TestClock>,
    now_s: i64,
}

/// An answer that was verified.
pub struct Told {
    /// What the receipt says.
    pub sealed: Sealed,
    /// The receipt file.
    pub receipt: Vec<u8>,
}

impl Stage {
    /// Opens a new ledger in a folder; the story's clock stands at `now_s`.
    pub fn open(folder: &Path, seed: u64, name: &str, now_s: i64, out: Out) -> Result<Self> {
        let house = House::named(seed, name);
        let keys = system_keys(&house);
        let log = log_verifier(name, &keys)?;
        let opened = open_with(Arc::new(RealDisk::create(folder)?), name, &keys, out)?;
        let clock = Arc::new(TestClock::at(u64::try_from(now_s).unwrap_or_default() * 1_000));
        let service = Service::start(opened, keys, Arc::<TestClock>::clone(&clock), 2);
        let mut stage = Self { house, service, ledger: name.to_owned(), log, clock, now_s };
        stage.found()?;
        stage.reopen(folder, out)
    }

    /// Stops and starts again, as any night's maintenance does.
    fn reopen(self, folder: &Path, out: Out) -> Result<Self> {
        self.service.close().map_err(broken)?;
        let keys = system_keys(&self.house);
        let opened = open_with(Arc::new(RealDisk::open(folder)?), self.log.name(), &keys, out)?;
        let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&self.clock);
        let service = Service::start(opened, keys, clock, 2);
        Ok(Self { service, ..self })
    }

    /// Records entry 0 and everybody's first key.
    fn found(&mut self) -> Result<()> {
        let name = self.ledger.clone();
        self.send(&self.house.opening(self.now_s))?;
        let entry = self.service.reader().read_entry(0).map_err(broken)?;
        self.ledger = ledger_id(&name, &leaf_hash(&entry.leaf));
        // One after another: an admin must be on record before it can vouch.
        for envelope in self.house.enrolments(&self.ledger, self.now_s) {
            self.send(&envelope)?;
        }
        Ok(())
    }

    /// Story time passes.
    pub fn pass(&mut self, seconds: u32) {
        self.clock.pass(u64::from(seconds) * 1_000);
        self.now_s += i64::from(seconds);
    }

    /// The story's moment, Unix milliseconds.
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.now_s).unwrap_or_default() * 1_000
    }

    /// A draft of one event.
    pub fn draft(&self, kind: &str, stream: &str, expect: u64, data: Value<'static>) -> Draft {
        self.house.draft(&self.ledger, self.now_s).event(kind, stream, expect, data)
    }

    /// Signs and sends; the receipt is verified here.
    pub fn say(&self, draft: &Draft, by: &[(&str, &str)]) -> Result<Told> {
        self.send(&self.house.sign(draft, by))
    }

    fn send(&self, envelope: &Envelope) -> Result<Told> {
        match self.answers(vec![envelope.write()])?.pop() {
            Some(Answer::Sealed { index, .. }) => self.receipt(index, envelope),
            Some(Answer::Rejected { rejection, .. }) => {
                Err(broken(format!("the demo was turned away: {rejection}")))
            }
            None => Err(broken("no answer came")),
        }
    }

    /// Sends many at once, as the banks do.
    pub fn send_all(&self, envelopes: &[Envelope]) -> Result<()> {
        for answer in self.answers(envelopes.iter().map(Envelope::write).collect())? {
            if let Answer::Rejected { rejection, .. } = answer {
                return Err(broken(format!("the demo was turned away: {rejection}")));
            }
        }
        Ok(())
    }

    /// Sends what has no authority; the signed rejection is verified here.
    pub fn turned_away(&self, draft: &Draft, by: &[(&str, &str)]) -> Result<RejectionNote> {
        let envelope = self.house.sign(draft, by);
        let Some(Answer::Rejected { signed, .. }) = self.answers(vec![envelope.write()])?.pop() else {
            return Err(broken("it should have been turned away"));
        };
        let admission = self.house.key("system:admission").public();
        let digest = statement_digest(&envelope.payload);
        open_rejection(&signed, &admission, &self.ledger, Some(&digest)).map_err(broken)
    }

    fn answers(&self, envelopes: Vec<Vec<u8>>) -> Result<Vec<Answer>> {
        Ok(self.service.submit_or_give_up(envelopes)?)
    }

    fn receipt(&self, index: u64, sent: &Envelope) -> Result<Told> {
        let receipt = self.service.receipt(index).map_err(broken)?;
        let sealed = open_receipt(&receipt, &self.log, Some(sent)).map_err(broken)?;
        Ok(Told { sealed, receipt })
    }

    /// The last epoch, verified: all verdicts computed again, all signatures checked.
    pub fn last_epoch(&self) -> Result<(u64, Digest)> {
        let reader = self.service.reader();
        let mut fold = Fold::new(self.now_s);
        fold.run(reader, u64::MAX, &mut |_| ())?;
        peek::check_signatures(&fold.ledger, reader, 0..fold.ledger.size()).map_err(broken)?;
        let epochs = fold.ledger.epochs();
        let last = epochs.last().ok_or_else(|| broken("no epoch"))?;
        Ok((epochs.len() as u64 - 1, last.root))
    }
}

/// The log's keys of a house.
pub fn system_keys(house: &House) -> SystemKeys {
    SystemKeys {
        log: house.copy_of("log"),
        system_log: house.copy_of("system:log"),
        admission: house.copy_of("system:admission"),
    }
}

/// The demo itself went wrong.
pub fn broken(what: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, "demo", what)
}
