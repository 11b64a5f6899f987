use super::*;

/// RFC 8032 section 7.1, test 2.
const SEED: [u8; 32] = *b"\x4c\xcd\x08\x9b\x28\xff\x96\xda\x9d\xb6\xc3\x46\xec\x11\x4e\x0f\
\x5b\x8a\x31\x9f\x35\xab\xa6\x24\xda\x8c\xf6\xed\x4f\xb8\xa6\xfb";
const PUBLIC: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
const SIGNATURE: &str = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

fn key() -> SecretKey {
    SecretKey::from_seed(&SEED)
}

fn encrypted() -> Zeroizing<String> {
    key().to_encrypted_pem(b"correct horse", &[7; 16], &[9; 16])
}

#[test]
fn rfc_8032_test_2_is_signed_and_verified() {
    let signature = key().sign(b"\x72");

    assert_eq!(hex_encode(key().public().as_bytes32()), PUBLIC);
    assert_eq!(hex_encode(&signature), SIGNATURE);
    assert!(key().public().verify(b"\x72", &signature));
}

#[test]
fn a_signature_over_other_bytes_or_of_other_length_is_refused() {
    let signature = key().sign(b"duty");
    let public = key().public();

    assert!(public.verify(b"duty", &signature));
    assert!(!public.verify(b"dutY", &signature));
    assert!(!public.verify(b"duty", &signature[..63]));
    assert!(!public.verify(b"duty", &[&signature[..], &[0]].concat()));
    for bit in 0..512 {
        let mut bad = signature;
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(!public.verify(b"duty", &bad), "bit {bit}");
    }
}

#[test]
fn a_public_key_has_one_spki_spelling() {
    let der = key().public().to_spki_der();

    assert_eq!(hex_encode(&der), format!("302a300506032b6570032100{PUBLIC}"));
    assert_eq!(PublicKey::from_spki_der(&der), Ok(key().public()));
    for at in 0..12 {
        let mut bad = der;
        bad[at] ^= 1;
        assert_eq!(PublicKey::from_spki_der(&bad), Err(PublicKeyError::NotSpki(44)));
    }
    assert!(PublicKey::from_spki_der(&der[..43]).is_err());
    assert!(PublicKey::from_spki_der(&[&der[..], &[0]].concat()).is_err());
    assert!(PublicKey::from_spki_der(&[]).is_err());
}

#[test]
fn a_key_id_binds_tag_algorithm_and_spki() {
    let expected = sha256(&[b"lian/key/v1\n\x01", &key().public().to_spki_der()]);

    assert_eq!(key().public().id(), expected);
    assert_eq!(expected.to_hex(), "2575c67135bc3b745d2769306da61100cae1bb80a729b6131ed786caf879cf44");
}

#[test]
fn every_other_spelling_of_a_point_is_refused() {
    // y = 1 written as p + 1, and y = 1 with the sign of x = 0 set.
    let mut above_p = [0xff; 32];
    above_p[0] = 0xee;
    above_p[31] = 0x7f;
    let mut minus_zero = [0; 32];
    minus_zero[0] = 1;
    minus_zero[31] = 0x80;

    for bytes in [above_p, minus_zero] {
        assert_eq!(PublicKey::from_bytes32(&bytes), Err(PublicKeyError::NotCanonical));
    }
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    assert_eq!(PublicKey::from_bytes32(&off_curve), Err(PublicKeyError::NotOnCurve));
}

#[test]
fn keys_of_small_and_mixed_order_cannot_be_enrolled() {
    use curve25519_dalek::constants::EIGHT_TORSION;
    let honest = key().public().0.to_edwards();

    assert_eq!(key().public().check_enrolable(), Ok(()));
    for torsion in EIGHT_TORSION {
        let small = PublicKey::from_bytes32(&torsion.compress().to_bytes()).unwrap();
        assert_eq!(small.check_enrolable(), Err(PublicKeyError::SmallOrder));
    }
    for torsion in &EIGHT_TORSION[1..] {
        let mixed = (honest + torsion).compress().to_bytes();
        let mixed = PublicKey::from_bytes32(&mixed).unwrap();
        assert_eq!(mixed.check_enrolable(), Err(PublicKeyError::MixedOrder));
    }
}

#[test]
fn a_plain_key_file_is_pkcs8_version_1_and_reads_back() {
    let pem = key().to_pem();

    // As `openssl genpkey -algorithm ed25519` writes it: 48 bytes, 64 characters of base64.
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI"));
    assert_eq!(pem.lines().count(), 3);
    assert_eq!(SecretKey::from_pem(&pem).unwrap().public(), key().public());
    assert_eq!(SecretKey::from_encrypted_pem(&pem, b"x").unwrap_err(), KeyFileError::NotEncrypted);
}

#[test]
fn an_encrypted_key_file_opens_with_its_passphrase_only() {
    let pem = encrypted();

    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    let opened = SecretKey::from_encrypted_pem(&pem, b"correct horse").unwrap();
    assert_eq!(opened.public(), key().public());
    for wrong in [&b"correct horsf"[..], b"", b"correct horse\n"] {
        assert_eq!(SecretKey::from_encrypted_pem(&pem, wrong).unwrap_err(), KeyFileError::WrongPassphrase);
    }
    assert_eq!(SecretKey::from_pem(&pem).unwrap_err(), KeyFileError::Encrypted);
}

#[test]
fn a_malformed_key_file_is_not_taken_for_a_wrong_passphrase() {
    let pem = encrypted();
    let cut = pem.replacen("MI", "MJ", 1);
    let relabelled = pem.replace("ENCRYPTED PRIVATE", "ENCRYPTED EC");
    let padded = format!("{}{}", *pem, " ".repeat(KEY_FILE_BYTES_MAX));

    for bad in ["", "MC4CAQ", &cut, &relabelled] {
        assert_eq!(
            SecretKey::from_encrypted_pem(bad, b"correct horse").unwrap_err(),
            KeyFileError::Malformed,
            "{bad}"
        );
    }
    assert_eq!(SecretKey::from_pem(&padded).unwrap_err(), KeyFileError::TooLong { bytes: padded.len() });
}

/// A wrong passphrase leaves valid padding once in 256 tries, and then garbage.
#[test]
fn what_decrypts_to_garbage_counts_as_a_wrong_passphrase() {
    let cheap = ScryptParams {
        salt: Salt::new([7; 16]).unwrap(),
        cost_parameter: 2,
        block_size: 8,
        parallelization: 1,
        key_length: None,
    };
    let scheme = EncryptionScheme::from(Parameters {
        kdf: Kdf::from(cheap),
        encryption: pkcs8::pkcs5::pbes2::EncryptionScheme::Aes256Cbc { iv: [9; 16] },
    });
    let opened = |plain: &[u8]| {
        let file = pkcs8::EncryptedPrivateKeyInfoOwned {
            encryption_algorithm: scheme.clone(),
            encrypted_data: pkcs8::der::asn1::OctetString::new(scheme.encrypt("x", plain).unwrap()).unwrap(),
        };
        let pem = to_pem(PEM_ENCRYPTED, SecretDocument::encode_msg(&file).unwrap().as_bytes());
        SecretKey::from_encrypted_pem(&pem, b"x")
    };

    assert_eq!(opened(&key().to_pkcs8_der()[..]).unwrap().public(), key().public());
    assert_eq!(opened(&[0x5a; 48]).unwrap_err(), KeyFileError::WrongPassphrase);
    assert_eq!(opened(&[]).unwrap_err(), KeyFileError::WrongPassphrase);
}

/// Under the identity as key, s = 1 and R = B satisfy the equation for every message.
#[test]
fn a_key_of_small_order_verifies_nothing() {
    let mut one = [0; 32];
    one[0] = 1;
    let weak = PublicKey::from_bytes32(&one).unwrap();
    let base = curve25519_dalek::constants::ED25519_BASEPOINT_COMPRESSED.to_bytes();
    let signature: [u8; 64] = [base, one].concat().try_into().unwrap();

    let lax = ed25519_dalek::Verifier::verify(&weak.0, b"any", &Signature::from_bytes(&signature));
    assert!(lax.is_ok(), "the forgery is a good one");
    assert!(!weak.verify(b"any", &signature));
}

/// The key of another algorithm, with the same layout: X25519 is 1.3.101.110.
#[test]
fn a_private_key_of_another_algorithm_is_named_as_such() {
    let mut der = key().to_pkcs8_der();
    der[11] = 0x6e;

    let pem = to_pem(PEM_PLAIN, &der[..]);

    assert_eq!(SecretKey::from_pem(&pem).unwrap_err(), KeyFileError::NotEd25519);
}

/// Version 2 files carry the public key; one that belongs to another secret is a trap.
#[test]
fn a_key_file_with_somebody_elses_public_key_is_refused() {
    let pair = |public: PublicKey| KeypairBytes {
        secret_key: SEED,
        public_key: Some(ed25519_dalek::pkcs8::PublicKeyBytes(*public.as_bytes32())),
    };
    let pem = |pair: &KeypairBytes| {
        use ed25519_dalek::pkcs8::EncodePrivateKey as _;
        pair.to_pkcs8_pem(LineEnding::LF).unwrap()
    };
    let other = SecretKey::from_seed(&[1; 32]).public();

    let own = SecretKey::from_pem(&pem(&pair(key().public()))).unwrap();
    assert_eq!(own.public(), key().public());
    assert_eq!(SecretKey::from_pem(&pem(&pair(other))).unwrap_err(), KeyFileError::PublicKeyMismatch);
}

#[test]
fn a_key_file_cannot_make_us_spend_more_than_the_limits() {
    let scrypt = |cost_parameter, block_size, parallelization| {
        Kdf::from(ScryptParams {
            salt: Salt::new([7; 16]).unwrap(),
            cost_parameter,
            block_size,
            parallelization,
            key_length: None,
        })
    };
    let affordable_kdf = |kdf| {
        let scheme = EncryptionScheme::from(Parameters {
            kdf,
            encryption: pkcs8::pkcs5::pbes2::EncryptionScheme::Aes256Cbc { iv: [9; 16] },
        });
        affordable(&scheme).is_ok()
    };

    assert!(affordable_kdf(scrypt(SCRYPT_N, SCRYPT_R, SCRYPT_P)));
    assert!(affordable_kdf(scrypt(1 << 16, 8, 16)));
    let refused = [
        (0, 8, 1),
        (1, 8, 1),
        (SCRYPT_N + 1, 8, 1),
        (1 << 17, 8, 1),
        (1 << 63, 8, 1),
        (SCRYPT_N, 0, 1),
        (SCRYPT_N, 8, 0),
        (SCRYPT_N, 8, 17),
    ];
    for (n, r, p) in refused {
        assert!(!affordable_kdf(scrypt(n, r, p)), "{n} {r} {p}");
    }
    let pbkdf2 = |rounds| {
        let salt = [7; 16];
        Kdf::from(pkcs8::pkcs5::pbes2::Pbkdf2Params::hmac_sha256(rounds, &salt).unwrap())
    };
    assert!(affordable_kdf(pbkdf2(600_000)));
    assert!(!affordable_kdf(pbkdf2(PBKDF2_ROUNDS_MAX + 1)));
    assert!(!affordable_kdf(pbkdf2(0)));
}

#[test]
fn a_secret_key_does_not_show_itself() {
    assert_eq!(format!("{:?}", key()), "SecretKey(not shown)");
}

#[test]
fn algorithm_numbers_are_fixed_and_only_ed25519_is_supported() {
    let named: Vec<u8> = (0..=255).filter(|number| Algorithm::from_u8(*number).is_some()).collect();
    let supported: Vec<u8> =
        (0..=255).filter(|number| Algorithm::from_u8(*number).is_some_and(Algorithm::is_supported)).collect();

    assert_eq!(named, [1, 2, 3, 4]);
    assert_eq!(supported, [1]);
    assert_eq!(Algorithm::MlDsa44.to_u8(), 4);
}
