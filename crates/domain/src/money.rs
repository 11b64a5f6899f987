//! New Taiwan dollars, whole ones, and what they are owed for (SPEC.md "Money").
//! Invariant: a `Twd` never exceeds 2⁵³−1, so JSON holds it exactly; nothing wraps, nothing rounds
//! but where a rule says floor. No floats, no currencies, no fractions.

use std::fmt;

/// Whole New Taiwan dollars, 0 to [`Twd::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Twd(u64);

impl Twd {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest sum: the largest integer that JSON readers hold exactly.
    pub const MAX: Self = Self((1 << 53) - 1);
    /// The largest single amount in an event: tax fields of a declaration have 12 digits.
    pub const AMOUNT_MAX: Self = Self(999_999_999_999);

    /// So many dollars; `None` above [`Twd::MAX`].
    pub const fn new(dollars: u64) -> Option<Self> {
        if dollars <= Self::MAX.0 { Some(Self(dollars)) } else { None }
    }

    /// An amount in an event: 1 to [`Twd::AMOUNT_MAX`]; `None` otherwise.
    pub const fn amount(dollars: u64) -> Option<Self> {
        if dollars >= 1 && dollars <= Self::AMOUNT_MAX.0 { Some(Self(dollars)) } else { None }
    }

    /// The dollars.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// True for nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum; `None` above [`Twd::MAX`].
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::new)
    }

    /// The difference; `None` below zero.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// How much this exceeds `other`, or nothing.
    #[must_use]
    pub fn excess_over(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// ⌊self × numerator ÷ denominator⌋; `None` above [`Twd::MAX`] or for a denominator of 0.
    pub fn mul_ratio(self, numerator: u64, denominator: u64) -> Option<Self> {
        let product = u128::from(self.0).checked_mul(u128::from(numerator))?;
        let floor = product.checked_div(u128::from(denominator))?;
        u64::try_from(floor).ok().and_then(Self::new)
    }

    /// Late-payment surcharge: ⌊unpaid × `per_10000` ÷ 10,000 × min(days late, `days_max`)⌋, the
    /// floor taken once, at the end (關稅法 §74). `None` above [`Twd::MAX`].
    pub fn surcharge(unpaid: Self, days_late: u64, per_10000: u32, days_max: u32) -> Option<Self> {
        let days = days_late.min(u64::from(days_max));
        unpaid.mul_ratio(u64::from(per_10000) * days, 10_000)
    }
}

impl fmt::Display for Twd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (position, digit) in digits.chars().enumerate() {
            if position > 0 && (digits.len() - position).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// What money at the border is owed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaxType {
    /// 貨物稅, commodity tax.
    Commodity,
    /// 押金, deposit under 關稅法 §18; the draw stays open until it is assessed.
    Deposit,
    /// 關稅, customs duty.
    Duty,
    /// 菸酒稅, tobacco and alcohol tax.
    TobaccoAlcohol,
    /// 菸品健康福利捐, health and welfare surcharge on tobacco.
    TobaccoHealth,
    /// 推廣貿易服務費, trade promotion service fee.
    TradeFee,
    /// 營業稅, business tax on imports.
    Vat,
}

impl TaxType {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 7] = [
        Self::Commodity,
        Self::Deposit,
        Self::Duty,
        Self::TobaccoAlcohol,
        Self::TobaccoHealth,
        Self::TradeFee,
        Self::Vat,
    ];

    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Commodity => "commodity",
            Self::Deposit => "deposit",
            Self::Duty => "duty",
            Self::TobaccoAlcohol => "tobacco_alcohol",
            Self::TobaccoHealth => "tobacco_health",
            Self::TradeFee => "trade_fee",
            Self::Vat => "vat",
        }
    }

    /// The type of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tax| tax.name() == name)
    }
}

/// A set of tax types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TaxSet(u8);

impl TaxSet {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// Every one that exists.
    pub const ALL: Self = Self(0x7f);

    /// The set with one more.
    #[must_use]
    pub const fn with(self, tax: TaxType) -> Self {
        Self(self.0 | 1 << tax as u8)
    }

    /// True if the type is in it.
    pub const fn has(self, tax: TaxType) -> bool {
        self.0 >> (tax as u8) & 1 == 1
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// True if all of it is in `other` too.
    pub const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The types, in the order of their names.
    pub fn types(self) -> impl Iterator<Item = TaxType> {
        TaxType::ALL.into_iter().filter(move |&tax| self.has(tax))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twd(dollars: u64) -> Twd {
        Twd::new(dollars).unwrap()
    }

    #[test]
    fn sums_stop_at_the_largest_integer_that_json_holds() {
        assert_eq!(Twd::new(9_007_199_254_740_991), Some(Twd::MAX));
        assert_eq!(Twd::new(9_007_199_254_740_992), None);
        assert_eq!(Twd::MAX.checked_add(twd(1)), None);
        assert_eq!(Twd::ZERO.checked_sub(twd(1)), None);
        assert_eq!(Twd::MAX.mul_ratio(2, 1), None);
        assert_eq!(Twd::MAX.mul_ratio(u64::MAX, u64::MAX), Some(Twd::MAX));
        assert_eq!(twd(5).mul_ratio(1, 0), None);
    }

    #[test]
    fn an_amount_is_one_dollar_to_twelve_digits() {
        assert_eq!(Twd::amount(0), None);
        assert_eq!(Twd::amount(1), Some(twd(1)));
        assert_eq!(Twd::amount(999_999_999_999), Some(Twd::AMOUNT_MAX));
        assert_eq!(Twd::amount(1_000_000_000_000), None);
    }

    #[test]
    fn surcharge_is_five_in_ten_thousand_a_day_for_thirty_days_floored_once() {
        let surcharge = |unpaid, days| Twd::surcharge(twd(unpaid), days, 5, 30).unwrap().get();

        assert_eq!(surcharge(7_200_000, 10), 36_000);
        assert_eq!(surcharge(7_200_000, 30), 108_000);
        assert_eq!(surcharge(7_200_000, 31), 108_000);
        assert_eq!(surcharge(7_200_000, u64::MAX), 108_000);
        assert_eq!(surcharge(1_999, 1), 0);
        assert_eq!(surcharge(2_000, 1), 1);
        assert_eq!(surcharge(1_999, 3), 2); // 2.9985: a floor each day would give 0
        assert_eq!(surcharge(7_200_000, 0), 0);
        assert!(Twd::surcharge(Twd::MAX, 30, 5, 30).is_some());
    }

    #[test]
    fn dollars_are_shown_in_groups_of_three() {
        for (dollars, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (10_000_000, "10,000,000")] {
            assert_eq!(twd(dollars).to_string(), text);
        }
    }

    #[test]
    fn ten_million_amounts_sum_like_wide_integers() {
        let mut sum = Twd::ZERO;
        let mut wide: u128 = 0;
        for step in 0..10_000_000_u64 {
            let amount = step.wrapping_mul(2_654_435_761) % 900_000_000;
            sum = sum.checked_add(twd(amount)).unwrap();
            wide += u128::from(amount);
        }
        assert_eq!(u128::from(sum.get()), wide);
    }

    #[test]
    fn tax_sets_hold_what_was_put_in_in_the_order_of_names() {
        let set = TaxSet::NONE.with(TaxType::Vat).with(TaxType::Duty);
        let names: Vec<_> = set.types().map(TaxType::name).collect();

        assert_eq!(names, ["duty", "vat"]);
        assert!(set.within(TaxSet::ALL) && !TaxSet::ALL.within(set));
        assert_eq!(TaxSet::ALL.types().count(), TaxType::ALL.len());
        assert!(TaxType::ALL.iter().all(|&tax| TaxType::parse(tax.name()) == Some(tax)));
        assert!(TaxType::ALL.is_sorted_by_key(|tax| tax.name()));
        assert_eq!(TaxType::parse("fine"), None);
    }
}
