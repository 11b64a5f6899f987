//! Threads with names, so that whoever looks at a busy server sees which part of it is.
//! Limits: systems show the first 15 bytes of a name.

use std::thread::{Builder, JoinHandle};

/// Starts a thread.
///
/// # Panics
/// When the system gives no thread.
pub fn start<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    Builder::new().name(name.to_owned()).spawn(work).expect("the system gives a thread")
}
