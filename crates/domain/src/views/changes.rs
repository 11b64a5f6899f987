//! What changed between two moments of one ledger, object by object.
//! Invariant: a stream is listed if and only if some entry between the two names it.

use lian_core::json::Value;

use crate::ledger::{Ledger, Stream};

/// One stream that some entry between the two moments names.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its id.
    pub stream: String,
    /// Version before and after.
    pub versions: (u64, u64),
    /// Statements that name it, refused ones too, before and after.
    pub logged: (u64, u64),
    /// State before; `None` if there was none.
    pub before: Option<Value<'static>>,
    /// State after; `None` if all events were refused.
    pub after: Option<Value<'static>>,
}

impl Change {
    /// Members of the states that differ: name, before, after.
    pub fn members(&self) -> Vec<(String, Option<Value<'static>>, Option<Value<'static>>)> {
        let mut names: Vec<&str> = Vec::new();
        for state in [&self.before, &self.after].into_iter().flatten() {
            if let Value::Object(members) = state {
                names.extend(members.iter().map(|(name, _)| name.as_ref()));
            }
        }
        names.sort_unstable();
        names.dedup();
        let of =
            |state: &Option<Value<'static>>, name: &str| state.as_ref().and_then(|s| s.get(name)).cloned();
        let rows =
            names.into_iter().map(|name| (name.to_owned(), of(&self.before, name), of(&self.after, name)));
        rows.filter(|(_, before, after)| before != after).collect()
    }
}

/// Every stream that an entry in `before.size()..after.size()` names, in the order of its first
/// entry.
pub fn changes(before: &Ledger, after: &Ledger) -> Vec<Change> {
    let logged = |stream: Option<&Stream>| stream.map_or(0, |stream| stream.logged);
    let version = |stream: Option<&Stream>| stream.map_or(0, |stream| stream.version);
    let changed = after.streams().iter().filter_map(|stream| {
        let old = before.stream(&stream.name);
        (logged(old) != stream.logged).then(|| Change {
            stream: stream.name.to_string(),
            versions: (version(old), stream.version),
            logged: (logged(old), stream.logged),
            before: old.and_then(Stream::state_value),
            after: stream.state_value(),
        })
    });
    changed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_members_that_differ_are_listed_with_what_stood_before_and_after() {
        let state = |limit, status: &'static str| {
            Value::object([
                ("limit", Value::Int(limit)),
                ("status", Value::text(status)),
                ("to", Value::Int(1)),
            ])
        };
        let change = Change {
            stream: "guarantee/X".to_owned(),
            versions: (1, 2),
            logged: (1, 2),
            before: Some(state(5, "requested")),
            after: Some(state(7, "requested")),
        };

        assert_eq!(change.members(), [("limit".to_owned(), Some(Value::Int(5)), Some(Value::Int(7)))]);
        let born = Change { before: None, ..change };
        assert_eq!(born.members().len(), 3);
    }
}
