//! Writing over HTTP: every answer that a statement can get.

use crate::support::{START_S, business::Books, door};
use lian_client::answer::{open_receipt, open_rejection};
use lian_core::statement::{Envelope, REJECTION_TYPE};
use serde_json::Value;

const G: &str = "guarantee/FB-115-000123";

fn rejection(answer: &Value) -> Envelope {
    Envelope::read_type(answer["rejection"].to_string().as_bytes(), REJECTION_TYPE).unwrap()
}

#[test]
fn a_statement_is_sealed_once_and_whoever_sends_it_again_gets_the_same_entry() {
    let door = door::open(door::config());
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    let request = books.request(G, "004", 5_000_000);
    let mut browser = door.browser();

    let first = browser.post("/v1/statements", &request.write());
    let again = browser.post("/v1/statements", &request.write());

    assert_eq!((first.status, again.status), (201, 200), "{}", first.text());
    let (first, again) = (first, again.json());
    assert_eq!(first.header("etag"), Some("\"v1\""));
    let body = first.json();
    let seq = body["entry"]["seq"].as_u64().unwrap();
    assert_eq!(first.header("location"), Some(format!("/v1/log/entries/{seq}").as_str()));
    assert_eq!(first.header("ledger-seq"), Some(seq.to_string().as_str()));
    assert_eq!(
        (&again["entry"]["leaf_hash"], &again["repeated"]),
        (&body["entry"]["leaf_hash"], &Value::Bool(true))
    );
    for body in [&body, &again] {
        let file = body["receipt"]["tlog_proof"].as_str().unwrap();
        let sealed = open_receipt(file.as_bytes(), &door.log, Some(&request)).unwrap();
        assert_eq!(sealed.index, seq);
    }
    door.close();
}

#[test]
fn a_refusal_is_on_the_record_and_comes_with_its_receipt() {
    let door = door::open(door::config());
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    let request = books.request(G, "004", 5_000_000);
    let accept = books.accept(G);
    let draw = books.try_draw(G, 6_000_000);
    let mut browser = door.browser();

    assert_eq!(browser.post("/v1/statements", &request.write()).status, 201);
    assert_eq!(browser.post("/v1/statements", &accept.write()).status, 201);
    let refused = browser.post("/v1/statements", &draw.write());

    assert_eq!((refused.status, refused.problem()), (422, "quota-insufficient".to_owned()));
    let body = refused.json();
    assert_eq!(body["errors"][0]["pointer"], "/events/0");
    assert_eq!(body["entry"]["verdict"]["code"], 109);
    let sealed =
        open_receipt(body["receipt"]["tlog_proof"].as_str().unwrap().as_bytes(), &door.log, Some(&draw))
            .unwrap();
    assert_eq!(sealed.verdict.code, 109);
    assert_eq!(browser.post("/v1/statements", &draw.write()).problem(), "quota-insufficient");
    door.close();
}

#[test]
fn whatever_is_not_logged_is_answered_with_a_signed_rejection() {
    let door = door::open(door::config());
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    let request = books.request(G, "004", 5_000_000);
    let admission = door.house.key("system:admission").public();
    let mut browser = door.browser();
    assert_eq!(browser.post("/v1/statements", &request.write()).status, 201);
    let stale = books.try_event(
        "guarantee.suspended",
        "guarantee/FB-2",
        lian_client::kinds::nothing(),
        &[("bank:004", "guarantor")],
    );
    let mut forged = stale.clone();
    forged.signatures[0][0] ^= 1;
    let stranger = lian_client::sample::House::new(9);
    let unknown = Books::new(&stranger, &door.ledger, START_S).request("guarantee/FB-3", "004", 1);
    let wrong = books.try_event(
        "guarantee.suspended",
        G,
        lian_client::kinds::nothing(),
        &[("bank:005", "guarantor")],
    );
    let behind = Books::new(&door.house, &door.ledger, START_S).request(G, "004", 7);
    let other = door.ledger.replace("/2026#", "/2025#");
    let elsewhere = Books::new(&door.house, &other, START_S).request("guarantee/FB-4", "004", 1);

    for (envelope, status, code, pointer) in [
        (b"{".to_vec(), 400, "malformed-envelope", None),
        (forged.write(), 401, "bad-signature", Some("/signatures/0")),
        (unknown.write(), 401, "unknown-key", Some("/issuers/0/key")),
        (wrong.write(), 403, "wrong-side", Some("/events/0")),
        (behind.write(), 412, "version-conflict", Some("/events/0/expect")),
        (elsewhere.write(), 400, "wrong-ledger", Some("/ledger")),
    ] {
        let size = door.service().reader().head().size();
        let answer = browser.post("/v1/statements", &envelope);
        assert_eq!(answer.problem(), code, "{}", answer.text());
        assert_eq!(answer.status, status);
        let body = answer.json();
        assert_eq!(body["errors"][0]["pointer"].as_str(), pointer, "{body}");
        let note = open_rejection(&rejection(&body), &admission, &door.ledger, None).unwrap();
        assert_eq!(note.size, size);
        assert_eq!(door.service().reader().head().size(), size, "nothing was logged");
    }
    door.close();
}

#[test]
fn a_dry_run_says_what_would_become_of_a_statement_and_leaves_no_trace() {
    let door = door::open(door::config());
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    let (request, accept) = (books.request(G, "004", 5_000_000), books.accept(G));
    let draw = books.try_draw(G, 6_000_000);
    let mut browser = door.browser();
    let dry = "/v1/statements?dry_run=true";
    let size = door.service().reader().head().size();

    for _ in 0..2 {
        let tried = browser.post(dry, &request.write());
        assert_eq!((tried.status, tried.json()["seq"].as_u64()), (200, Some(size)), "{}", tried.text());
    }
    assert_eq!(browser.post(dry, &accept.write()).problem(), "version-conflict");
    assert_eq!(browser.post(dry, b"{}").problem(), "malformed-envelope");
    assert_eq!(door.service().reader().head().size(), size);

    assert_eq!(browser.post("/v1/statements", &request.write()).status, 201);
    assert_eq!(browser.post(dry, &accept.write()).status, 200);
    assert_eq!(browser.post("/v1/statements", &accept.write()).status, 201);
    let refused = browser.post(dry, &draw.write());
    assert_eq!((refused.status, refused.problem()), (422, "quota-insufficient".to_owned()));
    assert_eq!((&refused.json()["dry_run"], &refused.json()["receipt"]), (&Value::Bool(true), &Value::Null));
    assert_eq!(door.service().reader().head().size(), size + 2);
    let draw = books.draw(G, 1_000);
    let statuses = [dry, dry, "/v1/statements"].map(|target| browser.post(target, &draw.write()).status);
    assert_eq!(statuses, [200, 200, 201], "a draw that was tried out is not open");
    door.close();
}

#[test]
fn a_dry_run_of_what_was_logged_says_where_it_stands_and_of_a_used_id_that_it_is_used() {
    let door = door::open(door::config());
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    let (request, accept) = (books.request(G, "004", 5_000_000), books.accept(G));
    let draw = books.try_draw(G, 6_000_000);
    let mut browser = door.browser();
    let dry = "/v1/statements?dry_run=true";
    let seq = |answer: &Value| answer["entry"]["seq"].as_u64().unwrap();
    let first = browser.post(dry, &request.write()).json();
    assert_eq!(first["repeated"], Value::Bool(false), "{first}");
    let sealed = [&request, &accept].map(|envelope| browser.post("/v1/statements", &envelope.write()).json());
    let refused = browser.post("/v1/statements", &draw.write());
    assert_eq!(refused.status, 422);
    let other = with_the_id_of(&door, &request);
    let size = door.service().reader().head().size();

    for (envelope, sealed) in [&request, &accept].into_iter().zip(&sealed) {
        let again = browser.post(dry, &envelope.write());
        assert_eq!(again.status, 200, "{}", again.text());
        let again = again.json();
        assert_eq!((&again["repeated"], again["entry"].as_u64()), (&Value::Bool(true), Some(seq(sealed))));
        assert_eq!(again["verdict"]["accepted"], Value::Bool(true));
    }
    let again = browser.post(dry, &draw.write());
    assert_eq!((again.status, again.problem()), (422, "quota-insufficient".to_owned()));
    let again = again.json();
    assert_eq!(
        (&again["repeated"], again["entry"].as_u64()),
        (&Value::Bool(true), Some(seq(&refused.json())))
    );
    let [tried, real] = [dry, "/v1/statements"].map(|target| browser.post(target, &other.write()));
    assert_eq!((tried.status, tried.problem()), (real.status, real.problem()));
    assert_eq!((tried.status, tried.problem()), (409, "id-reused".to_owned()));
    assert_eq!(tried.json()["entry"], real.json()["entry"]);
    assert!(tried.json()["rejection"].is_null(), "nobody signed it");
    let mut forged = request.clone();
    forged.signatures[0][0] ^= 1;
    assert_eq!(browser.post(dry, &forged.write()).problem(), "bad-signature", "only its signer is told");
    assert_eq!(door.service().reader().head().size(), size);
    door.close();
}

#[test]
fn the_answer_says_what_the_stream_has_become_and_only_to_who_signed_just_now() {
    let door = door::open(door::config());
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    let mut browser = door.browser();
    let envelopes = [books.request(G, "004", 5_000_000), books.accept(G), books.draw(G, 1_240_000)];

    let expected = [("requested", 5_000_000, 0), ("active", 5_000_000, 0), ("active", 3_760_000, 1_240_000)];
    for (envelope, (status, available, outstanding)) in envelopes.iter().zip(expected) {
        let answer = browser.post("/v1/statements", &envelope.write());
        assert_eq!(answer.status, 201, "{}", answer.text());
        let state = &answer.json()["state"];
        assert_eq!((state["status"].as_str(), state["currency"].as_str()), (Some(status), Some("TWD")));
        assert_eq!(
            (state["limit"].as_u64(), state["available"].as_u64()),
            (Some(5_000_000), Some(available))
        );
        assert_eq!(state["outstanding"].as_u64(), Some(outstanding));
    }

    let again = browser.post("/v1/statements", &envelopes[2].write());
    assert_eq!((again.status, &again.json()["state"]), (200, &Value::Null), "whoever has an old envelope");
    door.close();
}

#[test]
fn a_version_conflict_names_the_entries_that_came_first() {
    let door = door::open(door::config());
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    let mut browser = door.browser();
    let mut late = Books::new(&door.house, &door.ledger, START_S);
    late.request(G, "004", 5_000_000);
    late.accept(G);
    let late = late.try_draw(G, 1);
    let envelopes = [
        books.request(G, "004", 5_000_000),
        books.accept(G),
        books.draw(G, 1_000),
        books.try_draw(G, 6_000_000),
        books.draw(G, 2_000),
    ];
    let seqs = envelopes.map(|envelope| {
        let answer = browser.post("/v1/statements", &envelope.write()).json();
        answer["entry"]["seq"].as_u64().unwrap_or_else(|| panic!("{answer}"))
    });

    for target in ["/v1/statements", "/v1/statements?dry_run=true"] {
        let answer = browser.post(target, &late.write());
        assert_eq!((answer.status, answer.problem()), (412, "version-conflict".to_owned()));
        let body = answer.json();
        assert_eq!(body["current_version"].as_u64(), Some(4));
        // The refusal between them changed nothing.
        assert_eq!(body["changed_by"], serde_json::json!([seqs[2], seqs[4]]), "{target}");
    }
    door.close();
}

/// Another statement of the same first issuer with the same id.
fn with_the_id_of(door: &door::Door, one: &Envelope) -> Envelope {
    // The same house again counts its ids from the same start.
    let house = lian_client::sample::House::new(1);
    let mut books = Books::new(&house, &door.ledger, START_S);
    let id = |envelope: &Envelope| lian_core::statement::Statement::parse(&envelope.payload).unwrap().id;
    (0..1_000)
        .map(|no| books.request(&format!("guarantee/J-{no}"), "004", 1_000))
        .find(|envelope| id(envelope) == id(one))
        .unwrap()
}

#[test]
fn an_id_names_one_statement_of_its_issuer() {
    let door = door::open(door::config());
    let one = Books::new(&door.house, &door.ledger, START_S).request("guarantee/I-1", "004", 1_000);
    let mut browser = door.browser();
    assert_eq!(browser.post("/v1/statements", &one.write()).status, 201);
    let other = with_the_id_of(&door, &one);

    let answer = browser.post("/v1/statements", &other.write());

    assert_eq!((answer.status, answer.problem()), (409, "id-reused".to_owned()));
    assert!(answer.json()["entry"].is_u64() && answer.json()["rejection"].is_object());
    door.close();
}
