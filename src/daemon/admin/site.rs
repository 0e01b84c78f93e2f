//! Whether a request over TCP is meant for this daemon, by its Host and Origin (pure).
//!
//! A page of another site could make the browser of somebody inside our network send requests to this daemon, under a name of
//! that site that resolves to our address (DNS rebinding), and read the answers as its own. Host gives that away: only
//! requests to one of our own names are answered.

use std::net::IpAddr;
use std::rc::Rc;

use hyper::HeaderMap;
use hyper::header::{HOST, ORIGIN};
use hyper::http::uri::{Authority, Uri};

use super::message::AdminReply;

/// The address and the names that this daemon answers to over TCP.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// The local address of the connection.
    pub(super) address: IpAddr,
    /// This host's and the daemon's names, and `admin.hosts`.
    pub(super) names: Rc<[String]>,
}

impl Site {
    /// Refuses a request for another site, or from a page of one.
    pub(super) fn vet(&self, target: &Uri, headers: &HeaderMap) -> Result<(), AdminReply> {
        // Browsers, Prometheus and curl all send one. An authority in the target takes precedence (RFC 9112, 3.2.2).
        let mut hosts = headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or_default());
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(AdminReply::refuse(400, "a request has one Host (RFC 9112, 3.2)"));
        };
        let authority = target.authority().map(Authority::as_str);
        if let Some(other) = [Some(host), authority].into_iter().flatten().find(|host| !self.is_ours(host)) {
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
            Some(_) => Err(AdminReply::refuse(403, "requests from pages of other sites are refused")),
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
