//! What the gate and the supervisor share: the paths on a host ([`paths`]), the calls of Nix and systemd ([`machine`]), the host's part of
//! the fleet lock ([`lock`]), and what a system runs with ([`system`]).
//!
//! Called by [`gate`](super::gate) and [`supervisor`](super::supervisor).

pub mod lock;
pub mod machine;
pub mod paths;
pub mod system;
