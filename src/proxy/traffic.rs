//! The traffic path: what happens between a visitor's connection and a backend's.
//!
//! A [`worker`] is a thread with listeners, an upstream pool and counters of its own. `connection` reads heads ([`http1`] is
//! the codec), `exchange` routes, chooses and waits for verdicts, `attempt` tries one backend: `sending` and `relay` pass
//! the two directions on over `transfer`, `tunnel` takes over after an upgrade. `inflight` lets a new snapshot or a drain
//! reach whatever runs; [`access_log`] and `termination` tell how it ended. `admission` counts who may hold a connection,
//! `eviction` makes room for newcomers. Must never: take a lock while a request is served, or change anything that control
//! owns.

pub mod access_log;
pub mod admission;
mod alarm;
mod attempt;
mod connection;
mod eviction;
mod exchange;
pub mod http1;
mod inflight;
mod lineup;
mod listener;
mod local;
mod relay;
mod seldom;
mod sending;
mod termination;
mod trace;
mod transfer;
mod tunnel;
mod upstream;
mod view;
pub mod worker;
