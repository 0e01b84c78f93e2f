//! The document of a rehearsal: the new one without everything that would disturb the running daemon (pure).
//!
//! Everything that a visitor or a resolver can notice stays as it is. Called by `proxy` and `nameserver`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use serde_json::{Map, Value, json};

/// What a rehearsal uses in place of the document's own files, key and listeners.
#[derive(Debug, Clone, Copy)]
pub(super) struct Substitutes<'a> {
    /// The system that the document belongs to.
    pub(super) system: &'a Path,
    /// The folder for its socket and its state.
    pub(super) folder: &'a Path,
    /// Replaces every key file: a rehearsal reads no real key.
    pub(super) key: &'a Path,
    /// The addresses to listen on, one for each listener of the document.
    pub(super) listeners: &'a [SocketAddr],
}

/// The document keys that name a file to read, and a key file.
const FILE: &str = "file";
const KEY_FILE: &str = "key_file";
const CA_FILE: &str = "ca_file";
const SECRET_FILE: &str = "secret_file";

/// A zone is signed by the keys in this folder. Of peers it has the public keys, in a list.
const KEY_FOLDER: &str = "keys";

/// Certificates that cannot be used keep no daemon from starting: their keys may come later.
const CERTIFICATES: &str = "certificates";

/// `proxy.json`. `latched`: the services that have a latch.
pub(super) fn of_proxy(document: &Value, substitutes: &Substitutes<'_>, latched: &[&str]) -> Value {
    let mut altered = of_daemon(document, substitutes);
    let listeners = substitutes.listeners.iter().enumerate();
    let listeners: Vec<Value> =
        listeners.map(|(n, at)| json!({ "name": format!("rehearsal-{n}"), "address": at })).collect();
    altered.insert("listeners".into(), listeners.into());
    // The access log is the running daemon's.
    altered.remove("access_log");
    // Visitors' routes are asked in clear text: certificates may come later, and their keys are not read.
    altered.remove("tls");
    // The agreement knows one proxy of this name, which runs: a rehearsal has no vote, and takes no step.
    altered.remove("agreement");
    // Certificates are the running daemons' to order: a CA counts orders, and nameservers are told what is wanted.
    altered.remove("acme");
    let mut services = altered.get_mut("services").and_then(Value::as_object_mut);
    if let Some(services) = &mut services {
        services.retain(|_, service| !shows_a_certificate(service));
    }
    for service in services.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        for key in ["tls", "https", "hsts", "without_agreement"] {
            service.remove(key);
        }
        for key in ["request_headers", "response_headers"] {
            service.get_mut(key).and_then(Value::as_object_mut).into_iter().for_each(forget_tls);
        }
    }
    for service in latched {
        if let Some(Value::Object(service)) = altered.get_mut("services").and_then(|services| services.get_mut(service))
        {
            // The machine has not just started, so a backend that is down is not about to come up.
            service.insert("start_grace".into(), "0s".into());
        }
    }
    altered.into()
}

/// Leaves out the header fields whose values speak of TLS, which is not there.
fn forget_tls(edits: &mut Map<String, Value>) {
    let speaks_of_tls = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        text.contains("{tls_") || text.contains("{client_cert_")
    };
    for fields in edits.values_mut().filter_map(Value::as_object_mut) {
        fields.retain(|_, value| !speaks_of_tls(value));
    }
}

/// Its backends are shown a certificate, whose key no rehearsal reads: without it they would be lost.
fn shows_a_certificate(service: &Value) -> bool {
    service.pointer("/backend_tls/client_certificate").is_some()
}

/// `dns.json`.
pub(super) fn of_nameserver(document: &Value, substitutes: &Substitutes<'_>) -> Value {
    let mut altered = of_daemon(document, substitutes);
    altered.insert("listeners".into(), json!(substitutes.listeners));
    // The running daemon listens there; a rehearsal is told nothing.
    altered.remove("acme_challenges");
    // Its receiver reads what real resolvers ask.
    altered.remove("dnstap");
    // What answers is the same over every transport, and no rehearsal reads the keys of certificates.
    altered.remove("encrypted");
    // No rehearsal reads secrets, tells other nameservers anything, or asks them for their zones.
    altered.remove("tsig_keys");
    if let Some(zones) = altered.get_mut("zones").and_then(Value::as_object_mut) {
        zones.retain(|_, zone| zone.get(FILE).is_some());
        for zone in zones.values_mut().filter_map(Value::as_object_mut) {
            zone.remove("transfer");
            // The addresses are the same without signatures.
            zone.remove("dnssec");
        }
    }
    altered.into()
}

fn of_daemon(document: &Value, substitutes: &Substitutes<'_>) -> Map<String, Value> {
    let mut document = document.clone();
    find_files(&mut document, substitutes);
    let mut altered = match document {
        Value::Object(altered) => altered,
        _ => Map::new(),
    };
    altered.remove("peers");
    altered.insert("admin".into(), json!({ "socket": substitutes.folder.join("admin.sock") }));
    altered.insert("state_dir".into(), json!(substitutes.folder.join("state")));
    altered
}

/// Replaces files by those of the system: relative ones, beside its document, and those that it has under /etc.
fn find_files(value: &mut Value, substitutes: &Substitutes<'_>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(file) if key == FILE || key == CA_FILE => *file = placed(file, substitutes.system),
                    Value::String(file) if key == KEY_FILE => *file = substitutes.key.to_string_lossy().into_owned(),
                    _ => find_files(value, substitutes),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| find_files(value, substitutes)),
        _ => {}
    }
}

/// Every file or folder of keys that a document names, but those of certificates.
pub(super) fn key_files(document: &Value) -> Vec<&str> {
    match document {
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, value)| match value {
                Value::String(file) if [KEY_FILE, SECRET_FILE, KEY_FOLDER].contains(&key.as_str()) => {
                    vec![file.as_str()]
                }
                _ if key == CERTIFICATES => Vec::new(),
                value => key_files(value),
            })
            .collect(),
        Value::Array(list) => list.iter().flat_map(key_files).collect(),
        _ => Vec::new(),
    }
}

fn placed(file: &str, system: &Path) -> String {
    let path = match file.strip_prefix('/') {
        None => system.join("etc/polder").join(file),
        Some(below) if below.starts_with("etc/") && system.join(below).exists() => system.join(below),
        Some(_) => return file.to_owned(),
    };
    path.to_string_lossy().into_owned()
}

/// Where a listener can be reached from this machine.
pub(super) fn reached(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}

#[cfg(test)]
mod tests;
