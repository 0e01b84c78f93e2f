//! Signatures of what pools may be answered with next, made before it is: beside the control thread, so that a flip has nothing to wait for.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::made::Made;
use super::pools::of_records;
use super::signer::ZoneSigner;
use crate::config::dns::PoolConfig;
use crate::dns::compiled::{Node, PoolId, RrSet, Zone};
use crate::dns::pool::ahead::answers;
use crate::dns::snapshot::PoolRecords;

/// How many answers of a pool are signed ahead: all that it can have where it has eight addresses at most.
const MOST_ANSWERS: usize = 256;

/// How many sets are signed ahead in all, about: some 300 bytes each.
const MOST_SETS: usize = 65_536;

/// The least answers of a pool, where there are very many names.
const LEAST_ANSWERS: usize = 8;

/// A pool, and the addresses that it is answered with at present, everywhere and in each location.
pub type Present<'p> = (&'p PoolConfig, &'p [Vec<IpAddr>]);

/// What was signed ahead.
#[derive(Debug)]
pub struct Ahead {
    /// The signatures.
    pub made: Made,
    /// Those of every answer that the pools can have.
    pub is_all: bool,
}

/// Signs what `pools`, in the document's order, may be answered with next, in these zones at an hour. What is in `before` is kept if it is still right.
pub fn sign_ahead(pools: &[Present<'_>], zones: &[(Arc<Zone>, Arc<ZoneSigner>)], hour: u64, before: &Made) -> Ahead {
    let mut names: HashMap<PoolId, Vec<(&Zone, &ZoneSigner, Node<'_>)>> = HashMap::new();
    for (zone, signer) in zones.iter().filter(|(zone, _)| zone.signatures().is_some()) {
        zone.pool_names().for_each(|(pool, node)| names.entry(pool).or_default().push((zone, signer, node)));
    }
    let count: usize = names.values().map(Vec::len).sum();
    let most = (MOST_SETS / (PoolRecords::TYPES.len() * count.max(1))).clamp(LEAST_ANSWERS, MOST_ANSWERS);
    let mut ahead = Ahead { made: Made::default(), is_all: true };
    for (pool, (config, present)) in (0..).zip(pools) {
        let Some(names) = names.get(&pool) else { continue };
        let answers = answers(config, present, most);
        ahead.is_all &= answers.are_all;
        let records: Vec<PoolRecords> =
            answers.all.iter().map(|addresses| PoolRecords::of_pool(config, addresses)).collect();
        for (zone, signer, node) in names {
            let moment = signer.at(hour);
            let mut sign = |owner: &[u8], set: RrSet<'_>| ahead.made.sign(&[before], owner, set, &moment).0;
            for records in &records {
                of_records(zone, *node, (records, config.ttl), |rtype| records.decides(rtype), &mut sign);
            }
        }
    }
    ahead
}
