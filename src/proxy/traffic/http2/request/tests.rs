use super::*;
use crate::proxy::traffic::message::Request as Understood;

fn ask(request: http::request::Builder, is_over: bool) -> Result<(RequestHead, String, Vec<Field>), RequestError> {
    let request = request.body(()).expect("a request");
    let surroundings =
        Surroundings { scheme: Scheme::Https, is_over, most: 10, websocket_key: || *b"AAAAAAAAAAAAAAAAAAAAAA==" };
    let (mut bytes, mut fields) = (Vec::new(), Vec::new());
    let head = read(&request, surroundings, &mut bytes, &mut fields)?;
    Ok((head, String::from_utf8(bytes).expect("text"), fields))
}

fn get(path: &str) -> http::request::Builder {
    Request::get(format!("https://www.test{path}"))
}

#[test]
fn a_head_is_written_as_http_1_1_would_write_it() {
    let (head, text, fields) = ask(get("/a?b").header("accept", "x").header("accept", "y"), true).expect("understood");
    assert_eq!(text, "GET /a?b HTTP/2.0\r\nhost: www.test\r\naccept: x\r\naccept: y\r\n\r\n");
    let request = Understood { head: &head, bytes: text.as_bytes(), fields: &fields };
    assert_eq!(
        (request.line(), request.path(), request.authority()),
        (&b"GET /a?b HTTP/2.0"[..], &b"/a"[..], &b"www.test"[..])
    );
    assert_eq!((head.body, head.version, head.upgrade), (Length::None, Version::Http2, false));
}

#[test]
fn crumbs_become_one_cookie() {
    let request = get("/").header("cookie", "a=1").header("x", "y").header("cookie", "b=2; c=3");
    let (head, text, fields) = ask(request, true).expect("understood");
    let request = Understood { head: &head, bytes: text.as_bytes(), fields: &fields };
    assert_eq!(request.values(FieldKind::Cookie).collect::<Vec<_>>(), [b"a=1; b=2; c=3"]);
}

#[test]
fn the_length_of_a_body_is_what_is_said_or_told_by_the_stream() {
    let of = |request: http::request::Builder, is_over| ask(request, is_over).expect("understood").0.body;
    let post = || Request::post("https://www.test/");
    assert_eq!(of(get("/"), true), Length::None);
    assert_eq!(of(post(), true), Length::Exactly(0));
    assert_eq!(of(post(), false), Length::Chunked);
    assert_eq!(of(post().header("content-length", "7"), false), Length::Exactly(7));
}

#[test]
fn authority_and_host_say_the_same_or_one_of_them_is_not_there() {
    assert!(ask(get("/").header("host", "WWW.test:443"), true).is_ok());
    let host = ask(Request::get("/").header("host", "www.test"), true).expect("understood");
    assert!(host.1.contains("\r\nhost: www.test\r\n"));
    for request in [
        get("/").header("host", "other.test"),
        get("/").header("host", "www.test").header("host", "www.test"),
        Request::get("/"),
        Request::get("https://user@www.test/"),
        Request::get("http://www.test/"),
    ] {
        assert_eq!(ask(request, true).map(|_| ()).map_err(|error| error.status), Err(400));
    }
}

#[test]
fn what_could_be_understood_in_two_ways_is_refused() {
    let status = |request, is_over| ask(request, is_over).map(|_| ()).map_err(|error| error.status);
    assert_eq!(status(get("/").header("x", " y"), true), Err(400));
    assert_eq!(status(get("/").header("x", "y\t"), true), Err(400));
    assert_eq!(status(get("/").header("content-length", "1").header("content-length", "1"), false), Err(400));
    assert_eq!(status(get("/\u{e4}"), true), Err(400));
    assert_eq!(status(Request::get("*").header("host", "www.test"), true), Err(400));
    assert_eq!(status(Request::options("*").header("host", "www.test"), true), Ok(()));
    assert_eq!(status(Request::trace("https://www.test/"), false), Err(400));
    assert_eq!(status((0..11).fold(get("/"), |request, _| request.header("x", "y")), true), Err(431));
}

#[test]
fn an_extended_connect_becomes_an_upgrade_to_websockets_and_to_nothing_else() {
    let connect =
        |protocol: &'static str| Request::connect("https://www.test/chat").extension(Protocol::from_static(protocol));
    let (head, text, _) = ask(connect("websocket"), false).expect("understood");
    assert!(head.is_extended_connect() && head.has_no_body());
    let expected = "GET /chat HTTP/2.0\r\nhost: www.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                    sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    assert_eq!(text, expected);
    // A key of the client's own has no meaning on a stream.
    assert_eq!(ask(connect("websocket").header("sec-websocket-key", "x"), false).expect("understood").1, expected);
    assert_eq!(ask(connect("h2c"), false).map(|_| ()).map_err(|error| error.status), Err(501));
    assert_eq!(ask(Request::connect("www.test:443"), false).map(|_| ()).map_err(|error| error.status), Err(501));
}

#[test]
fn an_extended_connect_with_content_is_no_plain_get() {
    let connect = Request::connect("https://www.test/chat").extension(Protocol::from_static("websocket"));
    let error = ask(connect.header("content-length", "5"), false).map(|_| ()).expect_err("refused");
    assert_eq!(error, bad("a stream that is to become a WebSocket has a Content-Length"));
}
