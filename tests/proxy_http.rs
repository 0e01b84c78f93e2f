//! The visitor's path through one worker, over real sockets: scripted backends and clients that see every byte.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "blocking clients poll with a limit and share what they saw"
)]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "proxy_http/admission.rs"]
mod admission;
#[path = "proxy_http/bodies.rs"]
mod bodies;
#[path = "proxy_http/failures.rs"]
mod failures;
#[path = "proxy_http/harness.rs"]
mod harness;
#[path = "proxy_http/lifecycle.rs"]
mod lifecycle;
#[path = "proxy_http/limits.rs"]
mod limits;
#[path = "proxy_http/messages.rs"]
mod messages;
#[path = "proxy_http/smuggling.rs"]
mod smuggling;
#[path = "proxy_http/verdicts.rs"]
mod verdicts;
