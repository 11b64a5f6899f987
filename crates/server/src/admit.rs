//! Admission: envelope in, `Authentic` out, or a rejection. Parallel, without state but the keys.
//! Invariant: nobody makes an `Authentic` but this file, and the sequencer takes nothing else.
//! Its judgement of keys is a filter (is there such a key, did it sign); whether the key may say
//! this is judged in order, by the ledger.

use std::sync::{PoisonError, RwLock};

use foldhash::HashMap;
use lian_core::{
    hash::Digest,
    keys::PublicKey,
    statement::{Envelope, STATEMENT_TYPE, pae, statement_digest},
};
use lian_domain::{filing::Filing, ledger::Ledger, rejection::Rejection};

/// Public keys by id: all that were ever enrolled.
#[derive(Default)]
pub struct KeyBook(RwLock<HashMap<Digest, PublicKey>>);

impl KeyBook {
    /// The keys of a ledger as it stands.
    pub fn of(ledger: &Ledger) -> Self {
        let book = Self::default();
        book.renew(ledger);
        book
    }

    /// Takes over keys that were enrolled since.
    pub fn renew(&self, ledger: &Ledger) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (id, key) in ledger.directory().keys() {
            keys.entry(*id).or_insert_with(|| key.public);
        }
    }

    fn get(&self, id: &Digest) -> Option<PublicKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }
}

/// A statement whose every issuer signed it. Made by [`admit`] alone.
#[derive(Debug, Clone)]
pub struct Authentic {
    filing: Filing,
    payload: Vec<u8>,
    signatures: Vec<Vec<u8>>,
}

impl Authentic {
    /// The statement.
    pub fn filing(&self) -> &Filing {
        &self.filing
    }

    /// The signed bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// In the order of the issuers.
    pub fn signatures(&self) -> &[Vec<u8>] {
        &self.signatures
    }

    /// Takes it apart: filing, payload, signatures.
    pub fn into_parts(self) -> (Filing, Vec<u8>, Vec<Vec<u8>>) {
        (self.filing, self.payload, self.signatures)
    }
}

/// A statement that was turned away, with its digest if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    /// Digest of the signed bytes.
    pub statement: Option<Digest>,
    /// Why.
    pub rejection: Rejection,
}

/// Reads and verifies one envelope.
pub fn admit(bytes: &[u8], keys: &KeyBook) -> Result<Authentic, Turned> {
    let envelope = Envelope::read(bytes)
        .map_err(|error| Turned { statement: None, rejection: Rejection::Envelope(error.to_string()) })?;
    admit_envelope(envelope, keys)
}

/// Verifies one envelope that was read.
pub fn admit_envelope(envelope: Envelope, keys: &KeyBook) -> Result<Authentic, Turned> {
    let digest = statement_digest(&envelope.payload);
    let turned = |rejection| Turned { statement: Some(digest), rejection };
    let filing = Filing::read(&envelope.payload, digest).map_err(turned)?;
    let (issuers, signatures) = (filing.issuers.len(), envelope.signatures.len());
    if issuers != signatures {
        return Err(turned(Rejection::SignatureCount { issuers, signatures }));
    }
    verify(&filing, &envelope, keys).map_err(turned)?;
    Ok(Authentic { filing, payload: envelope.payload, signatures: envelope.signatures })
}

fn verify(filing: &Filing, envelope: &Envelope, keys: &KeyBook) -> Result<(), Rejection> {
    let message = pae(STATEMENT_TYPE, &envelope.payload);
    for (position, (issuer, signature)) in filing.issuers.iter().zip(&envelope.signatures).enumerate() {
        let new = || filing.new_keys().into_iter().find(|key| key.id() == issuer.key).copied();
        let key = keys.get(&issuer.key).or_else(new);
        let key = key.ok_or_else(|| Rejection::UnknownKey(issuer.key.to_hex()))?;
        if !key.verify(&message, signature) {
            return Err(Rejection::BadSignature { position, key: issuer.key.to_hex() });
        }
    }
    Ok(())
}
