//! Makes the golden ledger of engine 1 again: `cargo run --example make_golden -- <folder>`.
//! Until SPEC.md is declared 1.0 this may be done whenever bytes or verdicts change; from then on
//! a golden ledger is never made again, only a new one for a new engine.

#[allow(dead_code, reason = "an example uses a part of what tests share")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::{collections::HashMap, path::Path};

use lian_client::{
    draft::Signing,
    kinds::{self, GuaranteeRequest},
};
use lian_core::{
    entry::Verdict,
    hash::{Digest, leaf_hash},
    json::Value,
    keys::SecretKey,
};
use lian_domain::{dates::Day, rules::Rules};
use lian_server::service::Answer;
use support::{Running, START_S, found};

/// Says events one statement each, and knows what version every stream is at.
struct Story {
    ledger: Running,
    versions: HashMap<String, u64>,
    genesis: Digest,
    now: i64,
}

impl Story {
    fn says(&mut self, kind: &str, stream: &str, data: Value<'static>, by: &[(&str, &str)]) -> u16 {
        let expect = self.versions.get(stream).copied().unwrap_or_default();
        let draft = self.ledger.house.draft(&self.ledger.ledger, self.now).seen(0, self.genesis);
        let envelope = self.ledger.house.sign(&draft.event(kind, stream, expect, data), by);
        match &self.ledger.submit(&[envelope])[0] {
            Answer::Sealed { verdict: Some(verdict), .. } => {
                if verdict.is_accepted() {
                    *self.versions.entry(stream.to_owned()).or_default() += 1;
                }
                verdict.code
            }
            other => panic!("{kind} on {stream}: {other:?}"),
        }
    }

    fn pass(&mut self, seconds: i64) {
        self.now += seconds;
        self.ledger.clock.pass(u64::try_from(seconds).expect("time goes on") * 1_000);
    }
}

fn day(text: &str) -> Day {
    Day::parse(text).expect("a date")
}

fn request(no: &'static str, bank: &'static str, limit: u64) -> GuaranteeRequest<'static> {
    GuaranteeRequest {
        no,
        bank,
        branch: "0037",
        debtor: "12345675",
        purpose: "importer",
        scope: "all",
        limit,
        from: day("2026-10-01"),
        to: day("2027-09-30"),
    }
}

fn draw(serial: u64, amount: u64) -> Value<'static> {
    kinds::drawn(&format!("CA__15494A{serial:04}"), "12345675", None, amount, day("2026-10-30"), false)
}

const BANK: &[(&str, &str)] = &[("bank:004", "guarantor")];
const OFFICER: &[(&str, &str)] = &[("officer:7f3k", "officer")];
const BOTH: &[(&str, &str)] = &[("bank:004", "guarantor"), ("officer:7f3k", "officer")];
const TWO: &[(&str, &str)] = &[("officer:7f3k", "officer"), ("officer:c29x", "supervisor")];
const RELEASE: &[(&str, &str)] = &[("system:release", "release")];
const TREASURY: &[(&str, &str)] = &[("system:treasury", "treasury")];
const ADMINS: &[(&str, &str)] = &[("officer:adm1", "admin"), ("officer:adm2", "admin")];

fn main() {
    let folder = std::env::args().nth(1).expect("usage: make_golden <folder>");
    let ledger = found(Path::new(&folder), 115);
    let entry = ledger.service.reader().read_entry(0).expect("entry 0");
    let genesis = leaf_hash(&entry.leaf);
    let mut story = Story { ledger, versions: HashMap::new(), genesis, now: START_S };

    vector(&mut story);
    story.pass(700);
    others(&mut story);
    story.pass(700);
    rules(&mut story);
    keys(&mut story);

    story.ledger.service.reader().publish().expect("published");
    story.ledger.service.close().expect("closed");
}

/// The money vector of the guarantee machine, to the dollar.
fn vector(story: &mut Story) {
    let g = "guarantee/FB-115-000123";
    let terms = request("FB-115-000123", "004", 10_000_000);
    story.says("guarantee.requested", g, terms.data(), BANK);
    story.says("guarantee.accepted", g, kinds::accepted(&terms.terms()), OFFICER);
    story.says("guarantee.drawn", g, draw(1, 3_000_000), RELEASE);
    story.says("guarantee.drawn", g, draw(2, 7_000_000), RELEASE);
    assert_ne!(story.says("guarantee.drawn", g, draw(3, 1), RELEASE), 0);
    story.says("guarantee.tax_paid", g, kinds::tax_paid("CA__15494A0001", 3_000_000), TREASURY);
    story.says("guarantee.assessed", g, kinds::assessed("CA__15494A0002", 200_000), OFFICER);
    assert_ne!(story.says("guarantee.amended", g, kinds::amended(Some(7_000_000), None), BOTH), 0);
    assert_eq!(story.says("guarantee.amended", g, kinds::amended(Some(8_000_000), None), BOTH), 0);
    story.says("guarantee.suspended", g, kinds::nothing(), BANK);
    assert_ne!(story.says("guarantee.drawn", g, draw(3, 1), RELEASE), 0);
    let surcharge = Value::object([
        ("amount", Value::number(36_000)),
        ("days", Value::number(10)),
        ("declaration", Value::text("CA__15494A0002")),
    ]);
    story.says("guarantee.surcharge_accrued", g, surcharge, TREASURY);
    let demand = [("amount", Value::number(7_236_000)), ("declaration", Value::text("CA__15494A0002"))];
    let claim =
        [("default", Value::text("duty_unpaid")), ("draws", Value::List(vec![Value::object(demand)]))];
    assert_eq!(story.says("guarantee.claimed", g, Value::object(claim), TWO), 0);
    let paid = Value::object([("amount", Value::number(7_236_000)), ("claim", Value::number(1))]);
    assert_eq!(story.says("guarantee.claim_paid", g, paid, BANK), 0);
    assert_eq!(story.says("guarantee.closed", g, kinds::nothing(), OFFICER), 0);
    assert_ne!(story.says("guarantee.suspended", g, kinds::nothing(), BANK), 0);
}

/// The kinds that the vector does not touch.
fn others(story: &mut Story) {
    let g = "guarantee/FB-115-000124";
    let terms = request("FB-115-000124", "004", 2_000_000);
    story.says("guarantee.requested", g, terms.data(), BANK);
    story.says("guarantee.rejected", g, kinds::reason("papers_missing"), OFFICER);
    let g = "guarantee/FB-115-000125";
    let terms = request("FB-115-000125", "004", 60_000_000);
    story.says("guarantee.requested", g, terms.data(), BANK);
    assert_ne!(story.says("guarantee.accepted", g, kinds::accepted(&terms.terms()), OFFICER), 0);
    story.says("guarantee.accepted", g, kinds::accepted(&terms.terms()), TWO);
    story.says(
        "scheme.suspended",
        "debtor/12345675",
        kinds::scheme_suspended(day("2026-11-01"), day("2026-12-31")),
        TWO,
    );
    assert_ne!(story.says("guarantee.drawn", g, draw(5, 10_000), RELEASE), 0);
    story.says("scheme.restored", "debtor/12345675", kinds::nothing(), TWO);
    story.says("declaration.blocked", "declaration/CA__15494A0005", kinds::reason("held"), OFFICER);
    assert_ne!(story.says("guarantee.drawn", g, draw(5, 10_000), RELEASE), 0);
    story.says("declaration.unblocked", "declaration/CA__15494A0005", kinds::nothing(), OFFICER);
    assert_eq!(story.says("guarantee.drawn", g, draw(5, 10_000), RELEASE), 0);
    let cancelled =
        Value::object([("declaration", Value::text("CA__15494A0005")), ("reason", Value::text("withdrawn"))]);
    assert_eq!(story.says("guarantee.draw_cancelled", g, cancelled, OFFICER), 0);
    story.says("delegation.recorded", "delegation/22099131/12345675", kinds::nothing(), OFFICER);
    story.says("delegation.ended", "delegation/22099131/12345675", kinds::nothing(), OFFICER);
}

/// A new rules version, in force from the entry after its activation.
fn rules(story: &mut Story) {
    let mut next = Rules::standard();
    next.version = 2;
    next.claim_tail_days = 60;
    assert_eq!(story.says("rules.published", "rules/2", kinds::rules_published(&next), ADMINS), 0);
    assert_ne!(story.says("rules.activated", "rules/2", kinds::rules_activated(2, 1), ADMINS), 0);
    story.pass(700);
    // The next epoch closes before this request, and covers the publication.
    let g = "guarantee/FB-115-000126";
    story.says("guarantee.requested", g, request("FB-115-000126", "004", 1_000_000).data(), BANK);
    assert_eq!(story.says("rules.activated", "rules/2", kinds::rules_activated(2, 3), ADMINS), 0);
    story.says("guarantee.suspended", g, kinds::nothing(), BANK);
}

/// A further key, the old one found compromised, and a step of the clock put on record.
fn keys(story: &mut Story) {
    let stream = "actor/bank:005";
    let new = SecretKey::from_seed(&[5; 32]);
    let spare = SecretKey::from_seed(&[6; 32]).public();
    let enrolled = kinds::key_enrolled(&new.public(), &["guarantor"], None, Some(&spare));
    let draft =
        story.ledger.house.draft(&story.ledger.ledger, story.now).event("key.enrolled", stream, 2, enrolled);
    let envelope = draft.sign(&[
        Signing { actor: "bank:005", capacity: "possession", key: &new },
        Signing { actor: "bank:005", capacity: "holder", key: story.ledger.house.key("bank:005") },
        Signing { actor: "officer:adm1", capacity: "admin", key: story.ledger.house.key("officer:adm1") },
    ]);
    assert!(matches!(
        story.ledger.submit(&[envelope])[0],
        Answer::Sealed { verdict: Some(Verdict::ACCEPTED), .. }
    ));
    story.versions.insert(stream.to_owned(), 3);
    let old = story.ledger.house.key("bank:005").public().id();
    assert_eq!(
        story.says("key.revoked", stream, kinds::key_revoked(&old, "compromised", Some(30)), ADMINS),
        0
    );
    assert_ne!(story.says("key.revoked", stream, kinds::key_revoked(&old, "lost", None), ADMINS), 0);
    let step = Value::object([("step_ms", Value::Int(-1_200))]);
    assert_eq!(story.says("clock.stepped", "clock/main", step, ADMINS), 0);
}
