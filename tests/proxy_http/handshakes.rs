//! Floods of handshakes: what they cost those who have had theirs, and newcomers.

use std::io::Write;
use std::sync::atomic::Ordering;

use polder::config::proxy::{AccessLogConfig, AccessLogPath};

use crate::authority::{Authority, TlsClient};
use crate::harness::{Client, GET, OK, Proxy, Script, Setup, eventually};

/// The beginning of a ClientHello that never ends (RFC 8446, 4 and 5.1).
const HALF: [u8; 9] = [22, 3, 1, 2, 0, 1, 0, 1, 252];

#[test]
fn half_handshakes_take_neither_open_connections_from_visitors_nor_the_way_in_from_newcomers() {
    let authority = Authority::new();
    let backend = Script::answering(OK);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let log = AccessLogConfig::to(AccessLogPath::File(path.clone()));
    let mut setup = Setup { tls: Some(authority.acceptor()), log: Some(log), ..Setup::default() };
    setup.limits.connections = Some(20);
    // Of which this worker has half.
    setup.limits.tls_handshakes = Some(8);
    let mut proxy = Proxy::start(setup, &[backend.address]);
    let visit = || {
        let mut visitor = TlsClient::over_tls(proxy.address, authority.trusting(), "www.test");
        visitor.send(GET);
        assert_eq!(visitor.response().status(), 200);
        visitor
    };
    let mut visitors: Vec<TlsClient> = (0..10).map(|_| visit()).collect();
    let mut flood: Vec<Client> = Vec::new();
    for number in 0..100 {
        let mut half = Client::connect(proxy.address);
        // One that was closed already refuses it.
        let _ = half.stream.write_all(&HALF);
        flood.push(half);
        if number % 20 == 19 {
            drop(visit());
        }
    }
    flood[0].assert_closed();
    for visitor in &mut visitors {
        visitor.send(GET);
        assert_eq!(visitor.response().status(), 200, "a visitor lost the connection to the flood");
    }
    let counters = &proxy.worker.as_ref().unwrap().counters;
    let evicted = || counters.handshakes_evicted.load(Ordering::Relaxed);
    eventually("the flood is counted", || evicted() >= 96);
    eventually("nobody else was evicted", || counters.evicted.load(Ordering::Relaxed) == evicted());
    assert!(proxy.shared.admission.connections() <= 14);
    drop((flood, visitors));
    proxy.holds(0);
    proxy.drain();
    proxy.join();
    // Its log is written to the end.
    drop(proxy);
    let lines = std::fs::read_to_string(&path).unwrap();
    assert!(lines.lines().filter(|line| line.contains(r#""end":"RS""#)).count() >= 96, "{lines}");
}
