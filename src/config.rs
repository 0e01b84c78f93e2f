//! The JSON documents the daemons read: their types, defaults and checks, and the words of every error.
//!
//! Owns: the tree that knows its lines (`tree`), reading with every error collected ([`reader`]), the pure parsers of
//! what stands in strings (`names`, `address`, [`duration`]), the reading of files that somebody has named
//! ([`regular_file`]), and one file for each document or part that both share.
//! docs/documents.md is their reference; a test holds it to the readers' own keys, defaults and ranges. Must never: open
//! a socket, read a key, look at a clock. Called by the daemons (start, reload, `--check-config`: the very same code) and by
//! the operator's command.

pub mod acme;
pub(crate) mod address;
pub mod admin;
pub mod backend_protocol;
pub(crate) mod bounds;
mod certificate;
pub mod check;
pub mod defaults;
pub(crate) mod distinct;
pub mod dns;
pub mod duration;
pub mod finding;
pub mod fingerprint;
pub mod host_pattern;
pub mod invalid;
pub(crate) mod listen;
pub mod membership;
pub(crate) mod names;
pub(crate) mod near_miss;
pub(crate) mod own_name;
pub mod pages;
pub mod peers;
pub mod proxy;
pub mod public_key;
pub mod reader;
pub mod regular_file;
pub(crate) mod tree;
pub(crate) mod version;

pub use admin::AdminConfig;
pub use backend_protocol::{BackendProtocol, BackendTls, ClientCertificate, HttpVersion};
pub use bounds::MOST_SUBJECTS;
pub use certificate::CertificateConfig;
pub use check::{CheckConfig, Expect, ProbeKind, StatusRange};
pub use dns::DnsConfig;
pub use finding::{Finding, Findings};
pub use host_pattern::HostPattern;
pub use invalid::Invalid;
pub use peers::{PeerConfig, PeersConfig};
pub use proxy::ProxyConfig;
pub use public_key::PublicKey;
