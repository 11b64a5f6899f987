//! What the caller knows from outside: keys, the ledger's id, kept checkpoints, pins, a policy.
//! Invariant: nothing here is believed because it lies beside the ledger; only what was named on
//! the command line is.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lian_core::{
    audit::{
        Check,
        fold::{Kept, Seen, Trust},
    },
    checkpoint::Checkpoint,
    hash::{Digest, leaf_hash},
    merkle::check_inclusion,
    note::{Note, SignatureType, VerifierKey},
    policy::Policy,
    receipt::Receipt,
};
use serde::{Deserialize, Serialize};

use crate::{Options, RunError, VERIFIER, files::read_small};

/// What an earlier run of this verifier found, and how far it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinFile {
    /// Name and version of the verifier that ran.
    pub verifier: String,
    /// The ledger's id, `name#hash`.
    pub ledger: String,
    /// Entries that were checked.
    pub size: u64,
    /// Their root, in hex.
    pub root: String,
    /// The checks that passed over all of them.
    pub checks: Vec<String>,
    /// The engines that judged them.
    pub engines: Vec<u32>,
}

impl PinFile {
    fn read(path: &Path) -> Result<Self, RunError> {
        let bytes = read_small(path)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| RunError::Usage(format!("{}: not a pin file: {error}", path.display())))
    }

    /// Writes the pin, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<(), RunError> {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        let wrong = |error| RunError::io(path, error);
        fs::write(&temporary, text).map_err(wrong)?;
        fs::rename(&temporary, path).map_err(wrong)
    }

    fn root(&self) -> Option<Digest> {
        Digest::from_hex(&self.root)
    }

    /// This very verifier ran this check to its end.
    pub(crate) fn ran(&self, check: Check) -> bool {
        self.verifier == VERIFIER && self.checks.iter().any(|name| name == check.name())
    }
}

/// Everything that was named from outside.
pub(crate) struct Known {
    pub trust: Trust,
    pub policy: Option<Policy>,
    pub pin: Option<PinFile>,
    pub kept: Vec<Kept>,
    pub seen: Vec<Seen>,
}

impl Known {
    pub fn read(options: &Options) -> Result<Self, RunError> {
        let policy = options.policy.as_deref().map(read_policy).transpose()?;
        let mut log_keys: Vec<VerifierKey> =
            policy.iter().flat_map(|policy| policy.logs().map(|(key, _)| key.clone())).collect();
        if let Some(text) = &options.log_key {
            log_keys.push(log_key(text)?);
        }
        let genesis = options.genesis.as_deref().map(genesis).transpose()?;
        let pin = options.pin.as_deref().map(PinFile::read).transpose()?;
        let mut kept = Vec::new();
        for path in &options.checkpoints {
            kept.push(kept_file(path)?);
        }
        if let (Some(pin), Some(path)) = (&pin, &options.pin) {
            let name = path.display().to_string();
            let root = pin
                .root()
                .ok_or_else(|| RunError::Usage(format!("{name}: the root is not 64 hex digits")))?;
            kept.push(Kept { name, size: pin.size, root, note: None, published: false });
        }
        let seen = options.seen.iter().map(|text| seen(text)).collect::<Result<_, _>>()?;
        let pinned = pin.as_ref().is_some_and(|pin| pin.ran(Check::Checkpoint));
        Ok(Self { trust: Trust { log_keys, genesis, pinned }, policy, pin, kept, seen })
    }
}

fn log_key(text: &str) -> Result<VerifierKey, RunError> {
    let key =
        VerifierKey::parse(text.trim()).map_err(|error| RunError::Usage(format!("--log-key: {error}")))?;
    if key.signature_type() != SignatureType::Ed25519 {
        return Err(RunError::Usage("--log-key: this is the key of a witness, not of a log".to_owned()));
    }
    Ok(key)
}

fn read_policy(path: &Path) -> Result<Policy, RunError> {
    let bytes = read_small(path)?;
    Policy::parse(&bytes).map_err(|error| RunError::Usage(format!("{}: {error}", path.display())))
}

fn genesis(text: &str) -> Result<Digest, RunError> {
    let hash = text.rsplit_once('#').map_or(text, |(_, hash)| hash);
    let bytes = URL_SAFE_NO_PAD.decode(hash).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(Digest).ok_or_else(|| {
        RunError::Usage("--genesis: expected name#hash, or the 43 characters of the hash".to_owned())
    })
}

fn seen(text: &str) -> Result<Seen, RunError> {
    let (epoch, root) = text.split_once(':').unwrap_or_default();
    epoch
        .parse()
        .ok()
        .zip(Digest::from_hex(root))
        .map(|(epoch, root)| Seen { epoch, root })
        .ok_or_else(|| RunError::Usage("--seen: expected number:root, the root as 64 hex digits".to_owned()))
}

/// A checkpoint, or the checkpoint of a receipt whose proof holds.
fn kept_file(path: &Path) -> Result<Kept, RunError> {
    let bytes = read_small(path)?;
    let name = path.display().to_string();
    let wrong = |what: String| RunError::Usage(format!("{name}: {what}"));
    if !bytes.starts_with(b"c2sp.org/tlog-proof") {
        return kept_note(&name, &bytes, false).map_err(wrong);
    }
    let receipt = Receipt::parse(&bytes).map_err(|error| wrong(error.to_string()))?;
    let kept = kept_note(&name, &receipt.checkpoint, false).map_err(wrong)?;
    let entry = receipt.entry().map_err(|error| wrong(error.to_string()))?;
    check_inclusion(receipt.index, kept.size, &leaf_hash(entry.leaf), &receipt.proof, &kept.root)
        .map_err(|_| wrong("the receipt's proof does not lead to its own root".to_owned()))?;
    Ok(kept)
}

/// A signed checkpoint, to be compared with the log.
pub(crate) fn kept_note(name: &str, bytes: &[u8], published: bool) -> Result<Kept, String> {
    let note = Note::parse(bytes).map_err(|error| error.to_string())?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(|error| error.to_string())?;
    let (size, root) = (checkpoint.size, checkpoint.root);
    Ok(Kept { name: name.to_owned(), size, root, note: Some(note), published })
}
