use super::*;

const PORTS: Ports = Ports { http: 80, https: 8443 };

fn keep() -> RedirectConfig {
    RedirectConfig { status: 302, scheme: None, host: None, path: RedirectPath::Keep, keep_query: true }
}

fn sent(config: &RedirectConfig, prefixes: &[&str], url: &str) -> Result<String, Nowhere> {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, rest) = rest.split_at(rest.find('/').unwrap());
    let (path, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let prefixes: Vec<String> = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
    let [authority, path, query] = [authority, path, query].map(str::as_bytes);
    let asked = Asked { securely: scheme == "https", authority, path, query };
    let location = Redirect::new(config, &prefixes, PORTS).location(&asked);
    location.map(|location| String::from_utf8(location).unwrap())
}

#[test]
fn another_host_keeps_scheme_path_and_query() {
    let config = RedirectConfig { host: Some("www.example.net".into()), ..keep() };
    let at = |url| sent(&config, &["/"], url);
    assert_eq!(at("http://example.net/a/%2e?b=c"), Ok("http://www.example.net/a/%2e?b=c".into()));
    assert_eq!(at("https://example.net:8443/"), Ok("https://www.example.net/".into()));
    assert_eq!(at("http:///"), Ok("http://www.example.net/".into()), "who names no host is sent all the same");
    // Whole URLs: what a path begins with is never taken for a host.
    assert_eq!(at("http://example.net//evil.example"), Ok("http://www.example.net//evil.example".into()));
}

#[test]
fn another_scheme_keeps_the_host_and_takes_our_port_for_it() {
    let https = RedirectConfig { scheme: Some(RedirectScheme::Https), ..keep() };
    assert_eq!(sent(&https, &["/"], "http://example.net:81/a"), Ok("https://example.net:8443/a".into()));
    assert_eq!(sent(&https, &["/"], "http://[2001:db8::1]:81/a"), Ok("https://[2001:db8::1]:8443/a".into()));
    let http = RedirectConfig { scheme: Some(RedirectScheme::Http), ..keep() };
    assert_eq!(sent(&http, &["/"], "https://example.net:8443/a"), Ok("http://example.net/a".into()));
}

#[test]
fn a_fixed_path_may_keep_the_query_or_have_its_own() {
    let to = |path: &str, keep_query| RedirectConfig { path: RedirectPath::Fixed(path.into()), keep_query, ..keep() };
    assert_eq!(sent(&to("/new", true), &["/"], "http://e/old/x?q=1"), Ok("http://e/new?q=1".into()));
    assert_eq!(sent(&to("/new", false), &["/"], "http://e/old/x?q=1"), Ok("http://e/new".into()));
    assert_eq!(sent(&to("/new?from=old", false), &["/"], "http://e/old?q=1"), Ok("http://e/new?from=old".into()));
}

#[test]
fn the_longest_path_of_the_service_is_replaced_in_whole_segments() {
    let to = |prefix: &str| RedirectConfig { path: RedirectPath::ReplacePrefix(prefix.into()), ..keep() };
    let old = ["/old", "/old/deep", "/"];
    assert_eq!(sent(&to("/new"), &old, "http://e/old/a?q"), Ok("http://e/new/a?q".into()));
    assert_eq!(sent(&to("/new"), &old, "http://e/old/deep/a"), Ok("http://e/new/a".into()));
    assert_eq!(sent(&to("/new"), &old, "http://e/older"), Ok("http://e/new/older".into()));
    assert_eq!(sent(&to("/new"), &old, "http://e/old"), Ok("http://e/new".into()));
    assert_eq!(sent(&to("/"), &old, "http://e/old/a"), Ok("http://e/a".into()));
    assert_eq!(sent(&to("/"), &old, "http://e/old"), Ok("http://e/".into()));
}

#[test]
fn nobody_is_sent_to_where_he_is_or_to_no_host() {
    let here = RedirectConfig { host: Some("example.net".into()), ..keep() };
    assert_eq!(sent(&here, &["/"], "http://example.net/a?b"), Err(Nowhere::Here));
    assert_eq!(sent(&here, &["/"], "http://www.example.net/a?b"), Ok("http://example.net/a?b".into()));
    let path = RedirectConfig { path: RedirectPath::Fixed("/new".into()), ..keep() };
    assert_eq!(sent(&path, &["/"], "http://example.net/new"), Err(Nowhere::Here));
    assert_eq!(sent(&path, &["/"], "http:///old"), Err(Nowhere::NoHost));
}
