//! A ledger behind a server, as the commands use it.
//! Invariant: the log key comes from the command line, from an earlier run, or is the one that
//! entry 0 claims, and then it is said so and kept: another key later is an error.

use std::{fs, path::PathBuf};

use lian_client::{
    http::{Client, Error, Listed, Options, Proved, Trust},
    seen::{SeenFolder, SeenMemory},
};
use lian_core::{note::VerifierKey, receipt::Receipt};
use lian_server::open::claimed_log_key;

use crate::{
    failure::{Exit, Failure, Result, exit_of_number},
    folder::{read_file, write_file},
    out::{Lang, Out},
    text::Text,
};

/// Bytes of a file of authorities.
const AUTHORITIES_BYTES_MAX: u64 = 4 << 20;
/// Where systems keep the authorities that they trust.
const AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Which server, and what is known of it.
pub struct Far {
    /// Its address.
    pub url: String,
    /// Its log key, from outside.
    pub key: Option<String>,
    /// Who may vouch for it.
    pub authorities: Option<PathBuf>,
    /// Where checkpoints are remembered.
    pub seen: PathBuf,
}

/// A server that is talked to.
pub struct Remote {
    /// The client.
    pub client: Client,
}

impl Remote {
    /// Finds the log's key and makes sure that entry 0 names it.
    pub fn open(far: &Far, out: Out) -> Result<Self> {
        let options = far.options(out)?;
        let kept = far.seen.join(format!("{}.vkey", plain(&far.url)));
        let (text, claimed) = match (&far.key, fs::read_to_string(&kept)) {
            (Some(text), _) => (text.clone(), false),
            (None, Ok(text)) => (text, false),
            (None, Err(_)) => (far.claimed(&options)?.to_string(), true),
        };
        let key = VerifierKey::parse(text.trim())
            .map_err(|error| Failure::usage(format!("the log key {text:?}: {error}")))?;
        let store = SeenFolder::new(&far.seen);
        let client = Client::with_options(&far.url, Trust::key(key.clone()), store, options);
        let remote = Self { client: client.map_err(failed)? };
        remote.client.genesis().map_err(failed)?;
        if claimed {
            out.talk(out.text(Text::LogKeyClaimed, &[&key.name(), &key]));
            fs::create_dir_all(&far.seen).map_err(|error| Failure::io(&far.seen, error))?;
            write_file(&kept, format!("{key}\n").as_bytes())?;
        }
        Ok(remote)
    }
}

impl Far {
    fn options(&self, out: Out) -> Result<Options> {
        let language = if out.lang == Lang::Zh { "zh-TW" } else { "en" };
        let mut options = Options { language: language.to_owned(), ..Options::default() };
        if self.url.starts_with("https://") {
            let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
            let usual = || AUTHORITIES.iter().map(PathBuf::from).find(|path| path.exists());
            let file = self.authorities.clone().or(named).or_else(usual).ok_or_else(|| {
                Failure::usage("no file of certificate authorities is known").fix("name one with --ca FILE")
            })?;
            options.authorities = Some(read_file(&file, AUTHORITIES_BYTES_MAX)?);
        }
        Ok(options)
    }

    /// The log key that entry 0 claims.
    fn claimed(&self, options: &Options) -> Result<VerifierKey> {
        // Any key will do to ask: nothing of the answer is believed yet.
        let nobody = VerifierKey::parse(NOBODY).map_err(Failure::usage)?;
        let client =
            Client::with_options(&self.url, Trust::key(nobody), SeenMemory::default(), options.clone());
        let client = client.map_err(failed)?;
        let answer =
            client.unverified().read("/v1/log/entries/0/receipt", &Listed::default()).map_err(failed)?;
        let file = answer["tlog_proof"].as_str().unwrap_or_default();
        let receipt = Receipt::parse(file.as_bytes()).ok();
        let payload = receipt.as_ref().and_then(|receipt| Some(receipt.entry().ok()?.payload));
        let claimed = payload.and_then(claimed_log_key).map(|(_, key)| key);
        claimed.ok_or_else(|| {
            Failure::new(Exit::Failed, "not-verified", "the server shows no entry 0 of a ledger")
        })
    }
}

/// A well-formed key of nobody: that of the seed of 32 zeros.
const NOBODY: &str = "nobody+c65299d2+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";

/// A name for a file.
fn plain(url: &str) -> String {
    url.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '_' })
        .collect()
}

/// What the client says, as commands say it.
pub fn failed(error: Error) -> Failure {
    match error {
        Error::Rejected(rejected) => {
            let note = &rejected.note;
            Failure::new(exit_of_number(note.code), &note.name, &note.detail)
                .fix(format!("lian help {}", note.name))
        }
        Error::Problem(problem) => {
            let exit = match problem.status {
                401 | 403 => Exit::NotAuthorised,
                400 | 404 | 405 | 413..=415 => Exit::Usage,
                409 | 412 => Exit::Conflict,
                _ => Exit::Io,
            };
            let code = if problem.code.is_empty() { "server" } else { &problem.code };
            let mut failure = Failure::new(exit, code, &problem.detail);
            if !problem.request_id.is_empty() {
                failure = failure.because(format!("request {}", problem.request_id));
            }
            if problem.hint.is_empty() { failure } else { failure.fix(&problem.hint) }
        }
        Error::Fork(fork) => {
            let mut failure = Failure::new(Exit::Failed, "fork", Error::Fork(fork.clone()))
                .because(format!("seen  {} {}", fork.seen.size, fork.seen.root))
                .because(format!("now   {} {}", fork.new.size, fork.new.root));
            if let Some(evidence) = &fork.evidence {
                failure = failure.because(format!("both checkpoints, signed by the log, are in {evidence}"));
            }
            failure.fix("sign nothing, keep that file, and compare checkpoints with others at once")
        }
        Error::Doubt(_) => Failure::new(Exit::Failed, "not-verified", &error)
            .fix("keep the answer as evidence; compare checkpoints with others"),
        Error::Unreachable { .. } => Failure::new(Exit::Io, "unreachable", &error)
            .fix("repeat the command: a statement that is sent twice counts once"),
        Error::Answer(_) => Failure::new(Exit::Io, "answer", &error),
        Error::Store(_) => Failure::new(Exit::Io, "io", &error),
        Error::Address(_) | Error::Trust(_) => Failure::usage(&error),
    }
}

/// An entry by its receipt; none if it is not for this reader.
pub fn readable(remote: &Remote, index: u64) -> Result<Option<Proved>> {
    match remote.client.entry(index) {
        Ok(proved) => Ok(Some(proved)),
        Err(Error::Problem(problem)) if problem.status == 403 => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_nobody_is_well_formed() {
        assert!(VerifierKey::parse(NOBODY).is_ok());
    }
}
