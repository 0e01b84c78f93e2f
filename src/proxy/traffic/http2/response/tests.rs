use super::*;
use crate::proxy::traffic::http1::response::vet;

fn written(text: &str, to_head: bool) -> Head<()> {
    let mut fields = Vec::new();
    let meaning = vet(text.as_bytes(), to_head, &mut fields).expect("a head");
    let response = Response { head: &meaning, bytes: text.as_bytes(), fields: &fields };
    head(response, ResponseEdit::default())
}

fn fields(head: &Head<()>) -> Vec<(&str, &str)> {
    head.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().expect("text"))).collect()
}

#[test]
fn fields_of_the_connection_stay_here_and_names_become_small() {
    let head = written(
        "HTTP/1.1 200 OK\r\nServer: x\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\n\
         Proxy-Connection: x\r\nContent-Length: 3\r\nX-Empty:\r\n\r\n",
        false,
    );
    assert_eq!(head.status(), 200);
    assert_eq!(fields(&head), [("server", "x"), ("x-empty", ""), ("content-length", "3")]);
}

#[test]
fn a_length_is_said_where_it_means_something() {
    let length = |text, to_head| written(text, to_head).headers().get(CONTENT_LENGTH).cloned();
    assert_eq!(length("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false), None);
    assert_eq!(length("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false), Some(HeaderValue::from(5)));
    assert_eq!(length("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true), Some(HeaderValue::from(5)));
    assert_eq!(length("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", false), None);
    assert_eq!(length("HTTP/1.1 103 Early Hints\r\n\r\n", false), None);
}

#[test]
fn a_switch_of_protocols_is_a_success_and_its_key_stays_here() {
    let head = written(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: k\r\n\
         Sec-WebSocket-Protocol: chat\r\n\r\n",
        false,
    );
    assert_eq!(head.status(), 200);
    assert_eq!(fields(&head), [("sec-websocket-protocol", "chat")]);
}

#[test]
fn trailers_pass_both_ways_but_for_those_that_have_no_place_there() {
    let map = trailers_of(b"X-Sum: 1\r\nHost: evil\r\nX-Sum: 2\r\n\r\n").expect("a section");
    assert_eq!(map.get_all("x-sum").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(map.len(), 2);
    let mut section = Vec::new();
    write_trailers(&map, &mut section).expect("short enough");
    assert_eq!(section, b"x-sum: 1\r\nx-sum: 2\r\n\r\n");
    write_trailers(&HeaderMap::new(), &mut section).expect("short enough");
    assert!(section.is_empty());
    assert_eq!(trailers_of(b"no section\r\n\r\n"), Err(Malformed));
}
