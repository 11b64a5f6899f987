//! Sums at any size: one row for each group.

use std::collections::BTreeMap;

use super::{PastFault, PastReads};
use crate::{
    dates::Day,
    ids::{BankCode, Ubn},
    ledger::{
        State,
        sums::{Counters, Group, Sums, Versions},
    },
    money::Twd,
    plain,
    rows::Table,
    views::guarantees::Exposure,
};

/// What a company may still import before it pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaAt {
    /// Sum of the limits of those that may be drawn on.
    pub limit: Twd,
    /// Sum owed on all that have not ended.
    pub outstanding: Twd,
    /// Sum that may still be drawn on that day.
    pub available: Twd,
    /// The scheme is suspended for the company: nothing may be drawn whatever the sums say.
    pub scheme_suspended: bool,
    /// All its guarantees, by status, with their sums.
    pub sums: Sums,
}

/// As views add up: what money cannot hold is shown as the most that it can.
fn money(sum: u128) -> Twd {
    u64::try_from(sum).ok().and_then(Twd::new).unwrap_or(Twd::MAX)
}

fn plus(one: Sums, other: &Sums) -> Sums {
    one.plus(other).unwrap_or(one)
}

impl PastReads {
    /// The quota of a company over all its guarantees, on that day.
    pub fn quota_at(&self, debtor: &Ubn, size: u64, today: Day) -> Result<QuotaAt, PastFault> {
        let (mut all, mut live) = (Sums::default(), Sums::default());
        for (group, sums) in self.groups_at(&Group::of_debtor(debtor), size)? {
            let sums = Sums::read(&sums);
            all = plus(all, &sums);
            if matches!(group, Group::Debtor(_, from, to) if (from..=to).contains(&today)) {
                live = plus(live, &sums);
            }
        }
        Ok(QuotaAt {
            limit: money(live.active_limit),
            outstanding: money(all.outstanding),
            available: money(live.active_available),
            scheme_suspended: self.is_scheme_suspended_at(debtor, size, today)?,
            sums: all,
        })
    }

    /// Is the scheme suspended for this debtor on that day, as the first `size` entries say?
    pub fn is_scheme_suspended_at(&self, debtor: &Ubn, size: u64, today: Day) -> Result<bool, PastFault> {
        let stream = self.stream_at(&format!("debtor/{debtor}"), size)?;
        Ok(match stream.map(|stream| stream.state) {
            Some(State::Plain(plain::State::Debtor(Some((from, until))))) => (from..=until).contains(&today),
            _ => false,
        })
    }

    /// The exposure of a bank; `None` if it had no guarantee.
    pub fn exposure_at(&self, bank: BankCode, size: u64) -> Result<Option<Exposure>, PastFault> {
        Ok(self.group_at(&Group::Bank(bank), size)?.map(|sums| exposure(&Sums::read(&sums))))
    }

    /// The exposure of every bank that had a guarantee, by bank.
    pub fn exposures_at(&self, size: u64) -> Result<BTreeMap<String, Exposure>, PastFault> {
        let groups = self.groups_at(b"t/bank/", size)?;
        Ok(groups
            .into_iter()
            .filter_map(|(group, sums)| match group {
                Group::Bank(bank) => Some((bank.to_string(), exposure(&Sums::read(&sums)))),
                _ => None,
            })
            .collect())
    }

    /// The counters of a group; `None` if no entry below `size` changed it.
    fn group_at(&self, group: &Group, size: u64) -> Result<Option<Counters>, PastFault> {
        let Some(before) = size.checked_sub(1) else {
            return Ok(None);
        };
        let found = self.rows.at_or_below(Table::History, &group.prefix(), &group.key(before))?;
        let Some((key, value)) = found else {
            return Ok(None);
        };
        let versions = Versions::decode(&key, &value)?;
        Ok(versions.0.into_iter().rfind(|(index, _)| *index < size).map(|(_, counters)| counters))
    }

    /// All groups whose keys begin so: from each the walk leaps to the next.
    pub(super) fn groups_at(&self, prefix: &[u8], size: u64) -> Result<Vec<(Group, Counters)>, PastFault> {
        let mut groups = Vec::new();
        let mut from = prefix.to_vec();
        while let Some((key, _)) = self.rows.range(Table::History, prefix, &from, 1)?.pop() {
            let broken = || super::fault(&key, "no key of sums");
            let group = Group::of_key(&key).ok_or_else(broken)?;
            if let Some(sums) = self.group_at(&group, size)? {
                groups.push((group, sums));
            }
            from = group.prefix();
            // The prefix ends in 0: with a 1 it is larger than every key of this group.
            *from.last_mut().ok_or_else(broken)? = 1;
        }
        Ok(groups)
    }
}

fn exposure(sums: &Sums) -> Exposure {
    let live = sums.requested + sums.active + sums.suspended;
    Exposure {
        live: u64::try_from(live).unwrap_or(u64::MAX),
        limit: money(sums.limit),
        outstanding: money(sums.outstanding),
        pending: money(sums.pending),
        called: money(sums.called),
    }
}
