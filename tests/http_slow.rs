//! T40, T57: thousands of connections that hardly say anything, a client that asks ten times as often
//! as it may, and what becomes of those who behave. No test looks at how long anything took.

use std::{
    io::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

use lian_client::answer::open_receipt;
use lian_core::statement::Envelope;
use lian_server::http::limits::Rate;
use tokio::net::TcpSocket;

use crate::support::{
    START_S,
    browser::Browser,
    business::{Books, request_of},
    depth::by_depth,
    door::{Door, config, open},
};

const POST: &str = "/v1/statements";
/// Honest clients, and statements of each.
const HONEST: usize = 4;
const STATEMENTS: usize = 8;
/// Connections that ask for much and read nothing.
const DEAF: usize = 12;
/// Nothing takes that long.
const EVER: Duration = Duration::from_secs(60);

/// What `/metrics` says of one thing.
fn metric(browser: &mut Browser, name: &str) -> u64 {
    let text = browser.get("/metrics").text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < EVER, "never: {what}");
        thread::yield_now();
    }
}

/// Who sends a byte now and then, of a head or of a body.
fn dawdlers(door: &Door, count: usize) -> Vec<TcpStream> {
    let head = "POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    (0..count)
        .map(|number| {
            let mut stream = TcpStream::connect(door.address()).unwrap();
            let more = if number % 2 == 0 { "X: " } else { "Content-Length: 100000\r\n\r\n{" };
            stream.write_all(format!("{head}{more}").as_bytes()).unwrap();
            stream
        })
        .collect()
}

/// Who asks and does not read: more answers than the system buffers.
fn deaf(door: &Door) -> Vec<TcpStream> {
    let ask = "GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n".repeat(500);
    (0..DEAF)
        .map(|_| {
            let mut stream = connect(None, door.address(), Some(4_096));
            stream.set_nonblocking(true).unwrap();
            // What the server does not take is not needed.
            let _full = stream.write(ask.as_bytes());
            stream
        })
        .collect()
}

/// A connection from an address of this machine.
fn connect(from: Option<IpAddr>, to: SocketAddr, receive_bytes: Option<u32>) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(bytes) = receive_bytes {
            socket.set_recv_buffer_size(bytes).unwrap();
        }
        if let Some(from) = from {
            socket.bind(SocketAddr::new(from, 0)).unwrap();
        }
        socket.connect(to).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream
}

fn requests(door: &Door, bank: &str, count: usize) -> Vec<Envelope> {
    let mut books = Books::new(&door.house, &door.ledger, START_S);
    (0..count).map(|no| books.request(&format!("guarantee/S-{bank}-{no}"), bank, 1_000)).collect()
}

/// T40.
#[test]
fn while_slow_connections_take_every_place_honest_clients_are_served_and_then_the_slow_are_cut() {
    let slow = by_depth(200, 2_000, 2_000);
    let deadline = Duration::from_secs(by_depth(4, 15, 15));
    let mut config = config();
    (config.pace.head, config.pace.write, config.body_timeout) = (deadline, deadline, deadline);
    config.connections_max = HONEST + slow + DEAF;
    let door = open(config);
    let mut honest: Vec<Browser> = (0..HONEST).map(|_| door.browser()).collect();
    assert!(honest.iter_mut().all(|browser| browser.get("/healthz").status == 200));
    let envelopes = requests(&door, "004", HONEST * STATEMENTS);
    let deaf = deaf(&door);
    let mut dawdlers = dawdlers(&door, slow);

    let beyond = door.browser().read().unwrap();
    assert_eq!((beyond.status, beyond.json()["code"].as_str()), (503, Some("busy")), "every place is taken");
    assert!(beyond.header("retry-after").is_some());
    let mut sealed = thread::scope(|scope| {
        let (send, answers) = channel();
        for (browser, envelopes) in honest.iter_mut().zip(envelopes.chunks(STATEMENTS)) {
            let send = send.clone();
            scope.spawn(move || {
                for envelope in envelopes {
                    send.send((envelope, browser.post(POST, &envelope.write()))).unwrap();
                }
            });
        }
        drop(send);
        let mut sealed = Vec::new();
        for (envelope, answer) in answers {
            assert_eq!(answer.status, 201, "{}", answer.text());
            let receipt = answer.json()["receipt"]["tlog_proof"].as_str().unwrap().to_owned();
            sealed.push(open_receipt(receipt.as_bytes(), &door.log, Some(envelope)).unwrap().index);
            for stream in &mut dawdlers {
                // Who was cut already cannot be heard.
                let _cut = stream.write_all(b"x");
            }
        }
        sealed
    });

    sealed.sort_unstable();
    sealed.dedup();
    assert_eq!(sealed.len(), HONEST * STATEMENTS, "each has a place of its own");
    for (number, stream) in dawdlers.into_iter().enumerate() {
        let mut browser = Browser::over(stream);
        match browser.read() {
            None => {}
            Some(answer) if number % 2 == 1 => assert_eq!(answer.problem(), "timed-out"),
            Some(answer) => panic!("an answer to half a head: {}", answer.text()),
        }
        assert!(browser.read().is_none(), "the connection ends");
    }
    until("who does not read is cut", || metric(&mut honest[0], "lian_connections") == HONEST as u64);
    assert!(metric(&mut honest[0], "lian_connections_slow_total") >= (slow / 2 + DEAF) as u64);
    drop(deaf);
    assert_eq!(door.browser().get("/healthz").status, 200, "there are places again");
    drop(honest);
    door.close();
}

/// T57.
#[test]
fn who_asks_ten_times_as_often_as_it_may_is_told_to_wait_and_nobody_else_is() {
    const BURST: u32 = 40;
    let mut config = config();
    config.per_address = Rate { per_second: 1, burst: BURST };
    let door = open(config);
    let greedy_address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let mut greedy = Browser::over(connect(Some(greedy_address), door.address(), None));
    let mut honest = door.browser();
    let mut envelopes = requests(&door, "004", BURST as usize).into_iter();

    let mut told = 0;
    for turn in 0..10 * BURST {
        let answer = greedy.get("/problems/busy");
        if answer.status != 200 {
            assert_eq!((answer.status, answer.problem().as_str()), (429, "rate-limited"));
            assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
            told += 1;
        }
        if turn % 10 == 9 {
            let answer = honest.post(POST, &envelopes.next().unwrap().write());
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
    }

    assert!(told > 0, "ten times the limit was served");
    assert_eq!(greedy.post(POST, b"{}").status, 429, "whatever it asks for");
    door.close();
}

/// Statements of a hundred requests each: far more, as events of the tail, than the system buffers.
fn bulk(door: &Door, count: usize) -> Vec<Envelope> {
    let statement = |number| {
        let mut draft = door.house.draft(&door.ledger, START_S);
        for at in 0..100 {
            let no = format!("B-{number}-{at}");
            let data = request_of(&no, "004", 1_000).data();
            draft = draft.event("guarantee.requested", &format!("guarantee/{no}"), 0, data);
        }
        door.house.sign(&draft, &[("bank:004", "guarantor")])
    };
    (0..count).map(statement).collect()
}

/// Asks for the tail on a connection; gives what follows the head of the answer.
fn tail(stream: TcpStream, after: &str) -> Browser {
    let mut browser = Browser::over(stream);
    browser.send(format!("GET /v1/log/tail?from=0 HTTP/1.1\r\nHost: x\r\n{after}\r\n").as_bytes()).unwrap();
    assert_eq!(browser.read().unwrap().status, 200);
    browser
}

fn ids(piece: &str) -> impl Iterator<Item = u64> {
    piece.lines().filter_map(|line| line.strip_prefix("id: ")).map(|id| id.parse().unwrap())
}

/// T40: whoever follows the log and does not read is cut, and misses nothing.
#[test]
fn a_reader_of_the_tail_that_takes_nothing_is_cut_and_goes_on_where_it_was() {
    let mut config = config();
    (config.pace.write, config.open_all) = (Duration::from_millis(300), true);
    let door = open(config);
    for envelopes in bulk(&door, 200).chunks(20) {
        door.submit(envelopes);
    }
    let size = door.service().reader().head().size();
    let mut watcher = door.browser();

    let mut slow = tail(connect(None, door.address(), Some(4_096)), "");
    until("it is cut", || metric(&mut watcher, "lian_connections_slow_total") == 1);
    until("its place is free", || metric(&mut watcher, "lian_tail_readers") == 0);
    let mut seen = Vec::new();
    while let Some(piece) = slow.chunk() {
        seen.extend(ids(&piece));
    }
    let last = *seen.last().expect("what the system had buffered");
    assert!(last + 1 < size, "it was cut before the end");
    let stream = connect(None, door.address(), None);
    let mut again = tail(stream, &format!("Last-Event-ID: {last}\r\n"));
    while seen.last() != Some(&(size - 1)) {
        seen.extend(ids(&again.chunk().unwrap()));
    }

    assert_eq!(seen, (0..size).collect::<Vec<_>>(), "without a gap or a double");
    drop((watcher, again));
    door.close();
}

/// T40: one address cannot take the places of all others.
#[test]
fn an_address_that_holds_all_its_connections_gets_no_more_and_another_is_served() {
    const MOST: usize = 3;
    let mut config = config();
    config.connections_of_loopback = MOST;
    let door = open(config);
    let other = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let mut held: Vec<Browser> = (0..MOST).map(|_| door.browser()).collect();
    assert!(held.iter_mut().all(|browser| browser.get("/healthz").status == 200));

    let beyond = door.browser().read().unwrap();
    assert_eq!((beyond.status, beyond.json()["code"].as_str()), (503, Some("busy")));
    assert!(beyond.header("retry-after").is_some());
    let mut elsewhere = Browser::over(connect(Some(other), door.address(), None));
    assert_eq!(elsewhere.get("/healthz").status, 200, "another address has places of its own");

    drop(held.pop());
    until("a place that was given back can be had", || {
        let mut browser = door.browser();
        let _closed = browser.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        browser.read().is_some_and(|answer| answer.status == 200)
    });
    assert!(metric(&mut held[0], "lian_connections_refused_total") >= 1);
    drop((held, elsewhere));
    door.close();
}

/// T57: what a bank's key may do is the bank's, from whatever address it comes.
#[test]
fn a_bank_that_posts_ten_times_as_often_as_it_may_is_told_to_wait_and_no_other_bank_is() {
    const BURST: u32 = 5;
    let mut config = config();
    config.per_key = Rate { per_second: 1, burst: BURST };
    let door = open(config);
    let (mut greedy, mut honest) = (door.browser(), door.browser());
    let size = door.service().reader().head().size();
    let mut others = requests(&door, "005", BURST as usize).into_iter();

    let (mut sealed, mut told) = (0, 0);
    for (turn, envelope) in requests(&door, "004", 10 * BURST as usize).iter().enumerate() {
        let answer = greedy.post(POST, &envelope.write());
        if answer.status == 201 {
            sealed += 1;
        } else {
            assert_eq!((answer.status, answer.problem().as_str()), (429, "rate-limited"));
            assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
            told += 1;
        }
        if turn % 10 == 9 {
            let answer = honest.post(POST, &others.next().unwrap().write());
            assert_eq!(answer.status, 201, "{}", answer.text());
            sealed += 1;
        }
    }

    assert!(told > 0 && sealed > u64::from(BURST), "{told} told, {sealed} sealed");
    assert_eq!(door.service().reader().head().size(), size + sealed, "who was told to wait has no entry");
    door.close();
}

/// A connection on which one request followed another at once was cut ten seconds after its first
/// head, in the midst of whatever it asked then: the deadline of a head was never set anew.
#[test]
fn a_connection_that_asks_again_and_again_outlives_the_deadline_of_its_first_head() {
    let mut config = config();
    config.pace.head = Duration::from_millis(400);
    let head = config.pace.head;
    let door = open(config);
    let mut browser = door.browser();

    let start = Instant::now();
    while start.elapsed() < 3 * head {
        assert_eq!(browser.get("/healthz").status, 200);
    }

    drop(browser);
    door.close();
}
