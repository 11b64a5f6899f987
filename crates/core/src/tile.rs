//! Tiles and entry bundles of C2SP tlog-tiles: coordinates, paths, and the hashes inside.
//! Invariant: each coordinate has one spelling; what `parse` accepts is what `path` writes.
//! Limits: 256 hashes or leaves a tile, tile indexes below 2^55 (no tree reaches them), leaves of
//! at most 65,535 bytes. Not here: fetching, caching, and any trust in a tile: a hash out of a tile
//! is worth nothing until a proof made of it leads to a signed root.

use std::fmt::Write as _;

use crate::{
    hash::{Digest, node_hash},
    merkle::{HashReader, SIZE_MAX},
};

/// Hashes in a full tile, leaves in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// Most bytes of one leaf: what the two length bytes of a bundle can say.
pub const LEAF_BYTES_MAX: usize = 65_535;

const TILE_HEIGHT: u8 = 8;
const LEVEL_MAX: u8 = 63;
const INDEX_LIMIT: u64 = SIZE_MAX >> TILE_HEIGHT;
const HASH_BYTES: usize = 32;

/// One hash tile: hash i is the root of the full subtree (level * 8, index * 256 + i).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// Level of tiles, 0 for leaf hashes; each level up spans 256 times the leaves.
    pub level: u8,
    /// Place within the level.
    pub index: u64,
    /// Hashes in it: 256, or fewer on the right edge.
    pub width: u16,
}

impl TileId {
    /// The full tile that holds, or hashes up to, the node `index` of tree level `level`.
    pub fn for_node(level: u8, index: u64) -> Self {
        Self {
            level: level / TILE_HEIGHT,
            index: index >> (TILE_HEIGHT - level % TILE_HEIGHT),
            width: TILE_WIDTH,
        }
    }

    /// This tile as a tree of `size` leaves has it, full or partial; `None` if it has none.
    pub fn at(self, size: u64) -> Option<Self> {
        let width = width_of(self.index, nodes_in_level(self.level, size))?;
        Some(Self { width, ..self })
    }

    /// `tile/<level>/<index>`, with `.p/<width>` if it is partial.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, place(self.index, self.width))
    }

    /// Reads a path; `None` for any spelling that `path` would not write.
    pub fn parse(path: &str) -> Option<Self> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let level = level.parse().ok().filter(|level| *level <= LEVEL_MAX)?;
        let (index, width) = parse_place(rest)?;
        let tile = Self { level, index, width };
        (tile.path() == path).then_some(tile)
    }
}

/// One bundle of leaves; it holds the leaves whose hashes are in the level 0 tile of that index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleId {
    /// Place: its first leaf is leaf `index * 256`.
    pub index: u64,
    /// Leaves in it: 256, or fewer at the end of the log.
    pub width: u16,
}

impl BundleId {
    /// The full bundle that holds leaf `index`.
    pub fn for_leaf(index: u64) -> Self {
        Self { index: index >> TILE_HEIGHT, width: TILE_WIDTH }
    }

    /// This bundle as a tree of `size` leaves has it, full or partial; `None` if it has none.
    pub fn at(self, size: u64) -> Option<Self> {
        let width = width_of(self.index, size)?;
        Some(Self { width, ..self })
    }

    /// `tile/entries/<index>`, with `.p/<width>` if it is partial.
    pub fn path(&self) -> String {
        format!("tile/entries/{}", place(self.index, self.width))
    }

    /// Reads a path; `None` for any spelling that `path` would not write.
    pub fn parse(path: &str) -> Option<Self> {
        let (index, width) = parse_place(path.strip_prefix("tile/entries/")?)?;
        let bundle = Self { index, width };
        (bundle.path() == path).then_some(bundle)
    }
}

/// Full tiles of one level in a tree of `size` leaves.
pub fn full_tiles(level: u8, size: u64) -> u64 {
    nodes_in_level(level, size) >> TILE_HEIGHT
}

/// Hashes in the partial tile at the right edge of one level; 0 if there is no such tile.
pub fn partial_width(level: u8, size: u64) -> u16 {
    width_from(nodes_in_level(level, size) % u64::from(TILE_WIDTH))
}

/// Every tile of a tree of `size` leaves, lowest level first, from left to right.
pub fn tiles_at(size: u64) -> impl Iterator<Item = TileId> {
    (0..=LEVEL_MAX).take_while(move |level| nodes_in_level(*level, size) > 0).flat_map(move |level| {
        (0..=full_tiles(level, size)).filter_map(move |index| {
            let full = TileId { level, index, width: TILE_WIDTH };
            full.at(size)
        })
    })
}

/// The node `index` of tree level `level`, read from or hashed up within the bytes of a tile;
/// `None` if the bytes are not of the tile's width or the node is not in it.
pub fn node_from_tile(bytes: &[u8], tile: TileId, level: u8, index: u64) -> Option<Digest> {
    let above = level % TILE_HEIGHT;
    let inside = TileId::for_node(level, index);
    if (inside.level, inside.index) != (tile.level, tile.index)
        || bytes.len() != usize::from(tile.width) * HASH_BYTES
    {
        return None;
    }
    let nodes = 1_usize << above;
    let first = usize::from(width_from(index % u64::from(TILE_WIDTH >> above))) * nodes;
    let under = bytes.get(first * HASH_BYTES..(first + nodes) * HASH_BYTES)?;
    subtree(under)
}

/// Why a tree could not be read out of its tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError<E> {
    /// The tree is too small to have this node.
    #[error("node {index} of level {level} is not in a tree of {size} leaves")]
    NoSuchNode {
        /// Tree level asked for.
        level: u8,
        /// Node asked for.
        index: u64,
        /// Leaves in the tree.
        size: u64,
    },
    /// The bytes are no tile of this width.
    #[error("{} holds {bytes} bytes, not {}", tile.path(), usize::from(tile.width) * HASH_BYTES)]
    WrongLength {
        /// The tile asked for.
        tile: TileId,
        /// Bytes received.
        bytes: usize,
    },
    /// The tile could not be fetched.
    #[error(transparent)]
    Source(E),
}

/// A tree of `size` leaves whose nodes come out of tiles; `fetch` may cache, and must where speed
/// matters, because neighbouring nodes lie in the same tile.
pub struct TiledTree<F> {
    /// Leaves in the tree.
    pub size: u64,
    /// Returns the bytes of a tile.
    pub fetch: F,
}

impl<F, B, E> HashReader for TiledTree<F>
where
    F: Fn(TileId) -> Result<B, E>,
    B: AsRef<[u8]>,
{
    type Error = TileError<E>;

    fn read(&self, level: u8, index: u64) -> Result<Digest, TileError<E>> {
        let missing = TileError::NoSuchNode { level, index, size: self.size };
        let Some(tile) = TileId::for_node(level, index).at(self.size) else {
            return Err(missing);
        };
        let bytes = (self.fetch)(tile).map_err(TileError::Source)?;
        let bytes = bytes.as_ref();
        if bytes.len() != usize::from(tile.width) * HASH_BYTES {
            let bytes = bytes.len();
            return Err(TileError::WrongLength { tile, bytes });
        }
        node_from_tile(bytes, tile, level, index).ok_or(missing)
    }
}

/// Why leaves are no bundle, or bytes are not the bundle asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// A bundle holds 1 to 256 leaves.
    #[error("a bundle holds 1 to 256 leaves, not {leaves}")]
    Width {
        /// Leaves that were given or asked for.
        leaves: usize,
    },
    /// A leaf does not fit its length field.
    #[error("leaf {place} of the bundle has {bytes} bytes, more than 65535")]
    LeafTooLong {
        /// Place of the leaf in the bundle.
        place: usize,
        /// Its length.
        bytes: usize,
    },
    /// The bytes end within a leaf.
    #[error("the bundle ends at byte {bytes}, within leaf {place}")]
    Short {
        /// Place of the leaf that is cut off.
        place: usize,
        /// Length of the bundle.
        bytes: usize,
    },
    /// Bytes follow the last leaf.
    #[error("{bytes} bytes follow the last leaf of the bundle")]
    Trailing {
        /// Their number.
        bytes: usize,
    },
}

/// Writes 1 to 256 leaves, each behind its length as u16 big-endian.
pub fn encode_bundle<L: AsRef<[u8]>>(leaves: &[L]) -> Result<Vec<u8>, BundleError> {
    check_width(leaves.len())?;
    let mut bytes = Vec::with_capacity(leaves.iter().map(|leaf| leaf.as_ref().len() + 2).sum());
    for (place, leaf) in leaves.iter().enumerate() {
        let leaf = leaf.as_ref();
        let length =
            u16::try_from(leaf.len()).map_err(|_| BundleError::LeafTooLong { place, bytes: leaf.len() })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(leaf);
    }
    Ok(bytes)
}

/// Reads exactly `width` leaves, and nothing after them.
pub fn decode_bundle(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, BundleError> {
    check_width(usize::from(width))?;
    let mut leaves = Vec::with_capacity(usize::from(width));
    let mut rest = bytes;
    for place in 0..usize::from(width) {
        let (leaf, after) = split_leaf(rest).ok_or(BundleError::Short { place, bytes: bytes.len() })?;
        leaves.push(leaf);
        rest = after;
    }
    if !rest.is_empty() {
        return Err(BundleError::Trailing { bytes: rest.len() });
    }
    Ok(leaves)
}

fn check_width(leaves: usize) -> Result<(), BundleError> {
    if (1..=usize::from(TILE_WIDTH)).contains(&leaves) { Ok(()) } else { Err(BundleError::Width { leaves }) }
}

fn split_leaf(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

fn nodes_in_level(level: u8, size: u64) -> u64 {
    let shift = u32::from(level) * u32::from(TILE_HEIGHT);
    size.checked_shr(shift).unwrap_or(0)
}

/// Width of tile `index` in a level of so many nodes; `None` if it would be empty.
fn width_of(index: u64, nodes: u64) -> Option<u16> {
    let before = index.checked_mul(u64::from(TILE_WIDTH))?;
    let nodes = nodes.checked_sub(before).filter(|nodes| *nodes > 0)?;
    Some(width_from(nodes.min(u64::from(TILE_WIDTH))))
}

/// A number that the caller has bounded by 256.
fn width_from(number: u64) -> u16 {
    u16::try_from(number).expect("tile: a width above 256")
}

/// Hashes the nodes of a tile up to their common root; their number is a power of two.
fn subtree(bytes: &[u8]) -> Option<Digest> {
    if let Ok(hash) = bytes.try_into() {
        return Some(Digest(hash));
    }
    let (left, right) = bytes.split_at_checked(bytes.len() / 2)?;
    Some(node_hash(&subtree(left)?, &subtree(right)?))
}

/// The index in groups of three digits, all but the last marked `x`, then the width if partial.
fn place(index: u64, width: u16) -> String {
    let digits = index.to_string();
    let padded = format!("{digits:0>width$}", width = digits.len().div_ceil(3) * 3);
    let mut text = String::with_capacity(padded.len() * 2);
    for start in (0..padded.len()).step_by(3) {
        let last = start + 3 == padded.len();
        text.push_str(if last { "" } else { "x" });
        text.push_str(&padded[start..start + 3]);
        text.push_str(if last { "" } else { "/" });
    }
    if width != TILE_WIDTH {
        // Writing to a String cannot fail.
        let _ = write!(text, ".p/{width}");
    }
    text
}

/// Reads leniently: `parse` writes the path again and compares.
fn parse_place(text: &str) -> Option<(u64, u16)> {
    let (index, width) = match text.split_once(".p/") {
        None => (text, TILE_WIDTH),
        Some((index, width)) => {
            let width = width.parse().ok()?;
            (index, Some(width).filter(|w| (1..TILE_WIDTH).contains(w))?)
        }
    };
    let digits: String = index.chars().filter(char::is_ascii_digit).collect();
    let index = digits.parse().ok().filter(|index| *index < INDEX_LIMIT)?;
    Some((index, width))
}

#[cfg(test)]
mod tests;
