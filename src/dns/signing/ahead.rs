//! Signatures of what pools may be answered with next, made before it is: beside the control thread, so that a flip has nothing to wait for.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use super::made::Made;
use super::pools::of_records;
use super::roles::Moment;
use super::signer::ZoneSigner;
use crate::config::dns::PoolConfig;
use crate::dns::compiled::{Node, PoolId, RrSet, Zone};
use crate::dns::pool::ahead::answers;
use crate::dns::snapshot::PoolRecords;
use crate::parallel;

/// How many answers of a pool are signed ahead: all that it can have where it has eight addresses at most.
const MOST_ANSWERS: usize = 256;

/// How many sets are signed ahead in all, about: some 300 bytes each.
const MOST_SETS: usize = 65_536;

/// The least answers of a pool, where there are very many names.
const LEAST_ANSWERS: usize = 8;

/// A pool, and the addresses that it is answered with at present, everywhere and in each location.
pub type Present<'p> = (&'p PoolConfig, &'p [Vec<IpAddr>]);

/// Zones, with what signs those of them that are signed here.
pub type SignedZones<'z> = &'z [(Arc<Zone>, Arc<ZoneSigner>)];

/// What was signed ahead.
#[derive(Debug)]
pub struct Ahead {
    /// The signatures.
    pub made: Made,
    /// Those of every answer that the pools can have.
    pub is_all: bool,
}

/// Signs what `pools`, in the document's order, may be answered with next, in these zones at an hour. What is in `before` is kept if it is still right.
pub fn sign_ahead(pools: &[Present<'_>], zones: SignedZones<'_>, hour: u64, before: &[&Made]) -> Ahead {
    let (named, most) = (pools_of(zones).collect::<BTreeSet<PoolId>>(), most_answers(zones));
    let mut is_all = true;
    let answered = (0..).zip(pools).map(|(pool, (config, present))| {
        if !named.contains(&pool) {
            return (*config, Vec::new());
        }
        let answers = answers(config, present, most);
        is_all &= answers.are_all;
        (*config, answers.all)
    });
    let answered: Vec<(&PoolConfig, Vec<Vec<IpAddr>>)> = answered.collect();
    Ahead { made: sign_answers(&answered, zones, hour, before), is_all }
}

/// How many answers of each pool are signed ahead at most, in these zones.
pub fn most_answers(zones: SignedZones<'_>) -> usize {
    let names = pools_of(zones).count();
    (MOST_SETS / (PoolRecords::TYPES.len() * names.max(1))).clamp(LEAST_ANSWERS, MOST_ANSWERS)
}

/// The pool of each name that has one.
fn pools_of(zones: SignedZones<'_>) -> impl Iterator<Item = PoolId> {
    zones.iter().flat_map(|(zone, _)| zone.pool_names()).map(|(pool, _)| pool)
}

/// Signs these answers of each of `pools`, in the document's order, at all of its names in these zones, on all cores.
pub fn sign_answers(
    pools: &[(&PoolConfig, Vec<Vec<IpAddr>>)],
    zones: SignedZones<'_>,
    hour: u64,
    before: &[&Made],
) -> Made {
    let records = pools.iter().map(|(config, answers)| {
        answers.iter().map(|addresses| PoolRecords::of_pool(config, addresses)).collect::<Vec<PoolRecords>>()
    });
    let records: Vec<Vec<PoolRecords>> = records.collect();
    let signed = zones.iter().filter(|(zone, _)| zone.signatures().is_some());
    let signed: Vec<(&Zone, Moment<'_>)> = signed.map(|(zone, signer)| (&**zone, signer.at(hour))).collect();
    let names = signed
        .iter()
        .flat_map(|(zone, moment)| zone.pool_names().map(move |(pool, node)| (usize::from(pool), *zone, moment, node)));
    let names: Vec<(usize, &Zone, &Moment<'_>, Node<'_>)> = names.collect();
    let sign = |name: usize| {
        let mut made = Made::default();
        let (pool, zone, moment, node) = names[name];
        let Some(((config, _), records)) = pools.get(pool).zip(records.get(pool)) else { return made };
        let mut sign = |owner: &[u8], set: RrSet<'_>| made.sign(before, owner, set, moment).0;
        for records in records {
            of_records(zone, node, (records, config.ttl), |rtype| records.decides(rtype), &mut sign);
        }
        made
    };
    let mut all = Made::default();
    let Ok(()) = parallel::in_order(names.len(), parallel::cores(), sign, |made| {
        all.append(made);
        Ok::<(), Infallible>(())
    });
    all
}
