#![allow(clippy::unwrap_used)]
use super::*;

fn chosen(accept_encoding: &str) -> Option<&'static str> {
    let rules = Compression(CompressionConfig::default());
    rules.choose(std::iter::once(accept_encoding.as_bytes())).map(Algorithm::name)
}

#[test]
fn the_visitor_gets_what_he_likes_best_and_of_equals_our_first() {
    for (accepts, expected) in [
        ("gzip, deflate, br, zstd", Some("zstd")),
        ("gzip, br", Some("br")),
        ("gzip", Some("gzip")),
        ("x-gzip", Some("gzip")),
        ("GZIP;Q=0.5, br;q=0.4", Some("gzip")),
        ("gzip;q=1.0, zstd;q=0.999", Some("gzip")),
        ("gzip; q = 0.1, br;q=0", Some("gzip")),
        ("*", Some("zstd")),
        ("*;q=0.5, zstd;q=0", Some("br")),
        ("*;q=0, gzip;q=0.001", Some("gzip")),
        ("identity;q=0.5, gzip;q=0.5", Some("gzip")),
        ("identity, gzip;q=0.5", None),
        ("identity", None),
        ("deflate", None),
        ("", None),
        ("gzip;q=0", None),
        ("gzip;q=0.000", None),
        ("gzip;q=much", None),
        ("gzip;q=0.5555", None),
        ("gzipped", None),
    ] {
        assert_eq!(chosen(accepts), expected, "{accepts}");
    }
    let rules = Compression(CompressionConfig::default());
    assert_eq!(rules.choose(std::iter::empty()), None, "who says nothing gets what the backend sends");
    let lines = [&b"br;q=0.1"[..], b"gzip"];
    assert_eq!(rules.choose(lines.into_iter()), Some(Algorithm::Gzip), "several lines are one list");
}

#[test]
fn types_and_lengths_say_what_is_worth_it_and_streams_of_events_and_calls_never_are() {
    let rules = Compression(CompressionConfig::default());
    for (content_type, length, expected) in [
        ("text/html", Some(1024), true),
        ("text/html", Some(1023), false),
        ("text/html", None, true),
        ("Text/HTML ; charset=utf-8", None, true),
        ("application/json", None, true),
        ("application/jsonp", None, false),
        ("image/png", None, false),
        ("", None, false),
        ("text/event-stream", None, false),
        ("text/event-stream;charset=utf-8", None, false),
    ] {
        assert_eq!(rules.suits(content_type.as_bytes(), length), expected, "{content_type} {length:?}");
    }
    let types = vec![crate::config::proxy::MediaRange::Kind("application/".into())];
    let all = Compression(CompressionConfig { types, ..CompressionConfig::default() });
    assert!(all.suits(b"application/pdf", None));
    assert!(!all.suits(b"application/grpc", None) && !all.suits(b"application/grpc-web+proto", None));
}
