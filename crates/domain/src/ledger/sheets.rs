//! The counters of groups as they move from entry to entry, and the rows that are still to be written.
//! Invariant: a group that is not here changed in no entry that rows do not hold.

use foldhash::HashMap;

use super::{
    stored::fault,
    sums::{Counters, Group, Parts, VERSIONS_MAX, Versions},
};
use crate::rows::{RowFault, Rows, Table};

/// Groups in memory although rows hold them; a bank has one, a debtor one for each term.
const SHEETS_HELD_MAX: usize = 8_192;

/// One group: its sums now, and the versions of its last row.
#[derive(Debug)]
struct Sheet {
    now: Counters,
    versions: Versions,
    changed_at: u64,
    unsaved: bool,
}

/// All groups that changed lately.
#[derive(Debug, Default)]
pub(super) struct Sheets {
    held: HashMap<Group, Sheet>,
    unsaved: Vec<Group>,
    /// Rows that were full before a step took them.
    ended: Vec<(Group, Versions)>,
}

impl Sheets {
    /// Entry `index` made of one stream this of that.
    pub fn moved(
        &mut self,
        rows: &dyn Rows,
        index: u64,
        before: &Parts,
        after: &Parts,
    ) -> Result<(), RowFault> {
        let (none, find) = (Counters::default(), |parts: &Parts, wanted: &Group| {
            parts.iter().find(|(group, _)| group == wanted).map(|(_, counters)| counters.clone())
        });
        for (group, minus) in before {
            let plus = find(after, group).unwrap_or_default();
            if plus != *minus {
                self.change(rows, *group, index, minus, &plus)?;
            }
        }
        for (group, plus) in after {
            if find(before, group).is_none() {
                self.change(rows, *group, index, &none, plus)?;
            }
        }
        Ok(())
    }

    fn change(
        &mut self,
        rows: &dyn Rows,
        group: Group,
        index: u64,
        minus: &Counters,
        plus: &Counters,
    ) -> Result<(), RowFault> {
        let sheet = match self.held.entry(group) {
            std::collections::hash_map::Entry::Occupied(held) => held.into_mut(),
            std::collections::hash_map::Entry::Vacant(room) => room.insert(load(rows, group, index)?),
        };
        let now = sheet.now.plus(plus).and_then(|sum| sum.minus(minus));
        sheet.now = now.ok_or_else(|| fault(&group.prefix(), "sums below nothing"))?;
        let versions = &sheet.versions.0;
        if versions.len() == VERSIONS_MAX && versions.last().is_some_and(|(last, _)| *last != index) {
            let ended = std::mem::take(&mut sheet.versions);
            if sheet.unsaved {
                self.ended.push((group, ended));
            }
        }
        let versions = &mut sheet.versions.0;
        match versions.last_mut().filter(|(last, _)| *last == index) {
            Some((_, counters)) => counters.clone_from(&sheet.now),
            None => versions.push((index, sheet.now.clone())),
        }
        sheet.changed_at = index;
        if !sheet.unsaved {
            sheet.unsaved = true;
            self.unsaved.push(group);
        }
        Ok(())
    }

    /// Rows that a step taken now would hold.
    pub fn waiting(&self) -> usize {
        self.unsaved.len() + self.ended.len()
    }

    /// Takes what is to be written.
    pub fn take(&mut self) -> Vec<(Group, Versions)> {
        let mut taken = std::mem::take(&mut self.ended);
        for group in self.unsaved.drain(..) {
            if let Some(sheet) = self.held.get_mut(&group) {
                sheet.unsaved = false;
                taken.push((group, sheet.versions.clone()));
            }
        }
        taken
    }

    /// Rows hold all entries below `reached`.
    pub fn forget(&mut self, reached: u64) {
        if self.held.len() > SHEETS_HELD_MAX {
            self.held.retain(|_, sheet| sheet.unsaved || sheet.changed_at >= reached);
        }
    }
}

/// A group as rows hold it before entry `index`. Rows of later entries may lie there, written before
/// an interruption: they are no news yet.
fn load(rows: &dyn Rows, group: Group, index: u64) -> Result<Sheet, RowFault> {
    let mut sheet =
        Sheet { now: Counters::default(), versions: Versions::default(), changed_at: 0, unsaved: false };
    let Some(before) = index.checked_sub(1) else {
        return Ok(sheet);
    };
    if let Some((key, value)) = rows.at_or_below(Table::History, &group.prefix(), &group.key(before))? {
        let mut versions = Versions::decode(&key, &value)?;
        versions.0.retain(|(version, _)| *version < index);
        if let Some((_, now)) = versions.0.last() {
            sheet.now.clone_from(now);
        }
        sheet.versions = versions;
    }
    Ok(sheet)
}
