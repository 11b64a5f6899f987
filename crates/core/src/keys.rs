//! Ed25519 keys: public keys with one spelling each, secret keys, and the files they live in.
//! Invariant: whatever parses re-encodes to the same bytes; a signature counts only if
//! `verify_strict` says so.
//! Limits: Ed25519 only; salts and initialisation vectors come from the caller, because the
//! core knows no randomness.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey, pkcs8::KeypairBytes};
use pkcs8::{
    EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef,
    der::{ErrorKind, SecretDocument},
    pkcs5::{
        EncryptionScheme,
        pbes2::{Kdf, Parameters, Salt, ScryptParams},
    },
};
use zeroize::Zeroizing;

use crate::hash::{Digest, hex_encode, sha256};

/// Bytes of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;
/// Bytes of an Ed25519 SubjectPublicKeyInfo.
pub const SPKI_BYTES: usize = SPKI_PREFIX.len() + 32;
/// The longest key file that is read; a real one has about 400 bytes.
pub const KEY_FILE_BYTES_MAX: usize = 8 * 1024;
/// Memory that a key file may make us spend on scrypt: four times what we write.
pub const SCRYPT_BYTES_MAX: u64 = 64 << 20;
/// Passes that a key file may make us spend on scrypt.
pub const SCRYPT_PARALLELIZATION_MAX: u16 = 16;
/// Rounds that a key file may make us spend on PBKDF2: five times the common advice of 2025.
pub const PBKDF2_ROUNDS_MAX: u32 = 3_000_000;

/// scrypt N = 2^14: OpenSSL 3 opens nothing that takes more than 32 MiB.
const SCRYPT_N: u64 = 1 << 14;
/// scrypt r.
const SCRYPT_R: u16 = 8;
/// scrypt p: makes up in passes for what OpenSSL's memory limit takes from N.
const SCRYPT_P: u16 = 5;

/// SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 bytes } up to the key.
const SPKI_PREFIX: [u8; 12] = *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// PKCS#8 version 1 up to the seed. Version 2 (with the public key) is refused by OpenSSL 3.0.
const PKCS8_PREFIX: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

const PEM_PLAIN: &str = "PRIVATE KEY";
const PEM_ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

/// Signature algorithms, numbered as in key ids and in the registry of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Algorithm {
    /// Ed25519 under `verify_strict`: the only one that is supported.
    Ed25519 = 1,
    /// ECDSA P-256 with low s; named, not supported.
    EcdsaP256 = 2,
    /// RSA-PSS; named, not supported.
    RsaPss = 3,
    /// ML-DSA-44; named, not supported.
    MlDsa44 = 4,
}

impl Algorithm {
    /// The algorithm of this number; `None` if the number has no name.
    pub fn from_u8(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Ed25519),
            2 => Some(Self::EcdsaP256),
            3 => Some(Self::RsaPss),
            4 => Some(Self::MlDsa44),
            _ => None,
        }
    }

    /// Its number.
    pub fn to_u8(self) -> u8 {
        self as u8
    }

    /// Whether this version can verify it.
    pub fn is_supported(self) -> bool {
        self == Self::Ed25519
    }
}

/// Why bytes are not a public key that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// Not the 44 bytes of an Ed25519 SubjectPublicKeyInfo.
    #[error("not an ed25519 subject public key info of {SPKI_BYTES} bytes: {0} bytes given")]
    NotSpki(usize),
    /// The 32 bytes are no point of the curve.
    #[error("not a point of the curve")]
    NotOnCurve,
    /// The point has another, shorter spelling.
    #[error("not the canonical encoding of its point")]
    NotCanonical,
    /// The point has order 1, 2, 4 or 8: it verifies signatures that nobody made.
    #[error("a key of small order")]
    SmallOrder,
    /// The point has a small-order part: verifiers disagree on its signatures.
    #[error("a key of mixed order")]
    MixedOrder,
}

/// An Ed25519 public key, decompressed once. 192 bytes, copied without allocation.
#[derive(Clone, Copy)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads the 32 bytes of RFC 8032; only the canonical encoding of a point.
    pub fn from_bytes32(bytes: &[u8; 32]) -> Result<Self, PublicKeyError> {
        let point = CompressedEdwardsY(*bytes).decompress().ok_or(PublicKeyError::NotOnCurve)?;
        if point.compress().to_bytes() != *bytes {
            return Err(PublicKeyError::NotCanonical);
        }
        Ok(Self(VerifyingKey::from(point)))
    }

    /// Reads exactly the 44-byte Ed25519 SubjectPublicKeyInfo (RFC 8410).
    pub fn from_spki_der(der: &[u8]) -> Result<Self, PublicKeyError> {
        der.strip_prefix(&SPKI_PREFIX)
            .and_then(|key| <&[u8; 32]>::try_from(key).ok())
            .ok_or(PublicKeyError::NotSpki(der.len()))
            .and_then(Self::from_bytes32)
    }

    /// The 44-byte Ed25519 SubjectPublicKeyInfo.
    pub fn to_spki_der(&self) -> [u8; SPKI_BYTES] {
        let mut der = [0; SPKI_BYTES];
        der[..SPKI_PREFIX.len()].copy_from_slice(&SPKI_PREFIX);
        der[SPKI_PREFIX.len()..].copy_from_slice(self.as_bytes32());
        der
    }

    /// The 32 bytes of RFC 8032.
    pub fn as_bytes32(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Always Ed25519 so far.
    pub fn algorithm(&self) -> Algorithm {
        Algorithm::Ed25519
    }

    /// Key id: SHA-256("lian/key/v1\n" ‖ algorithm ‖ SPKI DER).
    pub fn id(&self) -> Digest {
        sha256(&[b"lian/key/v1\n", &[self.algorithm().to_u8()], &self.to_spki_der()])
    }

    /// Whether `signature` is 64 bytes that `verify_strict` accepts over `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        <[u8; SIGNATURE_BYTES]>::try_from(signature).is_ok_and(|signature| {
            let signature = Signature::from_bytes(&signature);
            self.0.verify_strict(message, &signature).is_ok()
        })
    }

    /// Refuses what must never be enrolled: keys of small and of mixed order. `verify_strict`
    /// alone would take signatures of mixed-order keys, on which other verifiers disagree.
    pub fn check_enrolable(&self) -> Result<(), PublicKeyError> {
        if self.0.is_weak() {
            return Err(PublicKeyError::SmallOrder);
        }
        if !self.0.to_edwards().is_torsion_free() {
            return Err(PublicKeyError::MixedOrder);
        }
        Ok(())
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes32() == other.as_bytes32()
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes32().hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", hex_encode(self.as_bytes32()))
    }
}

/// Why a key file did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// Longer than any key file.
    #[error("key file has {bytes} bytes, more than {KEY_FILE_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// No PEM, no PKCS#8, or another label.
    #[error("not a pkcs#8 private key in pem")]
    Malformed,
    /// A private key, but of another algorithm.
    #[error("not an ed25519 private key")]
    NotEd25519,
    /// The public key in the file is not the one of the secret key.
    #[error("the public key in the file belongs to another secret key")]
    PublicKeyMismatch,
    /// The file is encrypted and no passphrase was given.
    #[error("the key file is encrypted: a passphrase is needed")]
    Encrypted,
    /// The file is not encrypted, but a passphrase was given.
    #[error("the key file is not encrypted")]
    NotEncrypted,
    /// Encrypted by a scheme that we do not open, or at a cost above our limits.
    #[error("the key file is encrypted in a way that is not supported or too costly")]
    UnsupportedEncryption,
    /// The passphrase opens nothing. Encryption in CBC mode cannot tell this from damaged
    /// encrypted bytes.
    #[error("wrong passphrase, or the encrypted bytes are damaged")]
    WrongPassphrase,
}

/// An Ed25519 secret key. Wiped when dropped; never shown.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key of a 32-byte seed (RFC 8032). The caller wipes the seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The seed, for whoever writes another kind of key file.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Its public key.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs; the same message always gives the same signature.
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.0.sign(message).to_bytes()
    }

    /// PKCS#8 version 1 in PEM, not encrypted.
    pub fn to_pem(&self) -> Zeroizing<String> {
        to_pem(PEM_PLAIN, &self.to_pkcs8_der()[..])
    }

    /// PKCS#8 in PEM under a passphrase: PBES2, scrypt, AES-256-CBC. `salt` and `iv` are fresh
    /// random bytes for each file.
    pub fn to_encrypted_pem(&self, passphrase: &[u8], salt: &[u8; 16], iv: &[u8; 16]) -> Zeroizing<String> {
        let scrypt = ScryptParams {
            salt: Salt::new(salt).expect("16 bytes are a salt"),
            cost_parameter: SCRYPT_N,
            block_size: SCRYPT_R,
            parallelization: SCRYPT_P,
            key_length: None,
        };
        let scheme = EncryptionScheme::from(Parameters {
            kdf: Kdf::from(scrypt),
            encryption: pkcs8::pkcs5::pbes2::EncryptionScheme::Aes256Cbc { iv: *iv },
        });
        let encrypted =
            scheme.encrypt(passphrase, &self.to_pkcs8_der()[..]).expect("our own parameters are valid");
        let file = pkcs8::EncryptedPrivateKeyInfoOwned {
            encryption_algorithm: scheme,
            encrypted_data: pkcs8::der::asn1::OctetString::new(encrypted)
                .expect("64 bytes are an octet string"),
        };
        let der = SecretDocument::encode_msg(&file).expect("200 bytes are encodable");
        to_pem(PEM_ENCRYPTED, der.as_bytes())
    }

    /// Reads a PKCS#8 file that is not encrypted.
    pub fn from_pem(pem: &str) -> Result<Self, KeyFileError> {
        match from_pem(pem)? {
            (PEM_PLAIN, der) => Self::from_pkcs8_der(der.as_bytes()),
            (PEM_ENCRYPTED, _) => Err(KeyFileError::Encrypted),
            _ => Err(KeyFileError::Malformed),
        }
    }

    /// Reads an encrypted PKCS#8 file: PBES2 with scrypt or PBKDF2 and AES, whoever wrote it.
    pub fn from_encrypted_pem(pem: &str, passphrase: &[u8]) -> Result<Self, KeyFileError> {
        let der = match from_pem(pem)? {
            (PEM_ENCRYPTED, der) => der,
            (PEM_PLAIN, _) => return Err(KeyFileError::NotEncrypted),
            _ => return Err(KeyFileError::Malformed),
        };
        let file = EncryptedPrivateKeyInfoRef::try_from(der.as_bytes()).map_err(|error| match error {
            pkcs8::Error::Asn1(error) if matches!(error.kind(), ErrorKind::OidUnknown { .. }) => {
                KeyFileError::UnsupportedEncryption
            }
            _ => KeyFileError::Malformed,
        })?;
        let scheme = affordable(&file.encryption_algorithm)?;
        let plain = scheme.decrypt(passphrase, file.encrypted_data.as_bytes()).map(Zeroizing::new).map_err(
            |error| match error {
                pkcs8::pkcs5::Error::DecryptFailed => KeyFileError::WrongPassphrase,
                _ => KeyFileError::UnsupportedEncryption,
            },
        )?;
        // A wrong passphrase leaves valid padding once in 256 tries; garbage tells it then.
        Self::from_pkcs8_der(&plain).map_err(|error| match error {
            KeyFileError::Malformed => KeyFileError::WrongPassphrase,
            other => other,
        })
    }

    fn to_pkcs8_der(&self) -> Zeroizing<[u8; PKCS8_PREFIX.len() + 32]> {
        let mut der = Zeroizing::new([0; PKCS8_PREFIX.len() + 32]);
        der[..PKCS8_PREFIX.len()].copy_from_slice(&PKCS8_PREFIX);
        der[PKCS8_PREFIX.len()..].copy_from_slice(self.0.as_bytes());
        der
    }

    fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyFileError> {
        let info = PrivateKeyInfoRef::try_from(der).map_err(|_| KeyFileError::Malformed)?;
        let pair = KeypairBytes::try_from(info).map_err(|_| KeyFileError::NotEd25519)?;
        let key = Self::from_seed(&pair.secret_key);
        match pair.public_key {
            Some(public) if public.to_bytes() != *key.public().as_bytes32() => {
                Err(KeyFileError::PublicKeyMismatch)
            }
            _ => Ok(key),
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(not shown)")
    }
}

fn to_pem(label: &'static str, der: &[u8]) -> Zeroizing<String> {
    SecretDocument::try_from(der)
        .and_then(|document| document.to_pem(label, LineEnding::LF))
        .expect("our own der is well formed")
}

fn from_pem(pem: &str) -> Result<(&str, SecretDocument), KeyFileError> {
    if pem.len() > KEY_FILE_BYTES_MAX {
        return Err(KeyFileError::TooLong { bytes: pem.len() });
    }
    SecretDocument::from_pem(pem).map_err(|_| KeyFileError::Malformed)
}

/// The scheme, if opening it costs what a key file may cost. Also keeps zeros from a library
/// that takes their logarithm.
fn affordable(scheme: &EncryptionScheme) -> Result<&Parameters, KeyFileError> {
    let parameters = scheme.pbes2().ok_or(KeyFileError::UnsupportedEncryption)?;
    let within = match &parameters.kdf {
        Kdf::Scrypt(scrypt) => {
            let bytes = u64::from(scrypt.block_size)
                .checked_mul(128)
                .and_then(|block| block.checked_mul(scrypt.cost_parameter));
            scrypt.cost_parameter.is_power_of_two()
                && scrypt.cost_parameter > 1
                && (1..=SCRYPT_PARALLELIZATION_MAX).contains(&scrypt.parallelization)
                && bytes.is_some_and(|bytes| (1..=SCRYPT_BYTES_MAX).contains(&bytes))
        }
        Kdf::Pbkdf2(pbkdf2) => (1..=PBKDF2_ROUNDS_MAX).contains(&pbkdf2.iteration_count),
        _ => false,
    };
    within.then_some(parameters).ok_or(KeyFileError::UnsupportedEncryption)
}

#[cfg(test)]
mod tests;
