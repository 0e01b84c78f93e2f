//! What an operator reads of a nameserver: status, metrics, explanations, and a page to look at.
//!
//! Owns the way from the control state and the workers' counts to text and JSON. Must never: change anything.

pub mod by_zone;
pub mod counters;
mod dnssec;
pub mod dnstap;
pub mod explain;
pub mod metrics;
pub mod page;
mod presigned;
mod signatures;
pub mod status;
