//! What the reader of one service must know of the rest of the document.

use std::net::SocketAddr;

use super::client_certificates::Authorities;
use super::cookie::CookieNames;
use crate::config::acme::ChallengeKind;
use crate::config::distinct::Distinct;
use crate::config::host_pattern::HostPattern;
use crate::config::reader::Location;

/// The document around one service, filled in while service after service is read.
#[derive(Debug)]
pub(super) struct Context<'a> {
    /// The proxy's own listeners: a backend there would be a loop.
    pub(super) listeners: Vec<SocketAddr>,
    /// Whether `trusted_proxies` names anybody.
    pub(super) any_trusted: bool,
    /// The routes of the services read so far.
    pub(super) routes: Distinct<'a, (HostPattern, String)>,
    /// The cookies of the services read so far.
    pub(super) cookies: CookieNames<'a>,
    /// The authorities of visitors' certificates of the services read so far.
    pub(super) authorities: Authorities<'a>,
    /// How the CA of `acme` is convinced; none where the document has no `acme`.
    pub(super) acme: Option<ChallengeKind>,
    /// Where the first service stands that has TLS.
    pub(super) first_tls: Option<Location<'a>>,
}

impl Context<'_> {
    /// The context of the first service.
    pub(super) fn new(listeners: Vec<SocketAddr>, any_trusted: bool, acme: Option<ChallengeKind>) -> Self {
        Context {
            listeners,
            any_trusted,
            routes: Distinct::default(),
            cookies: CookieNames::default(),
            authorities: Authorities::default(),
            acme,
            first_tls: None,
        }
    }
}
