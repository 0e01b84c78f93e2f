//! TLS to the members of pools, and to the primaries of zones: the files that checks and transfers go by.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::config::{BackendTls, DnsConfig, Finding};
use crate::daemon::key_file::KeyError;
use crate::tls::client::{self, Application, Connector};

/// What is wrong with the files, as far as can be told without keys; and those that are not there yet, or that whoever checks may not
/// read.
pub(super) fn check(file: &Path, config: &DnsConfig) -> (Vec<Finding>, Vec<Finding>) {
    let errors = settings(config).into_iter().filter_map(|Settings { path, tls, .. }| {
        let error = client::check(tls).err()?;
        let is_unread = matches!(error.kind, Some(io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied));
        let finding = Finding { file: file.to_owned(), line: None, path, message: error.to_string() };
        Some((is_unread, finding))
    });
    let (unread, unusable): (Vec<_>, Vec<_>) = errors.partition(|(is_unread, _)| *is_unread);
    let findings = |all: Vec<(bool, Finding)>| all.into_iter().map(|(_, finding)| finding).collect();
    (findings(unusable), findings(unread))
}

/// How the members and primaries of a document are connected with over TLS, the files read anew if they have changed; and the errors of
/// those that cannot be used.
pub(super) fn read(config: &DnsConfig) -> (Vec<Arc<Connector>>, Vec<KeyError>) {
    let (mut connectors, mut errors) = (Vec::<Arc<Connector>>::new(), Vec::new());
    for Settings { path, tls, application } in settings(config) {
        let connector = Connector::with(tls, application);
        connector.refresh();
        let error = connector.error();
        errors.extend(error.map(|error| KeyError::at(&error.file, None, error.why).of(path)));
        connectors.push(connector);
    }
    (connectors, errors)
}

/// Settings of TLS, and where the document has them.
struct Settings<'c> {
    path: String,
    tls: &'c BackendTls,
    application: Application,
}

/// Each once: thousands of zones may come from the same primary.
fn settings(config: &DnsConfig) -> Vec<Settings<'_>> {
    let of_pools = config.pools.iter().filter_map(|(name, pool)| {
        let protocol = &pool.check.protocol;
        let tls = protocol.tls.as_deref()?;
        Some(Settings { path: format!("pools.{name}.check.tls"), tls, application: protocol.version.into() })
    });
    let of_zones = config.zones.iter().flat_map(|(apex, zone)| {
        let of_members = zone.member().into_iter().map(move |member| (format!("zones.{apex}.members"), member));
        std::iter::once((format!("zones.{apex}"), zone)).chain(of_members)
    });
    let of_primaries = of_zones.flat_map(|(path, zone)| {
        zone.primaries().iter().enumerate().filter_map(move |(number, primary)| {
            let path = format!("{path}.primaries[{number}].tls");
            Some(Settings { path, tls: primary.tls.as_deref()?, application: Application::Dns })
        })
    });
    let mut known = BTreeSet::new();
    of_pools.chain(of_primaries).filter(|settings| known.insert((settings.tls, settings.application))).collect()
}
