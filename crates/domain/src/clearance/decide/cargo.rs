//! The rules of one bag or house bill, step by step (domain table §2(b)).

use crate::{
    clearance::{
        around::{Ask, guard},
        event::{
            Act, Category, Class, Declared, Delegation, Event, Finding, From, Held, ImageRead, ImageReviewed,
            Imaged, LandedReported, Lane, LaneChanged, Merged, Reading, Released, TaxCovered, TaxSecured,
        },
        ids::{Actor, Warehouse},
        state::{Cargo, Declaration, Hold, Report, Stored, TaxStep, signed},
    },
    dates::Day,
    ids::DeclarationNo,
    refusal::Refusal,
};

type Verdict = Result<(), Refusal>;

pub(super) fn decide(cargo: Option<&Cargo>, event: &Event, ask: &Ask<'_>) -> Verdict {
    let Some(cargo) = cargo else {
        let opens = matches!(event.act, Act::Manifested(_) | Act::Found(_) | Act::GatedOut(_));
        return guard(opens, Refusal::CargoUnknown);
    };
    match &event.act {
        // Goods whose surplus was accepted as over-landed are settled by that, not by a late manifest.
        Act::Manifested(_) => {
            let unsettled = cargo.landed == 0 && cargo.report.is_none();
            guard(cargo.manifest.is_none() && unsettled, Refusal::CargoKnown)
        }
        Act::Amended(_) => guard(cargo.manifest.is_some(), Refusal::NotRegistered),
        Act::Found(_) => Err(Refusal::CargoKnown),
        Act::Warehoused(_) => guard(cargo.stored.is_none(), Refusal::AlreadyWarehoused),
        Act::Recounted(_) => is_stored(cargo).map(|_| ()),
        Act::Moved(moved) => {
            is_stored(cargo)?;
            guard(ask.brought(&moved.transfer, &event.at, moved.warehouse), Refusal::NotArrived)
        }
        Act::Declared(declared) => {
            is_open(cargo)?;
            guard(cargo.declared.is_none(), Refusal::AlreadyDeclared)?;
            may_declare(cargo, declared, ask)
        }
        Act::DeclarationCorrected(declared) => {
            is_declared(cargo)?;
            may_declare(cargo, declared, ask)?;
            ask.none_recused(cargo)?;
            guard(cargo.released == 0, Refusal::AfterRelease)
        }
        Act::Recused(event) => {
            guard(!cargo.recused.has(&event.officer), Refusal::NumberUsed)?;
            guard(!cargo.recused.is_full(), Refusal::TooManyOpen)
        }
        // Facts: they have happened.
        Act::GatedOut(_) | Act::TaxPaid(_) => Ok(()),
        _ => decide_way(cargo, event, ask),
    }
}

/// From screening to what an image and an inspection say.
fn decide_way(cargo: &Cargo, event: &Event, ask: &Ask<'_>) -> Verdict {
    match &event.act {
        Act::Advised(_) => guard(!cargo.outcome_known(), Refusal::OutcomeKnown),
        Act::Screened(_) => {
            is_open(cargo)?;
            is_declared(cargo)?;
            guard(cargo.screening.is_none(), Refusal::AlreadyScreened)
        }
        Act::LaneChanged(change) => lane_changed(cargo, change, ask),
        Act::Targeted(targeted) => {
            is_open(cargo)?;
            let basis = ask.target(&targeted.target, &event.at, cargo);
            guard(basis == Some(targeted.basis), Refusal::TargetNotLive)
        }
        Act::Booked(booked) => {
            is_open(cargo)?;
            is_declared(cargo)?;
            guard(cargo.screening.is_some(), Refusal::NotScreened)?;
            guard(cargo.exceptions.is_empty(), Refusal::ExceptionOpen)?;
            guard(cargo.live_slot(ask.today()).is_none(), Refusal::SlotLive)?;
            guard(booked.date >= ask.today(), Refusal::DayPast)
        }
        Act::Queued(queued) => queued_at(cargo, queued.warehouse, queued.date, ask.today()),
        Act::Presented(_) => presented(cargo, ask),
        Act::Imaged(imaged) => imaged_on(cargo, imaged),
        Act::AiSuggested(suggestion) => {
            let last = cargo.image.as_ref().is_some_and(|image| image.digest == suggestion.image);
            guard(last, Refusal::NoImage)
        }
        Act::ImageRead(read) => image_read(cargo, read, ask),
        Act::ImageReviewed(review) => image_reviewed(cargo, review, ask),
        Act::DocumentsReviewed(review) => {
            is_open(cargo)?;
            is_declared(cargo)?;
            may_handle(cargo, &review.officer)?;
            ask.none_recused(cargo)
        }
        Act::InspectionRequested(_) => {
            is_open(cargo)?;
            is_declared(cargo).map(|_| ())
        }
        Act::Inspected(inspected) => {
            is_open(cargo)?;
            is_stored(cargo)?;
            may_handle(cargo, &inspected.officer)?;
            ask.none_recused(cargo)?;
            guard(cargo.needs_inspection(), Refusal::InspectionNotOrdered)?;
            let allowed = !inspected.destructive || ask.context.signed_as("supervisor");
            guard(allowed, Refusal::SupervisorMustSign)
        }
        _ => decide_board(cargo, event, ask),
    }
}

/// The exception board, short and over, holds.
fn decide_board(cargo: &Cargo, event: &Event, ask: &Ask<'_>) -> Verdict {
    match &event.act {
        Act::ExceptionOpened(_) => guard(!cargo.exceptions.is_full(), Refusal::TooManyOpen),
        Act::ExceptionAnswered(answer) => has_exception(cargo, answer.exception),
        Act::ExceptionResolved(resolved) => {
            has_exception(cargo, resolved.exception)?;
            ask.none_recused(cargo)
        }
        Act::LandedReported(report) => landed_reported(cargo, report),
        Act::LandedCountersigned(_) => {
            guard(!waiting_report(cargo)?.countersigned, Refusal::AlreadyCountersigned)
        }
        Act::LandedAccepted(_) => {
            ask.none_recused(cargo)?;
            let stale = |report: &Report| cargo.counted() != Some(signed(report.counted));
            guard(!cargo.report.as_ref().is_some_and(stale), Refusal::FiguresDiffer)?;
            guard(waiting_report(cargo)?.countersigned, Refusal::NotCountersigned)
        }
        Act::LandedCorrected(corrected) => {
            is_stored(cargo)?;
            let counted = signed(corrected.counted.0);
            guard(cargo.counted() == Some(counted), Refusal::FiguresDiffer)?;
            guard(counted != cargo.expected(), Refusal::NoDifference)?;
            guard(cargo.reported_on.is_some(), Refusal::NoReport)
        }
        Act::LandedWithdrawn(_) => waiting_report(cargo).map(|_| ()),
        Act::Held(held) => hold(cargo, held, ask),
        Act::Lifted(lifted) => {
            ask.none_recused(cargo)?;
            has_hold(cargo, lifted.hold).map(|_| ())
        }
        Act::Seized(seized) => of_hold(cargo, seized.hold, seized.pieces.0, ask),
        Act::Returned(disposed) | Act::Abandoned(disposed) => {
            of_hold(cargo, disposed.hold, disposed.pieces.0, ask)
        }
        _ => decide_release(cargo, event, ask),
    }
}

/// The tax step, release and what comes after.
fn decide_release(cargo: &Cargo, event: &Event, ask: &Ask<'_>) -> Verdict {
    match &event.act {
        Act::TaxNil(_) => {
            let declared = is_declared(cargo)?;
            ask.none_recused(cargo)?;
            guard(cargo.tax.is_none(), Refusal::TaxDone)?;
            let free = !matches!(declared.category, Category::X3 | Category::X4 | Category::Full);
            guard(free && declared.restricted.is_empty(), Refusal::TaxNotNil)
        }
        Act::TaxSecured(TaxSecured { declaration, .. }) => secure(cargo, declaration, ask),
        Act::TaxCovered(TaxCovered { declaration, guarantee }) => {
            secure(cargo, declaration, ask)?;
            guard(ask.around.open_draw(guarantee, declaration), Refusal::DrawGone)
        }
        Act::TaxDeposited(_) => {
            is_declared(cargo)?;
            guard(cargo.tax.is_none(), Refusal::TaxDone)
        }
        Act::TaxReopened(_) => {
            ask.none_recused(cargo)?;
            guard(cargo.tax.is_some(), Refusal::TaxOpen)?;
            guard(cargo.released == 0, Refusal::AfterRelease)
        }
        Act::Released(released) => release(cargo, released, ask),
        Act::Reinspected(inspected) => {
            ask.none_recused(cargo)?;
            let waiting = cargo.waiting();
            guard(waiting == 0 || inspected.pieces.0 <= waiting, Refusal::TooManyPieces)?;
            guard(waiting > 0, Refusal::NotReleased)?;
            guard(!cargo.handled.has(&inspected.officer), Refusal::CheckerInvolved)
        }
        // No other act belongs to cargo.
        _ => Err(Refusal::CargoUnknown),
    }
}

fn is_open(cargo: &Cargo) -> Verdict {
    guard(cargo.at_hand() > 0 || cargo.waiting() > 0, Refusal::NothingLeft)
}

fn is_declared(cargo: &Cargo) -> Result<&Declaration, Refusal> {
    cargo.declared.as_ref().ok_or(Refusal::NotDeclared)
}

fn is_stored(cargo: &Cargo) -> Result<&Stored, Refusal> {
    cargo.stored.as_ref().ok_or(Refusal::NotWarehoused)
}

fn may_handle(cargo: &Cargo, officer: &Actor) -> Verdict {
    guard(cargo.handled.has(officer) || !cargo.handled.is_full(), Refusal::TooManyOpen)
}

fn has_exception(cargo: &Cargo, number: u64) -> Verdict {
    guard(cargo.exceptions.iter().any(|open| open.number == number), Refusal::NoSuchException)
}

fn has_hold(cargo: &Cargo, number: u64) -> Result<&Hold, Refusal> {
    cargo.holds.iter().find(|hold| hold.number == number).ok_or(Refusal::NoSuchHold)
}

fn waiting_report(cargo: &Cargo) -> Result<&Report, Refusal> {
    cargo.report.as_ref().ok_or(Refusal::NoReport)
}

fn may_declare(cargo: &Cargo, declared: &Declared, ask: &Ask<'_>) -> Verdict {
    guard(ask.is_licensed(declared.broker), Refusal::BrokerNotLicensed)?;
    let (low, high) = (ask.terms.value_low, ask.terms.value_high);
    let by_value = match declared.category {
        Category::X1 | Category::E1 | Category::Full => true,
        Category::X2 => declared.value <= low,
        Category::X3 => declared.value > low && declared.value <= high,
        Category::X4 | Category::E3 => declared.value > high,
        Category::E2 => declared.value <= high,
    };
    let by_class =
        declared.category == Category::Full || !matches!(cargo.class, Some(Class::General | Class::Airside));
    guard(by_value && by_class, Refusal::CategoryMismatch)?;
    let light = cargo.class != Some(Class::Express) || declared.grams <= ask.terms.bag_grams_max;
    guard(light, Refusal::TooHeavy)?;
    let represented = match (declared.delegation, declared.importer) {
        (Delegation::Bonded, _) => {
            matches!(declared.category, Category::X1 | Category::X2 | Category::X3)
        }
        // A broker that imports for itself needs nobody's word.
        (Delegation::Confirmed, Some(importer)) => {
            importer == declared.broker || ask.context.world.delegated(&declared.broker, &importer)
        }
        // What a natural person confirmed, the broker attests; who it is stays sealed.
        (Delegation::Confirmed, None) => true,
    };
    guard(represented, Refusal::DelegationMissing)
}

fn lane_changed(cargo: &Cargo, change: &LaneChanged, ask: &Ask<'_>) -> Verdict {
    is_open(cargo)?;
    guard(cargo.screening.is_some(), Refusal::NotScreened)?;
    guard(cargo.lane() == Some(change.from), Refusal::LaneDiffers)?;
    let down = change.to < change.from;
    guard(!down || ask.context.signed_as("supervisor"), Refusal::LaneDownNeedsSupervisor)?;
    guard(!down || !cargo.tipped, Refusal::LanePinned)?;
    ask.none_recused(cargo)
}

fn queued_at(cargo: &Cargo, warehouse: Warehouse, date: Day, today: Day) -> Verdict {
    is_open(cargo)?;
    guard(cargo.exceptions.is_empty(), Refusal::ExceptionOpen)?;
    let live = cargo.live_slot(today);
    guard(live.is_none_or(|slot| slot.number.is_none()), Refusal::SlotLive)?;
    let booked = live.is_some_and(|slot| slot.warehouse == warehouse && slot.date == date);
    guard(booked, Refusal::NoSlot)
}

/// Express cargo waits for its turn; other classes are laid on when they are ready.
fn presented(cargo: &Cargo, ask: &Ask<'_>) -> Verdict {
    is_open(cargo)?;
    is_stored(cargo)?;
    if matches!(cargo.class, Some(Class::General | Class::Airside)) {
        return Ok(());
    }
    let slot = cargo.slot.as_ref().ok_or(Refusal::NoSlot)?;
    let number = slot.number.ok_or(Refusal::NoSlot)?;
    guard(ask.was_called(&slot.warehouse, slot.date, number), Refusal::NotCalled)
}

fn imaged_on(cargo: &Cargo, imaged: &Imaged) -> Verdict {
    is_open(cargo)?;
    let lies_there = cargo.presented.as_ref().is_some_and(|laid| laid.line == imaged.line);
    guard(lies_there, Refusal::NotPresented)?;
    let category = cargo.declared.as_ref().map(|declared| declared.category);
    let allowed = match imaged.merged {
        None | Some(Merged::Announced) => true,
        Some(Merged::Papers) => matches!(category, Some(Category::X1 | Category::E1)),
        Some(Merged::Exports) => matches!(category, Some(Category::E1 | Category::E2 | Category::E3)),
    };
    guard(allowed, Refusal::MergedBags)
}

fn image_read(cargo: &Cargo, read: &ImageRead, ask: &Ask<'_>) -> Verdict {
    is_open(cargo)?;
    may_handle(cargo, &read.officer)?;
    let image = cargo.image.as_ref();
    guard(image.is_some_and(|image| image.line == read.line), Refusal::NotPresented)?;
    guard(image.is_some_and(|image| image.digest == read.image), Refusal::NoImage)?;
    let advised = ask.rostered(&read.line, &read.officer).ok_or(Refusal::NotRostered)?;
    let alone = ask.certified(&read.officer).ok_or(Refusal::NotCertified)?;
    guard(alone || advised || ask.context.signed_as("supervisor"), Refusal::NewOfficerAlone)?;
    ask.none_recused(cargo)?;
    guard(image.is_some_and(|image| image.reading.is_none()), Refusal::AlreadyRead)
}

fn image_reviewed(cargo: &Cargo, review: &ImageReviewed, ask: &Ask<'_>) -> Verdict {
    let image = cargo.image.as_ref().filter(|image| image.digest == review.image);
    let first = image.and_then(|image| image.reading.as_ref()).ok_or(Refusal::NoImage)?;
    ask.none_recused(cargo)?;
    let independent = first.unit != review.unit && first.officer != review.officer;
    guard(independent, Refusal::CheckerInvolved)?;
    let months = u32::try_from(ask.terms.review_months).unwrap_or(u32::MAX);
    guard(ask.today() <= first.on.plus_months(months), Refusal::ReviewWindowOver)
}

fn landed_reported(cargo: &Cargo, report: &LandedReported) -> Verdict {
    is_stored(cargo)?;
    let (manifest, counted) = (signed(report.manifest.0), signed(report.counted.0));
    let agree = manifest == cargo.expected() && cargo.counted() == Some(counted);
    guard(agree, Refusal::FiguresDiffer)?;
    guard(manifest != counted, Refusal::NoDifference)?;
    guard(cargo.report.is_none(), Refusal::ReportOpen)
}

fn hold(cargo: &Cargo, held: &Held, ask: &Ask<'_>) -> Verdict {
    guard(!cargo.holds.is_full(), Refusal::TooManyOpen)?;
    guard(held.review_by >= ask.today(), Refusal::DayPast)?;
    let there = match held.from {
        From::Hand => cargo.at_hand(),
        From::Released => signed(cargo.waiting()),
    };
    guard(signed(held.pieces.0) <= there, Refusal::TooManyPieces)
}

fn of_hold(cargo: &Cargo, number: u64, pieces: u64, ask: &Ask<'_>) -> Verdict {
    ask.none_recused(cargo)?;
    guard(pieces <= has_hold(cargo, number)?.pieces, Refusal::TooManyPieces)
}

/// A step that rests on a draw which is open no more may be done again.
fn secure(cargo: &Cargo, declaration: &DeclarationNo, ask: &Ask<'_>) -> Verdict {
    let declared = is_declared(cargo)?;
    guard(cargo.tax.is_none() || !draw_stands(cargo, ask), Refusal::TaxDone)?;
    guard(declared.declaration == *declaration, Refusal::WrongDeclaration)
}

/// False only if the tax step rests on a draw that is not open.
fn draw_stands(cargo: &Cargo, ask: &Ask<'_>) -> bool {
    let (Some(tax), Some(declared)) = (&cargo.tax, &cargo.declared) else { return true };
    match (tax.step, &tax.guarantee) {
        (TaxStep::Secured | TaxStep::Covered, Some(guarantee)) => {
            ask.around.open_draw(guarantee, &declared.declaration)
        }
        _ => true,
    }
}

fn release(cargo: &Cargo, released: &Released, ask: &Ask<'_>) -> Verdict {
    let declared = is_declared(cargo)?;
    is_stored(cargo)?;
    let lane = cargo.lane().filter(|_| cargo.screening.is_some()).ok_or(Refusal::NotScreened)?;
    guard(cargo.exceptions.is_empty(), Refusal::ExceptionOpen)?;
    ask.none_recused(cargo)?;
    guard(signed(released.pieces.0) <= cargo.at_hand(), Refusal::TooManyPieces)?;
    guard(draw_stands(cargo, ask), Refusal::DrawGone)?;
    guard(!cargo.landed_differs(), Refusal::ShortoverOpen)?;
    let inspected = cargo.inspection == Some(Finding::Ok);
    let reading = cargo.image.as_ref().and_then(|image| image.reading.as_ref());
    let clear = reading.is_some_and(|seen| seen.verdict == Reading::Clear);
    guard(!cargo.needs_image() || clear || inspected, Refusal::ImageMissing)?;
    let checked_by_officer = lane != Lane::C1;
    guard(!checked_by_officer || cargo.documents == Some(Finding::Ok), Refusal::DocumentsMissing)?;
    guard(!cargo.needs_inspection() || inspected, Refusal::InspectionMissing)?;
    guard(cargo.tax.is_some(), Refusal::TaxOpen)?;
    guard(!checked_by_officer || ask.context.signed_as("officer"), Refusal::OfficerMustRelease)?;
    guard(!ask.around.stopped(&declared.declaration), Refusal::DeclarationStopped)
}
