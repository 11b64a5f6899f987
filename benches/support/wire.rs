//! HTTP/1.1 by hand over loopback, so that the client costs as little as a client can.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpStream},
};

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

    /// Posts an envelope; gives the status of the answer, which is read whole.
    pub fn post(&mut self, envelope: &[u8]) -> u16 {
        self.request.clear();
        write!(
            self.request,
            "POST /v1/statements HTTP/1.1\r\nHost: ledger\r\nContent-Type: \
             application/vnd.dsse.envelope.v1+json\r\nContent-Length: {}\r\n\r\n",
            envelope.len()
        )
        .expect("memory");
        self.request.extend_from_slice(envelope);
        self.exchange().0
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
