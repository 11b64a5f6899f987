//! What may happen in the customs house: `decide` and `evolve` of every family, and the fold of a
//! whole ledger. Pure: no files, no clock, no floats; nothing here knows that it is stored.

pub mod authority;
pub mod cases;
#[cfg(test)]
mod chance;
pub mod clearance;
pub mod context;
pub mod dates;
pub mod directory;
pub mod draws;
pub mod epochs;
pub mod ethics;
pub mod families;
pub mod filing;
pub mod guarantee;
pub mod ids;
pub mod ledger;
pub mod money;
pub mod obligations;
pub mod plain;
pub mod refusal;
pub mod registry;
pub mod rejection;
pub mod rows;
pub mod rules;
pub mod views;
