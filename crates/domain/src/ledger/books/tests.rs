//! Books and states, where they agree and where they cannot.

use lian_core::json::Value;

use super::*;
use crate::{
    context::{Context, Signer, World},
    dates::Day,
    families,
    ids::{DeclarationNo, Ubn},
    ledger::State,
    rules::Rules,
};

const BAG: &str = "cargo/297-83993523/598FJ923";
const MASTER: &str = "mawb/297-83993523";
const EXHIBIT: &str = "exhibit/EX-1";

struct NoWorld;

impl World for NoWorld {
    fn scheme_suspended(&self, _: &Ubn, _: i64) -> bool {
        false
    }
    fn delegated(&self, _: &Ubn, _: &Ubn) -> bool {
        false
    }
    fn declaration_blocked(&self, _: &DeclarationNo) -> bool {
        false
    }
    fn has_open_draw(&self, _: &DeclarationNo) -> bool {
        false
    }
}

/// Books and the states beside them.
#[derive(Default)]
struct Audit {
    books: Books,
    streams: Vec<Stream>,
}

impl Audit {
    /// One event; the rules have allowed it elsewhere.
    fn on(mut self, kind: &str, stream: &str, data: &str) -> Self {
        let data = Value::read(data.as_bytes()).unwrap();
        let event = families::kind(kind).unwrap().parse(stream, &data).unwrap();
        match &event {
            Event::Clearance(fact) if stream == BAG => {
                self.books.bags.entry(stream.into()).or_default().post(&fact.act);
            }
            Event::Case(cases::Event::Exhibit(fact)) => {
                self.books.chests.entry(stream.into()).or_default().post(fact);
            }
            _ => {}
        }
        let position = self.streams.iter().position(|known| *known.name == *stream);
        let mut found = position.map_or_else(|| Stream::new(stream), |at| self.streams.remove(at));
        let recorded_at = Day::parse("2026-03-02").unwrap().end_of_day_ms();
        let signers: [Signer<'_>; 0] = [];
        let rules = Rules::standard();
        let context = Context { recorded_at, rules: &rules, signers: &signers, world: &NoWorld };
        let before = found.family().cloned();
        found.state = State::Family(Arc::new(families::evolve(before, &event, &context).unwrap().0));
        self.streams.push(found);
        self
    }

    /// A master waybill of one bag of three pieces, counted.
    fn counted() -> Self {
        Self::default()
            .on(
                "mawb.manifested",
                MASTER,
                r#"{"arrival_at":"2026-03-02T18:00:00+08:00","bills":1,"carrier":"CI","flight":"CI5832","long_leg":true,"pieces":3}"#,
            )
            .on(
                "cargo.manifested",
                BAG,
                r#"{"arrival_at":"2026-03-02T18:00:00+08:00","carrier":"CI","class":"express","consignee":null,"consignor":null,"flight":"CI5832","goods":null,"long_leg":true,"pieces":3}"#,
            )
            .on(
                "cargo.warehoused",
                BAG,
                r#"{"completed_at":"2026-03-02T19:00:00+08:00","pieces":3,"warehouse":"C2001"}"#,
            )
    }

    fn seized() -> Self {
        Self::default().on(
            "exhibit.seized",
            EXHIBIT,
            r#"{"case":"TP115-0001","items":[{"goods":"cigarettes","quantity":100,"unit":"PCE"}],"officer":"officer:a","on":"2026-03-01","owner":null,"place":"CE-line-4","receipt":"R-1","seal":"S-1"}"#,
        )
    }

    /// The state of one stream, changed as no event would.
    fn forged(mut self, change: impl Fn(&mut families::State)) -> Self {
        for stream in &mut self.streams {
            if let State::Family(state) = &mut stream.state {
                change(Arc::make_mut(state));
            }
        }
        self
    }

    /// Weight, place and figure of what is found.
    fn found(&self) -> Vec<(Weight, String, String)> {
        let found = self.books.conclude(&self.streams).found;
        let told = |one: AtEnd| (one.problem.weight, one.place, one.problem.field.into_owned());
        found.into_iter().map(told).collect()
    }
}

fn fails(place: &str, figure: &str) -> Vec<(Weight, String, String)> {
    vec![(Weight::Fails, place.to_owned(), figure.to_owned())]
}

#[test]
fn books_of_a_bag_that_came_in_and_went_out_in_order_balance() {
    let held =
        r#"{"basis":"order","from":"hand","officer":"officer:7f3k","pieces":2,"review_by":"2026-03-09"}"#;
    let audit = Audit::counted()
        .on("cargo.held", BAG, held)
        .on("cargo.returned", BAG, r#"{"hold":1,"officer":"officer:7f3k","pieces":1,"reason":"x"}"#)
        .on("cargo.lifted", BAG, r#"{"hold":1,"officer":"officer:7f3k","reason":"x"}"#)
        .on("cargo.released", BAG, r#"{"pieces":2}"#)
        .on(
            "cargo.gated_out",
            BAG,
            r#"{"at":"2026-03-02T21:00:00+08:00","gate":"G1","pieces":2,"warehouse":"C2001"}"#,
        );

    assert_eq!(audit.found(), []);
    assert_eq!(audit.books.conclude(&audit.streams).weighed, 1, "one master waybill");
}

#[test]
fn a_state_that_lost_or_gained_a_piece_fails_the_check_and_names_figure_and_stream() {
    let released = |state: &mut families::State| {
        if let families::State::Clearance(clearance::State::Cargo(cargo)) = state {
            cargo.released += 1;
        }
    };
    let lost = |state: &mut families::State| {
        if let families::State::Case(cases::State::Exhibit(exhibit)) = state {
            exhibit.lines[0].on_hand -= 1;
            exhibit.lines[0].item.quantity -= 1;
        }
    };

    assert_eq!(Audit::counted().forged(released).found(), fails(BAG, "released"));
    assert_eq!(Audit::seized().found(), []);
    assert_eq!(Audit::seized().forged(lost).found(), fails(EXHIBIT, "in"));
}

#[test]
fn a_stream_without_a_page_and_goods_without_events_fail_the_check() {
    let mut audit = Audit::counted();
    audit.books = Books::default();

    assert_eq!(audit.found(), fails(BAG, "expected"));
}

#[test]
fn a_gate_out_without_release_and_an_open_difference_are_said_and_fail_nothing() {
    let out = r#"{"at":"2026-03-02T21:00:00+08:00","gate":"G1","pieces":1,"warehouse":"C2001"}"#;
    let audit = Audit::counted().on("cargo.gated_out", BAG, out).on(
        "cargo.recounted",
        BAG,
        r#"{"pieces":2,"reason":"x"}"#,
    );

    let conclusion = audit.books.conclude(&audit.streams);
    assert!(conclusion.found.iter().all(|one| one.problem.weight == Weight::Remark), "{conclusion:?}");
    let alarm = conclusion.found.iter().find(|one| one.problem.field == "gone_unreleased").unwrap();
    assert_eq!(alarm.place, BAG);
    assert!(alarm.problem.what.contains("ALARM 警示: 1 left without release"), "{}", alarm.problem.what);
}

#[test]
fn a_count_that_finds_less_and_then_more_than_the_books_keeps_in_equal_to_out_and_on_hand() {
    let count = |quantity: u32| format!(r#"{{"lines":[{{"line":1,"quantity":{quantity}}}]}}"#);
    let audit = Audit::seized()
        .on("exhibit.counted", EXHIBIT, &count(90))
        .on("exhibit.counted", EXHIBIT, &count(95))
        .on("exhibit.counted", EXHIBIT, &count(103));

    assert_eq!(audit.found(), []);
    let Some(cases::State::Exhibit(exhibit)) = audit.streams[0].family().and_then(families::State::case)
    else {
        panic!("no exhibit")
    };
    assert_eq!((exhibit.lines[0].total_in(), exhibit.lines[0].missing), (103, 0));
}
