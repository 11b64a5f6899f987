//! A sample ledger without threads: admission, sequencer and store as plain calls, one batch for
//! each submission. So a test sees the state itself, and every disk call comes in one order.

use std::sync::Arc;

use lian_client::sample::{House, SAMPLE_NAME};
use lian_core::{entry::Verdict, keys::SecretKey, statement::Envelope};
use lian_domain::{
    ledger::{Ledger, ledger_id},
    rejection::Rejection,
};
use lian_server::{
    admit::{KeyBook, admit},
    clock::{Stamper, TestClock},
    open::{OpenFault, SystemKeys, open},
    sequencer::{Folded, Placed, Sequencer},
};
use lian_store::{
    commit::{AppendError, Store},
    disk::Disk,
    reader::Reader,
};

use super::START_S;

/// Seeds of the log's own keys: a `House` is not for many threads, this is.
#[derive(Clone)]
pub struct LogSeeds([[u8; 32]; 3]);

impl LogSeeds {
    pub fn of(house: &House) -> Self {
        Self(["log", "system:log", "system:admission"].map(|actor| *house.key(actor).seed()))
    }

    pub fn keys(&self) -> SystemKeys {
        let [log, system_log, admission] = self.0.map(|seed| SecretKey::from_seed(&seed));
        SystemKeys { log, system_log, admission }
    }
}

/// An open ledger.
pub struct Desk {
    pub clock: Arc<TestClock>,
    pub id: String,
    store: Store,
    sequencer: Sequencer,
    book: KeyBook,
}

impl Desk {
    pub fn open(disk: Arc<dyn Disk>, seeds: &LogSeeds, now_s: i64) -> Result<Self, OpenFault> {
        let opened = open(disk, SAMPLE_NAME, &seeds.keys(), now_s, &mut |_| ())?;
        let clock = Arc::new(TestClock::at(u64::try_from(now_s).unwrap() * 1_000));
        let reader = opened.store.reader().clone();
        let head = reader.head();
        let stamper = Stamper::new(Arc::<TestClock>::clone(&clock), head.tip().recorded_at());
        let id = opened.ledger.id().to_owned();
        let book = KeyBook::of(&opened.ledger);
        let system_log = seeds.keys().system_log;
        let folded = Folded { ledger: opened.ledger, ids: opened.ids };
        let sequencer = Sequencer::new(folded, head.tip(), stamper, system_log, reader);
        Ok(Self { clock, id, store: opened.store, sequencer, book })
    }

    /// A new ledger with everybody of the house in it.
    pub fn found(disk: Arc<dyn Disk>, house: &House) -> Self {
        let mut desk = Self::open(disk, &LogSeeds::of(house), START_S).unwrap();
        desk.accept(&house.opening(START_S));
        let leaf = desk.reader().read_entry(0).unwrap().leaf;
        desk.id = ledger_id(SAMPLE_NAME, &lian_core::hash::leaf_hash(&leaf));
        for envelope in house.enrolments(&desk.id, START_S) {
            desk.accept(&envelope);
        }
        desk
    }

    /// Judges envelopes in order and commits them as one batch.
    pub fn submit(&mut self, envelopes: &[Envelope]) -> Result<Vec<Placed>, AppendError> {
        let mut placed = Vec::new();
        for envelope in envelopes {
            placed.push(match admit(&envelope.write(), &self.book) {
                Ok(statement) => self.sequencer.place(statement).expect("no fatal fault"),
                Err(turned) => Placed::Turned(turned.rejection),
            });
            self.book.renew(self.sequencer.ledger());
        }
        let entries = self.sequencer.cut();
        if !entries.is_empty() {
            let head = self.store.append_batch(&entries)?;
            self.sequencer.committed(head.size());
        }
        Ok(placed)
    }

    /// Submits one statement, which must be accepted; returns its entry.
    pub fn accept(&mut self, envelope: &Envelope) -> u64 {
        match &self.submit(std::slice::from_ref(envelope)).unwrap()[..] {
            [Placed::New { index, verdict: Verdict::ACCEPTED }] => *index,
            other => panic!("{other:?}"),
        }
    }

    /// Submits one statement, which must be refused on the record; returns entry and verdict.
    pub fn refuse(&mut self, envelope: &Envelope) -> (u64, Verdict) {
        match &self.submit(std::slice::from_ref(envelope)).unwrap()[..] {
            [Placed::New { index, verdict }] if !verdict.is_accepted() => (*index, *verdict),
            other => panic!("{other:?}"),
        }
    }

    /// Submits one statement, which must be turned away; returns why.
    pub fn turn_away(&mut self, envelope: &Envelope) -> Rejection {
        match self.submit(std::slice::from_ref(envelope)).unwrap().pop() {
            Some(Placed::Turned(rejection)) => rejection,
            other => panic!("{other:?}"),
        }
    }

    pub fn ledger(&self) -> &Ledger {
        self.sequencer.ledger()
    }

    pub fn reader(&self) -> &Reader {
        self.store.reader()
    }

    pub fn size(&self) -> u64 {
        self.reader().head().size()
    }

    pub fn close(self) {
        self.store.close().unwrap();
    }
}

/// All that a ledger is, as text that can be compared: streams with their state digests, keys and
/// actors, epochs, rules.
pub fn portrait(ledger: &Ledger) -> Vec<String> {
    let mut lines: Vec<String> = ledger
        .streams()
        .iter()
        .map(|stream| {
            format!(
                "{} version {} logged {} last {} acc {} state {}",
                stream.name,
                stream.version,
                stream.logged,
                stream.last,
                stream.acc,
                stream.state_digest()
            )
        })
        .collect();
    let directory = ledger.directory();
    lines.extend(directory.keys().map(|(id, key)| format!("{id} {key:?}")));
    lines.extend(directory.actors().map(|(name, actor)| format!("{name} {actor:?}")));
    lines.sort_unstable();
    lines.extend(ledger.epochs().iter().map(|epoch| format!("{epoch:?}")));
    lines.push(format!("{} size {} at {}", ledger.id(), ledger.size(), ledger.recorded_at()));
    lines.push(format!("rules {}", ledger.rules().digest()));
    lines
}
