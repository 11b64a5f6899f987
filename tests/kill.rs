//! T1, T9: a real process is killed (SIGKILL) while it commits, again and again on one folder; and
//! two processes want one folder. The child is this test program itself: a test that does nothing
//! unless an environment variable says that it is the child. The parent waits for what the child
//! says on its pipe, never for time.

use std::{
    collections::{HashMap, HashSet},
    env,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
};

use crate::support::{
    START_S,
    business::request_of,
    depth::by_depth,
    desk::{Desk, LogSeeds},
};
use lian_client::{draft::Draft, sample::House};
use lian_core::{
    entry::Leaf,
    hash::{Digest, sha256},
    statement::{Envelope, statement_digest},
};
use lian_server::service::{Answer, Service};
use lian_store::{
    disk::{Disk, LockError, RealDisk, Rng},
    reader::Reader,
};

const FOLDER: &str = "LIAN_TEST_CHILD_FOLDER";
const RUN: &str = "LIAN_TEST_CHILD_RUN";
pub(crate) const HOUSE: u64 = 91;

/// A child and its pipe.
pub(crate) struct Writer {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    stdin: Option<ChildStdin>,
}

impl Writer {
    /// Starts this program again, as the child that `name` is.
    /// `file` is the name of the child's file of tests.
    pub(crate) fn start(file: &str, name: &str, folder: &Path, run: u64) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        let name = format!("{file}::{name}");
        command.args([name.as_str(), "--exact", "--nocapture", "--test-threads=1"]);
        command.env(FOLDER, folder).env(RUN, run.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let stdin = child.stdin.take();
        Self { child, lines, stdin }
    }

    /// The next line that the child meant for us; the test harness writes lines, too.
    pub(crate) fn line(&mut self) -> Option<String> {
        loop {
            let line = self.lines.next()?.ok()?;
            if let Some(at) = line.find("> ") {
                return Some(line[at + 2..].to_owned());
            }
        }
    }

    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut rest = Vec::new();
        while let Some(line) = self.line() {
            rest.push(line);
        }
        rest
    }
}

pub(crate) fn child() -> Option<(RealDisk, u64)> {
    let folder = env::var_os(FOLDER)?;
    let run = env::var(RUN).unwrap().parse().unwrap();
    Some((RealDisk::open(Path::new(&folder)).unwrap(), run))
}

pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // A parent that is gone needs no answer.
    let _ = writeln!(out, "> {line}").and_then(|()| out.flush());
}

/// Statement `number` of a run: always the same, and no other run has it.
pub(crate) fn statement(house: &House, ledger: &str, run: u64, number: u64) -> Envelope {
    let id = sha256(&[b"kill", &run.to_be_bytes(), &number.to_be_bytes()]);
    let no = format!("K-{run}-{number}");
    let draft = Draft::with_id(ledger, START_S, id.0[..16].try_into().unwrap()).event(
        "guarantee.requested",
        &format!("guarantee/{no}"),
        0,
        request_of(&no, "004", 1_000).data(),
    );
    house.sign(&draft, &[("bank:004", "guarantor")])
}

/// The child: opens the ledger, and submits groups of statements until it is killed. It says what
/// was answered, and nothing else.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some((disk, run)) = child() else { return };
    let house = House::new(HOUSE);
    let running = crate::support::run(Arc::new(disk), house, START_S).unwrap();
    say("open");
    let (house, ledger): (&House, &str) = (&running.house, &running.ledger);
    let mut waiting = std::collections::VecDeque::new();
    for group in 0.. {
        let envelopes: Vec<Envelope> =
            (0..1 + group % 3).map(|at| statement(house, ledger, run, group * 3 + at)).collect();
        let digests: Vec<Digest> = envelopes.iter().map(|one| statement_digest(&one.payload)).collect();
        let bytes = envelopes.iter().map(Envelope::write).collect();
        waiting.push_back((digests, running.service.submit(bytes).unwrap()));
        // Two groups are under way, so that a batch is judged while another is on its way to disk.
        if waiting.len() == 2 {
            let (digests, answers) = waiting.pop_front().unwrap();
            answer(&digests, &answers.recv().unwrap());
        }
        if group % 5 == 4 {
            running.service.reader().publish().unwrap();
        }
    }
}

fn answer(digests: &[Digest], answers: &[Answer]) {
    for (digest, answer) in digests.iter().zip(answers) {
        let Answer::Sealed { index, .. } = answer else { panic!("{answer:?}") };
        say(&format!("{index} {digest}"));
    }
}

/// What the parent knows of the log.
#[derive(Default)]
pub(crate) struct Known {
    /// Leaves that some recovery has shown.
    pub(crate) leaves: Vec<Vec<u8>>,
    /// Statements that were answered, with the entry that the answer named.
    pub(crate) answered: HashMap<String, u64>,
    /// Leaves that receipts prove, by entry.
    pub(crate) receipts: Vec<(u64, Vec<u8>)>,
}

impl Known {
    fn hear(&mut self, line: &str) -> bool {
        let Some((index, digest)) = line.split_once(' ') else { return false };
        // The last line of a killed child may be cut.
        if digest.len() != 64 {
            return false;
        }
        let before = self.answered.insert(digest.to_owned(), index.parse().unwrap());
        assert_eq!(before, None, "answered twice");
        true
    }

    /// Nothing answered is lost or moved, nothing is doubled, and the log that was seen before is
    /// still how it begins.
    pub(crate) fn check(&mut self, reader: &Reader, round: u64) {
        let size = reader.head().size();
        assert!(size >= self.leaves.len() as u64, "round {round}: the log shrank to {size}");
        let mut seen = HashSet::new();
        let mut by_statement = HashMap::new();
        for (index, entry) in (0..).zip(reader.entries(0..size).unwrap()) {
            let leaf = entry.unwrap().leaf;
            match self.leaves.get(usize::try_from(index).unwrap()) {
                Some(known) => assert_eq!(*known, leaf, "round {round}: entry {index} is another now"),
                None => self.leaves.push(leaf.clone()),
            }
            let statement = Leaf::decode(&leaf).unwrap().statement;
            assert!(seen.insert(statement), "round {round}: entry {index} is a double");
            by_statement.insert(statement.to_hex(), index);
        }
        for (index, leaf) in &self.receipts {
            let found = self.leaves.get(usize::try_from(*index).unwrap());
            assert_eq!(found, Some(leaf), "round {round}: the receipt of entry {index} proves another leaf");
        }
        for (digest, index) in &self.answered {
            assert_eq!(by_statement.get(digest), Some(index), "round {round}: entry {index} was answered");
        }
    }
}

/// T1.
#[test]
fn after_every_kill_nothing_that_was_answered_is_lost_doubled_or_forked() {
    let rounds = by_depth(10, 200, 2_000);
    let mut rng = Rng::new(crate::support::depth::replayed().unwrap_or(1));
    let mut folder = tempfile::tempdir().unwrap();
    let mut known = Known::default();
    let (mut answered, mut unanswered) = (0, 0);
    for round in 0..rounds {
        // A log of many rounds takes long to fold: begin a new one now and then.
        if round % 50 == 0 {
            folder = tempfile::tempdir().unwrap();
            known = Known::default();
            found(folder.path());
        }
        let mut writer = Writer::start("kill", "child_that_writes_until_it_is_killed", folder.path(), round);
        let mut left = rng.below(40);
        while let Some(line) = writer.line() {
            answered += u64::from(known.hear(&line));
            if left == 0 {
                break;
            }
            left -= 1;
        }
        for line in writer.kill() {
            answered += u64::from(known.hear(&line));
        }

        let house = House::new(HOUSE);
        let disk = Arc::new(RealDisk::open(folder.path()).unwrap());
        let mut desk = Desk::open(disk, &LogSeeds::of(&house), START_S).unwrap();
        known.check(desk.reader(), round);
        unanswered += known.leaves.len() as u64 - known.answered.len() as u64;
        // What was under way is sent again: it has one place, whether it had one before or not.
        let again = statement(&house, &desk.id, round, 0);
        desk.submit(&[again.clone(), again]).unwrap();
        known.check(desk.reader(), round);
        drop(desk);
    }
    println!("{rounds} kills, {answered} statements answered, {unanswered} times an entry was not");
    assert!(answered > rounds, "the children were killed before they did anything");
}

pub(crate) fn found(folder: &Path) {
    let house = House::new(HOUSE);
    let desk = Desk::found(Arc::new(RealDisk::open(folder).unwrap()), &house);
    drop(desk);
}

/// The child: takes the folder, says whether it got it, and keeps it until it may go.
#[test]
fn child_that_takes_the_folder_and_waits() {
    let Some((disk, _)) = child() else { return };
    match disk.lock("a contender") {
        Ok(lock) => {
            say("won");
            let mut line = String::new();
            let _ = std::io::stdin().read_line(&mut line);
            drop(lock);
        }
        Err(LockError::Held { holder }) => say(&format!("held by {holder}")),
        Err(LockError::Disk(error)) => say(&format!("error {error}")),
    }
}

/// T9.
#[test]
fn of_two_processes_on_one_folder_one_wins_and_the_other_says_who_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..by_depth(10, 200, 1_000) {
        let name = "child_that_takes_the_folder_and_waits";
        // Both at once; and, in every other round, one after the other has won.
        let mut one = Writer::start("kill", name, folder.path(), round);
        let first = (round % 2 == 1).then(|| one.line().unwrap());
        let mut other = Writer::start("kill", name, folder.path(), round);
        let second = other.line().unwrap();
        let first = first.unwrap_or_else(|| one.line().unwrap());

        let (winner, loser) = match (&*first, &*second) {
            ("won", lost) => (&one, lost),
            (lost, "won") => (&other, lost),
            both => panic!("round {round}: {both:?}"),
        };
        let pid = winner.child.id();
        assert!(loser.starts_with("held by "), "round {round}: {loser}");
        let late = round % 2 == 1;
        assert!(!late || loser.contains(&format!("process {pid}: a contender")), "round {round}: {loser}");
        // Half of the winners go, half are killed: the folder is free after both.
        for writer in [one, other] {
            let mut writer = writer;
            if round % 4 < 2 {
                drop(writer.stdin.take());
                writer.child.wait().unwrap();
            } else {
                drop(writer.kill());
            }
        }
    }
}

/// T9: the second writer of a ledger, in another process or in this one.
#[test]
fn a_folder_that_is_written_is_not_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    found(folder.path());
    let disk = || Arc::new(RealDisk::open(folder.path()).unwrap());
    let running = crate::support::run(disk(), House::new(HOUSE), START_S).unwrap();

    let second = crate::support::run(disk(), House::new(HOUSE), START_S);

    let error = second.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(&format!("in use by process {}", std::process::id())), "{error}");
    Service::close(running.service).unwrap();
    crate::support::run(disk(), House::new(HOUSE), START_S).unwrap().service.close().unwrap();
}
