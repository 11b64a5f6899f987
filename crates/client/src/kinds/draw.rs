//! The data of draws: what is computed here is what the ledger and everybody else compute.

use lian_core::{
    hash::{Digest, hex_encode},
    json::Value,
};
use lian_domain::draws::{Period, Scheme, State, Unordered, commitment, pick, population};

use super::text;

/// Data of `draw.opened`: `members` are what the scheme selects from the states at the size of the
/// epoch, ascending.
pub fn opened(
    scheme: &Scheme,
    period: Period,
    epoch: u64,
    members: &[String],
) -> Result<Value<'static>, Unordered> {
    let (root, count) = population(members.iter().map(String::as_str))?;
    Ok(Value::object([
        ("committers", Value::List(scheme.committers.iter().map(|actor| text(actor)).collect())),
        ("count", Value::number(u64::from(scheme.count_of(count)))),
        ("epoch", Value::number(epoch)),
        ("members", Value::number(count)),
        ("period", text(&period.to_string())),
        ("population", text(&root.to_hex())),
        ("scheme", text(&scheme.name)),
    ]))
}

/// Data of `draw.committed`: binds a party to 32 random bytes that it keeps to itself until then.
pub fn committed(draw: &str, party: &str, random: &[u8; 32]) -> Value<'static> {
    let promise = commitment(draw, party, &Digest(*random));
    Value::object([("commitment", text(&promise.to_hex())), ("party", text(party))])
}

/// Data of `draw.revealed`; `epoch` is the seal epoch, which the party has seen cosigned.
pub fn revealed(party: &str, random: &[u8; 32], epoch: u64) -> Value<'static> {
    let random = ("random", text(&hex_encode(random)));
    Value::object([("epoch", Value::number(epoch)), ("party", text(party)), random])
}

/// Data of `draw.closed`: the names that the reveals so far draw with the seal epoch and its root.
pub fn closed(draw: &State, epoch: u64, root: &Digest, members: &[String]) -> Value<'static> {
    let seed = draw.seed(epoch, root);
    let drawn = pick(&seed, members.iter().map(String::as_str), draw.count_drawn());
    Value::object([
        ("drawn", Value::List(drawn.into_iter().map(text).collect())),
        ("epoch", Value::number(epoch)),
        ("seed", text(&seed.to_hex())),
    ])
}
