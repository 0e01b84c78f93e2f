//! Who asked first.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::proxy::traffic::http1::vet::vet;
use crate::proxy::traffic::message::Scheme;

/// Who it is that asks `peer`, one of the proxies of 10.0.0.0/8 and 2001:db8::/32 or not, with these lines.
fn visitor(peer: &str, lines: &str) -> String {
    let text = format!("GET / HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n");
    let mut fields = Vec::new();
    let head = vet(text.as_bytes(), Scheme::Http, 100, &mut fields).unwrap();
    let request = Request { head: &head, bytes: text.as_bytes(), fields: &fields };
    let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    let visitor = Client::new(SocketAddr::new(peer.parse().unwrap(), 5000)).visitor(request, &trusted);
    visitor.map_or_else(|| "nobody knows".to_owned(), |address| address.to_string())
}

#[test]
fn a_visitor_is_whom_the_last_of_the_trusted_proxies_in_a_row_names() {
    for (peer, lines, expected) in [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "X-Forwarded-For: 10.1.1.1\r\n", "192.0.2.7"),
        ("::ffff:192.0.2.7", "", "192.0.2.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "X-Forwarded-For: ::ffff:192.0.2.9\r\n", "192.0.2.9"),
        ("10.0.0.1", "X-Forwarded-For: 192.0.2.9\r\n", "192.0.2.9"),
        ("10.0.0.1", "X-Forwarded-For: 1.1.1.1, 192.0.2.9\r\n", "192.0.2.9"),
        ("10.0.0.1", "X-Forwarded-For: 1.1.1.1, 192.0.2.9, 10.0.0.2, 2001:db8::1\r\n", "192.0.2.9"),
        ("10.0.0.1", "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 192.0.2.9\r\n", "192.0.2.9"),
        ("10.0.0.1", "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-For: 10.0.0.9\r\n", "192.0.2.9"),
        ("10.0.0.1", "X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n", "10.0.0.3"),
        ("10.0.0.1", "X-Forwarded-For: garbage, 192.0.2.9\r\n", "192.0.2.9"),
        ("10.0.0.1", "X-Forwarded-For: 192.0.2.9, ,\r\n", "192.0.2.9"),
        ("10.0.0.1", "X-Forwarded-For: 192.0.2.9:1234\r\n", "192.0.2.9"),
        ("10.0.0.1", "X-Forwarded-For: [2001:db9::9]:1234\r\n", "2001:db9::9"),
        ("10.0.0.1", "X-Forwarded-For: [2001:db9::9]\r\n", "2001:db9::9"),
        ("10.0.0.1", "Forwarded: for=192.0.2.9\r\n", "10.0.0.1"),
        ("10.0.0.1", "X-Forwarded-For: unknown\r\n", "nobody knows"),
        ("10.0.0.1", "X-Forwarded-For: 192.0.2.9, 10.0.0.2, garbage\r\n", "nobody knows"),
    ] {
        assert_eq!(visitor(peer, lines), expected, "{peer}: {lines}");
    }
}
