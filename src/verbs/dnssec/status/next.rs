//! What comes next of a zone's keys, by itself and by the operator, in words; and what the parent is to have (pure).

use std::path::Path;
use std::time::Duration;

use super::super::keys_of::shell;
use crate::api::dns::{DnssecStatus, ZoneKeyChange, ZoneKeyRole, ZoneKeyStatus, ZoneKeyStep};
use crate::config::duration;
use crate::counted::counted;
use crate::unix_time::moment;
use crate::verbs::signed_zones::SignedZone;

/// In the order of time, a sentence each, among those that have a part of the parent's. Where nameservers differ, as each of them has it.
pub(super) fn steps(zone: &SignedZone<'_>, by_parent: Vec<(u64, Step)>) -> Vec<String> {
    let mut changes = by_parent;
    for (_, status) in zone.signing() {
        let is_told = |key: &&ZoneKeyStatus| !is_of_schedule(status, key);
        for (key, next) in status.keys.iter().filter(is_told).filter_map(|key| Some((key, key.next?))) {
            let step = step(zone.name, status, key, next).map(|words| (next.at_ms, words));
            // Once: the folder in the command may be another one on each nameserver.
            let is_told = |step: &(u64, Step)| changes.iter().any(|(at, told)| (*at, &told.is) == (step.0, &step.1.is));
            changes.extend(step.filter(|step| !is_told(step)));
        }
    }
    changes.sort_by_key(|(at, _)| *at);
    changes.into_iter().map(|(_, step)| step.told()).collect()
}

/// Whether a key waits for its turn in a schedule, which is told as a whole.
pub(super) fn is_of_schedule(status: &DnssecStatus, key: &ZoneKeyStatus) -> bool {
    status.schedule.is_some() && key.role == ZoneKeyRole::Zsk && !key.published && !key.signs && key.next.is_some()
}

/// How far the ZSKs were made ahead, in a sentence; none: they were not.
pub(super) fn schedule(zone: &SignedZone<'_>) -> Option<String> {
    let schedules = zone.signing().filter_map(|(_, status)| Some((status, status.schedule?)));
    let (status, schedule) = schedules.min_by_key(|(_, schedule)| schedule.ends_ms)?;
    let waiting = status.keys.iter().filter(|key| is_of_schedule(status, key)).count();
    let then = match schedule.next {
        Some((tag, at)) => format!("key {tag} signs from {}", moment(at)),
        None => "the last one signs".to_owned(),
    };
    let waiting = if waiting == 0 { String::new() } else { format!("; {} not published yet", are(waiting)) };
    Some(format!("the ZSK rolls by itself until {}: {then}{waiting}", moment(schedule.ends_ms)))
}

fn are(keys: usize) -> String {
    counted(keys, "key") + if keys == 1 { " is" } else { " are" }
}

/// What comes next, and the command that somebody has to give, if any.
pub(super) struct Step {
    pub(super) is: String,
    pub(super) command: Option<String>,
}

impl Step {
    fn told(self) -> String {
        self.command.map_or_else(|| self.is.clone(), |command| format!("{}: {command}", self.is))
    }
}

impl From<String> for Step {
    fn from(is: String) -> Step {
        Step { is, command: None }
    }
}

fn step(zone: &str, status: &DnssecStatus, key: &ZoneKeyStatus, next: ZoneKeyChange) -> Option<Step> {
    let (tag, at) = (key.tag, moment(next.at_ms));
    let heir = || heir(status, key, next.at_ms);
    match next.to {
        // It has its finding, and does not go before there is another one.
        _ if key.overdue => None,
        ZoneKeyStep::Published => Some(format!("key {tag} stands in the zone from {at}").into()),
        ZoneKeyStep::Active => {
            let ds = match (&key.ds, key.published) {
                (None, _) => "",
                (Some(_), true) => "; give the parent its DS before",
                (Some(_), false) => {
                    "; the parent's DS of it comes after that, when the keys of before have run out of caches"
                }
            };
            Some(format!("key {tag} signs from {at}{ds}").into())
        }
        ZoneKeyStep::Inactive | ZoneKeyStep::Deleted if key.signs && heir().is_none() => {
            let is = format!("key {tag} signs until {at}, and no other one follows it");
            Some(Step { is, command: Some(replace(zone, status, key)) })
        }
        ZoneKeyStep::Inactive => Some(format!("key {tag} signs until {at}").into()),
        ZoneKeyStep::Deleted => {
            let ds = if key.ds.is_some() && !key.signs { "; the parent's DS of it goes before" } else { "" };
            Some(format!("key {tag} is in the zone until {at}{ds}").into())
        }
    }
}

/// A key of the same kind that signs at a time, as far as is known; one of another algorithm, where the last one for the parent of its own goes with it.
fn heir<'s>(status: &'s DnssecStatus, key: &ZoneKeyStatus, at_ms: u64) -> Option<&'s ZoneKeyStatus> {
    let stays = |one: &ZoneKeyStatus| one.ds.is_some() && one.algorithm == key.algorithm && one.next.is_none();
    let algorithm_goes = !status.keys.iter().any(stays);
    let is_of_next_algorithm = |other: &ZoneKeyStatus| {
        let is_for_it = if key.ds.is_some() { other.ds.is_some() } else { other.role != ZoneKeyRole::Ksk };
        algorithm_goes && other.algorithm != key.algorithm && other.published && other.signs && is_for_it
    };
    let is_like_it = |other: &&ZoneKeyStatus| {
        let is_of_its_kind = other.algorithm == key.algorithm && other.ds.is_some() == key.ds.is_some();
        (other.tag != key.tag && is_of_its_kind) || is_of_next_algorithm(other)
    };
    let signs_then = |other: &&ZoneKeyStatus| match other.next {
        Some(next) if next.at_ms <= at_ms => matches!(next.to, ZoneKeyStep::Published | ZoneKeyStep::Active),
        _ => other.signs && !other.overdue,
    };
    status.keys.iter().filter(is_like_it).find(signs_then)
}

/// How a key gets a successor. A new one is published some days before it signs, so that resolvers know it, and the parent.
pub(super) fn replace(zone: &str, status: &DnssecStatus, key: &ZoneKeyStatus) -> String {
    /// Days for the files to come to all nameservers, and the keys of before to run out of caches.
    const PUBLISHED_FOR: &str = "2d";
    /// The same and those in which the parent takes the DS, and its old set runs out of caches.
    const FOR_PARENT: &str = "7d";
    let folder = folder_of(status);
    if key.role == ZoneKeyRole::Zsk && !key.overdue {
        let lifetime = lifetime_of(status);
        return format!("make the next one: polder dnssec roll-zsk {zone} --folder {folder}{lifetime}");
    }
    // Keys of this kind cannot be made here.
    if key.algorithm == "RSASHA512" {
        return "make the next one, of the same algorithm (dnssec-keygen)".to_owned();
    }
    let algorithm = match key.algorithm.as_str() {
        "ECDSAP256SHA256" => String::new(),
        other => format!(" --algorithm {}", other.to_lowercase()),
    };
    let (kind, time, more) = match key.role {
        ZoneKeyRole::Zsk => (" --zsk", PUBLISHED_FOR, ""),
        ZoneKeyRole::Ksk => (" --ksk", FOR_PARENT, ", and give the parent its DS within a day"),
        ZoneKeyRole::Csk => ("", FOR_PARENT, ", and give the parent its DS within a day"),
    };
    format!(
        "make the next one: polder dnssec keygen {zone} --folder {folder}{kind}{algorithm} --activate {time}, copy its files to every \
         nameserver{more}"
    )
}

/// The folder of its keys, for a command.
pub(super) fn folder_of(status: &DnssecStatus) -> String {
    shell(Path::new(if status.folder.is_empty() { "DIR" } else { &status.folder }))
}

/// The option that says how long its signatures are good, where a command would take another time.
pub(super) fn lifetime_of(status: &DnssecStatus) -> String {
    let is_usual = [0, 14 * 86_400].contains(&status.lifetime_s);
    let lifetime = Duration::from_secs(status.lifetime_s);
    if is_usual { String::new() } else { format!(" --lifetime {}", duration::format(lifetime)) }
}
