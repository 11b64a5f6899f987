//! What the audit finds: which check, which place, what stands there, what was computed.
//! Invariant: findings are kept sorted and capped per check, so a report has a bounded size and
//! does not depend on the order in which threads bring them.

use std::{borrow::Cow, collections::BTreeSet};

use super::{Check, Weight};
use crate::hash::hex_encode;

/// Findings of one check that are kept in full; the rest is counted.
pub const FINDINGS_MAX: usize = 256;
/// Bytes of a differing run that are printed.
const SHOWN_BYTES_MAX: usize = 32;

/// Which file a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A segment, by its number.
    Segment(u32),
    /// Another file, by its path within the ledger, or as the caller named it.
    File(String),
}

/// What kind of fault it is: a closed list, so that every language has its sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Bytes differ from the only ones that can stand there, or one flipped bit explains it all.
    Damaged,
    /// A checksum or digest does not match, and no single bit explains it.
    Checksum,
    /// A frame, leaf or note that cannot be read.
    Malformed,
    /// A field does not say what the entries before it say.
    Field,
    /// Non-zero bytes after the last commit.
    Trailing,
    /// A batch at the end without its commit frame: nobody was told that it is recorded.
    Unfinished,
    /// A file ends inside what its header announces, or before the log does.
    Torn,
    /// Entries or segments that should be there are not.
    Missing,
    /// Entries or segments that were there before come again.
    Repeated,
    /// A segment of another ledger.
    Foreign,
    /// A file that has no business in this place.
    Stray,
    /// Not a plain file: a link, a pipe, a device.
    NotAFile,
    /// The payload's digest is not that of the leaf.
    PayloadDigest,
    /// The payload is zeros, and no destruction of it is recorded.
    PayloadZeros,
    /// The payload is not a statement.
    NotAStatement,
    /// The number of signatures is not that of the issuers.
    SignatureCount,
    /// A signature does not verify.
    Signature,
    /// The link to the entry before is another's.
    Link,
    /// A link back within a stream is another.
    BackLink,
    /// `recorded_at` is smaller than that of the entry before.
    Clock,
    /// The log signed another root than that of the entries.
    Root,
    /// A commit frame or checkpoint that the log's key did not sign.
    NotSigned,
    /// The log is signed by another key than the one given from outside.
    OtherKey,
    /// The hash of entry 0 is not the one given from outside.
    OtherGenesis,
    /// A kept checkpoint, pin or epoch is no prefix of this log: history was rewritten.
    Rewritten,
    /// Something names a larger size than the log has: the log was cut back.
    CutBack,
    /// The domain objects; the words are its own.
    Judged,
    /// A cache that can be rebuilt differs from the log.
    Cache,
}

impl Fault {
    /// The stable code of reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Checksum => "checksum",
            Self::Malformed => "malformed",
            Self::Field => "field",
            Self::Trailing => "trailing",
            Self::Unfinished => "unfinished",
            Self::Torn => "torn",
            Self::Missing => "missing",
            Self::Repeated => "repeated",
            Self::Foreign => "foreign",
            Self::Stray => "stray",
            Self::NotAFile => "not-a-file",
            Self::PayloadDigest => "payload-digest",
            Self::PayloadZeros => "payload-zeros",
            Self::NotAStatement => "not-a-statement",
            Self::SignatureCount => "signature-count",
            Self::Signature => "signature",
            Self::Link => "link",
            Self::BackLink => "back-link",
            Self::Clock => "clock",
            Self::Root => "root",
            Self::NotSigned => "not-signed",
            Self::OtherKey => "other-key",
            Self::OtherGenesis => "other-genesis",
            Self::Rewritten => "rewritten",
            Self::CutBack => "cut-back",
            Self::Judged => "judged",
            Self::Cache => "cache",
        }
    }
}

/// One finding. The order of the fields is the order of reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// Which file.
    pub source: Source,
    /// First byte in it that the finding is about.
    pub offset: u64,
    /// Bytes that it is about.
    pub length: u64,
    /// The one bit of the one byte that explains it; 7 is the most significant.
    pub bit: Option<u8>,
    /// Which entry, if it is about one.
    pub entry: Option<u64>,
    /// Fails, unconfirmed or a remark.
    pub weight: Weight,
    /// What kind.
    pub fault: Fault,
    /// Field of the frame, leaf or payload.
    pub field: Cow<'static, str>,
    /// What stands there.
    pub stored: String,
    /// What was computed, or should stand there.
    pub computed: String,
}

impl Finding {
    /// A failure at one place.
    pub fn new(check: Check, fault: Fault, source: Source, offset: u64) -> Self {
        Self {
            check,
            source,
            offset,
            length: 0,
            bit: None,
            entry: None,
            weight: Weight::Fails,
            fault,
            field: Cow::Borrowed(""),
            stored: String::new(),
            computed: String::new(),
        }
    }

    /// The entry that it is about.
    #[must_use]
    pub fn entry(self, index: u64) -> Self {
        Self { entry: Some(index), ..self }
    }

    /// The field and its length.
    #[must_use]
    pub fn field(self, field: impl Into<Cow<'static, str>>, bytes: usize) -> Self {
        Self { field: field.into(), length: bytes as u64, ..self }
    }

    /// What stands there, and what was computed.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // digests, numbers and errors, handed over as they are
    pub fn values(self, stored: impl ToString, computed: impl ToString) -> Self {
        Self { stored: stored.to_string(), computed: computed.to_string(), ..self }
    }
}

/// Sorted findings with a cap, and their true number.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    kept: [BTreeSet<Finding>; Check::ALL.len()],
    totals: [u64; Check::ALL.len()],
    fails: [u64; Check::ALL.len()],
    doubts: [u64; Check::ALL.len()],
}

impl Findings {
    /// Adds one; beyond the cap the last in order gives way.
    pub fn add(&mut self, finding: Finding) {
        let at = finding.check as usize;
        self.totals[at] += 1;
        match finding.weight {
            Weight::Fails => self.fails[at] += 1,
            Weight::Unconfirmed => self.doubts[at] += 1,
            Weight::Remark => {}
        }
        self.kept[at].insert(finding);
        if self.kept[at].len() > FINDINGS_MAX {
            self.kept[at].pop_last();
        }
    }

    /// Counts failures that follow from one that was added, without keeping them.
    pub fn count_more(&mut self, check: Check) {
        self.totals[check as usize] += 1;
        self.fails[check as usize] += 1;
    }

    /// Takes over what another collected.
    pub fn merge(&mut self, other: Self) {
        for (at, kept) in other.kept.into_iter().enumerate() {
            self.totals[at] += other.totals[at];
            self.fails[at] += other.fails[at];
            self.doubts[at] += other.doubts[at];
            self.kept[at].extend(kept);
            while self.kept[at].len() > FINDINGS_MAX {
                self.kept[at].pop_last();
            }
        }
    }

    /// Failures of a check, kept or not.
    pub fn fails(&self, check: Check) -> u64 {
        self.fails[check as usize]
    }

    /// Doubts of a check, kept or not.
    pub fn doubts(&self, check: Check) -> u64 {
        self.doubts[check as usize]
    }

    /// All findings of a check, kept or not.
    pub fn total(&self, check: Check) -> u64 {
        self.totals[check as usize]
    }

    /// The kept findings, check by check, place by place.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.kept.iter().flatten()
    }
}

/// What differs between bytes and the only bytes that can stand there: the run from the first to
/// the last difference, and the bit if there is only one. `None` if nothing differs.
pub(super) fn difference(stored: &[u8], right: &[u8]) -> Option<Difference> {
    let pairs = || stored.iter().zip(right).enumerate().filter(|(_, (left, right))| left != right);
    let first = pairs().next().map(|(at, _)| at);
    let (start, end) = match (first, stored.len() == right.len()) {
        (Some(at), true) => (at, pairs().map(|(at, _)| at).max().unwrap_or(at) + 1),
        (Some(at), false) => (at, stored.len().max(right.len())),
        (None, true) => return None,
        (None, false) => (stored.len().min(right.len()), stored.len().max(right.len())),
    };
    let shown = |bytes: &[u8]| {
        let run = bytes.get(start..end.min(bytes.len())).unwrap_or_default();
        hex_encode(&run[..run.len().min(SHOWN_BYTES_MAX)])
    };
    let bit = match (stored.get(start..end), right.get(start..end)) {
        (Some([left]), Some([right])) if (left ^ right).is_power_of_two() => {
            u8::try_from((left ^ right).trailing_zeros()).ok()
        }
        _ => None,
    };
    Some(Difference { at: start, length: end - start, bit, stored: shown(stored), right: shown(right) })
}

/// See [`difference`].
pub(super) struct Difference {
    pub at: usize,
    pub length: usize,
    pub bit: Option<u8>,
    pub stored: String,
    pub right: String,
}

impl Difference {
    /// As a finding; `base` is the offset in the file of the compared bytes.
    pub fn finding(
        self,
        check: Check,
        source: Source,
        base: u64,
        field: impl Into<Cow<'static, str>>,
    ) -> Finding {
        Finding { bit: self.bit, ..Finding::new(check, Fault::Damaged, source, base + self.at as u64) }
            .field(field, self.length)
            .values(self.stored, self.right)
    }
}
