//! Numbers of registrations. Invariant: a year and a serial, or random bits; no person's number
//! (a letter and nine digits) and no name has such a spelling.

use std::fmt;

/// Bytes of the longer spelling.
const LENGTH_MAX: usize = 32;

/// `115-000123` (year of the Republic, serial) or 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistrationNo {
    // Zeros after `length`, so that derived equality and order are those of the text.
    bytes: [u8; LENGTH_MAX],
    length: u8,
}

impl RegistrationNo {
    /// Reads either spelling; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits =
            |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_serial =
            text.split_once('-').is_some_and(|(year, serial)| digits(year, 3) && digits(serial, 6));
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_random = text.len() == LENGTH_MAX && text.bytes().all(is_hex);
        if !(is_serial || is_random) {
            return None;
        }
        let mut bytes = [0; LENGTH_MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: u8::try_from(text.len()).ok()? })
    }

    /// The number whose stream this is; `None` if it is not `ethics/<no>`.
    pub fn of_stream(stream: &str) -> Option<Self> {
        Self::parse(stream.strip_prefix("ethics/")?)
    }

    /// The spelling.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("checked to be ASCII")
    }

    /// The stream of the registration.
    pub fn stream(&self) -> String {
        format!("ethics/{self}")
    }
}

impl fmt::Display for RegistrationNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RegistrationNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_is_numbered_by_year_and_serial_or_at_random_and_by_nothing_personal() {
        let random = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
        for text in ["115-000123", random] {
            assert_eq!(RegistrationNo::of_stream(&format!("ethics/{text}")).unwrap().to_string(), text);
        }
        for text in
            ["A123456789", "115-00123", "1150-000123", &random.to_uppercase(), &random[1..], "wang", ""]
        {
            assert_eq!(RegistrationNo::parse(text), None, "{text}");
        }
    }
}
