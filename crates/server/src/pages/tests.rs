//! Pages as readers get them.

use askama::Template as _;
use lian_core::{entry::Verdict, hash::sha256};

use super::{
    entry::{CheckWords, Content, EntryPage, EventWords, SignerWords},
    home::{self, Health, Home, Line},
    problem::{ProblemPage, Told},
    view::{Cell, Section, Stage, Table, ViewPage},
    *,
};

const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

pub(super) fn seal(lang: Lang) -> Seal {
    Seal {
        lang,
        here: "/?before=3".to_owned(),
        ledger: "customs.example/2026#abc".to_owned(),
        synthetic: true,
        size: 18_240,
        root: sha256(&[b"root"]),
        recorded_at: 1_795_413_903_000,
    }
}

fn line() -> Line {
    Line {
        index: 18_239,
        at: Moment::of_ms(1_795_413_903_000),
        events: vec![(words::kind("guarantee.drawn", Lang::Zh), HOSTILE.to_owned())],
        by: vec![HOSTILE.to_owned()],
        verdict: VerdictWords::of(Verdict { code: 117, event: 0 }, Lang::Zh),
    }
}

fn home(lang: Lang) -> String {
    let health = home::health(lang, None, false, 18_240, Some(18_000));
    let days = vec![("115/11/22".to_owned(), 3), (HOSTILE.to_owned(), 5)];
    Home { seal: seal(lang), health, newest: vec![line()], epochs: 3, days }.render().unwrap()
}

fn entry(content: Option<Content>) -> String {
    let leaf = sha256(&[b"leaf"]);
    let sibling = sha256(&[b"sibling"]);
    EntryPage {
        seal: seal(Lang::En),
        index: 1,
        at: Moment::of_ms(0),
        verdict: VerdictWords::of(Verdict::ACCEPTED, Lang::En),
        rules: 1,
        leaf_hash: leaf,
        previous: leaf,
        statement: leaf,
        content,
        checks: vec![CheckWords { name: "payload", result: Health::pass(HOSTILE) }],
        steps: tree::steps(1, 2, leaf, &[sibling]).unwrap(),
    }
    .render()
    .unwrap()
}

fn content() -> Content {
    let event = EventWords {
        kind: HOSTILE.to_owned(),
        name: HOSTILE.to_owned(),
        stream: HOSTILE.to_owned(),
        page: Some(HOSTILE.to_owned()),
        version: Some(2),
        occurred: Moment::of_ms(0),
        data: vec![(HOSTILE.to_owned(), HOSTILE.to_owned())],
    };
    let signer = SignerWords { actor: HOSTILE.to_owned(), capacity: HOSTILE.to_owned(), key: sha256(&[]) };
    Content { events: vec![event], signers: vec![signer], text: HOSTILE.to_owned() }
}

/// What the policy `default-src 'none'; style-src 'self'; img-src 'self'` would have to block.
fn assert_inert(page: &str) {
    for forbidden in
        ["<script", "<img", " onerror=\"", " style=", "javascript:", "http://", "https://", "<style"]
    {
        assert!(!page.contains(forbidden), "{forbidden} in {page}");
    }
}

/// A page of a register in which every text is hostile.
fn view() -> String {
    let cell = || {
        vec![Cell::text(HOSTILE).to(HOSTILE), Cell { iso: Some(HOSTILE.to_owned()), ..Cell::text(HOSTILE) }]
    };
    let table = Table { caption: HOSTILE.to_owned(), heads: vec![HOSTILE.to_owned(); 2], rows: vec![cell()] };
    let mut section = Section::of("rows", Word::Board, table, Word::EmptyBoard);
    section.results = vec![Health::fail(HOSTILE)];
    section.facts = vec![(Word::Officer, Cell::text(HOSTILE))];
    section.stages = vec![Stage { name: HOSTILE.to_owned(), word: "done", class: "pass" }];
    section.code = Some(HOSTILE.to_owned());
    let row = chart::lying::Row {
        label: HOSTILE.to_owned(),
        from: 0,
        length: 1,
        says: HOSTILE.to_owned(),
        class: "pass",
    };
    let pictured = Section { picture: Some(chart::lying::rows(&[row], &[], 1, HOSTILE)), ..section.clone() };
    let mut page = ViewPage::new(seal(Lang::En), HOSTILE, Word::BoardNote, 7);
    page.tag = Some((HOSTILE.to_owned(), "wait"));
    page.facts = vec![(Word::Officer, Cell::text(HOSTILE).to(HOSTILE))];
    page.beside = vec![(HOSTILE.to_owned(), HOSTILE.to_owned())];
    page.sections = vec![section, pictured];
    page.render().unwrap()
}

fn problem(lang: Lang) -> ProblemPage {
    let told =
        |title: &str| Told { title: title.to_owned(), detail: HOSTILE.to_owned(), hint: HOSTILE.to_owned() };
    let (zh, en) = (told("無權閱覽"), told("not for this reader"));
    ProblemPage {
        seal: seal(lang),
        status: 403,
        code: "not-for-you",
        zh,
        en,
        request_id: Some(HOSTILE.to_owned()),
    }
}

#[test]
fn no_text_of_a_statement_becomes_markup() {
    let pages = [home(Lang::Zh), home(Lang::En), entry(Some(content())), entry(None), view()];
    let problems = [Lang::Zh, Lang::En].map(|lang| problem(lang).render().unwrap());
    for page in pages.iter().chain(&problems) {
        assert_inert(page);
    }
}

#[test]
fn a_problem_is_told_in_both_languages_the_readers_first() {
    let chinese = problem(Lang::Zh).render().unwrap();
    let at = |text| chinese.find(text).unwrap();
    assert!(
        at("<h1>無權閱覽") < at("<section lang=\"en\">")
            && at("<section lang=\"en\">") < at("not for this reader")
    );
    assert!(problem(Lang::En).render().unwrap().contains("<h1>not for this reader"));
}

#[test]
fn a_narrow_screen_reads_the_name_of_a_column_beside_each_cell() {
    let mut table = Table::new(&seal(Lang::Zh), Word::Holds, &[Word::HoldNumber, Word::HoldBasis]);
    table.rows.push(vec![Cell::number(1_234), Cell::text("x")]);
    let html = table.render().unwrap();
    assert!(html.contains("<th scope=\"col\" class=\"number\">序</th><th scope=\"col\">依據</th>"), "{html}");
    assert!(html.contains("<td data-label=\"序\" class=\"number\"><bdi>1,234</bdi></td>"), "{html}");
}

#[test]
fn a_text_with_markup_is_shown_as_it_was_signed() {
    let page = entry(Some(content()));
    assert!(page.contains("&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;"), "{page}");
}

#[test]
fn every_page_says_its_language_and_links_to_the_other() {
    let (chinese, english) = (home(Lang::Zh), home(Lang::En));
    assert!(chinese.contains("<html lang=\"zh-TW\">") && chinese.contains("/?before=3&#38;lang=en"));
    assert!(english.contains("<html lang=\"en\">") && english.contains("/?before=3&#38;lang=zh-TW"));
    assert!(chinese.contains("鏈的狀況") && english.contains("Health of the chain"));
    assert!(english.contains(&Moment::of_ms(1_795_413_903_000).roc), "ROC years are shown");
}

#[test]
fn results_are_words_and_not_colours_alone() {
    let page = home(Lang::En);
    assert!(page.contains("PASS") && page.contains("UNCONFIRMED"));
    assert!(page.contains("behind by"), "views that lag are said");
    assert!(page.contains("REFUSED") || page.contains("駁回"));
}

#[test]
fn what_a_reader_may_not_see_is_called_withheld_and_the_proof_stays() {
    let page = entry(None);
    assert!(page.contains("not public") && page.contains("class=\"computed\""));
    assert!(!page.contains("id=\"signed\""));
    assert!(entry(Some(content())).contains("id=\"signed\""));
}

#[test]
fn moments_are_shown_in_roc_years_and_kept_in_iso() {
    let moment = Moment::of_ms(1_795_413_903_000);
    assert_eq!(moment.iso, lian_core::time::format_moment(1_795_413_903));
    let year: i64 = moment.iso[..4].parse().unwrap();
    assert!(moment.roc.starts_with(&format!("{:03}/", year - 1911)), "{moment:?}");
    assert_eq!(&moment.roc[moment.roc.len() - 8..], &moment.iso[11..19]);
}
