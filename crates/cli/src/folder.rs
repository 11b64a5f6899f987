//! One ledger folder: its settings, reading it beside a writer, and taking it for writing.
//! Invariant: reading takes no lock and writes nothing; the log key that reading goes by is the
//! one that entry 0 claims, and is called so.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use lian_core::{merkle::CompactRange, note::VerifierKey};
use lian_domain::ledger::Ledger;
use lian_server::{
    keeping::Views,
    open::{Fold, OpenFault, OpenLedger, SystemKeys, open_over},
    peek,
};
use lian_store::{
    disk::{Disk, RealDisk},
    reader::Reader,
    recover::look,
    segment::{Damage, Harm},
    signer::LogKeys,
};
use serde::Deserialize;

use crate::{
    failure::{Exit, Failure, Result, damaged, no_ledger},
    keyring::Keyring,
    out::Out,
};

/// Where the rows of a served ledger are kept, in its folder.
pub const VIEWS: &str = "views/sled";
/// The settings file of a ledger folder.
pub const CONFIG: &str = "lian.toml";
const FIRST_SEGMENT: &str = "segments/000000.seg";
/// Entries from which a fold shows a bar.
const BAR_ENTRIES_MIN: u64 = 20_000;

/// `lian.toml`: what it takes to write a ledger.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name of the ledger = origin of its checkpoints.
    pub name: String,
    /// Where its keys are.
    pub keys: ConfigKeys,
}

/// Key files of the log itself; relative paths start at the folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigKeys {
    /// Signs checkpoints.
    pub log: PathBuf,
    /// Signs the log's own facts.
    pub system_log: PathBuf,
    /// Signs rejections.
    pub admission: PathBuf,
}

impl Config {
    /// The file as `lian init` writes it.
    pub fn write(name: &str, keys: &ConfigKeys) -> String {
        format!(
            "# A Lian ledger folder. segments/ is the truth; tile/ and checkpoint can be made again;\n\
             # keys/ is secret: leave it out of every copy that you hand on.\n\
             name = {name:?}\n\n[keys]\nlog = \"{}\"\nsystem_log = \"{}\"\nadmission = \"{}\"\n",
            keys.log.display(),
            keys.system_log.display(),
            keys.admission.display()
        )
    }

    /// Reads the file of a folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG);
        let text = fs::read_to_string(&path).map_err(|error| {
            Failure::io(&path, error)
                .fix("writing needs lian.toml with the keys of the log; reading does not")
        })?;
        toml::from_str(&text)
            .map_err(|error| Failure::new(Exit::Usage, "config", format!("{}: {error}", path.display())))
    }
}

/// A folder that is read.
pub struct View {
    /// Reads entries, tiles, proofs.
    pub reader: Reader,
    /// Name, as entry 0 claims it.
    pub name: String,
    /// Log key, as entry 0 claims it.
    pub log: VerifierKey,
    /// Somebody holds a promise of more entries than are here: an old copy, or one that was cut back.
    pub behind: Option<Damage>,
}

impl View {
    /// Opens a folder beside whoever writes it. A damaged one is an error: what is intact is not all
    /// that was promised, and no answer about "now" or "all" would be true.
    pub fn open(folder: &Path) -> Result<Self> {
        let disk = RealDisk::open(folder)
            .map_err(|error| if error.is_not_found() { no_ledger(folder.display()) } else { error.into() })?;
        let disk: Arc<dyn Disk> = Arc::new(disk);
        let (name, log) = match peek::claimed_by_entry_0(&*disk)? {
            Some(claimed) => claimed,
            None if disk.exists(FIRST_SEGMENT)? => {
                return Err(damaged(format!("{FIRST_SEGMENT} is there, but its entry 0 cannot be read")));
            }
            None => return Err(no_ledger(folder.display())),
        };
        let (reader, damage) = look(&disk, &LogKeys::new(vec![log.clone()]))?;
        let behind = match damage {
            Some(damage) if matches!(damage.what, Harm::Promised { .. }) => Some(damage),
            Some(damage) => return Err(OpenFault::Damaged(damage).into()),
            None => None,
        };
        if reader.head().size() == 0 {
            return Err(no_ledger(folder.display()));
        }
        Ok(Self { reader, name, log, behind })
    }

    /// Folds the first `size` entries: every verdict is computed again.
    pub fn fold(&self, size: u64, out: Out) -> Result<Ledger> {
        let mut fold = Fold::new(now_s());
        let bar = bar(out, size);
        let done = fold.run(&self.reader, size, &mut |done| bar.set_position(done));
        bar.finish_and_clear();
        done?;
        Ok(fold.ledger)
    }

    /// Folds all of it.
    pub fn fold_all(&self, out: Out) -> Result<Ledger> {
        self.fold(self.reader.head().size(), out)
    }

    /// The tree at the end.
    pub fn tree(&self) -> CompactRange {
        self.reader.head().tip().range().clone()
    }
}

/// Takes a folder for writing.
pub fn take(folder: &Path, keyring: &Keyring, out: Out) -> Result<(OpenLedger, SystemKeys)> {
    take_over(folder, keyring, None, out)
}

/// Takes a folder to serve it: its state is kept in rows, so that the next start is quick.
pub fn take_to_serve(folder: &Path, keyring: &Keyring, out: Out) -> Result<(OpenLedger, SystemKeys)> {
    take_over(folder, keyring, Some(&Views::at(&folder.join(VIEWS))), out)
}

fn take_over(
    folder: &Path,
    keyring: &Keyring,
    views: Option<&Views>,
    out: Out,
) -> Result<(OpenLedger, SystemKeys)> {
    let disk = RealDisk::open(folder).map_err(|_| no_ledger(folder.display()))?;
    if peek::claimed_by_entry_0(&disk)?.is_none() {
        return Err(no_ledger(folder.display()));
    }
    let config = Config::read(folder)?;
    let key = |path: &Path| keyring.load(&folder.join(path), out);
    let keys = SystemKeys {
        log: key(&config.keys.log)?,
        system_log: key(&config.keys.system_log)?,
        admission: key(&config.keys.admission)?,
    };
    let opened = open_views(Arc::new(disk), &config.name, &keys, views, out)?;
    Ok((opened, keys))
}

/// The same with keys at hand.
pub fn open_with(disk: Arc<dyn Disk>, name: &str, keys: &SystemKeys, out: Out) -> Result<OpenLedger> {
    open_views(disk, name, keys, None, out)
}

fn open_views(
    disk: Arc<dyn Disk>,
    name: &str,
    keys: &SystemKeys,
    views: Option<&Views>,
    out: Out,
) -> Result<OpenLedger> {
    let bar = bar(out, 0);
    let opened = open_over(disk, name, keys, now_s(), views, &mut |done| bar.set_position(done));
    bar.finish_and_clear();
    let opened = opened?;
    if let Some(why) = &opened.discarded {
        out.talk(format!("note: the views were made again from the log: {why}"));
    }
    for aside in &opened.set_aside {
        out.talk(format!("note: unfinished bytes after the last commit were set aside: {aside:?}"));
    }
    if opened.rolled_forward {
        out.talk("note: a batch that was written but not committed was judged good and committed");
    }
    Ok(opened)
}

fn bar(out: Out, size: u64) -> indicatif::ProgressBar {
    if size < BAR_ENTRIES_MIN { indicatif::ProgressBar::hidden() } else { out.bar(size) }
}

/// The clock of this machine, Unix milliseconds.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The same in seconds.
pub fn now_s() -> i64 {
    i64::try_from(now_ms() / 1_000).unwrap_or(i64::MAX)
}

/// Writes a file whole or not at all.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    // Two commands may write the same file at once; each has its own until it is whole.
    let temporary = path.with_extension(format!("part-{}", std::process::id()));
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| Failure::io(path, error))
}

/// Reads a file of a size that it may have.
pub fn read_file(path: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(bytes_max + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::io(path, error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(Failure::io(path, format!("is longer than {bytes_max} bytes")));
    }
    Ok(bytes)
}
