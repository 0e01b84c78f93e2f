//! Where the client of a query is, for pools of which members are near to some clients and not to others: looked up when the first such pool is
//! come to, and never for other queries.

use std::cell::Cell;
use std::net::IpAddr;

use super::query::Edns;
use crate::dns::locality::subnet::Stated;
use crate::dns::locality::{LocationId, Locations, Place};
use crate::dns::snapshot::PoolAnswer;

/// Where the client is.
pub(super) struct Nearness<'s> {
    locations: &'s Locations,
    /// By this he is found, and by so many of its bits; none: his address is not known.
    address: Option<(IpAddr, u8)>,
    /// The resolver says for whom it asks: what is answered is good for a part of its clients.
    is_stated: bool,
    found: Cell<Option<Place>>,
}

impl<'s> Nearness<'s> {
    /// That of a client: of the network that the query says it is for (RFC 7871), or of whoever sends it.
    pub(super) fn of(edns: Option<&Edns>, sender: Option<IpAddr>, locations: &'s Locations) -> Nearness<'s> {
        let stated = edns.and_then(|edns| match edns.subnet {
            Some(Stated::In(subnet)) if subnet.prefix > 0 => Some((subnet.address, subnet.prefix)),
            _ => None,
        });
        let address = stated.or(sender.map(|address| (address.to_canonical(), u8::MAX)));
        Nearness { locations, address, is_stated: stated.is_some(), found: Cell::new(None) }
    }

    /// The client's location, as far as it counts for what this pool is answered with.
    pub(super) fn location(&self, pool: &PoolAnswer) -> Option<LocationId> {
        if pool.near.is_empty() {
            return None;
        }
        let (address, length) = self.address?;
        let place = self.found.get().unwrap_or_else(|| self.locations.find(address, length));
        self.found.set(Some(place));
        place.location
    }

    /// For how much of the network that the query states its answer is good, in bits.
    pub(super) fn scope(&self) -> u8 {
        self.found.get().filter(|_| self.is_stated).map_or(0, |place| place.scope)
    }
}

/// Whether a query states a network in a way that breaks the rules, where somebody goes by it (RFC 7871, 7.2.1).
pub(super) fn is_malformed(edns: Option<&Edns>, locations: &Locations) -> bool {
    !locations.is_empty() && edns.is_some_and(|edns| edns.subnet == Some(Stated::Malformed))
}
