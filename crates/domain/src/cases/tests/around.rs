//! A small house around the family: its streams, a day, and who signs.

use std::collections::BTreeMap;

use lian_core::json::{SchemaError, Value};

use crate::{
    cases::{
        Around, ExhibitGlance, Glance, State, Terms, Transfer, decide, evolve,
        ids::{Actor, CaseNo, ExhibitNo, HandoverNo, Spelled},
        owner, parse,
    },
    context::{Context, Signer, World},
    dates::Day,
    ids::{DeclarationNo, Ubn},
    refusal::Refusal,
    rules::Rules,
};

pub type Members = Vec<(&'static str, Value<'static>)>;

pub const CASE: &str = "case/TP115-0001";
pub const OTHER: &str = "case/TP115-0002";
pub const EXHIBIT: &str = "exhibit/EX-1";
pub const HANDOVER: &str = "handover/H-1";

pub fn t(text: &str) -> Value<'static> {
    Value::text(text.to_owned())
}

pub fn n(number: i64) -> Value<'static> {
    Value::Int(number)
}

pub fn yes(truth: bool) -> Value<'static> {
    Value::Bool(truth)
}

pub fn l(items: Vec<Value<'static>>) -> Value<'static> {
    Value::List(items)
}

pub fn o(members: Members) -> Value<'static> {
    Value::object(members)
}

pub fn day(text: &str) -> Day {
    Day::parse_human(text).unwrap()
}

pub fn with(mut members: Members, name: &'static str, value: Value<'static>) -> Members {
    members.retain(|(known, _)| *known != name);
    members.push((name, value));
    members
}

/// Facts that the family does not look at.
pub struct NoWorld;

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

/// The streams, as the ledger would look them up.
#[derive(Default, Clone)]
pub struct Streams(pub BTreeMap<String, State>);

impl Around for Streams {
    fn case(&self, no: &CaseNo) -> Option<Glance> {
        match self.0.get(&format!("case/{no}")) {
            Some(State::Case(case)) => Some(case.glance()),
            _ => None,
        }
    }
    fn exhibit(&self, no: &ExhibitNo) -> Option<ExhibitGlance> {
        match self.0.get(&format!("exhibit/{no}")) {
            Some(State::Exhibit(exhibit)) => Some(exhibit.glance()),
            _ => None,
        }
    }
    fn transfer(&self, handover: &HandoverNo, case: &CaseNo) -> Option<Transfer> {
        match self.0.get(&format!("handover/{handover}")) {
            Some(State::Handover(handover)) => handover.transfer(case),
            _ => None,
        }
    }
    /// `officer:x2` is the second actor of the person behind `officer:x`.
    fn person(&self, actor: &Actor) -> Option<String> {
        Some(person(actor.as_str()).to_owned())
    }
}

fn person(actor: &str) -> &str {
    actor.trim_end_matches('2')
}

/// A signer of a unit of their own, unless `unit` says otherwise.
pub fn signer(actor: &'static str, capacity: &'static str) -> Signer<'static> {
    Signer { actor, capacity, person: Some(person(actor)), unit: actor }
}

pub fn officer() -> Vec<Signer<'static>> {
    vec![signer("officer:a", "officer")]
}

pub fn both() -> Vec<Signer<'static>> {
    vec![signer("officer:a", "officer"), signer("officer:s", "supervisor")]
}

pub fn all_three() -> Vec<Signer<'static>> {
    let mut signers = both();
    signers.push(signer("officer:l", "legal"));
    signers
}

/// Why a statement came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum No {
    Schema(SchemaError),
    WrongSide,
    Refused(Refusal),
}

pub struct House {
    pub streams: Streams,
    pub today: Day,
    pub terms: Terms,
    pub rules: Rules,
    /// What was accepted: stream, kind, data and day.
    pub log: Vec<(String, String, Vec<u8>, Day)>,
}

pub fn context<'c>(today: Day, rules: &'c Rules, signers: &'c [Signer<'c>]) -> Context<'c> {
    Context { recorded_at: today.end_of_day_ms(), rules, signers, world: &NoWorld }
}

impl House {
    pub fn on(today: &str) -> Self {
        Self {
            streams: Streams::default(),
            today: day(today),
            terms: Terms::standard(),
            rules: Rules::standard(),
            log: Vec::new(),
        }
    }

    /// The whole way of one event: parse, side, rules, change; a state must survive its own JSON.
    pub fn send(
        &mut self,
        kind: &str,
        stream: &str,
        members: Members,
        signers: &[Signer<'_>],
    ) -> Result<(), No> {
        let bytes = Value::object(members).write();
        let data = Value::read(&bytes).unwrap();
        let event = parse(kind, stream, &data).expect("a kind of the family").map_err(No::Schema)?;
        let before = self.streams.0.get(stream);
        if !owner(before, &event, signers) {
            return Err(No::WrongSide);
        }
        let context = context(self.today, &self.rules, signers);
        decide(before, &event, &context, &self.terms, &self.streams).map_err(No::Refused)?;
        let after = evolve(before.cloned(), &event, &context).expect("what decide allowed");
        let json = after.to_value().write();
        assert_eq!(State::from_value(&Value::read(&json).unwrap()).as_ref(), Ok(&after), "{kind}");
        self.streams.0.insert(stream.to_owned(), after);
        self.log.push((stream.to_owned(), kind.to_owned(), bytes, self.today));
        Ok(())
    }

    pub fn ok(&mut self, kind: &str, stream: &str, members: Members, signers: &[Signer<'_>]) {
        let verdict = self.send(kind, stream, members, signers);
        assert_eq!(verdict, Ok(()), "{kind} on {stream}");
    }

    #[track_caller]
    pub fn refused(
        &mut self,
        kind: &str,
        stream: &str,
        members: Members,
        signers: &[Signer<'_>],
        refusal: Refusal,
    ) {
        assert_eq!(self.send(kind, stream, members, signers), Err(No::Refused(refusal)), "{kind}");
    }

    pub fn case(&self) -> &crate::cases::Case {
        match &self.streams.0[CASE] {
            State::Case(case) => case,
            _ => unreachable!(),
        }
    }

    pub fn exhibit(&self) -> &crate::cases::Exhibit {
        match &self.streams.0[EXHIBIT] {
            State::Exhibit(exhibit) => exhibit,
            _ => unreachable!(),
        }
    }

    pub fn handover(&self) -> &crate::cases::Handover {
        match &self.streams.0[HANDOVER] {
            State::Handover(handover) => handover,
            _ => unreachable!(),
        }
    }

    /// The states that the accepted events alone give.
    pub fn rebuilt(&self) -> BTreeMap<String, State> {
        let mut streams: BTreeMap<String, State> = BTreeMap::new();
        for (stream, kind, data, today) in &self.log {
            let event = parse(kind, stream, &Value::read(data).unwrap()).unwrap().unwrap();
            let before = streams.remove(stream);
            let after = evolve(before, &event, &context(*today, &self.rules, &[])).unwrap();
            streams.insert(stream.clone(), after);
        }
        streams
    }
}

pub fn offence(article: &str, occurred_on: &str) -> Value<'static> {
    o(vec![
        ("article", t(article)),
        ("ended_on", t(occurred_on)),
        ("occurred_on", t(occurred_on)),
        ("result_on", Value::Null),
    ])
}

pub fn opening(occurred_on: &str) -> Members {
    vec![
        ("criminal", yes(false)),
        ("declaration", t("CE__15494A0001")),
        ("declared_on", t(occurred_on)),
        ("detected_on", t(occurred_on)),
        ("hawb", t("598FJ923")),
        ("house", t("CE")),
        ("importer", Value::Null),
        ("inspection", Value::Null),
        ("mawb", t("297-83993523")),
        ("offences", l(vec![offence("asa.37", occurred_on)])),
        ("officer", t("officer:a")),
        ("receipt", t("R-115-01")),
        ("registered", yes(false)),
        ("section", t("CE-1")),
        ("seized_by", t("CE-X-3")),
        ("storage", t("C2011")),
        ("subject", o(vec![("sealed", t(&"ab".repeat(32)))])),
    ]
}

pub fn on(date: &str) -> Members {
    vec![("on", t(date))]
}

pub fn verdict(outcome: &str, final_on: &str) -> Members {
    vec![("document", t("JD-1")), ("final_on", t(final_on)), ("outcome", t(outcome)), ("paid", n(0))]
}

pub fn decision(fine: i64) -> Members {
    vec![
        ("articles", l(vec![t("asa.37")])),
        ("confiscates", yes(true)),
        ("deducted", n(0)),
        ("fine", n(fine)),
        ("number", t("D-1")),
    ]
}

pub fn heard(date: &str) -> Members {
    vec![("heard_on", t(date)), ("waived", Value::Null)]
}

pub fn money(amount: i64, date: &str) -> Members {
    vec![("amount", n(amount)), ("on", t(date))]
}

pub fn referral(date: &str) -> Members {
    vec![("document", t("REF-1")), ("office", t("TYD")), ("on", t(date))]
}

pub fn seizure(case: &str) -> Members {
    let item = |goods: &str, quantity: i64| {
        o(vec![("goods", t(goods)), ("quantity", n(quantity)), ("unit", t("PCE"))])
    };
    vec![
        ("case", t(case)),
        ("items", l(vec![item("cigarettes", 100), item("phones", 7)])),
        ("officer", t("officer:a")),
        ("on", t("2026-03-01")),
        ("owner", Value::Null),
        ("place", t("CE-line-4")),
        ("receipt", t("R-115-01")),
        ("seal", t("S-1")),
    ]
}

pub fn lines(parts: &[(i64, i64)]) -> Value<'static> {
    let part = |(line, quantity): &(i64, i64)| o(vec![("line", n(*line)), ("quantity", n(*quantity))]);
    l(parts.iter().map(part).collect())
}

/// The list that `officer:a` hands to `officer:b` before `officer:s`.
pub fn listing(cases: &[&str]) -> Members {
    let parties = vec![
        ("cases", l(cases.iter().map(|case| t(case)).collect())),
        ("incoming", t("officer:b")),
        ("no", t("H-1")),
        ("outgoing", t("officer:a")),
        ("supervisor", t("officer:s")),
    ];
    let list = lian_core::hash::sha256(&[b"lian/handover/v1\n", &o(parties.clone()).write()]);
    let mut members = with(parties, "list", t(&list.to_hex()));
    members.retain(|(name, _)| *name != "no");
    members
}

pub fn list_of(cases: &[&str]) -> Value<'static> {
    listing(cases).into_iter().find(|(name, _)| *name == "list").unwrap().1
}

pub fn answers(cases: &[&str], rows: &[(&str, bool, Option<&str>)]) -> Members {
    let row = |(case, taken, contacted_on): &(&str, bool, Option<&str>)| {
        o(vec![
            ("case", t(case)),
            ("contacted_on", contacted_on.map_or(Value::Null, t)),
            ("status", t("pending")),
            ("taken", yes(*taken)),
        ])
    };
    vec![("list", list_of(cases)), ("rows", l(rows.iter().map(row).collect()))]
}
