//! Finds and opens the files of a ledger.
//! Invariant: only plain files are opened: links, pipes and devices are findings, never followed.
//! Limits: a million names in a folder, 128 MiB a segment, 1 MiB any other file.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use lian_core::audit::{
    Check,
    finding::{Fault, Finding, Source},
};

use crate::RunError;

/// Names in one folder; a log of ten years has some ten thousand segments.
const NAMES_MAX: usize = 1_000_000;
/// No segment is longer: 64 MiB of space and one batch.
pub(crate) const SEGMENT_BYTES_MAX: u64 = 128 << 20;
/// Checkpoints, pins, policies and receipts.
const SMALL_BYTES_MAX: u64 = 1 << 20;
const FOLDER: &str = "segments";

/// The segment files of a ledger, in order, and what else lies beside them.
pub(crate) struct Segments {
    pub files: Vec<(u32, PathBuf)>,
    pub bytes: u64,
    pub findings: Vec<Finding>,
}

/// Lists the segments of a ledger folder.
pub(crate) fn segments(ledger: &Path) -> Result<Segments, RunError> {
    let folder = ledger.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(RunError::NoLedger(ledger.to_owned()));
        }
        Err(error) => return Err(RunError::io(&folder, error)),
    };
    let mut found = Segments { files: Vec::new(), bytes: 0, findings: Vec::new() };
    let mut spare = Vec::new();
    for entry in entries.take(NAMES_MAX) {
        let entry = entry.map_err(|error| RunError::io(&folder, error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let stray = |fault| Finding::new(Check::Bytes, fault, Source::File(format!("{FOLDER}/{name}")), 0);
        let data = fs::symlink_metadata(entry.path()).map_err(|error| RunError::io(&entry.path(), error))?;
        if !data.is_file() {
            found.findings.push(stray(Fault::NotAFile));
        } else if let Some(number) = number_of(&name) {
            found.files.push((number, entry.path()));
        } else if name.strip_suffix(".zero").and_then(number_of).is_some() {
            spare.push((entry.path(), stray(Fault::Stray)));
        } else {
            found.findings.push(stray(Fault::Stray));
        }
    }
    for (path, finding) in spare {
        if !is_zeros(&path)? {
            found.findings.push(finding);
        }
    }
    found.files.sort();
    drop_spare(&mut found)?;
    missing_numbers(&mut found);
    for (_, path) in &found.files {
        found.bytes += fs::symlink_metadata(path).map_err(|error| RunError::io(path, error))?.len();
    }
    if found.files.is_empty() && found.findings.is_empty() {
        return Err(RunError::NoLedger(ledger.to_owned()));
    }
    Ok(found)
}

/// Segments that were made in advance hold only zeros; nothing was ever written to them.
fn drop_spare(found: &mut Segments) -> Result<(), RunError> {
    while let Some((_, path)) = found.files.last() {
        if !is_zeros(path)? {
            break;
        }
        found.files.pop();
    }
    Ok(())
}

fn missing_numbers(found: &mut Segments) {
    let mut expected = 0;
    for (number, _) in &found.files {
        if *number > expected {
            let source = Source::File(format!("{FOLDER}/{expected:06}.seg"));
            let finding = Finding::new(Check::Bytes, Fault::Missing, source, 0);
            found.findings.push(finding.values(format!("{number:06}.seg"), format!("{expected:06}.seg")));
        }
        expected = number.saturating_add(1);
    }
}

/// The number in a segment file's name; none for any other spelling.
fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".seg")?;
    let number = digits.parse().ok()?;
    (format!("{number:06}") == digits).then_some(number)
}

/// Whether a plain file holds nothing but zeros; stops at the first other byte.
fn is_zeros(path: &Path) -> Result<bool, RunError> {
    let wrong = |error| RunError::io(path, error);
    let mut file = open_plain(path).map_err(wrong)?.take(SEGMENT_BYTES_MAX);
    let mut block = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut block).map_err(wrong)?;
        if block[..read].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

/// Opens a file that is no link, pipe or device.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
    }
    File::open(path)
}

/// The whole of a small plain file.
pub(crate) fn read_small(path: &Path) -> Result<Vec<u8>, RunError> {
    read_capped(path, SMALL_BYTES_MAX).map_err(|error| RunError::io(path, error))
}

/// The whole of a plain file of at most `most` bytes.
pub(crate) fn read_capped(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_plain(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let what = format!("longer than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(bytes)
}
