//! The scenes of the demo, in order.

use std::{
    cmp::Ordering,
    fs,
    path::{Path, PathBuf},
};

use lian_client::{draft::Draft, kinds, kinds::GuaranteeRequest, sample::House};
use lian_core::{
    audit::{
        Check,
        finding::{Finding, Source},
        fold::Status,
    },
    hash::Digest,
    json::Value,
    statement::Statement,
};
use lian_domain::{
    dates::Day,
    ids::{Checksum, Ubn},
    views,
};
use lian_store::{reader::Reader, segment::StoredEntry};
use lian_verify::{Options, Report};
use serde_json::json;

use super::{
    Teller,
    families::Scenes,
    forge::{Fate, rewrite},
    stage::{Stage, Told, broken},
};
use crate::{
    commands::draw,
    failure::{Failure, Result},
    folder::{View, write_file},
    out::Out,
    past::Past,
    say::{Entry, group, money, short, standing_word},
    text::Text,
    when::{When, day_of, roc, size_at},
};

/// The guarantee that the story is about.
const NO: &str = "FB-115-000123";
const STREAM: &str = "guarantee/FB-115-000123";
const DEBTOR: &str = "12345675";
const LIMIT: u64 = 5_000_000;
const DRAW: u64 = 1_240_000;
const DRAW_TOO_MUCH: u64 = 4_000_000;
/// What the forger would like the limit to be.
const LIMIT_FORGED: u64 = 9_000_000;
const DECLARATION: &str = "CA__15494A0001";

const BANK: (&str, &str) = ("bank:004", "guarantor");
const OFFICER: (&str, &str) = ("officer:7f3k", "officer");
const RELEASE: (&str, &str) = ("system:release", "release");
const TREASURY: (&str, &str) = ("system:treasury", "treasury");

const HOUR_S: u32 = 3_600;
const DAY_S: u32 = 86_400;
/// Longer lines are clipped in the story; the files have them whole.
const LINE_MAX: usize = 110;

/// What the demo is telling.
pub struct Story {
    stage: Stage,
    folder: PathBuf,
    seed: u64,
    /// Statements of the other banks.
    others: usize,
}

/// What later scenes need of earlier ones.
struct Kept {
    requested: u64,
    refused: u64,
    suspended: u64,
    /// The entry that closed the draw.
    closing: u64,
    /// The auditor's checkpoint file.
    checkpoint: PathBuf,
    /// The epoch that the bank saw: number and root.
    seen: (u64, Digest),
    /// The day on which the draw stood open, for the replay.
    day: Day,
}

impl Story {
    /// A story on a stage.
    pub fn new(stage: Stage, folder: PathBuf, seed: u64) -> Self {
        Self { stage, folder, seed, others: 0 }
    }

    /// Tells all of it.
    pub fn tell(mut self, teller: &mut Teller) -> Result<()> {
        let kept = self.live(teller)?;
        let Self { stage, folder, .. } = self;
        let (house, log) = (stage.house, stage.log.to_string());
        let name = stage.log.name().to_owned();
        stage.service.close().map_err(broken)?;
        let after = After { folder, log, name, house, kept };
        after.verify(teller)?;
        after.flip(teller)?;
        after.replay(teller)?;
        after.forge_with_the_log_key(teller)?;
        after.leave_out_the_refusal(teller)?;
        after.put_in_another_name(teller)
    }

    /// Scenes 1 to 7, for whoever only needs the ledger.
    pub fn live_and_close(mut self, teller: &mut Teller) -> Result<()> {
        self.live(teller)?;
        self.stage.service.close().map_err(broken)
    }

    /// Scenes 1 to 7: the ledger lives.
    fn live(&mut self, teller: &mut Teller) -> Result<Kept> {
        let enrolled = self.stage.service.reader().head().size() - 1;
        teller.scene(Text::DemoFound, &[]);
        teller.say(Text::DemoFounded, &[&5, &enrolled]);
        teller.show(&format!("{}\n{}", self.stage.ledger, self.stage.log));
        teller.fact("opened", json!({"ledger": self.stage.ledger, "log_key": self.stage.log.to_string()}));
        teller.scene(Text::DemoStory, &[]);
        let requested = self.request_and_accept(teller)?;
        let (refused, checkpoint, day) = self.draw(teller)?;
        let (suspended, seen) = self.pay_suspend_close(teller)?;
        let closing = Scenes::new(&mut self.stage, &self.folder.join("ledger")).play(teller)?;
        Ok(Kept { requested, refused, suspended, closing, checkpoint, seen, day })
    }

    fn request_and_accept(&mut self, teller: &mut Teller) -> Result<u64> {
        self.stage.pass(HOUR_S);
        let request = request(NO, "004", DEBTOR, LIMIT);
        let told =
            self.stage.say(&self.stage.draft("guarantee.requested", STREAM, 0, request.data()), &[BANK])?;
        let requested = told.sealed.index;
        self.show(teller, &told)?;
        let requests: Vec<_> = self
            .stage
            .house
            .banks()
            .iter()
            .skip(1)
            .enumerate()
            .map(|(at, bank)| {
                let (no, stream) = number(at);
                let (debtor, limit) = (debtor(at), self.limit(at));
                let draft = self.stage.draft(
                    "guarantee.requested",
                    &stream,
                    0,
                    request_of(&no, bank, &debtor, limit),
                );
                self.stage.house.sign(&draft, &[(&format!("bank:{bank}"), "guarantor")])
            })
            .collect();
        self.others_say(&requests)?;
        self.stage.pass(HOUR_S);
        let seen = self.stage.last_epoch()?;
        let draft = self.stage.draft("guarantee.accepted", STREAM, 1, kinds::accepted(&request.terms()));
        let told = self.stage.say(&draft.seen(seen.0, seen.1), &[OFFICER])?;
        self.show(teller, &told)?;
        let accepts: Vec<_> = self
            .stage
            .house
            .banks()
            .iter()
            .skip(1)
            .enumerate()
            .map(|(at, bank)| {
                let (no, stream) = number(at);
                let terms =
                    lian_domain::guarantee::terms_hash(&request_of(&no, bank, &debtor(at), self.limit(at)));
                let draft = self.stage.draft("guarantee.accepted", &stream, 1, kinds::accepted(&terms));
                self.stage.house.sign(&draft.seen(seen.0, seen.1), &[("officer:m4qd", "officer")])
            })
            .collect();
        self.others_say(&accepts)?;
        Ok(requested)
    }

    fn draw(&mut self, teller: &mut Teller) -> Result<(u64, PathBuf, Day)> {
        self.stage.pass(4 * DAY_S);
        let draft = self.draw_draft(STREAM, 2, DECLARATION, DEBTOR, DRAW);
        let told = self.stage.say(&draft, &[RELEASE])?;
        self.show(teller, &told)?;
        let day = day_of(self.stage.now_ms());
        teller.scene(Text::DemoOverQuota, &[]);
        self.stage.pass(DAY_S);
        let draft = self.draw_draft(STREAM, 3, "CA__15494A0002", DEBTOR, DRAW_TOO_MUCH);
        let told = self.stage.say(&draft, &[RELEASE])?;
        self.show(teller, &told)?;
        let verdict = told.sealed.verdict;
        teller.say(Text::DemoRefusalReceipt, &[&verdict.code]);
        let receipt = self.folder.join(format!("{NO}-{}.tlog-proof", told.sealed.index));
        write_file(&receipt, &told.receipt)?;
        let options = Options { log_key: Some(self.stage.log.to_string()), ..Options::default() };
        let report = check(&receipt, &options)?;
        teller.show(&format!("{}\n{}", receipt_lines(&told), summary(&report, teller.out())));
        let file = file_name(&receipt);
        teller.fact("refused", json!({"index": told.sealed.index, "code": verdict.code, "receipt": file}));
        self.others_draw(1)?;
        // The auditor comes by and keeps the checkpoint of the day.
        let checkpoint = self.folder.join("auditor-kept.checkpoint");
        write_file(&checkpoint, self.stage.service.reader().head().note())?;
        Ok((told.sealed.index, checkpoint, day))
    }

    fn pay_suspend_close(&mut self, teller: &mut Teller) -> Result<(u64, (u64, Digest))> {
        teller.scene(Text::DemoPay, &[]);
        self.stage.pass(7 * DAY_S);
        self.others_draw(2)?;
        let paid = kinds::tax_paid(DECLARATION, DRAW);
        let told = self.stage.say(&self.stage.draft("guarantee.tax_paid", STREAM, 3, paid), &[TREASURY])?;
        self.show(teller, &told)?;
        self.stage.pass(3 * DAY_S);
        let stranger = self.stage.draft("guarantee.suspended", STREAM, 4, kinds::nothing());
        let note = self.stage.turned_away(&stranger, &[("bank:005", "guarantor")])?;
        teller.say(Text::DemoRejected, &[&""]);
        teller.show(&clipped(&format!("{} {}: {}", note.code, note.name, note.detail)));
        teller.fact("rejected", json!({"code": note.code, "name": note.name}));
        self.stage.pass(DAY_S);
        let seen = self.stage.last_epoch()?;
        let draft = self.stage.draft("guarantee.suspended", STREAM, 4, kinds::nothing());
        let told = self.stage.say(&draft.seen(seen.0, seen.1), &[BANK])?;
        let suspended = told.sealed.index;
        self.show(teller, &told)?;
        self.stage.pass(5 * DAY_S);
        let draft = self.stage.draft("guarantee.closed", STREAM, 5, kinds::nothing());
        let now = self.stage.last_epoch()?;
        let told = self.stage.say(&draft.seen(now.0, now.1), &[OFFICER])?;
        self.show(teller, &told)?;
        self.stage.pass(HOUR_S);
        self.others_draw(3)?;
        let size = self.stage.service.reader().head().size();
        let epochs = self.stage.last_epoch()?.0;
        let banks = self.stage.house.banks().len() - 1;
        teller.say(Text::DemoOthers, &[&banks, &self.others, &group(size), &epochs]);
        teller.fact("lived", json!({"size": size, "epochs": epochs, "statements_of_others": self.others}));
        Ok((suspended, seen))
    }

    /// The release system draws for the other banks' customers, and the treasury reports payments
    /// of the round before.
    fn others_draw(&mut self, round: u64) -> Result<()> {
        let mut envelopes = Vec::new();
        for at in 0..self.stage.house.banks().len() - 1 {
            let (_, stream) = number(at);
            let declaration = |round: u64| format!("CG__15B{round:02}B{at:04}");
            let mut version = 2 * round;
            if round > 1 {
                let amount = self.amount(at, round - 1, 2);
                let paid = kinds::tax_paid(&declaration(round - 1), amount);
                version -= 1;
                let draft = self.stage.draft("guarantee.tax_paid", &stream, version, paid);
                envelopes.push(self.stage.house.sign(&draft, &[TREASURY]));
                version += 1;
            }
            let draft = self.draw_draft(
                &stream,
                version,
                &declaration(round),
                &debtor(at),
                self.amount(at, round, 2),
            );
            envelopes.push(self.stage.house.sign(&draft, &[RELEASE]));
        }
        self.others_say(&envelopes)
    }

    fn others_say(&mut self, envelopes: &[lian_core::statement::Envelope]) -> Result<()> {
        self.others += envelopes.len();
        self.stage.send_all(envelopes)
    }

    fn draw_draft(
        &self,
        stream: &str,
        version: u64,
        declaration: &str,
        importer: &str,
        amount: u64,
    ) -> Draft {
        let served = day_of(self.stage.now_ms());
        let data = kinds::drawn(declaration, importer, None, amount, served, false);
        self.stage.draft("guarantee.drawn", stream, version, data)
    }

    /// A limit that all draws of the story stay below.
    fn limit(&self, at: usize) -> u64 {
        1_000_000 + self.amount(at, 3, 40)
    }

    /// An amount of NT$, 100,000 to `most` times that and a little; follows from the seed.
    fn amount(&self, at: usize, round: u64, most: u64) -> u64 {
        let mixed = self.seed.wrapping_mul(0x9E37_79B9).wrapping_add(at as u64 * 7_919 + round * 104_729);
        100_000 * (1 + mixed % most) + 1_000 * (mixed % 97)
    }

    fn show(&self, teller: &mut Teller, told: &Told) -> Result<()> {
        let stored = self.stage.service.reader().read_entry(told.sealed.index).map_err(broken)?;
        let entry = Entry::open(&stored)?;
        teller.show(&entry.line(teller.out()));
        teller.fact("entry", entry.json());
        Ok(())
    }
}

pub(super) fn request<'a>(no: &'a str, bank: &'a str, debtor: &'a str, limit: u64) -> GuaranteeRequest<'a> {
    let day = |text| Day::parse(text).expect("a date of the story");
    GuaranteeRequest {
        no,
        bank,
        branch: "0037",
        debtor,
        purpose: "importer",
        scope: "all",
        limit,
        from: day("2026-01-01"),
        to: day("2027-10-31"),
    }
}

fn request_of(no: &str, bank: &str, debtor: &str, limit: u64) -> lian_core::json::Value<'static> {
    request(no, bank, debtor, limit).data()
}

fn number(at: usize) -> (String, String) {
    let no = format!("FB-115-{:06}", 124 + at);
    let stream = format!("guarantee/{no}");
    (no, stream)
}

/// A made-up business number whose check digit holds.
fn debtor(at: usize) -> String {
    let first = 20_000_000 + at * 1_000;
    let holds = |number: &usize| {
        Ubn::parse(&number.to_string()).is_some_and(|ubn| ubn.checksum() == Checksum::Legacy10)
    };
    (first..first + 1_000).find(holds).unwrap_or(first).to_string()
}

/// Scenes 8 to 13: others look at the files.
struct After {
    folder: PathBuf,
    log: String,
    name: String,
    house: House,
    kept: Kept,
}

impl After {
    fn ledger(&self) -> PathBuf {
        self.folder.join("ledger")
    }

    fn options(&self) -> Options {
        Options { log_key: Some(self.log.clone()), ..Options::default() }
    }

    fn verify(&self, teller: &mut Teller) -> Result<()> {
        teller.scene(Text::DemoVerify, &[]);
        let options = Options { checkpoints: vec![self.kept.checkpoint.clone()], ..self.options() };
        let report = check(&self.ledger(), &options)?;
        teller.show(&report.text(teller.out().lang.of_verifier()));
        must(report.exit_code() != 1, "the untouched ledger does not verify")?;
        teller.fact("verified", report.json()["checks"].clone());
        Ok(())
    }

    fn flip(&self, teller: &mut Teller) -> Result<()> {
        teller.scene(Text::DemoFlip, &[]);
        let copy = self.folder.join("one-bit-flipped");
        copy_ledger(&self.ledger(), &copy)?;
        let segment = copy.join("segments/000000.seg");
        let mut bytes = fs::read(&segment).map_err(|error| Failure::io(&segment, error))?;
        let wanted = format!("\"limit\":{LIMIT}");
        let at = bytes.windows(wanted.len()).position(|window| window == wanted.as_bytes());
        let at = at.ok_or_else(|| broken("the limit is not in the segment"))? + wanted.len() - 7;
        let before = char::from(bytes[at]);
        bytes[at] ^= 0b10;
        fs::write(&segment, &bytes).map_err(|error| Failure::io(&segment, error))?;
        let offset = format!("{at:#x}");
        teller.say(Text::DemoFlipped, &[&"segments/000000.seg", &offset, &before, &char::from(bytes[at])]);
        let report = check(&copy, &self.options())?;
        let found = report.findings().find(|finding| finding.entry == Some(self.kept.requested));
        let found = found.ok_or_else(|| broken("the flipped bit was not located"))?;
        must(report.exit_code() == 1 && near(found, at), "the flipped bit was not located")?;
        let entry = group(self.kept.requested);
        teller.show(&summary(&report, teller.out()));
        let offset = format!("{:#x}", found.offset);
        teller.say(Text::DemoFound1, &[&entry, &found.field, &"segments/000000.seg", &offset]);
        teller.fact("flipped", json!({"at": at, "found": report.json()["findings"].clone()}));
        Ok(())
    }

    fn replay(&self, teller: &mut Teller) -> Result<()> {
        teller.scene(Text::DemoReplay, &[]);
        let out = teller.out();
        let view = View::open(&self.ledger())?;
        let size = size_at(When::Moment(self.kept.day.end_of_day_ms()), &view.reader)?;
        let (then, now) = (view.fold(size, out)?, view.fold_all(out)?);
        let end_ms = self.kept.day.end_of_day_ms();
        let day = self.kept.day.to_roc();
        teller.show(&format!("lian replay --as-of {} --show {STREAM} --diff now", day.replace('/', "-")));
        teller.show(&format!("{} = seq:{}", roc(end_ms), size - 1));
        let standing = |ledger: &lian_domain::ledger::Ledger, day| {
            ledger
                .guarantee(STREAM)
                .map_or_else(String::new, |state| standing_word(state.standing(day).name(), out.lang))
        };
        let today = day_of(now.recorded_at());
        teller.show(&format!(
            "{:<12} {:<24} {}",
            "status",
            standing(&then, self.kept.day),
            standing(&now, today)
        ));
        let left = |ledger: &lian_domain::ledger::Ledger| {
            ledger.guarantee(STREAM).map_or_else(String::new, |state| money(state.available().get()))
        };
        teller.show(&format!("{:<12} {:<24} {}", "quota left", left(&then), left(&now)));
        let changes = views::changes::changes(&then, &now);
        let change = changes.iter().find(|change| change.stream == STREAM);
        let members = change.map(views::changes::Change::members).unwrap_or_default();
        let shown = |name: &str| ["limit", "outstanding", "called", "refunds", "draws_made"].contains(&name);
        for (name, before, after) in members.iter().filter(|(name, ..)| shown(name)) {
            teller.show(&format!("{name:<12} {:<24} {}", short(before.as_ref()), short(after.as_ref())));
        }
        must(!members.is_empty(), "nothing changed since")?;
        teller.fact("replayed", json!({"as_of": day, "size": size, "changed": changes.len()}));
        Ok(())
    }

    fn forge_with_the_log_key(&self, teller: &mut Teller) -> Result<()> {
        teller.scene(Text::DemoForgeA, &[]);
        teller.say(Text::DemoForgeAHow, &[&money(LIMIT_FORGED)]);
        let source = View::open(&self.ledger())?;
        let copy = self.folder.join("forged-limit");
        let requested = self.kept.requested;
        self.rewrite(&source.reader, &copy, &|index, entry| {
            if index == requested { Fate::Alter(with_limit(entry, LIMIT_FORGED)) } else { Fate::Keep }
        })?;
        let report = check(&copy, &self.options())?;
        teller.show(&summary(&report, teller.out()));
        teller.fact("forged_limit", report.json()["findings"].clone());
        let named = report.findings().any(|finding| finding.entry == Some(requested));
        must(report.exit_code() == 1 && named, "the forged limit was not caught")?;
        let kept = Options { checkpoints: vec![self.kept.checkpoint.clone()], ..self.options() };
        Self::caught(teller, Text::DemoKept, &copy, &kept, Check::Checkpoint)
    }

    fn leave_out_the_refusal(&self, teller: &mut Teller) -> Result<()> {
        teller.scene(Text::DemoForgeB, &[]);
        teller.say(Text::DemoForgeBHow, &[&group(self.kept.refused)]);
        let source = View::open(&self.ledger())?;
        let (refused, suspended) = (self.kept.refused, self.kept.suspended);
        let copy = self.folder.join("forged-omission");
        self.rewrite(&source.reader, &copy, &|index, _| {
            if index == refused { Fate::Drop } else { Fate::Keep }
        })?;
        Self::caught(teller, Text::DemoSeen, &copy, &self.options(), Check::Authority)?;
        let cut = self.folder.join("forged-omission-and-cut");
        self.rewrite(&source.reader, &cut, &|index, _| match index {
            index if index == refused => Fate::Drop,
            index if index >= suspended => Fate::Stop,
            _ => Fate::Keep,
        })?;
        teller.scene(Text::DemoForgeC, &[]);
        let alone = check(&cut, &self.options())?;
        teller.show(&summary(&alone, teller.out()));
        must(alone.exit_code() != 1, "the files alone show the omission")?;
        let kept = Options { checkpoints: vec![self.kept.checkpoint.clone()], ..self.options() };
        Self::caught(teller, Text::DemoKept, &cut, &kept, Check::Checkpoint)?;
        self.compare_seen(teller, &cut)?;
        teller.fact("left_out", json!({"entry": refused, "caught_by": ["seen", "kept checkpoint"]}));
        Ok(())
    }

    /// One member more or less is drawn than the seed says: the rules cannot know, whoever draws again
    /// does.
    fn put_in_another_name(&self, teller: &mut Teller) -> Result<()> {
        teller.scene(Text::DemoForgeD, &[]);
        let source = View::open(&self.ledger())?;
        let (closing, copy) = (self.kept.closing, self.folder.join("forged-draw"));
        let stored = source.reader.read_entry(closing).map_err(broken)?;
        let statement = Statement::parse(&stored.payload).map_err(broken)?;
        let event = statement.events.first().ok_or_else(|| broken("nothing closed the draw"))?;
        let drawn =
            event.data.get("drawn").and_then(Value::as_list).and_then(|drawn| drawn.first()?.as_text());
        let drawn = drawn.ok_or_else(|| broken("nothing was drawn"))?;
        let other = if drawn.ends_with('1') { "ethics/115-000002" } else { "ethics/115-000001" };
        let picked = String::from_utf8_lossy(&stored.payload).replace(drawn, other).into_bytes();
        self.rewrite(&source.reader, &copy, &|index, _| match index.cmp(&closing) {
            Ordering::Less => Fate::Keep,
            Ordering::Equal => Fate::Alter(picked.clone()),
            Ordering::Greater => Fate::Stop,
        })?;
        let view = View::open(&copy)?;
        let ledger = view.fold_all(teller.out())?;
        let (moment, stream) = (ledger.recorded_at(), event.stream);
        let past = Past { view, ledger, moment, today: day_of(moment) };
        let again = draw::again(&past, stream, None, teller.out())?;
        teller.say(Text::DemoDrawCheck, &[&stream]);
        teller.show(&draw::lines(&again, teller.out()).join("\n"));
        must(draw::word(&again) == "FAIL", "the name that was put in was not found")?;
        let found: Vec<String> = again.differences.iter().map(ToString::to_string).collect();
        teller.fact("picked", json!({"draw": stream, "drawn": drawn, "picked": other, "found": found}));
        Ok(())
    }

    /// The bank looks up the epoch that it saw.
    fn compare_seen(&self, teller: &Teller, copy: &Path) -> Result<()> {
        let (epoch, root) = self.kept.seen;
        let forged = View::open(copy)?.fold_all(teller.out())?;
        let own =
            usize::try_from(epoch).ok().and_then(|epoch| forged.epochs().get(epoch)).map(|found| found.root);
        let own = own.map_or_else(|| "–".to_owned(), |root| root.to_hex());
        teller.say(Text::DemoSeenOutside, &[&epoch]);
        let word = teller.out().word(if own == root.to_hex() { "PASS" } else { "FAIL" });
        teller.show(&format!("{word}        epoch {epoch}\n  seen       {root}\n  this log   {own}"));
        must(own != root.to_hex(), "the kept epoch was not missed")
    }

    fn rewrite(
        &self,
        source: &Reader,
        target: &Path,
        fate: &dyn Fn(u64, &StoredEntry) -> Fate,
    ) -> Result<()> {
        rewrite(source, target, &self.house, &self.name, fate)
    }

    fn caught(teller: &Teller, text: Text, copy: &Path, options: &Options, by: Check) -> Result<()> {
        let report = check(copy, options)?;
        teller.say(text, &[]);
        teller.show(&answers(&report, teller.out()));
        teller.show(&finding_of(&report, by, teller.out()));
        must(report.exit_code() == 1 && report.check(by) == Status::Fail, "the rewrite was not caught")
    }
}

fn near(found: &Finding, at: usize) -> bool {
    let at = at as u64;
    found.source == Source::Segment(0) && (found.offset..found.offset + found.length.max(1)).contains(&at)
}

/// The payload with another limit; the rest of the bank's words stays.
fn with_limit(entry: &StoredEntry, limit: u64) -> Vec<u8> {
    let Ok(statement) = Statement::parse(&entry.payload) else { return entry.payload.clone() };
    let text = String::from_utf8_lossy(&statement.payload()).into_owned();
    text.replace(&format!("\"limit\":{LIMIT}"), &format!("\"limit\":{limit}")).into_bytes()
}

fn check(target: &Path, options: &Options) -> Result<Report> {
    lian_verify::run(target, options, &|_| ()).map_err(broken)
}

pub(super) fn must(held: bool, what: &str) -> Result<()> {
    if held { Ok(()) } else { Err(broken(what)) }
}

/// The lines of a report that a story needs: the checks by their answers, and what was found.
fn summary(report: &Report, out: Out) -> String {
    let mut lines = vec![answers(report, out)];
    lines.extend(Check::ALL.into_iter().map(|check| finding_of(report, check, out)));
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// The checks, by their answers.
fn answers(report: &Report, out: Out) -> String {
    let mut lines = Vec::new();
    for (word, status) in
        [("PASS", Status::Pass), ("FAIL", Status::Fail), ("UNCONFIRMED", Status::Unconfirmed)]
    {
        let names: Vec<&str> =
            Check::ALL.into_iter().filter(|check| report.check(*check) == status).map(Check::name).collect();
        if !names.is_empty() {
            let padding = " ".repeat(12 - word.len().min(11));
            lines.push(format!("{}{padding}{}", out.word(word), names.join(", ")));
        }
    }
    lines.join("\n")
}

/// What a report prints of the first failure of a check, without advice.
fn finding_of(report: &Report, check: Check, out: Out) -> String {
    let text = report.text(out.lang.of_verifier());
    let begins = format!("  FAIL {}  ", check.name());
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&begins));
    let first = lines.next().map(clipped);
    let rest = lines
        .take_while(|line| line.starts_with("    "))
        .filter(|line| !line.contains("mend  ") && !line.contains("處理"));
    first.into_iter().chain(rest.map(clipped)).collect::<Vec<_>>().join("\n")
}

/// A line that fits a page.
fn clipped(line: &str) -> String {
    if line.chars().count() <= LINE_MAX {
        return line.to_owned();
    }
    format!("{}…", line.chars().take(LINE_MAX - 1).collect::<String>())
}

fn receipt_lines(told: &Told) -> String {
    String::from_utf8_lossy(&told.receipt).lines().map(clipped).collect::<Vec<_>>().join("\n")
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Copies what an auditor gets: segments, tiles and the checkpoint; no keys.
fn copy_ledger(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(|error| Failure::io(to, error))?;
    for entry in fs::read_dir(from).map_err(|error| Failure::io(from, error))? {
        let entry = entry.map_err(|error| Failure::io(from, error))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "keys" || entry.file_name() == "lock" {
            continue;
        }
        if source.is_dir() {
            copy_ledger(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(|error| Failure::io(&source, error))?;
        }
    }
    Ok(())
}
