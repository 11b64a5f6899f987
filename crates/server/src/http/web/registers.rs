//! The pages of boards, cargo, gifts, cases, draws and the calendar.
//! Invariant: each page is made from the view that the interface gives to the same reader, of the same
//! moment; whoever may not read the view gets the page of that problem.
//! Limits: 50 bags a list, 400 entries of a history, 100 draws, the newest.

use std::cmp::Reverse;

use lian_domain::{
    clearance::{Hawb, Mawb},
    draws::State as Lot,
    families,
    ledger::Stream,
    views::{board, calendar, cargo, cases, ethics},
};

use super::{App, HISTORY, LISTED, line, missing, page, page_of, seal};
use crate::{
    http::{
        books::{At, Seen, view},
        entries,
        problem::Problem,
        registers::{board_query, counts_for_all, drawn_again},
        request::{Reply, Request},
        views::{at, check_party},
    },
    pages::{self, board::Asked, cargo::Listed, draws::Listing, guarantee::Event},
};

/// Draws of the list.
const DRAWS: usize = 100;
/// Draws that are looked at for it.
const DRAWS_LOOKED_AT: usize = 10_000;

/// `GET /disclosure/board`
pub fn clearance_board(app: &App, request: &Request) -> Result<Reply, Problem> {
    let query = board_query(request)?;
    let at = at(app, request)?;
    let Seen { size, value } = view(&*app.books, at, |streams| board::clearance(streams, &query))?;
    let seal = seal(app, request, &app.reader().head());
    let asked = Asked { query: &query, size, reads_bags: app.config.open_all };
    page(&pages::board::clearance(seal, &value, asked), 200, size)
}

/// `GET /disclosure/exceptions`
pub fn exception_board(app: &App, request: &Request) -> Result<Reply, Problem> {
    let query = board_query(request)?;
    let at = at(app, request)?;
    let Seen { size, value } = view(&*app.books, at, |streams| board::exceptions(streams, &query))?;
    let seal = seal(app, request, &app.reader().head());
    let asked = Asked { query: &query, size, reads_bags: app.config.open_all };
    page(&pages::board::exceptions(seal, &value, asked), 200, size)
}

fn listed(stream: &Stream) -> Option<Listed> {
    let (mawb, hawb) = stream.name.strip_prefix("cargo/")?.split_once('/')?;
    let cargo = stream.family().and_then(families::State::clearance)?.cargo()?.clone();
    Some(Listed { mawb: Mawb::parse(mawb)?, hawb: Hawb::parse(hawb)?, cargo })
}

/// `GET /clearance`
pub fn bags(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let at = at(app, request)?;
    let most = usize::try_from(LISTED).unwrap_or(50);
    let after = request.parameter("after").map(|after| format!("cargo/{after}"));
    let seen = view(&*app.books, at, |streams| streams.range("cargo/", after.as_deref(), most + 1))?;
    let Seen { size, value: mut found } = seen;
    let more = found.len() > most;
    found.truncate(most);
    let last = found.last().filter(|_| more).map(|stream| &*stream.name);
    let next = last.and_then(|name| name.strip_prefix("cargo/"));
    let bags: Vec<Listed> = found.iter().filter_map(listed).collect();
    let seal = seal(app, request, &app.reader().head());
    page(&pages::cargo::list(seal, &bags, next, size), 200, size)
}

/// `GET /clearance/{mawb}`
pub fn waybill(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let Some(mawb) = Mawb::parse(request.place(0)) else { return missing(app, request) };
    let at = at(app, request)?;
    let Seen { size, value } = view(&*app.books, at, |streams| cargo::conservation(streams, &mawb))?;
    let Some(waybill) = value else { return missing(app, request) };
    let seal = seal(app, request, &app.reader().head());
    page(&pages::cargo::waybill(seal, &waybill, size), 200, size)
}

/// `GET /clearance/{mawb}/{hawb}`
pub fn bag(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let places = (Mawb::parse(request.place(0)), Hawb::parse(request.place(1)));
    let (Some(mawb), Some(hawb)) = places else { return missing(app, request) };
    let mut at = at(app, request)?;
    let Seen { size, value } = view(&*app.books, at, |streams| cargo::one(streams, &mawb, &hawb))?;
    let Some(bag) = value else { return missing(app, request) };
    // What follows holds for the size that was answered for, whatever came in meanwhile.
    (at.size, at.present) = (size, false);
    let seal = seal(app, request, &app.reader().head());
    let timeline = history(app, seal.lang, &bag.stream.name, at)?;
    page(&pages::cargo::bag(seal, &mawb, &bag, timeline, size), 200, size)
}

/// The last entries that name a stream.
fn history(app: &App, lang: pages::Lang, stream: &str, at: At) -> Result<Vec<Event>, Problem> {
    let history = app.books.history(stream, at)?.value;
    let mut timeline = Vec::new();
    for index in history.iter().skip(history.len().saturating_sub(HISTORY)) {
        timeline.extend(event(app, lang, *index)?);
    }
    Ok(timeline)
}

/// One entry of a history.
fn event(app: &App, lang: pages::Lang, index: u64) -> Result<Option<Event>, Problem> {
    let Some(entry) = entries::read(app, index)? else { return Ok(None) };
    let line = line(app, lang, &entry)?;
    let what: Vec<String> = line.events.into_iter().map(|(kind, _)| kind).collect();
    let (what, by) = (what.join(" · "), line.by.join(" + "));
    Ok(Some(Event { index, at: line.at, what, by, verdict: line.verdict, after: None }))
}

/// `GET /ethics/stats`
pub fn gifts(app: &App, request: &Request) -> Result<Reply, Problem> {
    let at = at(app, request)?;
    let Seen { size, value } = view(&*app.books, at, ethics::statistics)?;
    let seal = seal(app, request, &app.reader().head());
    let shown = if counts_for_all(app, request)? {
        pages::ethics::public(seal, &value.public(), size)
    } else {
        pages::ethics::whole(seal, &value, size)
    };
    page(&shown, 200, size)
}

/// `GET /cases/clocks`
pub fn clocks(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let at = at(app, request)?;
    let Seen { size, value } = view(&*app.books, at, |streams| cases::clocks(streams, at.day))?;
    let seal = seal(app, request, &app.reader().head());
    page(&pages::cases::clocks(seal, &value, size), 200, size)
}

/// `GET /cases/{no}`
pub fn case(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let mut at = at(app, request)?;
    let no = request.place(0);
    let Seen { size, value } = view(&*app.books, at, |streams| cases::one(streams, no, at.day))?;
    let Some(file) = value else { return missing(app, request) };
    // What follows holds for the size that was answered for, whatever came in meanwhile.
    (at.size, at.present) = (size, false);
    let seal = seal(app, request, &app.reader().head());
    let timeline = history(app, seal.lang, &format!("case/{}", file.case.no), at)?;
    page(&pages::case::file(seal, &file, timeline, size), 200, size)
}

/// `GET /clearance/advice`
pub fn advice(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let at = at(app, request)?;
    let Seen { size, value } = view(&*app.books, at, cargo::hit_rate)?;
    let seal = seal(app, request, &app.reader().head());
    page(&pages::advice::hit_rate(seal, &value, size), 200, size)
}

/// `GET /obligations`
pub fn obligations(app: &App, request: &Request) -> Result<Reply, Problem> {
    check_party(app)?;
    let at = at(app, request)?;
    let Seen { size, value } = view(&*app.books, at, |streams| calendar::obligations(streams, at.day))?;
    let seal = seal(app, request, &app.reader().head());
    page(&pages::calendar::obligations(seal, &value, size, |stream| page_of(app, stream)), 200, size)
}

/// `GET /draws`
pub fn draws(app: &App, request: &Request) -> Result<Reply, Problem> {
    let at = at(app, request)?;
    let seen = view(&*app.books, at, |streams| {
        let mut found: Vec<Lot> = Vec::new();
        let complete = streams.each("draw/", DRAWS_LOOKED_AT, &mut |stream| {
            found.extend(stream.family().and_then(families::State::draw).cloned());
        })?;
        Ok((found, complete))
    })?;
    let Seen { size, value: (mut found, complete) } = seen;
    found.sort_by_key(|lot| Reverse(lot.opened_at));
    let complete = complete && found.len() <= DRAWS;
    found.truncate(DRAWS);
    let seal = seal(app, request, &app.reader().head());
    let named = app.config.open_all;
    page(&pages::draws::list(seal, &found, Listing { complete, named }, size), 200, size)
}

/// `GET /draws/{scheme}/{period}`
pub fn draw(app: &App, request: &Request) -> Result<Reply, Problem> {
    let at = at(app, request)?;
    let Some(Seen { size, value }) = drawn_again(app, request.place(0), request.place(1), at)? else {
        return missing(app, request);
    };
    let seal = seal(app, request, &app.reader().head());
    page(&pages::draws::draw(seal, &value, app.config.open_all, size), 200, size)
}
