//! What guarantees add up to, by bank and by debtor, after every entry that changed it.
//! Invariant: the sums of a group are those over the states of its guarantees, because each entry
//! adds what a guarantee is after it and takes away what it was before.
//! A group's sums change often, so a row holds 32 versions: what a debtor's guarantees live through is
//! a row or two, written anew as it grows, and not a row for every entry.

use std::fmt::Write as _;

use super::stored::{Bytes, fault};
use crate::{
    dates::Day,
    guarantee::{State, Status},
    ids::{BankCode, Ubn},
    rows::RowFault,
};

/// Versions that share a row.
pub const VERSIONS_MAX: usize = 32;

/// Guarantees that are added up together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// All of one bank.
    Bank(BankCode),
    /// Those of one debtor that are valid between the same days: which of them may be drawn on
    /// depends on the day of asking, and on these two days alone.
    Debtor(Ubn, Day, Day),
}

impl Group {
    /// What the keys of its rows begin with.
    pub fn prefix(&self) -> Vec<u8> {
        let mut text = String::from("t/");
        match self {
            Self::Bank(bank) => write!(text, "bank/{bank}\0"),
            Self::Debtor(debtor, from, to) => write!(text, "debtor/{debtor}/{from}/{to}\0"),
        }
        .expect("writing to a string does not fail");
        text.into_bytes()
    }

    /// What the keys of all groups of a debtor begin with.
    pub fn of_debtor(debtor: &Ubn) -> Vec<u8> {
        format!("t/debtor/{debtor}/").into_bytes()
    }

    /// The group of a row.
    pub fn of_key(key: &[u8]) -> Option<Self> {
        let end = key.iter().position(|byte| *byte == 0)?;
        let text = std::str::from_utf8(&key[..end]).ok()?;
        if let Some(bank) = text.strip_prefix("t/bank/") {
            return BankCode::parse(bank).map(Self::Bank);
        }
        let mut parts = text.strip_prefix("t/debtor/")?.split('/');
        let debtor = Ubn::parse(parts.next()?)?;
        let (from, to) = (Day::parse(parts.next()?)?, Day::parse(parts.next()?)?);
        parts.next().is_none().then_some(Self::Debtor(debtor, from, to))
    }

    /// The key of the row whose first version is that of entry `index`.
    pub fn key(&self, index: u64) -> Vec<u8> {
        let mut key = self.prefix();
        key.extend_from_slice(&index.to_be_bytes());
        key
    }
}

/// What a group of guarantees adds up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Guarantees that wait for Accept.
    pub requested: u128,
    /// Guarantees that are active, in validity or not.
    pub active: u128,
    /// Guarantees in run-off after Suspend.
    pub suspended: u128,
    /// Guarantees that have ended.
    pub ended: u128,
    /// Limits of those that have not ended.
    pub limit: u128,
    /// Owed on those that have not ended.
    pub outstanding: u128,
    /// Claims on those that have not ended which wait for the bank.
    pub pending: u128,
    /// Limits of those that are active.
    pub active_limit: u128,
    /// What may be drawn on those that are active.
    pub active_available: u128,
    /// Paid by the bank on claims, on all.
    pub called: u128,
}

/// Numbers of [`Sums`], in the order in which they are written.
const NUMBERS: usize = 10;

impl Sums {
    /// What one guarantee adds.
    pub fn of(state: &State) -> Self {
        let counts = |status: Status| u128::from(state.status() == status);
        let money = |counted: bool, sum: crate::money::Twd| if counted { u128::from(sum.get()) } else { 0 };
        let (open, active) = (!state.status().has_ended(), state.status() == Status::Active);
        Self {
            requested: counts(Status::Requested),
            active: u128::from(active),
            suspended: counts(Status::Suspended),
            ended: u128::from(!open),
            limit: money(open, state.limit()),
            outstanding: money(open, state.outstanding()),
            pending: money(open, state.pending()),
            active_limit: money(active, state.limit()),
            active_available: money(active, state.available()),
            called: money(true, state.called()),
        }
    }

    fn numbers(&self) -> [u128; NUMBERS] {
        [
            self.requested,
            self.active,
            self.suspended,
            self.ended,
            self.limit,
            self.outstanding,
            self.pending,
            self.active_limit,
            self.active_available,
            self.called,
        ]
    }

    fn from_numbers(numbers: [u128; NUMBERS]) -> Self {
        let [
            requested,
            active,
            suspended,
            ended,
            limit,
            outstanding,
            pending,
            active_limit,
            active_available,
            called,
        ] = numbers;
        Self {
            requested,
            active,
            suspended,
            ended,
            limit,
            outstanding,
            pending,
            active_limit,
            active_available,
            called,
        }
    }

    fn zip(&self, other: &Self, join: impl Fn(u128, u128) -> Option<u128>) -> Option<Self> {
        let mut numbers = self.numbers();
        for (number, other) in numbers.iter_mut().zip(other.numbers()) {
            *number = join(*number, other)?;
        }
        Some(Self::from_numbers(numbers))
    }

    /// The sums with `other` added.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        self.zip(other, u128::checked_add)
    }

    /// The sums with `other` taken away.
    pub fn minus(&self, other: &Self) -> Option<Self> {
        self.zip(other, u128::checked_sub)
    }
}

/// One guarantee with the groups that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its groups.
    pub groups: [Group; 2],
    /// What it adds to each.
    pub sums: Sums,
}

impl Part {
    /// The part of a guarantee.
    pub fn of(state: &State) -> Self {
        let terms = state.terms();
        let groups = [Group::Bank(terms.bank), Group::Debtor(terms.debtor, terms.from, terms.to)];
        Self { groups, sums: Sums::of(state) }
    }
}

/// The versions of one group within one block of entries: what one row holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions(pub Vec<(u64, Sums)>);

impl Versions {
    /// The value of the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 40);
        let mut before = 0;
        for (index, sums) in &self.0 {
            put_number(&mut bytes, u128::from(index - before));
            before = *index;
            for number in sums.numbers() {
                put_number(&mut bytes, number);
            }
        }
        bytes
    }

    /// Reads what `encode` writes for that key, and nothing else.
    pub fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowFault> {
        let first = key.last_chunk::<8>().map(|index| u64::from_be_bytes(*index));
        first.and_then(|first| Self::read(first, value)).ok_or_else(|| fault(key, "no versions of sums"))
    }

    fn read(first: u64, value: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(value);
        let mut versions: Vec<(u64, Sums)> = Vec::new();
        while !bytes.0.is_empty() {
            let further = u64::try_from(take_number(&mut bytes)?).ok()?;
            let (before, is_first) = versions.last().map_or((0, true), |(index, _)| (*index, false));
            let index = before.checked_add(further)?;
            // The first is that of the key, each other one lies behind the one before.
            let in_order = if is_first { index == first } else { index > before };
            if versions.len() == VERSIONS_MAX || !in_order {
                return None;
            }
            let mut numbers = [0; NUMBERS];
            for number in &mut numbers {
                *number = take_number(&mut bytes)?;
            }
            versions.push((index, Sums::from_numbers(numbers)));
        }
        (!versions.is_empty()).then_some(Self(versions))
    }
}

/// Its length, then its bytes without leading zeros.
fn put_number(bytes: &mut Vec<u8>, number: u128) {
    let spelled = number.to_be_bytes();
    let zeros = spelled.iter().take_while(|byte| **byte == 0).count();
    bytes.push(u8::try_from(spelled.len() - zeros).unwrap_or(u8::MAX));
    bytes.extend_from_slice(&spelled[zeros..]);
}

/// Reads what [`put_number`] writes, and nothing else.
fn take_number(bytes: &mut Bytes<'_>) -> Option<u128> {
    let length = usize::from(bytes.u8()?);
    let spelled = bytes.take(length).filter(|spelled| spelled.first() != Some(&0))?;
    let mut wide = [0; 16];
    wide.get_mut(16_usize.checked_sub(length)?..)?.copy_from_slice(spelled);
    Some(u128::from_be_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(number: u128) -> Sums {
        let mut numbers = [0; NUMBERS];
        for (at, place) in (0..).zip(&mut numbers) {
            *place = number * at;
        }
        Sums::from_numbers(numbers)
    }

    #[test]
    fn any_flipped_bit_of_a_row_of_sums_is_refused_or_says_something_else() {
        let group = Group::Bank(BankCode::parse("004").unwrap());
        let versions = Versions(vec![(130, sums(1)), (131, sums(0)), (190_000, sums(1 << 70))]);
        let (key, bytes) = (group.key(130), versions.encode());
        assert_eq!(Versions::decode(&key, &bytes), Ok(versions));

        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let read = Versions::decode(&key, &flipped);
            assert!(read.is_err() || read.is_ok_and(|read| read.encode() == flipped), "bit {bit}");
        }
        for length in 0..bytes.len() {
            let read = Versions::decode(&key, &bytes[..length]);
            assert!(read.is_err() || read.is_ok_and(|read| read.encode() == bytes[..length]), "{length}");
        }
        assert!(Versions::decode(&group.key(131), &bytes).is_err(), "the key names the first version");
    }

    #[test]
    fn a_group_is_read_from_its_keys() {
        let (debtor, day) = (Ubn::parse("12345675").unwrap(), |text| Day::parse(text).unwrap());
        for group in [
            Group::Bank(BankCode::parse("004").unwrap()),
            Group::Debtor(debtor, day("2026-01-01"), day("2027-12-31")),
        ] {
            assert_eq!(Group::of_key(&group.key(7)), Some(group));
        }
        assert_eq!(Group::of_key(b"t/debtor/12345675\0"), None);
        assert_eq!(sums(3).plus(&sums(4)), Some(sums(7)));
        assert_eq!(sums(7).minus(&sums(4)), Some(sums(3)));
        assert_eq!(sums(3).minus(&sums(4)), None);
    }
}
