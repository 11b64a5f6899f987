//! What is known of cargo, and of what stands around it, after some events.
//! Invariant: `to_value` and `from_value` are exact inverses; every list is bounded by its type;
//! nothing in it depends on the time of asking. Flags are never taken back.
//! Pieces: counted = released + held + seized + returned + abandoned + on hand + gone without release.

use lian_core::{
    hash::{Digest, sha256},
    json::{Fields, SchemaError, Value},
};

use super::{
    event::{
        Adviser, Basis, Category, Class, Family, Finding, Holder, Lane, Mode, Reading, Restriction, ZONES_MAX,
    },
    ids::{Actor, Airline, Flight, Hawb, Line, Mark, Mawb, Warehouse, Word},
    member::{Item, List, Moment, Record, Set, names, record},
    rules::Terms,
};
use crate::{
    dates::Day,
    ids::{DeclarationNo, GuaranteeNo, Ubn},
    money::Twd,
};

/// Who may have advised on one cargo: every source.
pub const ADVISERS_MAX: usize = 4;
/// Exceptions of one cargo that are open together.
pub const EXCEPTIONS_MAX: usize = 16;
/// Holds of one cargo that are open together.
pub const HOLDS_MAX: usize = 16;
/// Officers who handled one cargo, and officers recused from it.
pub const OFFICERS_MAX: usize = 16;
/// Slots of one queue that were skipped and may still be called.
pub const SKIPPED_MAX: usize = 1_024;
/// Officers on one line, or on duty on one day.
pub const ROSTER_MAX: usize = 256;
/// Firms that one officer is recused from.
pub const RECUSALS_MAX: usize = 64;
/// Passengers flagged on one flight.
pub const FLAGS_MAX: usize = 256;
/// 理貨區, the zone in which goods are sorted before they are inspected.
pub const SORTING: &str = "sorting";
/// A counter stays within what JSON holds.
const COUNTER_MAX: u64 = (1 << 53) - 1;

names! {
    /// What went wrong with cargo, for ever on its record.
    Flag: "must be a flag of cargo" {
        AmendedAfterDiscovery = "amended_after_discovery", "A correction came after something was found.";
        AmendmentLate = "amendment_late", "An amendment came after its time.";
        GatedOutWithoutRelease = "gated_out_without_release", "ALARM: pieces left that were not released.";
        InspectionLate = "inspection_late", "The inspection was asked for late.";
        ManifestLate = "manifest_late", "The manifest was filed late.";
        ReviewDiffers = "review_differs", "A second reader saw something else.";
        ShortoverCorrectedLate = "shortover_corrected_late", "A short or over report was mended late.";
        ShortoverLate = "shortover_late", "A short or over report came late.";
        TaxStray = "tax_stray", "Tax was paid when the tax step was done.";
        Unmanifested = "unmanifested", "Goods without a manifest were found.";
        WrongWarehouse = "wrong_warehouse", "Pieces left another warehouse than the one they were in.";
    }
}

names! {
    /// How the tax step was done.
    TaxStep: "must be covered, deposit, nil, paid or secured" {
        Covered = "covered", "An open draw of the same declaration covers it.";
        Deposit = "deposit", "A deposit in cash was taken.";
        Nil = "nil", "Nothing is due.";
        Paid = "paid", "Paid.";
        Secured = "secured", "A guarantee was drawn on.";
    }
}

record! {
    /// What the carrier announced.
    Manifest {
        arrival_at: Moment = "When the aircraft is due.",
        carrier: Airline = "Carrier.",
        flight: Flight = "Flight.",
        forwarder: Option<Ubn> = "Forwarder.",
        late: bool = "True if it was filed late.",
        pieces: u64 = "Pieces, as first announced.",
    }
}

record! {
    /// What the broker declared.
    Declaration {
        broker: Ubn = "Broker.",
        category: Category = "What the goods are.",
        declaration: DeclarationNo = "Number.",
        importer: Option<Ubn> = "Importing firm.",
        on: Day = "When it was recorded first.",
        restricted: Set<Restriction, 3> = "What keeps low value from being free of duty.",
    }
}

record! {
    /// Where the goods are.
    Stored {
        completed_at: Moment = "When counting was complete.",
        counted: u64 = "Pieces counted.",
        warehouse: Warehouse = "Warehouse.",
    }
}

record! {
    /// What the expert system said, and officers since.
    Screening {
        lane: Lane = "Lane.",
        mode: Mode = "How to look.",
        model: Word = "Version of the model.",
        rules: Word = "Version of the screening rules.",
    }
}

record! {
    /// A place in a queue.
    Slot {
        date: Day = "Day.",
        number: Option<u64> = "Number, once allotted.",
        warehouse: Warehouse = "Warehouse.",
    }
}

record! {
    /// What an officer saw in an image.
    Seen {
        ai_first: bool = "True if a program had suggested something before.",
        blind: bool = "True if the officer had not seen that.",
        officer: Actor = "Who.",
        on: Day = "When.",
        unit: Actor = "Section.",
        verdict: Reading = "What.",
    }
}

record! {
    /// The last image.
    Image {
        ai: u64 = "Suggestions of programs.",
        digest: Digest = "Digest.",
        line: Line = "Line.",
        reading: Option<Seen> = "What an officer saw.",
    }
}

record! {
    /// What one source of advice said of a cargo.
    Advice {
        flagged: u64 = "Of its pieces of advice, those that said: look.",
        model: Word = "Version of the model that advised last.",
        pieces: u64 = "Its pieces of advice.",
        source: Adviser = "Who advises.",
    }
}

record! {
    /// Where a cargo lies to be looked at.
    Laid {
        at: Moment = "Since when.",
        line: Line = "On which line.",
    }
}

record! {
    /// An exception that is open.
    OpenException {
        answered: bool = "True if the broker answered.",
        broker_box: Option<Mark> = "箱號, the broker's box.",
        exception: Word = "Which kind.",
        number: u64 = "Number on this cargo, from 1.",
        on: Day = "Since when.",
        pieces: u64 = "Pieces concerned.",
        storage: Mark = "Where they are stored.",
    }
}

record! {
    /// A short or over-landed report that is not accepted yet.
    Report {
        counted: u64 = "Pieces counted.",
        countersigned: bool = "True if the airline signed.",
        manifest: u64 = "Pieces on the manifest.",
    }
}

record! {
    /// A hold.
    Hold {
        basis: Basis = "What it rests on.",
        number: u64 = "Number on this cargo, from 1.",
        on: Day = "Since when.",
        pieces: u64 = "Pieces that it still holds.",
        review_by: Day = "Day by which it is looked at again.",
    }
}

record! {
    /// The tax step, done.
    Tax {
        amount: Option<Twd> = "Paid, drawn or deposited.",
        guarantee: Option<GuaranteeNo> = "Guarantee drawn on.",
        step: TaxStep = "How.",
    }
}

record! {
    /// A bag or house bill.
    Cargo {
        abandoned: u64 = "Pieces abandoned.",
        abnormal: bool = "True once an image or a reinspection showed something.",
        advice: List<Advice, ADVISERS_MAX> = "Risk advice, by source.",
        amended: i64 = "Sum of the amendments of the manifest.",
        class: Option<Class> = "How it is handled; absent if nobody said.",
        declared: Option<Declaration> = "Declaration.",
        discovered: bool = "True once something was found, from whatever side.",
        documents: Option<Finding> = "What the papers say.",
        exceptions: List<OpenException, EXCEPTIONS_MAX> = "Open exceptions, in the order made.",
        exceptions_made: u64 = "How many there ever were.",
        flags: Set<Flag, 16> = "What went wrong.",
        gone: u64 = "Pieces that left on a release.",
        gone_unreleased: u64 = "Pieces that left without.",
        handled: Set<Actor, OFFICERS_MAX> = "Officers who read, reviewed papers or inspected.",
        holds: List<Hold, HOLDS_MAX> = "Holds, in the order made.",
        holds_made: u64 = "How many there ever were.",
        image: Option<Image> = "Last image.",
        inspection: Option<Finding> = "What was found inside.",
        inspection_asked: bool = "True if the broker asked for it.",
        landed: i64 = "Sum of the accepted short and over reports.",
        manifest: Option<Manifest> = "Manifest.",
        presented: Option<Laid> = "Line on which it lies.",
        recused: Set<Actor, OFFICERS_MAX> = "Officers who have no part in it.",
        released: u64 = "Pieces released, gone or not.",
        report: Option<Report> = "Short or over report that waits.",
        reported_on: Option<Day> = "Day of the last such report.",
        returned: u64 = "Pieces returned.",
        reviews: u64 = "Second readings.",
        screening: Option<Screening> = "Lane.",
        seized: u64 = "Pieces seized.",
        slot: Option<Slot> = "Place in a queue.",
        stored: Option<Stored> = "Warehouse and count.",
        target: Option<Mark> = "Targeting mark that sent it to C3.",
        tax: Option<Tax> = "Tax step.",
        tipped: bool = "True once a tip named it.",
    }
}

impl Cargo {
    /// Cargo of which nothing is known.
    pub(super) fn unknown() -> Self {
        Self {
            abandoned: 0,
            abnormal: false,
            advice: List::default(),
            amended: 0,
            class: None,
            declared: None,
            discovered: false,
            documents: None,
            exceptions: List::default(),
            exceptions_made: 0,
            flags: Set::default(),
            gone: 0,
            gone_unreleased: 0,
            handled: Set::default(),
            holds: List::default(),
            holds_made: 0,
            image: None,
            inspection: None,
            inspection_asked: false,
            landed: 0,
            manifest: None,
            presented: None,
            recused: Set::default(),
            released: 0,
            report: None,
            reported_on: None,
            returned: 0,
            reviews: 0,
            screening: None,
            seized: 0,
            slot: None,
            stored: None,
            target: None,
            tax: None,
            tipped: false,
        }
    }

    /// Pieces that the manifest names now: as announced, amended, and corrected by what landed.
    pub fn expected(&self) -> i64 {
        self.manifest.as_ref().map_or(0, |manifest| signed(manifest.pieces)) + self.amended + self.landed
    }

    /// Pieces counted; `None` before the goods are in a warehouse.
    pub fn counted(&self) -> Option<i64> {
        self.stored.as_ref().map(|stored| signed(stored.counted))
    }

    /// Pieces that holds hold.
    pub fn held(&self) -> u64 {
        self.holds.iter().map(|hold| hold.pieces).sum()
    }

    /// Pieces released, held, seized, returned or abandoned.
    pub fn placed(&self) -> i64 {
        signed(self.released + self.held() + self.seized + self.returned + self.abandoned)
    }

    /// Pieces that are neither placed nor gone: on hand if counted, else awaited. Below zero where a
    /// later count denies what was placed before.
    pub fn at_hand(&self) -> i64 {
        self.counted().unwrap_or_else(|| self.expected()) - self.placed() - signed(self.gone_unreleased)
    }

    /// Pieces released that have not left.
    pub fn waiting(&self) -> u64 {
        self.released.saturating_sub(self.gone)
    }

    /// True if the count and the manifest differ, or a report about it waits.
    pub fn landed_differs(&self) -> bool {
        self.report.is_some() || self.counted().is_some_and(|counted| counted != self.expected())
    }

    /// The last day on which reporting the difference between count and manifest is in time; `None`
    /// if there is none and never was one reported.
    pub fn report_due(&self, terms: &Terms) -> Option<Day> {
        let differs = self.counted().is_some_and(|counted| counted != self.expected());
        let stored = self.stored.as_ref().filter(|_| differs || self.reported_on.is_some())?;
        let days = terms.landed_days(self.class.unwrap_or(Class::Express));
        Some(Day::from_number(stored.completed_at.day().number() + days))
    }

    /// True while it may owe something or belongs on the board of exceptions, whatever the rules are:
    /// an exception or a hold is open, the count is not what was announced or expected, or the report of
    /// that came on a later day than the goods.
    pub fn is_open(&self) -> bool {
        let differs = |counted: i64| counted != self.expected() || counted != self.expected() - self.landed;
        let late = |stored: &Stored| self.reported_on.is_some_and(|on| on > stored.completed_at.day());
        !self.exceptions.is_empty()
            || !self.holds.is_empty()
            || self.counted().is_some_and(differs)
            || self.stored.as_ref().is_some_and(late)
    }

    /// The lane in force: a targeting mark means C3.
    pub fn lane(&self) -> Option<Lane> {
        let screened = self.screening.as_ref().map(|screening| screening.lane);
        if self.target.is_some() { Some(Lane::C3) } else { screened }
    }

    /// True if an image must have been read before release.
    pub fn needs_image(&self) -> bool {
        let by_mode = self.screening.as_ref().is_some_and(|screening| screening.mode == Mode::Image);
        by_mode || !matches!(self.class, Some(Class::General | Class::Airside))
    }

    /// True if the goods must be opened before release.
    pub fn needs_inspection(&self) -> bool {
        self.abnormal || self.lane() == Some(Lane::C3)
    }

    /// True once an outcome is known, so that advice would come after it.
    pub fn outcome_known(&self) -> bool {
        let read = self.image.as_ref().is_some_and(|image| image.reading.is_some());
        read || self.inspection.is_some() || self.released > 0 || self.seized > 0
    }

    /// The live slot on a day: booked or allotted for that day or later, and not used.
    pub fn live_slot(&self, today: Day) -> Option<&Slot> {
        self.slot.as_ref().filter(|slot| slot.date >= today)
    }

    /// Why a guarantee may not be drawn on for a declaration: some piece of this cargo is held, or
    /// nothing is left of it that could be released. Answers `World::declaration_blocked`.
    pub fn blocks(&self, declaration: &DeclarationNo) -> bool {
        self.declared.as_ref().is_some_and(|declared| declared.declaration == *declaration)
            && self.is_stopped()
    }

    /// The declaration that this cargo blocks at present.
    pub fn blocked(&self) -> Option<DeclarationNo> {
        self.declared.as_ref().map(|declared| declared.declaration).filter(|_| self.is_stopped())
    }

    fn is_stopped(&self) -> bool {
        let lost = self.seized + self.returned + self.abandoned;
        self.held() > 0 || (lost > 0 && self.released == 0 && self.at_hand() <= 0)
    }
}

record! {
    /// A master waybill.
    Waybill {
        amended: i64 = "Sum of the amendments of the pieces.",
        arrival_at: Moment = "When the aircraft is due.",
        arrived_at: Option<Moment> = "When it came.",
        arrived_with: Option<Flight> = "With which flight.",
        bills: u64 = "Bags or house bills.",
        carrier: Airline = "Carrier.",
        flight: Flight = "Flight announced.",
        forwarder: Option<Ubn> = "Forwarder.",
        late: bool = "True if it was filed late.",
        late_amendments: u64 = "Amendments after their time.",
        pieces: u64 = "Pieces, as first announced.",
    }
}

record! {
    /// The appointments of a warehouse on a day. Which bag has which number stands with the bag.
    Queue {
        allocated: u64 = "Numbers given out: 1 to this.",
        next: u64 = "The number to be called next.",
        skipped: Set<u64, SKIPPED_MAX> = "Numbers passed over, which may still be called.",
        skips: u64 = "How often one was passed over.",
    }
}

impl Queue {
    /// Nothing allotted.
    pub(super) fn new() -> Self {
        Self { allocated: 0, next: 1, skipped: Set::default(), skips: 0 }
    }

    /// True if the number was called.
    pub fn was_called(&self, number: u64) -> bool {
        number > 0 && number < self.next && !self.skipped.has(&number)
    }
}

record! {
    /// Who sits on a line on a day, or who is on duty that day.
    Roster {
        advisers: Set<Actor, OFFICERS_MAX> = "儀檢督導員.",
        officers: Set<Actor, ROSTER_MAX> = "Officers.",
    }
}

impl Roster {
    /// Nobody on duty.
    pub(super) fn new() -> Self {
        Self { advisers: Set::default(), officers: Set::default() }
    }
}

record! {
    /// What an officer may do.
    Certificate {
        recused: Set<Ubn, RECUSALS_MAX> = "Firms of whose cargo the officer has no part.",
        solo_from: Option<Day> = "First day alone; absent without a certificate.",
        until: Option<Day> = "Last day of the certificate.",
    }
}

impl Certificate {
    /// No certificate, no recusal.
    pub(super) fn none() -> Self {
        Self { recused: Set::default(), solo_from: None, until: None }
    }
}

names! {
    /// What became of a card.
    CardStatus: "must be active, replaced, revoked or unknown" {
        Active = "active", "Opens.";
        Replaced = "replaced", "Another was issued in its place.";
        Revoked = "revoked", "Revoked.";
        Unknown = "unknown", "Never issued, and yet somebody used it.";
    }
}

record! {
    /// A gate card.
    Card {
        alarms: u64 = "Entries with a card that opens nothing (revoked, replaced, unknown, over, other zone).",
        denied: u64 = "Entries denied.",
        designated: bool = "True for a designated person (快遞辦法 §8-1).",
        employer: Option<Mark> = "Who the holder works for.",
        inside: Option<Word> = "Zone in which the holder is.",
        kind: Option<Holder> = "Whose card it is.",
        status: CardStatus = "What became of it.",
        unmatched: u64 = "Entries without exit and exits without entry.",
        until: Option<Day> = "Last day.",
        violations: u64 = "Entries of brokers into the sorting area after it was closed to them.",
        zones: Set<Word, ZONES_MAX> = "Where it opens.",
    }
}

impl Card {
    /// A card of which nothing is known.
    pub(super) fn unknown() -> Self {
        Self {
            alarms: 0,
            denied: 0,
            designated: false,
            employer: None,
            inside: None,
            kind: None,
            status: CardStatus::Unknown,
            unmatched: 0,
            until: None,
            violations: 0,
            zones: Set::default(),
        }
    }

    /// True if nothing was ever done with it.
    pub(super) fn is_blank(&self) -> bool {
        *self == Self::unknown()
    }

    /// True if this zone is closed to the holder on that day: a broker's employee, not designated,
    /// and the sorting area after it was closed to them.
    pub(super) fn shuts_out(&self, zone: &Word, day: Day, terms: &Terms) -> bool {
        self.kind == Some(Holder::Broker)
            && !self.designated
            && zone.as_str() == SORTING
            && day >= terms.sorting_closed_from
    }
}

record! {
    /// Goods on the way from one warehouse to another.
    Transfer {
        alarm: bool = "True once a seal differed, was broken, or pieces were missing.",
        arrived: Option<u64> = "Pieces that came.",
        checked: bool = "True once the seal was looked at.",
        escort: Option<Actor> = "Who goes along.",
        from: Warehouse = "From where.",
        hawb: Option<Hawb> = "Bag; absent: the whole master waybill.",
        mawb: Mawb = "Master waybill.",
        pieces: u64 = "Pieces.",
        seal: Option<Mark> = "Seal at departure.",
        to: Warehouse = "Where to.",
    }
}

record! {
    /// A broker's licence.
    Licence {
        revoked: bool = "True once revoked: for good.",
        suspended_from: Option<Day> = "First day of the suspension.",
        suspended_until: Option<Day> = "Last day of it.",
        until: Day = "Last day of the licence.",
    }
}

impl Licence {
    /// True if the broker may declare on that day.
    pub fn holds(&self, day: Day) -> bool {
        let suspended = match (self.suspended_from, self.suspended_until) {
            (Some(from), Some(until)) => (from..=until).contains(&day),
            _ => false,
        };
        !self.revoked && day <= self.until && !suspended
    }
}

record! {
    /// A targeting mark.
    Target {
        basis: Basis = "What it rests on.",
        firm: Option<Ubn> = "Broker or importer.",
        lifted: bool = "True once lifted.",
        mawb: Option<Mawb> = "Master waybill.",
        renewals: u64 = "How often it was renewed.",
        until: Day = "Last day.",
    }
}

record! {
    /// The passengers of a flight, as scored.
    Passengers {
        arrival_at: Moment = "When the aircraft is due.",
        flags: u64 = "Passengers flagged: 1 to this.",
        model: Word = "Version of the model.",
        results: List<Outcome, FLAGS_MAX> = "What came of flags, in the order made.",
    }
}

record! {
    /// What came of one flag.
    Outcome {
        flag: u64 = "Which flag.",
        result: Finding = "What was found.",
    }
}

/// The state of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// `broker/<business number>`
    Broker(Licence),
    /// `cargo/<master waybill>/<bag or house bill>`
    Cargo(Box<Cargo>),
    /// `certificate/<actor>`
    Certificate(Certificate),
    /// `flight/<flight>/<date>`
    Flight(Box<Passengers>),
    /// `gatecard/<number>`
    Card(Box<Card>),
    /// `mawb/<master waybill>`
    Mawb(Box<Waybill>),
    /// `queue/<warehouse>/<date>`
    Queue(Queue),
    /// `roster/<date>/<line>`
    Roster(Roster),
    /// `target/<number>`
    Target(Target),
    /// `transfer/<number>`
    Transfer(Box<Transfer>),
}

impl State {
    /// The state as canonical JSON: its members, and `of`, the family of the stream.
    pub fn to_value(&self) -> Value<'static> {
        let (family, mut members) = match self {
            Self::Broker(state) => (Family::Broker, state.members()),
            Self::Cargo(state) => (Family::Cargo, state.members()),
            Self::Certificate(state) => (Family::Certificate, state.members()),
            Self::Flight(state) => (Family::Flight, state.members()),
            Self::Card(state) => (Family::Card, state.members()),
            Self::Mawb(state) => (Family::Mawb, state.members()),
            Self::Queue(state) => (Family::Queue, state.members()),
            Self::Roster(state) => (Family::Roster, state.members()),
            Self::Target(state) => (Family::Target, state.members()),
            Self::Transfer(state) => (Family::Transfer, state.members()),
        };
        members.push(("of", family.value()));
        Value::object(members)
    }

    /// SHA-256("lian/state/v1\n" ‖ canonical bytes): goes into the epoch map.
    pub fn digest(&self) -> Digest {
        sha256(&[b"lian/state/v1\n", &self.to_value().write()])
    }

    /// The inverse of [`State::to_value`]: lets a fold go on from a state that was kept.
    pub fn from_value(value: &Value<'_>) -> Result<Self, SchemaError> {
        let mut fields = Fields::open(value)?;
        let family = Family::read(fields.required("of")?).map_err(|error| error.inside("of"))?;
        let state = match family {
            Family::Broker => Self::Broker(Record::of(&mut fields)?),
            Family::Cargo => Self::Cargo(Record::of(&mut fields)?),
            Family::Certificate => Self::Certificate(Record::of(&mut fields)?),
            Family::Flight => Self::Flight(Record::of(&mut fields)?),
            Family::Card => Self::Card(Record::of(&mut fields)?),
            Family::Mawb => Self::Mawb(Record::of(&mut fields)?),
            Family::Queue => Self::Queue(Record::of(&mut fields)?),
            Family::Roster => Self::Roster(Record::of(&mut fields)?),
            Family::Target => Self::Target(Record::of(&mut fields)?),
            Family::Transfer => Self::Transfer(Record::of(&mut fields)?),
        };
        fields.close()?;
        if state.to_value() == *value {
            Ok(state)
        } else {
            Err(SchemaError::new("", "must be spelled as a state spells it"))
        }
    }

    /// The cargo, if the stream is one of cargo.
    pub fn cargo(&self) -> Option<&Cargo> {
        match self {
            Self::Cargo(cargo) => Some(cargo),
            _ => None,
        }
    }
}

/// Counters stay far below 2⁶³.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count.min(COUNTER_MAX)).unwrap_or(i64::MAX / 4)
}

/// A counter that stops where JSON ends instead of wrapping.
pub(super) fn grown(counter: u64, by: u64) -> u64 {
    counter.saturating_add(by).min(COUNTER_MAX)
}

/// True if a manifest filed at this moment is late: after a long leg it is due hours before arrival.
pub(super) fn manifest_is_late(recorded_at: u64, arrival: Moment, long_leg: bool, terms: &Terms) -> bool {
    let ahead = if long_leg { terms.manifest_hours } else { 0 };
    seconds(recorded_at) > arrival.0 - hours(ahead)
}

/// True if an amendment at this moment is late.
pub(super) fn amendment_is_late(recorded_at: u64, arrival: Moment, filed_late: bool, terms: &Terms) -> bool {
    let after = if filed_late { terms.amend_hours_late } else { terms.amend_hours };
    seconds(recorded_at) > arrival.0 + hours(after)
}

pub(super) fn seconds(recorded_at: u64) -> i64 {
    i64::try_from(recorded_at / 1_000).unwrap_or(i64::MAX / 4)
}

fn hours(number: u64) -> i64 {
    signed(number) * 3_600
}
