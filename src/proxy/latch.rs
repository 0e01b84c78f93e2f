//! The latch: which backend of a stateful service is active (pure).
//!
//! Owns the value that proxies store and exchange, its merge, and the rules by which it moves. Must never: look at a
//! clock, a socket or a disk; move to a backend only because it came back up. Called by `control`, which stores what is
//! proposed here before it takes effect:
//!
//! ```text
//!   in force ──step, failover, failback, peer──▶ proposed ──stored (or the disk failed)──▶ in force
//!      │  ▲                                         (requests wait)
//!      ▼  │ ended, or withdrawn
//!   handing over (requests wait, running ones end)
//! ```
//!
//! Documents reach proxies at different times during a push. So a latch that comes from a peer may name a backend that our
//! document does not know yet. It is kept, since it is the later one, and our own document is no reason to move it:
//! otherwise two proxies with two documents would take turns for ever. Until our document knows the backend we go on
//! with the one we served before, if it may serve (`polder status` shows an alarm). Only a backend that our document did
//! know and then lost has left the document.
//!
//! A latch knows backends by address and name. A document that renames one renames it in the latch: that is no move. Proxies whose
//! documents have other names compare moves, not names.

mod by_operator;
mod keeper;
pub mod latches;
mod origin;
mod situation;
pub mod store;
mod value;
mod vet;

pub use by_operator::{CommandError, Operator};
pub use keeper::Keeper;
pub use situation::{BackendState, Now, Situation};
pub use value::Latch;
pub use vet::LatchError;

#[cfg(test)]
mod tests;
