//! What the names of a pool have in signed zones, for the records that it has now.

use std::collections::HashMap;
use std::sync::Arc;

use super::chain::Next;
use super::made::Made;
use super::roles::Moment;
use crate::dns::compiled::{Node, OwnRrSet, PoolId, RrSet, Zone};
use crate::dns::snapshot::{PoolAnswer, PoolRecords, SignedName, SignedRecords};
use crate::zone::name;
use crate::zone::number::rtype;

/// The signatures that are at hand when a pool's answer changes.
#[derive(Debug, Default)]
pub struct Signed {
    /// What was made ahead.
    ahead: Arc<Made>,
    /// What was made with a document, before it was in force; nothing once something was made ahead for it.
    prepared: Arc<Made>,
    /// What was made since, when it was wanted.
    late: Made,
    /// How many signatures of sets were not there when they were wanted.
    waited_for: u64,
}

impl Signed {
    /// Takes what was made with a document that comes into force.
    pub fn take_prepared(&mut self, made: Arc<Made>) {
        self.prepared = made;
    }

    /// All that was made before it was wanted.
    pub fn at_hand(&self) -> [Arc<Made>; 2] {
        [Arc::clone(&self.ahead), Arc::clone(&self.prepared)]
    }

    /// Signs what pools are answered with, in zones that are signed; `kept` are answers that had the same zones, at the same hour.
    pub fn sign(&mut self, answers: &mut [PoolAnswer], kept: &[PoolAnswer], zones: &[(&Zone, Moment<'_>)]) {
        let mut names: HashMap<PoolId, Vec<SignedName>> = HashMap::new();
        let is_kept = |pool: PoolId| {
            let of = |answers: &[PoolAnswer]| answers.get(usize::from(pool)).is_some();
            of(answers) && of(kept) && answers[usize::from(pool)].has_the_records_of(&kept[usize::from(pool)])
        };
        for (zone, moment) in zones {
            for (pool, node) in zone.pool_names().filter(|(pool, _)| !is_kept(*pool)) {
                if let Some(answer) = answers.get(usize::from(pool)) {
                    let name = self.name(zone, node, answer, moment);
                    names.entry(pool).or_default().push(name);
                }
            }
        }
        for (pool, answer) in (0..).zip(answers) {
            answer.signed = match kept.get(usize::from(pool)).filter(|kept| answer.has_the_records_of(kept)) {
                Some(kept) => Arc::clone(&kept.signed),
                None => {
                    let mut names = names.remove(&pool).unwrap_or_default();
                    names.sort_unstable_by_key(|name| name.account);
                    names.into()
                }
            };
        }
    }

    /// What was made ahead.
    pub fn ahead(&self) -> &Arc<Made> {
        &self.ahead
    }

    /// Takes what was made ahead, with what is answered now among it.
    pub fn take_ahead(&mut self, made: Arc<Made>) {
        self.ahead = made;
        (self.prepared, self.late) = Default::default();
    }

    /// Takes what was made ahead for a document before the present one, with what of that was there already among it.
    pub fn take_from_before(&mut self, made: Arc<Made>) {
        self.ahead = made;
    }

    /// How many sets had no signature when they were to be answered, so that one was made then.
    pub fn waited_for(&self) -> u64 {
        self.waited_for
    }

    fn name(&mut self, zone: &Zone, node: Node<'_>, answer: &PoolAnswer, moment: &Moment<'_>) -> SignedName {
        let mut sign = |owner: &[u8], set: RrSet<'_>| {
            let (signatures, is_new) = self.late.sign(&[&self.ahead, &self.prepared], owner, set, moment);
            self.waited_for += u64::from(is_new);
            signatures
        };
        let decides = |rtype| answer.decides(rtype);
        let mut records = |records: &PoolRecords| of_records(zone, node, (records, answer.ttl), decides, &mut sign);
        let everywhere = records(&answer.everywhere);
        let near = answer.near.iter().map(|(location, near)| (*location, records(near))).collect();
        SignedName { account: node.account(), everywhere, near }
    }
}

/// What goes with these records of a pool, with their TTL, at one of its names. `decides`: whether sets of a type are the pool's, and not the zone's; `sign`
/// makes the RRSIG records of a set of an owner.
pub(super) fn of_records(
    zone: &Zone,
    node: Node<'_>,
    (records, pool_ttl): (&PoolRecords, u32),
    decides: impl Fn(u16) -> bool,
    sign: &mut impl FnMut(&[u8], RrSet<'_>) -> Box<[u8]>,
) -> SignedRecords {
    let owner = name::lower(node.name());
    let signatures =
        PoolRecords::TYPES.map(|rtype| records.set(rtype).map(|set| sign(&owner, set)).unwrap_or_default());
    let of_zone = node.sets().map(|set| set.rtype).filter(|rtype| !decides(*rtype));
    let of_pool = PoolRecords::TYPES.into_iter().filter(|rtype| decides(*rtype) && records.set(*rtype).is_some());
    let made = zone.signatures().filter(|_| node.id() == 0).into_iter().flat_map(|made| made.at_apex());
    let types = of_zone.chain(of_pool).chain(made.map(|set| set.rtype));
    let denial = zone.signatures().map(|signatures| {
        let next = Next::behind(zone, signatures, node);
        let rdata = next.rdata(node, types);
        // What is denied may be there as soon as the pool's answer changes.
        let ttl = signatures.ttl().min(pool_ttl);
        (signatures.denial_type(), ttl, next.owner(&zone.apex, &owner), rdata)
    });
    let denial = denial.map(|(rtype, ttl, hashed, rdata)| {
        let denial = OwnRrSet::new(rtype, ttl, [&rdata[..]]);
        let signatures = sign(hashed.as_deref().unwrap_or(&owner), denial.get());
        denial.signed(signatures)
    });
    SignedRecords { signatures, denial: denial.unwrap_or_else(|| OwnRrSet::new(rtype::NSEC, 0, [])) }
}
