//! Ids of statements that are still valid: the same id for another statement of the same first
//! issuer is a conflict. A promise of the service, which the audit does not check.
//! Limits: 40 bytes of memory an id, for as long as its statement is valid.

use foldhash::HashMap;
use lian_core::hash::{Digest, hex_encode, sha256};
use lian_domain::{filing::Filing, rejection::Rejection};

/// Ids by fingerprint.
#[derive(Default)]
pub struct Ids {
    /// First 16 bytes of SHA-256(first issuer ‖ 0 ‖ id): digest's first 8 bytes, end of validity in
    /// Unix seconds, entry.
    known: HashMap<[u8; 16], (u64, i64, u64)>,
    /// Size at which lapsed ids are next forgotten.
    purge_at: usize,
}

impl Ids {
    fn fingerprint(filing: &Filing) -> ([u8; 16], u64) {
        let actor = filing.issuers.first().map_or("", |issuer| &issuer.actor);
        let Digest(hash) = sha256(&[actor.as_bytes(), &[0], &filing.id]);
        let (key, _) = hash.split_first_chunk().expect("16 of 32 bytes");
        let (short, _) = filing.digest.0.split_first_chunk().expect("8 of 32 bytes");
        (*key, u64::from_be_bytes(*short))
    }

    /// Remembers the id of a statement that is entry `index`.
    pub fn remember(&mut self, filing: &Filing, index: u64, now_ms: u64) {
        let (key, digest) = Self::fingerprint(filing);
        self.known.insert(key, (digest, filing.valid_until, index));
        if self.known.len() > self.purge_at.max(10_000) {
            let now = i64::try_from(now_ms / 1_000).unwrap_or(i64::MAX);
            self.known.retain(|_, (_, valid_until, _)| *valid_until >= now);
            self.purge_at = self.known.len() * 2;
        }
    }

    /// The rejection, if the id names another statement that is still valid.
    pub fn reused(&self, filing: &Filing, now_ms: u64) -> Option<Rejection> {
        let (key, digest) = Self::fingerprint(filing);
        let (known, valid_until, entry) = *self.known.get(&key)?;
        let now = i64::try_from(now_ms / 1_000).unwrap_or(i64::MAX);
        if known == digest || valid_until < now {
            return None;
        }
        let actor = filing.issuers.first().map(|issuer| issuer.actor.to_string()).unwrap_or_default();
        Some(Rejection::IdReused { actor, id: hex_encode(&filing.id), entry })
    }
}
