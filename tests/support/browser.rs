//! A client for tests: one plain connection, bytes out, answers in. It believes nothing and adds
//! nothing, so that a test sees what really came.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// One connection.
pub struct Browser {
    stream: BufReader<TcpStream>,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Answered {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answered {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code of a problem, which has the right type and tells its own status.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text());
        let body = self.json();
        assert_eq!(body["status"], self.status, "{body}");
        for member in ["type", "title", "detail", "instance", "code", "request_id", "hint"] {
            assert!(body[member].is_string(), "{member}: {body}");
        }
        assert_eq!(body["request_id"], self.header("request-id").unwrap());
        body["code"].as_str().unwrap().to_owned()
    }
}

impl Browser {
    pub fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    /// A connection that stands already.
    pub fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// Sends bytes as they are; the server may have hung up already.
    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads one answer; none if the server hung up.
    pub fn read(&mut self) -> Option<Answered> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line);
        let waited = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
        assert!(!read.as_ref().is_err_and(waited), "the server neither answered nor hung up");
        if read.unwrap_or(0) == 0 {
            return None;
        }
        let status =
            line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{line:?}"));
        let headers = self.read_headers();
        let find = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let mut body = Vec::new();
        if let Some(length) = find("content-length") {
            body.resize(length.parse().unwrap(), 0);
            self.stream.read_exact(&mut body).unwrap();
        } else if find("transfer-encoding").is_some()
            && find("content-type").as_deref() != Some("text/event-stream; charset=utf-8")
        {
            panic!("only streams are chunked: {headers:?}");
        }
        Some(Answered { status, headers, body })
    }

    /// Reads to the end; true if nothing that came was HTTP.
    pub fn hangs_up_without_http(&mut self) -> bool {
        let mut bytes = Vec::new();
        // A reset is an end too.
        let _reset = self.stream.read_to_end(&mut bytes);
        !bytes.starts_with(b"HTTP")
    }

    fn read_headers(&mut self) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            let line = line.trim_end();
            let Some((name, value)) = line.split_once(": ") else { return headers };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }

    /// One chunk of a chunked body; none at its end or if the server hung up.
    pub fn chunk(&mut self) -> Option<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        let length = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes).ok()?;
        (length > 0).then(|| String::from_utf8(bytes[..length].to_vec()).unwrap())
    }

    /// A request with these header lines, each with its end.
    pub fn ask(&mut self, method: &str, target: &str, headers: &str, body: &[u8]) -> Answered {
        let length =
            if method == "POST" { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
        let head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}{length}\r\n");
        let _hung_up = self.send(&[head.as_bytes(), body].concat());
        self.read().unwrap_or_else(|| panic!("no answer to {method} {target}"))
    }

    pub fn get(&mut self, target: &str) -> Answered {
        self.ask("GET", target, "Accept-Language: en\r\n", b"")
    }

    /// Posts an envelope; none if the server hung up instead of answering.
    pub fn try_post(&mut self, target: &str, envelope: &[u8]) -> Option<Answered> {
        let length = envelope.len();
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\nAccept-Language: en\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        let _hung_up = self.send(&[head.as_bytes(), envelope].concat());
        self.read()
    }

    /// Posts an envelope.
    pub fn post(&mut self, target: &str, envelope: &[u8]) -> Answered {
        let headers = "Accept-Language: en\r\nContent-Type: application/vnd.dsse.envelope.v1+json\r\n";
        self.ask("POST", target, headers, envelope)
    }
}
