use super::*;
use crate::proxy::traffic::http1::vet::vet;
use crate::proxy::traffic::message::Scheme;

fn location(request: &str, port: u16) -> Option<String> {
    let (bytes, mut fields) = (format!("{request}\r\n\r\n"), Vec::new());
    let head = vet(bytes.as_bytes(), Scheme::Http, 100, &mut fields).unwrap();
    let request = Request { head: &head, bytes: bytes.as_bytes(), fields: &fields };
    to_https(&request, port).map(|location| String::from_utf8(location).unwrap())
}

#[test]
fn host_path_and_query_stay_as_they_were_asked_for() {
    for (request, expected) in [
        ("GET / HTTP/1.1\r\nHost: www.test", "https://www.test/"),
        ("GET /a%20b/../c?q=1&r=/x HTTP/1.1\r\nHost: WWW.test:80", "https://WWW.test/a%20b/../c?q=1&r=/x"),
        ("POST /form HTTP/1.1\r\nHost: [2001:db8::1]\r\nContent-Length: 0", "https://[2001:db8::1]/form"),
        ("GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080", "https://[2001:db8::1]/"),
        ("GET http://www.test?q HTTP/1.1\r\nHost: www.test", "https://www.test/?q"),
        ("GET http://www.test:80/a HTTP/1.1\r\nHost: www.test:80", "https://www.test/a"),
        ("OPTIONS * HTTP/1.1\r\nHost: www.test", "https://www.test"),
    ] {
        assert_eq!(location(request, 443).as_deref(), Some(expected), "{request}");
    }
}

#[test]
fn a_port_that_https_does_not_have_by_itself_is_named() {
    let request = "GET /a HTTP/1.1\r\nHost: www.test:8080";
    assert_eq!(location(request, 8443).as_deref(), Some("https://www.test:8443/a"));
}

#[test]
fn whoever_names_no_host_is_sent_nowhere() {
    assert_eq!(location("GET / HTTP/1.0", 443), None);
    assert_eq!(location("GET / HTTP/1.1\r\nHost:", 443), None);
}
