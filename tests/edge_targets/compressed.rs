//! Files and answers that are compressed on their way.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use crate::client::{Client, Response};
use crate::daemon::Daemon;
use crate::h2::{Authority, whole};

/// Longer than what is read of a file at once.
fn content() -> String {
    (0..5000).map(|number| format!("<li>This is line {number} of the page.</li>\n")).collect()
}

fn prepare(folder: &Path) {
    for (name, content) in [
        ("www/long.html", content().as_str()),
        ("www/short.html", "short"),
        ("www/long.png", &content()),
        ("www/ready.css", &content()),
        ("www/ready.css.gz", "ready"),
    ] {
        fs::create_dir_all(folder.join("www")).unwrap();
        fs::write(folder.join(name), content).unwrap();
    }
}

fn services(more: &Value) -> Value {
    let with = |target: Value| {
        let mut service = json!({ "hosts": ["www.test"], "compression": {} });
        service.as_object_mut().unwrap().extend(target.as_object().unwrap().clone());
        service.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        service
    };
    let answer = |path: &str, answer: Value| with(json!({ "paths": [path], "answer": answer }));
    let header = |name: &str, value: &str| json!({ "body": content(), "headers": { name: value } });
    json!({
        "text": answer("/text", header("ETag", "\"one\"")),
        "left": answer("/left", header("Cache-Control", "max-age=60, no-transform")),
        "cookie": answer("/cookie", header("Set-Cookie", "id=secret")),
        "closed": answer("/closed", json!({ "body": content(), "status": 503 })),
        "site": with(json!({ "files": { "folder": "www", "precompressed": true } })),
    })
}

fn daemon() -> Daemon {
    Daemon::start_with(prepare, services(&json!({})), false)
}

fn decoded(response: &Response) -> String {
    let body = &response.body[..];
    let mut decoder: Box<dyn Read> = match response.field("content-encoding") {
        None => Box::new(body),
        Some("gzip") => Box::new(flate2::read::GzDecoder::new(body)),
        Some("br") => Box::new(brotli::Decompressor::new(body, 4096)),
        Some("zstd") => Box::new(zstd::stream::read::Decoder::new(body).unwrap()),
        Some(other) => panic!("{other}"),
    };
    let mut content = String::new();
    decoder.read_to_string(&mut content).unwrap();
    content
}

#[test]
fn files_and_answers_are_compressed_as_what_backends_answer_is() {
    let daemon = daemon();
    let mut client = Client::connect(daemon.address);
    for path in ["/long.html", "/text"] {
        for encoding in ["gzip", "br", "zstd"] {
            let response = client.ask("GET", &format!("www.test{path}"), &[("Accept-Encoding", encoding)]);
            assert_eq!(response.field("content-encoding"), Some(encoding), "{}", response.head);
            assert_eq!(response.field("vary"), Some("Accept-Encoding"));
            assert!(response.field("etag").unwrap().starts_with("W/\""), "{}", response.head);
            assert_eq!((response.field("accept-ranges"), response.field("content-length")), (None, None));
            assert!(decoded(&response) == content() && response.body.len() * 4 < content().len(), "{path} {encoding}");
        }
        let head = client.ask("HEAD", &format!("www.test{path}"), &[("Accept-Encoding", "br")]);
        assert_eq!((head.field("content-encoding"), head.field("content-length")), (Some("br"), None));
        let plain = client.ask("GET", &format!("www.test{path}"), &[]);
        assert!(plain.text() == content() && plain.field("content-encoding").is_none());
        assert_eq!(plain.field("vary"), Some("Accept-Encoding"), "a cache has to know");
        assert!(plain.field("etag").unwrap().starts_with('"'));
    }
    let log = daemon.log(10);
    assert_eq!(log[0]["encoding"], "gzip", "{}", log[0]);
    assert!(log[0]["bytes"].as_u64().unwrap() < content().len() as u64 / 4, "{}", log[0]);
    assert_eq!(daemon.metric("polder_compressions_total"), 6);
    assert_eq!(daemon.metric("polder_compression_in_bytes_total"), 6 * content().len() as u64);
    let told = daemon.explain("www.test", "/long.html");
    assert!(told.contains("of 1024 bytes or more, is sent as zstd, br, gzip"), "{told}");
}

#[test]
fn what_is_short_or_compressed_or_an_error_or_not_to_be_changed_goes_as_it_is() {
    let daemon = daemon();
    let mut client = Client::connect(daemon.address);
    let accepts = ("Accept-Encoding", "gzip");
    for path in ["/short.html", "/long.png", "/left", "/cookie", "/closed", "/nothing"] {
        let response = client.ask("GET", &format!("www.test{path}"), &[accepts]);
        assert_eq!(response.field("content-encoding"), None, "{path}");
        assert!(response.field("content-length").is_some(), "{path}");
    }
    let unchanged = client.ask("GET", "www.test/long.html", &[accepts, ("Cache-Control", "no-transform")]);
    assert_eq!((unchanged.field("content-encoding"), unchanged.field("vary")), (None, Some("Accept-Encoding")));
    let ready = client.ask("GET", "www.test/ready.css", &[accepts]);
    assert_eq!((ready.text(), ready.field("content-encoding")), ("ready", Some("gzip")), "as it lies there");
    let other = client.ask("GET", "www.test/ready.css", &[("Accept-Encoding", "br")]);
    assert_eq!((decoded(&other), other.field("content-encoding")), (content(), Some("br")), "it does not lie there");
    assert_eq!(other.field("vary"), Some("Accept-Encoding"));
}

#[test]
fn who_has_it_compressed_gets_304_with_his_tag_and_parts_are_of_the_plain_file() {
    let daemon = daemon();
    let mut client = Client::connect(daemon.address);
    let accepts = ("Accept-Encoding", "gzip, br");
    let mut ask = |fields: &[(&str, &str)]| client.ask("GET", "www.test/long.html", fields);
    let weak = ask(&[accepts]).field("etag").unwrap().to_owned();
    let strong = weak.strip_prefix("W/").unwrap().to_owned();
    for known in [&weak, &strong] {
        let again = ask(&[accepts, ("If-None-Match", known)]);
        assert_eq!((again.status(), again.field("etag")), (304, Some(known.as_str())));
        assert_eq!((again.field("vary"), again.field("content-encoding")), (Some("Accept-Encoding"), None));
    }
    let range = ("Range", "bytes=0-9");
    let part = ask(&[accepts, range]);
    assert_eq!((part.status(), part.text(), part.field("content-encoding")), (206, &content()[..10], None));
    assert_eq!((part.field("etag"), part.field("vary")), (Some(strong.as_str()), Some("Accept-Encoding")));
    let broken = ask(&[accepts, range, ("If-Range", &weak)]);
    assert_eq!((broken.status(), broken.field("content-encoding")), (200, Some("br")), "all of it, once more");
    assert!(decoded(&broken) == content());
}

#[test]
fn over_http2_they_are_compressed_too() {
    let authority = Authority::new();
    let daemon = Daemon::start_with(prepare, services(&json!({ "tls": authority.issue() })), true);
    for path in ["/long.html", "/text"] {
        let (head, body) = whole(daemon.https, &authority, path, &[("accept-encoding", "zstd")]).unwrap();
        assert_eq!(head.headers()["content-encoding"], "zstd");
        assert!(head.headers().get("content-length").is_none());
        let response = Response { head: "\r\ncontent-encoding: zstd".into(), body };
        assert!(decoded(&response) == content(), "{path}");
    }
}

#[test]
fn a_file_that_gets_shorter_while_it_is_compressed_ends_no_encoding() {
    let daemon = Daemon::start_with(
        |folder| {
            fs::create_dir(folder.join("www")).unwrap();
            // Nothing comes again within the window of gzip, and all of it does not fit into the sockets between.
            let mut noise = vec![0; 256 * 1024];
            fastrand::fill(&mut noise);
            fs::write(folder.join("www/noise.txt"), noise.repeat(64)).unwrap();
        },
        json!({ "site": { "hosts": ["www.test"], "files": { "folder": "www" }, "compression": {} } }),
        false,
    );
    let mut client = Client::connect(daemon.address);
    client.send(b"GET /noise.txt HTTP/1.1\r\nHost: www.test\r\nAccept-Encoding: gzip\r\n\r\n");
    client.first_bytes();
    fs::File::options().write(true).open(daemon.folder.path().join("www/noise.txt")).unwrap().set_len(1).unwrap();
    assert!(!client.rest().ends_with(b"0\r\n\r\n"), "it must not look whole");
    assert_eq!(daemon.log(1)[0]["end"], "LD", "{}", daemon.log(1)[0]);
}
