//! What an answer to a statement says beyond the statement: what its stream has become, which entries
//! overtook it, and where it stands already.
//! Invariant: nothing here changes what was decided; what cannot be found in time is left out of the
//! answer, never guessed.
//! Limits: views are waited for 50 ms, and not at all if they are far behind; a stream is walked back
//! for at most 5,000 entries; at most 16 entries are named.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lian_core::{
    entry::{Leaf, Verdict},
    hash::Digest,
    statement::Statement,
};
use lian_domain::{
    filing::{Filing, ReaderClass},
    ids::GuaranteeNo,
    rejection::Rejection,
};
use serde_json::{Value, json};

use super::{
    App,
    books::{At, view},
    gate::{Outcome, Sealed},
    request::Request,
    shape, statements,
};

/// How long an answer waits for views that are a moment behind.
const PATIENCE: Duration = Duration::from_millis(50);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(1);
/// Entries that views may be behind for an answer to wait for them.
const BEHIND_MAX: u64 = 1_024;
/// Entries of a stream that are walked back.
const WALKED_MAX: usize = 5_000;
/// Entries that a conflict names.
const NAMED_MAX: usize = 16;

/// What an answer says beyond the statement.
#[derive(Debug, Default)]
pub struct Aftermath {
    /// State of the first event's stream after the entry.
    pub state: Option<Value>,
    /// Entries that moved the stream past the version that was expected, ascending, the newest ones.
    pub changed_by: Option<Vec<u64>>,
}

/// What is asked of the views.
enum Asked {
    State { stream: String, index: u64 },
    ChangedBy { stream: String, versions: u64 },
}

/// Looks up what belongs to an outcome.
pub async fn of(app: &Arc<App>, request: &Request, outcome: &Outcome) -> Aftermath {
    let asked = match outcome {
        Outcome::Sealed(sealed) if !statements::wants_file(request) => state_asked(app, sealed),
        Outcome::Rejected { rejection: Rejection::StaleVersion { stream, expected, actual }, .. } => {
            let versions = actual.saturating_sub(*expected);
            Some(Asked::ChangedBy { stream: stream.clone(), versions })
        }
        _ => None,
    };
    let Some(asked) = asked else { return Aftermath::default() };
    if let Asked::State { index, .. } = &asked
        && !caught_up(app, *index).await
    {
        return Aftermath::default();
    }
    // A read like any other: it takes its place among them, or goes without.
    let Ok(_place) = app.waiting.try_acquire() else { return Aftermath::default() };
    let Ok(_thread) = app.aside.acquire().await else { return Aftermath::default() };
    let app = Arc::clone(app);
    let looked_up = tokio::task::spawn_blocking(move || match asked {
        Asked::State { stream, index } => {
            Aftermath { state: state(&app, &stream, index), ..Aftermath::default() }
        }
        Asked::ChangedBy { stream, versions } => {
            Aftermath { changed_by: changed_by(&app, &stream, versions), ..Aftermath::default() }
        }
    });
    looked_up.await.unwrap_or_default()
}

/// Whoever signed for a stream as its party may see what became of it; an envelope that was logged
/// before may be anybody's by now.
fn state_asked(app: &App, sealed: &Sealed) -> Option<Asked> {
    let accepted = Leaf::decode(&sealed.leaf).is_ok_and(|leaf| leaf.verdict.is_accepted());
    if !sealed.new || !accepted {
        return None;
    }
    let for_signers =
        matches!(shape::class_of(&sealed.payload), Some(ReaderClass::Public | ReaderClass::Parties));
    if !for_signers && !app.config.open_all {
        return None;
    }
    let statement = Statement::parse(&sealed.payload).ok()?;
    Some(Asked::State { stream: statement.events.first()?.stream.to_owned(), index: sealed.index })
}

/// Waits a moment for rows that are kept behind the log; books that fold catch up when they are asked.
async fn caught_up(app: &App, index: u64) -> bool {
    let Some(rows) = app.service.shadow() else { return true };
    if app.service.rows_lag() > BEHIND_MAX {
        return false;
    }
    let patience = Instant::now() + PATIENCE;
    while rows.reached() <= index {
        if Instant::now() >= patience {
            return false;
        }
        tokio::time::sleep(LOOK).await;
    }
    true
}

/// The state that an entry left; none if another entry came after it.
fn state(app: &App, stream: &str, index: u64) -> Option<Value> {
    let at = At { size: index + 1, day: app.today(), present: true };
    if let Some(no) = stream.strip_prefix("guarantee/").and_then(GuaranteeNo::parse) {
        let card = app.books.guarantee(&no, at).ok()?.value.filter(|card| card.last == index)?;
        return Some(json!({
            "status": card.standing, "limit": card.limit, "outstanding": card.outstanding,
            "available": card.available, "currency": "TWD",
        }));
    }
    let found = view(&*app.books, at, |streams| streams.stream(stream)).ok()?.value?;
    let state = found.state_value().filter(|_| found.last == index)?;
    Some(shape::value_of(&state))
}

/// Walks a stream back from its newest entry while `goes_on` says so.
fn walk_back(app: &App, stream: &str, mut goes_on: impl FnMut(u64, &Leaf<'_>, usize) -> bool) -> Option<()> {
    let at = At { size: app.reader().head().size(), day: app.today(), present: true };
    let newest = view(&*app.books, at, |streams| streams.stream(stream)).ok()?.value?.last;
    let mut next = Some(newest);
    for _ in 0..WALKED_MAX {
        let Some(index) = next else { return Some(()) };
        let entry = app.reader().read_entry(index).ok()?;
        let leaf = Leaf::decode(&entry.leaf).ok()?;
        let statement = Statement::parse(&entry.payload).ok()?;
        let first = statement.events.iter().position(|event| event.stream == stream)?;
        let events = statement.events.iter().filter(|event| event.stream == stream).count();
        if !goes_on(index, &leaf, events) {
            return Some(());
        }
        // A link that does not lead back would lead round for ever; the first entry has none.
        next = entry.previous.get(first).copied().filter(|previous| *previous < index);
    }
    None
}

/// The entries that made a statement stale, if that is why it was turned away.
pub fn of_rejection(app: &App, rejection: &Rejection) -> Option<Vec<u64>> {
    let Rejection::StaleVersion { stream, expected, actual } = rejection else { return None };
    changed_by(app, stream, actual.saturating_sub(*expected))
}

/// The entries of the last so many versions.
fn changed_by(app: &App, stream: &str, versions: u64) -> Option<Vec<u64>> {
    let (mut left, mut entries) = (versions, Vec::new());
    walk_back(app, stream, |index, leaf, events| {
        if left > 0 && leaf.verdict.is_accepted() {
            left = left.saturating_sub(events as u64);
            entries.push(index);
        }
        left > 0 && entries.len() < NAMED_MAX
    })?;
    entries.reverse();
    Some(entries)
}

/// The entry of this very statement and its verdict, if it was logged.
pub fn first_place(app: &App, filing: &Filing) -> Option<(u64, Verdict)> {
    let stream = &filing.streams[filing.events.first()?.stream];
    let mut found = None;
    walk_back(app, stream, |index, leaf, _| {
        if leaf.statement == filing.digest {
            found = Some((index, leaf.verdict));
        }
        found.is_none()
    });
    found
}

/// The verdict of a committed entry, if its statement is this one.
pub fn verdict_of(app: &App, index: u64, digest: &Digest) -> Option<Verdict> {
    let entry = app.reader().read_entry(index).ok()?;
    let leaf = Leaf::decode(&entry.leaf).ok()?;
    (leaf.statement == *digest).then_some(leaf.verdict)
}
