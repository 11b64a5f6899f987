//! A ledger of a million entries behind its door: how long until it takes statements, how much
//! memory it needs, and what a guarantee was at any past moment.
//! Asked: ready within 2 s over sound views; 400 MiB at most; `as_of` reads of guarantees drawn by
//! their number of events, p99 at most 20 ms.

mod support;

use std::{
    env,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

use lian_client::sample::{House, SAMPLE_NAME};
use lian_core::statement::statement_digest;
use lian_domain::filing::Filing;
use lian_server::{
    clock::{SystemClock, TestClock},
    http::{self, Config, limits::Rate},
    keeping::Views,
    open::{OpenLedger, open_over},
    service::Service,
};
use lian_store::{disk::RealDisk, reader::Reader};
use support::{
    cached::{SEED, copy_of, ledger},
    cores,
    limits::note_machine,
    peak_mib, percentile,
    running::{START_S, system_keys},
    scratch, size_or,
    table::{Asked, Table},
    timed,
    wire::Wire,
};

/// Names the folder that a server process serves.
const SERVE: &str = "LIAN_SERVED_FOLDER";
/// Reads that are measured.
const READS: usize = 5_000;

fn main() {
    if let Some(folder) = env::var_os(SERVE) {
        return serve(Path::new(&folder));
    }
    let mut table = Table::new("served: a large ledger behind its door");
    note_machine(&mut table);
    let place = scratch();
    let folder = copy_of(&ledger(size_or(1_000_000)), place.path());
    let (opened, seconds) = timed(|| open(&folder));
    let reader = opened.store.reader().clone();
    let size = reader.head().size();
    let questions = questions(&reader);
    opened.store.close().expect("the ledger closes");
    drop(opened.ledger);
    drop(opened.shadow);
    table.note("entries", size as f64, "");
    table.row("rebuild of views", None, size as f64 / seconds, "events/s", &Asked::AtLeast(40_000.0));
    let own = env::current_exe().expect("the bench has a path");
    let mut command = Command::new(own);
    command.env(SERVE, &folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let started = Instant::now();
    let mut server = command.spawn().expect("the server starts");
    let mut lines = BufReader::new(server.stdout.take().expect("a pipe"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("the server says where it is");
    let ready = started.elapsed().as_secs_f64();
    table.row("ready, from the start of the process", None, ready, "s", &Asked::AtMost(2.0));
    let address: SocketAddr = line.trim().parse().expect("an address");
    as_of(&mut table, &questions, address);
    let memory = peak_mib(&server.id().to_string()).unwrap_or_default();
    table.row("most memory of the server", None, memory, "MiB", &Asked::AtMost(400.0));
    drop(server.stdin.take());
    assert!(server.wait().expect("the server ends").success());
    table.print();
}

fn open(folder: &Path) -> OpenLedger {
    let disk = Arc::new(RealDisk::open(folder).expect("the folder is there"));
    let keys = system_keys(&House::new(SEED));
    let views = Views::at(&folder.join("views/sled"));
    open_over(disk, SAMPLE_NAME, &keys, START_S, Some(&views), &mut |_| ()).expect("the ledger opens")
}

/// The server process: says its address, serves until its input ends.
fn serve(folder: &Path) {
    let opened = open(folder);
    assert_eq!(opened.discarded, None, "the views are sound");
    let clock = Arc::new(TestClock::at(opened.ledger.recorded_at()));
    let service = Service::start(opened, system_keys(&House::new(SEED)), clock, cores());
    let service = Arc::new(service);
    let mut config = Config::new(SocketAddr::from(([127, 0, 0, 1], 0)));
    (config.per_address, config.per_key, config.open_all) = (Rate::NONE, Rate::NONE, true);
    config.clock = Arc::new(SystemClock::new());
    let door = http::serve(Arc::clone(&service), config).expect("the door opens");
    println!("{}", door.address());
    let _all = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    drop(door.stop());
    Arc::into_inner(service).expect("nobody else holds it").close().expect("the ledger closes");
}

/// Guarantees by the entries of the log, so that one with more events is asked for more often, each
/// as of some entry after its first.
fn questions(reader: &Reader) -> Vec<String> {
    let size = reader.head().size();
    let (mut state, mut questions) = (1_u64, Vec::new());
    let mut below = |most: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 16) % most
    };
    while questions.len() < READS {
        let index = below(size);
        let entry = reader.read_entry(index).expect("the entry is there");
        let filing = Filing::read(&entry.payload, statement_digest(&entry.payload)).expect("a statement");
        if let Some(no) = filing.streams[0].strip_prefix("guarantee/") {
            let moment = index + below(size - index);
            questions.push(format!("/v1/guarantees/{no}?as_of=seq:{moment}"));
        }
    }
    questions
}

fn as_of(table: &mut Table, questions: &[String], address: SocketAddr) {
    let mut wire = Wire::open(address);
    let read = |path: &String| {
        let ((status, _), seconds) = timed(|| wire.get(path));
        assert_eq!(status, 200, "{path}");
        seconds
    };
    let mut times: Vec<f64> = questions.iter().map(read).collect();
    times.sort_by(f64::total_cmp);
    table.note("guarantee as of an entry, median", percentile(&times, 50) * 1e3, "ms");
    let p99 = percentile(&times, 99) * 1e3;
    table.row("guarantee as of an entry, p99", None, p99, "ms", &Asked::AtMost(20.0));
}
