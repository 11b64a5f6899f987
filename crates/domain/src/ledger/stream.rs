//! One stream as the fold keeps it: its state, and what the epoch map says of it.

use std::sync::Arc;

use lian_core::{
    frame::NO_PREVIOUS,
    hash::{Digest, sha256},
    json::Value,
    map::stream_value,
};
use smallvec::SmallVec;

use super::stored::Tally;
use crate::{
    clearance,
    context::{Context, World},
    families,
    filing::Fact,
    guarantee,
    ids::{DeclarationNo, Ubn},
    plain, registry,
    rules::Rules,
};

/// The state of one stream.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum State {
    /// No event was accepted.
    #[default]
    Empty,
    /// An actor, a rules version, an epoch, the ledger itself …
    Registry(registry::State),
    /// A debtor, delegation or declaration.
    Plain(plain::State),
    /// A guarantee; `Some` from its request on. Shared with steps that are still to be written.
    Guarantee(Arc<Option<guarantee::State>>),
    /// What a family of the common shape keeps. Shared likewise.
    Family(Arc<families::State>),
}

impl State {
    /// The state after a fact that the rules allowed, and what that did to the counts by declaration;
    /// `None` if they contradict each other.
    pub(crate) fn evolve(
        self,
        fact: &Fact,
        index: u64,
        recorded_at: u64,
        rules: &Rules,
    ) -> Option<(Self, Effects)> {
        let context = Context { recorded_at, rules, signers: &[], world: &NoWorld };
        let (after, effects) = match (fact, self) {
            (Fact::Guarantee(fact), before) => {
                let mut state = match before {
                    Self::Guarantee(state) => state,
                    _ => Arc::default(),
                };
                let effects = guarantee::evolve(Arc::make_mut(&mut state), fact, &context).ok()?;
                (Self::Guarantee(state), counted(&effects))
            }
            (Fact::Plain(fact), _) => (Self::Plain(plain::evolve(*fact)), Effects::new()),
            (Fact::Registry(fact), before) => {
                let before = match before {
                    Self::Registry(state) => Some(state),
                    _ => None,
                };
                (Self::Registry(registry::evolve(before, fact, index)?), Effects::new())
            }
            (Fact::Family(fact), before) => {
                let before = match before {
                    Self::Family(state) => Some(Arc::unwrap_or_clone(state)),
                    Self::Empty => None,
                    _ => return None,
                };
                let (after, effects) = families::evolve(before, fact, &context)?;
                (Self::Family(Arc::new(after)), blocked(effects))
            }
        };
        Some((after, effects))
    }

    /// What a family of the common shape keeps.
    pub(crate) fn family(&self) -> Option<&families::State> {
        match self {
            Self::Family(state) => Some(state),
            _ => None,
        }
    }
}

/// Counts by declaration that an event changes, and by how much.
pub(crate) type Effects = SmallVec<[((Tally, DeclarationNo), i32); 1]>;

fn counted(effects: &guarantee::Effects) -> Effects {
    let opened = effects.opened.iter().map(|declaration| ((Tally::Draws, *declaration), 1));
    let closed = effects.closed.iter().map(|declaration| ((Tally::Draws, *declaration), -1));
    opened.chain(closed).collect()
}

fn blocked(effects: clearance::Effects) -> Effects {
    let blocked = effects.blocked.map(|declaration| ((Tally::Blocks, declaration), 1));
    let unblocked = effects.unblocked.map(|declaration| ((Tally::Blocks, declaration), -1));
    blocked.into_iter().chain(unblocked).collect()
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
    pub(crate) refused: Vec<(Digest, u64)>,
    /// Named by an entry since the map was computed last.
    pub(super) changed: bool,
    /// Changed since the last step was taken.
    pub(super) unsaved: bool,
    /// Used since the last look for what can be forgotten.
    pub(super) hot: bool,
}

impl Stream {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            version: 0,
            logged: 0,
            last: NO_PREVIOUS,
            acc: Digest::ZERO,
            state: State::Empty,
            refused: Vec::new(),
            changed: false,
            unsaved: false,
            hot: true,
        }
    }

    /// Canonical JSON of the state; `None` if no event was accepted.
    pub fn state_value(&self) -> Option<Value<'static>> {
        match &self.state {
            State::Empty => None,
            State::Registry(state) => Some(registry::state_value(state)),
            State::Plain(state) => Some(plain::state_value(*state)),
            State::Guarantee(state) => state.as_ref().as_ref().map(guarantee::State::to_value),
            State::Family(state) => Some(state.to_value()),
        }
    }

    /// SHA-256("lian/state/v1\n" ‖ canonical JSON of the state); zeros if no event was accepted.
    pub fn state_digest(&self) -> Digest {
        self.state_value().map_or(Digest::ZERO, |value| sha256(&[b"lian/state/v1\n", &value.write()]))
    }

    pub(super) fn map_value(&self) -> Digest {
        stream_value(self.version, self.logged, &self.acc, &self.state_digest())
    }

    /// The guarantee, if the stream is one that was requested.
    pub fn guarantee(&self) -> Option<&guarantee::State> {
        match &self.state {
            State::Guarantee(state) => state.as_ref().as_ref(),
            _ => None,
        }
    }

    /// What a family of the common shape keeps, if the stream is one of a family.
    pub fn family(&self) -> Option<&families::State> {
        self.state.family()
    }
}
