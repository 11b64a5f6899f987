//! `lian case`: seizure cases and their limitation clocks (裁處權時效).

use clap::{Args, Subcommand};
use lian_domain::{
    cases::{
        Case, State,
        clocks::{Clock, Standing, clocks},
    },
    dates::Day,
    views::{self, cases::CaseClocks},
};
use serde_json::json;

use super::record::{Record, within};
use crate::{
    failure::{Failure, Result},
    out::Out,
    past::{AsOf, damaged, past, say_digest, stream_json, view_json},
    say::{money, to_json},
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

fn case_of(stream: &lian_domain::ledger::Stream) -> Option<&Case> {
    match stream.family()?.case()? {
        State::Case(case) => Some(case),
        _ => None,
    }
}

fn show(a: &Show, session: &Session) -> Result<()> {
    let out = session.out;
    let stream = format!("case/{}", a.no.trim_start_matches("case/"));
    let past = past(session, a.moment.as_of)?;
    let found = past.stream(&stream)?;
    let case = case_of(found).ok_or_else(|| Failure::usage(format!("{stream} is no case")))?;
    let clocks = clocks(case, &past.ledger.rules().cases, past.today);
    if out.json {
        let mut value = stream_json(&past, found)?;
        value["clocks"] = json!(clocks.iter().map(clock_json).collect::<Vec<_>>());
        value["as_of"] = past.json();
        out.value(&value);
        return Ok(());
    }
    past.announce(out);
    let status = case.status.name().to_uppercase();
    out.line(format!("{stream}   v{}   {status}   {}   {}", found.version, case.officer, case.section));
    let declaration = case.declaration.map_or_else(|| "–".to_owned(), |no| no.to_string());
    let facts =
        [&case.detected_on.to_roc() as &dyn std::fmt::Display, &case.opened_on.to_roc(), &declaration];
    out.line(format!("  {}", out.text(Text::CaseFacts, &facts)));
    if let Some(decision) = &case.decision {
        let sums = [&money(decision.fine.get()) as &dyn std::fmt::Display, &money(case.collected.get())];
        out.line(format!("  {}", out.text(Text::CaseDecided, &sums)));
    }
    for clock in &clocks {
        out.line(format!("  {}", clock_line(clock, out)));
    }
    past.timeline(&stream, out)
}

fn all_clocks(a: &Clocks, session: &Session) -> Result<()> {
    let out = session.out;
    let past = past(session, a.moment.as_of)?;
    let view = views::cases::clocks(&past.ledger, past.today).map_err(damaged)?;
    let wanted = |row: &&CaseClocks| {
        a.officer.as_deref().is_none_or(|wanted| wanted == row.officer)
            && a.within.is_none_or(|most| row.alarm.is_some_and(|months| months <= most))
    };
    let found: Vec<&CaseClocks> = view.rows.iter().filter(wanted).collect();
    if out.json {
        let mut value = view_json(&past, &view);
        value["data"]["rows"] = found.iter().map(|row| to_json(&row.to_value())).collect();
        out.value(&value);
        return Ok(());
    }
    past.announce(out);
    for row in &found {
        for line in lines(row, out) {
            out.line(line);
        }
    }
    out.talk(out.text(Text::OfSoMany, &[&found.len(), &view.rows.len()]));
    say_digest(&view, out);
    Ok(())
}

/// A case and its clocks, the superseded ones left out.
pub fn lines(row: &CaseClocks, out: Out) -> Vec<String> {
    let last = row.last.map_or_else(|| "–".to_owned(), Day::to_roc);
    let mut lines = vec![format!("case/{}   {}   {}   {last}", row.no, row.status.name(), row.officer)];
    let live = row.clocks.iter().filter(|clock| clock.standing != Standing::Superseded);
    lines.extend(live.map(|clock| format!("  {}", clock_line(clock, out))));
    lines
}

/// A clock in words.
pub fn clock_line(clock: &Clock, out: Out) -> String {
    let days = [
        &clock.from.to_roc() as &dyn std::fmt::Display,
        &clock.last_counted.to_roc(),
        &clock.last_uncounted.to_roc(),
    ];
    let says = match clock.warning {
        Some(0) => out.word("LAPSED"),
        Some(months) => format!("{} {}", out.word("WARNING"), out.text(Text::ClockWithin, &[&months])),
        None => clock.standing.name().to_owned(),
    };
    format!("{} {}   {}   {says}", clock.article, clock.code.name(), out.text(Text::ClockDays, &days))
}

fn clock_json(clock: &Clock) -> serde_json::Value {
    json!({
        "article": clock.article.to_string(), "clock": clock.code.name(), "from": clock.from.to_string(),
        "last_day": clock.earlier().to_string(), "last_day_counted": clock.last_counted.to_string(),
        "last_day_uncounted": clock.last_uncounted.to_string(), "standing": clock.standing.name(),
        "warning_months": clock.warning, "over": clock.over,
    })
}
