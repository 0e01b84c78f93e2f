//! Which passwords are verified next, and for whom (pure).
//!
//! A hash takes long, and whoever sends wrong passwords makes us work. So as many may wait as [`MOST`], of one network as
//! [`MOST_OF_NETWORK`], and of those beside each other as [`MOST_OF_REGION`]. Services take turns, in each of them regions do, and in
//! these networks: who has one password to show waits for one of each of the others. Where more than [`MOST`] would wait, the last of
//! those goes away of whom most do. Those who show the same name and password at once wait for the same hash.

mod turns;

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::daemon::client_network;
use turns::{Line, Turns};

/// Hashes that are waited for, in all.
pub const MOST: usize = 128;

/// The same of one network.
pub const MOST_OF_NETWORK: usize = 8;

/// The same of one region.
pub const MOST_OF_REGION: usize = 32;

/// For whom a hash is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// The service that asks for the password.
    pub service: Arc<str>,
    /// Whoever shows it.
    pub network: Network,
}

/// Whoever counts as one ([`client_network`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpAddr);

/// Networks that one hand often has all of: an IPv4 /24 of a hoster, the IPv6 /48 of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Region(IpAddr);

impl Network {
    /// That of an address.
    pub fn of(address: IpAddr) -> Network {
        Network(client_network::of(address))
    }

    fn region(self) -> Region {
        Region(match self.0 {
            IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() >> 8 << 8)),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 80 << 80)),
        })
    }
}

/// As many wait as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// What waits for the passwords of one service.
type OfService<T> = Turns<Region, Turns<Network, VecDeque<T>>>;

/// Hashes to be made, by `K`, each from `J` and for all those of `R`.
#[derive(Debug)]
pub struct Queue<K, J, R> {
    /// Those that nobody makes yet.
    next: Turns<Arc<str>, OfService<(K, J)>>,
    /// With those that are being made.
    asked: HashMap<K, Asked<R>>,
}

#[derive(Debug)]
struct Asked<R> {
    network: Network,
    replies: Vec<R>,
}

impl<K, J, R> Default for Queue<K, J, R> {
    fn default() -> Queue<K, J, R> {
        Queue { next: Turns::default(), asked: HashMap::new() }
    }
}

impl<K: Copy + Eq + std::hash::Hash, J, R> Queue<K, J, R> {
    /// Waits for a hash with those who wait for the same, or as the last one of this network. Another one's may have to go for it: their
    /// replies are dropped.
    ///
    /// # Errors
    ///
    /// As many wait as may.
    pub fn join(&mut self, key: K, asker: Asker, job: impl FnOnce() -> J, reply: R) -> Result<(), Full> {
        if let Some(asked) = self.asked.get_mut(&key) {
            asked.replies.push(reply);
            return Ok(());
        }
        let network = asker.network;
        let of = |is_of: &dyn Fn(Network) -> bool| self.asked.values().filter(|asked| is_of(asked.network)).count();
        if of(&|other| other == network) >= MOST_OF_NETWORK
            || of(&|other| other.region() == network.region()) >= MOST_OF_REGION
        {
            return Err(Full);
        }
        self.asked.insert(key, Asked { network, replies: vec![reply] });
        self.next.line(asker.service).line(network.region()).line(network).push_back((key, job()));
        if self.asked.len() > MOST
            && let Some((given_up, _)) = self.next.give_up()
        {
            self.finish(given_up);
            if given_up == key {
                return Err(Full);
            }
        }
        Ok(())
    }

    /// The next hash to be made, of those that somebody still waits for.
    pub fn take(&mut self, is_waiting: impl Fn(&R) -> bool) -> Option<(K, J)> {
        while let Some((key, job)) = self.next.take() {
            if self.asked.get(&key).is_some_and(|asked| asked.replies.iter().any(&is_waiting)) {
                return Some((key, job));
            }
            self.finish(key);
        }
        None
    }

    /// It is made, or will not be: gives those who waited for it.
    pub fn finish(&mut self, key: K) -> Vec<R> {
        self.asked.remove(&key).map(|asked| asked.replies).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
