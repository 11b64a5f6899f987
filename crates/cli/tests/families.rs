//! Cargo, registrations, draws and cases at the command line: one way in for every kind, the views,
//! and an operator who picks what is drawn.

mod support;

use std::{fs, path::Path};

use support::{Run, copy, run, sample};

const BAG: &str = "297-83993523/598FJ923";
const DRAW: [&str; 4] = ["draw", "check", "ethics_sample", "2026Q3"];
const MANIFEST: &str = r#"{"arrival_at":"2027-01-31T18:00:00+08:00","carrier":"CI","class":"express",
    "consignee":null,"consignor":null,"flight":"CI5832","goods":null,"long_leg":true,"pieces":3}"#;

fn both(folder: &Path, command: &[&str], more: &[&str]) -> Run {
    run(folder, &[command, more].concat())
}

#[test]
fn what_its_kind_does_not_read_is_never_signed_and_all_that_lacks_is_said_at_once() {
    let folder = sample();
    let held = ["record", "cargo.held", &format!("cargo/{BAG}"), "--key", "officer-7f3k"];

    let unknown = run(folder, &["record", "cargo.hold", BAG, "--key", "officer-7f3k"]).exits(2);
    assert!(unknown.err.contains("did you mean cargo.held?"), "{}", unknown.err);
    let lacking = both(folder, &held, &["--set", "basis=order", "--set", "form=hand"]).exits(2);
    for part in ["signed by officer", "missing  from", "missing  pieces", "did you mean from?"] {
        assert!(lacking.err.contains(part), "{part}: {}", lacking.err);
    }
    let elsewhere = run(folder, &["record", "cargo.held", "case/1", "--key", "officer-7f3k"]).exits(2);
    assert!(elsewhere.err.contains("this is case/1"), "{}", elsewhere.err);
    let own = run(folder, &["record", "epoch.closed", "epoch/1", "--key", "officer-7f3k"]).exits(2);
    assert!(own.err.contains("has a command of its own"), "{}", own.err);
    let kinds = run(folder, &["record", "--kinds", "--json"]).exits(0).json();
    assert_eq!(kinds["kinds"].as_array().unwrap().len(), lian_domain::families::kinds().count());
}

#[test]
fn a_rehearsal_shows_the_exact_bytes_and_the_verdict_and_leaves_nothing() {
    let folder = copy();
    let folder = folder.path();
    fs::write(folder.join("manifest.json"), MANIFEST).unwrap();
    let record = ["clearance", "record", "manifested", "297-83993523/B2", "--data", "manifest.json"];

    let rehearsed = both(folder, &record, &["--key", "airline-CI", "--dry-run"]).exits(0);
    assert!(rehearsed.out.contains(r#""kind":"cargo.manifested""#), "{}", rehearsed.out);
    assert!(rehearsed.out.contains("ACCEPTED") && rehearsed.out.contains("Nothing was sent"));
    both(folder, &["clearance", "show", "297-83993523/B2"], &[]).exits(2);

    both(folder, &record, &["--key", "airline-CI"]).exits(0);
    let hold = "--set basis=order --set from=hand --set officer=officer:7f3k --set pieces=2 --set review_by=116-01-31";
    let hold: Vec<&str> = hold.split(' ').collect();
    let held = ["clearance", "record", "held", "297-83993523/B2", "--key", "officer-7f3k"];
    both(folder, &held, &hold).exits(0);
    let shown = both(folder, &["clearance", "show", "297-83993523/B2"], &[]).exits(0).out;
    assert!(shown.contains("held 2") && shown.contains("ACCEPTED"), "{shown}");
    // Another hold of more pieces than there are: a rule turns it down, on the record.
    let more: Vec<&str> =
        hold.iter().map(|part| if *part == "pieces=2" { "pieces=9" } else { part }).collect();
    both(folder, &held, &more).exits(6);
    // The waybill names one bag: the second one shows.
    let sums = both(folder, &["clearance", "conservation", "297-83993523"], &[]).exits(1).out;
    assert!(sums.starts_with("FAIL") && sums.contains("names 1 bags, 2 were found"), "{sums}");
}

#[test]
fn several_events_are_one_statement_accepted_together_or_not_at_all() {
    let folder = copy();
    let folder = folder.path();
    let event = |bag: &str| {
        format!(r#"{{"kind":"cargo.manifested","stream":"cargo/297-83993523/{bag}","data":{MANIFEST}}}"#)
    };
    fs::write(folder.join("two.json"), format!("[{},{}]", event("C1"), event("C2"))).unwrap();
    fs::write(folder.join("again.json"), format!("[{},{}]", event("C3"), event("C1"))).unwrap();
    let file = |name: &'static str| ["record", "--events", name, "--key", "airline-CI", "--json"];

    let told = run(folder, &file("two.json")).exits(0).json();
    run(folder, &file("again.json")).exits(6);

    let index = told["index"].as_u64().unwrap();
    for bag in ["C1", "C2"] {
        let shown =
            run(folder, &["clearance", "show", &format!("297-83993523/{bag}"), "--json"]).exits(0).json();
        assert_eq!(shown["cargo"][0]["entries"][0], index);
    }
    run(folder, &["clearance", "show", "297-83993523/C3"]).exits(2);
}

#[test]
fn a_draw_comes_out_again_and_one_whose_outcome_was_picked_is_found() {
    let folder = sample();

    let right = both(folder, &DRAW, &["--json"]).exits(0).json();
    assert_eq!(right["result"], "PASS");
    let drawn = right["data"]["state"]["outcome"]["drawn"][0].as_str().unwrap().to_owned();
    let members = right["data"]["members"].as_array().unwrap();
    assert_eq!(members.len(), 3);
    let other = members.iter().filter_map(|name| name.as_str()).find(|name| *name != drawn).unwrap();
    both(folder, &DRAW, &["--claimed", &drawn]).exits(0);

    // Published elsewhere, another name; on a log that was made anew, another name; a seed that was
    // picked was refused when it was tried.
    let claimed = both(folder, &DRAW, &["--claimed", other]).exits(1).out;
    assert!(claimed.contains(&format!("names {other}, the seed draws {drawn}")), "{claimed}");
    let forged = run(folder, &[&["--ledger", "sample/forged-draw"], &DRAW[..]].concat()).exits(1).out;
    assert!(forged.contains("FAIL") && forged.contains(&format!("the seed draws {drawn}")), "{forged}");
    let refused = run(folder, &["log", "--refused", "--oneline"]).exits(0).out;
    assert!(refused.contains("draw/ethics_sample/2026Q3") && refused.contains("result-differs"), "{refused}");
    // Before it was closed there is nothing to compare.
    both(folder, &DRAW, &["--as-of", "115-10-01"]).exits(3);
    both(folder, &["draw", "check", "roster", "2026-10-01"], &[]).exits(2);
}

#[test]
fn a_gift_is_registered_counted_and_listed_and_who_gave_it_stays_sealed() {
    let folder = copy();
    let folder = folder.path();
    let seal = "ab".repeat(32);
    let (source, circumstances) = (format!("source={seal}"), format!("circumstances={seal}"));
    let register =
        ["ethics", "register", "115-000123", "--type", "gift", "--on", "115-10-20", "--unit", "office:CA"];
    let sealed = ["--interested", "--seal", &source, "--seal", &circumstances, "--key", "officer-7f3k"];
    let before = run(folder, &["ethics", "stats", "--json"]).exits(0).json();

    let plain = both(folder, &register, &["--key", "officer-7f3k"]).exits(2);
    assert!(plain.err.contains("missing  circumstances"), "{}", plain.err);
    both(folder, &register, &sealed).exits(0);

    let listed = run(folder, &["ethics", "list", "--status", "reported", "--json"]).exits(0).json();
    assert_eq!(listed["registrations"][0]["stream"], "ethics/115-000123");
    assert_eq!(listed["registrations"][0]["breaches"][0], "late_report", "late is flagged, never refused");
    let after = run(folder, &["ethics", "stats", "--json"]).exits(0).json();
    assert_eq!(before["data"]["quarters"][0]["registered"], 3);
    assert_eq!(after["data"]["quarters"].as_array().unwrap().len(), 2);
    assert_ne!(before["digest"], after["digest"]);
    let public = run(folder, &["ethics", "stats", "--json", "--public"]).exits(0).json();
    assert_eq!(public["view"], "ethics/public");
    assert!(public["data"]["quarters"][0]["registered"].is_null(), "three are too few to be told");
    let told = run(folder, &["ethics", "stats", "--public", "--lang", "en"]).exits(0);
    assert!(told.out.contains("registered not public"), "{}", told.out);
    let then = run(folder, &["ethics", "stats", "--json", "--as-of", "115-10-31"]).exits(0).json();
    assert_eq!(then["digest"], before["digest"], "two parties that ask of one moment compare 32 bytes");
}

#[test]
fn a_registrant_amends_a_registration_and_what_was_said_before_stays() {
    let folder = copy();
    let folder = folder.path();
    let seal = "ab".repeat(32);
    let seals = ["source", "circumstances", "reason"].map(|name| format!("{name}={seal}"));
    let register = [
        "ethics",
        "register",
        "115-000124",
        "--type",
        "lobbying",
        "--on",
        "115-10-20",
        "--unit",
        "office:CA",
    ];
    let key = ["--key", "officer-7f3k"];
    run(folder, &[&register[..], &["--seal", &seals[0], "--seal", &seals[1]], &key].concat()).exits(0);

    let amend = |more: &[&str]| run(folder, &[&["ethics", "amend", "115-000124"], more, &key].concat());
    let why = ["--on", "115-10-22", "--interested", "true"];
    assert!(amend(&why).exits(2).err.contains("reason"));
    assert!(amend(&["--seal", &seals[2]]).exits(2).err.contains("must correct something"));
    amend(&[&why[..], &["--seal", &seals[2]]].concat()).exits(0);

    let listed = run(folder, &["ethics", "list", "--type", "lobbying", "--json"]).exits(0).json();
    let rows = listed["registrations"].as_array().unwrap();
    let row = rows.iter().find(|row| row["stream"] == "ethics/115-000124").unwrap();
    assert_eq!(row["state"]["on"], "2026-10-22", "{row}");
    assert_eq!(row["state"]["amended"][0]["was"]["on"], "2026-10-20", "{row}");
    assert_eq!(row["breaches"][0], "late_report", "{row}");
}

#[test]
fn a_registration_is_put_into_the_sample_of_the_quarter_that_drew_it_and_of_no_other() {
    let folder = copy();
    let folder = folder.path();
    let logged = run(folder, &["log", "--kind", "ethics.sampled", "--json"]).exits(0).json();
    let event = &logged[0]["payload"]["events"][0];
    let drawn = event["stream"].as_str().unwrap();
    let sample = |no: &str, quarter: &str, more: &[&str]| {
        let sample = ["ethics", "sample", no, "--quarter", quarter, "--key", "officer-e7q2", "--json"];
        run(folder, &[&sample[..], more].concat())
    };

    // The draw's own member is in the sample already: the same event as before, and the rules say so.
    let rehearsed = sample(drawn.strip_prefix("ethics/").unwrap(), "2026Q3", &["--dry-run"]).exits(6).json();
    let said = &rehearsed["payload"]["events"][0];
    assert_eq!((&said["kind"], &said["stream"]), (&event["kind"], &event["stream"]));
    assert_eq!(said["data"], event["data"]);
    assert!(rehearsed["verdict"].as_str().unwrap().contains("sampled-before"), "{rehearsed}");
    let other = if drawn.ends_with('1') { "115-000002" } else { "115-000001" };
    let told = sample(other, "2026Q3", &[]).exits(6).json();
    assert_eq!(told["verdict"]["name"], "not-drawn", "{told}");
    for bad in ["115", "2026-09", "2026Q5", "latest"] {
        sample(other, bad, &["--dry-run"]).exits(2);
    }
}

#[test]
fn a_clock_that_is_about_to_lapse_warns_and_the_calendar_turns_red_once_it_has() {
    let folder = sample();
    let soon = run(folder, &["case", "clocks", "--as-of", "115-10-02", "--within", "1"]).exits(0).out;
    assert!(soon.contains("case/TP115-0001") && soon.contains("lapses within 1 months"), "{soon}");
    let none = run(folder, &["case", "clocks", "--as-of", "115-10-02", "--within", "0"]).exits(0).out;
    assert!(none.is_empty(), "{none}");

    let later = run(folder, &["case", "show", "TP115-0001", "--as-of", "115-11-20"]).exits(0).out;
    assert!(later.contains("LAPSED"), "{later}");
    let owed = |when: &str| {
        let told =
            run(folder, &["obligations", "--kind", "clock", "--as-of", when, "--json"]).exits(0).json();
        told["data"]["rows"][0]["standing"].as_str().unwrap_or("none").to_owned()
    };
    assert_eq!([owed("115-10-02"), owed("115-11-20"), owed("seq:200")], ["due", "overdue", "none"]);
    let red = run(folder, &["obligations", "--overdue", "--as-of", "116-01-31"]).exits(0).out;
    assert!(red.lines().all(|line| line.starts_with("OVERDUE")) && red.contains("patrol/2026-11"), "{red}");
}

#[test]
fn the_views_of_the_families_speak_json_chinese_and_years_of_the_republic() {
    let folder = sample();
    let commands: &[&[&str]] = &[
        &["clearance", "show", "CA__15494C0001"],
        &["clearance", "show", "297-83993523"],
        &["clearance", "board", "--warehouse", "C2001", "--day", "115-09-30"],
        &["clearance", "exceptions", "--broker", "22099131"],
        &["clearance", "conservation", "297-83993523"],
        &["clearance", "hit-rate"],
        &["ethics", "list"],
        &["ethics", "stats", "--year", "115"],
        &["case", "show", "TP115-0001"],
        &["case", "clocks"],
        &["draw", "show", "draw/ethics_sample/2026Q3"],
        &["draw", "check", "ethics_sample", "2026Q3"],
        &["obligations", "--as-of", "116-01-31"],
    ];
    for command in commands {
        both(folder, command, &["--json"]).exits(0).json();
        both(folder, command, &["--lang", "zh-TW"]).exits(0);
    }
    let board = both(folder, commands[2], &["--lang", "zh-TW"]).exits(0).out;
    assert!(
        board.contains("資料更新時間 115/") && board.contains("分流 · 主號 · 袋號 · 業者 · 通關時間"),
        "{board}"
    );
    assert!(board.contains("L1 · 297-83993523 · 598FJ923 · 22099131 · 115/09/30 "), "{board}");
    let board = run(folder, &["clearance", "exceptions", "--lang", "zh-TW"]).exits(0).out;
    let columns = "異常類別 · 查驗日期 · 申報日期 · 主號 · 袋號/分號 · 件數 · 狀態 · 箱號 · 存放位置 · 註記";
    assert!(board.contains(columns), "{board}");
    let sums = run(folder, &["clearance", "conservation", "297-83993523", "--lang", "en"]).exits(0).out;
    assert!(sums.starts_with("PASS") && sums.contains("released                3"), "{sums}");
}
