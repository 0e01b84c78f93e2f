#![allow(clippy::unwrap_used)]

use super::*;

/// Two listeners in clear text, and one of https if it is said so.
fn listeners(https: bool) -> Vec<ListenerConfig> {
    let one = |name: &str, address: &str, protocol| ListenerConfig {
        name: name.to_owned(),
        address: address.parse().unwrap(),
        protocol,
        http2: true,
        proxies: None,
    };
    let clear = [one("web", "0.0.0.0:80", Protocol::Http), one("other", "0.0.0.0:8080", Protocol::Http)];
    clear.into_iter().chain(https.then(|| one("tls", "[::]:8443", Protocol::Https))).collect()
}

fn told(protocol: Protocol, port: Option<u16>, https: bool) -> (String, bool) {
    let visit = Visit { protocol, host: "www.test", port, path: "/", query: "", cookie: "", from: None };
    let (words, taken) = listener(&listeners(https), &visit);
    (words, taken.is_ok())
}

#[test]
fn the_listener_that_takes_a_visitor_is_named_and_one_that_is_not_there_is_told() {
    use Protocol::{Http, Https};
    for (protocol, port, https, words, is_taken) in [
        (Http, None, true, "it comes in by the listener web (0.0.0.0:80)", true),
        (Http, Some(8080), true, "it comes in by the listener other (0.0.0.0:8080)", true),
        (Https, Some(8443), true, "it comes in by the listener tls ([::]:8443)", true),
        (
            Https,
            None,
            true,
            "no listener of this proxy has port 443: this is what the listener tls ([::]:8443) answers",
            true,
        ),
        (Https, None, false, "no listener of this proxy speaks https", false),
        (Https, Some(80), true, "port 80 is that of the listener web (0.0.0.0:80), which does not speak https", false),
        (
            Https,
            Some(444),
            true,
            "no listener of this proxy has port 444; https is spoken by the listener tls ([::]:8443)",
            false,
        ),
    ] {
        assert_eq!(told(protocol, port, https), (words.to_owned(), is_taken));
    }
}

#[test]
fn a_certificate_that_several_services_share_is_told_of_once() {
    let told = |certificates: &[&str]| kinds(certificates.iter().map(|one| (*one).to_owned()));
    assert_eq!(told(&["a", "a", "b", "a"]), "a; to visitors who have no use for it, b");
    assert_eq!(told(&["a", "a"]), "a");
}
