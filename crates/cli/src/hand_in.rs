//! Sends signed envelopes to the ledger in the folder and believes what comes back only once it is
//! verified: receipts against the bytes that were sent, rejections against the admission key, and
//! the new checkpoint against the old one.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use lian_client::{
    answer::{Sealed, extends, open_receipt, open_rejection},
    http::{Error, Rehearsal},
};
use lian_core::{
    checkpoint,
    entry::Verdict,
    hash::hex_encode,
    keys::PublicKey,
    note::VerifierKey,
    statement::{Envelope, REJECTION_TYPE, Statement, statement_digest},
};
use lian_domain::{
    filing::Filing,
    rejection::{Rejection, RejectionNote},
};
use lian_server::{
    clock::SystemClock,
    open::{Fold, OpenLedger, SystemKeys, log_verifier},
    peek,
    service::{Answer, Service},
};
use serde_json::json;

use crate::{
    act::{show_rehearsed, show_repeat},
    failure::{Exit, Failure, Result, exit_of},
    folder::{now_s, write_file},
    out::Out,
    remote::{Remote, failed},
    say::{Entry, group, verdict_json, verdict_text},
    session::Session,
    text::Text,
};

/// Threads that verify signatures: envelopes come one or a few at a time.
const WORKERS: usize = 2;

/// What is handed in.
pub struct Parcel {
    /// The signed envelope.
    pub envelope: Envelope,
}

struct Counter<'s> {
    session: &'s Session,
    service: &'s Service,
    log: VerifierKey,
    admission: PublicKey,
    ledger: String,
    receipts: &'s Path,
}

/// Sends all, one after another; the exit code is that of the first that was not accepted.
pub fn hand_in(
    session: &Session,
    opened: OpenLedger,
    keys: SystemKeys,
    parcels: Vec<Parcel>,
    receipts: &Path,
) -> Result<()> {
    let opening =
        opened.ledger.opening().ok_or_else(|| crate::failure::no_ledger(session.folder.display()))?;
    let (log, admission) = (log_verifier(&opening.name, &keys)?, opening.system_admission);
    let ledger = opened.ledger.id().to_owned();
    let before = opened.store.reader().head();
    let service = Service::start(opened, keys, Arc::new(SystemClock::new()), WORKERS);
    fs::create_dir_all(receipts).map_err(|error| Failure::io(receipts, error))?;
    let counter = Counter { session, service: &service, log, admission, ledger, receipts };
    let mut outcomes = Vec::new();
    let mut end = Ok(());
    for parcel in parcels {
        let (value, outcome) = counter.one(&parcel.envelope)?;
        outcomes.push(value);
        end = end.and(outcome);
    }
    counter.extends(before.note())?;
    drop(counter);
    service.close().map_err(|error| Failure::new(Exit::Io, "stopped", error))?;
    print_all(session, outcomes);
    end
}

impl Counter<'_> {
    fn one(&self, envelope: &Envelope) -> Result<(serde_json::Value, Result<()>)> {
        let mut answers = self.service.submit_or_give_up(vec![envelope.write()])?;
        match answers.pop() {
            Some(Answer::Sealed { index, verdict }) => self.sealed(envelope, index, verdict.is_none()),
            Some(Answer::Rejected { rejection, signed }) => self.rejected(envelope, &rejection, &signed),
            None => Err(Failure::new(Exit::Io, "stopped", "no answer came")),
        }
    }

    fn sealed(
        &self,
        envelope: &Envelope,
        index: u64,
        again: bool,
    ) -> Result<(serde_json::Value, Result<()>)> {
        let out = self.session.out;
        let doubt = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "receipt", error);
        let receipt = self.service.receipt(index).map_err(|error| doubt(&error))?;
        let sealed = open_receipt(&receipt, &self.log, Some(envelope)).map_err(|error| doubt(&error))?;
        let path = self.receipts.join(format!("{}-{index}.tlog-proof", label(envelope)));
        write_file(&path, &receipt)?;
        let stored = self.service.reader().read_entry(index).map_err(|error| doubt(&error))?;
        Ok(tell(out, &path, &Entry::open(&stored)?, &sealed, again))
    }

    fn rejected(
        &self,
        envelope: &Envelope,
        rejection: &Rejection,
        signed: &Envelope,
    ) -> Result<(serde_json::Value, Result<()>)> {
        let digest = statement_digest(&envelope.payload);
        let note = open_rejection(signed, &self.admission, &self.ledger, Some(&digest))
            .map_err(|error| Failure::new(Exit::Failed, "rejection", error))?;
        let path = save_rejection(self.receipts, envelope, signed)?;
        let mut failure = Failure::new(exit_of(rejection), rejection.name(), &note.detail)
            .because(format!("not logged; the signed answer is {}", path.display()));
        if let Rejection::StaleVersion { stream, expected, actual } = rejection {
            for line in self.changed_since(stream, *expected)? {
                failure = failure.because(line);
            }
            failure = failure.fix(format!("look at it, then repeat with --expect {actual}"));
        } else {
            failure = failure.fix(format!("lian help {}", rejection.name()));
        }
        Ok((rejection_json(&note, &path), Err(failure)))
    }

    /// The entries of a stream after the version that the signer knew.
    fn changed_since(&self, stream: &str, known: u64) -> Result<Vec<String>> {
        let reader = self.service.reader();
        let damaged = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "damaged", error);
        let mut fold = Fold::new(now_s());
        fold.run(reader, u64::MAX, &mut |_| ())?;
        let mut lines = Vec::new();
        for index in peek::history(reader, &fold.ledger, stream).map_err(|error| damaged(&error))? {
            let stored = reader.read_entry(index).map_err(|error| damaged(&error))?;
            let entry = Entry::open(&stored)?;
            let later =
                entry.statement.events.iter().any(|event| event.stream == stream && event.expect >= known);
            if later {
                lines.push(format!("changed since: #{}", entry.line(self.session.out).trim_start()));
            }
        }
        Ok(lines)
    }

    /// The log must still hold everything that it held when we came.
    fn extends(&self, before: &[u8]) -> Result<()> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "fork", error);
        let reader = self.service.reader();
        let old = checkpoint::open(before, &self.log).map_err(|error| failed(&error))?.checkpoint;
        let new =
            checkpoint::open(reader.head().note(), &self.log).map_err(|error| failed(&error))?.checkpoint;
        let proof = reader.prove_consistency(old.size, new.size).map_err(|error| failed(&error))?;
        extends(&old, &new, &proof).map_err(|error| failed(&error))
    }
}

/// Says where a statement stands; a refusal has an exit code of its own.
fn tell(
    out: Out,
    path: &Path,
    entry: &Entry<'_>,
    sealed: &Sealed,
    again: bool,
) -> (serde_json::Value, Result<()>) {
    let accepted = sealed.verdict.is_accepted();
    let (index, size) = (sealed.index, sealed.checkpoint.size);
    if !out.json {
        out.line(format!("sealed   {}", entry.line(out).trim_start()));
        if !accepted {
            out.line(format!("         {}", verdict_text(sealed.verdict, out)));
        }
        if again {
            out.line(format!("         {}", out.text(Text::AlreadyThere, &[])));
        }
        let checked = out.text(Text::ReceiptChecked, &[]);
        out.line(format!("receipt  {}   checkpoint {}   {checked}", path.display(), group(size)));
        if let Some(event) = entry.statement.events.first() {
            out.talk(format!("next     lian show {}", event.stream));
        }
    }
    let value = json!({
        "index": index, "verdict": verdict_json(sealed.verdict), "receipt": path, "checkpoint": size,
        "repeated": again, "entry": entry.json(),
    });
    let code = crate::say::refusal_name(sealed.verdict.code);
    (value, if accepted { Ok(()) } else { Err(Failure::said(Exit::Refused, code)) })
}

fn save_rejection(receipts: &Path, envelope: &Envelope, signed: &Envelope) -> Result<PathBuf> {
    let digest = statement_digest(&envelope.payload).to_hex();
    let path = receipts.join(format!("{}-{}.rejection", label(envelope), &digest[..12]));
    write_file(&path, &signed.write_type(REJECTION_TYPE))?;
    Ok(path)
}

fn rejection_json(note: &RejectionNote, path: &Path) -> serde_json::Value {
    json!({"rejected": {"code": note.code, "name": note.name, "detail": note.detail, "file": path}})
}

/// Sends all to a server, one after another, as [`hand_in`] does on a folder.
pub fn hand_in_afar(session: &Session, remote: &Remote, parcels: &[Parcel], receipts: &Path) -> Result<()> {
    fs::create_dir_all(receipts).map_err(|error| Failure::io(receipts, error))?;
    let mut outcomes = Vec::new();
    let mut end = Ok(());
    for Parcel { envelope } in parcels {
        let (value, outcome) = one_afar(session, remote, envelope, receipts)?;
        outcomes.push(value);
        end = end.and(outcome);
    }
    print_all(session, outcomes);
    end
}

fn one_afar(
    session: &Session,
    remote: &Remote,
    envelope: &Envelope,
    receipts: &Path,
) -> Result<(serde_json::Value, Result<()>)> {
    let before = remote.client.checkpoint().map_err(failed)?.size;
    let rejected = match remote.client.submit(envelope) {
        Ok(outcome) => {
            let proved = outcome.proved();
            let index = proved.sealed.index;
            let path = receipts.join(format!("{}-{index}.tlog-proof", label(envelope)));
            write_file(&path, &proved.receipt)?;
            let entry = Entry::of(&proved.leaf, &proved.payload)?;
            return Ok(tell(session.out, &path, &entry, &proved.sealed, index < before));
        }
        Err(Error::Rejected(rejected)) => rejected,
        Err(error) => return Err(failed(error)),
    };
    let path = save_rejection(receipts, envelope, &rejected.signed)?;
    let value = rejection_json(&rejected.note, &path);
    let current = rejected.current_version;
    let mut failure = failed(Error::Rejected(rejected))
        .because(format!("not logged; the signed answer is {}", path.display()));
    if let Some(actual) = current {
        failure = failure.fix(format!("look at it, then repeat with --expect {actual}"));
    }
    Ok((value, Err(failure)))
}

/// Asks a server what it would answer; shows the exact bytes.
pub fn rehearse_afar(session: &Session, remote: &Remote, envelope: &Envelope, filing: &Filing) -> Result<()> {
    let out = session.out;
    let (says, end) = match remote.client.dry_run(envelope).map_err(failed)? {
        Rehearsal::Accepted => (verdict_text(Verdict::ACCEPTED, out), Ok(())),
        Rehearsal::Refused { code, event, .. } => {
            let says = verdict_text(Verdict { code, event }, out);
            (says, Err(Failure::said(Exit::Refused, "refused")))
        }
        Rehearsal::Rejected(problem) => {
            let says = format!("{} {}: {}", out.word("REJECTED"), problem.code, problem.detail);
            let failure = failed(Error::Problem(problem));
            (says, Err(Failure::said(failure.exit, &failure.code)))
        }
        Rehearsal::Logged { entry, verdict } => {
            return show_repeat(session, &envelope.payload, filing, (entry, verdict), Text::TriedOut);
        }
    };
    show_rehearsed(session, &envelope.payload, filing, &says, None, Text::TriedOut);
    end
}

fn print_all(session: &Session, outcomes: Vec<serde_json::Value>) {
    if session.out.json {
        session.out.value(&match <[serde_json::Value; 1]>::try_from(outcomes) {
            Ok([one]) => one,
            Err(all) => json!(all),
        });
    }
}

/// What files about a statement are called: the tail of its first stream.
fn label(envelope: &Envelope) -> String {
    let stream = Statement::parse(&envelope.payload).ok().and_then(|statement| {
        let event = statement.events.first()?;
        event.stream.rsplit('/').next().map(|tail| tail.replace(':', "-"))
    });
    stream.unwrap_or_else(|| hex_encode(&statement_digest(&envelope.payload).0[..6]))
}
