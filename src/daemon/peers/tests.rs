#![allow(clippy::unwrap_used, clippy::panic)]

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::path::PathBuf;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::super::channel::Channel;
use super::*;

/// The limit for things that take milliseconds unless something is broken.
const PATIENCE: Duration = Duration::from_secs(60);

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// The key pair of whoever has this name.
fn identity(name: &str) -> Identity {
    let mut private = [0; 32];
    // Not in the first byte, some bits of which do not count (RFC 7748, 5).
    private[1..=name.len()].copy_from_slice(name.as_bytes());
    Identity::of(private).unwrap()
}

fn peer(address: SocketAddr, keys: &[&str]) -> PeerConfig {
    PeerConfig { address, keys: keys.iter().map(|name| identity(name).public()).collect() }
}

/// A state.
fn number(value: u64) -> Value {
    json!({ "n": value })
}

fn loopback() -> StdListener {
    StdListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}

/// One daemon's end of the exchange. Like the daemons, it keeps the greatest number it has heard of.
struct End {
    peers: Peers,
    state: watch::Sender<Outbox>,
    heard: mpsc::Receiver<PeerEvent>,
}

impl End {
    /// Its key, and those that it lists, are those of the names.
    fn start(name: &str, listener: StdListener, members: &[(&str, SocketAddr)], value: u64) -> End {
        let members = members.iter().map(|(name, address)| (*name, peer(*address, &[name])));
        End::start_as(name, identity(name), listener, members, value)
    }

    fn start_as<'n>(
        name: &str,
        identity: Identity,
        listener: StdListener,
        members: impl IntoIterator<Item = (&'n str, PeerConfig)>,
        value: u64,
    ) -> End {
        let (state, state_out) = watch::channel(Outbox::new(&number(value)));
        let (events_in, heard) = mpsc::channel(8);
        let config = PeersConfig {
            listen: listener.local_addr().unwrap(),
            key_file: PathBuf::new(),
            members: members.into_iter().map(|(name, peer)| (name.to_owned(), peer)).collect(),
            own_keys: None,
        };
        End { peers: Peers::start(config, name.to_owned(), identity, listener, state_out, events_in), state, heard }
    }

    fn value(&self) -> u64 {
        self.state.borrow().whole()["n"].as_u64().unwrap()
    }

    fn say(&self, value: u64) {
        self.state.send_modify(|state| state.set(&number(value)));
    }

    /// Takes what is heard until the value is `wanted`.
    async fn converge(&mut self, wanted: u64) {
        let merging = async {
            while self.value() != wanted {
                let theirs = self.heard.recv().await.unwrap().value["n"].as_u64().unwrap();
                if theirs > self.value() {
                    self.say(theirs);
                }
            }
        };
        if timeout(PATIENCE, merging).await.is_err() {
            panic!("{} instead of {wanted}: {:?}", self.value(), self.peers.health());
        }
    }

    /// Waits for an event like this.
    async fn hear(&mut self, wanted: &impl Fn(&PeerEvent) -> bool) {
        let hearing = async { while !wanted(&self.heard.recv().await.unwrap()) {} };
        if timeout(PATIENCE, hearing).await.is_err() {
            panic!("not heard: {:?}", self.peers.health());
        }
    }

    /// The error of a peer, as soon as there is one that holds these words.
    async fn error_with(&self, peer: &str, words: &str) -> String {
        let waiting = async {
            loop {
                match self.peers.health()[peer].error.clone() {
                    Some(error) if error.contains(words) => return error,
                    _ => sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let found = timeout(PATIENCE, waiting).await;
        found.unwrap_or_else(|_| panic!("no error with {words:?}: {:?}", self.peers.health()))
    }
}

#[test]
fn two_peers_know_each_other_in_the_first_round() {
    run(async {
        let (a, b) = (loopback(), loopback());
        let table = [("a", a.local_addr().unwrap()), ("b", b.local_addr().unwrap())];
        let mut a = End::start("a", a, &table, 3);
        let mut b = End::start("b", b, &table, 5);
        assert!(a.peers.first_round(PATIENCE).await);
        a.converge(5).await;
        assert!(b.peers.first_round(PATIENCE).await);
        b.converge(5).await;
        let health = a.peers.health();
        assert_eq!(health.keys().collect::<Vec<_>>(), ["b"], "a table may name us: it is passed over");
        assert_eq!(health["b"].error, None);
        assert!(health["b"].heard.is_some());
    });
}

#[test]
fn three_peers_converge_after_a_change_even_if_two_of_them_know_only_the_third() {
    run(async {
        let listeners = [loopback(), loopback(), loopback()];
        let [at_a, at_b, at_c] = [0, 1, 2].map(|i| listeners[i].local_addr().unwrap());
        let [la, lb, lc] = listeners;
        let mut a = End::start("a", la, &[("b", at_b)], 1);
        let mut b = End::start("b", lb, &[("a", at_a), ("c", at_c)], 2);
        let mut c = End::start("c", lc, &[("b", at_b)], 3);
        tokio::join!(a.converge(3), b.converge(3), c.converge(3));

        a.say(9);
        tokio::join!(b.converge(9), c.converge(9));
    });
}

#[test]
fn a_key_is_replaced_without_a_gap_while_its_peers_list_both() {
    run(async {
        let (la, lb) = (loopback(), loopback());
        let (at_a, at_b) = (la.local_addr().unwrap(), lb.local_addr().unwrap());
        let kept = lb.try_clone().unwrap();
        let both = [("b", peer(at_b, &["b", "b next"]))];
        let mut a = End::start_as("a", identity("a"), la, both, 1);
        let mut present = End::start("b", lb, &[("a", at_a)], 2);
        tokio::join!(a.converge(2), present.converge(2));
        drop(present);
        let next = [("a", peer(at_a, &["a"]))];
        let mut next = End::start_as("b", identity("b next"), kept, next, 3);
        tokio::join!(a.converge(3), next.converge(3));
        next.say(4);
        next.converge(4).await;
        a.say(5);
        tokio::join!(a.converge(5), next.converge(5));
    });
}

#[test]
fn a_peer_with_another_key_than_the_listed_one_is_named_on_both_sides_and_tells_nothing() {
    run(async {
        let (la, lb) = (loopback(), loopback());
        let (at_a, at_b) = (la.local_addr().unwrap(), lb.local_addr().unwrap());
        let mut a = End::start("a", la, &[("b", at_b)], 1);
        let mut b = End::start_as("b", identity("another"), lb, [("a", peer(at_a, &["a"]))], 2);
        assert!(!a.peers.first_round(PATIENCE).await);
        let error = a.error_with("b", "none of those listed for it").await;
        assert!(error.contains(&format!("b ({at_b})")), "{error}");
        b.error_with("a", "it does not list the public half of our key").await;
        assert!(a.heard.try_recv().is_err() && b.heard.try_recv().is_err());
        assert_eq!(a.peers.health()["b"].heard, None);
    });
}

#[test]
fn a_key_that_nobody_lists_opens_nothing() {
    run(async {
        let (la, lb) = (loopback(), loopback());
        let at_b = lb.local_addr().unwrap();
        let stranger = End::start("stranger", la, &[("b", at_b)], 1);
        let mut b = End::start("b", lb, &[("a", loopback().local_addr().unwrap())], 2);
        stranger.error_with("b", "it does not list the public half of our key").await;
        assert!(b.heard.try_recv().is_err());
    });
}

#[test]
fn a_listed_peer_speaks_in_no_other_name_than_its_own() {
    run(async {
        let listener = loopback();
        let at_b = listener.local_addr().unwrap();
        let away = loopback().local_addr().unwrap();
        let mut b = End::start("b", listener, &[("a", at_b), ("c", away)], 2);
        for name in ["c", "b", "d"] {
            let answer = rogue(at_b, "a", &format!(r#"{{"version":2,"name":"{name}","value":{{"n":9}}}}"#)).await;
            let words = format!("the key of a was used in the name of \"{name}\"");
            assert!(answer["refused"].as_str().unwrap().contains(&words), "{answer}");
            assert_eq!(answer.get("value"), None);
        }
        assert!(b.heard.try_recv().is_err());
    });
}

#[test]
fn a_peer_without_a_listed_key_is_not_spoken_to_and_its_error_says_what_to_put_where() {
    run(async {
        let (la, lb) = (loopback(), loopback());
        let at_b = lb.local_addr().unwrap();
        let a = End::start_as("a", identity("a"), la, [("b", peer(at_b, &[]))], 1);
        let error = a.error_with("b", "no key is listed for it").await;
        assert!(error.contains("polder keys identity") && error.contains("peers.members.b.keys"), "{error}");
    });
}

#[test]
fn nobody_to_ask_nobody_answered() {
    run(async {
        let b = End::start("b", loopback(), &[], 2);
        assert!(!b.peers.first_round(PATIENCE).await);
    });
}

#[test]
fn a_wrong_address_in_the_table_is_told_by_the_key_that_answers_there() {
    run(async {
        let (la, lb) = (loopback(), loopback());
        let at_b = lb.local_addr().unwrap();
        let a = End::start("a", la, &[("c", at_b)], 1);
        let _b = End::start("b", lb, &[("a", at_b)], 2);
        a.error_with("c", "none of those listed for it").await;
    });
}

#[test]
fn a_peer_that_is_away_is_refused_connection_and_one_that_is_silent_takes_the_limit_only() {
    run(async {
        let silent = loopback();
        let gone = loopback().local_addr().unwrap();
        let table = [("gone", gone), ("silent", silent.local_addr().unwrap())];
        let a = End::start("a", loopback(), &table, 1);
        assert!(!a.peers.first_round(PATIENCE).await);
        a.error_with("gone", "refused").await;
        a.error_with("silent", "timed out in the handshake").await;
    });
}

#[test]
fn the_first_round_ends_at_its_limit() {
    run(async {
        let silent = loopback();
        let a = End::start("a", loopback(), &[("b", silent.local_addr().unwrap())], 1);
        assert!(!a.peers.first_round(Duration::from_millis(50)).await);
        assert_eq!(a.peers.health()["b"].error, None, "the exchange itself has not come to its limit");
    });
}

#[test]
fn a_peer_that_restarts_is_heard_again() {
    run(async {
        let (la, lb) = (loopback(), loopback());
        let (at_a, at_b) = (la.local_addr().unwrap(), lb.local_addr().unwrap());
        let kept = lb.try_clone().unwrap();
        let mut a = End::start("a", la, &[("b", at_b)], 1);
        let mut b = End::start("b", lb, &[("a", at_a)], 2);
        tokio::join!(a.converge(2), b.converge(2));
        drop(b);
        a.error_with("b", "").await;
        let mut again = End::start("b", kept, &[("a", at_a)], 7);
        tokio::join!(a.converge(7), again.converge(7));
    });
}

#[test]
fn dropping_the_handle_closes_the_listener() {
    run(async {
        let listener = loopback();
        let at_a = listener.local_addr().unwrap();
        let a = End::start("a", listener, &[("b", at_a)], 1);
        StdStream::connect(at_a).unwrap();
        drop(a);
        let closed = async {
            while StdStream::connect(at_a).is_ok() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, closed).await.unwrap();
    });
}

#[test]
fn garbage_and_crowds_of_silent_strangers_do_not_stop_the_exchange() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    run(async {
        let (la, lb) = (loopback(), loopback());
        let (at_a, at_b) = (la.local_addr().unwrap(), lb.local_addr().unwrap());
        let mut a = End::start("a", la, &[("b", at_b)], 1);
        let mut b = End::start("b", lb, &[("a", at_a)], 2);
        let mut strangers = Vec::new();
        for _ in 0..200 {
            let mut stranger = StdStream::connect(at_a).unwrap();
            let mut garbage = vec![0; random.usize(0..200)];
            garbage.fill_with(|| random.u8(..));
            if random.bool() && garbage.len() > 50 {
                garbage[..2].copy_from_slice(&96u16.to_be_bytes());
            }
            // The other side may have closed already.
            let _ = stranger.write_all(&garbage);
            strangers.push(stranger);
            tokio::task::yield_now().await;
        }
        tokio::join!(a.converge(2), b.converge(2));
        for stranger in &mut strangers {
            stranger.set_nonblocking(true).unwrap();
            let mut answer = Vec::new();
            let _ = stranger.read_to_end(&mut answer);
            assert!(answer.is_empty() || answer == [0, 0], "seed {seed}: a stranger was told {answer:?}");
        }
    });
}

#[test]
fn an_authenticated_peer_that_writes_nonsense_is_told_what_is_wrong() {
    run(async {
        let listener = loopback();
        let at_b = listener.local_addr().unwrap();
        let mut b = End::start("b", listener, &[("a", at_b)], 2);
        for (letter, words) in [
            (r#"{"version":3,"name":"a","speech":1}"#, "speaks version 3"),
            (r#"{"version":2,"name":"a"}"#, "malformed"),
            (r#"{"version":2,"name":"a","refused":"no"}"#, "opened with a refusal"),
            ("\0", "malformed"),
        ] {
            let answer = rogue(at_b, "a", letter).await;
            assert!(answer["refused"].as_str().unwrap().contains(words), "{letter}: {answer}");
            assert_eq!(answer.get("value"), None);
        }
        assert!(b.heard.try_recv().is_err());
    });
}

/// What `b` answers whoever has the key of `name` and writes this letter.
async fn rogue(at_b: SocketAddr, name: &str, letter: &str) -> Value {
    rogue_at(at_b, "b", name, letter).await
}

async fn rogue_at(at: SocketAddr, whom: &str, name: &str, letter: &str) -> Value {
    let stream = TcpStream::connect(at).await.unwrap();
    let mut channel =
        Channel::initiate(stream, &exchange::PROTOCOL, &identity(name), &identity(whom).public()).await.unwrap();
    channel.send(letter.as_bytes()).await.unwrap();
    serde_json::from_slice(&channel.receive().await.unwrap()).unwrap()
}

/// Both ends of a channel over loopback.
async fn channel() -> (Channel, Channel) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let connecting = TcpStream::connect(listener.local_addr().unwrap());
    let (initiator, accepted) = tokio::join!(connecting, listener.accept());
    let (a, b) = (identity("a"), identity("b"));
    let (public_a, public_b) = (a.public(), b.public());
    let (initiator, responder) = tokio::join!(
        Channel::initiate(initiator.unwrap(), &exchange::PROTOCOL, &a, &public_b),
        Channel::respond(accepted.unwrap().0, &exchange::PROTOCOL, &b, |key| (*key == public_a).then_some(()))
    );
    (initiator.unwrap(), responder.unwrap().0)
}

/// The attack: 125 connections a second that say nothing, from a member's own address.
#[test]
fn idle_connections_by_the_hundred_do_not_stop_the_exchange() {
    run(async {
        let (la, lb) = (loopback(), loopback());
        let (at_a, at_b) = (la.local_addr().unwrap(), lb.local_addr().unwrap());
        let mut a = End::start("a", la, &[("b", at_b)], 1);
        let idle = RefCell::new(Vec::new());
        let crowd = async {
            loop {
                let stream = TcpStream::connect(at_a).await.unwrap();
                idle.borrow_mut().push(stream);
                sleep(Duration::from_millis(8)).await;
            }
        };
        // Only the peer that connects is heard: nobody listens where `a` looks for it.
        drop(lb);
        let exchanges = async {
            for value in 2..6 {
                let letter = format!(r#"{{"version":2,"name":"b","value":{{"n":{value}}}}}"#);
                while a.value() != value {
                    let stream = TcpStream::connect(at_a).await.unwrap();
                    let (us, them) = (identity("b"), identity("a").public());
                    let mut channel = Channel::initiate(stream, &exchange::PROTOCOL, &us, &them).await.unwrap();
                    channel.send(letter.as_bytes()).await.unwrap();
                    channel.receive().await.unwrap();
                    a.converge(value).await;
                }
                let crowded = idle.borrow().len() + listener::MAX_HANDSHAKES / 2;
                while idle.borrow().len() < crowded {
                    sleep(Duration::from_millis(8)).await;
                }
            }
        };
        tokio::select! {
            () = crowd => {}
            () = exchanges => {}
        }
    });
}

#[test]
fn a_connection_from_an_address_of_no_member_is_closed_at_once() {
    run(async {
        let listener = loopback();
        let at_a = listener.local_addr().unwrap();
        let _a = End::start("a", listener, &[("b", "127.9.9.9:1".parse().unwrap())], 1);
        let mut stranger = TcpStream::connect(at_a).await.unwrap();
        // As long as a handshake: a member's host would be told that it does not open.
        let mut handshake = vec![0, 96];
        handshake.extend([7; 96]);
        let mut answer = Vec::new();
        let exchange = async {
            // It may be closed before.
            let _ = stranger.write_all(&handshake).await;
            let _ = stranger.read_to_end(&mut answer).await;
        };
        timeout(PATIENCE, exchange).await.unwrap();
        assert!(answer.is_empty(), "{answer:?}");
    });
}

#[test]
fn messages_of_every_size_up_to_the_limit_arrive_whole_and_larger_ones_are_not_sent() {
    run(async {
        let (mut from, mut to) = channel().await;
        let frame = 65535 - 16 - 1;
        for size in [0, 1, frame - 1, frame, frame + 1, 2 * frame, 2 * frame + 1, MAX_MESSAGE] {
            let letter: Vec<u8> = (0..size).map(|at| at as u8).collect();
            let (sent, received) = tokio::join!(from.send(&letter), to.receive());
            sent.unwrap();
            assert!(received.unwrap() == letter, "a message of {size} bytes");
        }
        let error = from.send(&vec![0; MAX_MESSAGE + 1]).await.unwrap_err();
        assert!(matches!(error, ChannelError::TooLarge(MAX_MESSAGE)));
    });
}

#[test]
fn a_clock_that_is_off_by_more_than_five_seconds_is_an_alarm_in_either_direction() {
    let health = |ahead_ms| PeerHealth { heard: None, error: None, ahead_ms, asked: Duration::ZERO };
    for well in [None, Some(0), Some(5_000), Some(-5_000)] {
        assert_eq!(health(well).clock_alarm("ns-2"), None);
    }
    for (ahead, words) in
        [(3_600_000, "peer ns-2 is 1h ahead of"), (-6_000, "peer ns-2 is 6s behind"), (i64::MIN, "behind")]
    {
        let alarm = health(Some(ahead)).clock_alarm("ns-2").unwrap();
        assert!(alarm.contains(words), "{alarm}");
    }
}

#[test]
fn an_exchange_measures_how_far_the_peers_clock_is_off_and_a_message_without_one_is_read() {
    run(async {
        let (a, b) = (loopback(), loopback());
        let table = [("a", a.local_addr().unwrap()), ("b", b.local_addr().unwrap())];
        let (a, b) = (End::start("a", a, &table, 3), End::start("b", b, &table, 5));
        assert!(a.peers.first_round(PATIENCE).await && b.peers.first_round(PATIENCE).await);
        for (end, peer) in [(&a, "b"), (&b, "a")] {
            let ahead = end.peers.health()[peer].ahead_ms.unwrap();
            assert!(ahead.abs() < 5_000, "one machine has one clock: {ahead}");
        }
    });
    let older = json!({ "version": 2, "name": "a", "value": 7 });
    assert_eq!(read_message(older.to_string().as_bytes()).unwrap(), 7);
}

/// As many latches as a large installation has, in two daemons that know half of them each.
#[test]
fn six_thousand_latches_converge_and_a_failover_among_them_spreads_in_one_exchange() {
    const EACH: usize = 3_000;
    let latches = |from: usize, active: &str| {
        let latch = |at: usize| {
            (
                format!("service-{at:05}"),
                json!({ "epoch": at, "by": "px1", "active": active, "reason": "web2 is down (connection refused)" }),
            )
        };
        json!({ "version": 1, "latches": (from..from + EACH).map(latch).collect::<serde_json::Map<_, _>>() })
    };
    run(async {
        let (la, lb) = (loopback(), loopback());
        let (at_a, at_b) = (la.local_addr().unwrap(), lb.local_addr().unwrap());
        let mut a = End::start("a", la, &[("b", at_b)], 1);
        let mut b = End::start("b", lb, &[("a", at_a)], 2);
        let mut state = latches(0, "web1");
        a.state.send_modify(|all| all.set(&state));
        b.state.send_modify(|all| all.set(&latches(EACH, "web1")));
        let all = |event: &PeerEvent| event.value["latches"].as_object().is_some_and(|latches| latches.len() == EACH);
        tokio::join!(a.hear(&all), b.hear(&all));
        state["latches"]["service-01500"]["active"] = json!("web2");
        a.state.send_modify(|all| all.set(&state));
        b.hear(&|event| event.value["latches"]["service-01500"]["active"] == "web2" && all(event)).await;
        // Nothing has changed any more: what an exchange carries now is no news.
        b.hear(&|event| !event.is_news).await;
    });
}

/// A daemon of the release before sends its whole state, is sent ours, and takes part in ours no less.
#[test]
fn a_peer_of_an_earlier_version_is_sent_the_whole_state_and_heard() {
    run(async {
        let (la, lb) = (loopback(), loopback());
        let (at_a, at_b) = (la.local_addr().unwrap(), lb.local_addr().unwrap());
        let mut a = End::start("a", la, &[("b", at_b)], 1);
        a.state.send_modify(|state| state.set(&json!({ "n": 1, "latches": { "shop": { "epoch": 7 } } })));
        let answer = rogue_at(at_a, "a", "b", r#"{"version":2,"name":"b","value":{"n":5,"latches":{}}}"#).await;
        assert_eq!((&answer["value"]["latches"]["shop"]["epoch"], answer.get("changes")), (&json!(7), None));
        a.hear(&|event| event.value["n"] == 5).await;
        // It answers as it always did, and knows nothing of what else is in a message.
        let b = identity("b");
        let whole = async {
            let listener = TcpListener::from_std(nonblocking(lb)).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (mut channel, ()) = Channel::respond(stream, &exchange::PROTOCOL, &b, |_| Some(())).await.unwrap();
                let message: Value = serde_json::from_slice(&channel.receive().await.unwrap()).unwrap();
                channel.send(br#"{"version":2,"name":"b","value":{"n":6}}"#).await.unwrap();
                if message["value"]["latches"]["shop"]["epoch"] == 7 {
                    return;
                }
            }
        };
        timeout(PATIENCE, whole).await.unwrap();
        a.hear(&|event| event.value["n"] == 6).await;
    });
}

fn nonblocking(listener: StdListener) -> StdListener {
    listener.set_nonblocking(true).unwrap();
    listener
}
