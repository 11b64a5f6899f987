//! The numbers of clearance that a law or the house may change: member `clearance` of the rules data.
//! Invariant: every number has a range, so that no rule can make the arithmetic overflow.

use lian_core::json::{SchemaError, Value};

use super::{
    event::Class,
    member::{Item, Record, record},
};
use crate::dates::Day;

record! {
    /// Rules data of the family.
    Terms {
        amend_hours: u64 = "Hours after arrival in which a manifest may be amended in time (運輸工具辦法 §27).",
        amend_hours_late: u64 = "The same where the manifest itself was late.",
        bag_grams_max: u64 = "Heaviest express bag, grams (快遞辦法 §6).",
        inspection_days_express: u64 = "Days from declaration to ask for an inspection, express (查驗準則 §26).",
        inspection_days_general: u64 = "The same for general and airside cargo.",
        landed_days_airside: u64 = "Days from warehousing to report short or over, beside aircraft: at once (貨棧辦法 §22).",
        landed_days_express: u64 = "The same for express cargo.",
        landed_days_general: u64 = "The same for general cargo.",
        landed_correction_days: u64 = "Days to correct or withdraw such a report (貨棧辦法 §22).",
        manifest_hours: u64 = "Hours before arrival by which a manifest is filed after a long leg (運輸工具辦法 §71).",
        review_months: u64 = "Months for which an image can be drawn for review by another section.",
        sorting_closed_from: Day = "First day without brokers in the sorting area (快遞辦法 §8, deleted).",
        target_days_max: u64 = "Days for which a targeting mark may be set or renewed.",
        value_high: u64 = "NT$ up to which a simplified declaration is enough (快遞辦法 §11).",
        value_low: u64 = "NT$ up to which an import is of low value (快遞辦法 §11).",
    }
}

/// The plain numbers: name, least, most.
const RANGES: [(&str, u64, u64); 14] = [
    ("amend_hours", 0, 8_760),
    ("amend_hours_late", 0, 8_760),
    ("bag_grams_max", 1, 1_000_000_000),
    ("inspection_days_express", 0, 365),
    ("inspection_days_general", 0, 365),
    ("landed_correction_days", 0, 365),
    ("landed_days_airside", 0, 365),
    ("landed_days_express", 0, 365),
    ("landed_days_general", 0, 365),
    ("manifest_hours", 0, 8_760),
    ("review_months", 1, 120),
    ("target_days_max", 1, 3_650),
    ("value_high", 1, 999_999_999_999),
    ("value_low", 0, 999_999_999_999),
];

impl Terms {
    /// The numbers in force in 2026.
    pub fn standard() -> Self {
        Self {
            amend_hours: 72,
            amend_hours_late: 48,
            bag_grams_max: 70_000,
            inspection_days_express: 3,
            inspection_days_general: 10,
            landed_days_airside: 0,
            landed_days_express: 1,
            landed_days_general: 3,
            landed_correction_days: 3,
            manifest_hours: 2,
            review_months: 3,
            // 2024-08-08.
            sorting_closed_from: Day::from_number(19_943),
            target_days_max: 180,
            value_high: 50_000,
            value_low: 2_000,
        }
    }

    /// Reads the member strictly: every number, in its range.
    pub fn parse(value: &Value<'_>) -> Result<Self, SchemaError> {
        let terms = Self::read(value)?;
        for (name, least, most) in RANGES {
            let number =
                value.get(name).and_then(Value::as_int).and_then(|number| u64::try_from(number).ok());
            if !number.is_some_and(|number| (least..=most).contains(&number)) {
                return Err(SchemaError::new(name, format!("must be an integer, {least} to {most}")));
            }
        }
        if terms.value_low > terms.value_high {
            return Err(SchemaError::new("value_low", "must not exceed value_high"));
        }
        Ok(terms)
    }

    /// The inverse of [`Terms::parse`].
    pub fn to_value(&self) -> Value<'static> {
        Value::object(self.members())
    }

    /// Days from warehousing in which a short or over-landed report is in time.
    pub(super) fn landed_days(&self, class: Class) -> i64 {
        days(match class {
            Class::Express => self.landed_days_express,
            Class::General => self.landed_days_general,
            Class::Airside => self.landed_days_airside,
        })
    }

    /// Days from declaration in which an inspection may be asked for in time.
    pub(super) fn inspection_days(&self, class: Class) -> i64 {
        days(match class {
            Class::Express => self.inspection_days_express,
            Class::General | Class::Airside => self.inspection_days_general,
        })
    }
}

/// Within the ranges above nothing is lost.
pub(super) fn days(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: Value<'static>) -> Result<Terms, SchemaError> {
        let Value::Object(mut members) = Terms::standard().to_value() else { unreachable!() };
        members.push((name.into(), value));
        Terms::parse(&Value::object(members))
    }

    #[test]
    fn terms_written_are_read_back_the_same() {
        let bytes = Terms::standard().to_value().write();

        assert_eq!(Terms::parse(&Value::read(&bytes).unwrap()), Ok(Terms::standard()));
        assert_eq!(Terms::standard().sorting_closed_from.to_string(), "2024-08-08");
    }

    #[test]
    fn every_number_has_a_range_and_no_member_is_unknown() {
        for (name, least, most) in RANGES {
            assert!(with(name, Value::number(most + 1)).is_err(), "{name}");
            assert!(least == 0 || with(name, Value::number(least - 1)).is_err(), "{name}");
            assert!(with(name, Value::Int(-1)).is_err(), "{name}");
            assert!(with(name, Value::Null).is_err(), "{name}");
        }
        assert!(with("value_low", Value::number(50_001)).is_err());
        assert!(with("sorting_closed_from", Value::text("113-08-08")).is_err());
        assert!(with("patience", Value::number(1)).is_err());
    }
}
