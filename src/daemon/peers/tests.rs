#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener as StdListener, TcpStream as StdStream};
use std::path::PathBuf;

use base64::Engine;
use serde_json::json;
use tokio::time::timeout;

use super::*;

/// The limit for things that take milliseconds unless something is broken.
const PATIENCE: Duration = Duration::from_secs(10);

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

fn keys(bytes: &[u8]) -> Keys {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("peers.key");
    let lines: Vec<String> =
        bytes.iter().map(|byte| base64::engine::general_purpose::STANDARD.encode([*byte; 32])).collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    Keys::read(&path).unwrap()
}

fn loopback() -> StdListener {
    StdListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}

/// One daemon's end of the exchange. Like the daemons, it keeps the greatest number it has heard of.
struct End {
    peers: Peers,
    ours: watch::Sender<Value>,
    heard: mpsc::Receiver<Heard>,
}

impl End {
    fn start(name: &str, keys: Keys, listener: StdListener, members: &[(&str, SocketAddr)], value: u64) -> End {
        let (ours, ours_out) = watch::channel(json!(value));
        let (heard_in, heard) = mpsc::channel(8);
        let config = PeersConfig {
            listen: listener.local_addr().unwrap(),
            key_file: PathBuf::new(),
            members: members.iter().map(|(name, address)| ((*name).to_owned(), *address)).collect(),
        };
        End { peers: Peers::start(config, name.to_owned(), keys, listener, ours_out, heard_in), ours, heard }
    }

    fn value(&self) -> u64 {
        self.ours.borrow().as_u64().unwrap()
    }

    /// Takes what is heard until the value is `wanted`.
    async fn converge(&mut self, wanted: u64) {
        let merging = async {
            while self.value() != wanted {
                let theirs = self.heard.recv().await.unwrap().value.as_u64().unwrap();
                if theirs > self.value() {
                    self.ours.send_replace(json!(theirs));
                }
            }
        };
        if timeout(PATIENCE, merging).await.is_err() {
            panic!("{} instead of {wanted}: {:?}", self.value(), self.peers.health());
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
fn two_peers_hear_each_other_in_the_first_round() {
    run(async {
        let (a, b) = (loopback(), loopback());
        let table = [("a", a.local_addr().unwrap()), ("b", b.local_addr().unwrap())];
        let mut a = End::start("a", keys(&[1]), a, &table, 3);
        let mut b = End::start("b", keys(&[1]), b, &table, 5);
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
fn three_peers_converge_at_once_after_a_change_even_if_two_of_them_know_only_the_third() {
    run(async {
        let listeners = [loopback(), loopback(), loopback()];
        let [at_a, at_b, at_c] = [0, 1, 2].map(|i| listeners[i].local_addr().unwrap());
        let [la, lb, lc] = listeners;
        let mut a = End::start("a", keys(&[1]), la, &[("b", at_b)], 1);
        let mut b = End::start("b", keys(&[1]), lb, &[("a", at_a), ("c", at_c)], 2);
        let mut c = End::start("c", keys(&[1]), lc, &[("b", at_b)], 3);
        tokio::join!(a.converge(3), b.converge(3), c.converge(3));

        let changed = Instant::now();
        a.ours.send_replace(json!(9));
        tokio::join!(b.converge(9), c.converge(9));
        assert!(changed.elapsed() < INTERVAL, "a change is told at once, not with the next round");
    });
}

#[test]
fn keys_can_be_rolled_over_one_host_at_a_time() {
    run(async {
        let (la, lb) = (loopback(), loopback());
        let (at_a, at_b) = (la.local_addr().unwrap(), lb.local_addr().unwrap());
        let mut old_first = End::start("a", keys(&[1, 2]), la, &[("b", at_b)], 1);
        let mut new_first = End::start("b", keys(&[2, 1]), lb, &[("a", at_a)], 2);
        assert!(old_first.peers.first_round(PATIENCE).await);
        assert!(new_first.peers.first_round(PATIENCE).await);
        old_first.converge(2).await;
        new_first.converge(2).await;
    });
}

#[test]
fn a_peer_with_another_key_is_named_with_a_key_mismatch_on_both_sides_and_tells_nothing() {
    run(async {
        let (la, lb) = (loopback(), loopback());
        let (at_a, at_b) = (la.local_addr().unwrap(), lb.local_addr().unwrap());
        let mut a = End::start("a", keys(&[1]), la, &[("b", at_b)], 1);
        let b = End::start("b", keys(&[2]), lb, &[("a", at_a)], 2);
        assert!(!a.peers.first_round(PATIENCE).await);
        let error = a.error_with("b", "key mismatch").await;
        assert!(error.contains(&format!("b ({at_b})")), "{error}");
        b.error_with("a", "key mismatch").await;
        assert!(a.heard.try_recv().is_err());
        assert_eq!(a.peers.health()["b"].heard, None);
    });
}

#[test]
fn an_unknown_peer_is_refused_with_words_that_say_what_to_mend() {
    run(async {
        let (la, lb) = (loopback(), loopback());
        let at_b = lb.local_addr().unwrap();
        let stranger = End::start("stranger", keys(&[1]), la, &[("b", at_b)], 1);
        let mut b = End::start("b", keys(&[1]), lb, &[], 2);
        let error = stranger.error_with("b", "refuses us").await;
        assert!(error.contains("unknown peer name \"stranger\"") && error.contains("peers.members"), "{error}");
        assert!(b.heard.try_recv().is_err());
        assert!(!b.peers.first_round(PATIENCE).await, "nobody to ask, nobody answered");
    });
}

#[test]
fn a_wrong_address_in_the_table_is_told_by_the_name_that_answers_there() {
    run(async {
        let (la, lb) = (loopback(), loopback());
        let at_b = lb.local_addr().unwrap();
        let a = End::start("a", keys(&[1]), la, &[("c", at_b)], 1);
        let _b = End::start("b", keys(&[1]), lb, &[("a", at_b)], 2);
        a.error_with("c", "at this address answers \"b\"").await;
    });
}

#[test]
fn a_peer_that_is_away_is_refused_connection_and_one_that_is_silent_takes_the_limit_only() {
    run(async {
        let silent = loopback();
        let gone = loopback().local_addr().unwrap();
        let table = [("gone", gone), ("silent", silent.local_addr().unwrap())];
        let a = End::start("a", keys(&[1]), loopback(), &table, 1);
        let started = Instant::now();
        assert!(!a.peers.first_round(PATIENCE).await);
        assert!(started.elapsed() < EXCHANGE_LIMIT * 3);
        a.error_with("gone", "refused").await;
        a.error_with("silent", "timed out after 1s in the handshake").await;
    });
}

#[test]
fn the_first_round_ends_at_its_limit() {
    run(async {
        let silent = loopback();
        let a = End::start("a", keys(&[1]), loopback(), &[("b", silent.local_addr().unwrap())], 1);
        let started = Instant::now();
        assert!(!a.peers.first_round(Duration::from_millis(50)).await);
        assert!(started.elapsed() < EXCHANGE_LIMIT);
    });
}

#[test]
fn a_peer_that_restarts_is_heard_again() {
    run(async {
        let (la, lb) = (loopback(), loopback());
        let (at_a, at_b) = (la.local_addr().unwrap(), lb.local_addr().unwrap());
        let kept = lb.try_clone().unwrap();
        let mut a = End::start("a", keys(&[1]), la, &[("b", at_b)], 1);
        let mut b = End::start("b", keys(&[1]), lb, &[("a", at_a)], 2);
        tokio::join!(a.converge(2), b.converge(2));
        drop(b);
        a.error_with("b", "").await;
        let mut again = End::start("b", keys(&[1]), kept, &[("a", at_a)], 7);
        tokio::join!(a.converge(7), again.converge(7));
    });
}

#[test]
fn dropping_the_handle_closes_the_listener() {
    run(async {
        let listener = loopback();
        let at_a = listener.local_addr().unwrap();
        let a = End::start("a", keys(&[1]), listener, &[], 1);
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
        let mut a = End::start("a", keys(&[1]), la, &[("b", at_b)], 1);
        let mut b = End::start("b", keys(&[1]), lb, &[("a", at_a)], 2);
        let mut strangers = Vec::new();
        for _ in 0..200 {
            let mut stranger = StdStream::connect(at_a).unwrap();
            let mut garbage = vec![0; random.usize(0..200)];
            garbage.fill_with(|| random.u8(..));
            if random.bool() && garbage.len() > 50 {
                garbage[..2].copy_from_slice(&48u16.to_be_bytes());
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
        let mut b = End::start("b", keys(&[1]), listener, &[("a", at_b)], 2);
        for (letter, words) in [
            (r#"{"version":2,"name":"a","speech":1}"#, "speaks version 2"),
            (r#"{"version":1,"name":"a"}"#, "malformed"),
            (r#"{"version":1,"name":"a","refused":"no"}"#, "opened with a refusal"),
            (r#"{"version":1,"name":"b","value":1}"#, "two daemons are named"),
            ("\0", "malformed"),
        ] {
            let stream = TcpStream::connect(at_b).await.unwrap();
            let mut channel = channel::Channel::initiate(stream, &keys(&[1])).await.unwrap();
            channel.send(letter.as_bytes()).await.unwrap();
            let answer: Value = serde_json::from_slice(&channel.receive().await.unwrap()).unwrap();
            assert!(answer["refused"].as_str().unwrap().contains(words), "{letter}: {answer}");
            assert_eq!(answer.get("value"), None);
        }
        assert!(b.heard.try_recv().is_err());
    });
}

/// Both ends of a channel over loopback.
async fn channel() -> (channel::Channel, channel::Channel) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let connecting = TcpStream::connect(listener.local_addr().unwrap());
    let (initiator, accepted) = tokio::join!(connecting, listener.accept());
    let key = keys(&[1]);
    let (initiator, responder) = tokio::join!(
        channel::Channel::initiate(initiator.unwrap(), &key),
        channel::Channel::respond(accepted.unwrap().0, &key)
    );
    (initiator.unwrap(), responder.unwrap())
}

#[test]
fn letters_of_every_size_up_to_the_limit_arrive_whole_and_larger_ones_are_not_sent() {
    run(async {
        let (mut from, mut to) = channel().await;
        let frame = 65535 - 16 - 1;
        for size in [0, 1, frame - 1, frame, frame + 1, 2 * frame, 2 * frame + 1, channel::MAX_LETTER] {
            let letter: Vec<u8> = (0..size).map(|at| at as u8).collect();
            let (sent, received) = tokio::join!(from.send(&letter), to.receive());
            sent.unwrap();
            assert!(received.unwrap() == letter, "a letter of {size} bytes");
        }
        let error = from.send(&vec![0; channel::MAX_LETTER + 1]).await.unwrap_err();
        assert!(matches!(error, channel::ChannelError::TooLarge));
    });
}
