//! What an actor needs on its own side: statements drafted and signed, sent and read over HTTP,
//! and answers believed only once they are verified. Not here: any trust in whoever answers.

pub mod answer;
pub mod ceremony;
pub mod draft;
pub mod http;
pub mod kinds;
pub mod sample;
pub mod seen;
