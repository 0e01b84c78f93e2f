//! A zone, as all nameservers have it.

use std::collections::BTreeMap;

use super::super::names::Named;
use super::sheet::{Sheet, only_by};
use crate::api::dns::DnssecStatus;
use crate::counted::counted;
use crate::unix_time::unix_ms;
use crate::verbs::output::Tone;
use crate::verbs::replies::DaemonReply;
use crate::verbs::times::{moment, span};

/// A zone of this name.
pub(super) fn text(named: &Named, replies: &[DaemonReply], width: usize) -> Option<String> {
    let mut said: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for status in replies.iter().filter_map(DaemonReply::nameserver) {
        for zone in status.zones.iter().filter(|zone| named.is(&zone.name)) {
            let copy = zone.copy_because.as_ref().map(|why| format!("; served from its last good copy: {why}"));
            let listed = zone.catalog.as_ref().map(|catalog| format!(", listed by catalog {catalog}"));
            let words = format!(
                "serial {}, {}{}{}",
                zone.serial,
                counted(zone.records, "record"),
                listed.unwrap_or_default(),
                copy.unwrap_or_default()
            );
            said.entry(words).or_default().push(&status.daemon.name);
        }
        for zone in status.failed_zones.iter().filter(|zone| named.is(&zone.name)) {
            let words = format!("answered SERVFAIL, it could not be read: {}", zone.because);
            said.entry(words).or_default().push(&status.daemon.name);
        }
    }
    let mut sheet = Sheet::new(width);
    for (words, by) in &said {
        sheet.heading(&format!("zone {}", named.name()), &format!("{words}; on {}", by.join(", ")));
    }
    signed(named, replies, &mut sheet);
    for status in replies.iter().filter_map(DaemonReply::nameserver) {
        for zone in status.zones.iter().filter(|zone| named.is(&zone.name)) {
            let together = status.other_zones.map(|others| counted(others.zones, "zone"));
            let words = match (&zone.queries, together) {
                (Some(queries), _) => queries.in_words(),
                (None, Some(zones)) => format!("queries are counted together with those of others, {zones} in all"),
                (None, None) => continue,
            };
            sheet.toned(&format!("{}: {words}", status.daemon.name), Tone::Faint);
        }
    }
    (!said.is_empty()).then(|| sheet.text())
}

/// How it is signed, each way once.
fn signed(named: &Named, replies: &[DaemonReply], sheet: &mut Sheet) {
    let zones = replies.iter().filter_map(DaemonReply::nameserver).flat_map(|status| {
        let zones = status.zones.iter().filter(|zone| named.is(&zone.name));
        zones.filter_map(|zone| Some((&*status.daemon.name, zone.dnssec.as_ref()?)))
    });
    let mut ways: Vec<(&DnssecStatus, Vec<&str>)> = Vec::new();
    for (nameserver, dnssec) in zones {
        match ways.iter_mut().find(|(known, _)| *known == dnssec) {
            Some((_, by)) => by.push(nameserver),
            None => ways.push((dnssec, vec![nameserver])),
        }
    }
    let (all, now) = (ways.iter().map(|(_, by)| by.len()).sum(), unix_ms());
    for (dnssec, by) in ways {
        let tone = if dnssec.is_well(now) { Tone::Plain } else { Tone::Bad };
        sheet.toned(&format!("{}{}{}", dnssec.origin(), until(dnssec, now), only_by(&by, all)), tone);
        dnssec.present_keys().for_each(|key| sheet.line(&format!("{}: {}", key.name(), key.in_words())));
        if let Some(schedule) = &dnssec.schedule {
            sheet.line(&schedule.in_words());
        }
    }
}

/// `; the first signature runs out at 2026-12-10 04:00:00Z (in 9d)`
fn until(dnssec: &DnssecStatus, now: u64) -> String {
    if let Some(from) = dnssec.is_early(now) {
        return format!("; signatures are not good before {}", moment(from));
    }
    let told = |expires: u64| {
        let left = match expires.checked_sub(now) {
            Some(left) => format!("in {}", span(left / 1000)),
            None => "over".to_owned(),
        };
        format!("; the first signature runs out at {} ({left})", moment(expires))
    };
    dnssec.expires_ms.map(told).unwrap_or_default()
}
