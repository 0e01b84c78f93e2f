//! The reverse proxy.
//!
//! One control thread owns every change (health, operator, latches, document) and builds [`snapshot::Snapshot`]s; one
//! worker thread a core loads the snapshot, decides, forwards. Never imports `dns`.
//!
//! - Pure, for each request: [`route`] and [`choose`] (balance, cookie), over a [`snapshot`]; [`eligibility`] says which
//!   backends may get a request at all; [`edge`] what a service asks of a request before.
//! - [`target`]: what is answered without a backend. [`queue`], [`retry_budget`], [`slow_start`]: how much backends get, and when; [`accept`]: what a
//!   visitor takes.
//! - Pure, for each change: [`control`], with the [`latch`] and what builds the snapshots; [`capacity`] is how many connections
//!   there may be.
//! - [`ordered`]: which certificates are to come from a CA; how they come is [`acme`](crate::acme)'s.
//! - [`request_id`]: what a request is called, by visitors, backends and the access log.
//! - [`traffic`]: the workers, from a visitor's connection to a backend's.
//! - [`run`](mod@run): the shell around control, from start to end, and what it tells the operator ([`report`], in the JSON of [`api`](crate::api::proxy)).

pub mod accept;
pub mod agreement;
pub mod capacity;
pub mod choose;
pub mod control;
pub mod edge;
pub mod eligibility;
pub mod hosts;
pub mod latch;
pub mod ordered;
mod path_prefix;
pub mod queue;
pub mod report;
pub mod request_id;
pub mod retry_budget;
pub mod route;
mod run;
#[cfg(test)]
mod samples;
pub mod service_counters;
pub mod slow_start;
pub mod snapshot;
pub mod target;
pub mod tls;
pub mod traffic;

pub use run::run;
