//! Whether a proxy with a given document has a service for a host and a path.

use crate::config::ProxyConfig;
use crate::proxy::route::Router;

/// The routes of one proxy's document.
pub struct Routing(Router);

impl Routing {
    /// The routes that a proxy with this document has.
    pub fn of(config: &ProxyConfig) -> Routing {
        Routing(Router::new(config.services.values().flat_map(|service| {
            service.hosts.iter().flat_map(|host| service.paths.iter().map(|path| (host.clone(), path.clone(), 0)))
        })))
    }

    /// Whether a request with this host and path reaches a service.
    pub fn has(&self, host: &str, path: &str) -> bool {
        self.0.route(host.as_bytes(), path.as_bytes()).is_some()
    }
}
