//! The scenes of cargo, gifts and cases: a bag whose duty is drawn on a guarantee, a gift that a draw
//! samples, a case whose clock is about to lapse.
//! Invariant: every statement is signed after its signer verified the last epoch, and must end as
//! told; boards, clocks, obligations and the draw are those of the commands, read from the folder.

use std::path::{Path, PathBuf};

use lian_client::kinds::{self, draw};
use lian_core::{
    hash::{Digest, sha256},
    json::Value,
    time::{TAIPEI_SECONDS, format_moment},
};
use lian_domain::{
    cases::clocks::months_before,
    clearance::Mawb,
    dates::Day,
    draws::{Calendar, Period, State},
    epochs::Epoch,
    families,
    views::{self, View as _},
};
use lian_server::{open::Fold, peek};
use serde_json::json;

use super::{
    Teller,
    scenes::{must, request},
    stage::{Stage, Told, broken},
};
use crate::{
    commands::{case, clearance, draw as drawing, obligations},
    failure::Result,
    folder::View,
    past::Past,
    say::{Entry, refusal_name, short},
    text::Text,
    when::day_of,
};

const NO: &str = "FB-115-000200";
const GUARANTEE: &str = "guarantee/FB-115-000200";
const MAWB: &str = "297-83993523";
const BAG: &str = "cargo/297-83993523/598FJ923";
const DECLARATION: &str = "CA__15494C0001";
const IMPORTER: &str = "12345675";
const BROKER_NO: &str = "22099131";
const DUTY: u64 = 9_000;
const LIMIT: u64 = 1_000_000;
/// Gifts of the quarter, of which the draw takes one.
const GIFTS: u32 = 3;
const CASE: &str = "case/TP115-0001";
/// Days that the case's clock has left when it is put on file.
const DAYS_LEFT: u32 = 20;

const HOUR_S: u32 = 3_600;

type Signers<'s> = &'s [(&'s str, &'s str)];

const AIRLINE: Signers<'_> = &[("airline:CI", "airline")];
const BANK: Signers<'_> = &[("bank:004", "guarantor")];
const BROKER: Signers<'_> = &[("broker:22099131", "broker")];
const COLLEAGUE: Signers<'_> = &[("officer:e9wz", "ethics")];
const ETHICS: Signers<'_> = &[("officer:e7q2", "ethics")];
const OFFICER: Signers<'_> = &[("officer:7f3k", "officer")];
const QUEUE: Signers<'_> = &[("system:queue", "queue")];
const RELEASE: Signers<'_> = &[("system:release", "release")];
const SCREENING: Signers<'_> = &[("system:screening", "screening")];
const SUPERVISOR: Signers<'_> = &[("officer:c29x", "supervisor")];
const TWO: Signers<'_> = &[("officer:7f3k", "officer"), ("officer:c29x", "supervisor")];
const WAREHOUSE: Signers<'_> = &[("warehouse:C2001", "warehouse")];

/// Who commits to a random number.
const PARTIES: [&str; 3] = ["agency:aac", "bank:004", "system:draws"];

/// One event: kind, stream, data.
type Said<'s> = (&'s str, &'s str, Value<'static>);

/// The scenes while they are played.
pub struct Scenes<'s> {
    stage: &'s mut Stage,
    folder: PathBuf,
    /// What the signers have verified: all that is committed.
    fold: Fold,
    verified: u64,
    /// The entry that closed the draw.
    closing: u64,
}

impl<'s> Scenes<'s> {
    /// Scenes on a stage whose ledger is in this folder.
    pub fn new(stage: &'s mut Stage, folder: &Path) -> Self {
        let fold = Fold::new(i64::MAX);
        Self { stage, folder: folder.to_owned(), fold, verified: 0, closing: 0 }
    }

    /// Plays them; gives the entry that closed the draw.
    pub fn play(mut self, teller: &mut Teller) -> Result<u64> {
        let now_s = self.now_s();
        self.stage.send_all(&self.stage.house.further_enrolments(&self.stage.ledger, now_s))?;
        teller.scene(Text::DemoBag, &[]);
        self.bag(teller)?;
        teller.scene(Text::DemoGift, &[]);
        self.gift(teller)?;
        teller.scene(Text::DemoCase, &[]);
        self.case(teller)?;
        Ok(self.closing)
    }

    fn now_s(&self) -> i64 {
        i64::try_from(self.stage.now_ms() / 1_000).unwrap_or_default()
    }

    fn today(&self) -> Day {
        day_of(self.stage.now_ms())
    }

    /// A moment so many seconds from now.
    fn at(&self, seconds: i64) -> String {
        format_moment(self.now_s() + seconds)
    }

    /// Verifies what is new: every verdict and every signature.
    fn look(&mut self) -> Result<()> {
        let reader = self.stage.service.reader();
        self.fold.run(reader, u64::MAX, &mut |_| ())?;
        let size = self.fold.ledger.size();
        peek::check_signatures(&self.fold.ledger, reader, self.verified..size).map_err(broken)?;
        self.verified = size;
        Ok(())
    }

    /// Signs and sends one statement over these events.
    fn send(&mut self, events: &[Said<'_>], by: Signers<'_>) -> Result<Told> {
        self.look()?;
        let ledger = &self.fold.ledger;
        let epoch = ledger.epochs().last().ok_or_else(|| broken("no epoch"))?;
        let number = ledger.epochs().len() as u64 - 1;
        let mut draft = self.stage.house.draft(&self.stage.ledger, self.now_s()).seen(number, epoch.root);
        for (position, (kind, stream, data)) in events.iter().enumerate() {
            let before = events[..position].iter().filter(|(_, other, _)| other == stream).count() as u64;
            draft = draft.event(kind, stream, crate::when::version(ledger, stream) + before, data.clone());
        }
        self.stage.say(&draft, by)
    }

    /// One statement that is accepted.
    fn does(&mut self, events: &[Said<'_>], by: Signers<'_>) -> Result<Told> {
        let told = self.send(events, by)?;
        let verdict = told.sealed.verdict;
        if !verdict.is_accepted() {
            let kinds: Vec<&str> = events.iter().map(|(kind, ..)| *kind).collect();
            let why = refusal_name(verdict.code);
            return Err(broken(format!("{} was refused: {why}", kinds.join(" + "))));
        }
        Ok(told)
    }

    /// The same of one event whose data are text.
    fn tells(&mut self, kind: &str, stream: &str, data: &str, by: Signers<'_>) -> Result<Told> {
        self.does(&[(kind, stream, json_of(data)?)], by)
    }

    fn show(&self, teller: &mut Teller, told: &Told) -> Result<()> {
        let stored = self.stage.service.reader().read_entry(told.sealed.index).map_err(broken)?;
        let entry = Entry::open(&stored)?;
        teller.show(&entry.line(teller.out()));
        teller.fact("entry", entry.json());
        Ok(())
    }

    /// The folder as every reading command sees it.
    fn past(&self, teller: &Teller) -> Result<Past> {
        let view = View::open(&self.folder)?;
        let ledger = view.fold_all(teller.out())?;
        let moment = self.stage.now_ms();
        Ok(Past { view, ledger, moment, today: day_of(moment) })
    }
}

/// A bag from manifest to gate-out.
impl Scenes<'_> {
    fn bag(&mut self, teller: &mut Teller) -> Result<()> {
        self.licences()?;
        let told = self.arrival()?;
        self.show(teller, &told)?;
        let told = self.inspection()?;
        self.show(teller, &told)?;
        // One statement: the draw and the cargo that it secures, accepted together or not at all.
        let drawn = kinds::drawn(DECLARATION, IMPORTER, Some(BROKER_NO), DUTY, self.today(), false);
        let secured = format!(r#"{{"amount":{DUTY},"declaration":"{DECLARATION}","guarantee":"{NO}"}}"#);
        let both = [("guarantee.drawn", GUARANTEE, drawn), ("cargo.tax_secured", BAG, json_of(&secured)?)];
        let told = self.does(&both, RELEASE)?;
        teller.say(Text::DemoOneStatement, &[]);
        self.show(teller, &told)?;
        let told = self.tells("cargo.released", BAG, r#"{"pieces":3}"#, RELEASE)?;
        self.show(teller, &told)?;
        let out = format!(r#"{{"at":"{}","gate":"G1","pieces":3,"warehouse":"C2001"}}"#, self.at(0));
        let told = self.tells("cargo.gated_out", BAG, &out, WAREHOUSE)?;
        self.show(teller, &told)?;
        let mawb = Mawb::parse(MAWB).ok_or_else(|| broken("the waybill is none"))?;
        let sums = views::cargo::conservation(&self.past(teller)?.ledger, &mawb).map_err(broken)?;
        let sums = sums.ok_or_else(|| broken("the waybill is not known"))?;
        teller.show(&clearance::sums(&sums.to_value(), teller.out()).join("\n"));
        must(sums.sums.holds() && sums.sums.gone == 3, "the pieces do not add up")?;
        teller.fact("conserved", json!({"mawb": MAWB, "gone": sums.sums.gone}));
        Ok(())
    }

    /// A broker, an officer on a line, a guarantee.
    fn licences(&mut self) -> Result<()> {
        let today = self.today();
        let (from, until) = (months_before(today, 6), today.plus_months(12));
        self.tells("broker.licensed", "broker/22099131", &format!(r#"{{"until":"{until}"}}"#), TWO)?;
        let certified = format!(r#"{{"solo_from":"{from}","until":"{until}"}}"#);
        self.tells("officer.certified", "certificate/officer:7f3k", &certified, SUPERVISOR)?;
        let line = format!("roster/{today}/L1");
        self.tells("roster.assigned", &line, r#"{"officer":"officer:7f3k"}"#, SUPERVISOR)?;
        self.tells("delegation.recorded", "delegation/22099131/12345675", "{}", OFFICER)?;
        let asked = request(NO, "004", IMPORTER, LIMIT);
        self.does(&[("guarantee.requested", GUARANTEE, asked.data())], BANK)?;
        self.does(&[("guarantee.accepted", GUARANTEE, kinds::accepted(&asked.terms()))], OFFICER)?;
        Ok(())
    }

    /// Manifest, declaration, warehouse.
    fn arrival(&mut self) -> Result<Told> {
        let arrival = self.at(4 * i64::from(HOUR_S));
        let waybill = format!(
            r#"{{"arrival_at":"{arrival}","bills":1,"carrier":"CI","flight":"CI5832","long_leg":true,"pieces":3}}"#
        );
        self.tells("mawb.manifested", &format!("mawb/{MAWB}"), &waybill, AIRLINE)?;
        let manifest = format!(
            r#"{{"arrival_at":"{arrival}","carrier":"CI","class":"express","consignee":null,"consignor":null,"flight":"CI5832","goods":null,"long_leg":true,"pieces":3}}"#
        );
        let told = self.tells("cargo.manifested", BAG, &manifest, AIRLINE)?;
        let declared = format!(
            r#"{{"broker":"{BROKER_NO}","category":"X3","declaration":"{DECLARATION}","delegation":"confirmed","grams":12000,"importer":"{IMPORTER}","person":null,"restricted":[],"value":40000}}"#
        );
        self.tells("cargo.declared", BAG, &declared, BROKER)?;
        self.stage.pass(5 * HOUR_S);
        let warehoused = format!(r#"{{"completed_at":"{}","pieces":3,"warehouse":"C2001"}}"#, self.at(-600));
        self.tells("cargo.warehoused", BAG, &warehoused, WAREHOUSE)?;
        Ok(told)
    }

    /// Lane, queue, line, image.
    fn inspection(&mut self) -> Result<Told> {
        let today = self.today();
        let screened = r#"{"lane":"C1","mode":"image","model":"m1","rules":"r7"}"#;
        self.tells("cargo.screened", BAG, screened, SCREENING)?;
        let booked = format!(r#"{{"date":"{today}","warehouse":"C2001"}}"#);
        self.tells("cargo.booked", BAG, &booked, BROKER)?;
        let queue = format!("queue/C2001/{today}");
        let allocated = json_of(r#"{"hawb":"598FJ923","mawb":"297-83993523","number":1}"#)?;
        let queued = json_of(&format!(r#"{{"date":"{today}","number":1,"warehouse":"C2001"}}"#))?;
        self.does(&[("queue.allocated", &queue, allocated), ("cargo.queued", BAG, queued)], QUEUE)?;
        self.tells("queue.called", &queue, r#"{"number":1}"#, WAREHOUSE)?;
        let presented = format!(r#"{{"at":"{}","line":"L1"}}"#, self.at(0));
        self.tells("cargo.presented", BAG, &presented, WAREHOUSE)?;
        let image = "1".repeat(64);
        let imaged = format!(r#"{{"image":"{image}","line":"L1"}}"#);
        self.tells("cargo.imaged", BAG, &imaged, WAREHOUSE)?;
        let read = format!(
            r#"{{"blind":true,"image":"{image}","line":"L1","officer":"officer:7f3k","unit":"office:CA","verdict":"clear"}}"#
        );
        self.tells("cargo.image_read", BAG, &read, OFFICER)
    }
}

/// Gifts, and the draw that samples one.
impl Scenes<'_> {
    fn gift(&mut self, teller: &mut Teller) -> Result<()> {
        let quarter = Calendar::Quarter.period_of(self.today());
        for serial in 1..=GIFTS {
            let told = self.registered(serial)?;
            if serial == 1 {
                self.show(teller, &told)?;
            }
        }
        // Ten minutes into the next quarter.
        let over_s = quarter.next().first().number() * 86_400 - TAIPEI_SECONDS;
        let left = u32::try_from(over_s - self.now_s()).map_err(broken)?;
        self.next_epoch(left + 600)?;
        let draw = format!("draw/ethics_sample/{quarter}");
        let members = self.opened(teller, &draw, quarter)?;
        for party in PARTIES {
            let data = draw::committed(&draw, party, &self.random_of(party));
            let told = self.does(&[("draw.committed", &draw, data)], &[(party, "committer")])?;
            self.show(teller, &told)?;
        }
        self.next_epoch(25 * HOUR_S)?;
        let (seal, epoch) = self.seal(&draw)?;
        for party in PARTIES {
            let data = draw::revealed(party, &self.random_of(party), seal);
            let told = self.does(&[("draw.revealed", &draw, data)], &[(party, "committer")])?;
            self.show(teller, &told)?;
        }
        self.drawn(teller, &draw, &members, (seal, epoch))?;
        self.checked(teller, &draw)?;
        self.sampled(quarter, &draw)
    }

    /// A gift from report to close: returned.
    fn registered(&mut self, serial: u32) -> Result<Told> {
        let (stream, today) = (format!("ethics/115-{serial:06}"), self.today());
        let sealed = format!(r#"{{"sealed":"{}"}}"#, "ab".repeat(32));
        let report = format!(
            r#"{{"basis":"none","by":"officer:7f3k","circumstances":{sealed},"head":false,"interested":true,"on":"{today}","source":{sealed},"type":"gift","unit":"office:CA"}}"#
        );
        let told = self.tells("ethics.reported", &stream, &report, OFFICER)?;
        self.tells("ethics.seen", &stream, r#"{"approved":true,"by":"officer:c29x"}"#, SUPERVISOR)?;
        let logged = format!(
            r#"{{"band":"above_standard","by":"officer:e7q2","received_on":"{today}","source_total_over":false,"type":"gift","within_three_days":true}}"#
        );
        self.tells("ethics.logged", &stream, &logged, ETHICS)?;
        let returned = r#"{"by":"officer:e7q2","disposal":"returned"}"#;
        self.tells("ethics.disposed", &stream, returned, ETHICS)?;
        self.tells("ethics.closed", &stream, r#"{"by":"officer:e7q2"}"#, ETHICS)?;
        Ok(told)
    }

    /// Time passes, and an entry lets the epoch close that is due.
    fn next_epoch(&mut self, seconds: u32) -> Result<()> {
        self.stage.pass(seconds);
        let stream = "declaration/CA__15494C0009";
        self.look()?;
        let blocked = crate::when::version(&self.fold.ledger, stream) % 2 == 1;
        if blocked {
            self.tells("declaration.unblocked", stream, "{}", OFFICER)?;
        } else {
            self.tells("declaration.blocked", stream, r#"{"reason":"held"}"#, OFFICER)?;
        }
        self.look()
    }

    /// What only the party knows until it reveals.
    fn random_of(&self, party: &str) -> [u8; 32] {
        sha256(&[b"demo random", &self.stage.house.key(party).seed()[..]]).0
    }

    /// The first epoch closed at or after a moment.
    fn epoch_from(&self, moment: u64) -> Result<(u64, Epoch)> {
        let epochs = (0..).zip(self.fold.ledger.epochs());
        let found = epochs.into_iter().find(|(_, epoch)| epoch.closed_at >= moment);
        found.map(|(number, epoch)| (number, epoch.clone())).ok_or_else(|| broken("no epoch closed yet"))
    }

    /// The draw is opened over the population that the states give.
    fn opened(&mut self, teller: &mut Teller, draw: &str, quarter: Period) -> Result<Vec<String>> {
        let scheme = self.fold.ledger.rules().draws.scheme("ethics_sample").cloned();
        let scheme = scheme.ok_or_else(|| broken("the rules know no such draw"))?;
        let (epoch, _) = self.epoch_from(scheme.taken_at(quarter))?;
        let members = self.fold.ledger.streams().iter().filter_map(|stream| {
            let state = stream.state_value()?;
            Some(scheme.members(quarter, &stream.name, &state))
        });
        let mut members: Vec<String> = members.flatten().collect();
        members.sort_unstable();
        let data = draw::opened(&scheme, quarter, epoch, &members).map_err(|error| broken(error.0))?;
        let told = self.does(&[("draw.opened", draw, data)], ETHICS)?;
        self.show(teller, &told)?;
        Ok(members)
    }

    fn lot(&mut self, draw: &str) -> Result<State> {
        self.look()?;
        let stream = self.fold.ledger.stream(draw).and_then(|stream| stream.family());
        stream.and_then(families::State::draw).cloned().ok_or_else(|| broken("there is no such draw"))
    }

    fn seal(&mut self, draw: &str) -> Result<(u64, Epoch)> {
        let sealed_at = self.lot(draw)?.sealed_at.ok_or_else(|| broken("too few have committed"))?;
        self.epoch_from(sealed_at + 1)
    }

    /// The operator tries another seed; then what follows is put on record.
    fn drawn(
        &mut self,
        teller: &mut Teller,
        draw: &str,
        members: &[String],
        (seal, epoch): (u64, Epoch),
    ) -> Result<()> {
        let lot = self.lot(draw)?;
        let right = draw::closed(&lot, seal, &epoch.root, members);
        // Its own number, chosen after those of the others are known, until the name suits.
        let lucky = (0..=u8::MAX).find_map(|byte| {
            let mut lot = lot.clone();
            lot.committers.last_mut()?.random = Some(Digest([byte; 32]));
            let closing = draw::closed(&lot, seal, &epoch.root, members);
            (closing.get("drawn") != right.get("drawn")).then_some(closing)
        });
        let lucky = lucky.ok_or_else(|| broken("there is nobody else to draw"))?;
        teller.say(Text::DemoPicked, &[&short(lucky.get("drawn"))]);
        let told = self.send(&[("draw.closed", draw, lucky)], ETHICS)?;
        self.show(teller, &told)?;
        must(!told.sealed.verdict.is_accepted(), "a seed that was picked was accepted")?;
        let told = self.does(&[("draw.closed", draw, right)], ETHICS)?;
        self.closing = told.sealed.index;
        self.show(teller, &told)
    }

    /// Anybody draws again.
    fn checked(&mut self, teller: &mut Teller, draw: &str) -> Result<()> {
        let (past, out) = (self.past(teller)?, teller.out());
        let again = drawing::again(&past, draw, None, out)?;
        teller.say(Text::DemoDrawCheck, &[&draw]);
        teller.show(&drawing::lines(&again, out).join("\n"));
        must(again.agrees(), "the draw does not come out again")?;
        let drawn = again.state.outcome.map(|outcome| outcome.drawn);
        teller.fact("drawn", json!({"draw": draw, "drawn": drawn, "result": "PASS"}));
        Ok(())
    }

    /// What was drawn is reviewed by somebody of another unit, and the run of the quarter is closed.
    fn sampled(&mut self, quarter: Period, draw: &str) -> Result<()> {
        let run = format!("ethics_run/{quarter}");
        let drawn = self.lot(draw)?.outcome.map(|outcome| outcome.drawn).unwrap_or_default();
        let named = format!(r#"{{"draw":"{draw}"}}"#);
        self.tells("ethics_run.opened", &run, &named, ETHICS)?;
        let numbers: Vec<&str> = drawn.iter().filter_map(|stream| stream.strip_prefix("ethics/")).collect();
        let list = numbers.iter().map(|no| Value::text((*no).to_owned())).collect();
        self.does(&[("ethics_run.drawn", &run, Value::object([("drawn", Value::List(list))]))], ETHICS)?;
        for no in numbers {
            let stream = format!("ethics/{no}");
            let sampled = format!(r#"{{"by":"officer:e7q2","draw":"{draw}"}}"#);
            self.tells("ethics.sampled", &stream, &sampled, ETHICS)?;
            let reviewed = r#"{"by":"officer:e9wz","outcome":"ok","unit":"office:integrity"}"#;
            self.tells("ethics.reviewed", &stream, reviewed, COLLEAGUE)?;
            let outcome = format!(r#"{{"no":"{no}","outcome":"ok"}}"#);
            self.tells("ethics_run.reviewed", &run, &outcome, ETHICS)?;
        }
        self.tells("ethics_run.closed", &run, "{}", ETHICS)?;
        Ok(())
    }
}

/// A case whose clock is about to lapse.
impl Scenes<'_> {
    fn case(&mut self, teller: &mut Teller) -> Result<()> {
        let today = self.today();
        let day = months_before(today.plus_days(DAYS_LEFT), 36);
        let sealed = format!(r#"{{"sealed":"{}"}}"#, "ab".repeat(32));
        let offence =
            format!(r#"{{"article":"asa.37","ended_on":"{day}","occurred_on":"{day}","result_on":null}}"#);
        let opening = format!(
            r#"{{"criminal":false,"declaration":"CA__12494A0001","declared_on":"{day}","detected_on":"{day}","hawb":"598FJ923","house":"CA","importer":null,"inspection":null,"mawb":"{MAWB}","offences":[{offence}],"officer":"officer:7f3k","receipt":"R-115-01","registered":false,"section":"CA-1","seized_by":"CA-X-3","storage":"C2011","subject":{sealed}}}"#
        );
        let told = self.tells("case.opened", CASE, &opening, OFFICER)?;
        self.show(teller, &told)?;
        let (past, out) = (self.past(teller)?, teller.out());
        let clocks = views::cases::clocks(&past.ledger, today).map_err(broken)?;
        let row = clocks.rows.first().ok_or_else(|| broken("the case has no clock"))?;
        teller.show(&case::lines(&row.to_value(), out).join("\n"));
        must(row.alarm == Some(1), "the clock does not warn")?;
        for later in [today, today.plus_days(DAYS_LEFT + 10)] {
            let owed = views::calendar::obligations(&past.ledger, later).map_err(broken)?;
            teller.say(Text::DemoOwed, &[&later.to_roc()]);
            let of_case: Vec<_> = owed.rows.iter().filter(|owed| owed.stream == CASE).collect();
            for owed in &of_case {
                teller.show(&obligations::line(&views::calendar::obligation_value(owed), out));
            }
            must(!of_case.is_empty(), "the calendar does not know of the clock")?;
            let standings: Vec<&str> = of_case.iter().map(|owed| owed.standing.name()).collect();
            teller.fact("owed", json!({"as_of": later.to_string(), "case": CASE, "standings": standings}));
        }
        Ok(())
    }
}

fn json_of(text: &str) -> Result<Value<'static>> {
    Value::read(text.as_bytes()).map(Value::into_owned).map_err(broken)
}
