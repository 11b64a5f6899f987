//! The leaf: what the log commits to for one statement (SPEC.md "Leaf").
//! Invariant: one value has one spelling; what decodes re-encodes to the same bytes.
//! Limits: 1 to 8 signatures, at most 65,535 bytes.

use thiserror::Error;

use crate::hash::Digest;

/// A leaf must fit the 16-bit length of an entry bundle (C2SP tlog-tiles).
pub const LEAF_BYTES_MAX: usize = 65_535;
/// A statement has at most this many issuers, and exactly one signature each.
pub const SIGNATURES_MAX: usize = 8;
/// Bytes of the fixed part: everything before the first signature.
pub const LEAF_FIXED_BYTES: usize = 90;
/// The only version there is; it also fixes the payload type of the statement.
pub const LEAF_VERSION: u8 = 1;

/// Big-endian, fixed width: the layout of every integer on disk. The limit bounds decoding.
pub(crate) const LAYOUT: bincode::config::Configuration<
    bincode::config::BigEndian,
    bincode::config::Fixint,
    bincode::config::Limit<65_536>,
> = bincode::config::standard().with_big_endian().with_fixed_int_encoding().with_limit::<65_536>();

/// Why bytes are not a leaf. Offsets count from the first byte of the leaf.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LeafError {
    /// The bytes end inside a field.
    #[error("leaf ends at byte {at}, inside {field}")]
    Short {
        /// Length of the bytes at hand.
        at: usize,
        /// Field that is cut.
        field: &'static str,
    },
    /// Unknown version byte.
    #[error("leaf version is {0}, only 1 is known")]
    Version(u8),
    /// Not 1 to 8 signatures.
    #[error("leaf counts {0} signatures, allowed are 1 to 8")]
    SignatureCount(u8),
    /// A signature without bytes.
    #[error("signature {0} of the leaf is empty")]
    SignatureEmpty(usize),
    /// Bytes after the last signature.
    #[error("{0} bytes follow the last signature of the leaf")]
    Trailing(usize),
    /// Longer than an entry bundle can hold.
    #[error("leaf has {0} bytes, at most 65535 are allowed")]
    Long(usize),
}

/// What the rules said of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Verdict {
    /// 0 = accepted, else a refusal code of SPEC.md.
    pub code: u16,
    /// Position of the event that caused the refusal; 0 when accepted.
    pub event: u16,
}

impl Verdict {
    /// All events accepted.
    pub const ACCEPTED: Self = Self { code: 0, event: 0 };

    /// True when all events were accepted.
    pub fn is_accepted(self) -> bool {
        self.code == 0
    }
}

/// One leaf; `signatures` borrows or owns the bytes after the fixed part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf<'a> {
    /// Place in the log, from 0, without gaps.
    pub index: u64,
    /// Link of the leaf before (`hash::link`); zeros at index 0.
    pub previous: Digest,
    /// Unix milliseconds; never smaller than that of the entry before.
    pub recorded_at: u64,
    /// Rules version in force after the entry before.
    pub rules: u32,
    /// Accepted, or the refusal.
    pub verdict: Verdict,
    /// SHA-256 of PAE(payload type, payload).
    pub statement: Digest,
    /// In the order of the statement's issuers.
    pub signatures: Vec<&'a [u8]>,
}

#[derive(bincode::Encode, bincode::Decode)]
struct Fixed {
    version: u8,
    index: u64,
    previous: [u8; 32],
    recorded_at: u64,
    rules: u32,
    code: u16,
    event: u16,
    statement: [u8; 32],
    signatures: u8,
}

impl<'a> Leaf<'a> {
    /// The bytes that are hashed, linked and stored.
    pub fn encode(&self) -> Result<Vec<u8>, LeafError> {
        let count = u8::try_from(self.signatures.len()).unwrap_or(u8::MAX);
        check_count(count)?;
        let fixed = Fixed {
            version: LEAF_VERSION,
            index: self.index,
            previous: self.previous.0,
            recorded_at: self.recorded_at,
            rules: self.rules,
            code: self.verdict.code,
            event: self.verdict.event,
            statement: self.statement.0,
            signatures: count,
        };
        let mut bytes = vec![0; LEAF_FIXED_BYTES];
        bincode::encode_into_slice(fixed, &mut bytes, LAYOUT).expect("the fixed part has 90 bytes");
        for (position, signature) in self.signatures.iter().enumerate() {
            if signature.is_empty() {
                return Err(LeafError::SignatureEmpty(position));
            }
            let length = u16::try_from(signature.len()).map_err(|_| LeafError::Long(signature.len()))?;
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(signature);
        }
        if bytes.len() > LEAF_BYTES_MAX {
            return Err(LeafError::Long(bytes.len()));
        }
        Ok(bytes)
    }

    /// Reads one leaf that fills `bytes` exactly.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, LeafError> {
        if bytes.len() > LEAF_BYTES_MAX {
            return Err(LeafError::Long(bytes.len()));
        }
        let Ok((fixed, used)) = bincode::decode_from_slice::<Fixed, _>(bytes, LAYOUT) else {
            return Err(LeafError::Short { at: bytes.len(), field: "the fixed part" });
        };
        if fixed.version != LEAF_VERSION {
            return Err(LeafError::Version(fixed.version));
        }
        check_count(fixed.signatures)?;
        let signatures = decode_signatures(bytes, used, fixed.signatures)?;
        Ok(Self {
            index: fixed.index,
            previous: Digest(fixed.previous),
            recorded_at: fixed.recorded_at,
            rules: fixed.rules,
            verdict: Verdict { code: fixed.code, event: fixed.event },
            statement: Digest(fixed.statement),
            signatures,
        })
    }
}

fn check_count(count: u8) -> Result<(), LeafError> {
    if count == 0 || usize::from(count) > SIGNATURES_MAX {
        return Err(LeafError::SignatureCount(count));
    }
    Ok(())
}

fn decode_signatures(bytes: &[u8], start: usize, count: u8) -> Result<Vec<&[u8]>, LeafError> {
    let short = |field| LeafError::Short { at: bytes.len(), field };
    let mut rest = bytes.get(start..).ok_or(short("the fixed part"))?;
    let mut signatures = Vec::with_capacity(usize::from(count));
    for position in 0..usize::from(count) {
        let (length, after) = rest.split_first_chunk::<2>().ok_or(short("a signature length"))?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 {
            return Err(LeafError::SignatureEmpty(position));
        }
        let (signature, after) = after.split_at_checked(length).ok_or(short("a signature"))?;
        signatures.push(signature);
        rest = after;
    }
    if !rest.is_empty() {
        return Err(LeafError::Trailing(rest.len()));
    }
    Ok(signatures)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample<'a>() -> Leaf<'a> {
        Leaf {
            index: 0x0102,
            previous: Digest([7; 32]),
            recorded_at: 1_795_413_903_000,
            rules: 1,
            verdict: Verdict { code: 21, event: 3 },
            statement: Digest([9; 32]),
            signatures: vec![&[1; 64], &[2; 64]],
        }
    }

    /// The byte table of SPEC.md, written out by hand, so no reader depends on a crate.
    fn by_hand(leaf: &Leaf) -> Vec<u8> {
        let mut bytes = vec![1];
        bytes.extend(leaf.index.to_be_bytes());
        bytes.extend(leaf.previous.0);
        bytes.extend(leaf.recorded_at.to_be_bytes());
        bytes.extend(leaf.rules.to_be_bytes());
        bytes.extend(leaf.verdict.code.to_be_bytes());
        bytes.extend(leaf.verdict.event.to_be_bytes());
        bytes.extend(leaf.statement.0);
        bytes.push(u8::try_from(leaf.signatures.len()).unwrap());
        for signature in &leaf.signatures {
            bytes.extend(u16::try_from(signature.len()).unwrap().to_be_bytes());
            bytes.extend(*signature);
        }
        bytes
    }

    #[test]
    fn a_hand_written_encoder_gives_the_same_leaf_bytes() {
        let leaf = sample();

        let bytes = leaf.encode().unwrap();

        assert_eq!(bytes, by_hand(&leaf));
        assert_eq!(bytes.len(), 90 + 66 * 2);
        assert_eq!(Leaf::decode(&bytes).unwrap(), leaf);
    }

    #[test]
    fn every_cut_and_every_surplus_byte_of_a_leaf_is_refused() {
        let bytes = sample().encode().unwrap();

        for length in 0..bytes.len() {
            assert!(Leaf::decode(&bytes[..length]).is_err(), "{length} bytes");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(Leaf::decode(&longer), Err(LeafError::Trailing(1)));
    }

    #[test]
    fn unknown_versions_and_signature_counts_are_refused() {
        let bytes = sample().encode().unwrap();
        let with = |at: usize, value: u8| {
            let mut changed = bytes.clone();
            changed[at] = value;
            changed
        };

        assert_eq!(Leaf::decode(&with(0, 2)), Err(LeafError::Version(2)));
        assert_eq!(Leaf::decode(&with(89, 0)), Err(LeafError::SignatureCount(0)));
        assert_eq!(Leaf::decode(&with(89, 9)), Err(LeafError::SignatureCount(9)));
        assert!(sample_without_signatures().encode().is_err());
    }

    fn sample_without_signatures<'a>() -> Leaf<'a> {
        Leaf { signatures: Vec::new(), ..sample() }
    }

    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes() {
        proptest::proptest!(|(noise in proptest::collection::vec(proptest::num::u8::ANY, 80..400), at in 0_usize..300, by: u8)| {
            let mut bytes = sample().encode().unwrap();
            let position = at % bytes.len();
            bytes[position] = by;
            for candidate in [&bytes, &noise] {
                if let Ok(leaf) = Leaf::decode(candidate) {
                    proptest::prop_assert_eq!(&leaf.encode().unwrap(), candidate);
                }
            }
        });
    }
}
