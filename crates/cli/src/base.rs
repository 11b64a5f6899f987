//! The ledger as a command that says something found it: a folder that is read, one that is
//! written, or a server.
//! Invariant: the epoch that it names as seen was verified by this process: on a folder by
//! computing every verdict again, over a server by the log's signature and proofs.

use lian_core::{hash::Digest, json::Value};
use lian_domain::{guarantee::State, ledger::Ledger};
use lian_server::open::{OpenLedger, SystemKeys};
use lian_store::reader::Reader;

use crate::{
    act::last_verified_epoch,
    failure::{Exit, Failure, Result},
    folder::{View, take},
    remote::{Remote, failed},
    session::Session,
};

/// The ledger as this command found it.
pub enum Base {
    /// A folder that is read.
    Read(Box<(View, Ledger)>),
    /// A folder that is written.
    Write(Box<(OpenLedger, SystemKeys)>),
    /// A server.
    Far(Box<Remote>),
}

/// Whose key it is.
pub struct Holder {
    /// The actor.
    pub actor: String,
    /// What it may act as.
    pub capacities: Vec<String>,
    /// It may only vouch and revoke.
    pub recovery: bool,
}

impl Base {
    /// Opens what the session names.
    pub fn open(session: &Session, writes: bool) -> Result<Self> {
        if let Some(remote) = session.remote()? {
            return Ok(Self::Far(Box::new(remote)));
        }
        if writes {
            return take(&session.folder, &session.keyring, session.out).map(Box::new).map(Self::Write);
        }
        let view = session.view()?;
        let ledger = view.fold_all(session.out)?;
        Ok(Self::Read(Box::new((view, ledger))))
    }

    /// The fold of a folder.
    pub fn ledger(&self) -> Result<&Ledger> {
        self.near().map(|(ledger, _)| ledger)
    }

    fn near(&self) -> Result<(&Ledger, &Reader)> {
        match self {
            Self::Read(found) => Ok((&found.1, &found.0.reader)),
            Self::Write(found) => Ok((&found.0.ledger, found.0.store.reader())),
            Self::Far(_) => Err(Failure::usage("this is said on a ledger folder only").fix(
                "sign it to a file on the folder with --out FILE, then `lian submit --server URL FILE`",
            )),
        }
    }

    /// Id of the ledger.
    pub fn id(&self) -> Result<String> {
        match self {
            Self::Far(remote) => Ok(remote.client.genesis().map_err(failed)?.id.clone()),
            _ => Ok(self.ledger()?.id().to_owned()),
        }
    }

    /// The last epoch that was verified: number and root.
    pub fn last_epoch(&self) -> Result<(u64, Digest)> {
        if let Self::Far(remote) = self {
            let epoch = remote.client.last_epoch().map_err(failed)?;
            return Ok((epoch.number, epoch.root));
        }
        let (ledger, reader) = self.near()?;
        last_verified_epoch(ledger, reader)
    }

    /// Whose key this is. A server that lies here only spoils a statement that it would reject.
    pub fn holder(&self, id: &Digest) -> Result<Option<Holder>> {
        let Self::Far(remote) = self else {
            let own =
                |capacities: &[&'static str]| capacities.iter().map(|held| (*held).to_owned()).collect();
            return Ok(self.ledger()?.directory().key(id).map(|key| Holder {
                actor: key.actor.to_string(),
                capacities: own(&key.capacities),
                recovery: key.recovery,
            }));
        };
        let rows = rows(remote, "key", &id.to_hex())?;
        Ok(rows.first().map(|row| Holder {
            actor: row["actor"].as_str().unwrap_or_default().to_owned(),
            capacities: texts(&row["capacities"]),
            recovery: row["recovery"] == true,
        }))
    }

    /// The newest live key of an actor that holds a capacity.
    pub fn newest_key(&self, actor: &str, capacity: &str) -> Result<Option<Digest>> {
        let fits = |held: &[&str]| capacity == "holder" || held.contains(&capacity);
        let Self::Far(remote) = self else {
            let rows = lian_domain::views::keys::keys(self.ledger()?);
            let found = rows
                .iter()
                .rev()
                .find(|row| row.actor == actor && row.revoked.is_none() && fits(&row.capacities));
            return Ok(found.map(|row| row.id));
        };
        let rows = rows(remote, "actor", actor)?;
        let found = rows.iter().rev().find(|row| {
            let held = texts(&row["capacities"]);
            let held: Vec<&str> = held.iter().map(String::as_str).collect();
            row.get("revoked").is_none() && fits(&held)
        });
        Ok(found.and_then(|row| Digest::from_hex(row["id"].as_str()?)))
    }

    /// The version of a stream, for `expect`.
    pub fn version(&self, stream: &str) -> Result<u64> {
        let Self::Far(remote) = self else { return Ok(crate::when::version(self.ledger()?, stream)) };
        if let Some(no) = stream.strip_prefix("guarantee/") {
            let card = present(remote, no)?;
            return Ok(card.map_or(0, |card| card["version"].as_u64().unwrap_or_default()));
        }
        let parameters = lian_client::http::Listed::default().with("stream", Some(stream));
        let entries = remote.client.unverified().all("/v1/log/entries", &parameters).map_err(failed)?;
        let accepted = entries.iter().filter(|entry| entry["verdict"]["accepted"] == true);
        let events = accepted.flat_map(|entry| entry["events"].as_array().into_iter().flatten());
        Ok(events.filter(|event| event["stream"] == stream).count() as u64)
    }

    /// The state of a guarantee, if it was ever requested.
    pub fn guarantee(&self, stream: &str) -> Result<Option<State>> {
        let Self::Far(remote) = self else { return Ok(self.ledger()?.guarantee(stream).cloned()) };
        let no = stream.strip_prefix("guarantee/").unwrap_or(stream);
        present(remote, no)?.map(|card| state_of(&card["state"])).transpose()
    }
}

/// The state that a server shows.
pub fn state_of(shown: &serde_json::Value) -> Result<State> {
    let odd = |what: &dyn std::fmt::Display| Failure::new(Exit::Io, "answer", format!("the state: {what}"));
    let text = shown.to_string();
    let value = Value::read(text.as_bytes()).map_err(|error| odd(&error))?;
    State::from_value(&value).map_err(|error| odd(&error))
}

/// A guarantee as it is now; none if it was never requested.
fn present(remote: &Remote, no: &str) -> Result<Option<serde_json::Value>> {
    match remote.client.unverified().guarantee(no, None) {
        Ok(card) => Ok(Some(card)),
        Err(lian_client::http::Error::Problem(problem)) if problem.status == 404 => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn rows(remote: &Remote, name: &str, value: &str) -> Result<Vec<serde_json::Value>> {
    let parameters = lian_client::http::Listed::default().with(name, Some(value));
    let mut answer = remote.client.unverified().read("/v1/keys", &parameters).map_err(failed)?;
    Ok(answer["data"].as_array_mut().map(std::mem::take).unwrap_or_default())
}

fn texts(list: &serde_json::Value) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten();
    texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}
