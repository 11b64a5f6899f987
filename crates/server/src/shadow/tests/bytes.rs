//! Every byte of every file of sled, changed: found, or harmless.
//! `LIAN_DEPTH`: `quick` (default) some 40 places a file, `ci` 400, `deep` all.

use std::{
    collections::BTreeMap,
    env, fs, panic,
    path::{Path, PathBuf},
};

use lian_store::disk::Rng;

use super::{
    super::{KeptRow, Opening, ScrubStop, Scrubbed},
    STEP_ENTRIES, make, model, open, served, steps, to_go_on,
};

const STEPS: u64 = 60;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    let _absent = fs::remove_dir_all(to);
    fs::create_dir_all(to.join("blobs")).unwrap();
    for file in files(from) {
        fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

fn places(length: usize, rng: &mut Rng) -> Vec<usize> {
    let count = match env::var("LIAN_DEPTH").as_deref() {
        Ok("deep") => return (0..length).collect(),
        Ok("ci") => 400,
        _ => 40,
    };
    let spread = (0..count).map(|_| usize::try_from(rng.below(length as u64)).unwrap());
    (0..length.min(8)).chain(spread).collect()
}

/// What becomes of a damaged shadow; panics if a wrong row is served and no scrub finds it.
fn outcome(folder: &Path) -> &'static str {
    let opening = open(folder, STEPS * STEP_ENTRIES);
    let at_open = matches!(opening, Opening::Discarded(..));
    let (shadow, reached) = to_go_on(opening);
    let Ok(rows) = served(&shadow) else {
        return "found on reading";
    };
    if rows != model(&steps(reached / STEP_ENTRIES)) {
        let wanted = model(&steps(reached / STEP_ENTRIES)).into_iter();
        let mut wanted =
            wanted.map(|((table, key), value)| Ok::<_, String>(KeptRow { table, key, value })).peekable();
        let mut scrub = shadow.scrub().unwrap();
        match scrub.slice(&mut wanted, usize::MAX) {
            Err(ScrubStop::Differs(_) | ScrubStop::Fault(_)) => return "found by the scrub",
            other @ (Ok(Scrubbed::Done { .. } | Scrubbed::More) | Err(_)) => panic!("{other:?}"),
        }
    }
    if shadow.apply(&steps(STEPS)).is_err() {
        return "found on writing";
    }
    match served(&shadow) {
        Err(_) => "found on reading",
        Ok(rows) => {
            assert_eq!(rows, model(&steps(STEPS)), "caught up");
            if at_open { "found at open" } else { "harmless" }
        }
    }
}

#[test]
fn whatever_byte_of_sled_is_changed_no_wrong_row_is_served_as_good() {
    let folder = tempfile::tempdir().unwrap();
    let (fresh, opened, damaged) =
        (folder.path().join("fresh"), folder.path().join("opened"), folder.path().join("damaged"));
    make(&fresh, STEPS);
    copy(&fresh, &opened);
    drop(open(&opened, STEPS * STEP_ENTRIES)); // sled writes a file more when it is opened again
    let mut rng = Rng::new(26);
    let mut outcomes = BTreeMap::<&str, usize>::new();
    for sound in [&fresh, &opened] {
        for file in files(sound) {
            let bytes = fs::read(&file).unwrap();
            for place in places(bytes.len(), &mut rng) {
                copy(sound, &damaged);
                let mut bytes = bytes.clone();
                bytes[place] ^= 1 << rng.below(8);
                fs::write(damaged.join(file.file_name().unwrap()), bytes).unwrap();
                let outcome = panic::catch_unwind(|| outcome(&damaged));
                let outcome = outcome.unwrap_or_else(|_| panic!("{} byte {place}", file.display()));
                *outcomes.entry(outcome).or_default() += 1;
            }
        }
    }
    assert!(outcomes["found at open"] > 0 && outcomes["harmless"] > 0, "{outcomes:?}");
    println!("{outcomes:?}");
}
