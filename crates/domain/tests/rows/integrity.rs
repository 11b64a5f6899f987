//! Registrations, sampling runs, draws and held cargo at random, for the town: possible or not, in no
//! order.

use lian_core::{
    entry::Verdict,
    hash::{Digest, sha256},
    json::Value,
    keys::SecretKey,
};
use lian_domain::{
    dates::Day,
    draws::{Calendar, Period, Scheme, State, Terms, commitment, pick, population},
    ethics::RegistrationNo,
    families,
    registry::key_hex,
    rules::Rules,
};

use crate::town::{Town, text};

const REGISTRATIONS: u64 = 4;
const QUARTERS: [&str; 2] = ["2026Q4", "2027Q1"];
const PARTIES: [&str; 3] = ["agency:aac", "bank:004", "system:draws"];
/// Actor, unit, capacities.
const STAFF: [(&str, &str, &[&str]); 7] = [
    ("agency:aac", "agency:aac", &["anticorruption", "committer"]),
    ("airline:CI", "airline:CI", &["airline"]),
    ("broker:22099131", "broker:22099131", &["broker"]),
    ("officer:e7q2", "office:integrity", &["ethics"]),
    ("officer:e9wz", "office:CG", &["ethics"]),
    ("officer:h3ad", "office:director", &["head"]),
    ("system:draws", "office:CA", &["committer"]),
];

fn sealed(byte: u8) -> Value<'static> {
    Value::object([("sealed", text(&Digest([byte; 32]).to_hex()))])
}

fn streams() -> Vec<String> {
    (0..REGISTRATIONS).map(|at| format!("ethics/115-{at:06}")).collect()
}

fn random_of(party: &str) -> Digest {
    sha256(&[b"random of ", party.as_bytes()])
}

/// The standard schemes and one that is due every day and quick.
pub fn schemes() -> Terms {
    let mut terms = Rules::standard().draws;
    let daily = Scheme {
        name: "daily".into(),
        calendar: Calendar::Day,
        commit_seconds: 0,
        reveal_seconds: 60,
        count_max: 2,
        per_10000: 5_000,
        ..terms.schemes[0].clone()
    };
    terms.schemes.insert(0, daily);
    terms
}

impl Town {
    /// Registers and enrols whoever the golden ledger lacks.
    pub fn staff(&mut self) {
        for (actor, unit, capacities) in STAFF {
            self.enrol(actor, unit, capacities);
        }
        let two = [("officer:7f3k", "officer"), ("officer:c29x", "supervisor")];
        let until = Value::object([("until", text("2027-12-31"))]);
        let licensed = self.event("broker.licensed", "broker/22099131", until, &two);
        self.must(&licensed);
        let delegation = "delegation/22099131/12345675";
        let recorded = self.event("delegation.recorded", delegation, Value::Object(Vec::new()), &two[..1]);
        self.must(&recorded);
    }

    /// Registers an actor, with a key for these capacities.
    pub fn enrol(&mut self, actor: &str, unit: &str, capacities: &[&str]) {
        let stream = format!("actor/{actor}");
        let key = SecretKey::from_seed(&sha256(&[b"staff", actor.as_bytes()]).0).public();
        let mut card = vec![("unit", text(unit))];
        if actor.starts_with("officer:") {
            card.push(("person", text(&sha256(&[actor.as_bytes()]).to_hex()[..32])));
        }
        let capacities = Value::List(capacities.iter().map(|name| text(name)).collect());
        let enrolled = Value::object([
            ("algorithm", Value::number(1)),
            ("capacities", capacities),
            ("chain", text(&Digest([7; 32]).to_hex())),
            ("key", text(&key_hex(&key))),
        ]);
        let events = [
            ("actor.registered", stream.clone(), 0, Value::object(card)),
            ("key.enrolled", stream, 1, enrolled),
        ];
        let by = [(actor, "possession"), ("officer:adm1", "admin"), ("officer:adm2", "admin")];
        let payload = self.sign(&events, &by, Some(key.id()));
        self.must(&payload);
    }

    /// One statement, a batch of its own, that is accepted.
    pub fn must(&mut self, payload: &[u8]) {
        let mut attempt = self.desk.judge(payload, self.now_ms, true, None).unwrap();
        assert_eq!(attempt.outcome, Ok(Verdict::ACCEPTED));
        attempt.batch_last = true;
        self.desk.commit();
        self.log.push(attempt);
    }

    /// Four bags of few declarations: held, they block every draw for theirs.
    pub fn cargo(&mut self) -> Vec<u8> {
        let stream = format!("cargo/297-83993523/B{}", self.below(4));
        let officer = ("officer:7f3k", "officer");
        let read = |text: &str| Value::read(text.as_bytes()).unwrap().into_owned();
        let (act, data, signer) = match (self.version(&stream), self.below(5)) {
            (0, _) => {
                let data = r#"{"arrival_at":"2026-12-31T18:00:00+08:00","carrier":"CI","class":"express","consignee":null,"consignor":null,"flight":"CI5832","goods":null,"long_leg":true,"pieces":3}"#;
                ("manifested", read(data), ("airline:CI", "airline"))
            }
            (1, _) => {
                let data = r#"{"broker":"22099131","category":"X3","declaration":"#;
                let rest = r#","delegation":"confirmed","grams":12000,"importer":"12345675","person":null,"restricted":[],"value":9000}"#;
                let data = format!(r#"{data}"{}"{rest}"#, self.declaration());
                ("declared", read(&data), ("broker:22099131", "broker"))
            }
            (_, 0..2) => {
                let data = r#"{"basis":"order","from":"hand","officer":"officer:7f3k","pieces":1,"review_by":"2027-03-09"}"#;
                ("held", read(data), officer)
            }
            _ => {
                let hold = 1 + self.below(6);
                let data = format!(r#"{{"hold":{hold},"officer":"officer:7f3k","reason":"x"}}"#);
                ("lifted", read(&data), officer)
            }
        };
        self.event(&format!("cargo.{act}"), &stream, data, &[signer])
    }

    pub fn integrity(&mut self) -> Vec<u8> {
        match self.below(5) {
            0..2 => self.registration(),
            2 => self.run(),
            _ => self.lot(),
        }
    }

    fn registration(&mut self) -> Vec<u8> {
        let at = self.below(REGISTRATIONS);
        let stream = format!("ethics/115-{at:06}");
        let by = |actor: &str| ("by", text(actor));
        let day = Day::from_number(lian_core::time::taipei_day(self.now_ms)).to_string();
        let kind = if at == 0 { "lobbying" } else { "gift" };
        let (ethics, other) = (("officer:e7q2", "ethics"), ("officer:e9wz", "ethics"));
        let act = if self.version(&stream) == 0 { 0 } else { self.below(8) };
        let (act, data, signer) = match act {
            0 => {
                let mut members = vec![
                    by("officer:7f3k"),
                    ("circumstances", sealed(1)),
                    ("head", Value::Bool(false)),
                    ("interested", Value::Bool(self.below(2) == 0)),
                    ("on", text("2026-11-20")),
                    ("source", sealed(2)),
                    ("type", text(kind)),
                    ("unit", text("office:CA")),
                ];
                members.extend((at > 0).then(|| ("basis", text("none"))));
                ("reported", members, ("officer:7f3k", "officer"))
            }
            1 => {
                let seen = vec![("approved", Value::Bool(true)), by("officer:c29x")];
                ("seen", seen, ("officer:c29x", "supervisor"))
            }
            2 => {
                let mut members = vec![by(ethics.0), ("received_on", text(&day)), ("type", text(kind))];
                if at == 0 {
                    members.push(("excluded", Value::Bool(false)));
                } else {
                    let band = text(self.pick(&["small", "above_standard"]));
                    let told = Value::Bool(false);
                    members.extend([
                        ("band", band),
                        ("source_total_over", told.clone()),
                        ("within_three_days", told),
                    ]);
                }
                ("logged", members, ethics)
            }
            3 => {
                let gift = self.pick(&["kept", "returned"]);
                let disposal = if at == 0 { "referred" } else { gift };
                ("disposed", vec![by(ethics.0), ("disposal", text(disposal))], ethics)
            }
            4 => {
                let received = vec![by("agency:aac"), ("on", text(&day))];
                ("acknowledged", received, ("agency:aac", "anticorruption"))
            }
            5 => ("closed", vec![by(ethics.0)], ethics),
            6 => {
                let draw = format!("draw/ethics_sample/{}", QUARTERS[0]);
                ("sampled", vec![by(ethics.0), ("draw", text(&draw))], ethics)
            }
            _ => {
                let review = vec![by(other.0), ("outcome", text("ok")), ("unit", text("office:CG"))];
                ("reviewed", review, other)
            }
        };
        self.event(&format!("ethics.{act}"), &stream, Value::object(data), &[signer])
    }

    fn run(&mut self) -> Vec<u8> {
        let quarter = self.pick(&QUARTERS);
        let (draw, stream) = (format!("draw/ethics_sample/{quarter}"), format!("ethics_run/{quarter}"));
        let (act, data) = match self.below(5) {
            0 | 1 => ("opened", vec![("draw", text(&draw))]),
            2 => {
                let drawn = self.lot_of(&draw).and_then(|lot| lot.outcome).map(|outcome| outcome.drawn);
                let no = |stream: Box<str>| RegistrationNo::of_stream(&stream).unwrap();
                let drawn = drawn.unwrap_or_default().into_iter().map(|stream| text(no(stream).as_str()));
                ("drawn", vec![("drawn", Value::List(drawn.collect()))])
            }
            3 => ("reviewed", vec![("no", text("115-000001")), ("outcome", text("ok"))]),
            _ => ("closed", Vec::new()),
        };
        let kind = format!("ethics_run.{act}");
        self.event(&kind, &stream, Value::object(data), &[("officer:e7q2", "ethics")])
    }

    fn lot_of(&self, stream: &str) -> Option<State> {
        let found = self.desk.ledger.stream(stream)?;
        found.family().and_then(families::State::draw).cloned()
    }

    /// The first epoch closed from a moment on.
    fn epoch_from(&self, moment: u64) -> u64 {
        let epochs = self.desk.ledger.epochs();
        epochs.iter().position(|epoch| epoch.closed_at >= moment).unwrap_or(epochs.len()) as u64
    }

    /// One step of a draw, nearly always one that is due.
    fn lot(&mut self) -> Vec<u8> {
        let schemes = self.desk.ledger.rules().draws.clone();
        let today = lian_core::time::taipei_day(self.now_ms);
        let day = Day::from_number(today - 1).to_string();
        let (name, period) = match schemes.scheme("daily") {
            Some(_) if self.below(4) > 0 => ("daily", day),
            _ => ("ethics_sample", QUARTERS[0].to_owned()),
        };
        let stream = format!("draw/{name}/{period}");
        let scheme = schemes.scheme(name).unwrap().clone();
        let opener = [("officer:e7q2", "ethics")];
        let Some(lot) = self.lot_of(&stream) else {
            let period = Period::parse(&period).unwrap();
            let epoch = self.epoch_from(scheme.taken_at(period));
            let data = opening(&scheme, period, epoch);
            return self.event("draw.opened", &stream, data, &opener);
        };
        let party = self.pick(&PARTIES);
        let random = random_of(party);
        let seal = self.epoch_from(lot.sealed_at.map_or(u64::MAX, |at| at + 1));
        let root = usize::try_from(seal).ok().and_then(|at| self.desk.ledger.epochs().get(at));
        let root = root.map_or(Digest::ZERO, |epoch| epoch.root);
        let due = match (lot.sealed_at, lot.has_outside_reveal()) {
            (None, _) => 0,
            (Some(_), false) => 1,
            (Some(_), true) => 3,
        };
        match if self.below(4) > 0 { due } else { self.below(4) } {
            0 => {
                let promise = commitment(&stream, party, &random);
                let data = [("commitment", text(&promise.to_hex())), ("party", text(party))];
                self.event("draw.committed", &stream, Value::object(data), &[(party, "committer")])
            }
            1 | 2 => {
                let random = ("random", text(&random.to_hex()));
                let data = Value::object([("epoch", Value::number(seal)), ("party", text(party)), random]);
                self.event("draw.revealed", &stream, data, &[(party, "committer")])
            }
            _ => {
                let seed = lot.seed(seal, &root);
                let members = streams();
                let drawn = pick(&seed, members.iter().map(String::as_str), lot.count_drawn());
                let drawn = Value::List(drawn.into_iter().map(text).collect());
                let seed = ("seed", text(&seed.to_hex()));
                let data = Value::object([("drawn", drawn), ("epoch", Value::number(seal)), seed]);
                self.event("draw.closed", &stream, data, &opener)
            }
        }
    }
}

fn opening(scheme: &Scheme, period: Period, epoch: u64) -> Value<'static> {
    let (root, members) = population(streams().iter().map(String::as_str)).unwrap();
    Value::object([
        ("committers", Value::List(scheme.committers.iter().map(|actor| text(actor)).collect())),
        ("count", Value::number(u64::from(scheme.count_of(members)))),
        ("epoch", Value::number(epoch)),
        ("members", Value::number(members)),
        ("period", text(&period.to_string())),
        ("population", text(&root.to_hex())),
        ("scheme", text(&scheme.name)),
    ])
}
