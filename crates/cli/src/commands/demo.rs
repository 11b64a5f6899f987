//! `lian demo`: the whole story on a sample of 27 banks, with real inputs, files and checks.
//! Invariant: nothing that it tells is made up; every line follows a call that was made, and the
//! demo fails if a check does not end as told.

mod families;
mod forge;
mod scenes;
mod stage;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use lian_core::time::TAIPEI_SECONDS;
use lian_domain::{dates::Day, draws::Calendar};
use serde_json::{Value, json};

use crate::{
    failure::{Failure, Result},
    folder::{Config, ConfigKeys, now_s},
    keyring::{file_name, save},
    out::Out,
    session::Session,
    text::Text,
    when::roc,
};

use self::{scenes::Story, stage::Stage};

const EXAMPLES: &str = "\
Examples:
  lian demo                          ends by itself, leaves nothing behind
  lian demo --dir sample             keeps sample/ledger with all its keys, and the forgeries
  lian demo --lang zh-TW --seed 7
";

/// In the middle of the story a quarter ends: 115/10/01, or an earlier one if that lies ahead of the
/// clock. It begins so long before, at 09:00:00 (+08:00).
const BEFORE_S: i64 = 21 * 86_400 + 15 * 3_600;
/// How long it goes on then, with room: a story must not end in the future, or its ledger could not go
/// on.
const AFTER_S: i64 = 4 * 86_400;
/// 115/10/01 00:00:00 (+08:00).
const QUARTER_S: i64 = 1_790_784_000;

/// Options of `lian demo`.
#[derive(clap::Args)]
#[command(before_help = EXAMPLES)]
pub struct Arguments {
    /// Keep everything in this folder, which must be new or empty
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Keys, ids and amounts follow from it
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
}

/// Tells the story: to people as it goes, to programs at the end.
pub struct Teller {
    out: Out,
    facts: Vec<Value>,
}

impl Teller {
    /// The headline of a scene.
    pub fn scene(&self, text: Text, arguments: &[&dyn std::fmt::Display]) {
        if !self.out.json {
            self.out.line(format!("\n{}", self.out.headline(text, arguments)));
        }
    }

    /// A sentence.
    pub fn say(&self, text: Text, arguments: &[&dyn std::fmt::Display]) {
        self.show(&self.out.text(text, arguments));
    }

    /// Lines as they are.
    pub fn show(&self, lines: &str) {
        if !self.out.json {
            for line in lines.lines() {
                self.out.line(format!("  {line}"));
            }
        }
    }

    /// What a program learns from a scene.
    pub fn fact(&mut self, name: &str, value: impl Into<Value>) {
        let value: Value = value.into();
        self.facts.push(json!({"scene": name, "result": value}));
    }

    /// How it speaks.
    pub fn out(&self) -> Out {
        self.out
    }
}

/// Runs it.
pub fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    let began = Instant::now();
    let out = session.out;
    let temporary = tempfile::tempdir().map_err(|error| Failure::io(Path::new("temporary folder"), error))?;
    let folder = match &arguments.dir {
        Some(folder) => empty_folder(folder)?,
        None => temporary.path().to_owned(),
    };
    let start_s = start_s(now_s());
    let mut teller = Teller { out, facts: Vec::new() };
    if !out.json {
        out.line(out.headline(Text::DemoTitle, &[]));
    }
    let start_ms = u64::try_from(start_s).unwrap_or_default() * 1_000;
    teller.say(Text::DemoIntro, &[&roc(start_ms), &folder.display()]);
    let ledger = folder.join("ledger");
    let stage = Stage::open(&ledger, arguments.seed, lian_client::sample::SAMPLE_NAME, start_s, out)?;
    save_keys(&ledger, &stage)?;
    let story = Story::new(stage, folder, arguments.seed);
    story.tell(&mut teller)?;
    let took_ms = began.elapsed().as_millis();
    teller.scene(Text::DemoEnd, &[&took_ms]);
    match &arguments.dir {
        Some(folder) => teller.say(Text::DemoKeep, &[&folder.join("ledger").display()]),
        None => teller.say(Text::DemoTry, &[]),
    }
    if out.json {
        out.value(&json!({"demo": teller.facts, "seed": arguments.seed}));
    }
    Ok(())
}

/// When the story begins, for a clock that stands here: at 9 in the morning, three weeks before the
/// last end of a quarter that leaves time for the rest.
fn start_s(now_s: i64) -> i64 {
    let day = Day::from_number((now_s - AFTER_S + TAIPEI_SECONDS).div_euclid(86_400));
    let first = Calendar::Quarter.period_of(day).first().number() * 86_400 - TAIPEI_SECONDS;
    first.min(QUARTER_S) - BEFORE_S
}

/// A folder that is new or empty.
pub fn empty_folder(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).map_err(|error| Failure::io(folder, error))?;
    let mut entries = fs::read_dir(folder).map_err(|error| Failure::io(folder, error))?;
    if entries.next().is_some() {
        return Err(
            Failure::usage(format!("{}: the folder is not empty", folder.display())).fix("name a new folder")
        );
    }
    Ok(folder.to_owned())
}

/// The sample's ledger in `folder/ledger`, with all keys, closed; tells nothing.
pub fn sample(folder: &Path, seed: u64, out: Out) -> Result<PathBuf> {
    let start_s = start_s(now_s());
    let mut teller = Teller { out: Out { json: true, ..out }, facts: Vec::new() };
    let ledger = folder.join("ledger");
    let stage = Stage::open(&ledger, seed, lian_client::sample::SAMPLE_NAME, start_s, out)?;
    save_keys(&ledger, &stage)?;
    Story::new(stage, folder.to_owned(), seed).live_and_close(&mut teller)?;
    Ok(ledger)
}

/// Everybody's key and `lian.toml`, so that the ledger can go on by hand.
fn save_keys(ledger: &Path, stage: &Stage) -> Result<()> {
    let keys = ledger.join("keys");
    fs::create_dir_all(&keys).map_err(|error| Failure::io(&keys, error))?;
    let house = &stage.house;
    for actor in house.actors().chain(house.further_actors()) {
        save(&keys.join(file_name(actor)), house.key(actor), None)?;
    }
    for (name, key) in house.roots() {
        save(&keys.join(file_name(&format!("root:{name}"))), key, None)?;
    }
    let paths = ConfigKeys {
        log: "keys/log.pem".into(),
        system_log: "keys/system-log.pem".into(),
        admission: "keys/system-admission.pem".into(),
    };
    let text = Config::write(stage.log.name(), &paths);
    crate::folder::write_file(&ledger.join(crate::folder::CONFIG), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_ends_before_the_clock_and_a_quarter_ends_within_it() {
        for now_s in [QUARTER_S + AFTER_S, QUARTER_S + 30 * 86_400, QUARTER_S - 1, 1_767_225_600] {
            let quarter_s = start_s(now_s) + BEFORE_S;

            assert!(quarter_s + AFTER_S <= now_s, "{now_s}");
            let day = |s: i64| Day::from_number((s + TAIPEI_SECONDS).div_euclid(86_400));
            let before = Calendar::Quarter.period_of(day(quarter_s - 1));
            assert_ne!(Calendar::Quarter.period_of(day(quarter_s)), before, "{now_s}");
        }
    }
}
