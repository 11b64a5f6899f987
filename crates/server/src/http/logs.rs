//! Logs: one JSON object a line on standard error, with the request's id.
//! Invariant: no payload, no key and no header value is ever an argument of a log call; text of
//! strangers (a path) is a JSON string, so that it cannot begin a line of its own.

use tracing_subscriber::EnvFilter;

/// Begins to log, once a process; `filter` as in `info,lian_server=debug`. Returns false if logging
/// had begun before, or the filter does not parse.
pub fn start(filter: &str) -> bool {
    let Ok(filter) = EnvFilter::try_new(filter) else {
        return false;
    };
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init()
        .is_ok()
}
