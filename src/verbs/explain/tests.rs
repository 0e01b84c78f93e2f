use super::*;

#[test]
fn a_url_is_taken_apart() {
    let parts = |url| {
        let asked = Asked::of(url).ok()?;
        let port = asked.port.map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{} {}{port} {} {}", asked.scheme, asked.host, asked.path, asked.query))
    };
    for (url, expected) in [
        ("http://www.example.net/", Some("http www.example.net / ")),
        ("http://WWW.example.net:8080/a/b?c=d#e", Some("http www.example.net:8080 /a/b ?c=d")),
        ("www.example.net", Some("http www.example.net / ")),
        ("https://www.example.net?x", Some("https www.example.net / ?x")),
        ("https://www.example.net:/#?x", Some("https www.example.net / ")),
        ("HTTPS://WWW.example.net/A", Some("https www.example.net /A ")),
        ("http://[2001:DB8::1]/", Some("http [2001:db8::1] / ")),
        ("https://[2001:db8::1]:8443/a", Some("https [2001:db8::1]:8443 /a ")),
        ("[::1]", Some("http [::1] / ")),
        ("http://[2001:db8::1/", None),
        ("http://[www]/", None),
        ("http://2001:db8::1/", None),
        ("ftp://www.example.net/", None),
        ("http:///path", None),
        ("http://www.example.net:99999/", None),
        ("http://a b/", None),
    ] {
        assert_eq!(parts(url).as_deref(), expected, "{url}");
    }
}

#[test]
fn a_proxy_without_a_backend_makes_the_answer_no_unless_it_needs_none() {
    let answer = |backend: Option<&str>, target: Option<&str>, refusal: Option<&str>| Explained {
        url: String::new(),
        nameservers: Vec::new(),
        proxies: vec![Reply {
            daemon: "px-1".to_owned(),
            result: ExplainResult::Explanation(api::proxy::Explanation {
                service: Some("www".to_owned()),
                route: String::new(),
                backend: backend.map(str::to_owned),
                target: target.map(str::to_owned),
                refusal: refusal.map(str::to_owned),
                because: Vec::new(),
            }),
        }],
    };
    assert_eq!(verdict(&answer(Some("web1"), None, None)), Exit::Done);
    assert_eq!(verdict(&answer(None, None, None)), Exit::No);
    assert_eq!(verdict(&answer(None, Some("redirect"), None)), Exit::Done);
    assert_eq!(verdict(&answer(None, Some("proxy"), Some("503"))), Exit::No);
}
