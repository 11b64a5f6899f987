//! A connection that must make progress: deadlines for an idle client, for the head of a request
//! and for a reader that does not read.
//! Invariant: no connection stays open for longer than its deadlines without doing something; a
//! head that names two lengths is seen here, because the parser behind would choose one silently.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// What is read and thrown away after the last answer, so that the client gets to read it.
const LINGER_BYTES_MAX: usize = 1 << 20;
const LINGER: Duration = Duration::from_secs(1);
/// Bytes of a head that are looked at for two lengths.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between requests.
    pub idle: Duration,
    /// For the head of a request, from its first byte.
    pub head: Duration,
    /// To take any byte of an answer.
    pub write: Duration,
}

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;

/// Where a connection stands; shared with whoever answers its requests.
#[derive(Debug, Default)]
pub struct Phase {
    phase: AtomicU8,
    two_lengths: AtomicBool,
}

impl Phase {
    /// A whole head was read. Returns whether it named both ways to say how long its body is.
    pub fn begin(&self) -> bool {
        self.phase.store(BUSY, Ordering::SeqCst);
        self.two_lengths.swap(false, Ordering::SeqCst)
    }

    /// The answer is out.
    pub fn end(&self) {
        self.phase.store(IDLE, Ordering::SeqCst);
    }
}

/// The connection.
pub struct Paced<S> {
    io: S,
    pace: Pace,
    phase: Arc<Phase>,
    /// The phase for which the timer was set.
    timed: u8,
    timer: Pin<Box<Sleep>>,
    stalled: Option<Pin<Box<Sleep>>>,
    lingering: Option<usize>,
    head: Vec<u8>,
}

impl<S> Paced<S> {
    /// Begins idle, with the deadline of a head: who connects has something to say.
    pub fn new(io: S, pace: Pace, phase: Arc<Phase>) -> Self {
        let timer = Box::pin(sleep_until(Instant::now() + pace.head));
        Self { io, pace, phase, timed: IDLE, timer, stalled: None, lingering: None, head: Vec::new() }
    }

    /// Sets the timer anew if the phase has changed; returns whether one runs.
    fn set_timer(&mut self) -> bool {
        let phase = self.phase.phase.load(Ordering::SeqCst);
        if phase != self.timed {
            self.timed = phase;
            let time = if phase == HEAD { self.pace.head } else { self.pace.idle };
            self.timer.as_mut().reset(Instant::now() + time);
        }
        phase != BUSY
    }

    /// Bytes have come between two requests: they are a head, or a part of one.
    fn look_at(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.phase.phase.compare_exchange(IDLE, HEAD, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            self.head.clear();
            // A head has its deadline from its own first byte. Nobody may have looked since the head
            // before: then the timer still is that one's.
            self.timed = IDLE;
        } else if self.phase.phase.load(Ordering::SeqCst) == BUSY {
            return;
        }
        let room = HEAD_BYTES_MAX.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if names_two_lengths(&self.head) {
            self.phase.two_lengths.store(true, Ordering::SeqCst);
        }
    }
}

/// Whether a head has both `Content-Length` and `Transfer-Encoding`, or one of them twice.
fn names_two_lengths(bytes: &[u8]) -> bool {
    let mut count = 0;
    for line in bytes.split(|byte| *byte == b'\n').skip(1) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
        let length = [&b"content-length"[..], b"transfer-encoding"];
        count += usize::from(length.iter().any(|known| name.eq_ignore_ascii_case(known)));
    }
    count > 1
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        match Pin::new(&mut this.io).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                this.look_at(&buf.filled()[before..]);
                this.set_timer();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                if this.set_timer() {
                    ready!(this.timer.as_mut().poll(cx));
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                Poll::Pending
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Paced<S> {
    /// A write that waits for longer than is allowed is an error.
    fn hurry(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if poll.is_ready() {
            self.stalled = None;
            return poll;
        }
        let time = self.pace.write;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + time)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.hurry(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.io).poll_write_vectored(cx, parts);
        self.hurry(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.io).poll_flush(cx).map_ok(|()| 0);
        self.hurry(cx, poll).map_ok(|_| ())
    }

    /// Closes for writing, then reads on for a moment: closing with unread bytes would reset the
    /// connection, and the client would lose the answer.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            this.lingering = Some(LINGER_BYTES_MAX);
            this.timer.as_mut().reset(Instant::now() + LINGER);
        }
        let mut scratch = [0; 4_096];
        while let Some(left) = this.lingering.filter(|left| *left > 0) {
            let mut buf = ReadBuf::new(&mut scratch);
            match Pin::new(&mut this.io).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    this.lingering = Some(left.saturating_sub(buf.filled().len()));
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    ready!(this.timer.as_mut().poll(cx));
                    break;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_with_two_lengths_is_noticed_and_a_body_that_looks_like_one_is_not() {
        let two = [
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nCONTENT-LENGTH : 3\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
        ];
        assert!(two.iter().all(|head| names_two_lengths(head.as_bytes())));
        let one =
            "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n";
        assert!(!names_two_lengths(one.as_bytes()));
    }
}
