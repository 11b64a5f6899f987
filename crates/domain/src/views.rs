//! What people ask of a ledger: pure folds over its states, for any moment that it was folded to.
//! Invariant: nothing here is kept; a view is made from the states and forgotten.

pub mod board;
pub mod calendar;
pub mod cargo;
pub mod cases;
pub mod changes;
pub mod draws;
pub mod ethics;
pub mod guarantees;
pub mod keys;
pub mod past;
pub mod streams;

use lian_core::{
    hash::{Digest, sha256},
    json::Value,
};

use crate::dates::Day;

/// Bags that the board of the lines looks at, and those of one waybill that are shown. A view that met
/// more says that it is not complete.
pub const LOOKED_AT_MAX: usize = 200_000;

/// What somebody asked of a ledger, and what two parties compare.
pub trait View {
    /// Its name, part of what is hashed.
    const NAME: &'static str;

    /// The view as canonical JSON.
    fn to_value(&self) -> Value<'static>;

    /// SHA-256("lian/view/v1\n" ‖ name ‖ "\n" ‖ canonical JSON). Never on the log.
    fn digest(&self) -> Digest {
        digest(Self::NAME, &self.to_value())
    }
}

/// The digest of the view of this name that reads so.
pub fn digest(name: &str, value: &Value<'_>) -> Digest {
    sha256(&[b"lian/view/v1\n", name.as_bytes(), b"\n", &value.write()])
}

#[allow(clippy::needless_pass_by_value, reason = "so that it maps options")]
fn owned(text: impl ToString) -> Value<'static> {
    Value::text(text.to_string())
}

fn or_null<T>(value: Option<T>, spell: impl FnOnce(T) -> Value<'static>) -> Value<'static> {
    value.map_or(Value::Null, spell)
}

fn date(day: Day) -> Value<'static> {
    owned(day)
}
