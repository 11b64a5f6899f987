//! Why a rule turned a statement down: fixed numbers, stable names, one line in two languages that
//! says what is wrong and how to mend it (SPEC.md "Refusals").
//! Invariant: a number is given once and never again. 1 to 99 registry, 101 to 199 guarantee.
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
