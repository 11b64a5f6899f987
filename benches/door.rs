//! The door: one signed event per statement over loopback HTTP, 64 keep-alive clients in a process
//! of their own on the same cores.
//! Asked: 0.30 of the raw rate of signature checks with views kept up, p99 at most 25 ms; 0.38
//! without views.

mod support;

use std::{
    env,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use lian_server::{
    clock::TestClock,
    http::{self, Config, limits::Rate},
    service::Service,
};
use serde_json::{Value, json};
use support::{
    limits::{Raw, note_machine, raw},
    peak_mib, percentile, processor_seconds,
    running::{Running, found, found_with_views},
    scratch, size_or,
    table::{Asked, Table},
    ticks,
};

/// Connections that are kept open.
const CLIENTS: usize = 64;
/// Rounds of which the median counts; raw is measured before and after each.
const ROUNDS: u64 = 5;
/// Messages of the raw measure.
const RAW_MOST: usize = 20_000;
/// Names the job of a client process.
const JOB: &str = "LIAN_DOOR_JOB";

fn main() {
    if let Some(job) = env::var_os(JOB) {
        return client(Path::new(&job));
    }
    let mut table = Table::new("door: over loopback HTTP, 64 clients on the same cores");
    note_machine(&mut table);
    let count = size_or(50_000);
    for (views, share) in [(true, 0.30), (false, 0.38)] {
        over_http(&mut table, count, views, share);
    }
    table.print();
}

fn over_http(table: &mut Table, count: u64, views: bool, share: f64) {
    let name = if views { "views kept up" } else { "no views" };
    let folder = scratch();
    let running = if views { found_with_views(folder.path(), 5) } else { found(folder.path(), 5) };
    let statements = running.hands().statements(0, count);
    let messages = running.hands().signed(&statements, RAW_MOST);
    let Running { service, clock, .. } = running;
    let service = Arc::new(service);
    let mut config = Config::new(SocketAddr::from(([127, 0, 0, 1], 0)));
    // All clients come from one address, and a few keys sign everything.
    (config.per_address, config.per_key) = (Rate::NONE, Rate::NONE);
    config.clock = Arc::<TestClock>::clone(&clock);
    let door = http::serve(Arc::clone(&service), config).expect("the door opens");
    let time = Ticking::of(&service, &clock);
    let per_round = usize::try_from(count / ROUNDS).expect("a count");
    let mut rounds = Vec::new();
    let mut before = raw(&messages);
    for (number, part) in statements.chunks(per_round).enumerate() {
        let path = folder.path().join(format!("job-{number}"));
        fs::write(&path, job(door.address(), part.iter().map(|statement| &statement.bytes[..])))
            .expect("the job can be written");
        let own = processor_seconds();
        let report = run_client(&path);
        while service.rows_lag() > 0 {
            thread::sleep(Duration::from_millis(1));
        }
        let own = processor_seconds() - own;
        let after = raw(&messages);
        rounds.push(Round::of(&report, part.iter().map(|s| s.signers.len()).sum(), own, [before, after]));
        before = after;
    }
    drop(time);
    table.note(&format!("{name}: most memory"), peak_mib("self").unwrap_or_default(), "MiB");
    Round::note(table, name, &mut rounds, share);
    drop(door.stop());
    Arc::into_inner(service).expect("nobody else holds the ledger").close().expect("the ledger closes");
}

/// One round as measured.
struct Round {
    ratio: f64,
    rate: f64,
    raw: f64,
    p50: f64,
    p99: f64,
    client_share: f64,
}

impl Round {
    fn of(report: &Value, signatures: usize, own_cpu: f64, raw: [Raw; 2]) -> Self {
        let figure = |name: &str| report[name].as_f64().expect("a figure");
        assert_eq!(report["other"], json!(0), "every statement is sealed: {report}");
        let raw = f64::midpoint(raw[0].per_second, raw[1].per_second);
        let rate = signatures as f64 / figure("seconds");
        let client = figure("cpu");
        let client_share = client / (client + own_cpu);
        Self { ratio: rate / raw, rate, raw, p50: figure("p50"), p99: figure("p99"), client_share }
    }

    fn note(table: &mut Table, name: &str, rounds: &mut [Self], share: f64) {
        let mut median = |of: fn(&Self) -> f64| {
            rounds.sort_by(|a, b| of(a).total_cmp(&of(b)));
            of(&rounds[rounds.len() / 2])
        };
        let (rate, raw) = (median(|round| round.rate), median(|round| round.raw));
        table.note(&format!("{name}: processor time of the clients"), median(|r| r.client_share) * 100.0, "%");
        table.note(&format!("{name}: median answer"), median(|round| round.p50) * 1e3, "ms");
        table.row(
            &format!("{name}: p99 of answers, median of the rounds"),
            None,
            median(|round| round.p99) * 1e3,
            "ms",
            &if share < 0.35 { Asked::AtMost(25.0) } else { Asked::Nothing },
        );
        table.note(&format!("{name}: raw signature checks"), raw, "/s");
        table.note(&format!("{name}: signatures over HTTP"), rate, "/s");
        let ratio = median(|round| round.ratio);
        table.row(
            &format!("{name}: share of raw, median of {ROUNDS} rounds"),
            None,
            ratio,
            "",
            &Asked::AtLeast(share),
        );
        let (least, most) = (rounds.first().map_or(0.0, |r| r.ratio), rounds.last().map_or(0.0, |r| r.ratio));
        table.note(&format!("{name}: least of the rounds"), least, "");
        table.note(&format!("{name}: most of the rounds"), most, "");
    }
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

/// Address, then each envelope behind its length.
fn job<'s>(address: SocketAddr, envelopes: impl Iterator<Item = &'s [u8]>) -> Vec<u8> {
    let mut bytes = format!("{address}\n").into_bytes();
    for envelope in envelopes {
        bytes.extend_from_slice(&u32::try_from(envelope.len()).expect("an envelope").to_be_bytes());
        bytes.extend_from_slice(envelope);
    }
    bytes
}

fn run_client(job: &Path) -> Value {
    let own = env::current_exe().expect("the bench has a path");
    let output = Command::new(own).env(JOB, job).stdout(Stdio::piped()).output().expect("the client runs");
    assert!(output.status.success(), "the client fails");
    serde_json::from_slice(&output.stdout).expect("the client reports")
}

/// The client process: all envelopes in order, by whichever connection is free.
fn client(job: &Path) {
    let bytes = fs::read(job).expect("the job is there");
    let end = bytes.iter().position(|byte| *byte == b'\n').expect("an address");
    let address: SocketAddr = std::str::from_utf8(&bytes[..end]).expect("text").parse().expect("an address");
    let mut envelopes = Vec::new();
    let mut rest = &bytes[end + 1..];
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (envelope, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        envelopes.push(envelope);
        rest = after;
    }
    let (next, start) = (AtomicUsize::new(0), Instant::now());
    let mut times = Vec::new();
    let mut other = 0;
    thread::scope(|scope| {
        let work = || connection(address, &envelopes, &next);
        let threads: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let (mine, unexpected) = thread.join().expect("a connection ends well");
            times.extend(mine);
            other += unexpected;
        }
    });
    let seconds = start.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let report = json!({
        "seconds": seconds, "p50": percentile(&times, 50), "p99": percentile(&times, 99),
        "other": other, "cpu": ticks("/proc/self/stat"),
    });
    println!("{report}");
}

/// Seconds of each answer, and the number of answers that were neither 201 nor 422.
fn connection(address: SocketAddr, envelopes: &[&[u8]], next: &AtomicUsize) -> (Vec<f64>, u64) {
    let stream = TcpStream::connect(address).expect("the door is open");
    stream.set_nodelay(true).expect("a socket");
    let mut answers = BufReader::new(stream.try_clone().expect("a socket"));
    let mut stream = stream;
    let (mut times, mut other) = (Vec::new(), 0);
    let mut request = Vec::new();
    while let Some(envelope) = envelopes.get(next.fetch_add(1, Ordering::Relaxed)) {
        request.clear();
        write!(
            request,
            "POST /v1/statements HTTP/1.1\r\nHost: ledger\r\nContent-Type: \
             application/vnd.dsse.envelope.v1+json\r\nContent-Length: {}\r\n\r\n",
            envelope.len()
        )
        .expect("memory");
        request.extend_from_slice(envelope);
        let start = Instant::now();
        stream.write_all(&request).expect("the door takes it");
        let status = answer(&mut answers);
        times.push(start.elapsed().as_secs_f64());
        other += u64::from(!matches!(status, 201 | 422));
    }
    (times, other)
}

/// Reads one answer whole; gives its status.
fn answer(stream: &mut BufReader<TcpStream>) -> u16 {
    let mut line = String::new();
    stream.read_line(&mut line).expect("an answer");
    let status = line.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).expect("headers");
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("the body");
    status
}

