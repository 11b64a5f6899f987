//! A banker, an officer and an auditor at the command line, and every exit code by a sentence.

mod support;

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    process::{Command, Stdio},
};

use lian_store::disk::{Disk as _, RealDisk};
use support::{Desk, NO, VALID};

#[test]
fn a_bank_requests_customs_accepts_a_release_draws_and_the_receipts_verify() {
    let desk = Desk::with_ledger();
    desk.accepted();

    let drawn = desk.draw(1, 1_240_000, &["--expect", "2"]).exits(0);
    assert!(drawn.out.contains("ACCEPTED") && drawn.out.contains("checked here"), "{}", drawn.out);
    let shown = desk.run(&["guarantee", "show", NO]).exits(0).out;
    assert!(shown.contains("left NT$3,760,000") && shown.contains("115/"), "{shown}");
    desk.run(&[
        "guarantee",
        "paid",
        NO,
        "--declaration",
        "CA__15494A0001",
        "--amount",
        "1240000",
        "--key",
        "system-treasury",
    ])
    .exits(0);
    desk.run(&["guarantee", "suspend", NO, "--key", "bank-004"]).exits(0);
    desk.run(&["guarantee", "close", NO, "--key", "officer-7f3k"]).exits(0);

    let quota = desk.run(&["guarantee", "quota", "12345675", "--json"]).exits(0).json();
    assert_eq!(quota["available"], 0, "a closed guarantee gives no quota");
    let key = desk.run(&["key", "list", "-q", "--json"]).exits(0);
    assert_eq!(key.json()["keys"].as_array().unwrap().len(), 39);
    let log_key = desk.run(&["checkpoint", "show"]).exits(0).out;
    assert!(log_key.starts_with("customs.example/2026\n41\n"), "{log_key}");
}

#[test]
fn exit_5_an_expected_version_that_has_passed_names_what_changed_since() {
    let desk = Desk::with_ledger();
    desk.accepted();
    desk.draw(1, 1_240_000, &[]).exits(0);

    let late = desk.draw(2, 4_000_000, &["--expect", "2"]).exits(5);

    assert!(late.err.starts_with("error[stale-version]"), "{}", late.err);
    assert!(late.err.contains("changed since: #37") && late.err.contains("--expect 3"), "{}", late.err);
    let answer = fs::read(desk.file(".rejection")).unwrap();
    assert!(String::from_utf8(answer).unwrap().contains("application/vnd.lian.rejection.v1+json"));
    assert_eq!(desk.run(&["log", "--refused", "--json"]).json().as_array().unwrap().len(), 0, "not logged");
}

#[test]
fn exit_6_a_draw_above_the_quota_is_refused_on_the_record_with_a_receipt() {
    let desk = Desk::with_ledger();
    desk.accepted();

    let refused = desk.draw(1, 5_000_001, &[]).exits(6);

    assert!(refused.out.contains("REFUSED 109 quota-insufficient"), "{}", refused.out);
    let receipt = desk.file("-37.tlog-proof");
    let told = desk.run(&["receipt", "show", receipt.to_str().unwrap()]).exits(0).out;
    assert!(told.starts_with("PASS entry 37") && told.contains("REFUSED 109"), "{told}");
    assert_eq!(desk.run(&["log", "--refused", "--json"]).json()[0]["index"], 37);
    // A rehearsal gives the same answer and leaves nothing behind.
    let rehearsed = desk.draw(2, 5_000_001, &["--dry-run"]).exits(6);
    assert!(
        rehearsed.out.contains("\"taxes\":{\"duty\":5000001}") && rehearsed.out.contains("Nothing was sent")
    );
    assert!(desk.run(&["show", "38"]).err.contains("not in a log of 38 entries"));
}

#[test]
fn exit_7_a_bank_that_suspends_anothers_guarantee_is_not_authorised() {
    let desk = Desk::with_ledger();
    desk.accepted();

    let turned = desk.run(&["guarantee", "suspend", NO, "--key", "bank-005"]).exits(7);

    assert!(turned.err.starts_with("error[wrong-side]"), "{}", turned.err);
    desk.run(&["key", "generate", "--out", "stranger.pem", "--no-passphrase"]).exits(0);
    let unknown = desk.run(&["guarantee", "suspend", NO, "--key", "stranger.pem"]).exits(7);
    assert!(unknown.err.contains("not enrolled"), "{}", unknown.err);
}

#[test]
fn exit_1_and_3_a_flipped_bit_fails_and_an_unconfirmed_log_key_is_only_unconfirmed() {
    let desk = Desk::with_ledger();
    let whole = desk.run(&["verify"]).exits(3);
    assert!(whole.out.contains("UNCONFIRMED  checkpoint"), "{}", whole.out);

    let segment = desk.ledger().join("segments/000000.seg");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[3_000] ^= 4;
    fs::write(&segment, &bytes).unwrap();

    let damaged = desk.run(&["verify", "--json"]).exits(1).json();
    assert_eq!(damaged["result"], "FAIL");
    assert_eq!(damaged["findings"][0]["offset"], 3_000);
}

#[test]
fn what_is_left_of_a_damaged_folder_is_never_shown_as_all_there_is() {
    let desk = Desk::with_ledger();
    let segment = desk.ledger().join("segments/000000.seg");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[3_000] ^= 4;
    fs::write(&segment, &bytes).unwrap();

    let reading = [&["log"][..], &["guarantee", "list"], &["replay", "--as-of", "now"], &["obligations"]];
    for arguments in reading {
        let told = desk.run(arguments).exits(1);
        assert!(told.err.starts_with("error[damaged]"), "{arguments:?}: {}", told.err);
        assert!(told.out.is_empty(), "{arguments:?}: {}", told.out);
    }
}

#[test]
fn exit_2_and_4_a_command_that_cannot_be_understood_and_a_file_that_is_not_there() {
    let desk = Desk::with_ledger();
    desk.run(&["guarantee", "draw"]).exits(2);
    desk.run(&["help", "nonsense"]).exits(2);
    desk.run(&["replay", "--as-of", "yesterday"]).exits(2);
    let missing = desk.run(&["submit", "nowhere.json"]).exits(4);
    assert!(missing.err.starts_with("error[io]"), "{}", missing.err);
}

#[test]
fn exit_10_a_folder_without_a_ledger() {
    let desk = Desk::empty();
    for arguments in [&["log"][..], &["verify"], &["guarantee", "list"], &["epoch", "close"]] {
        desk.run(arguments).exits(10);
    }
    let told = desk.run(&["log", "--json"]).exits(10).err;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&told).unwrap()["error"]["exit"], 10);
}

#[test]
fn exit_11_whoever_comes_second_is_told_who_writes_and_may_read_meanwhile() {
    let desk = Desk::with_ledger();
    let held = RealDisk::open(desk.ledger()).unwrap().lock("the night shift").unwrap();

    let request = ["guarantee", "request", NO, "--principal", "12345675", "--limit", "1", "--valid", VALID];
    let locked = desk.run(&[&request[..], &["--key", "bank-004"]].concat()).exits(11);

    let who = format!("process {}: the night shift", std::process::id());
    assert!(locked.err.contains(&who), "{}", locked.err);
    desk.run(&["log", "--oneline"]).exits(0);
    drop(held);
    // A process that another test starts holds every open file until it becomes another program.
    while RealDisk::open(desk.ledger()).unwrap().lock("the day shift").is_err() {
        std::thread::yield_now();
    }
    desk.run(&[&request[..], &["--key", "bank-004"]].concat()).exits(0);
}

#[test]
fn two_writers_at_once_never_fork_the_log() {
    let desk = Desk::with_ledger();
    let children: Vec<_> = (0..4)
        .map(|number| {
            let no = format!("FB-115-00020{number}");
            let request =
                ["guarantee", "request", &no, "--principal", "12345675", "--limit", "1", "--valid", VALID];
            let mut command = desk.command(&[&request[..], &["--key", "bank-004"]].concat());
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();

    let codes: Vec<_> = children.into_iter().map(|mut child| child.wait().unwrap().code()).collect();

    let written = codes.iter().filter(|code| **code == Some(0)).count();
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 11))) && written > 0, "{codes:?}");
    let list = desk.run(&["guarantee", "list", "--json"]).exits(0).json();
    assert_eq!(list["guarantees"].as_array().unwrap().len(), written);
    desk.run(&["verify"]).exits(3);
}

#[test]
fn exit_12_a_wrong_passphrase_opens_nothing() {
    let desk = Desk::empty();
    fs::write(desk.path().join("right"), "correct horse\n").unwrap();
    fs::write(desk.path().join("wrong"), "battery staple\n").unwrap();
    desk.run(&["key", "generate", "--out", "k.pem", "--passphrase-file", "right"]).exits(0);

    assert_eq!(fs::metadata(desk.path().join("k.pem")).unwrap().permissions().mode() & 0o777, 0o600);
    desk.run(&["key", "show", "k.pem", "--passphrase-file", "right"]).exits(0);
    desk.run(&["key", "show", "k.pem", "--passphrase-file", "wrong"]).exits(12);
    desk.run(&["key", "show", "k.pem"]).exits(12);
    let again = desk.run(&["key", "generate", "--out", "k.pem", "--no-passphrase"]).exits(4);
    assert!(again.err.contains("error[exists]"), "{}", again.err);
}

#[test]
fn an_interrupted_command_ends_by_the_signal_which_shells_show_as_130() {
    let desk = Desk::with_ledger();
    // A test run in the background hands on that SIGINT is ignored; `env` takes that back.
    let plain = desk.command(&["submit", "-"]);
    let mut command = Command::new("env");
    command.arg("--default-signal=INT").arg(plain.get_program()).args(plain.get_args());
    command.current_dir(plain.get_current_dir().unwrap_or(desk.path()));
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();

    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();

    assert!(kill.success());
    assert_eq!(child.wait().unwrap().signal(), Some(2));
}

#[test]
fn a_real_ledger_has_encrypted_keys_and_three_roots() {
    let desk = Desk::empty();
    fs::write(desk.path().join("pass"), "correct horse\n").unwrap();
    for root in ["customs", "banks", "audit"] {
        desk.run(&["key", "generate", "--out", &format!("{root}.pem"), "--passphrase-file", "pass"]).exits(0);
    }
    let init = ["init", "--dir", "ledger", "--name", "customs.example/test", "--passphrase-file", "pass"];
    let two = ["--root", "customs=customs.pem", "--root", "banks=banks.pem"];
    desk.run(&[&init[..], &two].concat()).exits(2);
    desk.run(&[&init[..], &two, &["--root", "audit=audit.pem"]].concat()).exits(0);

    let key = fs::read_to_string(desk.ledger().join("keys/log.pem")).unwrap();
    assert!(key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    desk.run(&["init", "--dir", "ledger", "--dev-keys"]).exits(2);
    desk.run(&["verify"]).exits(3);
    // The roots vouch for the first admins; their co-signature travels as a file.
    fs::write(desk.path().join("chain"), "certificates").unwrap();
    desk.run(&["key", "generate", "--out", "adm1.pem", "--passphrase-file", "pass"]).exits(0);
    let register = ["actor", "register", "officer:adm1", "--unit", "office:CA", "--capacity", "admin"];
    let how =
        ["--new-key", "adm1.pem", "--chain", "chain", "--passphrase-file", "pass", "--key", "customs.pem"];
    desk.run(&[&register[..], &how, &["--cosigner", "root:audit=root", "--out", "adm1.json"]].concat())
        .exits(0);
    let early = desk.run(&["submit", "adm1.json", "--passphrase-file", "pass"]).exits(2);
    assert!(early.err.contains("a signature is missing"), "{}", early.err);
    desk.run(&["sign", "--add", "adm1.json", "--key", "audit.pem", "--passphrase-file", "pass"]).exits(0);
    desk.run(&["submit", "adm1.json"]).exits(12);
    desk.run(&["submit", "adm1.json", "--passphrase-file", "pass"]).exits(0);
    let again = desk.run(&["submit", "adm1.json", "--passphrase-file", "pass", "--json"]).exits(0).json();
    assert_eq!((&again["index"], &again["repeated"]), (&1.into(), &true.into()), "safe to repeat");
}
