//! States of the registry read back from what their digests are made of.
//! Invariant: whatever is read is written again byte for byte, or it is not read.
//! Two states say less than they hold: that of the ledger names keys by their ids, that of a rules
//! version names the rules by their digest. What they stand for must be at hand.

use std::sync::Arc;

use lian_core::{
    hash::Digest,
    json::{Fields, SchemaError, Value},
};

use super::{Actor, Key, Opening, Publication, RevocationReason, State, capacity, state_value};
use crate::rules::Rules;

/// What states of the registry only name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Named<'n> {
    /// What entry 0 says.
    pub opening: Option<&'n Opening>,
    /// The rules that the state's digest is of.
    pub rules: Option<&'n Arc<Rules>>,
}

impl State {
    /// The inverse of [`state_value`]: lets a fold go on from a state that was kept.
    pub fn from_value(value: &Value<'_>, named: Named<'_>) -> Result<Self, SchemaError> {
        let mut fields = Fields::open(value)?;
        let state = if value.get("log_key").is_some() {
            let opening =
                named.opening.ok_or_else(|| SchemaError::new("log_key", "is of an unknown opening"))?;
            return same(Self::Ledger(Box::new(opening.clone())), value);
        } else if value.get("keys").is_some() {
            Self::Actor(Box::new(actor(&mut fields)?))
        } else if value.get("digest").is_some() {
            Self::Rules(publication(&mut fields, named.rules)?)
        } else if value.get("steps").is_some() {
            Self::Clock(fields.number("steps")?)
        } else if value.get("withheld").is_some() {
            Self::Refusals(fields.number("withheld")?)
        } else {
            Self::Epoch(fields.number("lines")?)
        };
        fields.close()?;
        same(state, value)
    }
}

fn same(state: State, value: &Value<'_>) -> Result<State, SchemaError> {
    if state_value(&state) == *value {
        Ok(state)
    } else {
        Err(SchemaError::new("", "must be spelled as a state spells it"))
    }
}

fn actor(fields: &mut Fields<'_, '_>) -> Result<Actor, SchemaError> {
    let person = match fields.required("person")? {
        Value::Null => None,
        other => {
            Some(other.as_text().ok_or_else(|| SchemaError::new("person", "must be a token or null"))?.into())
        }
    };
    let mut keys = Vec::new();
    for item in fields.list("keys")? {
        keys.push(key(item).map_err(|error| error.inside("keys"))?);
    }
    Ok(Actor { unit: fields.text("unit")?.into(), person, keys })
}

fn key(item: &Value<'_>) -> Result<Key, SchemaError> {
    let mut fields = Fields::open(item)?;
    let mut capacities = Vec::new();
    for name in fields.list("capacities")? {
        let known = name.as_text().and_then(capacity);
        capacities.push(known.ok_or_else(|| SchemaError::new("capacities", "must be capacities"))?);
    }
    let recovery = match fields.required("recovery")? {
        Value::Null => None,
        other => {
            let id = other.as_text().and_then(Digest::from_hex);
            Some(id.ok_or_else(|| SchemaError::new("recovery", "must be a key id or null"))?)
        }
    };
    let revoked = match fields.required("revoked")? {
        Value::Null => None,
        other => Some(revocation(other).map_err(|error| error.inside("revoked"))?),
    };
    let key =
        Key { id: fields.digest("id")?, capacities, recovery, enrolled: fields.number("enrolled")?, revoked };
    fields.close()?;
    Ok(key)
}

fn revocation(value: &Value<'_>) -> Result<(u64, RevocationReason, Option<u64>), SchemaError> {
    let mut fields = Fields::open(value)?;
    let reason = fields.text("reason")?;
    let reason = [RevocationReason::Retired, RevocationReason::Lost, RevocationReason::Compromised]
        .into_iter()
        .find(|known| known.name() == reason)
        .ok_or_else(|| SchemaError::new("reason", "must be retired, lost or compromised"))?;
    let since = number_or_null(&mut fields, "compromised_since")?;
    let revoked = (fields.number("entry")?, reason, since);
    fields.close()?;
    Ok(revoked)
}

fn publication(fields: &mut Fields<'_, '_>, rules: Option<&Arc<Rules>>) -> Result<Publication, SchemaError> {
    let digest = fields.digest("digest")?;
    let rules = rules.filter(|rules| rules.digest() == digest);
    Ok(Publication {
        rules: Arc::clone(rules.ok_or_else(|| SchemaError::new("digest", "is of unknown rules"))?),
        published: fields.number("published")?,
        activated: number_or_null(fields, "activated")?,
    })
}

fn number_or_null(fields: &mut Fields<'_, '_>, name: &str) -> Result<Option<u64>, SchemaError> {
    match fields.required(name)? {
        Value::Null => Ok(None),
        _ => fields.number(name).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(state: &State, named: Named<'_>) {
        let value = state_value(state);
        let bytes = value.write();
        let read = Value::read(&bytes).unwrap();

        assert_eq!(State::from_value(&read, named).as_ref(), Ok(state));
    }

    fn an_actor() -> Actor {
        let key = |number: u8, revoked| Key {
            id: Digest([number; 32]),
            capacities: vec!["admin", "officer"],
            recovery: (number > 1).then_some(Digest([number + 100; 32])),
            enrolled: u64::from(number),
            revoked,
        };
        let reasons = [RevocationReason::Retired, RevocationReason::Lost, RevocationReason::Compromised]
            .map(|reason| Some((9, reason, (reason == RevocationReason::Compromised).then_some(7))));
        let mut keys = vec![key(1, None)];
        keys.extend((2..).zip(reasons).map(|(number, revoked)| key(number, revoked)));
        Actor { unit: "office:CA".into(), person: Some("0".repeat(32).into()), keys }
    }

    #[test]
    fn every_state_of_the_registry_is_read_as_it_was_written() {
        let rules = Arc::new(Rules { version: 3, ..Rules::standard() });
        let named = Named { opening: None, rules: Some(&rules) };
        let publication =
            |activated| State::Rules(Publication { rules: Arc::clone(&rules), published: 4, activated });

        round_trip(&State::Actor(Box::new(an_actor())), named);
        round_trip(&State::Actor(Box::new(Actor { person: None, ..an_actor() })), named);
        round_trip(&publication(None), named);
        round_trip(&publication(Some(9)), named);
        round_trip(&State::Clock(3), named);
        round_trip(&State::Refusals(0), named);
        round_trip(&State::Epoch(5), named);
    }

    #[test]
    fn rules_are_those_of_the_digest_or_nothing_is_read() {
        let rules = Arc::new(Rules::standard());
        let other = Arc::new(Rules { version: 2, ..Rules::standard() });
        let value = state_value(&State::Rules(Publication { rules, published: 4, activated: None }));

        assert!(State::from_value(&value, Named { opening: None, rules: Some(&other) }).is_err());
        assert!(State::from_value(&value, Named::default()).is_err());
    }

    #[test]
    fn a_member_more_or_another_spelling_is_no_state() {
        for text in [
            r#"{"steps":1,"x":2}"#,
            r#"{"lines":"1"}"#,
            r#"{"keys":[],"person":null}"#,
            r#"{"keys":[],"person":1,"unit":"x"}"#,
            r#"{"steps":1,"withheld":2}"#,
            "{}",
            "[]",
        ] {
            let value = Value::read(text.as_bytes()).unwrap();
            assert!(State::from_value(&value, Named::default()).is_err(), "{text}");
        }
    }
}
