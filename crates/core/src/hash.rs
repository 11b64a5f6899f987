//! Digests and every hash that Lian computes, each with its own tag (SPEC.md "Hashes").
//! Invariant: no two purposes share an input prefix, so no value of one can pass for another.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// 32 bytes of SHA-256 or BLAKE3. Shown and parsed as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// 32 zero bytes: the link before entry 0, the empty map, the state of nothing.
    pub const ZERO: Self = Self([0; 32]);

    /// Reads exactly 64 lower-case hex digits; `None` for any other spelling.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex_decode(text, &mut bytes).then_some(Self(bytes))
    }

    /// 64 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        hex_encode(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// Lower-case hex of any bytes.
pub fn hex_encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = vec![0; bytes.len() * 2];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    String::from_utf8(text).expect("hash: digits are text")
}

/// Fills `out` from lower-case hex of exactly twice its length; false (and `out` unspecified)
/// for anything else.
pub fn hex_decode(text: &str, out: &mut [u8]) -> bool {
    let text = text.as_bytes();
    if text.len() != out.len() * 2 {
        return false;
    }
    let mut all = 0;
    for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        let (high, low) = (NIBBLES[usize::from(pair[0])], NIBBLES[usize::from(pair[1])]);
        all |= high | low;
        *byte = high << 4 | low;
    }
    all < 16
}

/// What each byte is as a lower-case hex digit; 255 for all others.
const NIBBLES: [u8; 256] = {
    let mut nibbles = [255; 256];
    let mut value = 0;
    while value < 16 {
        nibbles[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    nibbles
};

/// SHA-256 over the concatenation of `parts`.
pub fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    Digest(hasher.finalize().into())
}

/// BLAKE3 over the concatenation of `parts`.
pub fn blake3(parts: &[&[u8]]) -> Digest {
    let mut hasher = ::blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    Digest(*hasher.finalize().as_bytes())
}

/// Merkle leaf hash (RFC 6962 §2.1): SHA-256(0x00 ‖ leaf).
pub fn leaf_hash(leaf: &[u8]) -> Digest {
    sha256(&[&[0], leaf])
}

/// Merkle node hash (RFC 6962 §2.1): SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut input = [1; 65];
    input[1..33].copy_from_slice(&left.0);
    input[33..].copy_from_slice(&right.0);
    Digest(Sha256::digest(input).into())
}

/// Root of the tree without leaves (RFC 6962 §2.1): SHA-256 of nothing.
pub fn empty_root() -> Digest {
    sha256(&[])
}

/// The `previous` field of the next leaf: BLAKE3("lian/link/v1\n" ‖ leaf).
pub fn link(leaf: &[u8]) -> Digest {
    blake3(&[b"lian/link/v1\n", leaf])
}

/// First 8 bytes of BLAKE3(tag ‖ parts): detects damage in frames; binds nothing against an
/// attacker, which is what links, leaves and signatures are for.
pub fn checksum(tag: &[u8], parts: &[&[u8]]) -> [u8; 8] {
    let mut hasher = ::blake3::Hasher::new();
    hasher.update(tag);
    for part in parts {
        hasher.update(part);
    }
    let mut short = [0; 8];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6962_known_answers_hold() {
        let leaf_of_nothing = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

        assert_eq!(leaf_hash(b"").to_hex(), leaf_of_nothing);
        assert_eq!(empty_root().to_hex(), nothing);
    }

    #[test]
    fn only_64_lower_case_hex_digits_are_a_digest() {
        let text = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";

        assert_eq!(Digest::from_hex(text).unwrap().to_hex(), text);
        for bad in [&text.to_uppercase(), &text[1..], &format!("{text}0"), ""] {
            assert!(Digest::from_hex(bad).is_none(), "{bad}");
        }
    }
}
