//! What a service asks of a request before its target is, and does to a response after it (pure).
//!
//! Owns the rules, one file a feature. Must never: touch a socket, or allocate for a request that they let pass. Built once for
//! each document; `traffic::admit` asks them.

pub mod rate_limit;

use std::sync::Arc;

use crate::config::proxy::ServiceConfig;
use rate_limit::RateLimit;

/// The rules of one service. There is one only where the service has any: all others pay nothing.
#[derive(Debug, Default)]
pub struct Edge {
    /// How many requests it takes.
    pub rate_limit: Option<RateLimit>,
    /// Bytes that the body of a request may have.
    pub max_request_body: Option<u64>,
}

impl Edge {
    /// Those that a service's configuration has.
    pub fn of(service: &ServiceConfig) -> Option<Arc<Edge>> {
        let edge = Edge {
            rate_limit: service.rate_limit.clone().map(RateLimit::new),
            max_request_body: service.max_request_body,
        };
        let Edge { rate_limit, max_request_body } = &edge;
        let has_any = rate_limit.is_some() || max_request_body.is_some();
        has_any.then(|| Arc::new(edge))
    }

    /// Goes on with what was counted under the last document. To be called before the first request.
    pub fn follow(&self, before: &Edge) {
        if let (Some(now), Some(before)) = (&self.rate_limit, &before.rate_limit) {
            now.follow(before);
        }
    }
}
