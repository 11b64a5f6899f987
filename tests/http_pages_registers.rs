//! The pages of boards, cargo, gifts, cases, draws and the calendar, as a browser gets them: what an
//! open ledger shows, what strangers see of it, and that every link leads somewhere.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    families::Story,
    http_registers::{lived, over_rows},
    support::{browser::Browser, door},
};
use lian_core::hash::sha256;
use lian_domain::views::board;
use lian_server::{http::serve, service::Service};

const BAG: &str = "/clearance/297-83993523/598FJ923";
const DRAW: &str = "/draws/ethics_sample/2026Q4";
const PUBLIC: [&str; 5] = ["/disclosure/board", "/disclosure/exceptions", "/ethics/stats", "/draws", DRAW];
const CASE: &str = "/cases/TP115-0001";
const CLOSED: [&str; 7] = [
    "/clearance",
    "/clearance/297-83993523",
    BAG,
    "/cases/clocks",
    "/obligations",
    "/clearance/advice",
    CASE,
];

/// A service over a ledger in which all families have lived.
struct Lived {
    service: Option<Arc<Service>>,
    _folder: tempfile::TempDir,
}

impl Lived {
    fn begin() -> Self {
        let story = lived();
        let now_s = story.now_s();
        let Story { house, folder, desk } = story;
        desk.close();
        let service = over_rows(&folder.path().join("ledger"), &house, now_s);
        Self { service: Some(Arc::new(service)), _folder: folder }
    }

    /// Serves it, open to all readers or not, while `read` reads.
    fn serve(&mut self, open_all: bool, read: impl FnOnce(&mut Browser)) {
        let mut config = door::config();
        config.open_all = open_all;
        let running = serve(self.service.take().unwrap(), config).unwrap();
        read(&mut Browser::open(running.address()));
        self.service = Some(running.stop());
    }

    fn close(mut self) {
        let service = self.service.take().unwrap();
        Arc::into_inner(service).expect("nobody else holds the ledger").close().unwrap();
    }
}

/// A page that is well, in a language.
fn page(browser: &mut Browser, path: &str, lang: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    let answer = browser.get(&format!("{path}{separator}lang={lang}"));
    assert_eq!((answer.status, path), (200, path), "{}", answer.text());
    inert(&answer)
}

/// What was answered, if it is a page on which nothing runs.
fn inert(answer: &crate::support::browser::Answered) -> String {
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let html = answer.text();
    for forbidden in ["<script", " style=", "<style", "<form", " onerror=", "http://", "https://"] {
        assert!(!html.contains(forbidden), "{forbidden} in {html}");
    }
    html
}

/// Addresses of this server that a page leads to.
fn links(html: &str) -> BTreeSet<String> {
    let found = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let path = |link: &str| link.replace("&#38;", "&").split('#').next().unwrap().to_owned();
    found.map(path).filter(|link| link.starts_with('/')).collect()
}

/// The texts stand in this order.
fn in_order<T: AsRef<str>>(html: &str, texts: &[T]) {
    let mut rest = html;
    for text in texts.iter().map(AsRef::as_ref) {
        let at = rest.find(text).unwrap_or_else(|| panic!("{text} is not there, or before its time: {html}"));
        rest = &rest[at + text.len()..];
    }
}

/// What stands above the columns.
fn titles(columns: &[board::Column]) -> Vec<String> {
    columns.iter().map(|(_, title)| format!(">{title}</th>")).collect()
}

fn every_page_of_an_open_ledger_is_there_in_both_languages_and_every_link_of_it_resolves(
    browser: &mut Browser,
) {
    let mut all: BTreeSet<String> = BTreeSet::new();
    for path in PUBLIC.into_iter().chain(CLOSED).chain(["/"]) {
        for (lang, sealed) in [("zh-TW", "封存至第"), ("en", "sealed up to entry")] {
            let html = page(browser, path, lang);
            assert!(html.contains(&format!("<html lang=\"{lang}\">")) && html.contains(sealed), "{path}");
            all.extend(links(&html));
        }
    }
    assert!(all.contains(&format!("{BAG}?lang=en")) && all.contains(&format!("{DRAW}?lang=en")), "{all:?}");
    for link in all {
        assert_eq!(browser.get(&link).status, 200, "{link}");
    }
    let home = page(browser, "/", "zh-TW");
    for path in PUBLIC.iter().chain(&CLOSED).filter(|path| path.matches('/').count() < 3) {
        let is_register = !path.contains("297-") && *path != CASE;
        assert!(
            !is_register || home.contains(&format!("{path}?lang=zh-TW")),
            "{path} is not on the first page"
        );
    }
}

fn the_boards_have_the_columns_of_the_platform_in_its_order_and_nothing_of_a_note(browser: &mut Browser) {
    let cleared = page(browser, "/disclosure/board", "zh-TW");
    in_order(&cleared, &["資料更新時間"]);
    in_order(&cleared, &titles(&board::CLEARANCE));
    in_order(&cleared, &["L1", "297-83993523", "598FJ923", "22099131", "115/11/23 20:00:00"]);
    assert!(!cleared.contains(BAG), "a stranger is led to no page that is not for them");

    let open = page(browser, "/disclosure/exceptions", "zh-TW");
    in_order(&open, &titles(&board::EXCEPTIONS));
    in_order(&open, &["條碼模糊", "598FJ923", "待處理", "598", "EGT11111", "未公開"]);
    assert!(!open.contains("abababab"), "what is sealed stays sealed");
    assert!(page(browser, "/disclosure/exceptions?warehouse=C2002", "zh-TW").contains("目前沒有資料"));

    let english = page(browser, "/disclosure/exceptions", "en");
    in_order(&english, &["Exception", "Inspected on", "Declared on", "Master waybill", "Bag or house bill"]);
    in_order(&english, &["Pieces", "Status", "box", "Stored at", "Note", "barcode unreadable", "not public"]);
}

fn a_bag_is_told_from_manifest_to_where_it_stands_with_its_pieces_lane_and_exception(browser: &mut Browser) {
    let bag = page(browser, BAG, "zh-TW");
    in_order(&bag, &["艙單申報", "投單", "進倉", "風險篩選", "提供查驗", "儀檢取像", "影像判讀", "異常通報"]);
    assert!(bag.contains("C1 免審免驗") && bag.contains("件數相符: 3 = 3"), "{bag}");
    assert!(bag.contains("條碼模糊") && bag.contains("<svg class=\"chart lying\""), "{bag}");
    assert!(bag.contains("稅費步驟尚未完成") && bag.contains("無扣留"), "{bag}");
    let entry = links(&bag).into_iter().find(|link| link.starts_with("/log/")).unwrap();
    assert!(browser.get(&entry).text().contains(&format!("{BAG}?lang=zh-TW")), "{entry} leads back");
}

/// Whoever compares digests compares what the interface gives to the same reader.
fn each_page_ends_with_the_digest_that_the_interface_gives(browser: &mut Browser, paths: &[&str]) {
    for path in paths {
        let digest = browser.get(&format!("/v1{path}")).json()["digest"].as_str().unwrap().to_owned();
        let html = page(browser, path, "en");
        let shown = html.split("Digest of this view <code>").nth(1).unwrap().split('<').next().unwrap();
        assert_eq!(shown.replace(' ', ""), digest, "{path}");
    }
}

fn counts_clocks_obligations_and_draws_are_told_in_words(browser: &mut Browser) {
    let gifts = page(browser, "/ethics/stats", "zh-TW");
    in_order(&gifts, &["依年度", "115", "合計", "115 年第 4 季", "受贈財物"]);
    let clocks = page(browser, "/cases/clocks?as_of=2029-10-25", "en");
    assert!(clocks.contains("ALARM: within 1 month") && clocks.contains("25 days left"), "{clocks}");
    in_order(&clocks, &["TP115-0001", "officer:7f3k", "118/11/19"]);
    let lapsed = page(browser, "/cases/clocks?as_of=2029-11-30", "zh-TW");
    assert!(lapsed.contains("已屆滿") && lapsed.contains("已逾 11 日"), "{lapsed}");
    let owed = page(browser, "/obligations?as_of=2029-11-30", "zh-TW");
    in_order(&owed, &["逾期", "case/TP115-0001"]);
    let draw = page(browser, DRAW, "en");
    in_order(&draw, &["agency:aac", "Seed", "ethics/115-", "PASS", "lian draw check ethics_sample 2026Q4"]);
}

fn a_case_is_told_with_clocks_exhibits_and_what_happened(browser: &mut Browser) {
    let case = page(browser, &format!("{CASE}?as_of=2029-10-25"), "en");
    in_order(&case, &["officer:", "<svg class=\"chart lying\"", "25 days left", "ALARM: within 1 month"]);
    in_order(&case, &["Handovers", "On no handover.", "Exhibits", "EX-1", "S-1", "class=\"timeline\""]);
    let chinese = page(browser, CASE, "zh-TW");
    in_order(&chinese, &["各項時效", "移交", "扣押物", "保管人", "在庫", "歷程"]);
    assert_eq!(browser.get("/cases/TP115-9999").status, 404);
    let rate = page(browser, "/clearance/advice", "zh-TW");
    in_order(&rate, &["風險建議命中率", "不計入命中率"]);
}

fn the_style_has_an_address_of_its_own_that_may_be_kept_for_good(browser: &mut Browser) {
    let home = page(browser, "/", "en");
    let address = links(&home).into_iter().find(|link| link.starts_with("/style.css?v=")).unwrap();
    let kept =
        |answer: &crate::support::browser::Answered| answer.header("cache-control").unwrap().to_owned();
    let named = browser.get(&address);
    assert_eq!(kept(&named), "public, max-age=31536000, immutable");
    for old in ["/style.css", "/style.css?v=0000000000000000"] {
        let answer = browser.get(old);
        assert_eq!((answer.text(), kept(&answer).as_str()), (named.text(), "public, max-age=3600"), "{old}");
    }
    assert_eq!(address, format!("/style.css?v={}", &sha256(&[named.text().as_bytes()]).to_hex()[..16]));
}

fn a_stranger_gets_the_public_pages_and_of_the_others_one_page_in_both_languages(browser: &mut Browser) {
    for path in PUBLIC {
        page(browser, path, "en");
    }
    let draw = page(browser, DRAW, "en");
    assert!(draw.contains("<dt>Population</dt><dd class=\"done\"><bdi>not public</bdi>"), "{draw}");
    let gifts = page(browser, "/ethics/stats", "zh-TW");
    in_order(&gifts, &["1 至 4 之件數", "依年度", "合計", "9", "受贈財物"]);
    assert!(!draw.contains("ethics/115-") && draw.contains("Names are for parties"), "{draw}");
    assert!(draw.contains("drawn again from the log: the same"), "{draw}");

    let pairs = [
        (BAG, "/clearance/297-83993523/NOTHERE"),
        ("/clearance/297-83993523", "/clearance/675-31355995"),
        ("/guarantees/FB-115-000123", "/guarantees/FB-0"),
    ];
    for (there, not_there) in pairs {
        let told = [there, not_there].map(|path| {
            let answer = browser.get(&format!("{path}?lang=en"));
            assert_eq!((answer.status, answer.header("cache-control")), (403, Some("no-store")), "{path}");
            inert(&answer).replace(path, "")
        });
        assert_eq!(told[0], told[1], "{there} cannot be told from what is not there");
        in_order(
            &told[0],
            &["<html lang=\"en\">", "not for this reader", "lang=\"zh-TW\"", "無權閱覽或查無資料"],
        );
    }
    for path in CLOSED.into_iter().chain(["/guarantees"]) {
        let answer = browser.get(&format!("{path}?lang=zh-TW"));
        assert_eq!(answer.status, 403, "{path}");
        in_order(&inert(&answer), &["<html lang=\"zh-TW\">", "無權閱覽", "not for this reader"]);
    }
    let home = page(browser, "/", "en");
    for link in links(&home) {
        assert!([200, 403].contains(&browser.get(&link).status), "{link}");
    }
}

fn what_is_asked_for_wrongly_is_answered_in_a_page_and_hostile_text_stays_text(browser: &mut Browser) {
    let hostile = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for (path, status) in [
        (format!("/disclosure/board?broker={hostile}"), 400),
        (format!("/disclosure/board?{hostile}=1"), 400),
        (format!("/cases/clocks?as_of={hostile}"), 400),
        (format!("/clearance?after={hostile}"), 200),
        (format!("/clearance/{}", hostile.replace('/', "%2F")), 404),
        (format!("/clearance/297-83993523/{}", hostile.replace('/', "%2F")), 404),
        (format!("/draws/{}/2026Q4", hostile.replace('/', "%2F")), 404),
        ("/draws/ethics_sample/2026Q3".to_owned(), 404),
        ("/clearance/675-31355995".to_owned(), 404),
    ] {
        let answer = browser.get(&path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        inert(&answer);
    }
}

fn a_page_of_a_moment_shows_that_moment(browser: &mut Browser) {
    let before = browser.get("/clearance/297-83993523/598FJ923?as_of=checkpoint:1&lang=en");
    assert_eq!(before.status, 404, "the bag was not announced yet");
    assert!(page(browser, "/ethics/stats?as_of=checkpoint:1", "en").contains("Nothing is registered yet."));
    assert!(page(browser, "/draws?as_of=checkpoint:1", "zh-TW").contains("尚未抽籤"));
    let board = page(browser, "/disclosure/board?as_of=checkpoint:1", "en");
    assert!(
        board.contains("Nothing is on this board.") && board.contains("as_of=checkpoint:1&#38;lang=zh-TW"),
        "{board}"
    );
    let evening = page(browser, "/disclosure/board?as_of=2026-11-23T23:59:59+08:00", "en");
    assert!(evening.contains("as_of=2026-11-23T23:59:59%2B08:00&#38;lang=zh-TW"), "the moment goes along");
}

#[test]
fn an_open_ledger_shows_every_register_in_pages_of_both_languages_whose_links_all_resolve() {
    let mut lived = Lived::begin();
    lived.serve(true, |browser| {
        every_page_of_an_open_ledger_is_there_in_both_languages_and_every_link_of_it_resolves(browser);
        a_bag_is_told_from_manifest_to_where_it_stands_with_its_pieces_lane_and_exception(browser);
        counts_clocks_obligations_and_draws_are_told_in_words(browser);
        a_page_of_a_moment_shows_that_moment(browser);
        a_case_is_told_with_clocks_exhibits_and_what_happened(browser);
        the_style_has_an_address_of_its_own_that_may_be_kept_for_good(browser);
        each_page_ends_with_the_digest_that_the_interface_gives(
            browser,
            &[DRAW, CLOSED[1], BAG, CLOSED[3], CLOSED[4], CLOSED[5]],
        );
        what_is_asked_for_wrongly_is_answered_in_a_page_and_hostile_text_stays_text(browser);
    });
    lived.close();
}

#[test]
fn strangers_get_boards_counts_and_draws_without_names_and_of_the_rest_one_page_in_both_languages() {
    let mut lived = Lived::begin();
    lived.serve(false, |browser| {
        the_boards_have_the_columns_of_the_platform_in_its_order_and_nothing_of_a_note(browser);
        a_stranger_gets_the_public_pages_and_of_the_others_one_page_in_both_languages(browser);
        let read = [PUBLIC[0], PUBLIC[1], PUBLIC[2], DRAW];
        each_page_ends_with_the_digest_that_the_interface_gives(browser, &read);
    });
    lived.close();
}
