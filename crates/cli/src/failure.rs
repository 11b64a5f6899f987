//! What went wrong, in the one shape that people and programs are told: a code, what, why, how to
//! mend it, and the exit code of product and SPEC ("Command line").

use std::fmt::{Display, Write as _};

use lian_domain::rejection::Rejection;
use lian_server::{
    open::OpenFault,
    service::{Hindrance, ServiceError},
};
use lian_store::{
    disk::{DiskError, LockError},
    recover::OpenError,
};
use serde_json::json;

/// Exit codes; fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Verification failed.
    Failed = 1,
    /// The command cannot be understood.
    Usage = 2,
    /// The mathematics hold, trust is not established.
    Unconfirmed = 3,
    /// Input or output.
    Io = 4,
    /// Another version than expected.
    Conflict = 5,
    /// A rule turned it down, on the record.
    Refused = 6,
    /// These keys may not say this.
    NotAuthorised = 7,
    /// No ledger there.
    NoLedger = 10,
    /// Another process writes.
    Locked = 11,
    /// A passphrase opens nothing.
    Passphrase = 12,
}

/// Why a command did not end well.
#[derive(Debug)]
pub struct Failure {
    /// Exit code.
    pub exit: Exit,
    /// Stable name for programs.
    pub code: String,
    /// One line.
    pub what: String,
    /// More lines.
    pub why: Vec<String>,
    /// What to do.
    pub fix: Option<String>,
    /// Everything was said on standard output already.
    pub said: bool,
}

/// The result of a command.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure with a code and one line.
    pub fn new(exit: Exit, code: &str, what: impl Display) -> Self {
        let what = what.to_string();
        Self { exit, code: code.to_owned(), what, why: Vec::new(), fix: None, said: false }
    }

    /// The command line cannot be understood.
    pub fn usage(what: impl Display) -> Self {
        Self::new(Exit::Usage, "usage", what)
    }

    /// A file cannot be read or written.
    pub fn io(path: &std::path::Path, error: impl Display) -> Self {
        Self::new(Exit::Io, "io", format!("{}: {error}", path.display()))
    }

    /// Only the exit code is left to give.
    pub fn said(exit: Exit, code: &str) -> Self {
        Self { said: true, ..Self::new(exit, code, "") }
    }

    /// One more line.
    #[must_use]
    pub fn because(mut self, why: impl Display) -> Self {
        self.why.push(why.to_string());
        self
    }

    /// What to do.
    #[must_use]
    pub fn fix(mut self, fix: impl Display) -> Self {
        self.fix = Some(fix.to_string());
        self
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("error[{}]: {}\n", self.code, self.what);
        for why in &self.why {
            let _infallible = writeln!(text, "  {why}");
        }
        if let Some(fix) = &self.fix {
            let _infallible = writeln!(text, "  fix: {fix}");
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> serde_json::Value {
        json!({"error": {
            "code": self.code, "what": self.what, "why": self.why, "fix": self.fix,
            "exit": self.exit as u8,
        }})
    }
}

impl From<DiskError> for Failure {
    fn from(error: DiskError) -> Self {
        Self::new(Exit::Io, "io", error)
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let fix = match &error {
            ServiceError::Hindered(Hindrance::NoSpace) => {
                "make room on the disk, then send it again: it counts once"
            }
            _ => "send it again: it counts once",
        };
        Self::new(Exit::Io, "stopped", error).fix(fix)
    }
}

impl From<OpenFault> for Failure {
    fn from(fault: OpenFault) -> Self {
        match fault {
            OpenFault::Open(OpenError::Lock(LockError::Held { holder })) => locked(&holder),
            OpenFault::Open(error) => Self::new(Exit::Io, "io", error),
            OpenFault::Start(error) => Self::new(Exit::Io, "io", error),
            OpenFault::Empty => no_ledger("."),
            OpenFault::Key(name) => Self::new(Exit::NotAuthorised, "wrong-log-key", OpenFault::Key(name))
                .fix("point [keys] in lian.toml to the keys that this ledger was opened with"),
            OpenFault::Exists => Self::new(Exit::Usage, "exists", fault),
            fault @ (OpenFault::Views(_) | OpenFault::NoSpaceForViews(_)) => {
                Self::new(Exit::Io, "views", fault)
            }
            fault @ OpenFault::Ahead { .. } => Self::new(Exit::Failed, "views-ahead", fault)
                .because("either the log lost entries, or these views are of a copy that went on")
                .fix("compare with a backup or a bank's checkpoint; if the log is right: `lian reindex`"),
            fault @ (OpenFault::Damaged(_) | OpenFault::Entry { .. }) => damaged(fault),
        }
    }
}

/// The folder is not what its log promised.
pub fn damaged(what: impl Display) -> Failure {
    Failure::new(Exit::Failed, "damaged", what)
        .because("the folder contradicts what the log promised: what is intact is not all, and nothing is written to it")
        .fix("run `lian verify` on it, and restore a copy that verifies")
}

/// There is no ledger in that folder.
pub fn no_ledger(folder: impl Display) -> Failure {
    Failure::new(Exit::NoLedger, "no-ledger", format!("{folder}: there is no ledger here")).fix(
        "name its folder with --ledger DIR or LIAN_LEDGER, or make one: `lian init`, `lian demo --dir D`",
    )
}

/// Somebody else holds the folder.
pub fn locked(holder: &str) -> Failure {
    Failure::new(Exit::Locked, "locked", format!("the ledger is being written by {holder}"))
        .because("one process writes a ledger folder at a time; reading commands work meanwhile")
        .fix("wait until it ends and repeat the command; a statement that is sent twice counts once")
}

/// The exit code of a rejection.
pub fn exit_of(rejection: &Rejection) -> Exit {
    exit_of_number(rejection.code())
}

/// The same by the number that a signed rejection carries.
pub fn exit_of_number(number: u16) -> Exit {
    match number {
        // stale-version, stale-requires, id-reused, already-logged
        18 | 19 | 22 | 23 => Exit::Conflict,
        // keys, capacities, signatures, sides; genesis; independence
        7..=16 | 26..=29 => Exit::NotAuthorised,
        // seen-contradicted: somebody rewrote history
        21 => Exit::Failed,
        // refusal-quota: what would be refused is only counted
        24 => Exit::Refused,
        // clock-stopped
        25 => Exit::Io,
        // form and time
        _ => Exit::Usage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_version_a_strange_key_and_a_broken_form_have_exit_codes_of_their_own() {
        let stale = Rejection::StaleVersion { stream: String::new(), expected: 1, actual: 2 };
        assert_eq!(exit_of(&stale), Exit::Conflict);
        assert_eq!(exit_of(&Rejection::UnknownKey(String::new())), Exit::NotAuthorised);
        assert_eq!(exit_of(&Rejection::Schema(String::new())), Exit::Usage);
        let seen = Rejection::SeenContradicted { epoch: 1, seen: String::new(), own: String::new() };
        assert_eq!(exit_of(&seen), Exit::Failed);
    }

    #[test]
    fn an_error_says_code_what_why_and_fix() {
        let failure = Failure::usage("what").because("why").fix("do");

        assert_eq!(failure.text(), "error[usage]: what\n  why\n  fix: do\n");
        assert_eq!(failure.json()["error"]["exit"], 2);
    }
}
