//! `lian record`: one way in for every kind of every family.
//! Invariant: the kinds, who signs them and what their data must be are those of the domain; nothing
//! is signed that its parser does not read. No field of any kind is known here.

use std::path::{Path, PathBuf};

use clap::Args;
use lian_core::{
    json::{MEMBERS_MAX, SchemaError, Value},
    statement::ENVELOPE_BYTES_MAX,
};
use lian_domain::{dates::Day, families, filing, guarantee, plain};
use serde_json::json;

use super::sign::canonical;
use crate::{
    act::{Planned, SignArgs, act},
    failure::{Failure, Result},
    folder::read_file,
    say::kind_word,
    session::Session,
};

const EXAMPLES: &str = "\
Examples:
  lian record --kinds cargo.                             the kinds, who signs them, what may be sealed
  lian record cargo.held cargo/297-83993523/598FJ923 --set basis=order --set from=hand \\
       --set officer=officer:7f3k --set pieces=1 --set review_by=115-11-30 --key officer-7f3k
  lian record broker.licensed broker/22099131 --set until=116-12-31 --key officer-7f3k --key officer-c29x
  lian record case.opened case/TP115-0001 --data case.json --key officer-7f3k --dry-run
  lian record --events both.json --key system-release    [{\"kind\":…,\"stream\":…,\"data\":{…}}, …]
A field is name=value, read as text, number, truth or date, whichever its kind asks for; name:=JSON is
read as JSON only.
";
/// How many letters a name may differ by, to be meant.
const NEAR_MAX: usize = 3;

/// Options of `lian record`.
#[derive(Args)]
#[command(before_help = EXAMPLES, arg_required_else_help = true)]
pub struct Record {
    /// Kind, such as cargo.held; with --kinds, how the kinds begin
    kind: Option<String>,
    /// Object, such as cargo/297-83993523/598FJ923
    stream: Option<String>,
    /// A field of the data; may be given again
    #[arg(long = "set", value_name = "NAME=VALUE")]
    fields: Vec<String>,
    /// The data as a JSON object; - is standard input; --set adds to it
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// One more event in the same statement
    #[arg(long = "with", num_args = 3, value_names = ["KIND", "STREAM", "JSON"])]
    with: Vec<String>,
    /// All events of the statement as a JSON list; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kind", "fields", "data"])]
    events: Option<PathBuf>,
    /// List the kinds
    #[arg(long, conflicts_with_all = ["stream", "events"])]
    kinds: bool,
    #[command(flatten)]
    sign: SignArgs,
}

/// A field as somebody gave it: how it may be read, in the order in which the kind is asked.
struct Field {
    name: String,
    readings: Vec<Value<'static>>,
}

/// Runs `lian record`.
pub fn record(a: &Record, session: &Session) -> Result<()> {
    within("", "", a, session)
}

/// The same for one family: kinds and streams may be written without these beginnings.
pub fn within(kind_prefix: &str, stream_prefix: &str, a: &Record, session: &Session) -> Result<()> {
    if a.kinds {
        list(&begun(kind_prefix, a.kind.as_deref().unwrap_or_default()), session);
        return Ok(());
    }
    let mut events = match (&a.events, &a.kind, &a.stream) {
        (Some(path), ..) => of_file(path)?,
        (None, Some(kind), Some(stream)) => {
            vec![planned(&begun(kind_prefix, kind), &begun(stream_prefix, stream), fields(a)?)?]
        }
        (None, Some(kind), None) => {
            let kind = known(&begun(kind_prefix, kind))?;
            return Err(Failure::usage(format!("{kind}: name the object")).because(signers(kind)));
        }
        (None, None, _) => return Err(Failure::usage("name a kind and an object, or --events FILE")),
    };
    for more in a.with.chunks_exact(3) {
        let data = object(more[2].as_bytes(), "--with")?;
        events.push(planned(&begun(kind_prefix, &more[0]), &begun(stream_prefix, &more[1]), data)?);
    }
    say(session, &a.sign, events)
}

/// One event, read by the parser of its kind.
pub fn event(kind: &str, stream: &str, data: &[(&str, &str)]) -> Result<Planned> {
    let field = |(name, value): &(&str, &str)| Field { name: (*name).to_owned(), readings: readings(value) };
    planned(kind, stream, data.iter().map(field).collect())
}

/// Signs and sends these events as one statement.
pub fn say(session: &Session, sign: &SignArgs, events: Vec<Planned>) -> Result<()> {
    let kinds: Vec<&str> = events.iter().map(|event| event.kind).collect();
    if sign.expect.is_some() && events.windows(2).any(|pair| pair[0].stream != pair[1].stream) {
        return Err(Failure::usage("--expect is for one object, and these events are of several"));
    }
    act(session, sign, &kinds, None, |_, _| Ok(events))
}

/// A name with what it may be written without.
fn begun(prefix: &str, name: &str) -> String {
    let marks = ['.', '/'];
    let is_whole = prefix.is_empty() || name.starts_with(prefix) || {
        // Another family's name is whole as well: `queue.called`, `queue/C2001/2026-11-23`.
        prefix.ends_with('.') && name.contains(marks)
            || prefix.ends_with('/') && name.starts_with(|letter: char| letter.is_ascii_lowercase())
    };
    if is_whole { name.to_owned() } else { format!("{prefix}{name}") }
}

fn fields(a: &Record) -> Result<Vec<Field>> {
    let mut fields = match &a.data {
        Some(path) => object(&read_file(path, ENVELOPE_BYTES_MAX as u64)?, &path.display().to_string())?,
        None => Vec::new(),
    };
    for text in &a.fields {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("{text:?}: write NAME=VALUE, or NAME:=JSON")))?;
        let (name, readings) = match name.strip_suffix(':') {
            Some(name) => (name, vec![json_of(value.as_bytes(), name)?]),
            None => (name, readings(value)),
        };
        fields.retain(|field| field.name != name);
        fields.push(Field { name: name.to_owned(), readings });
    }
    Ok(fields)
}

/// What a plain value may mean: text, else what it is as JSON, else a date as people write it.
fn readings(value: &str) -> Vec<Value<'static>> {
    let as_json = json_of(value.as_bytes(), "").ok().filter(|read| read.as_text().is_none());
    let as_day = Day::parse_human(value).map(|day| Value::text(day.to_string()));
    [Some(Value::text(value.to_owned())), as_day, as_json].into_iter().flatten().collect()
}

fn json_of(bytes: &[u8], what: &str) -> Result<Value<'static>> {
    let read = serde_json::from_slice(bytes);
    canonical(&read.map_err(|error| Failure::usage(format!("{what}: not JSON: {error}")))?)
}

fn object(bytes: &[u8], what: &str) -> Result<Vec<Field>> {
    members(json_of(bytes, what)?, what)
}

fn members(value: Value<'static>, what: &str) -> Result<Vec<Field>> {
    let Value::Object(members) = value else {
        return Err(Failure::usage(format!("{what}: must be a JSON object")));
    };
    let field = |(name, value): (std::borrow::Cow<'static, str>, _)| Field {
        name: name.into_owned(),
        readings: vec![value],
    };
    Ok(members.into_iter().map(field).collect())
}

/// A list of events, or one event.
fn of_file(path: &Path) -> Result<Vec<Planned>> {
    let what = path.display().to_string();
    let list = match json_of(&read_file(path, ENVELOPE_BYTES_MAX as u64)?, &what)? {
        Value::List(list) if !list.is_empty() => list,
        one @ Value::Object(_) => vec![one],
        _ => return Err(Failure::usage(format!("{what}: must be a list of events"))),
    };
    let event = |(position, item): (usize, Value<'static>)| {
        let what = format!("{what}, event {position}");
        let (mut texts, mut data) = ([None, None], Vec::new());
        for field in members(item, &what)? {
            let value = field.readings.into_iter().next().unwrap_or(Value::Null);
            match (&*field.name, value) {
                ("kind", Value::Text(text)) => texts[0] = Some(text),
                ("stream", Value::Text(text)) => texts[1] = Some(text),
                ("data", value) => data = members(value, &what)?,
                (name, _) => {
                    return Err(Failure::usage(format!("{what}: {name:?} is not kind, stream or data")));
                }
            }
        }
        let [Some(kind), Some(stream)] = texts else {
            return Err(Failure::usage(format!("{what}: names no kind or no stream")));
        };
        planned(&kind, &stream, data)
    };
    list.into_iter().enumerate().map(event).collect()
}

/// The kind of that name that can be recorded so.
fn known(name: &str) -> Result<&'static str> {
    match filing::kinds().find(|kind| *kind == name) {
        Some(kind) if read(kind, "", &Value::Null).is_some() => Ok(kind),
        Some(kind) => Err(Failure::usage(format!("{kind} has a command of its own"))
            .fix("lian actor, lian key, lian help; what system:log says, nobody else can")),
        None => {
            let failure = Failure::usage(format!("there is no kind {name:?}"));
            Err(match nearest(name, filing::kinds()) {
                Some(near) => failure.fix(format!("did you mean {near}?")),
                None => failure.fix("lian record --kinds lists them"),
            })
        }
    }
}

/// What the domain's parser says; `None` for kinds that are not recorded here.
fn read(kind: &str, stream: &str, data: &Value<'_>) -> Option<std::result::Result<(), SchemaError>> {
    if let Some(kind) = families::kind(kind) {
        return Some(kind.parse(stream, data).map(drop));
    }
    if kind.starts_with("guarantee.") {
        return Some(guarantee::Event::parse(kind, stream, data).map(drop));
    }
    plain::parse(kind, stream, data).map(|read| read.map(drop))
}

fn data_of(fields: &[Field]) -> Value<'static> {
    let first = |field: &Field| field.readings.first().cloned().unwrap_or(Value::Null);
    Value::object(fields.iter().map(|field| (field.name.clone(), first(field))))
}

/// Asks the parser, reading each plain value in the next way whenever it is the one at fault.
fn planned(kind: &str, stream: &str, mut fields: Vec<Field>) -> Result<Planned> {
    let kind = known(kind)?;
    loop {
        let data = data_of(&fields);
        let error = match read(kind, stream, &data) {
            None | Some(Ok(())) => return Ok(Planned { kind, stream: stream.to_owned(), data }),
            Some(Err(error)) => error,
        };
        let at_fault = fields.iter_mut().find(|field| pointed(&error) == field.name);
        match at_fault.filter(|field| field.readings.len() > 1) {
            Some(field) => {
                field.readings.remove(0);
            }
            None => return Err(explained(kind, stream, &fields, &error)),
        }
    }
}

/// The member of the data that a fault is in.
fn pointed(error: &SchemaError) -> &str {
    error.pointer.strip_prefix('/').and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

fn explained(kind: &'static str, stream: &str, fields: &[Field], error: &SchemaError) -> Failure {
    let at = error.pointer.trim_start_matches('/');
    let unknown = error.what == "is not a known field";
    let failure = match at {
        "" => return Failure::usage(format!("{kind} {}", error.what)).because(format!("this is {stream}")),
        _ if error.what == "is missing" => Failure::usage(format!("{kind}: {at} is missing")),
        _ => Failure::usage(format!("{kind}: {at} {}", error.what)),
    };
    let missing = missing(kind, stream, fields);
    let mut failure = failure.because(signers(kind));
    for (name, says) in &missing {
        failure = failure.because(format!("missing  {name}  {says}"));
    }
    if unknown {
        let sealable = families::kind(kind).map_or(&[][..], |kind| kind.sealable);
        let optional = sealable.iter().map(|pointer| pointer.trim_start_matches('/'));
        let near = nearest(at, optional.chain(missing.iter().map(|(name, _)| &**name)));
        return match near {
            Some(near) => failure.fix(format!("did you mean {near}?")),
            None => failure.fix(format!("leave out {at}")),
        };
    }
    // A name that is nearly the one that is missing was probably meant.
    let given = || fields.iter().map(|field| &*field.name);
    let meant = missing.iter().find_map(|(name, _)| Some((name, nearest(name, given())?)));
    match meant {
        Some((name, given)) => failure.fix(format!("you wrote {given}; did you mean {name}?")),
        None if missing.is_empty() => failure,
        None => failure.fix(format!("--set {}=…", missing[0].0)),
    }
}

/// What else the parser asks for, each with its own words on what that must be. It is asked with
/// values of many shapes and with the words of its own answers, to hear of the next member.
fn missing(kind: &str, stream: &str, given: &[Field]) -> Vec<(String, String)> {
    let mut members: Members = Vec::new();
    if let Value::Object(data) = data_of(given) {
        members.extend(data.into_iter().map(|(name, value)| (name.into_owned(), value)));
    }
    let mut found = Vec::new();
    while found.len() < MEMBERS_MAX {
        let Some(Err(error)) = read(kind, stream, &Value::object(members.clone())) else { break };
        let name = pointed(&error).to_owned();
        if error.what != "is missing" || error.pointer.matches('/').count() != 1 {
            break;
        }
        let says = |guess: &Value<'static>| faulted(kind, stream, &members, &name, guess);
        let answer = guesses().iter().find_map(says).unwrap_or_else(|| "any text".to_owned());
        let words = answer.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let words = words.map(|word| Value::text(word.to_owned()));
        let fits = guesses().into_iter().chain(words).find(|guess| says(guess).is_none());
        found.push((name.clone(), answer));
        match fits {
            Some(value) => members.push((name, value)),
            None => break,
        }
    }
    found
}

/// Members of an object that is being put together.
type Members = Vec<(String, Value<'static>)>;

/// What the parser says of this value for this member, if it faults that very member.
fn faulted(
    kind: &str,
    stream: &str,
    members: &Members,
    name: &str,
    value: &Value<'static>,
) -> Option<String> {
    let with = members.iter().cloned().chain([(name.to_owned(), value.clone())]);
    match read(kind, stream, &Value::object(with)) {
        Some(Err(error)) if pointed(&error) == name && error.what != "is missing" => {
            Some(error.what.into_owned())
        }
        _ => None,
    }
}

/// Values of the shapes that fields have; the first that fits lets the parser go on.
fn guesses() -> Vec<Value<'static>> {
    let digest = "0".repeat(64);
    let texts = [
        "?",
        "CI",
        "CA",
        "12345675",
        "2026-01-01",
        "2026-01-01T00:00:00+08:00",
        "officer:a",
        "office:a",
        &digest,
        "gift",
    ];
    let sealed = Value::object([("sealed", Value::text(digest.clone()))]);
    let texts = texts.iter().map(|text| Value::text((*text).to_owned()));
    let others = [Value::Bool(false), Value::Int(1), Value::Null, Value::List(Vec::new()), sealed];
    texts.chain(others).collect()
}

fn signers(kind: &str) -> String {
    let own = || guarantee::authority(kind).or_else(|| plain::authority(kind));
    let alternatives = families::kind(kind).map(|kind| kind.authority).or_else(own).unwrap_or_default();
    let alternatives: Vec<String> = alternatives.iter().map(|all| all.join(" + ")).collect();
    format!("signed by {}", alternatives.join(", or "))
}

fn list(prefix: &str, session: &Session) {
    let out = session.out;
    let found = || families::kinds().filter(|kind| kind.name.starts_with(prefix));
    if out.json {
        let kinds = found().map(|kind| {
            let readers = format!("{:?}", kind.reader).to_lowercase();
            let (zh, en) = families::words(kind.name).unwrap_or_default();
            json!({"kind": kind.name, "zh": zh, "en": en, "signed_by": kind.authority, "readers": readers,
                   "sealable": kind.sealable})
        });
        return out.value(&json!({"kinds": kinds.collect::<Vec<_>>()}));
    }
    for kind in found() {
        let sealable = if kind.sealable.is_empty() { String::new() } else { kind.sealable.join(" ") };
        let word = kind_word(kind.name, out.lang);
        out.line(format!("{:<32} {word}   {}   {sealable}", kind.name, signers(kind.name)).trim_end());
    }
    out.talk(format!("{} kinds", found().count()));
}

/// The name that was probably meant.
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let near = known.map(|known| (distance(name, known), known)).min()?;
    let most = NEAR_MAX.min(name.len() / 3 + 1);
    (near.0 > 0 && near.0 <= most).then_some(near.1)
}

/// Letters to put in, take out or change.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, letter) in left.chars().enumerate() {
        let mut above_left = std::mem::replace(&mut row[0], at + 1);
        for (place, other) in right.iter().enumerate() {
            let above = row[place + 1];
            let changed = above_left + usize::from(letter != *other);
            row[place + 1] = changed.min(above + 1).min(row[place] + 1);
            above_left = above;
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAG: &str = "cargo/297-83993523/598FJ923";

    fn held(fields: &[(&str, &str)]) -> Result<Planned> {
        event("cargo.held", BAG, fields)
    }

    #[test]
    fn a_plain_value_is_read_as_its_kind_asks_for_it() {
        let fields = [
            ("basis", "order"),
            ("from", "hand"),
            ("officer", "officer:7f3k"),
            ("pieces", "1"),
            ("review_by", "115-11-30"),
        ];

        let planned = held(&fields).unwrap();

        let text = String::from_utf8(planned.data.write()).unwrap();
        assert!(text.contains(r#""pieces":1,"review_by":"2026-11-30""#), "{text}");
    }

    #[test]
    fn everything_that_is_missing_is_said_at_once_with_what_it_must_be() {
        let failure = held(&[("basis", "order"), ("form", "hand")]).err().unwrap();

        let text = failure.text();
        for part in ["signed by", "missing  from  must be hand", "officer", "pieces", "review_by"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.contains("you wrote form; did you mean from?"), "{text}");
    }

    #[test]
    fn a_kind_that_is_nearly_one_is_named() {
        let failure = event("cargo.hold", BAG, &[]).err().unwrap();
        assert!(failure.text().contains("did you mean cargo.held?"), "{}", failure.text());
        assert!(event("epoch.closed", "epoch/1", &[]).err().unwrap().text().contains("command of its own"));
        assert_eq!((distance("held", "hold"), distance("", "abc"), distance("abc", "abc")), (1, 3, 0));
    }

    #[test]
    fn every_kind_of_every_family_is_asked_of_its_own_parser() {
        for kind in families::kinds() {
            assert_eq!(known(kind.name).unwrap(), kind.name);
            let elsewhere = event(kind.name, "actor/officer:7f3k", &[]).err().unwrap();
            assert!(elsewhere.text().contains("this is actor/officer:7f3k"), "{}", elsewhere.text());
        }
    }

    #[test]
    fn names_within_a_family_may_be_short_and_others_stay_whole() {
        assert_eq!(begun("cargo.", "held"), "cargo.held");
        assert_eq!(begun("cargo.", "queue.called"), "queue.called");
        assert_eq!(begun("cargo/", "297-83993523/598FJ923"), BAG);
        assert_eq!(begun("cargo/", "queue/C2001/2026-11-23"), "queue/C2001/2026-11-23");
    }
}
