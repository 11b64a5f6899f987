//! `lian clearance`: what happens to cargo, and the views of it.

use clap::{Args, Subcommand};
use lian_client::http::Listed;
use lian_core::json::Value;
use lian_domain::{
    clearance::{self, Cargo, Mawb, Warehouse},
    dates::Day,
    families,
    ids::{DeclarationNo, Ubn},
    views::{
        self,
        board::{self, BoardQuery, Column},
    },
};
use serde_json::json;

use super::record::{Record, within};
use crate::{
    failure::{Exit, Failure, Result},
    out::{Lang, Out},
    past::AsOf,
    reading::{Asked, Family, Source, Standing, Told, made, number, numbers, text},
    say::short,
    session::Session,
    text::Text,
};

const EXAMPLES: &str = "\
Examples:
  lian clearance record --kinds                                      every kind of cargo
  lian clearance record held 297-83993523/598FJ923 --set basis=order --set from=hand \\
       --set officer=officer:7f3k --set pieces=1 --set review_by=115-11-30 --key officer-7f3k
  lian clearance show 297-83993523/598FJ923        one bag
  lian clearance show 297-83993523                 all bags of a master waybill (主號)
  lian clearance show CA__15494A0001               all bags of a declaration (報單)
  lian clearance board --warehouse C2001 --day 115-11-23
  lian clearance exceptions --broker 22099131
  lian clearance conservation 297-83993523         do the pieces add up? exit 1 if not
";

/// Options of `lian clearance`.
#[derive(Args)]
#[command(before_help = EXAMPLES, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Record an event of cargo, a queue, a roster, a card …; kinds of cargo without `cargo.`
    Record(Box<Record>),
    /// A bag, a master waybill or a declaration, with its history
    Show(Show),
    /// The public board of what was laid on the lines (通關資訊揭露)
    Board(Board),
    /// The public board of what cannot clear (通關異常揭露)
    Exceptions(Board),
    /// How often risk advice was right, by source and model (命中率)
    HitRate(AsOf),
    /// Do the pieces of a master waybill add up? (數量勾稽)
    Conservation(Waybill),
}

#[derive(Args)]
struct Show {
    /// 297-83993523/598FJ923, 297-83993523, or the 14 places of a declaration
    what: String,
    #[command(flatten)]
    moment: AsOf,
}

#[derive(Args)]
struct Waybill {
    /// Master waybill (主號)
    mawb: String,
    #[command(flatten)]
    moment: AsOf,
}

#[derive(Args)]
struct Board {
    /// Only bags in this warehouse (貨棧)
    #[arg(long)]
    warehouse: Option<String>,
    /// Only bags of this broker, 8 digits
    #[arg(long, value_name = "UBN")]
    broker: Option<String>,
    /// Only this day
    #[arg(long, value_name = "DATE", value_parser = day)]
    day: Option<Day>,
    #[command(flatten)]
    moment: AsOf,
}

fn day(text: &str) -> std::result::Result<Day, String> {
    Day::parse_human(text).ok_or_else(|| "write 115-12-01 or 2026-12-01".to_owned())
}

/// Runs it.
pub fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    match &arguments.verb {
        Verb::Record(a) => within("cargo.", "cargo/", a, session),
        Verb::Show(a) => show(a, session),
        Verb::Board(a) => board_of(a, false, session),
        Verb::Exceptions(a) => board_of(a, true, session),
        Verb::HitRate(a) => hit_rate(a, session),
        Verb::Conservation(a) => conservation(a, session),
    }
}

/// Cargo, if a state is that.
fn cargo(state: &families::State) -> Option<&Cargo> {
    state.clearance().and_then(clearance::State::cargo)
}

fn show(a: &Show, session: &Session) -> Result<()> {
    let out = session.out;
    let (prefix, wanted) = meant(a.what.strip_prefix("cargo/").unwrap_or(&a.what))?;
    let source = Source::open(session, a.moment.as_of)?;
    let kept = |name: &str, state: &families::State| cargo(state).is_some_and(|cargo| wanted(name, cargo));
    let (found, at) = source.streams(&prefix, Family::Clearance, &kept)?;
    if found.is_empty() {
        return Err(Failure::usage(format!("nothing is known of {} at that moment", a.what)));
    }
    if out.json {
        out.value(&json!({"cargo": source.json(found.iter(), at)?, "as_of": at.json()}));
        return Ok(());
    }
    at.announce(out);
    for standing in &found {
        for line in lines(standing, out) {
            out.line(line);
        }
        source.timeline(standing, at, out)?;
    }
    Ok(())
}

/// Which cargo of those whose names begin so.
type Wanted = Box<dyn Fn(&str, &Cargo) -> bool>;

/// The cargo that somebody means.
fn meant(what: &str) -> Result<(String, Wanted)> {
    if what.contains('/') {
        let name = format!("cargo/{what}");
        return Ok((name.clone(), Box::new(move |found, _| found == name)));
    }
    if Mawb::parse(what).is_some() {
        return Ok((format!("cargo/{what}/"), Box::new(|_, _| true)));
    }
    let Some(wanted) = DeclarationNo::parse(what) else {
        return Err(Failure::usage(format!("{what:?} is no waybill, bag or declaration"))
            .fix("write 297-83993523/598FJ923, 297-83993523, or 14 places with blanks written _"));
    };
    let declared = move |_: &str, cargo: &Cargo| {
        cargo.declared.as_ref().is_some_and(|declared| declared.declaration == wanted)
    };
    Ok(("cargo/".to_owned(), Box::new(declared)))
}

/// A bag in a few lines.
fn lines(standing: &Standing, out: Out) -> Vec<String> {
    let Some(cargo) = cargo(&standing.state) else { return Vec::new() };
    let lane = cargo.lane().map_or("–", clearance::Lane::as_str);
    let declared = cargo.declared.as_ref().map_or_else(|| "–".to_owned(), |it| it.declaration.to_string());
    let mut lines = vec![format!("{}   v{}   {lane}   {declared}", standing.name, standing.version)];
    let pieces = Text::CargoPieces;
    lines.push(format!(
        "  {}",
        out.text(
            pieces,
            &[
                &cargo.expected(),
                &cargo.released,
                &cargo.held(),
                &cargo.seized,
                &cargo.returned,
                &cargo.abandoned,
                &cargo.at_hand(),
                &cargo.gone,
            ]
        )
    ));
    if cargo.gone_unreleased > 0 {
        let alarm = out.text(Text::CargoGone, &[&cargo.gone_unreleased]);
        lines.push(format!("  {} {alarm}", out.word("ALARM")));
    }
    for exception in cargo.exceptions.iter() {
        let since = exception.on.to_roc();
        lines.push(format!(
            "  {}",
            out.text(
                Text::CargoException,
                &[&exception.number, &exception.exception, &exception.pieces, &since]
            )
        ));
    }
    lines
}

fn conservation(a: &Waybill, session: &Session) -> Result<()> {
    let out = session.out;
    let what = a.mawb.strip_prefix("mawb/").unwrap_or(&a.mawb);
    let mawb = Mawb::parse(what)
        .ok_or_else(|| Failure::usage(format!("{what:?} is no master waybill: write 297-83993523")))?;
    let source = Source::open(session, a.moment.as_of)?;
    let told = source.view(Asked::path(&format!("/v1/clearance/{mawb}")), |past| {
        let view = made(views::cargo::conservation(&past.ledger, &mawb))?;
        view.ok_or_else(|| Failure::usage(format!("nothing is known of {mawb} at that moment")))
    })?;
    let holds = holds(&told.data);
    if out.json {
        let mut value = told.json();
        value["result"] = json!(if holds { "PASS" } else { "FAIL" });
        out.value(&value);
    } else {
        told.at.announce(out);
        for line in sums(&told.data, out) {
            out.line(line);
        }
        told.say_digest(out);
    }
    if holds { Ok(()) } else { Err(Failure::said(Exit::Failed, "imbalance")) }
}

fn holds(view: &Value<'_>) -> bool {
    view.get("conservation").and_then(|sums| sums.get("holds")) == Some(&Value::Bool(true))
}

/// Counts of a waybill that are shown if there are any, in their order.
const PARTS: [&str; 12] = [
    "manifest",
    "amended",
    "landed",
    "awaited",
    "released",
    "gone",
    "held",
    "seized",
    "returned",
    "abandoned",
    "on_hand",
    "gone_unreleased",
];

/// Whether the pieces of a master waybill of the view add up, and where not.
pub fn sums(view: &Value<'_>, out: Out) -> Vec<String> {
    let sums = view.get("conservation").unwrap_or(&Value::Null);
    let word = out.word(if holds(view) { "PASS" } else { "FAIL" });
    let [bills, expected, standing] = numbers(sums, ["bills", "expected", "standing"]);
    let says = out.text(Text::MawbSums, &[&bills, &expected, &standing]);
    let mut lines = vec![format!("{word}  {}   {says}", text(view, "mawb"))];
    for name in PARTS {
        let count = number(sums, name);
        if count != 0 {
            lines.push(format!("  {name:<16} {count:>8}"));
        }
    }
    let findings = sums.get("findings").and_then(Value::as_list).unwrap_or_default();
    lines.extend(findings.iter().map(|finding| format!("  FAIL {}", imbalance(finding, out))));
    lines
}

fn imbalance(finding: &Value<'_>, out: Out) -> String {
    let hawb = text(finding, "hawb");
    let [pieces, said, found] = numbers(finding, ["pieces", "said", "found"]);
    match text(finding, "what") {
        "lacking" => out.text(Text::ImbalanceCargo, &[&hawb, &pieces]),
        "gone_unreleased" => out.text(Text::ImbalanceGone, &[&hawb, &pieces]),
        "below_zero" => out.text(Text::ImbalanceBelow, &[&hawb, &pieces]),
        "twice" => out.text(Text::ImbalanceTwice, &[&hawb]),
        "no_waybill" => out.text(Text::ImbalanceNoWaybill, &[]),
        "bills" => out.text(Text::ImbalanceBills, &[&said, &found]),
        "pieces" => out.text(Text::ImbalancePieces, &[&said, &found]),
        other => other.to_owned(),
    }
}

fn board_of(a: &Board, exceptions: bool, session: &Session) -> Result<()> {
    let wrong = |what: &str, text: &str| Failure::usage(format!("{text:?} is no {what}"));
    let read = |text: &String| Warehouse::parse(text).ok_or_else(|| wrong("warehouse", text));
    let warehouse = a.warehouse.as_ref().map(read).transpose()?;
    let read = |text: &String| Ubn::parse(text).ok_or_else(|| wrong("business number of 8 digits", text));
    let broker = a.broker.as_ref().map(read).transpose()?;
    let query = BoardQuery { warehouse, broker, day: a.day };
    let listed = Listed::default().with("warehouse", warehouse).with("broker", broker).with("date", a.day);
    let source = Source::open(session, a.moment.as_of)?;
    if exceptions {
        let asked = Asked { path: "/v1/disclosure/exceptions", listed };
        let told = source.view(asked, |past| made(board::exceptions(&past.ledger, &query)))?;
        table(&told, &board::EXCEPTIONS, session.out);
    } else {
        let asked = Asked { path: "/v1/disclosure/board", listed };
        let told = source.view(asked, |past| made(board::clearance(&past.ledger, &query)))?;
        table(&told, &board::CLEARANCE, session.out);
    }
    Ok(())
}

/// A board with its columns in their order.
fn table(told: &Told, columns: &[Column], out: Out) {
    if out.json {
        return out.value(&told.json());
    }
    out.line(out.text(Text::BoardUpdated, &[&people(text(&told.data, board::UPDATED.0))]));
    let title = |(name, title): &Column| if out.lang == Lang::En { *name } else { *title };
    out.line(columns.iter().map(title).collect::<Vec<_>>().join(" · "));
    for row in told.rows("rows") {
        let cell = |(name, _): &Column| match row.get(name) {
            None | Some(Value::Null) => "–".to_owned(),
            Some(Value::Text(text)) => people(text),
            other => short(other),
        };
        out.line(columns.iter().map(cell).collect::<Vec<_>>().join(" · "));
    }
    if told.data.get("complete") != Some(&Value::Bool(true)) {
        out.talk(out.text(Text::BoardCut, &[]));
    }
    told.say_digest(out);
}

/// A day or moment as people write it; other texts as they are.
fn people(text: &str) -> String {
    let day = text.get(..10).and_then(Day::parse).map(Day::to_roc);
    match (day, text.get(10..)) {
        (Some(day), Some("")) => day,
        (Some(day), Some(rest)) if rest.starts_with('T') => {
            format!("{day} {}", rest.get(1..9).unwrap_or_default())
        }
        _ => text.to_owned(),
    }
}

fn hit_rate(a: &AsOf, session: &Session) -> Result<()> {
    let out = session.out;
    let source = Source::open(session, a.as_of)?;
    let told = source
        .view(Asked::path("/v1/clearance/advice"), |past| made(views::cargo::hit_rate(&past.ledger)))?;
    if out.json {
        out.value(&told.json());
        return Ok(());
    }
    told.at.announce(out);
    for row in told.rows("rows") {
        let counts = numbers(row, ["advised", "flagged", "hits", "false_alarms", "passed", "missed", "open"]);
        let counts: Vec<&dyn std::fmt::Display> = counts.iter().map(|count| count as _).collect();
        let (source, model) = (text(row, "source"), text(row, "model"));
        out.line(format!("{source} {model}   {}", out.text(Text::HitRate, &counts)));
    }
    told.say_digest(out);
    Ok(())
}
