//! How a row lies in the keeper: its value and a checksum.
//! Invariant: `open` gives a value only if it is, byte for byte, what was sealed under that key of
//! that table. The key of a row of History ends in the entry from which it holds.
//! Limits: the checksum finds damage, not malice, and says nothing of a row that is not there, or
//! that is an earlier one of the same key; the scrub finds those.

use lian_core::hash::{Digest, checksum, hex_encode};
use lian_domain::rows::{Binding, Table};

use super::keep::Raw;

/// Tag of the checksum.
const TAG: &[u8] = b"lian/row/v1\n";
/// Bytes of the checksum.
const CHECKSUM_BYTES: usize = 8;
/// The key under which each table says how far it goes; no row of the domain has it.
pub(super) const BINDING_KEY: &[u8] = b"";
/// Ledger, version, reached, link.
const BINDING_BYTES: usize = 32 + 4 + 8 + 32;

/// A row is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Its bytes do not have their checksum.
    #[error("the row {} of {table:?} does not have its checksum", hex_encode(key))]
    Checksum {
        /// Where.
        table: Table,
        /// Its key.
        key: Vec<u8>,
    },
    /// It is shorter than what every row ends in, or the binding has another length.
    #[error("the row {} of {table:?} has {bytes} bytes", hex_encode(key))]
    Length {
        /// Where.
        table: Table,
        /// Its key.
        key: Vec<u8>,
        /// Its length.
        bytes: usize,
    },
}

/// Rows of one table as they are kept, the binding, if there is one, first: its key is the smallest.
pub(super) fn seal<'a>(
    table: Table,
    rows: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    binding: Option<&Binding>,
) -> Vec<Raw> {
    let binding = binding.map(|binding| with_checksum(table, BINDING_KEY, lay_out(binding)));
    let mut sealed: Vec<Raw> =
        binding.into_iter().map(|binding| (BINDING_KEY.to_vec(), Some(binding))).collect();
    sealed.extend(rows.into_iter().map(|(key, value)| {
        let value = value.map(|value| {
            let mut bytes = Vec::with_capacity(value.len() + CHECKSUM_BYTES);
            bytes.extend_from_slice(value);
            with_checksum(table, key, bytes)
        });
        (key.to_vec(), value)
    }));
    sealed
}

/// Whether a row belongs to entries from `reached` on, which it does not cover yet.
pub(super) fn is_of_the_future(table: Table, key: &[u8], reached: u64) -> bool {
    table == Table::History && entry_of(key).is_none_or(|entry| entry >= reached)
}

/// The entry from which a row of History holds.
pub(super) fn entry_of(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|entry| u64::from_be_bytes(*entry))
}

/// The value of a row; none if it is of the future.
pub(super) fn open(
    table: Table,
    key: &[u8],
    sealed: Vec<u8>,
    reached: u64,
) -> Result<Option<Vec<u8>>, RowError> {
    let value = without_checksum(table, key, sealed)?;
    Ok((!is_of_the_future(table, key, reached)).then_some(value))
}

/// The binding that a table holds.
pub(super) fn open_binding(table: Table, sealed: Vec<u8>) -> Result<Binding, RowError> {
    let value = without_checksum(table, BINDING_KEY, sealed)?;
    let wrong = || RowError::Length { table, key: Vec::new(), bytes: value.len() };
    let value: &[u8; BINDING_BYTES] = value.as_slice().try_into().map_err(|_| wrong())?;
    let (ledger, rest) = value.split_first_chunk::<32>().ok_or_else(wrong)?;
    let (version, rest) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
    let (reached, link) = rest.split_first_chunk::<8>().ok_or_else(wrong)?;
    Ok(Binding {
        ledger: Digest(*ledger),
        version: u32::from_be_bytes(*version),
        reached: u64::from_be_bytes(*reached),
        link: Digest(link.try_into().map_err(|_| wrong())?),
    })
}

/// The smallest key above all keys that begin with `prefix`; none if there is none.
pub(super) fn after(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut key = prefix.get(..=last)?.to_vec();
    if let Some(byte) = key.last_mut() {
        *byte += 1;
    }
    Some(key)
}

fn lay_out(binding: &Binding) -> Vec<u8> {
    [
        binding.ledger.0.as_slice(),
        &binding.version.to_be_bytes(),
        &binding.reached.to_be_bytes(),
        &binding.link.0,
    ]
    .concat()
}

fn with_checksum(table: Table, key: &[u8], mut value: Vec<u8>) -> Vec<u8> {
    let sum = sum(table, key, &value);
    value.extend_from_slice(&sum);
    value
}

fn without_checksum(table: Table, key: &[u8], mut sealed: Vec<u8>) -> Result<Vec<u8>, RowError> {
    let Some((value, found)) = sealed.split_last_chunk::<CHECKSUM_BYTES>() else {
        return Err(RowError::Length { table, key: key.to_vec(), bytes: sealed.len() });
    };
    if *found != sum(table, key, value) {
        return Err(RowError::Checksum { table, key: key.to_vec() });
    }
    let length = value.len();
    sealed.truncate(length);
    Ok(sealed)
}

fn sum(table: Table, key: &[u8], value: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let table = match table {
        Table::State => 1,
        Table::History => 2,
    };
    let length = u8::try_from(key.len()).unwrap_or(u8::MAX);
    checksum(TAG, &[&[table, length], key, value])
}
