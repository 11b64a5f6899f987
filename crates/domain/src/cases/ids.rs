//! Identifiers of cases, handovers, exhibits and posts, and the readers of their fields.
//! Invariant: a value of these types has the one spelling that its type allows; what may be absent
//! stands as `null`, never as a missing member. Limits: ASCII only, 64 bytes at most.

use std::fmt;

use lian_core::{
    hash::Digest,
    json::{Fields, SchemaError, Value},
    statement::is_actor,
};

use crate::{
    dates::Day,
    guarantee::Code,
    ids::{DeclarationNo, HouseCode, Ubn},
    money::Twd,
};

/// A value with one spelling.
pub trait Spelled: Sized {
    /// What an error says of another spelling.
    const RULE: &'static str;

    /// Reads the one spelling; `None` for anything else.
    fn parse(text: &str) -> Option<Self>;

    /// The spelling.
    fn as_str(&self) -> &str;
}

/// Makes a type of 1 to `$most` ASCII bytes: letters, digits and those of `$more`.
macro_rules! short_text {
    ($(#[$doc:meta])* $name:ident, $most:literal, $more:literal, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl Spelled for $name {
            const RULE: &'static str = $rule;

            fn parse(text: &str) -> Option<Self> {
                let admitted = |byte: u8| byte.is_ascii_alphanumeric() || $more.contains(&byte);
                let fits = (1..=$most).contains(&text.len()) && text.bytes().all(admitted);
                fits.then(|| Self(text.into()))
            }

            fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

short_text!(
    /// 緝私案號, the tail of `case/<no>`.
    CaseNo, 32, b".-", "must be 1 to 32 of A-Z a-z 0-9 . -"
);
short_text!(
    /// Number of a handover, the tail of `handover/<no>`.
    HandoverNo, 32, b".-", "must be 1 to 32 of A-Z a-z 0-9 . -"
);
short_text!(
    /// Number of an exhibit, the tail of `exhibit/<no>`.
    ExhibitNo, 32, b".-", "must be 1 to 32 of A-Z a-z 0-9 . -"
);
short_text!(
    /// A post (職務), the tail of `post/<id>`.
    PostId, 32, b".-", "must be 1 to 32 of A-Z a-z 0-9 . -"
);
short_text!(
    /// A number on paper, a place, a seal or a unit: nothing that names a person.
    Mark, 32, b"._:/-", "must be 1 to 32 of A-Z a-z 0-9 . _ : / -"
);
short_text!(
    /// An article of law that was violated, such as `asa.37`; the rules data give its clocks.
    Article, 32, b"._-", "must be 1 to 32 of A-Z a-z 0-9 . _ -"
);

/// An actor id, such as `officer:7f3k`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Actor(Box<str>);

impl Spelled for Actor {
    const RULE: &'static str = "must be 1 to 64 of A-Z a-z 0-9 . _ : -";

    fn parse(text: &str) -> Option<Self> {
        is_actor(text).then(|| Self(text.into()))
    }

    fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! spelled_elsewhere {
    ($($name:ident, $rule:literal;)*) => {
        $(impl Spelled for $name {
            const RULE: &'static str = $rule;

            fn parse(text: &str) -> Option<Self> {
                Self::parse(text)
            }

            fn as_str(&self) -> &str {
                self.as_str()
            }
        })*
    };
}

spelled_elsewhere! {
    Code, "must be 1 to 32 of a-z 0-9 _";
    DeclarationNo, "must be 14 places, blanks written _";
    HouseCode, "must be a house such as CA";
    Ubn, "must be a business number of 8 digits";
}

/// Makes an enum whose values have names in JSON.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$row:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$row])* $variant,)*
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in JSON.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl $crate::cases::ids::Spelled for $name {
            const RULE: &'static str = concat!("must be one of", $(" ", $text),*);

            fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().find(|known| known.name() == text).copied()
            }

            fn as_str(&self) -> &str {
                self.name()
            }
        }
    };
}
pub(crate) use names;

/// A string member of one spelling.
pub(crate) fn id<T: Spelled>(fields: &mut Fields<'_, '_>, name: &str) -> Result<T, SchemaError> {
    T::parse(fields.text(name)?).ok_or_else(|| SchemaError::new(name, T::RULE))
}

/// The same, or null.
pub(crate) fn nullable_id<T: Spelled>(
    fields: &mut Fields<'_, '_>,
    name: &str,
) -> Result<Option<T>, SchemaError> {
    match fields.required(name)? {
        Value::Null => Ok(None),
        Value::Text(text) => T::parse(text).map(Some).ok_or_else(|| SchemaError::new(name, T::RULE)),
        _ => Err(SchemaError::new(name, "must be a string or null")),
    }
}

/// A list of strings of one spelling, ascending, without repetition.
pub(crate) fn ids<T: Spelled + Ord>(
    fields: &mut Fields<'_, '_>,
    name: &str,
    count: std::ops::RangeInclusive<usize>,
) -> Result<Vec<T>, SchemaError> {
    let fault = || {
        let (least, most) = (count.start(), count.end());
        SchemaError::new(name, format!("must list {least} to {most}, ascending, each once"))
    };
    let items = fields.list(name)?;
    let read = |item: &Value<'_>| item.as_text().and_then(T::parse);
    let ids: Vec<T> = items.iter().map(read).collect::<Option<_>>().ok_or_else(fault)?;
    let fits = count.contains(&ids.len()) && ids.is_sorted_by(|left, right| left < right);
    if fits { Ok(ids) } else { Err(fault()) }
}

/// A date.
pub(crate) fn day(fields: &mut Fields<'_, '_>, name: &str) -> Result<Day, SchemaError> {
    Day::parse(fields.text(name)?).ok_or_else(|| SchemaError::new(name, "must be a date YYYY-MM-DD"))
}

/// A date or null.
pub(crate) fn nullable_day(fields: &mut Fields<'_, '_>, name: &str) -> Result<Option<Day>, SchemaError> {
    match fields.required(name)? {
        Value::Null => Ok(None),
        Value::Text(text) => {
            Day::parse(text).map(Some).ok_or_else(|| SchemaError::new(name, "must be a date YYYY-MM-DD"))
        }
        _ => Err(SchemaError::new(name, "must be a date or null")),
    }
}

/// An amount that may be nothing: 0 to 999,999,999,999.
pub(crate) fn sum(fields: &mut Fields<'_, '_>, name: &str) -> Result<Twd, SchemaError> {
    let sum = Twd::new(fields.number(name)?).filter(|sum| *sum <= Twd::AMOUNT_MAX);
    sum.ok_or_else(|| SchemaError::new(name, "must be 0 to 999999999999"))
}

/// An amount: 1 to 999,999,999,999.
pub(crate) fn amount(fields: &mut Fields<'_, '_>, name: &str) -> Result<Twd, SchemaError> {
    Twd::amount(fields.number(name)?).ok_or_else(|| SchemaError::new(name, "must be 1 to 999999999999"))
}

/// A sum in a state: 0 to 2⁵³−1.
pub(crate) fn kept_sum(fields: &mut Fields<'_, '_>, name: &str) -> Result<Twd, SchemaError> {
    Twd::new(fields.number(name)?).ok_or_else(|| SchemaError::new(name, "must be below 2^53"))
}

/// A sealed value, `{"sealed":"<64 hex>"}`, or null. What is sealed never stands here in plain.
pub(crate) fn sealed(fields: &mut Fields<'_, '_>, name: &str) -> Result<Option<Digest>, SchemaError> {
    match fields.required(name)? {
        Value::Null => Ok(None),
        value => {
            let read = || {
                let mut inner = Fields::open(value)?;
                let digest = inner.digest("sealed")?;
                inner.close().map(|()| digest)
            };
            read().map(Some).map_err(|error| error.inside(name))
        }
    }
}

/// Each item of a list of objects, read by `read`; errors name the position.
pub(crate) fn objects<T>(
    fields: &mut Fields<'_, '_>,
    name: &str,
    count: std::ops::RangeInclusive<usize>,
    read: impl Fn(&mut Fields<'_, '_>) -> Result<T, SchemaError>,
) -> Result<Vec<T>, SchemaError> {
    let items = fields.list(name)?;
    if !count.contains(&items.len()) {
        let (least, most) = (count.start(), count.end());
        return Err(SchemaError::new(name, format!("must list {least} to {most}")));
    }
    let each = |(position, item): (usize, &Value<'_>)| {
        let mut inner = Fields::open(item)?;
        let one = read(&mut inner).and_then(|one| inner.close().map(|()| one));
        one.map_err(|error| error.inside(&position.to_string()).inside(name))
    };
    items.iter().enumerate().map(each).collect()
}

/// The text of a spelled value.
pub(crate) fn text<T: Spelled>(value: &T) -> Value<'static> {
    Value::text(value.as_str().to_owned())
}

/// The same, or null.
pub(crate) fn text_or_null<T: Spelled>(value: Option<&T>) -> Value<'static> {
    value.map_or(Value::Null, text)
}

/// A date.
pub(crate) fn date(day: Day) -> Value<'static> {
    Value::text(day.to_string())
}

/// A date or null.
pub(crate) fn date_or_null(day: Option<Day>) -> Value<'static> {
    day.map_or(Value::Null, date)
}

/// A sum.
pub(crate) fn money(sum: Twd) -> Value<'static> {
    Value::number(sum.get())
}

/// A sealed value or null.
pub(crate) fn sealed_or_null(digest: Option<Digest>) -> Value<'static> {
    digest.map_or(Value::Null, |digest| Value::object([("sealed", Value::text(digest.to_hex()))]))
}

/// A list.
pub(crate) fn list<'i, T: 'i>(
    items: impl IntoIterator<Item = &'i T>,
    write: impl Fn(&T) -> Value<'static>,
) -> Value<'static> {
    Value::List(items.into_iter().map(write).collect())
}
