//! The operating-system side of both daemons: sockets, takeover, FD store, notify, signals, admin API, peers, state
//! files, metrics, logs.
//!
//! Owns every file descriptor that outlives a process and every file in the state directory. Must never: know what a
//! service or a zone is. Called by `proxy::run` and `dns::run`; the operator's verbs use [`api::client`](crate::api::client).
//!
//! [`lifecycle`] is what both daemons' control threads are: it calls the other modules, which are independent of each other.

pub mod admin;
pub mod args;
mod callers;
pub mod challenges;
mod channel;
pub mod client_network;
pub mod clock;
pub mod eligibility;
pub mod fd_store;
pub mod history;
mod identity;
pub mod key_file;
pub mod launch;
pub mod lifecycle;
pub mod logs;
pub mod looks;
pub mod metrics;
pub mod notify;
pub mod operator;
pub mod opinions;
pub mod own_opinions;
pub mod page;
pub(crate) mod passed_fds;
pub mod peers;
pub mod reload;
pub mod signals;
pub mod sockets;
pub mod startup;
pub mod state_dir;
pub mod state_file;
pub mod state_lock;
pub mod takeover;
pub mod ticks;
pub mod trends;

/// The version spoken at takeovers and shown in `status`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
