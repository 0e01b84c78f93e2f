//! What the operator is told: the state of everything, why a request goes where, metrics, and a page to look at.
//!
//! Pure: control's state and a snapshot go in, JSON or text comes out. Called by the admin API alone.

pub mod explain;
pub mod metrics;
pub mod page;
pub mod status;
