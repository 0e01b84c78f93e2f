use super::*;
use crate::proxy::traffic::message::Length;

fn of(lines: &str) -> Option<Request<()>> {
    request(lines.as_bytes(), Scheme::HTTP, "192.0.2.1:80")
}

#[test]
fn a_request_loses_what_belongs_to_the_connection_and_keeps_the_rest() {
    let request = of("POST /a?b=%20 HTTP/1.1\r\nHost: www.test\r\nX-One: 1\r\nCookie: a=1; b=2\r\nVia: 1.1 px\r\n\
                      Transfer-Encoding: chunked\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
    let request = request.expect("a request");
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri(), "http://www.test/a?b=%20");
    let fields: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    assert_eq!(fields, [("x-one", &b"1"[..]), ("cookie", b"a=1; b=2"), ("via", b"1.1 px"), ("te", b"trailers")]);
}

#[test]
fn a_request_without_a_host_is_for_where_it_is_sent() {
    assert_eq!(of("GET / HTTP/1.1\r\nHost: \r\n\r\n").expect("a request").uri(), "http://192.0.2.1:80/");
    assert_eq!(of("OPTIONS * HTTP/1.1\r\nHost: www.test\r\n\r\n").expect("a request").uri().path(), "*");
}

#[test]
fn what_http_2_has_no_form_for_is_none() {
    assert!(of("GET /\x01 HTTP/1.1\r\nHost: www.test\r\n\r\n").is_none());
    assert!(of("GET / HTTP/1.1\r\nHost: a b\r\n\r\n").is_none());
}

#[test]
fn a_response_means_what_it_would_over_http_1() {
    let (mut lines, mut fields) = (Vec::new(), Vec::new());
    let mut read = |status: u16, length: Option<&str>, to_head: bool| {
        let response =
            length.map_or(Response::builder(), |length| Response::builder().header("content-length", length));
        let response = response.status(status).header("x-a", "b").body(()).expect("a response");
        self::response(&response, to_head, 100, &mut lines, &mut fields).map(|head| (head.status, head.body))
    };
    assert_eq!(read(200, Some("5"), false), Ok((200, Length::Exactly(5))));
    assert_eq!(read(200, Some("5"), true), Ok((200, Length::None)));
    assert_eq!(read(200, None, false), Ok((200, Length::UntilClose)), "until the stream ends");
    assert_eq!(read(304, None, false), Ok((304, Length::None)));
    assert_eq!(read(103, None, false), Ok((103, Length::None)));
    assert_eq!(read(101, None, false), Err(Malformed));
    assert_eq!(read(200, Some("none"), false), Err(Malformed));
    let long = Response::builder().header("x-long", "x".repeat(100)).body(()).expect("a response");
    assert_eq!(response(&long, false, 100, &mut lines, &mut fields).map(|head| head.status), Err(Malformed));
}
