//! `lian draw`: what a draw says, and the same draw made again from the log.
//! Invariant: `check` takes members from the states at the size of the draw's epoch, the scheme from
//! the rules in force when it was opened, and the root from the fold; nothing from the draw itself.

use clap::{Args, Subcommand};
use lian_core::hash::Digest;
use lian_domain::{
    draws::{Difference, Period, State},
    families,
    views::{self, draws::Draw},
};
use serde_json::json;

use crate::{
    failure::{Exit, Failure, Result},
    out::Out,
    past::{AsOf, Past, damaged, past, say_digest, stream_json, view_json},
    say::{Entry, group},
    session::Session,
    text::Text,
    when::roc,
};

const EXAMPLES: &str = "\
Examples:
  lian draw show ethics_sample 2026Q3
  lian draw check ethics_sample 2026Q3                        the same names from the log alone: PASS or FAIL
  lian draw check draw/ethics_sample/2026Q3 --claimed ethics/115-000002    a list that was published elsewhere
";

/// Options of `lian draw`.
#[derive(Args)]
#[command(before_help = EXAMPLES, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Scheme, parties, deadlines and outcome of a draw (抽籤)
    Show(Named),
    /// Draw again from the log: PASS, FAIL or UNCONFIRMED (重抽驗證)
    Check(CheckAgain),
}

#[derive(Args)]
struct Named {
    /// Scheme, or draw/SCHEME/PERIOD
    scheme: String,
    /// Period: 2026-11-23, 2026-11 or 2026Q4
    period: Option<String>,
    #[command(flatten)]
    moment: AsOf,
}

#[derive(Args)]
struct CheckAgain {
    #[command(flatten)]
    draw: Named,
    /// Somebody says that these were drawn, in this order
    #[arg(long, value_name = "STREAM", num_args = 1..)]
    claimed: Option<Vec<String>>,
}

impl Named {
    fn stream(&self) -> Result<String> {
        let rest = self.scheme.strip_prefix("draw/").unwrap_or(&self.scheme);
        let (scheme, period) = match (&self.period, rest.split_once('/')) {
            (Some(period), None) => (rest, &**period),
            (None, Some((scheme, period))) => (scheme, period),
            _ => return Err(Failure::usage("name a draw: SCHEME PERIOD, or draw/SCHEME/PERIOD")),
        };
        match Period::parse(period) {
            Some(period) => Ok(format!("draw/{scheme}/{period}")),
            None => Err(Failure::usage(format!("{period:?}: write 2026-11-23, 2026-11 or 2026Q4"))),
        }
    }
}

/// Runs it.
pub fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    match &arguments.verb {
        Verb::Show(a) => show(a, session),
        Verb::Check(a) => check(a, session),
    }
}

/// The draw of that name as it stood then.
pub fn drawing<'p>(past: &'p Past, stream: &str) -> Result<&'p State> {
    let found = past.stream(stream)?.family().and_then(families::State::draw);
    found.ok_or_else(|| Failure::usage(format!("{stream} is no draw")))
}

fn show(a: &Named, session: &Session) -> Result<()> {
    let (out, stream) = (session.out, a.stream()?);
    let past = past(session, a.moment.as_of)?;
    let lot = drawing(&past, &stream)?;
    if out.json {
        let mut value = stream_json(&past, past.stream(&stream)?)?;
        value["as_of"] = past.json();
        out.value(&value);
        return Ok(());
    }
    past.announce(out);
    print(lot, out);
    past.timeline(&stream, out)
}

fn print(lot: &State, out: Out) {
    let late = if lot.late { "   LATE" } else { "" };
    out.line(format!("{}   {}{late}", lot.stream(), out.text(Text::DrawOpened, &[&roc(lot.opened_at)])));
    out.line(format!(
        "  {}",
        out.text(Text::DrawOf, &[&lot.count, &group(lot.members), &lot.epoch, &lot.population])
    ));
    for party in &lot.committers {
        let text = match (party.commitment, party.random) {
            (None, _) => Text::DrawSilent,
            (Some(_), None) => Text::DrawCommitted,
            (Some(_), Some(_)) => Text::DrawRevealed,
        };
        out.line(format!("  {:<20} {}", party.actor, out.text(text, &[])));
    }
    out.line(format!("  {}", out.text(Text::DrawCommitUntil, &[&roc(lot.commit_until)])));
    match &lot.outcome {
        None => out.line(format!("  {}", out.text(Text::DrawNotClosed, &[]))),
        Some(outcome) => {
            out.line(format!("  {}", out.text(Text::DrawSeed, &[&outcome.epoch, &outcome.seed])));
            for (place, stream) in outcome.drawn.iter().enumerate() {
                out.line(format!("  {:>3}  {stream}", place + 1));
            }
        }
    }
}

/// PASS, FAIL, or UNCONFIRMED while it is not closed.
pub fn word(again: &Draw) -> &'static str {
    match &again.differences[..] {
        [] => "PASS",
        [Difference::NotClosed] => "UNCONFIRMED",
        _ => "FAIL",
    }
}

/// Whether a difference belongs to a part of a draw.
type Belongs = fn(&Difference) -> bool;

/// Each part of the draw with its answer.
pub fn lines(again: &Draw, out: Out) -> Vec<String> {
    let parts: [(Text, Belongs); 4] = [
        (Text::DrawPartPopulation, |found| {
            matches!(
                found,
                Difference::Members { .. } | Difference::Population { .. } | Difference::Unordered(_)
            )
        }),
        (Text::DrawPartReveals, |found| matches!(found, Difference::Reveal(_))),
        (Text::DrawPartSeed, |found| matches!(found, Difference::Seed { .. })),
        (Text::DrawPartNames, |found| matches!(found, Difference::Drawn { .. })),
    ];
    let mut lines = Vec::new();
    for (place, (text, belongs)) in parts.into_iter().enumerate() {
        let found: Vec<&Difference> = again.differences.iter().filter(|found| belongs(found)).collect();
        let word = match &found[..] {
            [] if place > 1 && again.state.outcome.is_none() => "UNCONFIRMED",
            [] => "PASS",
            _ => "FAIL",
        };
        let padding = " ".repeat(12_usize.saturating_sub(word.len()));
        lines.push(format!("{}{padding}{}", out.word(word), out.text(text, &[])));
        lines.extend(found.into_iter().map(|found| format!("  {found}")));
    }
    lines
}

/// Draws again, from the log alone; `claimed` stands for what the log says was drawn.
pub fn again(past: &Past, stream: &str, claimed: Option<&[String]>, out: Out) -> Result<Draw> {
    let mut lot = drawing(past, stream)?.clone();
    let epochs = past.ledger.epochs();
    let of = |number: u64| usize::try_from(number).ok().and_then(|number| epochs.get(number));
    let epoch = of(lot.epoch).ok_or_else(|| damaged(format!("epoch {} is not closed", lot.epoch)))?;
    let then = past.view.fold(epoch.size, out)?;
    let rules = views::draws::rules_of(&past.ledger, rules_at_opening(past, stream)?).map_err(damaged)?;
    let scheme = rules.as_ref().and_then(|rules| rules.draws.scheme(&lot.scheme));
    let scheme = scheme.ok_or_else(|| damaged(format!("the rules know no scheme {}", lot.scheme)))?;
    if let (Some(outcome), Some(claimed)) = (&mut lot.outcome, claimed) {
        outcome.drawn = claimed.iter().map(|name| Box::from(&**name)).collect();
    }
    let seal = lot.outcome.as_ref().and_then(|outcome| of(outcome.epoch));
    let root = seal.map_or(Digest::ZERO, |epoch| epoch.root);
    views::draws::again(&then, scheme, lot, root).map_err(damaged)
}

/// The version of the rules that were in force when a draw was opened.
fn rules_at_opening(past: &Past, stream: &str) -> Result<u32> {
    for index in past.history(stream)? {
        let stored = past.view.reader.read_entry(index).map_err(damaged)?;
        let entry = Entry::open(&stored)?;
        if entry.leaf.verdict.is_accepted() {
            return Ok(entry.leaf.rules);
        }
    }
    Err(damaged(format!("no entry opened {stream}")))
}

fn check(a: &CheckAgain, session: &Session) -> Result<()> {
    let (out, stream) = (session.out, a.draw.stream()?);
    let past = past(session, a.draw.moment.as_of)?;
    let again = again(&past, &stream, a.claimed.as_deref(), out)?;
    let word = word(&again);
    if out.json {
        let mut value = view_json(&past, &again);
        value["draw"] = json!(stream);
        value["result"] = json!(word);
        out.value(&value);
    } else {
        past.announce(out);
        for line in lines(&again, out) {
            out.line(line);
        }
        out.line(format!("{} {stream}", out.word(word)));
        say_digest(&again, out);
    }
    match word {
        "PASS" => Ok(()),
        "FAIL" => Err(Failure::said(Exit::Failed, "draw-differs")),
        _ => Err(Failure::said(Exit::Unconfirmed, "draw-open")),
    }
}
