//! `lian clearance`: what happens to cargo, and the views of it.

use clap::{Args, Subcommand};
use lian_core::json::Value;
use lian_domain::{
    clearance::{self, Cargo, Conservation, Imbalance, Mawb, Warehouse},
    dates::Day,
    families,
    ids::{DeclarationNo, Ubn},
    ledger::Stream,
    views::{
        self,
        board::{self, BoardQuery, Column},
        cargo::WaybillView,
    },
};
use serde_json::json;

use super::record::{Record, within};
use crate::{
    failure::{Exit, Failure, Result},
    out::{Lang, Out},
    past::{AsOf, Past, damaged, past, say_digest, stream_json, view_json},
    say::short,
    session::Session,
    text::Text,
    when::roc,
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

/// Cargo, if a stream is one.
fn cargo(stream: &Stream) -> Option<&Cargo> {
    stream.family().and_then(families::State::clearance).and_then(clearance::State::cargo)
}

fn show(a: &Show, session: &Session) -> Result<()> {
    let out = session.out;
    let past = past(session, a.moment.as_of)?;
    let found = found(&past, a.what.strip_prefix("cargo/").unwrap_or(&a.what))?;
    if found.is_empty() {
        return Err(Failure::usage(format!("nothing is known of {} at that moment", a.what)));
    }
    if out.json {
        let cargo: Vec<_> = found.iter().map(|stream| stream_json(&past, stream)).collect::<Result<_>>()?;
        out.value(&json!({"cargo": cargo, "as_of": past.json()}));
        return Ok(());
    }
    past.announce(out);
    for stream in found {
        for line in lines(stream, out) {
            out.line(line);
        }
        past.timeline(&stream.name, out)?;
    }
    Ok(())
}

/// The cargo that somebody means, ascending.
fn found<'p>(past: &'p Past, what: &str) -> Result<Vec<&'p Stream>> {
    let all = past.ledger.streams().iter().filter_map(|stream| Some((stream, cargo(stream)?)));
    let mut found: Vec<&Stream> = if let Some((mawb, hawb)) = what.split_once('/') {
        let name = format!("cargo/{mawb}/{hawb}");
        all.filter(|(stream, _)| *stream.name == *name).map(|(stream, _)| stream).collect()
    } else if Mawb::parse(what).is_some() {
        let prefix = format!("cargo/{what}/");
        all.filter(|(stream, _)| stream.name.starts_with(&prefix)).map(|(stream, _)| stream).collect()
    } else if let Some(wanted) = DeclarationNo::parse(what) {
        let of = |cargo: &Cargo| cargo.declared.as_ref().is_some_and(|it| it.declaration == wanted);
        all.filter(|(_, cargo)| of(cargo)).map(|(stream, _)| stream).collect()
    } else {
        return Err(Failure::usage(format!("{what:?} is no waybill, bag or declaration"))
            .fix("write 297-83993523/598FJ923, 297-83993523, or 14 places with blanks written _"));
    };
    found.sort_unstable_by(|left, right| left.name.cmp(&right.name));
    Ok(found)
}

/// A bag in a few lines.
pub fn lines(stream: &Stream, out: Out) -> Vec<String> {
    let Some(cargo) = cargo(stream) else { return Vec::new() };
    let lane = cargo.lane().map_or("–", clearance::Lane::as_str);
    let declared = cargo.declared.as_ref().map_or_else(|| "–".to_owned(), |it| it.declaration.to_string());
    let mut lines = vec![format!("{}   v{}   {lane}   {declared}", stream.name, stream.version)];
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
    let text = a.mawb.strip_prefix("mawb/").unwrap_or(&a.mawb);
    let mawb = Mawb::parse(text)
        .ok_or_else(|| Failure::usage(format!("{text:?} is no master waybill: write 297-83993523")))?;
    let past = past(session, a.moment.as_of)?;
    let view = views::cargo::conservation(&past.ledger, &mawb).map_err(damaged)?;
    let view = view.ok_or_else(|| Failure::usage(format!("nothing is known of {mawb} at that moment")))?;
    let word = if view.sums.holds() { "PASS" } else { "FAIL" };
    if out.json {
        let mut value = view_json(&past, &view);
        value["result"] = json!(word);
        out.value(&value);
    } else {
        past.announce(out);
        for line in sums(&view, out) {
            out.line(line);
        }
        say_digest(&view, out);
    }
    if view.sums.holds() { Ok(()) } else { Err(Failure::said(Exit::Failed, "imbalance")) }
}

/// Whether the pieces of a master waybill add up, and where not.
pub fn sums(view: &WaybillView, out: Out) -> Vec<String> {
    let sums = &view.sums;
    let word = out.word(if sums.holds() { "PASS" } else { "FAIL" });
    let says = out.text(Text::MawbSums, &[&sums.bills, &sums.expected(), &sums.standing()]);
    let mut lines = vec![format!("{word}  {}   {says}", view.mawb)];
    for (name, count) in parts(sums).into_iter().filter(|(_, count)| *count != 0) {
        lines.push(format!("  {name:<16} {count:>8}"));
    }
    lines.extend(sums.findings.iter().map(|finding| format!("  FAIL {}", imbalance(finding, out))));
    lines
}

fn parts(sums: &Conservation) -> [(&'static str, i64); 12] {
    [
        ("manifest", sums.manifest),
        ("amended", sums.amended),
        ("landed", sums.landed),
        ("awaited", sums.awaited),
        ("released", sums.released),
        ("gone", sums.gone),
        ("held", sums.held),
        ("seized", sums.seized),
        ("returned", sums.returned),
        ("abandoned", sums.abandoned),
        ("on_hand", sums.on_hand),
        ("gone_unreleased", sums.gone_unreleased),
    ]
}

fn imbalance(finding: &Imbalance, out: Out) -> String {
    match finding {
        Imbalance::Cargo(hawb, by) => out.text(Text::ImbalanceCargo, &[hawb, by]),
        Imbalance::GoneUnreleased(hawb, pieces) => out.text(Text::ImbalanceGone, &[hawb, pieces]),
        Imbalance::BelowZero(hawb, pieces) => out.text(Text::ImbalanceBelow, &[hawb, pieces]),
        Imbalance::Twice(hawb) => out.text(Text::ImbalanceTwice, &[hawb]),
        Imbalance::NoWaybill => out.text(Text::ImbalanceNoWaybill, &[]),
        Imbalance::Bills(said, found) => out.text(Text::ImbalanceBills, &[said, found]),
        Imbalance::Pieces(said, found) => out.text(Text::ImbalancePieces, &[said, found]),
    }
}

fn board_of(a: &Board, exceptions: bool, session: &Session) -> Result<()> {
    let past = past(session, a.moment.as_of)?;
    let wrong = |what: &str, text: &str| Failure::usage(format!("{text:?} is no {what}"));
    let read = |text: &String| Warehouse::parse(text).ok_or_else(|| wrong("warehouse", text));
    let warehouse = a.warehouse.as_ref().map(read).transpose()?;
    let read = |text: &String| Ubn::parse(text).ok_or_else(|| wrong("business number of 8 digits", text));
    let broker = a.broker.as_ref().map(read).transpose()?;
    let query = BoardQuery { warehouse, broker, day: a.day };
    if exceptions {
        let view = board::exceptions(&past.ledger, &query).map_err(damaged)?;
        table(&past, &view, &board::EXCEPTIONS, view.updated_at, view.complete, session.out);
    } else {
        let view = board::clearance(&past.ledger, &query).map_err(damaged)?;
        table(&past, &view, &board::CLEARANCE, view.updated_at, view.complete, session.out);
    }
    Ok(())
}

/// A board with its columns in their order.
fn table<V: views::View>(past: &Past, view: &V, columns: &[Column], updated: u64, complete: bool, out: Out) {
    if out.json {
        return out.value(&view_json(past, view));
    }
    out.line(out.text(Text::BoardUpdated, &[&roc(updated)]));
    let title = |(name, title): &Column| if out.lang == Lang::En { *name } else { *title };
    out.line(columns.iter().map(title).collect::<Vec<_>>().join(" · "));
    let value = view.to_value();
    for row in value.get("rows").and_then(Value::as_list).unwrap_or_default() {
        let cell = |(name, _): &Column| match row.get(name) {
            None | Some(Value::Null) => "–".to_owned(),
            Some(Value::Text(text)) => people(text),
            other => short(other),
        };
        out.line(columns.iter().map(cell).collect::<Vec<_>>().join(" · "));
    }
    if !complete {
        out.talk(out.text(Text::BoardCut, &[]));
    }
    say_digest(view, out);
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
    let past = past(session, a.as_of)?;
    let view = views::cargo::hit_rate(&past.ledger).map_err(damaged)?;
    if out.json {
        out.value(&view_json(&past, &view));
        return Ok(());
    }
    past.announce(out);
    for ((source, model), rate) in &view.rows {
        let numbers: [&dyn std::fmt::Display; 7] = [
            &rate.advised,
            &rate.flagged,
            &rate.hits,
            &rate.false_alarms,
            &rate.passed,
            &rate.missed,
            &rate.open,
        ];
        out.line(format!("{source} {model}   {}", out.text(Text::HitRate, &numbers)));
    }
    say_digest(&view, out);
    Ok(())
}
