//! Guarantees as lists and sums: all of them, those of one company, and what each bank stands for.
//! Invariant: sums are over the same states that decide draws, so a board cannot show another quota.

use std::collections::BTreeMap;

use crate::{
    context::World,
    dates::Day,
    guarantee::{Standing, State},
    ids::{BankCode, Ubn},
    ledger::Ledger,
    money::Twd,
};

/// One guarantee as a line of a list.
#[derive(Debug, Clone, Copy)]
pub struct Row<'l> {
    /// Stream id.
    pub stream: &'l str,
    /// The state.
    pub state: &'l State,
    /// Status on the day asked for.
    pub standing: Standing,
    /// Accepted events.
    pub version: u64,
    /// Last entry that names it.
    pub last: u64,
}

/// All guarantees that were ever requested, ascending by number.
pub fn rows(ledger: &Ledger, today: Day) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = ledger
        .streams()
        .iter()
        .filter_map(|stream| {
            let state = stream.guarantee()?;
            let standing = state.standing(today);
            Some(Row { stream: &stream.name, state, standing, version: stream.version, last: stream.last })
        })
        .collect();
    rows.sort_by_key(|row| row.stream);
    rows
}

/// What a company may still import before it pays.
#[derive(Debug, Clone)]
pub struct Quota<'l> {
    /// Its guarantees that have not ended.
    pub guarantees: Vec<Row<'l>>,
    /// Sum of the limits of those that may be drawn on.
    pub limit: Twd,
    /// Sum owed on all of them.
    pub outstanding: Twd,
    /// Sum that may still be drawn today.
    pub available: Twd,
    /// The scheme is suspended for the company: nothing may be drawn whatever the sums say.
    pub scheme_suspended: bool,
}

/// The quota of a company over all its guarantees.
pub fn company_quota<'l>(ledger: &'l Ledger, debtor: &Ubn, today: Day) -> Quota<'l> {
    let mut guarantees = rows(ledger, today);
    guarantees.retain(|row| row.state.terms().debtor == *debtor && !row.state.status().has_ended());
    let live = |row: &&Row<'_>| matches!(row.standing, Standing::Active | Standing::Exhausted);
    let sum = |amounts: &mut dyn Iterator<Item = Twd>| {
        amounts.fold(Twd::ZERO, |sum, amount| sum.checked_add(amount).unwrap_or(Twd::MAX))
    };
    Quota {
        limit: sum(&mut guarantees.iter().filter(live).map(|row| row.state.limit())),
        outstanding: sum(&mut guarantees.iter().map(|row| row.state.outstanding())),
        available: sum(&mut guarantees.iter().filter(live).map(|row| row.state.available())),
        scheme_suspended: ledger.scheme_suspended(debtor, today.number()),
        guarantees,
    }
}

/// What one bank stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Guarantees that have not ended.
    pub live: u64,
    /// Sum of their limits.
    pub limit: Twd,
    /// Sum owed on them.
    pub outstanding: Twd,
    /// Sum of claims that wait for the bank.
    pub pending: Twd,
    /// Money that the bank has paid on claims.
    pub called: Twd,
}

/// The exposure of every bank that has a guarantee, by bank.
pub fn bank_exposure(ledger: &Ledger, today: Day) -> BTreeMap<String, Exposure> {
    let mut banks: BTreeMap<String, Exposure> = BTreeMap::new();
    for row in rows(ledger, today) {
        let bank: BankCode = row.state.bank();
        let exposure = banks.entry(bank.to_string()).or_default();
        let add = |sum: &mut Twd, amount: Twd| *sum = sum.checked_add(amount).unwrap_or(Twd::MAX);
        add(&mut exposure.called, row.state.called());
        if !row.state.status().has_ended() {
            exposure.live += 1;
            add(&mut exposure.limit, row.state.limit());
            add(&mut exposure.outstanding, row.state.outstanding());
            add(&mut exposure.pending, row.state.pending());
        }
    }
    banks
}
