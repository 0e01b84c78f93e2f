//! The authoritative nameserver.
//!
//! A query's way: [`udp`] (a thread a socket), [`tcp`] (one thread) or [`encrypted`] (one thread) -> [`answer`] (pure), over the [`snapshot`]: the
//! zones as [`compiled`] for answering, and each pool's addresses. Counted in [`counters`]. Responses that forged queries could misuse are
//! limited by [`rate_limit`], except to clients with a good [`cookie`]; [`protection`] has the document's settings for both.
//!
//! What is asked and answered goes to a receiver at a Unix socket where the operator wants that ([`dnstap`]).
//!
//! Other nameservers get whole zones, or what has changed of them ([`transfer`]), and are known by the keys of [`tsig`]. What has changed is
//! a zone's [`history`], which outlives the process in its [`journal`].
//!
//! Zones may come from other nameservers too ([`secondary`]), and be made of the names of others ([`catalog`]).
//!
//! What clients of encrypted transports are shown may come from a CA: [`ordered`] says what is wanted, and how it comes is [`acme`](crate::acme)'s.
//!
//! A zone that cannot be read at a start is served from its last good copy ([`zone_copies`]), or answered SERVFAIL.
//!
//! A change's way: a document and its zone files, checks or an operator's command -> [`control`] (pure), which asks [`pool`]
//! (pure) for each pool's addresses and publishes a snapshot, whole. `run` is the shell around it and [`listening`] starts and
//! stops the threads that answer; what it has in common with the proxy's is [`lifecycle`](crate::daemon::lifecycle)'s.
//! [`report`] is what an operator reads ([`api`](crate::api::dns)). Never imports `proxy`.

pub mod admission;
pub mod answer;
pub mod answering;
pub mod capacity;
pub mod catalog;
pub mod challenges;
pub mod compiled;
pub mod control;
pub mod conversation;
pub mod cookie;
pub mod counters;
pub mod dnstap;
pub mod encrypted;
pub mod history;
pub mod journal;
pub mod listening;
pub mod locality;
pub mod ordered;
pub mod pool;
pub mod protection;
pub mod rate_limit;
pub mod report;
mod run;
pub mod secondary;
pub mod signing;
pub mod snapshot;
pub mod tcp;
pub mod transfer;
pub mod tsig;
pub mod udp;
pub mod zone_copies;

pub use run::run;
