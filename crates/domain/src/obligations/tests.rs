//! What is owed, by its sentence.

mod cargo;

use std::cell::Cell;

use lian_core::json::Value;

use super::{patrol::Patrol, *};
use crate::{
    cases::{
        CaseEvent, Event, ExhibitEvent, HandoverEvent, Outcome, PostEvent, State, Verdict, evolve,
        ids::{Actor, Article, CaseNo, ExhibitNo, HandoverNo, Mark, PostId},
        parse,
    },
    context::{Context, Signer, World},
    guarantee::Code,
    ids::{DeclarationNo, Ubn},
    refusal::Refusal,
    rules::Rules,
};

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

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn id<T: Spelled>(text: &str) -> T {
    T::parse(text).unwrap()
}

/// A calendar's streams in a list; every look turns the order round.
#[derive(Default)]
struct Shelf {
    states: Vec<(String, State)>,
    patrols: Vec<(String, Patrol)>,
    expected: Vec<(String, Expected, String)>,
    turned: Cell<bool>,
}

impl Streams for Shelf {
    fn each(&self, take: &mut dyn FnMut(&str, Item<'_>)) {
        let turned = self.turned.replace(!self.turned.get());
        let patrols = self.patrols.iter().map(|(stream, patrol)| (stream, Item::Patrol(patrol)));
        let expected =
            self.expected.iter().map(|(stream, what, detail)| (stream, Item::Expected(*what, detail)));
        let states = self.states.iter().map(|(stream, state)| (stream, Item::from(state)));
        let mut all: Vec<_> = states.chain(patrols).chain(expected).collect();
        if turned {
            all.reverse();
        }
        for (stream, item) in all {
            take(stream, item);
        }
    }
}

impl Shelf {
    /// One more event of a stream; the rules have allowed it elsewhere.
    fn add(&mut self, today: &str, stream: &str, event: &Event) {
        let position = self.states.iter().position(|(known, _)| known == stream);
        let before = position.map(|position| self.states.remove(position).1);
        let recorded_at = day(today).end_of_day_ms();
        let context = Context { recorded_at, rules: &Rules::standard(), signers: &[], world: &NoWorld };
        let after = evolve(before, event, &context).unwrap();
        self.states.push((stream.to_owned(), after));
    }

    fn case(&mut self, today: &str, event: CaseEvent) {
        self.add(today, "case/TP-1", &Event::Case(event));
    }

    /// A case of `officer:a` whose act ended on this day.
    fn open(&mut self, today: &str, occurred_on: &str, criminal: bool) {
        let text = format!(
            concat!(
                r#"{{"criminal":{},"declaration":null,"declared_on":null,"detected_on":"{}","hawb":null,"#,
                r#""house":"CE","importer":null,"inspection":null,"mawb":null,"#,
                r#""offences":[{{"article":"asa.37","ended_on":"{}","occurred_on":"{}","result_on":null}}],"#,
                r#""officer":"officer:a","receipt":null,"registered":false,"section":"CE-1","#,
                r#""seized_by":"CE-X","storage":null,"subject":null}}"#
            ),
            criminal, occurred_on, occurred_on, occurred_on
        );
        let data = Value::read(text.as_bytes()).unwrap();
        let event = parse("case.opened", "case/TP-1", &data).unwrap().unwrap();
        self.add(today, "case/TP-1", &event);
    }

    fn sign_out(&mut self, today: &str) {
        let mut listing = crate::cases::Listing {
            no: id::<HandoverNo>("H-1"),
            outgoing: id("officer:a"),
            incoming: id("officer:b"),
            supervisor: id("officer:s"),
            cases: vec![id::<CaseNo>("TP-1")],
            list: lian_core::hash::Digest::ZERO,
        };
        listing.list = crate::cases::list_digest(&listing);
        self.add(today, "handover/H-1", &Event::Handover(HandoverEvent::SignedOut(Box::new(listing))));
    }

    fn sign_in(&mut self, today: &str) {
        let row = crate::cases::Row { case: id("TP-1"), taken: true, status: id("open"), contacted_on: None };
        let list = lian_core::hash::Digest::ZERO;
        self.add(today, "handover/H-1", &Event::Handover(HandoverEvent::SignedIn(list, vec![row])));
    }

    fn supervise(&mut self, today: &str) {
        let list = lian_core::hash::Digest::ZERO;
        self.add(today, "handover/H-1", &Event::Handover(HandoverEvent::Supervised(list)));
    }

    fn assign(&mut self, today: &str) {
        self.case(today, CaseEvent::Assigned(id("H-1"), id("officer:b")));
    }

    /// What is owed, without months and quarters.
    fn due(&self, as_of: &str) -> Vec<Obligation> {
        self.due_from("2900-01-01", as_of)
    }

    fn due_from(&self, from: &str, as_of: &str) -> Vec<Obligation> {
        let (terms, cases) = (Terms::standard(), crate::cases::Terms::standard());
        let setting =
            Setting { from: day(from), as_of: day(as_of), terms: &terms, cases: &cases, run_days: 30 };
        let found = due(&setting, self);
        assert_eq!(due(&setting, self), found, "the order in which streams come does not matter");
        found
    }
}

fn briefly(found: &[Obligation]) -> Vec<(Kind, String, Standing)> {
    found.iter().map(|one| (one.kind, one.due.to_string(), one.standing)).collect()
}

fn of(kind: Kind, due: &str, standing: Standing) -> (Kind, String, Standing) {
    (kind, due.to_owned(), standing)
}

#[test]
fn a_quarter_without_a_closed_sampling_run_is_overdue_thirty_days_after_its_end() {
    let mut shelf = Shelf::default();
    let runs = |shelf: &Shelf, as_of: &str| -> Vec<_> {
        let all = shelf.due_from("2026-01-01", as_of);
        briefly(&all).into_iter().filter(|(kind, _, _)| *kind == Kind::SamplingRun).collect()
    };
    let first = |standing| of(Kind::SamplingRun, "2026-04-30", standing);
    let second = || of(Kind::SamplingRun, "2026-07-30", Standing::Due);
    assert_eq!(runs(&shelf, "2026-03-31"), [first(Standing::Due)]);
    assert_eq!(runs(&shelf, "2026-04-30"), [first(Standing::Due), second()]);
    assert_eq!(runs(&shelf, "2026-05-01"), [first(Standing::Overdue), second()]);

    // An open run is not a run: it must be closed, even with nothing drawn.
    let run = |closed_on: Option<&str>| Expected::SamplingRun {
        quarter: Quarter::parse("2026Q1").unwrap(),
        closed_on: closed_on.map(day),
    };
    shelf.expected.push(("ethics_run/2026Q1".to_owned(), run(None), String::new()));
    assert_eq!(runs(&shelf, "2026-05-01"), [first(Standing::Overdue), second()]);

    shelf.expected[0].1 = run(Some("2026-05-01"));
    assert_eq!(runs(&shelf, "2026-05-02"), [first(Standing::MetLate), second()]);
    shelf.expected[0].1 = run(Some("2026-04-30"));
    assert_eq!(runs(&shelf, "2026-05-02"), [second()]);
}

#[test]
fn a_month_without_its_patrol_shows_and_the_month_that_the_calendar_began_in_owes_nothing() {
    let mut shelf = Shelf::default();
    shelf.patrols.push(("patrol/2026-02".to_owned(), patrolled("2026-02", "2026-02-11", "2026-02-12")));
    let patrols: Vec<_> = briefly(&shelf.due_from("2025-12-02", "2026-04-02"))
        .into_iter()
        .filter(|(kind, _, _)| *kind == Kind::Patrol)
        .collect();

    assert_eq!(
        patrols,
        [
            of(Kind::Patrol, "2026-02-07", Standing::Overdue), // January; December began too early
            of(Kind::Patrol, "2026-04-07", Standing::Due),
            of(Kind::Patrol, "2026-05-07", Standing::Due),
        ]
    );
}

#[test]
fn a_patrol_that_is_told_of_months_later_is_met_late() {
    let mut shelf = Shelf::default();
    shelf.patrols.push(("patrol/2026-02".to_owned(), patrolled("2026-02", "2026-02-11", "2026-06-01")));
    let standing = |as_of: &str| {
        let all = shelf.due_from("2026-02-01", as_of);
        all.iter().find(|one| one.stream == "patrol/2026-02").map(|one| one.standing)
    };

    assert_eq!(standing("2026-05-31"), Some(Standing::Overdue), "not known on that day");
    assert_eq!(standing("2026-06-01"), Some(Standing::MetLate));
}

#[test]
fn a_handover_waits_for_its_next_signer_and_is_overdue_after_fourteen_days() {
    let mut shelf = Shelf::default();
    shelf.sign_out("2026-03-02");
    let waits = |shelf: &Shelf, as_of: &str| {
        let all = shelf.due(as_of);
        all.iter().map(|one| (one.detail.clone(), one.standing)).collect::<Vec<_>>()
    };
    assert_eq!(waits(&shelf, "2026-03-16"), [("officer:b".to_owned(), Standing::Due)]);
    assert_eq!(waits(&shelf, "2026-03-17"), [("officer:b".to_owned(), Standing::Overdue)]);

    shelf.sign_in("2026-03-10");
    assert_eq!(waits(&shelf, "2026-03-17"), [("officer:s".to_owned(), Standing::Overdue)]);
    shelf.supervise("2026-03-16");
    assert_eq!(waits(&shelf, "2026-03-17"), []);
}

#[test]
fn a_handover_signed_third_too_late_is_met_late_and_a_withdrawn_one_owes_nothing() {
    let mut shelf = Shelf::default();
    shelf.sign_out("2026-03-02");
    shelf.sign_in("2026-03-10");
    shelf.supervise("2026-03-17");
    assert_eq!(briefly(&shelf.due("2026-03-20")), [of(Kind::Handover, "2026-03-16", Standing::MetLate)]);

    let mut shelf = Shelf::default();
    shelf.sign_out("2026-03-02");
    let end = Event::Handover(HandoverEvent::Withdrawn(id::<Code>("ill")));
    shelf.add("2026-03-03", "handover/H-1", &end);
    assert_eq!(shelf.due("2027-01-01"), []);
}

#[test]
fn after_the_third_signature_the_case_is_to_be_assigned_by_the_next_day() {
    let mut shelf = Shelf::default();
    shelf.open("2026-03-02", "2026-03-01", false);
    shelf.sign_out("2026-03-02");
    shelf.sign_in("2026-03-10");
    shelf.supervise("2026-03-10");

    assert_eq!(briefly(&shelf.due("2026-03-12")), [of(Kind::Assignment, "2026-03-11", Standing::Overdue)]);
    shelf.assign("2026-03-10");
    assert_eq!(shelf.due("2026-03-12"), []);
}

#[test]
fn a_case_that_its_officer_left_on_no_list_is_owed_one_from_that_day() {
    let mut shelf = Shelf::default();
    shelf.open("2026-03-02", "2026-03-01", false);
    let held = PostEvent::Held(id("officer:a"), id("CE-1"), day("2026-01-01"));
    shelf.add("2026-03-02", "post/P-1", &Event::Post(held));
    shelf.add("2026-03-31", "post/P-1", &Event::Post(PostEvent::Left(day("2026-03-31"))));

    assert_eq!(shelf.due("2026-03-31"), []);
    assert_eq!(briefly(&shelf.due("2026-04-01")), [of(Kind::OrphanCase, "2026-03-31", Standing::Overdue)]);
    shelf.sign_out("2026-04-01");
    let left: Vec<_> = shelf.due("2026-04-01").iter().map(|one| one.kind).collect();
    assert_eq!(left, [Kind::Handover]);
}

#[test]
fn a_clock_is_listed_from_twelve_months_before_its_last_day_and_then_overdue() {
    let mut shelf = Shelf::default();
    shelf.open("2026-03-02", "2026-03-01", false);
    let shown = |as_of: &str| {
        let all = shelf.due(as_of);
        all.iter().map(|one| (one.detail.clone(), one.due, one.standing)).collect::<Vec<_>>()
    };
    let three = |months: &str, standing| (format!("asa.37 CL-A{months}"), day("2029-02-28"), standing);

    assert_eq!(shown("2028-02-27"), []);
    assert_eq!(shown("2028-02-28"), [three(" 12", Standing::Due)]);
    assert_eq!(shown("2028-08-28"), [three(" 6", Standing::Due)]);
    assert_eq!(shown("2028-11-28"), [three(" 3", Standing::Due)]);
    assert_eq!(shown("2029-02-28"), [three(" 1", Standing::Due)]);
    assert_eq!(shown("2029-03-01"), [three("", Standing::Overdue)]);
}

/// A case decided on `decided_on` and served on `served_on`.
fn served(decided_on: &str, served_on: &str) -> Shelf {
    let mut shelf = Shelf::default();
    shelf.open("2026-03-02", "2026-03-01", false);
    shelf.case("2026-03-02", CaseEvent::InvestigationStarted(day("2026-03-02")));
    shelf.case("2026-03-02", CaseEvent::Investigated(Ok(day("2026-03-02"))));
    let decision = crate::cases::Decision {
        number: id::<Mark>("D-1"),
        articles: vec![id::<Article>("asa.37")],
        fine: crate::money::Twd::ZERO,
        deducted: crate::money::Twd::ZERO,
        confiscates: false,
    };
    shelf.case(decided_on, CaseEvent::Decided(decision));
    shelf.case(served_on, CaseEvent::Served(day(served_on)));
    shelf
}

#[test]
fn a_decision_served_in_time_ends_the_alarm_and_one_served_late_is_met_late() {
    assert_eq!(served("2029-02-27", "2029-02-28").due("2032-01-01"), []);

    let mut shelf = served("2029-02-28", "2029-03-01");
    let late = shelf.due("2032-01-01");
    assert_eq!(briefly(&late), [of(Kind::Clock, "2029-02-28", Standing::MetLate)]);
    // What starts a new clock after the service does not make the service less late.
    let verdict = Verdict {
        outcome: Outcome::Acquitted,
        final_on: day("2029-06-01"),
        paid: crate::money::Twd::ZERO,
        document: id("J-1"),
    };
    shelf.case("2029-06-02", CaseEvent::Prosecuted(verdict));
    assert_eq!(shelf.due("2032-01-01"), late);
    assert_eq!(late[0].stream, "case/TP-1");
}

#[test]
fn a_time_barred_case_stays_red() {
    let mut shelf = Shelf::default();
    shelf.open("2026-03-02", "2020-03-01", false);
    shelf.case("2026-03-02", CaseEvent::TimeBarred);

    let all = shelf.due("2040-01-01");
    assert!(all.iter().all(|one| (one.kind, one.standing) == (Kind::Clock, Standing::Overdue)));
    assert_eq!(all.len(), 2, "CL-A and CL-D");
}

#[test]
fn a_criminal_suspicion_is_referred_by_the_next_day_and_then_asked_after_every_three_months() {
    let mut shelf = Shelf::default();
    shelf.open("2026-03-02", "2026-03-01", true);
    assert_eq!(briefly(&shelf.due("2026-03-03")), [of(Kind::Referral, "2026-03-03", Standing::Due)]);
    assert_eq!(briefly(&shelf.due("2026-03-04")), [of(Kind::Referral, "2026-03-03", Standing::Overdue)]);

    shelf.case("2026-03-03", CaseEvent::Referred(id("TYD"), day("2026-03-03"), id("R-1")));
    let asked = |due: &str, standing| of(Kind::ProsecutorAsked, due, standing);
    assert_eq!(briefly(&shelf.due("2026-06-03")), [asked("2026-06-03", Standing::Due)]);
    assert_eq!(briefly(&shelf.due("2026-06-04")), [asked("2026-06-03", Standing::Overdue)]);

    shelf.case("2026-06-04", CaseEvent::ProsecutorAsked(day("2026-06-04"), id("pending")));
    assert_eq!(briefly(&shelf.due("2026-06-05")), [asked("2026-09-04", Standing::Due)]);
    let verdict = Verdict {
        outcome: Outcome::Acquitted,
        final_on: day("2026-07-01"),
        paid: crate::money::Twd::ZERO,
        document: id("J-1"),
    };
    shelf.case("2026-07-02", CaseEvent::Prosecuted(verdict));
    assert_eq!(shelf.due("2027-01-01"), []);
}

fn seize(shelf: &mut Shelf) {
    let seizure = crate::cases::Seizure {
        no: id::<ExhibitNo>("EX-1"),
        case: id("TP-1"),
        receipt: id("R-1"),
        seized_on: day("2026-03-01"),
        place: id("CE-4"),
        officer: id("officer:a"),
        seal: id("S-1"),
        owner: None,
        items: vec![crate::cases::Item { goods: id("phones"), unit: id("PCE"), quantity: 1 }],
    };
    let event = Event::Exhibit(ExhibitEvent::Seized(Box::new(seizure)));
    shelf.add("2026-03-01", "exhibit/EX-1", &event);
}

#[test]
fn an_exhibit_enters_the_store_and_its_case_within_seven_days() {
    let mut shelf = Shelf::default();
    shelf.open("2026-03-02", "2026-03-01", false);
    seize(&mut shelf);
    let both = |standing| {
        [of(Kind::ExhibitStored, "2026-03-08", standing), of(Kind::ExhibitNamed, "2026-03-08", standing)]
    };
    assert_eq!(briefly(&shelf.due("2026-03-08")), both(Standing::Due));
    assert_eq!(briefly(&shelf.due("2026-03-09")), both(Standing::Overdue));

    shelf.case("2026-03-05", CaseEvent::ExhibitAdded(id("EX-1")));
    let stored = Event::Exhibit(ExhibitEvent::Transferred(id("officer:k"), id("STORE"), id("S-1")));
    shelf.add("2026-03-09", "exhibit/EX-1", &stored);
    assert_eq!(briefly(&shelf.due("2026-03-10")), [of(Kind::ExhibitStored, "2026-03-08", Standing::MetLate)]);
}

#[test]
fn a_late_short_over_report_is_owed_by_whoever_feeds_it() {
    let mut shelf = Shelf::default();
    let report = |on: Option<&str>| Expected::ShortOver { due: day("2026-03-03"), reported_on: on.map(day) };
    shelf.expected.push(("cargo/297-83993523".to_owned(), report(Some("2026-03-04")), String::new()));

    let all = shelf.due("2026-03-05");
    assert_eq!(briefly(&all), [of(Kind::ShortOver, "2026-03-03", Standing::MetLate)]);
    assert!(Kind::ALL.iter().all(|kind| !kind.source().is_empty()));
}

#[test]
fn months_and_quarters_know_their_days() {
    let month = Month::parse("2024-02").unwrap();
    assert_eq!((month.first(), month.last()), (day("2024-02-01"), day("2024-02-29")));
    assert_eq!(Month::parse("2026-12").unwrap().next().to_string(), "2027-01");
    let quarter = Quarter::parse("2026Q4").unwrap();
    assert_eq!((quarter.first(), quarter.last()), (day("2026-10-01"), day("2026-12-31")));
    assert_eq!(quarter.next().to_string(), "2027Q1");
    for text in ["2026-13", "2026-1", "26-01", "2026-01-01", ""] {
        assert_eq!(Month::parse(text), None, "{text}");
    }
    for text in ["2026Q0", "2026Q5", "2026-Q1", "2026Q01", "1911Q1", "2026Q+1"] {
        assert_eq!(Quarter::parse(text), None, "{text}");
    }
}

#[test]
fn terms_are_read_as_they_are_written() {
    let terms = Terms::standard();
    let bytes = terms.to_value().write();

    assert_eq!(Terms::parse(&Value::read(&bytes).unwrap()), Ok(terms));
    let long = br#"{"assign_days":366,"handover_days":14,"patrol_days":7}"#;
    assert!(Terms::parse(&Value::read(long).unwrap()).is_err());
    assert!(Terms::parse(&Value::object([("patrol_days", Value::Int(1))])).is_err());
}

// The patrol itself.

const SALT: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

fn salt() -> lian_core::hash::Digest {
    lian_core::hash::Digest::from_hex(SALT).unwrap()
}

fn done(month: &str, on: &str, opens: bool) -> patrol::Event {
    let salt = if opens { format!("\"{SALT}\"") } else { "null".to_owned() };
    let data =
        format!(r#"{{"items":3,"leader":"officer:d","on":"{on}","places":["CA","CE"],"salt":{salt}}}"#);
    let stream = format!("patrol/{month}");
    patrol::parse("patrol.done", &stream, &Value::read(data.as_bytes()).unwrap()).unwrap().unwrap()
}

fn sealed(month: &str, on: &str) -> patrol::Event {
    let month = Month::parse(month).unwrap();
    patrol::Event::Sealed(month, patrol::seal(month, day(on), &salt()))
}

/// What the rules say on a day, and the state if they allow it; a state survives its own JSON.
fn patrol_step(state: Option<&Patrol>, today: &str, event: &patrol::Event) -> Result<Patrol, Refusal> {
    let rules = Rules::standard();
    let context =
        Context { recorded_at: day(today).end_of_day_ms(), rules: &rules, signers: &[], world: &NoWorld };
    patrol::decide(state, event, &context)?;
    let after = patrol::evolve(state.cloned(), event, &context).unwrap();
    let json = after.to_value().write();
    assert_eq!(Patrol::from_value(&Value::read(&json).unwrap()).as_ref(), Ok(&after));
    Ok(after)
}

fn patrolled(month: &str, on: &str, recorded_on: &str) -> Patrol {
    patrol_step(None, recorded_on, &done(month, on, false)).unwrap()
}

#[test]
fn a_patrol_kept_to_the_night_that_was_sealed_before_it() {
    let sealed_on = |today: &str, night: &str| patrol_step(None, today, &sealed("2026-03", night)).unwrap();
    let kept = |state: &Patrol, opens: bool| {
        patrol_step(Some(state), "2026-03-20", &done("2026-03", "2026-03-19", opens)).unwrap().kept
    };

    assert!(kept(&sealed_on("2026-03-01", "2026-03-19"), true));
    assert!(!kept(&sealed_on("2026-03-01", "2026-03-18"), true), "another night");
    assert!(!kept(&sealed_on("2026-03-01", "2026-03-19"), false), "never opened");
    assert!(!kept(&sealed_on("2026-03-19", "2026-03-19"), true), "sealed on the day itself");
    assert!(!patrolled("2026-03", "2026-03-19", "2026-03-20").kept, "never sealed");
}

#[test]
fn a_second_patrol_of_a_month_is_counted_and_the_first_stays() {
    let first = patrolled("2026-03", "2026-03-10", "2026-03-11");
    let second = patrol_step(Some(&first), "2026-03-20", &done("2026-03", "2026-03-19", false)).unwrap();

    assert_eq!((second.more, second.done), (1, first.done));
}

#[test]
fn refusals_404_455_and_456_a_patrol_is_sealed_once_before_it_and_not_done_tomorrow() {
    let seal = sealed("2026-03", "2026-03-19");
    let state = patrol_step(None, "2026-03-01", &seal).unwrap();
    assert_eq!(patrol_step(Some(&state), "2026-03-02", &seal), Err(Refusal::PatrolSealed));

    let night = done("2026-03", "2026-03-19", true);
    assert_eq!(patrol_step(Some(&state), "2026-03-18", &night), Err(Refusal::DateAhead));
    let unsealed = patrolled("2026-03", "2026-03-10", "2026-03-11");
    assert_eq!(patrol_step(Some(&unsealed), "2026-03-12", &seal), Err(Refusal::PatrolDoneBefore));
}

#[test]
fn a_patrol_is_of_the_month_of_its_stream_and_its_leader_signs() {
    let data = r#"{"items":0,"leader":"officer:d","on":"2026-04-01","places":["CA"],"salt":null}"#;
    let read = |stream: &str, data: &str| {
        patrol::parse("patrol.done", stream, &Value::read(data.as_bytes()).unwrap()).unwrap().is_ok()
    };
    assert!(read("patrol/2026-04", data));
    assert!(!read("patrol/2026-03", data) && !read("patrol/2026-4", data) && !read("case/2026-04", data));
    assert!(!read("patrol/2026-04", &data.replace(r#"["CA"]"#, "[]")));
    assert!(!read("patrol/2026-04", &data.replace("officer:d", "officer d")));

    let event = done("2026-04", "2026-04-01", false);
    let by = |actor: &'static str| Signer { actor, capacity: "supervisor", person: None, unit: "" };
    assert!(patrol::owner(None, &event, &[by("officer:d")]));
    assert!(!patrol::owner(None, &event, &[by("officer:e")]));
    assert!(patrol::kinds().all(|kind| patrol::authority(kind).is_some()));
}

#[test]
fn the_known_answer_of_the_seal_holds() {
    let month = Month::parse("2026-03").unwrap();

    assert_eq!(patrol::seal(month, day("2026-03-19"), &salt()).to_hex(), SEAL);
}

// Computed apart from this code, from the specification.
const SEAL: &str = "c03fb291cefb0bb6eec0adcd9a7557d7bd0bcf609211a401b49adad487047567";

#[test]
fn ids_of_posts_and_actors_have_one_spelling() {
    assert!(PostId::parse("CE-1.07").is_some() && PostId::parse("CE/1").is_none());
    assert!(Actor::parse("officer:7f3k").is_some() && Actor::parse("").is_none());
}
