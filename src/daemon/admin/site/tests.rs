#![allow(clippy::unwrap_used)]
use super::*;

fn site() -> Site {
    let names = ["px-nl".to_owned(), "metrics.example.net".to_owned(), "203.0.113.7".to_owned()];
    Site { address: "192.0.2.11".parse().unwrap(), names: names.into() }
}

fn vetted(target: &str, fields: &[(&str, &str)]) -> Result<(), u16> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(hyper::header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    site().vet(&target.parse().unwrap(), &headers).map_err(|refusal| refusal.status)
}

#[test]
fn a_name_of_another_site_is_not_answered_whatever_address_it_was_turned_to() {
    for host in ["evil.example", "evil.example:8404", "px-nl.evil.example", "192.0.2.12", "", "a b", "x@px-nl", "[::1"]
    {
        assert_eq!(vetted("/status", &[("host", host)]), Err(421), "{host:?}");
    }
    assert_eq!(vetted("http://evil.example/status", &[("host", "px-nl")]), Err(421));
    assert_eq!(vetted("/status", &[]), Err(400));
    assert_eq!(vetted("/status", &[("host", "px-nl"), ("host", "evil.example")]), Err(400));
}

#[test]
fn our_own_address_and_names_are_answered_on_any_port() {
    for host in [
        "192.0.2.11",
        "192.0.2.11:8404",
        "[::ffff:192.0.2.11]:8404",
        "localhost:9000",
        "PX-NL",
        "px-nl.:8404",
        "metrics.example.net",
        "203.0.113.7:80",
    ] {
        assert_eq!(vetted("/metrics", &[("host", host)]), Ok(()), "{host:?}");
    }
    assert_eq!(vetted("http://px-nl:8404/metrics", &[("host", "px-nl:8404")]), Ok(()));
}

#[test]
fn a_page_of_another_site_gets_nothing_and_our_own_page_does() {
    for origin in ["http://evil.example", "null", "https://px-nl.evil.example:8404"] {
        assert_eq!(vetted("/status", &[("host", "px-nl"), ("origin", origin)]), Err(403), "{origin}");
    }
    assert_eq!(vetted("/status", &[("host", "px-nl"), ("origin", "http://px-nl:8404")]), Ok(()));
}
