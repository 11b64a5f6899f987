//! The door: one signed event per statement over loopback HTTP, 64 keep-alive clients in a process
//! of their own on the same cores; the same in process; what slow and greedy clients cost others; and the
//! floor: the same clients, HTTP, signatures and a sync with no ledger behind them.
//! Asked: 0.30 of the raw rate of signature checks with views kept up, p99 at most 25 ms; 0.38
//! without views; 0.50 in process with views, counted until they have caught up; the p99 of honest
//! clients at most doubled by 2,000 slow connections and a client that asks ten times too often.

mod support;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use lian_server::{
    clock::TestClock,
    http::{self, Config, Running as Server, limits::Rate},
    service::Service,
};
use serde_json::json;
use support::{
    floor::Floor,
    guests::{Guest, Job, serve_if_guest},
    limits::{Rounds, Signed, Worked, note_machine},
    percentile, processor_seconds,
    running::{Running, found, found_with_views},
    scratch, size_or,
    table::{Asked, Table},
    timed,
    work::Statement,
};

/// Connections that are kept open.
const CLIENTS: usize = 64;
/// Rounds in which the raw measure and the work take turns.
const ROUNDS: u64 = 5;
const RAW_LEAST: Duration = Duration::from_secs(1);
const RAW_MOST: usize = 20_000;
/// Slow connections.
const SLOW: usize = 2_000;
/// What one address may ask in a second where one client asks ten times as often.
const LIMIT: u32 = 200;
/// Statements of honest clients in each round of the siege, ten milliseconds apart.
const HONEST: usize = 600;

fn main() {
    serve_if_guest();
    let mut table = Table::new("door: over loopback HTTP, 64 clients on the same cores");
    note_machine(&mut table);
    let count = size_or(100_000);
    // One part alone, for a profile.
    let only = std::env::var("LIAN_BENCH_ONLY").ok();
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    for (part, views, share) in [("views", true, 0.30), ("http", false, 0.38)] {
        if wanted(part) {
            over_http(&mut table, count, views, share);
        }
    }
    if wanted("floor") {
        floor(&mut table, count);
    }
    if wanted("process") {
        in_process(&mut table, count);
    }
    if wanted("siege") {
        siege(&mut table);
    }
    table.print();
}

fn ledger(folder: &Path, views: bool) -> Running {
    if views { found_with_views(folder, 5) } else { found(folder, 5) }
}

fn open(service: &Arc<Service>, clock: &Arc<TestClock>, per_address: Rate) -> Server {
    let mut config = Config::new(SocketAddr::from(([127, 0, 0, 1], 0)));
    (config.per_address, config.per_key) = (per_address, Rate::NONE);
    config.clock = Arc::<TestClock>::clone(clock);
    http::serve(Arc::clone(service), config).expect("the door opens")
}

fn catch_up(service: &Service) {
    while service.rows_lag() > 0 {
        thread::sleep(Duration::from_millis(1));
    }
}

fn over_http(table: &mut Table, count: u64, views: bool, share: f64) {
    let name = if views { "HTTP, views kept up" } else { "HTTP, no views" };
    let folder = scratch();
    let running = ledger(folder.path(), views);
    let statements = running.hands().statements(0, count);
    let messages = running.hands().signed(&statements, RAW_MOST);
    let Running { service, clock, .. } = running;
    let service = Arc::new(service);
    let door = open(&service, &clock, Rate::NONE);
    let time = Ticking::of(&service, &clock);
    let asked = if views { Some(25.0) } else { None };
    let posting = Posting { name, folder: folder.path(), address: door.address(), messages: &messages };
    posting.rounds(table, &statements, asked, &Asked::Share(share), || catch_up(&service));
    drop(time);
    close(door, service);
}

/// What no ledger behind this door can beat on this machine, in the same run.
fn floor(table: &mut Table, count: u64) {
    let folder = scratch();
    let running = ledger(folder.path(), false);
    let statements = running.hands().statements(0, count);
    let messages = running.hands().signed(&statements, RAW_MOST);
    let floor = Floor::start(folder.path(), running.hands().signers(&statements));
    running.service.close().expect("the ledger closes");
    let name = "floor, HTTP and signatures and a sync";
    let posting = Posting { name, folder: folder.path(), address: floor.address, messages: &messages };
    posting.rounds(table, &statements, None, &Asked::Nothing, || ());
    floor.stop();
}

/// Statements posted by a client process, in rounds between measurements of the raw rate.
struct Posting<'p> {
    name: &'p str,
    folder: &'p Path,
    address: SocketAddr,
    messages: &'p [Signed],
}

impl Posting<'_> {
    /// `rest` is waited for after each round, and counts.
    fn rounds(
        &self,
        table: &mut Table,
        statements: &[Statement],
        p99: Option<f64>,
        share: &Asked,
        rest: impl Fn(),
    ) {
        let per_round = statements.len().div_ceil(usize::try_from(ROUNDS).expect("a count"));
        let (mut rounds, mut reports, mut own) = (Rounds::default(), Vec::new(), 0.0);
        for part in statements.chunks(per_round) {
            rounds.round(self.messages, RAW_LEAST, || {
                let envelopes = part.iter().map(|statement| &statement.bytes[..]).collect();
                let job = Job::Post { clients: CLIENTS, every: Duration::ZERO, envelopes };
                let before = processor_seconds();
                let report = Guest::start(self.folder, "job", self.address, &job).report();
                let ((), more) = timed(&rest);
                assert_eq!(report["other"], json!(0), "every statement is sealed: {report}");
                let figure = |name: &str| report[name].as_f64().expect("a figure");
                let used = processor_seconds() - before;
                own += used;
                let worked = Worked {
                    signatures: part.iter().map(|statement| statement.signers.len()).sum::<usize>() as f64,
                    seconds: figure("seconds") + more,
                    processor_seconds: used + figure("cpu"),
                };
                reports.push([figure("p50"), figure("p99"), figure("cpu")]);
                worked
            });
        }
        let name = self.name;
        let median = |at: usize| {
            let mut values: Vec<f64> = reports.iter().map(|report| report[at]).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let clients: f64 = reports.iter().map(|report| report[2]).sum();
        table.note(&format!("{name}: share of the clients in processor time"), clients / (clients + own), "");
        table.note(&format!("{name}: median answer"), median(0) * 1e3, "ms");
        let asked = p99.map_or(Asked::Nothing, Asked::AtMost);
        table.row(&format!("{name}: p99 of answers"), None, median(1) * 1e3, "ms", &asked);
        rounds.say(table, &format!("{name}: signatures"), share);
    }
}

fn close(door: Server, service: Arc<Service>) {
    drop(door.stop());
    Arc::into_inner(service).expect("nobody else holds the ledger").close().expect("the ledger closes");
}

fn in_process(table: &mut Table, count: u64) {
    let folder = scratch();
    let running = ledger(folder.path(), true);
    let hands = running.hands();
    let statements = hands.statements(0, count);
    let messages = hands.signed(&statements, RAW_MOST);
    let per_round = usize::try_from(count.div_ceil(ROUNDS)).expect("a count");
    let (mut rounds, mut rest) = (Rounds::default(), statements.into_iter());
    loop {
        let slice: Vec<Statement> = rest.by_ref().take(per_round).collect();
        if slice.is_empty() {
            break;
        }
        let signatures = slice.iter().map(|one| one.signers.len()).sum::<usize>() as f64;
        rounds.round(&messages, RAW_LEAST, || {
            let before = processor_seconds();
            let ((), seconds) = timed(|| {
                running.submit_all(slice, 64);
                catch_up(&running.service);
            });
            Worked { signatures, seconds, processor_seconds: processor_seconds() - before }
        });
    }
    rounds.say(table, "in process, until views have caught up: signatures", &Asked::Share(0.50));
    running.service.close().expect("the ledger closes");
}

/// Honest clients alone, and beside slow and greedy ones, in turns.
fn siege(table: &mut Table) {
    let folder = scratch();
    let running = ledger(folder.path(), true);
    let rounds = 3;
    let statements = running.hands().statements(0, (HONEST * rounds * 2) as u64);
    let Running { service, clock, .. } = running;
    let service = Arc::new(service);
    let door = open(&service, &clock, Rate { per_second: LIMIT, burst: LIMIT });
    let time = Ticking::of(&service, &clock);
    let address = door.address();
    let honest = |part: &[Statement]| {
        let envelopes = part.iter().map(|statement| &statement.bytes[..]).collect();
        let job = Job::Post { clients: 8, every: Duration::from_millis(10), envelopes };
        let report = Guest::start(folder.path(), "honest", address, &job).report();
        assert_eq!(report["other"], json!(0), "honest clients are served: {report}");
        report["p99"].as_f64().expect("a figure")
    };
    let (mut quiet, mut besieged, mut turned) = (Vec::new(), Vec::new(), (0.0, 0.0));
    for pair in statements.chunks(HONEST * 2) {
        let (first, second) = pair.split_at(HONEST);
        quiet.push(honest(first));
        let mut slow = Guest::start(folder.path(), "slow", address, &Job::Hang(SLOW));
        slow.says();
        let mut flood = Guest::start(folder.path(), "flood", address, &Job::Flood(LIMIT * 10));
        flood.says();
        besieged.push(honest(second));
        let report = flood.report();
        turned.0 += report["turned"].as_f64().unwrap_or_default();
        turned.1 += report["asked"].as_f64().unwrap_or_default();
        slow.report();
    }
    drop(time);
    let middle = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        percentile(values, 50) * 1e3
    };
    let (quiet, besieged) = (middle(&mut quiet), middle(&mut besieged));
    table.note("siege: requests of the greedy client turned away", turned.0 / turned.1, "");
    table.note("siege: honest p99, quiet", quiet, "ms");
    table.row("siege: honest p99", Some(("quiet", quiet)), besieged, "ms", &Asked::AtMost(2.0 * quiet));
    close(door, service);
}

/// The ledger's time goes with its entries: a hundred a second, whatever the machine does.
struct Ticking(Arc<AtomicBool>, Option<thread::JoinHandle<()>>);

impl Ticking {
    fn of(service: &Service, clock: &Arc<TestClock>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (clock, reader, stopped) = (Arc::clone(clock), service.reader().clone(), Arc::clone(&stop));
        let mut seen = reader.head().size();
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(2));
                let size = reader.head().size();
                clock.pass((size - seen) * 10);
                seen = size;
            }
        });
        Self(stop, Some(thread))
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        if let Some(thread) = self.1.take() {
            let _ended = thread.join();
        }
    }
}
