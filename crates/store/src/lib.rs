//! The truth on disk: append, commit, recover; hash tiles beside it; one door to the disk.
//! Not here: business words, verdicts, threads, clocks, HTTP, views.

pub mod disk;
