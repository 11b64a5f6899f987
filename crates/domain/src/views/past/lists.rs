//! Lists at any size, page by page: guarantees, the entries of one stream, keys.

use lian_core::frame::NO_PREVIOUS;

use super::{PastEntry, PastFault, PastReads, fault};
use crate::{
    dates::Day,
    guarantee::{Standing, State},
    ids::{BankCode, GuaranteeNo, Ubn},
    ledger::{
        Stream,
        stored::{bank_index, debtor_index, stream_row},
    },
    rows::Table,
    views::keys::{KeyRow, actor_keys, opening_keys, sort},
};

/// Objects that one page looks at, whether they pass the filter or not.
pub const LOOKED_AT_MAX: usize = 1_000;

/// Rows read at a time.
const ROWS_AT_ONCE: usize = 64;

/// Which guarantees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this bank.
    pub bank: Option<BankCode>,
    /// Of this debtor.
    pub debtor: Option<Ubn>,
    /// With this status on the day asked for.
    pub standing: Option<Standing>,
}

impl Filter {
    fn admits(&self, found: &GuaranteeAt) -> bool {
        self.bank.is_none_or(|bank| bank == found.state.bank())
            && self.debtor.is_none_or(|debtor| debtor == found.state.terms().debtor)
            && self.standing.is_none_or(|standing| standing == found.standing)
    }
}

/// One guarantee as a line of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct GuaranteeAt {
    /// Stream id.
    pub stream: String,
    /// The state.
    pub state: State,
    /// Status on the day asked for.
    pub standing: Standing,
    /// Accepted events.
    pub version: u64,
    /// Last entry that names it.
    pub last: u64,
}

/// Part of a list. It may be empty and yet not be the last.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T, N> {
    /// What there is.
    pub items: Vec<T>,
    /// What to ask on with; `None` at the end.
    pub next: Option<N>,
}

impl PastReads {
    /// Up to `most` guarantees that were requested below `size`, ascending by number, after a number.
    pub fn guarantees_at(
        &self,
        filter: &Filter,
        after: Option<&GuaranteeNo>,
        most: usize,
        size: u64,
        today: Day,
    ) -> Result<Page<GuaranteeAt, GuaranteeNo>, PastFault> {
        let prefix = match (&filter.debtor, filter.bank) {
            (Some(debtor), _) => debtor_index(debtor),
            (None, Some(bank)) => bank_index(bank),
            (None, None) => stream_row("guarantee/"),
        };
        let mut from = prefix.clone();
        if let Some(after) = after {
            from.extend_from_slice(after.as_str().as_bytes());
            from.push(0);
        }
        let mut page = Page { items: Vec::new(), next: None };
        let mut looked_at = 0;
        loop {
            let rows = self.rows.range(Table::State, &prefix, &from, ROWS_AT_ONCE)?;
            if rows.is_empty() {
                page.next = None;
                return Ok(page);
            }
            for (key, _) in rows {
                if looked_at == LOOKED_AT_MAX || page.items.len() >= most {
                    return Ok(page);
                }
                looked_at += 1;
                let no = std::str::from_utf8(&key[prefix.len()..]).ok().and_then(GuaranteeNo::parse);
                let no = no.ok_or_else(|| fault(&key, "no number of a guarantee"))?;
                page.next = Some(no);
                let found = self.guarantee_at(&no, size, today)?;
                page.items.extend(found.filter(|found| filter.admits(found)));
                from = [&key[..], &[0]].concat();
            }
        }
    }

    /// One guarantee; `None` if it was not requested below `size`.
    pub fn guarantee_at(
        &self,
        no: &GuaranteeNo,
        size: u64,
        today: Day,
    ) -> Result<Option<GuaranteeAt>, PastFault> {
        let stream = self.stream_at(&format!("guarantee/{no}"), size)?;
        Ok(stream.and_then(|stream| line(&stream, today)))
    }

    /// Up to `most` entries below `size` that name a stream, newest first, refused ones too. Ask on
    /// with `next` as the size.
    pub fn history_at(
        &self,
        name: &str,
        size: u64,
        most: usize,
    ) -> Result<Page<(u64, PastEntry), u64>, PastFault> {
        let mut page = Page { items: Vec::new(), next: None };
        let Some(now) = self.stream_now(name)? else {
            return Ok(page);
        };
        let mut at = if now.last < size { now.last } else { self.above(name, size, now.last)? };
        while at != NO_PREVIOUS {
            if page.items.len() >= most {
                page.next = page.items.last().map(|(index, _)| *index);
                break;
            }
            let parsed = self.parsed(at)?;
            at = parsed.previous(name)?;
            if parsed.index < size {
                page.items.push((parsed.index, parsed.entry));
            }
        }
        Ok(page)
    }

    /// Every key that was enrolled below `size`: those of entry 0 first, then by actor and entry.
    pub fn keys_at(&self, size: u64) -> Result<Vec<KeyRow>, PastFault> {
        let mut rows = if size > 0 { opening_keys(&self.opening) } else { Vec::new() };
        let fixed = rows.len();
        let prefix = stream_row("actor/");
        let mut from = prefix.clone();
        loop {
            let found = self.rows.range(Table::State, &prefix, &from, LOOKED_AT_MAX)?;
            let Some((last, _)) = found.last() else {
                break;
            };
            from.clone_from(last);
            from.push(0);
            for (key, _) in &found {
                let name = std::str::from_utf8(&key[1..]).map_err(|_| fault(key, "no name"))?;
                if let Some(stream) = self.stream_at(name, size)? {
                    actor_keys(&stream, &mut rows);
                }
            }
        }
        sort(&mut rows[fixed..]);
        Ok(rows)
    }
}

fn line(stream: &Stream, today: Day) -> Option<GuaranteeAt> {
    let state = stream.guarantee()?.clone();
    let standing = state.standing(today);
    let (version, last) = (stream.version, stream.last);
    Some(GuaranteeAt { stream: stream.name.to_string(), state, standing, version, last })
}
