//! Every address that is served, once: method, path, parameters, readers, cost, handler. Routing,
//! metrics, `openapi.yaml` and the matrix of who may read what are all held against this table.
//! Invariant: what is not in the table is not served; a route without readers cannot be written.

use super::{
    App, entries, house,
    problem::{Code, Problem},
    proofs, registers,
    request::{Reply, Request, percent_decode},
    views,
    web::{self, registers as pages},
};

/// Methods that are served. `HEAD` is served wherever `GET` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
}

impl Method {
    /// As it is spelled.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Who may read what a route gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Anyone.
    Everyone,
    /// Anyone, as far as the reader class of the entry or stream allows.
    ByClass,
    /// Parties only: nobody, until reads are signed, unless the ledger is open to all.
    Parties,
    /// Whoever signed the statement.
    Signers,
}

/// Routes that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Writing.
    Statements,
    /// The log, its proofs and its tail.
    Log,
    /// What is derived from it.
    Views,
    /// Static files of C2SP.
    Tiles,
    /// Pages for people.
    Pages,
    /// The server itself.
    House,
}

impl Group {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 6] =
        [Self::Statements, Self::Log, Self::Views, Self::Tiles, Self::Pages, Self::House];
}

/// A handler: a plain function.
pub type Handler = fn(&App, &Request) -> Result<Reply, Problem>;

/// How a route is worked on.
#[derive(Clone, Copy)]
pub enum Work {
    /// At once: touches memory only.
    Here(Handler),
    /// On a thread that may block: reads files or folds.
    Aside(Handler),
    /// Hands a statement in.
    Submit,
    /// Follows the log.
    Tail,
}

/// One route.
#[derive(Clone, Copy)]
pub struct Route {
    /// Method.
    pub method: Method,
    /// Template of the path: `{name}` is one segment, `{name...}` one or more.
    pub path: &'static str,
    /// Parameters of its query.
    pub query: &'static [&'static str],
    /// Routes that belong together.
    pub group: Group,
    /// Who may read what it gives.
    pub readers: Readers,
    /// Tokens of the address's bucket that it takes.
    pub cost: u32,
    /// What it does.
    pub work: Work,
}

const fn get(path: &'static str, group: Group, readers: Readers, cost: u32, work: Work) -> Route {
    Route { method: Method::Get, path, query: &[], group, readers, cost, work }
}

const fn asking(route: Route, query: &'static [&'static str]) -> Route {
    Route { query, ..route }
}

use Group::{House, Log, Pages, Tiles, Views};
use Readers::{ByClass, Everyone, Parties};
use Work::{Aside, Here};

/// The table.
pub const ROUTES: &[Route] = &[
    Route {
        method: Method::Post,
        path: "/v1/statements",
        query: &["dry_run"],
        group: Group::Statements,
        readers: Readers::Signers,
        cost: 1,
        work: Work::Submit,
    },
    asking(
        get("/v1/log/entries", Log, ByClass, 10, Aside(entries::list)),
        &["after", "limit", "kind", "stream", "actor"],
    ),
    get("/v1/log/entries/{entry}", Log, ByClass, 1, Aside(entries::one)),
    get("/v1/log/entries/{entry}/payload", Log, ByClass, 1, Aside(entries::payload)),
    get("/v1/log/entries/{entry}/envelope", Log, ByClass, 1, Aside(entries::envelope)),
    get("/v1/log/entries/{entry}/receipt", Log, ByClass, 2, Aside(entries::receipt)),
    asking(get("/v1/log/tail", Log, ByClass, 10, Work::Tail), &["from", "kind", "stream", "actor"]),
    asking(get("/v1/log/checkpoints", Log, Everyone, 2, Aside(proofs::checkpoints)), &["size"]),
    asking(get("/v1/log/consistency", Log, Everyone, 2, Aside(proofs::consistency)), &["from", "to"]),
    get("/v1/streams/{stream...}/proof", Log, ByClass, 20, Aside(proofs::stream)),
    asking(get("/v1/keys", Views, Everyone, 5, Aside(views::keys)), &["as_of", "actor", "key"]),
    asking(
        get("/v1/guarantees", Views, Parties, 10, Aside(views::guarantees)),
        &["as_of", "after", "limit", "status", "bank", "debtor"],
    ),
    asking(get("/v1/guarantees/{no}", Views, Parties, 2, Aside(views::guarantee)), &["as_of"]),
    asking(get("/v1/guarantees/{no}/history", Views, Parties, 10, Aside(views::history)), &["as_of"]),
    asking(get("/v1/principals/{taxid}/quota", Views, Parties, 5, Aside(views::quota)), &["as_of"]),
    asking(get("/v1/banks/{code}/exposure", Views, Parties, 5, Aside(views::exposure)), &["as_of"]),
    asking(
        get("/v1/streams", Views, ByClass, 10, Aside(registers::streams)),
        &["as_of", "prefix", "after", "limit"],
    ),
    asking(get("/v1/streams/{stream...}", Views, ByClass, 2, Aside(registers::stream)), &["as_of"]),
    // Before the waybills: no waybill is spelled so.
    asking(get("/v1/clearance/advice", Views, Parties, 20, Aside(registers::advice)), &["as_of"]),
    asking(get("/v1/clearance/{mawb}", Views, Parties, 10, Aside(registers::waybill)), &["as_of"]),
    asking(get("/v1/clearance/{mawb}/{hawb}", Views, Parties, 2, Aside(registers::bag)), &["as_of"]),
    asking(
        get("/v1/disclosure/board", Views, Everyone, 20, Aside(registers::clearance_board)),
        &["as_of", "warehouse", "broker", "date"],
    ),
    asking(
        get("/v1/disclosure/exceptions", Views, Everyone, 20, Aside(registers::exception_board)),
        &["as_of", "warehouse", "broker", "date"],
    ),
    asking(get("/v1/ethics/stats", Views, ByClass, 20, Aside(registers::ethics_stats)), &["as_of", "public"]),
    asking(get("/v1/cases/clocks", Views, Parties, 20, Aside(registers::case_clocks)), &["as_of"]),
    asking(get("/v1/draws/{scheme}/{period}", Views, ByClass, 20, Aside(registers::draw)), &["as_of"]),
    asking(get("/v1/obligations", Views, Parties, 20, Aside(registers::obligations)), &["as_of"]),
    get("/checkpoint", Tiles, Everyone, 1, Here(proofs::published)),
    get("/tile/{path...}", Tiles, Everyone, 1, Aside(proofs::tile)),
    asking(get("/", Pages, ByClass, 10, Aside(web::home)), &["lang"]),
    asking(get("/log", Pages, ByClass, 10, Aside(web::log)), &["lang", "before"]),
    asking(get("/log/{entry}", Pages, ByClass, 3, Aside(web::entry)), &["lang"]),
    asking(get("/guarantees", Pages, Parties, 10, Aside(web::guarantees)), &["lang", "after"]),
    asking(get("/guarantees/{no}", Pages, Parties, 10, Aside(web::guarantee)), &["lang", "as_of"]),
    asking(
        get("/disclosure/board", Pages, Everyone, 20, Aside(pages::clearance_board)),
        &["lang", "as_of", "warehouse", "broker", "date"],
    ),
    asking(
        get("/disclosure/exceptions", Pages, Everyone, 20, Aside(pages::exception_board)),
        &["lang", "as_of", "warehouse", "broker", "date"],
    ),
    asking(get("/clearance", Pages, Parties, 10, Aside(pages::bags)), &["lang", "as_of", "after"]),
    // Before the waybills: no waybill is spelled so.
    asking(get("/clearance/advice", Pages, Parties, 20, Aside(pages::advice)), &["lang", "as_of"]),
    asking(get("/clearance/{mawb}", Pages, Parties, 10, Aside(pages::waybill)), &["lang", "as_of"]),
    asking(get("/clearance/{mawb}/{hawb}", Pages, Parties, 10, Aside(pages::bag)), &["lang", "as_of"]),
    asking(get("/ethics/stats", Pages, ByClass, 20, Aside(pages::gifts)), &["lang", "as_of", "public"]),
    asking(get("/cases/clocks", Pages, Parties, 20, Aside(pages::clocks)), &["lang", "as_of"]),
    asking(get("/cases/{no}", Pages, Parties, 10, Aside(pages::case)), &["lang", "as_of"]),
    asking(get("/obligations", Pages, Parties, 20, Aside(pages::obligations)), &["lang", "as_of"]),
    asking(get("/draws", Pages, ByClass, 20, Aside(pages::draws)), &["lang", "as_of"]),
    asking(get("/draws/{scheme}/{period}", Pages, ByClass, 20, Aside(pages::draw)), &["lang", "as_of"]),
    asking(get("/style.css", Pages, Everyone, 1, Here(web::style)), &["v"]),
    get("/healthz", House, Everyone, 0, Here(house::health)),
    get("/readyz", House, Everyone, 0, Here(house::ready)),
    get("/metrics", House, Everyone, 1, Here(house::metrics)),
    get("/problems", House, Everyone, 1, Here(house::problems)),
    get("/problems/{code}", House, Everyone, 1, Here(house::problem)),
    get("/openapi.yaml", House, Everyone, 1, Here(house::openapi)),
];

/// What a path led to.
#[derive(Clone)]
pub enum Found {
    /// A route, with the values of its places.
    Route(&'static Route, Vec<String>),
    /// There is something, but not under this method: those that there are.
    OtherMethods(&'static str),
    /// Nothing.
    Nothing,
}

/// Looks a path (as it was sent, without its query) up among the routes of a group.
pub fn find(group: Group, method: &str, path: &str) -> Found {
    let asked = if method == "HEAD" { "GET" } else { method };
    let mut found = Found::Nothing;
    for route in ROUTES.iter().filter(|route| route.group == group) {
        let Some(places) = matches(route.path, path) else { continue };
        if route.method.name() == asked {
            return Found::Route(route, places);
        }
        found = Found::OtherMethods(match route.method {
            Method::Get => "GET, HEAD",
            Method::Post => "POST",
        });
    }
    found
}

/// The values of a template's places in a path, or none if it is another path.
fn matches(template: &str, path: &str) -> Option<Vec<String>> {
    let mut places = Vec::new();
    let mut wanted = template.split('/');
    let mut given = path.split('/');
    while let Some(segment) = wanted.next() {
        let Some(name) = segment.strip_prefix('{') else {
            if given.next() != Some(segment) {
                return None;
            }
            continue;
        };
        if !name.ends_with("...}") {
            places.push(percent_decode(given.next().filter(|value| !value.is_empty())?)?);
            continue;
        }
        // The rest of the template takes its segments from the end; this one has what is between.
        let after: Vec<&str> = wanted.collect();
        let rest: Vec<&str> = given.collect();
        let middle = rest.len().checked_sub(after.len()).filter(|count| *count > 0)?;
        let (value, end) = rest.split_at(middle);
        places.push(percent_decode(&value.join("/"))?);
        return (end == after).then_some(places);
    }
    given.next().is_none().then_some(places)
}

/// The problem of a path under which there is nothing.
pub fn nothing_here() -> Problem {
    Problem::plain(Code::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_matched_whole_and_its_places_are_decoded_once() {
        let place = |template, path| matches(template, path).map(|places| places.join("|"));
        assert_eq!(place("/a/{b}", "/a/x%20y"), Some("x y".to_owned()));
        assert_eq!(place("/a/{b}", "/a/x%2520"), Some("x%20".to_owned()));
        assert_eq!(place("/s/{id...}/proof", "/s/guarantee/FB-1/proof"), Some("guarantee/FB-1".to_owned()));
        assert_eq!(place("/s/{id...}/proof", "/s/guarantee%2FFB-1/proof"), Some("guarantee/FB-1".to_owned()));
        for (template, path) in [
            ("/a", "/a/"),
            ("/a", "//a"),
            ("/a/{b}", "/a/"),
            ("/a/{b}", "/a/b/c"),
            ("/s/{id...}/proof", "/s/proof"),
            ("/s/{id...}/proof", "/s/x/prof"),
            ("/a/{b}", "/a/%0a"),
            ("/a/{b}", "/a/%"),
        ] {
            assert_eq!(place(template, path), None, "{template} {path}");
        }
    }

    #[test]
    fn no_two_routes_are_the_same_and_each_is_found() {
        for (position, route) in ROUTES.iter().enumerate() {
            let path = route.path.replace("...", "").replace(['{', '}'], "");
            let Found::Route(found, _) = find(route.group, route.method.name(), &path) else {
                panic!("{} is not found", route.path);
            };
            assert!(
                std::ptr::eq(found, &raw const ROUTES[position]) || found.path == route.path,
                "{}",
                route.path
            );
            assert!(
                ROUTES[..position]
                    .iter()
                    .all(|other| (other.path, other.method) != (route.path, route.method))
            );
        }
    }
}
