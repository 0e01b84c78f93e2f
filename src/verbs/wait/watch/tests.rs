use super::*;
use crate::push::error::Error;
use crate::verbs::status::tests::examples::{self, replies_of, reply};

const IDLE: Duration = Duration::from_secs(10);

fn replies(change: impl FnOnce(&mut crate::api::proxy::Status, &mut crate::api::dns::Status)) -> Vec<DaemonReply> {
    let (mut proxy, mut nameserver) = (examples::proxy(), examples::nameserver());
    for member in &mut nameserver.pools[0].members {
        member.operator = OperatorState::Drain;
    }
    change(&mut proxy, &mut nameserver);
    replies_of(proxy, nameserver)
}

fn member() -> Subject {
    Subject::Member { pool: "http0.l.example.net".to_owned(), member: "px-1".to_owned(), cached_until: 30_000 }
}

fn drained() -> Subject {
    Subject::Backend { service: "www".to_owned(), backend: "web2".to_owned() }
}

#[test]
fn a_proxy_is_free_when_no_resolver_has_it_nobody_is_connected_and_nobody_has_come_for_a_while() {
    let mut watch = Watch::begin(member(), IDLE, 0);
    let visited = |connections, requests| {
        replies(move |proxy, _| {
            proxy.connections = connections;
            proxy.services[0].backends[0].requests = requests;
        })
    };
    let left = watch.see(&visited(1, 7), 1_000);
    assert_eq!((left.cached_s, left.connections, left.standing), (29, Some(1), Standing::InUse));
    assert_eq!(left.in_words(), "resolvers may have it for 29s more, 1 open connection, no visitor for 1s");
    let left = watch.see(&visited(1, 8), 30_000);
    assert_eq!((left.cached_s, left.quiet_s, left.standing), (0, 0, Standing::InUse), "a request has come");
    assert_eq!(watch.see(&visited(0, 8), 39_900).standing, Standing::InUse);
    assert_eq!(watch.see(&visited(0, 8), 40_000).standing, Standing::Free);
}

#[test]
fn a_probe_that_happens_to_be_connected_at_one_look_is_nobody() {
    let mut watch = Watch::begin(member(), IDLE, 0);
    let connected = |connections| replies(move |proxy, _| proxy.connections = connections);
    watch.see(&connected(0), 45_000);
    assert_eq!(watch.see(&connected(1), 45_500).standing, Standing::Free);
    for look in 0..LASTING as u64 {
        watch.see(&connected(1), 46_000 + 500 * look);
    }
    assert_eq!(watch.see(&connected(1), 50_000).standing, Standing::InUse, "one that lasts is somebody");
}

#[test]
fn a_backend_of_a_stateless_service_is_free_as_soon_as_nothing_runs_there() {
    let mut watch = Watch::begin(drained(), IDLE, 0);
    let running = |running| replies(move |proxy, _| proxy.services[1].backends[1].running = running);
    assert_eq!(watch.see(&running(2), 100).in_words(), "running requests: 2, no request for 0s");
    assert_eq!(watch.see(&running(0), 200).standing, Standing::Free);
}

#[test]
fn where_a_cookie_may_bring_visitors_back_it_has_to_be_quiet_for_a_while() {
    let mut watch = Watch::begin(drained(), IDLE, 0);
    let sticky = || replies(|proxy, _| proxy.services[1].mode = "sticky".to_owned());
    assert_eq!(watch.see(&sticky(), 9_000).standing, Standing::InUse);
    assert_eq!(watch.see(&sticky(), 10_000).standing, Standing::Free);
}

#[test]
fn what_somebody_has_made_ready_meanwhile_is_in_use_again() {
    let mut watch = Watch::begin(drained(), IDLE, 0);
    let ready = || replies(|proxy, _| proxy.services[1].backends[1].operator = OperatorState::Ready);
    let left = watch.see(&ready(), 100);
    assert_eq!((left.unheard, left.standing), (vec!["px-1".to_owned()], Standing::InUse), "it was never out there");
    assert_eq!(watch.see(&replies(|_, _| {}), 200).standing, Standing::Free);
    assert_eq!(watch.see(&ready(), 300).standing, Standing::Back);
}

#[test]
fn resolvers_may_have_what_a_nameserver_answered_that_heard_of_it_late() {
    let mut watch = Watch::begin(member(), Duration::ZERO, 0);
    let late = || {
        replies(|_, nameserver| {
            nameserver.pools[0].members.iter_mut().for_each(|one| one.operator = OperatorState::Ready)
        })
    };
    let left = watch.see(&late(), 40_000);
    assert_eq!((left.cached_s, left.unheard), (0, vec!["ns-1".to_owned()]));
    assert_eq!(watch.see(&replies(|_, _| {}), 41_000).standing, Standing::InUse);
    let left = watch.see(&replies(|_, _| {}), 42_000);
    assert_eq!((left.cached_s, left.standing), (299, Standing::InUse), "the TTL counts from then on");
}

#[test]
fn a_nameserver_that_does_not_answer_is_named() {
    let mut watch = Watch::begin(member(), IDLE, 0);
    let mut seen = replies(|_, _| {});
    seen.push(reply("ns-2", Err(Error::new("frozen"))));
    assert_eq!(watch.see(&seen, 100).silent, ["ns-2"]);
}

#[test]
fn a_proxy_that_does_not_answer_is_named() {
    let mut watch = Watch::begin(drained(), IDLE, 0);
    let mut seen = replies(|_, _| {});
    seen.push(reply("px-2", Err(Error::new("frozen"))));
    assert_eq!(watch.see(&seen, 100).silent, ["px-2"]);
}

/// The proxies of these names as peers of px-1.
fn with_peers(proxy: &mut crate::api::proxy::Status, names: &[&str]) {
    let peer = |name: &&str| crate::api::daemon::PeerStatus {
        name: (*name).to_owned(),
        heard: None,
        error: None,
        differs: Vec::new(),
    };
    proxy.daemon.peers = names.iter().map(peer).collect();
}

#[test]
fn what_runs_at_a_peer_that_nobody_asked_is_not_known() {
    let mut watch = Watch::begin(drained(), IDLE, 0);
    let left = watch.see(&replies(|proxy, _| with_peers(proxy, &["px-2", "px-3"])), 100);
    assert_eq!((left.running, left.standing, left.is_settled()), (None, Standing::Unknown, true));
    assert_eq!(left.in_words(), "running requests: not known, no request for 0s, not asked: px-2, px-3");
    let running = replies(|proxy, _| {
        with_peers(proxy, &["px-2"]);
        proxy.services[1].backends[1].running = 2;
    });
    let left = watch.see(&running, 200);
    assert_eq!((left.running, left.standing), (Some(2), Standing::InUse), "what is known is said");
}

#[test]
fn a_peer_that_was_asked_by_its_socket_and_is_silent_is_not_said_to_be_not_asked() {
    let mut watch = Watch::begin(drained(), IDLE, 0);
    let mut seen = replies(|proxy, _| with_peers(proxy, &["px-2"]));
    seen.push(by_socket(Err(Error::new("frozen"))));
    let left = watch.see(&seen, 100);
    assert_eq!((left.silent, left.not_asked), (vec!["/run/2".to_owned()], Vec::new()));
}

fn by_socket(answer: Result<crate::api::status::Status, Error>) -> DaemonReply {
    DaemonReply { endpoint: crate::verbs::endpoint::Endpoint::at(std::path::Path::new("/run/2")), answer }
}

#[test]
fn a_silent_proxy_is_not_free_and_one_that_is_started_anew_is_waited_for_until_it_answers() {
    let other = || {
        let mut other = examples::proxy();
        other.daemon.name = "px-2".to_owned();
        by_socket(Ok(crate::api::status::Status::Proxy(Box::new(other))))
    };
    let mut watch = Watch::begin(drained(), IDLE, 0);
    let mut seen = |second: DaemonReply, now| {
        let mut seen = replies(|_, _| {});
        seen.push(second);
        watch.see(&seen, now)
    };
    let never = seen(by_socket(Err(Error::new("frozen"))), 50);
    assert_eq!((never.running, never.standing, never.is_settled()), (None, Standing::Unknown, true));
    assert_eq!(seen(other(), 100).standing, Standing::Free);
    let gone = seen(by_socket(Err(Error::new("connection refused"))), 600);
    assert_eq!((gone.silent.as_slice(), gone.standing), (&["px-2".to_owned()][..], Standing::Unknown));
    assert!(!gone.is_settled(), "it may be back in a moment");
    assert_eq!(seen(other(), 1_100).standing, Standing::Free);
    assert!(seen(by_socket(Err(Error::new("connection refused"))), 1_100 + RESTART).is_settled(), "it stays away");
}
