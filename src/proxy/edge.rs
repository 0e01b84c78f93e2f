//! What a service asks of a request before its target is, and does to a response after it (pure).
//!
//! Owns the rules, one file a feature. Must never: touch a socket, or allocate for a request that they let pass. Built once for
//! each document; `traffic::admit` asks them.

use std::sync::Arc;

use crate::config::proxy::ServiceConfig;

/// The rules of one service. There is one only where the service has any: all others pay nothing.
#[derive(Debug)]
pub struct Edge {}

impl Edge {
    /// Those that a service's configuration has.
    pub fn of(_: &ServiceConfig) -> Option<Arc<Edge>> {
        None
    }
}
