//! T3, T4, T16 to T21: an intruder changes stored bytes; the audit finds it, names the entry or the
//! file section, and never panics. Files in scope: `segments/*.seg` and `checkpoint`. Hash tiles and
//! bundles are caches that can be made again: their damage is listed apart and fails no entry.
//! Where files alone cannot show it (a log cut or rewritten with the log's own key), a kept
//! checkpoint or an honest signer's `seen` does, and the report says aloud what it cannot know.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use crate::support::{
    depth::{by_depth, cases, replayed},
    files::{
        Forged, Section, Small, put_together, section_at, sections, take_apart, twenty_entries, write_folder,
    },
};
use lian_core::{
    audit::{
        Check, Weight,
        finding::{Finding, Source},
    },
    keys::SecretKey,
    note::{NoteSigner, SignatureType, SignerKey},
};
use lian_store::{
    disk::{Disk, Rng, SimDisk},
    recover::{self, Opened},
    signer::LogKeys,
};
use lian_verify::{Lang, Options, Report};

/// A folder in memory where the machine has one: a million small files are written.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// Folders that are used again, one for each thread at work.
#[derive(Default)]
struct Folders(Mutex<Vec<tempfile::TempDir>>);

impl Folders {
    fn with<T>(&self, work: impl FnOnce(&Path) -> T) -> T {
        let spare = self.0.lock().unwrap().pop();
        let spare = spare.unwrap_or_else(folder);
        let answer = work(spare.path());
        self.0.lock().unwrap().push(spare);
        answer
    }
}

fn small() -> &'static Ledger {
    static SMALL: OnceLock<Ledger> = OnceLock::new();
    SMALL.get_or_init(|| Ledger::of(twenty_entries(16)))
}

/// The small ledger and what an auditor knows of it. Only what threads may share.
struct Ledger {
    segment: Vec<u8>,
    checkpoint: Vec<u8>,
    sections: Vec<Section>,
    log_seed: [u8; 32],
    sim: SimDisk,
    knowing: Options,
    id: String,
}

impl Ledger {
    fn of(small: Small) -> Self {
        let log_seed = *small.house.key("log").seed();
        let key =
            SignerKey::new("customs.example/2026", SignatureType::Ed25519, SecretKey::from_seed(&log_seed));
        let log_key = key.unwrap().verifier().to_string();
        let knowing = Options { log_key: Some(log_key), threads: Some(1), ..Options::default() };
        let sections = sections(&small.segment);
        Self {
            segment: small.segment,
            checkpoint: small.checkpoint,
            sections,
            log_seed,
            sim: small.sim,
            knowing,
            id: small.id,
        }
    }

    fn log(&self) -> SecretKey {
        SecretKey::from_seed(&self.log_seed)
    }

    fn entries(&self) -> Vec<Forged> {
        take_apart(&self.segment)
    }
}

fn audit(folder: &Path, options: &Options) -> Report {
    lian_verify::run(folder, options, &|_| ()).unwrap()
}

fn fails(report: &Report) -> Vec<&Finding> {
    report.findings().filter(|finding| finding.weight == Weight::Fails).collect()
}

fn codes(report: &Report) -> Vec<&'static str> {
    let mut codes: Vec<_> = fails(report).iter().map(|finding| finding.fault.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// The audit of the small ledger with another segment; found and located in this section or, if
/// the change moved all that follows, from it on.
fn found_at(folders: &Folders, bytes: &[u8], section: &Section, moved: bool, what: &dyn Fn() -> String) {
    let ledger = small();
    let report = folders.with(|folder| {
        write_folder(folder, &[bytes.to_vec()], Some(&ledger.checkpoint));
        audit(folder, &ledger.knowing)
    });
    let fails = fails(&report);
    assert_eq!(report.exit_code(), 1, "{}: not found", what());
    assert!(!fails.is_empty(), "{}: no finding", what());
    let here = |finding: &&&Finding| {
        let (start, end) = (finding.offset, finding.offset + finding.length.max(1));
        let inside = (start as usize) < section.end && section.start < end as usize;
        let after = moved && start as usize >= section.start;
        finding.source == Source::Segment(0)
            && (inside || after || section.entry.is_some() && finding.entry == section.entry)
    };
    assert!(fails.iter().any(|finding| here(&finding)), "{}: not located in {section:?}: {fails:#?}", what());
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    copy[bit / 8] ^= 1 << (bit % 8);
    copy
}

#[test]
fn the_untouched_ledger_has_no_failure_and_its_sections_fill_the_file() {
    let folder = folder();
    let ledger = small();
    write_folder(folder.path(), std::slice::from_ref(&ledger.segment), Some(&ledger.checkpoint));

    let report = audit(folder.path(), &ledger.knowing);

    assert_eq!(codes(&report), Vec::<&str>::new(), "{}", report.text(Lang::En));
    assert_eq!(report.outcome.size, 20);
    assert_eq!(report.ledger.as_deref(), Some(&*ledger.id));
    assert_eq!(ledger.sections.last().unwrap().end, ledger.segment.len());
    assert_eq!(ledger.sections.iter().filter(|section| section.entry.is_some()).count(), 20);
    let again = put_together(&ledger.entries(), &ledger.log());
    assert_eq!(again, (ledger.segment.clone(), ledger.checkpoint.clone()), "the forger knows the format");
}

/// T16: every bit in the deep run; one or two bits of every byte in ci.
#[test]
fn every_flipped_bit_of_a_segment_is_found_and_located() {
    let ledger = small();
    let folders = Folders::default();
    let bits = ledger.segment.len() * 8;
    let step = by_depth(131, 5, 1);
    println!("{bits} bits of {} bytes, every {step}.", ledger.segment.len());

    cases("flipped bits", (bits / step) as u64, |seed| {
        let bit = usize::try_from(seed).unwrap() * step;
        let section = section_at(&ledger.sections, bit / 8);
        found_at(&folders, &flipped(&ledger.segment, bit), section, false, &|| format!("bit {bit}"));
    });
}

#[test]
fn every_flipped_bit_of_the_published_checkpoint_is_found_in_that_file() {
    let ledger = small();
    let folders = Folders::default();
    let step = by_depth(7, 1, 1);

    cases("checkpoint bits", (ledger.checkpoint.len() * 8 / step) as u64, |seed| {
        let bit = usize::try_from(seed).unwrap() * step;
        let report = folders.with(|folder| {
            let segment = std::slice::from_ref(&ledger.segment);
            write_folder(folder, segment, Some(&flipped(&ledger.checkpoint, bit)));
            audit(folder, &ledger.knowing)
        });
        let fails = fails(&report);
        assert!(!fails.is_empty(), "bit {bit}: {}", report.text(Lang::En));
        let file = Source::File("checkpoint".to_owned());
        assert!(fails.iter().all(|finding| finding.source == file), "bit {bit}: {fails:?}");
        assert_eq!(report.outcome.size, 20, "the log itself is whole");
    });
}

/// T17.
#[test]
fn every_byte_that_is_deleted_inserted_or_zeroed_is_found_and_located() {
    let ledger = small();
    let folders = Folders::default();
    let step = by_depth(211, 15, 1);

    cases("bytes", (ledger.segment.len() / step) as u64, |seed| {
        let at = usize::try_from(seed).unwrap() * step;
        let section = section_at(&ledger.sections, at);
        let (before, after) = ledger.segment.split_at(at);
        // Deleting one of two equal bytes, or doubling one, is first seen where the run ends.
        found_at(&folders, &[before, &after[1..]].concat(), section, true, &|| format!("byte {at} deleted"));
        found_at(&folders, &[before, &[0], after].concat(), section, true, &|| {
            format!("zero put in at {at}")
        });
        found_at(&folders, &[before, &[0xff], after].concat(), section, true, &|| format!("put in at {at}"));
        if after[0] != 0 {
            let zeroed = [before, &[0], &after[1..]].concat();
            found_at(&folders, &zeroed, section, false, &|| format!("byte {at} zeroed"));
        }
    });
}

/// T17: runs of two to sixteen bytes, anywhere.
#[test]
fn random_edits_of_two_to_sixteen_bytes_are_found_and_located() {
    let ledger = small();
    let folders = Folders::default();

    cases("edits", by_depth(300, 3_000, 100_000), |seed| {
        let mut rng = Rng::new(seed);
        let length = 2 + usize::try_from(rng.below(15)).unwrap();
        let at = usize::try_from(rng.below((ledger.segment.len() - length) as u64)).unwrap();
        let mut bytes = ledger.segment.clone();
        rng.fill(&mut bytes[at..at + length]);
        if bytes == ledger.segment {
            return;
        }
        let first = (at..at + length).find(|at| bytes[*at] != ledger.segment[*at]).unwrap();
        let section = section_at(&ledger.sections, first);
        found_at(&folders, &bytes, section, false, &|| format!("{length} bytes at {at}"));
    });
}

/// T18: cut at every commit: nothing in the segment shows it, so the report says that; a kept
/// checkpoint shows it, and so does the published one that lies beside it.
#[test]
fn a_log_cut_at_a_commit_is_shown_by_a_kept_or_a_published_checkpoint_and_the_report_says_so() {
    let ledger = small();
    let folder = folder();
    let kept = folder.path().join("kept.checkpoint");
    fs::write(&kept, &ledger.checkpoint).unwrap();
    let with = Options { checkpoints: vec![kept], ..ledger.knowing.clone() };
    let commits = ledger.sections.iter().filter(|section| section.name == "commit frame");
    let ends: Vec<usize> = commits.map(|section| section.end).collect();

    for end in &ends[..ends.len() - 1] {
        let cut = [ledger.segment[..*end].to_vec()];
        write_folder(folder.path(), &cut, None);
        let blind = audit(folder.path(), &ledger.knowing);
        assert_eq!(codes(&blind), Vec::<&str>::new(), "cut at {end}");
        assert!(blind.text(Lang::En).contains("whether later entries were cut off"), "cut at {end}");
        assert_eq!(codes(&audit(folder.path(), &with)), ["cut-back"], "cut at {end}");
        write_folder(folder.path(), &cut, Some(&ledger.checkpoint));
        assert_eq!(codes(&audit(folder.path(), &ledger.knowing)), ["cut-back"], "cut at {end}");
    }
}

/// T18, T3: cut at every byte of the last three entries, and filled with zeros, 0xFF or garbage.
#[test]
fn a_cut_at_any_byte_of_the_last_three_entries_is_found_whatever_is_behind_it() {
    let ledger = small();
    let folders = Folders::default();
    let from = ledger.sections.iter().find(|section| section.entry == Some(17)).unwrap().start;
    let whole = ledger.segment.len();
    let step = by_depth(23, 1, 1);

    cases("cuts", ((whole - from) / step) as u64, |seed| {
        let cut = from + usize::try_from(seed).unwrap() * step;
        let section = section_at(&ledger.sections, cut);
        // A batch that lost its commit frame is named from its beginning.
        let batch = ledger.sections.iter().rfind(|other| other.name == "batch header" && other.start <= cut);
        let named = Section { start: batch.unwrap().start, ..section.clone() };
        let mut garbage = vec![0; whole - cut];
        Rng::new(seed).fill(&mut garbage);
        garbage[0] = !ledger.segment[cut];
        for rest in [Vec::new(), vec![0; whole - cut + 5_000], vec![0xff; whole - cut], garbage] {
            let bytes = [&ledger.segment[..cut], &rest].concat();
            if bytes != ledger.segment {
                found_at(&folders, &bytes, &named, true, &|| format!("cut at {cut}"));
            }
        }
    });
}

/// T20: the chain is computed anew after a change, and signed with a key that is not the log's.
#[test]
fn a_full_rewrite_without_the_log_key_is_found_in_every_entry_that_was_changed() {
    let ledger = small();
    let folder = folder();
    let intruder = SecretKey::from_seed(&[66; 32]);

    for index in 0..20 {
        let mut entries = ledger.entries();
        falsify(&mut entries[index].payload);
        let (segment, note) = put_together(&entries, &intruder);
        write_folder(folder.path(), &[segment], Some(&note));

        let report = audit(folder.path(), &ledger.knowing);

        assert_eq!(report.check(Check::Checkpoint), lian_core::audit::fold::Status::Fail, "entry {index}");
        assert!(codes(&report).contains(&"not-signed"), "entry {index}: {:?}", codes(&report));
        assert!(named(&report, index), "entry {index}: {:#?}", fails(&report));
    }
}

/// T21: the same by an insider who has the log's key: the signatures of those who signed still fail.
#[test]
fn a_full_rewrite_with_the_log_key_fails_the_signature_of_every_entry_that_was_changed() {
    let ledger = small();
    let folder = folder();

    for index in 0..20 {
        let mut entries = ledger.entries();
        falsify(&mut entries[index].payload);
        let (segment, note) = put_together(&entries, &ledger.log());
        write_folder(folder.path(), &[segment], Some(&note));

        let report = audit(folder.path(), &ledger.knowing);

        assert_eq!(report.exit_code(), 1, "entry {index}");
        assert!(named(&report, index), "entry {index}: {:#?}", fails(&report));
    }
}

/// T21: an insider leaves an entry out, doubles one or swaps two, and signs everything anew.
#[test]
fn entries_left_out_doubled_or_swapped_with_the_log_key_contradict_any_kept_checkpoint() {
    let ledger = small();
    let folder = folder();
    let kept = folder.path().join("kept.checkpoint");
    fs::write(&kept, &ledger.checkpoint).unwrap();
    let with = Options { checkpoints: vec![kept], ..ledger.knowing.clone() };

    for index in 1..20 {
        let mut left_out = ledger.entries();
        let first = left_out.remove(index).batch_first;
        if let Some(next) = left_out.get_mut(index) {
            next.batch_first |= first;
        }
        let mut doubled = ledger.entries();
        let mut copy = doubled[index].clone();
        copy.batch_first = false;
        doubled.insert(index + 1, copy);
        let mut swapped = ledger.entries();
        if index < 19 {
            let (one, other) = swapped.split_at_mut(index + 1);
            std::mem::swap(&mut one[index].payload, &mut other[0].payload);
            std::mem::swap(&mut one[index].signatures, &mut other[0].signatures);
            std::mem::swap(&mut one[index].verdict, &mut other[0].verdict);
        } else {
            swapped[19].recorded_at += 1;
        }
        for (name, entries) in [("left out", left_out), ("doubled", doubled), ("swapped", swapped)] {
            let (segment, note) = put_together(&entries, &ledger.log());
            write_folder(folder.path(), &[segment], Some(&note));
            let report = audit(folder.path(), &with);
            let codes = codes(&report);
            // What is added behind the checkpoint leaves it true; the rules find that it came before.
            let added = index == 19 && name == "doubled" && codes == ["judged"];
            let shown = added || codes.contains(&"rewritten") || codes.contains(&"cut-back");
            assert!(shown, "entry {index} {name}: {codes:?}");
        }
    }
}

/// T21: nobody kept a checkpoint, but an officer's signed approval names the epoch that she saw.
#[test]
fn an_insider_who_rewrites_what_an_honest_approval_has_seen_is_contradicted_by_the_approval() {
    let ledger = small();
    let folder = folder();
    let mut entries = ledger.entries();
    // The refused draw vanishes, and the log's own epoch is made to fit by the log's own key.
    entries.remove(11);
    let (segment, note) = rewritten_by_the_log(entries, ledger);
    write_folder(folder.path(), &[segment], Some(&note));

    let report = audit(folder.path(), &ledger.knowing);

    let shown = fails(&report).iter().any(|finding| {
        finding.check == Check::Authority && finding.computed.contains("the signer saw epoch 1")
    }) || fails(&report).iter().any(|finding| finding.stored.contains("the signer saw epoch 1"));
    assert!(shown, "{}", report.text(Lang::En));
}

/// Replaces the statements of `system:log` by ones that fit the changed history.
fn rewritten_by_the_log(mut entries: Vec<Forged>, ledger: &Ledger) -> (Vec<u8>, Vec<u8>) {
    use lian_core::{
        audit::Place,
        hash::leaf_hash,
        merkle::CompactRange,
        statement::{STATEMENT_TYPE, Statement, pae, statement_digest},
    };
    use lian_domain::{filing::Filing, registry::Event};

    let epoch =
        entries.iter().position(|entry| entry.payload.windows(12).any(|text| text == b"epoch.closed"));
    let epoch = epoch.unwrap();
    let (segment, _) = put_together(&entries, &ledger.log());
    let mut domain = lian_domain::ledger::Ledger::new();
    let mut tree = CompactRange::new();
    for (index, leaf) in (0..).zip(leaves_of(&segment)).take(epoch) {
        let entry = &entries[usize::try_from(index).unwrap()];
        if entry.batch_first {
            domain.committed(index, tree.root());
        }
        let filing = Filing::read(&entry.payload, statement_digest(&entry.payload)).unwrap();
        let batch_first = entry.batch_first;
        let place = Place { index, recorded_at: entry.recorded_at, tree: &tree, batch_first };
        let verdict = domain.judge(&place, &filing).unwrap();
        assert_eq!(verdict, entry.verdict);
        domain.record(&place, &filing, verdict, leaf_hash(&leaf));
        tree.push(leaf_hash(&leaf));
    }
    let Event::EpochClosed { size, root, map, .. } = domain.next_epoch(tree.root()) else { unreachable!() };
    let entry = &mut entries[epoch];
    let mut statement = Statement::parse(&entry.payload).unwrap();
    let text = |digest: lian_core::hash::Digest| lian_core::json::Value::text(digest.to_hex());
    statement.events[0].data = lian_core::json::Value::object([
        ("engine", lian_core::json::Value::number(1)),
        ("map", text(map)),
        ("n", lian_core::json::Value::number(1)),
        ("root", text(root)),
        ("size", lian_core::json::Value::number(size)),
    ]);
    let payload = statement.payload();
    let system_log = lian_client::sample::House::new(16).copy_of("system:log");
    entry.signatures = vec![system_log.sign(&pae(STATEMENT_TYPE, &payload)).to_vec()];
    entry.payload = payload;
    put_together(&entries, &ledger.log())
}

fn leaves_of(segment: &[u8]) -> Vec<Vec<u8>> {
    let sections = sections(segment);
    let frames = sections.iter().filter(|section| section.entry.is_some());
    frames
        .map(|section| {
            let frame = lian_core::frame::EntryFrame::decode(&segment[section.start..section.end]).unwrap();
            frame.leaf.to_vec()
        })
        .collect()
}

/// Changes the last digit of a payload, so that it is still the canonical JSON of a statement.
fn falsify(payload: &mut [u8]) {
    let at = payload.windows(5).position(|text| text == b"\"id\":").unwrap() + 6;
    payload[at] = if payload[at] == b'0' { b'1' } else { b'0' };
}

fn named(report: &Report, index: usize) -> bool {
    let signatures = fails(report).into_iter().filter(|finding| finding.check == Check::Signatures);
    signatures.into_iter().any(|finding| finding.entry == Some(index as u64))
}

/// T16 through the real program.
#[test]
fn the_program_finds_and_locates_random_flipped_bits_and_answers_with_exit_code_1() {
    let ledger = small();
    let folders = Folders::default();
    let program = program();
    let log_key = ledger.knowing.log_key.clone().unwrap();
    let run = |folder: &Path| {
        let arguments = ["--log-key", &log_key, "--json", "--no-progress"];
        Command::new(&program).arg(folder).args(arguments).output().unwrap()
    };
    let folder = folder();
    write_folder(folder.path(), std::slice::from_ref(&ledger.segment), Some(&ledger.checkpoint));
    assert_eq!(run(folder.path()).status.code(), Some(3), "witnesses and time have nothing to go by");

    cases("program", by_depth(20, 200, 2_000), |seed| {
        let bit = usize::try_from(Rng::new(seed).below(ledger.segment.len() as u64 * 8)).unwrap();
        let output = folders.with(|folder| {
            write_folder(folder, &[flipped(&ledger.segment, bit)], Some(&ledger.checkpoint));
            run(folder)
        });
        assert_eq!(output.status.code(), Some(1), "bit {bit}: {output:?}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let section = section_at(&ledger.sections, bit / 8);
        let text = report.to_string();
        assert!(text.contains("segments/000000.seg"), "bit {bit}: {text}");
        let findings = report["findings"].as_array().unwrap_or_else(|| panic!("no findings: {text}"));
        let located = findings.iter().any(|finding| {
            let offset = finding["offset"].as_u64().unwrap_or(u64::MAX);
            let entry = finding["entry"].as_u64();
            let inside = (section.start as u64..section.end as u64).contains(&offset);
            inside || entry.is_some() && entry == section.entry
        });
        assert!(located, "bit {bit} in {section:?}: {text}");
    });
}

/// The program of this build; cargo builds it if it is not there or its sources are newer.
fn program() -> PathBuf {
    let test = env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let program = folder.join("lian-verify");
    let house = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources =
        ["core", "domain", "verify"].map(|name| newest(&house.join("crates").join(name).join("src")));
    let built = fs::metadata(&program).and_then(|data| data.modified()).ok();
    if built.is_none_or(|built| sources.iter().any(|source| *source > built)) {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "-p", "lian-verify", "--bin", "lian-verify"]);
        build.current_dir(house).env("CARGO_TARGET_DIR", folder.parent().unwrap());
        if folder.file_name().is_some_and(|name| name == "release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "lian-verify does not build");
    }
    program
}

/// When the youngest file below a folder was changed.
fn newest(folder: &Path) -> SystemTime {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let times = entries.map(|path| {
        if path.is_dir() { newest(&path) } else { fs::metadata(&path).unwrap().modified().unwrap() }
    });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Hash tiles and bundles can be made again from the segments: their damage is said apart.
#[test]
fn damaged_tiles_and_bundles_are_listed_apart_and_fail_no_entry() {
    let ledger = small();
    let folders = Folders::default();
    let key = SignerKey::new("customs.example/2026", SignatureType::Ed25519, ledger.log()).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(ledger.sim.kill());
    let reader = recover::read_only(&disk, &LogKeys::new(vec![key.verifier().clone()])).unwrap();
    let caches = ["tile/0/000.p/20", "tile/entries/000.p/20"];
    let export = |folder: &Path| {
        write_folder(folder, std::slice::from_ref(&ledger.segment), Some(&ledger.checkpoint));
        lian_store::tiles::export(&reader, &lian_store::disk::RealDisk::open(folder).unwrap()).unwrap();
    };
    let lengths = folders.with(|folder| {
        export(folder);
        assert_eq!(codes(&audit(folder, &ledger.knowing)), Vec::<&str>::new());
        caches.map(|path| fs::metadata(folder.join(path)).unwrap().len())
    });

    cases("caches", by_depth(60, 600, (lengths[0] + lengths[1]) * 8), |seed| {
        let mut rng = Rng::new(seed);
        let at = usize::try_from(rng.below(2)).unwrap();
        let bit = usize::try_from(rng.below(lengths[at] * 8)).unwrap();
        let report = folders.with(|folder| {
            export(folder);
            let file = folder.join(caches[at]);
            fs::write(&file, flipped(&fs::read(&file).unwrap(), bit)).unwrap();
            audit(folder, &ledger.knowing)
        });
        let path = Source::File(caches[at].to_owned());
        let listed: Vec<_> = report.caches().collect();
        assert!(listed.iter().any(|finding| finding.source == path), "{path:?} bit {bit}: {listed:?}");
        assert_eq!(fails(&report), Vec::<&Finding>::new(), "{path:?} bit {bit}");
        assert_eq!(report.outcome.size, 20);
    });
}

/// T19: the segments of a ledger of a real house, and those of another one.
#[test]
fn segments_dropped_swapped_doubled_or_foreign_are_found_and_the_first_wrong_one_is_named() {
    let (own, foreign) = (three_segments(19), three_segments(20));
    let [a, b, c] = own.segments.clone();
    let [x, y, z] = foreign.segments.clone();
    let folder = folder();
    let cases: [(&str, Vec<&Vec<u8>>, u32); 9] = [
        ("first dropped", vec![&b, &c], 0),
        ("middle dropped", vec![&a, &c], 1),
        ("first two swapped", vec![&b, &a, &c], 0),
        ("last two swapped", vec![&a, &c, &b], 1),
        ("first doubled", vec![&a, &a, &b, &c], 1),
        ("last doubled", vec![&a, &b, &c, &c], 3),
        ("first foreign", vec![&x, &b, &c], 0),
        ("middle foreign", vec![&a, &y, &c], 1),
        ("last foreign", vec![&a, &b, &z], 2),
    ];
    write_folder(folder.path(), &own.segments, Some(&own.checkpoint));
    assert_eq!(codes(&audit(folder.path(), &own.knowing)), Vec::<&str>::new());

    for (name, segments, wrong) in cases {
        let segments: Vec<Vec<u8>> = segments.into_iter().cloned().collect();
        write_folder(folder.path(), &segments, Some(&own.checkpoint));
        let report = audit(folder.path(), &own.knowing);
        let fails = fails(&report);
        assert_eq!(report.exit_code(), 1, "{name}");
        let named = fails.iter().any(|finding| finding.source == Source::Segment(wrong));
        assert!(named, "{name}: {:?}", fails.iter().map(|found| &found.source).collect::<Vec<_>>());
        let before = fails.iter().any(|finding| finding.source < Source::Segment(wrong));
        assert!(!before, "{name}: a sound segment is blamed: {fails:#?}");
    }
}

struct Large {
    segments: [Vec<u8>; 3],
    checkpoint: Vec<u8>,
    knowing: Options,
}

/// A ledger of statements with a hundred and fifty draws each, until its third segment.
fn three_segments(seed: u64) -> Large {
    use crate::support::{
        START_S,
        business::{Books, declaration, draw_of},
        desk::Desk,
    };
    let house = lian_client::sample::House::new(seed);
    let sim = SimDisk::new(seed);
    let mut desk = Desk::found(Arc::new(sim.clone()), &house);
    let mut books = Books::new(&house, &desk.id, START_S);
    let mut number = 0;
    while sim.bytes_of("segments/000002.seg").is_none() {
        let stream = format!("guarantee/FB-115-{number:06}");
        number += 1;
        desk.submit(&[books.request(&stream, "004", 1_000_000), books.accept(&stream)]).unwrap();
        for statement in 0..10 {
            let mut draft = books.draft();
            for serial in 0..150 {
                let data = draw_of(&declaration(&stream, statement * 150 + serial), 100);
                draft = draft.event("guarantee.drawn", &stream, books.version(&stream), data);
                books.moved(&stream);
            }
            desk.accept(&house.sign(&draft, &[("system:release", "release")]));
        }
    }
    desk.reader().publish().unwrap();
    desk.close();
    let key = SignerKey::new("customs.example/2026", SignatureType::Ed25519, house.copy_of("log")).unwrap();
    let bytes = |number| sim.bytes_of(&format!("segments/{number:06}.seg")).unwrap();
    Large {
        segments: [0, 1, 2].map(bytes),
        checkpoint: sim.bytes_of("checkpoint").unwrap(),
        knowing: Options { log_key: Some(key.verifier().to_string()), ..Options::default() },
    }
}

/// T4: damage with later authentic commits behind it: not writable, named, nothing changed.
#[test]
fn a_flipped_bit_before_a_later_commit_makes_the_folder_read_only_and_changes_nothing() {
    let ledger = small();
    let mut batches = ledger.sections.iter().filter(|section| section.name == "batch header");
    let last = batches.next_back().unwrap().start;
    let key = SignerKey::new("customs.example/2026", SignatureType::Ed25519, ledger.log()).unwrap();
    let keys = Arc::new(LogKeys::new(vec![key.verifier().clone()]));
    let opened = AtomicU64::new(0);

    cases("damage in the middle", by_depth(500, 5_000, last as u64 * 8), |seed| {
        let bit = if seed < last as u64 && by_depth(false, false, true) {
            usize::try_from(seed).unwrap()
        } else {
            usize::try_from(Rng::new(seed).below(last as u64 * 8)).unwrap()
        };
        let damaged = ledger.sim.kill();
        let byte = ledger.segment[bit / 8] ^ 1 << (bit % 8);
        assert!(damaged.tamper(crate::support::files::SEGMENT, bit as u64 / 8, &[byte]));
        // A later commit frame alone is promise enough; so is the published checkpoint.
        if seed.is_multiple_of(2) {
            damaged.remove("checkpoint").unwrap();
        }
        let before = damaged.bytes_of(crate::support::files::SEGMENT);
        let section = section_at(&ledger.sections, bit / 8);

        let found = recover::open(Arc::new(damaged.clone()), keys.clone(), "the campaign", &[]).unwrap();

        let Opened::ReadOnly(found) = found else { panic!("bit {bit} in {section:?}: taken for sound") };
        let offset = usize::try_from(found.damage.offset).unwrap();
        // A batch is one unit to the store: what it names begins at the batch or inside it.
        let batch = ledger.sections.iter().rfind(|one| one.name == "batch header" && one.start <= bit / 8);
        let start = batch.map_or(0, |batch| batch.start);
        assert!((start..section.end).contains(&offset), "bit {bit} in {section:?}: {}", found.damage);
        if let Some(entry) = section.entry {
            assert!(found.damage.entry <= entry, "bit {bit} in {section:?}: {}", found.damage);
        }
        assert!(found.reader.head().size() < 20);
        assert_eq!(damaged.bytes_of(crate::support::files::SEGMENT), before, "bit {bit}: bytes were changed");
        assert!(damaged.bytes_of("set-aside/copy.tmp").is_none());
        opened.fetch_add(1, Ordering::Relaxed);
    });
    assert!(replayed().is_some() || opened.into_inner() >= 500);
}
