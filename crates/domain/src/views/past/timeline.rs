//! How an object went from entry to entry.

use super::{PastFault, PastReads, Stream, rules_of};

impl PastReads {
    /// The stream after each of the last `most` entries below `size` that name it, oldest first.
    pub fn timeline_at(&self, name: &str, size: u64, most: usize) -> Result<Vec<(u64, Stream)>, PastFault> {
        let entries = self.history_at(name, size, most)?.items;
        let Some((first, _)) = entries.last() else {
            return Ok(Vec::new());
        };
        let mut stream = self.stream_at(name, *first)?.unwrap_or_else(|| Stream::new(name));
        let mut steps = Vec::with_capacity(entries.len());
        for (index, _) in entries.iter().rev() {
            let parsed = self.parsed(*index)?;
            let rules = rules_of(&*self.rows, &self.opening, parsed.rules)?;
            parsed.apply(&mut stream, &rules)?;
            steps.push((*index, stream.clone()));
        }
        Ok(steps)
    }
}
