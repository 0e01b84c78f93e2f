//! What is not well with a signed zone, and what to do about it, the worst first (pure).

use std::collections::BTreeMap;
use std::time::Duration;

use super::next::{folder_of, lifetime_of, replace};
use crate::config::duration;
use crate::counted::listed;
use crate::unix_time::moment;
use crate::verbs::signed_zones::SignedZone;

/// Nothing found: all is well.
pub(super) fn of(zone: &SignedZone<'_>, now: u64) -> Vec<String> {
    let mut findings = bogus(zone);
    findings.extend(early(zone, now));
    findings.extend(expired(zone, now));
    findings.extend(unsigned(zone));
    findings.extend(left_out(zone));
    findings.extend(zone.failed.iter().map(|(nameserver, why)| format!("{nameserver} answers SERVFAIL for it: {why}")));
    findings.extend(zone.keys_apart());
    findings.extend(overdue(zone));
    findings.extend(schedule_ends(zone, now));
    findings
}

/// What no validator takes, whenever it asks.
fn bogus(zone: &SignedZone<'_>) -> Vec<String> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (nameserver, status) in &zone.signers {
        if let Some(why) = &status.bogus {
            reasons.entry(why).or_default().push(nameserver);
        }
    }
    let told = |(why, by): (&str, Vec<&str>)| {
        format!(
            "zone {} is served by {} as it came, and resolvers that validate refuse it: {why}; have it signed anew where that is done, under a higher \
             serial",
            zone.name,
            listed(by)
        )
    };
    reasons.into_iter().map(told).collect()
}

/// Signatures that are not good yet.
fn early(zone: &SignedZone<'_>, now: u64) -> Vec<String> {
    let mut moments: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for (nameserver, status) in zone.signing() {
        if let Some(from) = status.is_early(now) {
            moments.entry(from).or_default().push(nameserver);
        }
    }
    let told = |(from, by): (u64, Vec<&str>)| {
        format!(
            "a signature of zone {} on {} is not good before {}: until then resolvers that validate refuse it; see whether clocks are right, there and \
             where it is signed",
            zone.name,
            listed(by),
            moment(from)
        )
    };
    moments.into_iter().map(told).collect()
}

/// Signatures that have run out, or were to be renewed.
fn expired(zone: &SignedZone<'_>, now: u64) -> Vec<String> {
    let mut moments: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for (nameserver, status) in zone.signing() {
        let Some(expires) = status.expires_ms else { continue };
        if expires <= now || status.is_late(now) {
            moments.entry(expires).or_default().push(nameserver);
        }
    }
    let told = |(expires, by): (u64, Vec<&str>)| {
        let (by, at) = (listed(by), moment(expires));
        let what_to_do = match zone.is_given() {
            true => "sign it anew where that is done, and see that its nameservers get it",
            false => "see the nameserver's log, and whether its clock is right",
        };
        match expires <= now {
            true => format!(
                "a signature of zone {} on {by} has run out at {at}: resolvers that validate refuse it; {what_to_do}",
                zone.name
            ),
            false => format!(
                "the first signature of zone {} on {by} runs out at {at}, and was to be renewed before: from then on resolvers that validate refuse \
                 the zone; {what_to_do}",
                zone.name
            ),
        }
    };
    moments.into_iter().map(told).collect()
}

/// Nameservers that are to sign it and could not use its keys.
fn unsigned(zone: &SignedZone<'_>) -> Option<String> {
    let unsigned: Vec<_> = zone.signers.iter().filter(|(_, status)| status.expires_ms.is_none()).collect();
    let (_, first) = unsigned.first()?;
    Some(format!(
        "zone {} is NOT signed on {}, whose document says so: resolvers that validate refuse it if the parent has a DS; the keys could not be \
         used at the start (see the log): bring the zone's key files into {} there, then `polder reload`",
        zone.name,
        listed(unsigned.iter().map(|(name, _)| *name)),
        first.folder
    ))
}

/// Nameservers whose documents know nothing of it.
fn left_out(zone: &SignedZone<'_>) -> Option<String> {
    let [others, signers] = [listed(&zone.others), listed(zone.signers.iter().map(|(name, _)| *name))];
    (!zone.others.is_empty()).then(|| match zone.is_given() {
        true => format!(
            "zone {} is NOT signed on {others}, and comes signed to {signers}: resolvers that validate refuse the answers without signatures if the \
             parent has a DS; bring the same version of the zone to all of them",
            zone.name
        ),
        false => format!(
            "zone {} is NOT signed by the document of {}, and is by that of {}: resolvers that validate refuse the answers without signatures \
             if the parent has a DS; put the same `dnssec` of the zone into all documents, and push or reload",
            zone.name,
            others,
            signers
        ),
    })
}

/// Keys that go on although their time is over.
fn overdue(zone: &SignedZone<'_>) -> Vec<String> {
    let mut keys: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    let signing: Vec<_> = zone.signing().collect();
    for (nameserver, status) in &signing {
        for key in status.keys.iter().filter(|key| key.overdue) {
            keys.entry(key.tag).or_default().push(nameserver);
        }
    }
    let told = |(tag, by): (u16, Vec<&str>)| {
        let only = if by.len() == signing.len() { String::new() } else { format!(" on {}", listed(&by)) };
        let status = signing.iter().find(|(nameserver, _)| by.contains(nameserver)).map(|(_, status)| *status);
        let key = status.and_then(|status| Some((status, status.keys.iter().find(|key| key.tag == tag)?)));
        let how = key.map(|(status, key)| replace(zone.name, status, key)).unwrap_or_default();
        format!(
            "key {tag} of zone {} is overdue{only}: it was to sign no more, and goes on as there is no other: {how}",
            zone.name
        )
    };
    keys.into_iter().map(told).collect()
}

/// That the ZSKs that were made ahead come to an end.
fn schedule_ends(zone: &SignedZone<'_>, now: u64) -> Option<String> {
    let schedules = zone.signing().filter_map(|(_, status)| Some((status, status.schedule?)));
    let (status, schedule) =
        schedules.min_by_key(|(_, schedule)| schedule.ends_ms).filter(|(_, schedule)| schedule.warns_ms <= now)?;
    let every = duration::format(Duration::from_secs(schedule.every_s));
    Some(format!(
        "the ZSKs of zone {} were made ahead until {}, and the last one goes on then: nothing breaks, and it rolls no more: make more of them: \
         polder dnssec roll-zsk {} --folder {} --every {every} --for 730d{}",
        zone.name,
        moment(schedule.ends_ms),
        zone.name,
        folder_of(status),
        lifetime_of(status)
    ))
}
