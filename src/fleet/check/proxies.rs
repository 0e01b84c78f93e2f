//! All proxies must serve alike: the same services, and the same backend for the same cookie, on whichever a visitor lands.

mod access;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::documents::Running;
use super::report::Checked;
use crate::config::proxy::{
    BackendsConfig, CertificateSource, CookieConfig, CookieValue, ErrorPagesConfig, Mode, ServiceConfig, Target,
};
use crate::config::{PeerConfig, PeersConfig};
use crate::counted::listed;

pub(super) fn check(running: &Running, checked: &mut Checked) {
    same_services(running, checked);
    cover(running, checked);
    let proxies = running.proxies.iter().map(|(host, proxy)| (host.as_str(), proxy.peers.as_ref()));
    all_know_all("proxies", &proxies.collect(), running.complete, checked);
    let nameservers = running.nameservers.iter().map(|(host, one)| (host.as_str(), one.config.peers.as_ref()));
    all_know_all("nameservers", &nameservers.collect(), running.complete, checked);
}

/// Compares every proxy with the first.
fn same_services(running: &Running, checked: &mut Checked) {
    let mut proxies = running.proxies.iter();
    let Some((first, one)) = proxies.next() else { return };
    for (other, two) in proxies {
        let names: BTreeSet<&String> = one.services.keys().chain(two.services.keys()).collect();
        for name in names {
            let about = format!("service {name}");
            match (one.services.get(name), two.services.get(name)) {
                (Some(a), Some(b)) => {
                    for (what, a, b) in differences(a, b) {
                        checked.finding(&about, format!("{what} differs: {a} on {first}, {b} on {other}"));
                    }
                }
                (a, _) => {
                    let (has, lacks) = if a.is_some() { (first, other) } else { (other, first) };
                    checked.finding(
                        &about,
                        format!("{has} serves it and {lacks} does not: visitors who come there get 404"),
                    );
                }
            }
        }
    }
}

/// What a visitor who moves from one proxy to another would notice: each difference, with the value on either side.
fn differences(one: &ServiceConfig, two: &ServiceConfig) -> Vec<(&'static str, String, String)> {
    let mut statements = vec![
        ("its hosts", listed(&one.hosts), listed(&two.hosts)),
        ("its paths", listed(&one.paths), listed(&two.paths)),
    ];
    match (&one.target, &two.target) {
        (Target::Backends(a), Target::Backends(b)) => of_backends(a, b, &mut statements),
        (a, b) => statements.push(("what answers it", a.to_string(), b.to_string())),
    }
    statements.push(("its list of pages for errors", pages(one), pages(two)));
    statements.push(("the source of its certificates", certificates(one), certificates(two)));
    statements.extend(access::statements(one, two));
    statements.retain(|(_, a, b)| a != b);
    statements
}

fn of_backends(a: &BackendsConfig, b: &BackendsConfig, statements: &mut Vec<(&'static str, String, String)>) {
    statements.push(("its mode", mode(a).to_owned(), mode(b).to_owned()));
    if let (Some(a), Some(b)) = (cookie(a), cookie(b)) {
        statements.push(("its cookie's name", a.name.clone(), b.name.clone()));
        statements.push(("its cookie's value", value(a).to_owned(), value(b).to_owned()));
        statements.push(("its cookie's key file", key_file(a), key_file(b)));
    }
    statements.push(("its list of backends", backends(a), backends(b)));
}

fn mode(target: &BackendsConfig) -> &'static str {
    match target.mode {
        Mode::Stateless => "stateless",
        Mode::Sticky { .. } => "stateful with automatic failover",
        Mode::Latched { .. } => "stateful with permanent failover",
    }
}

fn cookie(target: &BackendsConfig) -> Option<&CookieConfig> {
    match &target.mode {
        Mode::Stateless => None,
        Mode::Sticky { cookie } | Mode::Latched { cookie, .. } => Some(cookie),
    }
}

fn value(cookie: &CookieConfig) -> &'static str {
    match cookie.value {
        CookieValue::Address => "address",
        CookieValue::Sealed { .. } => "sealed",
    }
}

fn key_file(cookie: &CookieConfig) -> String {
    match &cookie.value {
        CookieValue::Address => "none".to_owned(),
        CookieValue::Sealed { key_file } => key_file.display().to_string(),
    }
}

fn pages(service: &ServiceConfig) -> String {
    let ErrorPagesConfig { by_status, maintenance, .. } = &service.error_pages;
    let by_status = by_status.iter().map(|(status, file)| format!("{status} in {}", file.display()));
    listed(by_status.chain(maintenance.iter().map(|file| format!("maintenance in {}", file.display()))))
}

fn certificates(service: &ServiceConfig) -> String {
    match service.tls.as_ref().map(|tls| &tls.source) {
        None => "none, clear text alone".to_owned(),
        Some(CertificateSource::Files(files)) => listed(files.iter().map(|files| files.chain_file.display())),
        Some(CertificateSource::Acme(challenge)) => format!("acme by {}", challenge.as_str()),
    }
}

fn backends(target: &BackendsConfig) -> String {
    listed(target.backends.iter().map(|backend| {
        let backup = if backend.backup { " (backup)" } else { "" };
        format!("{} at {}{backup}", backend.name, backend.address)
    }))
}

/// A stateful service with a single backend has nowhere to fail over to.
fn cover(running: &Running, checked: &mut Checked) {
    for service in running.proxies.values().flat_map(|proxy| proxy.services.values()) {
        let Some(target) = service.target.backends() else { continue };
        let stateful = !matches!(target.mode, Mode::Stateless);
        if stateful && target.backends.len() < 2 {
            checked.finding(
                format!("service {}", service.name),
                format!("is stateful and has one backend, {}: give it a backup", backends(target)),
            );
        }
    }
}

/// Latches and operator states reach every daemon only if each has all the others as peers.
fn all_know_all(kind: &str, daemons: &BTreeMap<&str, Option<&PeersConfig>>, complete: bool, checked: &mut Checked) {
    if daemons.len() < 2 {
        return;
    }
    for (host, peers) in daemons {
        let Some(peers) = peers else {
            checked.finding(
                format!("host {host}"),
                format!("has no peers, and the {kind} are {}", listed(daemons.keys())),
            );
            continue;
        };
        if peers.own_keys.as_ref().is_some_and(Vec::is_empty) {
            checked.note(
                format!("host {host}"),
                "its peers do not know its key yet: its daemon does not start, and in its journal says which to list in peerKeys",
            );
        }
        for (other, theirs) in daemons.iter().filter(|(other, _)| other != &host) {
            let listen = theirs.map(|peers| peers.listen);
            match (peers.members.get(*other), listen) {
                (None, _) => {
                    checked.finding(format!("host {host}"), format!("{other} is missing among its peers"));
                }
                (Some(PeerConfig { address: dialled, .. }), Some(listen)) if !reaches(*dialled, listen) => {
                    checked.finding(
                        format!("host {host}"),
                        format!("looks for its peer {other} at {dialled}, and that one listens on {listen}"),
                    );
                }
                (Some(_), _) => {}
            }
        }
        for unknown in peers.members.keys().filter(|name| complete && !daemons.contains_key(name.as_str())) {
            checked.finding(format!("host {host}"), format!("its peer {unknown} is none of the {kind}"));
        }
    }
}

/// Whether who dials an address gets to a listener; `[::]` is IPv6 only.
pub(super) fn reaches(dialled: SocketAddr, listen: SocketAddr) -> bool {
    let everywhere = listen.ip().is_unspecified() && listen.is_ipv4() == dialled.is_ipv4();
    dialled.port() == listen.port() && (everywhere || dialled.ip() == listen.ip())
}
