//! The gate of a host: everything that a pusher can do there.
//!
//! It has three parts, each a process with only the rights it needs:
//!
//! - [`forced_command()`] is the forced command of the deploy user and runs as that user. It answers what every user of the machine
//!   could read, receives uploads, and passes all other requests on.
//! - [`serve()`] runs as root behind a socket that only the deploy user can open. It answers questions about the host and carries out
//!   signed instructions, one request per connection, and parses an instruction only after checking its signature.
//! - [`relay()`] passes requests to the host's daemons, as a user who may open their admin sockets and nothing else.
//!
//! A deploy key alone allows to read a host's status and to upload signed store paths. Everything else has to be signed by an
//! admin machine's key, for this host and this moment. Called by `polder gate`.

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

pub use activate::settle_what_is_left;
pub use forced_command::forced_command;
pub use relay::relay;
pub use serve::serve;
