//! Hash tiles and the published checkpoint: shadows of the log in the layout of C2SP tlog-tiles.
//! Invariant: a tile file is full, written whole and never before its entries are committed; the
//! checkpoint file never names more than the tile files beside it can prove.
//! Limits: partial tiles are in memory only (256 hashes a level); full tiles wait in memory for
//! the publisher, at most 32 MiB of them. Delete any of it and lose time, never facts.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lian_core::{
    hash::{Digest, leaf_hash, node_hash},
    merkle,
    tile::{BundleId, TILE_WIDTH, TileId, TiledTree, encode_bundle, tiles_at},
};

use crate::{
    disk::{Disk, DiskError, OpenMode, read_up_to, write_all_at},
    reader::Reader,
    segment::ReadError,
};

/// The published checkpoint.
pub const CHECKPOINT_PATH: &str = "checkpoint";
/// Full tiles that may wait for the publisher; beyond it the writer refuses batches.
pub const WAITING_TILES_MAX: usize = 4096;

const CHECKPOINT_TEMPORARY_PATH: &str = "checkpoint.tmp";
const CHECKPOINT_BYTES_MAX: usize = 64 << 10;
/// Full tiles kept after they were read from a file: 8 MiB.
const CACHED_TILES_MAX: usize = 1024;
/// Full tiles above which all nodes are kept: 2 MiB.
const INNER_TILES_MAX: usize = 256;
const HASH_BYTES: usize = 32;
const TILE_BYTES: usize = TILE_WIDTH as usize * HASH_BYTES;

/// The bytes of one tile.
pub type TileBytes = Arc<[u8]>;

/// The tree's hashes: full tiles in files, the rest in memory.
#[derive(Debug)]
pub(crate) struct Tiles {
    disk: Arc<dyn Disk>,
    edge: Mutex<Edge>,
    cache: Mutex<VecDeque<(TileId, TileBytes)>>,
    /// The nodes above full tiles, those of the tile used last first.
    inner: Mutex<VecDeque<(TileId, Arc<[Digest]>)>>,
    /// Held while files are written, so that two publishers do not write one file.
    writing: Mutex<()>,
}

/// What is not in files yet.
#[derive(Debug, Default, Clone)]
struct Edge {
    /// The bytes of one partial tile for each level, from the leaves upwards.
    partial: Vec<Vec<u8>>,
    /// Full tiles of each level so far.
    full: Vec<u64>,
    waiting: BTreeMap<TileId, TileBytes>,
}

impl Tiles {
    /// The tiles of the empty tree.
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        let (edge, cache, inner) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { disk, edge, cache, inner, writing: Mutex::default() }
    }

    /// Takes up at a multiple of 256 entries whose tiles are all in files.
    pub(crate) fn load(disk: Arc<dyn Disk>, size: u64) -> Result<Self, ReadError> {
        let tiles = Self::new(disk);
        let mut edge = Edge::default();
        let mut nodes = size;
        for level in 0.. {
            let full = nodes / u64::from(TILE_WIDTH);
            let mut partial = Vec::new();
            // The hashes of a partial tile are the roots of the full tiles below it.
            for index in full * u64::from(TILE_WIDTH)..nodes {
                let below = TileId { level: level - 1, index, width: TILE_WIDTH };
                partial.extend_from_slice(&root_of(&tiles.read_file(below)?).0);
            }
            edge.partial.push(partial);
            edge.full.push(full);
            nodes = full;
            if nodes == 0 {
                break;
            }
        }
        *lock(&tiles.edge) = edge;
        Ok(tiles)
    }

    /// Adds leaf hashes of committed entries.
    pub(crate) fn extend(&self, leaf_hashes: &[Digest]) {
        let mut edge = lock(&self.edge);
        for hash in leaf_hashes {
            edge.push(*hash);
        }
    }

    /// Full tiles that are not in files yet.
    pub(crate) fn waiting_count(&self) -> usize {
        lock(&self.edge).waiting.len()
    }

    /// The bytes of a tile, full or partial.
    pub(crate) fn read(&self, tile: TileId) -> Result<TileBytes, ReadError> {
        let full = TileId { width: TILE_WIDTH, ..tile };
        if let Some(bytes) = lock(&self.edge).find(tile) {
            return Ok(bytes);
        }
        if let Some((_, bytes)) = lock(&self.cache).iter().find(|(cached, _)| *cached == full) {
            return Ok(cut(bytes, tile.width));
        }
        let bytes = self.read_file(full)?;
        let mut cache = lock(&self.cache);
        cache.truncate(CACHED_TILES_MAX - 1);
        cache.push_front((full, Arc::clone(&bytes)));
        Ok(cut(&bytes, tile.width))
    }

    /// The node `above` levels over the lowest of a full tile, 1 to 7; `index` counts all nodes of
    /// that level of the tree.
    pub(crate) fn inner_node(&self, tile: TileId, above: u8, index: u64) -> Result<Digest, ReadError> {
        let width = usize::from(TILE_WIDTH) >> above;
        let within = usize::try_from(index % width as u64).expect("less than 128");
        // 128 nodes of the first level, then 64 of the second, and so on.
        let at = usize::from(TILE_WIDTH) - 2 * width + within;
        {
            let mut inner = lock(&self.inner);
            if let Some(found) = inner.iter().position(|(kept, _)| *kept == tile) {
                let kept = inner.remove(found).expect("the position was just found");
                let node = kept.1[at];
                inner.push_front(kept);
                return Ok(node);
            }
        }
        let nodes = nodes_above(&self.read(tile)?);
        let node = nodes[at];
        let mut inner = lock(&self.inner);
        inner.truncate(INNER_TILES_MAX - 1);
        inner.push_front((tile, nodes));
        Ok(node)
    }

    fn read_file(&self, tile: TileId) -> Result<TileBytes, ReadError> {
        let path = tile.path();
        let file = match self.disk.open(&path, OpenMode::Read) {
            Err(error) if error.is_not_found() => return Err(ReadError::Tile(path)),
            file => file?,
        };
        let mut bytes = vec![0; TILE_BYTES + 1];
        if read_up_to(&*file, 0, &mut bytes)? != TILE_BYTES {
            return Err(ReadError::Tile(path));
        }
        bytes.truncate(TILE_BYTES);
        Ok(bytes.into())
    }

    /// Whether the right edge of the tree, as these tiles have it, leads to the signed root.
    fn leads_to(&self, root: &Digest, size: u64) -> bool {
        let tree = TiledTree { size, fetch: |tile| self.read(tile) };
        merkle::root_at(size, &tree).is_ok_and(|found| found == *root)
    }

    /// Writes the waiting full tiles to files, each whole and synced before it has its name.
    pub(crate) fn write_waiting(&self) -> Result<(), DiskError> {
        let _writing = lock(&self.writing);
        self.write_waiting_locked()
    }

    fn write_waiting_locked(&self) -> Result<(), DiskError> {
        let waiting: Vec<(TileId, TileBytes)> =
            lock(&self.edge).waiting.iter().map(|(tile, bytes)| (*tile, Arc::clone(bytes))).collect();
        let mut folders = BTreeSet::new();
        for (tile, bytes) in &waiting {
            write_whole(&*self.disk, &tile.path(), bytes, &mut folders)?;
        }
        sync_folders(&*self.disk, &folders)?;
        let mut edge = lock(&self.edge);
        for (tile, _) in &waiting {
            edge.waiting.remove(tile);
        }
        Ok(())
    }

    /// Publishes a committed checkpoint: tiles first, then the note under its name.
    pub(crate) fn publish(&self, note: &[u8]) -> Result<(), DiskError> {
        let _writing = lock(&self.writing);
        self.write_waiting_locked()?;
        let file = self.disk.open(CHECKPOINT_TEMPORARY_PATH, OpenMode::Replace)?;
        write_all_at(&*file, 0, note)?;
        file.sync()?;
        self.disk.rename(CHECKPOINT_TEMPORARY_PATH, CHECKPOINT_PATH)?;
        self.disk.sync_dir("")
    }
}

impl Edge {
    fn push(&mut self, leaf_hash: Digest) {
        let mut hash = leaf_hash;
        for level in 0_u8.. {
            let at = usize::from(level);
            if self.partial.len() == at {
                self.partial.push(Vec::new());
                self.full.push(0);
            }
            self.partial[at].extend_from_slice(&hash.0);
            if self.partial[at].len() < TILE_BYTES {
                return;
            }
            let bytes = TileBytes::from(std::mem::take(&mut self.partial[at]));
            let tile = TileId { level, index: self.full[at], width: TILE_WIDTH };
            self.full[at] += 1;
            hash = root_of(&bytes);
            self.waiting.insert(tile, bytes);
        }
    }

    /// The bytes of a tile that is in memory, or none.
    fn find(&self, tile: TileId) -> Option<TileBytes> {
        if let Some(bytes) = self.waiting.get(&TileId { width: TILE_WIDTH, ..tile }) {
            return Some(cut(bytes, tile.width));
        }
        let at = usize::from(tile.level);
        if *self.full.get(at)? != tile.index {
            return None;
        }
        Some(self.partial[at].get(..usize::from(tile.width) * HASH_BYTES)?.into())
    }
}

/// The note of the published checkpoint; none if there is none.
pub(crate) fn published_note(disk: &dyn Disk) -> Result<Option<Vec<u8>>, DiskError> {
    let file = match disk.open(CHECKPOINT_PATH, OpenMode::Read) {
        Err(error) if error.is_not_found() => return Ok(None),
        file => file?,
    };
    let mut note = vec![0; CHECKPOINT_BYTES_MAX];
    let count = read_up_to(&*file, 0, &mut note)?;
    note.truncate(count);
    Ok(Some(note))
}

/// The smallest size that the tile files beyond a log of `size` entries name, if there are any.
/// Files of tiles are contiguous, but a few names may be lost, so a short stretch is looked at.
pub(crate) fn size_beyond(disk: &dyn Disk, size: u64) -> Result<Option<u64>, DiskError> {
    const STRETCH: u64 = 64;
    let width = u64::from(TILE_WIDTH);
    for index in size / width..size / width + STRETCH {
        let tile = TileId { level: 0, index, width: TILE_WIDTH };
        if disk.exists(&tile.path())? {
            return Ok(Some((index + 1) * width));
        }
    }
    Ok(None)
}

/// Most entries whose tiles are made again in memory, before anything may be written.
const LOAD_ENTRIES_MAX: u64 = WAITING_TILES_MAX as u64 * TILE_WIDTH as u64;

/// Gives a reader its hash tiles from the files below a published size and the entries above it.
/// If they are not all there, or do not lead to the signed root, the reader gets none.
pub(crate) fn load(reader: &Reader, published: u64) -> Result<(), DiskError> {
    let size = reader.head().size();
    let base = published.min(size) & !(u64::from(TILE_WIDTH) - 1);
    if size - base > LOAD_ENTRIES_MAX {
        return Ok(());
    }
    let loaded = Tiles::load(Arc::clone(reader.disk()), base).and_then(|tiles| {
        extend_from(reader, &tiles, base, false)?;
        Ok(tiles)
    });
    match loaded {
        Ok(tiles) => {
            if tiles.leads_to(&reader.head().tip().range().root(), size) {
                reader.set_tiles(tiles);
            }
            Ok(())
        }
        Err(ReadError::Disk(error)) => Err(error),
        Err(_) => Ok(()),
    }
}

/// Makes all hash tiles again from the entries.
pub(crate) fn rebuild(reader: &Reader) -> Result<(), ReadError> {
    let tiles = Tiles::new(Arc::clone(reader.disk()));
    extend_from(reader, &tiles, 0, true)?;
    reader.set_tiles(tiles);
    Ok(())
}

fn extend_from(reader: &Reader, tiles: &Tiles, base: u64, write: bool) -> Result<(), ReadError> {
    let mut hashes = Vec::with_capacity(usize::from(TILE_WIDTH));
    for entry in reader.entries(base..u64::MAX)? {
        hashes.push(leaf_hash(&entry?.leaf));
        if hashes.len() == usize::from(TILE_WIDTH) {
            tiles.extend(&hashes);
            hashes.clear();
        }
        if write && tiles.waiting_count() > WAITING_TILES_MAX {
            tiles.write_waiting()?;
        }
    }
    tiles.extend(&hashes);
    Ok(())
}

/// Writes everything a stranger needs to check the first `size` entries into another folder:
/// all hash tiles and entry bundles, partial ones too, and the checkpoint.
pub fn export(reader: &Reader, target: &dyn Disk) -> Result<u64, ReadError> {
    let head = reader.head();
    let size = head.size();
    let mut folders = BTreeSet::new();
    for tile in tiles_at(size) {
        write_whole(target, &tile.path(), &reader.tile(tile)?, &mut folders)?;
    }
    let mut entries = reader.entries(0..size)?;
    for index in 0..size.div_ceil(u64::from(TILE_WIDTH)) {
        let full = BundleId { index, width: TILE_WIDTH };
        let bundle = full.at(size).expect("the range ends at the last bundle");
        let leaves = entries.by_ref().take(usize::from(bundle.width));
        let leaves: Vec<Vec<u8>> = leaves.map(|entry| Ok(entry?.leaf)).collect::<Result<_, ReadError>>()?;
        let bytes = encode_bundle(&leaves).expect("entry frames hold only leaves that fit");
        write_whole(target, &bundle.path(), &bytes, &mut folders)?;
    }
    sync_folders(target, &folders)?;
    let mut root = BTreeSet::new();
    write_whole(target, CHECKPOINT_PATH, head.note(), &mut root)?;
    target.sync_dir("")?;
    Ok(size)
}

/// Writes a file under another name, syncs it, and gives it its name. Notes every folder whose
/// names changed.
fn write_whole(
    disk: &dyn Disk,
    path: &str,
    bytes: &[u8],
    folders: &mut BTreeSet<String>,
) -> Result<(), DiskError> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if !folder.is_empty() && !folders.contains(folder) {
        for (at, _) in folder.match_indices('/').chain([(folder.len(), "")]) {
            disk.create_dir(&folder[..at])?;
            let parent = folder[..at].rsplit_once('/').map_or("", |(parent, _)| parent);
            folders.insert(parent.to_owned());
        }
        folders.insert(folder.to_owned());
    }
    let temporary = format!("{path}.tmp");
    let file = disk.open(&temporary, OpenMode::Replace)?;
    write_all_at(&*file, 0, bytes)?;
    file.sync()?;
    disk.rename(&temporary, path)
}

/// Deepest first, so that a name is durable before the way to it; either order would do.
fn sync_folders(disk: &dyn Disk, folders: &BTreeSet<String>) -> Result<(), DiskError> {
    folders.iter().rev().try_for_each(|folder| disk.sync_dir(folder))
}

fn cut(bytes: &TileBytes, width: u16) -> TileBytes {
    match bytes.get(..usize::from(width) * HASH_BYTES) {
        Some(part) if part.len() < bytes.len() => part.into(),
        _ => Arc::clone(bytes),
    }
}

/// The root of a full tile.
fn root_of(bytes: &[u8]) -> Digest {
    nodes_above(bytes)[usize::from(TILE_WIDTH) - 2]
}

/// The 255 nodes above the lowest level of a full tile, level by level upwards, the root last.
fn nodes_above(bytes: &[u8]) -> Arc<[Digest]> {
    let hash = |bytes: &[u8]| Digest(bytes.try_into().expect("32 bytes"));
    let pairs = bytes.chunks_exact(2 * HASH_BYTES).map(|pair| pair.split_at(HASH_BYTES));
    let mut nodes = Vec::with_capacity(usize::from(TILE_WIDTH));
    nodes.extend(pairs.map(|(left, right)| node_hash(&hash(left), &hash(right))));
    for at in 0..usize::from(TILE_WIDTH) / 2 - 1 {
        nodes.push(node_hash(&nodes[2 * at], &nodes[2 * at + 1]));
    }
    nodes.into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use lian_core::tile::decode_bundle;

    use super::*;
    use crate::{
        disk::{Rng, SimDisk},
        fixture::{append, check_log, fresh, start, verifier},
    };

    fn bytes_of(hashes: &[Digest]) -> Vec<u8> {
        hashes.iter().flat_map(|hash| hash.0).collect()
    }

    /// What a stranger checks: every full tile below the published size, and the checkpoint.
    fn check_published(sim: &SimDisk, reader: &Reader) -> u64 {
        let Some(note) = sim.bytes_of(CHECKPOINT_PATH) else { return 0 };
        let published = verifier().open(&note).expect("a published checkpoint is whole");
        assert_eq!(reader.root_at(published.size).unwrap(), published.root);
        for tile in tiles_at(published.size).filter(|tile| tile.width == TILE_WIDTH) {
            assert_eq!(sim.bytes_of(&tile.path()).unwrap(), *reader.tile(tile).unwrap(), "{}", tile.path());
        }
        published.size
    }

    #[test]
    fn published_checkpoint_and_its_tiles_are_whole_after_every_crash() {
        let (sim, mut store) = fresh(1);
        append(&mut store, 300, 20);
        store.reader().publish().unwrap();
        sim.keep_history();
        append(&mut store, 400, 20);
        let published_again_at = sim.moment_count();
        store.reader().publish().unwrap();
        append(&mut store, 1, 20);
        let mut rng = Rng::new(11);
        for moment in published_again_at - 1..sim.moment_count() {
            for _ in 0..8 {
                let wreck = sim.moment(moment).unwrap().power_loss(&mut rng);
                let store = start(&(Arc::new(wreck.clone()) as Arc<dyn Disk>), &verifier()).store;

                assert!(check_log(store.reader()) >= 700, "moment {moment}");
                let published = check_published(&wreck, store.reader());
                assert!([300, 700].contains(&published), "moment {moment}: {published}");
            }
        }
        let end = sim.power_loss_keeping(|_| false);
        assert_eq!(check_published(&end, store.reader()), 700, "publishing returned, so it is durable");
    }

    #[test]
    fn tile_file_holds_the_leaf_hashes_of_its_entries_and_the_level_above_their_root() {
        let (sim, mut store) = fresh(1);
        append(&mut store, 600, 20);
        store.reader().publish().unwrap();

        let entries = store.reader().entries(256..512).unwrap();
        let hashes: Vec<Digest> = entries.map(|entry| leaf_hash(&entry.unwrap().leaf)).collect();

        let file = sim.bytes_of("tile/0/001").unwrap();
        assert_eq!(file, bytes_of(&hashes));
        let above = store.reader().tile(TileId { level: 1, index: 0, width: 2 }).unwrap();
        assert_eq!(above[HASH_BYTES..], root_of(&file).0);
        assert_eq!(sim.list("tile/0").unwrap(), ["000", "001"], "only full tiles are files");
        assert!(sim.list("tile/1").unwrap().is_empty());
    }

    #[test]
    fn tiles_wider_than_the_log_are_refused_and_narrower_ones_are_cut() {
        let (_, mut store) = fresh(1);
        append(&mut store, 300, 20);
        let tile = |index, width| store.reader().tile(TileId { level: 0, index, width });

        assert_eq!(tile(1, 44).unwrap().len(), 44 * HASH_BYTES);
        assert_eq!(tile(1, 7).unwrap().len(), 7 * HASH_BYTES);
        assert_eq!(tile(0, 7).unwrap()[..], tile(0, 256).unwrap()[..7 * HASH_BYTES]);
        assert!(tile(1, 45).is_err());
        assert!(tile(2, 1).is_err());
    }

    #[test]
    fn export_holds_every_tile_every_leaf_and_the_checkpoint() {
        let (_, mut store) = fresh(1);
        append(&mut store, 300, 20);
        append(&mut store, 250, 20);
        let target = SimDisk::new(2);

        assert_eq!(export(store.reader(), &target).unwrap(), 550);

        let target = target.power_loss_keeping(|_| false);
        let note = target.bytes_of(CHECKPOINT_PATH).unwrap();
        let checkpoint = verifier().open(&note).unwrap();
        let fetch = |tile: TileId| target.bytes_of(&tile.path()).ok_or(());
        assert_eq!(merkle::root_at(550, &TiledTree { size: 550, fetch }), Ok(checkpoint.root));
        for (index, width) in [(0, 256), (1, 256), (2, 38)] {
            let bundle = target.bytes_of(&BundleId { index, width }.path()).unwrap();
            let tile = target.bytes_of(&TileId { level: 0, index, width }.path()).unwrap();
            let leaves = decode_bundle(&bundle, width).unwrap();
            let hashes: Vec<Digest> = leaves.into_iter().map(leaf_hash).collect();
            assert_eq!(tile, bytes_of(&hashes));
        }
    }
}
