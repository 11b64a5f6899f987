//! `lian obligations`: what should have happened by a day and has not, or came late (義務日曆).

use clap::Args;
use lian_domain::{
    obligations::{Kind, Obligation, Standing},
    views::calendar,
};

use crate::{
    failure::Result,
    out::Out,
    past::{AsOf, damaged, past, say_digest, view_json},
    say::to_json,
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
    let past = past(session, a.moment.as_of)?;
    let view = calendar::obligations(&past.ledger, past.today).map_err(damaged)?;
    let wanted = |owed: &&Obligation| {
        (!a.overdue || owed.standing == Standing::Overdue)
            && a.kind.as_deref().is_none_or(|kind| kind == owed.kind.name())
    };
    let found: Vec<&Obligation> = view.rows.iter().filter(wanted).collect();
    if out.json {
        let mut value = view_json(&past, &view);
        value["data"]["rows"] = found.iter().map(|owed| to_json(&calendar::obligation_value(owed))).collect();
        out.value(&value);
        return Ok(());
    }
    past.announce(out);
    for owed in &found {
        out.line(line(owed, out));
    }
    let overdue = found.iter().filter(|owed| owed.standing == Standing::Overdue).count();
    out.talk(out.text(Text::Obligations, &[&found.len(), &overdue]));
    say_digest(&view, out);
    Ok(())
}

/// An obligation in words.
pub fn line(owed: &Obligation, out: Out) -> String {
    let word = owed.standing.name().to_uppercase();
    let kind = out.text(kind_text(owed.kind), &[]);
    let line =
        format!("{}  {}  {kind}  {}  {}", out.word(&word), owed.due.to_roc(), owed.stream, owed.detail);
    line.trim_end().to_owned()
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
