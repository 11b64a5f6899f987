//! The table of routes against the description of the interface and against who may read what.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{START_S, business::Books, door};
use lian_server::http::{
    house::OPENAPI,
    routes::{Group, ROUTES, Readers},
};

const G: &str = "guarantee/FB-115-000123";

/// Paths with methods, and the query parameters of each, as the text has them. Reads only the plain
/// layout in which `openapi.yaml` is written.
fn described() -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut found = BTreeMap::new();
    let (mut path, mut method) = (String::new(), String::new());
    let paths = OPENAPI.split("\npaths:\n").nth(1).unwrap().split("\ncomponents:\n").next().unwrap();
    for line in paths.lines() {
        let indent = line.len() - line.trim_start().len();
        match (indent, line.trim().strip_suffix(':')) {
            (2, Some(name)) => name.clone_into(&mut path),
            (4, Some(name)) => {
                method = name.to_uppercase();
                found.insert((method.clone(), path.clone()), BTreeSet::new());
            }
            _ => {}
        }
        let parameters = found.get_mut(&(method.clone(), path.clone()));
        let Some(parameters) = parameters else { continue };
        if line.contains("parameters/as_of") {
            parameters.insert("as_of".to_owned());
        }
        if let Some((name, _)) =
            line.trim().strip_prefix("- {name: ").and_then(|rest| rest.split_once(", in: query"))
        {
            parameters.insert(name.to_owned());
        }
    }
    found
}

#[test]
fn the_description_of_the_interface_has_the_routes_that_are_served_and_no_others() {
    let table: BTreeMap<(String, String), BTreeSet<String>> = ROUTES
        .iter()
        .map(|route| {
            let names = route.query.iter().map(|name| (*name).to_owned()).collect();
            ((route.method.name().to_owned(), route.path.replace("...", "")), names)
        })
        .collect();

    assert_eq!(described(), table);
}

/// Each route with an entry that only parties may read, and with one that does not exist.
fn addresses(path: &str, seq: u64) -> [String; 2] {
    let fill = |entry: u64, no: &str, taxid: &str, bank: &str| {
        path.replace("{entry}", &entry.to_string())
            .replace("{no}", no)
            .replace("{taxid}", taxid)
            .replace("{code}", if path.starts_with("/problems") { "busy" } else { bank })
            .replace("{stream...}", &format!("guarantee/{no}"))
            .replace("{path...}", "entries/000.p/1")
    };
    [fill(seq, "FB-115-000123", "12345675", "004"), fill(999_999, "FB-0", "04595257", "999")]
}

#[test]
fn a_stranger_reads_what_is_public_and_cannot_tell_what_is_withheld_from_what_is_not_there() {
    let door = door::open(door::config());
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    let mut browser = door.browser();
    let sealed = browser.post("/v1/statements", &books.request(G, "004", 5_000_000).write()).json();
    let seq = sealed["entry"]["seq"].as_u64().unwrap();

    for route in ROUTES.iter().filter(|route| route.method.name() == "GET" && !route.path.ends_with("/tail"))
    {
        let [there, not_there] = addresses(route.path, seq);
        let query = if route.path.ends_with("consistency") { "?from=1" } else { "" };
        let answers = [there, not_there].map(|path| browser.get(&format!("{path}{query}")));
        let opens = route.path.ends_with("/payload")
            || route.path.ends_with("/envelope")
            || route.path.ends_with("/receipt");
        let closed = route.readers == Readers::Parties || opens || route.path.starts_with("/v1/streams");
        if closed && route.group == Group::Pages {
            let pages = [0, 1].map(|at| answers[at].text().replace(&addresses(route.path, seq)[at], ""));
            assert!(answers.iter().all(|answer| answer.status == 403), "{}", route.path);
            assert!(
                pages[0].contains("無權閱覽") && pages[0].contains("not for this reader"),
                "{}",
                pages[0]
            );
            assert_eq!(pages[0], pages[1], "{}", route.path);
        } else if closed {
            let codes = answers.each_ref().map(crate::support::browser::Answered::problem);
            assert_eq!(codes, ["not-for-you", "not-for-you"], "{}", route.path);
            let without_id = answers.each_ref().map(|answer| {
                let mut body = answer.json();
                body["request_id"].take();
                body["instance"].take();
                body.to_string()
            });
            assert_eq!(without_id[0], without_id[1], "{}", route.path);
        } else if route.path.starts_with("/v1/draws") {
            assert_eq!(answers[0].problem(), "not-found", "nothing was drawn yet");
        } else if route.path.starts_with("/draws/") {
            assert_eq!(answers[0].status, 404, "nothing was drawn yet");
        } else {
            assert_eq!(answers[0].status, 200, "{}: {}", route.path, answers[0].text());
        }
        // What was asked for stands in a problem again; nothing else of it may.
        let told = answers[0]
            .text()
            .replace("FB-115-000123/history", "")
            .replace("/v1/guarantees/FB-115-000123", "")
            .replace("/guarantees/FB-115-000123", "")
            .replace("/cases/FB-115-000123", "");
        let told =
            told.replace("/v1/streams/guarantee/FB-115-000123", "").replace("/v1/principals/12345675", "");
        for secret in ["12345675", "FB-115-000123"] {
            assert!(!told.contains(secret), "{} tells a stranger {secret}", route.path);
        }
    }
    let entry = browser.get(&format!("/v1/log/entries/{seq}")).json();
    assert_eq!(
        (&entry["withheld"], &entry["leaf_hash"]),
        (&serde_json::json!(true), &sealed["entry"]["leaf_hash"])
    );
    let filtered = browser.get(&format!("/v1/log/entries?limit=1000&stream={G}")).json();
    assert_eq!(filtered["data"], serde_json::json!([]), "a filter does not tell what an entry names");
    let genesis = browser.get("/v1/log/entries/0/payload");
    assert_eq!(genesis.body, door.service().reader().read_entry(0).unwrap().payload);
    door.close();
}

#[test]
fn an_open_ledger_gives_a_guarantee_its_history_quota_and_exposure_now_and_then() {
    let mut config = door::config();
    config.open_all = true;
    let door = door::open(config);
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    let mut browser = door.browser();
    let envelopes = [books.request(G, "004", 5_000_000), books.accept(G), books.draw(G, 1_240_000)];
    let seqs = envelopes.map(|envelope| {
        let answer = browser.post("/v1/statements", &envelope.write());
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["entry"]["seq"].as_u64().unwrap()
    });

    let now = browser.get("/v1/guarantees/FB-115-000123");
    assert_eq!((now.status, now.header("etag")), (200, Some("\"v3\"")), "{}", now.text());
    let body = now.json();
    assert_eq!(
        (&body["available"], &body["status"]),
        (&serde_json::json!(3_760_000), &serde_json::json!("active"))
    );
    assert_eq!(now.header("ledger-seq"), Some(seqs[2].to_string().as_str()));

    let then = browser.get(&format!("/v1/guarantees/FB-115-000123?as_of=seq:{}", seqs[1]));
    assert_eq!((then.json()["available"].as_u64(), then.header("etag")), (Some(5_000_000), Some("\"v2\"")));
    assert_eq!(then.header("ledger-checkpoint"), Some((seqs[1] + 1).to_string().as_str()));
    assert_eq!(browser.get("/v1/guarantees/FB-115-000123?as_of=checkpoint:1").problem(), "not-found");
    assert_eq!(browser.get("/v1/guarantees/FB-115-000123?as_of=114-01-01").problem(), "not-found");
    assert_eq!(browser.get("/v1/guarantees/FB-115-000123?as_of=2026-11-23T23:59:59+08:00").status, 200);
    assert_eq!(browser.get("/v1/guarantees/FB-115-000123?as_of=seq:99999").problem(), "bad-request");
    assert_eq!(browser.get("/v1/guarantees/FB-115-000123?as_of=soon").problem(), "bad-request");

    let history = browser.get("/v1/guarantees/FB-115-000123/history").json();
    let named: Vec<u64> =
        history["data"].as_array().unwrap().iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert_eq!(named, seqs);
    let quota = browser.get("/v1/principals/12345675/quota").json();
    assert_eq!((quota["limit"].as_u64(), quota["outstanding"].as_u64()), (Some(5_000_000), Some(1_240_000)));
    assert_eq!(browser.get("/v1/banks/004/exposure").json()["outstanding"].as_u64(), Some(1_240_000));
    let list = browser.get("/v1/guarantees?bank=004&status=active&limit=1").json();
    assert_eq!((list["data"].as_array().unwrap().len(), &list["has_more"]), (1, &serde_json::json!(false)));
    let (row, one) = (&list["data"][0], browser.get("/v1/guarantees/FB-115-000123").json());
    assert_eq!(
        (&row["to"], &row["state"]),
        (&one["to"], &one["state"]),
        "a list tells what one answer tells"
    );
    assert_eq!(row["to"], row["state"]["to"]);
    assert!(row["to"].is_string() && row["state"]["limit"].is_number(), "{row}");
    let keys = browser.get("/v1/keys?actor=bank:004").json();
    assert_eq!(keys["data"][0]["id"], door.house.key("bank:004").public().id().to_hex());
    door.close();
}

#[test]
fn what_never_changes_is_sent_once_and_whoever_has_it_is_told_so() {
    let door = door::open(door::config());
    let mut browser = door.browser();
    for path in ["/v1/log/entries/0", "/v1/log/entries/0/payload", "/v1/log/entries/0/envelope"] {
        let first = browser.get(path);
        let tag = first.header("etag").unwrap_or_else(|| panic!("{path} has no tag")).to_owned();
        assert!(first.header("cache-control").unwrap().contains("immutable"));

        for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let again = browser.ask("GET", path, &format!("If-None-Match: {known}\r\n"), b"");
            assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(tag.as_str())));
        }
        let other = browser.ask("GET", path, "If-None-Match: \"other\"\r\n", b"");
        assert_eq!((other.status, other.body), (200, first.body), "{path}");
    }
    let tags = ["/v1/log/entries/0", "/v1/log/entries/1"]
        .map(|path| browser.get(path).header("etag").unwrap().to_owned());
    assert_ne!(tags[0], tags[1]);
    let health = browser.ask("GET", "/healthz", "If-None-Match: *\r\n", b"");
    assert_eq!(health.status, 200, "what changes is always sent");
    let missing = browser.ask("GET", "/v1/log/entries/999999", "If-None-Match: *\r\n", b"");
    assert_eq!(missing.status, 404);
    door.close();
}

#[test]
fn lists_go_on_where_they_stopped_and_an_entry_is_found_by_its_hash() {
    let door = door::open(door::config());
    let size = door.service().reader().head().size();
    let mut browser = door.browser();

    let (mut target, mut seen) = ("/v1/log/entries?limit=7".to_owned(), Vec::new());
    loop {
        let page = browser.get(&target);
        let body = page.json();
        seen.extend(body["data"].as_array().unwrap().iter().map(|entry| entry["seq"].as_u64().unwrap()));
        let Some(link) = page.header("link") else { break };
        target = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
    }
    assert_eq!(seen, (0..size).collect::<Vec<_>>());

    let kinds = browser.get("/v1/log/entries?kind=ledger.*").json();
    assert_eq!(kinds["data"][0]["seq"], 0);
    let hash = kinds["data"][0]["leaf_hash"].as_str().unwrap().to_owned();
    for digits in [7, 20, 64] {
        assert_eq!(browser.get(&format!("/v1/log/entries/{}", &hash[..digits])).json()["seq"], 0);
    }
    assert_eq!(browser.get(&format!("/v1/log/entries/{}", "0".repeat(64))).problem(), "not-found");
    door.close();
}
