//! Keys that are replaced and revoked, statements signed away from the ledger, receipts that
//! OpenSSL believes, and proofs that nothing was left out.

mod support;

use std::{fs, path::Path, process::Command, sync::OnceLock};

use lian_core::{
    entry::Leaf,
    keys::SecretKey,
    receipt::Receipt,
    statement::{STATEMENT_TYPE, pae},
};
use support::{Desk, NO, VALID, run};
use tempfile::TempDir;

/// The demo's ledger, made once: epochs are closed in it.
fn sample() -> &'static Path {
    static SAMPLE: OnceLock<TempDir> = OnceLock::new();
    let folder = SAMPLE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), &["demo", "--dir", "sample", "--json"]).exits(0).json();
        fs::rename(folder.path().join("sample/ledger"), folder.path().join("ledger")).unwrap();
        folder
    });
    folder.path()
}

fn openssl_verifies(folder: &Path, key: &SecretKey, message: &[u8], signature: &[u8]) -> bool {
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    write("spki.der", &key.public().to_spki_der());
    write("message", message);
    write("signature", signature);
    let arguments = ["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "spki.der", "-rawin"];
    let files = ["-in", "message", "-sigfile", "signature"];
    let run = Command::new("openssl").args(arguments).args(files).current_dir(folder).output().unwrap();
    run.status.success()
}

#[test]
fn openssl_believes_what_a_bank_signed_by_hand_and_the_receipt_holds_it() {
    let desk = Desk::with_ledger();
    let ledger = desk.run(&["show", "guarantee/X"]).exits(2);
    assert!(ledger.err.contains("no entry names"), "{}", ledger.err);
    let dry = ["guarantee", "request", NO, "--principal", "12345675", "--limit", "7", "--valid", VALID];
    let shown = desk.run(&[&dry[..], &["--key", "bank-004", "--dry-run", "--json"]].concat()).exits(0).json();
    let mut draft = shown["payload"].clone();
    // What a drafter may leave out is filled in by `lian sign`.
    for name in ["id", "issued_at", "valid_until"] {
        draft.as_object_mut().unwrap().remove(name);
    }
    fs::write(desk.path().join("draft.json"), format!("{draft:#}")).unwrap();

    let key = desk.ledger().join("keys/bank-004.pem");
    desk.run(&["sign", "draft.json", "--key", key.to_str().unwrap(), "--out", "envelope.json"]).exits(0);
    desk.run(&["submit", "envelope.json"]).exits(0);

    let receipt = Receipt::parse(&fs::read(desk.file("-35.tlog-proof")).unwrap()).unwrap();
    let entry = receipt.entry().unwrap();
    let secret = SecretKey::from_pem(&fs::read_to_string(key).unwrap()).unwrap();
    let leaf = Leaf::decode(entry.leaf).unwrap();
    let message = pae(STATEMENT_TYPE, entry.payload);
    assert!(openssl_verifies(desk.path(), &secret, &message, leaf.signatures[0]));
    assert!(!openssl_verifies(desk.path(), &secret, &message[1..], leaf.signatures[0]));
    let shown = desk.run(&["show", "guarantee/FB-115-000123@v1", "--payload"]).exits(0);
    assert_eq!(shown.out.as_bytes(), entry.payload, "the exact bytes that were signed");
}

#[test]
fn a_key_is_rotated_revoked_as_compromised_and_its_entries_are_listed_as_contested() {
    let desk = Desk::with_ledger();
    desk.run(&["key", "generate", "--out", "new.pem", "--no-passphrase"]).exits(0);
    let rotate = ["key", "rotate", "bank:004", "--new-key", "new.pem", "--capacity", "guarantor"];
    desk.run(&[&rotate[..], &["--key", "bank-004", "--key", "officer-adm1"]].concat()).exits(0);

    let request = ["guarantee", "request", NO, "--principal", "12345675", "--limit", "7", "--valid", VALID];
    desk.run(&[&request[..], &["--key", "bank-004"]].concat()).exits(7);
    desk.run(&[&request[..], &["--key", "new.pem"]].concat()).exits(0);
    let shown = desk.run(&["key", "show", "new.pem", "--json"]).exits(0).json();
    let id = &shown["id"].as_str().unwrap()[..12];
    let revoke = ["key", "revoke", id, "--reason", "compromised", "--key", "new.pem"];
    desk.run(&revoke).exits(2);
    let sure = [&revoke[..], &["--compromised-since", "36"]].concat();
    desk.run(&sure).exits(2);
    desk.run(&[&sure[..], &["--yes"]].concat()).exits(0);

    let contested = desk.run(&["key", "contested", id, "--json"]).exits(0).json();
    let indexes: Vec<u64> = contested["contested"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["index"].as_u64().unwrap())
        .collect();
    assert_eq!(indexes, [36, 37], "the request and the revocation itself");
    let then =
        desk.run(&["key", "list", "--actor", "bank:004", "--as-of", "seq:34", "--json"]).exits(0).json();
    assert_eq!(then["keys"].as_array().unwrap().len(), 1, "before the rotation");
    assert!(desk.run(&["verify"]).exits(3).out.contains("remark"));
}

#[test]
fn a_further_key_is_cosigned_by_an_admin_who_sits_elsewhere() {
    let desk = Desk::with_ledger();
    desk.run(&["key", "generate", "--out", "second.pem", "--no-passphrase"]).exits(0);
    let enroll = ["key", "enroll", "bank:005", "--new-key", "second.pem", "--capacity", "guarantor"];
    let how = ["--key", "bank-005", "--cosigner", "officer:adm2=admin", "--out", "enroll.json"];
    let told = desk.run(&[&enroll[..], &how].concat()).exits(0).out;
    assert!(told.contains("2 of 3 signatures") && told.contains("officer:adm2 as admin"), "{told}");

    desk.run(&["sign", "--add", "enroll.json", "--key", "officer-adm2"]).exits(0);
    desk.run(&["submit", "enroll.json"]).exits(0);

    let keys = desk.run(&["key", "list", "--actor", "bank:005", "--json"]).exits(0).json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn the_switches_stop_and_allow_draws() {
    let desk = Desk::with_ledger();
    desk.accepted();
    let two = ["--key", "officer-7f3k", "--key", "officer-c29x"];
    let suspend = ["scheme", "suspend", "12345675", "--from", "115-01-01", "--until", "115-12-31"];
    let year = desk.run(&[&suspend[..], &two].concat());
    if year.code == Some(0) {
        desk.run(&[&["scheme", "restore", "12345675"][..], &two].concat()).exits(0);
    }
    desk.run(&["declaration", "block", "CA__15494A0001", "--reason", "held", "--key", "officer-7f3k"])
        .exits(0);
    assert!(desk.draw(1, 5, &[]).exits(6).out.contains("115 not-releasable"));
    desk.run(&["declaration", "unblock", "CA__15494A0001", "--key", "officer-7f3k"]).exits(0);
    desk.draw(1, 5, &[]).exits(0);
    let pair = ["--broker", "20000013", "--importer", "12345675", "--key", "officer-7f3k"];
    desk.run(&[&["delegation", "record"][..], &pair].concat()).exits(0);
    assert!(
        desk.run(&[&["delegation", "record"][..], &pair].concat()).exits(6).out.contains("already-recorded")
    );
    desk.run(&[&["delegation", "end"][..], &pair].concat()).exits(0);
}

#[test]
fn one_proof_shows_all_entries_of_a_guarantee_and_a_forged_one_fails() {
    let folder = sample();
    let stream = "guarantee/FB-115-000123";
    let told = run(folder, &["epoch", "prove", stream, "--out", "all.json"]).exits(0).out;
    assert!(told.starts_with("PASS these 7 are all entries"), "{told}");

    let file = fs::read_to_string(folder.join("all.json")).unwrap();
    let proof: serde_json::Value = serde_json::from_str(&file).unwrap();
    let map = proof["map"].as_str().unwrap();
    // Without any ledger: only the map root.
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("all.json"), &file).unwrap();
    run(elsewhere.path(), &["epoch", "check", "all.json", "--map", map]).exits(0);
    let mut shorter = proof.clone();
    shorter["entries"].as_array_mut().unwrap().remove(3);
    fs::write(elsewhere.path().join("shorter.json"), shorter.to_string()).unwrap();
    run(elsewhere.path(), &["epoch", "check", "shorter.json", "--map", map]).exits(1);
    let absent = run(folder, &["epoch", "prove", "guarantee/FB-115-999999"]).exits(0).out;
    assert!(absent.starts_with("PASS no entry"), "{absent}");
}

#[test]
fn the_past_is_rebuilt_and_a_kept_checkpoint_proves_that_the_log_only_grew() {
    let folder = sample();
    let at = |when: &str| run(folder, &["guarantee", "show", NO, "--as-of", when, "--json"]).exits(0).json();
    assert_eq!(at("115-09-13")["available"], 3_760_000);
    assert_eq!(at("now")["standing"], "closed");

    let diff = run(folder, &["diff", "sample/auditor-kept.checkpoint", "now", "--json"]).exits(0).json();
    assert_eq!(diff["prefix"], true);
    assert!(
        diff["changes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|change| change["stream"] == "guarantee/FB-115-000123")
    );
    let forged = run(
        folder,
        &["--ledger", "sample/forged-omission-and-cut", "diff", "sample/auditor-kept.checkpoint"],
    );
    assert!(forged.exits(1).out.starts_with("FAIL"));
    let replay = run(
        folder,
        &["replay", "--as-of", "115-09-13", "--show", "guarantee/FB-115-000123", "--diff", "now"],
    );
    assert!(replay.exits(0).out.contains("status         active → closed"));
}

#[test]
fn every_reading_command_speaks_json_and_chinese() {
    let folder = sample();
    let commands: &[&[&str]] = &[
        &["log", "-n", "3"],
        &["show", "94"],
        &["show", "guarantee/FB-115-000123"],
        &["guarantee", "list"],
        &["guarantee", "show", NO],
        &["guarantee", "quota", "12345675"],
        &["guarantee", "exposure"],
        &["key", "list"],
        &["checkpoint", "list"],
        &["checkpoint", "show"],
        &["epoch", "list"],
        &["epoch", "show", "2"],
        &["rules", "show"],
        &["replay", "--as-of", "115-11-23"],
        &["diff", "seq:90", "seq:95"],
        &["help", "109"],
        &["tiles", "export", "mirror"],
        &["receipt", "get", "94", "--out", "r.tlog-proof"],
        &["receipt", "show", "r.tlog-proof"],
    ];
    for command in commands {
        run(folder, &[command, &["--json"][..]].concat()).exits(0).json();
        run(folder, &[command, &["--lang", "zh-TW"][..]].concat()).exits(0);
    }
    run(folder, &["verify", "--json"]).exits(3).json();
    let line = run(folder, &["log", "--oneline", "--lang", "zh-TW", "--refused"]).exits(0).out;
    assert!(line.contains("扣抵額度") && line.contains("REFUSED 109"), "{line}");
    assert!(run(folder, &["completions", "bash"]).exits(0).out.contains("lian"));
    assert!(run(folder, &["guarantee", "--help"]).exits(0).out.starts_with("Examples:"));
}

#[test]
fn the_ledger_of_the_demo_goes_on_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let told = run(folder.path(), &["demo", "--dir", "sample", "--lang", "en"]).exits(0).out;

    for part in ["REFUSED 109 quota-insufficient", "bit 1 flipped", "history was rewritten", "15 wrong-side"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    let ledger = ["--ledger", "sample/ledger"];
    let request = [
        "guarantee",
        "request",
        "FB-115-000999",
        "--principal",
        "12345675",
        "--limit",
        "5",
        "--valid",
        VALID,
    ];
    run(folder.path(), &[&ledger[..], &request, &["--key", "bank-822"]].concat()).exits(0);
    run(folder.path(), &[&ledger[..], &["verify"]].concat()).exits(3);
    run(folder.path(), &["demo", "--dir", "sample"]).exits(2);
}

#[test]
fn the_demo_is_told_in_chinese_too_and_in_both_where_it_is_not_clear() {
    let folder = tempfile::tempdir().unwrap();
    let chinese = run(folder.path(), &["demo", "--lang", "zh-TW", "--seed", "7"]).exits(0).out;
    assert!(chinese.contains("超過額度的扣抵") && chinese.contains("故事結束"));
    let unclear = support::command(folder.path(), &["demo"]).env("LANG", "C").output().unwrap();
    let text = String::from_utf8(unclear.stdout).unwrap();
    assert!(text.contains("張保證書的一生") && text.contains("the life of one bank guarantee"));
}
