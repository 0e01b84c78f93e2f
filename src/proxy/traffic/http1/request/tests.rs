//! What a backend gets for what a client sent.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;

use super::*;
use crate::config::proxy::FieldName;
use crate::proxy::traffic::http1::vet::vet;
use crate::proxy::traffic::message::Scheme;

const FORWARDED: &str = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a.test\r\n\
                         Forwarded: for=192.0.2.7;host=\"a.test\";proto=http\r\n";

fn written(head: &str, trusted: bool) -> String {
    written_passing(head, trusted, PassedFields::default())
}

fn written_passing(head: &str, trusted: bool, passed: PassedFields) -> String {
    let mut fields = Vec::new();
    let request = vet(head.as_bytes(), Scheme::Http, 100, &mut fields).unwrap();
    let client = Client::new("192.0.2.7:5000".parse().unwrap());
    let cookie = Cookie::address("polder-shop");
    let mut out = Vec::new();
    let (cookie, vouched) = (Some(&cookie), Vouched::default());
    let edits = Edits { client: &client, trusted, passed, own_fields: None, cookie, via: None, headers: None, vouched };
    write(&mut out, head.as_bytes(), &request, &fields, edits);
    String::from_utf8(out).unwrap()
}

fn forwarded(lines: &str) -> String {
    let head = written(&format!("GET / HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n"), false);
    let lines = head.strip_prefix("GET / HTTP/1.1\r\nHost: a.test\r\n").unwrap();
    lines.strip_suffix("\r\n").unwrap().replace(FORWARDED, "FORWARDED\r\n")
}

#[test]
fn what_belongs_to_the_clients_hop_is_left_out() {
    for (lines, left) in [
        ("Accept: */*\r\nX-Odd:   spaced  \r\n", "Accept: */*\r\nX-Odd: spaced\r\nFORWARDED\r\n"),
        ("Connection: close, X-Gone\r\nX-Gone: 1\r\nx-gone: 2\r\nKeep-Alive: 5\r\n", "FORWARDED\r\n"),
        ("Proxy-Connection: keep-alive\r\nProxy: http://evil.test\r\n", "FORWARDED\r\n"),
        ("Upgrade: h2c\r\nHTTP2-Settings: AA\r\nConnection: Upgrade, HTTP2-Settings\r\n", "FORWARDED\r\n"),
        ("Upgrade: websocket\r\n", "FORWARDED\r\n"),
        (
            "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n",
            "Upgrade: websocket\r\nFORWARDED\r\nConnection: upgrade\r\n",
        ),
        ("TE: trailers, deflate\r\nConnection: TE\r\n", "FORWARDED\r\nTE: trailers\r\nConnection: TE\r\n"),
        ("TE: deflate\r\nTrailer: X\r\n", "FORWARDED\r\n"),
        ("Content-Length: 007\r\n", "FORWARDED\r\nContent-Length: 7\r\n"),
        ("Trailer: X\r\nTransfer-Encoding: Chunked\r\n", "Trailer: X\r\nFORWARDED\r\nTransfer-Encoding: chunked\r\n"),
        ("Content-Length: 1\r\nExpect: 100-continue\r\n", "Expect: 100-continue\r\nFORWARDED\r\nContent-Length: 1\r\n"),
        ("X-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n", "FORWARDED\r\n"),
        ("X-Forwarded-Port: 1\r\nX-Real-IP: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n", "FORWARDED\r\n"),
        ("Cookie: a=1; polder-shop=192.0.2.21:80; b=2\r\n", "Cookie: a=1; b=2\r\nFORWARDED\r\n"),
        ("Cookie: polder-shop=x\r\nCookie: c=3\r\n", "Cookie: c=3\r\nFORWARDED\r\n"),
    ] {
        assert_eq!(forwarded(lines), left, "{lines}");
    }
}

#[test]
fn a_connection_field_takes_nothing_of_ours_away() {
    let lines = "Connection: Host, Content-Length, X-Forwarded-For, X-Forwarded-Host, Forwarded, Transfer-Encoding\r\n\
                 Content-Length: 5\r\n";
    assert_eq!(forwarded(lines), "FORWARDED\r\nContent-Length: 5\r\n");
}

#[test]
fn a_trusted_proxys_word_is_kept_and_ours_put_behind_it() {
    let head = "GET http://a.test HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n\
                X-Forwarded-Proto: https\r\nX-Forwarded-Host: www.test\r\nX-Forwarded-Port: 443\r\n\
                Forwarded: for=10.0.0.1\r\n\r\n";
    assert_eq!(
        written(head, true),
        "GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-Port: 443\r\n\
         X-Forwarded-For: 10.0.0.1, 10.0.0.2, 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: www.test\r\n\
         Forwarded: for=10.0.0.1, for=192.0.2.7;host=\"a.test\";proto=http\r\n\r\n"
    );
}

/// Fields that gateways set and backends believe.
const CLAIMS: &str = "X-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\nX-Original-Host: b.test\r\nX-Host: b.test\r\n\
                      X-HTTP-Method-Override: DELETE\r\nClient-IP: 10.0.0.1\r\nTrue-Client-IP: 10.0.0.1\r\n\
                      X-Real-IP: 10.0.0.1\r\nX-Client-IP: 10.0.0.1\r\nX-Cluster-Client-IP: 10.0.0.1\r\n\
                      X-ProxyUser-Ip: 10.0.0.1\r\nCF-Connecting-IP: 10.0.0.1\r\nRemote-User: admin\r\n";

/// Spellings that CGI and WSGI programs read as a field that we vet or set.
const SPELLINGS: &str = "Content_Length: 5\r\nTransfer_Encoding: chunked\r\nX_Forwarded_For: 10.0.0.1\r\n\
                         X_Forwarded_Proto: https\r\nX-Forwarded_Host: b.test\r\nX_Forwarded_Port: 443\r\n\
                         X_Real_IP: 10.0.0.1\r\nX_Original_URL: /admin\r\nContent.Length: 5\r\n";

#[test]
fn what_backends_would_believe_of_a_gateway_does_not_reach_them_from_anybody() {
    for trusted in [false, true] {
        let head = format!("GET / HTTP/1.1\r\nHost: a.test\r\n{CLAIMS}{SPELLINGS}Accept: */*\r\n\r\n");
        let written = written(&head, trusted);
        assert_eq!(written, format!("GET / HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\n{FORWARDED}\r\n"), "{trusted}");
    }
}

#[test]
fn a_service_gets_the_fields_it_lists_those_that_say_who_asks_from_trusted_proxies_only() {
    let document = r#"{ "version": 1, "name": "px", "state_dir": "/nowhere", "admin": { "socket": "/nowhere/s" },
        "listeners": [{ "name": "http", "address": "127.0.0.1:80" }], "trusted_proxies": ["10.0.0.0/8"],
        "services": { "a": { "hosts": ["a.test"], "mode": "stateless", "pass_fields": ["X-Real-IP", "x-http-method-override"],
            "backends": [{ "name": "a", "address": "192.0.2.1:80" }] } } }"#;
    let passed = crate::config::proxy::parse("proxy.json".as_ref(), document).unwrap().services["a"].pass_fields;
    let head = format!("GET / HTTP/1.1\r\nHost: a.test\r\n{CLAIMS}{SPELLINGS}\r\n");
    for (trusted, left) in [
        (true, "X-HTTP-Method-Override: DELETE\r\nX-Real-IP: 10.0.0.1\r\n"),
        (false, "X-HTTP-Method-Override: DELETE\r\n"),
    ] {
        let written = written_passing(&head, trusted, passed);
        assert_eq!(written, format!("GET / HTTP/1.1\r\nHost: a.test\r\n{left}{FORWARDED}\r\n"));
    }
}

#[test]
fn an_ipv6_client_is_quoted_and_a_mapped_one_is_ipv4() {
    let name = |address: &str| {
        let head = "GET / HTTP/1.0\r\n\r\n";
        let mut fields = Vec::new();
        let request = vet(head.as_bytes(), Scheme::Http, 100, &mut fields).unwrap();
        let mut out = Vec::new();
        Client::new(SocketAddr::new(address.parse().unwrap(), 5000)).write(
            &mut out,
            head.as_bytes(),
            &request,
            &fields,
            false,
        );
        String::from_utf8(out).unwrap()
    };
    assert!(name("2001:db8::7").contains("Forwarded: for=\"[2001:db8::7]\";proto=http\r\n"));
    assert!(name("2001:db8::7").contains("X-Forwarded-For: 2001:db8::7\r\n"));
    assert!(name("::ffff:192.0.2.7").contains("X-Forwarded-For: 192.0.2.7\r\n"));
}

#[test]
fn what_was_found_out_about_a_visitor_is_told_by_the_proxy_alone() {
    let head = "GET / HTTP/1.1\r\nHost: a.test\r\nAuthorization: Basic YTpi\r\nProxy-Authorization: x\r\nRemote-Groups: admins\r\n\
                Remote_Groups: admins\r\nX-Remote-User: root\r\nX-Other: 1\r\nCookie: a=1\r\n\r\n";
    let mut fields = Vec::new();
    let request = vet(head.as_bytes(), Scheme::Http, 100, &mut fields).unwrap();
    let client = Client::new("192.0.2.7:5000".parse().unwrap());
    let copied = Names::of(&["Remote-Groups", "cookie"].map(|name| FieldName::parse(name).unwrap()));
    let granted = b"Remote-Groups: staff\r\n";
    let vouched = Vouched { user: Some("alice"), keeps_password: true, copied: Some(&copied), granted };
    let passed = PassedFields::default();
    let mut out = Vec::new();
    write(
        &mut out,
        head.as_bytes(),
        &request,
        &fields,
        Edits {
            client: &client,
            trusted: true,
            passed,
            own_fields: None,
            cookie: None,
            via: None,
            headers: None,
            vouched,
        },
    );
    let text = String::from_utf8(out).unwrap();
    assert_eq!(
        text,
        format!(
            "GET / HTTP/1.1\r\nHost: a.test\r\nProxy-Authorization: x\r\nX-Other: 1\r\n{FORWARDED}X-Remote-User: alice\r\n\
             Remote-Groups: staff\r\n\r\n"
        )
    );
}
