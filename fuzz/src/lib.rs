//! What comes from outside, and what must hold of it whatever it is: one module a target.
//!
//! A target is a function that takes any bytes and panics when something does not hold. `cargo fuzz run TARGET` looks for such
//! bytes, guided by coverage; `cargo test` replays the corpora and goes on from them at random for a bounded time
//! (tests/replay.rs). Where polder's reader says yes, a second, naive reader in here is asked too.

pub mod chunked_body;
pub mod cookies;
pub mod dns_message;
pub mod documents;
pub mod failover;
pub mod gate_request;
pub mod http1_request;
pub mod http1_response;
pub mod import_caddy;
pub mod import_haproxy;
pub mod peers_letter;
pub mod zone_text;

mod cut;
mod findings;
mod head;
mod imported;
mod wire;
