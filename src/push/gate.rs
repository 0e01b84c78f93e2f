//! The gate of a host: all that a pusher can do there.
//!
//! Three processes, none with more rights than its part needs:
//!
//! - [`forced_command()`] is the forced command of the deploy user, and runs as that user. It answers what anybody on the machine could
//!   read, receives uploads, and passes all other requests on.
//! - [`serve()`] answers questions about the host and does what is signed, as root, one request a connection, behind a socket that
//!   only the deploy user can open. It parses an instruction only after its signature was found good.
//! - [`relay()`] asks the host's daemons, as a user of its own that may open their admin sockets and nothing else.
//!
//! A deploy key alone can look at what a host says of itself and upload what is signed. Everything else is signed by an admin's
//! key, for this host and this moment. Called by `polder gate`.

mod activate;
pub mod allowed;
mod error;
mod forced_command;
mod receive;
mod relay;
mod report;
mod request;
mod serve;
mod sockets;
mod target;
mod timed_reader;

pub use forced_command::forced_command;
pub use relay::relay;
pub use serve::serve;
