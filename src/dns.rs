//! The authoritative nameserver.
//!
//! A query's way: [`udp`] (a thread a socket) or [`tcp`] (one thread) -> [`answer`] (pure), over the [`snapshot`]: the
//! zones as [`compiled`] for answering, and each pool's addresses. Counted in [`counters`]. What a forger could misuse is held
//! back by [`rate_limit`], except from clients with a good [`cookie`]; [`protection`] is what the document says of both.
//!
//! A change's way: a document and its zone files ([`document`], [`zone`](crate::zone)), checks or an operator's word ->
//! [`control`], which asks [`pool`] (pure) for each pool's addresses and swaps the snapshot whole. [`nameserver`] is the
//! control thread around it: reload, takeover, state files, the admin API ([`api`](crate::api::dns)); [`listening`] starts and stops
//! the threads that answer. [`run()`] is the order of it all. Never imports `proxy`.

pub mod answer;
pub mod compiled;
pub mod control;
pub mod cookie;
pub mod counters;
pub mod document;
pub mod listening;
pub mod nameserver;
pub mod pool;
pub mod protection;
pub mod rate_limit;
pub mod report;
mod run;
pub mod snapshot;
pub mod tcp;
pub mod udp;

pub use run::run;
