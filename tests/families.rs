//! Families of the common shape through the real admission, sequencer and store: registrations of
//! gifts and lobbying from report to close, sampled by a draw that the operator tries to steer; then
//! the verifier, a fold of the files and rows must all say the same.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use crate::{
    shadow::is_the_fold,
    support::{
        START_S,
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
    draws::{self, Difference, Period, Scheme},
    ethics, families,
    ledger::Ledger,
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
const NEW_YEAR_S: i64 = 1_798_732_800;

struct Story {
    house: House,
    folder: TempDir,
    desk: Desk,
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
    fn begin(seed: u64) -> Self {
        let (house, folder) = (House::new(seed), tempfile::tempdir().unwrap());
        let path = folder.path().join("ledger");
        let mut desk = Desk::found(Arc::new(RealDisk::create(&path).unwrap()), &house);
        for envelope in house.further_enrolments(&desk.id, START_S) {
            desk.accept(&envelope);
        }
        Self { house, folder, desk }
    }

    fn now_s(&self) -> i64 {
        i64::try_from(self.desk.clock.wall_ms() / 1_000).unwrap()
    }

    fn ledger(&self) -> &Ledger {
        self.desk.ledger()
    }

    fn pass(&self, seconds: u64) {
        self.desk.clock.pass(seconds * 1_000);
    }

    /// Time passes, and an entry of another family lets the epoch close that is due.
    fn next_epoch(&mut self, seconds: u64) -> u64 {
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
        let draft = self.house.draft(&self.desk.id, self.now_s());
        self.house.sign(&draft.event(kind, stream, self.version(stream), data), by)
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
    fn members(&self) -> Vec<String> {
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
    fn autumn(&mut self) {
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
    story.act("logged", no, r#","excluded":false,"received_on":"2026-11-23","type":"lobbying""#, &[ETHICS]);
    story.act("disposed", no, r#","disposal":"referred""#, &[ETHICS]);
    let by = |actor: &str| json(&format!(r#"{{"by":"{actor}"}}"#));
    story.cannot("ethics.closed", &stream, by(ETHICS.0), &[ETHICS], Refusal::NotAcknowledged);
    let received = json(&format!(r#"{{"by":"{}","on":"2026-11-23"}}"#, AGENCY.0));
    story.does("ethics.acknowledged", &stream, received, &[AGENCY]);
    story.act("closed", no, "", &[ETHICS]);
}

/// The draw is opened over the one population and epoch that the rules give.
fn opened(story: &mut Story, epoch: u64, members: &[String]) {
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
fn committed(story: &mut Story) -> u64 {
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
fn revealed(story: &mut Story, seal: u64, members: &[String]) {
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
    for check in [Check::Signatures, Check::Authority, Check::Verdicts, Check::State] {
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
    for kind in families::kinds().map(|kind| kind.name) {
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
