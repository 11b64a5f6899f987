//! Every transition and every refusal of clearance, by its sentence. Events go in as JSON, as they
//! would from a statement; after each one the state is written, read back and compared, and at the
//! end of each house everything is folded once more from the start.

mod conserve;
mod facts;
mod random;
mod reading;
mod refusals;
mod registers;
mod way;

use std::collections::BTreeMap;

use lian_core::json::Value;

use super::*;
use crate::{
    context::{Context, Signer, World},
    dates::Day,
    ids::{DeclarationNo, GuaranteeNo, Ubn},
    refusal::Refusal,
    rules::Rules,
};

const MAWB: &str = "297-83993523";
const BAG: &str = "cargo/297-83993523/598FJ923";
const BROKER: &str = "12345675";
const IMPORTER: &str = "22099131";
const DECLARATION: &str = "CA__15494A0001";
const GUARANTEE: &str = "FB-115-000123";
/// 2026-03-02 14:00:00 +08:00.
const NOW: u64 = 1_772_431_200_000;
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
const TODAY: &str = "2026-03-02";
const IMAGE: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const OTHER_IMAGE: &str = "2222222222222222222222222222222222222222222222222222222222222222";

const MANIFESTED: &str = r#"{"arrival_at":"2026-03-02T18:00:00+08:00","carrier":"CI","class":"express","consignee":null,"consignor":null,"flight":"CI5832","goods":null,"long_leg":true,"pieces":3}"#;
const DECLARED: &str = r#"{"broker":"12345675","category":"X3","declaration":"CA__15494A0001","delegation":"confirmed","grams":12000,"importer":"22099131","person":null,"restricted":[],"value":9000}"#;
const WAREHOUSED: &str = r#"{"completed_at":"2026-03-02T19:00:00+08:00","pieces":3,"warehouse":"C2001"}"#;
const SCREENED: &str = r#"{"lane":"C1","mode":"image","model":"m1","rules":"r7"}"#;
const BOOKED: &str = r#"{"date":"2026-03-02","warehouse":"C2001"}"#;
const QUEUED: &str = r#"{"date":"2026-03-02","number":1,"warehouse":"C2001"}"#;
const ALLOCATED: &str = r#"{"hawb":"598FJ923","mawb":"297-83993523","number":1}"#;
const PRESENTED: &str = r#"{"at":"2026-03-02T20:00:00+08:00","line":"L1"}"#;
const QUEUE: &str = "queue/C2001/2026-03-02";
const READ: &str = r#"{"blind":true,"image":"1111111111111111111111111111111111111111111111111111111111111111","line":"L1","officer":"officer:7f3k","unit":"office:CA","verdict":"clear"}"#;
const SECURED: &str = r#"{"amount":900,"declaration":"CA__15494A0001","guarantee":"FB-115-000123"}"#;
const HELD: &str =
    r#"{"basis":"order","from":"hand","officer":"officer:7f3k","pieces":1,"review_by":"2026-03-09"}"#;
const OUT: &str = r#"{"at":"2026-03-02T21:00:00+08:00","gate":"G1","pieces":3,"warehouse":"C2001"}"#;

fn imaged(image: &str) -> String {
    format!(r#"{{"image":"{image}","line":"L1"}}"#)
}

/// The object with one member set, or taken out where `value` is empty.
fn with(base: &str, name: &str, value: &str) -> String {
    let Ok(Value::Object(mut members)) = Value::read(base.as_bytes()) else { panic!("no object: {base}") };
    members.retain(|(known, _)| known != name);
    if !value.is_empty() {
        members.push((name.into(), Value::read(value.as_bytes()).unwrap()));
    }
    String::from_utf8(Value::object(members).write()).unwrap()
}

fn event(kind: &str, stream: &str, data: &str) -> Event {
    let value = Value::read(data.as_bytes()).unwrap_or_else(|error| panic!("{data}: {error}"));
    parse(kind, stream, &value)
        .expect("a kind of clearance")
        .unwrap_or_else(|error| panic!("{kind}: {error}"))
}

fn signer(actor: &'static str, capacity: &'static str) -> Signer<'static> {
    Signer { actor, capacity, person: None, unit: "office:CA" }
}

/// All streams of a customs house, and the moment at which the next event is recorded.
struct House {
    states: BTreeMap<String, State>,
    log: Vec<(String, Event, u64)>,
    blocking: BTreeMap<DeclarationNo, u64>,
    draws: Vec<(GuaranteeNo, DeclarationNo)>,
    stopped: Vec<DeclarationNo>,
    delegated: Vec<(Ubn, Ubn)>,
    terms: Terms,
    rules: Rules,
    now: u64,
    signers: Vec<Signer<'static>>,
}

impl World for House {
    fn scheme_suspended(&self, _: &Ubn, _: i64) -> bool {
        false
    }
    fn delegated(&self, broker: &Ubn, importer: &Ubn) -> bool {
        self.delegated.contains(&(*broker, *importer))
    }
    fn declaration_blocked(&self, declaration: &DeclarationNo) -> bool {
        self.blocking.contains_key(declaration)
    }
    fn has_open_draw(&self, _: &DeclarationNo) -> bool {
        false
    }
}

impl Around for House {
    fn look(&self, stream: &str, ask: &mut dyn FnMut(Option<&State>)) {
        ask(self.states.get(stream));
    }
    fn open_draw(&self, guarantee: &GuaranteeNo, declaration: &DeclarationNo) -> bool {
        self.draws.contains(&(*guarantee, *declaration))
    }
    fn stopped(&self, declaration: &DeclarationNo) -> bool {
        self.stopped.contains(declaration)
    }
}

impl House {
    /// A licensed broker with a delegation, a certified officer on line L1 today.
    fn new() -> Self {
        let ubn = |text| Ubn::parse(text).unwrap();
        let mut house = Self {
            states: BTreeMap::new(),
            log: Vec::new(),
            blocking: BTreeMap::new(),
            draws: Vec::new(),
            stopped: Vec::new(),
            delegated: vec![(ubn(BROKER), ubn(IMPORTER))],
            terms: Terms::standard(),
            rules: Rules::standard(),
            now: NOW,
            signers: vec![signer("officer:7f3k", "officer")],
        };
        house.ok("broker.licensed", "broker/12345675", r#"{"until":"2027-12-31"}"#);
        house.by(&[signer("officer:c29x", "supervisor")]);
        let certified = r#"{"solo_from":"2026-01-01","until":"2026-12-31"}"#;
        house.ok("officer.certified", "certificate/officer:7f3k", certified);
        house.ok("roster.assigned", "roster/2026-03-02/L1", r#"{"officer":"officer:7f3k"}"#);
        house.by(&[signer("officer:7f3k", "officer")]);
        house
    }

    fn by(&mut self, signers: &[Signer<'static>]) {
        self.signers = signers.to_vec();
    }

    fn at(&mut self, now: u64) {
        self.now = now;
    }

    /// Judges, and if allowed records, one event; checks what must hold after any event.
    fn try_event(&mut self, stream: &str, event: &Event) -> Result<(), Refusal> {
        let context =
            Context { recorded_at: self.now, rules: &self.rules, signers: &self.signers, world: self };
        decide(self.states.get(stream), event, &context, &self.terms, self)?;
        let before = self.states.get(stream).cloned();
        let (after, effects) = evolve(before, event, &context, &self.terms).expect("allowed, so possible");
        let bytes = after.to_value().write();
        let again = State::from_value(&Value::read(&bytes).unwrap()).expect("a state reads what it writes");
        assert_eq!(again, after, "{}", String::from_utf8_lossy(&bytes));
        if let Some(declaration) = effects.blocked {
            *self.blocking.entry(declaration).or_default() += 1;
        }
        if let Some(declaration) = effects.unblocked {
            let count = self.blocking.get_mut(&declaration).expect("was blocked before");
            *count -= 1;
            if *count == 0 {
                self.blocking.remove(&declaration);
            }
        }
        self.states.insert(stream.to_owned(), after);
        self.log.push((stream.to_owned(), event.clone(), self.now));
        Ok(())
    }

    fn act(&mut self, kind: &str, stream: &str, data: &str) -> Result<(), Refusal> {
        self.try_event(stream, &event(kind, stream, data))
    }

    fn ok(&mut self, kind: &str, stream: &str, data: &str) {
        self.act(kind, stream, data).unwrap_or_else(|refusal| panic!("{kind} on {stream}: {refusal:?}"));
    }

    fn no(&mut self, refusal: Refusal, kind: &str, stream: &str, data: &str) {
        let before = self.states.get(stream).cloned();
        assert_eq!(self.act(kind, stream, data), Err(refusal), "{kind} {data}");
        assert_eq!(self.states.get(stream), before.as_ref(), "a refusal changes nothing");
    }

    fn bag(&self) -> &Cargo {
        self.states[BAG].cargo().unwrap()
    }

    /// Everything folded once more from its events.
    fn rebuilt(&self) -> BTreeMap<String, State> {
        let mut states: BTreeMap<String, State> = BTreeMap::new();
        for (stream, event, now) in &self.log {
            // No signer and no other stream: evolve must not need them.
            let nobody = Nobody;
            let context = Context { recorded_at: *now, rules: &self.rules, signers: &[], world: &nobody };
            let (after, _) = evolve(states.remove(stream), event, &context, &self.terms).unwrap();
            states.insert(stream.clone(), after);
        }
        states
    }

    // The way of one bag, each step on top of the ones before.

    fn declared() -> Self {
        let mut house = Self::new();
        house.ok("cargo.manifested", BAG, MANIFESTED);
        house.ok("cargo.declared", BAG, DECLARED);
        house
    }

    fn warehoused() -> Self {
        let mut house = Self::declared();
        house.at(NOW + 5 * HOUR);
        house.ok("cargo.warehoused", BAG, WAREHOUSED);
        house
    }

    fn screened() -> Self {
        let mut house = Self::warehoused();
        house.ok("cargo.screened", BAG, SCREENED);
        house
    }

    fn queued() -> Self {
        let mut house = Self::screened();
        house.ok("cargo.booked", BAG, BOOKED);
        house.ok("queue.allocated", QUEUE, ALLOCATED);
        house.ok("cargo.queued", BAG, QUEUED);
        house
    }

    fn imaged() -> Self {
        let mut house = Self::queued();
        house.ok("queue.called", QUEUE, r#"{"number":1}"#);
        house.ok("cargo.presented", BAG, PRESENTED);
        house.ok("cargo.imaged", BAG, &imaged(IMAGE));
        house
    }

    fn read() -> Self {
        let mut house = Self::imaged();
        house.ok("cargo.image_read", BAG, READ);
        house
    }

    fn taxed() -> Self {
        let mut house = Self::read();
        house.ok("cargo.tax_paid", BAG, r#"{"amount":900,"channel":"debit"}"#);
        house
    }

    fn released() -> Self {
        let mut house = Self::taxed();
        house.ok("cargo.released", BAG, r#"{"pieces":3}"#);
        house
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.rebuilt(), self.states, "a rebuild from the events gives the same states");
        }
    }
}

struct Nobody;

impl World for Nobody {
    fn scheme_suspended(&self, _: &Ubn, _: i64) -> bool {
        unreachable!("evolve looks at no other stream")
    }
    fn delegated(&self, _: &Ubn, _: &Ubn) -> bool {
        unreachable!("evolve looks at no other stream")
    }
    fn declaration_blocked(&self, _: &DeclarationNo) -> bool {
        unreachable!("evolve looks at no other stream")
    }
    fn has_open_draw(&self, _: &DeclarationNo) -> bool {
        unreachable!("evolve looks at no other stream")
    }
}

fn declaration(text: &str) -> DeclarationNo {
    DeclarationNo::parse(text).unwrap()
}

fn guarantee(text: &str) -> GuaranteeNo {
    GuaranteeNo::parse(text).unwrap()
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}
