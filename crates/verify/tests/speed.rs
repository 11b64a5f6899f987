//! What an audit costs, printed, never asserted. Both the clock and the processor time of all
//! threads, because a machine that is shared tells little by its clock.
//! `cargo test -p lian-verify --test speed -- --ignored --nocapture`

mod support;

use std::{hint::black_box, time::Instant};

use lian_core::{keys::SecretKey, statement};
use lian_verify::Options;
use support::{Forgery, HONEST, build, knowing, verify};

#[test]
#[ignore = "builds 50,000 signed entries"]
fn an_audit_prints_its_rates() {
    let folder = tempfile::tempdir().unwrap();
    let batches = [512_u64; 10];
    let layout = vec![&batches[..]; 10];
    build(&layout, Forgery { padding: 550, ..HONEST }).write(folder.path());
    // The kernel forgets the peak of the building above.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    println!("verify_strict alone: {} ns", raw_ns());

    let modes = [
        ("all checks", knowing()),
        ("no signatures left to verify", Options { no_verdicts: true, ..knowing() }),
    ];
    for (name, options) in modes {
        let rounds = if options.no_verdicts { 8 } else { 1 };
        for threads in [1, 2] {
            let options = Options { threads: Some(threads), ..options.clone() };
            let (start, processor) = (Instant::now(), processor_ms());
            let size: u64 =
                (0..rounds).map(|_| black_box(verify(folder.path(), &options)).outcome.size).sum();
            let (clock, processor) = (start.elapsed().as_millis(), processor_ms() - processor);
            let each = processor * 1_000_000 / size;
            println!("{name}, {threads} workers: {size} entries, {clock} ms, {processor} ms of processor");
            println!("    {each} ns of processor an entry");
        }
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
}

fn raw_ns() -> u64 {
    let key = SecretKey::from_seed(&[7; 32]);
    let public = key.public();
    // Different signatures: of one alone the processor learns every branch.
    let signed: Vec<_> = (0..20_000_u32)
        .map(|number| {
            let message = statement::pae(statement::STATEMENT_TYPE, &number.to_be_bytes().repeat(150));
            let signature = key.sign(&message);
            (message, signature)
        })
        .collect();
    let start = processor_ms();
    for (message, signature) in &signed {
        assert!(public.verify(message, signature));
    }
    (processor_ms() - start) * 1_000_000 / 20_000
}

/// Processor time of all threads of this process; the kernel counts in hundredths of a second.
fn processor_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) * 10
}
