//! Cargo by the moment at which it was laid on a line, the newest first, as of any size.
//! Invariant: each time that a bag is laid has one row, in the block of entries that it belongs to.
//! The moment is what a warehouse says, so it tells nothing of the entry: a reader goes through all
//! blocks below the size side by side, and reads little more than it hands over.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use super::{Stream, stored::fault};
use crate::{
    clearance::{self, Moment},
    families,
    rows::{Row, RowFault, Rows, Table},
};

/// A block is 2^16 entries.
const BLOCK_BITS: u32 = 16;
/// Rows of one block read at a time.
const ROWS_AT_ONCE: usize = 8;
/// Bytes of a key before what it is ordered by: a letter and the block.
const HEAD: usize = 9;
const FAMILY: &str = "cargo/";

/// When the cargo of a stream was laid on the line where it lies.
pub fn laid_at(stream: &Stream) -> Option<Moment> {
    match stream.family() {
        Some(families::State::Clearance(clearance::State::Cargo(cargo))) => {
            cargo.presented.as_ref().map(|laid| laid.at)
        }
        _ => None,
    }
}

/// Descending by moment.
fn order_of(at: Moment) -> u64 {
    !(at.0.cast_unsigned() ^ 1 << 63)
}

fn moment_of(order: u64) -> Moment {
    Moment((!order ^ 1 << 63).cast_signed())
}

fn head(block: u64) -> Vec<u8> {
    [&b"p"[..], &block.to_be_bytes()].concat()
}

/// The row that says that entry `index` laid a stream on a line at this moment.
pub(super) fn laid_row(name: &str, at: Moment, index: u64) -> Row {
    let rest = name.strip_prefix(FAMILY).unwrap_or(name);
    let mut key = head(index >> BLOCK_BITS);
    key.extend_from_slice(&order_of(at).to_be_bytes());
    key.extend_from_slice(rest.as_bytes());
    key.push(0);
    key.extend_from_slice(&index.to_be_bytes());
    Row { table: Table::History, key, value: Some(Vec::new()) }
}

/// One block: what is to be handed over next, and from where to read on; `None` at its end.
struct Block {
    read: VecDeque<Vec<u8>>,
    from: Option<Vec<u8>>,
}

/// Goes through the rows of all blocks below a size, the newest moment first, then by name.
pub struct Newest<'r> {
    rows: &'r dyn Rows,
    size: u64,
    blocks: Vec<Block>,
    /// What each block hands over next, without its head.
    heads: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
    last: Option<(Moment, String)>,
}

impl<'r> Newest<'r> {
    /// From this moment down, or from the newest.
    pub fn new(rows: &'r dyn Rows, size: u64, until: Option<Moment>) -> Result<Self, RowFault> {
        let mut newest = Self { rows, size, blocks: Vec::new(), heads: BinaryHeap::new(), last: None };
        let Some(last) = size.checked_sub(1) else { return Ok(newest) };
        let order = until.map_or(0, order_of).to_be_bytes();
        for number in 0..=last >> BLOCK_BITS {
            let from = Some([&head(number)[..], &order].concat());
            newest.blocks.push(Block { read: VecDeque::new(), from });
            newest.advance(newest.blocks.len() - 1)?;
        }
        Ok(newest)
    }

    /// The next stream and moment; a stream may have been laid elsewhere since.
    pub fn take(&mut self) -> Result<Option<(String, Moment)>, RowFault> {
        while let Some(Reverse((tail, block))) = self.heads.pop() {
            self.advance(block)?;
            let read = || {
                let (order, rest) = tail.split_first_chunk::<8>()?;
                let (name, _) = rest.split_last_chunk::<9>()?;
                let name = format!("{FAMILY}{}", std::str::from_utf8(name).ok()?);
                Some((moment_of(u64::from_be_bytes(*order)), name))
            };
            let found = read().ok_or_else(|| fault(&tail, "no row of cargo laid on a line"))?;
            if self.last.as_ref() != Some(&found) {
                let (at, name) = self.last.insert(found);
                return Ok(Some((name.clone(), *at)));
            }
        }
        Ok(None)
    }

    /// Puts the next row of a block among the heads.
    fn advance(&mut self, number: usize) -> Result<(), RowFault> {
        let Some(block) = self.blocks.get_mut(number) else { return Ok(()) };
        while block.read.is_empty() {
            let Some(from) = block.from.take() else { return Ok(()) };
            let found = self.rows.range(Table::History, &from[..HEAD], &from, ROWS_AT_ONCE)?;
            block.from = found.last().map(|(key, _)| [&key[..], &[0]].concat());
            // Rows of the entries from `size` on may lie in the last block.
            let size = self.size;
            let index = |key: &[u8]| key.last_chunk::<8>().map(|index| u64::from_be_bytes(*index));
            let counted = found.into_iter().filter(|(key, _)| index(key).is_some_and(|index| index < size));
            block.read.extend(counted.map(|(key, _)| key));
        }
        if let Some(key) = block.read.pop_front() {
            self.heads.push(Reverse((key[HEAD..].to_vec(), number)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use lian_core::hash::Digest;

    use super::*;
    use crate::rows::{Step, memory::MemoryRows};

    #[test]
    fn cargo_of_all_blocks_comes_by_its_moment_and_none_that_a_later_entry_laid() {
        let rows = MemoryRows::new();
        let laid = [
            ("A-1", 50, 3),
            ("A-2", -7, 70_000),
            ("A-3", 90, 65_535),
            ("A-4", 50, 65_536),
            ("A-5", 99, 70_001),
            ("A-1", 50, 65_600),
        ];
        let made = laid.map(|(name, at, index)| laid_row(&format!("cargo/{name}"), Moment(at), index));
        rows.write(&Step { reached: 1, link: Digest::ZERO, rows: made.into() });
        let read = |size, until: Option<i64>| {
            let mut newest = Newest::new(&rows, size, until.map(Moment)).unwrap();
            let mut found = Vec::new();
            while let Some((name, at)) = newest.take().unwrap() {
                found.push((name.strip_prefix("cargo/").unwrap().to_owned(), at.0));
            }
            found
        };
        let told =
            |of: &[(&str, i64)]| of.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect::<Vec<_>>();

        assert_eq!(read(70_001, None), told(&[("A-3", 90), ("A-1", 50), ("A-4", 50), ("A-2", -7)]));
        assert_eq!(read(70_002, Some(89)), told(&[("A-1", 50), ("A-4", 50), ("A-2", -7)]));
        assert_eq!(read(4, None), told(&[("A-1", 50)]));
        assert_eq!(read(0, None), told(&[]));
    }
}
