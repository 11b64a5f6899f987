//! What the server counts, in the text of OpenMetrics.
//! Invariant: labels come from the route table and from closed lists, never from a request, so
//! that nobody can make series without end.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Route, method and status of a request.
type RouteLabels = Vec<(&'static str, String)>;

/// Upper edges of the latency histogram in seconds.
const EDGES: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// All counters.
pub struct Metrics {
    registry: Registry,
    requests: Family<RouteLabels, Counter>,
    latency: Family<RouteLabels, Histogram, fn() -> Histogram>,
    turned_away: Family<RouteLabels, Counter>,
    /// Statements that wait for their answer.
    pub waiting: Gauge,
    /// Open connections.
    pub connections: Gauge,
    /// Connections that were turned away because there were too many.
    pub connections_refused: Counter,
    /// Connections that were closed because the client was too slow.
    pub connections_slow: Counter,
    /// Readers of the live tail.
    pub tails: Gauge,
    /// Signatures that were verified.
    pub signatures: Counter,
    /// Committed entries.
    pub size: Gauge<i64>,
    /// Entries that the books are behind.
    pub lag: Gauge<i64>,
    /// Entries below the published checkpoint.
    pub published: Gauge<i64>,
    /// Numbers the requests.
    pub serial: AtomicU64,
}

fn histogram() -> Histogram {
    Histogram::new(EDGES)
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("lian"),
            requests: Family::default(),
            latency: Family::new_with_constructor(histogram as fn() -> Histogram),
            turned_away: Family::default(),
            waiting: Gauge::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            connections_slow: Counter::default(),
            tails: Gauge::default(),
            signatures: Counter::default(),
            size: Gauge::default(),
            lag: Gauge::default(),
            published: Gauge::default(),
            serial: AtomicU64::new(0),
        };
        let it = &mut metrics;
        let registry = &mut it.registry;
        registry.register("http_requests", "requests by route and status", it.requests.clone());
        registry.register("http_seconds", "time from request head to answer", it.latency.clone());
        registry.register("turned_away", "statements not accepted, by code", it.turned_away.clone());
        registry.register("queue_depth", "statements that wait for their answer", it.waiting.clone());
        registry.register("connections", "open connections", it.connections.clone());
        registry.register("connections_refused", "turned away, too many", it.connections_refused.clone());
        registry.register("connections_slow", "closed, too slow", it.connections_slow.clone());
        registry.register("tail_readers", "readers of the live tail", it.tails.clone());
        registry.register("signatures_verified", "signatures of logged statements", it.signatures.clone());
        registry.register("log_size", "committed entries", it.size.clone());
        registry.register("books_lag", "entries that the views are behind", it.lag.clone());
        registry.register("published_size", "entries below the published checkpoint", it.published.clone());
        metrics
    }

    /// Counts a request that was answered.
    pub fn answered(&self, method: &str, route: &'static str, status: u16, took: Duration) {
        let route = vec![("method", method.to_owned()), ("route", route.to_owned())];
        self.latency.get_or_create(&route).observe(took.as_secs_f64());
        let mut labels = route;
        labels.push(("status", status.to_string()));
        self.requests.get_or_create(&labels).inc();
    }

    /// Counts a statement that was not accepted.
    pub fn turned_away(&self, code: &'static str) {
        self.turned_away.get_or_create(&vec![("code", code.to_owned())]).inc();
    }

    /// The text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _never = encode(&mut text, &self.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
