//! The kinds of the families in words, for pages and commands: one table for both.
//! Invariant: every kind of a family has words in both languages.

/// Kind, 正體中文, English; ascending.
const WORDS: &[(&str, &str, &str)] = &[
    ("draw.closed", "抽籤結果", "draw closed"),
    ("draw.committed", "亂數承諾", "number committed"),
    ("draw.opened", "抽籤開啟", "draw opened"),
    ("draw.revealed", "亂數揭示", "number revealed"),
    ("ethics.acknowledged", "廉政署收受", "acknowledged by the agency"),
    ("ethics.closed", "廉政登錄結案", "registration closed"),
    ("ethics.disposed", "廉政事件處理", "disposed of"),
    ("ethics.logged", "政風登錄", "logged by the ethics office"),
    ("ethics.reported", "廉政事件登錄", "registered"),
    ("ethics.reviewed", "抽查覆核", "reviewed"),
    ("ethics.sampled", "列入抽查", "sampled"),
    ("ethics.seen", "長官知悉", "seen by the superior"),
    ("ethics_run.closed", "抽查結束", "sampling run closed"),
    ("ethics_run.drawn", "抽查名單", "sample on record"),
    ("ethics_run.opened", "抽查開啟", "sampling run opened"),
    ("ethics_run.reviewed", "抽查覆核結果", "review on record"),
];

/// A kind in Chinese and in English; `None` if it is of no family.
pub fn words(kind: &str) -> Option<(&'static str, &'static str)> {
    let row = WORDS.binary_search_by(|(name, ..)| (*name).cmp(kind)).ok()?;
    Some((WORDS[row].1, WORDS[row].2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_a_family_has_words_in_both_languages_and_no_other_has() {
        let kinds: Vec<&str> = crate::families::kinds().map(|kind| kind.name).collect();

        assert_eq!(WORDS.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>(), kinds);
        assert!(
            WORDS.iter().all(|(_, zh, en)| zh.chars().all(|letter| letter > '\u{2e80}') && en.is_ascii())
        );
        assert_eq!(words("draw.opened"), Some(("抽籤開啟", "draw opened")));
        assert_eq!(words("guarantee.closed"), None);
    }
}
