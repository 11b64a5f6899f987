//! What streams add up to after every entry that changed it: guarantees by bank and by debtor, advice by
//! source and model, registrations by quarter and type, bags by master waybill.
//! Invariant: the counters of a group are those over the states of its streams, because each entry
//! adds what a stream is after it and takes away what it was before.
//! A group's counters change often, so a row holds 32 versions: what a debtor's guarantees live through
//! is a row or two, written anew as it grows, and not a row for every entry.

use std::fmt::Write as _;

use smallvec::SmallVec;

use super::{
    Stream,
    stored::{Bytes, fault},
};
use crate::{
    clearance::{self, Conservation, Mawb, Rate, Word},
    dates::Day,
    draws::{Calendar, Period},
    ethics, families,
    guarantee::{State, Status},
    ids::{BankCode, Ubn},
    rows::RowFault,
};

/// Versions that share a row.
pub const VERSIONS_MAX: usize = 32;

/// Streams that are added up together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// All of one bank.
    Bank(BankCode),
    /// Those of one debtor that are valid between the same days: which of them may be drawn on
    /// depends on the day of asking, and on these two days alone.
    Debtor(Ubn, Day, Day),
    /// What one source advised with one version of its model.
    Advice(Word, Word),
    /// Registrations of one type in the quarter that begins on this day.
    Ethics(Day, ethics::Type),
    /// The bags or house bills of one master waybill.
    Waybill(Mawb),
}

/// Groups that a view asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Groups {
    /// Of all advice.
    Advice,
    /// Of all registrations.
    Ethics,
    /// Of one master waybill.
    Waybill(Mawb),
}

impl Groups {
    /// What the keys of their rows begin with.
    pub fn prefix(&self) -> Vec<u8> {
        match self {
            Self::Advice => b"t/advice/".to_vec(),
            Self::Ethics => b"t/ethics/".to_vec(),
            Self::Waybill(mawb) => Group::Waybill(*mawb).prefix(),
        }
    }

    /// True if this is one of them.
    pub fn has(&self, group: &Group) -> bool {
        match (self, group) {
            (Self::Advice, Group::Advice(..)) | (Self::Ethics, Group::Ethics(..)) => true,
            (Self::Waybill(wanted), Group::Waybill(mawb)) => wanted == mawb,
            _ => false,
        }
    }
}

impl Group {
    /// What the keys of its rows begin with.
    pub fn prefix(&self) -> Vec<u8> {
        let mut text = String::from("t/");
        match self {
            Self::Bank(bank) => write!(text, "bank/{bank}\0"),
            Self::Debtor(debtor, from, to) => write!(text, "debtor/{debtor}/{from}/{to}\0"),
            Self::Advice(source, model) => write!(text, "advice/{source}/{model}\0"),
            Self::Ethics(first, kind) => {
                write!(text, "ethics/{}/{}\0", Calendar::Quarter.period_of(*first), kind.name())
            }
            Self::Waybill(mawb) => write!(text, "mawb/{mawb}\0"),
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
        let mut parts = std::str::from_utf8(&key[..end]).ok()?.strip_prefix("t/")?.split('/');
        let group = match parts.next()? {
            "bank" => Self::Bank(BankCode::parse(parts.next()?)?),
            "debtor" => {
                let debtor = Ubn::parse(parts.next()?)?;
                Self::Debtor(debtor, Day::parse(parts.next()?)?, Day::parse(parts.next()?)?)
            }
            "advice" => Self::Advice(Word::parse(parts.next()?)?, Word::parse(parts.next()?)?),
            "ethics" => {
                let quarter = Period::parse(parts.next()?)?;
                Self::Ethics(quarter.first(), ethics::Type::parse(parts.next()?)?)
            }
            "mawb" => Self::Waybill(Mawb::parse(parts.next()?)?),
            _ => return None,
        };
        // One spelling: what follows or differs is no key of this group.
        (group.prefix() == key[..=end]).then_some(group)
    }

    /// How many counters it has.
    pub const fn counters(&self) -> usize {
        match self {
            Self::Bank(_) | Self::Debtor(..) => NUMBERS,
            Self::Advice(..) => Rate::COUNTERS,
            Self::Ethics(..) => ethics::Count::COUNTERS,
            Self::Waybill(_) => Conservation::COUNTERS,
        }
    }

    /// The key of the row whose first version is that of entry `index`.
    pub fn key(&self, index: u64) -> Vec<u8> {
        let mut key = self.prefix();
        key.extend_from_slice(&index.to_be_bytes());
        key
    }
}

/// Counters of one group, in the order in which they are written; none stands for zeros.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters(SmallVec<[u128; NUMBERS]>);

impl Counters {
    /// These numbers.
    pub fn of(numbers: &[u128]) -> Self {
        Self(SmallVec::from_slice(numbers))
    }

    /// So many of them: zeros where there are none.
    pub fn numbers<const N: usize>(&self) -> [u128; N] {
        std::array::from_fn(|place| self.0.get(place).copied().unwrap_or_default())
    }

    /// True if all are zero.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|number| *number == 0)
    }

    fn zip(&self, other: &Self, join: impl Fn(u128, u128) -> Option<u128>) -> Option<Self> {
        let at = |counters: &Self, place: usize| counters.0.get(place).copied().unwrap_or_default();
        let places = 0..self.0.len().max(other.0.len());
        places.map(|place| join(at(self, place), at(other, place))).collect::<Option<_>>().map(Self)
    }

    /// The counters with `other` added.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        self.zip(other, u128::checked_add)
    }

    /// The counters with `other` taken away.
    pub fn minus(&self, other: &Self) -> Option<Self> {
        self.zip(other, u128::checked_sub)
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

    /// The sums as counters.
    pub fn counters(&self) -> Counters {
        Counters::of(&self.numbers())
    }

    /// The sums that counters of a bank or a debtor are.
    pub fn read(counters: &Counters) -> Self {
        Self::from_numbers(counters.numbers())
    }

    /// The sums with `other` added.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        self.counters().plus(&other.counters()).map(|sum| Self::read(&sum))
    }
}

/// What one stream adds to each group that it belongs to.
pub type Parts = Vec<(Group, Counters)>;

/// What a stream adds, and to what; nothing for most.
pub fn parts(stream: &Stream) -> Parts {
    if let Some(state) = stream.guarantee() {
        return of_guarantee(state);
    }
    let mut parts = match stream.family() {
        Some(families::State::Ethics(ethics::State::Registration(registration))) => {
            let quarter = Calendar::Quarter.period_of(registration.reported_on);
            let group = Group::Ethics(quarter.first(), registration.report.kind);
            vec![(group, ethics::Count::of(registration).counters())]
        }
        Some(families::State::Clearance(clearance::State::Cargo(cargo))) => {
            let rates = clearance::rates(cargo).map(|(source, model, rate)| (source, model, rate.counters()));
            let mut parts: Parts =
                rates.map(|(source, model, rate)| (Group::Advice(source, model), rate)).collect();
            let mawb = stream.name.split('/').nth(1).and_then(Mawb::parse);
            parts.extend(mawb.map(|mawb| (Group::Waybill(mawb), Conservation::of(cargo).counters())));
            parts
        }
        Some(families::State::Clearance(clearance::State::Flight(passengers))) => {
            let (source, model, rate) = clearance::passenger_rate(passengers);
            vec![(Group::Advice(source, model), rate.counters())]
        }
        _ => Parts::new(),
    };
    parts.retain(|(_, counters)| !counters.is_zero());
    parts
}

fn of_guarantee(state: &State) -> Parts {
    let (terms, counters) = (state.terms(), Sums::of(state).counters());
    let debtor = Group::Debtor(terms.debtor, terms.from, terms.to);
    vec![(Group::Bank(terms.bank), counters.clone()), (debtor, counters)]
}

/// The versions of one group within one block of entries: what one row holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions(pub Vec<(u64, Counters)>);

impl Versions {
    /// The value of the row.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 40);
        let mut before = 0;
        for (index, counters) in &self.0 {
            put_number(&mut bytes, u128::from(index - before));
            before = *index;
            for number in &counters.0 {
                put_number(&mut bytes, *number);
            }
        }
        bytes
    }

    /// Reads what `encode` writes for that key, and nothing else.
    pub fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowFault> {
        let read = || {
            let first = key.last_chunk::<8>().map(|index| u64::from_be_bytes(*index))?;
            Self::read(Group::of_key(key)?.counters(), first, value)
        };
        read().ok_or_else(|| fault(key, "no versions of sums"))
    }

    fn read(numbers: usize, first: u64, value: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(value);
        let mut versions: Vec<(u64, Counters)> = Vec::new();
        while !bytes.0.is_empty() {
            let further = u64::try_from(take_number(&mut bytes)?).ok()?;
            let (before, is_first) = versions.last().map_or((0, true), |(index, _)| (*index, false));
            let index = before.checked_add(further)?;
            // The first is that of the key, each other one lies behind the one before.
            let in_order = if is_first { index == first } else { index > before };
            if versions.len() == VERSIONS_MAX || !in_order {
                return None;
            }
            let counters = (0..numbers).map(|_| take_number(&mut bytes)).collect::<Option<_>>()?;
            versions.push((index, Counters(counters)));
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

    fn sums(number: u128) -> Counters {
        (0..).take(NUMBERS).map(|at| number * at).collect::<SmallVec<_>>().into()
    }

    impl From<SmallVec<[u128; NUMBERS]>> for Counters {
        fn from(numbers: SmallVec<[u128; NUMBERS]>) -> Self {
            Self(numbers)
        }
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
            Group::Advice(Word::parse("cargo_ai").unwrap(), Word::parse("m_7").unwrap()),
            Group::Ethics(day("2026-10-01"), ethics::Type::Lobbying),
            Group::Waybill(Mawb::parse("297-83993523").unwrap()),
        ] {
            assert_eq!(Group::of_key(&group.key(7)), Some(group));
        }
        for bad in ["debtor/12345675", "ethics/2026-10-01/gift", "bank/004/1", "mawb/1", "flight/1"] {
            assert_eq!(Group::of_key(format!("t/{bad}\0").as_bytes()), None, "{bad}");
        }
        assert_eq!(sums(3).plus(&sums(4)), Some(sums(7)));
        assert_eq!(sums(7).minus(&sums(4)), Some(sums(3)));
        assert_eq!(sums(3).minus(&sums(4)), None);
    }
}
