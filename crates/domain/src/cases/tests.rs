//! Every transition and every refusal of cases, handovers, exhibits and posts, by its sentence.

mod around;
mod clocks;
mod custody;
mod files;
mod handovers;
mod random;
