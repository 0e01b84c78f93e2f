//! The checks across hosts, on the example fleet of hosts/ as Nix evaluates it (tests/data/fleet), broken in one place
//! at a time: the findings, word for word.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod certificates;
mod example;
mod hosts;
mod nameservers;
mod pools;
mod proxies;
mod signatures;
