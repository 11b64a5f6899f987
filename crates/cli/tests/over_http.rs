//! Banker, officer and operator over a server: the same words as on a folder, and nothing believed
//! that is not proved.

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
};

use support::{Desk, NO, Served, VALID};

const REQUEST: &[&str] = &[
    "guarantee",
    "request",
    NO,
    "--principal",
    "12345675",
    "--limit",
    "5000000",
    "--valid",
    VALID,
    "--key",
    "bank-004",
];
const ACCEPT: &[&str] = &["guarantee", "accept", NO, "--key", "officer-7f3k"];

fn at<'a>(url: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--server", url]].concat()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn a_guarantee_lives_over_a_server_in_the_words_in_which_it_lives_on_a_folder() {
    let desk = Desk::with_ledger();
    let served = desk.serve(&["--open-all"]);
    let url = served.url.clone();

    let first = desk.run(&at(&url, REQUEST)).exits(0);
    assert!(first.out.contains("ACCEPTED") && first.out.contains("checked here"), "{}", first.out);
    assert!(first.err.contains("log key as entry 0 claims it"), "{}", first.err);
    desk.run(&at(&url, ACCEPT)).exits(0);
    let drawn = desk.draw(1, 1_240_000, &["--server", &url]).exits(0);
    assert!(!drawn.err.contains("claims"), "the key is kept: {}", drawn.err);
    let tried = desk.draw(2, 5_000_000, &["--server", &url, "--dry-run"]).exits(6);
    assert!(tried.out.contains("REFUSED 109") && tried.out.contains("tried out only"), "{}", tried.out);
    desk.draw(2, 1, &["--server", &url, "--dry-run"]).exits(0);
    let refused = desk.draw(2, 5_000_000, &["--server", &url]).exits(6);
    assert!(refused.out.contains("REFUSED 109 quota-insufficient"), "{}", refused.out);
    let late = desk.draw(3, 1, &["--expect", "2", "--server", &url]).exits(5);
    assert!(late.err.starts_with("error[stale-version]") && late.err.contains("--expect 3"), "{}", late.err);
    desk.file(".rejection");

    let receipt = desk.file("-37.tlog-proof");
    let mut afar = Vec::new();
    let reads: [&[&str]; 8] = [
        &["guarantee", "quota", "12345675"],
        &["guarantee", "list", "--status", "active"],
        &["guarantee", "list", "--json"],
        &["guarantee", "list", "--json", "--as-of", "checkpoint:36"],
        &["guarantee", "exposure"],
        &["log", "--oneline"],
        &["show", "37"],
        &["receipt", "show", receipt.to_str().unwrap()],
    ];
    for read in reads {
        afar.push(desk.run(&at(&url, read)).exits(0).out);
    }
    let listed: serde_json::Value = serde_json::from_str(&afar[2]).unwrap();
    assert_eq!(listed["guarantees"][0]["to"], "2029-12-31", "{listed}");
    assert_eq!(listed["guarantees"][0]["state"]["limit"], 5_000_000, "{listed}");
    let shown = desk.run(&at(&url, &["guarantee", "show", NO])).exits(0).out;
    assert!(shown.contains("left NT$3,760,000"), "{shown}");
    let status = desk.run(&at(&url, &["status", "--json"])).exits(0).json();
    assert_eq!((&status["size"], &status["state"]), (&39.into(), &"ready".into()));
    desk.run(&at(&url, &["doctor"])).exits(0);
    let folder_only = desk.run(&at(&url, &["epoch", "list"])).exits(2);
    assert!(folder_only.err.contains("leave out --server"), "{}", folder_only.err);
    desk.run(REQUEST).exits(11);

    assert_eq!(served.ends("-TERM"), Some(0), "it closes the ledger whole");
    for (read, afar) in reads.iter().zip(afar) {
        assert_eq!(desk.run(read).exits(0).out, afar, "{read:?}");
    }
    let near = desk.run(&["guarantee", "show", NO]).exits(0).out;
    assert!(shown.starts_with(&near), "{near}\n{shown}");
}

#[test]
fn a_rehearsal_of_what_is_logged_already_says_where_on_a_folder_and_over_a_server() {
    let desk = Desk::with_ledger();
    desk.run(&[REQUEST, &["--out", "request.json"]].concat()).exits(0);
    desk.run(&["submit", "request.json", "--dry-run"]).exits(0);
    desk.run(&["submit", "request.json"]).exits(0);
    desk.run(ACCEPT).exits(0);
    desk.draw(1, 6_000_000, &["--out", "draw.json"]).exits(0);
    desk.run(&["submit", "draw.json"]).exits(6);
    let served = desk.serve(&["--open-all"]);

    let rehearse = |file: &'static str, more: &[&str]| {
        let near = desk.run(&[&["submit", file, "--dry-run"], more].concat());
        let far = desk.run(&at(&served.url, &[&["submit", file, "--dry-run"], more].concat()));
        assert_eq!(near.code, far.code, "{}\n{}", near.err, far.err);
        [near, far]
    };
    for said in rehearse("request.json", &[]).map(|said| said.exits(0).out) {
        assert!(said.contains("ACCEPTED   this statement is logged already, as entry 35"), "{said}");
    }
    for said in rehearse("draw.json", &["--lang", "zh-TW"]).map(|said| said.exits(6).out) {
        assert!(said.contains("REFUSED 109") && said.contains("此陳述已登載於第 37 筆"), "{said}");
    }
    for said in rehearse("request.json", &["--json"]).map(|said| said.exits(0).json()) {
        assert_eq!((&said["repeated"], &said["entry"]), (&true.into(), &35.into()), "{said}");
    }
    let tried = desk.draw(2, 1, &["--server", &served.url, "--dry-run", "--json"]).exits(0).json();
    assert_eq!((&tried["repeated"], tried.get("entry")), (&false.into(), None));
}

#[test]
fn a_server_that_shows_less_than_it_showed_before_is_a_fork_whatever_its_address_is() {
    let desk = Desk::with_ledger();
    copy(&desk.ledger(), &desk.path().join("older"));
    let served = desk.serve(&["--open-all"]);
    desk.run(&at(&served.url, REQUEST)).exits(0);
    assert_eq!(served.ends("-INT"), Some(0));

    let older =
        Served::start(desk.command(&["--ledger", "older", "serve", "--listen", "127.0.0.1:0", "--json"]));
    let found = desk.run(&at(&older.url, &["status"])).exits(1);

    assert!(found.err.starts_with("error[fork]") && found.err.contains("seen/"), "{}", found.err);
    let key = older.said["log_key"].as_str().unwrap().replace("2026", "2027");
    desk.run(&at(&older.url, &["status", "--server-key", &key])).exits(2);
}

#[test]
fn strangers_read_what_is_public_and_are_told_that_the_rest_is_for_its_parties() {
    let desk = Desk::with_ledger();
    desk.accepted();
    let served = desk.serve(&[]);

    let closed = desk.run(&at(&served.url, &["guarantee", "show", NO])).exits(7);
    assert!(closed.err.contains("error[not-for-you]"), "{}", closed.err);
    let listed = desk.run(&at(&served.url, &["log", "--oneline"])).exits(0).out;
    assert_eq!(listed.matches("for its parties only").count(), 2, "{listed}");
    assert!(listed.contains("ledger opened"), "{listed}");
    let tail = desk.run(&at(&served.url, &["tail", "-n", "3"])).exits(0).out;
    assert_eq!(tail.matches("for its parties only").count(), 2, "{tail}");
}

#[test]
fn a_follower_gets_every_entry_once_and_in_order() {
    let desk = Desk::with_ledger();
    let served = desk.serve(&["--open-all"]);
    let follow = ["tail", "-f", "--from", "30", "--json"];
    let mut tail = desk.command(&at(&served.url, &follow)).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    desk.run(&at(&served.url, REQUEST)).exits(0);
    desk.run(&at(&served.url, ACCEPT)).exits(0);

    let indexes = lines.take(7).map(|line| {
        let value: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        value["index"].as_u64().unwrap()
    });

    assert_eq!(indexes.collect::<Vec<_>>(), (30..37).collect::<Vec<_>>());
    tail.kill().unwrap();
    tail.wait().unwrap();
}

#[test]
fn dev_serves_a_sample_and_leaves_nothing_behind() {
    let desk = Desk::empty();
    fs::create_dir(desk.path().join("tmp")).unwrap();
    let mut command = desk.command(&["dev", "--port", "0", "--json"]);
    command.env("TMPDIR", desk.path().join("tmp"));
    let served = Served::start(command);

    let shown = desk.run(&at(&served.url, &["guarantee", "show", NO])).exits(0).out;
    assert!(shown.contains("UNCONFIRMED") && shown.contains("are all entries that name it"), "{shown}");
    let object = desk.run(&at(&served.url, &["show", "guarantee/FB-115-000123"])).exits(0).out;
    assert!(object.contains("UNCONFIRMED"), "{object}");

    assert_eq!(served.ends("-INT"), Some(0));
    assert_eq!(fs::read_dir(desk.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn a_backup_is_made_while_the_ledger_is_written_and_damage_to_it_is_found() {
    let desk = Desk::with_ledger();
    let served = desk.serve(&["--open-all"]);
    desk.run(&at(&served.url, REQUEST)).exits(0);

    let made = desk.run(&["backup", "create", "copy", "--json"]).exits(0).json();
    desk.run(&at(&served.url, ACCEPT)).exits(0);

    assert_eq!(made["size"], 36);
    assert!(!desk.path().join("copy/keys").exists(), "keys are never copied");
    desk.run(&["backup", "verify", "copy"]).exits(0);
    let segment = desk.path().join("copy/segments/000000.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).unwrap();
    desk.run(&["backup", "verify", "copy"]).exits(1);
    desk.run(&["backup", "restore", "copy", "--dir", "again"]).exits(1);
    assert!(!desk.path().join("again/segments").exists());
}

#[test]
fn a_backup_goes_on_only_if_nobody_knows_a_larger_head() {
    let desk = Desk::with_ledger();
    desk.run(&["backup", "create", "copy"]).exits(0);
    desk.run(REQUEST).exits(0);
    desk.run(&["checkpoint", "export", "--out", "kept.checkpoint"]).exits(0);
    let receipt = desk.file(".tlog-proof");

    for known in ["kept.checkpoint", receipt.to_str().unwrap()] {
        let behind = desk.run(&["backup", "restore", "copy", "--dir", "again", "--known", known]).exits(1);
        assert!(behind.err.starts_with("error[behind]"), "{}", behind.err);
    }
    let restore = ["backup", "restore", "copy", "--dir", "old", "--known", "kept.checkpoint", "--read-only"];
    desk.run(&restore).exits(0);
    let old = desk.run(&["--ledger", "old", "log", "--oneline"]).exits(0);
    assert!(old.err.contains("not all, but an older copy"), "{}", old.err);
    fs::copy(desk.ledger().join("lian.toml"), desk.path().join("old/lian.toml")).unwrap();
    copy(&desk.ledger().join("keys"), &desk.path().join("old/keys"));
    let kept_out = desk.run(&[&["--ledger", "old"], REQUEST].concat()).exits(1);
    assert!(kept_out.err.starts_with("error[damaged]"), "{}", kept_out.err);

    // Nobody knows more than this one.
    desk.run(&["backup", "create", "newer"]).exits(0);
    desk.run(&["backup", "restore", "newer", "--dir", "new", "--known", "kept.checkpoint"]).exits(0);
    copy(&desk.ledger().join("keys"), &desk.path().join("new/keys"));
    desk.run(&[&["--ledger", "new"], ACCEPT].concat()).exits(0);
}

#[test]
fn a_doctor_names_what_is_wrong_and_how_to_mend_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::with_ledger();

    let fine = desk.run(&["doctor"]).exits(0).out;
    assert!(fine.contains("OK   head") && !fine.contains("FAIL"), "{fine}");
    let key = desk.ledger().join("keys/log.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let open = desk.run(&["doctor", "--lang", "zh-TW"]).exits(1).out;
    assert!(open.contains("FAIL key") && open.contains("chmod 600"), "{open}");
    let none = desk.run(&["--ledger", "nowhere", "doctor", "--json"]).exits(1).json();
    assert!(
        none.as_array().unwrap().iter().any(|line| line["check"] == "ledger" && line["result"] == "FAIL")
    );
}

#[test]
fn views_are_compared_with_the_log_and_made_again_by_hand() {
    let desk = Desk::with_ledger();
    desk.accepted();
    let views = desk.ledger().join("views/sled");
    drop(desk.serve(&[]));
    assert!(views.is_dir());

    let agree = desk.run(&["reindex", "--check", "--json"]).exits(0).json();
    assert!(agree["rows"].as_u64().unwrap() > 20, "{agree}");
    let made = desk.run(&["--lang", "en", "reindex"]).exits(0);
    assert!(made.err.contains("the views go: they cover"), "{}", made.err);
    assert!(made.out.contains("made again"), "{}", made.out);
    desk.run(&["reindex", "--check"]).exits(0);

    // Views of a ledger that went on, under a copy that did not: evidence, until a hand says so.
    let copy = desk.path().join("copy");
    let copied = std::process::Command::new("cp").args(["-r"]).arg(desk.ledger()).arg(&copy).status();
    assert!(copied.unwrap().success());
    desk.draw(1, 1_000, &[]).exits(0);
    desk.run(&["reindex"]).exits(0);
    std::fs::remove_dir_all(copy.join("views")).unwrap();
    let copied =
        std::process::Command::new("cp").args(["-r"]).arg(desk.ledger().join("views")).arg(&copy).status();
    assert!(copied.unwrap().success());
    let ahead = desk.run(&["--ledger", "copy", "--lang", "en", "reindex", "--check"]).exits(1);
    assert!(ahead.err.contains("lian reindex"), "{}", ahead.err);
    desk.run(&["--ledger", "copy", "reindex"]).exits(0);
    desk.run(&["--ledger", "copy", "reindex", "--check"]).exits(0);
}
