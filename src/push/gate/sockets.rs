//! Where the parts of the gate listen, and how the forced command describes its caller to the others.

use serde::{Deserialize, Serialize};

/// Where the root part listens for questions.
pub(super) const SOCKET: &str = "/run/polder-gate/socket";

/// Where it listens for signed instructions, so that questions cannot crowd them out.
pub(super) const SIGNED_SOCKET: &str = "/run/polder-gate/signed";

/// Where the relay listens.
pub(super) const RELAY_SOCKET: &str = "/run/polder-gate/relay";

/// The line that the forced command sends before the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Caller {
    /// The admin machine whose key was used.
    pub(super) from: String,
}
