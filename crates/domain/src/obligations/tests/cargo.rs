//! What cargo and draws owe, by its sentence.

use super::*;
use crate::{clearance, draws};

const BAG: &str = "cargo/297-83993523/598FJ923";
const DRAW: &str = "draw/ethics_sample/2026Q1";
const MANIFESTED: &str = r#"{"arrival_at":"2026-03-02T18:00:00+08:00","carrier":"CI","class":"express","consignee":null,"consignor":null,"flight":"CI5832","goods":null,"long_leg":true,"pieces":3}"#;

/// A bag, event by event; the rules have allowed them elsewhere.
#[derive(Default)]
struct Bag(Option<clearance::State>);

impl Bag {
    fn on(mut self, today: &str, act: &str, data: &str) -> Self {
        let data = Value::read(data.as_bytes()).unwrap();
        let event = clearance::parse(&format!("cargo.{act}"), BAG, &data).unwrap().unwrap();
        let rules = Rules::standard();
        let recorded_at = day(today).end_of_day_ms();
        let context = Context { recorded_at, rules: &rules, signers: &[], world: &NoWorld };
        self.0 = Some(clearance::evolve(self.0, &event, &context, &rules.clearance).unwrap().0);
        self
    }

    /// Counted on the evening of 2026-03-02.
    fn counted(pieces: u32) -> Self {
        let counted = format!(
            r#"{{"completed_at":"2026-03-02T19:00:00+08:00","pieces":{pieces},"warehouse":"C2001"}}"#
        );
        Self::default().on("2026-03-01", "manifested", MANIFESTED).on("2026-03-02", "warehoused", &counted)
    }

    fn held(self, today: &str, basis: &str, review_by: &str) -> Self {
        let held = format!(
            r#"{{"basis":"{basis}","from":"hand","officer":"officer:7f3k","pieces":1,"review_by":"{review_by}"}}"#
        );
        self.on(today, "held", &held)
    }

    fn lifted(self, today: &str, hold: u64) -> Self {
        let lifted = format!(r#"{{"hold":{hold},"officer":"officer:7f3k","reason":"x"}}"#);
        self.on(today, "lifted", &lifted)
    }

    fn due(&self, as_of: &str) -> Vec<Obligation> {
        let cargo = self.0.as_ref().and_then(clearance::State::cargo).unwrap();
        due_of(as_of, &[(BAG, Item::Cargo(cargo))])
    }
}

/// What these streams owe; the months and quarters of the calendar are left out.
fn due_of(as_of: &str, items: &[(&str, Item<'_>)]) -> Vec<Obligation> {
    let (terms, cases, as_of) = (Terms::standard(), crate::cases::Terms::standard(), day(as_of));
    let mut calendar =
        Calendar::new(Setting { from: as_of, as_of, terms: &terms, cases: &cases, run_days: 30 });
    for (stream, item) in items {
        calendar.take(stream, *item);
    }
    let mut found = calendar.finish();
    found.retain(|one| !matches!(one.kind, Kind::Patrol | Kind::SamplingRun));
    found
}

#[test]
fn a_hold_is_looked_at_again_by_its_day_and_one_that_was_lifted_owes_nothing() {
    let bag =
        Bag::counted(3).held("2026-03-02", "order", "2026-03-09").held("2026-03-03", "tip", "2026-03-05");

    let found = bag.due("2026-03-06");
    assert_eq!(
        briefly(&found),
        [
            of(Kind::HoldReview, "2026-03-05", Standing::Overdue),
            of(Kind::HoldReview, "2026-03-09", Standing::Due)
        ]
    );
    assert_eq!((&*found[0].detail, &*found[1].detail), ("2", "1"), "which hold");
    assert_eq!(bag.lifted("2026-03-06", 2).lifted("2026-03-06", 1).due("2026-03-20"), []);
}

#[test]
fn goods_whose_consignee_cannot_be_confirmed_go_back_within_seven_working_days() {
    // A Monday; the weekend of 7 and 8 March does not count.
    let bag = Bag::counted(3).held("2026-03-02", "unconfirmed", "2026-04-30");
    let owed = |as_of: &str| {
        let found = bag.due(as_of).into_iter().filter(|one| one.kind == Kind::Return);
        briefly(&found.collect::<Vec<_>>())
    };

    assert_eq!(owed("2026-03-11"), [of(Kind::Return, "2026-03-11", Standing::Due)]);
    assert_eq!(owed("2026-03-12"), [of(Kind::Return, "2026-03-11", Standing::Overdue)]);
    let returned = r#"{"hold":1,"officer":"officer:7f3k","pieces":1,"reason":"x"}"#;
    assert_eq!(bag.on("2026-03-12", "returned", returned).due("2026-03-13"), []);
}

#[test]
fn what_landed_over_the_manifest_leaves_within_ninety_days_whether_the_report_was_accepted_or_not() {
    let over = Bag::counted(4);
    let reported = r#"{"airline":"CI","counted":4,"manifest":3}"#;
    let accepted = Bag::counted(4).on("2026-03-03", "shortover_reported", reported).on(
        "2026-03-03",
        "shortover_accepted",
        r#"{"officer":"officer:7f3k"}"#,
    );

    for bag in [&over, &accepted] {
        assert_eq!(briefly(&bag.due("2026-05-31")), [of(Kind::Overlanded, "2026-05-31", Standing::Due)]);
        assert_eq!(briefly(&bag.due("2026-06-01")), [of(Kind::Overlanded, "2026-05-31", Standing::Overdue)]);
    }
    let out = r#"{"at":"2026-03-04T21:00:00+08:00","gate":"G1","pieces":4,"warehouse":"C2001"}"#;
    assert_eq!(over.on("2026-03-04", "gated_out", out).due("2026-06-01"), [], "nothing is left to send on");
    assert_eq!(Bag::counted(3).due("2026-06-01"), [], "as announced");
    assert_eq!(Bag::counted(2).due("2026-06-01"), [], "short is no surplus");
}

/// The bank committed and revealed, the system committed and did not, the agency did neither.
fn draw(outcome: &str) -> draws::State {
    let digest = "1".repeat(64);
    let text = format!(
        concat!(
            r#"{{"commit_until":1775000000000,"committers":["#,
            r#"{{"actor":"agency:aac","commitment":null,"random":null}},"#,
            r#"{{"actor":"bank:004","commitment":"{0}","random":"{0}"}},"#,
            r#"{{"actor":"system:draws","commitment":"{0}","random":null}}],"#,
            r#""count":1,"epoch":2,"late":false,"members":5,"opened_at":1774980000000,"opener":"ethics","#,
            r#""organisations":2,"outcome":{1},"period":"2026Q1","population":"{0}","prefix":"ethics/","#,
            r#""reveal_seconds":259200,"scheme":"ethics_sample","sealed_at":1775000000000}}"#
        ),
        digest, outcome
    );
    draws::State::from_value(&Value::read(text.as_bytes()).unwrap()).unwrap()
}

#[test]
fn a_number_that_was_promised_and_withheld_is_owed_by_name_and_the_end_of_the_draw_does_not_mend_it() {
    let cosigned_at = |day_of: Option<&str>| draws::Epoch {
        root: lian_core::hash::Digest([7; 32]),
        closed_at: 1_775_000_000_001,
        cosigned_at: day_of.map(|text| day(text).end_of_day_ms()),
    };
    let open = draw("null");
    let closed = draw(&format!(r#"{{"drawn":[],"epoch":4,"seed":"{}"}}"#, "2".repeat(64)));
    let owed = |draw, seal, as_of: &str| {
        let found = due_of(as_of, &[(DRAW, Item::Draw(draw, seal))]);
        found.into_iter().map(|one| (one.due.to_string(), one.standing, one.detail)).collect::<Vec<_>>()
    };
    let by_system = |standing| vec![("2026-04-05".to_owned(), standing, "system:draws".to_owned())];

    assert_eq!(owed(&open, None, "2026-04-09"), [], "nobody need reveal before the seal epoch is closed");
    assert_eq!(owed(&open, Some(cosigned_at(None)), "2026-04-09"), [], "nor before it is cosigned");
    let seal = Some(cosigned_at(Some("2026-04-02")));
    assert_eq!(owed(&open, seal, "2026-04-05"), by_system(Standing::Due));
    assert_eq!(owed(&open, seal, "2026-04-06"), by_system(Standing::Overdue));
    assert_eq!(owed(&closed, seal, "2026-04-30"), by_system(Standing::Overdue));
}
