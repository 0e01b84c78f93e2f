//! The answer engine over zone files: exact answers, decoded by a second implementation of the codec.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "dns_answers/ask.rs"]
mod ask;
#[path = "dns_answers/chains.rs"]
mod chains;
#[path = "dns_answers/cookies.rs"]
mod cookies;
#[path = "dns_answers/edns.rs"]
mod edns;
#[path = "dns_answers/garbage.rs"]
mod garbage;
#[path = "dns_answers/limits.rs"]
mod limits;
#[path = "dns_answers/naive.rs"]
mod naive;
#[path = "dns_answers/names.rs"]
mod names;
#[path = "dns_answers/pools.rs"]
mod pools;
#[path = "dns_answers/referrals.rs"]
mod referrals;
#[path = "dns_answers/reflection.rs"]
mod reflection;
