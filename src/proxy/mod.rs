//! The reverse proxy: listener, route, choose (balance, cookie, latch: pure), upstream pool, forward.
//!
//! One control thread owns every change (health, operator, latches, document) and builds [`snapshot::Snapshot`]s; one
//! worker thread a core loads the snapshot, decides, forwards. Never imports `dns`.
//!
//! - Pure, for each request: [`route`], [`cookie`], [`choose`] with [`balance`], over a [`snapshot`].
//! - Pure, for each change: [`control`] with [`prepared`] (the document), [`latch`], [`latches`], [`peer_words`] and
//!   [`build`], which makes the snapshots; [`followed`] after a handover.
//! - The shell around control: [`run`](mod@run) starts and stops, `event_loop` brings events in and carries effects out, `reload`
//!   and `handover` are its two long steps, `admin` answers the operator with [`status`], [`explain`], [`metrics`] and
//!   [`page`]; [`latch_store`] writes.
//! - The traffic: [`worker`] and what it calls.

pub mod access_log;
mod admin;
mod alarm;
pub mod api;
mod attempt;
pub mod balance;
pub mod build;
pub mod choose;
mod connection;
pub mod control;
pub mod cookie;
mod event_loop;
mod exchange;
pub mod explain;
pub mod followed;
mod handover;
pub mod http1;
mod inflight;
pub mod latch;
pub mod latch_store;
pub mod latches;
mod listener;
mod local;
pub mod metrics;
mod network;
pub mod page;
pub mod peer_words;
pub mod prepared;
mod relay;
mod reload;
pub mod route;
mod run;
#[cfg(test)]
mod samples;
mod sending;
pub mod snapshot;
pub mod status;
mod termination;
mod trace;
mod transfer;
mod tunnel;
mod upstream;
mod view;
pub mod worker;

pub use run::run;
