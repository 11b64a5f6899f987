//! `lian help`: a command, or a code: what it means, why it is so, how to mend it.

use clap::CommandFactory;
use lian_domain::{refusal::Refusal, rejection};
use serde_json::json;

use crate::{
    failure::{Failure, Result},
    out::Lang,
    session::Session,
};

const EXAMPLES: &str = "\
Examples:
  lian help guarantee draw
  lian help quota-insufficient
  lian help 109                  a refusal: a business rule, on the record
  lian help stale-version        a rejection: answered, not logged
  lian help codes                all of them
";

/// Rejections in the order of their numbers: Chinese, English; each says what is wrong and how to
/// mend it.
const REJECTIONS: [(&str, &str); rejection::NAMES.len()] = [
    ("信封格式不符；請以 DSSE JSON 重送。", "the envelope does not parse; send DSSE JSON"),
    (
        "陳述內容不合規格；請依所指欄位修正後重新簽署。",
        "the statement does not fit its schema; mend the field named, sign again",
    ),
    (
        "陳述係簽給另一本帳本；請核對帳本識別碼。",
        "the statement names another ledger; check the ledger's id and sign again",
    ),
    (
        "簽署時間早於帳本時鐘過多（在未來）；請校正時鐘。",
        "issued ahead of the log's clock; set your clock and sign again",
    ),
    ("陳述已逾有效期限；請重新簽署。", "its validity is over; sign it again"),
    ("有效期間過長或為負；請縮短 valid_until。", "valid_until lies too far or before issued_at; shorten it"),
    ("金鑰未登錄；請先辦理金鑰登錄。", "the key is not enrolled; enrol it first"),
    ("金鑰已廢止；請改用有效金鑰。", "the key is revoked; sign with a live key"),
    ("金鑰屬於另一登錄者；請核對 actor。", "the key belongs to another actor; name its own actor"),
    (
        "金鑰未具此身分；請以具該身分之金鑰簽署。",
        "the key does not hold that capacity; sign with one that does",
    ),
    (
        "簽署身分與事項不符；請依所列身分共同簽署。",
        "the capacities are not those that the kind requires; have exactly those sign",
    ),
    (
        "同一登錄者、同一人或同一金鑰重複簽署；請由不同人簽署。",
        "an actor, person or key signs twice; have different persons sign",
    ),
    ("簽章數與簽署者數不符；請補足或移除簽章。", "not one signature per issuer; add or remove signatures"),
    (
        "簽章驗證失敗；請以所列金鑰重新簽署。",
        "a signature does not verify; sign these very bytes with the key named",
    ),
    (
        "簽署者並非該案當事人；請由該銀行或該機關辦理。",
        "the signer is no party to this object; its own bank or office must sign",
    ),
    ("一份陳述涉及多家銀行；請分開送件。", "guarantees of several banks in one statement; send one each"),
    (
        "一份陳述混合不同讀者等級；請分開送件。",
        "events for different readers in one statement; send one each",
    ),
    (
        "版本衝突：該案已有新事項；請重新讀取後再送。",
        "the object has moved on; read it again and repeat with the present version",
    ),
    ("所憑據之案件版本已變更；請重新讀取後再送。", "an object that you read has moved on; read it again"),
    (
        "此類陳述須載明簽署者最後驗證之時段（seen）。",
        "this kind needs `seen`, the last epoch that you verified; verify and add it",
    ),
    (
        "簽署者所見時段與本帳本不符；歷史可能遭改寫，請立即比對檢查點。",
        "you saw another history than this log shows; compare checkpoints with others at once",
    ),
    ("識別碼已用於另一陳述；請換新識別碼。", "the id was used for another statement; use a new one"),
    ("此陳述已入帳；請取回第一次之收據。", "this statement is in the log already; fetch its first receipt"),
    (
        "該金鑰當日拒絕額度已滿；超過者僅計數。",
        "the key's refusals of this day are used up; what exceeds them is counted, not logged",
    ),
    (
        "帳本時鐘跳動；須由兩位管理員登錄後恢復。",
        "the log's clock stepped; two admins must record clock.stepped first",
    ),
    ("此類陳述由帳本自行推導，內容不符。", "derived from the log itself, and the log gives another value"),
    ("僅第 0 筆可開立帳本。", "entry 0 opens the ledger, and nothing else does"),
    ("金鑰曾經登錄；一把金鑰僅登錄一次。", "the key was enrolled before; make a new one"),
    (
        "簽署者不獨立（同單位或根機關不足）；請由不同單位簽署。",
        "the signers are not independent; have different units, or enough roots, sign",
    ),
    (
        "規則所需引擎本程式未具備；請先更新程式。",
        "the rules run on an engine that this program does not have; update it first",
    ),
    (
        "憑證鏈摘要僅於首把金鑰載明；請增列或移除。",
        "the first key of an actor names its certificate chain, further keys do not; add or remove it",
    ),
    (
        "缺少須同時申報之另一事項；請將兩事項併為一份陳述。",
        "one half of an act on two streams; put both events into one statement",
    ),
];

/// Options of `lian help`.
#[derive(clap::Args)]
#[command(before_help = EXAMPLES)]
pub struct Arguments {
    /// A command, a code by name or number, or `codes`
    topic: Vec<String>,
}

/// One code.
struct Code {
    family: &'static str,
    number: u16,
    name: &'static str,
    zh: &'static str,
    en: &'static str,
}

fn codes() -> impl Iterator<Item = Code> {
    let refusals = Refusal::ALL.iter().map(|refusal| Code {
        family: "refusal",
        number: refusal.code(),
        name: refusal.name(),
        zh: refusal.zh(),
        en: refusal.en(),
    });
    let rejections = (1..).zip(rejection::NAMES).zip(REJECTIONS);
    let rejections =
        rejections.map(|((number, name), (zh, en))| Code { family: "rejection", number, name, zh, en });
    refusals.chain(rejections)
}

/// Runs it.
pub fn run(arguments: &Arguments, session: &Session) -> Result<()> {
    let out = session.out;
    let mut root = crate::Arguments::command();
    if arguments.topic.is_empty() {
        out.line(root.render_long_help().to_string());
        return Ok(());
    }
    let topic = arguments.topic.join(" ");
    let found: Vec<Code> = codes()
        .filter(|code| topic == "codes" || code.name == topic || code.number.to_string() == topic)
        .collect();
    if !found.is_empty() {
        print(&found, session);
        return Ok(());
    }
    root.build();
    let mut command = &mut root;
    for name in &arguments.topic {
        command = command.find_subcommand_mut(name).ok_or_else(|| {
            Failure::usage(format!("{topic:?} is no command and no code"))
                .fix("lian help, or lian help codes")
        })?;
    }
    out.line(command.render_long_help().to_string());
    Ok(())
}

fn print(found: &[Code], session: &Session) {
    let out = session.out;
    if out.json {
        let values = found.iter().map(|code| {
            json!({"family": code.family, "code": code.number, "name": code.name, "zh": code.zh, "en": code.en})
        });
        return out.value(&json!(values.collect::<Vec<_>>()));
    }
    for code in found {
        let on_record = match (code.family, out.lang) {
            ("refusal", Lang::Zh) => "拒絕：業務規則不容，已入帳並有收據",
            ("refusal", _) => {
                "refusal: a business rule turned it down; it is on the record, with a receipt (exit 6)"
            }
            (_, Lang::Zh) => "駁回：未入帳，僅以簽章回覆",
            _ => "rejection: answered with a signature, not logged",
        };
        out.line(format!("{} {}   {on_record}", code.number, code.name));
        out.line(format!("  {}\n  {}", code.zh, code.en));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_sentence_in_both_languages() {
        for code in codes() {
            assert!(code.zh.chars().any(|letter| letter > '\u{2e80}'), "{}", code.name);
            assert!(code.en.is_ascii() && !code.en.is_empty(), "{}", code.name);
        }
    }
}
