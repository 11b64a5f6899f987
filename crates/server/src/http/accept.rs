//! The accept loop: connections in, each with its permit, its deadlines and, if there is a
//! certificate, its encryption.
//! Invariant: no more connections than there are permits, and no more of one address than it may
//! have; whoever comes beyond them is told so and closed. HTTP/1.1 only.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{
    App,
    limits::{Place, Places},
    paced::{Paced, Phase},
    shell::Shell,
};

/// Bytes of the head of a request.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// Lines of the head of a request.
const HEADERS_MAX: usize = 64;
/// Connections that are being told that there are too many.
const REFUSED_AT_ONCE: usize = 64;
/// When the system has no more descriptors, the loop waits for so long.
const RETRY: Duration = Duration::from_millis(50);

/// The problem of one connection too many: nobody has asked anything yet, so it has no request.
const TOO_MANY: &str = "{\"type\":\"/problems/busy\",\"title\":\"too much is waiting\",\"status\":503,\
                        \"code\":\"busy\",\"detail\":\"too many connections\"}";

/// Reads certificate chain and key; the error says which file is wrong.
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, String> {
    let says = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let chain: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain = chain.map_err(|error| says(certificate, &error))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| says(key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, secret));
    let mut config = config.map_err(|error| says(certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Accepts until told to stop, then waits for what was begun, up to the deadline.
pub async fn run(listener: TcpListener, app: Arc<App>, tls: Option<TlsAcceptor>) {
    let shell = Shell::new(Arc::clone(&app));
    let permits = Arc::new(Semaphore::new(app.config.connections_max));
    let places = Arc::<Places>::default();
    let refusing = Arc::new(Semaphore::new(REFUSED_AT_ONCE));
    let graceful = GracefulShutdown::new();
    let mut stop: watch::Receiver<bool> = app.stop.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stopping| *stopping) => break,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(RETRY).await;
            continue;
        };
        let near = peer.ip().to_canonical().is_loopback();
        let config = &app.config;
        let most = if near { config.connections_of_loopback } else { config.connections_per_address };
        let place = places.take(peer.ip(), most);
        let permit = Arc::clone(&permits).try_acquire_owned().ok();
        let (Some(place), Some(permit)) = (place, permit) else {
            app.metrics.connections_refused.inc();
            if let Ok(place) = Arc::clone(&refusing).try_acquire_owned() {
                tokio::spawn(refuse(stream, place));
            }
            continue;
        };
        // Answers are whole when they are written: waiting to fill packets only delays them.
        let _unsupported = stream.set_nodelay(true);
        let held = (permit, place);
        let connection = Connection { shell: shell.clone(), app: Arc::clone(&app), peer, _held: held };
        let watcher = graceful.watcher();
        match tls.clone() {
            None => drop(tokio::spawn(connection.serve(stream, watcher))),
            Some(tls) => drop(tokio::spawn(async move {
                let limit = connection.app.config.pace.head;
                if let Ok(Ok(stream)) = timeout(limit, tls.accept(stream)).await {
                    connection.serve(stream, watcher).await;
                }
            })),
        }
    }
    drop(listener);
    if timeout(app.config.stop_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were cut at the deadline of the stop");
    }
}

async fn refuse(mut stream: TcpStream, _place: OwnedSemaphorePermit) {
    let head = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n\
                Content-Language: en\r\nRetry-After: 5\r\nConnection: close\r\n";
    let answer = format!("{head}Content-Length: {}\r\n\r\n{TOO_MANY}", TOO_MANY.len());
    // Whoever does not take it goes without.
    let _told = timeout(Duration::from_secs(1), async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    })
    .await;
}

struct Connection {
    shell: Shell,
    app: Arc<App>,
    peer: SocketAddr,
    _held: (OwnedSemaphorePermit, Place),
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.app.metrics.connections.dec();
    }
}

impl Connection {
    async fn serve<S>(self, stream: S, watcher: hyper_util::server::graceful::Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.app.metrics.connections.inc();
        let phase = Arc::new(Phase::default());
        let io = TokioIo::new(Paced::new(stream, self.app.config.pace, Arc::clone(&phase)));
        let (shell, peer) = (self.shell.clone(), self.peer);
        let service = service_fn(move |request| shell.clone().answer(request, peer, Arc::clone(&phase)));
        let mut builder = http1::Builder::new();
        builder.header_read_timeout(None).max_buf_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
        let connection = watcher.watch(builder.serve_connection(io, service));
        if let Err(error) = connection.await {
            let slow = std::error::Error::source(&error)
                .and_then(|source| source.downcast_ref::<std::io::Error>())
                .is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut);
            if slow {
                self.app.metrics.connections_slow.inc();
            }
            tracing::debug!(peer = %self.peer.ip(), error = %error, "a connection ended");
        }
    }
}
