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
    ("cli", &["core", "domain", "store", "verify", "server", "client"]),
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
        assert!(used.is_subset(&allowed), "{name} uses {used:?}, may use {allowed:?}");
    }
}

#[test]
fn every_file_of_tests_is_part_of_the_one_program() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let house = fs::read_to_string(tests.join("house.rs")).unwrap();
    for entry in fs::read_dir(&tests).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(subject) = name.strip_suffix(".rs").filter(|name| *name != "house") else { continue };
        assert!(house.lines().any(|line| line == format!("mod {subject};")), "{name} is never run");
    }
}

/// A function fits a screen. The ones that were longer when the rule came may shrink, not grow.
const FUNCTION_LINES_MAX: usize = 70;
const LONGER: &[(&str, usize)] = &[("coverage", 78)];
/// A file is one room.
const FILE_LINES_MAX: usize = 900;

fn sources() -> Vec<(std::path::PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("crates")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    assert!(files.len() > 50, "the house has more files than {}", files.len());
    files
}

/// Name and number of lines of each function with a body, by the indentation of its braces.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        let code = ["pub(crate) ", "pub(super) ", "pub ", "const "]
            .iter()
            .fold(code, |code, word| code.strip_prefix(word).unwrap_or(code));
        let Some(name) = code.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next()) else {
            continue;
        };
        let close = format!("{indent}}}");
        let body = lines[start..]
            .iter()
            .take_while(|line| !line.trim_end().ends_with(';'))
            .any(|line| line.ends_with('{'));
        let end = lines[start..].iter().position(|line| line.trim_end() == close);
        if let (true, Some(end)) = (body, end) {
            found.push((name.to_owned(), end + 1));
        }
    }
    found
}

#[test]
fn functions_fit_a_screen_and_files_are_one_room() {
    for (path, text) in sources() {
        let is_test = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
        if is_test {
            continue;
        }
        assert!(
            text.lines().count() <= FILE_LINES_MAX,
            "{} has {} lines",
            path.display(),
            text.lines().count()
        );
        for (name, lines) in functions(text.split("#[cfg(test)]").next().unwrap_or_default()) {
            let most =
                LONGER.iter().find(|(known, _)| *known == name).map_or(FUNCTION_LINES_MAX, |(_, most)| *most);
            assert!(lines <= most, "{}: fn {name} has {lines} lines", path.display());
        }
    }
}

#[test]
fn every_crate_keeps_the_lints_of_the_house_and_nothing_is_left_to_do() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    for (name, _) in MAY_USE {
        let manifest = fs::read_to_string(crates.join(name).join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name}");
    }
    // Spelled in halves, so that this file does not find itself.
    let banned = [["to", "do!("], ["unimple", "mented!("], ["FIX", "ME"], ["#[ig", "nore"]]
        .map(|halves| halves.concat());
    for (path, text) in sources() {
        for word in &banned {
            assert!(!text.contains(word), "{} holds {word}", path.display());
        }
        if path.ends_with("lib.rs") || path.ends_with("main.rs") {
            assert!(text.starts_with("//!"), "{} says what is here and what is not", path.display());
        }
    }
}
