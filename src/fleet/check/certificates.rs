//! Certificates that proxies and nameservers order come about wherever they are ordered: by dns-01 the CA asks nameservers of the fleet, and
//! each of those has to answer what each proxy tells it, and what its peers do.

use super::documents::{Nameserver, Running};
use super::proxies::reaches;
use super::report::Checked;
use crate::config::ProxyConfig;
use crate::config::proxy::{CertificateSource, ChallengeKind, HostPattern};
use crate::counted::listed;
use crate::daemon::challenges::Name;
use crate::dns::challenges::{Refusal, refusal, refusal_of_ordered};

pub(super) fn check(running: &Running, checked: &mut Checked) {
    for (host, proxy) in &running.proxies {
        for (service, name) in by_dns(proxy) {
            answered(running, (host, proxy), service, &name, checked);
        }
    }
    for (host, nameserver) in &running.nameservers {
        for name in ordered(nameserver) {
            answered_by_peers(running, (host, nameserver), &name, checked);
        }
    }
}

/// The names at which the CA asks for the certificate of a nameserver.
fn ordered(nameserver: &Nameserver) -> impl Iterator<Item = Name> {
    let acme = nameserver.config.encrypted.iter().filter_map(|encrypted| encrypted.acme.as_ref());
    acme.flat_map(|acme| &acme.names).filter_map(|name| Name::for_domain(&name.to_string()).ok())
}

/// Whether all nameservers that the CA may ask answer what this one has ordered: they hear of it as its peers.
fn answered_by_peers(running: &Running, (host, own): (&str, &Nameserver), name: &Name, checked: &mut Checked) {
    let about = format!("nameserver {host}");
    let peers = own.config.peers.as_ref().map(|peers| &peers.members);
    let hears = |asked: &Nameserver| peers.is_some_and(|peers| peers.contains_key(&asked.config.name));
    let mut is_asked = false;
    for (other, asked) in &running.nameservers {
        let refusal = refusal_of_ordered(name, &asked.zones);
        if refusal == Some(Refusal::Elsewhere) {
            continue;
        }
        is_asked = true;
        let why = match refusal {
            Some(why) => format!("at {other} {name} {why}"),
            None if other == host => continue,
            None if !hears(asked) => format!("the CA asks {other} for {name}, which is no peer of {host}"),
            None if ordered(asked).next().is_none() => {
                format!(
                    "the CA asks {other} for {name}, whose document has no encrypted.acme: it does not answer for others"
                )
            }
            None => continue,
        };
        checked.finding(&about, format!("its certificate is ordered by dns-01, and {why}"));
    }
    if !is_asked && running.complete {
        let nameservers = listed(running.nameservers.keys());
        checked.finding(
            &about,
            format!(
                "its certificate is ordered by dns-01, and {name} is in no zone of the nameservers ({nameservers})"
            ),
        );
    }
}

/// The services whose certificates are ordered by dns-01, with each name at which the CA asks.
fn by_dns(proxy: &ProxyConfig) -> impl Iterator<Item = (&str, Name)> {
    let services = proxy.services.values().filter(|service| {
        service.tls.as_ref().is_some_and(|tls| tls.source == CertificateSource::Acme(ChallengeKind::Dns01))
    });
    services.flat_map(|service| {
        let names = service.hosts.iter().filter(|host| **host != HostPattern::Any);
        names.filter_map(|host| Some((&*service.name, Name::for_domain(&host.to_string()).ok()?)))
    })
}

fn answered(running: &Running, proxy: (&str, &ProxyConfig), service: &str, name: &Name, checked: &mut Checked) {
    let about = format!("service {service}");
    let mut asked = running.nameservers.iter().filter_map(|(host, nameserver)| {
        let config = nameserver.config.acme_challenges.as_ref();
        match refusal(proxy.0, name, config, &nameserver.zones) {
            Some(Refusal::Elsewhere) => None,
            refusal => Some((host, nameserver, refusal)),
        }
    });
    let mut is_asked = false;
    for (host, nameserver, refusal) in asked.by_ref() {
        is_asked = true;
        // Of one that does not know the proxy, its document says more.
        if let Some(why) = refusal.filter(|why| *why != Refusal::Unlisted) {
            checked.finding(&about, format!("its certificate is ordered by dns-01, and at {host} {name} {why}"));
        } else if let Some(why) = untold((host, nameserver), proxy) {
            checked.finding(
                &about,
                format!("its certificate is ordered by dns-01, the CA asks {host} for {name}, and {why}"),
            );
        }
    }
    if !is_asked && running.complete {
        let nameservers = listed(running.nameservers.keys());
        checked.finding(
            &about,
            format!(
                "its certificate is ordered by dns-01, and {name} is in no zone of the nameservers ({nameservers})"
            ),
        );
    }
}

/// Why a nameserver does not hear of a proxy's challenges; none if it does.
fn untold((host, nameserver): (&str, &Nameserver), (name, proxy): (&str, &ProxyConfig)) -> Option<String> {
    let Some(config) = &nameserver.config.acme_challenges else {
        return Some("it answers no proxy's challenges: its document has no acme_challenges".to_owned());
    };
    let Some(from) = config.from.get(name) else {
        return Some(format!("{name} is not in its acme_challenges.from"));
    };
    let members = proxy.acme.iter().filter_map(|acme| acme.nameservers.as_ref()).flat_map(|one| &one.members);
    let Some((_, told)) = members.into_iter().find(|(_, told)| reaches(told.address, config.listen)) else {
        return Some(format!("{name} does not tell it: {} is not in its acme.nameservers", config.listen));
    };
    let own =
        |keys: Option<&Vec<_>>, listed: &Vec<_>| keys.is_none_or(|keys| keys.iter().any(|key| listed.contains(key)));
    if !own(proxy.peers.as_ref().and_then(|peers| peers.own_keys.as_ref()), &from.keys) {
        return Some(format!("it does not know the key of {name}: acme_challenges.from.{name}.keys has other ones"));
    }
    if !own(nameserver.config.peers.as_ref().and_then(|peers| peers.own_keys.as_ref()), &told.keys) {
        return Some(format!("{name} does not know its key: acme.nameservers.members.{host}.keys has other ones"));
    }
    None
}
