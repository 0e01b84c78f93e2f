use http::Request;

use super::*;

fn asked(method: &str, uri: &str, kind: Option<&str>) -> Result<Asked, u16> {
    let mut request = Request::builder().method(method).uri(uri);
    if let Some(kind) = kind {
        request = request.header(CONTENT_TYPE, kind);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    read("/dns-query", &head).map_err(|status| status.as_u16())
}

#[test]
fn a_get_has_its_query_in_base64_and_a_post_in_its_body() {
    // The example of RFC 8484, 4.1.1, with and without the padding that it must not have.
    let uri = "https://ns.test/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB";
    let Ok(Asked::Query(query)) = asked("GET", uri, None) else { panic!("it is a query") };
    assert_eq!((query.len(), &query[13..16]), (33, &b"www"[..]));
    assert_eq!(asked("GET", "/dns-query?x=1&dns=AAE%3D", None), Ok(Asked::Query(vec![0, 1])));
    assert_eq!(asked("POST", "/dns-query", Some("application/dns-message")), Ok(Asked::Body));
    assert_eq!(asked("POST", "/dns-query", Some("Application/DNS-Message; x=y")), Ok(Asked::Body));
}

#[test]
fn anything_else_is_answered_with_the_status_that_says_what_is_wrong() {
    let long = format!("/dns-query?dns={}", "A".repeat(6000));
    for (method, uri, kind, status) in [
        ("GET", "/", None, 404),
        ("GET", "/dns-query/?dns=AAA", None, 404),
        ("GET", "/dns-query", None, 400),
        ("GET", "/dns-query?dns=!", None, 400),
        ("GET", "/dns-query?dns=A", None, 400),
        ("GET", &long, None, 414),
        ("POST", "/dns-query", None, 415),
        ("POST", "/dns-query", Some("application/json"), 415),
        ("PUT", "/dns-query", Some("application/dns-message"), 405),
        ("HEAD", "/dns-query?dns=AAA", None, 405),
    ] {
        assert_eq!(asked(method, uri, kind), Err(status), "{method} {uri}");
    }
}
