//! A small generator of repeatable choices for simulations: one seed, one course of events.
//! Never for keys, salts or anything that must not be guessed.

/// SplitMix64: each value a bijective mix of a counter, so any seed is a good seed.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// The course of events that belongs to a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0. The bias of the remainder does not matter here.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next_u64() % limit
    }

    /// True `hits` times in `of`.
    pub fn chance(&mut self, hits: u64, of: u64) -> bool {
        self.below(of) < hits
    }

    /// Fills `bytes` with garbage.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let garbage = self.next_u64().to_be_bytes();
            chunk.copy_from_slice(&garbage[..chunk.len()]);
        }
    }
}
