#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};

use super::*;

/// A proxy of one answer.
fn answering(answer: &'static str) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]);
        stream.write_all(answer.as_bytes()).unwrap();
    });
    address
}

fn site(proxy: SocketAddr, fixed: Option<u16>) -> Outcome {
    one(&Probe::Site { proxy, host: "www.example.net".to_owned(), path: "/".to_owned(), fixed }, &BTreeMap::new())
}

#[test]
fn a_site_is_served_unknown_or_failing_by_its_status() {
    let site_of = |status: &str| site(answering(format!("HTTP/1.1 {status} Whatever\r\n\r\n").leak()), None);
    assert_eq!(site_of("302"), Outcome::Passed);
    assert_eq!(site_of("401"), Outcome::Passed);
    assert_eq!(site_of("404"), Outcome::Unknown("it answers 404".to_owned()));
    assert_eq!(site_of("503"), Outcome::Failed("it answers 503".to_owned()));
    assert_eq!(site(answering("HTTP/1.1 503 As written\r\n\r\n"), Some(503)), Outcome::Passed);
    assert!(matches!(site(answering(""), None), Outcome::Failed(why) if why.contains("without an answer")));
}

#[test]
fn a_nameserver_passes_with_authority_and_what_was_asked_for() {
    let response = |code, authoritative| {
        let (truncated, serial, addresses, ttl) = (false, None, Vec::new(), None);
        Response { code, authoritative, truncated, serial, addresses, ttl }
    };
    let code = ResponseCode::NoError;
    assert_eq!(judge(&response(code, true), true), Outcome::Passed);
    assert!(matches!(judge(&response(code, true), false), Outcome::Unknown(_)));
    assert!(matches!(judge(&response(code, false), true), Outcome::Failed(_)));
    assert!(matches!(judge(&response(ResponseCode::Refused, false), false), Outcome::Unknown(_)));
    assert!(matches!(judge(&response(ResponseCode::NXDomain, true), false), Outcome::Unknown(_)));
    assert!(matches!(judge(&response(ResponseCode::ServFail, true), false), Outcome::Failed(_)));
}
