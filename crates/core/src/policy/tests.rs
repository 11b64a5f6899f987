use super::*;
use crate::{
    checkpoint::{Checkpoint, cosign},
    hash::Digest,
    keys::SecretKey,
    note::{NoteSigner as _, SignerKey},
};

fn log(seed: u8) -> SignerKey {
    let name = format!("log.example/{seed}");
    SignerKey::new(&name, SignatureType::Ed25519, SecretKey::from_seed(&[seed; 32])).unwrap()
}

fn witness(seed: u8) -> SignerKey {
    let name = format!("witness.example/{seed}");
    SignerKey::new(&name, SignatureType::CosignatureV1, SecretKey::from_seed(&[seed; 32])).unwrap()
}

/// `log` lines and `witness W<n>` lines, then the rest.
fn policy_text(logs: &[u8], witnesses: &[u8], rest: &str) -> String {
    let logs = logs.iter().map(|seed| format!("log {}\n", log(*seed).verifier()));
    let witnesses = witnesses.iter().map(|seed| format!("witness W{seed} {}\n", witness(*seed).verifier()));
    logs.chain(witnesses).collect::<String>() + rest
}

/// A checkpoint of log 1, cosigned by these witnesses.
fn note(witnesses: &[u8]) -> Note {
    let checkpoint = Checkpoint { origin: "log.example/1".to_owned(), size: 9, root: Digest([9; 32]) };
    let mut note = checkpoint.sign(&mut log(1)).unwrap();
    for seed in witnesses {
        note.signatures.push(cosign(&note.text, 1000 + u64::from(*seed), &mut witness(*seed)).unwrap());
    }
    note
}

/// Two of three banks and any auditor, as in the example of the C2SP document.
fn banks_and_auditors() -> Policy {
    let rest = "group banks 2 W11 W12 W13\n\
                group auditors any W21 W22\n\
                group both all banks auditors\n\
                quorum both\n";
    Policy::parse(policy_text(&[1, 2], &[11, 12, 13, 21, 22], rest).as_bytes()).unwrap()
}

#[test]
fn two_of_three_banks_and_one_auditor_are_a_quorum_and_nothing_less_is() {
    let policy = banks_and_auditors();
    let satisfied = |witnesses: &[u8]| policy.evaluate(&note(witnesses)).unwrap().satisfied();

    for good in [&[11, 12, 21][..], &[22, 13, 11], &[11, 12, 13, 21, 22]] {
        assert!(satisfied(good), "{good:?}");
    }
    for bad in [&[][..], &[11, 12], &[11, 21, 22], &[11, 12, 13], &[21, 22], &[11, 11, 21]] {
        assert!(!satisfied(bad), "{bad:?}");
    }
}

#[test]
fn a_missed_quorum_says_who_is_missing_and_who_came() {
    let result = banks_and_auditors().evaluate(&note(&[11, 12])).unwrap();

    assert_eq!(result.log.as_deref(), Some("log.example/1"));
    assert!(!result.log_missing);
    let expected =
        [("W11", 1011), ("W12", 1012)].map(|(name, time)| Witnessed { witness: name.to_owned(), time });
    assert_eq!(result.witnessed, expected);
    assert_eq!(
        result.missing,
        Some(Missing::Group {
            name: "both".to_owned(),
            have: 1,
            need: 2,
            absent: vec!["auditors".to_owned()]
        })
    );
}

#[test]
fn one_witness_can_be_the_quorum() {
    let policy = Policy::parse(policy_text(&[], &[11], "quorum W11\n").as_bytes()).unwrap();

    assert!(policy.evaluate(&note(&[11])).unwrap().satisfied());
    let missed = policy.evaluate(&note(&[])).unwrap();
    assert_eq!(missed.missing, Some(Missing::Witness("W11".to_owned())));
}

#[test]
fn with_quorum_none_the_logs_signature_is_enough_and_still_needed() {
    let none = Policy::parse(policy_text(&[1], &[], "quorum none\n").as_bytes()).unwrap();
    let other = Policy::parse(policy_text(&[2], &[], "quorum none\n").as_bytes()).unwrap();

    assert!(none.asks_nobody());
    assert!(none.evaluate(&note(&[])).unwrap().satisfied());
    let unsigned = Note { signatures: vec![], ..note(&[]) };
    assert!(none.evaluate(&unsigned).unwrap().log_missing);
    assert!(!other.evaluate(&note(&[])).unwrap().satisfied());
}

#[test]
fn a_log_signs_for_its_own_origin_only() {
    let policy = Policy::parse(policy_text(&[1, 2], &[], "quorum none\n").as_bytes()).unwrap();
    let foreign = note(&[]).text.replace("log.example/1", "log.example/2");
    let note = crate::note::sign(&foreign, &mut log(1)).unwrap();

    assert!(policy.evaluate(&note).unwrap().log_missing);
}

#[test]
fn a_failing_line_of_a_known_witness_rejects_the_note() {
    let mut note = note(&[11, 12, 21]);
    note.signatures[1].signature[20] ^= 1;

    let error = banks_and_auditors().evaluate(&note).unwrap_err();

    assert_eq!(error, NoteError::BadSignature { line: 1, name: "witness.example/11".to_owned() });
}

#[test]
fn comments_blanks_tabs_and_urls_are_read_as_the_format_says() {
    let text = format!(
        "# a comment\n\n  \t# another\n\tlog\t{}   https://log.example/\n witness  W {} https://w.example/ \nquorum W\n",
        log(1).verifier(),
        witness(2).verifier()
    );

    let policy = Policy::parse(text.as_bytes()).unwrap();

    assert_eq!(policy.logs().next(), Some((log(1).verifier(), Some("https://log.example/"))));
    let (named, key) = policy.witnesses().next().unwrap();
    assert_eq!((named.name.as_str(), named.url.as_deref()), ("W", Some("https://w.example/")));
    assert_eq!(key, witness(2).verifier());
}

#[test]
fn a_policy_that_breaks_one_rule_is_refused_for_that_rule() {
    use PolicyError::*;
    let name = |name: &str| name.to_owned();
    let base = |rest: &str| policy_text(&[1], &[11, 12], rest);
    let vkey = witness(13).verifier().to_string();
    let log_vkey = log(13).verifier().to_string();
    let bad_vkey = vkey.replacen("witness", "wetness", 1);
    let cases = [
        (base(""), NoQuorum),
        (base("quorum none"), NoLineFeed),
        (String::new(), NoLineFeed),
        (base("quorum none\nquorum none\n"), SecondQuorum { line: 5 }),
        (base("quorum W11\nquorum none\n"), SecondQuorum { line: 5 }),
        (base("quorum\n"), BadLine { line: 4 }),
        (base("quorum none none\n"), BadLine { line: 4 }),
        (base("Quorum none\n"), BadLine { line: 4 }),
        (base("log\n"), BadLine { line: 4 }),
        (base(&format!("log {log_vkey} u v\n")), BadLine { line: 4 }),
        (base("group g any\n"), BadLine { line: 4 }),
        (base("quorum\u{a0}none\n"), BadLine { line: 4 }),
        (base("quorum g\n"), Undefined { line: 4, name: name("g") }),
        (base("group g any g\n"), Undefined { line: 4, name: name("g") }),
        (base("group g any h\ngroup h any g\n"), Undefined { line: 4, name: name("h") }),
        (base("group g any none\n"), Undefined { line: 4, name: name("none") }),
        (base("group none any W11\n"), NameTaken { line: 4, name: name("none") }),
        (base("group W11 any W12\n"), NameTaken { line: 4, name: name("W11") }),
        (base(&format!("witness W11 {vkey}\n")), NameTaken { line: 4, name: name("W11") }),
        (base("group g any W11 W11\n"), MemberTwice { line: 4, name: name("W11") }),
        (base("group g any W11\ngroup h any W11\n"), MemberTwice { line: 5, name: name("W11") }),
        (base("group g 0 W11\n"), BadThreshold { line: 4, members: 1 }),
        (base("group g 3 W11 W12\n"), BadThreshold { line: 4, members: 2 }),
        (base("group g 01 W11\n"), BadThreshold { line: 4, members: 1 }),
        (base("group g some W11\n"), BadThreshold { line: 4, members: 1 }),
        (base(&format!("log {vkey}\n")), WrongType { line: 4 }),
        (base(&format!("witness w {log_vkey}\n")), WrongType { line: 4 }),
        (base(&format!("witness w {bad_vkey}\n")), BadKey { line: 4, error: KeyTextError::WrongId }),
        (base(&format!("log {}\n", log(1).verifier())), DuplicateKey { line: 4 }),
        (base(&format!("witness w {}\n", witness(11).verifier())), DuplicateKey { line: 4 }),
        (base("quorum none\r\n"), NotText),
        (base("# \u{7f}\nquorum none\n"), NotText),
        (" ".repeat(POLICY_BYTES_MAX + 1), TooLong(POLICY_BYTES_MAX + 1)),
    ];

    for (text, expected) in cases {
        assert_eq!(Policy::parse(text.as_bytes()), Err(expected), "{text}");
    }
    assert_eq!(Policy::parse(b"# \xff\nquorum none\n"), Err(NotText));
}

#[test]
fn the_limits_are_as_many_as_everybody_should_take_and_not_endless() {
    let seeds: Vec<u8> = (1..=65).collect();
    let chain = (1..=64).map(|at| format!("group g{at} any W{at}\n")).collect::<Vec<_>>().concat();

    let full = policy_text(&seeds[..64], &seeds[..64], &format!("{chain}quorum g64\n"));
    assert!(Policy::parse(full.as_bytes()).is_ok());
    for (logs, witnesses, rest, line) in
        [(65, 0, "", 65), (0, 65, "", 65), (0, 64, &*format!("{chain}group h any g1\n"), 129)]
    {
        let text = policy_text(&seeds[..logs], &seeds[..witnesses], rest);
        assert_eq!(Policy::parse(text.as_bytes()), Err(PolicyError::TooMany { line }));
    }
}
