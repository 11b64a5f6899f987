//! `lian scheme`, `lian delegation` and `lian declaration`: the switches that draws look at.

use clap::{Args, Subcommand};
use lian_client::kinds;
use lian_domain::dates::Day;

use crate::{
    act::{Planned, SignArgs, act},
    failure::Result,
    session::Session,
};

const SCHEME_EXAMPLES: &str = "\
Examples:
  lian scheme suspend 12345675 --from 115-11-23 --until 116-05-22 --key officer-7f3k --key officer-c29x
  lian scheme restore 12345675 --key officer-7f3k --key officer-c29x
";
const DELEGATION_EXAMPLES: &str = "\
Examples:
  lian delegation record --broker 20000013 --importer 12345675 --key officer-7f3k
  lian delegation end --broker 20000013 --importer 12345675 --key officer-7f3k
";
const DECLARATION_EXAMPLES: &str = "\
Examples:
  lian declaration block CA__15494A0001 --reason held --key officer-7f3k
  lian declaration unblock CA__15494A0001 --key officer-7f3k
";

/// Options of `lian scheme`.
#[derive(Args)]
#[command(before_help = SCHEME_EXAMPLES, arg_required_else_help = true)]
pub struct Scheme {
    #[command(subcommand)]
    verb: SchemeVerb,
}

#[derive(Subcommand)]
enum SchemeVerb {
    /// No release before tax for a company (停止先放後稅); officer and supervisor
    Suspend(Suspend),
    /// Release before tax again (恢復); officer and supervisor
    Restore(Restore),
}

#[derive(Args)]
struct Suspend {
    /// Company, 8 digits
    company: String,
    /// First day
    #[arg(long, value_parser = day)]
    from: Day,
    /// Last day, at most a year on
    #[arg(long, value_parser = day)]
    until: Day,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct Restore {
    /// Company, 8 digits
    company: String,
    #[command(flatten)]
    sign: SignArgs,
}

/// Options of `lian delegation`.
#[derive(Args)]
#[command(before_help = DELEGATION_EXAMPLES, arg_required_else_help = true)]
pub struct Delegation {
    #[command(subcommand)]
    verb: DelegationVerb,
}

#[derive(Subcommand)]
enum DelegationVerb {
    /// An importer has a broker represent it (委任)
    Record(Pair),
    /// No longer (終止委任)
    End(Pair),
}

#[derive(Args)]
struct Pair {
    /// Broker, 8 digits
    #[arg(long, value_name = "UBN")]
    broker: String,
    /// Importer, 8 digits
    #[arg(long, value_name = "UBN")]
    importer: String,
    #[command(flatten)]
    sign: SignArgs,
}

/// Options of `lian declaration`.
#[derive(Args)]
#[command(before_help = DECLARATION_EXAMPLES, arg_required_else_help = true)]
pub struct Declaration {
    #[command(subcommand)]
    verb: DeclarationVerb,
}

#[derive(Subcommand)]
enum DeclarationVerb {
    /// Nothing may be released for it
    Block(Block),
    /// Released again
    Unblock(Unblock),
}

#[derive(Args)]
struct Block {
    /// 14 places, blanks written _
    declaration: String,
    /// cancelled, seized or held
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    sign: SignArgs,
}

#[derive(Args)]
struct Unblock {
    /// 14 places, blanks written _
    declaration: String,
    #[command(flatten)]
    sign: SignArgs,
}

fn day(text: &str) -> std::result::Result<Day, String> {
    Day::parse_human(text).ok_or_else(|| "write 115-12-01 or 2026-12-01".to_owned())
}

fn say(
    session: &Session,
    sign: &SignArgs,
    kind: &'static str,
    stream: String,
    data: lian_core::json::Value<'static>,
) -> Result<()> {
    act(session, sign, &[kind], None, |_, _| Ok(vec![Planned { kind, stream, data }]))
}

/// Runs `lian scheme`.
pub fn scheme(arguments: &Scheme, session: &Session) -> Result<()> {
    match &arguments.verb {
        SchemeVerb::Suspend(a) => {
            let data = kinds::scheme_suspended(a.from, a.until);
            say(session, &a.sign, "scheme.suspended", format!("debtor/{}", a.company), data)
        }
        SchemeVerb::Restore(a) => {
            say(session, &a.sign, "scheme.restored", format!("debtor/{}", a.company), kinds::nothing())
        }
    }
}

/// Runs `lian delegation`.
pub fn delegation(arguments: &Delegation, session: &Session) -> Result<()> {
    let (pair, kind) = match &arguments.verb {
        DelegationVerb::Record(pair) => (pair, "delegation.recorded"),
        DelegationVerb::End(pair) => (pair, "delegation.ended"),
    };
    let stream = format!("delegation/{}/{}", pair.broker, pair.importer);
    say(session, &pair.sign, kind, stream, kinds::nothing())
}

/// Runs `lian declaration`.
pub fn declaration(arguments: &Declaration, session: &Session) -> Result<()> {
    match &arguments.verb {
        DeclarationVerb::Block(a) => {
            let stream = format!("declaration/{}", a.declaration);
            say(session, &a.sign, "declaration.blocked", stream, kinds::reason(&a.reason))
        }
        DeclarationVerb::Unblock(a) => {
            let stream = format!("declaration/{}", a.declaration);
            say(session, &a.sign, "declaration.unblocked", stream, kinds::nothing())
        }
    }
}
