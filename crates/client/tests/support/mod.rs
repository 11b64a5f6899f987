//! A log in memory, judged by the real rules, and a small server before it that can be made to lie.

mod log;
mod server;

pub use log::FakeLog;
pub use server::{Asked, Reply, Server};
