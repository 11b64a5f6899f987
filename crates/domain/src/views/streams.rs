//! The streams of a ledger as they stood at one size of its log: what every view is made from.
//! Invariant: over rows, the answer for a size is that of a ledger folded to that size; streams come
//! ascending by name, each once, and only those that some counted entry names.
//! Pure; not here: who may read what (see [`is_public`] for what needs no role).

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use super::past::PastFault;
use crate::{
    clearance::Moment,
    epochs::Epoch,
    ledger::{
        Ledger, Stream,
        laid::laid_at,
        opens::is_open,
        sums::{Counters, Group, Groups, parts},
    },
    rows::RowFault,
    rules::Rules,
};

/// Streams that are read at a time.
const AT_ONCE: usize = 256;

/// Beginnings of streams all of whose kinds anybody may read.
const PUBLIC: [&str; 8] =
    ["actor/", "broker/", "clock/", "debtor/", "epoch/", "ledger/", "refusals/", "rules/"];

/// True if anybody may read all entries that name this stream, and so its state. The beginning of a
/// name is public if every stream that begins so is.
pub fn is_public(stream: &str) -> bool {
    PUBLIC.iter().any(|family| stream.starts_with(family))
}

/// The streams of a ledger as they stood at one size of the log.
pub trait Streams {
    /// Entries that count.
    fn size(&self) -> u64;

    /// `recorded_at` of the last of them, Unix milliseconds; 0 without any.
    fn recorded_at(&self) -> u64;

    /// Rules in force for the next entry.
    fn rules(&self) -> Arc<Rules>;

    /// One stream; `None` if no entry names it.
    fn stream(&self, name: &str) -> Result<Option<Stream>, PastFault>;

    /// Up to `most` streams whose names begin with `prefix`, ascending, after a name.
    fn range(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<Stream>, PastFault>;

    /// Epoch `number` as it was known then; `None` while it is not closed.
    fn epoch(&self, number: u64) -> Result<Option<Epoch>, PastFault>;

    /// What each of these groups adds up to, ascending by key; those of which nothing counts are left
    /// out.
    fn sums(&self, groups: Groups) -> Result<Vec<(Group, Counters)>, PastFault>;

    /// Hands over the streams of a family (`ledger::opens::FAMILIES`) that are open, ascending.
    fn open(&self, family: &str, take: &mut dyn FnMut(&Stream)) -> Result<(), PastFault>;

    /// Hands over the cargo that lies on a line, or lay there last, by the moment at which it was laid:
    /// from `until` down, or from the newest, then ascending by name; until it is told to stop.
    fn laid(&self, until: Option<Moment>, take: &mut dyn FnMut(&Stream) -> bool) -> Result<(), PastFault>;

    /// Hands over up to `most` streams whose names begin with `prefix`, ascending; true if these are
    /// all there are.
    fn each(&self, prefix: &str, most: usize, take: &mut dyn FnMut(&Stream)) -> Result<bool, PastFault> {
        let (mut after, mut left) = (None::<Arc<str>>, most);
        loop {
            let found = self.range(prefix, after.as_deref(), AT_ONCE)?;
            let Some(last) = found.last() else { return Ok(true) };
            after = Some(Arc::clone(&last.name));
            if found.len() > left {
                found[..left].iter().for_each(&mut *take);
                return Ok(false);
            }
            left -= found.len();
            found.iter().for_each(&mut *take);
        }
    }
}

impl Ledger {
    /// All streams that begin so, in no order.
    fn all(&self, prefix: &str) -> Result<impl Iterator<Item = &Stream>, PastFault> {
        if !self.holds_all() {
            // Of a ledger over rows the rows are to be asked: memory has only what was used.
            return Err(RowFault(format!("{prefix}: not all of it is in memory")).into());
        }
        let wanted = move |stream: &&Stream| stream.logged > 0 && stream.name.starts_with(prefix);
        Ok(self.streams().iter().filter(wanted))
    }

    /// All streams that begin so, ascending, after a name.
    fn named(&self, prefix: &str, after: Option<&str>) -> Result<Vec<&Stream>, PastFault> {
        let later = |stream: &&Stream| after.is_none_or(|after| *stream.name > *after);
        let mut found: Vec<&Stream> = self.all(prefix)?.filter(later).collect();
        found.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        Ok(found)
    }
}

impl Streams for Ledger {
    fn size(&self) -> u64 {
        Ledger::size(self)
    }

    fn recorded_at(&self) -> u64 {
        Ledger::recorded_at(self)
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(Ledger::rules(self))
    }

    fn stream(&self, name: &str) -> Result<Option<Stream>, PastFault> {
        let found = self.find(name)?.filter(|stream| stream.logged > 0);
        Ok(found.map(std::borrow::Cow::into_owned))
    }

    fn range(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<Stream>, PastFault> {
        Ok(self.named(prefix, after)?.into_iter().take(most).cloned().collect())
    }

    fn epoch(&self, number: u64) -> Result<Option<Epoch>, PastFault> {
        let position = usize::try_from(number).ok();
        Ok(position.and_then(|position| self.epochs().get(position)).cloned())
    }

    fn sums(&self, groups: Groups) -> Result<Vec<(Group, Counters)>, PastFault> {
        let mut sums: BTreeMap<Vec<u8>, (Group, Counters)> = BTreeMap::new();
        for stream in self.all("")? {
            for (group, part) in parts(stream).into_iter().filter(|(group, _)| groups.has(group)) {
                let (_, sum) = sums.entry(group.prefix()).or_insert_with(|| (group, Counters::default()));
                *sum = sum.plus(&part).unwrap_or_default();
            }
        }
        Ok(sums.into_values().collect())
    }

    fn open(&self, family: &str, take: &mut dyn FnMut(&Stream)) -> Result<(), PastFault> {
        self.named(family, None)?.into_iter().filter(|stream| is_open(stream)).for_each(take);
        Ok(())
    }

    fn laid(&self, until: Option<Moment>, take: &mut dyn FnMut(&Stream) -> bool) -> Result<(), PastFault> {
        let laid = |stream: &&Stream| laid_at(stream).is_some_and(|at| until.is_none_or(|until| at <= until));
        let mut found: Vec<&Stream> = self.named("cargo/", None)?.into_iter().filter(laid).collect();
        // The sort is stable: streams of one moment stay ascending by name.
        found.sort_by_key(|stream| Reverse(laid_at(stream)));
        found.into_iter().all(take);
        Ok(())
    }

    fn each(&self, prefix: &str, most: usize, take: &mut dyn FnMut(&Stream)) -> Result<bool, PastFault> {
        let found = self.named(prefix, None)?;
        let all = found.len() <= most;
        found.into_iter().take(most).for_each(take);
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        families,
        filing::{ReaderClass, kinds},
    };

    #[test]
    fn what_is_public_as_a_stream_has_no_kind_that_is_not() {
        let withheld = families::kinds().filter(|kind| kind.reader != ReaderClass::Public);
        for kind in withheld {
            let family = kind.name.split('.').next().unwrap_or_default();
            assert!(!is_public(&format!("{family}/")), "{}", kind.name);
        }
        for stream in ["guarantee/FB-1", "declaration/CA", "delegation/1/2", "cargo/1/2", "certificate/a", ""]
        {
            assert!(!is_public(stream), "{stream}");
        }
        assert!(kinds().any(|kind| kind.starts_with("broker.")) && is_public("broker/12345675"));
    }
}
