//! Closing an epoch: 65,536 changed of 1,000,000 streams. Nothing is asked; the sequencer waits for
//! as long as this takes, once an epoch.

mod support;

use lian_client::{draft::Draft, kinds::GuaranteeRequest, sample::House};
use lian_core::{
    audit::Place, hash::leaf_hash, map::EpochMap, merkle::CompactRange, statement::statement_digest,
};
use lian_domain::{dates::Day, filing::Filing, ledger::Ledger};
use support::{
    cached::spread,
    limits::note_machine,
    peak_mib,
    running::START_S,
    size_or,
    table::{Asked, Table},
    timed,
};

/// Entries, and so streams at most, of one epoch.
const CHANGED: u64 = 65_536;

fn main() {
    let mut table = Table::new("map: closing an epoch");
    note_machine(&mut table);
    let streams = size_or(1_000_000);
    let changed = CHANGED.min(streams);
    bare_map(&mut table, streams, changed);
    whole_ledger(&mut table, streams, changed);
    table.print();
}

fn bare_map(table: &mut Table, streams: u64, changed: u64) {
    let mut map = EpochMap::new();
    let pairs = |salt: u64, count: u64, step: usize| -> Vec<_> {
        (0..streams)
            .step_by(step)
            .take(usize::try_from(count).expect("a count"))
            .map(|number| (spread(number), spread(number ^ salt)))
            .collect()
    };
    let ((), building) = timed(|| map.update(&mut pairs(1, streams, 1)));
    let step = usize::try_from(streams / changed).expect("a count");
    let mut changes = pairs(2, changed, step);
    let ((), updating) = timed(|| map.update(&mut changes));
    table.note(&format!("map of {streams} keys, from nothing"), building * 1e3, "ms");
    table.note(&format!("map: {changed} changed of {streams} keys"), updating * 1e3, "ms");
    let proofs = 10_000;
    let ((), proving) = timed(|| {
        for number in 0..proofs {
            std::hint::black_box(map.prove(&spread(number)));
        }
    });
    table.note("map: one proof", proving / proofs as f64 * 1e6, "µs");
}

/// The same with the states of guarantees: their digests are made anew, too.
fn whole_ledger(table: &mut Table, streams: u64, changed: u64) {
    let mut folded = Folded::open();
    for number in 0..streams {
        folded.request(number);
    }
    let (_, first) = timed(|| folded.ledger.map_root());
    for number in (0..streams).step_by(usize::try_from(streams / changed).expect("a count")) {
        folded.suspend(number);
    }
    let (_, second) = timed(|| folded.ledger.map_root());
    table.note(&format!("ledger of {streams} guarantees: the first map"), first * 1e3, "ms");
    let what = format!("ledger: epoch with {changed} changed of {streams} guarantees");
    table.row(&what, None, second * 1e3, "ms", &Asked::Nothing);
    table.note("ledger: the same, per changed stream", second / changed as f64 * 1e6, "µs");
    table.note("most memory", peak_mib("self").unwrap_or_default(), "MiB");
}

struct Folded {
    house: House,
    ledger: Ledger,
    tree: CompactRange,
}

impl Folded {
    fn open() -> Self {
        let house = House::new(1);
        let mut folded = Self { house, ledger: Ledger::new(), tree: CompactRange::new() };
        let opening = folded.house.opening(START_S);
        folded.take(&opening.payload);
        let id = folded.ledger.id().to_owned();
        for envelope in folded.house.enrolments(&id, START_S) {
            folded.take(&envelope.payload);
        }
        folded
    }

    /// Judges a statement; its signatures are not looked at here.
    fn take(&mut self, payload: &[u8]) {
        let filing = Filing::read(payload, statement_digest(payload)).expect("a statement");
        let recorded_at = u64::try_from(START_S).expect("after 1970") * 1_000;
        let place = Place { index: self.tree.size(), recorded_at, tree: &self.tree, batch_first: false };
        let verdict = self.ledger.judge(&place, &filing).expect("a statement of the house");
        assert!(verdict.is_accepted());
        let hash = leaf_hash(payload);
        self.ledger.record(&place, &filing, verdict, hash);
        self.tree.push(hash);
    }

    fn request(&mut self, number: u64) {
        let (no, debtor) = (format!("FB-115-{number:08}"), format!("{:08}", 10_000_000 + number));
        let request = GuaranteeRequest {
            no: &no,
            bank: "004",
            branch: "0037",
            debtor: &debtor,
            purpose: "importer",
            scope: "all",
            limit: 30_000_000,
            from: Day::parse("2026-11-01").expect("a day"),
            to: Day::parse("2027-10-31").expect("a day"),
        };
        self.by_the_bank("guarantee.requested", &no, 0, request.data());
    }

    fn suspend(&mut self, number: u64) {
        let no = format!("FB-115-{number:08}");
        self.by_the_bank("guarantee.suspended", &no, 1, lian_client::kinds::nothing());
    }

    fn by_the_bank(&mut self, kind: &str, no: &str, expect: u64, data: lian_core::json::Value<'static>) {
        let id = spread(self.tree.size()).0[..16].try_into().expect("16 of 32 bytes");
        let draft = Draft::with_id(self.ledger.id(), START_S, id).event(
            kind,
            &format!("guarantee/{no}"),
            expect,
            data,
        );
        let key = self.house.key("bank:004").public().id();
        let payload = draft.payload(&[("bank:004", "guarantor", key)]);
        self.take(&payload);
    }
}
