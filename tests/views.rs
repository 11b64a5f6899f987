//! Lists and sums that people ask for, over a ledger that really lived.

use crate::support::{Running, START_S, found};
use lian_client::{kinds, kinds::GuaranteeRequest};
use lian_domain::{
    dates::Day,
    ids::Ubn,
    ledger::Ledger,
    views::{
        changes::changes,
        guarantees::{bank_exposure, company_quota, rows},
        keys::{find, keys},
    },
};
use lian_server::{open::Fold, service::Answer};

const COMPANY: &str = "12345675";

fn request(no: &'static str, bank: &'static str, limit: u64) -> GuaranteeRequest<'static> {
    GuaranteeRequest {
        no,
        bank,
        branch: "0037",
        debtor: COMPANY,
        purpose: "importer",
        scope: "all",
        limit,
        from: Day::parse("2026-11-01").unwrap(),
        to: Day::parse("2027-10-31").unwrap(),
    }
}

/// Two banks secure one company; a draw stands open with the first, the second is suspended, and
/// the key of a third bank is revoked as compromised.
fn lived(ledger: &Running) {
    let root = lian_core::hash::leaf_hash(&ledger.service.reader().read_entry(0).unwrap().leaf);
    let say = |kind, stream: &str, expect, data, by: (&str, &str)| {
        let draft = ledger.house.draft(&ledger.ledger, START_S).event(kind, stream, expect, data);
        let answer = ledger.submit(&[ledger.house.sign(&draft.seen(0, root), &[by])]);
        assert!(
            matches!(&answer[..], [Answer::Sealed { verdict: Some(verdict), .. }] if verdict.is_accepted())
        );
    };
    let officer = ("officer:7f3k", "officer");
    for (no, bank, by) in [("FB-1", "004", "bank:004"), ("FB-2", "005", "bank:005")] {
        let (stream, request) = (format!("guarantee/{no}"), request(no, bank, 5_000_000));
        say("guarantee.requested", &stream, 0, request.data(), (by, "guarantor"));
        say("guarantee.accepted", &stream, 1, kinds::accepted(&request.terms()), officer);
    }
    let served = Day::parse("2026-11-23").unwrap();
    let drawn = kinds::drawn("CA__15494A0001", COMPANY, None, 1_240_000, served, false);
    say("guarantee.drawn", "guarantee/FB-1", 2, drawn, ("system:release", "release"));
    say("guarantee.suspended", "guarantee/FB-2", 2, kinds::nothing(), ("bank:005", "guarantor"));
    let lost = ledger.house.key("bank:006").public().id();
    let revoked = kinds::key_revoked(&lost, "compromised", Some(20));
    say("key.revoked", "actor/bank:006", 2, revoked, ("bank:006", "holder"));
}

fn fold(ledger: &Running, size: u64) -> Ledger {
    let mut fold = Fold::new(START_S);
    fold.run(ledger.service.reader(), size, &mut |_| ()).unwrap();
    fold.ledger
}

#[test]
fn a_company_has_the_quota_of_its_guarantees_that_may_be_drawn_on_and_each_bank_its_exposure() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = found(folder.path(), 1);
    lived(&ledger);
    let now = fold(&ledger, u64::MAX);
    let today = Day::parse("2026-11-23").unwrap();

    let quota = company_quota(&now, &Ubn::parse(COMPANY).unwrap(), today);
    assert_eq!((quota.limit.get(), quota.available.get()), (5_000_000, 3_760_000));
    assert_eq!((quota.guarantees.len(), quota.outstanding.get()), (2, 1_240_000));
    let standings: Vec<&str> = rows(&now, today).iter().map(|row| row.standing.name()).collect();
    assert_eq!(standings, ["active", "suspended"]);
    let lapsed = rows(&now, Day::parse("2027-11-01").unwrap());
    assert!(lapsed.iter().all(|row| row.standing.name() == "expired"));
    let banks = bank_exposure(&now, today);
    assert_eq!((banks["004"].outstanding.get(), banks["005"].limit.get()), (1_240_000, 5_000_000));
    ledger.service.close().unwrap();
}

#[test]
fn the_key_directory_knows_who_held_what_when_and_changes_list_each_object_once() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = found(folder.path(), 1);
    let size = ledger.service.reader().head().size();
    lived(&ledger);
    let (then, now) = (fold(&ledger, size), fold(&ledger, u64::MAX));

    let id = ledger.house.key("bank:006").public().id().to_hex();
    let (before, after) = (keys(&then), keys(&now));
    assert_eq!(find(&before, &id)[0].revoked, None);
    let revoked = find(&after, &id)[0].revoked.unwrap();
    assert_eq!((revoked.reason, revoked.contested_from), ("compromised", Some(20)));
    let streams: Vec<String> = changes(&then, &now).into_iter().map(|change| change.stream).collect();
    assert_eq!(streams, ["actor/bank:006", "guarantee/FB-1", "guarantee/FB-2"]);
    assert!(changes(&now, &now).is_empty());
    ledger.service.close().unwrap();
}
