//! Documents as files: what cannot be read, and what many make too many.

use std::fs;
use std::path::Path;

use polder::config::{Findings, proxy};

use super::{PROXY, proxy_findings};

fn only(findings: Findings) -> String {
    assert_eq!(findings.0.len(), 1, "{findings}");
    findings.to_string()
}

#[test]
fn a_file_that_is_not_there_is_a_finding_without_a_line() {
    let file = Path::new("/nonexistent/proxy.json");
    let finding = only(proxy::load(file).unwrap_err());
    assert_eq!(finding, "/nonexistent/proxy.json: cannot be read: No such file or directory (os error 2)");
}

#[test]
fn a_file_that_is_not_utf_8_is_a_finding_with_the_line_of_the_first_bad_byte() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("proxy.json");
    fs::write(&file, b"{\n\"name\": \"caf\xe9\"\n}").unwrap();
    assert_eq!(
        only(proxy::load(&file).unwrap_err()),
        format!("{}:2: not UTF-8: expected JSON, which is text", file.display())
    );
}

#[test]
fn a_document_that_is_not_an_object_is_refused() {
    for (text, found) in [("[]", "an array"), ("1", "the number 1"), ("null", "null")] {
        assert_eq!(proxy_findings(text), [format!("proxy.json:1: expected an object, found {found}")]);
    }
}

#[test]
fn a_service_has_at_most_128_backends() {
    let backend = r#"{ "name": "web1", "address": "192.0.2.21:80", "weight": 100 }"#;
    let with = |count: usize| {
        let more: Vec<String> =
            (1..count - 1).map(|n| format!(r#"{{ "name": "more{n}", "address": "198.51.100.1:{n}" }}"#)).collect();
        proxy_findings(&PROXY.document.replace(backend, &format!("{backend}, {}", more.join(", "))))
    };
    assert_eq!(with(128), [""; 0]);
    assert_eq!(with(129), ["proxy.json:26: services.www.backends: has 129 backends: at most 128 make a service"]);
}
