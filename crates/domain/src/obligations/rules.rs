//! The member `obligations` of the rules data: how long the calendar waits.

use lian_core::json::{Fields, SchemaError, Value};

/// Days that the house allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// After the third signature, to assign each case.
    pub assign_days: u32,
    /// After the first signature of a handover, for the other two.
    pub handover_days: u32,
    /// After the end of a month, to report its patrol.
    pub patrol_days: u32,
}

impl Terms {
    /// Version 1.
    pub const fn standard() -> Self {
        Self { assign_days: 1, handover_days: 14, patrol_days: 7 }
    }

    /// Reads the member strictly: every number, 0 to 365.
    pub fn parse(value: &Value<'_>) -> Result<Self, SchemaError> {
        let mut fields = Fields::open(value)?;
        let mut days = |name: &str| {
            let number = u32::try_from(fields.number(name)?).ok().filter(|days| *days <= 365);
            number.ok_or_else(|| SchemaError::new(name, "must be 0 to 365"))
        };
        let terms = Self {
            assign_days: days("assign_days")?,
            handover_days: days("handover_days")?,
            patrol_days: days("patrol_days")?,
        };
        fields.close()?;
        Ok(terms)
    }

    /// The inverse of [`Terms::parse`].
    pub fn to_value(self) -> Value<'static> {
        let days = |days: u32| Value::number(u64::from(days));
        Value::object([
            ("assign_days", days(self.assign_days)),
            ("handover_days", days(self.handover_days)),
            ("patrol_days", days(self.patrol_days)),
        ])
    }
}
