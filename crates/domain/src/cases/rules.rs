//! The member `cases` of the rules data: which clocks an article of law has, and when to warn.
//! Invariant: every article has at least one clock; one the rules do not name has the default ones,
//! so that no case can be opened without a clock. Limits: 64 articles, 4 clocks each, 1 to 30 years.

use lian_core::json::{Fields, SchemaError, Value};

use super::ids::{Article, Spelled, id, list, names, objects, text};

/// Articles that the rules may name.
pub const ARTICLES_MAX: usize = 64;
/// Warnings before a clock runs out.
pub const WARNINGS_MAX: usize = 8;

names! {
    /// Which paragraph a clock follows.
    ClockCode {
        /// 行政罰法 §27 I–II: from the end of the act, or the later result.
        A = "CL-A",
        /// 行政罰法 §27 III: from the final end of criminal proceedings without a conviction.
        B = "CL-B",
        /// 行政罰法 §27 IV: from the final revocation of the earlier penalty.
        C = "CL-C",
        /// 海關緝私條例 §44: from the event.
        D = "CL-D",
    }
}

names! {
    /// What starts a clock.
    Start {
        /// The end of the act, or the result if it came later.
        ActEnd = "act_end",
        /// The event itself.
        Occurrence = "occurrence",
        /// The day on which a prosecution without conviction became final.
        ProsecutionFinal = "prosecution_final",
        /// The day on which a revocation became final.
        RevocationFinal = "revocation_final",
    }
}

/// One clock of an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockRule {
    /// Which paragraph.
    pub code: ClockCode,
    /// What starts it.
    pub from: Start,
    /// CL-S: does 行政罰法 §28 stop it?
    pub stops: bool,
    /// Length.
    pub years: u32,
}

/// Numbers and lists that a law or the house may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Articles with their clocks, ascending.
    pub articles: Vec<(Article, Vec<ClockRule>)>,
    /// Months within which the prosecutor's office is asked again.
    pub ask_months: u32,
    /// Clocks of an article that is not listed.
    pub default: Vec<ClockRule>,
    /// Days in which a criminal suspicion is referred.
    pub refer_days: u32,
    /// Days in which a seized exhibit enters the store.
    pub store_days: u32,
    /// Months before the last day at which to warn, descending.
    pub warn_months: Vec<u32>,
}

const COUNTS: [(&str, u64, u64); 3] = [("ask_months", 1, 60), ("refer_days", 0, 365), ("store_days", 0, 365)];

impl Terms {
    /// Version 1. Which clock governs an article is for counsel to confirm; until then every article
    /// has all of them, and the earliest warns.
    pub fn standard() -> Self {
        let clock = |code, from, years| ClockRule { code, from, stops: true, years };
        let penal = [
            clock(ClockCode::A, Start::ActEnd, 3),
            clock(ClockCode::B, Start::ProsecutionFinal, 3),
            clock(ClockCode::C, Start::RevocationFinal, 3),
        ];
        let all: Vec<_> = penal.into_iter().chain([clock(ClockCode::D, Start::Occurrence, 5)]).collect();
        let article =
            |name: &str, clocks: &[ClockRule]| Article::parse(name).map(|name| (name, clocks.to_vec()));
        Self {
            // 海關緝私條例 §36 to §39: both laws speak; 菸酒管理法 §45: 行政罰法 alone.
            articles: [
                article("asa.36", &all),
                article("asa.37", &all),
                article("asa.38", &all),
                article("asa.39", &all),
                article("taa.45", &penal),
            ]
            .into_iter()
            .flatten()
            .collect(),
            ask_months: 3,
            default: all,
            refer_days: 1,
            store_days: 7,
            warn_months: vec![12, 6, 3, 1],
        }
    }

    /// Reads the member strictly.
    pub fn parse(value: &Value<'_>) -> Result<Self, SchemaError> {
        let mut fields = Fields::open(value)?;
        let mut counts = [0; COUNTS.len()];
        for (count, (name, least, most)) in counts.iter_mut().zip(COUNTS) {
            *count = count_within(fields.number(name)?, least, most)
                .ok_or_else(|| SchemaError::new(name, format!("must be {least} to {most}")))?;
        }
        let [ask_months, refer_days, store_days] = counts;
        let articles = objects(&mut fields, "articles", 0..=ARTICLES_MAX, |fields| {
            Ok((id::<Article>(fields, "article")?, clock_rules(fields, "clocks")?))
        })?;
        if !articles.is_sorted_by(|left, right| left.0 < right.0) {
            return Err(SchemaError::new("articles", "must ascend, each once"));
        }
        let terms = Self {
            articles,
            ask_months,
            default: clock_rules(&mut fields, "default")?,
            refer_days,
            store_days,
            warn_months: warn_months(&mut fields)?,
        };
        fields.close()?;
        Ok(terms)
    }

    /// The inverse of [`Terms::parse`].
    pub fn to_value(&self) -> Value<'static> {
        let count = |count: u32| Value::number(u64::from(count));
        let article = |(article, clocks): &(Article, Vec<ClockRule>)| {
            Value::object([("article", text(article)), ("clocks", list(clocks, |rule| clock_value(*rule)))])
        };
        Value::object([
            ("articles", list(&self.articles, article)),
            ("ask_months", count(self.ask_months)),
            ("default", list(&self.default, |rule| clock_value(*rule))),
            ("refer_days", count(self.refer_days)),
            ("store_days", count(self.store_days)),
            ("warn_months", list(&self.warn_months, |months| count(*months))),
        ])
    }

    /// The clocks of an article.
    pub fn clocks_of(&self, article: &Article) -> &[ClockRule] {
        let position = self.articles.binary_search_by(|(known, _)| known.cmp(article));
        position.map_or(&self.default, |position| &self.articles[position].1)
    }
}

fn count_within(number: u64, least: u64, most: u64) -> Option<u32> {
    u32::try_from(number).ok().filter(|_| (least..=most).contains(&number))
}

fn clock_rules(fields: &mut Fields<'_, '_>, name: &str) -> Result<Vec<ClockRule>, SchemaError> {
    let clocks = objects(fields, name, 1..=ClockCode::ALL.len(), |fields| {
        let years = count_within(fields.number("years")?, 1, 30);
        Ok(ClockRule {
            code: id(fields, "code")?,
            from: id(fields, "from")?,
            stops: fields.truth("stops")?,
            years: years.ok_or_else(|| SchemaError::new("years", "must be 1 to 30"))?,
        })
    })?;
    let ascending = clocks.is_sorted_by(|left, right| left.code < right.code);
    if ascending { Ok(clocks) } else { Err(SchemaError::new(name, "must ascend by code, each once")) }
}

fn clock_value(rule: ClockRule) -> Value<'static> {
    Value::object([
        ("code", text(&rule.code)),
        ("from", text(&rule.from)),
        ("stops", Value::Bool(rule.stops)),
        ("years", Value::number(u64::from(rule.years))),
    ])
}

fn warn_months(fields: &mut Fields<'_, '_>) -> Result<Vec<u32>, SchemaError> {
    let fault = || SchemaError::new("warn_months", "must list 1 to 8 numbers of 1 to 60, descending");
    let items = fields.list("warn_months")?;
    let read = |item: &Value<'_>| {
        let number = item.as_int().and_then(|number| u64::try_from(number).ok())?;
        count_within(number, 1, 60)
    };
    let months: Vec<u32> = items.iter().map(read).collect::<Option<_>>().ok_or_else(fault)?;
    let fits = (1..=WARNINGS_MAX).contains(&months.len()) && months.is_sorted_by(|left, right| left > right);
    if fits { Ok(months) } else { Err(fault()) }
}
