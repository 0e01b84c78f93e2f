//! `polder import`: what the verb does with files, and imported documents beside the program that they come from.
//!
//! The comparisons need HAProxy and Caddy (Debian's haproxy and caddy), and those over TLS curl and openssl: `cargo test --test import -- --ignored`.

#![allow(
    clippy::disallowed_methods,
    reason = "blocking backends, and pauses between questions whether a process listens"
)]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod beside;
mod certificates;
mod over_tls;
#[path = "../common/ports.rs"]
mod ports;
mod verb;
