//! Random acts, and how a bank or an officer would spell them.

use lian_core::{json::Value, time::day_of};
use lian_domain::dates::Day;

use crate::reckoning::{Act, Facts, Model};

const DECLARATIONS: [&str; 4] = ["CA__15000000A1", "CA__15000000A2", "CG__15000000A3", "DA__15000000A4"];
/// The first is the debtor.
pub const COMPANIES: [&str; 3] = ["12345675", "22099131", "04595257"];

/// A small generator of its own, so that a seed means the same life for ever.
pub struct Dice(u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    pub fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.roll(choices.len() as u64)).unwrap()]
    }

    /// Mostly small, so that limits are met exactly; sometimes near the largest amount.
    fn amount(&mut self) -> i128 {
        let small = i128::from(self.roll(60)) + 1;
        if self.one_in(60) { 999_999_999_999 - small } else { small }
    }
}
/// One life: the dice, the day, the facts around it.
pub struct Life {
    pub dice: Dice,
    pub today: i64,
    pub facts: Facts,
    pub model: Option<Model>,
}

impl Life {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            dice.roll(2);
        }
        Self { dice, today: day_of(2026, 3, 2).unwrap(), facts: Facts::default(), model: None }
    }

    fn types(&mut self) -> Vec<&'static str> {
        let all = ["commodity", "deposit", "duty", "vat"];
        let mut types: Vec<_> = all.into_iter().filter(|_| self.dice.one_in(3)).collect();
        if types.is_empty() {
            types.push("duty");
        }
        types
    }

    fn number(&mut self) -> Option<i128> {
        self.dice.one_in(4).then(|| i128::from(self.dice.roll(4)) + 1)
    }

    /// Facts around the guarantee come and go; days pass.
    pub fn pass_time(&mut self) {
        let step = self.dice.pick(&[0, 0, 1, 3, 9]);
        self.today += step;
        if self.dice.one_in(150) {
            self.today += 120;
        }
        let (company, declaration) = (self.dice.pick(&COMPANIES), self.dice.pick(&DECLARATIONS));
        let is_change = self.dice.one_in(12);
        let facts = &mut self.facts;
        facts.suspended.clear();
        facts.blocked.clear();
        facts.drawn.clear();
        match self.dice.roll(16) {
            0 => facts.suspended.push(company),
            1 => facts.blocked.push(declaration),
            2 => facts.drawn.push(declaration),
            _ => {}
        }
        if is_change {
            facts.delegated = vec![(COMPANIES[0], company)];
        }
    }

    pub fn act(&mut self) -> Act {
        let declaration = self.dice.pick(&DECLARATIONS);
        let (number, amount) = (self.number(), self.dice.amount());
        let claim = i128::from(self.dice.roll(4)) + 1;
        match self.dice.roll(40) {
            0 => self.request(),
            1 => Act::Accept { right_terms: !self.dice.one_in(4) },
            2 if self.dice.one_in(4) => Act::Reject,
            3 if self.dice.one_in(6) => Act::Suspend,
            4..=6 => self.amend(),
            17..=19 => {
                let sign = self.dice.pick(&[-1, 0, 1, 1]);
                Act::Assess { declaration, number, change: amount * sign }
            }
            20..=25 => Act::Pay { declaration, number, amount },
            26..=27 => Act::Surcharge { declaration, number, amount },
            28 => Act::Cancel { declaration, number },
            29..=32 => self.claim(amount),
            33..=35 => {
                let open =
                    self.model.as_ref().and_then(|model| model.claims.first().map(|(number, _)| *number));
                let claim = if self.dice.one_in(5) { claim } else { open.unwrap_or(claim) };
                let claimed = self.model.as_ref().and_then(|model| model.claimed(claim));
                let amount = if self.dice.one_in(5) { amount } else { claimed.unwrap_or(amount) };
                Act::ClaimPaid { claim, amount }
            }
            36 => Act::ClaimRefused { claim },
            37 => Act::ClaimWithdrawn { claim },
            38 if self.dice.one_in(2) => Act::Close,
            _ => self.draw(declaration),
        }
    }

    pub fn request(&mut self) -> Act {
        let limit = if self.dice.one_in(8) { 50_000_000 } else { i128::from(self.dice.roll(200)) + 1 };
        let from = self.today + self.dice.pick(&[-5, 0, 0, 4]);
        Act::Request {
            scope: self.dice.pick(&["all", "all", "C", "CA"]),
            is_broker: self.dice.one_in(3),
            types: if self.dice.one_in(2) { self.types() } else { Vec::new() },
            limit,
            from,
            to: from + self.dice.pick(&[0, 40, 90, 150]),
            bank: if self.dice.one_in(20) { "700" } else { "004" },
        }
    }

    fn amend(&mut self) -> Act {
        let limit = self.dice.one_in(2).then(|| i128::from(self.dice.roll(240)) + 1);
        let to = (limit.is_none() || self.dice.one_in(3))
            .then(|| self.today + self.dice.pick(&[-9, 0, 5, 15, 60]));
        Act::Amend { limit, to }
    }

    fn draw(&mut self, declaration: &'static str) -> Act {
        let importer = if self.dice.one_in(5) { self.dice.pick(&COMPANIES) } else { COMPANIES[0] };
        Act::Draw {
            declaration,
            importer,
            broker: self.dice.pick(&[None, Some(COMPANIES[0]), Some(COMPANIES[0]), Some(COMPANIES[1])]),
            types: if self.dice.one_in(3) { self.types() } else { vec!["duty"] },
            each: i128::from(self.dice.roll(60)) + 1,
            served_on: self.today - self.dice.pick(&[0, 0, 10, 20]),
        }
    }

    fn claim(&mut self, amount: i128) -> Act {
        let mut draws = Vec::new();
        for declaration in DECLARATIONS {
            let debt = self.model.as_ref().and_then(|model| model.debts.get(declaration));
            let is_named = debt.map_or(12, |_| 2);
            if self.dice.one_in(is_named) {
                let due = debt.map_or(amount, |debt| (debt.due() - debt.frozen).clamp(1, 999_999_999_999));
                draws.push((declaration, if self.dice.one_in(3) { amount } else { due }));
            }
        }
        if draws.is_empty() {
            draws.push((DECLARATIONS[0], amount));
        }
        Act::Claim { draws }
    }
}

fn text(text: impl Into<String>) -> Value<'static> {
    Value::text(text.into())
}

fn int(number: i128) -> Value<'static> {
    Value::Int(i64::try_from(number).unwrap())
}

fn date(day: i64) -> Value<'static> {
    text(Day::from_number(day).to_string())
}

fn draw_ref(
    declaration: &str,
    number: Option<i128>,
    more: Vec<(&'static str, Value<'static>)>,
) -> Value<'static> {
    let mut members = vec![("declaration", text(declaration))];
    members.extend(number.map(|number| ("draw", int(number))));
    members.extend(more);
    Value::object(members)
}

/// Kind and data of an act.
pub fn spell(act: &Act, terms: &str) -> (&'static str, Value<'static>) {
    match act {
        Act::Request { .. } => ("guarantee.requested", spell_request(act)),
        Act::Accept { right_terms } => {
            let terms = if *right_terms && !terms.is_empty() { terms.to_owned() } else { "0".repeat(64) };
            ("guarantee.accepted", Value::object([("terms", text(terms))]))
        }
        Act::Reject => ("guarantee.rejected", Value::object([("reason", text("any"))])),
        Act::Suspend => ("guarantee.suspended", Value::object::<&str>([])),
        Act::Amend { limit, to } => {
            let limit = limit.map(|limit| ("limit", int(limit)));
            ("guarantee.amended", Value::object(limit.into_iter().chain(to.map(|to| ("to", date(to))))))
        }
        Act::Draw { .. } => ("guarantee.drawn", spell_draw(act)),
        Act::Assess { declaration, number, change } => {
            ("guarantee.assessed", draw_ref(declaration, *number, vec![("change", int(*change))]))
        }
        Act::Pay { declaration, number, amount } => {
            ("guarantee.tax_paid", draw_ref(declaration, *number, vec![("amount", int(*amount))]))
        }
        Act::Surcharge { declaration, number, amount } => {
            let more = vec![("amount", int(*amount)), ("days", int(1))];
            ("guarantee.surcharge_accrued", draw_ref(declaration, *number, more))
        }
        Act::Cancel { declaration, number } => {
            ("guarantee.draw_cancelled", draw_ref(declaration, *number, vec![("reason", text("any"))]))
        }
        Act::Close => ("guarantee.closed", Value::object::<&str>([])),
        claim => spell_claim(claim),
    }
}

fn spell_request(act: &Act) -> Value<'static> {
    let Act::Request { scope, is_broker, types, limit, from, to, bank } = act else { unreachable!() };
    let mut members = vec![
        ("bank", text(*bank)),
        ("branch", text("0001")),
        ("debtor", text(COMPANIES[0])),
        ("from", date(*from)),
        ("kind", text("accessory")),
        ("limit", int(*limit)),
        ("no", text("FB-1")),
        ("purpose", text(if *is_broker { "broker" } else { "importer" })),
        ("scope", text(*scope)),
        ("to", date(*to)),
    ];
    if !types.is_empty() {
        members.push(("tax_types", Value::List(types.iter().map(|tax| text(*tax)).collect())));
    }
    Value::object(members)
}

fn spell_draw(act: &Act) -> Value<'static> {
    let Act::Draw { declaration, importer, broker, types, each, served_on } = act else { unreachable!() };
    let mut members = vec![
        ("declaration", text(*declaration)),
        ("house", text(&declaration[..2])),
        ("importer", text(*importer)),
        ("manual", Value::Bool(false)),
        ("served_on", date(*served_on)),
        ("taxes", Value::object(types.iter().map(|tax| (*tax, int(*each))))),
    ];
    members.extend(broker.map(|broker| ("broker", text(broker))));
    Value::object(members)
}

fn spell_claim(act: &Act) -> (&'static str, Value<'static>) {
    match act {
        Act::Claim { draws } => {
            let draws =
                draws.iter().map(|(name, amount)| draw_ref(name, None, vec![("amount", int(*amount))]));
            let members = [("default", text("any")), ("draws", Value::List(draws.collect()))];
            ("guarantee.claimed", Value::object(members))
        }
        Act::ClaimPaid { claim, amount } => {
            ("guarantee.claim_paid", Value::object([("amount", int(*amount)), ("claim", int(*claim))]))
        }
        Act::ClaimRefused { claim } => {
            let members = [("claim", int(*claim)), ("reasons", Value::List(vec![text("any")]))];
            ("guarantee.claim_refused", Value::object(members))
        }
        Act::ClaimWithdrawn { claim } => {
            ("guarantee.claim_withdrawn", Value::object([("claim", int(*claim)), ("reason", text("any"))]))
        }
        _ => unreachable!(),
    }
}
