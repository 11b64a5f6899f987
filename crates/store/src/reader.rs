//! What is committed, for any number of readers at once: entries, hash tiles, proofs, the head.
//! Invariant: readers see the log move from commit point to commit point and nothing between;
//! a reader never blocks the writer for longer than the exchange of one head.

use std::{
    cell::RefCell,
    collections::HashMap,
    fmt,
    ops::Range,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use lian_core::{
    hash::{Digest, node_hash},
    merkle::{self, HashReader, ProveError},
    tile::{TILE_WIDTH, TileError, TileId, TiledTree},
};

use crate::{
    disk::{Disk, DiskError},
    segment::{ReadError, Run, Segments, StoredEntry},
    tiles::{TileBytes, Tiles},
    tip::Tip,
};

/// Levels of the tree in one tile.
const TILE_LEVELS: u8 = 8;

/// The committed end of the log.
#[derive(Debug, Clone)]
pub struct Head {
    tip: Tip,
    note: Arc<[u8]>,
    ledger: Option<Digest>,
    /// The segment that holds the newest entry.
    pub(crate) segment: u32,
}

impl Head {
    pub(crate) fn empty() -> Self {
        Self { tip: Tip::default(), note: Arc::new([]), ledger: None, segment: 0 }
    }

    pub(crate) fn new(tip: Tip, note: &[u8], ledger: Digest, segment: u32) -> Self {
        Self { tip, note: note.into(), ledger: Some(ledger), segment }
    }

    /// Committed entries.
    pub fn size(&self) -> u64 {
        self.tip.size()
    }

    /// Link, time and tree at the end.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// The signed checkpoint of the last commit frame; empty for an empty log.
    pub fn note(&self) -> &[u8] {
        &self.note
    }

    /// Leaf hash of entry 0, which names the ledger; none while the log is empty.
    pub fn ledger(&self) -> Option<Digest> {
        self.ledger
    }
}

/// Reads one ledger folder. Clones share everything.
#[derive(Clone)]
pub struct Reader {
    inner: Arc<Inner>,
}

struct Inner {
    disk: Arc<dyn Disk>,
    segments: Arc<Segments>,
    head: RwLock<Arc<Head>>,
    /// Empty until the hash tiles were loaded, which in a damaged folder may never happen.
    tiles: OnceLock<Tiles>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("head", &self.head()).finish_non_exhaustive()
    }
}

impl Reader {
    pub(crate) fn new(disk: Arc<dyn Disk>, head: Head) -> Self {
        let segments = Arc::new(Segments::new(Arc::clone(&disk)));
        let head = RwLock::new(Arc::new(head));
        Self { inner: Arc::new(Inner { disk, segments, head, tiles: OnceLock::new() }) }
    }

    /// The committed end, as of now.
    pub fn head(&self) -> Arc<Head> {
        Arc::clone(&self.inner.head.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// One committed entry.
    pub fn read_entry(&self, index: u64) -> Result<StoredEntry, ReadError> {
        let head = self.head();
        check_inside(index, head.size())?;
        self.inner.segments.read(index, head.segment)
    }

    /// Committed entries in order. The range is cut at the present end of the log.
    pub fn entries(&self, range: Range<u64>) -> Result<Entries, ReadError> {
        let head = self.head();
        let end = range.end.min(head.size());
        let run = if range.start < end {
            Some(self.inner.segments.entries(range.start, head.segment)?)
        } else {
            None
        };
        Ok(Entries { run, left: end.saturating_sub(range.start), last_segment: head.segment })
    }

    /// A hash tile of the committed tree, full or partial, as the present size has it.
    pub fn tile(&self, tile: TileId) -> Result<TileBytes, ReadError> {
        let size = self.head().size();
        let beyond = TileId { width: 256, ..tile }.at(size).is_none_or(|there| there.width < tile.width);
        if beyond {
            return Err(ReadError::Tile(tile.path()));
        }
        self.loaded_tiles()?.read(tile)
    }

    /// Proves that entry `index` is among the first `size`, which are committed.
    pub fn prove_inclusion(&self, index: u64, size: u64) -> Result<Vec<Digest>, ReadError> {
        check_inside(index, size)?;
        let tree = KeptNodes { tree: self.tree(size)?, tiles: self.loaded_tiles()?, size };
        merkle::prove_inclusion(index, size, &tree).map_err(|error| flatten(error, index, size))
    }

    /// As [`Reader::prove_inclusion`] for each entry of a range, in order: for the receipts of a
    /// batch, whose proofs share most of their nodes.
    pub fn prove_inclusions(&self, range: Range<u64>, size: u64) -> Result<Vec<Vec<Digest>>, ReadError> {
        check_inside(range.end.saturating_sub(1), size)?;
        let shared = SharedNodes { tree: self.tree(size)?, known: RefCell::default() };
        let prove = |index| merkle::prove_inclusion(index, size, &shared);
        range.map(|index| prove(index).map_err(|error| flatten(error, index, size))).collect()
    }

    /// Proves that the first `old` entries are a prefix of the first `new`, which are committed.
    pub fn prove_consistency(&self, old: u64, new: u64) -> Result<Vec<Digest>, ReadError> {
        let tree = KeptNodes { tree: self.tree(new)?, tiles: self.loaded_tiles()?, size: new };
        merkle::prove_consistency(old, new, &tree).map_err(|error| flatten(error, old, new))
    }

    /// The root of the first `size` entries, which are committed.
    pub fn root_at(&self, size: u64) -> Result<Digest, ReadError> {
        let tree = self.tree(size)?;
        merkle::root_at(size, &tree).map_err(|error| flatten(error, size, size))
    }

    /// Nodes of the tree of the first `size` entries, for proofs of other kinds.
    pub fn tree(&self, size: u64) -> Result<impl HashReader<Error = TileError<ReadError>> + '_, ReadError> {
        let committed = self.head().size();
        if size > committed {
            return Err(ReadError::Beyond { index: size - 1, size: committed });
        }
        let tiles = self.loaded_tiles()?;
        Ok(TiledTree { size, fetch: |tile| tiles.read(tile) })
    }

    /// Writes waiting tiles and the newest committed checkpoint where everybody may read them.
    /// Returns the size it names; none, and nothing is done, for an empty log.
    pub fn publish(&self) -> Result<Option<u64>, PublishError> {
        let head = self.head();
        if head.size() == 0 {
            return Ok(None);
        }
        self.loaded_tiles().map_err(PublishError::Tiles)?.publish(head.note())?;
        Ok(Some(head.size()))
    }

    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.inner.disk
    }

    pub(crate) fn tiles(&self) -> Option<&Tiles> {
        self.inner.tiles.get()
    }

    pub(crate) fn set_tiles(&self, tiles: Tiles) {
        // Loaded once, at start; a second loading would find the same.
        let _ = self.inner.tiles.set(tiles);
    }

    /// The commit point was passed: from here on everybody sees it.
    pub(crate) fn advance(&self, head: Head) {
        *self.inner.head.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(head);
    }

    fn loaded_tiles(&self) -> Result<&Tiles, ReadError> {
        self.tiles().ok_or_else(|| ReadError::Tile("tile/0/000".to_owned()))
    }
}

/// Takes the nodes between the levels of full tiles from those that were made lately: a tile holds
/// its lowest level only, and a proof needs nearly all of the 255 nodes above it.
struct KeptNodes<'t, R> {
    tree: R,
    tiles: &'t Tiles,
    size: u64,
}

impl<R: HashReader<Error = TileError<ReadError>>> HashReader for KeptNodes<'_, R> {
    type Error = R::Error;

    fn read(&self, level: u8, index: u64) -> Result<Digest, Self::Error> {
        let (tile_level, above) = (level / TILE_LEVELS, level % TILE_LEVELS);
        let tile = index >> (TILE_LEVELS - above);
        let full = self.size.checked_shr(u32::from(TILE_LEVELS) * (u32::from(tile_level) + 1));
        if above == 0 || tile >= full.unwrap_or_default() {
            return self.tree.read(level, index);
        }
        let tile = TileId { level: tile_level, index: tile, width: TILE_WIDTH };
        self.tiles.inner_node(tile, above, index).map_err(TileError::Source)
    }
}

/// Keeps every node that was read or hashed, as long as one call lasts.
struct SharedNodes<R> {
    tree: R,
    known: RefCell<HashMap<(u8, u64), Digest>>,
}

impl<R: HashReader> HashReader for SharedNodes<R> {
    type Error = R::Error;

    fn read(&self, level: u8, index: u64) -> Result<Digest, Self::Error> {
        if let Some(hash) = self.known.borrow().get(&(level, index)) {
            return Ok(*hash);
        }
        // Tiles hold every eighth level; between them a node is the hash of two below.
        let hash = if level.is_multiple_of(TILE_LEVELS) {
            self.tree.read(level, index)?
        } else {
            node_hash(&self.read(level - 1, 2 * index)?, &self.read(level - 1, 2 * index + 1)?)
        };
        self.known.borrow_mut().insert((level, index), hash);
        Ok(hash)
    }
}

/// Why nothing was published. The log itself is untouched.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The disk gave an error; it may be tried again.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The hash tiles were never loaded.
    #[error(transparent)]
    Tiles(ReadError),
}

/// Committed entries in order; ends after the first error.
pub struct Entries {
    run: Option<Run>,
    left: u64,
    last_segment: u32,
}

impl Iterator for Entries {
    type Item = Result<StoredEntry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let answer = self.run.as_mut()?.next(self.last_segment);
        self.left = if answer.is_ok() { self.left - 1 } else { 0 };
        Some(answer)
    }
}

fn check_inside(index: u64, size: u64) -> Result<(), ReadError> {
    if index < size {
        return Ok(());
    }
    Err(ReadError::Beyond { index, size })
}

fn flatten(error: ProveError<TileError<ReadError>>, index: u64, size: u64) -> ReadError {
    match error {
        ProveError::Reader(TileError::Source(error)) => error,
        ProveError::Reader(TileError::WrongLength { tile, .. }) => ReadError::Tile(tile.path()),
        ProveError::Reader(TileError::NoSuchNode { .. }) | ProveError::OutOfRange { .. } => {
            ReadError::Beyond { index, size }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Rng, SimDisk};

    #[test]
    fn proofs_from_kept_nodes_are_those_of_the_plain_tree() {
        let mut rng = Rng::new(7);
        let tiles = Tiles::new(Arc::new(SimDisk::new(7)));
        let most = 70_000;
        let hashes: Vec<Digest> =
            (0..most).map(|leaf: u64| lian_core::hash::sha256(&[&leaf.to_be_bytes()])).collect();
        tiles.extend(&hashes);

        for round in 0..400 {
            // Sizes on both sides of full tiles, the first levels of which are full or not.
            let size = [most, 65_536, 65_792, 1 + rng.below(most), 256 * (1 + rng.below(270))][round % 5];
            let index = rng.below(size);
            let plain = TiledTree { size, fetch: |tile| tiles.read(tile) };
            let kept =
                KeptNodes { tree: TiledTree { size, fetch: |tile| tiles.read(tile) }, tiles: &tiles, size };
            let proof = |tree: &dyn Fn(u8, u64) -> Result<Digest, TileError<ReadError>>| {
                let old = 1 + index;
                let inclusion = merkle::prove_inclusion(index, size, &tree).unwrap();
                (inclusion, merkle::prove_consistency(old, size, &tree).unwrap())
            };
            let expected = proof(&|level, at| plain.read(level, at));
            assert_eq!(proof(&|level, at| kept.read(level, at)), expected, "{index} of {size}");
        }
    }
}
