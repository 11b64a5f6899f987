//! Checkpoints (c2sp.org/tlog-checkpoint): origin, size and root of a log as a signed note; and
//! cosignatures of witnesses (c2sp.org/tlog-cosignature, version 1).
//! Invariant: a checkpoint of ours has three lines, one spelling, and is signed by the key that is
//! named like its origin.
//! Not here: whether two checkpoints are consistent (merkle.rs), and the memory that keeps a log
//! or a witness from signing two that are not.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    hash::{Digest, empty_root},
    note::{
        self, COSIGNATURE_BYTES, COSIGNATURE_TIME_MAX, Note, NoteError, NoteSignature, NoteSigner, SignError,
        SignatureType, VerifierKey, is_key_name,
    },
};

/// Most entries of a log: other programs count them in a signed 64-bit number.
pub const SIZE_MAX: u64 = i64::MAX as u64;

/// What a log promises: its first `size` entries have this root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log; also the name of the key that signs.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Digest,
}

/// A checkpoint whose log signature was verified, and the note that it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenCheckpoint {
    /// The promise.
    pub checkpoint: Checkpoint,
    /// Text and all signature lines, those of witnesses not yet verified.
    pub note: Note,
}

/// One verified cosignature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cosignature<'a> {
    /// Who.
    pub key: &'a VerifierKey,
    /// When, by the witness's clock, POSIX seconds.
    pub time: u64,
}

/// Why a checkpoint is turned down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note itself is turned down.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Fewer than three lines, an empty line, or no line feed at the end.
    #[error("a checkpoint has three lines that are not empty")]
    NotThreeLines,
    /// The origin cannot be the name of a key.
    #[error("the origin is not a key name")]
    BadOrigin,
    /// The size is not a decimal number without leading zeros, or above [`SIZE_MAX`].
    #[error("the tree size is not a decimal number from 0 to {SIZE_MAX}")]
    BadSize,
    /// The root is not 32 bytes in base64.
    #[error("the root is not 32 bytes in base64")]
    BadRoot,
    /// Size 0 with another root than that of the empty tree.
    #[error("the root of an empty tree is another")]
    BadEmptyRoot,
    /// Extension lines, which our logs never write.
    #[error("{0} extension lines, where none are allowed")]
    Extensions(usize),
    /// The checkpoint is of another log.
    #[error("checkpoint of {found}, expected one of {expected}")]
    WrongOrigin {
        /// Name of the key that it was opened with.
        expected: String,
        /// Its first line.
        found: String,
    },
}

impl Checkpoint {
    /// The text of the note: three lines.
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.origin.len() + 68);
        text.push_str(&self.origin);
        text.push('\n');
        text.push_str(&self.size.to_string());
        text.push('\n');
        STANDARD.encode_string(self.root.0, &mut text);
        text.push('\n');
        text
    }

    /// Reads the text of a checkpoint of ours, strictly: no extension lines, an origin that can
    /// name a key, and the right root if it is empty.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let (checkpoint, extensions) = Self::parse_foreign(text)?;
        if !extensions.is_empty() {
            return Err(CheckpointError::Extensions(extensions.len()));
        }
        if !is_key_name(&checkpoint.origin) {
            return Err(CheckpointError::BadOrigin);
        }
        if checkpoint.size == 0 && checkpoint.root != empty_root() {
            return Err(CheckpointError::BadEmptyRoot);
        }
        Ok(checkpoint)
    }

    /// Reads the text of any log's checkpoint, and its extension lines. An empty tree may claim
    /// any root here, because a witness answers that with a code of its own.
    pub fn parse_foreign(text: &str) -> Result<(Self, Vec<&str>), CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(CheckpointError::NotThreeLines)?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::NotThreeLines);
        };
        let extensions: Vec<&str> = lines.collect();
        if origin.is_empty() || extensions.contains(&"") {
            return Err(CheckpointError::NotThreeLines);
        }
        let size = parse_decimal(size).filter(|size| *size <= SIZE_MAX).ok_or(CheckpointError::BadSize)?;
        let root = parse_base64_digest(root).ok_or(CheckpointError::BadRoot)?;
        Ok((Self { origin: origin.to_owned(), size, root }, extensions))
    }

    /// Signs it. The signer is named like the origin; whether it may sign this size and root is
    /// the caller's question.
    pub fn sign(&self, signer: &mut dyn NoteSigner) -> Result<Note, SignError> {
        let key = signer.verifier().name();
        if key != self.origin {
            return Err(SignError::WrongName { key: key.to_owned(), origin: self.origin.clone() });
        }
        note::sign(&self.to_text(), signer)
    }
}

/// Opens a checkpoint of the log with this key, named like the origin: the log's line verifies,
/// the text is strict. Lines of others are kept, not verified.
pub fn open(bytes: &[u8], log: &VerifierKey) -> Result<OpenCheckpoint, CheckpointError> {
    let (note, _) = note::open(bytes, std::slice::from_ref(log))?;
    let checkpoint = Checkpoint::parse(&note.text)?;
    if checkpoint.origin != log.name() {
        return Err(CheckpointError::WrongOrigin {
            expected: log.name().to_owned(),
            found: checkpoint.origin,
        });
    }
    Ok(OpenCheckpoint { checkpoint, note })
}

/// The line by which a witness says: at this time, this was the largest consistent tree that I had
/// seen of this log. The witness must have stored that before it calls this.
pub fn cosign(text: &str, time: u64, signer: &mut dyn NoteSigner) -> Result<NoteSignature, SignError> {
    note::check_text(text)?;
    if signer.verifier().signature_type() != SignatureType::CosignatureV1 {
        return Err(SignError::WrongType);
    }
    if time > COSIGNATURE_TIME_MAX {
        return Err(SignError::BadTime(time));
    }
    let mut signature = Vec::with_capacity(COSIGNATURE_BYTES);
    signature.extend_from_slice(&time.to_be_bytes());
    signature.extend_from_slice(&signer.sign(&note::cosignature_message(text, time))?);
    Ok(signer.verifier().line(signature))
}

/// The cosignatures of these witnesses, in the order of the lines; a witness may have several.
/// A line of one of them that does not verify rejects the note.
pub fn cosignatures<'a>(
    note: &Note,
    witnesses: &'a [VerifierKey],
) -> Result<Vec<Cosignature<'a>>, NoteError> {
    let verified = note.verify(witnesses)?;
    let timed = |found: note::Verified| Some(Cosignature { key: &witnesses[found.key], time: found.time? });
    Ok(verified.into_iter().filter_map(timed).collect())
}

/// A decimal number in ASCII without sign and leading zeros.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    (digits && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}

/// 32 bytes in padded standard base64, one spelling.
pub(crate) fn parse_base64_digest(text: &str) -> Option<Digest> {
    if text.len() != 44 {
        return None;
    }
    STANDARD.decode(text).ok()?.try_into().ok().map(Digest)
}

#[cfg(test)]
mod tests;
