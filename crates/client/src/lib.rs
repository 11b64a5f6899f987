//! What an actor needs on its own side: statements drafted and signed, answers believed only once
//! they are verified. Not here: files, HTTP (later), and any trust in whoever answers.

pub mod answer;
pub mod ceremony;
pub mod draft;
pub mod kinds;
pub mod sample;
