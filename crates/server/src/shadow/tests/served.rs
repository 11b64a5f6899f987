//! Which rows are served, and how they are written.

use std::{path::Path, sync::Arc};

use lian_domain::rows::{Row, Rows, Step, Table};
use lian_store::disk::Rng;

use super::{
    super::{BATCH_ROWS_MAX, Discard, Fault, Opening, Projector, Shadow, rebuild},
    LEDGER, Model, STEP_ENTRIES, get, history, link_of, log_of,
    memory::Memory,
    model, served, since, state, step, steps, to_go_on,
};

fn in_memory(memory: &Memory, size: u64) -> Opening {
    let folder = tempfile::tempdir().unwrap();
    Shadow::open_with(&folder.path().join("rows"), memory.open_keep(), &log_of(size)).unwrap()
}

/// Few and short, so that they meet; in History with an entry at the end.
fn random_key(rng: &mut Rng, table: Table, entry: u64) -> Vec<u8> {
    let length = 1 + rng.below(3);
    let byte = |_| [0, 1, 97, 254, 255][usize::try_from(rng.below(5)).unwrap()];
    let mut key: Vec<u8> = (0..length).map(byte).collect();
    if table == Table::History {
        key.extend(entry.to_be_bytes());
    }
    key
}

#[test]
fn a_row_is_served_only_as_it_was_written() {
    let mut rng = Rng::new(20_261_123);
    let folder = tempfile::tempdir().unwrap();
    let sled = to_go_on(super::open(folder.path(), 600)).0;
    let memory = to_go_on(in_memory(&Memory::default(), 600)).0;
    let mut model = Model::new();
    for number in 1..=200 {
        let table = if rng.chance(1, 2) { Table::State } else { Table::History };
        let key = random_key(&mut rng, table, number - 1);
        let value = rng.chance(3, 4).then(|| number.to_string().into_bytes());
        match &value {
            Some(value) => model.insert((table, key.clone()), value.clone()),
            None => model.remove(&(table, key.clone())),
        };
        let step = Step { reached: number, link: link_of(number - 1), rows: vec![Row { table, key, value }] };
        for shadow in [&sled, &memory] {
            shadow.apply(std::slice::from_ref(&step)).unwrap();
            same_answers(shadow, &model, &mut rng);
        }
    }
    assert_eq!(served(&sled).unwrap(), model);
}

/// Asks for a row, a seek and a range, each also computed from the model.
fn same_answers(shadow: &Shadow, model: &Model, rng: &mut Rng) {
    for table in [Table::State, Table::History] {
        let entry = rng.below(200);
        let (mut prefix, key) = (random_key(rng, Table::State, 0), random_key(rng, table, entry));
        prefix.truncate(usize::try_from(rng.below(3)).unwrap());
        let most = usize::try_from(rng.below(5)).unwrap();
        let rows = model.iter().filter(|((of, _), _)| *of == table).map(|((_, key), value)| (key, value));
        let inside: Vec<_> = rows.clone().filter(|(key, _)| key.starts_with(&prefix)).collect();
        let own = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        let wanted = inside.iter().copied().filter(|(at, _)| **at >= key).take(most).map(own);
        assert_eq!(shadow.range(table, &prefix, &key, most).unwrap(), wanted.collect::<Vec<_>>());
        let wanted = inside.iter().copied().rfind(|(at, _)| **at <= key).map(own);
        assert_eq!(shadow.at_or_below(table, &prefix, &key).unwrap(), wanted);
        assert_eq!(shadow.get(table, &key).unwrap().as_ref(), model.get(&(table, key)));
    }
}

#[test]
fn killed_between_history_and_state_no_row_of_the_future_is_served() {
    let memory = Memory::default();
    let shadow = to_go_on(in_memory(&memory, 30)).0;
    shadow.apply(&steps(9)).unwrap();
    let state = memory.0.lock().unwrap().tables.get(&Table::State).cloned().unwrap();
    shadow.apply(&[step(10)]).unwrap();
    drop(shadow);
    memory.0.lock().unwrap().tables.insert(Table::State, state);

    let (shadow, reached) = to_go_on(in_memory(&memory, 30));
    assert_eq!(reached, 27);
    assert_eq!(get(&shadow, Table::History, since("sum/", 29)), None);
    let newest = shadow.at_or_below(Table::History, b"sum/", &since("sum/", u64::MAX)).unwrap().unwrap();
    assert_eq!(newest, (since("sum/", 26), b"9000".to_vec()));
    assert_eq!(shadow.range(Table::History, b"sum/", &since("sum/", 24), 9).unwrap(), [newest]);
    assert_eq!(served(&shadow).unwrap(), model(&steps(9)));

    shadow.apply(&[step(10)]).unwrap();
    assert_eq!(get(&shadow, Table::History, since("sum/", 29)).as_deref(), Some("10000"));
    assert_eq!(served(&shadow).unwrap(), model(&steps(10)));
}

#[test]
fn a_row_of_history_that_a_later_step_extended_never_vanishes() {
    let memory = Memory::default();
    let shadow = to_go_on(in_memory(&memory, 30)).0;
    shadow.apply(&steps(9)).unwrap();
    let state = memory.0.lock().unwrap().tables.get(&Table::State).cloned().unwrap();
    let mut extending = step(10);
    extending.rows.push(history("sum/", 26, "9000, 10000"));
    shadow.apply(&[extending]).unwrap();
    drop(shadow);
    memory.0.lock().unwrap().tables.insert(Table::State, state);

    let shadow = to_go_on(in_memory(&memory, 30)).0;
    let found = shadow.at_or_below(Table::History, b"sum/", &since("sum/", 26)).unwrap();
    assert_eq!(found, Some((since("sum/", 26), b"9000, 10000".to_vec())), "it began before entry 27");
}

#[test]
fn a_shadow_that_is_built_has_the_same_rows_and_is_worth_nothing_until_it_is_bound() {
    let memory = Memory::default();
    let shadow = Arc::new(to_go_on(in_memory(&memory, 9_000)).0);
    let projector = Projector::building(Arc::clone(&shadow));
    for step in steps(3_000) {
        projector.hand(step).unwrap();
    }
    projector.close().unwrap();
    assert_eq!(served(&shadow).unwrap(), model(&steps(3_000)));
    let writes = memory.0.lock().unwrap().writes.clone();
    assert!(writes.iter().all(|(_, rows)| *rows <= BATCH_ROWS_MAX), "{writes:?}");
    assert!(writes.len() < 100, "6,000 rows of History in full writes: {}", writes.len());
    assert!(matches!(in_memory(&memory, 9_000), Opening::Sound(..)));

    let memory = Memory::default();
    let shadow = to_go_on(in_memory(&memory, 9_000)).0;
    assert!(shadow.begin_building().unwrap());
    shadow.apply(&steps(3)).unwrap();
    assert_eq!(get(&shadow, Table::State, "sum").as_deref(), Some("3000"), "its maker may read it");
    drop(shadow);
    assert!(matches!(in_memory(&memory, 9_000), Opening::Discarded(_, Discard::Unbound(_))));

    let shadow = to_go_on(in_memory(&Memory::default(), 9_000)).0;
    shadow.apply(&steps(3)).unwrap();
    assert!(!shadow.begin_building().unwrap(), "only from nothing");
}

#[test]
fn no_write_holds_more_than_a_hundred_rows_of_a_table_and_no_step_is_cut() {
    let memory = Memory::default();
    let shadow = to_go_on(in_memory(&memory, 10_000)).0;
    let wide = |number: u64, rows: u64| {
        let row = |i| state(&format!("{number:04}/{i:04}"), "x".to_owned());
        Step { reached: number, link: link_of(number - 1), rows: (0..rows).map(row).collect() }
    };
    let many: Vec<Step> = (1..=50).map(|number| wide(number, 1 + number % 40)).collect();
    shadow.apply(&many).unwrap();
    let writes = memory.0.lock().unwrap().writes.clone();
    assert!(writes.iter().all(|(_, rows)| *rows <= BATCH_ROWS_MAX + 1), "and the binding: {writes:?}");
    assert!(writes.len() < many.len(), "steps are written together: {writes:?}");

    // The one exception: State of one step is one write, however many rows it has.
    shadow.apply(&[wide(51, 250)]).unwrap();
    assert_eq!(memory.0.lock().unwrap().writes.last(), Some(&(Table::State, 251)));
    let mut long = wide(52, 250);
    long.rows.iter_mut().for_each(|row| row.table = Table::History);
    shadow.apply(&[long]).unwrap();
    let writes = memory.0.lock().unwrap().writes.clone();
    let parts = [(Table::History, 101), (Table::History, 101), (Table::History, 51), (Table::State, 1)];
    assert_eq!(writes[writes.len() - 4..], parts);
}

#[test]
fn of_rows_under_one_key_the_last_is_written_and_steps_covered_already_are_passed_over() {
    let memory = Memory::default();
    let shadow = to_go_on(in_memory(&memory, 90)).0;
    shadow.apply(&steps(20)).unwrap();
    assert_eq!(memory.0.lock().unwrap().writes.len(), 2, "20 steps have 6 keys of State");
    shadow.apply(&steps(10)).unwrap();
    assert_eq!(shadow.reached(), 60, "never back");
    assert_eq!(served(&shadow).unwrap(), model(&steps(20)));
}

#[test]
fn a_row_without_key_with_too_long_a_key_or_of_history_without_entry_is_written_by_nobody() {
    let short_history = Row { table: Table::History, key: vec![0; 7], value: None };
    for row in [state("", None), state(&"k".repeat(256), "x".to_owned()), short_history] {
        let shadow = to_go_on(in_memory(&Memory::default(), 90)).0;
        let rows = vec![row];
        assert!(shadow.apply(&[Step { reached: 1, link: link_of(0), rows }]).is_err());
        assert!(matches!(shadow.fault(), Some(Fault::Limits { .. })));
    }
}

#[test]
fn a_changed_row_is_found_on_reading_and_ends_the_use_of_the_shadow() {
    let memory = Memory::default();
    let shadow = to_go_on(in_memory(&memory, 90)).0;
    shadow.apply(&steps(9)).unwrap();
    let of_other_key = memory.0.lock().unwrap().tables[&Table::State][b"o/1".as_slice()].clone();
    memory.0.lock().unwrap().tables.get_mut(&Table::State).unwrap().insert(b"o/2".to_vec(), of_other_key);
    assert_eq!(get(&shadow, Table::State, "o/1").as_deref(), Some("object as of 6"));
    assert!(shadow.get(Table::State, b"o/2").is_err(), "the value of another key");
    assert!(shadow.get(Table::State, b"o/1").is_err(), "nothing is believed any more");
    assert!(shadow.apply(&[step(10)]).is_err());
}

#[test]
fn a_shadow_made_again_serves_nothing_until_it_is_as_far_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let shadow = Arc::new(to_go_on(super::open(folder.path(), 90)).0);
    shadow.apply(&steps(20)).unwrap();
    shadow.start_over().unwrap();
    assert_eq!(shadow.reached(), 0);
    shadow.apply(&steps(19)).unwrap();
    assert!(shadow.get(Table::State, b"sum").is_err(), "57 of 60 entries");
    assert!(shadow.fault().is_none(), "it is on its way, not broken");
    let mut heard = Vec::new();
    let told = steps(30).into_iter().map(Ok::<_, String>);
    let binding = rebuild(&shadow, told, &mut |reached| heard.push(reached)).unwrap();
    assert_eq!((binding.reached, heard.last()), (90, Some(&90)));
    assert_eq!(served(&shadow).unwrap(), model(&steps(30)));
    assert_eq!(binding.ledger, LEDGER);
}

#[test]
fn whoever_remembers_rows_from_before_a_new_start_gets_a_fault_and_never_an_absent_row() {
    let folder = tempfile::tempdir().unwrap();
    let shadow = Arc::new(to_go_on(super::open(folder.path(), 90)).0);
    shadow.apply(&steps(20)).unwrap();
    let life = shadow.life();
    assert!(life.get(Table::State, b"sum").unwrap().is_some());
    shadow.start_over().unwrap();
    let next = shadow.life();
    assert_eq!(next.get(Table::State, b"sum"), Ok(None), "a new fold begins with nothing");
    shadow.apply(&steps(30)).unwrap();
    assert!(life.get(Table::State, b"sum").is_err());
    assert!(life.range(Table::State, b"", b"", 9).is_err());
    assert!(life.at_or_below(Table::State, b"", b"sum").is_err());
    assert!(next.get(Table::State, b"sum").unwrap().is_some());
}

#[test]
fn the_projector_writes_all_that_it_was_handed_and_flushes_when_it_is_closed() {
    let memory = Memory::default();
    let shadow = Arc::new(to_go_on(in_memory(&memory, 9_000)).0);
    let projector = Projector::start(shadow.clone());
    assert_eq!(projector.lag(9_000), 9_000);
    for step in steps(3_000) {
        projector.hand(step).unwrap();
    }
    projector.close().unwrap();
    assert_eq!(shadow.reached(), 3_000 * STEP_ENTRIES);
    assert_eq!(served(&shadow).unwrap(), model(&steps(3_000)));
    assert!(memory.0.lock().unwrap().flushes > 0);
}

#[test]
fn rows_are_the_same_whatever_steps_were_written_together() {
    let kept = |together: usize| {
        let memory = Memory::default();
        let shadow = to_go_on(in_memory(&memory, 300)).0;
        for steps in steps(100).chunks(together) {
            shadow.apply(steps).unwrap();
        }
        served(&shadow).unwrap()
    };
    assert!([2, 7, 100].into_iter().all(|together| kept(together) == kept(1)));
}

#[test]
fn the_folder_is_named_where_it_was_opened() {
    let shadow = to_go_on(in_memory(&Memory::default(), 0)).0;
    assert!(shadow.folder().ends_with(Path::new("rows")));
}
