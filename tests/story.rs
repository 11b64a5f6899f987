//! The life of a guarantee through the real admission, sequencer and store, on a real folder.

use crate::support::{START_S, found, sealed};
use lian_client::{answer::open_receipt, kinds, kinds::GuaranteeRequest};
use lian_core::{hash::leaf_hash, keys::SecretKey, statement::Envelope};
use lian_domain::{dates::Day, rejection::Rejection};
use lian_server::service::Answer;

const STREAM: &str = "guarantee/FB-115-000123";

fn request(limit: u64) -> GuaranteeRequest<'static> {
    GuaranteeRequest {
        no: "FB-115-000123",
        bank: "004",
        branch: "0037",
        debtor: "12345675",
        purpose: "importer",
        scope: "all",
        limit,
        from: Day::parse("2026-11-01").unwrap(),
        to: Day::parse("2027-10-31").unwrap(),
    }
}

fn draw(serial: u64, amount: u64) -> lian_core::json::Value<'static> {
    let served = Day::parse("2026-11-23").unwrap();
    kinds::drawn(&format!("CA__15494A{serial:04}"), "12345675", None, amount, served, false)
}

#[test]
fn a_guarantee_is_requested_accepted_drawn_refused_paid_suspended_and_closed() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = found(folder.path(), 1);
    let start = ledger.service.reader().head().size();
    let sign = |draft: &lian_client::draft::Draft, by: &[(&str, &str)]| ledger.house.sign(draft, by);
    let draft = || ledger.house.draft(&ledger.ledger, START_S);
    let root = leaf_hash(&ledger.service.reader().read_entry(0).unwrap().leaf);
    let terms = request(5_000_000).terms();

    let requested = sign(
        &draft().event("guarantee.requested", STREAM, 0, request(5_000_000).data()),
        &[("bank:004", "guarantor")],
    );
    let steps: Vec<Envelope> = vec![
        requested.clone(),
        sign(
            &draft().event("guarantee.accepted", STREAM, 1, kinds::accepted(&terms)).seen(0, root),
            &[("officer:7f3k", "officer")],
        ),
        sign(
            &draft().event("guarantee.drawn", STREAM, 2, draw(1, 1_240_000)),
            &[("system:release", "release")],
        ),
        sign(
            &draft().event("guarantee.drawn", STREAM, 3, draw(2, 4_000_000)),
            &[("system:release", "release")],
        ),
        sign(
            &draft().event("guarantee.tax_paid", STREAM, 3, kinds::tax_paid("CA__15494A0001", 1_240_000)),
            &[("system:treasury", "treasury")],
        ),
        sign(
            &draft().event("guarantee.suspended", STREAM, 4, kinds::nothing()),
            &[("bank:004", "guarantor")],
        ),
        sign(
            &draft().event("guarantee.closed", STREAM, 5, kinds::nothing()).seen(0, root),
            &[("officer:7f3k", "officer")],
        ),
    ];
    let answers = ledger.submit(&steps);

    let verdicts: Vec<(u64, u16)> = answers
        .iter()
        .map(|answer| match answer {
            Answer::Sealed { index, verdict: Some(verdict) } => (*index - start, verdict.code),
            other => panic!("{other:?}"),
        })
        .collect();
    let quota = lian_domain::refusal::Refusal::QuotaInsufficient.code();
    assert_eq!(verdicts, [(0, 0), (1, 0), (2, 0), (3, quota), (4, 0), (5, 0), (6, 0)]);

    // A repeated statement gets its first place, and its receipt holds the very bytes that were sent.
    let Answer::Sealed { index, verdict: None } = ledger.submit(std::slice::from_ref(&requested))[0] else {
        panic!()
    };
    assert_eq!(index, start);
    let receipt = ledger.service.receipt(index).unwrap();
    let opening = ledger.service.reader().read_entry(0).unwrap();
    let (_, log) = lian_server::open::claimed_log_key(&opening.payload).unwrap();
    let checked = open_receipt(&receipt, &log, Some(&requested)).unwrap();
    assert_eq!(checked.index, start);
    ledger.service.close().unwrap();
}

#[test]
fn a_statement_by_an_unknown_key_a_wrong_side_or_a_stale_version_is_rejected_and_not_logged() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = found(folder.path(), 2);
    let size = ledger.service.reader().head().size();
    let draft = || ledger.house.draft(&ledger.ledger, START_S);
    let asked = |expect| draft().event("guarantee.requested", STREAM, expect, request(5_000_000).data());

    let stranger = SecretKey::from_seed(&[9; 32]);
    let unknown = asked(0).sign(&[lian_client::draft::Signing {
        actor: "bank:004",
        capacity: "guarantor",
        key: &stranger,
    }]);
    let wrong_side = ledger.house.sign(&asked(0), &[("bank:005", "guarantor")]);
    let wrong_capacity = ledger.house.sign(&asked(0), &[("officer:7f3k", "officer")]);
    let stale = ledger.house.sign(&asked(1), &[("bank:004", "guarantor")]);
    let answers = ledger.submit(&[unknown, wrong_side, wrong_capacity, stale]);

    let names: Vec<&str> = answers
        .iter()
        .map(|answer| match answer {
            Answer::Rejected { rejection, .. } => rejection.name(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["unknown-key", "wrong-side", "wrong-capacities", "stale-version"]);
    assert_eq!(ledger.service.reader().head().size(), size);
    ledger.service.close().unwrap();
}

#[test]
fn a_ledger_that_was_closed_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = found(folder.path(), 3);
    let size = ledger.service.reader().head().size();
    let id = ledger.ledger.clone();
    ledger.service.close().unwrap();

    let disk = std::sync::Arc::new(lian_store::disk::RealDisk::open(folder.path()).unwrap());
    let again = crate::support::run(disk, lian_client::sample::House::new(3), START_S + 5).unwrap();
    assert_eq!(again.ledger, id);
    let asked = again.house.draft(&id, START_S + 5).valid_for(60).event(
        "guarantee.requested",
        STREAM,
        0,
        request(1).data(),
    );
    // The house's ids start anew with its seed: the log remembers the first use.
    let reused = again.submit(&[again.house.sign(&asked, &[("bank:004", "guarantor")])]);
    assert!(matches!(
        &reused[0],
        Answer::Sealed { .. } | Answer::Rejected { rejection: Rejection::IdReused { .. }, .. }
    ));
    again.clock.pass(601_000);
    let asked =
        again.house.draft(&id, START_S + 600).event("guarantee.requested", "guarantee/FB-115-000124", 0, {
            GuaranteeRequest { no: "FB-115-000124", ..request(1) }.data()
        });
    let answers = again.submit(&[again.house.sign(&asked, &[("bank:004", "guarantor")])]);
    // The epoch that was due comes first.
    let grown = again.service.reader().head().size();
    assert_eq!(answers, [sealed(grown - 1)]);
    assert!(grown >= size + 2, "{size} to {grown}");
    again.service.close().unwrap();
}
