//! Every test of the whole house in one program: each test program of its own would link the whole
//! server once more, and linking thirty of them was most of the time of a first run. One file, one
//! subject; `cargo test --test house sim::` runs the tests of one file.

mod support;

mod clock;
mod families;
mod faults;
mod forged_proofs;
mod golden;
mod http_books;
mod http_clock;
mod http_disk;
mod http_hostile;
mod http_kill;
mod http_pages;
mod http_pages_registers;
mod http_registers;
mod http_routes;
mod http_slow;
mod http_statements;
mod http_tail;
mod http_tls;
mod kill;
mod openssl_keys;
mod rebuild;
mod recent;
mod registry;
mod replay_attack;
mod second_reader;
mod shadow;
mod sim;
mod story;
mod strangers;
mod tamper;
mod tidy;
mod vectors_ed25519;
mod vectors_lian;
mod vectors_merkle;
mod views;
