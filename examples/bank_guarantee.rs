//! The bank's side, whole: build a statement, sign it, hand it in over HTTP, believe the receipt.
//!
//! `cargo run --example bank_guarantee`: customs runs in this process, in a temporary folder, and
//! listens on a free port of this machine.
//! `cargo run --example bank_guarantee -- URL LOG_KEY`: against a server of the sample, such as
//! `lian dev`, which prints both.

use std::{error::Error, sync::Arc, time::SystemTime};

use lian_client::{
    draft::{Draft, Signing},
    http::{Client, Error as ClientError, Outcome, Trust},
    kinds::GuaranteeRequest,
    sample::{House, SAMPLE_NAME},
    seen::SeenFolder,
};
use lian_core::{hash::leaf_hash, note::VerifierKey};
use lian_domain::{dates::Day, ledger::ledger_id};
use lian_server::{
    clock::SystemClock,
    http::{Config, Running, serve},
    open::{SystemKeys, log_verifier, open},
    service::Service,
};
use lian_store::disk::RealDisk;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let house = House::new(1);
    if let [_, url, key] = &std::env::args().collect::<Vec<_>>()[..] {
        return bank(url, VerifierKey::parse(key)?, &house, folder.path());
    }
    let (customs, log) = customs(&folder.path().join("ledger"), &house, now()?)?;
    bank(&format!("http://{}", customs.address()), log, &house, folder.path())?;
    Arc::into_inner(customs.stop()).ok_or("the ledger is in use")?.close()?;
    Ok(())
}

/// What a bank does. It needs its key, the log's key from outside, and a folder that remembers.
fn bank(url: &str, log: VerifierKey, house: &House, memory: &std::path::Path) -> Result<(), Box<dyn Error>> {
    // 1. Whom the bank believes: this log key, and nothing that contradicts what it saw before.
    let client = Client::new(url, Trust::key(log), SeenFolder::new(memory.join("seen")))?;
    let ledger = &client.genesis()?.id;
    let epoch = client.last_epoch()?;
    // 2. What the bank promises, from checked values.
    let day = |text| Day::parse_human(text).ok_or("no such date");
    let no = format!("FB-115-{:06}", now()? % 1_000_000);
    let request = GuaranteeRequest {
        no: &no,
        bank: "004",
        branch: "0037",
        debtor: "12345675",
        purpose: "importer",
        scope: "all",
        limit: 5_000_000,
        from: day("115-12-01")?,
        to: day("116-11-30")?,
    };
    // 3. The statement names the ledger by the hash of its entry 0, so no other can replay it, and
    //    the last epoch that the bank verified, so that a rewritten history contradicts it.
    let signer = Signing { actor: "bank:004", capacity: "guarantor", key: house.key("bank:004") };
    let envelope = Draft::new(ledger, now()?)?
        .seen(epoch.number, epoch.root)
        .event("guarantee.requested", &format!("guarantee/{no}"), 0, request.data())
        .sign(&[signer]);
    // 4. Hand it in. Lost connections are tried again with the same bytes; what comes back was
    //    verified: the receipt, these very bytes, and that the log extends what was seen before.
    match client.submit(&envelope) {
        Ok(Outcome::Accepted(proved)) => {
            println!("entry {} of {}", proved.sealed.index, proved.sealed.checkpoint.size);
            print!("{}", String::from_utf8_lossy(&proved.receipt));
        }
        Ok(Outcome::Refused(proved)) => println!("refused on the record: {:?}", proved.sealed.verdict),
        Err(ClientError::Rejected(rejected)) => println!("turned away: {}", rejected.note.detail),
        Err(error) => return Err(error.into()),
    }
    // 5. Any day later: the newest entry, verified.
    let newest = client.checkpoint()?.size - 1;
    let last = client.tail(newest).next().ok_or("the tail has ended")??;
    println!("entry {} was recorded at {} ms", last.index, last.recorded_at);
    Ok(())
}

fn now() -> Result<i64, Box<dyn Error>> {
    Ok(i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_secs())?)
}

/// The other side, for the example: a new ledger with everybody of the sample enrolled, served.
fn customs(
    folder: &std::path::Path,
    house: &House,
    now: i64,
) -> Result<(Running, VerifierKey), Box<dyn Error>> {
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
    let mut config = Config::new(([127, 0, 0, 1], 0).into());
    // Reads are not signed yet: a made-up ledger on this machine may be read by everybody.
    config.open_all = true;
    Ok((serve(Arc::new(service), config)?, log))
}
