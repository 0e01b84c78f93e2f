use super::*;

#[test]
fn a_url_gives_host_and_path() {
    let parts = |url| host_and_path(url).map(|(host, path)| format!("{host} {path}"));
    assert_eq!(parts("http://www.example.net/").as_deref(), Some("www.example.net /"));
    assert_eq!(parts("http://WWW.example.net:8080/a/b?c=d#e").as_deref(), Some("www.example.net /a/b"));
    assert_eq!(parts("www.example.net").as_deref(), Some("www.example.net /"));
    assert_eq!(parts("https://www.example.net?x").as_deref(), Some("www.example.net /"));
    assert_eq!(parts("ftp://www.example.net/"), None);
    assert_eq!(parts("http:///path"), None);
    assert_eq!(parts("http://a b/"), None);
}

#[test]
fn a_proxy_without_a_backend_makes_the_answer_no_unless_it_needs_none() {
    let answer = |backend: Option<&str>, target: Option<&str>| Explained {
        url: String::new(),
        nameservers: Vec::new(),
        proxies: vec![Reply {
            daemon: "px-1".to_owned(),
            result: ExplainResult::Explanation(api::proxy::Explanation {
                service: Some("www".to_owned()),
                route: String::new(),
                backend: backend.map(str::to_owned),
                target: target.map(str::to_owned),
                because: Vec::new(),
            }),
        }],
    };
    assert_eq!(verdict(&answer(Some("web1"), None)), Exit::Done);
    assert_eq!(verdict(&answer(None, None)), Exit::No);
    assert_eq!(verdict(&answer(None, Some("redirect"))), Exit::Done);
}
