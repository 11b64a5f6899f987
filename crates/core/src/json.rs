//! The one spelling of JSON that is signed: RFC 8785 restricted (SPEC.md "JSON").
//! Invariant: `read` accepts exactly the bytes that `write` makes, so reading is also the check
//! that a text is canonical: keys ascending and unique, no blank, shortest escapes, integers only.
//! Limits: depth 16, 64 members an object, 4,096 items a list, 4 KiB a string, |n| ≤ 2⁵³−1.

use std::borrow::Cow;

use thiserror::Error;

/// Objects and lists within each other.
pub const DEPTH_MAX: usize = 16;
/// Members of one object; a `u64` marks the ones that were read.
pub const MEMBERS_MAX: usize = 64;
/// Members for which there is room at once: what objects of statements usually have at most.
const MEMBERS_USUAL: usize = 8;
/// Items of one list.
pub const ITEMS_MAX: usize = 4_096;
/// Bytes of one string.
pub const TEXT_BYTES_MAX: usize = 4_096;
/// Bytes of a name that is read without looking for escapes.
pub(crate) const QUOTED_MAX: usize = 256;
/// Largest magnitude of an integer: what every JSON reader holds exactly.
pub const INTEGER_MAX: i64 = (1 << 53) - 1;

/// Why bytes are not canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not canonical JSON at byte {at}: {what}")]
pub struct JsonError {
    /// Offset of the first byte that cannot stand there.
    pub at: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

/// A value is well-formed but not what its schema asks for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{pointer}: {what}")]
pub struct SchemaError {
    /// JSON pointer (RFC 6901) of the member.
    pub pointer: String,
    /// What is wrong, and what would be right.
    pub what: Cow<'static, str>,
}

impl SchemaError {
    /// A fault of the member `name`.
    pub fn new(name: &str, what: impl Into<Cow<'static, str>>) -> Self {
        let pointer = if name.is_empty() { String::new() } else { format!("/{name}") };
        Self { pointer, what: what.into() }
    }

    /// The same fault seen from one level further out.
    #[must_use]
    pub fn inside(mut self, name: &str) -> Self {
        self.pointer.insert_str(0, name);
        self.pointer.insert(0, '/');
        self
    }
}

/// A JSON value that borrows from the text where it can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer within ±(2⁵³−1).
    Int(i64),
    /// A string.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Value<'a>>),
    /// An object, keys ascending.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// Reads canonical JSON that fills `bytes` exactly.
    pub fn read(bytes: &'a [u8]) -> Result<Self, JsonError> {
        Self::read_text(text_of(bytes)?)
    }

    /// The same of text that is known to be UTF-8.
    pub fn read_text(text: &'a str) -> Result<Self, JsonError> {
        let mut reader = Reader::new(text);
        let value = reader.value(0)?;
        if !reader.is_at_end() {
            return Err(reader.fault("bytes after the end of the value"));
        }
        Ok(value)
    }

    /// An object of these members; sorts them, later ones of the same name win.
    pub fn object<K: Into<Cow<'a, str>>>(members: impl IntoIterator<Item = (K, Value<'a>)>) -> Self {
        let mut members: Vec<_> = members.into_iter().map(|(key, value)| (key.into(), value)).collect();
        members.sort_by(|(left, _), (right, _)| left.cmp(right));
        members.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                earlier.1 = std::mem::replace(&mut later.1, Value::Null);
            }
            same
        });
        Self::Object(members)
    }

    /// A string.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    /// A count or amount; must be within ±(2⁵³−1), which every checked value of Lian is.
    pub fn number(number: u64) -> Self {
        Self::Int(i64::try_from(number).expect("counts stay below 2⁵³"))
    }

    /// The canonical bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.write_to(&mut out);
        out
    }

    /// Appends the canonical bytes to `out`.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push(b'[');
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        out.push(b',');
                    }
                    item.write_to(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (position, (key, value)) in members.iter().enumerate() {
                    if position > 0 {
                        out.push(b',');
                    }
                    write_text(key, out);
                    out.push(b':');
                    value.write_to(out);
                }
                out.push(b'}');
            }
        }
    }

    /// The member `name` of an object.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The string, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Value<'a>]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The same value, owning its strings.
    pub fn into_owned(self) -> Value<'static> {
        let own = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(truth),
            Self::Int(number) => Value::Int(number),
            Self::Text(text) => Value::Text(own(text)),
            Self::List(items) => Value::List(items.into_iter().map(Value::into_owned).collect()),
            Self::Object(members) => Value::Object(
                members.into_iter().map(|(key, value)| (own(key), value.into_owned())).collect(),
            ),
        }
    }
}

/// The text that these bytes are.
pub(crate) fn text_of(bytes: &[u8]) -> Result<&str, JsonError> {
    std::str::from_utf8(bytes).map_err(|error| JsonError { at: error.valid_up_to(), what: "not UTF-8" })
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    if text.bytes().any(|byte| byte == b'"' || byte == b'\\') {
        for byte in text.bytes() {
            if byte == b'"' || byte == b'\\' {
                out.push(b'\\');
            }
            out.push(byte);
        }
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
}

/// Reads canonical JSON piece by piece, for a schema whose members stand in a known order.
pub(crate) struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// At the first byte of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0 }
    }

    /// True if nothing is left.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Passes exactly these bytes; `None`, and stays, if others stand here.
    #[inline]
    pub(crate) fn literal<const N: usize>(&mut self, word: &[u8; N]) -> Option<()> {
        let here = self.bytes[self.at..].first_chunk::<N>()?;
        (here == word).then(|| self.at += N)
    }

    fn fault(&self, what: &'static str) -> JsonError {
        JsonError { at: self.at, what }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), JsonError> {
        if self.peek() != Some(byte) {
            return Err(self.fault(what));
        }
        self.at += 1;
        Ok(())
    }

    /// The value that stands here, so many levels deep.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        match self.peek() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.list(depth + 1),
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.integer().map(Value::Int),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b' ' | b'\t' | b'\n' | b'\r') => Err(self.fault("blanks between tokens are not canonical")),
            _ => Err(self.fault("a value should stand here")),
        }
    }

    fn word(&mut self, word: &'static str, value: Value<'a>) -> Result<Value<'a>, JsonError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fault("a value should stand here"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        if depth > DEPTH_MAX {
            return Err(self.fault("deeper than 16 levels"));
        }
        self.at += 1;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(Vec::new()));
        }
        let mut members: Vec<(Cow<'a, str>, Value<'a>)> = Vec::with_capacity(MEMBERS_USUAL);
        loop {
            let start = self.at;
            let key = self.key()?;
            if members.last().is_some_and(|(last, _)| last.as_ref() >= key) {
                return Err(JsonError { at: start, what: "keys must ascend and be unique" });
            }
            if members.len() == MEMBERS_MAX {
                return Err(JsonError { at: start, what: "more than 64 members" });
            }
            self.expect(b':', "a colon should stand here")?;
            let value = self.value(depth)?;
            members.push((Cow::Borrowed(key), value));
            if self.next_or_end(b'}')? {
                return Ok(Value::Object(members));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        if depth > DEPTH_MAX {
            return Err(self.fault("deeper than 16 levels"));
        }
        self.at += 1;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(items));
        }
        loop {
            if items.len() == ITEMS_MAX {
                return Err(self.fault("more than 4096 items"));
            }
            items.push(self.value(depth)?);
            if self.next_or_end(b']')? {
                return Ok(Value::List(items));
            }
        }
    }

    /// True at the closing byte, false at a comma.
    fn next_or_end(&mut self, close: u8) -> Result<bool, JsonError> {
        let end = match self.peek() {
            Some(b',') => false,
            Some(byte) if byte == close => true,
            _ => return Err(self.fault("a comma or the end should stand here")),
        };
        self.at += 1;
        Ok(end)
    }

    /// A key: printable ASCII without quote and backslash, so it never needs an escape.
    pub(crate) fn key(&mut self) -> Result<&'a str, JsonError> {
        self.expect(b'"', "a key should stand here")?;
        let start = self.at;
        self.at += plain_run(self.rest(TEXT_BYTES_MAX));
        if self.peek() != Some(b'"') {
            return Err(self.fault("a key holds printable ASCII only"));
        }
        let key = &self.text[start..self.at];
        self.at += 1;
        Ok(key)
    }

    /// A string up to the first quote. For callers that admit no backslash, no control character
    /// and nothing beyond ASCII, and no string of more than [`QUOTED_MAX`] bytes.
    pub(crate) fn quoted(&mut self) -> Option<&'a str> {
        let (b'"', rest) = self.rest(QUOTED_MAX + 2).split_first()? else { return None };
        let length = before_quote(rest)?;
        let text = self.text.get(self.at + 1..self.at + 1 + length)?;
        self.at += length + 2;
        Some(text)
    }

    /// The same for a string whose length is known.
    pub(crate) fn quoted_of(&mut self, length: usize) -> Option<&'a str> {
        let end = self.at + 1 + length;
        if self.peek() != Some(b'"') || self.bytes.get(end) != Some(&b'"') {
            return None;
        }
        let text = self.text.get(self.at + 1..end)?;
        self.at = end + 1;
        Some(text)
    }

    /// What comes next, at most so many bytes.
    fn rest(&self, most: usize) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        &rest[..rest.len().min(most)]
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.at += 1;
        let start = self.at;
        let mut owned: Option<String> = None;
        let mut run = start;
        loop {
            self.at += plain_run(self.rest(TEXT_BYTES_MAX + 1 - (self.at - start)));
            match self.peek() {
                // Also the byte after a run that is too long already.
                _ if self.at - start > TEXT_BYTES_MAX => {}
                Some(b'"') => break,
                Some(b'\\') => {
                    let kept = owned.get_or_insert_with(String::new);
                    kept.push_str(&self.text[run..self.at]);
                    match self.bytes.get(self.at + 1) {
                        Some(b'"') => kept.push('"'),
                        Some(b'\\') => kept.push('\\'),
                        _ => return Err(self.fault("only \\\" and \\\\ are canonical escapes")),
                    }
                    self.at += 2;
                    run = self.at;
                }
                Some(0..=0x1f | 0x7f) => return Err(self.fault("control characters are not allowed")),
                // U+0080 to U+009F are C2 80 to C2 9F in UTF-8.
                Some(0xc2) if self.bytes.get(self.at + 1).is_some_and(|next| *next < 0xa0) => {
                    return Err(self.fault("control characters are not allowed"));
                }
                Some(_) => self.at += 1,
                None => return Err(self.fault("the string does not end")),
            }
            if self.at - start > TEXT_BYTES_MAX {
                return Err(self.fault("a string has more than 4096 bytes"));
            }
        }
        let tail = &self.text[run..self.at];
        self.at += 1;
        Ok(match owned {
            Some(mut kept) => {
                kept.push_str(tail);
                Cow::Owned(kept)
            }
            None => Cow::Borrowed(tail),
        })
    }

    /// An integer within the limits.
    pub(crate) fn integer(&mut self) -> Result<i64, JsonError> {
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let start = self.at;
        let mut number: i64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number * 10 + i64::from(digit - b'0');
            self.at += 1;
            if number > INTEGER_MAX {
                return Err(self.fault("integers stay within 2^53 - 1"));
            }
        }
        let digits = &self.bytes[start..self.at];
        match digits {
            [] => return Err(self.fault("a digit should stand here")),
            [b'0', _, ..] => return Err(JsonError { at: start, what: "leading zeros are not canonical" }),
            [b'0'] if negative => return Err(JsonError { at: start, what: "-0 is not canonical" }),
            _ => {}
        }
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return Err(self.fault("fractions and exponents are not allowed"));
        }
        Ok(if negative { -number } else { number })
    }
}

/// Bytes before the first quote; eight at a time, since most names have more.
fn before_quote(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*word) ^ (ONES * u64::from(b'"'));
        // The lowest mark is at the first quote; a borrow can only mark what comes after it.
        let marks = word.wrapping_sub(ONES) & !word & (ONES << 7);
        if marks != 0 {
            return Some(at + marks.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    bytes[at..].iter().position(|byte| *byte == b'"').map(|more| at + more)
}

/// Bytes at the start that stand for themselves wherever they are: ASCII but control characters,
/// quote and backslash. Most of a payload is such text, so it is passed eight bytes at a time.
fn plain_run(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = bytes[at..].first_chunk::<8>() {
        let marks = special_bytes(u64::from_le_bytes(*word));
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let special = |byte: &u8| special_bytes(u64::from(*byte) | PLAIN_ABOVE) != 0;
    at + bytes[at..].iter().position(special).unwrap_or(bytes.len() - at)
}

const ONES: u64 = u64::from_le_bytes([1; 8]);
/// Seven plain bytes above a byte that is looked at alone.
const PLAIN_ABOVE: u64 = u64::from_le_bytes([0, b'a', b'a', b'a', b'a', b'a', b'a', b'a']);

/// The high bit of the first byte that is not plain, and perhaps of later ones: a borrow starts
/// only at a byte that is marked itself.
fn special_bytes(word: u64) -> u64 {
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let equal = |byte: u8| zero(word ^ (ONES * u64::from(byte)));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (control | equal(b'"') | equal(b'\\') | equal(0x7f) | word) & (ONES << 7)
}

/// Reads the members of one object by name and refuses the ones nobody asked for.
pub struct Fields<'v, 'a> {
    members: &'v [(Cow<'a, str>, Value<'a>)],
    taken: u64,
}

impl<'v, 'a> Fields<'v, 'a> {
    /// Opens an object; anything else is a schema error.
    pub fn open(value: &'v Value<'a>) -> Result<Self, SchemaError> {
        match value {
            Value::Object(members) if members.len() <= MEMBERS_MAX => Ok(Self { members, taken: 0 }),
            _ => Err(SchemaError::new("", "must be an object")),
        }
    }

    /// The member, if it is there.
    pub fn optional(&mut self, name: &str) -> Option<&'v Value<'a>> {
        let members = self.members;
        let position = members.iter().position(|(key, _)| key == name)?;
        self.taken |= 1 << position;
        Some(&members[position].1)
    }

    /// The member, which must be there.
    pub fn required(&mut self, name: &str) -> Result<&'v Value<'a>, SchemaError> {
        self.optional(name).ok_or_else(|| SchemaError::new(name, "is missing"))
    }

    /// A string member.
    pub fn text(&mut self, name: &str) -> Result<&'v str, SchemaError> {
        self.required(name)?.as_text().ok_or_else(|| SchemaError::new(name, "must be a string"))
    }

    /// A string member that may be absent.
    pub fn optional_text(&mut self, name: &str) -> Result<Option<&'v str>, SchemaError> {
        match self.optional(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(SchemaError::new(name, "must be a string")),
        }
    }

    /// An integer member, 0 or more.
    pub fn number(&mut self, name: &str) -> Result<u64, SchemaError> {
        let number = self.required(name)?.as_int().and_then(|number| u64::try_from(number).ok());
        number.ok_or_else(|| SchemaError::new(name, "must be an integer, 0 or more"))
    }

    /// An integer member, 0 or more, that may be absent.
    pub fn optional_number(&mut self, name: &str) -> Result<Option<u64>, SchemaError> {
        if self.members.iter().any(|(key, _)| key == name) {
            return self.number(name).map(Some);
        }
        Ok(None)
    }

    /// An integer member of any sign.
    pub fn integer(&mut self, name: &str) -> Result<i64, SchemaError> {
        self.required(name)?.as_int().ok_or_else(|| SchemaError::new(name, "must be an integer"))
    }

    /// A truth member.
    pub fn truth(&mut self, name: &str) -> Result<bool, SchemaError> {
        match self.required(name)? {
            Value::Bool(truth) => Ok(*truth),
            _ => Err(SchemaError::new(name, "must be true or false")),
        }
    }

    /// A list member.
    pub fn list(&mut self, name: &str) -> Result<&'v [Value<'a>], SchemaError> {
        self.required(name)?.as_list().ok_or_else(|| SchemaError::new(name, "must be a list"))
    }

    /// A digest member: 64 lower-case hex digits.
    pub fn digest(&mut self, name: &str) -> Result<crate::hash::Digest, SchemaError> {
        let text = self.text(name)?;
        crate::hash::Digest::from_hex(text)
            .ok_or_else(|| SchemaError::new(name, "must be 64 lower-case hex digits"))
    }

    /// Ends the reading; an unread member is unknown, and unknown members are refused.
    pub fn close(self) -> Result<(), SchemaError> {
        for (position, (key, _)) in self.members.iter().enumerate() {
            if self.taken >> position & 1 == 0 {
                return Err(SchemaError::new(key, "is not a known field"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_canonical_spelling_is_read() {
        let good = [
            r#"{"a":-1,"b":[true,false,null],"c":{"d":"\"\\ 臺北"}}"#,
            "0",
            r#""""#,
            "[]",
            "{}",
            "9007199254740991",
        ];
        for text in good {
            assert_eq!(Value::read(text.as_bytes()).unwrap().write(), text.as_bytes());
        }
        let bad = [
            "",
            " 1",
            "1 ",
            "01",
            "-0",
            "1.0",
            "1e3",
            "-",
            "9007199254740992",
            r#"{"b":1,"a":1}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,}"#,
            "[1,]",
            r#""\u0041""#,
            r#""\/""#,
            r#""\n""#,
            "\"\u{7f}\"",
            "\"\u{85}\"",
            "\"\u{0}\"",
            "nul",
            "True",
            r#"{"é":1}"#,
            r#"{"a" :1}"#,
            r"{a:1}",
            "\u{feff}1",
            "\"open",
            r#"{"a\"":1}"#,
            "NaN",
            "1 2",
        ];
        for text in bad {
            assert!(Value::read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Value::read(b"\"\xff\"").is_err());
    }

    #[test]
    fn depth_members_items_and_strings_have_limits() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let list = |items: usize| format!("[{}]", vec!["1"; items].join(","));
        let members = |count: usize| {
            let members: Vec<String> = (0..count).map(|member| format!("\"{member:04}\":0")).collect();
            format!("{{{}}}", members.join(","))
        };
        let text = |bytes: usize| format!("\"{}\"", "a".repeat(bytes));
        let reads = |text: String| Value::read(text.as_bytes()).is_ok();

        assert!(reads(nested(16)) && !reads(nested(17)));
        assert!(reads(list(4_096)) && !reads(list(4_097)));
        assert!(reads(members(64)) && !reads(members(65)));
        assert!(reads(text(4_096)) && !reads(text(4_097)));
        let fault = |text: String| Value::read(text.as_bytes()).unwrap_err().at;
        assert_eq!((fault(text(4_097)), fault(text(9_999))), (4_098, 4_098));
        assert_eq!(fault(format!("\"{}\\\"{}\"", "a".repeat(4_000), "a".repeat(4_000))), 4_098);
        assert_eq!(fault(format!("{{\"{}\":1}}", "a".repeat(4_097))), 4_098);
    }

    #[test]
    fn a_run_of_plain_text_ends_at_the_first_byte_that_is_not() {
        let plain = |byte: u8| matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\';
        for length in 0..20 {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b' '; length];
                    bytes[at] = byte;
                    // What comes after must not matter.
                    bytes[at + 1..].fill(byte.wrapping_add(1));
                    let expected = bytes.iter().position(|byte| !plain(*byte)).unwrap_or(length);
                    assert_eq!(plain_run(&bytes), expected, "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn a_quoted_string_ends_at_the_first_quote() {
        for length in 0..20 {
            for noise in [b'a', b'#', b'!', 0xa2] {
                let mut bytes = vec![noise; length];
                assert_eq!(before_quote(&bytes), None);
                bytes.extend_from_slice(b"\"a\"#######");
                assert_eq!(before_quote(&bytes), Some(length));
            }
        }
        let text = format!("\"{}\"", "a".repeat(QUOTED_MAX));
        assert_eq!(Reader::new(&text).quoted().map(str::len), Some(QUOTED_MAX));
        assert_eq!(Reader::new(&text).quoted_of(QUOTED_MAX).map(str::len), Some(QUOTED_MAX));
        for bad in ["", "\"", "\"abc", "abc\"", "x\"\"", &format!("\"a{}", &text[1..])] {
            assert_eq!(Reader::new(bad).quoted(), None, "{bad}");
        }
        for bad in ["", "\"", "\"ab", "\"ab\"", "abcde", "\"abcd\"", "\"aé\""] {
            assert_eq!(Reader::new(bad).quoted_of(3).filter(|text| text.is_ascii()), None, "{bad}");
        }
    }

    #[test]
    fn a_field_nobody_asked_for_is_refused_by_name() {
        let value = Value::read(br#"{"a":1,"b":2}"#).unwrap();
        let mut fields = Fields::open(&value).unwrap();

        assert_eq!(fields.number("a"), Ok(1));

        let error = fields.close().unwrap_err();
        assert_eq!(error.inside("data").to_string(), "/data/b: is not a known field");
    }

    fn any_value() -> impl Strategy<Value = Value<'static>> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (-INTEGER_MAX..=INTEGER_MAX).prop_map(Value::Int),
            "[^\\p{Cc}]{0,20}".prop_map(Value::text),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::List),
                prop::collection::vec(("[a-z_0-9.#]{0,6}", inner), 0..8).prop_map(Value::object),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(value in any_value()) {
            let bytes = value.write();
            prop_assert_eq!(Value::read(&bytes).unwrap(), value);
        }

        #[test]
        fn serde_json_reads_what_we_write_as_the_same_value(value in any_value()) {
            let bytes = value.write();
            let theirs: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            let again = serde_json::to_vec(&theirs).unwrap();
            let ours: serde_json::Value = serde_json::from_slice(&again).unwrap();
            prop_assert_eq!(theirs, ours);
        }

        #[test]
        fn whatever_reads_is_written_back_to_the_same_bytes(value in any_value(), at in 0_usize..200, by: u8) {
            let mut bytes = value.write();
            let position = at % bytes.len();
            bytes[position] = by;
            if let Ok(read) = Value::read(&bytes) {
                prop_assert_eq!(read.write(), bytes);
            }
        }
    }
}
