//! What rejections are called in two languages, how they are mended, and their sentence in Chinese
//! (the English one is the rejection's own text, which the signed note holds).
//! Invariant: the rows stand in the order of the rejections' numbers, from 1.

use lian_domain::{clearance::Unpaired, rejection::Rejection};

use super::request::Language;

/// Chinese title, English title, Chinese hint, English hint.
type Row = [&'static str; 4];

const ROWS: [Row; 32] = [
    ["信封格式有誤", "the envelope does not parse", "請依 DSSE v1 格式重製信封", "make a DSSE v1 envelope"],
    [
        "陳述格式有誤",
        "the statement does not parse",
        "請依規範更正後重新簽署",
        "mend it as the specification says and sign again",
    ],
    [
        "陳述屬於其他帳本",
        "the statement is for another ledger",
        "請以本帳本之識別碼重新簽署",
        "sign again with the id of this ledger",
    ],
    [
        "簽署時間超前",
        "the statement is issued ahead of the log's clock",
        "請校時後重新簽署",
        "set the clock and sign again",
    ],
    ["陳述已逾有效期間", "the statement is no longer valid", "請重新簽署", "sign it anew"],
    [
        "有效期間過長",
        "the statement is valid for too long",
        "有效期間以規則所定為限",
        "stay within the days that the rules allow",
    ],
    ["金鑰未登錄", "the key is not enrolled", "請先登錄金鑰", "enrol the key first"],
    ["金鑰已廢止", "the key is revoked", "請以有效金鑰重新簽署", "sign with a live key"],
    [
        "金鑰屬於他人",
        "the key belongs to another actor",
        "請以本人之金鑰簽署",
        "sign with a key of the issuer",
    ],
    [
        "金鑰無此資格",
        "the key does not hold this capacity",
        "請以具資格之金鑰簽署",
        "sign with a key that holds it",
    ],
    [
        "簽署資格不符",
        "the issuers are not those that the kind requires",
        "請依事件種類所需資格簽署",
        "sign in the capacities that the kind requires",
    ],
    ["簽署者重複", "an issuer stands twice", "每人一簽", "each actor, person and key signs once"],
    [
        "簽章數量不符",
        "there is not one signature per issuer",
        "簽章須與簽署者一一對應",
        "send one signature per issuer, in their order",
    ],
    ["簽章不符", "a signature does not verify", "請重新簽署原文", "sign the very bytes of the payload"],
    ["非當事人", "the signer is not a party to this object", "請由當事人簽署", "let the party sign"],
    [
        "涉及數家銀行",
        "the statement touches guarantees of several banks",
        "請依銀行分送",
        "send one statement for each bank",
    ],
    [
        "閱覽範圍不一",
        "the statement mixes events for different readers",
        "請分為數筆陳述",
        "send one statement for each class of readers",
    ],
    [
        "版本衝突",
        "the version is not the one expected",
        "請重新讀取後以現行版本重新簽署",
        "read again and sign with the present version",
    ],
    [
        "版本衝突",
        "the version is not the one that was read",
        "請重新讀取後重新簽署",
        "read again and sign again",
    ],
    [
        "缺少所見時段",
        "the statement does not say what its signer has seen",
        "請填入已驗證之最後時段",
        "name the last epoch that the signer verified",
    ],
    ["所見時段矛盾", "the signer saw another history", "請立即比對檢查點", "compare checkpoints at once"],
    [
        "陳述編號重複",
        "the id was used for another statement",
        "請另取新編號重新簽署",
        "sign again under a new id",
    ],
    ["陳述已登載", "the statement is in the log already", "請查詢原收據", "ask for its receipt"],
    [
        "本日駁回額度用罄",
        "the refusals of this key are used up for today",
        "請查明駁回原因，明日再送",
        "find out why they are refused; send again tomorrow",
    ],
    [
        "時鐘跳動",
        "the log's clock has stepped",
        "待兩位管理者登載 clock.stepped",
        "two admins must record clock.stepped first",
    ],
    [
        "導出值不符",
        "the fact is derived from the log, which gives another value",
        "此類事件由帳本自行登載",
        "the log records such facts itself",
    ],
    ["開帳事件不當", "only entry 0 opens a ledger", "請勿重送開帳事件", "do not send it again"],
    ["金鑰曾經登錄", "the key was enrolled before", "請產製新金鑰", "make a new key"],
    ["簽署者未相互獨立", "the signers are not independent", "請由不同單位會簽", "let different units sign"],
    [
        "規則引擎不明",
        "the rules run on an engine that this server lacks",
        "請更新系統",
        "update the server first",
    ],
    [
        "憑證鏈摘要不當",
        "the digest of the certificate chain is out of place",
        "僅首把金鑰須附憑證鏈摘要",
        "only the first key of an actor names it",
    ],
    [
        "缺少須同時申報之另一事項",
        "one half of an act on two streams",
        "請將兩事項併為一份陳述",
        "put both events into one statement",
    ],
];

fn row(number: u16) -> Row {
    // A number beyond the table is a malformed statement as far as anybody here knows.
    ROWS.get(usize::from(number).wrapping_sub(1)).copied().unwrap_or(ROWS[1])
}

/// What a rejection is called.
pub fn rejection_title(number: u16, language: Language) -> &'static str {
    let [zh, en, ..] = row(number);
    if language == Language::Chinese { zh } else { en }
}

/// How it is mended.
pub fn rejection_hint(number: u16, language: Language) -> &'static str {
    let [_, _, zh, en] = row(number);
    if language == Language::Chinese { zh } else { en }
}

/// The sentence of a rejection in Chinese.
pub fn rejection_zh(rejection: &Rejection) -> String {
    let title = rejection_title(rejection.code(), Language::Chinese);
    match rejection {
        Rejection::Envelope(what) | Rejection::Schema(what) | Rejection::NotIndependent(what) => {
            format!("{title}：{what}")
        }
        Rejection::WrongLedger { named, own } => format!("陳述載明帳本 {named}，本帳本為 {own}"),
        Rejection::IssuedAhead { ahead_s, allowed_s } => {
            format!("簽署時間超前 {ahead_s} 秒，上限 {allowed_s} 秒")
        }
        Rejection::Expired(ago_s) => format!("有效期間已於 {ago_s} 秒前屆滿"),
        Rejection::ValidTooLong { claimed_s, allowed_days } => {
            format!("有效期間為 {claimed_s} 秒，須介於 0 至 {allowed_days} 日")
        }
        Rejection::UnknownKey(key) => format!("金鑰 {key} 未登錄"),
        Rejection::RevokedKey(key) => format!("金鑰 {key} 已廢止"),
        Rejection::KeyOfAnother { key, owner, claimed } => format!("金鑰 {key} 屬於 {owner}，非 {claimed}"),
        Rejection::CapacityNotHeld { actor, capacity } => format!("{actor} 之此金鑰無 {capacity} 資格"),
        Rejection::WrongCapacities { kind, required, found } => {
            format!("{kind} 須由 {required} 簽署，本件為 {found}")
        }
        Rejection::SignerTwice(who) => format!("{who} 重複簽署"),
        Rejection::SignatureCount { issuers, signatures } => {
            format!("簽署者 {issuers} 人，簽章 {signatures} 個")
        }
        Rejection::BadSignature { position, key } => format!("第 {position} 個簽章非金鑰 {key} 所簽"),
        Rejection::WrongSide { actor, kind, stream } => format!("{actor} 非得對 {stream} 為 {kind} 之當事人"),
        Rejection::SeveralBanks(one, other) => format!("陳述涉及銀行 {one} 與 {other}"),
        Rejection::StaleVersion { stream, expected, actual }
        | Rejection::StaleRequires { stream, expected, actual } => {
            format!("{stream} 目前為 v{actual}，您預期 v{expected}")
        }
        Rejection::SeenMissing(kind) => format!("{kind} 須載明 seen：簽署者已驗證之最後時段"),
        Rejection::SeenContradicted { epoch, seen, own } => {
            format!("簽署者所見時段 {epoch} 之根為 {seen}，本帳本為 {own}")
        }
        Rejection::IdReused { actor, id, entry } => format!("{actor} 已將編號 {id} 用於條目 {entry}"),
        Rejection::AlreadyLogged(entry) => format!("本陳述已為條目 {entry}"),
        Rejection::RefusalQuota { key, quota } => {
            format!("金鑰 {key} 本日駁回已達 {quota} 件，逾額僅計數不登載")
        }
        Rejection::ClockStopped(step) => format!("帳本時鐘跳動 {step} 毫秒"),
        Rejection::NotDerived(what) => format!("{what} 由帳本導出，其值不同"),
        Rejection::KeyEnrolledBefore(key) => format!("金鑰 {key} 曾經登錄；一把金鑰僅登錄一次"),
        Rejection::EngineUnknown(engine) => format!("規則需引擎 {engine}，本程式未具備"),
        Rejection::Unpaired(Unpaired::Secured) => {
            "cargo.tax_secured 須與同一保證書、報單及金額之 guarantee.drawn 併列".to_owned()
        }
        Rejection::Unpaired(Unpaired::Allocated) => {
            "queue.allocated 須與同一袋號、貨棧、日期及序號之 cargo.queued 併列".to_owned()
        }
        Rejection::Unpaired(Unpaired::Queued) => {
            "cargo.queued 須與同一袋號、貨棧、日期及序號之 queue.allocated 併列".to_owned()
        }
        Rejection::SeveralClasses | Rejection::Genesis | Rejection::Chain => title.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use lian_domain::rejection::NAMES;

    use super::*;

    #[test]
    fn there_is_one_row_for_each_rejection() {
        assert_eq!(ROWS.len(), NAMES.len());
        assert_eq!(rejection_title(7, Language::English), "the key is not enrolled");
        let stale = Rejection::StaleVersion { stream: "guarantee/X".to_owned(), expected: 2, actual: 3 };
        assert_eq!(rejection_zh(&stale), "guarantee/X 目前為 v3，您預期 v2");
    }
}
