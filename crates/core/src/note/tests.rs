use super::*;

/// The known answer of the Go team's note package: deterministic, so it works in both directions.
const PETER: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PETER_VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
then you don't know what your problem is.\n";
const LINE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg\
KvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn peter() -> SignerKey {
    SignerKey::parse(PETER).unwrap()
}

fn peter_vkey() -> VerifierKey {
    VerifierKey::parse(PETER_VKEY).unwrap()
}

fn enoch() -> SignerKey {
    SignerKey::new("EnochRoot", SignatureType::Ed25519, SecretKey::from_seed(&[7; 32])).unwrap()
}

/// The known note with these signature lines.
fn note_of(lines: &[&str]) -> Vec<u8> {
    format!("{TEXT}\n{}", lines.concat()).into_bytes()
}

#[test]
fn the_known_note_is_signed_and_opened_byte_by_byte() {
    let signed = sign(TEXT, &mut peter()).unwrap().encode();

    assert_eq!(signed.as_bytes(), note_of(&[LINE]));
    let (note, verified) = open(signed.as_bytes(), &[peter_vkey()]).unwrap();
    assert_eq!(note.text, TEXT);
    assert_eq!(verified, [Verified { line: 0, key: 0, time: None }]);
    assert_eq!(note.encode(), signed);
}

#[test]
fn the_known_keys_read_and_write_the_same_text() {
    assert_eq!(peter_vkey().to_string(), PETER_VKEY);
    assert_eq!(peter().verifier(), &peter_vkey());
    assert_eq!(*peter().to_secret_text(), PETER);
    assert_eq!(peter_vkey().key_id(), [0xc7, 0x4f, 0x20, 0xa3]);
}

#[test]
fn a_text_may_hold_empty_lines_and_even_a_signature_line() {
    for text in ["\n", "\n\n", "first\n\nsecond\n", &format!("{TEXT}\n{LINE}")] {
        let signed = sign(text, &mut peter()).unwrap().encode();
        let (note, _) = open(signed.as_bytes(), &[peter_vkey()]).unwrap();
        assert_eq!(note.text, text);
    }
}

#[test]
fn lines_of_unknown_keys_are_ignored() {
    let enoch_line = sign(TEXT, &mut enoch()).unwrap().signatures[0].encode();
    let same_name = LINE.replace("x08go/", "x08gp/");
    let same_id = LINE.replace("PeterNeumann", "PeterPan");

    for lines in [[&enoch_line, LINE], [&same_name, LINE], [LINE, &same_id]] {
        let (note, verified) = open(&note_of(&lines), &[peter_vkey()]).unwrap();
        assert_eq!(note.signatures.len(), 2);
        assert_eq!(verified.len(), 1);
    }
    for lines in [[&enoch_line], [&same_name], [&same_id]] {
        let opened = open(&note_of(&lines.map(String::as_str)), &[peter_vkey()]);
        assert_eq!(opened.unwrap_err(), NoteError::NoKnownSignature);
    }
}

#[test]
fn one_failing_line_of_a_known_key_rejects_the_note() {
    let bad = LINE.replace("ZJkuBS", "ZJkuBT");
    let short = peter_vkey().line(vec![1; 63]).encode();
    let keys = [peter_vkey(), enoch().verifier().clone()];
    let enoch_line = sign(TEXT, &mut enoch()).unwrap().signatures[0].encode();

    assert!(open(&note_of(&[&enoch_line, LINE]), &keys).is_ok());
    for failing in [&bad, &short] {
        let opened = open(&note_of(&[&enoch_line, LINE, failing]), &keys);
        assert_eq!(opened.unwrap_err(), NoteError::BadSignature { line: 2, name: "PeterNeumann".to_owned() });
    }
}

#[test]
fn no_byte_of_a_note_can_be_changed() {
    let good = note_of(&[LINE]);
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert!(open(&bad, &[peter_vkey()]).is_err(), "byte {at} bit {bit}");
        }
    }
    for cut in 0..good.len() {
        assert!(open(&good[..cut], &[peter_vkey()]).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_note_that_breaks_one_rule_is_refused_for_that_rule() {
    let with_line = |line: &str| note_of(&[line]);
    let lines = |count: usize| note_of(&vec![LINE; count]);
    let long_text = format!("{}\n\n{LINE}", "a".repeat(TEXT_BYTES_MAX)).into_bytes();
    let invalid_utf8 = [b"\xff".as_slice(), &with_line(LINE)].concat();
    let cases: Vec<(Vec<u8>, NoteError)> = vec![
        (b"".to_vec(), NoteError::NoText),
        (b"text\n".to_vec(), NoteError::NoText),
        (format!("text\n{LINE}").into_bytes(), NoteError::NoText),
        (format!("\n{LINE}").into_bytes(), NoteError::NoText),
        (b"text\n\n".to_vec(), NoteError::NoSignature),
        (invalid_utf8, NoteError::NotUtf8),
        (with_line(LINE).replacing(b"you", b"y\tu"), NoteError::ControlByte(4)),
        (with_line(LINE).replacing(b"problem,\n", b"problem,\r"), NoteError::ControlByte(56)),
        (long_text, NoteError::TextTooLong(TEXT_BYTES_MAX + 1)),
        (vec![b'a'; NOTE_BYTES_MAX + 1], NoteError::TooLong(NOTE_BYTES_MAX + 1)),
        (lines(SIGNATURES_MAX + 1), NoteError::TooManySignatures),
        (with_line(LINE.trim_end()), NoteError::BadLine(0)),
        (with_line(&LINE.replace('\u{2014}', "-")), NoteError::BadLine(0)),
        (with_line(&LINE.replace("PeterNeumann", "")), NoteError::BadLine(0)),
        (with_line(&LINE.replace("PeterNeumann", "Peter+Neumann")), NoteError::BadLine(0)),
        (with_line(&LINE.replace("PeterNeumann", "Peter\u{3000}Neumann")), NoteError::BadLine(0)),
        (with_line(&LINE.replace("PeterNeumann", "Peter Neumann")), NoteError::BadLine(0)),
        (with_line(&LINE.replace("PeterNeumann", &"P".repeat(256))), NoteError::BadLine(0)),
        (with_line(&LINE.replace("nAM=", "nAN=")), NoteError::BadLine(0)),
        (with_line(&LINE.replace("nAM=", "nAM")), NoteError::BadLine(0)),
        (with_line(&LINE.replace("nAM=", "nAM= ")), NoteError::BadLine(0)),
        (with_line("\u{2014} PeterNeumann x08gow==\n"), NoteError::BadLine(0)),
        (note_of(&[LINE, "text\n"]), NoteError::BadLine(1)),
    ];

    for (note, expected) in cases {
        let parsed = Note::parse(&note).map(|_| ());
        assert_eq!(parsed, Err(expected), "{:?}", String::from_utf8_lossy(&note[..note.len().min(300)]));
    }
    assert_eq!(Note::parse(&lines(SIGNATURES_MAX)).unwrap().signatures.len(), SIGNATURES_MAX);
}

trait Replacing {
    fn replacing(&self, from: &[u8], to: &[u8]) -> Vec<u8>;
}

impl Replacing for Vec<u8> {
    fn replacing(&self, from: &[u8], to: &[u8]) -> Vec<u8> {
        let at = self.windows(from.len()).position(|window| window == from).unwrap();
        [&self[..at], to, &self[at + from.len()..]].concat()
    }
}

#[test]
fn a_signature_line_has_a_longest_signature() {
    let longest = NoteSignature {
        name: "n".repeat(NAME_BYTES_MAX),
        key_id: [1, 2, 3, 4],
        signature: vec![5; LINE_SIGNATURE_BYTES_MAX],
    };
    let longer = NoteSignature { signature: vec![5; LINE_SIGNATURE_BYTES_MAX + 1], ..longest.clone() };

    assert_eq!(NoteSignature::parse(&longest.encode()), Some(longest));
    assert_eq!(NoteSignature::parse(&longer.encode()), None);
}

#[test]
fn a_text_that_cannot_be_a_note_is_not_signed() {
    let long = "a".repeat(TEXT_BYTES_MAX) + "\n";

    for (text, why) in [
        ("", NoteError::NoText),
        ("no line feed", NoteError::NoText),
        ("a\tb\n", NoteError::ControlByte(1)),
        (&long, NoteError::TextTooLong(TEXT_BYTES_MAX + 1)),
    ] {
        assert_eq!(sign(text, &mut peter()), Err(SignError::BadText(why)));
    }
    assert_eq!(sign(TEXT, &mut peter().into_cosigner()), Err(SignError::WrongType));
}

#[test]
fn a_known_key_that_is_given_twice_is_ambiguous() {
    let opened = open(&note_of(&[LINE]), &[peter_vkey(), peter_vkey()]);

    assert_eq!(opened.unwrap_err(), NoteError::AmbiguousKeys("PeterNeumann".to_owned()));
}

#[test]
fn a_vkey_that_breaks_one_rule_is_refused_for_that_rule() {
    let key_of = |bytes: &[u8]| format!("a+00000000+{}", STANDARD.encode(bytes));
    let small_order = [&[1][..], &[1], &[0; 31]].concat();
    let cases = [
        ("", KeyTextError::Malformed),
        ("PeterNeumann", KeyTextError::Malformed),
        ("PeterNeumann+c74f20a3", KeyTextError::Malformed),
        (&PETER_VKEY.replace("c74f20a3", "C74F20A3"), KeyTextError::Malformed),
        (&PETER_VKEY.replace("c74f20a3", "c74f20a"), KeyTextError::Malformed),
        (&PETER_VKEY.replace("c74f20a3", "c74f20a4"), KeyTextError::WrongId),
        (&PETER_VKEY.replace("PeterNeumann", "PeterPan"), KeyTextError::WrongId),
        (&PETER_VKEY.replace("PeterNeumann", ""), KeyTextError::BadName),
        (&PETER_VKEY.replace("PeterNeumann", "Peter Neumann"), KeyTextError::BadName),
        (&format!("{PETER_VKEY}="), KeyTextError::Malformed),
        (&format!("{PETER_VKEY}\n"), KeyTextError::Malformed),
        (&key_of(&[1; 32]), KeyTextError::Malformed),
        (&key_of(&[1; 34]), KeyTextError::Malformed),
        (&key_of(&[]), KeyTextError::Malformed),
        (&key_of(&[2; 33]), KeyTextError::UnsupportedType(2)),
        (&key_of(&[6; 33]), KeyTextError::UnsupportedType(6)),
        (&key_of(&small_order), KeyTextError::BadKey(PublicKeyError::SmallOrder)),
    ];

    for (vkey, expected) in cases {
        assert_eq!(VerifierKey::parse(vkey), Err(expected), "{vkey}");
    }
}

#[test]
fn a_signer_key_whose_id_is_of_another_key_is_refused() {
    for bad in [
        PETER.replace("c74f20a3", "c74f20a4"),
        PETER.replace("PRIVATE+KEY+", ""),
        PETER.replace("PRIVATE+KEY+", "private+key+"),
        PETER_VKEY.to_owned(),
    ] {
        assert!(SignerKey::parse(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_signer_does_not_show_its_secret() {
    let shown = format!("{:?}", peter());

    assert!(shown.contains("SecretKey(not shown)"), "{shown}");
    assert!(!shown.contains("AYEKFALVFGyNhPJEMzD1QIDr"));
}

#[test]
fn a_device_that_holds_the_key_can_sign_or_fail() {
    struct Device(SignerKey, bool);
    impl NoteSigner for Device {
        fn verifier(&self) -> &VerifierKey {
            self.0.verifier()
        }
        fn sign(&mut self, message: &[u8]) -> Result<[u8; 64], SignError> {
            if self.1 { self.0.sign(message) } else { Err(SignError::Device("no card".to_owned())) }
        }
    }

    let signed = sign(TEXT, &mut Device(peter(), true)).unwrap();
    assert_eq!(signed.encode().as_bytes(), note_of(&[LINE]));
    let failed = sign(TEXT, &mut Device(peter(), false));
    assert_eq!(failed, Err(SignError::Device("no card".to_owned())));
}
