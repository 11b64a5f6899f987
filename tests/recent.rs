//! What was committed just now is answered from memory: it must be what the disk would say.

use crate::support::{START_S, business::Books, door};
use lian_core::{hash::leaf_hash, merkle::check_inclusion};

#[test]
fn memory_says_of_each_entry_what_the_disk_says_and_proves_it_under_the_head_of_its_batch() {
    let door = door::open(door::config());
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    for batch in 0..5 {
        let requests = 0..=batch * batch;
        let envelopes: Vec<_> =
            requests.map(|n| books.request(&format!("guarantee/FB-{batch}-{n}"), "004", 1_000)).collect();
        door.submit(&envelopes);
    }

    let (reader, recent) = (door.service().reader(), door.service().recent());
    let size = reader.head().size();
    let mut heads = Vec::new();
    for index in 0..size {
        let batch = recent.batch_of(index).unwrap();
        let (entry, proof) = batch.find(index).unwrap();
        let stored = reader.read_entry(index).unwrap();
        assert_eq!((&entry.leaf, &entry.payload), (&stored.leaf, &stored.payload), "entry {index}");
        let head = batch.head();
        assert_eq!(proof, reader.prove_inclusion(index, head.size()).unwrap(), "entry {index}");
        let root = head.tip().range().root();
        assert_eq!(check_inclusion(index, head.size(), &leaf_hash(&entry.leaf), &proof, &root), Ok(()));
        heads.push(head.size());
    }
    heads.dedup();
    assert!(heads.len() > 5, "they came in several batches: {heads:?}");
    assert!(recent.batch_of(size).is_none(), "what is not there yet is not made up");
    door.close();
}

#[test]
fn who_asks_for_the_receipt_alone_gets_the_file_that_the_long_answer_holds() {
    let door = door::open(door::config());
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    let request = books.request("guarantee/FB-1", "004", 1_000).write();
    let mut browser = door.browser();
    let mut post = |accept: &str| {
        let headers = format!("Content-Type: application/json\r\nAccept: {accept}\r\n");
        browser.ask("POST", "/v1/statements", &headers, &request)
    };

    let file = post("text/plain");
    assert_eq!((file.status, file.header("content-type")), (201, Some("text/plain; charset=utf-8")));
    assert_eq!(file.header("etag"), Some("\"v1\""));
    let long = post("application/json, text/plain");
    assert_eq!((long.status, long.header("etag")), (200, Some("\"v1\"")));
    assert_eq!(long.json()["receipt"]["tlog_proof"], String::from_utf8(file.body.clone()).unwrap());
    assert_eq!(post("text/plain").body, file.body, "the same statement has the same receipt");
    door.close();
}
