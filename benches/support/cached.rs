//! Ledgers that take long to make, kept in the bench folder for the next run.
//! Change `FORM` when the work or the format changes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use lian_client::sample::{House, SAMPLE_NAME};
use lian_core::{
    entry::{Leaf, Verdict},
    hash::{Digest, link},
    note::{SignatureType, SignerKey},
    statement::statement_digest,
};
use lian_server::open::log_verifier;
use lian_store::{
    commit::{NewEntry, Store},
    disk::{Disk, RealDisk},
    recover::{self, Judgement, Opened},
    signer::{LogKeys, LogVerifier, TreeSigner},
};

use super::{
    families, folder,
    running::{found, system_keys},
    work::{LIFE, WINDOW},
};

const FORM: u32 = 2;
/// Of the house whose ledgers these are.
pub const SEED: u64 = 7;
/// Entries of one batch of a bare log.
const BATCH: u64 = 4_096;
/// A bare log ends when its last segment has this many bytes: opening then costs the most.
const LAST_SEGMENT_BYTES: u64 = 60 << 20;

/// The log's key as verifiers take it.
pub fn log_key() -> String {
    log_verifier(SAMPLE_NAME, &system_keys(&House::new(SEED))).expect("a sample key").to_string()
}

/// A ledger of at least so many entries, all signed, judged and committed by the real service.
pub fn ledger(entries: u64) -> PathBuf {
    kept(&format!("ledger-{entries}-{FORM}"), |folder| {
        let running = found(folder, SEED);
        let hands = running.hands();
        let mut made = 0;
        while made < entries {
            let count = (WINDOW * LIFE).min(entries - made);
            let answers = running.submit_all(hands.statements(made, count), 64);
            assert_eq!(answers.all(), count);
            made += count;
        }
        running.service.reader().publish().expect("tiles can be written");
        running.service.close().expect("the ledger closes");
    })
}

/// The same with all families of streams: cargo, registrations and cases beside guarantees.
pub fn families_ledger(entries: u64) -> PathBuf {
    kept(&format!("families-{entries}-{FORM}"), |folder| {
        let running = found(folder, SEED);
        let hands = running.hands();
        families::found(&running);
        let mut made = 0;
        // Whole lives.
        while made < entries || made % (families::WINDOW * families::LIFE) != 0 {
            if made % (families::WINDOW * families::LIFE) == 0 {
                let waybills = families::waybills(&hands, made / (families::WINDOW * families::LIFE));
                let count = waybills.len() as u64;
                assert_eq!(running.submit_all(waybills, 64).accepted, count);
            }
            let answers = running.submit_all(families::statements(&hands, made, families::WINDOW), 64);
            assert_eq!(answers.accepted, families::WINDOW, "refused at {made}: {}", answers.refusal);
            made += families::WINDOW;
        }
        running.service.reader().publish().expect("tiles can be written");
        running.service.close().expect("the ledger closes");
    })
}

/// A log of at least so many entries whose signatures are noise, appended straight through the
/// store: for what looks at hashes only.
pub fn bare_log(entries: u64) -> PathBuf {
    kept(&format!("bare-{entries}-{FORM}"), |folder| {
        let mut store = bare_store(Arc::new(RealDisk::create(folder).expect("a folder can be made")));
        while store.reader().head().size() < entries || last_segment_bytes(&store) < LAST_SEGMENT_BYTES {
            store.append_batch(&bare_batch(&store)).expect("the disk holds");
        }
        store.reader().publish().expect("tiles can be written");
        store.close().expect("the log closes");
    })
}

fn last_segment_bytes(store: &Store) -> u64 {
    let last = store.reader().head().size().saturating_sub(1);
    store.reader().read_entry(last).map_or(0, |entry| entry.place.offset)
}

/// Opens a folder of a bare log and starts its writer.
fn bare_store(disk: Arc<dyn Disk>) -> Store {
    let signer = SignerKey::new(SAMPLE_NAME, SignatureType::Ed25519, House::new(SEED).copy_of("log"));
    let signer = TreeSigner::new(Box::new(signer.expect("a sample key")));
    match recover::open(disk, verifier(), "bench", &[]).expect("the folder is there") {
        Opened::Writable(recovery) => {
            recovery.start(Box::new(signer), Judgement::SetAside).expect("the log starts").store
        }
        Opened::ReadOnly(found) => panic!("{}", found.damage),
    }
}

/// Who judges the commit frames of all sample logs of this module.
pub fn verifier() -> Arc<dyn LogVerifier> {
    let key = log_verifier(SAMPLE_NAME, &system_keys(&House::new(SEED))).expect("a sample key");
    Arc::new(LogKeys::new(vec![key]))
}

fn bare_batch(store: &Store) -> Vec<NewEntry> {
    let head = store.reader().head();
    let (first, mut previous) = (head.size(), head.tip().link());
    let entry = |index: u64| {
        let mut payload = format!("{{\"entry\":{index:020},\"noise\":\"").into_bytes();
        payload.resize(560, b'x');
        payload.extend_from_slice(b"\"}");
        let statement = statement_digest(&payload);
        let signature: Vec<u8> = [statement.0, statement.0].concat();
        let leaf = Leaf {
            index,
            previous,
            recorded_at: 1_795_413_903_000 + index,
            rules: 1,
            verdict: Verdict::ACCEPTED,
            statement,
            signatures: vec![&signature],
        };
        let leaf = leaf.encode().expect("a leaf");
        previous = link(&leaf);
        NewEntry { leaf, payload, previous: vec![index.saturating_sub(1_000)] }
    };
    (first..first + BATCH).map(entry).collect()
}

/// What `make` puts into a folder, made once.
fn kept(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let done = folder().join(name);
    if !done.exists() {
        println!("  making {name} (once)");
        let partial = folder().join(format!("{name}.partial"));
        // What an interrupted run left behind.
        let _ = fs::remove_dir_all(&partial);
        make(&partial);
        fs::rename(&partial, &done).expect("the folder can be renamed");
    }
    done
}

/// A copy of a kept ledger, for what writes to it.
pub fn copy_of(kept: &Path, into: &Path) -> PathBuf {
    let copy = into.join("ledger");
    copy_below(kept, &copy);
    copy
}

fn copy_below(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder is there").flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_below(&from, &to);
        } else {
            fs::copy(from, to).expect("a file can be copied");
        }
    }
}

/// A digest from a number, for keys and values that need only be spread.
pub fn spread(number: u64) -> Digest {
    lian_core::hash::sha256(&[&number.to_be_bytes()])
}
