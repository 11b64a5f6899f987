use super::*;
use crate::{
    keys::SecretKey,
    note::{SignerKey, Verified, cosignature_message},
};

/// The example of the C2SP cosignature document.
const EXAMPLE_TEXT: &str =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const EXAMPLE_LINES: &str = "\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO\
oRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
\u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo\
0xUe+mbIUBkBIfZ+qnA==\n";

const ORIGIN: &str = "customs.example/2026";
const TIME: u64 = 1_795_406_703;

fn signer(name: &str, seed: u8) -> SignerKey {
    SignerKey::new(name, SignatureType::Ed25519, SecretKey::from_seed(&[seed; 32])).unwrap()
}

fn log() -> SignerKey {
    signer(ORIGIN, 1)
}

fn witness(seed: u8) -> SignerKey {
    signer(&format!("witness.example/{seed}"), seed).into_cosigner()
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size: 70_000, root: Digest([0x5a; 32]) }
}

fn signed() -> Note {
    checkpoint().sign(&mut log()).unwrap()
}

#[test]
fn the_c2sp_example_holds_what_its_document_says() {
    let note = Note::parse(format!("{EXAMPLE_TEXT}\n{EXAMPLE_LINES}").as_bytes()).unwrap();
    let checkpoint = Checkpoint::parse(&note.text).unwrap();
    let cosignature = &note.signatures[1];

    assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
    assert_eq!(checkpoint.size, 20_852_163);
    assert_eq!(checkpoint.to_text(), EXAMPLE_TEXT);
    assert_eq!(cosignature.key_id, [0x8d, 0x66, 0xcf, 0x3f]);
    assert_eq!(cosignature.signature.len(), COSIGNATURE_BYTES);
    assert_eq!(cosignature.signature[..8], 0x6418_50cb_u64.to_be_bytes());
    assert_eq!(
        cosignature_message(&note.text, 0x6418_50cb),
        format!("cosignature/v1\ntime 1679315147\n{EXAMPLE_TEXT}").into_bytes()
    );
}

#[test]
fn a_signed_checkpoint_opens_with_the_logs_key_only() {
    let note = signed().encode();

    let open_checkpoint = open(note.as_bytes(), log().verifier()).unwrap();
    assert_eq!(open_checkpoint.checkpoint, checkpoint());
    assert_eq!(open_checkpoint.note.encode(), note);
    let other_key = signer(ORIGIN, 2);
    let other_name = signer("customs.example/2027", 1);
    for wrong in [other_key, other_name] {
        let opened = open(note.as_bytes(), wrong.verifier());
        assert_eq!(opened.unwrap_err(), NoteError::NoKnownSignature.into());
    }
}

#[test]
fn a_log_key_opens_no_checkpoint_of_another_origin() {
    let text = checkpoint().to_text().replace("2026", "2027");
    let note = note::sign(&text, &mut log()).unwrap().encode();

    assert_eq!(
        open(note.as_bytes(), log().verifier()).unwrap_err(),
        CheckpointError::WrongOrigin {
            expected: ORIGIN.to_owned(),
            found: "customs.example/2027".to_owned()
        }
    );
    assert_eq!(
        checkpoint().sign(&mut signer("customs.example/2027", 1)).unwrap_err(),
        SignError::WrongName { key: "customs.example/2027".to_owned(), origin: ORIGIN.to_owned() }
    );
}

#[test]
fn a_text_that_breaks_one_rule_is_no_checkpoint() {
    use CheckpointError::*;
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    let cases = [
        (String::new(), NotThreeLines),
        ("a\n1\n".to_owned(), NotThreeLines),
        (format!("a\n1\n{root}"), NotThreeLines),
        (format!("\n1\n{root}\n"), NotThreeLines),
        (format!("a\n1\n{root}\n\n"), NotThreeLines),
        (format!("a\n1\n{root}\nextension\n"), Extensions(1)),
        (format!("a b\n1\n{root}\n"), BadOrigin),
        (format!("a+b\n1\n{root}\n"), BadOrigin),
        (format!("a\n\n{root}\n"), BadSize),
        (format!("a\n01\n{root}\n"), BadSize),
        (format!("a\n00\n{root}\n"), BadSize),
        (format!("a\n+1\n{root}\n"), BadSize),
        (format!("a\n-1\n{root}\n"), BadSize),
        (format!("a\n1 \n{root}\n"), BadSize),
        (format!("a\n\u{661}\n{root}\n"), BadSize),
        (format!("a\n9223372036854775808\n{root}\n"), BadSize),
        (format!("a\n18446744073709551616\n{root}\n"), BadSize),
        (format!("a\n1\n{}\n", root.replace("2I=", "2J=")), BadRoot),
        (format!("a\n1\n{}\n", root.replace('=', "")), BadRoot),
        (format!("a\n1\n{root} \n"), BadRoot),
        (format!("a\n1\n{}\n", &root[4..]), BadRoot),
        (format!("a\n0\n{root}\n"), BadEmptyRoot),
    ];

    for (text, expected) in cases {
        assert_eq!(Checkpoint::parse(&text), Err(expected), "{text:?}");
    }
    assert_eq!(Checkpoint::parse(&format!("a\n9223372036854775807\n{root}\n")).unwrap().size, SIZE_MAX);
    let empty = Checkpoint { origin: "a".to_owned(), size: 0, root: empty_root() };
    assert_eq!(Checkpoint::parse(&empty.to_text()), Ok(empty));
}

#[test]
fn extension_lines_of_other_logs_are_kept_and_cosigned() {
    let text = format!("{EXAMPLE_TEXT}extension one\nextension two\n");

    let (parsed, extensions) = Checkpoint::parse_foreign(&text).unwrap();
    assert_eq!(parsed.size, 20_852_163);
    assert_eq!(extensions, ["extension one", "extension two"]);
    assert!(Checkpoint::parse_foreign(&format!("{text}\n")).is_err());
    let line = cosign(&text, TIME, &mut witness(2)).unwrap();
    let mut note = Note { text, signatures: vec![line] };
    let keys = [witness(2).verifier().clone()];
    assert_eq!(cosignatures(&note, &keys).unwrap()[0].time, TIME);
    note.text = EXAMPLE_TEXT.to_owned();
    assert!(cosignatures(&note, &keys).is_err());
}

#[test]
fn cosignatures_say_who_saw_the_checkpoint_and_when() {
    let mut note = signed();
    for (seed, time) in [(2, TIME), (3, TIME + 1), (2, TIME + 9)] {
        note.signatures.push(cosign(&note.text, time, &mut witness(seed)).unwrap());
    }
    let keys = [witness(3).verifier().clone(), witness(2).verifier().clone()];

    let found = cosignatures(&note, &keys).unwrap();

    let found: Vec<_> = found.iter().map(|cosignature| (cosignature.key.name(), cosignature.time)).collect();
    assert_eq!(
        found,
        [("witness.example/2", TIME), ("witness.example/3", TIME + 1), ("witness.example/2", TIME + 9)]
    );
    assert_eq!(cosignatures(&note, &[]).unwrap(), []);
    assert_eq!(open(note.encode().as_bytes(), log().verifier()).unwrap().note, note);
}

#[test]
fn a_cosignature_binds_its_time_and_the_whole_text() {
    let text = checkpoint().to_text();
    let keys = [witness(2).verifier().clone()];
    let line = cosign(&text, TIME, &mut witness(2)).unwrap();
    let good = Note { text, signatures: vec![line] };
    assert_eq!(good.verify(&keys), Ok(vec![Verified { line: 0, key: 0, time: Some(TIME) }]));

    for at in 0..COSIGNATURE_BYTES {
        let mut bad = good.clone();
        bad.signatures[0].signature[at] ^= 1;
        assert!(cosignatures(&bad, &keys).is_err(), "byte {at}");
    }
    for bytes in [COSIGNATURE_BYTES - 1, COSIGNATURE_BYTES + 1, 64, 7] {
        let mut bad = good.clone();
        bad.signatures[0].signature.resize(bytes, 0);
        assert!(cosignatures(&bad, &keys).is_err(), "{bytes} bytes");
    }
}

#[test]
fn a_cosignature_is_never_a_log_signature_nor_the_reverse() {
    let (mut as_log, mut as_witness) = (signer("w", 2), signer("w", 2).into_cosigner());
    let text = checkpoint().to_text();

    assert_ne!(as_log.verifier().key_id(), as_witness.verifier().key_id());
    assert_eq!(cosign(&text, TIME, &mut as_log), Err(SignError::WrongType));
    assert_eq!(note::sign(&text, &mut as_witness), Err(SignError::WrongType));
    let plain = note::sign(&text, &mut as_log).unwrap();
    assert_eq!(cosignatures(&plain, &[as_log.verifier().clone()]).unwrap(), []);
}

#[test]
fn a_time_with_the_sign_bit_set_is_neither_signed_nor_verified() {
    let text = checkpoint().to_text();
    let late = COSIGNATURE_TIME_MAX + 1;
    let mut key = witness(2);

    assert!(cosign(&text, COSIGNATURE_TIME_MAX, &mut key).is_ok());
    assert_eq!(cosign(&text, late, &mut key), Err(SignError::BadTime(late)));
    let by_hand = key.sign(&cosignature_message(&text, late)).unwrap();
    let line = key.verifier().line([&late.to_be_bytes()[..], &by_hand].concat());
    let note = Note { text, signatures: vec![line] };
    assert!(cosignatures(&note, &[key.verifier().clone()]).is_err());
}
