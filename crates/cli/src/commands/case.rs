//! `lian case`: seizure cases and their limitation clocks (裁處權時效).

use clap::{Args, Subcommand};
use lian_core::json::Value;
use lian_domain::{
    cases::{
        Case, State,
        clocks::{Clock, Standing, clocks},
    },
    views::{self, cases::clock_value},
};
use serde_json::json;

use super::record::{Record, within};
use crate::{
    failure::{Failure, Result},
    out::Out,
    past::AsOf,
    reading::{Asked, Family, Source, made, roc_day, text},
    say::money,
    session::Session,
    text::Text,
};

const EXAMPLES: &str = "\
Examples:
  lian case record opened TP115-0001 --data case.json --key officer-7f3k
  lian case show TP115-0001
  lian case clocks                           every clock of every open case, the next to lapse first
  lian case clocks --within 6 --as-of 116-03-01
";

/// Options of `lian case`.
#[derive(Args)]
#[command(before_help = EXAMPLES, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Record a step of a case, handover, exhibit or post; kinds of cases without `case.`
    Record(Box<Record>),
    /// A case with its clocks and history
    Show(Show),
    /// Limitation clocks of open cases (時效)
    Clocks(Clocks),
}

#[derive(Args)]
struct Show {
    /// Number (緝私案號)
    no: String,
    #[command(flatten)]
    moment: AsOf,
}

#[derive(Args)]
struct Clocks {
    /// Only clocks that warn so many months ahead: 12, 6, 3 or 1; 0 for those that lapsed
    #[arg(long, value_name = "MONTHS")]
    within: Option<u32>,
    /// Only cases of this officer
    #[arg(long, value_name = "ACTOR")]
    officer: Option<String>,
    #[command(flatten)]
    moment: AsOf,
}

/// Runs it.
pub fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    match &arguments.verb {
        Verb::Record(a) => within("case.", "case/", a, session),
        Verb::Show(a) => show(a, session),
        Verb::Clocks(a) => all_clocks(a, session),
    }
}

fn show(a: &Show, session: &Session) -> Result<()> {
    let out = session.out;
    let name = format!("case/{}", a.no.trim_start_matches("case/"));
    let source = Source::open(session, a.moment.as_of)?;
    let (found, at) = source.stream(&name, Family::Case)?;
    let Some(State::Case(case)) = found.state.case() else {
        return Err(Failure::usage(format!("{name} is no case")));
    };
    let clocks = clocks(case, &source.rules(at)?.cases, at.today);
    if out.json {
        let shown = source.json(std::iter::once(&found), at)?.pop();
        let mut value = shown.unwrap_or_default();
        value["clocks"] = json!(clocks.iter().map(clock_json).collect::<Vec<_>>());
        value["as_of"] = at.json();
        out.value(&value);
        return Ok(());
    }
    at.announce(out);
    for line in facts(&name, found.version, case, out) {
        out.line(line);
    }
    for clock in &clocks {
        out.line(format!("  {}", clock_line(&clock_value(clock), out)));
    }
    source.timeline(&found, at, out)
}

fn facts(name: &str, version: u64, case: &Case, out: Out) -> Vec<String> {
    let status = case.status.name().to_uppercase();
    let mut lines = vec![format!("{name}   v{version}   {status}   {}   {}", case.officer, case.section)];
    let declaration = case.declaration.map_or_else(|| "–".to_owned(), |no| no.to_string());
    let facts =
        [&case.detected_on.to_roc() as &dyn std::fmt::Display, &case.opened_on.to_roc(), &declaration];
    lines.push(format!("  {}", out.text(Text::CaseFacts, &facts)));
    if let Some(decision) = &case.decision {
        let sums = [&money(decision.fine.get()) as &dyn std::fmt::Display, &money(case.collected.get())];
        lines.push(format!("  {}", out.text(Text::CaseDecided, &sums)));
    }
    lines
}

fn all_clocks(a: &Clocks, session: &Session) -> Result<()> {
    let out = session.out;
    let source = Source::open(session, a.moment.as_of)?;
    let told = source
        .view(Asked::path("/v1/cases/clocks"), |past| made(views::cases::clocks(&past.ledger, past.today)))?;
    let alarm = |row: &Value<'_>| row.get("alarm").and_then(Value::as_int);
    let wanted = |row: &&Value<'_>| {
        a.officer.as_deref().is_none_or(|wanted| wanted == text(row, "officer"))
            && a.within.is_none_or(|most| alarm(row).is_some_and(|months| months <= i64::from(most)))
    };
    let all = told.rows("rows");
    let found: Vec<&Value<'_>> = all.iter().filter(wanted).collect();
    if out.json {
        out.value(&told.json_of(&found));
        return Ok(());
    }
    told.at.announce(out);
    for row in &found {
        for line in lines(row, out) {
            out.line(line);
        }
    }
    out.talk(out.text(Text::OfSoMany, &[&found.len(), &all.len()]));
    told.say_digest(out);
    Ok(())
}

/// A case of the view and its clocks, the superseded ones left out.
pub fn lines(row: &Value<'_>, out: Out) -> Vec<String> {
    let (no, status, officer) = (text(row, "no"), text(row, "status"), text(row, "officer"));
    let mut lines = vec![format!("case/{no}   {status}   {officer}   {}", roc_day(row, "last"))];
    let clocks = row.get("clocks").and_then(Value::as_list).unwrap_or_default();
    let live = clocks.iter().filter(|clock| text(clock, "standing") != Standing::Superseded.name());
    lines.extend(live.map(|clock| format!("  {}", clock_line(clock, out))));
    lines
}

/// A clock of the view in words.
fn clock_line(clock: &Value<'_>, out: Out) -> String {
    let days = ["from", "last_counted", "last_uncounted"].map(|name| roc_day(clock, name));
    let days: [&dyn std::fmt::Display; 3] = [&days[0], &days[1], &days[2]];
    let says = match clock.get("warning").and_then(Value::as_int) {
        Some(0) => out.word("LAPSED"),
        Some(months) => format!("{} {}", out.word("WARNING"), out.text(Text::ClockWithin, &[&months])),
        None => text(clock, "standing").to_owned(),
    };
    let (article, code) = (text(clock, "article"), text(clock, "code"));
    format!("{article} {code}   {}   {says}", out.text(Text::ClockDays, &days))
}

fn clock_json(clock: &Clock) -> serde_json::Value {
    json!({
        "article": clock.article.to_string(), "clock": clock.code.name(), "from": clock.from.to_string(),
        "last_day": clock.earlier().to_string(), "last_day_counted": clock.last_counted.to_string(),
        "last_day_uncounted": clock.last_uncounted.to_string(), "standing": clock.standing.name(),
        "warning_months": clock.warning, "over": clock.over,
    })
}
