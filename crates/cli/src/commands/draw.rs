//! `lian draw`: what a draw says, and the same draw made again from the log.
//! Invariant: `check` takes members from the states at the size of the draw's epoch, the scheme from
//! the rules in force when it was opened, and the root from the fold; nothing from the draw itself. Over
//! a server the members are its word, held against the root of the population; the root is proved.

use clap::{Args, Subcommand};
use lian_core::hash::Digest;
use lian_domain::{
    draws::{Difference, Period, State, check as check_draw},
    families,
    views::{self, View as _, draws::Draw},
};
use serde_json::json;

use crate::{
    failure::{Exit, Failure, Result},
    out::Out,
    past::{AsOf, Past, damaged},
    reading::{Asked, At, Family, Far, Source, Told, view_differs},
    remote::failed,
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
    let source = Source::open(session, a.moment.as_of)?;
    let (found, at) = source.stream(&stream, Family::Draw)?;
    let lot = found.state.draw().ok_or_else(|| Failure::usage(format!("{stream} is no draw")))?;
    if out.json {
        let mut value = source.json(std::iter::once(&found), at)?.pop().unwrap_or_default();
        value["as_of"] = at.json();
        out.value(&value);
        return Ok(());
    }
    at.announce(out);
    print(lot, out);
    source.timeline(&found, at, out)
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

/// Draws again from what a server tells of a draw: its state, the members that the states of its epoch
/// give, and the root of the seal epoch, which receipts prove. The view made of it has the digest that
/// was told, or the server says other differences than there are.
fn again_afar(far: &Far, told: &Told, claimed: Option<&[String]>, out: Out) -> Result<Draw> {
    let odd = |what: &dyn std::fmt::Display| Failure::new(Exit::Io, "answer", format!("the draw: {what}"));
    let state = told.data.get("state").ok_or_else(|| odd(&"no state"))?;
    let mut state = State::from_value(state).map_err(|error| odd(&error))?;
    let members: Vec<String> =
        told.rows("members").iter().filter_map(|name| name.as_text().map(str::to_owned)).collect();
    let root = match &state.outcome {
        Some(outcome) => far.remote.client.epoch(outcome.epoch).map_err(failed)?.root,
        None => Digest::ZERO,
    };
    let names: Vec<&str> = members.iter().map(String::as_str).collect();
    let differences = check_draw(&state, &names, &root);
    let mut again = Draw { state: state.clone(), members: members.clone(), differences };
    if again.digest() != told.digest {
        return Err(view_differs(told.name, &told.digest, &again.digest(), out));
    }
    if let (Some(outcome), Some(claimed)) = (&mut state.outcome, claimed) {
        outcome.drawn = claimed.iter().map(|name| Box::from(&**name)).collect();
        again = Draw { differences: check_draw(&state, &names, &root), state, members };
    }
    Ok(again)
}

/// The draw made again, and the moment that it holds for.
fn made_again(a: &CheckAgain, stream: &str, session: &Session) -> Result<(Draw, At)> {
    let (claimed, out) = (a.claimed.as_deref(), session.out);
    match Source::open(session, a.draw.moment.as_of)? {
        Source::Near(past) => Ok((again(&past, stream, claimed, out)?, At::of(&past))),
        Source::Far(far) => {
            let path = format!("/v1/draws/{}", stream.trim_start_matches("draw/"));
            let told = far.view::<Draw>(Asked::path(&path))?;
            Ok((again_afar(&far, &told, claimed, out)?, told.at))
        }
    }
}

fn check(a: &CheckAgain, session: &Session) -> Result<()> {
    let (out, stream) = (session.out, a.draw.stream()?);
    let (again, at) = made_again(a, &stream, session)?;
    let (word, told) = (word(&again), Told::of(&again, at));
    if out.json {
        let mut value = told.json();
        value["draw"] = json!(stream);
        value["result"] = json!(word);
        out.value(&value);
    } else {
        at.announce(out);
        for line in lines(&again, out) {
            out.line(line);
        }
        out.line(format!("{} {stream}", out.word(word)));
        told.say_digest(out);
    }
    match word {
        "PASS" => Ok(()),
        "FAIL" => Err(Failure::said(Exit::Failed, "draw-differs")),
        _ => Err(Failure::said(Exit::Unconfirmed, "draw-open")),
    }
}
