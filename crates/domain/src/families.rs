//! The families that share one shape, so that the ledger knows them as one: draws, ethics, clearance,
//! cases and patrols. What is asked by the name of a kind is a row of [`FAMILIES`]; what is asked by
//! an event or a state is one match for each question, all of them in this file.
//! Invariant: every kind is in one family, and a family's kinds stand on streams of its own, so a
//! stream never holds the state of another family.
//! Pure. Not here: guarantees, whose states have views and indexes of their own, and the registry.

mod words;

pub use words::words;

use std::sync::LazyLock;

use lian_core::json::{SchemaError, Value};

use crate::{
    cases, clearance,
    clearance::Effects,
    context::{Context, Signer},
    draws, ethics,
    filing::ReaderClass,
    obligations::patrol,
    refusal::Refusal,
};

/// Alternatives of the capacities that must sign: the issuers' capacities are exactly one of them.
pub type Alternatives = &'static [&'static [&'static str]];

/// One fact of a family.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Of a draw.
    Draw(draws::Event),
    /// Of a registration or a sampling run.
    Ethics(ethics::Event),
    /// Of cargo or what stands around it. Boxed, because filings go from thread to thread and those of
    /// guarantees are smaller.
    Clearance(Box<clearance::Event>),
    /// Of a case, handover, exhibit or post.
    Case(cases::Event),
    /// Of the patrol of a month.
    Patrol(patrol::Event),
}

/// The state of one stream of a family.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// A draw.
    Draw(draws::State),
    /// A registration or a sampling run.
    Ethics(ethics::State),
    /// Cargo or what stands around it.
    Clearance(clearance::State),
    /// A case, handover, exhibit or post.
    Case(cases::State),
    /// The patrol of a month.
    Patrol(Box<patrol::Patrol>),
}

/// What the families ask of other streams.
pub trait Around: draws::Around + ethics::Around + clearance::Around + cases::Around {}

impl<T: draws::Around + ethics::Around + clearance::Around + cases::Around> Around for T {}

/// What is asked of a family by the name of a kind, or by what rows say.
pub struct Family {
    /// The byte that marks its states in rows.
    pub row: u8,
    kinds: fn() -> Vec<&'static str>,
    authority: fn(&str) -> Option<Alternatives>,
    reader: fn(&str) -> ReaderClass,
    sealable: fn(&str) -> &'static [&'static str],
    parse: fn(&str, &str, &Value<'_>) -> Option<Result<Event, SchemaError>>,
    read: fn(&Value<'_>) -> Result<State, SchemaError>,
}

/// All of them, ascending by their bytes in rows.
pub static FAMILIES: [Family; 5] = [
    Family {
        row: 4,
        kinds: || draws::kinds().collect(),
        authority: draws::authority,
        reader: draws::reader,
        sealable: draws::sealable,
        parse: |kind, stream, data| Some(draws::parse(kind, stream, data)?.map(Event::Draw)),
        read: |value| draws::State::from_value(value).map(State::Draw),
    },
    Family {
        row: 5,
        kinds: || ethics::kinds().collect(),
        authority: ethics::authority,
        reader: ethics::reader,
        sealable: ethics::sealable,
        parse: |kind, stream, data| Some(ethics::parse(kind, stream, data)?.map(Event::Ethics)),
        read: |value| ethics::State::from_value(value).map(State::Ethics),
    },
    Family {
        row: 6,
        kinds: || clearance::kinds().collect(),
        authority: clearance::authority,
        reader: |kind| clearance::reader(kind).unwrap_or(ReaderClass::House),
        sealable: clearance::sealable,
        parse: |kind, stream, data| {
            Some(clearance::parse(kind, stream, data)?.map(|event| Event::Clearance(Box::new(event))))
        },
        read: |value| clearance::State::from_value(value).map(State::Clearance),
    },
    Family {
        row: 7,
        kinds: || cases::kinds().collect(),
        authority: cases::authority,
        reader: cases::reader,
        sealable: cases::sealable,
        parse: |kind, stream, data| Some(cases::parse(kind, stream, data)?.map(Event::Case)),
        read: |value| cases::State::from_value(value).map(State::Case),
    },
    Family {
        row: 8,
        kinds: || patrol::kinds().collect(),
        authority: patrol::authority,
        reader: patrol::reader,
        sealable: patrol::sealable,
        parse: |kind, stream, data| Some(patrol::parse(kind, stream, data)?.map(Event::Patrol)),
        read: |value| patrol::Patrol::from_value(value).map(|state| State::Patrol(Box::new(state))),
    },
];

/// One kind of a family.
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// Who must sign.
    pub authority: Alternatives,
    /// Who may read payloads.
    pub reader: ReaderClass,
    /// JSON pointers of the fields of its data that may hold a sealed value.
    pub sealable: &'static [&'static str],
    family: &'static Family,
}

/// The kinds of all families, ascending.
static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let row = |family: &'static Family, name| Kind {
        name,
        authority: (family.authority)(name).unwrap_or_default(),
        reader: (family.reader)(name),
        sealable: (family.sealable)(name),
        family,
    };
    let all =
        FAMILIES.iter().flat_map(|family| (family.kinds)().into_iter().map(move |name| row(family, name)));
    let mut all: Vec<Kind> = all.collect();
    all.sort_unstable_by_key(|kind| kind.name);
    all
});

/// The kinds of all families, ascending.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter()
}

/// The kind of this name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.binary_search_by(|kind| kind.name.cmp(name)).ok().map(|position| &KINDS[position])
}

impl Kind {
    /// Reads the data of this kind.
    pub fn parse(&self, stream: &str, data: &Value<'_>) -> Result<Event, SchemaError> {
        let none = || Err(SchemaError::new("", "is of no known family"));
        (self.family.parse)(self.name, stream, data).unwrap_or_else(none)
    }
}

impl State {
    /// The byte that marks the state in rows.
    pub fn row(&self) -> u8 {
        match self {
            Self::Draw(_) => 4,
            Self::Ethics(_) => 5,
            Self::Clearance(_) => 6,
            Self::Case(_) => 7,
            Self::Patrol(_) => 8,
        }
    }

    /// The state as canonical JSON members.
    pub fn to_value(&self) -> Value<'static> {
        match self {
            Self::Draw(state) => state.to_value(),
            Self::Ethics(state) => state.to_value(),
            Self::Clearance(state) => state.to_value(),
            Self::Case(state) => state.to_value(),
            Self::Patrol(state) => state.to_value(),
        }
    }

    /// The inverse of [`State::to_value`] for the family that rows mark with this byte; `None` if
    /// there is no such family.
    pub fn from_value(row: u8, value: &Value<'_>) -> Option<Result<Self, SchemaError>> {
        FAMILIES.iter().find(|family| family.row == row).map(|family| (family.read)(value))
    }

    /// The draw, if it is one.
    pub fn draw(&self) -> Option<&draws::State> {
        match self {
            Self::Draw(state) => Some(state),
            _ => None,
        }
    }

    /// The registration or run, if it is one.
    pub fn ethics(&self) -> Option<&ethics::State> {
        match self {
            Self::Ethics(state) => Some(state),
            _ => None,
        }
    }

    /// Cargo or what stands around it, if it is that.
    pub fn clearance(&self) -> Option<&clearance::State> {
        match self {
            Self::Clearance(state) => Some(state),
            _ => None,
        }
    }

    /// The case, handover, exhibit or post, if it is one.
    pub fn case(&self) -> Option<&cases::State> {
        match self {
            Self::Case(state) => Some(state),
            _ => None,
        }
    }

    /// The patrol, if it is one.
    pub fn patrol(&self) -> Option<&patrol::Patrol> {
        match self {
            Self::Patrol(state) => Some(state),
            _ => None,
        }
    }
}

/// True if those who sign may sign for *this* stream. False is a rejection (wrong side).
pub fn owner(state: Option<&State>, event: &Event, signers: &[Signer<'_>]) -> bool {
    match event {
        Event::Draw(event) => draws::owner(state.and_then(State::draw), event, signers),
        Event::Ethics(event) => ethics::owner(state.and_then(State::ethics), event, signers),
        Event::Clearance(event) => clearance::owner(state.and_then(State::clearance), event, signers),
        Event::Case(event) => cases::owner(state.and_then(State::case), event, signers),
        Event::Patrol(event) => patrol::owner(state.and_then(State::patrol), event, signers),
    }
}

/// Judges one event on the state before it; `None` is a stream without any accepted event.
pub fn decide(
    state: Option<&State>,
    event: &Event,
    context: &Context<'_>,
    around: &dyn Around,
) -> Result<(), Refusal> {
    let rules = context.rules;
    match event {
        Event::Draw(event) => {
            draws::decide(state.and_then(State::draw), event, context, &rules.draws, around)
        }
        Event::Ethics(event) => ethics::decide(state.and_then(State::ethics), event, context, around),
        Event::Clearance(event) => {
            clearance::decide(state.and_then(State::clearance), event, context, &rules.clearance, around)
        }
        Event::Case(event) => {
            cases::decide(state.and_then(State::case), event, context, &rules.cases, around)
        }
        Event::Patrol(event) => patrol::decide(state.and_then(State::patrol), event, context),
    }
}

/// The state after an accepted event, and what that did to the count of cargo that blocks a
/// declaration; `None` if state and event contradict each other.
pub fn evolve(state: Option<State>, event: &Event, context: &Context<'_>) -> Option<(State, Effects)> {
    let rules = context.rules;
    let quiet = |state: State| (state, Effects::default());
    let draw = |state, event| draws::evolve(state, event, context, &rules.draws).ok().map(State::Draw);
    let ethics = |state, event| ethics::evolve(state, event, context, &rules.ethics).ok().map(State::Ethics);
    let cargo = |state, event| {
        let (state, effects) = clearance::evolve(state, event, context, &rules.clearance).ok()?;
        Some((State::Clearance(state), effects))
    };
    let case = |state, event| cases::evolve(state, event, context).ok().map(State::Case);
    let patrol = |state, event| {
        let state = patrol::evolve(state, event, context).ok()?;
        Some(State::Patrol(Box::new(state)))
    };
    match (event, state) {
        (Event::Draw(event), None) => draw(None, event).map(quiet),
        (Event::Draw(event), Some(State::Draw(state))) => draw(Some(state), event).map(quiet),
        (Event::Ethics(event), None) => ethics(None, event).map(quiet),
        (Event::Ethics(event), Some(State::Ethics(state))) => ethics(Some(state), event).map(quiet),
        (Event::Clearance(event), None) => cargo(None, event),
        (Event::Clearance(event), Some(State::Clearance(state))) => cargo(Some(state), event),
        (Event::Case(event), None) => case(None, event).map(quiet),
        (Event::Case(event), Some(State::Case(state))) => case(Some(state), event).map(quiet),
        (Event::Patrol(event), None) => patrol(None, event).map(quiet),
        (Event::Patrol(event), Some(State::Patrol(state))) => patrol(Some(*state), event).map(quiet),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    #[test]
    fn every_kind_is_in_one_family_with_somebody_to_sign_it_and_a_stream_of_its_family() {
        let names: Vec<&str> = kinds().map(|kind| kind.name).collect();

        assert!(names.is_sorted_by(|left, right| left < right), "one family each: {names:?}");
        for found in kinds() {
            assert!(!found.authority.is_empty(), "{}", found.name);
            assert_eq!(kind(found.name).map(|kind| kind.name), Some(found.name));
            let elsewhere = found.parse("actor/officer:7f3k", &Value::Object(Vec::new()));
            assert!(elsewhere.is_err(), "{} stands on streams of another family", found.name);
        }
        assert!(kind("ethics.forgotten").is_none());
    }

    #[test]
    fn whoever_must_sign_a_kind_can_be_registered_and_hold_that_capacity() {
        let categories = [
            "agency:a",
            "airline:a",
            "bank:004",
            "broker:a",
            "forwarder:a",
            "officer:a",
            "system:a",
            "warehouse:a",
        ];
        let held: Vec<&str> =
            categories.iter().filter_map(|actor| registry::capacities_of(actor)).flatten().copied().collect();

        for kind in kinds() {
            for capacity in kind.authority.iter().copied().flatten() {
                assert_eq!(registry::capacity(capacity), Some(*capacity), "{}", kind.name);
                assert!(held.contains(capacity), "nobody can be {capacity} for {}", kind.name);
            }
        }
        for (category, capacities) in clearance::ACTORS {
            let known = registry::capacities_of(&format!("{category}:a")).unwrap_or_default();
            assert!(capacities.iter().all(|capacity| known.contains(capacity)), "{category}");
        }
    }

    #[test]
    fn a_fact_of_a_family_is_no_larger_than_those_of_guarantees_and_of_the_registry() {
        let others = size_of::<registry::Event>().max(size_of::<crate::guarantee::Event>());

        assert!(
            size_of::<Event>() <= others,
            "filings go from thread to thread: {} bytes",
            size_of::<Event>()
        );
    }

    #[test]
    fn every_family_has_its_own_byte_in_rows() {
        assert!(FAMILIES.is_sorted_by(|left, right| left.row < right.row));
        // 0 to 3 are the states that are of no family.
        assert!(FAMILIES.iter().all(|family| family.row > 3));
        assert!(State::from_value(3, &Value::Null).is_none());
    }
}
