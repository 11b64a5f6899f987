//! What only a scrub can find.

use std::iter::Peekable;

use lian_domain::rows::Table;

use super::{
    super::{Difference, KeptRow, Scrub, ScrubStop, Scrubbed, Shadow},
    log_of,
    memory::Memory,
    model, served, step, steps, to_go_on,
};

fn of_memory(memory: &Memory, count: u64) -> Shadow {
    let folder = tempfile::tempdir().unwrap();
    let opening = Shadow::open_with(folder.path(), memory.open_keep(), &log_of(900)).unwrap();
    let shadow = to_go_on(opening).0;
    shadow.apply(&steps(count)).unwrap();
    shadow
}

/// Rows of a fresh fold of some steps.
fn fold(count: u64) -> Peekable<impl Iterator<Item = Result<KeptRow, String>>> {
    let rows = model(&steps(count)).into_iter();
    rows.map(|((table, key), value)| Ok(KeptRow { table, key, value })).peekable()
}

fn to_the_end(mut scrub: Scrub<'_>, count: u64) -> Result<u64, ScrubStop> {
    let mut wanted = fold(count);
    loop {
        if let Scrubbed::Done { compared } = scrub.slice(&mut wanted, 3)? {
            return Ok(compared);
        }
    }
}

#[test]
fn a_shadow_that_is_what_the_entries_make_of_it_passes() {
    let shadow = of_memory(&Memory::default(), 40);
    let compared = to_the_end(shadow.scrub().unwrap(), 40).unwrap();
    assert_eq!(compared, model(&steps(40)).len() as u64);
}

fn first_difference(shadow: &Shadow) -> (String, bool, bool) {
    match to_the_end(shadow.scrub().unwrap(), 40) {
        Err(ScrubStop::Differs(Difference { table: Table::State, key, kept, wanted })) => {
            (String::from_utf8(key).unwrap(), kept, wanted)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_missing_row_is_found_and_named() {
    let memory = Memory::default();
    let shadow = of_memory(&memory, 40);
    memory.0.lock().unwrap().tables.get_mut(&Table::State).unwrap().remove(b"o/3".as_slice());
    assert_eq!(first_difference(&shadow), ("o/3".to_owned(), false, true));
}

#[test]
fn an_earlier_row_in_the_place_of_the_present_one_is_found_though_it_was_written_once() {
    let (memory, other) = (Memory::default(), Memory::default());
    let (shadow, _earlier) = (of_memory(&memory, 40), of_memory(&other, 37));
    let earlier = other.0.lock().unwrap().tables[&Table::State][b"sum".as_slice()].clone();
    memory.0.lock().unwrap().tables.get_mut(&Table::State).unwrap().insert(b"sum".to_vec(), earlier);
    assert!(served(&shadow).is_ok(), "no reader can see it");
    assert_eq!(first_difference(&shadow), ("sum".to_owned(), true, true));
}

#[test]
fn a_row_that_no_entry_makes_is_found() {
    let memory = Memory::default();
    let shadow = of_memory(&memory, 40);
    let all = served(&shadow).unwrap();
    let without: Vec<_> = all.into_iter().filter(|((_, key), _)| key != b"o/2").collect();
    let rows =
        without.into_iter().map(|((table, key), value)| Ok::<_, String>(KeptRow { table, key, value }));
    let found = shadow.scrub().unwrap().slice(&mut rows.peekable(), usize::MAX);
    assert!(matches!(found, Err(ScrubStop::Differs(Difference { kept: true, wanted: false, .. }))));
}

#[test]
fn rows_written_while_a_scrub_runs_are_not_taken_for_damage() {
    let shadow = of_memory(&Memory::default(), 40);
    let mut scrub = shadow.scrub().unwrap();
    let mut wanted = fold(40);
    assert_eq!(scrub.reached(), 120);
    for number in 41.. {
        shadow.apply(&[step(number)]).unwrap();
        if let Scrubbed::Done { .. } = scrub.slice(&mut wanted, 3).unwrap() {
            break;
        }
    }
    assert!(to_the_end(shadow.scrub().unwrap(), 40).is_err(), "the next one has a later fold");
}

#[test]
fn a_scrub_of_a_shadow_made_again_meanwhile_must_begin_again() {
    let shadow = of_memory(&Memory::default(), 40);
    let mut scrub = shadow.scrub().unwrap();
    assert_eq!(scrub.slice(&mut fold(40), 1), Ok(Scrubbed::More));
    shadow.start_over().unwrap();
    shadow.apply(&steps(40)).unwrap();
    assert_eq!(scrub.slice(&mut fold(40), 1), Err(ScrubStop::Again));
}
