//! What both halves of a host's end share: where things lie ([`paths`]), what its system is told ([`machine`]), who may push ([`lock`]),
//! and what a system runs with ([`system`]).
//!
//! Called by [`gate`](super::gate) and [`supervisor`](super::supervisor).

pub mod lock;
pub mod machine;
pub mod paths;
pub mod system;
