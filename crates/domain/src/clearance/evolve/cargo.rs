//! One bag or house bill after an event.

use super::{Contradiction, Effects, Record, impossible};
use crate::{
    clearance::{
        event::{
            Act, Advised, Amended, Basis, Class, Declared, Finding, Found, From, GatedOut, Held, ImageRead,
            LandedCorrected, LandedReported, Lane, Manifested, Reading,
        },
        ids::Warehouse,
        rules::days,
        state::{
            Advice, Cargo, Declaration, Flag, Hold, Image, Laid, Manifest, OpenException, Report, Screening,
            Seen, Slot, State, Stored, Tax, TaxStep, amendment_is_late, grown, manifest_is_late, signed,
        },
    },
    dates::Day,
    ids::GuaranteeNo,
    money::Twd,
};

type Done = Result<(), Contradiction>;

/// The first event of a cargo.
pub(super) fn opened(act: &Act, record: &Record<'_>) -> Result<(State, Effects), Contradiction> {
    let mut cargo = Box::new(Cargo::unknown());
    match act {
        Act::Manifested(manifest) => manifested(&mut cargo, manifest, record)?,
        Act::Found(found) => was_found(&mut cargo, found),
        Act::GatedOut(out) => {
            cargo.flags.insert(Flag::Unmanifested);
            cargo.discovered = true;
            gated_out(&mut cargo, out);
        }
        _ => return impossible("begin with this"),
    }
    Ok((State::Cargo(cargo), Effects::default()))
}

/// Every later one.
pub(super) fn moved(cargo: &mut Cargo, act: &Act, record: &Record<'_>) -> Done {
    match act {
        Act::Manifested(manifest) => manifested(cargo, manifest, record)?,
        Act::Amended(amended) => amend(cargo, amended, record)?,
        Act::Declared(declared) => {
            if cargo.declared.is_some() {
                return impossible("be declared twice");
            }
            cargo.declared = Some(declaration(declared, record.today));
        }
        Act::DeclarationCorrected(declared) => {
            let on = cargo.declared.as_ref().ok_or(Contradiction("correct what was not declared"))?.on;
            cargo.declared = Some(declaration(declared, on));
            if cargo.discovered {
                cargo.flags.insert(Flag::AmendedAfterDiscovery);
            }
        }
        Act::Warehoused(event) => {
            if cargo.stored.is_some() {
                return impossible("be warehoused twice");
            }
            let (completed_at, counted) = (event.completed_at, event.pieces.0);
            cargo.stored = Some(Stored { completed_at, counted, warehouse: event.warehouse });
        }
        Act::Recounted(event) => stored(cargo)?.counted = event.pieces.0,
        Act::Moved(event) => {
            stored(cargo)?.warehouse = event.warehouse;
            cargo.presented = None;
        }
        Act::Recused(event) => cargo.recused.insert(event.officer.clone()),
        _ => way(cargo, act, record)?,
    }
    Ok(())
}

/// From screening to what an image and an inspection say.
fn way(cargo: &mut Cargo, act: &Act, record: &Record<'_>) -> Done {
    match act {
        Act::Advised(advice) => advised(cargo, advice),
        Act::Screened(event) => {
            let (model, rules) = (event.model, event.rules);
            cargo.screening = Some(Screening { lane: event.lane, mode: event.mode, model, rules });
        }
        Act::LaneChanged(change) => {
            let Some(screening) = &mut cargo.screening else {
                return impossible("leave a lane it is not in");
            };
            screening.lane = change.to;
            if change.to != Lane::C3 {
                cargo.target = None;
            }
        }
        Act::Targeted(hit) => {
            cargo.target = Some(hit.target);
            cargo.tipped |= hit.basis == Basis::Tip;
        }
        Act::Booked(booked) => {
            cargo.slot = Some(Slot { date: booked.date, number: None, warehouse: booked.warehouse });
        }
        Act::Queued(queued) => {
            let (date, number) = (queued.date, Some(queued.number));
            cargo.slot = Some(Slot { date, number, warehouse: queued.warehouse });
        }
        Act::Presented(presented) => {
            cargo.presented = Some(Laid { at: presented.at, line: presented.line });
            cargo.slot = None;
        }
        Act::Imaged(event) => {
            cargo.image = Some(Image { ai: 0, digest: event.image, line: event.line, reading: None });
        }
        Act::AiSuggested(_) => {
            let Some(image) = &mut cargo.image else { return impossible("see an image that is not there") };
            image.ai = grown(image.ai, 1);
        }
        Act::ImageRead(read) => image_read(cargo, read, record.today)?,
        Act::ImageReviewed(review) => {
            let image = cargo.image.as_ref().and_then(|image| image.reading.as_ref());
            let Some(first) = image else { return impossible("review what was not read") };
            if first.verdict != review.verdict {
                cargo.flags.insert(Flag::ReviewDiffers);
            }
            cargo.reviews = grown(cargo.reviews, 1);
        }
        Act::DocumentsReviewed(review) => {
            cargo.handled.insert(review.officer.clone());
            cargo.documents = Some(review.finding);
            cargo.discovered |= review.finding != Finding::Ok;
        }
        Act::InspectionRequested(_) => inspection_asked(cargo, record),
        Act::Inspected(event) => {
            cargo.handled.insert(event.officer.clone());
            cargo.inspection = Some(event.finding);
            cargo.discovered |= event.finding != Finding::Ok;
        }
        _ => board(cargo, act, record)?,
    }
    Ok(())
}

/// The exception board, short and over, holds.
fn board(cargo: &mut Cargo, act: &Act, record: &Record<'_>) -> Done {
    match act {
        Act::ExceptionOpened(event) => {
            cargo.exceptions_made = grown(cargo.exceptions_made, 1);
            cargo.exceptions.0.push(OpenException {
                answered: false,
                broker_box: event.broker_box,
                exception: event.exception,
                number: cargo.exceptions_made,
                on: record.today,
                pieces: event.pieces.0,
                storage: event.storage,
            });
            cargo.discovered = true;
        }
        Act::ExceptionAnswered(answer) => {
            let open = cargo.exceptions.0.iter_mut().find(|open| open.number == answer.exception);
            open.ok_or(Contradiction("answer an exception that is not open"))?.answered = true;
        }
        Act::ExceptionResolved(event) => {
            let open = cargo.exceptions.iter().position(|open| open.number == event.exception);
            cargo.exceptions.0.remove(open.ok_or(Contradiction("resolve an exception that is not open"))?);
        }
        Act::LandedReported(report) => landed_reported(cargo, report, record)?,
        Act::LandedCountersigned(_) => {
            let report = cargo.report.as_mut().ok_or(Contradiction("sign a report that does not wait"))?;
            report.countersigned = true;
        }
        Act::LandedAccepted(_) => {
            let report = cargo.report.take().ok_or(Contradiction("accept a report that does not wait"))?;
            cargo.landed += signed(report.counted) - cargo.expected();
            note_correction(cargo);
        }
        Act::LandedCorrected(corrected) => landed_corrected(cargo, corrected, record),
        Act::LandedWithdrawn(_) => {
            mended(cargo, record);
            cargo.report.take().ok_or(Contradiction("withdraw a report that does not wait"))?;
        }
        Act::Held(event) => held(cargo, event, record.today)?,
        Act::Lifted(event) => {
            let position = cargo.holds.iter().position(|hold| hold.number == event.hold);
            cargo.holds.0.remove(position.ok_or(Contradiction("lift a hold that is not open"))?);
        }
        Act::Seized(event) => {
            take_from_hold(cargo, event.hold, event.pieces.0)?;
            cargo.seized = grown(cargo.seized, event.pieces.0);
            cargo.discovered = true;
        }
        Act::Returned(event) => {
            take_from_hold(cargo, event.hold, event.pieces.0)?;
            cargo.returned = grown(cargo.returned, event.pieces.0);
        }
        Act::Abandoned(event) => {
            take_from_hold(cargo, event.hold, event.pieces.0)?;
            cargo.abandoned = grown(cargo.abandoned, event.pieces.0);
        }
        _ => release(cargo, act)?,
    }
    Ok(())
}

/// The tax step, release and what comes after.
fn release(cargo: &mut Cargo, act: &Act) -> Done {
    match act {
        Act::TaxNil(_) => taxed(cargo, TaxStep::Nil, None, None),
        Act::TaxPaid(paid) => match cargo.tax.as_ref().map(|tax| tax.step) {
            // Money for a tax step that was done otherwise than on credit belongs nowhere.
            Some(TaxStep::Nil | TaxStep::Paid | TaxStep::Deposit) => cargo.flags.insert(Flag::TaxStray),
            _ => taxed(cargo, TaxStep::Paid, Some(paid.amount), None),
        },
        Act::TaxSecured(event) => taxed(cargo, TaxStep::Secured, Some(event.amount), Some(event.guarantee)),
        Act::TaxCovered(event) => taxed(cargo, TaxStep::Covered, None, Some(event.guarantee)),
        Act::TaxDeposited(event) => taxed(cargo, TaxStep::Deposit, Some(event.amount), None),
        Act::TaxReopened(_) => cargo.tax = None,
        Act::Released(event) => cargo.released = grown(cargo.released, event.pieces.0),
        Act::Reinspected(event) => {
            if event.finding != Finding::Ok {
                cargo.abnormal = true;
                cargo.discovered = true;
                cargo.inspection = Some(event.finding);
            }
        }
        Act::GatedOut(out) => gated_out(cargo, out),
        _ => return impossible("do this"),
    }
    Ok(())
}

fn manifested(cargo: &mut Cargo, manifest: &Manifested, record: &Record<'_>) -> Done {
    if cargo.manifest.is_some() || cargo.landed != 0 {
        return impossible("be manifested twice");
    }
    let late = manifest_is_late(record.at, manifest.arrival_at, manifest.long_leg, record.terms);
    if late {
        cargo.flags.insert(Flag::ManifestLate);
    }
    note_correction(cargo);
    cargo.class = Some(manifest.class);
    cargo.manifest = Some(Manifest {
        arrival_at: manifest.arrival_at,
        carrier: manifest.carrier,
        flight: manifest.flight,
        forwarder: manifest.forwarder,
        late,
        pieces: manifest.pieces.0,
    });
    Ok(())
}

fn was_found(cargo: &mut Cargo, found: &Found) {
    cargo.class = Some(found.class);
    cargo.flags.insert(Flag::Unmanifested);
    cargo.discovered = true;
    let (completed_at, counted) = (found.completed_at, found.pieces.0);
    cargo.stored = Some(Stored { completed_at, counted, warehouse: found.warehouse });
}

fn amend(cargo: &mut Cargo, amended: &Amended, record: &Record<'_>) -> Done {
    let Some(manifest) = &cargo.manifest else { return impossible("amend what was not manifested") };
    if amendment_is_late(record.at, manifest.arrival_at, manifest.late, record.terms) {
        cargo.flags.insert(Flag::AmendmentLate);
    }
    cargo.amended += signed(amended.pieces.0) - cargo.expected();
    note_correction(cargo);
    Ok(())
}

/// Discovery came first: the correction does not excuse.
fn note_correction(cargo: &mut Cargo) {
    if cargo.discovered {
        cargo.flags.insert(Flag::AmendedAfterDiscovery);
    }
}

fn declaration(declared: &Declared, on: Day) -> Declaration {
    Declaration {
        broker: declared.broker,
        category: declared.category,
        declaration: declared.declaration,
        importer: declared.importer,
        on,
        restricted: declared.restricted.clone(),
    }
}

fn stored(cargo: &mut Cargo) -> Result<&mut Stored, Contradiction> {
    cargo.stored.as_mut().ok_or(Contradiction("be counted where it is not"))
}

/// One line for each source, ascending: there are as many as the list holds.
fn advised(cargo: &mut Cargo, event: &Advised) {
    let lines = &mut cargo.advice.0;
    let position = lines.binary_search_by_key(&event.source, |line| line.source).unwrap_or_else(|position| {
        let line = Advice { flagged: 0, model: event.model, pieces: 0, source: event.source };
        lines.insert(position, line);
        position
    });
    let line = &mut lines[position];
    line.model = event.model;
    line.pieces = grown(line.pieces, 1);
    line.flagged = grown(line.flagged, u64::from(event.flagged));
}

fn image_read(cargo: &mut Cargo, read: &ImageRead, today: Day) -> Done {
    let Some(image) = &mut cargo.image else { return impossible("see an image that is not there") };
    image.reading = Some(Seen {
        ai_first: image.ai > 0,
        blind: read.blind,
        officer: read.officer.clone(),
        on: today,
        unit: read.unit.clone(),
        verdict: read.verdict,
    });
    cargo.handled.insert(read.officer.clone());
    if read.verdict == Reading::Abnormal {
        cargo.abnormal = true;
        cargo.discovered = true;
        // Whatever was found in order before, it was before this.
        cargo.inspection = None;
    }
    Ok(())
}

fn inspection_asked(cargo: &mut Cargo, record: &Record<'_>) {
    let since = cargo.declared.as_ref().map_or(record.today, |declared| declared.on);
    let class = cargo.class.unwrap_or(Class::Express);
    if record.today.number() - since.number() > record.terms.inspection_days(class) {
        cargo.flags.insert(Flag::InspectionLate);
    }
    cargo.inspection_asked = true;
}

fn landed_reported(cargo: &mut Cargo, report: &LandedReported, record: &Record<'_>) -> Done {
    let completed = stored(cargo)?.completed_at.day();
    let class = cargo.class.unwrap_or(Class::Express);
    if record.today.number() - completed.number() > record.terms.landed_days(class) {
        cargo.flags.insert(Flag::ShortoverLate);
    }
    cargo.report = Some(Report {
        counted: report.counted.0,
        countersigned: report.airline.is_some(),
        manifest: report.manifest.0,
    });
    cargo.reported_on = Some(record.today);
    Ok(())
}

fn landed_corrected(cargo: &mut Cargo, corrected: &LandedCorrected, record: &Record<'_>) {
    mended(cargo, record);
    cargo.report = Some(Report {
        counted: corrected.counted.0,
        countersigned: corrected.airline.is_some(),
        manifest: u64::try_from(cargo.expected()).unwrap_or(0),
    });
}

/// The time for mending counts from the report, however often it is mended.
fn mended(cargo: &mut Cargo, record: &Record<'_>) {
    let since = cargo.reported_on.map_or(0, |on| record.today.number() - on.number());
    if since > days(record.terms.landed_correction_days) {
        cargo.flags.insert(Flag::ShortoverCorrectedLate);
    }
}

fn held(cargo: &mut Cargo, event: &Held, today: Day) -> Done {
    if event.from == From::Released {
        let left = cargo.released.checked_sub(event.pieces.0).filter(|left| *left >= cargo.gone);
        cargo.released = left.ok_or(Contradiction("hold released pieces that are gone"))?;
    }
    cargo.holds_made = grown(cargo.holds_made, 1);
    cargo.holds.0.push(Hold {
        basis: event.basis,
        number: cargo.holds_made,
        on: today,
        pieces: event.pieces.0,
        review_by: event.review_by,
    });
    cargo.tipped |= event.basis == Basis::Tip;
    cargo.discovered = true;
    Ok(())
}

fn take_from_hold(cargo: &mut Cargo, number: u64, pieces: u64) -> Done {
    let position = cargo.holds.iter().position(|hold| hold.number == number);
    let position = position.ok_or(Contradiction("take pieces from a hold that is not open"))?;
    let hold = &mut cargo.holds.0[position];
    hold.pieces = hold.pieces.checked_sub(pieces).ok_or(Contradiction("take more than a hold holds"))?;
    if hold.pieces == 0 {
        cargo.holds.0.remove(position);
    }
    Ok(())
}

fn taxed(cargo: &mut Cargo, step: TaxStep, amount: Option<Twd>, guarantee: Option<GuaranteeNo>) {
    cargo.tax = Some(Tax { amount, guarantee, step });
}

/// Pieces beyond those released left without release: counted apart for ever, so that no later
/// release can make them good.
fn gated_out(cargo: &mut Cargo, out: &GatedOut) {
    let on_release = out.pieces.0.min(cargo.waiting());
    let without = out.pieces.0 - on_release;
    cargo.gone = grown(cargo.gone, on_release);
    cargo.gone_unreleased = grown(cargo.gone_unreleased, without);
    if without > 0 {
        cargo.flags.insert(Flag::GatedOutWithoutRelease);
    }
    let elsewhere = |warehouse: Warehouse| warehouse != out.warehouse;
    if cargo.stored.as_ref().is_some_and(|stored| elsewhere(stored.warehouse)) {
        cargo.flags.insert(Flag::WrongWarehouse);
    }
}
