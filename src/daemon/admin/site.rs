//! Whether a request over TCP means us: its Host and Origin (pure).
//!
//! A page of another site makes the browser of somebody inside our network ask us, under a name of its own that it has turned
//! to our address (DNS rebinding), and then reads the answer as its own. The name in Host tells: only ours is answered.

use std::net::IpAddr;
use std::rc::Rc;

use hyper::HeaderMap;
use hyper::header::{HOST, ORIGIN};
use hyper::http::uri::{Authority, Uri};

use super::AdminReply;

/// What a TCP connection reaches us under.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// The address that it was made to.
    pub(super) address: IpAddr,
    /// This host's and the daemon's names, and `admin.hosts`.
    pub(super) names: Rc<[String]>,
}

impl Site {
    /// Refuses what was meant for another site, or comes from a page of one.
    pub(super) fn vet(&self, target: &Uri, headers: &HeaderMap) -> Result<(), AdminReply> {
        // Browsers, Prometheus and curl all send one. The target's, if it has one, is what counts (RFC 9112, 3.2.2).
        let mut hosts = headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or_default());
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(AdminReply::refuse(400, "a request has one Host (RFC 9112, 3.2)"));
        };
        let meant = target.authority().map(Authority::as_str);
        if let Some(other) = [Some(host), meant].into_iter().flatten().find(|host| !self.is_ours(host)) {
            return Err(AdminReply::refuse(
                421,
                format!(
                    "this daemon is not {other:?}: ask {}, localhost, {}, or name it in admin.hosts of the daemon's document",
                    self.address,
                    self.names.join(", ")
                ),
            ));
        }
        let origins = headers.get_all(ORIGIN).iter().map(|origin| origin.to_str().unwrap_or_default());
        let page = |origin: &str| origin.split_once("://").map(|(_, host)| host.to_owned()).unwrap_or_default();
        match origins.map(page).find(|host| !self.is_ours(host)) {
            Some(_) => Err(AdminReply::refuse(403, "the page of another site asks; it gets nothing")),
            None => Ok(()),
        }
    }

    /// `host` with or without a port.
    fn is_ours(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        // Userinfo has no place here (RFC 9110, 4.2.4).
        if host.contains('@') {
            return false;
        }
        let name = authority.host();
        let name = name.strip_suffix('.').unwrap_or(name);
        match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(address) => address.to_canonical() == self.address.to_canonical() || self.is_named(&address.to_string()),
            Err(_) => name.eq_ignore_ascii_case("localhost") || self.is_named(name),
        }
    }

    fn is_named(&self, host: &str) -> bool {
        self.names.iter().any(|name| name.eq_ignore_ascii_case(host))
    }
}

#[cfg(test)]
mod tests {
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
        for host in
            ["evil.example", "evil.example:8404", "px-nl.evil.example", "192.0.2.12", "", "a b", "x@px-nl", "[::1"]
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
}
