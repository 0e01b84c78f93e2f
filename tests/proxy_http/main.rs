//! The visitor's path through one worker, over real sockets: scripted backends and clients that see every byte.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "blocking clients poll with a limit and share what they saw"
)]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod access;
mod admission;
mod agreement_files;
mod authority;
mod backend_tls;
mod basic_auth;
mod bodies;
mod browser;
mod client_certificates;
mod compression;
mod failures;
mod forward_auth;
mod forward_auth_service;
mod grpc;
mod h2;
mod h2_abuse;
mod h2_backend;
mod h2_client;
mod h2_frames;
mod h2_lifecycle;
mod h2_rules;
mod h2_settings;
mod handshakes;
mod haproxy;
mod harness;
mod headers;
mod hedge;
mod https_daemon;
mod lifecycle;
mod limits;
mod logged;
mod messages;
mod own_fields;
#[path = "../common/ports.rs"]
mod ports;
mod proxy_protocol;
mod queue;
mod rate_limit;
mod reloads;
mod request_body;
mod resumption;
mod retries;
mod retry_on;
mod reuse;
mod rules;
mod script;
mod smuggling;
mod splice;
mod tls;
mod to_https;
mod verdicts;
