//! Three plain registers that guarantees look at: debtors, delegations and declarations.
//! Invariant: each is one switch with a date or a reason; a switch is never thrown twice.
//! Pure. Clearance takes these kinds over later.

use lian_core::json::{Fields, SchemaError, Value};

use crate::{
    dates::Day,
    ids::{DeclarationNo, Ubn},
    refusal::Refusal,
};

/// A scheme suspension lasts at most this long (先放後稅辦法 §8: up to one year).
pub const SUSPENSION_DAYS_MAX: i64 = 366;

/// What happened to a debtor, a delegation or a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// `scheme.suspended` on `debtor/<ubn>`: no release before tax from `from` to `until`.
    SchemeSuspended {
        /// First day.
        from: Day,
        /// Last day.
        until: Day,
    },
    /// `scheme.restored` on `debtor/<ubn>`.
    SchemeRestored,
    /// `delegation.recorded` on `delegation/<broker>/<importer>`.
    DelegationRecorded,
    /// `delegation.ended` on `delegation/<broker>/<importer>`.
    DelegationEnded,
    /// `declaration.blocked` on `declaration/<no>`.
    DeclarationBlocked(Block),
    /// `declaration.unblocked` on `declaration/<no>`.
    DeclarationUnblocked,
}

/// Why nothing may be released for a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// Withdrawn or void.
    Cancelled,
    /// Goods seized.
    Seized,
    /// Goods held.
    Held,
}

impl Block {
    fn parse(name: &str) -> Option<Self> {
        [Self::Cancelled, Self::Seized, Self::Held].into_iter().find(|block| block.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Seized => "seized",
            Self::Held => "held",
        }
    }
}

/// The switch of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A debtor; dates while suspended.
    Debtor(Option<(Day, Day)>),
    /// A delegation; true while it is on record.
    Delegation(bool),
    /// A declaration; the reason while blocked.
    Declaration(Option<Block>),
}

/// Who signs: capacities, all of them.
pub fn authority(kind: &str) -> Option<&'static [&'static [&'static str]]> {
    match kind {
        "scheme.suspended" | "scheme.restored" => Some(&[&["officer", "supervisor"]]),
        "delegation.recorded" | "delegation.ended" | "declaration.blocked" | "declaration.unblocked" => {
            Some(&[&["officer"]])
        }
        _ => None,
    }
}

/// Reads the data of a kind; `None` if the kind is not one of these.
pub fn parse(kind: &str, stream: &str, data: &Value<'_>) -> Option<Result<Event, SchemaError>> {
    let read: fn(&str, &mut Fields<'_, '_>) -> Result<Event, SchemaError> = match kind {
        "scheme.suspended" => suspended,
        "scheme.restored" => |stream, _| debtor(stream).map(|_| Event::SchemeRestored),
        "delegation.recorded" => |stream, _| delegation(stream).map(|_| Event::DelegationRecorded),
        "delegation.ended" => |stream, _| delegation(stream).map(|_| Event::DelegationEnded),
        "declaration.blocked" => blocked,
        "declaration.unblocked" => |stream, _| declaration(stream).map(|_| Event::DeclarationUnblocked),
        _ => return None,
    };
    Some(Fields::open(data).and_then(|mut fields| {
        let event = read(stream, &mut fields)?;
        fields.close().map(|()| event)
    }))
}

fn suspended(stream: &str, fields: &mut Fields<'_, '_>) -> Result<Event, SchemaError> {
    debtor(stream)?;
    let mut day = |name: &str| {
        let text = fields.text(name)?;
        Day::parse(text).ok_or_else(|| SchemaError::new(name, "must be a date YYYY-MM-DD"))
    };
    let (from, until) = (day("from")?, day("until")?);
    if until < from {
        return Err(SchemaError::new("until", "must not lie before `from`"));
    }
    Ok(Event::SchemeSuspended { from, until })
}

fn blocked(stream: &str, fields: &mut Fields<'_, '_>) -> Result<Event, SchemaError> {
    declaration(stream)?;
    let block = Block::parse(fields.text("reason")?);
    let fault = || SchemaError::new("reason", "must be cancelled, seized or held");
    Ok(Event::DeclarationBlocked(block.ok_or_else(fault)?))
}

fn debtor(stream: &str) -> Result<Ubn, SchemaError> {
    let ubn = stream.strip_prefix("debtor/").and_then(Ubn::parse);
    ubn.ok_or_else(|| SchemaError::new("", "belongs on a stream debtor/<8 digits>"))
}

fn delegation(stream: &str) -> Result<(Ubn, Ubn), SchemaError> {
    let pair = stream.strip_prefix("delegation/").and_then(|pair| pair.split_once('/'));
    let pair = pair.and_then(|(broker, importer)| Some((Ubn::parse(broker)?, Ubn::parse(importer)?)));
    pair.ok_or_else(|| SchemaError::new("", "belongs on a stream delegation/<broker>/<importer>"))
}

fn declaration(stream: &str) -> Result<DeclarationNo, SchemaError> {
    let number = stream.strip_prefix("declaration/").and_then(DeclarationNo::parse);
    number.ok_or_else(|| SchemaError::new("", "belongs on a stream declaration/<14 characters>"))
}

/// Every rule of these registers.
pub fn decide(state: Option<State>, event: Event) -> Result<(), Refusal> {
    match (event, state) {
        (Event::SchemeSuspended { .. }, Some(State::Debtor(Some(_))))
        | (Event::DelegationRecorded, Some(State::Delegation(true)))
        | (Event::DeclarationBlocked(_), Some(State::Declaration(Some(_)))) => Err(Refusal::AlreadyRecorded),
        (Event::SchemeSuspended { from, until }, _)
            if until.number() - from.number() >= SUSPENSION_DAYS_MAX =>
        {
            Err(Refusal::SuspensionTooLong)
        }
        (Event::SchemeSuspended { .. } | Event::DelegationRecorded | Event::DeclarationBlocked(_), _)
        | (Event::SchemeRestored, Some(State::Debtor(Some(_))))
        | (Event::DelegationEnded, Some(State::Delegation(true)))
        | (Event::DeclarationUnblocked, Some(State::Declaration(Some(_)))) => Ok(()),
        (Event::SchemeRestored | Event::DelegationEnded | Event::DeclarationUnblocked, _) => {
            Err(Refusal::NothingToEnd)
        }
    }
}

/// The state after an event that `decide` allowed.
pub fn evolve(event: Event) -> State {
    match event {
        Event::SchemeSuspended { from, until } => State::Debtor(Some((from, until))),
        Event::SchemeRestored => State::Debtor(None),
        Event::DelegationRecorded => State::Delegation(true),
        Event::DelegationEnded => State::Delegation(false),
        Event::DeclarationBlocked(block) => State::Declaration(Some(block)),
        Event::DeclarationUnblocked => State::Declaration(None),
    }
}

/// Members of the state digest.
pub fn state_value(state: State) -> Value<'static> {
    match state {
        State::Debtor(None) => Value::object([("suspended", Value::Null)]),
        State::Debtor(Some((from, until))) => {
            let dates = [("from", Value::text(from.to_string())), ("until", Value::text(until.to_string()))];
            Value::object([("suspended", Value::object(dates))])
        }
        State::Delegation(on) => Value::object([("recorded", Value::Bool(on))]),
        State::Declaration(block) => {
            let block = block.map_or(Value::Null, |block| Value::text(block.name()));
            Value::object([("blocked", block)])
        }
    }
}

impl State {
    /// The inverse of [`state_value`]: lets a fold go on from a state that was kept.
    pub fn from_value(value: &Value<'_>) -> Result<Self, SchemaError> {
        let mut fields = Fields::open(value)?;
        let state = if value.get("suspended").is_some() {
            match fields.required("suspended")? {
                Value::Null => Self::Debtor(None),
                dates => Self::Debtor(Some(kept_dates(dates).map_err(|error| error.inside("suspended"))?)),
            }
        } else if value.get("recorded").is_some() {
            Self::Delegation(fields.truth("recorded")?)
        } else {
            match fields.required("blocked")? {
                Value::Null => Self::Declaration(None),
                reason => {
                    let block = reason.as_text().and_then(Block::parse);
                    let fault = || SchemaError::new("blocked", "must be a reason or null");
                    Self::Declaration(Some(block.ok_or_else(fault)?))
                }
            }
        };
        fields.close()?;
        if state_value(state) == *value {
            Ok(state)
        } else {
            Err(SchemaError::new("", "must be spelled as a state spells it"))
        }
    }
}

fn kept_dates(value: &Value<'_>) -> Result<(Day, Day), SchemaError> {
    let mut fields = Fields::open(value)?;
    let mut day =
        |name: &str| Day::parse(fields.text(name)?).ok_or_else(|| SchemaError::new(name, "must be a date"));
    let dates = (day("from")?, day("until")?);
    fields.close()?;
    Ok(dates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_is_read_as_it_was_written() {
        for state in [
            State::Debtor(None),
            State::Debtor(Some((day("2026-01-01"), day("2026-12-31")))),
            State::Delegation(false),
            State::Delegation(true),
            State::Declaration(None),
            State::Declaration(Some(Block::Cancelled)),
            State::Declaration(Some(Block::Seized)),
            State::Declaration(Some(Block::Held)),
        ] {
            let bytes = state_value(state).write();

            assert_eq!(State::from_value(&Value::read(&bytes).unwrap()), Ok(state));
        }
        for text in
            [r#"{"blocked":"lost"}"#, r#"{"blocked":null,"recorded":true}"#, r#"{"recorded":null}"#, "{}"]
        {
            assert!(State::from_value(&Value::read(text.as_bytes()).unwrap()).is_err(), "{text}");
        }
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn suspension(until: &str) -> Event {
        Event::SchemeSuspended { from: day("2026-01-01"), until: day(until) }
    }

    #[test]
    fn a_suspension_lasts_at_most_one_year() {
        assert_eq!(decide(None, suspension("2026-12-31")), Ok(()));
        assert_eq!(decide(None, suspension("2027-01-02")), Err(Refusal::SuspensionTooLong));
    }

    #[test]
    fn no_switch_is_thrown_twice() {
        let pairs = [
            (suspension("2026-02-01"), Event::SchemeRestored),
            (Event::DelegationRecorded, Event::DelegationEnded),
            (Event::DeclarationBlocked(Block::Held), Event::DeclarationUnblocked),
        ];
        for (on, off) in pairs {
            assert_eq!(decide(None, off), Err(Refusal::NothingToEnd));
            let state = evolve(on);
            assert_eq!(decide(Some(state), on), Err(Refusal::AlreadyRecorded));
            assert_eq!(decide(Some(state), off), Ok(()));
            assert_eq!(decide(Some(evolve(off)), on), Ok(()));
        }
    }

    #[test]
    fn data_and_stream_must_fit_the_kind() {
        let read = |kind: &str, stream: &str, data: &str| {
            parse(kind, stream, &Value::read(data.as_bytes()).unwrap()).unwrap().is_ok()
        };

        assert!(read("declaration.blocked", "declaration/CA__15494A0012", r#"{"reason":"held"}"#));
        assert!(!read("declaration.blocked", "declaration/CA__15494A0012", r#"{"reason":"lost"}"#));
        assert!(!read("declaration.blocked", "debtor/12345675", r#"{"reason":"held"}"#));
        assert!(!read("delegation.ended", "delegation/12345675/1234567", "{}"));
        assert!(!read("delegation.ended", "delegation/12345675/12345675", r#"{"x":1}"#));
        assert!(!read(
            "scheme.suspended",
            "debtor/12345675",
            r#"{"from":"2026-01-02","until":"2026-01-01"}"#
        ));
    }
}
