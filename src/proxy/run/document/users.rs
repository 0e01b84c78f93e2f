//! The files of users that a document names.

use std::path::Path;

use rustix::fs::{Access, access};

use crate::config::{Finding, ProxyConfig};
use crate::daemon::key_file::KeyError;
use crate::proxy::control::prepared::Prepared;
use crate::proxy::edge::basic_auth::users::Users;

/// What `--check-config` says of them.
#[derive(Default)]
pub struct Checked {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What cannot be read here, and may be where the document is for.
    pub warnings: Vec<Finding>,
}

/// Reads them.
pub fn check(document: &Path, config: &ProxyConfig) -> Checked {
    let mut checked = Checked::default();
    for service in config.services.values() {
        let Some(users_file) = service.basic_auth.as_ref().map(|auth| &auth.users_file) else { continue };
        let Err(error) = Users::read(users_file) else { continue };
        let finding =
            Finding { file: document.to_owned(), line: None, path: key(&service.name), message: error.to_string() };
        match access(users_file, Access::READ_OK) {
            Ok(()) => checked.findings.push(finding),
            Err(_) => checked.warnings.push(finding),
        }
    }
    checked
}

/// Those that cannot be used.
pub fn unusable(prepared: &Prepared) -> Vec<KeyError> {
    prepared.users_files().filter_map(|(front, file)| Some(file.error()?.of(key(&front.name)))).collect()
}

fn key(service: &str) -> String {
    format!("services.{service}.basic_auth.users_file")
}
