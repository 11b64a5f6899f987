//! Families of the common shape through the real admission, sequencer and store: registrations of
//! gifts and lobbying from report to close, sampled by a draw that the operator tries to steer; cargo
//! from manifest to gate-out under a guarantee; a case handed over with its exhibit. After each the
//! verifier, a fold of the files and rows must all say the same.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use crate::{
    shadow::is_the_fold,
    support::{
        START_S,
        business::request_of,
        desk::{Desk, LogSeeds, portrait},
    },
};
use lian_client::{
    kinds::{self, draw},
    sample::House,
};
use lian_core::{
    audit::{Check, Weight, fold::Status},
    hash::{Digest, sha256},
    json::Value,
    statement::{Envelope, Statement},
};
use lian_domain::{
    dates::Day,
    draws::{self, Difference, Period, Scheme},
    ethics, families,
    ledger::Ledger,
    obligations::{Month, patrol},
    refusal::Refusal,
    rejection::Rejection,
};
use lian_server::clock::Clock as _;
use lian_store::disk::{Disk, RealDisk};
use tempfile::TempDir;

const OFFICER: (&str, &str) = ("officer:7f3k", "officer");
const SUPERIOR: (&str, &str) = ("officer:c29x", "supervisor");
const ETHICS: (&str, &str) = ("officer:e7q2", "ethics");
const COLLEAGUE: (&str, &str) = ("officer:e9wz", "ethics");
const HEAD: (&str, &str) = ("officer:h3ad", "head");
const AGENCY: (&str, &str) = ("agency:aac", "anticorruption");

const DRAW: &str = "draw/ethics_sample/2026Q4";
const RUN: &str = "ethics_run/2026Q4";
/// 2027-01-01T00:00:00+08:00: the quarter is over.
pub const NEW_YEAR_S: i64 = 1_798_732_800;

pub struct Story {
    pub house: House,
    pub folder: TempDir,
    pub desk: Desk,
}

fn json(text: &str) -> Value<'static> {
    Value::read(text.as_bytes()).unwrap().into_owned()
}

fn disk(folder: &Path) -> Arc<dyn Disk> {
    Arc::new(RealDisk::open(folder).unwrap())
}

/// What only the party knows until it reveals.
fn random_of(party: &str) -> [u8; 32] {
    sha256(&[b"secret of ", party.as_bytes()]).0
}

fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn period() -> Period {
    Period::parse("2026Q4").unwrap()
}

impl Story {
    pub fn begin(seed: u64) -> Self {
        let (house, folder) = (House::new(seed), tempfile::tempdir().unwrap());
        let path = folder.path().join("ledger");
        let mut desk = Desk::found(Arc::new(RealDisk::create(&path).unwrap()), &house);
        for envelope in house.further_enrolments(&desk.id, START_S) {
            desk.accept(&envelope);
        }
        Self { house, folder, desk }
    }

    pub fn now_s(&self) -> i64 {
        i64::try_from(self.desk.clock.wall_ms() / 1_000).unwrap()
    }

    fn ledger(&self) -> &Ledger {
        self.desk.ledger()
    }

    fn pass(&self, seconds: u64) {
        self.desk.clock.pass(seconds * 1_000);
    }

    /// Time passes, and an entry of another family lets the epoch close that is due.
    pub fn next_epoch(&mut self, seconds: u64) -> u64 {
        self.pass(seconds);
        let stream = "delegation/22099131/12345675";
        let version = self.version(stream);
        let kind = if version.is_multiple_of(2) { "delegation.recorded" } else { "delegation.ended" };
        self.does(kind, stream, kinds::nothing(), &[OFFICER]);
        self.ledger().epochs().len() as u64 - 1
    }

    fn version(&self, stream: &str) -> u64 {
        self.ledger().stream(stream).map_or(0, |stream| stream.version)
    }

    fn says(&self, kind: &str, stream: &str, data: Value<'static>, by: &[(&str, &str)]) -> Envelope {
        self.says_all(&[(kind, stream, data)], by)
    }

    /// One statement about several streams.
    fn says_all(&self, events: &[(&str, &str, Value<'static>)], by: &[(&str, &str)]) -> Envelope {
        let epochs = self.ledger().epochs();
        let (last, root) = (epochs.len() as u64 - 1, epochs.last().unwrap().root);
        let mut draft = self.house.draft(&self.desk.id, self.now_s()).seen(last, root);
        for (kind, stream, data) in events {
            draft = draft.event(kind, stream, self.version(stream), data.clone());
        }
        self.house.sign(&draft, by)
    }

    /// The same with data as text.
    pub fn tells(&mut self, kind: &str, stream: &str, data: &str, by: &[(&str, &str)]) {
        self.does(kind, stream, json(data), by);
    }

    fn does(&mut self, kind: &str, stream: &str, data: Value<'static>, by: &[(&str, &str)]) {
        let envelope = self.says(kind, stream, data, by);
        self.desk.accept(&envelope);
    }

    fn cannot(
        &mut self,
        kind: &str,
        stream: &str,
        data: Value<'static>,
        by: &[(&str, &str)],
        refusal: Refusal,
    ) {
        let envelope = self.says(kind, stream, data, by);
        let (_, verdict) = self.desk.refuse(&envelope);
        assert_eq!(Refusal::from_code(verdict.code), Some(refusal), "{kind} on {stream}");
    }

    /// An event of a registration, whose data are by the first signer.
    fn act(&mut self, act: &str, no: &str, members: &str, by: &[(&str, &str)]) {
        let data = json(&format!(r#"{{"by":"{}"{members}}}"#, by[0].0));
        self.does(&format!("ethics.{act}"), &format!("ethics/{no}"), data, by);
    }

    fn report(&mut self, no: &str, kind: &str) {
        let basis = if kind == "gift" { r#""basis":"none","# } else { "" };
        let sealed = format!(r#"{{"sealed":"{}"}}"#, sha256(&[no.as_bytes()]));
        let data = format!(
            r#"{{{basis}"by":"{}","circumstances":{sealed},"head":false,"interested":true,"on":"2026-11-23","source":{sealed},"type":"{kind}","unit":"office:CA"}}"#,
            OFFICER.0
        );
        self.does("ethics.reported", &format!("ethics/{no}"), json(&data), &[OFFICER]);
    }

    /// A gift from report to close: returned.
    fn gift(&mut self, no: &str) {
        self.report(no, "gift");
        self.gift_logged(no);
        self.act("disposed", no, r#","disposal":"returned""#, &[ETHICS]);
        self.act("closed", no, "", &[ETHICS]);
    }

    fn gift_logged(&mut self, no: &str) {
        let seen = json(&format!(r#"{{"approved":true,"by":"{}"}}"#, SUPERIOR.0));
        self.does("ethics.seen", &format!("ethics/{no}"), seen, &[SUPERIOR]);
        let logged = format!(
            r#"{{"band":"above_standard","by":"{}","received_on":"2026-11-23","source_total_over":false,"type":"gift","within_three_days":true}}"#,
            ETHICS.0
        );
        self.does("ethics.logged", &format!("ethics/{no}"), json(&logged), &[ETHICS]);
    }

    fn scheme(&self) -> Scheme {
        self.ledger().rules().draws.scheme("ethics_sample").unwrap().clone()
    }

    /// The population that the states give now, if an epoch was just closed.
    pub fn members(&self) -> Vec<String> {
        let scheme = self.scheme();
        let of = |stream: &lian_domain::ledger::Stream| {
            stream.state_value().map_or(Vec::new(), |state| scheme.members(period(), &stream.name, &state))
        };
        self.ledger().streams().iter().flat_map(of).collect::<BTreeSet<String>>().into_iter().collect()
    }

    fn lot(&self) -> draws::State {
        let found = self.ledger().stream(DRAW).and_then(|stream| stream.family());
        found.and_then(families::State::draw).unwrap().clone()
    }

    fn root_of(&self, epoch: u64) -> Digest {
        self.ledger().epochs()[usize::try_from(epoch).unwrap()].root
    }

    fn commits(&mut self, party: &str) {
        let data = draw::committed(DRAW, party, &random_of(party));
        self.does("draw.committed", DRAW, data, &[(party, "committer")]);
    }

    fn reveals(&mut self, party: &str, epoch: u64) {
        let data = draw::revealed(party, &random_of(party), epoch);
        self.does("draw.revealed", DRAW, data, &[(party, "committer")]);
    }

    /// Nine registrations that are closed before the quarter is, and one that is not.
    pub fn autumn(&mut self) {
        gift_kept_against_the_rules(self, "115-000001");
        lobbying(self, "115-000002");
        for no in 3..10 {
            self.gift(&format!("115-{no:06}"));
        }
        self.report("115-000010", "gift");
    }
}

/// Nobody approves the own gift, nobody keeps one above the standard from somebody with an
/// interest, and only the head lets it go to the treasury.
fn gift_kept_against_the_rules(story: &mut Story, no: &str) {
    let stream = format!("ethics/{no}");
    story.report(no, "gift");
    story.gift_logged(no);
    let disposed = |disposal: &str, head: &str| {
        json(&format!(r#"{{"by":"{}","disposal":"{disposal}"{head}}}"#, ETHICS.0))
    };
    story.cannot("ethics.disposed", &stream, disposed("kept", ""), &[ETHICS], Refusal::MayNotKeep);
    story.cannot("ethics.disposed", &stream, disposed("treasury", ""), &[ETHICS], Refusal::HeadNeeded);
    let head = format!(r#","head":"{}""#, HEAD.0);
    let alone = story.says("ethics.disposed", &stream, disposed("treasury", &head), &[ETHICS]);
    assert!(matches!(story.desk.turn_away(&alone), Rejection::WrongSide { .. }), "named, but did not sign");
    story.does("ethics.disposed", &stream, disposed("treasury", &head), &[ETHICS, HEAD]);
    story.act("closed", no, "", &[ETHICS]);
}

/// Lobbying goes on to the anti-corruption agency, and is not closed before that one has it.
fn lobbying(story: &mut Story, no: &str) {
    let stream = format!("ethics/{no}");
    story.report(no, "lobbying");
    let reason = format!(r#"{{"sealed":"{}"}}"#, sha256(&[b"reason"]));
    let amended = |by: &str, on: &str| json(&format!(r#"{{"by":"{by}","on":"{on}","reason":{reason}}}"#));
    let other = amended(HEAD.0, "2026-11-22");
    story.cannot("ethics.amended", &stream, other, &[HEAD], Refusal::NotRegistrant);
    story.does("ethics.amended", &stream, amended(OFFICER.0, "2026-11-22"), &[OFFICER]);
    story.act("logged", no, r#","excluded":false,"received_on":"2026-11-23","type":"lobbying""#, &[ETHICS]);
    let late = amended(OFFICER.0, "2026-11-21");
    story.cannot("ethics.amended", &stream, late, &[OFFICER], Refusal::LoggedBefore);
    story.act("disposed", no, r#","disposal":"referred""#, &[ETHICS]);
    let by = |actor: &str| json(&format!(r#"{{"by":"{actor}"}}"#));
    story.cannot("ethics.closed", &stream, by(ETHICS.0), &[ETHICS], Refusal::NotAcknowledged);
    let received = json(&format!(r#"{{"by":"{}","on":"2026-11-23"}}"#, AGENCY.0));
    story.does("ethics.acknowledged", &stream, received, &[AGENCY]);
    story.act("closed", no, "", &[ETHICS]);
}

/// The draw is opened over the one population and epoch that the rules give.
pub fn opened(story: &mut Story, epoch: u64, members: &[String]) {
    let scheme = story.scheme();
    let honest = |epoch, members: &[String]| draw::opened(&scheme, period(), epoch, members).unwrap();
    // An epoch of last year, when fewer were closed; an epoch that is not closed yet.
    for wrong in [epoch - 1, epoch + 1] {
        story.cannot("draw.opened", DRAW, honest(wrong, members), &[ETHICS], Refusal::WrongEpoch);
    }
    let mut greedy = scheme.clone();
    greedy.count_min = 2;
    let two = draw::opened(&greedy, period(), epoch, members).unwrap();
    story.cannot("draw.opened", DRAW, two, &[ETHICS], Refusal::SchemeDiffers);
    let committers = scheme.committers.iter().filter(|actor| &***actor != "bank:004").cloned().collect();
    let friends = Scheme { committers, ..scheme.clone() };
    let friends = draw::opened(&friends, period(), epoch, members).unwrap();
    story.cannot("draw.opened", DRAW, friends, &[ETHICS], Refusal::SchemeDiffers);
    story.cannot("draw.opened", DRAW, honest(epoch, members), &[OFFICER], Refusal::OpenerNotNamed);
    story.does("draw.opened", DRAW, honest(epoch, members), &[ETHICS]);
    story.cannot("draw.opened", DRAW, honest(epoch, members), &[ETHICS], Refusal::DrawOpened);
}

/// All three commit, each for itself and once; gives the seal epoch, which comes after all of them.
pub fn committed(story: &mut Story) -> u64 {
    story.commits("system:draws");
    let better = draw::committed(DRAW, "system:draws", &[9; 32]);
    let operator = [("system:draws", "committer")];
    story.cannot("draw.committed", DRAW, better, &operator, Refusal::CommittedBefore);
    let for_another = draw::committed(DRAW, "bank:004", &[9; 32]);
    let for_another = story.says("draw.committed", DRAW, for_another, &operator);
    assert!(matches!(story.desk.turn_away(&for_another), Rejection::WrongSide { .. }));
    let alone = draw::revealed("system:draws", &random_of("system:draws"), 1);
    story.cannot("draw.revealed", DRAW, alone, &operator, Refusal::CommitmentsMissing);
    story.commits("agency:aac");
    story.commits("bank:004");
    // Epochs that close while all may still commit do not count.
    let early = story.next_epoch(600);
    let too_soon = draw::revealed("agency:aac", &random_of("agency:aac"), early);
    story.cannot("draw.revealed", DRAW, too_soon, &[("agency:aac", "committer")], Refusal::WrongEpoch);
    story.next_epoch(86_400)
}

/// The operator withholds its number, tries other epochs, seeds and names, and changes nothing.
pub fn revealed(story: &mut Story, seal: u64, members: &[String]) {
    let other = draw::revealed("agency:aac", &[9; 32], seal);
    story.cannot("draw.revealed", DRAW, other, &[("agency:aac", "committer")], Refusal::RevealDiffers);
    story.reveals("agency:aac", seal);
    story.reveals("bank:004", seal);
    let closing = |story: &Story, epoch| draw::closed(&story.lot(), epoch, &story.root_of(seal), members);
    let early = closing(story, seal);
    story.cannot("draw.closed", DRAW, early, &[ETHICS], Refusal::RevealsAwaited);
    let later = story.next_epoch(259_201);
    let late = draw::revealed("system:draws", &random_of("system:draws"), seal);
    story.cannot("draw.revealed", DRAW, late, &[("system:draws", "committer")], Refusal::RevealTooLate);
    let chosen = draw::closed(&story.lot(), later, &story.root_of(later), members);
    story.cannot("draw.closed", DRAW, chosen, &[ETHICS], Refusal::WrongEpoch);
    let mut turned = closing(story, seal);
    if let Value::Object(data) = &mut turned
        && let Some((_, Value::List(drawn))) = data.iter_mut().find(|(name, _)| name == "drawn")
    {
        drawn.reverse();
    }
    story.cannot("draw.closed", DRAW, turned, &[ETHICS], Refusal::ResultDiffers);
    let mut lucky = story.lot();
    lucky.committers[2].random = Some(Digest([1; 32]));
    let lucky = draw::closed(&lucky, seal, &story.root_of(seal), members);
    story.cannot("draw.closed", DRAW, lucky, &[ETHICS], Refusal::ResultDiffers);
    let right = closing(story, seal);
    story.does("draw.closed", DRAW, right, &[ETHICS]);
}

/// What was drawn is sampled, reviewed and put on record; nothing else is.
fn sampled(story: &mut Story, drawn: &[String], left: &str) {
    let by = |members: &str| json(&format!(r#"{{"by":"{}"{members}}}"#, ETHICS.0));
    let draw = format!(r#","draw":"{DRAW}""#);
    story.cannot("ethics.sampled", left, by(&draw), &[ETHICS], Refusal::NotDrawn);
    story.does("ethics_run.opened", RUN, json(&format!(r#"{{"draw":"{DRAW}"}}"#)), &[ETHICS]);
    let list = |names: &[&str]| json(&format!(r#"{{"drawn":["{}"]}}"#, names.join(r#"",""#)));
    let numbers: Vec<&str> = drawn.iter().map(|stream| stream.strip_prefix("ethics/").unwrap()).collect();
    let other = [left.strip_prefix("ethics/").unwrap()];
    story.cannot("ethics_run.drawn", RUN, list(&other), &[ETHICS], Refusal::DrawnDiffers);
    story.does("ethics_run.drawn", RUN, list(&numbers), &[ETHICS]);
    for no in numbers {
        story.act("sampled", no, &draw, &[ETHICS]);
        let outcome = |outcome: &str| json(&format!(r#"{{"no":"{no}","outcome":"{outcome}"}}"#));
        story.cannot("ethics_run.closed", RUN, json("{}"), &[ETHICS], Refusal::ReviewsMissing);
        story.cannot("ethics_run.reviewed", RUN, outcome("ok"), &[ETHICS], Refusal::OutcomeDiffers);
        let review = r#","outcome":"anomaly","unit":"office:integrity""#;
        story.act("reviewed", no, review, &[COLLEAGUE]);
        story.cannot("ethics_run.reviewed", RUN, outcome("ok"), &[ETHICS], Refusal::OutcomeDiffers);
        story.does("ethics_run.reviewed", RUN, outcome("anomaly"), &[ETHICS]);
    }
    story.does("ethics_run.closed", RUN, json("{}"), &[ETHICS]);
}

/// Verifier, fold and rows say what the running ledger says.
fn checked(story: Story) {
    let Story { house, folder, desk } = story;
    let path = folder.path().join("ledger");
    let live = portrait(desk.ledger());
    desk.reader().publish().unwrap();
    desk.close();

    let options = lian_verify::Options { threads: Some(1), ..lian_verify::Options::default() };
    let report = lian_verify::run(&path, &options, &|_| ()).unwrap();
    let fails: Vec<_> = report.findings().filter(|finding| finding.weight == Weight::Fails).collect();
    assert!(fails.is_empty(), "{fails:?}");
    for check in [Check::Signatures, Check::Authority, Check::Verdicts, Check::State, Check::Pieces] {
        assert_eq!(report.check(check), Status::Pass, "{check:?}");
    }
    let folded = Desk::open(disk(&path), &LogSeeds::of(&house), NEW_YEAR_S).unwrap();
    assert_eq!(portrait(folded.ledger()), live);
    folded.close();
    assert_eq!(is_the_fold(&path, &house), None, "rows are made");
    assert_eq!(is_the_fold(&path, &house), None, "and read again");
}

/// Kinds that the log holds.
fn kinds_of(story: &Story) -> BTreeSet<String> {
    let entries = story.desk.reader().entries(0..u64::MAX).unwrap();
    let kinds = |payload: &[u8]| -> Vec<String> {
        let statement = Statement::parse(payload).unwrap();
        statement.events.iter().map(|event| event.kind.to_owned()).collect()
    };
    entries.flat_map(|entry| kinds(&entry.unwrap().payload)).collect()
}

#[test]
fn a_quarter_of_registrations_is_sampled_by_a_draw_that_its_operator_cannot_steer() {
    let mut story = Story::begin(61);
    story.autumn();
    let left_s = u64::try_from(NEW_YEAR_S - story.now_s()).unwrap();
    story.next_epoch(left_s - 1);
    let epoch = story.next_epoch(600);
    let members = story.members();
    assert_eq!(members.len(), 9, "the one that is not closed takes no part");

    opened(&mut story, epoch, &members);
    let seal = committed(&mut story);
    revealed(&mut story, seal, &members);

    let lot = story.lot();
    assert_eq!(lot.withheld().collect::<Vec<_>>(), ["system:draws"], "named for good");
    let drawn: Vec<String> = lot.outcome.as_ref().unwrap().drawn.iter().map(ToString::to_string).collect();
    assert_eq!(drawn.len(), 2, "one is due, and twice as many for a number withheld");
    assert_eq!(draws::check(&lot, &texts(&members), &story.root_of(seal)), Vec::new());
    let left = members.iter().find(|stream| !drawn.contains(stream)).unwrap().clone();
    sampled(&mut story, &drawn, &left);
    let states = story.ledger().streams().iter().filter_map(|stream| stream.family()?.ethics());
    let quarter = ethics::count(states).quarter(period(), ethics::Type::Gift);
    assert_eq!((quarter.registered, quarter.late), (9, 0));
    let played = kinds_of(&story);
    for kind in draws::kinds().chain(ethics::kinds()) {
        assert!(played.contains(kind), "{kind}");
    }
    checked(story);
}

#[test]
fn a_population_with_one_left_out_is_found_by_whoever_has_the_states() {
    let mut story = Story::begin(62);
    story.autumn();
    let epoch = story.next_epoch(u64::try_from(NEW_YEAR_S - story.now_s()).unwrap());
    let members = story.members();
    let fewer = &members[1..];

    let data = draw::opened(&story.scheme(), period(), epoch, fewer).unwrap();
    story.does("draw.opened", DRAW, data, &[ETHICS]);

    let found = draws::check(&story.lot(), &texts(&members), &Digest::ZERO);
    assert!(matches!(found[0], Difference::Members { said: 8, found: 9 }), "{found:?}");
    assert!(matches!(found[1], Difference::Population { .. }), "{found:?}");
    // The rules cannot know: the finding is of those who look, and it stays.
    checked(story);
}

pub const BAG: &str = "cargo/297-83993523/598FJ923";
const SECOND: &str = "cargo/297-83993523/598FJ924";
const QUEUE: &str = "queue/C2001/2026-11-23";
const GUARANTEE: &str = "guarantee/FB-115-000123";
const DECLARATION: &str = "CA__15494A0001";
const AIRLINE: (&str, &str) = ("airline:CI", "airline");
const BROKER: (&str, &str) = ("broker:22099131", "broker");
const WAREHOUSE: (&str, &str) = ("warehouse:C2001", "warehouse");
const RELEASE: (&str, &str) = ("system:release", "release");
const SCREENING: (&str, &str) = ("system:screening", "screening");
const MANIFESTED: &str = r#"{"arrival_at":"2026-11-23T18:00:00+08:00","carrier":"CI","class":"express","consignee":null,"consignor":null,"flight":"CI5832","goods":null,"long_leg":true,"pieces":3}"#;
const DECLARED: &str = r#"{"broker":"22099131","category":"X3","declaration":"CA__15494A0001","delegation":"confirmed","grams":12000,"importer":"12345675","person":null,"restricted":[],"value":9000}"#;

/// A licensed broker with a delegation, a certified officer on line L1, a guarantee that is accepted,
/// and a bag that is declared.
pub fn declared(story: &mut Story) {
    let two = [OFFICER, SUPERIOR];
    story.tells("broker.licensed", "broker/22099131", r#"{"until":"2027-12-31"}"#, &two);
    let certified = r#"{"solo_from":"2026-01-01","until":"2027-12-31"}"#;
    story.tells("officer.certified", "certificate/officer:7f3k", certified, &[SUPERIOR]);
    let officer = r#"{"officer":"officer:7f3k"}"#;
    story.tells("roster.assigned", "roster/2026-11-23/L1", officer, &[SUPERIOR]);
    story.does("delegation.recorded", "delegation/22099131/12345675", kinds::nothing(), &[OFFICER]);
    let request = request_of("FB-115-000123", "004", 10_000);
    story.does("guarantee.requested", GUARANTEE, request.data(), &[("bank:004", "guarantor")]);
    story.does("guarantee.accepted", GUARANTEE, kinds::accepted(&request.terms()), &[OFFICER]);
    story.tells("cargo.manifested", BAG, MANIFESTED, &[AIRLINE]);
    story.tells("cargo.declared", BAG, DECLARED, &[BROKER]);
}

/// What is left of the way to the officer's line: the bag is read there.
pub fn read(story: &mut Story) {
    story.pass(5 * 3_600);
    let warehoused = r#"{"completed_at":"2026-11-23T19:00:00+08:00","pieces":3,"warehouse":"C2001"}"#;
    story.tells("cargo.warehoused", BAG, warehoused, &[WAREHOUSE]);
    let screened = r#"{"lane":"C1","mode":"image","model":"m1","rules":"r7"}"#;
    story.tells("cargo.screened", BAG, screened, &[SCREENING]);
    story.tells("cargo.booked", BAG, r#"{"date":"2026-11-23","warehouse":"C2001"}"#, &[BROKER]);
    let queue = [("system:queue", "queue")];
    let allocated = r#"{"hawb":"598FJ923","mawb":"297-83993523","number":1}"#;
    let queued = r#"{"date":"2026-11-23","number":1,"warehouse":"C2001"}"#;
    let both = [("queue.allocated", QUEUE, json(allocated)), ("cargo.queued", BAG, json(queued))];
    let both = story.says_all(&both, &queue);
    story.desk.accept(&both);
    let presented = r#"{"at":"2026-11-23T20:00:00+08:00","line":"L1"}"#;
    story.cannot("cargo.presented", BAG, json(presented), &[WAREHOUSE], Refusal::NotCalled);
    story.tells("queue.called", QUEUE, r#"{"number":1}"#, &[WAREHOUSE]);
    story.tells("cargo.presented", BAG, presented, &[WAREHOUSE]);
    let image = "1".repeat(64);
    story.tells("cargo.imaged", BAG, &format!(r#"{{"image":"{image}","line":"L1"}}"#), &[WAREHOUSE]);
    let read = |officer: &str| {
        json(&format!(
            r#"{{"blind":true,"image":"{image}","line":"L1","officer":"{officer}","unit":"office:CA","verdict":"clear"}}"#
        ))
    };
    let for_another = story.says("cargo.image_read", BAG, read("officer:m4qd"), &[OFFICER]);
    assert!(matches!(story.desk.turn_away(&for_another), Rejection::WrongSide { .. }));
    story.does("cargo.image_read", BAG, read(OFFICER.0), &[OFFICER]);
}

#[test]
fn a_bag_goes_from_manifest_to_gate_out_and_draws_on_its_guarantee_only_while_nothing_holds_it() {
    let mut story = Story::begin(63);
    declared(&mut story);
    let drawn = kinds::drawn(
        DECLARATION,
        "12345675",
        Some("22099131"),
        900,
        Day::parse("2026-11-23").unwrap(),
        false,
    );
    let held =
        r#"{"basis":"order","from":"hand","officer":"officer:7f3k","pieces":1,"review_by":"2026-11-30"}"#;
    story.tells("cargo.held", BAG, held, &[OFFICER]);
    story.cannot("guarantee.drawn", GUARANTEE, drawn.clone(), &[RELEASE], Refusal::NotReleasable);
    // Another bag of the same declaration is held too: lifting one is not enough.
    story.tells("cargo.manifested", SECOND, MANIFESTED, &[AIRLINE]);
    story.tells("cargo.declared", SECOND, DECLARED, &[BROKER]);
    story.tells("cargo.held", SECOND, held, &[OFFICER]);
    let lifted = r#"{"hold":1,"officer":"officer:7f3k","reason":"cleared"}"#;
    story.tells("cargo.lifted", BAG, lifted, &[OFFICER]);
    story.cannot("guarantee.drawn", GUARANTEE, drawn.clone(), &[RELEASE], Refusal::NotReleasable);
    story.tells("cargo.lifted", SECOND, lifted, &[OFFICER]);
    read(&mut story);
    let released = || json(r#"{"pieces":3}"#);
    story.cannot("cargo.released", BAG, released(), &[RELEASE], Refusal::TaxOpen);

    // One statement: the draw and the cargo that it secures, accepted together or not at all.
    let secured = r#"{"amount":900,"declaration":"CA__15494A0001","guarantee":"FB-115-000123"}"#;
    let covered = r#"{"declaration":"CA__15494A0001","guarantee":"FB-115-000123"}"#;
    story.cannot("cargo.tax_covered", BAG, json(covered), &[RELEASE], Refusal::DrawGone);
    let both = [("guarantee.drawn", GUARANTEE, drawn), ("cargo.tax_secured", BAG, json(secured))];
    let both = story.says_all(&both, &[RELEASE]);
    story.desk.accept(&both);
    story.does("cargo.released", BAG, released(), &[RELEASE]);
    let out = r#"{"at":"2026-11-23T21:00:00+08:00","gate":"G1","pieces":3,"warehouse":"C2001"}"#;
    story.tells("cargo.gated_out", BAG, out, &[WAREHOUSE]);

    let state = story.ledger().stream(BAG).and_then(|stream| stream.family()?.clearance()?.cargo()).unwrap();
    assert_eq!((state.released, state.gone, state.gone_unreleased), (3, 3, 0));
    checked(story);
}

#[test]
fn pieces_that_leave_without_release_are_an_alarm_of_the_audit_and_no_failure() {
    let mut story = Story::begin(66);
    story.tells("cargo.manifested", BAG, MANIFESTED, &[AIRLINE]);
    story.pass(5 * 3_600);
    let warehoused = r#"{"completed_at":"2026-11-23T19:00:00+08:00","pieces":3,"warehouse":"C2001"}"#;
    story.tells("cargo.warehoused", BAG, warehoused, &[WAREHOUSE]);
    let out = r#"{"at":"2026-11-23T19:30:00+08:00","gate":"G1","pieces":2,"warehouse":"C2001"}"#;
    story.tells("cargo.gated_out", BAG, out, &[WAREHOUSE]);
    let path = story.folder.path().join("ledger");
    story.desk.close();

    let options = lian_verify::Options { threads: Some(1), ..lian_verify::Options::default() };
    let report = lian_verify::run(&path, &options, &|_| ()).unwrap();

    assert_eq!(report.check(Check::Pieces), Status::Pass);
    let told: Vec<&str> = report.findings().map(|found| &*found.computed).collect();
    assert!(told.iter().any(|what| what.contains("ALARM 警示: 2 left without release")), "{told:?}");
    assert!(report.text(lian_verify::Lang::En).contains("1 waybill or exhibit weighed"));
    assert!(report.text(lian_verify::Lang::ZhTw).contains("件數守恆"));
}

pub const CASE: &str = "case/TP115-0001";
const EXHIBIT: &str = "exhibit/EX-1";
const HANDOVER: &str = "handover/H-1";
const INCOMING: (&str, &str) = ("officer:m4qd", "officer");

/// A case with its exhibit, found on 2026-11-20.
pub fn opened_case(story: &mut Story) {
    let day = "2026-11-20";
    let sealed = format!(r#"{{"sealed":"{}"}}"#, Digest([0xab; 32]));
    let offence =
        format!(r#"{{"article":"asa.37","ended_on":"{day}","occurred_on":"{day}","result_on":null}}"#);
    let opening = format!(
        r#"{{"criminal":false,"declaration":"{DECLARATION}","declared_on":"{day}","detected_on":"{day}","hawb":"598FJ923","house":"CA","importer":null,"inspection":null,"mawb":"297-83993523","offences":[{offence}],"officer":"{}","receipt":"R-115-01","registered":false,"section":"CA-1","seized_by":"CA-X-3","storage":"C2011","subject":{sealed}}}"#,
        OFFICER.0
    );
    story.tells("case.opened", CASE, &opening, &[OFFICER]);
    let seized = format!(
        r#"{{"case":"TP115-0001","items":[{{"goods":"cigarettes","quantity":100,"unit":"PCE"}}],"officer":"{}","on":"{day}","owner":null,"place":"CA-line-4","receipt":"R-115-01","seal":"S-1"}}"#,
        OFFICER.0
    );
    story.cannot(
        "case.exhibit_added",
        CASE,
        json(r#"{"exhibit":"EX-1"}"#),
        &[OFFICER],
        Refusal::UnknownExhibit,
    );
    story.tells("exhibit.seized", EXHIBIT, &seized, &[OFFICER]);
    story.tells("case.exhibit_added", CASE, r#"{"exhibit":"EX-1"}"#, &[OFFICER]);
}

#[test]
fn a_case_goes_over_to_another_officer_by_three_signatures_and_a_patrol_shows_that_it_was_sealed() {
    let mut story = Story::begin(64);
    opened_case(&mut story);
    let parties = format!(
        r#"{{"cases":["TP115-0001"],"incoming":"{}","no":"H-1","outgoing":"{}","supervisor":"{}"}}"#,
        INCOMING.0, OFFICER.0, SUPERIOR.0
    );
    let list = sha256(&[b"lian/handover/v1\n", parties.as_bytes()]);
    let listing = parties.replace(r#""no":"H-1""#, &format!(r#""list":"{list}""#));
    let assigned = format!(r#"{{"handover":"H-1","to":"{}"}}"#, INCOMING.0);
    let rows = r#"[{"case":"TP115-0001","contacted_on":null,"status":"pending","taken":true}]"#;

    story.tells("handover.signed_out", HANDOVER, &listing, &[OFFICER]);
    story.cannot("case.assigned", CASE, json(&assigned), &[SUPERIOR], Refusal::NotHandedOver);
    let signed_in = format!(r#"{{"list":"{list}","rows":{rows}}}"#);
    let by_another = story.says("handover.signed_in", HANDOVER, json(&signed_in), &[OFFICER]);
    assert!(matches!(story.desk.turn_away(&by_another), Rejection::WrongSide { .. }));
    story.tells("handover.signed_in", HANDOVER, &signed_in, &[INCOMING]);
    let third = json(&format!(r#"{{"list":"{list}"}}"#));
    let both = [("handover.supervised", HANDOVER, third), ("case.assigned", CASE, json(&assigned))];
    let both = story.says_all(&both, &[SUPERIOR]);
    story.desk.accept(&both);

    let started = json(r#"{"on":"2026-11-23"}"#);
    let gone = story.says("case.investigation_started", CASE, started.clone(), &[OFFICER]);
    assert!(matches!(story.desk.turn_away(&gone), Rejection::WrongSide { .. }), "no longer his case");
    story.does("case.investigation_started", CASE, started, &[INCOMING]);
    let salt = Digest([0x5a; 32]);
    let seal = patrol::seal(Month::parse("2026-11").unwrap(), Day::parse("2026-11-24").unwrap(), &salt);
    story.tells("patrol.sealed", "patrol/2026-11", &format!(r#"{{"commit":"{seal}"}}"#), &[SUPERIOR]);
    story.pass(2 * 86_400);
    let done = format!(
        r#"{{"items":2,"leader":"{}","on":"2026-11-24","places":["C2001","C2011"],"salt":"{salt}"}}"#,
        SUPERIOR.0
    );
    story.tells("patrol.done", "patrol/2026-11", &done, &[OFFICER, SUPERIOR]);
    let kept = story.ledger().stream("patrol/2026-11").and_then(|stream| stream.family()?.patrol()).unwrap();
    assert!(kept.kept, "it was sealed before, and kept to");
    checked(story);
}
