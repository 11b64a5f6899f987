//! Sends signed envelopes to the ledger in the folder and believes what comes back only once it is
//! verified: receipts against the bytes that were sent, rejections against the admission key, and
//! the new checkpoint against the old one.

use std::{fs, path::Path, sync::Arc};

use lian_client::answer::{extends, open_receipt, open_rejection};
use lian_core::{
    checkpoint,
    hash::hex_encode,
    keys::PublicKey,
    note::VerifierKey,
    statement::{Envelope, REJECTION_TYPE, Statement, statement_digest},
};
use lian_domain::rejection::Rejection;
use lian_server::{
    clock::SystemClock,
    open::{Fold, OpenLedger, SystemKeys, log_verifier},
    peek,
    service::{Answer, Service},
};
use serde_json::json;

use crate::{
    failure::{Exit, Failure, Result, exit_of},
    folder::{now_s, write_file},
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
    if session.out.json {
        session.out.value(&match <[serde_json::Value; 1]>::try_from(outcomes) {
            Ok([one]) => one,
            Err(all) => json!(all),
        });
    }
    end
}

impl Counter<'_> {
    fn one(&self, envelope: &Envelope) -> Result<(serde_json::Value, Result<()>)> {
        let stopped = |error| Failure::new(Exit::Io, "stopped", error).fix("send it again: it counts once");
        let mut answers = self.service.submit_and_wait(vec![envelope.write()]).map_err(stopped)?;
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
        let entry = Entry::open(&stored)?;
        let accepted = sealed.verdict.is_accepted();
        let size = sealed.checkpoint.size;
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
        Ok((value, if accepted { Ok(()) } else { Err(Failure::said(Exit::Refused, code)) }))
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
        let path = self.receipts.join(format!("{}-{}.rejection", label(envelope), &digest.to_hex()[..12]));
        write_file(&path, &signed.write_type(REJECTION_TYPE))?;
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
        let value =
            json!({"rejected": {"code": note.code, "name": note.name, "detail": note.detail, "file": path}});
        Ok((value, Err(failure)))
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

/// What files about a statement are called: the tail of its first stream.
fn label(envelope: &Envelope) -> String {
    let stream = Statement::parse(&envelope.payload).ok().and_then(|statement| {
        let event = statement.events.first()?;
        event.stream.rsplit('/').next().map(|tail| tail.replace(':', "-"))
    });
    stream.unwrap_or_else(|| hex_encode(&statement_digest(&envelope.payload).0[..6]))
}
