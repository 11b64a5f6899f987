//! A statement as the domain reads it: typed, owned, ready to be judged in order.
//! Invariant: a filing exists only for a payload that is canonical, whose kinds are known, whose
//! data fit their kinds and whose events all have the same readers.
//! Pure; made in parallel by admission and by the audit, never by the sequencer.

use std::{fmt, ops::Deref, sync::Arc};

use lian_core::{
    hash::Digest,
    json::{SchemaError, Value},
    keys::PublicKey,
    statement::{Statement, StatementError},
};
use smallvec::SmallVec;

use crate::{
    clearance::{self, Step},
    families::{self, Kind},
    guarantee,
    ids::GuaranteeNo,
    plain, registry,
    rejection::Rejection,
};

/// Who may read a payload (DESIGN §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderClass {
    /// Anyone.
    Public,
    /// Issuers and the parties that the payload names.
    Parties,
    /// Roles within the agency.
    House,
}

/// One typed fact.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// Of the registry or of the log itself.
    Registry(registry::Event),
    /// Of a debtor, delegation or declaration.
    Plain(plain::Event),
    /// Of a guarantee.
    Guarantee(guarantee::Event),
    /// Of a family of the common shape.
    Family(families::Event),
}

/// A name in a filing: its part of one text that all names of the filing share. Filings are made on
/// one thread and dropped on another, where each piece of memory of its own costs most.
#[derive(Clone)]
pub struct Name {
    text: Arc<str>,
    start: u16,
    end: u16,
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text[usize::from(self.start)..usize::from(self.end)]
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Name {}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// One event of a filing.
#[derive(Debug, Clone, PartialEq)]
pub struct FiledEvent {
    /// Kind as it was spelled.
    pub kind: &'static str,
    /// Position of its stream in [`Filing::streams`].
    pub stream: usize,
    /// Version of the stream that the signer expects before the event.
    pub expect: u64,
    /// When it happened, Unix seconds.
    pub occurred_at: i64,
    /// What happened.
    pub fact: Fact,
}

/// One issuer of a filing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiledIssuer {
    /// Actor id.
    pub actor: Name,
    /// Capacity.
    pub capacity: &'static str,
    /// Key id.
    pub key: Digest,
}

/// A statement, typed and owned.
#[derive(Debug, Clone, PartialEq)]
pub struct Filing {
    /// SHA-256 of the signed bytes.
    pub digest: Digest,
    /// 128 random bits.
    pub id: [u8; 16],
    /// Unix seconds.
    pub issued_at: i64,
    /// Unix seconds.
    pub valid_until: i64,
    /// Ledger that it is for.
    pub ledger: Name,
    /// In the order of the signatures.
    pub issuers: SmallVec<[FiledIssuer; 1]>,
    /// Streams of the events, once each, in the order of their first event.
    pub streams: SmallVec<[Name; 1]>,
    /// 1 to 256.
    pub events: SmallVec<[FiledEvent; 1]>,
    /// Streams that the signer read, with versions.
    pub requires: Vec<(Name, u64)>,
    /// Last epoch that the signer verified.
    pub seen: Option<(u64, Digest)>,
    /// Who may read the payload.
    pub class: ReaderClass,
}

/// The kinds of engine 1 that are of no family in [`families`], with the readers of their payloads.
const KINDS: &[(&str, ReaderClass)] = &[
    ("actor.registered", ReaderClass::Public),
    ("clock.stepped", ReaderClass::Public),
    ("declaration.blocked", ReaderClass::House),
    ("declaration.unblocked", ReaderClass::House),
    ("delegation.ended", ReaderClass::Parties),
    ("delegation.recorded", ReaderClass::Parties),
    ("epoch.closed", ReaderClass::Public),
    ("epoch.cosigned", ReaderClass::Public),
    ("guarantee.accepted", ReaderClass::Parties),
    ("guarantee.amended", ReaderClass::Parties),
    ("guarantee.assessed", ReaderClass::Parties),
    ("guarantee.claim_paid", ReaderClass::Parties),
    ("guarantee.claim_refused", ReaderClass::Parties),
    ("guarantee.claim_withdrawn", ReaderClass::Parties),
    ("guarantee.claimed", ReaderClass::Parties),
    ("guarantee.closed", ReaderClass::Parties),
    ("guarantee.draw_cancelled", ReaderClass::Parties),
    ("guarantee.drawn", ReaderClass::Parties),
    ("guarantee.rejected", ReaderClass::Parties),
    ("guarantee.requested", ReaderClass::Parties),
    ("guarantee.surcharge_accrued", ReaderClass::Parties),
    ("guarantee.suspended", ReaderClass::Parties),
    ("guarantee.tax_paid", ReaderClass::Parties),
    ("key.enrolled", ReaderClass::Public),
    ("key.revoked", ReaderClass::Public),
    ("ledger.opened", ReaderClass::Public),
    ("refusals.withheld", ReaderClass::Public),
    ("rules.activated", ReaderClass::Public),
    ("rules.published", ReaderClass::Public),
    ("scheme.restored", ReaderClass::Public),
    ("scheme.suspended", ReaderClass::Public),
];

/// Names of all kinds, ascending.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    let of_families = families::kinds().map(|kind| kind.name);
    let mut all: Vec<&'static str> = KINDS.iter().map(|(kind, _)| *kind).chain(of_families).collect();
    all.sort_unstable();
    all.into_iter()
}

impl Filing {
    /// Reads a payload whose digest is already known.
    pub fn read(payload: &[u8], digest: Digest) -> Result<Self, Rejection> {
        let statement = Statement::parse(payload).map_err(|error: StatementError| schema(&error))?;
        Self::from_statement(&statement, digest)
    }

    fn from_statement(statement: &Statement<'_>, digest: Digest) -> Result<Self, Rejection> {
        let mut streams: SmallVec<[&str; 4]> = SmallVec::new();
        let mut events = SmallVec::with_capacity(statement.events.len());
        let mut class = None;
        for (position, event) in statement.events.iter().enumerate() {
            let at = |error: SchemaError| error.inside("data").inside(&position.to_string()).inside("events");
            let kind = known(event.kind, position)?;
            let readers = kind.readers();
            if class.is_some_and(|earlier| earlier != readers) {
                return Err(Rejection::SeveralClasses);
            }
            class = Some(readers);
            let fact = kind.fact(event.stream, &event.data).map_err(|error| schema(&at(error)))?;
            let stream = place(&mut streams, event.stream);
            events.push(FiledEvent {
                kind: kind.name(),
                stream,
                expect: event.expect,
                occurred_at: event.occurred_at,
                fact,
            });
        }
        each_key_once(&events)?;
        each_half_beside_its_other(&events, &streams)?;
        let mut names = Names::of(statement, &streams);
        // In the order in which `Names::of` laid them out.
        Ok(Self {
            digest,
            id: statement.id,
            issued_at: statement.issued_at,
            valid_until: statement.valid_until,
            ledger: names.next(statement.ledger),
            issuers: issuers(statement, &mut names)?,
            streams: streams.iter().map(|stream| names.next(stream)).collect(),
            events,
            requires: statement
                .requires
                .iter()
                .map(|(stream, version)| (names.next(stream), *version))
                .collect(),
            seen: statement.seen,
            class: class.unwrap_or(ReaderClass::House),
        })
    }

    /// Keys that sign their own enrolment in this statement.
    pub fn new_keys(&self) -> Vec<&PublicKey> {
        let mut keys = Vec::new();
        for event in &self.events {
            match &event.fact {
                Fact::Registry(registry::Event::KeyEnrolled(enrolment)) => keys.push(&enrolment.key),
                Fact::Registry(registry::Event::Opened(opening)) => {
                    keys.extend(opening.roots.iter().map(|(_, key)| key));
                    keys.push(&opening.system_log);
                    keys.push(&opening.system_admission);
                }
                _ => {}
            }
        }
        keys
    }
}

/// The names of a statement, laid out in one text and then handed out in the same order.
struct Names {
    text: Arc<str>,
    at: usize,
}

impl Names {
    fn of(statement: &Statement<'_>, streams: &[&str]) -> Self {
        let mut text = String::with_capacity(256);
        let actors = statement.issuers.iter().map(|issuer| issuer.actor);
        let required = statement.requires.iter().map(|(stream, _)| *stream);
        for name in
            [statement.ledger].into_iter().chain(actors).chain(streams.iter().copied()).chain(required)
        {
            text.push_str(name);
        }
        Self { text: text.into(), at: 0 }
    }

    fn next(&mut self, name: &str) -> Name {
        let place = |at: usize| u16::try_from(at).expect("the names of a payload have less than 60 KiB");
        let start = self.at;
        self.at += name.len();
        Name { text: Arc::clone(&self.text), start: place(start), end: place(self.at) }
    }
}

/// A statement brings a key, or names it for recovery, once.
fn each_key_once(events: &[FiledEvent]) -> Result<(), Rejection> {
    let mut ids: Vec<Digest> = Vec::new();
    for event in events {
        if let Fact::Registry(registry::Event::KeyEnrolled(enrolment)) = &event.fact {
            ids.push(enrolment.key.id());
            ids.extend(enrolment.recovery.iter().map(PublicKey::id));
        }
    }
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Rejection::Schema(format!("/events: key {} is brought twice", pair[0]))),
        None => Ok(()),
    }
}

/// Acts that are one moment on two streams stand in one statement, or in none.
fn each_half_beside_its_other(events: &[FiledEvent], streams: &[&str]) -> Result<(), Rejection> {
    // Most statements hold no cargo: they are not looked at twice.
    if !events.iter().any(|event| matches!(event.fact, Fact::Family(families::Event::Clearance(_)))) {
        return Ok(());
    }
    let steps: Vec<Step<'_>> = events.iter().filter_map(|event| half(event, streams)).collect();
    clearance::paired(&steps).map_err(Rejection::Unpaired)
}

/// The event, if it can be one half of a pair.
fn half<'e>(event: &'e FiledEvent, streams: &[&str]) -> Option<Step<'e>> {
    match &event.fact {
        Fact::Family(families::Event::Clearance(event)) => Some(Step::Clearance(event)),
        Fact::Guarantee(guarantee::Event::Drawn(draw)) => {
            let no = streams.get(event.stream)?.strip_prefix("guarantee/").and_then(GuaranteeNo::parse)?;
            Some(Step::Drawn(no, draw))
        }
        _ => None,
    }
}

fn schema(error: &impl std::fmt::Display) -> Rejection {
    Rejection::Schema(error.to_string())
}

/// A kind of engine 1. Those of families are looked for last: they are the less frequent.
enum Known {
    Own(&'static str, ReaderClass),
    Family(&'static Kind),
}

fn known(kind: &str, position: usize) -> Result<Known, Rejection> {
    if let Ok(row) = KINDS.binary_search_by(|(name, _)| (*name).cmp(kind)) {
        return Ok(Known::Own(KINDS[row].0, KINDS[row].1));
    }
    let unknown = || Rejection::Schema(format!("/events/{position}/kind: engine 1 knows no kind {kind:?}"));
    families::kind(kind).map(Known::Family).ok_or_else(unknown)
}

impl Known {
    fn name(&self) -> &'static str {
        match self {
            Self::Own(name, _) => name,
            Self::Family(kind) => kind.name,
        }
    }

    fn readers(&self) -> ReaderClass {
        match self {
            Self::Own(_, readers) => *readers,
            Self::Family(kind) => kind.reader,
        }
    }

    fn fact(&self, stream: &str, data: &Value<'_>) -> Result<Fact, SchemaError> {
        let kind = match self {
            Self::Own(name, _) => name,
            Self::Family(kind) => return kind.parse(stream, data).map(Fact::Family),
        };
        if kind.starts_with("guarantee.") {
            return guarantee::Event::parse(kind, stream, data).map(Fact::Guarantee);
        }
        if let Some(event) = registry::parse(kind, stream, data) {
            return event.map(Fact::Registry);
        }
        if let Some(event) = plain::parse(kind, stream, data) {
            return event.map(Fact::Plain);
        }
        Err(SchemaError::new("", "is of no known family"))
    }
}

fn place<'s>(streams: &mut SmallVec<[&'s str; 4]>, stream: &'s str) -> usize {
    if let Some(position) = streams.iter().position(|known| *known == stream) {
        return position;
    }
    streams.push(stream);
    streams.len() - 1
}

fn issuers(statement: &Statement<'_>, names: &mut Names) -> Result<SmallVec<[FiledIssuer; 1]>, Rejection> {
    let mut issuers = SmallVec::with_capacity(statement.issuers.len());
    for (position, issuer) in statement.issuers.iter().enumerate() {
        let capacity = registry::capacity(issuer.capacity).ok_or_else(|| {
            Rejection::Schema(format!("/issuers/{position}/as: there is no capacity {:?}", issuer.capacity))
        })?;
        issuers.push(FiledIssuer { actor: names.next(issuer.actor), capacity, key: issuer.key });
    }
    Ok(issuers)
}
