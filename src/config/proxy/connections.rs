//! How a service uses its connections to backends.

use crate::config::reader::{Object, Read};

/// How a service uses its connections to backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionsConfig {
    /// Whose requests go over an idle connection.
    pub reuse: Reuse,
}

/// Whose requests go over an idle connection, as HAProxy's `http-reuse`. Whatever it says, a connection that was
/// authenticated (NTLM, Negotiate) belongs to its visitor alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reuse {
    /// Those of the visitor's connection for which it was opened.
    Never,
    /// Every one but the first of a visitor's connection.
    Safe,
    /// Every one.
    #[default]
    Always,
}

/// Reads what a service says of its connections.
pub(super) fn read(service: &Object<'_>) -> Read<ConnectionsConfig> {
    let reuse = service.with_default("reuse", Reuse::default(), |value| {
        value.one_of(&[("never", Reuse::Never), ("safe", Reuse::Safe), ("always", Reuse::Always)])
    });
    Ok(ConnectionsConfig { reuse: reuse? })
}
