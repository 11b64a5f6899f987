//! The codes of the registers in words: stages, lanes, flags, types, clocks, obligations.
//! Invariant: every code of a closed list has words in both languages; a code of an open list that
//! no table has is shown as it was signed.

use lian_domain::obligations::Kind;

use super::Lang;

/// A code, 正體中文, English.
type Table = [(&'static str, &'static str, &'static str)];

/// Stages of a bag, in their order.
pub const STAGES: &Table = &[
    ("manifested", "艙單", "manifest"),
    ("declared", "投單", "declared"),
    ("warehoused", "進倉", "warehouse"),
    ("screened", "篩選", "screened"),
    ("queued", "叫號", "queued"),
    ("presented", "上線", "on the line"),
    ("imaged", "取像", "imaged"),
    ("read", "判讀", "image read"),
    ("inspected", "查驗", "inspected"),
    ("taxed", "稅費", "duty"),
    ("released", "放行", "released"),
    ("gated_out", "出倉", "gate-out"),
];

/// Lanes of clearance.
pub const LANES: &Table = &[
    ("C1", "免審免驗", "no review, no inspection"),
    ("C2", "文件審核", "review of documents"),
    ("C3", "貨物查驗", "inspection of goods"),
];

/// How goods are looked at.
pub const MODES: &Table =
    &[("image", "儀器檢查", "image"), ("manual", "人工查驗", "by hand"), ("none", "免驗", "not at all")];

/// How the tax step was done.
pub const TAX_STEPS: &Table = &[
    ("covered", "由同一報單之扣抵涵蓋", "covered by an open draw of the declaration"),
    ("deposit", "押款放行", "deposited in cash"),
    ("nil", "免稅", "nothing is due"),
    ("paid", "已繳納", "paid"),
    ("secured", "保證書扣抵", "drawn on a guarantee"),
];

/// What a hold rests on.
pub const BASES: &Table = &[
    ("order", "海關命令", "order of the house"),
    ("prosecutor", "檢察官函請", "request of a prosecutor"),
    ("reinspection", "複驗發現", "found by a reinspection"),
    ("risk", "風險篩選", "risk advice"),
    ("tip", "情資通報", "a tip"),
    ("unconfirmed", "收貨人未能確認", "consignee not confirmed"),
];

/// What went wrong with cargo.
pub const FLAGS: &Table = &[
    ("amended_after_discovery", "發現異常後始更正", "corrected after something was found"),
    ("amendment_late", "艙單更正逾期", "amended late"),
    ("gated_out_without_release", "警示：未經放行出倉", "ALARM: left without release"),
    ("inspection_late", "申請查驗逾期", "inspection asked for late"),
    ("manifest_late", "艙單申報逾期", "manifest filed late"),
    ("review_differs", "複核判讀不一致", "a second reader saw something else"),
    ("shortover_corrected_late", "短溢卸更正逾期", "short or over report mended late"),
    ("shortover_late", "短溢卸報告逾期", "short or over report late"),
    ("tax_stray", "稅費步驟完成後另有繳納", "tax paid after the tax step was done"),
    ("unmanifested", "發現未列艙單貨物", "goods without a manifest were found"),
    ("wrong_warehouse", "由他倉出倉", "left another warehouse"),
];

/// What an image shows.
pub const READINGS: &Table = &[("abnormal", "異常", "abnormal"), ("clear", "無異常", "clear")];

/// What an officer finds.
pub const FINDINGS: &Table = &[
    ("contraband", "不得進口物品", "contraband"),
    ("mismatch", "與申報不符", "not as declared"),
    ("ok", "與申報相符", "as declared"),
];

/// Who advises.
pub const ADVISERS: &Table = &[
    ("cargo_ai", "空運人工智慧緝私系統", "cargo AI"),
    ("expert", "海關電腦專家系統", "expert system"),
    ("manifest", "艙單篩選", "manifest screening"),
    ("transshipment", "轉口艙單風險篩選", "transshipment screening"),
];

/// Exceptions that are named often: an open list.
pub const EXCEPTIONS: &Table = &[
    ("barcode_unreadable", "條碼模糊", "barcode unreadable"),
    ("not_declared", "未報報單", "not declared"),
    ("not_manifested", "未報艙單", "not manifested"),
];

/// How far an exception is.
pub const EXCEPTION_STATUS: &Table = &[("answered", "業者已答覆", "answered"), ("open", "待處理", "open")];

/// Types of registrations, and all of them.
pub const TYPES: &Table = &[
    ("all", "合計", "all"),
    ("entertainment", "飲宴應酬", "entertainment"),
    ("gift", "受贈財物", "gifts"),
    ("lobbying", "請託關說", "lobbying"),
    ("other", "其他事件", "other"),
];

/// How far a case has come.
pub const CASES: &Table = &[
    ("closed", "結案", "closed"),
    ("collected", "已收繳", "collected"),
    ("criminal", "刑事程序中", "criminal proceedings"),
    ("decidable", "待處分", "to be decided"),
    ("decided", "已處分，待送達", "decided, to be served"),
    ("final", "已確定", "final"),
    ("investigating", "調查中", "being investigated"),
    ("opened", "已立案", "on file"),
    ("served", "已送達", "served"),
    ("time_barred", "已逾裁處權時效", "time-barred"),
    ("under_review", "行政救濟中", "under review"),
    ("vacated", "已撤銷", "vacated"),
];

/// What a clock counts from, and by which law.
pub const CLOCKS: &Table = &[
    ("CL-A", "行政罰法 §27 I–II，自行為終了", "行政罰法 §27 I–II, from the end of the act"),
    ("CL-B", "行政罰法 §27 III，自刑事程序確定", "行政罰法 §27 III, from the end of the prosecution"),
    ("CL-C", "行政罰法 §27 IV，自原裁處撤銷確定", "行政罰法 §27 IV, from the final revocation"),
    ("CL-D", "海關緝私條例 §44，自情事發生", "海關緝私條例 §44, from the event"),
];

/// How a clock stands.
pub const CLOCK_STANDINGS: &Table = &[
    ("lapsed", "已屆滿", "lapsed"),
    ("running", "進行中", "running"),
    ("stopped", "停止進行", "stopped"),
    ("superseded", "已由他時效取代", "superseded"),
    ("waiting", "待刑事程序", "waits for the prosecutor"),
];

/// What is owed.
pub const OWED: &Table = &[
    ("assignment", "案件改派", "assignment"),
    ("clock", "裁處權時效", "limitation clock"),
    ("exhibit_named", "證物列案", "exhibit named by its case"),
    ("exhibit_stored", "證物入庫", "exhibit into the store"),
    ("handover", "三方交接", "handover"),
    ("hold_review", "扣留複核", "review of a hold"),
    ("orphan_case", "離任未列交之案件", "case of somebody who left"),
    ("overlanded", "溢卸貨物退運", "goods landed over to go"),
    ("patrol", "夜間查緝", "night patrol"),
    ("prosecutor_asked", "函詢地檢署", "question to the prosecutor"),
    ("referral", "移送偵辦", "referral to the prosecutor"),
    ("return", "無法確認收貨人退運", "goods of nobody to go back"),
    ("reveal", "亂數揭示", "reveal for a draw"),
    ("sampling_run", "廉政抽查", "sampling run"),
    ("short_over", "短溢卸報告", "short or over report"),
];

/// Where a duty that is no law comes from.
const HOUSE_RULES: &Table = &[
    ("assignment", "內規：三方交接", "house rule: three-party handover"),
    ("exhibit_named", "內規：證物庫；海關緝私條例 §22", "house rule: evidence store; 海關緝私條例 §22"),
    ("exhibit_stored", "內規：證物庫；海關緝私條例 §22", "house rule: evidence store; 海關緝私條例 §22"),
    ("handover", "內規：三方交接", "house rule: three-party handover"),
    ("hold_review", "內規：扣留須載明複核期限", "house rule: a hold names the day of its review"),
    (
        "orphan_case",
        "內規：離任不得遺留未列交案件；職期調任辦法 §4-7",
        "house rule: no post is left with unlisted cases; 職期調任辦法 §4-7",
    ),
    ("patrol", "內規：每月一次不預警夜間查緝", "house rule: one unannounced night patrol a month"),
    ("prosecutor_asked", "內規：定期函詢地檢署", "house rule: the prosecutor's office is asked regularly"),
    ("reveal", "規則資料之抽籤方案", "draw scheme of the rules data"),
    (
        "sampling_run",
        "內規：每季抽查，無案亦須結報",
        "house rule: quarterly sampling, closed even with nothing drawn",
    ),
];

/// Where a duty comes from; laws keep their names in both languages.
pub fn source(kind: Kind, lang: Lang) -> String {
    let known = HOUSE_RULES.iter().any(|(name, ..)| *name == kind.name());
    if known { words(HOUSE_RULES, kind.name(), lang) } else { kind.source().to_owned() }
}

/// How an obligation stands.
pub const OWED_STANDINGS: &Table =
    &[("due", "待辦", "due"), ("met_late", "逾期完成", "met late"), ("overdue", "逾期", "OVERDUE")];

/// Schemes of draws that the rules of the sample have: an open list.
pub const SCHEMES: &Table = &[
    ("ethics_sample", "廉政登錄抽查", "sample of the ethics register"),
    ("roster", "當日勤務輪值", "roster of the day"),
    ("xray_review", "影像判讀交叉複核", "cross-section review of images"),
];

/// A code in words; the code itself if the table does not have it.
pub fn words(table: &Table, code: &str, lang: Lang) -> String {
    let known = table.iter().find(|(name, ..)| *name == code);
    known
        .map_or(code, |(_, zh, en)| match lang {
            Lang::Zh => zh,
            Lang::En => en,
        })
        .to_owned()
}

#[cfg(test)]
mod tests {
    use lian_domain::{
        cases::{
            self,
            clocks::Standing::{Lapsed, Running, Stopped, Superseded, Waiting},
        },
        clearance, ethics, obligations,
    };

    use super::*;

    fn assert_known(table: &Table, codes: impl IntoIterator<Item = &'static str>) {
        for code in codes {
            let row = table.iter().find(|(name, ..)| *name == code);
            assert!(row.is_some_and(|(_, zh, en)| !zh.is_empty() && !en.is_empty()), "{code} has no words");
        }
    }

    #[test]
    fn every_code_of_a_closed_list_has_words_in_both_languages() {
        assert_known(LANES, clearance::Lane::ALL.iter().map(|code| code.as_str()));
        assert_known(MODES, clearance::Mode::ALL.iter().map(|code| code.as_str()));
        assert_known(TAX_STEPS, clearance::TaxStep::ALL.iter().map(|code| code.as_str()));
        assert_known(BASES, clearance::Basis::ALL.iter().map(|code| code.as_str()));
        assert_known(FLAGS, clearance::Flag::ALL.iter().map(|code| code.as_str()));
        assert_known(READINGS, clearance::Reading::ALL.iter().map(|code| code.as_str()));
        assert_known(FINDINGS, clearance::Finding::ALL.iter().map(|code| code.as_str()));
        assert_known(ADVISERS, clearance::Adviser::ALL.iter().map(|code| code.as_str()));
        assert_known(TYPES, ethics::Type::ALL.iter().map(|code| code.name()));
        assert_known(CASES, cases::Status::ALL.iter().map(|code| code.name()));
        assert_known(CLOCKS, cases::ClockCode::ALL.iter().map(|code| code.name()));
        assert_known(OWED, obligations::Kind::ALL.iter().map(|code| code.name()));
        assert_known(OWED_STANDINGS, obligations::Standing::ALL.iter().map(|code| code.name()));
        let standings = [Running, Waiting, Stopped, Superseded, Lapsed];
        assert_known(CLOCK_STANDINGS, standings.iter().map(|code| code.name()));
    }

    #[test]
    fn a_chinese_page_names_the_source_of_every_duty_in_chinese() {
        for kind in Kind::ALL {
            let said = source(*kind, Lang::Zh);
            assert!(!said.contains("rule") && !said.contains("scheme"), "{said}");
        }
    }

    #[test]
    fn a_code_that_no_table_has_is_shown_as_it_was_signed() {
        assert_eq!(words(EXCEPTIONS, "wet_label", Lang::Zh), "wet_label");
        assert_eq!(words(EXCEPTIONS, "barcode_unreadable", Lang::Zh), "條碼模糊");
    }
}
