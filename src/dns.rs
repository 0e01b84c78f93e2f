//! The authoritative nameserver.
//!
//! A query's way: [`udp`] (a thread a socket) or [`tcp`] (one thread) -> [`answer`] (pure), over the [`snapshot`]: the
//! zones as [`compiled`] for answering, and each pool's addresses. Counted in [`counters`]. What a forger could misuse is held
//! back by [`rate_limit`], except from clients with a good [`cookie`]; [`protection`] is what the document says of both.
//!
//! A change's way: a document and its zone files, checks or an operator's word -> [`control`] (pure), which asks [`pool`]
//! (pure) for each pool's addresses and publishes a snapshot, whole. `run` is the shell around it and [`listening`] starts and
//! stops the threads that answer; what it has in common with the proxy's is [`lifecycle`](crate::daemon::lifecycle)'s.
//! [`report`] is what an operator reads ([`api`](crate::api::dns)). Never imports `proxy`.

pub mod answer;
pub mod compiled;
pub mod control;
pub mod cookie;
pub mod counters;
pub mod listening;
pub mod pool;
pub mod protection;
pub mod rate_limit;
pub mod report;
mod run;
pub mod snapshot;
pub mod tcp;
pub mod udp;

pub use run::run;
