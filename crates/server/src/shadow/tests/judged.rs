//! What a shadow is found to be when it is opened.

use std::fs;

use super::{
    super::{Discard, Expected, Opening, Shadow},
    LEDGER, STEP_ENTRIES, VERSION, link_of, log_of, make, model, open, served, steps, to_go_on,
};
use lian_core::hash::Digest;

#[test]
fn what_was_written_is_there_after_reopening_and_says_how_far_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), 30);
    let Opening::Sound(shadow, binding) = open(folder.path(), 1_000) else {
        panic!("it is sound");
    };
    assert_eq!((binding.reached, binding.link), (90, link_of(89)));
    assert_eq!((binding.ledger, binding.version), (LEDGER, VERSION));
    assert_eq!(served(&shadow).unwrap(), model(&steps(30)));
}

#[test]
fn a_deleted_or_emptied_shadow_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let views = folder.path().join("views/sled");
    make(&views, 5);
    fs::remove_dir_all(&views).unwrap();
    assert!(matches!(open(&views, 15), Opening::Empty(_)), "deleted");
    fs::remove_dir_all(&views).unwrap();
    fs::create_dir(&views).unwrap();
    assert!(matches!(open(&views, 15), Opening::Empty(_)), "emptied");
}

#[test]
fn an_older_copy_is_found_to_be_older_and_catches_up() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), 12);
    let (shadow, reached) = to_go_on(open(folder.path(), 30 * STEP_ENTRIES));
    assert_eq!(reached, 12 * STEP_ENTRIES);
    assert_eq!(served(&shadow).unwrap(), model(&steps(12)));
    shadow.apply(&steps(30)).unwrap();
    assert_eq!(served(&shadow).unwrap(), model(&steps(30)));
}

#[test]
fn rows_of_another_ledger_version_or_past_are_discarded_and_named() {
    let fork = |index: u64| Ok(if index >= 20 { Digest([1; 32]) } else { link_of(index) });
    let found = |expected: &Expected<'_>| {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path(), 10);
        match Shadow::open(folder.path(), expected).unwrap() {
            Opening::Discarded(shadow, why) => {
                assert_eq!((shadow.reached(), served(&shadow).unwrap().len()), (0, 0), "nothing is left");
                shadow.apply(&steps(3)).unwrap();
                why
            }
            other => panic!("{other:?}"),
        }
    };
    let foreign = Expected { ledger: Digest([8; 32]), ..log_of(30) };
    let why = Discard::Ledger { found: LEDGER, wanted: Digest([8; 32]) };
    assert_eq!(found(&foreign), why);
    let why = Discard::Version { found: VERSION, wanted: 5 };
    assert_eq!(found(&Expected { version: 5, ..log_of(30) }), why);
    let why = Discard::Version { found: VERSION, wanted: 3 };
    assert_eq!(found(&Expected { version: 3, ..log_of(30) }), why);
    assert_eq!(found(&Expected { link: &fork, ..log_of(30) }), Discard::Link { size: 30 });
}

#[test]
fn a_shadow_ahead_of_its_log_is_told_and_kept_until_a_hand_discards_it() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), 10);
    for _ in 0..2 {
        let Opening::Ahead(binding) = open(folder.path(), 29) else {
            panic!("30 entries are more than 29");
        };
        assert_eq!((binding.reached, binding.link), (30, link_of(29)));
    }
    // Rows of another version are evidence all the same; rows of another ledger are none.
    let other = Expected { version: 5, ..log_of(29) };
    assert!(matches!(Shadow::open(folder.path(), &other).unwrap(), Opening::Ahead(_)));
    assert!(matches!(open(folder.path(), 30), Opening::Sound(..)), "nothing was discarded");
    Shadow::discard(folder.path()).unwrap();
    assert!(matches!(open(folder.path(), 29), Opening::Empty(_)));
}

#[test]
fn a_log_that_cannot_be_read_discards_nothing() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), 10);
    let silent = Expected { link: &|_| Err("the disk is gone".to_owned()), ..log_of(30) };
    assert!(Shadow::open(folder.path(), &silent).is_err());
    assert!(matches!(open(folder.path(), 30), Opening::Sound(..)));
}

#[test]
fn files_that_sled_does_not_know_are_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let views = folder.path().join("sled");
    fs::create_dir(&views).unwrap();
    fs::write(views.join("conf"), "not a word of sled").unwrap();
    fs::write(views.join("db"), [255; 5_000]).unwrap();
    assert!(matches!(open(&views, 15), Opening::Discarded(_, Discard::Unreadable(_))));
    drop(open(&views, 15));
    fs::remove_dir_all(&views).unwrap();
    fs::write(&views, "a file where the folder should be").unwrap();
    assert!(Shadow::open(&views, &log_of(15)).is_err(), "not ours: a person must look");
}
