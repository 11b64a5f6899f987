//! The epoch map in pages of sixteen, for those who cannot hold every key in memory.
//! Invariant: the same root and the same proofs as [`EpochMap`](super::EpochMap) over the same keys;
//! a page that was changed stays in memory until its keeper has said that it holds it.
//! Limits: an update reads and writes the pages on the paths of its keys, about log16 of the number
//! of keys each; a page is at most 1,028 bytes.

use std::collections::HashMap;

use super::{MapEnd, MapProof, bit, fork_hash, leaf_hash};
use crate::hash::Digest;

/// Slots of a page: four bits of a key.
const SLOTS: usize = 16;
/// Bits of a key that one page decides.
const PAGE_BITS: usize = 4;
/// Pages that are kept in memory although their keeper holds them.
const CACHE_PAGES: usize = 1 << 15;

/// Which page: the first bits of all keys below it, four for each page above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PagePath {
    nibbles: u8,
    prefix: Digest,
}

impl PagePath {
    /// The page of all keys.
    pub const ROOT: Self = Self { nibbles: 0, prefix: Digest::ZERO };

    /// One byte for the number of nibbles, then these, two a byte, the last byte filled with zeros.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.nibbles];
        bytes.extend_from_slice(&self.prefix.0[..usize::from(self.nibbles).div_ceil(2)]);
        bytes
    }

    fn bits(&self) -> usize {
        usize::from(self.nibbles) * PAGE_BITS
    }

    fn child(&self, slot: usize) -> Self {
        let mut child = *self;
        let nibble = usize::from(self.nibbles);
        let value = u8::try_from(slot & 0x0f).unwrap_or(0);
        child.prefix.0[nibble / 2] |= if nibble.is_multiple_of(2) { value << 4 } else { value };
        child.nibbles += 1;
        child
    }

    fn slot_of(&self, key: &Digest) -> usize {
        let nibble = usize::from(self.nibbles);
        let byte = key.0[nibble / 2];
        usize::from(if nibble.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f })
    }
}

/// Where pages are kept.
pub trait Pages {
    /// Why a page cannot be had.
    type Error;

    /// The bytes of a page, as [`PagedMap::take_changed`] gave them; `None` if there is none.
    fn page(&self, path: &PagePath) -> Result<Option<Vec<u8>>, Self::Error>;

    /// The error for bytes that are no page, or that are missing although a page above names them.
    fn broken(&self, path: &PagePath) -> Self::Error;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// No key.
    Empty,
    /// Exactly one key below.
    Leaf(Digest, Digest),
    /// Two keys or more below: the hash of the page there.
    Page(Digest),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Page([Slot; SLOTS]);

/// A subtree as its parent sees it.
#[derive(Clone, Copy)]
enum Node {
    Empty,
    One(Digest, Digest),
    Many(Digest),
}

impl Node {
    fn hash(&self) -> Digest {
        match self {
            Self::Empty => Digest::ZERO,
            Self::One(key, value) => leaf_hash(key, value),
            Self::Many(hash) => *hash,
        }
    }

    fn above(left: Self, right: Self) -> Self {
        match (left, right) {
            (Self::Empty, Self::Empty) => Self::Empty,
            (one @ Self::One(..), Self::Empty) | (Self::Empty, one @ Self::One(..)) => one,
            _ => Self::Many(fork_hash(&left.hash(), &right.hash())),
        }
    }
}

impl Page {
    const EMPTY: Self = Self([Slot::Empty; SLOTS]);

    /// The subtree of the slots `first..first + width`, a power of two.
    fn node(&self, first: usize, width: usize) -> Node {
        if width > 1 {
            let half = width / 2;
            return Node::above(self.node(first, half), self.node(first + half, half));
        }
        match self.0[first] {
            Slot::Empty => Node::Empty,
            Slot::Leaf(key, value) => Node::One(key, value),
            Slot::Page(hash) => Node::Many(hash),
        }
    }

    fn root(&self) -> Node {
        self.node(0, SLOTS)
    }

    /// u16 which slots are taken ‖ u16 which of them are pages ‖ for each taken slot in order: hash
    /// of the page, or key and value; bit 15 of the numbers is slot 0.
    fn encode(&self) -> Vec<u8> {
        let (mut taken, mut pages) = (0_u16, 0_u16);
        let mut bytes = vec![0; 4];
        for (at, slot) in self.0.iter().enumerate() {
            let flag = 0x8000 >> at;
            match slot {
                Slot::Empty => continue,
                Slot::Leaf(key, value) => {
                    bytes.extend_from_slice(&key.0);
                    bytes.extend_from_slice(&value.0);
                }
                Slot::Page(hash) => {
                    pages |= flag;
                    bytes.extend_from_slice(&hash.0);
                }
            }
            taken |= flag;
        }
        bytes[..2].copy_from_slice(&taken.to_be_bytes());
        bytes[2..4].copy_from_slice(&pages.to_be_bytes());
        bytes
    }

    /// Reads what `encode` writes for the page at `path`, and nothing else.
    fn decode(path: &PagePath, bytes: &[u8]) -> Option<Self> {
        let (&[t0, t1, p0, p1], mut rest) = bytes.split_first_chunk()?;
        let (taken, pages) = (u16::from_be_bytes([t0, t1]), u16::from_be_bytes([p0, p1]));
        let mut page = Self::EMPTY;
        for at in 0..SLOTS {
            let flag = 0x8000 >> at;
            if taken & flag == 0 {
                continue;
            }
            let (first, after) = rest.split_first_chunk::<32>()?;
            rest = after;
            page.0[at] = if pages & flag != 0 {
                Slot::Page(Digest(*first))
            } else {
                let (value, after) = rest.split_first_chunk::<32>()?;
                rest = after;
                let key = Digest(*first);
                let here = super::common_bits(&key, &path.prefix) >= path.bits() && path.slot_of(&key) == at;
                here.then_some(Slot::Leaf(key, Digest(*value)))?
            };
        }
        // Below the root a page stands only where keys part, or above a page that does.
        let sound = path.nibbles == 0 || taken.count_ones() > 1 || pages != 0;
        (rest.is_empty() && pages & !taken == 0 && sound).then_some(page)
    }
}

#[derive(Debug)]
struct Held {
    page: Page,
    /// The mark of the update that changed it; 0 if it was only read.
    mark: u64,
}

/// The map, of which only pages that were used lately are in memory.
#[derive(Debug, Default)]
pub struct PagedMap {
    held: HashMap<PagePath, Held>,
    changed: Vec<PagePath>,
}

/// Changes of one subtree: sorted by key, each key once.
type Changes = [(Digest, Digest)];

impl PagedMap {
    /// A map whose pages are all with their keeper.
    pub fn new() -> Self {
        Self::default()
    }

    /// The root: zeros for the empty map.
    pub fn root<P: Pages>(&mut self, pages: &P) -> Result<Digest, P::Error> {
        Ok(self.load(pages, &PagePath::ROOT)?.unwrap_or(Page::EMPTY).root().hash())
    }

    /// Sets each key to its value, new or not; of several values for one key the last counts. The
    /// pages changed bear `mark`, which must not decrease from call to call and not be 0. After an
    /// error the map is as before.
    pub fn update<P: Pages>(
        &mut self,
        pages: &P,
        changes: &mut Vec<(Digest, Digest)>,
        mark: u64,
    ) -> Result<Digest, P::Error> {
        changes.reverse();
        changes.sort_by_key(|change| change.0);
        changes.dedup_by_key(|change| change.0);
        if changes.is_empty() {
            return self.root(pages);
        }
        let mut written = Vec::new();
        let root = self.merge(pages, PagePath::ROOT, None, changes, &mut written)?;
        for (path, page) in written {
            self.held.insert(path, Held { page, mark });
            self.changed.push(path);
        }
        Ok(root)
    }

    /// The pages that changed since the last call, each once, as rows for their keeper.
    pub fn take_changed(&mut self) -> Vec<(PagePath, Vec<u8>)> {
        let mut paths = std::mem::take(&mut self.changed);
        paths.sort_unstable();
        paths.dedup();
        let bytes = |path: PagePath| self.held.get(&path).map(|held| (path, held.page.encode()));
        paths.into_iter().filter_map(bytes).collect()
    }

    /// The keeper holds all pages of updates with this mark or a smaller one: they may be forgotten,
    /// and are when there are many.
    pub fn kept(&mut self, mark: u64) {
        if self.held.len() > CACHE_PAGES {
            // The upper pages lie on every path.
            let near = |path: &PagePath| path.nibbles <= 3;
            self.held.retain(|path, held| held.mark > mark || near(path));
        }
    }

    /// Proves the value of the key, or that the map does not hold it.
    pub fn prove<P: Pages>(&mut self, pages: &P, key: &Digest) -> Result<MapProof, P::Error> {
        let mut siblings = Vec::new();
        let mut path = PagePath::ROOT;
        let mut page = self.load(pages, &path)?.unwrap_or(Page::EMPTY);
        loop {
            let (mut first, mut width) = (0, SLOTS);
            loop {
                match page.node(first, width) {
                    Node::Empty => return Ok(MapProof { siblings, end: MapEnd::Empty }),
                    Node::One(key, value) => {
                        return Ok(MapProof { siblings, end: MapEnd::Leaf { key, value } });
                    }
                    Node::Many(_) if width == 1 => break,
                    Node::Many(_) => {}
                }
                width /= 2;
                let right = bit(key, siblings.len());
                let (own, other) = if right { (first + width, first) } else { (first, first + width) };
                siblings.push(page.node(other, width).hash());
                first = own;
            }
            path = path.child(first);
            page = self.below(pages, &path)?;
        }
    }

    /// Puts the changes, at least one, below `path`, where so far there is the page (its hash is
    /// known), or one key, or nothing; gives the hash there.
    fn merge<P: Pages>(
        &mut self,
        pages: &P,
        path: PagePath,
        lone: Option<(Digest, Digest)>,
        changes: &Changes,
        written: &mut Vec<(PagePath, Page)>,
    ) -> Result<Digest, P::Error> {
        let mut page = match lone {
            Some((key, value)) => {
                let mut page = Page::EMPTY;
                page.0[path.slot_of(&key)] = Slot::Leaf(key, value);
                page
            }
            None if path == PagePath::ROOT => self.load(pages, &path)?.unwrap_or(Page::EMPTY),
            None => self.below(pages, &path)?,
        };
        for group in changes.chunk_by(|a, b| path.slot_of(&a.0) == path.slot_of(&b.0)) {
            let slot = path.slot_of(&group[0].0);
            let child = path.child(slot);
            page.0[slot] = match (page.0[slot], group) {
                (Slot::Empty, [(key, value)]) => Slot::Leaf(*key, *value),
                (Slot::Leaf(known, _), [(key, value)]) if known == *key => Slot::Leaf(*key, *value),
                (Slot::Leaf(key, value), _) => {
                    Slot::Page(self.merge(pages, child, Some((key, value)), group, written)?)
                }
                (Slot::Empty, [first, rest @ ..]) => {
                    Slot::Page(self.merge(pages, child, Some(*first), rest, written)?)
                }
                (Slot::Page(_), _) => Slot::Page(self.merge(pages, child, None, group, written)?),
                (_, []) => continue,
            };
        }
        let hash = page.root().hash();
        written.push((path, page));
        Ok(hash)
    }

    /// A page that a page above names, so it must be there.
    fn below<P: Pages>(&mut self, pages: &P, path: &PagePath) -> Result<Page, P::Error> {
        self.load(pages, path)?.ok_or_else(|| pages.broken(path))
    }

    fn load<P: Pages>(&mut self, pages: &P, path: &PagePath) -> Result<Option<Page>, P::Error> {
        if let Some(held) = self.held.get(path) {
            return Ok(Some(held.page.clone()));
        }
        let Some(bytes) = pages.page(path)? else {
            return Ok(None);
        };
        let page = Page::decode(path, &bytes).ok_or_else(|| pages.broken(path))?;
        self.held.insert(*path, Held { page: page.clone(), mark: 0 });
        Ok(Some(page))
    }
}

#[cfg(test)]
mod tests;
