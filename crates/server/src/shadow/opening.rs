//! Opening a shadow: is it of this log, of this version, no further than the log, and whole?
//! Invariant: rows of another ledger, version or history are never served; one that is ahead of
//! its log is evidence of a log that lost entries, and is kept until somebody discards it by hand.

use std::{fs, io, path::Path, sync::Arc};

use lian_core::hash::Digest;
use lian_domain::rows::{Binding, Table};

use super::{
    Fault, Shadow,
    keep::{Keep, KeepFault, OpenKeep},
    row::{self, BINDING_KEY},
    sled::open_sled,
};

/// The log that a shadow must belong to.
pub struct Expected<'a> {
    /// Leaf hash of entry 0.
    pub ledger: Digest,
    /// The version of rows that the domain writes.
    pub version: u32,
    /// Committed entries.
    pub size: u64,
    /// Link of the leaf of an entry below `size`.
    pub link: &'a dyn Fn(u64) -> Result<Digest, String>,
}

/// What was found. In all cases but the last there is a shadow to go on with.
#[derive(Debug)]
pub enum Opening {
    /// It is of this log, as far as its binding says.
    Sound(Shadow, Binding),
    /// There was none.
    Empty(Shadow),
    /// There was one that must not be believed; it is gone, and an empty one stands in its place.
    Discarded(Shadow, Discard),
    /// It knows entries that the log does not have: nothing may be written, here or to the log,
    /// until somebody has looked into it and called [`Shadow::discard`].
    Ahead(Binding),
}

/// Why a shadow was discarded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Discard {
    /// It does not open or cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(Fault),
    /// It does not say how far it goes.
    #[error("it holds rows, and its {0:?} does not say how far they go")]
    Unbound(Table),
    /// Its rows are of another ledger.
    #[error("it belongs to ledger {found}, this is {wanted}")]
    Ledger {
        /// Leaf hash of entry 0 that it names.
        found: Digest,
        /// Leaf hash of entry 0 here.
        wanted: Digest,
    },
    /// Its rows are of another version.
    #[error("its rows are of version {found}, wanted are rows of version {wanted}")]
    Version {
        /// The version that it names.
        found: u32,
        /// The version that is written here.
        wanted: u32,
    },
    /// It was made from other entries.
    #[error("the {size} entries that it was made from are not those of the log")]
    Link {
        /// Entries that it covers.
        size: u64,
    },
    /// History lags behind State, which is written after it.
    #[error("its State covers {state} entries, its History {history}")]
    Order {
        /// Entries that State covers.
        state: u64,
        /// Entries that History covers.
        history: u64,
    },
}

/// Why there is no answer about a shadow.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// Its folder cannot be made or emptied.
    #[error(transparent)]
    Keep(#[from] KeepFault),
    /// The log could not say what to compare with.
    #[error("the log cannot be read: {0}")]
    Log(String),
}

enum Judged {
    Sound(Binding),
    Empty,
    Bad(Discard),
    Ahead(Binding),
}

impl Shadow {
    /// Opens the rows in a folder of their own and judges whether they may be believed.
    pub fn open(folder: &Path, expected: &Expected<'_>) -> Result<Opening, OpenFault> {
        Self::open_with(folder, Arc::new(open_sled), expected)
    }

    /// The same over another keeper.
    pub fn open_with(
        folder: &Path,
        open_keep: OpenKeep,
        expected: &Expected<'_>,
    ) -> Result<Opening, OpenFault> {
        fs::create_dir_all(folder).map_err(|error| failed("make", folder, &error))?;
        let empty =
            Binding { ledger: expected.ledger, version: expected.version, reached: 0, link: Digest::ZERO };
        let (keep, judged) = match open_keep(folder) {
            Ok(keep) => {
                let judged = judge(&*keep, expected)?;
                (Some(keep), judged)
            }
            Err(fault) => (None, Judged::Bad(Discard::Unreadable(fault.into()))),
        };
        match (judged, keep) {
            (Judged::Ahead(binding), _) => Ok(Opening::Ahead(binding)),
            (Judged::Sound(binding), Some(keep)) => {
                Ok(Opening::Sound(Self::new(folder, open_keep, keep, binding.clone()), binding))
            }
            (Judged::Empty | Judged::Sound(_), keep) => {
                let keep = keep.map_or_else(|| open_keep(folder), Ok)?;
                Ok(Opening::Empty(Self::new(folder, open_keep, keep, empty)))
            }
            (Judged::Bad(why), keep) => {
                drop(keep);
                discard(folder)?;
                let keep = open_keep(folder)?;
                Ok(Opening::Discarded(Self::new(folder, open_keep, keep, empty), why))
            }
        }
    }

    /// An empty one for rows of the same ledger, in a folder of its own; what was there is gone.
    pub fn made_new(folder: &Path, open_keep: OpenKeep, like: &Self) -> Result<Self, KeepFault> {
        discard(folder)?;
        let keep = open_keep(folder)?;
        Ok(Self::new(folder, open_keep, keep, like.empty.clone()))
    }

    /// What the rows in a folder say of themselves, if they can be read. Nobody may be using them.
    pub fn claims(folder: &Path) -> Option<Binding> {
        let keep = folder.is_dir().then(|| open_sled(folder).ok())??;
        read_bindings(&*keep).ok()?.0
    }

    /// Throws away the rows in a folder, whatever they say; for a hand that knows why.
    pub fn discard(folder: &Path) -> Result<(), KeepFault> {
        discard(folder)
    }
}

/// Renamed first, so that what is half removed is never opened; then removed, now or next time.
pub(super) fn discard(folder: &Path) -> Result<(), KeepFault> {
    let mut aside = folder.as_os_str().to_owned();
    aside.push(".discarded");
    let aside = Path::new(&aside);
    let absent = |error: io::Error| {
        if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
    };
    let emptied = fs::remove_dir_all(aside)
        .or_else(absent)
        .and_then(|()| fs::rename(folder, aside).or_else(absent))
        .and_then(|()| fs::remove_dir_all(aside).or_else(absent))
        .and_then(|()| fs::create_dir_all(folder));
    emptied.map_err(|error| failed("empty", folder, &error))
}

fn failed(what: &str, folder: &Path, error: &io::Error) -> KeepFault {
    KeepFault::of_system(error, format!("cannot {what} \"{}\": {error}", folder.display()))
}

fn judge(keep: &dyn Keep, expected: &Expected<'_>) -> Result<Judged, OpenFault> {
    let (state, history) = match read_bindings(keep) {
        Ok((Some(state), Some(history))) => (state, history),
        Ok((None, None)) => {
            return Ok(match holds_rows(keep) {
                Ok(None) => Judged::Empty,
                Ok(Some(table)) => Judged::Bad(Discard::Unbound(table)),
                Err(fault) => Judged::Bad(Discard::Unreadable(fault)),
            });
        }
        Ok((None, Some(_))) => return Ok(Judged::Bad(Discard::Unbound(Table::State))),
        Ok((Some(_), None)) => return Ok(Judged::Bad(Discard::Unbound(Table::History))),
        Err(fault) => return Ok(Judged::Bad(Discard::Unreadable(fault))),
    };
    for binding in [&history, &state] {
        if let Some(judged) = judge_binding(binding, expected)? {
            return Ok(judged);
        }
    }
    if history.reached < state.reached {
        return Ok(Judged::Bad(Discard::Order { state: state.reached, history: history.reached }));
    }
    Ok(Judged::Sound(state))
}

/// What is wrong with a binding, if something is. Ahead comes before the version: rows of any
/// version are evidence of entries that were committed once.
fn judge_binding(binding: &Binding, expected: &Expected<'_>) -> Result<Option<Judged>, OpenFault> {
    if binding.ledger != expected.ledger {
        let (found, wanted) = (binding.ledger, expected.ledger);
        return Ok(Some(Judged::Bad(Discard::Ledger { found, wanted })));
    }
    if binding.reached > expected.size {
        return Ok(Some(Judged::Ahead(binding.clone())));
    }
    if binding.version != expected.version {
        let (found, wanted) = (binding.version, expected.version);
        return Ok(Some(Judged::Bad(Discard::Version { found, wanted })));
    }
    let link = match binding.reached.checked_sub(1) {
        Some(index) => (expected.link)(index).map_err(OpenFault::Log)?,
        None => Digest::ZERO,
    };
    let size = binding.reached;
    Ok((link != binding.link).then_some(Judged::Bad(Discard::Link { size })))
}

fn read_bindings(keep: &dyn Keep) -> Result<(Option<Binding>, Option<Binding>), Fault> {
    let read = |table| -> Result<Option<Binding>, Fault> {
        let sealed = keep.get(table, BINDING_KEY)?;
        Ok(sealed.map(|sealed| row::open_binding(table, sealed)).transpose()?)
    };
    Ok((read(Table::State)?, read(Table::History)?))
}

/// A table that holds a row.
fn holds_rows(keep: &dyn Keep) -> Result<Option<Table>, Fault> {
    for table in [Table::State, Table::History] {
        if !keep.upwards(table, &[], 1)?.is_empty() {
            return Ok(Some(table));
        }
    }
    Ok(None)
}
