//! What a visitor gets for what a backend sent.
#![allow(clippy::unwrap_used)]

use super::*;

fn vetted(head: &str, to_head: bool) -> Result<ResponseHead, Malformed> {
    vet(head.as_bytes(), to_head, &mut Vec::new())
}

fn written(head: &str, to_head: bool, edits: Edits<'_>) -> String {
    let mut fields = Vec::new();
    let response = vet(head.as_bytes(), to_head, &mut fields).unwrap();
    let mut out = Vec::new();
    write(&mut out, head.as_bytes(), &response, &fields, edits);
    String::from_utf8(out).unwrap()
}

const PLAIN: ResponseEdit<'_> =
    ResponseEdit { cookie: None, set_cookie: None, transport: TransportSecurity::Backends, headers: None };
const NEW: Edits<'_> = Edits { version: Version::Http11, keep: true, edit: PLAIN };

#[test]
fn a_body_is_as_long_as_rfc_9112_says() {
    for (head, to_head, body) in [
        ("200 OK\r\nContent-Length: 5\r\n", false, Length::Exactly(5)),
        ("200 OK\r\nContent-Length: 5\r\n", true, Length::None),
        ("200 OK\r\nTransfer-Encoding: chunked\r\n", false, Length::Chunked),
        ("200 OK\r\nTransfer-Encoding: chunked\r\n", true, Length::None),
        ("200 OK\r\n", false, Length::UntilClose),
        ("204 No Content\r\n", false, Length::None),
        ("304 Not Modified\r\nContent-Length: 5\r\n", false, Length::None),
        ("103 Early Hints\r\n", false, Length::None),
    ] {
        assert_eq!(vetted(&format!("HTTP/1.1 {head}\r\n"), to_head).unwrap().body, body, "{head}");
    }
}

#[test]
fn responses_that_could_mean_two_things_are_malformed() {
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding:`' h2c\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 099 Low\r\n\r\n",
        "HTTP/1.1 600 High\r\n\r\n",
        "HTTP/1.1 20 Short\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "200 OK\r\n\r\n",
    ] {
        assert_eq!(vetted(head, false).err(), Some(Malformed), "{}", head.escape_debug());
    }
}

#[test]
fn the_head_is_reframed_for_the_client() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n";
    assert_eq!(written(chunked, false, NEW), "HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n");
    let old = Edits { version: Version::Http10, keep: false, edit: ResponseEdit::default() };
    assert_eq!(written(chunked, false, old), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    let endless = "HTTP/1.0 200 OK\r\nA: b\r\n\r\n";
    assert_eq!(written(endless, false, NEW), "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n");
    let hop = "HTTP/1.1 200 \r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: 1\r\nContent-Length: 3\r\n\r\n";
    assert_eq!(written(hop, false, NEW), "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\n");
    assert_eq!(written(hop, true, NEW), "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\n");
    let none = "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nUpgrade: h2c\r\n\r\n";
    assert_eq!(written(none, false, NEW), "HTTP/1.1 204 No Content\r\n\r\n");
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(
        written(switch, false, NEW),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
    );
}

#[test]
fn a_response_with_our_cookie_is_private() {
    let edits = Edits { edit: ResponseEdit { set_cookie: Some("polder-shop=x; path=/; HttpOnly"), ..PLAIN }, ..NEW };
    for (lines, private) in [
        ("", true),
        ("Cache-Control: public, max-age=60\r\n", true),
        ("Cache-Control: no-cache\r\n", true),
        ("Cache-Control: private=\"Set-Cookie\"\r\n", true),
        ("Cache-Control: max-age=60, Private\r\n", false),
        ("Cache-Control: no-cache\r\nCache-Control: no-store\r\n", false),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: own=1\r\n{lines}\r\n");
        let head = written(&head, false, edits);
        assert!(head.contains("Set-Cookie: own=1\r\n"), "{head}");
        assert!(head.contains("Set-Cookie: polder-shop=x; path=/; HttpOnly\r\n"), "{head}");
        assert_eq!(head.contains("\r\nCache-Control: private\r\n"), private, "{lines}");
    }
}

#[test]
fn a_backend_keeps_its_connection_only_if_it_says_so_and_its_body_has_an_end() {
    for (head, keeps) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\n\r\n", false),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", true),
        // Whatever body follows would be the next visitor's response.
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false),
        ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", true),
    ] {
        assert_eq!(vetted(head, false).unwrap().keeps_alive(), keeps, "{head}");
    }
}
