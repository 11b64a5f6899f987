//! `lian doctor`: what could keep a ledger from working, each with a line that mends it.
//! Invariant: looks only; the one file that it writes, to time the disk, it removes.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::Instant,
};

use lian_core::keys::SecretKey;
use serde_json::{Value, json};

use crate::{
    failure::{Exit, Failure, Result},
    folder::{CONFIG, Config, VIEWS, View, now_ms},
    out::{Lang, Out},
    remote::{Remote, failed},
    say::group,
    session::Session,
};

const EXAMPLES: &str = "\
Examples:
  lian doctor                                the folder of this ledger
  lian doctor --server https://ledger.example
Exit code 0 if nothing failed, 1 otherwise.
";
/// Space below which the next segments do not fit: FAIL below one, WARN below eight.
const SEGMENT_BYTES: u64 = 64 << 20;
/// Syncs that are timed.
const SYNCS: usize = 16;
/// A disk slower than this holds every answer up.
const SYNC_MS_WARN: u128 = 20;
/// How far the last entry may lie ahead of this machine's clock, ms.
const AHEAD_MS_MAX: u64 = 5_000;

/// Options of `lian doctor`.
#[derive(clap::Args)]
#[command(before_help = EXAMPLES)]
pub struct Arguments {}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Grade {
    Ok,
    Warn,
    Fail,
}

/// What was looked at, and how to mend it.
struct Line {
    grade: Grade,
    name: &'static str,
    what: String,
    mend: Option<(&'static str, &'static str)>,
}

impl Line {
    fn ok(name: &'static str, what: impl Into<String>) -> Self {
        Self { grade: Grade::Ok, name, what: what.into(), mend: None }
    }

    fn bad(
        grade: Grade,
        name: &'static str,
        what: impl Into<String>,
        zh: &'static str,
        en: &'static str,
    ) -> Self {
        Self { grade, name, what: what.into(), mend: Some((zh, en)) }
    }

    fn word(&self) -> &'static str {
        match self.grade {
            Grade::Ok => "OK",
            Grade::Warn => "WARN",
            Grade::Fail => "FAIL",
        }
    }

    fn mend(&self, out: Out) -> Option<&'static str> {
        self.mend.map(|(zh, en)| if out.lang == Lang::Zh { zh } else { en })
    }
}

/// Runs it.
pub fn run(_: &Arguments, session: &Session) -> Result<()> {
    let out = session.out;
    let lines = match &session.far {
        Some(_) => server(session),
        None => folder(session),
    };
    if out.json {
        let value = |line: &Line| json!({"check": line.name, "result": line.word(), "what": line.what, "fix": line.mend(out)});
        out.value(&Value::Array(lines.iter().map(value).collect()));
    } else {
        for line in &lines {
            let word = match line.grade {
                Grade::Ok => out.word("PASS").replace("PASS", "OK"),
                Grade::Warn => out.word("WARN"),
                Grade::Fail => out.word("FAIL"),
            };
            out.line(format!("{word:<4} {:<12} {}", line.name, line.what));
            if let Some(mend) = line.mend(out) {
                out.line(format!("     {:<12} fix: {mend}", ""));
            }
        }
    }
    if lines.iter().any(|line| line.grade == Grade::Fail) {
        return Err(Failure::said(Exit::Failed, "doctor"));
    }
    Ok(())
}

fn server(session: &Session) -> Vec<Line> {
    let remote = match session.remote() {
        Ok(Some(remote)) => remote,
        Ok(None) => return Vec::new(),
        Err(failure) => {
            return vec![Line::bad(
                Grade::Fail,
                "server",
                failure.what,
                "請核對網址、憑證與公證金鑰（--server、--ca、--server-key）",
                "check address, certificate and log key (--server, --ca, --server-key)",
            )];
        }
    };
    vec![Line::ok("server", remote.client.url()), extends(&remote), ready(&remote)]
}

fn extends(remote: &Remote) -> Line {
    match remote.client.checkpoint().map_err(failed) {
        Ok(head) => Line::ok("head", format!("{} entries, extends what was seen before", group(head.size))),
        Err(failure) => Line::bad(
            Grade::Fail,
            "head",
            failure.what,
            "請勿簽署；保留證據並與他人比對檢查點",
            "sign nothing; keep the evidence and compare checkpoints with others",
        ),
    }
}

fn ready(remote: &Remote) -> Line {
    match remote.client.unverified().ready().map_err(failed) {
        Ok(_) => Line::ok("ready", "statements are taken"),
        Err(failure) => Line::bad(
            Grade::Warn,
            "ready",
            failure.what,
            "請在伺服器上執行 lian doctor",
            "run `lian doctor` on the server's machine",
        ),
    }
}

fn folder(session: &Session) -> Vec<Line> {
    let folder = session.folder.as_path();
    let mut lines = vec![space(folder), sync(folder)];
    match View::open(folder) {
        Ok(view) => {
            lines.push(head(folder, &view));
            lines.push(clock(&view));
            lines.push(views(folder));
            lines.extend(keys(session, &view));
        }
        Err(failure) => lines.push(Line::bad(
            Grade::Fail,
            "ledger",
            failure.what,
            "請以 --ledger 指定帳本資料夾，或以 lian init 建立",
            "name the folder with --ledger DIR, or make one: lian init",
        )),
    }
    lines
}

fn space(folder: &Path) -> Line {
    let free = match rustix::fs::statvfs(folder) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => {
            return Line::bad(
                Grade::Fail,
                "space",
                error.to_string(),
                "請核對資料夾",
                "check that the folder is there",
            );
        }
    };
    let what = format!("{} MiB free", group(free >> 20));
    let grade = match free / SEGMENT_BYTES {
        0 => Grade::Fail,
        1..8 => Grade::Warn,
        _ => return Line::ok("space", what),
    };
    Line::bad(
        grade,
        "space",
        what,
        "請清出空間或擴充磁碟；寫滿時僅供查詢",
        "free or add space; a full disk leaves the ledger read-only",
    )
}

/// The median of a few small synced writes: what every commit waits for, twice.
fn sync(folder: &Path) -> Line {
    let path = folder.join("doctor.tmp");
    let timed = || -> std::io::Result<u128> {
        let mut file = File::create(&path)?;
        file.write_all(&[0; 4_096])?;
        file.sync_all()?;
        let mut took = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let start = Instant::now();
            file.write_all(&[1; 4_096])?;
            file.sync_data()?;
            took.push(start.elapsed().as_micros());
        }
        took.sort_unstable();
        Ok(took[SYNCS / 2])
    };
    let timed = timed();
    // Nothing of it is to stay; a folder that cannot be written left nothing.
    let _gone = fs::remove_file(&path);
    match timed {
        Ok(micros) if micros <= SYNC_MS_WARN * 1_000 => Line::ok("disk", format!("fdatasync in {micros} µs")),
        Ok(micros) => Line::bad(
            Grade::Warn,
            "disk",
            format!("fdatasync in {micros} µs"),
            "磁碟寫入過慢，每筆陳述須等候兩次；請改用較快之磁碟",
            "every commit waits for it twice; use a faster disk",
        ),
        Err(error) => Line::bad(
            Grade::Fail,
            "disk",
            error.to_string(),
            "請核對資料夾之寫入權限",
            "make the folder writable for this user",
        ),
    }
}

fn head(folder: &Path, view: &View) -> Line {
    let head = view.reader.head();
    let published = fs::read(folder.join("checkpoint")).ok();
    let published = published.and_then(|note| lian_core::checkpoint::open(&note, &view.log).ok());
    let (size, published) = (head.size(), published.map(|open| open.checkpoint));
    let root = published
        .as_ref()
        .filter(|promised| promised.size <= size)
        .map(|promised| view.reader.root_at(promised.size));
    let agrees = match (&published, root) {
        (None, _) => true,
        (Some(promised), Some(Ok(root))) => promised.root == root,
        _ => false,
    };
    if agrees {
        return Line::ok("head", format!("{} entries, root {}", group(size), head.tip().range().root()));
    }
    let promised = published.map_or(0, |promised| promised.size);
    Line::bad(
        Grade::Fail,
        "head",
        format!(
            "{} entries, and a checkpoint of {} was published that they do not lead to",
            group(size),
            group(promised)
        ),
        "帳本遺失或改寫了已公布之條目；請勿寫入，還原通過驗證之備份",
        "entries that were promised are lost or changed; write nothing, restore a backup that verifies",
    )
}

fn clock(view: &View) -> Line {
    let last = view.reader.head().tip().recorded_at();
    let now = now_ms();
    if last <= now + AHEAD_MS_MAX {
        return Line::ok(
            "clock",
            format!("the last entry is {} s old", group(now.saturating_sub(last) / 1_000)),
        );
    }
    Line::bad(
        Grade::Fail,
        "clock",
        format!("the last entry lies {} s ahead of this machine", group((last - now) / 1_000)),
        "請校正本機時鐘（NTP）",
        "set this machine's clock (NTP)",
    )
}

fn views(folder: &Path) -> Line {
    if folder.join(VIEWS).is_dir() {
        Line::ok("views", "kept in views/sled; judged against the log at each start")
    } else {
        Line::ok("views", "none kept; they are made from the log when it is served")
    }
}

/// The log's own keys: there, for their owner alone, and the ones that entry 0 names.
fn keys(session: &Session, view: &View) -> Vec<Line> {
    let folder = session.folder.as_path();
    let config = match Config::read(folder) {
        Ok(config) => config,
        Err(failure) => {
            return vec![Line::bad(
                Grade::Warn,
                "signer",
                failure.what,
                "僅能查詢；寫入須 lian.toml 與公證金鑰",
                "this folder can only be read; writing needs lian.toml and the log's keys",
            )];
        }
    };
    let mut lines = vec![Line::ok("settings", format!("{CONFIG}: {}", config.name))];
    let named = [
        ("log", &config.keys.log),
        ("system:log", &config.keys.system_log),
        ("admission", &config.keys.admission),
    ];
    for (name, path) in named {
        lines.push(key(name, &folder.join(path), view));
    }
    lines
}

fn key(name: &'static str, path: &Path, view: &View) -> Line {
    let bad = |grade, what: String, zh, en| Line::bad(grade, "key", format!("{name}: {what}"), zh, en);
    let (Ok(pem), Ok(found)) = (fs::read_to_string(path), fs::metadata(path)) else {
        let what = format!("{} cannot be read", path.display());
        return bad(Grade::Fail, what, "請自保管處還原金鑰檔", "restore the key file from where you keep it");
    };
    if found.permissions().mode() & 0o077 != 0 {
        let what = format!("{} may be read by others", path.display());
        return bad(Grade::Fail, what, "請執行 chmod 600", "chmod 600 the file");
    }
    match SecretKey::from_pem(&pem) {
        Ok(secret) if name == "log" && secret.public() != *view.log.public() => {
            let what = "this is not the key that entry 0 names".to_owned();
            bad(
                Grade::Fail,
                what,
                "請於 lian.toml 指向開帳時之金鑰",
                "point lian.toml to the key that opened this ledger",
            )
        }
        Ok(_) => {
            let what = "not encrypted".to_owned();
            bad(Grade::Warn, what, "正式帳本之金鑰請加密", "encrypt the keys of a real ledger: lian key")
        }
        Err(lian_core::keys::KeyFileError::Encrypted) => {
            Line::ok("key", format!("{name}: encrypted, for its owner alone"))
        }
        Err(error) => bad(
            Grade::Fail,
            error.to_string(),
            "請自保管處還原金鑰檔",
            "restore the key file from where you keep it",
        ),
    }
}
