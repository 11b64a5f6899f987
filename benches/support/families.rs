//! The work of all families, signed beforehand: a bag from manifest to gate-out with its duty drawn on
//! a guarantee, a registration of a gift from report to close, a case with its exhibit. A life is one
//! of each; lives of one window take turns.

use lian_client::kinds::{self, GuaranteeRequest};
use lian_core::{
    hash::{Digest, sha256},
    json::Value,
};
use lian_domain::dates::Day;

use super::{
    running::{Running, START_S},
    work::{Act, By, Event, Hands, Statement, in_parallel},
};

/// Lives that take turns.
pub const WINDOW: u64 = 1_000;
/// Statements of one life.
pub const LIFE: u64 = 20;
/// Events of one life: a draw and the cargo that it secures are one statement.
pub const EVENTS: u64 = LIFE + 1;

/// Bags under one waybill.
const BAGS: u64 = 50;
const WAYBILLS_FROM: u64 = 1 << 40;
const DEBTOR: &str = "12345675";
const TAX: u64 = 900;
const DAY: &str = "2026-11-23";
const OFFICER: By = &[("officer:7f3k", "officer")];
const SUPERIOR: By = &[("officer:c29x", "supervisor")];
const ETHICS: By = &[("officer:e7q2", "ethics")];
const AIRLINE: By = &[("airline:CI", "airline")];
const BROKER: By = &[("broker:22099131", "broker")];
const WAREHOUSE: By = &[("warehouse:C2001", "warehouse")];
const SCREENING: By = &[("system:screening", "screening")];
const RELEASE: By = &[("system:release", "release")];
const TREASURY: By = &[("system:treasury", "treasury")];

/// Everybody of the other families, a licensed broker and its delegation.
pub fn found(running: &Running) {
    for envelope in running.house.further_enrolments(&running.ledger, START_S) {
        running.seal_one(&envelope);
    }
    let seal = |kind: &str, stream: &str, data: Value<'static>, by: &[(&str, &str)]| {
        let draft = running.house.draft(&running.ledger, START_S).seen(0, running.root);
        running.seal_one(&running.house.sign(&draft.event(kind, stream, 0, data), by));
    };
    let two = [("officer:7f3k", "officer"), ("officer:c29x", "supervisor")];
    seal("broker.licensed", "broker/22099131", json(r#"{"until":"2027-12-31"}"#), &two);
    seal("delegation.recorded", "delegation/22099131/12345675", kinds::nothing(), &two[..1]);
}

/// Statements `first..first + count`; both are best whole windows.
pub fn statements(hands: &Hands, first: u64, count: u64) -> Vec<Statement> {
    in_parallel(first, count, |index| {
        let (window, within) = (index / (WINDOW * LIFE), index % (WINDOW * LIFE));
        let life = Life::of(window * WINDOW + within % WINDOW);
        hands.sign(index, life.step(hands, within / WINDOW))
    })
}

/// The waybills of the bags of one window.
pub fn waybills(hands: &Hands, window: u64) -> Vec<Statement> {
    let first = window * WINDOW;
    let numbers = (first..first + WINDOW).step_by(usize::try_from(BAGS).expect("a count"));
    let manifest = json(
        r#"{"arrival_at":"2026-11-23T09:00:00+08:00","bills":50,"carrier":"CI","flight":"CI5832","long_leg":true,"pieces":150}"#,
    );
    let one = |number: u64| {
        let stream = format!("mawb/{}", waybill(number));
        let event = Event { kind: "mawb.manifested", stream, expect: 0, data: manifest.clone() };
        // Ids follow from indexes, and these are beyond all lives.
        hands.sign(WAYBILLS_FROM + number, Act { events: vec![event], by: named(AIRLINE) })
    };
    numbers.map(one).collect()
}

/// Fifty bags under each waybill, whose last digit is the rest by seven.
fn waybill(number: u64) -> String {
    let serial = 1_000_000 + number / BAGS;
    format!("297-{serial}{}", serial % 7)
}

/// The streams of one life.
struct Life {
    number: u64,
    guarantee: String,
    bag: String,
    registration: String,
    case: String,
    exhibit: String,
}

impl Life {
    fn of(number: u64) -> Self {
        Self {
            number,
            guarantee: format!("FB-115-{number:08}"),
            bag: format!("{}/H{number:07}", waybill(number)),
            registration: format!("115-{number:06}"),
            case: format!("TP115-{number:06}"),
            exhibit: format!("EX-{number}"),
        }
    }

    fn declaration(&self) -> String {
        format!("CA__15{:08}", self.number)
    }

    fn step(&self, hands: &Hands, step: u64) -> Act {
        match step {
            0 | 1 | 9 | 19 => self.guarantee_step(hands, step),
            2..=8 => self.bag_step(step),
            10..=14 => self.registration_step(step),
            _ => self.case_step(step),
        }
    }

    fn guarantee_step(&self, hands: &Hands, step: u64) -> Act {
        let bank = hands.bank(self.number);
        let asked = GuaranteeRequest {
            no: &self.guarantee,
            bank,
            branch: "0037",
            debtor: DEBTOR,
            purpose: "importer",
            scope: "all",
            limit: 30_000_000,
            from: Day::parse("2026-11-01").expect("a day"),
            to: Day::parse("2027-10-31").expect("a day"),
        };
        let (kind, expect, data) = match step {
            0 => ("guarantee.requested", 0, asked.data()),
            1 => ("guarantee.accepted", 1, kinds::accepted(&asked.terms())),
            9 => ("guarantee.tax_paid", 3, kinds::tax_paid(&self.declaration(), TAX)),
            _ => ("guarantee.suspended", 4, kinds::nothing()),
        };
        let event = self.of_guarantee(kind, expect, data);
        let by = match step {
            1 => named(OFFICER),
            9 => named(TREASURY),
            _ => vec![(format!("bank:{bank}"), "guarantor")],
        };
        Act { events: vec![event], by }
    }

    fn of_guarantee(&self, kind: &'static str, expect: u64, data: Value<'static>) -> Event {
        Event { kind, stream: format!("guarantee/{}", self.guarantee), expect, data }
    }

    fn bag_step(&self, step: u64) -> Act {
        let stream = format!("cargo/{}", self.bag);
        let declaration = self.declaration();
        let event =
            |kind, data: &str| Event { kind, stream: stream.clone(), expect: step - 2, data: json(data) };
        let one = |kind, data: &str, by: By| Act { events: vec![event(kind, data)], by: named(by) };
        match step {
            2 => one(
                "cargo.manifested",
                r#"{"arrival_at":"2026-11-23T09:00:00+08:00","carrier":"CI","class":"general","consignee":null,"consignor":null,"flight":"CI5832","goods":null,"long_leg":true,"pieces":3}"#,
                AIRLINE,
            ),
            3 => one(
                "cargo.declared",
                &format!(
                    r#"{{"broker":"22099131","category":"full","declaration":"{declaration}","delegation":"confirmed","grams":12000,"importer":"{DEBTOR}","person":null,"restricted":[],"value":9000}}"#
                ),
                BROKER,
            ),
            4 => one(
                "cargo.warehoused",
                r#"{"completed_at":"2026-11-23T12:00:00+08:00","pieces":3,"warehouse":"C2001"}"#,
                WAREHOUSE,
            ),
            5 => one("cargo.screened", r#"{"lane":"C1","mode":"none","model":"m1","rules":"r7"}"#, SCREENING),
            6 => {
                let served = Day::parse(DAY).expect("a day");
                let drawn = kinds::drawn(&declaration, DEBTOR, Some("22099131"), TAX, served, false);
                let guarantee = &self.guarantee;
                let secured =
                    format!(r#"{{"amount":{TAX},"declaration":"{declaration}","guarantee":"{guarantee}"}}"#);
                let drawn = self.of_guarantee("guarantee.drawn", 2, drawn);
                Act { events: vec![drawn, event("cargo.tax_secured", &secured)], by: named(RELEASE) }
            }
            7 => one("cargo.released", r#"{"pieces":3}"#, RELEASE),
            _ => one(
                "cargo.gated_out",
                r#"{"at":"2026-11-23T13:00:00+08:00","gate":"G1","pieces":3,"warehouse":"C2001"}"#,
                WAREHOUSE,
            ),
        }
    }

    fn registration_step(&self, step: u64) -> Act {
        let sealed = format!(r#"{{"sealed":"{}"}}"#, self.secret());
        let (kind, data, by) = match step {
            10 => (
                "ethics.reported",
                format!(
                    r#"{{"basis":"none","by":"officer:7f3k","circumstances":{sealed},"head":false,"interested":true,"on":"{DAY}","source":{sealed},"type":"gift","unit":"office:CA"}}"#
                ),
                OFFICER,
            ),
            11 => ("ethics.seen", r#"{"approved":true,"by":"officer:c29x"}"#.to_owned(), SUPERIOR),
            12 => (
                "ethics.logged",
                format!(
                    r#"{{"band":"above_standard","by":"officer:e7q2","received_on":"{DAY}","source_total_over":false,"type":"gift","within_three_days":true}}"#
                ),
                ETHICS,
            ),
            13 => ("ethics.disposed", r#"{"by":"officer:e7q2","disposal":"returned"}"#.to_owned(), ETHICS),
            _ => ("ethics.closed", r#"{"by":"officer:e7q2"}"#.to_owned(), ETHICS),
        };
        let stream = format!("ethics/{}", self.registration);
        Act { events: vec![Event { kind, stream, expect: step - 10, data: json(&data) }], by: named(by) }
    }

    fn case_step(&self, step: u64) -> Act {
        let (case, exhibit) = (&self.case, &self.exhibit);
        let (of_case, of_exhibit) = (format!("case/{case}"), format!("exhibit/{exhibit}"));
        let (kind, stream, expect, data) = match step {
            15 => ("case.opened", of_case, 0, self.case_opening()),
            16 => (
                "exhibit.seized",
                of_exhibit,
                0,
                format!(
                    r#"{{"case":"{case}","items":[{{"goods":"cigarettes","quantity":100,"unit":"PCE"}}],"officer":"officer:7f3k","on":"{DAY}","owner":null,"place":"CA-line-4","receipt":"R-{exhibit}","seal":"S-{exhibit}"}}"#
                ),
            ),
            17 => ("case.exhibit_added", of_case, 1, format!(r#"{{"exhibit":"{exhibit}"}}"#)),
            _ => ("case.investigation_started", of_case, 2, format!(r#"{{"on":"{DAY}"}}"#)),
        };
        Act { events: vec![Event { kind, stream, expect, data: json(&data) }], by: named(OFFICER) }
    }

    fn case_opening(&self) -> String {
        let (exhibit, declaration, sealed) = (&self.exhibit, self.declaration(), self.secret());
        let (mawb, hawb) = self.bag.split_once('/').expect("a bag has two numbers");
        let offence =
            format!(r#"{{"article":"asa.37","ended_on":"{DAY}","occurred_on":"{DAY}","result_on":null}}"#);
        format!(
            r#"{{"criminal":false,"declaration":"{declaration}","declared_on":"{DAY}","detected_on":"{DAY}","hawb":"{hawb}","house":"CA","importer":null,"inspection":null,"mawb":"{mawb}","offences":[{offence}],"officer":"officer:7f3k","receipt":"R-{exhibit}","registered":false,"section":"CA-1","seized_by":"CA-X-3","storage":"C2011","subject":{{"sealed":"{sealed}"}}}}"#
        )
    }

    /// What stands for a value that is not shown.
    fn secret(&self) -> Digest {
        sha256(&[b"a sealed value", &self.number.to_be_bytes()])
    }
}

fn json(text: &str) -> Value<'static> {
    Value::read(text.as_bytes()).expect("canonical JSON").into_owned()
}

fn named(by: By) -> Vec<(String, &'static str)> {
    by.iter().map(|(actor, capacity)| ((*actor).to_owned(), *capacity)).collect()
}
