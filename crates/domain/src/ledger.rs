//! The fold of a whole ledger: every stream's state, the registry, the epochs.
//! Invariant: `judge` changes nothing unless the statement is accepted whole; the server, the audit
//! and a replay run this same code, so they cannot differ.
//! Order of judgement (DESIGN §10.3): time window, ledger, `seen`, authority, versions; then the
//! business rules, event by event, each on the state that the earlier ones left.

mod audit;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use foldhash::HashMap;
use lian_core::{
    audit::Place,
    entry::Verdict,
    frame::NO_PREVIOUS,
    hash::{Digest, sha256},
    json::Value,
    keys::PublicKey,
    map::{MapProof, accumulate, stream_key, stream_value},
    note::{SignatureType, VerifierKey},
    statement::STREAM_BYTES_MAX,
    time::{format_moment, taipei_day},
};
use smallvec::SmallVec;

use crate::{
    authority::Authority,
    context::{Context, Signer, World},
    directory::Directory,
    epochs::{Epoch, Epochs},
    filing::{Fact, FiledEvent, Filing},
    guarantee,
    ids::{DeclarationNo, Ubn},
    plain,
    refusal::Refusal,
    registry::{self, Event as RegistryEvent, Facts, LEDGER_STREAM, Opening, SYSTEM_LOG},
    rejection::Rejection,
    rules::Rules,
};

/// The engine that this code is.
pub const ENGINE: u32 = 1;

/// Why a statement gets no place in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unlogged {
    /// Turned away; nothing changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The rules in force run on an engine that this program does not have.
    #[error("the rules in force run on engine {0}, this program has engine {ENGINE} only")]
    UnknownEngine(u32),
    /// `decide` allowed what `evolve` cannot do: a fault of this program. Stop.
    #[error("contradiction in {0}: the rules allowed what the state cannot hold")]
    Contradiction(String),
}

/// The state of one stream.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// No event was accepted.
    Empty,
    /// An actor, a rules version, an epoch, the ledger itself …
    Registry(registry::State),
    /// A debtor, delegation or declaration.
    Plain(plain::State),
    /// A guarantee; `Some` from its request on.
    Guarantee(Box<Option<guarantee::State>>),
}

/// One stream: its state, and what the epoch map says of it.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Its id.
    pub name: Arc<str>,
    /// Accepted events.
    pub version: u64,
    /// Logged statements that name it, refused ones too.
    pub logged: u64,
    /// Index of the last entry that names it, or [`NO_PREVIOUS`].
    pub last: u64,
    /// Accumulator over those entries.
    pub acc: Digest,
    /// What it has become.
    pub state: State,
    /// Refused statements since the last accepted one: the only ones that could be logged twice.
    refused: Vec<(Digest, u64)>,
    changed: bool,
}

impl Stream {
    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            version: 0,
            logged: 0,
            last: NO_PREVIOUS,
            acc: Digest::ZERO,
            state: State::Empty,
            refused: Vec::new(),
            changed: false,
        }
    }

    /// Canonical JSON of the state; `None` if no event was accepted.
    pub fn state_value(&self) -> Option<Value<'static>> {
        match &self.state {
            State::Empty => None,
            State::Registry(state) => Some(registry::state_value(state)),
            State::Plain(state) => Some(plain::state_value(*state)),
            State::Guarantee(state) => state.as_ref().as_ref().map(guarantee::State::to_value),
        }
    }

    /// SHA-256("lian/state/v1\n" ‖ canonical JSON of the state); zeros if no event was accepted.
    pub fn state_digest(&self) -> Digest {
        self.state_value().map_or(Digest::ZERO, |value| sha256(&[b"lian/state/v1\n", &value.write()]))
    }

    fn map_value(&self) -> Digest {
        stream_value(self.version, self.logged, &self.acc, &self.state_digest())
    }

    /// The guarantee, if the stream is one that was requested.
    pub fn guarantee(&self) -> Option<&guarantee::State> {
        match &self.state {
            State::Guarantee(state) => state.as_ref().as_ref(),
            _ => None,
        }
    }
}

/// A whole ledger, folded up to some entry.
pub struct Ledger {
    id: String,
    opening: Option<Arc<Opening>>,
    /// The log's key of entry 0. Made once: checking that it is one takes longer than a signature.
    log_key: Option<VerifierKey>,
    size: u64,
    recorded_at: u64,
    rules: Arc<Rules>,
    streams: Vec<Stream>,
    by_name: HashMap<Arc<str>, usize>,
    changed: Vec<usize>,
    directory: Directory,
    open_draws: HashMap<DeclarationNo, u32>,
    epochs: Epochs,
    pending_map: Option<(u64, Digest)>,
    /// Refusals by key on the civil day of the last entry.
    refusals: HashMap<Digest, u64>,
    refusals_day: i64,
    /// Judging has stopped: the state after some entry is unknown.
    lost: bool,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}

impl Ledger {
    /// Before entry 0.
    pub fn new() -> Self {
        Self {
            id: String::new(),
            opening: None,
            log_key: None,
            size: 0,
            recorded_at: 0,
            rules: Arc::new(Rules::standard()),
            streams: Vec::new(),
            by_name: HashMap::default(),
            changed: Vec::new(),
            directory: Directory::default(),
            open_draws: HashMap::default(),
            epochs: Epochs::new(),
            pending_map: None,
            refusals: HashMap::default(),
            refusals_day: 0,
            lost: false,
        }
    }

    /// `<name>#<base64url of the leaf hash of entry 0>`: what statements name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What entry 0 says.
    pub fn opening(&self) -> Option<&Opening> {
        self.opening.as_deref()
    }

    /// Entries folded.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// `recorded_at` of the last entry, Unix milliseconds.
    pub fn recorded_at(&self) -> u64 {
        self.recorded_at
    }

    /// Rules in force for the next entry.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// Keys and actors.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// All closed epochs, from 0.
    pub fn epochs(&self) -> &[Epoch] {
        self.epochs.closed()
    }

    /// All streams that some entry names, in the order of their first entry.
    pub fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// One stream by its id.
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.by_name.get(name).map(|at| &self.streams[*at])
    }

    /// One stream by the parts of its id. Rules ask at every draw, so without an allocation.
    fn stream_of(&self, parts: &[&str]) -> Option<&Stream> {
        let mut name = [0; STREAM_BYTES_MAX];
        let mut end = 0;
        for part in parts {
            name.get_mut(end..end + part.len())?.copy_from_slice(part.as_bytes());
            end += part.len();
        }
        self.stream(std::str::from_utf8(&name[..end]).ok()?)
    }

    /// The state of one guarantee.
    pub fn guarantee(&self, stream: &str) -> Option<&guarantee::State> {
        self.stream(stream)?.guarantee()
    }

    /// Is the scheme suspended for this debtor on that day?
    pub fn is_scheme_suspended(&self, debtor: &Ubn, day: i64) -> bool {
        self.scheme_suspended(debtor, day)
    }

    /// The engine of a rules version that was published.
    pub fn published_engine(&self, version: u32) -> Option<u32> {
        match &self.stream(&format!("rules/{version}"))?.state {
            State::Registry(registry::State::Rules(publication)) => Some(publication.rules.engine),
            _ => None,
        }
    }

    /// The key that an issuer names: enrolled, or brought by the filing itself.
    pub fn issuer_key<'f>(&'f self, filing: &'f Filing, key: &Digest) -> Option<&'f PublicKey> {
        let enrolled = self.directory.key(key).map(|found| &found.public);
        enrolled.or_else(|| filing.new_keys().into_iter().find(|new| new.id() == *key))
    }

    /// Must the next batch begin with `epoch.closed`?
    pub fn epoch_due(&self, recorded_at: u64) -> bool {
        self.epochs.due(self.size, recorded_at.max(self.recorded_at), &self.rules)
    }

    /// The derived data of the next `epoch.closed` at index `size` with that tree root.
    pub fn next_epoch(&mut self, root: Digest) -> RegistryEvent {
        RegistryEvent::EpochClosed {
            number: self.epochs.next_number(),
            size: self.size,
            root,
            map: self.map_root(),
            engine: ENGINE,
        }
    }

    /// Root of the epoch map over all entries so far.
    pub fn map_root(&mut self) -> Digest {
        if let Some((size, map)) = self.pending_map
            && size == self.size
        {
            return map;
        }
        let mut changes = Vec::with_capacity(self.changed.len());
        for at in self.changed.drain(..) {
            let stream = &mut self.streams[at];
            stream.changed = false;
            changes.push((stream_key(&stream.name), stream.map_value()));
        }
        let map = self.epochs.map_root(&mut changes);
        self.pending_map = Some((self.size, map));
        map
    }

    /// The proof that these are all entries of a stream, and its state, under the map at this size.
    pub fn prove_stream(&mut self, stream: &str) -> MapProof {
        self.map_root();
        self.epochs.prove(&stream_key(stream))
    }

    /// Judges a statement for the place at the end of the log and, if it is accepted, moves the
    /// states on. Call [`Ledger::record`] next for whatever is logged.
    pub fn judge(&mut self, place: &Place<'_>, filing: &Filing) -> Result<Verdict, Unlogged> {
        if place.index == 0 {
            return Self::judge_opening(filing).map(|()| Verdict::ACCEPTED).map_err(Unlogged::from);
        }
        if self.rules.engine != ENGINE {
            return Err(Unlogged::UnknownEngine(self.rules.engine));
        }
        self.judge_window(filing, place.recorded_at)?;
        self.judge_seen(filing)?;
        // Taken out, so that signers can borrow from it while the states move on.
        let mut directory = std::mem::take(&mut self.directory);
        let outcome = self.judge_authorised(place, filing, &directory);
        if outcome == Ok(Verdict::ACCEPTED) {
            note_in_directory(&mut directory, filing);
        }
        self.directory = directory;
        outcome
    }

    /// Would a statement stamped then be turned away, business rules apart? Changes nothing.
    pub fn check_authority(&self, filing: &Filing, recorded_at: u64) -> Result<(), Rejection> {
        self.judge_window(filing, recorded_at)?;
        self.judge_seen(filing)?;
        let threshold = self.opening.as_ref().map_or(usize::MAX, |opening| opening.threshold);
        let authority = Authority { directory: &self.directory, threshold };
        let found = authority.find(filing)?;
        let signers: Vec<Signer<'_>> = found.iter().map(|found| found.signer).collect();
        authority.cover(filing, &signers)?;
        self.judge_versions(filing, &self.slots(filing))
    }

    /// Where the streams of a filing are, each looked up once; none for one that no entry names.
    fn slots(&self, filing: &Filing) -> Slots {
        filing.streams.iter().map(|name| self.by_name.get(&**name).copied()).collect()
    }

    fn judge_authorised(
        &mut self,
        place: &Place<'_>,
        filing: &Filing,
        directory: &Directory,
    ) -> Result<Verdict, Unlogged> {
        let threshold = self.opening.as_ref().map_or(usize::MAX, |opening| opening.threshold);
        let authority = Authority { directory, threshold };
        let found = authority.find(filing)?;
        let signers: Vec<Signer<'_>> = found.iter().map(|found| found.signer).collect();
        authority.cover(filing, &signers)?;
        let mut slots = self.slots(filing);
        self.judge_sides(filing, &slots, &signers)?;
        self.judge_versions(filing, &slots)?;
        self.judge_derived(place, filing)?;
        let known = self.streams.len();
        let verdict = self.decide(place, filing, &mut slots, &signers)?;
        if !verdict.is_accepted()
            && let Err(rejection) = self.judge_quota(filing, place.recorded_at)
        {
            // No entry will name the streams that it brought: they would stay for nothing.
            for stream in self.streams.drain(known..) {
                self.by_name.remove(&stream.name);
            }
            return Err(rejection.into());
        }
        Ok(verdict)
    }

    fn judge_opening(filing: &Filing) -> Result<(), Rejection> {
        let [FiledEvent { fact: Fact::Registry(RegistryEvent::Opened(opening)), expect: 0, .. }] =
            &filing.events[..]
        else {
            return Err(Rejection::Genesis);
        };
        let named =
            |text: &str| Rejection::WrongLedger { named: text.to_owned(), own: opening.name.to_string() };
        if *filing.ledger != *opening.name {
            return Err(named(&filing.ledger));
        }
        let mut expected: Vec<(String, &str, Digest)> = Vec::new();
        for (organisation, key) in &opening.roots {
            expected.push((format!("root:{organisation}"), "root", key.id()));
        }
        expected.push((SYSTEM_LOG.to_owned(), "possession", opening.system_log.id()));
        expected.push((registry::SYSTEM_ADMISSION.to_owned(), "possession", opening.system_admission.id()));
        let same =
            |(issuer, (actor, capacity, key)): (&crate::filing::FiledIssuer, &(String, &str, Digest))| {
                *issuer.actor == **actor && issuer.capacity == *capacity && issuer.key == *key
            };
        let all = filing.issuers.len() == expected.len() && filing.issuers.iter().zip(&expected).all(same);
        if !all || !filing.requires.is_empty() || filing.seen.is_some() {
            return Err(Rejection::Genesis);
        }
        let mut keys: Vec<Digest> = expected.iter().map(|(.., key)| *key).collect();
        keys.push(opening.log_key.id());
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Rejection::SignerTwice("a key".to_owned()));
        }
        Ok(())
    }

    fn judge_window(&self, filing: &Filing, recorded_at: u64) -> Result<(), Rejection> {
        if *filing.ledger != *self.id {
            return Err(Rejection::WrongLedger { named: filing.ledger.to_string(), own: self.id.clone() });
        }
        let now_ms = i64::try_from(recorded_at).unwrap_or(i64::MAX);
        let skew_s = i64::from(self.rules.clock_skew_seconds);
        let ahead_ms = filing.issued_at.saturating_mul(1_000).saturating_sub(now_ms);
        if ahead_ms > skew_s * 1_000 {
            return Err(Rejection::IssuedAhead { ahead_s: ahead_ms / 1_000, allowed_s: skew_s });
        }
        let allowed_days = i64::from(self.rules.statement_days_max);
        let claimed_s = filing.valid_until.saturating_sub(filing.issued_at);
        if claimed_s < 0 || claimed_s > allowed_days * 86_400 {
            return Err(Rejection::ValidTooLong { claimed_s, allowed_days });
        }
        let over_ms = now_ms.saturating_sub(filing.valid_until.saturating_mul(1_000));
        if over_ms > 0 {
            return Err(Rejection::Expired(over_ms / 1_000));
        }
        Ok(())
    }

    fn judge_seen(&self, filing: &Filing) -> Result<(), Rejection> {
        let Some((number, seen)) = filing.seen else {
            let kind = filing.events.iter().find(|event| self.rules.needs_seen(event.kind));
            return kind.map_or(Ok(()), |event| Err(Rejection::SeenMissing(event.kind.to_owned())));
        };
        let own = self.epochs.get(number).map(|epoch| epoch.root);
        if own == Some(seen) {
            return Ok(());
        }
        let own = own.map_or_else(|| "no such epoch".to_owned(), |root| root.to_hex());
        Err(Rejection::SeenContradicted { epoch: number, seen: seen.to_hex(), own })
    }

    fn judge_sides(&self, filing: &Filing, slots: &Slots, signers: &[Signer<'_>]) -> Result<(), Rejection> {
        let mut bank = None;
        for event in &filing.events {
            let Fact::Guarantee(fact) = &event.fact else {
                continue;
            };
            let state = slots[event.stream].and_then(|at| self.streams[at].guarantee());
            if !guarantee::owner(state, fact, signers) {
                let actor = signers.first().map_or("nobody", |signer| signer.actor);
                return Err(Rejection::WrongSide {
                    actor: actor.to_owned(),
                    kind: event.kind.to_owned(),
                    stream: filing.streams[event.stream].to_string(),
                });
            }
            match (bank, guarantee::bank_of(state, fact)) {
                (Some(one), Some(other)) if one != other => {
                    return Err(Rejection::SeveralBanks(format!("{one}"), format!("{other}")));
                }
                (None, found) => bank = found,
                _ => {}
            }
        }
        Ok(())
    }

    fn judge_versions(&self, filing: &Filing, slots: &Slots) -> Result<(), Rejection> {
        let version = |stream: Option<&Stream>| stream.map_or(0, |found| found.version);
        let at = |slot: &Option<usize>| slot.map(|at| &self.streams[at]);
        let mut next: SmallVec<[u64; STREAMS_USUAL]> = slots.iter().map(|slot| version(at(slot))).collect();
        for event in &filing.events {
            if event.expect != next[event.stream] {
                return Err(Rejection::StaleVersion {
                    stream: filing.streams[event.stream].to_string(),
                    expected: event.expect,
                    actual: next[event.stream],
                });
            }
            next[event.stream] += 1;
        }
        for (stream, expected) in &filing.requires {
            let actual = version(self.stream(stream));
            if actual != *expected {
                return Err(Rejection::StaleRequires {
                    stream: stream.to_string(),
                    expected: *expected,
                    actual,
                });
            }
        }
        // No stream moved since a refusal of this same statement: then one of them remembers it.
        let again = slots.first().and_then(at).and_then(|stream| {
            stream.refused.iter().find(|(digest, _)| *digest == filing.digest).map(|(_, entry)| *entry)
        });
        again.map_or(Ok(()), |entry| Err(Rejection::AlreadyLogged(entry)))
    }

    /// The log's own facts must be what the log itself gives.
    fn judge_derived(&mut self, place: &Place<'_>, filing: &Filing) -> Result<(), Rejection> {
        for (position, event) in filing.events.iter().enumerate() {
            let derived = match &event.fact {
                Fact::Registry(said @ RegistryEvent::EpochClosed { .. }) => {
                    place.batch_first && position == 0 && *said == self.next_epoch(place.tree.root())
                }
                Fact::Registry(RegistryEvent::EpochCosigned { number, size, lines }) => {
                    self.epochs.may_log(*number, *size, lines)
                }
                _ => true,
            };
            if !derived {
                return Err(Rejection::NotDerived(event.kind.to_owned()));
            }
        }
        Ok(())
    }

    fn judge_quota(&mut self, filing: &Filing, recorded_at: u64) -> Result<(), Rejection> {
        let Some(issuer) = filing.issuers.first() else {
            return Ok(());
        };
        if self.refusals_day != taipei_day(recorded_at) {
            self.refusals_day = taipei_day(recorded_at);
            self.refusals.clear();
        }
        let quota = u64::from(self.rules.refusals_per_day);
        let used = self.refusals.get(&issuer.key).copied().unwrap_or_default();
        if used >= quota {
            return Err(Rejection::RefusalQuota { key: issuer.key.to_hex(), quota });
        }
        Ok(())
    }

    /// Runs the rules, event by event; a refusal restores all that the earlier events changed.
    fn decide(
        &mut self,
        place: &Place<'_>,
        filing: &Filing,
        slots: &mut Slots,
        signers: &[Signer<'_>],
    ) -> Result<Verdict, Unlogged> {
        let rules = Arc::clone(&self.rules);
        let mut undo = Undo::default();
        for (position, event) in filing.events.iter().enumerate() {
            let at = slots[event.stream].unwrap_or_else(|| self.stream_at(&filing.streams[event.stream]));
            slots[event.stream] = Some(at);
            if let Err(code) = self.decide_event(place, &rules, signers, at, &event.fact) {
                self.restore(undo);
                let event = u16::try_from(position).unwrap_or(u16::MAX);
                return Ok(Verdict { code, event });
            }
            if filing.events.len() > 1 && !undo.streams.iter().any(|(known, _)| *known == at) {
                undo.streams.push((at, self.streams[at].state.clone()));
            }
            self.evolve_event(place, &rules, signers, at, event, &mut undo)?;
        }
        for event in &filing.events {
            self.note_effects(event, place);
        }
        Ok(Verdict::ACCEPTED)
    }

    fn decide_event(
        &self,
        place: &Place<'_>,
        rules: &Rules,
        signers: &[Signer<'_>],
        at: usize,
        fact: &Fact,
    ) -> Result<(), u16> {
        let stream = &self.streams[at];
        match (fact, &stream.state) {
            (Fact::Guarantee(event), State::Guarantee(_) | State::Empty) => {
                let context = Context { recorded_at: place.recorded_at, rules, signers, world: self };
                guarantee::decide(stream.guarantee(), event, &context).map_err(Refusal::code)
            }
            (Fact::Plain(event), State::Plain(state)) => {
                plain::decide(Some(*state), *event).map_err(Refusal::code)
            }
            (Fact::Plain(event), State::Empty) => plain::decide(None, *event).map_err(Refusal::code),
            (Fact::Registry(event), State::Registry(state)) => self.decide_registry(Some(state), event),
            (Fact::Registry(event), State::Empty) => self.decide_registry(None, event),
            // A stream's family is part of its id, and each kind belongs to one family.
            _ => Err(u16::MAX),
        }
    }

    fn decide_registry(&self, state: Option<&registry::State>, event: &RegistryEvent) -> Result<(), u16> {
        let epoch_size = match event {
            RegistryEvent::RulesActivated { epoch, .. } => {
                self.epochs.get(*epoch).filter(|epoch| epoch.cosigned).map(|epoch| epoch.size)
            }
            _ => None,
        };
        let facts = Facts { index: self.size, rules_version: self.rules.version, epoch_size };
        registry::decide(state, event, &facts).map_err(Refusal::code)
    }

    fn evolve_event(
        &mut self,
        place: &Place<'_>,
        rules: &Rules,
        signers: &[Signer<'_>],
        at: usize,
        event: &FiledEvent,
        undo: &mut Undo,
    ) -> Result<(), Unlogged> {
        let before = std::mem::replace(&mut self.streams[at].state, State::Empty);
        let after = match (&event.fact, before) {
            (Fact::Guarantee(fact), before) => {
                let mut state = match before {
                    State::Guarantee(state) => state,
                    _ => Box::default(),
                };
                let context = Context { recorded_at: place.recorded_at, rules, signers, world: &NoWorld };
                let effects = guarantee::evolve(&mut state, fact, &context).ok();
                effects.map(|effects| {
                    if let Some(declaration) = effects.opened {
                        *self.open_draws.entry(declaration).or_default() += 1;
                        undo.opened.push(declaration);
                    }
                    for declaration in effects.closed {
                        self.close_draw(declaration);
                        undo.closed.push(declaration);
                    }
                    State::Guarantee(state)
                })
            }
            (Fact::Plain(fact), _) => Some(State::Plain(plain::evolve(*fact))),
            (Fact::Registry(fact), State::Registry(state)) => {
                registry::evolve(Some(state), fact, place.index).map(State::Registry)
            }
            (Fact::Registry(fact), _) => registry::evolve(None, fact, place.index).map(State::Registry),
        };
        let Some(after) = after else {
            return Err(Unlogged::Contradiction(format!("{} on {}", event.kind, self.streams[at].name)));
        };
        self.streams[at].state = after;
        Ok(())
    }

    fn close_draw(&mut self, declaration: DeclarationNo) {
        if let Some(open) = self.open_draws.get_mut(&declaration) {
            *open -= 1;
            if *open == 0 {
                self.open_draws.remove(&declaration);
            }
        }
    }

    fn restore(&mut self, undo: Undo) {
        for (at, state) in undo.streams {
            self.streams[at].state = state;
        }
        for declaration in undo.closed {
            *self.open_draws.entry(declaration).or_default() += 1;
        }
        for declaration in undo.opened {
            self.close_draw(declaration);
        }
    }

    /// Effects of accepted registry events beyond their own streams.
    fn note_effects(&mut self, event: &FiledEvent, place: &Place<'_>) {
        match &event.fact {
            Fact::Registry(RegistryEvent::RulesActivated { version, .. }) => {
                let stream = self.stream(&format!("rules/{version}"));
                if let Some(State::Registry(registry::State::Rules(publication))) =
                    stream.map(|found| &found.state)
                {
                    self.rules = Arc::clone(&publication.rules);
                }
            }
            Fact::Registry(RegistryEvent::EpochClosed { size, root, map, .. }) => {
                self.epochs.close(*size, *root, *map, place.recorded_at);
            }
            Fact::Registry(RegistryEvent::EpochCosigned { number, lines, .. }) => {
                self.epochs.cosigned(*number, lines);
            }
            _ => {}
        }
    }

    fn stream_at(&mut self, name: &str) -> usize {
        if let Some(at) = self.by_name.get(name) {
            return *at;
        }
        let stream = Stream::new(name);
        let at = self.streams.len();
        self.by_name.insert(Arc::clone(&stream.name), at);
        self.streams.push(stream);
        at
    }

    /// Notes that a judged statement is entry `place.index`; returns for each event the previous
    /// entry that names its stream.
    pub fn record(
        &mut self,
        place: &Place<'_>,
        filing: &Filing,
        verdict: Verdict,
        leaf_hash: Digest,
    ) -> Vec<u64> {
        if place.index == 0 {
            self.open(place, filing, leaf_hash);
        }
        let mut events: SmallVec<[u64; STREAMS_USUAL]> = SmallVec::from_elem(0, filing.streams.len());
        for event in &filing.events {
            events[event.stream] += 1;
        }
        let mut previous: SmallVec<[u64; STREAMS_USUAL]> = SmallVec::with_capacity(filing.streams.len());
        for (name, events) in filing.streams.iter().zip(events) {
            let at = self.stream_at(name);
            let stream = &mut self.streams[at];
            previous.push(stream.last);
            stream.last = place.index;
            stream.logged += 1;
            stream.acc = accumulate(&stream.acc, place.index, &leaf_hash);
            if verdict.is_accepted() {
                stream.version += events;
                stream.refused.clear();
            } else {
                stream.refused.push((filing.digest, place.index));
            }
            if !stream.changed {
                stream.changed = true;
                self.changed.push(at);
            }
        }
        if let (false, Some(issuer)) = (verdict.is_accepted(), filing.issuers.first()) {
            *self.refusals.entry(issuer.key).or_default() += 1;
        }
        let by_the_log = filing.issuers.first().is_some_and(|issuer| *issuer.actor == *SYSTEM_LOG);
        if place.index > 0 {
            self.epochs.entry(place.recorded_at, by_the_log, &self.rules);
        }
        self.size = place.index + 1;
        self.recorded_at = place.recorded_at;
        filing.events.iter().map(|event| previous[event.stream]).collect()
    }

    fn open(&mut self, place: &Place<'_>, filing: &Filing, leaf_hash: Digest) {
        let Some(Fact::Registry(event @ RegistryEvent::Opened(opening))) =
            filing.events.first().map(|event| &event.fact)
        else {
            return;
        };
        self.id = ledger_id(&opening.name, &leaf_hash);
        self.rules = Arc::clone(&opening.rules);
        self.directory.open(opening);
        let policy = opening.witness_policy.clone();
        self.epochs.open(&opening.name, policy, leaf_hash, place.recorded_at);
        self.log_key = VerifierKey::new(&opening.name, SignatureType::Ed25519, opening.log_key).ok();
        self.opening = Some(Arc::new((**opening).clone()));
        let at = self.stream_at(LEDGER_STREAM);
        self.streams[at].state = registry::evolve(None, event, 0).map_or(State::Empty, State::Registry);
    }

    /// The batch that ends at `size` is committed under `root`.
    pub fn committed(&mut self, size: u64, root: Digest) {
        self.epochs.committed(size, root);
    }
}

/// Streams of one statement for which there is room without an allocation.
const STREAMS_USUAL: usize = 4;
/// By position in [`Filing::streams`].
type Slots = SmallVec<[Option<usize>; STREAMS_USUAL]>;

/// What a refused statement's earlier events changed.
#[derive(Default)]
struct Undo {
    streams: Vec<(usize, State)>,
    opened: Vec<DeclarationNo>,
    closed: Vec<DeclarationNo>,
}

/// Effects of an accepted statement on the directory, which no rule of the statement itself reads.
fn note_in_directory(directory: &mut Directory, filing: &Filing) {
    for event in &filing.events {
        let actor = filing.streams[event.stream].strip_prefix("actor/").unwrap_or_default();
        match &event.fact {
            Fact::Registry(RegistryEvent::ActorRegistered { unit, person }) => {
                directory.register(actor, unit, person.as_deref());
            }
            Fact::Registry(RegistryEvent::KeyEnrolled(enrolment)) => directory.enrol(actor, enrolment),
            Fact::Registry(RegistryEvent::KeyRevoked { key, .. }) => directory.revoke(key),
            _ => {}
        }
    }
}

impl World for Ledger {
    fn scheme_suspended(&self, debtor: &Ubn, day: i64) -> bool {
        match self.stream_of(&["debtor/", debtor.as_str()]).map(|stream| &stream.state) {
            Some(State::Plain(plain::State::Debtor(Some((from, until))))) => {
                (from.number()..=until.number()).contains(&day)
            }
            _ => false,
        }
    }

    fn delegated(&self, broker: &Ubn, importer: &Ubn) -> bool {
        let stream = self.stream_of(&["delegation/", broker.as_str(), "/", importer.as_str()]);
        matches!(stream.map(|stream| &stream.state), Some(State::Plain(plain::State::Delegation(true))))
    }

    fn declaration_blocked(&self, declaration: &DeclarationNo) -> bool {
        let stream = self.stream_of(&["declaration/", declaration.as_str()]);
        matches!(stream.map(|stream| &stream.state), Some(State::Plain(plain::State::Declaration(Some(_)))))
    }

    fn has_open_draw(&self, declaration: &DeclarationNo) -> bool {
        self.open_draws.contains_key(declaration)
    }
}

/// `evolve` may not look at other streams: facts that it needs were decided on.
struct NoWorld;

impl World for NoWorld {
    fn scheme_suspended(&self, _: &Ubn, _: i64) -> bool {
        false
    }

    fn delegated(&self, _: &Ubn, _: &Ubn) -> bool {
        false
    }

    fn declaration_blocked(&self, _: &DeclarationNo) -> bool {
        false
    }

    fn has_open_draw(&self, _: &DeclarationNo) -> bool {
        false
    }
}

/// `<name>#<base64url of the leaf hash of entry 0>`: what statements name.
pub fn ledger_id(name: &str, entry_0: &Digest) -> String {
    format!("{name}#{}", URL_SAFE_NO_PAD.encode(entry_0.0))
}

/// When the log recorded something, for messages: `2026-11-23T14:05:03+08:00`.
pub fn moment_of(unix_ms: u64) -> String {
    format_moment(i64::try_from(unix_ms / 1_000).unwrap_or(i64::MAX))
}
