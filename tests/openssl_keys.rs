//! Key files and signatures against the `openssl` program, in both directions.
//! Without that program the tests say so and pass; with LIAN_CI=1 they fail.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use lian_core::keys::{KeyFileError, PublicKey, SecretKey};
use tempfile::TempDir;

const MESSAGE: &[u8] = b"guarantee/FB-115-000123";

/// A folder for one test, with the message in it; `None` if there is no openssl to ask.
struct Bench(TempDir);

impl Bench {
    fn new() -> Option<Self> {
        let found = Command::new("openssl").arg("version").output().is_ok_and(|out| out.status.success());
        if !found {
            assert!(env::var("LIAN_CI").as_deref() != Ok("1"), "openssl is not on PATH, and LIAN_CI=1");
            // Not println: the harness would swallow it in a test that passes.
            io::stderr().write_all(b"skipped: openssl is not on PATH\n").unwrap();
            return None;
        }
        let bench = Self(TempDir::new().unwrap());
        fs::write(bench.path("message"), MESSAGE).unwrap();
        Some(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn read_text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Runs openssl in the folder; whether it succeeded.
    fn openssl(&self, arguments: &str) -> bool {
        run(self.0.path(), arguments)
    }

    /// Has openssl write the public key of a secret key file, then sign, then verify our signature.
    fn agrees_with(&self, key: &SecretKey, file: &str, pass: &str) {
        let ours = key.public();
        assert!(self.openssl(&format!("pkey -in {file} {pass} -pubout -outform DER -out public.der")));
        assert_eq!(self.read("public.der"), ours.to_spki_der());
        assert_eq!(PublicKey::from_spki_der(&self.read("public.der")), Ok(ours));

        let sign = format!("pkeyutl -sign -rawin -inkey {file} {pass} -in message -out theirs");
        assert!(self.openssl(&sign));
        assert!(ours.verify(MESSAGE, &self.read("theirs")));
        assert_eq!(self.read("theirs"), key.sign(MESSAGE));

        let verify = "pkeyutl -verify -rawin -pubin -keyform DER -inkey public.der -in message -sigfile ours";
        fs::write(self.path("ours"), key.sign(MESSAGE)).unwrap();
        assert!(self.openssl(verify));
        fs::write(self.path("ours"), key.sign(b"another message")).unwrap();
        assert!(!self.openssl(verify));
    }
}

fn run(folder: &Path, arguments: &str) -> bool {
    let output =
        Command::new("openssl").current_dir(folder).args(arguments.split_whitespace()).output().unwrap();
    if !output.status.success() {
        println!("openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}

#[test]
fn openssl_reads_our_plain_key_file() {
    let Some(bench) = Bench::new() else { return };
    let key = SecretKey::from_seed(&[5; 32]);

    fs::write(bench.path("key.pem"), key.to_pem().as_bytes()).unwrap();

    bench.agrees_with(&key, "key.pem", "");
    assert!(bench.openssl("pkey -in key.pem -out again.pem"));
    assert_eq!(bench.read_text("again.pem"), *key.to_pem());
}

#[test]
fn openssl_reads_our_encrypted_key_file_with_its_passphrase_only() {
    let Some(bench) = Bench::new() else { return };
    let key = SecretKey::from_seed(&[6; 32]);

    let pem = key.to_encrypted_pem(b"swordfish", &[1; 16], &[2; 16]);
    fs::write(bench.path("key.pem"), pem.as_bytes()).unwrap();

    bench.agrees_with(&key, "key.pem", "-passin pass:swordfish");
    assert!(!bench.openssl("pkey -in key.pem -passin pass:swordfisH -noout"));
}

#[test]
fn we_read_what_openssl_generates() {
    let Some(bench) = Bench::new() else { return };

    assert!(bench.openssl("genpkey -algorithm ed25519 -out key.pem"));

    let key = SecretKey::from_pem(&bench.read_text("key.pem")).unwrap();
    bench.agrees_with(&key, "key.pem", "");
    assert_eq!(*key.to_pem(), bench.read_text("key.pem"));
}

#[test]
fn we_read_what_openssl_encrypts_with_scrypt_and_with_pbkdf2() {
    let Some(bench) = Bench::new() else { return };
    assert!(bench.openssl("genpkey -algorithm ed25519 -out plain.pem"));
    let key = SecretKey::from_pem(&bench.read_text("plain.pem")).unwrap();

    for how in ["-scrypt", "-v2 aes-256-cbc", "-v2 aes-128-cbc -v2prf hmacWithSHA512 -iter 100000"] {
        let encrypt = format!("pkcs8 -topk8 -in plain.pem -out key.pem {how} -passout pass:swordfish");
        assert!(bench.openssl(&encrypt));
        let pem = bench.read_text("key.pem");

        let opened = SecretKey::from_encrypted_pem(&pem, b"swordfish").unwrap();
        assert_eq!(opened.public(), key.public(), "{how}");
        let wrong = SecretKey::from_encrypted_pem(&pem, b"swordfisH").unwrap_err();
        assert_eq!(wrong, KeyFileError::WrongPassphrase, "{how}");
        assert_eq!(SecretKey::from_pem(&pem).unwrap_err(), KeyFileError::Encrypted);
    }
}

#[test]
fn encryption_that_we_do_not_open_is_named_as_such() {
    let Some(bench) = Bench::new() else { return };
    assert!(bench.openssl("genpkey -algorithm ed25519 -out plain.pem"));

    for how in ["-v2 des3", "-v2 camellia-256-cbc", "-v2 aes-256-cbc -v2prf hmacWithSHA1"] {
        let encrypt = format!("pkcs8 -topk8 -in plain.pem -out key.pem {how} -passout pass:swordfish");
        assert!(bench.openssl(&encrypt));

        let refused = SecretKey::from_encrypted_pem(&bench.read_text("key.pem"), b"swordfish");
        assert_eq!(refused.unwrap_err(), KeyFileError::UnsupportedEncryption, "{how}");
    }
}

#[test]
fn keys_of_other_algorithms_are_named_as_such() {
    let Some(bench) = Bench::new() else { return };

    for algorithm in
        ["ed448", "x25519", "EC -pkeyopt ec_paramgen_curve:P-256", "RSA -pkeyopt rsa_keygen_bits:2048"]
    {
        assert!(bench.openssl(&format!("genpkey -algorithm {algorithm} -out key.pem")));
        assert!(bench.openssl("pkey -in key.pem -pubout -outform DER -out public.der"));

        let refused = SecretKey::from_pem(&bench.read_text("key.pem")).unwrap_err();
        assert_eq!(refused, KeyFileError::NotEd25519, "{algorithm}");
        assert!(PublicKey::from_spki_der(&bench.read("public.der")).is_err(), "{algorithm}");
    }
}
