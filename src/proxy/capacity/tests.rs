use std::path::Path;

use super::*;
use crate::config::proxy;

const WORKERS: usize = 2;
const TARGETS: usize = 3;

/// A document with three backends, and `limits` as given.
fn document(limits: &str) -> ProxyConfig {
    let text = format!(
        r#"{{ "version": 1, "limits": {limits}, "listeners": [{{ "name": "http", "address": "127.0.0.1:80" }}], "state_dir": "/var/lib/p",
            "admin": {{ "socket": "/run/p/admin.sock" }},
            "services": {{ "www": {{ "hosts": ["www.example.net"], "mode": "stateless", "backends": [
              {{ "name": "a", "address": "192.0.2.1:80" }}, {{ "name": "b", "address": "192.0.2.2:80" }},
              {{ "name": "c", "address": "192.0.2.3:80" }} ] }} }} }}"#
    );
    proxy::parse(Path::new("proxy.json"), &text).unwrap()
}

fn capacity(limits: &str, open_files: u64) -> Result<Capacity, String> {
    Capacity::of(&document(limits), WORKERS, TARGETS, open_files).map_err(|error| error.to_string())
}

/// The descriptors that this document needs for everything but visitors.
fn reserved() -> u64 {
    Reserved { readiness: RESERVE as u64, ..Reserved::of(WORKERS, WORKERS, TARGETS, 0) }.sum()
}

#[test]
fn whatever_the_limit_of_open_files_visitors_never_get_what_checks_admin_and_readiness_need() {
    for open_files in reserved() + 2..reserved() + 500 {
        let capacity = capacity("{}", open_files).unwrap();
        let pipes = 2 * capacity.pipes * WORKERS;
        let visitors = 2 * capacity.connections + capacity.idle_per_backend * WORKERS * 3 + pipes;
        assert!(capacity.connections >= 1);
        assert!(visitors as u64 + reserved() <= open_files, "{capacity:?} of {open_files}");
    }
}

#[test]
fn with_room_for_all_of_them_the_defaults_are_in_force() {
    let capacity = capacity("{}", 262_144).unwrap();
    assert_eq!(
        capacity,
        Capacity {
            connections: 20_000,
            connections_per_address: 5000,
            tls_handshakes: 5000,
            idle_per_backend: 1000,
            pipes: 16,
            files: 5000
        }
    );
}

#[test]
fn a_document_that_asks_for_more_than_there_is_is_refused_with_the_sum() {
    let error = capacity(r#"{ "connections": 500 }"#, 1000).unwrap_err();
    let needed = reserved() + 1000;
    let most = (1000 - reserved()) / 2;
    assert!(error.starts_with(&format!("limits.connections: 500 needs {needed} open files")), "{error}");
    assert!(error.contains("may have 1000 (1000 for visitors, 6 for checks, "), "{error}");
    assert!(error.ends_with(&format!("or set limits.connections to at most {most}")), "{error}");
    let capacity = capacity(&format!(r#"{{ "connections": {most} }}"#), 1000).unwrap();
    assert_eq!(capacity.pipes, 0, "visitors have all that is left");
}

#[test]
fn idle_connections_that_leave_no_room_for_visitors_are_refused() {
    let error = capacity(r#"{ "idle_per_backend": 1000 }"#, 1000).unwrap_err();
    assert!(error.starts_with("limits.idle_per_backend: 1000 needs "), "{error}");
}

#[test]
fn where_not_even_one_visitor_fits_the_error_says_what_the_rest_is_for() {
    for open_files in [100, reserved() + 1] {
        let error = capacity("{}", open_files).unwrap_err();
        let needed = reserved() + 2;
        assert!(
            error.starts_with(&format!("needs {needed} open files, but this process may have {open_files} (2 for "))
        );
    }
}

#[test]
fn idle_connections_leave_visitors_all_that_they_do_not_need_themselves() {
    let all = reserved() + 2 * 20_000 + 1000 * 2 * 3 + 2 * 16 * WORKERS as u64;
    assert_eq!(capacity("{}", all).unwrap().connections, 20_000);
    assert_eq!(capacity("{}", all - 2).unwrap().connections, 19_999);
}
