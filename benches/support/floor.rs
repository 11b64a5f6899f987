//! The least that a service of signed statements can do behind the same door: HTTP, the signatures, one
//! sync for whatever waits, an answer as long as a receipt. It keeps no tree, judges nothing, proves
//! nothing and is told beforehand whose signature each is. No ledger behind this door is faster.

use std::{
    collections::HashMap,
    fs::File,
    net::SocketAddr,
    os::unix::fs::FileExt,
    path::Path,
    sync::{Arc, mpsc},
    thread,
};

use lian_core::{
    keys::PublicKey,
    statement::{Envelope, STATEMENT_TYPE, pae},
};
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot};
use warp::{Filter as _, http::StatusCode};

use super::cores;

/// Bytes of an answer: about those of a receipt with a proof among 100,000.
const ANSWER_BYTES: usize = 1_500;
/// The file is written in turns from its beginning, into bytes that were written before.
const FILE_BYTES: usize = 64 << 20;

/// Whose signature each is, told beforehand.
pub type Signers = HashMap<Vec<u8>, PublicKey>;

/// What waits for the disk: the envelope, and who is told.
type Waiting = (bytes::Bytes, oneshot::Sender<()>);

/// A running floor.
pub struct Floor {
    pub address: SocketAddr,
    runtime: Runtime,
    syncs: thread::JoinHandle<()>,
}

impl Floor {
    pub fn start(folder: &Path, signers: Signers) -> Self {
        let file = File::create(folder.join("floor")).expect("a file can be made");
        file.write_all_at(&vec![0; FILE_BYTES], 0).expect("a file can be written");
        file.sync_all().expect("a file can be synced");
        let (sender, receiver) = mpsc::channel();
        let syncs = thread::spawn(move || sync_all(&file, &receiver));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(cores())
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = runtime.block_on(listener).expect("a port is free");
        let address = listener.local_addr().expect("an address");
        let signers = Arc::new(signers);
        let post = warp::path!("v1" / "statements").and(warp::post()).and(warp::body::bytes());
        let route = post.then(move |body: bytes::Bytes| take(body, Arc::clone(&signers), sender.clone()));
        runtime.spawn(warp::serve(route).incoming(listener).run());
        Self { address, runtime, syncs }
    }

    pub fn stop(self) {
        self.runtime.shutdown_timeout(std::time::Duration::from_secs(5));
        self.syncs.join().expect("the disk holds");
    }
}

async fn take(
    body: bytes::Bytes,
    signers: Arc<Signers>,
    queue: mpsc::Sender<Waiting>,
) -> warp::http::Response<String> {
    let answer = |status: StatusCode, text: String| {
        warp::http::Response::builder().status(status).body(text).expect("an answer")
    };
    let Ok(envelope) = Envelope::read(&body) else { return answer(StatusCode::BAD_REQUEST, String::new()) };
    let message = pae(STATEMENT_TYPE, &envelope.payload);
    let good =
        |signature: &Vec<u8>| signers.get(signature).is_some_and(|key| key.verify(&message, signature));
    if !envelope.signatures.iter().all(good) {
        return answer(StatusCode::BAD_REQUEST, String::new());
    }
    let (told, synced) = oneshot::channel();
    if queue.send((body, told)).is_err() || synced.await.is_err() {
        return answer(StatusCode::SERVICE_UNAVAILABLE, String::new());
    }
    answer(StatusCode::CREATED, "r".repeat(ANSWER_BYTES))
}

/// One write and one sync for all that wait.
fn sync_all(file: &File, queue: &mpsc::Receiver<Waiting>) {
    let (mut bytes, mut at) = (Vec::new(), 0);
    while let Ok(first) = queue.recv() {
        let waiting: Vec<Waiting> = std::iter::once(first).chain(queue.try_iter()).collect();
        bytes.clear();
        waiting.iter().for_each(|(body, _)| bytes.extend_from_slice(body));
        if at + bytes.len() > FILE_BYTES {
            at = 0;
        }
        file.write_all_at(&bytes, at as u64).expect("a file can be written");
        file.sync_data().expect("a file can be synced");
        at += bytes.len();
        for (_, told) in waiting {
            // Whoever has gone needs no answer.
            let _gone = told.send(());
        }
    }
}
