//! The answer engine over zone files: exact answers, decoded by a second implementation of the codec.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod about_server;
mod ask;
mod chains;
mod challenges;
mod cookies;
mod edns;
mod extended;
mod garbage;
mod limits;
mod naive;
mod names;
mod near;
mod pools;
mod referrals;
mod reflection;
mod transfers;
