//! proxy.json, dns.json and the fleet: any text is taken or refused in words, and what is taken is JSON to others too.

use std::path::Path;

use polder::config::proxy::ServiceConfig;
use polder::config::{Findings, dns, proxy};
use polder::fleet::{self, System};

use crate::findings;

/// One text as each of the documents.
pub fn check(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let proxy = read(text, |text| proxy::parse(Path::new("/etc/polder/proxy.json"), text));
    let dns = read(text, |text| dns::parse(Path::new("/etc/polder/dns.json"), text));
    let fleet = read(text, |text| fleet::parse(Path::new("/etc/polder/fleet.json"), text));
    assert!(proxy.is_none() || dns.is_none(), "one text is two documents");

    if let Some(proxy) = proxy {
        assert!(!proxy.listeners.is_empty(), "a proxy that listens nowhere");
        let tried = |service: &ServiceConfig| {
            service.target.backends().is_none_or(|all| (1..=128).contains(&all.backends.len()))
        };
        assert!(proxy.services.values().all(tried), "no backend, or more than can be remembered as tried");
    }
    if let Some(dns) = dns {
        assert!(!dns.listeners.is_empty(), "a nameserver that listens nowhere");
    }
    // A fleet holds its hosts' documents as text.
    for system in fleet.iter().flat_map(|fleet| fleet.systems.values()) {
        if let System::Rendered { dns, proxy, .. } = system {
            dns.as_ref().map(|text| read(text, |text| dns::parse(Path::new("dns.json"), text)));
            proxy.as_ref().map(|text| read(text, |text| proxy::parse(Path::new("proxy.json"), text)));
        }
    }
}

fn read<T: PartialEq + std::fmt::Debug>(text: &str, parse: impl Fn(&str) -> Result<T, Findings>) -> Option<T> {
    let read = parse(text);
    assert_eq!(read, parse(text), "read twice it is two things");
    match read {
        Ok(document) => {
            let json = serde_json::from_str::<serde_json::Value>(text);
            assert!(json.is_ok(), "taken, though it is no JSON: {json:?}");
            Some(document)
        }
        Err(found) => {
            findings::in_words(&found, text.split('\n').count());
            None
        }
    }
}
