//! Certificates that come by themselves, for all proxies of a fleet and for all its nameservers (ACME, RFC 8555).
//!
//! One daemon of a kind orders at a time, and tells its peers what it got; each keeps all of it on its disk. [`orders`] decides (pure) who orders
//! what and when, from what is desired ([`desired`]), what is there ([`material`]), what failed and when it is time ([`schedule`]), and
//! what peers say ([`message`]). [`store`] is the disk, [`client`] speaks to the CA, [`hands`] are both of them; [`challenges`] is what a proxy
//! answers the CA's requests from. [`report`] and [`metrics`] are what the operator sees. Serving never waits for any of it: a certificate comes into force as one whose files have changed does.

pub mod challenges;
pub mod client;
pub mod desired;
pub mod hands;
pub mod material;
pub mod message;
pub mod metrics;
pub mod orders;
pub mod report;
#[cfg(test)]
mod samples;
pub mod schedule;
pub mod steps;
pub mod store;
