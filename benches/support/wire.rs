//! HTTP/1.1 by hand over loopback, so that the client costs as little as a client can.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpStream},
};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// One kept connection.
pub struct Wire {
    answers: BufReader<TcpStream>,
    stream: TcpStream,
    request: Vec<u8>,
}

impl Wire {
    pub fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).expect("the door is open"))
    }

    /// The same from another loopback address than the usual one.
    pub fn open_from(from: IpAddr, address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(from, 0))?;
            socket.connect(address).await?.into_std()
        });
        let stream = stream.expect("the door is open");
        stream.set_nonblocking(false).expect("a socket");
        Self::over(stream)
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a socket");
        let answers = BufReader::new(stream.try_clone().expect("a socket"));
        Self { answers, stream, request: Vec::new() }
    }

    /// Asks for an address; status and body.
    pub fn get(&mut self, path: &str) -> (u16, Vec<u8>) {
        self.request.clear();
        write!(self.request, "GET {path} HTTP/1.1\r\nHost: ledger\r\n\r\n").expect("memory");
        self.exchange()
    }

    fn exchange(&mut self) -> (u16, Vec<u8>) {
        self.stream.write_all(&self.request).expect("the door takes it");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        let mut length = 0;
        loop {
            line.clear();
            self.answers.read_line(&mut line).expect("headers");
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.answers.read_exact(&mut body).expect("the body");
        (status, body)
    }
}

/// One kept connection of many that one thread serves in turns.
pub struct Line {
    stream: tokio::net::TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Line {
    pub async fn open(address: SocketAddr) -> Self {
        let stream = tokio::net::TcpStream::connect(address).await.expect("the door is open");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, request: Vec::new(), answer: Vec::with_capacity(16_384) }
    }

    /// Posts an envelope; gives the status of the answer, which is read whole.
    pub async fn post(&mut self, envelope: &[u8]) -> u16 {
        self.request.clear();
        write!(
            self.request,
            "POST /v1/statements HTTP/1.1\r\nHost: ledger\r\nAccept: text/plain\r\nContent-Type: \
             application/vnd.dsse.envelope.v1+json\r\nContent-Length: {}\r\n\r\n",
            envelope.len()
        )
        .expect("memory");
        self.request.extend_from_slice(envelope);
        self.stream.write_all(&self.request).await.expect("the door takes it");
        self.answer.clear();
        let mut whole = None;
        while whole.is_none_or(|whole| self.answer.len() < whole) {
            let read = self.stream.read_buf(&mut self.answer).await.expect("an answer");
            assert!(read > 0, "the door closed before it answered");
            whole = whole.or_else(|| whole_length(&self.answer));
        }
        let head = std::str::from_utf8(&self.answer[..16]).expect("text");
        head.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status")
    }
}

/// Bytes of an answer, once its head is there.
fn whole_length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let lines = std::str::from_utf8(&answer[..head]).expect("text").lines();
    let mut lengths = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().expect("a length"))
    });
    Some(head + lengths.next().expect("the answer says how long it is"))
}
