//! Certificates that proxies and nameservers order come about wherever they are ordered: by dns-01 the CA asks nameservers of the fleet, and
//! each of those has to answer what each proxy tells it, and what its peers do.

use super::documents::{Nameserver, Running, Source};
use super::proxies::reaches;
use super::report::Checked;
use crate::config::ProxyConfig;
use crate::config::dns::AcmeChallengesConfig;
use crate::config::proxy::{CertificateSource, ChallengeKind, HostPattern};
use crate::counted::listed;
use crate::daemon::challenges::Name;
use crate::dns::challenges::{Refusal, refusal, refusal_of_ordered};
use crate::zone;

pub(super) fn check(running: &Running, checked: &mut Checked) {
    for (host, proxy) in &running.proxies {
        for (service, name) in by_dns(proxy) {
            answered(running, (host, proxy), service, &name, checked);
        }
    }
    for (host, nameserver) in &running.nameservers {
        let mut names = ordered(nameserver).peekable();
        if names.peek().is_some() {
            peers_take_part(running, (host, nameserver), checked);
        }
        for name in names {
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
    let mut is_asked = false;
    for (other, asked) in &running.nameservers {
        let refusal = match source_of(asked, name) {
            Source::Nowhere => continue,
            Source::File => refusal_of_ordered(name, &asked.zones),
            Source::Primaries(_) | Source::Catalog => None,
        };
        is_asked = true;
        let why = match refusal {
            Some(why) => format!("at {other} {name} {why}"),
            None if other == host => continue,
            // Whether the catalog lists it, and the CA asks there, is not known here.
            None if source_of(asked, name) == Source::Catalog => continue,
            None if !is_peer(own, asked) => format!("the CA asks {other} for {name}, which is no peer of {host}"),
            None => continue,
        };
        checked.finding(&about, format!("its certificate is ordered by dns-01, and {why}"));
    }
    if !is_asked {
        in_no_zone(running, &about, name, checked);
    }
}

/// Whether all peers of a nameserver that has a certificate ordered take part in that: one that does not answers for nobody. Where the CA may ask
/// it the order fails; else it is named in a warning at each order.
fn peers_take_part(running: &Running, (host, own): (&str, &Nameserver), checked: &mut Checked) {
    let about = format!("nameserver {host}");
    for (other, peer) in &running.nameservers {
        if other == host || !is_peer(own, peer) || ordered(peer).next().is_some() {
            continue;
        }
        let message = format!(
            "its certificate is ordered by dns-01, and the document of its peer {other} has no encrypted.acme: it does not answer for others"
        );
        match ordered(own).any(|name| source_of(peer, &name) != Source::Nowhere) {
            true => checked.finding(&about, message),
            false => checked.note(&about, message),
        }
    }
}

fn is_peer(own: &Nameserver, other: &Nameserver) -> bool {
    own.config.peers.as_ref().is_some_and(|peers| peers.members.contains_key(&other.config.name))
}

fn source_of<'n>(nameserver: &'n Nameserver, name: &Name) -> Source<'n> {
    zone::name::Name::from_text(name.as_str()).map_or(Source::Nowhere, |name| nameserver.source_of(&name))
}

fn in_no_zone(running: &Running, about: &str, name: &Name, checked: &mut Checked) {
    if running.complete {
        let nameservers = listed(running.nameservers.keys());
        checked.finding(
            about,
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
    let mut is_asked = false;
    for (host, nameserver) in &running.nameservers {
        let config = nameserver.config.acme_challenges.as_ref();
        let refusal = match source_of(nameserver, name) {
            Source::Nowhere => continue,
            Source::File => refusal(proxy.0, name, config, &nameserver.zones),
            Source::Primaries(apex) => refusal_in(apex, proxy.0, config),
            Source::Catalog => {
                // Whether it lists the name, and the CA asks there, is not known here.
                is_asked = true;
                continue;
            }
        };
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
    if !is_asked {
        in_no_zone(running, &about, name, checked);
    }
}

/// Why a nameserver does not answer what a proxy tells in a zone that has not come yet, as far as its document says; none if it does.
fn refusal_in(apex: &str, proxy: &str, config: Option<&AcmeChallengesConfig>) -> Option<Refusal> {
    let allowed = config?.from.get(proxy)?.zones.as_ref()?;
    (!allowed.contains(apex)).then(|| Refusal::NotInZone(apex.to_owned()))
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
