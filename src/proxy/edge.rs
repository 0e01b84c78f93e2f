//! What a service asks of a request before its target is, and does to a response after it (pure).
//!
//! Owns the rules, one file a feature. Must never: touch a socket, or allocate for a request that they let pass. Built once for
//! each document; `traffic::admit` asks them.

pub mod access;
pub mod basic_auth;
mod client_certificates;
pub mod compression;
pub mod drops;
pub mod facts;
pub mod forward_auth;
pub mod headers;
pub mod own_fields;
pub mod rate_limit;
pub mod refusals;
pub mod watched;

use std::borrow::Cow;
use std::sync::Arc;

use crate::config::proxy::{ClientCertificatesConfig, FieldName, HeaderEdits, ServiceConfig};
use crate::daemon::key_file::KeyError;
use access::Access;
use basic_auth::BasicAuth;
use compression::Compression;
use forward_auth::ForwardAuth;
use headers::Edits;
use rate_limit::RateLimit;
use refusals::{Cause, Refusals};
use watched::Watched;

/// The rules of one service. There is one only where the service has any: all others pay nothing.
#[derive(Debug, Default)]
pub struct Edge {
    /// Whose visitors it serves.
    pub access: Option<Access>,
    /// Which responses are compressed.
    pub compression: Option<Compression>,
    /// How many requests it takes.
    pub rate_limit: Option<RateLimit>,
    /// What its visitors have to show in the handshake.
    pub client_certificates: Option<ClientCertificatesConfig>,
    /// The name and password that visitors show.
    pub basic_auth: Option<BasicAuth>,
    /// Who is asked whether a request may go on.
    pub forward_auth: Option<ForwardAuth>,
    /// What becomes of the header fields of requests.
    pub request_headers: Option<Edits>,
    /// What becomes of those of responses.
    pub response_headers: Option<Edits>,
    /// Bytes that the body of a request may have.
    pub max_request_body: Option<u64>,
    /// How many it has refused.
    pub refusals: Refusals,
}

/// The edits with one more, for the request's id. What the service says of that field itself counts.
fn with_id<'e>(edits: &'e HeaderEdits, request_id: Option<&FieldName>) -> Cow<'e, HeaderEdits> {
    match request_id {
        Some(name) if !edits.name(name.as_str()) => Cow::Owned(edits.setting_id(name)),
        _ => Cow::Borrowed(edits),
    }
}

impl Edge {
    /// Those that a service's configuration has.
    pub fn of(service: &ServiceConfig) -> Option<Arc<Edge>> {
        Edge::naming_requests(service, None)
    }

    /// The same, and the field in which messages of all services have the ids of requests.
    pub fn naming_requests(service: &ServiceConfig, request_id: Option<&FieldName>) -> Option<Arc<Edge>> {
        let client_certificates = service.tls.as_ref().and_then(|tls| tls.client_certificates.clone());
        let is_copied = |name: &&FieldName| {
            let mut copied = service.forward_auth.iter().flat_map(|auth| &auth.copy);
            copied.any(|copied| copied.as_str().eq_ignore_ascii_case(name.as_str()))
        };
        let of_requests = request_id.filter(|name| !is_copied(name));
        let edge = Edge {
            access: Access::new(&service.access),
            compression: service.compression.clone().map(Compression),
            rate_limit: service.rate_limit.clone().map(RateLimit::new),
            basic_auth: service.basic_auth.as_ref().map(|config| BasicAuth::new(&service.name, config)),
            forward_auth: service.forward_auth.as_ref().map(ForwardAuth::new),
            request_headers: match client_certificates {
                Some(_) => Edits::of(&with_id(&client_certificates::told(&service.headers.request), of_requests)),
                None => Edits::of(&with_id(&service.headers.request, of_requests)),
            },
            response_headers: Edits::of(&with_id(&service.headers.response, request_id)),
            max_request_body: service.max_request_body,
            client_certificates,
            refusals: Refusals::default(),
        };
        // Each of them, so that none is forgotten.
        let Edge {
            access,
            compression,
            rate_limit,
            client_certificates,
            basic_auth,
            forward_auth,
            request_headers,
            response_headers,
            max_request_body,
            refusals: _,
        } = &edge;
        let has_any = access.is_some()
            || compression.is_some()
            || rate_limit.is_some()
            || client_certificates.is_some()
            || basic_auth.is_some()
            || forward_auth.is_some()
            || request_headers.is_some()
            || response_headers.is_some()
            || max_request_body.is_some();
        has_any.then(|| Arc::new(edge))
    }

    /// It lets some visitors in and others not, or so much of them and no more.
    pub fn guards(&self) -> bool {
        let limits = self.rate_limit.is_some() || self.max_request_body.is_some();
        self.access.is_some() || self.client_certificates.is_some() || self.asks_who() || limits
    }

    /// Backends get fields of the head that are ours to say. Some backends take trailers for such fields.
    pub fn says_fields(&self) -> bool {
        self.client_certificates.is_some() || self.asks_who() || self.request_headers.is_some()
    }

    /// Goes on with what was counted under the last document. To be called before the first request.
    pub fn follow(&self, before: &Edge) {
        self.refusals.follow(&before.refusals);
        if let (Some(now), Some(before)) = (&self.rate_limit, &before.rate_limit) {
            now.follow(before);
        }
    }

    /// Why it may refuse requests, beside its rate limit.
    pub fn causes(&self) -> impl Iterator<Item = Cause> {
        let may = |cause: &Cause| match cause {
            Cause::Network => self.access.is_some(),
            Cause::Password | Cause::PasswordBusy => self.basic_auth.is_some(),
            Cause::ForwardAuth | Cause::ForwardAuthFailed => self.forward_auth.is_some(),
        };
        Cause::ALL.into_iter().filter(may)
    }

    /// The files that its rules stand in.
    pub fn files(&self) -> impl Iterator<Item = &dyn Watched> {
        let users = self.basic_auth.as_ref().map(|auth| &auth.file as &dyn Watched);
        users.into_iter().chain(self.access.iter().flat_map(Access::files))
    }

    /// Reads one of them again if it has changed, and gives what became of it.
    pub fn refresh(&self, file: &dyn Watched) -> Option<Result<(), KeyError>> {
        let became = file.refresh()?;
        self.access.iter().for_each(Access::lay_out);
        Some(became)
    }

    /// Backends do not get the password that visitors show.
    pub fn keeps_password(&self) -> bool {
        self.basic_auth.as_ref().is_some_and(|auth| !auth.pass)
    }

    /// Visitors have to say who they are, here or elsewhere.
    pub fn asks_who(&self) -> bool {
        self.basic_auth.is_some() || self.forward_auth.is_some()
    }
}
