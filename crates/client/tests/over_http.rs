//! What a client believes, and what it does not, whoever answers.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use lian_client::{
    http::{Client, Error, Options, Outcome, Rehearsal, Trust},
    kinds::{self, GuaranteeRequest},
    seen::{SeenFolder, SeenMemory, SeenStore},
};
use lian_core::statement::Envelope;
use lian_domain::dates::Day;
use serde_json::{Value, json};
use support::{Asked, FakeLog, Reply, Server};

type ChangeEvents = fn(&mut Vec<String>);
type ChangeAnswer = fn(&mut Value);

const NO: &str = "FB-115-000123";
const STREAM: &str = "guarantee/FB-115-000123";
const BANK: &[(&str, &str)] = &[("bank:004", "guarantor")];
const OFFICER: &[(&str, &str)] = &[("officer:7f3k", "officer")];

fn terms(limit: u64) -> GuaranteeRequest<'static> {
    let (from, to) = (Day::parse("2026-12-01").unwrap(), Day::parse("2027-11-30").unwrap());
    GuaranteeRequest {
        no: NO,
        bank: "004",
        branch: "0037",
        debtor: "12345675",
        purpose: "importer",
        scope: "all",
        limit,
        from,
        to,
    }
}

fn request(log: &FakeLog) -> Envelope {
    log.says("guarantee.requested", STREAM, 0, terms(60_000_000).data(), BANK)
}

/// An officer alone may not accept such an amount.
fn too_much(log: &FakeLog) -> Envelope {
    log.says("guarantee.accepted", STREAM, 1, kinds::accepted(&terms(60_000_000).terms()), OFFICER)
}

fn patient() -> Options {
    Options { sleep: Arc::new(|_| ()), ..Options::default() }
}

fn client(server: &Server) -> Client {
    client_of(server, SeenMemory::default())
}

fn client_of(server: &Server, store: impl SeenStore + 'static) -> Client {
    let trust = Trust::key(server.with(|log| log.key()));
    Client::with_options(&server.url(), trust, store, patient()).unwrap()
}

fn is_statement(asked: &Asked) -> bool {
    asked.path == "/v1/statements"
}

#[test]
fn an_accepted_statement_comes_back_with_a_receipt_for_the_very_bytes_that_were_sent() {
    let server = Server::start(FakeLog::found(1));
    let client = client(&server);
    let envelope = server.with(|log| request(log));

    let outcome = client.submit(&envelope).unwrap();
    let again = client.submit(&envelope).unwrap();

    assert!(outcome.is_accepted() && again.is_accepted());
    assert_eq!(outcome.proved().payload, envelope.payload);
    assert_eq!(again.proved().sealed.index, outcome.proved().sealed.index, "sent twice, logged once");
    let size = server.with(|log| log.size());
    assert_eq!(client.last_seen().unwrap().unwrap().size, size);
}

#[test]
fn a_refusal_on_the_record_is_an_outcome_with_a_verdict_and_a_receipt() {
    let server = Server::start(FakeLog::found(1));
    let client = client(&server);
    let (first, second) = server.with(|log| (request(log), too_much(log)));
    client.submit(&first).unwrap();

    let outcome = client.submit(&second).unwrap();

    let Outcome::Refused(proved) = outcome else { panic!("it was accepted") };
    assert_ne!(proved.sealed.verdict.code, 0);
    assert_eq!(proved.payload, second.payload);
}

#[test]
fn a_rejection_is_an_error_whose_signed_note_was_verified() {
    let server = Server::start(FakeLog::found(1));
    let client = client(&server);
    let (first, late) = server.with(|log| {
        let late = log.says("guarantee.suspended", STREAM, 7, kinds::nothing(), BANK);
        (request(log), late)
    });
    client.submit(&first).unwrap();

    let Err(Error::Rejected(rejected)) = client.submit(&late) else { panic!("it was not turned away") };
    assert_eq!(rejected.note.name, "stale-version");

    // The same words without the log's signature are worth nothing.
    server.lies(|asked, _, mut honest| {
        if is_statement(asked) {
            let mut body = honest.value();
            body["rejection"]["signatures"][0]["sig"] = json!("AAAA");
            honest.body = body.to_string().into_bytes();
        }
        honest
    });
    assert!(matches!(client.submit(&late), Err(Error::Doubt(_))));
}

#[test]
fn lost_connections_and_full_queues_are_tried_again_with_the_same_bytes_and_log_one_entry() {
    let server = Server::start(FakeLog::found(1));
    let waits = Arc::new(AtomicUsize::new(0));
    let waited = Arc::clone(&waits);
    let sleep = Arc::new(move |wait: Duration| {
        assert!(wait <= Duration::from_secs(10));
        waited.fetch_add(1, Ordering::SeqCst);
    });
    let options = Options { sleep, ..Options::default() };
    let trust = Trust::key(server.with(|log| log.key()));
    let client = Client::with_options(&server.url(), trust, SeenMemory::default(), options).unwrap();
    let envelope = server.with(|log| request(log));
    let (before, sent) = (server.with(|log| log.size()), envelope.write());
    server.lies(move |asked, _, honest| {
        assert!(!is_statement(asked) || asked.body == sent, "other bytes");
        match asked.nth {
            // It was logged, and the answer was lost.
            0 => Reply::nothing(),
            1 => Reply {
                headers: "Retry-After: 2\r\n".to_owned(),
                ..Reply::json(503, &json!({"code": "busy"}))
            },
            2 => Reply { cut: Some(40), ..honest },
            3 => Reply::json(429, &json!({"code": "rate-limited"})),
            _ => honest,
        }
    });

    let outcome = client.submit(&envelope).unwrap();

    assert!(outcome.is_accepted());
    assert_eq!(server.with(|log| log.size()), before + 1);
    assert!(waits.load(Ordering::SeqCst) >= 4);
}

#[test]
fn patience_ends_and_says_that_the_statement_may_be_in_the_log() {
    let server = Server::start(FakeLog::found(1));
    let client = client(&server);
    let envelope = server.with(|log| request(log));
    server.lies(|_, _, _| Reply::nothing());

    let error = client.submit(&envelope).unwrap_err();

    assert!(matches!(error, Error::Unreachable { tries: 8, .. }), "{error}");
    assert_eq!(server.count("POST /v1/statements"), 8);
}

/// Changes the receipt in the answer to a statement.
fn with_receipt(server: &Server, change: impl Fn(&FakeLog, String) -> String + Send + 'static) {
    server.lies(move |asked, log, mut honest| {
        if is_statement(asked) {
            let mut body: Value = honest.value();
            let receipt = body["receipt"]["tlog_proof"].as_str().unwrap().to_owned();
            body["receipt"]["tlog_proof"] = json!(change(log, receipt));
            honest.body = body.to_string().into_bytes();
        }
        honest
    });
}

#[test]
fn no_receipt_is_believed_but_the_right_one() {
    let server = Server::start(FakeLog::found(1));
    let envelope = server.with(|log| request(log));
    let doubted = |what: &str| {
        let client = client(&server);
        assert!(matches!(client.submit(&envelope), Err(Error::Doubt(_))), "{what}");
        client.last_seen().unwrap()
    };

    with_receipt(&server, |log, _| String::from_utf8(log.receipt(5, log.size())).unwrap());
    doubted("another entry's receipt");
    with_receipt(&server, |log, receipt| {
        // The checkpoint of a log with another key.
        let other = FakeLog::found(2);
        let head = receipt.split_once("\n\n").unwrap().0.to_owned();
        head + "\n\n" + &String::from_utf8(other.note(log.size().min(other.size()))).unwrap()
    });
    assert_eq!(doubted("a checkpoint of another log"), None, "nothing is remembered of it");
    with_receipt(&server, |log, receipt| {
        let head = receipt.split_once("\n\n").unwrap().0.to_owned();
        head + "\n\n" + &String::from_utf8(log.note(log.size() - 1)).unwrap()
    });
    assert_eq!(doubted("a root that the proof does not lead to"), None);
    server
        .lies(|asked, _, honest| if is_statement(asked) { Reply { status: 422, ..honest } } else { honest });
    doubted("another verdict than the log's");
}

#[test]
fn a_fork_is_an_error_of_its_own_with_both_checkpoints_saved_and_the_memory_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let store = SeenFolder::new(folder.path());
    let server = Server::start(FakeLog::found(1));
    let (honest, more) = server.with(|log| {
        let more = log.says("guarantee.suspended", STREAM, 1, kinds::nothing(), BANK);
        (request(log), more)
    });
    client_of(&server, store.clone()).submit(&honest).unwrap();
    let kept = store.load(&server.with(|log| log.key())).unwrap().unwrap();

    // The same keys, another history of more entries.
    let mut other = FakeLog::found(1);
    let instead = other.says("guarantee.requested", STREAM, 0, terms(9).data(), BANK);
    other.place(&instead).unwrap();
    other.place(&more).unwrap();
    let forked = Server::start(other);
    let Err(Error::Fork(fork)) = client_of(&forked, store.clone()).entry(3) else { panic!("not noticed") };

    assert_eq!(fork.seen_note, kept);
    assert_eq!(fork.new.size, fork.seen.size + 1);
    let evidence = std::fs::read_to_string(fork.evidence.unwrap()).unwrap();
    assert!(evidence.contains(std::str::from_utf8(&fork.new_note).unwrap()));
    assert!(evidence.contains(std::str::from_utf8(&kept).unwrap()));
    assert_eq!(store.load(&forked.with(|log| log.key())).unwrap().unwrap(), kept);
}

#[test]
fn an_older_checkpoint_must_be_a_prefix_and_a_log_that_went_back_is_a_fork() {
    let server = Server::start(FakeLog::found(1));
    let client = client(&server);
    let newest = client.checkpoint().unwrap().size;

    // An old receipt of the same log is fine, and the memory stays.
    server.lies(|asked, log, honest| {
        let old = asked.path.ends_with("/receipt").then(|| log.receipt(3, log.size() - 2));
        Reply { body: old.unwrap_or_else(|| honest.body.clone()), ..honest }
    });
    assert_eq!(client.entry(3).unwrap().sealed.checkpoint.size, newest - 2);
    assert_eq!(client.last_seen().unwrap().unwrap().size, newest);

    // A log that cannot show that it once was larger has lost entries.
    server.lies(|asked, log, honest| match &*asked.path {
        "/v1/log/consistency" => Reply::json(400, &json!({"code": "bad-request"})),
        path if path.ends_with("/receipt") => Reply { body: log.receipt(3, log.size() - 2), ..honest },
        _ => honest,
    });
    assert!(matches!(client.entry(3), Err(Error::Fork(_))));
}

#[test]
fn a_tail_that_is_cut_anywhere_goes_on_without_gap_or_duplicate() {
    let server = Server::start(FakeLog::found(1));
    let client = client(&server);
    let size = server.with(|log| log.size());
    let tails = AtomicUsize::new(0);
    server.lies(move |asked, _, honest| match &*asked.path {
        // Another place each time, often amid an event; every other time behind the first one, so that
        // no run of cuts outlasts the client's patience.
        "/v1/log/tail" => {
            let nth = tails.fetch_add(1, Ordering::SeqCst);
            let least = if nth.is_multiple_of(2) { 700 } else { 3_500 };
            Reply { cut: Some(least + nth * 977 % 4_999), ..honest }
        }
        _ => honest,
    });

    for from in [0, 1, 7, size - 1] {
        let wanted = usize::try_from(size - from).unwrap();
        let entries: Vec<_> = client.tail(from).take(wanted).map(Result::unwrap).collect();
        let indexes: Vec<u64> = entries.iter().map(|entry| entry.index).collect();
        assert_eq!(indexes, (from..size).collect::<Vec<u64>>());
        server.with(|log| {
            for entry in &entries {
                let at = usize::try_from(entry.index).unwrap();
                assert_eq!(entry.payload.as_ref(), Some(&log.payloads[at]));
            }
        });
    }
    assert!(server.count("GET /v1/log/tail") > 8, "it was cut often");
}

#[test]
fn a_tail_that_leaves_out_repeats_or_alters_an_entry_ends_with_a_doubt() {
    let server = Server::start(FakeLog::found(1));
    let changes: [(&str, ChangeEvents); 4] = [
        ("left out", |events| drop(events.remove(4))),
        ("repeated", |events| events.insert(4, events[4].clone())),
        ("exchanged", |events| {
            let data = events[5].split_once("data:").unwrap().1.to_owned();
            let head = events[4].split_once("data:").unwrap().0.to_owned();
            events[4] = format!("{head}data:{data}");
        }),
        ("altered", |events| {
            let other: Value = serde_json::from_str(events[9].split_once("data: ").unwrap().1).unwrap();
            let (head, data) = events[4].split_once("data: ").unwrap();
            let mut data: Value = serde_json::from_str(data).unwrap();
            data["payload"] = other["payload"].clone();
            events[4] = format!("{head}data: {data}");
        }),
    ];
    for (what, change) in changes {
        server.lies(move |asked, _, mut honest| {
            if asked.path == "/v1/log/tail" {
                let text = String::from_utf8(honest.body).unwrap();
                let mut events: Vec<String> = text.split("\n\n").map(str::to_owned).collect();
                change(&mut events);
                honest.body = events.join("\n\n").into_bytes();
            }
            honest
        });
        let client = client(&server);
        let ended: Vec<_> = client.tail(0).collect();
        assert!(matches!(ended.last(), Some(Err(Error::Doubt(_)))), "{what}");
        assert!(ended.iter().filter_map(|entry| entry.as_ref().ok()).all(|entry| entry.index < 4), "{what}");
    }
}

#[test]
fn a_tail_of_leaves_that_the_log_never_signed_is_not_handed_out() {
    let server = Server::start(FakeLog::found(1));
    let client = client(&server);
    // Another history, whole in itself, of which the log's key signed nothing here.
    let mut other = FakeLog::found(1);
    let late = other.says("guarantee.requested", STREAM, 0, terms(9).data(), BANK);
    other.place(&late).unwrap();
    let genuine = server.with(|log| request(log));
    server.with(|log| log.place(&genuine).unwrap());
    let forged = Server::start(other);
    let shown = Client::with_options(
        &forged.url(),
        Trust::key(server.with(|log| log.key())),
        SeenMemory::default(),
        patient(),
    )
    .unwrap()
    .unverified()
    .read("/v1/log/entries/35", &lian_client::http::Listed::default())
    .unwrap();
    server.lies(move |asked, _, mut honest| {
        if asked.path == "/v1/log/tail" {
            let text = String::from_utf8(honest.body).unwrap();
            let cut = text.find("id: 35\n").unwrap();
            honest.body = format!("{}id: 35\nevent: entry\ndata: {shown}\n\n", &text[..cut]).into_bytes();
        }
        honest
    });

    let size = server.with(|log| log.size());
    assert_eq!(size, 36, "the forged entry stands in the place of the last");
    assert!(matches!(client.tail(0).last(), Some(Err(Error::Doubt(_)))));
    assert_eq!(client.entries(0..99).unwrap().len(), 36, "the honest list is whole");
}

#[test]
fn a_guarantee_comes_with_all_entries_that_name_it_and_its_state_or_not_at_all() {
    let server = Server::start(FakeLog::found(1));
    let client = client(&server);
    server.with(|log| {
        let (first, second) = (request(log), too_much(log));
        log.place(&first).unwrap();
        log.place(&second).unwrap();
        log.close_epoch(STREAM);
    });

    let proof = client.guarantee(NO).unwrap();

    assert_eq!((proof.version, proof.entries.len(), proof.epoch.number), (1, 2, 1), "the refused one counts");
    assert!(!proof.is_confirmed(), "nobody audited the map");
    assert_eq!(client.last_epoch().unwrap(), proof.epoch);
    let changes: [(&str, ChangeAnswer); 5] = [
        ("an entry left out", |answer| drop(answer["entries"].as_array_mut().unwrap().pop())),
        ("another version", |answer| answer["version"] = json!(2)),
        ("another state", |answer| answer["state"]["limit"] = json!(1)),
        ("another epoch", |answer| answer["epoch"] = json!(2)),
        ("another map", |answer| answer["map"] = json!("00".repeat(32))),
    ];
    for (what, change) in changes {
        server.lies(move |asked, _, mut honest| {
            if asked.path.ends_with("/proof") {
                let mut answer = honest.value();
                change(&mut answer);
                honest.body = answer.to_string().into_bytes();
            }
            honest
        });
        assert!(matches!(client.guarantee(NO), Err(Error::Doubt(_))), "{what}");
    }
}

#[test]
fn a_rehearsal_says_what_would_become_of_a_statement_and_logs_nothing() {
    let server = Server::start(FakeLog::found(1));
    let client = client(&server);
    let envelope = server.with(|log| request(log));
    let answers = |status: u16, body: Value| {
        server.lies(move |asked, _, _| {
            assert!(asked.query.iter().any(|(name, value)| name == "dry_run" && value == "true"));
            Reply::json(status, &body)
        });
        client.dry_run(&envelope)
    };

    let accepted = answers(200, json!({"dry_run": true, "verdict": {"accepted": true}}));
    assert!(matches!(accepted, Ok(Rehearsal::Accepted)));
    let body = json!({"code": "quota-insufficient", "errors": [{"pointer": "/events/2"}], "dry_run": true});
    assert!(matches!(answers(422, body), Ok(Rehearsal::Refused { code: 109, event: 2, .. })));
    let again = json!({"dry_run": true, "verdict": {"accepted": true}, "repeated": true, "entry": 7});
    let logged = answers(200, again);
    assert!(matches!(logged, Ok(Rehearsal::Logged { entry: 7, verdict }) if verdict.is_accepted()));
    let body = json!({"code": "quota-insufficient", "dry_run": true, "repeated": true, "entry": 8});
    let logged = answers(422, body);
    assert!(matches!(logged, Ok(Rehearsal::Logged { entry: 8, verdict }) if verdict.code == 109));
    let nowhere = json!({"dry_run": true, "verdict": {"accepted": true}, "repeated": true});
    assert!(answers(200, nowhere).is_err(), "a repeat stands somewhere");
    let late = answers(412, json!({"code": "version-conflict", "dry_run": true}));
    assert!(matches!(late, Ok(Rehearsal::Rejected(problem)) if problem.code == "version-conflict"));
    assert!(matches!(answers(503, json!({"code": "read-only"})), Err(Error::Problem(_))));
    assert!(answers(200, json!({})).is_err(), "no verdict is no answer");
}

#[test]
fn before_the_first_epoch_closes_a_signer_has_seen_epoch_0() {
    let server = Server::start(FakeLog::found(1));

    let epoch = client(&server).last_epoch().unwrap();

    assert_eq!((epoch.number, epoch.size, epoch.root), (0, 1, server.with(|log| log.root(1))));
}

#[test]
fn whoever_the_log_is_must_be_who_its_key_says() {
    let server = Server::start(FakeLog::found(1));
    let genesis = client(&server).genesis().unwrap().clone();
    assert_eq!(genesis.id, server.with(|log| log.ledger.id().to_owned()));

    let trust = Trust::key(FakeLog::found(2).key());
    let other = Client::with_options(&server.url(), trust, SeenMemory::default(), patient()).unwrap();
    assert!(matches!(other.genesis(), Err(Error::Doubt(_))));
    assert!(matches!(other.checkpoint(), Err(Error::Doubt(_))));
}
