//! T7, T12 behind the door: a disk that is full, and one that does not answer. What was answered is
//! kept and can be read; what cannot be recorded is told so; once the disk is well again the server
//! goes on by itself. Nothing here waits for time: tests wait for what the server or the disk says.

use std::{
    env, fs,
    fs::File,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use lian_client::{
    answer::open_receipt,
    draft::Draft,
    sample::{House, SAMPLE_NAME},
};
use lian_core::{audit::Weight, hash::sha256, note::VerifierKey, statement::Envelope};
use lian_server::{
    clock::TestClock,
    http::{Config, Running as Server, serve},
    keeping::Views,
    open::open_over,
    service::{Answer, Hindrance, Service, ServiceError},
};
use lian_store::disk::{Disk, DiskCall, DiskError, DiskFile, DiskLock, LockError, OpenMode, RealDisk};

use crate::support::{
    START_S,
    browser::{Answered, Browser},
    business::request_of,
    desk::{Desk, LogSeeds},
    door::{config, log_key},
    found, system_keys,
};

const POST: &str = "/v1/statements";
const HOUSE: u64 = 1;
/// Nothing takes that long; whoever waits longer waits for ever.
const EVER: Duration = Duration::from_secs(60);

/// Asks until the answer is yes.
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < EVER, "never: {what}");
        thread::yield_now();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is wrong with a disk.
#[derive(Debug, Default)]
struct Ills {
    /// Syncs of files whose paths hold this wait.
    frozen: Option<&'static str>,
    /// Paths whose syncs wait.
    waiting: Vec<String>,
    /// Files whose path begins and ends like this cannot be made: there is no space.
    full: Option<(&'static str, &'static str)>,
    /// A file could not be made for that reason.
    refused: bool,
}

/// The real disk, with ills. Whether its syncs wait decides the test.
#[derive(Debug, Clone)]
struct IllDisk {
    inner: Arc<RealDisk>,
    ills: Arc<(Mutex<Ills>, Condvar)>,
}

impl IllDisk {
    fn over(folder: &Path) -> Self {
        Self { inner: Arc::new(RealDisk::open(folder).unwrap()), ills: Arc::default() }
    }

    fn freeze(&self, part: &'static str) {
        lock(&self.ills.0).frozen = Some(part);
    }

    fn is_frozen(&self) -> bool {
        lock(&self.ills.0).frozen.is_some()
    }

    fn thaw(&self) {
        lock(&self.ills.0).frozen = None;
        self.ills.1.notify_all();
    }

    /// Until a sync of such a file waits.
    fn await_sync(&self, end: &str) {
        let none = |ills: &mut Ills| !ills.waiting.iter().any(|path| path.ends_with(end));
        let waited = self.ills.1.wait_timeout_while(lock(&self.ills.0), EVER, none);
        assert!(!waited.unwrap().1.timed_out(), "nobody syncs {end:?}");
    }

    /// Until somebody lacked space.
    fn await_refusal(&self) {
        let waited = self.ills.1.wait_timeout_while(lock(&self.ills.0), EVER, |ills| !ills.refused);
        assert!(!waited.unwrap().1.timed_out(), "there is always space");
    }

    fn fill(&self, begin: &'static str, end: &'static str) {
        lock(&self.ills.0).full = Some((begin, end));
    }

    fn free(&self) {
        lock(&self.ills.0).full = None;
    }

    fn before_sync(&self, path: &str) {
        let mut ills = lock(&self.ills.0);
        let holds = |ills: &Ills| ills.frozen.is_some_and(|part| path.contains(part));
        if !holds(&ills) {
            return;
        }
        ills.waiting.push(path.to_owned());
        self.ills.1.notify_all();
        let mut ills = self.ills.1.wait_while(ills, |ills| holds(ills)).unwrap();
        ills.waiting.retain(|waiting| waiting != path);
    }
}

/// Thaws a disk when a test ends, also one that fails: a server cannot be stopped on a frozen one.
struct Thaw(IllDisk);

impl Drop for Thaw {
    fn drop(&mut self) {
        self.0.thaw();
    }
}

impl Disk for IllDisk {
    fn open(&self, path: &str, mode: OpenMode) -> Result<Box<dyn DiskFile>, DiskError> {
        let makes = matches!(mode, OpenMode::Create | OpenMode::Replace);
        let mut ills = lock(&self.ills.0);
        if makes && ills.full.is_some_and(|(begin, end)| path.starts_with(begin) && path.ends_with(end)) {
            ills.refused = true;
            self.ills.1.notify_all();
            let no_space = std::io::ErrorKind::StorageFull.into();
            return Err(DiskError::new(DiskCall::Open, path, no_space));
        }
        drop(ills);
        let file = self.inner.open(path, mode)?;
        Ok(Box::new(IllFile { file, disk: self.clone() }))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, DiskError> {
        self.inner.list(folder)
    }

    fn exists(&self, path: &str) -> Result<bool, DiskError> {
        self.inner.exists(path)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        self.inner.remove(path)
    }

    fn create_dir(&self, path: &str) -> Result<(), DiskError> {
        self.inner.create_dir(path)
    }

    fn sync_dir(&self, folder: &str) -> Result<(), DiskError> {
        self.inner.sync_dir(folder)
    }

    fn lock(&self, holder: &str) -> Result<Box<dyn DiskLock>, LockError> {
        self.inner.lock(holder)
    }
}

#[derive(Debug)]
struct IllFile {
    file: Box<dyn DiskFile>,
    disk: IllDisk,
}

impl DiskFile for IllFile {
    fn path(&self) -> &str {
        self.file.path()
    }

    fn len(&self) -> Result<u64, DiskError> {
        self.file.len()
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<usize, DiskError> {
        self.file.read_at(offset, bytes)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, DiskError> {
        self.file.write_at(offset, bytes)
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.disk.before_sync(self.file.path());
        self.file.sync()
    }

    fn set_len(&self, bytes: u64) -> Result<(), DiskError> {
        self.file.set_len(bytes)
    }
}

/// A ledger folder with everybody of the house in it, served from some disk, with views as `lian`
/// keeps them.
struct Served {
    folder: PathBuf,
    ledger: String,
    log: VerifierKey,
    server: Server,
}

impl Served {
    fn found(folder: &Path) {
        let running = found(folder, HOUSE);
        running.service.close().unwrap();
    }

    fn start(folder: &Path, disk: Arc<dyn Disk>, mut config: Config) -> Self {
        let house = House::new(HOUSE);
        let (keys, log) = (system_keys(&house), log_key(&house));
        let views = Views::at(&folder.join("views/sled"));
        let opened = open_over(disk, SAMPLE_NAME, &keys, START_S, Some(&views), &mut |_| ()).unwrap();
        let clock = Arc::new(TestClock::at(u64::try_from(START_S).unwrap() * 1_000));
        let ledger = opened.ledger.id().to_owned();
        let service = Service::start(opened, keys, Arc::<TestClock>::clone(&clock), 2);
        (config.open_all, config.clock) = (true, clock);
        let server = serve(Arc::new(service), config).unwrap();
        Self { folder: folder.to_owned(), ledger, log, server }
    }

    fn browser(&self) -> Browser {
        Browser::open(self.server.address())
    }

    fn size(&self) -> u64 {
        self.server.service().reader().head().size()
    }

    /// What `/readyz` says: nothing, or the code of its problem.
    fn unready(browser: &mut Browser) -> Option<String> {
        let answer = browser.get("/readyz");
        (answer.status != 200).then(|| {
            assert!(answer.header("retry-after").is_some());
            answer.problem()
        })
    }

    /// Until `/readyz` says so.
    fn await_readiness(&self, code: Option<&str>) {
        let mut browser = self.browser();
        until(&format!("ready but for {code:?}"), || {
            assert_eq!(self.server.service().stopped(), None);
            Self::unready(&mut browser).as_deref() == code
        });
    }

    /// Statement `number`: always the same, with so many requests of the bank in it.
    fn statement(&self, house: &House, number: u64, requests: u64) -> Envelope {
        let id = sha256(&[b"disk", &number.to_be_bytes()]);
        let mut draft = Draft::with_id(&self.ledger, START_S, id.0[..16].try_into().unwrap());
        for at in 0..requests {
            let no = format!("D-{number}-{at}");
            let data = request_of(&no, "004", 1_000).data();
            draft = draft.event("guarantee.requested", &format!("guarantee/{no}"), 0, data);
        }
        house.sign(&draft, &[("bank:004", "guarantor")])
    }

    /// The entry of an answer that says "sealed", by a receipt that holds.
    fn sealed(&self, envelope: &Envelope, answer: &Answered) -> u64 {
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
        let receipt = answer.json()["receipt"]["tlog_proof"].as_str().unwrap().to_owned();
        open_receipt(receipt.as_bytes(), &self.log, Some(envelope)).unwrap().index
    }

    /// All that was answered is there, is what was sent, and is proved.
    fn read_back(&self, answered: &[(u64, Envelope)]) {
        let mut browser = self.browser();
        for (index, envelope) in answered {
            let receipt = browser.get(&format!("/v1/log/entries/{index}/receipt"));
            assert_eq!(receipt.status, 200, "{}", receipt.text());
            assert_eq!(open_receipt(&receipt.body, &self.log, Some(envelope)).unwrap().index, *index);
        }
        for target in ["/v1/log/entries", "/checkpoint", "/tile/0/000.p/1", "/healthz"] {
            assert_eq!(browser.get(target).status, 200, "{target}");
        }
        // Views may have to be made again; then they say so.
        let views = browser.get("/v1/keys");
        assert!(views.status == 200 || views.status == 503, "{}", views.text());
    }

    /// Stops; then a verifier reads the folder.
    fn close_and_audit(self, answered: &[(u64, Envelope)]) {
        let size = self.size();
        Arc::into_inner(self.server.stop()).unwrap().close().unwrap();
        audit(&self.folder, size, answered);
    }
}

/// A folder that nobody writes to holds so many entries and all that was answered, and a verifier
/// finds nothing wrong.
fn audit(folder: &Path, size: u64, answered: &[(u64, Envelope)]) {
    let report = lian_verify::run(folder, &lian_verify::Options::default(), &|_| ()).unwrap();
    let fails: Vec<_> = report.findings().filter(|finding| finding.weight == Weight::Fails).collect();
    assert!(fails.is_empty(), "{fails:?}");
    let disk = Arc::new(RealDisk::open(folder).unwrap());
    let desk = Desk::open(disk, &LogSeeds::of(&House::new(HOUSE)), START_S).unwrap();
    assert_eq!(desk.size(), size);
    for (index, envelope) in answered {
        assert_eq!(desk.reader().read_entry(*index).unwrap().payload, envelope.payload);
    }
}

/// A bank that posts statements of 100 requests, one after the other, each again as long as it is told
/// to come again, until the bank is told to end.
struct Bank {
    end: Arc<AtomicBool>,
    thread: JoinHandle<Vec<(Envelope, Option<Answered>)>>,
}

impl Bank {
    fn start(served: &Served, envelopes: Vec<Envelope>) -> Self {
        let (end, address) = (Arc::new(AtomicBool::new(false)), served.server.address());
        let told = Arc::clone(&end);
        let thread = thread::spawn(move || {
            let mut answers = Vec::new();
            let mut browser = Browser::open(address);
            for envelope in envelopes {
                let bytes = envelope.write();
                let mut answer = browser.try_post(POST, &bytes);
                while answer.as_ref().is_some_and(|answer| answer.status == 503)
                    && !told.load(Ordering::SeqCst)
                {
                    answer = browser.try_post(POST, &bytes);
                }
                let last = answer.is_none() || told.load(Ordering::SeqCst);
                answers.push((envelope, answer));
                if last {
                    break;
                }
            }
            answers
        });
        Self { end, thread }
    }

    fn end(self) -> Vec<(Envelope, Option<Answered>)> {
        self.end.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

fn bulk(served: &Served, count: u64) -> Vec<Envelope> {
    let house = House::new(HOUSE);
    (0..count).map(|number| served.statement(&house, number, 100)).collect()
}

/// Whoever comes now is told so, at once and with a time to come again.
fn assert_turned_away(served: &Served, envelope: &Envelope) {
    let size = served.size();
    let answer = served.browser().post(POST, &envelope.write());
    assert_eq!((answer.status, answer.problem().as_str()), (503, "no-space"));
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(served.size(), size);
}

/// MiB of the small disk: the first two segments fit beside views and ballast, the third does not.
const SMALL_MIB: u32 = 16;
const SMALL: &str = "LIAN_TEST_SMALL_DISK";

/// The child: alone with a small disk of its own.
#[test]
fn child_that_fills_its_disk() {
    let Some(disk) = env::var_os(SMALL).map(PathBuf::from) else { return };
    let folder = disk.join("ledger");
    fs::create_dir(&folder).unwrap();
    Served::found(&folder);
    let served = Served::start(&folder, Arc::new(RealDisk::open(&folder).unwrap()), config());
    let late = served.statement(&House::new(HOUSE), 9_999, 1);
    let mut envelopes = bulk(&served, 400).into_iter();
    let mut answered = Vec::new();
    // By then two segments are zero-filled: what is written next into them needs no space, what the
    // views write does.
    for envelope in envelopes.by_ref().take(8) {
        let answer = served.browser().post(POST, &envelope.write());
        answered.push((served.sealed(&envelope, &answer), envelope));
    }
    let ballast = fill(&disk);

    let bank = Bank::start(&served, envelopes.collect());
    served.await_readiness(Some("no-space"));
    assert_turned_away(&served, &late);
    served.read_back(&answered);
    let unready = Served::unready(&mut served.browser());
    assert_eq!(unready.as_deref(), Some("no-space"), "it does not go away by itself");
    fs::remove_file(ballast).unwrap();
    served.await_readiness(None);

    for (envelope, answer) in bank.end() {
        let answer = answer.filter(|answer| answer.status != 503);
        let answer = answer.unwrap_or_else(|| served.browser().post(POST, &envelope.write()));
        answered.push((served.sealed(&envelope, &answer), envelope));
    }
    let index = served.sealed(&late, &served.browser().post(POST, &late.write()));
    answered.push((index, late));
    served.read_back(&answered);
    let size = served.size();
    let mut browser = served.browser();
    until("the checkpoint is published", || {
        browser.get("/checkpoint").text().lines().nth(1) == Some(size.to_string().as_str())
    });
    drop(browser);
    println!("> {} statements before, while and after the disk was full", answered.len());
    served.close_and_audit(&answered);
}

/// Takes all the space that there is.
fn fill(disk: &Path) -> PathBuf {
    let path = disk.join("ballast");
    let mut file = File::create(&path).unwrap();
    for piece in [1 << 16, 1 << 12] {
        while file.write_all(&vec![0; piece]).is_ok() {}
    }
    path
}

/// How a process gets mounts of its own here, if it may at all.
fn own_mounts() -> Option<Command> {
    const WAYS: [&[&str]; 3] = [
        &["unshare", "--mount"],
        &["unshare", "--map-root-user", "--mount"],
        &["sudo", "-n", "unshare", "--mount"],
    ];
    let command = |way: &[&str]| {
        let mut command = Command::new(way[0]);
        command.args(&way[1..]);
        command
    };
    let may = |way: &&&[&str]| {
        let mut probe = command(way);
        probe.args(["mount", "-t", "tmpfs", "-o", "size=1m", "lian", "/mnt"]);
        probe.output().is_ok_and(|output| output.status.success())
    };
    WAYS.iter().find(may).map(|way| command(way))
}

/// T7.
#[test]
fn a_server_whose_disk_is_full_says_so_keeps_all_that_it_answered_and_goes_on_once_there_is_space() {
    let Some(mut command) = own_mounts() else {
        assert!(env::var_os("LIAN_CI").is_none(), "this machine lets nobody mount a small disk");
        println!("skipped: this machine lets nobody mount a small disk");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let script =
        format!("mount -t tmpfs -o size={SMALL_MIB}m lian \"$0\" && export {SMALL}=\"$0\" && exec \"$@\"");
    command.args(["sh", "-c", &script]).arg(folder.path()).arg(env::current_exe().unwrap());
    command.args(["http_disk::child_that_fills_its_disk", "--exact", "--nocapture", "--test-threads=1"]);

    let output = command.output().unwrap();

    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("statements before, while and after"), "{said}");
    print!("{said}");
}

/// The writer needs a segment while a helper is still filling that very one, and there is no space
/// for both: the writer waited for space that the server itself held, for ever.
#[test]
fn a_writer_without_space_takes_the_segment_that_is_being_prepared() {
    let folder = tempfile::tempdir().unwrap();
    Served::found(folder.path());
    let disk = IllDisk::over(folder.path());
    let served = Served::start(folder.path(), Arc::new(disk.clone()), config());
    let _thaw = Thaw(disk.clone());
    disk.fill("segments/", ".seg");
    disk.freeze(".zero");

    let bank = Bank::start(&served, bulk(&served, 60));
    disk.await_sync(".zero");
    disk.await_refusal();
    disk.thaw();

    let answered = bank.thread.join().unwrap();
    assert_eq!(answered.len(), 60);
    let answered: Vec<(u64, Envelope)> = answered
        .into_iter()
        .map(|(envelope, answer)| (served.sealed(&envelope, &answer.expect("an answer")), envelope))
        .collect();
    assert!(folder.path().join("segments/000001.seg").exists(), "more than one segment was needed");
    served.close_and_audit(&answered);
}

/// Whoever stops a server must not wait for space that may never come.
#[test]
fn a_server_whose_disk_is_full_can_be_stopped_and_what_it_answered_is_there_when_it_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    Served::found(folder.path());
    let disk = IllDisk::over(folder.path());
    let mut config = config();
    config.stop_timeout = Duration::from_millis(200);
    let served = Served::start(folder.path(), Arc::new(disk.clone()), config);
    disk.fill("segments/", "");
    let bank = Bank::start(&served, bulk(&served, 60));
    served.await_readiness(Some("no-space"));

    let size = served.size();
    let (send, stopped) = channel();
    let server = served.server;
    thread::spawn(move || send.send(Arc::into_inner(server.stop()).unwrap().close()));
    let closed = stopped.recv_timeout(EVER).expect("it stops");

    assert!(matches!(&closed, Err(ServiceError::Stopped(why)) if why.contains("no space")), "{closed:?}");
    disk.free();
    let mut answers = bank.end();
    let (unanswered, last) = answers.pop().unwrap();
    assert!(last.is_none_or(|answer| answer.status == 503), "nobody is told what did not happen");
    let served = Served::start(folder.path(), Arc::new(disk), crate::support::door::config());
    let mut answered: Vec<(u64, Envelope)> = answers
        .into_iter()
        .map(|(envelope, answer)| (served.sealed(&envelope, &answer.expect("an answer")), envelope))
        .collect();
    assert_eq!(served.size(), size);
    let again = served.browser().post(POST, &unanswered.write());
    answered.push((served.sealed(&unanswered, &again), unanswered));
    served.read_back(&answered);
    served.close_and_audit(&answered);
}

/// Whoever was taken before the disk was full waited for as long as it was full.
#[test]
fn a_statement_that_was_taken_before_the_disk_was_full_is_told_that_nobody_knows_and_is_sealed_once() {
    let folder = tempfile::tempdir().unwrap();
    Served::found(folder.path());
    let disk = IllDisk::over(folder.path());
    let mut config = config();
    config.hindered_timeout = Duration::from_millis(1);
    let served = Served::start(folder.path(), Arc::new(disk.clone()), config);
    disk.fill("segments/", "");

    let (mut answered, mut unsettled) = (Vec::new(), None);
    let mut browser = served.browser();
    for envelope in bulk(&served, 60) {
        let answer = browser.post(POST, &envelope.write());
        if answer.status == 503 {
            unsettled = Some((envelope, answer));
            break;
        }
        answered.push((served.sealed(&envelope, &answer), envelope));
    }
    let (envelope, answer) = unsettled.expect("a full disk");
    assert_eq!(answer.problem(), "unsettled");
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    let size = served.size();
    assert_eq!(browser.post(POST, &envelope.write()).problem(), "no-space", "it is not taken twice");
    served.read_back(&answered);
    assert_eq!(served.size(), size, "nothing is recorded on a full disk");
    disk.free();
    served.await_readiness(None);

    let again = browser.post(POST, &envelope.write());

    assert_eq!((again.status, &again.json()["repeated"]), (200, &true.into()), "it was recorded, once");
    assert_eq!(served.sealed(&envelope, &again), size);
    assert_eq!(served.size(), size + 1);
    answered.push((size, envelope));
    drop(browser);
    served.close_and_audit(&answered);
}

/// Whoever stands at the keyboard does not wait for space that may never come.
#[test]
fn who_hands_in_at_the_keyboard_is_told_of_a_full_disk_and_what_was_taken_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    Served::found(folder.path());
    let disk = IllDisk::over(folder.path());
    let served = Served::start(folder.path(), Arc::new(disk.clone()), config());
    disk.fill("segments/", "");
    let service = Arc::clone(served.server.service());
    let (envelopes, at_keyboard) = (bulk(&served, 60), Arc::clone(&service));
    let (send, told) = channel();

    thread::spawn(move || {
        let given_up = envelopes.into_iter().find_map(|envelope| {
            let told = at_keyboard.submit_or_give_up(vec![envelope.write()]);
            told.err().map(|error| (envelope, error))
        });
        drop(at_keyboard);
        // The test is over, if nobody listens.
        let _over = send.send(given_up);
    });
    let (envelope, error) = told.recv_timeout(EVER).expect("an answer").expect("a full disk");
    assert_eq!(error, ServiceError::Hindered(Hindrance::NoSpace));
    let size = served.size();
    disk.free();

    let again = service.submit_or_give_up(vec![envelope.write()]).unwrap();

    assert_eq!(again, [Answer::Sealed { index: size, verdict: None }], "it was taken, and counts once");
    assert_eq!(served.size(), size + 1);
    drop(service);
    served.close_and_audit(&[(size, envelope)]);
}

/// What a poster was told, and whether the disk was frozen when it had been told.
type Told = (Envelope, Answered, bool);

/// Posts on a connection of its own for each.
fn post_apart(address: SocketAddr, disk: &IllDisk, envelopes: Vec<Envelope>) -> Receiver<Told> {
    let (send, told) = channel();
    for envelope in envelopes {
        let (send, disk) = (send.clone(), disk.clone());
        thread::spawn(move || {
            let answer = Browser::open(address).post(POST, &envelope.write());
            let frozen = disk.is_frozen();
            // The test is over, if nobody listens.
            let _over = send.send((envelope, answer, frozen));
        });
    }
    told
}

/// T12.
#[test]
fn while_a_disk_does_not_answer_nothing_is_acknowledged_reads_go_on_and_what_waits_has_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    Served::found(folder.path());
    let disk = IllDisk::over(folder.path());
    let mut config = config();
    config.statements_waiting_max = 4;
    let served = Served::start(folder.path(), Arc::new(disk.clone()), config);
    let _thaw = Thaw(disk.clone());
    let house = House::new(HOUSE);
    let statement = |number| served.statement(&house, number, 1);
    // The publisher first, so that it hangs on the disk, too, with all that it holds.
    disk.freeze("checkpoint");
    let first = statement(0);
    let index = served.sealed(&first, &served.browser().post(POST, &first.write()));
    let mut answered = vec![(index, first)];
    disk.await_sync("checkpoint.tmp");
    disk.freeze("");
    let size = served.size();

    let waiting = post_apart(served.server.address(), &disk, (1..4).map(statement).collect());
    disk.await_sync("000000.seg");
    served.read_back(&answered);
    assert_eq!(served.size(), size, "nothing is committed that was not synced");
    let mut crowd = Vec::new();
    let busy = (4..3_000).map(statement).find_map(|envelope| {
        crowd.push(post_apart(served.server.address(), &disk, vec![envelope]));
        crowd.iter().find_map(|told| told.try_recv().ok())
    });
    let (turned, busy, _) = busy.expect("past some number whoever comes is turned away");
    assert_eq!((busy.status, busy.problem().as_str()), (503, "busy"));
    assert!(busy.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    served.read_back(&answered);
    assert_eq!((served.size(), waiting.try_recv().is_err()), (size, true), "nobody was answered");
    disk.thaw();

    let (mut sealed, mut again) = (0, vec![turned]);
    for (envelope, answer, frozen) in waiting.iter().chain(crowd.iter().flat_map(Receiver::iter)) {
        if answer.status == 503 {
            assert_eq!(answer.problem(), "busy");
            again.push(envelope);
            continue;
        }
        assert!(!frozen, "acknowledged while nothing could be durable");
        sealed += 1;
        answered.push((served.sealed(&envelope, &answer), envelope));
    }
    assert!(sealed >= 3 + 4, "{sealed} had been taken");
    for envelope in again {
        let answer = served.browser().post(POST, &envelope.write());
        assert_eq!(answer.status, 201, "what was turned away was not taken");
        answered.push((served.sealed(&envelope, &answer), envelope));
    }
    served.read_back(&answered);
    served.close_and_audit(&answered);
}
