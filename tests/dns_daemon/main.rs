//! The nameserver as a process: real sockets, real probes, signals, takeover.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "blocking clients poll with a limit and share what they saw"
)]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod bad_zones;
mod challenges;
mod dnstap;
mod encrypted;
mod encrypted_streams;
mod fleet;
mod isolation;
mod key_rolls;
mod life;
#[path = "../common/members.rs"]
mod members;
mod memory;
mod near;
mod operator;
#[path = "../common/ports.rs"]
mod ports;
mod reflection;
mod reload;
mod secondaries;
mod serving;
mod tls_checks;
mod transfers;
