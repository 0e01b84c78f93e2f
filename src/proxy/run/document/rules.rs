//! The files that rules of services stand in: users and networks.

use rustix::fs::{Access, access};

use super::checked::Checked;
use crate::config::ProxyConfig;
use crate::daemon::key_file::KeyError;
use crate::proxy::control::prepared::Prepared;
use crate::proxy::edge::Edge;

/// Reads them.
pub fn check(config: &ProxyConfig, checked: &mut Checked<'_>) {
    for service in config.services.values() {
        for file in Edge::of(service).iter().flat_map(|edge| edge.files()) {
            let Some(error) = file.error() else { continue };
            let is_unread = access(file.path(), Access::READ_OK).is_err();
            checked.add(key(&service.name, file.key()), error.to_string(), is_unread);
        }
    }
}

/// Those that cannot be used.
pub fn unusable(prepared: &Prepared) -> Vec<KeyError> {
    let files = prepared.rule_files();
    files.filter_map(|(front, file)| Some(file.error()?.of(key(&front.name, file.key())))).collect()
}

fn key(service: &str, key: &str) -> String {
    format!("services.{service}.{key}")
}
