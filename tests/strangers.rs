//! A program that nobody here wrote reads our tiles: the Go team's transparency log library (T30).
//! Skipped, and said so, where there is no Go; a failure in CI.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::support::{START_S, found};
use lian_client::kinds::GuaranteeRequest;
use lian_core::note::{SignatureType, VerifierKey};
use lian_domain::dates::Day;
use lian_store::{disk::RealDisk, tiles};

/// Entries of the exported ledger: more than two full tiles, and a partial one.
const ENTRIES: u64 = 600;

fn has_go() -> bool {
    let there = Command::new("go").arg("version").output().is_ok_and(|output| output.status.success());
    assert!(there || std::env::var_os("LIAN_CI").is_none(), "CI must have Go");
    if !there {
        println!("skipped: there is no Go on this machine");
    }
    there
}

fn build_checker(into: &Path) -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/strangers");
    let program = into.join("strangers");
    let output =
        Command::new("go").args(["build", "-o"]).arg(&program).arg(".").current_dir(source).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}

fn export(into: &Path) -> String {
    let folder = tempfile::tempdir().unwrap();
    let ledger = found(folder.path(), 31);
    let mut envelopes = Vec::new();
    for serial in ledger.service.reader().head().size()..ENTRIES {
        let no = format!("FB-115-{serial:06}");
        let request = GuaranteeRequest {
            no: &no,
            bank: "004",
            branch: "0037",
            debtor: "12345675",
            purpose: "importer",
            scope: "all",
            limit: 1_000 + serial,
            from: Day::parse("2026-11-01").unwrap(),
            to: Day::parse("2027-10-31").unwrap(),
        };
        let draft = ledger.house.draft(&ledger.ledger, START_S);
        let draft = draft.event("guarantee.requested", &format!("guarantee/{no}"), 0, request.data());
        envelopes.push(ledger.house.sign(&draft, &[("bank:004", "guarantor")]));
    }
    ledger.submit(&envelopes);
    assert_eq!(ledger.service.reader().head().size(), ENTRIES);
    tiles::export(ledger.service.reader(), &RealDisk::create(into).unwrap()).unwrap();
    let key = ledger.house.key("log").public();
    ledger.service.close().unwrap();
    VerifierKey::new(lian_client::sample::SAMPLE_NAME, SignatureType::Ed25519, key).unwrap().to_string()
}

#[test]
fn the_go_teams_library_accepts_our_log_and_names_the_entry_that_was_changed() {
    if !has_go() {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let tiles = work.path().join("tiles");
    let vkey = export(&tiles);
    let program = build_checker(work.path());
    let check = || -> Output { Command::new(&program).arg(&tiles).arg(&vkey).output().unwrap() };

    let good = check();
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    assert!(String::from_utf8_lossy(&good.stdout).contains("600 entries"));

    let bundle = tiles.join("tile/entries/001");
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[2 + 100] ^= 1; // inside the leaf of entry 256
    std::fs::write(&bundle, bytes).unwrap();
    let bad = check();
    assert_eq!(bad.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&bad.stderr).starts_with("entry 256:"),
        "{}",
        String::from_utf8_lossy(&bad.stderr)
    );
}
