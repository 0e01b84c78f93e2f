//! The visitors: a realistic load on any fleet, and a record of what each request and query came to.
//!
//! [`load`] lets requests and queries arrive at a steady rate whether or not earlier ones have ended, and counts every
//! wait from the moment the visitor wanted the page; so a gap cannot hide. [`resolver`] honours TTLs and asks the other
//! nameserver when one is silent; [`browser`] tries the next address, reuses connections, keeps cookies and sends
//! only safe requests a second time; [`secure`] is its side of TLS, and [`http2`] of HTTP/2. [`record`] is what is handed to the judge.
//!
//! Must never: know of the demo's fleet. It is given names, addresses of nameservers and a port, and could as well
//! stand in front of real hosts.

pub mod anchor;
pub mod browser;
pub mod http1;
pub mod http2;
pub mod load;
pub mod record;
pub mod resolver;
pub mod secure;
#[cfg(test)]
mod tests;
pub mod transport;

use std::net::SocketAddr;
use std::time::Duration;

use anchor::Anchor;
use secure::Secure;

/// What visitors are to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The zone's nameservers.
    pub nameservers: Vec<SocketAddr>,
    /// The port of every site.
    pub port: u16,
    /// By what resolvers validate, if they do.
    pub anchor: Option<Anchor>,
    /// Every second visitor comes over https, if there is that.
    pub secure: Option<Secure>,
    /// The sites, in the order in which records name them.
    pub sites: Vec<Site>,
    /// Requests a second, over all sites.
    pub requests: u32,
    /// Queries a second that no cache answers, besides those the visitors' own resolvers ask.
    pub queries: u32,
    /// How many visitors there are; each has its cookies and its connections.
    pub visitors: usize,
    /// How many resolvers they share; each has its cache.
    pub resolvers: usize,
    /// How patient they are.
    pub timeouts: Timeouts,
}

/// One site.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its host name.
    pub host: String,
    /// What is read: `/`, or `/session` where state is kept.
    pub path: String,
}

/// The visitors' time limits.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Without a connection for this long, the next address is tried too (RFC 8305, 5: 250 ms).
    pub next_address: Duration,
    /// Without an answer for this long, the other nameserver is asked too.
    pub next_nameserver: Duration,
    /// For a name in all.
    pub resolve: Duration,
    /// For a connection in all.
    pub connect: Duration,
    /// For a response after the request was sent.
    pub response: Duration,
}

impl Timeouts {
    /// What the drill's visitors have. Browsers wait longer for a response; a drill has less time.
    pub const SCALED: Timeouts = Timeouts {
        next_address: Duration::from_millis(250),
        next_nameserver: Duration::from_millis(250),
        resolve: Duration::from_secs(2),
        connect: Duration::from_secs(2),
        response: Duration::from_secs(2),
    };

    /// For a machine on which seconds may pass before a process gets to run: whatever comes in the end has come.
    pub const GENEROUS: Timeouts = Timeouts {
        resolve: Duration::from_secs(60),
        connect: Duration::from_secs(60),
        response: Duration::from_secs(60),
        ..Timeouts::SCALED
    };
}
