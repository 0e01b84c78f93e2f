//! What this nameserver says of itself.

use super::writer::Writer;
use crate::config::dns::IdentityConfig;
use crate::zone::name::Name;
use crate::zone::number::rcode;

/// Answers a question about the server itself, which is this name (RFC 4892, and BIND's older names), as far as the document says something.
pub(super) fn about_server(name: &Name, identity: &IdentityConfig, writer: &mut Writer<'_>) -> u16 {
    let text = match name.as_bytes() {
        b"\x02id\x06server\0" | b"\x08hostname\x04bind\0" => identity.server.as_deref(),
        b"\x07version\x06server\0" | b"\x07version\x04bind\0" => identity.version.as_deref(),
        _ => None,
    };
    let Some(text) = text else { return rcode::REFUSED };
    writer.set_authoritative();
    if writer.about_server(text).is_err() {
        writer.set_truncated();
    }
    rcode::NOERROR
}
