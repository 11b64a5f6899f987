//! Why a rule turned a statement down: fixed numbers, stable names, one line in two languages that
//! says what is wrong and how to mend it (SPEC.md "Refusals").
//! Invariant: a number is given once and never again. 1 to 99 registry, 101 to 199 guarantee,
//! 301 to 339 ethics, 341 to 359 draws.
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
