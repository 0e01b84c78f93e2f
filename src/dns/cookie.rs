//! DNS cookies (RFC 7873), the server's made as RFC 9018 says, so that any nameserver with the same secret accepts them.
//!
//! A client that returns a valid cookie has received an answer at its address before, so its address is not forged.
//! Pure: time and address are given. Must never allocate: every query passes here. Called by [`super::answer`].

mod secrets;
mod siphash;

use std::net::IpAddr;

pub use secrets::{Secret, Secrets};
use siphash::siphash_2_4;

/// Bytes of a client's part (RFC 7873, 4).
const CLIENT: usize = 8;

/// Bytes of a server's part as we make it (RFC 9018, 4).
const SERVER: usize = 16;

/// The data of the option that an answer carries.
pub type Reply = [u8; CLIENT + SERVER];

/// Bytes of the longest cookie in a response: the client's part and ours.
pub const LONGEST: usize = CLIENT + SERVER;

/// The version of RFC 9018's construction (4.1).
const VERSION: u8 = 1;

/// Cookies older than this are not accepted (RFC 9018, 4.3), in seconds.
const OLDEST: u32 = 3600;

/// Cookies that are further in the future than this, because of a clock, are not accepted either, in seconds.
const NEWEST: u32 = 300;

/// A valid cookie older than this is answered with a fresh one, in seconds.
const RENEWED: u32 = 1800;

/// The COOKIE option of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    client: [u8; CLIENT],
    server: Server,
}

/// The server's part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    /// There is none: the client asks for one.
    None,
    /// One that may be ours.
    Cookie([u8; SERVER]),
    /// One whose length says that it is not.
    Foreign,
}

/// What a query's cookie shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is none.
    Absent,
    /// The client's part alone: it asks for one.
    Asked,
    /// Not ours, too old, or made for another address.
    Bad,
    /// Valid: the client's address is its own.
    Good,
}

impl Standing {
    /// All of them.
    pub const ALL: [Standing; 4] = [Standing::Absent, Standing::Asked, Standing::Bad, Standing::Good];

    /// As metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Absent => "absent",
            Standing::Asked => "asked",
            Standing::Bad => "bad",
            Standing::Good => "good",
        }
    }
}

impl Presented {
    /// Reads the option's data. `None`: its length is none that a COOKIE option can have (RFC 7873, 4).
    pub fn read(data: &[u8]) -> Option<Presented> {
        let (client, server) = data.split_first_chunk::<CLIENT>()?;
        let server = match server.len() {
            0 => Server::None,
            SERVER => Server::Cookie(*server.first_chunk()?),
            8..=32 => Server::Foreign,
            _ => return None,
        };
        Some(Presented { client: *client, server })
    }
}

/// Makes and verifies the cookies of one client.
#[derive(Debug, Clone, Copy)]
pub struct Issuer<'s> {
    /// With these secrets.
    pub secrets: &'s Secrets,
    /// For a client at this address.
    pub address: IpAddr,
    /// At this time, in seconds since the epoch, of which RFC 9018 keeps 32 bits.
    pub now: u32,
}

impl Issuer<'_> {
    /// What a query's cookie shows, and the one that the answer carries.
    pub fn judge(&self, presented: &Presented) -> (Standing, Reply) {
        let (standing, server) = match presented.server {
            Server::None => (Standing::Asked, None),
            Server::Foreign => (Standing::Bad, None),
            Server::Cookie(cookie) => match self.age(&presented.client, &cookie) {
                None => (Standing::Bad, None),
                Some(age) => (Standing::Good, Some(cookie).filter(|_| age <= RENEWED)),
            },
        };
        let server = server.unwrap_or_else(|| self.make(&presented.client));
        let mut reply = [0; CLIENT + SERVER];
        reply[..CLIENT].copy_from_slice(&presented.client);
        reply[CLIENT..].copy_from_slice(&server);
        (standing, reply)
    }

    /// Of a cookie that is good, in seconds; one from a clock that is ahead is new. `None`: it is not good.
    fn age(&self, client: &[u8; CLIENT], cookie: &[u8; SERVER]) -> Option<u32> {
        let [VERSION, _, _, _, t0, t1, t2, t3, ..] = *cookie else { return None };
        let made = u32::from_be_bytes([t0, t1, t2, t3]);
        // Serial arithmetic (RFC 1982), for the 32 bits wrap in 2106.
        let age = self.now.wrapping_sub(made);
        let ahead = made.wrapping_sub(self.now);
        if age > OLDEST && ahead > NEWEST {
            return None;
        }
        let head = cookie.first_chunk::<8>()?;
        let hash = cookie.last_chunk::<8>()?;
        // One comparison of 64 bits: its time tells nothing of where they differ.
        let is_ours = |secret: &Secret| u64::from_le_bytes(*hash) == self.hash(secret, client, head);
        self.secrets.iter().any(is_ours).then_some(if age <= OLDEST { age } else { 0 })
    }

    fn make(&self, client: &[u8; CLIENT]) -> [u8; SERVER] {
        let mut head = [VERSION, 0, 0, 0, 0, 0, 0, 0];
        head[4..].copy_from_slice(&self.now.to_be_bytes());
        let hash = self.hash(self.secrets.first(), client, &head);
        let mut cookie = [0; SERVER];
        cookie[..8].copy_from_slice(&head);
        cookie[8..].copy_from_slice(&hash.to_le_bytes());
        cookie
    }

    /// RFC 9018, 4.4: over the client's part, version, reserved bytes, time and address.
    fn hash(&self, secret: &Secret, client: &[u8; CLIENT], head: &[u8; 8]) -> u64 {
        let mut message = [0; 32];
        message[..8].copy_from_slice(client);
        message[8..16].copy_from_slice(head);
        let length = match self.address {
            IpAddr::V4(address) => {
                message[16..20].copy_from_slice(&address.octets());
                20
            }
            IpAddr::V6(address) => {
                message[16..].copy_from_slice(&address.octets());
                32
            }
        };
        siphash_2_4(secret, &message[..length])
    }
}

#[cfg(test)]
mod tests;
