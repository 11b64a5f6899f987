//! A ledger over rows: from nothing, or as rows say it stood after some entry.
//! Invariant: it goes on exactly like one that was never stopped, once the entries that the map
//! does not cover yet have been named again.

use std::{collections::HashMap, sync::Arc};

use lian_core::{
    entry::Leaf,
    hash::{Digest, leaf_hash},
    keys::PublicKey,
    note::{SignatureType, VerifierKey},
    statement::statement_digest,
    time::taipei_day,
};

use super::{
    Ledger, State,
    kept::Kept,
    ledger_id,
    stored::{
        LEDGER_KEY, MAP_KEY, ROWS_VERSION, Small, decode_epoch, decode_key, decode_stream, decode_u64,
        epoch_row, fault, key_row, stream_row,
    },
};
use crate::{
    epochs::{Epoch, Epochs},
    filing::{Fact, FiledEvent, Filing},
    registry::{self, Event as RegistryEvent, Opening},
    rows::{Binding, Found, RowFault, Rows, Table},
    rules::Rules,
};

/// Rows read at a time.
const ROWS_AT_ONCE: usize = 256;

/// Why a ledger cannot go on from rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreFault {
    /// The rows are of another version.
    #[error("the rows are of version {found}, this program has {ROWS_VERSION}")]
    Version {
        /// Their version.
        found: u32,
    },
    /// The entry that was given is not entry 0 of the ledger that the rows are of.
    #[error("not entry 0 of the ledger of these rows: {0}")]
    Entry0(String),
    /// A row cannot be believed.
    #[error(transparent)]
    Row(#[from] RowFault),
}

/// Calls `each` with every row of a prefix, ascending.
pub(crate) fn each_row(
    rows: &dyn Rows,
    table: Table,
    prefix: &[u8],
    mut each: impl FnMut(Found) -> Result<(), RowFault>,
) -> Result<(), RowFault> {
    let mut from = prefix.to_vec();
    loop {
        let found = rows.range(table, prefix, &from, ROWS_AT_ONCE)?;
        let Some((last, _)) = found.last() else {
            return Ok(());
        };
        from.clone_from(last);
        from.push(0);
        for row in found {
            each(row)?;
        }
    }
}

/// What entry 0 says, if this is entry 0 of that ledger.
pub(crate) fn opening_of(leaf: &[u8], payload: &[u8], ledger: &Digest) -> Result<Opening, RestoreFault> {
    let entry_0 = |what: &dyn std::fmt::Display| RestoreFault::Entry0(what.to_string());
    if leaf_hash(leaf) != *ledger {
        return Err(entry_0(&"another leaf"));
    }
    let decoded = Leaf::decode(leaf).map_err(|error| entry_0(&error))?;
    let digest = statement_digest(payload);
    if decoded.index != 0 || decoded.statement != digest {
        return Err(entry_0(&"another payload"));
    }
    let mut filing = Filing::read(payload, digest).map_err(|rejection| entry_0(&rejection))?;
    match filing.events.pop() {
        Some(FiledEvent { fact: Fact::Registry(RegistryEvent::Opened(opening)), .. }) => Ok(*opening),
        _ => Err(entry_0(&"no opening")),
    }
}

impl Ledger {
    /// Before entry 0, over rows that hold nothing yet.
    pub fn over(rows: Arc<dyn Rows>) -> Self {
        Self { epochs: Epochs::over(Arc::clone(&rows)), kept: Some(Box::new(Kept::new(rows))), ..Self::new() }
    }

    /// After entry `binding.reached - 1`, as the rows say, without folding. The caller then hands in
    /// the entries from [`Ledger::changed_since`] on, one by one, to [`Ledger::note_changed`], and if
    /// `reached` ends a batch, calls [`Ledger::committed`].
    pub fn restore(
        rows: &Arc<dyn Rows>,
        binding: &Binding,
        leaf: &[u8],
        payload: &[u8],
    ) -> Result<Self, RestoreFault> {
        if binding.version != ROWS_VERSION {
            return Err(RestoreFault::Version { found: binding.version });
        }
        let opening = opening_of(leaf, payload, &binding.ledger)?;
        let small = rows.get(Table::State, LEDGER_KEY)?;
        let small = Small::decode(&small.ok_or_else(|| fault(LEDGER_KEY, "missing"))?)?;
        let whole = rows.get(Table::State, MAP_KEY)?;
        let whole = whole.map_or(Ok(0), |value| decode_u64(MAP_KEY, &value))?;

        let mut ledger = Self::over(Arc::clone(rows));
        ledger.id = ledger_id(&opening.name, &binding.ledger);
        ledger.log_key = VerifierKey::new(&opening.name, SignatureType::Ed25519, opening.log_key).ok();
        ledger.rules = rules_of(&**rows, &opening, small.rules)?;
        let policy = opening.witness_policy.clone();
        ledger.epochs.restore(&opening.name, policy, epochs_of(&**rows)?, small.open_window);
        (ledger.size, ledger.recorded_at) = (binding.reached, small.recorded_at);
        ledger.refusals_day = taipei_day(small.recorded_at);
        ledger.directory.open(&opening);
        ledger.opening = Some(Arc::new(opening));
        ledger.restore_directory(&**rows)?;
        if let Some(kept) = &mut ledger.kept {
            (kept.reached, kept.taken) = (binding.reached, binding.reached);
            (kept.pages.whole, kept.pages.update) = (whole, (0, whole));
        }
        Ok(ledger)
    }

    fn restore_directory(&mut self, rows: &dyn Rows) -> Result<(), RowFault> {
        let mut keys: HashMap<Digest, PublicKey> = HashMap::new();
        each_row(rows, Table::State, b"k", |(key, value)| {
            let public = decode_key(&key, &value)?;
            keys.insert(public.id(), public);
            Ok(())
        })?;
        let opening = self.opening.clone();
        each_row(rows, Table::State, &stream_row("actor/"), |(key, value)| {
            let name = std::str::from_utf8(&key[1..]).map_err(|_| fault(&key, "no name"))?;
            let stream = decode_stream(name, &value, opening.as_deref())?;
            let (Some(actor), State::Registry(registry::State::Actor(card))) =
                (name.strip_prefix("actor/"), &stream.state)
            else {
                return Ok(());
            };
            self.directory.register(actor, &card.unit, card.person.as_deref());
            for held in &card.keys {
                let public = |id: &Digest| keys.get(id).ok_or_else(|| fault(&key_row(id), "missing"));
                self.directory.restore_key(actor, public(&held.id)?, held.capacities.clone(), false);
                if held.revoked.is_some() {
                    self.directory.revoke(&held.id);
                }
                if let Some(recovery) = &held.recovery {
                    self.directory.restore_key(actor, public(recovery)?, Vec::new(), true);
                }
            }
            Ok(())
        })
    }

    /// The size that the epoch map in rows covers: streams that later entries name are to be noted.
    pub fn changed_since(&self) -> u64 {
        self.kept.as_ref().map_or(self.size, |kept| kept.pages.whole)
    }

    /// Notes that an entry from [`Ledger::changed_since`] on, below the size, names these streams.
    pub fn note_changed(&mut self, filing: &Filing) -> Result<(), RowFault> {
        for name in &filing.streams {
            let found = self.fetch_stream(name)?;
            let at = found.ok_or_else(|| fault(&stream_row(name), "missing although an entry names it"))?;
            if !self.streams[at].changed {
                self.streams[at].changed = true;
                self.changed.push(at);
            }
        }
        Ok(())
    }

    /// Keeps at most about so many streams in memory that rows hold, and puts at most so many pages
    /// of the map, one at least, into a step.
    pub fn hold_at_most(&mut self, streams: usize, pages_a_step: usize) {
        if let Some(kept) = &mut self.kept {
            kept.streams_max = streams;
            kept.pages.a_step = pages_a_step.max(1);
        }
    }
}

/// The rules of a version that was published.
pub(crate) fn rules_of(rows: &dyn Rows, opening: &Opening, version: u32) -> Result<Arc<Rules>, RowFault> {
    if version == opening.rules.version {
        return Ok(Arc::clone(&opening.rules));
    }
    let name = format!("rules/{version}");
    let key = stream_row(&name);
    let value = rows.get(Table::State, &key)?.ok_or_else(|| fault(&key, "missing"))?;
    match decode_stream(&name, &value, Some(opening))?.state {
        State::Registry(registry::State::Rules(publication)) => Ok(publication.rules),
        _ => Err(fault(&key, "no rules")),
    }
}

fn epochs_of(rows: &dyn Rows) -> Result<Vec<Epoch>, RowFault> {
    let mut epochs = Vec::new();
    each_row(rows, Table::State, b"e", |(key, value)| {
        if key != epoch_row(epochs.len() as u64) {
            return Err(fault(&key, "an epoch before it is missing"));
        }
        epochs.push(decode_epoch(&key, &value)?);
        Ok(())
    })?;
    if epochs.is_empty() { Err(fault(&epoch_row(0), "missing")) } else { Ok(epochs) }
}
