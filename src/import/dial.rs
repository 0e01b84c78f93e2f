//! Addresses of backends as configurations write them. Pure.

use super::error::Inexpressible;
use std::net::IpAddr;

use crate::config::address;

/// An address to connect to as a document has it, and what is different about it.
///
/// # Errors
///
/// Why polder cannot connect to it.
pub fn dial(written: &str) -> Result<(String, Option<String>), Inexpressible> {
    let bare = written.strip_prefix("ipv4@").or_else(|| written.strip_prefix("ipv6@")).unwrap_or(written);
    if bare.starts_with('/') || bare.starts_with("unix/") || bare.contains('@') {
        return Err("polder connects to addresses and ports, not to sockets of Unix".into());
    }
    if bare.parse::<IpAddr>().is_ok_and(|address| address.is_ipv4()) {
        return Err("it has no port: write the port that the backend listens on".into());
    }
    let Some((host, port)) = bare.rsplit_once(':') else {
        return Err("it has no port: write the address and port of the backend".into());
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let (host, changed) = match host {
        "localhost" => (
            "127.0.0.1",
            Some("localhost is 127.0.0.1 here; if the backend listens on ::1 alone, write that".to_owned()),
        ),
        host => (host, None),
    };
    if host.parse::<IpAddr>().is_err() {
        return Err("polder looks up no names of backends, so that it never waits for DNS: write the address".into());
    }
    let spelled = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let address = address::dial(&spelled).map_err(Inexpressible::from)?;
    Ok((address.to_string(), changed))
}
