//! What the names of a pool have in signed zones, for the records that it has now.

use std::collections::HashMap;

use super::roles::Moment;
use super::rrset::Unsigned;
use super::zone::Next;
use crate::dns::compiled::{Node, OwnRrSet, PoolId, RrSet, Zone};
use crate::dns::snapshot::{PoolAnswer, PoolRecords, SignedName, SignedRecords};
use crate::zone::name;
use crate::zone::number::rtype;

/// How many sets are remembered whose signatures are not in use at present.
const MOST_UNUSED: usize = 10_000;

/// The signatures that were made for pools, by owner and records: a member that comes back has had its answer before.
#[derive(Debug, Default)]
pub struct Signed {
    made: HashMap<Key, Box<[u8]>>,
    used: HashMap<Key, Box<[u8]>>,
}

/// An owner, and the records of a set.
type Key = (Box<[u8]>, Box<[u8]>);

impl Signed {
    /// Signs what pools are answered with, in zones that are signed.
    pub fn sign(&mut self, answers: &mut [PoolAnswer], zones: &[(&Zone, Moment<'_>)]) {
        answers.iter_mut().for_each(|answer| answer.signed = Box::default());
        for (zone, moment) in zones {
            let mut named: HashMap<PoolId, Vec<Node<'_>>> = HashMap::new();
            zone.pool_names().for_each(|(pool, node)| named.entry(pool).or_default().push(node));
            for (pool, nodes) in named {
                let Some(answer) = answers.get_mut(usize::from(pool)) else { continue };
                let signed: Vec<SignedName> =
                    nodes.into_iter().map(|node| self.name(zone, node, answer, moment)).collect();
                answer.signed = std::mem::take(&mut answer.signed).into_iter().chain(signed).collect();
            }
        }
        if self.made.len() > MOST_UNUSED {
            self.made.clear();
        }
        self.made.extend(self.used.drain());
    }

    fn name(&mut self, zone: &Zone, node: Node<'_>, answer: &PoolAnswer, moment: &Moment<'_>) -> SignedName {
        let mut records = |records: &PoolRecords| self.records(zone, node, (answer, records), moment);
        let everywhere = records(&answer.everywhere);
        let near = answer.near.iter().map(|(location, near)| (*location, records(near))).collect();
        SignedName { account: node.account(), everywhere, near }
    }

    fn records(
        &mut self,
        zone: &Zone,
        node: Node<'_>,
        (answer, records): (&PoolAnswer, &PoolRecords),
        moment: &Moment<'_>,
    ) -> SignedRecords {
        let owner = name::lower(node.name());
        let signatures = PoolRecords::TYPES
            .map(|rtype| records.set(rtype).map(|set| self.set(&owner, set, moment)).unwrap_or_default());
        let of_zone = node.sets().map(|set| set.rtype).filter(|rtype| !answer.decides(*rtype));
        let of_pool =
            PoolRecords::TYPES.into_iter().filter(|rtype| answer.decides(*rtype) && records.set(*rtype).is_some());
        let made = zone.signatures().filter(|_| node.id() == 0).into_iter().flat_map(|made| made.at_apex());
        let types = of_zone.chain(of_pool).chain(made.map(|set| set.rtype));
        let denial = zone.signatures().map(|signatures| {
            let next = Next::behind(zone, signatures, node);
            let rdata = next.rdata(node, types);
            // What is denied may be there as soon as the pool's answer changes.
            let ttl = signatures.ttl().min(answer.ttl);
            (signatures.denial_type(), ttl, next.owner(&zone.apex, &owner), rdata)
        });
        let denial = denial.map(|(rtype, ttl, hashed, rdata)| {
            let denial = OwnRrSet::new(rtype, ttl, [&rdata[..]]);
            let signatures = self.set(hashed.as_deref().unwrap_or(&owner), denial.get(), moment);
            denial.signed(signatures)
        });
        SignedRecords { signatures, denial: denial.unwrap_or_else(|| OwnRrSet::new(rtype::NSEC, 0, [])) }
    }

    fn set(&mut self, owner: &[u8], set: RrSet<'_>, moment: &Moment<'_>) -> Box<[u8]> {
        let key = (Box::from(owner), Box::from(set.wire));
        let before = self.used.get(&key).or_else(|| self.made.get(&key)).map_or(&[][..], |made| made);
        let rdatas: Vec<&[u8]> = set.rdatas().collect();
        let unsigned = Unsigned { owner, rtype: set.rtype, ttl: set.ttl, rdatas: &rdatas };
        let signatures: Box<[u8]> = moment.sign(unsigned, before).into();
        self.used.insert(key, signatures.clone());
        signatures
    }
}
