//! By what proxies agree on the latches of stateful services, where the document names a store for it (pure).
//!
//! Owns what is read from the store and what is written there. Must never: open a connection or look at a clock; `run` does that.
//! `control` asks what counts, and hands in what happened.
//!
//! In the store is a latch for each service, and a seat for each proxy that holds a lease. A seat says what its proxy's checks found,
//! and at which epoch of each latch it stands: it serves nothing that was active before. Three rules keep any two backends of one service
//! from being served at once:
//!
//! * A latch moves by a transaction that compares what it was and every seat that was counted: most of them find the active backend
//!   down, and none finds it up. An operator's word needs no seats.
//! * A proxy serves the active backend while its lease lives and its seat is there, by its own clock and from the moment at which it asked for
//!   the lease to be renewed: so it stops before the store takes the seat away.
//! * It serves it once every seat stands at that epoch or has been taken away. A seat is written only where the latches are still those
//!   that its writer knew.
//!
//! A view that lags behind is safe: a seat that is missing in it can only have come at a later epoch, and one that is still in it
//! is waited for.

pub mod event;
pub mod key;
pub mod lease;
pub mod mark;
pub mod predecessor;
pub mod seat;
pub mod step;
pub mod steps;
pub mod transaction;
mod under_way;
pub mod view;

pub use event::{Effect, Ended, Event};
pub use key::Key;
pub use lease::Lease;
pub use mark::Mark;
pub use predecessor::Predecessor;
pub use seat::Seat;
pub use step::Step;
pub use steps::{Agreement, Standing};
pub use transaction::{Condition, Transaction};
pub use view::{Entry, View};

#[cfg(test)]
mod tests;
