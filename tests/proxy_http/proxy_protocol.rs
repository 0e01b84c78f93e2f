//! The PROXY protocol: who the visitor is by the word of a proxy before us, and by ours to backends.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use polder::config::proxy::{ConnectionsConfig, Reuse};
use polder::proxy::snapshot::Https;
use polder::proxy_protocol::{Ends, Version, write};

use crate::authority::Authority;
use crate::backend_tls::{BOTH, Secure, believes, shows};
use crate::harness::{GET, OK, PATIENCE, Proxy, Response, Script, Setup, eventually, field};
use crate::logged::{ends, lines, with_log};
use crate::tls::www;

const VERSIONS: [Version; 2] = [Version::V1, Version::V2];

fn header(version: Version, source: &str) -> Vec<u8> {
    let mut header = Vec::new();
    let ends = Ends { source: source.parse().unwrap(), destination: "198.51.100.1:443".parse().unwrap() };
    write(version, Some(ends), &mut header);
    header
}

/// A proxy whose listener asks for the header, from this machine.
fn asking() -> Setup {
    Setup { proxies: Some(vec!["127.0.0.1/32".parse().unwrap()]), ..Setup::default() }
}

fn ask(proxy: &Proxy, header: &[u8]) -> Response {
    let mut client = proxy.connect();
    client.send_bytes(&[header, GET.as_bytes()].concat());
    client.response()
}

#[test]
fn the_visitor_is_whom_the_header_names_for_backends_and_in_the_log() {
    let backend = Script::answering(OK);
    let (folder, setup) = with_log(asking());
    let proxy = Proxy::start(setup, &[backend.address]);
    for version in VERSIONS {
        for source in ["192.0.2.7:5000", "[2001:db8::7]:5000"] {
            assert_eq!(ask(&proxy, &header(version, source)).status(), 200);
        }
    }
    let named: Vec<_> = backend.heads().iter().map(|head| field(head, "X-Forwarded-For").unwrap().to_owned()).collect();
    assert_eq!(named, ["192.0.2.7", "2001:db8::7", "192.0.2.7", "2001:db8::7"]);
    let counted = proxy.worker.as_ref().unwrap().counters.proxy_headers.load(Ordering::Relaxed);
    assert_eq!(counted, 4);
    let logged = lines(&folder, proxy);
    assert_eq!(logged[0]["client"], "192.0.2.7:5000");
    assert_eq!(logged[1]["client"], "[2001:db8::7]:5000");
}

#[test]
fn a_header_may_come_byte_by_byte_and_with_the_first_request_behind_it() {
    let backend = Script::answering(OK);
    let proxy = Proxy::start(asking(), &[backend.address]);
    for version in VERSIONS {
        let mut client = proxy.connect();
        client.stream.set_nodelay(true).unwrap();
        for byte in header(version, "192.0.2.7:5000") {
            client.send_bytes(&[byte]);
        }
        client.send(GET);
        assert_eq!(client.response().status(), 200);
        client.send(GET);
        assert_eq!(client.response().status(), 200, "there is one header a connection");
    }
}

#[test]
fn the_header_comes_before_the_handshake_of_tls() {
    let (authority, setup) = www();
    let backend = Script::answering(OK);
    let proxy = Proxy::start(Setup { tls: setup.tls, ..asking() }, &[backend.address]);
    let mut stream = std::net::TcpStream::connect(proxy.address).unwrap();
    std::io::Write::write_all(&mut stream, &header(Version::V2, "192.0.2.7:5000")).unwrap();
    let mut client = crate::authority::TlsClient::over(stream, authority.trusting(), "www.test");
    client.send(GET);
    assert_eq!(client.response().status(), 200);
    assert_eq!(field(&backend.heads()[0], "X-Forwarded-For"), Some("192.0.2.7"));
}

#[test]
fn connections_from_elsewhere_and_without_a_good_header_are_closed_each_with_its_code() {
    let backend = Script::answering(OK);
    let (folder, mut setup) = with_log(asking());
    setup.timeouts.proxy_protocol = Duration::from_secs(1);
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut stranger = proxy.connect_from([127, 0, 0, 2]);
    stranger.assert_closed();
    for words in [GET.as_bytes(), b"PROXY TCP4 192.0.2.7\r\n", b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0"] {
        let mut client = proxy.connect();
        client.send_bytes(words);
        client.assert_closed();
    }
    let mut slow = proxy.connect();
    slow.send("PROXY TCP4 ");
    slow.assert_closed();
    let mut gone = proxy.connect();
    gone.send("PROXY TCP4 ");
    gone.close_half();
    gone.assert_closed();
    let looks = proxy.connect();
    looks.close_half();
    drop(looks);
    let refused = || proxy.worker.as_ref().unwrap().counters.proxy_headers_refused.load(Ordering::Relaxed);
    eventually("those are counted that were refused", || refused() == 5);
    assert_eq!(backend.heads(), Vec::<String>::new());
    let ends = ends(&folder, proxy);
    assert_eq!(ends, ["PU", "PP", "PP", "PP", "cP", "CP"], "a look whether we are there is not worth a line");
}

#[test]
fn a_listener_that_does_not_ask_takes_a_header_for_a_malformed_request() {
    let backend = Script::answering(OK);
    let trusted = vec!["127.0.0.1/32".parse().unwrap()];
    let proxy = Proxy::start(Setup { trusted, ..Setup::default() }, &[backend.address]);
    assert_eq!(ask(&proxy, &header(Version::V1, "192.0.2.7:5000")).status(), 400);
}

#[test]
fn the_proxys_own_connections_are_taken_as_they_come() {
    let backend = Script::answering(OK);
    let proxy = Proxy::start(asking(), &[backend.address]);
    for version in VERSIONS {
        let mut own = Vec::new();
        write(version, None, &mut own);
        assert_eq!(ask(&proxy, &own).status(), 200);
    }
    for head in backend.heads() {
        assert_eq!(field(&head, "X-Forwarded-For"), Some("127.0.0.1"));
    }
}

#[test]
fn a_visitor_who_spoke_tls_with_the_proxy_before_us_came_securely() {
    let backend = Script::answering(OK);
    let https = Https { redirect: Some(443), hsts: Some("max-age=1".into()) };
    let (folder, setup) = with_log(Setup { https, sticky: true, ..asking() });
    let proxy = Proxy::start(setup, &[backend.address]);
    let mut header = header(Version::V2, "192.0.2.7:5000");
    let values = b"\x20\0\x05\x01\0\0\0\0\x02\0\x08www.test\x05\0\x02id";
    header[15] += u8::try_from(values.len()).unwrap();
    header.extend(values);
    let response = ask(&proxy, &header);
    assert_eq!((response.status(), response.field("Strict-Transport-Security")), (200, Some("max-age=1")));
    assert!(response.field("Set-Cookie").unwrap().contains("Secure"), "{}", response.head);
    let head = &backend.heads()[0];
    assert_eq!(field(head, "X-Forwarded-Proto"), Some("https"));
    assert!(field(head, "Forwarded").unwrap().ends_with(";proto=https"), "{head}");
    let logged = lines(&folder, proxy);
    assert_eq!((&logged[0]["sni"], &logged[0]["unique_id"]), (&"www.test".into(), &"id".into()));
}

#[test]
fn limits_are_the_visitors_and_not_the_proxys() {
    let (backend, go) = Script::held();
    let (folder, mut setup) = with_log(asking());
    setup.limits.connections_per_address = Some(1);
    let proxy = Proxy::start(setup, &[backend.address]);
    let begin = |source: &str| {
        let mut client = proxy.connect();
        client.send_bytes(&[&header(Version::V2, source)[..], GET.as_bytes()].concat());
        client
    };
    let mut first = begin("192.0.2.7:5000");
    eventually("the first one's request is under way", || proxy.running(0) == 1);
    begin("192.0.2.7:5001").assert_closed();
    let mut other = begin("192.0.2.8:5000");
    eventually("another visitor's is, too", || proxy.running(0) == 2);
    drop(go);
    assert_eq!((first.response().status(), other.response().status()), (200, 200));
    drop((first, other));
    let ends = ends(&folder, proxy);
    assert_eq!(ends, ["PA", "--", "--"]);
}

/// What a backend reads of a connection before its first request.
type Introductions = Arc<Mutex<Vec<Vec<u8>>>>;

/// A backend to which each connection begins with a header, and the headers that came.
fn introduced() -> (Script, Introductions) {
    let seen = Introductions::default();
    let kept = Arc::clone(&seen);
    let backend = Script::start(move |served, _| {
        kept.lock().unwrap().push(read_header(&mut served.stream));
        while served.head().is_some() {
            served.send(OK);
        }
    });
    (backend, seen)
}

fn read_header(stream: &mut impl std::io::Read) -> Vec<u8> {
    let mut header = Vec::new();
    while polder::proxy_protocol::measure(&header) == Ok(None) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        header.push(byte[0]);
    }
    header
}

fn introducing(version: Version) -> Setup {
    let connections = ConnectionsConfig { reuse: Reuse::Never, ..ConnectionsConfig::default() };
    Setup { send_proxy: Some(version), connections, ..Setup::default() }
}

#[test]
fn a_backend_is_told_who_the_visitor_is_and_no_other_visitor_gets_his_connection() {
    for version in VERSIONS {
        let (backend, seen) = introduced();
        let proxy = Proxy::start(introducing(version), &[backend.address]);
        let mut expected = Vec::new();
        for _ in 0..2 {
            let mut client = proxy.connect();
            let ends = Ends { source: client.stream.local_addr().unwrap(), destination: proxy.address };
            for _ in 0..3 {
                client.send(GET);
                assert_eq!(client.response().status(), 200);
            }
            expected.push(Vec::new());
            write(version, Some(ends), expected.last_mut().unwrap());
        }
        assert_eq!(*seen.lock().unwrap(), expected, "one connection a visitor, named once");
        assert_eq!(backend.heads().len(), 6);
    }
}

#[test]
fn whom_a_proxy_before_us_names_is_named_to_backends() {
    let (backend, seen) = introduced();
    let proxy = Proxy::start(Setup { proxies: asking().proxies, ..introducing(Version::V2) }, &[backend.address]);
    assert_eq!(ask(&proxy, &header(Version::V1, "192.0.2.7:5000")).status(), 200);
    assert_eq!(*seen.lock().unwrap(), [header(Version::V2, "192.0.2.7:5000")]);
}

#[test]
fn a_backend_over_tls_is_told_before_the_handshake() {
    let authority = Authority::new();
    let files = authority.issue("web", &["web.test"]);
    let backend = Secure::answering(shows(&files, &BOTH));
    // What unwraps the header: a proxy of bytes.
    let front = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, target): (_, SocketAddr) = (front.local_addr().unwrap(), backend.address);
    let seen = Introductions::default();
    let kept = Arc::clone(&seen);
    std::thread::spawn(move || {
        for mut stream in front.incoming().map_while(Result::ok) {
            kept.lock().unwrap().push(read_header(&mut stream));
            let to = std::net::TcpStream::connect(target).unwrap();
            let (mut back, mut forth) = ((to.try_clone().unwrap(), stream.try_clone().unwrap()), (stream, to));
            std::thread::spawn(move || std::io::copy(&mut back.0, &mut back.1));
            std::thread::spawn(move || std::io::copy(&mut forth.0, &mut forth.1));
        }
    });
    let backend_tls = believes(&authority, Some("web.test"), None);
    let proxy = Proxy::start(Setup { backend_tls, ..introducing(Version::V2) }, &[address]);
    assert_eq!(proxy.ask(GET).status(), 200);
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_check_says_that_it_is_our_own() {
    use polder::config::{BackendProtocol, CheckConfig, Expect, ProbeKind};
    use polder::health::probe::{Begun, Outcome, Sockets, begin};
    for (version, kind) in [(Version::V1, 0), (Version::V2, 0), (Version::V2, 1)] {
        let (backend, seen) = introduced();
        let kind = match kind {
            0 => ProbeKind::Http { path: "/".into(), host: None, expect: Expect::default() },
            _ => ProbeKind::Tcp,
        };
        let protocol = BackendProtocol { send_proxy: Some(version), ..BackendProtocol::default() };
        let (interval, fast_interval, timeout, rise, fall) = (PATIENCE, PATIENCE, PATIENCE, 1, 1);
        let check = CheckConfig { kind, protocol, port: None, interval, fast_interval, timeout, rise, fall };
        let target = polder::health::Target { address: backend.address, check };
        let outcome = match begin(&mut Sockets::default(), &target) {
            Begun::Ended(probed) => probed.outcome,
            Begun::Connecting(connecting) => connecting.finish(&target).await.outcome,
        };
        assert!(matches!(outcome, Outcome::Success { .. }), "{outcome:?}");
        let mut own = Vec::new();
        write(version, None, &mut own);
        if matches!(target.check.kind, ProbeKind::Http { .. }) {
            assert_eq!(*seen.lock().unwrap(), [own]);
        }
    }
}
