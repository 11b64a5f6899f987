//! The live tail: entries as they are committed, as server-sent events whose id is the index.
//! Invariant: every committed entry from the first one on is sent once, in order, whatever the
//! reader's connection does: who comes back with `Last-Event-ID` goes on behind it.
//! Limits: 64 events wait for a slow reader; who takes none for the write deadline is dropped.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{
    App,
    entries::{self, Filter},
    problem::{Code, Problem},
    request::Request,
};

/// Events that wait for the reader.
const WAITING_MAX: usize = 64;
/// Entries that are read at once.
const READ_AT_ONCE: u64 = 64;

/// The events of one reader, as bytes.
pub type Events = mpsc::Receiver<Result<Bytes, Infallible>>;

/// One reader of the tail.
struct Tail {
    app: Arc<App>,
    filter: Filter,
    next: u64,
    to: mpsc::Sender<Result<Bytes, Infallible>>,
    _place: OwnedSemaphorePermit,
}

/// Starts to follow the log for a reader.
pub fn follow(app: &Arc<App>, request: &Request) -> Result<Events, Problem> {
    let size = app.reader().head().size();
    let last = match request.headers.get("last-event-id") {
        None => None,
        Some(text) => {
            let last = text.to_str().ok().and_then(|text| text.parse::<u64>().ok());
            Some(last.ok_or_else(|| {
                Problem::new(
                    Code::BadRequest,
                    "Last-Event-ID 須為序號",
                    "Last-Event-ID must be the index of an entry",
                )
            })?)
        }
    };
    let from = last.map(|last| last.saturating_add(1));
    let next = from.or(request.number("from")?).unwrap_or(size);
    if next > size {
        return Err(Problem::parameter(
            "from",
            format!("帳本僅有 {size} 筆；若您曾讀到更後面的條目，請立即比對檢查點"),
            format!(
                "the log has {size} entries only; if you have read later ones, compare checkpoints at once"
            ),
        ));
    }
    let place = Arc::clone(&app.tails).try_acquire_owned().map_err(|_| Problem::again(Code::Busy, 10))?;
    let (to, events) = mpsc::channel(WAITING_MAX);
    let tail = Tail { app: Arc::clone(app), filter: Filter::of(request), next, to, _place: place };
    app.metrics.tails.inc();
    tokio::spawn(tail.run());
    Ok(events)
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.app.metrics.tails.dec();
    }
}

impl Tail {
    /// Until the reader goes, is too slow, or the server stops.
    async fn run(mut self) {
        let mut head = self.app.size.subscribe();
        let mut stop = self.app.stop.subscribe();
        // Who reads an event stream wants to know at once that it stands.
        if !self.send(Bytes::from_static(b": lian\n\n")).await {
            return;
        }
        loop {
            let size = *head.borrow_and_update();
            while self.next < size {
                if *stop.borrow() || !self.stretch(size).await {
                    return;
                }
            }
            let heartbeat = self.app.config.heartbeat;
            tokio::select! {
                changed = tokio::time::timeout(heartbeat, head.changed()) => match changed {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return,
                    Err(_) => if !self.send(Bytes::from_static(b": \n\n")).await { return },
                },
                () = async { drop(stop.wait_for(|stopping| *stopping).await) } => return,
                () = self.to.closed() => return,
            }
        }
    }

    /// Sends the next few entries; false if the reader is gone.
    async fn stretch(&mut self, size: u64) -> bool {
        let (app, filter) = (Arc::clone(&self.app), self.filter.clone());
        let range = self.next..size.min(self.next + READ_AT_ONCE);
        let end = range.end;
        let read = tokio::task::spawn_blocking(move || events(&app, &filter, range));
        let events = match read.await {
            Ok(Ok(events)) => events,
            Ok(Err(problem)) => {
                tracing::error!(code = problem.kind.name(), "a tail cannot go on");
                return false;
            }
            Err(_) => return false,
        };
        for event in events {
            if !self.send(event).await {
                return false;
            }
        }
        self.next = end;
        true
    }

    async fn send(&self, bytes: Bytes) -> bool {
        let time: Duration = self.app.config.pace.write;
        matches!(tokio::time::timeout(time, self.to.send(Ok(bytes))).await, Ok(Ok(())))
    }
}

/// The events of a range: one an entry. What the filter leaves out only moves the reader's place.
fn events(app: &App, filter: &Filter, range: std::ops::Range<u64>) -> Result<Vec<Bytes>, Problem> {
    let entries = app.reader().entries(range).map_err(|error| Problem::internal(&error))?;
    let mut events = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Problem::internal(&error))?;
        let text = if filter.lists(app, &entry) {
            let data = serde_json::to_string(&entries::shown(app, &entry)?);
            let data = data.map_err(|error| Problem::internal(&error))?;
            format!("id: {}\nevent: entry\ndata: {data}\n\n", entry.index)
        } else {
            format!("id: {}\n\n", entry.index)
        };
        events.push(text.into());
    }
    Ok(events)
}
