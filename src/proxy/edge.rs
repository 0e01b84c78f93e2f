//! What a service asks of a request before its target is, and does to a response after it (pure).
//!
//! Owns the rules, one file a feature. Must never: touch a socket, or allocate for a request that they let pass. Built once for
//! each document; `traffic::admit` asks them.

pub mod compression;

use std::sync::Arc;

use compression::Compression;

use crate::config::proxy::ServiceConfig;

/// The rules of one service. There is one only where the service has any: all others pay nothing.
#[derive(Debug)]
pub struct Edge {
    /// Which responses are compressed.
    pub compression: Option<Compression>,
}

impl Edge {
    /// Those that a service's configuration has.
    pub fn of(service: &ServiceConfig) -> Option<Arc<Edge>> {
        let compression = service.compression.clone().map(Compression);
        compression.is_some().then(|| Arc::new(Edge { compression }))
    }
}
