//! The second reader, `sdk/python/lian_reader.py`, written from SPEC.md alone, must find in the golden
//! ledger what every program of this house finds, and nothing in a damaged one.
//!
//! It needs a python3 that can import `nacl` and `blake3` (`sdk/python/requirements.txt`): the one that
//! `LIAN_PYTHON` names, else `python3`. Without one this is a skip that is said; with `LIAN_CI=1` it fails.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const GOLDEN: &str = "ledger-data/golden/engine-1";
const EXPECTED: &str = "ledger-data/golden/engine-1.expected.json";
const SEGMENT: &str = "segments/000000.seg";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Python that has what the reader needs.
fn python() -> Option<String> {
    let name = env::var("LIAN_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let fits = Command::new(&name)
        .args(["-c", "import nacl.bindings, blake3"])
        .output()
        .is_ok_and(|output| output.status.success());
    if fits {
        return Some(name);
    }
    assert!(
        env::var("LIAN_CI").as_deref() != Ok("1"),
        "{name} cannot import nacl and blake3: install sdk/python/requirements.txt and set LIAN_PYTHON"
    );
    println!("skipped: {name} cannot import nacl and blake3 (sdk/python/requirements.txt)");
    None
}

fn read(python: &str, ledger: &Path) -> Output {
    Command::new(python)
        .arg(root().join("sdk/python/lian_reader.py"))
        .arg(ledger)
        .arg("--expect")
        .arg(root().join(EXPECTED))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap()
}

fn copy_of_golden(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(folder.join("segments")).unwrap();
    for file in ["checkpoint", SEGMENT] {
        fs::copy(root().join(GOLDEN).join(file), folder.join(file)).unwrap();
    }
    folder
}

#[test]
fn the_second_reader_finds_the_same() {
    let Some(python) = python() else { return };

    let output = read(&python, &root().join(GOLDEN));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("PASS expect streams"), "{said}");

    let damaged = copy_of_golden("second_reader_damaged");
    let mut bytes = fs::read(damaged.join(SEGMENT)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(damaged.join(SEGMENT), bytes).unwrap();
    let output = read(&python, &damaged);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("FAIL "), "{said}");
}
