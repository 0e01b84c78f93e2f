use std::path::Path;

use super::*;
use crate::config::dns;

fn fit(tcp: &str, open_files: u64) -> Result<(Limits, Option<String>), String> {
    fit_both(tcp, "", open_files).map(|(tcp, _, note)| (tcp, note))
}

fn fit_both(tcp: &str, more: &str, open_files: u64) -> Result<(Limits, Option<Limits>, Option<String>), String> {
    let text = format!(
        r#"{{ "version": 1, "tcp": {tcp}, {more} "listeners": ["127.0.0.1:53"], "workers": 2, "state_dir": "/var/lib/d",
            "admin": {{ "socket": "/run/d/admin.sock" }}, "zones": {{ "example.net": {{ "file": "/z" }} }}, "pools": {{}} }}"#
    );
    let document = dns::parse(Path::new("dns.json"), &text).unwrap();
    let mut limits = Limits::of(&document.tcp);
    let mut encrypted = document.encrypted.as_ref().map(Limits::of_encrypted);
    let note = limits.fit(encrypted.as_mut(), &document, 10, open_files).map_err(|error| error.to_string())?;
    Ok((limits, encrypted, note))
}

#[test]
fn plain_and_encrypted_connections_share_what_is_left_and_what_a_document_asks_for_is_not_lowered() {
    let encrypted = |connections: &str| {
        format!(
            r#""encrypted": {{ "tls": ["127.0.0.1:853"], {connections}
                "certificates": [{{ "chain_file": "/c", "key_file": "/k" }}] }}, "#
        )
    };
    let (plain, encrypted_ones, note) = fit_both("{}", &encrypted(""), 1024).unwrap();
    let reserved = Reserved::of(4, 4, 10, 0).sum();
    let of_encrypted = encrypted_ones.unwrap().connections as u64;
    assert_eq!(plain.connections as u64 + of_encrypted, 1024 - reserved, "all that is left");
    assert_eq!(of_encrypted, (1024 - reserved) / 2);
    let note = note.unwrap();
    assert!(note.contains("encrypted.connections is ") && note.contains("tcp.connections is "), "{note}");
    let (plain, encrypted_ones, _) = fit_both(r#"{ "connections": 10 }"#, &encrypted(""), 1024).unwrap();
    assert_eq!(plain.connections, 10);
    assert_eq!(encrypted_ones.unwrap().connections as u64, 1024 - reserved - 10, "what plain ones leave");
    let error = fit_both("{}", &encrypted(r#""connections": 900,"#), 1024).unwrap_err();
    assert!(error.starts_with("encrypted.connections: 900 needs "), "{error}");
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
