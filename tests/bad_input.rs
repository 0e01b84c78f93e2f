//! Bad input, given to the real daemons: documents, zones, keys, sockets, takeovers, state files and a full disk.
//!
//! Each test asserts three things: the exit code or the verdict, the words (what was expected, what was found, where,
//! what to do), and that what was served goes on being served.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "blocking clients poll with a limit and share what they saw"
)]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "bad_input/documents.rs"]
mod documents;
#[path = "bad_input/full_disk.rs"]
mod full_disk;
#[path = "bad_input/hostile_words.rs"]
mod hostile_words;
#[path = "bad_input/keys.rs"]
mod keys;
#[path = "bad_input/latches.rs"]
mod latches;
#[path = "bad_input/local_users.rs"]
mod local_users;
#[path = "bad_input/site.rs"]
mod site;
#[path = "bad_input/sockets.rs"]
mod sockets;
#[path = "bad_input/state_files.rs"]
mod state_files;
#[path = "bad_input/takeovers.rs"]
mod takeovers;
#[path = "bad_input/zones.rs"]
mod zones;
