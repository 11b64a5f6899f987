//! `lian guarantee`: what banks and customs say of a duty guarantee, and what is known of it.

use clap::{Args, Subcommand};
use lian_client::{http::Listed, kinds, kinds::GuaranteeRequest};
use lian_core::json::Value;
use lian_domain::{
    dates::Day,
    ids::Ubn,
    views::guarantees::{Row, bank_exposure, company_quota, rows},
};
use lian_server::peek;
use serde_json::json;

use super::afar;
use crate::{
    act::{Planned, SignArgs, act},
    failure::{Exit, Failure, Result},
    folder::now_ms,
    out::Out,
    past::{AsOf, Past, past},
    remote::Remote,
    say::{Entry, group, money, standing_word, to_json},
    session::Session,
    when::day_of,
};

const EXAMPLES: &str = "\
Examples:
  lian guarantee request FB-115-000123 --principal 12345675 --limit 5000000 \\
       --valid 115-12-01..116-11-30 --key bank-004
  lian guarantee accept FB-115-000123 --key officer-7f3k
  lian guarantee draw FB-115-000123 --declaration CA__15494A0001 --amount 1240000 --key system-release
  lian guarantee draw … --dry-run            what would be signed, what the rules would say
  lian guarantee paid FB-115-000123 --declaration CA__15494A0001 --amount 1240000 --key system-treasury
  lian guarantee show FB-115-000123
  lian guarantee quota 12345675
";

/// Options of `lian guarantee`.
#[derive(Args)]
#[command(before_help = EXAMPLES, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Bank: issue a duty guarantee (Request 開立)
    Request(Request),
    /// Customs: accept a requested guarantee (Accept 核准)
    Accept(Plain),
    /// Customs: do not accept it (駁回)
    Reject(Reasoned),
    /// Bank: revoke it (Suspend 廢止)
    Suspend(MaybeReasoned),
    /// Bank and customs together: change limit or last day (變更)
    Amend(Amend),
    /// Customs: release it (Close 解除)
    Close(Plain),
    /// Customs: deduct quota for a declaration (扣抵)
    Draw(Draw),
    /// Treasury: duty was paid; gives quota back (恢復額度)
    #[command(visible_alias = "restore")]
    Paid(Debt),
    /// Customs: what is owed was assessed higher or lower (核定)
    Assess(Assess),
    /// Treasury: a late-payment surcharge fell due (滯納金)
    Surcharge(Surcharge),
    /// Customs: the declaration of a draw was withdrawn (註銷)
    CancelDraw(CancelDraw),
    /// Customs, officer and supervisor: call on the bank (求償)
    Claim(Claim),
    /// Bank: the claim is paid (代償)
    ClaimPaid(ClaimPaid),
    /// Bank: the claim is refused (拒付)
    ClaimRefuse(ClaimRefuse),
    /// Customs: the claim is withdrawn (撤回)
    ClaimWithdraw(ClaimWithdraw),
    /// List guarantees
    List(List),
    /// Show one with its timeline
    Show(Show),
    /// A company's remaining quota over all its guarantees
    Quota(Quota),
    /// What each bank stands for
    Exposure(AsOf),
}

#[derive(Args)]
struct Request {
    /// Number, such as FB-115-000123
    #[arg(value_name = "NO", required_unless_present = "number")]
    no: Option<String>,
    /// The same
    #[arg(long = "no", value_name = "NO", id = "number", conflicts_with = "no", hide = true)]
    number: Option<String>,
    /// Company whose debts are secured: 8 digits
    #[arg(long, value_name = "UBN", visible_alias = "debtor")]
    principal: String,
    /// NT$
    #[arg(long, value_name = "NT$")]
    limit: u64,
    /// First and last day: 115-12-01..116-11-30
    #[arg(long, value_name = "FROM..TO", value_parser = period)]
    valid: (Day, Day),
    /// Bank, 3 digits [default: that of the key]
    #[arg(long)]
    bank: Option<String>,
    /// Branch, 4 digits
    #[arg(long, default_value = "0000")]
    branch: String,
    /// importer or broker
    #[arg(long, default_value = "importer")]
    purpose: String,
    /// all (通區), an office letter or a house such as CA (限區)
    #[arg(long, default_value = "all")]
    scope: String,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct Plain {
    /// Number
    no: String,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct Reasoned {
    /// Number
    no: String,
    /// Reason code: a-z 0-9 _
    #[arg(long, value_name = "CODE")]
    reason: String,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct MaybeReasoned {
    /// Number
    no: String,
    /// Reason code: a-z 0-9 _
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct Amend {
    /// Number
    no: String,
    /// New limit, NT$
    #[arg(long, value_name = "NT$", required_unless_present = "to")]
    limit: Option<u64>,
    /// New last day
    #[arg(long, value_name = "DATE", value_parser = day)]
    to: Option<Day>,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct Draw {
    /// Number
    no: String,
    /// Declaration: 14 places, blanks written _
    #[arg(long, value_name = "NO")]
    declaration: String,
    /// Duty, NT$
    #[arg(long, value_name = "NT$")]
    amount: u64,
    /// Importer [default: the guaranteed company]
    #[arg(long, value_name = "UBN")]
    importer: Option<String>,
    /// Broker, if one declares
    #[arg(long, value_name = "UBN")]
    broker: Option<String>,
    /// When the tax memo was served [default: today]
    #[arg(long, value_name = "DATE", value_parser = day)]
    served: Option<Day>,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct Debt {
    /// Number
    no: String,
    /// Declaration
    #[arg(long, value_name = "NO")]
    declaration: String,
    /// NT$
    #[arg(long, value_name = "NT$")]
    amount: u64,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct Assess {
    /// Number
    no: String,
    /// Declaration
    #[arg(long, value_name = "NO")]
    declaration: String,
    /// NT$ more, or less with a minus; 0 settles a deposit as declared
    #[arg(long, value_name = "±NT$", allow_negative_numbers = true)]
    change: i64,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct Surcharge {
    /// Number
    no: String,
    /// Declaration
    #[arg(long, value_name = "NO")]
    declaration: String,
    /// NT$
    #[arg(long, value_name = "NT$")]
    amount: u64,
    /// Days late
    #[arg(long)]
    days: u64,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct CancelDraw {
    /// Number
    no: String,
    /// Declaration
    #[arg(long, value_name = "NO")]
    declaration: String,
    /// Reason code
    #[arg(long, value_name = "CODE")]
    reason: String,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct Claim {
    /// Number
    no: String,
    /// A draw and how much of it is claimed; may be given again
    #[arg(long = "draw", value_name = "DECLARATION=NT$", value_parser = demand, required = true)]
    draws: Vec<(String, u64)>,
    /// The default that is stated, as a code
    #[arg(long, value_name = "CODE", default_value = "unpaid_when_due")]
    default: String,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct ClaimPaid {
    /// Number
    no: String,
    /// Claim number on this guarantee, from 1
    #[arg(long)]
    claim: u64,
    /// NT$
    #[arg(long, value_name = "NT$")]
    amount: u64,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct ClaimRefuse {
    /// Number
    no: String,
    /// Claim number
    #[arg(long)]
    claim: u64,
    /// Reason code; may be given again
    #[arg(long = "reason", value_name = "CODE", required = true)]
    reasons: Vec<String>,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct ClaimWithdraw {
    /// Number
    no: String,
    /// Claim number
    #[arg(long)]
    claim: u64,
    /// Reason code
    #[arg(long, value_name = "CODE")]
    reason: String,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct List {
    /// Status, such as active or expired
    #[arg(long)]
    status: Option<String>,
    /// Bank, 3 digits
    #[arg(long)]
    bank: Option<String>,
    /// Company, 8 digits
    #[arg(long, value_name = "UBN")]
    company: Option<String>,
    /// Those whose last day is on or before this
    #[arg(long, value_name = "DATE", value_parser = day)]
    expires_by: Option<Day>,
    #[command(flatten)]
    moment: AsOf,
}

#[derive(Args)]
struct Show {
    /// Number
    no: String,
    #[command(flatten)]
    moment: AsOf,
}

#[derive(Args)]
struct Quota {
    /// Company: 8 digits
    company: String,
    #[command(flatten)]
    moment: AsOf,
}

fn day(text: &str) -> std::result::Result<Day, String> {
    Day::parse_human(text).ok_or_else(|| "write 115-12-01 or 2026-12-01".to_owned())
}

fn period(text: &str) -> std::result::Result<(Day, Day), String> {
    let (from, to) = text.split_once("..").ok_or("write FROM..TO")?;
    Ok((day(from)?, day(to)?))
}

fn demand(text: &str) -> std::result::Result<(String, u64), String> {
    let (declaration, amount) = text.split_once('=').ok_or("write DECLARATION=NT$")?;
    Ok((declaration.to_owned(), amount.parse().map_err(|_| format!("{amount:?} is no amount"))?))
}

/// `FB-115-000123` or `guarantee/FB-115-000123`.
fn stream(no: &str) -> String {
    if no.starts_with("guarantee/") { no.to_owned() } else { format!("guarantee/{no}") }
}

/// Runs it.
pub fn run(arguments: Arguments, session: &Session) -> Result<()> {
    let one = |no: &str, sign: &SignArgs, kind: &'static str, data: Value<'static>| {
        let stream = stream(no);
        act(session, sign, &[kind], None, |_, _| Ok(vec![Planned { kind, stream, data }]))
    };
    match arguments.verb {
        Verb::Request(a) => request(session, &a),
        Verb::Accept(a) => accept(session, &a),
        Verb::Reject(a) => one(&a.no, &a.sign, "guarantee.rejected", kinds::reason(&a.reason)),
        Verb::Suspend(a) => {
            let data = a.reason.as_deref().map_or_else(kinds::nothing, kinds::reason);
            one(&a.no, &a.sign, "guarantee.suspended", data)
        }
        Verb::Amend(a) => one(&a.no, &a.sign, "guarantee.amended", kinds::amended(a.limit, a.to)),
        Verb::Close(a) => one(&a.no, &a.sign, "guarantee.closed", kinds::nothing()),
        Verb::Draw(a) => draw(session, &a),
        Verb::Paid(a) => one(&a.no, &a.sign, "guarantee.tax_paid", kinds::tax_paid(&a.declaration, a.amount)),
        Verb::Assess(a) => {
            one(&a.no, &a.sign, "guarantee.assessed", kinds::assessed(&a.declaration, a.change))
        }
        Verb::Surcharge(a) => {
            let data = kinds::surcharge_accrued(&a.declaration, a.amount, a.days);
            one(&a.no, &a.sign, "guarantee.surcharge_accrued", data)
        }
        Verb::CancelDraw(a) => {
            let data = kinds::draw_cancelled(&a.declaration, &a.reason);
            one(&a.no, &a.sign, "guarantee.draw_cancelled", data)
        }
        Verb::Claim(a) => one(&a.no, &a.sign, "guarantee.claimed", kinds::claimed(&a.draws, &a.default)),
        Verb::ClaimPaid(a) => {
            one(&a.no, &a.sign, "guarantee.claim_paid", kinds::claim_paid(a.claim, a.amount))
        }
        Verb::ClaimRefuse(a) => {
            one(&a.no, &a.sign, "guarantee.claim_refused", kinds::claim_refused(a.claim, &a.reasons))
        }
        Verb::ClaimWithdraw(a) => {
            one(&a.no, &a.sign, "guarantee.claim_withdrawn", kinds::claim_withdrawn(a.claim, &a.reason))
        }
        verb @ (Verb::List(_) | Verb::Show(_) | Verb::Quota(_) | Verb::Exposure(_)) => read(session, verb),
    }
}

/// What is only read, on a folder or over a server.
fn read(session: &Session, verb: Verb) -> Result<()> {
    match (verb, session.remote()?) {
        (Verb::List(a), None) => list(session, &a),
        (Verb::List(a), Some(remote)) => list_afar(session, &remote, &a),
        (Verb::Show(a), None) => show(session, &a),
        (Verb::Show(a), Some(remote)) => afar::show_guarantee(session, &remote, &a.no, a.moment.as_of),
        (Verb::Quota(a), None) => quota(session, &a),
        (Verb::Quota(a), Some(remote)) => afar::quota(session, &remote, &a.company, a.moment.as_of),
        (Verb::Exposure(a), None) => exposure(session, &a),
        (Verb::Exposure(a), Some(remote)) => afar::exposure(session, &remote, a.as_of),
        _ => Err(Failure::usage("nothing to read")),
    }
}

fn request(session: &Session, a: &Request) -> Result<()> {
    let kind = "guarantee.requested";
    act(session, &a.sign, &[kind], None, |_, slots| {
        let of_key = slots.iter().find_map(|slot| slot.actor.strip_prefix("bank:"));
        let bank = a.bank.as_deref().or(of_key).ok_or_else(|| {
            Failure::new(
                Exit::NotAuthorised,
                "wrong-side",
                "a bank requests a guarantee; this is no bank's key",
            )
        })?;
        let no = a.no.as_deref().or(a.number.as_deref()).unwrap_or_default();
        let no = no.trim_start_matches("guarantee/");
        let (purpose, scope, (from, to)) = (&*a.purpose, &*a.scope, a.valid);
        let request = GuaranteeRequest {
            no,
            bank,
            branch: &a.branch,
            debtor: &a.principal,
            purpose,
            scope,
            limit: a.limit,
            from,
            to,
        };
        Ok(vec![Planned { kind, stream: stream(no), data: request.data() }])
    })
}

fn accept(session: &Session, a: &Plain) -> Result<()> {
    let kind = "guarantee.accepted";
    act(session, &a.sign, &[kind], None, |base, _| {
        let state = base.guarantee(&stream(&a.no))?.ok_or_else(|| unknown(&a.no))?;
        Ok(vec![Planned { kind, stream: stream(&a.no), data: kinds::accepted(&state.terms().terms) }])
    })
}

fn draw(session: &Session, a: &Draw) -> Result<()> {
    let kind = "guarantee.drawn";
    act(session, &a.sign, &[kind], None, |base, slots| {
        let manual = slots.iter().any(|slot| slot.capacity == "officer");
        let importer = if let Some(importer) = &a.importer {
            importer.clone()
        } else {
            let state = base.guarantee(&stream(&a.no))?.ok_or_else(|| unknown(&a.no))?;
            state.terms().debtor.to_string()
        };
        let served = a.served.unwrap_or_else(|| day_of(now_ms()));
        let data = kinds::drawn(&a.declaration, &importer, a.broker.as_deref(), a.amount, served, manual);
        Ok(vec![Planned { kind, stream: stream(&a.no), data }])
    })
}

fn unknown(no: &str) -> Failure {
    Failure::new(Exit::Usage, "unknown-guarantee", format!("no guarantee {no} was ever requested"))
        .fix("check the number: lian guarantee list")
}

fn list_afar(session: &Session, remote: &Remote, a: &List) -> Result<()> {
    let wanted = Listed::default()
        .with("status", a.status.as_ref().map(|status| status.to_lowercase()))
        .with("bank", a.bank.as_ref())
        .with("debtor", a.company.as_ref())
        .with("as_of", a.moment.as_of.spelled());
    afar::list_guarantees(session, remote, &wanted, a.expires_by)
}

fn list(session: &Session, a: &List) -> Result<()> {
    let out = session.out;
    let Past { ledger, today, .. } = past(session, a.moment.as_of)?;
    let mut found = rows(&ledger, today);
    found.retain(|row| {
        let terms = row.state.terms();
        a.status.as_deref().is_none_or(|status| status.eq_ignore_ascii_case(row.standing.name()))
            && a.bank.as_deref().is_none_or(|bank| bank == terms.bank.as_str())
            && a.company.as_deref().is_none_or(|company| company == terms.debtor.as_str())
            && a.expires_by.is_none_or(|day| terms.to <= day)
    });
    if out.json {
        out.value(
            &json!({"size": ledger.size(), "guarantees": found.iter().map(row_json).collect::<Vec<_>>()}),
        );
        return Ok(());
    }
    for row in &found {
        out.line(row_line(row, out.lang));
    }
    out.talk(format!("{} of {} guarantees", found.len(), rows(&ledger, today).len()));
    Ok(())
}

/// A guarantee on one line.
pub fn row_line(row: &Row<'_>, lang: crate::out::Lang) -> String {
    let terms = row.state.terms();
    format!(
        "{}  v{}  bank {}  {}  limit {}  left {}  to {}  {}",
        terms.no,
        row.version,
        terms.bank,
        terms.debtor,
        money(row.state.limit().get()),
        money(row.state.available().get()),
        terms.to.to_roc(),
        standing_word(row.standing.name(), lang)
    )
}

/// A guarantee for programs.
pub fn row_json(row: &Row<'_>) -> serde_json::Value {
    json!({
        "stream": row.stream, "version": row.version, "last_entry": row.last,
        "standing": row.standing.name(), "available": row.state.available().get(),
        "to": row.state.terms().to.to_string(),
        "state": to_json(&row.state.to_value()),
    })
}

fn show(session: &Session, a: &Show) -> Result<()> {
    let out = session.out;
    let Past { view, ledger, today, .. } = past(session, a.moment.as_of)?;
    let stream = stream(&a.no);
    let row = rows(&ledger, today).into_iter().find(|row| row.stream == stream);
    let row = row.ok_or_else(|| unknown(&a.no))?;
    let history = peek::history(&view.reader, &ledger, &stream);
    let history = history.map_err(|error| Failure::new(Exit::Failed, "damaged", error))?;
    if out.json {
        let mut value = row_json(&row);
        value["entries"] = json!(history);
        value["as_of_size"] = json!(ledger.size());
        out.value(&value);
        return Ok(());
    }
    print_state(&row, out);
    for index in history {
        let stored = view.reader.read_entry(index);
        let stored = stored.map_err(|error| Failure::new(Exit::Failed, "damaged", error))?;
        out.line(Entry::open(&stored)?.line(out));
    }
    Ok(())
}

/// A guarantee with its open draws.
pub fn print_state(row: &Row<'_>, out: Out) {
    let state = row.state;
    out.line(row_line(row, out.lang));
    let terms = state.terms();
    out.line(format!(
        "  {}..{}  branch {}  outstanding {}  pending {}  called {}",
        terms.from.to_roc(),
        terms.to.to_roc(),
        terms.branch,
        money(state.outstanding().get()),
        money(state.pending().get()),
        money(state.called().get())
    ));
    for (declaration, draw) in state.open_draws() {
        let due = format!("due {} until {}", money(draw.due().get()), draw.due_on.to_roc());
        out.line(format!("  draw {}  {declaration}  {}  {due}", draw.number, money(draw.amount.get())));
    }
}

fn quota(session: &Session, a: &Quota) -> Result<()> {
    let out = session.out;
    let debtor = Ubn::parse(&a.company).ok_or_else(|| Failure::usage("a company is 8 digits"))?;
    let Past { ledger, today, .. } = past(session, a.moment.as_of)?;
    let quota = company_quota(&ledger, &debtor, today);
    if out.json {
        out.value(&json!({
            "company": a.company, "limit": quota.limit.get(), "outstanding": quota.outstanding.get(),
            "available": quota.available.get(), "scheme_suspended": quota.scheme_suspended,
            "guarantees": quota.guarantees.iter().map(row_json).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    let left = money(quota.available.get());
    out.line(format!(
        "{}  left {left}  of {}  outstanding {}",
        a.company,
        money(quota.limit.get()),
        money(quota.outstanding.get())
    ));
    if quota.scheme_suspended {
        out.line(format!("  {}: release before tax is suspended 先放後稅停止適用", out.word("SUSPENDED")));
    }
    for row in &quota.guarantees {
        out.line(format!("  {}", row_line(row, out.lang)));
    }
    Ok(())
}

fn exposure(session: &Session, a: &AsOf) -> Result<()> {
    let out = session.out;
    let Past { ledger, today, .. } = past(session, a.as_of)?;
    let banks = bank_exposure(&ledger, today);
    if out.json {
        let rows = banks.iter().map(|(bank, sums)| json!({
            "bank": bank, "live": sums.live, "limit": sums.limit.get(), "outstanding": sums.outstanding.get(),
            "pending": sums.pending.get(), "called": sums.called.get(),
        }));
        out.value(&json!({"banks": rows.collect::<Vec<_>>()}));
        return Ok(());
    }
    for (bank, sums) in &banks {
        let (limit, owed) = (money(sums.limit.get()), money(sums.outstanding.get()));
        out.line(format!(
            "bank {bank}  {:>4} live  limit {limit}  outstanding {owed}  called {}",
            group(sums.live),
            money(sums.called.get())
        ));
    }
    Ok(())
}
