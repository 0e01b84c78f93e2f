//! The traffic path: what happens between a visitor's connection and a backend's.
//!
//! A [`worker`] is a thread with listeners, an upstream pool and counters of its own. `connection` reads heads ([`http1`] is
//! the codec), `exchange` routes, chooses and waits for verdicts, `attempt` tries one backend: `sending` and `relay` pass
//! the two directions on over `transfer`, `tunnel` takes over after an upgrade. `inflight` lets a new snapshot or a drain
//! reach whatever runs; [`access_log`] and `termination` tell how it ended. Must never: take a lock, or change anything that
//! control owns.

pub mod access_log;
mod alarm;
mod attempt;
mod connection;
mod exchange;
pub mod http1;
mod inflight;
mod listener;
mod local;
mod relay;
mod sending;
mod termination;
mod trace;
mod transfer;
mod tunnel;
mod upstream;
mod view;
pub mod worker;
