//! All signatures of a zone, and its chain of NSEC or NSEC3 records.

use super::chain::{Next, owners};
use super::digest::with_digest;
use super::hash;
use super::nodes::{Names, SignedNode};
use super::roles::Moment;
use super::rrset::Unsigned;
use crate::config::dns::Denial;
use crate::dns::compiled::{NameHash, NodeId, OwnRrSet, Signatures, Zone};
use crate::parallel;
use crate::zone::name::{self, LONGEST_NAME};
use crate::zone::number::rtype;

/// How many nodes are signed at a time by one thread: some milliseconds' work.
const NODES_OF_A_PIECE: usize = 32;

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

/// Signs a zone, on all cores. What `before` has of the same records, made with the same keys and still as good, is kept.
///
/// # Errors
///
/// It has keys of its own, or is too large.
pub fn sign_zone(zone: &Zone, moment: &Moment<'_>, before: Option<&Zone>) -> Result<Signatures, Unsignable> {
    sign_on(parallel::cores(), zone, moment, before)
}

/// The same on so many threads.
pub(super) fn sign_on(
    threads: usize,
    zone: &Zone,
    moment: &Moment<'_>,
    before: Option<&Zone>,
) -> Result<Signatures, Unsignable> {
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
    let denial_type = signed.denial_type();
    let names = Names { zone, moment, before, soa: &soa, made: &made, owners: &owners, next: &next, denial_type, ttl };
    let pieces = zone.nodes().len().div_ceil(NODES_OF_A_PIECE);
    let nodes_of = |piece: usize| {
        let from = piece * NODES_OF_A_PIECE;
        from as NodeId..zone.nodes().len().min(from + NODES_OF_A_PIECE) as NodeId
    };
    let add = |nodes: Vec<SignedNode>| nodes.into_iter().try_for_each(|node| node.add_to(&mut signed));
    parallel::in_order(pieces, threads, |piece| names.sign(nodes_of(piece)), add).map_err(|_| Unsignable::TooLarge)?;
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
