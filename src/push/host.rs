//! What both halves of a host's end share: where things lie ([`place`]), what its system is told ([`machine`]), who may push ([`lock`]),
//! and what a system runs with ([`system`]).
//!
//! Called by [`gate`](super::gate) and [`supervisor`](super::supervisor).

pub mod lock;
pub mod machine;
pub mod place;
pub mod system;
