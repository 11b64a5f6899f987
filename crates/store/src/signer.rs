//! The component that signs for the log, and what it remembers of what it signed.
//! Invariant: it signs only trees that extend the last tree it signed, computed by itself from
//! leaf hashes; the same size and root it may sign again, another root or a smaller tree never.
//! Limits: it remembers one tree and the one before; its memory is filled from the last
//! authentic commit frame at start. The key may be in a file or in a device.

use lian_core::{
    checkpoint::{self, Checkpoint, SIZE_MAX},
    hash::Digest,
    merkle::CompactRange,
    note::{NoteSigner, SignError, VerifierKey},
};

/// Signs checkpoints for one log.
pub trait LogSigner: Send {
    /// Takes up from the tree of the last authentic commit frame. A signer that has memory of
    /// its own refuses a tree that contradicts it.
    fn resume(&mut self, committed: &CompactRange) -> Result<(), SignerError>;

    /// Signs the tree of `from` leaves, already signed, extended by these leaf hashes; returns
    /// the signed note.
    fn sign(&mut self, from: u64, leaf_hashes: &[Digest]) -> Result<Vec<u8>, SignerError>;
}

/// Says whether a note carries the log's signature: the judge of commit frames.
pub trait LogVerifier: Send + Sync {
    /// The checkpoint of a note whose log signature verifies; none for any other bytes.
    fn open(&self, note: &[u8]) -> Option<Checkpoint>;
}

/// The keys with which one log has signed: the present one and those it succeeded.
#[derive(Debug, Clone)]
pub struct LogKeys(Vec<VerifierKey>);

impl LogKeys {
    /// Keys of the same name, the log's origin.
    pub fn new(keys: Vec<VerifierKey>) -> Self {
        Self(keys)
    }
}

impl LogVerifier for LogKeys {
    fn open(&self, note: &[u8]) -> Option<Checkpoint> {
        self.0.iter().find_map(|key| Some(checkpoint::open(note, key).ok()?.checkpoint))
    }
}

/// Why nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// The tree is not an extension of the one last signed, nor that one again.
    #[error("asked to sign from size {from}, but the last size signed is {signed}")]
    Rollback {
        /// Size that the caller holds for signed.
        from: u64,
        /// Size that was signed.
        signed: u64,
    },
    /// The tree of a size that was signed has another root now.
    #[error("another tree of size {size} was asked for than the one that was signed")]
    Fork {
        /// Its size.
        size: u64,
    },
    /// The tree outgrows what a checkpoint can say.
    #[error("a tree of more than {SIZE_MAX} leaves")]
    TooLarge,
    /// The key gave no signature now; later it may.
    #[error("no signature: {0}")]
    Unavailable(SignError),
}

/// A signer whose memory is in this process, over any holder of an Ed25519 key.
pub struct TreeSigner {
    key: Box<dyn NoteSigner + Send>,
    /// What was signed before the last signature, or the same.
    base: CompactRange,
    /// What was signed last, or was given to a key that did not answer: it may have signed.
    head: CompactRange,
    resumed: bool,
}

impl TreeSigner {
    /// A signer without memory; [`LogSigner::resume`] gives it one.
    pub fn new(key: Box<dyn NoteSigner + Send>) -> Self {
        Self { key, base: CompactRange::new(), head: CompactRange::new(), resumed: false }
    }

    /// Judges an extension, remembers it, and returns the tree to sign.
    fn extend(&mut self, from: u64, leaf_hashes: &[Digest]) -> Result<(), SignerError> {
        let signed = self.head.size();
        let start = if from == signed { &self.head } else { &self.base };
        if from != start.size() || !self.resumed {
            return Err(SignerError::Rollback { from, signed });
        }
        if leaf_hashes.len() as u64 > SIZE_MAX - from {
            return Err(SignerError::TooLarge);
        }
        let mut wanted = start.clone();
        for hash in leaf_hashes {
            wanted.push(*hash);
        }
        if from == signed {
            if !leaf_hashes.is_empty() {
                self.base = std::mem::replace(&mut self.head, wanted);
            }
            return Ok(());
        }
        if wanted == self.head {
            return Ok(());
        }
        Err(SignerError::Fork { size: wanted.size() })
    }
}

impl LogSigner for TreeSigner {
    fn resume(&mut self, committed: &CompactRange) -> Result<(), SignerError> {
        let (from, signed) = (committed.size(), self.head.size());
        if !self.resumed {
            self.base = committed.clone();
            self.head = committed.clone();
            self.resumed = true;
            return Ok(());
        }
        if *committed == self.head || *committed == self.base {
            return Ok(());
        }
        if from == signed || from == self.base.size() {
            return Err(SignerError::Fork { size: from });
        }
        Err(SignerError::Rollback { from, signed })
    }

    fn sign(&mut self, from: u64, leaf_hashes: &[Digest]) -> Result<Vec<u8>, SignerError> {
        // Remembered before it is signed: a key that fails may have signed all the same.
        self.extend(from, leaf_hashes)?;
        let checkpoint = Checkpoint {
            origin: self.key.verifier().name().to_owned(),
            size: self.head.size(),
            root: self.head.root(),
        };
        let note = checkpoint.sign(&mut *self.key).map_err(SignerError::Unavailable)?;
        Ok(note.encode().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use lian_core::{
        keys::{SIGNATURE_BYTES, SecretKey},
        note::{SignatureType, SignerKey},
    };

    use super::*;
    use crate::disk::Rng;

    fn key() -> SignerKey {
        let secret = SecretKey::from_seed(&[7; 32]);
        SignerKey::new("customs.example/test", SignatureType::Ed25519, secret).unwrap()
    }

    fn fresh() -> TreeSigner {
        let mut signer = TreeSigner::new(Box::new(key()));
        signer.resume(&CompactRange::new()).unwrap();
        signer
    }

    fn leaves(from: u64, count: u64, salt: u64) -> Vec<Digest> {
        let leaf = |index: u64| lian_core::hash::sha256(&[&index.to_be_bytes(), &salt.to_be_bytes()]);
        (from..from + count).map(leaf).collect()
    }

    fn push_all(tree: &mut CompactRange, hashes: &[Digest]) {
        for hash in hashes {
            tree.push(*hash);
        }
    }

    fn opened(note: &[u8]) -> Checkpoint {
        checkpoint::open(note, key().verifier()).unwrap().checkpoint
    }

    #[test]
    fn signer_signs_its_own_root_over_what_it_last_signed() {
        let mut signer = fresh();
        let mut tree = CompactRange::new();

        for (from, count) in [(0, 1), (1, 5), (6, 300)] {
            let hashes = leaves(from, count, 0);
            push_all(&mut tree, &hashes);
            let signed = opened(&signer.sign(from, &hashes).unwrap());
            assert_eq!((signed.size, signed.root), (tree.size(), tree.root()));
        }
    }

    #[test]
    fn same_size_and_root_may_be_signed_again_with_the_same_bytes() {
        let mut signer = fresh();
        let first = signer.sign(0, &leaves(0, 9, 0)).unwrap();

        assert_eq!(signer.sign(0, &leaves(0, 9, 0)).unwrap(), first);
        assert_eq!(signer.sign(9, &[]).unwrap(), first);
    }

    #[test]
    fn signer_without_a_memory_signs_nothing() {
        let mut signer = TreeSigner::new(Box::new(key()));

        assert!(signer.sign(0, &leaves(0, 1, 0)).is_err());
    }

    /// Every note the signer gives is compared with the one honest history of the same leaves.
    #[test]
    fn ten_thousand_tries_to_roll_back_or_fork_are_refused() {
        let mut rng = Rng::new(38);
        let mut signer = fresh();
        let mut honest = CompactRange::new();
        let mut base = 0;
        let mut refused = 0;
        while refused < 10_000 {
            let size = honest.size();
            if rng.chance(1, 20) {
                let hashes = leaves(size, 1 + rng.below(20), 0);
                push_all(&mut honest, &hashes);
                let signed = opened(&signer.sign(size, &hashes).unwrap());
                assert_eq!((signed.size, signed.root), (honest.size(), honest.root()));
                base = size;
                continue;
            }
            let from = rng.below(size + 40);
            let salt = rng.below(3);
            let count = rng.below(30);
            let extends = from == size;
            let again = from == base && from + count == size && salt == 0;
            if extends || again {
                continue;
            }
            assert!(signer.sign(from, &leaves(from, count, salt)).is_err(), "from {from} of {size}");
            refused += 1;
        }
    }

    #[test]
    fn signer_that_lives_on_refuses_a_log_that_was_rolled_back_or_forked() {
        let mut signer = fresh();
        signer.sign(0, &leaves(0, 4, 0)).unwrap();
        signer.sign(4, &leaves(4, 4, 0)).unwrap();
        let tree = |count, salt| {
            let mut tree = CompactRange::new();
            push_all(&mut tree, &leaves(0, count, salt));
            tree
        };

        assert_eq!(signer.resume(&tree(8, 0)), Ok(()));
        assert_eq!(signer.resume(&tree(4, 0)), Ok(()), "the last batch may still be uncommitted");
        assert_eq!(signer.resume(&tree(3, 0)), Err(SignerError::Rollback { from: 3, signed: 8 }));
        assert_eq!(signer.resume(&tree(8, 1)), Err(SignerError::Fork { size: 8 }));
    }

    /// A device that fails as often as it is told to.
    struct Device {
        key: SignerKey,
        failures: u32,
    }

    impl NoteSigner for Device {
        fn verifier(&self) -> &VerifierKey {
            self.key.verifier()
        }

        fn sign(&mut self, message: &[u8]) -> Result<[u8; SIGNATURE_BYTES], SignError> {
            if self.failures > 0 {
                self.failures -= 1;
                return Err(SignError::Device("no answer".to_owned()));
            }
            self.key.sign(message)
        }
    }

    #[test]
    fn after_a_device_failed_only_the_same_tree_is_signed() {
        let mut signer = TreeSigner::new(Box::new(Device { key: key(), failures: 1 }));
        signer.resume(&CompactRange::new()).unwrap();

        let failed = signer.sign(0, &leaves(0, 5, 0));
        let other = signer.sign(0, &leaves(0, 5, 1));
        let same = signer.sign(0, &leaves(0, 5, 0));

        assert!(matches!(failed, Err(SignerError::Unavailable(_))));
        assert_eq!(other, Err(SignerError::Fork { size: 5 }));
        assert_eq!(opened(&same.unwrap()).size, 5);
    }
}
