//! What is well, in a line each: daemons, services, pools, zones, certificates, hosts.

use std::collections::{BTreeMap, BTreeSet};

use super::super::agreement;
use super::super::seen::Seen;
use super::super::services::{self, Views};
use super::troubled;
use crate::api::certificates::CertificateStatus;
use crate::api::daemon::{Daemon, DaemonStatus};
use crate::api::status::Status as AnyStatus;
use crate::counted::counted;
use crate::unix_time::unix_ms;
use crate::verbs::layout::wrapped;
use crate::verbs::output::printable;
use crate::verbs::replies::DaemonReply;

/// How many names stand in a line.
const MOST: usize = 12;

pub(super) fn text(seen: &Seen, width: usize) -> String {
    let replies = &seen.replies;
    let lines = [
        daemons(replies, Daemon::Proxy),
        daemons(replies, Daemon::Nameserver),
        services(&services::all(replies)),
        without_backends(&services::all(replies)),
        pools(replies),
        zones(replies),
        certificates(replies, unix_ms()),
        agreement::all(replies).filter(agreement::Views::is_well).map(|views| views.line()),
    ];
    let mut text: String = lines.into_iter().flatten().map(|line| wrapped("", &printable(&line), 2, width)).collect();
    text.extend(seen.fleet.as_ref().map(|fleet| fleet.screen(width)));
    text
}

/// `3 proxies ready (0.1.0): px-1, px-2, px-3`.
fn daemons(replies: &[DaemonReply], role: Daemon) -> Option<String> {
    let of_role: Vec<&DaemonReply> = replies.iter().filter(|one| one.role() == Some(role)).collect();
    let is_ready =
        |one: &&DaemonReply| one.status().is_some_and(|status| status.daemon().ready && !status.daemon().draining);
    let ready: Vec<&DaemonStatus> =
        of_role.iter().copied().filter(is_ready).filter_map(|one| one.status().map(AnyStatus::daemon)).collect();
    if of_role.is_empty() {
        return None;
    }
    let count = match ready.len() == of_role.len() {
        true => counted(of_role.len(), role.name()),
        false => format!("{} of {}", ready.len(), counted(of_role.len(), role.name())),
    };
    let versions: BTreeSet<&str> = ready.iter().map(|daemon| &*daemon.version).collect();
    let called = |daemon: &&DaemonStatus| match versions.len() {
        1 => daemon.name.clone(),
        _ => format!("{} ({})", daemon.name, daemon.version),
    };
    let names = ready.iter().map(called).collect::<Vec<_>>();
    let of_all =
        versions.first().filter(|_| versions.len() == 1).map(|version| format!(" ({version})")).unwrap_or_default();
    Some(if names.is_empty() { format!("{count} ready") } else { format!("{count} ready{of_all}: {}", listed(&names)) })
}

/// `12 services, 31 backends: all up and ready`.
fn services(all: &[Views<'_>]) -> Option<String> {
    let (well, troubled): (Vec<_>, Vec<_>) =
        all.iter().filter(|views| troubled::has_backends(views)).partition(|views| views.is_well());
    let backends = |views: &&Views<'_>| views.by_proxy.iter().map(|(_, one)| one.backends.len()).max().unwrap_or(0);
    let backends: usize = well.iter().map(backends).sum();
    let other = if troubled.is_empty() { "service" } else { "other service" };
    let counts = || format!("{}, {}", counted(well.len(), other), counted(backends, "backend"));
    (!well.is_empty()).then(|| format!("{}: all up and ready", counts()))
}

/// Services that proxies answer by themselves.
fn without_backends(all: &[Views<'_>]) -> Option<String> {
    let own = all.iter().filter(|views| !troubled::has_backends(views));
    let targets = own.map(|views| format!("{} ({})", views.name, views.by_proxy[0].1.mode)).collect::<Vec<_>>();
    let count = counted(targets.len(), "service");
    (!targets.is_empty()).then(|| format!("{count} that the proxies answer by themselves: {}", listed(&targets)))
}

/// `1 pool, 3 members: all in the answers`.
fn pools(replies: &[DaemonReply]) -> Option<String> {
    let mut pools: BTreeMap<&str, (bool, usize)> = BTreeMap::new();
    for pool in replies.iter().filter_map(DaemonReply::nameserver).flat_map(|status| &status.pools) {
        let (is_well, members) = pools.entry(&pool.name).or_insert((true, 0));
        *is_well &= pool.is_well();
        *members = pool.members.len().max(*members);
    }
    let other = if pools.values().all(|(is_well, _)| *is_well) { "pool" } else { "other pool" };
    pools.retain(|_, (is_well, _)| *is_well);
    let members: usize = pools.values().map(|(_, members)| members).sum();
    let counts = || format!("{}, {}", counted(pools.len(), other), counted(members, "member"));
    (!pools.is_empty()).then(|| format!("{}: all in the answers", counts()))
}

/// `2 zones: example.net (serial 2026112801), ...`.
fn zones(replies: &[DaemonReply]) -> Option<String> {
    let all = replies.iter().filter_map(DaemonReply::nameserver).flat_map(|status| &status.zones);
    // Nameservers with different serials are a finding.
    let zones: BTreeMap<&str, u32> = all.map(|zone| (&*zone.name, zone.serial)).collect();
    let named: Vec<String> = zones.iter().map(|(name, serial)| format!("{name} (serial {serial})")).collect();
    (!named.is_empty()).then(|| format!("{}: {}", counted(named.len(), "zone"), listed(&named)))
}

/// `2 certificates: the first one to end, of shop.example.net, does so in 61 days`.
fn certificates(replies: &[DaemonReply], now: u64) -> Option<String> {
    const DAY: u64 = 86_400_000;
    let of_proxies = replies.iter().filter_map(DaemonReply::proxy).flat_map(|status| &status.certificates);
    let of_nameservers = replies.iter().filter_map(DaemonReply::nameserver).flat_map(|status| &status.certificates);
    // Both kinds have a folder of their own.
    let all: BTreeMap<&str, &CertificateStatus> =
        of_proxies.chain(of_nameservers).map(|one| (&*one.file, one)).collect();
    let (first, ends) = all.values().filter_map(|one| Some((one, one.ends?))).min_by_key(|(_, ends)| *ends)?;
    let (hosts, days) = (listed(&first.hosts), counted(ends.saturating_sub(now) / DAY, "day"));
    Some(match all.len() {
        1 => format!("1 certificate: of {hosts}, ends in {days}"),
        count => format!("{}: the first one to end, of {hosts}, does so in {days}", counted(count, "certificate")),
    })
}

/// The names, if there are not too many.
pub(super) fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(MOST);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
