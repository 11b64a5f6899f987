//! Hash tiles and bundles as the leaves give them, to compare with the files of a log.
//! Invariant: only what full subtrees and bundles hold is given out before the end; after a gap
//! nothing is, because nothing is known.

use crate::{
    hash::Digest,
    tile::{BundleId, TILE_WIDTH, TileId},
};

/// A tile or bundle with the bytes that it must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shadow {
    /// A hash tile.
    Hashes(TileId, Vec<u8>),
    /// A bundle of leaves.
    Leaves(BundleId, Vec<u8>),
}

#[derive(Debug)]
pub(super) struct Shadows {
    tiles: bool,
    bundles: bool,
    levels: Vec<(u64, Vec<u8>)>,
    leaves: Vec<u8>,
    count: u64,
    full: Vec<Shadow>,
}

impl Shadows {
    pub fn new(tiles: bool, bundles: bool) -> Self {
        Self { tiles, bundles, levels: Vec::new(), leaves: Vec::new(), count: 0, full: Vec::new() }
    }

    pub fn stop(&mut self) {
        *self = Self { full: std::mem::take(&mut self.full), ..Self::new(false, false) };
    }

    pub fn node(&mut self, level: u8, index: u64, hash: &Digest) {
        if !self.tiles || !level.is_multiple_of(8) {
            return;
        }
        let level = level / 8;
        let at = usize::from(level);
        while self.levels.len() <= at {
            self.levels.push((0, Vec::new()));
        }
        let (tile, bytes) = &mut self.levels[at];
        *tile = index / u64::from(TILE_WIDTH);
        bytes.extend_from_slice(&hash.0);
        if bytes.len() == 32 * usize::from(TILE_WIDTH) {
            let id = TileId { level, index: *tile, width: TILE_WIDTH };
            self.full.push(Shadow::Hashes(id, std::mem::take(bytes)));
        }
    }

    pub fn leaf(&mut self, leaf: &[u8]) {
        if !self.bundles {
            return;
        }
        let length = u16::try_from(leaf.len()).unwrap_or(u16::MAX);
        self.leaves.extend_from_slice(&length.to_be_bytes());
        self.leaves.extend_from_slice(leaf);
        self.count += 1;
        if self.count.is_multiple_of(u64::from(TILE_WIDTH)) {
            let id = BundleId { index: self.count / u64::from(TILE_WIDTH) - 1, width: TILE_WIDTH };
            self.full.push(Shadow::Leaves(id, std::mem::take(&mut self.leaves)));
        }
    }

    pub fn take(&mut self) -> Vec<Shadow> {
        std::mem::take(&mut self.full)
    }

    /// What is left on the right edge.
    pub fn finish(&mut self) -> Vec<Shadow> {
        let width = |bytes: usize| u16::try_from(bytes / 32).unwrap_or(TILE_WIDTH);
        for (level, (index, bytes)) in std::mem::take(&mut self.levels).into_iter().enumerate() {
            if !bytes.is_empty() {
                let level = u8::try_from(level).unwrap_or(u8::MAX);
                let id = TileId { level, index, width: width(bytes.len()) };
                self.full.push(Shadow::Hashes(id, bytes));
            }
        }
        if let Ok(width @ 1..) = u16::try_from(self.count % u64::from(TILE_WIDTH)) {
            let id = BundleId { index: self.count / u64::from(TILE_WIDTH), width };
            self.full.push(Shadow::Leaves(id, std::mem::take(&mut self.leaves)));
        }
        self.take()
    }
}
