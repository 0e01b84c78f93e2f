//! HTTP over TLS: the handshake, which certificate a client gets, and requests that came to the wrong place.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use polder::config::proxy::{AccessLogConfig, AccessLogPath, CertificateConfig, HostPattern};
use polder::proxy::tls::acceptor::{Acceptor, Resolver, by_host};
use polder::tls::certificates::{Certificates, Origin};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{AlertDescription, CipherSuite, ClientConfig, Error, RootCertStore};

use crate::authority::{Authority, TlsClient};
use crate::harness::{Client, GET, OK, Proxy, Script, Setup, eventually, field};

/// Hosts with their certificates; the first is the default if there is to be one.
pub fn acceptor(hosts: &[(&str, &[&CertificateConfig])], has_default: bool) -> Arc<Acceptor> {
    let mut certificates = Certificates::default();
    let mut services = Vec::new();
    for (host, files) in hosts {
        let slots: Vec<_> = files.iter().map(|files| certificates.add(files, Origin::Files, &[])).collect();
        assert!(slots.iter().all(|slot| slot.error().is_none()), "{slots:?}");
        services.push((vec![HostPattern::parse(host).unwrap()], slots));
    }
    let default = if has_default { services[0].1.clone() } else { Vec::new() };
    Arc::new(
        Acceptor::new(
            Resolver { by_host: by_host(services), default, ..Resolver::default() },
            certificates,
            Vec::new(),
        )
        .unwrap(),
    )
}

fn connect(proxy: &Proxy, config: ClientConfig, name: &str) -> TlsClient {
    TlsClient::over_tls(proxy.address, config, name)
}

/// An authority, and a proxy that speaks https for `www.test`.
pub fn www() -> (Authority, Setup) {
    let authority = Authority::new();
    let files = authority.issue("www", &["www.test"]);
    let tls = Some(acceptor(&[("www.test", &[&files])], false));
    (authority, Setup { tls, ..Setup::default() })
}

#[test]
fn requests_over_tls_reach_the_backend_and_say_so() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let proxy = Proxy::start(setup, &[backend.address]);
    for versions in [[&rustls::version::TLS13], [&rustls::version::TLS12]] {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(authority.issuer.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&versions).unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h3".to_vec(), b"http/1.1".to_vec()];
        let mut client = connect(&proxy, config, "www.test");
        for _ in 0..3 {
            client.send(GET);
            assert_eq!(client.response().status(), 200);
        }
        assert_eq!(client.stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
    for head in backend.heads() {
        assert_eq!(field(&head, "X-Forwarded-Proto"), Some("https"));
        assert!(field(&head, "Forwarded").unwrap().ends_with(";proto=https"), "{head}");
    }
}

#[test]
fn bodies_of_many_records_come_through_both_ways() {
    let (authority, setup) = www();
    const LENGTH: usize = 3_000_000;
    let backend = Script::echoing(LENGTH);
    let proxy = Proxy::start(setup, &[backend.address]);
    connect(&proxy, authority.trusting(), "www.test").assert_echoes(LENGTH);
}

#[test]
fn a_name_that_nobody_has_is_refused_with_the_alert_for_it() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let log = AccessLogConfig::to(AccessLogPath::File(path.clone()));
    let mut proxy = Proxy::start(Setup { log: Some(log), ..setup }, &[backend.address]);
    let refused = Error::AlertReceived(AlertDescription::UnrecognisedName);
    assert_eq!(connect(&proxy, authority.trusting(), "other.test").handshake(), Err(refused.clone()));
    let mut nameless = authority.trusting();
    nameless.enable_sni = false;
    assert_eq!(connect(&proxy, nameless, "www.test").handshake(), Err(refused));
    assert_eq!(connect(&proxy, authority.trusting(), "www.test").handshake(), Ok(()));

    // The log says which name it was.
    proxy.holds(0);
    proxy.drain();
    proxy.join();
    drop(proxy);
    let log = std::fs::read_to_string(&path).unwrap();
    let refused: Vec<&str> = log.lines().filter(|line| line.contains(r#""end":"PS""#)).collect();
    assert_eq!(refused.len(), 2, "{log}");
    assert!(refused[0].contains(r#""host":"other.test""#) && refused[1].contains(r#""host":"""#), "{log}");
}

#[test]
fn whoever_names_no_host_gets_the_default_if_the_document_has_one() {
    let authority = Authority::new();
    let (www, shop) = (authority.issue("www", &["www.test"]), authority.issue("shop", &["shop.test"]));
    let tls = Some(acceptor(&[("www.test", &[&www]), ("shop.test", &[&shop])], true));
    let backend = Script::answering(OK);
    let proxy = Proxy::start(Setup { tls, ..Setup::default() }, &[backend.address]);
    let mut nameless = authority.trusting();
    nameless.enable_sni = false;
    let mut client = connect(&proxy, nameless, "www.test");
    client.send(GET);
    assert_eq!(client.response().status(), 200);
}

#[test]
fn a_client_gets_the_certificate_of_its_host_that_its_algorithms_allow() {
    let authority = Authority::new();
    let short = authority.issue("short", &["www.test", "*.pages.test"]);
    let rsa = authority.issue_rsa("rsa", &["www.test"]);
    let tls = Some(acceptor(&[("www.test", &[&rsa, &short]), ("*.pages.test", &[&short])], false));
    let backend = Script::answering(OK);
    let proxy = Proxy::start(Setup { tls, ..Setup::default() }, &[backend.address]);
    let first_of = |files: &CertificateConfig| CertificateDer::from_pem_file(&files.chain_file).unwrap();
    let mut client = connect(&proxy, authority.trusting(), "www.test");
    client.handshake().unwrap();
    assert_eq!(client.stream.conn.peer_certificates().unwrap()[0], first_of(&short), "the short one first");
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| format!("{suite:?}").contains("TLS_ECDHE_RSA"));
    let mut roots = RootCertStore::empty();
    roots.add(authority.issuer.der().clone()).unwrap();
    let old = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap();
    let old = old.with_root_certificates(roots).with_no_client_auth();
    let mut client = connect(&proxy, old, "www.test");
    let _ = client.handshake();
    assert_eq!(client.stream.conn.peer_certificates().map(|chain| chain[0].clone()), Some(first_of(&rsa)));
    assert_eq!(connect(&proxy, authority.trusting(), "a.pages.test").handshake(), Ok(()));
}

#[test]
fn a_request_for_a_host_that_the_certificate_is_not_for_is_misdirected() {
    let authority = Authority::new();
    let (both, shop) = (authority.issue("both", &["www.test", "alias.test"]), authority.issue("shop", &["shop.test"]));
    let hosts: [(&str, &[&CertificateConfig]); 3] =
        [("www.test", &[&both]), ("alias.test", &[&both]), ("shop.test", &[&shop])];
    let backend = Script::answering(OK);
    let mut proxy = Proxy::start(Setup { tls: Some(acceptor(&hosts, false)), ..Setup::default() }, &[backend.address]);
    let ask = |proxy: &Proxy, name: &str| {
        let mut client = connect(proxy, authority.trusting(), name);
        client.send("GET / HTTP/1.1\r\nHost: WWW.test:443\r\n\r\n");
        client.response().status()
    };
    assert_eq!(ask(&proxy, "www.test"), 200);
    assert_eq!(ask(&proxy, "alias.test"), 200, "the same certificate is for both");
    assert_eq!(ask(&proxy, "shop.test"), 421);
    proxy.swap(|setup| setup.over_tls = false);
    assert_eq!(ask(&proxy, "www.test"), 421, "the service is for clear text");
    assert_eq!(backend.heads().len(), 2);
}

#[test]
fn what_is_no_tls_is_refused_and_silence_ends() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let mut proxy = Proxy::start(setup, &[backend.address]);
    let mut clear = Client::connect(proxy.address);
    clear.send(GET);
    let answer = clear.rest();
    assert_eq!(answer.first(), Some(&21), "an alert: {answer:?}");
    let failed = |proxy: &Proxy| {
        let counters = &proxy.worker.as_ref().unwrap().counters;
        counters.handshakes_failed.load(Ordering::Relaxed)
    };
    eventually("the refused handshake is counted", || failed(&proxy) == 1);
    proxy.swap(|setup| setup.timeouts.tls_handshake = Duration::from_millis(50));
    let mut silent = Client::connect(proxy.address);
    silent.assert_closed();
    eventually("the handshake that never was is counted", || failed(&proxy) == 2);
    proxy.swap(|setup| setup.timeouts.tls_handshake = Duration::from_secs(60));
    assert_eq!(connect(&proxy, authority.trusting(), "www.test").handshake(), Ok(()));
}

#[test]
fn cookies_over_tls_are_secure() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let proxy = Proxy::start(Setup { sticky: true, ..setup }, &[backend.address]);
    let mut client = connect(&proxy, authority.trusting(), "www.test");
    client.send(GET);
    let response = client.response();
    assert!(response.field("Set-Cookie").unwrap().ends_with("; Secure"), "{}", response.head);
}

#[test]
fn a_tunnel_over_tls_passes_bytes_both_ways_and_their_end() {
    let (authority, setup) = www();
    let backend = Script::start(|served, _| {
        served.head().unwrap();
        served.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n");
        let mut bytes = [0; 5];
        served.stream.read_exact(&mut bytes).unwrap();
        served.stream.write_all(&bytes).unwrap();
        assert!(served.rest().is_empty());
    });
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = connect(&proxy, authority.trusting(), "www.test");
    client.send("GET / HTTP/1.1\r\nHost: www.test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
    assert_eq!(client.response().status(), 101);
    client.send("hello");
    let mut echo = [0; 5];
    client.stream.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"hello");
    client.stream.conn.send_close_notify();
    let _ = client.stream.flush();
    client.assert_closed();
}

#[test]
fn a_client_resumes_its_session() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let proxy = Proxy::start(setup, &[backend.address]);
    let config = authority.trusting();
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let mut client = connect(&proxy, config.clone(), "www.test");
        client.send(GET);
        assert_eq!(client.response().status(), 200);
        kinds.push(client.stream.conn.handshake_kind());
    }
    assert_eq!(kinds, [Some(rustls::HandshakeKind::Full), Some(rustls::HandshakeKind::Resumed)]);
}

#[test]
fn the_end_of_a_connection_is_announced_so_that_nothing_can_be_missing() {
    let (authority, setup) = www();
    let backend = Script::start(|served, _| {
        served.head().unwrap();
        served.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end");
    });
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = connect(&proxy, authority.trusting(), "www.test");
    client.send("GET / HTTP/1.0\r\nHost: www.test\r\n\r\n");
    let mut all = Vec::new();
    client.stream.read_to_end(&mut all).expect("an end that was announced");
    assert!(all.ends_with(b"\r\n\r\nto the end"), "{}", String::from_utf8_lossy(&all));
}

#[test]
fn a_client_may_say_all_that_it_has_to_say_in_one_write() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = connect(&proxy, authority.trusting(), "www.test");
    let rustls::StreamOwned { conn, sock } = &mut client.stream;
    conn.write_tls(sock).unwrap();
    while conn.is_handshaking() {
        conn.read_tls(sock).unwrap();
        conn.process_new_packets().unwrap();
    }
    conn.writer().write_all(GET.as_bytes()).unwrap();
    conn.send_close_notify();
    let mut last = Vec::new();
    while conn.wants_write() {
        conn.write_tls(&mut last).unwrap();
    }
    sock.write_all(&last).unwrap();
    assert_eq!(client.response().status(), 200);
}

#[test]
fn whoever_breaks_the_protocol_is_told() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut client = connect(&proxy, authority.trusting(), "www.test");
    client.handshake().unwrap();
    // A record that no key has sealed.
    client.stream.sock.write_all(&[23, 3, 3, 0, 32].into_iter().chain([7; 32]).collect::<Vec<u8>>()).unwrap();
    let error = client.stream.read(&mut [0; 16]).unwrap_err();
    let told = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    assert_eq!(told, Some(&Error::AlertReceived(AlertDescription::BadRecordMac)));
}

#[test]
fn of_two_certificates_of_a_service_the_one_that_was_shown_counts() {
    let authority = Authority::new();
    let (www, shop) = (authority.issue("www", &["www.test"]), authority.issue("shop", &["shop.test"]));
    let both: [&CertificateConfig; 2] = [&www, &shop];
    let tls = Some(acceptor(&[("www.test", &both), ("shop.test", &both)], false));
    let backend = Script::answering(OK);
    let proxy = Proxy::start(Setup { tls, ..Setup::default() }, &[backend.address]);
    for (name, status) in [("www.test", 200), ("shop.test", 421)] {
        let mut client = connect(&proxy, authority.trusting(), name);
        client.send(GET);
        assert_eq!(client.response().status(), status, "{name}");
    }
}

#[test]
fn http_1_0_is_spoken_over_tls_too() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut config = authority.trusting();
    config.alpn_protocols = vec![b"http/1.0".to_vec()];
    let mut client = connect(&proxy, config, "www.test");
    client.send("GET / HTTP/1.0\r\nHost: www.test\r\n\r\n");
    assert_eq!(client.response().status(), 200);
}

#[test]
fn the_cipher_is_the_first_of_ours_that_the_client_has() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let proxy = Proxy::start(setup, &[backend.address]);
    for (version, cipher) in [
        (&rustls::version::TLS13, CipherSuite::TLS13_AES_128_GCM_SHA256),
        (&rustls::version::TLS12, CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ] {
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        provider.cipher_suites.reverse();
        let mut roots = RootCertStore::empty();
        roots.add(authority.issuer.der().clone()).unwrap();
        let config =
            ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&[version]).unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let mut client = connect(&proxy, config, "www.test");
        client.send(GET);
        assert_eq!(client.response().status(), 200);
        assert_eq!(client.stream.conn.negotiated_cipher_suite().map(|suite| suite.suite()), Some(cipher));
    }
}
