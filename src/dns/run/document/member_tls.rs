//! TLS to the members of pools: the files that their checks go by.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::config::{DnsConfig, Finding};
use crate::daemon::key_file::KeyError;
use crate::tls::client::{self, Connector};

/// What is wrong with the files, as far as can be told without keys; and those that are not there yet, or that whoever checks may not
/// read.
pub(super) fn check(file: &Path, config: &DnsConfig) -> (Vec<Finding>, Vec<Finding>) {
    let errors = config.pools.iter().filter_map(|(name, pool)| {
        let error = client::check(pool.check.protocol.tls.as_deref()?).err()?;
        let is_unread = matches!(error.kind, Some(io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied));
        let finding = Finding { file: file.to_owned(), line: None, path: path(name), message: error.to_string() };
        Some((is_unread, finding))
    });
    let (unread, unusable): (Vec<_>, Vec<_>) = errors.partition(|(is_unread, _)| *is_unread);
    let findings = |all: Vec<(bool, Finding)>| all.into_iter().map(|(_, finding)| finding).collect();
    (findings(unusable), findings(unread))
}

/// How the members of a document are probed over TLS, the files read anew if they have changed; and the errors of those that cannot be
/// used.
pub(super) fn read(config: &DnsConfig) -> (Vec<Arc<Connector>>, Vec<KeyError>) {
    let (mut connectors, mut errors) = (Vec::<Arc<Connector>>::new(), Vec::new());
    for (name, pool) in &config.pools {
        let Some(connector) = Connector::of(&pool.check.protocol) else { continue };
        connector.refresh();
        let error = connector.error();
        errors.extend(error.map(|error| KeyError::at(&error.file, None, error.why).of(path(name))));
        if !connectors.iter().any(|known| Arc::ptr_eq(known, &connector)) {
            connectors.push(connector);
        }
    }
    (connectors, errors)
}

fn path(pool: &str) -> String {
    format!("pools.{pool}.check.tls")
}
