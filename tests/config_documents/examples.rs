//! The examples of docs/documents.md are read as they stand there, each as a part of a whole document.

use std::path::Path;

use polder::config::dns;
use polder::config::proxy::{self, FieldConfig, RemovedFields};
use polder::config::{ProbeKind, ProxyConfig};
use polder::proxy_protocol::Version;
use serde_json::{Map, Value};

const REFERENCE: &str = include_str!("../../docs/documents.md");

/// The first example below a heading: what is indented.
fn example(heading: &str) -> Map<String, Value> {
    let (_, after) = REFERENCE.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("there is no {heading}"));
    let section = after.split("\n##").next().unwrap();
    let is_part = |line: &&str| line.starts_with("    ");
    let lines: Vec<_> = section.lines().skip_while(|line| !is_part(line)).take_while(is_part).collect();
    let text = format!("{{{}}}", lines.join("\n"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{heading}: {error} in {text}"))
}

/// The smallest document with the example in place of what it has itself.
fn read(heading: &str) -> ProxyConfig {
    let mut document: Map<String, Value> =
        serde_json::from_str(include_str!("../data/config/proxy-minimal.json")).unwrap();
    document.extend(example(heading));
    let text = serde_json::to_string_pretty(&document).unwrap();
    proxy::parse(Path::new("proxy.json"), &text).unwrap_or_else(|findings| panic!("{heading}: {findings:?}\n{text}"))
}

#[test]
fn a_listener_behind_load_balancers_believes_them_and_one_for_checks_nobody() {
    let config = read("#### The PROXY protocol");
    let balancers = ["10.1.0.4/32", "10.1.0.5/32"].map(|network| network.parse().unwrap());
    assert_eq!(config.listeners[0].proxies.as_deref(), Some(&balancers[..]));
    assert_eq!(config.listeners[1].proxies, None);
}

#[test]
fn a_service_writes_header_fields() {
    let headers = &read("#### Header fields").services["www"].headers;
    let names = |fields: &[FieldConfig]| fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&headers.request.set), ["X-Real-IP", "X-Request-Id"]);
    assert_eq!(names(&headers.response.add), ["Server-Timing"]);
    let removed = ["Server", "X-Powered-By"].map(|name| RemovedFields::Named(name.to_owned()));
    assert_eq!(headers.response.remove, removed);
}

#[test]
fn visitors_of_an_intranet_show_certificates() {
    let config = read("### `services.NAME.tls.client_certificates`");
    let asks = config.services["intranet"].tls.as_ref().unwrap().client_certificates.as_ref().unwrap();
    assert!(asks.required);
    assert_eq!(asks.authority.crl_file.as_deref(), Some(Path::new("/etc/ssl/staff/crl.pem")));
}

#[test]
fn a_service_tells_its_backends_who_the_visitor_is() {
    let config = read("#### Backends that are told of visitors");
    let mail = config.services["mail"].target.backends().expect("it has backends");
    assert_eq!((mail.protocol.send_proxy, mail.check.protocol.send_proxy), (Some(Version::V2), Some(Version::V2)));
}

#[test]
fn a_service_compresses_for_visitors() {
    let config = read("### `services.NAME.compression`");
    let compression = config.services["www"].compression.clone().unwrap();
    assert_eq!(compression.algorithms, [proxy::Algorithm::Brotli, proxy::Algorithm::Gzip]);
    assert_eq!(compression.min_size, 1024);
}

#[test]
fn a_pool_of_proxies_that_serve_https_is_probed_as_visitors_come() {
    let mut document = serde_json::json!({
        "version": 1, "name": "ns", "listeners": ["192.0.2.1:53"], "admin": { "socket": "/run/admin.sock" }, "state_dir": "/state",
        "zones": { "example.net": { "file": "/zones/example.net.zone" } },
    });
    document.as_object_mut().unwrap().extend(example("### `pools.NAME.check.tls`"));
    let config = dns::parse(Path::new("dns.json"), &document.to_string()).unwrap();
    let check = &config.pools["www.l.example.net"].check;
    let tls = check.protocol.tls.as_deref().unwrap();
    assert_eq!(tls.ca_file.as_deref(), Some(Path::new("/etc/ssl/certs/ca-certificates.crt")));
    let host = Some("www.example.net".to_owned());
    assert_eq!(tls.server_name, host);
    assert!(
        matches!(&check.kind, ProbeKind::Http { host: asked, path, .. } if *asked == host && path == "/.polder/ready")
    );
}
