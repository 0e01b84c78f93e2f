//! The gate of a host: all that a pusher can do there.
//!
//! Two halves. [`forced()`] is the forced command of the deploy user: it lets the store's protocol through and passes requests on.
//! [`serve()`] answers them as root, one a connection, behind a socket that only the deploy user can open. The deploy user can do
//! nothing else on the machine, and is nobody to its store: what it copies there has to be signed. Called by `polder gate`.

mod activating;
mod forced;
mod looking;
mod relay;
mod serve;

pub use forced::forced;
pub use serve::serve;

use serde::{Deserialize, Serialize};

/// Where the root half listens.
pub const SOCKET: &str = "/run/polder-gate/socket";

/// The longest request. The longest there is: copies of ledgers.
const REQUEST_BYTES: u64 = 16 * 1024 * 1024;

/// What the forced command says of its caller before the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Caller {
    /// The admin machine whose key was used.
    from: String,
}
