//! Compares the hash tiles and bundles beside a log with those that its leaves give.
//! Invariant: a shadow can be wrong without the log being wrong: its findings are listed apart;
//! but one that names more than the log holds is evidence that the log was cut back.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use lian_core::{
    audit::{
        Check,
        finding::{Fault, Finding, Source},
        fold::Shadow,
    },
    hash::hex_encode,
    tile::{BundleId, TILE_WIDTH, TileId},
};

use crate::files::read_capped;

/// A bundle of 256 leaves of at most 65,535 bytes.
const SHADOW_BYTES_MAX: u64 = 256 * (65_535 + 2);
/// Names that are looked at when the folder of tiles is searched for strays.
const NAMES_MAX: usize = 10_000_000;

/// The tiles of one ledger folder.
pub(crate) struct ShadowFiles {
    ledger: PathBuf,
    pub has_tiles: bool,
    pub has_bundles: bool,
    pub compared: u64,
}

impl ShadowFiles {
    pub fn new(ledger: &Path) -> Self {
        let is_folder = |path: &str| fs::symlink_metadata(ledger.join(path)).is_ok_and(|data| data.is_dir());
        Self {
            has_tiles: is_folder("tile"),
            has_bundles: is_folder("tile/entries"),
            ledger: ledger.to_owned(),
            compared: 0,
        }
    }

    /// Compares one tile or bundle with its file, and with files of narrower ones.
    pub fn compare(&mut self, shadow: &Shadow) -> Vec<Finding> {
        let mut findings = Vec::new();
        let (path, bytes, width) = match shadow {
            Shadow::Hashes(id, bytes) => (TileId { width: TILE_WIDTH, ..*id }.path(), bytes, id.width),
            Shadow::Leaves(id, bytes) => (BundleId { width: TILE_WIDTH, ..*id }.path(), bytes, id.width),
        };
        if width == TILE_WIDTH {
            self.compare_file(&path, bytes, &mut findings);
        }
        let Ok(partial) = fs::read_dir(self.ledger.join(format!("{path}.p"))) else { return findings };
        for entry in partial.take(usize::from(TILE_WIDTH)).flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let prefix =
                name.parse().ok().filter(|part| (1..=width).contains(part)).and_then(
                    |part: u16| match shadow {
                        Shadow::Hashes(..) => bytes.get(..32 * usize::from(part)),
                        Shadow::Leaves(..) => leaves(bytes, part),
                    },
                );
            if let Some(prefix) = prefix {
                self.compare_file(&format!("{path}.p/{name}"), prefix, &mut findings);
            }
        }
        findings
    }

    fn compare_file(&mut self, path: &str, right: &[u8], findings: &mut Vec<Finding>) {
        let finding = |fault| Finding::new(Check::Tree, fault, Source::File(path.to_owned()), 0);
        let stored = match read_capped(&self.ledger.join(path), SHADOW_BYTES_MAX) {
            Ok(stored) => stored,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return findings.push(finding(Fault::Cache).values(error, "")),
        };
        self.compared += 1;
        let length = stored.len().max(right.len());
        let differs = |at: &usize| stored.get(*at) != right.get(*at);
        if let Some(at) = (0..length).find(differs) {
            let shown =
                |bytes: &[u8]| hex_encode(bytes.get(at..(at + 32).min(bytes.len())).unwrap_or_default());
            let mut finding = finding(Fault::Cache).values(shown(&stored), shown(right));
            finding.offset = at as u64;
            findings.push(finding);
        }
    }

    /// Files below `tile/` that a log of `size` entries cannot have.
    pub fn strays(&self, size: u64) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut left = NAMES_MAX;
        let mut folders = vec![PathBuf::from("tile")];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(self.ledger.join(&folder)) else { continue };
            for entry in entries.flatten() {
                let Some(more) = left.checked_sub(1) else { return findings };
                left = more;
                let path = folder.join(entry.file_name());
                match fs::symlink_metadata(entry.path()) {
                    Ok(data) if data.is_dir() => folders.push(path),
                    Ok(data) => findings.extend(stray(&path, data.is_file(), size)),
                    Err(_) => {}
                }
            }
        }
        findings
    }
}

fn stray(path: &Path, is_file: bool, size: u64) -> Option<Finding> {
    let name = path.to_string_lossy().into_owned();
    let source = Source::File(name.clone());
    if !is_file {
        return Some(Finding::new(Check::Tree, Fault::NotAFile, source, 0));
    }
    // What a writer that was interrupted left behind.
    if path.extension().is_some_and(|extension| extension == "tmp") {
        return None;
    }
    let (width, most) = match (TileId::parse(&name), BundleId::parse(&name)) {
        (Some(id), _) => (id.width, id.at(size).map(|id| id.width)),
        (None, Some(id)) => (id.width, id.at(size).map(|id| id.width)),
        (None, None) => return Some(Finding::new(Check::Tree, Fault::Stray, source, 0)),
    };
    let beyond = most.is_none_or(|most| width > most);
    beyond.then(|| {
        let finding = Finding::new(Check::Checkpoint, Fault::CutBack, source, 0);
        finding.values("a tile of a larger log", size)
    })
}

/// The first `count` leaves of a bundle.
fn leaves(bytes: &[u8], count: u16) -> Option<&[u8]> {
    let mut at = 0;
    for _ in 0..count {
        let length = bytes.get(at..at + 2)?;
        at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
    }
    bytes.get(..at)
}
