//! Where the parts of the gate listen, and what the first of them says to the others of its caller.

use serde::{Deserialize, Serialize};

/// Where the root part listens for questions.
pub(super) const SOCKET: &str = "/run/polder-gate/socket";

/// Where it listens for what is signed: whoever can only ask, keeps nobody from that.
pub(super) const SIGNED_SOCKET: &str = "/run/polder-gate/signed";

/// Where the part that speaks to daemons listens.
pub(super) const RELAY_SOCKET: &str = "/run/polder-gate/relay";

/// What the forced command says of its caller before the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Caller {
    /// The admin machine whose key was used.
    pub(super) from: String,
}
