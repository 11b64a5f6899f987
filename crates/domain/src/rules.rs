//! The rules that change without a new engine: numbers and lists, published on the ledger as data
//! (SPEC.md "Rules data"). Invariant: one spelling, so that the digest names the rules.
//! Limits: every number has a range, so that no rule can make the arithmetic overflow.

use lian_core::{
    hash::{Digest, sha256},
    json::{Fields, SchemaError, Value},
};

use crate::{
    cases, clearance, draws, ethics,
    ids::BankCode,
    money::{TaxSet, TaxType, Twd},
    obligations,
};

/// Banks in the register.
pub const BANKS_MAX: usize = 64;
/// Kinds that may demand `seen`.
pub const SEEN_KINDS_MAX: usize = 256;
/// Bytes of a kind's name.
const KIND_BYTES_MAX: usize = 64;

/// Which part of a debt a payment meets first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoreOrder {
    /// Duty and taxes, then surcharges.
    TaxFirst,
    /// Surcharges, then duty and taxes.
    ChargesFirst,
}

/// Rules data. Built by [`Rules::parse`] or [`Rules::standard`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Number of these rules, from 1.
    pub version: u32,
    /// Engine that they run on, from 1.
    pub engine: u32,
    /// Banks that may guarantee, ascending.
    pub banks: Vec<BankCode>,
    /// From this limit on, Accept needs a supervisor too.
    pub supervisor_from: Twd,
    /// Days after the end of `to` in which a claim may still be made.
    pub claim_tail_days: u32,
    /// Days to pay, the day after service counted first.
    pub due_days: u32,
    /// Late-payment surcharge a day, in ten-thousandths.
    pub surcharge_per_10000: u32,
    /// Days after which the surcharge grows no more.
    pub surcharge_days_max: u32,
    /// Months in which a deposit is assessed, else the declared value stands.
    pub deposit_months: u32,
    /// Tax types that guarantees may cover.
    pub tax_types: TaxSet,
    /// Which part of a debt a payment meets first.
    pub restore_order: RestoreOrder,
    /// Entries after which an epoch is closed.
    pub epoch_entries: u32,
    /// Seconds after which an epoch is closed.
    pub epoch_seconds: u32,
    /// Logged refusals that one key has a day.
    pub refusals_per_day: u32,
    /// Days that a statement may be valid.
    pub statement_days_max: u32,
    /// Seconds that `issued_at` may lie ahead of `recorded_at`.
    pub clock_skew_seconds: u32,
    /// Kinds whose statements must carry `seen`, ascending.
    pub seen_required: Vec<String>,
    /// Clocks and numbers of cases.
    pub cases: cases::Terms,
    /// Numbers of clearance.
    pub clearance: clearance::Terms,
    /// Schemes of draws.
    pub draws: draws::Terms,
    /// Numbers of integrity registrations.
    pub ethics: ethics::Terms,
    /// How long the calendar waits.
    pub obligations: obligations::Terms,
}

/// The numbers that are plain counts: name, least, most.
const COUNTS: [(&str, u64, u64); 12] = [
    ("claim_tail_days", 0, 3_650),
    ("clock_skew_seconds", 0, 3_600),
    ("deposit_months", 1, 120),
    ("due_days", 1, 365),
    ("engine", 1, 1_000_000),
    ("epoch_entries", 1, 1_048_576),
    ("epoch_seconds", 1, 86_400),
    ("refusals_per_day", 0, 1_000_000),
    ("statement_days_max", 1, 365),
    ("surcharge_days_max", 0, 3_650),
    ("surcharge_per_10000", 0, 10_000),
    ("version", 1, 1_000_000),
];

/// Register of 27 banks; which banks guarantee is not public, so this use of their codes is fictional.
const STANDARD_BANKS: [&str; 27] = [
    "004", "005", "006", "007", "008", "009", "011", "012", "013", "016", "017", "050", "052", "053", "054",
    "081", "103", "108", "803", "805", "806", "807", "808", "809", "810", "812", "822",
];

impl Rules {
    /// Version 1 on engine 1.
    pub fn standard() -> Self {
        Self {
            version: 1,
            engine: 1,
            banks: STANDARD_BANKS.iter().filter_map(|code| BankCode::parse(code)).collect(),
            supervisor_from: Twd::amount(50_000_000).unwrap_or(Twd::AMOUNT_MAX),
            claim_tail_days: 30,
            due_days: 14,
            surcharge_per_10000: 5,
            surcharge_days_max: 30,
            deposit_months: 6,
            tax_types: TaxSet::ALL,
            restore_order: RestoreOrder::TaxFirst,
            epoch_entries: 65_536,
            epoch_seconds: 600,
            refusals_per_day: 1_000,
            statement_days_max: 30,
            clock_skew_seconds: 300,
            seen_required: ["accepted", "amended", "claimed", "closed"]
                .iter()
                .map(|act| format!("guarantee.{act}"))
                .collect(),
            cases: cases::Terms::standard(),
            clearance: clearance::Terms::standard(),
            draws: draws::Terms::standard(),
            ethics: ethics::Terms::standard(),
            obligations: obligations::Terms::standard(),
        }
    }

    /// Reads rules data strictly: every member, in range, lists ascending without repetition.
    pub fn parse(value: &Value) -> Result<Self, SchemaError> {
        let mut fields = Fields::open(value)?;
        let mut counts = [0; COUNTS.len()];
        for (count, limits) in counts.iter_mut().zip(COUNTS) {
            *count = read_count(&mut fields, limits)?;
        }
        let [
            claim_tail_days,
            clock_skew_seconds,
            deposit_months,
            due_days,
            engine,
            epoch_entries,
            epoch_seconds,
            refusals_per_day,
            statement_days_max,
            surcharge_days_max,
            surcharge_per_10000,
            version,
        ] = counts;
        let rules = Self {
            version,
            engine,
            banks: read_banks(&mut fields)?,
            supervisor_from: Twd::amount(fields.number("supervisor_from")?)
                .ok_or_else(|| SchemaError::new("supervisor_from", "must be 1 to 999999999999"))?,
            claim_tail_days,
            due_days,
            surcharge_per_10000,
            surcharge_days_max,
            deposit_months,
            tax_types: read_tax_types(fields.list("tax_types")?, "tax_types")?,
            restore_order: match fields.text("restore_order")? {
                "tax_first" => RestoreOrder::TaxFirst,
                "charges_first" => RestoreOrder::ChargesFirst,
                _ => return Err(SchemaError::new("restore_order", "must be tax_first or charges_first")),
            },
            epoch_entries,
            epoch_seconds,
            refusals_per_day,
            statement_days_max,
            clock_skew_seconds,
            seen_required: read_kinds(&mut fields)?,
            cases: read_terms(&mut fields, "cases", cases::Terms::parse)?,
            clearance: read_terms(&mut fields, "clearance", clearance::Terms::parse)?,
            draws: read_terms(&mut fields, "draws", draws::Terms::parse)?,
            ethics: read_terms(&mut fields, "ethics", ethics::Terms::parse)?,
            obligations: read_terms(&mut fields, "obligations", obligations::Terms::parse)?,
        };
        fields.close()?;
        Ok(rules)
    }

    /// The rules as a value; the inverse of [`Rules::parse`].
    pub fn to_value(&self) -> Value<'static> {
        let count = |count: u32| Value::number(u64::from(count));
        let order = match self.restore_order {
            RestoreOrder::TaxFirst => "tax_first",
            RestoreOrder::ChargesFirst => "charges_first",
        };
        Value::object([
            ("banks", Value::List(self.banks.iter().map(|bank| Value::text(bank.to_string())).collect())),
            ("cases", self.cases.to_value()),
            ("claim_tail_days", count(self.claim_tail_days)),
            ("clearance", self.clearance.to_value()),
            ("clock_skew_seconds", count(self.clock_skew_seconds)),
            ("deposit_months", count(self.deposit_months)),
            ("draws", self.draws.to_value()),
            ("due_days", count(self.due_days)),
            ("engine", count(self.engine)),
            ("epoch_entries", count(self.epoch_entries)),
            ("epoch_seconds", count(self.epoch_seconds)),
            ("ethics", self.ethics.to_value()),
            ("obligations", self.obligations.to_value()),
            ("refusals_per_day", count(self.refusals_per_day)),
            ("restore_order", Value::text(order)),
            ("seen_required", Value::List(self.seen_required.iter().cloned().map(Value::text).collect())),
            ("statement_days_max", count(self.statement_days_max)),
            ("supervisor_from", Value::number(self.supervisor_from.get())),
            ("surcharge_days_max", count(self.surcharge_days_max)),
            ("surcharge_per_10000", count(self.surcharge_per_10000)),
            ("tax_types", tax_types_value(self.tax_types)),
            ("version", count(self.version)),
        ])
    }

    /// SHA-256("lian/rules/v1\n" ‖ canonical bytes): the name of these rules.
    pub fn digest(&self) -> Digest {
        sha256(&[b"lian/rules/v1\n", &self.to_value().write()])
    }

    /// True if the bank is in the register.
    pub fn has_bank(&self, bank: BankCode) -> bool {
        self.banks.binary_search(&bank).is_ok()
    }

    /// True if statements of this kind must carry `seen`.
    pub fn needs_seen(&self, kind: &str) -> bool {
        self.seen_required.binary_search_by(|known| known.as_str().cmp(kind)).is_ok()
    }
}

/// A list of tax types, ascending, without repetition, at least one.
pub fn read_tax_types(items: &[Value], name: &str) -> Result<TaxSet, SchemaError> {
    let fault = || SchemaError::new(name, "must list known tax types, ascending, at least one");
    let mut set = TaxSet::NONE;
    let mut last = None;
    for item in items {
        let tax = item.as_text().and_then(TaxType::parse).ok_or_else(fault)?;
        if last >= Some(tax) {
            return Err(fault());
        }
        last = Some(tax);
        set = set.with(tax);
    }
    if last.is_none() { Err(fault()) } else { Ok(set) }
}

/// The inverse of [`read_tax_types`].
pub fn tax_types_value(set: TaxSet) -> Value<'static> {
    Value::List(set.types().map(|tax| Value::text(tax.name())).collect())
}

fn read_count(fields: &mut Fields, (name, least, most): (&str, u64, u64)) -> Result<u32, SchemaError> {
    let fault = || SchemaError::new(name, format!("must be an integer, {least} to {most}"));
    let number = fields.number(name)?;
    if !(least..=most).contains(&number) {
        return Err(fault());
    }
    u32::try_from(number).map_err(|_| fault())
}

/// The member of a family, which reads it itself.
fn read_terms<T>(
    fields: &mut Fields,
    name: &str,
    parse: fn(&Value<'_>) -> Result<T, SchemaError>,
) -> Result<T, SchemaError> {
    parse(fields.required(name)?).map_err(|error| error.inside(name))
}

fn read_banks(fields: &mut Fields) -> Result<Vec<BankCode>, SchemaError> {
    let fault = || SchemaError::new("banks", "must list 1 to 64 codes of 3 digits, ascending");
    let items = fields.list("banks")?;
    let parse = |item: &Value| item.as_text().and_then(BankCode::parse);
    let banks: Vec<BankCode> = items.iter().map(parse).collect::<Option<_>>().ok_or_else(fault)?;
    let ascending = banks.is_sorted_by(|left, right| left < right);
    if banks.is_empty() || banks.len() > BANKS_MAX || !ascending { Err(fault()) } else { Ok(banks) }
}

fn read_kinds(fields: &mut Fields) -> Result<Vec<String>, SchemaError> {
    let fault = || SchemaError::new("seen_required", "must list kinds such as guarantee.closed, ascending");
    let is_kind = |text: &&str| {
        let part = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        text.len() <= KIND_BYTES_MAX
            && text.split_once('.').is_some_and(|(family, act)| part(family) && part(act))
    };
    let parse = |item: &Value| item.as_text().filter(is_kind).map(str::to_owned);
    let items = fields.list("seen_required")?;
    let kinds: Vec<String> = items.iter().map(parse).collect::<Option<_>>().ok_or_else(fault)?;
    let ascending = kinds.is_sorted_by(|left, right| left < right);
    if kinds.len() > SEEN_KINDS_MAX || !ascending { Err(fault()) } else { Ok(kinds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard rules with one member replaced.
    fn with(name: &'static str, value: Value<'static>) -> Result<Rules, SchemaError> {
        let Value::Object(mut members) = Rules::standard().to_value() else { unreachable!() };
        members.push((name.into(), value));
        Rules::parse(&Value::object(members))
    }

    #[test]
    fn standard_rules_know_twenty_seven_banks_and_the_deadlines_of_the_law() {
        let rules = Rules::standard();

        assert_eq!(rules.banks.len(), 27);
        assert!(rules.has_bank(BankCode::parse("004").unwrap()));
        assert!(!rules.has_bank(BankCode::parse("700").unwrap()));
        assert_eq!((rules.due_days, rules.surcharge_per_10000, rules.surcharge_days_max), (14, 5, 30));
        assert!(rules.needs_seen("guarantee.claimed") && !rules.needs_seen("guarantee.drawn"));
    }

    #[test]
    fn rules_written_are_read_back_the_same_and_keep_their_digest() {
        let rules = Rules::standard();
        let bytes = rules.to_value().write();
        let again = Rules::parse(&Value::read(&bytes).unwrap()).unwrap();

        assert_eq!(again, rules);
        assert_eq!(again.digest(), rules.digest());
        assert_eq!(
            rules.digest().to_hex(),
            "cf82e1c05c9d7ccc44f2063176430ccff661d246f43092b86549bdf4a662cd96",
            "SPEC.md names it"
        );
        assert_eq!(again.to_value().write(), bytes);
    }

    #[test]
    fn a_changed_rule_is_another_digest() {
        let changed = with("claim_tail_days", Value::number(31)).unwrap();

        assert_eq!(changed.claim_tail_days, 31);
        assert_ne!(changed.digest(), Rules::standard().digest());
    }

    #[test]
    fn every_number_has_a_range() {
        for (name, least, most) in COUNTS {
            assert!(with(name, Value::number(least)).is_ok(), "{name} {least}");
            assert!(with(name, Value::number(most)).is_ok(), "{name} {most}");
            assert!(with(name, Value::number(most + 1)).is_err(), "{name}");
            assert!(least == 0 || with(name, Value::number(least - 1)).is_err(), "{name}");
            assert!(with(name, Value::Int(-1)).is_err(), "{name}");
        }
    }

    #[test]
    fn lists_out_of_order_repeated_or_empty_are_refused() {
        let list = |items: &[&'static str]| Value::List(items.iter().copied().map(Value::text).collect());
        let bad = [
            ("banks", list(&["005", "004"])),
            ("banks", list(&["004", "004"])),
            ("banks", list(&[])),
            ("banks", list(&["04"])),
            ("tax_types", list(&["vat", "duty"])),
            ("tax_types", list(&["duty", "duty"])),
            ("tax_types", list(&["income"])),
            ("tax_types", list(&[])),
            ("seen_required", list(&["guarantee"])),
            ("seen_required", list(&["guarantee.b", "guarantee.a"])),
            ("restore_order", Value::text("newest_first")),
            ("supervisor_from", Value::number(0)),
            ("cases", Value::Null),
            ("clearance", Value::Null),
            ("draws", Value::object([("roster", Value::Null)])),
            ("ethics", Value::Null),
            ("obligations", Value::Null),
        ];
        for (name, value) in bad {
            let error = with(name, value).unwrap_err();
            assert!(error.pointer.starts_with(&format!("/{name}")), "{error}");
        }
        assert!(with("seen_required", list(&[])).is_ok());
    }

    #[test]
    fn an_unknown_or_missing_rule_is_refused_by_name() {
        assert_eq!(with("discount", Value::number(1)).unwrap_err().pointer, "/discount");
        let Value::Object(mut members) = Rules::standard().to_value() else { unreachable!() };
        members.retain(|(name, _)| name != "due_days");
        assert_eq!(Rules::parse(&Value::Object(members)).unwrap_err().pointer, "/due_days");
    }
}
