//! Trust policies (c2sp.org/tlog-policy): which logs, which witnesses, and how many of them.
//! Invariant: a group names only what stands above it and every name is a member at most once, so
//! there are no cycles and each witness counts once.
//! Limits: UTF-8; Ed25519 keys, type 01 for logs and 04 for witnesses; the constants below.

use std::collections::HashMap;

use crate::{
    checkpoint::parse_decimal,
    note::{KeyTextError, Note, NoteError, SignatureType, VerifierKey},
};

/// Longest policy file.
pub const POLICY_BYTES_MAX: usize = 64 * 1024;
/// Most logs; everybody should take 32.
pub const LOGS_MAX: usize = 64;
/// Most witnesses; everybody should take 32.
pub const WITNESSES_MAX: usize = 64;
/// Most groups; everybody should take 32.
pub const GROUPS_MAX: usize = 64;

/// The name that stands for no witnesses.
const NONE: &str = "none";

/// Why a policy is turned down. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Longer than any policy.
    #[error("policy has {0} bytes, more than {POLICY_BYTES_MAX}")]
    TooLong(usize),
    /// Not UTF-8, or a control byte that is neither tab nor line feed.
    #[error("policy holds bytes that are no text")]
    NotText,
    /// The last line does not end in a line feed.
    #[error("policy does not end in a line feed")]
    NoLineFeed,
    /// Another first word, or too few or too many words.
    #[error("line {line} is malformed")]
    BadLine {
        /// Which line.
        line: usize,
    },
    /// The vkey does not parse.
    #[error("line {line}: {error}")]
    BadKey {
        /// Which line.
        line: usize,
        /// What is wrong with it.
        error: KeyTextError,
    },
    /// A cosigner's key for a log, or a log's key for a witness.
    #[error("line {line}: the key's signature type is for another purpose")]
    WrongType {
        /// Which line.
        line: usize,
    },
    /// The same public key as an earlier log, or an earlier witness.
    #[error("line {line} repeats a public key")]
    DuplicateKey {
        /// Which line.
        line: usize,
    },
    /// A name that was defined before, or the reserved one.
    #[error("line {line}: the name {name} is taken")]
    NameTaken {
        /// Which line.
        line: usize,
        /// Which name.
        name: String,
    },
    /// A name that no earlier line defines.
    #[error("line {line}: {name} is not defined above")]
    Undefined {
        /// Which line.
        line: usize,
        /// Which name.
        name: String,
    },
    /// A name that is a member already, here or in another group.
    #[error("line {line}: {name} is a member of a group already")]
    MemberTwice {
        /// Which line.
        line: usize,
        /// Which name.
        name: String,
    },
    /// Not `any`, `all` or a number from 1 to the number of members.
    #[error("line {line}: the threshold of {members} members is wrong")]
    BadThreshold {
        /// Which line.
        line: usize,
        /// How many members the group has.
        members: usize,
    },
    /// More logs, witnesses or groups than the limits.
    #[error("line {line} is one log, witness or group too many")]
    TooMany {
        /// Which line.
        line: usize,
    },
    /// A second quorum line.
    #[error("line {line} is a second quorum")]
    SecondQuorum {
        /// Which line.
        line: usize,
    },
    /// No quorum line.
    #[error("policy has no quorum")]
    NoQuorum,
}

/// What a policy asks: one of the logs, and the quorum.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Policy {
    log_keys: Vec<VerifierKey>,
    /// Beside `log_keys`, index by index.
    log_urls: Vec<Option<String>>,
    witness_keys: Vec<VerifierKey>,
    /// Beside `witness_keys`, index by index.
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Option<Member>,
}

/// A witness that the policy knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWitness {
    /// Its name within the policy.
    pub name: String,
    /// Where it may be reached.
    pub url: Option<String>,
}

/// A line of the quorum's tree, in order of definition.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: String,
    threshold: usize,
    members: Vec<Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// One cosignature that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// The witness's name within the policy.
    pub witness: String,
    /// When, by the witness's clock, POSIX seconds.
    pub time: u64,
}

/// What the quorum lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The quorum is one witness, and it did not cosign.
    Witness(String),
    /// The quorum is a group that has too few.
    Group {
        /// The group's name.
        name: String,
        /// How many of its members count.
        have: usize,
        /// How many must.
        need: usize,
        /// Those that do not count yet.
        absent: Vec<String>,
    },
}

/// What a policy says of one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumResult {
    /// Name of the log whose signature verified.
    pub log: Option<String>,
    /// The policy lists logs, and none of them signed.
    pub log_missing: bool,
    /// Every cosignature of a known witness, in the order of the lines.
    pub witnessed: Vec<Witnessed>,
    /// What the quorum lacks; `None` if it is reached.
    pub missing: Option<Missing>,
}

impl QuorumResult {
    /// A listed log signed (if any is listed) and the quorum is reached.
    pub fn satisfied(&self) -> bool {
        !self.log_missing && self.missing.is_none()
    }
}

impl Policy {
    /// Reads a policy file, strictly.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > POLICY_BYTES_MAX {
            return Err(PolicyError::TooLong(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| PolicyError::NotText)?;
        let odd = |byte: u8| (byte < b' ' && byte != b'\n' && byte != b'\t') || byte == 0x7f;
        if text.bytes().any(odd) {
            return Err(PolicyError::NotText);
        }
        let body = text.strip_suffix('\n').ok_or(PolicyError::NoLineFeed)?;
        let mut parser = Parser::default();
        for (at, line) in body.split('\n').enumerate() {
            let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            if words.first().is_some_and(|word| !word.starts_with('#')) {
                parser.line(at + 1, &words)?;
            }
        }
        if !parser.has_quorum {
            return Err(PolicyError::NoQuorum);
        }
        Ok(parser.policy)
    }

    /// The keys of the logs, each named like its origin, and where they may be reached.
    pub fn logs(&self) -> impl Iterator<Item = (&VerifierKey, Option<&str>)> {
        self.log_keys.iter().zip(self.log_urls.iter().map(Option::as_deref))
    }

    /// The witnesses and their keys.
    pub fn witnesses(&self) -> impl Iterator<Item = (&PolicyWitness, &VerifierKey)> {
        self.witnesses.iter().zip(&self.witness_keys)
    }

    /// Whether the quorum is `none`: no witness is asked for anything.
    pub fn asks_nobody(&self) -> bool {
        self.quorum.is_none()
    }

    /// Judges a checkpoint's note by its log and witness lines. An error means that a line of a
    /// key that the policy knows does not verify: the note is rejected, whatever else it holds.
    /// Whether the text is a checkpoint, and of which size, is the caller's question.
    pub fn evaluate(&self, note: &Note) -> Result<QuorumResult, NoteError> {
        let origin = note.text.split('\n').next().unwrap_or_default();
        let signed = note.verify(&self.log_keys)?;
        let log = signed.iter().map(|found| self.log_keys[found.key].name()).find(|name| *name == origin);
        let verified = note.verify(&self.witness_keys)?;
        let mut counts = vec![false; self.witnesses.len()];
        let mut witnessed = Vec::with_capacity(verified.len());
        for found in verified {
            counts[found.key] = true;
            let witness = self.witnesses[found.key].name.clone();
            witnessed.push(Witnessed { witness, time: found.time.unwrap_or_default() });
        }
        Ok(QuorumResult {
            log: log.map(str::to_owned),
            log_missing: log.is_none() && !self.log_keys.is_empty(),
            witnessed,
            missing: self.missing(&counts),
        })
    }

    fn missing(&self, witness_counts: &[bool]) -> Option<Missing> {
        let mut group_counts: Vec<bool> = Vec::with_capacity(self.groups.len());
        // Groups name only what stands above them, so one pass in order is enough.
        for group in &self.groups {
            let counts = |member: &&Member| counts_for(**member, witness_counts, &group_counts);
            group_counts.push(group.members.iter().filter(counts).count() >= group.threshold);
        }
        let quorum = self.quorum.filter(|quorum| !counts_for(*quorum, witness_counts, &group_counts))?;
        Some(match quorum {
            Member::Witness(at) => Missing::Witness(self.witnesses[at].name.clone()),
            Member::Group(at) => {
                let group = &self.groups[at];
                let absent: Vec<String> = group
                    .members
                    .iter()
                    .filter(|member| !counts_for(**member, witness_counts, &group_counts))
                    .map(|member| self.name_of(*member).to_owned())
                    .collect();
                let have = group.members.len() - absent.len();
                Missing::Group { name: group.name.clone(), have, need: group.threshold, absent }
            }
        })
    }

    fn name_of(&self, member: Member) -> &str {
        match member {
            Member::Witness(at) => &self.witnesses[at].name,
            Member::Group(at) => &self.groups[at].name,
        }
    }
}

fn counts_for(member: Member, witnesses: &[bool], groups: &[bool]) -> bool {
    match member {
        Member::Witness(at) => witnesses[at],
        Member::Group(at) => groups[at],
    }
}

/// A policy that is being read, and what its names mean so far.
#[derive(Default)]
struct Parser {
    policy: Policy,
    /// Each name, and whether it is a member of a group yet.
    names: HashMap<String, (Member, bool)>,
    has_quorum: bool,
}

impl Parser {
    fn line(&mut self, line: usize, words: &[&str]) -> Result<(), PolicyError> {
        match *words {
            ["log", vkey] => self.log(line, vkey, None),
            ["log", vkey, url] => self.log(line, vkey, Some(url)),
            ["witness", name, vkey] => self.witness(line, name, vkey, None),
            ["witness", name, vkey, url] => self.witness(line, name, vkey, Some(url)),
            ["group", name, threshold, ref members @ ..] if !members.is_empty() => {
                self.group(line, name, threshold, members)
            }
            ["quorum", name] => self.quorum(line, name),
            _ => Err(PolicyError::BadLine { line }),
        }
    }

    fn log(&mut self, line: usize, vkey: &str, url: Option<&str>) -> Result<(), PolicyError> {
        if self.policy.log_keys.len() == LOGS_MAX {
            return Err(PolicyError::TooMany { line });
        }
        self.policy.log_keys.push(new_key(line, vkey, SignatureType::Ed25519, &self.policy.log_keys)?);
        self.policy.log_urls.push(url.map(str::to_owned));
        Ok(())
    }

    fn witness(&mut self, line: usize, name: &str, vkey: &str, url: Option<&str>) -> Result<(), PolicyError> {
        if self.policy.witnesses.len() == WITNESSES_MAX {
            return Err(PolicyError::TooMany { line });
        }
        let key = new_key(line, vkey, SignatureType::CosignatureV1, &self.policy.witness_keys)?;
        self.define(line, name, Member::Witness(self.policy.witnesses.len()))?;
        self.policy.witness_keys.push(key);
        self.policy.witnesses.push(PolicyWitness { name: name.to_owned(), url: url.map(str::to_owned) });
        Ok(())
    }

    fn group(
        &mut self,
        line: usize,
        name: &str,
        threshold: &str,
        members: &[&str],
    ) -> Result<(), PolicyError> {
        if self.policy.groups.len() == GROUPS_MAX {
            return Err(PolicyError::TooMany { line });
        }
        let threshold = parse_threshold(threshold, members.len())
            .ok_or(PolicyError::BadThreshold { line, members: members.len() })?;
        let members = members.iter().map(|member| self.take(line, member)).collect::<Result<_, _>>()?;
        self.define(line, name, Member::Group(self.policy.groups.len()))?;
        self.policy.groups.push(Group { name: name.to_owned(), threshold, members });
        Ok(())
    }

    fn quorum(&mut self, line: usize, name: &str) -> Result<(), PolicyError> {
        if std::mem::replace(&mut self.has_quorum, true) {
            return Err(PolicyError::SecondQuorum { line });
        }
        self.policy.quorum = match (name, self.names.get(name)) {
            (NONE, _) => None,
            (_, Some((member, _))) => Some(*member),
            (_, None) => return Err(PolicyError::Undefined { line, name: name.to_owned() }),
        };
        Ok(())
    }

    fn define(&mut self, line: usize, name: &str, member: Member) -> Result<(), PolicyError> {
        if name == NONE || self.names.contains_key(name) {
            return Err(PolicyError::NameTaken { line, name: name.to_owned() });
        }
        self.names.insert(name.to_owned(), (member, false));
        Ok(())
    }

    /// A name becomes a member, once.
    fn take(&mut self, line: usize, name: &str) -> Result<Member, PolicyError> {
        let (member, taken) =
            self.names.get_mut(name).ok_or_else(|| PolicyError::Undefined { line, name: name.to_owned() })?;
        if std::mem::replace(taken, true) {
            return Err(PolicyError::MemberTwice { line, name: name.to_owned() });
        }
        Ok(*member)
    }
}

fn new_key(
    line: usize,
    vkey: &str,
    wanted: SignatureType,
    earlier: &[VerifierKey],
) -> Result<VerifierKey, PolicyError> {
    let key = VerifierKey::parse(vkey).map_err(|error| PolicyError::BadKey { line, error })?;
    if key.signature_type() != wanted {
        return Err(PolicyError::WrongType { line });
    }
    if earlier.iter().any(|other| other.public() == key.public()) {
        return Err(PolicyError::DuplicateKey { line });
    }
    Ok(key)
}

fn parse_threshold(text: &str, members: usize) -> Option<usize> {
    match text {
        "any" => Some(1),
        "all" => Some(members),
        number => usize::try_from(parse_decimal(number)?).ok().filter(|k| (1..=members).contains(k)),
    }
}

#[cfg(test)]
mod tests;
