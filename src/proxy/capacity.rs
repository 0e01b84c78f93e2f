//! How many connections a proxy may have, from what its document says and what its process may have open.
//!
//! A visitor's connection takes one descriptor and its request another one to a backend; idle connections to backends take
//! theirs besides. What the document does not say is as much as there is room for, at most the default; what it does say has
//! to fit. Pure.

use crate::config::ProxyConfig;
use crate::config::defaults::limits::{CONNECTIONS, IDLE_PER_BACKEND, connections_per_address, tls_handshakes};
use crate::config::proxy::{AuthServer, LimitsConfig};
use crate::daemon::lifecycle::descriptors::{DescriptorError, Reserved, Wanted};
use crate::proxy::traffic::admission::RESERVE;
use crate::proxy::traffic::splice::MOST_PIPES;

/// One of a visitor, one to its backend.
const EACH: u64 = 2;

/// The descriptors of a pipe.
const PIPE: u64 = 2;

/// Of what visitors can have, the part for pipes that long bodies go through where the document does not say how many visitors: a sixteenth.
const PIPES_SHARE: u64 = 16;

/// Of the descriptors that connections have for their backends, the part that files may take instead: a half. Visitors who do not take
/// what they have asked for leave the others to backends.
const FILES_SHARE: usize = 2;

/// Of what visitors can have, the part for idle connections to backends where the document does not say how many: a fifth.
const IDLE_SHARE: u64 = 5;

/// The limits on connections that are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Clients' connections at a time, over all workers.
    pub connections: usize,
    /// The same from one address.
    pub connections_per_address: usize,
    /// Handshakes of TLS under way at a time, over all workers.
    pub tls_handshakes: usize,
    /// Idle connections kept to one backend by one worker.
    pub idle_per_backend: usize,
    /// Pipes that long bodies go through, of one worker. What finds none is copied.
    pub pipes: usize,
    /// Files that one worker has open for visitors.
    pub files: usize,
}

impl Capacity {
    /// What the document says, and its defaults, wherever there is no limit of open files.
    pub fn unbounded(limits: &LimitsConfig) -> Capacity {
        let connections = limits.connections.unwrap_or(CONNECTIONS);
        Capacity {
            connections,
            connections_per_address: limits
                .connections_per_address
                .unwrap_or_else(|| connections_per_address(connections)),
            tls_handshakes: limits.tls_handshakes.unwrap_or_else(|| tls_handshakes(connections)),
            idle_per_backend: limits.idle_per_backend.unwrap_or(IDLE_PER_BACKEND),
            pipes: MOST_PIPES,
            files: connections / FILES_SHARE,
        }
    }

    /// What a proxy can have that may have `open_files` files open, probes `targets` and serves with `workers` threads.
    ///
    /// # Errors
    ///
    /// What the document asks for does not fit, or there is no room for a single connection.
    pub fn of(
        document: &ProxyConfig,
        workers: usize,
        targets: usize,
        open_files: u64,
    ) -> Result<Capacity, DescriptorError> {
        let limits = &document.limits;
        let peers = document.peers.as_ref().map_or(0, |peers| peers.members.len());
        let reserved = Reserved::of(workers, document.listeners.len() * workers, targets, peers);
        let reserved = Reserved { readiness: RESERVE as u64, ..reserved };
        let left = reserved.left_of(open_files, EACH)?;
        let pipes = limits.connections.map_or_else(|| pipes_of(left / PIPES_SHARE, workers), |_| 0);
        let left = left - PIPE * pipes * workers as u64;
        let pools = pools(document, workers);
        let wanted = Capacity::unbounded(limits);

        let idle = match (limits.idle_per_backend, limits.connections) {
            (Some(each), _) => (each as u64).saturating_mul(pools),
            (None, Some(connections)) => left.saturating_sub(EACH * connections as u64),
            (None, None) => (left / IDLE_SHARE).min(pools * IDLE_PER_BACKEND as u64),
        };
        let most = left.checked_sub(idle).map(|left| left / EACH).filter(|most| *most > 0);
        let connections = match (limits.connections, most) {
            (Some(asked), most) if most.is_none_or(|most| asked as u64 > most) => {
                let descriptors = (EACH * asked as u64).saturating_add(idle);
                let wanted = Wanted { key: "limits.connections", value: asked as u64, descriptors, most };
                return Err(reserved.too_small_for(open_files, wanted));
            }
            (Some(asked), _) => asked,
            (None, Some(most)) => wanted.connections.min(usize::try_from(most).unwrap_or(usize::MAX)),
            (None, None) => {
                let most = left.saturating_sub(EACH).checked_div(pools);
                let value = limits.idle_per_backend.unwrap_or_default() as u64;
                let wanted = Wanted { key: "limits.idle_per_backend", value, descriptors: idle + EACH, most };
                return Err(reserved.too_small_for(open_files, wanted));
            }
        };
        let fitting = usize::try_from(idle.checked_div(pools).unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let pipes = match limits.connections {
            // Stated limits come first: pipes have what is left.
            Some(asked) => pipes_of(left.saturating_sub(idle + EACH * asked as u64), workers),
            None => pipes,
        };
        let fitted = LimitsConfig { connections: Some(connections), ..limits.clone() };
        let idle_per_backend = wanted.idle_per_backend.min(fitting);
        let files = (connections / FILES_SHARE / workers.max(1)).max(1);
        Ok(Capacity { idle_per_backend, pipes: pipes as usize, files, ..Capacity::unbounded(&fitted) })
    }
}

/// How many pipes each worker can have of so many descriptors.
fn pipes_of(descriptors: u64, workers: usize) -> u64 {
    (descriptors / PIPE).checked_div(workers as u64).unwrap_or(0).min(MOST_PIPES as u64)
}

/// How many pools of idle connections there are: one for each backend and each server of `forward_auth` in each worker.
fn pools(document: &ProxyConfig, workers: usize) -> u64 {
    let servers = document.services.values().map(|service| {
        let backends = service.target.backends().map_or(0, |backends| backends.backends.len());
        let asked = service.forward_auth.as_ref().map(|auth| &auth.server);
        backends + usize::from(matches!(asked, Some(AuthServer::Address(_))))
    });
    (servers.sum::<usize>() * workers) as u64
}

#[cfg(test)]
mod tests;
