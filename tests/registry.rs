//! Who may act: genesis, roots until two admins exist, four eyes of different units, possession,
//! recovery, revocation, rules versions; and that a refused statement leaves no trace in any state.
//! Through admission, sequencer and store of a sample house. T25 (keys are what the log says), T35,
//! T37, T47 (all events of a statement or none).

use std::sync::Arc;

use crate::support::{
    START_S,
    business::{Books, declaration, draw_of, request_of},
    depth::{by_depth, cases},
    desk::{Desk, LogSeeds, portrait},
    files::failures_of,
};
use lian_client::{
    ceremony::Ceremony,
    draft::{Draft, Signing},
    kinds,
    sample::{House, SAMPLE_NAME},
};
use lian_core::{
    audit::{Check, Weight},
    entry::{Leaf, Verdict},
    hash::{Digest, leaf_hash, sha256},
    json::Value,
    keys::SecretKey,
    statement::Envelope,
};
use lian_domain::{
    context::World as _, ids::DeclarationNo, ledger::ledger_id, refusal::Refusal, rejection::Rejection,
    rules::Rules,
};
use lian_server::sequencer::Placed;
use lian_store::disk::{Rng, SimDisk};

fn desk(seed: u64) -> (SimDisk, House, Desk) {
    let (sim, house) = (SimDisk::new(seed), House::new(seed));
    let desk = Desk::found(Arc::new(sim.clone()), &house);
    (sim, house, desk)
}

/// A ledger with entry 0 and nobody else.
fn opened(seed: u64) -> (House, Desk) {
    let house = House::new(seed);
    let mut desk = empty(seed, &house);
    desk.accept(&house.opening(START_S));
    desk.id = ledger_id(SAMPLE_NAME, &leaf_hash(&desk.reader().read_entry(0).unwrap().leaf));
    (house, desk)
}

fn empty(seed: u64, house: &House) -> Desk {
    Desk::open(Arc::new(SimDisk::new(seed)), &LogSeeds::of(house), START_S).unwrap()
}

fn key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

fn chain() -> Digest {
    sha256(&[b"a certificate chain"])
}

/// Registration and first key of an actor, signed by the key itself and by these.
fn first_key(
    draft: Draft,
    actor: &str,
    unit: &str,
    person: Option<u8>,
    capacities: &[&str],
    key: &SecretKey,
    vouchers: &[Signing<'_>],
) -> Envelope {
    let person = person.map(|number| [number; 16]);
    let stream = format!("actor/{actor}");
    let possession = Signing { actor, capacity: "possession", key };
    draft
        .event("actor.registered", &stream, 0, kinds::actor(unit, person.as_ref()))
        .event(
            "key.enrolled",
            &stream,
            1,
            kinds::key_enrolled(&key.public(), capacities, Some(&chain()), None),
        )
        .sign(&[&[possession], vouchers].concat())
}

fn admins(house: &House) -> [Signing<'_>; 2] {
    ["officer:adm1", "officer:adm2"].map(|actor| Signing { actor, capacity: "admin", key: house.key(actor) })
}

const ROOTS: [&str; 3] = ["root:customs", "root:banks", "root:audit"];

fn roots(house: &House) -> Vec<Signing<'_>> {
    let named = ROOTS.iter().zip(house.roots());
    named.map(|(actor, (_, key))| Signing { actor, capacity: "root", key }).collect()
}

/// Entry 0 of these roots and threshold.
fn opening_of(house: &House, roots: &[(String, SecretKey)], threshold: u64) -> Envelope {
    let ceremony = Ceremony {
        name: SAMPLE_NAME,
        nonce: [1; 32],
        roots,
        threshold,
        log: &house.key("log").public(),
        system_log: house.key("system:log"),
        admission: house.key("system:admission"),
        rules: &house.rules,
        synthetic: true,
    };
    ceremony.open(START_S, [1; 16])
}

fn organisations(keys: &[u8]) -> Vec<(String, SecretKey)> {
    keys.iter().enumerate().map(|(at, number)| (format!("org{at}"), key(*number))).collect()
}

#[test]
fn a_ledger_is_opened_by_all_of_at_least_three_roots_with_distinct_keys_and_a_threshold_of_two() {
    let house = House::new(1);
    let cases: [(&str, Envelope, &str); 7] = [
        ("two roots", opening_of(&house, &organisations(&[1, 2]), 2), "malformed-statement"),
        ("seven roots", opening_of(&house, &organisations(&[1, 2, 3, 4, 5, 6, 7]), 2), "malformed-envelope"),
        ("threshold 1", opening_of(&house, &organisations(&[1, 2, 3]), 1), "malformed-statement"),
        ("threshold 4", opening_of(&house, &organisations(&[1, 2, 3]), 4), "malformed-statement"),
        ("one key for two", opening_of(&house, &organisations(&[1, 2, 2]), 2), "malformed-statement"),
        (
            "a root with the log's key",
            {
                let log = house.copy_of("log");
                let mut roots = organisations(&[1, 2]);
                roots.push(("org2".to_owned(), log));
                opening_of(&house, &roots, 2)
            },
            "signer-twice",
        ),
        (
            "no opening at all",
            Draft::with_id(SAMPLE_NAME, START_S, [2; 16])
                .event("clock.stepped", "clock/main", 0, Value::object([("step_ms", Value::Int(1))]))
                .sign(&[Signing { actor: ROOTS[0], capacity: "root", key: &house.roots()[0].1 }]),
            "unknown-key",
        ),
    ];
    for (name, envelope, expected) in cases {
        let mut desk = empty(1, &house);
        assert_eq!(desk.turn_away(&envelope).name(), expected, "{name}");
        assert_eq!(desk.size(), 0, "{name}");
    }
    empty(1, &house).accept(&opening_of(&house, &organisations(&[1, 2, 3, 4, 5, 6]), 6));
}

#[test]
fn an_opening_that_any_of_its_keys_did_not_sign_or_that_is_not_the_first_entry_is_turned_away() {
    let house = House::new(2);
    let whole = house.opening(START_S);
    for position in 0..5 {
        let mut envelope = whole.clone();
        envelope.signatures[position] = envelope.signatures[(position + 1) % 5].clone();
        assert_eq!(empty(2, &house).turn_away(&envelope).name(), "bad-signature", "signature {position}");
        envelope.signatures.remove(position);
        assert_eq!(empty(2, &house).turn_away(&envelope).name(), "signature-count", "signature {position}");
    }

    let (house, mut desk) = opened(2);
    let again = opening_of(&house, &organisations(&[1, 2, 3]), 2);
    assert_eq!(desk.turn_away(&again).name(), "wrong-ledger");
    let mut issuers = roots(&house);
    issuers.extend(["system:log", "system:admission"].map(|actor| Signing {
        actor,
        capacity: "possession",
        key: house.key(actor),
    }));
    let data =
        lian_core::statement::Statement::parse(&whole.payload).unwrap().events[0].data.clone().into_owned();
    let renamed =
        house.draft(&desk.id, START_S).event("ledger.opened", "ledger/main", 1, data).sign(&issuers);
    let name = desk.turn_away(&renamed).name();
    assert!(["genesis", "key-enrolled-before"].contains(&name), "{name}");
    assert_eq!(desk.size(), 1);
}

#[test]
fn roots_vouch_until_two_admins_of_different_units_exist_and_then_no_more() {
    let (house, mut desk) = opened(3);
    let admin = |desk: &mut Desk, number: u8, unit: &str, vouchers: &[Signing<'_>]| {
        let actor = format!("officer:a{number}");
        let draft = house.draft(&desk.id, START_S);
        let envelope = first_key(draft, &actor, unit, Some(number), &["admin"], &key(number), vouchers);
        match desk.submit(&[envelope]).unwrap().pop() {
            Some(Placed::New { verdict: Verdict::ACCEPTED, .. }) => "accepted",
            Some(Placed::Turned(rejection)) => rejection.name(),
            other => panic!("{other:?}"),
        }
    };
    let three = roots(&house);
    let (key_1, key_2, key_3) = (key(1), key(2), key(3));
    let by = |actor: &'static str, key| Signing { actor, capacity: "admin", key };

    assert_eq!(admin(&mut desk, 1, "office:CA", &three[..1]), "not-independent", "one root of two");
    assert_eq!(admin(&mut desk, 1, "office:CA", &three[..2]), "accepted");
    assert_eq!(
        admin(&mut desk, 2, "office:CA", &[by("officer:a1", &key_1)]),
        "wrong-capacities",
        "one admin"
    );
    assert_eq!(admin(&mut desk, 2, "office:CA", &three), "accepted", "all three may sign");
    let same_unit = [by("officer:a1", &key_1), by("officer:a2", &key_2)];
    assert_eq!(admin(&mut desk, 3, "office:integrity", &same_unit), "not-independent", "both of one unit");
    assert_eq!(
        admin(&mut desk, 3, "office:integrity", &three[1..]),
        "accepted",
        "two of one unit do not count"
    );

    assert_eq!(admin(&mut desk, 4, "office:CG", &three), "not-independent", "the roots have handed over");
    let mixed = [three[0], three[1], by("officer:a1", &key_1), by("officer:a3", &key_3)];
    assert_ne!(admin(&mut desk, 4, "office:CG", &mixed), "accepted");
    assert_eq!(admin(&mut desk, 4, "office:CG", &same_unit), "not-independent");
    let units = [by("officer:a2", &key_2), by("officer:a3", &key_3)];
    assert_eq!(admin(&mut desk, 4, "office:CG", &units), "accepted");
}

#[test]
fn a_new_key_signs_its_own_enrolment_and_is_enrolled_once_for_one_actor() {
    let (_, house, mut desk) = desk(4);
    let new = key(44);
    let draft = || house.draft(&desk.id, START_S);
    let stream = "actor/bank:004";
    let enrolled = |key: &SecretKey| kinds::key_enrolled(&key.public(), &["guarantor"], None, None);
    let holder = Signing { actor: "bank:004", capacity: "holder", key: house.key("bank:004") };
    let admin = admins(&house)[0];
    let possession = |key| Signing { actor: "bank:004", capacity: "possession", key };
    let another = key(45);

    let unsigned = draft().event("key.enrolled", stream, 2, enrolled(&new)).sign(&[holder, admin]);
    let by_another =
        draft().event("key.enrolled", stream, 2, enrolled(&new)).sign(&[possession(&another), holder, admin]);
    let mut forged =
        draft().event("key.enrolled", stream, 2, enrolled(&new)).sign(&[possession(&new), holder, admin]);
    forged.signatures[0] = another.sign(b"something").to_vec();
    let alone = draft().event("key.enrolled", stream, 2, enrolled(&new)).sign(&[possession(&new), holder]);
    let no_admin_needed_twice = draft()
        .event("key.enrolled", stream, 2, enrolled(&new))
        .sign(&[&[possession(&new), holder][..], &admins(&house)].concat());
    let with_chain = draft()
        .event(
            "key.enrolled",
            stream,
            2,
            kinds::key_enrolled(&new.public(), &["guarantor"], Some(&chain()), None),
        )
        .sign(&[&[possession(&new)][..], &admins(&house)].concat());
    let officer_key = kinds::key_enrolled(&new.public(), &["officer"], None, None);
    let wrong_capacity =
        draft().event("key.enrolled", stream, 2, officer_key).sign(&[possession(&new), holder, admin]);
    let foreign = draft().event("key.enrolled", "actor/bank:005", 2, enrolled(&new)).sign(&[
        Signing { actor: "bank:005", ..possession(&new) },
        holder,
        admin,
    ]);
    let good =
        draft().event("key.enrolled", stream, 2, enrolled(&new)).sign(&[possession(&new), holder, admin]);
    let expected = [
        (&unsigned, "wrong-capacities"),
        (&by_another, "unknown-key"),
        (&forged, "bad-signature"),
        (&alone, "wrong-capacities"),
        (&no_admin_needed_twice, "wrong-capacities"),
        (&with_chain, "chain"),
        (&wrong_capacity, "malformed-statement"),
        (&foreign, "wrong-capacities"),
    ];
    let before = portrait(desk.ledger());
    for (number, (envelope, name)) in expected.iter().enumerate() {
        assert_eq!(desk.turn_away(envelope).name(), *name, "case {number}");
    }
    assert_eq!(portrait(desk.ledger()), before, "what is turned away leaves nothing");

    desk.accept(&good);
    let stolen =
        house.draft(&desk.id, START_S).event("key.enrolled", "actor/bank:005", 2, enrolled(&new)).sign(&[
            Signing { actor: "bank:005", ..possession(&new) },
            Signing { actor: "bank:005", capacity: "holder", key: house.key("bank:005") },
            admin,
        ]);
    assert_eq!(desk.turn_away(&stolen).name(), "key-enrolled-before");
}

#[test]
fn one_key_brought_twice_in_one_statement_is_turned_away() {
    let (_, house, mut desk) = desk(5);
    let (one, recovery) = (key(50), key(51));
    let events = |draft: Draft, other: &SecretKey, other_recovery: Option<&SecretKey>| {
        let first = kinds::key_enrolled(&one.public(), &["guarantor"], None, Some(&recovery.public()));
        let recovery_of_other = other_recovery.map(SecretKey::public);
        let second = kinds::key_enrolled(&other.public(), &["guarantor"], None, recovery_of_other.as_ref());
        draft.event("key.enrolled", "actor/bank:004", 2, first).event(
            "key.enrolled",
            "actor/bank:004",
            3,
            second,
        )
    };
    let third = key(52);
    for (name, other, other_recovery) in
        [("a recovery key as a key", &recovery, None), ("one recovery key for two", &third, Some(&recovery))]
    {
        let draft = events(house.draft(&desk.id, START_S), other, other_recovery);
        let envelope = draft.sign(&[
            Signing { actor: "bank:004", capacity: "possession", key: &one },
            Signing { actor: "bank:004", capacity: "possession", key: other },
            Signing { actor: "bank:004", capacity: "holder", key: house.key("bank:004") },
            admins(&house)[0],
        ]);
        let size = desk.size();
        let placed = desk.submit(&[envelope]).unwrap();
        assert!(matches!(placed[..], [Placed::Turned(_)]), "{name}: {placed:?}");
        assert_eq!(desk.size(), size);
    }
}

#[test]
fn one_person_under_two_names_is_not_four_eyes() {
    let (_, house, mut desk) = desk(6);
    let (one, other) = (key(60), key(61));
    let person = Some(66);
    let draft = || house.draft(&desk.id, START_S);
    let registrations = [
        first_key(draft(), "officer:p1", "office:CA", person, &["admin", "officer"], &one, &admins(&house)),
        first_key(
            draft(),
            "officer:p2",
            "office:CG",
            person,
            &["admin", "supervisor"],
            &other,
            &admins(&house),
        ),
    ];
    for envelope in &registrations {
        desk.accept(envelope);
    }
    let stranger = key(62);
    let draft = house.draft(&desk.id, START_S);
    let both = [
        Signing { actor: "officer:p1", capacity: "admin", key: &one },
        Signing { actor: "officer:p2", capacity: "admin", key: &other },
    ];

    let alone = first_key(draft, "bank:999", "bank:999", None, &["guarantor"], &stranger, &both);
    match desk.turn_away(&alone) {
        Rejection::SignerTwice(who) => assert!(who.contains("person"), "{who}"),
        other => panic!("{other}"),
    }

    // The same for a business act that takes officer and supervisor.
    let mut books = Books::new(&house, &desk.id, START_S);
    let stream = "guarantee/FB-115-000060";
    desk.accept(&books.request(stream, "004", 60_000_000));
    let terms = request_of("FB-115-000060", "004", 60_000_000).terms();
    let accepted = |pair: &[Signing<'_>]| {
        let draft = house.draft(&desk.id, START_S).seen(0, crate::support::business::genesis_of(&desk.id));
        draft.event("guarantee.accepted", stream, 1, kinds::accepted(&terms)).sign(pair)
    };
    let officer = Signing { actor: "officer:p1", capacity: "officer", key: &one };
    let supervisor = Signing { actor: "officer:p2", capacity: "supervisor", key: &other };
    let house_supervisor =
        Signing { actor: "officer:c29x", capacity: "supervisor", key: house.key("officer:c29x") };
    let (same, different) = (accepted(&[officer, supervisor]), accepted(&[officer, house_supervisor]));
    assert_eq!(desk.turn_away(&same).name(), "signer-twice");
    desk.accept(&different);
}

#[test]
fn a_bank_that_lost_its_key_comes_back_with_its_recovery_key_and_an_admin() {
    let (sim, house, mut desk) = desk(7);
    let (lost, recovery, next) = (key(70), key(71), key(72));
    let bank = |capacity, key| Signing { actor: "bank:004", capacity, key };
    let enrolled = |key: &SecretKey, recovery: Option<&SecretKey>| {
        let recovery = recovery.map(SecretKey::public);
        kinds::key_enrolled(&key.public(), &["guarantor"], None, recovery.as_ref())
    };
    let admin = admins(&house)[0];
    let draft = |desk: &Desk| house.draft(&desk.id, START_S);
    let first = draft(&desk)
        .event("key.enrolled", "actor/bank:004", 2, enrolled(&lost, Some(&recovery)))
        .sign(&[bank("possession", &lost), bank("holder", house.key("bank:004")), admin]);
    desk.accept(&first);
    let all_gone =
        [house.key("bank:004"), &lost].map(|key| kinds::key_revoked(&key.public().id(), "lost", None));
    let [one, other] = all_gone;
    let revoked = draft(&desk)
        .event("key.revoked", "actor/bank:004", 3, one)
        .event("key.revoked", "actor/bank:004", 4, other)
        .sign(&[bank("recovery", &recovery)]);
    desk.accept(&revoked);

    let request = |desk: &Desk, key, no: &str, capacity| {
        let data = request_of(no, "004", 1).data();
        let draft = house.draft(&desk.id, START_S);
        draft.event("guarantee.requested", &format!("guarantee/{no}"), 0, data).sign(&[bank(capacity, key)])
    };
    assert_eq!(desk.turn_away(&request(&desk, &lost, "L-1", "guarantor")).name(), "revoked-key");
    assert_eq!(desk.turn_away(&request(&desk, &recovery, "L-2", "guarantor")).name(), "capacity-not-held");
    let back = |desk: &Desk, issuers: &[Signing<'_>]| {
        draft(desk).event("key.enrolled", "actor/bank:004", 5, enrolled(&next, None)).sign(issuers)
    };
    let alone = back(&desk, &[bank("possession", &next), bank("recovery", &recovery)]);
    assert_eq!(desk.turn_away(&alone).name(), "wrong-capacities", "without an admin");
    let holder = back(&desk, &[bank("possession", &next), bank("holder", &recovery), admin]);
    assert_eq!(desk.turn_away(&holder).name(), "capacity-not-held", "a recovery key is no holder");
    let by_lost = back(&desk, &[bank("possession", &next), bank("holder", &lost), admin]);
    assert_eq!(desk.turn_away(&by_lost).name(), "revoked-key");
    let good = back(&desk, &[bank("possession", &next), bank("recovery", &recovery), admin]);
    desk.accept(&good);
    desk.accept(&request(&desk, &next, "L-3", "guarantor"));
    assert_eq!(failures_of(&sim), Vec::<String>::new());
}

#[test]
fn a_key_is_revoked_by_its_actor_or_by_two_admins_once_and_nobody_else_can() {
    let (_, house, mut desk) = desk(8);
    let revoked =
        |actor: &str, reason, since| kinds::key_revoked(&house.key(actor).public().id(), reason, since);
    let draft = |version: u64, data| {
        house.draft(&desk.id, START_S).event("key.revoked", "actor/bank:004", version, data)
    };
    let by = |actor: &'static str, capacity| (actor, capacity);
    let foreign = house.sign(&draft(2, revoked("bank:004", "lost", None)), &[by("bank:005", "holder")]);
    let one_admin = house.sign(&draft(2, revoked("bank:004", "lost", None)), &[by("officer:adm1", "admin")]);
    let two = [by("officer:adm1", "admin"), by("officer:adm2", "admin")];
    let not_its_key = house.sign(&draft(2, revoked("bank:005", "lost", None)), &two);
    let too_early = house.sign(&draft(2, revoked("bank:004", "compromised", Some(3))), &two);
    let own = house.sign(&draft(2, revoked("bank:004", "retired", None)), &[by("bank:004", "holder")]);
    let again = house.sign(&draft(3, revoked("bank:004", "lost", None)), &[by("bank:004", "holder")]);
    let again_by_admins = house.sign(&draft(3, revoked("bank:004", "lost", None)), &two);

    assert_eq!(desk.turn_away(&foreign).name(), "wrong-capacities");
    assert_eq!(desk.turn_away(&one_admin).name(), "wrong-capacities");
    assert_eq!(desk.refuse(&not_its_key).1.code, Refusal::UnknownActorKey.code());
    assert_eq!(desk.refuse(&too_early).1.code, Refusal::CompromisedBeforeEnrolment.code());
    desk.accept(&own);
    // The revoked key itself may still say that it must stop: it is on record already.
    assert_eq!(desk.refuse(&again).1.code, Refusal::AlreadyRevoked.code());
    assert_eq!(desk.refuse(&again_by_admins).1.code, Refusal::AlreadyRevoked.code());
}

/// T37.
#[test]
fn the_audit_says_which_entries_a_compromised_key_puts_in_doubt_and_fails_none() {
    let (sim, house, mut desk) = desk(9);
    let mut books = Books::new(&house, &desk.id, START_S);
    let first = desk.accept(&books.request("guarantee/C-1", "004", 1_000));
    let last = desk.accept(&books.request("guarantee/C-2", "004", 1_000));
    let id = house.key("bank:004").public().id();
    let data = kinds::key_revoked(&id, "compromised", Some(first));
    let draft = house.draft(&desk.id, START_S).event("key.revoked", "actor/bank:004", 2, data);
    let revocation =
        desk.accept(&house.sign(&draft, &[("officer:adm1", "admin"), ("officer:adm2", "admin")]));
    desk.accept(&books.accept("guarantee/C-2"));

    let folder = tempfile::tempdir().unwrap();
    let segment = sim.bytes_of(crate::support::files::SEGMENT).unwrap();
    crate::support::files::write_folder(folder.path(), &[segment], None);
    let report = lian_verify::run(folder.path(), &lian_verify::Options::default(), &|_| ()).unwrap();

    let remarks: Vec<_> = report.findings().filter(|finding| finding.weight == Weight::Remark).collect();
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert_eq!((remarks[0].check, remarks[0].entry), (Check::Authority, Some(revocation)));
    let text = format!("key {id} in entries {first} to {last}");
    let said = format!("{} {}", remarks[0].stored, remarks[0].computed);
    assert!(said.contains(&text) || said.contains(&format!("entries {first} to {revocation}")), "{said}");
    assert_eq!(report.check(Check::Authority), lian_core::audit::fold::Status::Pass);
    assert_eq!(desk.ledger().guarantee("guarantee/C-2").map(|_| ()), Some(()), "no state changes");
}

fn rules_of(version: u32, change: impl FnOnce(&mut Rules)) -> Rules {
    let mut rules = Rules { version, ..Rules::standard() };
    change(&mut rules);
    rules
}

#[test]
fn rules_are_published_by_two_admins_and_act_once_a_cosigned_epoch_covers_the_publication() {
    let (sim, house, mut desk) = desk(10);
    let two = [("officer:adm1", "admin"), ("officer:adm2", "admin")];
    let rules = rules_of(2, |rules| rules.banks.retain(|bank| bank.as_str() != "005"));
    let now = |desk: &Desk| i64::try_from(desk.ledger().recorded_at() / 1_000).unwrap();
    let publish = |desk: &Desk, rules: &Rules, by: &[(&str, &str)]| {
        let draft = house.draft(&desk.id, now(desk));
        let stream = format!("rules/{}", rules.version);
        house.sign(&draft.event("rules.published", &stream, 0, kinds::rules_published(rules)), by)
    };
    let activate = |desk: &Desk, version: u32, expect: u64, epoch: u64| {
        let draft = house.draft(&desk.id, now(desk));
        let data = kinds::rules_activated(version, epoch);
        house.sign(&draft.event("rules.activated", &format!("rules/{version}"), expect, data), &two)
    };
    let refused =
        |desk: &mut Desk, envelope: &Envelope| Refusal::from_code(desk.refuse(envelope).1.code).unwrap();

    assert_eq!(desk.turn_away(&publish(&desk, &rules, &two[..1])).name(), "wrong-capacities");
    let old = rules_of(1, |rules| rules.due_days = 20);
    let again = publish(&desk, &old, &two);
    assert_eq!(refused(&mut desk, &again), Refusal::RulesVersion);
    let published = publish(&desk, &rules, &two);
    desk.accept(&published);
    let taken = publish(&desk, &rules_of(2, |rules| rules.due_days = 20), &two);
    assert_eq!(desk.turn_away(&taken).name(), "stale-version", "its number is in use");
    for (version, expect, epoch, why) in [
        (2, 1, 0, Refusal::EpochNotCosigned),
        (2, 1, 1, Refusal::EpochNotCosigned),
        (7, 0, 0, Refusal::RulesUnknown),
    ] {
        let early = activate(&desk, version, expect, epoch);
        assert_eq!(refused(&mut desk, &early), why, "version {version}, epoch {epoch}");
    }

    desk.clock.pass(600_000);
    let mut books = Books::new(&house, &desk.id, START_S + 600);
    desk.accept(&books.request("guarantee/R-1", "005", 1));
    let activation = activate(&desk, 2, 1, 1);
    let entry = desk.accept(&activation);
    let request = |no: &str| {
        let data = request_of(no, "005", 1).data();
        let draft = house.draft(&desk.id, START_S + 600);
        house.sign(
            &draft.event("guarantee.requested", &format!("guarantee/{no}"), 0, data),
            &[("bank:005", "guarantor")],
        )
    };
    let late = request("R-2");
    assert_eq!(refused(&mut desk, &late), Refusal::BankNotRegistered, "the new rules act");
    let rules_in = |index: u64| Leaf::decode(&desk.reader().read_entry(index).unwrap().leaf).unwrap().rules;
    assert_eq!((rules_in(entry), rules_in(entry + 1)), (1, 2), "from the entry after the activation on");
    let twice = activate(&desk, 2, 2, 1);
    assert_eq!(refused(&mut desk, &twice), Refusal::AlreadyRecorded);
    assert_eq!(failures_of(&sim), Vec::<String>::new());
}

/// Everything that a statement could change, besides the count of statements that name a stream.
fn states(desk: &Desk, declarations: &[String]) -> Vec<String> {
    let ledger = desk.ledger();
    let mut lines: Vec<String> = ledger
        .streams()
        .iter()
        .filter(|stream| stream.version > 0)
        .map(|stream| format!("{} {} {}", stream.name, stream.version, stream.state_digest()))
        .collect();
    let directory = ledger.directory();
    lines.extend(directory.keys().map(|(id, key)| format!("{id} {key:?}")));
    lines.extend(directory.actors().map(|(name, actor)| format!("{name} {actor:?}")));
    lines.extend(declarations.iter().map(|number| {
        format!("{number} open {}", ledger.has_open_draw(&DeclarationNo::parse(number).unwrap()))
    }));
    lines.push(format!("rules {} epochs {}", ledger.rules().digest(), ledger.epochs().len()));
    lines.sort_unstable();
    lines
}

#[test]
fn a_statement_whose_last_event_is_refused_changes_no_state_no_key_and_no_open_draw() {
    let (sim, house, mut desk) = desk(11);
    let mut books = Books::new(&house, &desk.id, START_S);
    let stream = "guarantee/A-1";
    desk.accept(&books.request(stream, "004", 1_000));
    desk.accept(&books.accept(stream));
    desk.accept(&books.draw(stream, 100));
    let paid = books.last_declaration(stream);
    let fresh: Vec<String> = (50..53).map(|serial| declaration(stream, serial)).collect();
    let declarations = [std::slice::from_ref(&paid), &fresh[..]].concat();
    let version = books.version(stream);
    let release = [("system:release", "release")];
    let treasury = [("system:release", "release"), ("system:treasury", "treasury")];

    // Two draws that fit and one that does not.
    let draft =
        fresh.iter().zip([400, 400, 400]).enumerate().fold(books.draft(), |draft, (at, (no, amount))| {
            draft.event("guarantee.drawn", stream, version + at as u64, draw_of(no, amount))
        });
    let draws = house.sign(&draft, &release);
    // An open draw is paid, and a new one opened and paid, before the refusal.
    let draft = books
        .draft()
        .event("guarantee.tax_paid", stream, version, kinds::tax_paid(&paid, 100))
        .event("guarantee.drawn", stream, version + 1, draw_of(&fresh[0], 10))
        .event("guarantee.tax_paid", stream, version + 2, kinds::tax_paid(&fresh[0], 10))
        .event("guarantee.drawn", stream, version + 3, draw_of(&fresh[1], 5_000));
    let payments = house.sign(&draft, &treasury);
    // An actor is registered and gets a key, then a key that nobody has is revoked.
    let new = key(110);
    let nobody = kinds::key_revoked(&Digest([9; 32]), "lost", None);
    let registry = house
        .draft(&desk.id, START_S)
        .event("actor.registered", "actor/bank:999", 0, kinds::actor("bank:999", None))
        .event(
            "key.enrolled",
            "actor/bank:999",
            1,
            kinds::key_enrolled(&new.public(), &["guarantor"], Some(&chain()), None),
        )
        .event("key.revoked", "actor/bank:004", 2, nobody)
        .sign(
            &[&[Signing { actor: "bank:999", capacity: "possession", key: &new }][..], &admins(&house)]
                .concat(),
        );
    let expected = [
        (&draws, Refusal::QuotaInsufficient, 2),
        (&payments, Refusal::QuotaInsufficient, 3),
        (&registry, Refusal::UnknownActorKey, 2),
    ];

    for (envelope, refusal, event) in expected {
        let before = states(&desk, &declarations);
        let (_, verdict) = desk.refuse(envelope);
        assert_eq!(verdict, Verdict { code: refusal.code(), event });
        assert_eq!(states(&desk, &declarations), before, "{}", refusal.name());
    }
    let request = Draft::with_id(&desk.id, START_S, [5; 16])
        .event("guarantee.requested", "guarantee/A-2", 0, request_of("A-2", "999", 1).data())
        .sign(&[Signing { actor: "bank:999", capacity: "guarantor", key: &new }]);
    assert_eq!(desk.turn_away(&request).name(), "unknown-key", "the refused enrolment enrolled nothing");
    assert_eq!(failures_of(&sim), Vec::<String>::new());
}

/// Random statements of several events: refused means as before, accepted means all of them.
#[test]
fn whatever_the_events_a_statement_is_accepted_whole_or_changes_nothing() {
    cases("statements of several events", by_depth(10, 100, 1_000), |seed| {
        let mut rng = Rng::new(seed);
        let (_, house, mut desk) = desk(seed);
        let mut books = Books::new(&house, &desk.id, START_S);
        let streams = ["guarantee/X-1", "guarantee/X-2"];
        for stream in streams {
            desk.accept(&books.request(stream, "004", 1_000));
            desk.accept(&books.accept(stream));
        }
        let numbers: Vec<String> = (0..12).map(|serial| declaration("guarantee/X-7", serial)).collect();
        let (mut accepted, mut refused) = (0, 0);
        for _ in 0..30 {
            let mut draft = books.draft();
            let mut moved = Vec::new();
            let mut paid = false;
            let mut drawn = false;
            for _ in 0..1 + rng.below(6) {
                let stream = streams[usize::try_from(rng.below(2)).unwrap()];
                let already = moved.iter().filter(|other| **other == stream).count() as u64;
                let expect = books.version(stream) + already;
                let number = &numbers[usize::try_from(rng.below(12)).unwrap()];
                if rng.chance(1, 3) {
                    paid = true;
                    let data = kinds::tax_paid(number, 1 + rng.below(300));
                    draft = draft.event("guarantee.tax_paid", stream, expect, data);
                } else {
                    drawn = true;
                    draft =
                        draft.event("guarantee.drawn", stream, expect, draw_of(number, 1 + rng.below(400)));
                }
                moved.push(stream);
            }
            let by: Vec<(&str, &str)> =
                [(drawn, ("system:release", "release")), (paid, ("system:treasury", "treasury"))]
                    .into_iter()
                    .filter_map(|(used, by)| used.then_some(by))
                    .collect();
            let before = states(&desk, &numbers);
            match desk.submit(&[house.sign(&draft, &by)]).unwrap().pop().unwrap() {
                Placed::New { verdict: Verdict::ACCEPTED, .. } => {
                    accepted += 1;
                    moved.iter().for_each(|stream| books.moved(stream));
                }
                Placed::New { .. } => {
                    refused += 1;
                    assert_eq!(states(&desk, &numbers), before, "seed {seed}");
                }
                other => panic!("seed {seed}: {other:?}"),
            }
            for stream in streams {
                assert_eq!(
                    desk.ledger().stream(stream).unwrap().version,
                    books.version(stream),
                    "seed {seed}"
                );
            }
        }
        assert!(accepted > 0 && refused > 0, "seed {seed}: {accepted} accepted, {refused} refused");
    });
}

#[test]
fn a_statement_tells_nobody_of_others_one_bank_and_one_class_of_readers() {
    let (_, house, mut desk) = desk(12);
    let mut books = Books::new(&house, &desk.id, START_S);
    for (stream, bank) in [("guarantee/B-4", "004"), ("guarantee/B-5", "005")] {
        desk.accept(&books.request(stream, bank, 1_000));
        desk.accept(&books.accept(stream));
    }
    let draft = books
        .draft()
        .event("guarantee.drawn", "guarantee/B-4", 2, draw_of(&declaration("guarantee/B-4", 1), 10))
        .event("guarantee.drawn", "guarantee/B-5", 2, draw_of(&declaration("guarantee/B-5", 1), 10));
    let two_banks = house.sign(&draft, &[("system:release", "release")]);
    let draft = books
        .draft()
        .event("guarantee.requested", "guarantee/B-6", 0, request_of("B-6", "004", 1).data())
        .event("actor.registered", "actor/bank:999", 0, kinds::actor("bank:999", None));
    let mixed = house
        .sign(&draft, &[("bank:004", "guarantor"), ("officer:adm1", "admin"), ("officer:adm2", "admin")]);
    let size = desk.size();

    assert_eq!(desk.turn_away(&two_banks).name(), "several-banks");
    assert_eq!(desk.turn_away(&mixed).name(), "several-classes");
    assert_eq!(desk.size(), size);
}

#[test]
fn an_approval_names_the_epoch_that_its_signer_saw_and_a_log_that_differs_is_told_so() {
    let (_, house, mut desk) = desk(13);
    let mut books = Books::new(&house, &desk.id, START_S);
    let stream = "guarantee/S-1";
    desk.accept(&books.request(stream, "004", 1_000));
    let terms = request_of("S-1", "004", 1_000).terms();
    let genesis = crate::support::business::genesis_of(&desk.id);
    let accepted = |desk: &Desk| {
        house.draft(&desk.id, START_S).event("guarantee.accepted", stream, 1, kinds::accepted(&terms))
    };
    let officer = [("officer:7f3k", "officer")];
    let blind = house.sign(&accepted(&desk), &officer);
    let other_root = house.sign(&accepted(&desk).seen(0, Digest([3; 32])), &officer);
    let no_epoch = house.sign(&accepted(&desk).seen(1, genesis), &officer);
    let good = house.sign(&accepted(&desk).seen(0, genesis), &officer);
    let unasked = Books::new(&house, &desk.id, START_S);
    let draft = unasked
        .draft()
        .event("guarantee.requested", "guarantee/S-2", 0, request_of("S-2", "004", 1).data())
        .seen(0, Digest([4; 32]));
    let unasked = house.sign(&draft, &[("bank:004", "guarantor")]);

    assert_eq!(desk.turn_away(&blind).name(), "seen-missing");
    for wrong in [&other_root, &no_epoch, &unasked] {
        match desk.turn_away(wrong) {
            Rejection::SeenContradicted { own, seen, .. } => assert_ne!(own, seen),
            other => panic!("{other}"),
        }
    }
    desk.accept(&good);
}
