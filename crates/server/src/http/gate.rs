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
    thread::{self, JoinHandle},
};

use lian_core::{hash::Digest, statement::Envelope};
use lian_domain::rejection::Rejection;
use lian_store::{
    reader::{Head, Reader},
    segment::{ReadError, StoredEntry},
};
use tokio::sync::oneshot;

use crate::service::{Answer, Service, ServiceError};

/// Statements of one group.
const GROUP_MAX: usize = 128;
/// Groups whose answers are awaited.
const GROUPS_MAX: usize = 8;
/// Entries from which on reading them in one walk costs less than one by one.
const WALK_MIN: u64 = 8;

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
    /// The entry.
    pub entry: StoredEntry,
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
        let gather = thread::spawn(move || gather(&service, &waiting, &groups));
        let answer = thread::spawn(move || answer(&reader, &answered));
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
                    ServiceError::Busy => Outcome::Busy,
                    ServiceError::Stopped(why) => Outcome::Stopped(why.clone()),
                };
                let _gone = reply.send(outcome);
            }
        }
    }
}

/// The answers come in the order of the groups, so waiting for one after the other delays nobody.
fn answer(reader: &Reader, groups: &Receiver<Group>) {
    while let Ok(Group { answers, replies }) = groups.recv() {
        let Ok(answers) = answers.recv() else {
            for reply in replies {
                let _gone =
                    reply.send(Outcome::Stopped("the service stopped before its commit point".to_owned()));
            }
            continue;
        };
        let head = reader.head();
        let mut fresh = Fresh::read(reader, &answers, &head);
        for (answer, reply) in answers.into_iter().zip(replies) {
            let outcome = match answer {
                Answer::Sealed { index, verdict } => {
                    sealed(reader, index, verdict.is_some(), fresh.take(index), &head)
                }
                Answer::Rejected { rejection, signed } => Outcome::Rejected { rejection, signed },
            };
            let _gone = reply.send(outcome);
        }
    }
}

/// The new entries of one group, which stand side by side, with their proofs.
#[derive(Default)]
struct Fresh {
    first: u64,
    found: Vec<Option<(StoredEntry, Vec<Digest>)>>,
}

impl Fresh {
    fn take(&mut self, index: u64) -> Option<(StoredEntry, Vec<Digest>)> {
        let at = usize::try_from(index.checked_sub(self.first)?).ok()?;
        self.found.get_mut(at)?.take()
    }

    /// Reads and proves them in one walk; what fails is read again one by one, and says why.
    fn read(reader: &Reader, answers: &[Answer], head: &Head) -> Self {
        let new = answers.iter().filter_map(|answer| match answer {
            Answer::Sealed { index, verdict: Some(_) } => Some(*index),
            _ => None,
        });
        let (first, last) =
            new.fold((u64::MAX, 0), |(first, last), index| (first.min(index), last.max(index)));
        let span = (last + 1).saturating_sub(first);
        if !(WALK_MIN..2 * GROUP_MAX as u64).contains(&span) {
            return Self::default();
        }
        let range = first..last + 1;
        let entries = reader.entries(range.clone()).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        match (entries, reader.prove_inclusions(range, head.size())) {
            (Ok(entries), Ok(proofs)) => {
                Self { first, found: entries.into_iter().zip(proofs).map(Some).collect() }
            }
            _ => Self::default(),
        }
    }
}

fn sealed(
    reader: &Reader,
    index: u64,
    new: bool,
    fresh: Option<(StoredEntry, Vec<Digest>)>,
    head: &Arc<Head>,
) -> Outcome {
    let read =
        || Ok::<_, ReadError>((reader.read_entry(index)?, reader.prove_inclusion(index, head.size())?));
    match fresh.map_or_else(read, Ok) {
        Ok((entry, proof)) => Outcome::Sealed(Box::new(Sealed { entry, new, proof, head: Arc::clone(head) })),
        Err(error) => Outcome::Unread(error.to_string()),
    }
}
