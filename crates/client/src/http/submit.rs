//! Handing in a statement.
//! Invariant: the same bytes at each try, so that whatever was lost on the way is harmless; what
//! is returned is in the log, with a receipt for these very bytes that was verified here.

use lian_core::{
    entry::Verdict,
    statement::{Envelope, REJECTION_TYPE, statement_digest},
};
use lian_domain::refusal::Refusal;
use serde_json::Value;

use super::{
    Client, Proved, Rejected,
    error::{Error, Problem, bad_answer},
    value::{number, text},
    wire::Answer,
};
use crate::answer::{Doubt, open_rejection};

const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
/// The receipt file alone; problems stay JSON.
const RECEIPT: &str = "text/plain";

/// What became of a statement: it is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its events happened.
    Accepted(Proved),
    /// A business rule turned it down, on the record.
    Refused(Proved),
}

impl Outcome {
    /// Entry and receipt.
    pub fn proved(&self) -> &Proved {
        match self {
            Self::Accepted(proved) | Self::Refused(proved) => proved,
        }
    }

    /// Its events happened.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }
}

/// What the server says that it would answer. Nobody signed this, save a rejection.
#[derive(Debug, Clone)]
pub enum Rehearsal {
    /// It would be accepted.
    Accepted,
    /// A rule would turn it down: number and name.
    Refused {
        /// Number of the refusal.
        code: u16,
        /// Its name.
        name: String,
        /// Which event.
        event: u16,
    },
    /// It would be turned away.
    Rejected(Box<Problem>),
    /// It is in the log already.
    Logged {
        /// Its entry.
        entry: u64,
        /// Its verdict there.
        verdict: Verdict,
    },
}

impl Client {
    /// Hands in a signed statement and waits until it is in the log. Safe to repeat, here or by
    /// the caller: the log takes the same statement once and answers with its first place.
    pub fn submit(&self, envelope: &Envelope) -> Result<Outcome, Error> {
        let answer = self.wire.post("/v1/statements", (ENVELOPE, RECEIPT), &envelope.write())?;
        match answer.status {
            200 | 201 => Ok(Outcome::Accepted(self.sealed(&answer, envelope, true)?)),
            422 => Ok(Outcome::Refused(self.sealed(&answer, envelope, false)?)),
            _ => Err(self.turned_away(&answer, envelope)),
        }
    }

    fn sealed(&self, answer: &Answer, sent: &Envelope, accepted: bool) -> Result<Proved, Error> {
        // A refusal is a problem that bears its receipt; an older server says success in JSON, too.
        let file = match answer.json() {
            Ok(body) => text(&body["receipt"], "tlog_proof")?.as_bytes().to_vec(),
            Err(_) => answer.body.clone(),
        };
        let proved = self.prove(file, Some(sent))?;
        if proved.sealed.verdict.is_accepted() != accepted {
            return Err(Error::Doubt(Doubt::Other("the verdict")));
        }
        Ok(proved)
    }

    /// A rejection that the log signed, or a problem that nobody signed.
    fn turned_away(&self, answer: &Answer, sent: &Envelope) -> Error {
        let Ok(body) = answer.json() else { return answer.problem() };
        let Some(signed) = body.get("rejection") else { return answer.problem() };
        let current_version = body["current_version"].as_u64();
        match self.rejection(signed, sent) {
            Ok(rejected) => Error::Rejected(Box::new(Rejected { current_version, ..rejected })),
            Err(error) => error,
        }
    }

    fn rejection(&self, signed: &Value, sent: &Envelope) -> Result<Rejected, Error> {
        let signed = Envelope::read_type(signed.to_string().as_bytes(), REJECTION_TYPE);
        let signed = signed.map_err(|error| bad_answer(format!("the rejection: {error}")))?;
        let genesis = self.genesis()?;
        let digest = statement_digest(&sent.payload);
        let note = open_rejection(&signed, &genesis.opening.system_admission, &genesis.id, Some(&digest))?;
        Ok(Rejected { note, signed, current_version: None })
    }

    /// Asks what the ledger would answer now. The envelope is sent, signatures and all: whoever
    /// runs the server could log it. Nothing of the answer is proved.
    pub fn dry_run(&self, envelope: &Envelope) -> Result<Rehearsal, Error> {
        let answer = self.wire.post(
            "/v1/statements?dry_run=true",
            (ENVELOPE, "application/json"),
            &envelope.write(),
        )?;
        let body = answer.json()?;
        if answer.status == 422 {
            return refused(&body);
        }
        if answer.status != 200 {
            let Error::Problem(problem) = answer.problem() else { return Err(answer.problem()) };
            return match problem.status {
                500.. | 404 | 405 | 408 | 413..=415 => Err(Error::Problem(problem)),
                429 if body.get("rejection").is_none() => Err(Error::Problem(problem)),
                _ => Ok(Rehearsal::Rejected(problem)),
            };
        }
        if body["verdict"]["accepted"] == true {
            let logged = |entry| Rehearsal::Logged { entry, verdict: Verdict::ACCEPTED };
            return Ok(place(&body)?.map_or(Rehearsal::Accepted, logged));
        }
        Err(bad_answer("a rehearsal without a verdict"))
    }
}

/// The refusal that a problem names, and its event.
fn refused(body: &Value) -> Result<Rehearsal, Error> {
    let name = text(body, "code")?.to_owned();
    let refusal = Refusal::ALL.iter().find(|refusal| refusal.name() == name);
    let code = refusal.ok_or_else(|| bad_answer(format!("{name} is no refusal")))?.code();
    let pointer = body["errors"][0]["pointer"].as_str().unwrap_or_default();
    let event = pointer.strip_prefix("/events/").and_then(|event| event.parse().ok()).unwrap_or_default();
    Ok(match place(body)? {
        Some(entry) => Rehearsal::Logged { entry, verdict: Verdict { code, event } },
        None => Rehearsal::Refused { code, name, event },
    })
}

/// Where a statement stands that was logged before.
fn place(body: &Value) -> Result<Option<u64>, Error> {
    if body["repeated"] == true { number(body, "entry").map(Some) } else { Ok(None) }
}
