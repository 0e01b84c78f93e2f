//! The challenges of a certificate authority that proxies have our own nameservers answer (dns-01; RFC 8555, 8.4).
//!
//! While an order runs, the proxy tells every nameserver which values it wants under which `_acme-challenge` names, over a channel of
//! its own kind (Noise IK, a key pair each). What is told is the whole: what a proxy told before and tells no more is gone.
//! A nameserver answers when its queries are answered with it, and keeps it in memory alone, for as long as the
//! proxy says: after a restart it knows nothing until it is told again.
//!
//! Owns the messages, the nameserver's listener and the proxy's side, one task for each nameserver. Must never: know what a zone is, or what an order is.

mod listener;
mod message;
mod teller;

pub use listener::{Listener, Telling, connections_of};
pub use message::{Answer, Challenges, LONGEST_HOLD, MOST_VALUES, Name, NotOne, Told, Value};
pub use teller::{NameserverHealth, Spread, SpreadError, Teller};

#[cfg(test)]
mod tests;
