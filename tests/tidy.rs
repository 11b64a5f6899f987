//! The house rules that a compiler does not check: which crate may use which.

use std::{collections::BTreeSet, fs, path::Path};

/// Crate, and the crates of this house that it may use (dev-dependencies included).
/// Dependencies point down only; the verifier never links the writer.
const MAY_USE: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("domain", &["core"]),
    ("store", &["core"]),
    ("verify", &["core", "domain"]),
    ("server", &["core", "domain", "store"]),
    ("client", &["core", "domain"]),
    (
        "cli",
        &["core", "domain", "store", "verify", "server", "client"],
    ),
];

fn house_crates_named_in(manifest: &str) -> BTreeSet<String> {
    manifest
        .lines()
        .filter_map(|line| line.strip_prefix("lian-"))
        .filter_map(|rest| rest.split(['.', ' ', '=']).next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_crate_uses_only_the_crates_below_it() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let on_disk: BTreeSet<String> = fs::read_dir(&crates)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let in_table: BTreeSet<String> = MAY_USE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(on_disk, in_table, "the table names every crate, once");

    for (name, allowed) in MAY_USE {
        let manifest = fs::read_to_string(crates.join(name).join("Cargo.toml")).unwrap();
        let used = house_crates_named_in(&manifest);
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        assert!(
            used.is_subset(&allowed),
            "{name} uses {used:?}, may use {allowed:?}"
        );
    }
}
