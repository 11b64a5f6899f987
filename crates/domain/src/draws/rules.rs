//! The schemes of draws: rules data, member `draws` (SPEC.md "Draws").
//! Invariant: a scheme names its committers, of two organisations at least, so that one of them is
//! outside the house; its population is computed from states, never listed by hand; no stream takes
//! part in the draws of two periods, because one of its dates says to which it belongs.

use lian_core::{
    json::{Fields, SchemaError, Value},
    statement::is_actor,
};

use super::{
    COMMITTERS_MAX, OPENERS, organisation,
    period::{Calendar, Period, start_of_day_ms},
};
use crate::dates::Day;

/// Schemes of one ledger.
pub const SCHEMES_MAX: usize = 32;
/// Members of a state that one scheme may compare.
pub const CLAUSES_MAX: usize = 8;
/// Members that a draw may ask for, before any doubling.
pub const COUNT_MAX: u32 = 128;
/// Bytes of a prefix, a member's path or a text compared.
const TEXT_MAX: usize = 64;
/// How the streams of actors begin.
const ACTORS: &str = "actor/";
/// Names in the path of a member.
const PATH_MAX: usize = 4;

/// A member of the state, and the text that it must be.
pub type Clause = (Box<str>, Box<str>);

/// When the population of a period is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// As the period begins: a roster.
    Start,
    /// When it is over: a review.
    End,
}

/// One scheme of draws.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// Name, such as `ethics_sample`.
    pub name: Box<str>,
    /// The streams looked at begin so.
    pub prefix: Box<str>,
    /// And end so; empty for any end.
    pub suffix: Box<str>,
    /// Members of the state that must be these texts, ascending by member.
    pub is: Vec<Clause>,
    /// Member of the state that must be a day of the period; `None` if what stands between prefix and
    /// suffix in the stream's id is that day.
    pub within: Option<Box<str>>,
    /// Member of the state that lists actors, whose streams are the members; `None` if the stream
    /// looked at is itself the member.
    pub each: Option<Box<str>>,
    /// How often a draw is due.
    pub calendar: Calendar,
    /// When the population is taken.
    pub at: At,
    /// Days after that moment within which the draw should be opened.
    pub open_days: u32,
    /// Capacity of who opens and closes.
    pub opener: &'static str,
    /// Actors that may commit, ascending.
    pub committers: Vec<Box<str>>,
    /// Organisations of which at least one committer must have committed.
    pub organisations: usize,
    /// Seconds after opening in which all may commit.
    pub commit_seconds: u32,
    /// Seconds after the seal epoch is cosigned in which all must reveal.
    pub reveal_seconds: u32,
    /// Least members to draw, if there are so many.
    pub count_min: u32,
    /// Most members to draw, before any doubling.
    pub count_max: u32,
    /// Share of the population to draw, in ten-thousandths, rounded up.
    pub per_10000: u32,
}

/// Rules data of the family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Schemes, ascending by name.
    pub schemes: Vec<Scheme>,
}

impl Terms {
    /// The three standard schemes.
    pub fn standard() -> Self {
        Self { schemes: vec![ethics_sample(), roster(), xray_review()] }
    }

    /// The scheme of this name.
    pub fn scheme(&self, name: &str) -> Option<&Scheme> {
        self.schemes.iter().find(|scheme| *scheme.name == *name)
    }

    /// Reads rules data strictly.
    pub fn parse(value: &Value<'_>) -> Result<Self, SchemaError> {
        let fault = || SchemaError::new("", "must list at most 32 schemes, ascending by name");
        let items = value.as_list().ok_or_else(fault)?;
        let read = |(at, item)| Scheme::parse(item).map_err(|error| error.inside(&format!("{at}")));
        let schemes: Vec<Scheme> = items.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        let ascending = schemes.is_sorted_by(|left, right| left.name < right.name);
        if schemes.len() <= SCHEMES_MAX && ascending { Ok(Self { schemes }) } else { Err(fault()) }
    }

    /// The inverse of [`Terms::parse`].
    pub fn to_value(&self) -> Value<'static> {
        Value::List(self.schemes.iter().map(Scheme::to_value).collect())
    }
}

/// The numbers of a scheme: name, least, most.
const COUNTS: [(&str, u64, u64); 7] = [
    ("commit_seconds", 0, 2_592_000),
    ("count_max", 1, COUNT_MAX as u64),
    ("count_min", 0, COUNT_MAX as u64),
    ("open_days", 0, 366),
    ("organisations", 2, COMMITTERS_MAX as u64),
    ("per_10000", 0, 10_000),
    ("reveal_seconds", 60, 2_592_000),
];

impl Scheme {
    fn parse(value: &Value<'_>) -> Result<Self, SchemaError> {
        let mut fields = Fields::open(value)?;
        let mut counts = [0; COUNTS.len()];
        for (count, (name, least, most)) in counts.iter_mut().zip(COUNTS) {
            let fault = || SchemaError::new(name, format!("must be an integer, {least} to {most}"));
            let number = fields.number(name)?;
            *count = u32::try_from(number).map_err(|_| fault())?;
            if !(least..=most).contains(&number) {
                return Err(fault());
            }
        }
        let [commit_seconds, count_max, count_min, open_days, organisations, per_10000, reveal_seconds] =
            counts;
        let scheme = Self {
            name: text(&mut fields, "name", is_scheme_name, "must be 1 to 32 of a-z _")?,
            prefix: text(&mut fields, "prefix", is_prefix, "must be the start of a stream, with a /")?,
            suffix: text(&mut fields, "suffix", is_suffix, "must be the end of a stream, or empty")?,
            is: clauses(fields.required("is")?)?,
            within: path(&mut fields, "within")?,
            each: path(&mut fields, "each")?,
            calendar: read(&mut fields, "calendar", Calendar::parse, "must be day, month or quarter")?,
            at: match fields.text("at")? {
                "start" => At::Start,
                "end" => At::End,
                _ => return Err(SchemaError::new("at", "must be start or end")),
            },
            open_days,
            opener: read(&mut fields, "opener", opener, "must be ethics, officer or supervisor")?,
            committers: actors(fields.list("committers")?)?,
            organisations: organisations as usize,
            commit_seconds,
            reveal_seconds,
            count_min,
            count_max,
            per_10000,
        };
        fields.close()?;
        scheme.checked()
    }

    fn checked(self) -> Result<Self, SchemaError> {
        if self.count_min > self.count_max {
            return Err(SchemaError::new("count_min", "must not exceed count_max"));
        }
        let all = self.committers.iter().map(|actor| organisation(actor));
        if organisations_of(all) < self.organisations {
            return Err(SchemaError::new("committers", "must be of as many organisations as must commit"));
        }
        Ok(self)
    }

    /// The inverse of reading.
    pub fn to_value(&self) -> Value<'static> {
        let count = |count: u32| Value::number(u64::from(count));
        let is = self
            .is
            .iter()
            .map(|(member, text)| (String::from(&**member), Value::text(String::from(&**text))));
        let actors = self.committers.iter().map(|actor| Value::text(String::from(&**actor)));
        let path = |path: Option<&str>| path.map_or(Value::Null, |path| Value::text(path.to_owned()));
        Value::object([
            ("at", Value::text(if self.at == At::Start { "start" } else { "end" })),
            ("calendar", Value::text(self.calendar.name())),
            ("commit_seconds", count(self.commit_seconds)),
            ("committers", Value::List(actors.collect())),
            ("count_max", count(self.count_max)),
            ("count_min", count(self.count_min)),
            ("each", path(self.each.as_deref())),
            ("is", Value::object(is)),
            ("name", Value::text(String::from(&*self.name))),
            ("open_days", count(self.open_days)),
            ("opener", Value::text(self.opener)),
            ("organisations", Value::number(self.organisations as u64)),
            ("per_10000", count(self.per_10000)),
            ("prefix", Value::text(String::from(&*self.prefix))),
            ("reveal_seconds", count(self.reveal_seconds)),
            ("suffix", Value::text(String::from(&*self.suffix))),
            ("within", path(self.within.as_deref())),
        ])
    }

    /// The stream of the draw for a period.
    pub fn stream(&self, period: Period) -> String {
        format!("draw/{}/{period}", self.name)
    }

    /// Does a stream with this state (canonical JSON, as of the population's epoch) take part in the
    /// draw of that period?
    fn selects(&self, period: Period, stream: &str, state: &Value<'_>) -> bool {
        let rest = stream.strip_prefix(&*self.prefix).and_then(|rest| rest.strip_suffix(&*self.suffix));
        let text = |path: &str| member(state, path).and_then(Value::as_text);
        let day = rest.and_then(|rest| self.within.as_deref().map_or(Some(rest), text));
        day.and_then(Day::parse).is_some_and(|day| period.contains(day))
            && self.is.iter().all(|(path, wanted)| text(path) == Some(wanted))
    }

    /// The members that a stream with this state brings to the population of that period. The
    /// population is all of them, ascending by their bytes, each once.
    pub fn members(&self, period: Period, stream: &str, state: &Value<'_>) -> Vec<String> {
        if !self.selects(period, stream, state) {
            return Vec::new();
        }
        let Some(each) = &self.each else { return vec![stream.to_owned()] };
        let actors = member(state, each).and_then(Value::as_list).unwrap_or_default();
        actors.iter().filter_map(Value::as_text).map(|actor| format!("{ACTORS}{actor}")).collect()
    }

    /// How the streams of all members begin.
    pub fn members_prefix(&self) -> &str {
        if self.each.is_some() { ACTORS } else { &self.prefix }
    }

    /// How many of so many members are drawn, before any doubling.
    pub fn count_of(&self, members: u64) -> u32 {
        let share = u128::from(members) * u128::from(self.per_10000);
        let share = u32::try_from(share.div_ceil(10_000)).unwrap_or(u32::MAX);
        let wanted = share.clamp(self.count_min, self.count_max);
        u32::try_from(members).map_or(wanted, |members| wanted.min(members))
    }

    /// The population is taken by the first epoch closed at or after this moment, Unix milliseconds.
    pub fn taken_at(&self, period: Period) -> u64 {
        match self.at {
            At::Start => start_of_day_ms(period.first()),
            At::End => start_of_day_ms(period.next().first()),
        }
    }

    /// The last day on which opening the draw is not late.
    pub fn open_by(&self, period: Period) -> Day {
        let day = match self.at {
            At::Start => period.first(),
            At::End => period.next().first(),
        };
        day.plus_days(self.open_days)
    }

    /// The periods whose draws should have been opened before `today`, from the one that `since`
    /// lies in. The caller drops those that were.
    pub fn due(&self, since: Day, today: Day) -> impl Iterator<Item = Period> {
        let first = self.calendar.period_of(since);
        std::iter::successors(Some(first), |period| Some(period.next()))
            .take_while(move |period| self.open_by(*period) < today)
    }
}

/// How many different organisations there are among these.
pub(super) fn organisations_of<'a>(all: impl Iterator<Item = &'a str>) -> usize {
    let mut all: Vec<&str> = all.collect();
    all.sort_unstable();
    all.dedup();
    all.len()
}

fn member<'v, 'a>(state: &'v Value<'a>, path: &str) -> Option<&'v Value<'a>> {
    path.split('/').try_fold(state, |value, name| value.get(name))
}

/// A path, or null.
fn path(fields: &mut Fields<'_, '_>, name: &str) -> Result<Option<Box<str>>, SchemaError> {
    if *fields.required(name)? == Value::Null {
        return Ok(None);
    }
    text(fields, name, is_path, "must be null, or names of members with / between").map(Some)
}

fn text(
    fields: &mut Fields<'_, '_>,
    name: &str,
    admits: fn(&str) -> bool,
    what: &'static str,
) -> Result<Box<str>, SchemaError> {
    read(fields, name, |text| admits(text).then(|| text.into()), what)
}

fn read<T>(
    fields: &mut Fields<'_, '_>,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
    what: &'static str,
) -> Result<T, SchemaError> {
    parse(fields.text(name)?).ok_or_else(|| SchemaError::new(name, what))
}

/// `[a-z_]{1,32}`.
pub(super) fn is_scheme_name(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn is_prefix(text: &str) -> bool {
    let is_word = |text: &str| is_scheme_name(text);
    text.len() <= TEXT_MAX
        && text.split_once('/').is_some_and(|(family, rest)| {
            is_word(family)
                && (rest.is_empty() || rest.split('/').all(|part| part.is_empty() || is_actor(part)))
        })
}

fn is_suffix(text: &str) -> bool {
    let parts = text.strip_prefix('/').map(|rest| rest.split('/').all(is_actor));
    text.len() <= TEXT_MAX && (text.is_empty() || parts == Some(true))
}

fn is_path(text: &str) -> bool {
    text.split('/').count() <= PATH_MAX && text.split('/').all(is_scheme_name)
}

/// The capacity of this name, if draws may be opened in it.
pub(super) fn opener(text: &str) -> Option<&'static str> {
    OPENERS.iter().flat_map(|openers| openers.iter()).find(|opener| **opener == text).copied()
}

fn clauses(value: &Value<'_>) -> Result<Vec<Clause>, SchemaError> {
    let fault = || SchemaError::new("is", "must hold at most 8 members with the text that each must be");
    let Value::Object(members) = value else { return Err(fault()) };
    let clause = |(path, text): &(std::borrow::Cow<'_, str>, Value<'_>)| {
        let text = text.as_text().filter(|text| text.len() <= TEXT_MAX)?;
        is_path(path).then(|| (Box::from(&**path), Box::from(text)))
    };
    let clauses: Vec<_> = members.iter().map(clause).collect::<Option<_>>().ok_or_else(fault)?;
    if clauses.len() <= CLAUSES_MAX { Ok(clauses) } else { Err(fault()) }
}

/// 1 to 8 actors, ascending.
pub(super) fn actors(items: &[Value<'_>]) -> Result<Vec<Box<str>>, SchemaError> {
    let fault = || SchemaError::new("committers", "must list 1 to 8 actors, ascending");
    let actor = |item: &Value<'_>| item.as_text().filter(|text| is_actor(text)).map(Box::from);
    let actors: Vec<Box<str>> = items.iter().map(actor).collect::<Option<_>>().ok_or_else(fault)?;
    let ascending = actors.is_sorted_by(|left, right| left < right);
    if (1..=COMMITTERS_MAX).contains(&actors.len()) && ascending { Ok(actors) } else { Err(fault()) }
}

/// 每季抽查: registrations closed in the quarter, drawn by the ethics office.
fn ethics_sample() -> Scheme {
    Scheme {
        name: "ethics_sample".into(),
        prefix: "ethics/".into(),
        suffix: "".into(),
        is: vec![("status".into(), "closed".into())],
        within: Some("closed_on".into()),
        each: None,
        calendar: Calendar::Quarter,
        at: At::End,
        open_days: 14,
        opener: "ethics",
        committers: standard_committers(),
        organisations: 2,
        commit_seconds: 86_400,
        reveal_seconds: 259_200,
        count_min: 1,
        count_max: 32,
        per_10000: 100,
    }
}

/// 執檢班表當日指派: the officers on duty that day; the order drawn is the order of the lines.
fn roster() -> Scheme {
    Scheme {
        name: "roster".into(),
        prefix: "roster/".into(),
        suffix: "/duty".into(),
        is: vec![("of".into(), "roster".into())],
        within: None,
        each: Some("officers".into()),
        calendar: Calendar::Day,
        at: At::Start,
        open_days: 0,
        opener: "supervisor",
        committers: standard_committers(),
        organisations: 2,
        commit_seconds: 600,
        reveal_seconds: 1_800,
        count_min: 64,
        count_max: 64,
        per_10000: 10_000,
    }
}

/// 跨股交互檢核: cargo whose X-ray image was read in the quarter, to be read by another section.
fn xray_review() -> Scheme {
    Scheme {
        name: "xray_review".into(),
        prefix: "cargo/".into(),
        suffix: "".into(),
        is: vec![("of".into(), "cargo".into())],
        within: Some("image/reading/on".into()),
        each: None,
        calendar: Calendar::Quarter,
        at: At::End,
        open_days: 14,
        opener: "supervisor",
        committers: standard_committers(),
        organisations: 2,
        commit_seconds: 86_400,
        reveal_seconds: 259_200,
        count_min: 30,
        count_max: 64,
        per_10000: 1,
    }
}

/// The anti-corruption agency, one guarantor, and the house itself.
fn standard_committers() -> Vec<Box<str>> {
    ["agency:aac", "bank:004", "system:draws"].map(Box::from).to_vec()
}
