//! TLS: which services are reached over it, and with which certificates.

use std::path::PathBuf;

use super::acme::{self, AcmeConfig};
use super::client_certificates::{self, ClientCertificatesConfig};
use crate::config::CertificateConfig;
use crate::config::acme::ChallengeKind;
use crate::config::certificate;
use crate::config::host_pattern::HostPattern;
use crate::config::names;
use crate::config::reader::{Keys, Location, Object, Read, Value};

/// `tls` of a service: it is reached at the listeners that speak https, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// Where its certificates come from.
    pub source: CertificateSource,
    /// Visitors are asked for certificates of their own.
    pub client_certificates: Option<ClientCertificatesConfig>,
}

/// Where the certificates of a service come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateSource {
    /// From files. Never empty. Of those that cover a name, clients get the first one that they can use.
    Files(Vec<CertificateConfig>),
    /// From the CA of `acme`, which is convinced in this way that the hosts are ours.
    Acme(ChallengeKind),
}

impl TlsConfig {
    /// Those from files.
    pub fn files(&self) -> &[CertificateConfig] {
        match &self.source {
            CertificateSource::Files(files) => files,
            CertificateSource::Acme(_) => &[],
        }
    }
}

/// The keys of `tls` of the document.
pub(super) const ROOT: Keys = Keys { object: "tls", names: &["default", "tickets"] };

/// The keys of `tls.tickets`.
pub(super) const TICKETS: Keys = Keys { object: "tls.tickets", names: &["key_file"] };

/// The keys of `tls` of a service.
pub(super) const SERVICE: Keys =
    Keys { object: "services.NAME.tls", names: &["acme", "certificates", "client_certificates"] };

/// The keys of `acme` of a service.
pub(super) const SERVICE_ACME: Keys = Keys { object: "services.NAME.tls.acme", names: &["challenge"] };

/// The keys of a certificate.
pub(super) const CERTIFICATE: Keys = certificate::keys("services.NAME.tls.certificates[]");

/// The most names of a certificate that is ordered: no CA that is known to us puts more into one.
const MOST_NAMES: usize = 100;

/// Reads `tls` of a service, and where it stands. `default` is how the CA of `acme` is convinced, where the document has that.
pub(super) fn read<'a>(
    service: &Object<'a>,
    hosts: Option<&[HostPattern]>,
    default: Option<ChallengeKind>,
) -> Read<Option<(TlsConfig, Location<'a>)>> {
    service.optional("tls", |value| {
        let (source, client_certificates) = read_source(value)?;
        let source = match source {
            Stated::Files(files) => CertificateSource::Files(files),
            Stated::Acme(challenge) => {
                let Some(default) = default else {
                    return Err(value.fault(
                        "its certificate is to come from a CA, and the document does not say from which: add \"acme\": \
                         { \"terms_of_service_agreed\": true } beside \"services\"",
                    ));
                };
                let challenge = challenge.unwrap_or(default);
                vet_names(value, hosts.unwrap_or_default(), challenge)?;
                CertificateSource::Acme(challenge)
            }
        };
        Ok((TlsConfig { source, client_certificates }, value.location.clone()))
    })
}

/// Where certificates come from, as the service says.
enum Stated {
    Files(Vec<CertificateConfig>),
    Acme(Option<ChallengeKind>),
}

fn read_source(value: &Value<'_>) -> Read<(Stated, Option<ClientCertificatesConfig>)> {
    if !value.is_object() {
        return value.one_of(&[("acme", ())]).map(|()| (Stated::Acme(None), None));
    }
    let tls = value.object(&SERVICE)?;
    let acme = tls.optional("acme", |value| value.object(&SERVICE_ACME)?.optional("challenge", acme::read_challenge));
    let certificates = tls.optional("certificates", |value| {
        let certificates = value.list("certificates", |value| certificate::read(value, &CERTIFICATE))?;
        value.at_least_one("certificate")?;
        Ok(certificates)
    });
    let client_certificates = tls.optional("client_certificates", client_certificates::read);
    match (acme?, certificates?) {
        (Some(challenge), None) => Ok((Stated::Acme(challenge), client_certificates?)),
        (None, Some(files)) => Ok((Stated::Files(files), client_certificates?)),
        (Some(_), Some(_)) => Err(value
            .fault("has both \"acme\" and \"certificates\": a service's certificates come from a CA or from files")),
        (None, None) => Err(value.fault("the key \"certificates\" is missing, or \"acme\" to get them from a CA")),
    }
}

/// What no CA would give a certificate for.
fn vet_names(value: &Value<'_>, hosts: &[HostPattern], challenge: ChallengeKind) -> Read<()> {
    for host in hosts {
        let why = match host {
            HostPattern::Suffix(_) if challenge == ChallengeKind::Http01 => {
                "CAs give certificates for wildcards by dns-01 alone: write { \"acme\": { \"challenge\": \"dns-01\" } }"
            }
            HostPattern::Any => "CAs give certificates for names: write which ones, or give it certificates from files",
            host if !host.is_of_names() => {
                "CAs give certificates for names: take the address out, or give it certificates from files"
            }
            _ => continue,
        };
        return Err(value.fault(format!("no certificate can be ordered for the host {host}: {why}")));
    }
    if hosts.len() > MOST_NAMES {
        return Err(value.fault(format!(
            "{} hosts: a certificate that is ordered has at most {MOST_NAMES} names; make two services of it",
            hosts.len()
        )));
    }
    Ok(())
}

/// `tls` of the document: what all services with TLS have in common.
#[derive(Debug, Default)]
pub(super) struct CommonTls {
    /// The service whose certificate is shown to whoever names no host, or one that nobody has.
    pub(super) default: Option<String>,
    /// The keys that tickets are made of.
    pub(super) ticket_key_file: Option<PathBuf>,
}

/// Reads `tls` of the document. `has_tls` says of a service whether it has TLS, if there is one of this name.
pub(super) fn read_common(root: &Object<'_>, has_tls: impl Fn(&str) -> Option<bool>) -> Read<CommonTls> {
    root.with_default("tls", CommonTls::default(), |value| {
        let tls = value.object(&ROOT)?;
        let default = tls.optional("default", |value| {
            let name = value.parsed("a service's name", names::name)?;
            match has_tls(&name) {
                None => Err(value.fault(format!("there is no service {name:?}"))),
                Some(false) => Err(value.fault(format!("the service {name:?} has no \"tls\""))),
                Some(true) => Ok(name),
            }
        });
        let ticket_key_file =
            tls.optional("tickets", |value| value.object(&TICKETS)?.required("key_file", Value::file));
        Ok(CommonTls { default: default?, ticket_key_file: ticket_key_file? })
    })
}

/// The most certificates that are ordered: all of them have to fit into what peers take of each other.
pub const MOST_ORDERED: usize = 500;

/// So many services get their certificates from a CA.
pub(super) fn most_ordered(services: &Value<'_>, number: usize) -> Read<()> {
    match number {
        0..=MOST_ORDERED => Ok(()),
        more => Err(services.fault(format!(
            "{more} services with certificates from a CA: expected at most {MOST_ORDERED}; put hosts together into one service, or \
             use files"
        ))),
    }
}

/// Where a CA is convinced by http-01, it asks at a listener that speaks http. `services` are those with TLS.
pub(super) fn vet_challenges<'s>(
    listeners: &Value<'_>,
    any_speaks_http: bool,
    mut services: impl Iterator<Item = (&'s str, &'s TlsConfig)>,
) -> Read<()> {
    match services.find(|(_, tls)| tls.source == CertificateSource::Acme(ChallengeKind::Http01)) {
        Some((service, _)) if !any_speaks_http => Err(listeners.fault(format!(
            "the certificate of the service {service} is ordered by http-01, for which the CA asks at port 80, and no listener speaks \
             http: add one, or let the service use dns-01"
        ))),
        _ => Ok(()),
    }
}

/// Where a CA is convinced by dns-01, it asks our own nameservers, which have to be told. `services` are those with TLS.
pub(super) fn vet_nameservers<'s>(
    value: &Value<'_>,
    acme: &AcmeConfig,
    mut services: impl Iterator<Item = (&'s str, &'s TlsConfig)>,
) -> Read<()> {
    match services.find(|(_, tls)| tls.source == CertificateSource::Acme(ChallengeKind::Dns01)) {
        Some((service, _)) if acme.nameservers.is_none() => Err(value.fault(format!(
            "the certificate of the service {service} is ordered by dns-01, for which the CA asks our nameservers, and the key \
             \"nameservers\" does not say which they are"
        ))),
        _ => Ok(()),
    }
}

/// A listener that speaks https and a service with TLS need each other; `first_service` is where the first such service says so.
pub(super) fn vet(listeners: &Value<'_>, any_speaks_https: bool, first_service: Option<&Location<'_>>) -> Read<()> {
    match (any_speaks_https, first_service) {
        (true, None) => Err(listeners.fault(
            "a listener speaks https, and no service has \"tls\": every connection there would be refused; give a service its \
             certificates, or take the listener out",
        )),
        (false, Some(service)) => Err(service.fault(
            "no listener speaks https, so nobody could reach it over TLS: add a listener with \"protocol\": \"https\", or take \
             this out",
        )),
        _ => Ok(()),
    }
}
