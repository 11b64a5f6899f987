//! How the records of this family are read from JSON and written to it.
//! Invariant: `value` writes exactly what `read` accepts: every member, one spelling, no other member.
//! Limits: each list names its own in its type.

use std::ops::Deref;

use lian_core::{
    hash::Digest,
    json::{Fields, SchemaError, Value},
    time::{format_moment, parse_moment},
};

use crate::{
    dates::Day,
    ids::{DeclarationNo, GuaranteeNo, Ubn},
    money::Twd,
};

/// What one JSON value spells.
pub(super) trait Item: Sized {
    /// Reads the one spelling.
    fn read(value: &Value<'_>) -> Result<Self, SchemaError>;
    /// Writes it.
    fn value(&self) -> Value<'static>;
}

/// What a member of an object spells, or its absence.
pub(super) trait Member: Sized {
    /// Takes the member out of the object.
    fn take(fields: &mut Fields<'_, '_>, name: &str) -> Result<Self, SchemaError>;
    /// The member; `None` where it is absent.
    fn put(&self) -> Option<Value<'static>>;
}

/// An object with named members.
pub(super) trait Record: Sized {
    /// Takes the members out of an open object.
    fn of(fields: &mut Fields<'_, '_>) -> Result<Self, SchemaError>;
    /// The members that are there.
    fn members(&self) -> Vec<(&'static str, Value<'static>)>;
}

impl<T: Item> Member for T {
    fn take(fields: &mut Fields<'_, '_>, name: &str) -> Result<Self, SchemaError> {
        T::read(fields.required(name)?).map_err(|error| error.inside(name))
    }

    fn put(&self) -> Option<Value<'static>> {
        Some(self.value())
    }
}

impl<T: Item> Member for Option<T> {
    fn take(fields: &mut Fields<'_, '_>, name: &str) -> Result<Self, SchemaError> {
        let read = |value| T::read(value).map_err(|error| error.inside(name));
        fields.optional(name).map(read).transpose()
    }

    fn put(&self) -> Option<Value<'static>> {
        self.as_ref().map(Item::value)
    }
}

impl<T: Record> Item for T {
    fn read(value: &Value<'_>) -> Result<Self, SchemaError> {
        let mut fields = Fields::open(value)?;
        let record = T::of(&mut fields)?;
        fields.close().map(|()| record)
    }

    fn value(&self) -> Value<'static> {
        Value::object(self.members())
    }
}

impl<T: Record> Record for Box<T> {
    fn of(fields: &mut Fields<'_, '_>) -> Result<Self, SchemaError> {
        T::of(fields).map(Self::new)
    }

    fn members(&self) -> Vec<(&'static str, Value<'static>)> {
        T::members(self)
    }
}

/// At most `MAX` items, in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(pub Vec<T>);

impl<T, const MAX: usize> List<T, MAX> {
    /// True if no item more fits.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MAX
    }
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> Deref for List<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Item, const MAX: usize> Item for List<T, MAX> {
    fn read(value: &Value<'_>) -> Result<Self, SchemaError> {
        read_items(value, MAX).map(Self)
    }

    fn value(&self) -> Value<'static> {
        Value::List(self.0.iter().map(Item::value).collect())
    }
}

/// At most `MAX` items, ascending, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set<T, const MAX: usize>(Vec<T>);

impl<T: Ord, const MAX: usize> Set<T, MAX> {
    /// True if it is in the set.
    pub fn has(&self, item: &T) -> bool {
        self.0.binary_search(item).is_ok()
    }

    /// True if no item more fits.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MAX
    }

    /// Puts one in, unless it is there.
    pub fn insert(&mut self, item: T) {
        if let Err(position) = self.0.binary_search(&item) {
            self.0.insert(position, item);
        }
    }

    /// Takes one out; true if it was there.
    pub fn remove(&mut self, item: &T) -> bool {
        self.0.binary_search(item).map(|position| self.0.remove(position)).is_ok()
    }
}

impl<T, const MAX: usize> Default for Set<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> Deref for Set<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Item + Ord, const MAX: usize> Item for Set<T, MAX> {
    fn read(value: &Value<'_>) -> Result<Self, SchemaError> {
        let items: Vec<T> = read_items(value, MAX)?;
        if items.is_sorted_by(|left, right| left < right) {
            return Ok(Self(items));
        }
        Err(SchemaError::new("", "must ascend, each item once"))
    }

    fn value(&self) -> Value<'static> {
        Value::List(self.0.iter().map(Item::value).collect())
    }
}

fn read_items<T: Item>(value: &Value<'_>, most: usize) -> Result<Vec<T>, SchemaError> {
    let items = value.as_list().filter(|items| items.len() <= most);
    let items = items.ok_or_else(|| SchemaError::new("", format!("must be a list of at most {most}")))?;
    let read = |(position, item)| T::read(item).map_err(|error| error.inside(&usize::to_string(&position)));
    items.iter().enumerate().map(read).collect()
}

/// A value that can hold a person's data: a sealed digest, or null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed(pub Option<Digest>);

impl Item for Sealed {
    fn read(value: &Value<'_>) -> Result<Self, SchemaError> {
        if *value == Value::Null {
            return Ok(Self(None));
        }
        let fault = || SchemaError::new("", "must be null or {\"sealed\":\"<64 hex>\"}");
        let mut fields = Fields::open(value).map_err(|_| fault())?;
        let digest = fields.digest("sealed").map_err(|_| fault())?;
        fields.close().map_err(|_| fault())?;
        Ok(Self(Some(digest)))
    }

    fn value(&self) -> Value<'static> {
        self.0.map_or(Value::Null, |digest| Value::object([("sealed", Value::text(digest.to_hex()))]))
    }
}

/// A moment, Unix seconds; read with any offset, written with +08:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

impl Moment {
    /// The last second of a civil day at +08:00.
    pub fn last_of(day: Day) -> Self {
        use lian_core::time::{DAY_SECONDS, TAIPEI_SECONDS};
        Self((day.number() + 1) * DAY_SECONDS - TAIPEI_SECONDS - 1)
    }

    /// The civil day at +08:00.
    pub fn day(self) -> Day {
        Day::from_number((self.0 + lian_core::time::TAIPEI_SECONDS).div_euclid(lian_core::time::DAY_SECONDS))
    }
}

impl Item for Moment {
    fn read(value: &Value<'_>) -> Result<Self, SchemaError> {
        let moment = value.as_text().and_then(parse_moment);
        moment.map(Self).ok_or_else(|| SchemaError::new("", "must be a moment YYYY-MM-DDThh:mm:ss+08:00"))
    }

    fn value(&self) -> Value<'static> {
        Value::text(format_moment(self.0))
    }
}

impl Item for Day {
    fn read(value: &Value<'_>) -> Result<Self, SchemaError> {
        let day = value.as_text().and_then(Self::parse);
        day.ok_or_else(|| SchemaError::new("", "must be a date YYYY-MM-DD, 1912-01-01 to 2910-12-31"))
    }

    fn value(&self) -> Value<'static> {
        Value::text(self.to_string())
    }
}

impl Item for bool {
    fn read(value: &Value<'_>) -> Result<Self, SchemaError> {
        match value {
            Value::Bool(truth) => Ok(*truth),
            _ => Err(SchemaError::new("", "must be true or false")),
        }
    }

    fn value(&self) -> Value<'static> {
        Value::Bool(*self)
    }
}

impl Item for u64 {
    fn read(value: &Value<'_>) -> Result<Self, SchemaError> {
        let number = value.as_int().and_then(|number| Self::try_from(number).ok());
        number.ok_or_else(|| SchemaError::new("", "must be an integer, 0 or more"))
    }

    fn value(&self) -> Value<'static> {
        Value::number(*self)
    }
}

impl Item for i64 {
    fn read(value: &Value<'_>) -> Result<Self, SchemaError> {
        value.as_int().ok_or_else(|| SchemaError::new("", "must be an integer"))
    }

    fn value(&self) -> Value<'static> {
        Value::Int(*self)
    }
}

impl Item for Digest {
    fn read(value: &Value<'_>) -> Result<Self, SchemaError> {
        let digest = value.as_text().and_then(Self::from_hex);
        digest.ok_or_else(|| SchemaError::new("", "must be 64 lower-case hex digits"))
    }

    fn value(&self) -> Value<'static> {
        Value::text(self.to_hex())
    }
}

impl Item for Twd {
    fn read(value: &Value<'_>) -> Result<Self, SchemaError> {
        let dollars = value.as_int().and_then(|number| u64::try_from(number).ok());
        let amount = dollars.and_then(Self::amount);
        amount.ok_or_else(|| SchemaError::new("", "must be an integer, 1 to 999999999999"))
    }

    fn value(&self) -> Value<'static> {
        Value::number(self.get())
    }
}

/// Makes a text type with `parse` and a spelling an item.
macro_rules! spelled {
    ($($type:ty, $what:literal;)*) => {
        $(impl $crate::clearance::member::Item for $type {
            fn read(
                value: &lian_core::json::Value<'_>,
            ) -> Result<Self, lian_core::json::SchemaError> {
                let read = value.as_text().and_then(Self::parse);
                read.ok_or_else(|| lian_core::json::SchemaError::new("", $what))
            }

            fn value(&self) -> lian_core::json::Value<'static> {
                lian_core::json::Value::text(self.as_str().to_owned())
            }
        })*
    };
}
pub(super) use spelled;

spelled! {
    Ubn, "must be a business number of 8 digits";
    DeclarationNo, "must be 14 places of A-Z 0-9, blanks written _";
    GuaranteeNo, "must be 1 to 32 of A-Z a-z 0-9 . -";
}

/// Makes an enum whose values are spelled by short names.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident: $what:literal { $($variant:ident = $spelling:literal, $say:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = $say] $variant,)*
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The spelling.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $spelling,)*
                }
            }

            /// Reads the one spelling.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|name| name.as_str() == text)
            }
        }

        $crate::clearance::member::spelled! { $name, $what; }
    };
}
pub(super) use names;

/// Makes a struct whose fields are the members of an object, of the same names.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty = $say:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $(#[doc = $say] pub $field: $type,)*
        }

        impl $crate::clearance::member::Record for $name {
            #[allow(unused_variables, reason = "a record may have no members")]
            fn of(
                fields: &mut lian_core::json::Fields<'_, '_>,
            ) -> Result<Self, lian_core::json::SchemaError> {
                Ok(Self {
                    $($field: $crate::clearance::member::Member::take(fields, stringify!($field))?,)*
                })
            }

            fn members(&self) -> Vec<(&'static str, lian_core::json::Value<'static>)> {
                let all: Vec<(&'static str, Option<lian_core::json::Value<'static>>)> = vec![
                    $((stringify!($field), $crate::clearance::member::Member::put(&self.$field)),)*
                ];
                all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
            }
        }
    };
}
pub(super) use record;
