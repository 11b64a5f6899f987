//! Bytes after the last commit point: copied to a file of their own, then cleared away.
//! Invariant: the copy is synced and has its name before the first byte is overwritten, so a
//! crash at any moment leaves the original or the copy, mostly both. Set aside, never deleted.

use std::collections::BTreeMap;

use super::scan::written_bytes;
use crate::{
    disk::{Disk, DiskError, OpenMode, read_up_to, write_all_at},
    segment,
};

/// The folder of the copies.
pub(super) const FOLDER: &str = "set-aside";

const TEMPORARY_PATH: &str = "set-aside/copy.tmp";

/// One stretch of bytes after the last commit point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// In which segment.
    pub segment: u32,
    /// Its first byte that is not zero.
    pub offset: u64,
    /// The bytes, up to the last that is not zero.
    pub bytes: Vec<u8>,
    /// The file that holds the copy; empty as long as there is none.
    pub path: String,
}

impl SetAside {
    pub(super) fn new(segment: u32, offset: u64, bytes: Vec<u8>) -> Self {
        Self { segment, offset, bytes, path: String::new() }
    }

    /// What is not zero from `rest` on.
    pub(super) fn find(segment: u32, bytes: &[u8], rest: u64) -> Option<Self> {
        let end = written_bytes(bytes);
        let rest = usize::try_from(rest).expect("offsets of a segment in memory");
        let start = rest + bytes.get(rest..end)?.iter().position(|byte| *byte != 0)?;
        Some(Self::new(segment, start as u64, bytes[start..end].to_vec()))
    }
}

/// Copies every stretch, syncs the copies, zeroes the stretches and syncs that.
pub(super) fn set_aside(disk: &dyn Disk, debris: &[SetAside]) -> Result<Vec<SetAside>, DiskError> {
    if debris.is_empty() {
        return Ok(Vec::new());
    }
    disk.create_dir(FOLDER)?;
    disk.sync_dir("")?;
    let mut copied = Vec::with_capacity(debris.len());
    for stretch in debris {
        let path = copy(disk, stretch)?;
        copied.push(SetAside { path, ..stretch.clone() });
    }
    disk.sync_dir(FOLDER)?;
    let mut by_segment: BTreeMap<u32, Vec<&SetAside>> = BTreeMap::new();
    for stretch in debris {
        by_segment.entry(stretch.segment).or_default().push(stretch);
    }
    for (number, stretches) in by_segment {
        let file = disk.open(&segment::path(number), OpenMode::Write)?;
        for stretch in stretches {
            write_all_at(&*file, stretch.offset, &vec![0; stretch.bytes.len()])?;
        }
        file.sync()?;
    }
    Ok(copied)
}

/// The path of the copy. A copy that an earlier, interrupted recovery made is used again.
fn copy(disk: &dyn Disk, stretch: &SetAside) -> Result<String, DiskError> {
    let stem = format!("{FOLDER}/{:06}-{}-{}", stretch.segment, stretch.offset, stretch.bytes.len());
    for attempt in 1_u32.. {
        let path = if attempt == 1 { format!("{stem}.bin") } else { format!("{stem}-{attempt}.bin") };
        if !disk.exists(&path)? {
            let file = disk.open(TEMPORARY_PATH, OpenMode::Replace)?;
            write_all_at(&*file, 0, &stretch.bytes)?;
            file.sync()?;
            disk.rename(TEMPORARY_PATH, &path)?;
            return Ok(path);
        }
        if holds(disk, &path, &stretch.bytes)? {
            return Ok(path);
        }
    }
    unreachable!("more copies of one stretch than numbers")
}

fn holds(disk: &dyn Disk, path: &str, bytes: &[u8]) -> Result<bool, DiskError> {
    let file = disk.open(path, OpenMode::Read)?;
    let mut stored = vec![0; bytes.len() + 1];
    let count = read_up_to(&*file, 0, &mut stored)?;
    Ok(stored[..count] == *bytes)
}
