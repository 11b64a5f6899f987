//! The one writer: admission in parallel, one sequencer, one commit thread.
//! Not here: any rule (domain), any format (core), any file (store).

pub mod admit;
pub mod clock;
pub mod http;
pub mod ids;
pub mod keeping;
pub mod open;
pub mod pages;
pub mod peek;
pub mod recent;
pub mod rows;
pub mod scrubbing;
pub mod sequencer;
pub mod service;
pub mod shadow;
pub mod threads;
