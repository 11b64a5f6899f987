//! Entries and states in words.
//! Invariant: words are made from the signed bytes and the verdict alone; no name of a person can
//! appear, because none is there.

use lian_core::{
    entry::{Leaf, Verdict},
    hash::leaf_hash,
    json::Value,
    statement::Statement,
};
use lian_domain::{families, refusal::Refusal};
use lian_store::segment::StoredEntry;
use serde_json::json;

use crate::{
    failure::{Exit, Failure, Result},
    out::{Lang, Out},
    text::Text,
    when::{iso, roc},
};

/// An entry, taken apart.
pub struct Entry<'e> {
    /// The leaf.
    pub leaf: Leaf<'e>,
    /// The statement.
    pub statement: Statement<'e>,
    leaf_bytes: &'e [u8],
    payload: &'e [u8],
}

impl<'e> Entry<'e> {
    /// Takes a stored entry apart.
    pub fn open(stored: &'e StoredEntry) -> Result<Self> {
        Self::of(&stored.leaf, &stored.payload)
    }

    /// Takes a leaf and its payload apart.
    pub fn of(leaf_bytes: &'e [u8], payload: &'e [u8]) -> Result<Self> {
        let fault = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "damaged", error);
        let leaf = Leaf::decode(leaf_bytes).map_err(|error| fault(&error))?;
        let statement = Statement::parse(payload).map_err(|error| fault(&error))?;
        Ok(Self { leaf, statement, leaf_bytes, payload })
    }

    /// `18,239  115/11/23 14:05:03  guarantee/FB-115-000123  draw 扣抵 1,240,000  …  ACCEPTED`
    pub fn line(&self, out: Out) -> String {
        let events: Vec<String> = self.statement.events.iter().map(|event| Self::event(event, out)).collect();
        let shown = if events.len() > 3 {
            format!("{} … ({} events)", events[0], events.len())
        } else {
            events.join(" · ")
        };
        let by = self.statement.issuers.iter().map(|issuer| issuer.actor).collect::<Vec<_>>().join(" + ");
        format!(
            "{:>7}  {}  {shown}  {by}  {}",
            group(self.leaf.index),
            roc(self.leaf.recorded_at),
            verdict_word(self.leaf.verdict, out)
        )
    }

    fn event(event: &lian_core::statement::Event<'_>, out: Out) -> String {
        let amount = amount_of(&event.data).map(|amount| format!(" {}", group(amount))).unwrap_or_default();
        format!("{}  {}{amount}", event.stream, kind_word(event.kind, out.lang))
    }

    /// For programs.
    pub fn json(&self) -> serde_json::Value {
        let payload: serde_json::Value = serde_json::from_slice(self.payload).unwrap_or_default();
        json!({
            "index": self.leaf.index,
            "recorded_at": iso(self.leaf.recorded_at),
            "recorded_at_ms": self.leaf.recorded_at,
            "rules": self.leaf.rules,
            "verdict": verdict_json(self.leaf.verdict),
            "statement": self.leaf.statement.to_hex(),
            "leaf_hash": leaf_hash(self.leaf_bytes).to_hex(),
            "previous": self.leaf.previous.to_hex(),
            "signatures": self.leaf.signatures.iter().map(|s| lian_core::hash::hex_encode(s)).collect::<Vec<_>>(),
            "payload": payload,
        })
    }

    /// All of it, for people.
    pub fn lines(&self, out: Out) -> Vec<String> {
        let leaf = &self.leaf;
        let mut lines = vec![
            format!(
                "entry      {}   {}   ({})",
                group(leaf.index),
                roc(leaf.recorded_at),
                iso(leaf.recorded_at)
            ),
            format!("verdict    {}   rules {}", verdict_text(leaf.verdict, out), leaf.rules),
        ];
        for issuer in &self.statement.issuers {
            let key = issuer.key.to_hex();
            lines.push(format!("signed by  {} as {}   key {}…", issuer.actor, issuer.capacity, &key[..16]));
        }
        for event in &self.statement.events {
            lines.push(format!("event      {}   {}", event.kind, kind_word(event.kind, out.lang)));
            lines.push(format!("  stream   {}   expects v{}", event.stream, event.expect));
            lines.push(format!("  data     {}", String::from_utf8_lossy(&event.data.write())));
        }
        if let Some((epoch, root)) = self.statement.seen {
            lines.push(format!("seen       epoch {epoch}, root {}…", &root.to_hex()[..16]));
        }
        for (stream, version) in &self.statement.requires {
            lines.push(format!("requires   {stream} v{version}"));
        }
        lines.push(format!("statement  {}", leaf.statement));
        lines.push(format!("leaf hash  {}", leaf_hash(self.leaf_bytes)));
        lines.push(format!("previous   {}", leaf.previous));
        lines
    }
}

/// The amount that an event is about, if it is about one.
fn amount_of(data: &Value<'_>) -> Option<u64> {
    let own = ["amount", "limit"].iter().find_map(|name| data.get(name).and_then(Value::as_int));
    let taxes = || match data.get("taxes") {
        Some(Value::Object(members)) => members.iter().map(|(_, value)| value.as_int()).sum(),
        _ => None,
    };
    own.or_else(taxes).and_then(|amount| u64::try_from(amount).ok())
}

/// `1,240,000`
pub fn group(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `NT$1,240,000`
pub fn money(amount: u64) -> String {
    format!("NT${}", group(amount))
}

/// ACCEPTED, or REFUSED with its code.
pub fn verdict_word(verdict: Verdict, out: Out) -> String {
    match verdict.code {
        0 => out.word("ACCEPTED"),
        code => format!("{} {code} {}", out.word("REFUSED"), refusal_name(code)),
    }
}

/// The verdict with what it means and how to mend it.
pub fn verdict_text(verdict: Verdict, out: Out) -> String {
    let word = verdict_word(verdict, out);
    match Refusal::from_code(verdict.code) {
        Some(refusal) if out.lang == Lang::Zh => format!("{word}：{}", refusal.zh()),
        Some(refusal) => format!("{word}: {}", refusal.en()),
        None => word,
    }
}

/// Stable name of a refusal.
pub fn refusal_name(code: u16) -> &'static str {
    Refusal::from_code(code).map_or("unknown", Refusal::name)
}

/// A verdict for programs.
pub fn verdict_json(verdict: Verdict) -> serde_json::Value {
    match verdict.code {
        0 => json!({"accepted": true}),
        code => json!({"accepted": false, "code": code, "name": refusal_name(code), "event": verdict.event}),
    }
}

/// A kind in words; unknown ones stay as they are.
pub fn kind_word(kind: &str, lang: Lang) -> String {
    match (Text::of_kind(kind), families::words(kind)) {
        (Some(text), _) => text.fill(lang, &[]),
        (None, Some((zh, en))) => if lang == Lang::Zh { zh } else { en }.to_owned(),
        (None, None) => kind.to_owned(),
    }
}

/// A status in words, with the word that data have.
pub fn standing_word(name: &'static str, lang: Lang) -> String {
    match Text::of_standing(name) {
        Some(text) if lang == Lang::Zh => format!("{} {}", text.fill(lang, &[]), name.to_uppercase()),
        _ => name.to_uppercase(),
    }
}

/// A value of ours as a value of serde's.
pub fn to_json(value: &Value<'_>) -> serde_json::Value {
    serde_json::from_slice(&value.write()).unwrap_or_default()
}

/// A value on one line, shortened.
pub fn short(value: Option<&Value<'_>>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    let text = match value {
        Value::Text(text) => text.to_string(),
        Value::Int(number) => u64::try_from(*number).map_or_else(|_| number.to_string(), group),
        other => String::from_utf8_lossy(&other.write()).into_owned(),
    };
    if text.chars().count() > 48 { format!("{}…", text.chars().take(47).collect::<String>()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_in_groups_of_three() {
        let written = [0, 999, 1_000, 1_240_000, 999_999_999_999].map(group);
        assert_eq!(written, ["0", "999", "1,000", "1,240,000", "999,999,999,999"]);
    }
}
