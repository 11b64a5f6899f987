//! A sample ledger behind a listening server.

use std::{net::SocketAddr, sync::Arc};

use lian_client::sample::{House, SAMPLE_NAME};
use lian_core::{
    note::{SignatureType, VerifierKey},
    statement::Envelope,
};
use lian_server::{
    clock::TestClock,
    http::{Config, Running as Server, limits::Rate, serve},
    service::Service,
};

use super::{Running, START_S, browser::Browser, found};

/// The ledger, its house, and the server.
pub struct Door {
    pub house: House,
    pub ledger: String,
    pub server: Option<Server>,
    pub log: VerifierKey,
    _folder: tempfile::TempDir,
}

/// What the log's signatures are checked with.
pub fn log_key(house: &House) -> VerifierKey {
    VerifierKey::new(SAMPLE_NAME, SignatureType::Ed25519, house.key("log").public()).unwrap()
}

/// Limits off, and the clock of the sample, whatever day it is; everything else as a server has it.
pub fn config() -> Config {
    let mut config = Config::new(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.per_address = Rate::NONE;
    config.per_key = Rate::NONE;
    config.clock = Arc::new(TestClock::at(u64::try_from(START_S).unwrap() * 1_000));
    config
}

/// A ledger with everybody of the house in it, served.
pub fn open(config: Config) -> Door {
    let folder = tempfile::tempdir().unwrap();
    let Running { house, service, ledger, .. } = found(folder.path(), 1);
    let log = log_key(&house);
    let server = serve(Arc::new(service), config).unwrap();
    Door { house, ledger, server: Some(server), log, _folder: folder }
}

impl Door {
    pub fn address(&self) -> SocketAddr {
        self.server.as_ref().unwrap().address()
    }

    pub fn browser(&self) -> Browser {
        Browser::open(self.address())
    }

    pub fn service(&self) -> &Arc<Service> {
        self.server.as_ref().unwrap().service()
    }

    /// Hands in without HTTP.
    pub fn submit(&self, envelopes: &[Envelope]) {
        let bytes = envelopes.iter().map(Envelope::write).collect();
        self.service().submit_and_wait(bytes).unwrap();
    }

    /// Stops server and ledger, whole.
    pub fn close(mut self) {
        let service = self.server.take().unwrap().stop();
        Arc::into_inner(service).expect("nobody else holds the ledger").close().unwrap();
    }
}
