//! The bytes of one simulated file as shared blocks, and the changes made to them.
//! A block of zeros is no block, so zero-filled space and copies of a file cost nothing.

use std::sync::Arc;

use crate::disk::{Rng, is_zeros};

const BLOCK_BYTES: usize = 4096;

/// One image of a file: durable or cached.
#[derive(Debug, Clone, Default)]
pub(super) struct Image {
    len: u64,
    blocks: Vec<Option<Arc<[u8; BLOCK_BYTES]>>>,
}

/// One un-synced change to a file, in the order it was made.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Write { offset: u64, bytes: Bytes },
    Resize { bytes: u64 },
}

/// The bytes of a write; zeros are many and are only counted.
#[derive(Debug, Clone)]
pub(super) enum Bytes {
    Zeros(usize),
    These(Arc<[u8]>),
}

/// What survives of the changes that no sync covered.
#[derive(Debug)]
pub(super) struct Keep {
    hits: u64,
    /// After the first loss nothing more is kept: writes reached the disk in order.
    in_order: bool,
    lost: bool,
    grain: Grain,
    extend: Extend,
}

#[derive(Debug, Clone, Copy)]
enum Grain {
    Sectors(u64),
    AnyByte,
    Whole,
}

/// What a reader finds where the file grew and its bytes did not arrive.
#[derive(Debug, Clone, Copy)]
enum Extend {
    Nothing,
    Zeros,
    Garbage,
}

const KEEP_OF: u64 = 8;

impl Keep {
    /// A manner of loss.
    pub(super) fn any(rng: &mut Rng) -> Self {
        Self {
            hits: [0, 1, 4, 7, 8][index_below(rng, 5)],
            in_order: rng.chance(1, 4),
            lost: false,
            grain: [Grain::Whole, Grain::Sectors(512), Grain::Sectors(4096), Grain::AnyByte]
                [index_below(rng, 4)],
            extend: [Extend::Nothing, Extend::Zeros, Extend::Garbage][index_below(rng, 3)],
        }
    }

    /// Another manner for the next file: files are written out independently.
    pub(super) fn renew(&mut self, rng: &mut Rng) {
        if rng.chance(3, 4) {
            *self = Self::any(rng);
        }
        self.lost = false;
    }

    /// Whether the next piece is kept.
    pub(super) fn whole(&mut self, rng: &mut Rng) -> bool {
        let kept = !(self.in_order && self.lost) && rng.chance(self.hits, KEEP_OF);
        self.lost |= !kept;
        kept
    }
}

impl Change {
    pub(super) fn write(offset: u64, bytes: &[u8]) -> Self {
        let bytes = if is_zeros(bytes) { Bytes::Zeros(bytes.len()) } else { Bytes::These(Arc::from(bytes)) };
        Self::Write { offset, bytes }
    }

    /// The change arrives whole.
    pub(super) fn apply(&self, image: &mut Image) {
        match self {
            Self::Write { offset, bytes } => bytes.write_to(image, *offset, 0, bytes.len()),
            Self::Resize { bytes } => image.set_len(*bytes),
        }
    }

    /// The change arrives in part. Each piece holds the new bytes or what was there before, so
    /// any order in which a disk writes pieces out is among the outcomes.
    pub(super) fn apply_torn(&self, image: &mut Image, keep: &mut Keep, rng: &mut Rng) {
        match self {
            Self::Resize { bytes } => {
                if keep.whole(rng) {
                    image.set_len(*bytes);
                }
            }
            Self::Write { offset, bytes } => {
                let mut start = 0;
                while start < bytes.len() {
                    let end = piece_end(*offset, bytes.len(), start, keep.grain, rng);
                    let at = offset + start as u64;
                    if keep.whole(rng) {
                        bytes.write_to(image, at, start, end);
                    } else {
                        image.extend(at + (end - start) as u64, keep.extend, rng);
                    }
                    start = end;
                }
            }
        }
    }
}

impl Bytes {
    fn len(&self) -> usize {
        match self {
            Self::Zeros(count) => *count,
            Self::These(bytes) => bytes.len(),
        }
    }

    /// Writes the bytes from `start` to `end` at an offset of a file.
    fn write_to(&self, image: &mut Image, at: u64, start: usize, end: usize) {
        match self {
            Self::Zeros(_) => image.write_zeros(at, end - start),
            Self::These(bytes) => image.write(at, &bytes[start..end]),
        }
    }
}

fn piece_end(offset: u64, len: usize, start: usize, grain: Grain, rng: &mut Rng) -> usize {
    let end = match grain {
        Grain::Whole => len,
        Grain::AnyByte => start + 1 + index_below(rng, len - start),
        Grain::Sectors(bytes) => {
            let at = offset + start as u64;
            start + to_usize(bytes - at % bytes)
        }
    };
    end.min(len)
}

impl Image {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; to_usize(self.len)];
        self.read(0, &mut bytes);
        bytes
    }

    pub(super) fn read(&self, offset: u64, bytes: &mut [u8]) -> usize {
        if offset >= self.len {
            return 0;
        }
        let count = bytes.len().min(to_usize(self.len - offset));
        let mut done = 0;
        while done < count {
            let (block, from, step) = piece(offset, done, count);
            let target = &mut bytes[done..done + step];
            match self.blocks.get(block).and_then(Option::as_ref) {
                Some(block) => target.copy_from_slice(&block[from..from + step]),
                None => target.fill(0),
            }
            done += step;
        }
        count
    }

    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        self.len = self.len.max(offset + bytes.len() as u64);
        let mut done = 0;
        while done < bytes.len() {
            let (block, from, step) = piece(offset, done, bytes.len());
            self.write_block(block, from, &bytes[done..done + step]);
            done += step;
        }
    }

    fn write_zeros(&mut self, offset: u64, count: usize) {
        let mut done = 0;
        while done < count {
            let (block, from, step) = piece(offset, done, count);
            if self.blocks.get(block).is_some_and(Option::is_some) {
                self.write_block(block, from, &[0; BLOCK_BYTES][..step]);
            }
            done += step;
        }
        self.len = self.len.max(offset + count as u64);
    }

    pub(super) fn set_len(&mut self, bytes: u64) {
        if bytes < self.len {
            let whole = to_usize(bytes.div_ceil(BLOCK_BYTES as u64));
            self.blocks.truncate(whole);
            let used = to_usize(bytes % BLOCK_BYTES as u64);
            if used > 0 && self.blocks.len() == whole {
                self.write_block(whole - 1, used, &vec![0; BLOCK_BYTES - used]);
            }
        }
        self.len = bytes;
    }

    fn extend(&mut self, len_wanted: u64, extend: Extend, rng: &mut Rng) {
        if len_wanted <= self.len {
            return;
        }
        match extend {
            Extend::Nothing => {}
            Extend::Zeros => self.set_len(len_wanted),
            Extend::Garbage => {
                let mut garbage = vec![0; to_usize(len_wanted - self.len)];
                rng.fill(&mut garbage);
                self.write(self.len, &garbage);
            }
        }
    }

    fn write_block(&mut self, block: usize, from: usize, bytes: &[u8]) {
        let zeros = is_zeros(bytes);
        if zeros && self.blocks.get(block).is_none_or(Option::is_none) {
            return;
        }
        if self.blocks.len() <= block {
            self.blocks.resize(block + 1, None);
        }
        if zeros && bytes.len() == BLOCK_BYTES {
            self.blocks[block] = None;
            return;
        }
        let target = self.blocks[block].get_or_insert_with(|| Arc::new([0; BLOCK_BYTES]));
        Arc::make_mut(target)[from..from + bytes.len()].copy_from_slice(bytes);
    }
}

/// Block number, offset inside it and byte count of the next piece of a transfer.
fn piece(offset: u64, done: usize, count: usize) -> (usize, usize, usize) {
    let at = offset + done as u64;
    let block = to_usize(at / BLOCK_BYTES as u64);
    let from = to_usize(at % BLOCK_BYTES as u64);
    (block, from, (BLOCK_BYTES - from).min(count - done))
}

fn index_below(rng: &mut Rng, limit: usize) -> usize {
    to_usize(rng.below(limit as u64))
}

fn to_usize(count: u64) -> usize {
    usize::try_from(count).expect("simulated files fit in memory")
}
