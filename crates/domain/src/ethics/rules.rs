//! Numbers of the ethics rules: rules data, member `ethics` (SPEC.md "Ethics"). The thresholds say
//! what the bands mean that the ethics office attests; no rule ever holds them against a value,
//! because values are sealed.

use lian_core::json::{Fields, SchemaError, Value};

/// Rules data of the family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Days after the receipt of a gift within which it is reported (規範 §5).
    pub gift_days: u32,
    /// NT$ up to which a gift to many of one office, taken together, is small (規範 §4).
    pub gift_many: u32,
    /// NT$ up to which a gift is small (規範 §4).
    pub gift_small: u32,
    /// NT$ up to which a gift is within normal social custom (規範 §2).
    pub gift_standard: u32,
    /// NT$ for an hour's lecture (規範 §14).
    pub lecture_hour: u32,
    /// Days after lobbying within which it is reported (登錄查察作業要點 §5).
    pub lobbying_days: u32,
    /// Days after a registration was sampled within which it should be reviewed.
    pub review_days: u32,
    /// Days after a quarter within which its run should be opened.
    pub run_days: u32,
    /// NT$ a year from one source within normal social custom (規範 §2).
    pub source_year: u32,
    /// NT$ for a thousand words written (規範 §14).
    pub writing_thousand: u32,
}

/// The numbers: name, least, most.
const COUNTS: [(&str, u32, u32); 10] = [
    ("gift_days", 0, 365),
    ("gift_many", 0, 1_000_000),
    ("gift_small", 0, 1_000_000),
    ("gift_standard", 0, 1_000_000),
    ("lecture_hour", 0, 1_000_000),
    ("lobbying_days", 0, 365),
    ("review_days", 0, 366),
    ("run_days", 0, 366),
    ("source_year", 0, 10_000_000),
    ("writing_thousand", 0, 1_000_000),
];

impl Terms {
    /// As the regulations say in 2024.
    pub fn standard() -> Self {
        Self {
            gift_days: 3,
            gift_many: 1_000,
            gift_small: 500,
            gift_standard: 3_000,
            lecture_hour: 5_000,
            lobbying_days: 3,
            review_days: 30,
            run_days: 14,
            source_year: 10_000,
            writing_thousand: 2_000,
        }
    }

    /// Reads rules data strictly: every member, in range.
    pub fn parse(value: &Value<'_>) -> Result<Self, SchemaError> {
        let mut fields = Fields::open(value)?;
        let mut counts = [0; COUNTS.len()];
        for (count, (name, least, most)) in counts.iter_mut().zip(COUNTS) {
            let number = u32::try_from(fields.number(name)?).ok();
            let fault = || SchemaError::new(name, format!("must be an integer, {least} to {most}"));
            *count = number.filter(|number| (least..=most).contains(number)).ok_or_else(fault)?;
        }
        fields.close()?;
        let [
            gift_days,
            gift_many,
            gift_small,
            gift_standard,
            lecture_hour,
            lobbying_days,
            review_days,
            run_days,
            source_year,
            writing_thousand,
        ] = counts;
        Ok(Self {
            gift_days,
            gift_many,
            gift_small,
            gift_standard,
            lecture_hour,
            lobbying_days,
            review_days,
            run_days,
            source_year,
            writing_thousand,
        })
    }

    /// The inverse of [`Terms::parse`].
    pub fn to_value(&self) -> Value<'static> {
        let counts = [
            self.gift_days,
            self.gift_many,
            self.gift_small,
            self.gift_standard,
            self.lecture_hour,
            self.lobbying_days,
            self.review_days,
            self.run_days,
            self.source_year,
            self.writing_thousand,
        ];
        let named = COUNTS.iter().zip(counts);
        Value::object(named.map(|((name, _, _), count)| (*name, Value::number(u64::from(count)))))
    }
}
