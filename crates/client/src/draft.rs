//! Drafting and signing statements.
//! Invariant: the bytes that are signed are the bytes that are sent; the id is 128 random bits.

use lian_core::{
    hash::Digest,
    json::Value,
    keys::SecretKey,
    statement::{Envelope, Event, Issuer, STATEMENT_TYPE, Statement, pae},
};

/// How long a statement stays valid unless its drafter says otherwise.
pub const VALID_SECONDS: i64 = 24 * 3_600;

/// One issuer who signs.
#[derive(Clone, Copy)]
pub struct Signing<'a> {
    /// Actor id.
    pub actor: &'a str,
    /// Capacity.
    pub capacity: &'a str,
    /// The key.
    pub key: &'a SecretKey,
}

#[derive(Debug, Clone)]
struct DraftEvent {
    kind: String,
    stream: String,
    expect: u64,
    occurred_at: i64,
    data: Value<'static>,
}

/// A statement before it is signed.
#[derive(Debug, Clone)]
pub struct Draft {
    ledger: String,
    id: [u8; 16],
    issued_at: i64,
    valid_until: i64,
    events: Vec<DraftEvent>,
    requires: Vec<(String, u64)>,
    seen: Option<(u64, Digest)>,
}

impl Draft {
    /// A draft for a ledger, issued at `now` (Unix seconds), with a random id.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new(ledger: &str, now: i64) -> Result<Self, getrandom::Error> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        Ok(Self::with_id(ledger, now, id))
    }

    /// A draft with a given id: for tests and generators that must repeat.
    pub fn with_id(ledger: &str, now: i64, id: [u8; 16]) -> Self {
        Self {
            ledger: ledger.to_owned(),
            id,
            issued_at: now,
            valid_until: now + VALID_SECONDS,
            events: Vec::new(),
            requires: Vec::new(),
            seen: None,
        }
    }

    /// Adds an event that happened when the draft was issued.
    #[must_use]
    pub fn event(mut self, kind: &str, stream: &str, expect: u64, data: Value<'static>) -> Self {
        let occurred_at = self.issued_at;
        self.events.push(DraftEvent {
            kind: kind.to_owned(),
            stream: stream.to_owned(),
            expect,
            occurred_at,
            data,
        });
        self
    }

    /// Says that the signer read a stream at this version.
    #[must_use]
    pub fn require(mut self, stream: &str, version: u64) -> Self {
        self.requires.push((stream.to_owned(), version));
        self
    }

    /// Names the last epoch that the signer verified.
    #[must_use]
    pub fn seen(mut self, epoch: u64, root: Digest) -> Self {
        self.seen = Some((epoch, root));
        self
    }

    /// Sets how long the statement may wait to be recorded.
    #[must_use]
    pub fn valid_for(mut self, seconds: i64) -> Self {
        self.valid_until = self.issued_at + seconds;
        self
    }

    /// The bytes that these issuers, with these key ids, would sign.
    pub fn payload(&self, issuers: &[(&str, &str, Digest)]) -> Vec<u8> {
        let events = self.events.iter().map(|event| Event {
            kind: &event.kind,
            stream: &event.stream,
            expect: event.expect,
            occurred_at: event.occurred_at,
            data: event.data.clone(),
        });
        let issuers = issuers.iter().map(|(actor, capacity, key)| Issuer { actor, capacity, key: *key });
        let statement = Statement {
            events: events.collect(),
            id: self.id,
            issued_at: self.issued_at,
            issuers: issuers.collect(),
            ledger: &self.ledger,
            requires: self.requires.iter().map(|(stream, version)| (stream.as_str(), *version)).collect(),
            seen: self.seen,
            valid_until: self.valid_until,
        };
        statement.payload()
    }

    /// Signs for all issuers, in their order.
    pub fn sign(&self, issuers: &[Signing<'_>]) -> Envelope {
        let named: Vec<_> =
            issuers.iter().map(|issuer| (issuer.actor, issuer.capacity, issuer.key.public().id())).collect();
        let payload = self.payload(&named);
        let message = pae(STATEMENT_TYPE, &payload);
        let signatures = issuers.iter().map(|issuer| issuer.key.sign(&message).to_vec()).collect();
        Envelope { payload, signatures }
    }
}
