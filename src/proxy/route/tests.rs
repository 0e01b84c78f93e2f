use super::*;

fn exact(name: &str) -> HostPattern {
    HostPattern::Exact(name.into())
}

fn suffix(name: &str) -> HostPattern {
    HostPattern::Suffix(name.into())
}

fn router() -> Router {
    Router::new([
        (exact("www.example.net"), "/".into(), 0),
        (exact("www.example.net"), "/app".into(), 1),
        (exact("www.example.net"), "/app/admin/".into(), 2),
        (suffix("example.net"), "/".into(), 3),
        (suffix("shop.example.net"), "/".into(), 4),
        (exact("only.example.net"), "/here".into(), 5),
        (exact("[::1]"), "/".into(), 6),
    ])
}

#[test]
fn an_exact_host_comes_before_a_suffix_and_the_longest_suffix_before_a_shorter_one() {
    let router = router();
    for (host, service) in [
        ("www.example.net", Some(0)),
        ("WWW.Example.NET", Some(0)),
        ("www.example.net.", Some(0)),
        ("www.example.net:8080", Some(0)),
        ("www.example.net.:80", Some(0)),
        ("other.example.net", Some(3)),
        ("a.b.example.net", Some(3)),
        ("a.shop.example.net", Some(4)),
        ("shop.example.net", Some(3)),
        ("example.net", None),
        (".example.net", None),
        ("notexample.net", None),
        ("", None),
        (":80", None),
        ("[::1]", Some(6)),
        ("[::1]:80", Some(6)),
        ("[0:0::0001]:80", Some(6)),
        ("[::1", None),
        ("[::1.2]", None),
        ("[]", None),
    ] {
        assert_eq!(router.route(host.as_bytes(), b"/"), service, "host {host:?}");
    }
    assert_eq!(router.route(&[b'a'; 4096], b"/"), None);
}

#[test]
fn a_path_matches_in_whole_segments_and_the_longest_prefix_wins() {
    let router = router();
    for (path, service) in [
        ("/", 0),
        ("/app", 1),
        ("/app/", 1),
        ("/app?x=/app/admin", 1),
        ("/apple", 0),
        ("/app/admin", 2),
        ("/app/admin/x", 2),
        ("/app/administrator", 1),
        ("/%61pp", 0),
        ("*", 0),
    ] {
        assert_eq!(router.route(b"www.example.net", path.as_bytes()), Some(service), "path {path:?}");
    }
}

#[test]
fn a_host_named_exactly_does_not_fall_back_to_a_suffix_for_its_path() {
    assert_eq!(router().route(b"only.example.net", b"/"), None);
    assert_eq!(router().explain(b"only.example.net", b"/"), Err(Unmatched::Path));
    assert_eq!(router().explain(b"example.org", b"/"), Err(Unmatched::Host));
}

#[test]
fn explain_and_route_say_the_same_as_a_literal_search_of_the_routes() {
    let hosts = ["a", "b.a", "c.b.a", "x.c.b.a", "b"];
    let paths = ["/", "/p", "/p/q", "/pq", "/q"];
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..2_000 {
        let mut routes: Vec<(HostPattern, String, usize)> = Vec::new();
        for service in 0..random.usize(1..8) {
            let name = hosts[random.usize(..hosts.len())];
            let host = if random.bool() { exact(name) } else { suffix(name) };
            let path = paths[random.usize(..paths.len())].to_string();
            if !routes.iter().any(|(h, p, _)| *h == host && *p == path) {
                routes.push((host, path, service));
            }
        }
        let router = Router::new(routes.clone());
        let host = hosts[random.usize(..hosts.len())];
        let path = ["/", "/p", "/p/", "/p/q/r", "/pqr", "/q"][random.usize(..6)];
        let expected = naive(&routes, host, path);
        assert_eq!(router.route(host.as_bytes(), path.as_bytes()), expected, "seed {seed}: {routes:?} {host}{path}");
        let explained = router.explain(host.as_bytes(), path.as_bytes()).ok().map(|matched| matched.front);
        assert_eq!(explained, expected, "seed {seed}");
    }
}

fn naive(routes: &[(HostPattern, String, usize)], host: &str, path: &str) -> Option<usize> {
    let rank = |pattern: &HostPattern| match pattern {
        HostPattern::Exact(name) => (name == host).then_some(usize::MAX),
        HostPattern::Suffix(name) => host.ends_with(&format!(".{name}")).then_some(name.len()),
        HostPattern::Any => Some(0),
    };
    let best = routes.iter().filter_map(|(pattern, _, _)| rank(pattern)).max()?;
    let segments = |text: &str| text.split('/').filter(|part| !part.is_empty()).map(String::from).collect::<Vec<_>>();
    routes
        .iter()
        .filter(|(pattern, prefix, _)| rank(pattern) == Some(best) && segments(path).starts_with(&segments(prefix)))
        .max_by_key(|(_, prefix, _)| segments(prefix).len())
        .map(|(_, _, service)| *service)
}

#[test]
fn a_default_service_has_what_no_other_has() {
    let router = Router::new([
        (HostPattern::Any, "/".into(), 0),
        (HostPattern::Any, "/app".into(), 1),
        (exact("www.example.net"), "/app".into(), 2),
        (suffix("example.net"), "/".into(), 3),
    ]);
    for (host, path, service) in [
        ("", "/", Some(0)),
        ("[::1", "/app/x", Some(1)),
        ("192.0.2.1:80", "/", Some(0)),
        ("other.example.org", "/app", Some(1)),
        ("a.example.net", "/app", Some(3)),
        ("www.example.net", "/app", Some(2)),
        ("www.example.net", "/", None),
    ] {
        assert_eq!(router.route(host.as_bytes(), path.as_bytes()), service, "{host}{path}");
    }
    assert_eq!(router.route(&[b'a'; 4096], b"/"), Some(0));
}
