//! TLS to backends: the files that a document names for it.

use std::io;
use std::sync::Arc;

use crate::config::proxy::ServiceConfig;
use crate::config::{BackendProtocol, ProxyConfig};
use crate::daemon::key_file::KeyError;
use crate::tls::client::{self, Connector};
use crate::tls::pem::CertificateError;

/// Why the files of a service cannot be used.
pub struct Unusable {
    /// The path in the document.
    pub path: String,
    /// What is wrong with them.
    pub error: CertificateError,
    /// They are not there yet, or whoever checks may not read them.
    pub is_unread: bool,
}

fn protocol(service: &ServiceConfig) -> Option<&BackendProtocol> {
    Some(&service.target.backends()?.protocol)
}

fn path(service: &ServiceConfig) -> String {
    format!("services.{}.backend_tls", service.name)
}

/// What is wrong with the files, as far as can be told without keys.
pub fn check(document: &ProxyConfig) -> impl Iterator<Item = Unusable> {
    document.services.values().filter_map(|service| {
        let error = client::check(protocol(service)?.tls.as_deref()?).err()?;
        let is_unread = matches!(error.kind, Some(io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied));
        Some(Unusable { path: path(service), error, is_unread })
    })
}

/// How the backends of a document are connected to, each once, their files read anew if they have changed; and the errors of those
/// that cannot be used.
pub fn read(document: &ProxyConfig) -> (Vec<Arc<Connector>>, Vec<KeyError>) {
    let (mut connectors, mut errors) = (Vec::new(), Vec::new());
    for service in document.services.values() {
        let Some(connector) = protocol(service).and_then(Connector::of) else { continue };
        connector.refresh();
        let error = connector.error();
        errors.extend(error.map(|error| KeyError::at(&error.file, None, error.why).of(path(service))));
        connectors.push(connector);
    }
    (connectors, errors)
}
