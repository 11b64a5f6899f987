//! T10 behind the door: somebody sets the clock of a server that is being posted to, by hours. What
//! banks are told, what the server says of itself, and how two admins mend it over the same door.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

use lian_client::{
    answer::{open_receipt, open_rejection},
    draft::Draft,
    sample::House,
};
use lian_core::{
    entry::Leaf,
    hash::sha256,
    json::Value,
    note::VerifierKey,
    statement::{Envelope, REJECTION_TYPE},
};
use lian_server::{
    clock::{Clock as _, TestClock},
    http::{Running as Server, serve},
};
use lian_store::disk::RealDisk;

use crate::support::{
    START_S,
    browser::{Answered, Browser},
    business::request_of,
    door::{config, log_key},
    found, run,
};

const POST: &str = "/v1/statements";
const HOUSE: u64 = 1;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const ADMINS: &[(&str, &str)] = &[("officer:adm1", "admin"), ("officer:adm2", "admin")];

/// A served ledger whose clock the test sets.
struct Played {
    house: House,
    ledger: String,
    log: VerifierKey,
    clock: Arc<TestClock>,
    server: Server,
    /// Steps on the log so far.
    steps: u64,
}

fn open(folder: &Path) -> Played {
    serve_it(found(folder, HOUSE))
}

fn serve_it(running: crate::support::Running) -> Played {
    let crate::support::Running { house, service, clock, ledger } = running;
    let mut config = config();
    config.open_all = true;
    config.clock = Arc::<TestClock>::clone(&clock);
    let log = log_key(&house);
    let server = serve(Arc::new(service), config).unwrap();
    Played { house, ledger, log, clock, server, steps: 0 }
}

impl Played {
    fn browser(&self) -> Browser {
        Browser::open(self.server.address())
    }

    fn step(&self, milliseconds: i64) {
        self.clock.set_wall(self.clock.wall_ms().checked_add_signed(milliseconds).unwrap());
    }

    fn last_ms(&self) -> u64 {
        self.server.service().reader().head().tip().recorded_at()
    }

    fn stamp_of(&self, index: u64) -> u64 {
        let entry = self.server.service().reader().read_entry(index).unwrap();
        Leaf::decode(&entry.leaf).unwrap().recorded_at
    }

    /// Status and code of what `/readyz` says.
    fn ready(&self) -> (u16, Option<String>) {
        let answer = self.browser().get("/readyz");
        (answer.status, (answer.status != 200).then(|| answer.problem()))
    }

    fn assert_ready(&self) {
        assert_eq!(self.ready(), (200, None));
    }

    fn assert_stopped(&self) {
        assert_eq!(self.ready(), (503, Some("clock-stopped".to_owned())));
    }

    /// Admins go by the later of the log and the wall.
    fn stepped(&self, step_ms: i64, by: &[(&str, &str)]) -> Envelope {
        let now_s = i64::try_from(self.last_ms().max(self.clock.wall_ms()) / 1_000).unwrap();
        let data = Value::object([("step_ms", Value::Int(step_ms))]);
        let draft = self.house.draft(&self.ledger, now_s);
        self.house.sign(&draft.event("clock.stepped", "clock/main", self.steps, data), by)
    }

    /// Two admins put the step on the log; returns its entry.
    fn mend(&mut self, step_ms: i64) -> u64 {
        let envelope = self.stepped(step_ms, ADMINS);
        let answer = self.browser().post(POST, &envelope.write());
        assert_eq!(answer.status, 201, "{}", answer.text());
        self.steps += 1;
        self.sealed(&envelope, &answer)
    }

    fn sealed(&self, envelope: &Envelope, answer: &Answered) -> u64 {
        let receipt = answer.json()["receipt"]["tlog_proof"].as_str().unwrap().to_owned();
        open_receipt(receipt.as_bytes(), &self.log, Some(envelope)).unwrap().index
    }

    /// The answer says that the clock stands, with the signature of admission, and when to come again.
    fn assert_clock_stopped(&self, answer: &Answered) {
        assert_eq!((answer.status, answer.problem().as_str()), (503, "clock-stopped"));
        assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
        let signed = answer.json()["rejection"].to_string();
        let signed = Envelope::read_type(signed.as_bytes(), REJECTION_TYPE).unwrap();
        let admission = self.house.key("system:admission").public();
        let note = open_rejection(&signed, &admission, &self.ledger, None).unwrap();
        assert_eq!((note.code, &*note.name), (25, "clock-stopped"));
    }

    fn assert_reads_go_on(&self) {
        for target in ["/healthz", "/v1/log/entries", "/v1/log/entries/0/receipt", "/checkpoint", "/v1/keys"]
        {
            assert_eq!(self.browser().get(target).status, 200, "{target}");
        }
    }

    fn stamps(&self) -> Vec<u64> {
        let entries = self.server.service().reader().entries(0..u64::MAX).unwrap();
        entries.map(|entry| Leaf::decode(&entry.unwrap().leaf).unwrap().recorded_at).collect()
    }

    fn close(self) {
        Arc::into_inner(self.server.stop()).unwrap().close().unwrap();
    }
}

/// A request of the bank, always the same for a number, issued at the start and valid for long.
fn request(house: &House, ledger: &str, number: u64) -> Envelope {
    let (id, no) = (sha256(&[b"clock", &number.to_be_bytes()]), format!("CLK-{number}"));
    let draft = Draft::with_id(ledger, START_S, id.0[..16].try_into().unwrap()).valid_for(20 * 86_400);
    let data = request_of(&no, "004", 9).data();
    let draft = draft.event("guarantee.requested", &format!("guarantee/{no}"), 0, data);
    house.sign(&draft, &[("bank:004", "guarantor")])
}

/// A bank that posts, one statement after the other, whatever it is told.
struct Bank {
    answers: Receiver<(Envelope, Answered)>,
    end: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Bank {
    fn start(played: &Played) -> Self {
        let (send, answers) = channel();
        let end = Arc::new(AtomicBool::new(false));
        let (address, ledger, told) = (played.server.address(), played.ledger.clone(), Arc::clone(&end));
        let thread = thread::spawn(move || post(address, &ledger, &told, &send));
        Self { answers, end, thread }
    }

    /// What comes until an answer of this status, which is the last.
    fn until(&self, status: u16) -> Vec<(Envelope, Answered)> {
        let mut came = Vec::new();
        // A bank whose posts always end otherwise is noticed.
        for _ in 0..10_000 {
            came.push(self.answers.recv().unwrap());
            if came.last().is_some_and(|(_, answer)| answer.status == status) {
                return came;
            }
        }
        panic!("10,000 posts and no answer {status}");
    }

    fn end(self) -> Vec<(Envelope, Answered)> {
        self.end.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
        self.answers.iter().collect()
    }
}

fn post(address: SocketAddr, ledger: &str, end: &AtomicBool, send: &Sender<(Envelope, Answered)>) {
    let (house, mut browser) = (House::new(HOUSE), Browser::open(address));
    for number in 0.. {
        if end.load(Ordering::SeqCst) {
            return;
        }
        let envelope = request(&house, ledger, number);
        let answer = browser.post(POST, &envelope.write());
        send.send((envelope, answer)).unwrap();
    }
}

#[test]
fn a_clock_set_by_hours_under_load_stops_the_door_until_two_admins_say_so_on_the_log() {
    for by in [-HOUR_MS, -30 * HOUR_MS, 10 * HOUR_MS] {
        let folder = tempfile::tempdir().unwrap();
        let mut played = open(folder.path());
        let bank = Bank::start(&played);
        let (early, _) = bank.until(201).pop().unwrap();
        played.assert_ready();
        let before = played.last_ms();

        played.step(by);
        let mut turned = vec![bank.until(503).pop().unwrap()];

        played.assert_stopped();
        played.assert_reads_go_on();
        let again = played.browser().post(POST, &early.write());
        assert_eq!(again.status, 200, "who has an entry gets its receipt");
        played.sealed(&early, &again);
        let one = played.browser().post(POST, &played.stepped(by, &ADMINS[..1]).write());
        assert!((400..500).contains(&one.status), "one admin is not two: {}", one.text());
        played.clock.pass(1_000);
        played.assert_stopped();
        assert_eq!(played.last_ms(), before, "nothing was recorded meanwhile");

        let entry = played.mend(by);
        played.assert_ready();
        let now = before.max(played.clock.wall_ms());
        assert_eq!(played.stamp_of(entry), now, "by the clock as it stands, and never backwards");
        turned.extend(bank.until(201));
        let (first, sealed) = turned.pop().unwrap();
        assert!(played.sealed(&first, &sealed) > entry, "nothing of the bank's came before it");
        turned.extend(bank.end().into_iter().filter(|(_, answer)| answer.status != 201));
        for (envelope, answer) in turned {
            played.assert_clock_stopped(&answer);
            let again = played.browser().post(POST, &envelope.write());
            assert_eq!(again.status, 201, "the same bytes are taken now");
            assert_eq!(played.stamp_of(played.sealed(&envelope, &again)), now);
        }
        assert!(played.stamps().is_sorted());
        played.close();
    }
}

#[test]
fn a_clock_that_is_set_right_again_has_stepped_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut played = open(folder.path());
    let mut browser = played.browser();
    let (house, ledger) = (House::new(HOUSE), played.ledger.clone());
    let mut numbers = 0..;
    let mut next = || request(&house, &ledger, numbers.next().unwrap()).write();
    let start = played.last_ms();

    for (step, expected) in [(3 * HOUR_MS, 3 * HOUR_MS), (-3 * HOUR_MS, 3 * HOUR_MS), (-HOUR_MS, 3 * HOUR_MS)]
    {
        played.step(step);
        let stopped = browser.post(POST, &next());
        played.assert_clock_stopped(&stopped);
        played.assert_stopped();
        played.mend(step);
        played.assert_ready();
        assert_eq!(browser.post(POST, &next()).status, 201);
        let expected = start.checked_add_signed(expected).unwrap();
        assert_eq!(played.last_ms(), expected, "the log waits for a clock that is behind it");
    }

    played.clock.pass(u64::try_from(4 * HOUR_MS + 7).unwrap());
    assert_eq!(browser.post(POST, &next()).status, 201);
    assert_eq!(played.last_ms(), start.checked_add_signed(3 * HOUR_MS + 7).unwrap(), "and goes on with it");
    played.close();
}

#[test]
fn a_clock_set_by_five_minutes_or_less_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let played = open(folder.path());
    let mut browser = played.browser();
    let before = played.last_ms();

    for (number, step, stamp) in [(0, -5 * MINUTE_MS, 0), (1, 5 * MINUTE_MS, 0), (2, 5 * MINUTE_MS, 5)] {
        played.step(step);
        let answer = browser.post(POST, &request(&played.house, &played.ledger, number).write());
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(played.last_ms(), before.checked_add_signed(stamp * MINUTE_MS).unwrap());
        played.assert_ready();
    }
    played.close();
}

#[test]
fn a_server_that_starts_behind_its_last_entry_says_so_before_anybody_posts() {
    let folder = tempfile::tempdir().unwrap();
    let played = open(folder.path());
    let last_s = i64::try_from(played.last_ms() / 1_000).unwrap();
    played.close();

    let disk = Arc::new(RealDisk::open(folder.path()).unwrap());
    let mut played = serve_it(run(disk, House::new(HOUSE), last_s - 3_600).unwrap());

    played.assert_stopped();
    played.assert_reads_go_on();
    let envelope = request(&played.house, &played.ledger, 1);
    let answer = played.browser().post(POST, &envelope.write());
    played.assert_clock_stopped(&answer);
    played.mend(-HOUR_MS);
    played.assert_ready();
    assert_eq!(played.browser().post(POST, &envelope.write()).status, 201);
    played.close();
}
