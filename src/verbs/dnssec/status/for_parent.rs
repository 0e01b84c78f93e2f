//! What the parent of a zone is to have, and its part in a roll that is under way (pure).

use std::time::Duration;

use super::super::for_parent::{Candidate, wanted};
use super::super::pace::USUAL_TTL_S;
use super::next::{Step, folder_of, lifetime_of};
use crate::api::dns::{DnssecStatus, ZoneKeyChange, ZoneKeyStatus, ZoneKeyStep};
use crate::config::duration;
use crate::unix_time::moment;
use crate::verbs::signed_zones::SignedZone;

/// That the parent is to take the DS of a new key for that of an old one, where both sign and stay, and how that ends, with from when on. `now` is in milliseconds since the
/// epoch.
pub(super) fn steps(zone: &SignedZone<'_>, now: u64) -> Vec<(u64, Step)> {
    let mut steps: Vec<(u64, Step)> = Vec::new();
    for (at, step) in zone.signing().filter_map(|(_, status)| step(zone.name, status, now)) {
        // Once: the folder in the command may be another one on each nameserver.
        if !steps.iter().any(|(_, told)| told.is == step.is) {
            steps.push((at, step));
        }
    }
    steps
}

fn step(zone: &str, status: &DnssecStatus, now: u64) -> Option<(u64, Step)> {
    let is_for_it = |key: &&ZoneKeyStatus| key.ds.is_some() && key.signs && !ends(key);
    let mut keys: Vec<&ZoneKeyStatus> = status.keys.iter().filter(is_for_it).collect();
    keys.sort_by_key(|key| key.published_ms);
    let [old, new] = keys[..] else { return None };
    // Two that came at once, or of which nothing is known: neither replaces the other.
    new.published_ms.filter(|published| old.published_ms != Some(*published))?;
    let (verb, ttl) = (if old.algorithm == new.algorithm { "roll-ksk" } else { "roll-algorithm" }, ttl(status));
    let known = candidate(status, new).known;
    let time = if known > now { format!(", not before {}", moment(known)) } else { String::new() };
    let is = format!("give the parent the DS of key {} for that of key {}{time}, then", new.tag, old.tag);
    let ttl = match ttl > USUAL_TTL_S {
        true => format!(" --ttl {}", duration::format(Duration::from_secs(ttl))),
        false => String::new(),
    };
    let (folder, lifetime) = (folder_of(status), lifetime_of(status));
    Some((
        known,
        Step { is, command: Some(format!("polder dnssec {verb} {zone} --folder {folder}{ttl}{lifetime} --finish")) },
    ))
}

/// For how long resolvers keep the keys, in seconds: never said to be shorter than a roll takes it to be if nothing is said.
fn ttl(status: &DnssecStatus) -> u64 {
    status.key_ttl_s.max(USUAL_TTL_S)
}

fn candidate(status: &DnssecStatus, key: &ZoneKeyStatus) -> Candidate {
    let known = key.published_ms.map_or(0, |published| published.saturating_add(ttl(status).saturating_mul(1000)));
    Candidate { known, ends: ends(key) }
}

fn ends(key: &ZoneKeyStatus) -> bool {
    key.overdue || key.next.is_some_and(|next| matches!(next.to, ZoneKeyStep::Inactive | ZoneKeyStep::Deleted))
}

/// The DS records of a zone's keys, as the parent's form takes them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parent {
    /// Of the keys that sign the keys.
    pub(super) present: Vec<String>,
    /// Of those that will, and from when they sign.
    pub(super) coming: Vec<(u64, String)>,
}

impl Parent {
    pub(super) fn of(zone: &SignedZone<'_>, now: u64) -> Parent {
        let mut parent = Parent::default();
        for (_, status) in zone.signing() {
            // The DS of a key that is not published would be of one that nobody can see.
            let keys = || status.keys.iter().filter(|key| key.published);
            let record =
                |key: &ZoneKeyStatus| Some(format!("{}. IN DS {}", zone.name.trim_end_matches('.'), key.ds.as_ref()?));
            let signing: Vec<&ZoneKeyStatus> = keys().filter(|key| key.signs && key.ds.is_some()).collect();
            let candidates: Vec<Candidate> = signing.iter().map(|key| candidate(status, key)).collect();
            let wanted = signing.iter().zip(wanted(&candidates, now)).filter(|(_, is_wanted)| *is_wanted);
            wanted.filter_map(|(key, _)| record(key)).for_each(|record| push_once(&mut parent.present, record));
            for key in keys().filter(|key| !key.signs) {
                let Some(ZoneKeyChange { at_ms, to: ZoneKeyStep::Active }) = key.next else { continue };
                record(key).into_iter().for_each(|record| push_once(&mut parent.coming, (at_ms, record)));
            }
        }
        parent
    }

    /// Those that the parent is to have now.
    pub(super) fn records(&self) -> impl Iterator<Item = &str> {
        self.present.iter().chain(self.coming.iter().map(|(_, record)| record)).map(String::as_str)
    }
}

fn push_once<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}
