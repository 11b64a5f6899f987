//! The live end of the log, entry by entry.
//! Invariant: entries come in order, without gap or duplicate, whatever the connection does, and
//! each was verified; after a doubt nothing more comes.
//! Limits: a line has at most 1 MiB; a stretch waits for its checkpoint, at most 256 entries.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read},
};

use serde_json::Value;

use super::{
    Client, Error, LogEntry,
    error::{bad_answer, doubtful},
    follow::{Edge, STRETCH_MAX},
};

/// Bytes of a line of the stream.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// What one read takes at most: what is there already is verified together.
const BUFFER_BYTES: usize = 256 << 10;

/// Entries from some index on, for ever; blocks until the next one comes.
///
/// An error of the connection is handed out once patience has ended; asking again goes on where
/// it was. After any other error the iterator has ended.
pub struct Tail<'c> {
    client: &'c Client,
    edge: Option<Edge>,
    from: u64,
    stream: Option<BufReader<Box<dyn Read + Send>>>,
    /// Taken, not yet confirmed.
    waiting: VecDeque<LogEntry>,
    /// Confirmed, not yet handed out.
    ready: VecDeque<LogEntry>,
    ended: bool,
}

impl Client {
    /// Follows the log from an entry on, which need not be there yet: the next one is `size`.
    pub fn tail(&self, from: u64) -> Tail<'_> {
        Tail {
            client: self,
            edge: None,
            from,
            stream: None,
            waiting: VecDeque::new(),
            ready: VecDeque::new(),
            ended: false,
        }
    }
}

impl Iterator for Tail<'_> {
    type Item = Result<LogEntry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut tries = 0;
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Some(Ok(entry));
            }
            if self.ended {
                return None;
            }
            match self.step() {
                Ok(true) => tries = 0,
                Ok(false) => {}
                Err(error @ (Error::Unreachable { .. } | Error::Store(_))) => {
                    self.stream = None;
                    tries += 1;
                    match self.client.wire.wait(tries, None) {
                        Some(wait) => self.client.wire.sleep(wait),
                        None => return Some(Err(error)),
                    }
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl Tail<'_> {
    /// Reads one event, or confirms what was read; true if that brought anything.
    fn step(&mut self) -> Result<bool, Error> {
        if self.edge.is_none() {
            self.edge = Some(self.client.edge(self.from)?);
        }
        let Some(edge) = &mut self.edge else { return Ok(false) };
        if !self.waiting.is_empty() && (self.waiting.len() >= STRETCH_MAX || !has_event(self.stream.as_ref()))
        {
            self.client.confirm(edge)?;
            self.ready.append(&mut self.waiting);
            return Ok(true);
        }
        let Some(stream) = &mut self.stream else {
            let next = edge.next();
            let last = next.checked_sub(1);
            let from = if last.is_none() { "?from=0" } else { "" };
            let stream: Box<dyn Read + Send> =
                Box::new(self.client.wire.events(&format!("/v1/log/tail{from}"), last)?);
            self.stream = Some(BufReader::with_capacity(BUFFER_BYTES, stream));
            return Ok(false);
        };
        let Some(event) = read_event(stream)? else { return Ok(false) };
        let shown: Value = serde_json::from_str(&event.data)
            .map_err(|error| bad_answer(format!("an event of the tail: {error}")))?;
        if event.id != Some(edge.next()) {
            return Err(doubtful(format!(
                "event {:?} came where entry {} was to come",
                event.id,
                edge.next()
            )));
        }
        self.waiting.push_back(self.client.follow(edge, &shown)?);
        Ok(true)
    }
}

/// Whether a whole event was received already.
fn has_event(stream: Option<&BufReader<Box<dyn Read + Send>>>) -> bool {
    stream.is_some_and(|stream| stream.buffer().windows(2).any(|pair| pair == b"\n\n"))
}

struct Event {
    id: Option<u64>,
    data: String,
}

/// The next event that has data; none for a comment. A stream that ends is an error of the
/// connection: the log never ends.
fn read_event(stream: &mut BufReader<Box<dyn Read + Send>>) -> Result<Option<Event>, Error> {
    let mut event = Event { id: None, data: String::new() };
    loop {
        let mut line = Vec::new();
        let gone = |what: &dyn std::fmt::Display| Error::Unreachable { tries: 1, what: what.to_string() };
        let read = stream
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .map_err(|error| gone(&error))?;
        if line.pop() != Some(b'\n') {
            return match read as u64 {
                LINE_BYTES_MAX => Err(bad_answer("a line of the tail is too long")),
                _ => Err(gone(&"the tail was cut off")),
            };
        }
        let line = String::from_utf8(line).map_err(|_| bad_answer("the tail is no text"))?;
        let line = line.strip_suffix('\r').unwrap_or(&line);
        if line.is_empty() {
            return Ok((!event.data.is_empty()).then_some(event));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => event.id = value.parse().ok(),
            "data" => event.data.push_str(value),
            _ => {}
        }
    }
}
