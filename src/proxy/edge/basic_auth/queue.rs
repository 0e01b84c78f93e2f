//! Which passwords are verified, one after the other, and for whom (pure).
//!
//! A hash takes long, and whoever sends wrong passwords makes us work. So as many may wait as [`MOST`], and of one network as
//! [`MOST_OF_NETWORK`]; those who show the same name and password at once wait for the same hash.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};

/// Hashes that are waited for, in all.
pub const MOST: usize = 128;

/// The same of one network.
pub const MOST_OF_NETWORK: usize = 8;

/// Whoever counts as one: an address of IPv4, or what a line of IPv6 has at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

/// The bits of an address of IPv6 that name a line.
const LINE: u32 = 64;

impl Network {
    /// That of an address.
    pub fn of(address: IpAddr) -> Network {
        Network(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & u128::MAX << LINE)),
        })
    }
}

/// As many wait as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// Hashes to be made, by `K`, each from `J` and for all those of `R`.
#[derive(Debug)]
pub struct Queue<K, J, R> {
    /// Those that nobody makes yet, in the order in which they came.
    next: VecDeque<(K, J)>,
    asked: HashMap<K, Asked<R>>,
    of_network: HashMap<Network, usize>,
}

#[derive(Debug)]
struct Asked<R> {
    network: Network,
    replies: Vec<R>,
}

impl<K, J, R> Default for Queue<K, J, R> {
    fn default() -> Queue<K, J, R> {
        Queue { next: VecDeque::new(), asked: HashMap::new(), of_network: HashMap::new() }
    }
}

impl<K: Copy + Eq + std::hash::Hash, J, R> Queue<K, J, R> {
    /// Waits for a hash with those who wait for the same, or as the last one.
    ///
    /// # Errors
    ///
    /// As many wait as may.
    pub fn join(&mut self, key: K, network: Network, job: impl FnOnce() -> J, reply: R) -> Result<(), Full> {
        if let Some(asked) = self.asked.get_mut(&key) {
            asked.replies.push(reply);
            return Ok(());
        }
        let of_network = self.of_network.get(&network).copied().unwrap_or(0);
        if self.asked.len() >= MOST || of_network >= MOST_OF_NETWORK {
            return Err(Full);
        }
        self.of_network.insert(network, of_network + 1);
        self.asked.insert(key, Asked { network, replies: vec![reply] });
        self.next.push_back((key, job()));
        Ok(())
    }

    /// The next hash to be made, of those that somebody still waits for.
    pub fn take(&mut self, is_waiting: impl Fn(&R) -> bool) -> Option<(K, J)> {
        while let Some((key, job)) = self.next.pop_front() {
            if self.asked.get(&key).is_some_and(|asked| asked.replies.iter().any(&is_waiting)) {
                return Some((key, job));
            }
            self.finish(key);
        }
        None
    }

    /// It is made, or will not be: gives those who waited for it.
    pub fn finish(&mut self, key: K) -> Vec<R> {
        let Some(Asked { network, replies }) = self.asked.remove(&key) else { return Vec::new() };
        match self.of_network.get_mut(&network) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.of_network.remove(&network)),
        }
        replies
    }
}

#[cfg(test)]
mod tests;
