//! Who may hold a connection: no client shuts out another one, nor those who ask whether the proxy is ready.

use std::sync::atomic::{AtomicU64, Ordering};

use polder::config::proxy::{AccessLogConfig, AccessLogPath};
use polder::proxy::traffic::admission::RESERVE;
use polder::proxy::traffic::counters::WorkerCounters;

use crate::harness::{Client, GET, OK, Proxy, Script, Setup, eventually};

const HOG: [u8; 4] = [127, 0, 0, 66];
const READY: &str = "GET /.polder/ready HTTP/1.1\r\nHost: any\r\n\r\n";
const HALF: &str = "GET /page HTTP/1.1\r\nHost: www.te";

/// So many connections, and so many of them from one address.
fn limits(connections: usize, per_address: usize) -> Setup {
    let mut setup = Setup::default();
    setup.limits.connections = Some(connections);
    setup.limits.connections_per_address = Some(per_address);
    setup
}

fn count(proxy: &Proxy, counter: impl Fn(&WorkerCounters) -> &AtomicU64) -> u64 {
    counter(&proxy.worker.as_ref().unwrap().counters).load(Ordering::Relaxed)
}

fn ask(client: &mut Client, request: &str) -> u16 {
    client.send(request);
    client.response().status()
}

/// Clients that each have a request under way.
fn busy(backend: &Script, clients: usize, connect: impl Fn(usize) -> Client) -> Vec<Client> {
    let before = backend.heads().len();
    let mut busy: Vec<Client> = (0..clients).map(connect).collect();
    busy.iter_mut().for_each(|client| client.send(GET));
    eventually("all their requests are under way", || backend.heads().len() == before + clients);
    busy
}

#[test]
fn six_hundred_silent_clients_of_five_hundred_connections_shut_out_neither_newcomers_nor_readiness() {
    let backend = Script::answering(OK);
    let proxy = Proxy::start(limits(500, 1000), &[backend.address]);
    let silent: Vec<Client> = (0..600).map(|_| proxy.connect()).collect();
    for _ in 0..20 {
        assert_eq!(proxy.ask(GET).body, b"ok");
        assert_eq!(proxy.ask(READY).status(), 200);
    }
    assert_eq!(count(&proxy, |counters| &counters.refused), 0);
    assert!(count(&proxy, |counters| &counters.evicted) >= 100);
    assert!(proxy.shared.admission.connections() <= 500);
    drop(silent);
    proxy.holds(0);
}

#[test]
fn slow_heads_from_many_addresses_shut_out_neither_newcomers_nor_readiness() {
    let backend = Script::answering(OK);
    let proxy = Proxy::start(limits(100, 10), &[backend.address]);
    let mut slow: Vec<Client> = Vec::new();
    for number in 0..150 {
        let mut client = proxy.connect_from([127, 0, 1, number / 5]);
        client.send(HALF);
        slow.push(client);
        if number % 10 == 9 {
            assert_eq!(proxy.ask(GET).body, b"ok", "after {number} slow heads");
            assert_eq!(proxy.ask(READY).status(), 200);
        }
    }
    slow[0].assert_closed();
    let mut last = slow.pop().unwrap();
    assert_eq!(ask(&mut last, "st\r\n\r\n"), 200, "the youngest may go on");
}

#[test]
fn slow_heads_from_one_address_cost_the_others_nothing() {
    let backend = Script::answering(OK);
    let proxy = Proxy::start(limits(1000, 8), &[backend.address]);
    let mut visitor = proxy.connect();
    assert_eq!(ask(&mut visitor, GET), 200);
    let mut slow: Vec<Client> = (0..100).map(|_| proxy.connect_from(HOG)).collect();
    slow.iter_mut().for_each(|client| drop(std::io::Write::write_all(&mut client.stream, HALF.as_bytes())));
    slow[0].assert_closed();
    eventually("the hog has its share", || proxy.shared.admission.connections() == 1 + 8);
    assert_eq!(ask(&mut visitor, GET), 200, "an idle visitor is not evicted for it");
}

#[test]
fn an_address_whose_requests_are_all_under_way_gets_no_more_connections_and_the_others_do() {
    let (backend, go) = Script::held();
    let proxy = Proxy::start(limits(1000, 4), &[backend.address]);
    let mut running = busy(&backend, 4, |_| proxy.connect_from(HOG));
    proxy.connect_from(HOG).assert_closed();
    assert_eq!(count(&proxy, |counters| &counters.refused_by_address), 1);
    assert_eq!(count(&proxy, |counters| &counters.evicted), 0);
    assert_eq!(proxy.ask(READY).status(), 200);
    (0..4).for_each(|_| go.send(()).unwrap());
    running.iter_mut().for_each(|client| assert_eq!(client.response().status(), 200));
    assert_eq!(ask(&mut proxy.connect_from(HOG), READY), 200, "one that is idle again makes room for its own");
}

#[test]
fn addresses_of_trusted_proxies_are_not_counted() {
    let (backend, go) = Script::held();
    let proxy =
        Proxy::start(Setup { trusted: vec!["127.0.0.66/32".parse().unwrap()], ..limits(9, 2) }, &[backend.address]);
    let running = busy(&backend, 5, |_| proxy.connect_from(HOG));
    let mut others = busy(&backend, 2, |_| proxy.connect());
    proxy.connect().assert_closed();
    drop(running);
    drop(go);
    others.iter_mut().for_each(|client| assert_eq!(client.response().status(), 200));
}

#[test]
fn who_has_waited_longest_goes_first_and_a_running_request_never() {
    let (backend, go) = Script::held();
    let proxy = Proxy::start(limits(4, 1000), &[backend.address]);
    let mut running = busy(&backend, 1, |_| proxy.connect());
    let mut waiting: Vec<Client> = (0..3).map(|_| proxy.connect()).collect();
    proxy.holds(4);
    for client in [0, 2, 1] {
        assert_eq!(ask(&mut waiting[client], READY), 200);
    }
    for first in [0, 2, 1] {
        let mut newcomer = proxy.connect();
        assert_eq!(ask(&mut newcomer, READY), 200);
        waiting[first].assert_closed();
        waiting.push(newcomer);
    }
    go.send(()).unwrap();
    assert_eq!(running[0].response().body, b"ok");
    assert_eq!(count(&proxy, |counters| &counters.refused), 0);
}

#[test]
fn when_every_connection_has_a_request_under_way_readiness_is_answered_and_others_are_told_503() {
    let (backend, go) = Script::held();
    let proxy = Proxy::start(limits(3, 1000), &[backend.address]);
    let mut running = busy(&backend, 3, |_| proxy.connect());
    for _ in 0..3 {
        let ready = proxy.ask(READY);
        assert_eq!((ready.status(), ready.field("connection")), (200, Some("close")));
        let refused = proxy.ask(GET);
        assert_eq!((refused.status(), refused.field("connection")), (503, Some("close")));
        assert!(refused.field("retry-after").is_some());
    }
    assert_eq!(count(&proxy, |counters| &counters.refused), 3);
    let mut early = proxy.connect();
    proxy.holds(4);
    go.send(()).unwrap();
    eventually("one of them has its answer", || backend.heads().len() == 3 && proxy.running(0) == 2);
    early.send(GET);
    eventually("who came too early is served", || backend.heads().len() == 4);
    (0..3).for_each(|_| go.send(()).unwrap());
    assert_eq!(early.response().status(), 200);
    assert!(running.iter_mut().any(|client| client.response().body == b"ok"));
}

#[test]
fn nobody_can_fill_the_reserve() {
    let (backend, _go) = Script::held();
    let proxy = Proxy::start(limits(2, 1000), &[backend.address]);
    let _running = busy(&backend, 2, |_| proxy.connect());
    let mut silent: Vec<Client> = (0..2 * RESERVE).map(|_| proxy.connect()).collect();
    assert_eq!(proxy.ask(READY).status(), 200);
    silent[0].assert_closed();
    // Answered, and not closed by the client: they linger.
    let lingering: Vec<Client> = (0..2 * RESERVE)
        .map(|_| {
            let mut client = proxy.connect();
            assert_eq!(ask(&mut client, GET), 503);
            client
        })
        .collect();
    assert_eq!(proxy.ask(READY).status(), 200);
    drop(lingering);
    assert!(proxy.shared.admission.connections() <= 2 + RESERVE);
}

#[test]
fn a_worker_that_has_none_to_evict_has_another_one_do_it() {
    let (backend, go) = Script::held();
    let proxy = Proxy::start(limits(2, 1000), &[backend.address]);
    let (_second, address) = proxy.second_worker();
    let mut idle: Vec<Client> = (0..2).map(|_| proxy.connect()).collect();
    idle.iter_mut().for_each(|client| assert_eq!(ask(client, READY), 200));
    let mut served = Vec::new();
    for longest in &mut idle {
        let mut newcomer = Client::connect(address);
        newcomer.send(GET);
        served.push(newcomer);
        eventually("the newcomer's request is under way", || backend.heads().len() == served.len());
        longest.assert_closed();
    }
    let mut newcomer = Client::connect(address);
    assert_eq!(ask(&mut newcomer, GET), 503, "all have a request under way");
    drop(go);
}

#[test]
fn a_client_that_sends_while_it_is_evicted_is_served_or_told_but_never_kept_beyond_the_limits() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let backend = Script::answering(OK);
    let proxy = Proxy::start(limits(20, 12), &[backend.address]);
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..2000 {
        if clients.len() < 30 || random.bool() {
            clients.push(proxy.connect_from([127, 0, 0, random.u8(60..64)]));
        } else {
            let client = &mut clients[random.usize(..30)];
            // Those that were evicted refuse it.
            drop(std::io::Write::write_all(&mut client.stream, GET.as_bytes()));
        }
        if clients.len() > 60 {
            clients.swap_remove(random.usize(..60));
        }
        assert!(proxy.shared.admission.connections() <= 20 + RESERVE);
    }
    drop(clients);
    proxy.holds(0);
}

/// The codes in the access log, in their order, after `play`.
fn ends(setup: Setup, backend: &Script, play: impl FnOnce(&Proxy)) -> Vec<(u64, String)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let log = AccessLogConfig::to(AccessLogPath::File(path.clone()));
    let mut proxy = Proxy::start(Setup { log: Some(log), ..setup }, &[backend.address]);
    play(&proxy);
    proxy.holds(0);
    proxy.drain();
    proxy.join();
    drop(proxy);
    let end = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        (line["status"].as_u64().unwrap(), line["end"].as_str().unwrap().to_owned())
    };
    std::fs::read_to_string(&path).unwrap().lines().map(end).collect()
}

#[test]
fn who_is_evicted_is_rk_or_rr_and_who_finds_no_room_is_ra() {
    let (backend, go) = Script::held();
    let found = ends(limits(2, 1000), &backend, |proxy| {
        let (mut idle, mut slow) = (proxy.connect(), proxy.connect());
        assert_eq!(ask(&mut idle, READY), 200);
        slow.send(HALF);
        proxy.holds(2);
        let running = busy(&backend, 1, |_| proxy.connect());
        idle.assert_closed();
        let more = busy(&backend, 1, |_| proxy.connect());
        slow.assert_closed();
        assert_eq!(proxy.ask(GET).status(), 503);
        drop((running, more, go));
    });
    let expected = [(0, "RK"), (0, "RR"), (503, "RA")].map(|(status, end)| (status, end.to_owned()));
    assert_eq!(found[..3], expected, "{found:?}");
}

#[test]
fn who_is_refused_for_its_address_is_pa() {
    let (backend, go) = Script::held();
    let found = ends(limits(1000, 1), &backend, |proxy| {
        let running = busy(&backend, 1, |_| proxy.connect_from(HOG));
        proxy.connect_from(HOG).assert_closed();
        drop((running, go));
    });
    assert_eq!(found[0], (0, "PA".to_owned()), "{found:?}");
}
