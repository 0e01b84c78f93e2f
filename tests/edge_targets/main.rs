//! Services that the proxy answers by itself, as its document has them: redirects, answers, files, and pages for errors.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "blocking clients poll with a limit and look at files"
)]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod client;
mod compressed;
mod daemon;
mod documented;
mod error_pages;
mod files;
mod h2;
mod hedges;
mod networks;
#[path = "../common/ports.rs"]
mod ports;
mod raw_paths;
mod redirects;
mod request_ids;
