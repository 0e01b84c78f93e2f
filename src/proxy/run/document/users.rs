//! The files of users that a document names.

use rustix::fs::{Access, access};

use super::checked::Checked;
use crate::config::ProxyConfig;
use crate::daemon::key_file::KeyError;
use crate::proxy::control::prepared::Prepared;
use crate::proxy::edge::basic_auth::users::Users;

/// Reads them.
pub fn check(config: &ProxyConfig, checked: &mut Checked<'_>) {
    for service in config.services.values() {
        let Some(users_file) = service.basic_auth.as_ref().map(|auth| &auth.users_file) else { continue };
        let Err(error) = Users::read(users_file) else { continue };
        checked.add(key(&service.name), error.to_string(), access(users_file, Access::READ_OK).is_err());
    }
}

/// Those that cannot be used.
pub fn unusable(prepared: &Prepared) -> Vec<KeyError> {
    prepared.users_files().filter_map(|(front, file)| Some(file.error()?.of(key(&front.name)))).collect()
}

fn key(service: &str) -> String {
    format!("services.{service}.basic_auth.users_file")
}
