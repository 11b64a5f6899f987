//! Reads of clearance, ethics, cases, draws and the calendar, and of any stream, now or as of any moment.
//! Invariant: `data` of a view is what its `digest` is over, so whoever made the same view compares one
//! line; boards, counts without small numbers and draws without names are for everybody, all else is
//! for those who may read the entries that it is made of.

use lian_core::{hash::Digest, statement::is_stream};
use lian_domain::{
    clearance::{Hawb, Mawb, Warehouse},
    dates::Day,
    draws::State as Lot,
    ids::Ubn,
    ledger::Stream,
    views::{
        View, board,
        board::BoardQuery,
        calendar, cargo, cases, draws, ethics,
        past::PastFault,
        streams::{Streams, is_public},
    },
};
use serde_json::{Value, json};

use super::{
    App,
    books::{At, Seen, view},
    entries,
    problem::{Code, Problem},
    request::{Reply, Request},
    shape,
    views::{as_of, at, check_party, unknown},
};

/// Streams of a list.
const LISTED_MAX: usize = 500;
const LISTED_USUAL: usize = 50;

/// What an answer says of its moment besides the size: when the last entry was recorded that counts,
/// and which rules are in force after it.
struct Then {
    recorded_at: u64,
    rules: u32,
}

impl Then {
    fn of(streams: &dyn Streams) -> Self {
        Self { recorded_at: streams.recorded_at(), rules: streams.rules().version }
    }

    fn as_of(&self, size: u64, at: At) -> Value {
        let mut members = as_of(size, at);
        members["recorded_at"] = json!(shape::moment(self.recorded_at));
        members["rules"] = json!(self.rules);
        members
    }
}

/// What was made of the streams of a moment, with what is said of it.
fn made<T>(
    app: &App,
    at: At,
    make: impl FnOnce(&dyn Streams) -> Result<T, PastFault>,
) -> Result<(T, u64, Value), Problem> {
    let Seen { size, value } = view(&*app.books, at, |streams| Ok((make(streams)?, Then::of(streams))))?;
    let (made, then) = value;
    Ok((made, size, then.as_of(size, at)))
}

/// An answer with a view, its digest and the size that it holds for.
fn told<V: View>(shown: &V, size: u64, as_of: &Value) -> Reply {
    let value = shown.to_value();
    let digest = lian_domain::views::digest(V::NAME, &value);
    let body = json!({
        "view": V::NAME, "data": shape::value_of(&value), "digest": digest.to_hex(), "as_of": as_of,
    });
    Reply::json(&body).at(size)
}

/// Makes a view of the moment asked for.
fn answer<V: View>(
    app: &App,
    at: At,
    make: impl FnOnce(&dyn Streams) -> Result<V, PastFault>,
) -> Result<Reply, Problem> {
    let (shown, size, as_of) = made(app, at, make)?;
    Ok(told(&shown, size, &as_of))
}

/// The same of something that may not be there.
fn found<V: View>(
    app: &App,
    at: At,
    make: impl FnOnce(&dyn Streams) -> Result<Option<V>, PastFault>,
) -> Result<Reply, Problem> {
    let (shown, size, as_of) = made(app, at, make)?;
    Ok(told(&shown.ok_or_else(unknown)?, size, &as_of))
}

/// May this reader see every stream that begins so?
pub(super) fn check_stream(app: &App, beginning: &str) -> Result<(), Problem> {
    let allowed = app.config.open_all || is_public(beginning);
    if allowed { Ok(()) } else { Err(Problem::plain(Code::NotForYou)) }
}

fn shown(stream: &Stream) -> Value {
    json!({
        "stream": &*stream.name, "version": stream.version, "logged": stream.logged, "last_seq": stream.last,
        "state": stream.state_value().as_ref().map(shape::value_of), "state_digest": stream.state_digest().to_hex(),
    })
}

/// `GET /v1/streams/{stream…}`: what a stream has become.
pub fn stream(app: &App, request: &Request) -> Result<Reply, Problem> {
    let name = request.place(0);
    check_stream(app, name)?;
    if !is_stream(name) {
        return Err(unknown());
    }
    let at = at(app, request)?;
    let (found, size, as_of) = made(app, at, |streams| streams.stream(name))?;
    let stream = found.ok_or_else(unknown)?;
    let mut body = shown(&stream);
    body["as_of"] = as_of;
    Ok(Reply::json(&body).with("ETag", format!("\"v{}\"", stream.version)).at(size))
}

/// `GET /v1/streams`: the streams whose names begin so, ascending.
pub fn streams(app: &App, request: &Request) -> Result<Reply, Problem> {
    let prefix = request.parameter("prefix").unwrap_or_default();
    check_stream(app, prefix)?;
    let limit = request.limit(LISTED_USUAL, LISTED_MAX)?;
    let after = request.parameter("after");
    let at = at(app, request)?;
    let (mut found, size, as_of) = made(app, at, |streams| streams.range(prefix, after, limit + 1))?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|stream| stream.name.to_string());
    let data: Vec<Value> = found.iter().map(shown).collect();
    let body = json!({"data": data, "has_more": has_more, "next": next, "as_of": as_of});
    let reply = Reply::json(&body).at(size);
    Ok(match next {
        Some(next) => reply.with("Link", entries::next_link(request, next)),
        None => reply,
    })
}

/// `GET /v1/clearance/{mawb}/{hawb}`: one bag or house bill.
pub fn bag(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let mawb = Mawb::parse(request.place(0)).ok_or_else(unknown)?;
    let hawb = Hawb::parse(request.place(1)).ok_or_else(unknown)?;
    found(app, at(app, request)?, |streams| cargo::one(streams, &mawb, &hawb))
}

/// `GET /v1/clearance/{mawb}`: the bags of a master waybill, and whether their pieces add up.
pub fn waybill(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let mawb = Mawb::parse(request.place(0)).ok_or_else(unknown)?;
    found(app, at(app, request)?, |streams| cargo::conservation(streams, &mawb))
}

/// `GET /v1/clearance/advice`: how often risk advice was right.
pub fn advice(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    answer(app, at(app, request)?, cargo::hit_rate)
}

pub(super) fn board_query(request: &Request) -> Result<BoardQuery, Problem> {
    let warehouse = |text| {
        Warehouse::parse(text)
            .ok_or_else(|| Problem::parameter("warehouse", "須為貨棧代碼", "must be the code of a warehouse"))
    };
    let broker = |text| {
        Ubn::parse(text).ok_or_else(|| {
            Problem::parameter("broker", "須為八碼統一編號", "must be a business number of eight digits")
        })
    };
    let day = |text| {
        Day::parse_human(text).ok_or_else(|| {
            Problem::parameter("date", "請寫 2026-11-23 或 115-11-23", "is written 2026-11-23 or 115-11-23")
        })
    };
    Ok(BoardQuery {
        warehouse: request.parameter("warehouse").map(warehouse).transpose()?,
        broker: request.parameter("broker").map(broker).transpose()?,
        day: request.parameter("date").map(day).transpose()?,
    })
}

/// `GET /v1/disclosure/board`: the bags that were laid on the lines.
pub fn clearance_board(app: &App, request: &Request) -> Result<Reply, Problem> {
    let query = board_query(request)?;
    answer(app, at(app, request)?, |streams| board::clearance(streams, &query))
}

/// `GET /v1/disclosure/exceptions`: what cannot clear, and why.
pub fn exception_board(app: &App, request: &Request) -> Result<Reply, Problem> {
    let query = board_query(request)?;
    answer(app, at(app, request)?, |streams| board::exceptions(streams, &query))
}

/// What this reader gets of the counts: true for what everybody gets.
pub(super) fn counts_for_all(app: &App, request: &Request) -> Result<bool, Problem> {
    match request.parameter("public") {
        None => Ok(!app.config.open_all),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::parameter("public", "只能是 true", "can only be true")),
    }
}

/// `GET /v1/ethics/stats`: counts by type, quarter and year; for everybody without small numbers.
pub fn ethics_stats(app: &App, request: &Request) -> Result<Reply, Problem> {
    let at = at(app, request)?;
    if counts_for_all(app, request)? {
        answer(app, at, |streams| Ok(ethics::statistics(streams)?.public()))
    } else {
        answer(app, at, ethics::statistics)
    }
}

/// `GET /v1/cases/clocks`: the limitation clocks that run.
pub fn case_clocks(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let at = at(app, request)?;
    answer(app, at, |streams| cases::clocks(streams, at.day))
}

/// `GET /v1/obligations`: what should have happened and has not.
pub fn obligations(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let at = at(app, request)?;
    answer(app, at, |streams| calendar::obligations(streams, at.day))
}

/// What drawing again needs besides the draw.
struct Record {
    lot: Lot,
    /// Entries that the population's epoch covers.
    then: u64,
    /// Root of the seal epoch; zeros before the draw is closed.
    root: Digest,
}

fn record(streams: &dyn Streams, scheme: &str, period: &str) -> Result<Option<Record>, PastFault> {
    let Some(lot) = draws::state(streams, scheme, period)? else { return Ok(None) };
    let then = streams.epoch(lot.epoch)?.map_or(0, |epoch| epoch.size);
    let root = match &lot.outcome {
        Some(outcome) => streams.epoch(outcome.epoch)?.map_or(Digest::ZERO, |epoch| epoch.root),
        None => Digest::ZERO,
    };
    Ok(Some(Record { lot, then, root }))
}

/// The version of the rules under which a draw was opened: that of the first accepted entry.
fn opened_under(app: &App, name: &str, at: At) -> Result<u32, Problem> {
    let missing = || Problem::internal(&"an entry of a draw is not there");
    for index in app.books.history(name, at)?.value {
        let entry = entries::read(app, index)?.ok_or_else(missing)?;
        let leaf = lian_core::entry::Leaf::decode(&entry.leaf).map_err(|error| Problem::internal(&error))?;
        if leaf.verdict.is_accepted() {
            return Ok(leaf.rules);
        }
    }
    Err(missing())
}

/// A draw, drawn again from the states of its epoch; none if it was not opened then.
pub(super) fn drawn_again(
    app: &App,
    scheme: &str,
    period: &str,
    at: At,
) -> Result<Option<Seen<draws::Draw>>, Problem> {
    let seen = view(&*app.books, at, |streams| record(streams, scheme, period))?;
    let Some(Record { lot, then, root }) = seen.value else { return Ok(None) };
    // What follows holds for the size that was answered for, whatever came in meanwhile.
    let at_size = At { size: seen.size, present: false, ..at };
    let version = opened_under(app, &lot.stream(), at_size)?;
    let rules = view(&*app.books, at_size, |streams| draws::rules_of(streams, version))?.value;
    let scheme = rules.as_ref().and_then(|rules| rules.draws.scheme(scheme));
    let scheme = scheme.ok_or_else(|| Problem::internal(&"a draw of a scheme that there never was"))?;
    let then = At { size: then, ..at_size };
    let value = view(&*app.books, then, |streams| draws::again(streams, scheme, lot, root))?.value;
    Ok(Some(Seen { size: seen.size, value }))
}

/// `GET /v1/draws/{scheme}/{period}`: a draw, drawn again.
pub fn draw(app: &App, request: &Request) -> Result<Reply, Problem> {
    let at = at(app, request)?;
    let drawn = drawn_again(app, request.place(0), request.place(1), at)?;
    let Seen { size, value: drawn } = drawn.ok_or_else(unknown)?;
    let at_size = At { size, present: false, ..at };
    let ((), _, as_of) = made(app, at_size, |_| Ok(()))?;
    let open = app.config.open_all;
    Ok(if open { told(&drawn, size, &as_of) } else { told(&drawn.public(), size, &as_of) })
}
