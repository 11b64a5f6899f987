//! What is counted and what is open is read from as many rows as there are groups and open streams,
//! however many streams there are; and it is what a fold counts, at every size of random logs.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use lian_domain::{
    clearance::Moment,
    epochs::Epoch,
    ledger::sums::{Counters, Group, Groups},
    rows::{Found, RowFault, Rows, Table, memory::MemoryRows},
    rules::Rules,
};

use super::*;

impl Town {
    /// Something that may be refused, or turned away.
    fn may(&mut self, kind: &str, stream: &str, data: &str, by: &[Signer]) {
        let payload = self.event(kind, stream, json(data), by);
        let mut attempt = self.desk.judge(&payload, self.now_ms, true, None).unwrap();
        if attempt.outcome.is_ok() {
            attempt.batch_last = true;
            self.desk.commit();
        }
        self.log.push(attempt);
    }

    /// A bag with advice and an outcome, a hold, an exception, a report or a case, as dice fall.
    fn happens(&mut self) {
        self.now_ms += 3_600_000;
        let hawb = format!("H{}", self.below(9));
        let stream = format!("cargo/{MAWB}/{hawb}");
        let today = self.today();
        if self.version(&stream) == 0 {
            let (model, flagged) = (self.pick(&["m1", "m2"]), self.below(2) == 0);
            let counted = 2 + self.below(3);
            self.bag(&hawb, counted, &[("cargo_ai", model, flagged)]);
            return;
        }
        match self.below(13) {
            0..2 => {
                let (model, flagged) = (self.pick(&["m1", "m2"]), self.below(2) == 0);
                let source = self.pick(&["cargo_ai", "expert"]);
                let data = format!(
                    r#"{{"factors":[],"flagged":{flagged},"model":"{model}","score":1,"source":"{source}"}}"#
                );
                self.may("cargo.advised", &stream, &data, &[SCREENING]);
            }
            2 => self.may("cargo.exception_opened", &stream, EXCEPTION, &[WAREHOUSE]),
            3 => {
                let data = r#"{"exception":1,"officer":"officer:7f3k","outcome":"corrected"}"#;
                self.may("cargo.exception_resolved", &stream, data, &[OFFICER]);
            }
            4 => {
                let data = r#"{"basis":"order","from":"hand","officer":"officer:7f3k","pieces":1,"review_by":"2027-03-09"}"#;
                self.may("cargo.held", &stream, data, &[OFFICER]);
            }
            5..7 => {
                let data =
                    format!(r#"{{"hold":{},"officer":"officer:7f3k","reason":"x"}}"#, 1 + self.below(3));
                self.may("cargo.lifted", &stream, &data, &[OFFICER]);
            }
            7 => {
                let data = format!(r#"{{"pieces":{},"reason":"again"}}"#, 2 + self.below(3));
                self.may("cargo.recounted", &stream, &data, &[WAREHOUSE]);
            }
            8 => {
                let finding = self.pick(&["ok", "mismatch"]);
                let data = format!(
                    r#"{{"broker_present":true,"destructive":false,"finding":"{finding}","officer":"officer:7f3k"}}"#
                );
                self.may("cargo.inspected", &stream, &data, &[OFFICER]);
            }
            9 => {
                let (line, back) = (self.pick(&["L1", "L2"]), 50_000 * self.below(3));
                self.now_ms -= back * 1_000;
                let at = self.moment();
                self.now_ms += back * 1_000;
                let data = format!(r#"{{"at":"{at}","line":"{line}"}}"#);
                self.may("cargo.presented", &stream, &data, &[WAREHOUSE]);
            }
            _ => {
                let no = format!("TP115-01{:02}", self.below(9));
                let case = format!("case/{no}");
                match self.version(&case) {
                    0 => self.case(&no, &today.to_string()),
                    1 => {
                        let on = format!(r#"{{"on":"{today}"}}"#);
                        self.may("case.investigation_started", &case, &on, &[OFFICER]);
                    }
                    _ => self.may("case.closed", &case, r#"{"reason":"minor"}"#, &[OFFICER, SUPERVISOR]),
                }
            }
        }
    }
}

/// Rows that count how often they are read, and how many they give.
#[derive(Debug)]
struct Counting(Arc<MemoryRows>, AtomicU64);

impl Counting {
    fn count(&self, rows: usize) {
        self.1.fetch_add(1 + rows as u64, Ordering::Relaxed);
    }
}

impl Rows for Counting {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, RowFault> {
        self.count(1);
        self.0.get(table, key)
    }

    fn at_or_below(&self, table: Table, prefix: &[u8], key: &[u8]) -> Result<Option<Found>, RowFault> {
        self.count(1);
        self.0.at_or_below(table, prefix, key)
    }

    fn range(&self, table: Table, prefix: &[u8], from: &[u8], most: usize) -> Result<Vec<Found>, RowFault> {
        let found = self.0.range(table, prefix, from, most)?;
        self.count(found.len());
        Ok(found)
    }
}

/// Rows read for the hit rate, the statistics, the exceptions and the clocks, as of the end.
fn cost(log: &[Attempt]) -> [u64; 4] {
    let (_, over) = reads(log);
    let (entries, size) = (Entries::of(log), over.desk.ledger.size());
    let rows = Arc::new(Counting(over.rows.clone(), AtomicU64::new(0)));
    let past = PastReads::new(rows.clone(), entries.clone(), &leaf_hash(&entries.get(0).leaf)).unwrap();
    let at = past.at(size).unwrap();
    let read = |view: &dyn Fn() -> bool| {
        let before = rows.1.load(Ordering::Relaxed);
        assert!(view(), "complete");
        rows.1.load(Ordering::Relaxed) - before
    };
    [
        read(&|| cargo::hit_rate(&at).unwrap().complete),
        read(&|| ethics::statistics(&at).unwrap().complete),
        read(&|| board::exceptions(&at, &BoardQuery::default()).unwrap().complete),
        read(&|| cases::clocks(&at, day("2027-01-01")).unwrap().complete),
    ]
}

#[test]
fn the_rows_read_for_what_is_counted_or_open_do_not_grow_with_the_streams_that_are_neither() {
    let mut town = Town::lived(21);
    let registered = |town: &mut Town, no: u64| {
        let data = format!(
            r#"{{"basis":"none","by":"officer:7f3k","circumstances":{{"sealed":"{0}"}},"head":false,"interested":true,"on":"{1}","source":{{"sealed":"{0}"}},"type":"gift","unit":"office:CA"}}"#,
            "01".repeat(32),
            town.today()
        );
        town.tells("ethics.reported", &format!("ethics/115-00{no:04}"), &data, &[OFFICER]);
    };
    registered(&mut town, 1);
    let few = cost(&town.log);
    for at in 0..60_usize {
        let hawb = format!("{}{}", ["J", "K", "L", "M", "N", "P"][at / 10], at % 10);
        town.bag(&hawb, 3, &[("cargo_ai", "m1", at % 3 == 0)]);
        registered(&mut town, 100 + at as u64);
    }
    let view = cargo::hit_rate(&town.desk.ledger).unwrap();
    assert_eq!(view.rows[&("cargo_ai".to_owned(), "m1".to_owned())].advised, 63);

    assert_eq!(cost(&town.log), few);
}

/// A ledger of which nobody may look at more than so many streams of a family, one by one.
struct Short<'s>(&'s dyn Streams, usize);

impl Streams for Short<'_> {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn recorded_at(&self) -> u64 {
        self.0.recorded_at()
    }

    fn rules(&self) -> Arc<Rules> {
        self.0.rules()
    }

    fn stream(&self, name: &str) -> Result<Option<Stream>, PastFault> {
        self.0.stream(name)
    }

    fn range(&self, _: &str, _: Option<&str>, _: usize) -> Result<Vec<Stream>, PastFault> {
        Ok(Vec::new())
    }

    fn epoch(&self, number: u64) -> Result<Option<Epoch>, PastFault> {
        self.0.epoch(number)
    }

    fn sums(&self, groups: Groups) -> Result<Vec<(Group, Counters)>, PastFault> {
        self.0.sums(groups)
    }

    fn open(&self, family: &str, take: &mut dyn FnMut(&Stream)) -> Result<(), PastFault> {
        self.0.open(family, take)
    }

    fn laid(&self, until: Option<Moment>, take: &mut dyn FnMut(&Stream) -> bool) -> Result<(), PastFault> {
        self.0.laid(until, take)
    }

    fn each(&self, prefix: &str, most: usize, take: &mut dyn FnMut(&Stream)) -> Result<bool, PastFault> {
        self.0.each(prefix, most.min(self.1), take)
    }
}

#[test]
fn a_ledger_with_more_streams_than_may_be_looked_at_is_still_counted_whole() {
    let town = Town::lived(22);
    let (ledger, today) = (&town.desk.ledger, day("2027-01-01"));
    let short = Short(ledger, 0);

    assert_eq!(cargo::hit_rate(&short).unwrap(), cargo::hit_rate(ledger).unwrap());
    assert_eq!(ethics::statistics(&short).unwrap(), ethics::statistics(ledger).unwrap());
    assert_eq!(cases::clocks(&short, today).unwrap(), cases::clocks(ledger, today).unwrap());
    let all = BoardQuery::default();
    assert_eq!(board::exceptions(&short, &all).unwrap(), board::exceptions(ledger, &all).unwrap());
    assert_eq!(board::clearance(&short, &all).unwrap(), board::clearance(ledger, &all).unwrap());
    let (cut, whole) = (
        cargo::conservation(&short, &mawb()).unwrap().unwrap(),
        cargo::conservation(ledger, &mawb()).unwrap().unwrap(),
    );
    assert_eq!((cut.bags.len(), cut.complete, whole.bags.len()), (0, false, 3));
    let counts = |sums: &lian_domain::clearance::Conservation| (sums.bills, sums.manifest, sums.on_hand);
    assert_eq!(counts(&cut.sums), counts(&whole.sums));
    assert_eq!(counts(&whole.sums), (3, 9, 6));
}

#[test]
fn what_is_counted_and_open_at_any_size_of_a_random_log_is_what_a_fold_counts() {
    let (mut opened, mut closed, mut laid) = (0, 0, 0);
    for seed in crate::seeds() {
        let mut town = Town::lived(100 + seed);
        (0..160).for_each(|_| town.happens());
        let log = town.log;
        let (past, over) = reads(&log);
        let rows = over.tables();
        opened += rows[0].iter().filter(|(key, _)| key.first() == Some(&b'o')).count();
        laid += rows[1].iter().filter(|(key, _)| key.first() == Some(&b'p')).count();
        closed += rows[1].iter().filter(|(key, _)| key.starts_with(b"cc")).count();

        let mut fold = Desk::new(Ledger::new());
        for (at, attempt) in log.iter().enumerate() {
            fold.again(attempt).unwrap();
            let size = fold.ledger.size();
            if log.get(at + 1).is_some_and(|next| next.outcome.is_err()) || !size.is_multiple_of(7) {
                continue;
            }
            let (today, now) = (day_of(&fold.ledger), past.at(size).unwrap());
            let all = BoardQuery::default();
            let yesterday = Some(Day::from_number(today.number() - 1));
            let yesterday = BoardQuery { day: yesterday, ..all };
            let told = |streams: &dyn Streams| {
                [
                    text(&cargo::hit_rate(streams).unwrap().to_value()),
                    text(&ethics::statistics(streams).unwrap().to_value()),
                    text(&board::exceptions(streams, &all).unwrap().to_value()),
                    text(&board::clearance(streams, &all).unwrap().to_value()),
                    text(&board::clearance(streams, &yesterday).unwrap().to_value()),
                    text(&cases::clocks(streams, today).unwrap().to_value()),
                    text(&calendar::obligations(streams, today).unwrap().to_value()),
                    cargo::conservation(streams, &mawb())
                        .unwrap()
                        .map(|view| text(&view.to_value()))
                        .unwrap_or_default(),
                ]
            };
            assert_eq!(told(&now), told(&fold.ledger), "at {size}");
            if let Some(view) = cargo::conservation(&now, &mawb()).unwrap() {
                let bags = view.bags.iter().map(|bag| (bag.hawb, bag.cargo()));
                let sums = lian_domain::clearance::conservation(None, bags);
                let kept =
                    lian_domain::clearance::Conservation { findings: sums.findings.clone(), ..view.sums };
                assert_eq!(kept, sums, "at {size}");
            }
        }
    }
    assert!(opened > 20 && closed > 40 && laid > 20, "{opened} {closed} {laid}");
}
