//! All signatures of a zone, and its chain of NSEC or NSEC3 records.

use super::digest::with_digest;
use super::hash;
use super::roles::Moment;
use super::rrset::Unsigned;
use crate::config::dns::Denial;
use crate::dns::compiled::{NameHash, Node, NodeId, OwnRrSet, RrSet, Signatures, Zone};
use crate::zone::name::{self, LONGEST_NAME};
use crate::zone::number::rtype;
use crate::zone::rdata::bitmap;

/// Why a zone cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsignable {
    /// It comes signed.
    #[error(
        "its file is signed already: give it a file without signatures, or take out \"dnssec\" and it is served with those that it has"
    )]
    Presigned,
    /// Its file has records of a type that come of its keys.
    #[error(
        "its apex has a {0} record of its own, and those of a zone that is signed here come of its keys: remove the record"
    )]
    OwnKeys(&'static str),
    /// Its file has a digest of the zone as it is without signatures (RFC 8976, 3.3.1).
    #[error(
        "its file has a ZONEMD record, which is none of the signed zone: remove the record (\"zonemd\": true makes one)"
    )]
    Digest,
    /// It has names of pools, which change without it.
    #[error(
        "it is to have a digest (\"zonemd\"), and {0} in it is a pool's, whose addresses change all the time: take one of them out"
    )]
    DigestOfPool(String),
    /// The owners of its NSEC3 records would be longer than names can be.
    #[error("its apex is so long that no hash fits before it in a name: use \"nsec\" as its \"denial\"")]
    LongApex,
    /// Its signatures do not fit.
    #[error("its signatures take more than 4 GiB of memory: split it")]
    TooLarge,
}

/// Whether a zone can be signed, as far as its file says.
///
/// # Errors
///
/// It has keys or a digest of its own, or its apex is too long for hashes.
pub fn check_signable(zone: &Zone, denial: Denial) -> Result<(), Unsignable> {
    let apex = zone.node(0);
    let own = [(rtype::DNSKEY, "DNSKEY"), (rtype::CDS, "CDS"), (rtype::CDNSKEY, "CDNSKEY")];
    if let Some((_, name)) = own.into_iter().find(|(rtype, _)| apex.sets().any(|set| set.rtype == *rtype)) {
        return Err(Unsignable::OwnKeys(name));
    }
    if apex.sets().any(|set| set.rtype == rtype::ZONEMD) {
        return Err(Unsignable::Digest);
    }
    if denial == Denial::Nsec3 && hash::owner(&NameHash::default(), &zone.apex).len() > LONGEST_NAME {
        return Err(Unsignable::LongApex);
    }
    Ok(())
}

/// Signs a zone. What `before` has of the same records, made with the same keys and still as good, is kept.
///
/// # Errors
///
/// It has keys of its own, or is too large.
pub fn sign_zone(zone: &Zone, moment: &Moment<'_>, before: Option<&Zone>) -> Result<Signatures, Unsignable> {
    if zone.is_presigned() {
        return Err(Unsignable::Presigned);
    }
    check_signable(zone, moment.signer.denial)?;
    if let Some((_, pool)) = zone.pool_names().next().filter(|_| moment.signer.zonemd) {
        return Err(Unsignable::DigestOfPool(name::to_text(pool.name())));
    }
    let before = before.filter(|before| before.signatures().is_some());
    let (ttl, apex_sets) = (zone.negative.get().ttl, apex_sets(zone, moment, before));
    let soa = zone.with_serial(moment.serial(zone.file_serial()));
    let digest = moment.signer.zonemd.then_some(rtype::ZONEMD);
    let made: Vec<u16> = apex_sets.iter().map(|set| set.get().rtype).chain(digest).collect();
    let owners = owners(zone, moment.signer.denial);
    let (mut signed, next) = match moment.signer.denial {
        Denial::Nsec => {
            let behind = owners.iter().skip(1).chain([&0]);
            let next = behind.map(|id| name::lower(zone.node(*id).name())).map(Next::Name).collect();
            (Signatures::by_name(ttl, apex_sets), next)
        }
        Denial::Nsec3 => by_hash(zone, ttl, apex_sets, &owners),
    };
    let mut chain = owners.into_iter().zip::<Vec<Next>>(next).peekable();
    let mut hidden = Hidden::default();
    for node in zone.nodes() {
        let is_hidden = hidden.hides(node);
        let owner = name::lower(node.name());
        let earlier = before.and_then(|before| before.by_name(&owner));
        for set in node.sets() {
            let set = if set.rtype == rtype::SOA { soa.get() } else { set };
            let is_signed = !is_hidden && is_signed(node, set.rtype);
            let signatures = if is_signed { sign(moment, &owner, set, earlier) } else { Vec::new() };
            signed.add_set(&signatures).map_err(|_| Unsignable::TooLarge)?;
        }
        let Some((_, next)) = chain.next_if(|(id, _)| *id == node.id()) else {
            signed.add_hidden_node();
            continue;
        };
        let hashed = next.owner(&zone.apex, &owner);
        if node.pool().is_some() {
            signed.add_node(hashed.as_deref(), None).map_err(|_| Unsignable::TooLarge)?;
            continue;
        }
        let made = if node.id() == 0 { &made[..] } else { &[] };
        let types = node.sets().map(|set| set.rtype).chain(made.iter().copied());
        let rdata = next.rdata(node, types);
        let earlier = earlier.and_then(Node::denial).filter(|set| set.first() == &rdata[..]);
        let set = Unsigned {
            owner: hashed.as_deref().unwrap_or(&owner),
            rtype: signed.denial_type(),
            ttl: signed.ttl(),
            rdatas: &[&rdata],
        };
        let signatures = moment.sign(set, earlier.map_or(&[], |set| set.signatures));
        signed.add_node(hashed.as_deref(), Some((&rdata, &signatures))).map_err(|_| Unsignable::TooLarge)?;
    }
    let signed = signed.with_soa(soa);
    Ok(if digest.is_some() { with_digest(zone, signed, moment, before) } else { signed })
}

/// The beginnings of a zone with hashed names: its hashes in their order, and the next one of each owner.
fn by_hash(zone: &Zone, ttl: u32, apex_sets: Vec<OwnRrSet>, owners: &[NodeId]) -> (Signatures, Vec<Next>) {
    let hash_of = |id: &NodeId| hash::hash(&name::lower(zone.node(*id).name()));
    let mut hashes: Vec<(NameHash, NodeId)> = owners.iter().map(|id| (hash_of(id), *id)).collect();
    hashes.sort_unstable();
    let length = hash::owner(&NameHash::default(), &zone.apex).len() as u16;
    let signed = Signatures::by_hash(ttl, apex_sets, hashes, length);
    let next = owners.iter().filter_map(|id| signed.next_hash(&hash_of(id)).copied()).map(Next::Hash).collect();
    (signed, next)
}

/// Whether a set of a node that is not hidden is this zone's own (RFC 4035, 2.2).
fn is_signed(node: Node<'_>, rtype: u16) -> bool {
    !node.is_cut() || rtype == rtype::DS
}

/// What comes behind a name in the chain of those that are there.
pub(super) enum Next {
    /// The next name, in lower case (RFC 4034, 4.1.1).
    Name(Box<[u8]>),
    /// The next hash (RFC 5155, 3.1.7).
    Hash(NameHash),
}

impl Next {
    /// What comes behind a node of a zone that is signed.
    pub(super) fn behind(zone: &Zone, signatures: &Signatures, node: Node<'_>) -> Next {
        let hash = signatures.next_hash(&hash::hash(&name::lower(node.name())));
        hash.map_or_else(
            || Next::Name(name::lower(zone.node(signatures.next_owner(node.id())).name())),
            |hash| Next::Hash(*hash),
        )
    }

    /// What lies directly behind a name: a record with it says nothing of any other name (RFC 4470, 3, and RFC 7129, appendix B). None: the name is so long
    /// that no name is below it.
    pub(super) fn directly_behind(name: &[u8], denial: Denial) -> Option<Next> {
        Some(match denial {
            Denial::Nsec if name.len() + 2 > LONGEST_NAME => return None,
            Denial::Nsec => Next::Name([&[1, 0], name].concat().into()),
            Denial::Nsec3 => {
                let mut hash = hash::hash(name);
                for byte in hash.iter_mut().rev() {
                    *byte = byte.wrapping_add(1);
                    if *byte != 0 {
                        break;
                    }
                }
                Next::Hash(hash)
            }
        })
    }

    /// The owner of the record, where that is not the name itself.
    pub(super) fn owner(&self, apex: &[u8], name: &[u8]) -> Option<Vec<u8>> {
        match self {
            Next::Name(_) => None,
            Next::Hash(_) => Some(hash::owner(&hash::hash(name), apex)),
        }
    }

    /// The data of the record of a node with sets of these types (RFC 4034, 4.1; RFC 5155, 3.2).
    pub(super) fn rdata(&self, node: Node<'_>, types: impl Iterator<Item = u16>) -> Vec<u8> {
        // What a delegation has at its own name besides is the other zone's (RFC 4035, 2.3).
        let is_told = |rtype: &u16| is_signed(node, *rtype) || *rtype == rtype::NS;
        let mut types = types.filter(is_told).collect::<Vec<_>>();
        // An NSEC record has a signature itself.
        let has_signatures = matches!(self, Next::Name(_)) || types.iter().any(|rtype| is_signed(node, *rtype));
        types.extend(has_signatures.then_some(rtype::RRSIG));
        self.rdata_of(types)
    }

    /// The same of a name with sets of these types, RRSIG among them where it has signatures.
    pub(super) fn rdata_of(&self, types: Vec<u16>) -> Vec<u8> {
        match self {
            Next::Name(next) => [&next[..], &bitmap(types.into_iter().chain([rtype::NSEC]))].concat(),
            Next::Hash(next) => [&hash::PARAMETERS[..], &[next.len() as u8], next, &bitmap(types)].concat(),
        }
    }
}

/// What the apex has besides its own sets: the keys, and by what names are hashed.
fn apex_sets(zone: &Zone, moment: &Moment<'_>, before: Option<&Zone>) -> Vec<OwnRrSet> {
    let ttl = zone.node(0).set(rtype::SOA).map_or(0, |soa| soa.ttl);
    let (cds, cdnskeys) = moment.for_parent();
    let cds = cds.iter().map(Vec::as_slice).collect();
    let mut sets: Vec<(u16, Vec<&[u8]>)> =
        vec![(rtype::DNSKEY, moment.dnskeys()), (rtype::CDS, cds), (rtype::CDNSKEY, cdnskeys)];
    if moment.signer.denial == Denial::Nsec3 {
        sets.push((rtype::NSEC3PARAM, vec![&hash::PARAMETERS]));
    }
    let signed = sets.into_iter().filter(|(_, rdatas)| !rdatas.is_empty()).map(|(rtype, rdatas)| {
        let set = OwnRrSet::new(rtype, ttl, rdatas.iter().copied());
        let earlier =
            before.and_then(|before| before.node(0).set(rtype)).filter(|earlier| earlier.wire == set.get().wire);
        let unsigned = Unsigned { owner: &zone.apex, rtype, ttl, rdatas: &rdatas };
        let signatures = moment.sign(unsigned, earlier.map_or(&[], |set| set.signatures));
        set.signed(signatures.into())
    });
    signed.collect()
}

fn sign(moment: &Moment<'_>, owner: &[u8], set: RrSet<'_>, earlier: Option<Node<'_>>) -> Vec<u8> {
    let rdatas: Vec<&[u8]> = set.rdatas().collect();
    let earlier = earlier.and_then(|node| node.set(set.rtype)).filter(|earlier| earlier.wire == set.wire);
    let unsigned = Unsigned { owner, rtype: set.rtype, ttl: set.ttl, rdatas: &rdatas };
    moment.sign(unsigned, earlier.map_or(&[], |set| set.signatures))
}

/// The nodes with an NSEC record, which have a set or a pool (RFC 4035, 2.3), or with an NSEC3 record, which are all that exist (RFC 5155, 7.1).
fn owners(zone: &Zone, denial: Denial) -> Vec<NodeId> {
    let mut hidden = Hidden::default();
    let visible = zone.nodes().filter(move |node| !hidden.hides(*node));
    let is_owner = |node: &Node<'_>| denial == Denial::Nsec3 || node.pool().is_some() || node.sets().next().is_some();
    visible.filter(is_owner).map(Node::id).collect()
}

/// What a delegation or a DNAME hides: the walk over the names comes by it before it comes by them.
#[derive(Default)]
struct Hidden<'z> {
    below: Option<&'z [u8]>,
}

impl<'z> Hidden<'z> {
    /// Whether the next node, in canonical order, is hidden.
    fn hides(&mut self, node: Node<'z>) -> bool {
        if self.below.is_some_and(|above| name::is_within(node.name(), above)) {
            return true;
        }
        let hides = node.is_cut() || node.set(rtype::DNAME).is_some();
        self.below = hides.then(|| node.name());
        false
    }
}
