//! Who may act: the opening of the ledger, actors, keys, rules versions, and the log's own facts.
//! Invariant: a key is enrolled once, for one actor, by its own signature and by somebody who may
//! vouch for it; a revocation acts from its own index on and changes nothing before it.
//! Pure. Which signatures are needed is judged in `authority`; here are data, states and guards.

mod read;

pub use read::Named;

use std::sync::Arc;

use lian_core::{
    hash::{Digest, hex_decode, hex_encode},
    json::{Fields, SchemaError, Value},
    keys::PublicKey,
    policy::Policy,
    statement::{is_actor, is_ledger_name},
};

use crate::{ids::BankCode, refusal::Refusal, rules::Rules};

/// Root organisations of a ledger; at least three, so that two of them can act without one.
pub const ROOTS: std::ops::RangeInclusive<usize> = 3..=6;
/// Live keys of one actor: more than a person or a bank's systems need, few enough to scan.
pub const KEYS_MAX: usize = 16;
/// Actor of the log's own facts.
pub const SYSTEM_LOG: &str = "system:log";
/// Actor that signs rejections.
pub const SYSTEM_ADMISSION: &str = "system:admission";
/// The stream of the ledger itself.
pub const LEDGER_STREAM: &str = "ledger/main";

/// Capacities that a key may hold, by the first part of its actor's id. Root, log and admission
/// keys come with entry 0 only.
const CATEGORIES: &[(&str, &[&str])] = &[
    ("agency", &["anticorruption", "committer"]),
    ("airline", &["airline"]),
    ("bank", &["committer", "guarantor", "treasury"]),
    ("broker", &["broker"]),
    ("forwarder", &["forwarder"]),
    ("officer", &["admin", "ethics", "head", "integrity", "legal", "officer", "supervisor", "witness"]),
    ("system", &["committer", "gate", "queue", "release", "screening", "treasury"]),
    ("warehouse", &["warehouse"]),
];

/// All capacities, for turning text into one constant.
const CAPACITIES: &[&str] = &[
    "root",
    "possession",
    "admin",
    "holder",
    "recovery",
    "guarantor",
    "treasury",
    "officer",
    "supervisor",
    "release",
    "log",
    "admission",
    "airline",
    "anticorruption",
    "broker",
    "committer",
    "ethics",
    "forwarder",
    "gate",
    "head",
    "integrity",
    "legal",
    "queue",
    "screening",
    "warehouse",
    "witness",
];

/// The constant of a capacity's name.
pub fn capacity(name: &str) -> Option<&'static str> {
    CAPACITIES.iter().find(|known| **known == name).copied()
}

/// Capacities that keys of this actor may hold; `None` if nobody of that kind can be registered.
pub fn capacities_of(actor: &str) -> Option<&'static [&'static str]> {
    let (category, rest) = actor.split_once(':')?;
    let not_a_bank = category == "bank" && BankCode::parse(rest).is_none();
    if rest.is_empty() || not_a_bank || actor == SYSTEM_LOG || actor == SYSTEM_ADMISSION {
        return None;
    }
    CATEGORIES.iter().find(|(name, _)| *name == category).map(|(_, capacities)| *capacities)
}

/// Entry 0: what everything else rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// 32 random bytes, so that no two ledgers share a hash.
    pub nonce: Digest,
    /// Name of the ledger = origin of its checkpoints.
    pub name: Box<str>,
    /// Key that signs checkpoints.
    pub log_key: PublicKey,
    /// Key of `system:log`.
    pub system_log: PublicKey,
    /// Key of `system:admission`.
    pub system_admission: PublicKey,
    /// Root organisations with their keys, in the order of their signatures.
    pub roots: Vec<(Box<str>, PublicKey)>,
    /// Roots that must sign together.
    pub threshold: usize,
    /// Who must cosign an epoch; `None` if nobody.
    pub witness_policy: Option<Policy>,
    /// Rules version 1.
    pub rules: Arc<Rules>,
    /// True if the data are made up.
    pub synthetic: bool,
    /// The ledger that this one goes on from: id, size and root.
    pub predecessor: Option<(Box<str>, u64, Digest)>,
}

/// Why a key stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationReason {
    /// Replaced in the normal course.
    Retired,
    /// No longer in anybody's hands.
    Lost,
    /// In the wrong hands.
    Compromised,
}

impl RevocationReason {
    /// Stable name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Retired => "retired",
            Self::Lost => "lost",
            Self::Compromised => "compromised",
        }
    }
}

/// One fact of the registry.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// `ledger.opened`
    Opened(Box<Opening>),
    /// `actor.registered`
    ActorRegistered {
        /// Unit, such as `office:CA`; admins must be of different ones.
        unit: Box<str>,
        /// Opaque token of the person; exactly officers have one.
        person: Option<Box<str>>,
    },
    /// `key.enrolled`
    KeyEnrolled(Box<Enrolment>),
    /// `key.revoked`
    KeyRevoked {
        /// Key id.
        key: Digest,
        /// Why.
        reason: RevocationReason,
        /// Entry from which signatures of the key are contested.
        compromised_since: Option<u64>,
    },
    /// `rules.published`
    RulesPublished(Arc<Rules>),
    /// `rules.activated`
    RulesActivated {
        /// Version to activate.
        version: u32,
        /// A cosigned epoch that covers the publication.
        epoch: u64,
    },
    /// `clock.stepped`
    ClockStepped {
        /// Milliseconds by which the wall clock moved against the monotonic one.
        step_ms: i64,
    },
    /// `refusals.withheld`, by the log
    RefusalsWithheld {
        /// Key whose quota was used up.
        key: Digest,
        /// Refusals that were not logged.
        count: u64,
    },
    /// `epoch.closed`, by the log
    EpochClosed {
        /// Number of the epoch, from 1.
        number: u64,
        /// Entries it covers = its own index.
        size: u64,
        /// Root of the tree of that size.
        root: Digest,
        /// Root of the epoch map.
        map: Digest,
        /// Engine that computed it.
        engine: u32,
    },
    /// `epoch.cosigned`, by the log
    EpochCosigned {
        /// Number of the epoch.
        number: u64,
        /// Size of the checkpoint that was cosigned.
        size: u64,
        /// Signed-note lines of witnesses.
        lines: Vec<Box<str>>,
    },
}

/// What `key.enrolled` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrolment {
    /// The new key; it signs its own enrolment.
    pub key: PublicKey,
    /// What it may act as.
    pub capacities: Vec<&'static str>,
    /// Digest of the certificate chain that the admins checked; exactly for an actor's first key.
    pub chain: Option<Digest>,
    /// Offline key that may vouch for the next one.
    pub recovery: Option<PublicKey>,
}

/// Reads the data of a kind; `None` if the kind is not of the registry.
pub fn parse(kind: &str, stream: &str, data: &Value<'_>) -> Option<Result<Event, SchemaError>> {
    let read: fn(&str, &mut Fields<'_, '_>) -> Result<Event, SchemaError> = match kind {
        "ledger.opened" => opened,
        "actor.registered" => actor_registered,
        "key.enrolled" => key_enrolled,
        "key.revoked" => key_revoked,
        "rules.published" => rules_published,
        "rules.activated" => rules_activated,
        "clock.stepped" => clock_stepped,
        "refusals.withheld" => refusals_withheld,
        "epoch.closed" => epoch_closed,
        "epoch.cosigned" => epoch_cosigned,
        _ => return None,
    };
    Some(Fields::open(data).and_then(|mut fields| {
        let event = read(stream, &mut fields)?;
        fields.close().map(|()| event)
    }))
}

fn opened(stream: &str, fields: &mut Fields<'_, '_>) -> Result<Event, SchemaError> {
    on_stream(stream == LEDGER_STREAM, "belongs on the stream ledger/main")?;
    let name = fields.text("name")?;
    if !is_ledger_name(name) {
        return Err(SchemaError::new("name", "must be 1 to 100 of A-Z a-z 0-9 . _ / : -"));
    }
    let roots = roots(fields.list("roots")?)?;
    let threshold = usize::try_from(fields.number("threshold")?).unwrap_or(usize::MAX);
    if !(2..=roots.len()).contains(&threshold) {
        return Err(SchemaError::new("threshold", "must be 2 to the number of roots"));
    }
    let rules = Rules::parse(fields.required("rules")?).map_err(|error| error.inside("rules"))?;
    if rules.version != 1 {
        return Err(SchemaError::new("rules", "must be version 1"));
    }
    let witness_policy = witness_policy(fields.required("witness_policy")?)?;
    Ok(Event::Opened(Box::new(Opening {
        nonce: fields.digest("nonce")?,
        name: name.into(),
        log_key: public_key(fields, "log_key")?,
        system_log: public_key(fields, "system_log")?,
        system_admission: public_key(fields, "system_admission")?,
        roots,
        threshold,
        witness_policy,
        rules: Arc::new(rules),
        synthetic: fields.truth("synthetic")?,
        predecessor: predecessor(fields.required("predecessor")?)?,
    })))
}

/// `none`, or the lines of a C2SP tlog-policy: strings hold no line feeds.
fn witness_policy(value: &Value<'_>) -> Result<Option<Policy>, SchemaError> {
    let fault =
        || SchemaError::new("witness_policy", "must be `none` or a list of the lines of a tlog-policy");
    if value.as_text() == Some("none") {
        return Ok(None);
    }
    let mut text = String::new();
    for line in value.as_list().ok_or_else(fault)? {
        text.push_str(line.as_text().ok_or_else(fault)?);
        text.push('\n');
    }
    Policy::parse(text.as_bytes()).map(Some).map_err(|_| fault())
}

fn roots(items: &[Value<'_>]) -> Result<Vec<(Box<str>, PublicKey)>, SchemaError> {
    let mut roots: Vec<(Box<str>, PublicKey)> = Vec::new();
    for item in items {
        let mut fields = Fields::open(item).map_err(|error| error.inside("roots"))?;
        let organisation = fields.text("organisation")?;
        let key = public_key(&mut fields, "key")?;
        fields.close().map_err(|error| error.inside("roots"))?;
        let again = roots.iter().any(|(name, other)| **name == *organisation || *other == key);
        if again || !is_actor(organisation) || organisation.contains(':') || organisation.len() > 50 {
            return Err(SchemaError::new("roots", "must name different organisations with different keys"));
        }
        roots.push((organisation.into(), key));
    }
    if !ROOTS.contains(&roots.len()) {
        return Err(SchemaError::new("roots", "must be 3 to 6 organisations"));
    }
    Ok(roots)
}

fn predecessor(value: &Value<'_>) -> Result<Option<(Box<str>, u64, Digest)>, SchemaError> {
    if *value == Value::Null {
        return Ok(None);
    }
    let mut fields = Fields::open(value).map_err(|error| error.inside("predecessor"))?;
    let predecessor: (Box<str>, u64, Digest) =
        (fields.text("ledger")?.into(), fields.number("size")?, fields.digest("root")?);
    fields.close().map_err(|error| error.inside("predecessor"))?;
    if !is_ledger_id(&predecessor.0) || predecessor.1 == 0 {
        return Err(SchemaError::new("predecessor", "must name a ledger id, a size of 1 or more and a root"));
    }
    Ok(Some(predecessor))
}

/// `<name>#<43 characters>`.
fn is_ledger_id(text: &str) -> bool {
    text.split_once('#').is_some_and(|(name, hash)| is_ledger_name(name) && hash.len() == 43)
}

fn actor_registered(stream: &str, fields: &mut Fields<'_, '_>) -> Result<Event, SchemaError> {
    let actor = actor_of(stream)?;
    let unit = fields.text("unit")?;
    if !is_actor(unit) {
        return Err(SchemaError::new("unit", "must be 1 to 64 of A-Z a-z 0-9 . _ : -"));
    }
    let person = fields.optional_text("person")?;
    if person.is_some_and(|token| !hex_decode(token, &mut [0; 16])) {
        return Err(SchemaError::new(
            "person",
            "must be a random token of 32 lower-case hex digits, never a name",
        ));
    }
    if actor.starts_with("officer:") != person.is_some() {
        return Err(SchemaError::new("person", "is given for officers and for nobody else"));
    }
    Ok(Event::ActorRegistered { unit: unit.into(), person: person.map(Into::into) })
}

fn key_enrolled(stream: &str, fields: &mut Fields<'_, '_>) -> Result<Event, SchemaError> {
    let actor = actor_of(stream)?;
    if fields.number("algorithm")? != 1 {
        return Err(SchemaError::new("algorithm", "must be 1 (Ed25519); 2 to 4 are kept for later engines"));
    }
    let allowed = capacities_of(actor).unwrap_or_default();
    let mut capacities: Vec<&'static str> = Vec::new();
    for item in fields.list("capacities")? {
        let found = item.as_text().and_then(|name| allowed.iter().find(|known| **known == name));
        match found {
            Some(name) if capacities.last().is_none_or(|last| last < name) => capacities.push(name),
            _ => return Err(SchemaError::new("capacities", format!("must ascend and be among {allowed:?}"))),
        }
    }
    if capacities.is_empty() {
        return Err(SchemaError::new("capacities", format!("must name one of {allowed:?}")));
    }
    let key = public_key(fields, "key")?;
    let recovery =
        fields.optional("recovery").is_some().then(|| public_key(fields, "recovery")).transpose()?;
    if recovery.as_ref() == Some(&key) {
        return Err(SchemaError::new("recovery", "must be another key, kept offline"));
    }
    let chain = fields.optional("chain").is_some().then(|| fields.digest("chain")).transpose()?;
    Ok(Event::KeyEnrolled(Box::new(Enrolment { key, capacities, chain, recovery })))
}

fn key_revoked(stream: &str, fields: &mut Fields<'_, '_>) -> Result<Event, SchemaError> {
    actor_of(stream)?;
    let reason = match fields.text("reason")? {
        "retired" => RevocationReason::Retired,
        "lost" => RevocationReason::Lost,
        "compromised" => RevocationReason::Compromised,
        _ => return Err(SchemaError::new("reason", "must be retired, lost or compromised")),
    };
    let compromised_since = fields.optional_number("compromised_since")?;
    if compromised_since.is_some() != (reason == RevocationReason::Compromised) {
        return Err(SchemaError::new("compromised_since", "is given for compromised keys and for no others"));
    }
    Ok(Event::KeyRevoked { key: fields.digest("key")?, reason, compromised_since })
}

fn rules_published(stream: &str, fields: &mut Fields<'_, '_>) -> Result<Event, SchemaError> {
    let rules = Rules::parse(fields.required("rules")?).map_err(|error| error.inside("rules"))?;
    if fields.digest("digest")? != rules.digest() {
        return Err(SchemaError::new("digest", format!("must be {}", rules.digest())));
    }
    on_stream(stream == format!("rules/{}", rules.version), "belongs on the stream rules/<version>")?;
    Ok(Event::RulesPublished(Arc::new(rules)))
}

fn rules_activated(stream: &str, fields: &mut Fields<'_, '_>) -> Result<Event, SchemaError> {
    let version = fields.number("version")?;
    on_stream(stream == format!("rules/{version}"), "belongs on the stream rules/<version>")?;
    let version = u32::try_from(version).map_err(|_| SchemaError::new("version", "must fit 32 bits"))?;
    Ok(Event::RulesActivated { version, epoch: fields.number("epoch")? })
}

fn clock_stepped(stream: &str, fields: &mut Fields<'_, '_>) -> Result<Event, SchemaError> {
    on_stream(stream == "clock/main", "belongs on the stream clock/main")?;
    Ok(Event::ClockStepped { step_ms: fields.integer("step_ms")? })
}

fn refusals_withheld(stream: &str, fields: &mut Fields<'_, '_>) -> Result<Event, SchemaError> {
    let key = fields.digest("key")?;
    on_stream(stream == format!("refusals/{key}"), "belongs on the stream refusals/<key id>")?;
    match fields.number("count")? {
        0 => Err(SchemaError::new("count", "must be 1 or more")),
        count => Ok(Event::RefusalsWithheld { key, count }),
    }
}

fn epoch_closed(stream: &str, fields: &mut Fields<'_, '_>) -> Result<Event, SchemaError> {
    let number = fields.number("n")?;
    on_stream(stream == format!("epoch/{number}"), "belongs on the stream epoch/<n>")?;
    let engine = fields.number("engine")?;
    Ok(Event::EpochClosed {
        number,
        size: fields.number("size")?,
        root: fields.digest("root")?,
        map: fields.digest("map")?,
        engine: u32::try_from(engine).map_err(|_| SchemaError::new("engine", "must fit 32 bits"))?,
    })
}

fn epoch_cosigned(stream: &str, fields: &mut Fields<'_, '_>) -> Result<Event, SchemaError> {
    let number = fields.number("n")?;
    on_stream(stream == format!("epoch/{number}"), "belongs on the stream epoch/<n>")?;
    let mut lines = Vec::new();
    for item in fields.list("lines")? {
        let line = item.as_text().ok_or_else(|| SchemaError::new("lines", "must be strings"))?;
        lines.push(line.into());
    }
    if !(1..=32).contains(&lines.len()) {
        return Err(SchemaError::new("lines", "must be 1 to 32 signed-note lines"));
    }
    Ok(Event::EpochCosigned { number, size: fields.number("size")?, lines })
}

fn on_stream(good: bool, what: &'static str) -> Result<(), SchemaError> {
    if good { Ok(()) } else { Err(SchemaError::new("", what)) }
}

fn actor_of(stream: &str) -> Result<&str, SchemaError> {
    let actor = stream.strip_prefix("actor/").filter(|actor| capacities_of(actor).is_some());
    actor.ok_or_else(|| SchemaError::new("", "belongs on actor/bank:…, actor/officer:… or actor/system:…"))
}

/// A key as hex of its SPKI DER; weak, mixed-order and non-canonical keys are refused.
fn public_key(fields: &mut Fields<'_, '_>, name: &str) -> Result<PublicKey, SchemaError> {
    let text = fields.text(name)?;
    let mut der = [0; lian_core::keys::SPKI_BYTES];
    if !hex_decode(text, &mut der) {
        return Err(SchemaError::new(name, "must be the hex of an Ed25519 public key (SPKI DER, 44 bytes)"));
    }
    let key = PublicKey::from_spki_der(&der).map_err(|error| SchemaError::new(name, error.to_string()))?;
    key.check_enrolable().map_err(|error| SchemaError::new(name, error.to_string()))?;
    Ok(key)
}

/// Hex of a key's SPKI DER, as enrolments spell it.
pub fn key_hex(key: &PublicKey) -> String {
    hex_encode(&key.to_spki_der())
}

/// One key of an actor.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Key id.
    pub id: Digest,
    /// What it may act as.
    pub capacities: Vec<&'static str>,
    /// Key id of the offline key that may vouch for the next.
    pub recovery: Option<Digest>,
    /// Entry that enrolled it.
    pub enrolled: u64,
    /// Entry that revoked it, why, and from which entry on it is contested.
    pub revoked: Option<(u64, RevocationReason, Option<u64>)>,
}

/// One actor.
#[derive(Debug, Clone, PartialEq)]
pub struct Actor {
    /// Unit, such as `office:CA`.
    pub unit: Box<str>,
    /// Opaque token of the person.
    pub person: Option<Box<str>>,
    /// All keys it ever had, oldest first.
    pub keys: Vec<Key>,
}

/// One rules version.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// The data.
    pub rules: Arc<Rules>,
    /// Entry that published it.
    pub published: u64,
    /// Entry that activated it.
    pub activated: Option<u64>,
}

/// The state of one registry stream.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// `ledger/main`
    Ledger(Box<Opening>),
    /// `actor/<actor>`
    Actor(Box<Actor>),
    /// `rules/<version>`
    Rules(Publication),
    /// `clock/main`: steps so far
    Clock(u64),
    /// `refusals/<key id>`: refusals withheld so far
    Refusals(u64),
    /// `epoch/<n>`: cosignature lines logged so far
    Epoch(u64),
}

/// What registry guards may know besides the stream's own state.
pub struct Facts {
    /// Index that the event's entry would have.
    pub index: u64,
    /// Rules version in force.
    pub rules_version: u32,
    /// Size of the epoch that `rules.activated` names, if it is cosigned.
    pub epoch_size: Option<u64>,
}

/// Every business rule of the registry; who signs is judged before.
pub fn decide(state: Option<&State>, event: &Event, facts: &Facts) -> Result<(), Refusal> {
    match (event, state) {
        (Event::ActorRegistered { .. } | Event::RulesPublished(_), Some(_)) => Err(Refusal::AlreadyRecorded),
        (Event::RulesPublished(rules), None)
            if u64::from(rules.version) <= u64::from(facts.rules_version) =>
        {
            Err(Refusal::RulesVersion)
        }
        (Event::KeyEnrolled(_) | Event::KeyRevoked { .. }, None) => Err(Refusal::UnknownActor),
        (Event::KeyEnrolled(_), Some(State::Actor(actor))) => {
            let live = actor.keys.iter().filter(|key| key.revoked.is_none()).count();
            if live >= KEYS_MAX { Err(Refusal::TooManyKeys) } else { Ok(()) }
        }
        (Event::KeyRevoked { key, compromised_since, .. }, Some(State::Actor(actor))) => {
            let key = actor.keys.iter().find(|known| known.id == *key).ok_or(Refusal::UnknownActorKey)?;
            match (key.revoked, compromised_since) {
                (Some(_), _) => Err(Refusal::AlreadyRevoked),
                (None, Some(since)) if *since < key.enrolled => Err(Refusal::CompromisedBeforeEnrolment),
                (None, Some(since)) if *since > facts.index => Err(Refusal::CompromisedInFuture),
                _ => Ok(()),
            }
        }
        (Event::RulesActivated { .. }, Some(State::Rules(publication))) => activation(publication, facts),
        (Event::RulesActivated { .. }, _) => Err(Refusal::RulesUnknown),
        _ => Ok(()),
    }
}

fn activation(publication: &Publication, facts: &Facts) -> Result<(), Refusal> {
    if publication.activated.is_some() {
        return Err(Refusal::AlreadyRecorded);
    }
    if publication.rules.version <= facts.rules_version {
        return Err(Refusal::RulesVersion);
    }
    match facts.epoch_size {
        Some(size) if publication.published < size => Ok(()),
        _ => Err(Refusal::EpochNotCosigned),
    }
}

/// The state after an event that `decide` allowed; `None` if they contradict each other.
pub fn evolve(state: Option<State>, event: &Event, index: u64) -> Option<State> {
    match (event, state) {
        (Event::Opened(opening), None) => Some(State::Ledger(opening.clone())),
        (Event::ActorRegistered { unit, person }, None) => Some(State::Actor(Box::new(Actor {
            unit: unit.clone(),
            person: person.clone(),
            keys: Vec::new(),
        }))),
        (Event::KeyEnrolled(enrolment), Some(State::Actor(mut actor))) => {
            actor.keys.push(Key {
                id: enrolment.key.id(),
                capacities: enrolment.capacities.clone(),
                recovery: enrolment.recovery.as_ref().map(PublicKey::id),
                enrolled: index,
                revoked: None,
            });
            Some(State::Actor(actor))
        }
        (Event::KeyRevoked { key, reason, compromised_since }, Some(State::Actor(mut actor))) => {
            let revoked = actor.keys.iter_mut().find(|known| known.id == *key)?;
            revoked.revoked = Some((index, *reason, *compromised_since));
            Some(State::Actor(actor))
        }
        (Event::RulesPublished(rules), None) => {
            Some(State::Rules(Publication { rules: Arc::clone(rules), published: index, activated: None }))
        }
        (Event::RulesActivated { .. }, Some(State::Rules(mut publication))) => {
            publication.activated = Some(index);
            Some(State::Rules(publication))
        }
        (Event::ClockStepped { .. }, None) => Some(State::Clock(1)),
        (Event::ClockStepped { .. }, Some(State::Clock(steps))) => Some(State::Clock(steps + 1)),
        (Event::RefusalsWithheld { count, .. }, None) => Some(State::Refusals(*count)),
        (Event::RefusalsWithheld { count, .. }, Some(State::Refusals(sum))) => {
            Some(State::Refusals(sum.checked_add(*count)?))
        }
        (Event::EpochClosed { .. }, None) => Some(State::Epoch(0)),
        // Epoch 0 is closed by entry 0, not by a statement on its own stream.
        (Event::EpochCosigned { number: 0, lines, .. }, None) => Some(State::Epoch(lines.len() as u64)),
        (Event::EpochCosigned { lines, .. }, Some(State::Epoch(logged))) => {
            Some(State::Epoch(logged + lines.len() as u64))
        }
        _ => None,
    }
}

/// Members of the state digest.
pub fn state_value(state: &State) -> Value<'static> {
    let optional = |number: Option<u64>| number.map_or(Value::Null, Value::number);
    match state {
        State::Ledger(opening) => Value::object([
            ("log_key", Value::text(opening.log_key.id().to_hex())),
            ("name", Value::text(String::from(opening.name.clone()))),
            (
                "roots",
                Value::List(opening.roots.iter().map(|(_, key)| Value::text(key.id().to_hex())).collect()),
            ),
            ("threshold", Value::number(opening.threshold as u64)),
        ]),
        State::Actor(actor) => Value::object([
            ("keys", Value::List(actor.keys.iter().map(key_value).collect())),
            ("person", actor.person.clone().map_or(Value::Null, |token| Value::text(String::from(token)))),
            ("unit", Value::text(String::from(actor.unit.clone()))),
        ]),
        State::Rules(publication) => Value::object([
            ("activated", optional(publication.activated)),
            ("digest", Value::text(publication.rules.digest().to_hex())),
            ("published", Value::number(publication.published)),
        ]),
        State::Clock(steps) => Value::object([("steps", Value::number(*steps))]),
        State::Refusals(sum) => Value::object([("withheld", Value::number(*sum))]),
        State::Epoch(lines) => Value::object([("lines", Value::number(*lines))]),
    }
}

fn key_value(key: &Key) -> Value<'static> {
    let capacities = key.capacities.iter().map(|name| Value::text(*name)).collect();
    let revoked = key.revoked.map_or(Value::Null, |(entry, reason, since)| {
        Value::object([
            ("compromised_since", since.map_or(Value::Null, Value::number)),
            ("entry", Value::number(entry)),
            ("reason", Value::text(reason.name())),
        ])
    });
    Value::object([
        ("capacities", Value::List(capacities)),
        ("enrolled", Value::number(key.enrolled)),
        ("id", Value::text(key.id.to_hex())),
        ("recovery", key.recovery.map_or(Value::Null, |id| Value::text(id.to_hex()))),
        ("revoked", revoked),
    ])
}
