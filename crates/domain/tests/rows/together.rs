//! Several events in one statement: sides that the statement itself makes or moves, halves of one act,
//! and holds that stop a draw. Each is tried without a trace, judged, judged again over rows after a
//! restart, and replayed from the start.

use std::sync::Arc;

use lian_core::{
    audit::{Judge, Place},
    entry::Verdict,
    json::Value,
    statement::statement_digest,
};
use lian_domain::{
    filing::Filing,
    guarantee::terms_hash,
    ledger::{Ledger, Unlogged},
    refusal::Refusal,
    rejection::Rejection,
    rows::Rows,
};

use crate::{
    Over,
    desk::{Attempt, Desk, Entries},
    restore,
    town::{Town, text},
};

type Signer = (&'static str, &'static str);

const OFFICER: Signer = ("officer:7f3k", "officer");
const COLLEAGUE: Signer = ("officer:n2ew", "officer");
const SUPERVISOR: Signer = ("officer:c29x", "supervisor");
const RELEASE: Signer = ("system:release", "release");
const CASE: &str = "case/TP115-0001";
const EXHIBIT: &str = "exhibit/EX-1";
const TRANSFER: &str = "transfer/T1";
const APPROVED: &str =
    r#"{"from":"C2001","mawb":"297-83993523","officer":"officer:7f3k","pieces":3,"to":"C2009"}"#;
const SEALED: &str = r#"{"seal":"S-1"}"#;

impl Town {
    /// The town with officers and warehouses of its own.
    fn staffed(seed: u64) -> Self {
        let mut town = Self::begin(seed);
        for (actor, unit, capacity) in [
            ("officer:n2ew", "office:CA", "officer"),
            ("officer:n3ew", "office:CA", "officer"),
            ("warehouse:C2001", "warehouse:C2001", "warehouse"),
            ("warehouse:C2011", "warehouse:C2011", "warehouse"),
        ] {
            town.enrol(actor, unit, &[capacity]);
        }
        town
    }

    /// One statement about streams as they stand.
    fn says(&mut self, lines: &[(&str, &str, &str)], by: &[Signer]) -> Vec<u8> {
        let mut events: Vec<(&str, String, u64, Value<'static>)> = Vec::new();
        for (kind, stream, data) in lines {
            let before = events.iter().filter(|(_, known, ..)| known == stream).count() as u64;
            let data = Value::read(data.as_bytes()).unwrap().into_owned();
            events.push((kind, (*stream).to_owned(), self.version(stream) + before, data));
        }
        self.sign(&events, by, None)
    }

    /// What would become of it.
    fn tries(&mut self, payload: &[u8]) -> Result<Verdict, Rejection> {
        let filing = Filing::read(payload, statement_digest(payload)).unwrap();
        let tree = self.desk.tree.clone();
        let place = Place { index: tree.size(), recorded_at: self.now_ms, tree: &tree, batch_first: true };
        match self.desk.ledger.try_out(&place, &filing) {
            Ok(verdict) => Ok(verdict),
            Err(Unlogged::Rejected(rejection)) => Err(rejection),
            Err(other) => panic!("{other}"),
        }
    }

    /// What becomes of it: that is what a trial said, and the trial left nothing.
    fn hands_in(&mut self, lines: &[(&str, &str, &str)], by: &[Signer]) -> Result<Verdict, Rejection> {
        let payload = self.says(lines, by);
        let streams = self.desk.ledger.streams().len();
        let tried = self.tries(&payload);
        assert_eq!(self.desk.ledger.streams().len(), streams, "a trial brings no stream");
        let mut attempt = self.desk.judge(&payload, self.now_ms, true, None).unwrap();
        assert_eq!(attempt.outcome, tried);
        let outcome = attempt.outcome.clone();
        if outcome.is_ok() {
            attempt.batch_last = true;
            self.desk.commit();
        } else {
            assert_eq!(self.desk.ledger.streams().len(), streams, "nor what is turned away");
        }
        self.log.push(attempt);
        outcome
    }

    #[track_caller]
    fn does(&mut self, lines: &[(&str, &str, &str)], by: &[Signer]) {
        assert_eq!(self.hands_in(lines, by), Ok(Verdict::ACCEPTED));
    }

    #[track_caller]
    fn cannot(&mut self, lines: &[(&str, &str, &str)], by: &[Signer], refusal: Refusal) {
        let verdict = self.hands_in(lines, by).expect("a verdict");
        assert_eq!(Refusal::from_code(verdict.code), Some(refusal), "{verdict:?}");
    }

    /// Turned away for the side of the last event.
    #[track_caller]
    fn has_no_side(&mut self, lines: &[(&str, &str, &str)], by: &[Signer]) {
        match self.hands_in(lines, by) {
            Err(Rejection::WrongSide { kind, .. }) => {
                assert_eq!(Some(&*kind), lines.last().map(|line| line.0));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Over rows with a restart before each of the last attempts, and from the start in memory, all is the
/// same.
fn holds_everywhere(log: &[Attempt], from: usize) {
    let entries = Entries::of(log);
    let mut over = Over::new(0);
    for (at, attempt) in log.iter().enumerate() {
        if at >= from {
            over.settle();
            let logged = log[..at].iter().rev().find(|earlier| earlier.outcome.is_ok());
            let rows: Arc<dyn Rows> = over.rows.clone();
            let batch_ends = logged.is_some_and(|earlier| earlier.batch_last);
            over.desk.ledger = restore(&entries, &rows, &over.desk, batch_ends).unwrap();
        }
        over.play(attempt);
    }
    let mut fold = Desk::new(Ledger::new());
    for attempt in log {
        let again = fold.again(attempt).unwrap();
        assert_eq!((again.outcome, again.previous), (attempt.outcome.clone(), attempt.previous.clone()));
    }
    assert_eq!(fold.ledger.map_root(), over.desk.ledger.map_root());
}

fn seizure() -> String {
    r#"{"case":"TP115-0001","items":[{"goods":"cigarettes","quantity":100,"unit":"PCE"}],"officer":"officer:7f3k","on":"2026-11-20","owner":null,"place":"CA-line-4","receipt":"R-115-01","seal":"S-1"}"#.to_owned()
}

fn opening() -> String {
    let offence =
        r#"{"article":"asa.37","ended_on":"2026-11-20","occurred_on":"2026-11-20","result_on":null}"#;
    let subject = "ab".repeat(32);
    format!(
        r#"{{"criminal":false,"declaration":"CA__15494A0001","declared_on":"2026-11-20","detected_on":"2026-11-20","hawb":"598FJ923","house":"CA","importer":null,"inspection":null,"mawb":"297-83993523","offences":[{offence}],"officer":"officer:7f3k","receipt":"R-115-01","registered":false,"section":"CA-1","seized_by":"CA-X-3","storage":"C2011","subject":{{"sealed":"{subject}"}}}}"#
    )
}

#[test]
fn a_warehouse_cannot_seal_goods_of_another_by_approving_the_transfer_in_the_same_statement() {
    let mut town = Town::staffed(71);
    let from = town.log.len();
    let both = [("transfer.approved", TRANSFER, APPROVED), ("transfer.sealed", TRANSFER, SEALED)];
    let (own, other) = (("warehouse:C2001", "warehouse"), ("warehouse:C2011", "warehouse"));

    town.has_no_side(&both, &[OFFICER, other]);
    assert!(town.desk.ledger.stream(TRANSFER).is_none(), "nothing of it stays");
    town.does(&both, &[OFFICER, own]);
    // The number is used: that is told before the side of what follows is known.
    town.cannot(&both, &[OFFICER, own], Refusal::NumberUsed);

    holds_everywhere(&town.log, from);
}

#[test]
fn goods_are_not_handed_over_to_an_officer_who_does_not_sign_by_seizing_them_in_the_same_statement() {
    let mut town = Town::staffed(72);
    let from = town.log.len();
    let seizure = seizure();
    let to = |custodian: &str| format!(r#"{{"custodian":"{custodian}","place":"STORE-1","seal":"S-2"}}"#);
    let (absent, present) = (to("officer:n3ew"), to(COLLEAGUE.0));
    let seized = ("exhibit.seized", EXHIBIT, &*seizure);

    town.has_no_side(&[seized, ("exhibit.transferred", EXHIBIT, &absent)], &[OFFICER, COLLEAGUE]);
    town.does(&[seized, ("exhibit.transferred", EXHIBIT, &present)], &[OFFICER, COLLEAGUE]);
    town.has_no_side(&[("exhibit.confiscated", EXHIBIT, "{}")], &[OFFICER]);

    holds_everywhere(&town.log, from);
}

#[test]
fn an_officer_does_not_act_in_a_case_that_the_same_statement_takes_from_him() {
    let mut town = Town::staffed(73);
    let from = town.log.len();
    town.does(&[("case.opened", CASE, &opening())], &[OFFICER]);
    let taken = ("case.taken_over", CASE, r#"{"by":"officer:c29x","reason":"absent"}"#);
    let started = ("case.investigation_started", CASE, r#"{"on":"2026-11-21"}"#);

    town.has_no_side(&[taken, started], &[OFFICER, SUPERVISOR]);
    town.does(&[started, taken], &[OFFICER, SUPERVISOR]);

    holds_everywhere(&town.log, from);
}

#[test]
fn half_of_an_act_on_two_streams_is_no_statement_for_anybody_who_reads_it() {
    let mut town = Town::staffed(74);
    let bag = "cargo/297-83993523/598FJ923";
    let drawn = |amount: u64| {
        format!(
            r#"{{"declaration":"CA__1590000001","house":"CA","importer":"12345675","manual":false,"served_on":"2026-11-23","taxes":{{"duty":{amount}}}}}"#
        )
    };
    let (right, dearer) = (drawn(900), drawn(901));
    let secured = r#"{"amount":900,"declaration":"CA__1590000001","guarantee":"T-1"}"#;
    let queue = "queue/C2001/2026-11-23";
    let allocated = r#"{"hawb":"598FJ923","mawb":"297-83993523","number":1}"#;
    let queued = r#"{"date":"2026-11-23","number":1,"warehouse":"C2001"}"#;
    let mut reads = |lines: &[(&str, &str, &str)]| {
        let payload = town.says(lines, &[RELEASE]);
        let digest = statement_digest(&payload);
        let read = Filing::read(&payload, digest).map(|_| ());
        assert_eq!(
            <Ledger as Judge>::file(&payload, digest).is_ok(),
            read.is_ok(),
            "the audit reads the same"
        );
        read.map_err(|rejection| (rejection.code(), rejection.name()))
    };

    let unpaired = Err((32, "unpaired"));
    assert_eq!(reads(&[("cargo.tax_secured", bag, secured)]), unpaired);
    let both = |stream, draw| [("guarantee.drawn", stream, draw), ("cargo.tax_secured", bag, secured)];
    assert_eq!(reads(&both("guarantee/T-1", &*dearer)), unpaired);
    assert_eq!(reads(&both("guarantee/T-2", &*right)), unpaired);
    assert_eq!(reads(&both("guarantee/T-1", &*right)), Ok(()));
    assert_eq!(reads(&[("guarantee.drawn", "guarantee/T-1", &right)]), Ok(()), "a draw needs no cargo");
    assert_eq!(reads(&[("queue.allocated", queue, allocated)]), unpaired);
    assert_eq!(reads(&[("cargo.queued", bag, queued)]), unpaired);
    assert_eq!(reads(&[("queue.allocated", queue, allocated), ("cargo.queued", bag, queued)]), Ok(()));
}

/// A guarantee of bank 004 that is accepted, and two bags of one declaration.
fn ready(town: &mut Town) {
    let request = r#"{"bank":"004","branch":"0037","debtor":"12345675","from":"2026-11-01","kind":"independent","limit":10000,"no":"T-900","purpose":"importer","scope":"all","to":"2027-10-31"}"#;
    let terms = terms_hash(&Value::read(request.as_bytes()).unwrap());
    town.does(&[("guarantee.requested", "guarantee/T-900", request)], &[("bank:004", "guarantor")]);
    let accepted = Value::object([("terms", text(&terms.to_hex()))]).write();
    let accepted = String::from_utf8(accepted).unwrap();
    town.does(&[("guarantee.accepted", "guarantee/T-900", &accepted)], &[OFFICER]);
    let manifested = r#"{"arrival_at":"2026-12-31T18:00:00+08:00","carrier":"CI","class":"express","consignee":null,"consignor":null,"flight":"CI5832","goods":null,"long_leg":true,"pieces":3}"#;
    let declared = r#"{"broker":"22099131","category":"X3","declaration":"CA__1599000001","delegation":"confirmed","grams":12000,"importer":"12345675","person":null,"restricted":[],"value":9000}"#;
    for bag in BAGS {
        town.does(&[("cargo.manifested", bag, manifested)], &[("airline:CI", "airline")]);
        town.does(&[("cargo.declared", bag, declared)], &[("broker:22099131", "broker")]);
    }
}

const BAGS: [&str; 2] = ["cargo/297-83993523/H1", "cargo/297-83993523/H2"];
const HELD: &str =
    r#"{"basis":"order","from":"hand","officer":"officer:7f3k","pieces":1,"review_by":"2027-03-09"}"#;
const LIFTED: &str = r#"{"hold":1,"officer":"officer:7f3k","reason":"x"}"#;

#[test]
fn whatever_holds_cargo_of_a_declaration_stops_its_draws_and_the_last_that_lets_go_frees_them() {
    let mut town = Town::staffed(75);
    let from = town.log.len();
    ready(&mut town);
    let [one, other] = BAGS;
    let drawn = r#"{"declaration":"CA__1599000001","house":"CA","importer":"12345675","manual":false,"served_on":"2026-11-23","taxes":{"duty":900}}"#;
    let draw = [("guarantee.drawn", "guarantee/T-900", drawn)];
    let elsewhere = drawn.replace("CA__1599000001", "CA__1599000002");

    // A hold that a refusal takes back holds nothing.
    let too_many = HELD.replace(r#""pieces":1"#, r#""pieces":9"#);
    let twice = [("cargo.held", one, HELD), ("cargo.held", one, &*too_many)];
    town.cannot(&twice, &[OFFICER], Refusal::TooManyPieces);
    let free = town.says(&draw, &[RELEASE]);
    assert_eq!(town.tries(&free), Ok(Verdict::ACCEPTED));
    town.does(&[("cargo.held", one, HELD)], &[OFFICER]);
    town.cannot(&draw, &[RELEASE], Refusal::NotReleasable);
    town.does(&[("guarantee.drawn", "guarantee/T-900", &elsewhere)], &[RELEASE]);
    town.does(&[("cargo.held", other, HELD)], &[OFFICER]);
    town.does(&[("cargo.lifted", one, LIFTED)], &[OFFICER]);
    town.cannot(&draw, &[RELEASE], Refusal::NotReleasable);
    town.does(&[("cargo.lifted", other, LIFTED)], &[OFFICER]);
    town.does(&draw, &[RELEASE]);

    holds_everywhere(&town.log, from);
}
