//! What every query is answered from: the compiled zones, for each pool the addresses it has now, and told challenges.
//!
//! Immutable, swapped whole: A and AAAA of a pool never disagree about a moment.

use std::net::IpAddr;
use std::sync::Arc;

use super::challenges::answers::ChallengeAnswers;
use super::compiled::{Node, OwnRrSet, PoolId, RrSet, Zones};
use super::locality::{LocationId, Locations};
use super::pool::binding;
use super::transfer::Transfers;
use crate::config::dns::{IdentityConfig, PoolConfig};
use crate::zone::number::rtype;

/// Everything an answer needs.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Its number, one more than that of the snapshot before.
    pub generation: u64,
    /// The zones of the document.
    pub zones: Arc<Zones>,
    /// By [`PoolId`].
    pub pools: Box<[PoolAnswer]>,
    /// The challenges that lie over the zones; nearly always none.
    pub challenges: Option<Arc<ChallengeAnswers>>,
    /// Who gets whole zones, and by which keys other nameservers are known.
    pub transfers: Arc<Transfers>,
    /// What this nameserver says of itself.
    pub identity: IdentityConfig,
    /// Where clients are.
    pub locations: Arc<Locations>,
}

/// A pool's prepared records.
#[derive(Debug)]
pub struct PoolAnswer {
    /// Its A and AAAA's, and at most its negative answers', in seconds.
    pub ttl: u32,
    /// What clients get that are near to nobody, and those of locations that are not in `near`.
    pub everywhere: PoolRecords,
    /// What clients of these locations get instead.
    pub near: Box<[(LocationId, PoolRecords)]>,
    /// Whether its A, and its AAAA, are those from before an outage.
    pub stale: [bool; 2],
    /// What its names have in signed zones, by account.
    pub signed: Arc<[SignedName]>,
}

/// What one name of a pool has in a signed zone.
#[derive(Debug)]
pub struct SignedName {
    /// Which name ([`Node::account`]).
    pub account: u64,
    /// What goes with the records for every client.
    pub everywhere: SignedRecords,
    /// What goes with those for clients of these locations.
    pub near: Box<[(LocationId, SignedRecords)]>,
}

/// What goes with the records that a client gets of a pool, at one of its names.
#[derive(Debug)]
pub struct SignedRecords {
    /// RRSIG records of A, AAAA and HTTPS, as [`RrSet::signatures`] has them.
    pub signatures: [Box<[u8]>; 3],
    /// The NSEC or NSEC3 record of the name, with the types that it has now.
    pub denial: OwnRrSet,
}

/// The records that a client gets of a pool.
#[derive(Debug, PartialEq, Eq)]
pub struct PoolRecords {
    /// A; none: NODATA.
    a: Option<OwnRrSet>,
    /// AAAA.
    aaaa: Option<OwnRrSet>,
    /// HTTPS, which has none in it while nobody could connect; none: that is the zone's own matter.
    https: Option<OwnRrSet>,
}

impl Snapshot {
    /// A pool's answer.
    pub fn pool(&self, id: PoolId) -> &PoolAnswer {
        &self.pools[id as usize]
    }
}

impl PoolAnswer {
    /// The same for every client.
    pub fn new(ttl: u32, addresses: &[IpAddr]) -> PoolAnswer {
        PoolAnswer {
            ttl,
            everywhere: PoolRecords::new(ttl, addresses),
            near: Box::default(),
            stale: [false; 2],
            signed: Arc::default(),
        }
    }

    /// With an HTTPS record of this data beside them; `None`: with none, whatever the zone has.
    #[must_use]
    pub fn with_https(self, rdata: Option<&[u8]>) -> PoolAnswer {
        PoolAnswer { everywhere: self.everywhere.with_https(self.ttl, rdata), ..self }
    }

    /// Whether what is answered of this type is from before an outage.
    pub fn is_stale(&self, rtype: u16) -> bool {
        match rtype {
            rtype::A => self.stale[0],
            rtype::AAAA => self.stale[1],
            _ => false,
        }
    }

    /// Whether what is answered of this type is the pool's, and not the zone's.
    pub fn decides(&self, rtype: u16) -> bool {
        match rtype {
            rtype::NSEC => !self.signed.is_empty(),
            _ => self.everywhere.decides(rtype),
        }
    }

    /// Whether every client gets the same records of another one, whatever signs them.
    pub fn has_the_records_of(&self, other: &PoolAnswer) -> bool {
        (self.ttl, &self.everywhere, &self.near) == (other.ttl, &other.everywhere, &other.near)
    }

    /// The set of a type at one of its names, for clients of a location or of none.
    pub fn set(&self, name: Node<'_>, location: Option<LocationId>, rtype: u16) -> Option<RrSet<'_>> {
        if rtype == rtype::NSEC {
            return self.denial(name, location).filter(|denial| denial.rtype == rtype);
        }
        let set = self.records(location).set(rtype)?;
        let signed = if self.signed.is_empty() { None } else { self.signed(name, location) };
        let signatures = signed.map_or(&[][..], |signed| signed.signatures(rtype));
        Some(RrSet { signatures, ..set })
    }

    /// The NSEC or NSEC3 record of one of its names, where the zone is signed.
    pub fn denial(&self, name: Node<'_>, location: Option<LocationId>) -> Option<RrSet<'_>> {
        self.signed(name, location).map(|signed| signed.denial.get())
    }

    fn signed(&self, name: Node<'_>, location: Option<LocationId>) -> Option<&SignedRecords> {
        let found = self.signed.binary_search_by_key(&name.account(), |signed| signed.account);
        let signed = found.ok().and_then(|place| self.signed.get(place))?;
        let near = location.and_then(|location| signed.near.iter().find(|(near, _)| *near == location));
        Some(near.map_or(&signed.everywhere, |(_, records)| records))
    }

    /// The records for clients of a location, or of none.
    pub fn records(&self, location: Option<LocationId>) -> &PoolRecords {
        let near = location.and_then(|location| self.near.iter().find(|(near, _)| *near == location));
        near.map_or(&self.everywhere, |(_, records)| records)
    }
}

impl SignedRecords {
    fn signatures(&self, rtype: u16) -> &[u8] {
        match rtype {
            rtype::A => &self.signatures[0],
            rtype::AAAA => &self.signatures[1],
            rtype::HTTPS => &self.signatures[2],
            _ => &[],
        }
    }
}

impl PoolRecords {
    /// The types that they may be of.
    pub const TYPES: [u16; 3] = [rtype::A, rtype::AAAA, rtype::HTTPS];

    /// Prepares the records of these addresses.
    pub fn new<'a>(ttl: u32, addresses: impl IntoIterator<Item = &'a IpAddr>) -> PoolRecords {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        for address in addresses {
            match address {
                IpAddr::V4(address) => v4.push(address.octets()),
                IpAddr::V6(address) => v6.push(address.octets()),
            }
        }
        let a = OwnRrSet::new(rtype::A, ttl, v4.iter().map(|octets| &octets[..]));
        let aaaa = OwnRrSet::new(rtype::AAAA, ttl, v6.iter().map(|octets| &octets[..]));
        let there = |set: OwnRrSet| Some(set).filter(|set| !set.is_empty());
        PoolRecords { a: there(a), aaaa: there(aaaa), https: None }
    }

    /// With an HTTPS record of this data beside them; `None`: with none, whatever the zone has.
    #[must_use]
    pub fn with_https(self, ttl: u32, rdata: Option<&[u8]>) -> PoolRecords {
        PoolRecords { https: Some(OwnRrSet::new(rtype::HTTPS, ttl, rdata)), ..self }
    }

    /// Those of a pool that is answered with these addresses.
    pub fn of_pool(config: &PoolConfig, addresses: &[IpAddr]) -> PoolRecords {
        let records = PoolRecords::new(config.ttl, addresses);
        match &config.https {
            Some(https) => records.with_https(config.ttl, binding::rdata(https, config, addresses).as_deref()),
            None => records,
        }
    }

    /// Whether sets of a type are decided here, and not by the zone.
    pub fn decides(&self, rtype: u16) -> bool {
        match rtype {
            rtype::A | rtype::AAAA => true,
            rtype::HTTPS => self.https.is_some(),
            _ => false,
        }
    }

    /// The set of one type, where it has records of it.
    pub fn set(&self, rtype: u16) -> Option<RrSet<'_>> {
        match rtype {
            rtype::A => self.a.as_ref().map(OwnRrSet::get),
            rtype::AAAA => self.aaaa.as_ref().map(OwnRrSet::get),
            rtype::HTTPS => self.https.as_ref().filter(|set| !set.is_empty()).map(OwnRrSet::get),
            _ => None,
        }
    }
}
