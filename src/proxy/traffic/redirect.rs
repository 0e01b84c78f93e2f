//! Where a visitor in clear text is sent to (pure).

use super::message::{Request, Target};
use crate::proxy::target::redirect::{host_of, over_https};

/// The same over https, at this port: host, path and query as they were asked for. None for a request that names no host.
pub fn to_https(request: &Request<'_>, port: u16) -> Option<Vec<u8>> {
    let host = host(request);
    let (slash, target): (&[u8], _) = match request.head.target {
        Target::Path(path) => (b"", path.of_head(request.bytes)),
        Target::Rootless(query) => (b"/", query.of_head(request.bytes)),
        // About the server as a whole (RFC 9112, 3.2.4).
        Target::Asterisk => (b"", &b""[..]),
    };
    over_https(host, port, &[slash, target].concat())
}

/// The host that is asked for, without a port.
pub fn host<'r>(request: &Request<'r>) -> &'r [u8] {
    host_of(request.authority())
}

#[cfg(test)]
mod tests;
