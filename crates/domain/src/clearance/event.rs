//! What can happen to cargo and around it, typed. Invariant: an `Event` exists only for data of the
//! one spelling, on a stream of the kind's own family; every list is bounded by its type.
//! No free text: reasons are codes; what can hold a person's data is sealed or null.

mod around;
mod cargo;

pub use around::*;
pub use cargo::*;

use lian_core::json::{Fields, SchemaError, Value};

use super::{
    ids::{Actor, Flight, Hawb, Line, Mark, Mawb, Warehouse},
    member::{Record, names},
};
use crate::{dates::Day, filing::ReaderClass, ids::Ubn, money::Twd};

names! {
    /// Which kind of stream an event belongs to.
    Family: "must be a family of streams" {
        Broker = "broker", "`broker/<business number>`.";
        Cargo = "cargo", "`cargo/<master waybill>/<bag or house bill>`.";
        Certificate = "certificate", "`certificate/<actor>`.";
        Flight = "flight", "`flight/<flight>/<date>`.";
        Card = "gatecard", "`gatecard/<number>`.";
        Mawb = "mawb", "`mawb/<master waybill>`.";
        Queue = "queue", "`queue/<warehouse>/<date>`.";
        Roster = "roster", "`roster/<date>/<line>`, or `duty` in place of the line.";
        Target = "target", "`target/<number>`.";
        Transfer = "transfer", "`transfer/<number>`.";
    }
}

/// The stream of an event, typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A broker's licence.
    Broker(Ubn),
    /// A bag or house bill.
    Cargo(Mawb, Hawb),
    /// An officer's certificate.
    Certificate(Actor),
    /// A flight's passengers.
    Flight(Flight, Day),
    /// A gate card.
    Card(Mark),
    /// A master waybill.
    Mawb(Mawb),
    /// The queue of a warehouse on a day.
    Queue(Warehouse, Day),
    /// A line on a day; `None` is the list of those on duty.
    Roster(Day, Option<Line>),
    /// A targeting mark.
    Target(Mark),
    /// A transfer.
    Transfer(Mark),
}

impl Place {
    /// Reads the id of a stream of that family.
    fn parse(family: Family, stream: &str) -> Option<Self> {
        let tail = stream.strip_prefix(family.as_str())?.strip_prefix('/')?;
        let pair = tail.split_once('/');
        match family {
            Family::Broker => Ubn::parse(tail).map(Self::Broker),
            Family::Cargo => {
                pair.and_then(|(mawb, hawb)| Some(Self::Cargo(Mawb::parse(mawb)?, Hawb::parse(hawb)?)))
            }
            Family::Certificate => Actor::parse(tail).map(Self::Certificate),
            Family::Flight => {
                pair.and_then(|(flight, day)| Some(Self::Flight(Flight::parse(flight)?, Day::parse(day)?)))
            }
            Family::Card => Mark::parse(tail).map(Self::Card),
            Family::Mawb => Mawb::parse(tail).map(Self::Mawb),
            Family::Queue => {
                pair.and_then(|(house, day)| Some(Self::Queue(Warehouse::parse(house)?, Day::parse(day)?)))
            }
            Family::Roster => pair.and_then(|(day, line)| {
                let line = if line == "duty" { None } else { Some(Line::parse(line)?) };
                Some(Self::Roster(Day::parse(day)?, line))
            }),
            Family::Target => Mark::parse(tail).map(Self::Target),
            Family::Transfer => Mark::parse(tail).map(Self::Transfer),
        }
    }
}

/// Alternatives of the capacities that must sign: the issuers' capacities are exactly one of the
/// multisets.
type Alternatives = &'static [&'static [&'static str]];

/// One kind of the family.
pub(super) struct Row {
    /// Its name.
    pub kind: &'static str,
    /// Whose stream it belongs to.
    pub family: Family,
    /// Who must sign.
    pub authority: Alternatives,
    /// Who may read.
    pub reader: ReaderClass,
    /// JSON pointers of the members that may be sealed.
    pub sealable: &'static [&'static str],
    read: fn(&mut Fields<'_, '_>) -> Result<Act, SchemaError>,
}

/// Makes the sum of all acts and the table of their kinds, ascending by kind.
macro_rules! acts {
    ($($kind:literal $family:ident $variant:ident($record:ty) $reader:ident $authority:tt $sealable:tt;)*) => {
        /// What happened.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Act {
            $(#[doc = concat!("`", $kind, "`.")] $variant($record),)*
        }

        const ROWS: &[Row] = &[$(Row {
            kind: $kind,
            family: Family::$family,
            authority: &$authority,
            reader: ReaderClass::$reader,
            sealable: &$sealable,
            read: |fields| <$record as Record>::of(fields).map(Act::$variant),
        }),*];
    };
}

acts! {
    "broker.licensed" Broker Licensed(Licensed) Public [&["officer", "supervisor"]] [];
    "broker.reinstated" Broker Reinstated(BrokerReinstated) Public [&["officer", "supervisor"]] [];
    "broker.revoked" Broker LicenceRevoked(Reason) Public [&["officer", "supervisor"]] [];
    "broker.suspended" Broker LicenceSuspended(BrokerSuspended) Public [&["officer", "supervisor"]] [];
    "cargo.abandoned" Cargo Abandoned(Disposed) House [&["officer"]] [];
    "cargo.advised" Cargo Advised(Advised) House [&["screening"]] [];
    "cargo.ai_suggested" Cargo AiSuggested(Box<AiSuggested>) House [&["screening"]] [];
    "cargo.amended" Cargo Amended(Amended) Parties [&["airline"], &["forwarder"]] [];
    "cargo.booked" Cargo Booked(Booked) Parties [&["broker"]] [];
    "cargo.declaration_corrected" Cargo DeclarationCorrected(Box<Declared>) Parties
        [&["broker", "officer"]] ["/person"];
    "cargo.declared" Cargo Declared(Box<Declared>) Parties [&["broker"]] ["/person"];
    "cargo.documents_reviewed" Cargo DocumentsReviewed(DocumentsReviewed) House [&["officer"]] [];
    "cargo.exception_answered" Cargo ExceptionAnswered(ExceptionAnswered) Parties [&["broker"]] [];
    "cargo.exception_opened" Cargo ExceptionOpened(Box<ExceptionOpened>) Parties
        [&["warehouse"]] ["/note"];
    "cargo.exception_resolved" Cargo ExceptionResolved(ExceptionResolved) Parties
        [&["officer"], &["broker", "officer"]] [];
    "cargo.found" Cargo Found(Found) Parties [&["warehouse"]] [];
    "cargo.gated_out" Cargo GatedOut(GatedOut) Parties [&["warehouse"], &["gate"]] [];
    "cargo.held" Cargo Held(Held) House [&["officer"]] [];
    "cargo.image_read" Cargo ImageRead(Box<ImageRead>) House [&["officer"], &["officer", "supervisor"]] [];
    "cargo.image_reviewed" Cargo ImageReviewed(ImageReviewed) House [&["officer"]] [];
    "cargo.imaged" Cargo Imaged(Imaged) Parties [&["warehouse"]] [];
    "cargo.inspected" Cargo Inspected(Inspected) House
        [&["officer"], &["officer", "supervisor"]] [];
    "cargo.inspection_requested" Cargo InspectionRequested(InspectionRequested) Parties
        [&["broker"]] [];
    "cargo.lane_changed" Cargo LaneChanged(LaneChanged) House
        [&["officer"], &["supervisor"], &["officer", "supervisor"]] [];
    "cargo.lifted" Cargo Lifted(Lifted) House [&["officer"]] [];
    "cargo.manifested" Cargo Manifested(Box<Manifested>) Parties
        [&["airline"], &["forwarder"]] ["/consignee", "/consignor", "/goods"];
    "cargo.moved" Cargo Moved(Moved) Parties [&["warehouse"]] [];
    "cargo.presented" Cargo Presented(Presented) Parties [&["warehouse"]] [];
    "cargo.queued" Cargo Queued(Queued) Parties [&["queue"]] [];
    "cargo.recounted" Cargo Recounted(Recounted) Parties [&["warehouse"]] [];
    "cargo.recused" Cargo Recused(CargoRecused) House [&["officer"], &["supervisor"]] [];
    "cargo.reinspected" Cargo Reinspected(Reinspected) House
        [&["integrity"], &["officer"], &["integrity", "officer"]] [];
    "cargo.released" Cargo Released(Released) Parties [&["release"], &["officer"]] [];
    "cargo.returned" Cargo Returned(Disposed) House [&["officer"]] [];
    "cargo.screened" Cargo Screened(Screened) Parties [&["screening"]] [];
    "cargo.seized" Cargo Seized(Box<Seized>) House
        [&["officer"], &["officer", "supervisor"]] ["/owner", "/witness"];
    "cargo.shortover_accepted" Cargo LandedAccepted(LandedAccepted) Parties [&["officer"]] [];
    "cargo.shortover_corrected" Cargo LandedCorrected(LandedCorrected) Parties
        [&["warehouse"], &["airline", "warehouse"]] [];
    "cargo.shortover_countersigned" Cargo LandedCountersigned(LandedCountersigned) Parties
        [&["airline"]] [];
    "cargo.shortover_reported" Cargo LandedReported(LandedReported) Parties
        [&["warehouse"], &["airline", "warehouse"]] [];
    "cargo.shortover_withdrawn" Cargo LandedWithdrawn(LandedWithdrawn) Parties [&["warehouse"]] [];
    "cargo.targeted" Cargo Targeted(Targeted) House [&["screening"], &["officer"]] [];
    "cargo.tax_covered" Cargo TaxCovered(TaxCovered) Parties [&["release"], &["officer"]] [];
    "cargo.tax_deposited" Cargo TaxDeposited(TaxDeposited) Parties
        [&["treasury"], &["officer", "treasury"]] [];
    "cargo.tax_nil" Cargo TaxNil(TaxNil) Parties [&["release"], &["officer"]] [];
    "cargo.tax_paid" Cargo TaxPaid(TaxPaid) Parties [&["treasury"]] [];
    "cargo.tax_reopened" Cargo TaxReopened(TaxReopened) Parties [&["officer"]] [];
    "cargo.tax_secured" Cargo TaxSecured(TaxSecured) Parties [&["release"], &["officer"]] [];
    "cargo.warehoused" Cargo Warehoused(Warehoused) Parties [&["warehouse"]] [];
    "flight.flagged" Flight Flagged(PassengerFlagged) House [&["screening"]] ["/passenger"];
    "flight.referred" Flight Referred(ReferralResult) House [&["officer"]] [];
    "flight.scored" Flight Scored(FlightScored) House [&["screening"]] [];
    "gatecard.denied" Card Denied(Box<Entered>) House [&["gate"], &["warehouse"]] [];
    "gatecard.entered" Card Entered(Box<Entered>) House [&["gate"], &["warehouse"]] [];
    "gatecard.entry_applied" Card EntryApplied(EntryApplied) Parties [&["broker"]] [];
    "gatecard.issued" Card CardIssued(Box<CardIssued>) House [&["officer"]] ["/holder"];
    "gatecard.left" Card Left(Left) House [&["gate"], &["warehouse"]] [];
    "gatecard.replaced" Card CardReplaced(CardReplaced) House [&["officer"]] [];
    "gatecard.revoked" Card CardRevoked(Reason) House [&["officer"]] [];
    "mawb.amended" Mawb MawbAmended(MawbAmended) Parties [&["airline"], &["forwarder"]] [];
    "mawb.arrived" Mawb MawbArrived(MawbArrived) Parties [&["airline"]] [];
    "mawb.manifested" Mawb MawbManifested(MawbManifested) Parties [&["airline"], &["forwarder"]] [];
    "officer.certificate_withdrawn" Certificate CertificateWithdrawn(Reason) House
        [&["supervisor"]] [];
    "officer.certified" Certificate Certified(Certified) House [&["supervisor"]] [];
    "officer.recusal_ended" Certificate RecusalEnded(Party) House [&["supervisor"]] [];
    "officer.recused" Certificate OfficerRecused(Party) House [&["officer"], &["supervisor"]] [];
    "queue.allocated" Queue Allocated(Allocated) Parties [&["queue"]] [];
    "queue.called" Queue Called(Called) Parties [&["warehouse"]] [];
    "queue.skipped" Queue Skipped(Skipped) Parties [&["warehouse"]] [];
    "roster.adviser_assigned" Roster AdviserAssigned(AdviserAssigned) House [&["supervisor"]] [];
    "roster.assigned" Roster Assigned(Assigned) House [&["supervisor"]] [];
    "roster.disclosed" Roster Disclosed(Disclosed) House [&["supervisor"]] [];
    "roster.withdrawn" Roster Withdrawn(Assigned) House [&["supervisor"]] [];
    "target.lifted" Target TargetLifted(Reason) House [&["supervisor"]] [];
    "target.renewed" Target TargetRenewed(TargetRenewed) House [&["officer", "supervisor"]] [];
    "target.set" Target TargetSet(Box<TargetSet>) House [&["officer", "supervisor"]] ["/subject"];
    "transfer.approved" Transfer TransferApproved(Box<TransferApproved>) Parties [&["officer"]] [];
    "transfer.arrived" Transfer TransferArrived(TransferArrived) Parties [&["warehouse"]] [];
    "transfer.escorted" Transfer TransferEscorted(TransferEscorted) Parties [&["officer"]] [];
    "transfer.seal_checked" Transfer SealChecked(SealChecked) Parties [&["officer"]] [];
    "transfer.sealed" Transfer TransferSealed(TransferSealed) Parties [&["warehouse"]] [];
}

/// The row of a kind; `None` if it belongs to another family.
pub(super) fn row(kind: &str) -> Option<&'static Row> {
    ROWS.binary_search_by(|row| row.kind.cmp(kind)).ok().map(|position| &ROWS[position])
}

/// All rows, ascending by kind.
pub(super) fn rows() -> &'static [Row] {
    ROWS
}

/// One fact: where, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its stream.
    pub at: Place,
    /// What happened.
    pub act: Act,
}

/// Reads the data of a kind strictly; `None` if the kind is of another family.
pub fn parse(kind: &str, stream: &str, data: &Value<'_>) -> Option<Result<Event, SchemaError>> {
    let row = row(kind)?;
    let read = || {
        let fault = || SchemaError::new("", format!("belongs on a stream {}/…", row.family.as_str()));
        let at = Place::parse(row.family, stream).ok_or_else(fault)?;
        let mut fields = Fields::open(data)?;
        let act = (row.read)(&mut fields)?;
        fields.close()?;
        coherent(&at, &act)?;
        Ok(Event { at, act })
    };
    Some(read())
}

/// What one member says must not contradict another, nor the stream.
fn coherent(at: &Place, act: &Act) -> Result<(), SchemaError> {
    let wrong = |name: &str, what: &'static str| Err(SchemaError::new(name, what));
    match act {
        Act::LaneChanged(change) if change.from == change.to => wrong("to", "must differ from `from`"),
        Act::Certified(certificate) if certificate.until < certificate.solo_from => {
            wrong("until", "must not lie before `solo_from`")
        }
        Act::LicenceSuspended(event) if event.until < event.from => {
            wrong("until", "must not lie before `from`")
        }
        Act::TransferApproved(event) if event.from == event.to => wrong("to", "must differ from `from`"),
        Act::Declared(event) | Act::DeclarationCorrected(event) => {
            if event.value > Twd::AMOUNT_MAX.get() {
                return wrong("value", "must be at most 999999999999");
            }
            if event.importer.is_some() && event.person.0.is_some() {
                return wrong("person", "must be null where a firm imports");
            }
            Ok(())
        }
        Act::Disclosed(_) if !matches!(at, Place::Roster(_, None)) => {
            wrong("", "belongs on roster/<date>/duty")
        }
        Act::Assigned(_) | Act::Withdrawn(_) | Act::AdviserAssigned(_)
            if matches!(at, Place::Roster(_, None)) =>
        {
            wrong("", "belongs on roster/<date>/<line>")
        }
        Act::TargetSet(event)
            if event.firm.is_none() && event.mawb.is_none() && event.subject.0.is_none() =>
        {
            wrong("", "must name a firm, a master waybill or a subject")
        }
        _ => Ok(()),
    }
}
