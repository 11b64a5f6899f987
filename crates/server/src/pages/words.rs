//! The words of the pages in two languages, in one table.
//! Invariant: every word has both; data (ids, codes, digests, names of checks) are the same in both.

use lian_domain::{families, guarantee::Standing};

/// Language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// Traditional Chinese.
    #[default]
    Zh,
    /// English.
    En,
}

impl Lang {
    /// Value of `lang` in links and pages.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-TW",
            Self::En => "en",
        }
    }

    /// What `lang` in a link asks for.
    pub fn of_tag(tag: &str) -> Option<Self> {
        match tag {
            "zh-TW" | "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Zh => Self::En,
            Self::En => Self::Zh,
        }
    }
}

macro_rules! words {
    ($($name:ident: $zh:literal, $en:literal;)*) => {
        /// A word or sentence of the pages.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the English text beside each name says what it is")]
        pub enum Word { $($name,)* }

        impl Word {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// In a language.
            pub const fn say(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$name, Lang::Zh) => $zh, (Self::$name, Lang::En) => $en,)*
                }
            }
        }
    };
}

words! {
    Product: "廉·鏈", "Lian";
    Tagline: "海關稽核帳本", "customs audit ledger";
    SkipToContent: "跳到主要內容", "skip to content";
    OtherLanguage: "English", "中文";
    Synthetic: "本帳本之資料皆屬虛構。", "All data of this ledger are invented.";
    Home: "首頁", "Home";
    Log: "鏈瀏覽", "Log";
    Guarantees: "保證書", "Guarantees";
    SealedUpTo: "封存至第", "sealed up to entry";
    EntryUnit: "筆", "";
    Checkpoint: "檢查點", "checkpoint";
    Root: "樹根", "root";
    OwnWord: "本頁為帳本自述，請以收據與 lian-verify 自行驗證。", "This page is the ledger's own word: check it with the receipt and lian-verify.";

    Health: "鏈的狀況", "Health of the chain";
    Newest: "最新條目", "Newest entries";
    NewestNote: "最新的在最上面。未公開之條目僅顯示其存在、時間與裁定。", "The newest first. Of entries that are not public, only their existence, time and verdict are shown.";
    Index: "序號", "No.";
    Time: "時間", "Time";
    What: "事件", "Event";
    Object: "物件", "Object";
    By: "簽署者", "Signed by";
    Verdict: "裁定", "Verdict";
    NotPublic: "未公開", "not public";
    Entries: "條目", "Entries";
    Epochs: "時段", "Epochs";
    LastEpoch: "最近時段", "Last epoch";
    Cosigned: "已會簽", "cosigned";
    NotCosigned: "尚未會簽", "not cosigned yet";
    NoWitness: "本帳本未設見證人：時間與見證無法確認。", "This ledger has no witnesses: time and witnesses stay unconfirmed.";
    WriterRuns: "寫入正常", "the writer runs";
    WriterStopped: "寫入已停止", "the writer has stopped";
    ViewsAt: "檢視資料更新至第", "views have reached entry";
    ViewsLag: "落後", "behind by";
    PerDay: "每日條目數", "Entries per day";
    Day: "日期", "Day";
    Count: "筆數", "Count";
    EmptyLog: "尚無條目。", "No entries yet.";

    Entry: "條目", "Entry";
    Accepted: "接受 ACCEPTED", "ACCEPTED";
    Refused: "駁回 REFUSED", "REFUSED";
    Previous: "前一筆", "previous";
    Next: "後一筆", "next";
    Summary: "摘要", "Summary";
    SignedText: "簽署原文", "Signed text";
    Proof: "證明", "Proof";
    Checks: "檢查", "Checks";
    ChecksNote: "以下由伺服器計算，僅供參考；下載收據後以 lian-verify 在您的電腦重算。", "Computed by the server, for orientation; download the receipt and let lian-verify compute them on your own machine.";
    Check: "項目", "Check";
    Result: "結果", "Result";
    Found: "說明", "What was found";
    Receipt: "收據", "Receipt";
    DownloadReceipt: "下載收據 (.tlog-proof)", "download the receipt (.tlog-proof)";
    DownloadPayload: "下載簽署原文", "download the signed text";
    LeafHash: "葉雜湊", "Leaf hash";
    Link: "鏈結", "Link";
    StatementDigest: "陳述摘要", "Statement digest";
    RulesVersion: "規則版本", "Rules version";
    Version: "版本", "version";
    OccurredAt: "發生時間", "occurred at";
    ProofNote: "實心為計算所得，空心為證明所附；最上方為檢查點之樹根。", "Filled: computed; hollow: given in the proof; at the top the root of the checkpoint.";
    Computed: "計算所得", "computed";
    Given: "證明所附", "given in the proof";
    Step: "步驟", "Step";
    Withheld: "本條目之內容不對外公開；葉、雜湊與證明仍可供任何人驗證。", "The content of this entry is not public; leaf, hashes and proof are there for anyone to check.";
    HowToCheck: "在自己的電腦驗證", "Check it on your own machine";

    Guarantee: "保證書", "Guarantee";
    Standing: "狀態", "Standing";
    Bank: "保證銀行", "Bank";
    Debtor: "納稅義務人", "Debtor";
    Limit: "額度", "Limit";
    Outstanding: "已扣", "Outstanding";
    Available: "可用餘額", "Available";
    Called: "已代償", "Called";
    Pending: "求償中", "Pending claims";
    Validity: "有效期間", "Valid";
    Timeline: "歷程", "Timeline";
    QuotaChart: "額度變化", "Quota over time";
    QuotaChartNote: "實線為可用餘額，虛線為額度；橫軸為該保證書之條目先後。", "Solid: available; dashed: limit; from left to right the entries of this guarantee.";
    AsTable: "以表格呈現", "as a table";
    OpenDraws: "未結扣抵", "Open draws";
    NoOpenDraws: "無未結扣抵。", "No open draws.";
    Declaration: "報單號碼", "Declaration";
    Amount: "金額", "Amount";
    Due: "應繳", "Still due";
    DueOn: "繳納期限", "Due on";
    AsOf: "截至第", "as of entry";
    Derived: "由條目推算，非簽署原文。", "Derived from the entries, not signed text.";
    NotFound: "查無此物件", "There is no such object";
    NotFoundHint: "請核對號碼，或由首頁重新尋找。", "Check the number, or start again from the home page.";
    NtDollars: "新臺幣元", "NT$";

    GuaranteesNote: "銀行保證書之額度、扣抵與求償。", "Limits, draws and claims of bank guarantees.";
    Registers: "看板與登錄冊", "Boards and registers";
    ForParties: "僅供當事人", "for parties";
    ForEverybody: "公開", "public";
    ViewDigest: "檢視摘要值", "Digest of this view";
    ViewDigestNote: "任何持有同一帳本者重算應得同值。", "Whoever folds the same ledger gets the same.";
    NotAll: "資料過多，僅列最新部分。", "There is more than is shown: only the newest.";
    NoneSo: "無。", "None.";
    Nothing: "–", "–";
    Status: "狀態", "Status";
    Filter: "篩選", "Only";

    Board: "通關資訊揭露", "Clearance board";
    BoardNote: "送上查驗線之袋貨，最新在上。欄位依揭露平臺之順序。", "Bags that were laid on the inspection lines, the newest first, in the columns of the platform.";
    Exceptions: "通關異常處理揭露", "Exception board";
    ExceptionsNote: "不能通關之袋貨與原因。註記可能載有個人資料，故不公開。", "What cannot clear, and why. A note may hold a person's data, so none is shown.";
    UpdatedAt: "資料更新時間", "Updated";
    EmptyBoard: "目前沒有資料。", "Nothing is on this board.";

    Cargo: "袋貨", "Cargo";
    CargoNote: "每袋由艙單至出倉之歷程。", "Each bag from manifest to gate-out.";
    Bag: "袋貨", "Bag";
    Waybill: "主號", "Master waybill";
    Stages: "通關進度", "Way to the gate";
    StageDone: "已完成", "done";
    StageOpen: "尚未", "not yet";
    StageFree: "免辦", "not needed";
    Lane: "通關方式", "Lane";
    NoLane: "尚未篩選", "not screened yet";
    ByTarget: "依鎖定改列", "by a targeting mark";
    Broker: "報關業者", "Broker";
    Importer: "進口人", "Importer";
    Flight: "航班", "Flight";
    ArrivalAt: "預定到達", "Due to arrive";
    Warehouse: "貨棧", "Warehouse";
    InspectionLine: "查驗線", "Inspection line";
    ImageSays: "影像判讀", "Image says";
    InspectionSays: "查驗結果", "Inspection says";
    Flags: "註記事項", "On its record";
    Pieces: "件數勾稽", "Do the pieces add up?";
    PiecesNote: "艙單 ± 更正 = 放行 + 扣留 + 扣押 + 退運 + 放棄 + 在倉。各列首尾相接，末端須與應有件數對齊。", "Manifest ± corrections = released + held + seized + returned + abandoned + on hand. Each row begins where the one above ends; the last must end where the expected pieces do.";
    PiecesHold: "件數相符", "the pieces add up";
    PiecesDiffer: "件數不符", "the pieces do not add up";
    PiecesExpected: "應有", "Expected";
    PiecesManifest: "艙單", "Manifest";
    PiecesAmended: "艙單更正", "Amended";
    PiecesLanded: "短溢卸", "Short or over";
    PiecesAwaited: "待進倉", "Awaited";
    PiecesReleased: "放行", "Released";
    PiecesGone: "其中已出倉", "of them gone";
    PiecesHeld: "扣留", "Held";
    PiecesSeized: "扣押", "Seized";
    PiecesReturned: "退運", "Returned";
    PiecesAbandoned: "放棄", "Abandoned";
    PiecesOnHand: "在倉", "On hand";
    PiecesUnreleased: "未經放行出倉", "Gone without release";
    PieceCount: "件數", "Pieces";
    StoredAt: "存放位置", "Stored at";
    Duty: "稅費", "Duty";
    DutyOpen: "稅費步驟尚未完成。", "The tax step is not done.";
    DutyStep: "方式", "How";
    Holds: "扣留", "Holds";
    NoHolds: "無扣留。", "No open holds.";
    HoldNumber: "序", "No.";
    HoldBasis: "依據", "Basis";
    HoldSince: "起日", "Since";
    HoldReview: "複核期限", "To be looked at by";
    OpenExceptions: "未結異常", "Open exceptions";
    Advice: "風險建議", "Risk advice";
    AdviceNote: "建議於結果之前登載，並載明模型版本。", "Recorded before the outcome, with the version of the model.";
    Source: "來源", "Source";
    Model: "模型", "Model";
    AdvisedTimes: "建議", "Advised";
    FlaggedTimes: "標示", "Flagged";
    HitRate: "風險建議命中率", "Hit rate of risk advice";
    HitRateNote: "建議先於結果登載；尚無結果者不計入命中率。", "Advice is recorded before its outcome; what has no outcome yet does not count.";
    HitRateChart: "標示須查者中，確有發現之比例", "Of what was flagged, the part in which something was found";
    HitShare: "命中率", "Hit rate";
    Hits: "命中", "Hits";
    FalseAlarms: "誤報", "False alarms";
    MissedFinds: "漏報", "Missed";
    PassedClear: "正確放行", "Rightly passed";
    NoAdvice: "尚無風險建議。", "Nothing was advised yet.";
    FromManifest: "由艙單至出倉", "From manifest to gate-out";

    Gifts: "廉政登錄統計", "Ethics register: counts";
    GiftsNote: "僅為件數；不含任何人、單位或日期。", "Counts only: no person, unit or day is in them.";
    GiftsPublicNote: "僅為件數。1 至 4 之件數，及可由其推得該等件數之數，均不公開。", "Counts only. Numbers from 1 to 4 are not public, nor is any number that would give one away.";
    NotTold: "不公開", "not public";
    GiftsChart: "各季登錄件數", "Registrations by quarter";
    Type: "類別", "Type";
    Quarter: "季", "Quarter";
    Year: "年", "Year";
    Registered: "登錄", "Registered";
    Late: "逾期", "Late";
    Breaches: "違規", "Breaches";
    Sampled: "抽查", "Sampled";
    Correct: "無誤", "Correct";
    Anomalies: "異常", "Anomalies";
    ByYear: "依年度", "By year";
    ByQuarter: "依季", "By quarter";
    NoGifts: "尚無登錄。", "Nothing is registered yet.";

    CaseClocks: "裁處權時效", "Limitation clocks";
    CaseClocksNote: "尚未送達處分之案件，最急者在上。警示以兩種算法中較早之末日為準。", "Cases without a served decision, the most pressing first. The alarm goes by the earlier last day of both ways of counting.";
    Case: "案件", "Case";
    Officer: "承辦", "Officer";
    Article: "條文", "Article";
    Clock: "時效", "Clock";
    CountedFrom: "起算", "From";
    LastCounted: "末日（始日計入）", "Last day (first day counted)";
    LastUncounted: "末日（始日不計）", "Last day (not counted)";
    LastDay: "末日", "Last day";
    Left: "剩餘", "Left";
    Alarm: "警示", "Alarm";
    TimeLeft: "剩餘時間", "Time left";
    TimeLeftNote: "長條為剩餘時間；直線約為 1、3、6、12 個月。", "Each bar is the time left; the lines stand at about 1, 3, 6 and 12 months.";
    EachClock: "各項時效", "Every clock";
    Barred: "不得再處分之條文", "Nothing may be decided any more on";
    NoClock: "尚無起算之時效", "no clock has started";
    NoCases: "沒有進行中之時效。", "No clock runs.";

    CaseNote: "一案之時效、移交、扣押物與歷程。", "One case: its clocks, handovers, exhibits and history.";
    DetectedOn: "查獲日期", "Detected on";
    OpenedOn: "立案日期", "Opened on";
    OfficerSince: "承辦起日", "Responsible since";
    Section: "承辦課股", "Section";
    Handovers: "移交", "Handovers";
    HandoversNote: "三方簽章齊備前，仍由移出人負責。", "Until the third signature, the outgoing officer stays responsible.";
    HandoverNo: "移交編號", "Handover";
    SignedOut: "移出", "Outgoing";
    SignedIn: "移入", "Incoming";
    Supervised: "監交", "Supervising";
    ListDigest: "清單摘要", "Digest of the list";
    NotSigned: "尚未簽章", "not signed";
    WithdrawnOn: "已撤回", "withdrawn";
    NoHandovers: "未列入任何移交。", "On no handover.";
    Exhibits: "扣押物", "Exhibits";
    ExhibitsNote: "收入＝在庫＋暫時提出＋已離庫＋短少。", "In = on hand + out for a while + gone + missing.";
    Exhibit: "扣押物編號", "Exhibit";
    Custodian: "保管人", "Custodian";
    KeptAt: "存放處", "Kept at";
    SealNumber: "封條", "Seal";
    Goods: "貨品", "Goods";
    TotalIn: "收入", "In";
    OnHand: "在庫", "On hand";
    OutForAWhile: "提出", "Out";
    GoneForGood: "離庫", "Gone";
    Missing: "短少", "Missing";
    NoExhibits: "無扣押物。", "No exhibits.";

    Obligations: "待辦與期限", "Obligations";
    ObligationsNote: "至當日應完成而未完成，或逾期完成者。", "What should have happened by this day and has not, or happened late.";
    Deadline: "期限", "Due";
    Owed: "事項", "What";
    Detail: "細目", "Detail";
    DayAsked: "日期", "As of the day";
    DayBefore: "前一日", "the day before";
    DayAfter: "後一日", "the day after";
    MonthAfter: "三十日後", "thirty days on";
    NoObligations: "沒有未完成之事項。", "Nothing is owed.";
    OpenCount: "列示", "Listed";
    OverdueCount: "逾期", "Overdue";

    Draws: "抽籤", "Draws";
    DrawsNote: "由多方承諾與揭示之亂數抽出；持有帳本者皆可重抽。", "Drawn from numbers that several parties committed to and revealed; whoever holds the log can draw again.";
    NoDraws: "尚未抽籤。", "Nothing was drawn yet.";
    Scheme: "方案", "Scheme";
    Period: "期別", "Period";
    OpenedAt: "開始", "Opened";
    OpenedLate: "逾期開始", "opened late";
    CommitUntil: "承諾期限", "Commitments until";
    Members: "母體", "Population";
    ToDraw: "抽取", "To draw";
    PopulationEpoch: "母體時段", "Epoch of the population";
    PopulationRoot: "母體根", "Root of the population";
    Parties: "提供亂數者", "Who gives numbers";
    Committed: "承諾", "Committed to";
    Revealed: "揭示", "Revealed";
    NotCommitted: "未承諾", "no commitment";
    NotRevealed: "未揭示", "not revealed";
    Outcome: "結果", "Result";
    NotDrawn: "尚未抽出。", "Not drawn yet.";
    Seed: "種子", "Seed";
    SealEpoch: "封存時段", "Seal epoch";
    Drawn: "抽中", "Drawn";
    DrawnNames: "抽中名單", "Drawn, in this order";
    NamesWithheld: "名單不公開，僅公布數目。", "Names are for parties; the public learns how many.";
    DrawAgrees: "由帳本重抽，結果相同", "drawn again from the log: the same";
    DrawDiffers: "由帳本重抽，結果不同", "drawn again from the log: something differs";
    DrawOpen: "尚未抽出，無從重抽", "nothing was drawn yet, so nothing can be drawn again";
    DrawnAgain: "由帳本重抽", "Drawn again from the log";
    DrawCheck: "自行重抽", "Draw again yourself";
    DrawCheckNote: "於持有帳本副本之電腦執行：", "On a machine that holds a copy of the ledger:";
    Closed: "已抽出", "drawn";
    Open: "進行中", "open";

    RequestId: "請求編號", "Request id";

    StandingRequested: "待核准", "requested";
    StandingNotYetValid: "尚未生效", "not yet valid";
    StandingActive: "有效", "active";
    StandingExhausted: "額度用罄", "exhausted";
    StandingSuspended: "已廢止", "suspended";
    StandingExpired: "屆期", "expired";
    StandingClosed: "已解除", "closed";
    StandingRejected: "已駁回", "rejected";
    StandingWithdrawn: "已撤回", "withdrawn";
}

/// A standing in words, with its class for the stylesheet.
pub const fn standing(standing: Standing) -> (Word, &'static str) {
    match standing {
        Standing::Requested => (Word::StandingRequested, "wait"),
        Standing::NotYetValid => (Word::StandingNotYetValid, "wait"),
        Standing::Active => (Word::StandingActive, "pass"),
        Standing::Exhausted => (Word::StandingExhausted, "wait"),
        Standing::Suspended => (Word::StandingSuspended, "fail"),
        Standing::Expired => (Word::StandingExpired, "fail"),
        Standing::Closed => (Word::StandingClosed, "done"),
        Standing::Rejected => (Word::StandingRejected, "fail"),
        Standing::Withdrawn => (Word::StandingWithdrawn, "done"),
    }
}

/// Kinds in words; the banks' four verbs keep their names in both languages.
const KINDS: [(&str, &str, &str); 33] = [
    ("guarantee.requested", "開立 Request", "Request 開立"),
    ("guarantee.accepted", "核准 Accept", "Accept 核准"),
    ("guarantee.rejected", "不予核准", "reject"),
    ("guarantee.suspended", "廢止 Suspend", "Suspend 廢止"),
    ("guarantee.closed", "解除擔保 Close", "Close 解除"),
    ("guarantee.amended", "變更", "amend"),
    ("guarantee.drawn", "扣抵額度", "draw"),
    ("guarantee.tax_paid", "稅費繳納", "tax paid"),
    ("guarantee.assessed", "核定增減", "assessed"),
    ("guarantee.surcharge_accrued", "滯納金", "surcharge"),
    ("guarantee.draw_cancelled", "扣抵註銷", "draw cancelled"),
    ("guarantee.claimed", "求償", "claim"),
    ("guarantee.claim_paid", "銀行代償", "claim paid"),
    ("guarantee.claim_refused", "銀行拒付", "claim refused"),
    ("guarantee.claim_withdrawn", "求償撤回", "claim withdrawn"),
    ("ledger.opened", "帳本開立", "ledger opened"),
    ("ledger.closed", "帳本結束", "ledger closed"),
    ("actor.registered", "登錄", "actor registered"),
    ("key.enrolled", "金鑰登錄", "key enrolled"),
    ("key.revoked", "金鑰廢止", "key revoked"),
    ("key.entry_affirmed", "疑義條目確認", "contested entry affirmed"),
    ("key.entry_disputed", "疑義條目否認", "contested entry disputed"),
    ("rules.published", "規則公布", "rules published"),
    ("rules.activated", "規則施行", "rules activated"),
    ("epoch.closed", "時段關閉", "epoch closed"),
    ("epoch.cosigned", "時段會簽", "epoch cosigned"),
    ("clock.stepped", "校時登載", "clock stepped"),
    ("refusals.withheld", "逾量駁回彙計", "refusals withheld"),
    ("scheme.suspended", "停止先放後稅", "scheme suspended"),
    ("scheme.restored", "恢復先放後稅", "scheme restored"),
    ("delegation.recorded", "委任登錄", "delegation recorded"),
    ("delegation.ended", "委任終止", "delegation ended"),
    ("declaration.blocked", "報單管制", "declaration blocked"),
];

/// A kind in words; the kind itself if no table has it.
pub fn kind(kind: &str, lang: Lang) -> String {
    let known = KINDS.iter().find(|(name, ..)| *name == kind).map(|(_, zh, en)| (*zh, *en));
    let known = known.or_else(|| families::words(kind));
    known.map_or_else(|| kind.to_owned(), |(zh, en)| if lang == Lang::Zh { zh } else { en }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_both_languages() {
        for word in Word::ALL {
            assert!(!word.say(Lang::Zh).is_empty(), "{word:?}");
            assert!(*word == Word::EntryUnit || !word.say(Lang::En).is_empty(), "{word:?}");
        }
    }

    #[test]
    fn every_kind_that_people_sign_has_words_in_both_languages() {
        for name in lian_domain::filing::kinds() {
            let known = self::kind(name, Lang::Zh) != name && self::kind(name, Lang::En) != name;
            assert!(known || name == "declaration.unblocked", "{name} has no words");
        }
    }
}
