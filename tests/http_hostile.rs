//! Requests that nobody honest sends, and what else is not a success.

use std::{io::Write, net::SocketAddr, time::Duration};

use crate::support::{START_S, business::Books, door};
use lian_server::http::{Config, ServeError, limits::Rate, serve};

const POST: &str = "POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";

#[test]
fn whatever_is_not_served_is_a_problem_in_the_language_that_was_asked_for() {
    let door = door::open(door::config());
    let mut browser = door.browser();
    let json = "Content-Type: application/json\r\n";
    for (method, target, headers, status, code) in [
        ("GET", "/v1", "", 404, "not-found"),
        ("GET", "/v1/statement", "", 404, "not-found"),
        ("GET", "/v1/log/entries/", "", 404, "not-found"),
        ("GET", "/v1/log/entries/99999999", "", 404, "not-found"),
        ("GET", "/v1/log/entries/%00", "", 404, "not-found"),
        ("GET", "/problems/nonsense", "", 404, "not-found"),
        ("GET", "/v1/statements", "", 405, "method-not-allowed"),
        ("DELETE", "/v1/log/entries/0", "", 405, "method-not-allowed"),
        ("BREW", "/v1/log/entries", "", 405, "method-not-allowed"),
        ("GET", "/v1/log/entries?limit=0", "", 400, "bad-request"),
        ("GET", "/v1/log/entries?after=x", "", 400, "bad-request"),
        ("GET", "/v1/log/entries?unknown=1", "", 400, "bad-request"),
        ("GET", "/v1/log/consistency", "", 400, "bad-request"),
        ("GET", "/v1/log/consistency?from=5&to=2", "", 400, "bad-request"),
        ("POST", "/v1/statements?dry_run=maybe", json, 400, "bad-request"),
        ("POST", "/v1/statements", json, 400, "bad-request"),
        ("GET", "/v1/log/checkpoints?size=99999999", "", 400, "bad-request"),
    ] {
        for (wanted, tag) in [("en", "en"), ("zh-TW", "zh-TW"), ("fr", "zh-TW")] {
            let answer = browser.ask(method, target, &format!("Accept-Language: {wanted}\r\n{headers}"), b"");
            assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{method} {target}");
            assert_eq!(answer.header("content-language"), Some(tag));
            assert_eq!(answer.json()["title"].as_str().unwrap().is_ascii(), tag == "en");
        }
    }
    assert_eq!(browser.get("/v1/statements").header("allow"), Some("POST"));
    assert_eq!(browser.ask("PUT", "/healthz", "", b"").header("allow"), Some("GET, HEAD"));
    for headers in
        ["Content-Type: text/plain\r\n", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", ""]
    {
        assert_eq!(
            door.browser().ask("POST", "/v1/statements", headers, b"{}").problem(),
            "unsupported-media-type"
        );
    }
    for kind in lian_server::http::problem::Kind::all() {
        let page = browser.get(&format!("/problems/{}", kind.name())).json();
        assert_eq!(page["status"], kind.status(), "{}", kind.name());
    }
    door.close();
}

#[test]
fn a_header_can_only_repeat_what_was_signed() {
    let door = door::open(door::config());
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    let request = books.request("guarantee/FB-1", "004", 1_000);
    let id =
        lian_core::hash::hex_encode(&lian_core::statement::Statement::parse(&request.payload).unwrap().id);
    let mut browser = door.browser();
    let mut post = |headers: &str| {
        browser.ask(
            "POST",
            "/v1/statements",
            &format!("Content-Type: application/json\r\n{headers}"),
            &request.write(),
        )
    };

    assert_eq!(post("If-Match: \"v1\"\r\n").problem(), "precondition-failed");
    assert_eq!(post("Idempotency-Key: other\r\n").problem(), "idempotency-key-differs");
    assert_eq!(post(&format!("If-Match: \"v0\"\r\nIdempotency-Key: {id}\r\n")).status, 201);
    door.close();
}

#[test]
fn a_body_is_never_taken_beyond_its_limit_whatever_its_head_says() {
    let door = door::open(door::config());
    let mut browser = door.browser();
    browser.send(format!("{POST}Content-Length: 10000000000\r\n\r\n").as_bytes()).unwrap();
    assert_eq!(browser.read().unwrap().problem(), "too-large");

    let mut browser = door.browser();
    browser.send(format!("{POST}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
    let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
    // Endless: until the server has had enough.
    let sent = (0..1_000).take_while(|_| browser.send(&chunk).is_ok()).count();
    assert!(sent < 1_000, "64 MiB were taken");
    if let Some(answer) = browser.read() {
        assert_eq!(answer.problem(), "too-large");
    }

    let mut browser = door.browser();
    browser.send(format!("{POST}Content-Length: 131072\r\n\r\n").as_bytes()).unwrap();
    browser.send(&vec![b'{'; 131_072]).unwrap();
    assert_eq!(browser.read().unwrap().problem(), "malformed-envelope");
    door.close();
}

#[test]
fn what_is_malformed_or_ambiguous_is_turned_away_and_never_answered_twice() {
    let door = door::open(door::config());
    let tail = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let corpus = [
        "GARBAGE\r\n\r\n".to_owned(),
        "GET /healthz HTTP/1.1\r\n\r\n".to_owned(),
        "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n".to_owned(),
        "GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n".to_owned(),
        "GET /healthz HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n".to_owned(),
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n".to_owned(),
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\r\n folded\r\n\r\n".to_owned(),
        "GET /\u{1}healthz HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
        format!("GET /healthz?{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(5_000)),
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(70_000)),
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: a\r\n".repeat(100)),
        format!("{POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{tail}"),
        format!("{POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{tail}"),
        format!("{POST}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd{tail}"),
        format!("{POST}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd{tail}"),
        format!("{POST}Content-Length: +4\r\n\r\nabcd{tail}"),
        format!("{POST}Content-Length: 4, 4\r\n\r\nabcd{tail}"),
        format!("{POST}Content-Length: -1\r\n\r\n{tail}"),
        format!("{POST}Transfer-Encoding: gzip\r\n\r\n{tail}"),
        format!("{POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{tail}"),
        format!("{POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{tail}"),
        format!("{POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{tail}"),
        format!("{POST}Transfer-Encoding:\u{b}chunked\r\n\r\n0\r\n\r\n{tail}"),
        format!("{POST}Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n0\r\n\r\n{tail}"),
        format!("{POST}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc\r\n0\r\n\r\n{tail}"),
        format!("{POST}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}X\r\n0\r\n\r\n{tail}"),
        "POST /v1/statements HTTP/1.0\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
    ];
    for request in corpus {
        let mut browser = door.browser();
        let _hung_up = browser.send(request.as_bytes());
        let shown = request.get(..request.len().min(120)).unwrap_or_default();
        match browser.read() {
            Some(answer) => assert!((400..500).contains(&answer.status), "{} to {shown:?}", answer.status),
            None => panic!("no answer to {shown:?}"),
        }
        let next = browser.read().map(|answer| answer.status);
        assert_ne!(next, Some(200), "what stood in the body of {shown:?} was served");
    }
    assert_eq!(door.browser().get("/healthz").status, 200);
    door.close();
}

#[test]
fn who_dawdles_over_a_head_or_a_body_is_closed_and_who_is_quick_is_served_meanwhile() {
    let mut config = door::config();
    config.pace.head = Duration::from_millis(300);
    config.pace.idle = Duration::from_millis(600);
    config.body_timeout = Duration::from_millis(300);
    let door = door::open(config);
    let mut slow: Vec<_> = (0..50)
        .map(|_| {
            let mut browser = door.browser();
            browser.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ").unwrap();
            browser
        })
        .collect();
    let mut silent = door.browser();
    let mut body = door.browser();
    body.send(format!("{POST}Content-Length: 10\r\n\r\n{{").as_bytes()).unwrap();

    assert_eq!(door.browser().get("/healthz").status, 200);
    assert!(
        slow.iter_mut().all(|browser| browser.read().is_none()),
        "a head that does not end has no answer"
    );
    assert!(silent.read().is_none());
    assert_eq!(body.read().unwrap().problem(), "timed-out");
    assert!(body.read().is_none(), "and the connection ends");
    door.close();
}

#[test]
fn who_asks_too_often_is_told_when_to_come_again() {
    let mut config = door::config();
    config.per_address = Rate { per_second: 1, burst: 20 };
    let door = door::open(config);
    let mut browser = door.browser();

    let first = (0..25).map(|_| browser.get("/problems/busy")).find(|answer| answer.status != 200).unwrap();
    assert_eq!(first.problem(), "rate-limited");
    assert!(first.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(browser.get("/v1/log/entries").problem(), "rate-limited", "a dear read needs more");
    assert_eq!(browser.get("/healthz").status, 200, "health is free");
    door.close();
}

#[test]
fn a_key_has_its_own_limit_and_nobody_can_use_up_that_of_another() {
    let mut config = door::config();
    config.per_key = Rate { per_second: 1, burst: 2 };
    let door = door::open(config);
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    let mut browser = door.browser();
    let mut forged = books.request("guarantee/F-1", "005", 1);
    forged.signatures[0][0] ^= 1;
    for _ in 0..10 {
        assert_eq!(browser.post("/v1/statements", &forged.write()).problem(), "bad-signature");
    }

    let statuses: Vec<u16> = (0..4)
        .map(|no| {
            browser
                .post("/v1/statements", &books.request(&format!("guarantee/K-{no}"), "004", 1).write())
                .status
        })
        .collect();
    assert_eq!(statuses[..2], [201, 201]);
    assert!(statuses[2..].contains(&429), "{statuses:?}");
    assert_eq!(browser.post("/v1/statements", &books.request("guarantee/F-2", "005", 1).write()).status, 201);
    door.close();
}

#[test]
fn one_connection_too_many_is_told_so() {
    let mut config = door::config();
    config.connections_max = 3;
    let door = door::open(config);
    let mut held: Vec<_> = (0..3).map(|_| door.browser()).collect();
    assert!(held.iter_mut().all(|browser| browser.get("/healthz").status == 200));

    let answer = door.browser().read().unwrap();
    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("busy")));
    door.close();
}

#[test]
fn without_encryption_nothing_is_served_beyond_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let running = crate::support::found(folder.path(), 1);
    let service = std::sync::Arc::new(running.service);
    let anywhere = SocketAddr::from(([0, 0, 0, 0], 0));

    let refused = serve(service.clone(), Config::new(anywhere)).err().unwrap();
    assert!(matches!(refused, ServeError::Unencrypted(_)));
    assert!(
        refused.to_string().contains("certificate") && refused.to_string().contains("127.0.0.1"),
        "{refused}"
    );

    let mut missing = Config::new(anywhere);
    let nowhere = folder.path().join("nowhere.pem");
    missing.tls = Some(lian_server::http::Tls { certificate: nowhere.clone(), key: nowhere });
    assert!(matches!(serve(service.clone(), missing).err().unwrap(), ServeError::Tls(_)));
    std::io::stdout().flush().unwrap();
    std::sync::Arc::into_inner(service).unwrap().close().unwrap();
}
