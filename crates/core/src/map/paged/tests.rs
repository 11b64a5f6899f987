//! The map in pages against the map in memory.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    hash::sha256,
    map::{EpochMap, check_map},
};

/// A keeper in memory, which can lose or spoil a page.
#[derive(Default)]
struct Shelf(BTreeMap<PagePath, Vec<u8>>);

#[derive(Debug, PartialEq)]
struct Broken(PagePath);

impl Pages for Shelf {
    type Error = Broken;

    fn page(&self, path: &PagePath) -> Result<Option<Vec<u8>>, Broken> {
        Ok(self.0.get(path).cloned())
    }

    fn broken(&self, path: &PagePath) -> Broken {
        Broken(*path)
    }
}

/// Keys that share many leading bits as well as none.
fn key(number: u64) -> Digest {
    let mut key = sha256(&[&(number / 4).to_be_bytes()]);
    key.0[31] = key.0[31] & 0xfc | u8::try_from(number % 4).unwrap();
    if number.is_multiple_of(3) {
        key.0[..3].fill(0xab);
    }
    key
}

fn value(number: u64) -> Digest {
    sha256(&[b"value", &number.to_be_bytes()])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_give_the_roots_and_proofs_of_the_map_in_memory(
        batches in prop::collection::vec(prop::collection::vec((0_u64..400, 0_u64..1_000), 1..60), 1..8),
        forget in any::<bool>(),
    ) {
        let (mut whole, mut paged, mut shelf) = (EpochMap::new(), PagedMap::new(), Shelf::default());
        for (mark, batch) in (1..).zip(batches) {
            let mut changes: Vec<_> = batch.iter().map(|(k, v)| (key(*k), value(*v))).collect();
            whole.update(&mut changes.clone());
            let root = paged.update(&shelf, &mut changes, mark).unwrap();
            prop_assert_eq!(root, whole.root());
            for (path, bytes) in paged.take_changed() {
                prop_assert_eq!(Page::decode(&path, &bytes).unwrap().encode(), bytes.clone());
                shelf.0.insert(path, bytes);
            }
            if forget {
                paged = PagedMap::new();
            }
            for asked in (0..420).step_by(7).map(key) {
                let proof = paged.prove(&shelf, &asked).unwrap();
                prop_assert_eq!(&proof, &whole.prove(&asked));
                prop_assert!(check_map(&root, &asked, whole.get(&asked).as_ref(), &proof).is_ok());
            }
        }
    }
}

fn filled(keys: u64) -> (PagedMap, Shelf) {
    let (mut paged, mut shelf) = (PagedMap::new(), Shelf::default());
    let mut changes = (0..keys).map(|number| (key(number), value(number))).collect();
    paged.update(&shelf, &mut changes, 1).unwrap();
    shelf.0.extend(paged.take_changed());
    (paged, shelf)
}

#[test]
fn a_page_that_is_missing_is_an_error_and_never_an_empty_subtree() {
    let (_, shelf) = filled(300);
    let lost = *shelf.0.keys().find(|path| path.nibbles == 2).unwrap();
    let mut without = Shelf(shelf.0.clone());
    without.0.remove(&lost);
    let below = (0..300).map(key).find(|key| crate::map::common_bits(key, &lost.prefix) >= 8).unwrap();
    let mut map = PagedMap::new();
    assert_eq!(map.prove(&without, &below), Err(Broken(lost)));
    let mut change = vec![(below, value(9))];
    assert_eq!(map.update(&without, &mut change, 2), Err(Broken(lost)));
    assert_eq!(map.root(&shelf), PagedMap::new().root(&shelf), "an error changes nothing");
    assert!(map.take_changed().is_empty());
}

#[test]
fn a_page_that_cannot_stand_where_it_was_found_is_refused() {
    let (_, shelf) = filled(300);
    for (path, bytes) in &shelf.0 {
        assert_eq!(Page::decode(path, &bytes[..bytes.len() - 1]), None, "cut");
        assert_eq!(Page::decode(path, &[&bytes[..], &[0]].concat()), None, "longer");
        let mut flags = bytes.clone();
        flags[0] ^= 0x80;
        assert_ne!(Page::decode(path, &flags).map(|page| page.encode()), Some(bytes.clone()));
        if bytes[..2] != bytes[2..4] {
            // A leaf under another path is another page's.
            let other = PagePath { nibbles: path.nibbles, ..PagePath::ROOT }.child(5);
            if path.nibbles > 0 && other != *path {
                assert_eq!(Page::decode(&other, bytes), None, "{path:?} as {other:?}");
            }
        }
    }
    let lone = Page::decode(&PagePath::ROOT.child(1), &[0; 4]);
    assert_eq!(lone, None, "an empty page below the root");
}

#[test]
fn changed_pages_are_given_once_and_stay_until_they_are_kept() {
    let (mut paged, shelf) = filled(300);
    assert!(paged.take_changed().is_empty());
    let empty = Shelf::default();
    assert_eq!(paged.root(&empty), paged.root(&shelf), "not kept yet, so still in memory");
    let mut change = vec![(key(1), value(7)), (key(1), value(8))];
    paged.update(&shelf, &mut change, 2).unwrap();
    let rows = paged.take_changed();
    assert!(!rows.is_empty() && rows.len() <= 64, "the path of one key");
    assert!(rows.windows(2).all(|pair| pair[0].0 < pair[1].0), "each once");
}
