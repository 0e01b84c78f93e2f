//! Bad input, given to the real daemons: documents, zones, keys, sockets, takeovers, state files, operators and a full disk.
//!
//! Each test asserts three things: the exit code or the verdict, the words (what was expected, what was found, where,
//! what to do), and that what was served goes on being served.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "blocking clients poll with a limit and share what they saw"
)]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod documents;
mod full_disk;
mod hostile_words;
mod kept_sockets;
mod keys;
mod latches;
mod local_users;
mod mistakes;
mod operators;
mod peers;
#[path = "../common/ports.rs"]
mod ports;
mod reloads;
mod site;
mod sockets;
mod state_files;
mod takeovers;
mod waiting;
mod zones;
