//! `polder import`: what the verb does with files, and imported documents beside the program that they come from.
//!
//! The comparison needs HAProxy (Debian's haproxy): `cargo test --test import -- --ignored`.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod verb;
