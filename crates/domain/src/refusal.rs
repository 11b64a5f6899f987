//! Why a rule turned a statement down: fixed numbers, stable names, one line in two languages that
//! says what is wrong and how to mend it (SPEC.md "Refusals").
//! Invariant: a number is given once and never again. 1 to 99 registry, 101 to 199 guarantee,
//! 201 to 279 clearance, 301 to 339 ethics, 341 to 359 draws, 401 to 459 cases and obligations.
//! Within one event the guards are judged in the order of their numbers; the first is the verdict.

/// Makes the table of refusals from rows `Variant = code, name, Chinese, English`.
macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal, $zh:literal, $en:literal;)*) => {
        /// The verdict on a well-formed, authorised event that a business rule turns down.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Refusal {
            $(#[doc = $en] $(#[$doc])* $variant = $code,)*
        }

        impl Refusal {
            /// Every refusal, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The number in the leaf.
            pub const fn code(self) -> u16 {
                self as u16
            }

            /// The refusal with this number.
            pub const fn from_code(code: u16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Stable name for programs.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// One line in Traditional Chinese.
            pub const fn zh(self) -> &'static str {
                match self {
                    $(Self::$variant => $zh,)*
                }
            }

            /// One line in English.
            pub const fn en(self) -> &'static str {
                match self {
                    $(Self::$variant => $en,)*
                }
            }
        }
    };
}

refusals! {
    UnknownActor = 1, "unknown-actor",
        "查無此登錄者；請先登錄再辦理金鑰。",
        "no such actor is registered; register it first";
    AlreadyRecorded = 2, "already-recorded",
        "該事項已登錄，不得重複；請先查詢現況。",
        "this is on record already; look at the present state first";
    NothingToEnd = 3, "nothing-to-end",
        "無可解除之事項；請先查詢現況。",
        "there is nothing on record to end; look at the present state first";
    SuspensionTooLong = 4, "suspension-too-long",
        "停止適用期間不得逾一年；請縮短期間。",
        "a suspension of the scheme lasts at most one year; shorten it";
    TooManyKeys = 5, "too-many-keys",
        "該登錄者有效金鑰已達上限；請先廢止不用之金鑰。",
        "the actor has as many live keys as are allowed; revoke one first";
    UnknownActorKey = 6, "unknown-actor-key",
        "該金鑰非屬此登錄者；請核對金鑰識別碼。",
        "this is no key of that actor; check the key id";
    AlreadyRevoked = 7, "already-revoked",
        "該金鑰業已廢止。",
        "the key was revoked before";
    CompromisedBeforeEnrolment = 8, "compromised-before-enrolment",
        "外洩起點早於金鑰登錄；請核對起點。",
        "the key was not enrolled yet at that entry; check compromised_since";
    RulesUnknown = 9, "rules-unknown",
        "該規則版本尚未公布；請先公布。",
        "this rules version was not published; publish it first";
    RulesVersion = 10, "rules-version",
        "規則版本須大於現行版本；請改用新號。",
        "a rules version must be larger than the one in force; use a new number";
    EpochNotCosigned = 11, "epoch-not-cosigned",
        "所指時段未涵蓋公布或尚未會簽；請指定其後之時段。",
        "the epoch does not cover the publication or is not cosigned; name a later one";
    CompromisedInFuture = 12, "compromised-in-future",
        "外洩起點晚於本筆；請填已登載之序號。",
        "compromised_since lies after this entry; name an entry that exists";
    UnknownGuarantee = 101, "unknown-guarantee",
        "查無此保證書；請核對保證書號碼。",
        "no guarantee of this number was ever requested; check the number";
    NumberTaken = 102, "number-taken",
        "保證書號碼已使用；請另編號碼。",
        "this guarantee number is in use; request under a new number";
    Ended = 103, "ended",
        "保證書已解除、駁回或撤回；請另行開立。",
        "the guarantee was closed, rejected or withdrawn; request a new one";
    BankNotRegistered = 104, "bank-not-registered",
        "該銀行不在保證銀行名冊內；請洽海關辦理登錄。",
        "the bank is not in the register of guarantors; ask customs to register it";
    NotActive = 105, "not-active",
        "保證書尚未核准；請待海關核准後再送。",
        "the guarantee is not accepted yet; send again after Accept";
    Suspended = 106, "suspended",
        "保證書已由銀行廢止；請改用其他保證書或繳現。",
        "the bank has suspended the guarantee; use another guarantee or pay cash";
    Expired = 107, "expired",
        "保證書有效期間已屆滿；請改用其他保證書或另行開立。",
        "the validity of the guarantee is over; use another guarantee or request a new one";
    NotYetValid = 108, "not-yet-valid",
        "保證書尚未生效；請於生效日起再送。",
        "the validity of the guarantee has not begun; send again from its first day";
    QuotaInsufficient = 109, "quota-insufficient",
        "先放後稅擔保額度不足；請增額或先繳現。",
        "the amount exceeds the quota available; raise the limit or pay cash first";
    OutOfScope = 110, "out-of-scope",
        "保證書限區使用，不含此收單關別；請用通區或該區保證書。",
        "the guarantee does not cover this customs house; use one that does";
    WrongDebtor = 111, "wrong-debtor",
        "納稅義務人與被保證人不符；請用該納稅義務人之保證書。",
        "the importer is not the guaranteed debtor; use the importer's own guarantee";
    NotRepresented = 112, "not-represented",
        "報關業者非被保證人，或查無委任；請先完成委任。",
        "the broker is not the guaranteed debtor or no delegation is on record; record it first";
    SchemeSuspended = 113, "scheme-suspended",
        "先放後稅資格停止中；請先繳清稅費後放行。",
        "release before tax is suspended for this company; pay before release";
    DuplicateDraw = 114, "duplicate-draw",
        "該報單已有未結扣抵；請勿重複扣抵。",
        "the declaration already has an open draw; do not draw twice";
    NotReleasable = 115, "not-releasable",
        "該報單已註銷、扣押或暫停放行；請先解除。",
        "the declaration is cancelled, seized or held; lift that first";
    TaxTypeNotCovered = 116, "tax-type-not-covered",
        "稅費項目不在擔保範圍；請將該項目繳現。",
        "a tax type is outside the guarantee; pay that part in cash";
    TermsMismatch = 117, "terms-mismatch",
        "核准之條款摘要與開立內容不符；請重新核對開立內容。",
        "the terms hash differs from the request; read the request again and accept that";
    AlreadyAccepted = 118, "already-accepted",
        "保證書已核准，不得再核准或駁回。",
        "the guarantee was accepted before; it cannot be accepted or rejected again";
    SupervisorNeeded = 119, "supervisor-needed",
        "限額達覆核標準；須由主管共同簽署。",
        "a limit of this size needs a supervisor's signature on the same statement";
    SamePerson = 120, "same-person",
        "承辦人與主管不得為同一人；請由他人覆核。",
        "officer and supervisor are one person; let another person countersign";
    OutstandingDraws = 121, "outstanding-draws",
        "尚有未清償之扣抵；請俟繳清後解除。",
        "sums are still outstanding; close after they are paid";
    ClaimPending = 122, "claim-pending",
        "求償尚待銀行回覆；請俟付款、拒付或撤回後再送。",
        "a claim awaits the bank; send again after it is paid, refused or withdrawn";
    ProcedureOpen = 123, "procedure-open",
        "押款案件尚未核定；請俟核定或六個月期滿後解除。",
        "a deposit awaits its assessment; close after it, or after the six months";
    NothingChanged = 124, "nothing-changed",
        "變更內容與現行條款相同；請確認變更內容。",
        "the amendment states what is in force already; state what changes";
    BelowOutstanding = 125, "below-outstanding",
        "變更後限額低於未清償或求償中金額；請提高限額或先清償。",
        "the new limit is below what is outstanding or claimed; choose a higher one or pay first";
    PeriodPast = 126, "period-past",
        "變更後迄日早於起日或今日；請選擇今日以後之日期。",
        "the new last day lies before the first day or before today; choose a later one";
    DrawDueAfter = 127, "draw-due-after",
        "尚有扣抵之繳納期限在新迄日之後；請延後迄日或先繳清。",
        "a draw falls due after the new last day; choose a later day or pay it first";
    NoOpenDraw = 128, "no-open-draw",
        "查無該報單之未結扣抵；請核對報單號碼及扣抵序號。",
        "there is no such open draw on this guarantee; check declaration and draw number";
    ClaimBeforeDue = 129, "claim-before-due",
        "繳納期限尚未屆滿；請於逾期後求償。",
        "a draw is not overdue yet; claim from the day after it falls due";
    ClaimTooLate = 130, "claim-too-late",
        "已逾求償期間；請改依其他程序追償。",
        "the time for claims has ended; recover the debt by other means";
    ClaimAboveLimit = 131, "claim-above-limit",
        "求償金額逾保證限額；請減少求償金額。",
        "the claim, with claims pending, exceeds the limit; claim less";
    ClaimAboveDue = 132, "claim-above-due",
        "求償金額逾該扣抵之未清償金額；請減少求償金額。",
        "the claim exceeds what is due on a draw and not yet claimed; claim less";
    NoPendingClaim = 133, "no-pending-claim",
        "查無此待回覆之求償；請核對求償序號。",
        "there is no pending claim of this number; check the number";
    ClaimAmountDiffers = 134, "claim-amount-differs",
        "付款金額與求償金額不符；請依求償金額付款。",
        "the amount paid is not the amount claimed; pay the claim as it stands";
    SumTooLarge = 135, "sum-too-large",
        "累計金額逾帳務上限；請核對金額。",
        "the sums on the guarantee would pass 9,007,199,254,740,991; check the amount";
    CargoUnknown = 201, "cargo-unknown",
        "查無此貨物；請先申報艙單或核對主號及分號。",
        "no such cargo was manifested or found; check the waybills or file the manifest first";
    CargoKnown = 202, "cargo-known",
        "該分號已申報艙單或已點收；請改以更正辦理。",
        "this cargo was manifested or found before; amend it instead";
    NotRegistered = 203, "not-registered",
        "查無此登錄；請先登錄或核對號碼。",
        "there is no such record; register it first or check the number";
    NumberUsed = 204, "number-used",
        "該號碼或事項已登錄；請查詢現況或另編號碼。",
        "this is on record already; look at the present state or use a new number";
    RecordEnded = 205, "record-ended",
        "該登錄已廢止、換發或終止；請另行申請。",
        "the record was revoked, replaced or lifted; apply for a new one";
    NothingLeft = 206, "nothing-left",
        "該貨物已無在倉件數；毋須再辦。",
        "no piece of this cargo is left to act on; nothing remains to be done";
    NotDeclared = 207, "not-declared",
        "尚未報關；請先投單。",
        "the cargo is not declared; declare it first";
    AlreadyDeclared = 208, "already-declared",
        "該貨物已報關；請改以更正辦理。",
        "the cargo is declared already; correct the declaration instead";
    NotWarehoused = 209, "not-warehoused",
        "尚未進倉點收；請先登錄進倉件數。",
        "the cargo is not counted into a warehouse; record the count first";
    AlreadyWarehoused = 210, "already-warehoused",
        "已進倉點收；如有差異請重新點算。",
        "the cargo is counted already; record a recount instead";
    NotScreened = 211, "not-screened",
        "尚未經專家系統篩選；請俟分流後再送。",
        "the cargo has no lane yet; send again after screening";
    AlreadyScreened = 212, "already-screened",
        "已完成分流；請改以變更分流辦理。",
        "the cargo has a lane already; change the lane instead";
    BrokerNotLicensed = 213, "broker-not-licensed",
        "報關業者未經許可、停業中或已廢照；請洽海關。",
        "the broker has no licence in force today; ask customs";
    CategoryMismatch = 214, "category-mismatch",
        "簡易申報類別與貨物種類或價值不符；請改用正確類別。",
        "the category fits neither class nor value; declare under the right one";
    TooHeavy = 215, "too-heavy",
        "快遞每袋毛重逾限；請改以一般貨物報關。",
        "the bag is heavier than express cargo may be; declare it as general cargo";
    DelegationMissing = 216, "delegation-missing",
        "查無委任，或該類別不得於放行後補辦；請先完成委任。",
        "no delegation is on record, or this category allows none later; record it first";
    OutcomeKnown = 217, "outcome-known",
        "判讀、查驗或放行結果已登錄；風險意見須先於結果。",
        "an outcome is on record; advice counts only before it";
    LaneDiffers = 218, "lane-differs",
        "與現行分流不符；請先查詢現況。",
        "this is not the lane in force; look at the present state first";
    LaneDownNeedsSupervisor = 219, "lane-down-needs-supervisor",
        "調降分流須由主管簽署。",
        "only a supervisor takes a lane down; have one sign";
    LanePinned = 220, "lane-pinned",
        "檢舉在案之貨物不得調降分流。",
        "after a tip the lane never goes down; inspect the goods";
    ExceptionOpen = 221, "exception-open",
        "異常尚未排除；請先補正。",
        "an exception is open; have it resolved first";
    NoSuchException = 222, "no-such-exception",
        "查無此未結異常；請核對序號。",
        "there is no open exception of this number; check the number";
    TooManyOpen = 223, "too-many-open",
        "未結事項已達上限；請先結清。",
        "as many of these are open as are allowed; settle one first";
    SlotLive = 224, "slot-live",
        "該貨物已有有效預約；不得重複預約。",
        "the cargo has a live slot; use that one";
    SlotNumber = 225, "slot-number",
        "配號非次一序號；請依系統順序配號。",
        "this is not the next number of the queue; allot in order";
    NoSlot = 226, "no-slot",
        "查無該倉該日之預約或配號；請先預約。",
        "the cargo has no such booking or number; book first";
    NotCalled = 227, "not-called",
        "尚未叫號；請依序等候。",
        "the number was not called yet; wait for its turn";
    OutOfOrder = 228, "out-of-order",
        "未依配號順序叫號；請先叫次一號或敘明理由跳號。",
        "another number is next; call that one or skip it with a reason";
    NothingToCall = 229, "nothing-to-call",
        "該號碼尚未配出；請核對號碼。",
        "the number was not allotted; check it";
    DayPast = 230, "day-past",
        "日期已過；請選擇今日以後之日期。",
        "the day is over; choose today or a later one";
    NotTheDay = 231, "not-the-day",
        "班表線別限當日指派；請於勤務當日辦理。",
        "a line is assigned on the day of duty only; do it on that day";
    NotPresented = 232, "not-presented",
        "貨物尚未上線；請先登錄上線或核對線別。",
        "the cargo does not lie on that line; present it first";
    MergedBags = 233, "merged-bags",
        "非文件、出口或公告貨物不得併袋；請分袋儀檢。",
        "bags of this category are not merged; image each bag alone";
    NoImage = 234, "no-image",
        "無此影像，或非最後一次影像；請核對影像摘要。",
        "this is not the last image of the cargo; check the digest";
    NotRostered = 235, "not-rostered",
        "判讀關員當日未派於該線；請由當日班表人員判讀。",
        "the officer is not on that line today; let one read who is";
    NotCertified = 236, "not-certified",
        "判讀關員無有效判讀認證；請由具認證者判讀。",
        "the officer holds no certificate in force; let a certified one read";
    NewOfficerAlone = 237, "new-officer-alone",
        "新進判讀關員須有督導員在場；請指派督導員或由主管共同簽署。",
        "a new officer does not read alone; assign an adviser or have a supervisor sign";
    OfficerRecused = 238, "officer-recused",
        "該關員應迴避本案；請由他人辦理。",
        "the officer is recused from this cargo; let another act";
    AlreadyRead = 239, "already-read",
        "該影像已判讀；請改以複核辦理。",
        "the image was read before; record a review instead";
    InspectionNotOrdered = 240, "inspection-not-ordered",
        "未列C3且無異常；請先變更分流。",
        "the cargo is neither C3 nor abnormal; change the lane first";
    SupervisorMustSign = 241, "supervisor-must-sign",
        "破壞性查驗須經一級主管核准；請共同簽署。",
        "goods are damaged only with a supervisor's signature on the same statement";
    FiguresDiffer = 242, "figures-differ",
        "報告數字與艙單或點收件數不符；請先更新點收件數。",
        "the figures are not those of manifest and count; record a recount first";
    NoDifference = 243, "no-difference",
        "艙單與點收件數相符；毋須申報短溢卸。",
        "manifest and count agree; there is nothing to report";
    ReportOpen = 244, "report-open",
        "短溢卸報告待核中；請改以更正辦理。",
        "a short or over report is open; correct that one";
    NoReport = 245, "no-report",
        "查無此短溢卸報告；請先申報。",
        "there is no such short or over report; report first";
    NotCountersigned = 246, "not-countersigned",
        "航空公司尚未聯名；請俟簽署後核准。",
        "the airline has not signed the report; accept it after";
    AlreadyCountersigned = 247, "already-countersigned",
        "航空公司已聯名；毋須重複。",
        "the airline signed before; nothing remains to be signed";
    NoSuchHold = 248, "no-such-hold",
        "查無此留置；請核對序號。",
        "there is no open hold of this number; check the number";
    TooManyPieces = 249, "too-many-pieces",
        "件數逾可處理件數；請核對在倉、留置或放行件數。",
        "so many pieces are not there; check what is on hand, held or released";
    TaxDone = 250, "tax-done",
        "稅費步驟已完成；如須變更請先撤銷。",
        "the tax step is done; reopen it before doing it again";
    TaxNotNil = 251, "tax-not-nil",
        "該類別或貨物不得免稅；請繳稅或提供擔保。",
        "goods of this kind are not free of duty; pay or secure it";
    WrongDeclaration = 252, "wrong-declaration",
        "報單號碼與本貨物不符；請核對報單號碼。",
        "this is not the cargo's declaration; check the number";
    DrawGone = 253, "draw-gone",
        "保證書無此報單之未結扣抵；請重新扣抵或登錄繳納。",
        "the guarantee has no open draw for the declaration; draw again or record the payment";
    ShortoverOpen = 254, "shortover-open",
        "短溢卸尚未核定；請先完成報告。",
        "count and manifest differ, or a report waits; have it accepted first";
    ImageMissing = 255, "image-missing",
        "尚無正常之影像判讀或查驗結果；請先完成儀檢。",
        "no image was read as clear and no inspection found it in order; do that first";
    DocumentsMissing = 256, "documents-missing",
        "文件尚未審核通過；請先完成文件審核。",
        "the papers are not found in order; review them first";
    InspectionMissing = 257, "inspection-missing",
        "尚未查驗相符；請先完成查驗。",
        "the goods are not inspected and found in order; inspect them first";
    TaxOpen = 258, "tax-open",
        "稅費尚未完成；請先繳納、扣抵或押款。",
        "the tax step is not done; pay, draw on a guarantee or deposit first";
    OfficerMustRelease = 259, "officer-must-release",
        "C2、C3貨物須由關員放行；請由關員簽署。",
        "cargo of C2 and C3 is released by an officer; have one sign";
    DeclarationStopped = 260, "declaration-stopped",
        "該報單已註銷或停止放行；請先解除。",
        "the declaration is cancelled or stopped; lift that first";
    NotReleased = 261, "not-released",
        "無已放行而未提領之件數；無從會驗。",
        "no released piece waits to be picked up; there is nothing to reinspect";
    CheckerInvolved = 262, "checker-involved",
        "承辦人、同股人員或本人不得複核；請由他人辦理。",
        "who handled it, sits in the same section or is meant cannot check it; let another act";
    ReviewWindowOver = 263, "review-window-over",
        "已逾影像複核期間。",
        "the time for reviewing this image is over";
    AfterRelease = 264, "after-release",
        "已放行件數存在；不得再變更。",
        "pieces are released; this can no longer be changed";
    SortingAreaClosed = 265, "sorting-area-closed",
        "報關業者自113年8月8日起不得進入理貨區。",
        "brokers do not enter the sorting area since 2024-08-08";
    StepOutOfOrder = 266, "step-out-of-order",
        "移倉步驟順序不符；請先完成前一步驟。",
        "the transfer is not at this step; do the earlier one first";
    NotArrived = 267, "not-arrived",
        "移倉貨物未到，或目的倉、貨物不符；請核對移倉單。",
        "the transfer has not brought this cargo to that warehouse; check the transfer";
    TargetNotLive = 268, "target-not-live",
        "注檢已解除、逾期或依據不符；請核對注檢編號。",
        "the mark is lifted, over, or rests on something else; check it";
    MarkTooLong = 269, "mark-too-long",
        "注檢期間逾上限；請縮短並定期檢討。",
        "a mark runs at most as long as the rules say; shorten it and review it";
    FlightArrived = 270, "flight-arrived",
        "航班已抵達；註記須先於抵達。",
        "the flight has arrived; flags count only before that";
    NoSuchFlag = 271, "no-such-flag",
        "查無此註記，或已登錄結果；請核對序號。",
        "there is no such flag, it was answered, or it is not the next; check the number";
    UnknownRegistration = 301, "unknown-registration",
        "查無此登錄；請核對登錄編號。",
        "nothing is registered under this number; check the number";
    RegistrationTaken = 302, "registration-taken",
        "登錄編號已使用；請另編號碼。",
        "this registration number is in use; register under a new one";
    DayAhead = 303, "day-ahead",
        "日期晚於今日；請核對日期。",
        "the day lies after today; check the date";
    SelfHandled = 304, "self-handled",
        "登錄人不得辦理自己之登錄；請由他人辦理。",
        "the registrant cannot handle the own registration; let another person do it";
    NotSeen = 305, "not-seen",
        "尚未經長官知悉；請先陳報長官。",
        "the superior has not seen the registration; have it seen first";
    SeenBefore = 306, "seen-before",
        "長官業已知悉或案件已在後續程序。",
        "the registration was seen before or has gone further";
    TypeDiffers = 307, "type-differs",
        "事件類型與登錄不符；請依登錄類型辦理。",
        "this is not for a registration of that type; use what fits the type";
    LoggedBefore = 308, "logged-before",
        "政風單位業已登錄。",
        "the ethics office has logged the registration before";
    NotReferred = 309, "not-referred",
        "該請託關說尚未陳送廉政署。",
        "the lobbying was not passed on to the anti-corruption agency";
    AcknowledgedBefore = 310, "acknowledged-before",
        "廉政署業已收受。",
        "the anti-corruption agency has acknowledged before";
    NotLogged = 311, "not-logged",
        "政風單位尚未登錄；請先登錄。",
        "the ethics office has not logged the registration; log it first";
    DisposedBefore = 312, "disposed-before",
        "業已處理，不得再處理。",
        "the registration was disposed of before";
    MayNotKeep = 313, "may-not-keep",
        "不符得收受之例外；請改採其他處理方式。",
        "no exception allows keeping this gift; dispose of it in another way";
    HeadNeeded = 314, "head-needed",
        "此處理方式須經機關首長核定；請首長共同簽署。",
        "this disposal needs the head's approval; let the head sign too";
    NotDisposed = 315, "not-disposed",
        "尚未處理；請先處理再結案。",
        "the registration was not disposed of; do that first";
    NotAcknowledged = 316, "not-acknowledged",
        "廉政署尚未收受；請俟收受後結案。",
        "the anti-corruption agency has not acknowledged; close after it has";
    RegistrationClosed = 317, "registration-closed",
        "登錄業已結案。",
        "the registration is closed";
    NotClosed = 318, "not-closed",
        "尚未結案，不得抽查。",
        "only a closed registration is sampled";
    SampledBefore = 319, "sampled-before",
        "業已列入抽查。",
        "the registration was sampled before";
    NotDrawn = 320, "not-drawn",
        "該次抽籤未抽出此登錄；請核對抽籤。",
        "that draw is not closed or did not draw this registration; check the draw";
    NotSampled = 321, "not-sampled",
        "未列入抽查，無從覆核。",
        "the registration was not sampled; there is nothing to review";
    SameUnit = 322, "same-unit",
        "覆核人與登錄人同單位；請由其他單位覆核。",
        "reviewer and registrant are of one unit; let another unit review";
    ReviewedBefore = 323, "reviewed-before",
        "業已覆核。",
        "the registration was reviewed before";
    UnknownRun = 324, "unknown-run",
        "查無該季抽查；請先開啟。",
        "no run was opened for this quarter; open it first";
    RunOpened = 325, "run-opened",
        "該季抽查已開啟。",
        "the run of this quarter was opened before";
    RunClosed = 326, "run-closed",
        "該季抽查已結束。",
        "the run of this quarter is closed";
    RunDrawn = 327, "run-drawn",
        "該季抽出名單已登錄。",
        "what was drawn is on record before";
    DrawNotClosed = 328, "draw-not-closed",
        "抽籤尚未結束；請俟抽籤結束。",
        "the draw of this run is not closed; wait for it";
    DrawnDiffers = 329, "drawn-differs",
        "名單與抽籤結果不符；請依抽籤結果填列。",
        "these are not the registrations that were drawn; state those";
    RunNotDrawn = 330, "run-not-drawn",
        "該季抽出名單尚未登錄；請先登錄。",
        "what was drawn is not on record yet; record it first";
    NotOfRun = 331, "not-of-run",
        "該登錄不在本季抽出名單內。",
        "this registration is none of those drawn";
    RunReviewed = 332, "run-reviewed",
        "該登錄之覆核結果已列入。",
        "the review of this registration is on record before";
    OutcomeDiffers = 333, "outcome-differs",
        "該登錄尚未覆核或結果不符；請依覆核結果填列。",
        "the registration is not reviewed, or with another outcome; state that one";
    ReviewsMissing = 334, "reviews-missing",
        "尚有抽出之登錄未覆核；請覆核後結束。",
        "some that were drawn are not reviewed; close after they are";
    NotRegistrant = 335, "not-registrant",
        "僅登錄人得更正其登錄。",
        "only whoever registered amends a registration; have the registrant sign";
    AmendedOften = 336, "amended-often",
        "更正已達 16 次；請洽政風單位。",
        "a registration is amended 16 times at most; turn to the ethics office";
    UnknownDraw = 341, "unknown-draw",
        "查無此抽籤；請先開啟。",
        "no draw was opened under this name; open it first";
    DrawOpened = 342, "draw-opened",
        "該期抽籤已開啟，不得重抽。",
        "the draw of this period was opened before; it is never repeated";
    SchemeUnknown = 343, "scheme-unknown",
        "現行規則無此抽籤方案；請核對方案名稱。",
        "the rules in force know no such scheme; check its name";
    PeriodOffCalendar = 344, "period-off-calendar",
        "期別與方案之週期不符；請用方案之期別。",
        "the period is none of the scheme's calendar; use one that is";
    OpenerNotNamed = 345, "opener-not-named",
        "方案未指定此身分辦理；請由指定身分簽署。",
        "the scheme has another capacity open and close its draws; let that one sign";
    SchemeDiffers = 346, "scheme-differs",
        "抽出數或承諾人與方案不符；請依方案填列。",
        "count or committers are not those of the scheme; state what the scheme says";
    DrawClosed = 347, "draw-closed",
        "抽籤業已結束。",
        "the draw is closed";
    NotACommitter = 348, "not-a-committer",
        "非本次抽籤之承諾人。",
        "this party is no committer of the draw";
    CommittedBefore = 349, "committed-before",
        "該承諾人業已提交承諾，不得更換。",
        "the party has committed before; a commitment is never replaced";
    CommitTooLate = 350, "commit-too-late",
        "提交承諾期間已過；本次不再收受。",
        "the time to commit is over; this draw takes no more";
    CommitmentsMissing = 351, "commitments-missing",
        "承諾機關數不足；請俟其他機關提交承諾。",
        "too few organisations have committed; wait for others";
    NotCommitted = 352, "not-committed",
        "該承諾人未提交承諾，無從揭示。",
        "this party committed to nothing that it could reveal";
    RevealedBefore = 353, "revealed-before",
        "該承諾人業已揭示。",
        "the party has revealed before";
    WrongEpoch = 354, "wrong-epoch",
        "時段非規則所定之首一時段；請指定該時段。",
        "this is not the one epoch that the rule gives: the first closed from that moment on";
    DrawEpochNotCosigned = 355, "draw-epoch-not-cosigned",
        "時段尚未會簽；請俟會簽後再送。",
        "the epoch is not cosigned yet; send again after it is";
    RevealTooLate = 356, "reveal-too-late",
        "揭示期間已過；本次不計入。",
        "the time to reveal is over; the draw goes on without it";
    RevealDiffers = 357, "reveal-differs",
        "揭示內容與承諾不符；請揭示原承諾之亂數。",
        "this is not what the party committed to; reveal the number behind the commitment";
    RevealsAwaited = 358, "reveals-awaited",
        "尚待揭示，或尚無機關外之揭示；請俟揭示或期滿。",
        "reveals are awaited, or none came from outside the house yet; close after them";
    ResultDiffers = 359, "result-differs",
        "種子或抽出名單與計算結果不符；請重新計算。",
        "seed or names are not what the reveals give; compute them again";
    UnknownCase = 401, "unknown-case",
        "查無此緝案；請核對緝私案號。",
        "no case of this number was opened; check the number";
    CaseNumberTaken = 402, "case-number-taken",
        "緝私案號已使用；請另編號碼。",
        "this case number is in use; open the case under a new number";
    CaseEnded = 403, "case-ended",
        "案件已結案或已罹於時效；不得再為處分。",
        "the case is closed or time-barred; no further step is possible";
    DateAhead = 404, "date-ahead",
        "所載日期尚未屆至；請核對日期。",
        "the date lies after today; check the date";
    NoNextStep = 405, "no-next-step",
        "案件現況不得進行此步驟；請先查詢現況。",
        "the case is not at this step; look at its present status first";
    CriminalFirst = 406, "criminal-first",
        "涉及刑事而偵審結果尚未確定；請俟結果確定。",
        "criminal proceedings have not ended; wait for their final result";
    FineBarred = 407, "fine-barred",
        "有罪判決已確定，不得再處罰鍰；仍得沒入或為其他處分。",
        "a conviction is final, so no fine may be imposed; confiscation still may";
    TimeBarred = 408, "time-barred",
        "所處條款之裁處權時效均已屆滿；不得裁處。",
        "every limitation clock of an article has run out; nothing may be decided on it";
    ArticleNotCharged = 409, "article-not-charged",
        "處分所引條款不在本案違反條款之列；請核對條款。",
        "the decision names an article that the case does not charge; check the articles";
    DeductionDiffers = 410, "deduction-differs",
        "緩起訴處分金或緩刑所付金額未正確扣抵；請更正扣抵金額。",
        "what was paid in the criminal case is not what is deducted; deduct it up to the fine";
    GuiltNotFinal = 411, "guilt-not-final",
        "有罪判決尚未確定；不得撤銷罰鍰。",
        "no conviction is final; the fine can be revoked only after one";
    ClockStillRuns = 412, "clock-still-runs",
        "裁處權時效尚未全部屆滿；案件應續行裁處。",
        "a limitation clock still runs; go on with the case";
    LimitationStopped = 413, "limitation-stopped",
        "時效停止期間重疊；請核對起日。",
        "the clocks stand still on that day already; check the first day";
    LimitationNotStopped = 414, "limitation-not-stopped",
        "時效並未停止，或迄日早於停止起日；請核對日期。",
        "the clocks do not stand still, or stopped later than that day; check the date";
    MoneyOpen = 415, "money-open",
        "罰鍰尚未繳清或尚有應退款項；請俟收付完畢後結案。",
        "a fine or a refund is still to be paid; close after it is";
    ExhibitUnsettled = 416, "exhibit-unsettled",
        "扣押物尚未發還、沒入、銷毀、變賣或移交法院；請先處理扣押物。",
        "an exhibit is neither returned, confiscated, destroyed, sold nor handed to court; settle it first";
    UnknownExhibit = 417, "unknown-exhibit",
        "查無此扣押物；請核對編號。",
        "no exhibit of this number was seized; check the number";
    ExhibitElsewhere = 418, "exhibit-elsewhere",
        "扣押物屬於他案；請核對案號。",
        "the exhibit was seized for another case; check the case number";
    ExhibitNamed = 419, "exhibit-named",
        "扣押物已列入本案。",
        "the case names this exhibit already";
    NotHandedOver = 420, "not-handed-over",
        "交接未經三方簽署完成，或與交接清冊不符；請先完成監交。",
        "no complete handover gives this case to that officer; let all three sign first";
    OnePerson = 421, "one-person",
        "共同簽署者不得為同一人；請由他人簽署。",
        "two of the signers are one person; let another person sign";
    CaseFull = 422, "case-full",
        "案件之登載項數或金額已達上限；請洽系統管理者。",
        "the case holds as many of these, or sums as large, as it can; ask the administrator";
    UnknownHandover = 431, "unknown-handover",
        "查無此交接清冊；請核對編號。",
        "no handover of this number was signed out; check the number";
    HandoverNumberTaken = 432, "handover-number-taken",
        "交接清冊編號已使用；請另編號碼。",
        "this handover number is in use; list the cases under a new number";
    HandoverEnded = 433, "handover-ended",
        "交接已完成或已撤回；不得再簽署。",
        "the handover is complete or withdrawn; start a new one";
    OutOfTurn = 434, "out-of-turn",
        "簽署順序不符；應依移出、移入、監交之順序各簽一次。",
        "sign in turn and once: outgoing, incoming, supervisor";
    ListDiffers = 435, "list-differs",
        "清冊摘要與移出清冊不符；請重新核對清冊。",
        "the list digest differs from the list signed out; read the list again and sign that";
    NotTheirCase = 436, "not-their-case",
        "清冊所列案件非移出人承辦或已結案；請核對清冊。",
        "a listed case is closed or not the outgoing officer's; check the list";
    RowsDiffer = 437, "rows-differ",
        "移入回覆之案件與清冊不一致；請逐案回覆。",
        "the answers do not follow the list; answer each case once, in its order";
    ProsecutorNotAsked = 438, "prosecutor-not-asked",
        "案件在偵審中而未載明洽詢地檢署或法院之日期；請先洽詢。",
        "a case taken over is with the prosecutor; ask the office and state the date";
    NotThreePersons = 439, "not-three-persons",
        "移出人、移入人、監交人須為三人；請由他人簽署。",
        "outgoing, incoming and supervisor must be three persons; let another person sign";
    PostTaken = 441, "post-taken",
        "該職務現有人員在任；請先登錄離任。",
        "the post is held; record first that its holder left";
    PostVacant = 442, "post-vacant",
        "該職務於所載日期無人在任；請核對日期。",
        "nobody held the post on that day; check the date";
    ExhibitNumberTaken = 445, "exhibit-number-taken",
        "扣押物編號已使用；請另編號碼。",
        "this exhibit number is in use; record the seizure under a new number";
    NotOnHand = 446, "not-on-hand",
        "在庫數量不足或無此項次；請核對項次及數量。",
        "there is no such line or not so much of it on hand; check line and quantity";
    NotOut = 447, "not-out",
        "移入數量逾在外數量；請核對項次及數量。",
        "not so much of the line is out; check line and quantity";
    NotConfiscated = 448, "not-confiscated",
        "該貨物未經處分沒入；請先完成沒入處分。",
        "no decision confiscates these goods; decide that first";
    NotListed = 449, "not-listed",
        "該貨物未列入標售清單；請先公告標售。",
        "the goods are on no auction's list; list them first";
    WitnessNotIndependent = 450, "witness-not-independent",
        "監毀人須為不同單位之他人；請另派監毀人。",
        "the witness of a destruction is another person of another unit; send another witness";
    ExhibitFull = 451, "exhibit-full",
        "累計數量或金額逾帳務上限；請核對。",
        "the sums of the exhibit would pass 9,007,199,254,740,991; check the figures";
    PatrolSealed = 455, "patrol-sealed",
        "該月夜間查緝已封存，不得重行封存。",
        "a patrol of this month is sealed already; it is sealed once";
    PatrolDoneBefore = 456, "patrol-done-before",
        "該月夜間查緝已完成；封存須在查緝之前。",
        "the patrol of this month is done; a seal must come before it";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_own_number_and_name_in_ascending_order() {
        assert!(Refusal::ALL.is_sorted_by(|left, right| left.code() < right.code()));
        for (position, refusal) in Refusal::ALL.iter().enumerate() {
            assert_eq!(Refusal::from_code(refusal.code()), Some(*refusal));
            assert!(Refusal::ALL[..position].iter().all(|other| other.name() != refusal.name()));
            assert!(!refusal.zh().is_empty() && !refusal.en().is_empty());
        }
        assert_eq!(Refusal::from_code(0), None);
    }

    #[test]
    fn the_numbers_of_the_guarantee_are_those_of_the_specification() {
        let guarantee: Vec<u16> = Refusal::ALL
            .iter()
            .map(|refusal| refusal.code())
            .filter(|code| (101..200).contains(code))
            .collect();

        assert_eq!(guarantee, (101..=135).collect::<Vec<_>>());
        assert_eq!(Refusal::QuotaInsufficient.code(), 109);
        assert_eq!(Refusal::TermsMismatch.code(), 117);
    }
}
