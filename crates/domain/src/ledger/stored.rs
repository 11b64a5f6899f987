//! What rows are called and what they hold (SPEC.md "Rows").
//! Invariant: a row has one spelling: what is read is written again byte for byte, or it is a fault.
//! Limits: a list of a state is cut into pieces of 4,096 items, because JSON is read no longer.

use std::sync::Arc;

use lian_core::{
    hash::Digest,
    json::{ITEMS_MAX, Value},
    keys::PublicKey,
    map::paged::PagePath,
    note::NoteSignature,
};

use super::{State, Stream};
use crate::{
    epochs::Epoch,
    families, guarantee,
    ids::{BankCode, DeclarationNo, GuaranteeNo, Ubn},
    plain,
    registry::{self, Named, Opening},
    rows::RowFault,
    rules::Rules,
};

/// What rows look like; another number means: discard them.
pub const ROWS_VERSION: u32 = 6;
/// Logged statements of a stream from one kept state to the next.
pub const SNAPSHOT_EVERY: u64 = 64;
/// The row of the ledger's own small state.
pub const LEDGER_KEY: &[u8] = b"!ledger";
/// The row that says up to which size the pages of the map are whole.
pub const MAP_KEY: &[u8] = b"!map";

/// `s` ‖ stream id: the newest state of a stream.
pub fn stream_row(name: &str) -> Vec<u8> {
    [b"s", name.as_bytes()].concat()
}

/// `h` ‖ stream id ‖ 0: the kept states of a stream.
pub fn kept_prefix(name: &str) -> Vec<u8> {
    [b"h", name.as_bytes(), &[0]].concat()
}

/// `h` ‖ stream id ‖ 0 ‖ index: the state of a stream after that entry.
pub fn kept_row(name: &str, index: u64) -> Vec<u8> {
    [b"h", name.as_bytes(), &[0], &index.to_be_bytes()].concat()
}

/// What is counted for each declaration, because rules ask for it and no one stream tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tally {
    /// Open draws on all guarantees.
    Draws,
    /// Cargo that blocks it.
    Blocks,
}

/// `d` ‖ declaration: its open draws, `b` ‖ declaration: cargo that blocks it; if there are any.
pub fn tally_row((tally, declaration): &(Tally, DeclarationNo)) -> Vec<u8> {
    let byte = match tally {
        Tally::Draws => b"d",
        Tally::Blocks => b"b",
    };
    [byte, declaration.as_str().as_bytes()].concat()
}

/// `o` ‖ stream id: since which entry a stream is open; no row if it is not.
pub fn open_row(name: &str) -> Vec<u8> {
    [b"o", name.as_bytes()].concat()
}

/// `r` ‖ key id: refusals of a key on the last day on which it had any.
pub fn refusals_row(key: &Digest) -> Vec<u8> {
    [&b"r"[..], &key.0].concat()
}

/// `e` ‖ number: a closed epoch.
pub fn epoch_row(number: u64) -> Vec<u8> {
    [&b"e"[..], &number.to_be_bytes()].concat()
}

/// `k` ‖ key id: the key itself, which states of actors only name.
pub fn key_row(id: &Digest) -> Vec<u8> {
    [&b"k"[..], &id.0].concat()
}

/// `m` ‖ path: a page of the epoch map.
pub fn page_row(path: &PagePath) -> Vec<u8> {
    [&b"m"[..], &path.to_bytes()].concat()
}

/// True for rows that follow from others and check themselves: pages of the map, each named by its
/// hash in the page above it. Which of them are there depends on when proofs were asked for.
pub fn checks_itself(key: &[u8]) -> bool {
    key.first() == Some(&b'm') || key == MAP_KEY
}

/// `i/bank/<code>/`: the guarantees of a bank, by number.
pub fn bank_index(bank: BankCode) -> Vec<u8> {
    format!("i/bank/{bank}/").into_bytes()
}

/// `i/debtor/<ubn>/`: the guarantees of a debtor, by number.
pub fn debtor_index(debtor: &Ubn) -> Vec<u8> {
    format!("i/debtor/{debtor}/").into_bytes()
}

/// The index rows of a guarantee; their values are empty.
pub fn index_rows(bank: BankCode, debtor: &Ubn, no: &GuaranteeNo) -> [Vec<u8>; 2] {
    [bank_index(bank), debtor_index(debtor)].map(|prefix| [&prefix, no.as_str().as_bytes()].concat())
}

/// A row that cannot be believed.
pub(crate) fn fault(key: &[u8], what: impl std::fmt::Display) -> RowFault {
    RowFault(format!("{}: {what}", key.escape_ascii()))
}

/// Reads fields off the front; `None` when too few bytes are left.
pub(crate) struct Bytes<'b>(pub &'b [u8]);

impl<'b> Bytes<'b> {
    pub fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn digest(&mut self) -> Option<Digest> {
        self.array().map(Digest)
    }

    /// A u32 length and that many bytes.
    fn piece(&mut self) -> Option<&'b [u8]> {
        let length = self.u32()?;
        self.take(usize::try_from(length).ok()?)
    }

    fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.piece()?).ok()
    }

    fn end<T>(&self, whole: T) -> Option<T> {
        self.0.is_empty().then_some(whole)
    }
}

fn put_piece(bytes: &mut Vec<u8>, piece: &[u8]) {
    bytes.extend_from_slice(&u32::try_from(piece.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(piece);
}

/// The value of a stream's row.
pub fn encode_stream(stream: &Stream) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    for number in [stream.version, stream.logged, stream.last] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(&stream.acc.0);
    bytes.extend_from_slice(&u32::try_from(stream.refused.len()).unwrap_or(u32::MAX).to_be_bytes());
    for (digest, index) in &stream.refused {
        bytes.extend_from_slice(&digest.0);
        bytes.extend_from_slice(&index.to_be_bytes());
    }
    let Some(value) = stream.state_value() else {
        bytes.push(0);
        return bytes;
    };
    bytes.push(match &stream.state {
        State::Empty => 0,
        State::Registry(_) => 1,
        State::Plain(_) => 2,
        State::Guarantee(_) => 3,
        State::Family(state) => state.row(),
    });
    let pieces = cut(value);
    bytes.extend_from_slice(&u16::try_from(pieces.len()).unwrap_or(u16::MAX).to_be_bytes());
    for piece in &pieces {
        put_piece(&mut bytes, &piece.write());
    }
    if let State::Registry(registry::State::Rules(publication)) = &stream.state {
        put_piece(&mut bytes, &publication.rules.to_value().write());
    }
    bytes
}

/// The state with its lists cut to what JSON may hold, then what was cut off, piece by piece.
fn cut(mut value: Value<'static>) -> Vec<Value<'static>> {
    let mut rest = Vec::new();
    if let Value::Object(members) = &mut value {
        for (name, member) in members {
            while let Value::List(items) = member
                && items.len() > ITEMS_MAX
            {
                let last = (items.len() - 1) / ITEMS_MAX * ITEMS_MAX;
                rest.push(Value::object([(name.clone(), Value::List(items.split_off(last)))]));
            }
        }
    }
    rest.push(value);
    rest.reverse();
    rest
}

/// Puts the pieces together again.
fn join(pieces: Vec<Value<'_>>) -> Option<Value<'_>> {
    let mut pieces = pieces.into_iter();
    let mut whole = pieces.next()?;
    for piece in pieces {
        let (Value::Object(members), Value::Object(more)) = (&mut whole, piece) else {
            return None;
        };
        for (name, more) in more {
            let (_, member) = members.iter_mut().find(|(known, _)| *known == name)?;
            let (Value::List(items), Value::List(more)) = (member, more) else {
                return None;
            };
            items.extend(more);
        }
    }
    Some(whole)
}

/// Reads what [`encode_stream`] writes for that stream, and nothing else.
pub fn decode_stream(name: &str, bytes: &[u8], opening: Option<&Opening>) -> Result<Stream, RowFault> {
    let broken = |what: &dyn std::fmt::Display| fault(&stream_row(name), what);
    let mut stream = Stream::new(name);
    let mut fields = Bytes(bytes);
    let family = head(&mut stream, &mut fields).ok_or_else(|| broken(&"no row of a stream"))?;
    if family > 0 {
        let (value, rules) = state_parts(&mut fields).ok_or_else(|| broken(&"no state"))?;
        stream.state = match family {
            1 => registry::State::from_value(&value, Named { opening, rules: rules.as_ref() })
                .map(State::Registry),
            2 => plain::State::from_value(&value).map(State::Plain),
            3 => guarantee::State::from_value(&value).map(|state| State::Guarantee(Arc::new(Some(state)))),
            row => families::State::from_value(row, &value)
                .ok_or_else(|| broken(&"no family of states"))?
                .map(|state| State::Family(Arc::new(state))),
        }
        .map_err(|error| broken(&error))?;
    }
    if fields.0.is_empty() && encode_stream(&stream) == bytes {
        Ok(stream)
    } else {
        Err(broken(&"another spelling of a stream"))
    }
}

fn head(stream: &mut Stream, fields: &mut Bytes<'_>) -> Option<u8> {
    (stream.version, stream.logged, stream.last) = (fields.u64()?, fields.u64()?, fields.u64()?);
    stream.acc = fields.digest()?;
    for _ in 0..fields.u32()? {
        stream.refused.push((fields.digest()?, fields.u64()?));
    }
    fields.u8()
}

fn state_parts<'b>(fields: &mut Bytes<'b>) -> Option<(Value<'b>, Option<Arc<Rules>>)> {
    let mut pieces = Vec::new();
    for _ in 0..fields.u16()? {
        pieces.push(Value::read(fields.piece()?).ok()?);
    }
    let rules = match fields.0 {
        [] => None,
        _ => Some(Arc::new(Rules::parse(&Value::read(fields.piece()?).ok()?).ok()?)),
    };
    Some((join(pieces)?, rules))
}

/// The value of an epoch's row.
pub fn encode_epoch(epoch: &Epoch) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    bytes.extend_from_slice(&epoch.size.to_be_bytes());
    bytes.extend_from_slice(&epoch.root.0);
    bytes.extend_from_slice(&epoch.map.0);
    bytes.extend_from_slice(&epoch.closed_at.to_be_bytes());
    bytes.push(u8::from(epoch.is_cosigned()));
    bytes.extend_from_slice(&epoch.cosigned_at.unwrap_or_default().to_be_bytes());
    put_piece(&mut bytes, epoch.checkpoint.as_deref().unwrap_or_default().as_bytes());
    for line in &epoch.lines {
        put_piece(&mut bytes, line.encode().as_bytes());
    }
    bytes
}

/// Reads what [`encode_epoch`] writes, and nothing else.
pub fn decode_epoch(key: &[u8], bytes: &[u8]) -> Result<Epoch, RowFault> {
    let read = || {
        let mut fields = Bytes(bytes);
        let mut epoch = Epoch {
            size: fields.u64()?,
            root: fields.digest()?,
            map: fields.digest()?,
            closed_at: fields.u64()?,
            cosigned_at: Some(fields.u8()? == 1).zip(fields.u64()).and_then(|(is, at)| is.then_some(at)),
            checkpoint: Some(fields.text()?.to_owned()).filter(|text| !text.is_empty()),
            lines: Vec::new(),
        };
        while !fields.0.is_empty() {
            epoch.lines.push(NoteSignature::parse(fields.text()?)?);
        }
        (encode_epoch(&epoch) == bytes).then_some(epoch)
    };
    read().ok_or_else(|| fault(key, "no row of an epoch"))
}

/// The ledger's own small state: what changes with every entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Small {
    /// `recorded_at` of the last entry.
    pub recorded_at: u64,
    /// Rules version in force.
    pub rules: u32,
    /// Window of the first entry that no epoch covers.
    pub open_window: Option<u64>,
}

impl Small {
    /// The value of the row `!ledger`.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(21);
        bytes.extend_from_slice(&self.recorded_at.to_be_bytes());
        bytes.extend_from_slice(&self.rules.to_be_bytes());
        bytes.push(u8::from(self.open_window.is_some()));
        bytes.extend_from_slice(&self.open_window.unwrap_or_default().to_be_bytes());
        bytes
    }

    /// Reads what `encode` writes, and nothing else.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowFault> {
        let read = || {
            let mut fields = Bytes(bytes);
            let (recorded_at, rules) = (fields.u64()?, fields.u32()?);
            let (is_open, window) = (fields.u8()? == 1, fields.u64()?);
            let small = Self { recorded_at, rules, open_window: is_open.then_some(window) };
            (small.encode() == bytes).then_some(small)
        };
        read().ok_or_else(|| fault(LEDGER_KEY, "no state of a ledger"))
    }
}

/// Refusals of one key on one day.
pub fn encode_refusals(day: i64, count: u64) -> Vec<u8> {
    [day.to_be_bytes(), count.to_be_bytes()].concat()
}

/// Reads what [`encode_refusals`] writes: day and count.
pub fn decode_refusals(key: &[u8], bytes: &[u8]) -> Result<(i64, u64), RowFault> {
    let mut fields = Bytes(bytes);
    let day = fields.array().map(i64::from_be_bytes);
    let read = day.zip(fields.u64()).and_then(|found| fields.end(found));
    read.ok_or_else(|| fault(key, "no row of refusals"))
}

/// Reads a count for a declaration: a u32 above 0.
pub fn decode_tally(key: &[u8], bytes: &[u8]) -> Result<u32, RowFault> {
    let mut fields = Bytes(bytes);
    let read = fields.u32().filter(|count| *count > 0).and_then(|count| fields.end(count));
    read.ok_or_else(|| fault(key, "no count"))
}

/// Reads a u64.
pub fn decode_u64(key: &[u8], bytes: &[u8]) -> Result<u64, RowFault> {
    let mut fields = Bytes(bytes);
    let read = fields.u64().and_then(|number| fields.end(number));
    read.ok_or_else(|| fault(key, "no number"))
}

/// Reads the key of a row `k`: the 32 bytes of an Ed25519 key, whose id the row bears.
pub fn decode_key(key: &[u8], bytes: &[u8]) -> Result<PublicKey, RowFault> {
    let bytes: Option<&[u8; 32]> = bytes.try_into().ok();
    let public = bytes.and_then(|bytes| PublicKey::from_bytes32(bytes).ok());
    public.filter(|public| key_row(&public.id()) == key).ok_or_else(|| fault(key, "no key of this id"))
}

#[cfg(test)]
mod tests;
