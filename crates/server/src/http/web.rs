//! The pages' addresses: what is read for them, and who may see what.
//! Invariant: a page shows no more than the interface gives to the same reader; pages are inert
//! (no script, nothing from elsewhere), and the policy sent with them says so; what cannot be shown is
//! said in a page too, in both languages.
//! Limits: 50 entries a list, 400 entries of a guarantee's history.

pub mod registers;

use std::fmt::Write as _;

use askama::Template;
use lian_core::{
    entry::Leaf,
    hash::{Digest, leaf_hash, link},
    json::Value,
    merkle::check_inclusion,
    statement::{STATEMENT_TYPE, Statement, pae, statement_digest},
};
use lian_domain::ids::GuaranteeNo;
use lian_store::{reader::Head, segment::StoredEntry};

use super::{
    App,
    books::{At, Identity, Seen, Timeline, Wanted},
    entries,
    problem::{Kind, Problem},
    request::{Language, Reply, Request},
    views,
};
use crate::pages::{
    self, Lang, Moment, Seal, VerdictWords,
    entry::{CheckWords, Content, EntryPage, EventWords, SignerWords},
    guarantee::{Event, GuaranteeLine, GuaranteeList, GuaranteePage, Missing},
    home::{self, Health, Home, Line, Log},
    problem::{ProblemPage, Told},
    tree, words,
};

/// Nothing but our own stylesheet, nothing runs, nobody frames the page.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; \
                      frame-ancestors 'none'";
/// Entries of a list.
const LISTED: u64 = 50;
/// Entries on the first page.
const NEWEST: u64 = 12;
/// Entries of a guarantee's history.
const HISTORY: usize = 400;
/// Days of the chart on the first page.
const DAYS: u64 = 30;

fn lang(request: &Request) -> Lang {
    let asked = request.parameter("lang").and_then(Lang::of_tag);
    asked.unwrap_or(match request.language {
        Language::Chinese => Lang::Zh,
        Language::English => Lang::En,
    })
}

fn seal(app: &App, request: &Request, head: &Head) -> Seal {
    let mut here = request.path.clone();
    for (name, value) in request.query.iter().filter(|(name, _)| name != "lang") {
        here.push(if here.contains('?') { '&' } else { '?' });
        here.push_str(name);
        here.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._:/".contains(&byte) {
                here.push(char::from(byte));
            } else {
                let _ = write!(here, "%{byte:02X}");
            }
        }
    }
    let Identity { ledger, synthetic } = app.books.identity();
    Seal {
        lang: lang(request),
        here,
        ledger,
        synthetic,
        size: head.size(),
        root: head.tip().range().root(),
        recorded_at: head.tip().recorded_at(),
    }
}

fn page(template: &impl Template, status: u16, size: u64) -> Result<Reply, Problem> {
    let html = template.render().map_err(|error| Problem::internal(&error))?;
    let reply = Reply::new("text/html; charset=utf-8", html).status(status).at(size);
    Ok(reply
        .with("Content-Security-Policy", POLICY)
        .with("Referrer-Policy", "no-referrer")
        .with("Vary", "Accept-Language")
        .with("Cache-Control", "no-cache"))
}

fn missing(app: &App, request: &Request) -> Result<Reply, Problem> {
    let head = app.reader().head();
    page(&Missing { seal: seal(app, request, &head) }, 404, head.size())
}

/// The page of a problem, in both languages; a problem that could not be made a page stays as it is.
pub(super) fn told(app: &App, request: &Request, problem: Problem) -> Result<Reply, Problem> {
    let Kind::Http(code) = problem.kind else { return Err(problem) };
    let head = app.reader().head();
    let told = |language| Told {
        title: code.title(language).to_owned(),
        detail: problem.detail(language).to_owned(),
        hint: code.hint(language).to_owned(),
    };
    let template = ProblemPage {
        seal: seal(app, request, &head),
        status: problem.status(),
        code: code.name(),
        zh: told(Language::Chinese),
        en: told(Language::English),
        request_id: (problem.status() >= 500).then(|| request.id.clone()),
    };
    let Ok(reply) = page(&template, problem.status(), head.size()) else { return Err(problem) };
    let reply = reply.with("Cache-Control", "no-store");
    Ok(problem.headers().iter().fold(reply, |reply, (name, value)| reply.with(name, value.clone())))
}

/// Where a stream has a page that this reader may see.
fn page_of(app: &App, stream: &str) -> Option<String> {
    let (family, rest) = stream.split_once('/')?;
    match family {
        "draw" => Some(format!("/draws/{rest}")),
        "guarantee" if app.config.open_all => Some(format!("/guarantees/{rest}")),
        "cargo" | "mawb" if app.config.open_all => Some(format!("/clearance/{rest}")),
        "case" if app.config.open_all => Some(format!("/cases/{rest}")),
        _ => None,
    }
}

/// `GET /style.css`: by the address that pages name it is kept for good, as its bytes never change.
#[allow(clippy::unnecessary_wraps, reason = "the shape of a handler")]
pub fn style(_: &App, request: &Request) -> Result<Reply, Problem> {
    let named = request.parameter("v") == Some(pages::STYLE_VERSION.as_str());
    let kept = if named { "public, max-age=31536000, immutable" } else { "public, max-age=3600" };
    Ok(Reply::new("text/css; charset=utf-8", pages::STYLE).with("Cache-Control", kept))
}

/// `GET /`
pub fn home(app: &App, request: &Request) -> Result<Reply, Problem> {
    let head = app.reader().head();
    let seal = seal(app, request, &head);
    let stopped = app.service.stopped().map(|error| error.to_string());
    let epochs = app.books.epochs()?;
    let health = home::health(
        seal.lang,
        stopped.as_deref(),
        epochs.witnesses,
        head.size(),
        Some(app.books.reached().min(head.size())),
    );
    let newest = lines(app, seal.lang, head.size().saturating_sub(NEWEST)..head.size())?;
    let days = days(app, &head)?;
    page(&Home { seal, health, newest, epochs: epochs.closed, days }, 200, head.size())
}

/// Entries of each of the last days, by halving: nothing is counted one by one.
fn days(app: &App, head: &Head) -> Result<Vec<(String, u64)>, Problem> {
    let today = super::moment::day_of(head.tip().recorded_at());
    let mut days = Vec::new();
    let mut below = None;
    for back in (0..DAYS).rev() {
        let day = lian_domain::dates::Day::from_number(today.number() - i64::try_from(back).unwrap_or(0));
        let start = if let Some(start) = below {
            start
        } else {
            let eve = lian_domain::dates::Day::from_number(day.number() - 1);
            super::moment::size_at_end_of(app.reader(), eve)?
        };
        let end = super::moment::size_at_end_of(app.reader(), day)?;
        below = Some(end);
        days.push((day.to_roc(), end - start));
    }
    let first = days.iter().position(|(_, count)| *count > 0).unwrap_or(0);
    Ok(days.split_off(first))
}

/// Lines for a range of entries, the newest first.
fn lines(app: &App, lang: Lang, range: std::ops::Range<u64>) -> Result<Vec<Line>, Problem> {
    let entries = app.reader().entries(range).map_err(|error| Problem::internal(&error))?;
    let mut lines = Vec::new();
    for entry in entries {
        lines.push(line(app, lang, &entry.map_err(|error| Problem::internal(&error))?)?);
    }
    lines.reverse();
    Ok(lines)
}

fn line(app: &App, lang: Lang, entry: &StoredEntry) -> Result<Line, Problem> {
    let leaf = Leaf::decode(&entry.leaf).map_err(|error| Problem::internal(&error))?;
    let statement = entries::readable(app, entry).then(|| Statement::parse(&entry.payload).ok()).flatten();
    let (events, by) = statement.map_or_else(Default::default, |statement| {
        let event = |event: &lian_core::statement::Event<'_>| {
            (words::kind(event.kind, lang), event.stream.to_owned())
        };
        let events = statement.events.iter().map(event).collect();
        (events, statement.issuers.iter().map(|issuer| issuer.actor.to_owned()).collect())
    });
    let verdict = VerdictWords::of(leaf.verdict, lang);
    Ok(Line { index: entry.index, at: Moment::of_ms(leaf.recorded_at), events, by, verdict })
}

/// `GET /log`
pub fn log(app: &App, request: &Request) -> Result<Reply, Problem> {
    let head = app.reader().head();
    let end = request.number("before")?.unwrap_or(u64::MAX).min(head.size());
    let start = end.saturating_sub(LISTED);
    let seal = seal(app, request, &head);
    let lines = lines(app, seal.lang, start..end)?;
    let newer = (end < head.size()).then(|| end.saturating_add(LISTED));
    page(&Log { seal, lines, older: (start > 0).then_some(start), newer }, 200, head.size())
}

/// `GET /log/{entry}`
pub fn entry(app: &App, request: &Request) -> Result<Reply, Problem> {
    let plain = !request.place(0).is_empty() && request.place(0).bytes().all(|byte| byte.is_ascii_digit());
    let index = request.place(0).parse().ok().filter(|_| plain);
    let Some(entry) = index.map_or(Ok(None), |index| entries::read(app, index))? else {
        return missing(app, request);
    };
    let head = app.reader().head();
    let seal = seal(app, request, &head);
    let leaf = Leaf::decode(&entry.leaf).map_err(|error| Problem::internal(&error))?;
    let proof = app.reader().prove_inclusion(entry.index, head.size());
    let proof = proof.map_err(|error| Problem::internal(&error))?;
    let hash = leaf_hash(&entry.leaf);
    let content = entries::readable(app, &entry)
        .then(|| content(app, seal.lang, &entry, leaf.verdict.is_accepted()))
        .flatten();
    let template = EntryPage {
        index: entry.index,
        at: Moment::of_ms(leaf.recorded_at),
        verdict: VerdictWords::of(leaf.verdict, seal.lang),
        rules: leaf.rules,
        leaf_hash: hash,
        previous: leaf.previous,
        statement: leaf.statement,
        content,
        checks: checks(app, seal.lang, &entry, &leaf, &proof, &head)?,
        steps: tree::steps(entry.index, head.size(), hash, &proof).unwrap_or_default(),
        seal,
    };
    page(&template, 200, head.size())
}

fn content(app: &App, lang: Lang, entry: &StoredEntry, accepted: bool) -> Option<Content> {
    let statement = Statement::parse(&entry.payload).ok()?;
    let event = |event: &lian_core::statement::Event<'_>| {
        let data = match &event.data {
            Value::Object(members) => {
                members.iter().map(|(name, value)| (name.to_string(), shown(value))).collect()
            }
            other => vec![(String::new(), shown(other))],
        };
        EventWords {
            kind: words::kind(event.kind, lang),
            name: event.kind.to_owned(),
            stream: event.stream.to_owned(),
            page: page_of(app, event.stream),
            version: accepted.then(|| event.expect.saturating_add(1)),
            occurred: Moment::of_ms(u64::try_from(event.occurred_at).unwrap_or(0).saturating_mul(1_000)),
            data,
        }
    };
    let signer = |issuer: &lian_core::statement::Issuer<'_>| SignerWords {
        actor: issuer.actor.to_owned(),
        capacity: issuer.capacity.to_owned(),
        key: issuer.key,
    };
    Some(Content {
        events: statement.events.iter().map(event).collect(),
        signers: statement.issuers.iter().map(signer).collect(),
        text: String::from_utf8_lossy(&entry.payload).into_owned(),
    })
}

/// A value as people read it: texts without quotes, numbers in groups, the rest as it is written.
fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Int(number) => match u64::try_from(*number) {
            Ok(number) => pages::group(number),
            Err(_) => number.to_string(),
        },
        other => String::from_utf8_lossy(&other.write()).into_owned(),
    }
}

/// The checks that one entry allows, by the names of every report.
fn checks(
    app: &App,
    lang: Lang,
    entry: &StoredEntry,
    leaf: &Leaf<'_>,
    proof: &[Digest],
    head: &Head,
) -> Result<Vec<CheckWords>, Problem> {
    let words = |zh: &'static str, en: &'static str| if lang == Lang::Zh { zh } else { en };
    let told = |holds: bool, text: String| if holds { Health::pass(text) } else { Health::fail(text) };
    let digest = statement_digest(&entry.payload);
    let mut checks = vec![CheckWords {
        name: "payload",
        result: told(
            digest == leaf.statement,
            format!(
                "{} · {}",
                pages::group(entry.payload.len() as u64),
                words("位元組之摘要與葉所載相符", "bytes have the digest that the leaf commits to")
            ),
        ),
    }];
    checks.push(CheckWords { name: "signatures", result: signatures(app, lang, entry, leaf) });
    let before = entry.index.checked_sub(1).map(|index| entries::read(app, index)).transpose()?.flatten();
    let expected = before.map_or(Digest::ZERO, |before| link(&before.leaf));
    checks.push(CheckWords {
        name: "chain",
        result: told(
            expected == leaf.previous,
            words("前一筆之鏈結相符", "the link of the entry before is the one named here").to_owned(),
        ),
    });
    let root = head.tip().range().root();
    let included = check_inclusion(entry.index, head.size(), &leaf_hash(&entry.leaf), proof, &root).is_ok();
    checks.push(CheckWords {
        name: "tree",
        result: told(
            included,
            format!(
                "{} {} · {} {}",
                words("納入檢查點", "included in checkpoint"),
                pages::group(head.size()),
                proof.len(),
                words("個雜湊", "hashes")
            ),
        ),
    });
    checks.push(CheckWords {
        name: "witnesses",
        result: Health::unconfirmed(words(
            "請以您持有之檢查點比對",
            "compare with a checkpoint that you keep",
        )),
    });
    Ok(checks)
}

fn signatures(app: &App, lang: Lang, entry: &StoredEntry, leaf: &Leaf<'_>) -> Health {
    let words = |zh: &'static str, en: &'static str| if lang == Lang::Zh { zh } else { en };
    let Ok(statement) = Statement::parse(&entry.payload) else {
        return Health::unconfirmed(words("內容已不在", "the payload is no longer there"));
    };
    let message = pae(STATEMENT_TYPE, &entry.payload);
    let good = |(issuer, signature): (&lian_core::statement::Issuer<'_>, &&[u8])| {
        app.books.public_key(&issuer.key).is_some_and(|key| key.verify(&message, signature))
    };
    let count = statement.issuers.len();
    let holds = count == leaf.signatures.len() && statement.issuers.iter().zip(&leaf.signatures).all(good);
    let text = format!("{count} {}", words("個簽章以登錄之金鑰驗證", "verified with the keys on the ledger"));
    if holds {
        Health::pass(text)
    } else {
        Health::fail(words("簽章不符", "a signature does not verify"))
    }
}

/// `GET /guarantees`
pub fn guarantees(app: &App, request: &Request) -> Result<Reply, Problem> {
    views::check_party(app)?;
    let head = app.reader().head();
    let seal = seal(app, request, &head);
    let limit = usize::try_from(LISTED).unwrap_or(50);
    let wanted = Wanted { after: request.parameter("after").map(str::to_owned), limit, ..Wanted::default() };
    let at = At { size: head.size(), day: app.today(), present: true };
    let Seen { size, value: mut cards } = app.books.guarantees(&wanted, at)?;
    let next = (cards.len() > limit).then(|| cards.get(limit - 1).map(|card| card.no.clone())).flatten();
    cards.truncate(limit);
    let row = |card: super::books::Card| {
        let (word, class) = words::standing(card.status);
        GuaranteeLine {
            standing: (word.say(seal.lang), class),
            bank: card.bank,
            debtor: card.debtor,
            limit: pages::group(card.limit),
            available: pages::group(card.available),
            no: card.no,
        }
    };
    let rows = cards.into_iter().map(row).collect();
    page(&GuaranteeList { seal, rows, next }, 200, size)
}

/// `GET /guarantees/{no}`
pub fn guarantee(app: &App, request: &Request) -> Result<Reply, Problem> {
    views::check_party(app)?;
    let Some(no) = GuaranteeNo::parse(request.place(0)) else { return missing(app, request) };
    let at = super::moment::resolve(request.parameter("as_of"), app.reader(), &*app.books, app.today())?;
    let Seen { size, value } = app.books.timeline(&no, at, HISTORY)?;
    let Some(Timeline { state, standing, steps }) = value else { return missing(app, request) };
    let head = app.reader().head();
    let seal = seal(app, request, &head);
    let mut timeline = Vec::new();
    for (index, after) in steps.iter().rev() {
        let Some(entry) = entries::read(app, *index)? else { continue };
        let line = line(app, seal.lang, &entry)?;
        let what: Vec<String> = line.events.into_iter().map(|(kind, _)| kind).collect();
        timeline.push(Event {
            index: *index,
            at: line.at,
            what: what.join(" · "),
            by: line.by.join(" + "),
            verdict: line.verdict,
            after: after.map(|(limit, available)| pages::chart::Point { index: *index, limit, available }),
        });
    }
    let template = GuaranteePage {
        no: no.to_string(),
        as_of: size,
        standing,
        facts: pages::guarantee::facts(&state),
        timeline,
        draws: pages::guarantee::draws(&state),
        seal,
    };
    page(&template, 200, size)
}
