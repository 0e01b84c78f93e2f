//! Sessions that are resumed: at whichever proxy, how long, and under which names.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use polder::config::proxy::{CertificateConfig, HostPattern};
use polder::proxy::tls::acceptor::{Acceptor, Resolver, by_host};
use polder::proxy::tls::tickets::Tickets;
use polder::tls::certificates::{Certificates, Origin};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};

use crate::authority::{Authority, TlsClient};
use crate::harness::{GET, OK, Proxy, Script, Setup};

const SECRET: [u8; 32] = [7; 32];
const OTHER: [u8; 32] = [8; 32];

/// With one certificate, for one host or as the default for all.
fn setup(files: &CertificateConfig, host: Option<&str>, tickets: Tickets) -> Setup {
    let mut certificates = Certificates::default();
    let slots = vec![certificates.add(files, Origin::Files, &[])];
    let default = if host.is_none() { slots.clone() } else { Vec::new() };
    let hosts = host.map(|host| (vec![HostPattern::parse(host).unwrap()], slots));
    let acceptor =
        Acceptor::new(Resolver { by_host: by_host(hosts), default, ..Resolver::default() }, certificates, Vec::new())
            .unwrap();
    Setup { tls: Some(Arc::new(acceptor.with_tickets(Arc::new(tickets)))), ..Setup::default() }
}

fn visitor(authority: &Authority, version: &'static SupportedProtocolVersion) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(authority.issuer.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    config.with_root_certificates(roots).with_no_client_auth()
}

/// Whether a visit to this proxy resumes a session.
fn resumes(proxy: &Proxy, visitor: &ClientConfig) -> bool {
    let mut client = TlsClient::over_tls(proxy.address, visitor.clone(), "www.test");
    client.send(GET);
    assert_eq!(client.response().status(), 200);
    client.stream.conn.handshake_kind() == Some(HandshakeKind::Resumed)
}

fn counted(proxy: &Proxy) -> (u64, u64) {
    let counters = &proxy.worker.as_ref().unwrap().counters;
    (counters.handshakes.load(Ordering::Relaxed), counters.handshakes_resumed.load(Ordering::Relaxed))
}

#[test]
fn a_visitor_resumes_at_another_proxy_that_has_the_key_and_at_no_other() {
    let authority = Authority::new();
    let files = authority.issue("www", &["www.test"]);
    let backend = Script::answering(OK);
    let proxy =
        |secrets: &[[u8; 32]]| Proxy::start(setup(&files, Some("www.test"), Tickets::new(secrets)), &[backend.address]);
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let [one, another, rotating, stranger] = [&[SECRET][..], &[SECRET], &[OTHER, SECRET], &[OTHER]].map(&proxy);
        let visitor = visitor(&authority, version);
        assert!(!resumes(&one, &visitor));
        assert!(resumes(&one, &visitor));
        assert!(resumes(&another, &visitor), "with the same key, {version:?}");
        assert!(resumes(&rotating, &visitor), "with the key as the second one, {version:?}");
        assert!(resumes(&stranger, &visitor), "with the key that the last one has sealed it with, {version:?}");
        assert!(!resumes(&one, &visitor), "with another key, {version:?}");
        assert_eq!((counted(&one), counted(&another), counted(&stranger)), ((3, 1), (1, 1), (1, 1)));
    }
}

#[test]
fn without_keys_a_visitor_resumes_at_the_same_process() {
    let authority = Authority::new();
    let files = authority.issue("www", &["www.test"]);
    let backend = Script::answering(OK);
    let [one, other] =
        [0, 1].map(|_| Proxy::start(setup(&files, Some("www.test"), Tickets::of_process()), &[backend.address]));
    let visitor = visitor(&authority, &rustls::version::TLS13);
    assert_eq!([&one, &one, &other].map(|proxy| resumes(proxy, &visitor)), [false, true, false]);
}

static NOW: AtomicU64 = AtomicU64::new(1_000 * 8 * 3600);

#[test]
fn a_ticket_that_is_too_old_is_a_full_handshake_and_no_failure() {
    let authority = Authority::new();
    let files = authority.issue("www", &["www.test"]);
    let backend = Script::answering(OK);
    let tickets = Tickets::with_clock(&[SECRET], || NOW.load(Ordering::Relaxed));
    let proxy = Proxy::start(setup(&files, Some("www.test"), tickets), &[backend.address]);
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let visitor = visitor(&authority, version);
        assert!(!resumes(&proxy, &visitor));
        NOW.fetch_add(8 * 3600, Ordering::Relaxed);
        assert!(resumes(&proxy, &visitor), "a period later, {version:?}");
        NOW.fetch_add(2 * 8 * 3600, Ordering::Relaxed);
        assert!(!resumes(&proxy, &visitor), "two periods after that, {version:?}");
        assert!(resumes(&proxy, &visitor), "by a new ticket, {version:?}");
    }
}

#[test]
fn nobody_resumes_under_a_name_that_no_certificate_is_for_any_more() {
    let authority = Authority::new();
    let (www, shop) = (authority.issue("www", &["www.test"]), authority.issue("shop", &["shop.test"]));
    let backend = Script::answering(OK);
    let proxy = |files, host| Proxy::start(setup(files, host, Tickets::new(&[SECRET])), &[backend.address]);
    let (before, gone, renamed) = (proxy(&www, Some("www.test")), proxy(&shop, Some("shop.test")), proxy(&shop, None));
    let visitor = visitor(&authority, &rustls::version::TLS13);
    for after in [gone, renamed] {
        // It leaves a ticket.
        resumes(&before, &visitor);
        let mut client = TlsClient::over_tls(after.address, visitor.clone(), "www.test");
        assert!(client.handshake().is_err(), "{:?}", client.stream.conn.handshake_kind());
    }
}
