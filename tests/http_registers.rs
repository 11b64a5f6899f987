//! Clearance, ethics, cases, draws and the calendar as a server tells them: what strangers get, what an
//! open ledger gives, and that rows, a fold and the answers of the server are one and the same.

use std::{path::Path, sync::Arc, thread};

use crate::{
    families::{self, BAG, CASE, NEW_YEAR_S, Story},
    support::{START_S, browser::Browser, door, system_keys},
};
use lian_client::{
    http::{Client, Error, Trust},
    kinds,
    sample::{House, SAMPLE_NAME},
    seen::SeenMemory,
};
use lian_domain::{
    clearance::Mawb,
    dates::Day,
    ledger::Ledger,
    rules::Rules,
    views::{
        View,
        board::{self, BoardQuery},
        calendar, cargo, cases, ethics,
        past::PastFault,
        streams::Streams,
    },
};
use lian_server::{
    clock::TestClock,
    http::{
        books::{At, Books, FoldedBooks, view},
        moment::day_of,
        row_books::RowBooks,
        serve, shape,
    },
    keeping::Views,
    open::{Fold, open_over},
    service::Service,
};
use lian_store::disk::RealDisk;
use serde_json::{Value, json};

const MAWB: &str = "297-83993523";
const WAREHOUSE: (&str, &str) = ("warehouse:C2001", "warehouse");
const EXCEPTION: &str = r#"{"broker_box":"598","exception":"barcode_unreadable","note":{"sealed":"abababababababababababababababababababababababababababababababab"},"pieces":1,"storage":"EGT11111","warehouse":"C2001"}"#;

/// A bag on a line that cannot clear, a case, a quarter of registrations of which some are drawn.
pub fn lived() -> Story {
    let mut story = Story::begin(65);
    families::declared(&mut story);
    families::read(&mut story);
    story.tells("cargo.exception_opened", BAG, EXCEPTION, &[WAREHOUSE]);
    families::opened_case(&mut story);
    story.autumn();
    let epoch = story.next_epoch(u64::try_from(NEW_YEAR_S - story.now_s()).unwrap());
    let members = story.members();
    families::opened(&mut story, epoch, &members);
    let seal = families::committed(&mut story);
    families::revealed(&mut story, seal, &members);
    story
}

/// The ledger of a folder, served from rows; the rows have reached its end.
pub fn over_rows(folder: &Path, house: &House, now_s: i64) -> Service {
    let disk = Arc::new(RealDisk::open(folder).unwrap());
    let views = Views::at(&folder.join("views/sled"));
    let opened = open_over(disk, SAMPLE_NAME, &system_keys(house), now_s, Some(&views), &mut |_| ()).unwrap();
    let clock = Arc::new(TestClock::at(u64::try_from(now_s).unwrap() * 1_000));
    let service = Service::start(opened, system_keys(house), clock, 2);
    let size = service.reader().head().size();
    while service.shadow().unwrap().reached() < size {
        thread::yield_now();
    }
    service
}

fn fold(service: &Service, size: u64) -> Ledger {
    let mut fold = Fold::new(i64::MAX);
    fold.run(service.reader(), size, &mut |_| ()).unwrap();
    fold.ledger
}

fn mawb() -> Mawb {
    Mawb::parse(MAWB).unwrap()
}

/// Paths, and the digests of what the domain says of these streams.
fn wanted(streams: &dyn Streams, today: Day) -> Result<Vec<(String, String)>, PastFault> {
    let all = BoardQuery::default();
    let digests = [
        ("/v1/disclosure/board", board::clearance(streams, &all)?.digest()),
        ("/v1/disclosure/exceptions", board::exceptions(streams, &all)?.digest()),
        ("/v1/ethics/stats", ethics::statistics(streams)?.digest()),
        ("/v1/clearance/advice", cargo::hit_rate(streams)?.digest()),
        ("/v1/cases/clocks", cases::clocks(streams, today)?.digest()),
        ("/v1/obligations", calendar::obligations(streams, today)?.digest()),
    ];
    let mut found: Vec<(String, String)> =
        digests.into_iter().map(|(path, digest)| (path.to_owned(), digest.to_hex())).collect();
    if let Some(waybill) = cargo::conservation(streams, &mawb())? {
        found.push((format!("/v1/clearance/{MAWB}"), waybill.digest().to_hex()));
        let bag = waybill.bags.first().map(View::digest);
        found.extend(bag.map(|digest| (format!("/v1/clearance/{MAWB}/598FJ923"), digest.to_hex())));
    }
    Ok(found)
}

/// What a stranger gets: boards, counts and draws without names; of the rest not whether it is there.
fn strangers_read(browser: &mut Browser) {
    let board = browser.get("/v1/disclosure/board").json();
    let row = json!([{
        "broker": "22099131", "cleared_at": "2026-11-23T20:00:00+08:00", "hawb": "598FJ923", "line": "L1", "mawb": MAWB,
    }]);
    assert_eq!(board["data"]["rows"], row);
    let titles: Vec<&str> =
        board["data"]["columns"].as_array().unwrap().iter().map(|at| at["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["分流", "主號", "袋號", "業者", "通關時間"]);
    let open = browser.get("/v1/disclosure/exceptions").json();
    assert_eq!(open["data"]["rows"][0]["storage"], "EGT11111");
    for query in ["?warehouse=C2002", "?broker=12345675", "?date=115-11-24"] {
        let elsewhere = browser.get(&format!("/v1/disclosure/exceptions{query}")).json();
        assert_eq!(elsewhere["data"]["rows"], json!([]), "{query}");
    }
    assert_eq!(browser.get("/v1/disclosure/board?broker=soon").problem(), "bad-request");
    let stats = browser.get("/v1/ethics/stats").json();
    assert_eq!(stats["view"], "ethics/public");
    let rows = stats["data"]["quarters"].as_array().unwrap();
    let gifts = rows.iter().find(|row| row["type"] == "gift").unwrap();
    assert_eq!((&gifts["quarter"], &gifts["registered"]), (&json!("2026Q4"), &json!(9)));
    assert_eq!((&gifts["sampled"], &gifts["late"]), (&json!(0), &json!(0)));

    let draw = browser.get("/v1/draws/ethics_sample/2026Q4");
    let told = draw.json();
    assert_eq!((&told["view"], &told["data"]["agrees"]), (&json!("draw/public"), &json!(true)));
    let state = &told["data"]["state"];
    assert_eq!(
        (&told["data"]["members"], &state["outcome"]["drawn"]),
        (&Value::Null, &Value::Null),
        "the counts alone say how many"
    );
    assert_eq!(state["population"], Value::Null, "names can be guessed and held against it");
    assert!(!draw.text().contains("ethics/115-"), "nobody is named");
    assert_eq!(browser.get("/v1/draws/ethics_sample/2026Q3").problem(), "not-found");

    let licence = browser.get("/v1/streams/broker/22099131");
    assert_eq!(
        (licence.header("etag"), &licence.json()["state"]["until"]),
        (Some("\"v1\""), &json!("2027-12-31"))
    );
    let listed = browser.get("/v1/streams?prefix=actor/bank:&limit=2").json();
    assert_eq!((listed["data"].as_array().unwrap().len(), &listed["has_more"]), (2, &json!(true)));
    for closed in [
        format!("/v1/streams/{BAG}"),
        format!("/v1/streams/{BAG}/proof"),
        format!("/v1/streams/{CASE}/proof"),
        "/v1/streams/case/TP115-9999".to_owned(),
        "/v1/streams/ethics/115-000001".to_owned(),
        "/v1/streams/patrol/2026-11".to_owned(),
        "/v1/streams?prefix=cargo/".to_owned(),
        "/v1/streams?prefix=act".to_owned(),
        "/v1/streams".to_owned(),
        format!("/v1/clearance/{MAWB}"),
        "/v1/clearance/675-31355995".to_owned(),
        "/v1/clearance/advice".to_owned(),
        "/v1/cases/clocks".to_owned(),
        "/v1/obligations".to_owned(),
    ] {
        assert_eq!(browser.get(&closed).problem(), "not-for-you", "{closed}");
    }
}

/// An answer says when its last entry was recorded, and the rules in force after it.
fn assert_moment(answer: &serde_json::Value, ledger: &Ledger) {
    let as_of = &answer["as_of"];
    assert_eq!(as_of["recorded_at"], shape::moment(ledger.recorded_at()), "{as_of}");
    assert_eq!(as_of["rules"], ledger.rules().version, "{as_of}");
}

/// An open ledger gives all of it, as of any moment, with the digests that the domain computes.
fn everybody_reads(service: &Service, browser: &mut Browser) {
    let size = service.reader().head().size();
    for size in [size, size / 2, size / 3] {
        let ledger = fold(service, size);
        let today = day_of(ledger.recorded_at());
        for (path, digest) in wanted(&ledger, today).unwrap() {
            let answer = browser.get(&format!("{path}?as_of=checkpoint:{size}"));
            assert_eq!(answer.json()["digest"], digest, "{path} at {size}: {}", answer.text());
            assert_eq!(answer.header("ledger-checkpoint"), Some(size.to_string().as_str()), "{path}");
            assert_moment(&answer.json(), &ledger);
        }
    }
    let draw = browser.get("/v1/draws/ethics_sample/2026Q4").json();
    assert_eq!((&draw["data"]["differences"], &draw["data"]["agrees"]), (&json!([]), &json!(true)));
    assert_eq!(draw["data"]["members"].as_array().unwrap().len(), 9);
    let value = lian_core::json::Value::read(draw["data"].to_string().as_bytes()).unwrap().into_owned();
    assert_eq!(draw["digest"], lian_domain::views::digest("draw", &value).to_hex(), "over what was sent");

    let ledger = fold(service, size);
    for path in ["/v1/draws/ethics_sample/2026Q4", "/v1/streams?prefix=cargo/", "/v1/streams/broker/22099131"]
    {
        assert_moment(&browser.get(path).json(), &ledger);
    }
    let bag = browser.get(&format!("/v1/streams/{BAG}")).json();
    let stream = ledger.stream(BAG).unwrap();
    assert_eq!(bag["state_digest"], stream.state_digest().to_hex());
    assert_eq!(
        (bag["version"].as_u64(), bag["last_seq"].as_u64()),
        (Some(stream.version), Some(stream.last))
    );
    let before = browser.get(&format!("/v1/streams/{BAG}?as_of=seq:{}", stream.last - 1)).json();
    assert_eq!(before["version"].as_u64(), Some(stream.version - 1));
    assert_eq!(browser.get(&format!("/v1/streams/{BAG}?as_of=checkpoint:3")).problem(), "not-found");
    assert_eq!(browser.get("/v1/clearance/675-31355995").problem(), "not-found");

    let (mut target, mut names) = ("/v1/streams?prefix=ethics&limit=3".to_owned(), Vec::new());
    loop {
        let page = browser.get(&target);
        let body = page.json();
        let name = |stream: &serde_json::Value| stream["stream"].as_str().unwrap().to_owned();
        names.extend(body["data"].as_array().unwrap().iter().map(name));
        let Some(link) = page.header("link") else { break };
        target = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
    }
    let expected: Vec<String> = (1..=10).map(|no| format!("ethics/115-{no:06}")).collect();
    assert_eq!(names, expected);
}

#[test]
fn a_server_tells_each_view_as_the_domain_does_and_strangers_only_what_is_public() {
    let story = lived();
    let now_s = story.now_s();
    let Story { house, folder, desk } = story;
    let path = folder.path().join("ledger");
    desk.close();
    let service = Arc::new(over_rows(&path, &house, now_s));

    let closed = serve(service, door::config()).unwrap();
    strangers_read(&mut Browser::open(closed.address()));
    let service = closed.stop();
    let mut config = door::config();
    config.open_all = true;
    let open = serve(service, config).unwrap();
    everybody_reads(open.service(), &mut Browser::open(open.address()));

    Arc::into_inner(open.stop()).expect("nobody else holds the ledger").close().unwrap();
}

#[test]
fn rules_of_any_version_are_believed_by_the_receipt_of_the_entry_that_published_them() {
    let door = door::open(door::config());
    let publish = |rules: &Rules| {
        let draft = door.house.draft(&door.ledger, START_S);
        let stream = format!("rules/{}", rules.version);
        let draft = draft.event("rules.published", &stream, 0, kinds::rules_published(rules));
        door.submit(&[door.house.sign(&draft, &[("officer:adm1", "admin"), ("officer:adm2", "admin")])]);
    };
    let second = Rules { version: 2, due_days: 20, ..Rules::standard() };
    publish(&second);
    // Of a number that is in force: refused, and on the record.
    publish(&Rules { due_days: 30, ..Rules::standard() });
    let url = format!("http://{}", door.address());
    let client = Client::new(&url, Trust::key(door.log.clone()), SeenMemory::default()).unwrap();

    assert_eq!(*client.rules(1).unwrap(), Rules::standard());
    assert_eq!(*client.rules(2).unwrap(), second);
    assert!(matches!(client.rules(3), Err(Error::Doubt(_))), "nobody published it");
    assert_eq!(client.epoch(0).unwrap().size, 1);
    assert!(client.epoch(7).is_err());
    drop(client);
    door.close();
}

#[test]
fn both_books_give_the_same_views_at_every_size() {
    let story = lived();
    let now_s = story.now_s();
    let Story { house, folder, desk } = story;
    let path = folder.path().join("ledger");
    desk.close();
    let service = over_rows(&path, &house, now_s);
    let rows = RowBooks::of(&service).unwrap();
    let folds = FoldedBooks::new(service.reader().clone());
    let end = service.reader().head().size();

    for size in (1..end).step_by(9).chain([end]) {
        let at = At { size, day: Day::parse("2027-01-05").unwrap(), present: false };
        let [over_rows, folded] = [&rows as &dyn Books, &folds].map(|books| {
            let seen = view(books, at, |streams| wanted(streams, at.day)).unwrap();
            assert_eq!(seen.size, size);
            seen.value
        });
        assert_eq!(over_rows, folded, "at {size}");
    }
    service.close().unwrap();
}
