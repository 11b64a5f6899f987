//! Random streams for tests. How many are tried says `LIAN_DEPTH`: `quick` (unless set) 500, `ci`
//! 10,000, `deep` 100,000; `SEED=<number>` tries that one alone.
//! Invariant: whatever happens in a stream follows from its seed, so that a failure comes again.

use std::{
    env,
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

/// Seeds of the streams to try.
pub fn seeds() -> Range<u64> {
    if let Ok(seed) = env::var("SEED") {
        let seed = seed.parse().expect("SEED is a number");
        return seed..seed + 1;
    }
    match env::var("LIAN_DEPTH").as_deref() {
        Err(_) | Ok("quick") => 0..500,
        Ok("ci") => 0..10_000,
        Ok("deep") => 0..100_000,
        Ok(other) => panic!("LIAN_DEPTH is {other:?}; it may be quick, ci or deep"),
    }
}

/// True if there are streams enough to ask how many of them came how far.
pub fn are_many(seeds: &Range<u64>) -> bool {
    seeds.end - seeds.start >= 500
}

/// Runs a case for every seed, on all cores; gives the sums of what they count.
pub fn total<const N: usize>(seeds: &Range<u64>, case: impl Fn(u64) -> [u64; N] + Sync) -> [u64; N] {
    let next = AtomicU64::new(seeds.start);
    let sums: [AtomicU64; N] = std::array::from_fn(|_| AtomicU64::new(0));
    let run = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let named = Named(seed);
            for (sum, count) in sums.iter().zip(case(seed)) {
                sum.fetch_add(count, Ordering::Relaxed);
            }
            drop(named);
        }
    };
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(run);
        }
    });
    sums.map(AtomicU64::into_inner)
}

/// Says which seed it was if the case fails.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("run it again with SEED={}", self.0);
        }
    }
}

/// Numbers that a seed fixes (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// One of them.
    pub fn pick<'p, T>(&mut self, items: &'p [T]) -> &'p T {
        &items[self.at(items.len())]
    }

    /// A place in a list of so many.
    pub fn at(&mut self, places: usize) -> usize {
        usize::try_from(self.roll(places as u64)).expect("below a usize")
    }
}
