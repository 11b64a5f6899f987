//! The second reckoning: the rules of a guarantee in wide integers, written from the specification.
//! Each debt is one sum, and a verdict is the smallest number among all guards that fail.

use std::collections::BTreeMap;

use lian_core::time::date_of;
use lian_domain::{
    context::World,
    dates::Day,
    guarantee::{Event, State},
    ids::{DeclarationNo, Ubn},
};

use crate::life::COMPANIES;

#[derive(Default)]
pub struct Facts {
    pub suspended: Vec<&'static str>,
    pub delegated: Vec<(&'static str, &'static str)>,
    pub blocked: Vec<&'static str>,
    pub drawn: Vec<&'static str>,
}

impl World for Facts {
    fn scheme_suspended(&self, debtor: &Ubn, _: i64) -> bool {
        self.suspended.contains(&debtor.as_str())
    }
    fn delegated(&self, broker: &Ubn, importer: &Ubn) -> bool {
        self.delegated.iter().any(|pair| *pair == (broker.as_str(), importer.as_str()))
    }
    fn declaration_blocked(&self, declaration: &DeclarationNo) -> bool {
        self.blocked.contains(&declaration.as_str())
    }
    fn has_open_draw(&self, declaration: &DeclarationNo) -> bool {
        self.drawn.contains(&declaration.as_str())
    }
}

/// What the model knows of an open draw: one debt, one sum paid.
#[derive(Clone)]
pub struct Debt {
    pub number: i128,
    pub tax: i128,
    pub charges: i128,
    pub paid: i128,
    pub frozen: i128,
    pub due_on: i64,
    pub settle_by: Option<i64>,
}

impl Debt {
    pub fn due(&self) -> i128 {
        self.tax + self.charges - self.paid
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum Phase {
    Requested,
    Active,
    Suspended,
    Ended,
}

#[derive(Clone)]
pub struct Model {
    pub phase: Phase,
    pub scope: &'static str,
    pub debtor: &'static str,
    pub is_broker: bool,
    pub types: Vec<&'static str>,
    pub terms: String,
    pub limit: i128,
    pub from: i64,
    pub to: i64,
    pub debts: BTreeMap<&'static str, Debt>,
    pub claims: Vec<(i128, Vec<(&'static str, i128)>)>,
    pub draws_made: i128,
    pub claims_made: i128,
    pub called: i128,
    pub refunds: i128,
    pub strays: i128,
    pub unsecured: BTreeMap<&'static str, i128>,
}

/// One command or fact, as the model reads it.
#[derive(Debug, Clone)]
pub enum Act {
    Request {
        scope: &'static str,
        is_broker: bool,
        types: Vec<&'static str>,
        limit: i128,
        from: i64,
        to: i64,
        bank: &'static str,
    },
    Accept {
        right_terms: bool,
    },
    Reject,
    Suspend,
    Amend {
        limit: Option<i128>,
        to: Option<i64>,
    },
    Draw {
        declaration: &'static str,
        importer: &'static str,
        broker: Option<&'static str>,
        types: Vec<&'static str>,
        each: i128,
        served_on: i64,
    },
    Assess {
        declaration: &'static str,
        number: Option<i128>,
        change: i128,
    },
    Pay {
        declaration: &'static str,
        number: Option<i128>,
        amount: i128,
    },
    Surcharge {
        declaration: &'static str,
        number: Option<i128>,
        amount: i128,
    },
    Cancel {
        declaration: &'static str,
        number: Option<i128>,
    },
    Claim {
        draws: Vec<(&'static str, i128)>,
    },
    ClaimPaid {
        claim: i128,
        amount: i128,
    },
    ClaimRefused {
        claim: i128,
    },
    ClaimWithdrawn {
        claim: i128,
    },
    Close,
}

/// What surrounds an act.
pub struct Moment<'m> {
    pub today: i64,
    pub facts: &'m Facts,
    pub has_supervisor: bool,
    pub is_one_person: bool,
}

const MOST: i128 = 9_007_199_254_740_991;
impl Model {
    pub fn outstanding(&self) -> i128 {
        self.debts.values().map(Debt::due).sum()
    }

    pub fn available(&self) -> i128 {
        let taken: i128 = self.debts.values().map(|debt| debt.due().max(debt.frozen)).sum();
        (self.limit - taken).max(0)
    }

    pub fn pending(&self) -> i128 {
        self.claims.iter().flat_map(|(_, draws)| draws).map(|(_, amount)| amount).sum()
    }

    fn booked(&self) -> i128 {
        let debts: i128 = self.debts.values().map(|debt| debt.tax + debt.charges).sum();
        debts + self.refunds + self.unsecured.values().sum::<i128>()
    }

    fn meant(&self, declaration: &str, number: Option<i128>) -> Option<&Debt> {
        self.debts.get(declaration).filter(|debt| number.is_none_or(|number| debt.number == number))
    }

    pub fn claimed(&self, number: i128) -> Option<i128> {
        let claim = self.claims.iter().find(|(known, _)| *known == number);
        claim.map(|(_, draws)| draws.iter().map(|(_, amount)| amount).sum())
    }

    /// Numbers of every guard that fails, in no order.
    pub fn failing(&self, act: &Act, at: &Moment) -> Vec<u16> {
        let guards = match act {
            Act::Accept { .. } | Act::Reject | Act::Amend { .. } | Act::Close => self.terms_guards(act, at),
            Act::Draw { .. } => self.draw_guards(act, at),
            Act::Cancel { .. } | Act::Assess { .. } | Act::Pay { .. } | Act::Surcharge { .. } => {
                self.debt_guards(act)
            }
            Act::Claim { draws } => self.claim_guards(draws, at),
            Act::ClaimPaid { .. } | Act::ClaimRefused { .. } | Act::ClaimWithdrawn { .. } => {
                self.answer_guards(act)
            }
            Act::Request { .. } | Act::Suspend => Vec::new(),
        };
        let failing = self.status_guards(act, at).into_iter().chain(guards).filter(|(_, fails)| *fails);
        failing.map(|(code, _)| code).collect()
    }

    fn status_guards(&self, act: &Act, at: &Moment) -> Vec<(u16, bool)> {
        let is_fact = matches!(act, Act::Assess { .. } | Act::Pay { .. } | Act::Surcharge { .. });
        let is_answer = matches!(act, Act::Accept { .. } | Act::Reject | Act::Suspend | Act::Request { .. });
        let needs_run = matches!(act, Act::Suspend | Act::Amend { .. } | Act::Draw { .. });
        let needs_validity = matches!(act, Act::Accept { .. } | Act::Amend { .. } | Act::Draw { .. });
        vec![
            (102, matches!(act, Act::Request { .. })),
            (103, !is_fact && self.phase == Phase::Ended),
            (105, !is_fact && !is_answer && self.phase == Phase::Requested),
            (106, needs_run && self.phase == Phase::Suspended),
            (107, needs_validity && at.today > self.to),
        ]
    }

    fn terms_guards(&self, act: &Act, at: &Moment) -> Vec<(u16, bool)> {
        match act {
            Act::Accept { right_terms } => vec![
                (113, at.facts.suspended.contains(&self.debtor)),
                (117, !right_terms),
                (118, self.phase != Phase::Requested),
                (119, self.limit >= 50_000_000 && !at.has_supervisor),
                (120, at.is_one_person),
            ],
            Act::Amend { limit, to } => {
                let lower = limit.filter(|&new| new < self.limit);
                let shorter = to.filter(|&new| new < self.to);
                let after = |new: i64| self.debts.values().any(|debt| debt.due() > 0 && debt.due_on > new);
                vec![
                    (124, *limit == Some(self.limit) || *to == Some(self.to)),
                    (125, lower.is_some_and(|new| new < self.outstanding() || new < self.pending())),
                    (126, shorter.is_some_and(|new| new < self.from || new < at.today)),
                    (127, shorter.is_some_and(after)),
                ]
            }
            Act::Close => vec![
                (121, self.outstanding() > 0),
                (122, !self.claims.is_empty()),
                (123, self.debts.values().any(|debt| debt.settle_by.is_some_and(|last| at.today <= last))),
            ],
            _ => vec![(118, self.phase != Phase::Requested)],
        }
    }

    fn draw_guards(&self, act: &Act, at: &Moment) -> Vec<(u16, bool)> {
        let Act::Draw { declaration, importer, broker, types, each, .. } = act else { unreachable!() };
        let amount = total(*each, types);
        let delegated = at.facts.delegated.contains(&(self.debtor, *importer));
        vec![
            (108, at.today < self.from),
            (109, amount > self.available()),
            (110, self.scope != "all" && !declaration.starts_with(self.scope)),
            (111, !self.is_broker && *importer != self.debtor),
            (112, self.is_broker && (*broker != Some(self.debtor) || !delegated)),
            (113, [self.debtor, *importer].iter().any(|company| at.facts.suspended.contains(company))),
            (114, self.debts.contains_key(declaration) || at.facts.drawn.contains(declaration)),
            (115, at.facts.blocked.contains(declaration)),
            (116, types.iter().any(|tax| !self.types.contains(tax))),
            (135, self.booked() + amount > MOST),
        ]
    }

    fn debt_guards(&self, act: &Act) -> Vec<(u16, bool)> {
        match act {
            Act::Cancel { declaration, number } => {
                let debt = self.meant(declaration, *number);
                vec![(122, debt.is_some_and(|debt| debt.frozen > 0)), (128, debt.is_none())]
            }
            Act::Assess { change: amount, .. } | Act::Pay { amount, .. } | Act::Surcharge { amount, .. } => {
                vec![(135, self.booked() + (*amount).max(0) > MOST)]
            }
            _ => unreachable!(),
        }
    }

    fn claim_guards(&self, draws: &[(&'static str, i128)], at: &Moment) -> Vec<(u16, bool)> {
        let known = draws.iter().filter_map(|(name, amount)| Some((self.debts.get(name)?, *amount)));
        let known: Vec<_> = known.collect();
        let asked: i128 = draws.iter().map(|(_, amount)| amount).sum();
        vec![
            (120, at.is_one_person),
            (128, known.len() < draws.len()),
            (129, known.iter().any(|(debt, _)| at.today <= debt.due_on)),
            (130, at.today > self.to + 30),
            (131, self.pending() + asked > self.limit),
            (132, known.iter().any(|(debt, amount)| debt.frozen + amount > debt.due())),
        ]
    }

    fn answer_guards(&self, act: &Act) -> Vec<(u16, bool)> {
        match act {
            Act::ClaimPaid { claim, amount } => {
                let claimed = self.claimed(*claim);
                vec![
                    (133, claimed.is_none()),
                    (134, claimed.is_some_and(|claimed| claimed != *amount)),
                    (135, self.booked() + amount > MOST || self.called + amount > MOST),
                ]
            }
            Act::ClaimRefused { claim } | Act::ClaimWithdrawn { claim } => {
                vec![(133, self.claimed(*claim).is_none())]
            }
            _ => unreachable!(),
        }
    }

    pub fn apply(&mut self, act: &Act, today: i64) {
        match act {
            Act::Request { .. } => unreachable!("refused by number"),
            Act::Accept { .. } => self.phase = Phase::Active,
            Act::Reject => self.phase = Phase::Ended,
            Act::Suspend if self.phase == Phase::Requested => self.phase = Phase::Ended,
            Act::Suspend => self.phase = Phase::Suspended,
            Act::Amend { limit, to } => {
                self.limit = limit.unwrap_or(self.limit);
                self.to = to.unwrap_or(self.to);
            }
            Act::Draw { declaration, types, each, served_on, .. } => {
                self.draws_made += 1;
                let debt = Debt {
                    number: self.draws_made,
                    tax: total(*each, types),
                    charges: 0,
                    paid: 0,
                    frozen: 0,
                    due_on: served_on + 14,
                    settle_by: types.contains(&"deposit").then(|| six_months_from(today)),
                };
                self.debts.insert(declaration, debt);
            }
            Act::Assess { declaration, number, change } => self.assess(declaration, *number, *change),
            Act::Pay { declaration, number, amount } => self.pay(declaration, *number, *amount),
            Act::Surcharge { declaration, number, amount } => {
                if self.meant(declaration, *number).is_some() {
                    self.debts.get_mut(declaration).unwrap().charges += amount;
                } else {
                    self.strays += 1;
                    *self.unsecured.entry(declaration).or_default() += amount;
                }
            }
            Act::Cancel { declaration, .. } => self.refunds += self.debts.remove(declaration).unwrap().paid,
            Act::Claim { draws } => {
                self.claims_made += 1;
                for (name, amount) in draws {
                    self.debts.get_mut(name).unwrap().frozen += amount;
                }
                self.claims.push((self.claims_made, draws.clone()));
            }
            Act::ClaimPaid { claim, amount } => {
                self.limit -= amount;
                self.called += amount;
                self.answer(*claim, true);
            }
            Act::ClaimRefused { claim } | Act::ClaimWithdrawn { claim } => self.answer(*claim, false),
            Act::Close => {
                self.phase = Phase::Ended;
                self.debts.clear();
            }
        }
        self.debts.retain(|_, debt| debt.due() > 0 || debt.frozen > 0 || debt.settle_by.is_some());
        self.unsecured.retain(|_, amount| *amount > 0);
    }

    fn assess(&mut self, declaration: &'static str, number: Option<i128>, change: i128) {
        if self.meant(declaration, number).is_none() {
            self.strays += 1;
            let owed = self.unsecured.entry(declaration).or_default();
            *owed = (*owed + change).max(0);
            return;
        }
        let debt = self.debts.get_mut(declaration).unwrap();
        if debt.tax + change < 0 {
            self.strays += 1;
        }
        debt.tax = (debt.tax + change).max(0);
        debt.settle_by = None;
        let excess = (-debt.due()).max(0);
        debt.paid -= excess;
        self.refunds += excess;
    }

    fn pay(&mut self, declaration: &'static str, number: Option<i128>, amount: i128) {
        if self.meant(declaration, number).is_some() {
            let debt = self.debts.get_mut(declaration).unwrap();
            debt.paid += amount;
            let excess = (-debt.due()).max(0);
            debt.paid -= excess;
            self.refunds += excess;
        } else {
            self.strays += 1;
            let owed = self.unsecured.entry(declaration).or_default();
            self.refunds += (amount - *owed).max(0);
            *owed = (*owed - amount).max(0);
        }
    }

    fn answer(&mut self, claim: i128, is_paid: bool) {
        let position = self.claims.iter().position(|(number, _)| *number == claim).unwrap();
        for (name, amount) in self.claims.remove(position).1 {
            let debt = self.debts.get_mut(name).unwrap();
            debt.frozen -= amount;
            if is_paid {
                debt.paid += amount;
                let excess = (-debt.due()).max(0);
                debt.paid -= excess;
                self.refunds += excess;
            }
        }
    }

    /// The state says exactly what the model says, and the invariants of the house hold.
    pub fn check(&self, state: &State) {
        let wide = |twd: lian_domain::money::Twd| i128::from(twd.get());
        assert_eq!(wide(state.outstanding()), self.outstanding());
        assert_eq!(wide(state.available()), self.available());
        assert_eq!(wide(state.limit()), self.limit);
        assert_eq!(wide(state.pending()), self.pending());
        assert_eq!(wide(state.called()), self.called);
        assert_eq!(wide(state.refunds()), self.refunds);
        assert_eq!(i128::from(state.strays()), self.strays);
        assert_eq!(state.terms().to.number(), self.to);
        let unsecured: Vec<_> =
            state.unsecured().map(|(name, owed)| (name.to_string(), wide(owed))).collect();
        let expected: Vec<_> =
            self.unsecured.iter().map(|(name, owed)| ((*name).to_owned(), *owed)).collect();
        assert_eq!(unsecured, expected);
        assert_eq!(state.open_draws().count(), self.debts.len());
        for (name, draw) in state.open_draws() {
            let debt = &self.debts[name.as_str()];
            assert_eq!((wide(draw.due()), wide(draw.paid())), (debt.due(), debt.paid));
            assert_eq!((wide(draw.tax()), wide(draw.charges)), (debt.tax, debt.charges));
            assert_eq!((wide(draw.claimed), i128::from(draw.number)), (debt.frozen, debt.number));
            assert_eq!(
                (draw.due_on.number(), draw.settle_by.map(Day::number)),
                (debt.due_on, debt.settle_by)
            );
            assert!(draw.paid_tax <= draw.tax() && draw.paid_charges <= draw.charges);
            assert!((0..=debt.tax + debt.charges).contains(&debt.paid));
        }
        if self.phase == Phase::Ended {
            assert!(state.outstanding().is_zero() && state.claims().is_empty());
        }
    }
}
/// Walks day by day to the end of six months whose first day is tomorrow.
fn six_months_from(today: i64) -> i64 {
    let (_, start_month, start_day) = date_of(today + 1);
    let month = (start_month + 5) % 12 + 1;
    let after = month % 12 + 1;
    let mut day = today + 100;
    loop {
        let (_, at_month, at_day) = date_of(day);
        if (at_month == month && at_day == start_day) || (at_month == after && at_day == 1) {
            return day - 1;
        }
        day += 1;
    }
}

fn total(each: i128, types: &[&str]) -> i128 {
    each * i128::try_from(types.len()).unwrap()
}

/// What a request makes.
pub fn begin(act: &Act, event: &Event) -> Model {
    let (Act::Request { scope, is_broker, types, limit, from, to, .. }, Event::Requested(request)) =
        (act, event)
    else {
        panic!("a life begins with a request")
    };
    let all = vec!["commodity", "deposit", "duty", "vat"];
    Model {
        phase: Phase::Requested,
        scope,
        debtor: COMPANIES[0],
        is_broker: *is_broker,
        types: if types.is_empty() { all } else { types.clone() },
        terms: request.terms.to_hex(),
        limit: *limit,
        from: *from,
        to: *to,
        debts: BTreeMap::new(),
        claims: Vec::new(),
        draws_made: 0,
        claims_made: 0,
        called: 0,
        refunds: 0,
        strays: 0,
        unsecured: BTreeMap::new(),
    }
}
