//! What the operator can look at: the status, where a request goes and why, metrics, and a page for a browser.
//!
//! Pure: control's state and a snapshot go in, JSON or text comes out. Called by the admin API alone.

pub mod counters;
pub mod explain;
pub mod metrics;
pub mod page;
pub mod status;
