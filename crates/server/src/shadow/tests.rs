//! Shadows that were deleted, exchanged, damaged, killed or made to fail: never a wrong row.

mod bytes;
mod faults;
mod judged;
mod memory;
mod scrubbed;
mod served;

use std::{collections::BTreeMap, path::Path};

use lian_core::hash::{Digest, sha256};
use lian_domain::rows::{Row, Rows, Step, Table};

use super::{Expected, Opening, Shadow};

/// Entries of a step.
const STEP_ENTRIES: u64 = 3;
const LEDGER: Digest = Digest([7; 32]);
const VERSION: u32 = 4;

type Model = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

fn link_of(index: u64) -> Digest {
    sha256(&[b"link", &index.to_be_bytes()])
}

fn state(key: &str, value: impl Into<Option<String>>) -> Row {
    let value = value.into().map(String::into_bytes);
    Row { table: Table::State, key: key.as_bytes().to_vec(), value }
}

fn since(prefix: &str, entry: u64) -> Vec<u8> {
    [prefix.as_bytes(), &entry.to_be_bytes()].concat()
}

fn history(prefix: &str, entry: u64, value: &str) -> Row {
    Row { table: Table::History, key: since(prefix, entry), value: Some(value.as_bytes().to_vec()) }
}

/// The step of number `number`, from 1: an object that changes every fifth step and is gone every
/// eleventh, a sum that always changes, and two rows of history.
fn step(number: u64) -> Step {
    let reached = number * STEP_ENTRIES;
    let rows = vec![
        state(
            &format!("o/{}", number % 5),
            (!number.is_multiple_of(11)).then(|| format!("object as of {number}")),
        ),
        state("sum", format!("{}", number * 1_000)),
        history(&format!("o/{}/", number % 5), reached - 1, &format!("object at {reached}")),
        history("sum/", reached - 1, &format!("{}", number * 1_000)),
    ];
    Step { reached, link: link_of(reached - 1), rows }
}

fn steps(count: u64) -> Vec<Step> {
    (1..=count).map(step).collect()
}

/// What the rows must be after some steps.
fn model(steps: &[Step]) -> Model {
    let mut model = Model::new();
    for row in steps.iter().flat_map(|step| &step.rows) {
        let place = (row.table, row.key.clone());
        match &row.value {
            Some(value) => model.insert(place, value.clone()),
            None => model.remove(&place),
        };
    }
    model
}

/// What a shadow serves, all of it.
fn served(shadow: &Shadow) -> Result<Model, String> {
    shadow.rows().map(|row| row.map(|row| ((row.table, row.key), row.value)).map_err(|e| e.0)).collect()
}

/// A log of some size, with the links that `step` gives.
fn log_of(size: u64) -> Expected<'static> {
    Expected { ledger: LEDGER, version: VERSION, size, link: &|index| Ok(link_of(index)) }
}

fn open(folder: &Path, size: u64) -> Opening {
    Shadow::open(folder, &log_of(size)).unwrap()
}

/// A closed sled shadow of some steps.
fn make(folder: &Path, count: u64) {
    let Opening::Empty(shadow) = open(folder, count * STEP_ENTRIES) else {
        panic!("nothing was there");
    };
    for step in steps(count) {
        shadow.apply(&[step]).unwrap();
    }
    shadow.flush().unwrap();
}

/// The shadow to go on with, and where it stands.
fn to_go_on(opening: Opening) -> (Shadow, u64) {
    match opening {
        Opening::Sound(shadow, binding) => (shadow, binding.reached),
        Opening::Empty(shadow) | Opening::Discarded(shadow, _) => (shadow, 0),
        Opening::Ahead(binding) => panic!("ahead of the log: {binding:?}"),
    }
}

fn get(shadow: &Shadow, table: Table, key: impl AsRef<[u8]>) -> Option<String> {
    shadow.get(table, key.as_ref()).unwrap().map(|value| String::from_utf8(value).unwrap())
}
