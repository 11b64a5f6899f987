//! Key files and the passphrases that open them.
//! Invariant: a passphrase comes from a file or from the terminal, never from an argument or an
//! environment variable; key files are made for their owner alone and never overwritten.

use std::{
    cell::RefCell,
    fs::OpenOptions,
    io::{IsTerminal as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use lian_core::keys::{KEY_FILE_BYTES_MAX, KeyFileError, SecretKey};
use zeroize::Zeroizing;

use crate::{
    failure::{Exit, Failure, Result},
    folder::read_file,
    out::Out,
    text::Text,
};

/// A passphrase is at most this long.
const PASSPHRASE_BYTES_MAX: u64 = 1_024;

/// Opens key files; remembers passphrases for this run.
pub struct Keyring {
    files: Vec<PathBuf>,
    known: RefCell<Vec<Zeroizing<String>>>,
}

impl Keyring {
    /// With passphrases from these files.
    pub fn new(files: Vec<PathBuf>) -> Self {
        Self { files, known: RefCell::new(Vec::new()) }
    }

    /// Opens a key file, asking for its passphrase if none that is known opens it.
    pub fn load(&self, path: &Path, out: Out) -> Result<SecretKey> {
        let bytes = Zeroizing::new(read_file(path, KEY_FILE_BYTES_MAX as u64)?);
        let pem = std::str::from_utf8(&bytes).map_err(|_| not_a_key(path, KeyFileError::Malformed))?;
        match SecretKey::from_pem(pem) {
            Err(KeyFileError::Encrypted) => self.decrypt(path, pem, out),
            other => other.map_err(|error| not_a_key(path, error)),
        }
    }

    fn decrypt(&self, path: &Path, pem: &str, out: Out) -> Result<SecretKey> {
        if self.known.borrow().is_empty() {
            for file in &self.files {
                self.known.borrow_mut().push(passphrase_in(file)?);
            }
        }
        for passphrase in self.known.borrow().iter() {
            match SecretKey::from_encrypted_pem(pem, passphrase.as_bytes()) {
                Err(KeyFileError::WrongPassphrase) => {}
                other => return other.map_err(|error| not_a_key(path, error)),
            }
        }
        let tried = !self.known.borrow().is_empty();
        let passphrase = ask(&out.text(Text::AskPassphrase, &[&path.display()]), tried, path)?;
        let key = SecretKey::from_encrypted_pem(pem, passphrase.as_bytes());
        let key = key.map_err(|error| match error {
            KeyFileError::WrongPassphrase => wrong(path),
            other => not_a_key(path, other),
        })?;
        self.known.borrow_mut().push(passphrase);
        Ok(key)
    }

    /// A passphrase for new files: from the first passphrase file, or typed twice.
    pub fn new_passphrase(&self, out: Out) -> Result<Zeroizing<String>> {
        if let Some(file) = self.files.first() {
            return passphrase_in(file);
        }
        let path = Path::new("the new key");
        let first = ask(&out.text(Text::NewPassphrase, &[]), false, path)?;
        let again = ask(&out.text(Text::AgainPassphrase, &[]), false, path)?;
        if first != again {
            return Err(Failure::new(Exit::Passphrase, "passphrase", "the two passphrases differ"));
        }
        if first.is_empty() {
            return Err(Failure::new(Exit::Passphrase, "passphrase", "an empty passphrase protects nothing")
                .fix("say --no-passphrase if that is what you mean"));
        }
        Ok(first)
    }
}

fn passphrase_in(file: &Path) -> Result<Zeroizing<String>> {
    let bytes = Zeroizing::new(read_file(file, PASSPHRASE_BYTES_MAX)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::io(file, "is not UTF-8"))?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn ask(prompt: &str, tried: bool, path: &Path) -> Result<Zeroizing<String>> {
    // Without a terminal there is nobody to ask; a wrong passphrase was wrong.
    if !std::io::stdin().is_terminal() {
        return Err(if tried { wrong(path) } else { needed(path) });
    }
    rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|_| needed(path))
}

fn wrong(path: &Path) -> Failure {
    Failure::new(
        Exit::Passphrase,
        "wrong-passphrase",
        format!("{}: {}", path.display(), KeyFileError::WrongPassphrase),
    )
}

fn needed(path: &Path) -> Failure {
    Failure::new(Exit::Passphrase, "passphrase", format!("{}: a passphrase is needed", path.display()))
        .fix("run it in a terminal, or name a file that holds it: --passphrase-file FILE")
}

fn not_a_key(path: &Path, error: KeyFileError) -> Failure {
    Failure::new(Exit::Io, "key-file", format!("{}: {error}", path.display()))
}

/// Fresh bytes from the system.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new(Exit::Io, "randomness", error))?;
    Ok(bytes)
}

/// A new key.
pub fn generate() -> Result<SecretKey> {
    let seed = Zeroizing::new(random::<32>()?);
    Ok(SecretKey::from_seed(&seed))
}

/// Writes a key file, encrypted if there is a passphrase; mode 0600; never over another file.
pub fn save(path: &Path, key: &SecretKey, passphrase: Option<&str>) -> Result<()> {
    let pem = match passphrase {
        Some(passphrase) => key.to_encrypted_pem(passphrase.as_bytes(), &random()?, &random()?),
        None => key.to_pem(),
    };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::new(Exit::Io, "exists", format!("{}: there is a file of that name", path.display()))
                .because("a key that is overwritten is lost for ever")
                .fix("choose another name with --out FILE")
        }
        _ => Failure::io(path, error),
    })?;
    file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| Failure::io(path, error))
}

/// A key by its file, or by the name of a file in the ledger's `keys/`: `bank:004` is `bank-004.pem`.
pub fn find(name: &str, folder: &Path) -> PathBuf {
    let path = PathBuf::from(name);
    let inside = folder.join("keys").join(file_name(name));
    if !path.exists() && inside.exists() { inside } else { path }
}

/// The file name of an actor's key.
pub fn file_name(actor: &str) -> String {
    format!("{}.pem", actor.replace([':', '/'], "-"))
}
