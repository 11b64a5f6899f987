//! The bank's side, whole: build a statement, sign it, hand it in, believe the receipt.
//!
//! `cargo run --example bank_guarantee`: the ledger runs in this process, in a temporary folder.

use std::{error::Error, sync::Arc, time::SystemTime};

use lian_client::{
    answer::open_receipt,
    draft::{Draft, Signing},
    kinds::GuaranteeRequest,
    sample::{House, SAMPLE_NAME},
};
use lian_core::{hash::leaf_hash, note::VerifierKey};
use lian_domain::{dates::Day, ledger::ledger_id};
use lian_server::{
    clock::SystemClock,
    open::{SystemKeys, log_verifier, open},
    service::{Answer, Service},
};
use lian_store::disk::RealDisk;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let now = i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_secs())?;
    let house = House::new(1);
    let (service, ledger, log) = customs(folder.path(), &house, now)?;

    // 1. What the bank promises, from checked values.
    let day = |text| Day::parse_human(text).ok_or("no such date");
    let request = GuaranteeRequest {
        no: "FB-115-000123",
        bank: "004",
        branch: "0037",
        debtor: "12345675",
        purpose: "importer",
        scope: "all",
        limit: 5_000_000,
        from: day("115-12-01")?,
        to: day("116-11-30")?,
    };
    // 2. The statement names the ledger by the hash of its entry 0, so no other can replay it.
    let signer = Signing { actor: "bank:004", capacity: "guarantor", key: house.key("bank:004") };
    let envelope = Draft::new(&ledger, now)?
        .event("guarantee.requested", "guarantee/FB-115-000123", 0, request.data())
        .sign(&[signer]);
    // 3. Hand it in. Sending it again is safe: the first place comes back.
    let answers = service.submit_and_wait(vec![envelope.write()])?;
    let [Answer::Sealed { index, .. }] = answers[..] else {
        return Err(format!("turned away: {answers:?}").into());
    };
    // 4. Believe nothing but the receipt: these very bytes, in a tree that the log signed.
    let receipt = service.receipt(index)?;
    let sealed = open_receipt(&receipt, &log, Some(&envelope))?;

    println!(
        "entry {} of {}, accepted: {}",
        sealed.index,
        sealed.checkpoint.size,
        sealed.verdict.is_accepted()
    );
    print!("{}", String::from_utf8_lossy(&receipt));
    service.close()?;
    Ok(())
}

/// The other side, for the example: a new ledger with everybody of the sample enrolled.
fn customs(
    folder: &std::path::Path,
    house: &House,
    now: i64,
) -> Result<(Service, String, VerifierKey), Box<dyn Error>> {
    let keys = SystemKeys {
        log: house.copy_of("log"),
        system_log: house.copy_of("system:log"),
        admission: house.copy_of("system:admission"),
    };
    let log = log_verifier(SAMPLE_NAME, &keys)?;
    let opened = open(Arc::new(RealDisk::create(folder)?), SAMPLE_NAME, &keys, now, &mut |_| ())?;
    let service = Service::start(opened, keys, Arc::new(SystemClock::new()), 2);
    service.submit_and_wait(vec![house.opening(now).write()])?;
    let ledger = ledger_id(SAMPLE_NAME, &leaf_hash(&service.reader().read_entry(0)?.leaf));
    // One after another: an admin must be on record before it can vouch.
    for enrolment in house.enrolments(&ledger, now) {
        service.submit_and_wait(vec![enrolment.write()])?;
    }
    Ok((service, ledger, log))
}
