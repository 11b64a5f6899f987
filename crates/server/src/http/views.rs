//! Reads of what is derived from the log, now or as of any moment.
//! Invariant: an answer says the size of the log that it holds for; whoever asks again with
//! `as_of=checkpoint:<size>` gets the same.

use lian_core::hash::Digest;
use lian_domain::{
    ids::{BankCode, GuaranteeNo, Ubn},
    views::keys::KeyRow,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    App,
    books::{At, Card, Seen, Wanted},
    entries, moment,
    problem::{Code, Problem},
    request::{Reply, Request},
    shape::{self, EntryShape},
};

/// Guarantees of a list.
const LISTED_MAX: usize = 500;
const LISTED_USUAL: usize = 50;

pub(super) fn at(app: &App, request: &Request) -> Result<At, Problem> {
    moment::resolve(request.parameter("as_of"), app.reader(), &*app.books, app.today())
}

pub(super) fn as_of(size: u64, at: At) -> Value {
    json!({"seq": size.checked_sub(1), "checkpoint": size, "date": at.day.to_string()})
}

/// Nothing that a reader without rights could tell from the thing that they may not read.
pub(super) fn check_party(app: &App) -> Result<(), Problem> {
    if app.config.open_all { Ok(()) } else { Err(Problem::plain(Code::NotForYou)) }
}

pub(super) fn unknown() -> Problem {
    Problem::plain(Code::NotFound)
}

fn shown(card: &Card) -> Value {
    json!({
        "no": card.no, "stream": format!("guarantee/{}", card.no), "version": card.version, "status": card.standing,
        "bank": card.bank, "debtor": card.debtor, "limit": card.limit, "outstanding": card.outstanding,
        "available": card.available, "currency": "TWD", "last_seq": card.last,
        "to": card.state.get("to").map(shape::value_of), "state": shape::value_of(&card.state),
    })
}

/// `GET /v1/guarantees/{no}`
pub fn guarantee(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let no = GuaranteeNo::parse(request.place(0)).ok_or_else(unknown)?;
    let at = at(app, request)?;
    let Seen { size, value } = app.books.guarantee(&no, at)?;
    let card = value.ok_or_else(unknown)?;
    let mut body = shown(&card);
    body["as_of"] = as_of(size, at);
    Ok(Reply::json(&body).with("ETag", format!("\"v{}\"", card.version)).at(size))
}

/// `GET /v1/guarantees`
pub fn guarantees(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let bank = |text| {
        BankCode::parse(text).ok_or_else(|| {
            Problem::parameter("bank", "須為三碼銀行代碼", "must be a bank code of three digits")
        })
    };
    let debtor = |text| {
        Ubn::parse(text).ok_or_else(|| {
            Problem::parameter("debtor", "須為八碼統一編號", "must be a business number of eight digits")
        })
    };
    let wanted = Wanted {
        status: request.parameter("status").map(str::to_owned),
        bank: request.parameter("bank").map(bank).transpose()?,
        debtor: request.parameter("debtor").map(debtor).transpose()?,
        after: request.parameter("after").map(str::to_owned),
        limit: request.limit(LISTED_USUAL, LISTED_MAX)?,
    };
    let at = at(app, request)?;
    let Seen { size, value: mut cards } = app.books.guarantees(&wanted, at)?;
    let has_more = cards.len() > wanted.limit;
    cards.truncate(wanted.limit);
    let next = cards.last().filter(|_| has_more).map(|card| card.no.clone());
    let data: Vec<Value> = cards.iter().map(shown).collect();
    let body = json!({"data": data, "has_more": has_more, "next": next, "as_of": as_of(size, at)});
    let reply = Reply::json(&body).at(size);
    Ok(match next {
        Some(next) => reply.with("Link", entries::next_link(request, next)),
        None => reply,
    })
}

/// `GET /v1/guarantees/{no}/history`
pub fn history(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let no = GuaranteeNo::parse(request.place(0)).ok_or_else(unknown)?;
    let at = at(app, request)?;
    let Seen { size, value: found } = app.books.history(&format!("guarantee/{no}"), at)?;
    if found.is_empty() {
        return Err(unknown());
    }
    let missing = || Problem::internal(&"an entry of a stream is not there");
    let mut stored = Vec::with_capacity(found.len());
    for index in found {
        stored.push(entries::read(app, index)?.ok_or_else(missing)?);
    }
    let data: Result<Vec<EntryShape<'_>>, Problem> =
        stored.iter().map(|entry| entries::shown(app, entry)).collect();
    Ok(Reply::json(&History { no: no.as_str(), data: data?, as_of: as_of(size, at) }).at(size))
}

#[derive(Serialize)]
struct History<'e> {
    no: &'e str,
    data: Vec<EntryShape<'e>>,
    as_of: Value,
}

/// `GET /v1/principals/{taxid}/quota`
pub fn quota(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let debtor = Ubn::parse(request.place(0)).ok_or_else(unknown)?;
    let at = at(app, request)?;
    let Seen { size, value: quota } = app.books.quota(&debtor, at)?;
    let guarantees: Vec<Value> = quota.guarantees.iter().map(shown).collect();
    let body = json!({
        "debtor": debtor.as_str(), "limit": quota.limit, "outstanding": quota.outstanding, "available": quota.available,
        "currency": "TWD", "scheme_suspended": quota.scheme_suspended, "guarantees": guarantees, "as_of": as_of(size, at),
    });
    Ok(Reply::json(&body).at(size))
}

/// `GET /v1/banks/{code}/exposure`
pub fn exposure(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let bank = BankCode::parse(request.place(0)).ok_or_else(unknown)?;
    let at = at(app, request)?;
    let Seen { size, value } = app.books.exposure(&bank, at)?;
    let exposure = value.ok_or_else(unknown)?;
    let body = json!({
        "bank": bank.as_str(), "live": exposure.live, "limit": exposure.limit.get(), "outstanding": exposure.outstanding.get(),
        "pending": exposure.pending.get(), "called": exposure.called.get(), "currency": "TWD", "as_of": as_of(size, at),
    });
    Ok(Reply::json(&body).at(size))
}

fn key(row: &KeyRow) -> Value {
    let mut members = Map::new();
    members.insert("id".to_owned(), json!(row.id.to_hex()));
    members.insert("actor".to_owned(), json!(row.actor));
    members.insert("unit".to_owned(), json!(row.unit));
    members.insert("capacities".to_owned(), json!(row.capacities));
    members.insert("recovery".to_owned(), json!(row.recovery));
    members.insert("enrolled".to_owned(), json!(row.enrolled));
    if let Some(revoked) = &row.revoked {
        let revoked = json!({"entry": revoked.entry, "reason": revoked.reason, "contested_from": revoked.contested_from});
        members.insert("revoked".to_owned(), revoked);
    }
    Value::Object(members)
}

/// `GET /v1/keys`: the key directory, with its history.
pub fn keys(app: &App, request: &Request) -> Result<Reply, Problem> {
    let at = at(app, request)?;
    let wanted = request.parameter("key").map(|text| {
        Digest::from_hex(text)
            .ok_or_else(|| Problem::parameter("key", "須為 64 位十六進位", "must be 64 hex digits"))
    });
    let wanted = wanted.transpose()?;
    let actor = request.parameter("actor");
    let Seen { size, value: rows } = app.books.keys(at)?;
    let fits =
        |row: &&KeyRow| wanted.is_none_or(|id| row.id == id) && actor.is_none_or(|actor| row.actor == actor);
    let data: Vec<Value> = rows.iter().filter(fits).map(key).collect();
    Ok(Reply::json(&json!({"data": data, "as_of": as_of(size, at)})).at(size))
}
