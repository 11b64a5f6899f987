//! Clients in a process of their own: the bench starts itself again with a job to do.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{IpAddr, SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    percentile, ticks,
    wire::{Line, Wire},
};

/// Names the job of a client process.
const JOB: &str = "LIAN_DOOR_JOB";
/// Slow connections that one thread holds.
const SLOW_OF_A_THREAD: usize = 500;

/// What a client process does.
pub enum Job<'e> {
    /// Posts all envelopes over so many kept connections, one answer after another; with a pause,
    /// no sooner than the schedule says.
    Post { clients: usize, every: Duration, envelopes: Vec<&'e [u8]> },
    /// Holds so many connections that send a byte a second and never a request.
    Hang(usize),
    /// Asks so often a second, over one connection from an address of its own, whatever the answers.
    Flood(u32),
}

/// If this process was started as a client: does the job, and never comes back.
pub fn serve_if_guest() {
    if let Some(job) = env::var_os(JOB) {
        work(Path::new(&job));
        std::process::exit(0);
    }
}

/// A running client process.
pub struct Guest(Child, BufReader<std::process::ChildStdout>);

impl Guest {
    pub fn start(folder: &Path, name: &str, address: SocketAddr, job: &Job<'_>) -> Self {
        let path = folder.join(name);
        fs::write(&path, spell(address, job)).expect("the job can be written");
        let own = env::current_exe().expect("the bench has a path");
        let mut command = Command::new(own);
        command.env(JOB, path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the client starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Self(child, lines)
    }

    /// The next line that it says: "ready", or its report.
    pub fn says(&mut self) -> Value {
        let mut line = String::new();
        self.1.read_line(&mut line).expect("the client speaks");
        serde_json::from_str(&line).expect("the client says JSON")
    }

    /// Its report, and its end.
    pub fn report(mut self) -> Value {
        drop(self.0.stdin.take());
        let report = self.says();
        assert!(self.0.wait().expect("the client ends").success(), "the client fails");
        report
    }
}

fn spell(address: SocketAddr, job: &Job<'_>) -> Vec<u8> {
    let (head, envelopes) = match job {
        Job::Post { clients, every, envelopes } => {
            (json!({"post": clients, "every": every.as_micros() as u64}), &envelopes[..])
        }
        Job::Hang(count) => (json!({"hang": count}), &[][..]),
        Job::Flood(rate) => (json!({"flood": rate}), &[][..]),
    };
    let mut bytes = format!("{address}\n{head}\n").into_bytes();
    for envelope in envelopes {
        bytes.extend_from_slice(&u32::try_from(envelope.len()).expect("an envelope").to_be_bytes());
        bytes.extend_from_slice(envelope);
    }
    bytes
}

fn work(job: &Path) {
    let bytes = fs::read(job).expect("the job is there");
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let mut part = || parts.next().expect("a part");
    let address = std::str::from_utf8(part()).expect("text").parse().expect("an address");
    let head: Value = serde_json::from_slice(part()).expect("a job");
    let mut rest = part();
    let number = |name: &str| head[name].as_u64();
    if let Some(clients) = number("post") {
        let mut envelopes = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (envelope, after) = after.split_at(u32::from_be_bytes(*length) as usize);
            envelopes.push(envelope);
            rest = after;
        }
        let every = Duration::from_micros(number("every").expect("a pause"));
        post(address, clients as usize, every, &envelopes);
    } else if let Some(count) = number("hang") {
        hang(address, count as usize);
    } else {
        flood(address, number("flood").expect("a rate"));
    }
}

/// All envelopes in order, by whichever connection is free. One thread serves all connections, so that
/// the client takes as little as it can of the cores that it shares with the server.
fn post(address: SocketAddr, clients: usize, every: Duration, envelopes: &[&[u8]]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let envelopes: Arc<[Vec<u8>]> = envelopes.iter().map(|envelope| envelope.to_vec()).collect();
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let (mut times, other) = runtime.block_on(async {
        let connections: Vec<_> = (0..clients)
            .map(|_| {
                tokio::spawn(connection(address, start, every, Arc::clone(&envelopes), Arc::clone(&next)))
            })
            .collect();
        let (mut times, mut other) = (Vec::new(), 0);
        for connection in connections {
            let (mine, unexpected) = connection.await.expect("a connection ends well");
            times.extend(mine);
            other += unexpected;
        }
        (times, other)
    });
    let seconds = start.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    println!(
        "{}",
        json!({
            "seconds": seconds, "p50": percentile(&times, 50), "p99": percentile(&times, 99),
            "other": other, "cpu": ticks("/proc/self/stat"),
        })
    );
}

async fn connection(
    address: SocketAddr,
    start: Instant,
    every: Duration,
    envelopes: Arc<[Vec<u8>]>,
    next: Arc<AtomicUsize>,
) -> (Vec<f64>, u64) {
    let mut line = Line::open(address).await;
    let (mut times, mut other) = (Vec::new(), 0);
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some(envelope) = envelopes.get(at) else { return (times, other) };
        let due = every * u32::try_from(at).expect("a count");
        if due > start.elapsed() {
            tokio::time::sleep_until((start + due).into()).await;
        }
        let asked = Instant::now();
        let status = line.post(envelope).await;
        times.push(asked.elapsed().as_secs_f64());
        other += u64::from(!matches!(status, 201 | 422));
    }
}

/// Until standard input ends.
fn ended() -> &'static std::sync::atomic::AtomicBool {
    static ENDED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    thread::spawn(|| {
        let _all = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        ENDED.store(true, Ordering::SeqCst);
    });
    &ENDED
}

fn hang(address: SocketAddr, count: usize) {
    let (ended, open) = (ended(), AtomicUsize::new(0));
    let connect = || {
        let mut stream = TcpStream::connect(address).ok()?;
        stream.write_all(b"POST /v1/statements HTTP/1.1\r\nX-Slow: ").ok()?;
        Some(stream)
    };
    let again = AtomicUsize::new(0);
    let hold = |count: usize| {
        let mut streams: Vec<Option<TcpStream>> = (0..count).map(|_| connect()).collect();
        open.fetch_add(streams.iter().flatten().count(), Ordering::SeqCst);
        while !ended.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_secs(1));
            for stream in &mut streams {
                // Whoever was closed for slowness comes back.
                if stream.as_mut().is_none_or(|stream| stream.write_all(b"x").is_err()) {
                    again.fetch_add(1, Ordering::Relaxed);
                    *stream = connect();
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..count / SLOW_OF_A_THREAD {
            scope.spawn(|| hold(SLOW_OF_A_THREAD));
        }
        while open.load(Ordering::SeqCst) < count {
            thread::sleep(Duration::from_millis(10));
        }
        println!("{}", json!("ready"));
    });
    println!("{}", json!({"again": again.load(Ordering::Relaxed)}));
}

fn flood(address: SocketAddr, per_second: u64) {
    let ended = ended();
    let mut wire = Wire::open_from(IpAddr::from([127, 0, 0, 2]), address);
    println!("{}", json!("ready"));
    let (start, mut asked, mut turned) = (Instant::now(), 0_u64, 0_u64);
    while !ended.load(Ordering::SeqCst) {
        let due = (start.elapsed().as_secs_f64() * per_second as f64) as u64;
        if asked >= due {
            thread::sleep(Duration::from_millis(1));
            continue;
        }
        asked += 1;
        turned += u64::from(wire.get("/checkpoint").0 == 429);
    }
    println!("{}", json!({"asked": asked, "turned": turned, "seconds": start.elapsed().as_secs_f64()}));
}
