//! Every engine's golden ledger is judged again, and gives the verdicts and states that it gave.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use lian_core::{entry::Leaf, statement::Statement};
use lian_server::open::{Fold, claimed_log_key};
use lian_store::{
    disk::{Disk, RealDisk},
    reader::Reader,
    recover::read_only,
    signer::LogKeys,
};
use serde_json::{Value, json};

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("ledger-data/golden/engine-1")
}

/// The key of the golden ledger, from outside: it follows from the sample's seed.
fn reader() -> Reader {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(golden()).unwrap());
    let house = lian_client::sample::House::new(115);
    let key = lian_core::note::VerifierKey::new(
        lian_client::sample::SAMPLE_NAME,
        lian_core::note::SignatureType::Ed25519,
        house.key("log").public(),
    );
    read_only(&disk, &LogKeys::new(vec![key.unwrap()])).unwrap()
}

fn found() -> Value {
    let reader = reader();
    let mut verdicts = Vec::new();
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for entry in reader.entries(0..u64::MAX).unwrap() {
        let entry = entry.unwrap();
        verdicts.push(Leaf::decode(&entry.leaf).unwrap().verdict.code);
        for event in Statement::parse(&entry.payload).unwrap().events {
            *kinds.entry(event.kind.to_owned()).or_default() += 1;
        }
    }
    let mut fold = Fold::new(0);
    fold.run(&reader, u64::MAX, &mut |_| ()).unwrap();
    let streams: BTreeMap<String, Value> = fold
        .ledger
        .streams()
        .iter()
        .map(|stream| {
            let row = json!([stream.version, stream.logged, stream.state_digest().to_hex()]);
            (stream.name.to_string(), row)
        })
        .collect();
    json!({
        "size": fold.ledger.size(),
        "root": reader.root_at(fold.ledger.size()).unwrap().to_hex(),
        "map": fold.ledger.map_root().to_hex(),
        "ledger": fold.ledger.id(),
        "epochs": fold.ledger.epochs().len(),
        "rules": fold.ledger.rules().version,
        "verdicts": verdicts,
        "kinds": kinds,
        "streams": streams,
    })
}

#[test]
fn the_golden_ledger_of_engine_1_gives_the_verdicts_and_states_that_it_gave() {
    let file = golden().join("../engine-1.expected.json");
    let found = found();
    if std::env::var_os("LIAN_MAKE_GOLDEN").is_some() {
        fs::write(&file, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
    }

    let expected: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();

    for part in ["size", "root", "map", "ledger", "epochs", "rules", "verdicts", "kinds", "streams"] {
        assert_eq!(found[part], expected[part], "{part}");
    }
}

#[test]
fn the_golden_ledger_holds_every_kind_of_its_engine_that_one_house_can_say() {
    let found = found();
    // These need witnesses and a used-up quota; other tests make them.
    let elsewhere =
        ["epoch.cosigned", "refusals.withheld", "guarantee.claim_refused", "guarantee.claim_withdrawn"];

    // Draws and registrations need weeks to pass; tests/families.rs plays every kind of theirs.
    let is_elsewhere = |kind: &str| elsewhere.contains(&kind) || lian_domain::families::kind(kind).is_some();

    for kind in lian_domain::filing::kinds().filter(|kind| !is_elsewhere(kind)) {
        assert!(found["kinds"][kind].as_u64() >= Some(1), "{kind}");
    }
}

#[test]
fn the_log_key_in_entry_0_is_the_one_that_signed() {
    let entry = reader().read_entry(0).unwrap();
    let (name, key) = claimed_log_key(&entry.payload).unwrap();

    assert_eq!(name, lian_client::sample::SAMPLE_NAME);
    assert!(lian_core::checkpoint::open(reader().head().note(), &key).is_ok());
}
