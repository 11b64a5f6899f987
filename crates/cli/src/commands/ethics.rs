//! `lian ethics`: the register of gifts, invitations, lobbying and the rest (廉政倫理事件).
//! Invariant: who gave what stays sealed; only digests are asked for here, and only counts are public.

use clap::{Args, Subcommand};
use lian_core::json::Value;
use lian_domain::{
    draws::Period,
    ethics::{Breach, Registration, SAMPLE_SCHEME, State},
    families,
    views::ethics::statistics,
};
use serde_json::json;

use super::record::{Record, event, within};
use crate::{
    act::{SignArgs, act},
    failure::{Failure, Result},
    out::Out,
    past::AsOf,
    reading::{Asked, Family, Source, Standing, made, number, text},
    session::Session,
    text::Text,
};

const EXAMPLES: &str = "\
Examples:
  lian ethics register 115-000123 --type gift --on 115-11-23 --unit office:CA --interested \\
       --seal source=HEX --seal circumstances=HEX --key officer-7f3k
  lian ethics amend 115-000123 --on 115-11-22 --seal reason=HEX --key officer-7f3k
  lian ethics record logged 115-000123 --set type=gift --set by=officer:e7q2 … --key officer-e7q2
  lian ethics sample 115-000123 --quarter 2026Q4 --key officer-e7q2
  lian ethics list --status reported
  lian ethics stats --year 2026              public counts by quarter and type
";

/// The year before year 1 of the Republic.
const ROC_YEAR_0: i64 = 1_911;

/// Options of `lian ethics`.
#[derive(Args)]
#[command(before_help = EXAMPLES, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// An officer registers a gift, an invitation, lobbying or another event (登錄)
    Register(Box<Register>),
    /// Who registered corrects the registration: adds, never overwrites (更正)
    Amend(Box<Amend>),
    /// The ethics office puts a registration that was drawn into the sample of its quarter (抽查)
    Sample(Box<Sample>),
    /// Any other step; kinds of registrations without `ethics.`
    Record(Box<Record>),
    /// Registrations with their state, deadlines and breaches
    List(List),
    /// Public counts by quarter and type (統計)
    Stats(Stats),
}

#[derive(Args)]
struct Register {
    /// Number, such as 115-000123, or 32 random hex digits
    no: String,
    /// gift, entertainment, lobbying or other
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    /// Day of receipt, of the lobbying, or of the event
    #[arg(long, value_name = "DATE")]
    on: String,
    /// Unit of who registers
    #[arg(long)]
    unit: String,
    /// The other side has an interest in the duties of who registers
    #[arg(long)]
    interested: bool,
    /// Who registers is the head of the agency
    #[arg(long)]
    head: bool,
    /// Exception that a gift or an invitation falls under [default: none]
    #[arg(long)]
    basis: Option<String>,
    /// What `other` is: lecture, writing, part_time, loan or other
    #[arg(long)]
    activity: Option<String>,
    /// Digest of a sealed field: source and circumstances always, item, place and value if there are any
    #[arg(long = "seal", value_name = "NAME=HEX")]
    seals: Vec<String>,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct Amend {
    /// Number of the registration
    no: String,
    /// Another day of receipt, of the lobbying, or of the event
    #[arg(long, value_name = "DATE")]
    on: Option<String>,
    /// Whether the other side has an interest in the duties of who registered: true or false
    #[arg(long, value_name = "TRUTH")]
    interested: Option<bool>,
    /// Another exception that a gift or an invitation falls under
    #[arg(long)]
    basis: Option<String>,
    /// Another thing that `other` is
    #[arg(long)]
    activity: Option<String>,
    /// Digest of a sealed field: reason always; source, circumstances, item, place, value if they were wrong
    #[arg(long = "seal", value_name = "NAME=HEX")]
    seals: Vec<String>,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct Sample {
    /// Number of the registration
    no: String,
    /// Quarter whose draw drew it: 2026Q3
    #[arg(long, value_name = "QUARTER", value_parser = quarter)]
    quarter: String,
    #[command(flatten)]
    sign: SignArgs,
}

fn quarter(text: &str) -> std::result::Result<String, String> {
    let is_quarter = text.contains('Q') && Period::parse(text).is_some();
    if is_quarter { Ok(text.to_owned()) } else { Err("write 2026Q3".to_owned()) }
}

#[derive(Args)]
struct List {
    /// Status, such as reported, closed or sampled
    #[arg(long)]
    status: Option<String>,
    /// gift, entertainment, lobbying or other
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only those with a breach
    #[arg(long)]
    breaches: bool,
    #[command(flatten)]
    moment: AsOf,
}

#[derive(Args)]
struct Stats {
    /// Only this year: 2026, or 115
    #[arg(long)]
    year: Option<i64>,
    /// What everybody may know: without small numbers and what gives them away
    #[arg(long)]
    public: bool,
    #[command(flatten)]
    moment: AsOf,
}

/// Runs it.
pub fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    match &arguments.verb {
        Verb::Register(a) => register(a, session),
        Verb::Amend(a) => amend(a, session),
        Verb::Sample(a) => sample(a, session),
        Verb::Record(a) => within("ethics.", "ethics/", a, session),
        Verb::List(a) => list(a, session),
        Verb::Stats(a) => stats(a, session),
    }
}

fn register(a: &Register, session: &Session) -> Result<()> {
    let kind = "ethics.reported";
    let sealed = sealed(&a.seals)?;
    act(session, &a.sign, &[kind], None, |_, slots| {
        let by = slots.first().map_or("", |slot| &*slot.actor);
        let (interested, head) = (a.interested.to_string(), a.head.to_string());
        let mut data = vec![
            ("by", by),
            ("head", &*head),
            ("interested", &*interested),
            ("on", &*a.on),
            ("type", &*a.kind),
            ("unit", &*a.unit),
        ];
        let has_basis = matches!(&*a.kind, "gift" | "entertainment");
        data.extend(a.basis.as_deref().or(has_basis.then_some("none")).map(|basis| ("basis", basis)));
        data.extend(a.activity.as_deref().map(|activity| ("activity", activity)));
        data.extend(sealed.iter().map(|(name, value)| (*name, &**value)));
        Ok(vec![event(kind, &stream_of(&a.no), &data)?])
    })
}

/// The sealed members that were asked for, as their data.
fn sealed(seals: &[String]) -> Result<Vec<(&str, String)>> {
    let mut members = Vec::new();
    for text in seals {
        let (name, hex) =
            text.split_once('=').ok_or_else(|| Failure::usage(format!("{text:?}: write NAME=HEX")))?;
        members.push((name, format!(r#"{{"sealed":"{hex}"}}"#)));
    }
    Ok(members)
}

fn stream_of(no: &str) -> String {
    format!("ethics/{}", no.trim_start_matches("ethics/"))
}

fn amend(a: &Amend, session: &Session) -> Result<()> {
    let kind = "ethics.amended";
    let sealed = sealed(&a.seals)?;
    act(session, &a.sign, &[kind], None, |_, slots| {
        let by = slots.first().map_or("", |slot| &*slot.actor);
        let interested = a.interested.map(|interested| interested.to_string());
        let plain = [
            ("activity", a.activity.as_deref()),
            ("basis", a.basis.as_deref()),
            ("interested", interested.as_deref()),
            ("on", a.on.as_deref()),
        ];
        let mut data = vec![("by", by)];
        data.extend(plain.into_iter().filter_map(|(name, value)| Some((name, value?))));
        data.extend(sealed.iter().map(|(name, value)| (*name, &**value)));
        Ok(vec![event(kind, &stream_of(&a.no), &data)?])
    })
}

/// That the draw drew it, the rules check against the draw; `lian draw check` draws again.
fn sample(a: &Sample, session: &Session) -> Result<()> {
    let kind = "ethics.sampled";
    act(session, &a.sign, &[kind], None, |_, slots| {
        let by = slots.first().map_or("", |slot| &*slot.actor);
        let draw = format!("draw/{SAMPLE_SCHEME}/{}", a.quarter);
        Ok(vec![event(kind, &stream_of(&a.no), &[("by", by), ("draw", &draw)])?])
    })
}

/// The registration of a state, if it is one.
fn registration(state: &families::State) -> Option<&Registration> {
    match state.ethics()? {
        State::Registration(registration) => Some(registration),
        State::Run(_) => None,
    }
}

fn breaches(registration: &Registration) -> Vec<&'static str> {
    registration.breaches().into_iter().map(breach_name).collect()
}

fn list(a: &List, session: &Session) -> Result<()> {
    let out = session.out;
    let source = Source::open(session, a.moment.as_of)?;
    let kept = |_: &str, state: &families::State| registration(state).is_some();
    let (all, at) = source.streams("ethics/", Family::Ethics, &kept)?;
    let wanted = |found: &(&Standing, &Registration)| {
        let registration = found.1;
        a.status.as_deref().is_none_or(|status| status == registration.status().name())
            && a.kind.as_deref().is_none_or(|kind| kind == registration.report.kind.name())
            && (!a.breaches || !registration.breaches().is_empty())
    };
    let found: Vec<(&Standing, &Registration)> =
        all.iter().filter_map(|found| Some((found, registration(&found.state)?))).filter(wanted).collect();
    if out.json {
        let mut rows = source.json(found.iter().map(|(standing, _)| *standing), at)?;
        for (row, (_, registration)) in rows.iter_mut().zip(&found) {
            row["breaches"] = json!(breaches(registration));
        }
        out.value(&json!({"registrations": rows, "as_of": at.json()}));
        return Ok(());
    }
    at.announce(out);
    for (standing, registration) in &found {
        out.line(
            format!(
                "{:<20} {:<14} {}   {}   {}   {}",
                standing.name,
                registration.report.kind.name(),
                registration.reported_on.to_roc(),
                registration.status().name().to_uppercase(),
                registration.report.unit,
                breaches(registration).join(" ")
            )
            .trim_end(),
        );
    }
    out.talk(out.text(Text::OfSoMany, &[&found.len(), &all.len()]));
    Ok(())
}

fn breach_name(breach: Breach) -> &'static str {
    match breach {
        Breach::LateReport => "late_report",
        Breach::LateNotice => "late_notice",
        Breach::LateHandover => "late_handover",
        Breach::NotApprovedBefore => "not_approved_before",
        Breach::SourceOver => "source_over",
        Breach::FeeOver => "fee_over",
    }
}

/// The counts of a row of the view; one that is not told is a null.
fn counts(row: &Value<'_>, out: Out) -> String {
    let told = |name: &str| match row.get(name) {
        Some(Value::Null) => out.text(Text::NotTold, &[]),
        _ => number(row, name).to_string(),
    };
    let counts = ["registered", "late", "breaches", "sampled", "correct", "anomalies"].map(told);
    let counts: Vec<&dyn std::fmt::Display> = counts.iter().map(|count| count as _).collect();
    out.text(Text::EthicsCounts, &counts)
}

fn stats(a: &Stats, session: &Session) -> Result<()> {
    let out = session.out;
    let source = Source::open(session, a.moment.as_of)?;
    let mut asked = Asked::path("/v1/ethics/stats");
    let told = if a.public {
        asked.listed = asked.listed.with("public", Some("true".to_owned()));
        source.view(asked, |past| made(statistics(&past.ledger)).map(|view| view.public()))?
    } else {
        source.view(asked, |past| made(statistics(&past.ledger)))?
    };
    if out.json {
        out.value(&told.json());
        return Ok(());
    }
    told.at.announce(out);
    // A year of three digits is one of the Republic, as everywhere.
    let year = a.year.map(|year| if year < 1_000 { year + ROC_YEAR_0 } else { year });
    for row in told.rows("quarters") {
        let quarter = text(row, "quarter");
        let of = quarter.get(..4).and_then(|of| of.parse::<i64>().ok());
        if year.is_none_or(|year| of == Some(year)) {
            out.line(format!("{quarter}  {:<14} {}", text(row, "type"), counts(row, out)));
        }
    }
    for row in told.rows("years") {
        let of = number(row, "year");
        if year.is_none_or(|year| of == year) {
            out.line(format!("{of}    {:<14} {}", text(row, "type"), counts(row, out)));
        }
    }
    told.say_digest(out);
    Ok(())
}
