//! Copies the entries of a rollout from the hosts' ledgers to this and the other admin machines.

use std::collections::BTreeMap;
use std::time::Duration;

use super::step::Observer;
use crate::fleet::{Fleet, Role};
use crate::push::admin::copies;
use crate::push::ledger::Entry;
use crate::push::protocol::{Answer, Question};
use crate::push::remote::Remotes;
use crate::push::remote::gates::ask_all;

/// How many entries of a ledger are fetched: more than a rollout writes.
const ENTRIES: usize = 50;

/// How long a gate may take to answer.
const LIMIT: Duration = Duration::from_secs(20);

/// Copies the entries of `hosts` here, and sends them to the other admin machines among `unskipped`. The next `polder log` fetches
/// what is not available now.
pub(super) fn collect(
    remotes: &Remotes,
    fleet: &Fleet,
    hosts: &[String],
    unskipped: &[String],
    observer: &dyn Observer,
) {
    let admin = remotes.admin();
    let folder = copies::folder(&admin.state_dir);
    let mut fresh: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for (host, answer) in hosts.iter().zip(ask_all(remotes, hosts, &Question::Ledger { last: ENTRIES }, LIMIT)) {
        let Ok(Answer::Ledger { entries }) = answer else { continue };
        if let Err(error) = copies::keep(&folder, host, &entries) {
            observer.message(&format!("the copy of {host}'s ledger cannot be written: {error}"));
        }
        fresh.insert(host.clone(), entries);
    }
    let is_other_admin = |host: &&String| **host != admin.name && fleet.hosts[*host].is(Role::Admin);
    let others: Vec<String> = unskipped.iter().filter(is_other_admin).cloned().collect();
    for (host, given) in others.iter().zip(copies::give(remotes, &others, fresh, LIMIT)) {
        if let Err(why) = given {
            observer.message(&format!(
                "{host} did not accept copies of the ledgers ({why}); run `polder log` there to fetch them"
            ));
        }
    }
}
