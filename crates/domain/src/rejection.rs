//! Why a statement is answered without being logged (SPEC.md "Rejections").
//! Numbers are fixed for ever and apart from refusal codes: a rejection is about form, time,
//! authority and versions; a refusal is a business rule and is on the record.

use lian_core::{
    hash::Digest,
    json::{Fields, Value},
    time::{format_moment, parse_moment},
};
use thiserror::Error;

use crate::clearance::Unpaired;

/// A statement that is not logged, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Rejection {
    /// Not an envelope.
    #[error("the envelope does not parse: {0}")]
    Envelope(String),
    /// Not a statement, or an event that is not what its kind says.
    #[error("the statement does not parse: {0}")]
    Schema(String),
    /// Signed for another ledger.
    #[error("the statement is for ledger {named}, this is {own}")]
    WrongLedger {
        /// What the statement names.
        named: String,
        /// This ledger.
        own: String,
    },
    /// `issued_at` lies ahead of the log's clock.
    #[error("issued {ahead_s} s ahead of the log's clock, at most {allowed_s} s are allowed")]
    IssuedAhead {
        /// Seconds ahead.
        ahead_s: i64,
        /// Seconds allowed.
        allowed_s: i64,
    },
    /// `valid_until` has passed.
    #[error("the statement was valid until {0} s ago; sign it anew")]
    Expired(i64),
    /// `valid_until` lies too far from `issued_at`, or before it.
    #[error("a statement is valid for 0 to {allowed_days} days, this one claims {claimed_s} s")]
    ValidTooLong {
        /// Seconds claimed.
        claimed_s: i64,
        /// Days allowed.
        allowed_days: i64,
    },
    /// No such key.
    #[error("key {0} is not enrolled")]
    UnknownKey(String),
    /// The key is revoked.
    #[error("key {0} is revoked")]
    RevokedKey(String),
    /// The key belongs to another actor.
    #[error("key {key} belongs to {owner}, not to {claimed}")]
    KeyOfAnother {
        /// Key id.
        key: String,
        /// Who owns it.
        owner: String,
        /// Who claims it.
        claimed: String,
    },
    /// The key does not hold this capacity.
    #[error("{actor} does not hold the capacity {capacity:?} with this key")]
    CapacityNotHeld {
        /// The issuer.
        actor: String,
        /// What it claims.
        capacity: String,
    },
    /// The issuers' capacities are not exactly those that the kinds require.
    #[error("{kind} is signed by {required}, this statement is signed as {found}")]
    WrongCapacities {
        /// Kind of the event that is not covered, or the first one.
        kind: String,
        /// What it requires.
        required: String,
        /// What the issuers are.
        found: String,
    },
    /// An actor, person or key signs twice.
    #[error("{0} appears twice among the issuers")]
    SignerTwice(String),
    /// Not one signature per issuer.
    #[error("{issuers} issuers but {signatures} signatures")]
    SignatureCount {
        /// Issuers of the statement.
        issuers: usize,
        /// Signatures of the envelope.
        signatures: usize,
    },
    /// A signature does not verify.
    #[error("signature {position} is not by key {key}")]
    BadSignature {
        /// Position from 0.
        position: usize,
        /// Key id that should have signed.
        key: String,
    },
    /// The signer is not a party to this object.
    #[error("{actor} is not the party that may say {kind} of {stream}")]
    WrongSide {
        /// Who signs.
        actor: String,
        /// Kind of the event.
        kind: String,
        /// Stream of the event.
        stream: String,
    },
    /// Guarantees of several banks in one statement.
    #[error("the statement touches guarantees of banks {0} and {1}; send one statement each")]
    SeveralBanks(String, String),
    /// Events of several reader classes in one statement.
    #[error("the statement mixes events for different readers; send one statement each")]
    SeveralClasses,
    /// One half of an act that is one moment on two streams.
    #[error(transparent)]
    Unpaired(#[from] Unpaired),
    /// A stream has another version than expected.
    #[error("{stream} is at version {actual}, the statement expects {expected}")]
    StaleVersion {
        /// The stream.
        stream: String,
        /// What the statement says.
        expected: u64,
        /// What is so.
        actual: u64,
    },
    /// A required stream has another version than read.
    #[error("{stream} is at version {actual}, the signer read {expected}")]
    StaleRequires {
        /// The stream.
        stream: String,
        /// What the statement says.
        expected: u64,
        /// What is so.
        actual: u64,
    },
    /// The kind needs `seen`.
    #[error("{0} needs `seen`: the last epoch that the signer verified")]
    SeenMissing(String),
    /// `seen` names an epoch that this log does not have, or had with another root.
    #[error("the signer saw epoch {epoch} with root {seen}, this log has {own}: compare checkpoints at once")]
    SeenContradicted {
        /// Epoch number.
        epoch: u64,
        /// Root that the signer saw.
        seen: String,
        /// Root of this log, or "no such epoch".
        own: String,
    },
    /// The same id for another statement.
    #[error("{actor} used the id {id} for another statement, entry {entry}")]
    IdReused {
        /// First issuer.
        actor: String,
        /// The id.
        id: String,
        /// Where the other one is.
        entry: u64,
    },
    /// This statement is in the log already (a client gets its first receipt instead).
    #[error("this statement is entry {0} already")]
    AlreadyLogged(u64),
    /// The key's refusals of this day are used up.
    #[error("key {key} had {quota} refusals today; what exceeds them is counted, not logged")]
    RefusalQuota {
        /// Key id.
        key: String,
        /// Refusals a key may have logged in a day.
        quota: u64,
    },
    /// The clock stepped; only `clock.stepped` is taken.
    #[error("the log's clock stepped by {0} ms; two admins must record clock.stepped first")]
    ClockStopped(i64),
    /// Derived facts that are not what the log itself gives.
    #[error("{0} is derived from the log, and the log gives another value")]
    NotDerived(String),
    /// Only entry 0 opens a ledger, and it opens every ledger.
    #[error("entry 0 opens the ledger, and no other entry does")]
    Genesis,
    /// A key that is enrolled already, or was once.
    #[error("key {0} was enrolled before; a key is enrolled once, for one actor")]
    KeyEnrolledBefore(String),
    /// Rules on an engine that this program does not have.
    #[error("these rules run on engine {0}, which this program does not have; update it first")]
    EngineUnknown(u32),
    /// The chain of certificates is named where it must not be, or not where it must.
    #[error("the first key of an actor names the digest of its certificate chain, further keys do not")]
    Chain,
    /// A fork of duties: two admins of one unit, or too few roots.
    #[error("{0}")]
    NotIndependent(String),
}

/// Stable names in the order of the numbers, from 1.
pub const NAMES: [&str; 32] = [
    "malformed-envelope",
    "malformed-statement",
    "wrong-ledger",
    "issued-ahead",
    "expired",
    "valid-too-long",
    "unknown-key",
    "revoked-key",
    "key-of-another",
    "capacity-not-held",
    "wrong-capacities",
    "signer-twice",
    "signature-count",
    "bad-signature",
    "wrong-side",
    "several-banks",
    "several-classes",
    "stale-version",
    "stale-requires",
    "seen-missing",
    "seen-contradicted",
    "id-reused",
    "already-logged",
    "refusal-quota",
    "clock-stopped",
    "not-derived",
    "genesis",
    "key-enrolled-before",
    "not-independent",
    "engine-unknown",
    "chain",
    "unpaired",
];

impl Rejection {
    /// Number of SPEC.md's table.
    pub fn code(&self) -> u16 {
        match self {
            Self::Envelope(_) => 1,
            Self::Schema(_) => 2,
            Self::WrongLedger { .. } => 3,
            Self::IssuedAhead { .. } => 4,
            Self::Expired(_) => 5,
            Self::ValidTooLong { .. } => 6,
            Self::UnknownKey(_) => 7,
            Self::RevokedKey(_) => 8,
            Self::KeyOfAnother { .. } => 9,
            Self::CapacityNotHeld { .. } => 10,
            Self::WrongCapacities { .. } => 11,
            Self::SignerTwice(_) => 12,
            Self::SignatureCount { .. } => 13,
            Self::BadSignature { .. } => 14,
            Self::WrongSide { .. } => 15,
            Self::SeveralBanks(..) => 16,
            Self::SeveralClasses => 17,
            Self::StaleVersion { .. } => 18,
            Self::StaleRequires { .. } => 19,
            Self::SeenMissing(_) => 20,
            Self::SeenContradicted { .. } => 21,
            Self::IdReused { .. } => 22,
            Self::AlreadyLogged(_) => 23,
            Self::RefusalQuota { .. } => 24,
            Self::ClockStopped(_) => 25,
            Self::NotDerived(_) => 26,
            Self::Genesis => 27,
            Self::KeyEnrolledBefore(_) => 28,
            Self::NotIndependent(_) => 29,
            Self::EngineUnknown(_) => 30,
            Self::Chain => 31,
            Self::Unpaired(_) => 32,
        }
    }

    /// Stable name of SPEC.md's table, for programs.
    pub fn name(&self) -> &'static str {
        NAMES[usize::from(self.code()) - 1]
    }
}

/// What a signed rejection says: the answer to a statement that is not logged. Its payload type is
/// `application/vnd.lian.rejection.v1+json`; the key of `system:admission` signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectionNote {
    /// Ledger id that answered.
    pub ledger: String,
    /// Digest of the statement; `None` if the envelope did not parse.
    pub statement: Option<Digest>,
    /// Number of the table above.
    pub code: u16,
    /// Name of the table above.
    pub name: String,
    /// The sentence.
    pub detail: String,
    /// Committed size of the log then.
    pub size: u64,
    /// Root of that size.
    pub root: Digest,
    /// When, Unix seconds.
    pub time: i64,
}

impl RejectionNote {
    /// The canonical payload.
    pub fn payload(&self) -> Vec<u8> {
        let clean: String = self.detail.chars().filter(|letter| !letter.is_control()).take(1_000).collect();
        Value::object([
            ("code", Value::number(u64::from(self.code))),
            ("detail", Value::text(clean)),
            ("ledger", Value::text(self.ledger.as_str())),
            ("name", Value::text(self.name.as_str())),
            ("root", Value::text(self.root.to_hex())),
            ("size", Value::number(self.size)),
            ("statement", self.statement.map_or(Value::Null, |digest| Value::text(digest.to_hex()))),
            ("time", Value::text(format_moment(self.time))),
        ])
        .write()
    }

    /// Reads a payload; `None` unless it is exactly one of these.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let value = Value::read(payload).ok()?;
        let mut fields = Fields::open(&value).ok()?;
        let statement = match fields.required("statement").ok()? {
            Value::Null => None,
            Value::Text(text) => Some(Digest::from_hex(text)?),
            _ => return None,
        };
        let note = Self {
            ledger: fields.text("ledger").ok()?.to_owned(),
            statement,
            code: u16::try_from(fields.number("code").ok()?).ok()?,
            name: fields.text("name").ok()?.to_owned(),
            detail: fields.text("detail").ok()?.to_owned(),
            size: fields.number("size").ok()?,
            root: fields.digest("root").ok()?,
            time: parse_moment(fields.text("time").ok()?)?,
        };
        fields.close().ok()?;
        Some(note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_note_reads_back_as_it_was_written() {
        let rejection = Rejection::StaleVersion { stream: "guarantee/X".to_owned(), expected: 1, actual: 2 };
        let note = RejectionNote {
            ledger: "a#b".to_owned(),
            statement: Some(Digest([1; 32])),
            code: rejection.code(),
            name: rejection.name().to_owned(),
            detail: rejection.to_string(),
            size: 7,
            root: Digest([2; 32]),
            time: 1_795_413_903,
        };

        assert_eq!(RejectionNote::parse(&note.payload()), Some(note));
        assert_eq!((rejection.code(), rejection.name()), (18, "stale-version"));
    }
}
