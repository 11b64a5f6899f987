//! The door: HTTP/1.1 over our own accept loop, routes by warp, handlers that are plain functions.
//! Invariant: nothing is judged here; what is written goes through admission and the sequencer,
//! what is read is committed.
//! Who owns what: the runtime's threads own connections; the gate's two threads carry statements
//! to the service and answers back; one thread publishes checkpoints.

pub mod accept;
pub mod aftermath;
pub mod books;
pub mod entries;
pub mod gate;
pub mod house;
pub mod limits;
pub mod logs;
pub mod metrics;
pub mod moment;
pub mod paced;
pub mod problem;
pub mod proofs;
pub mod registers;
pub mod request;
pub mod routes;
pub mod row_books;
pub mod shape;
pub mod shell;
pub mod statements;
pub mod tail;
pub mod views;
pub mod web;
mod words;

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use lian_core::hash::{Digest, hex_encode};
use lian_domain::dates::Day;
use lian_store::reader::Reader;
use thiserror::Error;
use tokio::{
    runtime::Runtime,
    sync::{Semaphore, watch},
};

use self::{
    books::{Books, FoldedBooks},
    gate::Gate,
    limits::{Buckets, Rate},
    metrics::Metrics,
    paced::Pace,
    row_books::RowBooks,
};
use crate::{
    clock::{Clock, SystemClock},
    service::Service,
};

/// How often the published checkpoint may change.
const PUBLISH: Duration = Duration::from_secs(1);
/// How often the end of the log is looked at for readers of the tail, answers apart.
const LOOK: Duration = Duration::from_millis(50);
/// Reads that may wait for a thread.
const READS_WAITING_MAX: usize = 512;

/// Certificate chain and key, as PEM files.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// The key of the leaf.
    pub key: PathBuf,
}

/// How to serve. `Config::new` has safe values for all but the address.
#[derive(Clone)]
pub struct Config {
    /// Where to listen; port 0 takes any free one.
    pub address: SocketAddr,
    /// Encryption; without it only a loopback address is taken.
    pub tls: Option<Tls>,
    /// Everybody may read everything: for made-up ledgers, on loopback only.
    pub open_all: bool,
    /// What goes before paths in types of problems: `https://ledger.example`, or nothing.
    pub public_url: String,
    /// Threads of the network.
    pub workers: usize,
    /// Threads that may block, for reads.
    pub readers: usize,
    /// Open connections.
    pub connections_max: usize,
    /// Open connections of one address (/64 for IPv6).
    pub connections_per_address: usize,
    /// The same of an address of this machine: whoever comes through a proxy here has that one.
    pub connections_of_loopback: usize,
    /// Statements that wait for a place in the queue. Well below the connections, or a disk that does
    /// not answer would take every connection, and with them the reads.
    pub statements_waiting_max: usize,
    /// Readers of the tail.
    pub tails_max: usize,
    /// Deadlines of a connection.
    pub pace: Pace,
    /// For the whole body of a request.
    pub body_timeout: Duration,
    /// For a statement that was taken while nothing can be recorded: then it is told that nobody knows.
    pub hindered_timeout: Duration,
    /// Silence on the tail until a comment is sent.
    pub heartbeat: Duration,
    /// What was begun is finished within this time after a stop.
    pub stop_timeout: Duration,
    /// Tokens of an address; routes cost 1 to 20.
    pub per_address: Rate,
    /// Statements of a key.
    pub per_key: Rate,
    /// What day it is.
    pub clock: Arc<dyn Clock>,
}

impl Config {
    /// Safe values.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            tls: None,
            open_all: false,
            public_url: String::new(),
            workers: 2,
            readers: 4,
            connections_max: 4_096,
            connections_per_address: 256,
            connections_of_loopback: 3_072,
            statements_waiting_max: 2_048,
            tails_max: 1_024,
            pace: Pace {
                idle: Duration::from_secs(75),
                head: Duration::from_secs(10),
                write: Duration::from_secs(20),
            },
            body_timeout: Duration::from_secs(15),
            hindered_timeout: Duration::from_secs(5),
            heartbeat: Duration::from_secs(15),
            stop_timeout: Duration::from_secs(10),
            per_address: Rate { per_second: 2_000, burst: 8_000 },
            per_key: Rate { per_second: 500, burst: 5_000 },
            clock: Arc::new(SystemClock::new()),
        }
    }

    fn check(&self) -> Result<(), ServeError> {
        let loopback = self.address.ip().is_loopback();
        if !loopback && self.tls.is_none() {
            return Err(ServeError::Unencrypted(self.address));
        }
        if !loopback && self.open_all {
            return Err(ServeError::OpenToTheWorld(self.address));
        }
        Ok(())
    }
}

/// Why nothing is served.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Signatures would hold, but who reads what would be known on the way.
    #[error(
        "{0} is reachable by others and there is no TLS; configure a certificate and its key, or listen \
         on 127.0.0.1 behind a proxy that encrypts"
    )]
    Unencrypted(SocketAddr),
    /// Open ledgers stay on the machine.
    #[error(
        "a ledger that is open to all readers is served on loopback only, not on {0}; listen on 127.0.0.1"
    )]
    OpenToTheWorld(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// Certificate or key.
    #[error("TLS: {0}")]
    Tls(String),
    /// The system gave no threads or no randomness.
    #[error("cannot start: {0}")]
    Start(String),
}

/// What handlers see.
pub struct App {
    /// The ledger.
    pub service: Arc<Service>,
    /// What is derived from it.
    pub books: Arc<dyn Books>,
    /// How it is served.
    pub config: Config,
    /// What is counted.
    pub metrics: Metrics,
    gate: Gate,
    addresses: Buckets<IpAddr>,
    keys: Buckets<Digest>,
    published: RwLock<Arc<[u8]>>,
    /// Committed entries, for those who wait for more.
    size: watch::Sender<u64>,
    stop: watch::Sender<bool>,
    stopping: AtomicBool,
    aside: Semaphore,
    waiting: Semaphore,
    tails: Arc<Semaphore>,
    /// Begins the ids of this process's requests.
    nonce: String,
}

impl App {
    fn new(service: Arc<Service>, books: Arc<dyn Books>, config: Config) -> Result<Self, ServeError> {
        let mut nonce = [0; 4];
        getrandom::fill(&mut nonce).map_err(|error| ServeError::Start(error.to_string()))?;
        let size = service.reader().head().size();
        Ok(Self {
            gate: Gate::start(&service, config.statements_waiting_max),
            books,
            metrics: Metrics::new(),
            addresses: Buckets::new(config.per_address),
            keys: Buckets::new(config.per_key),
            published: RwLock::new(Arc::new([])),
            size: watch::Sender::new(size),
            stop: watch::Sender::new(false),
            stopping: AtomicBool::new(false),
            aside: Semaphore::new(config.readers.max(1)),
            waiting: Semaphore::new(READS_WAITING_MAX),
            tails: Arc::new(Semaphore::new(config.tails_max)),
            nonce: hex_encode(&nonce),
            service,
            config,
        })
    }

    /// Reads what is committed.
    pub fn reader(&self) -> &Reader {
        self.service.reader()
    }

    /// The civil day (+08:00) of now.
    fn today(&self) -> Day {
        moment::day_of(self.config.clock.wall_ms())
    }

    fn published(&self) -> Arc<[u8]> {
        Arc::clone(&self.published.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells those who wait for entries how many there are.
    fn committed(&self) {
        let size = self.reader().head().size();
        self.size.send_if_modified(|known| {
            let more = size > *known;
            *known = size.max(*known);
            more
        });
    }

    /// Publishes the newest checkpoint, if there is a newer one than that which is published.
    fn publish(&self) {
        let head = self.reader().head();
        if head.note().is_empty() || *self.published() == *head.note() {
            return;
        }
        match self.reader().publish() {
            // What is published covers at least this head.
            Ok(_) => {
                *self.published.write().unwrap_or_else(PoisonError::into_inner) = head.note().into();
                self.metrics.published.set(i64::try_from(head.size()).unwrap_or(i64::MAX));
            }
            Err(error) => tracing::error!(error = %error, "the checkpoint is not published"),
        }
    }
}

/// A server that answers.
pub struct Running {
    address: SocketAddr,
    app: Arc<App>,
    server: Option<JoinHandle<()>>,
    publisher: Option<(Sender<()>, JoinHandle<()>)>,
}

/// Serves a ledger with books over the rows that its service keeps; kept in memory if it keeps none.
pub fn serve(service: Arc<Service>, config: Config) -> Result<Running, ServeError> {
    let books: Arc<dyn Books> = match RowBooks::of(&service) {
        Some(books) => Arc::new(books),
        None => Arc::new(FoldedBooks::new(service.reader().clone())),
    };
    serve_with(service, books, config)
}

/// Serves a ledger with these books.
pub fn serve_with(
    service: Arc<Service>,
    books: Arc<dyn Books>,
    config: Config,
) -> Result<Running, ServeError> {
    config.check()?;
    let tls = config.tls.as_ref().map(|tls| accept::acceptor(&tls.certificate, &tls.key));
    let tls = tls.transpose().map_err(ServeError::Tls)?;
    let address = config.address;
    let refused = |error| ServeError::Listen { address, error };
    let listener = TcpListener::bind(address).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let runtime = runtime(&config)?;
    let app = Arc::new(App::new(service, books, config)?);
    app.publish();
    let publisher = publisher(Arc::clone(&app));
    let served = Arc::clone(&app);
    let server = thread::spawn(move || {
        runtime.block_on(async {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            let look = tokio::spawn(look(Arc::clone(&served)));
            accept::run(listener, Arc::clone(&served), tls).await;
            look.abort();
        });
        runtime.shutdown_timeout(served.config.stop_timeout);
    });
    Ok(Running { address, app, server: Some(server), publisher: Some(publisher) })
}

fn runtime(config: &Config) -> Result<Runtime, ServeError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.workers.max(1))
        // Reads, and the stretches of tails.
        .max_blocking_threads(2 * config.readers.max(1) + 2)
        .thread_name("http")
        .enable_all()
        .build()
        .map_err(|error| ServeError::Start(error.to_string()))
}

/// Entries also come without anybody asking: epochs are closed.
async fn look(app: Arc<App>) {
    let mut interval = tokio::time::interval(LOOK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        app.committed();
    }
}

fn publisher(app: Arc<App>) -> (Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = channel();
    let thread = thread::spawn(move || {
        while stopped.recv_timeout(PUBLISH) == Err(RecvTimeoutError::Timeout) {
            app.publish();
        }
        app.publish();
    });
    (stop, thread)
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The ledger.
    pub fn service(&self) -> &Arc<Service> {
        &self.app.service
    }

    /// Takes no more connections, answers what was taken, up to the deadline. Returns the ledger,
    /// which the caller closes.
    pub fn stop(mut self) -> Arc<Service> {
        self.halt();
        Arc::clone(&self.app.service)
    }

    fn halt(&mut self) {
        self.app.stopping.store(true, Ordering::SeqCst);
        self.app.stop.send_replace(true);
        if let Some(server) = self.server.take() {
            // A panic was said on standard error.
            let _panicked = server.join();
        }
        self.app.service.end_waiting();
        if let Some((stop, thread)) = self.publisher.take() {
            drop(stop);
            let _panicked = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.halt();
    }
}
