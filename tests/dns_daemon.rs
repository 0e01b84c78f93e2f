//! The nameserver as a process: real sockets, real probes, signals, takeover.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "blocking clients poll with a limit and share what they saw"
)]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "dns_daemon/fleet.rs"]
mod fleet;
#[path = "dns_daemon/life.rs"]
mod life;
#[path = "dns_daemon/operator.rs"]
mod operator;
#[path = "dns_daemon/reflection.rs"]
mod reflection;
#[path = "dns_daemon/reload.rs"]
mod reload;
#[path = "dns_daemon/serving.rs"]
mod serving;
