//! The state over rows: taken up where the rows stand, brought to the end of the log, made again.
//! Invariant: whatever rows say, the state that comes out is the fold of the log; rows that cannot
//! be read, or on which an entry that is in the log would not be judged as it was, are made again
//! from the first entry on.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use lian_core::hash::link;
use lian_domain::ledger::stored::ROWS_VERSION;
use lian_store::{disk::Disk, reader::Reader};

use crate::{
    ids::Ids,
    open::{Fold, OpenFault},
    shadow::{Expected, Fault, KeepFault, OpenKeep, Opening, Shadow, open_sled},
};

/// Where rows are kept, and by what.
#[derive(Clone)]
pub struct Views {
    folder: PathBuf,
    open_keep: OpenKeep,
}

impl Views {
    /// Kept by sled in a folder of their own: `views/sled` in the ledger folder.
    pub fn at(folder: &Path) -> Self {
        Self::kept_by(folder, Arc::new(open_sled))
    }

    /// Kept by something else.
    pub fn kept_by(folder: &Path, open_keep: OpenKeep) -> Self {
        Self { folder: folder.to_owned(), open_keep }
    }
}

/// What a folder of views was found to be.
pub(crate) struct Found {
    /// Where the rows are, if any are kept.
    pub shadow: Option<Arc<Shadow>>,
    /// Why earlier ones were discarded.
    pub discarded: Option<String>,
    disk: Arc<dyn Disk>,
}

impl Found {
    /// Opens the rows of a log, if they are wanted and the log has begun.
    pub fn open(views: Option<&Views>, disk: Arc<dyn Disk>, reader: &Reader) -> Result<Self, OpenFault> {
        let head = reader.head();
        let (Some(views), Some(ledger)) = (views, head.ledger()) else {
            return Ok(Self { shadow: None, discarded: None, disk });
        };
        let link_of = |index| {
            let entry = reader.read_entry(index).map_err(|error| error.to_string())?;
            Ok(link(&entry.leaf))
        };
        let expected = Expected { ledger, version: ROWS_VERSION, size: head.size(), link: &link_of };
        let opening = Shadow::open_with(&views.folder, Arc::clone(&views.open_keep), &expected)
            .map_err(|fault| OpenFault::Views(fault.to_string()))?;
        let (shadow, discarded) = match opening {
            Opening::Sound(shadow, _) | Opening::Empty(shadow) => (shadow, None),
            Opening::Discarded(shadow, why) => (shadow, Some(why.to_string())),
            Opening::Ahead(binding) => {
                let (reached, size) = (binding.reached, head.size());
                return Err(OpenFault::Ahead { reached, link: binding.link, size });
            }
        };
        Ok(Self { shadow: Some(Arc::new(shadow)), discarded, disk })
    }

    /// The fold of all that is committed, with the rows as far as it.
    pub fn fold(
        &mut self,
        reader: &Reader,
        now_s: i64,
        report: &mut dyn FnMut(u64),
    ) -> Result<Fold, OpenFault> {
        let Some(shadow) = &self.shadow else {
            let mut fold = Fold::new(now_s);
            fold.run(reader, u64::MAX, report)?;
            return Ok(fold);
        };
        let from_nothing = shadow.reached() == 0;
        match fold_over(shadow, reader, Ids::beside(&self.disk), now_s, report) {
            Ok(fold) => Ok(fold),
            // A row that is wrong although it reads well makes the log look wrong: only a fold
            // from the first entry on can tell.
            Err(fault)
                if !from_nothing || matches!(fault, OpenFault::Views(_) | OpenFault::NoSpaceForViews(_)) =>
            {
                self.discarded = Some(fault.to_string());
                remake(shadow, reader, Ids::beside(&self.disk), now_s, report)
            }
            Err(fault) => Err(fault),
        }
    }
}

/// Throws the rows away, folds the log from its first entry on and makes them again.
pub(crate) fn remake(
    shadow: &Arc<Shadow>,
    reader: &Reader,
    ids: Ids,
    now_s: i64,
    report: &mut dyn FnMut(u64),
) -> Result<Fold, OpenFault> {
    shadow.start_over().map_err(|fault| unkept(&fault.into()))?;
    fold_over(shadow, reader, ids, now_s, report)
}

fn fold_over(
    shadow: &Arc<Shadow>,
    reader: &Reader,
    ids: Ids,
    now_s: i64,
    report: &mut dyn FnMut(u64),
) -> Result<Fold, OpenFault> {
    let folded = || {
        let mut fold = Fold::over(shadow, reader, ids, now_s)?;
        fold.run(reader, u64::MAX, report)?;
        fold.settle()?;
        Ok(fold)
    };
    // What was folded over rows that broke says nothing of the log.
    folded().map_err(|fault| shadow.fault().map_or(fault, |why| unkept(&why)))
}

fn unkept(fault: &Fault) -> OpenFault {
    match fault {
        Fault::Keep(KeepFault::NoSpace(_)) => OpenFault::NoSpaceForViews(fault.to_string()),
        _ => OpenFault::Views(fault.to_string()),
    }
}
