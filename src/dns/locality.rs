//! Which location of the document a client is in, by its address (pure), and of how large a block of addresses that holds.
//!
//! The networks are in two binary trees, one for each family: a bit of the address chooses the way. Owns nothing else; what is answered to whom
//! is `pool::near`'s and the answer engine's. Must never: allocate where a query is looked up.

pub mod subnet;

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::dns::LocationsConfig;

/// A location, by its place among those of the document.
pub type LocationId = u16;

/// Where clients are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locations {
    v4: Tree,
    v6: Tree,
}

/// Where a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// None: near to nobody.
    pub location: Option<LocationId>,
    /// All addresses that begin with so many of its bits are in the same location (RFC 7871, 7.2.1: SCOPE PREFIX-LENGTH).
    pub scope: u8,
}

impl Locations {
    /// Those of a document.
    pub fn new(config: &LocationsConfig) -> Locations {
        let mut locations = Locations::default();
        for (location, networks) in (0..).zip(config.values()) {
            for network in networks {
                let (tree, bits) = match network {
                    IpNet::V4(network) => (&mut locations.v4, left_aligned(network.network().into())),
                    IpNet::V6(network) => (&mut locations.v6, left_aligned(network.network().into())),
                };
                tree.insert(bits, network.prefix_len(), location);
            }
        }
        locations
    }

    /// Whether there are none: every client is answered alike.
    pub fn is_empty(&self) -> bool {
        self.v4.nodes.is_empty() && self.v6.nodes.is_empty()
    }

    /// Where a client is of whose address so many bits are known; the others are 0.
    pub fn find(&self, address: IpAddr, length: u8) -> Place {
        let tree = if address.is_ipv4() { &self.v4 } else { &self.v6 };
        tree.find(left_aligned(address), length)
    }
}

/// The bits of an address, the first one highest.
fn left_aligned(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Networks by their bits. Without nodes it has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Node {
    /// By the next bit; 0, which is the root: nothing further is known.
    next: [u32; 2],
    location: Option<LocationId>,
}

impl Node {
    fn is_last(&self) -> bool {
        self.next == [0, 0]
    }
}

fn bit(bits: u128, depth: u8) -> usize {
    usize::from(bits >> (127 - depth) & 1 == 1)
}

impl Tree {
    fn insert(&mut self, bits: u128, length: u8, location: LocationId) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = 0;
        for depth in 0..length {
            let way = bit(bits, depth);
            if self.nodes[at].next[way] == 0 {
                self.nodes[at].next[way] = self.nodes.len() as u32;
                self.nodes.push(Node::default());
            }
            at = self.nodes[at].next[way] as usize;
        }
        self.nodes[at].location = Some(location);
    }

    fn find(&self, bits: u128, length: u8) -> Place {
        let mut place = Place { location: None, scope: 0 };
        let mut node = self.nodes.first();
        while let Some(here) = node {
            // Beyond what is known of the address its location stays, and the scope says how much more would have to be known.
            if place.scope <= length {
                place.location = here.location.or(place.location);
            }
            if here.is_last() {
                break;
            }
            let next = here.next[bit(bits, place.scope)];
            place.scope += 1;
            node = self.nodes.get(next as usize).filter(|_| next != 0);
        }
        place
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn locations(of: &[(&str, &[&str])]) -> Locations {
        let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Locations::new(&of.iter().map(|(name, texts)| ((*name).to_owned(), networks(texts))).collect())
    }

    fn found(locations: &Locations, address: &str, length: u8) -> (Option<LocationId>, u8) {
        let Place { location, scope } = locations.find(address.parse().unwrap(), length);
        (location, scope)
    }

    #[test]
    fn the_smallest_network_counts_and_what_is_in_none_is_near_to_nobody() {
        let all =
            locations(&[("ch", &["192.0.2.0/24", "2001:db8::/32"]), ("nl", &["192.0.2.128/25", "198.51.100.7/32"])]);
        assert_eq!(found(&all, "192.0.2.1", 32), (Some(0), 25), "the other half is elsewhere");
        assert_eq!(found(&all, "192.0.2.200", 32), (Some(1), 25));
        assert_eq!(found(&all, "198.51.100.7", 32), (Some(1), 32));
        assert_eq!(found(&all, "198.51.100.6", 32), (None, 32));
        assert_eq!(found(&all, "203.0.113.1", 32).0, None);
        assert_eq!(found(&all, "2001:db8::1", 128), (Some(0), 32));
        assert_eq!(found(&all, "::ffff:192.0.2.1", 128).0, None, "that is an address of IPv6");
        assert_eq!(found(&all, "192.0.0.0", 22), (None, 23), "with so few bits it may be in none or in one of two");
        assert_eq!(found(&all, "192.0.2.0", 24), (Some(0), 25));
        assert_eq!(found(&locations(&[]), "192.0.2.1", 32), (None, 0));
        assert_eq!(found(&locations(&[("all", &["0.0.0.0/0"])]), "192.0.2.1", 32), (Some(0), 0));
    }

    #[test]
    fn what_holds_of_an_address_holds_of_all_that_its_scope_covers_and_of_no_larger_block() {
        let seed = fastrand::u64(..);
        println!("SEED={seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..300 {
            // Few bits differ, so that networks lie in each other.
            let mut network =
                || format!("10.0.{}.0/{}", random.u8(..) & 0xf0, random.u8(16..=24)).parse::<IpNet>().unwrap();
            let config: LocationsConfig =
                ["a", "b", "c"].map(|name| (name.to_owned(), (0..3).map(|_| network().trunc()).collect())).into();
            let all = Locations::new(&config);
            let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 | random.u32(..1 << 16));
            let Place { location, scope } = all.find(address.into(), 32);
            let mask = u32::MAX.checked_shl(32 - u32::from(scope)).unwrap_or(0);
            for _ in 0..50 {
                let other = std::net::Ipv4Addr::from_bits(address.to_bits() & mask | random.u32(..) & !mask);
                assert_eq!(all.find(other.into(), 32), Place { location, scope }, "{address} {other} {config:?}");
            }
            let smallest = config.values().flatten().filter(|network| network.contains(&IpAddr::V4(address)));
            let smallest = smallest.map(IpNet::prefix_len).max();
            let named = location.and_then(|location| config.values().nth(location.into()));
            let own = named.into_iter().flatten().filter(|network| network.contains(&IpAddr::V4(address)));
            assert_eq!(own.map(IpNet::prefix_len).max(), smallest, "{address} {config:?}");
        }
    }
}
