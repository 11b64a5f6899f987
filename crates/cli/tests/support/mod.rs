//! Runs the real binary in folders of its own.
#![allow(dead_code, reason = "every test binary uses its own part")]

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
};

use tempfile::TempDir;

pub const NO: &str = "FB-115-000123";
pub const VALID: &str = "115-01-01..118-12-31";

/// A folder with a sandbox ledger in it.
pub struct Desk {
    folder: TempDir,
}

/// What a run said.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails with everything that was said unless the code is this one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

impl Desk {
    /// An empty desk.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A desk with a sandbox ledger: everybody is enrolled.
    pub fn with_ledger() -> Self {
        let desk = Self::empty();
        desk.run(&["init", "--dir", "ledger", "--dev-keys"]).exits(0);
        desk
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn ledger(&self) -> PathBuf {
        self.path().join("ledger")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        command(self.path(), arguments)
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).output().unwrap())
    }

    /// The bank requests, customs accepts: the guarantee is at version 2.
    pub fn accepted(&self) {
        let request = ["guarantee", "request", NO, "--principal", "12345675", "--limit", "5000000"];
        self.run(&[&request[..], &["--valid", VALID, "--key", "bank-004"]].concat()).exits(0);
        self.run(&["guarantee", "accept", NO, "--key", "officer-7f3k"]).exits(0);
    }

    /// Serves its ledger on a free port.
    pub fn serve(&self, more: &[&str]) -> Served {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--json"];
        Served::start(self.command(&[&serve[..], more].concat()))
    }

    pub fn draw(&self, serial: u32, amount: u32, more: &[&str]) -> Run {
        let (declaration, amount) = (format!("CA__15494A{serial:04}"), amount.to_string());
        let draw = ["guarantee", "draw", NO, "--declaration", &declaration, "--amount", &amount];
        self.run(&[&draw[..], &["--key", "system-release"], more].concat())
    }

    /// The only file in `receipts/` that ends so.
    #[track_caller]
    pub fn file(&self, end: &str) -> PathBuf {
        let names = std::fs::read_dir(self.path().join("receipts")).unwrap();
        let mut found =
            names.map(|entry| entry.unwrap().path()).filter(|path| path.to_string_lossy().ends_with(end));
        found.next().unwrap_or_else(|| panic!("no file ends with {end}"))
    }
}

/// A server of its own process, ended with the test.
pub struct Served {
    child: Child,
    pub url: String,
    pub said: serde_json::Value,
}

impl Served {
    /// Runs a command that serves, and waits until it says where.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            let mut err = String::new();
            let _unread = child.stderr.as_mut().unwrap().read_to_string(&mut err);
            panic!("{error}: {line}{err}")
        });
        let url = said["url"].as_str().unwrap().to_owned();
        Self { child, url, said }
    }

    /// Sends a signal and waits for the end.
    pub fn ends(mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        self.child.wait().unwrap().code()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        Command::new("kill").args([signal, &id]).status().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended; then there is nobody to end.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The binary in a folder, with nothing from the environment that changes what it says.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lian"));
    command.args(arguments).current_dir(folder);
    for name in [
        "LIAN_SERVER",
        "LIAN_SERVER_KEY",
        "LIAN_CA",
        "LIAN_LISTEN",
        "LIAN_PASSPHRASE_FILE",
        "LC_ALL",
        "LC_MESSAGES",
        "NO_COLOR",
    ] {
        command.env_remove(name);
    }
    command.env("LANG", "en_US.UTF-8").env("LIAN_LEDGER", "ledger").env("LIAN_RECEIPTS", "receipts");
    command.env("LIAN_SEEN", "seen");
    command.stdin(Stdio::null());
    command
}

pub fn run(folder: &Path, arguments: &[&str]) -> Run {
    Run::of(&command(folder, arguments).output().unwrap())
}

/// The demo's ledger, made once, with the forgeries beside it.
pub fn sample() -> &'static Path {
    static SAMPLE: OnceLock<TempDir> = OnceLock::new();
    let folder = SAMPLE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), &["demo", "--dir", "sample", "--json"]).exits(0).json();
        std::fs::rename(folder.path().join("sample/ledger"), folder.path().join("ledger")).unwrap();
        folder
    });
    folder.path()
}

/// A copy of it that may be written.
pub fn copy() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_all(&sample().join("ledger"), &folder.path().join("ledger"));
    folder
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            copy_all(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
