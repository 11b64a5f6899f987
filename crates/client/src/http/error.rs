//! Why there is no result, each with what a program or a person needs to go on.

use lian_core::{checkpoint::Checkpoint, statement::Envelope};
use lian_domain::rejection::RejectionNote;
use serde_json::Value;
use thiserror::Error;

use crate::answer::Doubt;

/// Why there is no result.
#[derive(Debug, Error)]
pub enum Error {
    /// The statement was turned away and not logged; the signed answer was verified.
    #[error("turned away: {} {}: {}", .0.note.code, .0.note.name, .0.note.detail)]
    Rejected(Box<Rejected>),
    /// The server did not serve the request. Nobody signed this.
    #[error("{} {}: {}", .0.status, .0.code, .0.detail)]
    Problem(Box<Problem>),
    /// The log contradicts what it signed before.
    #[error("fork: the log signed size {} before, shows size {} now, and does not prove that one extends the other", .0.seen.size, .0.new.size)]
    Fork(Box<Fork>),
    /// The answer does not verify. It may be evidence.
    #[error("not believed: {0}")]
    Doubt(#[from] Doubt),
    /// Nobody answered, as often as patience allows. What was sent may or may not be in the log;
    /// sending the same bytes again is safe.
    #[error("no answer after {tries} tries: {what}")]
    Unreachable {
        /// How often it was tried.
        tries: u32,
        /// What happened last.
        what: String,
    },
    /// The answer is not of the shape that the interface has.
    #[error("the answer cannot be read: {0}")]
    Answer(String),
    /// The memory of this side failed.
    #[error("the memory of checkpoints: {0}")]
    Store(String),
    /// The address is not one to talk to.
    #[error("{0}")]
    Address(String),
    /// The policy does not say whom to believe.
    #[error("{0}")]
    Trust(String),
}

/// A signed rejection, verified.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// What it says.
    pub note: RejectionNote,
    /// The signed answer, to keep.
    pub signed: Envelope,
    /// For a stale version, the present one, as the server says; nobody signed this.
    pub current_version: Option<u64>,
}

/// An answer that is no success, RFC 9457. Nobody signed it.
#[derive(Debug, Clone, Default)]
pub struct Problem {
    /// Status.
    pub status: u16,
    /// Stable name; empty if the answer was no problem+json.
    pub code: String,
    /// What is wrong.
    pub detail: String,
    /// How to mend it.
    pub hint: String,
    /// What names the request in the server's logs.
    pub request_id: String,
    /// Seconds after which to come again.
    pub retry_after_s: Option<u64>,
}

/// Two checkpoints of one log that contradict each other.
#[derive(Debug, Clone)]
pub struct Fork {
    /// What was seen before.
    pub seen: Checkpoint,
    /// What is shown now.
    pub new: Checkpoint,
    /// The first, as the log signed it.
    pub seen_note: Vec<u8>,
    /// The second.
    pub new_note: Vec<u8>,
    /// Where both were saved.
    pub evidence: Option<String>,
}

impl Problem {
    /// Reads the body of an answer that is no success.
    pub(super) fn read(status: u16, retry_after_s: Option<u64>, body: &Value) -> Self {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let detail = match text("detail") {
            empty if empty.is_empty() => format!("the server answered with status {status}"),
            detail => detail,
        };
        Self {
            status,
            code: text("code"),
            detail,
            hint: text("hint"),
            request_id: text("request_id"),
            retry_after_s,
        }
    }
}

/// The answer is not of its shape.
pub(super) fn bad_answer(what: impl Into<String>) -> Error {
    Error::Answer(what.into())
}

/// A checkpoint, receipt or leaf that does not hold.
pub(super) fn doubtful(what: impl std::fmt::Display) -> Error {
    Error::Doubt(Doubt::Receipt(what.to_string()))
}
