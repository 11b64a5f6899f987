//! Identifiers of cargo and of the places it passes (SPEC.md "Clearance", identifiers).
//! Invariant: a value of these types has the one spelling that its type allows; ASCII only.
//! The check digit of a master waybill is a warning: goods arrive under numbers that fail it.

use std::fmt;

use lian_core::statement::is_actor;

use super::member::spelled;

/// Makes a Copy text type of 1 to `$max` ASCII bytes that `$rule` admits.
macro_rules! short_text {
    ($($(#[$doc:meta])* $name:ident, $max:literal, $rule:expr;)*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            // Zeros after `length`, so that derived equality and order are those of the text.
            bytes: [u8; $max],
            length: u8,
        }

        impl $name {
            /// Reads the one spelling; `None` for anything else.
            pub fn parse(text: &str) -> Option<Self> {
                let admits: fn(&[u8]) -> bool = $rule;
                if text.is_empty() || text.len() > $max || !admits(text.as_bytes()) {
                    return None;
                }
                let mut bytes = [0; $max];
                bytes[..text.len()].copy_from_slice(text.as_bytes());
                Some(Self { bytes, length: u8::try_from(text.len()).ok()? })
            }

            /// The spelling.
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("checked to be ASCII")
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
        })*
    };
}

short_text! {
    /// 主號, master air waybill: three digits of the airline, `-`, seven of the serial, check digit.
    Mawb, 12, |text| {
        let digit = |&byte: &u8| byte.is_ascii_digit();
        text.len() == 12 && text[3] == b'-' && text[..3].iter().chain(&text[4..]).all(digit)
    };
    /// 袋號 or 分號, a bag or house bill within its master waybill: 1 to 35 of `A-Z 0-9 -`.
    Hawb, 35, |text| text.iter().copied().all(upper_digit_dash);
    /// 貨棧, the code of a warehouse: 1 to 8 of `A-Z 0-9`. Its actor is `warehouse:<code>`.
    Warehouse, 8, |text| text.iter().copied().all(upper_digit);
    /// Two places of an airline, at least one a letter. Its actor is `airline:<code>`.
    Airline, 2, |text| {
        text.len() == 2 && text.iter().copied().all(upper_digit) && text.iter().any(u8::is_ascii_uppercase)
    };
    /// 班次: airline, one to four digits, perhaps a letter.
    Flight, 7, is_flight;
    /// 線, an inspection line: 1 to 16 of `A-Z 0-9 -`.
    Line, 16, |text| text.iter().copied().all(upper_digit_dash);
    /// Number of a card, transfer or target, a seal, receipt, storage place or gate:
    /// 1 to 32 of `A-Z 0-9 -`.
    Mark, 32, |text| text.iter().copied().all(upper_digit_dash);
    /// A reason, type, zone or version: 1 to 32 of `a-z 0-9 _`, never free text.
    Word, 32, |text| text.iter().all(|byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_'
    });
}

fn upper_digit(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn upper_digit_dash(byte: u8) -> bool {
    upper_digit(byte) || byte == b'-'
}

fn is_flight(text: &[u8]) -> bool {
    let Some((airline, rest)) = text.split_at_checked(2) else { return false };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let tail = &rest[digits..];
    airline.iter().copied().all(upper_digit)
        && airline.iter().any(u8::is_ascii_uppercase)
        && (1..=4).contains(&digits)
        && (tail.is_empty() || (tail.len() == 1 && tail[0].is_ascii_uppercase()))
}

impl Mawb {
    /// True if the last digit is the serial modulo 7. False is a warning, never a refusal.
    pub fn check_digit_holds(&self) -> bool {
        let serial: u32 =
            self.bytes[4..11].iter().fold(0, |sum, digit| sum * 10 + u32::from(digit.wrapping_sub(b'0')));
        serial % 7 == u32::from(self.bytes[11].wrapping_sub(b'0'))
    }
}

/// An actor such as `officer:7f3k`, or a unit such as `office:CA`: 1 to 64 of `A-Z a-z 0-9 . _ : -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Actor(Box<str>);

impl Actor {
    /// Reads the one spelling; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        is_actor(text).then(|| Self(text.into()))
    }

    /// The spelling.
    pub fn as_str(&self) -> &str {
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

spelled! {
    Mawb, "must be a master waybill such as 297-83993523";
    Hawb, "must be 1 to 35 of A-Z 0-9 -";
    Warehouse, "must be 1 to 8 of A-Z 0-9";
    Airline, "must be two places of an airline, such as CI";
    Flight, "must be a flight such as CI5832";
    Line, "must be 1 to 16 of A-Z 0-9 -";
    Mark, "must be 1 to 32 of A-Z 0-9 -";
    Word, "must be a code, 1 to 32 of a-z 0-9 _";
    Actor, "must be an actor such as officer:7f3k";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_of_a_master_waybill_is_its_serial_modulo_seven() {
        for good in ["675-31355995", "018-91425854", "297-83993523"] {
            assert!(Mawb::parse(good).unwrap().check_digit_holds(), "{good}");
        }
        assert!(!Mawb::parse("189-00123456").unwrap().check_digit_holds(), "the row labelled TEST");
    }

    #[test]
    fn waybills_of_another_form_are_no_waybills() {
        for bad in ["29783993523", "297-8399352", "297-839935233", "297_83993523", "A97-83993523", "NIL"] {
            assert_eq!(Mawb::parse(bad), None, "{bad}");
        }
        for good in ["598FJ923", "0S1576TG", "A-1", &"A".repeat(35)] {
            assert!(Hawb::parse(good).is_some(), "{good}");
        }
        for bad in ["", "598fj923", "A B", "A/B", "A_B", "袋", &"A".repeat(36)] {
            assert_eq!(Hawb::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_flight_misread_by_a_scanner_is_not_repaired() {
        for good in ["CI5832", "CX494", "B77", "5X123", "CI5832A"] {
            assert!(Flight::parse(good).is_some(), "{good}");
        }
        for bad in ["CXD494", "ci5832", "CI", "CI58321", "CI5832AB", "551234"] {
            assert_eq!(Flight::parse(bad), None, "{bad}");
        }
        // Read as airline C1: a person must look at it, no program can.
        assert!(Flight::parse("C15832").is_some());
    }
}
