//! A log without signatures: the ledger judges what admission would have let through. The golden
//! ledger is its beginning, so that everybody has keys; then statements are made up.

use std::{path::PathBuf, sync::Arc};

use lian_core::{
    audit::Place,
    entry::{Leaf, Verdict},
    frame::{BATCH_HEADER_BYTES, BatchHeader, SegmentHeader, decode_commit, decode_frames},
    hash::{leaf_hash, link},
    merkle::CompactRange,
    statement::statement_digest,
};
use lian_domain::{
    filing::Filing,
    ledger::{Ledger, Unlogged},
    rejection::Rejection,
    views::past::{Past, PastEntry},
};

/// One statement that was judged, and what became of it.
#[derive(Clone)]
pub struct Attempt {
    pub payload: Vec<u8>,
    pub recorded_at: u64,
    pub batch_first: bool,
    /// The batch ends after it.
    pub batch_last: bool,
    pub outcome: Result<Verdict, Rejection>,
    /// Its leaf and links, if it was logged.
    pub leaf: Vec<u8>,
    pub previous: Vec<u64>,
}

/// A ledger that judges attempts in order.
pub struct Desk {
    pub ledger: Ledger,
    pub tree: CompactRange,
    pub link: lian_core::hash::Digest,
}

impl Desk {
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, tree: CompactRange::new(), link: lian_core::hash::Digest::ZERO }
    }

    /// Judges a statement and logs it unless it is turned away.
    pub fn judge(
        &mut self,
        payload: &[u8],
        recorded_at: u64,
        batch_first: bool,
        leaf: Option<&[u8]>,
    ) -> Result<Attempt, Unlogged> {
        let filing = Filing::read(payload, statement_digest(payload)).expect("a statement of engine 1");
        let index = self.tree.size();
        let place = Place { index, recorded_at, tree: &self.tree, batch_first };
        let rules = if index == 0 { 1 } else { self.ledger.rules().version };
        let mut attempt = Attempt {
            payload: payload.to_vec(),
            recorded_at,
            batch_first,
            batch_last: false,
            outcome: Ok(Verdict::ACCEPTED),
            leaf: Vec::new(),
            previous: Vec::new(),
        };
        let judged = self.ledger.judge(&place, &filing);
        let told = matches!(judged, Err(Unlogged::Rows(_)));
        assert!(told || self.ledger.fault().is_ok(), "judged on rows that could not be read: {judged:?}");
        let verdict = match judged {
            Ok(verdict) => verdict,
            Err(Unlogged::Rejected(rejection)) => {
                attempt.outcome = Err(rejection);
                return Ok(attempt);
            }
            Err(other) => return Err(other),
        };
        attempt.outcome = Ok(verdict);
        let signature = [0; 64];
        let made = Leaf {
            index,
            previous: self.link,
            recorded_at,
            rules,
            verdict,
            statement: filing.digest,
            signatures: vec![&signature; filing.issuers.len()],
        };
        attempt.leaf = leaf.map_or_else(|| made.encode().unwrap(), <[u8]>::to_vec);
        let hash = leaf_hash(&attempt.leaf);
        attempt.previous = self.ledger.record(&place, &filing, verdict, hash);
        self.link = link(&attempt.leaf);
        self.tree.push(hash);
        Ok(attempt)
    }

    /// Judges what was judged before, with the same leaf.
    pub fn again(&mut self, attempt: &Attempt) -> Result<Attempt, Unlogged> {
        let leaf = Some(&*attempt.leaf).filter(|leaf| !leaf.is_empty());
        let mut again = self.judge(&attempt.payload, attempt.recorded_at, attempt.batch_first, leaf)?;
        again.batch_last = attempt.batch_last;
        if attempt.batch_last {
            self.commit();
        }
        Ok(again)
    }

    pub fn commit(&mut self) {
        self.ledger.committed(self.tree.size(), self.tree.root());
    }
}

/// The golden ledger of engine 1, judged.
pub fn golden() -> (Desk, Vec<Attempt>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../ledger-data/golden/engine-1/segments/000000.seg");
    let bytes = std::fs::read(path).unwrap();
    let (mut desk, mut log) = (Desk::new(Ledger::new()), Vec::new());
    let (_, mut at) = SegmentHeader::decode(&bytes).unwrap();
    while let Some(batch) = bytes.get(at..).filter(|rest| rest.iter().any(|byte| *byte != 0)) {
        let header = BatchHeader::decode(batch).unwrap();
        let end = BATCH_HEADER_BYTES + header.frames_bytes as usize;
        let frames = decode_frames(&header, &batch[BATCH_HEADER_BYTES..end]).unwrap();
        for (position, frame) in frames.iter().enumerate() {
            let leaf = Leaf::decode(frame.leaf).unwrap();
            let attempt =
                desk.judge(frame.payload, leaf.recorded_at, position == 0, Some(frame.leaf)).unwrap();
            assert_eq!(attempt.outcome, Ok(leaf.verdict));
            assert_eq!(attempt.previous, frame.previous().collect::<Vec<u64>>());
            log.push(attempt);
        }
        desk.commit();
        log.last_mut().unwrap().batch_last = true;
        let (_, commit) = decode_commit(&batch[end..]).unwrap();
        at += end + commit;
    }
    (desk, log)
}

/// The logged entries of attempts.
pub struct Entries(Vec<PastEntry>);

impl Entries {
    pub fn of(log: &[Attempt]) -> Arc<Self> {
        let logged = log.iter().filter(|attempt| attempt.outcome.is_ok());
        let entry = |attempt: &Attempt| PastEntry {
            leaf: attempt.leaf.clone(),
            payload: attempt.payload.clone(),
            previous: attempt.previous.clone(),
        };
        Arc::new(Self(logged.map(entry).collect()))
    }

    pub fn get(&self, index: u64) -> &PastEntry {
        &self.0[usize::try_from(index).unwrap()]
    }
}

impl Past for Entries {
    fn entry(&self, index: u64) -> Result<PastEntry, String> {
        let found = usize::try_from(index).ok().and_then(|index| self.0.get(index));
        found.cloned().ok_or_else(|| format!("there is no entry {index}"))
    }
}
