//! Every sentence that people read in two languages, in one table.
//! Invariant: each has both languages, with the same places to fill in. Words that data carry
//! (PASS, REFUSED, codes, capacities) are the same in every language and not here.

use std::fmt::Display;

use crate::out::Lang;

macro_rules! texts {
    ($($name:ident: $zh:literal, $en:literal;)*) => {
        /// A sentence of the table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the English text beside each name says what it is")]
        pub enum Text { $($name,)* }

        impl Text {
            /// All of them.
            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$name,)*];

            const fn pair(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($zh, $en),)* }
            }
        }
    };
}

texts! {
    AskPassphrase: "{0} 的密碼：", "passphrase of {0}: ";
    NewPassphrase: "新金鑰的密碼：", "passphrase for the new key: ";
    AgainPassphrase: "再輸入一次：", "once more: ";
    NoPassphraseSaid: "注意：金鑰未加密，任何讀得到檔案的人都能簽章。", "NOTE: the key file is not encrypted; whoever reads it can sign.";
    KeyMade: "金鑰已產生：{0}", "key made: {0}";
    LogKeyClaimed: "帳本 {0}；公證金鑰為第 0 筆所稱：{1}", "ledger {0}; log key as entry 0 claims it: {1}";
    WouldSign: "將簽署 {0} 位元組（{1}）", "would sign {0} bytes ({1})";
    RulesSay: "依規則：{0}", "the rules say: {0}";
    NothingSent: "未送出任何資料。", "Nothing was sent.";
    TriedOut: "已簽署並送請伺服器試算；伺服器稱未登載。", "Signed, and sent to be tried out only; the server says that nothing was logged.";
    ReceiptChecked: "儲存前已在此驗證", "checked here before it was saved";
    AlreadyThere: "已在帳本中，回覆第一次的收據", "in the ledger already; this is its first place";

    KindRequested: "開立 Request", "Request 開立";
    KindAccepted: "核准 Accept", "Accept 核准";
    KindRejected: "駁回 Reject", "Reject 駁回";
    KindSuspended: "廢止 Suspend", "Suspend 廢止";
    KindClosed: "解除擔保 Close", "Close 解除";
    KindAmended: "變更", "amend";
    KindDrawn: "扣抵額度", "draw";
    KindTaxPaid: "稅費繳納，恢復額度", "tax paid";
    KindAssessed: "核定增減", "assessed";
    KindSurcharge: "滯納金", "surcharge";
    KindDrawCancelled: "扣抵註銷", "draw cancelled";
    KindClaimed: "求償", "claim";
    KindClaimPaid: "銀行代償", "claim paid";
    KindClaimRefused: "銀行拒付", "claim refused";
    KindClaimWithdrawn: "求償撤回", "claim withdrawn";
    KindActor: "登錄", "actor registered";
    KindKeyEnrolled: "金鑰登錄", "key enrolled";
    KindKeyRevoked: "金鑰廢止", "key revoked";
    KindOpened: "帳本開立", "ledger opened";
    KindEpoch: "時段關閉", "epoch closed";
    KindCosigned: "時段會簽", "epoch cosigned";
    KindRulesPublished: "規則公布", "rules published";
    KindRulesActivated: "規則施行", "rules activated";
    KindSchemeSuspended: "停止先放後稅", "scheme suspended";
    KindSchemeRestored: "恢復先放後稅", "scheme restored";
    KindDelegated: "委任登錄", "delegation recorded";
    KindDelegationEnded: "委任終止", "delegation ended";
    KindBlocked: "報單管制", "declaration blocked";
    KindUnblocked: "報單解除管制", "declaration unblocked";

    StandingRequested: "待核准", "requested";
    StandingNotYetValid: "尚未生效", "not yet valid";
    StandingActive: "有效", "active";
    StandingExhausted: "額度用罄", "exhausted";
    StandingSuspended: "已廢止", "suspended";
    StandingExpired: "屆期", "expired";
    StandingClosed: "已解除", "closed";
    StandingRejected: "已駁回", "rejected";
    StandingWithdrawn: "已撤回", "withdrawn";

    InitDone: "帳本已建立：{0}", "ledger made: {0}";
    InitDev: "注意：開發用金鑰，未加密，資料註記為虛構；切勿用於真實帳本。", "NOTE: development keys, not encrypted; the ledger says that its data are made up. Never for a real one.";
    InitKeysSecret: "keys/ 為機密：交付副本時請勿附上。", "keys/ is secret: leave it out of every copy that you hand on.";

    ServerSays: "此為伺服器所稱，未附證明；單一案件之證明：lian show", "as the server says, without proof; for proof of one object: lian show";
    Withheld: "（內容僅供當事人）", "(for its parties only)";
    NoEpochYet: "尚無已關閉時段，完整性未能證明。", "no epoch is closed yet: completeness cannot be proved.";
    ProvedComplete: "第 {2} 時段（前 {1} 筆）之內，提及此案者即此 {0} 筆，一筆不缺；對映圖未經鏡像會簽。", "below {1} (epoch {2}) these {0} are all entries that name it; no mirror has cosigned the map.";
    DevOpen: "注意：虛構資料，任何本機使用者皆可閱覽；切勿用於真實帳本。", "NOTE: made-up data, open to every reader on this machine. Never for a real ledger.";
    StopWith: "以 Ctrl-C 結束。", "Ctrl-C ends it.";
    Stopping: "正在結束：已收之陳述答覆後關帳。", "ending: what was taken is answered, then the ledger is closed.";
    BackupMade: "備份完成並已驗證：{0}，{1} 筆，{2} 位元組", "backup made and verified: {0}, {1} entries, {2} bytes";
    BackupGood: "備份完好：{0}，{1} 筆，{2} 位元組", "the backup is good: {0}, {1} entries, {2} bytes";
    Restored: "已還原至 {0}：{1} 筆，{2} 位元組；金鑰請自保管處放回 keys/。", "restored to {0}: {1} entries, {2} bytes; put the keys back into keys/ from where you keep them.";
    RestoredToRead: "已還原至 {0} 供查詢：{1} 筆，{2} 位元組；不得寫入。", "restored to {0} to be read only: {1} entries, {2} bytes.";

    ViewsGo: "檢視將丟棄：所涵蓋 {0} 筆，末筆鏈結 {1}，帳本 {2}", "the views go: they cover {0} entries (link {1}) of ledger {2}";
    ViewsMade: "檢視已由帳本重建：{0} 筆", "views made again from {0} entries";
    ViewsAgree: "{0} 列檢視均與帳本前 {1} 筆相符", "all {0} rows agree with a fresh fold of {1} entries";

    AsOf: "截至 {0}（{1}），帳本前 {2} 筆，每一判定皆已重算", "as of {0} ({1}), the first {2} entries; every verdict computed again";
    AsOfServer: "截至 {0}（{1}），帳本前 {2} 筆，依伺服器所稱；摘要已在此核對", "as of {0} ({1}), the first {2} entries, as the server says; digests checked here";
    ViewDiffers: "{0}：伺服器所附摘要為 {1}，所送內容之摘要為 {2}；不予採信，未顯示。", "{0}: the server names digest {1}, and what it sent has {2}; it is not believed, and not shown";
    ViewDiffersFix: "保留此回覆為證，並與他人比對檢查點與摘要", "keep the answer as evidence; compare checkpoints and digests with others";
    OtherView: "所問為 {0}，伺服器僅答以 {1}：全文僅供當事人", "asked for {0}, the server tells {1} only: the whole is for its parties";
    EntriesLack: "{0}：伺服器稱有 {1} 筆提及，僅列出 {2} 筆", "{0}: the server says that {1} entries name it, and lists {2}";
    LoggedAlready: "此陳述已登載於第 {0} 筆；再送只會得到其收據。", "this statement is logged already, as entry {0}; sending it again gives its receipt";
    ViewDigest: "檢視 {0} 摘要 {1}", "view {0}, digest {1}";
    OfSoMany: "{0} 件（共 {1} 件）", "{0} of {1}";

    DrawOpened: "抽籤開啟 {0}", "opened {0}";
    DrawOf: "自 {1} 名中抽 {0} 名；母體取自第 {2} 時段，根 {3}", "{0} of {1} members; population of epoch {2}, root {3}";
    DrawSilent: "未承諾", "has not committed";
    DrawCommitted: "已承諾，未揭示", "committed, not revealed";
    DrawRevealed: "已承諾並揭示", "committed and revealed";
    DrawCommitUntil: "承諾期限 {0}", "commitments until {0}";
    DrawNotClosed: "尚未抽出", "not drawn yet";
    DrawSeed: "封存時段 {0}，種子 {1}", "seal epoch {0}, seed {1}";
    DrawPartPopulation: "母體：由該時段之狀態重新列出", "population: listed again from the states of its epoch";
    DrawPartReveals: "揭示：與先前承諾相符", "reveals: as they were committed to";
    DrawPartSeed: "種子：由揭示與封存時段之根重算", "seed: computed again from the reveals and the root of the seal epoch";
    DrawPartNames: "名單：依種子重抽，逐名相同", "names: drawn again from the seed, each in its place";

    CargoPieces: "應有 {0} 件：放行 {1} 扣留 {2} 扣押 {3} 退運 {4} 放棄 {5} 在倉 {6}；已出倉 {7}", "{0} pieces: released {1}, held {2}, seized {3}, returned {4}, abandoned {5}, on hand {6}; gone {7}";
    CargoGone: "未經放行而出倉 {0} 件", "{0} pieces left without release";
    CargoException: "異常 {0} {1}，{2} 件，自 {3}", "exception {0} {1}, {2} pieces, since {3}";
    BoardUpdated: "資料更新時間 {0}", "up to {0}";
    BoardCut: "僅列最新者；其餘請以條件查詢", "only the newest are listed; ask for fewer";
    HitRate: "建議 {0}，應查 {1}：查獲 {2}、誤報 {3}；應放 {4}、漏失 {5}；未有結果 {6}", "advised {0}; said look {1}: found {2}, false alarms {3}; said pass and right {4}, missed {5}; open {6}";
    MawbSums: "{0} 袋（分號）：艙單與更正 {1} 件，現況合計 {2} 件", "{0} bags: manifest and corrections {1} pieces, in all standings {2}";
    ImbalanceCargo: "{0}：差 {1} 件", "{0}: {1} pieces do not add up";
    ImbalanceGone: "{0}：未經放行出倉 {1} 件", "{0}: {1} pieces left without release";
    ImbalanceBelow: "{0}：處置件數多於點收 {1} 件", "{0}: {1} more pieces are placed than were counted";
    ImbalanceTwice: "{0}：重複計入", "{0}: counted twice";
    ImbalanceNoWaybill: "主號艙單未在帳上", "no manifest of the master waybill is on record";
    ImbalanceBills: "主號載 {0} 袋，實見 {1} 袋", "the master waybill names {0} bags, {1} were found";
    ImbalancePieces: "主號載 {0} 件，各袋合計 {1} 件", "the master waybill names {0} pieces, its bags {1}";

    NotTold: "不公開", "not public";
    EthicsCounts: "登錄 {0}，逾期 {1}，違規 {2}，抽查 {3}，無誤 {4}，異常 {5}", "registered {0}, late {1}, breaches {2}, sampled {3}, correct {4}, anomalies {5}";

    CaseFacts: "查獲 {0}，立案 {1}，報單 {2}", "detected {0}, on file {1}, declaration {2}";
    CaseDecided: "罰鍰 {0}，已收 {1}", "fine {0}, collected {1}";
    ClockDays: "自 {0} 起，末日 {1}（始日計入）、{2}（始日不計）", "from {0}, last day {1} (first day counted), {2} (not counted)";
    ClockWithin: "{0} 個月內屆滿", "lapses within {0} months";

    Obligations: "{0} 項義務，其中 {1} 項逾期", "{0} obligations, {1} of them overdue";
    FolderBehind: "注意：這份檔案不是全部，只是較早的一份。{0}", "warning: this is not all, but an older copy. {0}";
    OwedSamplingRun: "廉政抽查", "sampling run";
    OwedPatrol: "夜間查緝", "night patrol";
    OwedHandover: "三方交接", "handover";
    OwedAssignment: "案件改派", "assignment";
    OwedOrphanCase: "離任未列交之案件", "case of somebody who left";
    OwedClock: "裁處權時效", "limitation clock";
    OwedReferral: "移送偵辦", "referral to the prosecutor";
    OwedProsecutorAsked: "函詢地檢署", "question to the prosecutor";
    OwedExhibitStored: "證物入庫", "exhibit into the store";
    OwedExhibitNamed: "證物列案", "exhibit named by its case";
    OwedShortOver: "短溢卸報告", "short or over report";
    OwedReveal: "亂數揭示", "reveal for a draw";
    OwedHoldReview: "扣留複核", "review of a hold";
    OwedOverlanded: "溢卸貨物退運", "goods landed over to go";
    OwedReturn: "無法確認收貨人退運", "goods of nobody to go back";

    DemoTitle: "廉·鏈　一張保證書的一生，27 家銀行", "Lian: the life of one bank guarantee, among 27 banks";
    DemoIntro: "虛構的海關與銀行，真實的簽章、檔案與驗證；故事時鐘自 {0} 起。資料夾：{1}", "A made-up customs house and banks; real signatures, files and checks. The story's clock starts at {0}. Folder: {1}";
    DemoFound: "一、開帳：三個根機關、管理員、關員、27 家銀行", "1. The ledger is opened: three roots, admins, officers, 27 banks";
    DemoFounded: "第 0 筆由 {0} 把金鑰共同簽署；其後 {1} 筆登錄，每一把金鑰都自行簽署其登錄。", "Entry 0 is signed by {0} keys together; {1} entries enrol everybody, each key signing its own enrolment.";
    DemoStory: "二、銀行開立，海關核准，先放後稅扣抵", "2. The bank requests, customs accepts, a release draws on the quota";
    DemoOverQuota: "三、超過額度的扣抵：拒絕，並且留下紀錄", "3. A draw above the quota: refused, on the record";
    DemoRefusalReceipt: "被拒絕的請求也有收據；任何人都能重跑規則 {0} 並得到同一個答案：", "The refusal has a receipt too; anyone can run rule {0} again and get the same answer:";
    DemoPay: "四、繳稅恢復額度，銀行廢止，海關解除擔保", "4. Tax is paid, the bank suspends, customs closes";
    DemoOthers: "其間另外 {0} 家銀行的 {1} 筆陳述也已入帳，帳本共 {2} 筆、{3} 個時段。", "Meanwhile {1} statements of the other {0} banks came in; the ledger has {2} entries and {3} epochs.";
    DemoRejected: "沒有權限的陳述不入帳，但得到簽章的回覆：{0}", "A statement without authority is not logged; it gets a signed answer: {0}";
    DemoBag: "五、一袋快遞，從艙單到出倉，稅款由保證書擔保", "5. A bag from manifest to gate-out, its duty drawn on a guarantee";
    DemoOneStatement: "扣抵額度與稅費擔保同在一份陳述：同時成立，或同時不成立。", "The draw and the tax step are one statement: accepted together, or not at all.";
    DemoGift: "六、受贈登錄，由誰都左右不了的抽籤抽查", "6. A gift is registered, and sampled by a draw that nobody can steer";
    DemoPicked: "經辦者在得知他人亂數之後改報自己的亂數，想抽到 {0}：", "Whoever runs it changes the own number after those of the others are known, to draw {0}:";
    DemoDrawCheck: "任何人只憑帳本重抽一次（lian draw check {0}）：", "Anybody draws again from the log alone (lian draw check {0}):";
    DemoCase: "七、一件裁處權時效將屆的緝私案", "7. A case whose clock is about to lapse";
    DemoOwed: "義務日曆，{0}：", "The calendar of obligations, {0}:";
    DemoVerify: "八、稽核員只憑檔案與公開金鑰驗證整本帳", "8. An auditor verifies it all, with files and public keys alone";
    DemoFlip: "九、有人在副本裡改了一個位元", "9. Somebody flips one bit in a copy";
    DemoFlipped: "{0} 位移 {1}：{2} 改成 {3}（銀行簽署的額度）。", "{0} offset {1}: {2} becomes {3} (in the limit that the bank signed).";
    DemoFound1: "找到了：第 {0} 筆，欄位 {1}，{2} 位移 {3}", "found: entry {0}, field {1}, {2} offset {3}";
    DemoReplay: "十、重演到過去的某一天", "10. Replay to a day in the past";
    DemoForgeA: "十一、內賊：持有公證金鑰，竄改銀行的陳述，重寫之後的整條鏈", "11. An insider with the log key alters a bank's statement and rewrites the whole chain after it";
    DemoForgeAHow: "額度改為 {0}；雜湊、鏈結、樹、時段與公證簽章全部重做。", "The limit becomes {0}; hashes, links, tree, epochs and the log's signatures are all made anew.";
    DemoForgeB: "十二、內賊學乖了：不改銀行的字，只把那筆拒絕從歷史中抽掉", "12. The insider learns: alters no bank's words, and leaves the refusal out of history";
    DemoForgeBHow: "抽掉第 {0} 筆，其餘簽章全部真實，整本帳重新公證。", "Entry {0} is left out; every signature that remains is genuine; the whole ledger is signed again.";
    DemoSeen: "被銀行的 `seen` 抓到：它後來簽署的陳述記得另一段歷史", "Caught by the bank's `seen`: its later statement remembers another history";
    DemoForgeC: "他再把那些陳述也截掉：單憑檔案看不出來", "He cuts those statements off too: the files alone no longer show it";
    DemoKept: "被稽核員留存的舊檢查點抓到", "Caught by an old checkpoint that the auditor kept";
    DemoSeenOutside: "也被銀行自己留存的 `seen`（時段 {0}）抓到", "And by the `seen` (epoch {0}) that the bank kept for itself";
    DemoForgeD: "十三、內賊把抽籤名單換成別人：規則看不出，重抽就看得出", "13. The insider puts another name into the draw: no rule can know, whoever draws again does";
    DemoEnd: "故事結束。驗證、竄改與重演都真實執行，共 {0} 毫秒。", "The end. Every check, change and replay above was really executed, in {0} ms.";
    DemoKeep: "帳本留在 {0}；繼續：lian --ledger {0} log --oneline", "The ledger is kept at {0}; go on with: lian --ledger {0} log --oneline";
    DemoTry: "保留帳本：lian demo --dir sample", "Keep the ledger: lian demo --dir sample";
}

impl Text {
    /// The sentence, with its `{0}`, `{1}` … filled in.
    pub fn fill(self, lang: Lang, arguments: &[&dyn Display]) -> String {
        let (zh, en) = self.pair();
        let mut text = if lang == Lang::Zh { zh } else { en }.to_owned();
        for (position, argument) in arguments.iter().enumerate() {
            text = text.replace(&format!("{{{position}}}"), &argument.to_string());
        }
        text
    }

    /// The words for a kind.
    pub fn of_kind(kind: &str) -> Option<Self> {
        Some(match kind {
            "guarantee.requested" => Self::KindRequested,
            "guarantee.accepted" => Self::KindAccepted,
            "guarantee.rejected" => Self::KindRejected,
            "guarantee.suspended" => Self::KindSuspended,
            "guarantee.closed" => Self::KindClosed,
            "guarantee.amended" => Self::KindAmended,
            "guarantee.drawn" => Self::KindDrawn,
            "guarantee.tax_paid" => Self::KindTaxPaid,
            "guarantee.assessed" => Self::KindAssessed,
            "guarantee.surcharge_accrued" => Self::KindSurcharge,
            "guarantee.draw_cancelled" => Self::KindDrawCancelled,
            "guarantee.claimed" => Self::KindClaimed,
            "guarantee.claim_paid" => Self::KindClaimPaid,
            "guarantee.claim_refused" => Self::KindClaimRefused,
            "guarantee.claim_withdrawn" => Self::KindClaimWithdrawn,
            "actor.registered" => Self::KindActor,
            "key.enrolled" => Self::KindKeyEnrolled,
            "key.revoked" => Self::KindKeyRevoked,
            "ledger.opened" => Self::KindOpened,
            "epoch.closed" => Self::KindEpoch,
            "epoch.cosigned" => Self::KindCosigned,
            "rules.published" => Self::KindRulesPublished,
            "rules.activated" => Self::KindRulesActivated,
            "scheme.suspended" => Self::KindSchemeSuspended,
            "scheme.restored" => Self::KindSchemeRestored,
            "delegation.recorded" => Self::KindDelegated,
            "delegation.ended" => Self::KindDelegationEnded,
            "declaration.blocked" => Self::KindBlocked,
            "declaration.unblocked" => Self::KindUnblocked,
            _ => return None,
        })
    }

    /// The words for a status.
    pub fn of_standing(name: &str) -> Option<Self> {
        Some(match name {
            "requested" => Self::StandingRequested,
            "not_yet_valid" => Self::StandingNotYetValid,
            "active" => Self::StandingActive,
            "exhausted" => Self::StandingExhausted,
            "suspended" => Self::StandingSuspended,
            "expired" => Self::StandingExpired,
            "closed" => Self::StandingClosed,
            "rejected" => Self::StandingRejected,
            "withdrawn" => Self::StandingWithdrawn,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_both_languages_with_the_same_places_to_fill_in() {
        for text in Text::ALL {
            let (zh, en) = text.pair();
            assert!(!zh.trim().is_empty() && !en.trim().is_empty(), "{text:?}");
            for place in 0..9 {
                let place = format!("{{{place}}}");
                assert_eq!(zh.contains(&place), en.contains(&place), "{text:?} {place}");
            }
            assert!(zh.chars().any(|letter| letter > '\u{2e80}'), "{text:?} has no Chinese");
        }
    }
}
