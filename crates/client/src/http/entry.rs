//! One entry, believed by its receipt; and entry 0, which says who the log is.
//! Invariant: leaf and payload are those that the log's signed tree holds at that index.

use lian_core::{
    checkpoint,
    entry::Leaf,
    hash::{Digest, leaf_hash},
    keys::PublicKey,
    receipt::Receipt,
    statement::{Envelope, STATEMENT_TYPE, pae, statement_digest},
};
use lian_domain::{
    filing::{Fact, Filing},
    ledger::ledger_id,
    registry::{Event, Opening},
};

use super::{
    Client,
    error::{Error, doubtful},
    value::{escaped, number},
};
use crate::answer::{Doubt, Sealed, open_receipt};

/// How much a receipt promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// Signed by the log.
    Sealed,
    /// And cosigned by a quorum of the policy's witnesses.
    Witnessed,
}

/// An entry whose receipt holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// Index, verdict, time, checkpoint.
    pub sealed: Sealed,
    /// How much the receipt promises.
    pub grade: Grade,
    /// The receipt (C2SP tlog-proof), to keep.
    pub receipt: Vec<u8>,
    /// The leaf.
    pub leaf: Vec<u8>,
    /// The very bytes that were signed.
    pub payload: Vec<u8>,
}

/// Who the log is, as its entry 0 says, signed by every key that it names.
#[derive(Debug, Clone)]
pub struct Genesis {
    /// Id of the ledger: its name and the hash of entry 0.
    pub id: String,
    /// Leaf hash of entry 0: the root of epoch 0.
    pub hash: Digest,
    /// What entry 0 says.
    pub opening: Opening,
}

impl Client {
    /// The entry of this index, by its receipt. Entries that are not for everybody are refused by
    /// the server with the code `not-for-you`.
    pub fn entry(&self, index: u64) -> Result<Proved, Error> {
        let file = self.wire.bytes(&format!("/v1/log/entries/{index}/receipt"))?;
        let proved = self.prove(file, None)?;
        if proved.sealed.index != index {
            return Err(Error::Doubt(Doubt::Other("the index")));
        }
        Ok(proved)
    }

    /// Verifies a receipt file and that its checkpoint extends the last one seen.
    pub(super) fn prove(&self, file: Vec<u8>, sent: Option<&Envelope>) -> Result<Proved, Error> {
        let sealed = open_receipt(&file, &self.trust.log, sent)?;
        let receipt = Receipt::parse(&file).map_err(doubtful)?;
        let entry = receipt.entry().map_err(doubtful)?;
        let (leaf, payload) = (entry.leaf.to_vec(), entry.payload.to_vec());
        let grade = self.grade(&receipt.checkpoint)?;
        self.advance(&receipt.checkpoint)?;
        Ok(Proved { sealed, grade, receipt: file, leaf, payload })
    }

    fn grade(&self, note: &[u8]) -> Result<Grade, Error> {
        let Some(policy) = self.trust.policy.as_ref().filter(|policy| !policy.asks_nobody()) else {
            return Ok(Grade::Sealed);
        };
        let open = checkpoint::open(note, &self.trust.log).map_err(doubtful)?;
        let result = policy.evaluate(&open.note).map_err(doubtful)?;
        Ok(if result.satisfied() { Grade::Witnessed } else { Grade::Sealed })
    }

    /// Who the log is: entry 0, verified once.
    pub fn genesis(&self) -> Result<&Genesis, Error> {
        if let Some(genesis) = self.genesis.get() {
            return Ok(genesis);
        }
        let genesis = opened(&self.entry(0)?)?;
        let ours = &self.trust.log;
        if *genesis.opening.name != *ours.name() || genesis.opening.log_key != *ours.public() {
            return Err(Error::Doubt(Doubt::Other("the log key in entry 0")));
        }
        Ok(self.genesis.get_or_init(|| genesis))
    }

    /// The key of this id, from the entry that enrolled it: where that is, the server says; what
    /// it is, the receipt proves.
    pub fn public_key(&self, id: &Digest) -> Result<PublicKey, Error> {
        let rows = self.wire.json(&format!("/v1/keys?key={}", id.to_hex()))?;
        let row = rows["data"].get(0).ok_or_else(|| doubtful(format!("nobody enrolled key {id}")))?;
        let enrolling = self.entry(number(row, "enrolled")?)?;
        let filing = filing(&enrolling)?;
        let recovery = filing.events.iter().find_map(|event| match &event.fact {
            Fact::Registry(Event::KeyEnrolled(enrolment)) => enrolment.recovery.as_ref(),
            _ => None,
        });
        let found = filing.new_keys().into_iter().chain(recovery).find(|key| key.id() == *id);
        let accepted = enrolling.sealed.verdict.is_accepted();
        let key = found.filter(|_| accepted).copied();
        key.ok_or_else(|| doubtful(format!("entry {} does not enrol key {id}", enrolling.sealed.index)))
    }

    /// Verifies that every issuer of an entry signed it, with the keys that the log enrolled.
    pub fn check_signatures(&self, entry: &Proved) -> Result<(), Error> {
        let filing = filing(entry)?;
        let leaf = Leaf::decode(&entry.leaf).map_err(doubtful)?;
        let message = pae(STATEMENT_TYPE, &entry.payload);
        if filing.issuers.len() != leaf.signatures.len() {
            return Err(Error::Doubt(Doubt::Other("the number of signatures")));
        }
        for (issuer, signature) in filing.issuers.iter().zip(&leaf.signatures) {
            let own = filing.new_keys().into_iter().find(|key| key.id() == issuer.key).copied();
            let key = own.map_or_else(|| self.public_key(&issuer.key), Ok)?;
            if !key.verify(&message, signature) {
                return Err(doubtful(format!("the signature of {} does not verify", issuer.actor)));
            }
        }
        Ok(())
    }
}

pub(super) fn filing(entry: &Proved) -> Result<Filing, Error> {
    Filing::read(&entry.payload, statement_digest(&entry.payload)).map_err(doubtful)
}

fn opened(entry: &Proved) -> Result<Genesis, Error> {
    let filing = filing(entry)?;
    let opening = filing.events.iter().find_map(|event| match &event.fact {
        Fact::Registry(Event::Opened(opening)) => Some((**opening).clone()),
        _ => None,
    });
    let opening = opening.ok_or_else(|| doubtful("entry 0 opens no ledger"))?;
    let leaf = Leaf::decode(&entry.leaf).map_err(doubtful)?;
    let message = pae(STATEMENT_TYPE, &entry.payload);
    let keys = filing.new_keys();
    let signed = keys.len() == leaf.signatures.len()
        && filing.issuers.iter().zip(&leaf.signatures).all(|(issuer, signature)| {
            keys.iter().any(|key| key.id() == issuer.key && key.verify(&message, signature))
        });
    if !signed {
        return Err(doubtful("entry 0 is not signed by the keys that it names"));
    }
    let hash = leaf_hash(&entry.leaf);
    Ok(Genesis { id: ledger_id(&opening.name, &hash), hash, opening })
}

/// The path of something about a stream.
pub(super) fn stream_path(stream: &str, what: &str) -> String {
    format!("/v1/streams/{}/{what}", escaped(stream))
}
