//! Signed notes (c2sp.org/signed-note): a text, an empty line, signature lines; and the keys
//! that sign and verify them, in the text forms that other programs read.
//! Invariant: a note encodes to exactly the bytes that it was parsed from; lines of unknown keys
//! are ignored; one line of a known key that fails rejects the whole note.
//! Limits: Ed25519 (type 01) and cosignature/v1 (type 04); the constants below.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{
    hash::{hex_decode, hex_encode, sha256},
    keys::{PublicKey, PublicKeyError, SIGNATURE_BYTES, SecretKey},
};

/// Longest text of a note; a checkpoint has about 100 bytes.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Most signature lines of a note; every verifier has to take 16.
pub const SIGNATURES_MAX: usize = 64;
/// Longest signature of one line, without its key id; the post-quantum ones stay below 5 KiB.
pub const LINE_SIGNATURE_BYTES_MAX: usize = 8 * 1024;
/// Longest key name; other formats count it in one byte.
pub const NAME_BYTES_MAX: usize = 255;
/// Longest note: the limits above, with every line at its longest.
pub const NOTE_BYTES_MAX: usize =
    TEXT_BYTES_MAX + 1 + SIGNATURES_MAX * (NAME_BYTES_MAX + LINE_SIGNATURE_BYTES_MAX * 4 / 3 + 32);
/// Latest time of a cosignature: the sign bit stays clear.
pub const COSIGNATURE_TIME_MAX: u64 = i64::MAX as u64;
/// Bytes of a cosignature/v1: u64 time, then an Ed25519 signature.
pub const COSIGNATURE_BYTES: usize = 8 + SIGNATURE_BYTES;

/// U+2014 and a space open every signature line.
const LINE_PREFIX: &str = "\u{2014} ";
const SIGNER_PREFIX: &str = "PRIVATE+KEY+";

/// Why a note is turned down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than any note.
    #[error("note has {0} bytes, more than {NOTE_BYTES_MAX}")]
    TooLong(usize),
    /// The text is longer than [`TEXT_BYTES_MAX`].
    #[error("note text has {0} bytes, more than {TEXT_BYTES_MAX}")]
    TextTooLong(usize),
    /// The bytes are not UTF-8.
    #[error("note is not utf-8")]
    NotUtf8,
    /// A byte below 0x20 that is not a line feed.
    #[error("control byte at {0}")]
    ControlByte(usize),
    /// No text that ends in a line feed, or no empty line after it.
    #[error("note lacks a text, or the empty line after it")]
    NoText,
    /// No signature line.
    #[error("note has no signature line")]
    NoSignature,
    /// More lines than [`SIGNATURES_MAX`].
    #[error("note has more than {SIGNATURES_MAX} signature lines")]
    TooManySignatures,
    /// A line (from 0) that is no signature line.
    #[error("signature line {0} is malformed")]
    BadLine(usize),
    /// No line is of a known key.
    #[error("no signature of a known key")]
    NoKnownSignature,
    /// A known key's line (from 0) does not verify.
    #[error("signature line {line} of known key {name} does not verify")]
    BadSignature {
        /// Which line.
        line: usize,
        /// Whose.
        name: String,
    },
    /// Two known keys share name and key id, so no line says whose it is.
    #[error("two known keys share the name {0} and the key id")]
    AmbiguousKeys(String),
}

/// Why a key text (vkey, signer key) is turned down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextError {
    /// Not `name+id+base64`.
    #[error("not a key text of the form name+id+base64")]
    Malformed,
    /// The name is empty, too long, or holds a space, a plus sign or a control byte.
    #[error("not a key name")]
    BadName,
    /// A signature type that we do not know.
    #[error("signature type {0:#04x} is not supported")]
    UnsupportedType(u8),
    /// The key id does not belong to name, type and key.
    #[error("the key id does not belong to the key")]
    WrongId,
    /// The key is not one that we would enrol.
    #[error("the public key is refused: {0}")]
    BadKey(#[from] PublicKeyError),
}

/// Signature types, numbered as in key ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SignatureType {
    /// 64 bytes over the text.
    Ed25519 = 1,
    /// 8 bytes of time, then 64 bytes over a header, the time and the text.
    CosignatureV1 = 4,
}

impl SignatureType {
    fn from_u8(number: u8) -> Result<Self, KeyTextError> {
        match number {
            1 => Ok(Self::Ed25519),
            4 => Ok(Self::CosignatureV1),
            other => Err(KeyTextError::UnsupportedType(other)),
        }
    }
}

/// A note as it was parsed; nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The signed text, with its last line feed.
    pub text: String,
    /// The lines, in their order.
    pub signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// First four bytes of SHA-256(name ‖ LF ‖ type ‖ public key).
    pub key_id: [u8; 4],
    /// What follows the key id.
    pub signature: Vec<u8>,
}

/// One line that verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Which line of the note, from 0.
    pub line: usize,
    /// Which of the known keys, from 0.
    pub key: usize,
    /// The time of a cosignature, POSIX seconds.
    pub time: Option<u64>,
}

impl Note {
    /// Reads a note, strictly. Verifies nothing.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong(bytes.len()));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::NotUtf8)?;
        check_bytes(note)?;
        // The text may hold empty lines: the last one ends it.
        let (text, lines) = note.rfind("\n\n").map(|at| note.split_at(at + 1)).ok_or(NoteError::NoText)?;
        if text.len() > TEXT_BYTES_MAX {
            return Err(NoteError::TextTooLong(text.len()));
        }
        let lines = lines.strip_prefix('\n').ok_or(NoteError::NoText)?;
        if lines.is_empty() {
            return Err(NoteError::NoSignature);
        }
        let mut signatures = Vec::new();
        for (at, line) in lines.split_inclusive('\n').enumerate() {
            if at == SIGNATURES_MAX {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(NoteSignature::parse(line).ok_or(NoteError::BadLine(at))?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The bytes of the note.
    pub fn encode(&self) -> String {
        let lines: usize = self.signatures.iter().map(NoteSignature::encoded_bytes_max).sum();
        let mut note = String::with_capacity(self.text.len() + 1 + lines);
        note.push_str(&self.text);
        note.push('\n');
        for signature in &self.signatures {
            signature.encode_to(&mut note);
        }
        note
    }

    /// Verifies every line of a known key; ignores the others. Empty if there is none.
    pub fn verify(&self, known: &[VerifierKey]) -> Result<Vec<Verified>, NoteError> {
        let mut verified = Vec::new();
        for (line, signature) in self.signatures.iter().enumerate() {
            let Some(key) = find_key(known, signature)? else { continue };
            if !known[key].verify(&self.text, &signature.signature) {
                return Err(NoteError::BadSignature { line, name: signature.name.clone() });
            }
            verified.push(Verified { line, key, time: known[key].time_of(&signature.signature) });
        }
        Ok(verified)
    }
}

/// Reads a note and verifies it: at least one known key signed it, and none that is named failed.
pub fn open(bytes: &[u8], known: &[VerifierKey]) -> Result<(Note, Vec<Verified>), NoteError> {
    let note = Note::parse(bytes)?;
    let verified = note.verify(known)?;
    if verified.is_empty() {
        return Err(NoteError::NoKnownSignature);
    }
    Ok((note, verified))
}

/// Signs a text with an Ed25519 key (type 01): a note of one line.
pub fn sign(text: &str, signer: &mut dyn NoteSigner) -> Result<Note, SignError> {
    check_text(text)?;
    if signer.verifier().signature_type() != SignatureType::Ed25519 {
        return Err(SignError::WrongType);
    }
    let signature = signer.sign(text.as_bytes())?.to_vec();
    let line = signer.verifier().line(signature);
    Ok(Note { text: text.to_owned(), signatures: vec![line] })
}

/// Whether a text can be the text of a note.
pub fn check_text(text: &str) -> Result<(), NoteError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(NoteError::TextTooLong(text.len()));
    }
    if !text.ends_with('\n') {
        return Err(NoteError::NoText);
    }
    check_bytes(text)
}

/// Whether a name can be the name of a key: 1 to 255 bytes without control bytes, plus signs and
/// characters of the Unicode property White_Space.
pub fn is_key_name(name: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c == '+' || c < ' ';
    (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains(odd)
}

/// What a cosignature/v1 signs: a header line, a time line, and the whole text of the checkpoint.
pub fn cosignature_message(text: &str, time: u64) -> Vec<u8> {
    let mut message = Vec::with_capacity(text.len() + 48);
    message.extend_from_slice(b"cosignature/v1\ntime ");
    message.extend_from_slice(time.to_string().as_bytes());
    message.push(b'\n');
    message.extend_from_slice(text.as_bytes());
    message
}

impl NoteSignature {
    /// Reads one line, with its line feed: `— name base64(key id ‖ signature)`.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix(LINE_PREFIX)?.strip_suffix('\n')?.split_once(' ')?;
        if !is_key_name(name) || base64.len() > (4 + LINE_SIGNATURE_BYTES_MAX) * 4 / 3 + 4 {
            return None;
        }
        let bytes = STANDARD.decode(base64).ok()?;
        let (key_id, signature) = bytes.split_first_chunk::<4>()?;
        if !(1..=LINE_SIGNATURE_BYTES_MAX).contains(&signature.len()) {
            return None;
        }
        Some(Self { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
    }

    /// The line, with its line feed.
    pub fn encode(&self) -> String {
        let mut line = String::with_capacity(self.encoded_bytes_max());
        self.encode_to(&mut line);
        line
    }

    fn encode_to(&self, out: &mut String) {
        let bytes = [&self.key_id[..], &self.signature].concat();
        out.push_str(LINE_PREFIX);
        out.push_str(&self.name);
        out.push(' ');
        STANDARD.encode_string(bytes, out);
        out.push('\n');
    }

    fn encoded_bytes_max(&self) -> usize {
        LINE_PREFIX.len() + self.name.len() + 2 + (4 + self.signature.len()).div_ceil(3) * 4
    }
}

/// A public key with a name and a signature type: what a vkey says.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key_id: [u8; 4],
    signature_type: SignatureType,
    public: PublicKey,
}

impl VerifierKey {
    /// Names a key. Refuses keys of small and mixed order.
    pub fn new(name: &str, signature_type: SignatureType, public: PublicKey) -> Result<Self, KeyTextError> {
        if !is_key_name(name) {
            return Err(KeyTextError::BadName);
        }
        public.check_enrolable()?;
        Ok(Self::named(name, signature_type, public))
    }

    /// Reads `<name>+<8 lower-case hex digits>+<base64(type ‖ public key)>`.
    pub fn parse(vkey: &str) -> Result<Self, KeyTextError> {
        let parts = split_key_text(vkey)?;
        let key = Self::new(parts.name, parts.signature_type, PublicKey::from_bytes32(&parts.key)?)?;
        if key.key_id != parts.key_id {
            return Err(KeyTextError::WrongId);
        }
        Ok(key)
    }

    fn named(name: &str, signature_type: SignatureType, public: PublicKey) -> Self {
        let id = sha256(&[name.as_bytes(), &[b'\n', signature_type as u8], public.as_bytes32()]);
        let [a, b, c, d, ..] = id.0;
        Self { name: name.to_owned(), key_id: [a, b, c, d], signature_type, public }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First four bytes of SHA-256(name ‖ LF ‖ type ‖ public key).
    pub fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// What it signs, and how.
    pub fn signature_type(&self) -> SignatureType {
        self.signature_type
    }

    /// The key itself.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The line of a signature that this key made.
    pub fn line(&self, signature: Vec<u8>) -> NoteSignature {
        NoteSignature { name: self.name.clone(), key_id: self.key_id, signature }
    }

    /// Verifies what follows the key id in one line over a text.
    fn verify(&self, text: &str, signature: &[u8]) -> bool {
        match (self.signature_type, signature.split_first_chunk::<8>()) {
            (SignatureType::Ed25519, _) => self.public.verify(text.as_bytes(), signature),
            (SignatureType::CosignatureV1, Some((time, signature))) => {
                let time = u64::from_be_bytes(*time);
                time <= COSIGNATURE_TIME_MAX
                    && self.public.verify(&cosignature_message(text, time), signature)
            }
            (SignatureType::CosignatureV1, None) => false,
        }
    }

    /// The time that a cosignature names; `None` for a plain signature.
    fn time_of(&self, signature: &[u8]) -> Option<u64> {
        let (time, _) = signature.split_first_chunk::<8>()?;
        (self.signature_type == SignatureType::CosignatureV1).then(|| u64::from_be_bytes(*time))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&key_text(self, self.public.as_bytes32()))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// Why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The text cannot be the text of a note.
    #[error("the text cannot be signed: {0}")]
    BadText(#[from] NoteError),
    /// The key's signature type is for another purpose.
    #[error("the key's signature type is for another purpose")]
    WrongType,
    /// The key's name is not the origin of the checkpoint.
    #[error("the key is named {key}, the checkpoint is of {origin}")]
    WrongName {
        /// Name of the key.
        key: String,
        /// First line of the checkpoint.
        origin: String,
    },
    /// A time above [`COSIGNATURE_TIME_MAX`].
    #[error("time {0} is too late for a cosignature")]
    BadTime(u64),
    /// The device that holds the key gave no signature.
    #[error("the signer gave no signature: {0}")]
    Device(String),
}

/// Whatever holds a key and signs with it: a [`SignerKey`], or a device that never shows its key.
pub trait NoteSigner {
    /// Name, type and public key of the signer.
    fn verifier(&self) -> &VerifierKey;

    /// The Ed25519 signature over exactly these bytes.
    fn sign(&mut self, message: &[u8]) -> Result<[u8; SIGNATURE_BYTES], SignError>;
}

/// A secret key with a name and a signature type, in memory.
#[derive(Debug)]
pub struct SignerKey {
    verifier: VerifierKey,
    secret: SecretKey,
}

impl SignerKey {
    /// Names a secret key.
    pub fn new(name: &str, signature_type: SignatureType, secret: SecretKey) -> Result<Self, KeyTextError> {
        if !is_key_name(name) {
            return Err(KeyTextError::BadName);
        }
        // No order check: a public key computed from a seed is of prime order.
        Ok(Self { verifier: VerifierKey::named(name, signature_type, secret.public()), secret })
    }

    /// Reads `PRIVATE+KEY+<name>+<id>+<base64(type ‖ seed)>`, the text form of Go's note package.
    pub fn parse(text: &str) -> Result<Self, KeyTextError> {
        let rest = text.strip_prefix(SIGNER_PREFIX).ok_or(KeyTextError::Malformed)?;
        let parts = split_key_text(rest)?;
        let key = Self::new(parts.name, parts.signature_type, SecretKey::from_seed(&parts.key))?;
        if key.verifier.key_id != parts.key_id {
            return Err(KeyTextError::WrongId);
        }
        Ok(key)
    }

    /// The text form that [`Self::parse`] reads.
    pub fn to_secret_text(&self) -> Zeroizing<String> {
        let text = Zeroizing::new(key_text(&self.verifier, &self.secret.seed()));
        Zeroizing::new([SIGNER_PREFIX, &text].concat())
    }

    /// The same key and name as a cosigner (type 04): witnesses keep their key in the plain form.
    #[must_use]
    pub fn into_cosigner(self) -> Self {
        let verifier =
            VerifierKey::named(&self.verifier.name, SignatureType::CosignatureV1, self.verifier.public);
        Self { verifier, secret: self.secret }
    }
}

impl NoteSigner for SignerKey {
    fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    fn sign(&mut self, message: &[u8]) -> Result<[u8; SIGNATURE_BYTES], SignError> {
        Ok(self.secret.sign(message))
    }
}

fn check_bytes(text: &str) -> Result<(), NoteError> {
    match text.bytes().position(|byte| byte < b' ' && byte != b'\n') {
        Some(at) => Err(NoteError::ControlByte(at)),
        None => Ok(()),
    }
}

/// The one known key of this line's name and key id.
fn find_key(known: &[VerifierKey], signature: &NoteSignature) -> Result<Option<usize>, NoteError> {
    let named = |key: &VerifierKey| key.key_id == signature.key_id && key.name == signature.name;
    let Some(first) = known.iter().position(named) else { return Ok(None) };
    if known[first + 1..].iter().any(named) {
        return Err(NoteError::AmbiguousKeys(signature.name.clone()));
    }
    Ok(Some(first))
}

/// What a key text says, not yet compared with its key id.
struct KeyText<'a> {
    name: &'a str,
    key_id: [u8; 4],
    signature_type: SignatureType,
    /// A public key, or a seed.
    key: Zeroizing<[u8; 32]>,
}

/// Takes `name+id+base64(type ‖ key)` apart. Base64 may hold plus signs, names may not.
fn split_key_text(text: &str) -> Result<KeyText<'_>, KeyTextError> {
    let (name, rest) = text.split_once('+').ok_or(KeyTextError::Malformed)?;
    let (hex, base64) = rest.split_once('+').ok_or(KeyTextError::Malformed)?;
    let mut key_id = [0; 4];
    if !hex_decode(hex, &mut key_id) {
        return Err(KeyTextError::Malformed);
    }
    let bytes = Zeroizing::new(STANDARD.decode(base64).map_err(|_| KeyTextError::Malformed)?);
    let (signature_type, key) = bytes.split_first().ok_or(KeyTextError::Malformed)?;
    let signature_type = SignatureType::from_u8(*signature_type)?;
    let key = key.try_into().map(Zeroizing::new).map_err(|_| KeyTextError::Malformed)?;
    Ok(KeyText { name, key_id, signature_type, key })
}

fn key_text(key: &VerifierKey, bytes: &[u8; 32]) -> String {
    let mut typed = Zeroizing::new([key.signature_type as u8; 33]);
    typed[1..].copy_from_slice(bytes);
    let mut text = format!("{}+{}+", key.name, hex_encode(&key.key_id));
    // 33 bytes are 44 characters: reserved, so that no copy of a secret is left behind.
    text.reserve_exact(44);
    STANDARD.encode_string(&typed[..], &mut text);
    text
}

#[cfg(test)]
mod tests;
