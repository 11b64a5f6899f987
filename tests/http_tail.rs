//! Following the log over HTTP, proofs for strangers, and a stop that loses nothing.

use std::{sync::Arc, thread};

use crate::support::{START_S, browser::Browser, business::Books, door};
use lian_core::{
    checkpoint::open as open_checkpoint,
    hash::Digest,
    map::{MapProof, accumulate, check_map, stream_key, stream_value},
    merkle::{check_consistency, root_at},
    receipt::{Receipt, check_receipt},
    tile::{TileId, TiledTree, decode_bundle},
};
use lian_store::disk::Rng;

/// The ids of the events in a piece of the stream.
fn ids(chunk: &str) -> impl Iterator<Item = u64> {
    chunk.lines().filter_map(|line| line.strip_prefix("id: ")).map(|id| id.parse().unwrap())
}

#[test]
fn a_tail_that_is_cut_anywhere_goes_on_without_a_gap_or_a_double() {
    let door = door::open(door::config());
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    let envelopes: Vec<_> =
        (0..120).map(|no| books.request(&format!("guarantee/T-{no}"), "004", 1_000)).collect();
    let size = door.service().reader().head().size();
    let last = size + 119;
    let service = Arc::clone(door.service());
    let writer = thread::spawn(move || {
        for envelope in envelopes {
            service.submit_and_wait(vec![envelope.write()]).unwrap();
        }
    });

    let mut rng = Rng::new(7);
    let mut seen: Vec<u64> = Vec::new();
    while seen.last() != Some(&last) {
        let mut browser = door.browser();
        let resume = seen.last().map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        let head = format!("GET /v1/log/tail?from=0 HTTP/1.1\r\nHost: x\r\n{resume}\r\n");
        browser.send(head.as_bytes()).unwrap();
        assert_eq!(browser.read().unwrap().status, 200);
        for _ in 0..=rng.below(30) {
            let chunk = browser.chunk().unwrap();
            seen.extend(ids(&chunk));
            if seen.last() == Some(&last) {
                break;
            }
        }
    }

    assert_eq!(seen, (0..=last).collect::<Vec<_>>());
    writer.join().unwrap();
    door.close();
}

#[test]
fn a_tail_from_beyond_the_log_is_told_to_compare_checkpoints() {
    let door = door::open(door::config());
    let answer =
        door.browser().ask("GET", "/v1/log/tail", "Last-Event-ID: 99999\r\nAccept-Language: en\r\n", b"");

    assert_eq!(answer.problem(), "bad-request");
    assert!(answer.text().contains("compare checkpoints"), "{}", answer.text());
    assert_eq!(door.browser().get("/v1/log/tail?from=99999").problem(), "bad-request");
    door.close();
}

#[test]
fn a_stranger_checks_tree_consistency_and_completeness_from_what_is_served() {
    let door = door::open(door::config());
    let mut browser = door.browser();
    let note = browser.get("/checkpoint");
    let published = open_checkpoint(&note.body, &door.log).unwrap().checkpoint;
    let fetch = |tile: TileId| {
        let answer = door.browser().get(&format!("/{}", tile.path()));
        if answer.status == 200 { Ok(answer.body) } else { Err(answer.status) }
    };
    assert_eq!(root_at(published.size, &TiledTree { size: published.size, fetch }).unwrap(), published.root);
    let width = u16::try_from(published.size).unwrap();
    let bundle = browser.get(&format!("/tile/entries/000.p/{width}")).body;
    let leaves = decode_bundle(&bundle, width).unwrap();
    assert_eq!(leaves.len(), usize::from(width));
    for path in [
        "/tile/0/000",
        "/tile/0/001.p/1",
        "/tile/0/000.p/256",
        "/tile/0/../../etc/passwd",
        "/tile/64/000",
        "/tile/0/0",
    ] {
        assert_eq!(browser.get(path).problem(), "not-found", "{path}");
    }

    let proof = browser.get(&format!("/v1/log/consistency?from=3&to={width}")).json();
    let digest = |value: &serde_json::Value| Digest::from_hex(value.as_str().unwrap()).unwrap();
    let hashes: Vec<Digest> = proof["proof"].as_array().unwrap().iter().map(digest).collect();
    let (old, new) = (digest(&proof["from"]["root"]), digest(&proof["to"]["root"]));
    assert_eq!(new, published.root);
    check_consistency(3, published.size, &old, &new, &hashes).unwrap();
    door.close();
}

#[test]
fn the_proof_of_a_stream_holds_under_the_map_that_the_log_has_closed() {
    let folder = tempfile::tempdir().unwrap();
    let running = crate::support::found(folder.path(), 1);
    let mut books = Books::new(&running.house, &running.ledger, START_S);
    // Ten minutes later the next statement closes the epoch of those before.
    running.clock.pass(700_000);
    books.at(START_S + 700);
    running.submit(&[books.request("guarantee/P-1", "004", 1_000)]);
    let log = lian_core::note::VerifierKey::new(
        lian_client::sample::SAMPLE_NAME,
        lian_core::note::SignatureType::Ed25519,
        running.house.key("log").public(),
    )
    .unwrap();
    let server = lian_server::http::serve(Arc::new(running.service), door::config()).unwrap();
    let mut browser = Browser::open(server.address());

    let answer = browser.get("/v1/streams/actor/bank:004/proof");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let digest = |value: &serde_json::Value| Digest::from_hex(value.as_str().unwrap()).unwrap();
    let number = |name: &str| body[name].as_u64().unwrap();
    let mut acc = Digest::ZERO;
    for entry in body["entries"].as_array().unwrap() {
        acc = accumulate(&acc, entry["seq"].as_u64().unwrap(), &digest(&entry["leaf_hash"]));
    }
    assert_eq!(body["entries"].as_array().unwrap().len() as u64, number("logged"));
    let value = stream_value(number("version"), number("logged"), &acc, &digest(&body["state_digest"]));
    let proof = MapProof::from_text(body["map_proof"].as_str().unwrap()).unwrap();
    let map = digest(&body["map"]);
    check_map(&map, &stream_key("actor/bank:004"), Some(&value), &proof).unwrap();

    let receipt = Receipt::parse(body["closed"]["tlog_proof"].as_str().unwrap().as_bytes()).unwrap();
    let checked = check_receipt(&receipt, &log).unwrap();
    let closed = String::from_utf8(checked.entry.payload.to_vec()).unwrap();
    assert!(closed.contains("\"epoch.closed\"") && closed.contains(&map.to_hex()), "{closed}");

    let absent = browser.get("/v1/streams/actor/bank:999/proof").json();
    let proof = MapProof::from_text(absent["map_proof"].as_str().unwrap()).unwrap();
    check_map(&digest(&absent["map"]), &stream_key("actor/bank:999"), None, &proof).unwrap();
    Arc::into_inner(server.stop()).unwrap().close().unwrap();
}

#[test]
fn a_stop_answers_what_was_taken_and_ends_the_tails() {
    let mut door = door::open(door::config());
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    let envelopes: Vec<_> =
        (0..40).map(|no| books.request(&format!("guarantee/S-{no}"), "004", 1_000)).collect();
    let mut tail = door.browser();
    tail.send(b"GET /v1/log/tail HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(tail.read().unwrap().status, 200);
    let mut idle = door.browser();
    assert_eq!(idle.get("/healthz").status, 200);
    let mut browsers: Vec<Browser> = envelopes
        .iter()
        .map(|envelope| {
            let mut browser = door.browser();
            let body = envelope.write();
            let head = format!("POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
            browser.send(&[head.as_bytes(), &body].concat()).unwrap();
            browser
        })
        .collect();

    // One was taken for certain; of the others, whatever the stop finds.
    assert_eq!(browsers[0].read().unwrap().status, 201);

    let service = door.server.take().unwrap().stop();

    let size = service.reader().head().size();
    let mut sealed = 1;
    for browser in &mut browsers[1..] {
        // A connection that was not accepted any more has no answer; an answer is never lost.
        if let Some(answer) = browser.read() {
            assert_eq!(answer.status, 201, "{}", answer.text());
            assert!(answer.json()["entry"]["seq"].as_u64().unwrap() < size);
            sealed += 1;
        }
    }
    let requests = service.reader().entries(0..size).unwrap();
    let logged = requests
        .filter(|entry| String::from_utf8_lossy(&entry.as_ref().unwrap().payload).contains("guarantee/S-"))
        .count();
    assert_eq!(logged, sealed, "every logged statement was answered");
    assert!(idle.read().is_none(), "an idle connection is closed");
    while let Some(chunk) = tail.chunk() {
        assert!(ids(&chunk).all(|id| id < size));
    }
    Arc::into_inner(service).unwrap().close().unwrap();
}
