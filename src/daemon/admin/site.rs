//! Whether a request over TCP means us: its Host and Origin (pure).
//!
//! A page of another site makes the browser of somebody inside our network ask us, under a name of its own that it has turned
//! to our address (DNS rebinding), and then reads the answer as its own. The name in Host tells: only ours is answered.

use std::net::IpAddr;
use std::rc::Rc;

use hyper::HeaderMap;
use hyper::header::{HOST, ORIGIN};
use hyper::http::uri::{Authority, Uri};

use super::message::AdminReply;

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
mod tests;
