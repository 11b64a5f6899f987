//! The epochs: when one is due, what it says, and which are cosigned (SPEC.md "Epochs").
//! Invariant: epoch n covers all entries below its size; its map is a function of them alone.

use std::sync::Arc;

use lian_core::{
    hash::Digest,
    map::{
        EpochMap, MapProof,
        paged::{PagePath, PagedMap, Pages},
    },
    note::{Note, NoteSignature},
    policy::Policy,
};

use crate::{
    ledger::stored::{fault, page_row},
    rows::{RowFault, Rows, Table},
    rules::Rules,
};

/// One closed epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Entries that it covers.
    pub size: u64,
    /// Root of the tree of that size.
    pub root: Digest,
    /// Root of the epoch map; zeros for epoch 0, which has none.
    pub map: Digest,
    /// When it was closed, Unix milliseconds.
    pub closed_at: u64,
    /// Text of the checkpoint of the batch that holds its `epoch.closed`, once that is committed.
    pub checkpoint: Option<String>,
    /// Lines of witnesses logged so far.
    pub lines: Vec<NoteSignature>,
    /// When the entry was recorded with which the lines on the log satisfied the witness policy, Unix
    /// milliseconds; with nobody to ask, `closed_at` once the checkpoint is committed.
    pub cosigned_at: Option<u64>,
}

impl Epoch {
    /// True once the witness policy is satisfied by what is on the log.
    pub fn is_cosigned(&self) -> bool {
        self.cosigned_at.is_some()
    }
}

/// The epoch map: whole in memory, or in pages of which rows hold the rest.
enum Map {
    Whole(EpochMap),
    Paged {
        map: PagedMap,
        rows: PageRows,
        /// How often it was updated.
        mark: u64,
    },
}

/// Pages of the map as rows.
pub(crate) struct PageRows(pub Arc<dyn Rows>);

impl Pages for PageRows {
    type Error = RowFault;

    fn page(&self, path: &PagePath) -> Result<Option<Vec<u8>>, RowFault> {
        self.0.get(Table::State, &page_row(path))
    }

    fn broken(&self, path: &PagePath) -> RowFault {
        fault(&page_row(path), "no page of the map")
    }
}

/// All epochs of a ledger, and what the next one will say.
pub struct Epochs {
    closed: Vec<Epoch>,
    /// Numbers of those that changed since they were last taken; kept only where rows are.
    touched: Vec<u64>,
    map: Map,
    /// Window (recorded_at / epoch length) of the first entry not covered yet that is not the log's.
    open_window: Option<u64>,
    policy: Option<Policy>,
    origin: String,
}

impl Epochs {
    /// Before entry 0.
    pub fn new() -> Self {
        Self {
            closed: Vec::new(),
            touched: Vec::new(),
            map: Map::Whole(EpochMap::new()),
            open_window: None,
            policy: None,
            origin: String::new(),
        }
    }

    /// Before entry 0, with the map in rows.
    pub fn over(rows: Arc<dyn Rows>) -> Self {
        let map = Map::Paged { map: PagedMap::new(), rows: PageRows(rows), mark: 0 };
        Self { map, ..Self::new() }
    }

    /// As rows say they are after some entry.
    pub fn restore(
        &mut self,
        origin: &str,
        policy: Option<Policy>,
        closed: Vec<Epoch>,
        open_window: Option<u64>,
    ) {
        origin.clone_into(&mut self.origin);
        (self.policy, self.closed, self.open_window) = (policy, closed, open_window);
    }

    /// Window of the first entry not covered yet that is not the log's.
    pub fn open_window(&self) -> Option<u64> {
        self.open_window
    }

    fn touch(&mut self, number: u64) {
        if let (Map::Paged { .. }, false) = (&self.map, self.touched.last() == Some(&number)) {
            self.touched.push(number);
        }
    }

    /// Numbers of the epochs that changed since the last call.
    pub fn take_touched(&mut self) -> Vec<u64> {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        touched
    }

    /// Pages of the map that changed since the last call, where the map is in pages, and the mark
    /// that [`Epochs::pages_kept`] wants once rows hold them.
    pub fn take_pages(&mut self) -> (Vec<(PagePath, Vec<u8>)>, u64) {
        match &mut self.map {
            Map::Whole(_) => (Vec::new(), 0),
            Map::Paged { map, mark, .. } => (map.take_changed(), *mark),
        }
    }

    /// Rows hold all pages up to this mark.
    pub fn pages_kept(&mut self, kept: u64) {
        if let Map::Paged { map, .. } = &mut self.map {
            map.kept(kept);
        }
    }

    /// Epoch 0: entry 0 alone.
    pub fn open(&mut self, origin: &str, policy: Option<Policy>, root: Digest, recorded_at: u64) {
        origin.clone_into(&mut self.origin);
        self.policy = policy;
        self.push(1, root, Digest::ZERO, recorded_at);
    }

    fn push(&mut self, size: u64, root: Digest, map: Digest, closed_at: u64) {
        let lines = Vec::new();
        self.touch(self.next_number());
        self.closed.push(Epoch { size, root, map, closed_at, checkpoint: None, lines, cosigned_at: None });
    }

    /// Epoch `number`, if it is closed.
    pub fn get(&self, number: u64) -> Option<&Epoch> {
        usize::try_from(number).ok().and_then(|number| self.closed.get(number))
    }

    /// All closed epochs, from 0.
    pub fn closed(&self) -> &[Epoch] {
        &self.closed
    }

    /// Number of the next epoch.
    pub fn next_number(&self) -> u64 {
        self.closed.len() as u64
    }

    /// Must the entry at `index`, first of its batch, be `epoch.closed`? Yes when enough entries are
    /// not covered, or when one that is not the log's own lies in an earlier window.
    pub fn due(&self, index: u64, recorded_at: u64, rules: &Rules) -> bool {
        let Some(last) = self.closed.last() else {
            return false;
        };
        let window = recorded_at / (u64::from(rules.epoch_seconds) * 1_000);
        index - last.size.min(index) >= u64::from(rules.epoch_entries)
            || self.open_window.is_some_and(|open| window > open)
    }

    /// Counts an entry that is now logged.
    pub fn entry(&mut self, recorded_at: u64, by_the_log: bool, rules: &Rules) {
        if !by_the_log && self.open_window.is_none() {
            self.open_window = Some(recorded_at / (u64::from(rules.epoch_seconds) * 1_000));
        }
    }

    /// Takes over the streams that changed since the last epoch and gives the map's root.
    pub fn map_root(&mut self, changed: &mut Vec<(Digest, Digest)>) -> Result<Digest, RowFault> {
        match &mut self.map {
            Map::Whole(map) => {
                map.update(changed);
                Ok(map.root())
            }
            Map::Paged { map, rows, mark } => {
                *mark += 1;
                map.update(rows, changed, *mark)
            }
        }
    }

    /// Proof for a stream under the map of the epoch closed last (before more changes are taken).
    pub fn prove(&mut self, key: &Digest) -> Result<MapProof, RowFault> {
        match &mut self.map {
            Map::Whole(map) => Ok(map.prove(key)),
            Map::Paged { map, rows, .. } => map.prove(rows, key),
        }
    }

    /// Records `epoch.closed`, whose data were found to be what the log gives.
    pub fn close(&mut self, size: u64, root: Digest, map: Digest, closed_at: u64) {
        self.push(size, root, map, closed_at);
        self.open_window = None;
    }

    /// Records that the batch of the last epoch is committed; with nobody to ask, it is cosigned.
    pub fn committed(&mut self, size: u64, root: Digest) {
        let nobody = self.policy.as_ref().is_none_or(Policy::asks_nobody);
        let Some(last) = self.closed.last_mut().filter(|last| last.checkpoint.is_none()) else {
            return;
        };
        let origin = self.origin.clone();
        last.checkpoint = Some(lian_core::checkpoint::Checkpoint { origin, size, root }.to_text());
        last.cosigned_at = nobody.then_some(last.closed_at);
        self.touch(self.next_number() - 1);
    }

    /// May these lines be logged for epoch `number`? Only if every one is a cosignature of the
    /// checkpoint of this size by a witness of the policy, and not logged before.
    pub fn may_log(&self, number: u64, size: u64, lines: &[Box<str>]) -> bool {
        let Some(all) = self.lines_with(number, lines) else {
            return false;
        };
        let (Some(epoch), Some(policy)) = (self.get(number), &self.policy) else {
            return false;
        };
        let Some(text) =
            epoch.checkpoint.as_ref().filter(|text| text.lines().nth(1) == Some(&size.to_string()))
        else {
            return false;
        };
        let repeated = all
            .iter()
            .enumerate()
            .any(|(at, line)| all[..at].iter().any(|before| before.key_id == line.key_id));
        let note = Note { text: text.clone(), signatures: all };
        !repeated
            && policy.evaluate(&note).is_ok_and(|result| result.witnessed.len() == note.signatures.len())
    }

    /// Adds witness lines that an entry logs, and that may be logged, to epoch `number`.
    pub fn cosigned(&mut self, number: u64, lines: &[Box<str>], recorded_at: u64) {
        let Some(all) = self.lines_with(number, lines) else {
            return;
        };
        let Some(epoch) = usize::try_from(number).ok().and_then(|number| self.closed.get_mut(number)) else {
            return;
        };
        if let (Some(policy), Some(text)) = (&self.policy, &epoch.checkpoint) {
            let note = Note { text: text.clone(), signatures: all };
            let reached = policy.evaluate(&note).is_ok_and(|result| result.missing.is_none());
            epoch.cosigned_at = epoch.cosigned_at.or(reached.then_some(recorded_at));
            epoch.lines = note.signatures;
            self.touch(number);
        }
    }

    fn lines_with(&self, number: u64, lines: &[Box<str>]) -> Option<Vec<NoteSignature>> {
        let mut all = self.get(number)?.lines.clone();
        for line in lines {
            all.push(NoteSignature::parse(&format!("{line}\n")).or_else(|| NoteSignature::parse(line))?);
        }
        Some(all)
    }
}

impl Default for Epochs {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use lian_core::{
        checkpoint::cosign,
        keys::SecretKey,
        note::{NoteSigner, SignatureType, SignerKey},
    };

    use super::*;

    fn witness(seed: u8) -> SignerKey {
        let name = format!("witness{seed}.example");
        SignerKey::new(&name, SignatureType::CosignatureV1, SecretKey::from_seed(&[seed; 32])).unwrap()
    }

    /// Two witnesses, both needed; epoch 0 committed with size 3.
    fn epochs() -> Epochs {
        let (one, two) = (witness(1).verifier().to_string(), witness(2).verifier().to_string());
        let text = format!("witness one {one}\nwitness two {two}\ngroup both all one two\nquorum both\n");
        let mut epochs = Epochs::new();
        epochs.open("log.example", Policy::parse(text.as_bytes()).ok(), Digest([1; 32]), 0);
        epochs.committed(3, Digest([3; 32]));
        epochs
    }

    fn line(epochs: &Epochs, seed: u8) -> Box<str> {
        let text = epochs.get(0).unwrap().checkpoint.clone().unwrap();
        let signed = cosign(&text, 1_795_413_903, &mut witness(seed)).unwrap();
        signed.encode().trim_end().into()
    }

    #[test]
    fn an_epoch_is_cosigned_once_the_logged_lines_reach_the_quorum() {
        let mut epochs = epochs();
        let (one, two) = (line(&epochs, 1), line(&epochs, 2));
        assert!(!epochs.get(0).unwrap().is_cosigned());

        assert!(epochs.may_log(0, 3, std::slice::from_ref(&one)));
        epochs.cosigned(0, std::slice::from_ref(&one), 70);
        assert!(!epochs.get(0).unwrap().is_cosigned(), "one of two");
        assert!(epochs.may_log(0, 3, std::slice::from_ref(&two)));
        epochs.cosigned(0, &[two], 80);

        assert_eq!(epochs.get(0).unwrap().cosigned_at, Some(80), "the entry that made them enough");
    }

    #[test]
    fn lines_that_come_after_the_quorum_do_not_move_the_moment_at_which_it_was_reached() {
        let texts = [1, 2].map(|seed| witness(seed).verifier().to_string());
        let text = format!("witness one {}\nwitness two {}\n", texts[0], texts[1]);
        let text = format!("{text}group either any one two\nquorum either\n");
        let mut epochs = Epochs::new();
        epochs.open("log.example", Policy::parse(text.as_bytes()).ok(), Digest([1; 32]), 0);
        epochs.committed(3, Digest([3; 32]));
        let (one, two) = (line(&epochs, 1), line(&epochs, 2));

        epochs.cosigned(0, &[one], 70);
        epochs.cosigned(0, &[two], 80);

        assert_eq!(epochs.get(0).unwrap().cosigned_at, Some(70));
        assert_eq!(epochs.get(0).unwrap().lines.len(), 2);
    }

    #[test]
    fn with_nobody_to_ask_an_epoch_is_cosigned_as_of_its_closing_once_it_is_committed() {
        let mut epochs = Epochs::new();
        epochs.open("log.example", None, Digest([1; 32]), 60);
        assert_eq!(epochs.get(0).unwrap().cosigned_at, None);

        epochs.committed(3, Digest([3; 32]));

        assert_eq!(epochs.get(0).unwrap().cosigned_at, Some(60));
    }

    #[test]
    fn only_new_valid_lines_of_known_witnesses_over_that_checkpoint_may_be_logged() {
        let mut epochs = epochs();
        let one = line(&epochs, 1);
        let stranger = line(&epochs, 9);
        let forged: Box<str> = one.replacen('A', "B", 1).into();

        for (size, lines) in
            [(4, vec![one.clone()]), (3, vec![stranger]), (3, vec![forged]), (3, vec![one.clone(); 2])]
        {
            assert!(!epochs.may_log(0, size, &lines), "{size} {lines:?}");
        }
        assert!(!epochs.may_log(1, 3, std::slice::from_ref(&one)), "no such epoch");
        epochs.cosigned(0, std::slice::from_ref(&one), 70);
        assert!(!epochs.may_log(0, 3, &[one]), "logged before");
    }
}
