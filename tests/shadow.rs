//! T26 over the real house: views in sled beside a running ledger, deleted, damaged, exchanged, put
//! ahead of the log, broken in full run. Found and made again each time; never a wrong verdict.

use std::{fs, path::Path, sync::Arc, thread};

use crate::support::{
    Running, START_S,
    business::{Books, request_of},
    found, sealed, system_keys,
};
use lian_client::{
    draft::Draft,
    sample::{House, SAMPLE_NAME},
};
use lian_core::{hash::Digest, statement::Envelope};
use lian_domain::{
    ledger::Ledger,
    refusal::Refusal,
    rejection::Rejection,
    rows::{Row, Rows as _, Step, Table},
};
use lian_server::{
    clock::TestClock,
    keeping::Views,
    open::{Fold, OpenFault, OpenLedger, open_over},
    scrubbing::Finding,
    service::{Answer, Service, ServiceError},
    shadow::Shadow,
};
use lian_store::{
    disk::{Disk, RealDisk},
    recover,
};

const QUOTA: u64 = 1_000_000;

fn views(folder: &Path) -> std::path::PathBuf {
    folder.join("views/sled")
}

fn open(folder: &Path, house: &House) -> Result<OpenLedger, OpenFault> {
    let disk = Arc::new(RealDisk::open(folder).unwrap());
    let views = Views::at(&views(folder));
    open_over(disk, SAMPLE_NAME, &system_keys(house), START_S, Some(&views), &mut |_| ())
}

/// Opens the folder over rows and runs the service.
fn serve(folder: &Path, house: House) -> Running {
    let opened = open(folder, &house).unwrap();
    assert!(opened.shadow.is_some());
    let clock = Arc::new(TestClock::at(opened.ledger.recorded_at()));
    let ledger = opened.ledger.id().to_owned();
    let service = Service::start(opened, system_keys(&house), Arc::<TestClock>::clone(&clock), 2);
    Running { house, service, clock, ledger }
}

/// A ledger with some guarantees, of which each is drawn upon; closed, with its views.
fn with_business(folder: &Path, guarantees: u64) -> House {
    let running = found(folder, 26);
    let house = running.house;
    running.service.close().unwrap();
    let running = serve(folder, house);
    do_business(&running, 0, guarantees);
    let house = running.house;
    running.service.close().unwrap();
    house
}

fn name(number: u64) -> String {
    format!("guarantee/FB-115-{number:06}")
}

fn do_business(running: &Running, first: u64, guarantees: u64) {
    let mut books = Books::new(&running.house, &running.ledger, START_S);
    for number in first..first + guarantees {
        let stream = name(number);
        let statements = [
            books.request(&stream, "004", QUOTA),
            books.accept(&stream),
            books.draw(&stream, QUOTA - number),
        ];
        for answer in running.submit(&statements) {
            assert!(matches!(answer, Answer::Sealed { .. }), "{answer:?}");
        }
    }
}

/// A draw for which a guarantee has no quota left, if its state is known.
fn draw_too_much(running: &Running, number: u64) -> Envelope {
    let mut books = Books::new(&running.house, &running.ledger, START_S);
    (0..3).for_each(|_| books.moved(&name(number)));
    let _used = books.try_draw(&name(number), 1);
    books.try_draw(&name(number), number + 1)
}

fn refused_for_quota(answer: &Answer) -> bool {
    let code = Refusal::QuotaInsufficient.code();
    matches!(answer, Answer::Sealed { verdict: Some(verdict), .. } if verdict.code == code)
}

/// Folded in memory from the files alone.
fn folded(folder: &Path, house: &House) -> Ledger {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(folder).unwrap());
    let verifier = lian_server::open::log_verifier(SAMPLE_NAME, &system_keys(house)).unwrap();
    let reader = recover::read_only(&disk, &lian_store::signer::LogKeys::new(vec![verifier])).unwrap();
    let mut fold = Fold::new(i64::MAX);
    fold.run(&reader, u64::MAX, &mut |_| ()).unwrap();
    fold.ledger
}

/// Opens the folder over its rows: every stream, key and actor, the epochs and the map are what a
/// fold in memory makes of the files. Says why an earlier shadow was discarded.
pub fn is_the_fold(folder: &Path, house: &House) -> Option<String> {
    let mut opened = open(folder, house).unwrap();
    let mut wanted = folded(folder, house);
    assert_eq!(opened.shadow.as_ref().unwrap().reached(), wanted.size(), "the rows are up to date");
    let rows = &mut opened.ledger;
    for stream in wanted.streams() {
        let found = rows.find(&stream.name).unwrap().unwrap_or_else(|| panic!("{} is missing", stream.name));
        let facts =
            |of: &lian_domain::ledger::Stream| (of.version, of.logged, of.last, of.acc, of.state_digest());
        assert_eq!(facts(&found), facts(stream), "{}", stream.name);
    }
    let people = |ledger: &Ledger| {
        let directory = ledger.directory();
        let mut lines: Vec<String> = directory.keys().map(|(id, key)| format!("{id} {key:?}")).collect();
        lines.extend(directory.actors().map(|(name, actor)| format!("{name} {actor:?}")));
        lines.sort_unstable();
        lines
    };
    assert_eq!(people(rows), people(&wanted));
    assert_eq!(rows.epochs(), wanted.epochs());
    assert_eq!(rows.map_root(), wanted.map_root());
    assert_eq!(
        (rows.id(), rows.size(), rows.recorded_at()),
        (wanted.id(), wanted.size(), wanted.recorded_at())
    );
    opened.store.close().unwrap();
    opened.discarded
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_ledger_over_rows_goes_on_after_restarts_exactly_like_one_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = with_business(folder.path(), 30);
    for session in 1..4 {
        assert_eq!(is_the_fold(folder.path(), &house), None);
        let running = serve(folder.path(), house);
        for _ in 0..2 {
            running.clock.pass(11 * 60 * 1_000); // an epoch is due
            do_business(&running, session * 100 + running.service.reader().head().size(), 8);
        }
        house = running.house;
        running.service.close().unwrap();
    }
    assert_eq!(is_the_fold(folder.path(), &house), None);
    assert!(folded(folder.path(), &house).epochs().len() > 3, "epochs were closed");
}

#[test]
fn views_deleted_damaged_or_of_another_ledger_are_made_again_and_no_quota_is_drawn_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (mine, other) = (folder.path().join("mine"), folder.path().join("other"));
    let mut house = with_business(&mine, 12);
    let running = found(&other, 27);
    let stranger = running.house;
    running.service.close().unwrap();
    serve(&other, stranger).service.close().unwrap();

    type Harm<'a> = (&'a dyn Fn(), &'a str);
    let delete = || fs::remove_dir_all(views(&mine)).unwrap();
    let exchange = || {
        delete();
        copy(&views(&other), &views(&mine));
    };
    let damage = || {
        let conf = views(&mine).join("conf");
        let mut bytes = fs::read(&conf).unwrap();
        bytes[20] ^= 1;
        fs::write(conf, bytes).unwrap();
    };
    let harms: [Harm<'_>; 3] = [(&delete, ""), (&exchange, "belongs to ledger"), (&damage, "cannot be read")];
    for (harm, why) in harms {
        harm();
        let discarded = is_the_fold(&mine, &house).unwrap_or_default();
        assert!(discarded.contains(why), "{why:?}: {discarded:?}");
        harm();
        let running = serve(&mine, house);
        let answers = running.submit(&[draw_too_much(&running, 5)]);
        assert!(refused_for_quota(&answers[0]), "{answers:?}");
        house = running.house;
        running.service.close().unwrap();
        assert_eq!(is_the_fold(&mine, &house), None);
        // Its stream has one more entry now; the books of the next round know nothing of it.
    }
}

#[test]
fn older_views_catch_up_before_anything_is_admitted() {
    let folder = tempfile::tempdir().unwrap();
    let house = with_business(folder.path(), 4);
    let older = folder.path().join("older");
    copy(&views(folder.path()), &older);
    let running = serve(folder.path(), house);
    do_business(&running, 4, 4);
    let house = running.house;
    running.service.close().unwrap();
    fs::remove_dir_all(views(folder.path())).unwrap();
    copy(&older, &views(folder.path()));

    let running = serve(folder.path(), house);
    let answers = running.submit(&[draw_too_much(&running, 7)]);
    assert!(refused_for_quota(&answers[0]), "{answers:?}");
    running.service.close().unwrap();
}

#[test]
fn views_ahead_of_the_log_stop_it_until_a_hand_discards_them() {
    let folder = tempfile::tempdir().unwrap();
    let (log, older) = (folder.path().join("log"), folder.path().join("older"));
    let house = with_business(&log, 4);
    copy(&log, &older);
    let running = serve(&log, house);
    do_business(&running, 4, 4);
    let house = running.house;
    running.service.close().unwrap();
    fs::remove_dir_all(views(&older)).unwrap();
    copy(&views(&log), &views(&older));

    let segment = || fs::read(older.join("segments/000000.seg")).unwrap();
    let before = segment();
    for _ in 0..2 {
        let Err(OpenFault::Ahead { reached, size, .. }) = open(&older, &house) else {
            panic!("the log lost entries");
        };
        assert_eq!(reached - size, 12);
    }
    assert_eq!(segment(), before, "nothing was written to the log");
    Shadow::discard(&views(&older)).unwrap();
    assert_eq!(is_the_fold(&older, &house), None);
}

#[test]
fn views_that_break_in_full_run_are_made_again_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let house = with_business(folder.path(), 6);
    let running = serve(folder.path(), house);
    do_business(&running, 6, 6);
    let shadow = Arc::clone(running.service.shadow().unwrap());
    let unwritable = Row { table: Table::State, key: Vec::new(), value: None };
    let step = Step { reached: u64::MAX, link: Digest::ZERO, rows: vec![unwritable] };
    assert!(shadow.apply(&[step]).is_err());

    let late = draw_too_much(&running, 9);
    let told = running.service.submit_and_wait(vec![late.write()]);
    assert_eq!(told, Err(ServiceError::Busy), "nothing is judged on rows that broke");
    while shadow.fault().is_some() || running.service.remaking().is_some() {
        assert_eq!(running.service.stopped(), None);
        thread::yield_now();
    }
    drop(shadow);
    let answers = running.submit(&[late]);
    assert!(refused_for_quota(&answers[0]), "{answers:?}");
    do_business(&running, 20, 6);
    let house = running.house;
    running.service.close().unwrap();
    assert_eq!(is_the_fold(folder.path(), &house), None);
}

#[test]
fn a_scrub_finds_nothing_where_nothing_is_wrong_while_statements_come_in_and_epochs_close() {
    let folder = tempfile::tempdir().unwrap();
    let house = with_business(folder.path(), 6);
    let running = serve(folder.path(), house);
    let mut first = 6;
    let mut scrubs = 0;
    thread::scope(|scope| {
        let scrubbing =
            scope.spawn(|| (0..4).map(|_| running.service.scrub_now().unwrap()).collect::<Vec<_>>());
        while !scrubbing.is_finished() {
            // An epoch falls due now and then.
            running.clock.pass(400_000);
            do_business(&running, first, 2);
            first += 2;
        }
        for finding in scrubbing.join().unwrap() {
            assert!(matches!(finding, Finding::Sound { compared, .. } if compared > 30), "{finding:?}");
            scrubs += 1;
        }
    });
    assert!(scrubs == 4 && first > 6);
    let epochs = running.service.reader().head().size();
    let house = running.house;
    running.service.close().unwrap();
    assert_eq!(is_the_fold(folder.path(), &house), None);
    assert!(folded(folder.path(), &house).epochs().len() > 2, "of {epochs} entries some are epochs");
    assert!(!folder.path().join("views/sled.scrub").exists(), "nothing is left of the second rows");
}

#[test]
fn rows_that_read_well_but_are_not_what_the_entries_make_are_found_by_the_scrub_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let house = with_business(folder.path(), 6);
    let running = serve(folder.path(), house);
    let shadow = Arc::clone(running.service.shadow().unwrap());
    let key = [b"s", name(3).as_bytes()].concat();
    let older = [b"s", name(2).as_bytes()].concat();
    let older = shadow.get(Table::State, &older).unwrap().unwrap();
    let binding = shadow.binding().unwrap();
    let wrong = Row { table: Table::State, key: key.clone(), value: Some(older) };
    shadow.apply(&[Step { reached: binding.reached, link: binding.link, rows: vec![wrong] }]).unwrap();

    let Some(Finding::Condemned(difference)) = running.service.scrub_now() else {
        panic!("the row of one guarantee stands under the name of another")
    };
    assert_eq!((difference.table, difference.key), (Table::State, key));
    while shadow.fault().is_some() || running.service.remaking().is_some() {
        assert_eq!(running.service.stopped(), None);
        thread::yield_now();
    }
    drop(shadow);
    assert!(matches!(running.service.scrub_now(), Some(Finding::Sound { .. })));
    let house = running.house;
    running.service.close().unwrap();
    assert_eq!(is_the_fold(folder.path(), &house), None);
}

#[test]
fn after_a_restart_a_repeat_gets_its_place_and_a_reused_id_is_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let house = with_business(folder.path(), 2);
    let running = serve(folder.path(), house);
    let ask = |running: &Running, no: &str| {
        let draft = Draft::with_id(&running.ledger, START_S, [50; 16]).event(
            "guarantee.requested",
            &format!("guarantee/{no}"),
            0,
            request_of(no, "004", QUOTA).data(),
        );
        running.house.sign(&draft, &[("bank:004", "guarantor")])
    };
    let request = ask(&running, "FB-115-000050");
    let answers = running.submit(std::slice::from_ref(&request));
    let Answer::Sealed { index, .. } = answers[0] else { panic!("{answers:?}") };
    assert_eq!(answers, [sealed(index)]);
    let house = running.house;
    running.service.close().unwrap();

    let running = serve(folder.path(), house);
    assert_eq!(running.submit(&[request]), [Answer::Sealed { index, verdict: None }]);
    let answers = running.submit(&[ask(&running, "FB-115-000051")]);
    let Answer::Rejected { rejection: Rejection::IdReused { entry, .. }, .. } = &answers[0] else {
        panic!("{answers:?}");
    };
    assert_eq!(*entry, index);
    running.service.close().unwrap();
}
