//! The reading verbs of cargo, registrations, draws, cases and the calendar over a server: what they
//! say on the folder, byte for byte, and nothing at all if the server lies.

mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::Arc,
    thread,
};

use serde_json::Value;
use support::{Run, Served, command, copy, run};

const READS: [&[&str]; 17] = [
    &["clearance", "show", "297-83993523/598FJ923"],
    &["clearance", "show", "297-83993523"],
    &["clearance", "show", "CA__15494C0001"],
    &["clearance", "board"],
    &["clearance", "board", "--warehouse", "C2001", "--broker", "22099131", "--day", "115-09-30"],
    &["clearance", "exceptions"],
    &["clearance", "conservation", "297-83993523"],
    &["clearance", "hit-rate"],
    &["ethics", "list"],
    &["ethics", "list", "--type", "gift", "--status", "closed"],
    &["ethics", "stats", "--year", "115"],
    &["case", "show", "TP115-0001"],
    &["case", "clocks", "--within", "12"],
    &["draw", "show", "ethics_sample", "2026Q3"],
    &["draw", "check", "ethics_sample", "2026Q3"],
    &["obligations"],
    &["obligations", "--overdue", "--kind", "patrol"],
];
const CHECK: &[&str] = &["draw", "check", "ethics_sample", "2026Q3"];

fn serve(folder: &Path, more: &[&str]) -> Served {
    Served::start(command(folder, &[&["serve", "--listen", "127.0.0.1:0", "--json"], more].concat()))
}

fn end(served: &Served) -> String {
    format!("checkpoint:{}", served.said["size"])
}

/// The same command on the folder and over a server, with more arguments.
fn both(folder: &Path, url: &str, command: &[&str], more: &[&str]) -> (Run, Run) {
    let near = [command, more].concat();
    (run(folder, &near), run(folder, &[&near[..], &["--server", url]].concat()))
}

#[track_caller]
fn agree(folder: &Path, url: &str, command: &[&str], more: &[&str]) -> Run {
    let (near, far) = both(folder, url, command, more);
    assert_eq!(far.out, near.out, "{command:?} {more:?}: {}", far.err);
    assert_eq!(far.code, near.code, "{command:?} {more:?}: {}\n{}", near.err, far.err);
    far
}

#[test]
fn each_reading_verb_says_over_a_server_what_it_says_on_the_folder() {
    let folder = copy();
    let served = serve(folder.path(), &["--open-all"]);
    let end = end(&served);

    for command in READS {
        let said = agree(folder.path(), &served.url, command, &["--as-of", &end, "--json"]).exits(0);
        assert!(said.json()["as_of"]["rules"].is_u64(), "{command:?}: {}", said.out);
        let said = agree(folder.path(), &served.url, command, &["--as-of", &end, "--lang", "en"]);
        let told = said.err.contains("as the server says; digests checked here");
        assert!(told || command[1] == "board" || command[1] == "exceptions", "{command:?}: {}", said.err);
        agree(folder.path(), &served.url, command, &["--as-of", &end, "--lang", "zh-TW"]);
    }
}

#[test]
fn a_moment_is_the_same_over_a_server_in_whichever_way_it_is_spelled() {
    let folder = copy();
    let served = serve(folder.path(), &["--open-all"]);
    let moments = [
        "115-10-02",
        "2026-10-02",
        "115/10/02",
        "2026-10-01T12:00:00+08:00",
        "2026-10-01T04:00:00.25Z",
        "seq:200",
        "checkpoint:201",
        "epoch:3",
        "epoch:0",
        // A day to come: what will be open then if nothing more happens.
        "120-01-31",
    ];
    for moment in moments {
        for command in
            [&["obligations"][..], &["case", "clocks"], &["ethics", "list"], &["clearance", "board"]]
        {
            agree(folder.path(), &served.url, command, &["--as-of", moment, "--json"]).exits(0);
        }
    }
    let beyond = ["--as-of", "checkpoint:999999"];
    agree(folder.path(), &served.url, &["obligations"], &beyond).exits(2);
    for unknown in [&["case", "show", "TP115-9999"][..], &["clearance", "show", "675-31355995"]] {
        agree(folder.path(), &served.url, unknown, &[]).exits(2);
    }
    // Nothing was closed then, and nobody can say what was drawn.
    agree(folder.path(), &served.url, CHECK, &["--as-of", "115-10-01", "--json"]).exits(3);
    let claimed = ["--claimed", "ethics/115-000009", "--json", "--as-of", &end(&served)];
    agree(folder.path(), &served.url, CHECK, &claimed).exits(1);
}

#[test]
fn strangers_get_boards_and_counts_and_are_told_that_the_rest_is_for_its_parties() {
    let folder = copy();
    let served = serve(folder.path(), &[]);
    let at = ["--as-of", &end(&served), "--json"];

    for public in
        [&["clearance", "board"][..], &["clearance", "exceptions"], &["ethics", "stats", "--public"]]
    {
        agree(folder.path(), &served.url, public, &at).exits(0);
    }
    for closed in [&["case", "clocks"][..], &["obligations"], &["ethics", "list"], &["clearance", "hit-rate"]]
    {
        let (_, far) = both(folder.path(), &served.url, closed, &at);
        assert!(far.exits(7).err.contains("not-for-you"), "{closed:?}");
    }
    let whole = both(folder.path(), &served.url, &["ethics", "stats"], &["--lang", "en"]).1.exits(7);
    assert!(
        whole.err.contains("asked for ethics/stats, the server tells ethics/public only"),
        "{}",
        whole.err
    );
    let drawn = both(folder.path(), &served.url, CHECK, &["--lang", "en"]).1.exits(7);
    assert!(drawn.err.contains("error[other-view]: asked for draw, the server tells draw/public only"));
}

/// A door before a server that changes answers on their way.
struct Liar {
    url: String,
}

type Lie = dyn Fn(&str, String) -> String + Send + Sync;

impl Liar {
    fn before(served: &Served, lie: impl Fn(&str, String) -> String + Send + Sync + 'static) -> Self {
        let server: SocketAddr = served.url.trim_start_matches("http://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let lie: Arc<Lie> = Arc::new(lie);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let lie = Arc::clone(&lie);
                thread::spawn(move || pass_on(stream, server, &*lie));
            }
        });
        Self { url }
    }
}

/// One request of one connection.
fn pass_on(stream: TcpStream, server: SocketAddr, lie: &Lie) -> Option<()> {
    let (mut request, mut line) = (String::new(), String::new());
    let mut reader = BufReader::new(stream);
    while reader.read_line(&mut line).ok()? > 2 {
        if !line.to_ascii_lowercase().starts_with("connection:") {
            request.push_str(&line);
        }
        line.clear();
    }
    let path = request.split(' ').nth(1)?.to_owned();
    let mut onward = TcpStream::connect(server).ok()?;
    onward.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    onward.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let body = lie(&path, body.to_owned());
    let of_length = |line: &&str| line.to_ascii_lowercase().starts_with("content-length:");
    let head: Vec<&str> = head.split("\r\n").filter(|line| !of_length(line)).collect();
    let answer = format!("{}\r\nContent-Length: {}\r\n\r\n{body}", head.join("\r\n"), body.len());
    reader.get_mut().write_all(answer.as_bytes()).ok()
}

/// Another digit in the first number of a view or state.
fn with_another_digit(path: &str, body: String) -> String {
    let inside = if path.starts_with("/v1/streams") { "\"state\":{" } else { "\"data\":{" };
    let is_read = ["/v1/streams", "/v1/clearance", "/v1/disclosure", "/v1/ethics", "/v1/cases", "/v1/draws"]
        .iter()
        .any(|read| path.starts_with(read));
    let is_read = is_read || path.starts_with("/v1/obligations");
    let Some(start) = body.find(inside).filter(|_| is_read && !path.contains("/proof")) else { return body };
    let Some(at) = body[start..].find(|letter: char| letter.is_ascii_digit()) else { return body };
    let digit = body.as_bytes()[start + at];
    let other = if digit == b'9' { '8' } else { char::from(digit + 1) };
    format!("{}{other}{}", &body[..start + at], &body[start + at + 1..])
}

#[test]
fn a_server_that_changes_one_member_is_refused_by_each_reading_verb() {
    let folder = copy();
    let served = serve(folder.path(), &["--open-all"]);
    let end = end(&served);
    let liar = Liar::before(&served, with_another_digit);

    for command in READS {
        let lied = both(folder.path(), &liar.url, command, &["--as-of", &end, "--lang", "en"]).1.exits(1);
        assert!(lied.err.contains("error[view-differs]"), "{command:?}: {}", lied.err);
        assert!(lied.err.contains("the server names digest"), "{command:?}: {}", lied.err);
        assert!(lied.out.is_empty(), "{command:?}: {}", lied.out);
    }
    let lied = both(folder.path(), &liar.url, CHECK, &["--lang", "zh-TW"]).1.exits(1);
    assert!(lied.err.contains("不予採信") && lied.err.contains("比對檢查點與摘要"), "{}", lied.err);
}

#[test]
fn a_server_that_makes_up_what_a_draw_says_is_found_because_the_draw_is_made_again() {
    let folder = copy();
    let served = serve(folder.path(), &["--open-all"]);
    let liar = Liar::before(&served, |path, body| {
        let drawn =
            path.starts_with("/v1/draws").then(|| serde_json::from_str::<Value>(&body).ok()).flatten();
        let Some(mut told) = drawn else { return body };
        // Data and digest fit each other; the outcome does not fit the seed.
        told["data"]["state"]["outcome"]["drawn"][0] = "ethics/115-000009".into();
        let data = told["data"].to_string();
        let data = lian_core::json::Value::read(data.as_bytes()).unwrap();
        told["digest"] = lian_domain::views::digest("draw", &data).to_hex().into();
        told.to_string()
    });

    let lied = both(folder.path(), &liar.url, CHECK, &["--as-of", &end(&served)]).1.exits(1);

    assert!(lied.err.contains("error[view-differs]") && lied.out.is_empty(), "{}\n{}", lied.out, lied.err);
}

#[test]
fn a_server_that_leaves_out_an_entry_of_a_bag_or_answers_for_another_moment_is_refused() {
    let folder = copy();
    let served = serve(folder.path(), &["--open-all"]);
    let at = ["--as-of", &end(&served), "--json", "--lang", "en"];
    let bag = &["clearance", "show", "297-83993523/598FJ923"];

    let liar = Liar::before(&served, |path, body| {
        let listed = path.starts_with("/v1/log/entries?").then(|| serde_json::from_str::<Value>(&body).ok());
        let Some(mut told) = listed.flatten() else { return body };
        told["data"].as_array_mut().unwrap().pop();
        told.to_string()
    });
    let lied = both(folder.path(), &liar.url, bag, &at).1.exits(1);
    assert!(lied.err.contains("entries-lack"), "{}", lied.err);

    let liar = Liar::before(&served, |path, body| {
        let told = path.starts_with("/v1/obligations").then(|| serde_json::from_str::<Value>(&body).ok());
        let Some(mut told) = told.flatten() else { return body };
        told["as_of"]["checkpoint"] = 17.into();
        told.to_string()
    });
    let lied = both(folder.path(), &liar.url, &["obligations"], &at).1.exits(1);
    assert!(lied.err.contains("not-verified") && lied.err.contains("the answer is of 17"), "{}", lied.err);
}
