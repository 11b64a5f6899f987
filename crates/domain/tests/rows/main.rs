//! The ledger over rows is the ledger in memory: whatever is forgotten, read again, interrupted or
//! asked of the past. `SEEDS` (default 3) says how many random logs are tried.

mod desk;
mod integrity;
mod seen;
mod together;
mod town;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use lian_core::{frame::NO_PREVIOUS, hash::leaf_hash, map::stream_key, statement::statement_digest};
use lian_domain::{
    dates::Day,
    ethics, families,
    filing::Filing,
    guarantee::Standing,
    ids::{BankCode, GuaranteeNo, Ubn},
    ledger::{Ledger, Stream, Unlogged, stored::ROWS_VERSION},
    rows::{Binding, Found, Row, RowFault, Rows, Step, Table, memory::MemoryRows},
    views::{
        guarantees::{bank_exposure, company_quota, rows as guarantee_rows},
        keys::keys,
        past::{Filter, PastFault, PastReads},
    },
};

use desk::{Attempt, Desk, Entries, golden};
use town::{DEBTORS, GUARANTEES, random_log};

const STATEMENTS: usize = 1_200;

fn seeds() -> std::ops::Range<u64> {
    0..std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(3)
}

/// Logs to try: the golden one, then random ones.
fn logs() -> Vec<Vec<Attempt>> {
    let mut logs = vec![golden().1];
    logs.extend(seeds().map(|seed| random_log(seed, STATEMENTS)));
    logs
}

/// A ledger over rows that lag behind by some steps.
struct Over {
    desk: Desk,
    rows: Arc<MemoryRows>,
    waiting: VecDeque<Step>,
    lag: usize,
}

impl Over {
    fn new(lag: usize) -> Self {
        let rows = Arc::new(MemoryRows::new());
        Self { desk: Desk::new(Ledger::over(rows.clone())), rows, waiting: VecDeque::new(), lag }
    }

    fn play(&mut self, attempt: &Attempt) {
        let again = self.desk.again(attempt).unwrap();
        assert_eq!(again.outcome, attempt.outcome, "at {}", self.desk.ledger.size());
        assert_eq!(again.previous, attempt.previous);
        self.step();
    }

    fn step(&mut self) {
        if let Some(step) = self.desk.ledger.take_step(self.desk.link) {
            let step = step.encode();
            let keys: BTreeSet<_> = step.rows.iter().map(|row| (row.table, &row.key)).collect();
            assert_eq!(keys.len(), step.rows.len(), "each key once");
            self.waiting.push_back(step);
        }
        while self.waiting.len() > self.lag {
            let step = self.waiting.pop_front().unwrap();
            self.rows.write(&step);
            self.desk.ledger.rows_reached(step.reached);
        }
    }

    /// Writes all that waits, pages too.
    fn settle(&mut self) {
        self.lag = 0;
        self.step();
        while let Some(step) = self.desk.ledger.take_step(self.desk.link) {
            self.waiting.push_back(step.encode());
            self.step();
        }
    }

    fn tables(&self) -> [Vec<Found>; 2] {
        [self.rows.all(Table::State), self.rows.all(Table::History)]
    }
}

/// Keys of the rows that are not the same.
fn difference(one: &Over, other: &Over) -> Vec<String> {
    let rows = |over: &Over| over.tables().concat().into_iter().collect::<BTreeSet<Found>>();
    rows(one).symmetric_difference(&rows(other)).map(|(key, _)| key.escape_ascii().to_string()).collect()
}

fn binding(entries: &Entries, reached: u64, link: lian_core::hash::Digest) -> Binding {
    Binding { ledger: leaf_hash(&entries.get(0).leaf), version: ROWS_VERSION, reached, link }
}

/// What a server does at its start.
fn restore(
    entries: &Entries,
    rows: &Arc<dyn Rows>,
    over: &Desk,
    batch_ends: bool,
) -> Result<Ledger, RowFault> {
    let first = entries.get(0);
    let binding = binding(entries, over.tree.size(), over.link);
    let mut ledger = Ledger::restore(rows, &binding, &first.leaf, &first.payload)
        .map_err(|fault| RowFault(fault.to_string()))?;
    for index in ledger.changed_since()..binding.reached {
        let payload = &entries.get(index).payload;
        ledger.note_changed(&Filing::read(payload, statement_digest(payload)).unwrap())?;
    }
    if batch_ends {
        ledger.committed(over.tree.size(), over.tree.root());
    }
    Ok(ledger)
}

fn names(log: &[Attempt]) -> BTreeSet<String> {
    let logged = log.iter().filter(|attempt| attempt.outcome.is_ok());
    let filings = logged.map(|attempt| Filing::read(&attempt.payload, statement_digest(&attempt.payload)));
    filings
        .flat_map(|filing| filing.unwrap().streams.iter().map(ToString::to_string).collect::<Vec<_>>())
        .collect()
}

/// All that a stream says, to be compared.
fn portrait(stream: Option<&Stream>) -> Option<([u64; 3], String, Option<Vec<u8>>)> {
    stream.filter(|stream| stream.logged > 0).map(|stream| {
        let state = stream.state_value().map(|value| value.write());
        ([stream.version, stream.logged, stream.last], stream.acc.to_hex(), state)
    })
}

/// Draws and registrations that were closed.
fn integrity(ledger: &Ledger) -> (usize, usize) {
    let states = || ledger.streams().iter().filter_map(Stream::family);
    let drawn = |state: &&families::State| state.draw().is_some_and(|draw| draw.outcome.is_some());
    let closed = |state: &&families::State| match state.ethics() {
        Some(ethics::State::Registration(found)) => found.closed_on.is_some(),
        _ => false,
    };
    (states().filter(drawn).count(), states().filter(closed).count())
}

#[test]
fn the_random_logs_hold_verdicts_rejections_epochs_rules_and_long_streams() {
    let (mut drawn, mut registered) = (0, 0);
    for log in &logs()[1..] {
        let codes: BTreeSet<u16> =
            log.iter().filter_map(|one| one.outcome.as_ref().ok()).map(|v| v.code).collect();
        let turned: BTreeSet<String> = log
            .iter()
            .filter_map(|one| one.outcome.as_ref().err())
            .map(|rejection| format!("{rejection:?}").split([' ', '(', '{']).next().unwrap().to_owned())
            .collect();
        let mut desk = Desk::new(Ledger::new());
        for attempt in log {
            desk.again(attempt).unwrap();
        }
        let longest = desk.ledger.streams().iter().map(|stream| stream.logged).max().unwrap();
        println!("{codes:?} {turned:?} {} epochs, longest {longest}", desk.ledger.epochs().len());
        assert!(codes.len() > 8 && turned.contains("RefusalQuota"), "{codes:?} {turned:?}");
        let (lots, closed) = integrity(&desk.ledger);
        (drawn, registered) = (drawn + lots, registered + closed);
        assert!(longest > 130 && desk.ledger.epochs().len() > 20 && desk.ledger.rules().version > 2);
    }
    assert!(drawn > 0 && registered > 1, "{drawn} draws and {registered} registrations were closed");
}

#[test]
fn a_ledger_restored_from_rows_goes_on_exactly_like_one_that_was_never_stopped() {
    for (log, pages) in logs().into_iter().zip([2, 3, 5].into_iter().cycle()) {
        let entries = Entries::of(&log);
        let mut whole = Over::new(0);
        whole.desk.ledger.hold_at_most(50, pages);
        let mut stops = Vec::new();
        for (at, attempt) in log.iter().enumerate() {
            whole.play(attempt);
            if whole.desk.ledger.size() > 0 && (log.len() < 100 || at % 197 == 80) {
                let copy = Arc::new(MemoryRows::clone(&whole.rows));
                let desk =
                    Desk { ledger: Ledger::new(), tree: whole.desk.tree.clone(), link: whole.desk.link };
                stops.push((at + 1, copy, desk, attempt.batch_last));
            }
        }
        // The pages of an epoch whose steps were interrupted follow with the next update.
        let map = whole.desk.ledger.map_root();
        whole.settle();
        let (map, later) = (map, whole.rows.all(Table::History));

        for (from, rows, mut desk, batch_ends) in stops {
            // History is written first: an interruption may leave more of it than of the rest.
            let row = |(key, value): &Found| Row {
                table: Table::History,
                key: key.clone(),
                value: Some(value.clone()),
            };
            let ahead = later.iter().take(if from % 2 == 0 { usize::MAX } else { 0 }).map(row).collect();
            rows.write(&Step { reached: 0, link: desk.link, rows: ahead });
            let kept: Arc<dyn Rows> = rows.clone();
            desk.ledger = restore(&entries, &kept, &desk, batch_ends).unwrap();
            desk.ledger.hold_at_most(50, pages);
            let mut stopped = Over { desk, rows, waiting: VecDeque::new(), lag: 0 };
            for attempt in &log[from..] {
                stopped.play(attempt);
            }
            assert_eq!(stopped.desk.ledger.map_root(), map, "stopped at {from}");
            stopped.settle();

            assert_eq!(difference(&stopped, &whole), Vec::<String>::new(), "stopped at {from}");
            assert_eq!(stopped.desk.ledger.epochs(), whole.desk.ledger.epochs());
        }
    }
}

#[test]
fn rows_that_were_forgotten_and_read_again_change_no_verdict_and_no_state() {
    for log in logs() {
        for (most, lag) in [(0, 0), (3, 5), (10, 70), (40, 1)] {
            let mut over = Over::new(lag);
            over.desk.ledger.hold_at_most(most, 4);
            let mut memory = Desk::new(Ledger::new());
            let mut forgotten = 0;
            for attempt in &log {
                over.play(attempt);
                memory.again(attempt).unwrap();
                for at in 0..GUARANTEES {
                    let name = format!("guarantee/T-{at}");
                    let found = over.desk.ledger.find(&name).unwrap();
                    forgotten +=
                        usize::from(lag == 0 && found.is_some() && over.desk.ledger.stream(&name).is_none());
                }
            }

            over.settle();
            for name in names(&log) {
                let found = over.desk.ledger.find(&name).unwrap();
                assert_eq!(portrait(found.as_deref()), portrait(memory.ledger.stream(&name)), "{name}");
                let proof = over.desk.ledger.prove_stream(&name);
                assert_eq!(proof, memory.ledger.prove_stream(&name), "{name}");
            }
            assert_eq!(over.desk.ledger.map_root(), memory.ledger.map_root());
            assert!(most > 0 || log.len() < 100 || forgotten > 20, "{forgotten} forgotten");
        }
    }
}

#[test]
fn rows_do_not_depend_on_where_steps_are_cut() {
    for log in logs() {
        let tables = [1, 7, 1_000].map(|every| {
            let mut over = Over::new(0);
            for (at, attempt) in log.iter().enumerate() {
                over.desk.again(attempt).unwrap();
                if at % every == 0 {
                    over.step();
                }
            }
            over.settle();
            over.tables()
        });

        assert!(tables[0] == tables[1] && tables[1] == tables[2]);
    }
}

fn day() -> Vec<Day> {
    ["2026-11-20", "2026-11-26", "2026-12-31", "2027-01-10", "2027-11-05", "2028-02-01"]
        .map(|text| Day::parse(text).unwrap())
        .to_vec()
}

fn quotas_are_the_same(past: &PastReads, fold: &Ledger, size: u64) {
    for today in day() {
        for debtor in DEBTORS.map(|debtor| Ubn::parse(debtor).unwrap()) {
            let (found, expected) =
                (past.quota_at(&debtor, size, today).unwrap(), company_quota(fold, &debtor, today));
            assert_eq!(
                (found.limit, found.outstanding, found.available, found.scheme_suspended),
                (expected.limit, expected.outstanding, expected.available, expected.scheme_suspended),
                "{debtor} at {size} on {today}"
            );
        }
    }
}

fn lists_are_the_same(past: &PastReads, fold: &Ledger, size: u64) {
    let today = Day::parse("2026-11-26").unwrap();
    assert_eq!(past.keys_at(size).unwrap(), keys(fold), "keys at {size}");
    assert_eq!(past.exposures_at(size).unwrap(), bank_exposure(fold, today), "at {size}");
    let debtor = Ubn::parse(DEBTORS[0]).unwrap();
    let filters = [
        Filter::default(),
        Filter { bank: BankCode::parse("004"), ..Filter::default() },
        Filter { debtor: Some(debtor), ..Filter::default() },
        Filter { debtor: Some(debtor), standing: Some(Standing::Active), ..Filter::default() },
    ];
    for filter in filters {
        let (mut found, mut after) = (Vec::new(), None::<GuaranteeNo>);
        loop {
            let page = past.guarantees_at(&filter, after.as_ref(), 2, size, today).unwrap();
            found.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut expected = guarantee_rows(fold, today);
        expected.retain(|row| {
            filter.bank.is_none_or(|bank| bank == row.state.bank())
                && filter.debtor.is_none_or(|debtor| debtor == row.state.terms().debtor)
                && filter.standing.is_none_or(|standing| standing == row.standing)
        });
        assert_eq!(found.len(), expected.len(), "{filter:?} at {size}");
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(
                (&*found.stream, &found.state, found.standing, found.version, found.last),
                (expected.stream, expected.state, expected.standing, expected.version, expected.last),
            );
        }
    }
}

fn history_is_the_same(past: &PastReads, entries: &Entries, name: &str, size: u64, last: u64) {
    let (mut at, mut found) = (last, Vec::new());
    while at != NO_PREVIOUS {
        found.push(at);
        let entry = entries.get(at);
        let filing = Filing::read(&entry.payload, statement_digest(&entry.payload)).unwrap();
        let stream = filing.streams.iter().position(|stream| **stream == *name).unwrap();
        at = entry.previous[filing.events.iter().position(|event| event.stream == stream).unwrap()];
    }
    let (mut paged, mut next) = (Vec::new(), Some(size));
    while let Some(below) = next {
        let page = past.history_at(name, below, 25).unwrap();
        paged.extend(page.items.iter().map(|(index, _)| *index));
        next = page.next;
    }
    assert_eq!(paged, found, "{name} below {size}");
}

#[test]
fn whatever_is_asked_of_the_past_is_what_a_fold_up_to_there_says() {
    for log in logs() {
        let entries = Entries::of(&log);
        let mut over = Over::new(0);
        for (at, attempt) in log.iter().enumerate() {
            over.desk.again(attempt).unwrap();
            if at % 13 == 0 {
                over.step();
            }
        }
        over.settle();
        let ledger = leaf_hash(&entries.get(0).leaf);
        let past = PastReads::new(over.rows.clone(), entries.clone(), &ledger).unwrap();
        let (names, every) = (names(&log), if log.len() < 100 { 1 } else { 23 });

        let mut fold = Desk::new(Ledger::new());
        for attempt in &log {
            fold.again(attempt).unwrap();
            let size = fold.ledger.size();
            if !size.is_multiple_of(every) {
                continue;
            }
            for name in &names {
                let (found, expected) = (past.stream_at(name, size).unwrap(), fold.ledger.stream(name));
                assert_eq!(portrait(found.as_ref()), portrait(expected), "{name} at {size}");
            }
            quotas_are_the_same(&past, &fold.ledger, size);
            lists_are_the_same(&past, &fold.ledger, size);
            let name = format!("guarantee/T-{}", size % GUARANTEES);
            let last = fold.ledger.stream(&name).map_or(NO_PREVIOUS, |stream| stream.last);
            history_is_the_same(&past, &entries, &name, size, last);
        }
        assert!(past.stream_at("guarantee/never", 5).unwrap().is_none());
        assert!(past.stream_at("ledger/main", 0).unwrap().is_none());
    }
}

#[test]
fn a_proof_from_rows_is_the_proof_under_the_newest_epoch() {
    for log in logs() {
        let entries = Entries::of(&log);
        let mut over = Over::new(0);
        let last =
            log.iter().rposition(|one| one.payload.windows(12).any(|part| part == b"epoch.closed")).unwrap();
        for attempt in &log[..=last] {
            over.play(attempt);
        }
        over.settle();
        let past =
            PastReads::new(over.rows.clone(), entries.clone(), &leaf_hash(&entries.get(0).leaf)).unwrap();
        let epoch = over.desk.ledger.epochs().last().unwrap().clone();
        let mut fold = Desk::new(Ledger::new());
        for attempt in &log {
            if fold.ledger.size() == epoch.size {
                break;
            }
            fold.again(attempt).unwrap();
        }

        for name in ["guarantee/never".to_owned()].into_iter().chain(names(&log)) {
            let proof = past.prove(&name, &epoch.map).unwrap().unwrap();
            assert_eq!(proof, fold.ledger.prove_stream(&name), "{name} {}", stream_key(&name));
        }
        let other = over.desk.ledger.epochs().iter().rev().nth(1).unwrap().map;
        assert_eq!(past.prove("ledger/main", &other), Ok(None), "pages of another epoch");
    }
}

/// Rows of which one read, the one counted down to, fails.
#[derive(Debug)]
struct Faulty(MemoryRows, AtomicU64);

impl Faulty {
    fn beat(&self) -> Result<(), RowFault> {
        match self.1.fetch_sub(1, Ordering::Relaxed) {
            1 => Err(RowFault("the disk is gone".to_owned())),
            _ => Ok(()),
        }
    }

    fn is_pending(&self) -> bool {
        i64::from_ne_bytes(self.1.load(Ordering::Relaxed).to_ne_bytes()) > 0
    }
}

impl Rows for Faulty {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, RowFault> {
        self.beat()?;
        self.0.get(table, key)
    }

    fn at_or_below(&self, table: Table, prefix: &[u8], key: &[u8]) -> Result<Option<Found>, RowFault> {
        self.beat()?;
        self.0.at_or_below(table, prefix, key)
    }

    fn range(&self, table: Table, prefix: &[u8], from: &[u8], most: usize) -> Result<Vec<Found>, RowFault> {
        self.beat()?;
        self.0.range(table, prefix, from, most)
    }
}

#[test]
fn a_fault_of_a_row_is_never_an_empty_stream() {
    let log = random_log(1, 250);
    let entries = Entries::of(&log);
    let mut over = Over::new(0);
    let mut faults = 0;
    for (at, attempt) in log.iter().enumerate() {
        if at > 100 && at % 4 == 0 {
            for read in 1.. {
                let faulty = Arc::new(Faulty(MemoryRows::clone(&over.rows), AtomicU64::new(0)));
                let rows: Arc<dyn Rows> = faulty.clone();
                let Ok(ledger) = restore(&entries, &rows, &over.desk, log[at - 1].batch_last) else {
                    panic!("nothing failed yet")
                };
                let mut desk = Desk { ledger, tree: over.desk.tree.clone(), link: over.desk.link };
                faulty.1.store(read, Ordering::Relaxed);
                let again = desk.again(attempt);
                if faulty.is_pending() {
                    assert_eq!(again.unwrap().outcome, attempt.outcome);
                    break;
                }
                faults += 1;
                let told = |unlogged: Result<Attempt, Unlogged>| matches!(unlogged, Err(Unlogged::Rows(_)));
                assert!(told(again) || desk.ledger.fault().is_err(), "read {read} at {at}");
                assert!(told(desk.again(attempt)), "nothing is judged after a fault");
            }
        }
        over.play(attempt);
    }
    assert!(faults > 100, "{faults}");
}

#[test]
fn past_reads_and_restarts_tell_a_fault() {
    let log = golden().1;
    let entries = Entries::of(&log);
    let mut over = Over::new(0);
    for attempt in &log {
        over.play(attempt);
    }
    over.settle();
    for read in 1.. {
        let faulty = Arc::new(Faulty(MemoryRows::clone(&over.rows), AtomicU64::new(read)));
        let rows: Arc<dyn Rows> = faulty.clone();
        let restored = restore(&entries, &rows, &over.desk, true);
        if faulty.is_pending() {
            assert!(restored.is_ok() && read > 8);
            break;
        }
        assert!(restored.is_err(), "read {read}");
    }
    let ledger = leaf_hash(&entries.get(0).leaf);
    let faulty = Arc::new(Faulty(MemoryRows::clone(&over.rows), AtomicU64::new(0)));
    let past = PastReads::new(faulty.clone(), entries.clone(), &ledger).unwrap();
    for name in names(&log) {
        for read in 1..4 {
            faulty.1.store(read, Ordering::Relaxed);
            let found = past.stream_at(&name, 60);
            assert!(faulty.is_pending() || matches!(found, Err(PastFault::Row(_))), "{name}");
        }
    }
}
