//! T1 behind the door: a server is killed (SIGKILL) while banks' programs post to it, again and again
//! on one folder. The banks use the client that they are given: every answer is a receipt that it
//! verified, every checkpoint extends the last one that it saw, over all restarts.

use std::{
    io::Read as _,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    thread,
    time::Duration,
};

use lian_client::{
    http::{Client, Error, Options, Patience, Trust},
    sample::{House, SAMPLE_NAME},
    seen::SeenFolder,
};
use lian_core::{
    note::{SignatureType, VerifierKey},
    statement::{Envelope, statement_digest},
};
use lian_server::{clock::TestClock, http::serve, keeping::Views, open::open_over, service::Service};
use lian_store::disk::{RealDisk, Rng};

use crate::{
    kill::{HOUSE, Known, Writer, child, found, say, statement},
    support::{
        START_S,
        depth::{by_depth, replayed},
        desk::{Desk, LogSeeds},
        door::config,
        system_keys,
    },
};

/// Banks that post at the same time.
const BANKS: u64 = 3;
/// Rounds on one folder.
const ROUNDS_A_FOLDER: u64 = 25;

/// The child: serves the folder with views until it is killed.
#[test]
fn child_that_serves_until_it_is_killed() {
    let Some((disk, _)) = child() else { return };
    let house = House::new(HOUSE);
    let views =
        Views::at(&Path::new(&std::env::var_os("LIAN_TEST_CHILD_FOLDER").unwrap()).join("views/sled"));
    let keys = system_keys(&house);
    let opened = open_over(Arc::new(disk), SAMPLE_NAME, &keys, START_S, Some(&views), &mut |_| ()).unwrap();
    let clock = Arc::new(TestClock::at(u64::try_from(START_S).unwrap() * 1_000));
    let service = Service::start(opened, keys, Arc::<TestClock>::clone(&clock), 2);
    let mut config = config();
    (config.open_all, config.clock) = (true, clock);
    let server = serve(Arc::new(service), config).unwrap();
    say(&server.address().to_string());
    let _until_killed = std::io::stdin().read_to_end(&mut Vec::new());
}

/// A bank's program from one start of the server to the next.
struct Bank {
    number: u64,
    client: Client,
    /// Statements that were sent and not answered: to be sent again.
    unanswered: Vec<Envelope>,
}

impl Bank {
    fn new(number: u64, address: SocketAddr, seen: &Path, unanswered: Vec<Envelope>) -> Self {
        let house = House::new(HOUSE);
        let log = VerifierKey::new(SAMPLE_NAME, SignatureType::Ed25519, house.key("log").public()).unwrap();
        // Its own program tries again; here the test does, so that it knows what was answered.
        let patience = Patience { tries: 1, wait: Duration::ZERO, wait_max: Duration::ZERO };
        let options = Options { patience, ..Options::default() };
        let store = SeenFolder::new(seen.join(number.to_string()));
        let client =
            Client::with_options(&format!("http://{address}"), Trust::key(log), store, options).unwrap();
        Self { number, client, unanswered }
    }

    /// Posts until the server is gone; says what was answered, with the leaf that the receipt proves.
    fn post(mut self, ledger: &str, run: u64, answers: &Sender<Answered>) -> (u64, Vec<Envelope>) {
        let house = House::new(HOUSE);
        let again = std::mem::take(&mut self.unanswered);
        let new = (0..).map(|turn| statement(&house, ledger, run, turn * BANKS + self.number));
        for envelope in again.into_iter().chain(new) {
            let outcome = match self.client.submit(&envelope) {
                Ok(outcome) => outcome,
                Err(Error::Unreachable { .. }) => {
                    self.unanswered.push(envelope);
                    break;
                }
                Err(error) => panic!("bank {}: {error}", self.number),
            };
            let proved = outcome.proved();
            let digest = statement_digest(&envelope.payload).to_hex();
            answers.send(Answered { digest, index: proved.sealed.index, leaf: proved.leaf.clone() }).unwrap();
        }
        (self.number, self.unanswered)
    }
}

struct Answered {
    digest: String,
    index: u64,
    leaf: Vec<u8>,
}

/// T1, T8.
#[test]
fn after_every_kill_of_a_server_under_load_all_receipts_hold_and_nothing_is_lost_doubled_or_forked() {
    let rounds = by_depth(6, 200, 1_000);
    let mut rng = Rng::new(replayed().unwrap_or(1));
    let (mut answered, mut resent) = (0, 0);
    for first in (0..rounds).step_by(usize::try_from(ROUNDS_A_FOLDER).unwrap()) {
        let (folder, seen) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        found(folder.path());
        let ledger = with_reader(folder.path(), |desk| desk.id.clone());
        let mut known = Known::default();
        let mut left: Vec<Vec<Envelope>> = (0..BANKS).map(|_| Vec::new()).collect();
        for round in first..rounds.min(first + ROUNDS_A_FOLDER) {
            let mut server =
                Writer::start("http_kill", "child_that_serves_until_it_is_killed", folder.path(), round);
            let address: SocketAddr = server.line().expect("the server starts").parse().unwrap();
            resent += left.iter().map(|unanswered| unanswered.len() as u64).sum::<u64>();
            let (send, answers) = channel();
            let banks: Vec<_> = (0..BANKS)
                .zip(left.drain(..))
                .map(|(number, unanswered)| {
                    let bank = Bank::new(number, address, seen.path(), unanswered);
                    let (ledger, send) = (ledger.clone(), send.clone());
                    thread::spawn(move || bank.post(&ledger, round, &send))
                })
                .collect();
            drop(send);
            let mut until_kill = rng.below(60);
            let mut server = Some(server);
            for Answered { digest, index, leaf } in answers {
                answered += 1;
                assert_eq!(known.answered.insert(digest, index), None, "answered twice");
                known.receipts.push((index, leaf));
                if until_kill == 0
                    && let Some(server) = server.take()
                {
                    server.kill();
                }
                until_kill = until_kill.saturating_sub(1);
            }
            left = banks.into_iter().map(|bank| bank.join().unwrap().1).collect();
            with_reader(folder.path(), |desk| known.check(desk.reader(), round));
        }
    }
    println!("{rounds} kills, {answered} receipts, {resent} statements sent again");
    assert!(answered > rounds && resent > 0, "{answered} receipts, {resent} sent again");
}

/// What the folder says once its server is gone.
fn with_reader<T>(folder: &Path, read: impl FnOnce(&Desk) -> T) -> T {
    let disk = Arc::new(RealDisk::open(folder).unwrap());
    let desk = Desk::open(disk, &LogSeeds::of(&House::new(HOUSE)), START_S).unwrap();
    read(&desk)
}
