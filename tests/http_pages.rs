//! Pages for people, as a browser gets them from a listening server.

use crate::support::{START_S, business::Books, door};

const G: &str = "guarantee/FB-115-000123";

fn open_door(open_all: bool) -> door::Door {
    let mut config = door::config();
    config.open_all = open_all;
    let door = door::open(config);
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    door.submit(&[books.request(G, "004", 5_000_000)]);
    door
}

#[test]
fn every_page_is_inert_and_in_the_language_that_was_asked_for() {
    let door = open_door(true);
    let mut browser = door.browser();
    let last = door.service().reader().head().size() - 1;
    let entry = format!("/log/{last}");
    for path in ["/", "/log", &entry, "/guarantees", "/guarantees/FB-115-000123"] {
        for (tag, word) in [("zh-TW", "封存至第"), ("en", "sealed up to entry")] {
            let answer = browser.get(&format!("{path}?lang={tag}"));
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
            let policy = answer.header("content-security-policy").unwrap_or_default().to_owned();
            assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
            let html = answer.text();
            assert!(html.contains(&format!("<html lang=\"{tag}\">")) && html.contains(word), "{path} {html}");
            for forbidden in ["<script", " style=", "http://", "https://"] {
                assert!(!html.contains(forbidden), "{forbidden} in {path}");
            }
        }
    }
}

#[test]
fn an_open_ledger_shows_a_guarantee_with_its_quota_and_the_entry_that_made_it() {
    let door = open_door(true);
    let mut browser = door.browser();
    let last = door.service().reader().head().size() - 1;

    let guarantee = browser.get("/guarantees/FB-115-000123?lang=en").text();
    assert!(
        guarantee.contains("5,000,000") && guarantee.contains(&format!("/log/{last}?lang=en")),
        "{guarantee}"
    );
    let entry = browser.get(&format!("/log/{last}?lang=en")).text();
    for found in
        ["PASS", "UNCONFIRMED", "bank:004", "guarantee.requested", "/guarantees/FB-115-000123?lang=en"]
    {
        assert!(entry.contains(found), "{found} in {entry}");
    }
    assert!(!entry.contains("FAIL"), "{entry}");
    assert!(browser.get("/?lang=en").text().contains(&format!("/log/{last}?lang=en")));
}

#[test]
fn a_stranger_sees_that_an_entry_exists_and_not_what_it_says() {
    let door = open_door(false);
    let mut browser = door.browser();
    let last = door.service().reader().head().size() - 1;

    let page = browser.get(&format!("/log/{last}?lang=en")).text();
    assert!(page.contains("not public") && page.contains("class=\"computed\""), "{page}");
    assert!(!page.contains("FB-115-000123") && !page.contains("bank:004"), "{page}");
    assert!(!browser.get("/log?lang=en").text().contains("FB-115-000123"));
    assert_eq!(browser.get("/guarantees/FB-115-000123").status, 403);
    assert_eq!(browser.get("/guarantees/FB-0").status, 403);
}

#[test]
fn what_is_not_there_is_said_in_a_page() {
    let door = open_door(true);
    let mut browser = door.browser();
    for path in ["/log/999999", "/log/x", "/guarantees/FB-115-999999", "/guarantees/%3Cscript%3E"] {
        let answer = browser.get(&format!("{path}?lang=zh-TW"));
        assert_eq!((answer.status, answer.text().contains("查無此物件")), (404, true), "{path}");
    }
}
