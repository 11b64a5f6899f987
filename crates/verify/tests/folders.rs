//! Whole, cut, damaged, mixed and forged ledger folders through the library.

mod support;

use std::{fs, os::unix::fs::symlink, process::Command};

use lian_core::audit::{Check, Weight, finding::Source, fold::Status};
use lian_verify::{Options, RunError};
use support::{Forgery, HONEST, build, faults, knowing, log_key, try_verify, verify, write_segments};

const LAYOUT: &[&[u64]] = &[&[3, 1, 2], &[2, 3], &[1], &[4, 300]];

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_whole_ledger_passes_with_any_number_of_threads_and_one_report() {
    let folder = folder();
    let built = build(LAYOUT, HONEST);
    built.write(folder.path());
    let threads = |threads| Options { threads: Some(threads), ..knowing() };

    let report = verify(folder.path(), &threads(1));

    assert_eq!(faults(&report), Vec::<&str>::new());
    assert_eq!(report.exit_code(), 3, "witnesses and time have nothing to go by");
    for check in Check::ALL {
        let wanted = match check {
            Check::Witnesses | Check::Time => Status::Unconfirmed,
            _ => Status::Pass,
        };
        assert_eq!(report.check(check), wanted, "{check:?}");
    }
    assert_eq!((report.outcome.size, report.outcome.root), (316, Some(built.root)));
    assert_eq!(report.outcome.counts.signatures_checked, 316);
    for many in [2, 5, 16] {
        assert_eq!(verify(folder.path(), &threads(many)).json(), report.json());
    }
}

#[test]
fn a_log_cut_at_a_commit_looks_whole_and_any_kept_checkpoint_shows_the_cut() {
    let folder = folder();
    let built = build(LAYOUT, HONEST);
    let kept = folder.path().join("kept");
    fs::write(&kept, &built.commits.last().unwrap().0).unwrap();
    let receipt = folder.path().join("receipt");
    fs::write(&receipt, built.receipt(5).encode()).unwrap();

    for (_, segment, end) in &built.commits[..built.commits.len() - 1] {
        let mut segments = built.segments[..=*segment].to_vec();
        segments[*segment].truncate(*end);
        write_segments(folder.path(), &segments);

        let blind = verify(folder.path(), &knowing());
        let with = |file| Options { checkpoints: vec![file], ..knowing() };

        assert_eq!(faults(&blind), Vec::<&str>::new());
        assert!(blind.text(lian_verify::Lang::En).contains("whether later entries were cut off"));
        assert_eq!(faults(&verify(folder.path(), &with(kept.clone()))), ["cut-back"]);
        assert_eq!(faults(&verify(folder.path(), &with(receipt.clone()))), ["cut-back"]);
    }
}

#[test]
fn every_cut_inside_a_batch_is_found() {
    let folder = folder();
    let built = build(&[&[2], &[2, 2]], HONEST);
    let whole = built.segments[1].len();
    let ends: Vec<usize> = built.commits.iter().map(|(_, _, end)| *end).collect();

    for cut in 0..whole {
        let mut segments = built.segments.clone();
        segments[1].truncate(cut);
        write_segments(folder.path(), &segments);
        let report = verify(folder.path(), &Options { threads: Some(1), ..knowing() });

        let clean = cut == 0 || ends[1..].contains(&cut);
        assert_eq!(faults(&report).is_empty(), clean, "cut at {cut}: {:?}", faults(&report));
        if !clean {
            assert_eq!(report.check(Check::Bytes), Status::Fail, "cut at {cut}");
        }
    }
}

#[test]
fn a_batch_without_its_commit_frame_is_not_counted_and_named_unfinished() {
    let folder = folder();
    let built = build(&[&[2, 2]], HONEST);
    let note = built.commits[1].0.len();
    let mut segments = built.segments.clone();
    let whole = segments[0].len();
    segments[0].truncate(whole - note - 6);
    segments[0].resize(whole + 5_000, 0);
    write_segments(folder.path(), &segments);

    let report = verify(folder.path(), &knowing());

    assert_eq!(faults(&report), ["unfinished"]);
    assert_eq!(report.outcome.size, 2);
}

#[test]
fn zeros_after_the_last_commit_are_space_and_anything_else_is_a_finding() {
    let folder = folder();
    let built = build(&[&[2], &[2, 2]], HONEST);
    let mut segments = built.segments.clone();
    for segment in &mut segments {
        segment.resize(segment.len() + 3_000_000, 0);
    }
    write_segments(folder.path(), &segments);
    fs::write(folder.path().join("segments/000002.seg.zero"), vec![0; 1 << 20]).unwrap();
    fs::write(folder.path().join("segments/000002.seg"), vec![0; 1 << 20]).unwrap();

    assert_eq!(faults(&verify(folder.path(), &knowing())), Vec::<&str>::new());

    let last = segments[1].len() - 1;
    segments[1][last] = 1;
    write_segments(folder.path(), &segments);
    let report = verify(folder.path(), &knowing());

    assert_eq!(faults(&report), ["trailing"]);
    assert_eq!(report.findings().next().unwrap().offset, last as u64);
}

/// A name, the segments, and the faults that must be among those found.
type Case = (&'static str, Vec<Vec<u8>>, &'static [&'static str]);

#[test]
fn segments_dropped_swapped_doubled_or_of_another_ledger_are_located() {
    let folder = folder();
    let built = build(LAYOUT, HONEST);
    let other = build(LAYOUT, Forgery { padding: 1, ..HONEST });
    let [a, b, c, d] = [0, 1, 2, 3].map(|at: usize| built.segments[at].clone());
    let cases: [Case; 5] = [
        ("dropped", vec![a.clone(), c.clone(), d.clone()], &["missing"]),
        ("swapped", vec![a.clone(), c.clone(), b.clone(), d.clone()], &["missing", "repeated"]),
        ("doubled", vec![a.clone(), b.clone(), b.clone(), c.clone(), d.clone()], &["repeated"]),
        (
            "foreign",
            vec![a.clone(), other.segments[1].clone(), c.clone(), d.clone()],
            &["foreign", "missing"],
        ),
        ("headless", vec![b, c, d], &["missing"]),
    ];
    for (name, segments, expected) in cases {
        write_segments(folder.path(), &segments);

        let report = verify(folder.path(), &knowing());

        for code in expected {
            assert!(faults(&report).contains(code), "{name}: {:?}", faults(&report));
        }
        let first = report.findings().map(|found| &found.source).min();
        assert_ne!(report.exit_code(), 0);
        if name != "headless" {
            assert_ne!(first, Some(&Source::Segment(0)), "{name}");
            assert_eq!(report.outcome.last_good.unwrap().size, 316, "{name}: the rest is still checked");
        }
    }
    // A file that is gone leaves its number behind.
    built.write(folder.path());
    fs::remove_file(folder.path().join("segments/000001.seg")).unwrap();
    assert!(faults(&verify(folder.path(), &knowing())).contains(&"missing"));
}

#[test]
fn batches_that_are_dropped_or_doubled_inside_a_segment_are_located() {
    let folder = folder();
    let built = build(&[&[2, 3, 4]], HONEST);
    let ends: Vec<usize> = built.commits.iter().map(|(_, _, end)| *end).collect();
    let bytes = &built.segments[0];
    let dropped = [&bytes[..ends[0]], &bytes[ends[1]..]].concat();
    let doubled = [&bytes[..ends[1]], &bytes[ends[0]..]].concat();

    write_segments(folder.path(), &[dropped]);
    let dropped = verify(folder.path(), &knowing());
    write_segments(folder.path(), &[doubled]);
    let doubled = verify(folder.path(), &knowing());

    assert_eq!(faults(&dropped), ["missing"]);
    assert_eq!(dropped.findings().next().unwrap().entry, Some(2));
    assert_eq!(faults(&doubled), ["repeated"]);
    assert_eq!((doubled.outcome.size, doubled.outcome.root), (9, Some(built.root)));
}

#[test]
fn a_chain_recomputed_without_the_log_key_is_not_signed() {
    let folder = folder();
    build(LAYOUT, Forgery { log_seed: 2, entry: 4, ..HONEST }).write(folder.path());

    let report = verify(folder.path(), &knowing());

    assert_eq!(faults(&report), ["not-signed", "signature"]);
    let by_bank = report.findings().find(|found| found.check == Check::Signatures).unwrap();
    assert_eq!(by_bank.entry, Some(4));
}

#[test]
fn a_chain_recomputed_with_the_log_key_fails_the_bank_signature_of_what_was_changed() {
    let folder = folder();
    build(LAYOUT, Forgery { entry: 4, ..HONEST }).write(folder.path());

    let report = verify(folder.path(), &knowing());

    assert_eq!(faults(&report), ["signature"]);
    assert_eq!(report.findings().next().unwrap().entry, Some(4));
}

#[test]
fn a_history_rewritten_by_log_and_bank_together_is_shown_by_any_kept_checkpoint() {
    let folder = folder();
    let honest = build(LAYOUT, HONEST);
    let kept = folder.path().join("kept");
    fs::write(&kept, &honest.commits[2].0).unwrap();
    build(LAYOUT, Forgery { entry: 4, bank_signs: true, ..HONEST }).write(folder.path());

    let blind = verify(folder.path(), &knowing());
    let report = verify(folder.path(), &Options { checkpoints: vec![kept], ..knowing() });

    assert_eq!(faults(&blind), Vec::<&str>::new());
    assert_eq!(faults(&report), ["rewritten"]);
}

#[test]
fn trust_from_outside_confirms_the_log_or_contradicts_it() {
    let folder = folder();
    let built = build(LAYOUT, HONEST);
    built.write(folder.path());
    let id =
        |hash| Options { genesis: Some(lian_domain::ledger::ledger_id("x", &hash)), ..Options::default() };

    let nothing = verify(folder.path(), &Options::default());
    let other_key = Options { log_key: Some(log_key(9).to_string()), ..Options::default() };

    assert_eq!(nothing.check(Check::Checkpoint), Status::Unconfirmed);
    assert_eq!(verify(folder.path(), &id(built.ledger)).check(Check::Checkpoint), Status::Pass);
    assert_eq!(faults(&verify(folder.path(), &id(built.root))), ["other-genesis"]);
    assert_eq!(faults(&verify(folder.path(), &other_key)), ["other-key"]);
    let nonsense = Options { log_key: Some("nonsense".to_owned()), ..Options::default() };
    assert!(matches!(try_verify(folder.path(), &nonsense), Err(RunError::Usage(_))));
}

#[test]
fn a_pin_lets_a_later_run_skip_signatures_only_if_this_verifier_wrote_it() {
    let folder = folder();
    let pin = folder.path().join("me.pin");
    build(&[&[3, 1]], HONEST).write(folder.path());
    verify(folder.path(), &Options { write_pin: Some(pin.clone()), ..knowing() });
    build(&[&[3, 1], &[2]], HONEST).write(folder.path());
    let fast = Options { pin: Some(pin.clone()), skip_signatures_under_pin: true, ..Options::default() };

    let report = verify(folder.path(), &fast);
    let text = fs::read_to_string(&pin).unwrap();
    fs::write(&pin, text.replace("lian-verify ", "lian-verify 9.")).unwrap();
    let other = verify(folder.path(), &fast);

    let counts = report.outcome.counts;
    assert_eq!((counts.signatures_skipped, counts.signatures_checked), (4, 2));
    assert_eq!(report.check(Check::Signatures), Status::Pass);
    assert_eq!(report.check(Check::Checkpoint), Status::Pass, "the pin had the key confirmed");
    assert!(report.text(lian_verify::Lang::En).contains("NOT verified now"));
    assert_eq!(other.outcome.counts.signatures_checked, 6);
    assert_eq!(other.check(Check::Checkpoint), Status::Unconfirmed);
    build(&[&[3, 1], &[2]], Forgery { entry: 2, bank_signs: true, ..HONEST }).write(folder.path());
    assert_eq!(faults(&verify(folder.path(), &fast)), ["rewritten"]);
}

#[test]
fn the_published_checkpoint_must_be_of_this_log_and_no_larger() {
    let folder = folder();
    let built = build(&[&[3], &[2]], HONEST);
    let published = folder.path().join("checkpoint");
    fs::write(&published, &built.commits[1].0).unwrap();
    built.write(folder.path());
    assert_eq!(faults(&verify(folder.path(), &knowing())), Vec::<&str>::new());

    write_segments(folder.path(), &built.segments[..1]);
    assert_eq!(faults(&verify(folder.path(), &knowing())), ["cut-back"]);

    built.write(folder.path());
    let forged = build(&[&[3], &[2]], Forgery { log_seed: 3, ..HONEST });
    fs::write(&published, &forged.commits[0].0).unwrap();
    assert_eq!(faults(&verify(folder.path(), &knowing())), ["not-signed"]);

    fs::write(&published, "no note").unwrap();
    assert_eq!(faults(&verify(folder.path(), &knowing())), ["malformed"]);
}

#[test]
fn tiles_are_compared_and_listed_apart_unless_they_name_a_larger_log() {
    let folder = folder();
    let built = build(&[&[200, 100], &[300]], HONEST);
    built.write(folder.path());
    let tile = folder.path().join("tile/0");
    fs::create_dir_all(&tile).unwrap();
    let hashes = |from: usize, to: usize| -> Vec<u8> {
        built.leaves[from..to].iter().flat_map(|leaf| lian_core::hash::leaf_hash(leaf).0).collect()
    };
    fs::write(tile.join("000"), hashes(0, 256)).unwrap();
    fs::create_dir_all(tile.join("002.p")).unwrap();
    fs::write(tile.join("002.p/88"), hashes(512, 600)).unwrap();
    fs::write(tile.join("002.p/5"), hashes(512, 517)).unwrap();
    let clean = verify(folder.path(), &knowing());

    let mut damaged = hashes(0, 256);
    damaged[100] ^= 1;
    fs::write(tile.join("000"), damaged).unwrap();
    let report = verify(folder.path(), &knowing());

    assert_eq!(faults(&clean), Vec::<&str>::new());
    assert!(clean.notes.contains(&lian_verify::Note::TilesCompared(3)));
    assert_eq!(report.check(Check::Tree), Status::Fail);
    assert_eq!(report.findings().count(), 0);
    let cache: Vec<_> = report.caches().collect();
    assert_eq!((cache.len(), cache[0].offset), (1, 100));
    fs::write(tile.join("000"), hashes(0, 256)).unwrap();
    fs::write(tile.join("002"), [0; 8192]).unwrap();
    assert_eq!(faults(&verify(folder.path(), &knowing())), ["cut-back"]);
}

#[test]
fn links_pipes_and_strange_names_are_findings_and_never_followed() {
    let folder = folder();
    let built = build(&[&[3]], HONEST);
    built.write(folder.path());
    let segments = folder.path().join("segments");
    fs::rename(segments.join("000000.seg"), folder.path().join("elsewhere")).unwrap();
    symlink(folder.path().join("elsewhere"), segments.join("000000.seg")).unwrap();
    let linked = verify(folder.path(), &knowing());
    built.write(folder.path());
    assert!(Command::new("mkfifo").arg(segments.join("000001.seg")).status().unwrap().success());
    fs::write(segments.join("notes.txt"), "x").unwrap();
    fs::write(segments.join("1.seg"), "x").unwrap();
    symlink("/dev/zero", folder.path().join("checkpoint")).unwrap();
    let strange = verify(folder.path(), &knowing());

    assert_eq!(faults(&linked), ["not-a-file"]);
    assert_eq!(linked.outcome.size, 0);
    assert_eq!(faults(&strange), ["not-a-file", "stray"]);
    assert_eq!(strange.outcome.size, 3, "what can be read is still read");
}

#[test]
fn claimed_sizes_allocate_nothing_and_noise_never_panics() {
    let folder = folder();
    let built = build(&[&[2, 2], &[3]], HONEST);
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(noise >> 33).unwrap() % below
    };
    for round in 0..400 {
        let mut segments = built.segments.clone();
        let segment = random(2);
        let bytes = &mut segments[segment];
        let at = random(bytes.len());
        match round % 4 {
            0 => {
                let end = (at + 1 + random(16)).min(bytes.len());
                bytes[at..end].fill_with(|| u8::try_from(random(256)).unwrap());
            }
            1 => drop(bytes.drain(at..(at + 1 + random(40)).min(built.segments[segment].len()))),
            2 => drop(bytes.splice(at..at, vec![0xff; 1 + random(70)])),
            _ => bytes[at..].fill(0xff),
        }
        if segments == built.segments {
            continue;
        }
        write_segments(folder.path(), &segments);
        let report = verify(folder.path(), &Options { threads: Some(1), ..knowing() });
        assert!(!faults(&report).is_empty(), "round {round}, segment {segment}, byte {at}");
        let here = Source::Segment(u32::try_from(segment).unwrap());
        let fails = |found: &&lian_core::audit::finding::Finding| found.weight == Weight::Fails;
        assert!(report.findings().filter(fails).any(|found| found.source >= here), "round {round}");
    }
}

#[test]
fn a_receipt_is_checked_alone_and_says_what_only_the_ledger_shows() {
    let folder = folder();
    let built = build(LAYOUT, HONEST);
    let file = folder.path().join("5.tlog-proof");
    let mut receipt = built.receipt(5);
    fs::write(&file, receipt.encode()).unwrap();
    let good = verify(&file, &knowing());
    let blind = verify(&file, &Options::default());
    receipt.proof[0].0[3] ^= 4;
    fs::write(&file, receipt.encode()).unwrap();
    let bad = verify(&file, &knowing());

    // The payload of these tests is no statement of Lian.
    assert_eq!(faults(&good), ["not-a-statement"]);
    assert_eq!(good.check(Check::Tree), Status::Pass);
    assert_eq!(good.check(Check::Checkpoint), Status::Pass);
    assert_eq!(good.check(Check::Signatures), Status::Unconfirmed);
    assert_eq!(blind.check(Check::Checkpoint), Status::Unconfirmed);
    assert_eq!(bad.check(Check::Tree), Status::Fail);
    assert!(matches!(try_verify(&folder.path().join("none"), &knowing()), Err(RunError::NoLedger(_))));
}

#[test]
fn without_verdicts_the_bytes_chain_and_tree_are_checked_and_the_rest_is_unconfirmed() {
    let folder = folder();
    build(LAYOUT, HONEST).write(folder.path());

    let report = verify(folder.path(), &Options { no_verdicts: true, ..knowing() });

    assert_eq!(faults(&report), Vec::<&str>::new());
    for check in [Check::Bytes, Check::Payload, Check::Chain, Check::Tree, Check::Checkpoint] {
        assert_eq!(report.check(check), Status::Pass, "{check:?}");
    }
    for check in [Check::Signatures, Check::Authority, Check::Verdicts, Check::State, Check::Pieces] {
        assert_eq!(report.check(check), Status::Unconfirmed, "{check:?}");
    }
}

#[test]
fn an_epoch_that_a_signer_saw_is_found_missed_or_contradicted() {
    let folder = folder();
    let built = build(LAYOUT, HONEST);
    built.write(folder.path());
    let seen = |text: String| verify(folder.path(), &Options { seen: vec![text], ..knowing() });

    let by_number = seen(format!("1:{}", "01".repeat(32)));
    let by_commit = seen(format!("7:{}", built.root));
    let unknown = seen(format!("7:{}", "02".repeat(32)));
    let contradicted = seen(format!("1:{}", built.root));

    assert_eq!(by_number.check(Check::Tree), Status::Pass);
    assert_eq!(by_commit.check(Check::Tree), Status::Pass);
    assert_eq!(unknown.check(Check::Tree), Status::Unconfirmed);
    assert_eq!(faults(&contradicted), ["rewritten"]);
}

#[test]
fn both_languages_say_the_same_words_of_judgement() {
    let folder = folder();
    build(LAYOUT, Forgery { entry: 4, ..HONEST }).write(folder.path());
    let report = verify(folder.path(), &knowing());

    for lang in [lian_verify::Lang::En, lian_verify::Lang::ZhTw] {
        let text = report.text(lang);
        for word in ["PASS         bytes", "FAIL         signatures", "UNCONFIRMED  witnesses", "exit 1"] {
            assert!(text.contains(word), "{text}");
        }
        assert!(text.contains("segments/000000.seg"), "{text}");
    }
}
