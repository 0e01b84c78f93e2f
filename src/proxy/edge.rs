//! What a service asks of a request before its target is, and does to a response after it (pure).
//!
//! Owns the rules, one file a feature. Must never: touch a socket, or allocate for a request that they let pass. Built once for
//! each document; `traffic::admit` asks them.

mod client_certificates;
pub mod facts;
pub mod headers;
pub mod rate_limit;

use std::sync::Arc;

use crate::config::proxy::{ClientCertificatesConfig, ServiceConfig};
use headers::Edits;
use rate_limit::RateLimit;

/// The rules of one service. There is one only where the service has any: all others pay nothing.
#[derive(Debug, Default)]
pub struct Edge {
    /// How many requests it takes.
    pub rate_limit: Option<RateLimit>,
    /// What its visitors have to show in the handshake.
    pub client_certificates: Option<ClientCertificatesConfig>,
    /// What becomes of the header fields of requests.
    pub request_headers: Option<Edits>,
    /// What becomes of those of responses.
    pub response_headers: Option<Edits>,
    /// Bytes that the body of a request may have.
    pub max_request_body: Option<u64>,
}

impl Edge {
    /// Those that a service's configuration has.
    pub fn of(service: &ServiceConfig) -> Option<Arc<Edge>> {
        let client_certificates = service.tls.as_ref().and_then(|tls| tls.client_certificates.clone());
        let edge = Edge {
            rate_limit: service.rate_limit.clone().map(RateLimit::new),
            request_headers: match client_certificates {
                Some(_) => Edits::of(&client_certificates::told(&service.headers.request)),
                None => Edits::of(&service.headers.request),
            },
            response_headers: Edits::of(&service.headers.response),
            max_request_body: service.max_request_body,
            client_certificates,
        };
        let Edge { rate_limit, client_certificates, request_headers, response_headers, max_request_body } = &edge;
        let has_any = rate_limit.is_some()
            || client_certificates.is_some()
            || request_headers.is_some()
            || response_headers.is_some()
            || max_request_body.is_some();
        has_any.then(|| Arc::new(edge))
    }

    /// Goes on with what was counted under the last document. To be called before the first request.
    pub fn follow(&self, before: &Edge) {
        if let (Some(now), Some(before)) = (&self.rate_limit, &before.rate_limit) {
            now.follow(before);
        }
    }
}
