//! `lian obligations`: what should have happened by a day and has not, or came late (義務日曆).

use clap::Args;
use lian_core::json::Value;
use lian_domain::{
    obligations::{Kind, Standing},
    views::calendar,
};

use crate::{
    failure::Result,
    out::Out,
    past::AsOf,
    reading::{Asked, Source, made, roc_day, text},
    session::Session,
    text::Text,
};

const EXAMPLES: &str = "\
Examples:
  lian obligations                           today
  lian obligations --as-of 116-03-01         what would be open then, if nothing more happened
  lian obligations --overdue --json
";

/// Options of `lian obligations`.
#[derive(Args)]
#[command(before_help = EXAMPLES)]
pub struct Arguments {
    /// Only what is overdue
    #[arg(long)]
    overdue: bool,
    /// Only of this kind, such as sampling_run, patrol, handover or clock
    #[arg(long)]
    kind: Option<String>,
    #[command(flatten)]
    moment: AsOf,
}

/// Runs it.
pub fn run(a: &Arguments, session: &Session) -> Result<()> {
    let out = session.out;
    let source = Source::open(session, a.moment.as_of)?;
    let told = source
        .view(Asked::path("/v1/obligations"), |past| made(calendar::obligations(&past.ledger, past.today)))?;
    let is_overdue = |owed: &&Value<'_>| text(owed, "standing") == Standing::Overdue.name();
    let wanted = |owed: &&Value<'_>| {
        (!a.overdue || is_overdue(owed)) && a.kind.as_deref().is_none_or(|kind| kind == text(owed, "kind"))
    };
    let found: Vec<&Value<'_>> = told.rows("rows").iter().filter(wanted).collect();
    if out.json {
        out.value(&told.json_of(&found));
        return Ok(());
    }
    told.at.announce(out);
    for owed in &found {
        out.line(line(owed, out));
    }
    let overdue = found.iter().filter(|owed| is_overdue(owed)).count();
    out.talk(out.text(Text::Obligations, &[&found.len(), &overdue]));
    told.say_digest(out);
    Ok(())
}

/// An obligation of the view in words.
pub fn line(owed: &Value<'_>, out: Out) -> String {
    let word = out.word(&text(owed, "standing").to_uppercase());
    let known = Kind::ALL.iter().find(|kind| kind.name() == text(owed, "kind"));
    let kind = known.map_or_else(|| text(owed, "kind").to_owned(), |kind| out.text(kind_text(*kind), &[]));
    let (due, stream, detail) = (roc_day(owed, "due"), text(owed, "stream"), text(owed, "detail"));
    format!("{word}  {due}  {kind}  {stream}  {detail}").trim_end().to_owned()
}

/// The words for what is owed.
fn kind_text(kind: Kind) -> Text {
    match kind {
        Kind::SamplingRun => Text::OwedSamplingRun,
        Kind::Patrol => Text::OwedPatrol,
        Kind::Handover => Text::OwedHandover,
        Kind::Assignment => Text::OwedAssignment,
        Kind::OrphanCase => Text::OwedOrphanCase,
        Kind::Clock => Text::OwedClock,
        Kind::Referral => Text::OwedReferral,
        Kind::ProsecutorAsked => Text::OwedProsecutorAsked,
        Kind::ExhibitStored => Text::OwedExhibitStored,
        Kind::ExhibitNamed => Text::OwedExhibitNamed,
        Kind::ShortOver => Text::OwedShortOver,
        Kind::Reveal => Text::OwedReveal,
        Kind::HoldReview => Text::OwedHoldReview,
        Kind::Overlanded => Text::OwedOverlanded,
        Kind::Return => Text::OwedReturn,
    }
}
