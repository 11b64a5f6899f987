//! Problems (RFC 9457): every answer that is not a success, in two languages, with a stable code.
//! Invariant: codes are a closed list: those of HTTP below, the names of rejections, the names of
//! refusals; each has a page at `/problems/{code}`.

use std::borrow::Cow;

use lian_core::statement::Envelope;
use lian_domain::{
    refusal::Refusal,
    rejection::{NAMES, Rejection},
};
use serde_json::{Map, Value, json};

use super::{request::Language, shape, words};
use crate::service::Hindrance;

/// Makes the table of codes from rows `Variant = status, name, Chinese title, English title, hints`.
macro_rules! codes {
    ($($variant:ident = $status:literal, $name:literal, $zh:literal, $en:literal, $hint_zh:literal, $hint_en:literal;)*) => {
        /// Why a request was not served, rules and rejections apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $en] $variant,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// Stable name for programs.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What is wrong, in general.
            pub const fn title(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$variant, Language::Chinese) => $zh, (Self::$variant, Language::English) => $en,)*
                }
            }

            /// How to mend it.
            pub const fn hint(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$variant, Language::Chinese) => $hint_zh, (Self::$variant, Language::English) => $hint_en,)*
                }
            }
        }
    };
}

codes! {
    BadRequest = 400, "bad-request", "請求有誤", "the request is not well-formed",
        "請依 /openapi.yaml 更正後重送", "mend it as /openapi.yaml says and send it again";
    IdempotencyKeyDiffers = 400, "idempotency-key-differs", "冪等鍵與陳述編號不符", "the Idempotency-Key is not the id of the statement",
        "請省略 Idempotency-Key，或填陳述內之 id", "leave the header out, or send the id that the payload holds";
    NotForYou = 403, "not-for-you", "無權閱覽或查無資料", "not for this reader, or not there",
        "葉節點與雜湊人人可讀；內容僅供當事人", "leaves and hashes are for everybody; the content is for its parties";
    NotFound = 404, "not-found", "查無資料", "there is nothing here",
        "請核對網址；路徑清單見 /openapi.yaml", "check the address; /openapi.yaml lists them all";
    MethodNotAllowed = 405, "method-not-allowed", "不支援此方法", "this method is not served here",
        "可用方法見 Allow 標頭", "the Allow header says which methods are";
    TimedOut = 408, "timed-out", "等候請求內容逾時", "the body did not arrive in time",
        "請重新傳送", "send it again";
    PreconditionFailed = 412, "precondition-failed", "If-Match 與陳述所載版本不符", "If-Match is not the version that the statement expects",
        "請讓 If-Match 等於陳述首一事件之 expect", "If-Match must equal `expect` of the statement's first event";
    TooLarge = 413, "too-large", "請求內容過大", "the body is too large",
        "信封上限 131,072 位元組；請分為數筆陳述", "an envelope has at most 131,072 bytes; send several statements";
    TargetTooLong = 414, "target-too-long", "網址過長", "path and query are too long",
        "路徑與查詢合計上限 4,096 位元組", "path and query have at most 4,096 bytes together";
    UnsupportedMediaType = 415, "unsupported-media-type", "不支援此內容類型或編碼", "this media type or content encoding is not taken",
        "請以 application/vnd.dsse.envelope.v1+json 送出，勿壓縮", "send application/vnd.dsse.envelope.v1+json, not compressed";
    RateLimited = 429, "rate-limited", "請求過於頻繁", "too many requests",
        "請於 Retry-After 所示秒數後再送", "send again after the seconds that Retry-After says";
    Internal = 500, "internal", "系統內部錯誤", "something failed inside",
        "請附請求編號通知維運人員", "tell the operators the request id";
    Busy = 503, "busy", "系統忙碌", "too much is waiting",
        "請於 Retry-After 所示秒數後再送；重送同一信封不會重複登載", "send again after Retry-After; the same envelope is never logged twice";
    ReadOnly = 503, "read-only", "目前僅供查詢", "the ledger takes no statements now",
        "請稍後再送；查詢不受影響", "send again later; reads go on";
    NoSpace = 503, "no-space", "磁碟空間不足", "the disk of the ledger is full",
        "請於 Retry-After 所示秒數後再送；已回覆者俱在，查詢不受影響", "send again after Retry-After; what was answered is kept, and reads go on";
    Unsettled = 503, "unsettled", "尚不知是否登載", "it is not known yet whether it will be recorded",
        "請於 Retry-After 所示秒數後重送同一信封；重送不會重複登載", "send the same envelope again after Retry-After; it is never logged twice";
    NotReady = 503, "not-ready", "系統尚未就緒", "the ledger is not ready",
        "請稍候", "wait a little";
}

/// What a code is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One of HTTP.
    Http(Code),
    /// The statement was turned away: status and number of the rejection.
    Rejected(u16, u16),
    /// A business rule turned the statement down, on the record.
    Refused(Refusal),
}

/// The status with which a rejection of this number is answered.
pub const fn status_of_rejection(number: u16) -> u16 {
    match number {
        7 | 14 => 401,
        8..=12 | 15 | 27 | 29 => 403,
        21..=23 | 28 => 409,
        18 | 19 => 412,
        24 => 429,
        25 | 30 => 503,
        _ => 400,
    }
}

impl Kind {
    /// The code of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// Every code there is.
    pub fn all() -> impl Iterator<Item = Self> {
        let rejected =
            (1..).take(NAMES.len()).map(|number| Self::Rejected(status_of_rejection(number), number));
        let refused = Refusal::ALL.iter().map(|refusal| Self::Refused(*refusal));
        Code::ALL.iter().map(|code| Self::Http(*code)).chain(refused).chain(rejected)
    }

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http(code) => code.name(),
            Self::Rejected(_, number) => match number {
                // A refusal has the short name.
                5 => "statement-expired",
                // One code for programs: what they do about both is to read again.
                18 | 19 => "version-conflict",
                number => NAMES.get(usize::from(number) - 1).copied().unwrap_or("malformed-statement"),
            },
            Self::Refused(refusal) => refusal.name(),
        }
    }

    /// Its status.
    pub const fn status(self) -> u16 {
        match self {
            Self::Http(code) => code.status(),
            Self::Rejected(status, _) => status,
            Self::Refused(_) => 422,
        }
    }

    /// What is wrong, in general.
    pub fn title(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Http(code), language) => code.title(language),
            (Self::Rejected(_, number), language) => words::rejection_title(number, language),
            (Self::Refused(refusal), Language::Chinese) => {
                refusal.zh().split('；').next().unwrap_or_default()
            }
            (Self::Refused(refusal), Language::English) => refusal.en().split(';').next().unwrap_or_default(),
        }
    }

    /// How to mend it.
    pub fn hint(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Http(code), language) => code.hint(language),
            (Self::Rejected(_, number), language) => words::rejection_hint(number, language),
            (Self::Refused(refusal), Language::Chinese) => {
                refusal.zh().split('；').nth(1).unwrap_or(refusal.zh())
            }
            (Self::Refused(refusal), Language::English) => {
                refusal.en().split("; ").nth(1).unwrap_or(refusal.en())
            }
        }
    }
}

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    zh: Cow<'static, str>,
    en: Cow<'static, str>,
}

impl Said {
    /// In one language.
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Chinese => &self.zh,
            Language::English => &self.en,
        }
    }
}

/// One place of the request that is wrong.
#[derive(Debug, Clone)]
struct Fault {
    pointer: String,
    code: &'static str,
    said: Said,
}

/// A request that is not served, and why.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The code.
    pub kind: Kind,
    /// Apart, so that a result that may be a problem stays small.
    more: Box<More>,
}

#[derive(Debug, Clone)]
struct More {
    said: Said,
    faults: Vec<Fault>,
    members: Map<String, Value>,
    headers: Vec<(&'static str, String)>,
    closes: bool,
}

impl Problem {
    /// A problem of this code, in particular.
    pub fn new(code: Code, zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::Http(code), zh, en)
    }

    fn of(kind: Kind, zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        let said = Said { zh: zh.into(), en: en.into() };
        let (faults, members, headers) = (Vec::new(), Map::new(), Vec::new());
        Self { kind, more: Box::new(More { said, faults, members, headers, closes: false }) }
    }

    /// A problem of which there is nothing more to say than its code.
    pub fn plain(code: Code) -> Self {
        Self::new(code, code.title(Language::Chinese), code.title(Language::English))
    }

    /// A parameter of the query that is wrong.
    pub fn parameter(name: &str, zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        let said = Said { zh: zh.into(), en: en.into() };
        let mut problem = Self::new(
            Code::BadRequest,
            format!("參數 {name}：{}", said.zh),
            format!("the parameter {name} {}", said.en),
        );
        problem.more.faults.push(Fault { pointer: format!("?{name}"), code: "parameter", said });
        problem
    }

    /// Something failed inside: `what` is for the log, not for the answer.
    pub fn internal(what: &dyn std::fmt::Display) -> Self {
        tracing::error!(what = %what, "a request failed inside");
        Self::plain(Code::Internal)
    }

    /// Too much is waiting, or too much was asked: come again after so many seconds.
    pub fn again(code: Code, seconds: u64) -> Self {
        Self::plain(code).with_header("Retry-After", seconds.max(1).to_string())
    }

    /// No statements are recorded although the writer runs.
    pub fn hindered(hindrance: Hindrance) -> Self {
        match hindrance {
            Hindrance::NoSpace => Self::again(Code::NoSpace, 10),
            Hindrance::Writer => Self::again(Code::ReadOnly, 10),
            Hindrance::ClockStepped(step) => Self::rejected(&Rejection::ClockStopped(step), None, None),
        }
    }

    /// A statement was taken and waits for longer than its sender should: it may yet be recorded.
    pub fn unsettled(hindrance: Hindrance) -> Self {
        let (zh, en) = match hindrance {
            Hindrance::NoSpace => ("磁碟空間不足", "the disk of the ledger is full"),
            _ => ("簽章服務未回應", "the signer does not answer"),
        };
        Self::new(
            Code::Unsettled,
            format!("{zh}；本陳述已收下，尚不知是否登載，請以同一信封再問"),
            format!(
                "{en}; this statement was taken, and it is not known whether it will be recorded: ask \
                 again with the same envelope"
            ),
        )
        .with_header("Retry-After", "10")
    }

    /// The statement was turned away; `pointer` is the place of its payload that is wrong. Signed
    /// unless it was only tried out.
    pub fn rejected(rejection: &Rejection, signed: Option<&Envelope>, pointer: Option<String>) -> Self {
        let number = rejection.code();
        let kind = Kind::Rejected(status_of_rejection(number), number);
        let said = Said { zh: words::rejection_zh(rejection).into(), en: rejection.to_string().into() };
        let mut problem = Self::of(kind, said.zh.clone(), said.en.clone());
        if let Some(pointer) = pointer {
            problem.more.faults.push(Fault { pointer, code: rejection.name(), said });
        }
        if let Rejection::StaleVersion { actual, .. } | Rejection::StaleRequires { actual, .. } = rejection {
            problem.more.members.insert("current_version".to_owned(), json!(actual));
        }
        if let Some(signed) = signed {
            problem.more.members.insert("rejection".to_owned(), shape::rejection(signed));
        }
        match problem.kind.status() {
            429 => problem.with_header("Retry-After", "3600"),
            503 => problem.with_header("Retry-After", "60"),
            _ => problem,
        }
    }

    /// A business rule turned the statement down at event `event`: it is on the record.
    pub fn refused(refusal: Refusal, event: u16) -> Self {
        let mut problem = Self::of(Kind::Refused(refusal), refusal.zh(), refusal.en());
        let said = problem.more.said.clone();
        problem.more.faults.push(Fault { pointer: format!("/events/{event}"), code: refusal.name(), said });
        problem
    }

    /// One more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.more.members.insert(name.to_owned(), value);
        self
    }

    /// One more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.more.headers.push((name, value.into()));
        self
    }

    /// The connection is closed after it.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.more.closes = true;
        self
    }

    /// More headers.
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.more.headers
    }

    /// True if the connection cannot go on after it.
    pub fn closes(&self) -> bool {
        self.more.closes
    }

    /// Its status.
    pub fn status(&self) -> u16 {
        self.kind.status()
    }

    /// What is wrong, in particular.
    pub fn detail(&self, language: Language) -> &str {
        self.more.said.in_language(language)
    }

    /// The body, for a request of this path and id. `base` goes before `/problems/…`.
    pub fn body(&self, base: &str, instance: &str, request_id: &str, language: Language) -> Value {
        let mut body = self.more.members.clone();
        let name = self.kind.name();
        body.insert("type".to_owned(), json!(format!("{base}/problems/{name}")));
        body.insert("title".to_owned(), json!(self.kind.title(language)));
        body.insert("status".to_owned(), json!(self.status()));
        body.insert("detail".to_owned(), json!(self.detail(language)));
        body.insert("instance".to_owned(), json!(instance));
        body.insert("code".to_owned(), json!(name));
        body.insert("request_id".to_owned(), json!(request_id));
        body.insert("hint".to_owned(), json!(self.kind.hint(language)));
        if !self.more.faults.is_empty() {
            let fault = |fault: &Fault| json!({"pointer": fault.pointer, "code": fault.code, "message": fault.said.in_language(language)});
            body.insert("errors".to_owned(), self.more.faults.iter().map(fault).collect());
        }
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_that_is_found_by_its_name_in_both_languages() {
        for kind in Kind::all() {
            let found = Kind::named(kind.name()).unwrap_or_else(|| panic!("{}", kind.name()));
            assert!(found == kind || kind.name() == "version-conflict", "{}", kind.name());
            assert!((400..600).contains(&found.status()), "{}", kind.name());
            for language in [Language::Chinese, Language::English] {
                assert!(
                    !kind.title(language).is_empty() && !kind.hint(language).is_empty(),
                    "{}",
                    kind.name()
                );
            }
            assert!(kind.title(Language::English).is_ascii() && !kind.title(Language::Chinese).is_ascii());
        }
    }
}
