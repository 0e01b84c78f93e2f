//! What a handshake is answered from: the protocol's settings, and which certificate a client gets.
//!
//! A name belongs to the services whose hosts match it, by the rule of routes ([`HostTable`]). Of their certificates that cover the
//! name the client gets one whose key it can use: a short one (ECDSA, Ed25519) before RSA.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, SignatureScheme};

use super::client_authority::ClientAuthority;
use super::client_verifier::AskByHost;
use super::hello::{self, Hello};
use super::tickets::Tickets;
use crate::config::proxy::HostPattern;
use crate::proxy::hosts::{HostTable, Room};
use crate::tls::HTTP2;
use crate::tls::certificate::Certificate;
use crate::tls::certificates::{Certificates, Slot};

/// Where the document names no keys that other proxies have, too: of this process, whatever document is in force.
static TICKETS: LazyLock<Arc<Tickets>> = LazyLock::new(|| Arc::new(Tickets::of_process()));

/// The versions of HTTP that we speak, the one that we like best first (RFC 7301).
const PROTOCOLS: [&[u8]; 3] = [HTTP2, b"http/1.1", b"http/1.0"];

/// The answers to handshakes while a document is in force.
pub struct Acceptor {
    config: Arc<ServerConfig>,
    /// The same for listeners where HTTP/2 is not spoken.
    without_http2: Arc<ServerConfig>,
    resolver: Arc<Resolver>,
    certificates: Certificates,
    services: Vec<SecureService>,
}

/// A service that is reached over TLS.
#[derive(Debug)]
pub struct SecureService {
    /// Its name.
    pub name: String,
    /// Its hosts.
    pub hosts: Vec<HostPattern>,
    /// Its certificates.
    pub slots: Vec<Arc<Slot>>,
}

impl SecureService {
    /// What the operator should know: a host that none of its certificates is for, though there are some.
    fn alarm(&self) -> Option<String> {
        let certificates: Vec<_> = self.slots.iter().filter_map(|slot| slot.certificate()).collect();
        let covers = |host: &HostPattern| certificates.iter().any(|one| one.chain.names.cover_pattern(host));
        let host = self.hosts.iter().find(|host| !certificates.is_empty() && !covers(host))?;
        Some(format!(
            "service {}: no certificate is for {host}: its visitors over https are refused or warned off",
            self.name
        ))
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Acceptor").field(&self.resolver).finish()
    }
}

/// The certificates by name.
#[derive(Debug, Default)]
pub struct Resolver {
    /// Of the services with these hosts.
    pub by_host: HostTable<Vec<Arc<Slot>>>,
    /// For clients that name no host, or one that nobody has.
    pub default: Vec<Arc<Slot>>,
    /// By whose certificates visitors are asked to say who they are.
    pub authorities: Authorities,
}

/// By whose certificates visitors are asked to say who they are; nobody is, where there is none.
#[derive(Debug, Default)]
pub struct Authorities {
    /// Who names these hosts. All hosts of services with TLS are in it: the one that is named exactly decides.
    pub by_host: HostTable<Option<Arc<ClientAuthority>>>,
    /// Who names no host.
    pub default: Option<Arc<ClientAuthority>>,
    /// Each of them once.
    pub all: Vec<Arc<ClientAuthority>>,
}

impl Authorities {
    fn of(&self, server_name: Option<&str>) -> Option<Arc<ClientAuthority>> {
        let Some(name) = server_name else { return self.default.clone() };
        let mut room = Room::default();
        self.by_host.find(name.as_bytes(), &mut room).and_then(|(_, authority)| authority.clone())
    }
}

impl Acceptor {
    /// For these certificates.
    ///
    /// # Errors
    ///
    /// Never, unless the cryptographic library has been built without TLS 1.2 and 1.3.
    pub fn new(
        resolver: Resolver,
        certificates: Certificates,
        services: Vec<SecureService>,
    ) -> Result<Acceptor, rustls::Error> {
        let resolver = Arc::new(resolver);
        let provider = Arc::new(provider());
        let algorithms = provider.signature_verification_algorithms;
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = match resolver.authorities.all.is_empty() {
            true => config.with_no_client_auth(),
            false => config.with_client_cert_verifier(Arc::new(AskByHost(algorithms))),
        };
        let mut config = config.with_cert_resolver(Arc::clone(&resolver) as _);
        config.ignore_client_order = true;
        config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
        // Clients keep the state of their sessions themselves: it costs us no memory, and survives this process's connections.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        let mut without_http2 = config.clone();
        without_http2.alpn_protocols.retain(|name| name != HTTP2);
        let (config, without_http2) = (Arc::new(config), Arc::new(without_http2));
        let acceptor = Acceptor { config, without_http2, resolver, certificates, services };
        Ok(acceptor.with_tickets(Arc::clone(&TICKETS)))
    }

    /// Lets visitors resume by these.
    #[must_use]
    pub fn with_tickets(mut self, tickets: Arc<Tickets>) -> Acceptor {
        let ticketer = Arc::new(Resumption(tickets));
        for config in [&mut self.config, &mut self.without_http2] {
            Arc::make_mut(config).ticketer = Arc::clone(&ticketer) as _;
        }
        self
    }

    /// What the operator should look at, at a moment since the epoch.
    pub fn alarms(&self, since_epoch: Duration) -> impl Iterator<Item = String> {
        let of_certificates = self.certificates.iter().flat_map(move |slot| slot.alarms(since_epoch));
        let of_authorities = self.resolver.authorities.all.iter().flat_map(move |one| one.alarms(since_epoch));
        of_certificates.chain(of_authorities).chain(self.services.iter().filter_map(SecureService::alarm))
    }

    /// The authorities of visitors' certificates.
    pub fn authorities(&self) -> &[Arc<ClientAuthority>] {
        &self.resolver.authorities.all
    }

    /// Whether there is a certificate for this host.
    pub fn covers(&self, host: &str) -> bool {
        self.resolver.slots(Some(host)).iter().any(|slot| slot.covers(host))
    }

    /// The certificates in force of which whoever names this host is shown the first that he can use.
    pub fn offered(&self, server_name: Option<&str>) -> Vec<(&Arc<Slot>, Arc<Certificate>)> {
        self.resolver.offered(server_name)
    }

    /// Those that services with this host have, whether they can be used or not.
    pub fn of_host(&self, host: &str) -> &[Arc<Slot>] {
        let mut room = Room::default();
        let found = self.resolver.by_host.find(host.as_bytes(), &mut room);
        found.map(|(_, slots)| slots.as_slice()).unwrap_or_default()
    }

    /// Every certificate of the document.
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// The protocol's settings. `http2`: visitors may choose it.
    pub fn config(&self, http2: bool) -> Arc<ServerConfig> {
        Arc::clone(if http2 { &self.config } else { &self.without_http2 })
    }
}

/// The cryptography that we offer, in our order of ciphers: first what costs both sides least on processors with AES, as in
/// Mozilla's intermediate recommendation for servers.
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    // Stable: suites of one cipher keep the library's order, TLS 1.3 and ECDSA first.
    provider.cipher_suites.sort_by_key(|suite| match suite.suite() {
        CipherSuite::TLS13_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 0,
        CipherSuite::TLS13_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => 1,
        _ => 2,
    });
    provider
}

impl Resolver {
    /// The certificates for whoever names this host.
    fn slots(&self, server_name: Option<&str>) -> &[Arc<Slot>] {
        let covers = |slot: &Arc<Slot>| server_name.is_some_and(|name| slot.covers(name));
        let mut room = Room::default();
        let own = server_name.and_then(|name| self.by_host.find(name.as_bytes(), &mut room));
        match own {
            Some((_, slots)) if slots.iter().any(covers) => slots,
            _ => &self.default,
        }
    }

    fn choose(&self, server_name: Option<&str>, schemes: &[SignatureScheme]) -> Option<Arc<Certificate>> {
        let is_usable = |certificate: &Certificate| certificate.certified.key.choose_scheme(schemes).is_some();
        self.offered(server_name).into_iter().map(|(_, certificate)| certificate).find(|found| is_usable(found))
    }

    /// The certificates in force for whoever names this host, the one that is liked best first. Of the default, whatever it covers: the
    /// client will see that it is for another host.
    fn offered(&self, server_name: Option<&str>) -> Vec<(&Arc<Slot>, Arc<Certificate>)> {
        let slots = self.slots(server_name).iter();
        let mut offered: Vec<_> = slots.filter_map(|slot| Some((slot, slot.certificate()?))).collect();
        // Stable: those of one kind keep the order of the document.
        offered.sort_by_key(|(_, certificate)| {
            let is_for_name = server_name.is_some_and(|name| certificate.chain.names.cover(name));
            (!is_for_name, certificate.is_rsa())
        });
        offered
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let server_name = hello.server_name();
        let is_known = self.slots(server_name).iter().any(|slot| slot.certificate().is_some());
        let certificate = self.choose(server_name, hello.signature_schemes());
        let covers =
            |certificate: &Arc<Certificate>| server_name.is_none_or(|name| certificate.chain.names.cover(name));
        let is_covered = certificate.as_ref().is_some_and(covers);
        hello::enter(Some(Hello {
            server_name: server_name.map(Box::from),
            is_known,
            certificate: certificate.clone(),
            is_covered,
            authority: self.authorities.of(server_name),
            good_by: None,
        }));
        certificate.map(|certificate| Arc::clone(&certificate.certified))
    }
}

/// The tickets of those who may resume. rustls sees to it that the host is that of the session (RFC 6066, 3), but not that we still
/// have it: who resumes is shown no certificate, so there must be one that could be shown. Nor does it look again at the certificate
/// that a visitor has shown: where they do there are no tickets.
#[derive(Debug)]
struct Resumption(Arc<Tickets>);

impl ProducesTickets for Resumption {
    fn enabled(&self) -> bool {
        self.0.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.0.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        hello::with(|hello| hello.is_some_and(|hello| hello.authority.is_none()))
            .then(|| self.0.encrypt(plain))
            .flatten()
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        // rustls asks for the certificate before it looks at tickets.
        let may_resume = hello::with(|hello| hello.is_some_and(Hello::may_resume));
        may_resume.then(|| self.0.decrypt(ticket)).flatten()
    }
}

/// The certificates of services by their hosts.
pub fn by_host(services: impl IntoIterator<Item = (Vec<HostPattern>, Vec<Arc<Slot>>)>) -> HostTable<Vec<Arc<Slot>>> {
    let mut table = HostTable::<Vec<Arc<Slot>>>::default();
    for (hosts, slots) in services {
        for host in hosts {
            table.entry(host).extend(slots.iter().cloned());
        }
    }
    table
}
