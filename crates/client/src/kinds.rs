//! The data of each kind, from checked values (SPEC.md "Kinds").
//! Invariant: what these make, the ledger's schema accepts.

pub mod draw;

use lian_core::{
    hash::{Digest, hex_encode},
    json::Value,
    keys::PublicKey,
};
use lian_domain::{dates::Day, guarantee::terms_hash, registry::key_hex, rules::Rules};

/// What a bank promises; `data` makes the event, `terms` is what customs accepts.
#[derive(Debug, Clone)]
pub struct GuaranteeRequest<'a> {
    /// Number, such as `FB-115-000123`.
    pub no: &'a str,
    /// Bank, 3 digits.
    pub bank: &'a str,
    /// Branch, 4 digits.
    pub branch: &'a str,
    /// Company whose debts are secured, 8 digits.
    pub debtor: &'a str,
    /// `importer` or `broker`.
    pub purpose: &'a str,
    /// `all` (通區), an office letter or a house (限區).
    pub scope: &'a str,
    /// NT$.
    pub limit: u64,
    /// First day.
    pub from: Day,
    /// Last day.
    pub to: Day,
}

impl GuaranteeRequest<'_> {
    /// Data of `guarantee.requested`.
    pub fn data(&self) -> Value<'static> {
        Value::object([
            ("bank", text(self.bank)),
            ("branch", text(self.branch)),
            ("debtor", text(self.debtor)),
            ("from", text(&self.from.to_string())),
            ("kind", text("independent")),
            ("limit", Value::number(self.limit)),
            ("no", text(self.no)),
            ("purpose", text(self.purpose)),
            ("scope", text(self.scope)),
            ("to", text(&self.to.to_string())),
        ])
    }

    /// Hash of the terms, which Accept echoes.
    pub fn terms(&self) -> Digest {
        terms_hash(&self.data())
    }
}

/// Data of `guarantee.accepted`.
pub fn accepted(terms: &Digest) -> Value<'static> {
    Value::object([("terms", text(&terms.to_hex()))])
}

/// Data of `guarantee.suspended`, `guarantee.closed` and others that say all by their kind.
pub fn nothing() -> Value<'static> {
    Value::Object(Vec::new())
}

/// Data of a kind whose one field is a reason code.
pub fn reason(code: &str) -> Value<'static> {
    Value::object([("reason", text(code))])
}

/// Data of `guarantee.drawn`: the duty of one declaration.
pub fn drawn(
    declaration: &str,
    importer: &str,
    broker: Option<&str>,
    duty: u64,
    served_on: Day,
    manual: bool,
) -> Value<'static> {
    let mut members = vec![
        ("declaration", text(declaration)),
        ("house", text(declaration.get(..2).unwrap_or_default())),
        ("importer", text(importer)),
        ("manual", Value::Bool(manual)),
        ("served_on", text(&served_on.to_string())),
        ("taxes", Value::object([("duty", Value::number(duty))])),
    ];
    if let Some(broker) = broker {
        members.push(("broker", text(broker)));
    }
    Value::object(members)
}

/// Data of `guarantee.tax_paid`.
pub fn tax_paid(declaration: &str, amount: u64) -> Value<'static> {
    Value::object([("amount", Value::number(amount)), ("declaration", text(declaration))])
}

/// Data of `guarantee.assessed`: a change of what is owed, either way.
pub fn assessed(declaration: &str, change: i64) -> Value<'static> {
    Value::object([("change", Value::Int(change)), ("declaration", text(declaration))])
}

/// Data of `guarantee.surcharge_accrued`.
pub fn surcharge_accrued(declaration: &str, amount: u64, days: u64) -> Value<'static> {
    Value::object([
        ("amount", Value::number(amount)),
        ("days", Value::number(days)),
        ("declaration", text(declaration)),
    ])
}

/// Data of `guarantee.draw_cancelled`.
pub fn draw_cancelled(declaration: &str, reason: &str) -> Value<'static> {
    Value::object([("declaration", text(declaration)), ("reason", text(reason))])
}

/// Data of `guarantee.claimed`: amounts by declaration, and the default that is stated.
pub fn claimed(draws: &[(String, u64)], default: &str) -> Value<'static> {
    let mut draws = draws.to_vec();
    draws.sort();
    let draws = draws.iter().map(|(declaration, amount)| {
        Value::object([("amount", Value::number(*amount)), ("declaration", text(declaration))])
    });
    Value::object([("default", text(default)), ("draws", Value::List(draws.collect()))])
}

/// Data of `guarantee.claim_paid`.
pub fn claim_paid(claim: u64, amount: u64) -> Value<'static> {
    Value::object([("amount", Value::number(amount)), ("claim", Value::number(claim))])
}

/// Data of `guarantee.claim_refused`.
pub fn claim_refused(claim: u64, reasons: &[String]) -> Value<'static> {
    let reasons = reasons.iter().map(|reason| text(reason)).collect();
    Value::object([("claim", Value::number(claim)), ("reasons", Value::List(reasons))])
}

/// Data of `guarantee.claim_withdrawn`.
pub fn claim_withdrawn(claim: u64, reason: &str) -> Value<'static> {
    Value::object([("claim", Value::number(claim)), ("reason", text(reason))])
}

/// Data of `guarantee.amended`; at least one of the two.
pub fn amended(limit: Option<u64>, to: Option<Day>) -> Value<'static> {
    let mut members = Vec::new();
    if let Some(limit) = limit {
        members.push(("limit", Value::number(limit)));
    }
    if let Some(to) = to {
        members.push(("to", text(&to.to_string())));
    }
    Value::object(members)
}

/// Data of `actor.registered`; officers have a person token, nobody else has.
pub fn actor(unit: &str, person: Option<&[u8; 16]>) -> Value<'static> {
    let mut members = vec![("unit", text(unit))];
    if let Some(token) = person {
        members.push(("person", text(&hex_encode(token))));
    }
    Value::object(members)
}

/// Data of `key.enrolled`. `chain` is the digest of the certificate chain, for a first key only.
pub fn key_enrolled(
    key: &PublicKey,
    capacities: &[&str],
    chain: Option<&Digest>,
    recovery: Option<&PublicKey>,
) -> Value<'static> {
    let mut names: Vec<&str> = capacities.to_vec();
    names.sort_unstable();
    let mut members = vec![
        ("algorithm", Value::Int(1)),
        ("capacities", Value::List(names.into_iter().map(text).collect())),
        ("key", text(&key_hex(key))),
    ];
    if let Some(chain) = chain {
        members.push(("chain", text(&chain.to_hex())));
    }
    if let Some(recovery) = recovery {
        members.push(("recovery", text(&key_hex(recovery))));
    }
    Value::object(members)
}

/// Data of `key.revoked`; `since` for compromised keys.
pub fn key_revoked(key: &Digest, reason: &str, since: Option<u64>) -> Value<'static> {
    let mut members = vec![("key", text(&key.to_hex())), ("reason", text(reason))];
    if let Some(since) = since {
        members.push(("compromised_since", Value::number(since)));
    }
    Value::object(members)
}

/// Data of `rules.published`.
pub fn rules_published(rules: &Rules) -> Value<'static> {
    Value::object([("digest", text(&rules.digest().to_hex())), ("rules", rules.to_value())])
}

/// Data of `rules.activated`.
pub fn rules_activated(version: u32, epoch: u64) -> Value<'static> {
    Value::object([("epoch", Value::number(epoch)), ("version", Value::number(u64::from(version)))])
}

/// Data of `scheme.suspended`.
pub fn scheme_suspended(from: Day, until: Day) -> Value<'static> {
    Value::object([("from", text(&from.to_string())), ("until", text(&until.to_string()))])
}

fn text(text: &str) -> Value<'static> {
    Value::text(text.to_owned())
}
