//! What may happen in the customs house: `decide` and `evolve` of every family, and the fold of a
//! whole ledger. Pure: no files, no clock, no floats; nothing here knows that it is stored.

pub mod context;
pub mod dates;
pub mod ids;
pub mod money;
pub mod rules;
pub mod guarantee;
pub mod refusal;
