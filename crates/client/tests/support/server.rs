//! The server: one request per connection, honest unless told otherwise.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lian_core::statement::{Envelope, REJECTION_TYPE, statement_digest};
use lian_domain::rejection::{Rejection, RejectionNote};
use serde_json::{Value, json};

use super::log::{FakeLog, START_S};

/// A request.
pub struct Asked {
    /// How many came before it.
    pub nth: usize,
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub last_event: Option<u64>,
    pub body: Vec<u8>,
}

impl Asked {
    fn number(&self, name: &str) -> Option<u64> {
        self.query.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse().ok())
    }
}

#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
    /// Sends only so many bytes of the body and closes.
    pub cut: Option<usize>,
}

impl Reply {
    pub fn json(status: u16, value: &Value) -> Self {
        Self { status, headers: String::new(), body: value.to_string().into_bytes(), cut: None }
    }

    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Nothing at all: the connection is closed.
    pub fn nothing() -> Self {
        Self { status: 0, headers: String::new(), body: Vec::new(), cut: None }
    }
}

/// What is sent in place of an honest answer.
pub type Lie = Box<dyn Fn(&Asked, &FakeLog, Reply) -> Reply + Send>;

struct Shared {
    log: FakeLog,
    lie: Lie,
    asked: Vec<String>,
}

#[derive(Clone)]
pub struct Server {
    shared: Arc<Mutex<Shared>>,
    pub address: SocketAddr,
}

impl Server {
    pub fn start(log: FakeLog) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let lie: Lie = Box::new(|_, _, honest| honest);
        let shared = Arc::new(Mutex::new(Shared { log, lie, asked: Vec::new() }));
        let server = Self { shared: Arc::clone(&shared), address };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || answer(&shared, &stream.unwrap()));
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn lies(&self, lie: impl Fn(&Asked, &FakeLog, Reply) -> Reply + Send + 'static) {
        self.shared.lock().unwrap().lie = Box::new(lie);
    }

    pub fn with<T>(&self, look: impl FnOnce(&mut FakeLog) -> T) -> T {
        look(&mut self.shared.lock().unwrap().log)
    }

    /// Requests so far that begin so, such as `POST /v1/statements`.
    pub fn count(&self, beginning: &str) -> usize {
        self.shared.lock().unwrap().asked.iter().filter(|asked| asked.starts_with(beginning)).count()
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut last_event) = (0, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "last-event-id" => last_event = value.trim().parse().ok(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pair = |item: &str| item.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let query = query.split('&').filter_map(pair).collect();
    Some(Asked { nth: 0, method, path: path.to_owned(), query, last_event, body })
}

fn answer(shared: &Mutex<Shared>, mut stream: &TcpStream) {
    let Some(mut asked) = read(stream) else { return };
    let reply = {
        let mut shared = shared.lock().unwrap();
        asked.nth = shared.asked.len();
        shared.asked.push(format!("{} {}", asked.method, asked.path));
        let honest = honest(&asked, &mut shared.log);
        (shared.lie)(&asked, &shared.log, honest)
    };
    if reply.status == 0 {
        return;
    }
    let length = if reply.cut == Some(usize::MAX) {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", reply.body.len())
    };
    let head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n{length}{}\r\n", reply.status, reply.headers);
    let body = &reply.body[..reply.cut.unwrap_or(usize::MAX).min(reply.body.len())];
    // Whoever asked may have gone.
    let _gone = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

fn honest(asked: &Asked, log: &mut FakeLog) -> Reply {
    let size = log.size();
    let parts: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
    match (&*asked.method, &parts[..]) {
        ("POST", ["v1", "statements"]) => statement(asked, log),
        ("GET", ["v1", "log", "checkpoints"]) => Reply::json(
            200,
            &json!({"newest": {"size": size, "note": String::from_utf8(log.note(size)).unwrap()}}),
        ),
        ("GET", ["v1", "log", "consistency"]) => {
            let (from, to) = (asked.number("from").unwrap(), asked.number("to").unwrap());
            if to > size || from > to {
                return Reply::json(400, &json!({"code": "bad-request", "detail": "beyond the log"}));
            }
            let proof: Vec<String> =
                log.consistency(from, to).iter().map(lian_core::hash::Digest::to_hex).collect();
            Reply::json(200, &json!({"proof": proof}))
        }
        ("GET", ["v1", "log", "entries", index, "receipt"]) => {
            let body = log.receipt(index.parse().unwrap(), size);
            Reply { body, ..Reply::json(200, &Value::Null) }
        }
        ("GET", ["v1", "log", "entries", index]) => Reply::json(200, &shown(log, index.parse().unwrap())),
        ("GET", ["v1", "log", "entries"]) => {
            let first = asked.number("after").map_or(0, |after| after + 1);
            let data = (first..size).take(usize::try_from(asked.number("limit").unwrap()).unwrap());
            let data: Vec<Value> = data.map(|index| shown(log, usize::try_from(index).unwrap())).collect();
            Reply::json(200, &json!({"data": data}))
        }
        ("GET", ["v1", "log", "tail"]) => {
            let next = asked.last_event.map_or_else(|| asked.number("from").unwrap(), |last| last + 1);
            let event = |index| {
                format!(
                    "id: {index}\nevent: entry\ndata: {}\n\n",
                    shown(log, usize::try_from(index).unwrap())
                )
            };
            let body: String = [": lian\n\n".to_owned()].into_iter().chain((next..size).map(event)).collect();
            Reply { body: body.into_bytes(), cut: Some(usize::MAX), ..Reply::json(200, &Value::Null) }
        }
        ("GET", ["v1", "streams", .., "proof"]) if log.proof.is_null() => {
            Reply::json(404, &json!({"code": "not-found"}))
        }
        ("GET", ["v1", "streams", .., "proof"]) => {
            let mut proof = log.proof.clone();
            let closed = proof["size"].as_u64().unwrap();
            proof["closed"] = json!({"tlog_proof": String::from_utf8(log.receipt(closed, size)).unwrap()});
            Reply::json(200, &proof)
        }
        ("GET", ["tile", "0", rest @ ..]) => {
            // All tests stay within the first tile.
            let width =
                rest.last().and_then(|width| width.parse().ok()).filter(|_| rest.len() > 1).unwrap_or(256);
            Reply { body: log.tile(0, width), ..Reply::json(200, &Value::Null) }
        }
        _ => Reply::json(404, &json!({"code": "not-found", "detail": asked.path})),
    }
}

fn shown(log: &FakeLog, index: usize) -> Value {
    json!({"seq": index, "leaf": STANDARD.encode(&log.leaves[index]), "payload": STANDARD.encode(&log.payloads[index])})
}

fn statement(asked: &Asked, log: &mut FakeLog) -> Reply {
    let envelope = Envelope::read(&asked.body).unwrap();
    let before = log.size();
    match log.place(&envelope) {
        Ok((index, verdict)) => {
            let receipt = String::from_utf8(log.receipt(index, log.size())).unwrap();
            let status = match verdict.is_accepted() {
                true if index == before => 201,
                true => 200,
                false => 422,
            };
            Reply::json(status, &json!({"receipt": {"tlog_proof": receipt}}))
        }
        Err(rejection) => {
            let status = if rejection.code() == 18 { 412 } else { 400 };
            Reply::json(
                status,
                &json!({"code": rejection.name(), "rejection": rejected(log, &envelope, &rejection)}),
            )
        }
    }
}

fn rejected(log: &FakeLog, envelope: &Envelope, rejection: &Rejection) -> Value {
    let note = RejectionNote {
        ledger: log.ledger.id().to_owned(),
        statement: Some(statement_digest(&envelope.payload)),
        code: rejection.code(),
        name: rejection.name().to_owned(),
        detail: rejection.to_string(),
        size: log.size(),
        root: log.root(log.size()),
        time: START_S,
    };
    let payload = note.payload();
    let signature = log.sign_as_admission(&payload, REJECTION_TYPE);
    serde_json::from_slice(&Envelope { payload, signatures: vec![signature] }.write_type(REJECTION_TYPE))
        .unwrap()
}
