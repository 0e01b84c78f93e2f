//! What pools are likely to be answered with when a document comes into force, signed while it is read.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use crate::config::DnsConfig;
use crate::config::dns::PoolConfig;
use crate::daemon::lifecycle::StateFiles;
use crate::dns::compiled::Zones;
use crate::dns::control::SavedHealth;
use crate::dns::control::prepared::{AtHand, Prepared};
use crate::dns::pool::ahead::likely;
use crate::dns::signing::{Made, Signers, hour_of, most_answers, sign_answers};

/// Answers that are expected, by pool.
pub type Expected = BTreeMap<String, Vec<Vec<IpAddr>>>;

/// What the pools of a document are likely to be answered with that follows another one: the members that are answered, with those that are new and without.
pub fn expected_after(in_force: &Prepared, answered: &AtHand, config: &DnsConfig) -> Expected {
    let expected = answered.answered.iter().filter_map(|(name, answered)| {
        let (before, pool) = (in_force.config.pools.get(name)?, config.pools.get(name)?);
        let new = addresses(pool).filter(|address| !addresses(before).any(|known| known == *address));
        let with_new = answered.iter().chain(new).copied().collect();
        Some((name.clone(), vec![with_new, answered.clone()]))
    });
    expected.collect()
}

/// The same at a start: as the process before left it, if it has.
fn expected_at_start(state_dir: &Path) -> Expected {
    let saved = StateFiles::peek_health(state_dir).and_then(|value| SavedHealth::read(value, SystemTime::now()).ok());
    let last_up = saved.map(|saved| saved.last_up).unwrap_or_default();
    last_up.into_iter().map(|(name, answered)| (name, vec![answered])).collect()
}

/// Signs what is likely, for a time in seconds since the epoch: what is expected of the document `before`, or of the process before, with what was made for that.
pub fn sign(
    config: &DnsConfig,
    (zones, signers): (&Zones, &Signers),
    before: Option<(Arc<AtHand>, Expected)>,
    now: u64,
) -> Made {
    if signers.is_empty() || config.pools.is_empty() {
        return Made::default();
    }
    let (before, expected) = before.unwrap_or_else(|| (Arc::default(), expected_at_start(&config.state_dir)));
    let signed = signers.iter().filter_map(|signer| Some((Arc::clone(zones.get(signer.apex())?), Arc::clone(signer))));
    let signed: Vec<_> = signed.collect();
    let most = most_answers(&signed);
    let answers = |name: &String, pool: &PoolConfig| {
        let mut likely = likely(pool, expected.get(name).map_or(&[], Vec::as_slice));
        likely.truncate(most);
        likely
    };
    let pools: Vec<_> = config.pools.iter().map(|(name, pool)| (pool, answers(name, pool))).collect();
    sign_answers(&pools, &signed, hour_of(now), &[&before.ahead, &before.prepared])
}

fn addresses(pool: &PoolConfig) -> impl Iterator<Item = &IpAddr> {
    pool.members.values().flat_map(|member| &member.addresses)
}
