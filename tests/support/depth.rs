//! How deep the campaign goes. `LIAN_DEPTH` is `quick` (unless set), `ci` or `deep`; every case
//! follows from its seed, and `SEED=<number>` runs that one case alone.

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

/// One of three values, by the depth that was asked for.
pub fn by_depth<T>(quick: T, ci: T, deep: T) -> T {
    match env::var("LIAN_DEPTH").as_deref() {
        Err(_) | Ok("quick") => quick,
        Ok("ci") => ci,
        Ok("deep") => deep,
        Ok(other) => panic!("LIAN_DEPTH is {other:?}; it may be quick, ci or deep"),
    }
}

/// The one seed that is to be run again, if any.
pub fn replayed() -> Option<u64> {
    let seed = env::var("SEED").ok()?;
    Some(seed.parse().expect("SEED is a number"))
}

/// Runs cases 0 to `count` on all cores, or the one that `SEED` names; says which one failed.
pub fn cases(name: &str, count: u64, case: impl Fn(u64) + Sync) {
    if let Some(seed) = replayed() {
        println!("{name}: SEED={seed}");
        return case(seed);
    }
    println!("{name}: seeds 0 to {}", count.saturating_sub(1));
    let next = AtomicU64::new(0);
    let run = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= count {
                return;
            }
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| case(seed))) {
                next.store(count, Ordering::Relaxed);
                eprintln!("{name}: run it again with SEED={seed}");
                resume_unwind(panic);
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(run);
        }
    });
}
