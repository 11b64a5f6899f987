//! Opening a ledger: entry 0, signed by every root and by the log's own two keys.

use lian_core::{
    hash::Digest,
    json::Value,
    keys::{PublicKey, SecretKey},
    statement::Envelope,
};
use lian_domain::{
    registry::{LEDGER_STREAM, SYSTEM_ADMISSION, SYSTEM_LOG, key_hex},
    rules::Rules,
};

use crate::draft::{Draft, Signing};

/// What the founders of a ledger agree on.
pub struct Ceremony<'a> {
    /// Name of the ledger = origin of its checkpoints, such as `customs.example/2026`.
    pub name: &'a str,
    /// 32 random bytes.
    pub nonce: [u8; 32],
    /// Root organisations with their keys: 3 to 6.
    pub roots: &'a [(String, SecretKey)],
    /// Roots that must sign together: 2 or more.
    pub threshold: u64,
    /// Key that will sign checkpoints.
    pub log: &'a PublicKey,
    /// Key of `system:log`.
    pub system_log: &'a SecretKey,
    /// Key of `system:admission`.
    pub admission: &'a SecretKey,
    /// Rules version 1.
    pub rules: &'a Rules,
    /// True if the data will be made up.
    pub synthetic: bool,
}

impl Ceremony<'_> {
    /// Entry 0, signed by all. `id` is 128 random bits.
    pub fn open(&self, now: i64, id: [u8; 16]) -> Envelope {
        let actors: Vec<String> = self.roots.iter().map(|(name, _)| format!("root:{name}")).collect();
        let mut issuers: Vec<Signing<'_>> = Vec::new();
        for (actor, (_, key)) in actors.iter().zip(self.roots) {
            issuers.push(Signing { actor, capacity: "root", key });
        }
        issuers.push(Signing { actor: SYSTEM_LOG, capacity: "possession", key: self.system_log });
        issuers.push(Signing { actor: SYSTEM_ADMISSION, capacity: "possession", key: self.admission });
        Draft::with_id(self.name, now, id)
            .event("ledger.opened", LEDGER_STREAM, 0, self.data())
            .sign(&issuers)
    }

    fn data(&self) -> Value<'static> {
        let hex = |key: &PublicKey| Value::text(key_hex(key));
        let roots = self.roots.iter().map(|(organisation, key)| {
            Value::object([("key", hex(&key.public())), ("organisation", Value::text(organisation.clone()))])
        });
        Value::object([
            ("log_key", hex(self.log)),
            ("name", Value::text(self.name.to_owned())),
            ("nonce", Value::text(Digest(self.nonce).to_hex())),
            ("predecessor", Value::Null),
            ("roots", Value::List(roots.collect())),
            ("rules", self.rules.to_value()),
            ("synthetic", Value::Bool(self.synthetic)),
            ("system_admission", hex(&self.admission.public())),
            ("system_log", hex(&self.system_log.public())),
            ("threshold", Value::number(self.threshold)),
            ("witness_policy", Value::text("none")),
        ])
    }
}
