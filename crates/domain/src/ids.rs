//! Identifiers of the customs house: checked, Copy, of fixed size (SPEC.md "Identifiers").
//! Invariant: a value of these types has the one spelling that its type allows.
//! Limits: ASCII only; a check digit that fails is a warning, never a refusal, because real
//! registered numbers fail it.

use std::fmt;

/// Makes a type of exactly `$bytes` ASCII bytes that `$rule` admits.
macro_rules! fixed_text {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $rule:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Reads the one spelling; `None` for anything else.
            pub fn parse(text: &str) -> Option<Self> {
                let bytes: [u8; $bytes] = text.as_bytes().try_into().ok()?;
                let admits: fn(&[u8; $bytes]) -> bool = $rule;
                admits(&bytes).then_some(Self(bytes))
            }

            /// The spelling.
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).expect("checked to be ASCII")
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

fixed_text!(
    /// 統一編號, the business number of a firm: 8 digits. Natural persons have none.
    Ubn,
    8,
    |bytes| bytes.iter().all(u8::is_ascii_digit)
);

fixed_text!(
    /// 3-digit code of a financial institution, such as `004`.
    BankCode,
    3,
    |bytes| bytes.iter().all(u8::is_ascii_digit)
);

fixed_text!(
    /// 4-digit code of a branch within its institution.
    BranchCode,
    4,
    |bytes| bytes.iter().all(u8::is_ascii_digit)
);

fixed_text!(
    /// 收單關別, the place that receives a declaration, such as `CA`; its letter is the customs house.
    HouseCode,
    2,
    |bytes| bytes[0].is_ascii_uppercase() && upper_or_digit(bytes[1])
);

fixed_text!(
    /// 報單號碼: 14 places, blanks written `_`: receiving house 2, house of transit 2, year 2, serial 8.
    DeclarationNo,
    14,
    |bytes| {
        bytes[0].is_ascii_uppercase()
            && upper_or_digit(bytes[1])
            && bytes[2..].iter().all(|&byte| byte == b'_' || upper_or_digit(byte))
    }
);

fn upper_or_digit(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

/// What the check digit of a business number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// Holds by the rule in force since 2023-04-01 only (sum divisible by 5).
    Current5,
    /// Holds by the rule before that (sum divisible by 10), and so by the present one too.
    Legacy10,
    /// Holds by neither: warn. Some registered numbers are like that.
    Fails,
}

impl Ubn {
    /// Judges the check digit: weights 1,2,1,2,1,2,4,1 with the digits of each product added; when
    /// the seventh digit is 7, the sum may also be taken one higher.
    pub fn checksum(&self) -> Checksum {
        const WEIGHTS: [u32; 8] = [1, 2, 1, 2, 1, 2, 4, 1];
        let sum: u32 = self
            .0
            .iter()
            .zip(WEIGHTS)
            .map(|(&digit, weight)| {
                let product = u32::from(digit - b'0') * weight;
                product / 10 + product % 10
            })
            .sum();
        let seventh_is_seven = self.0[6] == b'7';
        let divides = |by: u32| sum.is_multiple_of(by) || (seventh_is_seven && (sum + 1).is_multiple_of(by));
        match (divides(10), divides(5)) {
            (true, _) => Checksum::Legacy10,
            (false, true) => Checksum::Current5,
            (false, false) => Checksum::Fails,
        }
    }
}

impl HouseCode {
    /// Letter of the customs house (關) that the place belongs to.
    pub fn office(&self) -> char {
        char::from(self.0[0])
    }
}

impl DeclarationNo {
    /// The receiving house: the first two places.
    pub fn house(&self) -> HouseCode {
        HouseCode([self.0[0], self.0[1]])
    }
}

/// Characters of a guarantee number.
pub const GUARANTEE_NO_MAX: usize = 32;

/// 保證書號碼, chosen by the bank: 1 to 32 of `A-Z a-z 0-9 . -`, such as `FB-115-000123`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuaranteeNo {
    // Zeros after `length`, so that derived equality and order are those of the text.
    bytes: [u8; GUARANTEE_NO_MAX],
    length: u8,
}

impl GuaranteeNo {
    /// Reads the one spelling; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let admitted = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
        if text.is_empty() || text.len() > GUARANTEE_NO_MAX || !text.bytes().all(admitted) {
            return None;
        }
        let mut bytes = [0; GUARANTEE_NO_MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: u8::try_from(text.len()).ok()? })
    }

    /// The number whose stream this is; `None` if it is not `guarantee/<no>`.
    pub fn of_stream(stream: &str) -> Option<Self> {
        Self::parse(stream.strip_prefix("guarantee/")?)
    }

    /// The spelling.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("checked to be ASCII")
    }
}

impl fmt::Display for GuaranteeNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for GuaranteeNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn business_numbers_are_judged_as_the_known_vectors_say() {
        let vectors = [
            ("04595257", Checksum::Legacy10),
            ("22099131", Checksum::Legacy10),
            ("12345675", Checksum::Legacy10),
            ("00501508", Checksum::Current5),
            ("00000074", Checksum::Current5),
            ("04595252", Checksum::Current5),
            ("62140097", Checksum::Current5),
            ("00501502", Checksum::Fails),
        ];
        for (text, expected) in vectors {
            assert_eq!(Ubn::parse(text).unwrap().checksum(), expected, "{text}");
        }
    }

    #[test]
    fn registered_numbers_that_fail_the_check_digit_are_still_numbers() {
        for text in ["90316313", "41050981"] {
            assert_eq!(Ubn::parse(text).map(|ubn| ubn.checksum()), Some(Checksum::Fails), "{text}");
        }
    }

    #[test]
    fn a_natural_person_cannot_be_written_as_a_business_number() {
        for text in ["A123456789", "1234567", "123456789", "1234567X", "１２３４５６７８", ""] {
            assert_eq!(Ubn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn declaration_numbers_have_fourteen_places_and_name_their_house() {
        for text in ["DA__08210M0299", "AW__9610927003", "BE__95SK990001", "CACG115494A012"] {
            let number = DeclarationNo::parse(text).unwrap();
            assert_eq!(number.to_string(), text);
            assert_eq!(number.house().as_str(), &text[..2]);
        }
        for text in ["DA/08/210/M0299", "DA  08210M0299", "da__08210M0299", "__CA08210M0299", "DA__08210M029"]
        {
            assert_eq!(DeclarationNo::parse(text), None, "{text}");
        }
        assert_eq!(HouseCode::parse("CG").unwrap().office(), 'C');
    }

    #[test]
    fn a_guarantee_number_is_the_tail_of_its_stream() {
        let number = GuaranteeNo::of_stream("guarantee/FB-115-000123").unwrap();

        assert_eq!(number.as_str(), "FB-115-000123");
        assert_eq!(GuaranteeNo::parse(&"a".repeat(32)).unwrap().as_str().len(), 32);
        for stream in
            ["guarantee/", "guarantee", "cargo/FB-1", "guarantee/a/b", "guarantee/a_b", "guarantee/保"]
        {
            assert_eq!(GuaranteeNo::of_stream(stream), None, "{stream}");
        }
        assert_eq!(GuaranteeNo::parse(&"a".repeat(33)), None);
    }

    #[test]
    fn banks_and_branches_are_three_and_four_digits() {
        assert_eq!(BankCode::parse("004").unwrap().to_string(), "004");
        assert_eq!(BranchCode::parse("0107").unwrap().to_string(), "0107");
        assert!(BankCode::parse("04").is_none() && BankCode::parse("00A").is_none());
        assert!(BranchCode::parse("107").is_none() && HouseCode::parse("1A").is_none());
    }
}
