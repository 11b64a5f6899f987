//! The way from many connections to the one queue of the service and back: two threads, so that
//! no worker of the network ever waits for a disk.
//! Invariant: a statement that was taken is answered, exactly once, after its commit point; what
//! cannot be taken is told so at once.
//! Limits: so many statements wait here as is configured; 128 go in one group, and 8 groups are on their way at once, so
//! that under load groups grow instead of their number: each costs several wake-ups.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use lian_core::{hash::Digest, statement::Envelope};
use lian_domain::rejection::Rejection;
use lian_store::{
    commit::NewEntry,
    reader::{Head, Reader},
    segment::{ReadError, StoredEntry},
};
use tokio::sync::oneshot;

use crate::{
    recent::{Committed, Recent},
    service::{Answer, Service, ServiceError},
    threads,
};

/// Statements of one group.
const GROUP_MAX: usize = 128;
/// Groups whose answers are awaited.
const GROUPS_MAX: usize = 8;

/// What became of a statement.
pub enum Outcome {
    /// It is in the log.
    Sealed(Box<Sealed>),
    /// It was turned away.
    Rejected {
        /// Why.
        rejection: Rejection,
        /// The same, signed.
        signed: Envelope,
    },
    /// Too much is waiting.
    Busy,
    /// The service has stopped.
    Stopped(String),
    /// It is in the log, but what is there could not be read back.
    Unread(String),
}

/// A statement in the log, with its proof.
pub struct Sealed {
    /// Its entry.
    pub index: u64,
    /// The leaf's bytes.
    pub leaf: Vec<u8>,
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// False if it was in the log before.
    pub new: bool,
    /// Its inclusion proof.
    pub proof: Vec<Digest>,
    /// The head that the proof leads to.
    pub head: Arc<Head>,
}

struct Job {
    envelope: Vec<u8>,
    reply: oneshot::Sender<Outcome>,
}

struct Group {
    answers: Receiver<Vec<Answer>>,
    replies: Vec<oneshot::Sender<Outcome>>,
}

/// One per server.
pub struct Gate {
    jobs: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Gate {
    /// Starts the two threads. Of statements `waiting_max` may wait for a place in the service's queue.
    pub fn start(service: &Arc<Service>, waiting_max: usize) -> Self {
        let (jobs, waiting) = sync_channel(waiting_max);
        let (groups, answered) = sync_channel(GROUPS_MAX);
        let service = Arc::clone(service);
        let reader = service.reader().clone();
        let recent = Arc::clone(service.recent());
        let gather = threads::start("gather", move || gather(&service, &waiting, &groups));
        let answer = threads::start("answer", move || answer(&reader, &recent, &answered));
        Self { jobs: Some(jobs), threads: vec![gather, answer] }
    }

    /// Hands an envelope in; the outcome comes later, or at once if there is no room.
    pub fn submit(&self, envelope: Vec<u8>) -> oneshot::Receiver<Outcome> {
        let (reply, outcome) = oneshot::channel();
        let unsent = match &self.jobs {
            Some(jobs) => jobs.try_send(Job { envelope, reply }).err(),
            None => None,
        };
        if let Some(std::sync::mpsc::TrySendError::Full(job)) = unsent {
            // Whoever asked may have gone.
            let _gone = job.reply.send(Outcome::Busy);
        }
        outcome
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so on standard error; its callers were told by the
            // dropped replies.
            let _panicked = thread.join();
        }
    }
}

fn gather(service: &Service, waiting: &Receiver<Job>, groups: &SyncSender<Group>) {
    while let Ok(first) = waiting.recv() {
        let mut jobs = vec![first];
        jobs.extend(waiting.try_iter().take(2 * GROUP_MAX - 1));
        // Two halves, so that two workers verify them side by side.
        let most = jobs.len().div_ceil(2).clamp(1, GROUP_MAX);
        while !jobs.is_empty() {
            let rest = jobs.split_off(most.min(jobs.len()));
            submit(service, std::mem::replace(&mut jobs, rest), groups);
        }
    }
}

fn submit(service: &Service, jobs: Vec<Job>, groups: &SyncSender<Group>) {
    let (envelopes, replies): (Vec<_>, Vec<_>) =
        jobs.into_iter().map(|job| (job.envelope, job.reply)).unzip();
    match service.submit(envelopes) {
        Ok(answers) => {
            // The other thread lives as long as this one sends.
            let _gone = groups.send(Group { answers, replies });
        }
        Err(error) => {
            for reply in replies {
                let outcome = match &error {
                    ServiceError::Busy | ServiceError::Hindered(_) => Outcome::Busy,
                    ServiceError::Stopped(why) => Outcome::Stopped(why.clone()),
                };
                let _gone = reply.send(outcome);
            }
        }
    }
}

/// The answers come in the order of the groups, so waiting for one after the other delays nobody.
fn answer(reader: &Reader, recent: &Recent, groups: &Receiver<Group>) {
    while let Ok(Group { answers, replies }) = groups.recv() {
        let Ok(answers) = answers.recv() else {
            for reply in replies {
                let _gone =
                    reply.send(Outcome::Stopped("the service stopped before its commit point".to_owned()));
            }
            continue;
        };
        let mut batch = None;
        for (answer, reply) in answers.into_iter().zip(replies) {
            let outcome = match answer {
                Answer::Sealed { index, verdict } => {
                    let new = verdict.is_some();
                    in_memory(recent, &mut batch, index, new).unwrap_or_else(|| read_back(reader, index, new))
                }
                Answer::Rejected { rejection, signed } => Outcome::Rejected { rejection, signed },
            };
            let _gone = reply.send(outcome);
        }
    }
}

/// An entry of a batch that was committed just now; its neighbours are likely to be asked for next.
fn in_memory(recent: &Recent, batch: &mut Option<Arc<Committed>>, index: u64, new: bool) -> Option<Outcome> {
    let found = batch.as_ref().and_then(|batch| batch.find(index));
    let (NewEntry { leaf, payload, .. }, proof) = match found {
        Some(found) => found,
        None => batch.insert(recent.batch_of(index)?).find(index)?,
    };
    let head = Arc::clone(batch.as_ref()?.head());
    Some(Outcome::Sealed(Box::new(Sealed { index, leaf, payload, new, proof, head })))
}

fn read_back(reader: &Reader, index: u64, new: bool) -> Outcome {
    let head = reader.head();
    let read =
        || Ok::<_, ReadError>((reader.read_entry(index)?, reader.prove_inclusion(index, head.size())?));
    match read() {
        Ok((StoredEntry { leaf, payload, .. }, proof)) => {
            Outcome::Sealed(Box::new(Sealed { index, leaf, payload, new, proof, head }))
        }
        Err(error) => Outcome::Unread(error.to_string()),
    }
}
