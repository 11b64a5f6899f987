//! What the events of the small registers around cargo say: master waybills, queues, rosters,
//! certificates, cards, transfers, licences, targets and flights.

use lian_core::hash::Digest;

use super::cargo::{Basis, Count, FACTORS_MAX, Finding, Holder, Pieces, ZONES_MAX};
use crate::{
    clearance::{
        ids::{Actor, Airline, Flight, Hawb, Mark, Mawb, Warehouse, Word},
        member::{Moment, Sealed, Set, record},
    },
    dates::Day,
    ids::Ubn,
};

record! {
    /// `mawb.manifested`: the sums of a master waybill.
    MawbManifested {
        arrival_at: Moment = "When the aircraft is due.",
        bills: Count = "Bags or house bills.",
        carrier: Airline = "Carrier.",
        flight: Flight = "Flight.",
        forwarder: Option<Ubn> = "Forwarder.",
        long_leg: bool = "True if the last leg takes more than four hours.",
        pieces: Pieces = "Pieces, all bills together.",
    }
}

record! {
    /// `mawb.arrived`. A fact.
    MawbArrived {
        at: Moment = "When.",
        flight: Flight = "With which flight.",
    }
}

record! {
    /// `mawb.amended`: the sums are now these.
    MawbAmended {
        bills: Count = "Bags or house bills.",
        pieces: Pieces = "Pieces, all bills together.",
        reason: Word = "Why.",
    }
}

record! {
    /// `queue.allocated`: the next number goes to this bag, together with `cargo.queued`.
    Allocated {
        hawb: Hawb = "Bag.",
        mawb: Mawb = "Its master waybill.",
        number: u64 = "Number.",
    }
}

record! {
    /// `queue.called`.
    Called {
        number: u64 = "Number.",
    }
}

record! {
    /// `queue.skipped`: passed over for a reason; may be called later the same day.
    Skipped {
        number: u64 = "Number.",
        reason: Word = "Why.",
    }
}

record! {
    /// `roster.disclosed`: an officer learns of a duty day, not of the line.
    Disclosed {
        officer: Actor = "Who.",
    }
}

record! {
    /// `roster.assigned` and `roster.withdrawn`: a line for today.
    Assigned {
        officer: Actor = "Who.",
    }
}

record! {
    /// `roster.adviser_assigned`: 儀檢督導員, who sits with new officers.
    AdviserAssigned {
        adviser: Actor = "Who.",
    }
}

record! {
    /// `officer.certified` 判讀認證.
    Certified {
        solo_from: Day = "First day on which the officer may read alone.",
        until: Day = "Last day.",
    }
}

record! {
    /// `officer.certificate_withdrawn`, `broker.revoked`, `target.lifted`, `gatecard.revoked`.
    Reason {
        reason: Word = "Why.",
    }
}

record! {
    /// `officer.recused` and `officer.recusal_ended`: from all cargo of a broker or importer.
    Party {
        party: Ubn = "Of whom.",
    }
}

record! {
    /// `gatecard.issued`.
    CardIssued {
        designated: bool = "True for a designated person of a warehouse of its own (快遞辦法 §8-1).",
        employer: Mark = "Business number, warehouse or office that the holder works for.",
        holder: Sealed = "Who carries it.",
        kind: Holder = "Whose card it is.",
        until: Day = "Last day.",
        zones: Set<Word, ZONES_MAX> = "Where it opens.",
    }
}

record! {
    /// `gatecard.replaced`.
    CardReplaced {
        by: Mark = "Number of the new card.",
    }
}

record! {
    /// `gatecard.entry_applied`: a broker asks to enter a zone.
    EntryApplied {
        on: Day = "On which day.",
        purpose: Word = "What for.",
        zone: Word = "Which zone.",
    }
}

record! {
    /// `gatecard.entered` and `gatecard.denied`. Facts.
    Entered {
        at: Moment = "When.",
        gate: Mark = "Which gate.",
        purpose: Word = "What for; why it was denied.",
        warehouse: Warehouse = "Which warehouse.",
        zone: Word = "Which zone.",
    }
}

record! {
    /// `gatecard.left`. A fact.
    Left {
        at: Moment = "When.",
        gate: Mark = "Which gate.",
        warehouse: Warehouse = "Which warehouse.",
        zone: Word = "Which zone.",
    }
}

record! {
    /// `transfer.approved`: from one warehouse to another.
    TransferApproved {
        from: Warehouse = "From where.",
        hawb: Option<Hawb> = "Bag; absent: the whole master waybill.",
        mawb: Mawb = "Master waybill.",
        officer: Actor = "Who approves.",
        pieces: Pieces = "How many.",
        to: Warehouse = "Where to.",
    }
}

record! {
    /// `transfer.sealed`: leaves the first warehouse under this seal.
    TransferSealed {
        seal: Mark = "Seal.",
    }
}

record! {
    /// `transfer.escorted`.
    TransferEscorted {
        officer: Actor = "Who goes along.",
    }
}

record! {
    /// `transfer.arrived`. A fact.
    TransferArrived {
        at: Moment = "When.",
        pieces: Count = "How many came.",
        seal: Mark = "Seal found.",
    }
}

record! {
    /// `transfer.seal_checked`. A fact.
    SealChecked {
        intact: bool = "True if nobody opened it.",
        officer: Actor = "Who looked.",
        seal: Mark = "Seal found.",
    }
}

record! {
    /// `broker.licensed`.
    Licensed {
        until: Day = "Last day.",
    }
}

record! {
    /// `broker.suspended`.
    BrokerSuspended {
        from: Day = "First day.",
        reason: Word = "Why.",
        until: Day = "Last day.",
    }
}

record! {
    /// `broker.reinstated`: the suspension ends before its last day.
    BrokerReinstated {}
}

record! {
    /// `target.set` 注檢: look at what is of these.
    TargetSet {
        basis: Basis = "What it rests on.",
        firm: Option<Ubn> = "Broker or importer.",
        mawb: Option<Mawb> = "Master waybill.",
        subject: Sealed = "Natural person.",
        until: Day = "Last day.",
    }
}

record! {
    /// `target.renewed`: reviewed and needed longer.
    TargetRenewed {
        reason: Word = "Why.",
        until: Day = "New last day.",
    }
}

record! {
    /// `flight.scored`: the passengers of a flight, before it lands.
    FlightScored {
        arrival_at: Moment = "When the aircraft is due.",
        inputs: Digest = "Root over the inputs.",
        model: Word = "Version of the model.",
    }
}

record! {
    /// `flight.flagged`: one passenger to watch.
    PassengerFlagged {
        factors: Set<Word, FACTORS_MAX> = "Why.",
        flag: u64 = "Number of the flag on this flight, from 1.",
        passenger: Sealed = "Who.",
    }
}

record! {
    /// `flight.referred`: what came of a flag.
    ReferralResult {
        flag: u64 = "Which flag.",
        officer: Actor = "Who looked.",
        result: Finding = "What was found.",
    }
}
