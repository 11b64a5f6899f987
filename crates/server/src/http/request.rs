//! A request as handlers see it, and what they answer: nothing of the framework but header maps
//! and bytes, so that the framework can be exchanged.
//! Invariant: path and query are percent-decoded exactly once, here; what does not decode is
//! turned away before any handler sees it.
//! Limits: 4 KiB of path and query, 16 parameters.

use std::net::SocketAddr;

use bytes::Bytes;
use lian_core::hash::{hex_encode, sha256};
use lian_store::reader::Head;
use warp::http::HeaderMap;

use super::problem::{Code, Problem};

/// Bytes of path and query together.
pub const TARGET_BYTES_MAX: usize = 4_096;
/// Parameters of a query.
const PARAMETERS_MAX: usize = 16;

/// The language of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Traditional Chinese: the language of the house.
    #[default]
    Chinese,
    /// English.
    English,
}

impl Language {
    /// The tag of `Content-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-TW",
            Self::English => "en",
        }
    }

    /// The one of the two that an `Accept-Language` prefers; Chinese if it names neither.
    pub fn accepted(header: &str) -> Self {
        let mut best = (Self::default(), 0);
        for item in header.split(',').take(16) {
            let (range, weight) = item.split_once(';').unwrap_or((item, "q=1"));
            let language = match range.trim().split('-').next().unwrap_or_default() {
                "zh" | "ZH" => Self::Chinese,
                "en" | "EN" => Self::English,
                _ => continue,
            };
            let weight = thousandths(weight);
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }
}

/// `q=0.85` as 850; what is no weight counts as nothing.
fn thousandths(weight: &str) -> u32 {
    let Some(number) = weight.trim().strip_prefix("q=") else { return 0 };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole, digits.parse::<u32>()) {
        ("1", Ok(0)) => 1_000,
        ("0", Ok(digits)) => digits,
        _ => 0,
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// What names it in logs and answers.
    pub id: String,
    /// Who asks.
    pub peer: SocketAddr,
    /// The language that they prefer.
    pub language: Language,
    /// Values of the path's places, in the order of the template.
    pub places: Vec<String>,
    /// Parameters of the query.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: HeaderMap,
    /// The path as it was sent, decoded.
    pub path: String,
    /// The body; empty unless the route takes one.
    pub body: Bytes,
}

impl Request {
    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that is a number.
    pub fn number(&self, name: &'static str) -> Result<Option<u64>, Problem> {
        let Some(text) = self.parameter(name) else { return Ok(None) };
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| plain);
        number
            .map(Some)
            .ok_or_else(|| Problem::parameter(name, "必須是十進位數字", "must be a decimal number"))
    }

    /// The parameter `limit`: 1 to `most`, `usual` if absent.
    pub fn limit(&self, usual: usize, most: usize) -> Result<usize, Problem> {
        let Some(number) = self.number("limit")? else { return Ok(usual) };
        let number = usize::try_from(number).ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| {
            let (zh, en) = (format!("必須介於 1 與 {most} 之間"), format!("must be 1 to {most}"));
            Problem::parameter("limit", zh, en)
        })
    }

    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The n-th place of the path.
    pub fn place(&self, position: usize) -> &str {
        self.places.get(position).map_or("", String::as_str)
    }
}

/// Reads a query strictly: every name is known and stands once.
pub fn read_query(raw: &str, known: &[&str]) -> Result<Vec<(String, String)>, Problem> {
    let mut found: Vec<(String, String)> = Vec::new();
    for item in raw.split('&').filter(|item| !item.is_empty()) {
        let (name, value) = item.split_once('=').unwrap_or((item, ""));
        let plus = value.replace('+', "%20");
        // A moment is written with "+08:00": in these values a plus sign is a plus sign.
        let value = if name == "as_of" { value } else { &plus };
        let (Some(name), Some(value)) = (percent_decode(name), percent_decode(value)) else {
            return Err(Problem::new(Code::BadRequest, "查詢字串編碼不正確", "the query does not decode"));
        };
        let fits = known.contains(&name.as_str()) && found.len() < PARAMETERS_MAX;
        if !fits || found.iter().any(|(other, _)| *other == name) {
            return Err(Problem::parameter(&name, "未知或重複的參數", "is unknown or stands twice"));
        }
        found.push((name, value));
    }
    Ok(found)
}

/// Decodes `%41`; `None` for a broken escape, for bytes that are not UTF-8, for control characters.
pub fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        bytes.push(match byte {
            b'%' => u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

/// What a handler answers.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Type of the body.
    pub content_type: &'static str,
    /// More headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
    /// Entries that the answer rests on; the present size if not said.
    pub size: Option<u64>,
}

/// Entries, payloads and full tiles never change.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";

impl Reply {
    /// Status 200 with a body of this type.
    pub fn new(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status: 200, content_type, headers: Vec::new(), body: body.into(), size: None }
    }

    /// JSON.
    pub fn json(value: &impl serde::Serialize) -> Self {
        // Numbers, text, lists and members by name: nothing that cannot be written.
        Self::new("application/json", serde_json::to_vec(value).unwrap_or_default())
    }

    /// Another status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// One more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// What never changes under its address gets a tag by its content; whoever has it already is told
    /// so instead of getting it again. A version alone is no such tag: what a stream is on a day changes
    /// without it.
    #[must_use]
    pub fn unless_known(mut self, known: Option<&str>) -> Self {
        let is = |name: &str, value: &str| self.headers.iter().any(|(key, is)| *key == name && is == value);
        if self.status != 200 || !is("Cache-Control", IMMUTABLE) {
            return self;
        }
        let tag = format!("\"{}\"", hex_encode(&sha256(&[&self.body]).0[..16]));
        let has = |item: &str| {
            let item = item.trim();
            item == "*" || item.strip_prefix("W/").unwrap_or(item) == tag
        };
        if known.is_some_and(|known| known.split(',').any(has)) {
            self.status = 304;
            self.body = Bytes::new();
        }
        self.with("ETag", tag)
    }

    /// What it rests on: the first `size` entries.
    #[must_use]
    pub fn at(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }

    /// What it rests on: everything below this head.
    #[must_use]
    pub fn of(self, head: &Head) -> Self {
        self.at(head.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_with_the_greatest_weight_wins_and_the_house_speaks_chinese() {
        assert_eq!(Language::accepted(""), Language::Chinese);
        assert_eq!(Language::accepted("fr, de;q=0.9"), Language::Chinese);
        assert_eq!(Language::accepted("en-GB,zh;q=0.5"), Language::English);
        assert_eq!(Language::accepted("en;q=0.2, zh-TW;q=0.85"), Language::Chinese);
        assert_eq!(Language::accepted("en;q=0"), Language::Chinese);
    }

    #[test]
    fn a_query_is_read_strictly() {
        let known = &["limit", "kind", "as_of"];
        assert_eq!(read_query("limit=3&kind=a%2Eb", known).unwrap()[1].1, "a.b");
        assert_eq!(
            read_query("as_of=2026-11-23T14:05:03+08:00", known).unwrap()[0].1,
            "2026-11-23T14:05:03+08:00"
        );
        for bad in ["limit=1&limit=2", "other=1", "kind=%zz", "kind=%ff", "kind=%00", "kind=%4"] {
            assert!(read_query(bad, known).is_err(), "{bad}");
        }
    }
}
