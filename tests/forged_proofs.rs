//! T27: no forged proof is accepted. Honest claims of every kind are mutated, one to three times,
//! and judged again; a mutant passes only if it is, word for word, another honest claim.
//!
//! Size and root always come in pairs, as a signed checkpoint brings them: RFC 6962 proofs alone do
//! not bind the size. With the root of 175 leaves, "175" and "176" may pass the same proof.
//!
//! `LIAN_DEPTH=quick|ci|deep` sets the number of mutants, `SEED=<number>` repeats a run.

use std::{collections::HashMap, convert::Infallible, env};

use lian_core::{
    hash::{Digest, leaf_hash, sha256},
    map::{EpochMap, MapEnd, MapProof, check_map},
    merkle::{
        CompactRange, ProofRefused, check_consistency, check_inclusion, prove_consistency, prove_inclusion,
        root_at,
    },
};

const LEAVES: u64 = 700;
const KEYS: u64 = 300;

fn mutants_wanted() -> u64 {
    match env::var("LIAN_DEPTH").as_deref() {
        Err(_) | Ok("quick") => 20_000,
        Ok("ci") => 300_000,
        Ok("deep") => 1_000_000,
        Ok(other) => panic!("LIAN_DEPTH is quick, ci or deep, not {other}"),
    }
}

/// Numbers from a seed by counting and hashing: the same on every machine and in every version.
struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    fn new() -> Self {
        let given = env::var("SEED").ok();
        let seed = given.map_or_else(seed_of_the_moment, |text| text.parse().unwrap());
        println!("SEED={seed}");
        Self { seed, thrown: 0 }
    }

    fn digest(&mut self) -> Digest {
        self.thrown += 1;
        sha256(&[&self.seed.to_be_bytes(), &self.thrown.to_be_bytes()])
    }

    fn number(&mut self) -> u64 {
        let digest = self.digest().0;
        u64::from_be_bytes(*digest.first_chunk().unwrap())
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }

    fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.place(from.len())]
    }
}

fn seed_of_the_moment() -> u64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_secs() ^ u64::from(since.subsec_nanos()) << 32
}

/// What a mutation may do to any list of nodes. `spares` are honest hashes from elsewhere.
fn mutate_nodes(nodes: &mut Vec<Digest>, spares: &[Digest], dice: &mut Dice) {
    let last = nodes.len().saturating_sub(1);
    match dice.below(12) {
        0 => flip_a_bit(nodes, dice),
        1 => replace(nodes, dice.pick(spares), dice),
        2 => replace(nodes, Digest::ZERO, dice),
        3 => nodes.push(dice.pick(spares)),
        4 => nodes.push(Digest::ZERO),
        5 => nodes.insert(0, dice.pick(spares)),
        6 => nodes.truncate(last),
        7 => drop(nodes.drain(..nodes.len().min(1))),
        8 => nodes.clear(),
        9 => nodes.reverse(),
        10 => {
            if last > 0 {
                let (one, other) = (dice.place(last), dice.place(last + 1));
                nodes.swap(one, other);
            }
        }
        _ => {
            let length = dice.pick(&[63, 64, 65, 66, 256, 257, 1000]);
            nodes.resize(length, dice.pick(spares));
        }
    }
}

fn flip_a_bit(nodes: &mut [Digest], dice: &mut Dice) {
    if !nodes.is_empty() {
        let (node, byte) = (dice.place(nodes.len()), dice.place(32));
        nodes[node].0[byte] ^= 1 << dice.below(8);
    }
}

fn replace(nodes: &mut [Digest], with: Digest, dice: &mut Dice) {
    if !nodes.is_empty() {
        let node = dice.place(nodes.len());
        nodes[node] = with;
    }
}

fn mutate_number(number: u64, dice: &mut Dice) -> u64 {
    match dice.below(8) {
        0 => 0,
        1 => 1,
        2 => number.wrapping_add(1),
        3 => number.wrapping_sub(1),
        4 => number.wrapping_mul(2),
        5 => number ^ 1 << dice.below(64),
        6 => dice.pick(&[1 << 63, (1 << 63) - 1, u64::MAX]),
        _ => dice.below(LEAVES + 1),
    }
}

/// An honest log: its leaf hashes, and its root at every size.
struct Log {
    leaves: Vec<Digest>,
    roots: Vec<Digest>,
    nodes: HashMap<(u8, u64), Digest>,
}

impl Log {
    /// The honest log, or one in which a leaf was exchanged.
    fn new(exchanged: Option<u64>) -> Self {
        let mut range = CompactRange::new();
        let mut nodes = HashMap::new();
        let leaves: Vec<_> = (0..LEAVES)
            .map(|i| leaf_hash(&[&[u8::from(exchanged == Some(i))], &i.to_be_bytes()[..]].concat()))
            .collect();
        let mut roots = vec![range.root()];
        for leaf in &leaves {
            range.push_with(*leaf, &mut |level, index, node| {
                nodes.insert((level, index), node);
            });
            roots.push(range.root());
        }
        let log = Self { leaves, roots, nodes };
        assert_eq!(root_at(LEAVES, &log.reader()), Ok(range.root()));
        log
    }

    fn reader(&self) -> impl Fn(u8, u64) -> Result<Digest, Infallible> {
        |level, index| Ok(self.nodes[&(level, index)])
    }

    /// True if the log signed a checkpoint of this size and root.
    fn signed(&self, size: u64, root: Digest) -> bool {
        size <= LEAVES && at(&self.roots, size) == root
    }

    fn spares(&self) -> Vec<Digest> {
        self.nodes.values().chain(&self.roots).copied().collect()
    }
}

/// The root that a verifier holds for this size; sizes that the log never had keep their root.
fn root_for(size: u64, log: &Log, root: Digest) -> Digest {
    usize::try_from(size).map_or(root, |size| *log.roots.get(size).unwrap_or(&root))
}

fn at<T: Copy>(list: &[T], place: u64) -> T {
    list[usize::try_from(place).unwrap()]
}

/// A claim with its proof: what the verifier is told.
trait Claim: Clone + PartialEq + std::fmt::Debug {
    type World;

    /// An honest claim.
    fn make(world: &Self::World, dice: &mut Dice) -> Self;
    /// One forgery.
    fn mutate(&mut self, world: &Self::World, spares: &[Digest], dice: &mut Dice);
    /// True if the claim holds in the world and the proof is the one that an honest prover makes.
    fn is_honest(&self, world: &Self::World) -> bool;
    /// True if size and root are those of a checkpoint, so that a verifier would come to judge.
    fn is_signed(&self, world: &Self::World) -> bool;
    fn judge(&self) -> Result<(), ProofRefused>;
}

fn no_mutant_passes<C: Claim>(world: &C::World, spares: &[Digest]) {
    let mut dice = Dice::new();
    let mut refused = 0;
    while refused < mutants_wanted() {
        let honest = C::make(world, &mut dice);
        assert!(honest.is_honest(world) && honest.is_signed(world));
        assert_eq!(honest.judge(), Ok(()), "honest: {honest:?}");
        for _ in 0..32 {
            let mut forged = honest.clone();
            for _ in 0..=dice.below(3) {
                forged.mutate(world, spares, &mut dice);
            }
            let verdict = forged.judge();
            if forged.is_signed(world) && !forged.is_honest(world) {
                assert!(verdict.is_err(), "{forged:?}\nmade of {honest:?}");
                refused += 1;
            }
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
struct Inclusion {
    index: u64,
    size: u64,
    leaf: Digest,
    root: Digest,
    proof: Vec<Digest>,
}

impl Claim for Inclusion {
    type World = Log;

    fn make(log: &Log, dice: &mut Dice) -> Self {
        let small = dice.pick(&[1, 2, 3, 8, 9, 64, LEAVES]);
        let size = 1 + dice.below(small);
        let index = dice.below(size);
        Self {
            index,
            size,
            leaf: at(&log.leaves, index),
            root: at(&log.roots, size),
            proof: prove_inclusion(index, size, &log.reader()).unwrap(),
        }
    }

    fn mutate(&mut self, log: &Log, spares: &[Digest], dice: &mut Dice) {
        match dice.below(8) {
            0 => self.index = mutate_number(self.index, dice),
            1 => {
                self.size = mutate_number(self.size, dice);
                self.root = root_for(self.size, log, self.root);
            }
            2 => self.leaf = dice.pick(spares),
            3 => self.root = at(&log.roots, self.size.min(LEAVES)),
            // The proof for one entry, shown for another.
            4 if self.size <= LEAVES => {
                let other = dice.below(self.size.max(1));
                let proof = prove_inclusion(other, self.size, &log.reader());
                self.proof = proof.unwrap_or_default();
            }
            _ => mutate_nodes(&mut self.proof, spares, dice),
        }
    }

    fn is_honest(&self, log: &Log) -> bool {
        let honest = prove_inclusion(self.index, self.size.min(LEAVES), &log.reader());
        honest.is_ok_and(|honest| honest == self.proof && at(&log.leaves, self.index) == self.leaf)
    }

    fn is_signed(&self, log: &Log) -> bool {
        log.signed(self.size, self.root)
    }

    fn judge(&self) -> Result<(), ProofRefused> {
        check_inclusion(self.index, self.size, &self.leaf, &self.proof, &self.root)
    }
}

#[derive(Clone, PartialEq, Debug)]
struct Consistency {
    old: u64,
    new: u64,
    old_root: Digest,
    new_root: Digest,
    proof: Vec<Digest>,
}

impl Claim for Consistency {
    /// The log, and the same log with one leaf exchanged and signed all the same.
    type World = [Log; 2];

    fn make([log, _]: &[Log; 2], dice: &mut Dice) -> Self {
        let small = dice.pick(&[1, 2, 3, 8, 9, 64, LEAVES]);
        let new = 1 + dice.below(small);
        let old = 1 + dice.below(new);
        Self {
            old,
            new,
            old_root: at(&log.roots, old),
            new_root: at(&log.roots, new),
            proof: prove_consistency(old, new, &log.reader()).unwrap(),
        }
    }

    fn mutate(&mut self, logs: &[Log; 2], spares: &[Digest], dice: &mut Dice) {
        match dice.below(9) {
            0 => {
                self.old = mutate_number(self.old, dice);
                self.old_root = root_for(self.old, &logs[0], self.old_root);
            }
            1 => {
                self.new = mutate_number(self.new, dice);
                self.new_root = root_for(self.new, &logs[0], self.new_root);
            }
            // The checkpoint is signed, but by a log that forked.
            2 => self.old_root = root_for(self.old, &logs[1], self.old_root),
            3 => self.new_root = root_for(self.new, &logs[1], self.new_root),
            4 => {
                std::mem::swap(&mut self.old_root, &mut self.new_root);
                std::mem::swap(&mut self.old, &mut self.new);
            }
            5 if self.new <= LEAVES => {
                let other = dice.below(self.new + 1);
                let proof = prove_consistency(other, self.new, &logs[0].reader());
                self.proof = proof.unwrap_or_default();
            }
            _ => mutate_nodes(&mut self.proof, spares, dice),
        }
    }

    fn is_honest(&self, logs: &[Log; 2]) -> bool {
        let is_of = |log: &Log| {
            log.signed(self.old, self.old_root)
                && log.signed(self.new, self.new_root)
                && prove_consistency(self.old, self.new, &log.reader()).as_ref() == Ok(&self.proof)
        };
        logs.iter().any(is_of)
    }

    fn is_signed(&self, logs: &[Log; 2]) -> bool {
        logs.iter().any(|log| log.signed(self.old, self.old_root))
            && logs.iter().any(|log| log.signed(self.new, self.new_root))
    }

    fn judge(&self) -> Result<(), ProofRefused> {
        let (old_root, new_root) = (&self.old_root, &self.new_root);
        check_consistency(self.old, self.new, old_root, new_root, &self.proof)
    }
}

/// Keys of a map whose number n has the value of n; other numbers are absent.
fn key(n: u64) -> Digest {
    let mut key = sha256(&[b"key", &n.to_be_bytes()]);
    if n.is_multiple_of(5) {
        // Some keys share a long prefix, so that paths with empty siblings occur.
        key.0[..4].fill(0x5a);
    }
    key
}

fn value(n: u64) -> Digest {
    sha256(&[b"value", &n.to_be_bytes()])
}

fn map() -> EpochMap {
    let mut map = EpochMap::new();
    map.update(&mut (0..KEYS).map(|n| (key(n), value(n))).collect());
    map
}

#[derive(Clone, PartialEq, Debug)]
struct Holding {
    key: Digest,
    value: Option<Digest>,
    root: Digest,
    proof: MapProof,
}

impl Claim for Holding {
    type World = EpochMap;

    fn make(map: &EpochMap, dice: &mut Dice) -> Self {
        let n = dice.below(2 * KEYS);
        let key = key(n);
        Self { key, value: (n < KEYS).then(|| value(n)), root: map.root(), proof: map.prove(&key) }
    }

    fn mutate(&mut self, map: &EpochMap, spares: &[Digest], dice: &mut Dice) {
        match dice.below(10) {
            0 => self.key.0[dice.place(32)] ^= 1 << dice.below(8),
            1 => self.value = Some(dice.pick(spares)),
            2 => self.value = None,
            3 => self.key = key(dice.below(2 * KEYS)),
            4 => self.proof = map.prove(&key(dice.below(2 * KEYS))),
            5 => self.proof.end = MapEnd::Empty,
            6 => {
                let n = dice.below(2 * KEYS);
                let (key, value) = (key(n), value(n));
                self.proof.end = MapEnd::Leaf { key, value };
            }
            7 => self.mutate_bytes(dice),
            _ => mutate_nodes(&mut self.proof.siblings, spares, dice),
        }
    }

    fn is_honest(&self, map: &EpochMap) -> bool {
        self.value == map.get(&self.key) && self.proof == map.prove(&self.key)
    }

    fn is_signed(&self, map: &EpochMap) -> bool {
        self.root == map.root()
    }

    fn judge(&self) -> Result<(), ProofRefused> {
        check_map(&self.root, &self.key, self.value.as_ref(), &self.proof)
    }
}

impl Holding {
    /// The proof as it travels, damaged: unreadable counts as refused and leaves nothing to judge.
    fn mutate_bytes(&mut self, dice: &mut Dice) {
        let mut bytes = self.proof.to_bytes();
        let place = dice.place(bytes.len());
        bytes[place] ^= 1 << dice.below(8);
        if let Ok(proof) = MapProof::from_bytes(&bytes) {
            self.proof = proof;
        }
    }
}

#[test]
fn no_forged_inclusion_proof_is_accepted() {
    let log = Log::new(None);

    no_mutant_passes::<Inclusion>(&log, &log.spares());
}

#[test]
fn no_forged_consistency_proof_is_accepted() {
    let logs = [Log::new(None), Log::new(Some(100))];
    let spares = [logs[0].spares(), logs[1].spares()].concat();

    no_mutant_passes::<Consistency>(&logs, &spares);
}

#[test]
fn no_forged_map_proof_is_accepted() {
    let map = map();
    let mut spares: Vec<_> = (0..KEYS).flat_map(|n| map.prove(&key(n)).siblings).collect();
    spares.extend((0..KEYS).flat_map(|n| [key(n), value(n), map.root()]));

    no_mutant_passes::<Holding>(&map, &spares);
}
