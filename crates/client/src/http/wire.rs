//! Requests and answers, with patience: what may be repeated is repeated.
//! Invariant: a request is repeated only with the same bytes, and only where that is harmless:
//! reads, and statements, which the log takes once.
//! Limits: plain HTTP to loopback only; no redirects; heads of 32 KiB; bodies of 64 MiB.

use std::{fmt, io::Read, sync::Arc, thread, time::Duration};

use serde_json::Value;
use ureq::{Agent, Body, http::Response};

use super::error::{Error, Problem, bad_answer};

/// Bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// For the connection.
const CONNECT: Duration = Duration::from_secs(10);
/// For an answer to begin: a commit under load, a fold of the past.
const ANSWER: Duration = Duration::from_mins(1);
/// Silence after which the tail is taken for dead; the server says something every 15 seconds.
const SILENCE: Duration = Duration::from_secs(45);

/// How often and how long a request is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Tries in all, at least 1.
    pub tries: u32,
    /// Wait before the second try; doubles each time, half of it by chance.
    pub wait: Duration,
    /// The longest wait. A server that asks for a longer one gets no further try.
    pub wait_max: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: 8, wait: Duration::from_millis(100), wait_max: Duration::from_secs(10) }
    }
}

/// How to talk.
#[derive(Clone)]
pub struct Options {
    /// How often and how long.
    pub patience: Patience,
    /// Language of problems: `zh-TW` or `en`.
    pub language: String,
    /// PEM file of the authorities that may vouch for the server; for https only.
    pub authorities: Option<Vec<u8>>,
    /// How to wait.
    pub sleep: Arc<dyn Fn(Duration) + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            patience: Patience::default(),
            language: "en".to_owned(),
            authorities: None,
            sleep: Arc::new(thread::sleep),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("patience", &self.patience)
            .field("language", &self.language)
            .finish_non_exhaustive()
    }
}

/// An answer that came whole.
pub(super) struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    retry_after_s: Option<u64>,
}

impl Answer {
    pub(super) fn json(&self) -> Result<Value, Error> {
        serde_json::from_slice(&self.body)
            .map_err(|error| bad_answer(format!("status {}: {error}", self.status)))
    }

    pub(super) fn problem(&self) -> Error {
        let body = self.json().unwrap_or_default();
        Error::Problem(Box::new(Problem::read(self.status, self.retry_after_s, &body)))
    }

    /// Whether a later try may end better. A signed rejection is an answer, not a hiccup.
    fn is_passing(&self) -> bool {
        let passing = matches!(self.status, 408 | 429 | 502 | 503 | 504);
        passing && self.json().map_or(true, |body| body.get("rejection").is_none())
    }
}

pub(super) struct Wire {
    agent: Agent,
    base: String,
    options: Options,
}

impl Wire {
    pub(super) fn new(url: &str, options: Options) -> Result<Self, Error> {
        let base = url.trim_end_matches('/').to_owned();
        let (scheme, rest) = base.split_once("://").unwrap_or_default();
        let authority = rest.split('/').next().unwrap_or_default();
        match scheme {
            _ if authority.is_empty() || authority.contains('@') => {
                return Err(Error::Address(format!("{url:?} is no address such as https://ledger.example")));
            }
            "https" if cfg!(feature = "tls") => {}
            "http" if is_loopback(authority) => {}
            "http" => {
                let what = format!("{url} is not encrypted and not on this machine; use https://");
                return Err(Error::Address(what));
            }
            "https" => return Err(Error::Address("this program was built without TLS".to_owned())),
            _ => return Err(Error::Address(format!("{scheme}:// is not spoken here; use https://"))),
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("lian-client/", env!("CARGO_PKG_VERSION")))
            .max_response_header_size(32 << 10)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_per_read(Some(SILENCE));
        let config = if is_loopback(authority) { config.proxy(None) } else { config };
        #[cfg(feature = "tls")]
        let config = config.tls_config(tls(options.authorities.as_deref())?);
        Ok(Self { agent: config.build().new_agent(), base, options })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// JSON of a success; any other answer is an error.
    pub(super) fn json(&self, path: &str) -> Result<Value, Error> {
        let answer = self.get(path, "application/json")?;
        if answer.status == 200 { answer.json() } else { Err(answer.problem()) }
    }

    /// Bytes of a success; any other answer is an error.
    pub(super) fn bytes(&self, path: &str) -> Result<Vec<u8>, Error> {
        let answer = self.get(path, "*/*")?;
        if answer.status == 200 { Ok(answer.body) } else { Err(answer.problem()) }
    }

    fn get(&self, path: &str, accept: &str) -> Result<Answer, Error> {
        self.patiently(|| {
            let request = self.agent.get(format!("{}{path}", self.base)).header("Accept", accept);
            whole(request.header("Accept-Language", &self.options.language).call()?)
        })
    }

    /// Sends a body: the same bytes at each try.
    pub(super) fn post(
        &self,
        path: &str,
        (content_type, accept): (&str, &str),
        body: &[u8],
    ) -> Result<Answer, Error> {
        self.patiently(|| {
            let request = self.agent.post(format!("{}{path}", self.base)).content_type(content_type);
            let request = request.header("Accept-Language", &self.options.language);
            whole(request.header("Accept", accept).send(body)?)
        })
    }

    /// Opens a stream of events, once; `last` is the last one that was received.
    pub(super) fn events(&self, path: &str, last: Option<u64>) -> Result<impl Read + Send + use<>, Error> {
        let mut request =
            self.agent.get(format!("{}{path}", self.base)).header("Accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last.to_string());
        }
        let gone = |error: ureq::Error| Error::Unreachable { tries: 1, what: error.to_string() };
        let response = request.call().map_err(gone)?;
        if response.status() == 200 {
            return Ok(response.into_body().into_reader());
        }
        let answer = whole(response).map_err(gone)?;
        if answer.is_passing() {
            return Err(Error::Unreachable { tries: 1, what: answer.problem().to_string() });
        }
        Err(answer.problem())
    }

    fn patiently(&self, send: impl Fn() -> Result<Answer, ureq::Error>) -> Result<Answer, Error> {
        let mut tries = 0;
        loop {
            let tried = send();
            tries += 1;
            let (asked_s, end) = match tried {
                Ok(answer) if !answer.is_passing() => return Ok(answer),
                Ok(answer) => (answer.retry_after_s, Ok(answer)),
                Err(error) => (None, Err(error.to_string())),
            };
            let Some(wait) = self.wait(tries, asked_s) else {
                return end.map_err(|what| Error::Unreachable { tries, what });
            };
            (self.options.sleep)(wait);
        }
    }

    /// How long to wait after so many tries; nothing once patience has ended.
    pub(super) fn wait(&self, tries: u32, asked_s: Option<u64>) -> Option<Duration> {
        let Patience { tries: most, wait, wait_max } = self.options.patience;
        if tries >= most {
            return None;
        }
        let grown = wait.saturating_mul(1 << (tries - 1).min(16)).min(wait_max);
        let asked = asked_s.map(Duration::from_secs);
        if asked.is_some_and(|asked| asked > wait_max) {
            return None;
        }
        Some(asked.unwrap_or_default().max(grown / 2 + chance(grown / 2)))
    }

    pub(super) fn sleep(&self, wait: Duration) {
        (self.options.sleep)(wait);
    }
}

/// Anything from nothing to all of it, so that many who failed together do not come back together.
fn chance(most: Duration) -> Duration {
    let mut bytes = [0; 2];
    // Without randomness everybody waits the whole time.
    let drawn = getrandom::fill(&mut bytes).map_or(u16::MAX, |()| u16::from_be_bytes(bytes));
    most / u32::from(u16::MAX) * u32::from(drawn)
}

fn whole(mut response: Response<Body>) -> Result<Answer, ureq::Error> {
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let retry_after_s = retry_after.and_then(|text| text.parse().ok());
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
    Ok(Answer { status, body, retry_after_s })
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(feature = "tls")]
fn tls(authorities: Option<&[u8]>) -> Result<ureq::tls::TlsConfig, Error> {
    use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
    let builder = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let mut certificates = Vec::new();
    for item in parse_pem(authorities.unwrap_or_default()) {
        if let PemItem::Certificate(certificate) =
            item.map_err(|error| Error::Address(format!("the authorities' file: {error}")))?
        {
            certificates.push(certificate);
        }
    }
    Ok(builder.root_certs(RootCerts::Specific(Arc::new(certificates))).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        for fine in
            ["http://127.0.0.1:8790", "http://localhost:8790/", "http://[::1]:8790", "http://127.0.0.1"]
        {
            assert!(Wire::new(fine, Options::default()).is_ok(), "{fine}");
        }
        for bad in
            ["http://ledger.example", "http://127.0.0.1@evil.example", "ftp://127.0.0.1", "127.0.0.1:80", ""]
        {
            assert!(Wire::new(bad, Options::default()).is_err(), "{bad}");
        }
    }

    #[test]
    fn waits_grow_to_a_bound_and_a_server_that_asks_for_more_gets_no_further_try() {
        let wire = Wire::new("http://127.0.0.1:1", Options::default()).unwrap();
        let Patience { wait_max, tries, .. } = Patience::default();
        for tried in 1..tries {
            assert!(wire.wait(tried, None).unwrap() <= wait_max, "{tried}");
        }
        assert!(wire.wait(7, None).unwrap() >= Duration::from_secs(3));
        assert_eq!(wire.wait(tries, None), None);
        assert!(wire.wait(1, Some(2)).unwrap() >= Duration::from_secs(2));
        assert_eq!(wire.wait(1, Some(3_600)), None);
    }
}
