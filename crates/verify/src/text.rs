//! The report in words, in English and in Traditional Chinese.
//! Invariant: PASS, FAIL and UNCONFIRMED are words in both languages, never colours; every
//! sentence about a fault says how to mend it, or that nothing can.

use std::{collections::BTreeSet, fmt::Write as _};

use lian_core::audit::{
    Check, Weight,
    finding::{Fault, Finding, Source},
    fold::{CheckResult, Missing, Outcome, Status},
};

use crate::{
    VERIFIER,
    report::{Note, Report, path_of, segment_path, status_word},
};

/// Findings that are printed; `--json` has up to 256 of each check.
const PRINTED_MAX: usize = 40;

/// Language of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Traditional Chinese, as written in Taiwan.
    #[value(name = "zh-TW")]
    ZhTw,
}

impl Lang {
    fn pick(self, en: &'static str, zh: &'static str) -> &'static str {
        match self {
            Self::En => en,
            Self::ZhTw => zh,
        }
    }
}

/// The whole report.
pub(crate) fn report(report: &Report, lang: Lang) -> String {
    let mut out = String::new();
    heading(&mut out, report, lang);
    for result in &report.outcome.checks {
        check_line(&mut out, report, result, lang);
    }
    findings(&mut out, report, lang);
    caches(&mut out, report, lang);
    for line in report.notes.iter().map(|what| note(what, lang)) {
        line_to(&mut out, &format!("{} {line}", lang.pick("note:", "說明：")));
    }
    line_to(&mut out, lang.pick("cannot be known from these files alone:", "單憑這些檔案無法得知："));
    for limit in limits(report, lang) {
        line_to(&mut out, &format!("  - {limit}"));
    }
    let word = status_word(report.status());
    line_to(&mut out, &format!("{} {word}   exit {}", lang.pick("result:", "結果："), report.exit_code()));
    out
}

fn heading(out: &mut String, report: &Report, lang: Lang) {
    let outcome = &report.outcome;
    let ledger = report.ledger.clone().or_else(|| outcome.name.clone()).unwrap_or_else(|| "?".to_owned());
    line_to(out, &format!("{VERIFIER}   {}   {ledger}", report.target));
    let root = outcome.root.map_or_else(|| "?".to_owned(), |root| root.to_hex());
    let size = grouped(outcome.size);
    line_to(
        out,
        &match lang {
            Lang::En => format!("{size} entries, root {root}"),
            Lang::ZhTw => format!("{size} 筆條目，樹根 {root}"),
        },
    );
    if let Some(index) = report.receipt {
        let label = lang.pick("receipt of entry", "收據所屬條目");
        line_to(out, &format!("{label} {}", grouped(index)));
    }
}

fn check_line(out: &mut String, report: &Report, result: &CheckResult, lang: Lang) {
    let name = match lang {
        Lang::En => format!("{:<11}", result.check.name()),
        Lang::ZhTw => format!("{:<11} {}", result.check.name(), check_name(result.check)),
    };
    let mut words = Vec::new();
    if result.status != Status::Unconfirmed && result.missing.is_empty() || has_counts(report, result.check) {
        words.push(coverage(report, result.check, lang));
    }
    if result.check == Check::Checkpoint && report.outcome.counts.kept > 0 {
        let kept = report.outcome.counts.kept;
        words.push(match lang {
            Lang::En => format!("{} beside them compared and holding", count(kept, "checkpoint or pin")),
            Lang::ZhTw => format!("另有 {} 個檢查點或釘選檔相符", grouped(kept)),
        });
    }
    words.retain(|word| !word.is_empty());
    if result.status == Status::Fail {
        words.insert(
            0,
            match lang {
                Lang::En => format!("{} found", count(result.findings, "problem")),
                Lang::ZhTw => format!("發現 {} 項問題", grouped(result.findings)),
            },
        );
    }
    words.extend(result.missing.iter().map(|what| missing(what, lang)));
    let separator = lang.pick("; ", "；");
    line_to(out, &format!("{:<12} {name} {}", status_word(result.status), words.join(separator)));
}

fn has_counts(report: &Report, check: Check) -> bool {
    let counts = &report.outcome.counts;
    match check {
        Check::Signatures => counts.signatures_checked > 0,
        Check::Checkpoint => counts.authentic > 0,
        Check::Authority | Check::Verdicts | Check::State => counts.judged > 1,
        Check::Bytes | Check::Payload | Check::Chain | Check::Tree => counts.entries > 0,
        Check::Pieces => counts.weighed > 0,
        Check::Witnesses | Check::Time => false,
    }
}

/// What a check covered, in numbers.
fn coverage(report: &Report, check: Check, lang: Lang) -> String {
    if report.is_receipt {
        return String::new();
    }
    match lang {
        Lang::En => coverage_en(&report.outcome, check),
        Lang::ZhTw => coverage_zh(&report.outcome, check),
    }
}

fn coverage_en(outcome: &Outcome, check: Check) -> String {
    let (counts, size, n) = (&outcome.counts, grouped(outcome.size), grouped);
    match check {
        Check::Bytes => {
            let (segments, batches) = (count(counts.segments, "segment"), count(counts.batches, "batch"));
            format!("{} bytes of {segments} and {batches} re-read", n(counts.bytes))
        }
        Check::Payload => {
            let (entries, bytes) = (n(counts.entries), n(counts.payload_bytes));
            format!("{entries} of {size} payloads re-hashed ({bytes} bytes)")
        }
        Check::Signatures => {
            let (checked, due) = (n(counts.signatures_checked), n(counts.signatures_due));
            format!("{checked} of {due} verified, {}", count(counts.keys, "key"))
        }
        Check::Chain => format!("{} of {size} links followed", n(counts.entries)),
        Check::Tree => match &outcome.last_good {
            Some(good) => {
                format!("root recomputed from every leaf; equals the one signed at {}", n(good.size))
            }
            None => "root recomputed from every leaf".to_owned(),
        },
        Check::Checkpoint => {
            format!("{} of {} commit frames signed by the log", n(counts.authentic), n(counts.commits))
        }
        Check::Authority | Check::Verdicts | Check::State => {
            format!("{} of {size} entries judged again", n(counts.judged))
        }
        Check::Pieces => {
            format!("{} weighed by books of their own", count(counts.weighed, "waybill or exhibit"))
        }
        Check::Witnesses | Check::Time => String::new(),
    }
}

fn coverage_zh(outcome: &Outcome, check: Check) -> String {
    let (counts, size, n) = (&outcome.counts, grouped(outcome.size), grouped);
    match check {
        Check::Bytes => {
            let (bytes, segments, batches) = (n(counts.bytes), n(counts.segments), n(counts.batches));
            format!("重讀 {bytes} 位元組，{segments} 個區段、{batches} 個批次")
        }
        Check::Payload => {
            let (entries, bytes) = (n(counts.entries), n(counts.payload_bytes));
            format!("重算 {entries}／{size} 筆原文雜湊（{bytes} 位元組）")
        }
        Check::Signatures => {
            let (checked, due) = (n(counts.signatures_checked), n(counts.signatures_due));
            format!("驗證 {checked}／{due} 個簽章，{} 把金鑰", n(counts.keys))
        }
        Check::Chain => format!("逐筆核對 {}／{size} 個鏈結", n(counts.entries)),
        Check::Tree => match &outcome.last_good {
            Some(good) => format!("由全部葉節點重算樹根，與第 {} 筆時簽署者相符", n(good.size)),
            None => "由全部葉節點重算樹根".to_owned(),
        },
        Check::Checkpoint => {
            format!("{}／{} 個提交框由本鏈簽署", n(counts.authentic), n(counts.commits))
        }
        Check::Authority | Check::Verdicts | Check::State => {
            format!("重新裁決 {}／{size} 筆", n(counts.judged))
        }
        Check::Pieces => format!("另帳逐件核對 {} 個主號或扣押物", n(counts.weighed)),
        Check::Witnesses | Check::Time => String::new(),
    }
}

fn findings(out: &mut String, report: &Report, lang: Lang) {
    let mut mends = BTreeSet::new();
    let mut left = 0;
    for (position, finding) in report.findings().enumerate() {
        if position >= PRINTED_MAX {
            left += 1;
            continue;
        }
        one_finding(out, finding, lang);
        if finding.weight == Weight::Fails && mends.insert(finding.fault) {
            labelled(out, lang.pick("mend", "處理"), mend(finding.fault, lang));
        }
    }
    if left > 0 {
        line_to(
            out,
            &match lang {
                Lang::En => format!("  … and {left} more; --json lists up to 256 of each check"),
                Lang::ZhTw => format!("  … 另有 {left} 項；--json 每項檢查列出最多 256 項"),
            },
        );
    }
    if report.status() == Status::Fail && !report.is_receipt {
        line_to(
            out,
            &match (&report.outcome.last_good, lang) {
                (Some(good), Lang::En) => format!(
                    "  last good checkpoint {} ({} offset {:#x})",
                    grouped(good.size),
                    segment_path(good.segment),
                    good.offset
                ),
                (Some(good), Lang::ZhTw) => format!(
                    "  最後一個完好檢查點 {}（{} 位移 {:#x}）",
                    grouped(good.size),
                    segment_path(good.segment),
                    good.offset
                ),
                (None, _) => lang.pick("  no commit frame holds", "  沒有任何完好的提交框").to_owned(),
            },
        );
    }
}

fn one_finding(out: &mut String, finding: &Finding, lang: Lang) {
    let word = match finding.weight {
        Weight::Fails => "FAIL",
        Weight::Unconfirmed => "UNCONFIRMED",
        Weight::Remark => lang.pick("remark", "附註"),
    };
    let entry = finding.entry.map(|entry| match lang {
        Lang::En => format!("entry {}  ", grouped(entry)),
        Lang::ZhTw => format!("條目 {}  ", grouped(entry)),
    });
    let what = match finding.weight {
        Weight::Remark => lang.pick("worth knowing", "值得留意"),
        Weight::Fails | Weight::Unconfirmed => fault(finding.fault, lang),
    };
    let field = if finding.field.is_empty() { String::new() } else { format!(" ({})", finding.field) };
    let name = finding.check.name();
    line_to(out, &format!("  {word} {name}  {}{what}{field}", entry.unwrap_or_default()));
    if !finding.stored.is_empty() {
        labelled(out, lang.pick("stored", "檔中為"), &finding.stored);
    }
    if !finding.computed.is_empty() {
        labelled(out, lang.pick("computed", "算得為"), &finding.computed);
    }
    labelled(out, lang.pick("where", "位置"), &place(finding, lang));
}

/// File, offset and bit, as far as the finding is about bytes of a file.
fn place(finding: &Finding, lang: Lang) -> String {
    let path = path_of(finding);
    if matches!(finding.source, Source::File(_)) && finding.length == 0 {
        return path;
    }
    let bit = finding.bit.map(|bit| match lang {
        Lang::En => format!(", bit {bit} flipped"),
        Lang::ZhTw => format!("，第 {bit} 位元翻轉"),
    });
    let bit = bit.unwrap_or_default();
    match lang {
        Lang::En => format!("{path} offset {:#x}, {}{bit}", finding.offset, count(finding.length, "byte")),
        Lang::ZhTw => format!("{path} 位移 {:#x}，{} 位元組{bit}", finding.offset, grouped(finding.length)),
    }
}

/// A label and a value; English labels are padded, Chinese ones are of equal width.
fn labelled(out: &mut String, label: &str, value: &str) {
    line_to(out, &format!("    {label:<9} {value}"));
}

fn caches(out: &mut String, report: &Report, lang: Lang) {
    let mut first = true;
    for finding in report.caches().take(PRINTED_MAX) {
        if std::mem::take(&mut first) {
            line_to(
                out,
                lang.pick(
                    "caches that differ; they can be made again from the segments, which are the truth:",
                    "快取與鏈不符；可由區段檔重建，區段檔才是準據：",
                ),
            );
        }
        one_finding(out, finding, lang);
    }
}

/// One note.
pub(crate) fn note(note: &Note, lang: Lang) -> String {
    match (note, lang) {
        (Note::SignaturesSkipped(size), Lang::En) => {
            format!(
                "signatures below entry {} were NOT verified now; the pin says this verifier did",
                grouped(*size)
            )
        }
        (Note::SignaturesSkipped(size), Lang::ZhTw) => {
            format!("條目 {} 之前的簽章本次未驗；釘選檔記載本程式已驗", grouped(*size))
        }
        (Note::PinNotUsed, Lang::En) => {
            "the pin is of another verifier version, or without signatures: nothing was skipped".to_owned()
        }
        (Note::PinNotUsed, Lang::ZhTw) => "釘選檔出自其他版本或未含簽章檢查：全部重新檢查".to_owned(),
        (Note::TilesCompared(files), Lang::En) => {
            format!("{} beside the log compared with its leaves", count(*files, "tile"))
        }
        (Note::TilesCompared(files), Lang::ZhTw) => format!("已比對 {} 個雜湊磚檔", grouped(*files)),
        (Note::Published(size), Lang::En) => format!("the published checkpoint has size {}", grouped(*size)),
        (Note::Published(size), Lang::ZhTw) => format!("已發布檢查點涵蓋 {} 筆", grouped(*size)),
    }
}

/// What no check of these files can tell. Never empty.
pub(crate) fn limits(report: &Report, lang: Lang) -> Vec<String> {
    let mut limits = Vec::new();
    let kept = report.kept_up_to;
    limits.push(match lang {
        Lang::En => format!(
            "whether later entries were cut off: a log cut back to an older signed checkpoint looks whole. \
             Only a checkpoint, receipt or pin kept elsewhere shows it; yours reach entry {}",
            grouped(kept)
        ),
        Lang::ZhTw => format!(
            "之後的條目是否被截去：截回較早之已簽檢查點的鏈看來仍完整，只有另存的檢查點、收據或釘選檔能顯示；您提供的涵蓋至 {} 筆",
            grouped(kept)
        ),
    });
    limits.push(
        lang.pick(
            "whether the holder of the log's key shows others another history: compare checkpoints with other parties",
            "持有本鏈金鑰者是否對他人出示另一份歷史：請與其他各方比對檢查點",
        )
        .to_owned(),
    );
    if !report.outcome.key_confirmed {
        limits.push(
            lang.pick(
                "whether this is the ledger you mean: give --log-key, --genesis or a pin whose checkpoint check passed",
                "這是否為您所指的帳本：請提供 --log-key、--genesis，或檢查點已通過的釘選檔",
            )
            .to_owned(),
        );
    }
    limits
}

/// Why a check is not confirmed.
pub(crate) fn missing(missing: &Missing, lang: Lang) -> String {
    match (missing, lang) {
        (Missing::Empty, _) => lang.pick("there is nothing to check", "沒有可檢查的內容").to_owned(),
        (Missing::NeedsLedger, _) => lang
            .pick("a receipt alone cannot show it: check the ledger", "單憑收據無法得知：請檢查帳本")
            .to_owned(),
        (Missing::NotAsked, _) => {
            lang.pick("skipped on request (--no-verdicts)", "依要求略過（--no-verdicts）").to_owned()
        }
        (Missing::From(entry), Lang::En) => format!("not judged from entry {} on", grouped(*entry)),
        (Missing::From(entry), Lang::ZhTw) => format!("自條目 {} 起未能裁決", grouped(*entry)),
        (Missing::LogKey, _) => lang
            .pick(
                "the log's key is not confirmed from outside; give --log-key, --genesis or --pin",
                "本鏈金鑰未經外部確認；請提供 --log-key、--genesis 或 --pin",
            )
            .to_owned(),
        (Missing::UnknownKeys(n), Lang::En) => {
            format!("the keys of {} are not known", count(*n, "signature"))
        }
        (Missing::UnknownKeys(n), Lang::ZhTw) => format!("{} 個簽章的金鑰不明", grouped(*n)),
        (Missing::Skipped(n), Lang::En) => {
            format!("{} skipped under a pin that does not hold", count(*n, "signature"))
        }
        (Missing::Skipped(n), Lang::ZhTw) => format!("依不相符的釘選檔略過 {} 個簽章", grouped(*n)),
        (Missing::NotComparable(name), Lang::En) => format!("{name} cannot be compared: entries are missing"),
        (Missing::NotComparable(name), Lang::ZhTw) => format!("缺少條目，無法比對 {name}"),
        (Missing::Quorum(size, lacks), Lang::En) => {
            format!("the quorum covers {} entries; lacks {lacks}", grouped(*size))
        }
        (Missing::Quorum(size, lacks), Lang::ZhTw) => {
            format!("見證門檻僅涵蓋 {} 筆；缺 {lacks}", grouped(*size))
        }
        (Missing::NoCosignatures, _) => {
            lang.pick("no cosignatures are logged", "鏈上沒有見證簽章").to_owned()
        }
        (Missing::NotSeen(epoch, root), Lang::En) => {
            format!("no epoch {epoch} and no commit of this log has the seen root {root}")
        }
        (Missing::NotSeen(epoch, root), Lang::ZhTw) => {
            format!("本鏈的期別 {epoch} 與任何提交均無所見樹根 {root}")
        }
        (Missing::Words(words), _) => words.clone(),
    }
}

fn check_name(check: Check) -> &'static str {
    match check {
        Check::Bytes => "位元組",
        Check::Payload => "原文",
        Check::Signatures => "簽章",
        Check::Authority => "權限",
        Check::Chain => "鏈結",
        Check::Tree => "雜湊樹",
        Check::Checkpoint => "檢查點",
        Check::Witnesses => "見證",
        Check::Time => "時間",
        Check::Verdicts => "裁決",
        Check::State => "狀態",
        Check::Pieces => "件數守恆",
    }
}

/// What is wrong, in one sentence.
pub(crate) fn fault(fault: Fault, lang: Lang) -> &'static str {
    let (en, zh) = match fault {
        Fault::Damaged => ("these bytes were changed", "這些位元組遭變更"),
        Fault::Checksum => ("the checksum does not match", "校驗碼不符"),
        Fault::Malformed => ("what stands here cannot be read", "此處內容無法解讀"),
        Fault::Field => ("the field contradicts the entries before", "欄位與先前條目矛盾"),
        Fault::Trailing => ("bytes follow the last commit", "最後提交之後仍有資料"),
        Fault::Unfinished => {
            ("an unfinished batch: nobody was told that it is recorded", "未完成的批次：未曾對任何人確認")
        }
        Fault::Torn => ("the file ends before the batch does", "檔案在批次結束前中斷"),
        Fault::Missing => ("entries or files are missing", "缺少條目或檔案"),
        Fault::Repeated => ("entries that came before come again", "先前的條目重複出現"),
        Fault::Foreign => ("a segment of another ledger", "其他帳本的區段"),
        Fault::Stray => ("a file that does not belong here", "不應存在的檔案"),
        Fault::NotAFile => ("not a plain file; it was not followed", "不是一般檔案，未予跟隨"),
        Fault::PayloadDigest => ("the payload is not the one that was recorded", "原文並非當時登錄者"),
        Fault::PayloadZeros => {
            ("the payload is gone and no destruction of it is recorded", "原文已不存在，且無銷毀紀錄")
        }
        Fault::NotAStatement => ("the payload is not a statement", "原文不是有效的陳述"),
        Fault::SignatureCount => ("not one signature per issuer", "簽章數與簽署者數不符"),
        Fault::Signature => ("the key did not sign these bytes", "該金鑰未簽署這些內容"),
        Fault::Link => (
            "the entry points to another entry before it than the one that is there",
            "條目所指的前一筆與實際不符",
        ),
        Fault::BackLink => ("the link back within the stream is wrong", "物件歷程的回指有誤"),
        Fault::Clock => ("recorded earlier than the entry before it", "登錄時間早於前一筆"),
        Fault::Root => ("the log signed another tree than these entries make", "本鏈簽署的樹與條目不符"),
        Fault::NotSigned => ("not signed by the log's key", "並非由本鏈金鑰簽署"),
        Fault::OtherKey => {
            ("the log is signed by another key than the one you gave", "簽署金鑰與您提供者不同")
        }
        Fault::OtherGenesis => ("entry 0 is another than the one you gave", "第 0 筆與您提供者不同"),
        Fault::Rewritten => (
            "history was rewritten: what you kept is no prefix of this log",
            "歷史遭改寫：您留存者並非本鏈的前段",
        ),
        Fault::CutBack => (
            "the log was cut back: something names more entries than there are",
            "鏈遭截短：有資料指向更多條目",
        ),
        Fault::Judged => ("the rules object", "規則不容"),
        Fault::Cache => ("a cache differs from the log", "快取與鏈不符"),
    };
    lang.pick(en, zh)
}

/// How to mend it.
pub(crate) fn mend(fault: Fault, lang: Lang) -> &'static str {
    let (en, zh) = match fault {
        Fault::Damaged => (
            "restore the file from a backup; writing the computed bytes there also mends it, which this program never does",
            "由備份還原該檔；將算得的位元組寫回亦可復原，本程式不會代做",
        ),
        Fault::Checksum
        | Fault::Malformed
        | Fault::Torn
        | Fault::Missing
        | Fault::Repeated
        | Fault::Foreign
        | Fault::Field => (
            "restore the file from a backup or a mirror, then verify again",
            "由備份或鏡像還原該檔後重新檢查",
        ),
        Fault::Trailing | Fault::Unfinished => (
            "start the ledger once: recovery finishes or sets aside what was never confirmed; then verify again",
            "啟動帳本一次：復原程序會完成或另存未確認部分，再重新檢查",
        ),
        Fault::Stray | Fault::NotAFile => ("find out who put it there, then move it away", "查明來源後移走"),
        Fault::PayloadZeros | Fault::PayloadDigest => (
            "restore the payload from a backup; its signers also hold what they signed",
            "由備份還原原文；簽署者亦留有所簽內容",
        ),
        Fault::Cache => ("delete it; the ledger makes it again", "刪除即可，帳本會重建"),
        Fault::CutBack => (
            "keep all files as evidence; compare with backups, mirrors and the holders of receipts",
            "保全所有檔案作為證據；與備份、鏡像及收據持有人比對",
        ),
        Fault::OtherKey | Fault::OtherGenesis => (
            "make sure that the key or id is of this ledger; if it is, these files are of another",
            "確認金鑰或識別碼屬於本帳本；若屬實，這些檔案即屬他帳本",
        ),
        Fault::NotAStatement
        | Fault::SignatureCount
        | Fault::Signature
        | Fault::Link
        | Fault::BackLink
        | Fault::Clock
        | Fault::Root
        | Fault::NotSigned
        | Fault::Rewritten
        | Fault::Judged => (
            "no repair exists: keep all files as evidence and compare with backups, mirrors and receipts",
            "無從修復：保全所有檔案作為證據，並與備份、鏡像及收據比對",
        ),
    };
    lang.pick(en, zh)
}

/// 18240 as 18,240.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn count(number: u64, what: &str) -> String {
    let plural = match what {
        _ if number == 1 => what.to_owned(),
        "batch" => "batches".to_owned(),
        "checkpoint or pin" => "checkpoints or pins".to_owned(),
        "waybill or exhibit" => "waybills and exhibits".to_owned(),
        _ => format!("{what}s"),
    };
    format!("{} {plural}", grouped(number))
}

fn line_to(out: &mut String, line: &str) {
    // Writing into a string cannot fail.
    let _ = writeln!(out, "{}", line.trim_end());
}
