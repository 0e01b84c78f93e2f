//! What one request is served with.

use std::borrow::Cow;
use std::rc::Rc;

use super::alarm::Alarm;
use super::http1::forwarded::Client;
use super::inflight::Entry;
use super::local::Local;
use super::message::fields::{FieldKind, elements};
use super::message::{Request, Scheme, TransportSecurity};
use super::trace::Trace;
use super::upstream::OwnConnection;
use super::workspace::BackendBuffers;
use crate::proxy::edge::headers::Values;
use crate::proxy::snapshot::{Front, Settings};

/// A request and its surroundings, the client's stream left aside.
pub struct Exchange<'x> {
    /// The worker.
    pub local: &'x Local,
    /// What the worker knows of the client's connection.
    pub entry: &'x Rc<Entry>,
    /// Who asks.
    pub client: &'x Client,
    /// What is asked.
    pub request: Request<'x>,
    /// It is the first one on its client's connection.
    pub is_first: bool,
    /// The connection to a backend that is this client's alone, if there is one.
    pub own: &'x mut Option<OwnConnection>,
    /// Memory for the backend's side.
    pub buffers: &'x mut BackendBuffers,
    /// Memory for the header fields that the response gets.
    pub values: &'x mut Values,
    /// Time limits of the request's way.
    pub client_alarm: &'x mut Alarm,
    /// Time limits of the response's way.
    pub backend_alarm: &'x mut Alarm,
    /// Lines that a backend gets besides, of the server of `forward_auth`.
    pub granted: Cow<'x, [u8]>,
    /// For the access log.
    pub trace: &'x mut Trace,
}

impl Exchange<'_> {
    /// Whether the visitor came over TLS: to us, or to a trusted proxy that says so.
    pub fn came_securely(&self, settings: &Settings) -> bool {
        // Of several proxies in a row the first one saw the visitor.
        let is_https = |list: &[u8]| elements(list).next().is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https"));
        self.client.scheme(self.request.head) == Scheme::Https
            || self.client.is_trusted(&settings.trusted_proxies)
                && self.request.values(FieldKind::ForwardedProto).next().is_some_and(is_https)
    }

    /// What the response says of https.
    pub fn transport_security<'f>(&self, front: &'f Front, settings: &Settings) -> TransportSecurity<'f> {
        match &front.https.hsts {
            None => TransportSecurity::Backends,
            Some(hsts) if self.came_securely(settings) => TransportSecurity::Own(hsts),
            // RFC 6797, 7.2.
            Some(_) => TransportSecurity::None,
        }
    }
}
