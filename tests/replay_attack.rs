//! T32, T35, T36, T39 and the promises of a repeated statement: signatures carried to another
//! ledger or another use, keys that are revoked, unknown or another's, keys rotated under load,
//! payloads in another spelling, and the same statement sent again and again.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::support::{
    START_S,
    business::{Books, request_of},
    depth::{by_depth, cases},
    desk::{Desk, LogSeeds},
    files::failures_of,
    run,
};
use lian_client::{
    answer::open_rejection,
    draft::{Draft, Signing},
    kinds,
    sample::{House, SAMPLE_NAME},
};
use lian_core::{
    checkpoint::{self, Checkpoint},
    entry::{Leaf, Verdict},
    hash::{Digest, leaf_hash, sha256},
    json::Value,
    keys::SecretKey,
    note::{Note, NoteSigner, SignatureType, SignerKey, VerifierKey, cosignature_message},
    statement::{Envelope, REJECTION_TYPE, STATEMENT_TYPE, Statement, pae},
};
use lian_domain::{ledger::ledger_id, refusal::Refusal, rejection::Rejection};
use lian_server::{sequencer::Placed, service::Answer};
use lian_store::disk::{Rng, SimDisk};

const STREAM: &str = "guarantee/FB-115-000001";

fn desk(seed: u64) -> (SimDisk, House, Desk) {
    let (sim, house) = (SimDisk::new(seed), House::new(seed));
    let desk = Desk::found(Arc::new(sim.clone()), &house);
    (sim, house, desk)
}

/// A request for a guarantee of any number, by the holder of any key.
fn request_by(ledger: &str, no: &str, actor: &str, key: &SecretKey, now_s: i64) -> Envelope {
    let id = sha256(&[b"request", no.as_bytes(), key.public().as_bytes32()]).0;
    let stream = format!("guarantee/{no}");
    Draft::with_id(ledger, now_s, id[..16].try_into().unwrap())
        .event("guarantee.requested", &stream, 0, request_of(no, "004", 1_000).data())
        .sign(&[Signing { actor, capacity: "guarantor", key }])
}

/// T32: the same house founds the same ledger again, a second later: same name, same keys.
#[test]
fn a_statement_of_one_ledger_is_worth_nothing_on_another_of_the_same_name_and_keys() {
    let house = House::new(32);
    let founded = |seed: u64, at: i64| {
        let sim = SimDisk::new(seed);
        let mut desk = Desk::open(Arc::new(sim), &LogSeeds::of(&house), START_S).unwrap();
        let opening = house.opening(at);
        desk.accept(&opening);
        desk.id = ledger_id(SAMPLE_NAME, &leaf_hash(&desk.reader().read_entry(0).unwrap().leaf));
        (desk, opening)
    };
    let (mut one, opening_one) = founded(1, START_S);
    let (mut other, opening_other) = founded(2, START_S + 1);
    assert_ne!(one.id, other.id);
    let of_one = house.enrolments(&one.id, START_S);
    let of_other = house.enrolments(&other.id, START_S);
    let wrong_ledger = |rejection: Rejection| assert_eq!(rejection.name(), "wrong-ledger");

    for (own, foreign) in of_one.iter().zip(&of_other) {
        wrong_ledger(one.turn_away(foreign));
        wrong_ledger(other.turn_away(own));
        one.accept(own);
        other.accept(foreign);
    }
    wrong_ledger(one.turn_away(&opening_other));
    wrong_ledger(other.turn_away(&opening_one));
    // The bare name, as entry 0 has it, is no way around the hash.
    let bare = request_by(SAMPLE_NAME, "FB-1", "bank:004", house.key("bank:004"), START_S);
    wrong_ledger(one.turn_away(&bare));
}

/// What one key can sign, and who takes it for what. One key for all, so that only the type differs.
struct Uses {
    key: SecretKey,
    ledger: String,
}

const USES: [&str; 5] = ["statement", "rejection", "checkpoint", "cosignature", "bare bytes"];

impl Uses {
    /// The bytes that are signed for a use of this content.
    fn message(use_: &str, content: &[u8]) -> Vec<u8> {
        match use_ {
            "statement" => pae(STATEMENT_TYPE, content),
            "rejection" => pae(REJECTION_TYPE, content),
            "checkpoint" | "bare bytes" => content.to_vec(),
            _ => cosignature_message(std::str::from_utf8(content).unwrap(), 1_795_413_903),
        }
    }

    /// Is this signature over this content good for that use?
    fn takes(&self, use_: &str, content: &[u8], signature: &[u8]) -> bool {
        let signatures = vec![signature.to_vec()];
        match use_ {
            "statement" => self.key.public().verify(&pae(STATEMENT_TYPE, content), signature),
            "rejection" => {
                let answer = Envelope { payload: content.to_vec(), signatures };
                open_rejection(&answer, &self.key.public(), &self.ledger, None).is_ok()
            }
            "checkpoint" => {
                let log = VerifierKey::new(SAMPLE_NAME, SignatureType::Ed25519, self.key.public()).unwrap();
                let text = String::from_utf8(content.to_vec()).unwrap();
                let note = Note { text, signatures: vec![log.line(signature.to_vec())] };
                checkpoint::open(note.encode().as_bytes(), &log).is_ok()
            }
            "cosignature" => {
                let witness =
                    VerifierKey::new("witness.example", SignatureType::CosignatureV1, self.key.public());
                let witness = witness.unwrap();
                let timed = [&1_795_413_903_u64.to_be_bytes()[..], signature].concat();
                let text = String::from_utf8(content.to_vec()).unwrap();
                let note = Note { text, signatures: vec![witness.line(timed)] };
                note.verify(&[witness]).is_ok_and(|verified| !verified.is_empty())
            }
            _ => self.key.public().verify(content, signature),
        }
    }
}

/// T32: all ordered pairs of types, over the content of each type.
#[test]
fn a_signature_for_one_use_is_good_for_no_other() {
    let (_, house, mut desk) = desk(33);
    let uses = Uses { key: house.copy_of("system:admission"), ledger: desk.id.clone() };
    let log = &mut SignerKey::new(SAMPLE_NAME, SignatureType::Ed25519, house.copy_of("log")).unwrap();
    let head = desk.reader().head();
    let range = head.tip().range();
    let text =
        Checkpoint { origin: SAMPLE_NAME.to_owned(), size: range.size(), root: range.root() }.to_text();
    assert_eq!(log.verifier().name(), SAMPLE_NAME);
    let statement = request_by(&desk.id, "FB-2", "bank:004", house.key("bank:004"), START_S).payload;
    let rejection = lian_domain::rejection::RejectionNote {
        ledger: desk.id.clone(),
        statement: Some(Digest::ZERO),
        code: 1,
        name: "malformed-envelope".to_owned(),
        detail: "none".to_owned(),
        size: 0,
        root: Digest::ZERO,
        time: START_S,
    };
    let contents = [statement, rejection.payload(), text.into_bytes()];

    for content in &contents {
        for signed_for in USES {
            let signature = uses.key.sign(&Uses::message(signed_for, content));
            for taken_for in USES {
                // A note is signed bare: that is what keeps "bare bytes" from being a use of ours.
                let notes = ["checkpoint", "bare bytes"];
                let same =
                    signed_for == taken_for || notes.contains(&signed_for) && notes.contains(&taken_for);
                let takes = uses.takes(taken_for, content, &signature);
                assert!(!takes || same, "{signed_for} taken for {taken_for}");
            }
        }
    }
    // Each use does take what was signed for it, or the test would show nothing.
    for (at, use_) in [(0, "statement"), (1, "rejection"), (2, "checkpoint"), (2, "cosignature")] {
        let signature = uses.key.sign(&Uses::message(use_, &contents[at]));
        assert!(uses.takes(use_, &contents[at], &signature), "{use_}");
    }
    // And at the door: a statement whose signers signed something like it, but not a statement.
    for message in USES.iter().skip(1).map(|use_| Uses::message(use_, &contents[0])) {
        let signature = house.key("bank:004").sign(&message).to_vec();
        let envelope = Envelope { payload: contents[0].clone(), signatures: vec![signature] };
        assert_eq!(desk.turn_away(&envelope).name(), "bad-signature");
    }
    let typed = desk.submit(&[Envelope { payload: contents[1].clone(), signatures: vec![vec![0; 64]] }]);
    assert!(matches!(&typed.unwrap()[..], [Placed::Turned(Rejection::Schema(_))]));
}

/// Rotation: the bank's new key signs for itself, the old one and an admin vouch, the old one goes.
fn rotation(house: &House, draft: Draft, version: u64, old: &SecretKey, new: &SecretKey) -> Envelope {
    draft
        .event(
            "key.enrolled",
            "actor/bank:004",
            version,
            kinds::key_enrolled(&new.public(), &["guarantor"], None, None),
        )
        .event(
            "key.revoked",
            "actor/bank:004",
            version + 1,
            kinds::key_revoked(&old.public().id(), "retired", None),
        )
        .sign(&[
            Signing { actor: "bank:004", capacity: "possession", key: new },
            Signing { actor: "bank:004", capacity: "holder", key: old },
            Signing { actor: "officer:adm1", capacity: "admin", key: house.key("officer:adm1") },
        ])
}

/// T35: what each key may do at each position of the ledger; old entries stay verifiable.
#[test]
fn a_key_counts_exactly_between_its_enrolment_and_its_revocation_and_for_its_own_actor() {
    let (sim, house, mut desk) = desk(35);
    let next = SecretKey::from_seed(&[35; 32]);
    let stranger = SecretKey::from_seed(&[36; 32]);
    let old = house.copy_of("bank:004");
    let mut number = 0;
    let mut answers = |desk: &mut Desk| {
        let keys = [
            ("old", &old, "bank:004"),
            ("next", &next, "bank:004"),
            ("unknown", &stranger, "bank:004"),
            ("another's", house.key("bank:005"), "bank:004"),
            ("for another", &old, "bank:005"),
            ("without the capacity", house.key("officer:7f3k"), "officer:7f3k"),
        ];
        keys.map(|(name, key, actor)| {
            number += 1;
            let request = request_by(&desk.id, &format!("M-{number}"), actor, key, START_S);
            match desk.submit(&[request]).unwrap().pop() {
                Some(Placed::New { verdict: Verdict::ACCEPTED, .. }) => (name, "accepted"),
                Some(Placed::Turned(rejection)) => (name, rejection.name()),
                other => panic!("{other:?}"),
            }
        })
    };
    let always = [
        ("unknown", "unknown-key"),
        ("another's", "key-of-another"),
        ("for another", "key-of-another"),
        ("without the capacity", "capacity-not-held"),
    ];
    let expected = |old, next| [[("old", old), ("next", next)].as_slice(), &always].concat();

    assert_eq!(answers(&mut desk).to_vec(), expected("accepted", "unknown-key"), "before");
    let draft = house.draft(&desk.id, START_S);
    desk.accept(&rotation(&house, draft, 2, &old, &next));
    assert_eq!(answers(&mut desk).to_vec(), expected("revoked-key", "accepted"), "after the rotation");
    let revoked = house.draft(&desk.id, START_S).event(
        "key.revoked",
        "actor/bank:004",
        4,
        kinds::key_revoked(&next.public().id(), "lost", None),
    );
    desk.accept(&house.sign(&revoked, &[("officer:adm1", "admin"), ("officer:adm2", "admin")]));
    assert_eq!(answers(&mut desk).to_vec(), expected("revoked-key", "revoked-key"), "after the loss");

    assert_eq!(failures_of(&sim), Vec::<String>::new(), "what the keys signed in their time stays good");
}

/// T36: several threads submit with the old key while it is replaced.
#[test]
fn while_a_key_is_rotated_every_entry_is_before_or_after_and_none_is_both() {
    let ambiguous = AtomicU64::new(0);
    let both = AtomicU64::new(0);
    let runs = by_depth(15, 150, 1_000);

    cases("rotations", runs, |seed| {
        let mut running = run(Arc::new(SimDisk::new(seed)), House::new(36), START_S).unwrap();
        running.found();
        let old = running.house.copy_of("bank:004");
        let new = SecretKey::from_seed(&sha256(&[b"next", &seed.to_be_bytes()]).0);
        let draft = running.house.draft(&running.ledger, START_S);
        let rotation = rotation(&running.house, draft, 2, &old, &new).write();
        let (service, ledger) = (&running.service, &*running.ledger);
        let rotated = thread::scope(|scope| {
            for worker in 0..4_u64 {
                let keys = [&old, &new];
                scope.spawn(move || submit_until_rotated(service, ledger, keys, worker));
            }
            for _ in 0..seed % 7 {
                thread::yield_now();
            }
            service.submit_and_wait(vec![rotation]).unwrap()
        });
        let Answer::Sealed { index: rotated, .. } = rotated[0] else { panic!("{rotated:?}") };

        let (mut before, mut after) = (0, 0);
        for entry in service.reader().entries(0..u64::MAX).unwrap() {
            let entry = entry.unwrap();
            let statement = Statement::parse(&entry.payload).unwrap();
            if statement.events[0].kind != "guarantee.requested" {
                continue;
            }
            let is_old = statement.issuers[0].key == old.public().id();
            let fits = is_old == (entry.index < rotated);
            ambiguous.fetch_add(u64::from(!fits), Ordering::Relaxed);
            before += u64::from(is_old);
            after += u64::from(!is_old);
        }
        both.fetch_add(u64::from(before > 0 && after > 0), Ordering::Relaxed);
        running.service.close().unwrap();
    });

    assert_eq!(ambiguous.into_inner(), 0);
    let both = both.into_inner();
    println!("{both} rotations had entries on both sides");
    assert!(crate::support::depth::replayed().is_some() || both > 0, "none of {runs} was a race");
}

fn submit_until_rotated(
    service: &lian_server::service::Service,
    ledger: &str,
    [old, new]: [&SecretKey; 2],
    worker: u64,
) {
    for number in 0..1_000 {
        let request = request_by(ledger, &format!("R-{worker}-{number}"), "bank:004", old, START_S);
        match &service.submit_and_wait(vec![request.write()]).unwrap()[0] {
            Answer::Sealed { verdict: Some(Verdict::ACCEPTED), .. } => {}
            Answer::Rejected { rejection: Rejection::RevokedKey(_), .. } => break,
            other => panic!("{other:?}"),
        }
    }
    let request = request_by(ledger, &format!("N-{worker}"), "bank:004", new, START_S);
    let answer = service.submit_and_wait(vec![request.write()]).unwrap();
    assert!(matches!(answer[0], Answer::Sealed { verdict: Some(Verdict::ACCEPTED), .. }), "{answer:?}");
}

/// T39: the same content in other spellings, each rightly signed over its own bytes.
#[test]
fn a_payload_in_any_other_spelling_is_never_accepted_though_rightly_signed() {
    let (_, house, mut desk) = desk(39);
    let canonical = request_by(&desk.id, "FB-39", "bank:004", house.key("bank:004"), START_S).payload;
    let text = String::from_utf8(canonical.clone()).unwrap();
    let id = text.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let spellings: BTreeMap<&str, Vec<u8>> = [
        (
            "keys reordered",
            text.replacen("{\"events\":", "{\"zevents\":", 1).replacen("zevents", "events", 1),
        ),
        ("a key twice", text.replacen("\"expect\":0", "\"expect\":0,\"expect\":0", 1)),
        ("a key twice, first wins", text.replacen("{\"events\"", "{\"id\":\"00\",\"events\"", 1)),
        ("1.0", text.replacen("\"expect\":0", "\"expect\":0.0", 1)),
        ("1e0", text.replacen("\"limit\":1000", "\"limit\":1e3", 1)),
        ("minus zero", text.replacen("\"expect\":0", "\"expect\":-0", 1)),
        ("leading zero", text.replacen("\"limit\":1000", "\"limit\":01000", 1)),
        ("plus", text.replacen("\"limit\":1000", "\"limit\":+1000", 1)),
        ("\\u escape", text.replacen("guarantor", "\\u0067uarantor", 1)),
        ("escaped slash", text.replacen("guarantee/FB", "guarantee\\/FB", 1)),
        ("blank", text.replacen("\"expect\":0", "\"expect\": 0", 1)),
        ("line feed at the end", format!("{text}\n")),
        ("blank before", format!(" {text}")),
        ("trailing brace", format!("{text}}}")),
        ("trailing zero byte", format!("{text}\0")),
        ("byte order mark", format!("\u{feff}{text}")),
        ("unknown member", text.replacen("{\"events\"", "{\"aaa\":1,\"events\"", 1)),
        ("unknown member in data", text.replacen("\"bank\":\"004\"", "\"a\":1,\"bank\":\"004\"", 1)),
        ("id in capitals", text.replacen(&id, &id.to_uppercase(), 1)),
        ("null member", text.replacen("{\"events\"", "{\"aaa\":null,\"events\"", 1)),
        ("empty requires", text.replacen(",\"valid_until\"", ",\"requires\":[],\"valid_until\"", 1)),
        ("time in UTC", text.replacen("+08:00", "Z", 1)),
        ("fraction of a second", text.replacen("+08:00", ".0+08:00", 1)),
        ("large integer", text.replacen("\"limit\":1000", "\"limit\":9007199254740993", 1)),
        (
            "deep",
            text.replacen(
                "\"purpose\":\"importer\"",
                &format!("\"purpose\":{}1{}", "[".repeat(64), "]".repeat(64)),
                1,
            ),
        ),
        ("NUL escape", text.replacen("0037", "\\u0000", 1)),
        ("lone surrogate", text.replacen("0037", "\\ud800", 1)),
        ("array for object", format!("[{text}]")),
    ]
    .into_iter()
    .map(|(name, text)| (name, text.into_bytes()))
    .chain([("bad UTF-8", [&canonical[..40], &[0xff, 0xfe], &canonical[40..]].concat())])
    .chain([("reordered top", reordered(&canonical))])
    .collect();
    let size = desk.size();

    for (name, payload) in &spellings {
        if *name == "keys reordered" {
            assert_eq!(*payload, canonical, "the harness itself");
            continue;
        }
        assert_ne!(*payload, canonical, "{name} changed nothing");
        let rejection = desk.turn_away(&signed_by_bank(&house, payload));
        assert_eq!(rejection.name(), "malformed-statement", "{name}: {rejection}");
    }

    assert_eq!(desk.size(), size);
    desk.accept(&signed_by_bank(&house, &canonical));
}

fn signed_by_bank(house: &House, payload: &[u8]) -> Envelope {
    let signature = house.key("bank:004").sign(&pae(STATEMENT_TYPE, payload)).to_vec();
    Envelope { payload: payload.to_vec(), signatures: vec![signature] }
}

/// The same members, the last one first.
fn reordered(payload: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(payload).unwrap();
    let at = text.rfind(",\"valid_until\"").unwrap();
    let (rest, last) = (&text[1..at], &text[at + 1..text.len() - 1]);
    format!("{{{last},{rest}}}").into_bytes()
}

/// T39: the envelope around the bytes is strict, too; what is ignored in it changes no bytes.
#[test]
fn an_envelope_in_another_form_is_not_an_envelope() {
    let (_, house, mut desk) = desk(40);
    let envelope = request_by(&desk.id, "FB-40", "bank:004", house.key("bank:004"), START_S);
    let text = String::from_utf8(envelope.write()).unwrap();
    let sig = text.split("\"sig\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let payload = text.split("\"payload\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let book = lian_server::admit::KeyBook::of(desk.ledger());
    let malformed = [
        text.replacen(STATEMENT_TYPE, REJECTION_TYPE, 1),
        text.replacen(STATEMENT_TYPE, &STATEMENT_TYPE.to_uppercase(), 1),
        text.replacen("{\"payload\"", "{\"extra\":1,\"payload\"", 1),
        text.replacen("{\"payload\"", &format!("{{\"payload\":\"{payload}\",\"payload\""), 1),
        text.replacen(&sig, sig.trim_end_matches('='), 1),
        text.replacen(&payload, &format!("{payload}\\n"), 1),
        text.replacen(&payload, &payload.replace('a', "-"), 1),
        format!("{text}{text}"),
        format!("\u{feff}{text}"),
        text.replacen("\"signatures\":[", "\"signatures\":[],\"x\":[", 1),
        text[..text.len() - 1].to_owned(),
        String::new(),
        "[]".to_owned(),
    ];

    for text in malformed {
        let turned = lian_server::admit::admit(text.as_bytes(), &book).unwrap_err();
        assert_eq!((turned.rejection.name(), turned.statement), ("malformed-envelope", None), "{text}");
    }
    let twice = Envelope {
        signatures: [&envelope.signatures[..], &envelope.signatures].concat(),
        ..envelope.clone()
    };
    assert_eq!(desk.turn_away(&twice).name(), "signature-count");
    let none = text.replacen(&format!("{{\"sig\":\"{sig}\"}}"), "", 1);
    assert!(lian_server::admit::admit(none.as_bytes(), &book).is_err());
    let hinted = text.replacen("{\"sig\"", "{\"keyid\":\"anything\",\"sig\"", 1);
    let hinted = lian_server::admit::admit(hinted.as_bytes(), &book).unwrap();
    assert_eq!(hinted.payload(), envelope.payload, "a key hint is ignored");
}

/// T39: random mutants. Not signed anew: none is accepted. Signed anew: only canonical ones are.
#[test]
fn of_thousands_of_mutated_payloads_none_is_accepted_in_a_spelling_of_its_own() {
    let (_, house, desk) = desk(41);
    let original = request_by(&desk.id, "FB-41", "bank:004", house.key("bank:004"), START_S);
    let book = lian_server::admit::KeyBook::of(desk.ledger());
    let key = *house.key("bank:004").seed();
    let canonical_mutants = AtomicU64::new(0);

    cases("mutants", by_depth(5_000, 100_000, 1_000_000), |seed| {
        let mut rng = Rng::new(seed);
        let payload = mutated(&original.payload, &mut rng);
        if payload == original.payload {
            return;
        }
        let stale = Envelope { payload: payload.clone(), signatures: original.signatures.clone() };
        assert!(lian_server::admit::admit_envelope(stale, &book).is_err(), "seed {seed}");
        let key = SecretKey::from_seed(&key);
        let anew = vec![key.sign(&pae(STATEMENT_TYPE, &payload)).to_vec()];
        let envelope = Envelope { payload: payload.clone(), signatures: anew };
        if lian_server::admit::admit_envelope(envelope, &book).is_ok() {
            let again = Value::read(&payload).unwrap().write();
            assert_eq!(again, payload, "seed {seed}: two spellings of one statement");
            canonical_mutants.fetch_add(1, Ordering::Relaxed);
        }
    });
    println!("{} mutants were other statements in the one spelling", canonical_mutants.into_inner());
}

/// Some bytes changed, put in, taken out, doubled or swapped; with letters that JSON uses.
fn mutated(payload: &[u8], rng: &mut Rng) -> Vec<u8> {
    const LETTERS: &[u8] = b"0123456789abcdefABCDEF{}[]\",:\\ \n\t.-+eEu/_#\x00\x7f\xc3\xa9";
    let mut bytes = payload.to_vec();
    for _ in 0..1 + rng.below(3) {
        let at = usize::try_from(rng.below(bytes.len() as u64)).unwrap();
        let letter = LETTERS[usize::try_from(rng.below(LETTERS.len() as u64)).unwrap()];
        match rng.below(5) {
            0 => bytes[at] = letter,
            1 => bytes.insert(at, letter),
            2 => drop(bytes.remove(at)),
            3 => {
                let end = (at + 1 + usize::try_from(rng.below(40)).unwrap()).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let other = usize::try_from(rng.below(bytes.len() as u64)).unwrap();
                bytes.swap(at, other);
            }
        }
    }
    bytes
}

/// T13, the promise of a repeated statement: its first place, for ever.
#[test]
fn the_same_statement_gets_its_first_place_for_ever_accepted_or_refused() {
    let (sim, house, mut desk) = desk(13);
    let seeds = LogSeeds::of(&house);
    let mut books = Books::new(&house, &desk.id, START_S);
    let request = books.request(STREAM, "004", 1_000);
    let accepted = desk.accept(&request);
    desk.accept(&books.accept(STREAM));
    let draw = books.try_draw(STREAM, 2_000);
    let (refused, verdict) = desk.refuse(&draw);
    assert_eq!(verdict.code, Refusal::QuotaInsufficient.code());
    let opening = house.opening(START_S);
    let enrolment = &house.enrolments(&desk.id, START_S)[0];
    // Drafted anew these have other ids; the first ones are read back from the log.
    assert_ne!(desk.reader().read_entry(0).unwrap().payload, opening.payload);
    assert_ne!(desk.reader().read_entry(1).unwrap().payload, enrolment.payload);
    let logged = |desk: &Desk, index| {
        let entry = desk.reader().read_entry(index).unwrap();
        let signatures = Leaf::decode(&entry.leaf).unwrap().signatures;
        Envelope { payload: entry.payload, signatures: signatures.into_iter().map(<[u8]>::to_vec).collect() }
    };
    let again = |desk: &mut Desk, when: &str| {
        let size = desk.size();
        for index in [0, 1, 20, accepted, refused] {
            let envelope = logged(desk, index);
            let group = vec![envelope; 5];
            let placed = desk.submit(&group).unwrap();
            assert_eq!(placed, vec![Placed::Repeat { index }; 5], "{when}");
        }
        let epochs = desk.size() - size;
        assert!(epochs <= 1, "{when}: the log grew by {epochs}");
    };

    again(&mut desk, "at once");
    for amount in [400, 300, 200] {
        desk.accept(&books.draw(STREAM, amount));
    }
    again(&mut desk, "after others");
    drop(desk);
    let mut desk = Desk::open(Arc::new(sim.kill()), &seeds, START_S + 60).unwrap();
    again(&mut desk, "after a restart");
    desk.clock.pass(40 * 86_400_000);
    again(&mut desk, "after valid_until");
    let envelope = books.try_draw(STREAM, 1);
    assert_eq!(desk.turn_away(&envelope).name(), "expired", "what was never logged comes too late");
    assert_eq!(desk.turn_away(&envelope).name(), "expired");
    drop(desk);
    let mut desk = Desk::open(Arc::new(sim.kill()), &seeds, START_S + 41 * 86_400).unwrap();
    again(&mut desk, "after valid_until and a restart");
}

/// One group may hold the same statement many times, and many groups may race with it.
#[test]
fn the_same_statement_from_many_threads_at_once_is_one_entry() {
    let mut running = run(Arc::new(SimDisk::new(14)), House::new(14), START_S).unwrap();
    running.found();
    let (service, ledger) = (&running.service, &*running.ledger);
    let bank = running.house.key("bank:004");
    let repeats = by_depth(50, 1_000, 10_000);

    for number in 0..10 {
        let request = request_by(ledger, &format!("T-{number}"), "bank:004", bank, START_S).write();
        let places: Vec<u64> = thread::scope(|scope| {
            let submit = || {
                let group = vec![request.clone(); usize::try_from(repeats / 10).unwrap()];
                service.submit_and_wait(group).unwrap()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(submit)).collect();
            let answers = threads.into_iter().flat_map(|thread| thread.join().unwrap());
            answers
                .map(|answer| match answer {
                    Answer::Sealed { index, .. } => index,
                    other => panic!("{other:?}"),
                })
                .collect()
        });
        assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
    }
    let size = service.reader().head().size();
    assert_eq!(size, 35 + 10, "35 entries of the house, and ten requests");
}

#[test]
fn the_same_id_for_another_statement_is_a_conflict_as_long_as_the_first_is_valid() {
    let (sim, house, mut desk) = desk(15);
    let seeds = LogSeeds::of(&house);
    let bank = || Signing { actor: "bank:004", capacity: "guarantor", key: house.key("bank:004") };
    let with_id = |desk: &Desk, no: &str, now_s: i64| {
        Draft::with_id(&desk.id, now_s, [7; 16]).valid_for(3_600).event(
            "guarantee.requested",
            &format!("guarantee/{no}"),
            0,
            request_of(no, "004", 1).data(),
        )
    };
    let first = desk.accept(&with_id(&desk, "ID-1", START_S).sign(&[bank()]));
    let conflict = |desk: &mut Desk, now_s: i64| {
        let other = with_id(desk, "ID-2", now_s).sign(&[bank()]);
        match desk.turn_away(&other) {
            Rejection::IdReused { entry, actor, .. } => assert_eq!((entry, &*actor), (first, "bank:004")),
            other => panic!("{other}"),
        }
    };

    conflict(&mut desk, START_S);
    // Another first issuer may have the same id: the pair names a statement.
    let other_bank = Draft::with_id(&desk.id, START_S, [7; 16]).event(
        "guarantee.requested",
        "guarantee/ID-3",
        0,
        request_of("ID-3", "005", 1).data(),
    );
    desk.accept(&house.sign(&other_bank, &[("bank:005", "guarantor")]));
    drop(desk);
    let mut desk = Desk::open(Arc::new(sim.kill()), &seeds, START_S + 3_599).unwrap();
    conflict(&mut desk, START_S + 3_599);
    desk.clock.pass(2_000);
    let late = with_id(&desk, "ID-2", START_S + 3_601).sign(&[bank()]);
    desk.accept(&late);
}

/// The quota of refusals is per key and civil day; what exceeds it is counted on the log.
#[test]
fn refusals_beyond_the_quota_are_not_logged_but_counted_at_the_next_epoch() {
    let sim = SimDisk::new(16);
    let mut house = House::new(16);
    house.rules.refusals_per_day = 3;
    let mut desk = Desk::found(Arc::new(sim.clone()), &house);
    let mut books = Books::new(&house, &desk.id, START_S);
    desk.accept(&books.request(STREAM, "004", 1_000));
    desk.accept(&books.accept(STREAM));
    let release = house.key("system:release").public().id();

    for _ in 0..3 {
        desk.refuse(&books.try_draw(STREAM, 2_000));
    }
    let size = desk.size();
    let over: Vec<Envelope> = (0..4).map(|_| books.try_draw(STREAM, 2_000)).collect();
    for envelope in &over {
        assert_eq!(desk.turn_away(envelope).name(), "refusal-quota");
    }
    assert_eq!(desk.size(), size);
    // Another key has a quota of its own, and what is accepted needs none.
    let twice = books.try_event(
        "guarantee.requested",
        "guarantee/FB-115-000009",
        request_of("FB-115-000009", "005", 1).data(),
        &[("bank:005", "guarantor")],
    );
    desk.accept(&twice);
    desk.accept(&books.draw(STREAM, 10));

    desk.clock.pass(600_000);
    books.at(START_S + 600);
    let next = desk.accept(&books.draw(STREAM, 10));
    let facts: Vec<(String, String)> = (size..next)
        .map(|index| {
            let payload = desk.reader().read_entry(index).unwrap().payload;
            let statement = Statement::parse(&payload).unwrap();
            (
                statement.events[0].kind.to_owned(),
                String::from_utf8(statement.events[0].data.write()).unwrap(),
            )
        })
        .collect();
    let withheld = facts.iter().filter(|(kind, _)| kind == "refusals.withheld").collect::<Vec<_>>();
    assert_eq!(withheld.len(), 1, "{facts:?}");
    assert_eq!(withheld[0].1, format!("{{\"count\":4,\"key\":\"{release}\"}}"));

    // The next civil day in Taipei begins at 16:00 UTC; START_S is 14:05:03 there.
    assert_eq!(desk.turn_away(&books.try_draw(STREAM, 2_000)).name(), "refusal-quota");
    desk.clock.pass(10 * 3_600_000);
    books.at(START_S + 600 + 36_000);
    for _ in 0..3 {
        desk.refuse(&books.try_draw(STREAM, 2_000));
    }
    assert_eq!(desk.turn_away(&books.try_draw(STREAM, 2_000)).name(), "refusal-quota");
    assert_eq!(failures_of(&sim), Vec::<String>::new());
}
