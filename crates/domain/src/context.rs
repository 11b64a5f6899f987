//! What a rule may look at besides the state of its own stream: the moment, the rules data, who
//! signed, and a few facts of other streams. Never a file, a clock, a view or an opening.

use crate::{
    ids::{DeclarationNo, Ubn},
    rules::Rules,
};

/// One issuer whose authority has been judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signer<'c> {
    /// Actor id, such as `bank:004` or `officer:7f3k`.
    pub actor: &'c str,
    /// Capacity in which the actor signs, such as `guarantor`.
    pub capacity: &'c str,
    /// Opaque person token; `None` for banks and systems.
    pub person: Option<&'c str>,
    /// Unit of the actor, such as `office:CA`.
    pub unit: &'c str,
}

/// What `decide` and `evolve` of every family are given besides state and event.
pub struct Context<'c> {
    /// When the entry is recorded, Unix milliseconds.
    pub recorded_at: u64,
    /// Rules data in force.
    pub rules: &'c Rules,
    /// Who signed the statement.
    pub signers: &'c [Signer<'c>],
    /// Facts of other streams.
    pub world: &'c dyn World,
}

impl Context<'_> {
    /// The civil day (+08:00) on which the entry is recorded, as a day number.
    pub fn today(&self) -> i64 {
        lian_core::time::taipei_day(self.recorded_at)
    }

    /// True if one of the signers signs in this capacity.
    pub fn signed_as(&self, capacity: &str) -> bool {
        self.signers.iter().any(|signer| signer.capacity == capacity)
    }
}

/// Facts derived from the states of other streams (DESIGN: never a key of their own).
pub trait World {
    /// `debtor/<ubn>`: is the scheme (release before tax) suspended for this company on `day`?
    fn scheme_suspended(&self, debtor: &Ubn, day: i64) -> bool;
    /// `delegation/<broker>/<importer>`: does the importer have this broker represent it?
    fn delegated(&self, broker: &Ubn, importer: &Ubn) -> bool;
    /// `declaration/<no>`: is it cancelled, seized or held?
    fn declaration_blocked(&self, declaration: &DeclarationNo) -> bool;
    /// Is there an open draw for this declaration on any guarantee?
    fn has_open_draw(&self, declaration: &DeclarationNo) -> bool;
}
