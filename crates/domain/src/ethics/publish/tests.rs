//! What is not told stays unknown, to whoever adds, subtracts and knows the rules: every table of a
//! small world is published, and those that are published alike are held against each other.

use std::collections::BTreeMap;

use super::*;
use crate::dates::Day;

const QUARTERS: [&str; 4] = ["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"];

fn table(cells: &[(usize, Type)], counts: &[Count]) -> Counts {
    let mut table = Counts::default();
    for ((quarter, kind), count) in cells.iter().zip(counts) {
        if count.registered > 0 {
            table.add(Day::parse(QUARTERS[*quarter]).unwrap(), *kind, count);
        }
    }
    table
}

fn registered(number: u64) -> Count {
    Count { registered: number, ..Count::default() }
}

/// Of all tables that are published alike, which numbers each cell that is not told may have.
fn possible(cells: &[(usize, Type)], world: &[Vec<Count>]) -> Vec<BTreeMap<(usize, usize), BTreeSet<u64>>> {
    let mut alike: BTreeMap<String, BTreeMap<(usize, usize), BTreeSet<u64>>> = BTreeMap::new();
    for counts in world {
        let public = table(cells, counts).public();
        let seen = alike.entry(format!("{public:?}")).or_default();
        for (cell, count) in counts.iter().enumerate().filter(|(_, count)| count.registered > 0) {
            let (whole, told) = (Told::whole(count).numbers(), Told::of(count).numbers());
            for number in (0..Count::COUNTERS).filter(|number| told[*number].is_none()) {
                seen.entry((cell, number)).or_default().extend(whole[number]);
            }
        }
    }
    alike.into_values().collect()
}

/// Every list of so many items out of these.
fn every<T: Clone>(items: &[T], length: usize) -> Vec<Vec<T>> {
    let mut lists = vec![Vec::new()];
    for _ in 0..length {
        let more = |list: &Vec<T>, item: &T| list.iter().cloned().chain([item.clone()]).collect();
        lists = lists.iter().flat_map(|list| items.iter().map(move |item| more(list, item))).collect();
    }
    lists
}

#[test]
fn a_number_that_is_not_told_cannot_be_computed_back_from_row_and_column_totals() {
    use Type::{Gift, Lobbying, Other};
    let numbers: Vec<Count> = (0..=6).map(registered).collect();
    let world = every(&numbers, 5);
    for cells in [
        [(0, Gift), (1, Gift), (2, Gift), (3, Gift), (0, Lobbying)],
        [(0, Gift), (1, Gift), (2, Gift), (0, Lobbying), (1, Lobbying)],
        [(0, Gift), (1, Gift), (0, Lobbying), (1, Lobbying), (2, Other)],
    ] {
        let alike = possible(&cells, &world);
        assert!(alike.len() > 100, "most tables are told apart: {}", alike.len());
        for (cell, values) in alike.iter().flatten().filter(|((_, number), _)| *number == 0) {
            assert_eq!(values, &BTreeSet::from([1, 2, 3, 4]), "cell {cell:?} of {cells:?}");
        }
    }
}

/// Every count of up to so many registrations.
fn every_count(most: u64) -> Vec<Count> {
    let mut counts = Vec::new();
    for registered in 0..=most {
        for breaches in 0..=registered {
            for late in 0..=breaches {
                for sampled in 0..=registered {
                    for correct in 0..=sampled {
                        counts.extend((0..=sampled - correct).map(|anomalies| Count {
                            registered,
                            late,
                            breaches,
                            sampled,
                            correct,
                            anomalies,
                        }));
                    }
                }
            }
        }
    }
    counts
}

#[test]
fn a_number_that_is_not_told_cannot_be_computed_back_from_the_other_numbers_of_its_row() {
    let one: Vec<Vec<Count>> = every_count(8).into_iter().map(|count| vec![count]).collect();
    for (cell, values) in possible(&[(0, Type::Gift)], &one).iter().flatten() {
        assert!(values.len() > 1, "{cell:?} can only be {values:?}");
    }
    // Two quarters under one total, all registrations of which were sampled.
    let reviewed = every_count(7).into_iter().filter(|count| {
        count.registered >= 5 && count.sampled == count.registered && count.breaches + count.late == 0
    });
    let reviewed: Vec<Count> = reviewed.collect();
    for (cell, values) in possible(&[(0, Type::Gift), (1, Type::Gift)], &every(&reviewed, 2)).iter().flatten()
    {
        assert!(values.len() > 1, "{cell:?} can only be {values:?}");
    }
}

#[test]
fn small_numbers_and_the_totals_that_give_them_away_are_left_out_and_all_else_is_told() {
    let cells = [(0, Type::Gift), (1, Type::Gift), (0, Type::Lobbying), (1, Type::Lobbying), (2, Type::Gift)];
    let numbers = [21, 12, 2, 3, 8].map(registered);
    let public = table(&cells, &numbers).public();

    let told: Vec<Option<u64>> = public.quarters.iter().map(|(_, _, told)| told.registered).collect();
    assert_eq!(told, [Some(21), None, Some(12), None, Some(8)]);
    let year = |kind| public.years[&(2026, kind)].registered;
    assert_eq!(
        (year(Some(Type::Gift)), year(Some(Type::Lobbying)), year(None)),
        (Some(41), Some(5), Some(46))
    );

    // With one small number less, the total would be that number.
    let fewer = table(&cells, &[21, 12, 2, 0, 8].map(registered)).public();
    let year = |kind| fewer.years[&(2026, kind)].registered;
    assert_eq!((year(Some(Type::Gift)), year(Some(Type::Lobbying)), year(None)), (Some(41), None, None));
    assert_eq!(fewer.years[&(2026, None)].late, None, "under a small number nothing is told");
}

#[test]
fn an_outcome_that_is_told_leaves_room_for_the_one_that_is_not() {
    let count = |sampled, correct, anomalies| {
        Told::of(&Count { registered: 30, late: 0, breaches: 6, sampled, correct, anomalies })
    };
    // Of 12 sampled, 10 were correct: at most 2 anomalies, were the 10 told.
    assert_eq!((count(12, 10, 2).correct, count(12, 10, 2).anomalies), (None, None));
    assert_eq!((count(15, 10, 2).correct, count(15, 10, 2).anomalies), (Some(10), None));
    assert_eq!((count(3, 3, 0).sampled, count(3, 3, 0).anomalies), (None, None));
    assert!(count(12, 12, 0).is_whole());
}

#[test]
fn those_who_may_see_the_register_are_told_every_number() {
    let cells = [(0, Type::Gift), (1, Type::Lobbying)];
    let counts = [3, 1].map(registered);
    let whole = table(&cells, &counts).whole();
    assert!(whole.quarters.iter().all(|(_, _, told)| told.is_whole()));
    assert_eq!(whole.years[&(2026, None)], Told::whole(&registered(4)));
}
