//! Tiles against the examples of the C2SP text and against the tree that they hold.

use std::{cell::RefCell, collections::HashMap, convert::Infallible};

use super::*;
use crate::{
    hash::leaf_hash,
    merkle::{CompactRange, check_inclusion, prove_consistency, prove_inclusion, root_at},
};

type Tiles = HashMap<(u8, u64), Vec<u8>>;

/// Tiles built as a log builds them: every 8th level of what a growing range reports.
fn tiles_of(size: u64) -> (Tiles, CompactRange) {
    let mut tiles = Tiles::new();
    let mut range = CompactRange::new();
    for i in 0..size {
        range.push_with(leaf_hash(&i.to_be_bytes()), &mut |level, index, hash| {
            if level % 8 == 0 {
                let tile = TileId::for_node(level, index);
                let bytes = tiles.entry((tile.level, tile.index)).or_default();
                bytes.extend_from_slice(&hash.0);
            }
        });
    }
    (tiles, range)
}

fn tile(level: u8, index: u64, width: u16) -> TileId {
    TileId { level, index, width }
}

#[test]
fn the_paths_of_the_c2sp_text_are_written_and_read() {
    for (id, path) in [
        (tile(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (tile(0, 273, 112), "tile/0/273.p/112"),
        (tile(1, 1, 17), "tile/1/001.p/17"),
        (tile(2, 0, 1), "tile/2/000.p/1"),
        (tile(63, 1000, 255), "tile/63/x001/000.p/255"),
    ] {
        assert_eq!(id.path(), path);
        assert_eq!(TileId::parse(path), Some(id));
    }
    let bundle = BundleId { index: 1_234_067, width: 8 };
    assert_eq!(bundle.path(), "tile/entries/x001/x234/067.p/8");
    assert_eq!(BundleId::parse(&bundle.path()), Some(bundle));
}

#[test]
fn any_other_spelling_of_a_path_is_refused() {
    for path in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/00/000",
        "tile/+1/000",
        "tile/64/000",
        "tile/256/000",
        "tile/-1/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/X001/002",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/1.p/1",
        "tile/0/000.p",
        "tile/0/000 ",
        "tile/0/٠٠٠",
        "tile/0/../000",
        "tile/entries/000",
        "tile/0/x036/x028/x797/x018/x963/968",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(TileId::parse(path), None, "{path:?}");
    }
    assert!(TileId::parse("tile/0/x036/x028/x797/x018/x963/967").is_some());
    for path in ["tile/entries/0", "tile/entries/000.p/256", "tile/0/000"] {
        assert_eq!(BundleId::parse(path), None, "{path:?}");
    }
}

#[test]
fn a_tree_of_70000_leaves_has_the_tiles_of_the_c2sp_text() {
    assert_eq!((full_tiles(0, 70_000), partial_width(0, 70_000)), (273, 112));
    assert_eq!((full_tiles(1, 70_000), partial_width(1, 70_000)), (1, 17));
    assert_eq!((full_tiles(2, 70_000), partial_width(2, 70_000)), (0, 1));
    assert_eq!((full_tiles(3, 70_000), partial_width(3, 70_000)), (0, 0));

    let all: Vec<_> = tiles_at(70_000).collect();
    assert_eq!(all.len(), 274 + 2 + 1);
    assert_eq!(all[273], tile(0, 273, 112));
    assert_eq!(all[274..], [tile(1, 0, 256), tile(1, 1, 17), tile(2, 0, 1)]);
    assert_eq!(tiles_at(256).collect::<Vec<_>>(), [tile(0, 0, 256), tile(1, 0, 1)]);
    assert_eq!(tiles_at(0).count(), 0);
}

#[test]
fn no_level_and_no_size_overflows() {
    for level in [0, 7, 8, 31, 32, 63, 255] {
        for size in [0, 1, SIZE_MAX, u64::MAX] {
            for index in [0, INDEX_LIMIT, u64::MAX] {
                let _ = (full_tiles(level, size), partial_width(level, size));
                let tile = TileId::for_node(level, index);
                let _ = (tile.at(size), tile.path());
                let _ = node_from_tile(&[0; 8192], tile, level, index);
                let _ = BundleId::for_leaf(index).at(size);
            }
        }
    }
}

#[test]
fn proofs_made_from_tiles_are_those_made_from_the_tree() {
    let (tiles, range) = tiles_of(70_000);

    for size in [1, 2, 255, 256, 257, 511, 4_097, 65_535, 65_536, 65_537, 70_000] {
        let read = RefCell::new(0);
        let tree = TiledTree {
            size,
            fetch: |id: TileId| {
                *read.borrow_mut() += 1;
                let full = &tiles[&(id.level, id.index)];
                Ok::<_, Infallible>(full[..usize::from(id.width) * 32].to_vec())
            },
        };
        let root = root_at(size, &tree).unwrap();
        for index in [0, size / 3, size / 2, size - 1] {
            let proof = prove_inclusion(index, size, &tree).unwrap();
            let leaf = leaf_hash(&index.to_be_bytes());
            check_inclusion(index, size, &leaf, &proof, &root).unwrap();
            prove_consistency(index + 1, size, &tree).unwrap();
        }
        if size == 70_000 {
            assert_eq!(root, range.root());
        }
        assert!(*read.borrow() > 0);
    }
}

#[test]
fn a_tile_of_another_length_or_place_gives_no_node() {
    let (tiles, _) = tiles_of(300);
    let full = &tiles[&(0, 0)];
    let edge = &tiles[&(0, 1)];
    let id = tile(0, 0, 256);

    assert!(node_from_tile(full, id, 7, 1).is_some());
    assert!(node_from_tile(full, id, 8, 0).is_none(), "next level up");
    assert!(node_from_tile(full, id, 7, 2).is_none(), "next tile");
    assert!(node_from_tile(full, tile(0, 1, 256), 7, 1).is_none());
    assert!(node_from_tile(&full[..8191], id, 0, 0).is_none());
    assert!(node_from_tile(&[full.as_slice(), &[0]].concat(), id, 0, 0).is_none());
    assert!(node_from_tile(edge, tile(0, 1, 44), 0, 299).is_some());
    assert!(node_from_tile(edge, tile(0, 1, 44), 0, 300).is_none());
    assert!(node_from_tile(edge, tile(0, 1, 44), 3, 37).is_none());
    assert!(node_from_tile(edge, tile(0, 1, 256), 0, 299).is_none());
}

#[test]
fn a_bundle_gives_back_its_leaves() {
    let leaves = [vec![], vec![7], vec![1; LEAF_BYTES_MAX]];

    let bytes = encode_bundle(&leaves).unwrap();

    assert_eq!(bytes[..5], [0, 0, 0, 1, 7]);
    assert_eq!(decode_bundle(&bytes, 3).unwrap(), leaves);
}

#[test]
fn a_bundle_that_is_cut_overlong_or_of_another_width_is_refused() {
    let bytes = encode_bundle(&[b"one", b"two"]).unwrap();

    assert_eq!(decode_bundle(&bytes[..9], 2), Err(BundleError::Short { place: 1, bytes: 9 }));
    assert_eq!(decode_bundle(&bytes, 3), Err(BundleError::Short { place: 2, bytes: 10 }));
    assert_eq!(decode_bundle(&bytes, 1), Err(BundleError::Trailing { bytes: 5 }));
    assert_eq!(decode_bundle(&[], 0), Err(BundleError::Width { leaves: 0 }));
    assert_eq!(decode_bundle(&[0; 514], 257), Err(BundleError::Width { leaves: 257 }));
    assert_eq!(
        encode_bundle(&[vec![0; LEAF_BYTES_MAX + 1]]),
        Err(BundleError::LeafTooLong { place: 0, bytes: 65_536 })
    );
    assert!(encode_bundle::<&[u8]>(&[]).is_err());
}
