//! Services that want their visitors over https: redirects, and what browsers are told for the next time.

use polder::proxy::snapshot::Https;

use crate::access::{Log, edge};
use crate::authority::{Authority, TlsClient};
use crate::harness::{Client, GET, OK, Proxy, Script, Setup, field, refusing};
use crate::tls::acceptor;

fn redirecting() -> Https {
    Https { redirect: Some(8443), ..Https::default() }
}

fn hsts() -> Https {
    Https { hsts: Some("max-age=31536000".into()), ..Https::default() }
}

/// A listener in clear text, and a certificate for `www.test` that is for this name.
fn with_certificate(name: &str) -> Setup {
    let authority = Authority::new();
    let files = authority.issue("www", &[name]);
    Setup { tls: Some(acceptor(&[("www.test", &[&files])], false)), in_clear: true, ..Setup::default() }
}

#[test]
fn nobody_is_sent_to_https_where_no_certificate_is_for_the_host() {
    let backend = Script::answering(OK);
    for setup in [Setup::default(), with_certificate("other.test")] {
        let proxy = Proxy::start(Setup { https: redirecting(), ..setup }, &[backend.address]);
        assert_eq!(proxy.ask(GET).status(), 200);
    }
}

#[test]
fn nobody_is_asked_in_clear_text_who_he_is_where_no_certificate_is_for_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users");
    std::fs::write(&users, "alice:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n").unwrap();
    let (auth, backend) = (Script::answering(OK), Script::answering(OK));
    let password = format!(r#""basic_auth": {{ "users_file": "{}" }}"#, users.display());
    let server = format!(r#""forward_auth": {{ "address": "{}" }}"#, auth.address);
    let known = "GET / HTTP/1.1\r\nHost: www.test\r\nAuthorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n";
    for (place, (keys, setup)) in
        [(&password, Setup::default()), (&password, with_certificate("other.test")), (&server, Setup::default())]
            .into_iter()
            .enumerate()
    {
        let edge = Some(edge(&format!("in-clear-{place}"), keys));
        let (log, config) = Log::new();
        let mut proxy = Proxy::start(Setup { https: redirecting(), edge, log: config, ..setup }, &[backend.address]);
        for request in [GET, known] {
            let response = proxy.ask(request);
            assert_eq!((response.status(), response.field("WWW-Authenticate")), (503, None), "{keys}");
        }
        assert!(log.lines(2).iter().all(|(end, _)| end == "LW"));
        assert!(auth.heads().is_empty() && backend.heads().is_empty());
        if place == 0 {
            proxy.swap(|setup| setup.trusted = vec!["127.0.0.0/8".parse().unwrap()]);
            let secure = "GET / HTTP/1.1\r\nHost: www.test\r\nX-Forwarded-Proto: https\r\n\r\n";
            assert_eq!(
                proxy.ask(secure).status(),
                401,
                "who came over https to a trusted proxy has not said it in clear"
            );
        }
    }
}

#[test]
fn requests_in_clear_text_are_sent_to_https_whatever_their_method() {
    let backend = Script::answering(OK);
    let proxy = Proxy::start(Setup { https: redirecting(), ..with_certificate("www.test") }, &[backend.address]);
    let mut client = Client::connect(proxy.address);
    for method in ["GET", "HEAD", "POST", "DELETE", "OPTIONS"] {
        client.send(&format!("{method} /a/b?c=d HTTP/1.1\r\nHost: www.test:80\r\nContent-Length: 0\r\n\r\n"));
        let head = if method == "HEAD" { client.head() } else { client.response().head };
        assert!(head.starts_with("HTTP/1.1 308 Permanent Redirect\r\n"), "{method}: {head}");
        assert_eq!(field(&head, "Location"), Some("https://www.test:8443/a/b?c=d"), "{method}");
        assert_eq!(field(&head, "Strict-Transport-Security"), None, "RFC 6797, 7.2");
    }
    client.send("POST / HTTP/1.1\r\nHost: www.test\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!(client.response().status(), 308);
    let mut client = Client::connect(proxy.address);
    client.send("GET /.polder/ready HTTP/1.1\r\nHost: www.test\r\n\r\n");
    assert_eq!(client.response().status(), 200, "what the proxy itself answers is no matter of services");
    assert!(backend.heads().is_empty(), "{:?}", backend.heads());
}

#[test]
fn whoever_came_over_https_to_a_trusted_proxy_is_not_sent_round_in_circles() {
    let backend = Script::answering(OK);
    let https = Https { redirect: Some(443), ..hsts() };
    let mut proxy = Proxy::start(Setup { https, ..with_certificate("www.test") }, &[backend.address]);
    let ask = |proxy: &Proxy| {
        let mut client = Client::connect(proxy.address);
        client.send("GET / HTTP/1.1\r\nHost: www.test\r\nX-Forwarded-Proto: https, http\r\n\r\n");
        let response = client.response();
        (response.status(), response.field("Strict-Transport-Security").map(str::to_owned))
    };
    assert_eq!(ask(&proxy), (308, None), "anybody can say that");
    proxy.swap(|setup| setup.trusted = vec!["127.0.0.0/8".parse().unwrap()]);
    assert_eq!(ask(&proxy), (200, Some("max-age=31536000".to_owned())));
    assert_eq!(field(&backend.heads()[0], "X-Forwarded-Proto"), Some("https, http"));
}

#[test]
fn responses_over_tls_say_so_once_and_those_in_clear_text_do_not() {
    const TALKATIVE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nstrict-transport-security: max-age=1\r\n\r\n";
    let backend = Script::answering(TALKATIVE);
    let authority = Authority::new();
    let tls = Some(authority.acceptor());
    let said = |proxy: &Proxy, is_secure: bool| {
        let response = if is_secure {
            let mut client = TlsClient::over_tls(proxy.address, authority.trusting(), "www.test");
            client.send(GET);
            client.response()
        } else {
            let mut client = Client::connect(proxy.address);
            client.send(GET);
            client.response()
        };
        let fields = response.head.lines().filter(|line| line.to_lowercase().starts_with("strict-transport"));
        (response.status(), fields.map(|line| line.split(": ").nth(1).unwrap().to_owned()).collect::<Vec<_>>())
    };
    let mut clear = Proxy::start(Setup { https: hsts(), ..Setup::default() }, &[backend.address]);
    let mut secure = Proxy::start(Setup { https: hsts(), tls: tls.clone(), ..Setup::default() }, &[backend.address]);
    assert_eq!(said(&clear, false), (200, vec![]));
    assert_eq!(said(&secure, true), (200, vec!["max-age=31536000".to_owned()]), "ours for the backend's");
    for proxy in [&mut clear, &mut secure] {
        proxy.swap(|setup| setup.https = Https::default());
    }
    assert_eq!(said(&clear, false).1, ["max-age=1"], "without a word of the document the backend's passes");
    assert_eq!(said(&secure, true).1, ["max-age=1"]);
    let broken = Proxy::start(Setup { https: hsts(), tls, ..Setup::default() }, &[refusing()]);
    assert_eq!(said(&broken, true), (503, vec!["max-age=31536000".to_owned()]), "answers of our own, too");
}
