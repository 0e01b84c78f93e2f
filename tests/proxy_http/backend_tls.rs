//! Backends over TLS: who is believed, what is shown, and that connections are used again by their like alone.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use polder::config::proxy::CertificateConfig;
use polder::config::{BackendProtocol, BackendTls, ClientCertificate, HttpVersion};
use polder::tls::client::Connector;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::harness::{Client, GET, OK, PATIENCE, Proxy, Script, Setup, eventually, refusing};
use crate::https_daemon::Daemon;
use crate::script::read_head;

pub type Stream = StreamOwned<ServerConnection, TcpStream>;

/// What a backend has seen of its connections, in their order.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    kind: Option<HandshakeKind>,
    version: Option<rustls::ProtocolVersion>,
    server_name: Option<String>,
    alpn: Option<Vec<u8>>,
    shown: bool,
    pub heads: Vec<String>,
}

/// A backend over TLS, whose script gets each request's connection and head.
pub struct Secure {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Secure {
    pub fn start(config: ServerConfig, script: impl Fn(&mut Stream, &str) + Send + Sync + 'static) -> Secure {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (kept, config, script) = (Arc::clone(&seen), Arc::new(config), Arc::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.set_nodelay(true).unwrap();
                let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
                let (kept, script) = (Arc::clone(&kept), Arc::clone(&script));
                let number = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(Seen::default());
                    kept.len() - 1
                };
                std::thread::spawn(move || {
                    while let Some(head) = read_head(&mut stream) {
                        {
                            let seen = &mut kept.lock().unwrap()[number];
                            seen.kind = stream.conn.handshake_kind();
                            seen.version = stream.conn.protocol_version();
                            seen.server_name = stream.conn.server_name().map(str::to_owned);
                            seen.alpn = stream.conn.alpn_protocol().map(<[u8]>::to_vec);
                            seen.shown = stream.conn.peer_certificates().is_some();
                            seen.heads.push(head.clone());
                        }
                        script(&mut stream, &head);
                    }
                });
            }
        });
        Secure { address, seen }
    }

    pub fn answering(config: ServerConfig) -> Secure {
        Secure::start(config, |stream, _| {
            let _ = stream.write_all(OK.as_bytes());
        })
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests it has had, in all.
    pub fn requests(&self) -> usize {
        self.seen().iter().map(|seen| seen.heads.len()).sum()
    }
}

pub fn shows(files: &CertificateConfig, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let chain = CertificateDer::pem_file_iter(&files.chain_file).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(&files.key_file).unwrap();
    let mut config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

/// Asks for a certificate of the authority's, and refuses whoever has none.
fn asks(authority: &Authority, files: &CertificateConfig) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.issuer.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = CertificateDer::pem_file_iter(&files.chain_file).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(&files.key_file).unwrap();
    config.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap()
}

pub fn believes(
    authority: &Authority,
    name: Option<&str>,
    shown: Option<&CertificateConfig>,
) -> Option<Arc<Connector>> {
    let client_certificate =
        shown.map(|files| ClientCertificate { chain_file: files.chain_file.clone(), key_file: files.key_file.clone() });
    let tls =
        BackendTls { ca_file: Some(authority.ca_file()), server_name: name.map(str::to_owned), client_certificate };
    Connector::of(&BackendProtocol { version: HttpVersion::Http1, tls: Some(Arc::new(tls)), ..Default::default() })
}

fn setup(backend_tls: Option<Arc<Connector>>) -> Setup {
    Setup { backend_tls, ..Setup::default() }
}

pub const BOTH: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];

#[test]
fn requests_reach_a_backend_over_tls_and_its_connection_is_used_again() {
    let authority = Authority::new();
    let files = authority.issue("web", &["web.test"]);
    for version in BOTH {
        let backend = Secure::answering(shows(&files, &[version]));
        let proxy = Proxy::start(setup(believes(&authority, Some("web.test"), None)), &[backend.address]);
        for _ in 0..3 {
            let response = proxy.ask(GET);
            assert_eq!((response.status(), &response.body[..]), (200, &b"ok"[..]));
        }
        let seen = backend.seen();
        assert_eq!((seen.len(), seen[0].heads.len()), (1, 3), "one connection serves them all");
        assert_eq!(seen[0].version, Some(version.version));
        assert_eq!(seen[0].server_name.as_deref(), Some("web.test"));
        assert_eq!(seen[0].alpn.as_deref(), Some(&b"http/1.1"[..]));
    }
}

#[test]
fn without_a_name_the_certificate_is_for_the_address() {
    let authority = Authority::new();
    let (by_address, by_name) = (authority.issue("address", &["127.0.0.1"]), authority.issue("name", &["web.test"]));
    let tls = believes(&authority, None, None);
    let backend = Secure::answering(shows(&by_address, &BOTH));
    assert_eq!(Proxy::start(setup(tls.clone()), &[backend.address]).ask(GET).status(), 200);
    assert_eq!(backend.seen()[0].server_name, None, "an address is no name to ask for (RFC 6066, 3)");
    let other = Secure::answering(shows(&by_name, &BOTH));
    assert_eq!(Proxy::start(setup(tls), &[other.address]).ask(GET).status(), 503);
    assert_eq!(other.requests(), 0);
}

#[test]
fn a_backend_that_is_not_whom_it_must_be_gets_no_request_and_another_one_does() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let good = Secure::answering(shows(&authority.issue("web", &["web.test"]), &BOTH));
    let wrong = [
        authority.issue("other", &["other.test"]),
        authority.issue_expired("old", &["web.test"]),
        stranger.issue("stranger", &["web.test"]),
    ];
    for files in &wrong {
        let bad = Secure::answering(shows(files, &BOTH));
        let tls = believes(&authority, Some("web.test"), None);
        let alone = Proxy::start(setup(tls.clone()), &[bad.address]);
        assert_eq!(alone.ask(GET).status(), 503, "{files:?}");
        let both = Proxy::start(setup(tls), &[bad.address, good.address]);
        for _ in 0..2 {
            // One that has a body too: nothing of it was sent.
            let post = "POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 2\r\n\r\nhi";
            assert_eq!(both.ask(post).status(), 200, "{files:?}");
        }
        assert_eq!(bad.requests(), 0, "{files:?}");
    }
}

#[test]
fn what_speaks_no_tls_is_no_connection() {
    let authority = Authority::new();
    let clear = Script::start(|served, _| {
        served.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    let proxy = Proxy::start(setup(believes(&authority, Some("web.test"), None)), &[clear.address]);
    assert_eq!(proxy.ask(GET).status(), 503);
}

#[test]
fn a_handshake_that_takes_too_long_is_a_connection_that_does() {
    let authority = Authority::new();
    let silent = Script::start(|served, _| drop(served.rest()));
    let mut setup = setup(believes(&authority, Some("web.test"), None));
    setup.timeouts.connect = Duration::from_millis(50);
    assert_eq!(Proxy::start(setup, &[silent.address]).ask(GET).status(), 504);
}

#[test]
fn a_backend_that_asks_for_a_certificate_gets_it() {
    let authority = Authority::new();
    let (web, own) = (authority.issue("web", &["web.test"]), authority.issue("px", &["px.test"]));
    let backend = Secure::answering(asks(&authority, &web));
    let with = Proxy::start(setup(believes(&authority, Some("web.test"), Some(&own))), &[backend.address]);
    assert_eq!(with.ask(GET).status(), 200);
    assert!(backend.seen()[0].shown);
    // In TLS 1.3 the refusal comes behind our side of the handshake, in the place of a response.
    let without = Proxy::start(setup(believes(&authority, Some("web.test"), None)), &[backend.address]);
    assert_eq!(without.ask(GET).status(), 502);
    assert_eq!(backend.requests(), 1);
}

#[test]
fn the_next_connection_resumes_the_session() {
    let authority = Authority::new();
    let files = authority.issue("web", &["web.test"]);
    for version in BOTH {
        let backend = Secure::start(shows(&files, &[version]), |stream, _| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
            stream.conn.send_close_notify();
            let _ = stream.flush();
        });
        let proxy = Proxy::start(setup(believes(&authority, Some("web.test"), None)), &[backend.address]);
        for _ in 0..2 {
            assert_eq!(proxy.ask(GET).status(), 200);
        }
        let kinds: Vec<_> = backend.seen().iter().map(|seen| seen.kind).collect();
        let full = [HandshakeKind::Full, HandshakeKind::FullWithHelloRetryRequest].map(Some);
        assert!(full.contains(&kinds[0]), "{kinds:?}");
        assert_eq!(kinds[1], Some(HandshakeKind::Resumed));
    }
}

#[test]
fn bodies_of_many_records_come_through_both_ways() {
    const LENGTH: usize = 3_000_000;
    let authority = Authority::new();
    let backend = Secure::start(shows(&authority.issue("web", &["web.test"]), &BOTH), |stream, _| {
        let mut body = vec![0; LENGTH];
        stream.read_exact(&mut body).unwrap();
        stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").as_bytes()).unwrap();
        stream.write_all(&body).unwrap();
    });
    let proxy = Proxy::start(setup(believes(&authority, Some("web.test"), None)), &[backend.address]);
    proxy.connect().assert_echoes(LENGTH);
}

#[test]
fn a_tunnel_to_a_backend_over_tls_passes_bytes_both_ways() {
    let authority = Authority::new();
    let backend = Secure::start(shows(&authority.issue("web", &["web.test"]), &BOTH), |stream, _| {
        let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n";
        stream.write_all(switch.as_bytes()).unwrap();
        let mut bytes = [0; 5];
        stream.read_exact(&mut bytes).unwrap();
        stream.write_all(&bytes).unwrap();
    });
    let proxy = Proxy::start(setup(believes(&authority, Some("web.test"), None)), &[backend.address]);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: www.test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
    assert_eq!(client.response().status(), 101);
    client.send("hello");
    let mut echo = [0; 5];
    client.stream.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"hello");
}

#[test]
fn a_body_that_only_the_end_delimits_is_whole_only_if_the_end_was_announced() {
    let authority = Authority::new();
    for is_announced in [true, false] {
        let backend = Secure::start(shows(&authority.issue("web", &["web.test"]), &BOTH), move |stream, _| {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nto the end").unwrap();
            if is_announced {
                stream.conn.send_close_notify();
            }
            stream.flush().unwrap();
            stream.sock.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let proxy = Proxy::start(setup(believes(&authority, Some("web.test"), None)), &[backend.address]);
        let mut client: Client = proxy.connect();
        client.send("GET / HTTP/1.1\r\nHost: www.test\r\nConnection: close\r\n\r\n");
        let rest = String::from_utf8(client.rest()).unwrap();
        assert!(rest.contains("to the end"), "{rest}");
        assert_eq!(rest.ends_with("\r\n0\r\n\r\n"), is_announced, "{rest}");
    }
}

#[test]
fn connections_are_used_again_by_those_who_would_have_opened_the_same() {
    let authority = Authority::new();
    let backend = Secure::answering(shows(&authority.issue("web", &["web.test", "alias.test"]), &BOTH));
    let tls = believes(&authority, Some("web.test"), None);
    let mut proxy = Proxy::start(setup(tls.clone()), &[backend.address]);
    let connections = || backend.seen().len();
    for _ in 0..2 {
        assert_eq!(proxy.ask(GET).status(), 200);
    }
    assert_eq!(connections(), 1);
    let alias = believes(&authority, Some("alias.test"), None);
    proxy.swap(|setup| setup.backend_tls = alias);
    assert_eq!(proxy.ask(GET).status(), 200);
    assert_eq!(connections(), 2, "another name is another connection");

    // An authority that is believed no more is not believed because it was.
    let connector = believes(&authority, Some("alias.test"), None).unwrap();
    let number = connector.number();
    std::fs::write(authority.ca_file(), Authority::new().issuer.pem()).unwrap();
    eventually("the file is seen to have changed", || connector.refresh().is_some() || connector.number() != number);
    assert_eq!(proxy.ask(GET).status(), 503);
    assert_eq!(backend.requests(), 3);
}

#[test]
fn a_file_that_cannot_be_used_changes_nothing_and_is_an_alarm() {
    let authority = Authority::new();
    let own = authority.issue("px", &["px.test"]);
    let connector = believes(&authority, Some("web.test"), Some(&own)).unwrap();
    let (number, now) = (connector.number(), Duration::from_secs(1_800_000_000));
    assert_eq!((connector.error(), connector.alarms(now)), (None, Vec::new()));
    let other = authority.issue("other", &["px.test"]);
    std::fs::copy(&other.key_file, &own.key_file).unwrap();
    eventually("the file is seen to have changed", || connector.refresh().is_some());
    assert_eq!(connector.number(), number);
    let alarms = connector.alarms(now).concat();
    assert!(alarms.contains("px.key: is the key of another certificate"), "{alarms}");
    std::fs::copy(&other.chain_file, &own.chain_file).unwrap();
    eventually("both are", || connector.refresh().is_some());
    assert_ne!(connector.number(), number);
    assert_eq!(connector.alarms(now), Vec::<String>::new());
}

#[test]
fn a_certificate_of_ours_that_has_ended_is_an_alarm_that_says_so() {
    let authority = Authority::new();
    let own = authority.issue_expired("px", &["px.test"]);
    let connector = believes(&authority, Some("web.test"), Some(&own)).unwrap();
    let alarms = connector.alarms(Duration::from_secs(1_800_000_000)).concat();
    assert!(alarms.contains("px.pem, which backends are shown, ended ") && alarms.contains(" days ago"), "{alarms}");
}

#[test]
fn a_backend_that_refuses_our_certificate_behind_the_handshake_is_said_to_do_so_by_checks_and_in_the_log() {
    let authority = Authority::new();
    let (web, ended) = (authority.issue("web", &["web.test"]), authority.issue_expired("px", &["px.test"]));
    let mut config = asks(&authority, &web);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let backend = Secure::answering(config).address;
    let shown = json!({ "chain_file": ended.chain_file, "key_file": ended.key_file });
    let start = |protocol: &str, check: &str, shown: Option<&Value>| {
        let mut tls = json!({ "ca_file": authority.ca_file(), "server_name": "web.test" });
        if let Some(shown) = shown {
            tls["client_certificate"] = shown.clone();
        }
        let services = json!({ "www": {
            "hosts": ["www.test"], "mode": "stateless", "protocol": protocol, "check": { "type": check }, "backend_tls": tls,
            "backends": [{ "name": "web", "address": backend.to_string() }] } });
        Daemon::start_with(|folder| {
            json!({ "version": 1, "name": "px", "admin": { "socket": folder.join("admin.sock") }, "state_dir": folder, "workers": 1,
                "listeners": [{ "name": "http", "address": refusing().to_string() }], "services": services })
        })
    };
    let none = "TLS: the backend wants to be shown a certificate (backend_tls.client_certificate); its alert: certificate_required";
    let file = ended.chain_file.display();
    let bad = format!(
        "TLS: the backend refuses our certificate {file} (backend_tls.client_certificate); its alert: certificate_expired"
    );
    for (shown, words) in [(None, none), (Some(&shown), bad.as_str())] {
        for protocol in ["http1", "h2"] {
            let daemon = start(protocol, "http", shown);
            eventually(words, || {
                let reason = |status: Value| status["services"][0]["backends"][0]["check_reason"].clone();
                daemon.status().map(reason).is_some_and(|reason| reason.as_str().unwrap().starts_with(words))
            });
            // A connection alone says nothing of it: the backend is up by such a check, and visitors find out.
            let daemon = start(protocol, "tcp", shown);
            eventually("ready", || daemon.status().is_some_and(|status| status["ready"] == true));
            let address = daemon.status().unwrap()["listeners"][0].as_str().unwrap().parse().unwrap();
            let mut client = Client::connect(address);
            client.send("GET / HTTP/1.1\r\nHost: www.test\r\n\r\n");
            assert_eq!(client.response().status(), 502);
            let line = format!("www/web ({backend}) cannot be reached: {words}");
            eventually(&line, || daemon.log().contains(&line));
        }
    }
}
