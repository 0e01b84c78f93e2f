#![allow(clippy::unwrap_used)]

use std::net::TcpStream;
use std::os::fd::BorrowedFd;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::daemon::sockets::Sockets;

const PROGRAM: &str = "polder-proxy";

/// Every step gets this long in tests where a step is to run out of time.
const SHORT: Duration = Duration::from_millis(30);

fn short() -> Limits {
    Limits { hello: SHORT, offer: SHORT, ready: SHORT, last: SHORT, taken: SHORT, death: SHORT }
}

fn handover(sockets: Vec<OwnedFd>) -> Handover {
    Handover { sockets, state: json!({"version": 1, "at": "offer"}) }
}

fn streams() -> (UnixStream, UnixStream) {
    UnixStream::pair().unwrap()
}

impl Wire {
    async fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }
}

/// The new side from "ready" to the end: whether the old one lived, and the state it goes on with.
async fn take_over(takeover: Takeover) -> Result<(bool, Value), TakeoverError> {
    let succession = takeover.ready().await?;
    let end = (succession.is_awaited(), succession.state.clone());
    succession.taken().await.map(|()| end)
}

/// Both sides up to the new one's `ready`, which is not yet said.
async fn offered() -> (Takeover, tokio::task::JoinHandle<Result<Offered, TakeoverError>>) {
    offered_within(LIMITS, LIMITS).await
}

async fn offered_within(
    old_limits: Limits,
    new_limits: Limits,
) -> (Takeover, tokio::task::JoinHandle<Result<Offered, TakeoverError>>) {
    let (old, new) = streams();
    let old = tokio::spawn(offer_within(old, PROGRAM, handover(Vec::new()), old_limits));
    let (_, takeover) = accept_offer(new, PROGRAM, new_limits).await.unwrap();
    (takeover, old)
}

#[tokio::test]
async fn the_new_side_gets_sockets_that_listen_and_both_states() {
    let (old, new) = streams();
    let mut sockets = Sockets::default();
    let address = sockets.tcp("127.0.0.1:0".parse().unwrap(), 2).unwrap()[0].local_addr().unwrap();

    let old_side = async {
        let offered = offer(old, PROGRAM, handover(sockets.handover().unwrap())).await.unwrap();
        // Connected while the old one has stopped and the new one has not begun: waits in the queue both share.
        let waiting = TcpStream::connect(address).unwrap();
        offered.finish(json!({"version": 1, "at": "final"})).await.unwrap();
        drop(sockets);
        waiting
    };
    let new_side = async {
        let (sockets, takeover) = accept_offer(new, PROGRAM, LIMITS).await.unwrap();
        assert_eq!(takeover.state["at"], "offer");
        assert_eq!(take_over(takeover).await.unwrap(), (true, json!({"version": 1, "at": "final"})));
        Sockets::adopt(sockets)
    };
    let (waiting, mut inherited) = tokio::join!(old_side, new_side);

    let listeners = inherited.tcp(address, 2).unwrap();
    let accepted = listeners.iter().find_map(|listener| listener.accept().ok()).unwrap();
    assert_eq!(accepted.1, waiting.local_addr().unwrap());
}

#[tokio::test]
async fn a_state_of_megabytes_and_hundreds_of_sockets_go_over() {
    let (old, new) = streams();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let sockets: Vec<OwnedFd> = (0..300).map(|_| listener.try_clone().unwrap().into()).collect();
    let state = Value::String("x".repeat(5 << 20));
    let old = tokio::spawn(offer(old, PROGRAM, Handover { sockets, state: state.clone() }));
    let (received, takeover) = accept_offer(new, PROGRAM, LIMITS).await.unwrap();
    assert_eq!(received.len(), 300);
    assert!(takeover.state == state);
    drop(takeover);
    assert!(old.await.unwrap().is_err());
}

#[tokio::test]
async fn another_program_is_refused_in_words_on_both_sides() {
    let (old, new) = streams();
    let (old, new) = tokio::join!(offer(old, "polder-dns", handover(Vec::new())), accept_offer(new, PROGRAM, LIMITS));
    for error in [old.unwrap_err(), new.unwrap_err()] {
        assert!(error.to_string().contains("polder-proxy wants to take over, but polder-dns runs here"), "{error}");
    }
}

#[tokio::test]
async fn another_protocol_is_refused_in_words_on_both_sides() {
    let (old, new) = streams();
    let mut new = Wire::new(new);
    let later = json!({"hello": {"program": PROGRAM, "protocol": 3, "version": "9.9", "more": true}});
    new.send(&serde_json::from_value(later).unwrap()).await.unwrap();
    let error = offer(old, PROGRAM, handover(Vec::new())).await.unwrap_err();
    assert!(
        error.to_string().contains("9.9 speaks takeover protocol 3") && error.to_string().contains("speaks 2"),
        "{error}"
    );
    let Frame::Refused(why) = new.receive().await.unwrap() else { unreachable!("refused") };
    assert_eq!(why, error.to_string());
}

fn hello() -> Frame {
    Frame::Hello(Hello { program: PROGRAM.into(), protocol: PROTOCOL, version: "x".into() })
}

/// What the old side says to a new side behind a relay, which passes bytes on and loses descriptors.
#[tokio::test]
async fn a_new_side_behind_a_relay_of_bytes_is_refused_before_it_gets_anything() {
    let (old, new) = streams();
    let old = tokio::spawn(offer(old, PROGRAM, handover(Vec::new())));
    let mut new = Wire::new(new);
    new.send(&hello()).await.unwrap();
    new.send_raw(b"F").await;
    let Frame::Refused(why) = new.receive().await.unwrap() else { unreachable!("refused") };
    assert!(why.contains("relays only bytes"), "{why}");
    assert!(old.await.unwrap().unwrap_err().to_string().contains("this daemon goes on"));
}

#[tokio::test]
async fn a_new_side_that_sends_no_pidfd_is_not_waited_for() {
    let (old, new) = streams();
    let old = tokio::spawn(offer_within(old, PROGRAM, handover(Vec::new()), short()));
    let mut new = Wire::new(new);
    new.send(&hello()).await.unwrap();
    assert!(matches!(new.receive().await.unwrap(), Frame::Refused(_)));
    assert!(old.await.unwrap().is_err());
}

/// A new side that has proved who it is, and says ready though the sockets are lost on the way.
async fn ready_without(sockets: usize, receipt: Option<[u8; 4]>) -> TakeoverError {
    let (old, new) = streams();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let given = (0..sockets).map(|_| listener.try_clone().unwrap().into()).collect();
    let old = tokio::spawn(offer(old, PROGRAM, handover(given)));
    let mut new = Wire::new(new);
    new.send(&hello()).await.unwrap();
    new.send_descriptors(&[alive().as_fd()]).await.unwrap();
    assert!(matches!(new.receive().await.unwrap(), Frame::Offer { .. }));
    let own = new.receive_descriptors(2).await.unwrap();
    if let Some(receipt) = receipt {
        rustix::io::write(&own[1], &receipt).unwrap();
    }
    drop(own);
    new.send(&Frame::Ready).await.unwrap();
    old.await.unwrap().unwrap_err()
}

#[tokio::test]
async fn ready_without_a_receipt_for_the_sockets_is_no_ready() {
    let error = ready_without(3, None).await;
    assert!(error.to_string().contains("no receipt") && error.to_string().contains("goes on"), "{error}");
}

#[tokio::test]
async fn ready_with_a_receipt_for_some_of_the_sockets_is_no_ready() {
    let error = ready_without(3, Some(receipt_for(2))).await;
    assert!(error.to_string().contains("it got 2 of 3"), "{error}");
}

#[tokio::test]
async fn a_new_side_that_goes_away_before_ready_leaves_the_old_one_as_it_was() {
    let (takeover, old) = offered().await;
    drop(takeover);
    let error = old.await.unwrap().unwrap_err();
    assert!(
        error.to_string().contains("ended before it was ready") && error.to_string().contains("goes on"),
        "{error}"
    );
}

#[tokio::test]
async fn a_new_side_that_goes_away_between_ready_and_taken_leaves_the_old_one_as_it_was() {
    let (mut takeover, old) = offered().await;
    takeover.wire.send(&Frame::Ready).await.unwrap();
    let offered = old.await.unwrap().unwrap();
    drop(takeover);
    let error = offered.finish(json!(1)).await.unwrap_err();
    assert!(error.to_string().contains("did not take over"), "{error}");
}

/// The old side played by hand up to the new one's "ready": its end of the stream, and what the new one makes of it.
async fn played(process: OwnedFd) -> (Wire, tokio::task::JoinHandle<Result<(bool, Value), TakeoverError>>) {
    let (old, new) = streams();
    let mut old = Wire::new(old);
    let limits = Limits { death: SHORT, ..LIMITS };
    let new = tokio::spawn(async move { take_over(accept_offer(new, PROGRAM, limits).await?.1).await });
    assert!(matches!(old.receive().await.unwrap(), Frame::Hello(_)));
    assert_eq!(old.receive_descriptors(1).await.unwrap().len(), 1);
    let (_receipt, theirs) = streams();
    old.send(&Frame::Offer { sockets: 0, state: json!("offer") }).await.unwrap();
    old.send_descriptors(&[process.as_fd(), theirs.as_fd()]).await.unwrap();
    assert!(matches!(old.receive().await.unwrap(), Frame::Ready));
    (old, new)
}

/// The pidfd of a process that has ended.
fn dead() -> OwnedFd {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let process = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    let pidfd = pidfd_open(process, PidfdFlags::empty()).unwrap();
    child.wait().unwrap();
    pidfd
}

fn alive() -> OwnedFd {
    pidfd_open(getpid(), PidfdFlags::empty()).unwrap()
}

#[tokio::test]
async fn an_old_side_that_dies_after_its_offer_is_succeeded_with_the_state_of_the_offer() {
    let (old, new) = played(dead()).await;
    drop(old);
    assert_eq!(new.await.unwrap().unwrap(), (false, json!("offer")));
}

#[tokio::test]
async fn an_old_side_that_dies_within_its_final_state_is_succeeded_with_the_state_of_the_offer() {
    let (mut old, new) = played(dead()).await;
    old.send_raw(b"\0\0\0\x09{\"fin").await;
    drop(old);
    assert_eq!(new.await.unwrap().unwrap(), (false, json!("offer")));
}

#[tokio::test]
async fn an_old_side_that_dies_right_after_its_final_state_is_succeeded_with_it() {
    let (mut old, new) = played(dead()).await;
    old.send(&Frame::Final(json!("final"))).await.unwrap();
    drop(old);
    assert_eq!(new.await.unwrap().unwrap(), (true, json!("final")));
}

#[tokio::test]
async fn an_old_side_that_lives_is_never_taken_for_dead_however_its_stream_ends() {
    for last_words in [&b""[..], b"\0\0\0\x09{\"fin", b"\0\0\0\x02{}"] {
        let (mut old, new) = played(alive()).await;
        old.send_raw(last_words).await;
        drop(old);
        let error = new.await.unwrap().unwrap_err();
        assert!(error.to_string().contains("it stays the daemon"), "{last_words:?}: {error}");
    }

    let (mut old, new) = played(alive()).await;
    old.stop_reading().unwrap();
    old.send(&Frame::Final(json!("final"))).await.unwrap();
    drop(old);
    let error = new.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("it stays the daemon"), "{error}");
}

#[tokio::test]
async fn an_offer_dropped_while_the_new_side_gets_ready_is_withdrawn_in_words() {
    let (takeover, old) = offered().await;
    old.abort();
    let error = take_over(takeover).await.unwrap_err();
    assert!(error.to_string().contains("withdrew its offer"), "{error}");
}

#[tokio::test]
async fn an_offer_dropped_after_ready_is_withdrawn_in_words() {
    let (takeover, old) = offered().await;
    let old = async { drop(old.await.unwrap().unwrap()) };
    let (succession, ()) = tokio::join!(take_over(takeover), old);
    let error = succession.unwrap_err();
    assert!(error.to_string().contains("withdrew its offer"), "{error}");
}

#[tokio::test]
async fn a_second_takeover_is_refused_in_words() {
    let (old, new) = streams();
    let (error, ()) = tokio::join!(accept_offer(new, PROGRAM, LIMITS), refuse(old, "another takeover is under way"));
    let error = error.unwrap_err();
    assert!(error.to_string().contains("another takeover is under way"), "{error}");
}

#[tokio::test]
async fn no_step_waits_for_ever() {
    let (old, silent) = streams();
    let error = offer_within(old, PROGRAM, handover(Vec::new()), short()).await.unwrap_err();
    assert!(error.to_string().contains("no hello within"), "{error}");
    drop(silent);

    let (_silent, new) = streams();
    let error = accept_offer(new, PROGRAM, short()).await.unwrap_err();
    assert!(error.to_string().contains("made no offer within"), "{error}");

    let (takeover, old) = offered_within(Limits { ready: SHORT, ..LIMITS }, LIMITS).await;
    let error = old.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("was not ready within"), "{error}");
    let error = take_over(takeover).await.unwrap_err();
    assert!(error.to_string().contains("was not ready within"), "told why when it is ready at last: {error}");

    let (takeover, old) = offered_within(LIMITS, Limits { last: SHORT, ..LIMITS }).await;
    let error = take_over(takeover).await.unwrap_err();
    assert!(error.to_string().contains("stays the daemon"), "{error}");
    let error = old.await.unwrap().unwrap().finish(json!(1)).await.unwrap_err();
    assert!(error.to_string().contains("did not take over"), "{error}");
}

#[tokio::test]
async fn a_new_side_too_late_with_taken_learns_that_the_old_one_took_its_word_back() {
    let (mut takeover, old) = offered_within(Limits { taken: SHORT, ..LIMITS }, LIMITS).await;
    takeover.wire.send(&Frame::Ready).await.unwrap();
    assert!(old.await.unwrap().unwrap().finish(json!("final")).await.is_err());
    let error = take_over(takeover).await.unwrap_err();
    assert!(error.to_string().contains("withdrew"), "{error}");
}

#[tokio::test]
async fn a_taken_that_came_just_before_the_limit_counts_on_both_sides() {
    let (old, new) = streams();
    let mut old = Wire::new(old);
    let mut new = Wire::new(new);
    new.send(&Frame::Taken).await.unwrap();
    old.stop_reading().unwrap();
    assert!(matches!(old.receive().await.unwrap(), Frame::Taken));
    assert!(new.send(&Frame::Taken).await.is_err());
    assert!(old.receive().await.is_err());
}

#[tokio::test]
async fn frames_that_are_too_long_or_not_ours_are_errors() {
    for bytes in [&[255, 255, 255, 255, b'{'][..], &[0, 0, 0, 2, b'{', b'}'], &[0, 0, 0, 1, 0xff], &[0, 0]] {
        let (mut raw, wire) = streams();
        raw.write_all(bytes).await.unwrap();
        raw.shutdown().await.unwrap();
        assert!(Wire::new(wire).receive().await.is_err(), "{bytes:?}");
    }
}

#[tokio::test]
async fn a_cancelled_receive_loses_nothing() {
    let (mut raw, wire) = streams();
    let mut wire = Wire::new(wire);
    let bytes = b"\0\0\0\x07\"ready\"";
    for &byte in &bytes[..bytes.len() - 1] {
        raw.write_all(&[byte]).await.unwrap();
        assert!(timeout(Duration::from_millis(1), wire.receive()).await.is_err());
    }
    raw.write_all(&bytes[bytes.len() - 1..]).await.unwrap();
    assert!(matches!(wire.receive().await.unwrap(), Frame::Ready));
}

#[tokio::test]
async fn descriptors_announced_and_not_sent_are_an_error() {
    let (mut raw, wire) = streams();
    raw.write_all(b"F").await.unwrap();
    assert!(Wire::new(wire).receive_descriptors(1).await.is_err());
    let none: [BorrowedFd<'_>; 0] = [];
    Wire::new(raw).send_descriptors(&none).await.unwrap();
    let (raw, mut other) = streams();
    drop(raw);
    assert_eq!(other.read(&mut [0]).await.unwrap(), 0);
    assert!(Wire::new(other).receive_descriptors(1).await.is_err());
}
