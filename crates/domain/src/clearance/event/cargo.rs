//! What the events of a bag or house bill say (SPEC.md "Clearance", kinds of cargo).

use lian_core::{
    hash::Digest,
    json::{SchemaError, Value},
};

use crate::{
    clearance::{
        ids::{Actor, Airline, Flight, Line, Mark, Warehouse, Word},
        member::{Item, Moment, Sealed, Set, names, record},
    },
    dates::Day,
    ids::{DeclarationNo, GuaranteeNo, Ubn},
    money::Twd,
};

/// Factors that one piece of advice may give.
pub const FACTORS_MAX: usize = 16;
/// Zones that one card opens.
pub const ZONES_MAX: usize = 16;
/// Most pieces in one event: the field of a declaration has 8 digits.
pub const PIECES_MAX: u64 = 99_999_999;

/// A number of pieces in an event: 0 to [`PIECES_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub u64);

impl Item for Count {
    fn read(value: &Value<'_>) -> Result<Self, SchemaError> {
        let count = u64::read(value).ok().filter(|count| *count <= PIECES_MAX);
        count.map(Self).ok_or_else(|| SchemaError::new("", "must be an integer, 0 to 99999999"))
    }

    fn value(&self) -> Value<'static> {
        Value::number(self.0)
    }
}

/// At least one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pieces(pub u64);

impl Item for Pieces {
    fn read(value: &Value<'_>) -> Result<Self, SchemaError> {
        let count = u64::read(value).ok().filter(|count| (1..=PIECES_MAX).contains(count));
        count.map(Self).ok_or_else(|| SchemaError::new("", "must be an integer, 1 to 99999999"))
    }

    fn value(&self) -> Value<'static> {
        Value::number(self.0)
    }
}

/// Thousandths: a score or a confidence, 0 to 1,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thousandths(pub u64);

impl Item for Thousandths {
    fn read(value: &Value<'_>) -> Result<Self, SchemaError> {
        let number = u64::read(value).ok().filter(|number| *number <= 1_000);
        number.map(Self).ok_or_else(|| SchemaError::new("", "must be an integer, 0 to 1000"))
    }

    fn value(&self) -> Value<'static> {
        Value::number(self.0)
    }
}

names! {
    /// How cargo is handled.
    Class: "must be airside, express or general" {
        Airside = "airside", "機放: beside the aircraft.";
        Express = "express", "快遞.";
        General = "general", "一般.";
    }
}

names! {
    /// What a declaration says the goods are.
    Category: "must be X1, X2, X3, X4, E1, E2, E3 or full" {
        E1 = "E1", "Export: documents.";
        E2 = "E2", "Export of low value.";
        E3 = "E3", "Export above it.";
        X1 = "X1", "Import: documents.";
        X2 = "X2", "Import of low value.";
        X3 = "X3", "Import, simplified.";
        X4 = "X4", "Import above it.";
        Full = "full", "A full declaration of goods of any value.";
    }
}

names! {
    /// Why low value does not free goods from duty.
    Restriction: "must be frequent_importer, tariff_quota or tobacco_alcohol" {
        FrequentImporter = "frequent_importer", "More exempt entries than allowed.";
        TariffQuota = "tariff_quota", "Tariff-quota goods.";
        TobaccoAlcohol = "tobacco_alcohol", "Tobacco or alcohol.";
    }
}

names! {
    /// Whether the importer has confirmed the broker.
    Delegation: "must be bonded or confirmed" {
        Bonded = "bonded", "To be confirmed after release, on the broker's bond (快遞辦法 §17).";
        Confirmed = "confirmed", "Confirmed.";
    }
}

names! {
    /// 分流.
    Lane: "must be C1, C2 or C3" {
        C1 = "C1", "免審免驗.";
        C2 = "C2", "文件審核.";
        C3 = "C3", "貨物查驗.";
    }
}

names! {
    /// How goods are looked at.
    Mode: "must be image, manual or none" {
        Image = "image", "儀檢.";
        Manual = "manual", "人工.";
        None = "none", "Not at all.";
    }
}

names! {
    /// Who advises.
    Adviser: "must be cargo_ai, expert, manifest or transshipment" {
        CargoAi = "cargo_ai", "空運人工智慧緝私系統.";
        Expert = "expert", "海關電腦專家系統.";
        Manifest = "manifest", "Manifest screening.";
        Transshipment = "transshipment", "空運轉口艙單及時風險篩選系統.";
    }
}

names! {
    /// Why several bags lie in one image (併袋).
    Merged: "must be announced, exports or papers" {
        Announced = "announced", "Announced goods.";
        Exports = "exports", "Exports.";
        Papers = "papers", "Papers.";
    }
}

names! {
    /// What an image shows.
    Reading: "must be abnormal or clear" {
        Abnormal = "abnormal", "Something to open the bag for.";
        Clear = "clear", "Nothing.";
    }
}

names! {
    /// What an officer finds.
    Finding: "must be contraband, mismatch or ok" {
        Contraband = "contraband", "What may not come in.";
        Mismatch = "mismatch", "Not as declared.";
        Ok = "ok", "As declared.";
    }
}

names! {
    /// Which pieces are meant.
    From: "must be hand or released" {
        Hand = "hand", "Those on hand.";
        Released = "released", "Those released and not yet gone.";
    }
}

names! {
    /// What a hold or a target rests on.
    Basis: "must be order, prosecutor, reinspection, risk, tip or unconfirmed" {
        Order = "order", "An order of the house.";
        Prosecutor = "prosecutor", "A prosecutor's request.";
        Reinspection = "reinspection", "What a reinspection found.";
        Risk = "risk", "Risk advice.";
        Tip = "tip", "A tip: the lane never goes down after it.";
        Unconfirmed = "unconfirmed", "The consignee cannot be confirmed.";
    }
}

names! {
    /// How tax was paid.
    Channel: "must be cash, debit or remittance" {
        Cash = "cash", "At the counter.";
        Debit = "debit", "Online debit.";
        Remittance = "remittance", "Remittance.";
    }
}

names! {
    /// What a deposit waits for.
    Undecided: "must be documents, tariff or valuation" {
        Documents = "documents", "補件.";
        Tariff = "tariff", "稅則未決.";
        Valuation = "valuation", "估價未決.";
    }
}

names! {
    /// Whose card it is.
    Holder: "must be broker, customs or warehouse" {
        Broker = "broker", "A broker's employee.";
        Customs = "customs", "An officer.";
        Warehouse = "warehouse", "Warehouse staff.";
    }
}

record! {
    /// `cargo.manifested`: the carrier or forwarder announces a bag or house bill.
    Manifested {
        arrival_at: Moment = "When the aircraft is due.",
        carrier: Airline = "Carrier.",
        class: Class = "How it is handled.",
        consignee: Sealed = "Consignee.",
        consignor: Sealed = "Consignor.",
        flight: Flight = "Flight.",
        forwarder: Option<Ubn> = "Forwarder.",
        goods: Sealed = "Description of the goods.",
        long_leg: bool = "True if the last leg takes more than four hours.",
        pieces: Pieces = "Pieces.",
    }
}

record! {
    /// `cargo.found`: the warehouse has goods that no manifest names. A fact.
    Found {
        carrier: Airline = "Who brought them.",
        class: Class = "How they are handled.",
        completed_at: Moment = "When counting was complete.",
        pieces: Pieces = "Pieces counted.",
        warehouse: Warehouse = "Where they are.",
    }
}

record! {
    /// `cargo.amended`: the manifest now says so many pieces.
    Amended {
        pieces: Pieces = "Pieces.",
        reason: Word = "Why.",
    }
}

record! {
    /// `cargo.declared` and `cargo.declaration_corrected`.
    Declared {
        broker: Ubn = "Broker.",
        category: Category = "What the goods are.",
        declaration: DeclarationNo = "Declaration; several bags may share a simplified one.",
        delegation: Delegation = "Whether the importer confirmed the broker.",
        grams: u64 = "Weight in grams.",
        importer: Option<Ubn> = "Importing firm.",
        person: Sealed = "Importing natural person.",
        restricted: Set<Restriction, 3> = "What keeps low value from being free of duty.",
        value: u64 = "Value in NT$.",
    }
}

record! {
    /// `cargo.warehoused`: counted into a warehouse. A fact but for its being the first.
    Warehoused {
        completed_at: Moment = "When counting was complete.",
        pieces: Count = "Pieces counted.",
        warehouse: Warehouse = "Where they are.",
    }
}

record! {
    /// `cargo.recounted`: counted again. A fact.
    Recounted {
        pieces: Count = "Pieces counted.",
        reason: Word = "Why.",
    }
}

record! {
    /// `cargo.moved`: arrived in another warehouse with a transfer.
    Moved {
        transfer: Mark = "Which transfer.",
        warehouse: Warehouse = "Where the goods are now.",
    }
}

record! {
    /// `cargo.advised`: risk advice, before any outcome.
    Advised {
        factors: Set<Word, FACTORS_MAX> = "Why.",
        flagged: bool = "True if it says: look.",
        model: Word = "Version of the model.",
        score: Thousandths = "How sure.",
        source: Adviser = "Who advises.",
    }
}

record! {
    /// `cargo.screened`: the expert system gives a lane.
    Screened {
        lane: Lane = "Lane.",
        mode: Mode = "How to look.",
        model: Word = "Version of the model.",
        rules: Word = "Version of the screening rules.",
    }
}

record! {
    /// `cargo.lane_changed`.
    LaneChanged {
        from: Lane = "Present lane.",
        reason: Word = "Why.",
        to: Lane = "New lane.",
    }
}

record! {
    /// `cargo.targeted`: a targeting mark hits this cargo; it goes to C3.
    Targeted {
        basis: Basis = "What the mark rests on.",
        target: Mark = "Which mark.",
    }
}

record! {
    /// `cargo.booked`: the broker asks for a slot.
    Booked {
        date: Day = "For which day.",
        warehouse: Warehouse = "At which warehouse.",
    }
}

record! {
    /// `cargo.queued`: the slot that the system allotted, together with `queue.allocated`.
    Queued {
        date: Day = "Day.",
        number: u64 = "Place in the order of that day.",
        warehouse: Warehouse = "Warehouse.",
    }
}

record! {
    /// `cargo.presented`: laid on an inspection line.
    Presented {
        at: Moment = "When.",
        line: Line = "Which line.",
    }
}

record! {
    /// `cargo.imaged`.
    Imaged {
        image: Digest = "Digest of the image.",
        line: Line = "Which line.",
        merged: Option<Merged> = "Why other bags are in the same image.",
    }
}

record! {
    /// `cargo.ai_suggested`: what a program sees in the image.
    AiSuggested {
        class: Word = "What it sees.",
        confidence: Thousandths = "How sure.",
        image: Digest = "Which image.",
        model: Word = "Version of the model.",
    }
}

record! {
    /// `cargo.image_read`: what the officer sees.
    ImageRead {
        blind: bool = "True if the officer had not seen what a program suggests.",
        image: Digest = "Which image.",
        line: Line = "On which line the officer sits.",
        officer: Actor = "Who read.",
        unit: Actor = "Section of the officer.",
        verdict: Reading = "What the image shows.",
    }
}

record! {
    /// `cargo.image_reviewed`: a second look by another section.
    ImageReviewed {
        image: Digest = "Which image.",
        officer: Actor = "Who reviews.",
        unit: Actor = "Section of the reviewer.",
        verdict: Reading = "What the image shows.",
    }
}

record! {
    /// `cargo.documents_reviewed`.
    DocumentsReviewed {
        finding: Finding = "What the papers say.",
        officer: Actor = "Who reviewed them.",
    }
}

record! {
    /// `cargo.inspection_requested`: the broker asks for the inspection to begin.
    InspectionRequested {}
}

record! {
    /// `cargo.inspected`: opened and compared.
    Inspected {
        broker_present: bool = "True if the broker was there.",
        destructive: bool = "True if goods were damaged for it.",
        finding: Finding = "What was found.",
        officer: Actor = "Who inspected.",
    }
}

record! {
    /// `cargo.exception_opened`: why the cargo cannot clear, on the public board.
    ExceptionOpened {
        broker_box: Option<Mark> = "箱號, the broker's box.",
        exception: Word = "Which kind of exception.",
        note: Sealed = "Note.",
        pieces: Pieces = "Pieces concerned.",
        storage: Mark = "Where they are stored.",
        warehouse: Warehouse = "Who reports.",
    }
}

record! {
    /// `cargo.exception_answered`: the broker's answer.
    ExceptionAnswered {
        answer: Word = "What the broker does about it.",
        exception: u64 = "Number of the exception.",
    }
}

record! {
    /// `cargo.exception_resolved`.
    ExceptionResolved {
        exception: u64 = "Number of the exception.",
        officer: Actor = "Who allows it.",
        outcome: Word = "How it ended.",
    }
}

record! {
    /// `cargo.shortover_reported`: pieces landed that differ from the manifest.
    LandedReported {
        airline: Option<Airline> = "Airline, if it signs too.",
        counted: Count = "Pieces counted.",
        manifest: Count = "Pieces on the manifest.",
    }
}

record! {
    /// `cargo.shortover_countersigned`.
    LandedCountersigned {
        airline: Airline = "Airline.",
    }
}

record! {
    /// `cargo.shortover_accepted`: the manifest is corrected accordingly.
    LandedAccepted {
        officer: Actor = "Who accepts.",
    }
}

record! {
    /// `cargo.shortover_corrected`: another figure than was reported.
    LandedCorrected {
        airline: Option<Airline> = "Airline, if it signs too.",
        counted: Count = "Pieces counted.",
    }
}

record! {
    /// `cargo.shortover_withdrawn`.
    LandedWithdrawn {
        reason: Word = "Why.",
    }
}

record! {
    /// `cargo.held`: some pieces may not move.
    Held {
        basis: Basis = "What it rests on.",
        from: From = "Which pieces.",
        officer: Actor = "Who holds.",
        pieces: Pieces = "How many.",
        review_by: Day = "Day by which the hold is looked at again.",
    }
}

record! {
    /// `cargo.lifted`: the pieces of a hold are on hand again.
    Lifted {
        hold: u64 = "Number of the hold.",
        officer: Actor = "Who lifts.",
        reason: Word = "Why.",
    }
}

record! {
    /// `cargo.seized`: pieces of a hold become evidence.
    Seized {
        at: Moment = "When.",
        hold: u64 = "Number of the hold.",
        officer: Actor = "Who seizes.",
        owner: Sealed = "Owner of the goods.",
        pieces: Pieces = "How many.",
        place: Mark = "Where they are kept.",
        receipt: Mark = "Number of the receipt (緝私條例 §22).",
        seal: Mark = "Seal.",
        witness: Sealed = "Witness.",
    }
}

record! {
    /// `cargo.returned` and `cargo.abandoned`: pieces of a hold go back, or to the state.
    Disposed {
        hold: u64 = "Number of the hold.",
        officer: Actor = "Who decides.",
        pieces: Pieces = "How many.",
        reason: Word = "Why.",
    }
}

record! {
    /// `cargo.tax_nil`: nothing is due.
    TaxNil {}
}

record! {
    /// `cargo.tax_paid`. A fact.
    TaxPaid {
        amount: Twd = "How much.",
        channel: Channel = "How.",
    }
}

record! {
    /// `cargo.tax_secured`: together with the `guarantee.drawn` of the same declaration and amount.
    TaxSecured {
        amount: Twd = "The whole draw of the declaration.",
        declaration: DeclarationNo = "Declaration.",
        guarantee: GuaranteeNo = "Guarantee drawn on.",
    }
}

record! {
    /// `cargo.tax_covered`: an open draw of the same declaration secures this bag too.
    TaxCovered {
        declaration: DeclarationNo = "Declaration.",
        guarantee: GuaranteeNo = "Guarantee drawn on.",
    }
}

record! {
    /// `cargo.tax_deposited`: a deposit in cash (關稅法 §18).
    TaxDeposited {
        amount: Twd = "How much.",
        reason: Undecided = "What it waits for.",
    }
}

record! {
    /// `cargo.tax_reopened`: the tax step is taken back before release.
    TaxReopened {
        officer: Actor = "Who does it.",
        reason: Word = "Why.",
    }
}

record! {
    /// `cargo.released`.
    Released {
        pieces: Pieces = "How many.",
    }
}

record! {
    /// `cargo.reinspected` 會驗: looked at again between release and pick-up.
    Reinspected {
        finding: Finding = "What was found.",
        officer: Actor = "Who looked.",
        pieces: Pieces = "How many were opened.",
    }
}

record! {
    /// `cargo.gated_out`. A fact, released or not.
    GatedOut {
        at: Moment = "When.",
        gate: Mark = "Which gate.",
        pieces: Pieces = "How many.",
        warehouse: Warehouse = "Which warehouse.",
    }
}

record! {
    /// `cargo.recused`: this officer has no part in this cargo.
    CargoRecused {
        officer: Actor = "Who.",
        reason: Word = "Why.",
    }
}
