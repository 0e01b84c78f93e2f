#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::config::{CheckConfig, Expect, StatusRange};

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

fn check(kind: ProbeKind) -> CheckConfig {
    let interval = Duration::from_secs(2);
    let timeout = Duration::from_secs(5);
    CheckConfig {
        protocol: Default::default(),
        kind,
        port: None,
        interval,
        fast_interval: interval / 4,
        timeout,
        rise: 2,
        fall: 3,
    }
}

fn http(address: SocketAddr) -> Target {
    let expect = Expect(vec![StatusRange { from: 200, to: 399 }]);
    Target { address, check: check(ProbeKind::Http { path: "/healthz".into(), host: None, expect }) }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn probe(target: &Target) -> Outcome {
    match begin(&mut Sockets::default(), target) {
        Begun::Ended(probed) => probed.outcome,
        Begun::Connecting(connecting) => connecting.finish(target).await.outcome,
    }
}

/// What a probe makes of a server that reads the request, writes these pieces one by one and closes.
async fn outcome_of(pieces: &[&[u8]]) -> Outcome {
    let (listener, address) = listener().await;
    let target = http(address);
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let length = stream.read(&mut request).await.unwrap();
        for piece in pieces {
            // The probe may know enough already and be gone.
            if stream.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        String::from_utf8(request[..length].to_vec()).unwrap()
    };
    let (outcome, request) = tokio::join!(probe(&target), serve);
    let expected = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nUser-Agent: polder\r\n");
    assert!(request.starts_with(&expected) && request.contains("Connection: close\r\n"), "{request}");
    outcome
}

fn reason_of(pieces: &[&[u8]]) -> String {
    run(outcome_of(pieces)).reason()
}

#[test]
fn an_expected_status_is_a_success_told_with_the_time_it_took() {
    let outcome = run(outcome_of(&[b"HTTP/1.1 204 No Content\r\n\r\n"]));
    let Outcome::Success { answer, took } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(answer, "204");
    assert_eq!(outcome.reason(), format!("204 in {} ms", took.as_millis()));
}

#[test]
fn a_status_line_in_pieces_without_a_reason_or_of_http_1_0_counts() {
    for pieces in [
        &[b"HT".as_slice(), b"TP/1.1 2", b"00", b" OK\r", b"\n"][..],
        &[b"HTTP/1.1 200\r\n"],
        &[b"HTTP/1.0 200 OK\n"],
        &[b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n"],
        &[b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n", b"\r\nHTTP/1.1 200 OK\r\n"],
    ] {
        assert!(reason_of(pieces).starts_with("200 in "));
    }
}

#[test]
fn another_status_says_which_and_what_was_expected() {
    assert_eq!(reason_of(&[b"HTTP/1.1 500 Oops\r\n\r\n"]), "status 500, expected 200-399");
    assert_eq!(reason_of(&[b"HTTP/1.1 101 Switching Protocols\r\n\r\n"]), "status 101, expected 200-399");
}

#[test]
fn what_is_not_http_is_shown_escaped_and_bounded() {
    assert_eq!(reason_of(&[b"SSH-2.0-x\r\n"]), r"no HTTP response: SSH-2.0-x\r\n");
    assert_eq!(reason_of(&[b"HTTP/1.1 20x OK\r\n"]), r"no HTTP response: HTTP/1.1 20x OK\r\n");
    assert_eq!(reason_of(&[b"HTTP/1.1 2000 OK\r\n"]), r"no HTTP response: HTTP/1.1 2000 OK\r\n");
    assert_eq!(reason_of(&[b"\x15\x03\x01\0"]), r"no HTTP response: \x15\x03\x01\x00");
    let endless = [b"HTTP/1.1 200 ".as_slice(), &[b'x'; 2 * 4096]].concat();
    let reason = reason_of(&[&endless]);
    assert!(reason.starts_with("no HTTP response: HTTP/1.1 200 xxx") && reason.len() < 100, "{reason}");
}

#[test]
fn a_connection_closed_early_says_so() {
    assert_eq!(reason_of(&[]), "connection closed before a response");
    assert_eq!(reason_of(&[b"HTTP/1.1 2"]), "connection closed before a whole status line");
    assert_eq!(reason_of(&[b"HTTP/1.1 100 Continue\r\n\r\n"]), "connection closed before a whole status line");
}

#[test]
fn a_port_nobody_listens_on_is_connection_refused() {
    run(async {
        let (listener, address) = listener().await;
        drop(listener);
        assert_eq!(probe(&http(address)).await, Outcome::Failure("connection refused".into()));
    });
}

#[test]
fn a_server_that_accepts_and_is_silent_times_out_waiting() {
    run(async {
        let (_listener, address) = listener().await;
        let mut target = http(address);
        target.check.timeout = Duration::from_millis(30);
        let start = Instant::now();
        let outcome = probe(&target).await;
        assert_eq!(outcome, Outcome::Failure("timed out after 30ms waiting for the response".into()));
        assert!(start.elapsed() >= target.check.timeout);
    });
}

#[test]
fn a_server_that_does_not_accept_times_out_connecting() {
    run(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let _fills_the_queue = TcpStream::connect(address).await.unwrap();
        let mut target = http(address);
        target.check.timeout = Duration::from_millis(50);
        assert_eq!(probe(&target).await, Outcome::Failure("timed out after 50ms connecting".into()));
    });
}

#[test]
fn a_tcp_check_succeeds_with_the_connection_and_sends_nothing() {
    run(async {
        let (listener, address) = listener().await;
        let target = Target { address, check: check(ProbeKind::Tcp) };
        let outcome = probe(&target).await;
        assert!(outcome.reason().starts_with("connected in "), "{outcome:?}");
        let (mut stream, _) = listener.accept().await.unwrap();
        let end = stream.read(&mut [0; 1]).await;
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset, "closed with RST, no TIME_WAIT");
    });
}

#[test]
fn errors_of_our_own_machine_are_ours_and_all_others_the_targets() {
    for (number, words) in [
        (libc::EMFILE, "too many open files"),
        (libc::ENFILE, "too many open files in system"),
        (libc::ENOBUFS, "no buffer space available"),
        (libc::ENOMEM, "cannot allocate memory"),
        (libc::EADDRNOTAVAIL, "cannot assign requested address"),
    ] {
        let outcome = failed(&io::Error::from_raw_os_error(number), "");
        let Outcome::LocalError(reason) = outcome else { panic!("{outcome:?}") };
        assert_eq!(reason.to_lowercase(), words.to_lowercase());
    }
    let reset = failed(&io::Error::from_raw_os_error(libc::ECONNRESET), " before a response");
    assert_eq!(reset.reason(), "connection reset by peer before a response");
}

#[test]
fn outcomes_that_differ_in_time_only_are_of_one_kind() {
    let success = |answer: &str, ms| Outcome::Success { answer: answer.into(), took: Duration::from_millis(ms) };
    assert!(success("200", 1).same_kind(&success("200", 90)));
    assert!(!success("200", 1).same_kind(&success("204", 1)));
    assert!(!success("200", 1).same_kind(&Outcome::Failure("200".into())));
}

#[test]
fn expectations_are_told_as_they_are_written() {
    let range = |from, to| StatusRange { from, to };
    assert_eq!(Expect(vec![range(200, 200), range(301, 302)]).to_string(), "200,301-302");
}
