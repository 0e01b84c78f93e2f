use std::path::Path;

use super::*;
use crate::config::dns;

fn fit(tcp: &str, open_files: u64) -> Result<(Limits, Option<String>), String> {
    let text = format!(
        r#"{{ "version": 1, "tcp": {tcp}, "listeners": ["127.0.0.1:53"], "workers": 2, "state_dir": "/var/lib/d",
            "admin": {{ "socket": "/run/d/admin.sock" }}, "zones": {{ "example.net": {{ "file": "/z" }} }}, "pools": {{}} }}"#
    );
    let document = dns::parse(Path::new("dns.json"), &text).unwrap();
    let mut limits = Limits::of(&document.tcp);
    let note = limits.fit(&document, 10, open_files).map_err(|error| error.to_string())?;
    Ok((limits, note))
}

#[test]
fn connections_over_tcp_get_what_checks_and_the_operator_leave() {
    let (limits, note) = fit("{}", 256).unwrap();
    let reserved = Reserved::of(3, 3, 10, 0).sum();
    assert_eq!(limits.connections as u64, 256 - reserved);
    assert!(note.unwrap().starts_with("tcp.connections is "));
    assert_eq!(fit("{}", 100_000).unwrap(), (Limits::of(&TcpConfig::default()), None));
}

#[test]
fn a_document_that_asks_for_more_than_there_is_is_refused() {
    let error = fit(r#"{ "connections": 500 }"#, 256).unwrap_err();
    assert!(error.starts_with("tcp.connections: 500 needs "), "{error}");
    assert!(error.contains("20 for checks"), "{error}");
}
