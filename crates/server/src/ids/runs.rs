//! A run: the ids of 65,536 entries in a row, sorted, in a file beside the segments.
//! Invariant: a run is used only if its file is whole and names this ledger, these entries and the
//! link of the last of them; a missing or bad one is made again from the entries.
//! Limits: at most 65,536 records of 40 bytes a file.

use lian_core::{
    entry::Leaf,
    hash::{Digest, blake3, link},
};
use lian_store::{
    disk::{Disk, DiskError, OpenMode, read_up_to, write_all_at},
    reader::Reader,
};

/// Entries of a run.
pub const RUN_ENTRIES: u64 = 65_536;
/// The folder of the runs.
const FOLDER: &str = "ids";
const MAGIC: &[u8; 12] = b"lian/ids/v1\n";
/// Magic, ledger, first entry, link, latest end of validity.
const HEADER_BYTES: usize = 12 + 32 + 8 + 32 + 8;
const RECORD_BYTES: usize = 40;
const TRAILER_BYTES: usize = 32;
/// Longer than any statement is valid after it was recorded, in seconds.
const VALID_S_MAX: i64 = 31 * 86_400;

/// One id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    pub key: [u8; 16],
    /// First 8 bytes of the digest of the statement.
    pub digest: u64,
    /// Unix seconds up to which it is valid.
    pub until: i64,
    pub index: u64,
}

/// What a run belongs to.
pub(super) struct Seal {
    ledger: Digest,
    first: u64,
    link: Digest,
}

impl Seal {
    /// Of the run that begins at `first` and whose last entry has this leaf.
    pub fn of(reader: &Reader, first: u64, last_leaf: &[u8]) -> Self {
        let ledger = reader.head().ledger().unwrap_or(Digest::ZERO);
        Self { ledger, first, link: link(last_leaf) }
    }

    fn path(&self) -> String {
        format!("{FOLDER}/{:012}.run", self.first)
    }

    fn header(&self, latest: i64) -> Vec<u8> {
        let parts: [&[u8]; 5] =
            [MAGIC, &self.ledger.0, &self.first.to_be_bytes(), &self.link.0, &latest.to_be_bytes()];
        parts.concat()
    }
}

/// The ids of one run, as its file holds them.
#[derive(Debug, Clone)]
pub(super) struct Run {
    path: String,
    latest: i64,
    bytes: Vec<u8>,
}

/// Whether every id of entries up to this one has lapsed.
pub(super) fn lapsed(leaf: &[u8], now_s: i64) -> bool {
    Leaf::decode(leaf).is_ok_and(|leaf| {
        let recorded = i64::try_from(leaf.recorded_at / 1_000).unwrap_or(i64::MAX);
        recorded.saturating_add(VALID_S_MAX) < now_s
    })
}

impl Run {
    pub fn new(seal: &Seal, mut records: Vec<Record>) -> Self {
        records.sort_unstable();
        let latest = records.iter().map(|record| record.until).max().unwrap_or(i64::MIN);
        let mut bytes = seal.header(latest);
        bytes.reserve(records.len() * RECORD_BYTES + TRAILER_BYTES);
        for Record { key, digest, until, index } in records {
            bytes.extend_from_slice(&key);
            bytes.extend_from_slice(&digest.to_be_bytes());
            bytes.extend_from_slice(&until.to_be_bytes());
            bytes.extend_from_slice(&index.to_be_bytes());
        }
        let digest = blake3(&[&bytes]);
        bytes.extend_from_slice(&digest.0);
        Self { path: seal.path(), latest, bytes }
    }

    /// The run in its file, if that is whole and the one that belongs there.
    pub fn read(disk: &dyn Disk, seal: &Seal) -> Option<Self> {
        let file = disk.open(&seal.path(), OpenMode::Read).ok()?;
        let length = usize::try_from(file.len().ok()?).ok()?;
        let most = HEADER_BYTES + usize::try_from(RUN_ENTRIES).ok()? * RECORD_BYTES + TRAILER_BYTES;
        let records = length.checked_sub(HEADER_BYTES + TRAILER_BYTES)?;
        if length > most || !records.is_multiple_of(RECORD_BYTES) {
            return None;
        }
        let mut bytes = vec![0; length];
        if read_up_to(&*file, 0, &mut bytes).ok()? != length {
            return None;
        }
        let (content, digest) = bytes.split_last_chunk::<TRAILER_BYTES>()?;
        let latest = i64::from_be_bytes(*content.get(..HEADER_BYTES)?.last_chunk()?);
        let sound = blake3(&[content]) == Digest(*digest) && content.starts_with(&seal.header(latest));
        sound.then_some(Self { path: seal.path(), latest, bytes })
    }

    /// Writes the file. What fails is made again at the next start.
    pub fn write(&self, disk: &dyn Disk) {
        let _made_again = self.try_write(disk);
    }

    fn try_write(&self, disk: &dyn Disk) -> Result<(), DiskError> {
        disk.create_dir(FOLDER)?;
        let unfinished = format!("{}.part", self.path);
        let file = disk.open(&unfinished, OpenMode::Replace)?;
        write_all_at(&*file, 0, &self.bytes)?;
        file.sync()?;
        disk.rename(&unfinished, &self.path)
    }

    /// The latest moment at which one of its ids is valid.
    pub fn latest(&self) -> i64 {
        self.latest
    }

    /// The id of this fingerprint.
    pub fn find(&self, key: &[u8; 16]) -> Option<Record> {
        let end = self.bytes.len() - TRAILER_BYTES;
        let (records, _) = self.bytes.get(HEADER_BYTES..end)?.as_chunks::<RECORD_BYTES>();
        let at = records.binary_search_by(|record| record[..16].cmp(key)).ok()?;
        let record = &records[at];
        let number = |from: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&record[from..from + 8]);
            bytes
        };
        Some(Record {
            key: *key,
            digest: u64::from_be_bytes(number(16)),
            until: i64::from_be_bytes(number(24)),
            index: u64::from_be_bytes(number(32)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lian_store::disk::SimDisk;

    fn seal() -> Seal {
        Seal { ledger: Digest([1; 32]), first: RUN_ENTRIES, link: Digest([2; 32]) }
    }

    fn records() -> Vec<Record> {
        let record = |index: u8| Record {
            key: [index.wrapping_mul(97); 16],
            digest: u64::from(index) << 40,
            until: 1_795_000_000 + i64::from(index),
            index: RUN_ENTRIES + u64::from(index),
        };
        (0..200).map(record).collect()
    }

    fn read(bytes: &[u8], seal: &Seal) -> Option<Run> {
        let disk = SimDisk::new(1);
        disk.create_dir(FOLDER).unwrap();
        let file = disk.open(&seal.path(), OpenMode::Replace).unwrap();
        write_all_at(&*file, 0, bytes).unwrap();
        Run::read(&disk, seal)
    }

    #[test]
    fn a_run_that_was_written_is_read_and_finds_each_of_its_ids_and_no_other() {
        let disk = SimDisk::new(1);
        let written = Run::new(&seal(), records());
        written.write(&disk);
        let run = Run::read(&disk, &seal()).unwrap();
        assert_eq!((run.latest(), &run.bytes), (1_795_000_199, &written.bytes));
        for record in records() {
            assert_eq!(run.find(&record.key), Some(record));
        }
        assert_eq!(run.find(&[3; 16]), None);
        assert_eq!(Run::new(&seal(), Vec::new()).find(&[3; 16]), None);
    }

    #[test]
    fn a_run_with_any_byte_changed_or_cut_or_added_is_not_used() {
        let bytes = Run::new(&seal(), records()).bytes;
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(read(&changed, &seal()).is_none(), "byte {at}");
        }
        for length in [0, 1, HEADER_BYTES, bytes.len() - RECORD_BYTES, bytes.len() - 1] {
            assert!(read(&bytes[..length], &seal()).is_none(), "{length} bytes");
        }
        assert!(read(&[bytes.as_slice(), &[0; RECORD_BYTES]].concat(), &seal()).is_none());
        assert!(read(&bytes, &seal()).is_some());
    }

    #[test]
    fn a_run_of_another_ledger_other_entries_or_another_past_is_not_used() {
        let bytes = Run::new(&seal(), records()).bytes;
        assert!(read(&bytes, &Seal { ledger: Digest([9; 32]), ..seal() }).is_none());
        assert!(read(&bytes, &Seal { first: 0, ..seal() }).is_none());
        assert!(read(&bytes, &Seal { link: Digest([9; 32]), ..seal() }).is_none());
    }
}
