//! Whether polder's own reader takes keys of a service: a whole service need not be left out for one of them. Pure.

use std::path::Path;

use super::error::Inexpressible;
use super::json;
use super::tree::{Table, Tree};
use crate::config::proxy;

/// Has polder's own reader look at keys of a service, in a document that is good otherwise.
///
/// # Errors
///
/// What the reader says of them.
pub fn vet(settings: &Table) -> Result<(), Inexpressible> {
    let backend = Table::new().with("name", "a").with("address", "192.0.2.1:80");
    let certificate = Table::new().with("chain_file", "/c").with("key_file", "/k");
    let service = Table::new()
        .with("hosts", vec!["www.example.net"])
        .with("mode", "stateless")
        .with("backends", vec![Tree::from(backend)])
        .with("tls", Table::new().with("certificates", vec![Tree::from(certificate)]))
        .with_all(settings.clone());
    let listener = Table::new().with("name", "x").with("address", "192.0.2.9:443").with("protocol", "https");
    let document = Table::new()
        .with("version", 1)
        .with("listeners", vec![Tree::from(listener)])
        .with("admin", Table::new().with("socket", "/s"))
        .with("state_dir", "/d")
        .with("services", Table::new().with("www", service));
    let read = proxy::parse(Path::new("proxy.json"), &json::print(&document.into()));
    let messages = |findings: crate::config::Findings| -> Vec<String> {
        findings.0.into_iter().map(|finding| finding.message).collect()
    };
    read.map(drop).map_err(|findings| messages(findings).join("; ").into())
}
