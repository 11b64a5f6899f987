//! What is derived from the log, over rows and by folding: two ways to the same answers.

use std::{path::Path, sync::Arc, thread};

use crate::support::{Running, START_S, business::Books, found, system_keys};
use lian_client::sample::{House, SAMPLE_NAME};
use lian_domain::{
    dates::Day,
    ids::{BankCode, GuaranteeNo, Ubn},
};
use lian_server::{
    clock::TestClock,
    http::{
        books::{At, Books as Answers, FoldedBooks, Wanted},
        row_books::RowBooks,
    },
    keeping::Views,
    open::open_over,
    service::Service,
};
use lian_store::disk::RealDisk;

/// A sample ledger over rows in sled.
fn over_rows(folder: &Path) -> Running {
    let running = found(folder, 31);
    let house: House = running.house;
    running.service.close().unwrap();
    let disk = Arc::new(RealDisk::open(folder).unwrap());
    let views = Views::at(&folder.join("views/sled"));
    let opened =
        open_over(disk, SAMPLE_NAME, &system_keys(&house), START_S, Some(&views), &mut |_| ()).unwrap();
    let clock = Arc::new(TestClock::at(u64::try_from(START_S).unwrap() * 1_000));
    let ledger = opened.ledger.id().to_owned();
    let service = Service::start(opened, system_keys(&house), Arc::<TestClock>::clone(&clock), 2);
    Running { house, service, clock, ledger }
}

/// Three guarantees of two banks: drawn, paid, refused, suspended, closed; an epoch in between.
fn business(running: &Running) {
    let mut books = Books::new(&running.house, &running.ledger, START_S);
    let [one, two, three] = ["guarantee/FB-115-000001", "guarantee/FB-115-000002", "guarantee/FB-115-000003"];
    running.submit(&[books.request(one, "004", 5_000_000), books.request(two, "005", 900_000)]);
    running.submit(&[books.accept(one), books.accept(two)]);
    for _ in 0..70 {
        let draw = books.draw(one, 1_000);
        let paid = books.last_declaration(one);
        running.submit(&[draw, books.pay(one, &paid, 1_000)]);
    }
    running.clock.pass(601_000);
    books.at(START_S + 601);
    running.submit(&[books.try_draw(two, 1_000_000), books.request(three, "004", 70_000)]);
    running.submit(&[books.draw(one, 40_000), books.suspend(one, "004"), books.draw(two, 7)]);
}

/// Books over rows that have reached the end of the log, and its size.
fn books_of(running: &Running) -> (RowBooks, u64) {
    let size = running.service.reader().head().size();
    while running.service.shadow().unwrap().reached() < size {
        thread::yield_now();
    }
    (RowBooks::of(&running.service).unwrap(), size)
}

#[test]
fn books_over_rows_answer_at_every_size_as_books_by_folding_do() {
    let folder = tempfile::tempdir().unwrap();
    let running = over_rows(folder.path());
    business(&running);
    let (rows, size) = books_of(&running);
    let folds = FoldedBooks::new(running.service.reader().clone());
    let day = Day::parse("2026-11-23").unwrap();
    let (bank, debtor) = (BankCode::parse("004").unwrap(), Ubn::parse("12345675").unwrap());

    for size in (1..size).step_by(13).chain(size - 12..=size) {
        let at = At { size, day, present: false };
        for no in ["FB-115-000001", "FB-115-000002", "FB-115-000003", "FB-115-999999"] {
            let no = GuaranteeNo::parse(no).unwrap();
            assert_eq!(rows.guarantee(&no, at).unwrap(), folds.guarantee(&no, at).unwrap(), "{no} at {size}");
            let stream = format!("guarantee/{no}");
            assert_eq!(
                rows.history(&stream, at).unwrap(),
                folds.history(&stream, at).unwrap(),
                "{no} at {size}"
            );
            let ends = [&rows as &dyn Answers, &folds].map(|books| {
                let timeline = books.timeline(&no, at, 500).unwrap().value;
                timeline.map(|timeline| (timeline.state, timeline.standing, timeline.steps.last().copied()))
            });
            assert_eq!(ends[0], ends[1], "{no} at {size}");
        }
        for wanted in [
            Wanted { limit: 2, ..Wanted::default() },
            Wanted { limit: 9, after: Some("FB-115-000001".to_owned()), ..Wanted::default() },
            Wanted { limit: 9, bank: Some(bank), ..Wanted::default() },
            Wanted { limit: 9, status: Some("active".to_owned()), ..Wanted::default() },
            Wanted { limit: 9, status: Some("no such".to_owned()), ..Wanted::default() },
        ] {
            assert_eq!(
                rows.guarantees(&wanted, at).unwrap(),
                folds.guarantees(&wanted, at).unwrap(),
                "{wanted:?} at {size}"
            );
        }
        assert_eq!(rows.quota(&debtor, at).unwrap(), folds.quota(&debtor, at).unwrap(), "at {size}");
        assert_eq!(rows.exposure(&bank, at).unwrap(), folds.exposure(&bank, at).unwrap(), "at {size}");
        assert_eq!(rows.keys(at).unwrap(), folds.keys(at).unwrap(), "at {size}");
    }
    assert_eq!((rows.epochs().unwrap(), rows.identity()), (folds.epochs().unwrap(), folds.identity()));
    for stream in ["guarantee/FB-115-000001", "guarantee/FB-115-000003", "guarantee/FB-115-999999"] {
        let (over_rows, folded) = (rows.completeness(stream).unwrap(), folds.completeness(stream).unwrap());
        assert!(over_rows.is_some() && over_rows == folded, "{stream}: {over_rows:?} {folded:?}");
    }
    running.service.close().unwrap();
}

#[test]
fn the_timeline_over_rows_has_the_quota_after_every_entry() {
    let folder = tempfile::tempdir().unwrap();
    let running = over_rows(folder.path());
    business(&running);
    let (rows, size) = books_of(&running);
    let no = GuaranteeNo::parse("FB-115-000001").unwrap();
    let day = Day::parse("2026-11-23").unwrap();
    let timeline = rows.timeline(&no, At { size, day, present: true }, 500).unwrap().value.unwrap();

    for (index, after) in &timeline.steps {
        let card = rows.guarantee(&no, At { size: index + 1, day, present: false }).unwrap().value;
        assert_eq!(*after, card.map(|card| (card.limit, card.available)), "after entry {index}");
    }
    assert_eq!(timeline.steps.len(), 144, "a request, an acceptance, 70 draws and payments, a draw, an end");
    let short = rows.timeline(&no, At { size, day, present: true }, 10).unwrap().value.unwrap();
    assert_eq!(short.steps[..], timeline.steps[timeline.steps.len() - 10..]);
    running.service.close().unwrap();
}

#[test]
fn a_trial_over_rows_says_what_the_log_would_say_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let running = over_rows(folder.path());
    let mut books = Books::new(&running.house, &running.ledger, START_S);
    let stream = "guarantee/FB-115-000001";
    running.submit(&[books.request(stream, "004", 5_000), books.accept(stream)]);
    let (rows, size) = books_of(&running);
    let folds = FoldedBooks::new(running.service.reader().clone());
    let now_ms = u64::try_from(START_S).unwrap() * 1_000;
    let tries = [
        books.try_draw(stream, 4_000),
        books.try_draw(stream, 6_000),
        books.try_event("guarantee.closed", stream, lian_core::json::Value::object::<&str>([]), &[]),
    ];
    for envelope in tries {
        let bytes = envelope.write();
        assert_eq!(rows.try_out(&bytes, now_ms).unwrap(), folds.try_out(&bytes, now_ms).unwrap());
    }
    assert_eq!(running.service.reader().head().size(), size);
    running.service.close().unwrap();
}
