//! Every nameserver of a zone is a host that serves it, and every host that serves it is named.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::documents::Running;
use super::report::Checked;
use crate::config::dns::TransferConfig;
use crate::counted::listed;
use crate::fleet::{Fleet, Role};
use crate::zone::name;
use crate::zone::number::rtype;
use crate::zone::{ZoneFile, ZoneRecord};

/// With fewer nameservers a zone fails with one machine.
const LEAST_NAMESERVERS: usize = 2;

pub(super) fn check(fleet: &Fleet, running: &Running, checked: &mut Checked) {
    for (apex, zone) in &fleet.zones {
        let about = format!("zone {apex}");
        let hosts: BTreeSet<&str> = zone.nameservers.iter().map(String::as_str).collect();
        if hosts.len() < LEAST_NAMESERVERS {
            let message = format!("has fewer than two nameservers ({}): it is gone with the first", listed(&hosts));
            checked.finding(&about, message);
        }
        for host in &hosts {
            if !fleet.hosts.get(*host).is_some_and(|host| host.is(Role::Nameserver)) {
                checked.finding(&about, format!("{host} is to answer for it, and is no nameserver of the fleet"));
            }
        }
        if let Some(file) = running.zones.get(apex) {
            named_nameservers(fleet, running, apex, file, checked);
        }
        signed_alike(running, apex, checked);
    }
}

/// A resolver asks any of a zone's nameservers: what one of them signs and another one does not is forged to whoever validates.
fn signed_alike(running: &Running, apex: &str, checked: &mut Checked) {
    let mut signing = running.nameservers.iter().filter_map(|(host, nameserver)| {
        let zone = nameserver.config.zones.get(apex)?;
        Some((host, zone.dnssec.as_ref()))
    });
    let Some((first, dnssec_of_first)) = signing.next() else { return };
    for (host, dnssec) in signing {
        let message = match (dnssec_of_first, dnssec) {
            (Some(one), Some(other)) if !one.signs_as(other) => format!(
                "{first} and {host} sign it differently ({one}; {other}): give both the same \"lifetime\", \"denial\", \"serial\" and \"zonemd\""
            ),
            (Some(_), None) => unsigned(first, host),
            (None, Some(_)) => unsigned(host, first),
            _ => continue,
        };
        checked.finding(format!("zone {apex}"), message);
    }
}

fn unsigned(signing: &str, other: &str) -> String {
    format!(
        "{signing} signs it, and {other} does not: resolvers that validate would take what {other} answers for forged"
    )
}

/// Compares the NS records at the apex with the hosts that serve the zone.
fn named_nameservers(fleet: &Fleet, running: &Running, apex: &str, file: &ZoneFile, checked: &mut Checked) {
    let mut named = BTreeSet::new();
    for record in file.records.iter().filter(|record| record.rtype == rtype::NS && is_at(record, &file.apex)) {
        let place = place(file, &record);
        let target = name::to_text(&name::lower(record.rdata));
        let addresses = addresses_of(running, record.rdata);
        if addresses.is_empty() && transfers(running, apex).next().is_some() {
            let message =
                format!("NS {target}: no zone of the fleet has an address for it: it has to be one that gets {apex}");
            checked.note(&place, message);
            continue;
        }
        if addresses.is_empty() {
            checked.finding(
                place,
                format!(
                    "NS {target}: no zone of the fleet has an address for it, so nobody here can serve {apex} there"
                ),
            );
            continue;
        }
        for address in addresses {
            match fleet.host_at(address) {
                // A nameserver that somebody else runs.
                None if gets(running, apex, address) => {}
                None => {
                    checked.finding(&place, format!("NS {target}: its address {address} is no host of the fleet"));
                }
                Some(host) if serves(running, host, apex) => {
                    named.insert(host);
                }
                Some(host) if running.nameservers.contains_key(host) || running.complete => {
                    checked.finding(&place, format!("NS {target}: {host}, at {address}, does not serve {apex}"));
                }
                Some(_) => {}
            }
        }
    }
    for host in running.nameservers.keys().filter(|host| serves(running, host, apex)) {
        if !named.contains(host.as_str()) {
            checked.finding(
                format!("zone {apex}"),
                format!(
                    "{host} serves it and no NS record leads there: nobody would ask it; add one to {}",
                    first(file)
                ),
            );
        }
    }
}

/// What the nameservers' documents say of who else gets a zone.
fn transfers<'r>(running: &'r Running, apex: &str) -> impl Iterator<Item = &'r TransferConfig> {
    running.nameservers.values().filter_map(move |nameserver| nameserver.config.zones.get(apex)?.transfer.as_ref())
}

/// Whether a nameserver of others at this address gets the zone, or is told of it.
fn gets(running: &Running, apex: &str, address: IpAddr) -> bool {
    transfers(running, apex).any(|transfer| {
        let mut networks = transfer.allow.iter().flat_map(|allowed| &allowed.networks);
        transfer.notify.iter().any(|one| one.address.ip() == address)
            || networks.any(|network| network.contains(&address))
    })
}

fn serves(running: &Running, host: &str, apex: &str) -> bool {
    running.nameservers.get(host).is_some_and(|nameserver| nameserver.config.zones.contains_key(apex))
}

/// Every address that the fleet's zones have for a name, in the order of the files.
fn addresses_of(running: &Running, wire: &[u8]) -> Vec<IpAddr> {
    let wire = name::lower(wire);
    let records = running.zones.values().flat_map(|file| file.records.iter());
    records.filter(|record| is_at(record, &wire)).filter_map(address).collect()
}

fn is_at(record: &ZoneRecord<'_>, lower: &[u8]) -> bool {
    record.owner.eq_ignore_ascii_case(lower)
}

fn address(record: ZoneRecord<'_>) -> Option<IpAddr> {
    match record.rtype {
        rtype::A => <[u8; 4]>::try_from(record.rdata).ok().map(|bytes| Ipv4Addr::from(bytes).into()),
        rtype::AAAA => <[u8; 16]>::try_from(record.rdata).ok().map(|bytes| Ipv6Addr::from(bytes).into()),
        _ => None,
    }
}

fn place(file: &ZoneFile, record: &ZoneRecord<'_>) -> String {
    let path = file.files.get(usize::from(record.file)).map_or_else(String::new, |path| path.display().to_string());
    format!("{path}:{}", record.line)
}

fn first(file: &ZoneFile) -> String {
    file.files.first().map_or_else(String::new, |path| path.display().to_string())
}
