//! Statements of a day's business, each continuing the streams that the earlier ones left. The
//! books keep versions as an honest client would: by what was answered.

use std::collections::BTreeMap;

use lian_client::{draft::Draft, kinds, kinds::GuaranteeRequest, sample::House};
use lian_core::{hash::Digest, json::Value, statement::Envelope};
use lian_domain::dates::Day;

/// One client's view of its streams.
pub struct Books<'h> {
    house: &'h House,
    ledger: String,
    now_s: i64,
    versions: BTreeMap<String, u64>,
    terms: BTreeMap<String, Digest>,
    serial: u64,
    seen: Option<(u64, Digest)>,
}

/// The debtor of all guarantees.
pub const DEBTOR: &str = "12345675";

impl<'h> Books<'h> {
    /// Empty books of a ledger; `seen` is epoch 0 unless set.
    pub fn new(house: &'h House, ledger: &str, now_s: i64) -> Self {
        let genesis = genesis_of(ledger);
        let (versions, terms) = (BTreeMap::new(), BTreeMap::new());
        Self { house, ledger: ledger.to_owned(), now_s, versions, terms, serial: 0, seen: Some((0, genesis)) }
    }

    /// Time moves on.
    pub fn at(&mut self, now_s: i64) {
        self.now_s = now_s;
    }

    /// The client verified an epoch: it says so from now on.
    pub fn see(&mut self, epoch: u64, root: Digest) {
        self.seen = Some((epoch, root));
    }

    /// A draft of now.
    pub fn draft(&self) -> Draft {
        self.house.draft(&self.ledger, self.now_s)
    }

    /// The version that the next event of a stream expects.
    pub fn version(&self, stream: &str) -> u64 {
        self.versions.get(stream).copied().unwrap_or_default()
    }

    /// One more event of a stream was accepted.
    pub fn moved(&mut self, stream: &str) {
        *self.versions.entry(stream.to_owned()).or_default() += 1;
    }

    /// A signed event that is expected to be accepted.
    pub fn event(&mut self, kind: &str, stream: &str, data: Value<'static>, by: &[(&str, &str)]) -> Envelope {
        let envelope = self.try_event(kind, stream, data, by);
        self.moved(stream);
        envelope
    }

    /// A signed event that may be refused: the books do not move on.
    pub fn try_event(&self, kind: &str, stream: &str, data: Value<'static>, by: &[(&str, &str)]) -> Envelope {
        let mut draft = self.draft().event(kind, stream, self.version(stream), data);
        if let Some((epoch, root)) = self.seen {
            draft = draft.seen(epoch, root);
        }
        self.house.sign(&draft, by)
    }

    /// The bank requests a guarantee.
    pub fn request(&mut self, stream: &str, bank: &str, limit: u64) -> Envelope {
        let no = stream.strip_prefix("guarantee/").unwrap().to_owned();
        let request = request_of(&no, bank, limit);
        self.terms.insert(stream.to_owned(), request.terms());
        self.event("guarantee.requested", stream, request.data(), &[(&format!("bank:{bank}"), "guarantor")])
    }

    /// The officer accepts it.
    pub fn accept(&mut self, stream: &str) -> Envelope {
        let data = kinds::accepted(&self.terms[stream]);
        self.event("guarantee.accepted", stream, data, &[("officer:7f3k", "officer")])
    }

    /// The release system draws on it; whether there is quota is not asked. Call `moved` if it was
    /// accepted.
    pub fn try_draw(&mut self, stream: &str, amount: u64) -> Envelope {
        self.serial += 1;
        let data = draw_of(&declaration(stream, self.serial), amount);
        self.try_event("guarantee.drawn", stream, data, &[("system:release", "release")])
    }

    /// A draw for which there is quota.
    pub fn draw(&mut self, stream: &str, amount: u64) -> Envelope {
        let envelope = self.try_draw(stream, amount);
        self.moved(stream);
        envelope
    }

    /// The number of the declaration of the last draw on a stream.
    pub fn last_declaration(&self, stream: &str) -> String {
        declaration(stream, self.serial)
    }

    /// The bank takes no more draws.
    pub fn suspend(&mut self, stream: &str, bank: &str) -> Envelope {
        self.event("guarantee.suspended", stream, kinds::nothing(), &[(&format!("bank:{bank}"), "guarantor")])
    }

    /// The officer ends it.
    pub fn close(&mut self, stream: &str) -> Envelope {
        self.event("guarantee.closed", stream, kinds::nothing(), &[("officer:7f3k", "officer")])
    }

    /// Treasury books a payment.
    pub fn pay(&mut self, stream: &str, declaration: &str, amount: u64) -> Envelope {
        let data = kinds::tax_paid(declaration, amount);
        self.event("guarantee.tax_paid", stream, data, &[("system:treasury", "treasury")])
    }
}

/// A declaration number that no other guarantee and no other serial has.
pub fn declaration(stream: &str, serial: u64) -> String {
    let number: u64 = stream
        .bytes()
        .filter(u8::is_ascii_digit)
        .fold(0, |sum, digit| (sum * 10 + u64::from(digit - b'0')) % 10_000);
    format!("CA__15{:04}{serial:04}", number % 10_000)
}

/// Data of a draw on the debtor's account.
pub fn draw_of(declaration: &str, amount: u64) -> Value<'static> {
    kinds::drawn(declaration, DEBTOR, None, amount, Day::parse("2026-11-23").unwrap(), false)
}

/// A request for a year.
pub fn request_of<'a>(no: &'a str, bank: &'a str, limit: u64) -> GuaranteeRequest<'a> {
    GuaranteeRequest {
        no,
        bank,
        branch: "0037",
        debtor: DEBTOR,
        purpose: "importer",
        scope: "all",
        limit,
        from: Day::parse("2026-11-01").unwrap(),
        to: Day::parse("2027-10-31").unwrap(),
    }
}

/// Leaf hash of entry 0, as the ledger's id spells it.
pub fn genesis_of(ledger: &str) -> Digest {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let hash = ledger.split_once('#').expect("an id with a hash").1;
    Digest(URL_SAFE_NO_PAD.decode(hash).unwrap().try_into().unwrap())
}
